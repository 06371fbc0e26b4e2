//! How long works are cut, and whose turn it is between two slices.

use std::time::Duration;

/// How long works are cut, so that others come in between.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slices {
    /// Paths of one slice, each a transaction: some 50 ms of work.
    pub paths: usize,
    /// Between two slices. A process that waits for the lock asks for it every 100 ms at most.
    pub pause: Duration,
}

impl Default for Slices {
    fn default() -> Self {
        Self {
            paths: 5_000,
            pause: Duration::from_millis(10),
        }
    }
}

/// How many paths may still be looked at in this transaction.
pub(super) struct Slice(usize);

impl Slice {
    pub(super) fn of(paths: usize) -> Self {
        Self(paths)
    }

    /// Everything: for what has to be done in one transaction.
    pub(super) fn whole() -> Self {
        Self(usize::MAX)
    }

    /// Whether one more may be looked at.
    pub(super) fn take(&mut self) -> bool {
        let is_left = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        is_left
    }
}

/// Whose turn it is: those that are begun and those that are not, one after the other, so that neither waits for all of
/// the others.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Turn {
    pub is_of_begun: bool,
    /// Of those that are begun, the one that was gone on with last.
    pub last: i64,
}

impl Turn {
    pub(super) fn after(self, row: i64, is_begun: bool) -> Self {
        Self {
            is_of_begun: !is_begun,
            last: if is_begun { row } else { self.last },
        }
    }
}
