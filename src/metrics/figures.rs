//! What is counted, and what each number is called.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use super::gauges::{gauge, timestamp};
use super::partitions::{self, Partition};
use spoutctl_delivery::holding::Held;

/// What is counted since the start, and how it is now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Of the input.
    pub read_bytes: u64,
    /// In archives that are done.
    pub messages: u64,
    pub archives: u64,
    pub commits: u64,
    pub already: u64,
    pub quarantined: u64,
    pub skipped: u64,
    pub messages_set_aside: u64,
    pub messages_skipped: u64,
    /// Of the files in commits.
    pub bytes: u64,
    /// Of files, handed to the connection; more than once where a part was sent again.
    pub sent_bytes: u64,
    /// Bytes of archives that are kept until their commits are finished.
    pub held: Held,
    /// Calls that were made again, by what had become of them.
    pub retries: BTreeMap<&'static str, u64>,
    /// How often the producer was started again.
    pub restarts: u64,
    /// Archives that are read and not done.
    pub in_hand: u64,
    /// When the newest commit of this process was finished.
    pub last_commit: Option<SystemTime>,
    pub spool: Option<Spooled>,
    /// Of Kafka, as far as it is known where they end.
    pub partitions: Vec<Partition>,
    /// Whether archives can become commits now.
    pub is_ready: bool,
}

/// What waits in a spool; bytes as its limit counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spooled {
    pub archives: u64,
    pub bytes: u64,
    pub limit: u64,
    /// When the oldest one was taken in; `None` when none waits.
    pub since: Option<SystemTime>,
}

impl Figures {
    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        for (name, help, value) in self.counters() {
            let counter = ConstCounter::new(value);
            let metric = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        self.encode_retries(encoder)?;
        gauge(
            encoder,
            "in_hand_archives",
            "Archives that are read and not done",
            self.in_hand,
        )?;
        let help = "Bytes of archives that are held in memory";
        gauge(encoder, "held_memory_bytes", help, self.held.in_memory)?;
        let help = "Bytes of archives that are held in temporary files, those of a spool not counted";
        gauge(encoder, "held_disk_bytes", help, self.held.on_disk)?;
        gauge(
            encoder,
            "ready",
            "Whether archives can become commits now, as /ready says",
            u64::from(self.is_ready),
        )?;
        if let Some(time) = self.last_commit {
            let help = "When the newest commit of this process was finished, in Unix time; not there before the first";
            timestamp(encoder, "last_commit_timestamp_seconds", help, time)?;
        }
        partitions::encode(&self.partitions, encoder)?;
        self.spool.map_or(Ok(()), |spool| spool.encode(encoder))
    }

    fn counters(&self) -> [(&'static str, &'static str, u64); 12] {
        [
            ("read_bytes", "Bytes of the input that were read", self.read_bytes),
            ("messages", "Messages in archives that are done", self.messages),
            (
                "archives",
                "Complete archives that were taken from the input",
                self.archives,
            ),
            ("commits", "Commits that are finished and acknowledged", self.commits),
            (
                "archives_already",
                "Archives that an earlier run had committed",
                self.already,
            ),
            ("archives_quarantined", "Archives that were set aside", self.quarantined),
            ("archives_skipped", "Archives that were left out", self.skipped),
            (
                "messages_set_aside",
                "Messages that were set aside",
                self.messages_set_aside,
            ),
            ("messages_skipped", "Messages that were left out", self.messages_skipped),
            ("committed_bytes", "Bytes of files in commits", self.bytes),
            (
                "sent_bytes",
                "Bytes of files that were handed to the connection, again where a part was sent again",
                self.sent_bytes,
            ),
            ("restarts", "How often the producer was started again", self.restarts),
        ]
    }

    fn encode_retries(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Calls that failed and were made again, by what had become of them";
        let kind = ConstCounter::new(0_u64).metric_type();
        let mut metric = encoder.encode_descriptor("retries", help, None, kind)?;
        for (kind, count) in &self.retries {
            ConstCounter::new(*count).encode(metric.encode_family(&[("kind", *kind)])?)?;
        }
        Ok(())
    }
}

impl Spooled {
    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        gauge(
            encoder,
            "spool_archives",
            "Archives that wait in the spool",
            self.archives,
        )?;
        let help = "How much of the limit of the spool is taken, an archive counted as 4 KiB at least";
        gauge(encoder, "spool_bytes", help, self.bytes)?;
        gauge(
            encoder,
            "spool_limit_bytes",
            "How many bytes may wait in the spool before the producer is held back",
            self.limit,
        )?;
        let Some(since) = self.since else { return Ok(()) };
        let help = "When the oldest archive in the spool was taken in, in Unix time; not there when none waits";
        timestamp(encoder, "spool_oldest_archive_timestamp_seconds", help, since)
    }
}

/// Whoever counts.
pub trait MetricsSource: Send + Sync + 'static {
    fn figures(&self) -> Figures;

    /// What keeps archives from becoming commits now, a few words each; nothing while they can.
    fn hindrances(&self) -> Vec<String>;
}

/// Where the commits go: what each series is labelled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    pub project: String,
    pub repo: String,
    pub branch: String,
}

/// How long archives took, from 50 ms to half an hour and longer.
#[derive(Debug, Clone)]
pub struct Lags(pub(super) Histogram);

impl Default for Lags {
    fn default() -> Self {
        Self(Histogram::new(exponential_buckets(0.05, 2.0, 16)))
    }
}

impl Lags {
    pub fn add(&self, lag: Duration) {
        self.0.observe(lag.as_secs_f64());
    }
}
