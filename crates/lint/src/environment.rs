//! Rules about the environment of the user's code.

use std::collections::HashMap;

use super::finding::{Finding, Findings};
use super::kubernetes::names;
use super::rule::{Rule, rule};
use super::version::{Version, Versions};
use super::view::{Spec, shown};
use crate::diagnostic::Severity;
use crate::source::Span;
use crate::spec::tree::Member;

const ENV_NAME: Rule = rule!("env-name", Error, Versions::ALL,
    summary: "a name that no environment variable can have",
    why: "pachd looks at no name. Up to 1.31 Kubernetes takes letters, digits, `-`, `_` and `.`, with no digit and no \
          `..` at the beginning, and refuses the pod otherwise, so the pipeline fails. Since 1.32 it takes any \
          printable ASCII but `=`. Without --kubernetes what only older versions refuse is a warning.",
    source: "https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/, \
             feature gate RelaxedEnvironmentVariableValidation; created on API servers of 1.25.16 and 1.37.2",
);
const ENV_RESERVED: Rule = rule!("env-reserved", Warning, Versions::ALL,
    summary: "an environment variable that Pachyderm sets itself",
    why: "Pachyderm's own variables come later in the list, and of two of one name the later wins: the spec's value is \
          lost. In 1.x `PPS_PIPELINE_NAME` is the exception: the spec's value wins, and breaks the worker.",
    source: "src/server/pps/server/worker_rc.go:226 and 771; in 1.13, src/server/pps/server/worker_rc.go:516",
);
const ENV_OVERRIDES_PACHCTL: Rule = rule!("env-overrides-pachctl", Warning, Versions::ALL,
    summary: "an environment variable that turns pachctl away from the spout's own credentials",
    why: "A spout's pod has a configuration file for pachctl and the SDKs with the address of its sidecar and a token. \
          These variables come before that file. Through another address pachd lets nobody write to a spout's output \
          branch.",
    source: "src/internal/config/config.go:35; src/server/pfs/cmds/cmds.go:2397",
);
const ENV_PLAINTEXT_SECRET: Rule = rule!("env-plaintext-secret", Warning, Versions::ALL,
    summary: "a password or a key in the spec",
    why: "A spec is kept in the cluster for ever, with all its versions, and everybody who may look at the pipeline \
          can read it. A Kubernetes secret, named in `transform.secrets`, ends up in the same variable.",
    source: "src/server/pps/server/worker_rc.go:771",
);
const DUPLICATE_ENV: Rule = rule!("duplicate-env", Warning, Versions::ALL,
    summary: "one environment variable from two places",
    why: "Secrets' variables come after those of `env`, and of two of one name the later wins without a word.",
    source: "src/server/pps/server/worker_rc.go:771",
);
const ENV_TOO_LARGE: Rule = rule!("env-too-large", Error, Versions::ALL,
    summary: "an environment that is too large",
    why: "A value goes into the pipeline's ReplicationController as it is. etcd refuses objects of more than 1.5 MiB, \
          so the pipeline fails. Linux starts no program with one variable of 128 KiB or more, so with such a one the \
          worker ends at once, again and again.",
    source: "https://etcd.io/docs/v3.5/dev-guide/limit/; Linux, execve(2), MAX_ARG_STRLEN; created on API servers of \
             1.25.16 and 1.37.2",
);

pub(super) const RULES: &[Rule] = &[
    ENV_NAME,
    ENV_RESERVED,
    ENV_OVERRIDES_PACHCTL,
    ENV_PLAINTEXT_SECRET,
    DUPLICATE_ENV,
    ENV_TOO_LARGE,
];

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    variables(spec, findings);
    size(spec, findings);
}

/// What the worker's container gets from Pachyderm, in 1.12 and 1.13 and in 2.x.
const SET_BY_1: &[&str] = &[
    "METRICS",
    "PACH_CACHE_ROOT",
    "PACH_IN_WORKER",
    "PACH_JOB_ID",
    "PACH_NAMESPACE",
    "PACH_ROOT",
    "PEER_PORT",
    "PPS_ETCD_PREFIX",
    "PPS_PIPELINE_NAME",
    "PPS_POD_NAME",
    "PPS_SPEC_COMMIT",
    "PPS_WORKER_GRPC_PORT",
    "PPS_WORKER_IP",
];
const SET_BY_2: &[&str] = &[
    "GOCOVERDIR",
    "LOKI_SERVICE_HOST",
    "LOKI_SERVICE_PORT",
    "PACH_IN_WORKER",
    "PACH_NAMESPACE",
    "PACH_ROOT",
    "PEER_PORT",
    "PG_BOUNCER_HOST",
    "PG_BOUNCER_PORT",
    "POSTGRES_DATABASE",
    "POSTGRES_HOST",
    "POSTGRES_PASSWORD",
    "POSTGRES_PORT",
    "POSTGRES_USER",
    "PPS_ETCD_PREFIX",
    "PPS_PIPELINE_NAME",
    "PPS_POD_NAME",
    "PPS_PROJECT_NAME",
    "PPS_SPEC_COMMIT",
    "PPS_WORKER_GRPC_PORT",
    "PPS_WORKER_IP",
    "STORAGE_BACKEND",
    "STORAGE_URL",
];

fn variables(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let transform = spec.transform();
    let mut places: HashMap<&str, &Member> = HashMap::new();
    let env = transform.message("env").members();
    for member in env {
        places.insert(&member.key.name, member);
    }
    for member in env.iter().filter(|member| {
        places
            .get(member.key.name.as_str())
            .is_some_and(|last| std::ptr::eq(*last, *member))
    }) {
        variable_name(spec, &member.key.name, member.key.span, findings);
        taken(spec, member.key.span, &member.key.name, findings);
        if let Some(value) = member.value.as_str() {
            plaintext(member, value, findings);
        }
    }
    for secret in transform.messages("secrets") {
        let Some((variable, name)) = secret
            .get("env_var")
            .and_then(|member| Some((member, member.value.as_str()?)))
        else {
            continue;
        };
        if name.is_empty() {
            continue;
        }
        variable_name(spec, name, variable.value.span, findings);
        taken(spec, variable.value.span, name, findings);
        if let Some(before) = places.insert(name, variable) {
            findings.add(
                Finding::new(
                    &DUPLICATE_ENV,
                    before.span(),
                    format!("{} is set here and again by a secret", shown(name)),
                )
                .also(variable.span(), "this one wins")
                .note("pachd accepts it and passes both on; the later one wins")
                .help("delete one of them"),
            );
        }
    }
}

fn variable_name(spec: &Spec<'_>, name: &str, span: Span, findings: &mut Findings<'_>) {
    let Some((why, refusal)) = names::variable(name) else {
        return;
    };
    let Some(severity) = refusal.severity(spec.kubernetes) else {
        return;
    };
    let message = if name.is_empty() {
        "an environment variable needs a name".to_owned()
    } else {
        format!("no environment variable can be named {}: it {why}", shown(name))
    };
    findings.add(
        Finding::new(&ENV_NAME, span, message)
            .severity(severity)
            .note(format!(
                "pachd accepts it; {} refuses the pod, and the pipeline fails",
                refusal.who()
            ))
            .help("use letters, digits and `_`, and no digit at the beginning"),
    );
}

/// The most that Linux takes as one string of `NAME=value`, its end included.
const LONGEST: usize = 128 << 10;
/// What etcd takes as one request, less what else there is in a pipeline's `ReplicationController`.
const LARGEST: usize = (3 << 19) - (12 << 10);

fn size(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let env = spec.transform().get("env");
    let members = env.map_or(&[][..], |env| env.value.members());
    let length = |member: &Member| member.key.name.len() + 1 + member.value.as_str().map_or(0, str::len) + 1;
    let all: usize = members.iter().map(length).sum();
    if let Some(env) = env.filter(|_| all > LARGEST) {
        findings.add(
            Finding::new(&ENV_TOO_LARGE, env.key.span, "these variables make more than 1.5 MiB")
                .note("pachd accepts them; etcd takes no object of that size, and the pipeline fails")
                .help("put what is large into the image, a repo or a Kubernetes secret that is mounted"),
        );
        return;
    }
    for member in members.iter().filter(|member| length(member) > LONGEST) {
        findings.add(
            Finding::new(
                &ENV_TOO_LARGE,
                member.key.span,
                format!("the value of {} has 128 KiB or more", shown(&member.key.name)),
            )
            .severity(Severity::Warning)
            .note("pachd and Kubernetes accept it; Linux starts no program with a variable of that size")
            .help("put it into the image, a repo or a Kubernetes secret that is mounted"),
        );
    }
}

/// Names that are Pachyderm's, or that pachctl listens to.
fn taken(spec: &Spec<'_>, span: Span, name: &str, findings: &mut Findings<'_>) {
    let set = if spec.version.is_1() { SET_BY_1 } else { SET_BY_2 };
    let has_projects = spec.version >= Version::new(2, 5);
    if set.contains(&name) && (has_projects || name != "PPS_PROJECT_NAME") {
        let finding = Finding::new(&ENV_RESERVED, span, format!("Pachyderm sets {} itself", shown(name)));
        findings.add(if spec.version.is_1() && name == "PPS_PIPELINE_NAME" {
            finding
                .severity(Severity::Error)
                .note("pachd accepts it; the worker takes it for its own pipeline's name and fails")
                .help("delete it; the variable is there without the spec")
        } else {
            finding
                .note("pachd accepts it, and its own value wins")
                .help("delete it, or name the variable otherwise")
        });
    } else if spec.spout && ["PACH_CONFIG", "PACHD_ADDRESS", "PACH_CONTEXT"].contains(&name) {
        let text = format!("{} turns pachctl away from the spout's own credentials", shown(name));
        findings.add(
            Finding::new(&ENV_OVERRIDES_PACHCTL, span, text)
                .note(
                    "a spout's pod has /pachctl/config.json with the sidecar's address and a token, and this comes \
                     before it",
                )
                .help("delete it; pachctl and the SDKs find the sidecar by themselves"),
        );
    }
}

fn plaintext(member: &Member, value: &str, findings: &mut Findings<'_>) {
    const TELLING: [&str; 7] = [
        "PASSWORD",
        "PASSWD",
        "SECRET",
        "TOKEN",
        "ACCESS_KEY",
        "API_KEY",
        "PRIVATE_KEY",
    ];
    const HARMLESS: [&str; 6] = ["FILE", "PATH", "URL", "NAME", "DIR", "ENDPOINT"];
    let name = member.key.name.to_uppercase();
    let last = name.rsplit('_').next().unwrap_or(&name);
    let is_literal = !value.trim().is_empty() && !value.contains("$(") && !value.starts_with(['/', '$', '<']);
    let is_telling = TELLING.iter().any(|word| name.contains(word)) && !HARMLESS.contains(&last);
    if !is_literal || !is_telling || matches!(value, "true" | "false" | "0" | "1") {
        return;
    }
    let text = format!("the value of {} looks like a secret", shown(&member.key.name));
    findings.add(
        Finding::new(&ENV_PLAINTEXT_SECRET, member.value.span, text)
            .note("everybody who may look at the pipeline can read it, in this version of the spec and in all to come")
            .help(format!(
                "make a Kubernetes secret and write in `transform.secrets`: \
                 {{\"name\": …, \"key\": …, \"env_var\": \"{}\"}}",
                shown(&member.key.name).trim_matches('`')
            )),
    );
}
