//! What `squash` needs besides. Every repo here holds data: pipelines are kept, not run.

use super::record::CommitRecord;
use super::refusal::Refusal;
use super::store::Store;
use spoutctl_core::commit_set::{Member, RepoType, SquashingSink, TypedCommit, TypedRepo};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{BranchName, Commit, CommitId};

impl SquashingSink for Store {
    fn list_heads(&self, repo: &TypedRepo) -> Result<Vec<(BranchName, Option<CommitId>)>, Fault> {
        let records = self.branches(&repo.repo)?;
        Ok(records
            .into_iter()
            .map(|record| (record.branch.name, record.head))
            .collect())
    }

    fn inspect_commit_set(&self, id: &CommitId) -> Result<Vec<Member>, Fault> {
        Ok(self.commit_set(id)?.into_iter().map(member).collect())
    }

    fn inspect_member(&self, commit: &TypedCommit) -> Result<Member, Fault> {
        let set = self.commit_set(&commit.commit.id)?;
        let found = set
            .into_iter()
            .find(|record| record.info.commit.repo == commit.commit.repo);
        found
            .map(member)
            .ok_or_else(|| Fault::new(FaultKind::NotFound, format!("commit {} not found", commit.commit)))
    }

    fn squash_commit_set(&self, id: &CommitId) -> Result<(), Fault> {
        self.change(|work| match work.squash_commit_set(id)? {
            0 => Err(Refusal::CommitSetNotFound(id.to_string()).into()),
            _ => Ok(()),
        })
    }
}

fn member(record: CommitRecord) -> Member {
    let is_good = record.info.is_good();
    let commit = record.info.commit;
    let children = record.children.into_iter().map(|(id, branch)| TypedCommit {
        commit: Commit {
            repo: commit.repo.clone(),
            branch: BranchName::new(&branch).unwrap_or_default(),
            id,
        },
        of: RepoType::User,
    });
    Member {
        children: children.collect(),
        origin: record.info.origin,
        is_good,
        // A pipeline's output is made of nothing here.
        subvenance: Vec::new(),
        commit: TypedCommit {
            commit,
            of: RepoType::User,
        },
    }
}
