//! What is asked of 1.x and what it answers, from and into the domain's words.

use std::io;

use bytes::Bytes;

use crate::pachd::unreadable::Unreadable;
use spoutctl_core::pfs::{self, BranchInfo, CommitId, CommitInfo, FileInfo, FileKind};
use spoutctl_core::sink::{Change, Changes};
use spoutctl_proto::google::Timestamp;
use spoutctl_proto::v1;

/// The repo of pipelines' specs. Every spout's branch depends on it, and may be written all the same.
const SPECS: &str = "__spec__";

pub(super) fn start_commit(branch: &pfs::Branch, description: &str) -> v1::StartCommitRequest {
    v1::StartCommitRequest {
        parent: Some(v1::Commit {
            repo: Some((&branch.repo).into()),
            id: String::new(),
        }),
        branch: branch.name.as_str().to_owned(),
        description: description.to_owned(),
    }
}

/// From the branch's head along the parents; without `to` pachd lists the whole repo.
pub(super) fn list_commit(branch: &pfs::Branch) -> v1::ListCommitRequest {
    v1::ListCommitRequest {
        repo: Some((&branch.repo).into()),
        to: Some(v1::Commit::head_of(branch)),
        ..v1::ListCommitRequest::default()
    }
}

pub(super) fn file(commit: &pfs::Commit, path: &str) -> v1::FileRequest {
    v1::FileRequest {
        file: Some(v1::File {
            commit: Some(commit.into()),
            path: path.to_owned(),
        }),
    }
}

pub(super) fn commit_id(commit: &v1::Commit) -> Result<CommitId, Unreadable> {
    Ok(CommitId::new(&commit.id)?)
}

/// `repo` and `branch` are what was asked for: 1.x says no project.
fn named(commit: &v1::Commit, repo: &pfs::Repo, branch: &pfs::BranchName) -> Result<pfs::Commit, Unreadable> {
    Ok(pfs::Commit {
        repo: repo.clone(),
        branch: branch.clone(),
        id: commit_id(commit)?,
    })
}

/// `repo` and `branch` as in [`named`].
pub(super) fn commit_info(
    info: v1::CommitInfo,
    repo: &pfs::Repo,
    branch: &pfs::BranchName,
) -> Result<CommitInfo, Unreadable> {
    let named = |commit: &v1::Commit| named(commit, repo, branch);
    let time = |time: Option<Timestamp>| time.map(jiff::Timestamp::try_from).transpose();
    let finished = time(info.finished)?;
    // There is no `error` in 1.x. What is finished without a list of files failed, or was given up (recording 071).
    let failed = finished.is_some() && info.tree.is_none() && info.trees.is_empty();
    Ok(CommitInfo {
        // pachd begins none of its own there.
        origin: pfs::Origin::User,
        commit: named(&info.commit.ok_or(Unreadable::Missing("commit"))?)?,
        parent: info.parent_commit.as_ref().map(named).transpose()?,
        description: info.description,
        started: time(info.started)?,
        // The call that closes a commit also finishes it.
        finishing: finished,
        finished,
        error: if failed {
            "finished without its data".to_owned()
        } else {
            String::new()
        },
        size_bytes: info.size_bytes,
    })
}

/// `asked` is the branch of which it was asked.
pub(super) fn branch_info(info: &v1::BranchInfo, asked: &pfs::Branch) -> Result<BranchInfo, Unreadable> {
    let head = info.head.as_ref().map(|head| named(head, &asked.repo, &asked.name));
    let depends = |branch: &v1::Branch| branch.repo.as_ref().is_none_or(|repo| repo.name != SPECS);
    Ok(BranchInfo {
        head: head.transpose()?,
        has_provenance: info.provenance.iter().any(depends),
    })
}

pub(super) fn file_info(info: &v1::FileInfo) -> Result<FileInfo, Unreadable> {
    let kind = match info.file_type() {
        v1::FileType::File => FileKind::File,
        v1::FileType::Dir => FileKind::Directory,
        v1::FileType::Reserved => return Err(Unreadable::Kind(path_of(info).to_owned())),
    };
    Ok(FileInfo {
        kind,
        size_bytes: info.size_bytes,
    })
}

pub(super) fn path_of(info: &v1::FileInfo) -> &str {
    info.file.as_ref().map_or("", |file| file.path.as_str())
}

/// The messages of one `PutFile`. A deletion that the same file follows becomes its `overwrite_index`: pachd works on
/// the files of a stream at the same time, and keeps them in the order in which it is done with them.
pub(super) struct PutFile<'a> {
    changes: &'a mut dyn Changes,
    commit: v1::Commit,
    /// The most bytes of a file in one message.
    most: usize,
    /// Deleted by the change before.
    deleted: Option<String>,
    /// What messages without a file go on with.
    current: Option<String>,
    /// Of the last change, and not sent yet.
    rest: Bytes,
    /// A message that comes after the one just made.
    next: Option<v1::PutFileRequest>,
}

impl<'a> PutFile<'a> {
    pub fn new(commit: &pfs::Commit, changes: &'a mut dyn Changes, most: usize) -> Self {
        Self {
            changes,
            commit: commit.into(),
            most: most.max(1),
            deleted: None,
            current: None,
            rest: Bytes::new(),
            next: None,
        }
    }

    /// The next of the deletions that all else follows; `None` once something else comes, which [`Self::next`] tells.
    ///
    /// # Errors
    /// As [`Changes::next`].
    pub fn next_deletion(&mut self) -> io::Result<Option<v1::PutFileRequest>> {
        if self.next.is_some() {
            return Ok(None);
        }
        loop {
            match self.changes.next()? {
                None => return Ok(self.deleted.take().map(|path| self.delete(path))),
                Some(Change::Delete { path }) => {
                    let path = path.to_owned();
                    if let Some(before) = self.deleted.replace(path) {
                        return Ok(Some(self.delete(before)));
                    }
                }
                Some(Change::Append { path, data }) => {
                    let path = path.to_owned();
                    let message = self.append(path, data);
                    if self.next.is_some() {
                        return Ok(Some(message));
                    }
                    self.next = Some(message);
                    return Ok(None);
                }
            }
        }
    }

    /// # Errors
    /// As [`Changes::next`].
    pub fn next(&mut self) -> io::Result<Option<v1::PutFileRequest>> {
        if let Some(next) = self.next.take() {
            return Ok(Some(next));
        }
        if !self.rest.is_empty() {
            let value = self.piece();
            return Ok(Some(v1::PutFileRequest {
                value,
                ..v1::PutFileRequest::default()
            }));
        }
        match self.next_deletion()? {
            Some(deletion) => Ok(Some(deletion)),
            None => Ok(self.next.take()),
        }
    }

    fn append(&mut self, path: String, data: Bytes) -> v1::PutFileRequest {
        let deleted = self.deleted.take();
        let overwrites = deleted.as_ref() == Some(&path);
        let before = deleted.filter(|_| !overwrites).map(|path| self.delete(path));
        let goes_on = !overwrites && self.current.as_ref() == Some(&path);
        self.rest = data;
        let message = v1::PutFileRequest {
            file: (!goes_on).then(|| self.file(path.clone())),
            value: self.piece(),
            overwrite_index: overwrites.then_some(v1::OverwriteIndex { index: 0 }),
            ..v1::PutFileRequest::default()
        };
        self.current = Some(path);
        match before {
            Some(before) => {
                self.next = Some(message);
                before
            }
            None => message,
        }
    }

    /// A message after it that names no file would go on with nothing.
    fn delete(&mut self, path: String) -> v1::PutFileRequest {
        self.current = None;
        v1::PutFileRequest {
            file: Some(self.file(path)),
            delete: true,
            ..v1::PutFileRequest::default()
        }
    }

    fn file(&self, path: String) -> v1::File {
        v1::File {
            commit: Some(self.commit.clone()),
            path,
        }
    }

    fn piece(&mut self) -> Bytes {
        self.rest.split_to(self.rest.len().min(self.most))
    }
}
