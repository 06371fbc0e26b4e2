//! How long to go on trying, and how long to wait in between.
//!
//! The limit is on time without any success: a call that succeeds starts the count anew. An interrupt sets a limit of
//! its own, the grace period, that no retry outlives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use spoutctl_core::fault::{Fault, FaultKind};

/// The first pause after a failed call; it doubles up to [`LONGEST_PAUSE`], with jitter.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Somebody wants us to stop: raised once, seen by every thread.
#[derive(Debug, Clone)]
pub struct Interrupt {
    /// Gets closed when the interrupt is raised, which wakes everyone who selects on it.
    raised: Receiver<()>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    open: Option<Sender<()>>,
    deadline: Option<Instant>,
}

impl Default for Interrupt {
    fn default() -> Self {
        Self::new()
    }
}

impl Interrupt {
    pub fn new() -> Self {
        let (open, raised) = bounded(0);
        Self {
            raised,
            state: Arc::new(Mutex::new(State {
                open: Some(open),
                deadline: None,
            })),
        }
    }

    /// Asks everyone to come to an end by `deadline`.
    pub fn raise(&self, deadline: Instant) {
        let mut state = self.state.lock();
        state.open = None;
        state.deadline.get_or_insert(deadline);
    }

    /// When everything has to be over; `None` while nobody has asked.
    pub fn deadline(&self) -> Option<Instant> {
        self.state.lock().deadline
    }

    /// Whether that time has come.
    pub fn is_over(&self, now: Instant) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    pub fn is_raised(&self) -> bool {
        self.deadline().is_some()
    }

    /// A channel that is closed when the interrupt is raised.
    pub fn raised(&self) -> &Receiver<()> {
        &self.raised
    }
}

/// Time, as the delivery sees it; tests bring their own.
pub trait Clock: Send + Sync {
    fn now(&self) -> Instant;
    /// Waits for `pause`, or until the interrupt is raised while it waits.
    fn pause(&self, pause: Duration, interrupt: &Interrupt);
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn pause(&self, pause: Duration, interrupt: &Interrupt) {
        if interrupt.is_raised() {
            std::thread::sleep(pause);
        } else {
            // Either the time is over or somebody woke us: both end the pause.
            let _ = interrupt.raised().recv_timeout(pause);
        }
    }
}

/// How often the same unknown answer is taken before it counts as a refusal.
const SAME_ANSWER: u32 = 5;

/// Counts answers that nobody knows the meaning of. They may pass, but are not asked for until the time is over.
#[derive(Debug, Default)]
struct UnknownAnswers {
    text: String,
    times: u32,
}

impl UnknownAnswers {
    /// Whether `fault` is such an answer and has come too often.
    fn too_often(&mut self, fault: &Fault) -> bool {
        if fault.kind != FaultKind::Unrecognised {
            return false;
        }
        if self.text != fault.message {
            self.text.clone_from(&fault.message);
            self.times = 0;
        }
        self.times += 1;
        self.times >= SAME_ANSWER
    }
}

/// Why there is no further try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// `--retry-for` is over; this long was tried.
    Retries(Duration),
    /// The grace period after an interrupt is over.
    Grace,
    /// It is no fault that passes, or an answer that nobody knows has come too often.
    Hopeless,
}

/// The retries of one step.
pub struct RetryBudget<'a> {
    clock: &'a dyn Clock,
    interrupt: &'a Interrupt,
    limit: Duration,
    failing_since: Option<Instant>,
    pauses: ExponentialBackoff,
    unknown: UnknownAnswers,
}

impl<'a> RetryBudget<'a> {
    /// `limit` is the longest time without a success; zero means one try.
    pub fn new(clock: &'a dyn Clock, interrupt: &'a Interrupt, limit: Duration) -> Self {
        Self {
            clock,
            interrupt,
            limit,
            failing_since: None,
            pauses: pauses(),
            unknown: UnknownAnswers::default(),
        }
    }

    /// Something succeeded: the time, and how often an answer came, count from the next failure on.
    pub fn reset(&mut self) {
        self.failing_since = None;
        self.pauses = pauses();
        self.unknown = UnknownAnswers::default();
    }

    /// After a fault: tells of it, and waits before the next try.
    ///
    /// # Errors
    /// When there should be none; `tell` has not heard of a fault that is hopeless, nor of the only one of one try.
    pub fn again(&mut self, fault: &Fault, tell: impl FnOnce(&Fault)) -> Result<(), Exhausted> {
        if self.is_hopeless(fault) {
            return Err(Exhausted::Hopeless);
        }
        if !self.limit.is_zero() {
            tell(fault);
        }
        self.wait(fault.retry_after)
    }

    /// Counts a fault, and answers whether trying again is of no use.
    pub fn is_hopeless(&mut self, fault: &Fault) -> bool {
        !fault.is_passing() || self.unknown.too_often(fault)
    }

    /// How long to wait before the next try; `asked` is the server's own wish (`Retry-After`).
    pub fn pause(&mut self, asked: Option<Duration>) -> Duration {
        let pause = self.pauses.next().unwrap_or(LONGEST_PAUSE);
        pause.max(asked.unwrap_or_default())
    }

    /// Waits before the next try; `asked` is the server's own wish (`Retry-After`).
    ///
    /// # Errors
    /// When there should be none.
    pub fn wait(&mut self, asked: Option<Duration>) -> Result<(), Exhausted> {
        let now = self.clock.now();
        let grace = self.grace_left(now)?;
        let failing_for = now.saturating_duration_since(*self.failing_since.get_or_insert(now));
        let left = self.limit.saturating_sub(failing_for);
        if left.is_zero() {
            return Err(Exhausted::Retries(failing_for));
        }
        let pause = self.pause(asked);
        self.clock.pause(pause.min(left).min(grace), self.interrupt);
        self.grace_left(self.clock.now()).map(|_| ())
    }

    fn grace_left(&self, now: Instant) -> Result<Duration, Exhausted> {
        match self.interrupt.deadline() {
            None => Ok(Duration::MAX),
            Some(deadline) if deadline > now => Ok(deadline - now),
            Some(_) => Err(Exhausted::Grace),
        }
    }
}

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(SHORTEST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_jitter()
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_unknown_answer_is_taken_five_times_in_a_row_and_a_success_between_two_starts_the_count_anew() {
        let (clock, interrupt) = (Fake(Mutex::new(Instant::now())), Interrupt::new());
        let mut budget = RetryBudget::new(&clock, &interrupt, Duration::from_hours(1));
        let odd = Fault::new(FaultKind::Unrecognised, "0xdeadbeef");
        for _ in 0..10 {
            assert_eq!(budget.again(&odd, |_| {}), Ok(()));
            budget.reset();
        }
        let tries = std::iter::from_fn(|| budget.again(&odd, |_| {}).ok()).count();
        assert_eq!(tries + 1, 5);
        assert_eq!(budget.again(&odd, |_| panic!("told")), Err(Exhausted::Hopeless));
    }

    #[test]
    fn what_does_not_pass_by_itself_is_not_tried_again() {
        let (clock, interrupt) = (Fake(Mutex::new(Instant::now())), Interrupt::new());
        let mut budget = RetryBudget::new(&clock, &interrupt, Duration::from_hours(1));
        for kind in [FaultKind::Refused, FaultKind::FileSetGone, FaultKind::HeadOpen] {
            let fault = Fault::new(kind, "no");
            assert_eq!(budget.again(&fault, |_| panic!("told")), Err(Exhausted::Hopeless));
        }
    }

    struct Fake(Mutex<Instant>);

    impl Clock for Fake {
        fn now(&self) -> Instant {
            *self.0.lock()
        }
        fn pause(&self, pause: Duration, _: &Interrupt) {
            *self.0.lock() += pause;
        }
    }

    #[test]
    fn retries_end_when_the_time_is_over_and_a_success_starts_the_count_anew() {
        let start = Instant::now();
        let (clock, interrupt) = (Fake(Mutex::new(start)), Interrupt::new());
        let mut budget = RetryBudget::new(&clock, &interrupt, Duration::from_mins(1));
        while budget.wait(None).is_ok() {}
        assert_eq!(clock.now() - start, Duration::from_mins(1));
        budget.reset();
        while budget.wait(None).is_ok() {}
        assert_eq!(clock.now() - start, Duration::from_mins(2));
    }

    #[test]
    fn a_limit_of_zero_means_one_try() {
        let (clock, interrupt) = (Fake(Mutex::new(Instant::now())), Interrupt::new());
        let mut budget = RetryBudget::new(&clock, &interrupt, Duration::ZERO);
        assert_eq!(budget.wait(None), Err(Exhausted::Retries(Duration::ZERO)));
    }

    #[test]
    fn no_retry_outlives_the_grace_period() {
        let start = Instant::now();
        let (clock, interrupt) = (Fake(Mutex::new(start)), Interrupt::new());
        let mut budget = RetryBudget::new(&clock, &interrupt, Duration::from_mins(10));
        interrupt.raise(start + Duration::from_secs(5));
        let end = loop {
            if let Err(end) = budget.wait(Some(Duration::from_secs(2))) {
                break end;
            }
        };
        assert_eq!(end, Exhausted::Grace);
        assert!(clock.now() - start <= Duration::from_secs(5));
    }

    #[test]
    fn the_servers_own_wish_is_a_lower_bound_of_the_pause() {
        let start = Instant::now();
        let (clock, interrupt) = (Fake(Mutex::new(start)), Interrupt::new());
        let mut budget = RetryBudget::new(&clock, &interrupt, Duration::from_mins(10));
        budget.wait(Some(Duration::from_secs(30))).unwrap();
        assert!(clock.now() - start >= Duration::from_secs(30));
    }
}
