//! `auth_v2`: who we are and what we may do.

use std::fmt;

use prost::Message;
use serde::{Deserialize, Serialize};

use super::google::Timestamp;

#[derive(Clone, PartialEq, Eq, Message, Serialize)]
pub struct WhoAmIResponse {
    /// `user:…`, `robot:…`, `pipeline:…`
    #[prost(string, tag = "1")]
    pub username: String,
    #[prost(message, optional, tag = "2")]
    pub expiration: Option<Timestamp>,
}

/// Where somebody logs in.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GetOidcLoginResponse {
    #[prost(string, tag = "1")]
    #[serde(alias = "login_url")]
    pub login_url: String,
    /// What becomes a token once that has happened.
    #[prost(string, tag = "2")]
    pub state: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AuthenticateRequest {
    #[prost(string, tag = "1")]
    #[serde(alias = "oidc_state")]
    pub oidc_state: String,
    #[prost(string, tag = "2")]
    #[serde(alias = "id_token")]
    pub id_token: String,
}

/// It shows itself to nobody.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[prost(skip_debug)]
#[serde(default, rename_all = "camelCase")]
pub struct AuthenticateResponse {
    #[prost(string, tag = "1")]
    #[serde(alias = "pach_token")]
    pub pach_token: String,
}

impl fmt::Debug for AuthenticateResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthenticateResponse(…)")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum ResourceType {
    Unknown = 0,
    Cluster = 1,
    Repo = 2,
    SpecRepo = 3,
    Project = 4,
    Job = 5,
}

/// Something that permissions are given on. A repo's name is `project/repo`.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
pub struct Resource {
    #[prost(enumeration = "ResourceType", tag = "1")]
    pub r#type: i32,
    #[prost(string, tag = "2")]
    pub name: String,
}

/// Those permissions that writing a repo needs; pachd has some hundred more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum Permission {
    Unknown = 0,
    RepoRead = 200,
    RepoWrite = 201,
    RepoModifyBindings = 202,
    RepoDelete = 203,
    RepoInspectCommit = 204,
    RepoListCommit = 205,
    RepoDeleteCommit = 206,
    RepoCreateBranch = 207,
    RepoListBranch = 208,
    RepoDeleteBranch = 209,
    RepoInspectFile = 210,
    RepoListFile = 211,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
pub struct AuthorizeRequest {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    #[prost(enumeration = "Permission", repeated, tag = "2")]
    pub permissions: Vec<i32>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize)]
pub struct AuthorizeResponse {
    #[prost(bool, tag = "1")]
    pub authorized: bool,
    #[prost(enumeration = "Permission", repeated, tag = "2")]
    pub satisfied: Vec<i32>,
    #[prost(enumeration = "Permission", repeated, tag = "3")]
    pub missing: Vec<i32>,
    /// Whom it was answered for.
    #[prost(string, tag = "4")]
    pub principal: String,
}
