//! Repos and branches.

use super::{V1, branch, branch_message, commit, invalid_name, repo, repo_message};
use crate::serve::{Call, Status};
use crate::{BranchRecord, RepoRecord};
use spoutctl_core::pfs::{self, ProjectName, RepoName};
use spoutctl_proto::google::Empty;
use spoutctl_proto::v1::{
    BranchInfo, BranchInfos, Commit, CreateBranchRequest, CreateRepoRequest, DeleteBranchRequest, DeleteRepoRequest,
    InspectBranchRequest, InspectRepoRequest, ListBranchRequest, ListRepoResponse, RepoInfo,
};

fn repo_info(record: &RepoRecord) -> RepoInfo {
    let branches = record.branches.iter();
    RepoInfo {
        repo: Some(repo_message(&record.repo)),
        created: Some(record.created.into()),
        size_bytes: record.size_bytes,
        description: record.description.clone(),
        branches: branches.filter_map(|name| branch_message(&record.repo, name)).collect(),
    }
}

fn branch_info(record: &BranchRecord) -> BranchInfo {
    let named = &record.branch;
    BranchInfo {
        name: named.name.to_string(),
        head: record.head.as_ref().map(|head| Commit::named(&named.repo, head)),
        // A spout's has none, also (247).
        provenance: Vec::new(),
        branch: Some(named.into()),
    }
}

/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
impl V1<'_> {
    pub fn create_repo(&self, call: &Call, request: &CreateRepoRequest) -> Result<Empty, Status> {
        let name = request.repo.as_ref().map_or("", |repo| &repo.name);
        let named = pfs::Repo {
            project: ProjectName::default(),
            name: RepoName::new(name).map_err(|_| invalid_name(name))?,
        };
        self.0.change_as(call, |work| {
            work.create_repo(&named, &request.description, request.update)
        })?;
        Ok(Empty {})
    }

    pub fn inspect_repo(&self, _: &Call, request: &InspectRepoRequest) -> Result<RepoInfo, Status> {
        let named = repo(request.repo.as_ref())?;
        Ok(repo_info(&self.0.store.repo(&named)?))
    }

    /// Those of other projects, which other releases have made in the same directory, are not there.
    pub fn list_repo(&self, _: &Call) -> Result<ListRepoResponse, Status> {
        let repos = self.0.store.repos()?;
        let ours = repos
            .iter()
            .filter(|record| record.repo.project.as_str() == pfs::DEFAULT_PROJECT);
        Ok(ListRepoResponse {
            repo_info: ours.map(repo_info).collect(),
        })
    }

    pub fn delete_repo(&self, _: &Call, request: &DeleteRepoRequest) -> Result<Empty, Status> {
        self.0.change(|work| {
            let repos = if request.all {
                work.repos_of(&ProjectName::default())?
            } else {
                vec![repo(request.repo.as_ref())?]
            };
            repos
                .iter()
                .try_for_each(|repo| work.delete_repo(repo, true).map(|_| ()))
        })?;
        Ok(Empty {})
    }

    pub fn create_branch(&self, call: &Call, request: &CreateBranchRequest) -> Result<Empty, Status> {
        if !request.provenance.is_empty() || request.trigger.is_some() {
            return Err(Status::unserved("branches with provenance or a trigger"));
        }
        let named = branch(request.branch.as_ref())?;
        let head = request.head.as_ref().filter(|head| !head.id.is_empty());
        // Its own name means the head that it has.
        let head = head.filter(|head| head.id != named.name.as_str());
        let head = head.map(|head| commit(Some(head))).transpose()?;
        self.0
            .change_as(call, |work| work.create_branch(&named, head.as_ref()))?;
        Ok(Empty {})
    }

    pub fn inspect_branch(&self, _: &Call, request: &InspectBranchRequest) -> Result<BranchInfo, Status> {
        let named = branch(request.branch.as_ref())?;
        Ok(branch_info(&self.0.store.branch(&named)?))
    }

    pub fn list_branch(&self, _: &Call, request: &ListBranchRequest) -> Result<BranchInfos, Status> {
        let named = repo(request.repo.as_ref())?;
        let mut branches = self.0.store.branches(&named)?;
        if request.reverse {
            branches.reverse();
        }
        Ok(BranchInfos {
            branch_info: branches.iter().map(branch_info).collect(),
        })
    }

    /// One that is not there is no error; without its repo it is, unless that does not matter.
    pub fn delete_branch(&self, _: &Call, request: &DeleteBranchRequest) -> Result<Empty, Status> {
        let named = branch(request.branch.as_ref())?;
        if !request.force {
            self.0.store.repo(&named.repo)?;
        }
        self.0.change(|work| work.delete_branch(&named, true))?;
        Ok(Empty {})
    }
}
