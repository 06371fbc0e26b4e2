//! Commit sets, the commits of one id in whatever repos: what `squash` needs of a store besides
//! [`CommitSink`](crate::sink::CommitSink).
//!
//! A pipeline's work on a commit has that commit's id: its output and its record (`meta`); in 2.0 to 2.5 also what
//! stands for its spec. pachd squashes all of an id or nothing.

use std::fmt;

use crate::fault::Fault;
use crate::pfs::{BranchName, Commit, CommitId, Origin, Repo};

/// What a repo is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RepoType {
    /// Data.
    User,
    /// What a pipeline remembers of its work.
    Meta,
    /// A pipeline's spec.
    Spec,
}

/// A repo of whatever type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TypedRepo {
    pub repo: Repo,
    pub of: RepoType,
}

impl fmt::Display for TypedRepo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = match self.of {
            RepoType::User => "",
            RepoType::Meta => ".meta",
            RepoType::Spec => ".spec",
        };
        write!(f, "{}{suffix}", self.repo)
    }
}

/// A commit in a repo of whatever type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TypedCommit {
    pub commit: Commit,
    pub of: RepoType,
}

impl TypedCommit {
    #[must_use]
    pub fn repo(&self) -> TypedRepo {
        TypedRepo {
            repo: self.commit.repo.clone(),
            of: self.of,
        }
    }
}

/// What pachd tells of one commit of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub commit: TypedCommit,
    pub origin: Origin,
    /// Finished without an error.
    pub is_good: bool,
    /// What was started on it.
    pub children: Vec<TypedCommit>,
    /// The ids of what was made of it, as far as the store tells them: 2.8 and newer.
    pub subvenance: Vec<CommitId>,
}

/// A store that squashes commits.
pub trait SquashingSink {
    /// The repo's branches, with their heads as the store names them.
    ///
    /// # Errors
    /// `NotFound` (the repo).
    fn list_heads(&self, repo: &TypedRepo) -> Result<Vec<(BranchName, Option<CommitId>)>, Fault>;

    /// The commits of an id; none when there is no such id, or no longer.
    ///
    /// # Errors
    /// Any [`Fault`] but `NotFound`.
    fn inspect_commit_set(&self, id: &CommitId) -> Result<Vec<Member>, Fault>;

    /// One commit as it is now.
    ///
    /// # Errors
    /// `NotFound` when there is no such commit, or no longer.
    fn inspect_member(&self, commit: &TypedCommit) -> Result<Member, Fault>;

    /// Takes every commit of the id out of the history and leaves its data to its children (recordings 421, 422). A
    /// call for an id that is gone finds nothing.
    ///
    /// # Errors
    /// `Refused` when one of them has no children, or one that is not finished, or something else stands on it;
    /// `Denied` where that needs a permission on the cluster; `NotFound` when the id is gone already.
    fn squash_commit_set(&self, id: &CommitId) -> Result<(), Fault>;
}
