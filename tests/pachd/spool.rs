//! `put` that was killed: with a spool, with a stream's name, and appending.
//!
//! A proxy in front of the server lets a call never be answered, so that it is known where `put` was when it died.

use std::io::Write;
use std::time::Duration;

use crate::checker::{Order, Promise, Told, Tree};
use crate::lab::{Commit, Lab, is_lacking, writing_call};
use crate::proxy::{Fault, Proxy};
use crate::runner::{Ran, tar};

const ARCHIVES: u64 = 3;

fn archive(number: u64) -> Vec<u8> {
    let (line, own) = (format!("{number}\n"), format!("own/{number}"));
    tar(&[("log", line.as_bytes()), (&own, b"x")])
}

/// The files that the commit of an archive shows.
fn tree(number: u64, appends: bool) -> Tree {
    let mut tree: Tree = (1..=number)
        .map(|number| (format!("own/{number}"), b"x".to_vec()))
        .collect();
    let first = if appends { 1 } else { number };
    let log: Vec<String> = (first..=number).map(|number| format!("{number}\n")).collect();
    tree.insert("log".to_owned(), log.concat().into_bytes());
    tree
}

/// Runs `put` until this call is made for the `nth` time, which meets `fault`, and kills it there.
fn kill_at(lab: &Lab, args: &[&str], input: &[u8], call: &str, nth: usize, fault: Fault) -> Ran {
    let proxy = Proxy::before(&lab.authority);
    let call = if call == "AddFileSet" { writing_call() } else { call };
    proxy.at(call, nth, fault);
    let world = lab.behind(&proxy);
    let (mut child, mut stdin) = world.start(args);
    stdin.write_all(input).unwrap();
    proxy.wait_for(call, nth);
    // What it was told until now is enough; whatever it has sent is carried out.
    std::thread::sleep(Duration::from_millis(300));
    child.kill().unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    drop(stdin);
    assert_eq!(ran.code, None, "it was killed: {}", ran.stderr);
    ran
}

#[track_caller]
fn check(lab: &Lab, runs: &[&Ran], appends: bool, told: Told) {
    let promise = Promise {
        archives: ARCHIVES,
        tree: &|number| tree(number, appends),
        order: Order::AsSent,
        told,
    };
    let outcome = lab.outcome(runs);
    promise.check(&outcome).unwrap_or_else(|what| {
        let said: Vec<&str> = runs.iter().map(|ran| ran.stderr.as_str()).collect();
        panic!("{what}\n{}", said.join("\n"))
    });
}

type Place = (&'static str, fn() -> Fault);

/// Where `put` may die in the middle of the second archive.
const PLACES: &[Place] = &[
    ("StartCommit", || Fault::StallAnswer(0)),
    ("AddFileSet", || Fault::Stall),
    ("FinishCommit", || Fault::Stall),
    ("FinishCommit", || Fault::StallAnswer(0)),
    ("InspectCommit", || Fault::Stall),
];

#[test]
fn a_spool_is_drained_after_a_kill_and_each_archive_is_there_once() {
    for (call, fault) in PLACES {
        for flags in [&[][..], &["--append"]] {
            let lab = Lab::new();
            let spool = lab.path("spool").display().to_string();
            let args = [&["put", &lab.repo, "--spool", &spool, "--json"], flags].concat();
            let input: Vec<u8> = (1..=ARCHIVES).flat_map(archive).collect();
            let killed = kill_at(&lab, &args, &input, call, 2, fault());
            let sent = lab.run(&["spool", &spool, "--send", "--json"]);
            sent.expect(0);
            check(&lab, &[&killed, &sent], !flags.is_empty(), Told::AgainAfterAKill);
        }
    }
}

#[test]
fn a_resumed_stream_goes_on_after_a_kill_and_each_archive_is_there_once() {
    for (call, fault) in PLACES {
        for flags in [&[][..], &["--append"]] {
            let lab = Lab::new();
            let args = [&["put", &lab.repo, "--stream", "s", "--resume", "--json"], flags].concat();
            let input: Vec<u8> = (1..=ARCHIVES).flat_map(archive).collect();
            let killed = kill_at(&lab, &args, &input, call, 2, fault());
            let again = lab.run_with(&args, &input);
            again.expect(0);
            check(&lab, &[&killed, &again], !flags.is_empty(), Told::AgainAfterAKill);
        }
    }
}

#[test]
fn a_staged_stream_goes_on_after_a_kill_and_the_branch_has_each_archive_once() {
    if is_lacking("staged commits") {
        return;
    }
    let moving: [Place; 4] = [
        ("StartTransaction", || Fault::Stall),
        ("CreateBranch", || Fault::Stall),
        ("FinishTransaction", || Fault::Stall),
        ("FinishTransaction", || Fault::StallAnswer(0)),
    ];
    for (call, fault) in PLACES.iter().chain(&moving) {
        let lab = Lab::new();
        let args = [
            "put",
            &lab.repo,
            "--stream",
            "s",
            "--resume",
            "--staging",
            "next",
            "--json",
        ];
        let input: Vec<u8> = (1..=ARCHIVES).flat_map(archive).collect();
        let killed = kill_at(&lab, &args, &input, call, 2, fault());
        let seen = lab.commits();
        assert!(seen.iter().all(|commit| !commit.is_open), "{call}: {seen:?}");
        let again = lab.run_with(&args, &input);
        again.expect(0);
        check(&lab, &[&killed, &again], false, Told::AgainAfterAKill);
    }
}

#[test]
fn a_staged_commit_that_fails_is_never_on_the_branch() {
    if is_lacking("staged commits") {
        return;
    }
    let lab = Lab::new();
    let bad = [tar(&[("dir/file", b"x")]), tar(&[("dir", b"a file in its place")])].concat();
    let ran = lab.put(&["--staging", "next"], &bad);
    ran.expect(4).says("archive 2").says("finished with an error");
    let commits = lab.commits();
    assert!(commits.iter().all(Commit::is_good), "{commits:?}");
    assert_eq!(lab.get(&lab.at(":/dir/file")), b"x");
    // The next one is built on what the branch has, not on what failed.
    lab.put(&["--staging", "next"], &archive(1)).expect(0);
    assert_eq!(lab.get(&lab.at(":/dir/file")), b"x");
}

#[test]
fn without_a_spool_the_same_stream_goes_on_by_itself_after_a_kill() {
    let lab = Lab::new();
    let args = ["put", &lab.repo, "--stream", "s", "--json"];
    let input = [archive(1), archive(2)].concat();
    kill_at(&lab, &args, &input, "AddFileSet", 2, Fault::Stall);
    assert!(lab.commits()[1].is_open);
    let ran = lab.run_with(&args, &archive(3));
    ran.expect(0).says("given up");
    let commits = lab.commits();
    assert!(commits.iter().all(|commit| !commit.is_open), "{commits:?}");
    let good: Vec<u64> = commits.iter().filter(|c| c.is_good()).map(Commit::sequence).collect();
    assert_eq!(good, [1, 3]);
    assert_eq!(lab.get(&lab.at(":/log")), b"3\n");
    lab.run(&["get", &lab.at(":/own/2")]).expect(1);
}

#[test]
fn what_waits_in_a_spool_goes_to_no_other_destination() {
    let lab = Lab::new();
    let spool = lab.path("spool").display().to_string();
    let proxy = Proxy::before(&lab.authority);
    proxy.each("StartCommit", |_| Some(Fault::Unheard));
    let world = lab.behind(&proxy);
    let args = ["put", &lab.repo, "--spool", &spool, "--retry-for", "1s"];
    world.run_with(&args, &archive(1)).expect(5).says("1 archive waits");
    proxy.heal();
    let elsewhere = lab.at("@elsewhere");
    let refused = world.run_with(&["put", &elsewhere, "--spool", &spool], &archive(2));
    refused.expect(2).says("taken in for something else");
    assert!(lab.commits().iter().all(|commit| !commit.is_good()));
    let ran = world.run_with(&args, &[archive(2), archive(3)].concat());
    ran.expect(0);
    let good: Vec<u64> = lab
        .commits()
        .iter()
        .filter(|c| c.is_good())
        .map(Commit::sequence)
        .collect();
    assert_eq!(good, [1, 2, 3]);
}
