//! A branch's commits, newest first: the port that `put` and `get` both read history through.
//!
//! Domain: it knows no server. An adapter implements [`CommitHistory`]; rules about history stand here, once.

use std::ops::ControlFlow;

use crate::fault::Fault;
use crate::pfs::{Branch, BranchInfo, Commit, CommitInfo, Repo};

/// What can be asked about commits without changing any.
pub trait CommitHistory {
    /// Whether the repo exists.
    ///
    /// # Errors
    /// Any [`Fault`] but `NotFound`.
    fn repo_exists(&self, repo: &Repo) -> Result<bool, Fault>;

    /// The branch, or `None` when the repo has none of that name.
    ///
    /// # Errors
    /// `NotFound` when the repo itself is missing.
    fn inspect_branch(&self, branch: &Branch) -> Result<Option<BranchInfo>, Fault>;

    /// The commit as it is now.
    ///
    /// # Errors
    /// `NotFound` when there is no such commit, or no longer.
    fn inspect_commit(&self, commit: &Commit) -> Result<CommitInfo, Fault>;

    /// Shows the branch's commits to `visit`, head first and then parent after parent, until it breaks. A branch that
    /// does not exist has none. Open and errored commits are shown like any other.
    ///
    /// # Errors
    /// `NotFound` when the repo is missing; `Unavailable` when the listing broke off.
    fn list_commits(&self, branch: &Branch, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault>;
}

/// The branch's newest commit that is finished without an error.
///
/// Asked by branch name, pachd itself also serves the data of an open head (recordings p 069–071) and of one that
/// finished with an error (p 061). Nobody wants to read those by accident.
///
/// # Errors
/// As [`CommitHistory::list_commits`].
pub fn newest_good_commit(
    history: &(impl CommitHistory + ?Sized),
    branch: &Branch,
) -> Result<Option<CommitInfo>, Fault> {
    let mut found = None;
    history.list_commits(branch, &mut |info| {
        if info.is_good() {
            found = Some(info);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}
