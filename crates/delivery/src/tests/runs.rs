//! What a run leaves in the branch and acknowledges, whatever happens to its calls.

use std::sync::Arc;

use proptest::prelude::*;

use super::scripted::*;
use crate::*;

pub(super) fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        3 => Just(Fate::Answered),
        1 => Just(Fate::NotSent),
        2 => Just(Fate::AnswerLost),
        2 => (0..6_u8).prop_map(Fate::Late),
        1 => Just(Fate::Garbled),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever happens to the calls, every archive is one good commit, in order, and acknowledged once it is.
    #[test]
    fn lost_late_and_garbled_calls_lose_nothing_and_double_nothing(
        fates in proptest::collection::vec(fate(), 0..40),
        in_flight in 1..4_usize,
        may_drop: bool,
        append: bool,
        no_file_sets: bool,
    ) {
        // Faults that pass within the time for retries must not end the delivery.
        let must_succeed = fates.len() <= 20 && !fates.contains(&Fate::Garbled);
        let mode = if append { WriteMode::Append } else { WriteMode::Overwrite };
        let sink = Arc::new(Scripted::new(fates));
        sink.lock().may_drop = may_drop;
        sink.lock().no_file_sets = no_file_sets;
        let Ended { committed, result, .. } = deliver(&sink, 4, Options { mode, in_flight, ..options() });
        prop_assert!(result.is_ok() || !must_succeed, "{:?}", result);
        let good = sink.good();
        let numbers: Vec<u64> = good.iter().map(|(number, _)| *number).collect();
        for (number, content) in &good {
            prop_assert_eq!(content, &content_of(*number));
        }
        // Everything acknowledged is there, and what is there is there once and in order.
        let in_order: Vec<u64> = (1..=numbers.len() as u64).collect();
        prop_assert_eq!(&numbers, &in_order, "result: {:?}", result);
        prop_assert!(committed.len() <= numbers.len());
        prop_assert_eq!(&committed[..], &numbers[..committed.len()]);
        if result.is_ok() {
            prop_assert_eq!(committed, vec![1, 2, 3, 4]);
        }
    }
}

#[test]
fn without_faults_each_archive_is_one_commit_in_order_and_nothing_is_left_open() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    let Ended { committed, result, .. } = deliver(&sink, 5, options());
    result.unwrap();
    assert_eq!(committed, [1, 2, 3, 4, 5]);
    assert_eq!(sink.good().len(), 5);
    assert_eq!(sink.open(), 0);
}

#[test]
fn nothing_is_published_after_a_commit_that_finished_with_an_error() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().fail = Some(1);
    let Ended { committed, result, .. } = deliver(&sink, 5, options());
    let error = result.unwrap_err();
    assert!(
        matches!(error, DeliveryError::FinishedWithError { archive: 2, .. }),
        "{error:?}"
    );
    assert_eq!(error.consequence(), Consequence::DoNotRetry);
    assert_eq!(committed, [1]);
    assert_eq!(sink.good(), [(1, content_of(1))]);
    assert_eq!(sink.open(), 0, "the third was started and had to be given up");
}

#[test]
fn a_resumed_stream_skips_what_is_done_and_says_so() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver(&sink, 2, stream("s", false)).unwrap();
    let Ended {
        committed,
        already,
        result,
        ..
    } = deliver(&sink, 4, stream("s", true));
    result.unwrap();
    assert_eq!((already, committed), (vec![1, 2], vec![3, 4]));
    assert_eq!(sink.good().len(), 4);
}

#[test]
fn a_resumed_stream_refuses_another_archive_in_the_place_of_a_done_one() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver(&sink, 1, stream("s", false)).unwrap();
    {
        let mut state = sink.lock();
        let description = &mut state.commits[0].description;
        *description = description
            .replacen("sha256=", "sha256=0000", 1)
            .replacen("0000", "", 1);
        let at = description.find("sha256=").unwrap() + 7;
        let other = if description.as_bytes()[at] == b'0' { "1" } else { "0" };
        description.replace_range(at..=at, other);
    }
    let error = deliver(&sink, 1, stream("s", true)).unwrap_err();
    assert!(
        matches!(error, DeliveryError::AnotherArchive { sequence: 1, .. }),
        "{error:?}"
    );
}

#[test]
fn a_named_stream_goes_on_after_its_newest_number() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver(&sink, 2, stream("s", false)).unwrap();
    deliver(&sink, 2, options()).unwrap();
    deliver(&sink, 1, stream("s", false)).unwrap();
    let numbers: Vec<u64> = sink.good().iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [1, 2, 1, 2, 3]);
}

#[test]
fn an_open_commit_that_a_killed_run_of_the_stream_left_is_given_up() {
    for may_drop in [true, false] {
        let sink = Arc::new(Scripted::new(Vec::new()));
        deliver(&sink, 1, stream("s", false)).unwrap();
        let left = sink.lock().commits[0]
            .description
            .replace("seq=1", "seq=2")
            .replace(" done", "");
        sink.lock().carry_out(&Call::Start(left)).unwrap();
        sink.lock().may_drop = may_drop;
        let Ended { committed, result, .. } = deliver(&sink, 1, stream("s", false));
        result.unwrap();
        assert_eq!(committed, [1]);
        let numbers: Vec<u64> = sink.good().iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 3]);
        assert_eq!(sink.open(), 0);
    }
}

#[test]
fn somebody_elses_open_commit_is_waited_for_and_then_named_and_never_touched() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().carry_out(&Call::Start("somebody's".to_owned())).unwrap();
    let error = deliver(&sink, 1, stream("s", false)).unwrap_err();
    assert!(matches!(error, DeliveryError::Busy { .. }), "{error:?}");
    assert_eq!(error.consequence(), Consequence::RetryLater);
    assert!(error.help().unwrap().contains("spoutctl doctor "));
    assert_eq!((sink.open(), sink.lock().commits.len()), (1, 1));
}

#[test]
fn an_answer_that_nobody_knows_is_asked_for_five_times_and_then_shown() {
    let sink = Arc::new(Scripted::new(vec![Fate::Garbled; 50]));
    let error = deliver(&sink, 1, options()).unwrap_err();
    assert!(error.to_string().contains("0xdeadbeef"), "{error}");
    assert_eq!(error.consequence(), Consequence::DoNotRetry);
    assert_eq!(50 - sink.lock().fates.len(), 5);
}

#[test]
fn a_server_that_never_answers_ends_in_exit_5_and_leaves_nothing_half() {
    let sink = Arc::new(Scripted::new(vec![Fate::NotSent; 100_000]));
    let error = deliver(&sink, 2, options()).unwrap_err();
    assert_eq!(error.consequence(), Consequence::RetryLater);
    assert_eq!(sink.good(), []);
}

#[test]
fn an_appended_archive_whose_answer_was_lost_is_not_appended_twice() {
    for at in 0..3 {
        let mut fates = vec![Fate::Answered; at];
        fates.push(Fate::AnswerLost);
        let sink = Arc::new(Scripted::new(fates));
        let Ended { committed, result, .. } = deliver(&sink, 2, appending(options()));
        result.unwrap();
        assert_eq!(committed, [1, 2], "answer {at} lost");
        assert_eq!(sink.good(), [(1, content_of(1)), (2, content_of(2))]);
    }
}

#[test]
fn without_file_sets_no_commit_is_written_to_twice() {
    for mode in [WriteMode::Overwrite, WriteMode::Append] {
        for fate in [Fate::AnswerLost, Fate::NotSent, Fate::Late(2), Fate::Garbled] {
            // `StartCommit` is answered, `PutFile` is not.
            let sink = Arc::new(Scripted::new(vec![Fate::Answered, fate]));
            sink.lock().no_file_sets = true;
            let Ended { committed, result, .. } = deliver(&sink, 2, Options { mode, ..options() });
            result.unwrap();
            assert_eq!(committed, [1, 2], "{fate:?}");
            assert_eq!(sink.good(), [(1, content_of(1)), (2, content_of(2))]);
            assert_eq!(sink.lock().starts, 3, "the first of three commits was given up");
            assert_eq!(sink.open(), 0);
        }
    }
}

#[test]
fn parts_that_are_too_large_are_halved_and_a_file_over_several_parts_is_deleted_in_the_first_only() {
    let bytes = |length: usize, seed: usize| -> Vec<u8> { (0..length).map(|i| (i * seed).to_le_bytes()[1]).collect() };
    let files: Content = vec![
        ("a".into(), bytes(70_000, 7)),
        ("b".into(), bytes(1_500_000, 13)),
        ("c".into(), Vec::new()),
        ("d".into(), bytes(200_001, 31)),
        ("e".into(), bytes(1, 3)),
    ];
    let expected: Content = files
        .iter()
        .map(|(path, content)| (format!("/{path}"), content.clone()))
        .collect();
    for mode in [WriteMode::Overwrite, WriteMode::Append] {
        let sink = Arc::new(Scripted::new(Vec::new()));
        sink.lock().largest = Some(200_000);
        let Ended { committed, result, .. } = deliver_bytes(&sink, archive_with(&files), Options { mode, ..options() });
        result.unwrap();
        assert_eq!(committed, [1]);
        assert_eq!(sink.good(), [(1, expected.clone())]);
        let deletions = |op: &&Op| matches!(op, Op::Delete(_));
        let count = sink.lock().commits[0].ops.iter().filter(deletions).count();
        assert_eq!(count, if mode == WriteMode::Overwrite { files.len() } else { 0 });
    }
}

#[test]
fn a_server_that_takes_almost_nothing_is_refused_and_not_asked_for_ever() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().largest = Some(10);
    let files = vec![("a".to_owned(), vec![0; 100])];
    let error = deliver_bytes(&sink, archive_with(&files), options()).unwrap_err();
    assert_eq!(error.consequence(), Consequence::DoNotRetry);
    assert!(error.help().unwrap().contains("64 KiB"));
}
