//! Rules about the labels and annotations of the pipeline's objects.

use super::edit;
use super::finding::{Finding, Findings};
use super::kubernetes::network::range_fault;
use super::kubernetes::{apparmor_profile, names, seccomp_profile, tolerations_fault};
use super::rule::{Rule, rule};
use super::version::Versions;
use super::view::{Fields, Spec, shown};
use crate::diagnostic::{Safety, Severity};
use crate::spec::tree::Member;

const METADATA_RESERVED: Rule = rule!("metadata-reserved", Info, Versions::ALL,
    summary: "a label or an annotation that Pachyderm sets itself",
    why: "Pachyderm's own labels and annotations win; the spec's value is lost.",
    source: "src/server/pps/server/worker_rc.go:860",
    fixable: Some(Safety::Unsafe),
);
const LABEL_KEY: Rule = rule!("label-key", Error, Versions::ALL,
    summary: "a key that no label can have",
    why: "The key of a label is a name of at most 63 letters, digits, `-`, `_` and `.` with a letter or a digit at \
          both ends; before it may be a domain in lower case and a slash. The same holds for keys of `node_selector` \
          and of tolerations. pachd passes them on, Kubernetes refuses the objects, and the pipeline fails.",
    source: "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set; \
             created on API servers of 1.25.16 and 1.37.2",
);
const LABEL_VALUE: Rule = rule!("label-value", Error, Versions::ALL,
    summary: "a value that no label can have",
    why: "The value of a label is empty, or at most 63 letters, digits, `-`, `_` and `.` with a letter or a digit at \
          both ends. The same holds for values of `node_selector` and of tolerations. pachd passes them on, Kubernetes \
          refuses the objects, and the pipeline fails.",
    source: "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set; \
             created on API servers of 1.25.16 and 1.37.2",
);
const ANNOTATION_KEY: Rule = rule!("annotation-key", Error, Versions::ALL,
    summary: "a key that no annotation can have",
    why: "The key of an annotation is formed as that of a label, but the domain before the slash may have upper-case \
          letters. pachd passes it on, Kubernetes refuses the objects, and the pipeline fails.",
    source: "https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set; \
             created on API servers of 1.25.16 and 1.37.2",
);
const ANNOTATION_VALUE: Rule = rule!("annotation-value", Error, Versions::ALL,
    summary: "an annotation that Kubernetes knows, with a value that it refuses; or too much of them",
    why: "Kubernetes does not look at most annotations. Some mean something to it, such as a profile of seccomp or the \
          ranges that a load balancer takes connections from, and with a wrong value it refuses the objects. All keys \
          and values together may have 262,144 bytes.",
    source: "https://kubernetes.io/docs/reference/labels-annotations-taints/; created on API servers of 1.25.16 and \
             1.37.2",
);

pub(super) const RULES: &[Rule] = &[
    METADATA_RESERVED,
    LABEL_KEY,
    LABEL_VALUE,
    ANNOTATION_KEY,
    ANNOTATION_VALUE,
];

const REFUSED: &str = "pachd accepts it; Kubernetes refuses the objects, and the pipeline fails";

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

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    reserved(spec, findings);
    let metadata = spec.root.message("metadata");
    labels(metadata.message("labels"), "label", LABELS, findings);
    annotations(spec, metadata.message("annotations"), findings);
}

/// The keys of the labels of the pod that pachd makes.
pub(super) fn pod_labels(spec: &Spec<'_>) -> Vec<String> {
    let labels = spec.root.message("metadata").message("labels");
    let own = labels.members().iter().map(|member| member.key.name.as_str());
    own.chain(LABELS.iter().copied()).map(str::to_owned).collect()
}

/// Says what is wrong with the keys and values of an object that are labels. `taken` are keys whose value counts for
/// nothing.
pub(super) fn labels(of: Fields<'_>, what: &str, taken: &[&str], findings: &mut Findings<'_>) {
    for member in counting(of) {
        if let Some(why) = names::label_key(&member.key.name) {
            key(&LABEL_KEY, member, what, why, findings);
        }
        let value = member
            .value
            .as_str()
            .filter(|_| !taken.contains(&member.key.name.as_str()));
        if let Some((value, why)) = value.and_then(|value| Some((value, names::label_value(value)?))) {
            label_value(&member.value, value, what, why, findings);
        }
    }
}

pub(super) fn label_key(span: crate::source::Span, name: &str, what: &str, findings: &mut Findings<'_>) {
    if let Some(why) = names::label_key(name) {
        findings.add(
            Finding::new(
                &LABEL_KEY,
                span,
                format!("{} cannot be the key of a {what}: it {why}", shown(name)),
            )
            .note(REFUSED)
            .help("use letters, digits, `-`, `_` and `.`, with a letter or a digit at both ends"),
        );
    }
}

pub(super) fn label_value(
    node: &crate::spec::tree::Node,
    value: &str,
    what: &str,
    why: &str,
    findings: &mut Findings<'_>,
) {
    findings.add(
        Finding::new(
            &LABEL_VALUE,
            node.span,
            format!("{} cannot be the value of a {what}: it {why}", shown(value)),
        )
        .note(REFUSED)
        .help(if what == "label" {
            "use letters, digits, `-`, `_` and `.`, with a letter or a digit at both ends; an annotation may have \
                 any text"
        } else {
            "use letters, digits, `-`, `_` and `.`, with a letter or a digit at both ends"
        }),
    );
}

fn key(rule: &'static Rule, member: &Member, what: &str, why: &str, findings: &mut Findings<'_>) {
    findings.add(
        Finding::new(
            rule,
            member.key.span,
            format!(
                "{} cannot be the key of {} {what}: it {why}",
                shown(&member.key.name),
                article(what)
            ),
        )
        .note(REFUSED)
        .help("use letters, digits, `-`, `_` and `.`, with a letter or a digit at both ends"),
    );
}

fn article(what: &str) -> &'static str {
    if what.starts_with('a') { "an" } else { "a" }
}

/// The members of an object that count: of several of one name the last.
fn counting(of: Fields<'_>) -> impl Iterator<Item = &Member> {
    let last = super::keys::last_of_each(of.members());
    let members = of.members().iter().enumerate();
    members
        .filter(move |(at, member)| last.get(member.key.name.as_str()) == Some(at))
        .map(|(_, member)| member)
}

/// The most that all annotations of an object may have.
const LARGEST: usize = 262_144;

/// What pachd's own make, but for the names of the pipeline and its project: keys, a hash, a commit, two versions.
const OWN: usize = 158;

fn annotations(spec: &Spec<'_>, of: Fields<'_>, findings: &mut Findings<'_>) {
    let project = spec.project().map_or("default", |project| project.value);
    let mut size = OWN + project.len() + spec.name().map_or(0, |name| name.value.len());
    for member in counting(of) {
        let name = member.key.name.as_str();
        if let Some(why) = names::annotation_key(name) {
            key(&ANNOTATION_KEY, member, "annotation", why, findings);
        }
        let Some(value) = member.value.as_str().filter(|_| !ANNOTATIONS.contains(&name)) else {
            continue;
        };
        size += name.len() + value.len();
        if let Some((why, severity)) = known(spec, name, value) {
            findings.add(
                Finding::new(
                    &ANNOTATION_VALUE,
                    member.value.span,
                    format!("annotation {}: {} {why}", shown(name), shown(value)),
                )
                .severity(severity)
                .note(REFUSED)
                .help("spoutctl explain annotation-value names the page of Kubernetes' documentation about it"),
            );
        }
    }
    if let Some(node) = of.node().filter(|_| size > LARGEST) {
        findings.add(
            Finding::new(
                &ANNOTATION_VALUE,
                node.span,
                "these annotations make more than 262,144 bytes",
            )
            .note(REFUSED)
            .help("keep less in annotations"),
        );
    }
}

/// What is wrong with the value of an annotation that Kubernetes knows.
fn known(spec: &Spec<'_>, name: &str, value: &str) -> Option<(&'static str, Severity)> {
    let refused = |why| Some((why, Severity::Error));
    match name {
        "controller.kubernetes.io/pod-deletion-cost" => {
            let begins_well = value == "0" || value.starts_with(|c: char| c == '-' || ('1'..='9').contains(&c));
            let is_number = begins_well && value.parse::<i32>().is_ok();
            (!is_number).then_some(("is no whole number of 32 bits", Severity::Error))
        }
        "seccomp.security.alpha.kubernetes.io/pod" => match seccomp_profile(value) {
            Some(why) => refused(why),
            None if is_restricted(spec) && !matches!(value, "runtime/default" | "docker/default") => {
                refused("is another profile than `RuntimeDefault`, which pachd sets where `user` is a number")
            }
            None => None,
        },
        "kubernetes.io/config.mirror" => refused("marks a pod that a node has made by itself"),
        "scheduler.alpha.kubernetes.io/tolerations" if !value.is_empty() => tolerations_fault(value).and_then(refused),
        "service.beta.kubernetes.io/load-balancer-source-ranges" => {
            let service = Fields::of(&spec.spout_service()?.value);
            match service.text("type").map(|kind| kind.value) {
                Some("LoadBalancer") if value.trim().is_empty() => None,
                Some("LoadBalancer") => {
                    let faults = value.split(',').filter_map(|range| range_fault(range.trim()));
                    let faults = faults.filter_map(|(why, refusal)| Some((why, refusal.severity(spec.kubernetes)?)));
                    faults.max_by_key(|(_, severity)| *severity == Severity::Error)
                }
                _ => refused("is for a service of type `LoadBalancer` only"),
            }
        }
        _ => match name.split_once(".kubernetes.io/") {
            Some(("container.seccomp.security.alpha", _)) => seccomp_profile(value).and_then(refused),
            Some(("container.apparmor.security.beta", container)) => {
                let is_there = matches!(container, "init" | "storage" | "user");
                match apparmor_profile(value) {
                    Some(why) => refused(why),
                    None if !is_there => {
                        refused("is for a container that is not in the pod: it has `user`, `storage` and `init`")
                    }
                    None => None,
                }
            }
            _ => None,
        },
    }
}

/// Whether pachd restricts what the code may do.
fn is_restricted(spec: &Spec<'_>) -> bool {
    spec.transform()
        .text("user")
        .is_some_and(|user| user.value.parse::<i64>().is_ok())
}

fn reserved(spec: &Spec<'_>, findings: &mut Findings<'_>) {
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
