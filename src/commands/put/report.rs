//! What `put` tells: acknowledgements on standard output, progress and notes on standard error.
//!
//! | module | part of it |
//! |---|---|
//! | `wording` | outcomes in words |
//! | `counts` | how much was read and done |
//! | `partitions` | how far the partitions of the source are |
//! | `steps` | how long each step of a commit took |
//! | `traces` | what is told of that to OpenTelemetry |
//! | `watching` | figures, and whether archives can become commits now |
//! | `awaited` | what the reading side waits for |
//! | `resumption` | what an error says of what is committed |

mod awaited;
mod counts;
mod partitions;
mod resumption;
mod steps;
mod traces;
mod watching;
mod wording;

pub(super) use traces::Traces;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::acknowledging::{Acknowledgement, Acknowledger};
use super::lines::{Archives, Line, Place, reason, variables};
use super::stats::Stats;
use crate::commands::messages::demand::Demand;
use crate::failure::Failure;
use crate::metrics::Figures;
use crate::terminal::Terminal;
use crate::terminal::line::{LONGEST, length_in_a_log};
use crate::terminal::progress_bar::ProgressBar;
use awaited::Awaited;
use counts::Counts;
use parking_lot::Mutex;
use partitions::Partitions;
use resumption::Resumption;
use spoutctl_archive::{Archive, Aside, Asides, Digest, Files, Label, PositionMap};
use spoutctl_core::fault::Fault;
use spoutctl_core::quantity::{Size, counted, grouped};
use spoutctl_delivery::{DeliveryError, Observer, Ready, Settled, Step, Summary, Unacknowledged};
use steps::{Steps, Taken};
use watching::Watched;

/// How often progress is drawn, at most.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// How often `--verbose` says where things are when nothing is drawn.
const SAY_EVERY: Duration = Duration::from_secs(10);
/// How often it is said that a call is made again.
const SAY_RETRYING_EVERY: Duration = Duration::from_mins(1);
/// How many messages that were set aside are named.
const NAMED: usize = 10;

pub(super) struct Report {
    terminal: Arc<Terminal>,
    json: bool,
    acknowledger: Option<Arc<Acknowledger>>,
    /// Counts how long archives take.
    pub stats: Option<Arc<Stats>>,
    /// Tells how commits came about.
    pub traces: Option<Traces>,
    /// Tells whoever collects messages that they are wanted.
    pub demand: Option<Arc<Demand>>,
    pub counts: Counts,
    pub watched: Watched,
    pub awaited: Awaited,
    pub partitions: Partitions,
    pub resumption: Resumption,
    /// Milliseconds after the start when progress was last shown.
    shown: AtomicU64,
    said_retrying: Mutex<Option<Instant>>,
    steps: Steps,
}

/// An archive that is safe in a spool.
pub(super) struct Spooled {
    pub sequence: u64,
    pub digest: Digest,
    pub label: Label,
}

impl Report {
    pub fn new(terminal: Arc<Terminal>, json: bool, acknowledger: Option<Arc<Acknowledger>>) -> Self {
        Self {
            terminal,
            json,
            acknowledger,
            stats: None,
            traces: None,
            demand: None,
            counts: Counts::new(),
            watched: Watched::default(),
            awaited: Awaited::default(),
            partitions: Partitions::default(),
            resumption: Resumption::default(),
            shown: AtomicU64::new(0),
            said_retrying: Mutex::new(None),
            steps: Steps::default(),
        }
    }

    /// Whether somebody wants to know how it goes.
    #[cfg_attr(not(feature = "kafka"), allow(dead_code, reason = "only what reads Kafka needs it"))]
    pub fn has_figures(&self) -> bool {
        self.stats.is_some()
    }

    /// So many more bytes were read from the input.
    pub fn read(&self, bytes: usize) {
        self.counts.read(bytes);
        self.progress();
    }

    fn progress(&self) {
        let bar = self.terminal.bar();
        let every = if bar.is_some() { DRAW_EVERY } else { SAY_EVERY };
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let now = milliseconds(self.counts.time());
        let shown = self.shown.load(Ordering::Relaxed);
        let is_due = now.saturating_sub(shown) >= milliseconds(every);
        // Of several threads that find it due, one shows it.
        let relaxed = Ordering::Relaxed;
        if !is_due || self.shown.compare_exchange(shown, now, relaxed, relaxed).is_err() {
            return;
        }
        match bar {
            Some(bar) => self.draw(bar),
            None => self.terminal.detail(&self.how_far(None)),
        }
    }

    fn draw(&self, bar: &ProgressBar) {
        bar.show(self.how_far(self.terminal.width()));
    }

    fn how_far(&self, width: Option<usize>) -> String {
        let watched = &self.watched;
        let (sent, finishing) = (watched.sent_bytes(), watched.finishing());
        self.counts.progress(sent, watched.sending(), finishing, width)
    }

    /// The first of an archive was read then: its first message, or, unless that is known, all of it.
    pub fn begun(&self, archive: u64, at: Instant) {
        if let Some(stats) = &self.stats {
            stats.begun(archive, at);
        }
    }

    /// Messages that are not in the files of an archive that is handed over.
    pub fn left_out(&self, asides: &Asides) {
        self.counts.left_out(asides);
        for aside in asides.listed.iter().take(NAMED) {
            let Aside {
                message, reason, place, ..
            } = aside;
            let number = grouped(*message);
            self.terminal
                .warning(&format!("message {number} {reason}; set aside as {place}"));
        }
        let more = asides.set_aside.saturating_sub(NAMED as u64);
        if more > 0 {
            self.terminal
                .warning(&format!("{} more set aside with it", grouped(more)));
        }
    }

    pub fn figures(&self) -> Figures {
        let in_hand = self.stats.as_ref().map_or(0, |stats| stats.in_hand() as u64);
        Figures {
            partitions: self.partitions.figures(),
            ..self.watched.figures(&self.counts, in_hand)
        }
    }

    /// What keeps archives from becoming commits now, a few words each.
    pub fn hindrances(&self) -> Vec<String> {
        self.watched.hindrances(Instant::now())
    }

    /// Says how far it is.
    pub fn say_figures(&self) {
        let figures = self.figures();
        let lag = self.stats.as_ref().and_then(|stats| stats.take_lag());
        if self.json {
            self.print(counts::stats(&figures, self.counts.time(), lag));
        }
        self.terminal.status(&counts::stats_in_words(&figures, lag));
    }

    /// How it goes, in a line: what is done, and what is in the way.
    pub fn state(&self) -> String {
        let figures = self.figures();
        let mut state = format!(
            "{}, {}",
            counted(figures.totals.commits, "commit"),
            Size(figures.totals.bytes)
        );
        for hindrance in self.hindrances() {
            state += "; ";
            state += &hindrance;
        }
        state
    }

    fn trace(&self, settled: &Settled<'_>, taken: &[Taken]) {
        let Some(traces) = &self.traces else { return };
        if let Settled::Committed(receipt) = settled {
            let begun = self.stats.as_ref().and_then(|stats| stats.begin_of(settled.archives()));
            traces.committed(receipt, begun, taken);
        }
        traces.settled(settled.archive());
    }

    /// Tells that an archive became no commit.
    pub fn failed(&self, failure: &Failure) {
        if let (Some(traces), Some(archive)) = (&self.traces, failure.archive) {
            let begun = self.stats.as_ref().and_then(|stats| stats.begin_of(archive..=archive));
            traces.failed(failure, archive, begun, &self.steps.of(archive));
        }
    }

    /// Says what came of it all.
    pub fn summarise(&self, summary: Summary, complete: bool) {
        if self.json {
            self.print(self.counts.summary(summary, complete));
        }
        if let Some(text) = self.counts.sum() {
            self.terminal.status(&text);
        }
    }

    fn print(&self, mut line: Line<'_>) {
        loop {
            match line.written(self.terminal.stream()) {
                // A log that ends at a long line would hide all that follows.
                Ok(text) if length_in_a_log(&text) > LONGEST && line.list_fewer() => {}
                Ok(text) => return self.terminal.result(&text),
                Err(error) => {
                    let text = format!("a line of JSON could not be made: {error}");
                    return self.terminal.warning(&text);
                }
            }
        }
    }

    /// The archive is in the spool, and survives a crash: the producer may forget it.
    pub fn spooled(&self, archive: &Spooled) {
        if self.json {
            self.print(Line::Spooled {
                seq: archive.sequence,
                digest: archive.digest.to_string(),
                place: Place::of(&archive.label),
            });
        }
    }

    /// Says what came of an archive.
    fn say(&self, settled: &Settled<'_>) {
        match settled {
            Settled::Empty(archive) => return self.terminal.note(&wording::emptiness(archive)),
            Settled::Quarantined(archive, file) => {
                let text = format!("{}; set aside as {}", reason(archive), file.display());
                self.terminal.warning_of(archive.number, &text);
            }
            Settled::Skipped(archive) => {
                let text = format!("{}; left out", reason(archive));
                self.terminal.warning_of(archive.number, &text);
            }
            Settled::Committed(receipt) | Settled::Already(receipt) if !self.json => {
                for member in wording::members(receipt) {
                    self.terminal.detail(&member);
                }
                let already = matches!(settled, Settled::Already(_));
                let suffix = if already { "   already" } else { "" };
                let text = wording::acknowledgement(receipt) + suffix;
                self.terminal.result(&self.terminal.named(&text));
            }
            Settled::Committed(_) | Settled::Already(_) => {}
        }
        if self.json {
            self.print(Line::of(settled));
        }
    }
}

impl Observer for Report {
    fn ready(&self, ready: &Ready) {
        self.awaited.had_messages(ready.messages);
        self.watched.ready();
    }

    fn placed(&self, positions: Option<&PositionMap>) {
        self.awaited.placed(positions);
    }

    fn received(&self, archive: &Archive) {
        if let Some(traces) = &self.traces {
            traces.received(archive.number);
        }
        self.counts.received();
    }

    fn wanted(&self) {
        if let Some(demand) = &self.demand {
            demand.make();
        }
    }

    fn forming(&self, archives: RangeInclusive<u64>) -> Result<(), DeliveryError> {
        self.resumption.forming(archives);
        Ok(())
    }

    fn sent(&self, archive: &Archive, bytes: u64) {
        self.watched.sent(archive, bytes);
        self.progress();
    }

    fn sent_early(&self, archive: u64, bytes: u64) {
        self.watched.sent_early(archive, bytes);
        self.progress();
    }

    fn stepped(&self, archive: u64, step: Step, took: Duration) {
        self.steps.took(archive, step, took);
        self.watched.stepped(archive, step);
        // Nothing more is read or sent while a commit is finished: this is drawn at once, or not at all.
        if let (Step::Close, Some(bar)) = (step, self.terminal.bar()) {
            self.draw(bar);
        }
    }

    fn would_commit(&self, archive: &Archive, files: &Files) {
        let deletions = files.deletions().len();
        self.counts.would_commit(files);
        if self.json {
            self.print(Line::Archive {
                archive: archive.number,
                archives: archive.batch.as_ref().map(|batch| Archives::new(batch, archive.number)),
                input: &archive.input,
                offset: archive.offset,
                length: archive.length,
                digest: archive.digest.to_string(),
                files: files.len(),
                deletions,
                bytes: files.total_bytes(),
                place: Place::of(&archive.label),
            });
        }
        self.terminal.status(&format!(
            "{}: {}, {}; nothing is sent",
            wording::numbered(&archive.numbers()),
            wording::files_of(files.len() as u64, deletions as u64),
            Size(files.total_bytes())
        ));
    }

    fn settled(&self, settled: &Settled<'_>) -> Result<(), Unacknowledged> {
        // Who reads that it is done finds it counted.
        self.counts.settled(settled);
        let taken = self.steps.of(settled.archive());
        if let (Settled::Committed(_), Some(steps)) = (settled, steps::in_words(settled.archive(), &taken)) {
            self.terminal.detail(&steps);
        }
        self.say(settled);
        if let Settled::Committed(receipt) | Settled::Already(receipt) = settled {
            self.resumption.committed(receipt);
        }
        if let Settled::Committed(_) = settled {
            self.watched.committed();
        }
        if let Some(acknowledger) = &self.acknowledger {
            let line = Line::of(settled)
                .written(self.terminal.stream())
                .map_err(|error| Unacknowledged {
                    how: format!("a line of JSON could not be made: {error}"),
                })?;
            acknowledger.give(&Acknowledgement {
                line,
                variables: variables(settled),
            })?;
        }
        if let Settled::Committed(receipt) = settled
            && let Some(PositionMap::Partitions(positions)) = &receipt.label.positions
        {
            self.awaited.acknowledged(positions);
            self.partitions.are_at(positions);
        }
        self.trace(settled, &taken);
        if let Some(stats) = &self.stats {
            let now = Instant::now();
            settled.archives().for_each(|archive| stats.done(archive, now));
        }
        self.watched.settled(settled);
        self.resumption.settled(settled.archive());
        self.awaited.settled(settled.batch().map_or(1, |batch| batch.count));
        Ok(())
    }

    fn note(&self, text: &str) {
        self.terminal.note(text);
    }

    /// The first of a series is said, and then one a minute: `put` may try for ten minutes, and silence looks like
    /// work.
    fn retrying(&self, fault: &Fault) {
        self.watched.retrying(fault.kind);
        let mut said = self.said_retrying.lock();
        if said.is_some_and(|time| time.elapsed() < SAY_RETRYING_EVERY) {
            return self.terminal.detail(&format!("trying again: {fault}"));
        }
        *said = Some(Instant::now());
        self.terminal.note(&format!("{fault}; trying again"));
    }
}
