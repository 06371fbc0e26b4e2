//! What has to be right before topics can be read, one thing after the other, each found out by librdkafka itself: a
//! look of our own could be let in where it is not.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::metadata::{Metadata, MetadataBroker, MetadataPartition, MetadataTopic};

use super::client::{Client, Events, LOOK, create, how_many, looked_for, partitions};
use super::faults::{self, Trouble, sort};
use crate::address::Address;
use crate::properties::Properties;
use crate::share::Share;
use crate::standing::{Known, of_source, standing};
use spoutctl_core::exit::Exit;
use spoutctl_core::quantity::counted;
use spoutctl_delivery::examination::{Check, Finding};

/// What is looked at, in this order, once somebody listens at the address.
pub const OF_TOPICS: [Check; 6] = [
    Check::KafkaTls,
    Check::KafkaAuth,
    Check::Brokers,
    Check::Topic,
    Check::Partitions,
    Check::Positions,
];

/// How many brokers are tried to be reached.
const TRIED: usize = 10;

/// What to look at.
pub struct Examination<'a> {
    pub address: &'a Address,
    pub properties: &'a Properties,
    /// Which partitions.
    pub share: &'a Share,
    /// The longest wait for one answer.
    pub limit: Duration,
    pub known: &'a Known,
    /// What is known of the connection that a broker offers by TLS, if it does.
    pub secured: Option<String>,
    /// Whether somebody listens there; if not, why.
    pub reach: &'a dyn Fn(&str, u16) -> Result<(), String>,
}

/// What ended the look: everything behind it is not checked.
type Broken = Finding;

impl Examination<'_> {
    /// Says each finding as soon as there is one, up to the first fault, and which checks that left out.
    pub fn run(&self, say: &mut dyn FnMut(Finding)) {
        let Err(broken) = self.look(say) else { return };
        let check = broken.check;
        say(broken);
        let behind = OF_TOPICS.into_iter().skip_while(|other| *other != check).skip(1);
        // Settings that cannot be used are told before all of these.
        let all = OF_TOPICS.into_iter().filter(|_| !OF_TOPICS.contains(&check));
        for rest in behind.chain(all) {
            say(Finding::not_checked(rest, check));
        }
    }

    fn look(&self, say: &mut dyn FnMut(Finding)) -> Result<(), Broken> {
        let events = Events::default();
        let client = create(self.address, self.properties, &events);
        let client = client.map_err(|error| of_source(Check::KafkaSettings, &error))?;
        let first = self.address.topics().first().map(String::as_str);
        let metadata = client
            .fetch_metadata(first, self.limit)
            .map_err(|error| self.refused(&error, &client, &events, say))?;
        say(self.tls());
        say(self.auth());
        let cluster = client.client().fetch_cluster_id(self.limit);
        let topics = self.topics(&client);
        say(self.brokers(cluster.as_deref(), &metadata, topics.as_deref().unwrap_or_default())?);
        let topics = topics?;
        say(Finding::fine(Check::Topic, self.address.topics().join(", ")));
        say(self.leaders(&topics)?);
        let mut wanted = Vec::new();
        for (topic, metadata) in self.address.topics().iter().zip(&topics) {
            let read = self.share.of(topic, how_many(metadata));
            let read = read.map_err(|error| of_source(Check::Positions, &error))?;
            wanted.extend(read.map(|number| (topic.as_str(), number)));
        }
        let partitions: Result<Vec<_>, _> = partitions(&client, wanted.into_iter(), self.limit).collect();
        let partitions = partitions.map_err(|error| self.unread(Check::Positions, &error))?;
        say(standing(cluster.as_deref(), &partitions, self.known, self.share));
        Ok(())
    }

    /// Nobody answers: where on the way that is, librdkafka tells beside the error.
    fn refused(&self, error: &KafkaError, client: &Client, events: &Events, say: &mut dyn FnMut(Finding)) -> Broken {
        let mut is_about = None;
        // A broker that refuses makes events as fast as they are taken: not for ever.
        let until = Instant::now() + 5 * LOOK;
        while Instant::now() < until
            && let Some(event) = client.poll(LOOK)
        {
            if let Err(error) = event
                && faults::is_about_us(&error)
            {
                is_about = Some(faults::is_about_tls(&error));
            }
        }
        let complaint = events.complaint.lock().take();
        let complaint = complaint.unwrap_or_else(|| faults::words(error));
        if faults::refuses_certificate(&complaint) {
            is_about = Some(false);
        }
        match is_about {
            Some(true) => of_source(Check::KafkaTls, &faults::refused(&complaint)),
            Some(false) => {
                say(self.tls());
                of_source(Check::KafkaAuth, &faults::refused(&complaint))
            }
            None => {
                // Which of the two it would be nobody knows.
                let finding = Finding::fault(Check::KafkaTls, Exit::Unavailable, "no broker answers as Kafka does");
                let next = "is security.protocol in the file of --kafka-config the one of that port?";
                Finding {
                    details: vec![complaint],
                    ..finding.next(next)
                }
            }
        }
    }

    fn tls(&self) -> Finding {
        let protocol = self.properties.get("security.protocol").unwrap_or("plaintext");
        let is_encrypted = protocol.to_ascii_lowercase().ends_with("ssl");
        Finding::fine(
            Check::KafkaTls,
            match &self.secured {
                Some(secured) => secured.clone(),
                None if is_encrypted => format!("as {protocol} asks for"),
                None => "none is asked for by the settings".to_owned(),
            },
        )
    }

    fn auth(&self) -> Finding {
        let protocol = self.properties.get("security.protocol").unwrap_or("plaintext");
        let get = |names: &[&str]| names.iter().find_map(|name| self.properties.get(name));
        let Some(mechanism) = self.properties.mechanism() else {
            let is_encrypted = protocol.eq_ignore_ascii_case("ssl");
            let said = match get(&["ssl.certificate.location", "ssl.keystore.location"]) {
                Some(file) if is_encrypted => format!("by the client certificate of {file}"),
                None if is_encrypted && get(&["ssl.certificate.pem"]).is_some() => "by a client certificate".to_owned(),
                _ => "none is asked for by the settings".to_owned(),
            };
            return Finding::fine(Check::KafkaAuth, said);
        };
        let who = get(&["sasl.username"]);
        let said = who.map_or_else(|| mechanism.to_owned(), |who| format!("{who}, by {mechanism}"));
        let is_clear = protocol.eq_ignore_ascii_case("sasl_plaintext") && mechanism.eq_ignore_ascii_case("PLAIN");
        if is_clear {
            return Finding::warning(Check::KafkaAuth, format!("{said}: the password goes there in clear"))
                .next("use security.protocol=SASL_SSL, if the broker has it");
        }
        Finding::fine(Check::KafkaAuth, said)
    }

    /// Every broker is read from by the name that it gives itself, which need not be the one that was typed. One that
    /// leads none of the partitions is not read from.
    fn brokers(&self, cluster: Option<&str>, metadata: &Metadata, topics: &[Metadata]) -> Result<Finding, Broken> {
        let leaders: BTreeSet<i32> = topics
            .iter()
            .flat_map(partitions_of)
            .map(MetadataPartition::leader)
            .collect();
        let mut brokers: Vec<&MetadataBroker> = metadata.brokers().iter().collect();
        brokers.sort_by_key(|broker| !leaders.contains(&broker.id()));
        let mut unreached = Vec::new();
        let mut is_needed = false;
        for broker in brokers.iter().take(TRIED) {
            let (id, host, port) = (broker.id(), broker.host(), broker.port());
            let Ok(number) = u16::try_from(port) else { continue };
            if let Err(why) = (self.reach)(host, number) {
                is_needed |= leaders.contains(&id);
                unreached.push(format!("broker {id} says that it is at {host}:{port}: {why}"));
            }
        }
        let cluster = cluster.map_or_else(|| "a cluster without an id".to_owned(), |id| format!("cluster {id}"));
        let count = counted(brokers.len() as u64, "broker");
        let next = "advertised.listeners of a broker has to name where it is reached from here";
        if unreached.is_empty() {
            let named = metadata.brokers().iter().take(TRIED);
            let named = named.map(|broker| format!("{} at {}:{}", broker.id(), broker.host(), broker.port()));
            return Ok(Finding {
                details: named.collect(),
                ..Finding::fine(Check::Brokers, format!("{cluster}, {count}"))
            });
        }
        if is_needed || unreached.len() == brokers.len().min(TRIED) {
            let said = format!("{cluster}: not all of its {count} can be reached from here");
            let finding = Finding::fault(Check::Brokers, Exit::Unavailable, said);
            return Err(Finding {
                details: unreached,
                ..finding.next(next)
            });
        }
        let said = format!("{cluster}: not all of its {count} can be reached from here; those lead no partition now");
        Ok(Finding {
            details: unreached,
            ..Finding::warning(Check::Brokers, said).next(next)
        })
    }

    /// What the brokers say of each topic.
    fn topics(&self, client: &Client) -> Result<Vec<Metadata>, Broken> {
        let described = self.address.topics().iter().map(|topic| {
            looked_for(client, topic, self.limit).map_err(|error| {
                let source = match sort(&error, true) {
                    _ if faults::is_missing(&error) => faults::no_topic(topic, self.address),
                    Trouble::Lasting => faults::of_topic(topic, &error),
                    _ => faults::unreachable(self.address, &faults::words(&error), self.limit),
                };
                of_source(Check::Topic, &source)
            })
        });
        described.collect()
    }

    /// A partition is read from its leader.
    fn leaders(&self, topics: &[Metadata]) -> Result<Finding, Broken> {
        let mut without = Vec::new();
        let mut counts = Vec::new();
        for (topic, metadata) in self.address.topics().iter().zip(topics) {
            let count = counted(u64::from(how_many(metadata)), "partition");
            counts.push(if topics.len() == 1 {
                count
            } else {
                format!("{topic}: {count}")
            });
            for partition in partitions_of(metadata) {
                if partition.leader() < 0 {
                    without.push(format!("{topic} [{}]", partition.id()));
                }
            }
        }
        let said = counts.join(", ");
        if without.is_empty() {
            return Ok(Finding::fine(Check::Partitions, said));
        }
        let said = format!("{said}; {} without a leader", without.len());
        let finding = Finding::fault(Check::Partitions, Exit::Unavailable, said);
        Err(Finding {
            details: without.into_iter().take(TRIED).collect(),
            ..finding.next("a broker that has a replica of it has to come back; see kafka-topics.sh --describe")
        })
    }

    fn unread(&self, check: Check, error: &KafkaError) -> Broken {
        let source = match sort(error, true) {
            Trouble::Lasting => faults::lasting(error, None, self.address),
            _ => faults::unreachable(self.address, &faults::words(error), self.limit),
        };
        of_source(check, &source)
    }
}

fn partitions_of(metadata: &Metadata) -> impl Iterator<Item = &MetadataPartition> {
    metadata.topics().iter().flat_map(MetadataTopic::partitions)
}
