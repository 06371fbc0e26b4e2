//! The volumes of a pod.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::container::{descending, without_backsteps};
use super::json::{Path, list, text};
use super::judge::Judge;
use super::names;
use super::refusal::{Minor, Refusal};

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

/// Since when the path of a token is looked at.
const TOKEN_PATHS: Minor = Minor::new(30);

/// Since when a file of a volume may be a bundle of certificates.
const TRUST_BUNDLES: Minor = Minor::new(37);

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
            "azureDisk" => self.azure(of, path),
            "cinder" => self.secret_name(of, path),
            "flexVolume" => self.flex(of, path),
            "flocker" => self.flocker(of, path),
            "quobyte" => self.quobyte(of, path),
            "storageos" => self.storageos(of, path),
            "gcePersistentDisk" | "awsElasticBlockStore" => self.within(of, path, "partition", 0, 255),
            "iscsi" => self.iscsi(of, path, text(volume, "name")),
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
        // Each file, and whether only bundles have it.
        let mut files: HashMap<&str, bool> = HashMap::new();
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
                        self.since(TOKEN_PATHS, |judge| judge.formed(of, path, "path", file));
                    }
                    "clusterTrustBundle" => self.since(TRUST_BUNDLES, |judge| judge.trust_bundle(of, path)),
                    _ => {}
                }
                let is_bundle = kind == "clusterTrustBundle";
                let items = list(of, "items").iter().chain(is_bundle.then_some(of));
                for file in items.map(|item| text(item, "path")).filter(|file| !file.is_empty()) {
                    let before = files.get(file).copied();
                    files.insert(file, is_bundle && before.unwrap_or(true));
                    let what = format!("has file `{file}` a second time");
                    match before {
                        None => {}
                        Some(false) if !is_bundle => self.fault(path, what),
                        Some(_) => self.refused(path, what, Refusal::Since(TRUST_BUNDLES)),
                    }
                }
            }
        }
    }

    fn trust_bundle(&mut self, of: &Json, path: Path<'_>) {
        let has = |key: &str| of.get(key).is_some();
        match (has("name"), has("signerName")) {
            (true, true) => self.fault(path, "has a name and a signer"),
            (true, false) if of.get("labelSelector").is_some() => {
                self.fault(path.key("labelSelector"), "is for a signer, and this has a name");
            }
            (false, false) => self.fault(path, "has neither a name nor a signer"),
            (true, false) => {
                if self.required(of, path, "name") {
                    self.formed(of, path, "name", bundle_name);
                }
            }
            (false, true) => {
                self.required(of, path, "signerName");
            }
        }
        if let Some(selector) = of.get("labelSelector") {
            self.selector(selector, path.key("labelSelector"));
        }
        if self.required(of, path, "path") {
            self.formed(of, path, "path", file);
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
}

/// Why no bundle has that name. What stands before the last `:` is the name of who signed it.
fn bundle_name(name: &str) -> Option<&'static str> {
    match name.rsplit_once(':') {
        None => names::subdomain(name),
        Some((signer, _)) if signer.is_empty() || signer.contains('/') => Some("names no signer before its last `:`"),
        Some((_, rest)) => names::subdomain(rest),
    }
}

/// Why a path is none of a file in a volume.
pub(super) fn file(path: &str) -> Option<&'static str> {
    descending(path).or_else(|| path.starts_with("..").then_some("begins with `..`"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(sources: &Json) -> Vec<(String, Refusal)> {
        let mut judge = Judge::default();
        judge.projected(&json!({"sources": sources}), Path::Root);
        let faults = judge.faults.into_iter();
        faults
            .map(|fault| (format!("{} {}", fault.path, fault.what), fault.refusal))
            .collect()
    }

    #[test]
    fn a_bundle_may_be_named_after_its_signer() {
        let bundle = |name: &str| faults(&json!([{"clusterTrustBundle": {"name": name, "path": "p"}}]));
        for name in ["x", "example.com:mysigner:v1", "a:v1", "A_B:v1"] {
            assert_eq!(bundle(name), [], "{name}");
        }
        for name in ["X_Y", "example.com:mysigner:", "example.com:V_1", ":v1", "a/b:v1"] {
            let found = bundle(name);
            let [(_, refusal)] = found.as_slice() else {
                panic!("{name}: {found:?}")
            };
            assert_eq!(*refusal, Refusal::Since(TRUST_BUNDLES), "{name}");
        }
    }

    #[test]
    fn the_file_of_a_bundle_may_be_no_other_file_of_the_volume() {
        let bundle = json!({"clusterTrustBundle": {"name": "x", "path": "p"}});
        let secret = json!({"secret": {"name": "x", "items": [{"key": "k", "path": "p"}]}});
        let twice = |kind: &str, at: usize| format!("sources[{at}].{kind} has file `p` a second time");
        let since = Refusal::Since(TRUST_BUNDLES);
        assert_eq!(faults(&json!([bundle, secret])), [(twice("secret", 1), since)]);
        assert_eq!(
            faults(&json!([secret, bundle])),
            [(twice("clusterTrustBundle", 1), since)]
        );
        // What two secrets have is refused before bundles are known, too.
        let expected = [(twice("secret", 1), since), (twice("secret", 2), Refusal::Always)];
        assert_eq!(faults(&json!([bundle, secret, secret])), expected);
    }
}
