//! `--staging`: an archive's commit is made on another branch, and the destination is moved to it when it is finished
//! without an error, so that nobody downstream ever sees an open or a failed commit.
//!
//! **A late move cannot undo a newer one.** `CreateBranch` sets a branch to a commit whatever it is at then, and a call
//! whose answer was lost may arrive hours later, when acknowledged commits would be taken off the branch. So it is made
//! inside a transaction: `FinishTransaction` carries it out once, and a transaction that is finished or deleted is gone
//! for good, with every call for it that is still on its way (tried on 2.12: a second `FinishTransaction`, and a
//! `CreateBranch` that names it, find nothing). A run begins by deleting what an earlier one has left (`withdraw_moves`).
//!
//! **A staged commit counts for nothing** until the branch is moved: an interrupted run leaves at most one, which the next
//! one drops or passes over. Its archive was not acknowledged.
//!
//! **For one writer.** The head is looked at right before the move; a commit that somebody else made in between means that
//! the archive is staged again on top of it. One that is made between that look and the move is taken off the branch; a
//! second writer of ours finds its own commit gone, at its next archive or at its end, and fails.
//!
//! A branch with provenance is refused: `CreateBranch` would take its provenance away (2.12's source).

use std::ops::ControlFlow;

use super::committing::{Committer, Job, Retry, refused};
use super::error::DeliveryError;
use super::finishing::Watch;
use super::mark::Mark;
use super::{CommitSink, StagingSink};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Commit, CommitId, TransactionId};

/// How often a transaction of ours may vanish without having moved the branch.
const VANISHED: u32 = 3;

/// Where commits go when they are finished.
#[derive(Clone, Copy)]
pub(super) struct Staging<'a> {
    pub sink: &'a dyn StagingSink,
    pub target: &'a Branch,
}

/// What came of a commit that is closed for writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Published {
    There,
    /// The destination has a newer head than the one that the commit was built on.
    Overtaken,
}

/// Where the destination is, as seen from a staged commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At its parent.
    Before,
    /// It has the commit.
    There,
    Elsewhere,
}

/// Deletes the transactions by which an earlier run wanted to move the branch: one that is on its way to be finished would
/// otherwise set it back behind what this run acknowledges. Those for commits that no spoutctl made are nobody's but their
/// maker's.
///
/// # Errors
/// Any [`Fault`].
pub(super) fn withdraw_moves(sink: &dyn CommitSink, branch: &Branch) -> Result<(), Fault> {
    let staging = sink.staging()?;
    for (transaction, head) in staging.list_moves(branch)? {
        let ours = match sink.inspect_commit(&head) {
            Ok(info) => Mark::of(&info).is_some(),
            Err(fault) if fault.kind == FaultKind::NotFound => false,
            Err(fault) => return Err(fault),
        };
        match ours.then(|| staging.delete_transaction(&transaction)) {
            Some(Err(fault)) if fault.kind != FaultKind::NotFound => return Err(fault),
            _ => {}
        }
    }
    Ok(())
}

impl Staging<'_> {
    /// Has the branch for staging begin where the destination is. After a commit that was published it does already.
    ///
    /// A call for this that comes late sets the branch for staging back: what is then built on the wrong commit is found
    /// out before the destination is moved.
    fn follow(&self, sink: &dyn CommitSink, branch: &Branch) -> Result<(), Fault> {
        let head = |branch| Ok::<_, Fault>(sink.inspect_branch(branch)?.and_then(|info| info.head));
        let mut wanted = head(self.target)?;
        if wanted.is_none() {
            // Every staged commit has a parent, so that a look from it ends there.
            self.sink.create_branch(self.target, None)?;
            wanted = head(self.target)?;
        }
        let Some(wanted) = wanted else {
            let text = format!("{} was made and has no head", self.target);
            return Err(Fault::new(FaultKind::Unavailable, text));
        };
        let found = head(branch)?;
        if found.as_ref().is_some_and(|found| found.id == wanted.id) {
            return Ok(());
        }
        // Whose it is, is found out as for any other open head; it is not to lose its place.
        if let Some(found) = found
            && sink.inspect_commit(&found)?.is_open()
        {
            let text = format!("the head of {branch} is open");
            return Err(Fault::new(FaultKind::HeadOpen, text));
        }
        self.sink.create_branch(branch, Some(&wanted))
    }

    /// A transaction that sets the destination to the commit.
    fn prepare(&self, commit: &Commit) -> Result<TransactionId, Fault> {
        let transaction = self.sink.start_transaction()?;
        match self.sink.move_branch(&transaction, self.target, commit) {
            Ok(()) => Ok(transaction),
            Err(fault) => {
                // Nobody will finish it, so it does no harm where this fails.
                let _ = self.sink.delete_transaction(&transaction);
                Err(fault)
            }
        }
    }
}

impl<'a> Committer<'a> {
    pub(super) fn start_commit(&self, description: &str) -> Result<CommitId, Fault> {
        if let Some(staging) = &self.staging {
            staging.follow(self.sink.as_ref(), self.branch)?;
        }
        self.sink.start_commit(self.branch, description)
    }

    /// Waits until a staged commit is finished without an error, and moves the destination to it.
    pub(super) fn publish(&self, job: &Job<'_>, commit: &Commit) -> Result<Published, DeliveryError> {
        let Some(staging) = &self.staging else {
            return Ok(Published::There);
        };
        self.ledger.staged(commit);
        let parent = self.finished_staged(job, commit)?;
        let mut retry = Retry::new(self, job.archive.number);
        let mut vanished = 0;
        loop {
            let place = match self.place(staging, commit, parent.as_ref()) {
                Ok(place) => place,
                Err(fault) => {
                    retry.again(fault)?;
                    continue;
                }
            };
            match place {
                Place::There => break,
                Place::Elsewhere => {
                    self.pass_over(staging, commit);
                    return Ok(Published::Overtaken);
                }
                Place::Before if vanished == VANISHED => {
                    let text = format!("somebody deletes the transactions by which {} is moved", staging.target);
                    return Err(refused(job, text));
                }
                Place::Before => {}
            }
            if self.carry_out(staging, commit, &mut retry)? {
                break;
            }
            vanished += 1;
        }
        self.ledger.closed(commit);
        Ok(Published::There)
    }

    /// Fails when what was acknowledged is no longer on the destination: going on would hide that.
    pub(super) fn check_published(&self, archive: u64) -> Result<(), DeliveryError> {
        let (Some(staging), Some(published)) = (&self.staging, &self.published) else {
            return Ok(());
        };
        let mut retry = Retry::new(self, archive);
        loop {
            let mut is_there = false;
            let listed = self.sink.list_commits(staging.target, &mut |info| {
                is_there = info.commit.id == *published;
                if is_there {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            match listed {
                Ok(()) if is_there => return Ok(()),
                Ok(()) => {
                    return Err(DeliveryError::TakenOff {
                        branch: staging.target.clone(),
                        commit: published.clone(),
                    });
                }
                Err(fault) => retry.again(fault)?,
            }
        }
    }

    fn finished_staged(&self, job: &Job<'_>, commit: &Commit) -> Result<Option<CommitId>, DeliveryError> {
        let watch = Watch {
            sink: self.sink.as_ref(),
            observer: self.observer,
            clock: self.clock,
            interrupt: self.interrupt,
            retry_for: self.retry_for,
        };
        let finished = watch.until_finished(commit, job.archive.number);
        if let Err(DeliveryError::FinishedWithError { .. } | DeliveryError::Dropped { .. }) = &finished {
            self.ledger.settled(&commit.id);
        }
        finished.map(|info| info.parent.map(|parent| parent.id))
    }

    fn place(&self, staging: &Staging<'_>, commit: &Commit, parent: Option<&CommitId>) -> Result<Place, Fault> {
        let mut place = Place::Elsewhere;
        let mut is_head = true;
        self.sink.list_commits(staging.target, &mut |info| {
            let id = Some(&info.commit.id);
            if id == Some(&commit.id) {
                place = Place::There;
            } else if id == parent && is_head {
                place = Place::Before;
            } else if id != parent {
                is_head = false;
                return ControlFlow::Continue(());
            }
            ControlFlow::Break(())
        })?;
        Ok(place)
    }

    /// Its data are staged again elsewhere, and it is in nobody's way: whether it can be dropped does not matter.
    fn pass_over(&self, staging: &Staging<'_>, commit: &Commit) {
        self.observer.note(&format!(
            "somebody else has moved {} meanwhile: the archive is staged again on its new head",
            staging.target
        ));
        let _ = self.sink.drop_commit(commit);
        self.ledger.settled(&commit.id);
    }

    /// Moves the destination; `false` when the transaction is gone, and only a look tells whether it was carried out.
    fn carry_out(&self, staging: &Staging<'_>, commit: &Commit, retry: &mut Retry<'a>) -> Result<bool, DeliveryError> {
        let transaction = loop {
            match staging.prepare(commit) {
                Ok(transaction) => break transaction,
                Err(fault) => retry.again(fault)?,
            }
        };
        self.ledger.perhaps_moved(commit, staging.target);
        loop {
            let fault = match staging.sink.finish_transaction(&transaction) {
                Ok(()) => return Ok(true),
                Err(fault) if fault.kind == FaultKind::NotFound => return Ok(false),
                Err(fault) => fault,
            };
            if let Err(error) = retry.again(fault) {
                // One call more, so that nobody has to wonder where the branch will be.
                if staging.sink.delete_transaction(&transaction).is_ok() {
                    self.ledger.staged(commit);
                }
                return Err(error);
            }
        }
    }
}
