//! Who may do what where tokens are asked for: pachd's principals, roles and permissions, and the calls about them.
//!
//! Principals come with the tokens of a file, or get theirs from `GetRobotToken`; roles come with the file, or from
//! `ModifyRoleBinding`. Nothing is asked of a service without [`Access`].

mod file;
mod roles;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use self::file::digest;
pub use self::file::{Access, InvalidAccess};
use self::roles::{Need, On, need_of, permissions_of};
use super::call::Caller;
use super::repos::repo_to_make;
use super::{Call, Code, Service, Status};
use spoutctl_core::history::CommitHistory as _;
use spoutctl_core::pfs::{Branch, DEFAULT_PROJECT, ProjectName, Repo, RepoName};
use spoutctl_proto::auth::{
    AuthorizeRequest, AuthorizeResponse, GetPermissionsRequest, GetPermissionsResponse, GetRobotTokenRequest,
    GetRobotTokenResponse, GetRoleBindingRequest, GetRoleBindingResponse, ModifyRoleBindingRequest, Permission,
    RevokeAuthTokenRequest, RevokeAuthTokenResponse, RoleBinding, Roles, WhoAmIResponse,
};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs::{AuthInfo, CreateRepoRequest};
use spoutctl_proto::transaction::TransactionRequest;

/// Everybody with a token, as pachd names them.
const EVERYBODY: &str = "allClusterUsers";

/// A token that nobody has yet, and its digest.
pub(super) fn new_token() -> (String, [u8; 32]) {
    let token = Uuid::new_v4().simple().to_string();
    let digest = digest(token.as_bytes());
    (token, digest)
}

/// The repos that a request names, wherever they stand: a commit may name one beside that of its branch, and whoever
/// may use the one may not use the other by it. What a branch or a commit is to depend on is for the call itself.
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
                "{principal} is not authorized to perform this operation - needs permissions [{}] on {on}. Run \
                 `pachctl auth roles-for-permission` to find roles that grant a given permission.",
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
            Need::Repo(_) | Need::ProjectOfRepo(_) => {
                serde_json::to_value(request).map_err(|error| Status::new(Code::Internal, error.to_string()))?
            }
        };
        let mut repos = Vec::new();
        repos_in(&needed, &mut repos);
        if repos.is_empty() && call.method == "pfs_v2.API/ListCommit" {
            // Those of all repos.
            return self.must_have(call, &On::Cluster, &[Permission::RepoListCommit]);
        }
        for repo in &repos {
            match need {
                Need::ProjectOfRepo(permission) => {
                    self.must_have(call, &On::Project(repo.project.to_string()), &[permission])?;
                }
                Need::Repo(permissions) if self.store.repo_exists(repo)? => {
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

    /// The same of one of a transaction's requests, which may have waited: what it is about may not have been there
    /// when it came.
    ///
    /// # Errors
    /// As [`Service::authorize_call`].
    pub(super) fn authorize_request(&self, call: &Call, request: &TransactionRequest) -> Result<(), Status> {
        let method = [
            ("CreateRepo", request.create_repo.is_some()),
            ("DeleteRepo", request.delete_repo.is_some()),
            ("StartCommit", request.start_commit.is_some()),
            ("FinishCommit", request.finish_commit.is_some()),
            ("SquashCommitSet", request.squash_commit_set.is_some()),
            ("CreateBranch", request.create_branch.is_some()),
            ("DeleteBranch", request.delete_branch.is_some()),
        ];
        let Some((method, _)) = method.into_iter().find(|(_, is_asked)| *is_asked) else {
            return Ok(());
        };
        let mut by_itself = call.clone();
        by_itself.method = format!("pfs_v2.API/{method}");
        self.authorize_call(&by_itself, request)
    }

    /// Whether the caller may give a repo that is there another description, as making it once more does.
    ///
    /// # Errors
    /// `PermissionDenied`; when the request names no repo.
    pub(super) fn authorize_description(&self, call: &Call, request: &CreateRepoRequest) -> Result<(), Status> {
        let repo = repo_to_make(request)?;
        if call.caller.is_none() || !request.update || !self.store.repo_exists(&repo)? {
            return Ok(());
        }
        if self.store.repo(&repo)?.description == request.description {
            return Ok(());
        }
        let may = self.must_have(call, &On::repo(&repo), &[Permission::RepoWrite]);
        may.map_err(|status| status.within(format_args!("could not update description of \"{repo}\"")))
    }

    /// Whether the caller may delete all of these pipelines.
    ///
    /// # Errors
    /// `PermissionDenied`.
    pub(super) fn authorize_deletions(&self, call: &Call, pipelines: &[Repo]) -> Result<(), Status> {
        let mut pipelines = pipelines.iter();
        pipelines.try_for_each(|pipeline| self.must_have(call, &On::repo(pipeline), &[Permission::RepoDelete]))
    }

    /// Whether the caller may read a repo.
    ///
    /// # Errors
    /// `PermissionDenied`.
    pub(super) fn authorize_reading(&self, call: &Call, repo: &Repo) -> Result<(), Status> {
        self.must_have(call, &On::repo(repo), &[Permission::RepoRead])
    }

    /// Whether a list shows the caller the jobs of this pipeline: of those that he may not see, nothing is said.
    pub(super) fn sees_jobs_of(&self, call: &Call, pipeline: &Repo) -> Result<bool, Status> {
        let Some(Caller { principal, .. }) = &call.caller else {
            return Ok(true);
        };
        Ok(self
            .permissions(principal, &On::repo(pipeline))?
            .contains(&Permission::PipelineListJob))
    }

    /// What a list shows the caller of what is named as a repo: what is in projects whose repos he may list, and what
    /// he may read.
    ///
    /// # Errors
    /// What is wrong with the disk.
    pub(super) fn listed<T>(&self, call: &Call, all: Vec<T>, repo_of: impl Fn(&T) -> &Repo) -> Result<Vec<T>, Status> {
        let Some(Caller { principal, .. }) = &call.caller else {
            return Ok(all);
        };
        let mut shown = Vec::new();
        for one in all {
            let permissions = self.permissions(principal, &On::repo(repo_of(&one)))?;
            if permissions.contains(&Permission::ProjectListRepo) || permissions.contains(&Permission::RepoRead) {
                shown.push(one);
            }
        }
        Ok(shown)
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
            // What is not there is for the call itself to say.
            if self.store.repo_exists(&input.repo)? {
                self.authorize_reading(call, &input.repo)?;
            }
        }
        if is_there {
            self.must_have(call, &On::repo(name), &[Permission::RepoWrite])
        } else {
            let project = On::Project(name.project.to_string());
            self.must_have(call, &project, &[Permission::ProjectCreateRepo])
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
            On::Cluster => Permission::ClusterModifyBindings,
            On::Project(_) => Permission::ProjectModifyBindings,
            On::Repo { .. } => Permission::RepoModifyBindings,
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
            self.must_have(call, &on, &[Permission::ClusterGetBindings])?;
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
    use std::ops::ControlFlow;

    use serde_json::json;

    use crate::serve::access::roles::SERVE;
    use spoutctl_core::pfs::BranchName;
    use spoutctl_core::sink::CommitSink as _;
    use spoutctl_proto::pfs::{ListRepoRequest, RepoInfo};

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
        let text = "# who may what\nrobot:ci t1 repoWriter@default/events,projectViewer 2030-01-01T00:00:00Z\n\n\
                    pach:root t2\n";
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
        assert!(may("user:a", "p/r", Permission::RepoRead) && !may("user:a", "p/r", Permission::RepoWrite));
        assert!(!may("user:a", "q/r", Permission::RepoRead));
        assert!(may("user:b", "p/r", Permission::RepoWrite) && !may("user:b", "p/other", Permission::RepoRead));
        assert!(!may("user:c", "p/r", Permission::RepoRead));
        // Everybody makes repos in the default project.
        assert!(
            may("user:c", "default/r", Permission::ProjectCreateRepo)
                && !may("user:c", "p/r", Permission::ProjectCreateRepo)
        );
    }

    /// As when there are no descriptors left.
    #[test]
    fn what_cannot_be_looked_up_is_not_allowed() {
        let (service, dir) = service("user:a t1");
        let call = |method: &str| {
            let mut call = Call::default();
            method.clone_into(&mut call.method);
            call.caller = service.caller(Some(b"t1")).unwrap();
            call
        };
        let spec = Repo {
            project: ProjectName::default(),
            name: RepoName::new("p").unwrap(),
        };
        let input = Branch {
            repo: spec.clone(),
            name: BranchName::new("master").unwrap(),
        };
        let database = rusqlite::Connection::open(dir.path().join("store.sqlite")).unwrap();
        database.execute_batch("ALTER TABLE repos RENAME TO elsewhere").unwrap();
        let request = serde_json::json!({"repo": {"name": "secret", "type": "user"}});
        let list = service.authorize_call(&call("pfs_v2.API/ListCommit"), &request);
        assert_eq!(list.unwrap_err().code, Code::Internal);
        let made = service.authorize_pipeline(&call("pps_v2.API/CreatePipeline"), &spec, false, &[input]);
        assert_eq!(made.unwrap_err().code, Code::Internal);
    }

    fn read<T: serde::de::DeserializeOwned>(message: Value) -> T {
        serde_json::from_value(message).unwrap()
    }

    /// Who asked when there was none, or in whose stream it was made, is asked again when it counts.
    #[test]
    fn a_repo_that_is_made_after_a_call_came_is_as_closed_as_any() {
        let (service, _dir) = service("user:b t2");
        let call = |method: &str| {
            let mut call = Call::default();
            method.clone_into(&mut call.method);
            call.caller = service.caller(Some(b"t2")).unwrap();
            call
        };
        let repo = json!({"name": "late", "type": "user", "project": {"name": "default"}});
        let commit = json!({"repo": repo, "branch": {"repo": repo, "name": "master"}});
        let name = Repo {
            project: ProjectName::default(),
            name: RepoName::new("late").unwrap(),
        };
        let branch = Branch {
            repo: name.clone(),
            name: BranchName::new("master").unwrap(),
        };
        let denied = |answer: Result<Empty, Status>| assert_eq!(answer.unwrap_err().code, Code::PermissionDenied);

        let mut messages = vec![
            read(json!({"addFile": {"path": "/evil", "raw": "eA=="}})),
            read(json!({"setCommit": commit})),
        ];
        denied(service.modify_file(&call("pfs_v2.API/ModifyFile"), &mut || {
            if messages.len() == 1 {
                service.store.create_repo(&name).unwrap();
            }
            Ok(messages.pop())
        }));
        assert_eq!(service.store.repo(&name).unwrap().branches, [""; 0]);

        service.store.start_commit(&branch, "").unwrap();
        let add = read(json!({"commit": commit, "fileSetId": "0".repeat(32)}));
        denied(service.add_file_set(&call("pfs_v2.API/AddFileSet"), add));
        let clear = read(json!({"commit": commit}));
        denied(service.clear_commit(&call("pfs_v2.API/ClearCommit"), &clear));
        let start = read(json!({"pipeline": {"name": "late"}}));
        denied(service.start_pipeline(&call("pps_v2.API/StartPipeline"), &start));
        let delete = read(json!({"pipeline": {"name": "late"}}));
        denied(service.delete_pipeline(&call("pps_v2.API/DeletePipeline"), &delete));
        let follow = read(json!({"repo": repo, "branch": "master", "state": "STARTED"}));
        let mut seen = 0;
        let followed = service.subscribe_commit(&call("pfs_v2.API/SubscribeCommit"), &follow, &mut |_| {
            seen += 1;
            ControlFlow::Break(())
        });
        denied(followed.map(|()| Empty {}));
        assert_eq!(seen, 0);
    }

    #[test]
    fn repos_of_a_closed_project_are_listed_to_who_may_read_them() {
        let (service, _dir) = service("user:a t1 repoReader@closed/shown");
        for name in ["shown", "private"] {
            let repo = Repo {
                project: ProjectName::new("closed").unwrap(),
                name: RepoName::new(name).unwrap(),
            };
            service.store.create_repo(&repo).unwrap();
        }
        let listed = |call: &Call| {
            let mut listed = Vec::new();
            let mut show = |info: RepoInfo| {
                listed.push(info.repo.unwrap().name);
                ControlFlow::Continue(())
            };
            service.list_repo(call, &ListRepoRequest::default(), &mut show).unwrap();
            listed.sort();
            listed
        };
        let mut call = Call::default();
        assert_eq!(listed(&call), ["private", "shown"]);
        call.caller = service.caller(Some(b"t1")).unwrap();
        assert_eq!(listed(&call), ["shown"]);
    }

    #[test]
    fn roles_on_a_project_end_with_it() {
        let (service, _dir) = service("user:a t1");
        let (store, name) = (&service.store, ProjectName::new("p").unwrap());
        let make = || store.change(|work| work.create_project(&name, "", false)).unwrap();
        make();
        store
            .change(|work| work.set_roles("PROJECT p", "user:a", ["projectOwner"]))
            .unwrap();
        let roles = || service.roles_of("user:a", &On::Project("p".to_owned())).unwrap();
        assert!(roles().contains("projectOwner"));
        store.change(|work| work.delete_project(&name, false)).unwrap();
        make();
        assert!(!roles().contains("projectOwner"));
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
