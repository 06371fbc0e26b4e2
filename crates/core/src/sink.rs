//! The port that archives become commits through: pachd through one of its doors, or the embedded store.
//!
//! [`CommitSink`] is what every store offers; [`StagingSink`] and [`RoutingSink`] are what those with transactions
//! offer besides. The methods are named as pachd's calls and mean what those mean.

use std::io;
use std::time::Duration;

use bytes::Bytes;

use crate::commit_set::SquashingSink;
use crate::fault::{Fault, FaultKind};
use crate::history::CommitHistory;
use crate::pfs::{Branch, Commit, CommitId, CommitInfo, FileSetId, PipelineKind, ProjectName, Repo, TransactionId};

/// One change to a file, in the order in which a file set takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<'a> {
    /// Forget what the parent commit has at this path (a file; a directory's deletion has no effect in a file set,
    /// recordings p 074–079).
    Delete { path: &'a str },
    /// These bytes, at most [`MAX_CHUNK`] of them, go to the end of the file. The first piece may be empty: it makes
    /// the file exist.
    Append { path: &'a str, data: Bytes },
}

impl<'a> Change<'a> {
    #[must_use]
    pub fn append(path: &'a str, data: impl Into<Bytes>) -> Self {
        let data = data.into();
        Self::Append { path, data }
    }
}

/// The largest piece of a file in one [`Change`]: 256 KiB. Well under every deployment's message limit (4 MiB in
/// pachd's test daemon, 20 MiB by default), base64 included; and what is read is still in the processor's cache when it
/// is handed on.
pub const MAX_CHUNK: usize = 256 << 10;

/// A stream of changes, read once from its start.
pub trait Changes {
    /// The next change, or `None` after the last.
    ///
    /// # Errors
    /// When this side cannot read what it holds. The sink must then abort the upload, never end it: a body that ends
    /// cleanly too early counts as complete.
    fn next(&mut self) -> io::Result<Option<Change<'_>>>;
}

/// A store that archives become commits in: pachd through one of its doors, or the embedded one.
///
/// The methods are named as pachd's calls and mean what those mean. All of them block; every one ends by itself.
pub trait CommitSink: CommitHistory + Send + Sync {
    /// # Errors
    /// `AlreadyExists` when it does.
    fn create_repo(&self, repo: &Repo) -> Result<(), Fault>;

    /// Whether the project exists. Where there are none (before Pachyderm 2.5), every repo is in the one that is called
    /// `default`.
    ///
    /// # Errors
    /// Any [`Fault`] but `NotFound`.
    fn project_exists(&self, _project: &ProjectName) -> Result<bool, Fault> {
        Ok(true)
    }

    /// Which kind of pipeline has this repo as its output; `None` when no pipeline of that name exists.
    ///
    /// # Errors
    /// Any [`Fault`] but `NotFound`.
    fn pipeline_kind(&self, repo: &Repo) -> Result<Option<PipelineKind>, Fault>;

    /// The id of the cluster that the store belongs to, where it has one.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn cluster(&self) -> Result<Option<String>, Fault> {
        Ok(None)
    }

    /// The permissions for writing the repo that we lack, as pachd names them. A store without permissions lacks none.
    ///
    /// # Errors
    /// `Denied` when it does not know us at all.
    fn missing_permissions(&self, _repo: &Repo) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    /// Whether changes can be uploaded before there is a commit for them. A store that has no file sets takes changes
    /// by [`CommitSink::put_file`] alone.
    ///
    /// # Errors
    /// Any [`Fault`], while that is not known.
    fn has_file_sets(&self) -> Result<bool, Fault> {
        Ok(true)
    }

    /// Whether the branch has nothing else at these paths, which files are to come to, once `deletions` are gone: a
    /// directory, or a file where one of them needs a directory; and whether each deletion names no directory. The
    /// files replace what is there if `overwrites`, and are appended to it otherwise. For a store without file sets,
    /// before anything is sent; one with them says so itself when the commit is finished, and deletes no directory.
    ///
    /// # Errors
    /// `Refused` when it has.
    fn check_paths(
        &self,
        _branch: &Branch,
        _paths: &[&str],
        _deletions: &[&str],
        _overwrites: bool,
    ) -> Result<(), Fault> {
        Ok(())
    }

    /// Writes changes straight into an open commit, where there are no file sets. Never to be called twice for one
    /// commit: after a fault some of the changes may be in it, or come late.
    ///
    /// # Errors
    /// `Local` when `changes` failed; `AlreadyFinished`, `NotFound` (the commit).
    fn put_file(&self, _commit: &Commit, _changes: &mut dyn Changes) -> Result<(), Fault> {
        Err(Fault::new(FaultKind::Refused, "PutFile: this store takes file sets"))
    }

    /// Uploads changes that nobody sees yet. May be repeated freely: an upload that failed leaves nothing behind.
    ///
    /// # Errors
    /// `Local` when `changes` failed; `TooLarge` when fewer at a time may work.
    fn create_file_set(&self, changes: &mut dyn Changes) -> Result<FileSetId, Fault>;

    /// # Errors
    /// `FileSetGone` when it has expired.
    fn renew_file_set(&self, file_set: &FileSetId, ttl: Duration) -> Result<(), Fault>;

    /// One file set that holds the changes of several, in this order.
    ///
    /// # Errors
    /// `FileSetGone` when one of them has expired.
    fn compose_file_set(&self, parts: &[FileSetId], ttl: Duration) -> Result<FileSetId, Fault>;

    /// # Errors
    /// `HeadOpen`, `OutputBranch`, `NotFound` (the repo).
    fn start_commit(&self, branch: &Branch, description: &str) -> Result<CommitId, Fault>;

    /// # Errors
    /// `FileSetGone`, `AlreadyFinished`, `NotFound` (the commit).
    fn add_file_set(&self, commit: &Commit, file_set: &FileSetId) -> Result<(), Fault>;

    /// Closes the commit for writing; `description` replaces the one it was started with. With `error` its data is
    /// never seen.
    ///
    /// # Errors
    /// `AlreadyFinished`, `NotFound` (the commit).
    fn finish_commit(&self, commit: &Commit, description: &str, error: Option<&str>) -> Result<(), Fault>;

    /// Waits until the commit is finished, for about `timeout` at most, and tells how it is then.
    ///
    /// # Errors
    /// `NotFound` when somebody has dropped it; `Unavailable` when the time is over.
    fn wait_commit(&self, commit: &Commit, timeout: Duration) -> Result<CommitInfo, Fault>;

    /// What `--staging` needs besides.
    ///
    /// # Errors
    /// `Refused` when the store has no transactions; any other [`Fault`], while that is not known.
    fn staging(&self) -> Result<&dyn StagingSink, Fault> {
        Err(Fault::new(
            FaultKind::Refused,
            "this store has no transactions, which --staging needs",
        ))
    }

    /// What `--route` and `--on-bad repo=` need besides.
    ///
    /// # Errors
    /// `Refused` when the store has no transactions; any other [`Fault`], while that is not known.
    fn routing(&self) -> Result<&dyn RoutingSink, Fault> {
        Err(Fault::new(
            FaultKind::Refused,
            "this store has no transactions, which --route and --on-bad repo=REPO need; --on-bad quarantine=DIR needs \
             none",
        ))
    }

    /// What `squash` needs besides.
    ///
    /// # Errors
    /// `Refused` when the store squashes nothing; any other [`Fault`], while that is not known.
    fn squashing(&self) -> Result<&dyn SquashingSink, Fault> {
        Err(Fault::new(
            FaultKind::Refused,
            "this store has no call that squashes a commit",
        ))
    }

    /// Removes the commit, and where there are any every other of its id, for good. A call for it that is still on its
    /// way finds nothing. It is open, or finished; never in between.
    ///
    /// # Errors
    /// `Denied` where that needs a permission on the cluster; `NotFound` when it is gone already.
    fn drop_commit(&self, commit: &Commit) -> Result<(), Fault>;
}

/// What `--staging` needs of a store besides [`CommitSink`].
pub trait StagingSink {
    /// Sets the branch to `head`, or makes it with an empty commit; one that has a head stays as it is then.
    ///
    /// # Errors
    /// `NotFound` (the repo, the commit).
    fn create_branch(&self, branch: &Branch, head: Option<&Commit>) -> Result<(), Fault>;

    /// A transaction without a call in it.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn start_transaction(&self) -> Result<TransactionId, Fault>;

    /// Has the transaction set `branch` to `head`. Nothing moves yet.
    ///
    /// # Errors
    /// `NotFound` when there is no such transaction or commit.
    fn move_branch(&self, transaction: &TransactionId, branch: &Branch, head: &Commit) -> Result<(), Fault>;

    /// Carries out what is in the transaction, which is gone then.
    ///
    /// # Errors
    /// `NotFound` when it was finished or deleted before.
    fn finish_transaction(&self, transaction: &TransactionId) -> Result<(), Fault>;

    /// The transaction is never carried out any more.
    ///
    /// # Errors
    /// `NotFound` when it was finished or deleted before.
    fn delete_transaction(&self, transaction: &TransactionId) -> Result<(), Fault>;

    /// The transactions that set `branch` to a commit and do nothing else, and the commit of each.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn list_moves(&self, branch: &Branch) -> Result<Vec<(TransactionId, Commit)>, Fault>;
}

/// What `--route` needs of a store besides [`CommitSink`]: commits that a transaction starts and closes. All that one
/// transaction starts have one id.
pub trait RoutingSink: StagingSink {
    /// Has the transaction start a commit on the branch's head, and tells the id that it will have.
    ///
    /// # Errors
    /// `HeadOpen`, `OutputBranch`, `NotFound` (the repo, the transaction).
    fn start_commit_in(
        &self,
        transaction: &TransactionId,
        branch: &Branch,
        description: &str,
    ) -> Result<CommitId, Fault>;

    /// Has the transaction close the commit, as [`CommitSink::finish_commit`] does.
    ///
    /// # Errors
    /// `AlreadyFinished`, `NotFound` (the commit, the transaction).
    fn finish_commit_in(
        &self,
        transaction: &TransactionId,
        commit: &Commit,
        description: &str,
        error: Option<&str>,
    ) -> Result<(), Fault>;
}
