//! The files of several archives as those of one: archive after archive, as if each were written over the one before.
//!
//! Memory: about 150 bytes a file and twice its path, while they are put together; 48 bytes and its path afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};

use super::files::Files;
use super::record::{Deletion, Kind, Record, is_under};
use crate::sparse::Segment;

/// What becomes of a file that an earlier archive has, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SamePath {
    /// The last one counts.
    Replaces,
    /// Its bytes go behind those of the earlier one: the path is there more than once, in the order of the archives.
    Follows,
}

/// The files of the archives so far.
#[derive(Debug)]
pub(crate) struct Merging {
    same_path: SamePath,
    files: BTreeMap<Box<str>, Vec<Piece>>,
    deletions: BTreeSet<Box<str>>,
    segments: Vec<Segment>,
    maps: Vec<Range<usize>>,
}

/// One archive's bytes of a file.
#[derive(Debug, Clone, Copy)]
struct Piece {
    data: u64,
    size: u64,
    extra: u32,
    kind: Kind,
}

impl Merging {
    pub fn new(same_path: SamePath) -> Self {
        Self {
            same_path,
            files: BTreeMap::new(),
            deletions: BTreeSet::new(),
            segments: Vec::new(),
            maps: Vec::new(),
        }
    }

    /// Whether none of these files stands where there is a directory so far, or the other way round: no commit holds
    /// both.
    pub fn has_room_for(&self, more: &Files) -> bool {
        let stays = |path: &str| {
            more.deletions
                .binary_search_by(|gone| gone.path(&more.paths).cmp(path))
                .is_err()
        };
        more.iter().all(|file| {
            let above = file.path.match_indices('/').map(|(at, _)| &file.path[..at]);
            let mut above = above.filter(|directory| self.files.contains_key(*directory));
            !above.any(stays) && !self.under(file.path).any(stays)
        })
    }

    /// The files under a directory.
    fn under<'a>(&'a self, directory: &'a str) -> impl Iterator<Item = &'a str> {
        let first = format!("{directory}/");
        let from = (Bound::Included(first.as_str()), Bound::Unbounded);
        let behind = self.files.range::<str, _>(from).map(|(path, _)| path.as_ref());
        behind.take_while(move |path| is_under(path, directory))
    }

    /// Adds an archive's files, whose bytes are held `base` bytes behind where they say. What it deletes goes first.
    pub fn add(&mut self, more: &Files, base: u64) {
        for path in more.deletions() {
            self.files.remove(path);
            self.deletions.insert(path.into());
        }
        let (segments, maps) = (self.segments.len(), self.maps.len());
        self.segments.extend_from_slice(&more.segments);
        let shifted = more.maps.iter().map(|map| map.start + segments..map.end + segments);
        self.maps.extend(shifted);
        for record in &more.records {
            let piece = Piece {
                data: record.data + base,
                size: record.size,
                // Of at most 2^32 segments in all, by the bound on a batch's bytes.
                extra: record.extra.saturating_add(u32::try_from(maps).unwrap_or(u32::MAX)),
                kind: record.kind,
            };
            let path = record.path(&more.paths);
            match (self.files.get_mut(path), self.same_path) {
                (Some(pieces), SamePath::Replaces) => *pieces = vec![piece],
                (Some(pieces), SamePath::Follows) => pieces.push(piece),
                (None, _) => drop(self.files.insert(path.into(), vec![piece])),
            }
        }
    }

    pub fn finish(self) -> Files {
        let mut paths = String::new();
        let mut place = |path: &str| {
            let start = paths.len();
            paths.push_str(path);
            (start, super::length(&(start..paths.len())))
        };
        let mut records = Vec::with_capacity(self.files.len());
        let mut total = 0_u64;
        for (path, pieces) in self.files {
            let (path_start, path_length) = place(&path);
            for Piece {
                data,
                size,
                extra,
                kind,
            } in pieces
            {
                total = total.saturating_add(size);
                records.push(Record {
                    path_start,
                    header: 0,
                    data,
                    size,
                    path_length,
                    extra,
                    kind,
                });
            }
        }
        let deletions = self.deletions.iter().map(|path| {
            let (path_start, path_length) = place(path);
            Deletion {
                path_start,
                path_length,
            }
        });
        let deletions = deletions.collect();
        Files {
            paths,
            records,
            segments: self.segments,
            maps: self.maps,
            deletions,
            total,
        }
    }
}
