//! On which nodes a pod may run.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::json::{Path, integer, list, text};
use super::judge::Judge;
use super::names;

/// The long names of what has to be and what had better be.
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// How a toleration cannot be, whoever wrote it. Each of the parts as Kubernetes spells it.
pub(crate) fn toleration_fault(operator: &str, key: &str, value: &str) -> Option<&'static str> {
    match operator {
        "" | "Equal" if key.is_empty() => Some("has no key, which only `Exists` can do without"),
        "Exists" if !value.is_empty() => Some("has a value, which `Exists` does not look at"),
        _ => None,
    }
}

impl Judge {
    pub(super) fn scheduling(&mut self, spec: &Json) {
        self.tolerations(spec);
        self.spread(spec);
        let path = Path::Root.key("affinity");
        let Some(affinity) = spec.get("affinity") else { return };
        if let Some(nodes) = affinity.get("nodeAffinity") {
            self.nodes(nodes, path.key("nodeAffinity"));
        }
        for key in ["podAffinity", "podAntiAffinity"] {
            let Some(pods) = affinity.get(key) else { continue };
            let path = path.key(key);
            for (at, term) in list(pods, REQUIRED).iter().enumerate() {
                self.pod_term(term, path.key(REQUIRED).index(at));
            }
            for (at, weighted) in list(pods, PREFERRED).iter().enumerate() {
                let path = path.key(PREFERRED);
                let path = path.index(at);
                self.weight(weighted, path);
                self.pod_term(
                    weighted.get("podAffinityTerm").unwrap_or(&Json::Null),
                    path.key("podAffinityTerm"),
                );
            }
        }
    }

    fn tolerations(&mut self, spec: &Json) {
        for (at, toleration) in list(spec, "tolerations").iter().enumerate() {
            let path = Path::Root.key("tolerations");
            let path = path.index(at);
            let (operator, key, value) = (
                text(toleration, "operator"),
                text(toleration, "key"),
                text(toleration, "value"),
            );
            self.formed(toleration, path, "key", names::label_key);
            self.one_of(toleration, path, "operator", &["Exists", "Equal"]);
            self.one_of(
                toleration,
                path,
                "effect",
                &["NoSchedule", "PreferNoSchedule", "NoExecute"],
            );
            self.fault_if(path, toleration_fault(operator, key, value));
            if operator != "Exists" {
                self.fault_if(path.key("value"), names::label_value(value));
            }
            if toleration.get("tolerationSeconds").is_some() && text(toleration, "effect") != "NoExecute" {
                self.fault(
                    path.key("effect"),
                    "has to be `NoExecute` where there are `tolerationSeconds`",
                );
            }
        }
    }

    fn spread(&mut self, spec: &Json) {
        let mut seen = HashSet::new();
        for (at, constraint) in list(spec, "topologySpreadConstraints").iter().enumerate() {
            let path = Path::Root.key("topologySpreadConstraints");
            let path = path.index(at);
            if integer(constraint, "maxSkew").unwrap_or(0) <= 0 {
                self.fault(path.key("maxSkew"), "has to be above zero");
            }
            self.required(constraint, path, "topologyKey");
            self.required(constraint, path, "whenUnsatisfiable");
            self.one_of(
                constraint,
                path,
                "whenUnsatisfiable",
                &["DoNotSchedule", "ScheduleAnyway"],
            );
            for key in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
                self.one_of(constraint, path, key, &["Ignore", "Honor"]);
            }
            let otherwise = text(constraint, "whenUnsatisfiable");
            if !seen.insert((text(constraint, "topologyKey"), otherwise)) {
                self.fault(path, "is the same as another");
            }
            match integer(constraint, "minDomains") {
                Some(least) if least <= 0 => self.fault(path.key("minDomains"), "has to be above zero"),
                Some(_) if otherwise != "DoNotSchedule" => {
                    self.fault(path.key("minDomains"), "is for `DoNotSchedule` only");
                }
                _ => {}
            }
            if let Some(selector) = constraint.get("labelSelector") {
                self.selector(selector, path.key("labelSelector"));
            }
        }
    }

    fn nodes(&mut self, affinity: &Json, path: Path<'_>) {
        if let Some(required) = affinity.get(REQUIRED) {
            let path = path.key(REQUIRED);
            let path = path.key("nodeSelectorTerms");
            let terms = list(required, "nodeSelectorTerms");
            if terms.is_empty() {
                self.fault(path, "has no term");
            }
            for (at, term) in terms.iter().enumerate() {
                self.node_term(term, path.index(at));
            }
        }
        for (at, preferred) in list(affinity, PREFERRED).iter().enumerate() {
            let path = path.key(PREFERRED);
            let path = path.index(at);
            self.weight(preferred, path);
            self.node_term(
                preferred.get("preference").unwrap_or(&Json::Null),
                path.key("preference"),
            );
        }
    }

    fn weight(&mut self, of: &Json, path: Path<'_>) {
        if !(1..=100).contains(&integer(of, "weight").unwrap_or(0)) {
            self.fault(path.key("weight"), "has to be from 1 to 100");
        }
    }

    fn node_term(&mut self, term: &Json, path: Path<'_>) {
        for (at, requirement) in list(term, "matchExpressions").iter().enumerate() {
            let path = path.key("matchExpressions");
            let path = path.index(at);
            let values = list(requirement, "values").len();
            match text(requirement, "operator") {
                "In" | "NotIn" if values == 0 => self.fault(path.key("values"), "is missing"),
                "Exists" | "DoesNotExist" if values > 0 => {
                    self.fault(path.key("values"), "is not for `Exists` and `DoesNotExist`");
                }
                "Gt" | "Lt" if values != 1 => self.fault(path.key("values"), "has to be one value"),
                "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
                _ => self.fault(
                    path.key("operator"),
                    "is none of `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt`, `Lt`",
                ),
            }
            self.fault_if(path.key("key"), names::label_key(text(requirement, "key")));
        }
        for (at, requirement) in list(term, "matchFields").iter().enumerate() {
            let path = path.key("matchFields");
            let path = path.index(at);
            if !matches!(text(requirement, "operator"), "In" | "NotIn") {
                self.fault(path.key("operator"), "is none of `In` and `NotIn`");
            } else if list(requirement, "values").len() != 1 {
                self.fault(path.key("values"), "has to be one value");
            }
            if text(requirement, "key") != "metadata.name" {
                self.fault(path.key("key"), "has to be `metadata.name`");
            }
        }
    }

    fn pod_term(&mut self, term: &Json, path: Path<'_>) {
        for key in ["labelSelector", "namespaceSelector"] {
            if let Some(selector) = term.get(key) {
                self.selector(selector, path.key(key));
            }
        }
        for (at, namespace) in list(term, "namespaces").iter().enumerate() {
            let why = namespace.as_str().and_then(names::dns_label);
            self.fault_if(path.key("namespaces").index(at), why);
        }
        match text(term, "topologyKey") {
            "" => self.fault(path.key("topologyKey"), "is missing"),
            key => self.fault_if(path.key("topologyKey"), names::label_key(key)),
        }
    }

    fn selector(&mut self, selector: &Json, path: Path<'_>) {
        self.labels(selector, path, "matchLabels");
        for (at, requirement) in list(selector, "matchExpressions").iter().enumerate() {
            let path = path.key("matchExpressions");
            let path = path.index(at);
            let has_values = !list(requirement, "values").is_empty();
            match text(requirement, "operator") {
                "In" | "NotIn" if !has_values => self.fault(path.key("values"), "is missing"),
                "Exists" | "DoesNotExist" if has_values => {
                    self.fault(path.key("values"), "is not for `Exists` and `DoesNotExist`");
                }
                "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
                _ => self.fault(
                    path.key("operator"),
                    "is none of `In`, `NotIn`, `Exists`, `DoesNotExist`",
                ),
            }
            self.fault_if(path.key("key"), names::label_key(text(requirement, "key")));
        }
    }
}
