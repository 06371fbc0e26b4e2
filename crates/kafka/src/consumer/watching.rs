//! Looks every so often whether topics have more partitions, or are gone, on a thread of its own: a broker that does
//! not answer holds up nobody who reads.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use super::client::{ASK, Client, described, ends, how_many};
use super::faults::{is_missing, words};

/// Whoever hears where partitions end: topic, partition, and the offset behind the newest record that may be read.
pub type TellsEnds = Arc<dyn Fn(&str, u32, u64) + Send + Sync>;

/// What a look has shown.
pub(super) enum Seen {
    /// How many partitions each topic has.
    Topics(Vec<(String, u32)>),
    /// A topic is not there, a second time.
    Gone(String),
    /// Nobody answers.
    Down(String),
}

/// How often it is told where partitions end.
const ENDS_EVERY: Duration = Duration::from_secs(10);

pub(super) struct Watcher {
    seen: Receiver<Seen>,
    /// Closed to end it.
    _until: Sender<()>,
}

impl Watcher {
    pub fn start(
        client: Arc<Client>,
        topics: Vec<(String, u32)>,
        every: Duration,
        tell_ends: Option<TellsEnds>,
    ) -> Self {
        let (sender, seen) = sync_channel(1);
        let (until, ended) = channel();
        let looks = Looks {
            client,
            every: tell_ends.as_ref().map_or(every, |_| every.min(ENDS_EVERY)),
            tell_ends,
        };
        std::thread::spawn(move || looks.watch(&topics, &ended, &sender));
        Self { seen, _until: until }
    }

    /// What the newest look has shown, if there was one since.
    pub fn seen(&self) -> Option<Seen> {
        self.seen.try_recv().ok()
    }
}

struct Looks {
    client: Arc<Client>,
    every: Duration,
    tell_ends: Option<TellsEnds>,
}

impl Looks {
    fn tell_ends(&self, topics: &[(String, u32)]) {
        let Some(tell) = &self.tell_ends else { return };
        // What is not known now, the next look tells.
        for (topic, partition, end) in ends(&self.client, topics).unwrap_or_default() {
            tell(&topic, partition, end);
        }
    }

    fn watch(&self, topics: &[(String, u32)], ended: &Receiver<()>, seen: &SyncSender<Seen>) {
        self.tell_ends(topics);
        let mut missing: Option<String> = None;
        while ended.recv_timeout(self.every) == Err(RecvTimeoutError::Timeout) {
            let look: Result<Vec<(String, u32)>, (String, _)> = topics
                .iter()
                .map(|(topic, _)| match described(&self.client, topic, ASK) {
                    Ok(metadata) => Ok((topic.clone(), how_many(&metadata))),
                    Err(error) => Err((topic.clone(), error)),
                })
                .collect();
            let shown = match look {
                Ok(counts) => {
                    missing = None;
                    self.tell_ends(&counts);
                    Seen::Topics(counts)
                }
                Err((topic, error)) if is_missing(&error) => {
                    if missing.replace(topic.clone()) != Some(topic.clone()) {
                        // Brokers that have just started know less than there is.
                        continue;
                    }
                    Seen::Gone(topic)
                }
                Err((_, error)) => Seen::Down(words(&error)),
            };
            // Whoever reads may not have taken the last one yet; the next look shows as much.
            let _ = seen.try_send(shown);
        }
    }
}
