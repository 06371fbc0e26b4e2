//! The calls about jobs. Nobody does them: each stays as it was made until somebody stops it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Value, json};

use super::commits::has_id;
use super::naming::{commit_message, project_message};
use super::pipelines::{fill_input, named};
use super::{Answers, Call, Code, Service, Status};
use crate::{Dialect, JobRecord, JobState};
use spoutctl_core::pfs::{self, CommitId};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs::Project;
use spoutctl_proto::pps::{
    DeleteJobRequest, InspectJobRequest, InspectJobSetRequest, Job, ListJobRequest, ListJobSetRequest, RunCronRequest,
    StopJobRequest,
};
use spoutctl_proto::schema::DynamicMessage;
use spoutctl_proto::spec::{JOB_INFO, JOB_SET_INFO};

/// What a job that nobody gave a reason for was stopped by.
const STOPPED: &str = "job stopped";

/// What lists of jobs are served.
const ONLY: &str = "spoutctl serve lists jobs by project, pipeline and input commit only, the newest first";

fn is_in(projects: &[Project], job: &JobRecord) -> bool {
    projects.is_empty()
        || projects
            .iter()
            .any(|project| project.name == job.pipeline.project.as_str())
}

fn identified(job: Option<&Job>) -> Result<(pfs::Repo, CommitId), Status> {
    let job = job.ok_or_else(|| Status::unknown("must specify a job"))?;
    let pipeline = named(job.pipeline.as_ref())?;
    let id = CommitId::new(&job.id).map_err(|_| Status::not_found(format!("job {pipeline}@{} not found", job.id)))?;
    Ok((pipeline, id))
}

/// Jobs are listed without a filter of jq, in one page, the newest first.
fn check_plain(jq_filter: &str, is_paged: bool, reverse: bool) -> Result<(), Status> {
    if jq_filter.is_empty() && !is_paged && !reverse {
        return Ok(());
    }
    Err(Status::new(Code::Unimplemented, ONLY))
}

fn state(record: &JobRecord) -> &'static str {
    match record.state {
        JobState::Created => "JOB_CREATED",
        JobState::Killed => "JOB_KILLED",
    }
}

/// What is told of a job; of a pipeline's spec, beside its salt, what its workers would do.
fn job_info(dialect: Dialect, record: &JobRecord, spec: Option<(&Value, &str)>) -> Value {
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
        // Also of one that nobody has done: pachctl counts on it.
        "stats": {},
        "created": record.created,
        // Whoever stops a job that did not begin begins it, too.
        "started": record.finished,
        "finished": record.finished,
    });
    if let Some((spec, salt)) = spec {
        let mut details = json!({ "salt": salt });
        for field in [
            "transform",
            "parallelismSpec",
            "datumTries",
            "resourceRequests",
            "resourceLimits",
            "sidecarResourceRequests",
        ] {
            if !spec[field].is_null() {
                details[field] = spec[field].clone();
            }
        }
        let mut input = spec["input"].clone();
        fill_input(dialect, &mut input, pipeline, Some(&record.id));
        details["input"] = input;
        info["details"] = details;
    }
    info
}

/// At most `number` of what comes; all, if that says none.
fn at_most(number: i64) -> usize {
    let count = usize::try_from(number).ok().filter(|count| *count > 0);
    count.unwrap_or(usize::MAX)
}

/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
impl Service {
    /// Details are told of pipelines in their newest version.
    fn told_job(&self, record: &JobRecord, details: bool) -> Value {
        let pipeline = details.then(|| self.store.pipeline(&record.pipeline).ok()).flatten();
        let spec: Option<Value> = pipeline
            .as_ref()
            .and_then(|pipeline| serde_json::from_str(&pipeline.effective).ok());
        let salt = pipeline.as_ref().map_or("", |pipeline| &pipeline.salt);
        job_info(self.dialect, record, spec.as_ref().map(|spec| (spec, salt)))
    }

    fn answer_job(&self, record: &JobRecord, details: bool) -> DynamicMessage {
        DynamicMessage {
            value: self.told_job(record, details),
            schema: JOB_INFO,
        }
    }

    /// Those that a caller may see, the newest first.
    fn seen_jobs(&self, call: &Call, is_wanted: impl Fn(&JobRecord) -> bool) -> Result<Vec<JobRecord>, Status> {
        let mut seen = Vec::new();
        // A pipeline has many jobs, and each question costs a look at the roles.
        let mut allowed: HashMap<pfs::Repo, bool> = HashMap::new();
        for job in self.store.jobs()?.into_iter().filter(is_wanted) {
            let is_seen = match allowed.entry(job.pipeline.clone()) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(unknown) => *unknown.insert(self.sees_jobs_of(call, &job.pipeline)?),
            };
            if is_seen {
                seen.push(job);
            }
        }
        Ok(seen)
    }

    pub fn list_job(
        &self,
        call: &Call,
        request: &ListJobRequest,
        answers: &mut Answers<'_, DynamicMessage>,
    ) -> Result<(), Status> {
        check_plain(&request.jq_filter, request.pagination_marker.is_some(), request.reverse)?;
        let only = match &request.pipeline {
            Some(pipeline) if !pipeline.name.is_empty() => Some(named(Some(pipeline))?),
            _ => None,
        };
        if let Some(pipeline) = &only {
            self.store.pipeline(pipeline)?;
        }
        let jobs = self.seen_jobs(call, |job| {
            only.as_ref().is_none_or(|only| *only == job.pipeline)
                && is_in(&request.projects, job)
                && request.input_commit.iter().all(|commit| has_id(commit, &job.id))
        })?;
        for job in jobs.iter().take(at_most(request.number)) {
            if answers(self.answer_job(job, request.details)).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Jobs of one id together.
    pub fn list_job_set(
        &self,
        call: &Call,
        request: &ListJobSetRequest,
        answers: &mut Answers<'_, DynamicMessage>,
    ) -> Result<(), Status> {
        check_plain(&request.jq_filter, request.pagination_marker.is_some(), request.reverse)?;
        let mut sets: Vec<(CommitId, Vec<JobRecord>)> = Vec::new();
        let mut places: HashMap<CommitId, usize> = HashMap::new();
        for job in self.seen_jobs(call, |job| is_in(&request.projects, job))? {
            let place = *places.entry(job.id.clone()).or_insert_with(|| {
                sets.push((job.id.clone(), Vec::new()));
                sets.len() - 1
            });
            sets[place].1.push(job);
        }
        for (id, jobs) in sets.into_iter().take(at_most(request.number)) {
            let jobs: Vec<Value> = jobs.iter().map(|job| self.told_job(job, request.details)).collect();
            let told = DynamicMessage {
                value: json!({"jobSet": {"id": id.as_str()}, "jobs": jobs}),
                schema: JOB_SET_INFO,
            };
            if answers(told).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// None, where no job has the id.
    pub fn inspect_job_set(
        &self,
        call: &Call,
        request: &InspectJobSetRequest,
        answers: &mut Answers<'_, DynamicMessage>,
    ) -> Result<(), Status> {
        let id = request.job_set.as_ref().map_or("", |set| &set.id);
        for job in self.seen_jobs(call, |job| job.id.as_str() == id)? {
            let job = self.awaited(call, job, request.wait)?;
            if answers(self.answer_job(&job, request.details)).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Waiting ends when it is stopped, or gone.
    fn awaited(&self, call: &Call, mut job: JobRecord, wait: bool) -> Result<JobRecord, Status> {
        while wait && job.state != JobState::Killed {
            let seen = self.changes.number();
            job = self.store.job(&job.pipeline, &job.id)?;
            if job.state != JobState::Killed {
                self.changes.wait(seen, call)?;
            }
        }
        Ok(job)
    }

    pub fn inspect_job(&self, call: &Call, request: &InspectJobRequest) -> Result<DynamicMessage, Status> {
        let (pipeline, id) = identified(request.job.as_ref())?;
        let job = self.awaited(call, self.store.job(&pipeline, &id)?, request.wait)?;
        Ok(self.answer_job(&job, request.details))
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
