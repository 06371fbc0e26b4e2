//! `pfs_v2`: projects, repos, branches, commits, files and file sets.

use std::collections::BTreeMap;

use prost::Message;
use serde::{Deserialize, Serialize};

use super::auth::{Permission, permissions};
use super::google::{BytesValue, Duration, Empty, Timestamp};
use super::json::{self, enumeration, is_unset, unset};
use spoutctl_core::pfs::{self, CommitId};

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Project {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub name: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Repo {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub name: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub r#type: String,
    #[prost(message, optional, tag = "3")]
    pub project: Option<Project>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Branch {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub name: String,
}

/// A commit by id, or by the branch whose head it is.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Commit {
    #[prost(message, optional, tag = "3")]
    pub repo: Option<Repo>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub id: String,
    #[prost(message, optional, tag = "1")]
    pub branch: Option<Branch>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct CommitSet {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub id: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct File {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub path: String,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub datum: String,
}

/// The user's type of repo: the only one that a store without pipelines has.
pub const USER: &str = "user";

impl From<&pfs::Repo> for Repo {
    fn from(repo: &pfs::Repo) -> Self {
        Self {
            name: repo.name.as_str().to_owned(),
            r#type: USER.to_owned(),
            project: Some(Project {
                name: repo.project.as_str().to_owned(),
            }),
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
    /// By repo, id and branch, which every 2.x finds a commit by: 2.0 to 2.5 know no `repo` there.
    fn from(commit: &pfs::Commit) -> Self {
        Self {
            repo: Some((&commit.repo).into()),
            id: commit.id.as_str().to_owned(),
            branch: Some(Branch {
                repo: Some((&commit.repo).into()),
                name: commit.branch.as_str().to_owned(),
            }),
        }
    }
}

impl Commit {
    /// As pachd names a commit in most answers: by repo and id, without a branch.
    #[must_use]
    pub fn named(repo: &pfs::Repo, id: &CommitId) -> Self {
        Self {
            repo: Some(repo.into()),
            id: id.as_str().to_owned(),
            branch: None,
        }
    }

    /// The repo that it is in: its own, or its branch's (2.0 to 2.5 know no other; recording protocol 100).
    #[must_use]
    pub fn repo(&self) -> Option<&Repo> {
        let branch = self.branch.as_ref();
        self.repo
            .as_ref()
            .or_else(|| branch.and_then(|branch| branch.repo.as_ref()))
    }
}

#[derive(Clone, PartialEq, Eq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepoInfo {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
    #[prost(message, optional, tag = "2")]
    pub created: Option<Timestamp>,
    #[prost(int64, tag = "3")]
    #[serde(with = "json::int64")]
    pub size_bytes_upper_bound: i64,
    #[prost(string, tag = "4")]
    pub description: String,
    #[prost(message, repeated, tag = "5")]
    pub branches: Vec<Branch>,
    #[prost(message, optional, tag = "6")]
    pub auth_info: Option<AuthInfo>,
    #[prost(message, optional, tag = "7")]
    pub details: Option<RepoDetails>,
    #[prost(btree_map = "string, string", tag = "8")]
    pub metadata: BTreeMap<String, String>,
}

/// What the caller may do with something; told where tokens are asked for.
#[derive(Clone, PartialEq, Eq, Message, Serialize)]
pub struct AuthInfo {
    #[prost(enumeration = "Permission", repeated, tag = "1")]
    #[serde(serialize_with = "permissions::serialize")]
    pub permissions: Vec<i32>,
    #[prost(string, repeated, tag = "2")]
    pub roles: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepoDetails {
    #[prost(int64, tag = "1")]
    #[serde(with = "json::int64")]
    pub size_bytes: i64,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BranchInfo {
    #[prost(message, optional, tag = "1")]
    pub branch: Option<Branch>,
    #[prost(message, optional, tag = "2")]
    pub head: Option<Commit>,
    #[prost(message, repeated, tag = "3")]
    pub provenance: Vec<Branch>,
    #[prost(message, repeated, tag = "4")]
    pub subvenance: Vec<Branch>,
    #[prost(message, repeated, tag = "5")]
    pub direct_provenance: Vec<Branch>,
    #[prost(message, optional, tag = "6")]
    pub trigger: Option<Empty>,
    #[prost(btree_map = "string, string", tag = "7")]
    pub metadata: BTreeMap<String, String>,
    #[prost(string, tag = "8")]
    pub created_by: String,
    #[prost(message, optional, tag = "9")]
    pub created_at: Option<Timestamp>,
    #[prost(message, optional, tag = "10")]
    pub updated_at: Option<Timestamp>,
    #[prost(message, repeated, tag = "11")]
    pub branch_propagation_specs: Vec<Empty>,
}

enumeration! {
    OriginKind {
        Unknown = 0 "ORIGIN_KIND_UNKNOWN",
        User = 1 "USER",
        Auto = 2 "AUTO",
        Fsck = 3 "FSCK",
        /// 2.0 to 2.5 alone: a branch's head that stands for a commit of another branch.
        Alias = 4 "ALIAS",
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct CommitOrigin {
    #[prost(enumeration = "OriginKind", tag = "1")]
    #[serde(with = "OriginKind")]
    pub kind: i32,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CommitInfo {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    #[prost(message, optional, tag = "2")]
    pub origin: Option<CommitOrigin>,
    #[prost(string, tag = "3")]
    pub description: String,
    #[prost(message, optional, tag = "4")]
    pub parent_commit: Option<Commit>,
    /// With their branch, other than `commit` and `parent_commit` (recording http 077).
    #[prost(message, repeated, tag = "5")]
    pub child_commits: Vec<Commit>,
    #[prost(message, optional, tag = "6")]
    pub started: Option<Timestamp>,
    #[prost(message, optional, tag = "7")]
    pub finishing: Option<Timestamp>,
    #[prost(message, optional, tag = "8")]
    pub finished: Option<Timestamp>,
    #[prost(message, repeated, tag = "13")]
    pub direct_provenance: Vec<Commit>,
    /// What `direct_provenance` was before 2.6, when there was no gateway to write it in JSON.
    #[prost(message, repeated, tag = "9")]
    #[serde(skip)]
    pub direct_provenance_branches: Vec<Branch>,
    #[prost(message, repeated, tag = "15")]
    pub direct_subvenance: Vec<Commit>,
    #[prost(string, tag = "10")]
    pub error: String,
    #[prost(int64, tag = "11")]
    #[serde(with = "json::int64")]
    pub size_bytes_upper_bound: i64,
    #[prost(message, optional, tag = "12")]
    pub details: Option<CommitDetails>,
    #[prost(btree_map = "string, string", tag = "14")]
    pub metadata: BTreeMap<String, String>,
    #[prost(string, tag = "16")]
    pub created_by: String,
    #[prost(message, optional, tag = "17")]
    pub created_at: Option<Timestamp>,
    #[prost(message, optional, tag = "18")]
    pub updated_at: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CommitDetails {
    #[prost(int64, tag = "1")]
    #[serde(with = "json::int64")]
    pub size_bytes: i64,
    #[prost(message, optional, tag = "2")]
    pub compacting_time: Option<Duration>,
    #[prost(message, optional, tag = "3")]
    pub validating_time: Option<Duration>,
}

enumeration! {
    FileType {
        Reserved = 0 "RESERVED",
        File = 1 "FILE",
        Dir = 2 "DIR",
    }
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FileInfo {
    #[prost(message, optional, tag = "1")]
    pub file: Option<File>,
    #[prost(enumeration = "FileType", tag = "2")]
    #[serde(with = "FileType")]
    pub file_type: i32,
    #[prost(message, optional, tag = "3")]
    pub committed: Option<Timestamp>,
    #[prost(int64, tag = "4")]
    #[serde(with = "json::int64")]
    pub size_bytes: i64,
    #[prost(bytes = "vec", tag = "5")]
    #[serde(with = "json::bytes")]
    pub hash: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectInfo {
    #[prost(message, optional, tag = "1")]
    pub project: Option<Project>,
    #[prost(string, tag = "2")]
    pub description: String,
    #[prost(message, optional, tag = "3")]
    pub auth_info: Option<AuthInfo>,
    #[prost(message, optional, tag = "4")]
    pub created_at: Option<Timestamp>,
    #[prost(btree_map = "string, string", tag = "5")]
    pub metadata: BTreeMap<String, String>,
    #[prost(string, tag = "6")]
    pub created_by: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct CreateProjectRequest {
    #[prost(message, optional, tag = "1")]
    pub project: Option<Project>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub description: String,
    #[prost(bool, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub update: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct InspectProjectRequest {
    #[prost(message, optional, tag = "1")]
    pub project: Option<Project>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct CreateRepoRequest {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub description: String,
    #[prost(bool, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub update: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct InspectRepoRequest {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ListRepoRequest {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub r#type: String,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub projects: Vec<Project>,
    #[prost(message, optional, tag = "3")]
    pub page: Option<RepoPage>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RepoPage {
    #[prost(int64, tag = "2")]
    #[serde(alias = "page_size", with = "json::int64")]
    pub page_size: i64,
    #[prost(int64, tag = "3")]
    #[serde(alias = "page_index", with = "json::int64")]
    pub page_index: i64,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct DeleteRepoRequest {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
    #[prost(bool, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub force: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct DeleteProjectRequest {
    #[prost(message, optional, tag = "1")]
    pub project: Option<Project>,
    /// With what is in it.
    #[prost(bool, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub force: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct DeleteReposRequest {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub projects: Vec<Project>,
    #[prost(bool, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub force: bool,
    /// Those of every project.
    #[prost(bool, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub all: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize)]
pub struct DeleteReposResponse {
    #[prost(message, repeated, tag = "1")]
    pub repos: Vec<Repo>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message, Serialize)]
pub struct DeleteRepoResponse {
    #[prost(bool, tag = "1")]
    pub deleted: bool,
}

enumeration! {
    /// How far along a commit is.
    CommitState {
        Unknown = 0 "COMMIT_STATE_UNKNOWN",
        Started = 1 "STARTED",
        /// Everything that it comes from is finished: with no pipelines, the same as started.
        Ready = 2 "READY",
        Finishing = 3 "FINISHING",
        Finished = 4 "FINISHED",
    }
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct StartCommitRequest {
    #[prost(message, optional, tag = "1")]
    pub parent: Option<Commit>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub description: String,
    #[prost(message, optional, tag = "3")]
    pub branch: Option<Branch>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct FinishCommitRequest {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub description: String,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub error: String,
    #[prost(bool, tag = "4")]
    #[serde(deserialize_with = "unset")]
    pub force: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct InspectCommitRequest {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    #[prost(enumeration = "CommitState", tag = "2")]
    #[serde(with = "CommitState", skip_serializing_if = "is_unset")]
    pub wait: i32,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListCommitRequest {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
    #[prost(message, optional, tag = "2")]
    pub from: Option<Commit>,
    #[prost(message, optional, tag = "3")]
    pub to: Option<Commit>,
    #[prost(int64, tag = "4")]
    #[serde(with = "json::int64", skip_serializing_if = "is_unset")]
    pub number: i64,
    #[prost(bool, tag = "5")]
    #[serde(deserialize_with = "unset")]
    pub reverse: bool,
    #[prost(bool, tag = "6")]
    #[serde(deserialize_with = "unset")]
    pub all: bool,
    #[prost(enumeration = "OriginKind", tag = "7")]
    #[serde(alias = "origin_kind")]
    #[serde(with = "OriginKind", skip_serializing_if = "is_unset")]
    pub origin_kind: i32,
    #[prost(message, optional, tag = "8")]
    #[serde(alias = "started_time")]
    pub started_time: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct InspectCommitSetRequest {
    #[prost(message, optional, tag = "1")]
    #[serde(alias = "commit_set")]
    pub commit_set: Option<CommitSet>,
    #[prost(bool, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub wait: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ListCommitSetRequest {
    #[prost(message, optional, tag = "1")]
    pub project: Option<Project>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitSetInfo {
    #[prost(message, optional, tag = "1")]
    pub commit_set: Option<CommitSet>,
    #[prost(message, repeated, tag = "2")]
    pub commits: Vec<CommitInfo>,
}

/// `SquashCommitSet` and `DropCommitSet`.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CommitSetRequest {
    #[prost(message, optional, tag = "1")]
    #[serde(alias = "commit_set")]
    pub commit_set: Option<CommitSet>,
}

/// `SquashCommit` and `DropCommit`.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct RemoveCommitRequest {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    #[prost(bool, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub recursive: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ClearCommitRequest {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SubscribeCommitRequest {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub branch: String,
    #[prost(message, optional, tag = "3")]
    pub from: Option<Commit>,
    #[prost(enumeration = "CommitState", tag = "4")]
    #[serde(with = "CommitState", skip_serializing_if = "is_unset")]
    pub state: i32,
    #[prost(bool, tag = "5")]
    #[serde(deserialize_with = "unset")]
    pub all: bool,
    #[prost(enumeration = "OriginKind", tag = "6")]
    #[serde(alias = "origin_kind")]
    #[serde(with = "OriginKind", skip_serializing_if = "is_unset")]
    pub origin_kind: i32,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CreateBranchRequest {
    #[prost(message, optional, tag = "1")]
    pub head: Option<Commit>,
    #[prost(message, optional, tag = "2")]
    pub branch: Option<Branch>,
    #[prost(message, repeated, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub provenance: Vec<Branch>,
    #[prost(message, optional, tag = "4")]
    pub trigger: Option<Empty>,
    #[prost(bool, tag = "5")]
    #[serde(alias = "new_commit_set", deserialize_with = "unset")]
    pub new_commit_set: bool,
    #[prost(message, repeated, tag = "6")]
    #[serde(alias = "branch_propagation_specs", deserialize_with = "unset")]
    pub branch_propagation_specs: Vec<Empty>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct InspectBranchRequest {
    #[prost(message, optional, tag = "1")]
    pub branch: Option<Branch>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ListBranchRequest {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
    #[prost(bool, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub reverse: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct DeleteBranchRequest {
    #[prost(message, optional, tag = "1")]
    pub branch: Option<Branch>,
    #[prost(bool, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub force: bool,
}

/// One message of the streams that `ModifyFile` and `CreateFileSet` read: exactly one of its fields is set.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ModifyFileRequest {
    #[prost(message, optional, tag = "1")]
    #[serde(alias = "set_commit")]
    pub set_commit: Option<Commit>,
    #[prost(message, optional, tag = "2")]
    #[serde(alias = "add_file")]
    pub add_file: Option<AddFile>,
    #[prost(message, optional, tag = "3")]
    #[serde(alias = "delete_file")]
    pub delete_file: Option<DeleteFile>,
    #[prost(message, optional, tag = "4")]
    #[serde(alias = "copy_file")]
    pub copy_file: Option<CopyFile>,
}

impl ModifyFileRequest {
    /// Appends the message in JSON, as one line of such a stream. Base64 goes straight into the text: it is what an upload
    /// through the gateway spends its time with.
    ///
    /// # Errors
    /// When a value has no form in JSON.
    pub fn write_line(&self, line: &mut String) -> serde_json::Result<()> {
        match self {
            Self {
                add_file:
                    Some(AddFile {
                        path,
                        datum,
                        raw: Some(raw),
                        url: None,
                    }),
                set_commit: None,
                delete_file: None,
                copy_file: None,
            } if datum.is_empty() && !raw.value.is_empty() => {
                line.push_str("{\"addFile\":{\"path\":");
                line.push_str(&serde_json::to_string(path)?);
                line.push_str(",\"raw\":\"");
                json::bytes::append(&raw.value, line);
                line.push_str("\"}}\n");
            }
            other => {
                line.push_str(&json::populated(other)?.to_string());
                line.push('\n');
            }
        }
        Ok(())
    }
}

/// A file or a directory of another commit of the repo.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct CopyFile {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub dst: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub datum: String,
    #[prost(message, optional, tag = "3")]
    pub src: Option<File>,
    /// To what is there already, instead of in its place.
    #[prost(bool, tag = "4")]
    #[serde(deserialize_with = "unset")]
    pub append: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct AddFile {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub path: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub datum: String,
    /// Without them the file is empty.
    #[prost(message, optional, tag = "3")]
    pub raw: Option<BytesValue>,
    #[prost(message, optional, tag = "4")]
    pub url: Option<UrlSource>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct UrlSource {
    #[prost(string, tag = "1")]
    #[serde(rename = "URL", alias = "url", deserialize_with = "unset")]
    pub url: String,
    #[prost(bool, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub recursive: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct DeleteFile {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub path: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub datum: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CreateFileSetResponse {
    #[prost(string, tag = "1")]
    pub file_set_id: String,
}

enumeration! {
    FileSetType {
        /// The whole tree of the commit.
        Total = 0 "TOTAL",
        /// What the commit changed.
        Diff = 1 "DIFF",
    }
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct GetFileSetRequest {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    #[prost(enumeration = "FileSetType", tag = "2")]
    #[serde(with = "FileSetType")]
    pub r#type: i32,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AddFileSetRequest {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    #[prost(string, tag = "2")]
    #[serde(alias = "file_set_id", deserialize_with = "unset")]
    pub file_set_id: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RenewFileSetRequest {
    #[prost(string, tag = "1")]
    #[serde(alias = "file_set_id", deserialize_with = "unset")]
    pub file_set_id: String,
    #[prost(int64, tag = "2")]
    #[serde(alias = "ttl_seconds", with = "json::int64", skip_serializing_if = "is_unset")]
    pub ttl_seconds: i64,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ComposeFileSetRequest {
    #[prost(string, repeated, tag = "1")]
    #[serde(alias = "file_set_ids", deserialize_with = "unset")]
    pub file_set_ids: Vec<String>,
    #[prost(int64, tag = "2")]
    #[serde(alias = "ttl_seconds", with = "json::int64", skip_serializing_if = "is_unset")]
    pub ttl_seconds: i64,
}

/// `GetFile` and `GetFileTAR`; the path is a glob.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GetFileRequest {
    #[prost(message, optional, tag = "1")]
    pub file: Option<File>,
    #[prost(string, tag = "2")]
    #[serde(rename = "URL", deserialize_with = "unset")]
    pub url: String,
    #[prost(int64, tag = "3")]
    #[serde(with = "json::int64", skip_serializing_if = "is_unset")]
    pub offset: i64,
    #[prost(message, optional, tag = "4")]
    #[serde(alias = "path_range")]
    pub path_range: Option<PathRange>,
}

/// From `lower` up to, but without, `upper`; an empty end is none.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct PathRange {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub lower: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub upper: String,
}

impl PathRange {
    /// Whether the path is not before its lower end.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        path >= self.lower.as_str()
    }

    /// Whether its upper end is at the path or before it.
    #[must_use]
    pub fn ends_before(&self, path: &str) -> bool {
        !self.upper.is_empty() && path >= self.upper.as_str()
    }
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct InspectFileRequest {
    #[prost(message, optional, tag = "1")]
    pub file: Option<File>,
}

/// `ListFile`.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListFileRequest {
    #[prost(message, optional, tag = "1")]
    pub file: Option<File>,
    /// Answers begin after this file.
    #[prost(message, optional, tag = "3")]
    pub pagination_marker: Option<File>,
    /// At most so many; 0 is all.
    #[prost(int64, tag = "4")]
    #[serde(with = "json::int64")]
    pub number: i64,
    #[prost(bool, tag = "5")]
    #[serde(deserialize_with = "unset")]
    pub reverse: bool,
}

/// What [`ListFileRequest`] is for `WalkFile`: the same names, other numbers.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WalkFileRequest {
    #[prost(message, optional, tag = "1")]
    pub file: Option<File>,
    #[prost(message, optional, tag = "2")]
    pub pagination_marker: Option<File>,
    #[prost(int64, tag = "3")]
    #[serde(with = "json::int64", skip_serializing_if = "is_unset")]
    pub number: i64,
    #[prost(bool, tag = "4")]
    #[serde(deserialize_with = "unset")]
    pub reverse: bool,
}

impl From<WalkFileRequest> for ListFileRequest {
    fn from(request: WalkFileRequest) -> Self {
        Self {
            file: request.file,
            pagination_marker: request.pagination_marker,
            number: request.number,
            reverse: request.reverse,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GlobFileRequest {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub pattern: String,
    #[prost(message, optional, tag = "3")]
    #[serde(alias = "path_range")]
    pub path_range: Option<PathRange>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DiffFileRequest {
    #[prost(message, optional, tag = "1")]
    #[serde(alias = "new_file")]
    pub new_file: Option<File>,
    #[prost(message, optional, tag = "2")]
    #[serde(alias = "old_file")]
    pub old_file: Option<File>,
    /// Has no effect in pachd 2.12 (recording follow 014), and so none here.
    #[prost(bool, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub shallow: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DiffFileResponse {
    #[prost(message, optional, tag = "1")]
    pub new_file: Option<FileInfo>,
    #[prost(message, optional, tag = "2")]
    pub old_file: Option<FileInfo>,
}
