//! The way to Kafka's brokers, and how far a branch is in their topics.

use std::time::Duration;

use super::network::shown;
use crate::cli::kafka::TopicArgs;
use crate::commands::kafka;
use crate::failure::Failure;
use pachyderm_client::connection::reaching;
use spoutctl_core::exit::Exit;
use spoutctl_core::pfs::Branch;
use spoutctl_delivery::CommitSink;
use spoutctl_delivery::examination::{Check, Finding, Verdict, newest_positions};
use spoutctl_delivery::mark::StreamName;
use spoutctl_kafka::address::Address;
use spoutctl_kafka::properties::Properties;
use spoutctl_kafka::share::Share;
use spoutctl_kafka::standing::Known;

/// What is looked at.
pub(super) struct Topics {
    address: Address,
    #[cfg_attr(
        not(feature = "kafka"),
        allow(dead_code, reason = "only what reads Kafka needs them")
    )]
    properties: Properties,
    #[cfg_attr(not(feature = "kafka"), allow(dead_code, reason = "only what reads Kafka needs it"))]
    share: Share,
}

/// What the newest commit of a stream says; `stream` is the one that `put` would take. Without one it is that of a
/// `put` without `--stream`: `kafka`, or in a spout's pod its pipeline. Where the repo cannot be looked at, that is
/// told by the checks of the destination.
pub(super) fn known(sink: &dyn CommitSink, branch: &Branch, stream: Option<&StreamName>) -> Known {
    if !matches!(sink.repo_exists(&branch.repo), Ok(true)) {
        return Known::NoBranch;
    }
    let streams: Vec<StreamName> = match stream {
        Some(stream) => vec![stream.clone()],
        None => ["kafka".to_owned(), branch.repo.to_string()]
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect(),
    };
    for stream in &streams {
        match newest_positions(sink, branch, stream) {
            Ok(Some(positions)) => return Known::Committed(positions),
            Ok(None) => {}
            Err(_) => return Known::NoBranch,
        }
    }
    Known::Nothing
}

impl Topics {
    /// `None` where none were named.
    ///
    /// # Errors
    /// What cannot be meant, and that Kafka is not built in.
    pub fn of(args: &TopicArgs) -> Result<Option<Self>, Failure> {
        let Some(from) = &args.from else { return Ok(None) };
        let address = kafka::address(from)?;
        Ok(Some(Self {
            share: kafka::share(&args.share, &address)?,
            address,
            properties: args
                .kafka_config
                .as_deref()
                .map(kafka::properties)
                .transpose()?
                .unwrap_or_default(),
        }))
    }

    /// Looks at one step after the other.
    pub fn look(&self, known: &Known, limit: Duration, say: &mut dyn FnMut(Finding)) {
        say(Finding::fine(Check::Kafka, self.address.to_string()));
        let found = self.names(limit);
        let is_lost = found.is_fault();
        say(found);
        if is_lost {
            return leave_out(Check::KafkaDns, &[Check::KafkaTcp], say);
        }
        let found = self.ports(limit);
        let is_lost = found.is_fault();
        say(found);
        if is_lost {
            return leave_out(Check::KafkaTcp, &[], say);
        }
        self.look_inside(known, limit, say);
    }

    /// Whether the brokers that are named have addresses: one that has is enough.
    fn names(&self, limit: Duration) -> Finding {
        let mut found = Vec::new();
        let mut lost = Vec::new();
        for (host, port) in self.address.hosts() {
            match reaching::resolve(host, port, limit) {
                Ok(addresses) => found.push(shown(host, &addresses)),
                Err(why) => lost.push(format!("the name {host} leads nowhere: {why}")),
            }
        }
        let next =
            "names of a cluster's services are known inside of it only; look for a mistake in the name otherwise";
        of_some(Check::KafkaDns, &found, lost, next)
    }

    fn ports(&self, limit: Duration) -> Finding {
        let mut found = Vec::new();
        let mut lost = Vec::new();
        for (host, port) in self.address.hosts() {
            match reach(host, port, limit) {
                Ok(reached) => found.push(reached),
                Err(why) => lost.push(format!("{host}:{port}: {why}")),
            }
        }
        let next =
            "is the broker up, and is that the port of one of its listeners? a firewall may drop what is sent there";
        of_some(Check::KafkaTcp, &found, lost, next)
    }

    #[cfg(feature = "kafka")]
    fn look_inside(&self, known: &Known, limit: Duration, say: &mut dyn FnMut(Finding)) {
        let examination = spoutctl_kafka::Examination {
            address: &self.address,
            properties: &self.properties,
            share: &self.share,
            limit,
            known,
            secured: self.secured(limit),
            reach: &|host, port| reach(host, port, limit).map(drop),
        };
        examination.run(say);
    }

    /// What the first broker says of itself by TLS; whether that is believed, librdkafka decides.
    #[cfg(feature = "kafka")]
    fn secured(&self, limit: Duration) -> Option<String> {
        let protocol = self.properties.get("security.protocol")?;
        if !protocol.to_ascii_lowercase().ends_with("ssl") {
            return None;
        }
        let trust = &pachyderm_client::connection::tls::Trust::Anybody;
        let greeted = self.address.hosts().find_map(|(host, port)| {
            let addresses = reaching::resolve(host, port, limit).ok()?;
            let reached = reaching::connect(&addresses, limit).ok()?;
            reaching::greet(reached.stream, host, trust, b"kafka", limit).ok()
        });
        greeted.map(|secured| super::network::validity(&secured))
    }

    #[cfg(not(feature = "kafka"))]
    #[expect(clippy::unused_self, reason = "the one that is built in looks")]
    fn look_inside(&self, _: &Known, _: Duration, _: &mut dyn FnMut(Finding)) {}
}

/// What could not be looked at, since the way there is broken.
fn leave_out(first: Check, also: &[Check], say: &mut dyn FnMut(Finding)) {
    #[cfg(feature = "kafka")]
    let inside = spoutctl_kafka::OF_TOPICS;
    #[cfg(not(feature = "kafka"))]
    let inside = [];
    for check in also.iter().copied().chain(inside) {
        say(Finding::not_checked(check, first));
    }
}

/// One of several is enough; those that are not there are told.
fn of_some(check: Check, found: &[String], lost: Vec<String>, next: &str) -> Finding {
    if found.is_empty() {
        let mut lost = lost.into_iter();
        let said = lost.next().unwrap_or_default();
        return Finding {
            details: lost.collect(),
            ..Finding::fault(check, Exit::Unavailable, said).next(next)
        };
    }
    let verdict = if lost.is_empty() {
        Verdict::Fine
    } else {
        Verdict::Warning
    };
    Finding {
        details: lost,
        ..Finding::new(check, verdict, found.join("; "))
    }
}

/// Where somebody listens, and how soon that was known.
fn reach(host: &str, port: u16, limit: Duration) -> Result<String, String> {
    let addresses = reaching::resolve(host.trim_matches(['[', ']']), port, limit)?;
    match reaching::connect(&addresses, limit) {
        Ok(reached) => Ok(format!("{} in {} ms", reached.address, reached.within.as_millis())),
        Err(failed) => {
            let failed = failed.iter().map(|(address, error)| format!("{address}: {error}"));
            Err(failed.collect::<Vec<_>>().join(", "))
        }
    }
}
