//! What came of an archive, for good: what is acknowledged.

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use spoutctl_archive::{Archive, Batch, Digest, Label};
use spoutctl_core::pfs::{Branch, CommitId};

/// One archive that is a finished commit, or several that are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which archive of this run, from 1; of several the last.
    pub archive: u64,
    /// Which archives, where they are several.
    pub batch: Option<Batch>,
    /// The input it came from.
    pub input: Arc<str>,
    /// Where its first header begins, in bytes of the decompressed input.
    pub offset: u64,
    /// Bytes from there through its second zero block.
    pub length: u64,
    pub digest: Digest,
    pub label: Label,
    pub files: usize,
    /// Files that the archive deletes.
    pub deletions: usize,
    /// Bytes of its files.
    pub bytes: u64,
    pub branch: Branch,
    /// Where commits of the same id hold the rest of it.
    pub also: Arc<[Branch]>,
    /// The commit that holds it, once there is one.
    pub commit: Option<CommitId>,
    /// When pachd finished the commit, by its own clock.
    pub finished: Option<jiff::Timestamp>,
}

/// What came of an archive, for good.
#[derive(Debug, Clone, Copy)]
pub enum Settled<'a> {
    /// It is a finished commit.
    Committed(&'a Receipt),
    /// An earlier run has committed it; nothing was sent.
    Already(&'a Receipt),
    /// It holds no file and deletes none, so no commit was made of it.
    Empty(&'a Archive),
    /// No commit can be made of it, and it was set aside in this file.
    Quarantined(&'a Archive, &'a Path),
    /// No commit can be made of it, and it was left out.
    Skipped(&'a Archive),
}

impl Settled<'_> {
    /// Which archive of this run, or of the spool; of several the last.
    pub fn archive(&self) -> u64 {
        match self {
            Self::Committed(receipt) | Self::Already(receipt) => receipt.archive,
            Self::Empty(archive) | Self::Quarantined(archive, _) | Self::Skipped(archive) => archive.number,
        }
    }

    /// The numbers of the archives that it is told of.
    pub fn archives(&self) -> RangeInclusive<u64> {
        self.batch().map_or(self.archive(), |batch| batch.first)..=self.archive()
    }

    /// Which archives, where they are several.
    pub fn batch(&self) -> Option<&Batch> {
        match self {
            Self::Committed(receipt) | Self::Already(receipt) => receipt.batch.as_ref(),
            Self::Empty(archive) | Self::Quarantined(archive, _) | Self::Skipped(archive) => archive.batch.as_ref(),
        }
    }

    pub fn commit(&self) -> Option<&CommitId> {
        match self {
            Self::Committed(receipt) | Self::Already(receipt) => receipt.commit.as_ref(),
            Self::Empty(_) | Self::Quarantined(..) | Self::Skipped(_) => None,
        }
    }
}

/// An acknowledgement could not be handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unacknowledged {
    /// What happened.
    pub how: String,
}
