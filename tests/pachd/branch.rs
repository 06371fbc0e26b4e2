//! Others on the same branch, and ourselves cut short.

use std::io::Write;
use std::process::{Child, Command};
use std::time::Duration;

use crate::lab::{Lab, is_lacking};
use crate::runner::{Ran, tar};

/// So many archives, one after the other, that differ.
fn archives(writer: &str, count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|number| {
            let text = format!("{writer} {number}");
            tar(&[("latest", text.as_bytes()), (&format!("{writer}/{number:03}"), b"x")])
        })
        .collect()
}

fn ids(ran: &Ran) -> Vec<String> {
    let of_commit = |commit: &String| commit.split_once('@').unwrap().1.to_owned();
    ran.commits().iter().map(of_commit).collect()
}

#[test]
fn an_open_head_of_somebody_else_is_waited_for_and_then_named_but_never_touched() {
    let lab = Lab::new();
    let theirs = lab.start_commit("somebody else's work");
    let ran = lab.put(&["--retry-for", "2s"], &tar(&[("a", b"x")]));
    ran.expect(5)
        .says(&theirs)
        .says("somebody else's work")
        .says("spoutctl doctor ");
    assert_eq!(ran.text(), "");
    assert!(lab.inspect_commit(&theirs).is_open);
    assert_eq!(lab.commits().len(), 1);
    // The command that is advised, as it stands there; it asks first, so here it is told.
    let advised = ran.stderr.split("drop it: spoutctl ").nth(1).unwrap();
    let advised: Vec<&str> = advised.split(';').next().unwrap().split_whitespace().collect();
    lab.run(&[&advised[..], &["--yes"]].concat()).expect(0);
    // A branch whose only commit is dropped keeps an empty head.
    assert!(lab.commits().iter().all(|commit| commit.id != theirs));
    lab.put(&[], &tar(&[("a", b"x")])).expect(0);
}

#[test]
fn put_goes_on_when_somebody_elses_commit_is_finished() {
    let lab = Lab::new();
    let theirs = lab.start_commit("");
    lab.add_file(&theirs, "/theirs");
    std::thread::scope(|scope| {
        let ours = scope.spawn(|| lab.put(&["--retry-for", "30s"], &tar(&[("ours", b"x")])));
        std::thread::sleep(Duration::from_secs(1));
        lab.finish_commit(&theirs);
        let ran = ours.join().unwrap();
        ran.expect(0).says("waiting");
    });
    assert_eq!(lab.commits().len(), 2);
    assert_eq!(lab.get(&lab.at(":/theirs")), b"x");
    assert_eq!(lab.get(&lab.at(":/ours")), b"x");
}

#[test]
fn two_writers_on_one_branch_take_turns_and_each_archive_is_there_once() {
    let lab = Lab::new();
    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(|| lab.put(&["--retry-for", "60s"], &archives("one", 8)));
        let two = scope.spawn(|| lab.put(&["--retry-for", "60s"], &archives("two", 8)));
        (one.join().unwrap(), two.join().unwrap())
    });
    let (one, two) = (ids(one.expect(0)), ids(two.expect(0)));
    assert_eq!((one.len(), two.len()), (8, 8));
    let all = lab.good_commits();
    assert_eq!(
        all,
        lab.commits().into_iter().map(|commit| commit.id).collect::<Vec<_>>()
    );
    assert_eq!(all.len(), 16);
    for of_writer in [one, two] {
        let in_branch: Vec<_> = all.iter().filter(|id| of_writer.contains(id)).cloned().collect();
        assert_eq!(in_branch, of_writer, "in order");
    }
}

#[test]
fn several_commits_in_flight_stay_in_order() {
    let lab = Lab::new();
    let ran = lab.put(&["--in-flight", "4"], &archives("w", 20));
    let acknowledged = ids(ran.expect(0));
    assert_eq!(acknowledged.len(), 20);
    lab.holds_just(&acknowledged);
    let sequences: Vec<u64> = lab.commits().iter().map(crate::lab::Commit::sequence).collect();
    assert_eq!(sequences, (1..=20).collect::<Vec<_>>());
    for (number, id) in acknowledged.iter().enumerate() {
        assert_eq!(
            lab.get(&lab.at(&format!("@{id}:/latest"))),
            format!("w {number}").as_bytes()
        );
    }
}

fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// Whatever moment a signal hits, the branch has no open head, and just what was acknowledged.
#[test]
fn a_termination_at_any_moment_leaves_no_open_head_and_just_what_was_acknowledged() {
    let lab = Lab::new();
    let mut acknowledged = Vec::new();
    for milliseconds in [50, 100, 150, 250, 400, 700, 1000] {
        let (child, mut stdin) = lab.start(&["put", &lab.repo]);
        let writer = std::thread::spawn(move || {
            let input = archives(&format!("after-{milliseconds}"), 200);
            let _ = stdin.write_all(&input);
            stdin
        });
        std::thread::sleep(Duration::from_millis(milliseconds));
        signal(&child, "TERM");
        let ran = Ran::from(child.wait_with_output().unwrap());
        drop(writer.join().unwrap());
        // Without a code: it was killed before it listened to signals, and so before it sent anything.
        if ran.code.is_some() {
            ran.expect(143).says("interrupted");
        }
        acknowledged.extend(ids(&ran));
        lab.holds_just(&acknowledged);
    }
    assert!(!acknowledged.is_empty());
}

#[test]
fn a_termination_during_an_upload_ends_it_within_the_grace_period() {
    if is_lacking("uploads without an open commit") {
        return;
    }
    let lab = Lab::new();
    let archive = tar(&[("large", &vec![7; 96 << 20])]);
    for grace in ["0", "30s"] {
        let (child, mut stdin) = lab.start(&["put", &lab.repo, "--grace", grace]);
        let _ = stdin.write_all(&archive);
        // It was taken, and is on its way for some time yet.
        std::thread::sleep(Duration::from_millis(100));
        signal(&child, "TERM");
        let ran = Ran::from(child.wait_with_output().unwrap());
        drop(stdin);
        ran.expect(143);
        lab.holds_just(&ids(&ran));
        let whole = usize::from(grace != "0");
        assert_eq!(ids(&ran).len(), whole, "--grace {grace}: {}", ran.stderr);
    }
}
