//! `squash`: the finished commits of a long history go, each into the next one that is kept.
//!
//! pachd's `SquashCommitSet` takes a commit out of the history and leaves its data to its children (recordings 421,
//! 422): a finished commit has its whole tree for itself, so what is read at every commit that stays is the same before
//! and after. It is asked for one commit after the other, the oldest first, so that a run that is killed has squashed
//! some of them, and the next one goes on.
//!
//! **What stays**, besides what is younger than asked for and the newest of each period:
//!
//! | commit | why |
//! |---|---|
//! | a head, of this branch or another; one on which another branch goes on | pachd would set a branch back; whoever follows that branch goes on from there |
//! | one that is open, or finished with an error | its data are in no later commit |
//! | the one before such a commit, or before one that pachd made itself | what is built on the other one would be built on what is before both |
//! | the newest 200 of each stream with a name | by their marks a `put` that is started again knows what is done, and what failed in flight |
//! | one whose id other commits have (`sets`) | they would be squashed with it |
//! | what a cursor or somebody has named | |
//! | what pachd refuses | its words are told |
//!
//! **Meanwhile** somebody may make a branch: the branches are looked at again before each hundred. A call whose answer
//! was lost is repeated once a look shows the commit still there; its id is never given again, so a call that comes
//! late finds nothing.
//!
//! Memory: 16 bytes for each commit of the branch and for each that goes, about 100 for each stream with a name.

mod plan;
mod sets;
mod standing;
mod walk;

use std::ops::ControlFlow;
use std::time::Duration;

pub use self::plan::{Plan, Reason, Wish};
use self::sets::Sets;
use self::standing::Standing;
use self::walk::Walk;
use super::CommitSink;
use super::retry::{Clock, Exhausted, Interrupt, RetryBudget};
use spoutctl_core::commit_set::SquashingSink;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, CommitId};

/// After so many commits the branches are looked at again.
const LOOK_AGAIN: usize = 100;

/// What became of a commit that was to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// With so many others of its id, in other repos.
    Squashed { others: usize },
    /// It stays; the last says more, where there is more to say.
    Stays(Reason, Option<String>),
}

/// Why it was not seen to its end. What was squashed before stays so.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SquashError {
    #[error("there is no branch {0}")]
    NoBranch(Branch),
    #[error("commit {id} is to be kept and is not on {branch}")]
    NotOnBranch { id: CommitId, branch: Branch },
    #[error("{0}")]
    Fault(Fault),
    #[error("{fault}; tried for {} s", .tried.as_secs())]
    Unreachable { fault: Fault, tried: Duration },
    #[error("interrupted")]
    Interrupted,
}

/// A store whose commits are squashed.
pub struct Squashing<'a> {
    pub sink: &'a dyn CommitSink,
    pub store: &'a dyn SquashingSink,
    pub clock: &'a dyn Clock,
    pub interrupt: &'a Interrupt,
    /// The longest time without any success.
    pub retry_for: Duration,
    /// Hears of calls that are made again.
    pub retrying: &'a dyn Fn(&Fault),
}

impl Squashing<'_> {
    /// Decides what goes. Nothing is changed.
    ///
    /// # Errors
    /// When the history cannot be read, or something that is to be kept is not in it.
    pub fn plan(&self, wish: &Wish) -> Result<Plan, SquashError> {
        let branch = &wish.branch;
        if self.persist(|| self.sink.inspect_branch(branch))?.is_none() {
            return Err(SquashError::NoBranch(branch.clone()));
        }
        let (mut plan, named) = self.persist(|| {
            let mut walk = Walk::new(wish);
            self.sink.list_commits(branch, &mut |info| {
                walk.see(&info);
                ControlFlow::Continue(())
            })?;
            Ok(walk.end())
        })?;
        if let Some(id) = wish.keep.iter().find(|id| !named.contains(*id)) {
            return Err(SquashError::NotOnBranch {
                id: id.clone(),
                branch: branch.clone(),
            });
        }
        let mut standing = Standing::default();
        self.look(&mut standing, wish, &plan)?;
        let all = plan.goes.len();
        plan.goes.retain(|id| !standing.is_on(*id));
        let stay = all - plan.goes.len();
        plan.stays(Reason::Branch, stay);
        Ok(plan)
    }

    /// Squashes what the plan says, and tells what became of each. Not `in_earnest`, it only looks which of them could
    /// be.
    ///
    /// # Errors
    /// What ended it before all were done.
    pub fn carry_out(
        &self,
        wish: &Wish,
        plan: &Plan,
        in_earnest: bool,
        told: &mut dyn FnMut(&CommitId, Fate) -> ControlFlow<()>,
    ) -> Result<(), SquashError> {
        let mut standing = Standing::default();
        for some in plan.goes.chunks(LOOK_AGAIN) {
            self.look(&mut standing, wish, plan)?;
            let mut sets = Sets::new(self.store, wish, plan);
            for id in some {
                if self.interrupt.is_raised() {
                    return Err(SquashError::Interrupted);
                }
                let Some(commit) = id.full() else { continue };
                let fate = if standing.is_on(*id) {
                    Fate::Stays(Reason::Branch, None)
                } else {
                    self.one(&mut sets, &commit, in_earnest)?
                };
                if told(&commit, fate).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn look(&self, standing: &mut Standing, wish: &Wish, plan: &Plan) -> Result<(), SquashError> {
        self.persist(|| standing.look(self.sink, self.store, wish, plan))
    }

    fn one(&self, sets: &mut Sets<'_>, id: &CommitId, in_earnest: bool) -> Result<Fate, SquashError> {
        let tried = self.persist(|| self.try_one(sets, id, in_earnest));
        match tried {
            Err(SquashError::Fault(fault)) if fault.kind == FaultKind::Refused => {
                Ok(Fate::Stays(Reason::Refused, Some(fault.message)))
            }
            tried => tried,
        }
    }

    /// A look before each call: after one that was not answered it shows whether that was carried out.
    fn try_one(&self, sets: &mut Sets<'_>, id: &CommitId, in_earnest: bool) -> Result<Fate, Fault> {
        let set = self.store.inspect_commit_set(id)?;
        let others = set.len().saturating_sub(1);
        if set.is_empty() {
            return Ok(Fate::Squashed { others });
        }
        if let Some((reason, of)) = sets.why_it_stays(id, &set)? {
            return Ok(Fate::Stays(reason, of));
        }
        if !in_earnest {
            return Ok(Fate::Squashed { others });
        }
        match self.store.squash_commit_set(id) {
            // It is gone, or something else is that pachd has looked for on the way.
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(if self.store.inspect_commit_set(id)?.is_empty() {
                Fate::Squashed { others }
            } else {
                Fate::Stays(Reason::Refused, Some(fault.message))
            }),
            squashed => squashed.map(|()| Fate::Squashed { others }),
        }
    }

    /// Makes a call again while that may help.
    fn persist<T>(&self, mut call: impl FnMut() -> Result<T, Fault>) -> Result<T, SquashError> {
        let mut budget = RetryBudget::new(self.clock, self.interrupt, self.retry_for);
        loop {
            let fault = match call() {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            if self.interrupt.is_raised() && fault.is_passing() {
                return Err(SquashError::Interrupted);
            }
            budget.again(&fault, self.retrying).map_err(|end| match end {
                Exhausted::Hopeless => SquashError::Fault(fault),
                Exhausted::Grace => SquashError::Interrupted,
                Exhausted::Retries(tried) => SquashError::Unreachable { fault, tried },
            })?;
        }
    }
}

#[cfg(test)]
mod tests;
