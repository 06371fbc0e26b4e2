//! pachd through its HTTP gateway, Pachyderm 2.8 and later: the ports `CommitHistory`, `CommitFeed`,
//! `CommitSink` and `FileSource`.
//!
//! An adapter: it translates calls into requests and answers into the domain's words. It knows no command line, no
//! environment and no terminal; address, token and times come as [`GatewayOptions`]. Proxies named by the environment are
//! not used. Which certificates `https://` trusts is the system's matter, unless the options name some.
//!
//! | module | holds |
//! |---|---|
//! | `client` | connections, times, TLS: the only user of the HTTP library |
//! | `wire` | pachd's messages in JSON |
//! | `upload` | the body of `CreateFileSet`, its back pressure and its end |
//! | `stream`, `reader` | server streams as messages, or as a file's bytes |
//! | `subscription` | a branch's commits as they come: the port `CommitFeed` |
//! | `error` | every known refusal and what it means, in one table |
//! | `address` | where the gateway is, and the token |
//!
//! The ports block. Inside, requests run on a small runtime that each [`Gateway`] owns, so its methods may be called from
//! any thread but those of an asynchronous runtime.

mod address;
mod client;
mod error;
mod reader;
mod staging;
mod stream;
mod subscription;
mod upload;
mod wire;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use self::client::{Client, Incoming};
use self::error::{CallFault, Missing};
use self::reader::{StreamReader, fault_of_stream};
use self::stream::Messages;
use crate::connection::proxy::Proxy;
use crate::connection::tls::Trust;
use crate::pachd::{self, Expected, Identity, Login, unless_missing};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::history::CommitHistory;
use spoutctl_core::pfs::{
    Branch, BranchInfo, BranchName, Commit, CommitId, CommitInfo, FileInfo, FileKind, FilePath, FileSetId,
    PipelineKind, ProjectName, Repo,
};
use spoutctl_core::pipelines::{Pipelines, Running, Submission, Verdict};
use spoutctl_core::sink::{Changes, CommitSink, RoutingSink, StagingSink};
use spoutctl_core::source::{FileChange, FileSource};

pub use self::address::Address;
pub use crate::connection::token::{InvalidToken, Token};

/// Why there is no [`Gateway`].
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("the address of pachd cannot be used: {why}")]
    Address { why: String },
    #[error(transparent)]
    Token(#[from] InvalidToken),
    #[error("the certificates that this system trusts cannot be read: {why}")]
    Certificates { why: String },
    #[error("the HTTP client cannot be set up: {why}")]
    Setup { why: String },
}

impl GatewayError {
    /// What to do next.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Address { .. } => {
                Some("an address looks like https://pachd.example.com or http://localhost:30650".into())
            }
            Self::Token { .. } => Some("pass the token alone, without quotes and without a newline".into()),
            Self::Certificates { .. } => {
                Some("install the system's certificates (often the package ca-certificates)".into())
            }
            Self::Setup { .. } => None,
        }
    }
}

/// Where a gateway is and how it is talked to.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    pub address: Address,
    pub token: Option<Token>,
    /// Who stands between.
    pub proxy: Option<Proxy>,
    /// Who is trusted to be there, for `https://`.
    pub trust: Trust,
    /// Which deployment has to be there. It is asked before anything else, once.
    pub expected: Option<Expected>,
    /// For one connection, its name's look-up and TLS included.
    pub connect_timeout: Duration,
    /// For one call that is no stream, from request to answer.
    pub call_timeout: Duration,
    /// How long a stream, up or down, may make no progress.
    pub idle_timeout: Duration,
    pub user_agent: String,
}

impl GatewayOptions {
    /// No token, and times that suit a cluster: 10 s to connect, 60 s for a call, 60 s of silence on a stream.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self {
            address,
            token: None,
            trust: Trust::System,
            proxy: None,
            expected: None,
            connect_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_mins(1),
            idle_timeout: Duration::from_mins(1),
            user_agent: concat!("spoutctl/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// pachd behind one address. Nothing is sent before the first call.
#[derive(Debug)]
pub struct Gateway {
    client: Client,
    has_token: bool,
    expected: Option<Expected>,
    /// Set once the deployment was found to be the expected one.
    met: OnceLock<()>,
}

impl Gateway {
    /// # Errors
    /// When the HTTP client cannot be set up: for `https://`, when the system's certificates cannot be read.
    pub fn new(options: GatewayOptions) -> Result<Self, GatewayError> {
        Ok(Self {
            has_token: options.token.is_some(),
            expected: options.expected.clone(),
            met: OnceLock::new(),
            client: Client::new(options)?,
        })
    }

    #[must_use]
    pub fn address(&self) -> &Address {
        self.client.address()
    }

    /// Whether everybody between here and pachd can read the token.
    #[must_use]
    pub fn sends_token_in_clear(&self) -> bool {
        self.has_token && !self.address().is_https() && !self.address().is_loopback()
    }

    /// The way to pachd, after it was looked whether it is the one that is meant.
    fn pachd(&self) -> Result<&Client, Fault> {
        if let Some(expected) = &self.expected
            && self.met.get().is_none()
        {
            let answer: Result<wire::Cluster, CallFault> = self.client.ask(error::INSPECT_CLUSTER, &wire::Nothing {});
            match answer {
                Ok(cluster) => expected.check(&cluster.deployment_id)?,
                Err(failed) if failed.fault.is_passing() => return Err(failed.fault),
                Err(_) => {}
            }
            let _ = self.met.set(());
        }
        Ok(&self.client)
    }

    /// Asks for the server's version, which needs no token: `2.12.0`.
    ///
    /// # Errors
    /// Any [`Fault`]; `Refused` when something else than a gateway answers.
    pub fn probe(&self) -> Result<String, Fault> {
        let version: wire::Version = self.client.ask(error::GET_VERSION, &wire::Nothing {})?;
        Ok(version.to_string())
    }

    fn ask_about_a_spec(&self, call: error::Call, request: &wire::SpecRequest<'_>) -> Result<Verdict, Fault> {
        let answer: Result<wire::EffectivePipeline, CallFault> = self.pachd()?.ask(call, request);
        match answer {
            Ok(effective) => Ok(Ok(effective.effective_create_pipeline_request_json)),
            Err(failed) if failed.is_about_a_spec() => Ok(Err(failed.fault.message)),
            Err(failed) => Err(failed.fault),
        }
    }

    /// Asks whom pachd takes us for.
    ///
    /// # Errors
    /// `Denied` without a token that is good; `Refused` where auth is not activated.
    pub fn who_am_i(&self) -> Result<Identity, Fault> {
        let call = pachd::WHO_AM_I;
        let answer: wire::WhoAmI = self.pachd()?.ask(call, &wire::Nothing {})?;
        answer.read().map_err(unreadable(call))
    }

    /// Asks where somebody logs in.
    ///
    /// # Errors
    /// `Refused` where nobody can: auth is not activated, or no identity provider is configured.
    pub fn oidc_login(&self) -> Result<Login, Fault> {
        let answer: wire::OidcLogin = self.pachd()?.ask(pachd::GET_OIDC_LOGIN, &wire::Nothing {})?;
        Ok(Login {
            url: answer.login_url,
            state: answer.state,
        })
    }

    /// Waits until somebody has logged in; `None` when nobody has `within` that time.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub fn authenticate(&self, login: &Login, within: Duration) -> Result<Option<Token>, Fault> {
        let call = pachd::AUTHENTICATE;
        let request = wire::Authenticate {
            oidc_state: &login.state,
        };
        let answer: Option<wire::Authenticated> = self.pachd()?.ask_within(within, call, &request)?;
        let token = answer.map(|answer| Token::new(&answer.pach_token)).transpose();
        token.map_err(|error| pachd::unreadable(call, error.to_string()))
    }

    /// Lists a commit and its ancestors: with `to` pachd walks along the parents (follow 006), without it lists the whole
    /// repo.
    fn open_line(&self, repo: &Repo, to: wire::Commit<'_>) -> Result<Incoming<'_>, CallFault> {
        let request = wire::ListCommit { repo: repo.into(), to };
        self.pachd()?.open(error::LIST_COMMIT, &request)
    }

    fn stream_file(&self, call: error::Call, commit: &Commit, path: String) -> Result<StreamReader<'_>, Fault> {
        let request = wire::FileRequest {
            file: wire::File {
                commit: commit.into(),
                path,
            },
        };
        Ok(StreamReader::new(self.pachd()?.open(call, &request)?))
    }

    fn show_changes<T: DeserializeOwned + Into<wire::FileDiff>>(
        &self,
        call: error::Call,
        request: &impl Serialize,
        visit: &mut dyn FnMut(FileChange) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let mut incoming = self.pachd()?.open(call, request)?;
        read_messages(&mut incoming, &mut |told: T| {
            let change = told.into().read().map_err(unreadable(call))?;
            Ok(change.map_or(ControlFlow::Continue(()), &mut *visit))
        })
    }
}

fn unreadable(call: error::Call) -> impl Fn(wire::Unreadable) -> Fault {
    move |e| error::unreadable(call, e.to_string())
}

impl CommitHistory for Gateway {
    fn repo_exists(&self, repo: &Repo) -> Result<bool, Fault> {
        let request = wire::RepoRequest { repo: repo.into() };
        let answer: Result<wire::Present, _> = self.pachd()?.ask(error::INSPECT_REPO, &request);
        match answer {
            Ok(_) => Ok(true),
            Err(failed) if failed.fault.kind == FaultKind::NotFound => Ok(false),
            Err(failed) => Err(failed.fault),
        }
    }

    fn inspect_branch(&self, branch: &Branch) -> Result<Option<BranchInfo>, Fault> {
        let call = error::INSPECT_BRANCH;
        let request = wire::BranchRequest { branch: branch.into() };
        let answer: Option<wire::BranchInfo> = unless_missing(self.pachd()?.ask(call, &request), &[Missing::Branch])?;
        answer
            .map(|info| info.read(branch).map_err(unreadable(call)))
            .transpose()
    }

    fn inspect_commit(&self, commit: &Commit) -> Result<CommitInfo, Fault> {
        let call = error::INSPECT_COMMIT;
        let request = wire::InspectCommit {
            commit: commit.into(),
            wait: None,
        };
        let info: wire::CommitInfo = self.pachd()?.ask(call, &request)?;
        info.read(&commit.repo, &commit.branch).map_err(unreadable(call))
    }

    fn list_commits(&self, branch: &Branch, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        let head = wire::Commit::head_of(branch);
        let opened = self.open_line(&branch.repo, head);
        match unless_missing(opened, &[Missing::Branch])? {
            Some(incoming) => read_line(incoming, &branch.repo, &branch.name, visit),
            None => Ok(()),
        }
    }
}

/// Shows the commits of a listing.
fn read_line(
    mut incoming: Incoming<'_>,
    repo: &Repo,
    branch: &BranchName,
    visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>,
) -> Result<(), Fault> {
    let call = incoming.call();
    let mut show = |info: wire::CommitInfo| Ok(visit(info.read(repo, branch).map_err(unreadable(call))?));
    read_messages(&mut incoming, &mut show)
}

/// Shows a stream's messages until it ends or `show` breaks.
fn read_messages<T: DeserializeOwned>(
    incoming: &mut Incoming<'_>,
    show: &mut dyn FnMut(T) -> Result<ControlFlow<()>, Fault>,
) -> Result<(), Fault> {
    let call = incoming.call();
    let mut messages = Messages::default();
    while let Some(piece) = incoming.next()? {
        messages.push(&piece);
        while let Some(message) = messages.next().map_err(|e| fault_of_stream(call, e))? {
            if show(message)?.is_break() {
                return Ok(());
            }
        }
    }
    if let Some(message) = messages.finish().map_err(|e| fault_of_stream(call, e))? {
        let _ = show(message)?;
    }
    Ok(())
}

impl Pipelines for Gateway {
    fn try_pipeline(&self, spec: &str) -> Result<Verdict, Fault> {
        let request = wire::SpecRequest {
            create_pipeline_request_json: spec,
            dry_run: true,
            update: false,
            reprocess: false,
        };
        self.ask_about_a_spec(error::TRY_PIPELINE, &request)
    }

    fn submit_pipeline(&self, spec: &str, how: Submission) -> Result<Verdict, Fault> {
        let request = wire::SpecRequest {
            create_pipeline_request_json: spec,
            dry_run: false,
            update: how.update,
            reprocess: how.reprocess,
        };
        self.ask_about_a_spec(error::CREATE_PIPELINE, &request)
    }

    fn find_pipeline(&self, pipeline: &Repo) -> Result<Option<Running>, Fault> {
        let request = wire::InspectPipeline::from(pipeline);
        let answer: Result<wire::PipelineInfo, _> = self.client.ask(error::INSPECT_PIPELINE, &request);
        match answer {
            Ok(info) => Ok(Some(info.running())),
            Err(failed) if failed.fault.kind == FaultKind::NotFound => Ok(None),
            Err(failed) => Err(failed.fault),
        }
    }

    /// The spec with the defaults filled in says it; where there is a gateway, that is told.
    fn output_branch(&self, pipeline: &Repo) -> Result<Option<BranchName>, Fault> {
        let Some(running) = self.find_pipeline(pipeline)? else {
            return Ok(None);
        };
        let spec: Option<serde_json::Value> = serde_json::from_str(&running.effective).ok();
        let name = spec.as_ref().and_then(|spec| spec.get("outputBranch")?.as_str());
        Ok(name.and_then(|name| BranchName::new(name).ok()))
    }

    fn stop_pipeline(&self, pipeline: &Repo) -> Result<(), Fault> {
        let request = wire::StopPipeline::from(pipeline);
        let wire::Present {} = self.pachd()?.ask(pachd::STOP_PIPELINE, &request)?;
        Ok(())
    }

    fn start_pipeline(&self, pipeline: &Repo) -> Result<(), Fault> {
        let request = wire::InspectPipeline::from(pipeline);
        let wire::Present {} = self.pachd()?.ask(pachd::START_PIPELINE, &request)?;
        Ok(())
    }
}

impl CommitSink for Gateway {
    fn create_repo(&self, repo: &Repo) -> Result<(), Fault> {
        let request = wire::RepoRequest { repo: repo.into() };
        let wire::Present {} = self.pachd()?.ask(error::CREATE_REPO, &request)?;
        Ok(())
    }

    fn project_exists(&self, project: &ProjectName) -> Result<bool, Fault> {
        let request = wire::InspectProject::from(project);
        let answer: Result<wire::Present, _> = self.pachd()?.ask(error::INSPECT_PROJECT, &request);
        answer.map_or_else(pachd::project_is_there, |_| Ok(true))
    }

    fn pipeline_kind(&self, repo: &Repo) -> Result<Option<PipelineKind>, Fault> {
        let request = wire::InspectPipeline::from(repo);
        let answer: Result<wire::PipelineInfo, _> = self.pachd()?.ask(error::INSPECT_PIPELINE, &request);
        match answer {
            Ok(info) => Ok(Some(info.kind())),
            Err(failed) if failed.fault.kind == FaultKind::NotFound => Ok(None),
            Err(failed) => Err(failed.fault),
        }
    }

    /// The id that a cluster gets when it is made (recording http 003); it needs no token.
    fn cluster(&self) -> Result<Option<String>, Fault> {
        let answer: Result<wire::Cluster, CallFault> = self.pachd()?.ask(error::INSPECT_CLUSTER, &wire::Nothing {});
        match answer {
            Ok(cluster) => Ok(Some(cluster.id).filter(|id| !id.is_empty())),
            Err(failed) if failed.fault.is_passing() => Err(failed.fault),
            // What does not say who it is cannot be mistaken for another.
            Err(_) => Ok(None),
        }
    }

    /// Without a token nobody is asked about: either there is no auth, or the next call says that a token is missing.
    fn missing_permissions(&self, repo: &Repo) -> Result<Vec<String>, Fault> {
        if !self.has_token {
            return Ok(Vec::new());
        }
        let answer: Result<wire::Authorization, CallFault> =
            self.pachd()?.ask(error::AUTHORIZE, &wire::Authorize::to_write(repo));
        match answer {
            Ok(authorization) => Ok(authorization.missing),
            // Auth is not activated (http 005), or pachd is one that does not know the call.
            Err(failed) if failed.fault.kind == FaultKind::Refused => Ok(Vec::new()),
            Err(failed) => Err(failed.fault),
        }
    }

    fn create_file_set(&self, changes: &mut dyn Changes) -> Result<FileSetId, Fault> {
        upload::create_file_set(self.pachd()?, changes)
    }

    fn renew_file_set(&self, file_set: &FileSetId, ttl: Duration) -> Result<(), Fault> {
        let request = wire::RenewFileSet {
            file_set_id: &file_set.0,
            ttl_seconds: wire::Text(ttl.as_secs()),
        };
        let wire::Present {} = self.pachd()?.ask(error::RENEW_FILE_SET, &request)?;
        Ok(())
    }

    fn compose_file_set(&self, parts: &[FileSetId], ttl: Duration) -> Result<FileSetId, Fault> {
        let call = error::COMPOSE_FILE_SET;
        let request = wire::ComposeFileSet {
            file_set_ids: parts.iter().map(|part| part.0.as_str()).collect(),
            ttl_seconds: wire::Text(ttl.as_secs()),
        };
        let answer: wire::FileSetAnswer = self.pachd()?.ask(call, &request)?;
        answer.id().map_err(unreadable(call))
    }

    fn start_commit(&self, branch: &Branch, description: &str) -> Result<CommitId, Fault> {
        let call = error::START_COMMIT;
        let request = wire::StartCommit::new(branch, description);
        let answer: wire::CommitAnswer = self.pachd()?.ask(call, &request)?;
        answer.id().map_err(unreadable(call))
    }

    fn add_file_set(&self, commit: &Commit, file_set: &FileSetId) -> Result<(), Fault> {
        let request = wire::AddFileSet {
            commit: commit.into(),
            file_set_id: &file_set.0,
        };
        let wire::Present {} = self.pachd()?.ask(error::ADD_FILE_SET, &request)?;
        Ok(())
    }

    fn finish_commit(&self, commit: &Commit, description: &str, error: Option<&str>) -> Result<(), Fault> {
        let request = wire::FinishCommit::new(commit, description, error);
        let wire::Present {} = self.pachd()?.ask(error::FINISH_COMMIT, &request)?;
        Ok(())
    }

    fn wait_commit(&self, commit: &Commit, timeout: Duration) -> Result<CommitInfo, Fault> {
        let call = error::INSPECT_COMMIT;
        let request = wire::InspectCommit {
            commit: commit.into(),
            wait: Some("FINISHED"),
        };
        let answer: Option<wire::CommitInfo> = self.pachd()?.ask_within(timeout, call, &request)?;
        let info = answer.ok_or_else(|| {
            error::unreached(
                call,
                format!("{commit} was not finished within {}", client::seconds(timeout)),
            )
        })?;
        info.read(&commit.repo, &commit.branch).map_err(unreadable(call))
    }

    fn staging(&self) -> Result<&dyn StagingSink, Fault> {
        Ok(self)
    }

    fn routing(&self) -> Result<&dyn RoutingSink, Fault> {
        Ok(self)
    }

    /// pachd 2.12 also says yes when there is no such commit (gateway 011).
    fn drop_commit(&self, commit: &Commit) -> Result<(), Fault> {
        let request = wire::DropCommitSet::from(&commit.id);
        let wire::Present {} = self.pachd()?.ask(error::DROP_COMMIT_SET, &request)?;
        Ok(())
    }
}

impl FileSource for Gateway {
    fn inspect_file(&self, commit: &Commit, path: &FilePath) -> Result<Option<FileInfo>, Fault> {
        if path.is_root() {
            // `InspectFile` reads the whole index for it, and finds none in an empty commit (gateway 012).
            return Ok(Some(FileInfo {
                kind: FileKind::Directory,
                size_bytes: self.inspect_commit(commit)?.size_bytes,
            }));
        }
        let call = error::INSPECT_FILE;
        let request = wire::FileRequest {
            file: wire::File {
                commit: commit.into(),
                path: path.as_str().to_owned(),
            },
        };
        let answer: Option<wire::FileInfo> = unless_missing(self.pachd()?.ask(call, &request), &[Missing::File])?;
        answer.map(|info| info.read().map_err(unreadable(call))).transpose()
    }

    fn get_file<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault> {
        let reader = self.stream_file(error::GET_FILE, commit, pachd::glob_of(path))?;
        Ok(Box::new(reader))
    }

    fn get_file_tar<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault> {
        let reader = self.stream_file(error::GET_FILE_TAR, commit, pachd::glob_of_tree(path))?;
        Ok(Box::new(reader))
    }

    /// Without an old side `DiffFile` compares with the parent (follow 013), be it errored or not, so the tree is walked
    /// then. With one, 2.12 compares any two commits.
    fn diff_files(
        &self,
        new: &Commit,
        old: Option<&Commit>,
        visit: &mut dyn FnMut(FileChange) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let root = |commit| wire::File {
            commit: wire::Commit::from(commit),
            path: FilePath::root().to_string(),
        };
        if let Some(old) = old {
            let request = wire::DiffFile {
                new_file: root(new),
                old_file: root(old),
            };
            self.show_changes::<wire::FileDiff>(error::DIFF_FILE, &request, visit)
        } else {
            let request = wire::FileRequest { file: root(new) };
            self.show_changes::<wire::FileInfo>(error::WALK_FILE, &request, visit)
        }
    }
}
