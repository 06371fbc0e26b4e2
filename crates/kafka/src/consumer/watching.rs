//! Looks every so often whether topics have more partitions, or are gone, on a thread of its own: a broker that does
//! not answer holds up nobody who reads.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

use super::client::{ASK, Client, Ends, Says, described, ends, led};
use super::faults::{is_missing, words};
use crate::share::Share;
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
        topics: Vec<String>,
        share: Share,
        every: Duration,
        tell_ends: Option<TellsEnds>,
        say: Says,
    ) -> Self {
        let (sender, seen) = sync_channel(1);
        let (until, ended) = channel();
        let mut looks = Looks {
            client,
            share,
            every: tell_ends.as_ref().map_or(every, |_| every.min(ENDS_EVERY)),
            tell_ends,
            silence: Silence { since: None, say },
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
    share: Share,
    every: Duration,
    tell_ends: Option<TellsEnds>,
    silence: Silence,
}

/// Partitions for which nobody answers: librdkafka says once that a broker is gone, and goes on with the others.
struct Silence {
    /// Since when there are such, or when that was said last.
    since: Option<Instant>,
    say: Says,
}

impl Looks {
    /// What is not known now, the next look tells.
    fn look_at_ends(&mut self, topics: &[String]) {
        let ends = ends(&self.client, topics, &self.share).ok();
        self.silence.heard(ends.as_ref(), Instant::now());
        self.tell_ends(&ends.unwrap_or_default());
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

    fn watch(&mut self, topics: &[String], ended: &Receiver<()>, seen: &SyncSender<Seen>) {
        self.look_at_ends(topics);
        let mut missing: Option<String> = None;
        while ended.recv_timeout(self.every) == Err(RecvTimeoutError::Timeout) {
            let look: Result<Vec<(String, Vec<u32>)>, (String, _)> = topics
                .iter()
                .map(|topic| match described(&self.client, topic, ASK) {
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

impl Silence {
    /// What was answered, if anything was: otherwise nothing is known, and what was before still holds.
    fn heard(&mut self, ends: Option<&Ends>, now: Instant) {
        let Some(ends) = ends else { return };
        let silent = ends.iter().filter(|(_, end)| end.is_none());
        let silent: Vec<String> = silent
            .map(|((topic, number), _)| format!("{topic} [{number}]"))
            .collect();
        if silent.is_empty() {
            self.since = None;
            return;
        }
        if now.saturating_duration_since(*self.since.get_or_insert(now)) < SAY_EVERY {
            return;
        }
        self.since = Some(now);
        (self.say)(&format!(
            "no broker of Kafka answers for {} ({}{}): nothing of that is read until one does",
            counted(silent.len() as u64, "partition"),
            silent[..silent.len().min(NAMED)].join(", "),
            if silent.len() > NAMED { ", …" } else { "" }
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;

    #[test]
    fn a_silence_is_said_once_a_minute_until_all_answer_and_a_look_that_failed_does_not_end_it() {
        let ends = |answers: &[Option<u64>]| -> Ends {
            let places = (0..).map(|number| ("t".to_owned(), number));
            places.zip(answers.iter().copied()).collect()
        };
        let (some, all) = (ends(&[Some(3), None]), ends(&[Some(3), Some(0)]));
        let said = Arc::new(Mutex::new(Vec::new()));
        let mut silence = Silence {
            since: None,
            say: Arc::new({
                let said = Arc::clone(&said);
                move |text| said.lock().push(text.to_owned())
            }),
        };
        let begun = Instant::now();
        // How often it was said after each look.
        for (second, heard, times) in [
            (0, Some(&some), 0),
            (30, None, 0),
            (60, Some(&some), 1),
            (90, Some(&some), 1),
            (119, Some(&some), 1),
            (120, Some(&some), 2),
            (150, Some(&all), 2),
            (180, Some(&some), 2),
            (239, Some(&some), 2),
            (240, Some(&some), 3),
        ] {
            silence.heard(heard, begun + Duration::from_secs(second));
            assert_eq!(said.lock().len(), times, "after {second} s");
        }
        assert_eq!(
            said.lock()[0],
            "no broker of Kafka answers for 1 partition (t [1]): nothing of that is read until one does"
        );
    }
}
