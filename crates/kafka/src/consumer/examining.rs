//! What has to be right before topics can be read, one thing after the other, each found out by librdkafka itself: a look
//! of our own could be let in where it is not.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::metadata::{Metadata, MetadataTopic};
use rdkafka::types::RDKafkaRespErr;

use super::connecting::{create, how_many, partitions};
use super::faults::{self, Trouble, sort};
use super::{Client, Events, LOOK, lock};
use crate::address::Address;
use crate::properties::Properties;
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
        say(self.brokers(cluster.as_deref(), &metadata)?);
        let counts = self.topics(&client)?;
        say(Finding::fine(Check::Topic, self.address.topics().join(", ")));
        say(self.leaders(&client, &counts)?);
        let partitions = partitions(&client, &counts);
        let partitions = partitions.map_err(|error| self.unread(Check::Positions, &error))?;
        say(standing(cluster.as_deref(), &partitions, self.known));
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
        let complaint = lock(&events.complaint).take();
        let complaint = complaint.unwrap_or_else(|| faults::words(error));
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
        if !protocol.to_ascii_lowercase().starts_with("sasl") {
            return Finding::fine(Check::KafkaAuth, "none is asked for by the settings");
        }
        let get = |names: [&'static str; 2]| names.into_iter().find_map(|name| self.properties.get(name));
        let mechanism = get(["sasl.mechanism", "sasl.mechanisms"]).unwrap_or("GSSAPI");
        let who = get(["sasl.username", "sasl.kerberos.principal"]);
        let said = who.map_or_else(|| mechanism.to_owned(), |who| format!("{who}, by {mechanism}"));
        let is_clear = protocol.eq_ignore_ascii_case("sasl_plaintext") && mechanism.eq_ignore_ascii_case("PLAIN");
        if is_clear {
            return Finding::warning(Check::KafkaAuth, format!("{said}: the password goes there in clear"))
                .next("use security.protocol=SASL_SSL, if the broker has it");
        }
        Finding::fine(Check::KafkaAuth, said)
    }

    /// Every broker is read from by the name that it gives itself, which need not be the one that was typed.
    fn brokers(&self, cluster: Option<&str>, metadata: &Metadata) -> Result<Finding, Broken> {
        let mut unreached = Vec::new();
        let mut named = Vec::new();
        for (at, broker) in metadata.brokers().iter().enumerate() {
            let (id, host, port) = (broker.id(), broker.host(), broker.port());
            named.push(format!("{id} at {host}:{port}"));
            let Ok(port) = u16::try_from(port) else { continue };
            if at < TRIED
                && let Err(why) = (self.reach)(host, port)
            {
                unreached.push(format!("broker {id} says that it is at {host}:{port}: {why}"));
            }
        }
        let cluster = cluster.map_or_else(|| "a cluster without an id".to_owned(), |id| format!("cluster {id}"));
        let count = counted(named.len() as u64, "broker");
        if unreached.is_empty() {
            let said = format!("{cluster}, {count}");
            return Ok(Finding {
                details: named.into_iter().take(TRIED).collect(),
                ..Finding::fine(Check::Brokers, said)
            });
        }
        let said = format!("{cluster}: not all of its {count} can be reached from here");
        let finding = Finding::fault(Check::Brokers, Exit::Unavailable, said);
        Err(Finding {
            details: unreached,
            ..finding.next("advertised.listeners of a broker has to name where it is reached from here")
        })
    }

    /// How many partitions each topic has.
    fn topics(&self, client: &Client) -> Result<Vec<(String, u32)>, Broken> {
        let mut counts = Vec::new();
        for topic in self.address.topics() {
            let count = how_many(client, topic).map_err(|error| {
                let source = match sort(&error, true) {
                    _ if faults::is_missing(&error) => faults::no_topic(topic, self.address),
                    Trouble::Lasting => faults::of_topic(topic, &error),
                    _ => faults::unreachable(self.address, &faults::words(&error), self.limit),
                };
                of_source(Check::Topic, &source)
            })?;
            counts.push((topic.clone(), count));
        }
        Ok(counts)
    }

    /// A partition is read from its leader.
    fn leaders(&self, client: &Client, counts: &[(String, u32)]) -> Result<Finding, Broken> {
        let mut without = Vec::new();
        for (topic, _) in counts {
            let metadata = client.fetch_metadata(Some(topic), self.limit);
            let metadata = metadata.map_err(|error| self.unread(Check::Partitions, &error))?;
            for partition in metadata.topics().iter().flat_map(MetadataTopic::partitions) {
                let error = partition
                    .error()
                    .filter(|error| *error != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR);
                if partition.leader() < 0 || error.is_some() {
                    without.push(format!("{topic} [{}]", partition.id()));
                }
            }
        }
        let counted = counts.iter().map(|(topic, count)| {
            let count = counted(u64::from(*count), "partition");
            if counts.len() == 1 {
                count
            } else {
                format!("{topic}: {count}")
            }
        });
        let said = counted.collect::<Vec<_>>().join(", ");
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
