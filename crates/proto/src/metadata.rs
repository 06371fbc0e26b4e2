//! `metadata`: what its users note of something. What it is about is *picked*: named by what it has, where a name is a
//! choice of one way of several.

use std::collections::BTreeMap;

use prost::Message;
use serde::{Deserialize, Serialize};

use super::google::Empty;
use super::json::unset;

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectPicker {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub name: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct RepoPicker {
    #[prost(message, optional, tag = "1")]
    pub name: Option<RepoName>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct RepoName {
    #[prost(message, optional, tag = "1")]
    pub project: Option<ProjectPicker>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub name: String,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub r#type: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct BranchPicker {
    #[prost(message, optional, tag = "1")]
    pub name: Option<BranchName>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct BranchName {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<RepoPicker>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub name: String,
}

/// By its branch, or by its id; the other ways are not served.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CommitPicker {
    #[prost(message, optional, tag = "1")]
    #[serde(alias = "branch_head")]
    pub branch_head: Option<BranchPicker>,
    #[prost(message, optional, tag = "2")]
    pub id: Option<CommitById>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct CommitById {
    #[prost(message, optional, tag = "1")]
    pub repo: Option<RepoPicker>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub id: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct PipelinePicker {
    #[prost(message, optional, tag = "1")]
    pub name: Option<PipelineName>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct PipelineName {
    #[prost(message, optional, tag = "1")]
    pub project: Option<ProjectPicker>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub name: String,
}

/// One of the targets, and one of the changes.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Edit {
    #[prost(message, optional, tag = "1")]
    pub project: Option<ProjectPicker>,
    #[prost(message, optional, tag = "2")]
    pub commit: Option<CommitPicker>,
    #[prost(message, optional, tag = "3")]
    pub branch: Option<BranchPicker>,
    #[prost(message, optional, tag = "4")]
    pub repo: Option<RepoPicker>,
    #[prost(message, optional, tag = "5")]
    pub cluster: Option<Empty>,
    #[prost(message, optional, tag = "6")]
    pub pipeline: Option<PipelinePicker>,
    #[prost(message, optional, tag = "10")]
    pub replace: Option<Replace>,
    #[prost(message, optional, tag = "11")]
    #[serde(alias = "add_key")]
    pub add_key: Option<KeyValue>,
    #[prost(message, optional, tag = "12")]
    #[serde(alias = "edit_key")]
    pub edit_key: Option<KeyValue>,
    #[prost(message, optional, tag = "13")]
    #[serde(alias = "delete_key")]
    pub delete_key: Option<Key>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Replace {
    #[prost(btree_map = "string, string", tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub replacement: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyValue {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub key: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub value: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Key {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub key: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct EditMetadataRequest {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub edits: Vec<Edit>,
}
