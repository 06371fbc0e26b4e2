//! Who may do what, as pachd keeps it: roles of principals on resources, and tokens by their digests.
//!
//! What a role allows is for whoever serves the store to say.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::error::Failure;
use super::rows::time;
use super::store::Store;
use super::work::Work;
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::Repo;

/// Who a token stands for, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    pub principal: String,
    pub expires: Option<Timestamp>,
}

/// How a repo is named among the resources that there are roles on.
pub(super) fn resource_of(repo: &Repo) -> String {
    format!("REPO {repo}")
}

impl Work<'_> {
    /// Sets the roles that somebody has on something; without any, takes those away that there were.
    pub fn set_roles<'a>(
        &mut self,
        resource: &str,
        principal: &str,
        roles: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Failure> {
        self.db
            .prepare_cached("DELETE FROM role_bindings WHERE resource = ?1 AND principal = ?2")?
            .execute([resource, principal])?;
        let mut insert = self
            .db
            .prepare_cached("INSERT OR IGNORE INTO role_bindings (resource, principal, role) VALUES (?1, ?2, ?3)")?;
        for role in roles {
            insert.execute([resource, principal, role])?;
        }
        Ok(())
    }

    /// What is made from now on, this principal owns.
    pub fn act_as(&mut self, principal: Option<String>) {
        self.principal = principal;
    }

    pub(super) fn own(&mut self, repo: &Repo) -> Result<(), Failure> {
        match self.principal.clone() {
            Some(principal) => self.set_roles(&resource_of(repo), &principal, ["repoOwner"]),
            None => Ok(()),
        }
    }

    pub(super) fn forget_roles_on(&self, resource: &str) -> Result<(), Failure> {
        self.db
            .prepare_cached("DELETE FROM role_bindings WHERE resource = ?1")?
            .execute([resource])?;
        Ok(())
    }

    /// Takes note of a token that was given out, and forgets those that have long expired.
    pub fn add_token(&mut self, digest: &[u8; 32], principal: &str, expires: Option<Timestamp>) -> Result<(), Failure> {
        const DAY: i64 = 86_400_000_000;
        self.db
            .prepare_cached("DELETE FROM tokens WHERE expires < ?1")?
            .execute([self.now - DAY])?;
        self.db
            .prepare_cached("INSERT INTO tokens (digest, principal, expires) VALUES (?1, ?2, ?3)")?
            .execute(params![
                digest.as_slice(),
                principal,
                expires.map(Timestamp::as_microsecond)
            ])?;
        Ok(())
    }

    /// Forgets all tokens of somebody.
    pub fn revoke_tokens_of(&mut self, principal: &str) -> Result<(), Failure> {
        self.db
            .prepare_cached("DELETE FROM tokens WHERE principal = ?1")?
            .execute([principal])?;
        Ok(())
    }

    /// Forgets a token, and tells whether it was there.
    pub fn revoke_token(&mut self, digest: &[u8; 32]) -> Result<bool, Failure> {
        let mut delete = self.db.prepare_cached("DELETE FROM tokens WHERE digest = ?1")?;
        Ok(delete.execute([digest.as_slice()])? > 0)
    }
}

impl Store {
    pub fn token(&self, digest: &[u8; 32]) -> Result<Option<TokenRecord>, Fault> {
        self.database.read(|tx| {
            let mut select = tx.prepare_cached("SELECT principal, expires FROM tokens WHERE digest = ?1")?;
            let found = select.query_row([digest.as_slice()], |row| {
                Ok(TokenRecord {
                    principal: row.get(0)?,
                    expires: row.get::<_, Option<i64>>(1)?.map(time),
                })
            });
            Ok(found.optional()?)
        })
    }

    /// The roles on a resource, by principal.
    pub fn roles_on(&self, resource: &str) -> Result<BTreeMap<String, Vec<String>>, Fault> {
        self.database.read(|tx| roles_on(tx, resource))
    }
}

fn roles_on(db: &Connection, resource: &str) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let mut select =
        db.prepare_cached("SELECT principal, role FROM role_bindings WHERE resource = ?1 ORDER BY principal, role")?;
    let mut rows = select.query([resource])?;
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        found.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    Ok(found)
}
