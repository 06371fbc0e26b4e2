//! `pps_v2`: pipelines, of which we ask only what kind they are, and make them from a spec.

use prost::Message;
use serde::{Deserialize, Serialize};

use super::json::unset;
use super::pfs::Project;

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

/// Of some forty fields those that we look at.
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
    /// The spec as it was submitted, in JSON; since 2.8.
    #[prost(string, tag = "13")]
    pub user_spec_json: String,
    /// The same with the cluster's defaults filled in.
    #[prost(string, tag = "14")]
    pub effective_spec_json: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct CreatePipelineV2Request {
    /// The spec in strict JSON.
    #[prost(string, tag = "1")]
    pub create_pipeline_request_json: String,
    #[prost(bool, tag = "2")]
    pub dry_run: bool,
    #[prost(bool, tag = "3")]
    pub update: bool,
    #[prost(bool, tag = "4")]
    pub reprocess: bool,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct CreatePipelineV2Response {
    /// The spec with the cluster's defaults filled in.
    #[prost(string, tag = "1")]
    pub effective_create_pipeline_request_json: String,
}
