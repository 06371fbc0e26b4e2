//! Signals: the first one asks for an end within the grace period, the second one ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{Receiver, bounded};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::delivery::patience::Interrupt;

/// What the signals have said so far.
pub(super) struct Interrupts {
    pub interrupt: Interrupt,
    /// Says something at the second signal.
    pub leave: Receiver<()>,
    signal: Arc<AtomicU8>,
}

impl Interrupts {
    /// Listens from now on; `on_first` is told of the first signal.
    pub fn listen(grace: Duration, on_first: impl Fn() + Send + 'static) -> anyhow::Result<Self> {
        let mut wanted = vec![SIGINT, SIGTERM];
        if !is_ignored(SIGHUP) {
            wanted.push(SIGHUP);
        }
        let mut signals = Signals::new(wanted).context("cannot listen for signals")?;
        let interrupt = Interrupt::new();
        let signal = Arc::new(AtomicU8::new(0));
        let (sender, leave) = bounded(1);
        let raised = interrupt.clone();
        let seen = Arc::clone(&signal);
        std::thread::spawn(move || {
            for number in signals.forever() {
                if raised.is_raised() {
                    // One is enough; a third signal finds the channel full.
                    let _ = sender.try_send(());
                } else {
                    seen.store(u8::try_from(number).unwrap_or(0), Ordering::Release);
                    raised.raise(Instant::now() + grace);
                    on_first();
                }
            }
        });
        Ok(Self {
            interrupt,
            leave,
            signal,
        })
    }

    /// The first signal's number.
    pub fn signal(&self) -> Option<u8> {
        Some(self.signal.load(Ordering::Acquire)).filter(|number| *number != 0)
    }
}

/// Whether whoever started us wants this signal ignored, as `nohup` does: then a handler of ours would undo that.
/// Where the system does not tell, it is not.
fn is_ignored(signal: i32) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return false;
    };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
