//! What pachd has against a spec that can be read, in its words and its order.

use serde_json::Value;

use crate::serve::{Code, Status};
use crate::{Failure, Refusal};
use spoutctl_core::pfs::{Branch, BranchName, DEFAULT_PROJECT, ProjectName, Repo, RepoName};

/// The longest name of a pipeline, and of what Kubernetes makes of it.
const LONGEST_NAME: usize = 51;
const LONGEST_LABEL: usize = 63;

fn text<'a>(spec: &'a Value, name: &str) -> &'a str {
    spec[name].as_str().unwrap_or_default()
}

fn is_set(spec: &Value, name: &str) -> bool {
    !spec[name].is_null()
}

/// # Errors
/// The first fault.
pub(super) fn check(spec: &Value) -> Result<(), Failure> {
    check_name(&spec["pipeline"])?;
    check_secrets(&spec["transform"])?;
    let refused = |words: &str| Err(Status::unknown(words).into());
    let (is_spout, is_service) = (is_set(spec, "spout"), is_set(spec, "service"));
    if is_set(spec, "tfJob") {
        return refused("embedding TFJobs in pipelines is not supported yet");
    }
    if spec["s3Out"] == true && (is_spout || is_service) {
        return refused("s3 output is not supported in spouts or services");
    }
    if is_spout && spec["autoscaling"] == true {
        return refused("autoscaling can't be used with spouts (spouts aren't triggered externally)");
    }
    if text(&spec["transform"], "image").is_empty() {
        return refused("invalid transform: pipeline transform must contain an image");
    }
    for (field, name) in [("podSpec", "PodSpec"), ("podPatch", "PodPatch")] {
        let json = text(spec, field);
        if !json.is_empty() && serde_json::from_str::<Value>(json).is_err() {
            return refused(&format!("malformed {name}"));
        }
    }
    if is_spout && !is_set(&spec["spout"], "service") && is_set(spec, "input") {
        return refused("spout pipelines (without a service) must not have an input");
    }
    Ok(())
}

/// pachd's word for what a pipeline is.
pub(super) fn kind(spec: &Value) -> &'static str {
    if is_set(spec, "spout") {
        "PIPELINE_TYPE_SPOUT"
    } else if is_set(spec, "service") {
        "PIPELINE_TYPE_SERVICE"
    } else {
        "PIPELINE_TYPE_TRANSFORM"
    }
}

/// The branches that a pipeline reads, in the order of its spec.
///
/// # Errors
/// When it reads something else, or a name is none.
pub(super) fn inputs(spec: &Value) -> Result<Vec<Branch>, Status> {
    let project = spec["pipeline"]["project"]["name"]
        .as_str()
        .filter(|name| !name.is_empty());
    let mut found = Vec::new();
    collect(&spec["input"], project.unwrap_or(DEFAULT_PROJECT), &mut found)?;
    Ok(found)
}

fn collect(input: &Value, project: &str, found: &mut Vec<Branch>) -> Result<(), Status> {
    if is_set(input, "cron") {
        let message = "spoutctl serve has no clock for pipelines: it keeps none with a cron input";
        return Err(Status::new(Code::Unimplemented, message));
    }
    for combined in ["join", "group", "cross", "union"] {
        for part in input[combined].as_array().into_iter().flatten() {
            collect(part, project, found)?;
        }
    }
    let read = &input["pfs"];
    if read.is_null() {
        return Ok(());
    }
    let or = |name, otherwise| {
        Some(text(read, name))
            .filter(|text| !text.is_empty())
            .unwrap_or(otherwise)
    };
    let invalid = |name: &str| Status::unknown(Refusal::InvalidName(name.to_owned()).to_string());
    let (project, repo, branch) = (or("project", project), text(read, "repo"), or("branch", "master"));
    found.push(Branch {
        repo: Repo {
            project: ProjectName::new(project).map_err(|_| invalid(project))?,
            name: RepoName::new(repo).map_err(|_| invalid(repo))?,
        },
        name: BranchName::new(branch).map_err(|_| invalid(branch))?,
    });
    Ok(())
}

fn check_name(pipeline: &Value) -> Result<(), Failure> {
    let name = text(pipeline, "name");
    if name.is_empty() {
        return Err(Status::unknown("invalid pipeline spec: request.Pipeline.Name cannot be empty").into());
    }
    if RepoName::new(name).is_err() {
        return Err(Refusal::InvalidName(name.to_owned())
            .within("invalid pipeline name")
            .into());
    }
    let refused = |words: String| Err(Status::unknown(words).into());
    if name.len() > LONGEST_NAME {
        return refused(format!(
            "pipeline name {name:?} is {} characters longer than the {LONGEST_NAME} max",
            name.len() - LONGEST_NAME
        ));
    }
    let project = pipeline["project"]["name"].as_str().unwrap_or(DEFAULT_PROJECT);
    let label = format!("{project}-{name}-v99").replace('_', "-").to_lowercase();
    if label.len() > LONGEST_LABEL {
        return refused(format!(
            "Kubernetes name {label:?} is {} characters longer than the {LONGEST_LABEL} max",
            label.len() - LONGEST_LABEL
        ));
    }
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return refused("pipeline names must start with an alphanumeric character".to_owned());
    }
    Ok(())
}

/// There are no secrets here to look for, so each is taken to be there.
fn check_secrets(transform: &Value) -> Result<(), Failure> {
    for secret in transform["secrets"].as_array().into_iter().flatten() {
        if !text(secret, "envVar").is_empty() && text(secret, "key").is_empty() {
            let name = text(secret, "name");
            let words = format!("secret {name} has env_var set but is missing key");
            return Err(Status::unknown(words).into());
        }
    }
    Ok(())
}
