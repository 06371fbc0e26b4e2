//! How often, and how long, a step of one archive is tried.

use std::time::Duration;

use crate::context::Context;
use crate::error::{DeliveryError, waiting_for};
use crate::observer::Observer;
use crate::retry::{Exhausted, RetryBudget};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, CommitId, CommitInfo};

/// So often a head may be closed just when it is looked at.
const RACES: u32 = 20;
const AFTER_RACE: Duration = Duration::from_millis(100);

/// The retries for one archive, or for one step of it.
pub(super) struct Retry<'a> {
    archive: u64,
    observer: &'a dyn Observer,
    budget: RetryBudget<'a>,
}

impl<'a> Retry<'a> {
    pub fn new(context: &'a Context, archive: u64) -> Self {
        Self {
            archive,
            observer: context.observer.as_ref(),
            budget: context.retry_budget(),
        }
    }

    /// A call succeeded: the time counts from the next failure on.
    pub fn succeeded(&mut self) {
        self.budget.reset();
    }

    /// Waits, or says why there is no further try.
    pub fn again(&mut self, fault: Fault) -> Result<(), DeliveryError> {
        let again = if matches!(fault.kind, FaultKind::FileSetGone | FaultKind::HeadOpen) {
            // Here these pass as well: a file set is uploaded again, and a head does not stay open.
            self.observer.retrying(&fault);
            self.budget.wait(fault.retry_after)
        } else {
            self.budget.again(&fault, |fault| self.observer.retrying(fault))
        };
        again.map_err(|end| DeliveryError::exhausted(self.archive, end, fault))
    }
}

/// Waiting for somebody else's open head.
pub(super) struct Busy<'a> {
    context: &'a Context,
    budget: RetryBudget<'a>,
    /// The head that is waited for: another one means that the branch gets on.
    head: Option<CommitId>,
    /// How often the head was no longer open when it was looked at.
    races: u32,
}

impl<'a> Busy<'a> {
    pub fn new(context: &'a Context) -> Self {
        Self {
            context,
            budget: context.retry_budget(),
            head: None,
            races: 0,
        }
    }

    /// The head was finished between two calls, so the next try may succeed. A server that goes on contradicting itself
    /// is a fault like others.
    pub fn race(&mut self, retry: &mut Retry<'a>) -> Result<(), DeliveryError> {
        self.races += 1;
        if self.races > RACES {
            return retry.again(Fault::new(
                FaultKind::Unavailable,
                "StartCommit: the head is open, and is not",
            ));
        }
        if self.context.is_over() {
            return Err(DeliveryError::Interrupted);
        }
        self.context.pause(AFTER_RACE);
        Ok(())
    }

    pub fn wait(&mut self, branch: &Branch, head: CommitInfo) -> Result<(), DeliveryError> {
        if self.head.as_ref() != Some(&head.commit.id) {
            let id = &head.commit.id;
            self.context.observer.note(&waiting_for(branch, id));
            self.head = Some(id.clone());
            self.budget.reset();
        }
        self.budget.wait(None).map_err(|end| match end {
            Exhausted::Retries(waited) => DeliveryError::Busy {
                branch: branch.clone(),
                head: Box::new(head),
                waited,
            },
            Exhausted::Grace | Exhausted::Hopeless => DeliveryError::Interrupted,
        })
    }
}
