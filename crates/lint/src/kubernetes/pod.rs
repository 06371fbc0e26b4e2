//! A pod's spec, judged as the API server judges that of a `ReplicationController`'s template and of its pods.

use std::net::IpAddr;

use serde_json::Value as Json;

use super::json::{Path, flag, integer, list, members, text};
use super::judge::Judge;
use super::{Fault, names};

/// All for which the API server refuses a pod's spec, which has to be decoded. What is not there has its default.
///
/// Not looked at is what only a cluster knows (whether a class, a secret or an account exists) and what pachd's pods
/// have nothing to do with: pods of Windows.
pub(crate) fn faults(spec: &Json) -> Vec<Fault> {
    let mut judge = Judge::default();
    let volumes = judge.volumes(spec);
    judge.containers(spec, &volumes);
    judge.whole(spec);
    judge.classes(spec);
    judge.network(spec);
    judge.pod_security(spec);
    judge.scheduling(spec);
    judge.faults
}

impl Judge {
    fn whole(&mut self, spec: &Json) {
        let root = Path::Root;
        if !matches!(text(spec, "restartPolicy"), "" | "Always") {
            self.fault(
                root.key("restartPolicy"),
                "has to be `Always` in a ReplicationController",
            );
        }
        if spec.get("activeDeadlineSeconds").is_some() {
            self.fault(
                root.key("activeDeadlineSeconds"),
                "is not for a pod of a ReplicationController",
            );
        }
        if !list(spec, "ephemeralContainers").is_empty() {
            self.fault(root.key("ephemeralContainers"), "cannot be in a template");
        }
        self.labels(spec, root, "nodeSelector");
        for key in [
            "serviceAccountName",
            "nodeName",
            "priorityClassName",
            "runtimeClassName",
        ] {
            self.formed(spec, root, key, names::subdomain);
        }
        self.formed(spec, root, "hostname", names::dns_label);
        self.formed(spec, root, "subdomain", names::dns_label);
        for (at, gate) in list(spec, "readinessGates").iter().enumerate() {
            let why = names::label_key(text(gate, "conditionType"));
            self.fault_if(root.key("readinessGates").index(at).key("conditionType"), why);
        }
        for (at, gate) in list(spec, "schedulingGates").iter().enumerate() {
            let why = names::label_key(text(gate, "name"));
            self.fault_if(root.key("schedulingGates").index(at).key("name"), why);
        }
        if let Some(os) = spec.get("os") {
            let path = root.key("os");
            self.required(os, path, "name");
            self.one_of(os, path, "name", &["linux", "windows"]);
        }
    }

    /// What the admission of pods has to say about priorities and overheads.
    fn classes(&mut self, spec: &Json) {
        let root = Path::Root;
        self.one_of(spec, root, "preemptionPolicy", &["PreemptLowerPriority", "Never"]);
        let class = text(spec, "priorityClassName");
        let priority = match class {
            "" => Some(0),
            "system-cluster-critical" => Some(2_000_000_000),
            "system-node-critical" => Some(2_000_001_000),
            _ if class.starts_with("system-") => {
                self.fault(
                    root.key("priorityClassName"),
                    "begins with `system-`, and is none of Kubernetes' own",
                );
                None
            }
            _ => None,
        };
        let given = integer(spec, "priority");
        if given.zip(priority).is_some_and(|(given, priority)| given != priority) {
            self.fault(
                root.key("priority"),
                "is what the class of the priority says, and cannot be another",
            );
        }
        if class.is_empty() && text(spec, "preemptionPolicy") == "Never" {
            self.fault(root.key("preemptionPolicy"), "is for the class of the priority to say");
        }
        if members(spec, "overhead").next().is_some() && text(spec, "runtimeClassName").is_empty() {
            self.fault(
                root.key("overhead"),
                "is for a runtime class to say, and `runtimeClassName` names none",
            );
        }
    }

    fn network(&mut self, spec: &Json) {
        let root = Path::Root;
        let policies = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
        self.one_of(spec, root, "dnsPolicy", &policies);
        let path = root.key("dnsConfig");
        let config = spec.get("dnsConfig");
        if text(spec, "dnsPolicy") == "None" && config.is_none_or(|config| list(config, "nameservers").is_empty()) {
            self.fault(path, "has to name a server when `dnsPolicy` is `None`");
        }
        if let Some(config) = config {
            self.dns(config, path);
        }
        for (at, alias) in list(spec, "hostAliases").iter().enumerate() {
            let path = root.key("hostAliases");
            let path = path.index(at);
            if text(alias, "ip").parse::<IpAddr>().is_err() {
                self.fault(path.key("ip"), "is no IP address");
            }
            for (at, name) in list(alias, "hostnames").iter().enumerate() {
                self.fault_if(
                    path.key("hostnames").index(at),
                    name.as_str().and_then(names::subdomain),
                );
            }
        }
    }

    fn dns(&mut self, config: &Json, path: Path<'_>) {
        let servers = list(config, "nameservers");
        if servers.len() > 3 {
            self.fault(path.key("nameservers"), "has more than 3 servers");
        }
        for (at, server) in servers.iter().enumerate() {
            if server.as_str().is_none_or(|server| server.parse::<IpAddr>().is_err()) {
                self.fault(path.key("nameservers").index(at), "is no IP address");
            }
        }
        let searches = list(config, "searches");
        let length: usize = searches
            .iter()
            .filter_map(Json::as_str)
            .map(|search| search.len() + 1)
            .sum();
        if searches.len() > 32 || length > 2_049 {
            self.fault(
                path.key("searches"),
                "has more than 32 domains, or more than 2048 characters",
            );
        }
        for (at, search) in searches.iter().enumerate() {
            let search = search.as_str().unwrap_or_default();
            let why = names::subdomain(search.strip_suffix('.').unwrap_or(search));
            self.fault_if(path.key("searches").index(at), why.filter(|_| search != "."));
        }
        for (at, option) in list(config, "options").iter().enumerate() {
            self.required(option, path.key("options").index(at), "name");
        }
    }

    pub(super) fn is_host_network(spec: &Json) -> bool {
        flag(spec, "hostNetwork")
    }
}
