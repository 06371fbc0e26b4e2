//! Looks every so often whether topics have more partitions, or are gone, on a thread of its own: a broker that does
//! not answer holds up nobody who reads.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

use super::client::{ASK, Client, Ends, Says, described, ends, led};
use super::faults::{is_missing, words};
use spoutctl_core::positions::Positions;
use spoutctl_core::quantity::counted;

/// Whoever hears where partitions end: behind the newest record that may be read. Those of which nobody tells are not
/// among them.
pub type TellsEnds = Arc<dyn Fn(Positions) + Send + Sync>;

/// What a look has shown.
pub(super) enum Seen {
    /// Which partitions of each topic somebody leads.
    Topics(Vec<(String, Vec<u32>)>),
    /// A topic is not there, a second time.
    Gone(String),
    /// Nobody answers.
    Down(String),
}

/// How often it is told where partitions end.
const ENDS_EVERY: Duration = Duration::from_secs(10);
/// How often it is said that nobody answers for a partition.
const SAY_EVERY: Duration = Duration::from_mins(1);
/// How many of them are named.
const NAMED: usize = 5;

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
        say: Says,
    ) -> Self {
        let (sender, seen) = sync_channel(1);
        let (until, ended) = channel();
        let mut looks = Looks {
            client,
            every: tell_ends.as_ref().map_or(every, |_| every.min(ENDS_EVERY)),
            tell_ends,
            say,
            silent_since: None,
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
    say: Says,
    /// Since when nobody answers for some partition, or when that was said last.
    silent_since: Option<Instant>,
}

impl Looks {
    /// What is not known now, the next look tells.
    fn look_at_ends(&mut self, topics: &[(String, u32)]) {
        let ends = ends(&self.client, topics).unwrap_or_default();
        self.say_silent(&ends);
        self.tell_ends(&ends);
    }

    fn tell_ends(&self, ends: &Ends) {
        let Some(tell) = &self.tell_ends else { return };
        let mut known = Positions::default();
        for ((topic, partition), end) in ends {
            if let Some(end) = end {
                known.set(topic, *partition, *end);
            }
        }
        tell(known);
    }

    /// librdkafka says once that a broker is gone, and goes on with the others.
    fn say_silent(&mut self, ends: &Ends) {
        let silent = ends.iter().filter(|(_, end)| end.is_none());
        let silent: Vec<String> = silent
            .map(|((topic, number), _)| format!("{topic} [{number}]"))
            .collect();
        if silent.is_empty() {
            self.silent_since = None;
            return;
        }
        if self.silent_since.get_or_insert_with(Instant::now).elapsed() < SAY_EVERY {
            return;
        }
        self.silent_since = Some(Instant::now());
        (self.say)(&format!(
            "no broker of Kafka answers for {} ({}{}): nothing of that is read until one does",
            counted(silent.len() as u64, "partition"),
            silent[..silent.len().min(NAMED)].join(", "),
            if silent.len() > NAMED { ", …" } else { "" }
        ));
    }

    fn watch(&mut self, topics: &[(String, u32)], ended: &Receiver<()>, seen: &SyncSender<Seen>) {
        self.look_at_ends(topics);
        let mut missing: Option<String> = None;
        while ended.recv_timeout(self.every) == Err(RecvTimeoutError::Timeout) {
            let look: Result<Vec<(String, Vec<u32>)>, (String, _)> = topics
                .iter()
                .map(|(topic, _)| match described(&self.client, topic, ASK) {
                    Ok(metadata) => Ok((topic.clone(), led(&metadata))),
                    Err(error) => Err((topic.clone(), error)),
                })
                .collect();
            let shown = match look {
                Ok(led) => {
                    missing = None;
                    self.look_at_ends(topics);
                    Seen::Topics(led)
                }
                Err((topic, error)) if is_missing(&error) => {
                    if missing.replace(topic.clone()) != Some(topic.clone()) {
                        // Brokers that have just started know less than there is.
                        continue;
                    }
                    Seen::Gone(topic)
                }
                Err((_, error)) => {
                    self.tell_ends(&Ends::new());
                    Seen::Down(words(&error))
                }
            };
            // Whoever reads may not have taken the last one yet; the next look shows as much.
            let _ = seen.try_send(shown);
        }
    }
}
