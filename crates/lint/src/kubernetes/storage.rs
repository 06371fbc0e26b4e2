//! Volumes of storage systems that have rules of their own.

use serde_json::Value as Json;

use super::json::{Path, flag, integer, list, members, text};
use super::judge::Judge;
use super::names;

/// What a volume's name, `:` and its portal may have at most where the initiator has a name.
const MOST_OF_PORTAL: usize = 64;

impl Judge {
    pub(super) fn iscsi(&mut self, of: &Json, path: Path<'_>, volume: &str) {
        self.formed(of, path, "iqn", initiator_fault);
        if let Some(name) = of.get("initiatorName").and_then(Json::as_str) {
            self.fault_if(path.key("initiatorName"), initiator_fault(name));
            if volume.len() + ":".len() + text(of, "targetPortal").len() > MOST_OF_PORTAL {
                self.fault(
                    path.key("targetPortal"),
                    "is too long: with the volume's name and `:` before it, it has more than 64 characters",
                );
            }
        }
        self.within(of, path, "lun", 0, 255);
        let is_authenticated = flag(of, "chapAuthDiscovery") || flag(of, "chapAuthSession");
        if is_authenticated && of.get("secretRef").is_none() {
            self.fault(path.key("secretRef"), "is missing");
        }
    }

    pub(super) fn fibre_channel(&mut self, of: &Json, path: Path<'_>) {
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

    pub(super) fn azure(&mut self, of: &Json, path: Path<'_>) {
        self.one_of_given(of, path, "cachingMode", &["None", "ReadOnly", "ReadWrite"]);
        self.one_of_given(of, path, "kind", &["Shared", "Dedicated", "Managed"]);
        let (start, uri) = match text(of, "kind") {
            "Managed" => ("/subscriptions/", text(of, "diskURI")),
            _ => ("https://", text(of, "diskURI")),
        };
        if !uri.is_empty() && !uri.starts_with(start) {
            self.fault(
                path.key("diskURI"),
                format!("has to begin with `{start}` for a disk of this kind"),
            );
        }
    }

    pub(super) fn flex(&mut self, of: &Json, path: Path<'_>) {
        for (key, _) in members(of, "options") {
            let domain = key.split_once('/').map_or(key, |(domain, _)| domain).to_lowercase();
            let is_in = |zone: &str| domain == zone || domain.ends_with(&format!(".{zone}"));
            if is_in("kubernetes.io") || is_in("k8s.io") {
                self.fault(path.key("options").key(key), "is in a domain of Kubernetes' own");
            }
        }
    }

    pub(super) fn flocker(&mut self, of: &Json, path: Path<'_>) {
        match (text(of, "datasetName"), text(of, "datasetUUID")) {
            ("", "") => self.fault(path, "has neither `datasetName` nor `datasetUUID`"),
            ("", _) | (_, "") => {}
            _ => self.fault(path, "has both `datasetName` and `datasetUUID`"),
        }
        if text(of, "datasetName").contains('/') {
            self.fault(path.key("datasetName"), "has a slash in it");
        }
    }

    pub(super) fn quobyte(&mut self, of: &Json, path: Path<'_>) {
        let is_pair = |pair: &str| {
            let (host, port) = pair.rsplit_once(':').unwrap_or_default();
            let is_bracketed = host.starts_with('[') && host.ends_with(']');
            pair.contains(':') && !port.contains([']', '[']) && (is_bracketed || !host.contains([':', '[', ']']))
        };
        let registry = text(of, "registry");
        if !registry.is_empty() && !registry.split(',').all(is_pair) {
            self.fault(
                path.key("registry"),
                "has to be a host and a port, or several with commas between them",
            );
        }
        if text(of, "tenant").len() > 64 {
            self.fault(path.key("tenant"), "has more than 64 characters");
        }
    }

    pub(super) fn storageos(&mut self, of: &Json, path: Path<'_>) {
        if self.required(of, path, "volumeName") {
            self.formed(of, path, "volumeName", names::dns_label);
        }
        self.formed(of, path, "volumeNamespace", names::dns_label);
        self.secret_name(of, path);
    }

    pub(super) fn secret_name(&mut self, of: &Json, path: Path<'_>) {
        if let Some(secret) = of.get("secretRef") {
            self.required(secret, path.key("secretRef"), "name");
        }
    }
}

/// Why a text is no name of an initiator or a target of iSCSI.
fn initiator_fault(name: &str) -> Option<&'static str> {
    let is_hexadecimal = |start: &str, length: usize| {
        let rest = name.strip_prefix(start).unwrap_or_default();
        let digits = rest.get(1..).unwrap_or_default();
        digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let is_one = match name.get(..3) {
        Some("iqn") => is_qualified(name),
        Some("eui") => is_hexadecimal("eui", 16),
        Some("naa") => is_hexadecimal("naa", 32),
        _ => return Some("has to begin with `iqn`, `eui` or `naa`"),
    };
    (!is_one).then_some("is not formed as such a name is, such as `iqn.2001-04.com.example:storage`")
}

/// A date, a domain and a name within it: `iqn.2001-04.com.example:storage`.
fn is_qualified(name: &str) -> bool {
    let Some((authority, within)) = name.split_once(':') else {
        return false;
    };
    let mut parts = authority.splitn(3, '.');
    let (_, date, domain) = (
        parts.next(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let is_number = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_date = date
        .split_once('-')
        .is_some_and(|(year, month)| is_number(year, 4) && is_number(month, 2));
    let is_domain = !domain.is_empty() && domain.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
    let is_within = !within.is_empty() && !within.contains(|c: char| ",;*&$|".contains(c) || c.is_ascii_whitespace());
    authority.starts_with("iqn.") && is_date && is_domain && is_within
}
