//! Whatever breaks: each finished commit once, in order.

use std::collections::HashSet;

use proptest::prelude::*;

use super::scripted::{Luck, RecordingConsumer, Step, World, id, luck, options, until_the_head};
use crate::following::backlog::HELD;
use crate::following::cursor::Cursor;
use crate::following::{End, FollowError, Note, Options, Start, Taken};
use spoutctl_core::pfs::CommitId;

fn growth() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Commit),
        2 => Just(Step::Start),
        2 => Just(Step::Close),
        3 => Just(Step::Finish),
        1 => Just(Step::FinishWithError),
        4 => Just(Step::Nothing),
    ]
}

proptest! {
    #[test]
    fn any_breaks_skip_nothing_and_repeat_nothing(
        before in 0_usize..5,
        steps in prop::collection::vec(growth(), 0..60),
        luck in prop::collection::vec(luck(), 0..40),
        pace in 1_usize..6,
    ) {
        let world = World::new(Vec::new(), luck, pace);
        for _ in 0..before {
            world.now(Step::Commit);
        }
        world.then(&steps);
        let mut consumer = RecordingConsumer::of(&world);
        prop_assert_eq!(consumer.follow(&options(Start::Beginning), None).unwrap(), End::Consumer);
        prop_assert_eq!(consumer.ids(), world.deliverable());
    }
}

proptest! {
    // Each writes to the disk for every commit.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_restart_anywhere_goes_on_behind_the_cursor(
        stops in prop::collection::vec(1_usize..10, 1..8),
        steps in prop::collection::vec(growth(), 0..60),
        luck in prop::collection::vec(luck(), 0..20),
        pace in 1_usize..4,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cursor");
        let world = World::new(steps, luck, pace);
        let mut all = Vec::new();
        for stop in stops.into_iter().map(Some).chain([None]) {
            let mut cursor = Cursor::open(&path, &super::scripted::branch()).unwrap();
            let mut consumer = RecordingConsumer::of(&world);
            let mut left = stop.unwrap_or(usize::MAX);
            consumer.answer = Box::new(move |_| {
                left -= 1;
                if left == 0 { Taken::No } else { Taken::Delivered }
            });
            consumer.follow(&options(Start::Beginning), Some(&mut cursor)).unwrap();
            all.extend(consumer.ids());
        }
        prop_assert_eq!(all, world.deliverable());
    }
}

#[test]
fn a_long_history_is_delivered_in_pieces() {
    const COMMITS: usize = 100_000;
    let world = World::with(COMMITS);
    let mut consumer = RecordingConsumer::of(&world);
    let end = consumer.follow(&until_the_head(Start::Beginning), None).unwrap();
    assert_eq!(end, End::Head);
    assert_eq!(consumer.taken.len(), COMMITS);
    assert!(
        consumer
            .taken
            .iter()
            .enumerate()
            .all(|(at, info)| info.commit.id == id(at))
    );
    // Once to find the pieces, once to deliver them, and the one that each ends at.
    let pieces = COMMITS.div_ceil(HELD);
    assert!(world.listed.get() <= 2 * COMMITS + pieces, "{}", world.listed.get());
}

#[test]
fn a_long_history_that_changes_while_it_is_listed_is_listed_again() {
    let world = World::with(3 * HELD);
    world.then(&[
        Step::Nothing,
        Step::Nothing,
        Step::Squash(HELD + 100),
        Step::Commit,
        Step::Squash(3),
        Step::Commit,
    ]);
    let mut consumer = RecordingConsumer::of(&world);
    consumer.follow(&options(Start::Beginning), None).unwrap();
    let mut ids = consumer.ids();
    ids.dedup();
    assert_eq!(ids.len(), consumer.taken.len());
    let there = world.deliverable();
    let known: HashSet<&CommitId> = there.iter().collect();
    ids.retain(|id| known.contains(id));
    assert_eq!(ids, there);
}

#[test]
fn without_a_subscription_the_head_is_looked_at_every_second() {
    let world = World::new(Vec::new(), Vec::new(), 1);
    world.now(Step::Commit);
    world.no_subscription.set(true);
    world.then(&[Step::Commit; 20]);
    let mut consumer = RecordingConsumer::of(&world);
    consumer.follow(&options(Start::Beginning), None).unwrap();
    assert_eq!(consumer.ids(), world.deliverable());
    assert_eq!(consumer.notes, [], "a subscription that fails is nobody's matter");
}

#[test]
fn a_server_that_stays_away_is_given_up_after_the_time_for_retries() {
    let world = World::new(Vec::new(), vec![Luck::Breaks(0); 10_000], 1);
    world.now(Step::Commit);
    let mut consumer = RecordingConsumer::of(&world);
    let options = Options {
        retry_for: std::time::Duration::from_mins(1),
        ..options(Start::Beginning)
    };
    let error = consumer.follow(&options, None).unwrap_err();
    assert!(matches!(error, FollowError::Unavailable { .. }), "{error}");
    assert!(
        matches!(consumer.notes[..], [Note::Retrying(_)]),
        "{:?}",
        consumer.notes
    );
}

#[test]
fn an_open_head_is_said_once_and_what_comes_before_it_is_delivered() {
    let world = World::new(Vec::new(), Vec::new(), 1);
    world.now(Step::Commit);
    world.now(Step::Start);
    let mut consumer = RecordingConsumer::of(&world);
    consumer.follow(&options(Start::Beginning), None).unwrap();
    assert_eq!(consumer.ids(), [id(0)]);
    let open = consumer
        .notes
        .iter()
        .filter(|note| matches!(note, Note::Open { .. }))
        .count();
    assert_eq!(open, 1);
    let world = World::with(1);
    world.now(Step::Start);
    let mut consumer = RecordingConsumer::of(&world);
    consumer.follow(&until_the_head(Start::Beginning), None).unwrap();
    assert!(matches!(&consumer.notes[..], [Note::EndsBefore(commit)] if commit.id == id(1)));
}

#[test]
fn the_deadline_ends_it_whatever_the_server_does() {
    for luck in [Vec::new(), vec![Luck::Breaks(0); 100]] {
        let world = World::new(vec![Step::Nothing; 10_000], luck, 1);
        world.now(Step::Commit);
        let mut consumer = RecordingConsumer::of(&world);
        let begun = crate::retry::Clock::now(&world.time);
        let options = Options {
            deadline: Some(begun + std::time::Duration::from_secs(5)),
            ..options(Start::Beginning)
        };
        assert_eq!(consumer.follow(&options, None).unwrap(), End::Deadline);
        let lasted = crate::retry::Clock::now(&world.time) - begun;
        assert!(lasted < std::time::Duration::from_millis(5200), "{lasted:?}");
    }
}
