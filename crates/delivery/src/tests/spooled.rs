//! Runs of one spool, each killed somewhere, against a sink whose calls meet every fate.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use parking_lot::Mutex;
use proptest::prelude::*;

use super::checker::{Order, Promise, Told};
use super::runs::fate;
use super::scripted::*;
use crate::Ready;
use crate::spool::feeding::{self, SpoolObserver};
use crate::spool::{Contents, DEFAULT_LIMIT, HeldBack, Spool};
use crate::*;
use spoutctl_archive::{Archive, ArchiveReader, Files};
use spoutctl_core::pfs::Commit;

/// The process is killed after so many acknowledgements: none of the others reaches the spool.
struct Killed {
    observer: SpoolObserver,
    left: AtomicUsize,
}

impl Killed {
    fn is_alive(&self) -> bool {
        self.left
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1))
            .is_ok()
    }
}

impl Observer for Killed {
    fn ready(&self, ready: &Ready) {
        self.observer.ready(ready);
    }

    fn forming(&self, archives: std::ops::RangeInclusive<u64>) -> Result<(), DeliveryError> {
        self.observer.forming(archives)
    }

    fn would_commit(&self, _: &Archive, _: &Files) {}

    fn settled(&self, settled: &Settled<'_>) -> Result<(), Unacknowledged> {
        if self.is_alive() {
            self.observer.settled(settled)
        } else {
            self.observer.observer.settled(settled)
        }
    }

    fn note(&self, _: &str) {}
}

pub(super) fn run(
    sink: &Arc<Scripted>,
    dir: &Path,
    count: u64,
    kill_after: usize,
    options: Options,
) -> Result<(), DeliveryError> {
    run_heard(sink, dir, count, kill_after, options, &Arc::default())
}

/// One run: takes archives in up to `count`, and delivers until an error, the end, or its death.
fn run_heard(
    sink: &Arc<Scripted>,
    dir: &Path,
    count: u64,
    kill_after: usize,
    options: Options,
    heard: &Arc<Heard>,
) -> Result<(), DeliveryError> {
    let spool = Arc::new(Spool::open(dir, DEFAULT_LIMIT).unwrap());
    let heard = Arc::clone(heard);
    let observer = Killed {
        observer: SpoolObserver {
            spool: Arc::clone(&spool),
            observer: Arc::clone(&heard) as _,
        },
        left: AtomicUsize::new(kill_after),
    };
    let options = Options {
        stream: Some(spool.stream()),
        spooled: Some(spool.spooled()),
        ..options
    };
    let run = Run {
        options,
        retry_for: Duration::from_secs(20),
    };
    let clock = Arc::new(Fast(Mutex::new(Instant::now())));
    let delivery = delivery(sink, Arc::new(observer), clock, run);
    let reading = {
        let spool = Arc::clone(&spool);
        std::thread::spawn(move || {
            let _taking_in = spool.taking_in();
            let first = spool.accepted() + 1;
            let bytes: Vec<u8> = (first..=count).flat_map(archive_bytes).collect();
            let mut reader = ArchiveReader::new(
                bytes.as_slice(),
                "test".into(),
                first,
                spoutctl_archive::Options::default(),
            );
            while let Some(archive) = reader.next_archive(spool.buffer()?)? {
                spool.accept(archive)?;
            }
            Ok(())
        })
    };
    let (archives, incoming) = bounded(0);
    let feeder = {
        let spool = Arc::clone(&spool);
        std::thread::spawn(move || feeding::feed(&spool, &spoutctl_archive::Options::default(), &archives, reading))
    };
    let (_, result) = delivery.run(&incoming);
    drop(incoming);
    spool.close();
    feeder.join().unwrap();
    drop(delivery);
    // A process that has died holds no lock.
    while Arc::strong_count(&spool) > 1 {
        std::thread::yield_now();
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// However often a run dies, and whatever happens to its calls: once one gets through, every archive is one good
    /// commit, in order. pachd may finish one of them with an error.
    #[test]
    fn killed_runs_of_a_spool_lose_nothing_and_double_nothing(
        fates in proptest::collection::vec(fate(), 0..60),
        runs in proptest::collection::vec((1..6_u64, 0..4_usize), 1..4),
        may_drop: bool,
        append: bool,
        in_flight in 1..4_usize,
        fail in proptest::option::of(0..6_usize),
        no_file_sets: bool,
    ) {
        let mode = if append { WriteMode::Append } else { WriteMode::Overwrite };
        let sink = Arc::new(Scripted::new(fates));
        sink.lock().may_drop = may_drop;
        sink.lock().no_file_sets = no_file_sets;
        let dir = tempfile::tempdir().unwrap();
        let options = Options { mode, in_flight, ..options() };
        sink.lock().fail = fail;
        let mut count = 0;
        let heard = Arc::default();
        for (more, kill_after) in runs {
            count += more;
            let _ = run_heard(&sink, dir.path(), count, kill_after, options.clone(), &heard);
        }
        sink.lock().fates.clear();
        sink.lock().fail = None;
        // A late start may come after the first of these; the next one gives it up.
        for _ in 0..2 {
            sink.deliver_late();
            let last = run_heard(&sink, dir.path(), count, usize::MAX, options.clone(), &heard);
            prop_assert!(last.is_ok(), "{:?}", last);
        }
        let promise = Promise {
            archives: count,
            tree: &|number| content_of(number).into_iter().collect(),
            order: if in_flight > 1 { Order::AsTheyWent } else { Order::AsSent },
            told: Told::AgainAfterAKill,
        };
        let outcome = sink.outcome(heard.told.lock().clone());
        prop_assert_eq!(promise.check(&outcome), Ok(()));
        let held = Contents::look(dir.path()).unwrap();
        prop_assert_eq!((held.accepted, held.waiting.len()), (count, 0));
    }
}

#[test]
fn the_spool_of_one_cluster_is_not_sent_to_another() {
    let dir = tempfile::tempdir().unwrap();
    let sink = Arc::new(Scripted::new(Vec::new()));
    run(&sink, dir.path(), 1, usize::MAX, options()).unwrap();
    let spool = Spool::open(dir.path(), DEFAULT_LIMIT).unwrap();
    let another = Ready {
        cluster: Some("another".to_owned()),
        ..Ready::default()
    };
    spool.bind_destination(&another).unwrap();
    drop(spool);
    sink.lock().cluster = Some("this one".to_owned());
    let error = run(&sink, dir.path(), 2, usize::MAX, options()).unwrap_err();
    assert!(matches!(error, DeliveryError::AnotherCluster { .. }), "{error:?}");
    assert_eq!(sink.good().len(), 1);
}

/// Several in flight, the first of them fails and is committed after the others: that commit is newer than what still
/// waits, and says nothing about where to look for it.
#[test]
fn an_archive_committed_after_later_ones_hides_none_of_them_from_the_next_run() {
    for decided in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let sink = Arc::new(Scripted::new(Vec::new()));
        let options = in_flight(3, options());
        // All three are closed, and it dies before it is told what became of the first one.
        let _ = run(&sink, dir.path(), 3, 0, options.clone());
        assert_eq!(sink.good().len(), 3);
        "file / directory path collision (/a)".clone_into(&mut sink.lock().commits[0].error);
        if decided {
            // Nothing is mended, so that it fails once more, now as the newest.
            sink.lock().fail = Some(3);
            let failed = run(&sink, dir.path(), 3, usize::MAX, options.clone()).unwrap_err();
            let DeliveryError::FinishedWithError { archive: 1, commit, .. } = failed else {
                panic!("{failed:?}");
            };
            decide(dir.path(), &commit);
            sink.lock().fail = None;
        }
        // It dies after the first acknowledgement.
        let _ = run(&sink, dir.path(), 3, 1, options.clone());
        run(&sink, dir.path(), 4, usize::MAX, options).unwrap();
        let numbers: Vec<u64> = sink.good().iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [2, 3, 1, 4], "decided: {decided}");
        assert_eq!(Contents::look(dir.path()).unwrap().waiting, []);
    }
}

/// What `put` does when it ends with such a commit, and what somebody says then.
fn decide(dir: &Path, commit: &Commit) {
    let spool = Spool::open(dir, DEFAULT_LIMIT).unwrap();
    let held = HeldBack {
        sequence: 1,
        commit: commit.id.to_string(),
        reason: "collision".to_owned(),
    };
    spool.hold_back(held).unwrap();
    spool.resend(1).unwrap();
}
