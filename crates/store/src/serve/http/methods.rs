//! Which call a path means, and how its requests and answers are written.
//!
//! The table of [`find`] is all that is served. Every call is carried out on a thread that may block.

mod requested;
mod v1;

pub(super) use self::requested::{Method, RequestBody, carry_out};
use self::requested::{look, look_at_many, many, one, stream, unknown, version};
use crate::Dialect;
use crate::serve::{Code, Service, Status};
use spoutctl_core::release::Release;
use spoutctl_proto::admin::{ClusterInfo, HealthCheckResponse, InspectClusterRequest};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs::WalkFileRequest;

/// The call of `/api/<path>`, or of `/<path>` in gRPC.
///
/// # Errors
/// When there is no such call, or we do not serve it.
pub(super) fn find(path: &str, dialect: Dialect, is_guarded: bool) -> Result<Method, Status> {
    if dialect.is_1_x() {
        return v1::find(path, dialect);
    }
    if !is_in(path, dialect) {
        return Err(unknown());
    }
    match path.split_once('/') {
        Some(("pfs_v2.API", method)) => files(method),
        Some(("transaction_v2.API", method)) => transactions(method),
        Some(("versionpb_v2.API", "GetVersion")) => Ok(one(move |_, _, Empty {}| Ok(version(dialect)))),
        Some(("admin_v2.API", "InspectCluster")) => Ok(look(move |_, _, request| Ok(cluster(dialect, request)))),
        Some(("grpc.health.v1.Health", "Check")) => Ok(one(|_, _, Empty {}| Ok(HealthCheckResponse::serving()))),
        Some(("auth_v2.API", method)) => authentication(method, is_guarded),
        Some(("pps_v2.API", method)) => pipelines(method),
        Some(("metadata.API", "EditMetadata")) => Ok(look(Service::edit_metadata)),
        Some((service, _)) if SERVICES.contains(&service) => Err(Status::unserved(path)),
        _ => Err(unknown()),
    }
}

/// Whether the pachd of a dialect has a call that others have (recordings 031, 092, 415, 416, 424, 425; the rest:
/// source).
fn is_in(path: &str, dialect: Dialect) -> bool {
    let since = |minor| dialect.release() >= Release::new(2, minor, 0);
    match path {
        "pfs_v2.API/CreateProject"
        | "pfs_v2.API/InspectProject"
        | "pfs_v2.API/ListProject"
        | "pfs_v2.API/DeleteProject"
        | "pfs_v2.API/DeleteRepos" => dialect.has_projects(),
        "pfs_v2.API/FindCommits" => since(6),
        // The line of 2.5 got them late, 2.6 and 2.7 never.
        "pfs_v2.API/DropCommit" | "pfs_v2.API/SquashCommit" => since(8) || dialect.release().minor == 5,
        "pps_v2.API/CreatePipelineV2" => since(8),
        "pfs_v2.API/InspectProjectV2" => since(9),
        path if path.starts_with("metadata.API/") || path.starts_with("storage.Fileset/") => since(11),
        _ => true,
    }
}

/// pachd's services beside those in the table.
const SERVICES: &[&str] = &[
    "admin_v2.API",
    "debug_v2.Debug",
    "enterprise_v2.API",
    "grpc.health.v1.Health",
    "identity_v2.API",
    "license_v2.API",
    "logs.API",
    "metadata.API",
    "pjs.API",
    "proxy.API",
    "snapshot.API",
    "storage.Fileset",
    "versionpb_v2.API",
    "worker.Worker",
];

fn files(method: &str) -> Result<Method, Status> {
    Ok(match method {
        "CreateProject" => look(Service::create_project),
        "DeleteProject" => look(Service::delete_project),
        "InspectProject" => look(Service::inspect_project),
        "InspectProjectV2" => look(Service::inspect_project_v2),
        "ListProject" => many(|service, call, Empty {}, answers| service.list_project(call, answers)),
        "CreateRepo" => one(Service::create_repo),
        "InspectRepo" => look(Service::inspect_repo),
        "ListRepo" => look_at_many(Service::list_repo),
        "DeleteRepo" => one(Service::delete_repo),
        "DeleteRepos" => look(Service::delete_repos),
        "CreateBranch" => one(Service::create_branch),
        "InspectBranch" => look(Service::inspect_branch),
        "ListBranch" => look_at_many(Service::list_branch),
        "DeleteBranch" => one(Service::delete_branch),
        "StartCommit" => one(Service::start_commit),
        "FinishCommit" => one(Service::finish_commit),
        "ClearCommit" => look(Service::clear_commit),
        "InspectCommit" => look(Service::inspect_commit),
        "ListCommit" => look_at_many(Service::list_commit),
        "SubscribeCommit" => look_at_many(Service::subscribe_commit),
        "SquashCommit" => look(Service::squash_commit),
        "DropCommit" => look(Service::drop_commit),
        "InspectCommitSet" => look_at_many(Service::inspect_commit_set),
        "ListCommitSet" => look_at_many(Service::list_commit_set),
        "SquashCommitSet" => one(Service::squash_commit_set),
        "DropCommitSet" => look(Service::drop_commit_set),
        "ModifyFile" => stream(Service::modify_file),
        "CreateFileSet" => stream(Service::create_file_set),
        "GetFileSet" => look(Service::get_file_set),
        "AddFileSet" => one(Service::add_file_set),
        "RenewFileSet" => one(Service::renew_file_set),
        "ComposeFileSet" => one(Service::compose_file_set),
        "InspectFile" => one(Service::inspect_file),
        "ListFile" => many(Service::list_file),
        "WalkFile" => {
            many(|service, call, request: WalkFileRequest, answers| service.walk_file(call, request.into(), answers))
        }
        "GlobFile" => many(Service::glob_file),
        "DiffFile" => many(Service::diff_file),
        "GetFile" => many(Service::get_file),
        "GetFileTAR" => many(Service::get_file_tar),
        "ActivateAuth"
        | "CheckStorage"
        | "ClearCache"
        | "DeleteAll"
        | "Egress"
        | "FindCommits"
        | "ForgetCommit"
        | "Fsck"
        | "GetCache"
        | "ListTask"
        | "PutCache"
        | "ReposSummary"
        | "ShardFileSet"
        | "WalkBranchProvenance"
        | "WalkBranchSubvenance"
        | "WalkCommitProvenance"
        | "WalkCommitSubvenance" => return Err(Status::unserved(&format!("pfs_v2.API/{method}"))),
        _ => return Err(unknown()),
    })
}

fn pipelines(method: &str) -> Result<Method, Status> {
    Ok(match method {
        "CreatePipelineV2" => look(Service::create_pipeline_v2),
        "CreatePipeline" => Method::One(Box::new(|service, call, requested| {
            let spec = requested.spec()?;
            requested.format().write(&service.create_pipeline(call, &spec)?)
        })),
        "InspectPipeline" => look(Service::inspect_pipeline),
        "ListPipeline" => look_at_many(Service::list_pipeline),
        "StartPipeline" => look(Service::start_pipeline),
        "StopPipeline" => look(Service::stop_pipeline),
        "DeletePipeline" => look(Service::delete_pipeline),
        "ListJob" => look_at_many(Service::list_job),
        "ListJobSet" => look_at_many(Service::list_job_set),
        "InspectJobSet" => look_at_many(Service::inspect_job_set),
        "InspectJob" => look(Service::inspect_job),
        "StopJob" => look(Service::stop_job),
        "DeleteJob" => look(Service::delete_job),
        "RunCron" => look(Service::run_cron),
        "CreateSecret" => look(Service::create_secret),
        "DeleteSecret" => look(Service::delete_secret),
        "InspectSecret" => look(Service::inspect_secret),
        "ListSecret" => one(|service, call, Empty {}| service.list_secret(call)),
        "GetLogs" => return Err(Status::without_logs()),
        _ => return Err(Status::unserved(&format!("pps_v2.API/{method}"))),
    })
}

fn transactions(method: &str) -> Result<Method, Status> {
    Ok(match method {
        "StartTransaction" => one(|service, call, Empty {}| service.start_transaction(call)),
        "InspectTransaction" => look(Service::inspect_transaction),
        "ListTransaction" => one(|service, call, Empty {}| service.list_transaction(call)),
        "DeleteTransaction" => look(Service::delete_transaction),
        "FinishTransaction" => look(Service::finish_transaction),
        "BatchTransaction" => look(Service::batch_transaction),
        "DeleteAll" => return Err(Status::unserved(&format!("transaction_v2.API/{method}"))),
        _ => return Err(unknown()),
    })
}

fn authentication(method: &str, is_guarded: bool) -> Result<Method, Status> {
    Ok(match method {
        "Activate" if !is_guarded => {
            let message = "spoutctl serve asks for tokens when it is started with --token-file";
            return Err(Status::new(Code::Unimplemented, message));
        }
        _ if !is_guarded => return Err(Status::new(Code::Unimplemented, "the auth service is not activated")),
        "WhoAmI" => one(|service, call, Empty {}| service.who_am_i(call)),
        "Authorize" => look(Service::authorize),
        "GetPermissions" => look(Service::get_permissions),
        "ModifyRoleBinding" => look(Service::modify_role_binding),
        "GetRoleBinding" => look(Service::get_role_binding),
        "GetRobotToken" => look(Service::get_robot_token),
        "RevokeAuthToken" => look(Service::revoke_auth_token),
        "GetOIDCLogin" => one(|_, _, Empty {}| {
            // There is nobody to log in with (recording auth 029).
            Err::<Empty, _>(Status::unknown("OIDC ID provider configuration not found"))
        }),
        _ => return Err(Status::unserved(&format!("auth_v2.API/{method}"))),
    })
}

/// Whether the pachd of a dialect has a service of this name.
pub(super) fn is_service(name: &str, dialect: Dialect) -> bool {
    if dialect.is_1_x() {
        return v1::is_service(name);
    }
    matches!(name, "pfs_v2.API" | "pps_v2.API" | "transaction_v2.API" | "auth_v2.API") || SERVICES.contains(&name)
}

/// As pachd says it (recording http 006).
fn cluster(dialect: Dialect, request: &InspectClusterRequest) -> ClusterInfo {
    let id = "spoutctl".to_owned();
    if !dialect.has_projects() {
        return ClusterInfo {
            id,
            ..ClusterInfo::default()
        };
    }
    let warnings: &[&str] = if request.client_version.is_some() {
        &[]
    } else {
        &["the client did not send its version"]
    };
    ClusterInfo {
        id,
        warnings_ok: true,
        warnings: warnings.iter().map(|&warning| warning.to_owned()).collect(),
        ..ClusterInfo::default()
    }
}

#[cfg(test)]
mod tests {
    use spoutctl_proto::pfs::ModifyFileRequest;

    use super::requested::misplaced;
    use super::*;

    #[test]
    fn a_wrong_value_is_named_with_the_place_where_it_starts() {
        let line = r#"{"addFile": {"path": "/x", "raw": "*"}}"#;
        let error = serde_json::from_str::<ModifyFileRequest>(line).unwrap_err();
        let expected = "proto: (line 1:35): invalid value for bytes type: \"*\"";
        assert_eq!(misplaced(&error).message, expected);
    }

    #[test]
    fn what_is_not_served_is_named_and_what_does_not_exist_is_not_found() {
        let code = |path| find(path, Dialect::default(), false).err().map(|status| status.code);
        assert_eq!(code("pfs_v2.API/StartCommit"), None);
        assert_eq!(code("pfs_v2.API/Nope"), Some(Code::NotFound));
        assert_eq!(code("nope.API/StartCommit"), Some(Code::NotFound));
        assert_eq!(code("pfs_v2.API/Fsck"), Some(Code::Unimplemented));
        assert_eq!(code("pps_v2.API/CreatePipelineV2"), None);
        assert_eq!(code("pps_v2.API/GetLogs"), Some(Code::Unimplemented));
        assert_eq!(code("auth_v2.API/WhoAmI"), Some(Code::Unimplemented));
        assert!(
            find("pps_v2.API/ListDatum", Dialect::default(), false)
                .err()
                .unwrap()
                .message
                .contains("pps_v2.API/ListDatum")
        );
    }
}
