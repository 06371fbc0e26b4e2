//! Several changes in one transaction: all of them are on disk afterwards, or none.

use rusqlite::Connection;

use super::archives::remove_doomed;
use super::dialect::Dialect;
use super::error::Failure;
use super::rows::new_commit_id;
use super::store::Store;
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::CommitId;

/// Changes under the store's write lock. Its methods are pachd's calls, and refuse in pachd's words.
pub struct Work<'a> {
    pub(super) db: &'a Connection,
    /// Microseconds since 1970; the same for all that is done together.
    pub(super) now: i64,
    /// The id of every commit that is started, instead of a new one for each.
    pub(super) commit_id: Option<CommitId>,
    /// Commits on the branches that pipelines write are refused.
    pub(super) closes_outputs: bool,
    /// Who owns what is made.
    pub(super) principal: Option<String>,
    pub(super) dialect: Dialect,
    /// How many paths of a commit are settled in this transaction.
    pub(super) slice: usize,
}

impl Store {
    /// Carries out `work` as one transaction.
    ///
    /// # Errors
    /// What `work` answers, and then nothing of it has happened; or what is wrong with the disk.
    pub fn change<T>(&self, work: impl FnOnce(&mut Work<'_>) -> Result<T, Failure>) -> Result<T, Fault> {
        let value = self.database.write(|tx| work(&mut Work::on(tx, self)))?;
        remove_doomed(self);
        Ok(value)
    }
}

impl<'a> Work<'a> {
    pub(super) fn on(db: &'a Connection, store: &Store) -> Self {
        Self {
            db,
            now: store.now(),
            commit_id: None,
            closes_outputs: store.closes_outputs,
            principal: None,
            dialect: store.database.dialect,
            slice: store.slices.paths,
        }
    }

    /// Whose behaviour this is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// From here on, commits are started with this id, as those of one of pachd's transactions are (p 022, 043–045).
    pub fn name_commits(&mut self, id: CommitId) {
        self.commit_id = Some(id);
    }

    pub(super) fn next_commit_id(&self) -> Result<CommitId, Failure> {
        match &self.commit_id {
            Some(id) => Ok(id.clone()),
            None => new_commit_id(),
        }
    }

    /// Does `work` and takes it back, whatever comes of it.
    ///
    /// # Errors
    /// What `work` answers.
    pub fn try_out<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        self.db.execute_batch("SAVEPOINT try_out")?;
        let named = self.commit_id.clone();
        let outcome = work(self);
        self.commit_id = named;
        self.db.execute_batch("ROLLBACK TO try_out; RELEASE try_out")?;
        outcome
    }
}
