//! Several archives in one commit: what is in the repo is what it would be if each had a commit of its own.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::runs::fate;
use super::scripted::*;
use super::spooled::run;
use crate::mark::Mark;
use crate::spool::{Contents, Spool};
use crate::*;

pub(super) fn by_count(count: u64) -> Batching {
    Batching {
        count,
        bytes: u64::MAX,
        period: Duration::MAX,
        adaptive: false,
    }
}

/// Archive `number`: a file of its own, one that every archive has, one that some have, and one that others have as a
/// directory.
fn overlapping(number: u64) -> Vec<u8> {
    let content = |text: &str| format!("{text} {number}\n").into_bytes();
    let mut files = vec![
        (format!("own/{number}"), content("own")),
        ("all".to_owned(), content("all")),
        (format!("some/{}", number % 3), content("some")),
    ];
    match number % 5 {
        0 => files.push(("d".to_owned(), content("file"))),
        2 => files.push((format!("d/{number}"), content("in a directory"))),
        _ => {}
    }
    archive_with(&files)
}

fn stream_of(numbers: RangeInclusive<u64>) -> Vec<u8> {
    numbers.flat_map(overlapping).collect()
}

/// The archives of each good commit, oldest first.
pub(super) fn ranges(sink: &Scripted) -> Vec<(u64, u64)> {
    sink.deliver_late();
    let marks = sink.lock();
    let good = marks
        .commits
        .iter()
        .filter(|commit| commit.closed && commit.error.is_empty());
    good.map(|commit| {
        let mark: Mark = commit.description.lines().next_back().unwrap().parse().unwrap();
        (mark.first, mark.sequence)
    })
    .collect()
}

/// What the branch shows in the end.
fn tree(sink: &Scripted) -> Content {
    sink.deliver_late();
    let state = sink.lock();
    let good = state
        .commits
        .iter()
        .filter(|commit| commit.closed && commit.error.is_empty());
    let ops: Vec<Op> = good.flat_map(|commit| commit.ops.clone()).collect();
    let mut tree = apply(&ops);
    tree.sort();
    tree
}

/// What it would show if each archive had a commit of its own.
fn one_by_one(count: u64, mode: WriteMode) -> Content {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver_bytes(&sink, stream_of(1..=count), Options { mode, ..options() }).unwrap();
    assert_eq!(ranges(&sink).len() as u64, count);
    tree(&sink)
}

/// Whether they are all archives up to `count`, each once and in order.
fn follow_each_other(ranges: &[(u64, u64)], count: u64) -> bool {
    let mut next = 1;
    for (first, last) in ranges {
        if *first != next || last < first {
            return false;
        }
        next = last + 1;
    }
    next == count + 1
}

fn bounds() -> impl Strategy<Value = Batching> {
    (1..6_u64, 2_000..30_000_u64, any::<bool>()).prop_map(|(count, bytes, adaptive)| Batching {
        bytes,
        adaptive,
        ..by_count(count)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// A run of a stream ends somewhere, the next one has other bounds, and calls meet every fate: each archive is in
    /// the repo once, in order, and the files are those of archives that were delivered one by one.
    #[test]
    fn batches_of_any_size_over_two_runs_hold_what_single_archives_would(
        fates in proptest::collection::vec(fate(), 0..40),
        first in bounds(),
        second in bounds(),
        cut in 0..9_u64,
        in_flight in 1..4_usize,
        append: bool,
        may_drop: bool,
        no_file_sets: bool,
    ) {
        let mode = if append { WriteMode::Append } else { WriteMode::Overwrite };
        let sink = Arc::new(Scripted::new(fates));
        sink.lock().may_drop = may_drop;
        sink.lock().no_file_sets = no_file_sets;
        let run = |batching, archives| {
            let options = Options { mode, batching, in_flight, ..stream("s", true) };
            deliver_bytes(&sink, stream_of(1..=archives), options)
        };
        let begun = run(first, cut);
        let acknowledged = begun.committed;
        let before = ranges(&sink);
        sink.lock().fates.clear();
        // A late start may come after the first of these; the next one gives it up.
        for _ in 0..2 {
            let ended = run(second, 9);
            prop_assert!(ended.result.is_ok(), "{:?}", ended.result);
        }
        let after = ranges(&sink);
        prop_assert!(follow_each_other(&after, 9), "{:?}", after);
        prop_assert_eq!(&after[..before.len()], &before[..], "what was together stays together");
        let lasts: Vec<u64> = after.iter().map(|(_, last)| *last).collect();
        prop_assert_eq!(&acknowledged[..], &lasts[..acknowledged.len()]);
        prop_assert_eq!(tree(&sink), one_by_one(9, mode));
        prop_assert_eq!(sink.open(), 0);
    }

    /// Runs of one spool, each killed somewhere and each with other bounds.
    #[test]
    fn killed_runs_of_a_spool_with_other_bounds_each_time_lose_nothing_and_double_nothing(
        fates in proptest::collection::vec(fate(), 0..60),
        runs in proptest::collection::vec((1..6_u64, 0..4_usize, bounds()), 1..4),
        last in bounds(),
        in_flight in 1..4_usize,
        fail in proptest::option::of(0..4_usize),
        may_drop: bool,
    ) {
        let sink = Arc::new(Scripted::new(fates));
        sink.lock().may_drop = may_drop;
        sink.lock().fail = fail;
        let dir = tempfile::tempdir().unwrap();
        let options = |batching| Options { batching, in_flight, ..options() };
        let mut count = 0;
        for (more, kill_after, batching) in runs {
            count += more;
            let _ = run(&sink, dir.path(), count, kill_after, options(batching));
        }
        sink.lock().fates.clear();
        sink.lock().fail = None;
        for _ in 0..2 {
            sink.deliver_late();
            let ended = run(&sink, dir.path(), count, usize::MAX, options(last));
            prop_assert!(ended.is_ok(), "{:?}", ended);
        }
        let mut there = ranges(&sink);
        if in_flight > 1 {
            there.sort_unstable();
        }
        prop_assert!(follow_each_other(&there, count), "{:?}", there);
        let files: Vec<String> = tree(&sink).into_iter().map(|(path, _)| path).collect();
        prop_assert_eq!(files.len() as u64, count);
        let held = Contents::look(dir.path()).unwrap();
        prop_assert_eq!((held.accepted, held.waiting.len()), (count, 0));
        prop_assert_eq!(Spool::open(dir.path(), spool::DEFAULT_LIMIT).unwrap().spooled().planned, vec![]);
    }
}

#[test]
fn without_a_bound_that_says_so_no_two_archives_share_a_commit() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver(&sink, 3, options()).unwrap();
    assert_eq!(ranges(&sink), [(1, 1), (2, 2), (3, 3)]);
    assert!(!sink.lock().commits[2].description.contains("archives="));
}

#[test]
fn a_batch_ends_with_its_count_and_what_is_left_goes_at_the_end_of_the_input() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    let batching = by_count(3);
    let ended = deliver(&sink, 7, Options { batching, ..options() }).unwrap();
    assert_eq!(ranges(&sink), [(1, 3), (4, 6), (7, 7)]);
    assert_eq!(ended.committed, [3, 6, 7]);
    let together: Content = (4..=6).flat_map(content_of).collect();
    assert_eq!(sink.good()[1], (6, together));
    assert_eq!(sink.lock().starts, 3);
}

#[test]
fn a_batch_ends_before_the_archive_that_would_make_it_too_large() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    // An archive of one small file is 2,048 bytes long.
    let batching = Batching {
        bytes: 5_000,
        ..by_count(100)
    };
    let mut bytes: Vec<u8> = (1..=3).flat_map(archive_bytes).collect();
    bytes.extend(archive_with(&[("large".to_owned(), vec![0; 9_000])]));
    bytes.extend(archive_bytes(5));
    deliver_bytes(&sink, bytes, Options { batching, ..options() }).unwrap();
    assert_eq!(ranges(&sink), [(1, 2), (3, 3), (4, 4), (5, 5)]);
}

#[test]
fn a_file_where_the_batch_has_a_directory_begins_the_next_batch() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    let one = |path: &str| archive_with(&[(path.to_owned(), b"x".to_vec())]);
    let bytes = ["a", "a.b", "a/b", "a/c", "a", "b/c/d", "b/c"]
        .into_iter()
        .flat_map(one)
        .collect();
    let batching = by_count(100);
    deliver_bytes(&sink, bytes, Options { batching, ..options() }).unwrap();
    assert_eq!(ranges(&sink), [(1, 2), (3, 4), (5, 6), (7, 7)]);
}

#[test]
fn of_one_name_the_last_file_counts_and_appended_all_do() {
    for (mode, expected) in [(WriteMode::Overwrite, "13"), (WriteMode::Append, "111213")] {
        let sink = Arc::new(Scripted::new(Vec::new()));
        let one = |number: u64| archive_with(&[("f".to_owned(), number.to_string().into_bytes())]);
        let batching = by_count(3);
        let options = Options {
            mode,
            batching,
            ..options()
        };
        deliver_bytes(&sink, (11..=13).flat_map(one).collect(), options).unwrap();
        assert_eq!(sink.good(), [(3, vec![("/f".to_owned(), expected.into())])]);
    }
}

#[test]
fn an_archive_without_a_file_is_one_of_its_batch_and_makes_none_alone() {
    let empty = || {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
        builder.append_data(&mut header, "d/", std::io::empty()).unwrap();
        builder.into_inner().unwrap()
    };
    let sink = Arc::new(Scripted::new(Vec::new()));
    let bytes = [empty(), archive_bytes(2), empty(), empty(), empty()].concat();
    let batching = by_count(3);
    let ended = deliver_bytes(&sink, bytes, Options { batching, ..options() }).unwrap();
    assert_eq!((ranges(&sink), ended.committed), (vec![(1, 3)], vec![3]));
}

#[test]
fn a_resumed_stream_knows_its_archives_by_the_batch_and_not_by_the_bounds() {
    for (first, second) in [(3, 2), (2, 5), (4, 1), (1, 4)] {
        let sink = Arc::new(Scripted::new(Vec::new()));
        let run = |count, bound| {
            let batching = by_count(bound);
            deliver(
                &sink,
                count,
                Options {
                    batching,
                    ..stream("s", true)
                },
            )
            .unwrap()
        };
        run(4, first);
        let before = ranges(&sink);
        let ended = run(9, second);
        let known: Vec<u64> = before.iter().map(|(_, last)| *last).collect();
        assert_eq!(ended.already, known, "{first}, then {second}");
        assert_eq!(ranges(&sink)[..before.len()], before);
        assert!(follow_each_other(&ranges(&sink), 9));
    }
}

#[test]
fn a_resumed_input_that_differs_within_a_batch_or_ends_there_is_refused() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    let resumed = || Options {
        batching: by_count(3),
        ..stream("s", true)
    };
    deliver(&sink, 3, resumed()).unwrap();
    let other = [archive_bytes(1), archive_bytes(7), archive_bytes(3)].concat();
    let error = deliver_bytes(&sink, other, resumed()).unwrap_err();
    assert!(
        matches!(error, DeliveryError::AnotherArchive { sequence: 3, .. }),
        "{error:?}"
    );
    let error = deliver(&sink, 2, resumed()).unwrap_err();
    assert!(
        matches!(
            error,
            DeliveryError::Incomplete {
                archive: 2,
                first: 1,
                last: 3,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(error.consequence(), Consequence::FixInput);
    assert_eq!(sink.good().len(), 1);
}

#[test]
fn the_numbers_of_a_stream_go_on_after_its_newest_batch() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    let run = |count| {
        let batching = by_count(2);
        deliver(
            &sink,
            count,
            Options {
                batching,
                ..stream("s", false)
            },
        )
        .unwrap()
    };
    run(3);
    run(3);
    assert_eq!(ranges(&sink), [(1, 2), (3, 3), (4, 5), (6, 6)]);
}

#[test]
fn what_waits_in_a_spool_is_together_again_as_it_was_when_its_commit_was_started() {
    let dir = tempfile::tempdir().unwrap();
    let sink = Arc::new(Scripted::new(Vec::new()));
    let bounded = |count| Options {
        batching: by_count(count),
        ..options()
    };
    // Nobody hears of the commit, and then it is gone: only the journal knows what was together.
    sink.lock().fail = Some(0);
    run(&sink, dir.path(), 5, 0, bounded(4)).unwrap_err();
    sink.lock().commits.clear();
    sink.lock().fail = None;
    run(&sink, dir.path(), 7, usize::MAX, bounded(1)).unwrap();
    assert_eq!(ranges(&sink), [(1, 4), (5, 5), (6, 6), (7, 7)]);
}

#[test]
fn a_batch_that_an_archive_was_taken_out_of_is_still_known_and_not_sent_again() {
    for committed in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let sink = Arc::new(Scripted::new(Vec::new()));
        let batching = by_count(3);
        let bounded = || Options { batching, ..options() };
        // It dies before it notes the acknowledgement.
        let _ = run(&sink, dir.path(), 3, 0, bounded());
        if !committed {
            sink.lock().commits.clear();
        }
        Spool::open(dir.path(), spool::DEFAULT_LIMIT)
            .unwrap()
            .forget(3)
            .unwrap();
        run(&sink, dir.path(), 4, usize::MAX, bounded()).unwrap();
        let expected = if committed { [(1, 3), (4, 4)] } else { [(1, 2), (4, 4)] };
        assert_eq!(ranges(&sink), expected);
        assert_eq!(Contents::look(dir.path()).unwrap().waiting, []);
    }
}
