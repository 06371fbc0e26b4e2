//! The loop: look at the history, deliver, watch for more, and again after whatever breaks.

mod rewrites;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::backlog::{Backlog, Pieces};
use super::consumer::{Consumer, End, Note, Taken};
use super::cursor::Cursor;
use super::options::{Options, Start};
use super::trail::Trail;
use super::{CommitFeed, FollowError, TICK};
use crate::retry::{Clock, Exhausted, Interrupt, RetryBudget};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Commit, CommitId, CommitInfo};

/// How often the head is looked at while the subscription may still be telling of the past, or there is none.
const LOOK_OFTEN: Duration = Duration::from_secs(1);
/// How often it is looked at while a subscription tells what happens: a branch that is moved is not told.
const LOOK_SELDOM: Duration = Duration::from_secs(5);
/// A subscription that told nothing of what a look found so long ago is dead.
const DEAF_AFTER: Duration = Duration::from_secs(30);
/// The pause before a subscription is tried again that keeps breaking, while looking goes well: doubled from the
/// first to the last.
const FIRST_REST: Duration = Duration::from_millis(100);
const LAST_REST: Duration = Duration::from_mins(1);
/// A head that has been open for so long is mentioned.
const OPEN_FOR: Duration = Duration::from_secs(10);

/// Delivers the branch's finished commits to `consumer`, oldest first, each once, and goes on until something ends it.
///
/// With a cursor that was kept, it begins behind that one, and [`Options::start`] is for the first time.
///
/// # Errors
/// When it cannot go on without guessing, pachd refuses, or nothing succeeds for [`Options::retry_for`].
pub fn follow(
    feed: &dyn CommitFeed,
    branch: &Branch,
    options: &Options,
    cursor: Option<&mut Cursor>,
    consumer: &mut dyn Consumer,
    clock: &dyn Clock,
    interrupt: &Interrupt,
) -> Result<End, FollowError> {
    let clock = Until {
        clock,
        deadline: options.deadline,
    };
    let mut trail = Trail::default();
    let (mut begun, mut proven) = (false, false);
    if let Start::After(commit) = &options.start {
        trail = Trail::behind([commit.clone()]);
        begun = true;
    }
    if let Some(kept) = cursor.as_ref().and_then(|cursor| cursor.kept()) {
        trail = kept.clone();
        (begun, proven) = (true, true);
    }
    let follower = Follower {
        feed,
        branch,
        options,
        consumer,
        clock: &clock,
        interrupt,
        trail,
        begun,
        proven,
        cursor,
        open: None,
        missing: Missing::No,
    };
    follower.run()
}

/// A clock whose pauses end at the deadline.
struct Until<'a> {
    clock: &'a dyn Clock,
    deadline: Option<Instant>,
}

impl Clock for Until<'_> {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn pause(&self, pause: Duration, interrupt: &Interrupt) {
        let left = self
            .deadline
            .map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(self.now()));
        self.clock.pause(pause.min(left), interrupt);
    }
}

/// Why a step went no further.
enum StepError {
    End(End),
    /// To be tried again, where that may help.
    Fault(Fault),
    Error(FollowError),
}

impl From<Fault> for StepError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<FollowError> for StepError {
    fn from(error: FollowError) -> Self {
        Self::Error(error)
    }
}

/// What is known of a branch that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    No,
    /// It was said that it is waited for.
    Said,
}

/// A head that holds back what comes after it.
struct Unfinished {
    commit: Commit,
    seen: Instant,
    said: bool,
}

struct Follower<'a, 'c> {
    feed: &'a dyn CommitFeed,
    branch: &'a Branch,
    options: &'a Options,
    consumer: &'a mut dyn Consumer,
    clock: &'a dyn Clock,
    interrupt: &'a Interrupt,
    trail: Trail,
    /// The start is behind us: whatever is not in the trail is new.
    begun: bool,
    /// The branch was seen with what the trail begins with on it.
    proven: bool,
    cursor: Option<&'c mut Cursor>,
    open: Option<Unfinished>,
    missing: Missing,
}

impl Follower<'_, '_> {
    fn run(mut self) -> Result<End, FollowError> {
        let stop = match self.go_on() {
            Ok(never) => match never {},
            Err(stop) => stop,
        };
        // Also when it ends badly: what was passed over needs no second look.
        let kept = self.keep(true);
        match stop {
            StepError::End(end) => kept.map(|()| end),
            StepError::Error(error) => Err(error),
            StepError::Fault(fault) => Err(FollowError::of(fault, Duration::ZERO)),
        }
    }

    fn go_on(&mut self) -> Result<std::convert::Infallible, StepError> {
        let mut rest = FIRST_REST;
        loop {
            self.look_until_it_succeeds()?;
            if !self.options.follow {
                return Err(self.ends_at_the_head());
            }
            let watched = self.watch()?;
            if watched.is_useful {
                rest = FIRST_REST;
            } else {
                self.rest(rest)?;
                rest = (rest * 2).min(LAST_REST);
            }
        }
    }

    fn ends_at_the_head(&mut self) -> StepError {
        if let Some(open) = &self.open {
            self.consumer.note(&Note::EndsBefore(open.commit.clone()));
        }
        StepError::End(End::Head)
    }

    /// Looks and delivers, again and again with pauses while that meets faults that may pass.
    fn look_until_it_succeeds(&mut self) -> Result<(), StepError> {
        let mut budget = RetryBudget::new(self.clock, self.interrupt, self.options.retry_for);
        let mut failed = false;
        loop {
            let before = self.trail.newest().cloned();
            let fault = match self.look() {
                Ok(()) => {
                    if failed {
                        self.consumer.note(&Note::Again);
                    }
                    if self.missing == Missing::No || !self.options.wait_for_branch {
                        return Ok(());
                    }
                    // Waiting is no failing.
                    budget.reset();
                    self.clock.pause(LOOK_OFTEN, self.interrupt);
                    self.must_end()?;
                    failed = false;
                    continue;
                }
                Err(StepError::Fault(fault)) => fault,
                Err(stop) => return Err(stop),
            };
            if before.as_ref() != self.trail.newest() {
                budget.reset();
            }
            let again = budget.again(&fault, |fault| {
                if !std::mem::replace(&mut failed, true) {
                    self.consumer.note(&Note::Retrying(fault.clone()));
                }
            });
            if again == Err(Exhausted::Hopeless) {
                return Err(FollowError::of(fault, Duration::ZERO).into());
            }
            self.must_end()?;
            match again {
                Ok(()) | Err(Exhausted::Hopeless) => {}
                Err(Exhausted::Grace) => return Err(StepError::End(End::Interrupted)),
                Err(Exhausted::Retries(tried)) => return Err(FollowError::of(fault, tried).into()),
            }
        }
    }

    /// Lets time pass without a subscription.
    fn rest(&mut self, rest: Duration) -> Result<(), StepError> {
        let until = self.clock.now() + rest;
        let mut next_look = self.clock.now() + LOOK_OFTEN;
        loop {
            let now = self.clock.now();
            if now >= until {
                return Ok(());
            }
            self.clock.pause(TICK.min(until - now), self.interrupt);
            self.must_end()?;
            if self.clock.now() >= next_look {
                self.look_at_the_head_until_it_succeeds()?;
                next_look = self.clock.now() + LOOK_OFTEN;
            }
        }
    }

    fn look_at_the_head_until_it_succeeds(&mut self) -> Result<(), StepError> {
        match self.look_at_the_head() {
            Err(StepError::Fault(fault)) if fault.is_passing() => self.look_until_it_succeeds(),
            looked => looked.map(|_| ()),
        }
    }

    fn must_end(&mut self) -> Result<(), StepError> {
        if self.interrupt.is_raised() {
            return Err(StepError::End(End::Interrupted));
        }
        if self.consumer.is_gone() {
            return Err(StepError::End(End::Consumer));
        }
        if self.is_too_late() {
            return Err(StepError::End(End::Deadline));
        }
        Ok(())
    }

    fn is_too_late(&self) -> bool {
        self.options
            .deadline
            .is_some_and(|deadline| self.clock.now() >= deadline)
    }
}

/// What a subscription was good for.
struct Watched {
    is_useful: bool,
}

/// A subscription's state.
struct Watch {
    /// It has come to the last commit that was taken, so what it tells now is new.
    is_live: bool,
    next_look: Instant,
    /// Since when looks find what it should have told.
    deaf_since: Option<Instant>,
    begun: Instant,
    has_told: bool,
}

impl Follower<'_, '_> {
    /// Watches until the subscription ends.
    fn watch(&mut self) -> Result<Watched, StepError> {
        let feed = self.feed;
        let now = self.clock.now();
        let mut watch = Watch {
            is_live: false,
            next_look: now + LOOK_OFTEN,
            deaf_since: None,
            begun: now,
            has_told: false,
        };
        let mut stop = None;
        let ended = feed.watch(self.branch, &mut |told| match self.hear(&mut watch, told) {
            Ok(flow) => flow,
            Err(why) => {
                stop = Some(why);
                ControlFlow::Break(())
            }
        });
        match (stop, ended) {
            // The history is looked at again, with patience.
            (Some(StepError::Fault(fault)), _) if fault.is_passing() => {}
            (Some(stop), _) => return Err(stop),
            (None, _) => {}
        }
        self.must_end()?;
        let lasted = self.clock.now().saturating_duration_since(watch.begun);
        Ok(Watched {
            is_useful: watch.has_told || lasted >= LAST_REST,
        })
    }

    /// Takes what a subscription tells, or that it tells nothing.
    fn hear(&mut self, watch: &mut Watch, told: Option<CommitInfo>) -> Result<ControlFlow<()>, StepError> {
        self.must_end()?;
        if let Some(info) = told.filter(|info| info.finished.is_some()) {
            watch.has_told = true;
            watch.deaf_since = None;
            self.hear_of(watch, &info)?;
        }
        let now = self.clock.now();
        if now >= watch.next_look {
            if self.look_at_the_head()? && watch.is_live {
                watch.deaf_since.get_or_insert(now);
            }
            let pause = if watch.is_live { LOOK_SELDOM } else { LOOK_OFTEN };
            watch.next_look = self.clock.now() + pause;
        }
        let is_deaf = watch
            .deaf_since
            .is_some_and(|since| now.saturating_duration_since(since) >= DEAF_AFTER);
        Ok(if is_deaf {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }

    fn hear_of(&mut self, watch: &mut Watch, info: &CommitInfo) -> Result<(), StepError> {
        let newest = self.trail.newest();
        if newest == Some(&info.commit.id) {
            watch.is_live = true;
            return Ok(());
        }
        if newest.is_some() && newest == info.parent.as_ref().map(|parent| &parent.id) {
            watch.is_live = true;
        }
        // Of the past, which comes first; unless there is none. What is new need not be on the branch, which may have
        // been moved: only its history tells.
        if (!watch.is_live && newest.is_some()) || self.trail.position(&info.commit.id).is_some() {
            return Ok(());
        }
        self.look()
    }

    /// Looks at the history unless the head is what was taken last. Whether anything was delivered.
    fn look_at_the_head(&mut self) -> Result<bool, StepError> {
        let head = match self.feed.inspect_branch(self.branch) {
            Ok(head) => head,
            Err(fault) if fault.kind == FaultKind::NotFound => None,
            Err(fault) => return Err(fault.into()),
        };
        let head = head.and_then(|info| info.head).map(|head| head.id);
        let before = self.trail.newest().cloned();
        if head.is_some() && head == before {
            self.open = None;
            return Ok(false);
        }
        self.look()?;
        if self.missing != Missing::No && self.options.wait_for_branch {
            // A subscription to what is gone may never tell of what comes instead.
            self.look_until_it_succeeds()?;
        }
        Ok(before.as_ref() != self.trail.newest())
    }
}

/// What a listing showed.
struct Listed {
    backlog: Backlog,
    /// How many steps ago the newest commit was taken that still is on the branch.
    met: Option<usize>,
    /// The newest commit that is before the start.
    edge: Option<CommitId>,
    /// The oldest that is not finished.
    unfinished: Option<CommitInfo>,
    is_empty: bool,
}

impl Follower<'_, '_> {
    /// Lists the history back to the last commit that was taken, or to the start, and delivers what lies between.
    fn look(&mut self) -> Result<(), StepError> {
        let listed = match self.list() {
            Ok(listed) => listed,
            Err(fault) if fault.kind == FaultKind::NotFound => return self.not_there(true),
            Err(fault) => return Err(fault.into()),
        };
        self.must_end()?;
        if listed.is_empty {
            return self.not_there(false);
        }
        self.missing = Missing::No;
        if self.begun && self.trail.newest().is_some() && listed.met != Some(0) {
            self.rewritten(listed.met)?;
        }
        self.proven = true;
        if !self.begun {
            self.trail = Trail::behind(listed.edge);
            self.begun = true;
        }
        self.mind(listed.unfinished);
        match listed.backlog.into_pieces() {
            Pieces::Held(infos) => infos.iter().try_for_each(|info| self.deliver(info)),
            Pieces::Lines { newest, longest } => {
                newest.iter().try_for_each(|commit| self.deliver_line(commit, longest))
            }
        }
    }

    fn list(&self) -> Result<Listed, Fault> {
        let mut listed = Listed {
            backlog: Backlog::new(),
            met: None,
            edge: None,
            unfinished: None,
            is_empty: true,
        };
        let taken = self.trail.positions();
        self.feed.list_commits(self.branch, &mut |info| {
            listed.is_empty = false;
            // What comes of this is not looked at then.
            if self.interrupt.is_raised() || self.is_too_late() {
                return ControlFlow::Break(());
            }
            if let Some(at) = taken.get(&info.commit.id) {
                listed.met = Some(*at);
                return ControlFlow::Break(());
            }
            if info.finished.is_none() {
                // Nothing after it may be delivered yet.
                listed.backlog.clear();
                listed.unfinished = Some(info);
                return ControlFlow::Continue(());
            }
            if !self.begun && self.is_before_the_start(&info, listed.backlog.len()) {
                listed.edge = Some(info.commit.id);
                return ControlFlow::Break(());
            }
            listed.backlog.push(info);
            ControlFlow::Continue(())
        })?;
        Ok(listed)
    }

    fn is_before_the_start(&self, info: &CommitInfo, newer: usize) -> bool {
        match &self.options.start {
            Start::Last(wanted) => newer as u64 >= *wanted,
            Start::Since(time) => info.finished.is_some_and(|finished| finished < *time),
            Start::After(_) | Start::Beginning => false,
        }
    }

    /// Delivers a commit and those before it that were not taken yet.
    fn deliver_line(&mut self, newest: &Commit, longest: usize) -> Result<(), StepError> {
        let mut infos = Vec::new();
        let last = self.trail.newest().cloned();
        let mut met = last.is_none();
        self.feed
            .list_line(newest, &mut |info| {
                if Some(&info.commit.id) == last.as_ref() {
                    met = true;
                    return ControlFlow::Break(());
                }
                if infos.len() == longest {
                    met = false;
                    return ControlFlow::Break(());
                }
                infos.push(info);
                ControlFlow::Continue(())
            })
            .map_err(changed_meanwhile)?;
        if !met {
            return Err(Fault::new(FaultKind::Unavailable, "the history was changed while it was listed").into());
        }
        infos.iter().rev().try_for_each(|info| self.deliver(info))
    }

    fn deliver(&mut self, info: &CommitInfo) -> Result<(), StepError> {
        self.must_end()?;
        // A branch that was moved back may be moved forth again.
        let taken = if self.trail.is_off(&info.commit.id) {
            Taken::PassedOver
        } else {
            self.consumer.take(info)
        };
        if taken == Taken::No {
            return Err(StepError::End(End::Consumer));
        }
        self.trail.push(info.commit.id.clone());
        self.keep(taken != Taken::PassedOver)?;
        if taken == Taken::Last {
            return Err(StepError::End(End::Consumer));
        }
        Ok(())
    }

    fn keep(&mut self, at_once: bool) -> Result<(), FollowError> {
        match &mut self.cursor {
            Some(cursor) => cursor.keep(&self.trail, at_once),
            None => Ok(()),
        }
    }

    /// Remembers what holds up the rest, and says so after a while.
    fn mind(&mut self, unfinished: Option<CommitInfo>) {
        let Some(info) = unfinished.filter(CommitInfo::is_open) else {
            self.open = None;
            return;
        };
        let now = self.clock.now();
        match &mut self.open {
            Some(open) if open.commit == info.commit => {
                if !open.said && now.saturating_duration_since(open.seen) >= OPEN_FOR {
                    open.said = true;
                    self.consumer.note(&Note::Open {
                        commit: info.commit,
                        started: info.started,
                    });
                }
            }
            _ => {
                self.open = Some(Unfinished {
                    commit: info.commit,
                    seen: now,
                    said: false,
                });
            }
        }
    }
}

/// A commit that was listed a moment ago is gone: the next look finds its way.
fn changed_meanwhile(fault: Fault) -> Fault {
    if fault.kind == FaultKind::NotFound {
        Fault::new(FaultKind::Unavailable, fault.message)
    } else {
        fault
    }
}
