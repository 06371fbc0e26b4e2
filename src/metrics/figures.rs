//! What is counted, and what each number is called.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Unit;

use super::gauges::{each, unix, whole};
use super::partitions::{self, Partition};
use spoutctl_delivery::holding::Held;

/// What is counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
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
    /// In commits, as are deletions and bytes.
    pub files: u64,
    pub deletions: u64,
    pub bytes: u64,
}

/// What is counted since the start, and how it is now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    pub totals: Totals,
    /// Of files, handed to the connection; more than once where a part was sent again.
    pub sent_bytes: u64,
    /// Bytes of archives that are kept until their commits are finished.
    pub held: Held,
    /// Calls that were made again, by what had become of them.
    pub retries: BTreeMap<&'static str, u64>,
    /// How often the producer was started again.
    pub restarts: u64,
    /// How often the stream was started again, where there are several.
    pub stream_restarts: Option<u64>,
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

/// A counter's name, what it counts, and where it stands.
type CounterOf = (&'static str, &'static str, fn(&Figures) -> u64);

const COUNTERS: [CounterOf; 12] = [
    ("read_bytes", "Bytes of the input that were read", |of| {
        of.totals.read_bytes
    }),
    ("messages", "Messages in archives that are done", |of| {
        of.totals.messages
    }),
    ("archives", "Complete archives that were taken from the input", |of| {
        of.totals.archives
    }),
    ("commits", "Commits that are finished and acknowledged", |of| {
        of.totals.commits
    }),
    ("archives_already", "Archives that an earlier run had committed", |of| {
        of.totals.already
    }),
    ("archives_quarantined", "Archives that were set aside", |of| {
        of.totals.quarantined
    }),
    ("archives_skipped", "Archives that were left out", |of| {
        of.totals.skipped
    }),
    ("messages_set_aside", "Messages that were set aside", |of| {
        of.totals.messages_set_aside
    }),
    ("messages_skipped", "Messages that were left out", |of| {
        of.totals.messages_skipped
    }),
    ("committed_bytes", "Bytes of files in commits", |of| of.totals.bytes),
    (
        "sent_bytes",
        "Bytes of files that were handed to the connection, again where a part was sent again",
        |of| of.sent_bytes,
    ),
    ("restarts", "How often the producer was started again", |of| of.restarts),
];

/// Of a gauge, where it stands: not there where it says nothing of this one.
type GaugeOf = (&'static str, &'static str, fn(&Figures) -> Option<u64>);

const GAUGES: [GaugeOf; 7] = [
    ("in_hand_archives", "Archives that are read and not done", |of| {
        Some(of.in_hand)
    }),
    ("held_memory_bytes", "Bytes of archives that are held in memory", |of| {
        Some(of.held.in_memory)
    }),
    (
        "held_disk_bytes",
        "Bytes of archives that are held in temporary files, those of a spool not counted",
        |of| Some(of.held.on_disk),
    ),
    (
        "ready",
        "Whether archives can become commits now, as /ready says",
        |of| Some(u64::from(of.is_ready)),
    ),
    ("spool_archives", "Archives that wait in the spool", |of| {
        Some(of.spool?.archives)
    }),
    (
        "spool_bytes",
        "How much of the limit of the spool is taken, an archive counted as 4 KiB at least",
        |of| Some(of.spool?.bytes),
    ),
    (
        "spool_limit_bytes",
        "How many bytes may wait in the spool before the producer is held back",
        |of| Some(of.spool?.limit),
    ),
];

/// Of a time that something happened.
type TimeOf = (&'static str, &'static str, fn(&Figures) -> Option<SystemTime>);

const TIMES: [TimeOf; 2] = [
    (
        "last_commit_timestamp_seconds",
        "When the newest commit of this process was finished, in Unix time; not there before the first",
        |of| of.last_commit,
    ),
    (
        "spool_oldest_archive_timestamp_seconds",
        "When the oldest archive in the spool was taken in, in Unix time; not there when none waits",
        |of| of.spool?.since,
    ),
];

/// The figures of all that are watched, each family of series once.
pub(super) fn encode(series: &[Series], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let of: Vec<_> = series.iter().map(|one| (one.labels.pairs(), &one.figures)).collect();
    encode_lags(series, encoder)?;
    for (name, help, value) in COUNTERS {
        let counter = |figures| ConstCounter::new(value(figures));
        let values: Vec<_> = of.iter().map(|(labels, it)| (&labels[..], counter(it))).collect();
        each(encoder, name, help, &values)?;
    }
    let counter = |figures: &Figures| figures.stream_restarts.map(ConstCounter::new);
    let values: Vec<_> = of
        .iter()
        .filter_map(|(labels, it)| Some((&labels[..], counter(it)?)))
        .collect();
    each(
        encoder,
        "stream_restarts",
        "How often the stream was started again",
        &values,
    )?;
    encode_retries(&of, encoder)?;
    for (name, help, value) in GAUGES {
        let gauge = |figures| value(figures).map(|value| ConstGauge::new(whole(value)));
        let values: Vec<_> = of
            .iter()
            .filter_map(|(labels, it)| Some((&labels[..], gauge(it)?)))
            .collect();
        each(encoder, name, help, &values)?;
    }
    for (name, help, time) in TIMES {
        let gauge = |figures| time(figures).map(|time| ConstGauge::new(unix(time)));
        let values: Vec<_> = of
            .iter()
            .filter_map(|(labels, it)| Some((&labels[..], gauge(it)?)))
            .collect();
        each(encoder, name, help, &values)?;
    }
    let of: Vec<_> = of
        .iter()
        .map(|(labels, it)| (&labels[..], &it.partitions[..]))
        .collect();
    partitions::encode(&of, encoder)
}

fn encode_lags(series: &[Series], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "From an archive's first byte or message to its acknowledgement";
    let mut metric = encoder.encode_descriptor("lag", help, Some(&Unit::Seconds), MetricType::Histogram)?;
    for one in series {
        one.lags.0.encode(metric.encode_family(&one.labels.pairs())?)?;
    }
    Ok(())
}

fn encode_retries(of: &[Labelled<'_>], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "Calls that failed and were made again, by what had become of them";
    let mut metric = encoder.encode_descriptor("retries", help, None, MetricType::Counter)?;
    for (labels, figures) in of {
        for (kind, count) in &figures.retries {
            let mut labels = labels.clone();
            labels.push(("kind", (*kind).to_owned()));
            ConstCounter::new(*count).encode(metric.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// One that is watched: what its series are labelled with, and its figures.
type Labelled<'a> = (Vec<(&'static str, String)>, &'a Figures);

/// Whoever counts.
pub trait MetricsSource: Send + Sync + 'static {
    /// Of each one that is watched.
    fn series(&self) -> Vec<Series>;

    /// What keeps archives from becoming commits now, a few words each; nothing while they can.
    fn hindrances(&self) -> Vec<String>;
}

/// The figures of one that is watched.
#[derive(Debug, Clone)]
pub struct Series {
    pub labels: Labels,
    pub figures: Figures,
    pub lags: Lags,
}

/// Where the commits go: what each series is labelled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Which of the streams of the process, where it has several.
    pub stream: Option<String>,
    pub project: String,
    pub repo: String,
    pub branch: String,
}

impl Labels {
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let stream = self.stream.as_ref().map(|stream| ("stream", stream.clone()));
        let place = [
            ("project", &self.project),
            ("repo", &self.repo),
            ("branch", &self.branch),
        ];
        let place = place.into_iter().map(|(name, value)| (name, value.clone()));
        stream.into_iter().chain(place).collect()
    }
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
