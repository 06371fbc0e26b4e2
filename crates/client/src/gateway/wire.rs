//! pachd's messages as the gateway writes them in JSON, and their translation into our words.
//!
//! Requests are written in `camelCase`, always with the repo's type and project (http 012, 057). In answers 64-bit
//! integers are strings, unset messages are `null`, and fields that we do not know are passed over. This module sends
//! nothing.

use std::fmt;

use jiff::Timestamp;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::pachd::Identity;
use spoutctl_core::pfs::{
    self, BranchName, CommitId, FileKind, FilePath, FileSetId, PipelineKind, ProjectName, RepoName,
};
use spoutctl_core::pipelines::{Running, State};
use spoutctl_core::source::FileChange;

/// A field of an answer that is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("{field}: {why}")]
pub(super) struct Unreadable {
    field: &'static str,
    why: String,
}

fn unreadable(field: &'static str, why: impl fmt::Display) -> Unreadable {
    Unreadable {
        field,
        why: why.to_string(),
    }
}

#[derive(Serialize)]
struct Project<'a> {
    name: &'a str,
}

#[derive(Serialize)]
pub(super) struct InspectProject<'a> {
    project: Project<'a>,
}

impl<'a> From<&'a ProjectName> for InspectProject<'a> {
    fn from(project: &'a ProjectName) -> Self {
        let name = project.as_str();
        Self {
            project: Project { name },
        }
    }
}

#[derive(Serialize)]
pub(super) struct Repo<'a> {
    name: &'a str,
    r#type: &'static str,
    project: Project<'a>,
}

impl<'a> From<&'a pfs::Repo> for Repo<'a> {
    fn from(repo: &'a pfs::Repo) -> Self {
        Self {
            name: repo.name.as_str(),
            r#type: "user",
            project: Project {
                name: repo.project.as_str(),
            },
        }
    }
}

#[derive(Serialize)]
pub(super) struct Branch<'a> {
    repo: Repo<'a>,
    name: &'a str,
}

impl<'a> Branch<'a> {
    fn new(repo: &'a pfs::Repo, name: &'a BranchName) -> Self {
        Self {
            repo: repo.into(),
            name: name.as_str(),
        }
    }
}

impl<'a> From<&'a pfs::Branch> for Branch<'a> {
    fn from(branch: &'a pfs::Branch) -> Self {
        Self::new(&branch.repo, &branch.name)
    }
}

#[derive(Serialize)]
pub(super) struct Commit<'a> {
    repo: Repo<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    branch: Branch<'a>,
}

impl<'a> From<&'a pfs::Commit> for Commit<'a> {
    fn from(commit: &'a pfs::Commit) -> Self {
        Self {
            repo: (&commit.repo).into(),
            id: Some(commit.id.as_str()),
            branch: Branch::new(&commit.repo, &commit.branch),
        }
    }
}

impl<'a> Commit<'a> {
    /// The branch's head, whichever it is when pachd looks.
    pub fn head_of(branch: &'a pfs::Branch) -> Self {
        Self {
            repo: (&branch.repo).into(),
            id: None,
            branch: branch.into(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct RepoRequest<'a> {
    pub repo: Repo<'a>,
}

#[derive(Serialize)]
pub(super) struct Authorize {
    resource: Resource,
    permissions: [&'static str; 2],
}

#[derive(Serialize)]
struct Resource {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
}

impl Authorize {
    /// What `put` does to a repo: it looks at commits, and writes some.
    pub(super) fn to_write(repo: &pfs::Repo) -> Self {
        Self {
            resource: Resource {
                kind: "REPO",
                name: repo.to_string(),
            },
            permissions: ["REPO_READ", "REPO_WRITE"],
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Authorization {
    #[serde(default)]
    pub missing: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct BranchRequest<'a> {
    pub branch: Branch<'a>,
}

#[derive(Serialize)]
pub(super) struct StartCommit<'a> {
    branch: Branch<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
}

impl<'a> StartCommit<'a> {
    pub fn new(branch: &'a pfs::Branch, description: &'a str) -> Self {
        Self {
            branch: branch.into(),
            description,
        }
    }
}

#[derive(Serialize)]
pub(super) struct CreateBranch<'a> {
    branch: Branch<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<Commit<'a>>,
}

impl<'a> CreateBranch<'a> {
    pub fn new(branch: &'a pfs::Branch, head: Option<&'a pfs::Commit>) -> Self {
        Self {
            branch: branch.into(),
            head: head.map(Commit::from),
        }
    }
}

#[derive(Serialize)]
pub(super) struct OneTransaction<'a> {
    transaction: Transaction<'a>,
}

#[derive(Serialize)]
struct Transaction<'a> {
    id: &'a str,
}

impl<'a> From<&'a pfs::TransactionId> for OneTransaction<'a> {
    fn from(id: &'a pfs::TransactionId) -> Self {
        Self {
            transaction: Transaction { id: &id.0 },
        }
    }
}

#[derive(Serialize)]
pub(super) struct FinishCommit<'a> {
    commit: Commit<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl<'a> FinishCommit<'a> {
    pub fn new(commit: &'a pfs::Commit, description: &'a str, error: Option<&'a str>) -> Self {
        Self {
            commit: commit.into(),
            description,
            error,
        }
    }
}

#[derive(Serialize)]
pub(super) struct InspectCommit<'a> {
    pub commit: Commit<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct ListCommit<'a> {
    pub repo: Repo<'a>,
    pub to: Commit<'a>,
}

#[derive(Serialize)]
pub(super) struct SubscribeCommit<'a> {
    pub repo: Repo<'a>,
    pub branch: &'a str,
    pub state: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddFileSet<'a> {
    pub commit: Commit<'a>,
    pub file_set_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RenewFileSet<'a> {
    pub file_set_id: &'a str,
    pub ttl_seconds: Text,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ComposeFileSet<'a> {
    pub file_set_ids: Vec<&'a str>,
    pub ttl_seconds: Text,
}

#[derive(Serialize)]
struct CommitSet<'a> {
    id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DropCommitSet<'a> {
    commit_set: CommitSet<'a>,
}

impl<'a> From<&'a CommitId> for DropCommitSet<'a> {
    fn from(id: &'a CommitId) -> Self {
        Self {
            commit_set: CommitSet { id: id.as_str() },
        }
    }
}

#[derive(Serialize)]
pub(super) struct File<'a> {
    pub commit: Commit<'a>,
    pub path: String,
}

#[derive(Serialize)]
pub(super) struct FileRequest<'a> {
    pub file: File<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DiffFile<'a> {
    pub new_file: File<'a>,
    pub old_file: File<'a>,
}

#[derive(Serialize)]
struct Pipeline<'a> {
    project: Project<'a>,
    name: &'a str,
}

#[derive(Serialize)]
pub(super) struct InspectPipeline<'a> {
    pipeline: Pipeline<'a>,
}

impl<'a> From<&'a pfs::Repo> for InspectPipeline<'a> {
    /// A pipeline's output repo has its name.
    fn from(repo: &'a pfs::Repo) -> Self {
        Self {
            pipeline: Pipeline {
                project: Project {
                    name: repo.project.as_str(),
                },
                name: repo.name.as_str(),
            },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StopPipeline<'a> {
    #[serde(flatten)]
    pipeline: InspectPipeline<'a>,
    must_exist: bool,
}

impl<'a> From<&'a pfs::Repo> for StopPipeline<'a> {
    fn from(repo: &'a pfs::Repo) -> Self {
        Self {
            pipeline: repo.into(),
            must_exist: true,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SpecRequest<'a> {
    /// JSON within JSON.
    pub create_pipeline_request_json: &'a str,
    pub dry_run: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub update: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub reprocess: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EffectivePipeline {
    #[serde(default)]
    pub effective_create_pipeline_request_json: String,
}

#[derive(Serialize)]
pub(super) struct Nothing {}

/// A 64-bit integer, which is a string on this wire.
pub(super) struct Text(pub u64);

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// An unsigned 64-bit integer: a string on this wire; a number is taken as well.
fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct Integer;

    impl Visitor<'_> for Integer {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a number, or a string that holds one")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
            text.parse()
                .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<u64, E> {
            Ok(number)
        }

        fn visit_unit<E: de::Error>(self) -> Result<u64, E> {
            Ok(0)
        }
    }

    deserializer.deserialize_any(Integer)
}

/// Only of interest for being there.
#[derive(Deserialize)]
pub(super) struct Present {}

#[derive(Deserialize)]
struct RepoAnswer {
    #[serde(default)]
    name: String,
    #[serde(default)]
    project: Option<ProjectAnswer>,
}

#[derive(Deserialize)]
struct ProjectAnswer {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct BranchAnswer {
    #[serde(default)]
    name: String,
}

/// A commit's name, as `StartCommit` answers it and other messages hold it.
#[derive(Deserialize)]
pub(super) struct CommitAnswer {
    #[serde(default)]
    repo: Option<RepoAnswer>,
    #[serde(default)]
    id: String,
    #[serde(default)]
    branch: Option<BranchAnswer>,
}

impl CommitAnswer {
    pub fn id(&self) -> Result<CommitId, Unreadable> {
        CommitId::new(&self.id).map_err(|e| unreadable("commit", e))
    }

    /// `asked` fills in what this server does not say: 2.12 leaves the branch out.
    fn commit(&self, asked: &pfs::Repo, branch: &BranchName) -> Result<pfs::Commit, Unreadable> {
        let repo = match &self.repo {
            None => asked.clone(),
            Some(repo) => pfs::Repo {
                project: match &repo.project {
                    Some(project) => {
                        pfs::ProjectName::new(&project.name).map_err(|e| unreadable("commit.repo.project", e))?
                    }
                    None => asked.project.clone(),
                },
                name: RepoName::new(&repo.name).map_err(|e| unreadable("commit.repo", e))?,
            },
        };
        let branch = match &self.branch {
            Some(said) => BranchName::new(&said.name).map_err(|e| unreadable("commit.branch", e))?,
            None => branch.clone(),
        };
        Ok(pfs::Commit {
            repo,
            branch,
            id: self.id()?,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommitDetails {
    #[serde(default, deserialize_with = "integer")]
    size_bytes: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommitInfo {
    commit: CommitAnswer,
    #[serde(default)]
    parent_commit: Option<CommitAnswer>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    started: Option<String>,
    #[serde(default)]
    finishing: Option<String>,
    #[serde(default)]
    finished: Option<String>,
    #[serde(default)]
    error: String,
    #[serde(default, deserialize_with = "integer")]
    size_bytes_upper_bound: u64,
    #[serde(default)]
    details: Option<CommitDetails>,
    #[serde(default)]
    origin: Option<OriginAnswer>,
}

#[derive(Deserialize)]
struct OriginAnswer {
    #[serde(default)]
    kind: String,
}

impl CommitInfo {
    /// `repo` and `branch` are those that were asked for.
    pub fn read(self, repo: &pfs::Repo, branch: &BranchName) -> Result<pfs::CommitInfo, Unreadable> {
        let parent = self.parent_commit;
        let is_auto = self.origin.is_some_and(|origin| origin.kind == "AUTO");
        Ok(pfs::CommitInfo {
            origin: if is_auto { pfs::Origin::Auto } else { pfs::Origin::User },
            commit: self.commit.commit(repo, branch)?,
            parent: parent.map(|parent| parent.commit(repo, branch)).transpose()?,
            description: self.description,
            started: time("started", self.started)?,
            finishing: time("finishing", self.finishing)?,
            finished: time("finished", self.finished)?,
            error: self.error,
            // The exact size is known once the commit is finished; the bound is 0 until pachd has counted.
            size_bytes: match self.details {
                Some(details) if details.size_bytes > 0 => details.size_bytes,
                _ => self.size_bytes_upper_bound,
            },
        })
    }
}

fn time(field: &'static str, text: Option<String>) -> Result<Option<Timestamp>, Unreadable> {
    text.map(|text| text.parse::<Timestamp>().map_err(|e| unreadable(field, e)))
        .transpose()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BranchInfo {
    #[serde(default)]
    head: Option<CommitAnswer>,
    #[serde(default)]
    provenance: Vec<Present>,
    #[serde(default)]
    direct_provenance: Vec<Present>,
}

impl BranchInfo {
    /// `branch` is the one that was asked for.
    pub fn read(self, branch: &pfs::Branch) -> Result<pfs::BranchInfo, Unreadable> {
        let head = self.head.map(|head| head.commit(&branch.repo, &branch.name));
        Ok(pfs::BranchInfo {
            head: head.transpose()?,
            has_provenance: !(self.provenance.is_empty() && self.direct_provenance.is_empty()),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileInfo {
    #[serde(default)]
    file: FileName,
    #[serde(default)]
    file_type: String,
    #[serde(default, deserialize_with = "integer")]
    size_bytes: u64,
}

impl FileInfo {
    pub fn read(self) -> Result<pfs::FileInfo, Unreadable> {
        Ok(pfs::FileInfo {
            kind: match self.file_type.as_str() {
                "FILE" => FileKind::File,
                "DIR" => FileKind::Directory,
                other => return Err(unreadable("fileType", format!("`{}`", other.escape_debug()))),
            },
            size_bytes: self.size_bytes,
        })
    }

    fn is_directory(&self) -> bool {
        self.file_type == "DIR"
    }
}

#[derive(Deserialize, Default)]
struct FileName {
    #[serde(default)]
    path: String,
}

/// What `DiffFile` says of a path: each side has it or not.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileDiff {
    #[serde(default)]
    new_file: Option<FileInfo>,
    #[serde(default)]
    old_file: Option<FileInfo>,
}

impl From<FileInfo> for FileDiff {
    /// A file that is there, and was not before.
    fn from(new: FileInfo) -> Self {
        Self {
            new_file: Some(new),
            old_file: None,
        }
    }
}

impl FileDiff {
    /// `None` for a directory.
    pub fn read(self) -> Result<Option<FileChange>, Unreadable> {
        let Some(named) = self.new_file.as_ref().or(self.old_file.as_ref()) else {
            return Err(unreadable("newFile", "it is missing, and so is oldFile"));
        };
        if named.is_directory() {
            return Ok(None);
        }
        let path = FilePath::new(&named.file.path).map_err(|e| unreadable("path", e))?;
        let size = |side: Option<FileInfo>| side.map(|file| Ok(file.read()?.size_bytes)).transpose();
        Ok(FileChange::between(path, size(self.old_file)?, size(self.new_file)?))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PipelineInfo {
    r#type: String,
    state: String,
    stopped: bool,
    reason: String,
    #[serde(deserialize_with = "integer")]
    version: u64,
    user_spec_json: String,
    effective_spec_json: String,
}

impl PipelineInfo {
    pub fn running(self) -> Running {
        Running {
            kind: self.kind(),
            state: match (self.stopped, self.state.as_str()) {
                (true, _) | (_, "PIPELINE_PAUSED") => State::Stopped,
                (_, "PIPELINE_FAILURE") => State::Failed,
                (_, "PIPELINE_CRASHING" | "PIPELINE_RESTARTING") => State::Crashing,
                _ => State::Working,
            },
            reason: self.reason,
            version: self.version,
            submitted: self.user_spec_json,
            effective: self.effective_spec_json,
        }
    }

    pub fn kind(&self) -> PipelineKind {
        match self.r#type.as_str() {
            "PIPELINE_TYPE_TRANSFORM" => PipelineKind::Transform,
            "PIPELINE_TYPE_SPOUT" => PipelineKind::Spout,
            "PIPELINE_TYPE_SERVICE" => PipelineKind::Service,
            _ => PipelineKind::Unknown,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileSetAnswer {
    #[serde(default)]
    file_set_id: String,
}

impl FileSetAnswer {
    pub fn id(self) -> Result<FileSetId, Unreadable> {
        if self.file_set_id.is_empty() {
            return Err(unreadable("fileSetId", "it is missing"));
        }
        Ok(FileSetId(self.file_set_id))
    }
}

#[derive(Deserialize)]
pub(super) struct Cluster {
    #[serde(default)]
    pub id: String,
    #[serde(default, rename = "deploymentId")]
    pub deployment_id: String,
}

#[derive(Deserialize)]
pub(super) struct WhoAmI {
    #[serde(default)]
    username: String,
    expiration: Option<String>,
}

impl WhoAmI {
    pub fn read(self) -> Result<Identity, Unreadable> {
        Ok(Identity {
            name: self.username,
            expires: time("expiration", self.expiration)?,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OidcLogin {
    pub login_url: String,
    pub state: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Authenticate<'a> {
    pub oidc_state: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Authenticated {
    pub pach_token: String,
}

#[derive(Deserialize)]
pub(super) struct Version {
    #[serde(default)]
    major: u32,
    #[serde(default)]
    minor: u32,
    #[serde(default)]
    micro: u32,
    #[serde(default)]
    additional: String,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}{}", self.major, self.minor, self.micro, self.additional)
    }
}

#[derive(Deserialize)]
pub(super) struct TransactionAnswer {
    #[serde(default)]
    id: String,
}

impl TransactionAnswer {
    pub fn id(self) -> Result<pfs::TransactionId, Unreadable> {
        if self.id.is_empty() {
            return Err(unreadable("transaction", "it has no id"));
        }
        Ok(pfs::TransactionId(self.id))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TransactionInfos {
    #[serde(default)]
    pub transaction_info: Vec<TransactionInfo>,
}

#[derive(Deserialize)]
pub(super) struct TransactionInfo {
    transaction: TransactionAnswer,
    #[serde(default)]
    requests: Vec<TransactionRequest>,
}

/// One call of a transaction: another than this one has none of these fields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TransactionRequest {
    #[serde(default)]
    create_branch: Option<CreatedBranch>,
}

#[derive(Deserialize)]
struct CreatedBranch {
    #[serde(default)]
    head: Option<CommitAnswer>,
    branch: BranchOfRepo,
}

#[derive(Deserialize)]
struct BranchOfRepo {
    #[serde(default)]
    repo: Option<RepoAnswer>,
    #[serde(default)]
    name: String,
}

impl TransactionInfo {
    /// The commit that it sets `branch` to, if it does that and nothing else.
    pub fn moves(self, branch: &pfs::Branch) -> Option<(pfs::TransactionId, pfs::Commit)> {
        let [
            TransactionRequest {
                create_branch: Some(created),
            },
        ] = &self.requests[..]
        else {
            return None;
        };
        let repo = created.branch.repo.as_ref()?;
        let project = repo.project.as_ref().map_or("default", |project| project.name.as_str());
        let is_ours = created.branch.name == branch.name.as_str()
            && repo.name == branch.repo.name.as_str()
            && project == branch.repo.project.as_str();
        let head = created.head.as_ref().filter(|_| is_ours)?;
        let head = head.commit(&branch.repo, &branch.name).ok()?;
        Some((self.transaction.id().ok()?, head))
    }
}
