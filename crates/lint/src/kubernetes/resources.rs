//! The requests and limits of a container.

use serde_json::Value as Json;

use super::json::{Path, list, members, text};
use super::judge::Judge;
use super::names;
use super::quantity::Quantity;
use super::refusal::Minor;

/// The resources that every node has.
pub(crate) const STANDARD: [&str; 3] = ["cpu", "ephemeral-storage", "memory"];

pub(crate) fn is_huge_page(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// Whether it is one of Kubernetes' own, of which a limit may be above the request.
fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// Whether a request may differ from its limit.
pub(crate) fn may_be_overcommitted(name: &str) -> bool {
    is_native(name) && !is_huge_page(name)
}

/// Why no container can have a resource of that name; it goes on after the name.
pub(crate) fn name_fault(name: &str) -> Option<&'static str> {
    match names::label_key(name) {
        Some(why) => Some(why),
        None if !name.contains('/') && !STANDARD.contains(&name) && !is_huge_page(name) => Some(
            "is no resource of a container; one that a device plugin offers has a domain, such as `nvidia.com/gpu`",
        ),
        None if !is_native(name) && name.starts_with("requests.") => {
            Some("begins with `requests.`, which is for quotas")
        }
        // A quota puts `requests.` in front, and the whole has to be a name, too.
        None if !is_native(name) && names::label_key(&format!("requests.{name}")).is_some() => {
            Some("has too long a domain")
        }
        None => None,
    }
}

/// Why a container cannot have so much of a resource.
pub(crate) fn amount_fault(name: &str, amount: Quantity) -> Option<&'static str> {
    if amount.is_negative() {
        return Some("is below zero");
    }
    if !is_native(name) && !amount.is_whole() {
        return Some("has to be a whole number");
    }
    let page = name.strip_prefix("hugepages-")?;
    match Quantity::parse(page) {
        None => Some("is of pages whose size is no amount"),
        Some(page) if amount != Quantity::ZERO && !amount.is_multiple_of(page) => {
            Some("is no multiple of the page's size")
        }
        Some(_) => None,
    }
}

/// How a request does not go with its limit.
pub(crate) fn request_fault(name: &str, request: Quantity, limit: Option<Quantity>) -> Option<&'static str> {
    match limit {
        Some(limit) if request != limit && !may_be_overcommitted(name) => Some("has to be the same as its limit"),
        Some(limit) if request > limit => Some("is more than its limit"),
        None if !may_be_overcommitted(name) => Some("has no limit of as much"),
        _ => None,
    }
}

/// Since when an API server looks at claims without being told to.
const CLAIMS: Minor = Minor::new(34);

impl Judge {
    /// The claims of the pod. In a pod of Kubernetes since 1.31 what a claim is of stands beside its name; pachd writes
    /// it into `source`, which is dropped, so that no claim is left.
    pub(super) fn claims(&mut self, spec: &Json) {
        let (claims, path) = (list(spec, "resourceClaims"), Path::Root.key("resourceClaims"));
        self.since(CLAIMS, |judge| {
            judge.unique(claims, path, "name");
            for (at, claim) in claims.iter().enumerate() {
                let path = path.index(at);
                if judge.required(claim, path, "name") {
                    judge.formed(claim, path, "name", names::dns_label);
                }
                judge.fault(
                    path,
                    "names no claim there: pachd writes `source`, which Kubernetes does not know",
                );
            }
        });
    }

    fn claims_of(&mut self, of: &Json, claims: &[Json], path: Path<'_>) {
        let (wanted, path) = (list(of, "claims"), path.key("claims"));
        self.unique(wanted, path, "name");
        for (at, claim) in wanted.iter().enumerate() {
            let name = text(claim, "name");
            if self.required(claim, path.index(at), "name") && !claims.iter().any(|claim| text(claim, "name") == name) {
                self.fault(path.index(at), format!("is `{name}`, and the pod has no such claim"));
            }
        }
    }

    /// `claims` are the names of the pod's.
    pub(super) fn resources(&mut self, of: &Json, claims: &[Json], path: Path<'_>) {
        let amount = |kind: &str, name: &str| Quantity::parse(of.get(kind)?.get(name)?.as_str()?);
        let mut has_huge_pages = false;
        for kind in ["limits", "requests"] {
            let path = path.key(kind);
            for (name, _) in members(of, kind) {
                has_huge_pages |= is_huge_page(name);
                let fault = name_fault(name);
                let fault = fault.or_else(|| amount_fault(name, amount(kind, name)?));
                self.fault_if(path.key(name), fault);
            }
        }
        for (name, _) in members(of, "requests") {
            let limit = amount("limits", name);
            let fault = amount("requests", name).and_then(|request| request_fault(name, request, limit));
            self.fault_if(path.key("requests").key(name), fault);
        }
        self.since(CLAIMS, |judge| judge.claims_of(of, claims, path));
        let has = |name: &str| amount("limits", name).or_else(|| amount("requests", name)).is_some();
        if has_huge_pages && !has("cpu") && !has("memory") {
            self.fault(path, "has huge pages, and neither cpu nor memory");
        }
    }
}
