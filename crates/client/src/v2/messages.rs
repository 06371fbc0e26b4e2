//! What is asked of 2.x and what it answers, from and into the domain's words.

use std::io;
use std::time::Duration;

use bytes::Bytes;

use crate::pachd::unreadable::Unreadable;
use spoutctl_core::pfs::{
    self, BranchInfo, BranchName, CommitId, CommitInfo, DEFAULT_PROJECT, FileInfo, FileKind, FileSetId, PipelineKind,
    ProjectName, RepoName, TransactionId,
};
use spoutctl_core::pipelines::State;
use spoutctl_core::sink::{Change, Changes};
use spoutctl_core::source::FileChange;
use spoutctl_proto::auth::{AuthorizeRequest, AuthorizeResponse, Permission, Resource, ResourceType};
use spoutctl_proto::google::Timestamp;
use spoutctl_proto::pfs::{
    AddFile, BranchInfo as BranchMessage, Commit, CommitInfo as CommitMessage, CreateFileSetResponse, DeleteFile,
    DiffFileResponse, File, FileInfo as FileMessage, FileType, FinishCommitRequest, ListedRepo, ModifyFileRequest,
    OriginKind, StartCommitRequest,
};
use spoutctl_proto::pps::{PipelineInfo, PipelineState, PipelineType};
use spoutctl_proto::transaction::TransactionInfo;

/// The commit that a transaction sets `branch` to, if it does that and nothing else.
pub(super) fn moves(info: &TransactionInfo, branch: &pfs::Branch) -> Option<(TransactionId, pfs::Commit)> {
    let [request] = &info.requests[..] else { return None };
    let created = request.create_branch.as_ref()?;
    let moved = created.branch.as_ref()?;
    let repo = moved.repo.as_ref()?;
    let project = repo.project.as_ref().map_or("default", |project| project.name.as_str());
    let is_ours = moved.name == branch.name.as_str()
        && repo.name == branch.repo.name.as_str()
        && project == branch.repo.project.as_str();
    let head = created.head.as_ref().filter(|_| is_ours)?;
    let id = info.transaction.as_ref()?.id.clone();
    Some((TransactionId(id), named(head, branch).ok()?))
}

/// Whether the parent that a listed commit names may be an alias, which is not listed: the next one listed is the
/// parent then.
pub(super) fn hides_aliases(info: &CommitMessage) -> bool {
    info.parent_commit.as_ref().is_some_and(may_be_alias)
}

/// Whether it comes from a release that has aliases: its commits have no repo of their own.
pub(super) fn may_be_alias(commit: &Commit) -> bool {
    commit.repo.is_none()
}

/// A repo of an answer; in releases without projects it is in `default`.
pub(super) fn listed_repo(listed: &ListedRepo) -> Result<pfs::Repo, Unreadable> {
    let repo = listed.repo.as_ref().ok_or(Unreadable::Missing("repo"))?;
    let project = repo.project.as_ref().map_or(DEFAULT_PROJECT, |project| &project.name);
    Ok(pfs::Repo {
        project: ProjectName::new(project)?,
        name: RepoName::new(&repo.name)?,
    })
}

/// The branch's head, whichever it is when pachd looks.
pub(super) fn head_of(branch: &pfs::Branch) -> Commit {
    Commit {
        repo: Some((&branch.repo).into()),
        id: String::new(),
        branch: Some(branch.into()),
    }
}

pub(super) fn file(commit: &pfs::Commit, path: String) -> File {
    File {
        commit: Some(commit.into()),
        path,
        datum: String::new(),
    }
}

/// What `put` does to a repo: it looks at commits, and writes some.
pub(super) fn to_write(repo: &pfs::Repo) -> AuthorizeRequest {
    AuthorizeRequest {
        resource: Some(Resource {
            r#type: ResourceType::Repo.into(),
            name: repo.to_string(),
        }),
        permissions: vec![Permission::RepoRead.into(), Permission::RepoWrite.into()],
    }
}

/// Permissions as pachd names them in its texts.
pub(super) fn missing(answer: &AuthorizeResponse) -> Vec<String> {
    let name = |number: &i32| match Permission::try_from(*number) {
        Ok(Permission::RepoRead) => "REPO_READ".to_owned(),
        Ok(Permission::RepoWrite) => "REPO_WRITE".to_owned(),
        _ => format!("permission {number}"),
    };
    answer.missing.iter().map(name).collect()
}

pub(super) fn whole_seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

pub(super) fn commit_id(commit: &Commit) -> Result<CommitId, Unreadable> {
    Ok(CommitId::new(&commit.id)?)
}

/// A commit as an answer names it. Where that leaves the branch out, as 2.12 does, it is the one that was asked for.
pub(super) fn named(commit: &Commit, asked: &pfs::Branch) -> Result<pfs::Commit, Unreadable> {
    let told = commit.branch.as_ref().map(|branch| branch.name.as_str());
    Ok(pfs::Commit {
        repo: asked.repo.clone(),
        branch: match told.filter(|name| !name.is_empty()) {
            Some(name) => BranchName::new(name)?,
            None => asked.name.clone(),
        },
        id: commit_id(commit)?,
    })
}

pub(super) fn file_set(answer: CreateFileSetResponse) -> Result<FileSetId, Unreadable> {
    if answer.file_set_id.is_empty() {
        return Err(Unreadable::Missing("file_set_id"));
    }
    Ok(FileSetId(answer.file_set_id))
}

/// `asked` is the branch of which it was asked.
pub(super) fn commit_info(info: CommitMessage, asked: &pfs::Branch) -> Result<CommitInfo, Unreadable> {
    let time = |time: Option<Timestamp>| time.map(jiff::Timestamp::try_from).transpose();
    let upper_bound = info.size_bytes_upper_bound;
    let size = info.details.map_or(0, |details| details.size_bytes);
    let size = if size > 0 { size } else { upper_bound };
    let is_auto = info.origin.is_some_and(|origin| origin.kind() == OriginKind::Auto);
    Ok(CommitInfo {
        origin: if is_auto { pfs::Origin::Auto } else { pfs::Origin::User },
        commit: named(&info.commit.ok_or(Unreadable::Missing("commit"))?, asked)?,
        parent: info.parent_commit.map(|parent| named(&parent, asked)).transpose()?,
        description: info.description,
        started: time(info.started)?,
        finishing: time(info.finishing)?,
        finished: time(info.finished)?,
        error: info.error,
        size_bytes: u64::try_from(size).unwrap_or(0),
    })
}

pub(super) fn branch_info(info: &BranchMessage, asked: &pfs::Branch) -> Result<BranchInfo, Unreadable> {
    Ok(BranchInfo {
        head: info.head.as_ref().map(|head| named(head, asked)).transpose()?,
        has_provenance: !(info.provenance.is_empty() && info.direct_provenance.is_empty()),
    })
}

pub(super) fn file_info(info: &FileMessage) -> Result<FileInfo, Unreadable> {
    Ok(FileInfo {
        kind: match info.file_type() {
            FileType::File => FileKind::File,
            FileType::Dir => FileKind::Directory,
            FileType::Reserved => return Err(Unreadable::Kind(path_of(info).to_owned())),
        },
        size_bytes: u64::try_from(info.size_bytes).unwrap_or(0),
    })
}

fn path_of(info: &FileMessage) -> &str {
    info.file.as_ref().map_or("", |file| file.path.as_str())
}

/// What differs at a path; `None` for a directory.
pub(super) fn file_diff(answer: &DiffFileResponse) -> Result<Option<FileChange>, Unreadable> {
    let named = answer.new_file.as_ref().or(answer.old_file.as_ref());
    let named = named.ok_or(Unreadable::Missing("new_file"))?;
    if file_info(named)?.kind == FileKind::Directory {
        return Ok(None);
    }
    let path = pfs::FilePath::new(path_of(named))?;
    let size = |side: Option<&FileMessage>| -> Result<Option<u64>, Unreadable> {
        side.map(|file| Ok(file_info(file)?.size_bytes)).transpose()
    };
    let (old, new) = (size(answer.old_file.as_ref())?, size(answer.new_file.as_ref())?);
    Ok(FileChange::between(path, old, new))
}

/// A file that is there, as one that was added; `None` for a directory.
pub(super) fn walked(info: &FileMessage) -> Result<Option<FileChange>, Unreadable> {
    file_diff(&DiffFileResponse {
        new_file: Some(info.clone()),
        old_file: None,
    })
}

pub(super) fn pipeline_kind(info: &PipelineInfo) -> PipelineKind {
    match info.r#type() {
        PipelineType::Transform => PipelineKind::Transform,
        PipelineType::Spout => PipelineKind::Spout,
        PipelineType::Service => PipelineKind::Service,
        PipelineType::Unknown => PipelineKind::Unknown,
    }
}

pub(super) fn start_commit(branch: &pfs::Branch, description: &str) -> StartCommitRequest {
    StartCommitRequest {
        parent: None,
        description: description.to_owned(),
        branch: Some(branch.into()),
    }
}

pub(super) fn finish_commit(commit: &pfs::Commit, description: &str, error: Option<&str>) -> FinishCommitRequest {
    FinishCommitRequest {
        commit: Some(commit.into()),
        description: description.to_owned(),
        error: error.unwrap_or_default().to_owned(),
        force: false,
    }
}

pub(super) fn pipeline_state(info: &PipelineInfo) -> State {
    match info.state() {
        _ if info.stopped => State::Stopped,
        PipelineState::Paused => State::Stopped,
        PipelineState::Failure => State::Failed,
        PipelineState::Crashing | PipelineState::Restarting => State::Crashing,
        PipelineState::Unknown | PipelineState::Starting | PipelineState::Running | PipelineState::Standby => {
            State::Working
        }
    }
}

/// The messages of one `CreateFileSet`.
pub(super) struct FileSetChanges<'a> {
    changes: &'a mut dyn Changes,
    /// The most bytes of a file in one message.
    most: usize,
    path: String,
    /// Of the change in hand, and not sent yet.
    rest: Bytes,
    bytes: u64,
}

impl<'a> FileSetChanges<'a> {
    pub fn new(changes: &'a mut dyn Changes, most: usize) -> Self {
        Self {
            changes,
            most: most.max(1),
            path: String::new(),
            rest: Bytes::new(),
            bytes: 0,
        }
    }

    /// Bytes of files that were given so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// # Errors
    /// As [`Changes::next`].
    pub fn next(&mut self) -> io::Result<Option<ModifyFileRequest>> {
        if !self.rest.is_empty() {
            return Ok(Some(self.piece()));
        }
        Ok(match self.changes.next()? {
            None => None,
            Some(Change::Delete { path }) => Some(ModifyFileRequest {
                delete_file: Some(DeleteFile {
                    path: path.to_owned(),
                    datum: String::new(),
                }),
                ..ModifyFileRequest::default()
            }),
            Some(Change::Append { path, data }) => {
                path.clone_into(&mut self.path);
                self.rest = data;
                Some(self.piece())
            }
        })
    }

    /// The first may be empty: it makes the file exist.
    fn piece(&mut self) -> ModifyFileRequest {
        let value = self.rest.split_to(self.rest.len().min(self.most));
        self.bytes += value.len() as u64;
        ModifyFileRequest {
            add_file: Some(AddFile {
                path: self.path.clone(),
                raw: Some(value.into()),
                ..AddFile::default()
            }),
            ..ModifyFileRequest::default()
        }
    }
}
