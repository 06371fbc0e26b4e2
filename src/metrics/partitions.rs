//! How far each partition of Kafka is.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::gauge::ConstGauge;

use super::gauges::{Of, each, whole};

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
        "kafka_committed_offset",
        "Where the newest acknowledged commit says that a partition goes on",
        |partition| partition.committed,
    ),
    (
        "kafka_end_offset",
        "Behind the newest record of a partition that may be read, as its broker last said",
        |partition| partition.end,
    ),
    (
        "kafka_lag_records",
        "Records of a partition that are there and not committed, at most",
        Partition::lag,
    ),
];

/// Nothing where nothing of Kafka is read.
pub(super) fn encode(of: &[Of<'_, &[Partition]>], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let of: Vec<_> = of.iter().filter(|(_, partitions)| !partitions.is_empty()).collect();
    let gauge = |value| ConstGauge::new(whole(value));
    let all = |value: fn(&[Partition]) -> u64| -> Vec<_> {
        let values = of
            .iter()
            .map(|(labels, partitions)| (*labels, gauge(value(partitions))));
        values.collect()
    };
    let count = all(|partitions| partitions.len() as u64);
    each(encoder, "kafka_partitions", "Partitions of Kafka that are read", &count)?;
    let help = "Records of all partitions that are there and not committed, at most";
    let lag = all(|partitions| partitions.iter().map(Partition::lag).sum());
    each(encoder, "kafka_all_lag_records", help, &lag)?;
    let mut shown = Vec::new();
    for (labels, partitions) in &of {
        for partition in partitions.iter().take(MOST) {
            let own = [
                ("topic", partition.topic.clone()),
                ("partition", partition.number.to_string()),
            ];
            shown.push(([labels, &own[..]].concat(), partition));
        }
    }
    for (name, help, value) in FIGURES {
        let values: Vec<_> = shown
            .iter()
            .map(|(labels, partition)| (&labels[..], gauge(value(partition))))
            .collect();
        each(encoder, name, help, &values)?;
    }
    Ok(())
}
