//! Signals: the first one asks for an end within the grace period, the second one ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{Receiver, bounded};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use spoutctl_delivery::retry::Interrupt;

/// Of the grace period, so much is kept for giving up what could not be finished.
const LAST_MOMENT: Duration = Duration::from_secs(3);

/// What the signals have said so far.
pub(super) struct Interrupts {
    pub interrupt: Interrupt,
    /// Says something at the second signal.
    pub leave: Receiver<()>,
    signal: Arc<AtomicU8>,
    /// What is kept of the grace period for giving up.
    reserve: Duration,
}

impl Interrupts {
    /// Listens to the process's signals from now on; `on_first` is told of the first.
    pub fn listen(grace: Duration, on_first: impl FnOnce(u8) + Send + 'static) -> anyhow::Result<Self> {
        let mut signals = Signals::new(wanted()).context("cannot listen for signals")?;
        let numbers = std::iter::from_fn(move || signals.forever().next());
        Ok(Self::hear(grace, numbers, on_first))
    }

    /// The same of these signals, until no more can come.
    pub fn hear(
        grace: Duration,
        numbers: impl Iterator<Item = i32> + Send + 'static,
        on_first: impl FnOnce(u8) + Send + 'static,
    ) -> Self {
        let reserve = LAST_MOMENT.min(grace / 2);
        let interrupt = Interrupt::new();
        let signal = Arc::new(AtomicU8::new(0));
        let (sender, leave) = bounded(1);
        let raised = interrupt.clone();
        let seen = Arc::clone(&signal);
        std::thread::spawn(move || {
            let mut on_first = Some(on_first);
            for number in numbers {
                let Some(on_first) = on_first.take() else {
                    // One is enough; a third signal finds the channel full.
                    let _ = sender.try_send(());
                    continue;
                };
                let number = u8::try_from(number).unwrap_or(0);
                seen.store(number, Ordering::Release);
                raised.raise(Instant::now() + grace.saturating_sub(reserve));
                // What it says may block on a stuck terminal, and the next signal has to be heard all the same.
                std::thread::spawn(move || on_first(number));
            }
        });
        Self {
            interrupt,
            leave,
            signal,
            reserve,
        }
    }

    /// When to leave whatever is not finished.
    pub fn latest(&self) -> Instant {
        self.interrupt.deadline().unwrap_or_else(Instant::now) + self.reserve
    }

    /// The first signal's number.
    pub fn signal(&self) -> Option<u8> {
        Some(self.signal.load(Ordering::Acquire)).filter(|number| *number != 0)
    }
}

/// Puts signals off while something may not be left half done; before and after they end the process as ever.
pub(super) struct PutOff {
    ends_process: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl PutOff {
    pub fn new() -> anyhow::Result<Self> {
        let (ends_process, number) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
        for signal in wanted() {
            flag::register_conditional_default(signal, Arc::clone(&ends_process))
                .and_then(|_| flag::register_usize(signal, Arc::clone(&number), usize::try_from(signal).unwrap_or(0)))
                .context("cannot listen for signals")?;
        }
        Ok(Self {
            ends_process,
            signal: number,
        })
    }

    /// Does the work; with what came of it, the number of the last signal that came meanwhile.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> (T, Option<u8>) {
        self.ends_process.store(false, Ordering::Release);
        let done = work();
        self.ends_process.store(true, Ordering::Release);
        let signal = u8::try_from(self.signal.load(Ordering::Acquire)).unwrap_or(0);
        (done, Some(signal).filter(|signal| *signal != 0))
    }
}

/// Those that ask for an end. Whoever started us may want one ignored, as `nohup` and shells (`command &`) do: a
/// handler of ours would undo that.
fn wanted() -> impl Iterator<Item = i32> {
    [SIGINT, SIGTERM, SIGHUP]
        .into_iter()
        .filter(|signal| !is_ignored(*signal))
}

/// Whether the signal was ignored when we were started. Where the system does not tell, it was not.
pub(super) fn is_ignored(signal: i32) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return false;
    };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
