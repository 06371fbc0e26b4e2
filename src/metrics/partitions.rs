//! How far each partition of Kafka is.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;

use super::gauges::gauge;

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

/// Nothing where nothing of Kafka is read.
pub(super) fn encode(partitions: &[Partition], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    if partitions.is_empty() {
        return Ok(());
    }
    let all = partitions.len() as u64;
    gauge(encoder, "kafka_partitions", "Partitions of Kafka that are read", all)?;
    let help = "Records of all partitions that are there and not committed, at most";
    let lag = partitions.iter().map(Partition::lag).sum();
    gauge(encoder, "kafka_all_lag_records", help, lag)?;
    let shown = &partitions[..partitions.len().min(MOST)];
    let help = "Where the newest acknowledged commit says that a partition goes on";
    each(encoder, "kafka_committed_offset", help, shown, |partition| {
        partition.committed
    })?;
    let help = "Behind the newest record of a partition that may be read, as its broker last said";
    each(encoder, "kafka_end_offset", help, shown, |partition| partition.end)?;
    let help = "Records of a partition that are there and not committed, at most";
    each(encoder, "kafka_lag_records", help, shown, Partition::lag)
}

fn each(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    partitions: &[Partition],
    value: impl Fn(&Partition) -> u64,
) -> fmt::Result {
    let kind = ConstGauge::new(0_i64).metric_type();
    let mut metric = encoder.encode_descriptor(name, help, None, kind)?;
    for partition in partitions {
        let number = partition.number.to_string();
        let labels = [("topic", partition.topic.as_str()), ("partition", number.as_str())];
        let gauge = ConstGauge::new(i64::try_from(value(partition)).unwrap_or(i64::MAX));
        gauge.encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}
