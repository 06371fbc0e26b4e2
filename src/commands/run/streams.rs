//! All streams of a process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;
use signal_hook::consts::SIGTERM;

use super::file::Definition;
use super::stream::{Standing, Stream};
use crate::commands::put::member::Shared;
use crate::metrics::{MetricsSource, Series};
use crate::otlp::Otlp;
use spoutctl_core::quantity::counted;

/// How many hindrances the line has that a service manager shows.
const NAMED: usize = 3;

pub(super) struct Streams {
    shared: Arc<Shared>,
    all: Mutex<All>,
    changes: Sender<()>,
    /// Something has changed with one of them.
    pub changed: Receiver<()>,
}

#[derive(Default)]
struct All {
    /// Those that were started and are not gone, by their names.
    there: BTreeMap<Arc<str>, Running>,
    /// What starts when all that are on their way out have ended: it may need what they still have.
    next: Vec<Definition>,
    /// All were told to end: the figures of those that have are the last ones.
    ends: bool,
}

struct Running {
    stream: Arc<Stream>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Whether it is not there any more.
    fn is_gone(&self) -> bool {
        self.stream.standing() == Standing::Ended || self.thread.is_finished()
    }

    /// Whether it is there, and to stay.
    fn stays(&self) -> bool {
        !self.is_gone() && self.stream.is_wanted()
    }
}

impl All {
    /// Whether what is to be anew was to be something else before, the same, or not at all.
    fn compare(&self, definition: &Definition) -> Compared {
        let next = self.next.iter().find(|next| next.name == definition.name);
        let is_same = match (self.there.get(&definition.name), next) {
            (Some(running), _) if running.stays() => running.stream.is_as(definition),
            (_, Some(next)) => next.is_as(definition),
            _ => return Compared::Added,
        };
        if is_same { Compared::Same } else { Compared::Changed }
    }

    /// Starts what waits for the end of others, once they have ended.
    fn start_next(&mut self, shared: &Arc<Shared>, changes: &Sender<()>) {
        self.there.retain(|_, running| !running.is_gone());
        if self.there.values().any(|running| !running.stream.is_wanted()) {
            return;
        }
        for definition in std::mem::take(&mut self.next) {
            let name = Arc::clone(&definition.name);
            let (stream, thread) = Stream::start(definition, shared, changes);
            self.there.insert(name, Running { stream, thread });
        }
    }
}

enum Compared {
    Added,
    Changed,
    Same,
}

/// What another reading of the file has changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub added: usize,
    pub changed: usize,
    pub removed: usize,
    pub same: usize,
}

impl Streams {
    pub fn new(otlp: Option<Arc<Otlp>>) -> Self {
        // One word is as good as many: whoever hears it looks.
        let (changes, heard) = bounded(1);
        Self {
            shared: Arc::new(Shared::new(otlp)),
            all: Mutex::default(),
            changes,
            changed: heard,
        }
    }

    /// Has these run, and no others. Nothing happens to those that are as they were. What is new starts when all that
    /// were removed or changed have ended: it may be one of those by another name, with its branch, spool or FIFO.
    pub fn set(&self, definitions: Vec<Definition>) -> Changes {
        let mut all = self.all.lock();
        let mut changes = Changes::default();
        let names: BTreeSet<Arc<str>> = definitions.iter().map(|one| Arc::clone(&one.name)).collect();
        let there = all.there.iter().filter(|(_, running)| running.stays());
        let before = there
            .map(|(name, _)| name)
            .chain(all.next.iter().map(|next| &next.name));
        changes.removed = before.filter(|name| !names.contains(*name)).count();
        let mut next = Vec::new();
        let mut stay = BTreeSet::new();
        for definition in definitions {
            let compared = all.compare(&definition);
            *match compared {
                Compared::Added => &mut changes.added,
                Compared::Changed => &mut changes.changed,
                Compared::Same => &mut changes.same,
            } += 1;
            let runs = all.there.get(&definition.name).is_some_and(Running::stays);
            if runs && matches!(compared, Compared::Same) {
                stay.insert(definition.name);
            } else {
                next.push(definition);
            }
        }
        for (_, running) in all.there.iter().filter(|(name, _)| !stay.contains(*name)) {
            running.stream.end(SIGTERM);
        }
        all.next = next;
        all.start_next(&self.shared, &self.changes);
        changes
    }

    /// Goes on after a change with one of them.
    pub fn go_on(&self) {
        self.all.lock().start_next(&self.shared, &self.changes);
    }

    /// Has all of them end, as this signal would.
    pub fn end(&self, signal: i32) {
        let mut all = self.all.lock();
        all.next.clear();
        all.ends = true;
        for running in all.there.values() {
            running.stream.end(signal);
        }
    }

    /// Those that are still there.
    pub fn left(&self) -> Vec<Arc<str>> {
        let all = self.all.lock();
        let left = all.there.iter().filter(|(_, running)| !running.is_gone());
        left.map(|(name, _)| Arc::clone(name)).collect()
    }

    /// Whether none has anything more to do.
    pub fn are_done(&self) -> bool {
        let all = self.all.lock();
        let is_done = |running: &Running| matches!(running.stream.standing(), Standing::Done | Standing::Ended);
        all.next.is_empty() && all.there.values().all(is_done)
    }

    /// How it goes, in a line.
    pub fn state(&self) -> String {
        let (mut run, mut wait, mut done) = (0, 0, 0);
        let all = self.all.lock();
        let next = all.next.len() as u64;
        for running in all.there.values() {
            match running.stream.standing() {
                Standing::Starts | Standing::Runs => run += 1,
                Standing::Waits(_) => wait += 1,
                Standing::Done => done += 1,
                Standing::Ended => {}
            }
        }
        drop(all);
        let mut state = format!("{}: {run} running", counted(run + wait + done + next, "stream"));
        for (count, what) in [
            (wait, "failed and waiting"),
            (next, "to start after others"),
            (done, "done"),
        ] {
            if count > 0 {
                state += &format!(", {count} {what}");
            }
        }
        let hindrances = self.hindrances();
        for hindrance in hindrances.iter().take(NAMED) {
            state += "; ";
            state += hindrance;
        }
        if hindrances.len() > NAMED {
            state += &format!("; {} more", hindrances.len() - NAMED);
        }
        state
    }
}

impl MetricsSource for Streams {
    fn series(&self) -> Vec<Series> {
        let all = self.all.lock();
        let there = all
            .there
            .values()
            .filter(|running| all.ends || running.stream.standing() != Standing::Ended);
        there.filter_map(|running| running.stream.series()).collect()
    }

    fn hindrances(&self) -> Vec<String> {
        let all = self.all.lock();
        let mut hindrances = Vec::new();
        for (name, running) in &all.there {
            if running.thread.is_finished() && running.stream.standing() != Standing::Ended {
                hindrances.push(format!(
                    "{name}: a fault of spoutctl has ended it; start spoutctl again"
                ));
            } else {
                hindrances.extend(running.stream.hindrances());
            }
        }
        for next in &all.next {
            hindrances.push(format!("{}: it starts when those before it have ended", next.name));
        }
        hindrances
    }
}
