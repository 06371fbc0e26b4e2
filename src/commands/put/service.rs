//! What a service manager is told by `sd_notify`: that `put` or `run` runs, how it goes, that it is not stuck, and that
//! it ends.
//!
//! Ready is said once everything that is given was found usable and the input can be read, whether pachd is there or
//! not: a spool takes archives in without it, and a start that waited for it would run into the manager's own time-out.

use std::time::Duration;

use sd_notify::NotifyState;

use super::stats::Ticking;

/// How often it is said how it goes.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// A service manager that listens.
pub(in crate::commands) struct Service {
    ticking: Ticking,
}

impl Service {
    /// Says that it is ready, and how it goes from now on; `None` where nobody listens.
    pub fn start(state: impl Fn() -> String + Send + 'static) -> Option<Self> {
        std::env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty())?;
        let watchdog = sd_notify::watchdog_enabled();
        tell(&[NotifyState::Ready, NotifyState::Status(&state())]);
        // A watchdog bites after its time: half of it is what systemd asks for.
        let every = watchdog.map_or(SAY_EVERY, |limit| SAY_EVERY.min(limit / 2));
        let ticking = Ticking::every(every.max(Duration::from_millis(10)), move || {
            // Whoever holds one of the locks that it needs for ever keeps this from being told.
            let state = state();
            tell(&[NotifyState::Status(&state)]);
            if watchdog.is_some() {
                tell(&[NotifyState::Watchdog]);
            }
        });
        Some(Self { ticking })
    }

    /// Says that it ends.
    pub fn end(self) {
        self.ticking.end();
        stopping();
    }
}

/// Says that it is about to end, where somebody listens.
pub(in crate::commands) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    // A manager that is not there misses nothing.
    let _ = sd_notify::notify(states);
}
