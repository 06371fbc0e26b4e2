//! A branch's commits, newest first: the port that `put` and `get` both read history through.
//!
//! Domain: it knows no server. An adapter implements [`CommitHistory`]; rules about history stand here, once.

use std::ops::ControlFlow;

use crate::fault::Fault;
use crate::pfs::{Branch, BranchInfo, BranchName, Commit, CommitId, CommitInfo, Repo};

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

    /// The commit of this id, on whichever branch it was started. A store that knows commits by id alone does not look
    /// at the branch.
    ///
    /// # Errors
    /// `NotFound` when the repo has no such commit.
    fn find_commit(&self, repo: &Repo, id: &CommitId) -> Result<CommitInfo, Fault> {
        self.inspect_commit(&Commit {
            repo: repo.clone(),
            branch: BranchName::default(),
            id: id.clone(),
        })
    }

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

/// What the commit's content was built on: its nearest ancestor that finished without an error, or `None` when there is
/// none and it was built on nothing. The data of an errored parent are in no later commit (recordings p 057–067), and
/// pachd may even refuse to compare with it (p 066).
///
/// One call for each ancestor up to that one. The ancestors of a finished commit are finished.
///
/// # Errors
/// As [`CommitHistory::inspect_commit`]: `NotFound` when an ancestor was squashed or dropped meanwhile.
pub fn base_of(history: &(impl CommitHistory + ?Sized), info: &CommitInfo) -> Result<Option<CommitInfo>, Fault> {
    let mut parent = info.parent.clone();
    while let Some(commit) = parent {
        let ancestor = history.inspect_commit(&commit)?;
        if ancestor.is_good() {
            return Ok(Some(ancestor));
        }
        parent = ancestor.parent;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use jiff::Timestamp;

    use super::*;
    use crate::fault::FaultKind;
    use crate::pfs::{ProjectName, RepoName};

    /// Commits by id; a line of ancestors is given newest first.
    struct Line(HashMap<String, CommitInfo>);

    fn id(number: usize) -> CommitId {
        CommitId::new(&format!("{number:012x}4{:019x}", 0)).unwrap()
    }

    fn commit(number: usize) -> Commit {
        Commit {
            repo: Repo {
                project: ProjectName::new("default").unwrap(),
                name: RepoName::new("events").unwrap(),
            },
            branch: BranchName::new("live").unwrap(),
            id: id(number),
        }
    }

    fn info(number: usize, parent: Option<usize>, error: &str) -> CommitInfo {
        CommitInfo {
            origin: crate::pfs::Origin::User,
            commit: commit(number),
            parent: parent.map(commit),
            description: String::new(),
            started: None,
            finishing: None,
            finished: Some(Timestamp::UNIX_EPOCH),
            error: error.to_owned(),
            size_bytes: 0,
        }
    }

    impl Line {
        fn of(commits: impl IntoIterator<Item = CommitInfo>) -> Self {
            let by_id = |info: CommitInfo| (info.commit.id.to_string(), info);
            Self(commits.into_iter().map(by_id).collect())
        }
    }

    impl CommitHistory for Line {
        fn repo_exists(&self, _repo: &Repo) -> Result<bool, Fault> {
            Ok(true)
        }

        fn inspect_branch(&self, _branch: &Branch) -> Result<Option<BranchInfo>, Fault> {
            Ok(None)
        }

        fn inspect_commit(&self, commit: &Commit) -> Result<CommitInfo, Fault> {
            assert_eq!(commit.branch, BranchName::new("live").unwrap());
            let found = self.0.get(commit.id.as_str()).cloned();
            found.ok_or_else(|| Fault::new(FaultKind::NotFound, "gone"))
        }

        fn list_commits(
            &self,
            _branch: &Branch,
            _visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>,
        ) -> Result<(), Fault> {
            Ok(())
        }
    }

    #[test]
    fn errored_ancestors_are_passed_over_up_to_the_nearest_good_one() {
        let line = Line::of([
            info(1, None, ""),
            info(2, Some(1), ""),
            info(3, Some(2), "given up"),
            info(4, Some(3), "given up"),
        ]);
        let base = base_of(&line, &info(5, Some(4), "")).unwrap();
        assert_eq!(base, Some(info(2, Some(1), "")));
        assert_eq!(
            base_of(&line, &info(3, Some(2), "")).unwrap(),
            Some(info(2, Some(1), ""))
        );
    }

    #[test]
    fn a_first_commit_and_one_after_errored_ones_alone_are_built_on_nothing() {
        let line = Line::of([info(1, None, "given up"), info(2, Some(1), "given up")]);
        assert_eq!(base_of(&line, &info(1, None, "")).unwrap(), None);
        assert_eq!(base_of(&line, &info(3, Some(2), "")).unwrap(), None);
    }

    #[test]
    fn an_ancestor_that_is_gone_is_a_fault_and_not_nothing() {
        let fault = base_of(&Line::of([]), &info(2, Some(1), "")).unwrap_err();
        assert_eq!(fault.kind, FaultKind::NotFound);
    }
}
