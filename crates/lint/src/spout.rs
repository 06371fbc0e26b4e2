//! Rules about what makes a spec a spout, and about what a spout cannot have beside it.

use super::edit;
use super::finding::{Finding, Findings};
use super::rule::{Rule, rule};
use super::version::Versions;
use super::view::{Spec, shown};
use super::{Expect, duration};
use crate::diagnostic::{Safety, Severity};
use crate::source::{SourceFile, Span};
use crate::spec::tree::{Member, Value};

const NOT_A_SPOUT: Rule = rule!("not-a-spout", Error, Versions::ALL,
    summary: "a spec without `spout`, where one is expected",
    why: "Without the key `spout`, even an empty one, pachd makes an ordinary pipeline of the spec. Without an input \
          that pipeline never runs. A file that is named on the command line is meant to be a spout; files that are \
          found in a directory are not held to it. A file with no spec in it creates nothing.",
    source: "src/server/pps/server/api_server.go:1984",
    fixable: Some(Safety::Unsafe),
);
const SPOUT_NULL: Rule = rule!("spout-null", Error, Versions::ALL,
    summary: "`spout` with nothing in it, not even `{}`",
    why: "`null`, or nothing after the colon in YAML, is as if the field were not there. pachctl and pachd accept the \
          spec and create an ordinary pipeline without an input, which never runs.",
    source: "run with pachctl 1.13.4 and pachd 2.12",
    fixable: Some(Safety::Unsafe),
);
const SPOUT_WITH_INPUT: Rule = rule!("spout-with-input", Error, Versions::ALL,
    summary: "a spout with an input",
    why: "A spout takes its data from outside, so pachd refuses one with an input, even with an empty one. One with a \
          service of its own is accepted, and the input is never mounted into it.",
    source: "src/server/pps/server/api_server.go:1984; src/server/worker/pipeline/spout/spout.go:13",
    fixable: Some(Safety::Unsafe),
);
const SPOUT_WITH_SERVICE: Rule = rule!("spout-with-service", Error, Versions::ALL,
    summary: "`service` beside `spout`",
    why: "A pipeline is either a service or a spout. pachd accepts both and then the pipeline fails: only one of \
          pipeline.service or pipeline.spout can be set. A spout that is to be reached from outside has its service \
          inside of `spout`.",
    source: "src/server/pps/server/worker_rc.go:879",
    fixable: Some(Safety::Unsafe),
);
const SPOUT_AUTOSCALING: Rule = rule!("spout-autoscaling", Error, Versions::since(1, 13),
    summary: "a spout with autoscaling",
    why: "Autoscaling starts workers when commits arrive, and a spout's commits come from its worker. 2.x refuses the \
          spec; 1.13 accepts it, and the spout waits for ever.",
    source: "src/server/pps/server/api_server.go:1887; in 1.13, src/server/pps/server/monitor.go:201",
    fixable: Some(Safety::Unsafe),
);
const SPOUT_STANDBY: Rule = rule!("spout-standby", Error, Versions::ONE,
    summary: "a spout in standby",
    why: "A pipeline in standby has no worker until a commit arrives, and a spout's commits come from its worker. \
          pachd accepts the spec, and the spout waits for ever.",
    source: "1.13, src/server/pps/server/monitor.go:201",
    fixable: Some(Safety::Unsafe),
);
const SPOUT_S3_OUT: Rule = rule!("spout-s3-out", Error, Versions::ALL,
    summary: "a spout that writes through the S3 gateway",
    why: "pachd refuses the spec: s3 output is not supported in spouts or services.",
    source: "src/server/pps/server/api_server.go:1875",
    fixable: Some(Safety::Unsafe),
);
const SPOUT_ENABLE_STATS: Rule = rule!("spout-enable-stats", Error, Versions::ONE,
    summary: "a spout with statistics of datums",
    why: "A spout has no datums, and pachd refuses the spec: spouts are not allowed to have a stats branch.",
    source: "1.13, src/server/pps/server/api_server.go:2021",
    fixable: Some(Safety::Unsafe),
);
const SPOUT_MAX_UPTIME: Rule = rule!("spout-max-uptime", Error, Versions::since(2, 9),
    summary: "a spout with `maximum_expected_uptime`",
    why: "The field needs autoscaling, and a spout cannot have that. pachd accepts the spec and the pipeline fails: \
          autoscaling must be true when max_expected_uptime is non-zero.",
    source: "src/server/pps/server/worker_rc.go:761",
    fixable: Some(Safety::Unsafe),
);
const TF_JOB: Rule = rule!("tf-job", Error, Versions::ALL,
    summary: "a TensorFlow job in a spec",
    why: "pachd refuses the spec: embedding TFJobs in pipelines is not supported yet. It never was.",
    source: "src/server/pps/server/api_server.go:1872",
    fixable: Some(Safety::Unsafe),
);
const TRANSFORM_BUILD: Rule = rule!("transform-build", Error, Versions::ONE,
    summary: "a spout whose image is to be built by Pachyderm",
    why: "pachctl refuses the spec: build step-enabled pipelines do not work with spouts.",
    source: "1.13, src/server/pps/cmds/cmds.go:1216",
    fixable: Some(Safety::Unsafe),
);
const MARKER_INVALID: Rule = rule!("marker-invalid", Error, Versions::ONE,
    summary: "a marker that cannot be the name of a file",
    why: "The marker is a file in the output repo, so pachd refuses one with characters that mean something in a \
          pattern or cannot be printed, and `out`.",
    source: "1.13, src/server/pps/server/api_server.go:2024 and src/server/pkg/path/path.go:79",
);
const REPROCESS_SPEC_VALUE: Rule = rule!("reprocess-spec-value", Error, Versions::since(1, 13),
    summary: "`reprocess_spec` with an unknown value",
    why: "pachd refuses the spec: it must be `until_success` or `every_job`.",
    source: "src/server/pps/server/api_server.go:1881",
    fixable: Some(Safety::Unsafe),
);
const OUTPUT_BRANCH_NAME: Rule = rule!("output-branch-name", Error, Versions::ALL,
    summary: "an output branch of an impossible name",
    why: "A branch's name has letters, digits, `-` and `_`. pachd refuses the spec when it is to make the branch.",
    source: "src/server/pfs/server/server_branch.go:240",
);
const SPEC_COMMIT: Rule = rule!("spec-commit", Error, Versions::ALL,
    summary: "a spec with `spec_commit`",
    why: "The field is for restoring a cluster from a backup: it names the commit in which the spec is already. pachd \
          looks for that commit and refuses the spec when it is not there.",
    source: "src/server/pps/server/api_server.go; run with pachd 2.12",
    fixable: Some(Safety::Unsafe),
);
const SPEC_CONTROL_FIELD: Rule = rule!("spec-control-field", Warning, Versions::since(2, 8),
    summary: "a field that is a choice of the command line",
    why: "`update` and `reprocess` in a spec override what pachctl's flags say, also for later specs of the same file. \
          `dry_run` does not make a dry run: through a fault in pachctl 2.8 to 2.12 it turns on *reprocess*, and the \
          pipeline is created.",
    source: "src/server/pps/cmds/cmds.go:2050",
    fixable: Some(Safety::Unsafe),
);

pub(super) const RULES: &[Rule] = &[
    NOT_A_SPOUT,
    SPOUT_NULL,
    SPOUT_WITH_INPUT,
    SPOUT_WITH_SERVICE,
    SPOUT_AUTOSCALING,
    SPOUT_STANDBY,
    SPOUT_S3_OUT,
    SPOUT_ENABLE_STATS,
    SPOUT_MAX_UPTIME,
    TF_JOB,
    TRANSFORM_BUILD,
    MARKER_INVALID,
    REPROCESS_SPEC_VALUE,
    OUTPUT_BRANCH_NAME,
    SPEC_COMMIT,
    SPEC_CONTROL_FIELD,
];

/// Whether a document is an object of Kubernetes, such as the manifest that lies beside a spec. Then that is all there
/// is to say of it.
pub(super) fn manifest(spec: &Spec<'_>, findings: &mut Findings<'_>) -> bool {
    let root = spec.root;
    let (Some(version), Some(kind)) = (root.find("apiVersion"), root.text("kind")) else {
        return false;
    };
    if ["pipeline", "spout", "transform"]
        .iter()
        .any(|name| root.find(name).is_some())
    {
        return false;
    }
    let message = format!("this is a {} of Kubernetes, and no pipeline spec", shown(kind.value));
    findings.add(
        Finding::new(&NOT_A_SPOUT, version.key.span, message)
            .note("pachctl refuses the file: unknown field \"apiVersion\"")
            .help("`kubectl apply -f` takes it; name the files that hold specs, or their directory"),
    );
    true
}

/// A file that was to hold a spout and holds nothing.
pub(super) fn nothing(file: &SourceFile, findings: &mut Findings<'_>) {
    let end = file.text().len();
    findings.add(
        Finding::new(&NOT_A_SPOUT, Span::at(end), "there is no spec in this file")
            .note("pachctl reads it, creates nothing, and says nothing")
            .help("a spout begins with {\"pipeline\": {\"name\": …}, \"spout\": {}, \"transform\": …}"),
    );
}

pub(super) fn check(spec: &Spec<'_>, expect: Expect, findings: &mut Findings<'_>) {
    kind(spec, expect, findings);
    any_pipeline(spec, findings);
    if !spec.spout {
        return;
    }
    input(spec, findings);
    service(spec, findings);
    flags(spec, findings);
    if let Some(marker) = spec.root.message("spout").text("marker") {
        let is_odd = |c: char| !(' '..='~').contains(&c) || "*?[]{}!()@+^\\".contains(c);
        let name = marker.value.trim_matches('/');
        if name == "out" || name.contains(is_odd) {
            findings.add(
                Finding::new(
                    &MARKER_INVALID,
                    marker.span(),
                    format!("{} cannot be the name of a marker file", shown(marker.value)),
                )
                .note("pachd refuses the spec: the spout marker name must be a valid filename")
                .help("use letters, digits, `-`, `_` and `.`"),
            );
        }
    }
}

fn kind(spec: &Spec<'_>, expect: Expect, findings: &mut Findings<'_>) {
    let Some(root) = spec.root.node() else { return };
    match spec.root.find("spout") {
        // Between brackets, nothing after a colon is a fault of syntax.
        Some(member) if is_nothing(spec, member) && spec.file.slice(root.span).starts_with('{') => {}
        Some(member) if member.value.value == Value::Null => findings.add(
            Finding::new(&SPOUT_NULL, member.span(), "`spout` is empty, so this is no spout")
                .note("pachd accepts it and creates an ordinary pipeline without an input, which never runs")
                .help("write {} for a spout without settings")
                .unsafe_fix("write {}", edit::set(spec.file, member, "{}")),
        ),
        None if expect == Expect::Spout && spec.whole && !spec.root.has_like("spout") => findings.add(
            Finding::new(&NOT_A_SPOUT, spec.beginning(), "this spec has no `spout`")
                .note("pachd makes an ordinary pipeline of it, which runs on its input only")
                .help("add \"spout\": {}")
                .unsafe_fix("add an empty `spout`", edit::add_first(spec.file, root, "spout", "{}")),
        ),
        _ => {}
    }
}

fn is_nothing(spec: &Spec<'_>, member: &Member) -> bool {
    spec.file.slice(member.value.span).trim().is_empty()
}

fn input(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let Some(input) = spec.root.get("input") else { return };
    let finding = Finding::new(&SPOUT_WITH_INPUT, input.key.span, "a spout takes no input");
    let finding = match spec.spout_service() {
        Some(service) => finding
            .severity(Severity::Warning)
            .also(service.key.span, "with this it is accepted")
            .note("pachd accepts it because of the spout's service, and never mounts it"),
        None if input.value.value == Value::Object(Vec::new()) => finding.note("pachd refuses the spec: no input set"),
        None => finding.note("pachd refuses the spec: spout pipelines (without a service) must not have an input"),
    };
    let finding = match spec.root.find("spout") {
        Some(spout) if spec.spout_service().is_none() => finding.also(spout.key.span, "a spout, because of this"),
        _ => finding,
    };
    findings.add(delete(finding.help("delete it, or delete `spout`"), spec, "input"));
}

fn service(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let (Some(service), Some(spout)) = (spec.root.get("service"), spec.root.get("spout")) else {
        return;
    };
    let finding = Finding::new(
        &SPOUT_WITH_SERVICE,
        service.key.span,
        "a spout's service belongs inside of `spout`",
    )
    .also(spout.key.span, "here")
    .note("pachd accepts it, and the pipeline fails: only one of pipeline.service or pipeline.spout can be set")
    .help("write \"spout\": {\"service\": …}");
    let written = spec.file.slice(service.value.span);
    let is_movable = spout.value.value == Value::Object(Vec::new()) && written.starts_with('{');
    let edits = spec
        .root
        .remove(spec.file, "service")
        .filter(|_| is_movable)
        .map(|removal| {
            let moved = format!("{{\"service\": {written}}}");
            vec![removal, edit::replace(spout.value.span, moved)]
        });
    findings.add(finding.fix(
        Safety::Unsafe,
        "move it into `spout`".to_owned(),
        edits.unwrap_or_default(),
    ));
}

/// Settings that no spout can have.
fn flags(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let is_1 = spec.version.is_1();
    let waits = "pachd accepts it, and the spout never starts: it waits for a commit that only it would make";
    let autoscaling = if is_1 {
        waits
    } else {
        "pachd refuses the spec: autoscaling can't be used with spouts"
    };
    for (rule, name, message, note) in [
        (
            &SPOUT_AUTOSCALING,
            "autoscaling",
            "a spout cannot scale with its input, for it has none",
            autoscaling,
        ),
        (&SPOUT_STANDBY, "standby", "a spout in standby never wakes", waits),
        (
            &SPOUT_S3_OUT,
            "s3_out",
            "a spout cannot write through the S3 gateway",
            "pachd refuses the spec: s3 output is not supported in spouts or services",
        ),
        (
            &SPOUT_ENABLE_STATS,
            "enable_stats",
            "a spout has no datums, so it can have no statistics of them",
            "pachd refuses the spec: spouts are not allowed to have a stats branch",
        ),
    ] {
        if let Some(member) = spec.root.flag(name) {
            let finding = Finding::new(rule, member.span(), message).note(note).help("delete it");
            findings.add(delete(finding, spec, name));
        }
    }
    if let Some(member) = spec
        .root
        .get("maximum_expected_uptime")
        .filter(|member| is_some_time(member))
    {
        let finding = Finding::new(&SPOUT_MAX_UPTIME, member.span(), "a spout cannot have a maximum uptime")
            .note(
                "pachd accepts it, and the pipeline fails: autoscaling must be true when max_expected_uptime is \
                 non-zero",
            )
            .help("delete it; a spout cannot have autoscaling either");
        findings.add(delete(finding, spec, "maximum_expected_uptime"));
    }
    if let Some(member) = spec.transform().get("build") {
        findings.add(
            Finding::new(
                &TRANSFORM_BUILD,
                member.key.span,
                "Pachyderm cannot build the image of a spout",
            )
            .note("pachctl refuses the spec: build step-enabled pipelines do not work with spouts")
            .help("build the image yourself and name it in `transform.image`")
            .unsafe_fix("delete it", spec.transform().remove(spec.file, "build")),
        );
    }
}

/// A duration that can be read and is not zero.
fn is_some_time(member: &Member) -> bool {
    let seconds = member.value.as_str().and_then(duration::seconds);
    seconds.is_some_and(|seconds| !matches!(seconds.as_str(), "0" | "-0"))
}

/// What pachd refuses in any pipeline, spout or not.
fn any_pipeline(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let root = spec.root;
    if let Some(member) = root.get("tf_job") {
        let finding = Finding::new(&TF_JOB, member.key.span, "pachd runs no TensorFlow jobs")
            .note("pachd refuses the spec: embedding TFJobs in pipelines is not supported yet")
            .help("delete it, and run the program with `transform.cmd`");
        findings.add(delete(finding, spec, "tf_job"));
    }
    if let Some(value) = root
        .text("reprocess_spec")
        .filter(|text| !is_reprocess_spec(text.value))
    {
        let near = ["until_success", "every_job"].into_iter().find(|known| {
            strsim::damerau_levenshtein(known, &value.value.to_lowercase().replace(['-', ' '], "_")) <= 2
        });
        let finding = Finding::new(
            &REPROCESS_SPEC_VALUE,
            value.span(),
            format!("`reprocess_spec` has no value {}", shown(value.value)),
        )
        .note("pachd refuses the spec: ReprocessSpec must be one of 'until_success' or 'every_job'")
        .help("write `until_success` or `every_job`");
        findings.add(match near {
            Some(near) => finding.unsafe_fix(format!("write `{near}`"), edit::reword(spec.file, value.node, near)),
            None => finding,
        });
    }
    let is_odd = |c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_';
    if let Some(branch) = root
        .text("output_branch")
        .filter(|branch| branch.value.contains(is_odd))
    {
        findings.add(
            Finding::new(
                &OUTPUT_BRANCH_NAME,
                branch.span(),
                format!("{} cannot be the name of a branch", shown(branch.value)),
            )
            .note("pachd refuses the spec: could not create/update output branch")
            .help("use letters, digits, `-` and `_`; without this field it is `master`"),
        );
    }
    if let Some(member) = root.get("spec_commit") {
        let finding = Finding::new(
            &SPEC_COMMIT,
            member.key.span,
            "`spec_commit` is for restoring a cluster",
        )
        .note("pachd looks for that commit and refuses the spec: error inspecting spec commit")
        .help("delete it");
        findings.add(delete(finding, spec, "spec_commit"));
    }
    for name in ["dry_run", "update", "reprocess"] {
        let Some(member) = root
            .get(name)
            .filter(|member| matches!(member.value.value, Value::Bool(_)))
        else {
            continue;
        };
        let flag = name.replace('_', "-");
        let (message, note) = if name == "dry_run" {
            (
                "`dry_run` in a spec makes no dry run",
                "pachctl 2.8 to 2.12 takes it for `reprocess`, and creates the pipeline",
            )
        } else {
            (
                "this is for the command line to say",
                "it overrides the command's flag, also for later specs of the same file",
            )
        };
        let finding = Finding::new(&SPEC_CONTROL_FIELD, member.span(), message)
            .note(note)
            .help(format!("delete it, and say --{flag} to pachctl when it is wanted"));
        findings.add(delete(finding, spec, name));
    }
}

pub(super) fn is_reprocess_spec(value: &str) -> bool {
    matches!(value, "" | "until_success" | "every_job")
}

/// With a fix that takes a field of the top level away.
pub(super) fn delete(finding: Finding, spec: &Spec<'_>, name: &str) -> Finding {
    finding.unsafe_fix(format!("delete `{name}`"), spec.root.remove(spec.file, name))
}
