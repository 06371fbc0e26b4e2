//! How it goes: what was read and committed so far, and how long an archive takes from the one to the other.
//!
//! Memory: 32 bytes for each archive in hand, and a histogram of a few kilobytes.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use serde::Serialize;

use crate::metrics::Lags;

/// The longest lag that is told apart, in milliseconds: a day.
const LONGEST: u64 = 24 * 60 * 60 * 1000;

pub(super) struct Stats {
    /// When the first byte of what is in hand was read, by the archive's number.
    begun: Mutex<BTreeMap<u64, Instant>>,
    /// Lags since they were last asked for, in milliseconds.
    recent: Mutex<Histogram<u64>>,
    /// All of them.
    pub lags: Lags,
}

/// From an archive's first byte, or its first message's, to its acknowledgement, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Lag {
    /// How many archives it is told of.
    pub count: u64,
    pub p50: f64,
    pub p99: f64,
}

impl Stats {
    pub fn new() -> anyhow::Result<Self> {
        let recent = Histogram::new_with_bounds(1, LONGEST, 2).context("cannot count how long archives take")?;
        Ok(Self {
            begun: Mutex::default(),
            recent: Mutex::new(recent),
            lags: Lags::default(),
        })
    }

    /// The first of the archive was read then. What is known of it already stays.
    pub fn begun(&self, archive: u64, at: Instant) {
        let mut begun = self.begun.lock();
        begun.entry(archive).or_insert(at);
    }

    /// The archive is acknowledged.
    pub fn done(&self, archive: u64, now: Instant) {
        let begun = self.begun.lock().remove(&archive);
        // What waited in a spool since an earlier run was read by nobody knows when.
        let Some(begun) = begun else { return };
        let lag = now.saturating_duration_since(begun);
        self.lags.add(lag);
        let mut recent = self.recent.lock();
        recent.saturating_record(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX).max(1));
    }

    /// When the first of these was read, of those that are not done.
    pub fn begin_of(&self, archives: RangeInclusive<u64>) -> Option<Instant> {
        self.begun.lock().range(archives).map(|(_, begun)| *begun).min()
    }

    /// How many archives are in hand.
    pub fn in_hand(&self) -> usize {
        self.begun.lock().len()
    }

    /// The lag of those that are done since this was last asked; `None` when there were none.
    pub fn take_lag(&self) -> Option<Lag> {
        let mut recent = self.recent.lock();
        let at = |quantile| Duration::from_millis(recent.value_at_quantile(quantile)).as_secs_f64();
        let lag = Lag {
            count: recent.len(),
            p50: at(0.5),
            p99: at(0.99),
        };
        recent.reset();
        (lag.count > 0).then_some(lag)
    }
}

/// Does something at every turn, until it is dropped.
pub(super) struct Ticking {
    ends: Sender<()>,
    thread: JoinHandle<()>,
}

impl Ticking {
    pub fn every(period: Duration, turn: impl Fn() + Send + 'static) -> Self {
        let (ends, ended) = bounded::<()>(0);
        let thread = std::thread::spawn(move || {
            while ended.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                turn();
            }
        });
        Self { ends, thread }
    }

    /// No further turn comes, and none is under way.
    pub fn end(self) {
        drop(self.ends);
        let _ = self.thread.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_and_nearly_all_archives_are_told_and_then_forgotten() {
        let stats = Stats::new().unwrap();
        let begin = Instant::now();
        for number in 1..=100 {
            stats.begun(number, begin);
            // The second one counts nothing: the first message was there before.
            stats.begun(number, begin + Duration::from_secs(50));
        }
        assert_eq!((stats.in_hand(), stats.take_lag()), (100, None));
        for number in 1..=100 {
            stats.done(number, begin + Duration::from_secs(number));
            stats.done(number, begin + Duration::from_secs(1_000_000));
        }
        let lag = stats.take_lag().unwrap();
        assert_eq!((stats.in_hand(), lag.count), (0, 100));
        assert!((lag.p50 - 50.0).abs() < 1.0 && (lag.p99 - 99.0).abs() < 2.0, "{lag:?}");
        assert_eq!(stats.take_lag(), None);
    }
}
