//! `pps_v2`: pipelines, made from specs. What has as many fields as a spec is a table in [`super::spec`].

use prost::Message;
use serde::{Deserialize, Serialize};

use super::google::Timestamp;
use super::json::{bytes, enumeration, int64, uint64, unset};
use super::pfs::{Commit, CommitSet, Project};

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Pipeline {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub project: Option<Project>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct InspectPipelineRequest {
    #[prost(message, optional, tag = "1")]
    pub pipeline: Option<Pipeline>,
    #[prost(bool, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub details: bool,
}

enumeration! {
    PipelineType {
        /// The name is pachd's.
        Unknown = 0 "PIPELINT_TYPE_UNKNOWN",
        Transform = 1 "PIPELINE_TYPE_TRANSFORM",
        Spout = 2 "PIPELINE_TYPE_SPOUT",
        Service = 3 "PIPELINE_TYPE_SERVICE",
    }
}

enumeration! {
    PipelineState {
        Unknown = 0 "PIPELINE_STATE_UNKNOWN",
        Starting = 1 "PIPELINE_STARTING",
        Running = 2 "PIPELINE_RUNNING",
        Restarting = 3 "PIPELINE_RESTARTING",
        Failure = 4 "PIPELINE_FAILURE",
        Paused = 5 "PIPELINE_PAUSED",
        Standby = 6 "PIPELINE_STANDBY",
        Crashing = 7 "PIPELINE_CRASHING",
    }
}

/// Of some forty fields those that a client looks at; all are in [`super::spec::PIPELINE_INFO`].
#[derive(Clone, PartialEq, Eq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PipelineInfo {
    #[prost(message, optional, tag = "1")]
    pub pipeline: Option<Pipeline>,
    #[prost(uint64, tag = "2")]
    #[serde(deserialize_with = "uint64::deserialize")]
    pub version: u64,
    #[prost(bool, tag = "4")]
    pub stopped: bool,
    #[prost(enumeration = "PipelineState", tag = "5")]
    #[serde(deserialize_with = "PipelineState::deserialize")]
    pub state: i32,
    /// What is wrong with a pipeline that failed or crashes.
    #[prost(string, tag = "6")]
    pub reason: String,
    #[prost(enumeration = "PipelineType", tag = "10")]
    #[serde(deserialize_with = "PipelineType::deserialize")]
    pub r#type: i32,
    /// Only where they were asked for.
    #[prost(message, optional, tag = "12")]
    pub details: Option<PipelineDetails>,
    /// The spec as it was submitted, in JSON; since 2.8.
    #[prost(string, tag = "13")]
    pub user_spec_json: String,
    /// The same with the cluster's defaults filled in.
    #[prost(string, tag = "14")]
    pub effective_spec_json: String,
}

/// Of some forty fields the one that a client needs before 2.8, which tells no spec.
#[derive(Clone, PartialEq, Eq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PipelineDetails {
    #[prost(string, tag = "9")]
    pub output_branch: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CreatePipelineV2Request {
    /// The spec in strict JSON.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset", alias = "create_pipeline_request_json")]
    pub create_pipeline_request_json: String,
    #[prost(bool, tag = "2")]
    #[serde(deserialize_with = "unset", alias = "dry_run")]
    pub dry_run: bool,
    #[prost(bool, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub update: bool,
    #[prost(bool, tag = "4")]
    #[serde(deserialize_with = "unset")]
    pub reprocess: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CreatePipelineV2Response {
    /// The spec with the cluster's defaults filled in.
    #[prost(string, tag = "1")]
    pub effective_create_pipeline_request_json: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListPipelineRequest {
    /// Only this one.
    #[prost(message, optional, tag = "1")]
    pub pipeline: Option<Pipeline>,
    /// How many versions before the newest; all if negative.
    #[prost(int64, tag = "2")]
    #[serde(with = "int64")]
    pub history: i64,
    #[prost(bool, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub details: bool,
    #[prost(string, tag = "4")]
    #[serde(deserialize_with = "unset", alias = "jq_filter")]
    pub jq_filter: String,
    #[prost(message, optional, tag = "5")]
    #[serde(alias = "commit_set")]
    pub commit_set: Option<CommitSet>,
    /// All, if there are none.
    #[prost(message, repeated, tag = "6")]
    #[serde(deserialize_with = "unset")]
    pub projects: Vec<Project>,
    #[prost(message, optional, tag = "7")]
    pub page: Option<PipelinePage>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PipelinePage {
    #[prost(int64, tag = "2")]
    #[serde(with = "int64", alias = "page_size")]
    pub page_size: i64,
    /// From 0.
    #[prost(int64, tag = "3")]
    #[serde(with = "int64", alias = "page_index")]
    pub page_index: i64,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "so the message is")]
pub struct DeletePipelineRequest {
    #[prost(message, optional, tag = "1")]
    pub pipeline: Option<Pipeline>,
    #[prost(bool, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub all: bool,
    #[prost(bool, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub force: bool,
    /// The repo that it writes stays, as one of nobody's.
    #[prost(bool, tag = "4")]
    #[serde(deserialize_with = "unset", alias = "keep_repo")]
    pub keep_repo: bool,
    #[prost(bool, tag = "5")]
    #[serde(deserialize_with = "unset", alias = "must_exist")]
    pub must_exist: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct StartPipelineRequest {
    #[prost(message, optional, tag = "1")]
    pub pipeline: Option<Pipeline>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StopPipelineRequest {
    #[prost(message, optional, tag = "1")]
    pub pipeline: Option<Pipeline>,
    #[prost(bool, tag = "2")]
    #[serde(deserialize_with = "unset", alias = "must_exist")]
    pub must_exist: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Job {
    #[prost(message, optional, tag = "1")]
    pub pipeline: Option<Pipeline>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub id: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListJobRequest {
    #[prost(message, optional, tag = "1")]
    pub pipeline: Option<Pipeline>,
    /// Only those that are for all of these commits.
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "unset", alias = "input_commit")]
    pub input_commit: Vec<Commit>,
    /// Of how many versions before the newest; here jobs of every version are told.
    #[prost(int64, tag = "4")]
    #[serde(with = "int64")]
    pub history: i64,
    #[prost(bool, tag = "5")]
    #[serde(deserialize_with = "unset")]
    pub details: bool,
    #[prost(string, tag = "6")]
    #[serde(deserialize_with = "unset", alias = "jq_filter")]
    pub jq_filter: String,
    #[prost(message, repeated, tag = "7")]
    #[serde(deserialize_with = "unset")]
    pub projects: Vec<Project>,
    #[prost(message, optional, tag = "8")]
    #[serde(alias = "pagination_marker")]
    pub pagination_marker: Option<Timestamp>,
    /// At most so many; 0 is all.
    #[prost(int64, tag = "9")]
    #[serde(with = "int64")]
    pub number: i64,
    #[prost(bool, tag = "10")]
    #[serde(deserialize_with = "unset")]
    pub reverse: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListJobSetRequest {
    #[prost(bool, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub details: bool,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub projects: Vec<Project>,
    #[prost(message, optional, tag = "3")]
    #[serde(alias = "pagination_marker")]
    pub pagination_marker: Option<Timestamp>,
    /// At most so many; 0 is all.
    #[prost(int64, tag = "4")]
    #[serde(with = "int64")]
    pub number: i64,
    #[prost(bool, tag = "5")]
    #[serde(deserialize_with = "unset")]
    pub reverse: bool,
    #[prost(string, tag = "6")]
    #[serde(deserialize_with = "unset", alias = "jq_filter")]
    pub jq_filter: String,
}

/// Named as a set of commits is.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct InspectJobSetRequest {
    #[prost(message, optional, tag = "1")]
    #[serde(alias = "job_set")]
    pub job_set: Option<CommitSet>,
    /// Until all of them have ended.
    #[prost(bool, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub wait: bool,
    #[prost(bool, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub details: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct InspectJobRequest {
    #[prost(message, optional, tag = "1")]
    pub job: Option<Job>,
    /// Until it has ended.
    #[prost(bool, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub wait: bool,
    #[prost(bool, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub details: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct DeleteJobRequest {
    #[prost(message, optional, tag = "1")]
    pub job: Option<Job>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct StopJobRequest {
    #[prost(message, optional, tag = "1")]
    pub job: Option<Job>,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub reason: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct RunCronRequest {
    #[prost(message, optional, tag = "1")]
    pub pipeline: Option<Pipeline>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Secret {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub name: String,
}

/// The secret as Kubernetes takes it, in JSON.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
#[prost(skip_debug)]
pub struct CreateSecretRequest {
    #[prost(bytes = "vec", tag = "1")]
    #[serde(with = "bytes")]
    pub file: Vec<u8>,
}

impl std::fmt::Debug for CreateSecretRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CreateSecretRequest({} bytes)", self.file.len())
    }
}

/// `InspectSecret` and `DeleteSecret`.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretRequest {
    #[prost(message, optional, tag = "1")]
    pub secret: Option<Secret>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretInfo {
    #[prost(message, optional, tag = "1")]
    pub secret: Option<Secret>,
    #[prost(string, tag = "2")]
    pub r#type: String,
    #[prost(message, optional, tag = "3")]
    pub creation_timestamp: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretInfos {
    #[prost(message, repeated, tag = "1")]
    pub secret_info: Vec<SecretInfo>,
}
