//! `pps_v2`: pipelines, made from specs. What has as many fields as a spec is a table in [`super::spec`].

use prost::Message;
use serde::{Deserialize, Serialize};

use super::json::{int64, unset};
use super::pfs::{CommitSet, Project};

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum PipelineType {
    Unknown = 0,
    Transform = 1,
    Spout = 2,
    Service = 3,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum PipelineState {
    Unknown = 0,
    Starting = 1,
    Running = 2,
    Restarting = 3,
    Failure = 4,
    Paused = 5,
    Standby = 6,
    Crashing = 7,
}

/// Of some forty fields those that a client looks at; all are in [`super::spec::PIPELINE_INFO`].
#[derive(Clone, PartialEq, Eq, Message)]
pub struct PipelineInfo {
    #[prost(message, optional, tag = "1")]
    pub pipeline: Option<Pipeline>,
    #[prost(uint64, tag = "2")]
    pub version: u64,
    #[prost(bool, tag = "4")]
    pub stopped: bool,
    #[prost(enumeration = "PipelineState", tag = "5")]
    pub state: i32,
    /// What is wrong with a pipeline that failed or crashes.
    #[prost(string, tag = "6")]
    pub reason: String,
    #[prost(enumeration = "PipelineType", tag = "10")]
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
#[derive(Clone, PartialEq, Eq, Message)]
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

#[derive(Clone, PartialEq, Eq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
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
