//! What every step of a delivery has at hand: where it goes, who is told, the time, and how long to try.

use std::sync::Arc;
use std::time::Duration;

use super::CommitSink;
use super::observer::Observer;
use super::retry::{Clock, Interrupt, RetryBudget};

/// What every step of a delivery has at hand. Threads have one each, of the same things.
#[derive(Clone)]
pub struct Context {
    pub sink: Arc<dyn CommitSink>,
    pub observer: Arc<dyn Observer>,
    pub clock: Arc<dyn Clock>,
    pub interrupt: Interrupt,
    /// The longest time without any success.
    pub retry_for: Duration,
}

impl Context {
    pub(super) fn retry_budget(&self) -> RetryBudget<'_> {
        RetryBudget::new(self.clock.as_ref(), &self.interrupt, self.retry_for)
    }

    /// Whether the grace period after an interrupt is over.
    pub(super) fn is_over(&self) -> bool {
        self.interrupt.is_over(self.clock.now())
    }

    /// Waits, or until an interrupt is raised meanwhile.
    pub(super) fn pause(&self, pause: Duration) {
        self.clock.pause(pause, &self.interrupt);
    }
}
