//! Pipelines of 2.x: made of a spec's own JSON since 2.8, and of a message that is made of it before.

use prost::DecodeError;
use prost::Message;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, skip_field};
use serde::Serialize;
use serde_json::Value;

use super::{Answered, PachdV2, messages};
use crate::pachd::{self, Call};
use crate::transport::Transport;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{BranchName, Repo};
use spoutctl_core::pipelines::{Pipelines, Running, Submission, Verdict};
use spoutctl_core::release::Release;
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs;
use spoutctl_proto::pps::{
    CreatePipelineV2Request, CreatePipelineV2Response, InspectPipelineRequest, Pipeline, PipelineInfo,
    StartPipelineRequest, StopPipelineRequest,
};
use spoutctl_proto::schema::{JsonDecodeError, JsonDecodeErrorKind, Unknown};
use spoutctl_proto::spec::CREATE_PIPELINE_REQUEST;

const CREATE_PIPELINE_BEFORE_2_8: Call = Call::changing("pps_v2.API", "CreatePipeline");

/// The first release that takes a spec as it is.
const SPECS_IN_JSON: Release = Release::new(2, 8, 0);

impl<T: Transport> Pipelines for PachdV2<T> {
    fn try_pipeline(&self, spec: &str) -> Result<Verdict, Fault> {
        let request = CreatePipelineV2Request {
            create_pipeline_request_json: spec.to_owned(),
            dry_run: true,
            ..CreatePipelineV2Request::default()
        };
        let verdict = self.ask_about_a_spec(pachd::TRY_PIPELINE, request)?;
        verdict.ok_or_else(|| {
            let text =
                "this pachd, of before 2.8, can create a pipeline, and not say beforehand what it makes of a spec";
            pachd::refused(pachd::TRY_PIPELINE, text)
        })
    }

    fn submit_pipeline(&self, spec: &str, how: Submission) -> Result<Verdict, Fault> {
        let request = CreatePipelineV2Request {
            create_pipeline_request_json: spec.to_owned(),
            dry_run: false,
            update: how.update,
            reprocess: how.reprocess,
        };
        match self.ask_about_a_spec(pachd::CREATE_PIPELINE, request)? {
            Some(verdict) => Ok(verdict),
            None => self.submit_before_2_8(spec, how),
        }
    }

    fn find_pipeline(&self, pipeline: &Repo) -> Result<Option<Running>, Fault> {
        let found = self.inspect_pipeline(pipeline, false)?;
        Ok(found.map(|info| Running {
            kind: messages::pipeline_kind(&info),
            state: messages::pipeline_state(&info),
            reason: info.reason,
            version: info.version,
            submitted: info.user_spec_json,
            effective: info.effective_spec_json,
        }))
    }

    fn output_branch(&self, pipeline: &Repo) -> Result<Option<BranchName>, Fault> {
        let details = self.inspect_pipeline(pipeline, true)?.and_then(|info| info.details);
        Ok(details.and_then(|details| BranchName::new(&details.output_branch).ok()))
    }

    fn stop_pipeline(&self, pipeline: &Repo) -> Result<(), Fault> {
        let request = StopPipelineRequest {
            pipeline: Some(named(pipeline)),
            must_exist: true,
        };
        let Empty {} = self.pachd()?.ask(pachd::STOP_PIPELINE, request)?;
        Ok(())
    }

    fn start_pipeline(&self, pipeline: &Repo) -> Result<(), Fault> {
        let request = StartPipelineRequest {
            pipeline: Some(named(pipeline)),
        };
        let Empty {} = self.pachd()?.ask(pachd::START_PIPELINE, request)?;
        Ok(())
    }
}

fn named(pipeline: &Repo) -> Pipeline {
    Pipeline {
        name: pipeline.name.as_str().to_owned(),
        project: Some(pfs::Project {
            name: pipeline.project.as_str().to_owned(),
        }),
    }
}

impl<T: Transport> PachdV2<T> {
    /// `None` where there is no such call, since pachd is older than that.
    fn ask_about_a_spec(&self, call: Call, request: CreatePipelineV2Request) -> Result<Option<Verdict>, Fault> {
        let answer: Answered<CreatePipelineV2Response> = self.pachd()?.ask(call, request);
        match answer {
            Ok(effective) => Ok(Some(Ok(effective.effective_create_pipeline_request_json))),
            Err(failed) if failed.no_such_call && T::SINCE < SPECS_IN_JSON => Ok(None),
            Err(failed) if failed.is_about_a_spec() => Ok(Some(Err(failed.fault.message))),
            Err(failed) => Err(failed.fault),
        }
    }

    /// The spec as the message that it stands for. A field that only a newer pachd knows is passed over there, as every
    /// client's is.
    fn submit_before_2_8(&self, spec: &str, how: Submission) -> Result<Verdict, Fault> {
        let call = CREATE_PIPELINE_BEFORE_2_8;
        let read: Value = serde_json::from_str(spec).map_err(|error| pachd::refused(call, error.to_string()))?;
        let mut read = match CREATE_PIPELINE_REQUEST.read(&read, Unknown::Refuse) {
            Ok(read) => read,
            Err(error) => return Ok(Err(words(&error))),
        };
        if let Some(project) = read.pointer("/pipeline/project/name").and_then(Value::as_str)
            && !self.may_have(project)?
        {
            return Ok(Err(pachd::no_projects(format!("project {project}")).message));
        }
        if let Some(members) = read.as_object_mut() {
            for (name, is_set) in [("update", how.update), ("reprocess", how.reprocess)] {
                if is_set {
                    members.insert(name.to_owned(), Value::Bool(true));
                }
            }
        }
        let answer: Answered<Empty> = self.pachd()?.ask(call, Encoded::from(read));
        match answer {
            // What it is with the cluster's defaults filled in nobody says.
            Ok(Empty {}) => Ok(Ok(spec.to_owned())),
            Err(failed) if failed.is_about_a_spec() => Ok(Err(failed.fault.message)),
            Err(failed) => Err(failed.fault),
        }
    }

    /// A pipeline, by the repo that it writes, which has its name.
    pub(super) fn inspect_pipeline(&self, pipeline: &Repo, details: bool) -> Result<Option<PipelineInfo>, Fault> {
        let request = InspectPipelineRequest {
            pipeline: Some(named(pipeline)),
            details,
        };
        let answer: Answered<PipelineInfo> = self.pachd()?.ask(pachd::INSPECT_PIPELINE, request);
        match answer {
            Ok(info) => Ok(Some(info)),
            Err(failed) if failed.fault.kind == FaultKind::NotFound => Ok(None),
            Err(failed) => Err(failed.fault),
        }
    }
}

/// As pachd itself says it since 2.8.
fn words(error: &JsonDecodeError) -> String {
    let last = error.path.last().map_or("", String::as_str);
    match &error.what {
        JsonDecodeErrorKind::Unknown => format!("unknown field \"{last}\""),
        JsonDecodeErrorKind::Value { wanted, found } => format!("invalid value for {wanted} field {last}: {found}"),
        JsonDecodeErrorKind::Token => format!("field {last} has another structure"),
    }
}

/// A spec as a message, written already.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
struct Encoded {
    spec: Value,
    #[serde(skip)]
    bytes: Vec<u8>,
}

impl From<Value> for Encoded {
    fn from(spec: Value) -> Self {
        Self {
            bytes: CREATE_PIPELINE_REQUEST.encode(&spec),
            spec,
        }
    }
}

impl Message for Encoded {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        buffer.put_slice(&self.bytes);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        skip_field(wire_type, tag, buffer, context)
    }

    fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    fn clear(&mut self) {
        self.bytes.clear();
    }
}
