//! How far the partitions of the source are: where what is acknowledged ends in each, and where each ends itself.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::metrics::Partition;
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
        *lock(&self.committed) = positions.clone();
    }

    /// A partition has no record from there on.
    pub fn ends_at(&self, topic: &str, partition: u32, end: u64) {
        lock(&self.ends).set(topic, partition, end);
    }

    /// Those of which both are known.
    pub fn figures(&self) -> Vec<Partition> {
        let (committed, ends) = (lock(&self.committed), lock(&self.ends));
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

fn lock(positions: &Mutex<Positions>) -> MutexGuard<'_, Positions> {
    positions.lock().unwrap_or_else(PoisonError::into_inner)
}
