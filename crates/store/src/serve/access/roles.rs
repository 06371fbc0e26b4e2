//! pachd's roles: what each permits, on what, and what each call asks for.

use std::fmt;

use crate::serve::Status;
use spoutctl_core::pfs::{DEFAULT_PROJECT, Repo};
use spoutctl_proto::auth::{Permission, Resource, ResourceType};

use Permission as P;

/// Who has the only token of a file that names nobody.
pub(super) const SERVE: &str = "user:serve";
pub(super) const ROOT: &str = "pach:root";
pub(super) const CLUSTER: &str = "CLUSTER";

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
pub(super) fn permissions_of(role: &str) -> Option<Vec<Permission>> {
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
pub(super) enum On {
    Cluster,
    Project(String),
    Repo { project: String, name: String },
}

impl On {
    pub(super) fn repo(repo: &Repo) -> Self {
        Self::Repo {
            project: repo.project.to_string(),
            name: repo.name.to_string(),
        }
    }

    /// With whatever it is in: roles there count here.
    pub(super) fn and_around(&self) -> Vec<Self> {
        match self {
            Self::Cluster => vec![Self::Cluster],
            Self::Project(_) => vec![self.clone(), Self::Cluster],
            Self::Repo { project, .. } => vec![self.clone(), Self::Project(project.clone()), Self::Cluster],
        }
    }

    pub(super) fn may_have(&self, permission: Permission) -> bool {
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

/// What a call asks of its caller: permissions on the repo that its request names, or on more.
pub(super) enum Need {
    Nothing,
    Repo(&'static [Permission]),
    ProjectOfRepo(Permission),
    Cluster(Permission),
}

/// As pachd 2.12 asks.
pub(super) fn need_of(method: &str) -> Need {
    match method {
        "pfs_v2.API/StartCommit"
        | "pfs_v2.API/FinishCommit"
        // pachd itself lets anybody add to an open commit whose id he knows.
        | "pfs_v2.API/AddFileSet"
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
        "metadata.API/EditMetadata" | "pps_v2.API/CreateSecret" | "pps_v2.API/DeleteSecret" => {
            Need::Cluster(P::ClusterModifyBindings)
        }
        "auth_v2.API/GetRobotToken" => Need::Cluster(P::ClusterAuthGetRobotToken),
        _ => Need::Nothing,
    }
}
