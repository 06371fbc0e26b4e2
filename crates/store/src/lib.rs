//! The embedded store behind `local:DIR`: repos, branches and commits on this disk, with pachd's behaviour.
//!
//! An adapter: it implements the ports [`CommitHistory`], [`CommitSink`], [`FileSource`] and
//! [`CommitFeed`](spoutctl_core::feed::CommitFeed), and knows no terminal, no environment and no network. Whoever
//! serves the store to others uses more of it: [`Store::change`] for several of pachd's calls in one transaction
//! ([`Work`]), records of all there is, and [`View`]s of any commit.
//!
//! # Layout
//!
//! ```text
//! DIR/store.sqlite            who is whose parent, what is where, what expires when (SQLite, WAL mode)
//! DIR/archives/ab/ab12….tar   the content: one tar archive an upload, named by the SHA-256 of its bytes
//! DIR/incoming/               archives that are being written
//! ```
//!
//! An *upload* is one archive and the index of the changes in it (a deletion has no bytes and stands in the index
//! alone, so two uploads may share an archive). A *file set* is a list of uploads with an expiry; adding it to a commit
//! adds the list. A commit is *closed* when nothing can be added any more, and *settled* after that (`settle`): what
//! its uploads come to is written down as one *version* a path, and the tree is the newest version of each path among
//! the commit's ancestors (`tree`). Nothing is copied: a file's content is read from the archives it came in, and what
//! was appended to it is found by walking from version to version.
//!
//! The ports close in one transaction, which settles all but large commits, too. Those, and what is only closed through
//! [`Work`], are settled by [`Store::settle_next`]: whoever comes first, in this process or another, slice after slice,
//! one commit after the other along its line.
//!
//! # What holds
//!
//! - A commit that was acknowledged as finished is there after a crash of this program, of the machine, or of its
//!   power.
//! - A row never names an archive that is not on disk, whole, under its name.
//! - An archive is never changed. It is removed when no row names it, and only by who holds the write lock.
//! - Versions exist for commits that finished without an error, and for no others. Open commits and those that
//!   finished with an error have no content for the ports: reading one by its id is `NotFound` and says why. A [`View`]
//!   shows them all the same, as pachd does (recordings p 061, 069–071); nobody wants to read those by accident.
//! - No good commit's tree has a path that is both file and directory. pachd misses some of those collisions.
//! - A commit that was acknowledged as closed is settled one day, whatever is killed meanwhile.
//! - What a squashed commit held is kept as long as some commit is built on it.
//!
//! # What is synced when
//!
//! The archive's bytes, before it gets its name; the directory that the name is in, before the transaction with the
//! archive's row is committed; the transaction itself, by `SQLite` with `synchronous=FULL`, before a call returns. So a
//! crash leaves at most an archive that nobody knows: one without a row, or one in `incoming`. Opening a store for
//! writing sweeps those away: from `incoming` what no living process has locked, and strays from one directory of
//! `archives` after the other, one at each opening.
//!
//! # Errors
//!
//! Whatever reads or writes the store answers what is wrong with the disk, if something is. Only what else a call may
//! answer stands beside it.
//!
//! # Memory
//!
//! Bounded: up to 4 MiB of the database's pages a connection (one connection for each call that is under way, four kept
//! between calls), 1 MiB of a file that is being uploaded and as much of its index, a page of paths or commits while
//! listing. Reading a file holds the list of pieces that one commit added to it: one, unless its pieces were sent
//! between those of others. A [`View`] holds the list of the uploads that were added to an open or errored commit.
//!
//! # Several processes
//!
//! Every call is one transaction. Only an archive's file set is written down, and a commit of 2.x settled, in several,
//! each of a slice of the paths (`settle`). What one `ModifyFile` changes, a commit that 1.x finishes, an alias, what
//! was closed on a commit that 1.x deletes, and dropping a large commit or a repo are one transaction however long.
//! `SQLite` lets one writer in at a time; who does not get in within ten seconds answers `Unavailable`. Uploads are
//! written without any lock, and take it only to be indexed. `SQLite`'s locks and its shared memory need a local file
//! system.
//!
//! A store that a later version has opened is of that version. Processes of an earlier one that have it open go on,
//! except that what they would finish in the place of a commit that is being settled is refused: end them first.

#![allow(
    clippy::missing_errors_doc,
    reason = "said once, above; what is special to a call stands beside it"
)]
#![allow(
    clippy::must_use_candidate,
    reason = "this crate is not published: its callers are all here"
)]

mod access;
mod archives;
mod changed;
mod commit;
mod commit_row;
mod content;
mod database;
mod dialect;
mod diff;
mod directory;
mod entry;
mod error;
mod feed;
mod file_set;
mod job;
mod listing;
mod lookup;
mod metadata;
mod opening;
mod pipeline;
mod record;
mod refusal;
mod removal;
mod repo;
mod requests;
mod rows;
mod secret;
pub mod serve;
mod settle;
mod slices;
mod squashing;
mod staging;
mod store;
#[cfg(test)]
mod tests;
mod transaction;
mod tree;
mod upload;
mod view;
mod work;

use std::io::Read;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

pub use self::access::TokenRecord;
pub use self::dialect::{Dialect, Restart};
pub use self::error::{Failure, StoreError};
pub use self::job::{JobRecord, JobState};
pub use self::lookup::CommitSelector;
pub use self::metadata::{Edit, Subject};
pub use self::pipeline::{NewPipeline, PipelineRecord};
pub use self::record::CommitRecord;
pub use self::refusal::{CommitName, Refusal};
pub use self::repo::{BranchRecord, ProjectRecord, RepoRecord};
pub use self::secret::SecretRecord;
pub use self::store::Store;
pub use self::transaction::PendingTransaction;
pub use self::tree::bounds_of_directory;
pub use self::view::{FileEntry, View};
pub use self::work::Work;
use spoutctl_core::commit_set::SquashingSink;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::history::CommitHistory;
use spoutctl_core::pfs::{
    Branch, BranchInfo, Commit, CommitId, CommitInfo, FileInfo, FilePath, FileSetId, PipelineKind, Repo,
};
use spoutctl_core::sink::{Changes, CommitSink, RoutingSink, StagingSink};
use spoutctl_core::source::{FileChange, FileSource};

/// How often [`CommitSink::wait_commit`] looks: first, and at most.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LAST_LOOK: Duration = Duration::from_millis(250);

impl CommitHistory for Store {
    fn repo_exists(&self, repo: &Repo) -> Result<bool, Fault> {
        self.database.read(|tx| Ok(lookup::find_repo(tx, repo)?.is_some()))
    }

    fn inspect_branch(&self, branch: &Branch) -> Result<Option<BranchInfo>, Fault> {
        self.database.read(|tx| repo::inspect_branch(tx, branch))
    }

    fn inspect_commit(&self, commit: &Commit) -> Result<CommitInfo, Fault> {
        self.database.read(|tx| record::inspect(tx, commit))
    }

    fn list_commits(&self, branch: &Branch, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        record::list(self, branch, visit)
    }
}

impl CommitSink for Store {
    /// A project needs no making here: it is there when a repo is in it.
    fn create_repo(&self, repo: &Repo) -> Result<(), Fault> {
        self.change(|work| {
            match work.create_project(&repo.project, "", false) {
                Ok(()) | Err(Failure::Refusal(Refusal::ProjectExists(_))) => {}
                Err(failure) => return Err(failure),
            }
            work.create_repo(repo, "", false)
        })
    }

    fn pipeline_kind(&self, _repo: &Repo) -> Result<Option<PipelineKind>, Fault> {
        Ok(None)
    }

    fn create_file_set(&self, changes: &mut dyn Changes) -> Result<FileSetId, Fault> {
        file_set::create(self, changes)
    }

    fn renew_file_set(&self, file_set: &FileSetId, ttl: Duration) -> Result<(), Fault> {
        file_set::renew(self, file_set, ttl)
    }

    fn compose_file_set(&self, parts: &[FileSetId], ttl: Duration) -> Result<FileSetId, Fault> {
        file_set::compose(self, parts, ttl)
    }

    fn start_commit(&self, branch: &Branch, description: &str) -> Result<CommitId, Fault> {
        self.change(|work| work.start_commit(branch, None, description))
    }

    fn add_file_set(&self, commit: &Commit, file_set: &FileSetId) -> Result<(), Fault> {
        self.change(|work| work.add_file_set(&commit.into(), file_set))
    }

    fn finish_commit(&self, commit: &Commit, description: &str, error: Option<&str>) -> Result<(), Fault> {
        self.change(|work| work.finish_and_settle(commit, description, error.unwrap_or_default()))
    }

    fn wait_commit(&self, commit: &Commit, timeout: Duration) -> Result<CommitInfo, Fault> {
        let begun = Instant::now();
        let mut pause = FIRST_LOOK;
        loop {
            let info = self.inspect_commit(commit)?;
            if info.finished.is_some() {
                return Ok(info);
            }
            // Whoever closed it may be gone; whoever waits can settle it.
            let is_closed = info.finishing.is_some();
            let left = timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                let open = if is_closed {
                    self.open_base(&commit.into())?
                } else {
                    None
                };
                let how = match open {
                    Some(open) => format!("not finished yet: it goes on from {open}, which is still open"),
                    None if is_closed => "not finished yet".to_owned(),
                    None => "still open".to_owned(),
                };
                return Err(Fault::new(FaultKind::Unavailable, format!("commit {commit} is {how}")));
            }
            if is_closed && self.settle_next()?.is_some() {
                continue;
            }
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(LAST_LOOK);
        }
    }

    fn staging(&self) -> Result<&dyn StagingSink, Fault> {
        Ok(self)
    }

    fn routing(&self) -> Result<&dyn RoutingSink, Fault> {
        Ok(self)
    }

    fn squashing(&self) -> Result<&dyn SquashingSink, Fault> {
        Ok(self)
    }

    fn drop_commit(&self, commit: &Commit) -> Result<(), Fault> {
        self.change(|work| match work.drop_commit_set(&commit.id)? {
            // pachd says nothing here; who asks for it wants to know.
            0 => Err(Refusal::CommitSetNotFound(commit.id.to_string()).into()),
            _ => Ok(()),
        })
    }
}

impl FileSource for Store {
    fn inspect_file(&self, commit: &Commit, path: &FilePath) -> Result<Option<FileInfo>, Fault> {
        self.database.read(|tx| content::inspect_file(tx, commit, path))
    }

    fn get_file<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault> {
        Ok(Box::new(content::file(self, commit, path)?))
    }

    fn get_file_tar<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault> {
        Ok(Box::new(content::tar(self, commit, path)?))
    }

    fn diff_files(
        &self,
        new: &Commit,
        old: Option<&Commit>,
        visit: &mut dyn FnMut(FileChange) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        diff::visit(self, new, old, visit)
    }
}
