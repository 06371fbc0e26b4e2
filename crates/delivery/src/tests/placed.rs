//! Where the partitions of a source go on: behind the newest commit that stays, whatever came of the calls that made
//! it.

use std::sync::Arc;

use parking_lot::Mutex;
use proptest::prelude::*;
use spoutctl_archive::{Archive, Files, Label, PositionMap};
use spoutctl_core::positions::Positions;

use super::runs::fate;
use super::scripted::*;
use crate::*;

/// Behind the archive of this number.
fn positions(number: u64) -> PositionMap {
    let mut positions = Positions::new(Some("cluster"));
    positions.set("orders", 0, number * 10);
    positions.set("orders", 1, number);
    PositionMap::Partitions(positions)
}

fn labelled(numbers: std::ops::RangeInclusive<u64>) -> Vec<u8> {
    let one = |number| {
        let label = Label {
            positions: Some(positions(number)),
            ..Label::default()
        };
        [label.header(), archive_bytes(number)].concat()
    };
    numbers.flat_map(one).collect()
}

fn with_positions() -> Options {
    Options {
        has_positions: true,
        counts_messages: true,
        ..stream("kafka", false)
    }
}

/// Hears where the partitions go on.
#[derive(Default)]
struct Hears {
    /// Each time it is told.
    placed: Mutex<Vec<Option<PositionMap>>>,
    heard: Heard,
}

impl Observer for Hears {
    fn placed(&self, positions: Option<&PositionMap>) {
        self.placed.lock().push(positions.cloned());
    }

    fn settled(&self, settled: &Settled<'_>) -> Result<(), Unacknowledged> {
        self.heard.settled(settled)
    }

    fn would_commit(&self, _: &Archive, _: &Files) {}
    fn note(&self, _: &str) {}
}

/// What a run is told that finds the branch like this, and sends nothing.
fn placed(sink: &Arc<Scripted>) -> Option<PositionMap> {
    let hears = Arc::new(Hears::default());
    let clock = Arc::new(crate::retry::SystemClock);
    let (_, result) = delivery(sink, Arc::clone(&hears) as _, clock, with_positions()).run(&incoming(Vec::new()));
    result.unwrap();
    let mut told = hears.placed.lock().clone();
    assert_eq!(told.len(), 1, "it is told once");
    told.remove(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever happens to the calls of a run that dies: the next one goes on exactly behind what stays.
    #[test]
    fn a_run_goes_on_behind_what_an_earlier_one_has_left(
        fates in proptest::collection::vec(fate(), 0..30),
        may_drop: bool,
        no_file_sets: bool,
        slow_finish in 0..3_u32,
    ) {
        let sink = Arc::new(Scripted::new(fates));
        sink.lock().may_drop = may_drop;
        sink.lock().no_file_sets = no_file_sets;
        let _ = deliver_bytes(&sink, labelled(1..=4), with_positions());
        // What is still on its way may arrive while the next run begins, or before.
        sink.lock().fates.clear();
        sink.lock().slow_finish = slow_finish;
        let told = placed(&sink);
        let newest = sink.good().last().map(|(number, _)| positions(*number));
        prop_assert_eq!(told, newest);
    }
}

#[test]
fn a_commit_that_pachd_finishes_with_an_error_moves_no_position() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().fail = Some(1);
    deliver_bytes(&sink, labelled(1..=3), with_positions()).unwrap_err();
    assert_eq!(placed(&sink), Some(positions(1)));
}

#[test]
fn a_commit_that_pachd_still_finishes_is_waited_for() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver_bytes(&sink, labelled(1..=2), with_positions()).unwrap();
    sink.lock().slow_finish = 2;
    assert_eq!(placed(&sink), Some(positions(2)));
}

#[test]
fn nothing_is_known_where_the_stream_has_committed_nothing() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    assert_eq!(placed(&sink), None);
    deliver(&sink, 2, stream("other", false)).unwrap();
    assert_eq!(placed(&sink), None);
}
