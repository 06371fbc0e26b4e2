//! How a pod looks up names.

use serde_json::Value as Json;

use super::json::{Path, list};
use super::judge::Judge;
use super::refusal::{Minor, Refusal};
use super::{names, network};

/// Since when a pod may have 32 domains of 2,048 characters; before, it was 6 of 256.
const MORE_SEARCHES: Minor = Minor::new(26);

/// Since when a domain may have `_` in it, or be the root.
const RELAXED_SEARCHES: Minor = Minor::new(33);

impl Judge {
    pub(super) fn dns(&mut self, config: &Json, path: Path<'_>) {
        let servers = list(config, "nameservers");
        if servers.len() > 3 {
            self.fault(path.key("nameservers"), "has more than 3 servers");
        }
        for (at, server) in servers.iter().enumerate() {
            let fault = network::address_fault(server.as_str().unwrap_or_default());
            self.refused_if(path.key("nameservers").index(at), fault);
        }
        let searches: Vec<&str> = list(config, "searches").iter().filter_map(Json::as_str).collect();
        let path_of_searches = path.key("searches");
        let length = searches.join(" ").len();
        if searches.len() > 32 || length > 2_048 {
            self.fault(
                path_of_searches,
                "has more than 32 domains, or more than 2048 characters",
            );
        } else if searches.len() > 6 || length > 256 {
            let what = "has more than 6 domains, or more than 256 characters";
            self.refused(path_of_searches, what, Refusal::Before(MORE_SEARCHES));
        }
        for (at, search) in searches.iter().enumerate() {
            self.refused_if(path_of_searches.index(at), search_fault(search));
        }
        for (at, option) in list(config, "options").iter().enumerate() {
            self.required(option, path.key("options").index(at), "name");
        }
    }
}

/// Why no pod can look in a domain.
fn search_fault(search: &str) -> Option<(&'static str, Refusal)> {
    let strict = names::subdomain(search.strip_suffix('.').unwrap_or(search))?;
    let relaxed = search.strip_suffix('.').unwrap_or(search).replace('_', "a");
    let is_relaxed = search == "." || names::subdomain(&relaxed).is_none();
    Some((
        strict,
        if is_relaxed {
            Refusal::Before(RELAXED_SEARCHES)
        } else {
            Refusal::Always
        },
    ))
}
