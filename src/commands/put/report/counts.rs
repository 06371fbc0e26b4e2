//! How much was read and done so far, in numbers, lines and words.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::super::lines::Line;
use super::super::stats::Lag;
use super::wording::{files_of, finishing_now, read_so_far, sent_so_far};
use crate::metrics::{Figures, Totals};
use spoutctl_archive::{Asides, Files};
use spoutctl_core::quantity::{Size, counted, elapsed, grouped, rate};
use spoutctl_delivery::{Settled, Summary};

/// Counted from several threads.
pub(in crate::commands::put) struct Counts {
    started: Instant,
    /// Bytes of the whole input, where that is known.
    expected: OnceLock<u64>,
    totals: Mutex<Totals>,
}

impl Counts {
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            expected: OnceLock::new(),
            totals: Mutex::default(),
        }
    }

    pub fn totals(&self) -> Totals {
        *self.totals.lock()
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
        self.totals.lock().read_bytes += bytes as u64;
    }

    pub fn received(&self) {
        self.totals.lock().archives += 1;
    }

    pub fn left_out(&self, asides: &Asides) {
        let mut totals = self.totals.lock();
        totals.messages_set_aside += asides.set_aside;
        totals.messages_skipped += asides.skipped;
    }

    pub fn would_commit(&self, files: &Files) {
        add_files(
            &mut self.totals.lock(),
            (files.len(), files.deletions().len(), files.total_bytes()),
        );
    }

    pub fn settled(&self, settled: &Settled<'_>) {
        let mut totals = self.totals.lock();
        match settled {
            Settled::Committed(receipt) => {
                totals.commits += 1;
                totals.quarantined += u64::from(receipt.label.refused.is_some());
                add_files(&mut totals, (receipt.files, receipt.deletions, receipt.bytes));
            }
            Settled::Already(_) => totals.already += 1,
            Settled::Quarantined(..) => totals.quarantined += 1,
            Settled::Skipped(_) => totals.skipped += 1,
            Settled::Empty(_) => {}
        }
        if let Settled::Committed(receipt) | Settled::Already(receipt) = settled
            && let Some(messages) = receipt.label.messages
        {
            totals.messages += messages.count();
        }
    }

    /// How far it is, with bytes that are sent, the part of an archive that is, in per cent, and commits that are being
    /// finished; shorter where a line has so many columns.
    pub fn progress(&self, sent: u64, sending: Option<(u64, u64)>, finishing: u64, width: Option<usize>) -> String {
        let totals = self.totals();
        let read = totals.read_bytes;
        let commits = counted(totals.commits, "commit") + &finishing_now(finishing);
        let text = format!(
            "{}, {}, {}/s, {}, {commits}",
            read_so_far(read, self.expected.get().copied()),
            sent_so_far(sent, sending),
            rate(read, self.time()),
            counted(totals.archives, "archive"),
        );
        // A line that is cut says nothing that can be trusted.
        match width {
            Some(width) if text.len() + 2 > width => format!("{} read, {commits}", Size(read)),
            _ => text,
        }
    }

    /// What came of it all, for programs.
    pub fn summary(&self, summary: Summary, complete: bool) -> Line<'static> {
        let totals = self.totals();
        Line::Summary {
            complete,
            archives: totals.archives,
            commits: totals.commits,
            already: totals.already,
            empty: summary.empty,
            quarantined: totals.quarantined,
            skipped: totals.skipped,
            messages_set_aside: totals.messages_set_aside,
            messages_skipped: totals.messages_skipped,
            files: totals.files,
            deletions: totals.deletions,
            bytes: totals.bytes,
            seconds: self.time().as_secs_f64(),
        }
    }

    /// What came of it all, for people; `None` when it is nothing.
    pub fn sum(&self) -> Option<String> {
        let totals = self.totals();
        let Totals { commits, already, .. } = totals;
        let there = if already > 0 {
            format!(" ({} already there)", grouped(already))
        } else {
            String::new()
        };
        (commits > 0 || already > 0).then(|| {
            format!(
                "{}{there}, {}, {} in {}",
                counted(commits, "commit"),
                files_of(totals.files, totals.deletions),
                Size(totals.bytes),
                elapsed(self.time())
            )
        })
    }
}

fn add_files(totals: &mut Totals, (files, deletions, bytes): (usize, usize, u64)) {
    totals.files += files as u64;
    totals.deletions += deletions as u64;
    totals.bytes += bytes;
}

/// How far it is, for programs.
pub(super) fn stats(figures: &Figures, time: Duration, lag: Option<Lag>) -> Line<'static> {
    let totals = figures.totals;
    Line::Stats {
        seconds: time.as_secs_f64(),
        read: totals.read_bytes,
        messages: totals.messages,
        archives: totals.archives,
        commits: totals.commits,
        already: totals.already,
        quarantined: totals.quarantined,
        bytes: totals.bytes,
        sent: figures.sent_bytes,
        held: figures.held.in_memory + figures.held.on_disk,
        retries: figures.retries.values().sum(),
        in_hand: figures.in_hand,
        lag,
    }
}

/// How far it is, for people.
pub(super) fn stats_in_words(figures: &Figures, lag: Option<Lag>) -> String {
    let totals = figures.totals;
    let messages = match totals.messages {
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
        Size(totals.read_bytes),
        counted(totals.archives, "archive"),
        counted(totals.commits, "commit"),
        Size(totals.bytes),
        grouped(figures.in_hand)
    )
}
