//! The calls of Pachyderm 1.12 and 1.13, over the same store: no projects, no file sets, and a commit is finished when
//! the call that closes it answers.
//!
//! The numbers are recordings `grpc-1.13`, those up to 102 in `fixtures`.
//!
//! # What is not pachd's
//!
//! A stream of `PutFile` that breaks leaves nothing behind, where pachd may keep the files that were whole; what is
//! deleted within a commit is deleted from what came before in that commit, too, where pachd puts all deletions first.
//! Hashes are ours, and a spout's commits have no provenance. Pipelines are spouts alone. Not served: transactions,
//! `CopyFile`, `BuildCommit`, files that pachd is to cut or to fetch, commits without a branch, the history of a file,
//! logs, auth, and the objects behind the files. Each says so by its name. There are no jobs: `ListJob` has none, and
//! `FlushCommit` and `FlushJob` wait for the commits alone.

mod commits;
mod elements;
mod files;
mod pipelines;
mod repos;
#[cfg(test)]
mod tests;
mod writing;

use super::naming::ancestor;
use super::{Code, Service, Status};
use crate::CommitSelector;
use crate::refusal::v1::missing_repo;
use spoutctl_core::pfs::{self, BranchName, CommitId, ProjectName, RepoName};
use spoutctl_proto::v1::{Branch, Commit, Repo};

/// The most bytes of an answer that is one list: pachd's largest message.
const LONGEST_ANSWER: usize = 20 << 20;

/// The calls, named as pachd's.
pub(super) struct V1<'a>(pub &'a Service);

fn repo_message(repo: &pfs::Repo) -> Repo {
    repo.into()
}

fn branch_message(repo: &pfs::Repo, name: &str) -> Option<Branch> {
    (!name.is_empty()).then(|| Branch {
        repo: Some(repo.into()),
        name: name.to_owned(),
    })
}

/// Which repo is meant. What is no repo's name is not there.
fn repo(named: Option<&Repo>) -> Result<pfs::Repo, Status> {
    let named = named.ok_or_else(|| Status::unknown("repo cannot be nil"))?;
    Ok(pfs::Repo {
        project: ProjectName::default(),
        name: RepoName::new(&named.name).map_err(|_| Status::unknown(missing_repo(&named.name)))?,
    })
}

fn invalid_name(name: &str) -> Status {
    crate::Failure::from(crate::Refusal::InvalidName(name.to_owned())).into()
}

fn branch_name(name: &str) -> Result<BranchName, Status> {
    BranchName::new(name).map_err(|_| invalid_name(name))
}

fn branch(named: Option<&Branch>) -> Result<pfs::Branch, Status> {
    let named = named.ok_or_else(|| Status::unknown("branch cannot be nil"))?;
    Ok(pfs::Branch {
        repo: repo(named.repo.as_ref())?,
        name: branch_name(&named.name)?,
    })
}

/// Which commit is meant: by its id, or by the branch whose head it is; `^` and `~N` after either mean ancestors.
fn commit(named: Option<&Commit>) -> Result<CommitSelector, Status> {
    let named = named.ok_or_else(|| Status::unknown("commit cannot be nil"))?;
    if named.id.is_empty() {
        return Err(Status::unknown("cannot resolve commit with no ID or branch"));
    }
    let (name, back) = ancestor(&named.id);
    let id = CommitId::new(name).ok();
    Ok(CommitSelector {
        repo: repo(named.repo.as_ref())?,
        branch: id.is_none().then(|| name.to_owned()),
        is_of_branch: false,
        id,
        back,
    })
}

/// What one answer holds, as far as one message may.
struct Collected<T> {
    found: Vec<T>,
    bytes: usize,
}

impl<T: prost::Message> Collected<T> {
    fn new() -> Self {
        Self {
            found: Vec::new(),
            bytes: 0,
        }
    }

    /// Breaks off where it gets too long.
    fn take(&mut self, one: T) -> std::ops::ControlFlow<()> {
        self.bytes += one.encoded_len();
        if self.bytes > LONGEST_ANSWER {
            return std::ops::ControlFlow::Break(());
        }
        self.found.push(one);
        std::ops::ControlFlow::Continue(())
    }

    /// # Errors
    /// In gRPC's words, where it got too long.
    fn all(self) -> Result<Vec<T>, Status> {
        if self.bytes > LONGEST_ANSWER {
            let text = format!(
                "grpc: trying to send message larger than max ({} vs. {LONGEST_ANSWER})",
                self.bytes
            );
            return Err(Status::new(Code::ResourceExhausted, text));
        }
        Ok(self.found)
    }
}
