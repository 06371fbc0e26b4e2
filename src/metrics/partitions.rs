//! How far each partition of Kafka is.

use super::family::{Family, Origin, Value, whole};

/// How many partitions have series of their own; the sum has all of them.
pub(super) const MOST: usize = 1_000;

/// A partition, in offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    pub topic: String,
    pub number: u32,
    /// Where the newest commit that is acknowledged says that it goes on; before the first, where reading began.
    pub committed: u64,
    /// Behind its newest record that may be read.
    pub end: u64,
}

impl Partition {
    /// What is there and not committed. Transactions and compaction take offsets, too, so it may be less.
    fn lag(&self) -> u64 {
        self.end.saturating_sub(self.committed)
    }
}

/// A figure of a partition, its name, and what it is.
type FigureOf = (&'static str, &'static str, fn(&Partition) -> u64);

const FIGURES: [FigureOf; 3] = [
    (
        "spoutctl_kafka_committed_offset",
        "Where the newest acknowledged commit says that a partition goes on",
        |partition| partition.committed,
    ),
    (
        "spoutctl_kafka_end_offset",
        "Behind the newest record of a partition that may be read, as its broker last said",
        |partition| partition.end,
    ),
    (
        "spoutctl_kafka_lag_records",
        "Records of a partition that are there and not committed, at most",
        Partition::lag,
    ),
];

/// Nothing where nothing of Kafka is read.
pub(super) fn families(read: &[(Origin, &[Partition])]) -> Vec<Family> {
    let all = |name, help, value: fn(&[Partition]) -> u64| {
        Family::of(name, help, read, |partitions| {
            (!partitions.is_empty()).then(|| Value::Gauge(whole(value(partitions))))
        })
    };
    let mut families = vec![
        all(
            "spoutctl_kafka_partitions",
            "Partitions of Kafka that are read",
            |partitions| partitions.len() as u64,
        ),
        all(
            "spoutctl_kafka_all_lag_records",
            "Records of all partitions that are there and not committed, at most",
            |partitions| partitions.iter().map(Partition::lag).sum(),
        ),
    ];
    families.extend(FIGURES.map(|(name, help, value)| {
        let mut points = Vec::new();
        for (origin, partitions) in read {
            for partition in partitions.iter().take(MOST) {
                let mut point = origin.point(Value::Gauge(whole(value(partition))));
                point.labels.extend([
                    ("topic", partition.topic.clone()),
                    ("partition", partition.number.to_string()),
                ]);
                points.push(point);
            }
        }
        Family { name, help, points }
    }));
    families
}
