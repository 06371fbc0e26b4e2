//! Progress of a stream whose end nobody knows: a line of text, drawn on standard error by indicatif.

use std::sync::Once;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar as Bar, ProgressDrawTarget, ProgressStyle};

/// A line that shows up after 250 ms, so that quick work stays silent.
pub struct ProgressBar {
    bar: Bar,
    started: Instant,
    turning: Once,
}

/// How often the line shows that the program lives.
const TURNS_EVERY: Duration = Duration::from_millis(125);
/// Before this nothing is drawn.
const QUIET_TIME: Duration = Duration::from_millis(250);

impl Default for ProgressBar {
    fn default() -> Self {
        Self::new()
    }
}

impl ProgressBar {
    pub fn new() -> Self {
        let bar = Bar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            started: Instant::now(),
            turning: Once::new(),
        }
    }

    /// Shows where things are.
    pub fn show(&self, text: String) {
        if self.started.elapsed() < QUIET_TIME {
            return;
        }
        self.bar.set_message(text);
        // It turns also while nothing new is to be told.
        self.turning.call_once(|| self.bar.enable_steady_tick(TURNS_EVERY));
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
