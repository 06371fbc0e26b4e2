//! A `serve` behind a proxy that does wrong, with the repo `events`, and what is in its store.

use std::ops::{ControlFlow, Deref};
use std::path::PathBuf;
use std::time::Duration;

use spoutctl_core::history::CommitHistory as _;
use spoutctl_core::pfs::{Branch, CommitInfo, Destination, FilePath};
use spoutctl_core::sink::CommitSink as _;
use spoutctl_delivery::mark::Mark;
use spoutctl_delivery::retrieval::FileSource as _;
use spoutctl_store::Store;
use tempfile::TempDir;

use crate::checker::Tree;
use crate::proxy::{Fault, Proxy};
use crate::runner::tree_of;
use crate::served::Served;

/// The server, through its proxy. A fault that no call has met fails the test.
pub struct Pachd {
    proxy: Proxy,
    scheme: &'static str,
    pub served: Served,
    directory: TempDir,
}

impl Deref for Pachd {
    type Target = Proxy;

    fn deref(&self) -> &Proxy {
        &self.proxy
    }
}

impl Pachd {
    /// The newest release, through its gateway.
    pub fn start() -> Self {
        Self::start_after(Duration::ZERO)
    }

    /// Pachyderm 1.13, which speaks gRPC.
    pub fn of_1_13() -> Self {
        Self::serving("grpc", &["--pachyderm", "1.13"], Duration::ZERO)
    }

    /// The newest release, with nothing in it.
    pub fn without_repo() -> Self {
        Self::over(tempfile::tempdir().unwrap(), "http", &[], Duration::ZERO)
    }

    fn serving(scheme: &'static str, args: &[&str], delay: Duration) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("store")).unwrap();
        store.create_repo(&branch().repo).unwrap();
        Self::over(directory, scheme, args, delay)
    }

    fn over(directory: TempDir, scheme: &'static str, args: &[&str], delay: Duration) -> Self {
        let store = directory.path().join("store");
        let served = Served::over(&store, args);
        Self {
            proxy: Proxy::before_after(&served.authority, delay),
            scheme,
            served,
            directory,
        }
    }

    /// At an address that nobody listens at until `delay` is over.
    pub fn start_after(delay: Duration) -> Self {
        Self::serving("http", &[], delay)
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.proxy.authority())
    }

    pub fn somebody(&self) -> Somebody {
        Somebody(self.directory.path().join("store"))
    }

    /// Somebody does this, before the call is carried out.
    pub fn meddle(&self, with: impl FnOnce(&Somebody) + Send + 'static) -> Fault {
        let somebody = self.somebody();
        Fault::Before(Box::new(move || with(&somebody)))
    }

    /// The commits of the branch, oldest first.
    pub fn commits(&self) -> Vec<CommitInfo> {
        self.somebody().commits()
    }

    /// How many of them are open.
    pub fn open(&self) -> usize {
        self.commits().iter().filter(|commit| commit.is_open()).count()
    }

    /// Those that are finished without an error, with the files that each of them shows.
    pub fn published(&self) -> Vec<(String, Tree)> {
        let store = self.somebody().store();
        let good = self.commits().into_iter().filter(CommitInfo::is_good);
        let with_files = good.map(|info| (files_of_commit(&store, &info), info));
        // Where a branch's first commit is dropped, pachd puts an empty one of its own.
        let is_somebodys = |(files, info): &(Tree, CommitInfo)| !files.is_empty() || Mark::of(info).is_some();
        let named = |(files, info): (Tree, CommitInfo)| (info.commit.id.to_string(), files);
        with_files.filter(is_somebodys).map(named).collect()
    }
}

fn branch() -> Branch {
    "events".parse::<Destination>().unwrap().branch
}

/// The commits of a branch, oldest first.
pub fn commits_of(store: &Store, branch: &Branch) -> Vec<CommitInfo> {
    let mut commits = Vec::new();
    let mut visit = |info| {
        commits.push(info);
        ControlFlow::Continue(())
    };
    store.list_commits(branch, &mut visit).unwrap();
    commits.reverse();
    commits
}

/// The files of a commit, by paths without the slash at their beginning.
pub fn files_of_commit(store: &Store, info: &CommitInfo) -> Tree {
    let mut archive = Vec::new();
    let mut reader = store.get_file_tar(&info.commit, &FilePath::root()).unwrap();
    std::io::Read::read_to_end(&mut reader, &mut archive).unwrap();
    tree_of(&archive)
}

/// Who works on the same branch, at the store itself.
pub struct Somebody(PathBuf);

impl Somebody {
    fn store(&self) -> Store {
        Store::open_existing(&self.0).unwrap()
    }

    fn commits(&self) -> Vec<CommitInfo> {
        commits_of(&self.store(), &branch())
    }

    /// Starts a commit.
    pub fn starts(&self, description: &str) {
        self.store().start_commit(&branch(), description).unwrap();
    }

    /// Drops the newest commit.
    pub fn drops(&self) {
        let head = self.commits().pop().unwrap();
        self.store().drop_commit(&head.commit).unwrap();
    }

    /// Every file set that was uploaded so far has expired.
    pub fn expires_file_sets(&self) {
        let database = rusqlite::Connection::open(self.0.join("store.sqlite")).unwrap();
        database.execute("UPDATE file_sets SET expires = 0", []).unwrap();
    }

    /// Finishes the newest commit, with this error if it is any.
    pub fn finishes(&self, error: Option<&str>) {
        let head = self.commits().pop().unwrap();
        self.store()
            .finish_commit(&head.commit, &head.description, error)
            .unwrap();
    }
}
