//! pachd 1.12 and 1.13, service `pfs.API`: the ports `CommitHistory`, `CommitSink` and `FileSource`.
//!
//! It knows how 1.x differs, and nothing of connections. Numbers name recordings of 1.13.
//!
//! | module | holds |
//! |---|---|
//! | `messages` | requests and answers, from and into the domain's words |
//! | `error` | every known refusal and what it means, in one table |
//! | `pipelines` | which branch a pipeline writes |
//! | `listing` | names for a shell |
//! | `changes` | what differs between two commits |
//! | `tar` | a directory as one archive, for which 1.x has no call |
//! | `collisions` | what would take the place of something else |
//!
//! **How an archive becomes a commit.** There are no file sets, so [`CommitSink::has_file_sets`] says no, and the
//! delivery sends an archive with one [`CommitSink::put_file`] between `StartCommit` and `FinishCommit`. Each rule of
//! the delivery holds, by other calls:
//!
//! | in 2.x | in 1.x | recorded |
//! |---|---|---|
//! | a file set, uploaded and retried freely | nothing: what breaks off costs the commit, and everything is sent again | |
//! | `AddFileSet`, overwriting twice is right | one `PutFile` for one commit, never a second: it appends; with `overwrite_index` it would replace, but the first may come late and in part | 029, 032, 062, 064 |
//! | `DropCommitSet` fences every late call | `DeleteCommit` does | 037 to 039 |
//! | `FinishCommit` with `error`: its data is in no later commit, and of two finishes the first decides | `FinishCommit` with `empty` | 070 to 078 |
//! | the commit has an `error` after it was finished | `FinishCommit` itself refuses and the commit stays open, so that it is deleted | 035 to 037, 097, 098 |
//! | it is waited for until it is finished | it is finished when the call answers | 031 |
//!
//! What does not hold: the commit is open while bytes travel, so what somebody else puts by the branch's name meanwhile
//! lands in it (042), and who reads by the branch's name sees half of it (043). A file that overwrites would replace a
//! directory of its name without a word (100 to 102): it is refused before anything is sent, where 2.x refuses at the
//! end; what somebody else commits in between is not seen. Projects do not exist: `default` alone is taken.
//!
//! **Memory**: as many messages of 256 KiB as wait to be sent or read; nothing is held on disk.

mod changes;
mod collisions;
mod error;
mod listing;
mod messages;
mod pipelines;
mod tar;

#[cfg(test)]
mod tests;

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prost::Message;
use tonic::Code;

use self::collisions::{Clash, Collision, Tree};
use self::error::{Meaning, Missing};
use self::tar::{TarReader, Walk};
use super::calls::{Calls, Failed, Incoming};
use super::reader::{Content, broken};
use crate::pachd::Call;
use crate::pachd::unreadable::{Unreadable, unreadable};
use crate::transport::seconds;
use spoutctl_core::commit_set::SquashingSink;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::feed::{CommitFeed, TICK};
use spoutctl_core::history::{CommitHistory, newest_good_commit};
use spoutctl_core::pfs::{
    Branch, BranchInfo, BranchName, Commit, CommitId, CommitInfo, DEFAULT_PROJECT, FileInfo, FileKind, FilePath,
    FileSetId, PipelineKind, Repo,
};
use spoutctl_core::sink::{Changes, CommitSink, MAX_CHUNK, StagingSink};
use spoutctl_core::source::{FileChange, FileSource};
use spoutctl_proto::google::Empty;
use spoutctl_proto::v1;

const PFS: &str = "pfs.API";

pub(super) const INSPECT_REPO: Call = Call::reads(PFS, "InspectRepo");
pub(super) const GET_VERSION: Call = Call::reads("versionpb.API", "GetVersion");
const CREATE_REPO: Call = Call::changing(PFS, "CreateRepo");
const INSPECT_BRANCH: Call = Call::reads(PFS, "InspectBranch");
const INSPECT_COMMIT: Call = Call::reads(PFS, "InspectCommit");
const LIST_COMMIT: Call = Call::reads(PFS, "ListCommitStream");
const START_COMMIT: Call = Call::changing(PFS, "StartCommit");
const PUT_FILE: Call = Call::changing(PFS, "PutFile");
const FINISH_COMMIT: Call = Call::changing(PFS, "FinishCommit");
const DELETE_COMMIT: Call = Call::changing(PFS, "DeleteCommit");
const INSPECT_FILE: Call = Call::reads(PFS, "InspectFile");
const WALK_FILE: Call = Call::reads(PFS, "WalkFile");
const LIST_FILE: Call = Call::reads(PFS, "ListFileStream");
const GET_FILE: Call = Call::reads(PFS, "GetFile");

/// For a call that looks something up, or notes something down.
const CALL: Duration = Duration::from_mins(1);
/// `FinishCommit` and `PutFile` do the work before they answer: each file is a transaction of its own, then the list of
/// all files is written. A call that is left alone is broken off by pachd, and would never get done.
const WORK: Duration = Duration::from_mins(10);
/// Bytes of a file in one message, at first and at least. pachd takes 20 MiB; what stands before it may take less.
const LARGEST_PIECE: usize = MAX_CHUNK;
const SMALLEST_PIECE: usize = 64 << 10;

/// A fault, and what was missing when that is what it is about.
struct CallFault {
    fault: Fault,
    missing: Option<Missing>,
}

impl From<CallFault> for Fault {
    fn from(failed: CallFault) -> Self {
        failed.fault
    }
}

/// What a call's failure means.
fn fault(method: Call, failed: Failed) -> CallFault {
    let lost = if method.repeatable {
        FaultKind::Unavailable
    } else {
        FaultKind::Unknown
    };
    let (kind, text, missing) = match failed {
        Failed::Local(error) => (FaultKind::Local, error.to_string(), None),
        Failed::Unreached(text) => (FaultKind::Unavailable, text, None),
        Failed::Lost(text) => (lost, text, None),
        Failed::Insecure(text) => (FaultKind::Refused, text, None),
        Failed::Stranger(_, looks) => (lost, format!("no answer from pachd: {looks}"), None),
        Failed::Said(code, text) => match error::meaning(&text) {
            Some(Meaning::Is(kind)) => (kind, text, None),
            Some(Meaning::Missing(thing)) => (FaultKind::NotFound, text, Some(thing)),
            Some(Meaning::Lost) => (lost, text, None),
            None => (kind_of(code, lost), text, None),
        },
    };
    CallFault {
        fault: Fault::new(kind, format!("{}: {text}", method.name)),
        missing,
    }
}

/// What gRPC itself says, or what stands between pachd and us.
fn kind_of(code: Code, lost: FaultKind) -> FaultKind {
    match code {
        Code::Unauthenticated | Code::PermissionDenied => FaultKind::Denied,
        Code::Unimplemented | Code::InvalidArgument => FaultKind::Refused,
        // A message that is too large says so; otherwise somebody on the way has had too much.
        Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded | Code::Internal | Code::ResourceExhausted => lost,
        _ => FaultKind::Unrecognised,
    }
}

/// `None` for an answer that says that `thing` is not there.
fn unless_missing<T>(answer: Result<T, CallFault>, thing: Missing) -> Result<Option<T>, Fault> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(failed) if failed.missing == Some(thing) => Ok(None),
        Err(failed) => Err(failed.fault),
    }
}

fn not_supported(call: &str) -> Fault {
    Fault::new(FaultKind::Refused, format!("{call}: not supported on Pachyderm 1.x"))
}

fn check_project(repo: &Repo) -> Result<(), Fault> {
    if repo.project.as_str() == DEFAULT_PROJECT {
        return Ok(());
    }
    let text = format!("{repo}: projects are not supported on Pachyderm 1.x; name the repo alone");
    Err(Fault::new(FaultKind::Refused, text))
}

/// pachd 1.12 or 1.13.
#[derive(Debug)]
pub(super) struct V1 {
    calls: Arc<Calls>,
    /// Bytes of a file in one message: less than at first once that was refused.
    piece: AtomicUsize,
}

impl V1 {
    pub fn new(calls: Arc<Calls>) -> Self {
        Self {
            calls,
            piece: AtomicUsize::new(LARGEST_PIECE),
        }
    }

    fn ask<Q, A>(&self, method: Call, request: Q, within: Duration) -> Result<A, CallFault>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let answer = self
            .calls
            .ask(method, request, within)
            .map_err(|failed| fault(method, failed))?;
        answer.ok_or_else(|| fault(method, Failed::Lost(format!("no answer within {}", seconds(within)))))
    }

    fn inspect(&self, commit: &Commit, state: v1::CommitState, within: Duration) -> Result<CommitInfo, Fault> {
        check_project(&commit.repo)?;
        let request = v1::InspectCommitRequest {
            commit: Some(commit.into()),
            block_state: state.into(),
        };
        let info: v1::CommitInfo = self.ask(INSPECT_COMMIT, request, within)?;
        messages::commit_info(info, &commit.repo, &commit.branch).map_err(unreadable(INSPECT_COMMIT))
    }

    /// A line of commits, newest first; one that does not exist has none.
    fn list(
        &self,
        request: v1::ListCommitRequest,
        repo: &Repo,
        branch: &BranchName,
        visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        check_project(repo)?;
        let told = |failed| fault(LIST_COMMIT, failed);
        let opened = self.calls.list(LIST_COMMIT, request).map_err(told);
        let Some(mut infos): Option<Incoming<'_, v1::CommitInfo>> = unless_missing(opened, Missing::Branch)? else {
            return Ok(());
        };
        // A refusal may come as the stream's end.
        while let Some(Some(info)) = unless_missing(infos.next().map_err(told), Missing::Branch)? {
            let info = messages::commit_info(info, repo, branch).map_err(unreadable(LIST_COMMIT))?;
            if visit(info).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// One call of `PutFile`.
    fn send(
        &self,
        first: v1::PutFileRequest,
        rest: &mut dyn FnMut() -> io::Result<Option<v1::PutFileRequest>>,
    ) -> Result<(), Fault> {
        let mut first = Some(first);
        let mut next = || match first.take() {
            Some(first) => Ok(Some(first)),
            None => rest(),
        };
        match self.calls.send(PUT_FILE, &mut next, &|| WORK) {
            Ok(Empty {}) => Ok(()),
            Err(failed) => match Fault::from(fault(PUT_FILE, failed)) {
                refused if refused.kind == FaultKind::TooLarge => Err(self.halve(refused)),
                other => Err(other),
            },
        }
    }

    /// A message was larger than something on the way takes. The commit is lost; the next try sends smaller ones.
    fn halve(&self, refused: Fault) -> Fault {
        let piece = self.piece.load(Ordering::Relaxed);
        if piece <= SMALLEST_PIECE {
            return refused;
        }
        self.piece.store(piece / 2, Ordering::Relaxed);
        Fault {
            kind: FaultKind::Unavailable,
            ..refused
        }
    }
}

impl CommitHistory for V1 {
    fn repo_exists(&self, repo: &Repo) -> Result<bool, Fault> {
        check_project(repo)?;
        let request = v1::InspectRepoRequest {
            repo: Some(repo.into()),
        };
        let answer: Result<v1::RepoInfo, _> = self.ask(INSPECT_REPO, request, CALL);
        Ok(unless_missing(answer, Missing::Repo)?.is_some())
    }

    fn inspect_branch(&self, branch: &Branch) -> Result<Option<BranchInfo>, Fault> {
        check_project(&branch.repo)?;
        let request = v1::InspectBranchRequest {
            branch: Some(branch.into()),
        };
        let answer = self.ask(INSPECT_BRANCH, request, CALL);
        let Some(info): Option<v1::BranchInfo> = unless_missing(answer, Missing::Branch)? else {
            // A missing repo is told in the same words (048).
            if self.repo_exists(&branch.repo)? {
                return Ok(None);
            }
            let text = format!("InspectBranch: repo {} not found", branch.repo.name);
            return Err(Fault::new(FaultKind::NotFound, text));
        };
        messages::branch_info(&info, branch)
            .map(Some)
            .map_err(unreadable(INSPECT_BRANCH))
    }

    fn inspect_commit(&self, commit: &Commit) -> Result<CommitInfo, Fault> {
        self.inspect(commit, v1::CommitState::Started, CALL)
    }

    fn list_commits(&self, branch: &Branch, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        self.list(messages::list_commit(branch), &branch.repo, &branch.name, visit)
    }
}

impl CommitFeed for V1 {
    fn list_line(&self, newest: &Commit, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        let request = v1::ListCommitRequest {
            repo: Some((&newest.repo).into()),
            to: Some(newest.into()),
            ..v1::ListCommitRequest::default()
        };
        self.list(request, &newest.repo, &newest.branch, visit)
    }

    /// Nothing is subscribed to: whoever watches looks at the head every second by himself, and a subscription of 1.x
    /// tells of open commits, too.
    fn watch(&self, _: &Branch, visit: &mut dyn FnMut(Option<CommitInfo>) -> ControlFlow<()>) -> Result<(), Fault> {
        while visit(None).is_continue() {
            std::thread::sleep(TICK);
        }
        Ok(())
    }
}

impl CommitSink for V1 {
    fn create_repo(&self, repo: &Repo) -> Result<(), Fault> {
        check_project(repo)?;
        let request = v1::CreateRepoRequest {
            repo: Some(repo.into()),
            ..v1::CreateRepoRequest::default()
        };
        let Empty {} = self.ask(CREATE_REPO, request, CALL)?;
        Ok(())
    }

    fn pipeline_kind(&self, _: &Repo) -> Result<Option<PipelineKind>, Fault> {
        Err(not_supported("InspectPipeline"))
    }

    fn has_file_sets(&self) -> Result<bool, Fault> {
        Ok(false)
    }

    /// pachd works on the files of one call at the same time, and a deletion takes whatever is below its path by then:
    /// what is deleted goes in a call before.
    fn put_file(&self, commit: &Commit, changes: &mut dyn Changes) -> Result<(), Fault> {
        let mut messages = messages::PutFile::new(commit, changes, self.piece.load(Ordering::Relaxed));
        let unread = |error| Fault::from(fault(PUT_FILE, Failed::Local(error)));
        if let Some(first) = messages.next_deletion().map_err(unread)? {
            self.send(first, &mut || messages.next_deletion())?;
        }
        match messages.next().map_err(unread)? {
            Some(first) => self.send(first, &mut || messages.next()),
            None => Ok(()),
        }
    }

    fn check_paths(&self, branch: &Branch, paths: &[&str], deletions: &[&str], overwrites: bool) -> Result<(), Fault> {
        let base = match newest_good_commit(self, branch) {
            Ok(Some(base)) => base.commit,
            Ok(None) => return Ok(()),
            Err(fault) => return Err(fault),
        };
        let found = collisions::find(
            &TreeOf {
                pachd: self,
                commit: base,
            },
            paths,
            deletions,
            overwrites,
        )?;
        found.map_or(Ok(()), |collision| Err(collides(branch, &collision)))
    }

    fn create_file_set(&self, _: &mut dyn Changes) -> Result<FileSetId, Fault> {
        Err(not_supported("CreateFileSet"))
    }

    fn renew_file_set(&self, _: &FileSetId, _: Duration) -> Result<(), Fault> {
        Err(not_supported("RenewFileSet"))
    }

    fn compose_file_set(&self, _: &[FileSetId], _: Duration) -> Result<FileSetId, Fault> {
        Err(not_supported("ComposeFileSet"))
    }

    fn add_file_set(&self, _: &Commit, _: &FileSetId) -> Result<(), Fault> {
        Err(not_supported("AddFileSet"))
    }

    fn start_commit(&self, branch: &Branch, description: &str) -> Result<CommitId, Fault> {
        let request = messages::start_commit(branch, description);
        let commit: v1::Commit = self.ask(START_COMMIT, request, CALL)?;
        messages::commit_id(&commit).map_err(unreadable(START_COMMIT))
    }

    fn finish_commit(&self, commit: &Commit, description: &str, error: Option<&str>) -> Result<(), Fault> {
        let request = v1::FinishCommitRequest {
            commit: Some(commit.into()),
            description: description.to_owned(),
            empty: error.is_some(),
        };
        let Empty {} = self.ask(FINISH_COMMIT, request, WORK)?;
        Ok(())
    }

    fn wait_commit(&self, commit: &Commit, timeout: Duration) -> Result<CommitInfo, Fault> {
        self.inspect(commit, v1::CommitState::Finished, timeout)
    }

    fn staging(&self) -> Result<&dyn StagingSink, Fault> {
        Err(Fault::new(
            FaultKind::Refused,
            "--staging: not supported on Pachyderm 1.x",
        ))
    }

    fn squashing(&self) -> Result<&dyn SquashingSink, Fault> {
        Err(Fault::new(
            FaultKind::Refused,
            "Pachyderm 1.x has no call that squashes a commit",
        ))
    }

    fn drop_commit(&self, commit: &Commit) -> Result<(), Fault> {
        let request = v1::DeleteCommitRequest {
            commit: Some(commit.into()),
        };
        let Empty {} = self.ask(DELETE_COMMIT, request, CALL)?;
        Ok(())
    }
}

impl FileSource for V1 {
    fn inspect_file(&self, commit: &Commit, path: &FilePath) -> Result<Option<FileInfo>, Fault> {
        let request = messages::file(commit, path.as_str());
        let answer = self.ask(INSPECT_FILE, request, CALL);
        let info: Option<v1::FileInfo> = unless_missing(answer, Missing::File)?;
        info.map(|info| messages::file_info(&info).map_err(unreadable(INSPECT_FILE)))
            .transpose()
    }

    fn get_file<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault> {
        Ok(Box::new(content(&self.calls, commit, path.as_str())?))
    }

    fn get_file_tar<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault> {
        let told = |failed| Fault::from(fault(WALK_FILE, failed));
        let mut infos: Incoming<v1::FileInfo> = self
            .calls
            .list(WALK_FILE, messages::file(commit, path.as_str()))
            .map_err(told)?;
        let first = infos.next().map_err(told)?;
        if first.is_none() {
            // No refusal comes (087).
            return Err(Fault::new(
                FaultKind::NotFound,
                format!("WalkFile: file {path} not found in {commit}"),
            ));
        }
        Ok(Box::new(TarReader::new(Files {
            calls: &self.calls,
            commit: commit.clone(),
            first,
            infos,
        })))
    }

    fn diff_files(
        &self,
        new: &Commit,
        old: Option<&Commit>,
        visit: &mut dyn FnMut(FileChange) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        self.visit_changes(new, old, visit)
    }
}

fn collides(branch: &Branch, Collision { path, what }: &Collision) -> Fault {
    let (repo, name) = (&branch.repo.name, &branch.name);
    let what = match what {
        Clash::FileForDirectory => format!("{path} is a directory of {branch}, and the archive has a file there"),
        Clash::FilesBelowFile => format!("{path} is a file of {branch}, and the archive has files under it"),
        Clash::DirectoryDeleted => {
            format!("{path} is a directory of {branch}, and the archive deletes a file of that name")
        }
    };
    let text = format!("{what}; if that is meant: pachctl delete file {repo}@{name}:{path}, and then again");
    Fault::new(FaultKind::Refused, text)
}

/// What a commit holds.
struct TreeOf<'a> {
    pachd: &'a V1,
    commit: Commit,
}

impl Tree for TreeOf<'_> {
    fn kind(&self, path: &str) -> Result<Option<FileKind>, Fault> {
        let answer = self.pachd.ask(INSPECT_FILE, messages::file(&self.commit, path), CALL);
        let info: Option<v1::FileInfo> = unless_missing(answer, Missing::File)?;
        let kind = info.map(|info| messages::file_info(&info)).transpose();
        Ok(kind.map_err(unreadable(INSPECT_FILE))?.map(|info| info.kind))
    }

    fn list(&self, directory: &str, show: &mut dyn FnMut(&str, FileKind)) -> Result<(), Fault> {
        let request = messages::file(&self.commit, directory);
        let opened = self.pachd.calls.list(LIST_FILE, request);
        let mut infos: Incoming<'_, v1::FileInfo> = opened.map_err(|failed| fault(LIST_FILE, failed))?;
        while let Some(info) = infos.next().map_err(|failed| broken(fault(LIST_FILE, failed)))? {
            let kind = messages::file_info(&info).map_err(unreadable(LIST_FILE))?.kind;
            show(messages::path_of(&info), kind);
        }
        Ok(())
    }
}

/// A commit's files, in the order in which pachd walks through them: directory by directory, each sorted (064).
struct Files<'a> {
    calls: &'a Calls,
    commit: Commit,
    first: Option<v1::FileInfo>,
    infos: Incoming<'a, v1::FileInfo>,
}

impl<'a> Walk for Files<'a> {
    type Content = Content<'a, CallFault>;

    fn next_file(&mut self) -> Result<Option<(String, u64)>, Fault> {
        loop {
            let info = match self.first.take() {
                Some(first) => Some(first),
                None => self.infos.next().map_err(|failed| broken(fault(WALK_FILE, failed)))?,
            };
            let Some(info) = info else { return Ok(None) };
            if info.file_type() == v1::FileType::File {
                return Ok(Some((messages::path_of(&info).to_owned(), info.size_bytes)));
            }
        }
    }

    fn open(&mut self, path: &str) -> Result<Content<'a, CallFault>, Fault> {
        content(self.calls, &self.commit, path)
    }
}

fn content<'a>(calls: &'a Calls, commit: &Commit, path: &str) -> Result<Content<'a, CallFault>, Fault> {
    Ok(Content::open(calls, GET_FILE, messages::file(commit, path), fault)?)
}
