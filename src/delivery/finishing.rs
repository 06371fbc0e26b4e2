//! Waits until commits are finished, looks at their error, and acknowledges them: in order, once each.
//!
//! A thread of its own, so that the next archive is uploaded while pachd finishes the one before. What the committing
//! side needs is [`Finisher::room`]: it answers only when few enough commits wait, and never again after one failed.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::error::{DeliveryError, Unsettled};
use super::patience::{Clock, Interrupt, Patience};
use super::{CommitSink, Observer, Receipt};
use crate::fault::{Fault, FaultKind};
use crate::pfs::{Commit, CommitInfo};

/// How long one `InspectCommit` with `wait` may take before it is asked again.
const ONE_WAIT: Duration = Duration::from_mins(1);
/// How often a wait for room looks whether it was interrupted: nobody wakes it for that.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A commit that is closed for writing.
pub(super) struct Closed {
    pub commit: Commit,
    pub receipt: Receipt,
}

#[derive(Default)]
struct Waiting {
    commits: usize,
    failure: Option<DeliveryError>,
    /// Set with `failure` and never taken back, so that nothing is published after a failed one.
    failed: bool,
    /// Closed when one fails, which wakes whoever waits for the next archive meanwhile.
    not_failed: Option<Sender<()>>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

/// The waiting side, as the committing side sees it.
pub(super) struct Finisher {
    queue: Option<Sender<Closed>>,
    failed: Receiver<()>,
    shared: Arc<Shared>,
    interrupt: Interrupt,
    thread: Option<JoinHandle<()>>,
}

/// Everything the waiting thread needs.
pub(super) struct Wait {
    pub sink: Arc<dyn CommitSink>,
    pub observer: Arc<dyn Observer>,
    pub clock: Arc<dyn Clock>,
    pub interrupt: Interrupt,
    pub retry_for: Duration,
}

impl Finisher {
    pub fn start(wait: Wait) -> Self {
        let (queue, closed) = unbounded();
        let (not_failed, failed) = bounded(0);
        let shared = Arc::new(Shared::default());
        shared.waiting.lock().unwrap_or_else(PoisonError::into_inner).not_failed = Some(not_failed);
        let interrupt = wait.interrupt.clone();
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || wait.all(&closed, &shared))
        };
        Self {
            queue: Some(queue),
            failed,
            shared,
            interrupt,
            thread: Some(thread),
        }
    }

    /// Hands over a commit to wait for.
    pub fn push(&self, closed: Closed) {
        self.lock().commits += 1;
        if let Some(queue) = &self.queue {
            // The thread takes until the queue is closed, so it is there.
            let _ = queue.send(closed);
        }
    }

    /// Waits until fewer than `most` commits wait.
    ///
    /// # Errors
    /// Why there will be no room.
    pub fn room(&self, most: usize) -> Result<(), NoRoom> {
        let mut waiting = self.lock();
        while waiting.commits >= most && !waiting.failed {
            if self.interrupt.deadline().is_some_and(|end| end <= Instant::now()) {
                return Err(NoRoom::GraceIsOver);
            }
            let woken = self.shared.changed.wait_timeout(waiting, LOOK_EVERY);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        if waiting.failed { Err(NoRoom::Failed) } else { Ok(()) }
    }

    /// A channel that is closed when one has failed.
    pub fn failed(&self) -> &Receiver<()> {
        &self.failed
    }

    /// Waits for all of them.
    ///
    /// # Errors
    /// Why the first one failed.
    pub fn end(mut self) -> Result<(), DeliveryError> {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the panic hook; commits that it did not acknowledge stay so.
            let _ = thread.join();
        }
        match self.lock().failure.take() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why no further commit may be closed.
#[derive(Debug, Clone, Copy)]
pub(super) enum NoRoom {
    /// An earlier commit failed: nothing may be finished after it.
    Failed,
    /// Earlier ones are not finished yet, and the grace period after an interrupt is over.
    GraceIsOver,
}

impl Wait {
    fn all(&self, closed: &Receiver<Closed>, shared: &Shared) {
        for Closed { commit, receipt } in closed {
            let outcome = self.one(&commit, receipt.archive);
            let mut waiting = shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.commits -= 1;
            match outcome {
                Ok(info) => {
                    drop(waiting);
                    self.observer.committed(&Receipt {
                        finished: info.finished,
                        ..receipt
                    });
                }
                Err(error) => {
                    // With several in flight a later one may have succeeded; the first failure is the one to tell.
                    waiting.failed = true;
                    waiting.not_failed = None;
                    waiting.failure.get_or_insert(error);
                }
            }
            shared.changed.notify_all();
        }
    }

    fn one(&self, commit: &Commit, archive: u64) -> Result<CommitInfo, DeliveryError> {
        let mut patience = Patience::new(self.clock.as_ref(), &self.interrupt, self.retry_for);
        loop {
            match self.sink.wait_commit(commit, ONE_WAIT) {
                Ok(info) if info.finished.is_none() => again(&mut patience, commit, &still_finishing())?,
                Ok(info) if info.error.is_empty() => return Ok(info),
                Ok(info) => {
                    let commit = commit.clone();
                    return Err(DeliveryError::FinishedWithError {
                        archive,
                        commit,
                        error: info.error,
                    });
                }
                Err(fault) if fault.kind == FaultKind::NotFound => {
                    return Err(DeliveryError::Dropped {
                        archive,
                        commit: commit.clone(),
                    });
                }
                Err(fault) if fault.is_passing() => {
                    // A large commit may take pachd longer than one wait. As long as it answers, that is no fault.
                    if self
                        .sink
                        .inspect_commit(commit)
                        .is_ok_and(|info| info.finished.is_none())
                    {
                        patience.reset();
                    }
                    again(&mut patience, commit, &fault)?;
                }
                Err(fault) => return Err(DeliveryError::from_fault(archive, fault)),
            }
        }
    }
}

fn again(patience: &mut Patience<'_>, commit: &Commit, fault: &Fault) -> Result<(), DeliveryError> {
    let left = || Some(Unsettled::Closed(commit.clone()));
    patience
        .wait(fault.retry_after)
        .map_err(|end| DeliveryError::exhausted(end, fault.clone(), left()))
}

fn still_finishing() -> Fault {
    Fault::new(FaultKind::Unavailable, "InspectCommit: the commit is not finished yet")
}
