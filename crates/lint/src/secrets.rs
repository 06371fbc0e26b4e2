//! Rules about Kubernetes' secrets in the pod: as variables, as files, and for an egress.

use std::collections::HashMap;

use super::finding::{Finding, Findings};
use super::kubernetes::names;
use super::rule::{Rule, rule};
use super::version::{Version, Versions};
use super::view::{Fields, Spec, Text, shown};
use crate::diagnostic::{Safety, Severity};
use crate::spec::tree::Member;

const SECRET_MISSING_NAME: Rule = rule!("secret-missing-name", Error, Versions::ALL,
    summary: "a secret without a name",
    why: "The name is that of a Kubernetes secret. Since 2.3 pachd looks for it and refuses the spec when there is \
          none; before, Kubernetes refuses the pod.",
    source: "src/server/pps/server/api_server.go:1910",
);
const SECRET_ENV_WITHOUT_KEY: Rule = rule!("secret-env-without-key", Error, Versions::ALL,
    summary: "a secret's variable without a key",
    why: "A Kubernetes secret has several values, and `key` says which one the variable gets. Since 2.3 pachd refuses \
          the spec; before, Kubernetes refuses the pod.",
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
const SECRET_NAME: Rule = rule!("secret-name", Error, Versions::ALL,
    summary: "a name that no secret in a pod can have",
    why: "A secret's name is a DNS subdomain of at most 253 characters. The volume of a mounted secret has the \
          secret's name, too, and that is a DNS label: at most 63 characters, and no dot. So a secret with a dot in \
          its name is a good one for `env_var`, and cannot be mounted.",
    source: "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/; created on API servers of \
             1.25.16 and 1.37.2",
);
const SECRET_KEY: Rule = rule!("secret-key", Error, Versions::ALL,
    summary: "a key that no secret can have",
    why: "A secret's keys have letters, digits, `-`, `_` and `.`, at most 253 of them, and do not begin with `..`. \
          Since 2.3 pachd looks for the key and refuses the spec, as none can have it; Kubernetes refuses the pod. \
          That of an egress into a database pachd does not look for.",
    source: "https://kubernetes.io/docs/concepts/configuration/secret/; created on API servers of 1.25.16 and 1.37.2",
);
const SECRET_VOLUME_CONFLICT: Rule = rule!("secret-volume-conflict", Error, Versions::ALL,
    summary: "a mounted secret whose volume cannot be made",
    why: "The volume of a mounted secret has the secret's name. Kubernetes refuses a pod with two volumes of one name, \
          or two at one path. Pachyderm's own volumes count, too; `pach-disk` is there only where pachd keeps its \
          store on a host path, `pach-dir-volume` and `user-tmp` only where it does not.",
    source: "src/server/pps/server/worker_rc.go:320 and 784; created on API servers of 1.25.16 and 1.37.2",
);
const MOUNT_PATH_RESERVED: Rule = rule!("mount-path-reserved", Error, Versions::ALL,
    summary: "a secret mounted where Pachyderm mounts something itself",
    why: "Kubernetes refuses a pod with two volumes at one path, so the pipeline fails. It compares the text: `/pfs/` \
          is another path than `/pfs`, and taken. `/tmp` is free where pachd keeps its store on a host path.",
    source: "src/server/pps/server/worker_rc.go:296 and 819; created on API servers of 1.25.16 and 1.37.2",
);
const SQL_EGRESS_SECRET: Rule = rule!("sql-egress-secret", Error, Versions::since(2, 2),
    summary: "an egress into a database without a secret",
    why: "The password of the database is in a Kubernetes secret, and pachd refuses a spec that names none, or no key \
          of it.",
    source: "src/server/pfs/pfs.go:509",
);

pub(super) const RULES: &[Rule] = &[
    SECRET_MISSING_NAME,
    SECRET_ENV_WITHOUT_KEY,
    SECRET_UNUSED,
    SECRET_KEY_IGNORED,
    SECRET_NAME,
    SECRET_KEY,
    SECRET_VOLUME_CONFLICT,
    MOUNT_PATH_RESERVED,
    SQL_EGRESS_SECRET,
];

/// Since when pachd looks for a secret and its key.
const LOOKED_FOR: Version = Version::new(2, 3);

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    for secret in spec.transform().messages("secrets") {
        one_secret(spec, secret, findings);
        forms(spec, secret, findings);
    }
    volumes(spec, findings);
    if spec.version >= Version::new(2, 2) {
        sql(spec, findings);
    }
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
    let is_unknown = !is_mounted && secret.has_like("mount_path") || !variable && secret.has_like("env_var");
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

/// The forms of a secret's name and of its key.
fn forms(spec: &Spec<'_>, secret: Fields<'_>, findings: &mut Findings<'_>) {
    let has = |name: &str| secret.text(name).is_some_and(|text| !text.value.is_empty());
    let refused = if spec.version >= LOOKED_FOR {
        "pachd refuses the spec, as there can be no such secret, and Kubernetes the pod"
    } else {
        "pachd accepts it; Kubernetes refuses the pod, and the pipeline fails"
    };
    if let Some(name) = secret.text("name").filter(|name| !name.value.is_empty()) {
        name_form(name, has("mount_path"), refused, findings);
    }
    if let Some(key) = secret.text("key").filter(|key| has("env_var") && !key.value.is_empty()) {
        key_form(key, refused, findings);
    }
}

fn name_form(name: Text<'_>, is_mounted: bool, refused: &str, findings: &mut Findings<'_>) {
    let finding = if let Some(why) = names::subdomain(name.value) {
        Finding::new(
            &SECRET_NAME,
            name.span(),
            format!("no secret can be named {}: it {why}", shown(name.value)),
        )
        .note(refused.to_owned())
        .help("write the name of a Kubernetes secret; `kubectl get secrets` lists them")
    } else if let Some(why) = names::dns_label(name.value).filter(|_| is_mounted) {
        let message = format!(
            "secret {} cannot be mounted: the volume has its name, and that {why}",
            shown(name.value)
        );
        Finding::new(&SECRET_NAME, name.span(), message)
            .note("pachd accepts it; Kubernetes refuses the pod, and the pipeline fails")
            .help("name the Kubernetes secret otherwise, or use `env_var` and `key`")
    } else {
        return;
    };
    findings.add(finding);
}

fn key_form(key: Text<'_>, refused: &str, findings: &mut Findings<'_>) {
    if let Some(why) = names::config_key(key.value) {
        findings.add(
            Finding::new(
                &SECRET_KEY,
                key.span(),
                format!("no secret has a key {}: it {why}", shown(key.value)),
            )
            .note(refused.to_owned())
            .help("write one of the secret's keys; `kubectl describe secret NAME` lists them"),
        );
    }
}

/// Volumes of the pod that have a name in every deployment, or in one that keeps its store on a host path, or in one
/// that does not, as Helm sets it up.
const VOLUMES: &[&str] = &[
    "pach-bin",
    "pachyderm-pachctl-secret",
    "pachyderm-storage-secret",
    "pachyderm-worker",
];
const VOLUMES_OF_1: &[&str] = &["docker", "pach-tmp"];
const MOUNTS: &[&str] = &["/pach", "/pach-bin", "/pachctl", "/pachyderm-storage-secret", "/pfs"];
const MOUNTS_OF_1: &[&str] = &["/pach-cache", "/var/run/docker.sock"];

/// Since when there is a volume for /tmp.
const TMP: Version = Version::new(2, 3);

/// Whether a pod has a volume of that name of its own, and how bad that is: what only some deployments have is a
/// warning.
fn own_volume(version: Version, name: &str) -> Option<Severity> {
    match name {
        "pach-dir-volume" => Some(Severity::Error),
        "tmp" | "user-tmp" if version >= TMP => Some(Severity::Error),
        "pach-disk" => Some(Severity::Warning),
        _ if VOLUMES.contains(&name) => Some(Severity::Error),
        _ if version.is_1() && VOLUMES_OF_1.contains(&name) => Some(Severity::Error),
        _ => None,
    }
}

fn volumes(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let mut names: HashMap<&str, Text<'_>> = HashMap::new();
    let mut paths: HashMap<&str, Text<'_>> = HashMap::new();
    for secret in spec.transform().messages("secrets") {
        let Some(path) = secret.text("mount_path").filter(|path| !path.value.is_empty()) else {
            continue;
        };
        let is_reserved = reserved(spec, path, findings);
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
        } else if let Some(severity) = own_volume(spec.version, name.value) {
            let finding = conflict(
                name,
                format!("Pachyderm has a volume named {} itself", shown(name.value)),
            )
            .severity(severity);
            findings.add(match severity {
                Severity::Error => finding.help("name the Kubernetes secret otherwise"),
                _ => finding
                    .note(
                        "only where pachd keeps its store on a host path, which is no usual deployment: there \
                         Kubernetes refuses the pod",
                    )
                    .help("name the Kubernetes secret otherwise"),
            });
        }
    }
}

fn conflict(text: Text<'_>, message: String) -> Finding {
    Finding::new(&SECRET_VOLUME_CONFLICT, text.span(), message)
        .note("pachd accepts it; Kubernetes refuses the pod, and the pipeline fails")
}

/// Says so when Pachyderm mounts something at just this path.
fn reserved(spec: &Spec<'_>, path: Text<'_>, findings: &mut Findings<'_>) -> bool {
    let version = spec.version;
    let is_reserved = MOUNTS.contains(&path.value)
        || version.is_1() && MOUNTS_OF_1.contains(&path.value)
        || version >= TMP && path.value == "/tmp";
    if is_reserved {
        findings.add(
            Finding::new(
                &MOUNT_PATH_RESERVED,
                path.span(),
                format!("Pachyderm mounts a volume of its own at {}", shown(path.value)),
            )
            .note("pachd accepts it; Kubernetes refuses the pod, and the pipeline fails")
            .help("mount it elsewhere, such as at `/secrets`"),
        );
    }
    is_reserved
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
        Some(_) if has("name") && has("key") => {
            // It becomes a variable of the sidecar, in a spout, too.
            let refused = "pachd accepts it; Kubernetes refuses the pod, and the pipeline fails";
            if let Some(name) = secret.text("name") {
                name_form(name, false, refused, findings);
            }
            if let Some(key) = secret.text("key") {
                key_form(key, refused, findings);
            }
            return;
        }
        Some(_) if secret.node().is_none() => return,
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
