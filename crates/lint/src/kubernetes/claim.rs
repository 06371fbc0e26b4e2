//! A claim of a volume that is made for the pod alone.

use serde_json::Value as Json;

use super::json::{Path, list, members, text};
use super::judge::Judge;
use super::names;
use super::quantity::Quantity;
use super::refusal::{Minor, Refusal};

/// Since when a claim may name a class of attributes.
const CLASSES_OF_ATTRIBUTES: Minor = Minor::new(34);
/// Since when the group of what a volume begins with is looked at.
const GROUPS: Minor = Minor::new(30);
/// Since when only one pod may have a volume.
const ONE_POD: Minor = Minor::new(27);
/// Since when a volume may begin as one of another namespace.
const NAMESPACES: Minor = Minor::new(26);

impl Judge {
    /// A claim that is made for the pod alone.
    pub(super) fn claim(&mut self, of: &Json, path: Path<'_>) {
        let Some(template) = of.get("volumeClaimTemplate") else {
            return self.fault(path.key("volumeClaimTemplate"), "is missing");
        };
        let path = path.key("volumeClaimTemplate");
        if let Some(metadata) = template.get("metadata") {
            let path = path.key("metadata");
            self.labels(metadata, path, "labels");
            for (key, _) in members(metadata, "annotations") {
                self.fault_if(path.key("annotations").key(key), names::annotation_key(key));
            }
        }
        let none = Json::Null;
        let spec = template.get("spec").unwrap_or(&none);
        let path = path.key("spec");
        let modes = list(spec, "accessModes");
        let known = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"];
        if modes.is_empty() {
            self.fault(path.key("accessModes"), "is missing");
        }
        if modes
            .iter()
            .any(|mode| mode.as_str().is_none_or(|mode| !known.contains(&mode)))
        {
            self.fault(path.key("accessModes"), "has one that is unknown");
        }
        if modes.contains(&Json::from("ReadWriteOncePod")) {
            let what = "has `ReadWriteOncePod`, which it does not know";
            self.refused(path.key("accessModes"), what, Refusal::Before(ONE_POD));
            if modes.iter().any(|mode| mode != "ReadWriteOncePod") {
                self.fault(path.key("accessModes"), "has `ReadWriteOncePod` beside others");
            }
        }
        let resources = spec.get("resources").unwrap_or(&none);
        let storage = members(resources, "requests").find(|(name, _)| *name == "storage");
        let storage = storage.and_then(|(_, amount)| Quantity::parse(amount.as_str()?));
        match storage {
            None => self.fault(path.key("resources").key("requests"), "has no `storage`"),
            Some(amount) if amount <= Quantity::ZERO => {
                self.fault(path.key("resources").key("requests"), "has no `storage` above zero");
            }
            Some(_) => {}
        }
        self.formed(spec, path, "storageClassName", names::subdomain);
        self.since(CLASSES_OF_ATTRIBUTES, |judge| {
            judge.formed(spec, path, "volumeAttributesClassName", names::subdomain);
        });
        self.one_of_given(spec, path, "volumeMode", &["Block", "Filesystem"]);
        if let Some(selector) = spec.get("selector") {
            self.selector(selector, path.key("selector"));
        }
        for key in ["dataSource", "dataSourceRef"] {
            if let Some(source) = spec.get(key) {
                self.origin(source, path.key(key));
            }
        }
        if let Some((source, reference)) = spec.get("dataSource").zip(spec.get("dataSourceRef")) {
            let is_same = ["apiGroup", "kind", "name"]
                .iter()
                .all(|key| source.get(key) == reference.get(key));
            if !is_same {
                self.fault(path.key("dataSource"), "is another than `dataSourceRef`");
            } else if !text(reference, "namespace").is_empty() {
                let what = "is beside a `dataSourceRef` with a `namespace`";
                self.refused(path.key("dataSource"), what, Refusal::Since(NAMESPACES));
            }
        }
    }

    /// What a volume begins with.
    fn origin(&mut self, of: &Json, path: Path<'_>) {
        self.all_required(of, path, &["kind", "name"]);
        let kind = text(of, "kind");
        if text(of, "apiGroup").is_empty() && !kind.is_empty() && kind != "PersistentVolumeClaim" {
            self.fault(
                path,
                "has no `apiGroup`, so that it has to be a `PersistentVolumeClaim`",
            );
        }
        self.since(GROUPS, |judge| judge.formed(of, path, "apiGroup", names::subdomain));
        self.since(NAMESPACES, |judge| {
            judge.formed(of, path, "namespace", names::dns_label);
        });
    }
}
