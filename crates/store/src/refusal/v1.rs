//! The words of 1.x, which names things by where it keeps them. The numbers are recordings `grpc-1.13`, those below 103
//! in `fixtures`.

use super::{CommitName, Refusal};
use spoutctl_core::pfs::Repo;

/// What 1.x says instead; the steps in which it was refused come before.
pub(super) fn words(refusal: &Refusal) -> String {
    match refusal {
        Refusal::RepoNotFound(repo) => missing_repo(repo.name.as_str()),
        Refusal::RepoExists(repo) => format!("repo {} already exists", repo.name),
        Refusal::BranchNotFound { repo, branch } => missing_branch(repo, branch),
        Refusal::BranchRowNotFound { branch, .. } => missing_branch(&branch.repo, branch.name.as_str()),
        Refusal::CommitNotPicked { asked, because } => not_picked(asked, because),
        Refusal::CommitNotFound(commit) => missing_commit(&commit.repo, &commit.id),
        Refusal::TooFewAncestors { repo, id, .. } => missing_commit(repo, id),
        // 056
        Refusal::CommitDeleted(CommitName { repo, id, .. }) => format!("commit {}/{id} was deleted", repo.name),
        // 018
        Refusal::HeadOpen(CommitName { repo, id, .. }) => {
            format!("parent commit {}@{id} has not been finished", repo.name)
        }
        // 015, 122
        Refusal::AlreadyFinished(CommitName { repo, id, .. }) => {
            format!("commit {id} in repo {} has already finished", repo.name)
        }
        // 114, 243
        Refusal::PipelineNotFound(name) => format!("pipeline {:?} not found", name.name.as_str()),
        Refusal::PipelineExists(name) => format!("pipeline {} already exists", name.name),
        // 149 to 151
        Refusal::TransactionNotFound(id) => format!("/pachyderm_pfs/transactions/ {id} not found"),
        _ => refusal.to_string(),
    }
}

/// 103, 111
pub(crate) fn missing_repo(name: &str) -> String {
    format!("/pachyderm_pfs/repos/ {name} not found")
}

/// 104, 105
fn missing_branch(repo: &Repo, branch: &str) -> String {
    format!("/pachyderm_pfs/branches/{}/ {branch} not found", repo.name)
}

/// 038, 082
fn missing_commit(repo: &Repo, id: &str) -> String {
    format!("commit {id} not found in repo {}", repo.name)
}

/// What is no commit's id is looked for among the branches (106, 107, 133), also without the repo.
fn not_picked(asked: &CommitName, because: &Refusal) -> String {
    match because {
        Refusal::NoHead(_) => because.to_string(),
        _ if asked.id.is_empty() => missing_branch(&asked.repo, &asked.branch),
        _ => missing_commit(&asked.repo, &asked.id),
    }
}
