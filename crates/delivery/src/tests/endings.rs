//! How a delivery ends when it has to: nothing is left behind that could be given up, and what is left is named.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::scripted::*;
use crate::retry::{Clock, SystemClock};
use crate::*;
use parking_lot::Mutex;
use spoutctl_archive::{Archive, Files};

#[test]
fn a_commit_that_may_have_been_started_is_named_when_no_look_can_tell() {
    let sink = Arc::new(Scripted::new(vec![Fate::AnswerLost]));
    sink.lock().list_faults = vec![true, true, true].into();
    let ended = deliver(&sink, 1, Run::once(options()));
    assert!(ended.result.is_err());
    assert!(sink.open() == 0 || !ended.unsettled.is_empty(), "{:?}", ended.result);
}

#[test]
fn an_appended_commit_whose_start_is_always_lost_is_tried_with_pauses_and_not_for_ever() {
    let fates = (0..5000).flat_map(|_| [Fate::AnswerLost, Fate::Answered]).collect();
    let sink = Arc::new(Scripted::new(fates));
    let ended = deliver(&sink, 1, appending(options()));
    let starts = sink.lock().starts;
    assert!(
        starts < 300,
        "{starts} StartCommits in {:?}: {:?}",
        ended.elapsed,
        ended.result
    );
    assert_eq!(ended.unwrap_err().consequence(), Consequence::RetryLater);
}

#[test]
fn a_lost_listing_while_somebody_elses_head_is_waited_for_is_tried_again() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().late.push((3, Call::Start("somebody's".to_owned())));
    sink.lock().list_faults = vec![false, true, false, true].into();
    let error = deliver(&sink, 2, options()).unwrap_err();
    assert_eq!(error.consequence(), Consequence::RetryLater, "{error}");
}

/// A run of stream `s` that was killed right after it had sent `FinishCommit` for its first archive; the call arrives
/// after `wait` further ones.
fn killed_after_finish_was_sent(sink: &Arc<Scripted>, wait: u8) {
    let donor = Arc::new(Scripted::new(Vec::new()));
    deliver(&donor, 1, stream("s", false)).unwrap();
    let done = donor.lock().commits[0].description.clone();
    let mut state = sink.lock();
    let id = state
        .carry_out(&Call::Start(done.replace(" done", "")))
        .unwrap()
        .unwrap();
    let ops = content_of(1);
    let ops = ops
        .into_iter()
        .flat_map(|(path, data)| [Op::Delete(path.clone()), Op::Append(path, data)])
        .collect();
    let file_set = state.keep(ops);
    state.carry_out(&Call::Add(id.clone(), file_set)).unwrap();
    state.late.push((wait, Call::Finish(id, done, None)));
}

#[test]
fn a_finish_of_a_killed_run_that_arrives_late_makes_no_second_commit() {
    for (mode, may_drop, wait) in [
        (WriteMode::Overwrite, true, 0),
        (WriteMode::Overwrite, true, 1),
        (WriteMode::Append, false, 0),
        (WriteMode::Append, false, 1),
    ] {
        let sink = Arc::new(Scripted::new(Vec::new()));
        sink.lock().may_drop = may_drop;
        killed_after_finish_was_sent(&sink, wait);
        let ended = deliver(
            &sink,
            1,
            Options {
                mode,
                ..stream("s", true)
            },
        )
        .unwrap();
        assert_eq!(ended.committed, [1]);
        assert_eq!(sink.good(), [(1, content_of(1))], "{mode:?}, late by {wait}");
    }
}

#[test]
fn an_open_commit_is_finished_with_an_error_where_it_may_not_be_dropped() {
    let sink = Arc::new(Scripted::new(vec![Fate::Answered, Fate::NotSent]));
    sink.lock().may_drop = false;
    let ended = deliver(&sink, 1, Run::once(options()));
    assert!(ended.result.is_err());
    assert_eq!((sink.open(), ended.unsettled), (0, Vec::new()));
    assert_eq!(sink.good(), []);
}

#[test]
fn a_late_start_for_an_archive_that_is_committed_already_is_given_up_when_resuming() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver(&sink, 2, stream("s", true)).unwrap();
    let late = sink.lock().commits[1].description.replace(" done", "");
    sink.lock().carry_out(&Call::Start(late)).unwrap();
    let ended = deliver(&sink, 2, stream("s", true)).unwrap();
    assert_eq!((ended.already, sink.open()), (vec![1, 2], 0));
}

#[test]
fn an_open_head_of_the_stream_whose_archive_does_not_come_again_is_given_up() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver(&sink, 1, stream("s", true)).unwrap();
    let left = sink.lock().commits[0]
        .description
        .replace("seq=1", "seq=2")
        .replace(" done", "");
    sink.lock().carry_out(&Call::Start(left)).unwrap();
    deliver(&sink, 1, stream("s", true)).unwrap();
    assert_eq!(sink.open(), 0);
}

#[test]
fn a_late_start_of_a_killed_run_with_the_same_number_and_other_bytes_is_given_up() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver(&sink, 1, stream("s", false)).unwrap();
    let done = sink.lock().commits[0].description.clone();
    let mut late = done.replace("seq=1", "seq=2").replace(" done", "");
    let digit = late.find("sha256=").unwrap() + 7;
    let other = if late.as_bytes()[digit] == b'0' { "1" } else { "0" };
    late.replace_range(digit..=digit, other);
    sink.lock().late.push((0, Call::Start(late)));
    let ended = deliver(&sink, 1, stream("s", false)).unwrap();
    assert_eq!((ended.committed, sink.open()), (vec![1], 0));
}

#[test]
fn many_commits_in_flight_share_the_time_for_retries() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().wait_down = true;
    let ended = deliver(&sink, 20, in_flight(20, options()));
    assert!(ended.elapsed < Duration::from_mins(15), "{:?}", ended.elapsed);
    // Each of them holds its archive, and nobody has said that it is finished.
    assert!(
        ended.unsettled.iter().all(|one| matches!(one, Unsettled::Closed(_))),
        "{:?}",
        ended.unsettled
    );
    assert_eq!(ended.unsettled.len(), sink.good().len());
}

#[test]
fn an_open_commit_is_named_beside_the_failure_of_an_earlier_one() {
    let mut fates = vec![Fate::Answered; 5];
    fates.extend(vec![Fate::NotSent; 100_000]);
    let sink = Arc::new(Scripted::new(fates));
    sink.lock().fail = Some(0);
    let ended = deliver(&sink, 3, options());
    assert!(ended.result.is_err());
    assert_eq!(sink.open(), ended.unsettled.len());
}

struct Panics;

impl Observer for Panics {
    fn settled(&self, _: &Settled<'_>) -> Result<(), Unacknowledged> {
        panic!("an observer that panics");
    }
    fn would_commit(&self, _: &Archive, _: &Files) {}
    fn note(&self, _: &str) {}
}

#[test]
fn a_panic_of_the_waiting_thread_is_no_success_and_no_hang() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    let clock = Arc::new(Fast(Mutex::new(Instant::now())));
    let delivery = delivery(&sink, Arc::new(Panics), clock, options());
    let bytes = (1..=3).flat_map(archive_bytes).collect();
    let (_, result) = delivery.run(&incoming(bytes));
    assert!(matches!(result, Err(DeliveryError::Panicked)), "{result:?}");
}

#[test]
fn the_grace_period_holds_while_an_earlier_commit_takes_longer_to_finish() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().wait_block = Duration::from_secs(30);
    let delivery = delivery(&sink, Arc::new(Heard::default()), Arc::new(SystemClock), options());
    let (interrupt, ledger) = (delivery.context.interrupt.clone(), Arc::clone(&delivery.ledger));
    let bytes = (1..=3).flat_map(archive_bytes).collect();
    std::thread::spawn(move || delivery.run(&incoming(bytes)));
    // The first is closed for good; what is open after that is the second.
    while sink.good().is_empty() || sink.open() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    interrupt.raise(SystemClock.now() + Duration::from_secs(1));
    // The call that waits for the first one is still on its way; whoever runs us leaves without it.
    let limit = SystemClock.now() + Duration::from_secs(10);
    while sink.open() > 0 || ledger.unsettled().len() != 1 {
        assert!(
            SystemClock.now() < limit,
            "open: {}, {:?}",
            sink.open(),
            ledger.unsettled()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(
        matches!(ledger.unsettled()[..], [Unsettled::Closed(_)]),
        "{:?}",
        ledger.unsettled()
    );
}

#[test]
fn after_a_failure_in_the_middle_of_several_in_flight_nothing_later_is_acknowledged_and_resuming_says_the_gap() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().fail = Some(1);
    sink.lock().wait_block = Duration::from_millis(50);
    let first = deliver(&sink, 4, in_flight(4, stream("s", true)));
    assert_eq!(first.committed, [1]);
    assert!(first.result.is_err());
    sink.lock().fail = None;
    let published: Vec<u64> = sink.good().iter().map(|(number, _)| *number).collect();
    if published.contains(&3) {
        let second = deliver(&sink, 4, stream("s", true)).unwrap_err();
        assert!(matches!(second, DeliveryError::Gap { archive: 2, .. }), "{second:?}");
    }
    deliver(&sink, 4, in_flight(4, stream("s", true))).unwrap();
    let mut numbers: Vec<u64> = sink.good().iter().map(|(number, _)| *number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[test]
fn a_commit_whose_finish_was_not_answered_is_never_called_left_open_when_it_is_finished() {
    for (fates, options) in [
        (
            vec![Fate::Answered, Fate::Answered, Fate::AnswerLost],
            Run::once(options()),
        ),
        (
            [
                vec![Fate::Answered, Fate::Answered, Fate::AnswerLost],
                vec![Fate::Garbled; 8],
            ]
            .concat(),
            options().into(),
        ),
    ] {
        let sink = Arc::new(Scripted::new(fates));
        sink.lock().may_drop = false;
        let ended = deliver(&sink, 1, options);
        assert!(ended.result.is_err());
        assert_eq!(sink.good().len(), 1);
        let told = matches!(
            ended.unsettled[..],
            [Unsettled::Closed(_) | Unsettled::PerhapsClosed(_)]
        );
        assert!(told, "{:?}", ended.unsettled);
    }
}

#[test]
fn an_unknown_answer_while_waiting_names_the_commit_that_holds_the_archive() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().wait_garbled = true;
    sink.lock().slow_finish = u32::MAX;
    sink.lock().wait_down = true;
    let ended = deliver(&sink, 1, options());
    assert!(ended.result.is_err());
    assert!(
        matches!(ended.unsettled[..], [Unsettled::Closed(_)]),
        "{:?}",
        ended.unsettled
    );
}

#[test]
fn a_commit_that_takes_long_to_finish_is_no_fault_even_when_nothing_is_tried_twice() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().slow_finish = 3;
    assert_eq!(deliver(&sink, 1, Run::once(options())).unwrap().committed, [1]);
}

#[test]
fn a_commit_that_takes_long_to_finish_is_said_after_ten_seconds_and_then_each_minute() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    // By a clock on which only the pauses take time: 200 ms each.
    sink.lock().slow_finish = 5 * 75;
    let ended = deliver(&sink, 1, options());
    assert_eq!(ended.committed, [1]);
    let told: Vec<&str> = ended
        .notes
        .iter()
        .filter_map(|note| note.split(" for ").nth(1))
        .collect();
    assert_eq!(
        told,
        ["10.0 s; it is waited for", "1 min 10 s; it is waited for"],
        "{:?}",
        ended.notes
    );
    sink.lock().slow_finish = 3;
    assert!(deliver(&sink, 2, options()).notes.is_empty());
}

#[test]
fn an_empty_archive_in_the_place_of_a_committed_one_is_another_archive() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver(&sink, 1, stream("s", true)).unwrap();
    let mut directory = tar::Header::new_ustar();
    directory.set_path("d/").unwrap();
    directory.set_entry_type(tar::EntryType::Directory);
    directory.set_size(0);
    directory.set_cksum();
    let empty = [directory.as_bytes().as_slice(), &[0; 1024]].concat();
    let error = deliver_bytes(&sink, empty, stream("s", true)).unwrap_err();
    assert!(
        matches!(error, DeliveryError::AnotherArchive { sequence: 1, .. }),
        "{error:?}"
    );
}
