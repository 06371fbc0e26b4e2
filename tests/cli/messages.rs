//! `put --messages`: what consumers print becomes commits.

use std::io::Write;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::runner::{Ran, World, signal, tar, tree_of, wait_until, words};

const PUT: [&str; 5] = ["put", "events", "--create-repo", "--messages", "lines"];

fn put(world: &World, args: &[&str], input: &[u8]) -> Ran {
    world.run_with(&[&PUT[..], args].concat(), input)
}

#[test]
fn messages_become_commits_and_the_acknowledgement_says_which() {
    let world = World::local();
    let ran = put(
        &world,
        &["--into", "n.txt", "--batch-count", "2", "--json"],
        b"1\n2\n3\n",
    );
    let json = ran.expect(0).json();
    let ranges: Vec<String> = json[..2].iter().map(|line| line["messages"].to_string()).collect();
    assert_eq!(
        ranges,
        [r#"{"count":2,"first":1,"last":2}"#, r#"{"count":1,"first":3,"last":3}"#]
    );
    assert_eq!(world.get("events:/n.txt"), b"3\n");
    let first = format!("events@{}:/n.txt", json[0]["commit"].as_str().unwrap());
    assert_eq!(world.get(&first), b"1\n2\n");
}

#[test]
fn an_acknowledgement_says_where_the_last_message_stands() {
    let world = World::local();
    let args = words("--into f --batch-count 2 --json --position-json /offset");
    let lines = b"{\"offset\": 7}\n{\"offset\": 18446744073709551616}\n{\"offset\": {\"lsn\": \"0/1A\"}}\n";
    let ran = put(&world, &args, lines);
    let lines = ran.expect(0).lines();
    assert!(
        lines[0].contains(r#""count":2},"position":18446744073709551616}"#),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains(r#""position":{"lsn": "0/1A"}}"#), "{}", lines[1]);
    let args = ["--into", "f", "--json", "--position-column", "2"];
    let ran = put(&world, &args, b"a\t0/16B3748\nb\t0/16B3750\n");
    assert_eq!(ran.expect(0).json()[0]["position"], "0/16B3750");
    // What came before a message without one is committed.
    let ran = put(
        &world,
        &["--into", "f", "--position-json", "/offset"],
        b"{\"offset\": 1}\n{}\n",
    );
    ran.expect(3)
        .says("message 2 of the input, at byte 14, has no position: nothing is at `/offset`");
    assert_eq!(ran.commits().len(), 1);
}

#[test]
fn what_pack_says_of_an_archive_comes_through_a_pipe_and_a_spool() {
    let world = World::local();
    let args = words("pack --messages lines --into f --batch-count 2 --position-column 1");
    let packed = world.run_with(&args, b"10\n11\n12\n");
    let spool = world.path("spool").display().to_string();
    let ran = world.run_with(
        &["put", "events", "--create-repo", "--json", "--spool", &spool],
        &packed.expect(0).stdout,
    );
    let told = |name: &str| -> Vec<String> {
        let lines = ran.json();
        let lines = lines.iter().filter(|line| line["type"] == name);
        lines
            .map(|line| format!("{} {}", line["messages"]["last"], line["position"]))
            .collect()
    };
    assert_eq!(told("commit"), ["2 \"11\"", "3 \"12\""]);
    assert_eq!(told("spooled"), told("commit"));
}

#[test]
fn appended_messages_are_all_in_one_file() {
    let world = World::local();
    put(
        &world,
        &["--into", "n.txt", "--batch-count", "2", "--append"],
        b"1\n2\n3\n",
    )
    .expect(0);
    assert_eq!(world.get("events:/n.txt"), b"1\n2\n3\n");
}

#[test]
fn what_comes_before_a_fault_is_committed() {
    let world = World::local();
    let args = words("put events --create-repo --messages json --each {key} --key-json /id");
    world
        .run_with(&args, b"{\"id\": 1} {\"id\": 2} {\"id\" 3}")
        .expect(3)
        .says("message 3 of the input, at byte 20, is not JSON")
        .says("messages up to number 2 of standard input are committed");
    assert_eq!(world.get("events:/2"), b"{\"id\": 2}");
    world.run_with(&args, b"]").expect(3).says("nothing is committed");
}

#[test]
fn files_of_csv_all_have_the_header() {
    let world = World::local();
    let args = words("put events --create-repo --messages csv --into f.csv --batch-count 1");
    let ran = world.run_with(&args, b"id,text\n1,\"a\nb\"\n2,c\n");
    assert_eq!(ran.expect(0).commits().len(), 2);
    assert_eq!(world.get("events:/f.csv"), b"id,text\n2,c\n");
}

#[test]
fn an_input_without_a_message_makes_no_commit() {
    let ran = put(&World::local(), &["--into", "f"], b"");
    ran.expect(0).says("standard input holds no message");
    assert!(ran.lines().is_empty());
}

#[test]
fn a_producer_that_is_killed_in_a_message_publishes_the_ones_before() {
    let world = World::local();
    let args = [
        &PUT[..],
        &["--into", "f", "--", "/bin/sh", "-c", "printf 'a\\nb\\nhal'; kill -9 $$"],
    ]
    .concat();
    world
        .run(&args)
        .expect(6)
        .says("was killed by signal 9; message 3 was not complete and is not published");
    assert_eq!(world.get("events:/f"), b"a\nb\n");
    // One that ends well should have ended its message too.
    let args = [&PUT[..], &["--into", "f", "--", "/bin/sh", "-c", "printf 'a\\nhal'"]].concat();
    world.run(&args).expect(3).says("has no end");
}

#[test]
fn a_message_is_committed_while_the_input_stays_open() {
    let world = World::local();
    let args = [&PUT[..], &["--into", "f", "--batch-period", "200ms"]].concat();
    let (child, mut stdin) = world.start(&args);
    stdin.write_all(b"one\n").unwrap();
    wait_until("it is committed", || world.run(&["get", "events:/f"]).code == Some(0));
    drop(stdin);
    assert_eq!(
        Ran::from(child.wait_with_output().unwrap()).expect(0).commits().len(),
        1
    );
}

/// How many archives the spool has taken in.
/// Runs it, writes to it, and sends it SIGTERM after it has read that; its input stays open.
fn interrupted(world: &World, args: &[&str], input: &[u8]) -> Ran {
    let (child, mut stdin) = world.start(&[&PUT[..], args].concat());
    stdin.write_all(input).unwrap();
    std::thread::sleep(Duration::from_millis(700));
    signal(child.id(), Signal::TERM);
    let begun = Instant::now();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert!(begun.elapsed() < Duration::from_secs(10), "it waited for more");
    drop(stdin);
    ran
}

#[test]
fn a_signal_commits_the_messages_in_hand_and_leaves_out_half_of_one() {
    let world = World::local();
    let args = ["--into", "f", "--batch-period", "1h", "--batch-count", "2"];
    let ran = interrupted(&world, &args, b"1\n2\n3\nhal");
    ran.expect(143)
        .says("the last message had no end: its 3 bytes were left out");
    assert_eq!(ran.commits().len(), 2, "{}", ran.text());
    assert_eq!(world.get("events:/f"), b"3\n");
    // What was read of an input that says nothing is nothing.
    let ran = interrupted(&world, &args, b"");
    assert!(ran.expect(143).lines().is_empty());
}

#[test]
fn a_signal_takes_the_messages_in_hand_into_the_spool() {
    let world = World::local();
    let spool = world.path("spool");
    let spool = spool.to_str().unwrap();
    let args = ["--into", "f", "--batch-period", "1h", "--spool", spool];
    interrupted(&world, &args, b"1\n2\n").expect(143);
    assert_eq!(accepted(&world, spool), 1);
    world.run(&["spool", spool, "--send", "--create-repo"]).expect(0);
    assert_eq!(world.get("events:/f"), b"1\n2\n");
}

#[test]
fn a_signal_lets_a_producer_say_its_last_words() {
    let world = World::local();
    let script = "trap 'echo last; exit 0' TERM; echo first; while :; do sleep 0.1; done";
    let args = ["--into", "f", "--batch-period", "1h", "--", "/bin/sh", "-c", script];
    interrupted(&world, &args, b"").expect(143);
    assert_eq!(world.get("events:/f"), b"first\nlast\n");
    // One that was in the middle of a message is no fault of the input.
    let script = "trap 'printf hal; exit 0' TERM; echo first; while :; do sleep 0.1; done";
    let args = ["--into", "f", "--batch-period", "1h", "--", "/bin/sh", "-c", script];
    interrupted(&world, &args, b"").expect(143);
    assert_eq!(world.get("events:/f"), b"first\n");
}

fn accepted(world: &World, spool: &str) -> usize {
    let ran = world.run(&["spool", spool, "--json"]);
    let line = ran.json().into_iter().find(|line| line["accepted"].is_u64());
    line.map_or(0, |line| usize::try_from(line["accepted"].as_u64().unwrap()).unwrap())
}

#[test]
fn messages_in_a_spool_survive_a_kill() {
    let world = World::local();
    let spool = world.path("spool").display().to_string();
    let flags = ["--into", "f", "--append", "--batch-count", "1", "--spool", &spool];
    let lines: Vec<String> = (1..=100).map(|number| format!("{number}\n")).collect();
    let (mut child, mut stdin) = world.start(&[&PUT[..], &flags].concat());
    stdin.write_all(lines.concat().as_bytes()).unwrap();
    wait_until("ten messages are taken in", || accepted(&world, &spool) >= 10);
    signal(child.id(), Signal::KILL);
    child.wait().unwrap();
    drop(stdin);
    // What a producer does: it goes on after what is safe.
    let taken_in = accepted(&world, &spool);
    put(&world, &flags, lines[taken_in..].concat().as_bytes()).expect(0);
    assert_eq!(String::from_utf8(world.get("events:/f")).unwrap(), lines.concat());
}

#[test]
fn messages_cannot_be_resumed_by_archive() {
    put(&World::local(), &["--into", "f", "--stream", "s", "--resume"], b"")
        .expect(2)
        .says("--spool");
}

/// The files of a branch's head.
fn names(world: &World) -> Vec<String> {
    let ran = world.run(&["get", "events", "--tar"]);
    let files = tree_of(&ran.expect(0).stdout);
    files.into_keys().collect()
}

#[test]
fn numbers_in_names_go_on_over_the_life_of_a_stream() {
    let world = World::local();
    let flags = ["--each", "n/{seq:2}", "--batch-count", "2", "--stream", "s", "--json"];
    put(&world, &flags, b"a\nb\nc\n").expect(0);
    // Archives of the same stream that were not made of messages have none to count.
    let archives: Vec<u8> = (0..101).flat_map(|_| tar(&[("other", b"x")])).collect();
    world.run_with(&["put", "events", "--stream", "s"], &archives).expect(0);
    let ran = put(&world, &flags, b"d\n");
    assert_eq!(ran.expect(0).json()[0]["messages"]["first"], 4);
    let tail = world.run(&["tail", "events", "--json", "-n", "2", "-e"]);
    let told = tail.expect(0).json();
    assert_eq!(
        told[1]["messages"],
        serde_json::json!({"first": 4, "last": 4, "count": 1})
    );
    assert!(told[0].get("messages").is_none(), "{}", told[0]);
    assert_eq!(names(&world), ["n/01", "n/02", "n/03", "n/04", "other"]);
    assert_eq!(world.get("events:/n/04"), b"d");
}

#[test]
fn numbers_in_names_go_on_over_the_life_of_a_spool() {
    let world = World::local();
    let spool = world.path("spool").display().to_string();
    let flags = ["--each", "n/{seq}", "--batch-count", "2", "--spool", &spool];
    let script = "printf 'a\\nb\\nc\\n'";
    let args = [&PUT[..], &flags, &["--", "/bin/sh", "-c", script]].concat();
    world.run(&args).expect(0);
    world.run(&args).expect(0);
    assert_eq!(names(&world), ["n/1", "n/2", "n/3", "n/4", "n/5", "n/6"]);
    let shown = world.run(&["spool", &spool, "--json"]);
    assert_eq!(shown.expect(0).json()[0]["messages"], 6);
}

#[test]
fn numbers_of_a_spool_go_on_after_what_still_waits() {
    let world = World::local();
    let spool = world.path("spool").display().to_string();
    let flags = ["--each", "n/{seq}", "--batch-count", "2", "--spool", &spool];
    // It dies once everything is taken in, and nothing is acknowledged.
    let kill = ["--ack-command", "sleep 0.3; kill -9 $PPID"];
    assert_eq!(put(&world, &[&flags[..], &kill].concat(), b"a\nb\nc\n").code, None);
    put(&world, &[&flags[..], &["--ack-command", "true"]].concat(), b"d\n").expect(0);
    assert_eq!(names(&world), ["n/1", "n/2", "n/3", "n/4"]);
}

#[test]
fn numbers_that_a_restart_would_begin_anew_are_refused() {
    let world = World::local();
    put(&world, &["--each", "{seq}"], b"a\n")
        .expect(2)
        .says("--spool DIR or --stream NAME");
    let args = ["pack", "--messages", "lines", "--each", "{seq}"];
    world
        .run_with(&args, b"a\n")
        .expect(2)
        .says("over the life of a stream");
}

#[test]
fn a_pachd_that_is_away_is_no_hang_when_messages_are_counted() {
    let world = World::at("http://127.0.0.1:1");
    let args = ["--each", "{seq}", "--stream", "s", "--retry-for", "1s"];
    put(&world, &args, b"a\n").expect(5).says("gave up");
}
