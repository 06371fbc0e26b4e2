//! How long archives take.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

/// The shortest that is told apart, in seconds; each further one is twice as long, up to half an hour.
const SHORTEST: f64 = 0.05;
const BOUNDS: usize = 16;

/// How long archives took, since a run began.
#[derive(Debug, Clone)]
pub struct Lags {
    since: SystemTime,
    told: Arc<Mutex<Distribution>>,
}

/// How many took how long.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Distribution {
    /// Of all of them, in seconds.
    pub sum: f64,
    /// How many were no longer than the bound of this place, and longer than the one before; at last, longer than all.
    pub counts: [u64; BOUNDS + 1],
}

impl Default for Lags {
    fn default() -> Self {
        Self {
            since: SystemTime::now(),
            told: Arc::default(),
        }
    }
}

impl Lags {
    pub fn add(&self, lag: Duration) {
        let lag = lag.as_secs_f64();
        let place = Distribution::bounds().position(|bound| lag <= bound);
        let mut told = self.told.lock();
        told.sum += lag;
        told.counts[place.unwrap_or(BOUNDS)] += 1;
    }

    pub fn since(&self) -> SystemTime {
        self.since
    }

    pub fn told(&self) -> Distribution {
        self.told.lock().clone()
    }
}

impl Distribution {
    /// In seconds.
    pub fn bounds() -> impl Iterator<Item = f64> {
        std::iter::successors(Some(SHORTEST), |bound| Some(bound * 2.0)).take(BOUNDS)
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}
