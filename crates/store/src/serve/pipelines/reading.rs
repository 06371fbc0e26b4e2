//! From the text of a spec to what it comes to: the same with the defaults filled in. What is no spec is refused with
//! the place where it is wrong, in the words of pachd's JSON reader.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::serve::Status;
use crate::{Dialect, ProjectRecord};
use spoutctl_core::pfs::{self, ProjectName, RepoName};
use spoutctl_core::quantity::grouped;
use spoutctl_lint::source::SourceFile;
use spoutctl_lint::spec;
use spoutctl_lint::spec::tree::Node;
use spoutctl_proto::schema::{JsonDecodeError, JsonDecodeErrorKind, MessageSchema, Unknown};
use spoutctl_proto::spec::CREATE_PIPELINE_REQUEST;

/// The most messages of a spec: each is told with all of its fields, whatever it says of them.
const MOST_MESSAGES: usize = 10_000;

/// # Errors
/// When a spec would be told at a large multiple of its length.
pub(super) fn bounded(text: &str) -> Result<(), Status> {
    if text.matches('{').count() <= MOST_MESSAGES {
        return Ok(());
    }
    // Some may stand in its texts. What cannot be read is refused for that.
    let spec: Value = serde_json::from_str(text).unwrap_or_default();
    let messages = objects_in(&spec);
    if messages <= MOST_MESSAGES {
        return Ok(());
    }
    let (messages, most) = (grouped(messages as u64), grouped(MOST_MESSAGES as u64));
    Err(Status::invalid(format!(
        "spoutctl serve takes a spec of {most} messages at most, and this one has {messages}"
    )))
}

fn objects_in(value: &Value) -> usize {
    match value {
        Value::Array(elements) => elements.iter().map(objects_in).sum(),
        Value::Object(members) => 1 + members.values().map(objects_in).sum::<usize>(),
        _ => 0,
    }
}

/// What a cluster fills in where nobody has set anything else (recording http 091).
fn defaults(dialect: Dialect) -> Value {
    if !dialect.has_gateway() {
        return json!({"outputBranch": "master", "datumTries": "3", "reprocessSpec": "until_success"});
    }
    let resources = json!({"cpu": 1, "memory": "256Mi", "disk": "1Gi"});
    json!({
        "transform": {"image": "ubuntu:20.04"},
        "outputBranch": "master",
        "resourceRequests": resources,
        "sidecarResourceRequests": resources,
        "datumTries": "3",
        "reprocessSpec": "until_success",
    })
}

/// Reads a spec strictly.
///
/// # Errors
/// pachd's words for what is wrong with it.
pub(super) fn spec_of(text: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| syntax_error(text, &error))?;
    let read = CREATE_PIPELINE_REQUEST.read(&value, Unknown::Refuse);
    let tree = spec::parse(&SourceFile::new("spec.json", text));
    let root = tree.documents.first().map(|document| &document.root);
    let fault = read.as_ref().err().map(|fault| misplaced(text, root, fault));
    let twice = root.and_then(|root| duplicate(root, Some(CREATE_PIPELINE_REQUEST)));
    let twice = twice.map(|(at, what)| (at, format!("(line {}): duplicate {what}", place(text, at))));
    // The reader stops at the first of them.
    match [fault, twice].into_iter().flatten().min() {
        Some((_, words)) => Err(format!("proto: {words}")),
        None => read.map_err(|fault| fault.what.to_string()),
    }
}

/// The older call's spec, whose unknown fields the gateway passes over.
///
/// # Errors
/// As [`spec_of`].
pub(in crate::serve) fn lenient_spec_of(text: &str) -> Result<Value, Status> {
    bounded(text)?;
    let value: Value = serde_json::from_str(text).map_err(|error| Status::invalid(syntax_error(text, &error)))?;
    CREATE_PIPELINE_REQUEST.read(&value, Unknown::Ignore).map_err(|fault| {
        let tree = spec::parse(&SourceFile::new("spec.json", text));
        let root = tree.documents.first().map(|document| &document.root);
        let (_, words) = misplaced(text, root, &fault);
        Status::invalid(format!("proto: {words}"))
    })
}

/// The refusal of a text that is no spec (recordings http 097, 098).
pub(super) fn unparsed(text: &str) -> impl FnOnce(String) -> Status + '_ {
    move |words| {
        Status::invalid(format!(
            "could not make effective spec: could not parse {text} as Create Pipeline Request message: {words}"
        ))
    }
}

fn syntax_error(text: &str, error: &serde_json::Error) -> String {
    if error.is_eof() && !text.trim().is_empty() {
        return "proto: unexpected EOF".to_owned();
    }
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    // serde counts bytes.
    let before = line.get(..error.column().saturating_sub(1)).unwrap_or(line);
    let token: String = line[before.len()..].chars().take(1).collect();
    format!(
        "proto: syntax error (line {}:{}): unexpected token {token}",
        error.line().max(1),
        before.chars().count() + 1
    )
}

/// Line and column, in characters from 1.
fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("{line}:{column}")
}

/// Where the fault stands, and what pachd says of it.
fn misplaced(text: &str, root: Option<&Node>, fault: &JsonDecodeError) -> (usize, String) {
    let span = root.and_then(|root| find(root, &fault.path, fault.what == JsonDecodeErrorKind::Unknown));
    let (at, written) = span.map_or((0, text), |span| (span.0, text.get(span.0..span.1).unwrap_or_default()));
    let place = place(text, at);
    let words = match &fault.what {
        JsonDecodeErrorKind::Unknown => {
            let name = fault.path.last().map_or("", String::as_str);
            format!("(line {place}): unknown field {name:?}")
        }
        JsonDecodeErrorKind::Value { wanted, .. } => {
            format!("(line {place}): invalid value for {wanted} type: {written}")
        }
        JsonDecodeErrorKind::Token => {
            // Of a list or an object, the reader has seen the bracket only.
            let token = match written.as_bytes().first() {
                Some(b'{' | b'[') => &written[..1],
                _ => written,
            };
            format!("syntax error (line {place}): unexpected token {token}")
        }
    };
    (at, words)
}

/// The bytes of what a path leads to, or of the key of its last step.
fn find(node: &Node, path: &[String], wants_key: bool) -> Option<(usize, usize)> {
    let Some((step, rest)) = path.split_first() else {
        return Some((node.span.start, node.span.end));
    };
    if let Some(member) = node.members().iter().rev().find(|member| member.key.name == *step) {
        if rest.is_empty() && wants_key {
            return Some((member.key.span.start, member.key.span.end));
        }
        return find(&member.value, rest, wants_key);
    }
    find(node.elements().get(step.parse::<usize>().ok()?)?, rest, wants_key)
}

/// The first field that stands twice in a message, in either spelling, or key in a map, as it is written.
fn duplicate(node: &Node, message: Option<MessageSchema>) -> Option<(usize, String)> {
    let mut seen = HashSet::new();
    let in_members = node.members().iter().filter_map(|member| {
        let name = &member.key.name;
        let field = message.and_then(|message| message.field(name));
        let (field, of) = field.unwrap_or_else(|| (name.clone(), None));
        if seen.insert(field) {
            return duplicate(&member.value, of);
        }
        let kind = if message.is_some() { "field" } else { "map key" };
        Some((member.key.span.start, format!("{kind} {name:?}")))
    });
    let in_elements = node.elements().iter().filter_map(|element| duplicate(element, message));
    in_members.chain(in_elements).min()
}

/// A spec with the defaults filled in.
pub(super) struct Effective {
    spec: Value,
}

impl Effective {
    /// # Errors
    /// Without its project; when what it comes to is no spec.
    pub(super) fn of(dialect: Dialect, spec: &Value, projects: &[ProjectRecord]) -> Result<Self, Status> {
        let wrong = |words: String| Status::invalid(format!("could not make effective spec: {words}"));
        let project = spec["pipeline"]["project"]["name"].as_str().unwrap_or_default();
        let is_there = |name: &str| projects.iter().any(|project| project.name == name);
        if !project.is_empty() && !is_there(project) {
            let step = format!("could not get defaults for project {project}: ");
            return Err(wrong(format!(
                "{step}{step}error getting project {project:?}: get project by name: project {project:?} not found"
            )));
        }
        let mut merged = defaults(dialect);
        merge(&mut merged, spec);
        let effective = Self {
            spec: CREATE_PIPELINE_REQUEST.populated(&merged),
        };
        let reprocess = effective.spec["reprocessSpec"].as_str().unwrap_or_default();
        if !matches!(reprocess, "" | "until_success" | "every_job") {
            return Err(wrong(format!(
                "invalid effective spec {}: invalid pipeline spec: ReprocessSpec must be one of \"until_success\" or \
                 \"every_job\"",
                effective.kept()
            )));
        }
        Ok(effective)
    }

    pub(super) fn spec(&self) -> &Value {
        &self.spec
    }

    /// The pipeline's name, if it can be one.
    pub(super) fn name(&self) -> Option<pfs::Repo> {
        let pipeline = &self.spec["pipeline"];
        let project = pipeline["project"]["name"].as_str().unwrap_or(pfs::DEFAULT_PROJECT);
        Some(pfs::Repo {
            project: ProjectName::new(project).ok()?,
            name: RepoName::new(pipeline["name"].as_str()?).ok()?,
        })
    }

    /// As it is kept.
    pub(super) fn kept(&self) -> String {
        self.spec.to_string()
    }

    /// As it is answered: with the project, and how it was submitted.
    ///
    /// # Errors
    /// When it is for no pipeline.
    pub(super) fn answer(&self, update: bool, reprocess: bool) -> Result<String, Status> {
        let mut spec = self.spec.clone();
        let Some(pipeline) = spec["pipeline"].as_object_mut() else {
            return Err(Status::unknown("request.Pipeline cannot be nil"));
        };
        let project = pipeline.entry("project").or_insert_with(|| json!({}));
        if project["name"].as_str().is_none_or(str::is_empty) {
            *project = json!({"name": pfs::DEFAULT_PROJECT});
        }
        spec["update"] = update.into();
        spec["reprocess"] = reprocess.into();
        Ok(CREATE_PIPELINE_REQUEST.to_line(&spec))
    }
}

/// Objects are merged, anything else replaces what was there, and `null` takes it away.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                match into.get_mut(name) {
                    _ if value.is_null() => {
                        into.remove(name);
                    }
                    Some(there) => merge(there, value),
                    None => {
                        into.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (into, from) => *into = from.clone(),
    }
}
