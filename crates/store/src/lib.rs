//! The embedded store behind `local:DIR`: repos, branches and commits on this disk, with pachd's behaviour.
//!
//! An adapter: it implements the ports [`CommitHistory`], [`CommitSink`], [`FileSource`] and
//! [`CommitFeed`](spoutctl_core::feed::CommitFeed), and knows no terminal, no environment and no network. Whoever serves the store to others uses more of it: [`Store::change`] for several of
//! pachd's calls in one transaction ([`Work`]), records of all there is, and [`View`]s of any commit.
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
//! adds the list. A commit is *closed* when nothing can be added any more, and *settled* after that (`settle`): what its
//! uploads come to is written down as one *version* a path, and the tree is the newest version of each path among the
//! commit's ancestors (`tree`). Nothing is copied: a file's content is read from the archives it came in, and what was
//! appended to it is found by walking from version to version.
//!
//! The ports close in one transaction, which settles all but large commits, too. Those, and what is only closed through
//! [`Work`], are settled by [`Store::settle_next`]: whoever comes first, in this process or another, slice after slice, one
//! commit after the other along its line.
//!
//! # What holds
//!
//! - A commit that was acknowledged as finished is there after a crash of this program, of the machine, or of its power.
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
//! # Memory
//!
//! Bounded: up to 4 MiB of the database's pages a connection (one connection for each call that is under way, four kept
//! between calls), 1 MiB of a file that is being uploaded and as much of its index, a page of paths or commits while
//! listing. Reading a file holds the list of pieces that one commit added to it: one, unless its pieces were sent
//! between those of others. A [`View`] holds the list of the uploads that were added to an open or errored commit.
//!
//! # Several processes
//!
//! Every call is one transaction. Only an archive's file set is written down, and a commit of 2.x settled, in several, each
//! of a slice of the paths (`settle`). What one `ModifyFile` changes, a commit that 1.x finishes, an alias, what was closed on a
//! commit that 1.x deletes, and dropping a large commit or a repo are one transaction however long. `SQLite` lets one writer in
//! at a time; who does not get in within ten seconds answers `Unavailable`. Uploads are written without any lock, and take it
//! only to be indexed. `SQLite`'s locks and its shared memory need a local file system.
//!
//! A store that a later version has opened is of that version. Processes of an earlier one that have it open go on, except
//! that what they would finish in the place of a commit that is being settled is refused: end them first.

mod access;
mod changed;
mod commit;
mod content;
mod database;
mod dialect;
mod diff;
mod entry;
mod error;
mod feed;
mod file_set;
mod job;
mod listing;
mod metadata;
mod modes;
mod pipeline;
mod record;
mod refusal;
mod removal;
mod repo;
mod secret;
pub mod serve;
mod settle;
mod squashing;
mod staging;
#[cfg(test)]
mod tests;
mod transaction;
mod tree;
mod upload;
mod view;
mod work;

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

pub use self::access::TokenRecord;
use self::database::Database;
pub use self::dialect::{Dialect, Restart};
pub use self::entry::{END as TAR_END, padding as tar_padding, tar_header};
pub use self::error::{Failure, StoreError};
pub use self::job::{JobRecord, JobState};
pub use self::metadata::{Edit, Subject};
pub use self::pipeline::{NewPipeline, PipelineRecord};
pub use self::record::{CommitRecord, CommitSelector, Origin};
pub use self::refusal::{CommitName, Refusal};
pub use self::repo::{BranchRecord, ProjectRecord, RepoRecord};
pub use self::secret::SecretRecord;
use self::settle::{Slice, Slices, Turn};
pub use self::transaction::PendingTransaction;
pub use self::tree::bounds_of_directory;
pub use self::view::{FileEntry, View};
pub use self::work::Work;
use spoutctl_core::commit_set::SquashingSink;
use spoutctl_core::durable;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::history::CommitHistory;
use spoutctl_core::pfs::{
    Branch, BranchInfo, Commit, CommitId, CommitInfo, FileInfo, FilePath, FileSetId, PipelineKind, Repo,
};
use spoutctl_core::sink::{Changes, CommitSink, RoutingSink, StagingSink};
use spoutctl_core::source::{FileChange, FileSource};

const DATABASE: &str = "store.sqlite";
const ARCHIVES: &str = "archives";
const INCOMING: &str = "incoming";
/// A file in `incoming` is left alone this long, even unlocked: its owner may be between making and locking it.
const FRESH: Duration = Duration::from_mins(1);
/// How often [`CommitSink::wait_commit`] looks: first, and at most.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LAST_LOOK: Duration = Duration::from_millis(250);

/// A store in a directory of this machine. Threads may share one, and processes may share the directory.
pub struct Store {
    dir: PathBuf,
    database: Database,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Only pipelines write their output branches; see [`Store::closing_outputs`].
    closes_outputs: bool,
    slices: Slices,
    turn: Mutex<Turn>,
    /// Branches that this process is about to move: it alone can, so they end with it.
    transactions: staging::Transactions,
    was_open: bool,
}

impl Store {
    /// Opens the store in `dir` for writing; makes the directory and the store when there is nothing.
    ///
    /// # Errors
    /// When `dir` holds something else, or a store that is newer, damaged, locked or not writable.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        make_directory(dir)?;
        let path = dir.join(DATABASE);
        if !path.exists() {
            if has_other_files(dir)? {
                return Err(StoreError::NotEmpty { dir: dir.to_owned() });
            }
            make_own_file(&path)?;
        }
        let store = Self::with_database(dir, Database::open(dir, path, true)?);
        make_directory(&store.archives())?;
        make_directory(&store.incoming())?;
        let store = store.closed_to_others();
        // Also when another process made them and died before this.
        sync_directory(dir)?;
        store.sweep();
        Ok(store)
    }

    /// Opens the store in `dir`, for reading what is there; makes nothing.
    ///
    /// # Errors
    /// When there is no store in `dir`, or one that is newer, damaged, locked or not writable (`SQLite` writes beside
    /// the database to read it).
    pub fn open_existing(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(DATABASE);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => {}
            Err(source) if !matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(StoreError::Io {
                    action: "read",
                    path,
                    source,
                });
            }
            _ => return Err(StoreError::NotAStore { dir: dir.to_owned() }),
        }
        Ok(Self::with_database(dir, Database::open(dir, path, false)?).closed_to_others())
    }

    /// Opens the store in `dir` for a look that changes nothing: `None` where there is none, and where it is one of an
    /// earlier version.
    #[must_use]
    pub fn open_unchanged(dir: &Path) -> Option<Self> {
        let path = dir.join(DATABASE);
        let database = path.is_file().then(|| Database::open_current(dir, path))?;
        Some(Self::with_database(dir, database?))
    }

    /// Whether others could read the store until now.
    #[must_use]
    pub fn was_open_to_others(&self) -> bool {
        self.was_open
    }

    fn closed_to_others(self) -> Self {
        Self {
            was_open: modes::close(&self.dir),
            ..self
        }
    }

    fn with_database(dir: &Path, database: Database) -> Self {
        Self {
            dir: dir.to_owned(),
            database,
            clock: Box::new(Timestamp::now),
            closes_outputs: false,
            slices: Slices::default(),
            turn: Mutex::default(),
            transactions: staging::Transactions::default(),
            was_open: false,
        }
    }

    /// Takes the time from `clock`: for commits' times, and for when file sets expire.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Refuses commits on the branches that pipelines write, as pachd does to everybody but a pipeline's own sidecar.
    /// Whoever has the directory may write them otherwise.
    #[must_use]
    pub fn closing_outputs(self) -> Self {
        Self {
            closes_outputs: true,
            ..self
        }
    }

    /// Behaves as the pachd of a dialect, and refuses in its words.
    #[must_use]
    pub fn as_pachd(mut self, dialect: Dialect) -> Self {
        self.database.dialect = dialect;
        self
    }

    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.database.dialect
    }

    /// Makes a branch, or moves it, so that its head is `head`.
    ///
    /// # Errors
    /// `NotFound` when the repo or the commit is missing.
    pub fn create_branch(&self, branch: &Branch, head: Option<&Commit>) -> Result<(), Fault> {
        let head = head.map(CommitSelector::from);
        self.change(|work| work.create_branch(branch, head.as_ref()))
    }

    /// Makes changes as pachd's `ModifyFile` does: they go into the commit that `target` names, or, where it names a
    /// branch whose head is closed, into one of their own, which is then finishing. A deletion of `/d/` deletes what is
    /// below it.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyFinished`, `Refused` (a path); `Local` when `changes` broke off: then nothing has happened.
    pub fn modify(&self, target: &CommitSelector, changes: &mut dyn Changes) -> Result<CommitRecord, Fault> {
        file_set::modify(self, target, changes)
    }

    /// Makes a file set of what a commit changed; with `total`, of its whole tree.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn file_set_of(&self, commit: &CommitSelector, total: bool) -> Result<FileSetId, Fault> {
        file_set::of_commit(self, commit, total)
    }

    /// Now, in microseconds since 1970.
    fn now(&self) -> i64 {
        (self.clock)().as_microsecond()
    }

    fn after(&self, ttl: Duration) -> i64 {
        self.now()
            .saturating_add(i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX))
    }

    fn archives(&self) -> PathBuf {
        self.dir.join(ARCHIVES)
    }

    fn incoming(&self) -> PathBuf {
        self.dir.join(INCOMING)
    }

    fn archive_path(&self, sha256: &str) -> PathBuf {
        let mut path = self.archives();
        path.push(sha256.get(..2).unwrap_or_default());
        path.push(format!("{sha256}.tar"));
        path
    }

    /// Removes what crashes left behind. That it cannot (another user's file, say) is no reason not to open.
    fn sweep(&self) {
        for entry in fs::read_dir(self.incoming()).into_iter().flatten().flatten() {
            let _ = remove_abandoned(&entry.path());
        }
        // One of the 256 directories of archives at each opening, so that opening a large store stays quick.
        let directory = self.archives().join(format!("{:02x}", Uuid::new_v4().as_bytes()[0]));
        if directory.is_dir() {
            let _ = file_set::remove_strays(self, &directory);
        }
    }
}

/// Removes a file of `incoming` unless a living process holds its lock. Locks end with their process.
fn remove_abandoned(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    let age = file.metadata()?.modified()?.elapsed().unwrap_or_default();
    if age >= FRESH && file.try_lock().is_ok() {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Makes a directory, and those above it, so that they survive a power cut.
fn make_directory(dir: &Path) -> Result<(), StoreError> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    make_directory(parent)?;
    match fs::DirBuilder::new().mode(modes::OWN_DIRECTORY).create(dir) {
        // Another process may be faster.
        Err(_) if dir.is_dir() => {}
        Err(source) => {
            return Err(StoreError::Io {
                action: "make the directory",
                path: dir.to_owned(),
                source,
            });
        }
        Ok(()) => {}
    }
    sync_directory(parent)
}

/// Makes an empty file that is its owner's alone, before the database library makes one for everybody.
fn make_own_file(path: &Path) -> Result<(), StoreError> {
    let made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(modes::OWN_FILE)
        .open(path);
    match made {
        // Another process may be faster.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(StoreError::Io {
            action: "make",
            path: path.to_owned(),
            source: error,
        }),
        _ => Ok(()),
    }
}

fn has_other_files(dir: &Path) -> Result<bool, StoreError> {
    let names = || -> io::Result<Vec<std::ffi::OsString>> { fs::read_dir(dir)?.map(|e| Ok(e?.file_name())).collect() };
    let names = names().map_err(|source| StoreError::Io {
        action: "read the directory",
        path: dir.to_owned(),
        source,
    })?;
    // Another process may have made the database since we looked.
    Ok(!names.is_empty() && !names.iter().any(|name| name == DATABASE))
}

/// Makes the names in a directory survive a power cut.
fn sync_directory(dir: &Path) -> Result<(), StoreError> {
    durable::sync_directory(dir).map_err(|source| StoreError::Io {
        action: "sync the directory",
        path: dir.to_owned(),
        source,
    })
}

impl CommitHistory for Store {
    fn repo_exists(&self, repo: &Repo) -> Result<bool, Fault> {
        self.database.read(|tx| Ok(repo::find(tx, repo)?.is_some()))
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
        self.change(|work| {
            let selector = commit.into();
            work.finish_commit(&selector, description, error.unwrap_or_default())?;
            let row = record::pick(work.db, &selector)?;
            work.settle_line(row, &mut Slice::of(work.slice)).map(drop)
        })
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
            if info.finishing.is_some() && self.settle_next()?.is_some() {
                continue;
            }
            let left = timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                let message = format!("commit {commit} is still open");
                return Err(Fault::new(FaultKind::Unavailable, message));
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
