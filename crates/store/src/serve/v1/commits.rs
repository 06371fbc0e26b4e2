//! Commits, and following a branch.

use std::ops::ControlFlow;

use sha2::{Digest as _, Sha512};

use super::{Collected, V1, branch_message, branch_name, commit, repo, repo_message};
use crate::serve::subscription::Subscription;
use crate::serve::{Answers, Call, Status};
use crate::{CommitRecord, CommitSelector};
use spoutctl_core::pfs::{self, BranchName};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs::CommitState;
use spoutctl_proto::v1::{
    self, Commit, CommitInfo, CommitInfos, DeleteCommitRequest, FinishCommitRequest, InspectCommitRequest,
    ListCommitRequest, Object, StartCommitRequest, SubscribeCommitRequest,
};

/// What a commit has for an error that was finished without its data.
const GIVEN_UP: &str = "finished without its data";

/// As something that is kept by the hash of its bytes is named. Nobody reads it.
pub(super) fn object(of: &[u8]) -> Object {
    let digest = Sha512::digest(of);
    Object {
        hash: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn commit_info(record: &CommitRecord) -> CommitInfo {
    let info = &record.info;
    let repo = &info.commit.repo;
    let named = |id| Commit::named(repo, id);
    let has_tree = info.finished.is_some() && info.error.is_empty();
    CommitInfo {
        commit: Some(named(&info.commit.id)),
        parent_commit: info.parent.as_ref().map(|parent| named(&parent.id)),
        started: info.started.map(Into::into),
        finished: info.finished.map(Into::into),
        size_bytes: if has_tree { info.size_bytes } else { 0 },
        tree: has_tree.then(|| object(info.commit.id.as_str().as_bytes())),
        description: info.description.clone(),
        child_commits: record.children.iter().map(|(id, _)| named(id)).collect(),
        trees: Vec::new(),
        branch: branch_message(repo, info.commit.branch.as_str()),
        origin: Some(Empty {}),
    }
}

/// As far as that; an unknown state is that of every commit.
fn state(wanted: v1::CommitState) -> CommitState {
    match wanted {
        v1::CommitState::Started => CommitState::Started,
        v1::CommitState::Ready => CommitState::Ready,
        v1::CommitState::Finished => CommitState::Finished,
    }
}

/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
impl V1<'_> {
    pub fn start_commit(&self, call: &Call, request: &StartCommitRequest) -> Result<Commit, Status> {
        let parent = request.parent.as_ref();
        let parent = parent.ok_or_else(|| Status::unknown("parent cannot be nil"))?;
        let repo = repo(parent.repo.as_ref())?;
        if request.branch.is_empty() {
            return Err(Status::unserved("commits without a branch"));
        }
        let branch = pfs::Branch {
            name: branch_name(&request.branch)?,
            repo: repo.clone(),
        };
        let named = Some(parent).filter(|parent| !parent.id.is_empty());
        let named = named.map(|parent| commit(Some(parent))).transpose()?;
        let id = self.0.change_as(call, |work| {
            work.start_commit(&branch, named.as_ref(), &request.description)
        })?;
        Ok(Commit {
            repo: Some(repo_message(&repo)),
            id: id.to_string(),
        })
    }

    /// It is finished when this answers; one with a file that is a directory, too, stays open.
    pub fn finish_commit(&self, _: &Call, request: &FinishCommitRequest) -> Result<Empty, Status> {
        let commit = commit(request.commit.as_ref())?;
        let error = if request.empty { GIVEN_UP } else { "" };
        self.0
            .change(|work| work.finish_commit(&commit, &request.description, error))?;
        Ok(Empty {})
    }

    pub fn delete_commit(&self, _: &Call, request: &DeleteCommitRequest) -> Result<Empty, Status> {
        let commit = commit(request.commit.as_ref())?;
        self.0.change(|work| work.delete_commit(&commit))?;
        Ok(Empty {})
    }

    pub fn inspect_commit(&self, call: &Call, request: &InspectCommitRequest) -> Result<CommitInfo, Status> {
        let commit = commit(request.commit.as_ref())?;
        let record = self.0.store.record(&commit)?;
        let record = self.0.wait_for(call, record, state(request.block_state()))?;
        Ok(commit_info(&record))
    }

    pub fn list_commit_stream(
        &self,
        _: &Call,
        request: &ListCommitRequest,
        answers: &mut Answers<'_, CommitInfo>,
    ) -> Result<(), Status> {
        let named = repo(request.repo.as_ref())?;
        self.0.store.repo(&named)?;
        let of_the_repo = |one: &Commit| {
            let selector = commit(Some(one))?;
            if selector.repo == named {
                Ok(selector)
            } else {
                let name = &named.name;
                Err(Status::unknown(format!(
                    "`from` and `to` commits need to be from repo {name}"
                )))
            }
        };
        let from = request.from.as_ref().map(of_the_repo).transpose()?;
        let to = request.to.as_ref().map(of_the_repo).transpose()?;
        let from = from.map(|from| self.0.store.record(&from)).transpose()?;
        let mut left = if request.number == 0 { u64::MAX } else { request.number };
        let mut visit = |record: CommitRecord| {
            if left == 0 || from.as_ref().is_some_and(|from| from.row == record.row) {
                return ControlFlow::Break(());
            }
            left -= 1;
            answers(commit_info(&record))
        };
        let Some(to) = to else {
            if from.is_some() {
                return Err(Status::unknown("cannot use `from` commit without `to` commit"));
            }
            return Ok(self.0.store.commits(Some(&named), !request.reverse, &mut visit)?);
        };
        if request.reverse {
            return Err(Status::unknown("cannot use 'Reverse' while also using 'From' or 'To'"));
        }
        if self.is_headless(&to) {
            // It has no commits (058).
            return Ok(());
        }
        Ok(self.0.store.line(&to, &mut visit)?)
    }

    /// Whether it is a branch without a head.
    fn is_headless(&self, commit: &CommitSelector) -> bool {
        let name = commit.branch.as_deref().and_then(|name| BranchName::new(name).ok());
        let repo = commit.repo.clone();
        let branch = name.and_then(|name| self.0.store.branch(&pfs::Branch { repo, name }).ok());
        branch.is_some_and(|branch| branch.head.is_none())
    }

    pub fn list_commit(&self, call: &Call, request: &ListCommitRequest) -> Result<CommitInfos, Status> {
        let mut found = Collected::new();
        self.list_commit_stream(call, request, &mut |info| found.take(info))?;
        Ok(CommitInfos {
            commit_info: found.all()?,
        })
    }

    /// As in 2.x; a repo that is missing is waited for (113).
    pub fn subscribe_commit(
        &self,
        call: &Call,
        request: &SubscribeCommitRequest,
        answers: &mut Answers<'_, CommitInfo>,
    ) -> Result<(), Status> {
        let subscription = Subscription {
            repo: repo(request.repo.as_ref())?,
            branch: Some(request.branch.as_str()).filter(|branch| !branch.is_empty()),
            hidden: request.from.as_ref().map(|from| from.id.as_str()).unwrap_or_default(),
            state: state(request.state()),
        };
        self.0.follow(call, &subscription, &|_| true, &mut |record| {
            answers(commit_info(record))
        })
    }
}
