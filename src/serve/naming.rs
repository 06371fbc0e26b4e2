//! From the names that messages hold to names that are valid, in pachd's words where they are not; and back, as the pachd of
//! a dialect names things.
//!
//! This module knows no door.

use super::status::Status;
use crate::pfs::{self, BranchName, CommitId, InvalidName, ProjectName, RepoName};
use crate::protobuf::pfs::{Branch, Commit, Project, Repo, USER};
use crate::store::Dialect;

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

/// A commit as children and the answers of a transaction are named: with its branch in every dialect (recordings http 071,
/// 077). That it was made on may be deleted.
pub(super) fn commit_of_branch(dialect: Dialect, repo: &pfs::Repo, branch: &str, id: &CommitId) -> Commit {
    Commit {
        repo: dialect.commits_have_repos().then(|| repo_message(dialect, repo)),
        id: id.to_string(),
        branch: (!branch.is_empty()).then(|| branch_message(dialect, repo, branch)),
    }
}

/// In pachd's words (recording http 009).
fn invalid_name(name: &str) -> impl FnOnce(InvalidName) -> Status {
    move |_| {
        Status::unknown(format!(
            "name ({name}) invalid: only alphanumeric characters, underscores, and dashes are allowed"
        ))
    }
}

impl TryFrom<&Project> for ProjectName {
    type Error = Status;

    fn try_from(project: &Project) -> Result<Self, Status> {
        let name = match project.name.as_str() {
            "" => pfs::DEFAULT_PROJECT,
            name => name,
        };
        Self::new(name).map_err(invalid_name(name))
    }
}

impl TryFrom<&Repo> for pfs::Repo {
    type Error = Status;

    /// A missing project is the default one (recording http 057). A missing type is refused, as pachd does by the
    /// accident of a database error (http 012): who forgets it should learn so here.
    fn try_from(repo: &Repo) -> Result<Self, Status> {
        let name = Self {
            project: ProjectName::try_from(&repo.project.clone().unwrap_or_default())?,
            name: RepoName::new(&repo.name).map_err(invalid_name(&repo.name))?,
        };
        match repo.r#type.as_str() {
            USER => Ok(name),
            "" => Err(Status::unknown(format!(
                "repo {name} has no type: \"type\": \"user\" is missing"
            ))),
            other => Err(Status::not_found(format!("repo {name}.{other} not found"))),
        }
    }
}

impl TryFrom<Option<&Repo>> for pfs::Repo {
    type Error = Status;

    fn try_from(repo: Option<&Repo>) -> Result<Self, Status> {
        repo.ok_or_else(|| Status::unknown("repo cannot be nil"))?.try_into()
    }
}

impl TryFrom<&Branch> for pfs::Branch {
    type Error = Status;

    fn try_from(branch: &Branch) -> Result<Self, Status> {
        Ok(Self {
            repo: branch.repo.as_ref().try_into()?,
            name: BranchName::new(&branch.name).map_err(invalid_name(&branch.name))?,
        })
    }
}

impl TryFrom<Option<&Branch>> for pfs::Branch {
    type Error = Status;

    fn try_from(branch: Option<&Branch>) -> Result<Self, Status> {
        branch
            .ok_or_else(|| Status::unknown("branch cannot be nil"))?
            .try_into()
    }
}
