//! Waits until commits are finished, looks at their error, and acknowledges them: in order, once each.
//!
//! A thread of its own, so that the next archive is uploaded while pachd finishes the one before. What the committing
//! side needs is [`Finisher::room`]: it answers only when few enough commits wait, and never again after one failed.
//! Whoever collects meanwhile asks [`Finisher::has_room`], and hears of each change by [`Finisher::progress`]. After a
//! failure nothing more is acknowledged: an acknowledgement of the third archive says that the second is done.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use parking_lot::{Condvar, Mutex};

use super::context::Context;
use super::error::DeliveryError;
use super::ledger::Ledger;
use super::observer::Step;
use super::retry::{RetryBudget, UnknownAnswers};
use super::settled::{Receipt, Settled};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Commit, CommitId, CommitInfo};
use spoutctl_core::quantity::elapsed;

/// How long one `InspectCommit` with `wait` may take before it is asked again.
const ONE_WAIT: Duration = Duration::from_mins(1);
/// How long a commit may take before somebody is told what is waited for; and how often after that.
const TOLD_AFTER: Duration = Duration::from_secs(10);
const TOLD_EVERY: Duration = Duration::from_mins(1);
/// The pause before a commit is asked for again that the server says is not finished.
const SHORT_PAUSE: Duration = Duration::from_millis(200);
/// How often [`Finisher::room`] looks at the clock.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How far back the branch is looked through for a commit that is no longer the next one's parent.
const NEAR: usize = 50;

/// A commit that is closed for writing.
pub(super) struct Closed {
    pub commit: Commit,
    pub receipt: Receipt,
}

#[derive(Default)]
struct Waiting {
    commits: usize,
    failure: Option<DeliveryError>,
    /// Never taken back, so that nothing is published after a failed one.
    failed: bool,
    /// Closed when one fails, which wakes whoever waits for the next archive meanwhile.
    not_failed: Option<Sender<()>>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Shared {
    fn fail(&self, failure: DeliveryError) {
        let mut waiting = self.waiting.lock();
        waiting.failed = true;
        waiting.not_failed = None;
        waiting.failure.get_or_insert(failure);
        self.changed.notify_all();
    }
}

/// The waiting side, as the committing side sees it.
pub(super) struct Finisher {
    queue: Option<Sender<Closed>>,
    failed: Receiver<()>,
    progress: Receiver<()>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Why there will be no room.
#[derive(Debug, Clone, Copy)]
pub(super) enum NoRoom {
    EarlierFailed,
    /// The grace period is over.
    Interrupted,
}

/// Everything the waiting thread needs.
pub(super) struct Wait {
    pub context: Context,
    pub ledger: Arc<Ledger>,
    pub branch: Branch,
}

impl Finisher {
    pub fn start(wait: Wait) -> Self {
        let (queue, closed) = unbounded();
        let (not_failed, failed) = bounded(0);
        // One word is as good as many: whoever hears it looks.
        let (finished, progress) = bounded(1);
        let shared = Arc::new(Shared::default());
        shared.waiting.lock().not_failed = Some(not_failed);
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                // A panic must not leave the other side waiting for ever, nor count as success.
                let guard = PanicGuard(&shared);
                wait.all(&closed, &shared, &finished);
                std::mem::forget(guard);
            })
        };
        Self {
            queue: Some(queue),
            failed,
            progress,
            shared,
            thread: Some(thread),
        }
    }

    /// Hands over a commit to wait for.
    pub fn push(&self, closed: Closed) {
        self.shared.waiting.lock().commits += 1;
        if let Some(queue) = &self.queue {
            // The thread takes until the queue is closed, so it is there.
            let _ = queue.send(closed);
        }
    }

    /// Waits until fewer than `most` commits wait.
    ///
    /// # Errors
    /// When one of them failed, since nothing may be finished after it; when the grace period is over.
    pub fn room(&self, most: usize, context: &Context) -> Result<(), NoRoom> {
        let mut waiting = self.shared.waiting.lock();
        while waiting.commits >= most && !waiting.failed {
            if context.is_over() {
                return Err(NoRoom::Interrupted);
            }
            self.shared.changed.wait_for(&mut waiting, LOOK_EVERY);
        }
        if waiting.failed {
            Err(NoRoom::EarlierFailed)
        } else {
            Ok(())
        }
    }

    /// Whether fewer than `most` commits wait now, and none has failed.
    pub fn has_room(&self, most: usize) -> bool {
        let waiting = self.shared.waiting.lock();
        waiting.commits < most && !waiting.failed
    }

    /// A channel with a word in it when a commit was finished since that was taken out last.
    pub fn progress(&self) -> &Receiver<()> {
        &self.progress
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
            // A panic there is told by the guard's failure.
            let _ = thread.join();
        }
        match self.shared.waiting.lock().failure.take() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }
}

struct PanicGuard<'a>(&'a Shared);

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        self.0.fail(DeliveryError::Panicked);
    }
}

impl Wait {
    fn all(&self, closed: &Receiver<Closed>, shared: &Shared, finished: &Sender<()>) {
        let mut before = None;
        for Closed { commit, receipt } in closed {
            if shared.waiting.lock().failed {
                // It stays in the ledger, and a later run finds its mark.
                continue;
            }
            let begun = self.context.clock.now();
            match self.context.until_finished(&commit, receipt.archive) {
                Ok(info) => {
                    let took = self.context.clock.now().saturating_duration_since(begun);
                    self.context.observer.stepped(receipt.archive, Step::Finish, took);
                    let receipt = Receipt {
                        finished: info.finished,
                        ..receipt
                    };
                    let settled = Settled::Committed(&receipt);
                    let acknowledged = self.context.observer.settled(&settled);
                    // Not before it is acknowledged: whoever has to leave in between must know of it.
                    self.ledger.settled(&commit.id);
                    if let Err(error) = acknowledged {
                        shared.fail(DeliveryError::unacknowledged(&settled, error));
                        continue;
                    }
                    self.note_moved_branch(before.as_ref(), &info);
                    before = Some(commit.id);
                    shared.waiting.lock().commits -= 1;
                    shared.changed.notify_all();
                    // Full, it says so already.
                    let _ = finished.try_send(());
                }
                Err(error) => {
                    if matches!(
                        error,
                        DeliveryError::FinishedWithError { .. } | DeliveryError::Dropped { .. }
                    ) {
                        self.ledger.settled(&commit.id);
                    }
                    shared.fail(error);
                }
            }
        }
    }

    /// Says when somebody has moved the branch while we wrote: what was acknowledged before is then no longer on it.
    fn note_moved_branch(&self, before: Option<&CommitId>, info: &CommitInfo) {
        let parent = info.parent.as_ref().map(|parent| &parent.id);
        let Some(before) = before.filter(|before| parent != Some(*before)) else {
            return;
        };
        let mut seen = 0;
        let mut found = false;
        let listed = self.context.sink.list_commits(&self.branch, &mut |info| {
            seen += 1;
            found = info.commit.id == *before;
            if found || seen == NEAR {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        if listed.is_ok() && !found && seen < NEAR {
            self.context.observer.note(&format!(
                "somebody has moved {} while we wrote: commit {before} was acknowledged and is no longer on it",
                self.branch
            ));
        }
    }
}

impl Context {
    /// Waits until a commit that is closed is finished without an error.
    ///
    /// # Errors
    /// When it finished with an error, was dropped, or nobody answers.
    pub(super) fn until_finished(&self, commit: &Commit, archive: u64) -> Result<CommitInfo, DeliveryError> {
        let mut budget = self.retry_budget();
        let mut unknown = UnknownAnswers::default();
        let begun = self.clock.now();
        let mut told_at = begun + TOLD_AFTER;
        loop {
            let mut answer = self.sink.wait_commit(commit, self.wait_time(told_at));
            if answer.as_ref().is_err_and(Fault::is_passing) {
                // A large commit may take pachd longer than one wait. As long as it answers, that is no fault.
                answer = self.sink.inspect_commit(commit).or(answer);
            }
            match answer {
                Ok(info) if info.finished.is_none() => {
                    let now = self.clock.now();
                    if now >= told_at {
                        told_at = now + TOLD_EVERY;
                        let so_far = elapsed(now.saturating_duration_since(begun));
                        self.observer.note(&format!(
                            "archive {archive}: pachd has been finishing commit {commit} for {so_far}; it is waited for"
                        ));
                    }
                    self.still_finishing(&mut budget)?;
                }
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
                Err(fault) if fault.is_passing() && !unknown.too_often(&fault) => {
                    self.observer.retrying(&fault);
                    budget
                        .wait(fault.retry_after)
                        .map_err(|end| DeliveryError::exhausted(end, fault))?;
                }
                Err(fault) => return Err(DeliveryError::from_fault(archive, fault)),
            }
        }
    }

    /// Not longer than the grace period lasts, nor than somebody may be left in the dark.
    fn wait_time(&self, told_at: Instant) -> Duration {
        let now = self.clock.now();
        let longest = ONE_WAIT.min(told_at.saturating_duration_since(now));
        match self.interrupt.deadline() {
            None => longest,
            Some(deadline) => longest.min(deadline.saturating_duration_since(now)),
        }
    }

    fn still_finishing(&self, budget: &mut RetryBudget<'_>) -> Result<(), DeliveryError> {
        budget.reset();
        if self.is_over() {
            return Err(DeliveryError::Interrupted);
        }
        self.pause(SHORT_PAUSE);
        Ok(())
    }
}
