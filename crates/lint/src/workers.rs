//! Rules about how many workers a spout gets, and about settings that are for datums and jobs, which it has not.

use super::edit;
use super::finding::{Finding, Findings};
use super::rule::{Rule, rule};
use super::spout::{delete, is_reprocess_spec};
use super::version::{Version, Versions};
use super::view::{Fields, Spec, shown};
use crate::diagnostic::{Safety, Severity};
use crate::spec::tree::Member;
use spoutctl_fields::SPEC;

const PARALLELISM_CONFLICT: Rule = rule!("parallelism-conflict", Error, Versions::ONE,
    summary: "two ways of parallelism at once, or a negative one",
    why: "`constant` and `coefficient` are alternatives, and neither can be below zero. pachd refuses the spec.",
    source: "1.13, src/server/pps/server/api_server.go:1967",
    fixable: Some(Safety::Unsafe),
);
const PARALLELISM_ZERO_WORKERS: Rule = rule!("parallelism-zero-workers", Error,
    Versions::between(Version::new(1, 13), Version::new(2, 0)),
    summary: "`parallelism_spec` without `constant`",
    why: "1.13 and 2.0 take the number of workers from `constant` as soon as there is a `parallelism_spec`, and \
          without it that number is 0. The spec is accepted and nothing ever runs. 2.1 mended this.",
    source: "1.13, src/server/pps/server/pipeline_controller.go:584",
    fixable: Some(Safety::Unsafe),
);
const PARALLELISM_IGNORED: Rule = rule!("parallelism-ignored", Warning, Versions::ALL,
    summary: "a spout with more than one worker",
    why: "All pods are started, but only the one that holds a lock runs the code; the others wait. With a service that \
          is worse: it sends connections to all pods, and those that wait refuse them.",
    source: "src/server/worker/worker.go:128; src/server/pps/server/worker_rc.go:1161",
    fixable: Some(Safety::Unsafe),
);
const PARALLELISM_OVERFLOW: Rule = rule!("parallelism-overflow", Error, Versions::ALL,
    summary: "more workers than 31 bits can count",
    why: "`constant` has 64 bits, and pachd cuts it to 32 when it starts the workers. 2147483648 to 4294967295 become \
          less than none, which Kubernetes refuses; 4294967296 becomes none at all, and the spout never runs.",
    source: "src/server/pps/server/pipeline_controller.go:602; judged by the validation of Kubernetes 1.25.16 and \
             1.37.2",
);
const COMMUNITY_LIMIT: Rule = rule!("community-limit", Info,
    Versions::between(Version::new(1, 13), Version::new(2, 11)),
    summary: "more workers than the community edition allows",
    why: "Without an activation key, 1.13 to 2.11 refuse a pipeline with more than 8 workers.",
    source: "1.13, src/server/enterprise/limits/limits.go:6",
);
const IGNORED_IN_SPOUT: Rule = rule!("ignored-in-spout", Warning, Versions::ALL,
    summary: "a setting that has no effect on a spout",
    why: "Datums and jobs come from an input, and a spout has none. What is said about them, such as `datum_tries`, \
          `job_timeout`, `egress` or `err_cmd`, is read and forgotten.",
    source: "src/server/worker/pipeline/spout/spout.go; src/server/pps/server/api_server.go:3432",
    fixable: Some(Safety::Unsafe),
);

pub(super) const RULES: &[Rule] = &[
    PARALLELISM_CONFLICT,
    PARALLELISM_ZERO_WORKERS,
    PARALLELISM_IGNORED,
    COMMUNITY_LIMIT,
    PARALLELISM_OVERFLOW,
    IGNORED_IN_SPOUT,
];

/// What pachd lets a cluster without an activation key have.
const COMMUNITY_WORKERS: f64 = 8.0;

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    parallelism(spec, findings);
    if spec.spout {
        ignored(spec, findings);
    }
}

fn parallelism(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let Some(member) = spec.root.get("parallelism_spec") else {
        return;
    };
    let of = Fields::of(&member.value);
    if of.node().is_none() {
        return;
    }
    let constant = of.number("constant");
    alternatives(spec, of, constant, findings);
    no_worker(spec, member, constant, findings);
    if let Some((member, count)) = constant.filter(|(_, count)| *count > 1.0 && count.fract() == 0.0) {
        several(spec, member, count, findings);
    }
}

/// `coefficient`, below zero or beside `constant`.
fn alternatives(spec: &Spec<'_>, of: Fields<'_>, constant: Option<(&Member, f64)>, findings: &mut Findings<'_>) {
    let Some((coefficient, value)) = of.number("coefficient") else {
        return;
    };
    if value < 0.0 {
        findings.add(
            Finding::new(
                &PARALLELISM_CONFLICT,
                coefficient.value.span,
                "`coefficient` cannot be below zero",
            )
            .note("pachd refuses the spec: ParallelismSpec.Coefficient cannot be negative")
            .help("write \"constant\": 1"),
        );
    } else if let Some((constant, _)) = constant.filter(|(_, count)| *count > 0.0 && value > 0.0) {
        findings.add(
            Finding::new(
                &PARALLELISM_CONFLICT,
                coefficient.span(),
                "`coefficient` and `constant` are alternatives",
            )
            .also(constant.key.span, "and this is the other")
            .note("pachd refuses the spec: contradictory parallelism strategies")
            .help("keep `constant`; a spout runs in one worker")
            .unsafe_fix("delete `coefficient`", of.remove(spec.file, "coefficient")),
        );
    }
}

/// `parallelism_spec` (the `member`) without a `constant` that asks for anybody.
fn no_worker(spec: &Spec<'_>, member: &Member, constant: Option<(&Member, f64)>, findings: &mut Findings<'_>) {
    let of = Fields::of(&member.value);
    let asks_for_none = match constant {
        Some((_, count)) => count == 0.0 || count < 1.0 && !of.has_like("constant"),
        None => of.find("constant").is_none() && !of.has_like("constant"),
    };
    if asks_for_none {
        findings.add(
            Finding::new(
                &PARALLELISM_ZERO_WORKERS,
                member.span(),
                "this asks for no worker at all",
            )
            .note("pachd accepts it, and nothing ever runs")
            .help("write \"parallelism_spec\": {\"constant\": 1}, or leave it out")
            .unsafe_fix(
                "write {\"constant\": 1}",
                edit::set(spec.file, member, "{\"constant\": 1}").filter(|_| is_flow(spec, of)),
            ),
        );
    }
}

/// More than one worker.
fn several(spec: &Spec<'_>, member: &Member, count: f64, findings: &mut Findings<'_>) {
    if count > f64::from(i32::MAX) {
        overflow(member, count, findings);
        return;
    }
    if count > COMMUNITY_WORKERS {
        findings.add(
            Finding::new(
                &COMMUNITY_LIMIT,
                member.value.span,
                "more than 8 workers need an activation key",
            )
            .note("without one, pachd refuses the spec")
            .help("write 8 or less, or activate the enterprise edition"),
        );
    }
    if spec.spout {
        let service = spec.spout_service();
        let finding = Finding::new(
            &PARALLELISM_IGNORED,
            member.value.span,
            "a spout's code runs in one worker, whatever this says",
        )
        .help("write 1; for more, make several spouts")
        .unsafe_fix("write 1", edit::rewrite(spec.file, &member.value, "1"));
        findings.add(match service {
            Some(service) => finding
                .severity(Severity::Error)
                .also(service.key.span, "this service sends connections to all of them")
                .note("pachd starts them all; one runs the code, and connections to the others are refused"),
            None => finding.note("pachd starts them all; one runs the code, the others wait and cost"),
        });
    }
}

/// More than 31 bits hold; the lower 32 bits are what counts.
fn overflow(member: &Member, count: f64, findings: &mut Findings<'_>) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is a whole number above zero, and what is beyond 64 bits is told as a wrong type"
    )]
    let bits = (count as u64 & u64::from(u32::MAX)) as u32;
    let workers = i32::from_ne_bytes(bits.to_ne_bytes());
    let finding = Finding::new(
        &PARALLELISM_OVERFLOW,
        member.value.span,
        format!("pachd cuts this to 32 bits, which makes {workers} workers"),
    )
    .help("write 1");
    findings.add(if workers < 0 {
        finding.note("pachd accepts it; Kubernetes refuses so many, and the pipeline never runs")
    } else {
        finding
            .severity(Severity::Warning)
            .note("pachd and Kubernetes accept it")
    });
}

fn is_flow(spec: &Spec<'_>, of: Fields<'_>) -> bool {
    of.node()
        .is_some_and(|node| spec.file.slice(node.span).starts_with('{'))
}

fn ignored(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    const OF_SPEC: &[(&str, &str)] = &[
        ("egress", "has no jobs"),
        ("datum_timeout", "has no datums"),
        ("job_timeout", "has no jobs"),
        ("datum_tries", "has no datums"),
        ("datum_set_spec", "has no datums"),
        ("chunk_spec", "has no datums"),
        ("reprocess_spec", "has no datums"),
        ("max_queue_size", "has no datums"),
        ("hashtree_spec", "has no datums"),
    ];
    for (name, why) in OF_SPEC {
        let Some(member) = spec.root.get(name) else { continue };
        let is_wrong = *name == "reprocess_spec" && member.value.as_str().is_some_and(|text| !is_reprocess_spec(text));
        let is_there = SPEC
            .field(name)
            .is_some_and(|field| field.versions.contain(spec.version));
        if is_there && !is_wrong {
            findings.add(delete(idle(member.key.span, &member.key.name, why), spec, name));
        }
    }
    let transform = spec.transform();
    for name in ["err_cmd", "err_stdin", "datum_batching"] {
        let is_there = name != "datum_batching" || spec.version >= Version::new(2, 5);
        if let Some(member) = transform.get(name).filter(|_| is_there) {
            let finding = idle(member.key.span, &member.key.name, "has no datums");
            findings.add(finding.unsafe_fix(format!("delete `{name}`"), transform.remove(spec.file, name)));
        }
    }
}

fn idle(span: crate::source::Span, name: &str, why: &str) -> Finding {
    Finding::new(
        &IGNORED_IN_SPOUT,
        span,
        format!("{} has no effect on a spout", shown(name)),
    )
    .note(format!("pachd accepts it and does nothing with it, for a spout {why}"))
    .help("delete it")
}
