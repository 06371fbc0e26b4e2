//! The embedded store, and what is in it.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::Path;

use spoutctl_core::history::CommitHistory;
use spoutctl_core::pfs::{Branch, Commit, CommitInfo, FilePath};
use spoutctl_core::sink::CommitSink as _;
use spoutctl_core::source::{FileChange, FileSource as _};
use spoutctl_store::Store;
use tempfile::TempDir;

/// Files by path.
pub(crate) type Tree = BTreeMap<String, Vec<u8>>;

/// One with the repos of these branches, as long as its directory lives.
pub(crate) fn store(branches: &[Branch]) -> (Store, TempDir) {
    // Where there is a directory in memory, its files need no disk to be synced to.
    let directory = tempfile::tempdir_in(Path::new("/dev/shm")).or_else(|_| tempfile::tempdir());
    let directory = directory.unwrap();
    let store = Store::open(&directory.path().join("store")).unwrap();
    for branch in branches {
        store.create_repo(&branch.repo).unwrap();
    }
    (store, directory)
}

/// The commits of a branch, newest first.
pub(crate) fn line(store: &dyn CommitHistory, branch: &Branch) -> Vec<CommitInfo> {
    let mut line = Vec::new();
    let mut show = |info| {
        line.push(info);
        ControlFlow::Continue(())
    };
    store.list_commits(branch, &mut show).unwrap();
    line
}

/// All files of a commit, read one by one.
pub(crate) fn tree(store: &Store, commit: &Commit) -> Tree {
    let mut paths = Vec::new();
    let mut show = |change: FileChange| {
        paths.push(change.path);
        ControlFlow::Continue(())
    };
    store.diff_files(commit, None, &mut show).unwrap();
    let read = |path: FilePath| {
        let mut content = Vec::new();
        let mut file = store.get_file(commit, &path).unwrap();
        file.read_to_end(&mut content).unwrap();
        (path.to_string(), content)
    };
    paths.into_iter().map(read).collect()
}
