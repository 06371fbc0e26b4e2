//! pachd through gRPC, every Pachyderm since 1.12: the ports `CommitHistory`, `CommitSink`, `CommitFeed` and
//! `FileSource`.
//!
//! An adapter: it translates calls into messages and answers into the domain's words. It knows no command line, no
//! environment and no terminal; address, token, times and proxy come as [`GrpcOptions`]. Which certificates `grpcs://`
//! trusts is the system's matter, unless the options name some.
//!
//! | module | holds |
//! |---|---|
//! | `calls` | one connection and the calls over it: the only user of the gRPC library |
//! | `door`, `reader` | the same as a transport of Pachyderm 2.x |
//! | `v1` | Pachyderm 1.12 and 1.13, service `pfs.API` |
//! | `address` | where pachd's gRPC is |
//!
//! **Which of the two it is** is asked when it is first needed, once: `GetVersion`, in 2.x of `versionpb_v2.API`, in
//! 1.x of `versionpb.API`. A sidecar has neither (recordings grpc-2.12-sidecar); it is known then by whether it has
//! `pfs_v2.API`, whose calls a 1.x answers with Unimplemented (grpc-1.13 045). A server that cannot be reached has said
//! nothing. What the release means is [`pachd::Model`](crate::pachd::Model)'s matter.
//!
//! The ports block. Inside, calls run on a small runtime that each [`Grpc`] owns, so its methods may be called from any
//! thread but those of an asynchronous runtime.

pub(crate) mod address;
mod calls;
mod door;
mod reader;
mod v1;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use self::calls::Failed;
use self::v1::V1;
use crate::connection::token::Token;
use crate::error::OpenError;
use crate::pachd::{Expected, GET_VERSION, INSPECT_REPO, Identity, Login, Pachd};
use crate::transport::{Transport as _, seconds};
use crate::v2::PachdV2;
use spoutctl_core::commit_set::SquashingSink;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::feed::CommitFeed;
use spoutctl_core::history::CommitHistory;
use spoutctl_core::listing::Listing;
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
pub use self::calls::Calls;
pub use crate::options::GrpcOptions;

/// pachd behind one address. Nothing is sent before the first call.
pub struct Grpc {
    calls: Arc<Calls>,
    expected: Option<Expected>,
    found: OnceLock<Box<dyn Pachd>>,
}

/// Which of the two it is, before it was asked anything else.
///
/// With its version, where it has a call for that: a sidecar has none.
enum Generation {
    One(Option<Version>),
    Two(Option<Version>),
}

/// `None` of one that does not say: a build of somebody's own has 0.0.0.
fn release(version: &Version) -> Option<Release> {
    let release = Release::new(version.major, version.minor, version.micro);
    (release.major >= 2).then_some(release)
}

impl Grpc {
    /// # Errors
    /// When the client cannot be set up: for `grpcs://`, when the system's certificates cannot be read.
    pub fn new(options: GrpcOptions) -> Result<Self, OpenError> {
        Ok(Self {
            expected: options.expected.clone(),
            calls: Arc::new(Calls::new(options)?),
            found: OnceLock::new(),
        })
    }

    fn pachd(&self) -> Result<&dyn Pachd, Fault> {
        if let Some(found) = self.found.get() {
            return Ok(&**found);
        }
        let calls = Arc::clone(&self.calls);
        let found: Box<dyn Pachd> = match self.generation()? {
            Generation::One(_) => Box::new(V1::new(calls)),
            Generation::Two(version) => {
                let release = version.as_ref().and_then(release);
                Box::new(PachdV2::behind(calls, self.expected.clone(), release))
            }
        };
        // Of two that ask at the same time both learn the same.
        Ok(&**self.found.get_or_init(|| found))
    }

    fn generation(&self) -> Result<Generation, Fault> {
        let limit = self.calls.times().call;
        match self.calls.ask::<_, Version>(GET_VERSION, Empty {}, limit) {
            Err(Failed::Said(tonic::Code::Unimplemented, _)) => self.generation_without_version_2(),
            Err(failed) => Err(door::fault(GET_VERSION, failed).fault),
            Ok(None) => Err(crate::pachd::lost(
                GET_VERSION,
                format!("no answer within {}", seconds(limit)),
            )),
            Ok(Some(version)) if version.major == 1 => Ok(Generation::One(Some(version))),
            Ok(Some(version)) => Ok(Generation::Two(Some(version))),
        }
    }

    fn generation_without_version_2(&self) -> Result<Generation, Fault> {
        let limit = self.calls.times().call;
        match self.calls.ask::<_, Version>(v1::GET_VERSION, Empty {}, limit) {
            Ok(Some(version)) if version.major == 1 => Ok(Generation::One(Some(version))),
            // Sidecars of 2.0 to 2.5 say so in words of their own.
            Ok(Some(_)) | Err(Failed::Said(..)) => Ok(if self.has_pfs_2()? {
                Generation::Two(None)
            } else {
                Generation::One(None)
            }),
            Ok(None) => Err(crate::pachd::lost(
                v1::GET_VERSION,
                format!("no answer within {}", seconds(limit)),
            )),
            Err(failed) => Err(door::fault(v1::GET_VERSION, failed).fault),
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
        let no_answer = format!("no answer within {}", seconds(self.calls.times().call));
        match self
            .calls
            .ask::<_, RepoInfo>(INSPECT_REPO, some, self.calls.times().call)
        {
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
            Err(failed) => Err(door::fault(INSPECT_REPO, failed).fault),
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
        match self.calls.ask::<_, Empty>(call, some, self.calls.times().call) {
            Err(Failed::Said(tonic::Code::Unimplemented, _)) => Err(Fault::new(
                FaultKind::Unrecognised,
                format!("what answers there knows neither pfs_v2.API nor pfs.API ({said})"),
            )),
            Err(Failed::Said(..)) | Ok(Some(_)) => Ok(false),
            Ok(None) => Err(crate::pachd::lost(
                call,
                format!("no answer within {}", seconds(self.calls.times().call)),
            )),
            Err(failed) => Err(door::fault(call, failed).fault),
        }
    }
}

impl fmt::Debug for Grpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grpc")
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}

impl Pachd for Grpc {
    fn version(&self) -> Result<String, Fault> {
        let (version, otherwise) = match self.generation()? {
            Generation::One(version) => (version, "1.x"),
            Generation::Two(version) => (version, "2.x"),
        };
        Ok(version.map_or_else(|| otherwise.to_owned(), |version| version.to_string()))
    }

    fn sends_token_in_clear(&self) -> bool {
        self.calls.sends_token_in_clear()
    }

    fn who_am_i(&self) -> Result<Identity, Fault> {
        self.pachd()?.who_am_i()
    }

    fn oidc_login(&self) -> Result<Login, Fault> {
        self.pachd()?.oidc_login()
    }

    fn authenticate(&self, login: &Login, within: Duration) -> Result<Option<Token>, Fault> {
        self.pachd()?.authenticate(login, within)
    }
}

/// Which pachd it is, a port's first call finds out; so each method is passed on to the one that was found.
macro_rules! forward {
    ($($port:ident { $(fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)* })*) => {$(
        impl $port for Grpc {
            $(fn $name(&self, $($argument: $type),*) -> $answer {
                self.pachd()?.$name($($argument),*)
            })*
        }
    )*};
}

forward! {
    Pipelines {
        fn try_pipeline(spec: &str) -> Result<Verdict, Fault>;
        fn submit_pipeline(spec: &str, how: Submission) -> Result<Verdict, Fault>;
        fn find_pipeline(pipeline: &Repo) -> Result<Option<Running>, Fault>;
        fn output_branch(pipeline: &Repo) -> Result<Option<BranchName>, Fault>;
        fn stop_pipeline(pipeline: &Repo) -> Result<(), Fault>;
        fn start_pipeline(pipeline: &Repo) -> Result<(), Fault>;
    }
    CommitHistory {
        fn repo_exists(repo: &Repo) -> Result<bool, Fault>;
        fn inspect_branch(branch: &Branch) -> Result<Option<BranchInfo>, Fault>;
        fn inspect_commit(commit: &Commit) -> Result<CommitInfo, Fault>;
        fn find_commit(repo: &Repo, id: &CommitId) -> Result<CommitInfo, Fault>;
        fn list_commits(branch: &Branch, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault>;
    }
    CommitSink {
        fn create_repo(repo: &Repo) -> Result<(), Fault>;
        fn project_exists(project: &ProjectName) -> Result<bool, Fault>;
        fn pipeline_kind(repo: &Repo) -> Result<Option<PipelineKind>, Fault>;
        fn cluster() -> Result<Option<String>, Fault>;
        fn missing_permissions(repo: &Repo) -> Result<Vec<String>, Fault>;
        fn has_file_sets() -> Result<bool, Fault>;
        fn check_paths(
            branch: &Branch,
            paths: &[&str],
            deletions: &[&str],
            overwrites: bool
        ) -> Result<(), Fault>;
        fn put_file(commit: &Commit, changes: &mut dyn Changes) -> Result<(), Fault>;
        fn create_file_set(changes: &mut dyn Changes) -> Result<FileSetId, Fault>;
        fn renew_file_set(file_set: &FileSetId, ttl: Duration) -> Result<(), Fault>;
        fn compose_file_set(parts: &[FileSetId], ttl: Duration) -> Result<FileSetId, Fault>;
        fn start_commit(branch: &Branch, description: &str) -> Result<CommitId, Fault>;
        fn add_file_set(commit: &Commit, file_set: &FileSetId) -> Result<(), Fault>;
        fn finish_commit(commit: &Commit, description: &str, error: Option<&str>) -> Result<(), Fault>;
        fn wait_commit(commit: &Commit, timeout: Duration) -> Result<CommitInfo, Fault>;
        fn staging() -> Result<&dyn StagingSink, Fault>;
        fn routing() -> Result<&dyn RoutingSink, Fault>;
        fn squashing() -> Result<&dyn SquashingSink, Fault>;
        fn drop_commit(commit: &Commit) -> Result<(), Fault>;
    }
    FileSource {
        fn inspect_file(commit: &Commit, path: &FilePath) -> Result<Option<FileInfo>, Fault>;
        fn get_file(commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + '_>, Fault>;
        fn get_file_tar(commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + '_>, Fault>;
        fn diff_files(
            new: &Commit,
            old: Option<&Commit>,
            visit: &mut dyn FnMut(FileChange) -> ControlFlow<()>
        ) -> Result<(), Fault>;
    }
    Listing {
        fn list_repos() -> Result<Vec<Repo>, Fault>;
        fn list_branches(repo: &Repo) -> Result<Vec<BranchName>, Fault>;
        fn list_directory(
            branch: &Branch,
            directory: &FilePath,
            visit: &mut dyn FnMut(&str) -> ControlFlow<()>
        ) -> Result<(), Fault>;
    }
    CommitFeed {
        fn list_line(newest: &Commit, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault>;
        fn watch(
            branch: &Branch,
            visit: &mut dyn FnMut(Option<CommitInfo>) -> ControlFlow<()>
        ) -> Result<(), Fault>;
    }
}
