//! The store against pachd's recordings, crashes, other processes, and a naive model of itself.

mod durability;
mod killed;
mod migration;
mod model;
mod modifying;
mod protocol;
mod reading;
mod scale;
mod slices;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

use super::archives::remove_strays;
use super::opening::DATABASE;
use super::slices::Slices;
use super::store::{ARCHIVES, INCOMING};
use super::*;
use spoutctl_core::pfs::{BranchName, FileKind, Origin, ProjectName, RepoName};
use spoutctl_core::sink::Change;
use spoutctl_core::source::ChangeKind;

/// A store in a directory that goes with it, and a clock that stands still unless told.
pub(super) struct Fixture {
    pub store: Store,
    pub clock: Arc<AtomicI64>,
    pub dir: PathBuf,
    _temporary: tempfile::TempDir,
}

/// Where every fixture's clock starts, in seconds since 1970.
const START: i64 = 1_800_000_000;

impl Fixture {
    /// With the repo `default/events`.
    pub fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path().join("store");
        let clock = Arc::new(AtomicI64::new(START));
        let time = Arc::clone(&clock);
        let store = Store::open(&dir).unwrap();
        let store = Store {
            database: store.database.without_sync(),
            ..store
        }
        .with_clock(move || Timestamp::from_second(time.load(Ordering::Relaxed)).unwrap());
        store.create_repo(&repo("events")).unwrap();
        Self {
            store,
            clock,
            dir,
            _temporary: temporary,
        }
    }

    /// Whose commits are settled, and uploads written down, so many paths at a time.
    pub fn in_slices_of(paths: usize) -> Self {
        let mut fixture = Self::new();
        fixture.store.slices = Slices {
            paths,
            pause: Duration::ZERO,
        };
        fixture
    }

    pub fn let_pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    pub fn archives_on_disk(&self) -> Vec<PathBuf> {
        files_below(&self.store.archives())
    }
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

pub(super) fn repo(name: &str) -> Repo {
    Repo {
        project: ProjectName::new("default").unwrap(),
        name: RepoName::new(name).unwrap(),
    }
}

pub(super) fn branch(name: &str) -> Branch {
    Branch {
        repo: repo("events"),
        name: BranchName::new(name).unwrap(),
    }
}

pub(super) fn commit(id: &CommitId) -> Commit {
    Commit {
        repo: repo("events"),
        branch: BranchName::default(),
        id: id.clone(),
    }
}

pub(super) fn path(text: &str) -> FilePath {
    FilePath::new(text).unwrap()
}

/// A change that owns its bytes.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Delete(String),
    Append(String, Vec<u8>),
}

pub(super) fn delete(path: &str) -> Step {
    Step::Delete(path.to_owned())
}

pub(super) fn append(path: &str, data: impl AsRef<[u8]>) -> Step {
    Step::Append(path.to_owned(), data.as_ref().to_vec())
}

pub(super) fn overwrite(path: &str, data: impl AsRef<[u8]>) -> [Step; 2] {
    [delete(path), append(path, data)]
}

/// Changes from a list, and then an error if one is set.
pub(super) struct Steps {
    list: Vec<Step>,
    next: usize,
    pub failure: Option<io::Error>,
}

impl Steps {
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            list: steps.into_iter().collect(),
            next: 0,
            failure: None,
        }
    }
}

impl Changes for Steps {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        let Some(step) = self.list.get(self.next) else {
            return self.failure.take().map_or(Ok(None), Err);
        };
        self.next += 1;
        Ok(Some(match step {
            Step::Delete(path) => Change::Delete { path },
            Step::Append(path, data) => Change::append(path, data.clone()),
        }))
    }
}

impl Store {
    pub(super) fn upload(&self, steps: impl IntoIterator<Item = Step>) -> FileSetId {
        self.create_file_set(&mut Steps::new(steps)).unwrap()
    }

    pub(super) fn put_on(&self, branch: &Branch, steps: impl IntoIterator<Item = Step>) -> Commit {
        let file_set = self.upload(steps);
        let commit = commit(&self.start_commit(branch, "").unwrap());
        self.add_file_set(&commit, &file_set).unwrap();
        self.finish_commit(&commit, "", None).unwrap();
        self.wait_commit(&commit, Duration::from_mins(1)).unwrap();
        commit
    }

    /// One commit on `master`.
    pub(super) fn put(&self, steps: impl IntoIterator<Item = Step>) -> Commit {
        self.put_on(&branch("master"), steps)
    }

    pub(super) fn text(&self, commit: &Commit, file: &str) -> String {
        let mut text = String::new();
        let mut reader = self.get_file(commit, &path(file)).unwrap();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    pub(super) fn tar(&self, commit: &Commit, file: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut reader = self.get_file_tar(commit, &path(file)).unwrap();
        reader.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// The whole tree, as the tar archive of it says.
    pub(super) fn tree(&self, commit: &Commit) -> BTreeMap<String, Vec<u8>> {
        entries(&self.tar(commit, "/"))
            .into_iter()
            .filter(|(name, _)| !name.ends_with('/'))
            .collect()
    }

    /// The whole tree, as a view of the commit has it, and each file read in two parts.
    pub(super) fn viewed(&self, commit: &Commit) -> BTreeMap<String, Vec<u8>> {
        let view = View::of(self, &commit.into()).unwrap();
        let mut tree = BTreeMap::new();
        let mut after = "/".to_owned();
        loop {
            let page = view.files(&after, "0").unwrap();
            let Some(last) = page.last() else {
                return tree;
            };
            after.clone_from(&last.path);
            for file in page {
                assert_eq!(view.file(&file.path).unwrap().as_ref(), Some(&file));
                let half = file.size / 2;
                let mut content = Vec::new();
                view.read(&file, 0).take(half).read_to_end(&mut content).unwrap();
                view.read(&file, half).read_to_end(&mut content).unwrap();
                assert_eq!(content.len() as u64, file.size);
                tree.insert(file.path, content);
            }
        }
    }

    pub(super) fn changes(&self, new: &Commit, old: Option<&Commit>) -> Vec<FileChange> {
        let mut changes = Vec::new();
        self.diff_files(new, old, &mut |change| {
            changes.push(change);
            ControlFlow::Continue(())
        })
        .unwrap();
        changes
    }

    pub(super) fn error_of(&self, commit: &Commit) -> String {
        self.inspect_commit(commit).unwrap().error
    }

    pub(super) fn head(&self, branch: &Branch) -> Option<CommitId> {
        let info = self.inspect_branch(branch).unwrap();
        info.and_then(|info| info.head).map(|head| head.id)
    }

    pub(super) fn history(&self, branch: &Branch) -> Vec<CommitInfo> {
        let mut commits = Vec::new();
        self.list_commits(branch, &mut |info| {
            commits.push(info);
            ControlFlow::Continue(())
        })
        .unwrap();
        commits
    }
}

/// An archive's entries, in their order.
pub(super) fn entries(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(bytes);
    let entries = archive.entries().unwrap();
    entries
        .map(|entry| {
            let mut entry = entry.unwrap();
            let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (name, content)
        })
        .collect()
}
