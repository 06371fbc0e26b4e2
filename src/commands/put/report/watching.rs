//! What is told to whoever watches from outside: the figures, and whether archives can become commits now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::counts::Counts;
use crate::metrics::{Figures, Spooled};
use parking_lot::Mutex;
use spoutctl_archive::{Archive, Files};
use spoutctl_core::fault::FaultKind;
use spoutctl_core::quantity::elapsed;
use spoutctl_delivery::spill::SpillBuffers;
use spoutctl_delivery::spool::Spool;
use spoutctl_delivery::{Settled, Step};

/// A call that failed counts for as long as the next try and its answer may take: nothing tells of one that came
/// through, while a commit is waited for. The longest pause is 15 s, a call's time-out 60 s.
const FAILS_FOR: Duration = Duration::from_secs(90);

/// What is noted for it while archives go their way.
#[derive(Default)]
pub(in crate::commands::put) struct Watched {
    pub spool: Option<Arc<Spool>>,
    pub buffers: Option<SpillBuffers>,
    restarts: AtomicU64,
    sent: AtomicU64,
    /// How far each archive is, of those that are on their way.
    sent_of: Mutex<BTreeMap<u64, u64>>,
    /// The complete archive that is being sent, and the bytes of its files.
    sending: Mutex<Option<(u64, u64)>>,
    /// Archives whose commits are closed, and which pachd is finishing.
    finishing: Mutex<BTreeSet<u64>>,
    retries: Mutex<BTreeMap<&'static str, u64>>,
    last_commit: Mutex<Option<SystemTime>>,
    condition: Condition,
}

impl Watched {
    /// So much of the archive is sent; less than before when a part is sent again.
    pub fn sent(&self, archive: &Archive, bytes: u64) {
        let all = archive.contents.as_ref().map_or(0, Files::total_bytes);
        *self.sending.lock() = Some((archive.number, all));
        self.sent_of(archive.number, bytes);
    }

    fn sent_of(&self, archive: u64, bytes: u64) {
        let before = self.sent_of.lock().insert(archive, bytes).unwrap_or(0);
        // Whether it arrived is not known yet.
        self.sent.fetch_add(bytes.saturating_sub(before), Ordering::Relaxed);
    }

    /// So many bytes more of an archive that is still being read.
    pub fn sent_early(&self, archive: u64, bytes: u64) {
        *self.sent_of.lock().entry(archive).or_default() += bytes;
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        self.condition.answered();
    }

    pub fn sent_bytes(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// A step for the archive is done.
    pub fn stepped(&self, archive: u64, step: Step) {
        match step {
            Step::Close => self.finishing.lock().insert(archive),
            // A commit that was given up is begun anew.
            Step::Start => self.finishing.lock().remove(&archive),
            Step::Upload | Step::Add | Step::Move | Step::Finish => false,
        };
    }

    /// The archive that is being sent, and how much of it is there, in per cent.
    pub fn sending(&self) -> Option<(u64, u64)> {
        let (archive, all) = (*self.sending.lock())?;
        let sent = self.sent_of.lock().get(&archive).copied()?;
        let percent = u128::from(sent.min(all)) * 100 / u128::from(all.max(1));
        let is_finishing = self.finishing.lock().contains(&archive);
        Some((archive, u64::try_from(percent).unwrap_or(100))).filter(|_| !is_finishing)
    }

    /// How many commits pachd is finishing.
    pub fn finishing(&self) -> u64 {
        self.finishing.lock().len() as u64
    }

    pub fn committed(&self) {
        *self.last_commit.lock() = Some(SystemTime::now());
        self.condition.answered();
    }

    pub fn settled(&self, settled: &Settled<'_>) {
        let archives = settled.archives();
        self.sent_of.lock().retain(|archive, _| archive > archives.end());
        self.finishing.lock().retain(|archive| archive > archives.end());
        self.condition.answered();
    }

    pub fn retrying(&self, kind: FaultKind) {
        *self.retries.lock().entry(name(kind)).or_default() += 1;
        self.condition.failed(Instant::now());
    }

    pub fn ready(&self) {
        self.condition.reached.store(true, Ordering::Relaxed);
        self.condition.answered();
    }

    /// Something of the input is there to be read.
    pub fn reads(&self) {
        self.condition.reads.store(true, Ordering::Relaxed);
    }

    /// The producer has ended, and is about to be started again.
    pub fn restarts(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        self.condition.reads.store(false, Ordering::Relaxed);
    }

    /// Nothing more is read.
    pub fn ends(&self) {
        self.condition.ends.store(true, Ordering::Relaxed);
    }

    /// By kind; those that passing faults have are there from the start, so that a rate is one from the first on.
    fn retries(&self) -> BTreeMap<&'static str, u64> {
        let kinds = [FaultKind::Unavailable, FaultKind::Unknown, FaultKind::Unrecognised];
        let mut retries: BTreeMap<_, _> = kinds.map(|kind| (name(kind), 0)).into();
        retries.extend(self.retries.lock().iter().map(|(kind, count)| (*kind, *count)));
        retries
    }

    /// What keeps archives from becoming commits.
    pub fn hindrances(&self, now: Instant) -> Vec<String> {
        self.condition.hindrances(now)
    }

    pub fn figures(&self, counts: &Counts, in_hand: u64) -> Figures {
        Figures {
            totals: counts.totals(),
            sent_bytes: self.sent_bytes(),
            held: self.buffers.as_ref().map(SpillBuffers::held).unwrap_or_default(),
            retries: self.retries(),
            restarts: self.restarts.load(Ordering::Relaxed),
            stream_restarts: None,
            in_hand,
            last_commit: *self.last_commit.lock(),
            spool: self.spooled(),
            partitions: Vec::new(),
            is_ready: self.hindrances(Instant::now()).is_empty(),
        }
    }

    fn spooled(&self) -> Option<Spooled> {
        let spool = self.spool.as_ref()?;
        let (bytes, limit) = spool.room();
        Some(Spooled {
            archives: spool.waiting().0 as u64,
            bytes,
            limit,
            since: spool.waiting_since(),
        })
    }
}

/// The label of a series.
fn name(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Unavailable => "unavailable",
        FaultKind::Unknown => "no_answer",
        FaultKind::Unrecognised => "unrecognised",
        FaultKind::FileSetGone => "file_set_gone",
        FaultKind::HeadOpen => "head_open",
        _ => "other",
    }
}

/// Whether archives can become commits.
#[derive(Default)]
struct Condition {
    reached: AtomicBool,
    reads: AtomicBool,
    ends: AtomicBool,
    /// The first call that failed since one that did not, and the last one.
    failing: Mutex<Option<(Instant, Instant)>>,
}

impl Condition {
    fn answered(&self) {
        *self.failing.lock() = None;
    }

    fn failed(&self, now: Instant) {
        let mut failing = self.failing.lock();
        let first = failing.map_or(now, |(first, _)| first);
        *failing = Some((first, now));
    }

    fn hindrances(&self, now: Instant) -> Vec<String> {
        let mut hindrances = Vec::new();
        if !self.reached.load(Ordering::Relaxed) {
            hindrances.push("pachd was not reached yet".to_owned());
        }
        if let Some((first, last)) = *self.failing.lock()
            && now.saturating_duration_since(last) < FAILS_FOR
        {
            let time = elapsed(now.saturating_duration_since(first));
            hindrances.push(format!("calls to pachd fail, for {time}"));
        }
        if self.ends.load(Ordering::Relaxed) {
            hindrances.push("it was told to end".to_owned());
        } else if !self.reads.load(Ordering::Relaxed) {
            hindrances.push("no input is read yet".to_owned());
        }
        hindrances
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_early_counts_at_once_and_not_again_when_the_rest_is() {
        let watched = Watched::default();
        watched.sent_early(1, 100);
        watched.sent_early(1, 50);
        assert_eq!(watched.sent_bytes(), 150);
        watched.sent_of(1, 170);
        assert_eq!(watched.sent_bytes(), 170);
        // All of it anew: what goes again counts again.
        watched.sent_of(1, 10);
        watched.sent_of(1, 30);
        assert_eq!(watched.sent_bytes(), 190);
    }

    #[test]
    fn an_archive_is_finishing_from_the_closing_of_its_commit_until_it_is_settled_or_begun_anew() {
        let watched = Watched::default();
        watched.stepped(1, Step::Start);
        watched.stepped(1, Step::Add);
        assert_eq!(watched.finishing(), 0);
        watched.stepped(1, Step::Close);
        watched.stepped(2, Step::Close);
        assert_eq!(watched.finishing(), 2);
        watched.stepped(2, Step::Start);
        assert_eq!(watched.finishing(), 1);
    }

    #[test]
    fn it_is_ready_once_pachd_was_reached_and_input_is_read() {
        let watched = Watched::default();
        let said = |watched: &Watched| watched.condition.hindrances(Instant::now());
        assert_eq!(said(&watched), ["pachd was not reached yet", "no input is read yet"]);
        watched.ready();
        watched.reads();
        assert!(said(&watched).is_empty());
        watched.restarts();
        assert_eq!(said(&watched), ["no input is read yet"]);
        watched.reads();
        watched.ends();
        assert_eq!(said(&watched), ["it was told to end"]);
    }

    #[test]
    fn a_call_that_failed_counts_until_one_succeeds_or_the_next_would_have_failed() {
        let condition = Condition::default();
        condition.reached.store(true, Ordering::Relaxed);
        condition.reads.store(true, Ordering::Relaxed);
        let begin = Instant::now();
        condition.failed(begin);
        condition.failed(begin + Duration::from_secs(20));
        let later = begin + Duration::from_secs(30);
        assert_eq!(condition.hindrances(later), ["calls to pachd fail, for 30.0 s"]);
        assert!(condition.hindrances(begin + Duration::from_secs(111)).is_empty());
        condition.answered();
        assert!(condition.hindrances(later).is_empty());
    }

    #[test]
    fn bytes_that_are_sent_again_count_again() {
        let watched = Watched::default();
        watched.sent_of(1, 100);
        watched.sent_of(1, 300);
        // The part from 100 on is sent again.
        watched.sent_of(1, 100);
        watched.sent_of(1, 250);
        watched.sent_of(2, 7);
        assert_eq!(watched.sent.load(Ordering::Relaxed), 300 + 150 + 7);
    }

    #[test]
    fn retries_are_counted_by_what_had_become_of_the_call() {
        let watched = Watched::default();
        watched.retrying(FaultKind::Unknown);
        watched.retrying(FaultKind::HeadOpen);
        let expected = [
            ("head_open", 1),
            ("no_answer", 1),
            ("unavailable", 0),
            ("unrecognised", 0),
        ];
        assert_eq!(watched.retries(), expected.into());
    }
}
