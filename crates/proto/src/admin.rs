//! `admin_v2`: the cluster itself.

use std::collections::BTreeMap;

use prost::Message;
use serde::{Deserialize, Serialize};

use super::google::Empty;
use super::pfs::Project;
use super::version::Version;

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct InspectClusterRequest {
    #[prost(message, optional, tag = "1")]
    #[serde(alias = "client_version")]
    pub client_version: Option<Version>,
    #[prost(message, optional, tag = "2")]
    #[serde(alias = "current_project")]
    pub current_project: Option<Project>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the message is pachd's")]
pub struct ClusterInfo {
    /// What tells this cluster from others; made once.
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub deployment_id: String,
    #[prost(bool, tag = "3")]
    pub warnings_ok: bool,
    #[prost(string, repeated, tag = "4")]
    pub warnings: Vec<String>,
    #[prost(string, tag = "5")]
    pub proxy_host: String,
    #[prost(bool, tag = "6")]
    pub proxy_tls: bool,
    #[prost(bool, tag = "7")]
    pub paused: bool,
    #[prost(message, optional, tag = "8")]
    pub web_resources: Option<Empty>,
    #[prost(btree_map = "string, string", tag = "9")]
    pub metadata: BTreeMap<String, String>,
    #[prost(bool, tag = "10")]
    pub pending_restart: bool,
    #[prost(string, tag = "11")]
    pub restart_info: String,
}

/// `grpc.health.v1.Health/Check`, which every pachd of 2.x has.
#[derive(Clone, Copy, PartialEq, Eq, Message, Serialize)]
pub struct HealthCheckResponse {
    /// 1 is *serving*.
    #[prost(int32, tag = "1")]
    pub status: i32,
}

impl HealthCheckResponse {
    #[must_use]
    pub fn serving() -> Self {
        Self { status: 1 }
    }
}
