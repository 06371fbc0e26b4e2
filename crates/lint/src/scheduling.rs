//! Rules about the nodes that a pod may run on.

use super::edit;
use super::finding::{Finding, Findings};
use super::kubernetes::{names, toleration_fault};
use super::metadata::{label_key, label_value, labels};
use super::rule::{Rule, rule};
use super::version::{Version, Versions};
use super::view::{Fields, Spec, number, shown};
use crate::diagnostic::Safety;
use crate::spec::tree::Member;

const TOLERATION_OPERATOR: Rule = rule!("toleration-operator", Error, Versions::since(2, 5),
    summary: "a toleration without an operator",
    why: "Kubernetes takes `Equal` when there is none; pachd refuses the spec.",
    source: "src/server/pps/server/api_server.go:1890",
    fixable: Some(Safety::Unsafe),
);
const TOLERATION_CONFLICT: Rule = rule!("toleration-conflict", Error, Versions::since(2, 5),
    summary: "a toleration whose parts do not go together",
    why: "EXISTS looks at no value and may have none. EQUAL needs a key. `toleration_seconds` are for the effect \
          NO_EXECUTE alone; without an effect they are refused, too. pachd passes all of it on, Kubernetes refuses the \
          pod, and the pipeline fails.",
    source: "https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/; created on API servers of \
             1.25.16 and 1.37.2",
    fixable: Some(Safety::Unsafe),
);
const PRIORITY_CLASS_NAME: Rule = rule!("priority-class-name", Error, Versions::ALL,
    summary: "a name that no priority class can have",
    why: "The name is a DNS subdomain: lower-case letters, digits, `-` and `.`, at most 253. Those that begin with \
          `system-` are Kubernetes' own, and there are two. Whether a class exists only the cluster knows: Kubernetes \
          takes the ReplicationController, and refuses each pod while it does not.",
    source: "https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/; created on API servers \
             of 1.25.16 and 1.37.2",
);

pub(super) const RULES: &[Rule] = &[TOLERATION_OPERATOR, TOLERATION_CONFLICT, PRIORITY_CLASS_NAME];

const REFUSED: &str = "pachd accepts it; Kubernetes refuses the pod, and the pipeline fails";

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    if spec.version >= Version::new(2, 5) {
        for toleration in spec.root.messages("tolerations") {
            operator(spec, toleration, findings);
            parts(spec, toleration, findings);
        }
    }
    let scheduling = spec.root.message("scheduling_spec");
    labels(scheduling.message("node_selector"), "node selector", &[], findings);
    if let Some(class) = scheduling
        .text("priority_class_name")
        .filter(|class| !class.value.is_empty())
    {
        let is_own = matches!(class.value, "system-cluster-critical" | "system-node-critical");
        let why = names::subdomain(class.value).or_else(|| {
            let is_reserved = class.value.starts_with("system-") && !is_own;
            is_reserved.then_some("begins with `system-`, and is none of Kubernetes' own")
        });
        if let Some(why) = why {
            findings.add(
                Finding::new(
                    &PRIORITY_CLASS_NAME,
                    class.span(),
                    format!("no priority class can be named {}: it {why}", shown(class.value)),
                )
                .note(REFUSED)
                .help("write the name of a class; `kubectl get priorityclasses` lists them"),
            );
        }
    }
}

/// The names of a toleration's operators, by their numbers.
pub(super) const OPERATORS: [&str; 3] = ["EMPTY", "EXISTS", "EQUAL"];

/// The names of a toleration's effects, by their numbers.
pub(super) const EFFECTS: [&str; 4] = ["ALL_EFFECTS", "NO_SCHEDULE", "PREFER_NO_SCHEDULE", "NO_EXECUTE"];

/// What Kubernetes says to a toleration that pachd takes.
fn parts(spec: &Spec<'_>, toleration: Fields<'_>, findings: &mut Findings<'_>) {
    let text = |name: &str| toleration.text(name).map_or("", |text| text.value);
    let operator = match toleration.chosen("operator", &OPERATORS) {
        Some("EXISTS") => "Exists",
        Some("EQUAL") => "Equal",
        _ => return, // pachd refuses it, or nobody knows what is meant
    };
    if let Some(key) = toleration.text("key").filter(|key| !key.value.is_empty()) {
        label_key(key.span(), key.value, "toleration", findings);
    }
    if let Some(value) = toleration.text("value").filter(|_| operator == "Equal")
        && let Some(why) = names::label_value(value.value)
    {
        label_value(value.node, value.value, "toleration", why, findings);
    }
    let conflict = |member: Option<&Member>, message: String| {
        let span = member.map_or(toleration.beginning(), Member::span);
        Finding::new(&TOLERATION_CONFLICT, span, message).note(REFUSED)
    };
    let has_key_like = toleration.has_like("key");
    if let Some(why) = toleration_fault(operator, text("key"), text("value")) {
        if operator == "Exists" {
            let finding = conflict(toleration.get("value"), format!("this toleration {why}"));
            findings.add(
                finding
                    .help("delete the value, or write \"operator\": \"EQUAL\"")
                    .unsafe_fix("delete `value`", toleration.remove(spec.file, "value")),
            );
        } else if !has_key_like {
            let finding = conflict(toleration.get("operator"), format!("this toleration {why}"));
            findings.add(finding.help("write \"key\", or \"operator\": \"EXISTS\" for any taint"));
        }
    }
    let effect = toleration.chosen("effect", &EFFECTS).unwrap_or("ALL_EFFECTS");
    if let Some(seconds) = toleration.get("toleration_seconds").filter(|_| effect != "NO_EXECUTE")
        && EFFECTS.contains(&effect)
        && !toleration.has_like("effect")
    {
        let message = "`toleration_seconds` need the effect NO_EXECUTE".to_owned();
        findings.add(
            conflict(Some(seconds), message)
                .help("write \"effect\": \"NO_EXECUTE\", or delete the seconds")
                .unsafe_fix("delete them", toleration.remove(spec.file, "toleration_seconds")),
        );
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
