//! From the names that messages hold to names that are valid, in pachd's words where they are not.

use spoutctl_core::pfs::{self, BranchName, InvalidName, ProjectName, RepoName};

use crate::pfs::{Branch, Project, Repo, USER};

/// A name in a message that is none, in pachd's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Recording http 009.
    #[error("name ({0}) invalid: only alphanumeric characters, underscores, and dashes are allowed")]
    Invalid(String),
    /// The message that has to be there is not.
    #[error("{0} cannot be nil")]
    Missing(&'static str),
    /// pachd refuses it by the accident of a database error (http 012): who forgets it should learn so here.
    #[error("repo {0} has no type: \"type\": \"user\" is missing")]
    NoType(pfs::Repo),
    /// A repo of a type that nobody makes.
    #[error("repo {0}.{1} not found")]
    NotFound(pfs::Repo, String),
}

fn invalid_name(name: &str) -> impl FnOnce(InvalidName) -> NameError {
    move |_| NameError::Invalid(name.to_owned())
}

impl TryFrom<&Project> for ProjectName {
    type Error = NameError;

    fn try_from(project: &Project) -> Result<Self, NameError> {
        let name = match project.name.as_str() {
            "" => pfs::DEFAULT_PROJECT,
            name => name,
        };
        Self::new(name).map_err(invalid_name(name))
    }
}

impl TryFrom<&Repo> for pfs::Repo {
    type Error = NameError;

    /// A missing project is the default one (recording http 057). A missing type is refused.
    fn try_from(repo: &Repo) -> Result<Self, NameError> {
        let name = Self {
            project: ProjectName::try_from(&repo.project.clone().unwrap_or_default())?,
            name: RepoName::new(&repo.name).map_err(invalid_name(&repo.name))?,
        };
        match repo.r#type.as_str() {
            USER => Ok(name),
            "" => Err(NameError::NoType(name)),
            other => Err(NameError::NotFound(name, other.to_owned())),
        }
    }
}

impl TryFrom<&Branch> for pfs::Branch {
    type Error = NameError;

    fn try_from(branch: &Branch) -> Result<Self, NameError> {
        Ok(Self {
            repo: repo(branch.repo.as_ref())?,
            name: BranchName::new(&branch.name).map_err(invalid_name(&branch.name))?,
        })
    }
}

/// The repo of a message that has to name one.
///
/// # Errors
/// When it names none, or one that cannot be.
pub fn repo(repo: Option<&Repo>) -> Result<pfs::Repo, NameError> {
    repo.ok_or(NameError::Missing("repo"))?.try_into()
}

/// The branch of a message that has to name one.
///
/// # Errors
/// As [`repo`].
pub fn branch(branch: Option<&Branch>) -> Result<pfs::Branch, NameError> {
    branch.ok_or(NameError::Missing("branch"))?.try_into()
}
