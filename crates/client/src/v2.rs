//! Pachyderm 2.x, service `pfs_v2.API` and its neighbours: each of pachd's calls once, whichever the way there is.
//!
//! It knows nothing of connections, and nothing of how a message looks on its way. A sidecar has neither the admin nor
//! the version service and is asked for neither, but for who it is when a context says who it has to be. How releases
//! differ: [`Model`], and in the shape of answers `finding`.
//!
//! | module | holds |
//! |---|---|
//! | `messages` | requests and answers, from and into the domain's words |
//! | `finding` | which commit is meant, in 2.0 to 2.5 |
//! | `listing` | names of repos, branches and files |
//! | `pipelines` | pipelines, made from specs |
//! | `squashing` | commit sets, and what becomes of them |
//! | `staging` | branches that are moved, and commits that begin and end in a transaction |

mod finding;
mod listing;
mod messages;
mod pipelines;
mod squashing;
mod staging;
#[cfg(test)]
pub(crate) mod tests;

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use self::messages::FileSetChanges;
use crate::connection::token::Token;
use crate::pachd::unreadable::{Unreadable, unreadable};
use crate::pachd::{self, Call, CallFault, Expected, Identity, Login, Missing, Model, Pachd, unless_missing};
use crate::transport::{Answer, Arrival, Request, Transport, seconds};
use spoutctl_core::commit_set::SquashingSink;
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
use spoutctl_proto::version::Version;

/// Bytes of a file in one message, at first and at least. What takes less than the least takes nothing.
const LARGEST_PIECE: usize = MAX_CHUNK;
const SMALLEST_PIECE: usize = 16 << 10;
/// pachd takes at least so much a second; what it has taken beyond may lie in buffers when we have sent the last of it.
const BYTES_A_SECOND: u64 = 1 << 20;

/// A call's fault, with what was missing.
type Answered<A> = Result<A, CallFault>;

/// pachd 2.x.
#[derive(Debug)]
pub struct PachdV2<T> {
    transport: Arc<T>,
    /// Which deployment has to be there. It is asked before anything is done, once.
    expected: Option<Expected>,
    /// Set once the deployment was found to be the expected one.
    met: OnceLock<()>,
    /// Where it tells that: a sidecar does not.
    release: Option<Release>,
    model: OnceLock<Model>,
    /// Bytes of a file in one message: less than at first once that was refused.
    piece: AtomicUsize,
}

impl<T: Transport> PachdV2<T> {
    /// Whatever is behind a transport, of this release, or of one that was not told. Nothing is sent.
    pub fn behind(transport: Arc<T>, expected: Option<Expected>, release: Option<Release>) -> Self {
        // A door that only newer ones have says enough of what has to be minded.
        let at_least = (T::SINCE > Release::new(2, 0, 0)).then_some(T::SINCE);
        Self {
            transport,
            expected,
            met: OnceLock::new(),
            release: release.or(at_least),
            model: OnceLock::new(),
            piece: AtomicUsize::new(LARGEST_PIECE),
        }
    }

    /// The way to pachd, after it was looked whether it is the one that is meant.
    fn pachd(&self) -> Result<&T, Fault> {
        if let Some(expected) = &self.expected
            && self.met.get().is_none()
        {
            expected.check(&self.deployment()?)?;
            let _ = self.met.set(());
        }
        Ok(&self.transport)
    }

    /// What tells this deployment from others; empty where it does not say (a sidecar).
    fn deployment(&self) -> Result<String, Fault> {
        let request = InspectClusterRequest::default();
        let answer: Answered<ClusterInfo> = self.transport.ask(pachd::INSPECT_CLUSTER, request);
        match answer {
            Ok(cluster) => Ok(cluster.deployment_id),
            Err(failed) if failed.fault.is_passing() => Err(failed.fault),
            Err(_) => Ok(String::new()),
        }
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
        let opened = self.pachd()?.open(call, request);
        let Some(mut incoming) = unless_missing(opened, &[Missing::Branch])? else {
            return Ok(());
        };
        // A refusal may come in place of the first message.
        let mut next: Option<pfs::CommitInfo> = unless_missing(incoming.next(), &[Missing::Branch])?.flatten();
        while let Some(mut info) = next {
            let mut ahead = || incoming.next().map_err(Fault::from);
            let looked_ahead = messages::hides_aliases(&info).then(&mut ahead).transpose()?;
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
    fn show_changes<A: Answer>(
        &self,
        call: Call,
        request: impl Request,
        read: impl Fn(&A) -> Result<Option<FileChange>, Unreadable>,
        visit: &mut dyn FnMut(FileChange) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let mut incoming = self.pachd()?.open(call, request)?;
        while let Some(answer) = incoming.next()? {
            let change = read(&answer).map_err(unreadable(call))?;
            if change.is_some_and(|change| visit(change).is_break()) {
                break;
            }
        }
        Ok(())
    }

    fn content(&self, call: Call, commit: &Commit, path: String) -> Result<Box<dyn Read + Send + '_>, Fault> {
        let request = pfs::GetFileRequest {
            file: Some(messages::file(commit, path)),
            ..pfs::GetFileRequest::default()
        };
        Ok(self.pachd()?.read(call, request)?)
    }
}

impl<T: Transport> Pachd for PachdV2<T> {
    fn version(&self) -> Result<String, Fault> {
        let version: Version = self.transport.ask(pachd::GET_VERSION, Empty {})?;
        Ok(version.to_string())
    }

    fn sends_token_in_clear(&self) -> bool {
        self.transport.sends_token_in_clear()
    }

    fn who_am_i(&self) -> Result<Identity, Fault> {
        let answer: WhoAmIResponse = self.pachd()?.ask(pachd::WHO_AM_I, Empty {})?;
        let expires = answer.expiration.map(jiff::Timestamp::try_from).transpose();
        let expires = expires.map_err(|error| pachd::unreadable(pachd::WHO_AM_I, error.to_string()))?;
        Ok(Identity {
            name: answer.username,
            expires,
        })
    }

    fn oidc_login(&self) -> Result<Login, Fault> {
        let answer: GetOidcLoginResponse = self.pachd()?.ask(pachd::GET_OIDC_LOGIN, Empty {})?;
        Ok(Login {
            url: answer.login_url,
            state: answer.state,
        })
    }

    fn authenticate(&self, login: &Login, within: Duration) -> Result<Option<Token>, Fault> {
        let call = pachd::AUTHENTICATE;
        let request = AuthenticateRequest {
            oidc_state: login.state.clone(),
            ..AuthenticateRequest::default()
        };
        let answer: Option<AuthenticateResponse> = self.pachd()?.exchange(call, request, within, None)?;
        let token = answer.map(|answer| Token::new(&answer.pach_token)).transpose();
        token.map_err(|error| pachd::unreadable(call, error.to_string()))
    }
}

impl<T: Transport> CommitHistory for PachdV2<T> {
    fn repo_exists(&self, repo: &Repo) -> Result<bool, Fault> {
        self.check_project(repo)?;
        let request = pfs::InspectRepoRequest {
            repo: Some(repo.into()),
        };
        match self.pachd()?.ask(pachd::INSPECT_REPO, request) {
            Ok(Empty {}) => Ok(true),
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
        let answer: Option<pfs::BranchInfo> = unless_missing(self.pachd()?.ask(call, request), &[Missing::Branch])?;
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

impl<T: Transport> CommitFeed for PachdV2<T> {
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
        let mut subscription = self.pachd()?.listen(call, request)?;
        loop {
            let info = match subscription.next(TICK)? {
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

impl<T: Transport> CommitSink for PachdV2<T> {
    fn create_repo(&self, repo: &Repo) -> Result<(), Fault> {
        self.check_project(repo)?;
        let request = pfs::CreateRepoRequest {
            repo: Some(repo.into()),
            ..pfs::CreateRepoRequest::default()
        };
        let Empty {} = self.pachd()?.ask(pachd::CREATE_REPO, request)?;
        Ok(())
    }

    fn project_exists(&self, project: &ProjectName) -> Result<bool, Fault> {
        let request = pfs::InspectProjectRequest {
            project: Some(pfs::Project {
                name: project.to_string(),
            }),
        };
        match self.pachd()?.ask(pachd::INSPECT_PROJECT, request) {
            Ok(Empty {}) => Ok(true),
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
        let answer: Answered<ClusterInfo> = self
            .pachd()?
            .ask(pachd::INSPECT_CLUSTER, InspectClusterRequest::default());
        match answer {
            Ok(cluster) => Ok(Some(cluster.id).filter(|id| !id.is_empty())),
            Err(failed) if failed.fault.is_passing() => Err(failed.fault),
            // What does not say who it is cannot be mistaken for another: a sidecar.
            Err(_) => Ok(None),
        }
    }

    /// Without a token nobody is asked about: either there is no auth, or the next call says that a token is missing.
    fn missing_permissions(&self, repo: &Repo) -> Result<Vec<String>, Fault> {
        if !self.transport.has_token() {
            return Ok(Vec::new());
        }
        let request: AuthorizeRequest = messages::to_write(repo);
        let answer: Answered<AuthorizeResponse> = self.pachd()?.ask(pachd::AUTHORIZE, request);
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
        let pachd = self.pachd()?;
        let limit = pachd.times().call;
        let answer_limit = || limit + Duration::from_secs(sent.get() / BYTES_A_SECOND);
        match pachd.send(call, &mut next, &answer_limit) {
            Ok(answer) => messages::file_set(answer).map_err(unreadable(call)),
            Err(CallFault { fault, .. }) => {
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
        let Empty {} = self.pachd()?.ask(pachd::RENEW_FILE_SET, request)?;
        Ok(())
    }

    fn compose_file_set(&self, parts: &[FileSetId], ttl: Duration) -> Result<FileSetId, Fault> {
        let call = pachd::COMPOSE_FILE_SET;
        let request = pfs::ComposeFileSetRequest {
            file_set_ids: parts.iter().map(|part| part.0.clone()).collect(),
            ttl_seconds: messages::whole_seconds(ttl),
        };
        let answer: pfs::CreateFileSetResponse = self.pachd()?.ask(call, request)?;
        messages::file_set(answer).map_err(unreadable(call))
    }

    fn start_commit(&self, branch: &Branch, description: &str) -> Result<CommitId, Fault> {
        let call = pachd::START_COMMIT;
        let request = messages::start_commit(branch, description);
        let commit: pfs::Commit = self.pachd()?.ask(call, request)?;
        messages::commit_id(&commit).map_err(unreadable(call))
    }

    fn add_file_set(&self, commit: &Commit, file_set: &FileSetId) -> Result<(), Fault> {
        let request = pfs::AddFileSetRequest {
            commit: Some(commit.into()),
            file_set_id: file_set.0.clone(),
        };
        let Empty {} = self.pachd()?.ask(pachd::ADD_FILE_SET, request)?;
        Ok(())
    }

    fn finish_commit(&self, commit: &Commit, description: &str, error: Option<&str>) -> Result<(), Fault> {
        let request = messages::finish_commit(commit, description, error);
        let Empty {} = self.pachd()?.ask(pachd::FINISH_COMMIT, request)?;
        Ok(())
    }

    fn wait_commit(&self, commit: &Commit, timeout: Duration) -> Result<CommitInfo, Fault> {
        let call = pachd::INSPECT_COMMIT;
        let request = pfs::InspectCommitRequest {
            commit: Some(commit.into()),
            wait: pfs::CommitState::Finished.into(),
        };
        let answer: Option<pfs::CommitInfo> = self.pachd()?.exchange(call, request, timeout, None)?;
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

    fn squashing(&self) -> Result<&dyn SquashingSink, Fault> {
        Ok(self)
    }

    /// pachd 2.12 also says yes when there is no such commit (gateway 011).
    fn drop_commit(&self, commit: &Commit) -> Result<(), Fault> {
        let request = pfs::CommitSetRequest {
            commit_set: Some(pfs::CommitSet {
                id: commit.id.as_str().to_owned(),
            }),
        };
        let Empty {} = self.pachd()?.ask(pachd::DROP_COMMIT_SET, request)?;
        Ok(())
    }
}

impl<T: Transport> FileSource for PachdV2<T> {
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
        let answer: Option<pfs::FileInfo> = unless_missing(self.pachd()?.ask(call, request), &[Missing::File])?;
        answer
            .map(|info| messages::file_info(&info).map_err(unreadable(call)))
            .transpose()
    }

    fn get_file<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault> {
        self.content(pachd::GET_FILE, commit, pachd::glob_of(path))
    }

    fn get_file_tar<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault> {
        self.content(pachd::GET_FILE_TAR, commit, pachd::glob_of_tree(path))
    }

    /// Without an old side `DiffFile` compares with the parent (follow 013), be it errored or not, so the tree is
    /// walked then. With one, 2.12 compares any two commits.
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
