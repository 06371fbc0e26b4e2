//! The calls about branches.

use std::collections::BTreeMap;

use super::commits::selector;
use super::pipelines::spec_branch;
use super::repos::repo_message;
use super::{Answers, Call, Code, Service, Status};
use crate::{BranchRecord, Failure, Work};
use spoutctl_core::pfs::{self, CommitId};
use spoutctl_proto::google::Empty;
use spoutctl_proto::names;
use spoutctl_proto::pfs::{
    Branch, BranchInfo, Commit, CreateBranchRequest, DeleteBranchRequest, InspectBranchRequest, ListBranchRequest,
};
use spoutctl_proto::transaction::TransactionRequest;

pub(super) fn branch_message(repo: &pfs::Repo, name: &str) -> Branch {
    Branch {
        repo: Some(repo_message(repo)),
        name: name.to_owned(),
    }
}

/// A commit as most answers name it: without its branch (recording http 015).
pub(super) fn commit_message(repo: &pfs::Repo, id: &CommitId) -> Commit {
    Commit {
        repo: Some(repo_message(repo)),
        id: id.to_string(),
        branch: None,
    }
}

fn branch_info(record: &BranchRecord) -> BranchInfo {
    let repo = &record.branch.repo;
    let provenance: Vec<Branch> = record.is_output.then(|| spec_branch(repo)).into_iter().collect();
    BranchInfo {
        branch: Some(branch_message(repo, record.branch.name.as_str())),
        head: record.head.as_ref().map(|id| commit_message(repo, id)),
        provenance: provenance.clone(),
        subvenance: Vec::new(),
        direct_provenance: provenance,
        trigger: None,
        metadata: BTreeMap::new(),
        created_by: String::new(),
        created_at: Some(record.created.into()),
        updated_at: Some(record.updated.into()),
        branch_propagation_specs: Vec::new(),
    }
}

pub(super) fn create_branch(work: &mut Work<'_>, request: &CreateBranchRequest) -> Result<(), Failure> {
    let branch = names::branch(request.branch.as_ref())?;
    let head = request.head.as_ref().map(selector).transpose()?;
    work.create_branch(&branch, head.as_ref())
}

pub(super) fn delete_branch(work: &mut Work<'_>, request: &DeleteBranchRequest) -> Result<(), Failure> {
    work.delete_branch(&names::branch(request.branch.as_ref())?)
}

/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl Service {
    pub fn create_branch(&self, call: &Call, request: CreateBranchRequest) -> Result<Empty, Status> {
        let is_piped = !request.provenance.is_empty() || !request.branch_propagation_specs.is_empty();
        if is_piped || request.trigger.is_some() {
            let message = "branches with provenance or a trigger belong to pipelines, which make them themselves";
            return Err(Status::new(Code::Unimplemented, message));
        }
        self.carry_out(
            call,
            TransactionRequest {
                create_branch: Some(request),
                ..TransactionRequest::default()
            },
        )?;
        Ok(Empty {})
    }

    pub fn inspect_branch(&self, _: &Call, request: &InspectBranchRequest) -> Result<BranchInfo, Status> {
        let branch = names::branch(request.branch.as_ref())?;
        Ok(branch_info(&self.store.branch(&branch)?))
    }

    pub fn list_branch(
        &self,
        _: &Call,
        request: &ListBranchRequest,
        answers: &mut Answers<'_, BranchInfo>,
    ) -> Result<(), Status> {
        let repo = names::repo(request.repo.as_ref())?;
        let mut branches = self.store.branches(&repo)?;
        if request.reverse {
            branches.reverse();
        }
        for branch in branches {
            if answers(branch_info(&branch)).is_break() {
                break;
            }
        }
        Ok(())
    }

    pub fn delete_branch(&self, call: &Call, request: DeleteBranchRequest) -> Result<Empty, Status> {
        self.carry_out(
            call,
            TransactionRequest {
                delete_branch: Some(request),
                ..TransactionRequest::default()
            },
        )?;
        Ok(Empty {})
    }
}
