//! What is no work on commits and files: of 1.x' pipelines only which branch one writes, and nothing of its auth.

use std::time::Duration;

use super::{CALL, V1};
use crate::connection::token::Token;
use crate::pachd::{self, Call, Identity, Login, Pachd};
use crate::transport::Transport as _;
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{BranchName, Repo};
use spoutctl_core::pipelines::{Pipelines, Running, Submission, Verdict};
use spoutctl_proto::v1::pps::{Pipeline, PipelineInfo, PipelineRequest};

const INSPECT_PIPELINE: Call = Call::reads("pps.API", "InspectPipeline");

fn unsupported<T>(call: Call) -> Result<T, Fault> {
    Err(pachd::refused(call, "not supported on Pachyderm 1.x"))
}

impl Pachd for V1 {
    fn version(&self) -> Result<String, Fault> {
        Ok("1.x".to_owned())
    }

    fn sends_token_in_clear(&self) -> bool {
        self.calls.sends_token_in_clear()
    }

    fn who_am_i(&self) -> Result<Identity, Fault> {
        unsupported(pachd::WHO_AM_I)
    }

    fn oidc_login(&self) -> Result<Login, Fault> {
        unsupported(pachd::GET_OIDC_LOGIN)
    }

    fn authenticate(&self, _: &Login, _: Duration) -> Result<Option<Token>, Fault> {
        unsupported(pachd::AUTHENTICATE)
    }
}

impl Pipelines for V1 {
    fn try_pipeline(&self, _: &str) -> Result<Verdict, Fault> {
        unsupported(pachd::TRY_PIPELINE)
    }

    fn submit_pipeline(&self, _: &str, _: Submission) -> Result<Verdict, Fault> {
        unsupported(pachd::CREATE_PIPELINE)
    }

    fn find_pipeline(&self, _: &Repo) -> Result<Option<Running>, Fault> {
        unsupported(pachd::INSPECT_PIPELINE)
    }

    fn output_branch(&self, pipeline: &Repo) -> Result<Option<BranchName>, Fault> {
        let request = PipelineRequest {
            pipeline: Some(Pipeline {
                name: pipeline.name.as_str().to_owned(),
            }),
        };
        match self.ask::<_, PipelineInfo>(INSPECT_PIPELINE, request, CALL) {
            Ok(info) => Ok(BranchName::new(&info.output_branch).ok()),
            Err(failed) if failed.fault.is_passing() => Err(failed.fault),
            Err(_) => Ok(None),
        }
    }

    fn stop_pipeline(&self, _: &Repo) -> Result<(), Fault> {
        unsupported(pachd::STOP_PIPELINE)
    }

    fn start_pipeline(&self, _: &Repo) -> Result<(), Fault> {
        unsupported(pachd::START_PIPELINE)
    }
}
