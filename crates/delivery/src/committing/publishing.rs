//! A commit that was made on another branch is finished, and then the destination is moved to it: `--staging`.

use std::ops::ControlFlow;

use super::retrying::Retry;
use super::{Committer, Job, refused};
use crate::error::DeliveryError;
use crate::staging::{Published, Staging};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Commit, CommitId};

/// How often a transaction of ours may vanish without having moved the branch.
const VANISHED: u32 = 3;

/// Where the destination is, as seen from a staged commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At its parent.
    Before,
    /// It has the commit.
    There,
    Elsewhere,
}

impl<'a> Committer<'a> {
    pub(super) fn start_commit(&self, description: &str) -> Result<CommitId, Fault> {
        if let Some(staging) = &self.staging {
            staging.follow(self.context.sink.as_ref(), self.branch)?;
        }
        self.context.sink.start_commit(self.branch, description)
    }

    /// Waits until a staged commit is finished without an error, and moves the destination to it.
    pub(super) fn publish(&self, job: &Job<'_>, commit: &Commit) -> Result<Published, DeliveryError> {
        let Some(staging) = &self.staging else {
            return Ok(Published::There);
        };
        self.ledger.staged(commit);
        let parent = self.finished_staged(job, commit)?;
        let mut retry = Retry::new(self.context, job.archive.number);
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
    pub(crate) fn check_published(&self, archive: u64) -> Result<(), DeliveryError> {
        let (Some(staging), Some(published)) = (&self.staging, &self.published) else {
            return Ok(());
        };
        let mut retry = Retry::new(self.context, archive);
        loop {
            let mut is_there = false;
            let listed = self.context.sink.list_commits(staging.target, &mut |info| {
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
        let finished = self.context.until_finished(commit, job.archive.number);
        if let Err(DeliveryError::FinishedWithError { .. } | DeliveryError::Dropped { .. }) = &finished {
            self.ledger.settled(&commit.id);
        }
        finished.map(|info| info.parent.map(|parent| parent.id))
    }

    fn place(&self, staging: &Staging<'_>, commit: &Commit, parent: Option<&CommitId>) -> Result<Place, Fault> {
        let mut place = Place::Elsewhere;
        let mut is_head = true;
        self.context.sink.list_commits(staging.target, &mut |info| {
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
        self.context.observer.note(&format!(
            "somebody else has moved {} meanwhile: the archive is staged again on its new head",
            staging.target
        ));
        let _ = self.context.sink.drop_commit(commit);
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
