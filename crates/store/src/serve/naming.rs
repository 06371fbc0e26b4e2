//! What is said of names in messages that are none, and how the pachd of a dialect names things in its own.

use super::status::Status;
use crate::{Dialect, Failure, Refusal};
use spoutctl_core::pfs::{self, CommitId};
use spoutctl_proto::names::NameError;
use spoutctl_proto::pfs::{Branch, Commit, CommitSet, Project, Repo, USER};

impl From<NameError> for Status {
    fn from(error: NameError) -> Self {
        match error {
            NameError::NotFound(..) => Self::not_found(error.to_string()),
            _ => Self::unknown(error.to_string()),
        }
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Status::from(error).into()
    }
}

/// A repo of a type as messages name it.
pub(super) fn typed_repo(dialect: Dialect, repo: &pfs::Repo, r#type: &str) -> Repo {
    Repo {
        name: repo.name.to_string(),
        r#type: r#type.to_owned(),
        project: project_message(dialect, repo.project.as_str()),
    }
}

pub(super) fn project_message(dialect: Dialect, name: &str) -> Option<Project> {
    dialect.has_projects().then(|| Project { name: name.to_owned() })
}

pub(super) fn repo_message(dialect: Dialect, repo: &pfs::Repo) -> Repo {
    typed_repo(dialect, repo, USER)
}

pub(super) fn branch_message(dialect: Dialect, repo: &pfs::Repo, name: &str) -> Branch {
    Branch {
        repo: Some(repo_message(dialect, repo)),
        name: name.to_owned(),
    }
}

/// A commit as most answers name it.
pub(super) fn commit_message(dialect: Dialect, repo: &pfs::Repo, branch: &str, id: &CommitId) -> Commit {
    let commit = commit_of_branch(dialect, repo, branch, id);
    Commit {
        branch: commit.branch.filter(|_| dialect.commits_have_branches()),
        ..commit
    }
}

/// A commit as children and the answers of a transaction are named: with its branch in every dialect (recordings http
/// 071, 077). That it was made on may be deleted.
pub(super) fn commit_of_branch(dialect: Dialect, repo: &pfs::Repo, branch: &str, id: &CommitId) -> Commit {
    Commit {
        repo: dialect.commits_have_repos().then(|| repo_message(dialect, repo)),
        id: id.to_string(),
        branch: (!branch.is_empty()).then(|| branch_message(dialect, repo, branch)),
    }
}

/// Splits `master^^` or `master~2` into the name and how many commits it is back.
pub(super) fn ancestor(text: &str) -> (&str, u32) {
    let Some(at) = text.find(['^', '~']) else {
        return (text, 0);
    };
    let (name, mut marks) = text.split_at(at);
    let mut back = 0_u32;
    while let Some(rest) = marks.strip_prefix(['^', '~']) {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        // What is too long for a number is more than anybody has.
        let number = if digits == 0 {
            1
        } else {
            rest[..digits].parse().unwrap_or(u32::MAX)
        };
        back = back.saturating_add(number);
        marks = &rest[digits..];
    }
    if marks.is_empty() { (name, back) } else { (text, 0) }
}

/// # Errors
/// When it is no id, so that no commit has it.
pub(super) fn commit_set(set: Option<&CommitSet>) -> Result<CommitId, Refusal> {
    let id = set.map_or("", |set| &set.id);
    CommitId::new(id).map_err(|_| Refusal::CommitSetNotFound(id.to_owned()))
}

/// So many commits of a set went.
///
/// # Errors
/// When there was none, before 2.6; since, that is no error, whatever stands for its id.
pub(super) fn some_of_set(dialect: Dialect, id: Result<CommitId, Refusal>, gone: usize) -> Result<(), Failure> {
    if gone > 0 || dialect.drops_what_is_gone() {
        return Ok(());
    }
    Err(Refusal::CommitSetNotFound(id?.to_string()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_after_a_name_mean_its_ancestors() {
        for (text, expected) in [
            ("", ("", 0)),
            ("master", ("master", 0)),
            ("master^", ("master", 1)),
            ("master^^", ("master", 2)),
            ("master~3", ("master", 3)),
            ("master^2^", ("master", 3)),
            ("master~0", ("master", 0)),
            ("master~999999999999", ("master", u32::MAX)),
            ("master~999999999999^", ("master", u32::MAX)),
            ("master^x", ("master^x", 0)),
        ] {
            assert_eq!(ancestor(text), expected, "{text}");
        }
    }
}
