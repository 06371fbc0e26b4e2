//! A branch that is not there, or whose history is not the one that was followed.

use super::{Follower, Missing, StepError, changed_meanwhile};
use crate::following::error::commit_of;
use crate::following::trail::Trail;
use crate::following::{FollowError, Note, Rewrite};
use spoutctl_core::fault::FaultKind;
use spoutctl_core::pfs::CommitId;

impl Follower<'_, '_> {
    /// The branch or the repo is not there, or the branch has no commit.
    pub(super) fn not_there(&mut self, no_repo: bool) -> Result<(), StepError> {
        self.open = None;
        let exists = !no_repo
            && self
                .feed
                .inspect_branch(self.branch)
                .map_err(changed_meanwhile)?
                .is_some();
        let last = self.trail.newest().cloned();
        if exists && last.is_none() {
            // Empty so far: whatever comes is new.
            self.missing = Missing::No;
            self.begun = true;
            return Ok(());
        }
        if let (true, Some(last)) = (exists, last.as_ref()) {
            return Err(self.rewritten_error(last.clone(), None)?.into());
        }
        if !self.options.wait_for_branch {
            return Err(self.missing_error(no_repo, last).into());
        }
        if last.is_some() && (self.options.strict || !self.proven) {
            return Err(FollowError::Gone {
                branch: self.branch.clone(),
                last,
            }
            .into());
        }
        if self.missing == Missing::No {
            self.missing = Missing::Said;
            let note = if self.proven { Note::Gone } else { Note::Waiting };
            self.consumer.note(&note(self.branch.clone()));
        }
        // What comes instead of a repo has nothing of the old one in it.
        if no_repo {
            self.trail = Trail::default();
        }
        self.begun = true;
        Ok(())
    }

    fn missing_error(&self, no_repo: bool, last: Option<CommitId>) -> FollowError {
        let branch = self.branch.clone();
        match (self.proven, no_repo) {
            (true, _) => FollowError::Gone { branch, last },
            (false, true) => FollowError::NoRepo(branch.repo),
            (false, false) => FollowError::NoBranch(branch),
        }
    }

    /// The last commit taken is not on the branch any more: goes back to the nearest that is, where that is allowed.
    pub(super) fn rewritten(&mut self, met: Option<usize>) -> Result<(), StepError> {
        let Some(last) = self.trail.newest().cloned() else {
            return Ok(());
        };
        let onto = met.and_then(|at| self.trail.iter().nth(at).cloned());
        match (met, onto) {
            (Some(at), Some(onto)) if !self.options.strict => {
                let what = self.what_became_of(&last)?;
                self.trail.go_back(at);
                self.consumer.note(&Note::Rewritten {
                    last: commit_of(self.branch, &last),
                    onto,
                    what,
                });
                Ok(())
            }
            (_, onto) => Err(self.rewritten_error(last, onto)?.into()),
        }
    }

    fn rewritten_error(&self, last: CommitId, onto: Option<CommitId>) -> Result<FollowError, StepError> {
        let what = self.what_became_of(&last)?;
        let branch = self.branch.clone();
        // What was named by hand may never have been on this branch.
        if !self.proven {
            return Ok(FollowError::NotOnBranch {
                branch,
                commit: last,
                exists: what == Rewrite::Moved,
            });
        }
        Ok(FollowError::Rewritten {
            branch,
            last,
            what,
            onto,
        })
    }

    fn what_became_of(&self, commit: &CommitId) -> Result<Rewrite, StepError> {
        match self.feed.find_commit(&self.branch.repo, commit) {
            Ok(_) => Ok(Rewrite::Moved),
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(Rewrite::Removed),
            Err(fault) => Err(fault.into()),
        }
    }
}
