//! How long it is waited before something that ended is started again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The pause before it is started again: the first, and the longest.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// What ran for so long was not broken from the start: pauses begin anew.
pub(super) const HEALTHY: Duration = Duration::from_mins(1);

/// From the shortest on, each twice as long as the one before.
pub(super) fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(SHORTEST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .without_max_times()
        .build()
}
