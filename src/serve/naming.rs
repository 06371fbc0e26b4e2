//! From the names that messages hold to names that are valid, in pachd's words where they are not.
//!
//! This module knows no door and no store.

use super::status::Status;
use crate::pfs::{self, BranchName, InvalidName, ProjectName, RepoName};
use crate::protobuf::pfs::{Branch, Project, Repo, USER};

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
