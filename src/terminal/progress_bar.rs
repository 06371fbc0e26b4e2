//! Progress of a stream whose end nobody knows: bytes, rate, archives, commits. Drawn on standard error by indicatif.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar as Bar, ProgressDrawTarget, ProgressStyle};

use crate::quantity::{Size, counted};

/// A line that shows up after 250 ms, so that quick work stays silent.
pub struct ProgressBar {
    bar: Bar,
    started: Instant,
}

/// Before this nothing is drawn.
const QUIET_TIME: Duration = Duration::from_millis(250);

impl Default for ProgressBar {
    fn default() -> Self {
        Self::new()
    }
}

impl ProgressBar {
    #[must_use]
    pub fn new() -> Self {
        let bar = Bar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            started: Instant::now(),
        }
    }

    /// Shows where things are.
    pub fn show(&self, read: u64, archives: u64, commits: u64) {
        let time = self.started.elapsed();
        if time < QUIET_TIME {
            return;
        }
        self.bar.set_message(format!(
            "{} read, {}/s, {}, {}",
            Size(read),
            Size(rate(read, time)),
            counted(archives, "archive"),
            counted(commits, "commit")
        ));
        self.bar.tick();
    }

    /// Runs `write` while nothing is drawn.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// Bytes a second.
#[must_use]
pub fn rate(bytes: u64, time: Duration) -> u64 {
    let millis = time.as_millis().max(1);
    u64::try_from(u128::from(bytes) * 1000 / millis).unwrap_or(u64::MAX)
}
