//! `versionpb_v2` and `versionpb`: the same message in both.

use std::fmt;

use prost::Message;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Version {
    #[prost(uint32, tag = "1")]
    pub major: u32,
    #[prost(uint32, tag = "2")]
    pub minor: u32,
    #[prost(uint32, tag = "3")]
    pub micro: u32,
    /// `-alpha.1` and the like.
    #[prost(string, tag = "4")]
    pub additional: String,
    #[prost(string, tag = "5")]
    pub git_commit: String,
    #[prost(string, tag = "6")]
    pub git_tree_modified: String,
    #[prost(string, tag = "7")]
    pub build_date: String,
    #[prost(string, tag = "8")]
    pub go_version: String,
    #[prost(string, tag = "9")]
    pub platform: String,
}

/// `2.12.0`
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}{}", self.major, self.minor, self.micro, self.additional)
    }
}
