//! The calls about branches.

use std::collections::BTreeMap;

use super::commits::selector;
use super::naming::{branch_message, commit_message};
use super::pipelines::spec_branch;
use super::{Answers, Call, Code, Service, Status};
use crate::{BranchRecord, Dialect, Failure, Subject, Work};
use spoutctl_proto::google::Empty;
use spoutctl_proto::names;
use spoutctl_proto::pfs::{
    Branch, BranchInfo, CreateBranchRequest, DeleteBranchRequest, InspectBranchRequest, ListBranchRequest,
};
use spoutctl_proto::transaction::TransactionRequest;

fn spelled(branch: &Branch) -> String {
    let repo = branch.repo.clone().unwrap_or_default();
    let project = repo.project.unwrap_or_default();
    format!("{}/{}.{}@{}", project.name, repo.name, repo.r#type, branch.name)
}

fn branch_info(dialect: Dialect, record: &BranchRecord) -> BranchInfo {
    let repo = &record.branch.repo;
    let is_output = record.is_output.then(|| spec_branch(dialect, repo));
    let inputs = record.inputs.iter();
    let inputs = inputs.map(|input| branch_message(dialect, &input.repo, input.name.as_str()));
    let direct_provenance: Vec<Branch> = is_output.into_iter().chain(inputs).collect();
    // By their names, as seen on 2.3.9, 2.5.9 and 2.12.
    let mut provenance = direct_provenance.clone();
    provenance.sort_by_cached_key(spelled);
    let head = |id| commit_message(dialect, repo, &record.head_branch, id);
    let time = |time: jiff::Timestamp| dialect.tells_times().then(|| time.into());
    BranchInfo {
        branch: Some(branch_message(dialect, repo, record.branch.name.as_str())),
        head: record.head.as_ref().map(head),
        provenance,
        subvenance: Vec::new(),
        direct_provenance,
        trigger: None,
        metadata: BTreeMap::new(),
        created_by: String::new(),
        created_at: time(record.created),
        updated_at: time(record.updated),
        branch_propagation_specs: Vec::new(),
    }
}

pub(super) fn create_branch(work: &mut Work<'_>, request: &CreateBranchRequest) -> Result<(), Failure> {
    let branch = names::branch(request.branch.as_ref())?;
    let head = request
        .head
        .as_ref()
        .map(|head| selector(work.dialect(), head))
        .transpose()?;
    work.create_branch(&branch, head.as_ref())
}

pub(super) fn delete_branch(work: &mut Work<'_>, request: &DeleteBranchRequest) -> Result<(), Failure> {
    work.delete_branch(&names::branch(request.branch.as_ref())?, request.force)
}

/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
impl Service {
    pub fn create_branch(&self, call: &Call, request: CreateBranchRequest) -> Result<Empty, Status> {
        let is_piped = !request.provenance.is_empty() || !request.branch_propagation_specs.is_empty();
        if is_piped || request.trigger.is_some() {
            let message =
                "spoutctl serve keeps no triggers and no provenance of a branch; a pipeline's input gives it its own";
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
        Ok(BranchInfo {
            metadata: self.store.metadata(&Subject::Branch(branch.clone()))?,
            ..branch_info(self.dialect, &self.store.branch(&branch)?)
        })
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
            if answers(branch_info(self.dialect, &branch)).is_break() {
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
