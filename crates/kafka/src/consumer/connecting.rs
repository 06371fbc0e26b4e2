//! From wishes to partitions that are read: brokers, topics, what there is, where each partition begins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataTopic};
use rdkafka::topic_partition_list::Offset;
use rdkafka::types::RDKafkaRespErr;

use super::faults::{self, Trouble, sort};
use super::watching::Watcher;
use super::{ASK, Client, Consumer, Events, LOOK, Wishes, lock};
use crate::address::Address;
use crate::placing::{Partition, Placed, Start, place};
use crate::properties::Properties;
use spoutctl_core::positions::Positions;
use spoutctl_delivery::messages::records::SourceError;

/// What librdkafka is told unless the settings say otherwise, so that what it holds is bounded.
const USUAL: [(&str, &str); 7] = [
    ("client.id", "spoutctl"),
    // It assigns partitions only to a member of a group, though none is asked for anything.
    ("group.id", "spoutctl"),
    ("queued.max.messages.kbytes", "16384"),
    ("queued.min.messages", "10000"),
    ("fetch.max.bytes", "8388608"),
    // A full queue is looked at again after so many milliseconds; its own second would be most of the time.
    ("fetch.queue.backoff.ms", "20"),
    ("check.crcs", "true"),
];

/// What nobody changes.
const OURS: [(&str, &str); 4] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("isolation.level", "read_committed"),
];

/// How a client says who it is by SASL. Kerberos and Cyrus SASL are not built in.
const MECHANISMS: [&str; 4] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"];

/// How often a topic is looked for that is not there: it may have been made just now.
const LOOKS: usize = 3;

/// How a look at the brokers ends that shows nothing.
enum NotYet {
    Passing(String),
    Never(SourceError),
}

impl Consumer {
    /// Finds the partitions, and begins to read each where it goes on. `None`: we were told to end before.
    ///
    /// # Errors
    /// What cannot be used, is not there, or does not answer for longer than was wished.
    pub fn open(wishes: Wishes, known: Option<&Positions>) -> Result<Option<Self>, SourceError> {
        let events = Events {
            hears: wishes.properties.get("debug").map(|_| Arc::clone(&wishes.say)),
            ..Events::default()
        };
        let client = Arc::new(create(&wishes.address, &wishes.properties, &events)?);
        let begun = Instant::now();
        let mut has_said = false;
        let (counts, partitions) = loop {
            let why = match look(&client, &events, &wishes, known) {
                Ok(found) => break found,
                Err(NotYet::Never(error)) => return Err(error),
                Err(NotYet::Passing(why)) => why,
            };
            if begun.elapsed() >= wishes.retry_for {
                return Err(faults::unreachable(&wishes.address, &why, begun.elapsed()));
            }
            if !std::mem::replace(&mut has_said, true) {
                (wishes.say)(&format!("no broker of Kafka answers: {why}; trying again"));
            }
            for _ in 0..10 {
                if (wishes.is_stopped)() {
                    return Ok(None);
                }
                std::thread::sleep(LOOK);
            }
        };
        lock(&events.complaint).take();
        let cluster = client.client().fetch_cluster_id(ASK);
        let Placed { positions, gaps } = place(cluster.as_deref(), &partitions, known, wishes.start, wishes.on_gap)?;
        for gap in &gaps {
            (wishes.say)(&format!("{gap}; going on at {}", gap.low));
        }
        let ends = wishes.until_end.then(|| {
            let ends = partitions
                .into_iter()
                .map(|partition| (partition.topic, partition.number, partition.high));
            ends.collect()
        });
        let watcher = Watcher::start(
            Arc::clone(&client),
            counts.clone(),
            every(&wishes.properties),
            wishes.tell_ends.clone(),
        );
        let consumer = Self {
            client,
            events,
            wishes,
            positions,
            counts,
            ends,
            watcher,
            down_since: None,
            looked_at: Instant::now(),
            said_refused: false,
        };
        consumer.assign()?;
        Ok(Some(consumer))
    }
}

/// How often it is looked for new partitions: as often as librdkafka itself asks for its own purposes.
fn every(properties: &Properties) -> Duration {
    let named = properties
        .get("topic.metadata.refresh.interval.ms")
        .and_then(|text| text.parse().ok());
    Duration::from_millis(named.unwrap_or(30_000).clamp(200, 3_600_000))
}

pub(super) fn create(address: &Address, properties: &Properties, events: &Events) -> Result<Client, SourceError> {
    if properties.is_secured() && !crate::HAS_TLS {
        return Err(faults::without_tls());
    }
    if let Some(mechanism) = properties.mechanism()
        && !MECHANISMS.iter().any(|ours| ours.eq_ignore_ascii_case(mechanism))
    {
        return Err(faults::no_mechanism(mechanism));
    }
    let mut config = ClientConfig::new();
    for (name, value) in USUAL.into_iter().chain(properties.iter()).chain(OURS) {
        config.set(name, value);
    }
    config.set("bootstrap.servers", address.brokers());
    if events.hears.is_some() {
        config.set_log_level(RDKafkaLogLevel::Debug);
    }
    let created: Result<Client, KafkaError> = config.create_with_context(events.clone());
    created.map_err(|error| faults::settings(&error))
}

type Found = (Vec<(String, u32)>, Vec<Partition>);

fn look(client: &Client, events: &Events, wishes: &Wishes, known: Option<&Positions>) -> Result<Found, NotYet> {
    let mut counts = Vec::new();
    for topic in wishes.address.topics() {
        counts.push((
            topic.clone(),
            count(client, topic, wishes).map_err(|error| explained(error, client, events))?,
        ));
    }
    let failed = |error: KafkaError| match sort(&error, true) {
        Trouble::Lasting => NotYet::Never(faults::lasting(&error, None, &wishes.address)),
        _ => NotYet::Passing(faults::words(&error)),
    };
    let mut partitions = partitions(client, &counts, ASK).map_err(failed)?;
    if let Start::At(time) = wishes.start {
        let is_new = |topic: &str| !known.is_some_and(|known| known.knows(topic));
        let wanted = partitions.iter_mut().filter(|partition| is_new(&partition.topic));
        find_times(client, time.as_millisecond(), wanted.collect()).map_err(failed)?;
    }
    Ok((counts, partitions))
}

/// librdkafka's own words for why nobody answers come as an event; one that no waiting mends ends it.
fn explained(not_yet: NotYet, client: &Client, events: &Events) -> NotYet {
    let NotYet::Passing(why) = not_yet else { return not_yet };
    let mut lasting = None;
    // Nothing is assigned, so no record comes. A broker that refuses makes events as fast as they are taken: not for ever.
    let until = Instant::now() + 5 * LOOK;
    while Instant::now() < until
        && let Some(event) = client.poll(LOOK)
    {
        if let Err(error) = event
            && faults::is_about_us(&error)
        {
            lasting.clone_from(&lock(&events.complaint));
        }
    }
    let complaint = lock(&events.complaint).clone();
    match (lasting, complaint) {
        (Some(complaint), _) => NotYet::Never(faults::refused(&complaint)),
        (None, Some(complaint)) if faults::refuses_certificate(&complaint) => {
            NotYet::Never(faults::refused(&complaint))
        }
        (None, complaint) => NotYet::Passing(complaint.unwrap_or(why)),
    }
}

/// How many partitions a topic has.
fn count(client: &Client, topic: &str, wishes: &Wishes) -> Result<u32, NotYet> {
    let found = looked_for(client, topic, ASK).map(|metadata| how_many(&metadata));
    found.map_err(|error| match sort(&error, true) {
        _ if faults::is_missing(&error) => NotYet::Never(faults::no_topic(topic, &wishes.address)),
        Trouble::Lasting => NotYet::Never(faults::of_topic(topic, &error)),
        _ => NotYet::Passing(faults::words(&error)),
    })
}

/// What the brokers say of a topic that is there. Where it is not, they are asked several times: it may have been made just now.
pub(super) fn looked_for(client: &Client, topic: &str, limit: Duration) -> Result<Metadata, KafkaError> {
    let mut looks = 1;
    loop {
        match described(client, topic, limit) {
            Err(error) if faults::is_missing(&error) && looks < LOOKS => {
                std::thread::sleep(5 * LOOK);
                looks += 1;
            }
            found => return found,
        }
    }
}

/// The same, asked once.
pub(super) fn described(client: &Client, topic: &str, limit: Duration) -> Result<Metadata, KafkaError> {
    let metadata = client.fetch_metadata(Some(topic), limit)?;
    let missing = KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition);
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    match found.ok_or_else(|| missing.clone())?.error() {
        None | Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR) => {}
        Some(error) => return Err(KafkaError::MetadataFetch(error.into())),
    }
    match how_many(&metadata) {
        0 => Err(missing),
        _ => Ok(metadata),
    }
}

/// How many partitions the topic has of which that was said.
pub(super) fn how_many(metadata: &Metadata) -> u32 {
    let partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
    u32::try_from(partitions.count()).unwrap_or(u32::MAX)
}

/// What the brokers have of all partitions.
pub(super) fn partitions(
    client: &Client,
    counts: &[(String, u32)],
    limit: Duration,
) -> Result<Vec<Partition>, KafkaError> {
    let mut partitions = Vec::new();
    for (topic, count) in counts {
        for number in 0..*count {
            let (low, high) = watermarks(client, topic, number, limit)?;
            partitions.push(Partition {
                topic: topic.clone(),
                number,
                low,
                high,
                at_time: None,
            });
        }
    }
    Ok(partitions)
}

/// The oldest offset that is there, and the one behind the newest that may be read.
pub(super) fn watermarks(
    client: &Client,
    topic: &str,
    partition: u32,
    limit: Duration,
) -> Result<(u64, u64), KafkaError> {
    let (low, high) = client.fetch_watermarks(topic, i32::try_from(partition).unwrap_or(i32::MAX), limit)?;
    Ok((u64::try_from(low).unwrap_or(0), u64::try_from(high).unwrap_or(0)))
}

/// Where all partitions end, asked of each broker once, whatever was fetched so far: with `read_committed` that is before the
/// first transaction that is still open.
///
/// librdkafka answers for all or for none, also where one partition has no leader (2.12.1, `rd_kafka_offsets_for_times`): so each
/// leader is asked for its own, and those that do not answer are left out.
pub(super) fn ends(client: &Client, topics: &[(String, u32)]) -> Result<Vec<(String, u32, u64)>, KafkaError> {
    let mut led: BTreeMap<i32, TopicPartitionList> = BTreeMap::new();
    for (topic, _) in topics {
        let metadata = client.fetch_metadata(Some(topic), ASK)?;
        for partition in metadata.topics().iter().flat_map(MetadataTopic::partitions) {
            if partition.leader() >= 0 {
                let list = led.entry(partition.leader()).or_default();
                // In the place of a time this is the one that is later than any.
                list.add_partition_offset(topic, partition.id(), Offset::End)?;
            }
        }
    }
    let mut known = Vec::new();
    for list in led.into_values() {
        let Ok(found) = client.offsets_for_times(list, ASK) else {
            continue;
        };
        known.extend(found.elements().iter().filter_map(|element| {
            let Offset::Offset(end) = element.offset() else {
                return None;
            };
            element.error().ok()?;
            let number = u32::try_from(element.partition()).ok()?;
            Some((element.topic().to_owned(), number, u64::try_from(end).ok()?))
        }));
    }
    Ok(known)
}

fn find_times(client: &Client, time: i64, mut wanted: Vec<&mut Partition>) -> Result<(), KafkaError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let mut list = TopicPartitionList::new();
    for partition in &wanted {
        let number = i32::try_from(partition.number).unwrap_or(i32::MAX);
        list.add_partition_offset(&partition.topic, number, Offset::Offset(time))?;
    }
    let found = client.offsets_for_times(list, ASK)?;
    for partition in &mut wanted {
        let number = i32::try_from(partition.number).unwrap_or(i32::MAX);
        let Some(element) = found.find_partition(&partition.topic, number) else {
            continue;
        };
        element.error()?;
        // Nothing is that new: it begins behind the newest.
        if let Offset::Offset(offset) = element.offset() {
            partition.at_time = u64::try_from(offset).ok();
        }
    }
    Ok(())
}
