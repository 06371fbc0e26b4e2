//! Which commits of the line a branch of the repo stands on: its head, or where it leaves the line.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use super::plan::{Id, Plan, Wish};
use crate::CommitSink;
use spoutctl_core::commit_set::{RepoType, SquashingSink, TypedRepo};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, BranchName, CommitId};

/// What was seen of the branches. A head that has not moved stands where it stood: no history is walked twice.
#[derive(Default)]
pub(super) struct Standing {
    branches: HashMap<BranchName, Stand>,
    /// Where they stand, for it is asked of each commit.
    on: HashSet<Id>,
}

struct Stand {
    head: CommitId,
    /// The first commit of the line in its history.
    on: Option<Id>,
}

impl Standing {
    pub fn is_on(&self, id: Id) -> bool {
        self.on.contains(&id)
    }

    /// Looks at the branches again.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub fn look(
        &mut self,
        sink: &dyn CommitSink,
        store: &dyn SquashingSink,
        wish: &Wish,
        plan: &Plan,
    ) -> Result<(), Fault> {
        let repo = TypedRepo {
            repo: wish.branch.repo.clone(),
            of: RepoType::User,
        };
        let mut found = HashMap::new();
        for (name, head) in store.list_heads(&repo)? {
            let Some(head) = head else { continue };
            let on = match self.branches.get(&name) {
                Some(before) if before.head == head => before.on,
                before => {
                    let branch = Branch {
                        repo: wish.branch.repo.clone(),
                        name: name.clone(),
                    };
                    leaves(sink, &branch, before, plan)?
                }
            };
            found.insert(name, Stand { head, on });
        }
        self.on = found.values().filter_map(|stand| stand.on).collect();
        self.branches = found;
        Ok(())
    }
}

/// Where the branch's history meets the line.
fn leaves(sink: &dyn CommitSink, branch: &Branch, before: Option<&Stand>, plan: &Plan) -> Result<Option<Id>, Fault> {
    let mut on = None;
    let listed = sink.list_commits(branch, &mut |info| {
        let id = Id::of(&info.commit.id);
        if plan.has(id) {
            on = Some(id);
            return ControlFlow::Break(());
        }
        match before {
            // It has grown since.
            Some(before) if before.head == info.commit.id => {
                on = before.on;
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        }
    });
    match listed {
        // Somebody has deleted it meanwhile.
        Err(fault) if fault.kind == FaultKind::NotFound => Ok(None),
        listed => listed.map(|()| on),
    }
}
