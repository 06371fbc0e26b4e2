//! The calls about commits, and waiting for them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::branches::{branch_message, commit_message};
use super::{Answers, Call, Service, Status};
use crate::{CommitRecord, CommitSelector, Failure, Origin, Refusal, View, Work};
use spoutctl_core::pfs::{self, CommitId};
use spoutctl_proto::google::{self, Empty};
use spoutctl_proto::pfs::{
    ClearCommitRequest, Commit, CommitDetails, CommitInfo, CommitOrigin, CommitSet, CommitSetRequest, CommitState,
    FinishCommitRequest, InspectCommitRequest, InspectCommitSetRequest, ListCommitRequest, OriginKind,
    RemoveCommitRequest, StartCommitRequest,
};
use spoutctl_proto::transaction::TransactionRequest;

/// Which commit a message means.
///
/// pachd reads a repo that is missing from the branch (recording p 100), takes an id before a branch, and an id that is
/// none for the name of a branch; `^` and `~N` after either mean ancestors. What is no branch's name is not found here.
pub(super) fn selector(commit: &Commit) -> Result<CommitSelector, Failure> {
    let branch = commit.branch.as_ref();
    let repo = commit
        .repo
        .as_ref()
        .or_else(|| branch.and_then(|branch| branch.repo.as_ref()));
    let Some(repo) = repo else {
        return Err(Status::unknown("pick commit tx: cannot pick commit with no repo").into());
    };
    let named_branch = branch.map(|branch| branch.name.clone()).filter(|name| !name.is_empty());
    let (name, back) = ancestor(&commit.id);
    let id = CommitId::new(name).ok();
    Ok(CommitSelector {
        repo: repo.try_into()?,
        branch: if id.is_none() && !name.is_empty() {
            Some(name.to_owned())
        } else {
            named_branch
        },
        id,
        back,
    })
}

fn some_commit(commit: Option<&Commit>) -> Result<CommitSelector, Failure> {
    selector(commit.ok_or_else(|| Status::unknown("commit cannot be nil"))?)
}

/// Splits `master^^` or `master~2` into the name and how many commits it is back.
fn ancestor(text: &str) -> (&str, u32) {
    let Some(at) = text.find(['^', '~']) else {
        return (text, 0);
    };
    let (name, mut marks) = text.split_at(at);
    let mut back = 0_u32;
    while let Some(rest) = marks.strip_prefix(['^', '~']) {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        back = back.saturating_add(rest[..digits].parse().unwrap_or(1));
        marks = &rest[digits..];
    }
    if marks.is_empty() { (name, back) } else { (text, 0) }
}

fn commit_set(set: Option<&CommitSet>) -> Result<CommitId, Status> {
    let id = set.map_or("", |set| &set.id);
    CommitId::new(id).map_err(|_| Status::not_found(format!("no commits found for commitset {id}")))
}

/// What is told of a commit. Its upper bound is known where commits are listed, and 0 elsewhere (recordings http 045,
/// 076, follow 018).
pub(super) fn commit_info(record: &CommitRecord) -> CommitInfo {
    let info = &record.info;
    let repo = &info.commit.repo;
    let zero = record.checked.then(|| google::Duration::from(Duration::ZERO));
    let child = |(id, branch): &(CommitId, String)| Commit {
        // The branch that it was made on may be deleted.
        branch: (!branch.is_empty()).then(|| branch_message(repo, branch)),
        ..commit_message(repo, id)
    };
    CommitInfo {
        commit: Some(commit_message(repo, &info.commit.id)),
        origin: Some(CommitOrigin {
            kind: match record.origin {
                Origin::User => OriginKind::User.into(),
                Origin::Auto => OriginKind::Auto.into(),
            },
        }),
        description: info.description.clone(),
        parent_commit: info.parent.as_ref().map(|parent| commit_message(repo, &parent.id)),
        child_commits: record.children.iter().map(child).collect(),
        started: info.started.map(Into::into),
        finishing: info.finishing.map(Into::into),
        finished: info.finished.map(Into::into),
        direct_provenance: Vec::new(),
        direct_subvenance: Vec::new(),
        error: info.error.clone(),
        size_bytes_upper_bound: 0,
        details: Some(CommitDetails {
            size_bytes: info.size_bytes.cast_signed(),
            compacting_time: zero,
            validating_time: zero,
        }),
        metadata: BTreeMap::new(),
        created_by: String::new(),
        created_at: info.started.map(Into::into),
        updated_at: Some(record.updated.into()),
    }
}

fn listed_info(record: &CommitRecord) -> CommitInfo {
    CommitInfo {
        size_bytes_upper_bound: record.size_upper_bound.cast_signed(),
        ..commit_info(record)
    }
}

pub(super) fn start_commit(work: &mut Work<'_>, request: &StartCommitRequest) -> Result<Commit, Failure> {
    let within = |failure: Failure| failure.within("start commit in transaction");
    let branch = request.branch.as_ref().filter(|branch| !branch.name.is_empty());
    let branch = branch.ok_or_else(|| within(Status::unknown("branch must be specified").into()))?;
    let branch = pfs::Branch::try_from(branch).map_err(|status| within(status.into()))?;
    let parent = request.parent.as_ref().map(selector).transpose()?;
    let id = work.start_commit(&branch, parent.as_ref(), &request.description)?;
    Ok(commit_message(&branch.repo, &id))
}

pub(super) fn finish_commit(work: &mut Work<'_>, request: &FinishCommitRequest) -> Result<(), Failure> {
    let commit = some_commit(request.commit.as_ref())?;
    work.finish_commit(&commit, &request.description, &request.error)
}

pub(super) fn squash_commit_set(work: &mut Work<'_>, request: &CommitSetRequest) -> Result<(), Failure> {
    work.squash_commit_set(&commit_set(request.commit_set.as_ref())?)
}

/// Whether a commit is as far as that.
fn has_reached(record: &CommitRecord, state: CommitState) -> bool {
    match state {
        CommitState::Unknown | CommitState::Started | CommitState::Ready => true,
        CommitState::Finishing => record.info.finishing.is_some(),
        CommitState::Finished => record.info.finished.is_some(),
    }
}

impl Service {
    /// Opens a commit for reading. One that is closed is waited for, as in pachd; so is the parent of one that is open
    /// (where pachd refuses, so that the client has to come again).
    ///
    /// # Errors
    /// `NotFound`, and what a wait ends with.
    pub(super) fn view(&self, call: &Call, commit: &Commit) -> Result<View<Arc<crate::Store>>, Status> {
        let selector = self.pick(commit)?;
        let record = self.store.record(&selector)?;
        let id = record.info.commit.clone();
        if record.info.finishing.is_some() {
            self.wait_for(call, record, CommitState::Finished)?;
        } else if let Some(parent) = record.info.parent {
            // An open commit shows what it is based on too. Its parent is closed, so this wait ends.
            let parent = self.store.record(&CommitSelector::from(&parent))?;
            self.wait_for(call, parent, CommitState::Finished)?;
        }
        // By its id: the branch may have moved meanwhile.
        Ok(View::of(Arc::clone(&self.store), &(&id).into())?)
    }

    /// Which commit a message means.
    ///
    /// # Errors
    /// When it names no repo.
    #[expect(clippy::unused_self, reason = "stands with what else is asked of the service")]
    pub(super) fn pick(&self, commit: &Commit) -> Result<CommitSelector, Status> {
        Ok(selector(commit)?)
    }

    /// Waits until a commit is as far as `state`, and tells how it is then.
    ///
    /// # Errors
    /// `NotFound` when it was dropped meanwhile; what [`super::Changes::wait`] ends with.
    pub(super) fn wait_for(
        &self,
        call: &Call,
        mut record: CommitRecord,
        state: CommitState,
    ) -> Result<CommitRecord, Status> {
        loop {
            let seen = self.changes.number();
            // Looked at again in any case: what is given may be old.
            let row = record.row;
            let name = record.info.commit.to_string();
            record = self
                .store
                .record_at(row)?
                .ok_or_else(|| Failure::from(Refusal::CommitDeleted(name)))?;
            if has_reached(&record, state) {
                return Ok(record);
            }
            self.changes.wait(seen, call)?;
        }
    }

    /// Carries out changes, and tells those who wait for one.
    pub(super) fn change<T>(&self, work: impl FnOnce(&mut Work<'_>) -> Result<T, Failure>) -> Result<T, Status> {
        let value = self.store.change(work)?;
        self.changes.tell();
        Ok(value)
    }

    /// The same, and what is made belongs to the caller.
    pub(super) fn change_as<T>(
        &self,
        call: &Call,
        work: impl FnOnce(&mut Work<'_>) -> Result<T, Failure>,
    ) -> Result<T, Status> {
        let principal = call.caller.as_ref().map(|caller| caller.principal.clone());
        self.change(|changes| {
            changes.act_as(principal);
            work(changes)
        })
    }
}

/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl Service {
    pub fn start_commit(&self, call: &Call, request: StartCommitRequest) -> Result<Commit, Status> {
        let answer = self.carry_out(
            call,
            TransactionRequest {
                start_commit: Some(request),
                ..TransactionRequest::default()
            },
        )?;
        answer
            .commit
            .ok_or_else(|| Status::new(super::Code::Internal, "no commit was started"))
    }

    pub fn finish_commit(&self, call: &Call, request: FinishCommitRequest) -> Result<Empty, Status> {
        self.carry_out(
            call,
            TransactionRequest {
                finish_commit: Some(request),
                ..TransactionRequest::default()
            },
        )?;
        Ok(Empty {})
    }

    pub fn clear_commit(&self, _: &Call, request: &ClearCommitRequest) -> Result<Empty, Status> {
        self.change(|work| work.clear_commit(&some_commit(request.commit.as_ref())?))?;
        Ok(Empty {})
    }

    pub fn inspect_commit(&self, call: &Call, request: &InspectCommitRequest) -> Result<CommitInfo, Status> {
        let selector = some_commit(request.commit.as_ref())?;
        let record = self.store.record(&selector)?;
        let record = self.wait_for(call, record, request.wait())?;
        Ok(commit_info(&record))
    }

    pub fn list_commit(
        &self,
        _: &Call,
        request: &ListCommitRequest,
        answers: &mut Answers<'_, CommitInfo>,
    ) -> Result<(), Status> {
        let repo = match &request.repo {
            None => return Err(Status::unknown("repo cannot be nil")),
            Some(repo) if repo.name.is_empty() => None,
            Some(repo) => Some(pfs::Repo::try_from(repo)?),
        };
        if let Some(repo) = &repo {
            self.store
                .repo(repo)
                .map_err(|fault| Status::from(fault).within("ensure repo exists"))?;
        }
        let of_the_repo = |commit: &Commit| -> Result<CommitSelector, Status> {
            let selector = selector(commit)?;
            match &repo {
                Some(repo) if selector.repo == *repo => Ok(selector),
                _ => {
                    let name = repo.as_ref().map(ToString::to_string).unwrap_or_default();
                    Err(Status::unknown(format!(
                        "`from` and `to` commits need to be from repo {name}"
                    )))
                }
            }
        };
        let from = request.from.as_ref().map(of_the_repo).transpose()?;
        let to = request.to.as_ref().map(of_the_repo).transpose()?;
        let from = from.map(|from| self.store.record(&from)).transpose()?;
        let mut wanted = Wanted::of(request, from.as_ref())?;
        let mut visit = |record| wanted.visit(&record, answers);
        match (&to, &from) {
            (Some(to), _) => {
                self.store.record(to)?;
                if request.reverse {
                    return Err(Status::unknown("cannot use 'Reverse' while also using 'From' or 'To'"));
                }
                self.store.line(to, &mut visit)?;
            }
            (None, Some(_)) => return Err(Status::unknown("cannot use `from` commit without `to` commit")),
            (None, None) => self.store.commits(repo.as_ref(), !request.reverse, &mut visit)?,
        }
        Ok(())
    }

    pub fn inspect_commit_set(
        &self,
        call: &Call,
        request: &InspectCommitSetRequest,
        answers: &mut Answers<'_, CommitInfo>,
    ) -> Result<(), Status> {
        let id = commit_set(request.commit_set.as_ref())?;
        let set = self.store.commit_set(&id)?;
        if set.is_empty() {
            return Err(Failure::from(Refusal::CommitSetNotFound(id.to_string())).into());
        }
        for record in set {
            let state = if request.wait {
                CommitState::Finished
            } else {
                CommitState::Started
            };
            let record = self.wait_for(call, record, state)?;
            if answers(commit_info(&record)).is_break() {
                break;
            }
        }
        Ok(())
    }

    pub fn squash_commit(&self, _: &Call, request: &RemoveCommitRequest) -> Result<Empty, Status> {
        self.change(|work| work.squash_commit(&some_commit(request.commit.as_ref())?))?;
        Ok(Empty {})
    }

    pub fn squash_commit_set(&self, call: &Call, request: CommitSetRequest) -> Result<Empty, Status> {
        self.carry_out(
            call,
            TransactionRequest {
                squash_commit_set: Some(request),
                ..TransactionRequest::default()
            },
        )?;
        Ok(Empty {})
    }

    pub fn drop_commit(&self, _: &Call, request: &RemoveCommitRequest) -> Result<Empty, Status> {
        self.change(|work| work.drop_commit(&some_commit(request.commit.as_ref())?))?;
        Ok(Empty {})
    }

    /// One that is gone already is no error, as in pachd.
    pub fn drop_commit_set(&self, _: &Call, request: &CommitSetRequest) -> Result<Empty, Status> {
        let id = commit_set(request.commit_set.as_ref())?;
        self.change(|work| work.drop_commit_set(&id))?;
        Ok(Empty {})
    }
}

/// Which of the commits that come by `ListCommit` answers.
struct Wanted {
    left: u64,
    /// Left out, and what is before it.
    from: Option<i64>,
    origin: Option<Origin>,
    started: Option<jiff::Timestamp>,
    reverse: bool,
}

impl Wanted {
    fn of(request: &ListCommitRequest, from: Option<&CommitRecord>) -> Result<Self, Status> {
        let started = request.started_time.map(jiff::Timestamp::try_from).transpose();
        Ok(Self {
            left: match u64::try_from(request.number) {
                // Nothing is mended here, and a moved branch has no head of its own: no commit is of these kinds.
                _ if matches!(request.origin_kind(), OriginKind::Fsck | OriginKind::Alias) && !request.all => 0,
                Ok(0) | Err(_) => u64::MAX,
                Ok(number) => number,
            },
            from: from.map(|from| from.row),
            origin: match request.origin_kind() {
                _ if request.all => None,
                OriginKind::User => Some(Origin::User),
                OriginKind::Auto => Some(Origin::Auto),
                OriginKind::Unknown | OriginKind::Fsck | OriginKind::Alias => None,
            },
            started: started.map_err(|error| Status::invalid(error.to_string()))?,
            reverse: request.reverse,
        })
    }

    fn visit(&mut self, record: &CommitRecord, answers: &mut Answers<'_, CommitInfo>) -> ControlFlow<()> {
        if self.left == 0 || self.from == Some(record.row) {
            return ControlFlow::Break(());
        }
        let started = record.info.started.unwrap_or_default();
        let in_time = match self.started {
            None => true,
            Some(limit) if self.reverse => started > limit,
            Some(limit) => started < limit,
        };
        if !in_time || self.origin.is_some_and(|origin| origin != record.origin) {
            return ControlFlow::Continue(());
        }
        self.left -= 1;
        answers(listed_info(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_after_a_name_mean_its_ancestors() {
        for (text, expected) in [
            ("", ("", 0)),
            ("master", ("master", 0)),
            ("master^", ("master", 1)),
            ("master^^", ("master", 2)),
            ("master~3", ("master", 3)),
            ("master^2^", ("master", 3)),
            ("master^x", ("master^x", 0)),
        ] {
            assert_eq!(ancestor(text), expected, "{text}");
        }
    }
}
