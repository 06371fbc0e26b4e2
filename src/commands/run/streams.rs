//! All streams of a process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use signal_hook::consts::SIGTERM;

use super::file::Definition;
use super::stream::{Standing, Stream};
use crate::commands::put::member::Shared;
use crate::metrics::{MetricsSource, Series};
use spoutctl_core::quantity::counted;

/// How many hindrances the line has that a service manager shows.
const NAMED: usize = 3;

pub(super) struct Streams {
    shared: Arc<Shared>,
    all: Mutex<BTreeMap<Arc<str>, Running>>,
    changes: Sender<()>,
    /// Something has changed with one of them.
    pub changed: Receiver<()>,
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
    pub fn new() -> Self {
        // One word is as good as many: whoever hears it looks.
        let (changes, heard) = bounded(1);
        Self {
            shared: Arc::default(),
            all: Mutex::default(),
            changes,
            changed: heard,
        }
    }

    /// Has these run, and no others. Nothing happens to those that are as they were.
    pub fn set(&self, definitions: Vec<Definition>) -> Changes {
        let mut all = self.lock();
        let mut changes = Changes::default();
        let names: Vec<Arc<str>> = definitions.iter().map(|one| Arc::clone(&one.name)).collect();
        for (_, running) in all.iter().filter(|(name, _)| !names.contains(name)) {
            // It may be on its way out since an earlier time.
            changes.removed += usize::from(running.stream.is_wanted() && running.stream.wish(None, SIGTERM));
        }
        for definition in definitions {
            let name = Arc::clone(&definition.name);
            if let Some(running) = all.get(&name)
                && !running.is_gone()
            {
                if running.stream.is_as(&definition) {
                    changes.same += 1;
                    continue;
                }
                let was_wanted = running.stream.is_wanted();
                if running.stream.wish(Some(Arc::new(definition)), SIGTERM) {
                    *if was_wanted {
                        &mut changes.changed
                    } else {
                        &mut changes.added
                    } += 1;
                }
                continue;
            }
            let (stream, thread) = Stream::start(Arc::new(definition), &self.shared, &self.changes);
            all.insert(name, Running { stream, thread });
            changes.added += 1;
        }
        all.retain(|_, running| !running.is_gone());
        changes
    }

    /// Has all of them end, as this signal would.
    pub fn end(&self, signal: i32) {
        for running in self.lock().values() {
            running.stream.wish(None, signal);
        }
    }

    /// Those that are still there.
    pub fn left(&self) -> Vec<Arc<str>> {
        let all = self.lock();
        let left = all.iter().filter(|(_, running)| !running.is_gone());
        left.map(|(name, _)| Arc::clone(name)).collect()
    }

    /// Whether none has anything more to do.
    pub fn are_done(&self) -> bool {
        let all = self.lock();
        all.values()
            .all(|running| matches!(running.stream.standing(), Standing::Done | Standing::Ended))
    }

    /// How it goes, in a line.
    pub fn state(&self) -> String {
        let (mut run, mut wait, mut done) = (0, 0, 0);
        for running in self.lock().values() {
            match running.stream.standing() {
                Standing::Starts | Standing::Runs => run += 1,
                Standing::Waits(_) => wait += 1,
                Standing::Done => done += 1,
                Standing::Ended => {}
            }
        }
        let mut state = format!("{}: {run} running", counted(run + wait + done, "stream"));
        for (count, what) in [(wait, "failed and waiting"), (done, "done")] {
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

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Running>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MetricsSource for Streams {
    fn series(&self) -> Vec<Series> {
        let all = self.lock();
        let there = all
            .values()
            .filter(|running| running.stream.standing() != Standing::Ended);
        there.filter_map(|running| running.stream.series()).collect()
    }

    fn hindrances(&self) -> Vec<String> {
        let all = self.lock();
        let mut hindrances = Vec::new();
        for (name, running) in all.iter() {
            if running.thread.is_finished() && running.stream.standing() != Standing::Ended {
                hindrances.push(format!(
                    "{name}: a fault of spoutctl has ended it; start spoutctl again"
                ));
            } else {
                hindrances.extend(running.stream.hindrances());
            }
        }
        hindrances
    }
}
