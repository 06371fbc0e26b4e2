//! `transaction_v2`: calls that happen together.

use prost::Message;
use serde::{Deserialize, Serialize};

use super::google::{Empty, Timestamp};
use super::json::{self, unset};
use super::pfs::{
    Commit, CommitSetRequest, CreateBranchRequest, CreateRepoRequest, DeleteBranchRequest, DeleteRepoRequest,
    FinishCommitRequest, StartCommitRequest,
};

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Transaction {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub id: String,
}

/// `InspectTransaction`, `FinishTransaction` and `DeleteTransaction`.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct OneTransactionRequest {
    #[prost(message, optional, tag = "1")]
    pub transaction: Option<Transaction>,
}

/// One call that a transaction will make: exactly one of its fields is set.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TransactionRequest {
    #[prost(message, optional, tag = "1")]
    pub create_repo: Option<CreateRepoRequest>,
    #[prost(message, optional, tag = "2")]
    pub delete_repo: Option<DeleteRepoRequest>,
    #[prost(message, optional, tag = "3")]
    pub start_commit: Option<StartCommitRequest>,
    #[prost(message, optional, tag = "4")]
    pub finish_commit: Option<FinishCommitRequest>,
    #[prost(message, optional, tag = "5")]
    pub squash_commit_set: Option<CommitSetRequest>,
    #[prost(message, optional, tag = "6")]
    pub create_branch: Option<CreateBranchRequest>,
    #[prost(message, optional, tag = "7")]
    pub delete_branch: Option<DeleteBranchRequest>,
    #[prost(message, optional, tag = "8")]
    pub update_job_state: Option<Empty>,
    #[prost(message, optional, tag = "10")]
    pub stop_job: Option<Empty>,
    #[prost(message, optional, tag = "11")]
    pub create_pipeline_v2: Option<Empty>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchTransactionRequest {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub requests: Vec<TransactionRequest>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct TransactionResponse {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct TransactionInfo {
    #[prost(message, optional, tag = "1")]
    pub transaction: Option<Transaction>,
    #[prost(message, repeated, tag = "2")]
    pub requests: Vec<TransactionRequest>,
    #[prost(message, repeated, tag = "3")]
    pub responses: Vec<TransactionResponse>,
    #[prost(message, optional, tag = "4")]
    pub started: Option<Timestamp>,
    /// How many calls were recorded.
    #[prost(int64, tag = "5")]
    #[serde(with = "json::int64")]
    pub version: i64,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TransactionInfos {
    #[prost(message, repeated, tag = "1")]
    pub transaction_info: Vec<TransactionInfo>,
}
