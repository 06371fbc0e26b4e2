//! pachd's messages: what is asked and what is answered, named as pachd names them. One struct a message.
//!
//! As in protobuf, every field has a value: a message that is not set is `None`, everything else is empty or zero.
//! In JSON, names are read in `camelCase` and `snake_case`, fields that are not known are passed over, and every field
//! is written. This module knows no door and no store.

mod json;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::json::Seconds;
use self::json::{enumeration, unset};
use super::status::Status;
use crate::pfs::{self, BranchName, CommitId, InvalidName, ProjectName, RepoName};

/// What a call answers that has nothing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Empty {}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Project {
    #[serde(deserialize_with = "unset")]
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Repo {
    #[serde(deserialize_with = "unset")]
    pub name: String,
    #[serde(deserialize_with = "unset")]
    pub r#type: String,
    pub project: Option<Project>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Branch {
    pub repo: Option<Repo>,
    #[serde(deserialize_with = "unset")]
    pub name: String,
}

/// A commit by id, or by the branch whose head it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Commit {
    pub repo: Option<Repo>,
    #[serde(deserialize_with = "unset")]
    pub id: String,
    pub branch: Option<Branch>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CommitSet {
    #[serde(deserialize_with = "unset")]
    pub id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct File {
    pub commit: Option<Commit>,
    #[serde(deserialize_with = "unset")]
    pub path: String,
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

/// In pachd's words (recording http 009).
fn invalid_name(name: &str) -> impl FnOnce(InvalidName) -> Status {
    move |_| {
        Status::unknown(format!(
            "name ({name}) invalid: only alphanumeric characters, underscores, and dashes are allowed"
        ))
    }
}

impl TryFrom<&Project> for ProjectName {
    type Error = Status;

    fn try_from(project: &Project) -> Result<Self, Status> {
        let name = match project.name.as_str() {
            "" => pfs::DEFAULT_PROJECT,
            name => name,
        };
        Self::new(name).map_err(invalid_name(name))
    }
}

impl TryFrom<&Repo> for pfs::Repo {
    type Error = Status;

    /// A missing project is the default one (recording http 057). A missing type is refused, as pachd does by the
    /// accident of a database error (http 012): who forgets it should learn so here.
    fn try_from(repo: &Repo) -> Result<Self, Status> {
        let name = Self {
            project: ProjectName::try_from(&repo.project.clone().unwrap_or_default())?,
            name: RepoName::new(&repo.name).map_err(invalid_name(&repo.name))?,
        };
        match repo.r#type.as_str() {
            USER => Ok(name),
            "" => Err(Status::unknown(format!(
                "repo {name} has no type: \"type\": \"user\" is missing"
            ))),
            other => Err(Status::not_found(format!("repo {name}.{other} not found"))),
        }
    }
}

impl TryFrom<Option<&Repo>> for pfs::Repo {
    type Error = Status;

    fn try_from(repo: Option<&Repo>) -> Result<Self, Status> {
        repo.ok_or_else(|| Status::unknown("repo cannot be nil"))?.try_into()
    }
}

impl TryFrom<&Branch> for pfs::Branch {
    type Error = Status;

    fn try_from(branch: &Branch) -> Result<Self, Status> {
        Ok(Self {
            repo: branch.repo.as_ref().try_into()?,
            name: BranchName::new(&branch.name).map_err(invalid_name(&branch.name))?,
        })
    }
}

impl TryFrom<Option<&Branch>> for pfs::Branch {
    type Error = Status;

    fn try_from(branch: Option<&Branch>) -> Result<Self, Status> {
        branch
            .ok_or_else(|| Status::unknown("branch cannot be nil"))?
            .try_into()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepoInfo {
    pub repo: Option<Repo>,
    pub created: Option<Timestamp>,
    #[serde(with = "json::int64")]
    pub size_bytes_upper_bound: i64,
    pub description: String,
    pub branches: Vec<Branch>,
    pub auth_info: Option<Empty>,
    pub details: Option<RepoDetails>,
    pub metadata: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepoDetails {
    #[serde(with = "json::int64")]
    pub size_bytes: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BranchInfo {
    pub branch: Option<Branch>,
    pub head: Option<Commit>,
    pub provenance: Vec<Branch>,
    pub subvenance: Vec<Branch>,
    pub direct_provenance: Vec<Branch>,
    pub trigger: Option<Empty>,
    pub metadata: BTreeMap<String, String>,
    pub created_by: String,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    pub branch_propagation_specs: Vec<Empty>,
}

enumeration! {
    OriginKind {
        Unknown = 0 "ORIGIN_KIND_UNKNOWN",
        User = 1 "USER",
        Auto = 2 "AUTO",
        Fsck = 3 "FSCK",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CommitOrigin {
    pub kind: OriginKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitInfo {
    pub commit: Option<Commit>,
    pub origin: Option<CommitOrigin>,
    pub description: String,
    pub parent_commit: Option<Commit>,
    /// With their branch, other than `commit` and `parent_commit` (recording http 077).
    pub child_commits: Vec<Commit>,
    pub started: Option<Timestamp>,
    pub finishing: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    pub direct_provenance: Vec<Commit>,
    pub direct_subvenance: Vec<Commit>,
    pub error: String,
    #[serde(with = "json::int64")]
    pub size_bytes_upper_bound: i64,
    pub details: Option<CommitDetails>,
    pub metadata: BTreeMap<String, String>,
    pub created_by: String,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitDetails {
    #[serde(with = "json::int64")]
    pub size_bytes: i64,
    pub compacting_time: Option<Seconds>,
    pub validating_time: Option<Seconds>,
}

enumeration! {
    FileType {
        Reserved = 0 "RESERVED",
        File = 1 "FILE",
        Dir = 2 "DIR",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileInfo {
    pub file: Option<File>,
    pub file_type: FileType,
    pub committed: Option<Timestamp>,
    #[serde(with = "json::int64")]
    pub size_bytes: i64,
    #[serde(with = "json::bytes")]
    pub hash: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectInfo {
    pub project: Option<Project>,
    pub description: String,
    pub auth_info: Option<Empty>,
    pub created_at: Option<Timestamp>,
    pub metadata: BTreeMap<String, String>,
    pub created_by: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CreateProjectRequest {
    pub project: Option<Project>,
    #[serde(deserialize_with = "unset")]
    pub description: String,
    #[serde(deserialize_with = "unset")]
    pub update: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InspectProjectRequest {
    pub project: Option<Project>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CreateRepoRequest {
    pub repo: Option<Repo>,
    #[serde(deserialize_with = "unset")]
    pub description: String,
    #[serde(deserialize_with = "unset")]
    pub update: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InspectRepoRequest {
    pub repo: Option<Repo>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListRepoRequest {
    #[serde(deserialize_with = "unset")]
    pub r#type: String,
    #[serde(deserialize_with = "unset")]
    pub projects: Vec<Project>,
    pub page: Option<RepoPage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RepoPage {
    #[serde(alias = "page_size", with = "json::int64")]
    pub page_size: i64,
    #[serde(alias = "page_index", with = "json::int64")]
    pub page_index: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeleteRepoRequest {
    pub repo: Option<Repo>,
    #[serde(deserialize_with = "unset")]
    pub force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DeleteRepoResponse {
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

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StartCommitRequest {
    pub parent: Option<Commit>,
    #[serde(deserialize_with = "unset")]
    pub description: String,
    pub branch: Option<Branch>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FinishCommitRequest {
    pub commit: Option<Commit>,
    #[serde(deserialize_with = "unset")]
    pub description: String,
    #[serde(deserialize_with = "unset")]
    pub error: String,
    #[serde(deserialize_with = "unset")]
    pub force: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InspectCommitRequest {
    pub commit: Option<Commit>,
    pub wait: CommitState,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListCommitRequest {
    pub repo: Option<Repo>,
    pub from: Option<Commit>,
    pub to: Option<Commit>,
    #[serde(with = "json::int64")]
    pub number: i64,
    #[serde(deserialize_with = "unset")]
    pub reverse: bool,
    #[serde(deserialize_with = "unset")]
    pub all: bool,
    #[serde(alias = "origin_kind")]
    pub origin_kind: OriginKind,
    #[serde(alias = "started_time")]
    pub started_time: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct InspectCommitSetRequest {
    #[serde(alias = "commit_set")]
    pub commit_set: Option<CommitSet>,
    #[serde(deserialize_with = "unset")]
    pub wait: bool,
}

/// `SquashCommitSet` and `DropCommitSet`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CommitSetRequest {
    #[serde(alias = "commit_set")]
    pub commit_set: Option<CommitSet>,
}

/// `SquashCommit` and `DropCommit`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RemoveCommitRequest {
    pub commit: Option<Commit>,
    #[serde(deserialize_with = "unset")]
    pub recursive: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClearCommitRequest {
    pub commit: Option<Commit>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SubscribeCommitRequest {
    pub repo: Option<Repo>,
    #[serde(deserialize_with = "unset")]
    pub branch: String,
    pub from: Option<Commit>,
    pub state: CommitState,
    #[serde(deserialize_with = "unset")]
    pub all: bool,
    #[serde(alias = "origin_kind")]
    pub origin_kind: OriginKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CreateBranchRequest {
    pub head: Option<Commit>,
    pub branch: Option<Branch>,
    #[serde(deserialize_with = "unset")]
    pub provenance: Vec<Branch>,
    pub trigger: Option<Empty>,
    #[serde(alias = "new_commit_set", deserialize_with = "unset")]
    pub new_commit_set: bool,
    #[serde(alias = "branch_propagation_specs", deserialize_with = "unset")]
    pub branch_propagation_specs: Vec<Empty>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InspectBranchRequest {
    pub branch: Option<Branch>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListBranchRequest {
    pub repo: Option<Repo>,
    #[serde(deserialize_with = "unset")]
    pub reverse: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeleteBranchRequest {
    pub branch: Option<Branch>,
    #[serde(deserialize_with = "unset")]
    pub force: bool,
}

/// One message of the streams that `ModifyFile` and `CreateFileSet` read: exactly one of its fields is set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ModifyFileRequest {
    #[serde(alias = "set_commit")]
    pub set_commit: Option<Commit>,
    #[serde(alias = "add_file")]
    pub add_file: Option<AddFile>,
    #[serde(alias = "delete_file")]
    pub delete_file: Option<DeleteFile>,
    #[serde(alias = "copy_file")]
    pub copy_file: Option<Ignored>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct AddFile {
    #[serde(deserialize_with = "unset")]
    pub path: String,
    #[serde(deserialize_with = "unset")]
    pub datum: String,
    /// Without them the file is empty.
    #[serde(deserialize_with = "json::bytes_value")]
    pub raw: Option<Vec<u8>>,
    pub url: Option<Ignored>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct DeleteFile {
    #[serde(deserialize_with = "unset")]
    pub path: String,
    #[serde(deserialize_with = "unset")]
    pub datum: String,
}

/// A message of which only counts that it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct Ignored {}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateFileSetResponse {
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

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct GetFileSetRequest {
    pub commit: Option<Commit>,
    pub r#type: FileSetType,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AddFileSetRequest {
    pub commit: Option<Commit>,
    #[serde(alias = "file_set_id", deserialize_with = "unset")]
    pub file_set_id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RenewFileSetRequest {
    #[serde(alias = "file_set_id", deserialize_with = "unset")]
    pub file_set_id: String,
    #[serde(alias = "ttl_seconds", with = "json::int64")]
    pub ttl_seconds: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ComposeFileSetRequest {
    #[serde(alias = "file_set_ids", deserialize_with = "unset")]
    pub file_set_ids: Vec<String>,
    #[serde(alias = "ttl_seconds", with = "json::int64")]
    pub ttl_seconds: i64,
}

/// `GetFile` and `GetFileTAR`; the path is a glob.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GetFileRequest {
    pub file: Option<File>,
    #[serde(rename = "URL", deserialize_with = "unset")]
    pub url: String,
    #[serde(with = "json::int64")]
    pub offset: i64,
    #[serde(alias = "path_range")]
    pub path_range: Option<PathRange>,
}

/// A piece of a file (`google.protobuf.BytesValue`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json::bytes::serialize(&self.0, serializer)
    }
}

/// From `lower` up to, but without, `upper`; an empty end is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct PathRange {
    #[serde(deserialize_with = "unset")]
    pub lower: String,
    #[serde(deserialize_with = "unset")]
    pub upper: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct InspectFileRequest {
    pub file: Option<File>,
}

/// `ListFile` and `WalkFile`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListFileRequest {
    pub file: Option<File>,
    /// Answers begin after this file.
    pub pagination_marker: Option<File>,
    /// At most so many; 0 is all.
    #[serde(with = "json::int64")]
    pub number: i64,
    #[serde(deserialize_with = "unset")]
    pub reverse: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GlobFileRequest {
    pub commit: Option<Commit>,
    #[serde(deserialize_with = "unset")]
    pub pattern: String,
    #[serde(alias = "path_range")]
    pub path_range: Option<PathRange>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DiffFileRequest {
    #[serde(alias = "new_file")]
    pub new_file: Option<File>,
    #[serde(alias = "old_file")]
    pub old_file: Option<File>,
    /// Has no effect in pachd 2.12 (recording follow 014), and so none here.
    #[serde(deserialize_with = "unset")]
    pub shallow: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiffFileResponse {
    pub new_file: Option<FileInfo>,
    pub old_file: Option<FileInfo>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Transaction {
    #[serde(deserialize_with = "unset")]
    pub id: String,
}

/// `InspectTransaction`, `FinishTransaction` and `DeleteTransaction`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct OneTransactionRequest {
    pub transaction: Option<Transaction>,
}

/// One call that a transaction will make: exactly one of its fields is set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TransactionRequest {
    pub create_repo: Option<CreateRepoRequest>,
    pub delete_repo: Option<DeleteRepoRequest>,
    pub start_commit: Option<StartCommitRequest>,
    pub finish_commit: Option<FinishCommitRequest>,
    pub squash_commit_set: Option<CommitSetRequest>,
    pub create_branch: Option<CreateBranchRequest>,
    pub delete_branch: Option<DeleteBranchRequest>,
    pub update_job_state: Option<Empty>,
    pub stop_job: Option<Empty>,
    pub create_pipeline_v2: Option<Empty>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TransactionResponse {
    pub commit: Option<Commit>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransactionInfo {
    pub transaction: Option<Transaction>,
    pub requests: Vec<TransactionRequest>,
    pub responses: Vec<TransactionResponse>,
    pub started: Option<Timestamp>,
    /// How many calls were recorded.
    #[serde(with = "json::int64")]
    pub version: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionInfos {
    pub transaction_info: Vec<TransactionInfo>,
}
