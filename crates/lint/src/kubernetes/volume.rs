//! The volumes of a pod.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::container::{descending, without_backsteps};
use super::json::{Path, flag, integer, list, members, text};
use super::judge::Judge;
use super::names;

/// Rights of a file, 0777 at most.
const MODES: (i64, i64) = (0, 0o777);

/// What has to be there in a volume of these kinds, as far as nothing else is asked of it.
const REQUIRED: &[(&str, &[&str])] = &[
    ("awsElasticBlockStore", &["volumeID"]),
    ("azureDisk", &["diskName", "diskURI"]),
    ("azureFile", &["secretName", "shareName"]),
    ("cephfs", &["monitors"]),
    ("cinder", &["volumeID"]),
    ("configMap", &["name"]),
    ("flexVolume", &["driver"]),
    ("gcePersistentDisk", &["pdName"]),
    ("gitRepo", &["repository"]),
    ("glusterfs", &["endpoints", "path"]),
    ("hostPath", &["path"]),
    ("iscsi", &["targetPortal", "iqn"]),
    ("nfs", &["server", "path"]),
    ("persistentVolumeClaim", &["claimName"]),
    ("photonPersistentDisk", &["pdID"]),
    ("portworxVolume", &["volumeID"]),
    ("quobyte", &["registry", "volume"]),
    ("rbd", &["monitors", "image"]),
    ("scaleIO", &["gateway", "system", "volumeName"]),
    ("secret", &["secretName"]),
    ("vsphereVolume", &["volumePath"]),
];

impl Judge {
    /// Gives back the volumes that can be mounted, by name.
    pub(super) fn volumes<'a>(&mut self, spec: &'a Json) -> HashMap<&'a str, &'a Json> {
        let volumes = list(spec, "volumes");
        let path = Path::Root.key("volumes");
        self.unique(volumes, path, "name");
        for (at, volume) in volumes.iter().enumerate() {
            let path = path.index(at);
            if self.required(volume, path, "name") {
                self.formed(volume, path, "name", names::dns_label);
            }
            self.volume(volume, path);
        }
        volumes.iter().map(|volume| (text(volume, "name"), volume)).collect()
    }

    fn volume(&mut self, volume: &Json, path: Path<'_>) {
        let kinds: Vec<(&str, &Json)> = volume
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| *key != "name")
            .map(|(key, value)| (key.as_str(), value))
            .collect();
        if kinds.len() > 1 {
            let (one, other) = (
                kinds.first().map_or("", |kind| kind.0),
                kinds.get(1).map_or("", |kind| kind.0),
            );
            self.fault(path, format!("is of two types at once, `{one}` and `{other}`"));
            return;
        }
        let Some((kind, of)) = kinds.into_iter().next() else {
            return; // without a type it is an `emptyDir`
        };
        let path = path.key(kind);
        if let Some((_, keys)) = REQUIRED.iter().find(|(known, _)| *known == kind) {
            self.all_required(of, path, keys);
        }
        self.within(of, path, "defaultMode", MODES.0, MODES.1);
        match kind {
            "emptyDir" => {
                let limit = super::quantity::Quantity::parse(text(of, "sizeLimit"));
                if limit.is_some_and(super::quantity::Quantity::is_negative) {
                    self.fault(path.key("sizeLimit"), "is below zero");
                }
            }
            "secret" | "configMap" => self.items(of, path),
            "hostPath" => {
                self.formed(of, path, "path", without_backsteps);
                let types = [
                    "DirectoryOrCreate",
                    "Directory",
                    "FileOrCreate",
                    "File",
                    "Socket",
                    "CharDevice",
                    "BlockDevice",
                ];
                self.one_of(of, path, "type", &types);
            }
            "downwardAPI" => self.files(of, path),
            "projected" => self.projected(of, path),
            "csi" => self.driver(of, path),
            "ephemeral" => self.claim(of, path),
            "nfs" if !text(of, "path").is_empty() && !text(of, "path").starts_with('/') => {
                self.fault(path.key("path"), "has to be an absolute path");
            }
            "gitRepo" => self.formed(of, path, "directory", descending),
            "azureDisk" => {
                self.one_of(of, path, "cachingMode", &["None", "ReadOnly", "ReadWrite"]);
                self.one_of(of, path, "kind", &["Shared", "Dedicated", "Managed"]);
            }
            "gcePersistentDisk" | "awsElasticBlockStore" => self.within(of, path, "partition", 0, 255),
            "iscsi" => self.iscsi(of, path),
            "fc" => self.fibre_channel(of, path),
            _ => {}
        }
    }

    fn items(&mut self, of: &Json, path: Path<'_>) {
        for (at, item) in list(of, "items").iter().enumerate() {
            let path = path.key("items");
            let path = path.index(at);
            self.all_required(item, path, &["key", "path"]);
            self.formed(item, path, "path", file);
            self.within(item, path, "mode", MODES.0, MODES.1);
        }
    }

    fn files(&mut self, of: &Json, path: Path<'_>) {
        for (at, item) in list(of, "items").iter().enumerate() {
            let path = path.key("items");
            let path = path.index(at);
            self.required(item, path, "path");
            self.formed(item, path, "path", file);
            self.within(item, path, "mode", MODES.0, MODES.1);
            self.exactly_one(item, &["fieldRef", "resourceFieldRef"], path, "source");
            if let Some(field) = item.get("fieldRef") {
                self.field(field, path.key("fieldRef"), true);
            }
            if let Some(resource) = item.get("resourceFieldRef") {
                let path = path.key("resourceFieldRef");
                self.required(resource, path, "containerName");
                self.resource_field(resource, path);
            }
        }
    }

    fn projected(&mut self, of: &Json, path: Path<'_>) {
        let mut paths = HashSet::new();
        for (at, source) in list(of, "sources").iter().enumerate() {
            let path = path.key("sources");
            let path = path.index(at);
            let kinds = source.as_object().map_or(0, serde_json::Map::len);
            if kinds > 1 {
                self.fault(path, "has more than one source");
            }
            for (kind, of) in source.as_object().into_iter().flatten() {
                let path = path.key(kind);
                match kind.as_str() {
                    "secret" | "configMap" => {
                        self.required(of, path, "name");
                        self.items(of, path);
                    }
                    "downwardAPI" => self.files(of, path),
                    "serviceAccountToken" => {
                        self.within(of, path, "expirationSeconds", 600, 1 << 32);
                        self.required(of, path, "path");
                    }
                    _ => {}
                }
                for item in list(of, "items") {
                    let file = text(item, "path");
                    if !file.is_empty() && !paths.insert(file) {
                        self.fault(path, format!("has file `{file}` a second time"));
                    }
                }
            }
        }
    }

    fn driver(&mut self, of: &Json, path: Path<'_>) {
        let driver = text(of, "driver").to_lowercase();
        let why = if driver.len() > 63 {
            Some("has more than 63 characters")
        } else {
            names::subdomain(&driver)
        };
        self.fault_if(path.key("driver"), why);
        if let Some(secret) = of.get("nodePublishSecretRef") {
            let why = names::subdomain(text(secret, "name"));
            self.fault_if(path.key("nodePublishSecretRef").key("name"), why);
        }
    }

    /// A claim that is made for the pod alone.
    fn claim(&mut self, of: &Json, path: Path<'_>) {
        let Some(template) = of.get("volumeClaimTemplate") else {
            return self.fault(path.key("volumeClaimTemplate"), "is missing");
        };
        let path = path.key("volumeClaimTemplate");
        if let Some(metadata) = template.get("metadata") {
            self.labels(metadata, path.key("metadata"), "labels");
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
        let resources = spec.get("resources").unwrap_or(&none);
        let storage = members(resources, "requests").find(|(name, _)| *name == "storage");
        let storage = storage.and_then(|(_, amount)| super::quantity::Quantity::parse(amount.as_str()?));
        match storage {
            None => self.fault(path.key("resources").key("requests"), "has no `storage`"),
            Some(amount) if amount <= super::quantity::Quantity::ZERO => {
                self.fault(path.key("resources").key("requests"), "has no `storage` above zero");
            }
            Some(_) => {}
        }
        self.formed(spec, path, "storageClassName", names::subdomain);
        self.one_of(spec, path, "volumeMode", &["Block", "Filesystem"]);
    }

    fn iscsi(&mut self, of: &Json, path: Path<'_>) {
        let name = text(of, "iqn");
        if !name.is_empty() && !["iqn", "eui", "naa"].iter().any(|start| name.starts_with(start)) {
            self.fault(path.key("iqn"), "has to begin with `iqn`, `eui` or `naa`");
        }
        self.within(of, path, "lun", 0, 255);
        let is_authenticated = flag(of, "chapAuthDiscovery") || flag(of, "chapAuthSession");
        if is_authenticated && of.get("secretRef").is_none() {
            self.fault(path.key("secretRef"), "is missing");
        }
    }

    fn fibre_channel(&mut self, of: &Json, path: Path<'_>) {
        let (targets, names) = (list(of, "targetWWNs"), list(of, "wwids"));
        if targets.is_empty() == names.is_empty() {
            self.fault(path, "has to have either `targetWWNs` or `wwids`");
        }
        if !targets.is_empty() {
            match integer(of, "lun") {
                None => self.fault(path.key("lun"), "is missing"),
                Some(_) => self.within(of, path, "lun", 0, 255),
            }
        }
    }
}

/// Why a path is none of a file in a volume.
fn file(path: &str) -> Option<&'static str> {
    descending(path).or_else(|| path.starts_with("..").then_some("begins with `..`"))
}
