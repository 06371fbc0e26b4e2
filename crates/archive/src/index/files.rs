//! The files of a complete archive, sorted by their paths.

use std::ops::Range;

use super::record::{Deletion, EntryKey, Kind, Record};
use crate::content::Extent;
use crate::sparse::Segment;

/// A file of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File<'a> {
    /// Absolute, normalised, with the prefix.
    pub path: &'a str,
    /// In bytes; a sparse file's expanded.
    pub size: u64,
}

/// A plain file of an archive that is still being read: its bytes come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextFile<'a> {
    /// As [`File::path`].
    pub path: &'a str,
    /// In bytes.
    pub size: u64,
    /// Where its bytes start, counted from the archive's start.
    pub data: u64,
    pub key: EntryKey,
}

/// The files that an archive holds, one a path, sorted by the bytes of their paths; and those that it deletes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    pub(super) paths: String,
    pub(super) records: Vec<Record>,
    pub(super) segments: Vec<Segment>,
    pub(super) maps: Vec<Range<usize>>,
    pub(super) deletions: Vec<Deletion>,
    pub(super) total: u64,
}

impl Files {
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether a commit of it would be as the one before: no file, and none that is deleted.
    #[must_use]
    pub fn change_nothing(&self) -> bool {
        self.records.is_empty() && self.deletions.is_empty()
    }

    /// The paths of the files that are deleted, before any is added; each once, sorted by their bytes.
    #[must_use]
    pub fn deletions(&self) -> impl ExactSizeIterator<Item = &str> {
        self.deletions.iter().map(|deletion| deletion.path(&self.paths))
    }

    /// The path at `index` of [`Files::deletions`].
    #[must_use]
    pub fn deletion(&self, index: usize) -> Option<&str> {
        self.deletions.get(index).map(|deletion| deletion.path(&self.paths))
    }

    /// The sizes of all files together.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.total
    }

    #[must_use]
    pub fn get(&self, index: usize) -> Option<File<'_>> {
        self.records.get(index).map(|record| self.file(record))
    }

    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = File<'_>> {
        self.records.iter().map(|record| self.file(record))
    }

    /// The index of the file at `path`.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<usize> {
        self.records
            .binary_search_by(|record| record.path(&self.paths).cmp(path))
            .ok()
    }

    /// Which entry the file at `index` is: the last one of its path.
    #[must_use]
    pub fn key(&self, index: usize) -> Option<EntryKey> {
        self.records.get(index).map(Record::key)
    }

    /// The path of an entry of this archive, also of one that does not count.
    #[must_use]
    pub fn path_of(&self, key: EntryKey) -> Option<&str> {
        self.paths
            .get(key.path_start..key.path_start + key.path_length as usize)
    }

    fn file(&self, record: &Record) -> File<'_> {
        File {
            path: record.path(&self.paths),
            size: record.size,
        }
    }

    pub(crate) fn extent(&self, index: usize) -> Option<Extent<'_>> {
        let record = self.records.get(index)?;
        let segments = match record.kind {
            Kind::SparseFile => {
                let map = self.maps.get(record.extra as usize)?;
                Some(self.segments.get(map.clone())?)
            }
            _ => None,
        };
        Some(Extent {
            data: record.data,
            size: record.size,
            segments,
        })
    }

    #[cfg(test)]
    pub(crate) fn allocated(&self) -> usize {
        self.paths.capacity()
            + self.records.capacity() * size_of::<Record>()
            + self.segments.capacity() * size_of::<Segment>()
            + self.maps.capacity() * size_of::<Range<usize>>()
            + self.deletions.capacity() * size_of::<Deletion>()
    }
}
