//! What is counted, and what each number is called.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::SystemTime;

use super::family::{Family, Origin, Point, Value, unix, whole};
use super::lags::Lags;
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
    ("spoutctl_read_bytes", "Bytes of the input that were read", |of| {
        of.totals.read_bytes
    }),
    ("spoutctl_messages", "Messages in archives that are done", |of| {
        of.totals.messages
    }),
    (
        "spoutctl_archives",
        "Complete archives that were taken from the input",
        |of| of.totals.archives,
    ),
    ("spoutctl_commits", "Commits that are finished and acknowledged", |of| {
        of.totals.commits
    }),
    (
        "spoutctl_archives_already",
        "Archives that an earlier run had committed",
        |of| of.totals.already,
    ),
    ("spoutctl_archives_quarantined", "Archives that were set aside", |of| {
        of.totals.quarantined
    }),
    ("spoutctl_archives_skipped", "Archives that were left out", |of| {
        of.totals.skipped
    }),
    ("spoutctl_messages_set_aside", "Messages that were set aside", |of| {
        of.totals.messages_set_aside
    }),
    ("spoutctl_messages_skipped", "Messages that were left out", |of| {
        of.totals.messages_skipped
    }),
    ("spoutctl_committed_bytes", "Bytes of files in commits", |of| {
        of.totals.bytes
    }),
    (
        "spoutctl_sent_bytes",
        "Bytes of files that were handed to the connection, again where a part was sent again",
        |of| of.sent_bytes,
    ),
    ("spoutctl_restarts", "How often the producer was started again", |of| {
        of.restarts
    }),
];

/// Of a gauge, where it stands: not there where it says nothing of this one.
type GaugeOf = (&'static str, &'static str, fn(&Figures) -> Option<u64>);

const GAUGES: [GaugeOf; 7] = [
    (
        "spoutctl_in_hand_archives",
        "Archives that are read and not done",
        |of| Some(of.in_hand),
    ),
    (
        "spoutctl_held_memory_bytes",
        "Bytes of archives that are held in memory",
        |of| Some(of.held.in_memory),
    ),
    (
        "spoutctl_held_disk_bytes",
        "Bytes of archives that are held in temporary files, those of a spool not counted",
        |of| Some(of.held.on_disk),
    ),
    (
        "spoutctl_ready",
        "Whether archives can become commits now, as /ready says",
        |of| Some(u64::from(of.is_ready)),
    ),
    ("spoutctl_spool_archives", "Archives that wait in the spool", |of| {
        Some(of.spool?.archives)
    }),
    (
        "spoutctl_spool_bytes",
        "How much of the limit of the spool is taken, an archive counted as 4 KiB at least",
        |of| Some(of.spool?.bytes),
    ),
    (
        "spoutctl_spool_limit_bytes",
        "How many bytes may wait in the spool before the producer is held back",
        |of| Some(of.spool?.limit),
    ),
];

/// Of a time that something happened.
type TimeOf = (&'static str, &'static str, fn(&Figures) -> Option<SystemTime>);

const TIMES: [TimeOf; 2] = [
    (
        "spoutctl_last_commit_timestamp_seconds",
        "When the newest commit of this process was finished, in Unix time; not there before the first",
        |of| of.last_commit,
    ),
    (
        "spoutctl_spool_oldest_archive_timestamp_seconds",
        "When the oldest archive in the spool was taken in, in Unix time; not there when none waits",
        |of| of.spool?.since,
    ),
];

/// The figures of all that are watched, each family of series once.
pub fn families(series: &[Series]) -> Vec<Family> {
    let all: Vec<_> = series.iter().map(|one| (one.origin(), one)).collect();
    let mut families = Vec::from(of_process());
    families.push(Family::of(
        "spoutctl_lag_seconds",
        "From an archive's first byte or message to its acknowledgement",
        &all,
        |one| Some(Value::Histogram(one.lags.told())),
    ));
    families.extend(
        COUNTERS
            .map(|(name, help, value)| Family::of(name, help, &all, |one| Some(Value::Counter(value(&one.figures))))),
    );
    families.extend([stream_restarts(&all), retries(&all)]);
    families.extend(GAUGES.map(|(name, help, value)| {
        Family::of(name, help, &all, |one| Some(Value::Gauge(whole(value(&one.figures)?))))
    }));
    families.extend(TIMES.map(|(name, help, time)| {
        Family::of(name, help, &all, |one| Some(Value::Fraction(unix(time(&one.figures)?))))
    }));
    let read: Vec<_> = all
        .into_iter()
        .map(|(origin, one)| (origin, &one.figures.partitions[..]))
        .collect();
    families.extend(partitions::families(&read));
    families.retain(|family| !family.points.is_empty());
    families
}

/// What is known without anything that is watched.
fn of_process() -> [Family; 2] {
    let build = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("os", std::env::consts::OS),
        ("arch", std::env::consts::ARCH),
    ];
    let family = |name, help, labels, value| Family {
        name,
        help,
        points: vec![Point {
            labels,
            value,
            since: started(),
        }],
    };
    [
        // Every exporter has this one under this name.
        family(
            "process_start_time_seconds",
            "When the process was started, in Unix time",
            Vec::new(),
            Value::Fraction(unix(started())),
        ),
        family(
            "spoutctl_build",
            "What runs",
            build.map(|(name, value)| (name, value.to_owned())).into(),
            Value::Info,
        ),
    ]
}

/// Counted as long as the process lives, however often a stream begins anew.
fn stream_restarts(all: &[(Origin, &Series)]) -> Family {
    let name = "spoutctl_stream_restarts";
    let mut family = Family::of(name, "How often the stream was started again", all, |one| {
        one.figures.stream_restarts.map(Value::Counter)
    });
    family.points.iter_mut().for_each(|point| point.since = started());
    family
}

fn retries(all: &[(Origin, &Series)]) -> Family {
    let mut points = Vec::new();
    for (origin, one) in all {
        for (kind, count) in &one.figures.retries {
            let mut point = origin.point(Value::Counter(*count));
            point.labels.push(("kind", (*kind).to_owned()));
            points.push(point);
        }
    }
    Family {
        name: "spoutctl_retries",
        help: "Calls that failed and were made again, by what had become of them",
        points,
    }
}

/// When the process was started: when this was asked for first.
pub fn started() -> SystemTime {
    static STARTED: LazyLock<SystemTime> = LazyLock::new(SystemTime::now);
    *STARTED
}

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

impl Series {
    fn origin(&self) -> Origin {
        Origin {
            labels: self.labels.pairs(),
            since: self.lags.since(),
        }
    }
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
