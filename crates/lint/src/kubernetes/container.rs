//! The containers of a pod.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::json::{Path, flag, integer, list, text};
use super::judge::Judge;
use super::names;
use super::quantity::Quantity;
use super::refusal::{Minor, Refusal};

const PORTS: (i64, i64) = (1, 65_535);

/// Since when a container that is begun before the others may go on beside them.
const SIDECARS: Minor = Minor::new(29);

/// Since when an API server knows that a container may have a policy of restarts of its own.
const RESTARTS_KNOWN: Minor = Minor::new(28);

/// Since when a policy that a container may not have is dropped, and no longer refused.
const RESTARTS_DROPPED: Minor = Minor::new(34);

/// Since when any container may have a policy of restarts of its own.
const RESTARTS: Minor = Minor::new(35);

/// Since when an API server looks at how a container may be made larger.
const RESIZING: Minor = Minor::new(33);

/// Since when a container that ends before the others begin may not be restarted to be made larger.
const RESIZING_FIRST: Minor = Minor::new(36);

/// Since when a container may simply wait at its end.
const SLEEP: Minor = Minor::new(30);

/// Since when it may wait for no time at all.
const SLEEP_ZERO: Minor = Minor::new(33);

/// Since when a variable may have all addresses of the node.
const HOST_ADDRESSES: Minor = Minor::new(29);

impl Judge {
    pub(super) fn containers(&mut self, spec: &Json, volumes: &HashMap<&str, &Json>) {
        let root = Path::Root;
        let (containers, first) = (list(spec, "containers"), list(spec, "initContainers"));
        if containers.is_empty() {
            self.fault(root.key("containers"), "has no container");
        }
        self.unique(containers, root.key("containers"), "name");
        let names: HashSet<&str> = containers.iter().map(|container| text(container, "name")).collect();
        self.unique(first, root.key("initContainers"), "name");
        for (at, container) in first.iter().enumerate() {
            let path = root.key("initContainers");
            let path = path.index(at);
            if names.contains(text(container, "name")) {
                self.fault(path.key("name"), "is also the name of another container");
            }
            self.container(spec, container, volumes, path);
            // One that goes on beside the others is a container like them, where Kubernetes knows of such.
            let is_sidecar = text(container, "restartPolicy") == "Always";
            if !is_sidecar && container.get("restartPolicy").is_some() {
                let what = "has to be `Always` in a container that begins before the others";
                let refusal = Refusal::Within(SIDECARS, RESTARTS_DROPPED);
                self.refused(path.key("restartPolicy"), what, refusal);
            }
            if is_sidecar {
                self.probes(spec, container, path);
            } else {
                let restarts = |policy: &Json| text(policy, "restartPolicy") == "RestartContainer";
                if list(container, "resizePolicy").iter().any(restarts) {
                    let what = "restarts a container that ends before the others begin";
                    self.refused(path.key("resizePolicy"), what, Refusal::Since(RESIZING_FIRST));
                }
            }
            let refusal = if is_sidecar {
                Refusal::Before(SIDECARS)
            } else {
                Refusal::Always
            };
            for key in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                if container.get(key).is_some() {
                    let what = "is not for a container that ends before the others begin";
                    self.refused(path.key(key), what, refusal);
                }
            }
        }
        for (at, container) in containers.iter().enumerate() {
            let path = root.key("containers");
            let path = path.index(at);
            self.container(spec, container, volumes, path);
            self.probes(spec, container, path);
            if container.get("restartPolicy").is_some() {
                let what = "is only for a container that begins before the others";
                let refusal = Refusal::Within(RESTARTS_KNOWN, RESTARTS_DROPPED);
                self.refused(path.key("restartPolicy"), what, refusal);
            }
        }
        self.host_ports(spec, containers);
    }

    fn container(&mut self, spec: &Json, container: &Json, volumes: &HashMap<&str, &Json>, path: Path<'_>) {
        if self.required(container, path, "name") {
            self.formed(container, path, "name", names::dns_label);
        }
        if self.required(container, path, "image") {
            let image = text(container, "image");
            if image.trim() != image {
                self.fault(path.key("image"), "begins or ends with a blank");
            }
        }
        self.one_of(
            container,
            path,
            "terminationMessagePolicy",
            &["File", "FallbackToLogsOnError"],
        );
        self.one_of(container, path, "imagePullPolicy", &["Always", "IfNotPresent", "Never"]);
        self.since(RESTARTS, |judge| {
            judge.one_of_given(container, path, "restartPolicy", &["Always", "OnFailure", "Never"]);
        });
        self.ports(spec, container, path);
        self.variables(container, path);
        self.mounts(container, volumes, path);
        self.devices(container, volumes, path);
        if let Some(resources) = container.get("resources") {
            self.resources(resources, list(spec, "resourceClaims"), path.key("resources"));
        }
        self.since(RESIZING, |judge| judge.resize(container, path));
        if let Some(context) = container.get("securityContext") {
            self.container_security(spec, context, path.key("securityContext"));
        }
    }

    fn resize(&mut self, container: &Json, path: Path<'_>) {
        let policies = list(container, "resizePolicy");
        self.unique(policies, path.key("resizePolicy"), "resourceName");
        for (at, policy) in policies.iter().enumerate() {
            let path = path.key("resizePolicy");
            let path = path.index(at);
            self.required(policy, path, "resourceName");
            self.one_of(policy, path, "resourceName", &["cpu", "memory"]);
            self.required(policy, path, "restartPolicy");
            self.one_of(policy, path, "restartPolicy", &["NotRequired", "RestartContainer"]);
        }
    }

    fn ports(&mut self, spec: &Json, container: &Json, path: Path<'_>) {
        let ports = list(container, "ports");
        let path = path.key("ports");
        self.unique(ports, path, "name");
        for (at, port) in ports.iter().enumerate() {
            let path = path.index(at);
            self.formed(port, path, "name", names::port);
            match integer(port, "containerPort") {
                None | Some(0) => self.fault(path.key("containerPort"), "is missing"),
                Some(_) => self.within(port, path, "containerPort", PORTS.0, PORTS.1),
            }
            let host = integer(port, "hostPort").filter(|host| *host != 0);
            if host.is_some() {
                self.within(port, path, "hostPort", PORTS.0, PORTS.1);
            }
            if Self::is_host_network(spec) && host.is_some_and(|host| integer(port, "containerPort") != Some(host)) {
                self.fault(
                    path.key("containerPort"),
                    "has to be the same as `hostPort` with `hostNetwork`",
                );
            }
            self.one_of(port, path, "protocol", &["TCP", "UDP", "SCTP"]);
        }
    }

    fn host_ports(&mut self, spec: &Json, containers: &[Json]) {
        let mut seen = HashSet::new();
        let ports = containers.iter().enumerate().flat_map(|(of, container)| {
            let ports = list(container, "ports").iter().enumerate();
            ports.map(move |(at, port)| (of, at, port))
        });
        for (of, at, port) in ports {
            let host = integer(port, "hostPort").filter(|host| *host != 0);
            let host = host.or_else(|| integer(port, "containerPort").filter(|_| Self::is_host_network(spec)));
            let Some(host) = host else { continue };
            let protocol = match text(port, "protocol") {
                "" => "TCP",
                protocol => protocol,
            };
            if !seen.insert((host, protocol, text(port, "hostIP"))) {
                let path = Path::Root.key("containers");
                let path = path.index(of);
                self.fault(path.key("ports").index(at).key("hostPort"), "is taken by another port");
            }
        }
    }

    fn variables(&mut self, container: &Json, path: Path<'_>) {
        for (at, variable) in list(container, "env").iter().enumerate() {
            let path = path.key("env");
            let path = path.index(at);
            if let Some((why, refusal)) = names::variable(text(variable, "name")) {
                self.refused(path.key("name"), why, refusal);
            }
            if let Some(source) = variable.get("valueFrom") {
                self.source(variable, source, path.key("valueFrom"));
            }
        }
        for (at, source) in list(container, "envFrom").iter().enumerate() {
            let path = path.key("envFrom");
            let path = path.index(at);
            let prefix = text(source, "prefix");
            if let Some((why, refusal)) = names::variable(prefix).filter(|_| !prefix.is_empty()) {
                self.refused(path.key("prefix"), why, refusal);
            }
            let references = ["configMapRef", "secretRef"];
            if self.exactly_one(source, &references, path, "source") {
                for key in references {
                    if let Some(reference) = source.get(key) {
                        let path = path.key(key);
                        self.required(reference, path, "name");
                        self.formed(reference, path, "name", names::subdomain);
                    }
                }
            }
        }
    }

    /// Says so unless just one of some keys is there.
    pub(super) fn exactly_one(&mut self, of: &Json, keys: &[&str], path: Path<'_>, what: &str) -> bool {
        let count = keys.iter().filter(|key| of.get(**key).is_some()).count();
        match count {
            0 => self.fault(path, format!("has no {what}")),
            1 => {}
            _ => self.fault(path, format!("has more than one {what}")),
        }
        count == 1
    }

    fn source(&mut self, variable: &Json, source: &Json, path: Path<'_>) {
        let kinds = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"];
        if self.exactly_one(source, &kinds, path, "source") && !text(variable, "value").is_empty() {
            self.fault(path, "cannot be beside a `value`");
        }
        if let Some(field) = source.get("fieldRef") {
            self.field(field, path.key("fieldRef"), false);
        }
        if let Some(resource) = source.get("resourceFieldRef") {
            self.resource_field(resource, path.key("resourceFieldRef"));
        }
        for key in ["configMapKeyRef", "secretKeyRef"] {
            if let Some(reference) = source.get(key) {
                let path = path.key(key);
                self.fault_if(path.key("name"), names::subdomain(text(reference, "name")));
                self.fault_if(path.key("key"), names::config_key(text(reference, "key")));
            }
        }
    }

    /// A field of the pod that a variable or a file shows.
    pub(super) fn field(&mut self, field: &Json, path: Path<'_>, is_file: bool) {
        const BOTH: [&str; 3] = ["metadata.name", "metadata.namespace", "metadata.uid"];
        const FILES: [&str; 2] = ["metadata.annotations", "metadata.labels"];
        const VARIABLES: [&str; 6] = [
            "spec.nodeName",
            "spec.serviceAccountName",
            "status.hostIP",
            "status.hostIPs",
            "status.podIP",
            "status.podIPs",
        ];
        if !matches!(text(field, "apiVersion"), "" | "v1") {
            self.fault(path.key("apiVersion"), "has to be `v1`");
        }
        let wanted = text(field, "fieldPath");
        let subscript = wanted.strip_suffix("']").and_then(|path| path.split_once("['"));
        let fault = match subscript {
            Some(("metadata.labels", key)) => names::label_key(key),
            Some(("metadata.annotations", key)) => names::annotation_key(key),
            Some(_) => Some("has no members"),
            None => {
                let others: &[&str] = if is_file { &FILES } else { &VARIABLES };
                let is_known = BOTH.contains(&wanted) || others.contains(&wanted);
                (!is_known).then_some("is no field that can be shown")
            }
        };
        self.fault_if(path.key("fieldPath"), fault);
        if wanted == "status.hostIPs" && !is_file {
            let what = "is no field that can be shown";
            self.refused(path.key("fieldPath"), what, Refusal::Before(HOST_ADDRESSES));
        }
    }

    pub(super) fn resource_field(&mut self, field: &Json, path: Path<'_>) {
        const SIZES: [&str; 13] = [
            "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei",
        ];
        let wanted = text(field, "resource");
        let of = wanted
            .strip_prefix("limits.")
            .or_else(|| wanted.strip_prefix("requests."));
        let is_known = of.is_some_and(|of| super::resources::STANDARD.contains(&of) || of.starts_with("hugepages-"));
        if !is_known {
            self.fault(
                path.key("resource"),
                "is no resource that can be shown, such as `limits.memory`",
            );
            return;
        }
        let units: &[&str] = if of == Some("cpu") { &["1", "1m"] } else { &SIZES };
        let divisor = Quantity::parse(text(field, "divisor")).filter(|divisor| *divisor != Quantity::ZERO);
        if divisor.is_some_and(|divisor| !units.iter().any(|unit| Quantity::parse(unit) == Some(divisor))) {
            self.fault(path.key("divisor"), "is no unit, such as `1Mi`");
        }
    }

    fn mounts(&mut self, container: &Json, volumes: &HashMap<&str, &Json>, path: Path<'_>) {
        let mounts = list(container, "volumeMounts");
        let path = path.key("volumeMounts");
        self.unique(mounts, path, "mountPath");
        for (at, mount) in mounts.iter().enumerate() {
            let path = path.index(at);
            if self.required(mount, path, "name") && !volumes.contains_key(text(mount, "name")) {
                let name = text(mount, "name");
                self.fault(path.key("name"), format!("is `{name}`, and there is no such volume"));
            }
            self.required(mount, path, "mountPath");
            for key in ["subPath", "subPathExpr"] {
                self.formed(mount, path, key, descending);
            }
            if !text(mount, "subPath").is_empty() && !text(mount, "subPathExpr").is_empty() {
                self.fault(path.key("subPathExpr"), "cannot be beside `subPath`");
            }
            self.one_of_given(
                mount,
                path,
                "mountPropagation",
                &["None", "HostToContainer", "Bidirectional"],
            );
            let context = container.get("securityContext");
            let is_privileged = context.is_some_and(|context| flag(context, "privileged"));
            if text(mount, "mountPropagation") == "Bidirectional" && !is_privileged {
                self.fault(path.key("mountPropagation"), "is for privileged containers only");
            }
        }
    }

    fn devices(&mut self, container: &Json, volumes: &HashMap<&str, &Json>, path: Path<'_>) {
        let devices = list(container, "volumeDevices");
        let mounts = list(container, "volumeMounts");
        let path = path.key("volumeDevices");
        self.unique(devices, path, "name");
        self.unique(devices, path, "devicePath");
        for (at, device) in devices.iter().enumerate() {
            let path = path.index(at);
            let name = text(device, "name");
            let is_claim =
                |volume: &Json| volume.get("persistentVolumeClaim").is_some() || volume.get("ephemeral").is_some();
            match volumes.get(name) {
                None => self.fault(path.key("name"), format!("is `{name}`, and there is no such volume")),
                Some(volume) if !is_claim(volume) => self.fault(path.key("name"), "is no claim of a volume"),
                Some(_) => {}
            }
            if self.required(device, path, "devicePath") {
                self.formed(device, path, "devicePath", without_backsteps);
            }
            for key in ["name", "devicePath"] {
                let other = if key == "name" { "name" } else { "mountPath" };
                if mounts.iter().any(|mount| text(mount, other) == text(device, key)) {
                    self.fault(path.key(key), "is mounted, too");
                }
            }
        }
    }

    fn probes(&mut self, spec: &Json, container: &Json, path: Path<'_>) {
        for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
            let Some(probe) = container.get(key) else { continue };
            let path = path.key(key);
            self.handler(probe, path, &["exec", "httpGet", "tcpSocket", "grpc"]);
            for key in [
                "initialDelaySeconds",
                "timeoutSeconds",
                "periodSeconds",
                "successThreshold",
                "failureThreshold",
            ] {
                self.within(probe, path, key, 0, i64::MAX);
            }
            // 0 is the default, which is 1.
            let successes = integer(probe, "successThreshold").unwrap_or(1);
            if key != "readinessProbe" && !(0..=1).contains(&successes) {
                self.fault(path.key("successThreshold"), "has to be 1");
            }
            let grace = integer(probe, "terminationGracePeriodSeconds");
            if key == "readinessProbe" && grace.is_some() {
                self.fault(
                    path.key("terminationGracePeriodSeconds"),
                    "is not for a readiness probe",
                );
            } else if grace.is_some_and(|grace| grace <= 0) {
                self.fault(path.key("terminationGracePeriodSeconds"), "has to be above zero");
            }
        }
        if let Some(lifecycle) = container.get("lifecycle") {
            for (key, handler) in lifecycle.as_object().into_iter().flatten() {
                let path = path.key("lifecycle");
                self.end(spec, handler, path.key(key));
            }
        }
    }

    /// What is done when a container has begun, or before it ends.
    fn end(&mut self, spec: &Json, handler: &Json, path: Path<'_>) {
        let kinds = ["exec", "httpGet", "tcpSocket"];
        let Some(sleep) = handler.get("sleep") else {
            return self.handler(handler, path, &kinds);
        };
        if kinds.iter().all(|kind| handler.get(kind).is_none()) {
            self.refused(path, "has no handler", Refusal::Before(SLEEP));
        } else {
            self.since(SLEEP, |judge| judge.fault(path, "has more than one handler"));
            self.handler(handler, path, &kinds);
        }
        let grace = integer(spec, "terminationGracePeriodSeconds").unwrap_or(30);
        let seconds = integer(sleep, "seconds").unwrap_or(0);
        let path = path.key("sleep");
        let path = path.key("seconds");
        if !(0..=grace).contains(&seconds) {
            let what = format!("has to be from 0 to `terminationGracePeriodSeconds`, which is {grace}");
            self.refused(path, what, Refusal::Since(SLEEP));
        } else if seconds == 0 {
            self.refused(path, "has to be above zero", Refusal::Within(SLEEP, SLEEP_ZERO));
        }
    }

    fn handler(&mut self, handler: &Json, path: Path<'_>, kinds: &[&str]) {
        self.exactly_one(handler, kinds, path, "handler");
        if let Some(exec) = handler.get("exec") {
            self.required(exec, path.key("exec"), "command");
        }
        if let Some(http) = handler.get("httpGet") {
            let path = path.key("httpGet");
            self.port_number_or_name(http, path);
            self.one_of(http, path, "scheme", &["HTTP", "HTTPS"]);
            for header in list(http, "httpHeaders") {
                self.fault_if(path.key("httpHeaders"), names::header(text(header, "name")));
            }
        }
        if let Some(tcp) = handler.get("tcpSocket") {
            self.port_number_or_name(tcp, path.key("tcpSocket"));
        }
        if let Some(grpc) = handler.get("grpc") {
            self.port_number_or_name(grpc, path.key("grpc"));
        }
    }

    fn port_number_or_name(&mut self, of: &Json, path: Path<'_>) {
        match of.get("port") {
            Some(Json::String(name)) => self.fault_if(path.key("port"), names::port(name)),
            Some(_) => self.within(of, path, "port", PORTS.0, PORTS.1),
            None => self.fault(path.key("port"), "is missing"),
        }
    }

    /// The members of an object that have to be there and not be empty.
    pub(super) fn all_required(&mut self, of: &Json, path: Path<'_>, keys: &[&str]) {
        for key in keys {
            self.required(of, path, key);
        }
    }
}

/// Why a path does not lead downwards from somewhere.
pub(super) fn descending(path: &str) -> Option<&'static str> {
    if path.starts_with('/') {
        return Some("has to be a relative path");
    }
    without_backsteps(path)
}

pub(super) fn without_backsteps(path: &str) -> Option<&'static str> {
    path.split('/').any(|part| part == "..").then_some("has a `..` in it")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The versions that refuse something at a place of a pod with these containers.
    fn refused_by(first: &Json, container: &Json, place: &str) -> Vec<u16> {
        let named = |container: &Json, name: &str| {
            let mut named = json!({"name": name, "image": "a:1"});
            let members = container.as_object().unwrap().clone();
            named.as_object_mut().unwrap().extend(members);
            named
        };
        let spec = json!({
            "terminationGracePeriodSeconds": 0,
            "initContainers": [named(first, "a")],
            "containers": [named(container, "b")],
        });
        let mut judge = Judge::default();
        judge.containers(&spec, &HashMap::new());
        let is_refused = |minor: &u16| {
            let mut faults = judge.faults.iter().filter(|fault| fault.path == place);
            faults.any(|fault| fault.refusal.severity(Some(Minor::new(*minor))).is_some())
        };
        (25..=37).filter(is_refused).collect()
    }

    #[test]
    fn a_policy_of_restarts_is_refused_by_some_versions_only() {
        let policy = |policy: &str| json!({"restartPolicy": policy});
        let none = json!({});
        let place = "containers[0].restartPolicy";
        assert_eq!(refused_by(&none, &policy("Always"), place), [28, 29, 30, 31, 32, 33]);
        assert_eq!(
            refused_by(&none, &policy("x"), place),
            [28, 29, 30, 31, 32, 33, 35, 36, 37]
        );
        let place = "initContainers[0].restartPolicy";
        assert_eq!(refused_by(&policy("Always"), &none, place), [0_u16; 0]);
        assert_eq!(refused_by(&policy("Never"), &none, place), [29, 30, 31, 32, 33]);
        assert_eq!(refused_by(&policy("x"), &none, place), [29, 30, 31, 32, 33, 35, 36, 37]);
    }

    #[test]
    fn to_wait_for_no_time_is_refused_by_some_versions_and_for_longer_than_the_end_takes_by_all_since() {
        let wait = |sleep: &Json| json!({"lifecycle": {"preStop": {"sleep": sleep}}});
        let place = "containers[0].lifecycle.preStop.sleep.seconds";
        for sleep in [json!({}), json!({"seconds": 0})] {
            assert_eq!(refused_by(&json!({}), &wait(&sleep), place), [30, 31, 32], "{sleep}");
        }
        let since: Vec<u16> = (30..=37).collect();
        assert_eq!(refused_by(&json!({}), &wait(&json!({"seconds": 5})), place), since);
    }

    #[test]
    fn a_container_that_ends_first_is_not_restarted_to_be_made_larger_since_a_version() {
        let policy = json!([{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]);
        let first = json!({"resizePolicy": policy});
        let place = "initContainers[0].resizePolicy";
        assert_eq!(refused_by(&first, &json!({}), place), [36, 37]);
        let sidecar = json!({"resizePolicy": policy, "restartPolicy": "Always"});
        assert_eq!(refused_by(&sidecar, &json!({}), place), [0_u16; 0]);
    }
}
