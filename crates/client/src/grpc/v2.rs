//! Pachyderm 2.x, service `pfs_v2.API`: the same calls as through the HTTP gateway, and the same words of refusal.
//!
//! It knows nothing of connections. A sidecar has neither the admin nor the version service and is asked for neither. How
//! releases differ: [`Model`], and in the shape of answers `finding`.

mod finding;
mod messages;
mod pipelines;
mod reader;
mod staging;

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prost::Message;

use self::messages::{FileSetChanges, Unreadable};
use self::reader::Content;
use super::Answered;
use super::calls::{Arrival, Calls, Failed, Incoming, Listening, seconds};
use crate::connection::token::Token;
use crate::pachd::{self, Call, CallFault, Identity, Login, Missing, Model, unless_missing};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::feed::{CommitFeed, TICK};
use spoutctl_core::history::CommitHistory;
use spoutctl_core::pfs::{
    Branch, BranchInfo, Commit, CommitId, CommitInfo, DEFAULT_PROJECT, FileInfo, FileKind, FilePath, FileSetId,
    PipelineKind, ProjectName, Repo,
};
use spoutctl_core::release::Release;
use spoutctl_core::sink::{Changes, CommitSink, MAX_CHUNK, RoutingSink, StagingSink};
use spoutctl_core::source::{FileChange, FileSource};
use spoutctl_proto::admin::{ClusterInfo, InspectClusterRequest};
use spoutctl_proto::auth::{
    AuthenticateRequest, AuthenticateResponse, AuthorizeRequest, AuthorizeResponse, GetOidcLoginResponse,
    WhoAmIResponse,
};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs;

/// Bytes of a file in one message, at first and at least. What takes less than the least takes nothing.
const LARGEST_PIECE: usize = MAX_CHUNK;
const SMALLEST_PIECE: usize = 16 << 10;
/// pachd takes at least so much a second; what it has taken beyond may lie in buffers when we have sent the last of it.
const BYTES_A_SECOND: u64 = 1 << 20;

/// What a call's failure means.
pub(super) fn fault(call: Call, failed: Failed) -> CallFault {
    match failed {
        Failed::Said(code, text) => pachd::fault_of_words(call, i64::from(i32::from(code)), &text),
        Failed::Local(error) => Fault::new(
            FaultKind::Local,
            format!(
                "{}: what was to be sent cannot be read: {error}; the upload was broken off",
                call.name
            ),
        )
        .into(),
        Failed::Lost(text) => pachd::lost(call, text).into(),
        Failed::Unreached(text) => pachd::unreached(call, text).into(),
        Failed::Insecure(text) => pachd::refused(call, text).into(),
        // A proxy gave up on pachd, or is told to send nobody there; the call itself may have arrived.
        Failed::Stranger(408 | 429 | 502..=504, looks) => {
            pachd::lost(call, format!("no answer from pachd: {looks}")).into()
        }
        Failed::Stranger(413, looks) => Fault::new(
            FaultKind::TooLarge,
            format!("{}: the body is too large: {looks}", call.name),
        )
        .into(),
        Failed::Stranger(_, looks) => pachd::refused(
            call,
            format!("what answers there is no pachd that speaks gRPC: {looks}"),
        )
        .into(),
    }
}

fn unreadable(call: Call) -> impl Fn(Unreadable) -> Fault {
    move |why| pachd::unreadable(call, why.to_string())
}

/// A stream that stopped halfway: whatever the reason, what came of it is not the whole.
fn broken(call: Call, failed: Failed) -> Fault {
    let fault = fault(call, failed).fault;
    if fault.is_passing() {
        Fault {
            kind: FaultKind::Unavailable,
            ..fault
        }
    } else {
        fault
    }
}

/// pachd 2.x.
#[derive(Debug)]
pub(super) struct V2 {
    calls: Arc<Calls>,
    /// Where it tells that: a sidecar does not.
    release: Option<Release>,
    model: OnceLock<Model>,
    /// Bytes of a file in one message: less than at first once that was refused.
    piece: AtomicUsize,
}

impl V2 {
    pub fn new(calls: Arc<Calls>, release: Option<Release>) -> Self {
        Self {
            calls,
            release,
            model: OnceLock::new(),
            piece: AtomicUsize::new(LARGEST_PIECE),
        }
    }

    /// What tells this deployment from others; empty where it does not say (a sidecar).
    pub fn deployment(&self) -> Result<String, Fault> {
        let answer: Answered<ClusterInfo> = self.ask(pachd::INSPECT_CLUSTER, InspectClusterRequest::default());
        match answer {
            Ok(cluster) => Ok(cluster.deployment_id),
            Err(failed) if failed.fault.is_passing() => Err(failed.fault),
            Err(_) => Ok(String::new()),
        }
    }

    pub fn who_am_i(&self) -> Result<Identity, Fault> {
        let answer: WhoAmIResponse = self.ask(pachd::WHO_AM_I, Empty {})?;
        let expires = answer.expiration.map(jiff::Timestamp::try_from).transpose();
        let expires = expires.map_err(|error| pachd::unreadable(pachd::WHO_AM_I, error.to_string()))?;
        Ok(Identity {
            name: answer.username,
            expires,
        })
    }

    pub fn oidc_login(&self) -> Result<Login, Fault> {
        let answer: GetOidcLoginResponse = self.ask(pachd::GET_OIDC_LOGIN, Empty {})?;
        Ok(Login {
            url: answer.login_url,
            state: answer.state,
        })
    }

    pub fn authenticate(&self, login: &Login, within: Duration) -> Result<Option<Token>, Fault> {
        let call = pachd::AUTHENTICATE;
        let request = AuthenticateRequest {
            oidc_state: login.state.clone(),
            ..AuthenticateRequest::default()
        };
        let answer = self.calls.ask::<_, AuthenticateResponse>(call, request, within);
        match answer.map_err(|failed| fault(call, failed).fault)? {
            None => Ok(None),
            Some(answer) => Token::new(&answer.pach_token)
                .map(Some)
                .map_err(|error| pachd::unreadable(call, error.to_string())),
        }
    }

    fn ask<Q, A>(&self, call: Call, request: Q) -> Answered<A>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let limit = self.calls.times.call;
        self.answered(call, self.calls.ask(call, request, limit))
    }

    fn answered<A>(&self, call: Call, answer: Result<Option<A>, Failed>) -> Answered<A> {
        let limit = self.calls.times.call;
        answer
            .map_err(|failed| fault(call, failed))?
            .ok_or_else(|| pachd::lost(call, format!("no answer within {}", seconds(limit))).into())
    }

    /// A line of commits, newest first; one that does not exist has none.
    fn list(
        &self,
        newest: pfs::Commit,
        branch: &Branch,
        visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        self.check_project(&branch.repo)?;
        let call = pachd::LIST_COMMIT;
        let request = pfs::ListCommitRequest {
            repo: Some((&branch.repo).into()),
            to: Some(newest),
            ..pfs::ListCommitRequest::default()
        };
        let opened = self.calls.open(call, request).map_err(|failed| fault(call, failed));
        let Some(mut incoming): Option<Incoming<'_, pfs::CommitInfo>> = unless_missing(opened, &[Missing::Branch])?
        else {
            return Ok(());
        };
        // A refusal comes in place of the first message.
        let first = incoming.next().map_err(|failed| fault(call, failed));
        let mut next = unless_missing(first, &[Missing::Branch])?.flatten();
        while let Some(mut info) = next {
            let mut ahead = || incoming.next().map_err(|failed| broken(call, failed));
            let looked_ahead = finding::hides_aliases(&info).then(&mut ahead).transpose()?;
            if let Some(after) = &looked_ahead {
                info.parent_commit = after.as_ref().and_then(|after| after.commit.clone());
            }
            let info = messages::commit_info(info, branch).map_err(unreadable(call))?;
            if visit(info).is_break() {
                break;
            }
            next = match looked_ahead {
                Some(after) => after,
                None => ahead()?,
            };
        }
        Ok(())
    }

    /// Shows each answer of a call that says which files there are, or which differ.
    fn show_changes<A: Message + Default + 'static>(
        &self,
        call: Call,
        request: impl Message + 'static,
        read: impl Fn(&A) -> Result<Option<FileChange>, Unreadable>,
        visit: &mut dyn FnMut(FileChange) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let mut incoming: Incoming<'_, A> = self.calls.open(call, request).map_err(|failed| fault(call, failed))?;
        let mut next = incoming.next().map_err(|failed| fault(call, failed))?;
        while let Some(answer) = next {
            let change = read(&answer).map_err(unreadable(call))?;
            if change.is_some_and(|change| visit(change).is_break()) {
                break;
            }
            next = incoming.next().map_err(|failed| broken(call, failed))?;
        }
        Ok(())
    }

    fn content(&self, call: Call, commit: &Commit, path: String) -> Result<Content<'_>, Fault> {
        let request = pfs::GetFileRequest {
            file: Some(messages::file(commit, path)),
            ..pfs::GetFileRequest::default()
        };
        Content::open(&self.calls, call, request)
    }
}

impl CommitHistory for V2 {
    fn repo_exists(&self, repo: &Repo) -> Result<bool, Fault> {
        self.check_project(repo)?;
        let request = pfs::InspectRepoRequest {
            repo: Some(repo.into()),
        };
        let answer: Answered<pfs::RepoInfo> = self.ask(pachd::INSPECT_REPO, request);
        match answer {
            Ok(_) => Ok(true),
            Err(failed) if failed.fault.kind == FaultKind::NotFound => Ok(false),
            Err(failed) => Err(failed.fault),
        }
    }

    fn inspect_branch(&self, branch: &Branch) -> Result<Option<BranchInfo>, Fault> {
        self.check_project(&branch.repo)?;
        let call = pachd::INSPECT_BRANCH;
        let request = pfs::InspectBranchRequest {
            branch: Some(branch.into()),
        };
        let answer: Option<pfs::BranchInfo> = unless_missing(self.ask(call, request), &[Missing::Branch])?;
        let Some(mut info) = answer else { return Ok(None) };
        info.head = info.head.map(|head| self.behind_aliases(head)).transpose()?;
        messages::branch_info(&info, branch).map(Some).map_err(unreadable(call))
    }

    fn inspect_commit(&self, commit: &Commit) -> Result<CommitInfo, Fault> {
        let info = self.inspect(commit.into())?;
        self.read_commit(info, commit)
    }

    fn find_commit(&self, repo: &Repo, id: &CommitId) -> Result<CommitInfo, Fault> {
        self.find(repo, id)
    }

    fn list_commits(&self, branch: &Branch, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        // `to` with a branch walks from its head along the parents (follow 006); without it pachd lists the whole repo.
        self.list(messages::head_of(branch), branch, visit)
    }
}

impl CommitFeed for V2 {
    fn list_line(&self, newest: &Commit, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        let branch = Branch {
            repo: newest.repo.clone(),
            name: newest.branch.clone(),
        };
        self.list(newest.into(), &branch, visit)
    }

    fn watch(
        &self,
        branch: &Branch,
        visit: &mut dyn FnMut(Option<CommitInfo>) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let call = pachd::SUBSCRIBE_COMMIT;
        let request = pfs::SubscribeCommitRequest {
            repo: Some((&branch.repo).into()),
            branch: branch.name.as_str().to_owned(),
            state: pfs::CommitState::Finished.into(),
            ..pfs::SubscribeCommitRequest::default()
        };
        let told = |failed| fault(call, failed).fault;
        let mut subscription: Listening<'_, pfs::CommitInfo> = self.calls.listen(call, request).map_err(told)?;
        loop {
            let info = match subscription.next(TICK).map_err(told)? {
                Arrival::Silence => None,
                Arrival::End => return Err(pachd::broken_stream(call, "pachd ended the subscription")),
                Arrival::Message(info) => Some(messages::commit_info(info, branch).map_err(unreadable(call))?),
            };
            if visit(info).is_break() {
                return Ok(());
            }
        }
    }
}

impl CommitSink for V2 {
    fn create_repo(&self, repo: &Repo) -> Result<(), Fault> {
        self.check_project(repo)?;
        let request = pfs::CreateRepoRequest {
            repo: Some(repo.into()),
            ..pfs::CreateRepoRequest::default()
        };
        let Empty {} = self.ask(pachd::CREATE_REPO, request)?;
        Ok(())
    }

    fn project_exists(&self, project: &ProjectName) -> Result<bool, Fault> {
        let request = pfs::InspectProjectRequest {
            project: Some(pfs::Project {
                name: project.to_string(),
            }),
        };
        let answer: Result<pfs::ProjectInfo, CallFault> = self.ask(pachd::INSPECT_PROJECT, request);
        match answer {
            Ok(_) => Ok(true),
            Err(failed) if failed.no_such_call && project.as_str() != DEFAULT_PROJECT => {
                Err(pachd::no_projects(format!("project {project}")))
            }
            Err(failed) => pachd::project_is_there(failed),
        }
    }

    fn pipeline_kind(&self, repo: &Repo) -> Result<Option<PipelineKind>, Fault> {
        let found = self.inspect_pipeline(repo, false)?;
        Ok(found.map(|info| messages::pipeline_kind(&info)))
    }

    /// The id that a cluster gets when it is made (recording http 003); it needs no token.
    fn cluster(&self) -> Result<Option<String>, Fault> {
        let answer: Answered<ClusterInfo> = self.ask(pachd::INSPECT_CLUSTER, InspectClusterRequest::default());
        match answer {
            Ok(cluster) => Ok(Some(cluster.id).filter(|id| !id.is_empty())),
            Err(failed) if failed.fault.is_passing() => Err(failed.fault),
            // What does not say who it is cannot be mistaken for another: a sidecar.
            Err(_) => Ok(None),
        }
    }

    /// Without a token nobody is asked about: either there is no auth, or the next call says that a token is missing.
    fn missing_permissions(&self, repo: &Repo) -> Result<Vec<String>, Fault> {
        if !self.calls.has_token() {
            return Ok(Vec::new());
        }
        let request: AuthorizeRequest = messages::to_write(repo);
        let answer: Answered<AuthorizeResponse> = self.ask(pachd::AUTHORIZE, request);
        match answer {
            Ok(authorization) => Ok(messages::missing(&authorization)),
            // Auth is not activated (grpc 095), or pachd is one that does not know the call.
            Err(failed) if failed.fault.kind == FaultKind::Refused => Ok(Vec::new()),
            Err(failed) => Err(failed.fault),
        }
    }

    fn create_file_set(&self, changes: &mut dyn Changes) -> Result<FileSetId, Fault> {
        let call = pachd::CREATE_FILE_SET;
        let piece = self.piece.load(Ordering::Relaxed);
        let mut messages = FileSetChanges::new(changes, piece);
        let sent = std::cell::Cell::new(0);
        let mut next = || {
            let message = messages.next();
            sent.set(messages.bytes());
            message
        };
        let limit = self.calls.times.call;
        let patience = || limit + Duration::from_secs(sent.get() / BYTES_A_SECOND);
        match self.calls.send(call, &mut next, &patience) {
            Ok(answer) => messages::file_set(answer).map_err(unreadable(call)),
            Err(failed) => {
                let fault = fault(call, failed).fault;
                // The next try sends smaller ones, besides fewer of them.
                if fault.kind == FaultKind::TooLarge && piece > SMALLEST_PIECE {
                    self.piece.store(piece / 2, Ordering::Relaxed);
                }
                Err(fault)
            }
        }
    }

    fn renew_file_set(&self, file_set: &FileSetId, ttl: Duration) -> Result<(), Fault> {
        let request = pfs::RenewFileSetRequest {
            file_set_id: file_set.0.clone(),
            ttl_seconds: messages::whole_seconds(ttl),
        };
        let Empty {} = self.ask(pachd::RENEW_FILE_SET, request)?;
        Ok(())
    }

    fn compose_file_set(&self, parts: &[FileSetId], ttl: Duration) -> Result<FileSetId, Fault> {
        let call = pachd::COMPOSE_FILE_SET;
        let request = pfs::ComposeFileSetRequest {
            file_set_ids: parts.iter().map(|part| part.0.clone()).collect(),
            ttl_seconds: messages::whole_seconds(ttl),
        };
        let answer: pfs::CreateFileSetResponse = self.ask(call, request)?;
        messages::file_set(answer).map_err(unreadable(call))
    }

    fn start_commit(&self, branch: &Branch, description: &str) -> Result<CommitId, Fault> {
        let call = pachd::START_COMMIT;
        let request = messages::start_commit(branch, description);
        let commit: pfs::Commit = self.ask(call, request)?;
        messages::commit_id(&commit).map_err(unreadable(call))
    }

    fn add_file_set(&self, commit: &Commit, file_set: &FileSetId) -> Result<(), Fault> {
        let request = pfs::AddFileSetRequest {
            commit: Some(commit.into()),
            file_set_id: file_set.0.clone(),
        };
        let Empty {} = self.ask(pachd::ADD_FILE_SET, request)?;
        Ok(())
    }

    fn finish_commit(&self, commit: &Commit, description: &str, error: Option<&str>) -> Result<(), Fault> {
        let request = messages::finish_commit(commit, description, error);
        let Empty {} = self.ask(pachd::FINISH_COMMIT, request)?;
        Ok(())
    }

    fn wait_commit(&self, commit: &Commit, timeout: Duration) -> Result<CommitInfo, Fault> {
        let call = pachd::INSPECT_COMMIT;
        let request = pfs::InspectCommitRequest {
            commit: Some(commit.into()),
            wait: pfs::CommitState::Finished.into(),
        };
        let answer = self.calls.ask(call, request, timeout);
        let answer: Option<pfs::CommitInfo> = answer.map_err(|failed| fault(call, failed))?;
        let info = answer
            .ok_or_else(|| pachd::unreached(call, format!("{commit} was not finished within {}", seconds(timeout))))?;
        self.read_commit(info, commit)
    }

    fn staging(&self) -> Result<&dyn StagingSink, Fault> {
        Ok(self)
    }

    fn routing(&self) -> Result<&dyn RoutingSink, Fault> {
        Ok(self)
    }

    /// pachd 2.12 also says yes when there is no such commit (gateway 011).
    fn drop_commit(&self, commit: &Commit) -> Result<(), Fault> {
        let request = pfs::CommitSetRequest {
            commit_set: Some(spoutctl_proto::pfs::CommitSet {
                id: commit.id.as_str().to_owned(),
            }),
        };
        let Empty {} = self.ask(pachd::DROP_COMMIT_SET, request)?;
        Ok(())
    }
}

impl FileSource for V2 {
    fn inspect_file(&self, commit: &Commit, path: &FilePath) -> Result<Option<FileInfo>, Fault> {
        if path.is_root() {
            // `InspectFile` reads the whole index for it, and finds none in an empty commit (gateway 012).
            return Ok(Some(FileInfo {
                kind: FileKind::Directory,
                size_bytes: self.inspect_commit(commit)?.size_bytes,
            }));
        }
        let call = pachd::INSPECT_FILE;
        let request = pfs::InspectFileRequest {
            file: Some(messages::file(commit, path.as_str().to_owned())),
        };
        let answer: Option<pfs::FileInfo> = unless_missing(self.ask(call, request), &[Missing::File])?;
        answer
            .map(|info| messages::file_info(&info).map_err(unreadable(call)))
            .transpose()
    }

    fn get_file<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault> {
        Ok(Box::new(self.content(pachd::GET_FILE, commit, pachd::glob_of(path))?))
    }

    fn get_file_tar<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault> {
        Ok(Box::new(self.content(
            pachd::GET_FILE_TAR,
            commit,
            pachd::glob_of_tree(path),
        )?))
    }

    fn diff_files(
        &self,
        new: &Commit,
        old: Option<&Commit>,
        visit: &mut dyn FnMut(FileChange) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let root = |commit| Some(messages::file(commit, "/".to_owned()));
        if let Some(old) = old {
            let request = pfs::DiffFileRequest {
                new_file: root(new),
                old_file: root(old),
                shallow: false,
            };
            self.show_changes(pachd::DIFF_FILE, request, messages::file_diff, visit)
        } else {
            let request = pfs::WalkFileRequest {
                file: root(new),
                ..pfs::WalkFileRequest::default()
            };
            self.show_changes(pachd::WALK_FILE, request, messages::walked, visit)
        }
    }
}
