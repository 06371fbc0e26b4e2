//! Who may do what where tokens are asked for: pachd's principals, roles and permissions, and the calls about them.
//!
//! Principals come with the tokens of a file, or get theirs from `GetRobotToken`; roles come with the file, or from
//! `ModifyRoleBinding`. Nothing is asked of a service without [`Access`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Call, Code, Service, Status};
use spoutctl_core::pfs::{Branch, DEFAULT_PROJECT, ProjectName, Repo, RepoName};
use spoutctl_proto::auth::{
    AuthorizeRequest, AuthorizeResponse, GetPermissionsRequest, GetPermissionsResponse, GetRobotTokenRequest,
    GetRobotTokenResponse, GetRoleBindingRequest, GetRoleBindingResponse, ModifyRoleBindingRequest, Permission,
    Resource, ResourceType, RevokeAuthTokenRequest, RevokeAuthTokenResponse, RoleBinding, Roles, WhoAmIResponse,
};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs::AuthInfo;

/// Who has the only token of a file that names nobody.
const SERVE: &str = "user:serve";
const ROOT: &str = "pach:root";
/// Everybody with a token, as pachd names them.
const EVERYBODY: &str = "allClusterUsers";
const CLUSTER: &str = "CLUSTER";

use Permission as P;

const READER: &[Permission] = &[
    P::RepoRead,
    P::RepoInspectCommit,
    P::RepoListCommit,
    P::RepoListBranch,
    P::RepoListFile,
    P::RepoInspectFile,
    P::RepoAddPipelineReader,
    P::RepoRemovePipelineReader,
    P::PipelineListJob,
];
const WRITER: &[Permission] = &[
    P::RepoWrite,
    P::RepoDeleteCommit,
    P::RepoCreateBranch,
    P::RepoDeleteBranch,
    P::RepoAddPipelineWriter,
];
const OWNER: &[Permission] = &[P::RepoModifyBindings, P::RepoDelete];
const PROJECT_OWNER: &[Permission] = &[P::ProjectDelete, P::ProjectModifyBindings, P::ProjectSetDefaults];
const CLUSTER_ADMIN: &[Permission] = &[
    P::ProjectCreate,
    P::ClusterModifyBindings,
    P::ClusterGetBindings,
    P::ClusterAuthGetRobotToken,
];

/// pachd's roles, as far as their permissions mean something here.
fn permissions_of(role: &str) -> Option<Vec<Permission>> {
    let sets: &[&[Permission]] = match role {
        "repoReader" => &[READER],
        "repoWriter" => &[READER, WRITER],
        "repoOwner" => &[READER, WRITER, OWNER],
        "projectViewer" => &[&[P::ProjectListRepo]],
        "projectWriter" => &[&[P::ProjectListRepo, P::ProjectCreateRepo]],
        "projectOwner" => &[
            READER,
            WRITER,
            OWNER,
            &[P::ProjectListRepo, P::ProjectCreateRepo],
            PROJECT_OWNER,
        ],
        "projectCreator" => &[&[P::ProjectCreate]],
        "robotUser" => &[&[P::ClusterAuthGetRobotToken]],
        "clusterAdmin" => &[
            READER,
            WRITER,
            OWNER,
            &[P::ProjectListRepo, P::ProjectCreateRepo],
            PROJECT_OWNER,
            CLUSTER_ADMIN,
        ],
        _ => return None,
    };
    Some(sets.concat())
}

/// Something that there are roles on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum On {
    Cluster,
    Project(String),
    Repo { project: String, name: String },
}

impl On {
    fn repo(repo: &Repo) -> Self {
        Self::Repo {
            project: repo.project.to_string(),
            name: repo.name.to_string(),
        }
    }

    /// With whatever it is in: roles there count here.
    fn and_around(&self) -> Vec<Self> {
        match self {
            Self::Cluster => vec![Self::Cluster],
            Self::Project(_) => vec![self.clone(), Self::Cluster],
            Self::Repo { project, .. } => vec![self.clone(), Self::Project(project.clone()), Self::Cluster],
        }
    }

    fn may_have(&self, permission: Permission) -> bool {
        match self {
            Self::Cluster => true,
            Self::Project(_) => permission.name().starts_with("PROJECT_"),
            Self::Repo { .. } => permission.name().starts_with("REPO_") || permission == P::PipelineListJob,
        }
    }
}

/// As errors of pachd name it, and as the store does.
impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str(CLUSTER),
            Self::Project(name) => write!(f, "PROJECT {name}"),
            Self::Repo { project, name } => write!(f, "REPO {project}/{name}"),
        }
    }
}

impl TryFrom<Option<&Resource>> for On {
    type Error = Status;

    fn try_from(resource: Option<&Resource>) -> Result<Self, Status> {
        let resource = resource.ok_or_else(|| Status::invalid("resource cannot be nil"))?;
        match ResourceType::try_from(resource.r#type) {
            Ok(ResourceType::Cluster) => Ok(Self::Cluster),
            Ok(ResourceType::Project) => Ok(Self::Project(resource.name.clone())),
            Ok(ResourceType::Repo | ResourceType::SpecRepo) => {
                let (project, name) = resource
                    .name
                    .split_once('/')
                    .unwrap_or((DEFAULT_PROJECT, &resource.name));
                Ok(Self::Repo {
                    project: project.to_owned(),
                    name: name.to_owned(),
                })
            }
            _ => Err(Status::unknown(format!("unknown resource type {}", resource.r#type))),
        }
    }
}

/// A token that nobody has yet, and its digest.
pub(super) fn new_token() -> (String, [u8; 32]) {
    let token = Uuid::new_v4().simple().to_string();
    let digest = digest(token.as_bytes());
    (token, digest)
}

/// A token's digest: the token itself is kept nowhere, and the time that comparing takes tells nothing.
fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[derive(Clone)]
struct Given {
    digest: [u8; 32],
    principal: String,
    expires: Option<Timestamp>,
}

/// The tokens and roles of a file.
#[derive(Clone)]
pub struct Access {
    tokens: Vec<Given>,
    roles: Vec<(String, String, String)>,
}

/// Why a file of tokens is none. It names no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccess {
    #[error("it holds no token")]
    Empty,
    #[error("line {line}: {what}")]
    Line { line: usize, what: String },
}

impl Access {
    /// Reads lines of `PRINCIPAL TOKEN [ROLES] [EXPIRY]`, or of a token alone, whose owner may do everything. Roles are
    /// separated by commas, each for the cluster or, as `ROLE@PROJECT` and `ROLE@PROJECT/REPO`, for a part of it. Lines
    /// that begin with `#` are comments.
    ///
    /// # Errors
    /// The first line that is none of those.
    pub fn parse(text: &str) -> Result<Self, InvalidAccess> {
        let mut access = Self {
            tokens: Vec::new(),
            roles: Vec::new(),
        };
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                access
                    .add(line)
                    .map_err(|what| InvalidAccess::Line { line: number, what })?;
            }
        }
        if access.tokens.is_empty() {
            return Err(InvalidAccess::Empty);
        }
        Ok(access)
    }

    /// Whether it says more than one token that may do everything.
    #[must_use]
    pub fn names_somebody(&self) -> bool {
        self.tokens.len() > 1 || self.tokens.iter().any(|given| given.principal != SERVE)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (principal, token, rest) = match words.as_slice() {
            [token] => (SERVE, *token, &[][..]),
            [principal, token, rest @ ..] => (*principal, *token, rest),
            [] => return Ok(()),
        };
        let is_principal = principal.split_once(':').is_some_and(|(kind, name)| {
            !name.is_empty() && matches!(kind, "user" | "robot" | "pipeline") || principal == ROOT
        });
        if !is_principal {
            return Err(
                "a line of several words begins with user:NAME, robot:NAME, pipeline:PROJECT/NAME or pach:root"
                    .to_owned(),
            );
        }
        let mut expires = None;
        for word in rest {
            if let Ok(time) = word.parse::<Timestamp>() {
                expires = Some(time);
            } else {
                self.add_roles(principal, word)?;
            }
        }
        if words.len() == 1 || principal == ROOT {
            self.roles
                .push((CLUSTER.to_owned(), principal.to_owned(), "clusterAdmin".to_owned()));
        }
        self.tokens.push(Given {
            digest: digest(token.as_bytes()),
            principal: principal.to_owned(),
            expires,
        });
        Ok(())
    }

    fn add_roles(&mut self, principal: &str, word: &str) -> Result<(), String> {
        for role in word.split(',') {
            let (role, on) = role.split_once('@').unwrap_or((role, ""));
            if permissions_of(role).is_none() {
                return Err(format!(
                    "`{}` is neither a role nor a time such as 2027-01-31T00:00:00Z",
                    role.escape_debug()
                ));
            }
            let on = match on.split_once('/') {
                _ if on.is_empty() => On::Cluster,
                None => On::Project(on.to_owned()),
                Some((project, name)) => On::Repo {
                    project: project.to_owned(),
                    name: name.to_owned(),
                },
            };
            self.roles.push((on.to_string(), principal.to_owned(), role.to_owned()));
        }
        Ok(())
    }
}

/// A caller who has shown a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub principal: String,
    pub expires: Option<Timestamp>,
}

/// What a call asks of its caller: permissions on the repo that its request names, or on more.
enum Need {
    Nothing,
    Repo(&'static [Permission]),
    ProjectOfRepo(Permission),
    Cluster(Permission),
}

/// As pachd 2.12 asks.
fn need_of(method: &str) -> Need {
    match method {
        "pfs_v2.API/StartCommit"
        | "pfs_v2.API/FinishCommit"
        | "pfs_v2.API/ClearCommit"
        | "pfs_v2.API/ModifyFile"
        | "pps_v2.API/StartPipeline"
        | "pps_v2.API/StopPipeline"
        | "pps_v2.API/StopJob"
        | "pps_v2.API/DeleteJob" => Need::Repo(&[P::RepoWrite]),
        "pfs_v2.API/InspectCommit" => Need::Repo(&[P::RepoInspectCommit]),
        "pfs_v2.API/ListCommit" => Need::Repo(&[P::RepoListCommit]),
        // A subscription is refused at once; pachd waits for a commit to refuse (recording auth 016).
        "pfs_v2.API/SubscribeCommit" | "pfs_v2.API/DiffFile" | "pfs_v2.API/GetFileSet" => Need::Repo(&[P::RepoRead]),
        "pfs_v2.API/InspectFile" => Need::Repo(&[P::RepoInspectFile]),
        "pfs_v2.API/ListFile" => Need::Repo(&[P::RepoListFile]),
        "pfs_v2.API/WalkFile" | "pfs_v2.API/GlobFile" | "pfs_v2.API/GetFile" | "pfs_v2.API/GetFileTAR" => {
            Need::Repo(&[P::RepoRead, P::RepoListFile])
        }
        "pfs_v2.API/CreateBranch" => Need::Repo(&[P::RepoCreateBranch]),
        "pfs_v2.API/ListBranch" => Need::Repo(&[P::RepoListBranch]),
        "pfs_v2.API/DeleteBranch" => Need::Repo(&[P::RepoDeleteBranch]),
        "pfs_v2.API/DeleteRepo" | "pps_v2.API/DeletePipeline" => Need::Repo(&[P::RepoDelete]),
        "pps_v2.API/ListJob" | "pps_v2.API/InspectJob" => Need::Repo(&[P::PipelineListJob]),
        "pfs_v2.API/CreateRepo" => Need::ProjectOfRepo(P::ProjectCreateRepo),
        "pfs_v2.API/CreateProject" => Need::Cluster(P::ProjectCreate),
        "pfs_v2.API/DropCommit"
        | "pfs_v2.API/SquashCommit"
        | "pfs_v2.API/DropCommitSet"
        | "pfs_v2.API/SquashCommitSet" => Need::Cluster(P::RepoDeleteCommit),
        // What these are about is more than one repo, so more is asked for than by pachd: the cluster's owner may.
        "pfs_v2.API/DeleteProject" => Need::Cluster(P::ProjectDelete),
        "pfs_v2.API/DeleteRepos" => Need::Cluster(P::RepoDelete),
        "metadata.API/EditMetadata"
        | "transaction_v2.API/BatchTransaction"
        | "pps_v2.API/CreateSecret"
        | "pps_v2.API/DeleteSecret" => Need::Cluster(P::ClusterModifyBindings),
        "auth_v2.API/GetRobotToken" => Need::Cluster(P::ClusterAuthGetRobotToken),
        _ => Need::Nothing,
    }
}

/// The repos that a request names, wherever they stand: a commit may name one beside that of its branch, and whoever may use
/// the one may not use the other by it. What a branch or a commit is to depend on is for the call itself.
fn repos_in(request: &Value, found: &mut Vec<Repo>) {
    for (name, value) in request.as_object().into_iter().flatten() {
        match name.as_str() {
            "provenance" => {}
            "repo" | "pipeline" if value["name"].is_string() => found.extend(repo_of(value)),
            _ => repos_in(value, found),
        }
    }
}

/// Without one, where the name is none.
fn repo_of(value: &Value) -> Option<Repo> {
    let project = value["project"]["name"].as_str().filter(|name| !name.is_empty());
    Some(Repo {
        project: ProjectName::new(project.unwrap_or(DEFAULT_PROJECT)).ok()?,
        name: RepoName::new(value["name"].as_str()?).ok()?,
    })
}

impl Service {
    /// Whether tokens are asked for: pachd's "auth is activated".
    pub(super) fn is_guarded(&self) -> bool {
        self.access.is_some()
    }

    /// Who has this token.
    ///
    /// # Errors
    /// In pachd's words (recordings auth 001, 002, 024).
    pub(super) fn caller(&self, token: Option<&[u8]>) -> Result<Option<Caller>, Status> {
        let Some(access) = &self.access else { return Ok(None) };
        let unauthenticated = |text| Status::new(Code::Unauthenticated, text);
        let token = token.ok_or_else(|| unauthenticated("no authentication token (try logging in)"))?;
        let digest = digest(token);
        let given = access.tokens.iter().find(|given| given.digest == digest);
        let found = match given {
            Some(given) => Some((given.principal.clone(), given.expires)),
            None => self.store.token(&digest)?.map(|token| (token.principal, token.expires)),
        };
        let (principal, expires) = found
            .ok_or_else(|| unauthenticated("provided auth token is corrupted or has expired (try logging in again)"))?;
        if expires.is_some_and(|expires| expires <= Timestamp::now()) {
            return Err(Status::new(Code::Internal, "token expiration is in the past"));
        }
        Ok(Some(Caller { principal, expires }))
    }

    /// The roles that somebody has on something, on all that it is in, and with everybody.
    fn roles_of(&self, principal: &str, on: &On) -> Result<BTreeSet<String>, Status> {
        let mut roles = BTreeSet::new();
        for around in on.and_around() {
            let bound = self.bindings(&around)?;
            for whose in [principal, EVERYBODY] {
                roles.extend(bound.get(whose).into_iter().flatten().cloned());
            }
        }
        Ok(roles)
    }

    fn bindings(&self, on: &On) -> Result<BTreeMap<String, BTreeSet<String>>, Status> {
        let resource = on.to_string();
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (principal, roles) in self.store.roles_on(&resource)? {
            found.entry(principal).or_default().extend(roles);
        }
        let of_file = self.access.iter().flat_map(|access| &access.roles);
        for (_, principal, role) in of_file.filter(|(on, _, _)| *on == resource) {
            found.entry(principal.clone()).or_default().insert(role.clone());
        }
        // As pachd begins, when auth is activated.
        let everybodys = match on {
            On::Cluster => Some("projectCreator"),
            On::Project(name) if name == DEFAULT_PROJECT => Some("projectWriter"),
            _ => None,
        };
        if let Some(role) = everybodys {
            found.entry(EVERYBODY.to_owned()).or_default().insert(role.to_owned());
        }
        Ok(found)
    }

    fn permissions(&self, principal: &str, on: &On) -> Result<BTreeSet<Permission>, Status> {
        let roles = self.roles_of(principal, on)?;
        Ok(roles.iter().filter_map(|role| permissions_of(role)).flatten().collect())
    }

    fn must_have(&self, call: &Call, on: &On, needed: &[Permission]) -> Result<(), Status> {
        let Some(Caller { principal, .. }) = &call.caller else {
            return Ok(());
        };
        let permissions = self.permissions(principal, on)?;
        if needed.iter().all(|needed| permissions.contains(needed)) {
            return Ok(());
        }
        let names: Vec<&str> = needed.iter().map(|permission| permission.name()).collect();
        Err(Status::new(
            Code::PermissionDenied,
            format!(
                "{principal} is not authorized to perform this operation - needs permissions [{}] on {on}. Run `pachctl \
                 auth roles-for-permission` to find roles that grant a given permission.",
                names.join(" ")
            ),
        ))
    }

    /// Whether the caller may make this request. What does not exist is for the call itself to say.
    ///
    /// # Errors
    /// `PermissionDenied`, in pachd's words (recordings auth 011, 012).
    pub(super) fn authorize_call(&self, call: &Call, request: &impl Serialize) -> Result<(), Status> {
        if call.caller.is_none() {
            return Ok(());
        }
        let need = need_of(&call.method);
        let needed = match need {
            Need::Nothing => return Ok(()),
            Need::Cluster(permission) => return self.must_have(call, &On::Cluster, &[permission]),
            Need::Repo(_) | Need::ProjectOfRepo(_) => serde_json::to_value(request).unwrap_or_default(),
        };
        let mut repos = Vec::new();
        repos_in(&needed, &mut repos);
        if repos.is_empty() && call.method == "pfs_v2.API/ListCommit" {
            // Those of all repos.
            return self.must_have(call, &On::Cluster, &[P::RepoListCommit]);
        }
        for repo in &repos {
            match need {
                Need::ProjectOfRepo(permission) => {
                    self.must_have(call, &On::Project(repo.project.to_string()), &[permission])?;
                }
                Need::Repo(permissions) if self.store.repo(repo).is_ok() => {
                    let may = self.must_have(call, &On::repo(repo), permissions);
                    may.map_err(|status| match call.method.as_str() {
                        "pfs_v2.API/StartCommit" => status.within("start commit in transaction"),
                        _ => status,
                    })?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether the caller may read a repo.
    ///
    /// # Errors
    /// `PermissionDenied`.
    pub(super) fn authorize_reading(&self, call: &Call, repo: &Repo) -> Result<(), Status> {
        self.must_have(call, &On::repo(repo), &[P::RepoRead])
    }

    /// Whether a list shows the caller the jobs of this pipeline: of those that he may not see, nothing is said.
    ///
    /// # Errors
    /// What is wrong with the disk.
    pub(super) fn sees_jobs_of(&self, call: &Call, pipeline: &Repo) -> Result<bool, Status> {
        let Some(Caller { principal, .. }) = &call.caller else {
            return Ok(true);
        };
        Ok(self
            .permissions(principal, &On::repo(pipeline))?
            .contains(&P::PipelineListJob))
    }

    /// Whether the caller may make this pipeline, or give it another spec, and read what it is to read.
    ///
    /// # Errors
    /// `PermissionDenied`.
    pub(super) fn authorize_pipeline(
        &self,
        call: &Call,
        name: &Repo,
        is_there: bool,
        inputs: &[Branch],
    ) -> Result<(), Status> {
        for input in inputs {
            self.authorize_reading(call, &input.repo)?;
        }
        if is_there {
            self.must_have(call, &On::repo(name), &[P::RepoWrite])
        } else {
            let project = On::Project(name.project.to_string());
            self.must_have(call, &project, &[P::ProjectCreateRepo])
        }
    }

    /// What the caller may do with a repo, where that is asked (recording auth 009).
    pub(super) fn auth_info(&self, call: &Call, repo: &Repo) -> Result<Option<AuthInfo>, Status> {
        let Some(Caller { principal, .. }) = &call.caller else {
            return Ok(None);
        };
        let on = On::repo(repo);
        let GetPermissionsResponse { permissions, roles } = self.told_permissions(principal, &on)?;
        Ok(Some(AuthInfo { permissions, roles }))
    }

    fn told_permissions(&self, principal: &str, on: &On) -> Result<GetPermissionsResponse, Status> {
        let permissions = self.permissions(principal, on)?;
        let permissions = permissions.into_iter().filter(|permission| on.may_have(*permission));
        // Of what it is in, those roles that say something about it.
        let says = |role: &String| {
            let permissions = permissions_of(role).unwrap_or_default();
            permissions.iter().any(|permission| on.may_have(*permission))
        };
        Ok(GetPermissionsResponse {
            permissions: permissions.map(Into::into).collect(),
            roles: self.roles_of(principal, on)?.into_iter().filter(says).collect(),
        })
    }
}

fn some_caller(call: &Call) -> Result<&Caller, Status> {
    let inactive = || Status::new(Code::Unimplemented, "the auth service is not activated");
    call.caller.as_ref().ok_or_else(inactive)
}

/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl Service {
    pub fn who_am_i(&self, call: &Call) -> Result<WhoAmIResponse, Status> {
        let caller = some_caller(call)?;
        Ok(WhoAmIResponse {
            username: caller.principal.clone(),
            expiration: caller.expires.map(Into::into),
        })
    }

    pub fn authorize(&self, call: &Call, request: &AuthorizeRequest) -> Result<AuthorizeResponse, Status> {
        let caller = some_caller(call)?;
        let permissions = self.permissions(&caller.principal, &On::try_from(request.resource.as_ref())?)?;
        let has = |number: &i32| Permission::try_from(*number).is_ok_and(|wanted| permissions.contains(&wanted));
        let (satisfied, missing): (Vec<i32>, Vec<i32>) = request.permissions.iter().partition(|number| has(number));
        Ok(AuthorizeResponse {
            authorized: missing.is_empty(),
            satisfied,
            missing,
            principal: caller.principal.clone(),
        })
    }

    pub fn get_permissions(
        &self,
        call: &Call,
        request: &GetPermissionsRequest,
    ) -> Result<GetPermissionsResponse, Status> {
        let caller = some_caller(call)?;
        self.told_permissions(&caller.principal, &On::try_from(request.resource.as_ref())?)
    }

    pub fn modify_role_binding(&self, call: &Call, request: &ModifyRoleBindingRequest) -> Result<Empty, Status> {
        some_caller(call)?;
        let on = On::try_from(request.resource.as_ref())?;
        let needed = match on {
            On::Cluster => P::ClusterModifyBindings,
            On::Project(_) => P::ProjectModifyBindings,
            On::Repo { .. } => P::RepoModifyBindings,
        };
        self.must_have(call, &on, &[needed])?;
        if let Some(role) = request.roles.iter().find(|role| permissions_of(role).is_none()) {
            return Err(Status::unknown(format!("unknown role {role:?}")));
        }
        let roles = request.roles.iter().map(String::as_str);
        self.change(|work| work.set_roles(&on.to_string(), &request.principal, roles))?;
        Ok(Empty {})
    }

    pub fn get_role_binding(
        &self,
        call: &Call,
        request: &GetRoleBindingRequest,
    ) -> Result<GetRoleBindingResponse, Status> {
        some_caller(call)?;
        let on = On::try_from(request.resource.as_ref())?;
        if on == On::Cluster {
            self.must_have(call, &on, &[P::ClusterGetBindings])?;
        }
        let entries = self.bindings(&on)?.into_iter().map(|(principal, roles)| {
            let roles = roles.into_iter().map(|role| (role, true)).collect();
            (principal, Roles { roles })
        });
        Ok(GetRoleBindingResponse {
            binding: Some(RoleBinding {
                entries: entries.collect(),
            }),
        })
    }

    pub fn get_robot_token(
        &self,
        call: &Call,
        request: &GetRobotTokenRequest,
    ) -> Result<GetRobotTokenResponse, Status> {
        some_caller(call)?;
        let name = request.robot.strip_prefix("robot:").unwrap_or(&request.robot);
        if name.contains(':') {
            return Err(Status::unknown("robot names cannot contain colons (':')"));
        }
        let (token, digest) = new_token();
        let expires =
            (request.ttl > 0).then(|| Timestamp::now().saturating_add(SignedDuration::from_secs(request.ttl)));
        let expires = expires.and_then(Result::ok);
        self.change(|work| work.add_token(&digest, &format!("robot:{name}"), expires))?;
        Ok(GetRobotTokenResponse { token })
    }

    /// Those of the file stay.
    pub fn revoke_auth_token(
        &self,
        call: &Call,
        request: &RevokeAuthTokenRequest,
    ) -> Result<RevokeAuthTokenResponse, Status> {
        some_caller(call)?;
        let was_there = self.change(|work| work.revoke_token(&digest(request.token.as_bytes())))?;
        Ok(RevokeAuthTokenResponse {
            number: i64::from(was_there),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Access::parse(text)
            .err()
            .map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn a_file_is_a_token_or_lines_of_who_has_which_and_may_do_what() {
        let access = Access::parse(" secret \n").unwrap();
        assert!(!access.names_somebody());
        assert_eq!(access.tokens[0].principal, SERVE);
        let text = "# who may what\nrobot:ci t1 repoWriter@default/events,projectViewer 2030-01-01T00:00:00Z\n\npach:root t2\n";
        let access = Access::parse(text).unwrap();
        assert!(access.names_somebody());
        assert!(access.tokens[0].expires.is_some() && access.tokens[1].expires.is_none());
        let roles: Vec<String> = access
            .roles
            .iter()
            .map(|(on, _, role)| format!("{role} on {on}"))
            .collect();
        let expected = [
            "repoWriter on REPO default/events",
            "projectViewer on CLUSTER",
            "clusterAdmin on CLUSTER",
        ];
        assert_eq!(roles, expected);
    }

    #[test]
    fn a_file_that_is_none_is_refused_by_its_line_and_shows_no_token() {
        assert_eq!(refused("\n# nobody\n"), "it holds no token");
        for text in [
            "ci hidden",
            "robot: hidden",
            "robot:ci hidden repoGod",
            "robot:ci hidden 2030-13-01",
        ] {
            let said = refused(&format!("secret\n{text}\n"));
            assert!(said.starts_with("line 2: ") && !said.contains("hidden"), "{said}");
        }
    }

    fn service(text: &str) -> (Service, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let service = Service::new(crate::Store::open(dir.path()).unwrap()).unwrap();
        (service.with_access(Access::parse(text).unwrap()), dir)
    }

    #[test]
    fn roles_count_in_whatever_they_are_on_is_part_of() {
        let (service, _dir) = service("user:a t1 repoReader@p\nuser:b t2 repoWriter@p/r\nuser:c t3");
        let may = |who: &str, on: &str, permission| {
            let (project, name) = on.split_once('/').unwrap();
            let on = On::Repo {
                project: project.to_owned(),
                name: name.to_owned(),
            };
            service.permissions(who, &on).unwrap().contains(&permission)
        };
        assert!(may("user:a", "p/r", P::RepoRead) && !may("user:a", "p/r", P::RepoWrite));
        assert!(!may("user:a", "q/r", P::RepoRead));
        assert!(may("user:b", "p/r", P::RepoWrite) && !may("user:b", "p/other", P::RepoRead));
        assert!(!may("user:c", "p/r", P::RepoRead));
        // Everybody makes repos in the default project.
        assert!(may("user:c", "default/r", P::ProjectCreateRepo) && !may("user:c", "p/r", P::ProjectCreateRepo));
    }

    #[test]
    fn a_token_is_good_until_it_expires() {
        let (service, _dir) = service("user:a old 2020-01-01T00:00:00Z\nuser:a new 2999-01-01T00:00:00Z");
        let expired = Status::new(Code::Internal, "token expiration is in the past");
        assert_eq!(service.caller(Some(b"old")), Err(expired));
        assert_eq!(service.caller(Some(b"new")).unwrap().unwrap().principal, "user:a");
        assert_eq!(service.caller(Some(b"other")).unwrap_err().code, Code::Unauthenticated);
        assert_eq!(service.caller(None).unwrap_err().code, Code::Unauthenticated);
    }
}
