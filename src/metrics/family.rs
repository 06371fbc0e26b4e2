//! A figure of each of several that are watched: what the page for Prometheus and a collector of OpenTelemetry are told
//! alike.

use std::time::{SystemTime, UNIX_EPOCH};

use super::lags::Distribution;

/// A figure, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// As Prometheus has it, but for `_total` of a counter and `_info`.
    pub name: &'static str,
    pub help: &'static str,
    /// All of one kind.
    pub points: Vec<Point>,
}

/// Of one that is watched.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub labels: Vec<(&'static str, String)>,
    pub value: Value,
    /// Where it counts, since when.
    pub since: SystemTime,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Counter(u64),
    Gauge(i64),
    Fraction(f64),
    Histogram(Distribution),
    /// The labels say it all.
    Info,
}

/// One that is watched.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Origin {
    pub labels: Vec<(&'static str, String)>,
    pub since: SystemTime,
}

impl Origin {
    pub fn point(&self, value: Value) -> Point {
        Point {
            labels: self.labels.clone(),
            value,
            since: self.since,
        }
    }
}

impl Family {
    /// Of those for which there is a value.
    pub(super) fn of<T>(
        name: &'static str,
        help: &'static str,
        all: &[(Origin, T)],
        value: impl Fn(&T) -> Option<Value>,
    ) -> Self {
        let points = all.iter().filter_map(|(origin, of)| Some(origin.point(value(of)?)));
        Self {
            name,
            help,
            points: points.collect(),
        }
    }
}

/// A gauge's number.
pub fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Seconds since 1970; 0 for a clock that is before.
pub(super) fn unix(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
