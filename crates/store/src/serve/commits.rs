//! The calls about commits, and waiting for them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::naming::{ancestor, commit_message, commit_of_branch, commit_set, some_of_set, typed_repo};
use super::pipelines::SPEC;
use super::{Answers, Call, Code, Service, Status};
use crate::{CommitName, CommitRecord, CommitSelector, Dialect, Failure, Refusal, Subject, View, Work};
use spoutctl_core::pfs::{self, CommitId, Origin};
use spoutctl_proto::google::{self, Empty};
use spoutctl_proto::pfs::{
    Branch, ClearCommitRequest, Commit, CommitDetails, CommitInfo, CommitOrigin, CommitSet, CommitSetInfo,
    CommitSetRequest, CommitState, FinishCommitRequest, InspectCommitRequest, InspectCommitSetRequest,
    ListCommitRequest, ListCommitSetRequest, OriginKind, RemoveCommitRequest, StartCommitRequest,
};
use spoutctl_proto::transaction::TransactionRequest;

/// Which commit a message means.
///
/// pachd reads a repo that is missing from the branch (recording p 100), takes an id before a branch, and an id that is
/// none for the name of a branch; `^` and `~N` after either mean ancestors. What is no branch's name is not found here.
///
/// # Errors
/// When it names no repo, or not within a branch where that is a part of a commit's name.
pub(super) fn selector(dialect: Dialect, commit: &Commit) -> Result<CommitSelector, Failure> {
    let branch = commit.branch.as_ref();
    let within = branch.and_then(|branch| branch.repo.as_ref());
    let own = commit.repo.as_ref().filter(|_| dialect.commits_have_repos());
    let Some(repo) = own.or(within).or(commit.repo.as_ref()) else {
        return Err(Status::unknown("pick commit tx: cannot pick commit with no repo").into());
    };
    let named_branch = branch.map(|branch| branch.name.clone()).filter(|name| !name.is_empty());
    let (name, back) = ancestor(&commit.id);
    let id = CommitId::new(name).ok();
    // Clients of those releases name the repo within a branch, which has no name where they know the commit by its id.
    if dialect.commits_are_of_branches() && within.is_none() {
        return Err(harmful(dialect, "a commit is named within a branch here, and this one is not").into());
    }
    let is_of_branch = dialect.commits_are_of_branches() && named_branch.is_some();
    Ok(CommitSelector {
        repo: repo.try_into()?,
        branch: if id.is_none() && !name.is_empty() {
            Some(name.to_owned())
        } else {
            named_branch
        },
        is_of_branch,
        id,
        back,
    })
}

/// A request that the pachd of this dialect would have come to harm by, or what is stored there: who sends it has to
/// learn so here.
pub(super) fn harmful(dialect: Dialect, why: &str) -> Status {
    let message = format!("this would do harm to a pachd {}: {why}", dialect.release());
    Status::new(Code::Internal, message)
}

/// Whether a commit is named by this id.
pub(super) fn has_id(commit: &Commit, id: &CommitId) -> bool {
    commit.id == id.as_str()
}

fn some_commit(dialect: Dialect, commit: Option<&Commit>) -> Result<CommitSelector, Failure> {
    selector(dialect, commit.ok_or_else(|| Status::unknown("commit cannot be nil"))?)
}

/// Where a commit is told of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// By itself, or to those who follow a branch.
    Alone,
    /// Among all commits of a repo.
    Listed,
    /// Among a commit's ancestors.
    InLine,
}

pub(super) fn commit_info(dialect: Dialect, record: &CommitRecord, told: Told) -> CommitInfo {
    let info = &record.info;
    let repo = &info.commit.repo;
    let branch = info.commit.branch.as_str();
    let child = |(id, branch): &(CommitId, String)| commit_of_branch(dialect, repo, branch, id);
    let parent = |parent: &pfs::Commit| commit_message(dialect, repo, parent.branch.as_str(), &parent.id);
    let time = |time: jiff::Timestamp| dialect.tells_times().then(|| time.into());
    let (spec_commits, spec_branches) = provenance(dialect, record);
    CommitInfo {
        commit: Some(commit_message(dialect, repo, branch, &info.commit.id)),
        origin: Some(CommitOrigin {
            kind: match record.info.origin {
                Origin::User => OriginKind::User.into(),
                Origin::Auto => OriginKind::Auto.into(),
                Origin::Alias => OriginKind::Alias.into(),
            },
        }),
        description: info.description.clone(),
        parent_commit: info.parent.as_ref().map(parent),
        child_commits: record.children.iter().map(child).collect(),
        started: info.started.map(Into::into),
        finishing: info.finishing.map(Into::into),
        finished: info.finished.map(Into::into),
        direct_provenance: spec_commits,
        direct_provenance_branches: spec_branches,
        direct_subvenance: Vec::new(),
        error: info.error.clone(),
        size_bytes_upper_bound: upper_bound(dialect, record, told),
        details: details(dialect, record),
        metadata: BTreeMap::new(),
        created_by: String::new(),
        created_at: info.started.and_then(time),
        updated_at: time(record.updated),
    }
}

/// What a spout writes comes from its spec: from that commit of it, or, before 2.6, from the branch.
fn provenance(dialect: Dialect, record: &CommitRecord) -> (Vec<Commit>, Vec<Branch>) {
    let Some(spec) = &record.spec else {
        return Default::default();
    };
    let repo = typed_repo(dialect, &record.info.commit.repo, SPEC);
    let branch = Branch {
        repo: Some(repo.clone()),
        name: "master".to_owned(),
    };
    if dialect.commits_are_of_branches() {
        return (Vec::new(), vec![branch]);
    }
    let commit = Commit {
        repo: Some(repo),
        id: spec.to_string(),
        branch: Some(branch),
    };
    (vec![commit], Vec::new())
}

/// Known where commits are listed and, before 2.8, of finished ones everywhere (recordings http 045, 076, follow 018;
/// grpc-2.3 019, 249, 484).
fn upper_bound(dialect: Dialect, record: &CommitRecord, told: Told) -> i64 {
    let is_known = record.checked || dialect.sizes_what_is_given_up() && record.info.finished.is_some();
    let is_told = match told {
        Told::Listed => true,
        Told::Alone if record.info.origin == Origin::Alias => false,
        Told::InLine => dialect.lists_bounds_in_line() || is_known,
        Told::Alone => dialect.bounds_everywhere() && is_known,
    };
    if is_told {
        record.size_upper_bound.cast_signed()
    } else {
        0
    }
}

fn details(dialect: Dialect, record: &CommitRecord) -> Option<CommitDetails> {
    let is_given_up = record.info.finished.is_some() && !record.info.error.is_empty() && !record.checked;
    if is_given_up && dialect.bounds_everywhere() && !dialect.sizes_what_is_given_up() {
        return None;
    }
    if is_given_up && dialect.sizes_what_is_given_up() {
        return Some(CommitDetails {
            size_bytes: record.size_upper_bound.cast_signed(),
            compacting_time: Some(google::Duration::from(Duration::ZERO)),
            validating_time: Some(google::Duration::from(Duration::ZERO)),
        });
    }
    let zero = record.checked.then(|| google::Duration::from(Duration::ZERO));
    let is_told = record.info.finished.is_some() && record.info.error.is_empty() || record.checked;
    (is_told || dialect.details_everywhere()).then(|| CommitDetails {
        size_bytes: record.info.size_bytes.cast_signed(),
        compacting_time: zero,
        validating_time: zero,
    })
}

pub(super) fn start_commit(work: &mut Work<'_>, request: &StartCommitRequest) -> Result<Commit, Failure> {
    let step = "start commit in transaction";
    let is_said = work.dialect().says(step);
    let within = |failure: Failure| if is_said { failure.within(step) } else { failure };
    let branch = request.branch.as_ref().filter(|branch| !branch.name.is_empty());
    let branch = branch.ok_or_else(|| within(Status::unknown("branch must be specified").into()))?;
    let branch = pfs::Branch::try_from(branch).map_err(|status| within(status.into()))?;
    let dialect = work.dialect();
    let parent = request
        .parent
        .as_ref()
        .map(|parent| selector(dialect, parent))
        .transpose()?;
    let id = work.start_commit(&branch, parent.as_ref(), &request.description)?;
    Ok(commit_message(dialect, &branch.repo, branch.name.as_str(), &id))
}

pub(super) fn finish_commit(work: &mut Work<'_>, request: &FinishCommitRequest) -> Result<(), Failure> {
    let commit = some_commit(work.dialect(), request.commit.as_ref())?;
    work.finish_commit(&commit, &request.description, &request.error)
}

pub(super) fn squash_commit_set(work: &mut Work<'_>, request: &CommitSetRequest) -> Result<(), Failure> {
    let id = commit_set(request.commit_set.as_ref());
    let squashed = id.as_ref().map_or(Ok(0), |id| work.squash_commit_set(id))?;
    some_of_set(work.dialect(), id, squashed)
}

/// Whether a commit is as far as that.
fn has_reached(dialect: Dialect, record: &CommitRecord, state: CommitState) -> bool {
    match state {
        CommitState::Finishing if !dialect.waits_for_finishing() => true,
        CommitState::Unknown | CommitState::Started | CommitState::Ready => true,
        CommitState::Finishing => record.info.finishing.is_some(),
        CommitState::Finished => record.info.finished.is_some(),
    }
}

fn deleted(commit: &pfs::Commit) -> Refusal {
    Refusal::CommitDeleted(CommitName {
        repo: commit.repo.clone(),
        branch: commit.branch.to_string(),
        id: commit.id.to_string(),
    })
}

impl Service {
    /// Opens a commit for reading. One that is closed is waited for, as in pachd; so is the closed parent of one that
    /// is open (where pachd refuses, so that the client has to come again). Neither is where it goes on from an
    /// open one.
    ///
    /// # Errors
    /// `NotFound`; `Refused` on top of an open one; what a wait ends with.
    pub(super) fn view(&self, call: &Call, commit: &Commit) -> Result<View<Arc<crate::Store>>, Status> {
        self.view_of(call, &self.pick(commit)?)
    }

    /// The same, of a commit that was found out.
    ///
    /// # Errors
    /// As [`Service::view`].
    pub(super) fn view_of(&self, call: &Call, commit: &CommitSelector) -> Result<View<Arc<crate::Store>>, Status> {
        let record = self.store.record(commit)?;
        let id = record.info.commit.clone();
        let closed = match &record.info.parent {
            // An open commit shows what it is based on too.
            Some(parent) if record.info.finishing.is_none() => self.store.record(&CommitSelector::from(parent))?,
            _ => record,
        };
        // One that is open may be so for ever, as what a pipeline is to write is here: what goes on from it is refused
        // below.
        if closed.info.finishing.is_some() && self.store.open_base(&(&closed.info.commit).into())?.is_none() {
            self.wait_for(call, closed, CommitState::Finished)?;
        }
        // By its id: the branch may have moved meanwhile.
        Ok(View::of(Arc::clone(&self.store), &(&id).into())?)
    }

    /// Which commit a message means.
    ///
    /// # Errors
    /// When it names no repo.
    pub(super) fn pick(&self, commit: &Commit) -> Result<CommitSelector, Status> {
        Ok(selector(self.dialect, commit)?)
    }

    /// Waits until a commit is as far as `state`, and tells how it is then.
    ///
    /// # Errors
    /// `NotFound` when it was dropped meanwhile; what is wrong with the disk; what [`super::Changes::wait`] ends with.
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
            let gone = deleted(&record.info.commit);
            record = self.store.record_at(row)?.ok_or_else(|| self.refused(&gone))?;
            if has_reached(self.dialect, &record, state) {
                return Ok(record);
            }
            if record.info.finishing.is_some() {
                self.changes.can_finish()?;
            }
            self.changes.wait(seen, call)?;
        }
    }

    /// In the words of the pachd that this is.
    pub(super) fn refused(&self, refusal: &Refusal) -> Status {
        refusal.fault(self.dialect).into()
    }

    /// A status with the step that failed before it, where the pachd that this is says so.
    pub(super) fn within(&self, step: &'static str) -> impl Fn(Status) -> Status + use<> {
        let is_said = self.dialect.says(step);
        move |status| if is_said { status.within(step) } else { status }
    }
}

/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
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
            .ok_or_else(|| Status::new(Code::Internal, "no commit was started"))
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

    pub fn clear_commit(&self, call: &Call, request: &ClearCommitRequest) -> Result<Empty, Status> {
        self.change_authorized(call, request, |work| {
            work.clear_commit(&some_commit(self.dialect, request.commit.as_ref())?)
        })?;
        Ok(Empty {})
    }

    pub fn inspect_commit(&self, call: &Call, request: &InspectCommitRequest) -> Result<CommitInfo, Status> {
        let selector = some_commit(self.dialect, request.commit.as_ref())?;
        let record = self.store.record(&selector)?;
        let record = self.wait_for(call, record, request.wait())?;
        Ok(CommitInfo {
            metadata: self.store.metadata(&Subject::Commit(selector))?,
            ..commit_info(self.dialect, &record, Told::Alone)
        })
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
                .map_err(|fault| self.within("ensure repo exists")(fault.into()))?;
        }
        let of_the_repo = |commit: &Commit| -> Result<CommitSelector, Status> {
            let selector = selector(self.dialect, commit)?;
            match &repo {
                Some(repo) if selector.repo == *repo => Ok(selector),
                _ => {
                    let name = repo.as_ref().map(|repo| self.dialect.repo(repo)).unwrap_or_default();
                    Err(Status::unknown(format!(
                        "`from` and `to` commits need to be from repo {name}"
                    )))
                }
            }
        };
        let from = request.from.as_ref().map(of_the_repo).transpose()?;
        let to = request.to.as_ref().map(of_the_repo).transpose()?;
        let from = from.map(|from| self.store.record(&from)).transpose()?;
        let mut wanted = Wanted::of(self.dialect, request, from.as_ref())?;
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
        let id = commit_set(request.commit_set.as_ref()).map_err(|refusal| self.refused(&refusal))?;
        let set = self.store.commit_set(&id)?;
        if set.is_empty() {
            return Err(self.refused(&Refusal::CommitSetNotFound(id.to_string())));
        }
        for record in set {
            let state = if request.wait {
                CommitState::Finished
            } else {
                CommitState::Started
            };
            let record = self.wait_for(call, record, state)?;
            if answers(commit_info(self.dialect, &record, Told::Alone)).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The sets, the one with the newest commit first.
    pub fn list_commit_set(
        &self,
        _: &Call,
        request: &ListCommitSetRequest,
        answers: &mut Answers<'_, CommitSetInfo>,
    ) -> Result<(), Status> {
        let project = request.project.as_ref().map(|project| project.name.as_str());
        let project = project.filter(|name| !name.is_empty());
        let mut failed = None;
        self.store.commits(None, true, &mut |record| {
            let commit = &record.info.commit;
            if project.is_some_and(|project| project != commit.repo.project.as_str()) {
                return ControlFlow::Continue(());
            }
            let set = match self.store.commit_set(&commit.id) {
                Ok(set) => set,
                Err(fault) => {
                    failed = Some(fault);
                    return ControlFlow::Break(());
                }
            };
            // It was told with a newer one of it.
            if set.iter().any(|other| other.row > record.row) {
                return ControlFlow::Continue(());
            }
            let commits = set.iter().map(|record| commit_info(self.dialect, record, Told::Alone));
            answers(CommitSetInfo {
                commit_set: Some(CommitSet {
                    id: commit.id.to_string(),
                }),
                commits: commits.collect(),
            })
        })?;
        failed.map_or(Ok(()), |fault| Err(fault.into()))
    }

    pub fn squash_commit(&self, _: &Call, request: &RemoveCommitRequest) -> Result<Empty, Status> {
        self.change(|work| work.squash_commit(&some_commit(self.dialect, request.commit.as_ref())?))?;
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
        let commit = some_commit(self.dialect, request.commit.as_ref())?;
        self.change(|work| {
            self.check_dropped(&[work.record(&commit)?])?;
            work.drop_commit(&commit)
        })?;
        Ok(Empty {})
    }

    /// Whether commits may be dropped where one that is being finished does harm.
    fn check_dropped(&self, records: &[CommitRecord]) -> Result<(), Status> {
        let is_between = |record: &CommitRecord| record.info.finishing.is_some() && record.info.finished.is_none();
        if self.dialect.commits_are_of_branches() && records.iter().any(is_between) {
            let why = "a commit that is being finished is not dropped here before it is finished";
            return Err(harmful(self.dialect, why));
        }
        Ok(())
    }

    pub fn drop_commit_set(&self, _: &Call, request: &CommitSetRequest) -> Result<Empty, Status> {
        self.change(|work| {
            let id = commit_set(request.commit_set.as_ref());
            let dropped = id.as_ref().map_or(Ok(0), |id| {
                self.check_dropped(&work.commit_records(id)?)?;
                work.drop_commit_set(id)
            })?;
            some_of_set(self.dialect, id, dropped)
        })?;
        Ok(Empty {})
    }
}

/// Which of the commits that come by `ListCommit` answers.
struct Wanted {
    dialect: Dialect,
    told: Told,
    /// Aliases, too.
    all: bool,
    left: u64,
    /// Left out, and what is before it.
    from: Option<i64>,
    origin: Option<Origin>,
    started: Option<jiff::Timestamp>,
    reverse: bool,
}

impl Wanted {
    fn of(dialect: Dialect, request: &ListCommitRequest, from: Option<&CommitRecord>) -> Result<Self, Status> {
        let started = request.started_time.filter(|_| dialect.lists_by_time());
        let started = started.map(jiff::Timestamp::try_from).transpose();
        Ok(Self {
            dialect,
            told: if request.to.is_some() {
                Told::InLine
            } else {
                Told::Listed
            },
            all: request.all,
            left: match u64::try_from(request.number) {
                // Nothing is mended here, so no commit is of that kind.
                _ if request.origin_kind() == OriginKind::Fsck && !request.all => 0,
                Ok(0) | Err(_) => u64::MAX,
                Ok(number) => number,
            },
            from: from.map(|from| from.row),
            origin: match request.origin_kind() {
                _ if request.all => None,
                OriginKind::User => Some(Origin::User),
                OriginKind::Auto => Some(Origin::Auto),
                OriginKind::Alias => Some(Origin::Alias),
                OriginKind::Unknown | OriginKind::Fsck => None,
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
        if record.info.origin == Origin::Alias && !self.all {
            return ControlFlow::Continue(());
        }
        if !in_time || self.origin.is_some_and(|origin| origin != record.info.origin) {
            return ControlFlow::Continue(());
        }
        self.left -= 1;
        answers(commit_info(self.dialect, record, self.told))
    }
}
