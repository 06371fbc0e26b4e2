//! librdkafka as a source of records.
//!
//! Faults that librdkafka mends by itself are waited for, as long as `--retry-for` says; what would lose a record, or
//! might, ends the reading: to begin again is always safe, since it begins behind the newest commit.

mod client;
mod connecting;
mod examining;
mod faults;
mod watching;

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use parking_lot::Mutex;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::topic_partition_list::Offset;

use crate::address::Address;
use crate::placing::{OnGap, Partition, Start, added, gaps, lost};
use crate::properties::Properties;
use crate::share::Share;
pub use client::Says;
use client::{ASK, Client, Events, LOOK};
pub use examining::{Examination, OF_TOPICS};
use faults::{Trouble, sort};
use spoutctl_core::positions::Positions;
use spoutctl_core::quantity::{counted, elapsed};
use spoutctl_delivery::messages::filter::PackError;
use spoutctl_delivery::messages::packing::Moment;
use spoutctl_delivery::messages::records::{Came, Event, Header, Record, RecordSource, Show, SourceError};
pub use watching::TellsEnds;
use watching::Watcher;

/// What is to be read, and how.
#[derive(Clone)]
pub struct Wishes {
    pub address: Address,
    pub properties: Properties,
    pub start: Start,
    pub on_gap: OnGap,
    /// Which partitions.
    pub share: Share,
    /// Ends once every partition is read to where it ends now.
    pub until_end: bool,
    /// Whether records are shown with their headers.
    pub headers: bool,
    /// The longest time without a broker.
    pub retry_for: Duration,
    /// Is told what whoever runs us should know.
    pub say: Says,
    /// Hears at the start, and then every 10 s, where each partition ends, if somebody wants to.
    pub tell_ends: Option<TellsEnds>,
    /// Whether we are to end.
    pub is_stopped: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// Every partition of some topics, or those of them that are named.
pub struct Consumer {
    client: Arc<Client>,
    events: Events,
    wishes: Wishes,
    /// Where each partition goes on behind what was shown: those of our topics that have a place here are read.
    positions: Positions,
    /// Where partitions end that are to be read to their end.
    ends: Option<Vec<(String, u32, u64)>>,
    watcher: Watcher,
    /// Since when no broker answers.
    down_since: Option<Instant>,
    /// When it was last looked whether the end is reached.
    looked_at: Instant,
    said_refused: bool,
}

/// Tells a group of Kafka how far we are, for those who look at its lag.
pub struct Group {
    client: Arc<Client>,
    say: Says,
    newest: Mutex<Option<Positions>>,
}

impl Group {
    /// Every partition goes on there: what is before is committed. What comes of it is told by librdkafka later.
    pub fn tell(&self, positions: &Positions) {
        // An offset that cannot be told now is told with the next commit; nothing depends on it.
        if let Ok(list) = list(positions.read()) {
            let _ = self.client.commit(&list, CommitMode::Async);
        }
        *self.newest.lock() = Some(positions.clone());
    }

    /// Nothing follows: waits until the group knows what it was told, for 5 s at most.
    pub fn conclude(&self) {
        let Some(list) = self.newest.lock().take().and_then(|newest| list(newest.read()).ok()) else {
            return;
        };
        let client = Arc::clone(&self.client);
        let (sender, told) = std::sync::mpsc::channel();
        // librdkafka's own time-out is a minute.
        std::thread::spawn(move || sender.send(client.commit(&list, CommitMode::Sync)));
        let why = match told.recv_timeout(ASK) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => faults::words(&error),
            Err(_) => "no answer in time".to_owned(),
        };
        (self.say)(&not_told(&why));
    }
}

fn not_told(why: &str) -> String {
    format!("the group of Kafka was not told how far we are: {why}; reading does not depend on it")
}

fn list<'a>(places: impl Iterator<Item = (&'a str, u32, u64)>) -> Result<TopicPartitionList, SourceError> {
    let mut list = TopicPartitionList::new();
    for (topic, partition, next) in places {
        let number = i32::try_from(partition).unwrap_or(i32::MAX);
        let offset = i64::try_from(next).unwrap_or(i64::MAX);
        let added = list.add_partition_offset(topic, number, Offset::Offset(offset));
        added.map_err(|error| faults::unusable(&error))?;
    }
    Ok(list)
}

/// `None` where one has a name that is not UTF-8: rdkafka (0.39.0) panics when it is asked for such a header.
fn headers<'a>(message: &'a BorrowedMessage<'_>) -> Option<Vec<Header<'a>>> {
    let Some(headers) = message.headers() else {
        return Some(Vec::new());
    };
    unless_it_panics(|| {
        (0..headers.count())
            .filter_map(|at| headers.try_get(at))
            .map(|header| Header {
                name: header.key,
                value: header.value,
            })
            .collect()
    })
}

/// What `read` answers. Nothing is printed of a panic of it.
fn unless_it_panics<T>(read: impl FnOnce() -> T) -> Option<T> {
    thread_local! {
        static IS_READING: Cell<bool> = const { Cell::new(false) };
    }
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            if !IS_READING.get() {
                usual(what);
            }
        }));
    });
    IS_READING.set(true);
    let read = panic::catch_unwind(AssertUnwindSafe(read));
    IS_READING.set(false);
    read.ok()
}

impl Consumer {
    /// Whoever is to be told how far we are, if the settings name a group.
    pub fn group(&self) -> Option<Group> {
        self.wishes.properties.get("group.id").map(|_| Group {
            client: Arc::clone(&self.client),
            say: Arc::clone(&self.wishes.say),
            newest: Mutex::new(None),
        })
    }

    /// Where every partition begins.
    pub fn positions(&self) -> &Positions {
        &self.positions
    }

    /// Reads on from `positions`, and from nowhere else.
    fn assign(&self) -> Result<(), SourceError> {
        let list = list(self.read())?;
        self.client.assign(&list).map_err(|error| faults::unusable(&error))
    }

    /// The partitions that are read, and where each goes on: a commit may say more, of topics that are not read now.
    fn read(&self) -> impl Iterator<Item = (&str, u32, u64)> {
        let topics = self.wishes.address.topics();
        let is_read = move |topic: &str| topics.iter().any(|name| name == topic);
        self.positions.read().filter(move |(topic, ..)| is_read(topic))
    }

    fn show(&mut self, message: &BorrowedMessage<'_>, show: &mut Show<'_>) -> Result<(), PackError> {
        let topic = message.topic();
        let (Ok(partition), Ok(offset)) = (u32::try_from(message.partition()), u64::try_from(message.offset())) else {
            return Ok(());
        };
        let headers = self.wishes.headers.then(|| headers(message)).flatten();
        let time = message.timestamp().to_millis();
        show(Event::Record(Record {
            topic,
            partition,
            offset,
            key: message.key(),
            value: message.payload(),
            time: time.and_then(|time| Timestamp::from_millisecond(time).ok()),
            headers: headers.as_deref(),
        }))?;
        self.positions.set(topic, partition, offset.saturating_add(1));
        Ok(())
    }

    /// What librdkafka says instead of a record.
    fn trouble(&mut self, error: &KafkaError, show: &mut Show<'_>) -> Result<(), PackError> {
        let complaint = self.events.complaint.lock().clone();
        match sort(error, self.wishes.properties.get("group.id").is_some()) {
            Trouble::Nothing => Ok(()),
            Trouble::OutOfRange => self.find_gaps(show),
            Trouble::Passing => {
                self.is_down(&complaint.unwrap_or_else(|| faults::words(error)))?;
                Ok(())
            }
            Trouble::Lasting => Err(faults::lasting(error, complaint, &self.wishes.address).into()),
        }
    }

    /// No broker answers; an error once that has lasted too long.
    fn is_down(&mut self, why: &str) -> Result<(), SourceError> {
        let now = Instant::now();
        let Some(since) = self.down_since else {
            self.down_since = Some(now);
            // Others may answer, and what they lead is read meanwhile.
            (self.wishes.say)(&format!("a broker of Kafka does not answer: {why}; trying again"));
            return Ok(());
        };
        let waited = now.saturating_duration_since(since);
        if waited < self.wishes.retry_for {
            return Ok(());
        }
        Err(faults::unreachable(&self.wishes.address, why, waited))
    }

    /// A broker answers; since when none did, if none did.
    fn is_up(&mut self) -> Option<Instant> {
        let since = self.down_since.take()?;
        self.events.complaint.lock().take();
        Some(since)
    }

    /// Some position is not there: which, and what then.
    fn find_gaps(&mut self, show: &mut Show<'_>) -> Result<(), PackError> {
        let read = self.read().map(|(topic, partition, _)| (topic, partition));
        let asked = client::partitions(&self.client, read, ASK);
        // A topic that was made anew may have fewer than a commit tells of.
        let there = asked.filter(|asked| !asked.as_ref().is_err_and(faults::is_no_partition));
        let partitions: Vec<Partition> = match there.collect() {
            Ok(partitions) => partitions,
            Err(error) => return Ok(self.is_down(&faults::words(&error))?),
        };
        let gaps = gaps(&self.positions, &partitions);
        if self.wishes.on_gap == OnGap::Stop && !gaps.is_empty() {
            return Err(lost(&gaps).into());
        }
        for gap in &gaps {
            (self.wishes.say)(&format!("{gap}; going on at {}", gap.low));
            self.positions.set(&gap.topic, gap.partition, gap.low);
            show(Event::Placed {
                topic: &gap.topic,
                partition: gap.partition,
                next: gap.low,
            })?;
        }
        // Also where there is no gap any more: librdkafka reads nothing further of a partition that it complained of.
        self.assign()?;
        Ok(())
    }

    /// What the watcher has seen since.
    fn look_around(&mut self, show: &mut Show<'_>) -> Result<(), PackError> {
        match self.watcher.seen() {
            None => Ok(()),
            Some(watching::Seen::Down(why)) => Ok(self.is_down(&why)?),
            Some(watching::Seen::Gone(topic)) => Err(faults::gone(&topic, &self.wishes.address).into()),
            Some(watching::Seen::Topics(led)) => {
                if let Some(since) = self.is_up() {
                    let waited = elapsed(since.elapsed());
                    (self.wishes.say)(&format!("brokers of Kafka answer again, after {waited}"));
                }
                self.take_in(&led, show)
            }
        }
    }

    /// Partitions that were added: each begins at its beginning. One that is so new that nobody leads it is found by a
    /// later look.
    fn take_in(&mut self, led: &[(String, Vec<u32>)], show: &mut Show<'_>) -> Result<(), PackError> {
        let low = |topic: &str, partition| {
            // A broker that hangs costs a time-out for each.
            let asked = (!(self.wishes.is_stopped)()).then(|| client::watermarks(&self.client, topic, partition, ASK));
            asked?.ok().map(|(low, _)| low)
        };
        let added = added(&self.positions, led, &self.wishes.share, low);
        for (topic, partition, next) in &added {
            self.positions.set(topic, *partition, *next);
            show(Event::Placed {
                topic,
                partition: *partition,
                next: *next,
            })?;
        }
        for of_one in added.chunk_by(|(one, ..), (other, ..)| one == other) {
            let (topic, partitions) = (&of_one[0].0, counted(of_one.len() as u64, "partition"));
            (self.wishes.say)(&format!(
                "topic {topic} has grown by {partitions}, read from the beginning"
            ));
        }
        if !added.is_empty() {
            self.assign()?;
        }
        Ok(())
    }

    /// Whether every partition is read to where it ended.
    fn is_at_end(&mut self, now: Instant) -> bool {
        if self.ends.is_none() || now.saturating_duration_since(self.looked_at) < LOOK {
            return false;
        }
        self.looked_at = now;
        self.passed(&mut |_, _, _| {});
        let positions = &self.positions;
        let is_read = |(topic, partition, end): &(String, u32, u64)| {
            positions.of(topic, *partition).is_some_and(|next| next >= *end)
        };
        self.ends.as_ref().is_some_and(|ends| ends.iter().all(is_read))
    }

    /// Offsets that were refused to be told to the group, once.
    fn say_refused(&mut self) {
        if let Some(why) = self.events.refused.lock().take()
            && !std::mem::replace(&mut self.said_refused, true)
        {
            (self.wishes.say)(&not_told(&why));
        }
    }
}

impl RecordSource for Consumer {
    fn next(&mut self, until: Option<Instant>, show: &mut Show<'_>) -> Result<Came, PackError> {
        let client = Arc::clone(&self.client);
        loop {
            if (self.wishes.is_stopped)() {
                return Ok(Came::Stop);
            }
            self.look_around(show)?;
            let now = Instant::now();
            let left = until.map_or(LOOK, |until| until.saturating_duration_since(now));
            match client.poll(left.min(LOOK)) {
                Some(Ok(message)) => {
                    self.is_up();
                    self.show(&message, show)?;
                    if self.is_at_end(now) {
                        return Ok(Came::End);
                    }
                    return Ok(Came::Something);
                }
                Some(Err(error)) => self.trouble(&error, show)?,
                None => {
                    self.say_refused();
                    let now = Instant::now();
                    if self.is_at_end(now) {
                        return Ok(Came::End);
                    }
                    if until.is_some_and(|until| now >= until) {
                        return Ok(Came::Silence);
                    }
                }
            }
        }
    }

    fn passed(&mut self, tell: &mut dyn FnMut(&str, u32, u64)) {
        // Behind the last record that was shown, or behind what is no record and follows it.
        let Ok(positions) = self.client.position() else { return };
        for element in positions.elements() {
            let (Ok(partition), Offset::Offset(next)) = (u32::try_from(element.partition()), element.offset()) else {
                continue;
            };
            let Ok(next) = u64::try_from(next) else { continue };
            if self
                .positions
                .of(element.topic(), partition)
                .is_some_and(|known| known <= next)
            {
                self.positions.set(element.topic(), partition, next);
                // Also what we know already: whoever asks may not.
                tell(element.topic(), partition, next);
            }
        }
    }

    fn now(&self) -> Moment {
        Moment {
            instant: Instant::now(),
            time: Timestamp::now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::unless_it_panics;

    #[test]
    fn a_panic_while_headers_are_read_is_an_answer() {
        assert_eq!(unless_it_panics(|| 1), Some(1));
        let name = vec![0xff];
        assert_eq!(unless_it_panics(|| String::from_utf8(name).unwrap()), None);
        assert_eq!(unless_it_panics(|| 2), Some(2));
    }
}
