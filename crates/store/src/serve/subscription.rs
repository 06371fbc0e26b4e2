//! Following a branch, or all of a repo: each commit once it is as far along as asked.

use std::ops::ControlFlow;

use super::commits::{Told, commit_info};
use super::{Answers, Call, Code, Service, Status};
use crate::CommitRecord;
use spoutctl_core::pfs::{self, Origin};
use spoutctl_proto::names;
use spoutctl_proto::pfs::{CommitInfo, CommitState, OriginKind, SubscribeCommitRequest};

/// Which commits are followed.
pub(super) struct Subscription<'a> {
    pub repo: pfs::Repo,
    pub branch: Option<&'a str>,
    /// The id of one that is left out.
    pub hidden: &'a str,
    pub state: CommitState,
}

impl Service {
    /// # Errors
    /// `NotFound` without the repo, also when it is deleted later; `PermissionDenied`.
    pub fn subscribe_commit(
        &self,
        call: &Call,
        request: &SubscribeCommitRequest,
        answers: &mut Answers<'_, CommitInfo>,
    ) -> Result<(), Status> {
        let subscription = Subscription {
            repo: names::repo(request.repo.as_ref())?,
            branch: Some(request.branch.as_str()).filter(|branch| !branch.is_empty()),
            hidden: request.from.as_ref().map(|from| from.id.as_str()).unwrap_or_default(),
            state: request.state(),
        };
        let is_wanted = |commit: &CommitRecord| {
            // As pachd's filter: a kind that is named, or all.
            let is_of_kind = match request.origin_kind() {
                OriginKind::Unknown => true,
                OriginKind::User => commit.info.origin == Origin::User,
                OriginKind::Auto => commit.info.origin == Origin::Auto,
                OriginKind::Alias => commit.info.origin == Origin::Alias,
                OriginKind::Fsck => false,
            };
            is_of_kind && (request.all || commit.info.origin != Origin::Alias)
        };
        self.follow(call, &subscription, &is_wanted, &mut |commit| {
            answers(commit_info(self.dialect, commit, Told::Alone))
        })
    }

    /// Gives the commits oldest first and then waits for more, until nobody listens. `from` hides that one commit and
    /// need not exist (recordings follow 032–034); errored commits are given like any other (024), and one that is not
    /// far enough holds back those after it (020).
    ///
    /// # Errors
    /// As [`Service::subscribe_commit`].
    pub(super) fn follow(
        &self,
        call: &Call,
        of: &Subscription<'_>,
        is_wanted: &dyn Fn(&CommitRecord) -> bool,
        show: &mut dyn FnMut(&CommitRecord) -> ControlFlow<()>,
    ) -> Result<(), Status> {
        let mut after = 0;
        loop {
            let seen = self.changes.number();
            let next = self.store.next_commit(&of.repo, after, of.branch);
            let next = match next.map_err(|fault| no_repo(&of.repo, after, fault.into())) {
                // Before 2.8, such a subscription waits for ever.
                Err(status) if status.code == Code::NotFound && !self.dialect.minds_missing_repos() => None,
                next => next?,
            };
            let Some(commit) = next else {
                self.changes.wait(seen, call)?;
                continue;
            };
            after = commit.row;
            if commit.info.commit.id.as_str() == of.hidden || !is_wanted(&commit) {
                continue;
            }
            let commit = match self.wait_for(call, commit, of.state) {
                // Dropped meanwhile, or all of the repo: nobody is to hear of it.
                Err(status) if status.code == Code::NotFound => continue,
                commit => commit?,
            };
            // Once more: the repo may have been made since the call came.
            self.authorize_reading(call, &of.repo)?;
            if show(&commit).is_break() {
                return Ok(());
            }
        }
    }
}

/// In pachd's words: the repo is missing (recording http 116), or has gone since the commit of `row` (follow 040).
fn no_repo(repo: &pfs::Repo, row: i64, status: Status) -> Status {
    if status.code != Code::NotFound {
        return status;
    }
    Status::not_found(if row == 0 {
        format!(
            "get repo ID: repo (id=0, project={}, name={}, type=user) not found",
            repo.project, repo.name
        )
    } else {
        format!("get commit info from row: commit (int_id={row}, commit_id=) not found")
    })
}
