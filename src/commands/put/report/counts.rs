//! How much was read and done so far, in numbers, lines and words.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::super::lines::Line;
use super::super::stats::Lag;
use super::wording::{files_of, finishing_now, read_so_far, sent_so_far};
use crate::metrics::Figures;
use spoutctl_archive::{Asides, Files};
use spoutctl_core::quantity::{Size, counted, elapsed, grouped, rate};
use spoutctl_delivery::{Settled, Summary};

/// Counted from several threads.
pub(super) struct Counts {
    started: Instant,
    read: AtomicU64,
    /// Bytes of the whole input, where that is known.
    expected: OnceLock<u64>,
    pub archives: AtomicU64,
    pub commits: AtomicU64,
    pub already: AtomicU64,
    pub quarantined: AtomicU64,
    pub skipped: AtomicU64,
    pub messages_set_aside: AtomicU64,
    pub messages_skipped: AtomicU64,
    files: AtomicU64,
    deletions: AtomicU64,
    pub bytes: AtomicU64,
    /// In archives that are done.
    pub messages: AtomicU64,
}

fn add(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}

pub(super) fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Counts {
    pub fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            started: Instant::now(),
            read: zero(),
            expected: OnceLock::new(),
            archives: zero(),
            commits: zero(),
            already: zero(),
            quarantined: zero(),
            skipped: zero(),
            messages_set_aside: zero(),
            messages_skipped: zero(),
            files: zero(),
            deletions: zero(),
            bytes: zero(),
            messages: zero(),
        }
    }

    /// How long ago it began.
    pub fn time(&self) -> Duration {
        self.started.elapsed()
    }

    /// The whole input has so many bytes, as they come.
    pub fn expects(&self, bytes: u64) {
        // Said once.
        let _ = self.expected.set(bytes);
    }

    pub fn read(&self, bytes: usize) {
        add(&self.read, bytes as u64);
    }

    pub fn read_bytes(&self) -> u64 {
        get(&self.read)
    }

    pub fn received(&self) {
        add(&self.archives, 1);
    }

    pub fn left_out(&self, asides: &Asides) {
        add(&self.messages_set_aside, asides.set_aside);
        add(&self.messages_skipped, asides.skipped);
    }

    pub fn would_commit(&self, files: &Files) {
        self.add_files(files.len(), files.deletions().len(), files.total_bytes());
    }

    pub fn settled(&self, settled: &Settled<'_>) {
        match settled {
            Settled::Committed(receipt) => {
                add(&self.commits, 1);
                add(&self.quarantined, u64::from(receipt.label.refused.is_some()));
                self.add_files(receipt.files, receipt.deletions, receipt.bytes);
            }
            Settled::Already(_) => add(&self.already, 1),
            Settled::Quarantined(..) => add(&self.quarantined, 1),
            Settled::Skipped(_) => add(&self.skipped, 1),
            Settled::Empty(_) => {}
        }
        if let Settled::Committed(receipt) | Settled::Already(receipt) = settled
            && let Some(messages) = receipt.label.messages
        {
            add(&self.messages, messages.count());
        }
    }

    fn add_files(&self, files: usize, deletions: usize, bytes: u64) {
        add(&self.files, files as u64);
        add(&self.deletions, deletions as u64);
        add(&self.bytes, bytes);
    }

    /// How far it is, with bytes that are sent, the part of an archive that is, in per cent, and commits that are being
    /// finished; shorter where a line has so many columns.
    pub fn progress(&self, sent: u64, sending: Option<(u64, u64)>, finishing: u64, width: Option<usize>) -> String {
        let read = self.read_bytes();
        let commits = counted(get(&self.commits), "commit") + &finishing_now(finishing);
        let text = format!(
            "{}, {}, {}/s, {}, {commits}",
            read_so_far(read, self.expected.get().copied()),
            sent_so_far(sent, sending),
            rate(read, self.time()),
            counted(get(&self.archives), "archive"),
        );
        // A line that is cut says nothing that can be trusted.
        match width {
            Some(width) if text.len() + 2 > width => format!("{} read, {commits}", Size(read)),
            _ => text,
        }
    }

    /// What came of it all, for programs.
    pub fn summary(&self, summary: Summary, complete: bool) -> Line<'static> {
        Line::Summary {
            complete,
            archives: get(&self.archives),
            commits: get(&self.commits),
            already: get(&self.already),
            empty: summary.empty,
            quarantined: get(&self.quarantined),
            skipped: get(&self.skipped),
            messages_set_aside: get(&self.messages_set_aside),
            messages_skipped: get(&self.messages_skipped),
            files: get(&self.files),
            deletions: get(&self.deletions),
            bytes: get(&self.bytes),
            seconds: self.time().as_secs_f64(),
        }
    }

    /// What came of it all, for people; `None` when it is nothing.
    pub fn sum(&self) -> Option<String> {
        let (commits, already) = (get(&self.commits), get(&self.already));
        let there = if already > 0 {
            format!(" ({} already there)", grouped(already))
        } else {
            String::new()
        };
        (commits > 0 || already > 0).then(|| {
            format!(
                "{}{there}, {}, {} in {}",
                counted(commits, "commit"),
                files_of(get(&self.files), get(&self.deletions)),
                Size(get(&self.bytes)),
                elapsed(self.time())
            )
        })
    }
}

/// How far it is, for programs.
pub(super) fn stats(figures: &Figures, time: Duration, lag: Option<Lag>) -> Line<'static> {
    Line::Stats {
        seconds: time.as_secs_f64(),
        read: figures.read_bytes,
        messages: figures.messages,
        archives: figures.archives,
        commits: figures.commits,
        already: figures.already,
        quarantined: figures.quarantined,
        bytes: figures.bytes,
        sent: figures.sent_bytes,
        held: figures.held.in_memory + figures.held.on_disk,
        retries: figures.retries.values().sum(),
        in_hand: figures.in_hand,
        lag,
    }
}

/// How far it is, for people.
pub(super) fn stats_in_words(figures: &Figures, lag: Option<Lag>) -> String {
    let messages = match figures.messages {
        0 => String::new(),
        messages => format!(", {} done", counted(messages, "message")),
    };
    let held = match figures.held.in_memory + figures.held.on_disk {
        0 => String::new(),
        held => format!(" ({} held)", Size(held)),
    };
    let took = lag.map_or(String::new(), |Lag { p50, p99, .. }| {
        format!("; from read to done {p50:.2} s (p50), {p99:.2} s (p99)")
    });
    format!(
        "{} read, {}{messages}, {}, {}, {} in hand{held}{took}",
        Size(figures.read_bytes),
        counted(figures.archives, "archive"),
        counted(figures.commits, "commit"),
        Size(figures.bytes),
        grouped(figures.in_hand)
    )
}
