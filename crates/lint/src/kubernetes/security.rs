//! Users, groups and rights.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::container::descending;
use super::json::{Path, flag, list, text};
use super::judge::Judge;
use super::refusal::Minor;

/// The numbers of users and groups.
pub(crate) const IDS: std::ops::RangeInclusive<i64> = 0..=2_147_483_647;

/// Since when a container may see all of /proc.
const PROC_MOUNTS: Minor = Minor::new(33);

/// Since when parameters are looked at that a pod shares with its host.
const HOST_PARAMETERS: Minor = Minor::new(29);

/// The parameters of the kernel that are those of an IPC namespace, beside what is below `fs.mqueue`.
const IPC_PARAMETERS: [&str; 10] = [
    "kernel.sem",
    "kernel.shm",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
    "kernel.msg",
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
];

impl Judge {
    pub(super) fn pod_security(&mut self, spec: &Json) {
        let path = Path::Root.key("securityContext");
        if flag(spec, "hostPID") && flag(spec, "shareProcessNamespace") {
            self.fault(Path::Root.key("shareProcessNamespace"), "cannot be beside `hostPID`");
        }
        let Some(context) = spec.get("securityContext") else {
            return;
        };
        self.ids(context, path, &["fsGroup", "runAsUser", "runAsGroup"]);
        for (at, group) in list(context, "supplementalGroups").iter().enumerate() {
            if group.as_i64().is_some_and(|group| !IDS.contains(&group)) {
                self.fault(
                    path.key("supplementalGroups").index(at),
                    "has to be from 0 to 2147483647",
                );
            }
        }
        self.one_of_given(context, path, "fsGroupChangePolicy", &["OnRootMismatch", "Always"]);
        self.seccomp(context, path);
        let mut seen = HashSet::new();
        for (at, parameter) in list(context, "sysctls").iter().enumerate() {
            let path = path.key("sysctls");
            let path = path.index(at);
            let name = text(parameter, "name");
            if self.required(parameter, path, "name") {
                self.formed(parameter, path, "name", parameter_name);
                self.since(HOST_PARAMETERS, |judge| {
                    judge.fault_if(path.key("name"), host_parameter(name, spec));
                });
                if !seen.insert(name) {
                    self.fault(path.key("name"), format!("is `{name}` a second time"));
                }
            }
        }
    }

    pub(super) fn container_security(&mut self, spec: &Json, context: &Json, path: Path<'_>) {
        self.ids(context, path, &["runAsUser", "runAsGroup"]);
        self.since(PROC_MOUNTS, |judge| {
            judge.one_of_given(context, path, "procMount", &["Default", "Unmasked"]);
            if text(context, "procMount") == "Unmasked" && spec.get("hostUsers") != Some(&Json::Bool(false)) {
                judge.fault(
                    path.key("procMount"),
                    "is `Unmasked`, for which `hostUsers` has to be false",
                );
            }
        });
        self.seccomp(context, path);
        if context.get("allowPrivilegeEscalation") != Some(&Json::Bool(false)) {
            return;
        }
        if flag(context, "privileged") {
            self.fault(path, "is `privileged` and allows no escalation of privileges");
        }
        let capabilities = context.get("capabilities").unwrap_or(&Json::Null);
        let is_admin = |capability: &Json| capability.as_str() == Some("CAP_SYS_ADMIN");
        if list(capabilities, "add").iter().any(is_admin) {
            self.fault(path, "adds CAP_SYS_ADMIN and allows no escalation of privileges");
        }
    }

    fn ids(&mut self, of: &Json, path: Path<'_>, keys: &[&str]) {
        for key in keys {
            self.within(of, path, key, *IDS.start(), *IDS.end());
        }
    }

    fn seccomp(&mut self, of: &Json, path: Path<'_>) {
        let Some(profile) = of.get("seccompProfile") else {
            return;
        };
        let path = path.key("seccompProfile");
        self.required(profile, path, "type");
        self.one_of(profile, path, "type", &["Localhost", "RuntimeDefault", "Unconfined"]);
        match (text(profile, "type"), profile.get("localhostProfile")) {
            ("Localhost", None) => self.fault(path.key("localhostProfile"), "is missing"),
            ("Localhost", Some(_)) => self.formed(profile, path, "localhostProfile", descending),
            (_, Some(_)) => self.fault(path.key("localhostProfile"), "is for `Localhost` only"),
            (_, None) => {}
        }
    }
}

/// Why a parameter cannot be set for a pod alone: it is the host's, as the pod shares what it belongs to.
fn host_parameter(name: &str, spec: &Json) -> Option<&'static str> {
    // Of the two separators the one that comes first is the one between the parts.
    let name = match name.find(['.', '/']) {
        Some(at) if name.as_bytes().get(at) == Some(&b'/') => name.replace('.', "\0").replace('/', "."),
        _ => name.to_owned(),
    };
    let is_network = name.starts_with("net.");
    let is_ipc = IPC_PARAMETERS.contains(&name.as_str()) || name.starts_with("fs.mqueue.");
    match (flag(spec, "hostNetwork"), flag(spec, "hostIPC")) {
        (true, _) if is_network => Some("is the host's, as `hostNetwork` is true"),
        (_, true) if is_ipc => Some("is the host's, as `hostIPC` is true"),
        _ => None,
    }
}

/// The name of a parameter of the kernel.
fn parameter_name(name: &str) -> Option<&'static str> {
    let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_part = |part: &str| part.starts_with(is_end) && part.ends_with(is_end) && part.chars().all(is_fine);
    let is_name = name.len() <= 253 && name.split(['.', '/']).all(is_part);
    (!is_name).then_some("is no parameter of the kernel")
}

/// Why a text is no profile of seccomp, as annotations name them.
pub(crate) fn seccomp_profile(text: &str) -> Option<&'static str> {
    match text {
        "runtime/default" | "docker/default" | "unconfined" => None,
        _ => match text.strip_prefix("localhost/") {
            Some(path) => descending(path),
            None => Some("is no profile of seccomp"),
        },
    }
}

/// Why a text is no profile of `AppArmor`, as annotations name them.
pub(crate) fn apparmor_profile(text: &str) -> Option<&'static str> {
    let is_one = matches!(text, "" | "runtime/default" | "unconfined") || text.starts_with("localhost/");
    (!is_one).then_some("is no profile of AppArmor")
}
