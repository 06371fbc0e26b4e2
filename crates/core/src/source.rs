//! The port through which files are read: one file, a directory, or what differs between two commits.

use std::io::Read;
use std::ops::ControlFlow;

use crate::fault::Fault;
use crate::history::CommitHistory;
use crate::pfs::{Commit, FileInfo, FilePath};

/// A store that files can be read from.
pub trait FileSource: CommitHistory {
    /// What the path is, or `None` when the commit has nothing there. The root always exists.
    ///
    /// # Errors
    /// `NotFound` when the commit or the repo is missing.
    fn inspect_file(&self, commit: &Commit, path: &FilePath) -> Result<Option<FileInfo>, Fault>;

    /// The bytes of one file, streamed. The reader answers an error, never an early end, when the stream breaks.
    ///
    /// # Errors
    /// `NotFound` when there is no such file.
    fn get_file<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault>;

    /// The files under a directory (or the one file) as the bytes of one tar archive, streamed, with its end marker.
    /// Names are the files' full paths, sorted; entries for directories may be among them.
    ///
    /// # Errors
    /// `NotFound` when nothing is there.
    fn get_file_tar<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault>;

    /// Shows the regular files that differ between two commits to `visit`, until it breaks. They come in one order, the
    /// same each time: by the bytes of their paths; in 1.x element by element. Without `old`, every file of `new` is an
    /// added one. The two may be any commits without an error; a file whose bytes are the same in both may be shown as
    /// changed when they came in other pieces.
    ///
    /// # Errors
    /// `NotFound` when a commit is missing; `Unavailable` when the listing broke off.
    fn diff_files(
        &self,
        new: &Commit,
        old: Option<&Commit>,
        visit: &mut dyn FnMut(FileChange) -> ControlFlow<()>,
    ) -> Result<(), Fault>;
}

/// What happened to a file between two commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    Added,
    Changed,
    Deleted,
}

/// A regular file that differs between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    pub path: FilePath,
    pub kind: ChangeKind,
    /// Bytes in the newer commit; 0 for a deleted file.
    pub size_bytes: u64,
    /// Bytes in the older commit; 0 for an added file.
    pub old_size_bytes: u64,
}

impl FileChange {
    /// A file with its sizes in the older and in the newer commit; `None` when it is in neither.
    #[must_use]
    pub fn between(path: FilePath, old: Option<u64>, new: Option<u64>) -> Option<Self> {
        let kind = match (old, new) {
            (None, None) => return None,
            (None, Some(_)) => ChangeKind::Added,
            (Some(_), Some(_)) => ChangeKind::Changed,
            (Some(_), None) => ChangeKind::Deleted,
        };
        Some(Self {
            path,
            kind,
            size_bytes: new.unwrap_or(0),
            old_size_bytes: old.unwrap_or(0),
        })
    }
}
