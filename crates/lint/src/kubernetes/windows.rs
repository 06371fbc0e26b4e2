//! What only nodes with Windows have: pachd's containers run on Linux, but a patch may ask for anything.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value as Json;

use super::json::{Path, flag, list, text};
use super::judge::Judge;
use super::names;

/// What no pod for Windows may say of itself, or of a container.
const LINUX_PODS: &[&str] = &[
    "seLinuxOptions",
    "seccompProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "sysctls",
    "runAsUser",
    "runAsGroup",
    "supplementalGroups",
];
const LINUX_CONTAINERS: &[&str] = &[
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
];

/// The most that a specification of credentials may have.
const MOST_CREDENTIALS: usize = 64 * 1024;

impl Judge {
    pub(super) fn windows(&mut self, spec: &Json) {
        let of_pod = (spec, Path::Root, LINUX_PODS);
        let kinds = ["initContainers", "containers"].map(|kind| (kind, Path::Key(&Path::Root, kind)));
        let of_containers = kinds.iter().flat_map(|(kind, path)| {
            let containers = list(spec, kind).iter().enumerate();
            containers.map(|(at, of)| (of, path.index(at), LINUX_CONTAINERS))
        });
        let is_host = |of: &Json| {
            of.get("securityContext")
                .and_then(|context| context.get("windowsOptions"))
                .and_then(|options| options.get("hostProcess"))
                .and_then(Json::as_bool)
        };
        let pods = is_host(spec).unwrap_or_default();
        let hosts: Vec<bool> = of_containers
            .clone()
            .map(|(of, ..)| is_host(of).unwrap_or(pods))
            .collect();
        if hosts.contains(&true) {
            if hosts.contains(&false) {
                self.fault(
                    Path::Root.key("containers"),
                    "has both processes of a Windows host and containers",
                );
            }
            if !flag(spec, "hostNetwork") {
                self.fault(
                    Path::Root.key("hostNetwork"),
                    "has to be true for processes of a Windows host",
                );
            }
        }
        let os = spec.get("os").map_or("", |os| text(os, "name"));
        for (of, path, linux) in std::iter::once(of_pod).chain(of_containers) {
            let Some(context) = of.get("securityContext") else {
                continue;
            };
            let path = path.key("securityContext");
            let options = context.get("windowsOptions");
            if let Some(options) = options {
                self.windows_options(options, path.key("windowsOptions"));
            }
            match os {
                "linux" if options.is_some() => {
                    self.fault(path.key("windowsOptions"), "is not for a pod for Linux");
                }
                "windows" => {
                    for key in linux.iter().filter(|key| context.get(key).is_some()) {
                        self.fault(path.key(key), "is not for a pod for Windows");
                    }
                }
                _ => {}
            }
        }
    }

    fn windows_options(&mut self, options: &Json, path: Path<'_>) {
        let given = |key: &str| options.get(key).and_then(Json::as_str);
        if let Some(name) = given("gmsaCredentialSpecName") {
            self.fault_if(path.key("gmsaCredentialSpecName"), names::subdomain(name));
        }
        match given("gmsaCredentialSpec").map(str::len) {
            Some(0) => self.fault(path.key("gmsaCredentialSpec"), "is empty"),
            Some(length) if length > MOST_CREDENTIALS => {
                self.fault(path.key("gmsaCredentialSpec"), "has more than 64 KiB");
            }
            _ => {}
        }
        if let Some(name) = given("runAsUserName") {
            self.fault_if(path.key("runAsUserName"), user_name_fault(name));
        }
    }
}

/// A name that a computer has in a network of Windows: any 15 characters but a few.
static COMPUTER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$"#).ok());

/// Why nobody on Windows has that name; it goes on after the name.
fn user_name_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("is empty");
    }
    if name.chars().any(|c| c.is_ascii_control()) {
        return Some("has a control character in it");
    }
    let (domain, user) = name
        .split_once('\\')
        .map_or((None, name), |(domain, user)| (Some(domain), user));
    let is_domain = |domain: &str| {
        let is_computer = COMPUTER.as_ref().is_some_and(|form| form.is_match(domain));
        domain.len() < 256 && (is_computer || names::subdomain(&domain.to_lowercase()).is_none())
    };
    match user {
        _ if domain.is_some_and(|domain| !is_domain(domain)) => Some("has a domain that is none"),
        "" => Some("has nothing after its domain"),
        _ if user.len() > 104 => Some("has more than 104 characters after its domain"),
        _ if user.chars().all(|c| c == '.' || c == ' ') => Some("is made of dots and blanks"),
        _ if user.contains(|c| "\"/\\:;|=,+*?<>@[]".contains(c)) => Some("has a character that no name may have"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_for_an_operating_system_is_told_with_its_container() {
        let options = json!({"windowsOptions": {"runAsUserName": "a"}});
        let mut judge = Judge::default();
        judge.windows(&json!({
            "os": {"name": "linux"},
            "initContainers": [{"securityContext": options}],
            "containers": [{}, {"securityContext": options}],
        }));
        let paths: Vec<_> = judge.faults.iter().map(|fault| fault.path.as_str()).collect();
        let expected = ["initContainers[0]", "containers[1]"];
        assert_eq!(paths, expected.map(|of| format!("{of}.securityContext.windowsOptions")));
    }
}
