//! Where it begins, and where it ends.

use jiff::Timestamp;

use super::scripted::{RecordingConsumer, Step, World, branch, id, options, until_the_head};
use crate::following::cursor::{Cursor, CursorError};
use crate::following::{End, FollowError, Note, Options, Start, Taken};
use spoutctl_core::pfs::CommitId;

fn taken(world: &World, options: &Options) -> Vec<CommitId> {
    let mut consumer = RecordingConsumer::of(world);
    consumer.follow(options, None).unwrap();
    consumer.ids()
}

#[test]
fn each_start_begins_where_it_says() {
    let world = World::with(20);
    let from = |start| taken(&world, &until_the_head(start));
    assert_eq!(from(Start::Beginning).len(), 20);
    assert_eq!(from(Start::Last(3)), [id(17), id(18), id(19)]);
    assert_eq!(from(Start::Last(100)).len(), 20);
    assert_eq!(from(Start::Last(0)), []);
    assert_eq!(from(Start::After(id(18))), [id(19)]);
    assert_eq!(from(Start::After(id(19))), []);
    let time = |second| Timestamp::from_second(second).unwrap();
    assert_eq!(from(Start::Since(time(18))), [id(18), id(19)]);
    assert_eq!(from(Start::Since(time(99))), []);
}

#[test]
fn what_is_not_finished_counts_for_none_of_the_last_and_comes_when_it_is() {
    let world = World::new(Vec::new(), Vec::new(), 1);
    for step in [Step::Commit, Step::Commit, Step::Start] {
        world.now(step);
    }
    world.then(&[Step::Nothing, Step::Nothing, Step::Nothing, Step::Close, Step::Finish]);
    assert_eq!(taken(&world, &options(Start::Last(1))), [id(1), id(2)]);
    let world = World::with(3);
    world.now(Step::Start);
    world.then(&[Step::Nothing, Step::Nothing, Step::Nothing, Step::Close, Step::Finish]);
    assert_eq!(taken(&world, &options(Start::Last(0))), [id(3)]);
}

#[test]
fn a_commit_that_is_not_on_the_branch_is_no_start() {
    let world = World::with(3);
    let error = RecordingConsumer::of(&world)
        .follow(&options(Start::After(id(77))), None)
        .unwrap_err();
    assert!(
        matches!(error, FollowError::NotOnBranch { exists: false, .. }),
        "{error}"
    );
    world.now(Step::MoveBack(1));
    let error = RecordingConsumer::of(&world)
        .follow(&options(Start::After(id(2))), None)
        .unwrap_err();
    assert!(
        matches!(error, FollowError::NotOnBranch { exists: true, .. }),
        "{error}"
    );
}

#[test]
fn a_branch_that_is_missing_is_an_error_or_waited_for() {
    let missing = |step| {
        let world = World::new(Vec::new(), Vec::new(), 5);
        world.now(step);
        world
    };
    let world = missing(Step::DeleteRepo);
    let error = RecordingConsumer::of(&world)
        .follow(&options(Start::Last(0)), None)
        .unwrap_err();
    assert!(matches!(error, FollowError::NoRepo(_)));
    let world = missing(Step::DeleteBranch);
    let error = RecordingConsumer::of(&world)
        .follow(&options(Start::Last(0)), None)
        .unwrap_err();
    assert!(matches!(error, FollowError::NoBranch(_)));
    for step in [Step::DeleteRepo, Step::DeleteBranch] {
        let world = missing(step);
        world.then(&[Step::Nothing, Step::Nothing, Step::Commit, Step::Commit]);
        let mut consumer = RecordingConsumer::of(&world);
        let waiting = Options {
            wait_for_branch: true,
            ..options(Start::Last(0))
        };
        consumer.follow(&waiting, None).unwrap();
        // What comes to a branch that was not there is new, however many there are when it is first seen.
        assert_eq!(consumer.ids(), [id(0), id(1)]);
        assert_eq!(consumer.notes, [Note::Waiting(branch())]);
    }
}

#[test]
fn the_consumer_ends_it_before_or_behind_a_commit() {
    let world = World::with(5);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cursor");
    for (answer, behind) in [(Taken::Last, 2), (Taken::No, 2), (Taken::Last, 3)] {
        let mut cursor = Cursor::open(&path, &branch()).unwrap();
        let mut consumer = RecordingConsumer::of(&world);
        let mut seen = 0;
        let wanted = if cursor.kept().is_none() { 3 } else { 1 };
        consumer.answer = Box::new(move |_| {
            seen += 1;
            if seen == wanted { answer } else { Taken::Delivered }
        });
        let end = consumer.follow(&options(Start::Beginning), Some(&mut cursor)).unwrap();
        assert_eq!(end, End::Consumer);
        let kept = Cursor::open(&path, &branch()).unwrap();
        assert_eq!(kept.kept().unwrap().newest(), Some(&id(behind)));
    }
}

#[test]
fn a_cursor_is_of_one_branch_and_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cursor");
    let world = World::with(200);
    let mut cursor = Cursor::open(&path, &branch()).unwrap();
    assert!(cursor.kept().is_none());
    let mut consumer = RecordingConsumer::of(&world);
    consumer
        .follow(&until_the_head(Start::Last(150)), Some(&mut cursor))
        .unwrap();
    let kept = Cursor::open(&path, &branch()).unwrap();
    assert_eq!(kept.kept().unwrap().newest(), Some(&id(199)));
    assert_eq!(kept.kept().unwrap().iter().count(), 64);
    // Nothing else is left beside it.
    assert_eq!(directory.path().read_dir().unwrap().count(), 1);
    let mut other = branch();
    other.name = spoutctl_core::pfs::BranchName::new("other").unwrap();
    assert!(matches!(
        Cursor::open(&path, &other),
        Err(CursorError::OfAnother { .. })
    ));
    std::fs::write(&path, "{").unwrap();
    assert!(matches!(
        Cursor::open(&path, &branch()),
        Err(CursorError::Unreadable { .. })
    ));
}

#[test]
fn what_is_passed_over_is_kept_in_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cursor");
    let world = World::with(50);
    let mut cursor = Cursor::open(&path, &branch()).unwrap();
    let mut consumer = RecordingConsumer::of(&world);
    consumer.answer = Box::new(|_| Taken::PassedOver);
    consumer
        .follow(&until_the_head(Start::Beginning), Some(&mut cursor))
        .unwrap();
    let kept = Cursor::open(&path, &branch()).unwrap();
    assert_eq!(kept.kept().unwrap().newest(), Some(&id(49)));
}
