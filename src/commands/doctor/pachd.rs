//! Whether it is pachd that answers, which one, and whom it takes us for.

use std::time::Duration;

use jiff::Timestamp;

use crate::commands::denied::advise;
use crate::commands::server;
use crate::failure::Failure;
use crate::settings::{Address, Server};
use pachyderm_client::Pachd;
use spoutctl_core::exit::Exit;
use spoutctl_core::fault::FaultKind;
use spoutctl_core::quantity::age;
use spoutctl_delivery::examination::{Check, Finding, Verdict};

/// A token that expires sooner wants somebody's attention.
const SOON: Duration = Duration::from_hours(24);

/// What pachd refuses us is explained by whose token it got.
pub(super) fn explained(mut finding: Finding, server: &Server) -> Finding {
    let failure = Failure {
        denied: finding.denied.take(),
        ..Failure::new(Exit::Refused, String::new())
    };
    let failure = advise(failure, server);
    finding.details.extend(failure.details);
    finding.next.extend(failure.help);
    finding
}

pub(super) fn version(pachd: &dyn Pachd, server: &Server, limit: Duration) -> Finding {
    let door = match server.address {
        Address::Gateway(_) => "the HTTP gateway",
        _ => "gRPC",
    };
    match pachd.version() {
        Ok(version) => {
            let mut finding = Finding::fine(Check::Version, format!("pachd {version} by {door}"));
            if version.starts_with("1.") {
                finding
                    .details
                    .push("put, get and tail; no --staging, no pipelines, no auth calls of ours".to_owned());
            }
            finding
        }
        Err(fault) => {
            let mut finding = Finding::of_fault(Check::Version, &fault);
            if let Some(other) = server::other_door(server, limit) {
                finding.next.push(format!("pachd answers at {other}: use that address"));
            }
            finding
        }
    }
}

pub(super) fn cluster(pachd: &dyn Pachd, server: &Server) -> Finding {
    let found = match pachd.cluster() {
        Ok(found) => found,
        Err(fault) => return Finding::of_fault(Check::Cluster, &fault),
    };
    let named = found.unwrap_or_else(|| "it does not say which".to_owned());
    match server.deployment() {
        Some((_, context)) => Finding::fine(Check::Cluster, format!("{named}, the one of context `{context}`")),
        None => Finding::fine(Check::Cluster, named),
    }
}

pub(super) fn auth(pachd: &dyn Pachd, server: &Server) -> Finding {
    let from = server.token.as_ref().map(|(_, from)| from.to_string());
    match pachd.who_am_i() {
        Ok(identity) => {
            let from = from.map(|from| format!(", by the token of {from}"));
            let said = format!("{}{}", identity.name, from.unwrap_or_default());
            expiring(Finding::fine(Check::Auth, said), identity.expires)
        }
        // Where auth is not activated, and in a sidecar.
        Err(fault) if fault.kind == FaultKind::Refused => {
            let said = match from {
                Some(from) => format!("nobody is asked for a token here; that of {from} is sent in vain"),
                None => "nobody is asked for a token here".to_owned(),
            };
            Finding::fine(Check::Auth, said)
        }
        Err(fault) => explained(Finding::of_fault(Check::Auth, &fault), server),
    }
}

fn expiring(mut finding: Finding, expires: Option<Timestamp>) -> Finding {
    let Some(expires) = expires else { return finding };
    finding.said = format!("{}, until {expires}", finding.said);
    if let Ok(left) = Duration::try_from(expires.duration_since(Timestamp::now()))
        && left < SOON
    {
        finding.verdict = Verdict::Warning;
        finding.next.push(format!(
            "the token is good for {} more; spoutctl auth login, or another token",
            age(left)
        ));
    }
    finding
}
