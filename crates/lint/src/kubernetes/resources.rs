//! The requests and limits of a container.

use serde_json::Value as Json;

use super::json::{Path, members};
use super::judge::Judge;
use super::names;
use super::quantity::Quantity;

/// The resources that every node has.
pub(crate) const STANDARD: [&str; 3] = ["cpu", "ephemeral-storage", "memory"];

fn is_huge_page(name: &str) -> bool {
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
    let page = name.strip_prefix("hugepages-").and_then(Quantity::parse);
    let is_odd = page.is_some_and(|page| amount != Quantity::ZERO && !amount.is_multiple_of(page));
    is_odd.then_some("is no multiple of the page's size")
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

impl Judge {
    pub(super) fn resources(&mut self, of: &Json, path: Path<'_>) {
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
        let has = |name: &str| amount("limits", name).or_else(|| amount("requests", name)).is_some();
        if has_huge_pages && !has("cpu") && !has("memory") {
            self.fault(path, "has huge pages, and neither cpu nor memory");
        }
    }
}
