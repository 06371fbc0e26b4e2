//! Rules about `pod_patch` and `pod_spec`: both are applied to the pod that pachd makes, and what comes of it is judged
//! as Kubernetes judges a pod.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashSet};

use serde_json::Value as Json;

use super::finding::{Finding, Findings};
use super::kubernetes::json::{list, read as read_json, text as text_of};
use super::kubernetes::{Fault, pod, pod_spec as decoded};
use super::rule::{Rule, rule};
use super::version::Versions;
use super::view::{Spec, Text, shown};
use super::{metadata, patch, worker};
use crate::diagnostic::Severity;

const POD_PATCH_NOT_JSON: Rule = rule!("pod-patch-not-json", Error, Versions::ALL,
    summary: "`pod_patch` or `pod_spec` that is no JSON",
    why: "Both are JSON in a string. pachd refuses the spec when it cannot read it: malformed PodPatch, or malformed \
          PodSpec.",
    source: "src/server/pps/server/api_server.go:1967",
);
const POD_PATCH_NOT_JSON_PATCH: Rule = rule!("pod-patch-not-json-patch", Error, Versions::ALL,
    summary: "`pod_patch` that is no JSON Patch, or `pod_spec` that is no object",
    why: "`pod_patch` is a list of operations as RFC 6902 has them, `pod_spec` a part of a pod. pachd only looks \
          whether it is JSON; when it makes the pod it cannot apply it, and after three attempts the pipeline fails.",
    source: "src/server/pps/server/worker_rc.go:567",
);
const POD_SPEC_DEPRECATED: Rule = rule!("pod-spec-deprecated", Info, Versions::ALL,
    summary: "`pod_spec`, which `pod_patch` replaces",
    why: "`pod_spec` still works. It replaces lists as a whole, so that it takes containers and volumes away without \
          saying so; `pod_patch` changes what it names.",
    source: "src/pps/pps.proto:767",
);
const POD_PATCH_FAILS: Rule = rule!("pod-patch-fails", Error, Versions::ALL,
    summary: "`pod_patch` or `pod_spec` that cannot be applied to the pod",
    why: "pachd applies both when it makes the pod, long after it has accepted the spec. A path that is not in the \
          pod, a `test` that fails, or a value of another type than the field has is an error then, and after three \
          attempts the pipeline fails. The containers are `user`, which is 0, and `storage`, which is 1; a list that \
          is not there, such as `tolerations`, has to be added as a whole.",
    source: "src/server/pps/server/worker_rc.go:567; github.com/evanphx/json-patch v4.12.0",
);
const POD_PATCH_PATH: Rule = rule!("pod-patch-path", Warning, Versions::ALL,
    summary: "a path in `pod_patch` that does not begin with `/`",
    why: "A JSON Pointer begins with a slash, and other tools refuse one that does not. The library that pachd applies \
          patches with looks at nothing before the first slash: `spec/nodeName` changes `/nodeName`.",
    source: "RFC 6901, section 3; github.com/evanphx/json-patch v4.12.0",
);
const POD_REFUSED: Rule = rule!("pod-refused", Error, Versions::ALL,
    summary: "`pod_patch` or `pod_spec` with which Kubernetes refuses the pod",
    why: "pachd applies both and passes the pod on. Kubernetes judges it as any other pod of a ReplicationController: \
          names, volumes and their mounts, containers, ports, probes, resources, users, affinity. What it refuses \
          fails the pipeline, or never gets a pod. Whether a class or an account exists only the cluster knows, and is \
          not looked at.",
    source: "https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/; created on API servers of \
             1.25.16 and 1.37.2",
);
const POD_FIELD_UNKNOWN: Rule = rule!("pod-field-unknown", Warning, Versions::ALL,
    summary: "a field in `pod_patch` or `pod_spec` that no pod has",
    why: "pachd reads the patched pod with the fields that it knows and drops all others without a word. Fields of \
          Kubernetes newer than 1.29 are dropped by pachd 2.12, too.",
    source: "k8s.io/api v0.29.2, core/v1; created on API servers of 1.25.16 and 1.37.2",
);
const POD_CONTAINER_MISSING: Rule = rule!("pod-container-missing", Warning, Versions::ALL,
    summary: "`pod_patch` or `pod_spec` that takes a container away",
    why: "The pod of a spout has the containers `user`, in which the code runs, and `storage`, through which it \
          writes. Kubernetes takes a pod without one of them, and nothing works in it. `pod_spec` replaces a list as a \
          whole.",
    source: "src/server/pps/server/worker_rc.go:431",
);

pub(super) const RULES: &[Rule] = &[
    POD_PATCH_NOT_JSON,
    POD_PATCH_NOT_JSON_PATCH,
    POD_SPEC_DEPRECATED,
    POD_PATCH_FAILS,
    POD_PATCH_PATH,
    POD_REFUSED,
    POD_FIELD_UNKNOWN,
    POD_CONTAINER_MISSING,
];

const FAILS: &str = "pachd accepts it, cannot make the pod, and the pipeline fails after three attempts";

/// One of the two fields, and what is in it.
#[derive(Clone, Copy)]
struct PodField<'a> {
    name: &'static str,
    text: Text<'a>,
}

/// What is done to the pod, in its order: the whole of `pod_spec`, then each operation of `pod_patch`.
struct Change<'a> {
    by: PodField<'a>,
    /// How it is called; counted from 1.
    called: String,
    patch: Json,
}

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let merged = spec
        .root
        .text("pod_spec")
        .and_then(|text| pod_spec(spec, text, findings));
    let patched = spec.root.text("pod_patch").and_then(|text| pod_patch(text, findings));
    let changes: Vec<Change<'_>> = merged.into_iter().chain(patched.into_iter().flatten()).collect();
    // A pod of which a part is not known cannot be judged.
    if changes.is_empty() || !spec.whole {
        return;
    }
    if let Some(made) = Made::new(worker::pod_spec(spec), &changes, metadata::pod_labels(spec), findings) {
        judge(spec, &made, findings);
    }
}

/// The most values that are judged to say which change is to blame: for that the pod is judged after each.
const MOST_JUDGED: usize = 1 << 21;

/// The pod that changes make, and how it came about.
struct Made<'a, 'b> {
    base: Json,
    changes: &'b [Change<'a>],
    /// Stands for all of them.
    all: Change<'a>,
    labels: Vec<String>,
    pod: Json,
    stages: OnceCell<Vec<Stage>>,
}

/// What is to be said of the pod after one of the changes.
struct Stage {
    is_unreadable: bool,
    faults: HashSet<Fault>,
    dropped: HashSet<String>,
    lost: Vec<&'static str>,
}

impl Stage {
    fn of(pod: &Json, labels: &[String]) -> Self {
        let decoded = decoded(pod);
        Self {
            is_unreadable: decoded.is_err(),
            faults: decoded.as_ref().map_or_else(
                |_| HashSet::new(),
                |decoded| pod::faults(&decoded.spec, labels).into_iter().collect(),
            ),
            dropped: decoded.map_or_else(|_| HashSet::new(), |decoded| decoded.dropped.into_iter().collect()),
            lost: lost(pod).collect(),
        }
    }
}

impl<'a, 'b> Made<'a, 'b> {
    /// Makes all changes; none when one cannot be made, which is said.
    fn new(base: Json, changes: &'b [Change<'a>], labels: Vec<String>, findings: &mut Findings<'_>) -> Option<Self> {
        let mut pod = base.clone();
        let mut copied = 0;
        for change in changes {
            if patch::is_excessive(&pod, &change.patch, &mut copied) {
                findings.add(excessive(change));
                return None;
            }
            if let Err(why) = change.make(&mut pod) {
                findings.add(fails(
                    change,
                    &format!(" {why}"),
                    "spoutctl explain pod-patch-fails says what is in the pod",
                ));
                return None;
            }
        }
        let by = changes.last()?.by;
        let all = Change {
            by,
            called: format!("`{}`", by.name),
            patch: Json::Null,
        };
        Some(Self {
            base,
            changes,
            all,
            labels,
            pod,
            stages: OnceCell::new(),
        })
    }

    /// The first change from which on something holds to the end.
    fn blamed(&self, holds: impl Fn(&Stage) -> bool) -> &Change<'a> {
        let stages = self.stages.get_or_init(|| self.stages());
        let kept = stages.iter().rev().take_while(|stage| holds(stage)).count();
        let first = self.changes.get(stages.len() - kept);
        first.filter(|_| kept > 0).unwrap_or(&self.all)
    }

    /// None where there is more to judge than is worth the wait.
    fn stages(&self) -> Vec<Stage> {
        let (mut pod, mut judged, mut stages) = (self.base.clone(), 0, Vec::new());
        for change in self.changes {
            // Each could be made before.
            let _ = change.make(&mut pod);
            judged += patch::extent(&pod).0;
            if judged > MOST_JUDGED {
                return Vec::new();
            }
            stages.push(Stage::of(&pod, &self.labels));
        }
        stages
    }
}

impl Change<'_> {
    fn make(&self, pod: &mut Json) -> Result<(), String> {
        if self.by.name == "pod_spec" {
            json_patch::merge(pod, &self.patch);
            return Ok(());
        }
        patch::apply(pod, &self.patch)
    }
}

fn fails(change: &Change<'_>, why: &str, help: &str) -> Finding {
    let message = format!("{}{why}", change.called);
    Finding::new(&POD_PATCH_FAILS, change.by.text.span(), message)
        .note(FAILS)
        .help(help)
}

fn excessive(change: &Change<'_>) -> Finding {
    let message = format!(
        "{} copies or moves too much, or makes the pod too deep, to be looked at",
        change.called
    );
    Finding::new(&POD_PATCH_FAILS, change.by.text.span(), message)
        .severity(Severity::Warning)
        .note("Kubernetes refuses an object of more than 3 MiB; what comes of this is not judged")
        .help("copy and move less, and not what was copied before")
}

fn judge(spec: &Spec<'_>, made: &Made<'_, '_>, findings: &mut Findings<'_>) {
    let decoded_pod = match decoded(&made.pod) {
        Ok(decoded) => decoded,
        Err(why) => {
            let change = made.blamed(|stage| stage.is_unreadable);
            findings.add(fails(
                change,
                &format!(": {why}"),
                "write a value of the type that the field has",
            ));
            return;
        }
    };
    let before = faults(&made.base, &made.labels).into_iter();
    let before: BTreeSet<(String, String)> = before.map(|fault| (fault.path, fault.what)).collect();
    for fault in pod::faults(&decoded_pod.spec, &made.labels) {
        if !before.contains(&(fault.path.clone(), fault.what.clone())) {
            refused(
                spec,
                made.blamed(|stage| stage.faults.contains(&fault)),
                &fault,
                findings,
            );
        }
    }
    for dropped in &decoded_pod.dropped {
        let change = made.blamed(|stage| stage.dropped.contains(dropped));
        findings.add(
            Finding::new(
                &POD_FIELD_UNKNOWN,
                change.by.text.span(),
                format!("{}: no pod has a field {}", change.called, shown(dropped)),
            )
            .note("pachd accepts it and drops the field")
            .help("write it as the reference of Kubernetes 1.29 or older has it, from the pod's spec on"),
        );
    }
    if list(&made.pod, "containers").is_empty() {
        return;
    }
    for name in lost(&made.pod) {
        let change = made.blamed(|stage| stage.lost.contains(&name));
        findings.add(
            Finding::new(
                &POD_CONTAINER_MISSING,
                change.by.text.span(),
                format!("{}: the pod has no container `{name}` any more", change.called),
            )
            .note("pachd and Kubernetes accept it, and the spout cannot work")
            .help("add to `containers`, or change one of them; do not replace the list"),
        );
    }
}

/// The containers of a spout that a pod does not have.
fn lost(pod: &Json) -> impl Iterator<Item = &'static str> {
    let containers = list(pod, "containers");
    ["user", "storage"]
        .into_iter()
        .filter(move |name| containers.iter().all(|container| text_of(container, "name") != *name))
}

/// The faults of a pod that may have more in it than a pod has.
fn faults(pod: &Json, labels: &[String]) -> Vec<Fault> {
    decoded(pod).map_or_else(|_| Vec::new(), |decoded| pod::faults(&decoded.spec, labels))
}

fn refused(spec: &Spec<'_>, change: &Change<'_>, fault: &Fault, findings: &mut Findings<'_>) {
    let Some(severity) = fault.refusal.severity(spec.kubernetes) else {
        return;
    };
    let place = if fault.path.is_empty() {
        String::new()
    } else {
        format!("{} ", shown(&fault.path))
    };
    findings.add(
        Finding::new(
            &POD_REFUSED,
            change.by.text.span(),
            format!("{}: {place}{}", change.called, fault.what),
        )
        .severity(severity)
        .note(format!(
            "pachd accepts it; {} refuses the pod, and the pipeline never runs",
            fault.refusal.who()
        )),
    );
}

fn pod_patch<'a>(text: Text<'a>, findings: &mut Findings<'_>) -> Option<Vec<Change<'a>>> {
    let json = read(Some(text).filter(|text| !text.value.is_empty())?, "PodPatch", findings)?;
    let by = PodField {
        name: "pod_patch",
        text,
    };
    let operations = match json {
        Json::Null => return None, // as good as an empty list
        Json::Array(operations) => operations,
        _ => {
            findings.add(no_patch(text, "it is a list of operations, and this is something else"));
            return None;
        }
    };
    for (at, operation) in operations.iter().enumerate() {
        if let Some(fault) = operation_fault(operation) {
            findings.add(no_patch(text, &format!("operation {} {fault}", at + 1)));
            return None;
        }
        for finding in paths_without_slash(text, at + 1, operation) {
            findings.add(finding);
        }
    }
    let changes = operations.into_iter().enumerate().map(|(at, patch)| Change {
        by,
        called: format!("operation {} of `pod_patch`", at + 1),
        patch,
    });
    Some(changes.collect())
}

fn no_patch(text: Text<'_>, fault: &str) -> Finding {
    Finding::new(
        &POD_PATCH_NOT_JSON_PATCH,
        text.span(),
        format!("`pod_patch` is no JSON Patch: {fault}"),
    )
    .note(FAILS)
    .help("write a list such as [{\"op\": \"add\", \"path\": \"/nodeName\", \"value\": \"node-1\"}]")
}

/// The paths of an operation that mean something else than they say.
fn paths_without_slash(text: Text<'_>, number: usize, operation: &Json) -> Vec<Finding> {
    let paths = ["path", "from"]
        .into_iter()
        .filter_map(|key| operation.get(key)?.as_str());
    let read = paths.filter_map(|path| Some((path, path.split_once('/')?)));
    read.filter(|(_, (before, _))| !before.is_empty())
        .map(|(path, (_, within))| {
            Finding::new(
                &POD_PATCH_PATH,
                text.span(),
                format!(
                    "operation {number} of `pod_patch`: the path {} does not begin with `/`",
                    shown(path)
                ),
            )
            .note(format!("pachd reads it as {}", shown(&format!("/{within}"))))
            .help("write the path from the pod's spec on, beginning with `/`")
        })
        .collect()
}

/// What is wrong with one operation of a JSON Patch, whatever it is applied to.
fn operation_fault(operation: &Json) -> Option<String> {
    let Some(members) = operation.as_object() else {
        return Some("is no object".to_owned());
    };
    let is_text = |key: &str| members.get(key).is_some_and(Json::is_string);
    match members.get("op").and_then(Json::as_str).unwrap_or_default() {
        "" => return Some("has no `op`".to_owned()),
        "move" | "copy" if !is_text("from") => return Some("has no `from`".to_owned()),
        "test" if !members.contains_key("value") => return Some("has no `value`".to_owned()),
        "add" | "replace" | "test" | "move" | "copy" | "remove" => {}
        op => return Some(format!("has an unknown `op`, {}", shown(op))),
    }
    (!is_text("path")).then(|| "has no `path`".to_owned())
}

fn pod_spec<'a>(spec: &Spec<'a>, text: Text<'a>, findings: &mut Findings<'_>) -> Option<Change<'a>> {
    let json = read(Some(text).filter(|text| !text.value.is_empty())?, "PodSpec", findings)?;
    if !json.is_object() {
        findings.add(
            Finding::new(
                &POD_PATCH_NOT_JSON_PATCH,
                text.span(),
                "`pod_spec` is a part of a pod, and this is no object",
            )
            .note(FAILS),
        );
        return None;
    }
    let key = spec.root.get("pod_spec").map_or(text.span(), |member| member.key.span);
    findings.add(
        Finding::new(&POD_SPEC_DEPRECATED, key, "`pod_spec` is replaced by `pod_patch`")
            .note("pachd still merges it into the pod")
            .help("write the same as a JSON Patch in `pod_patch`"),
    );
    Some(Change {
        by: PodField { name: "pod_spec", text },
        called: "`pod_spec`".to_owned(),
        patch: json,
    })
}

fn read(text: Text<'_>, kind: &str, findings: &mut Findings<'_>) -> Option<Json> {
    match read_json(text.value) {
        Ok(json) => Some(json),
        Err(error) => {
            let name = if kind == "PodPatch" { "pod_patch" } else { "pod_spec" };
            let (line, column) = (error.line(), error.column());
            findings.add(
                Finding::new(
                    &POD_PATCH_NOT_JSON,
                    text.span(),
                    format!("what is in `{name}` is no JSON, at line {line}, column {column} of it"),
                )
                .note(format!("pachd refuses the spec: malformed {kind}"))
                .help("write JSON in a string; YAML is not read here"),
            );
            None
        }
    }
}
