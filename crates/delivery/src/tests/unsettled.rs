//! Whoever has to leave at any moment can name everything that is not settled; and what a resumed stream knows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::scripted::*;
use crate::retry::{Clock, SystemClock};
use crate::*;
use parking_lot::Mutex;
use spoutctl_archive::{Archive, Files};

fn flight(n: usize, resume: bool) -> Options {
    in_flight(n, stream("s", resume))
}

#[test]
fn a_first_archive_that_was_filled_in_later_does_not_end_the_look_at_what_is_known() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().fail = Some(0);
    sink.lock().wait_block = Duration::from_millis(100);
    let _ = deliver(&sink, 4, flight(4, true));
    sink.lock().fail = None;
    deliver(&sink, 4, flight(4, true)).unwrap();
    deliver(&sink, 4, flight(4, true)).unwrap();
    assert_eq!(
        sink.good().len(),
        4,
        "{:?}",
        sink.good().iter().map(|g| g.0).collect::<Vec<_>>()
    );
}

#[test]
fn numbers_go_on_after_the_greatest_even_when_the_first_was_filled_in_later() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().fail = Some(0);
    sink.lock().wait_block = Duration::from_millis(100);
    let _ = deliver(&sink, 4, flight(4, true));
    sink.lock().fail = None;
    deliver(&sink, 1, flight(4, true)).unwrap();
    let before: Vec<u64> = sink.good().iter().map(|g| g.0).collect();
    deliver(&sink, 1, stream("s", false)).unwrap();
    let last = sink.good().last().unwrap().0;
    assert!(!before.contains(&last), "number {last} used again: {before:?}");
}

#[test]
fn an_interrupt_while_known_archives_are_waited_for_is_no_success() {
    // Archive 1: missing (errored), 2 known. Refill with in_flight; the interrupt's time ends while 2 waits for 1.
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().fail = Some(0);
    sink.lock().wait_block = Duration::from_millis(100);
    let _ = deliver(&sink, 4, flight(4, true));
    sink.lock().fail = None;
    sink.lock().wait_block = Duration::from_millis(1500);
    let delivery = delivery(
        &sink,
        Arc::new(Heard::default()),
        Arc::new(SystemClock),
        flight(4, true),
    );
    let interrupt = delivery.context.interrupt.clone();
    let bytes = (1..=6).flat_map(archive_bytes).collect();
    let run = std::thread::spawn(move || delivery.run(&incoming(bytes)));
    std::thread::sleep(Duration::from_millis(300));
    // Raised while 1 is waited for; the grace ends before it is finished, the wait call's answer comes right then
    interrupt.raise(SystemClock.now() + Duration::from_millis(300));
    let (summary, result) = run.join().unwrap();
    assert!(result.is_err(), "Ok with {} of 6 archives taken", summary.archives);
}

#[test]
fn a_commit_left_open_is_given_up_or_named_when_its_archive_cannot_be_uploaded() {
    for mode in [WriteMode::Overwrite, WriteMode::Append] {
        let sink = Arc::new(Scripted::new(Vec::new()));
        let donor = Arc::new(Scripted::new(Vec::new()));
        deliver(&donor, 1, stream("s", true)).unwrap();
        let left = donor.lock().commits[0].description.replace(" done", "");
        sink.lock().carry_out(&Call::Start(left)).unwrap();
        sink.lock().largest = Some(1);
        let ended = deliver(
            &sink,
            1,
            Options {
                mode,
                ..stream("s", true)
            },
        );
        assert!(ended.result.is_err());
        assert_eq!(
            sink.open(),
            ended.unsettled.len(),
            "{mode:?} {:?} {:?}",
            ended.result,
            ended.unsettled
        );
    }
}

#[test]
fn a_commit_left_open_is_named_when_it_cannot_be_given_up() {
    let donor = Arc::new(Scripted::new(Vec::new()));
    deliver(&donor, 1, stream("s", true)).unwrap();
    let left = donor.lock().commits[0].description.replace(" done", "");
    let sink = Arc::new(Scripted::new(vec![Fate::NotSent; 1000]));
    sink.lock().carry_out(&Call::Start(left)).unwrap();
    let ended = deliver(&sink, 1, appending(stream("s", true)));
    assert!(ended.result.is_err());
    assert_eq!(
        sink.open(),
        ended.unsettled.len(),
        "{:?} {:?}",
        ended.result,
        ended.unsettled
    );
}

#[test]
fn a_commit_that_may_be_closed_is_not_called_open_when_it_cannot_be_given_up() {
    // The finish is late, and nothing that comes after it arrives.
    let sink = Arc::new(Scripted::new(vec![
        Fate::Answered,
        Fate::Answered,
        Fate::Late(10),
        Fate::NotSent,
        Fate::NotSent,
        Fate::NotSent,
    ]));
    let ended = deliver(&sink, 1, Run::once(options()));
    assert!(ended.result.is_err());
    assert_eq!(sink.good().len(), 1);
    assert!(
        matches!(
            ended.unsettled[..],
            [Unsettled::Closed(_) | Unsettled::PerhapsClosed(_)]
        ),
        "{:?}",
        ended.unsettled
    );
}

/// Whoever reads the acknowledgements takes their time.
struct Slow;
impl Observer for Slow {
    fn settled(&self, _: &Settled<'_>) -> Result<(), Unacknowledged> {
        std::thread::sleep(Duration::from_secs(2));
        Ok(())
    }
    fn would_commit(&self, _: &Archive, _: &Files) {}
    fn note(&self, _: &str) {}
}

#[test]
fn a_commit_is_named_until_its_acknowledgement_is_written() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    let delivery = delivery(&sink, Arc::new(Slow), Arc::new(SystemClock), options());
    let ledger = Arc::clone(&delivery.ledger);
    std::thread::spawn(move || delivery.run(&incoming(archive_bytes(1))));
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(sink.good().len(), 1);
    assert_eq!(ledger.unsettled().len(), 1, "published, not acknowledged, not named");
}

#[test]
fn a_start_that_is_on_its_way_is_named() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().block_start = Duration::from_secs(2);
    let delivery = delivery(&sink, Arc::new(Heard::default()), Arc::new(SystemClock), options());
    let ledger = Arc::clone(&delivery.ledger);
    std::thread::spawn(move || delivery.run(&incoming(archive_bytes(1))));
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(sink.open(), 1);
    assert_eq!(ledger.unsettled().len(), 1, "open, answer still on its way, not named");
}

#[test]
fn a_finish_that_is_on_its_way_is_not_called_left_open() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().block_finish = Duration::from_secs(2);
    let delivery = delivery(&sink, Arc::new(Heard::default()), Arc::new(SystemClock), options());
    let ledger = Arc::clone(&delivery.ledger);
    std::thread::spawn(move || delivery.run(&incoming(archive_bytes(1))));
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(sink.good().len(), 1);
    assert!(
        matches!(
            ledger.unsettled()[..],
            [Unsettled::Closed(_) | Unsettled::PerhapsClosed(_)]
        ),
        "{:?}",
        ledger.unsettled()
    );
}

#[test]
fn nothing_is_said_to_be_unpublished_that_was_in_flight() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().fail_text = Some("disk trouble".into());
    sink.lock().fail = Some(0);
    sink.lock().wait_block = Duration::from_millis(100);
    let ended = deliver(&sink, 4, in_flight(4, options()));
    let help = ended.result.unwrap_err().help().unwrap_or_default();
    assert!(
        sink.good().is_empty() || !help.contains("nothing after it was published"),
        "{} good; help: {help}",
        sink.good().len()
    );
}

#[test]
fn a_give_up_whose_answer_was_lost_is_not_taken_for_somebody_elses_doing() {
    let round = [
        Fate::Answered,
        Fate::AnswerLost,
        Fate::Answered,
        Fate::AnswerLost,
        Fate::Answered,
    ];
    let sink = Arc::new(Scripted::new(round.iter().copied().cycle().take(20).collect()));
    sink.lock().may_drop = false;
    let ended = deliver(&sink, 1, appending(options()));
    assert!(ended.result.is_ok(), "{:?}", ended.result);
}

#[test]
fn a_lost_start_is_named_when_the_last_look_fails() {
    let sink = Arc::new(Scripted::new(vec![Fate::Late(200)]));
    sink.lock().list_faults = vec![false, true].into();
    let ended = deliver(&sink, 1, options());
    assert!(sink.lock().list_faults.is_empty() && ended.result.is_ok());
    assert!(
        matches!(ended.unsettled[..], [Unsettled::PerhapsStarted(_)]),
        "{:?}",
        ended.unsettled
    );
}

#[test]
fn a_server_that_contradicts_itself_about_the_head_is_not_asked_without_pause() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().always_head_open = true;
    let clock = Arc::new(Fast(Mutex::new(Instant::now())));
    let start = clock.now();
    let delivery = delivery(
        &sink,
        Arc::new(Heard::default()),
        Arc::clone(&clock) as _,
        Run::once(options()),
    );
    let run = std::thread::spawn(move || delivery.run(&incoming(archive_bytes(1))));
    std::thread::sleep(Duration::from_millis(500));
    let asked = sink.lock().asked;
    sink.lock().always_head_open = false;
    let _ = run.join();
    assert!(
        asked < 50,
        "{asked} StartCommits in {:?} of its clock",
        clock.now() - start
    );
}
