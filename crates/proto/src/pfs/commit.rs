//! What a commit is named by: project, repo, branch and id.

use prost::Message;
use serde::{Deserialize, Serialize};

use crate::json::unset;
use spoutctl_core::pfs::{self, CommitId};

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Project {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub name: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Repo {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub name: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub r#type: String,
    #[prost(message, optional, tag = "3")]
    pub project: Option<Project>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Branch {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub name: String,
}

/// A commit by id, or by the branch whose head it is.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Commit {
    #[prost(message, optional, tag = "3")]
    pub repo: Option<Repo>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub id: String,
    #[prost(message, optional, tag = "1")]
    pub branch: Option<Branch>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct CommitSet {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub id: String,
}

/// The user's type of repo: the only one that a store without pipelines has.
pub const USER: &str = "user";

impl From<&pfs::Repo> for Repo {
    fn from(repo: &pfs::Repo) -> Self {
        Self {
            name: repo.name.as_str().to_owned(),
            r#type: USER.to_owned(),
            project: Some(Project {
                name: repo.project.as_str().to_owned(),
            }),
        }
    }
}

impl From<&pfs::Branch> for Branch {
    fn from(branch: &pfs::Branch) -> Self {
        Self {
            repo: Some((&branch.repo).into()),
            name: branch.name.as_str().to_owned(),
        }
    }
}

impl From<&pfs::Commit> for Commit {
    /// By repo, id and branch, which every 2.x finds a commit by: 2.0 to 2.5 know no `repo` there.
    fn from(commit: &pfs::Commit) -> Self {
        Self {
            repo: Some((&commit.repo).into()),
            id: commit.id.as_str().to_owned(),
            branch: Some(Branch {
                repo: Some((&commit.repo).into()),
                name: commit.branch.as_str().to_owned(),
            }),
        }
    }
}

impl Commit {
    /// As pachd names a commit in most answers: by repo and id, without a branch.
    #[must_use]
    pub fn named(repo: &pfs::Repo, id: &CommitId) -> Self {
        Self {
            repo: Some(repo.into()),
            id: id.as_str().to_owned(),
            branch: None,
        }
    }

    /// The repo that it is in: its own, or its branch's (2.0 to 2.5 know no other; recording protocol 100).
    #[must_use]
    pub fn repo(&self) -> Option<&Repo> {
        let branch = self.branch.as_ref();
        self.repo
            .as_ref()
            .or_else(|| branch.and_then(|branch| branch.repo.as_ref()))
    }
}
