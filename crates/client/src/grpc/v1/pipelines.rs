//! Of 1.x' pipelines only which branch one writes.

use prost::Message;

use super::{CALL, V1};
use crate::pachd::Call;
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{BranchName, Repo};

const INSPECT_PIPELINE: Call = Call::reads("pps.API", "InspectPipeline");

#[derive(Clone, PartialEq, Eq, Message)]
struct Pipeline {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct InspectPipelineRequest {
    #[prost(message, optional, tag = "1")]
    pipeline: Option<Pipeline>,
}

/// Of some forty fields the one that is asked for.
#[derive(Clone, PartialEq, Eq, Message)]
struct PipelineInfo {
    #[prost(string, tag = "16")]
    output_branch: String,
}

impl V1 {
    /// `None` where there is no such pipeline.
    pub(in crate::grpc) fn output_branch(&self, pipeline: &Repo) -> Result<Option<BranchName>, Fault> {
        let request = InspectPipelineRequest {
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
}
