//! The commits taken last, by which a rewritten history is known.
//!
//! A squashed commit's children become its parent's, and a dropped head gives way to its parent. Both were taken
//! before, so it is clear where to go on, as long as they are remembered.

use std::collections::VecDeque;

use crate::pfs::CommitId;

/// How many commits are remembered.
pub const LENGTH: usize = 1024;

/// The last commits taken, up to [`LENGTH`]. The oldest may be one that was only known to be before them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    /// Newest first.
    ids: VecDeque<CommitId>,
}

impl Trail {
    /// Behind these commits, newest first.
    pub fn behind(ids: impl IntoIterator<Item = CommitId>) -> Self {
        Self {
            ids: ids.into_iter().take(LENGTH).collect(),
        }
    }

    #[must_use]
    pub fn newest(&self) -> Option<&CommitId> {
        self.ids.front()
    }

    /// Newest first.
    pub fn iter(&self) -> impl Iterator<Item = &CommitId> {
        self.ids.iter()
    }

    /// How many steps ago the commit was taken.
    #[must_use]
    pub fn position(&self, id: &CommitId) -> Option<usize> {
        self.ids.iter().position(|taken| taken == id)
    }

    /// Goes behind a commit.
    pub fn push(&mut self, id: CommitId) {
        if self.ids.len() == LENGTH {
            self.ids.pop_back();
        }
        self.ids.push_front(id);
    }

    /// Forgets the newest ones, because the branch has.
    pub fn go_back(&mut self, steps: usize) {
        self.ids.drain(..steps.min(self.ids.len()));
    }
}
