//! Requests that are kept until they are carried out together. What they ask, only whoever serves the store knows.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::error::Failure;
use super::refusal::Refusal;
use super::rows::{commit_id, first_column, new_commit_id, time};
use super::store::Store;
use super::work::Work;
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::CommitId;

/// A transaction as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingTransaction {
    /// Also the id of the commits that it starts.
    pub id: CommitId,
    pub started: Timestamp,
    /// Each with what was answered when it was tried out.
    pub requests: Vec<(String, String)>,
}

impl Store {
    /// The transactions that are neither carried out nor deleted, oldest first.
    pub fn transactions(&self) -> Result<Vec<PendingTransaction>, Fault> {
        self.database.read(|tx| {
            let names: Vec<String> = first_column(tx, "SELECT name FROM transactions ORDER BY id", [])?;
            names.iter().map(|name| Ok(read(tx, name)?.1)).collect()
        })
    }

    /// # Errors
    /// `NotFound`.
    pub fn transaction(&self, id: &str) -> Result<PendingTransaction, Fault> {
        self.database.read(|tx| Ok(read(tx, id)?.1))
    }
}

fn read(db: &Connection, id: &str) -> Result<(i64, PendingTransaction), Failure> {
    let (row, started) = db
        .prepare_cached("SELECT id, started FROM transactions WHERE name = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or_else(|| Refusal::TransactionNotFound(id.to_owned()))?;
    let requests = db
        .prepare_cached("SELECT request, response FROM transaction_requests WHERE transaction_id = ?1 ORDER BY seq")?
        .query_map([row], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let pending = PendingTransaction {
        id: commit_id(id)?,
        started: time(started),
        requests,
    };
    Ok((row, pending))
}

impl Work<'_> {
    pub fn start_transaction(&mut self) -> Result<CommitId, Failure> {
        let id = new_commit_id()?;
        self.db
            .prepare_cached("INSERT INTO transactions (name, started) VALUES (?1, ?2)")?
            .execute(params![id.as_str(), self.now])?;
        Ok(id)
    }

    /// # Errors
    /// `NotFound`.
    pub fn transaction(&self, id: &str) -> Result<PendingTransaction, Failure> {
        Ok(read(self.db, id)?.1)
    }

    /// Keeps one more request, and what was answered when it was tried out.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn append_to_transaction(&mut self, id: &str, request: &str, response: &str) -> Result<(), Failure> {
        let (row, pending) = read(self.db, id)?;
        let seq = i64::try_from(pending.requests.len()).unwrap_or(i64::MAX);
        self.db
            .prepare_cached(
                "INSERT INTO transaction_requests (transaction_id, seq, request, response) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![row, seq, request, response])?;
        Ok(())
    }

    /// Forgets a transaction: nobody can carry it out any more.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete_transaction(&mut self, id: &str) -> Result<(), Failure> {
        let gone = self
            .db
            .prepare_cached("DELETE FROM transactions WHERE name = ?1")?
            .execute([id])?;
        if gone == 0 {
            return Err(Refusal::TransactionNotFound(id.to_owned()).into());
        }
        Ok(())
    }
}
