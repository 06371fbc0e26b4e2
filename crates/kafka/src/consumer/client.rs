//! A client of librdkafka as we want it, and what brokers are asked by it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataTopic};
use rdkafka::topic_partition_list::Offset;
use rdkafka::types::RDKafkaRespErr;

use super::faults;
use crate::address::Address;
use crate::features::HAS_TLS;
use crate::placing::Partition;
use crate::properties::Properties;
use crate::share::Share;
use spoutctl_delivery::messages::records::SourceError;

/// How long one question to a broker may take.
pub(super) const ASK: Duration = Duration::from_secs(5);
/// How often it is looked whether we are to end.
pub(super) const LOOK: Duration = Duration::from_millis(100);

/// Whoever is told what people should know.
pub type Says = Arc<dyn Fn(&str) + Send + Sync>;

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

pub(super) type Client = BaseConsumer<Events>;

/// What librdkafka tells besides records.
#[derive(Clone, Default)]
pub(super) struct Events {
    /// Its newest complaint since a broker answered: it names the broker. It does not say the same one again.
    pub complaint: Arc<Mutex<Option<String>>>,
    /// The newest refusal of offsets for a group.
    pub refused: Arc<Mutex<Option<String>>>,
    /// Hears its own lines, if the settings ask for them by `debug`.
    pub hears: Option<Says>,
}

impl ClientContext for Events {
    // What matters comes as an error, too.
    fn log(&self, _: RDKafkaLogLevel, facility: &str, text: &str) {
        if let Some(hears) = &self.hears {
            hears(&format!("librdkafka: {facility}: {text}"));
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let mut complaint = self.complaint.lock();
        // That all of them are down follows from what was said of each.
        let is_sum = error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown);
        if !is_sum || complaint.is_none() {
            *complaint = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for Events {
    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        *self.refused.lock() = result.err().map(|error| faults::words(&error));
    }
}

pub(super) fn create(address: &Address, properties: &Properties, events: &Events) -> Result<Client, SourceError> {
    if properties.is_secured() && !HAS_TLS {
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

/// What the brokers say of a topic that is there. Where it is not, they are asked several times: it may have been
/// made just now.
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

/// What the brokers have of these partitions, asked one after the other.
pub(super) fn partitions<'a>(
    client: &Client,
    wanted: impl Iterator<Item = (&'a str, u32)>,
    limit: Duration,
) -> impl Iterator<Item = Result<Partition, KafkaError>> {
    wanted.map(move |(topic, number)| {
        let (low, high) = watermarks(client, topic, number, limit)?;
        Ok(Partition {
            topic: topic.to_owned(),
            number,
            low,
            high,
            at_time: None,
        })
    })
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

/// Those partitions of the topic that somebody leads.
pub(super) fn led(metadata: &Metadata) -> Vec<u32> {
    let partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
    let led = partitions.filter(|partition| partition.leader() >= 0);
    led.filter_map(|partition| u32::try_from(partition.id()).ok()).collect()
}

/// Where each partition ends, by topic and number; `None` where nobody tells.
pub(super) type Ends = BTreeMap<(String, u32), Option<u64>>;

/// Where all partitions end that are read, asked of each broker once, whatever was fetched so far: with
/// `read_committed` that is before the first transaction that is still open.
///
/// librdkafka answers for all or for none, also where one partition has no leader (2.12.1,
/// `rd_kafka_offsets_for_times`): so each leader is asked for its own.
pub(super) fn ends(client: &Client, topics: &[String], share: &Share) -> Result<Ends, KafkaError> {
    let mut led: BTreeMap<i32, TopicPartitionList> = BTreeMap::new();
    let mut ends = Ends::new();
    for topic in topics {
        let metadata = client.fetch_metadata(Some(topic), ASK)?;
        for partition in metadata.topics().iter().flat_map(MetadataTopic::partitions) {
            let number = u32::try_from(partition.id()).ok();
            let Some(number) = number.filter(|number| share.has(*number)) else {
                continue;
            };
            ends.insert((topic.clone(), number), None);
            if partition.leader() >= 0 {
                let list = led.entry(partition.leader()).or_default();
                // In the place of a time this is the one that is later than any.
                list.add_partition_offset(topic, partition.id(), Offset::End)?;
            }
        }
    }
    for list in led.into_values() {
        let Ok(found) = client.offsets_for_times(list, ASK) else {
            continue;
        };
        ends.extend(found.elements().iter().filter_map(|element| {
            let Offset::Offset(end) = element.offset() else {
                return None;
            };
            element.error().ok()?;
            let number = u32::try_from(element.partition()).ok()?;
            Some(((element.topic().to_owned(), number), u64::try_from(end).ok()))
        }));
    }
    Ok(ends)
}

pub(super) fn find_times(client: &Client, time: i64, mut wanted: Vec<&mut Partition>) -> Result<(), KafkaError> {
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
