//! What is known of the destination and of our stream before anything is sent: what the branch holds, and what a spool
//! knows.

use std::collections::BTreeMap;

use super::mark::Mark;
use spoutctl_archive::{Digest, PositionMap};
use spoutctl_core::pfs::{Commit, CommitId, CommitInfo};

/// The destination is as it should be.
#[derive(Debug, Default)]
pub struct Ready {
    /// A commit that is older than anything this run starts.
    pub floor: Option<CommitId>,
    /// The head of the branch for staging, which is older, too.
    pub staged: Option<CommitId>,
    /// The number of the stream's newest archive; 0 for a new stream, and when resuming.
    pub newest: u64,
    /// The number of the stream's newest message, where they are counted; 0 before the first.
    pub messages: u64,
    /// What says where the source goes on, newest first, down to the first that is finished.
    pub placed: Vec<Placed>,
    /// Open heads that an earlier run of this stream has left behind.
    pub left_open: Vec<LeftOpen>,
    /// When resuming: what earlier runs have committed, by number; several in one commit by the last one's.
    pub known: BTreeMap<u64, Known>,
    /// The greatest of these numbers.
    pub greatest_known: u64,
    /// The repo was there, and the branch is not.
    pub is_new_branch: bool,
    /// The id of the cluster, where it has one; known when a spool asks for it.
    pub cluster: Option<String>,
    /// What pachd itself has left on our own branch; what was open is finished, unless nothing may be changed.
    pub leftover: Leftover,
    /// How many finished archives of the stream were looked at.
    pub(super) seen: usize,
    /// How many of them were newer than its first one.
    pub(super) first_at: Option<usize>,
}

impl Ready {
    /// Whether it is known for good where the source goes on.
    pub(super) fn is_placed(&self) -> bool {
        self.placed.last().is_some_and(|placed| placed.is_finished)
    }
}

/// An open commit of our stream.
#[derive(Debug)]
pub struct LeftOpen {
    pub commit: Commit,
    pub mark: Mark,
}

/// A commit of our stream whose data are whole, and where the source goes on behind it.
#[derive(Debug)]
pub struct Placed {
    pub commit: Commit,
    pub sequence: u64,
    pub positions: PositionMap,
    /// pachd has finished it, without an error. Until then that is not known.
    pub is_finished: bool,
}

impl Placed {
    /// Nothing where the commit is open, or its mark says no positions.
    pub(super) fn of(mark: &Mark, info: &CommitInfo) -> Option<Self> {
        let positions = mark.positions.clone().filter(|_| !info.is_open())?;
        Some(Self {
            commit: info.commit.clone(),
            sequence: mark.sequence,
            positions,
            is_finished: info.finished.is_some(),
        })
    }
}

/// An archive of our stream that is in a commit already, or several in one.
#[derive(Debug)]
pub struct Known {
    /// The first one's number.
    pub first: u64,
    pub digest: Digest,
    pub commit: Commit,
    pub finished: Option<jiff::Timestamp>,
}

/// What a spool knows of its stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spooled {
    /// The oldest number that waits, or will come.
    pub oldest: u64,
    /// Nothing of what waits is in this commit or an older one.
    pub floor: Option<CommitId>,
    /// Whether nothing was ever sent, so that there is nothing to look for.
    pub fresh: bool,
    /// The cluster that its archives are for.
    pub cluster: Option<String>,
    /// Batches of which a commit may have been started.
    pub planned: Vec<Planned>,
}

/// Archives of a spool that an earlier run wanted to have in one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    pub first: u64,
    pub last: u64,
    /// The last one that still waits.
    pub last_waiting: u64,
}

/// An empty head, on files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emptied {
    pub head: CommitId,
    /// The newest one that has files.
    pub last: CommitId,
}

/// What is found of it, while the commits of a spout's own branch are looked at from the newest on.
#[derive(Debug, Default)]
pub struct Leftover {
    pub(super) head: Option<CommitId>,
    /// Open ones, the newest first: at the head, and below it among what is not finished because of them.
    pub open: Vec<CommitId>,
    /// A finished commit was seen.
    pub(super) is_below: bool,
    /// The head is one without files.
    pub(super) may_be_emptied: bool,
    pub emptied: Option<Emptied>,
}
