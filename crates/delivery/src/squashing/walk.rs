//! The branch's commits as they are shown, newest first: which are to go, as far as the line itself says.

use std::collections::{HashMap, HashSet};

use super::plan::{Id, Plan, Reason, Wish};
use crate::mark::{Mark, Stage, StreamName};
use crate::preflight::DISORDER;
use spoutctl_core::pfs::{CommitId, CommitInfo, Origin};

/// So many of a stream's newest marks stay. A `put` that is started again takes an archive without a commit for one
/// that failed in flight when fewer than [`DISORDER`] later ones have one, and commits it; else it was squashed, and
/// must not come again. As many commits as were in flight may stand in disorder, so that of these at least half are of
/// later archives than any that goes.
const OF_A_STREAM: usize = 2 * DISORDER;

pub(super) struct Walk<'a> {
    wish: &'a Wish,
    plan: Plan,
    /// Whether the one that was shown before, which is built on this one, is finished without an error and no work of
    /// pachd.
    child_is_good: Option<bool>,
    /// The period of the newest good commit so far.
    period: Option<i128>,
    streams: HashMap<StreamName, usize>,
    named: HashSet<CommitId>,
}

impl<'a> Walk<'a> {
    pub fn new(wish: &'a Wish) -> Self {
        Self {
            wish,
            plan: Plan::default(),
            child_is_good: None,
            period: None,
            streams: HashMap::new(),
            named: HashSet::new(),
        }
    }

    pub fn see(&mut self, info: &CommitInfo) {
        let id = Id::of(&info.commit.id);
        self.plan.line.push(id);
        if !info.is_good() || info.origin != Origin::User {
            self.plan.bad.insert(id);
        }
        if self.wish.keep.contains(&info.commit.id) {
            self.named.insert(info.commit.id.clone());
        }
        let is_newest = self.is_newest_of_period(info);
        let is_of_stream = self.is_of_stream(info);
        match self.reason(info, is_newest, is_of_stream) {
            Some(reason) => self.plan.stays(reason, 1),
            None => self.plan.goes.push(id),
        }
        self.child_is_good = Some(info.is_good() && info.origin == Origin::User);
    }

    /// Why it stays, if it does.
    fn reason(&self, info: &CommitInfo, is_newest: bool, is_of_stream: bool) -> Option<Reason> {
        let Some(child_is_good) = self.child_is_good else {
            return Some(Reason::Head);
        };
        let Some(finished) = info.finished else {
            return Some(Reason::Open);
        };
        let reasons = [
            (!info.error.is_empty(), Reason::Errored),
            (info.origin != Origin::User, Reason::OfPachd),
            (finished >= self.wish.before, Reason::Young),
            (self.wish.keep.contains(&info.commit.id), Reason::Named),
            (is_of_stream, Reason::Stream),
            (!child_is_good, Reason::BeforeSuch),
            (is_newest, Reason::NewestOfPeriod),
        ];
        reasons.into_iter().find_map(|(holds, reason)| holds.then_some(reason))
    }

    fn is_newest_of_period(&mut self, info: &CommitInfo) -> bool {
        let (Some(length), Some(finished), true) = (self.wish.keep_every, info.finished, info.is_good()) else {
            return false;
        };
        let length = i128::try_from(length.as_nanos()).unwrap_or(i128::MAX).max(1);
        let period = finished.as_nanosecond().div_euclid(length);
        self.period.replace(period) != Some(period)
    }

    fn is_of_stream(&mut self, info: &CommitInfo) -> bool {
        // Those with an error, or given up, tell a `put` nothing.
        let tells = |mark: &Mark| mark.stage == Stage::Done && info.is_good() && !mark.stream.is_random();
        let mark = Mark::of(info).filter(tells);
        let Some(mark) = mark else { return false };
        let seen = self.streams.entry(mark.stream).or_default();
        *seen += 1;
        *seen <= OF_A_STREAM
    }

    /// The plan, and which of those that are to be kept were seen.
    pub fn end(mut self) -> (Plan, HashSet<CommitId>) {
        self.plan.goes.reverse();
        self.plan.line.sort_unstable();
        (self.plan, self.named)
    }
}
