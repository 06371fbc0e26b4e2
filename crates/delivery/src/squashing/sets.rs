//! What else has a commit's id, in other repos or on other branches: pachd squashes all of it, or nothing.
//!
//! | of its id there is | it goes with the commit |
//! |---|---|
//! | what a pipeline has made of it, and its `meta` | when that was wished for, and each is finished without an error, no head, and followed by such commits alone |
//! | what `--route` wrote beside it | never: a mark of another repo's stream is in it |
//! | in 2.0 to 2.5 an alias: of another branch, or of the spec of the spout that writes this one | never: nobody has seen what becomes of those that follow it |
//!
//! What has another id and was made of the commit is seen where the store tells it; elsewhere pachd refuses.

use std::collections::{HashMap, HashSet};

use super::plan::{Id, Plan, Reason, Wish};
use spoutctl_core::commit_set::{Member, RepoType, SquashingSink, TypedCommit, TypedRepo};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{CommitId, Origin};

pub(super) struct Sets<'a> {
    store: &'a dyn SquashingSink,
    wish: &'a Wish,
    plan: &'a Plan,
    /// The heads of pipelines' repos, as they were when the first commit there was looked at.
    heads: HashMap<TypedRepo, HashSet<CommitId>>,
}

/// Why something stays, and what says more.
type Why = (Reason, Option<String>);

impl<'a> Sets<'a> {
    pub fn new(store: &'a dyn SquashingSink, wish: &'a Wish, plan: &'a Plan) -> Self {
        Self {
            store,
            wish,
            plan,
            heads: HashMap::new(),
        }
    }

    /// Whether something of the set forbids it.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub fn why_it_stays(&mut self, id: &CommitId, set: &[Member]) -> Result<Option<Why>, Fault> {
        let mut has_the_commit = false;
        for member in set {
            let of_others = member.subvenance.iter().find(|made| *made != id);
            if let Some(made) = of_others {
                return Ok(Some((Reason::Provenance, Some(made.to_string()))));
            }
            let why = if self.is_the_commit(member) && !std::mem::replace(&mut has_the_commit, true) {
                self.why_the_commit(member)?
            } else {
                self.why_another(member)?
            };
            if why.is_some() {
                return Ok(why);
            }
        }
        // Others of the id are there, and this one is not: nothing is known of that.
        Ok((!has_the_commit).then_some((Reason::Shared, None)))
    }

    fn is_the_commit(&self, member: &Member) -> bool {
        member.commit.of == RepoType::User
            && member.commit.commit.repo == self.wish.branch.repo
            && member.origin == Origin::User
    }

    fn why_the_commit(&self, member: &Member) -> Result<Option<Why>, Fault> {
        for child in &member.children {
            if !self.is_good(child)? {
                return Ok(Some((Reason::BeforeSuch, Some(child.commit.id.to_string()))));
            }
        }
        Ok((!member.is_good || member.children.is_empty()).then_some((Reason::BeforeSuch, None)))
    }

    fn why_another(&mut self, member: &Member) -> Result<Option<Why>, Fault> {
        let of = || Some(member.commit.repo().to_string());
        if member.origin != Origin::Auto || member.commit.of == RepoType::Spec {
            return Ok(Some((Reason::Shared, of())));
        }
        if !self.wish.downstream {
            return Ok(Some((Reason::Downstream, of())));
        }
        if !member.is_good || member.children.is_empty() || self.is_head(&member.commit)? {
            return Ok(Some((Reason::Unfinished, of())));
        }
        for child in &member.children {
            if !self.is_good(child)? {
                return Ok(Some((Reason::Unfinished, of())));
            }
        }
        Ok(None)
    }

    fn is_head(&mut self, commit: &TypedCommit) -> Result<bool, Fault> {
        let repo = commit.repo();
        if let Some(heads) = self.heads.get(&repo) {
            return Ok(heads.contains(&commit.commit.id));
        }
        let heads = self.store.list_heads(&repo)?;
        let heads: HashSet<CommitId> = heads.into_iter().filter_map(|(_, head)| head).collect();
        let is_head = heads.contains(&commit.commit.id);
        self.heads.insert(repo, heads);
        Ok(is_head)
    }

    /// Whether a child is finished without an error, and no alias. What was seen so stays so.
    fn is_good(&self, child: &TypedCommit) -> Result<bool, Fault> {
        let id = Id::of(&child.commit.id);
        let is_of_line = child.of == RepoType::User && child.commit.repo == self.wish.branch.repo && self.plan.has(id);
        if is_of_line && !self.plan.bad.contains(&id) {
            return Ok(true);
        }
        match self.store.inspect_member(child) {
            // It was dropped meanwhile.
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(true),
            member => member.map(|member| member.is_good && member.origin != Origin::Alias),
        }
    }
}
