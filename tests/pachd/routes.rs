//! `--route`: an archive in all of its repos or in none, also after a kill at any call.

use std::io::Write;
use std::time::Duration;

use crate::lab::{Commit, Lab, is_lacking};
use crate::proxy::{Fault, Proxy};
use crate::runner::tar;

type Place = (&'static str, usize, fn() -> Fault);

/// Where `put` may die in the middle of the second archive, each of whose steps takes a call for each of two repos.
const PLACES: &[Place] = &[
    ("StartCommit", 4, || Fault::Stall),
    ("FinishTransaction", 3, || Fault::Stall),
    ("FinishTransaction", 3, || Fault::StallAnswer(0)),
    ("AddFileSet", 4, || Fault::Stall),
    ("FinishCommit", 4, || Fault::StallAnswer(0)),
    ("FinishTransaction", 4, || Fault::Stall),
    ("FinishTransaction", 4, || Fault::StallAnswer(0)),
    ("InspectCommit", 4, || Fault::Stall),
];

fn archives() -> Vec<u8> {
    let archive = |number: u64| {
        let own = format!("own/{number}");
        tar(&[("log", number.to_string().as_bytes()), (&own, b"x")])
    };
    (1..=3).flat_map(archive).collect()
}

/// Runs `put` until this call is made for the `nth` time, and kills it there.
fn kill_at(lab: &Lab, args: &[&str], call: &str, nth: usize, fault: Fault) {
    let proxy = Proxy::before(&lab.authority);
    proxy.at(call, nth, fault);
    let world = lab.behind(&proxy);
    let (mut child, mut stdin) = world.start(args);
    stdin.write_all(&archives()).unwrap();
    proxy.wait_for(call, nth);
    // Whatever it has sent is carried out.
    std::thread::sleep(Duration::from_millis(300));
    child.kill().unwrap();
    child.wait().unwrap();
    drop(stdin);
}

#[track_caller]
fn check(lab: &Lab, other: &Lab, place: &str) {
    let good = |lab: &Lab| -> Vec<(u64, String)> {
        let commits = lab.commits();
        assert!(commits.iter().all(|commit| !commit.is_open), "{place}: {commits:?}");
        let good = commits.iter().filter(|commit| commit.is_good());
        good.filter(|commit| commit.description.contains("spoutctl/1"))
            .map(|commit| (commit.sequence(), commit.id.clone()))
            .collect()
    };
    let here = good(lab);
    assert_eq!(here, good(other), "{place}");
    let numbers: Vec<u64> = here.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [1, 2, 3], "{place}");
    assert_eq!(lab.get(&lab.at(":/log")), b"3", "{place}");
    assert_eq!(other.get(&other.at(":/own/2")), b"x", "{place}");
    lab.run(&["get", &lab.at(":/own/2")]).expect(1);
}

#[test]
fn a_routed_spool_is_drained_after_a_kill_and_each_archive_is_once_in_both_repos() {
    if is_lacking("routes") {
        return;
    }
    for (call, nth, fault) in PLACES {
        let lab = Lab::new();
        let other = lab.beside();
        let route = format!("/own={}", other.repo);
        let spool = lab.path("spool").display().to_string();
        kill_at(
            &lab,
            &["put", &lab.repo, "--spool", &spool, "--route", &route],
            call,
            *nth,
            fault(),
        );
        // The spool knows the routes.
        lab.run(&["spool", &spool, "--send"]).expect(0);
        check(&lab, &other, call);
    }
}

#[test]
fn a_routed_stream_goes_on_after_a_kill_and_each_archive_is_once_in_both_repos() {
    if is_lacking("routes") {
        return;
    }
    for (call, nth, fault) in PLACES {
        let lab = Lab::new();
        let other = lab.beside();
        let route = format!("/own={}", other.repo);
        let args = ["put", &lab.repo, "--stream", "s", "--resume", "--route", &route];
        kill_at(&lab, &args, call, *nth, fault());
        lab.run_with(&args, &archives()).expect(0);
        check(&lab, &other, call);
    }
}

#[test]
fn what_waits_in_a_spool_goes_by_no_other_routes() {
    if is_lacking("routes") {
        return;
    }
    let lab = Lab::new();
    let other = lab.beside();
    let spool = lab.path("spool").display().to_string();
    let proxy = Proxy::before(&lab.authority);
    proxy.each("StartCommit", |_| Some(Fault::Unheard));
    let world = lab.behind(&proxy);
    let route = format!("/own={}", other.repo);
    let args = ["put", &lab.repo, "--spool", &spool, "--retry-for", "1s"];
    let routed = [&args[..], &["--route", &route]].concat();
    world.run_with(&routed, &archives()).expect(5);
    proxy.heal();
    world.run_with(&args, &[]).expect(2).says("taken in for something else");
    world.run_with(&routed, &[]).expect(0);
    check(&lab, &other, "spool");
}

#[test]
fn a_commit_that_fails_is_named_with_those_that_are_visible() {
    if is_lacking("routes") {
        return;
    }
    let lab = Lab::new();
    let other = lab.beside();
    let route = format!("/own={}", other.repo);
    let bad = tar(&[("log", b"4"), ("own/1/below", b"x")]);
    let input = [archives(), bad].concat();
    let ran = lab.put(&["--route", &route], &input);
    ran.expect(4).says(&format!("{}@", other.repo)).says("is seen already");
    assert_eq!(lab.get(&lab.at(":/log")), b"4");
    let is_errored = |commit: &Commit| !commit.is_open && !commit.is_good();
    assert!(other.commits().iter().any(is_errored));
}

#[test]
fn what_cannot_be_kept_is_refused_before_anything_is_sent() {
    if is_lacking("routes") {
        return;
    }
    let lab = Lab::new();
    let route = format!("/own={}@other", lab.repo);
    lab.put(&["--route", &route], &archives()).expect(2).says("one repo");
    for flags in [&["--append"][..], &["--staging", "next"]] {
        let args = [flags, &["--route", "/own=elsewhere"]].concat();
        lab.put(&args, &archives()).expect(2).says("cannot be used with");
    }
    lab.put(&["--route", "/own=spoutctl-test-nowhere"], &archives())
        .expect(4)
        .says("does not exist");
    assert!(lab.commits().is_empty());
}
