//! pachd through gRPC, every Pachyderm since 1.12: the ports `CommitHistory`, `CommitSink`, `CommitFeed` and
//! `FileSource`.
//!
//! An adapter: it translates calls into messages and answers into the domain's words. It knows no command line, no
//! environment and no terminal; address, token and times come as [`GrpcOptions`]. Proxies named by the environment are not
//! used. Which certificates `grpcs://` trusts is the system's matter, unless the options name some.
//!
//! | module | holds |
//! |---|---|
//! | `calls` | one connection and the calls over it: the only user of the gRPC library |
//! | `v2` | Pachyderm 2.x, service `pfs_v2.API` |
//! | `v1` | Pachyderm 1.12 and 1.13, service `pfs.API` |
//! | `address` | where pachd's gRPC is |
//!
//! **Which of the two it is** is asked when it is first needed, once: `GetVersion`, in 2.x of `versionpb_v2.API`. A sidecar
//! has no such service (recordings grpc-2.12-sidecar); it is known then by whether it has `pfs_v2.API`, whose calls a 1.x
//! answers with Unimplemented (grpc-1.13 044, 045). A server that cannot be reached has said nothing. What the release means
//! is [`pachd::Model`](crate::pachd::Model)'s matter.
//!
//! The ports block. Inside, calls run on a small runtime that each [`Grpc`] owns, so its methods may be called from any
//! thread but those of an asynchronous runtime.

mod address;
mod calls;
mod v1;
mod v2;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use self::calls::{Calls, Failed};
use self::v1::V1;
use self::v2::V2;
use crate::connection::proxy::Proxy;
use crate::connection::tls::Trust;
use crate::connection::token::{InvalidToken, Token};
use crate::pachd::{Call, CallFault, Expected, Identity, Login};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::feed::CommitFeed;
use spoutctl_core::history::CommitHistory;
use spoutctl_core::pfs::{
    Branch, BranchInfo, BranchName, Commit, CommitId, CommitInfo, DEFAULT_PROJECT, FileInfo, FilePath, FileSetId,
    PipelineKind, ProjectName, Repo,
};
use spoutctl_core::pipelines::{Pipelines, Running, Submission, Verdict};
use spoutctl_core::release::Release;
use spoutctl_core::sink::{Changes, CommitSink, RoutingSink, StagingSink};
use spoutctl_core::source::{FileChange, FileSource};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs::{self, InspectRepoRequest, RepoInfo};
use spoutctl_proto::version::Version;

pub use self::address::Address;
pub use self::calls::Times;
use self::calls::Way;

/// Why there is no [`Grpc`].
#[derive(Debug, thiserror::Error)]
pub enum GrpcError {
    #[error("the address of pachd cannot be used: {why}")]
    Address { why: String },
    #[error(transparent)]
    Token(#[from] InvalidToken),
    #[error("the certificates that this system trusts cannot be read: {why}")]
    Certificates { why: String },
    #[error("the gRPC client cannot be set up: {why}")]
    Setup { why: String },
}

impl GrpcError {
    /// What to do next.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Address { .. } => {
                Some("an address looks like grpcs://pachd.example.com or grpc://localhost:30650".into())
            }
            Self::Token(_) => Some("pass the token alone, without quotes and without a newline".into()),
            Self::Certificates { .. } => {
                Some("install the system's certificates (often the package ca-certificates)".into())
            }
            Self::Setup { .. } => None,
        }
    }
}

/// Where pachd is and how it is talked to.
#[derive(Debug, Clone)]
pub struct GrpcOptions {
    pub address: Address,
    pub token: Option<Token>,
    /// Who stands between.
    pub proxy: Option<Proxy>,
    /// Who is trusted to be there, for `grpcs://`.
    pub trust: Trust,
    /// Which deployment has to be there. It is asked before anything is done, once.
    pub expected: Option<Expected>,
    pub times: Times,
}

impl GrpcOptions {
    /// No token, and times that suit a cluster.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self {
            address,
            token: None,
            proxy: None,
            trust: Trust::System,
            expected: None,
            times: Times::default(),
        }
    }
}

const GET_VERSION: Call = Call::reads("versionpb_v2.API", "GetVersion");
const INSPECT_REPO: Call = Call::reads("pfs_v2.API", "InspectRepo");

/// pachd behind one address. Nothing is sent before the first call.
#[derive(Debug)]
pub struct Grpc {
    calls: Arc<Calls>,
    expected: Option<Expected>,
    found: OnceLock<Found>,
}

/// Which pachd it is.
#[derive(Debug)]
enum Found {
    V1(V1),
    V2(V2),
}

/// Which of the two it is, before it was asked anything else.
enum Generation {
    One,
    /// With its release, where it tells that.
    Two(Option<Release>),
}

/// `None` of one that does not say: a build of somebody's own has 0.0.0.
fn release(version: &Version) -> Option<Release> {
    let release = Release::new(version.major, version.minor, version.micro);
    (release.major >= 2).then_some(release)
}

impl Grpc {
    /// # Errors
    /// When the client cannot be set up: for `grpcs://`, when the system's certificates cannot be read.
    pub fn new(options: GrpcOptions) -> Result<Self, GrpcError> {
        let way = Way {
            address: options.address,
            proxy: options.proxy,
            trust: options.trust,
        };
        let calls = Calls::new(way, options.token.as_ref(), options.times)?;
        Ok(Self {
            calls: Arc::new(calls),
            expected: options.expected,
            found: OnceLock::new(),
        })
    }

    /// Whether everybody between here and pachd can read the token.
    #[must_use]
    pub fn sends_token_in_clear(&self) -> bool {
        let address = self.calls.address();
        self.calls.has_token() && !address.is_tls() && !address.is_loopback()
    }

    fn pachd(&self) -> Result<&Found, Fault> {
        if let Some(found) = self.found.get() {
            return Ok(found);
        }
        let calls = Arc::clone(&self.calls);
        let found = match self.generation()? {
            Generation::One => Found::V1(V1::new(calls)),
            Generation::Two(release) => {
                let pachd = V2::new(calls, release);
                if let Some(expected) = &self.expected {
                    expected.check(&pachd.deployment()?)?;
                }
                Found::V2(pachd)
            }
        };
        // Of two that ask at the same time both learn the same.
        Ok(self.found.get_or_init(|| found))
    }

    fn generation(&self) -> Result<Generation, Fault> {
        let limit = self.calls.times.call;
        match self.calls.ask::<_, Version>(GET_VERSION, Empty {}, limit) {
            Err(Failed::Said(tonic::Code::Unimplemented, _)) if self.has_pfs_2()? => Ok(Generation::Two(None)),
            Err(Failed::Said(tonic::Code::Unimplemented, _)) => Ok(Generation::One),
            Err(failed) => Err(v2::fault(GET_VERSION, failed).fault),
            Ok(None) => Err(crate::pachd::lost(
                GET_VERSION,
                format!("no answer within {}", calls::seconds(limit)),
            )),
            Ok(Some(Version { major: 1, .. })) => Ok(Generation::One),
            Ok(Some(version)) => Ok(Generation::Two(release(&version))),
        }
    }

    /// Whether the repo exists does not matter. One is named all the same, as in every request.
    fn has_pfs_2(&self) -> Result<bool, Fault> {
        let some = InspectRepoRequest {
            repo: Some(pfs::Repo {
                name: "spoutctl".to_owned(),
                r#type: pfs::USER.to_owned(),
                project: Some(pfs::Project {
                    name: DEFAULT_PROJECT.to_owned(),
                }),
            }),
        };
        let no_answer = format!("no answer within {}", calls::seconds(self.calls.times.call));
        match self.calls.ask::<_, RepoInfo>(INSPECT_REPO, some, self.calls.times.call) {
            Err(Failed::Said(tonic::Code::Unimplemented, text)) => self.has_pfs_1(&text),
            // What stands between may say anything else.
            Err(Failed::Said(
                tonic::Code::Unknown
                | tonic::Code::InvalidArgument
                | tonic::Code::NotFound
                | tonic::Code::Unauthenticated
                | tonic::Code::PermissionDenied,
                _,
            ))
            | Ok(Some(_)) => Ok(true),
            Ok(None) => Err(crate::pachd::lost(INSPECT_REPO, no_answer)),
            Err(failed) => Err(v2::fault(INSPECT_REPO, failed).fault),
        }
    }

    /// A proxy whose server is not up yet may know no service at all: that is no 1.x, and nothing to be remembered.
    fn has_pfs_1(&self, said: &str) -> Result<bool, Fault> {
        let call = v1::INSPECT_REPO;
        let some = spoutctl_proto::v1::InspectRepoRequest {
            repo: Some(spoutctl_proto::v1::Repo {
                name: "spoutctl".to_owned(),
            }),
        };
        match self.calls.ask::<_, Empty>(call, some, self.calls.times.call) {
            Err(Failed::Said(tonic::Code::Unimplemented, _)) => Err(Fault::new(
                FaultKind::Unrecognised,
                format!("what answers there knows neither pfs_v2.API nor pfs.API ({said})"),
            )),
            Err(Failed::Said(..)) | Ok(Some(_)) => Ok(false),
            Ok(None) => Err(crate::pachd::lost(
                call,
                format!("no answer within {}", calls::seconds(self.calls.times.call)),
            )),
            Err(failed) => Err(v2::fault(call, failed).fault),
        }
    }

    fn sink(&self) -> Result<&dyn CommitSink, Fault> {
        Ok(match self.pachd()? {
            Found::V1(pachd) => pachd,
            Found::V2(pachd) => pachd,
        })
    }

    fn files(&self) -> Result<&dyn FileSource, Fault> {
        Ok(match self.pachd()? {
            Found::V1(pachd) => pachd,
            Found::V2(pachd) => pachd,
        })
    }

    fn feed(&self) -> Result<&dyn CommitFeed, Fault> {
        Ok(match self.pachd()? {
            Found::V1(pachd) => pachd,
            Found::V2(pachd) => pachd,
        })
    }

    fn pipelines(&self) -> Result<&dyn Pipelines, Fault> {
        match self.pachd()? {
            Found::V2(pachd) => Ok(pachd),
            Found::V1(_) => Err(Fault::new(
                FaultKind::Refused,
                "CreatePipelineV2: not supported on Pachyderm 1.x",
            )),
        }
    }
}

impl Pipelines for Grpc {
    fn try_pipeline(&self, spec: &str) -> Result<Verdict, Fault> {
        self.pipelines()?.try_pipeline(spec)
    }

    fn submit_pipeline(&self, spec: &str, how: Submission) -> Result<Verdict, Fault> {
        self.pipelines()?.submit_pipeline(spec, how)
    }

    fn find_pipeline(&self, pipeline: &Repo) -> Result<Option<Running>, Fault> {
        self.pipelines()?.find_pipeline(pipeline)
    }

    fn output_branch(&self, pipeline: &Repo) -> Result<Option<BranchName>, Fault> {
        match self.pachd()? {
            Found::V1(pachd) => pachd.output_branch(pipeline),
            Found::V2(pachd) => pachd.output_branch(pipeline),
        }
    }

    fn stop_pipeline(&self, pipeline: &Repo) -> Result<(), Fault> {
        self.pipelines()?.stop_pipeline(pipeline)
    }

    fn start_pipeline(&self, pipeline: &Repo) -> Result<(), Fault> {
        self.pipelines()?.start_pipeline(pipeline)
    }
}

impl Grpc {
    fn v2(&self, call: Call) -> Result<&V2, Fault> {
        match self.pachd()? {
            Found::V2(pachd) => Ok(pachd),
            Found::V1(_) => Err(crate::pachd::refused(call, "not supported on Pachyderm 1.x")),
        }
    }

    /// Which pachd it is: `2.12.0`, or `1.x`, which does not say more to who asks as 2.x is asked.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub fn version(&self) -> Result<String, Fault> {
        let limit = self.calls.times.call;
        if let Ok(Some(version)) = self.calls.ask::<_, Version>(GET_VERSION, Empty {}, limit) {
            let Version {
                major,
                minor,
                micro,
                additional,
                ..
            } = version;
            return Ok(format!("{major}.{minor}.{micro}{additional}"));
        }
        // A sidecar has no such call, and neither has 1.x.
        Ok(match self.generation()? {
            Generation::One => "1.x",
            Generation::Two(_) => "2.x",
        }
        .to_owned())
    }

    /// Asks whom pachd takes us for.
    ///
    /// # Errors
    /// `Denied` without a token that is good; `Refused` where auth is not activated.
    pub fn who_am_i(&self) -> Result<Identity, Fault> {
        self.v2(crate::pachd::WHO_AM_I)?.who_am_i()
    }

    /// Asks where somebody logs in.
    ///
    /// # Errors
    /// `Refused` where nobody can: auth is not activated, or no identity provider is configured.
    pub fn oidc_login(&self) -> Result<Login, Fault> {
        self.v2(crate::pachd::GET_OIDC_LOGIN)?.oidc_login()
    }

    /// Waits until somebody has logged in; `None` when nobody has `within` that time.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub fn authenticate(&self, login: &Login, within: Duration) -> Result<Option<Token>, Fault> {
        self.v2(crate::pachd::AUTHENTICATE)?.authenticate(login, within)
    }
}

impl CommitHistory for Grpc {
    fn repo_exists(&self, repo: &Repo) -> Result<bool, Fault> {
        self.sink()?.repo_exists(repo)
    }

    fn inspect_branch(&self, branch: &Branch) -> Result<Option<BranchInfo>, Fault> {
        self.sink()?.inspect_branch(branch)
    }

    fn inspect_commit(&self, commit: &Commit) -> Result<CommitInfo, Fault> {
        self.sink()?.inspect_commit(commit)
    }

    fn find_commit(&self, repo: &Repo, id: &CommitId) -> Result<CommitInfo, Fault> {
        self.sink()?.find_commit(repo, id)
    }

    fn list_commits(&self, branch: &Branch, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        self.sink()?.list_commits(branch, visit)
    }
}

impl CommitSink for Grpc {
    fn create_repo(&self, repo: &Repo) -> Result<(), Fault> {
        self.sink()?.create_repo(repo)
    }

    fn project_exists(&self, project: &ProjectName) -> Result<bool, Fault> {
        self.sink()?.project_exists(project)
    }

    fn pipeline_kind(&self, repo: &Repo) -> Result<Option<PipelineKind>, Fault> {
        self.sink()?.pipeline_kind(repo)
    }

    fn cluster(&self) -> Result<Option<String>, Fault> {
        self.sink()?.cluster()
    }

    fn missing_permissions(&self, repo: &Repo) -> Result<Vec<String>, Fault> {
        self.sink()?.missing_permissions(repo)
    }

    fn has_file_sets(&self) -> Result<bool, Fault> {
        self.sink()?.has_file_sets()
    }

    fn check_paths(&self, branch: &Branch, paths: &[&str]) -> Result<(), Fault> {
        self.sink()?.check_paths(branch, paths)
    }

    fn put_file(&self, commit: &Commit, changes: &mut dyn Changes) -> Result<(), Fault> {
        self.sink()?.put_file(commit, changes)
    }

    fn create_file_set(&self, changes: &mut dyn Changes) -> Result<FileSetId, Fault> {
        self.sink()?.create_file_set(changes)
    }

    fn renew_file_set(&self, file_set: &FileSetId, ttl: Duration) -> Result<(), Fault> {
        self.sink()?.renew_file_set(file_set, ttl)
    }

    fn compose_file_set(&self, parts: &[FileSetId], ttl: Duration) -> Result<FileSetId, Fault> {
        self.sink()?.compose_file_set(parts, ttl)
    }

    fn start_commit(&self, branch: &Branch, description: &str) -> Result<CommitId, Fault> {
        self.sink()?.start_commit(branch, description)
    }

    fn add_file_set(&self, commit: &Commit, file_set: &FileSetId) -> Result<(), Fault> {
        self.sink()?.add_file_set(commit, file_set)
    }

    fn finish_commit(&self, commit: &Commit, description: &str, error: Option<&str>) -> Result<(), Fault> {
        self.sink()?.finish_commit(commit, description, error)
    }

    fn wait_commit(&self, commit: &Commit, timeout: Duration) -> Result<CommitInfo, Fault> {
        self.sink()?.wait_commit(commit, timeout)
    }

    fn staging(&self) -> Result<&dyn StagingSink, Fault> {
        self.sink()?.staging()
    }

    fn routing(&self) -> Result<&dyn RoutingSink, Fault> {
        self.sink()?.routing()
    }

    fn drop_commit(&self, commit: &Commit) -> Result<(), Fault> {
        self.sink()?.drop_commit(commit)
    }
}

impl FileSource for Grpc {
    fn inspect_file(&self, commit: &Commit, path: &FilePath) -> Result<Option<FileInfo>, Fault> {
        self.files()?.inspect_file(commit, path)
    }

    fn get_file<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault> {
        self.files()?.get_file(commit, path)
    }

    fn get_file_tar<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault> {
        self.files()?.get_file_tar(commit, path)
    }

    fn diff_files(
        &self,
        new: &Commit,
        old: Option<&Commit>,
        visit: &mut dyn FnMut(FileChange) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        self.files()?.diff_files(new, old, visit)
    }
}

impl CommitFeed for Grpc {
    fn list_line(&self, newest: &Commit, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        self.feed()?.list_line(newest, visit)
    }

    fn watch(
        &self,
        branch: &Branch,
        visit: &mut dyn FnMut(Option<CommitInfo>) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        self.feed()?.watch(branch, visit)
    }
}

/// A call's fault, with what was missing.
type Answered<A> = Result<A, CallFault>;
