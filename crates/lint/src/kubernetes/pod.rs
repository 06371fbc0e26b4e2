//! A pod's spec, judged as the API server judges that of a `ReplicationController`'s template and of its pods.

use serde_json::Value as Json;

use super::json::{Path, flag, integer, list, members, text};
use super::judge::Judge;
use super::refusal::{Fault, Minor};
use super::{names, network};

/// All for which the API server refuses a pod's spec, which has to be decoded. What is not there has its default.
///
/// `labels` are the keys of the pod's labels. Not looked at is what only a cluster knows: whether a class, a secret or
/// an account exists.
pub(crate) fn faults(spec: &Json, labels: &[String]) -> Vec<Fault> {
    let mut judge = Judge {
        labels: labels.to_vec(),
        ..Judge::default()
    };
    let volumes = judge.volumes(spec);
    judge.containers(spec, &volumes);
    judge.claims(spec);
    judge.whole(spec);
    judge.windows(spec);
    judge.classes(spec);
    judge.network(spec);
    judge.pod_security(spec);
    judge.scheduling(spec);
    judge.faults
}

/// Since when a pod may wait at gates.
const GATES: Minor = Minor::new(27);

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
        if spec.get("runtimeClassName").and_then(Json::as_str) == Some("") {
            self.fault(root.key("runtimeClassName"), "is empty");
        }
        self.formed(spec, root, "hostname", names::dns_label);
        self.formed(spec, root, "subdomain", names::dns_label);
        for (at, gate) in list(spec, "readinessGates").iter().enumerate() {
            let why = names::label_key(text(gate, "conditionType"));
            self.fault_if(root.key("readinessGates").index(at).key("conditionType"), why);
        }
        let (gates, path) = (list(spec, "schedulingGates"), root.key("schedulingGates"));
        self.since(GATES, |judge| {
            judge.unique(gates, path, "name");
            for (at, gate) in gates.iter().enumerate() {
                judge.fault_if(path.index(at).key("name"), names::label_key(text(gate, "name")));
            }
        });
        if let Some(os) = spec.get("os") {
            let path = root.key("os");
            self.required(os, path, "name");
            self.one_of(os, path, "name", &["linux", "windows"]);
        }
    }

    /// What the admission of pods has to say about priorities and overheads.
    fn classes(&mut self, spec: &Json) {
        let root = Path::Root;
        self.one_of_given(spec, root, "preemptionPolicy", &["PreemptLowerPriority", "Never"]);
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
            self.refused_if(path.key("ip"), network::address_fault(text(alias, "ip")));
            for (at, name) in list(alias, "hostnames").iter().enumerate() {
                self.fault_if(
                    path.key("hostnames").index(at),
                    name.as_str().and_then(names::subdomain),
                );
            }
        }
    }

    pub(super) fn is_host_network(spec: &Json) -> bool {
        flag(spec, "hostNetwork")
    }
}
