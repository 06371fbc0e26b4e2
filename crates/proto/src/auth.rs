//! `auth_v2`: who we are and what we may do.

use std::collections::BTreeMap;
use std::fmt;

use prost::Message;
use serde::{Deserialize, Serialize};

use super::google::Timestamp;
use super::json::{enumeration, int64, unset};

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
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

enumeration! {
    ResourceType {
        Unknown = 0 "RESOURCE_TYPE_UNKNOWN",
        Cluster = 1 "CLUSTER",
        Repo = 2 "REPO",
        SpecRepo = 3 "SPEC_REPO",
        Project = 4 "PROJECT",
        Job = 5 "JOB",
    }
}

/// Something that permissions are given on. A repo's name is `project/repo`.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Resource {
    #[prost(enumeration = "ResourceType", tag = "1")]
    #[serde(with = "ResourceType")]
    pub r#type: i32,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub name: String,
}

enumeration! {
    /// Those permissions that repos and projects need; pachd has some sixty more.
    Permission {
        Unknown = 0 "PERMISSION_UNKNOWN",
        ClusterModifyBindings = 100 "CLUSTER_MODIFY_BINDINGS",
        ClusterGetBindings = 101 "CLUSTER_GET_BINDINGS",
        ClusterAuthGetRobotToken = 139 "CLUSTER_AUTH_GET_ROBOT_TOKEN",
        RepoRead = 200 "REPO_READ",
        RepoWrite = 201 "REPO_WRITE",
        RepoModifyBindings = 202 "REPO_MODIFY_BINDINGS",
        RepoDelete = 203 "REPO_DELETE",
        RepoInspectCommit = 204 "REPO_INSPECT_COMMIT",
        RepoListCommit = 205 "REPO_LIST_COMMIT",
        RepoDeleteCommit = 206 "REPO_DELETE_COMMIT",
        RepoCreateBranch = 207 "REPO_CREATE_BRANCH",
        RepoListBranch = 208 "REPO_LIST_BRANCH",
        RepoDeleteBranch = 209 "REPO_DELETE_BRANCH",
        RepoInspectFile = 210 "REPO_INSPECT_FILE",
        RepoListFile = 211 "REPO_LIST_FILE",
        RepoAddPipelineReader = 212 "REPO_ADD_PIPELINE_READER",
        RepoRemovePipelineReader = 213 "REPO_REMOVE_PIPELINE_READER",
        RepoAddPipelineWriter = 214 "REPO_ADD_PIPELINE_WRITER",
        PipelineListJob = 301 "PIPELINE_LIST_JOB",
        ProjectSetDefaults = 303 "PROJECT_SET_DEFAULTS",
        ProjectCreate = 400 "PROJECT_CREATE",
        ProjectDelete = 401 "PROJECT_DELETE",
        ProjectListRepo = 402 "PROJECT_LIST_REPO",
        ProjectCreateRepo = 403 "PROJECT_CREATE_REPO",
        ProjectModifyBindings = 404 "PROJECT_MODIFY_BINDINGS",
    }
}

/// A list of permissions, in JSON by their names.
pub(super) mod permissions {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Permission;

    #[derive(Serialize, Deserialize)]
    struct Named(#[serde(with = "Permission")] i32);

    pub fn serialize<S: Serializer>(numbers: &[i32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(numbers.iter().map(|number| Named(*number)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<i32>, D::Error> {
        let named: Option<Vec<Named>> = Option::deserialize(deserializer)?;
        Ok(named.into_iter().flatten().map(|Named(number)| number).collect())
    }
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthorizeRequest {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    #[prost(enumeration = "Permission", repeated, tag = "2")]
    #[serde(with = "permissions")]
    pub permissions: Vec<i32>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthorizeResponse {
    #[prost(bool, tag = "1")]
    pub authorized: bool,
    #[prost(enumeration = "Permission", repeated, tag = "2")]
    #[serde(with = "permissions")]
    pub satisfied: Vec<i32>,
    #[prost(enumeration = "Permission", repeated, tag = "3")]
    #[serde(with = "permissions")]
    pub missing: Vec<i32>,
    /// Whom it was answered for.
    #[prost(string, tag = "4")]
    pub principal: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct GetPermissionsRequest {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize)]
pub struct GetPermissionsResponse {
    #[prost(enumeration = "Permission", repeated, tag = "1")]
    #[serde(serialize_with = "permissions::serialize")]
    pub permissions: Vec<i32>,
    #[prost(string, repeated, tag = "2")]
    pub roles: Vec<String>,
}

/// Sets somebody's roles on something; none take away what there was.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ModifyRoleBindingRequest {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub principal: String,
    #[prost(string, repeated, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub roles: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct GetRoleBindingRequest {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize)]
pub struct GetRoleBindingResponse {
    #[prost(message, optional, tag = "1")]
    pub binding: Option<RoleBinding>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize)]
pub struct RoleBinding {
    /// By principal.
    #[prost(btree_map = "string, message", tag = "1")]
    pub entries: BTreeMap<String, Roles>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize)]
pub struct Roles {
    #[prost(btree_map = "string, bool", tag = "1")]
    pub roles: BTreeMap<String, bool>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct GetRobotTokenRequest {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub robot: String,
    /// In seconds; without one it does not expire.
    #[prost(int64, tag = "2")]
    #[serde(with = "int64")]
    pub ttl: i64,
}

/// It shows itself to nobody.
#[derive(Clone, PartialEq, Eq, Message, Serialize)]
#[prost(skip_debug)]
pub struct GetRobotTokenResponse {
    #[prost(string, tag = "1")]
    pub token: String,
}

impl fmt::Debug for GetRobotTokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GetRobotTokenResponse(…)")
    }
}

/// It shows itself to nobody.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[prost(skip_debug)]
#[serde(default)]
pub struct RevokeAuthTokenRequest {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub token: String,
}

impl fmt::Debug for RevokeAuthTokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RevokeAuthTokenRequest(…)")
    }
}

#[derive(Clone, PartialEq, Eq, Message, Serialize)]
pub struct RevokeAuthTokenResponse {
    /// How many tokens.
    #[prost(int64, tag = "1")]
    #[serde(with = "int64")]
    pub number: i64,
}
