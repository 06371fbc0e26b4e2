//! The commits taken last, by which a rewritten history is known.
//!
//! A squashed commit's children become its parent's, and a dropped head gives way to its parent. Both were taken
//! before, so it is clear where to go on, as long as they are remembered.

use std::collections::{HashMap, VecDeque};

use spoutctl_core::pfs::CommitId;

/// How many commits are remembered.
pub const LENGTH: usize = 1024;

/// The last commits taken, up to [`LENGTH`]. The oldest may be one that was only known to be before them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    /// Newest first.
    ids: VecDeque<CommitId>,
    /// Those that were taken and are not on the branch any more, up to as many. They may come back.
    off: VecDeque<CommitId>,
}

impl Trail {
    /// Behind these commits, newest first.
    pub fn behind(ids: impl IntoIterator<Item = CommitId>) -> Self {
        Self {
            ids: ids.into_iter().take(LENGTH).collect(),
            off: VecDeque::new(),
        }
    }

    pub fn newest(&self) -> Option<&CommitId> {
        self.ids.front()
    }

    /// Newest first.
    pub fn iter(&self) -> impl Iterator<Item = &CommitId> {
        self.ids.iter()
    }

    /// How many steps ago the commit was taken.
    pub fn position(&self, id: &CommitId) -> Option<usize> {
        self.ids.iter().position(|taken| taken == id)
    }

    /// How many steps ago each was taken: for looking up many.
    pub fn positions(&self) -> HashMap<&CommitId, usize> {
        self.ids.iter().zip(0..).collect()
    }

    /// Goes behind a commit.
    pub fn push(&mut self, id: CommitId) {
        if self.ids.len() == LENGTH {
            self.ids.pop_back();
        }
        self.ids.push_front(id);
    }

    /// Goes back to an earlier commit, because the branch has.
    pub fn go_back(&mut self, steps: usize) {
        let off = self.ids.drain(..steps.min(self.ids.len()));
        self.off.extend(off);
        let too_many = self.off.len().saturating_sub(LENGTH);
        self.off.drain(..too_many);
    }

    /// Whether the commit was taken before the branch left it.
    pub fn is_off(&self, id: &CommitId) -> bool {
        self.off.contains(id)
    }
}
