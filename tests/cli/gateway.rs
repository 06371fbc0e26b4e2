//! `put` and `get` through a gateway that fails in every way that we know of: each archive is there once, in order, and
//! what is acknowledged is what is there.

use std::io::Write;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::pachd::{Pachd, Somebody};
use crate::proxy::{Fault, Proxy, at_most, hold, refusal};
use crate::runner::{Ran, World, signal, tar};
use rustix::process::Signal;

const TOKEN: &str = "a-token-that-nobody-may-see";

fn world(gateway: &Pachd) -> World {
    World::at(&gateway.url()).with_token(Some(TOKEN.to_owned()))
}

/// So many archives that differ in one file and have one of their own.
fn archives(count: usize) -> Vec<u8> {
    (1..=count)
        .flat_map(|number| {
            let line = format!("{number}\n");
            tar(&[("log", line.as_bytes()), (&format!("own/{number}"), b"x")])
        })
        .collect()
}

fn put(gateway: &Pachd, args: &[&str], input: &[u8]) -> Ran {
    let mut args = [&["put", "events", "-v"], args].concat();
    if !args.contains(&"--retry-for") {
        // More than any of these needs, and less than a hanging test.
        args.extend(["--retry-for", "10s"]);
    }
    checked(world(gateway).run_with(&args, input))
}

/// Nothing ever shows the token.
#[track_caller]
fn checked(ran: Ran) -> Ran {
    assert!(!ran.stderr.contains(TOKEN) && !ran.text().contains(TOKEN), "{ran:?}");
    ran
}

/// Fails unless just the first `count` of [`archives`] are published, once and in order, just they are acknowledged, and
/// nothing is left open.
#[track_caller]
fn holds_just_the_first(count: usize, gateway: &Pachd, ran: &Ran) {
    let published = gateway.published();
    let ids: Vec<String> = published.iter().map(|(id, _)| format!("default/events@{id}")).collect();
    assert_eq!(ran.commits(), ids, "acknowledged, and published\n{}", ran.stderr);
    assert_eq!(published.len(), count, "{}", ran.stderr);
    for (number, (_, tree)) in published.iter().enumerate() {
        let number = number + 1;
        assert_eq!(tree["log"], format!("{number}\n").as_bytes());
        assert_eq!(tree.keys().filter(|path| path.starts_with("own/")).count(), number);
    }
    assert_eq!(gateway.open(), 0, "{:?}\n{}", gateway.commits(), ran.stderr);
}

#[test]
fn an_answer_that_is_lost_after_any_call_costs_nothing() {
    for call in [
        "InspectRepo",
        "InspectBranch",
        "ListCommit",
        "CreateFileSet",
        "StartCommit",
        "AddFileSet",
        "FinishCommit",
        "InspectCommit",
    ] {
        let gateway = Pachd::start();
        put(&gateway, &[], &archives(1)).expect(0);
        let nth = gateway.calls(call) + 1;
        gateway.at(call, nth, Fault::LoseAnswer);
        gateway.at(call, nth + 1, Fault::Unheard);
        let ran = put(&gateway, &[], &archives(3)[archives(1).len()..]);
        ran.expect(0);
        assert_eq!(ran.commits().len(), 2, "{call}: {}", ran.stderr);
        let published = gateway.published();
        assert_eq!(published.len(), 3, "{call}: {}", ran.stderr);
        assert_eq!(published[2].1["log"], b"3\n", "{call}");
        assert_eq!(gateway.open(), 0, "{call}");
    }
}

#[test]
fn an_answer_that_is_lost_appends_nothing_twice() {
    for call in ["StartCommit", "AddFileSet", "FinishCommit", "InspectCommit"] {
        let gateway = Pachd::start();
        gateway.at(call, 2, Fault::LoseAnswer);
        let ran = put(&gateway, &["--append"], &archives(3));
        ran.expect(0);
        let published = gateway.published();
        assert_eq!(published.len(), 3, "{call}: {}", ran.stderr);
        assert_eq!(published[2].1["log"], b"1\n2\n3\n", "{call}: {}", ran.stderr);
        assert_eq!(gateway.open(), 0, "{call}");
    }
}

#[test]
fn a_server_that_starts_a_moment_later_is_waited_for() {
    let gateway = Pachd::start_after(Duration::from_secs(1));
    let ran = put(&gateway, &[], &archives(2));
    ran.expect(0).says("trying again");
    holds_just_the_first(2, &gateway, &ran);
}

#[test]
fn a_server_that_is_not_there_is_exit_5() {
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let world = World::at(&format!("http://{address}"));
    let ran = world.run_with(&["put", "events", "--retry-for", "300ms"], &archives(1));
    ran.expect(5).says(&address.to_string()).says("gave up after");
    assert_eq!(ran.text(), "");
    world.run(&["get", "events:/log"]).expect(5).says(&address.to_string());
}

#[test]
fn retry_after_is_obeyed() {
    let gateway = Pachd::start();
    let busy = |status| Fault::Answer(status, Some(1));
    gateway.at("StartCommit", 1, busy(503));
    gateway.at("CreateFileSet", 1, busy(429));
    let started = Instant::now();
    let ran = put(&gateway, &[], &archives(2));
    ran.expect(0);
    assert!(started.elapsed() >= Duration::from_secs(2), "{:?}", started.elapsed());
    holds_just_the_first(2, &gateway, &ran);
}

#[test]
fn a_body_that_is_too_large_is_sent_in_halves() {
    let gateway = Pachd::start();
    gateway.each("CreateFileSet", |_| Some(at_most(400_000)));
    let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let archive = tar(&[("first", b"1"), ("numbers", &content), ("last", b"2")]);
    // Twice: the second replaces what the first has put.
    let ran = put(&gateway, &[], &[archive.clone(), archive].concat());
    ran.expect(0);
    assert!(gateway.calls("ComposeFileSet") >= 2);
    for (_, tree) in gateway.published() {
        assert!(tree["numbers"] == content);
        assert_eq!(tree["last"], b"2");
    }
    assert_eq!(ran.commits().len(), 2);
}

#[test]
fn a_server_that_takes_no_body_at_all_is_named_as_such() {
    let gateway = Pachd::start();
    gateway.each("CreateFileSet", |_| Some(at_most(2_000)));
    let ran = put(&gateway, &[], &tar(&[("noise", &vec![7; 200_000])]));
    ran.expect(4).says("raise its limit");
    assert!(gateway.commits().is_empty());
}

#[test]
fn a_rollback_is_looked_into_and_tried_again() {
    let gateway = Pachd::start();
    for (call, nth) in [("StartCommit", 1), ("AddFileSet", 2), ("FinishCommit", 3)] {
        gateway.at(call, nth, refusal(2, "commit unexpectedly resulted in rollback"));
    }
    let ran = put(&gateway, &[], &archives(3));
    ran.expect(0);
    holds_just_the_first(3, &gateway, &ran);
}

#[test]
fn an_answer_that_nobody_knows_is_not_asked_for_for_ever() {
    let gateway = Pachd::start();
    for nth in 1..=5 {
        gateway.at("StartCommit", nth, refusal(2, "the moon is in the wrong house"));
    }
    let ran = put(&gateway, &[], &archives(1));
    ran.expect(4).says("the moon is in the wrong house");
    holds_just_the_first(0, &gateway, &ran);
}

#[test]
fn a_commit_that_finishes_with_an_error_ends_the_stream_before_the_next_is_published() {
    let gateway = Pachd::start();
    let all = archives(4);
    let (first, rest) = all.split_at(archives(1).len());
    let below = tar(&[("log/x", b"y")]);
    let ran = put(&gateway, &[], &[first, &below, rest].concat());
    ran.expect(4).says("path collision (/log/x)").says("archive 2");
    let published = gateway.published();
    assert_eq!(published.len(), 1);
    assert_eq!(ran.commits(), [format!("default/events@{}", published[0].0)]);
    assert_eq!(gateway.commits().len(), 2, "the next one was given up");
}

#[test]
fn a_file_set_that_has_expired_is_uploaded_again() {
    let gateway = Pachd::start();
    gateway.at("AddFileSet", 2, gateway.meddle(Somebody::expires_file_sets));
    let ran = put(&gateway, &[], &archives(3));
    ran.expect(0).says("expired");
    assert_eq!(gateway.calls("CreateFileSet"), 4);
    holds_just_the_first(3, &gateway, &ran);
}

#[test]
fn a_commit_that_somebody_else_drops_or_finishes_before_our_data_are_in_is_made_anew() {
    let gateway = Pachd::start();
    gateway.at("AddFileSet", 1, gateway.meddle(Somebody::drops));
    let ran = put(&gateway, &[], &archives(2));
    ran.expect(0).says("somebody else dropped our commit");
    holds_just_the_first(2, &gateway, &ran);

    let gateway = Pachd::start();
    gateway.at("AddFileSet", 2, gateway.meddle(|somebody| somebody.finishes(None)));
    let ran = put(&gateway, &[], &archives(2));
    ran.expect(0).says("somebody else finished our commit");
    let commits = gateway.commits();
    assert_eq!(commits.len(), 3, "theirs is empty and stays");
    assert!(!commits[1].description.ends_with(" done"));
    let ids = [&commits[0], &commits[2]].map(|commit| format!("default/events@{}", commit.commit.id));
    assert_eq!(ran.commits(), ids);
    assert_eq!(gateway.published()[2].1["log"], b"2\n");
}

#[test]
fn a_commit_that_somebody_else_drops_after_our_data_are_in_is_not_acknowledged() {
    for call in ["FinishCommit", "InspectCommit"] {
        let gateway = Pachd::start();
        gateway.at(call, 2, gateway.meddle(Somebody::drops));
        let ran = put(&gateway, &[], &archives(2));
        ran.expect(4).says("somebody dropped it");
        holds_just_the_first(1, &gateway, &ran);
    }
}

#[test]
fn a_commit_that_somebody_else_finishes_after_our_data_are_in_counts() {
    let gateway = Pachd::start();
    gateway.at("FinishCommit", 1, gateway.meddle(|somebody| somebody.finishes(None)));
    let ran = put(&gateway, &[], &archives(2));
    ran.expect(0);
    holds_just_the_first(2, &gateway, &ran);
}

#[test]
fn a_token_that_is_missing_expired_or_too_weak_is_exit_4_and_says_what_to_do() {
    let denied = "start commit in transaction: robot:ci is not authorized to perform this operation - needs \
                  permissions [REPO_WRITE] on REPO default/events";
    for (call, code, words) in [
        ("InspectRepo", 16, "no authentication token (try logging in)"),
        ("CreateFileSet", 13, "token expiration is in the past"),
        ("StartCommit", 7, denied),
    ] {
        let gateway = Pachd::start();
        gateway.at(call, 1, refusal(code, words));
        let ran = put(&gateway, &[], &archives(1));
        ran.expect(4).says(words).says("PACH_TOKEN");
        assert_eq!(gateway.calls(call), 1, "{call} is not asked again");
        assert_eq!(gateway.tokens().into_iter().collect::<Vec<_>>(), [TOKEN]);
        holds_just_the_first(0, &gateway, &ran);
    }
}

#[test]
fn a_redirect_is_named_and_neither_followed_nor_given_the_token() {
    let elsewhere = Pachd::start();
    let gateway = Pachd::start();
    let address = format!("{}/login", elsewhere.url());
    for call in ["InspectRepo", "ListCommit"] {
        let to = ("location", address.clone());
        gateway.at(call, 1, Fault::Reply(302, to, String::new()));
    }
    put(&gateway, &[], &archives(1)).expect(4).says(&address);
    checked(world(&gateway).run(&["get", "events:/log", "-v"]))
        .expect(4)
        .says(&address);
    assert_eq!(elsewhere.calls(Proxy::ANY), 0);
    assert!(gateway.commits().is_empty());
}

#[test]
fn a_page_is_no_gateway() {
    let gateway = Pachd::start();
    let page = || {
        let html = ("content-type", "text/html".to_owned());
        Fault::Reply(200, html, "<html>Welcome</html>".to_owned())
    };
    gateway.at("InspectRepo", 1, page()).at("ListCommit", 1, page());
    put(&gateway, &[], &archives(1))
        .expect(4)
        .says("is not a pachd gateway")
        .says("Welcome");
    let ran = checked(world(&gateway).run(&["get", "events:/log"]));
    ran.expect(4).says("is not a pachd gateway");
}

/// A `put` that runs, with its input still open.
fn spawn(gateway: &Pachd, args: &[&str], input: &[u8]) -> (Child, std::process::ChildStdin) {
    let args = [&["put", "events", "--retry-for", "10s"], args].concat();
    let (child, mut stdin) = world(gateway).start(&args);
    stdin.write_all(input).unwrap();
    (child, stdin)
}

fn ended(child: Child) -> Ran {
    checked(Ran::from(child.wait_with_output().unwrap()))
}

#[test]
fn an_interrupt_lets_the_archive_in_hand_be_finished() {
    for call in [
        "CreateFileSet",
        "StartCommit",
        "AddFileSet",
        "FinishCommit",
        "InspectCommit",
    ] {
        let gateway = Pachd::start();
        let (release, held) = hold();
        gateway.at(call, 2, held);
        let (child, stdin) = spawn(&gateway, &[], &archives(2));
        gateway.wait_for(call, 2);
        signal(child.id(), Signal::INT);
        std::thread::sleep(Duration::from_millis(100));
        drop(release);
        let ran = ended(child);
        drop(stdin);
        ran.expect(130).says("interrupted");
        holds_just_the_first(2, &gateway, &ran);
    }
}

#[test]
fn an_interrupt_during_an_upload_that_stalls_ends_with_the_grace_period() {
    let gateway = Pachd::start();
    let (_release, held) = hold();
    gateway.at("CreateFileSet", 2, held);
    let (child, stdin) = spawn(&gateway, &["--grace", "200ms"], &archives(2));
    gateway.wait_for("CreateFileSet", 2);
    let started = Instant::now();
    signal(child.id(), Signal::INT);
    let ran = ended(child);
    drop(stdin);
    ran.expect(130);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    holds_just_the_first(1, &gateway, &ran);
}

#[test]
fn a_commit_that_is_never_finished_is_named_when_the_grace_period_is_over() {
    let gateway = Pachd::start();
    gateway.each("InspectCommit", |_| Some(Fault::Stall));
    let (child, stdin) = spawn(&gateway, &["--grace", "200ms"], &archives(1));
    gateway.wait_for("InspectCommit", 1);
    signal(child.id(), Signal::TERM);
    let ran = ended(child);
    drop(stdin);
    ran.expect(143);
    assert_eq!(ran.text(), "", "nothing is acknowledged that was not seen finished");
    let commit = &gateway.commits()[0];
    assert!(commit.finishing.is_some());
    ran.says(commit.commit.id.as_str()).says("pachctl inspect commit");
}

#[test]
fn a_commit_behind_one_that_is_never_finished_is_given_up_when_the_grace_period_is_over() {
    let gateway = Pachd::start();
    gateway.each("InspectCommit", |_| Some(Fault::Stall));
    let (child, stdin) = spawn(&gateway, &["--grace", "300ms"], &archives(2));
    gateway.wait_for("AddFileSet", 2);
    signal(child.id(), Signal::TERM);
    let ran = ended(child);
    drop(stdin);
    ran.expect(143);
    let commits = gateway.commits();
    assert_eq!(
        commits.len(),
        1,
        "the second one would block the branch: {}",
        ran.stderr
    );
    ran.says(&format!("{} holds the whole archive", commits[0].commit.id));
}

#[test]
fn a_commit_that_may_not_be_dropped_is_finished_with_an_error() {
    let gateway = Pachd::start();
    let busy = Fault::Answer(503, None);
    gateway.at("AddFileSet", 2, busy);
    gateway.at(
        "DropCommitSet",
        1,
        refusal(7, "needs permissions [CLUSTER_DEBUG] on CLUSTER"),
    );
    let ran = put(&gateway, &["--retry-for", "0"], &archives(2));
    ran.expect(5);
    holds_just_the_first(1, &gateway, &ran);
    let given_up = &gateway.commits()[1];
    assert!(given_up.description.ends_with(" given-up"), "{given_up:?}");
    assert_eq!(given_up.error, "given up by spoutctl");
}

#[test]
fn a_second_interrupt_leaves_at_once_and_names_the_open_commit() {
    let gateway = Pachd::start();
    let (_release, held) = hold();
    gateway.at("AddFileSet", 1, held);
    let (child, stdin) = spawn(&gateway, &[], &archives(1));
    gateway.wait_for("AddFileSet", 1);
    signal(child.id(), Signal::INT);
    std::thread::sleep(Duration::from_millis(200));
    signal(child.id(), Signal::INT);
    let ran = ended(child);
    drop(stdin);
    let open = &gateway.commits()[0];
    assert!(open.is_open());
    ran.expect(130)
        .says(&format!("commit default/events@{} is left open", open.commit.id))
        .says("spoutctl doctor ");
}

fn get_of_large(fault: Fault, call: &'static str, args: &[&str]) -> (World, Ran, usize) {
    let gateway = Pachd::start();
    put(&gateway, &[], &tar(&[("large", &vec![7; 300_000])])).expect(0);
    gateway.at(call, 1, fault);
    let world = world(&gateway);
    let output = world.path("output");
    let args: Vec<&str> = args
        .iter()
        .map(|arg| {
            if *arg == "OUTPUT" {
                output.to_str().unwrap()
            } else {
                arg
            }
        })
        .collect();
    let ran = checked(world.run(&args));
    (world, ran, 300_000)
}

#[test]
fn a_file_that_breaks_off_is_exit_5_and_never_looks_whole() {
    let (_, ran, size) = get_of_large(Fault::CutAnswer(150_000), "GetFile", &["get", "events:/large"]);
    ran.expect(5).says("broke off");
    assert!(ran.stdout.len() < size);
    let args = ["get", "events:/large", "-o", "OUTPUT"];
    let (world, ran, _) = get_of_large(Fault::CutAnswer(150_000), "GetFile", &args);
    ran.expect(5);
    assert!(!world.path("output").exists());
    assert_eq!(std::fs::read_dir(world.directory.path()).unwrap().count(), 0);
}

#[test]
fn an_archive_that_breaks_off_has_no_end() {
    for cut in [0, 1, 700, 150_000, 400_000] {
        let args = ["get", "events", "--tar"];
        let (_, ran, _) = get_of_large(Fault::CutAnswer(cut), "GetFileTAR", &args);
        ran.expect(5);
        assert!(!ran.stdout.ends_with(&[0; 1024]), "cut at {cut}");
    }
}

#[test]
fn an_error_in_the_middle_of_a_stream_is_no_end_of_it() {
    let gateway = Pachd::start();
    put(&gateway, &[], &archives(1)).expect(0);
    let line = r#"{"error":{"code":14,"message":"the server is going away","details":[]}}"#;
    gateway.at(
        "GetFile",
        1,
        Fault::Reply(
            200,
            ("content-type", "application/json".to_owned()),
            format!("{{\"result\":\"MQo=\"}}\n{line}\n"),
        ),
    );
    checked(world(&gateway).run(&["get", "events:/log"]))
        .expect(5)
        .says("the server is going away");
}

#[test]
fn a_server_that_goes_away_is_exit_5_and_the_commit_that_it_kept_open_is_named() {
    let gateway = Pachd::start();
    gateway.at("AddFileSet", 2, Fault::Unheard);
    gateway.at("DropCommitSet", 1, Fault::Unheard);
    let ran = put(&gateway, &["--retry-for", "0"], &archives(2));
    let commits = gateway.commits();
    assert!(commits[1].is_open());
    ran.expect(5)
        .says(&format!("commit default/events@{} is left open", commits[1].commit.id))
        .says("spoutctl doctor ");
    assert_eq!(ran.commits(), [format!("default/events@{}", commits[0].commit.id)]);
}

#[test]
fn the_same_stream_gives_up_an_open_commit_that_was_left_and_goes_on() {
    let gateway = Pachd::start();
    gateway.at("AddFileSet", 2, Fault::Unheard);
    gateway.at("DropCommitSet", 1, Fault::Unheard);
    let resumed = ["--stream", "s", "--resume"];
    let first = put(&gateway, &[&resumed[..], &["--retry-for", "0"]].concat(), &archives(3));
    first.expect(5);
    // The input comes again: the first archive is known. The commit that was left for the second one is not gone on
    // with: a call that gives it up may still be on its way.
    let left = gateway.commits()[1].commit.clone();
    let again = put(&gateway, &resumed, &archives(3));
    again.expect(0);
    assert!(again.lines()[0].ends_with("already"), "{}", again.text());
    holds_just_the_first(3, &gateway, &again);
    assert!(
        gateway
            .commits()
            .iter()
            .all(|commit| commit.commit != left || !commit.is_good())
    );
}

#[test]
fn get_tells_a_fault_that_passes_from_a_refusal() {
    let gateway = Pachd::start();
    put(&gateway, &[], &archives(1)).expect(0);
    let calls = gateway.calls("ListCommit");
    gateway.at("ListCommit", calls + 1, refusal(14, "the server is starting"));
    gateway.at("ListCommit", calls + 2, refusal(16, "no authentication token"));
    let get = || checked(world(&gateway).run(&["get", "events:/log"]));
    get().expect(5).says("the server is starting");
    get().expect(4).says("no authentication token").says("PACH_TOKEN");
    assert_eq!(get().expect(0).stdout, b"1\n");
}
