//! The calls about pipelines: specs are checked, kept, and told. None is run: what reads an input gets jobs, and nobody
//! does them.

mod checks;
pub(super) mod reading;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use serde_json::{Value, json};
use uuid::Uuid;

use super::naming::{project_message, typed_repo};
use super::{Answers, Call, Code, Service, Status};
use crate::{Dialect, NewPipeline, PipelineRecord, Refusal, Work};
use reading::Effective;
use spoutctl_core::pfs::{self, BranchName, CommitId, ProjectName, RepoName};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs::{Branch, Commit, USER};
use spoutctl_proto::pps::{
    CreatePipelineV2Request, CreatePipelineV2Response, DeletePipelineRequest, InspectPipelineRequest,
    ListPipelineRequest, Pipeline, StartPipelineRequest, StopPipelineRequest,
};
use spoutctl_proto::schema::DynamicMessage;
use spoutctl_proto::spec::{CREATE_PIPELINE_REQUEST, PIPELINE_INFO};

/// The type of the repo that holds a pipeline's specs. Here it has a name and no files.
pub(super) const SPEC: &str = "spec";

/// The branch of a pipeline's specs, which is the provenance of all that it writes (recording http 107).
pub(super) fn spec_branch(dialect: Dialect, pipeline: &pfs::Repo) -> Branch {
    Branch {
        repo: Some(typed_repo(dialect, pipeline, SPEC)),
        name: "master".to_owned(),
    }
}

/// Which pipeline a message means; a missing project is the default one.
pub(super) fn named(pipeline: Option<&Pipeline>) -> Result<pfs::Repo, Status> {
    let pipeline = pipeline.ok_or_else(|| Status::unknown("request.Pipeline cannot be nil"))?;
    let missing = || {
        let project = pipeline.project.as_ref().map(|project| project.name.as_str());
        let project = project.filter(|name| !name.is_empty()).unwrap_or(pfs::DEFAULT_PROJECT);
        Status::not_found(format!("pipeline \"{project}/{}\" not found", pipeline.name))
    };
    Ok(pfs::Repo {
        project: ProjectName::try_from(&pipeline.project.clone().unwrap_or_default())?,
        name: RepoName::new(&pipeline.name).map_err(|_| missing())?,
    })
}

/// As pachd tells of it (recordings http 102, 104).
fn pipeline_info(service: &Service, record: &PipelineRecord, wanted: Detail) -> DynamicMessage {
    let dialect = service.dialect;
    let spec = serde_json::from_str(&record.effective).unwrap_or_else(|_| json!({}));
    let branch = spec_branch(dialect, &record.name);
    let spec_commit = Commit {
        repo: branch.repo.clone().filter(|_| dialect.commits_have_repos()),
        id: record.spec_commit.to_string(),
        branch: Some(branch),
    };
    let parallelism = spec["parallelismSpec"]["constant"].as_str().unwrap_or("1").to_owned();
    let state = if record.stopped {
        "PIPELINE_PAUSED"
    } else if service.runs.as_ref() == Some(&record.name) {
        // Whatever its code does: also when that has ended for good.
        "PIPELINE_RUNNING"
    } else {
        "PIPELINE_STARTING"
    };
    let mut info = json!({
        "pipeline": {
            "name": record.name.name.as_str(),
            "project": project_message(dialect, record.name.project.as_str()),
        },
        "version": record.version.to_string(),
        "specCommit": spec_commit,
        "stopped": record.stopped,
        "state": state,
        "parallelism": parallelism,
        "type": checks::kind(&spec),
    });
    if dialect.has_gateway() {
        info["userSpecJson"] = json!(record.submitted);
        info["effectiveSpecJson"] = json!(record.effective);
    }
    if wanted != Detail::None {
        // Nearly all fields of a spec have the same name there.
        let mut details = spec;
        if let Some(input) = details.get_mut("input") {
            fill_input(dialect, input, &record.name, None);
        }
        details["createdAt"] = json!(record.created);
        if dialect.tells_times() {
            details["updatedAt"] = json!(record.updated);
            details["createdBy"] = json!(record.created_by);
        }
        details["salt"] = json!(record.salt);
        if wanted == Detail::Workers {
            details["workersRequested"] = json!(parallelism);
        }
        info["details"] = details;
    }
    DynamicMessage {
        value: info,
        schema: PIPELINE_INFO,
    }
}

/// Fills in an input what pachd fills in where a spec says nothing; the spec itself is told as it was submitted. With
/// the commit that a job reads. In place: a copy for each level would be a multiple of a spec that nests deep.
pub(super) fn fill_input(dialect: Dialect, input: &mut Value, pipeline: &pfs::Repo, job: Option<&CommitId>) {
    for combined in ["join", "group", "cross", "union"] {
        let parts = input.get_mut(combined).and_then(Value::as_array_mut);
        for part in parts.into_iter().flatten() {
            fill_input(dialect, part, pipeline, job);
        }
    }
    if let Some(read) = input.get_mut("pfs").and_then(Value::as_object_mut) {
        let mut fill = |name: &str, value: Value| {
            let is_set = read.get(name).is_some_and(|set| set.as_str() != Some(""));
            if !is_set {
                read.insert(name.to_owned(), value);
            }
        };
        if dialect.has_projects() {
            fill("project", json!(pipeline.project.as_str()));
        }
        fill("repoType", json!(USER));
        fill("branch", json!("master"));
        if let Some(id) = job {
            fill("commit", json!(id.as_str()));
        }
        if let Some(repo) = read.get("repo").cloned() {
            read.entry("name").or_insert(repo);
        }
    }
}

/// How much is told of a pipeline.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    None,
    Spec,
    /// Also how many workers it is to have, which a list does not say.
    Workers,
}

/// How a spec is submitted.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
struct How {
    update: bool,
    reprocess: bool,
    dry_run: bool,
    adopts_repo: bool,
}

/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
impl Service {
    pub fn create_pipeline_v2(
        &self,
        call: &Call,
        request: &CreatePipelineV2Request,
    ) -> Result<CreatePipelineV2Response, Status> {
        let how = How {
            update: request.update,
            reprocess: request.reprocess,
            dry_run: request.dry_run,
            adopts_repo: false,
        };
        let text = &request.create_pipeline_request_json;
        reading::bounded(text)?;
        let spec = reading::spec_of(text).map_err(reading::unparsed(text))?;
        Ok(CreatePipelineV2Response {
            effective_create_pipeline_request_json: self.submit(call, text, &spec, how)?,
        })
    }

    /// The older call, which takes the spec itself.
    pub fn create_pipeline(&self, call: &Call, spec: &Value) -> Result<Empty, Status> {
        let is_set = |name| spec[name].as_bool().unwrap_or_default();
        let how = How {
            update: is_set("update"),
            reprocess: is_set("reprocess"),
            dry_run: is_set("dryRun"),
            adopts_repo: false,
        };
        let line = CREATE_PIPELINE_REQUEST.to_line(spec);
        reading::bounded(&line)?;
        self.submit(call, &line, spec, how)?;
        Ok(Empty {})
    }

    /// Answers what the spec comes to.
    fn submit(&self, call: &Call, submitted: &str, spec: &Value, how: How) -> Result<String, Status> {
        if call.transaction.is_some() {
            let message = "spoutctl serve makes no pipelines within a transaction";
            return Err(Status::new(Code::Unimplemented, message));
        }
        let projects = self.store.projects()?;
        let effective = Effective::of(self.dialect, spec, &projects)?;
        let answer = effective.answer(how.update, how.reprocess)?;
        if how.dry_run {
            return Ok(answer);
        }
        let inputs = checks::inputs(effective.spec())?;
        if let Some(name) = effective.name() {
            let is_there = how.update && self.store.find_pipeline(&name)?.is_some();
            self.authorize_pipeline(call, &name, is_there, &inputs)?;
        }
        let created_by = call.caller.as_ref().map_or("", |caller| &caller.principal);
        self.change_as(call, |work| keep(work, submitted, &effective, how, created_by))?;
        Ok(answer)
    }

    /// Makes a spout that runs `program` where there is no pipeline of this name yet. A repo that is there becomes its
    /// own.
    ///
    /// # Errors
    /// When there is a pipeline of this name that is no spout, or the name cannot be a pipeline's.
    pub fn make_spout(&self, name: &pfs::Repo, program: &str) -> Result<(), Status> {
        let spec = json!({
            "pipeline": {"name": name.name.as_str(), "project": {"name": name.project.as_str()}},
            "description": "made by spoutctl serve --as-spout",
            "spout": {},
            // Before 2.8 pachd wants an image.
            "transform": {"image": "serve", "cmd": [program]},
        });
        let effective = Effective::of(self.dialect, &spec, &self.store.projects()?)?;
        let how = How {
            update: false,
            reprocess: false,
            dry_run: false,
            adopts_repo: true,
        };
        let submitted = CREATE_PIPELINE_REQUEST.to_line(&spec);
        match self.change(|work| keep(work, &submitted, &effective, how, "")) {
            Err(status) if status.code == Code::AlreadyExists => {
                let record = self.store.pipeline(name)?;
                let spec: Value = serde_json::from_str(&record.effective).unwrap_or_default();
                if spec["spout"].is_null() {
                    return Err(Status::invalid(format!("pipeline {name} is no spout")));
                }
                Ok(())
            }
            made => made,
        }
    }

    pub fn inspect_pipeline(&self, _: &Call, request: &InspectPipelineRequest) -> Result<DynamicMessage, Status> {
        let name = match named(request.pipeline.as_ref()) {
            Err(status) if status.code == Code::NotFound => {
                return Err(self.within("pipeline was not inspected")(status));
            }
            name => name?,
        };
        let record = self.store.pipeline(&name)?;
        let wanted = if request.details { Detail::Workers } else { Detail::None };
        Ok(pipeline_info(self, &record, wanted))
    }

    pub fn list_pipeline(
        &self,
        call: &Call,
        request: &ListPipelineRequest,
        answers: &mut Answers<'_, DynamicMessage>,
    ) -> Result<(), Status> {
        // pachctl sends a set without an id.
        let is_of_now = request.commit_set.as_ref().is_none_or(|set| set.id.is_empty());
        let is_served = request.jq_filter.is_empty() && is_of_now;
        if !is_served {
            let message = "spoutctl serve lists pipelines by project and name only";
            return Err(Status::new(Code::Unimplemented, message));
        }
        let only = request.pipeline.as_ref().map(|one| named(Some(one))).transpose()?;
        let in_project = |name: &pfs::Repo| {
            let project = name.project.as_str();
            request.projects.is_empty() || request.projects.iter().any(|wanted| wanted.name == project)
        };
        let page = request.page.unwrap_or_default();
        let count = |number: i64| usize::try_from(number).unwrap_or(0);
        let size = if page.page_size > 0 {
            count(page.page_size)
        } else {
            usize::MAX
        };
        let pipelines = self.listed(call, self.store.pipelines()?, |record| &record.name)?;
        let wanted = pipelines
            .iter()
            .filter(|record| only.as_ref().is_none_or(|only| *only == record.name) && in_project(&record.name));
        for record in wanted
            .skip(count(page.page_size).saturating_mul(count(page.page_index)))
            .take(size)
        {
            if answers(pipeline_info(self, record, Detail::Spec)) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    pub fn start_pipeline(&self, call: &Call, request: &StartPipelineRequest) -> Result<Empty, Status> {
        // Once more: it may have been made since the call came.
        let allowed = || self.authorize_call(call, request);
        self.start_named(&named(request.pipeline.as_ref())?, &allowed)
    }

    pub(super) fn start_named(
        &self,
        name: &pfs::Repo,
        allowed: &dyn Fn() -> Result<(), Status>,
    ) -> Result<Empty, Status> {
        let was_stopped = self.change(|work| {
            allowed()?;
            let before = work.pipeline(name)?;
            work.set_pipeline_stopped(name, false)?;
            Ok(before.is_some_and(|before| before.stopped))
        })?;
        if was_stopped {
            self.has_started(name);
        }
        Ok(Empty {})
    }

    /// One that is not there counts as stopped, unless the caller minds.
    pub fn stop_pipeline(&self, call: &Call, request: &StopPipelineRequest) -> Result<Empty, Status> {
        let name = named(request.pipeline.as_ref())?;
        match self.change_authorized(call, request, |work| work.set_pipeline_stopped(&name, true)) {
            Err(status) if status.code == Code::NotFound && !request.must_exist => {}
            result => result?,
        }
        Ok(Empty {})
    }

    pub fn delete_pipeline(&self, call: &Call, request: &DeletePipelineRequest) -> Result<Empty, Status> {
        let names = if request.all {
            self.store.pipelines()?.into_iter().map(|record| record.name).collect()
        } else {
            vec![named(request.pipeline.as_ref())?]
        };
        let deleted = self.change_authorized(call, request, |work| {
            if request.all {
                // The request names none of them.
                self.authorize_deletions(call, &names)?;
            }
            names
                .iter()
                .try_for_each(|name| work.delete_pipeline(name, request.keep_repo))
        });
        match deleted {
            Err(status) if status.code == Code::NotFound && !request.must_exist => {}
            Err(status) if status.code == Code::NotFound => {
                let name = names.first().map_or_else(String::new, |name| self.dialect.repo(name));
                return Err(status.within(format_args!("error stopping pipeline {name}")));
            }
            result => result?,
        }
        Ok(Empty {})
    }
}

/// Makes the pipeline, or its next version. What is refused is refused in pachd's order: a name that is taken first.
fn keep(
    work: &mut Work<'_>,
    submitted: &str,
    effective: &Effective,
    how: How,
    created_by: &str,
) -> Result<(), crate::Failure> {
    let spec = effective.spec();
    let name = effective.name();
    if let Some(name) = &name
        && !how.update
        && work.pipeline(name)?.is_some()
    {
        return Err(Refusal::PipelineExists(name.clone()).into());
    }
    checks::check(spec)?;
    // Both are valid now.
    let name = name.ok_or_else(|| Status::unknown("request.Pipeline cannot be nil"))?;
    let branch = spec["outputBranch"].as_str().unwrap_or_default();
    let output_branch = BranchName::new(branch)
        .map_err(|_| Refusal::InvalidName(branch.to_owned()).within("could not create/update output branch"))?;
    let inputs = checks::inputs(spec)?;
    let salt = match spec["salt"].as_str() {
        Some(salt) if !salt.is_empty() && !how.reprocess => salt.to_owned(),
        _ => Uuid::new_v4().simple().to_string(),
    };
    work.create_pipeline(&NewPipeline {
        name: &name,
        output_branch: &output_branch,
        salt: &salt,
        created_by,
        submitted,
        effective: &effective.kept(),
        is_spout: !spec["spout"].is_null(),
        inputs: &inputs,
        update: how.update,
        reprocess: how.reprocess,
        adopts_repo: how.adopts_repo,
    })
}
