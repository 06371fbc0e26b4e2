//! Giving up a commit, so that what it holds is never seen: by dropping it, or by finishing it with an error.

use std::time::Duration;

use super::retrying::Retry;
use super::{Committer, Found, GivenUp, Job, LateFinish};
use crate::CommitSink;
use crate::error::DeliveryError;
use crate::mark::{Mark, Stage};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::Commit;

/// So long it is waited for that a commit which was given up is finished; one that takes longer stays.
const TO_BE_TIDIED: Duration = Duration::from_secs(10);

impl Committer<'_> {
    /// An open commit with this archive's mark that this run has not started, as far as it knows: the commit, if it
    /// turns out to hold the archive; otherwise it is given up.
    pub(super) fn take_or_give_up(&self, job: &Job<'_>, commit: &Commit) -> Result<Option<Commit>, DeliveryError> {
        match self.give_up(job.archive.number, &job.mark, commit, LateFinish::Possible)? {
            GivenUp::Gone => Ok(None),
            GivenUp::Finished => match self.inspect_ours(job, commit)? {
                Found::Closed(commit) => Ok(Some(commit)),
                Found::Errored(..) | Found::Open(_) | Found::Nothing => Ok(None),
            },
        }
    }

    /// Removes an open commit of ours, or finishes it with an error: its data are never seen then (recordings p
    /// 057–067). The latter where dropping needs a permission that we do not have, and where a late `FinishCommit` is
    /// possible.
    pub fn give_up(
        &self,
        archive: u64,
        mark: &Mark,
        commit: &Commit,
        late_finish: LateFinish,
    ) -> Result<GivenUp, DeliveryError> {
        let mut retry = Retry::new(self.context, archive);
        let mut may_drop = late_finish == LateFinish::Impossible;
        loop {
            match self.try_to_give_up(mark, commit, may_drop) {
                Ok(given_up) => {
                    self.ledger.settled(&commit.id);
                    self.tidy_up(commit, given_up, late_finish);
                    return Ok(given_up);
                }
                Err(fault) if may_drop && !fault.is_passing() => may_drop = false,
                Err(fault) => retry.again(fault)?,
            }
        }
    }

    /// A commit that was finished with an error of ours is nothing but noise in the branch's history, and may be
    /// dropped at any time after that. Whether that succeeds does not matter: few may drop, and once the next commit is
    /// there, pachd refuses ("cannot drop a commit that has children").
    fn tidy_up(&self, commit: &Commit, given_up: GivenUp, late_finish: LateFinish) {
        let is_noise = given_up == GivenUp::Gone && late_finish == LateFinish::Possible;
        if is_noise && is_finished(self.context.sink.as_ref(), commit) {
            let _ = self.context.sink.drop_commit(commit);
        }
    }

    fn try_to_give_up(&self, mark: &Mark, commit: &Commit, may_drop: bool) -> Result<GivenUp, Fault> {
        let result = if may_drop {
            self.context.sink.drop_commit(commit)
        } else {
            let description = mark.at(Stage::GivenUp).description(self.message);
            self.ledger.ended(&commit.id);
            self.context
                .sink
                .finish_commit(commit, &description, Some("given up by spoutctl"))
        };
        match result {
            Ok(()) => Ok(GivenUp::Gone),
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(GivenUp::Gone),
            Err(fault) if fault.kind == FaultKind::AlreadyFinished => self.who_finished(mark, commit),
            Err(fault) => Err(fault),
        }
    }

    /// A commit that we wanted to give up was finished before: perhaps by just that, when the answer was lost.
    fn who_finished(&self, mark: &Mark, commit: &Commit) -> Result<GivenUp, Fault> {
        match self.context.sink.inspect_commit(commit) {
            Ok(info) => {
                let given_up = |found: Mark| found.is_same_archive(mark) && found.stage == Stage::GivenUp;
                Ok(if Mark::of(&info).is_some_and(given_up) {
                    GivenUp::Gone
                } else {
                    GivenUp::Finished
                })
            }
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(GivenUp::Gone),
            Err(fault) => Err(fault),
        }
    }

    /// An error while a commit is open: it is given up if that can still be done; if not, the ledger names it.
    pub(super) fn leave(&self, job: &Job<'_>, commit: &Commit, error: DeliveryError) -> DeliveryError {
        if matches!(
            error,
            DeliveryError::Dropped { .. } | DeliveryError::FinishedWithError { .. }
        ) {
            return error;
        }
        // It was tried for as long as it may be. One call more, or two, so that the branch is not left blocked.
        let may_drop = self.ledger.is_surely_open(&commit.id);
        let mut given_up = self.try_to_give_up(&job.mark, commit, may_drop);
        if may_drop && given_up.as_ref().is_err_and(|fault| !fault.is_passing()) {
            given_up = self.try_to_give_up(&job.mark, commit, false);
        }
        match given_up {
            Ok(GivenUp::Gone) => self.ledger.settled(&commit.id),
            Ok(GivenUp::Finished) => self.ledger.closed(commit),
            Err(_) => {}
        }
        error
    }
}

/// Whether pachd is done with a commit that is closed, after some patience: until then it must not be dropped.
fn is_finished(sink: &dyn CommitSink, commit: &Commit) -> bool {
    sink.wait_commit(commit, TO_BE_TIDIED)
        .is_ok_and(|info| info.finished.is_some())
}
