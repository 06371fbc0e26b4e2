//! Adaptive batches: what arrives while a commit is made and finished becomes the next one.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::batches::{by_count, ranges};
use super::scripted::*;
use crate::retry::SystemClock;
use crate::*;
use spoutctl_archive::{Archive, ArchiveReader, Files};

/// What the delivery tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Received(u64),
    Committed(u64),
    Wanted,
}

struct Telling(Sender<Told>);

impl Observer for Telling {
    fn received(&self, archive: &Archive) {
        let _ = self.0.send(Told::Received(archive.number));
    }

    fn settled(&self, settled: &Settled<'_>) -> Result<(), Unacknowledged> {
        if let Settled::Committed(receipt) = settled {
            let _ = self.0.send(Told::Committed(receipt.archive));
        }
        Ok(())
    }

    fn wanted(&self) {
        let _ = self.0.send(Told::Wanted);
    }

    fn would_commit(&self, _: &Archive, _: &Files) {}
    fn note(&self, _: &str) {}
}

/// A delivery that runs, and whose archives come when the test hands them over.
struct Running {
    sink: Arc<Scripted>,
    archives: Option<Sender<Incoming>>,
    told: Receiver<Told>,
    called: Receiver<Called>,
    thread: JoinHandle<Result<(), DeliveryError>>,
    next: u64,
}

impl Running {
    fn start(sink: &Arc<Scripted>, options: Options) -> Self {
        let (telling, told) = unbounded();
        let (calling, called) = unbounded();
        sink.lock().called = Some(calling);
        let (archives, incoming) = bounded(0);
        let delivery = delivery(sink, Arc::new(Telling(telling)), Arc::new(SystemClock), options);
        Self {
            sink: Arc::clone(sink),
            archives: Some(archives),
            told,
            called,
            thread: std::thread::spawn(move || delivery.run(&incoming).1),
            next: 1,
        }
    }

    /// Hands over so many archives; the delivery has each, or has it queued.
    fn hand_over(&mut self, count: u64) {
        for number in self.next..self.next + count {
            let bytes = archive_bytes(number);
            let buffers = crate::spill::SpillBuffers::new(std::env::temp_dir().as_path());
            let mut reader = ArchiveReader::new(
                bytes.as_slice(),
                "test".into(),
                number,
                spoutctl_archive::Options::default(),
            );
            let archive = reader.next_archive(buffers.buffer()).unwrap().unwrap();
            let archives = self.archives.as_ref().unwrap();
            archives.send(Incoming::Archive(Box::new(archive))).unwrap();
        }
        self.next += count;
    }

    /// Hands over one archive, and waits until its commit is as far as this call. Nothing that comes later is in that
    /// commit.
    #[track_caller]
    fn hand_over_until(&mut self, wanted: Called) {
        self.hand_over(1);
        while self.called.recv().expect("it is never called") != wanted {}
    }

    #[track_caller]
    fn wait_for(&self, wanted: Told) {
        while self.told.recv().expect("it is never told") != wanted {}
    }

    /// Ends the input, and answers the archives of each commit.
    fn end(mut self) -> Vec<(u64, u64)> {
        self.end_input();
        self.thread.join().unwrap().unwrap();
        ranges(&self.sink)
    }

    fn end_input(&mut self) {
        if let Some(archives) = self.archives.take() {
            archives.send(Incoming::End(Ok(()))).unwrap();
        }
    }
}

fn adaptive() -> Options {
    let batching = Batching {
        adaptive: true,
        ..by_count(1000)
    };
    Options { batching, ..options() }
}

/// A sink whose commits are finished when the sender is dropped.
fn held() -> (Arc<Scripted>, Sender<()>) {
    let sink = Arc::new(Scripted::new(Vec::new()));
    let (release, word) = bounded(0);
    sink.lock().wait_for = Some(word);
    (sink, release)
}

#[test]
fn archives_that_arrive_while_a_commit_is_being_finished_are_the_next_one() {
    let (sink, release) = held();
    let mut running = Running::start(&sink, adaptive());
    running.hand_over_until(Called::Wait);
    running.hand_over(3);
    running.wait_for(Told::Received(4));
    assert_eq!(sink.lock().starts, 1, "only the first has gone");
    drop(release);
    running.wait_for(Told::Committed(1));
    running.wait_for(Told::Committed(4));
    // The input goes on: nothing but the room has closed it.
    running.hand_over(1);
    running.wait_for(Told::Committed(5));
    assert_eq!(running.end(), [(1, 1), (2, 4), (5, 5)]);
}

#[test]
fn while_nothing_is_being_finished_each_archive_is_a_commit_of_its_own() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    let mut running = Running::start(&sink, adaptive());
    for number in 1..=5 {
        running.hand_over(1);
        running.wait_for(Told::Committed(number));
        // That it was told says not yet that there is room; this does.
        running.wait_for(Told::Wanted);
    }
    assert_eq!(running.end(), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]);
}

#[test]
fn with_several_in_flight_archives_are_collected_when_as_many_are_being_finished() {
    let (sink, release) = held();
    let mut running = Running::start(&sink, in_flight(2, adaptive()));
    running.hand_over_until(Called::Wait);
    running.hand_over_until(Called::Start);
    running.hand_over(3);
    running.wait_for(Told::Received(5));
    assert_eq!(sink.lock().starts, 2);
    drop(release);
    running.wait_for(Told::Committed(5));
    assert_eq!(running.end(), [(1, 1), (2, 2), (3, 5)]);
}

#[test]
fn what_arrives_while_a_commit_is_started_is_the_next_one_too() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    let (release, word) = bounded(0);
    sink.lock().start_for = Some(word);
    let mut running = Running::start(&sink, adaptive());
    running.hand_over_until(Called::Start);
    // Nobody takes them but the queue. That it has the end says that it has counted those before.
    running.hand_over(3);
    running.end_input();
    drop(release);
    assert_eq!(running.end(), [(1, 1), (2, 4)]);
}

#[test]
fn the_other_bounds_hold_while_there_is_no_room() {
    let (sink, release) = held();
    let batching = Batching {
        adaptive: true,
        ..by_count(2)
    };
    let mut running = Running::start(&sink, Options { batching, ..options() });
    // The second and third wait, closed, for room; the others wait behind them.
    running.hand_over_until(Called::Wait);
    running.hand_over(5);
    running.end_input();
    drop(release);
    assert_eq!(running.end(), [(1, 1), (2, 3), (4, 5), (6, 6)]);
}

#[test]
fn a_failure_ends_it_and_what_was_collected_is_not_committed() {
    let (sink, release) = held();
    sink.lock().fail = Some(0);
    let mut running = Running::start(&sink, adaptive());
    running.hand_over_until(Called::Wait);
    running.hand_over(2);
    running.wait_for(Told::Received(3));
    drop(release);
    let error = running.thread.join().unwrap().unwrap_err();
    assert!(
        matches!(error, DeliveryError::FinishedWithError { archive: 1, .. }),
        "{error:?}"
    );
    assert_eq!(sink.lock().starts, 1);
}

#[test]
fn whoever_collects_messages_hears_when_an_archive_would_go_at_once() {
    let (sink, release) = held();
    let mut running = Running::start(&sink, options());
    assert_eq!(running.told.recv().unwrap(), Told::Wanted);
    running.hand_over(1);
    assert_eq!(running.told.recv().unwrap(), Told::Received(1));
    // While it is being finished, nothing is wanted: the next word comes with its end.
    drop(release);
    assert_eq!(running.told.recv().unwrap(), Told::Committed(1));
    assert_eq!(running.told.recv().unwrap(), Told::Wanted);
    assert_eq!(running.end(), [(1, 1)]);
}
