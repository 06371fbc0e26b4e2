//! A `put` that is one of several streams in a process: it ends, and may be started again, without the process.
//!
//! A process's end lets go of everything: an input that blocks, a spool, a producer's output. A stream's end has to do
//! that itself, before the next start of the same one opens them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use super::report::Report;
use super::stopping::Stopping;
use crate::commands::connections::Connections;
use crate::metrics::{Figures, Labels, Lags, MetricsSource, Series};
use crate::otlp::Otlp;
use spoutctl_delivery::spill::SpillBuffers;
use spoutctl_delivery::spool::Spool;

/// What the streams of a process have together.
#[derive(Default)]
pub(in crate::commands) struct Shared {
    pub(super) connections: Connections,
    /// By the directory of what does not fit into memory.
    buffers: Mutex<BTreeMap<PathBuf, SpillBuffers>>,
    /// A collector that is told of all of them.
    pub(super) otlp: Option<Arc<Otlp>>,
}

impl Shared {
    pub fn new(otlp: Option<Arc<Otlp>>) -> Self {
        Self {
            otlp,
            ..Self::default()
        }
    }

    /// Memory for archives, of which there is as much as one `put` has.
    pub(super) fn buffers(&self, directory: &Path) -> SpillBuffers {
        let mut buffers = self.buffers.lock();
        let made = || SpillBuffers::new(directory);
        buffers.entry(directory.to_owned()).or_insert_with(made).clone()
    }
}

/// One of the streams of a process.
pub(in crate::commands) struct Member {
    pub name: Arc<str>,
    pub shared: Arc<Shared>,
    /// Numbers of signals, from whoever runs the streams.
    pub signals: Receiver<i32>,
    /// Where it is seen how it goes.
    pub shown: Arc<Mutex<Shown>>,
}

/// How a stream goes.
#[derive(Default)]
pub(in crate::commands) enum Shown {
    /// It did not run yet.
    #[default]
    Nothing,
    Now(Watch),
    /// How it was when it ran last.
    Before(Box<Series>),
}

impl Shown {
    /// What runs is let go of, and its figures are kept.
    pub(super) fn end(&mut self) {
        if let Self::Now(watch) = self {
            let mut series = watch.one();
            series.figures = Figures {
                is_ready: false,
                in_hand: 0,
                ..series.figures
            };
            *self = Self::Before(Box::new(series));
        }
    }

    /// The figures, where it has run.
    pub fn series(&self) -> Option<Series> {
        match self {
            Self::Nothing => None,
            Self::Now(watch) => Some(watch.one()),
            Self::Before(series) => Some((**series).clone()),
        }
    }
}

/// A delivery that is looked at from outside.
#[derive(Clone)]
pub(in crate::commands) struct Watch {
    pub(super) report: Arc<Report>,
    pub(super) labels: Labels,
    pub(super) lags: Lags,
}

impl Watch {
    fn one(&self) -> Series {
        Series {
            labels: self.labels.clone(),
            figures: self.report.figures(),
            lags: self.lags.clone(),
        }
    }
}

impl MetricsSource for Watch {
    fn series(&self) -> Vec<Series> {
        vec![self.one()]
    }

    fn hindrances(&self) -> Vec<String> {
        self.report.hindrances()
    }
}

/// Who is still there of a delivery: each of its threads has a copy of the sender.
pub(super) struct Presence {
    alive: Sender<()>,
    gone: Receiver<()>,
    /// Ends a reading that nobody wants any more, however its input blocks.
    given_up: Arc<Stopping>,
}

impl Presence {
    pub fn new() -> std::io::Result<Self> {
        let (alive, gone) = bounded(0);
        Ok(Self {
            alive,
            gone,
            given_up: Arc::new(Stopping::new()?),
        })
    }

    /// For a thread, to be dropped at its end.
    pub fn here(&self) -> Sender<()> {
        self.alive.clone()
    }

    pub fn given_up(&self) -> Arc<Stopping> {
        Arc::clone(&self.given_up)
    }

    /// Has everything end that still reads, and waits until nothing is left.
    pub fn leave(self, spool: Option<Arc<Spool>>) {
        if let Some(spool) = spool {
            spool.close();
        }
        self.given_up.stop();
        drop(self.alive);
        // Nothing is ever sent: it ends when the last copy is dropped.
        let _ = self.gone.recv();
    }
}
