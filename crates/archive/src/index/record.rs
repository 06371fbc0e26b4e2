//! One entry of an archive, as it is kept in memory: its path is a place in an arena that all share.

use std::cmp::Ordering;
use std::ops::Range;

/// Which entry of its archive a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryKey {
    /// Every entry has its path at a place of its own.
    pub(super) path_start: usize,
    pub(super) path_length: u32,
}

/// A file that is deleted: where its path is in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deletion {
    pub(super) path_start: usize,
    pub(super) path_length: u32,
}

impl Deletion {
    pub(super) fn path<'a>(&self, arena: &'a str) -> &'a str {
        arena
            .get(self.path_start..self.path_start + self.path_length as usize)
            .unwrap_or_default()
    }
}

/// One entry. For a link that is not followed yet, `data` and `size` are where its target starts in the arena and how
/// long that is; for one to a directory, where the directory's path does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) path_start: usize,
    /// Where its header starts in the input: the order in the archive.
    pub(super) header: u64,
    pub(super) data: u64,
    pub(super) size: u64,
    pub(super) path_length: u32,
    /// For a sparse file, the index of its map; for an unfit link, of what is wrong with it.
    pub(super) extra: u32,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    SparseFile,
    Directory,
    HardLink,
    SymbolicLink,
    /// A link whose target is no path.
    UnfitLink,
    /// A link that is being followed: to meet it again is a cycle.
    Followed,
    /// A link that was followed to a directory.
    DirectoryLink,
}

impl Record {
    pub(super) fn path<'a>(&self, arena: &'a str) -> &'a str {
        arena
            .get(self.path_start..self.path_start + self.path_length as usize)
            .unwrap_or_default()
    }

    pub(super) fn key(&self) -> EntryKey {
        EntryKey {
            path_start: self.path_start,
            path_length: self.path_length,
        }
    }

    pub(super) fn is_link(&self) -> bool {
        matches!(self.kind, Kind::HardLink | Kind::SymbolicLink | Kind::UnfitLink)
    }
}

/// A path is a name or an extension header's value, at most three times as long once escaped, and a prefix: far from
/// four GiB.
pub(super) fn length(path: &Range<usize>) -> u32 {
    u32::try_from(path.len()).unwrap_or(u32::MAX)
}

/// Compares paths with `/` as the lowest of all characters. By plain bytes `/a-x` would stand between `/a` and `/a/b`.
pub(super) fn tree_order(a: &str, b: &str) -> Ordering {
    let key = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
    match a.bytes().zip(b.bytes()).position(|(x, y)| x != y) {
        Some(at) => a.as_bytes().get(at).map(key).cmp(&b.as_bytes().get(at).map(key)),
        None => a.len().cmp(&b.len()),
    }
}

pub(super) fn is_under(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}
