//! The entries of an archive so far, with their paths.

use super::record::{Kind, Record};
use crate::error::{ContentErrorKind, EntryRef, LinkFault, Problem};
use crate::header::EntryKind;
use crate::path::{PathFault, PathRules};

pub(super) type Checked<T> = Result<T, Problem>;

#[derive(Debug)]
pub(super) struct Table {
    pub(super) rules: PathRules,
    /// All paths and targets of links, one behind the other.
    pub(super) arena: String,
    pub(super) records: Vec<Record>,
    pub(super) invalid_targets: Vec<InvalidTarget>,
}

/// A link whose target is no path, which matters only if it counts in the end.
#[derive(Debug, Clone)]
pub(super) struct InvalidTarget {
    pub(super) link: EntryKind,
    /// Fit to be shown.
    pub(super) target: String,
    pub(super) fault: PathFault,
}

impl From<InvalidTarget> for ContentErrorKind {
    fn from(invalid_target: InvalidTarget) -> Self {
        Self::Link {
            link: invalid_target.link,
            target: invalid_target.target,
            fault: LinkFault::Path(invalid_target.fault),
        }
    }
}

impl Table {
    pub(super) fn new(rules: PathRules) -> Self {
        Self {
            rules,
            arena: String::new(),
            records: Vec::new(),
            invalid_targets: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, record: Record) {
        // By a quarter at a time: doubling would cost up to as much again as the index itself.
        if self.records.len() == self.records.capacity() {
            self.records.reserve_exact(self.records.len() / 4 + 64);
        }
        self.records.push(record);
    }

    pub(super) fn reserve(&mut self, bytes: usize) {
        if self.arena.capacity() - self.arena.len() < bytes {
            self.arena.reserve_exact(bytes.max(self.arena.len() / 4 + 4096));
        }
    }

    /// What the entry was, as long as links are not followed.
    pub(super) fn kind_of(&self, record: &Record) -> EntryKind {
        match record.kind {
            Kind::HardLink => EntryKind::HardLink,
            Kind::SymbolicLink => EntryKind::SymbolicLink,
            Kind::UnfitLink => self
                .invalid_targets
                .get(record.extra as usize)
                .map_or(EntryKind::SymbolicLink, |invalid_target| invalid_target.link),
            _ => EntryKind::File,
        }
    }

    pub(super) fn reference(&self, record: &Record) -> EntryRef {
        EntryRef::new(record.path(&self.arena).as_bytes(), record.header)
    }
}
