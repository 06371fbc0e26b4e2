//! Pipelines, as far as they are spouts.

use serde_json::{Value, json};

use super::{V1, commit};
use crate::PipelineRecord;
use crate::serve::{Answers, Call, Status};
use spoutctl_core::pfs::{self, ProjectName, RepoName};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs::CommitState;
use spoutctl_proto::v1::pps::{
    CreatePipelineRequest, DeletePipelineRequest, ListJobRequest, ListPipelineRequest, Pipeline, PipelineInfo,
    PipelineInfos, PipelineRequest, PipelineState, Spout, Transform,
};
use spoutctl_proto::v1::{Commit, FlushCommitRequest, Repo};

/// The repo of all pipelines' specs. Here it has a name and no files.
const SPECS: &str = "__spec__";

fn named(pipeline: Option<&Pipeline>) -> Result<pfs::Repo, Status> {
    let pipeline = pipeline.ok_or_else(|| Status::unknown("request.Pipeline cannot be nil"))?;
    let missing = |_| Status::not_found(format!("pipeline {:?} not found", pipeline.name));
    Ok(pfs::Repo {
        project: ProjectName::default(),
        name: RepoName::new(&pipeline.name).map_err(missing)?,
    })
}

/// The request as a spec of 2.x, as which it is kept.
fn spec(request: &CreatePipelineRequest) -> Value {
    let transform = request.transform.clone().unwrap_or_default();
    let codes = transform.accept_return_code.iter();
    let mut spec = json!({
        "pipeline": {"name": request.pipeline.as_ref().map_or("", |pipeline| &pipeline.name)},
        "description": request.description,
        "spout": {},
        "update": request.update,
        "reprocess": request.reprocess,
        "transform": {
            "image": transform.image,
            "cmd": transform.cmd,
            "env": transform.env,
            "stdin": transform.stdin,
            "acceptReturnCode": codes.map(ToString::to_string).collect::<Vec<_>>(),
        },
    });
    if !request.output_branch.is_empty() {
        spec["outputBranch"] = request.output_branch.as_str().into();
    }
    spec
}

fn texts(value: &Value) -> Vec<String> {
    let texts = value.as_array().into_iter().flatten();
    texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
impl V1<'_> {
    pub fn create_pipeline(&self, call: &Call, request: &CreatePipelineRequest) -> Result<Empty, Status> {
        match &request.spout {
            Some(Spout { overwrite, marker }) if request.input.is_none() => {
                if *overwrite || !marker.is_empty() {
                    return Err(Status::unserved("spouts whose code writes to /pfs/out"));
                }
                self.0.create_pipeline(call, &spec(request))
            }
            _ => Err(Status::unserved("pipelines of 1.x that are no spouts")),
        }
    }

    /// As pachd tells of it, what it has filled in included (242).
    fn pipeline_info(&self, record: &PipelineRecord) -> PipelineInfo {
        let spec: Value = serde_json::from_str(&record.effective).unwrap_or_default();
        let transform = &spec["transform"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let env = transform["env"].as_object().into_iter().flatten();
        let codes = texts(&transform["acceptReturnCode"]);
        let state = if record.stopped {
            PipelineState::Paused
        } else if self.0.runs.as_ref() == Some(&record.name) {
            PipelineState::Running
        } else {
            PipelineState::Starting
        };
        PipelineInfo {
            pipeline: Some(Pipeline {
                name: record.name.name.to_string(),
            }),
            transform: Some(Transform {
                image: text(&transform["image"]),
                cmd: texts(&transform["cmd"]),
                env: env.map(|(name, value)| (name.clone(), text(value))).collect(),
                stdin: texts(&transform["stdin"]),
                accept_return_code: codes.iter().filter_map(|code| code.parse().ok()).collect(),
            }),
            created_at: Some(record.created.into()),
            state: state.into(),
            version: record.version,
            output_branch: record.output_branch.to_string(),
            description: text(&spec["description"]),
            cache_size: "64M".to_owned(),
            salt: record.salt.clone(),
            max_queue_size: 1,
            spec_commit: Some(Commit {
                repo: Some(Repo { name: SPECS.to_owned() }),
                id: record.spec_commit.to_string(),
            }),
            stopped: record.stopped,
            datum_tries: 3,
            spout: Some(Spout::default()),
            workers_requested: 1,
            reprocess_spec: if self.0.dialect.tells_when_it_reprocesses() {
                "until_success".to_owned()
            } else {
                String::new()
            },
        }
    }

    pub fn inspect_pipeline(&self, _: &Call, request: &PipelineRequest) -> Result<PipelineInfo, Status> {
        let record = self.0.store.pipeline(&named(request.pipeline.as_ref())?)?;
        Ok(self.pipeline_info(&record))
    }

    pub fn list_pipeline(&self, _: &Call, request: &ListPipelineRequest) -> Result<PipelineInfos, Status> {
        if !request.jq_filter.is_empty() {
            return Err(Status::unserved("filters of pipelines"));
        }
        let only = request.pipeline.as_ref().map(|one| named(Some(one))).transpose()?;
        let pipelines = self.0.store.pipelines()?;
        let wanted = pipelines.iter().filter(|record| {
            record.name.project == ProjectName::default() && only.as_ref().is_none_or(|only| *only == record.name)
        });
        Ok(PipelineInfos {
            pipeline_info: wanted.map(|record| self.pipeline_info(record)).collect(),
        })
    }

    pub fn start_pipeline(&self, _: &Call, request: &PipelineRequest) -> Result<Empty, Status> {
        self.0.start_named(&named(request.pipeline.as_ref())?, &|| Ok(()))
    }

    pub fn stop_pipeline(&self, _: &Call, request: &PipelineRequest) -> Result<Empty, Status> {
        let name = named(request.pipeline.as_ref())?;
        self.0.change(|work| work.set_pipeline_stopped(&name, true))?;
        Ok(Empty {})
    }

    /// One that is not there is deleted already.
    pub fn delete_pipeline(&self, _: &Call, request: &DeletePipelineRequest) -> Result<Empty, Status> {
        let names = if request.all {
            let pipelines = self.0.store.pipelines()?.into_iter().map(|record| record.name);
            pipelines
                .filter(|name| name.project == ProjectName::default())
                .collect()
        } else {
            vec![named(request.pipeline.as_ref())?]
        };
        self.0.change(|work| {
            names.iter().try_for_each(|name| match work.pipeline(name)? {
                Some(_) => work.delete_pipeline(name, request.keep_repo),
                None => Ok(()),
            })
        })?;
        Ok(Empty {})
    }

    /// None: spouts have no jobs.
    pub fn list_job(&self, _: &Call, request: &ListJobRequest, _: &mut Answers<'_, Empty>) -> Result<(), Status> {
        if let Some(pipeline) = &request.pipeline {
            self.0.store.pipeline(&named(Some(pipeline))?)?;
        }
        for input in &request.input_commit {
            self.0.store.record(&commit(Some(input))?)?;
        }
        Ok(())
    }

    /// Waits until the commits are finished. Nothing comes of them, for no pipeline here reads a branch.
    pub fn flush(&self, call: &Call, request: &FlushCommitRequest, _: &mut Answers<'_, Empty>) -> Result<(), Status> {
        for flushed in &request.commits {
            let record = self.0.store.record(&commit(Some(flushed))?)?;
            self.0.wait_for(call, record, CommitState::Finished)?;
        }
        Ok(())
    }
}
