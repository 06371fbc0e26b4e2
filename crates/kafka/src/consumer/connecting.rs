//! From wishes to partitions that are read: brokers, topics, what there is, where each partition begins.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;

use super::client::{ASK, Client, Events, LOOK, create, find_times, how_many, looked_for, partitions};
use super::faults::{self, Trouble, sort};
use super::watching::Watcher;
use super::{Consumer, Wishes};
use crate::placing::{Partition, Placed, Start, place};
use crate::properties::Properties;
use spoutctl_core::positions::Positions;
use spoutctl_delivery::messages::records::SourceError;

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
        let partitions = loop {
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
        events.complaint.lock().take();
        let cluster = client.client().fetch_cluster_id(ASK);
        let Placed { positions, gaps } = place(
            cluster.as_deref(),
            &partitions,
            known,
            wishes.start,
            wishes.on_gap,
            &wishes.share,
        )?;
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
            wishes.address.topics().to_vec(),
            wishes.share.clone(),
            every(&wishes.properties),
            wishes.tell_ends.clone(),
            Arc::clone(&wishes.say),
        );
        let consumer = Self {
            client,
            events,
            wishes,
            positions,
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

fn look(
    client: &Client,
    events: &Events,
    wishes: &Wishes,
    known: Option<&Positions>,
) -> Result<Vec<Partition>, NotYet> {
    let mut wanted = Vec::new();
    for topic in wishes.address.topics() {
        let count = count(client, topic, wishes).map_err(|error| explained(error, client, events))?;
        let read = wishes.share.of(topic, count).map_err(NotYet::Never)?;
        wanted.extend(read.map(|number| (topic.as_str(), number)));
    }
    let failed = |error: KafkaError| match sort(&error, true) {
        Trouble::Lasting => NotYet::Never(faults::lasting(&error, None, &wishes.address)),
        _ => NotYet::Passing(faults::words(&error)),
    };
    let partitions: Result<Vec<Partition>, _> = partitions(client, wanted.into_iter(), ASK).collect();
    let mut partitions = partitions.map_err(failed)?;
    if let Start::At(time) = wishes.start {
        let is_new = |topic: &str| !known.is_some_and(|known| known.knows(topic));
        let wanted = partitions.iter_mut().filter(|partition| is_new(&partition.topic));
        find_times(client, time.as_millisecond(), wanted.collect()).map_err(failed)?;
    }
    Ok(partitions)
}

/// librdkafka's own words for why nobody answers come as an event; one that no waiting mends ends it.
fn explained(not_yet: NotYet, client: &Client, events: &Events) -> NotYet {
    let NotYet::Passing(why) = not_yet else { return not_yet };
    let mut lasting = None;
    // Nothing is assigned, so no record comes. A broker that refuses makes events as fast as they are taken: not for
    // ever.
    let until = Instant::now() + 5 * LOOK;
    while Instant::now() < until
        && let Some(event) = client.poll(LOOK)
    {
        if let Err(error) = event
            && faults::is_about_us(&error)
        {
            lasting.clone_from(&events.complaint.lock());
        }
    }
    let complaint = events.complaint.lock().clone();
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
