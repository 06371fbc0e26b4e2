//! The names of secrets that pipelines may ask for. What is in them is of no use where no worker runs, so it is not
//! kept.

use jiff::Timestamp;

use super::error::Failure;
use super::refusal::Refusal;
use super::rows::time;
use super::store::Store;
use super::work::Work;
use spoutctl_core::fault::Fault;

/// What is told of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRecord {
    pub name: String,
    /// Kubernetes' type, such as `Opaque`.
    pub kind: String,
    pub created: Timestamp,
}

impl Work<'_> {
    /// # Errors
    /// `AlreadyExists`.
    pub fn create_secret(&mut self, name: &str, kind: &str) -> Result<(), Failure> {
        let made = self
            .db
            .prepare_cached("INSERT INTO secrets (name, kind, created) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
            .execute(rusqlite::params![name, kind, self.now])?;
        if made == 0 {
            return Err(Refusal::SecretExists(name.to_owned())
                .within("failed to create secret")
                .into());
        }
        Ok(())
    }

    /// # Errors
    /// `NotFound`.
    pub fn delete_secret(&mut self, name: &str) -> Result<(), Failure> {
        let gone = self
            .db
            .prepare_cached("DELETE FROM secrets WHERE name = ?1")?
            .execute([name])?;
        if gone == 0 {
            return Err(Refusal::SecretNotFound(name.to_owned())
                .within("failed to delete secret")
                .into());
        }
        Ok(())
    }
}

impl Store {
    /// In the order of their names.
    pub fn secrets(&self) -> Result<Vec<SecretRecord>, Fault> {
        self.database.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT name, kind, created FROM secrets ORDER BY name")?;
            let secrets = statement.query_map([], |row| {
                Ok(SecretRecord {
                    name: row.get(0)?,
                    kind: row.get(1)?,
                    created: time(row.get(2)?),
                })
            })?;
            Ok(secrets.collect::<Result<_, _>>()?)
        })
    }
}
