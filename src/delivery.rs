//! From a complete archive to a finished commit: once, in order, or not at all.
//!
//! This is the domain's heart. It knows archives and its own port, [`CommitSink`]; it knows no HTTP, no terminal, no
//! environment.

use std::io;
use std::time::Duration;

use crate::fault::Fault;
use crate::history::CommitHistory;
use crate::pfs::{Branch, Commit, CommitId, CommitInfo, FileSetId, PipelineKind, Repo};

/// One change to a file, in the order in which a file set takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// Forget what the parent commit has at this path (a file; a directory's deletion has no effect in a file set,
    /// recordings p 074–079).
    Delete { path: &'a str },
    /// These bytes, at most [`MAX_CHUNK`] of them, go to the end of the file. The first piece may be empty: it makes
    /// the file exist.
    Append { path: &'a str, data: &'a [u8] },
}

/// The largest piece of a file in one [`Change`]: 1 MiB. Well under every deployment's message limit (4 MiB in
/// pachd's test daemon, 20 MiB by default), base64 included.
pub const MAX_CHUNK: usize = 1 << 20;

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

    /// Which kind of pipeline has this repo as its output; `None` when no pipeline of that name exists.
    ///
    /// # Errors
    /// Any [`Fault`] but `NotFound`.
    fn pipeline_kind(&self, repo: &Repo) -> Result<Option<PipelineKind>, Fault>;

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

    /// Removes the commit, and every other of its id, for good. A call for it that is still on its way finds nothing.
    ///
    /// # Errors
    /// `Denied` where that needs a permission on the cluster; `NotFound` when it is gone already.
    fn drop_commit(&self, commit: &CommitId) -> Result<(), Fault>;
}
