//! The calls about jobs. Nobody does them: each stays as it was made until somebody stops it.

use serde_json::{Value, json};

use super::commits::has_id;
use super::naming::{commit_message, project_message};
use super::pipelines::named;
use super::{Answers, Call, Code, Service, Status};
use crate::{Dialect, JobRecord, JobState};
use spoutctl_core::pfs::{self, CommitId};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pps::{DeleteJobRequest, InspectJobRequest, Job, ListJobRequest, RunCronRequest, StopJobRequest};
use spoutctl_proto::schema::DynamicMessage;
use spoutctl_proto::spec::JOB_INFO;

/// What a job that nobody gave a reason for was stopped by.
const STOPPED: &str = "job stopped";

fn identified(job: Option<&Job>) -> Result<(pfs::Repo, CommitId), Status> {
    let job = job.ok_or_else(|| Status::unknown("must specify a job"))?;
    let pipeline = named(job.pipeline.as_ref())?;
    let id = CommitId::new(&job.id).map_err(|_| Status::not_found(format!("job {pipeline}@{} not found", job.id)))?;
    Ok((pipeline, id))
}

fn state(record: &JobRecord) -> &'static str {
    match record.state {
        JobState::Created => "JOB_CREATED",
        JobState::Killed => "JOB_KILLED",
    }
}

/// What is told of a job; of a pipeline's spec what its workers would do.
fn job_info(dialect: Dialect, record: &JobRecord, spec: Option<&Value>) -> DynamicMessage {
    let pipeline = &record.pipeline;
    let output = commit_message(dialect, pipeline, record.output_branch.as_str(), &record.id);
    let mut info = json!({
        "job": {
            "pipeline": {
                "name": pipeline.name.as_str(),
                "project": project_message(dialect, pipeline.project.as_str()),
            },
            "id": record.id.as_str(),
        },
        "pipelineVersion": record.version.to_string(),
        "outputCommit": output,
        "state": state(record),
        "reason": record.reason,
        "created": record.created,
        "finished": record.finished,
    });
    if let Some(spec) = spec {
        let mut details = json!({});
        for field in [
            "transform",
            "input",
            "parallelismSpec",
            "datumTries",
            "resourceRequests",
            "resourceLimits",
        ] {
            if !spec[field].is_null() {
                details[field] = spec[field].clone();
            }
        }
        info["details"] = details;
    }
    DynamicMessage {
        value: info,
        schema: JOB_INFO,
    }
}

/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl Service {
    /// Details are told of pipelines in their newest version.
    fn told_job(&self, record: &JobRecord, details: bool) -> DynamicMessage {
        let pipeline = if details {
            self.store.pipeline(&record.pipeline).ok()
        } else {
            None
        };
        let spec: Option<Value> = pipeline.and_then(|pipeline| serde_json::from_str(&pipeline.effective).ok());
        job_info(self.dialect, record, spec.as_ref())
    }

    pub fn list_job(
        &self,
        call: &Call,
        request: &ListJobRequest,
        answers: &mut Answers<'_, DynamicMessage>,
    ) -> Result<(), Status> {
        if !request.jq_filter.is_empty() || request.pagination_marker.is_some() || request.reverse {
            let message = "spoutctl serve lists jobs by project, pipeline and input commit only, the newest first";
            return Err(Status::new(Code::Unimplemented, message));
        }
        let only = match &request.pipeline {
            Some(pipeline) if !pipeline.name.is_empty() => Some(named(Some(pipeline))?),
            _ => None,
        };
        if let Some(pipeline) = &only {
            self.store.pipeline(pipeline)?;
        }
        let is_wanted = |job: &JobRecord| {
            let project = job.pipeline.project.as_str();
            only.as_ref().is_none_or(|only| *only == job.pipeline)
                && (request.projects.is_empty() || request.projects.iter().any(|wanted| wanted.name == project))
                && request.input_commit.iter().all(|commit| has_id(commit, &job.id))
        };
        let count = usize::try_from(request.number).ok().filter(|count| *count > 0);
        let mut left = count.unwrap_or(usize::MAX);
        for job in self.store.jobs()?.iter().filter(|job| is_wanted(job)) {
            if left == 0 {
                break;
            }
            if !self.sees_jobs_of(call, &job.pipeline)? {
                continue;
            }
            left -= 1;
            if answers(self.told_job(job, request.details)).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Waiting ends when it is stopped, or gone.
    pub fn inspect_job(&self, call: &Call, request: &InspectJobRequest) -> Result<DynamicMessage, Status> {
        let (pipeline, id) = identified(request.job.as_ref())?;
        loop {
            let seen = self.changes.number();
            let job = self.store.job(&pipeline, &id)?;
            if !request.wait || job.state == JobState::Killed {
                return Ok(self.told_job(&job, request.details));
            }
            self.changes.wait(seen, call)?;
        }
    }

    pub fn stop_job(&self, _: &Call, request: &StopJobRequest) -> Result<Empty, Status> {
        let (pipeline, id) = identified(request.job.as_ref())?;
        let reason = if request.reason.is_empty() {
            STOPPED
        } else {
            &request.reason
        };
        self.change(|work| work.stop_job(&pipeline, &id, reason))?;
        Ok(Empty {})
    }

    pub fn delete_job(&self, _: &Call, request: &DeleteJobRequest) -> Result<Empty, Status> {
        let (pipeline, id) = identified(request.job.as_ref())?;
        self.change(|work| work.delete_job(&pipeline, &id, STOPPED))?;
        Ok(Empty {})
    }

    /// Cron inputs are not kept, so no pipeline here has one.
    pub fn run_cron(&self, _: &Call, request: &RunCronRequest) -> Result<Empty, Status> {
        self.store.pipeline(&named(request.pipeline.as_ref())?)?;
        Err(Status::unknown("pipeline doesn't have a cron input"))
    }
}
