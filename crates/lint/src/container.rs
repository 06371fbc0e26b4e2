//! Rules about the container: its image, its program, its environment and its secrets.

use std::collections::HashMap;

use super::finding::{Finding, Findings};
use super::rule::{Rule, rule};
use super::version::{Version, Versions};
use super::view::{Fields, Spec, Text, shown};
use crate::diagnostic::{Safety, Severity};
use crate::spec::tree::{Member, Value};

const MISSING_TRANSFORM: Rule = rule!("missing-transform", Error, Versions::ALL,
    summary: "a spec without `transform`",
    why: "`transform` says which program runs. Up to 2.7 pachd refuses a spec without one. Since 2.8 it fills one in from its \
          defaults, which have an image and no program, so the spec is accepted and the worker fails the pipeline: nothing \
          to run: no transform.cmd.",
    source: "src/server/pps/server/api_server.go:1878; src/server/worker/worker.go:76",
);
const MISSING_CMD: Rule = rule!("missing-cmd", Error, Versions::ALL,
    summary: "a transform without `cmd`",
    why: "pachd accepts the spec. In 2.x the worker then fails the pipeline: nothing to run: no transform.cmd. In 1.x it runs \
          the image's entrypoint, if the cluster lets it ask Docker for it.",
    source: "src/server/worker/worker.go:76; in 1.13, src/server/worker/worker.go:91",
);
const MISSING_IMAGE: Rule = rule!("missing-image", Warning, Versions::ALL,
    summary: "a transform without an image",
    why: "It is no error: pachd takes an Ubuntu of long ago, in which hardly any program is that a spout needs.",
    source: "src/server/pps/server/api_server.go:2731; in 1.13, src/server/pps/server/api_server.go:2848",
);
const IMAGE_TAG: Rule = rule!("image-tag", Warning, Versions::ALL,
    summary: "an image without a tag, or `latest`",
    why: "What such a name stands for changes, so the spout may run other code after its pod was moved. pachctl warns of it, \
          too, and is taken in by a registry's port.",
    source: "src/internal/ppsutil/decoder.go:156",
);
const ENV_NAME: Rule = rule!("env-name", Error, Versions::ALL,
    summary: "a name that no environment variable can have",
    why: "pachd looks at no name. Kubernetes takes letters, digits, `-`, `_` and `.`, with no digit at the beginning, and \
          refuses the pod, so the pipeline never runs.",
    source: "apimachinery's validation of environment variables, before Kubernetes 1.34",
);
const ENV_RESERVED: Rule = rule!("env-reserved", Warning, Versions::ALL,
    summary: "an environment variable that Pachyderm sets itself",
    why: "Pachyderm's own variables come later in the list, and of two of one name the later wins: the spec's value is lost. In \
          1.x `PPS_PIPELINE_NAME` is the exception: the spec's value wins, and breaks the worker.",
    source: "src/server/pps/server/worker_rc.go:226 and 771; in 1.13, src/server/pps/server/worker_rc.go:516",
);
const ENV_OVERRIDES_PACHCTL: Rule = rule!("env-overrides-pachctl", Warning, Versions::ALL,
    summary: "an environment variable that turns pachctl away from the spout's own credentials",
    why: "A spout's pod has a configuration file for pachctl and the SDKs with the address of its sidecar and a token. These \
          variables come before that file. Through another address pachd lets nobody write to a spout's output branch.",
    source: "src/internal/config/config.go:35; src/server/pfs/cmds/cmds.go:2397",
);
const ENV_PLAINTEXT_SECRET: Rule = rule!("env-plaintext-secret", Warning, Versions::ALL,
    summary: "a password or a key in the spec",
    why: "A spec is kept in the cluster for ever, with all its versions, and everybody who may look at the pipeline can read \
          it. A Kubernetes secret, named in `transform.secrets`, ends up in the same variable.",
    source: "src/server/pps/server/worker_rc.go:771",
);
const DUPLICATE_ENV: Rule = rule!("duplicate-env", Warning, Versions::ALL,
    summary: "one environment variable from two places",
    why: "Secrets' variables come after those of `env`, and of two of one name the later wins without a word.",
    source: "src/server/pps/server/worker_rc.go:771",
);
const SECRET_MISSING_NAME: Rule = rule!("secret-missing-name", Error, Versions::ALL,
    summary: "a secret without a name",
    why: "The name is that of a Kubernetes secret. Since 2.3 pachd looks for it and refuses the spec when there is none; before, \
          Kubernetes refuses the pod.",
    source: "src/server/pps/server/api_server.go:1910",
);
const SECRET_ENV_WITHOUT_KEY: Rule = rule!("secret-env-without-key", Error, Versions::ALL,
    summary: "a secret's variable without a key",
    why: "A Kubernetes secret has several values, and `key` says which one the variable gets. Since 2.3 pachd refuses the spec; \
          before, Kubernetes refuses the pod.",
    source: "src/server/pps/server/api_server.go:1904",
);
const SECRET_UNUSED: Rule = rule!("secret-unused", Warning, Versions::ALL,
    summary: "a secret that goes nowhere",
    why: "Without `env_var` and `mount_path` nothing of the secret is in the container. It has to exist all the same.",
    source: "src/server/pps/server/worker_rc.go:784",
);
const SECRET_KEY_IGNORED: Rule = rule!("secret-key-ignored", Warning, Versions::ALL,
    summary: "a secret's key without a variable",
    why: "`key` is for `env_var` only. A mounted secret has all its keys as files.",
    source: "src/server/pps/server/worker_rc.go:784",
    fixable: Some(Safety::Unsafe),
);
const SECRET_VOLUME_CONFLICT: Rule = rule!("secret-volume-conflict", Error, Versions::ALL,
    summary: "a mounted secret whose volume cannot be made",
    why: "The volume of a mounted secret has the secret's name. Kubernetes refuses a pod with two volumes of one name, or two at \
          one path, and a volume whose name has a dot in it. Pachyderm's own volumes count, too.",
    source: "src/server/pps/server/worker_rc.go:320 and 784",
);
const MOUNT_PATH_RESERVED: Rule = rule!("mount-path-reserved", Error, Versions::ALL,
    summary: "a secret mounted where Pachyderm mounts something itself",
    why: "Kubernetes refuses a pod with two volumes at one path, so the pipeline never runs.",
    source: "src/server/pps/server/worker_rc.go:296 and 819",
);

pub(super) const RULES: &[Rule] = &[
    MISSING_TRANSFORM,
    MISSING_CMD,
    MISSING_IMAGE,
    IMAGE_TAG,
    ENV_NAME,
    ENV_RESERVED,
    ENV_OVERRIDES_PACHCTL,
    ENV_PLAINTEXT_SECRET,
    DUPLICATE_ENV,
    SECRET_MISSING_NAME,
    SECRET_ENV_WITHOUT_KEY,
    SECRET_UNUSED,
    SECRET_KEY_IGNORED,
    SECRET_VOLUME_CONFLICT,
    MOUNT_PATH_RESERVED,
];

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    program(spec, findings);
    if let Some(image) = spec.transform().text("image") {
        tag(image, findings);
    }
    variables(spec, findings);
    for secret in spec.transform().messages("secrets") {
        one_secret(spec, secret, findings);
    }
    volumes(spec, findings);
}

fn program(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    const NO_PROGRAM: &str = "pachd accepts it, and the worker fails the pipeline: nothing to run: no transform.cmd";
    let (root, transform) = (spec.root, spec.transform());
    if root.node().is_none() || !spec.whole {
        return;
    }
    if root.get("transform").is_none() {
        let null = root.find("transform");
        let is_misplaced = root.find("cmd").is_some() || root.find("image").is_some();
        if null.is_none() && (is_misplaced || root.has_like("transform")) {
            return;
        }
        let is_filled = spec.version >= Version::new(2, 8) && null.is_none();
        let (span, message) = match null {
            Some(member) => (member.span(), "`transform` is null, so nothing says what runs"),
            None => (
                spec.beginning(),
                "this spec has no `transform`, so nothing says what runs",
            ),
        };
        findings.add(
            Finding::new(&MISSING_TRANSFORM, span, message)
                .note(if is_filled {
                    NO_PROGRAM
                } else {
                    "pachd refuses the spec: pipeline must specify a transform"
                })
                .help("write \"transform\": {\"image\": \"my/image:1\", \"cmd\": [\"my-program\"]}"),
        );
        return;
    }
    let Some(member) = root.get("transform").filter(|_| transform.node().is_some()) else {
        return;
    };
    if transform.get("build").is_some() {
        return;
    }
    let cmd = transform.get("cmd");
    let is_empty = cmd.is_some_and(|cmd| matches!(&cmd.value.value, Value::Array(elements) if elements.is_empty()));
    if is_empty || cmd.is_none() && !transform.has_like("cmd") && root.find("cmd").is_none() {
        let is_1 = spec.version.is_1();
        findings.add(
            Finding::new(
                &MISSING_CMD,
                cmd.map_or(member.key.span, Member::span),
                "this transform has no `cmd`, so there is nothing to run",
            )
            .severity(if is_1 { Severity::Warning } else { Severity::Error })
            .note(if is_1 {
                "the worker runs the image's entrypoint if it can ask Docker for it, and fails the pipeline if not"
            } else {
                NO_PROGRAM
            })
            .help("write \"cmd\": [\"my-program\", \"its\", \"arguments\"]"),
        );
        return; // whoever has no program yet has no image either
    }
    let is_blank = transform.text("image").is_some_and(|image| image.value.is_empty());
    if is_blank || transform.get("image").is_none() && !transform.has_like("image") && root.find("image").is_none() {
        let image = if spec.version.is_1() {
            "ubuntu:16.04"
        } else {
            "ubuntu:20.04"
        };
        findings.add(
            Finding::new(
                &MISSING_IMAGE,
                transform.get("image").map_or(member.key.span, Member::span),
                "this transform has no image",
            )
            .note(format!(
                "pachd takes {image}, unless the cluster has a default of its own"
            ))
            .help(format!(
                "name an image with a tag; write \"image\": \"{image}\" if that is the one"
            )),
        );
    }
}

fn tag(image: Text<'_>, findings: &mut Findings<'_>) {
    let (name, digest) = image.value.split_once('@').unwrap_or((image.value, ""));
    let last = name.rsplit('/').next().unwrap_or(name);
    let finding = match last.split_once(':') {
        _ if !digest.is_empty() || image.value.is_empty() || image.value.contains('$') => return,
        Some((_, "latest")) => Finding::new(&IMAGE_TAG, image.span(), "`latest` is another image from time to time"),
        Some((_, tag)) if !tag.is_empty() => return,
        _ => Finding::new(
            &IMAGE_TAG,
            image.span(),
            format!("image {} has no tag, so it is `latest`", shown(image.value)),
        ),
    };
    findings.add(
        finding
            .note("the spout may run other code whenever its pod is started anew")
            .help("name a version, such as `python:3.13`, or a digest"),
    );
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
        variable_name(&member.key.name, member.key.span, findings);
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
        variable_name(name, variable.value.span, findings);
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

fn variable_name(name: &str, span: crate::source::Span, findings: &mut Findings<'_>) {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let message = if name.is_empty() {
        "an environment variable needs a name".to_owned()
    } else if name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(is_fine) {
        format!("no environment variable can be named {}", shown(name))
    } else {
        return;
    };
    findings.add(
        Finding::new(&ENV_NAME, span, message)
            .note("pachd accepts it; Kubernetes refuses the pod, so the spout never runs")
            .help("use letters, digits and `_`, and no digit at the beginning"),
    );
}

/// Names that are Pachyderm's, or that pachctl listens to.
fn taken(spec: &Spec<'_>, span: crate::source::Span, name: &str, findings: &mut Findings<'_>) {
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
        findings.add(
            Finding::new(&ENV_OVERRIDES_PACHCTL, span, format!("{} turns pachctl away from the spout's own credentials", shown(name)))
                .note("a spout's pod has /pachctl/config.json with the sidecar's address and a token, and this comes before it")
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
    findings.add(
        Finding::new(&ENV_PLAINTEXT_SECRET, member.value.span, format!("the value of {} looks like a secret", shown(&member.key.name)))
            .note("everybody who may look at the pipeline can read it, in this version of the spec and in all to come")
            .help(format!(
                "make a Kubernetes secret and write in `transform.secrets`: {{\"name\": …, \"key\": …, \"env_var\": \"{}\"}}",
                shown(&member.key.name).trim_matches('`')
            )),
    );
}

fn one_secret(spec: &Spec<'_>, secret: Fields<'_>, findings: &mut Findings<'_>) {
    let has = |name: &str| secret.get(name).is_some_and(|member| member.value.as_str() != Some(""));
    let is_checked = spec.version >= Version::new(2, 3);
    if !has("name") && !secret.has_like("name") {
        findings.add(
            Finding::new(&SECRET_MISSING_NAME, secret.beginning(), "this secret has no name")
                .note(if is_checked {
                    "pachd refuses the spec: missing Kubernetes secret"
                } else {
                    "Kubernetes refuses the pod"
                })
                .help("write \"name\": the name of a Kubernetes secret"),
        );
    }
    let (variable, key) = (has("env_var"), has("key"));
    if variable && !key && !secret.has_like("key") {
        let span = secret.get("env_var").map_or(secret.beginning(), Member::span);
        findings.add(
            Finding::new(
                &SECRET_ENV_WITHOUT_KEY,
                span,
                "nothing says which of the secret's values this variable gets",
            )
            .note(if is_checked {
                "pachd refuses the spec: the secret has env_var set but is missing key"
            } else {
                "Kubernetes refuses the pod"
            })
            .help("write \"key\": the name of one of its values"),
        );
    }
    let is_mounted = has("mount_path");
    let is_unknown = secret.has_like("mount_path") && !is_mounted || secret.has_like("env_var") && !variable;
    if variable || is_unknown {
        return;
    }
    if !is_mounted {
        findings.add(
            Finding::new(
                &SECRET_UNUSED,
                secret.get("name").map_or(secret.beginning(), Member::span),
                "nothing of this secret is in the container",
            )
            .note("pachd accepts it and does nothing with it")
            .help("write \"mount_path\", or \"env_var\" and \"key\", or delete it"),
        );
    } else if let Some(key) = secret.get("key").filter(|_| key) {
        findings.add(
            Finding::new(
                &SECRET_KEY_IGNORED,
                key.span(),
                "a mounted secret has all its keys, whatever this says",
            )
            .note("pachd accepts it and does nothing with it")
            .help("delete it, or write \"env_var\" beside it")
            .unsafe_fix("delete `key`", secret.remove(spec.file, "key")),
        );
    }
}

const VOLUMES: &[&str] = &[
    "pach-bin",
    "pach-dir-volume",
    "pach-disk",
    "pachyderm-pachctl-secret",
    "pachyderm-storage-secret",
    "pachyderm-worker",
    "tmp",
    "user-tmp",
];
const VOLUMES_OF_1: &[&str] = &["docker", "pach-tmp"];
const MOUNTS: &[&str] = &["/pach", "/pach-bin", "/pachctl", "/pachyderm-storage-secret", "/pfs"];
const MOUNTS_OF_1: &[&str] = &["/pach-cache", "/var/run/docker.sock"];

fn volumes(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let version = spec.version;
    let mut names: HashMap<&str, Text<'_>> = HashMap::new();
    let mut paths: HashMap<&str, Text<'_>> = HashMap::new();
    for secret in spec.transform().messages("secrets") {
        let Some(path) = secret.text("mount_path").filter(|path| !path.value.is_empty()) else {
            continue;
        };
        let trimmed = path.value.trim_end_matches('/');
        let is_reserved = MOUNTS.contains(&trimmed)
            || version.is_1() && MOUNTS_OF_1.contains(&trimmed)
            || version >= Version::new(2, 3) && trimmed == "/tmp";
        if is_reserved {
            findings.add(
                Finding::new(
                    &MOUNT_PATH_RESERVED,
                    path.span(),
                    format!("Pachyderm mounts a volume of its own at {}", shown(trimmed)),
                )
                .note("pachd accepts it; Kubernetes refuses the pod, so the pipeline never runs")
                .help("mount it elsewhere, such as at `/secrets`"),
            );
        }
        let conflict = |text: Text<'_>, message: String| {
            Finding::new(&SECRET_VOLUME_CONFLICT, text.span(), message)
                .note("pachd accepts it; Kubernetes refuses the pod, so the pipeline never runs")
        };
        if let Some(before) = paths.insert(path.value, path).filter(|_| !is_reserved) {
            let finding = conflict(path, format!("two secrets are mounted at {}", shown(path.value)));
            findings.add(
                finding
                    .also(before.span(), "and this is the other")
                    .help("mount them at two paths"),
            );
        }
        let Some(name) = secret.text("name").filter(|name| !name.value.is_empty()) else {
            continue;
        };
        if let Some(before) = names.insert(name.value, name) {
            let finding = conflict(name, format!("secret {} is mounted twice", shown(name.value)));
            findings.add(
                finding
                    .also(before.span(), "here, too")
                    .help("mount it once; for single values, use `env_var`"),
            );
        } else if VOLUMES.contains(&name.value) || version.is_1() && VOLUMES_OF_1.contains(&name.value) {
            let finding = conflict(
                name,
                format!("Pachyderm has a volume named {} itself", shown(name.value)),
            );
            findings.add(finding.help("name the Kubernetes secret otherwise"));
        } else if name.value.contains('.') {
            let finding = conflict(
                name,
                format!(
                    "secret {} has a dot in its name, and a volume's name cannot",
                    shown(name.value)
                ),
            );
            findings.add(finding.help("name the Kubernetes secret otherwise, or use `env_var` and `key`"));
        }
    }
}
