//! `pps` of 1.x, as far as spouts go. The numbers are those of recordings `grpc-1.13` 241 to 257, and of its source.

use std::collections::BTreeMap;

use prost::Message;

use super::Commit;
use crate::google::{Empty, Timestamp};

#[derive(Clone, PartialEq, Eq, Message)]
pub struct Pipeline {
    #[prost(string, tag = "1")]
    pub name: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct Transform {
    #[prost(string, tag = "1")]
    pub image: String,
    #[prost(string, repeated, tag = "2")]
    pub cmd: Vec<String>,
    #[prost(btree_map = "string, string", tag = "3")]
    pub env: BTreeMap<String, String>,
    #[prost(string, repeated, tag = "5")]
    pub stdin: Vec<String>,
    #[prost(int64, repeated, tag = "6")]
    pub accept_return_code: Vec<i64>,
}

/// Its older ways of handing data over, and its service, are not read.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Spout {
    #[prost(bool, tag = "1")]
    pub overwrite: bool,
    #[prost(string, tag = "3")]
    pub marker: String,
}

/// Of some forty fields those that a spout has use of.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct CreatePipelineRequest {
    #[prost(message, optional, tag = "1")]
    pub pipeline: Option<Pipeline>,
    #[prost(message, optional, tag = "2")]
    pub transform: Option<Transform>,
    #[prost(bool, tag = "5")]
    pub update: bool,
    #[prost(string, tag = "10")]
    pub output_branch: String,
    /// What it says is not read: that it is there is enough.
    #[prost(message, optional, tag = "13")]
    pub input: Option<Empty>,
    #[prost(string, tag = "14")]
    pub description: String,
    #[prost(bool, tag = "18")]
    pub reprocess: bool,
    #[prost(message, optional, tag = "33")]
    pub spout: Option<Spout>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum PipelineState {
    Starting = 0,
    Running = 1,
    Paused = 4,
}

/// Of some forty fields those that a spout has use of.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct PipelineInfo {
    #[prost(message, optional, tag = "1")]
    pub pipeline: Option<Pipeline>,
    #[prost(message, optional, tag = "2")]
    pub transform: Option<Transform>,
    #[prost(message, optional, tag = "6")]
    pub created_at: Option<Timestamp>,
    #[prost(enumeration = "PipelineState", tag = "7")]
    pub state: i32,
    #[prost(uint64, tag = "11")]
    pub version: u64,
    #[prost(string, tag = "16")]
    pub output_branch: String,
    #[prost(string, tag = "21")]
    pub description: String,
    #[prost(string, tag = "23")]
    pub cache_size: String,
    #[prost(string, tag = "25")]
    pub salt: String,
    #[prost(int64, tag = "29")]
    pub max_queue_size: i64,
    #[prost(message, optional, tag = "36")]
    pub spec_commit: Option<Commit>,
    #[prost(bool, tag = "38")]
    pub stopped: bool,
    #[prost(int64, tag = "39")]
    pub datum_tries: i64,
    #[prost(message, optional, tag = "45")]
    pub spout: Option<Spout>,
    #[prost(int64, tag = "49")]
    pub workers_requested: i64,
    #[prost(string, tag = "56")]
    pub reprocess_spec: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct PipelineInfos {
    #[prost(message, repeated, tag = "1")]
    pub pipeline_info: Vec<PipelineInfo>,
}

/// `InspectPipeline`, `StartPipeline`, `StopPipeline`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct PipelineRequest {
    #[prost(message, optional, tag = "1")]
    pub pipeline: Option<Pipeline>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct ListPipelineRequest {
    #[prost(message, optional, tag = "1")]
    pub pipeline: Option<Pipeline>,
    #[prost(string, tag = "4")]
    pub jq_filter: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct ListJobRequest {
    #[prost(message, optional, tag = "1")]
    pub pipeline: Option<Pipeline>,
    #[prost(message, repeated, tag = "2")]
    pub input_commit: Vec<Commit>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct DeletePipelineRequest {
    #[prost(message, optional, tag = "1")]
    pub pipeline: Option<Pipeline>,
    #[prost(bool, tag = "4")]
    pub all: bool,
    #[prost(bool, tag = "5")]
    pub force: bool,
    #[prost(bool, tag = "6")]
    pub keep_repo: bool,
}
