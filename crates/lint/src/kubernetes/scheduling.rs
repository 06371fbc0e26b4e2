//! On which nodes a pod may run.

use std::collections::HashSet;

use serde_json::{Value as Json, json};

use super::json::{Path, integer, list, members, text};
use super::judge::Judge;
use super::names;
use super::refusal::{Minor, Refusal};

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

/// Since when a constraint says which nodes count.
const NODE_POLICIES: Minor = Minor::new(26);
/// Since when the values of a selector are looked at.
const SELECTOR_VALUES: Minor = Minor::new(26);
/// Since when the selector of a constraint, the keys beside it and the least number of domains are looked at.
const SPREADING: Minor = Minor::new(27);
/// Since when the pod's labels of the keys of a constraint are added to its selector.
const MERGING: Minor = Minor::new(34);
/// Since when an affinity may name keys of the pod's own labels.
const LABEL_KEYS: Minor = Minor::new(31);
/// Since when the values of labels that a node has to have are looked at.
const NODE_VALUES: Minor = Minor::new(32);

/// Why a text is no list of tolerations, as an annotation has it.
pub(crate) fn tolerations_fault(written: &str) -> Option<&'static str> {
    let none = Some("is no list of tolerations in JSON");
    let written = match serde_json::from_str(written) {
        Ok(Json::Null) => return None,
        Ok(Json::Array(written)) => written,
        _ => return none,
    };
    let Ok(decoded) = super::decode::pod_spec(&json!({"tolerations": written})) else {
        return none;
    };
    let mut judge = Judge::default();
    judge.tolerations(&decoded.spec);
    (!judge.faults.is_empty()).then_some("has a toleration that cannot be")
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
            self.since(NODE_POLICIES, |judge| {
                for key in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
                    judge.one_of_given(constraint, path, key, &["Ignore", "Honor"]);
                }
            });
            let otherwise = text(constraint, "whenUnsatisfiable");
            if !seen.insert((text(constraint, "topologyKey"), otherwise)) {
                self.fault(path, "is the same as another");
            }
            match integer(constraint, "minDomains") {
                Some(least) if least <= 0 => {
                    self.refused(
                        path.key("minDomains"),
                        "has to be above zero",
                        Refusal::Since(SPREADING),
                    );
                }
                Some(_) if otherwise != "DoNotSchedule" => {
                    self.refused(
                        path.key("minDomains"),
                        "is for `DoNotSchedule` only",
                        Refusal::Since(SPREADING),
                    );
                }
                _ => {}
            }
            self.since(SPREADING, |judge| {
                if let Some(selector) = constraint.get("labelSelector") {
                    judge.selector(selector, path.key("labelSelector"));
                }
                judge.label_keys(constraint, path, "matchLabelKeys");
                judge.repeated_keys(constraint, path, Some(MERGING));
            });
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
                let path = path.index(at);
                self.node_term(term, path);
                for (at, requirement) in list(term, "matchExpressions").iter().enumerate() {
                    self.values(requirement, path.key("matchExpressions").index(at), NODE_VALUES);
                }
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
                continue;
            }
            for (at, value) in list(requirement, "values").iter().enumerate() {
                self.fault_if(path.key("values").index(at), value.as_str().and_then(names::subdomain));
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
        self.since(LABEL_KEYS, |judge| {
            judge.label_keys(term, path, "matchLabelKeys");
            judge.label_keys(term, path, "mismatchLabelKeys");
            judge.repeated_keys(term, path, None);
            let mismatched = list(term, "mismatchLabelKeys");
            if list(term, "matchLabelKeys").iter().any(|key| mismatched.contains(key)) {
                judge.fault(
                    path.key("matchLabelKeys"),
                    "has a key that is in `mismatchLabelKeys`, too",
                );
            }
        });
        match text(term, "topologyKey") {
            "" => self.fault(path.key("topologyKey"), "is missing"),
            key => self.fault_if(path.key("topologyKey"), names::label_key(key)),
        }
    }

    /// Keys of the pod's own labels that are added to a selector.
    fn label_keys(&mut self, of: &Json, path: Path<'_>, key: &str) {
        let (keys, path) = (list(of, key), path.key(key));
        if !keys.is_empty() && of.get("labelSelector").is_none() {
            return self.fault(path, "is for a `labelSelector`, and there is none");
        }
        for (at, key) in keys.iter().enumerate() {
            self.fault_if(path.index(at), key.as_str().and_then(names::label_key));
        }
    }

    /// Keys that are added to a selector that has them already. Before `merging` they may not be in it at all; since
    /// then the pod's own labels of these keys become expressions of it, of which each has to have a key of its own.
    fn repeated_keys(&mut self, of: &Json, path: Path<'_>, merging: Option<Minor>) {
        let Some(selector) = of.get("labelSelector") else {
            return;
        };
        let keys: Vec<&str> = list(of, "matchLabelKeys").iter().filter_map(Json::as_str).collect();
        let labels: HashSet<&str> = members(selector, "matchLabels").map(|(key, _)| key).collect();
        let expressions = list(selector, "matchExpressions").iter();
        let expressions: Vec<&str> = expressions.map(|expression| text(expression, "key")).collect();
        let is_of_pod = |key: &&&str| self.labels.iter().any(|label| label.as_str() == **key);
        let merged: Vec<&str> = keys.iter().filter(is_of_pod).copied().collect();
        let mut seen = labels.clone();
        let twice: HashSet<&str> = expressions
            .iter()
            .chain(&merged)
            .filter(|key| !seen.insert(key))
            .copied()
            .collect();
        for (at, key) in keys.iter().enumerate() {
            let is_in = merging.is_some() && (labels.contains(key) || expressions.contains(key));
            let refusal = match (is_in, twice.contains(key), merging) {
                (false, true, Some(merging)) => Refusal::Since(merging),
                (_, true, _) => Refusal::Always,
                (true, false, Some(merging)) => Refusal::Within(SPREADING, merging),
                (_, false, _) => continue,
            };
            let path = path.key("matchLabelKeys");
            self.refused(
                path.index(at),
                "is a key that the `labelSelector` would have twice",
                refusal,
            );
        }
    }

    /// Values that are those of labels.
    fn values(&mut self, requirement: &Json, path: Path<'_>, first: Minor) {
        self.since(first, |judge| {
            for (at, value) in list(requirement, "values").iter().enumerate() {
                judge.fault_if(
                    path.key("values").index(at),
                    value.as_str().and_then(names::label_value),
                );
            }
        });
    }

    pub(super) fn selector(&mut self, selector: &Json, path: Path<'_>) {
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
            self.values(requirement, path, SELECTOR_VALUES);
        }
    }
}
