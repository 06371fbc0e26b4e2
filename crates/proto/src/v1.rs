//! `pfs`: the file system of Pachyderm 1.12 and 1.13, which knows neither projects nor file sets.
//!
//! Its messages are never read or written as JSON. The numbers are those of recordings `grpc-1.13`; fields that say
//! nothing to a spout are left out. Version and `google.protobuf` are those of 2.x.

pub mod pps;

use bytes::Bytes;
use prost::Message;

use super::google::{Empty, Timestamp};
use spoutctl_core::pfs::{self, CommitId};

#[derive(Clone, PartialEq, Eq, Message)]
pub struct Repo {
    #[prost(string, tag = "1")]
    pub name: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct Branch {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
    #[prost(string, tag = "2")]
    pub name: String,
}

/// A commit by id, or by the name of the branch whose head it is.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Commit {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
    #[prost(string, tag = "2")]
    pub id: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct File {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    #[prost(string, tag = "2")]
    pub path: String,
}

impl From<&pfs::Repo> for Repo {
    /// Its project is left out: 1.x has none.
    fn from(repo: &pfs::Repo) -> Self {
        Self {
            name: repo.name.as_str().to_owned(),
        }
    }
}

impl From<&pfs::Branch> for Branch {
    fn from(branch: &pfs::Branch) -> Self {
        Self {
            repo: Some((&branch.repo).into()),
            name: branch.name.as_str().to_owned(),
        }
    }
}

impl From<&pfs::Commit> for Commit {
    fn from(commit: &pfs::Commit) -> Self {
        Self::named(&commit.repo, &commit.id)
    }
}

impl Commit {
    #[must_use]
    pub fn named(repo: &pfs::Repo, id: &CommitId) -> Self {
        Self {
            repo: Some(repo.into()),
            id: id.as_str().to_owned(),
        }
    }

    #[must_use]
    pub fn head_of(branch: &pfs::Branch) -> Self {
        Self {
            repo: Some((&branch.repo).into()),
            id: branch.name.as_str().to_owned(),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct CreateRepoRequest {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
    #[prost(string, tag = "3")]
    pub description: String,
    #[prost(bool, tag = "4")]
    pub update: bool,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct InspectRepoRequest {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct ListRepoResponse {
    #[prost(message, repeated, tag = "1")]
    pub repo_info: Vec<RepoInfo>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct DeleteRepoRequest {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
    #[prost(bool, tag = "2")]
    pub force: bool,
    #[prost(bool, tag = "3")]
    pub all: bool,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct RepoInfo {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
    #[prost(message, optional, tag = "2")]
    pub created: Option<Timestamp>,
    #[prost(uint64, tag = "3")]
    pub size_bytes: u64,
    #[prost(string, tag = "5")]
    pub description: String,
    #[prost(message, repeated, tag = "7")]
    pub branches: Vec<Branch>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct InspectBranchRequest {
    #[prost(message, optional, tag = "1")]
    pub branch: Option<Branch>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct BranchInfo {
    #[prost(string, tag = "1")]
    pub name: String,
    /// Unset where every commit was deleted (recording 1.13 057).
    #[prost(message, optional, tag = "2")]
    pub head: Option<Commit>,
    /// All that it depends on, directly or not.
    #[prost(message, repeated, tag = "3")]
    pub provenance: Vec<Branch>,
    #[prost(message, optional, tag = "4")]
    pub branch: Option<Branch>,
}

/// Without a head, one that is there keeps its own.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct CreateBranchRequest {
    #[prost(message, optional, tag = "1")]
    pub head: Option<Commit>,
    #[prost(message, optional, tag = "3")]
    pub branch: Option<Branch>,
    #[prost(message, repeated, tag = "4")]
    pub provenance: Vec<Branch>,
    /// What it says is not read: that it is there is enough.
    #[prost(message, optional, tag = "5")]
    pub trigger: Option<Empty>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct ListBranchRequest {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
    #[prost(bool, tag = "2")]
    pub reverse: bool,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct BranchInfos {
    #[prost(message, repeated, tag = "1")]
    pub branch_info: Vec<BranchInfo>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct DeleteBranchRequest {
    #[prost(message, optional, tag = "1")]
    pub branch: Option<Branch>,
    #[prost(bool, tag = "2")]
    pub force: bool,
}

/// The branch's head becomes the parent when `parent` names a repo alone.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct StartCommitRequest {
    #[prost(message, optional, tag = "1")]
    pub parent: Option<Commit>,
    #[prost(string, tag = "3")]
    pub branch: String,
    #[prost(string, tag = "4")]
    pub description: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct FinishCommitRequest {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    /// Replaces the one that the commit was started with, unless it is empty (recordings 1.13 014, 030).
    #[prost(string, tag = "2")]
    pub description: String,
    /// Finishes it without its data, whatever was put into it (recordings 1.13 070 to 078).
    #[prost(bool, tag = "4")]
    pub empty: bool,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct DeleteCommitRequest {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum CommitState {
    Started = 0,
    /// What it was made of is finished.
    Ready = 1,
    Finished = 2,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct InspectCommitRequest {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    /// Which state is waited for.
    #[prost(enumeration = "CommitState", tag = "2")]
    pub block_state: i32,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct ListCommitRequest {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
    #[prost(message, optional, tag = "2")]
    pub from: Option<Commit>,
    /// From this one along the parents; without it all commits of the repo.
    #[prost(message, optional, tag = "3")]
    pub to: Option<Commit>,
    #[prost(uint64, tag = "4")]
    pub number: u64,
    /// Oldest first; only of the whole repo.
    #[prost(bool, tag = "5")]
    pub reverse: bool,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct CommitInfos {
    #[prost(message, repeated, tag = "1")]
    pub commit_info: Vec<CommitInfo>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct SubscribeCommitRequest {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
    #[prost(string, tag = "2")]
    pub branch: String,
    #[prost(message, optional, tag = "3")]
    pub from: Option<Commit>,
    #[prost(enumeration = "CommitState", tag = "4")]
    pub state: i32,
}

/// `FlushCommit`, and `FlushJob`, which tells of the same commits' jobs.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct FlushCommitRequest {
    #[prost(message, repeated, tag = "1")]
    pub commits: Vec<Commit>,
}

/// What pachd stores by the hash of its bytes.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Object {
    #[prost(string, tag = "1")]
    pub hash: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct CommitInfo {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    #[prost(message, optional, tag = "2")]
    pub parent_commit: Option<Commit>,
    #[prost(message, optional, tag = "3")]
    pub started: Option<Timestamp>,
    #[prost(message, optional, tag = "4")]
    pub finished: Option<Timestamp>,
    #[prost(uint64, tag = "5")]
    pub size_bytes: u64,
    /// Where the list of its files is. Unset in an open commit, in one that was finished without its data, and in a
    /// pipeline's, which has `trees`.
    #[prost(message, optional, tag = "7")]
    pub tree: Option<Object>,
    #[prost(string, tag = "8")]
    pub description: String,
    #[prost(message, repeated, tag = "11")]
    pub child_commits: Vec<Commit>,
    #[prost(message, repeated, tag = "13")]
    pub trees: Vec<Object>,
    #[prost(message, optional, tag = "15")]
    pub branch: Option<Branch>,
    #[prost(message, optional, tag = "17")]
    pub origin: Option<Empty>,
}

/// One message of a stream. The first one of a file names it; those without a file go on with it.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct PutFileRequest {
    #[prost(message, optional, tag = "1")]
    pub file: Option<File>,
    #[prost(bytes = "bytes", tag = "3")]
    pub value: Bytes,
    /// pachd is to fetch the file from there.
    #[prost(string, tag = "5")]
    pub url: String,
    /// By what pachd is to cut it into files; 0 is not at all.
    #[prost(int32, tag = "7")]
    pub delimiter: i32,
    /// The file replaces what is there, instead of going to its end. Clients may say it in every message; that of the
    /// message which names the file counts.
    #[prost(message, optional, tag = "10")]
    pub overwrite_index: Option<OverwriteIndex>,
    #[prost(bool, tag = "12")]
    pub delete: bool,
}

/// From which stored piece of a file on it is replaced: 0 is the whole of it.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct OverwriteIndex {
    #[prost(int64, tag = "1")]
    pub index: i64,
}

/// `InspectFile`, `WalkFile`, `ListFile`, `DeleteFile`; `GetFile` of a whole file.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct FileRequest {
    #[prost(message, optional, tag = "1")]
    pub file: Option<File>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum FileType {
    Reserved = 0,
    File = 1,
    Dir = 2,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct FileInfo {
    #[prost(message, optional, tag = "1")]
    pub file: Option<File>,
    #[prost(enumeration = "FileType", tag = "2")]
    pub file_type: i32,
    #[prost(uint64, tag = "3")]
    pub size_bytes: u64,
    /// The names in a directory.
    #[prost(string, repeated, tag = "6")]
    pub children: Vec<String>,
    #[prost(bytes = "bytes", tag = "7")]
    pub hash: Bytes,
    #[prost(message, repeated, tag = "8")]
    pub objects: Vec<Object>,
    #[prost(message, optional, tag = "10")]
    pub committed: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct FileInfos {
    #[prost(message, repeated, tag = "1")]
    pub file_info: Vec<FileInfo>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct GetFileRequest {
    /// Its path is a glob.
    #[prost(message, optional, tag = "1")]
    pub file: Option<File>,
    #[prost(int64, tag = "2")]
    pub offset_bytes: i64,
    /// 0 is all.
    #[prost(int64, tag = "3")]
    pub size_bytes: i64,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct ListFileRequest {
    #[prost(message, optional, tag = "1")]
    pub file: Option<File>,
    /// How many earlier versions of each file are told of, too.
    #[prost(int64, tag = "3")]
    pub history: i64,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct GlobFileRequest {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    #[prost(string, tag = "2")]
    pub pattern: String,
}

/// Without an old file, the new one's commit is compared with its parent.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct DiffFileRequest {
    #[prost(message, optional, tag = "1")]
    pub new_file: Option<File>,
    #[prost(message, optional, tag = "2")]
    pub old_file: Option<File>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct DiffFileResponse {
    #[prost(message, repeated, tag = "1")]
    pub new_files: Vec<FileInfo>,
    #[prost(message, repeated, tag = "2")]
    pub old_files: Vec<FileInfo>,
}
