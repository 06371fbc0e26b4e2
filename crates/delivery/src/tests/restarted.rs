//! What pachd itself leaves on a spout's branch when the spout is started again, met by the spout's own delivery.

use std::sync::Arc;

use super::scripted::*;
use crate::*;
use spoutctl_core::pfs::{CommitId, Origin};

/// In the spout's own pod.
fn in_its_pod() -> Options {
    Options {
        own_output: true,
        ..stream("s", false)
    }
}

/// What pachd puts on top: open, as 2.8 and newer do, or empty, as 2.6 and 2.7.
fn started_again(sink: &Scripted, closed: bool) {
    let mut state = sink.lock();
    let id = CommitId::new(&format!("{:012x}4{:019x}", 1, state.commits.len())).unwrap();
    state.commits.push(StoredCommit {
        id,
        description: String::new(),
        closed,
        error: String::new(),
        ops: Vec::new(),
        origin: Origin::Auto,
    });
}

#[test]
fn an_open_head_of_pachds_own_is_finished_by_the_spout_itself_and_by_nobody_else() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver(&sink, 1, in_its_pod()).unwrap();
    started_again(&sink, false);
    let error = deliver(&sink, 1, Run::once(stream("s", false))).unwrap_err();
    assert!(matches!(error, DeliveryError::Busy { .. }), "{error}");
    assert!(!sink.lock().commits[1].closed);
    deliver(&sink, 2, in_its_pod()).unwrap();
    let state = sink.lock();
    assert!(
        state
            .commits
            .iter()
            .all(|commit| commit.closed && commit.error.is_empty())
    );
    assert_eq!(state.commits.len(), 4);
    assert_eq!(state.commits[1].description, restarted::DESCRIPTION);
}

#[test]
fn what_a_killed_run_left_open_below_it_is_given_up() {
    for may_drop in [false, true] {
        let sink = Arc::new(Scripted::new(Vec::new()));
        deliver(&sink, 1, in_its_pod()).unwrap();
        let mark = sink.lock().commits[0]
            .description
            .replace(" seq=1 ", " seq=2 ")
            .replace(" done", "");
        sink.lock().carry_out(&Call::Start(mark)).unwrap();
        started_again(&sink, false);
        sink.lock().may_drop = may_drop;
        let ended = deliver(&sink, 1, in_its_pod()).unwrap();
        assert_eq!(ended.committed, [1]);
        let state = sink.lock();
        let open = state.commits.iter().filter(|commit| !commit.closed).count();
        let given_up = state.commits.iter().filter(|commit| !commit.error.is_empty()).count();
        assert_eq!((open, given_up), (0, usize::from(!may_drop)));
    }
}

#[test]
fn a_spout_that_was_started_twice_goes_on() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver(&sink, 1, in_its_pod()).unwrap();
    started_again(&sink, false);
    started_again(&sink, false);
    deliver(&sink, 1, in_its_pod()).unwrap();
    let state = sink.lock();
    assert!(
        state
            .commits
            .iter()
            .all(|commit| commit.closed && commit.error.is_empty())
    );
    let ours = state.commits[1..3].iter().map(|commit| commit.description.as_str());
    assert!(ours.eq([restarted::DESCRIPTION; 2]));
}

#[test]
fn a_dry_run_finishes_nothing() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver(&sink, 1, in_its_pod()).unwrap();
    started_again(&sink, false);
    let options = Options {
        dry_run: true,
        ..in_its_pod()
    };
    deliver(&sink, 1, options).unwrap();
    assert!(!sink.lock().commits[1].closed);
}

#[test]
fn nothing_is_appended_to_what_pachd_has_emptied_without_a_word() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver(&sink, 1, in_its_pod()).unwrap();
    started_again(&sink, true);
    let append = || appending(in_its_pod());
    let error = deliver(&sink, 1, append()).unwrap_err();
    assert!(matches!(error, DeliveryError::Emptied { .. }), "{error}");
    assert!(error.help().unwrap().contains("--accept-emptied"));
    assert_eq!(sink.lock().commits.len(), 2);
    let accept = Options {
        accept_emptied: true,
        ..append()
    };
    deliver(&sink, 1, accept).unwrap();
    // What has files again is no longer empty.
    deliver(&sink, 1, append()).unwrap();
    // Whole files need nobody's word.
    started_again(&sink, true);
    deliver(&sink, 1, in_its_pod()).unwrap();
}
