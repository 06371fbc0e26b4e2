//! `pfs_v2`: projects, repos, branches and commits; in files of their own, what those are named by, and files and file
//! sets.

mod commit;
mod files;

use std::collections::BTreeMap;

use prost::Message;
use serde::{Deserialize, Serialize};

use super::auth::{Permission, permissions};
use super::google::{Duration, Empty, Timestamp};
use super::json::{self, enumeration, is_unset, unset};

pub use commit::*;
pub use files::*;

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

/// A [`RepoInfo`], as far as somebody needs it who lists names.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ListedRepo {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<Repo>,
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

#[derive(Clone, PartialEq, Eq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InspectProjectV2Response {
    #[prost(message, optional, tag = "1")]
    pub info: Option<ProjectInfo>,
    /// What its pipelines have where their spec says nothing, in JSON.
    #[prost(string, tag = "2")]
    pub defaults_json: String,
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
