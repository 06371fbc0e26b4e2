//! A history that is rewritten is said, and never guessed about.

use proptest::prelude::*;

use super::scripted::{RecordingConsumer, Step, World, branch, id, luck, options};
use crate::following::cursor::Cursor;
use crate::following::{FollowError, Note, Options, Rewrite, Start};

fn rewriting() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Commit),
        2 => Just(Step::Start),
        2 => Just(Step::Close),
        2 => Just(Step::Finish),
        1 => Just(Step::Drop),
        2 => (0_usize..4).prop_map(Step::Squash),
        1 => (0_usize..4).prop_map(Step::MoveBack),
        4 => Just(Step::Nothing),
    ]
}

proptest! {
    #[test]
    fn what_stays_on_the_branch_comes_once_and_in_order_however_it_is_rewritten(
        steps in prop::collection::vec(rewriting(), 0..60),
        luck in prop::collection::vec(luck(), 0..30),
        pace in 1_usize..6,
    ) {
        let world = World::new(Vec::new(), luck, pace);
        // One that nothing touches, so that it is always clear where to go on.
        world.now(Step::Commit);
        world.then(&steps);
        let mut consumer = RecordingConsumer::of(&world);
        // All may be gone but what was never seen: then nobody can tell, and it is said.
        match consumer.follow(&options(Start::Beginning), None) {
            Ok(_) => {}
            Err(FollowError::Rewritten { onto: None, .. } | FollowError::NoBranch(_) | FollowError::Gone { .. }) => {
                return Ok(());
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
        let taken = consumer.ids();
        let mut once = taken.clone();
        once.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        once.dedup();
        prop_assert_eq!(once.len(), taken.len(), "twice: {:?}", taken);
        let there = world.deliverable();
        let of_the_branch: Vec<_> = taken.into_iter().filter(|id| there.contains(id)).collect();
        prop_assert_eq!(of_the_branch, there);
    }
}

/// Follows ten commits, and then what `steps` make of them.
fn after(
    steps: &[Step],
    strict: bool,
) -> (
    Result<crate::following::End, FollowError>,
    Vec<spoutctl_core::pfs::CommitId>,
    Vec<Note>,
) {
    let world = World::with(10);
    world.then(&[Step::Nothing; 8]);
    world.then(steps);
    let mut consumer = RecordingConsumer::of(&world);
    let options = Options {
        strict,
        ..options(Start::Last(3))
    };
    let end = consumer.follow(&options, None);
    (end, consumer.ids(), consumer.notes)
}

#[test]
fn what_a_subscription_tells_that_was_taken_off_the_branch_before_is_not_delivered() {
    let world = World::with(3);
    world.now(Step::MoveBack(2));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cursor");
    for (steps, expected) in [(&[][..], vec![id(0)]), (&[Step::Commit], vec![id(3)])] {
        world.then(steps);
        let mut cursor = Cursor::open(&path, &branch()).unwrap();
        let mut consumer = RecordingConsumer::of(&world);
        consumer.follow(&options(Start::Beginning), Some(&mut cursor)).unwrap();
        assert_eq!((consumer.ids(), consumer.notes), (expected, vec![]));
    }
}

#[test]
fn a_dropped_head_is_said_and_its_place_taken() {
    let (end, ids, notes) = after(&[Step::Drop, Step::Commit], false);
    end.unwrap();
    assert_eq!(ids, [id(7), id(8), id(9), id(10)]);
    let [Note::Rewritten { last, onto, what }] = &notes[..] else {
        panic!("{notes:?}");
    };
    assert_eq!((&last.id, onto, *what), (&id(9), &id(8), Rewrite::Removed));
}

#[test]
fn a_branch_that_was_moved_back_goes_on_from_there() {
    let (end, ids, notes) = after(&[Step::MoveBack(2), Step::Commit], false);
    end.unwrap();
    assert_eq!(ids, [id(7), id(8), id(9), id(10)]);
    assert!(
        matches!(&notes[..], [Note::Rewritten { onto, what: Rewrite::Moved, .. }] if *onto == id(7)),
        "{notes:?}"
    );
}

#[test]
fn one_that_was_moved_behind_the_start_is_an_error() {
    let (end, ids, _) = after(&[Step::MoveBack(5)], false);
    assert!(
        matches!(
            end,
            Err(FollowError::Rewritten {
                onto: None,
                what: Rewrite::Moved,
                ..
            })
        ),
        "{end:?}"
    );
    assert_eq!(ids.len(), 3);
}

#[test]
fn whoever_builds_on_it_is_stopped() {
    for (step, expected) in [(Step::Drop, Rewrite::Removed), (Step::MoveBack(1), Rewrite::Moved)] {
        let (end, ids, _) = after(&[step, Step::Commit], true);
        let Err(error @ FollowError::Rewritten { .. }) = end else {
            panic!("{end:?}");
        };
        assert!(error.help().unwrap().contains(id(8).as_str()), "{error}");
        let FollowError::Rewritten { what, .. } = error else {
            return;
        };
        assert_eq!(what, expected);
        assert_eq!(ids, [id(7), id(8), id(9)]);
    }
}

#[test]
fn a_squashed_commit_before_the_last_one_is_nobodys_matter() {
    let (end, ids, notes) = after(&[Step::Squash(2), Step::Commit], true);
    end.unwrap();
    assert_eq!(ids, [id(7), id(8), id(9), id(10)]);
    assert_eq!(notes, []);
}

#[test]
fn a_branch_that_is_deleted_is_an_error_unless_it_is_waited_for() {
    for step in [Step::DeleteBranch, Step::DeleteRepo] {
        let (end, ..) = after(&[step], false);
        assert!(matches!(end, Err(FollowError::Gone { .. })), "{end:?}");
        let world = World::with(3);
        world.then(&[Step::Nothing; 8]);
        world.then(&[step]);
        world.then(&[Step::Nothing; 30]);
        world.then(&[Step::Commit, Step::Commit]);
        let mut consumer = RecordingConsumer::of(&world);
        let waiting = Options {
            wait_for_branch: true,
            ..options(Start::Beginning)
        };
        let end = consumer.follow(&waiting, None);
        assert_eq!(consumer.notes.first(), Some(&Note::Gone(branch())));
        if matches!(step, Step::DeleteRepo) {
            end.unwrap();
            assert_eq!(consumer.ids().len(), 5);
        } else {
            // A branch on another line: what of it was printed before, nobody knows.
            assert!(matches!(end, Err(FollowError::Rewritten { onto: None, .. })), "{end:?}");
        }
    }
}

#[test]
fn a_cursor_that_was_squashed_says_where_to_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cursor");
    let world = World::with(5);
    let mut cursor = Cursor::open(&path, &branch()).unwrap();
    let once = Options {
        follow: false,
        strict: true,
        ..options(Start::Beginning)
    };
    RecordingConsumer::of(&world).follow(&once, Some(&mut cursor)).unwrap();
    world.now(Step::Commit);
    world.now(Step::Squash(1));
    let mut cursor = Cursor::open(&path, &branch()).unwrap();
    let error = RecordingConsumer::of(&world)
        .follow(&once, Some(&mut cursor))
        .unwrap_err();
    assert!(error.to_string().contains("squashed or dropped"), "{error}");
    assert!(
        error.help().unwrap().contains(&format!("--from {}", id(3))),
        "{error:?}"
    );
}
