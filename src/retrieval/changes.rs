//! What a commit changed, file by file.
//!
//! Domain: it knows no server and no terminal.

use crate::pfs::FilePath;

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
