//! The calls of pachd 2.x that are made, each once.

/// One of pachd's calls, as far as its faults depend on which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    pub service: &'static str,
    pub name: &'static str,
    /// Carrying it out twice, or once without our knowing, changes nothing that anybody sees.
    pub repeatable: bool,
    /// It names a file set, so that "path does not exist" is about that.
    pub(super) names_file_set: bool,
}

const PFS: &str = "pfs_v2.API";
const TRANSACTIONS: &str = "transaction_v2.API";

impl Call {
    #[must_use]
    pub const fn reads(service: &'static str, name: &'static str) -> Self {
        Self {
            service,
            name,
            repeatable: true,
            names_file_set: false,
        }
    }

    const fn changes(name: &'static str) -> Self {
        Self::changing(PFS, name)
    }

    #[must_use]
    pub const fn changing(service: &'static str, name: &'static str) -> Self {
        Self {
            service,
            name,
            repeatable: false,
            names_file_set: false,
        }
    }

    const fn naming_a_file_set(self) -> Self {
        Self {
            names_file_set: true,
            ..self
        }
    }
}

pub const GET_VERSION: Call = Call::reads("versionpb_v2.API", "GetVersion");
pub const INSPECT_CLUSTER: Call = Call::reads("admin_v2.API", "InspectCluster");
pub const AUTHORIZE: Call = Call::reads("auth_v2.API", "Authorize");
pub const WHO_AM_I: Call = Call::reads("auth_v2.API", "WhoAmI");
/// Makes a state that nobody else knows of, and that is forgotten again.
pub const GET_OIDC_LOGIN: Call = Call::reads("auth_v2.API", "GetOIDCLogin");
pub const AUTHENTICATE: Call = Call::changing("auth_v2.API", "Authenticate");
pub const INSPECT_PIPELINE: Call = Call::reads("pps_v2.API", "InspectPipeline");
pub const INSPECT_PROJECT: Call = Call::reads(PFS, "InspectProject");
pub const INSPECT_REPO: Call = Call::reads(PFS, "InspectRepo");
pub const LIST_REPO: Call = Call::reads(PFS, "ListRepo");
pub const LIST_FILE: Call = Call::reads(PFS, "ListFile");
pub const LIST_BRANCH: Call = Call::reads(PFS, "ListBranch");
pub const INSPECT_BRANCH: Call = Call::reads(PFS, "InspectBranch");
pub const INSPECT_COMMIT: Call = Call::reads(PFS, "InspectCommit");
pub const INSPECT_COMMIT_SET: Call = Call::reads(PFS, "InspectCommitSet");
pub const LIST_COMMIT: Call = Call::reads(PFS, "ListCommit");
pub const SUBSCRIBE_COMMIT: Call = Call::reads(PFS, "SubscribeCommit");
pub const INSPECT_FILE: Call = Call::reads(PFS, "InspectFile");
pub const GET_FILE: Call = Call::reads(PFS, "GetFile");
pub const GET_FILE_TAR: Call = Call::reads(PFS, "GetFileTAR");
pub const DIFF_FILE: Call = Call::reads(PFS, "DiffFile");
pub const WALK_FILE: Call = Call::reads(PFS, "WalkFile");
/// Nobody sees a file set that no commit holds, so making one too many is harmless: it expires.
pub const CREATE_FILE_SET: Call = Call::reads(PFS, "CreateFileSet");
pub const RENEW_FILE_SET: Call = Call::reads(PFS, "RenewFileSet").naming_a_file_set();
pub const COMPOSE_FILE_SET: Call = Call::reads(PFS, "ComposeFileSet").naming_a_file_set();
/// With `dryRun`.
pub const TRY_PIPELINE: Call = Call::reads("pps_v2.API", "CreatePipelineV2");
pub const CREATE_PIPELINE: Call = Call::changing("pps_v2.API", "CreatePipelineV2");
pub const STOP_PIPELINE: Call = Call::changing("pps_v2.API", "StopPipeline");
pub const START_PIPELINE: Call = Call::changing("pps_v2.API", "StartPipeline");
pub const CREATE_REPO: Call = Call::changes("CreateRepo");
pub const START_COMMIT: Call = Call::changes("StartCommit");
pub const ADD_FILE_SET: Call = Call::changes("AddFileSet").naming_a_file_set();
pub const FINISH_COMMIT: Call = Call::changes("FinishCommit");
pub const DROP_COMMIT_SET: Call = Call::changes("DropCommitSet");
pub const SQUASH_COMMIT_SET: Call = Call::changes("SquashCommitSet");
/// Whether in a transaction or without a head: nothing moves, however often it is made.
pub const CREATE_BRANCH: Call = Call::reads(PFS, "CreateBranch");
/// One too many has nothing in it, and nobody finishes it.
pub const START_TRANSACTION: Call = Call::reads(TRANSACTIONS, "StartTransaction");
pub const LIST_TRANSACTION: Call = Call::reads(TRANSACTIONS, "ListTransaction");
pub const DELETE_TRANSACTION: Call = Call::reads(TRANSACTIONS, "DeleteTransaction");
/// Asked again, it says whether it is done: there is no such transaction then.
pub const FINISH_TRANSACTION: Call = Call::changing(TRANSACTIONS, "FinishTransaction");
/// The header, or the metadata, by which a call becomes part of a transaction.
pub const TRANSACTION_HEADER: &str = "pach-transaction";
