//! Rules about what is passed on to Kubernetes as it is: patches, tolerations, metadata; and about an egress's secret.

use serde_json::Value as Json;

use super::edit;
use super::finding::{Finding, Findings};
use super::rule::{Rule, rule};
use super::version::{Version, Versions};
use super::view::{Fields, Spec, Text, number, shown};
use crate::diagnostic::Safety;
use crate::spec::tree::Member;

const TOLERATION_OPERATOR: Rule = rule!("toleration-operator", Error, Versions::since(2, 5),
    summary: "a toleration without an operator",
    why: "Kubernetes takes `Equal` when there is none; pachd refuses the spec.",
    source: "src/server/pps/server/api_server.go:1890",
    fixable: Some(Safety::Unsafe),
);
const POD_PATCH_NOT_JSON: Rule = rule!("pod-patch-not-json", Error, Versions::ALL,
    summary: "`pod_patch` or `pod_spec` that is no JSON",
    why: "Both are JSON in a string. pachd refuses the spec when it cannot read it: malformed PodPatch, or malformed PodSpec.",
    source: "src/server/pps/server/api_server.go:1967",
);
const POD_PATCH_NOT_JSON_PATCH: Rule = rule!("pod-patch-not-json-patch", Error, Versions::ALL,
    summary: "`pod_patch` that is no JSON Patch, or `pod_spec` that is no object",
    why: "`pod_patch` is a list of operations as RFC 6902 has them, `pod_spec` a part of a pod. pachd only looks whether it is \
          JSON; when it makes the pod it cannot apply it, and after three attempts the pipeline fails.",
    source: "src/server/pps/server/worker_rc.go:567",
);
const POD_SPEC_DEPRECATED: Rule = rule!("pod-spec-deprecated", Info, Versions::ALL,
    summary: "`pod_spec`, which `pod_patch` replaces",
    why: "`pod_spec` still works. It replaces lists as a whole, so that it takes containers and volumes away without saying so; \
          `pod_patch` changes what it names.",
    source: "src/pps/pps.proto:767",
);
const METADATA_RESERVED: Rule = rule!("metadata-reserved", Info, Versions::ALL,
    summary: "a label or an annotation that Pachyderm sets itself",
    why: "Pachyderm's own labels and annotations win; the spec's value is lost.",
    source: "src/server/pps/server/worker_rc.go:860",
    fixable: Some(Safety::Unsafe),
);
const SQL_EGRESS_SECRET: Rule = rule!("sql-egress-secret", Error, Versions::since(2, 2),
    summary: "an egress into a database without a secret",
    why: "The password of the database is in a Kubernetes secret, and pachd refuses a spec that names none, or no key of it.",
    source: "src/server/pfs/pfs.go:509",
);

pub(super) const RULES: &[Rule] = &[
    TOLERATION_OPERATOR,
    POD_PATCH_NOT_JSON,
    POD_PATCH_NOT_JSON_PATCH,
    POD_SPEC_DEPRECATED,
    METADATA_RESERVED,
    SQL_EGRESS_SECRET,
];

const FAILS: &str = "pachd accepts it, cannot make the pod, and the pipeline fails after three attempts";

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    for toleration in spec.root.messages("tolerations") {
        operator(spec, toleration, findings);
    }
    patch(spec, findings);
    pod_spec(spec, findings);
    metadata(spec, findings);
    if spec.version >= Version::new(2, 2) {
        sql(spec, findings);
    }
}

fn operator(spec: &Spec<'_>, toleration: Fields<'_>, findings: &mut Findings<'_>) {
    let operator = toleration.get("operator");
    let is_empty = |member: &Member| member.value.as_str() == Some("EMPTY") || number(&member.value) == Some(0.0);
    if operator.is_some_and(|member| !is_empty(member)) || operator.is_none() && toleration.has_like("operator") {
        return;
    }
    let meant = if toleration.get("value").is_some() {
        "EQUAL"
    } else {
        "EXISTS"
    };
    let edit = match (operator, toleration.node()) {
        (Some(member), _) => edit::reword(spec.file, &member.value, meant),
        (None, Some(node)) => edit::add_first(spec.file, node, "operator", &format!("\"{meant}\"")),
        (None, None) => None,
    };
    findings.add(
        Finding::new(
            &TOLERATION_OPERATOR,
            operator
                .or(toleration.get("key"))
                .map_or(toleration.beginning(), Member::span),
            "this toleration has no operator",
        )
        .note("pachd refuses the spec: cannot omit key/value comparison operator")
        .help(format!("write \"operator\": \"{meant}\""))
        .unsafe_fix(format!("make it `{meant}`"), edit),
    );
}

fn patch(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let Some(text) = spec.root.text("pod_patch").filter(|text| !text.value.is_empty()) else {
        return;
    };
    let Some(json) = read(text, "PodPatch", findings) else {
        return;
    };
    let fault = match json.as_array() {
        None => Some("it is a list of operations, and this is something else".to_owned()),
        Some(operations) => operations.iter().enumerate().find_map(|(at, operation)| {
            let fault = operation_fault(operation)?;
            Some(format!("operation {} {fault}", at + 1))
        }),
    };
    if let Some(fault) = fault {
        findings.add(
            Finding::new(
                &POD_PATCH_NOT_JSON_PATCH,
                text.span(),
                format!("`pod_patch` is no JSON Patch: {fault}"),
            )
            .note(FAILS)
            .help("write a list such as [{\"op\": \"add\", \"path\": \"/nodeName\", \"value\": \"node-1\"}]"),
        );
    }
}

/// What is wrong with one operation of a JSON Patch.
fn operation_fault(operation: &Json) -> Option<String> {
    let Some(members) = operation.as_object() else {
        return Some("is no object".to_owned());
    };
    let op = members.get("op").and_then(Json::as_str).unwrap_or_default();
    let (wanted, is_there) = match op {
        "add" | "replace" | "test" => ("value", members.contains_key("value")),
        "move" | "copy" => ("from", members.get("from").is_some_and(Json::is_string)),
        "remove" => ("path", true),
        "" => return Some("has no `op`".to_owned()),
        _ => return Some(format!("has an unknown `op`, {}", shown(op))),
    };
    match members.get("path").and_then(Json::as_str) {
        None => Some("has no `path`".to_owned()),
        Some(path) if !path.is_empty() && !path.starts_with('/') => {
            Some(format!("has the path {}, which does not begin with `/`", shown(path)))
        }
        Some(_) if !is_there => Some(format!("has no `{wanted}`")),
        Some(_) => None,
    }
}

fn pod_spec(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let Some(member) = spec.root.get("pod_spec") else {
        return;
    };
    let Some(text) = spec.root.text("pod_spec").filter(|text| !text.value.is_empty()) else {
        return;
    };
    let Some(json) = read(text, "PodSpec", findings) else {
        return;
    };
    if !json.is_object() {
        findings.add(
            Finding::new(
                &POD_PATCH_NOT_JSON_PATCH,
                text.span(),
                "`pod_spec` is a part of a pod, and this is no object",
            )
            .note(FAILS),
        );
        return;
    }
    findings.add(
        Finding::new(
            &POD_SPEC_DEPRECATED,
            member.key.span,
            "`pod_spec` is replaced by `pod_patch`",
        )
        .note("pachd still merges it into the pod")
        .help("write the same as a JSON Patch in `pod_patch`"),
    );
}

fn read(text: Text<'_>, kind: &str, findings: &mut Findings<'_>) -> Option<Json> {
    match serde_json::from_str(text.value) {
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

fn metadata(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    const LABELS: &[&str] = &[
        "app",
        "component",
        "pipelineName",
        "pipelineProject",
        "pipelineVersion",
        "suite",
    ];
    const ANNOTATIONS: &[&str] = &[
        "authTokenHash",
        "pachVersion",
        "pipelineName",
        "pipelineProject",
        "pipelineVersion",
        "specCommit",
    ];
    let metadata = spec.root.message("metadata");
    for (field, reserved, kind) in [("labels", LABELS, "label"), ("annotations", ANNOTATIONS, "annotation")] {
        let of = metadata.message(field);
        for name in reserved {
            let Some(member) = of.members().iter().rev().find(|member| member.key.name == *name) else {
                continue;
            };
            let at = of.members().iter().position(|other| std::ptr::eq(other, member));
            let edit = of
                .node()
                .zip(at)
                .and_then(|(node, at)| edit::remove(spec.file, node, at));
            findings.add(
                Finding::new(
                    &METADATA_RESERVED,
                    member.span(),
                    format!("Pachyderm sets the {kind} `{name}` itself"),
                )
                .note("pachd accepts it, and its own value wins")
                .help("delete it, or use a name of your own")
                .unsafe_fix(format!("delete `{name}`"), edit),
            );
        }
    }
}

fn sql(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let egress = spec.root.message("egress");
    let database = egress.message("sql_database");
    let Some(member) = egress.get("sql_database").filter(|_| database.node().is_some()) else {
        return;
    };
    let secret = database.message("secret");
    let has = |name: &str| secret.text(name).is_some_and(|text| !text.value.is_empty());
    let (span, message, note) = match database.get("secret") {
        None if database.has_like("secret") => return,
        None => (
            member.key.span,
            "this database has no secret",
            "egress.sql_database.secret is required",
        ),
        Some(_) if secret.node().is_none() || has("name") && has("key") => return,
        Some(secret) => (
            secret.key.span,
            "this secret lacks its name or its key",
            "egress.sql_database.secret.name and egress.sql_database.secret.key are required",
        ),
    };
    findings.add(
        Finding::new(&SQL_EGRESS_SECRET, span, message)
            .note(format!("pachd refuses the spec: {note}"))
            .help("write \"secret\": {\"name\": …, \"key\": …}, the database's password being in it"),
    );
}
