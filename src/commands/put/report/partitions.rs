//! How far the partitions of the source are: where what is acknowledged ends in each, and where each ends itself.

use crate::metrics::Partition;
use parking_lot::Mutex;
use spoutctl_core::positions::Positions;

#[derive(Default)]
pub(in crate::commands::put) struct Partitions {
    committed: Mutex<Positions>,
    ends: Mutex<Positions>,
}

#[cfg_attr(not(feature = "kafka"), allow(dead_code, reason = "only what reads Kafka needs it"))]
impl Partitions {
    /// What is before these is acknowledged, or reading began there.
    pub fn are_at(&self, positions: &Positions) {
        *self.committed.lock() = positions.clone();
    }

    /// Those of which that is known have no record from there on.
    pub fn end_at(&self, ends: Positions) {
        *self.ends.lock() = ends;
    }

    /// Those of which both are known.
    pub fn figures(&self) -> Vec<Partition> {
        let (committed, ends) = (self.committed.lock(), self.ends.lock());
        let known = committed.iter().filter_map(|(topic, number, committed)| {
            Some(Partition {
                end: ends.of(topic, number)?,
                topic: topic.to_owned(),
                number,
                committed,
            })
        });
        known.collect()
    }
}
