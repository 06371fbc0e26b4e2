//! `--staging`: an archive's commit is made on another branch, and the destination is moved to it when it is finished
//! without an error, so that nobody downstream ever sees an open or a failed commit.
//!
//! **A late move cannot undo a newer one.** `CreateBranch` sets a branch to a commit whatever it is at then, and a call
//! whose answer was lost may arrive hours later, when acknowledged commits would be taken off the branch. So it is made
//! inside a transaction: `FinishTransaction` carries it out once, and a transaction that is finished or deleted is gone
//! for good, with every call for it that is still on its way (tried on 2.12: a second `FinishTransaction`, and a
//! `CreateBranch` that names it, find nothing). A run begins by deleting what an earlier one has left
//! (`withdraw_moves`).
//!
//! **A staged commit counts for nothing** until the branch is moved: an interrupted run leaves at most one, which the
//! next one drops or passes over. Its archive was not acknowledged.
//!
//! **For one writer.** The head is looked at right before the move; a commit that somebody else made in between means
//! that the archive is staged again on top of it. One that is made between that look and the move is taken off the
//! branch; a second writer of ours finds its own commit gone, at its next archive or at its end, and fails.
//!
//! A branch with provenance is refused: `CreateBranch` would take its provenance away (2.12's source).

use super::mark::Mark;
use super::{CommitSink, StagingSink};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Commit, TransactionId};

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

/// Deletes the transactions by which an earlier run wanted to move the branch: one that is on its way to be finished
/// would otherwise set it back behind what this run acknowledges. Those for commits that no spoutctl made are nobody's
/// but their maker's.
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
    /// A call for this that comes late sets the branch for staging back: what is then built on the wrong commit is
    /// found out before the destination is moved.
    pub(super) fn follow(&self, sink: &dyn CommitSink, branch: &Branch) -> Result<(), Fault> {
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
    pub(super) fn prepare(&self, commit: &Commit) -> Result<TransactionId, Fault> {
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
