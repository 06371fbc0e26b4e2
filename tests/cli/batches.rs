//! `put --batch-…` without `--messages`: several archives become one commit, as a user runs it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::runner::{World, signal, tar, tree_of, wait_until};
use crate::served::Served;
use crate::spool::fill;

/// Archive `number`: a file of its own, and one that every archive has.
fn archive(number: u64) -> Vec<u8> {
    let content = number.to_string();
    tar(&[("all", content.as_bytes()), (&format!("own/{number}"), b"x")])
}

fn input(count: u64) -> Vec<u8> {
    (1..=count).flat_map(archive).collect()
}

fn put<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["put", "events", "--create-repo"], more].concat()
}

/// First and last archive of each commit, and how it was told.
fn ranges(lines: &[Value]) -> Vec<(String, u64, u64)> {
    let told = lines.iter().filter(|line| line["commit"].is_string());
    told.map(|line| {
        let last = line["archive"].as_u64().unwrap();
        let first = line["archives"]["first"].as_u64().unwrap_or(last);
        (line["type"].as_str().unwrap().to_owned(), first, last)
    })
    .collect()
}

fn committed(ranges: &[(u64, u64)]) -> Vec<(String, u64, u64)> {
    let one = |(first, last): &(u64, u64)| ("commit".to_owned(), *first, *last);
    ranges.iter().map(one).collect()
}

fn start(world: &World, more: &[&str]) -> Child {
    let mut put = world.command(&put(more));
    put.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    put.spawn().unwrap()
}

#[test]
fn seven_archives_are_three_commits_and_the_last_file_of_a_name_counts() {
    let world = World::local();
    let ran = world.run_with(&put(&["--batch-count", "3"]), &input(7));
    let lines = ran.expect(0).lines();
    let told: Vec<&str> = lines.iter().filter_map(|line| line.split("   ").nth(1)).collect();
    assert_eq!(told, ["archives 1 to 3", "archives 4 to 6", "2 files"]);
    assert!(lines[0].contains("   4 files   "), "{lines:?}");
    let commits = ran.commits();
    assert_eq!(world.get(&format!("{}:/all", commits[1])), b"6");
    assert_eq!(world.get(&format!("{}:/own/5", commits[1])), b"x");
    let one_by_one = World::local();
    one_by_one.run_with(&put(&[]), &input(7)).expect(0);
    let tree = |world: &World| tree_of(&world.run(&["get", "events@master", "--tar"]).expect(0).stdout);
    assert_eq!(tree(&world), tree(&one_by_one));
}

#[test]
fn through_every_door_a_batch_is_one_commit() {
    let served = Served::start();
    for scheme in ["http", "grpc"] {
        let world = World::at(&format!("{scheme}://{}", served.authority));
        let repo = format!("events-{scheme}");
        let flags = ["put", &repo, "--create-repo", "--batch-count", "4", "--json"];
        let ran = world.run_with(&flags, &input(5));
        assert_eq!(ranges(&ran.expect(0).json()), committed(&[(1, 4), (5, 5)]), "{scheme}");
        assert_eq!(world.get(&format!("{repo}@master:/all")), b"5");
    }
}

#[test]
fn acknowledgements_list_the_archives() {
    let world = World::local();
    let acks = world.path("acks").display().to_string();
    let command = format!(
        "cat >> {acks}; echo $SPOUTCTL_ACK_FIRST_ARCHIVE-$SPOUTCTL_ACK_ARCHIVE $SPOUTCTL_ACK_ARCHIVES >> {acks}.env"
    );
    let ran = world.run_with(
        &put(&["--batch-count", "2", "--json", "--ack-command", &command]),
        &input(3),
    );
    let lines = ran.expect(0).json();
    let archives = &lines[0]["archives"];
    assert_eq!(
        (&archives["first"], &archives["last"], &archives["count"]),
        (&json!(1), &json!(2), &json!(2))
    );
    let listed = archives["listed"].as_array().unwrap();
    let length = u64::try_from(archive(1).len()).unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(
        (&listed[1]["archive"], &listed[1]["offset"], &listed[1]["files"]),
        (&json!(2), &json!(length), &json!(2))
    );
    assert_eq!(
        (&lines[0]["length"], &lines[0]["files"]),
        (&json!(2 * length), &json!(3))
    );
    // One by one they have the same digests.
    let alone = World::local();
    let alone = alone.run_with(&put(&["--json"]), &input(3)).json();
    assert_eq!(listed[0]["digest"], alone[0]["digest"]);
    assert_eq!(lines[1]["digest"], alone[2]["digest"]);
    assert!(lines[1].get("archives").is_none());
    let told = fs::read_to_string(&acks).unwrap();
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told, lines[..2]);
    assert_eq!(fs::read_to_string(format!("{acks}.env")).unwrap(), "1-2 2\n3-3 1\n");
}

#[test]
fn a_batch_goes_when_its_first_archive_has_waited_and_not_before_its_end_is_there() {
    let world = World::local();
    let mut child = start(&world, &["--batch-period", "300ms", "--json"]);
    let mut stdin = child.stdin.take().unwrap();
    let bytes = input(3);
    stdin.write_all(&bytes[..bytes.len() - 600]).unwrap();
    stdin.flush().unwrap();
    // The input stays open: nothing but the period ends this batch.
    wait_until("it comes", || {
        world.run(&["get", "events@master:/own/2"]).code == Some(0)
    });
    stdin.write_all(&bytes[bytes.len() - 600..]).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(ranges(&lines), committed(&[(1, 2), (3, 3)]));
}

#[test]
fn a_signal_has_the_batch_in_hand_committed() {
    let world = World::local();
    let mut child = start(&world, &["--batch-period", "1h", "--json", "--stats-every", "50ms"]);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&input(2)).unwrap();
    stdin.flush().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let both = |line: String| serde_json::from_str::<Value>(&line).unwrap()["archives"] == 2;
    assert!(said.by_ref().any(|line| both(line.unwrap())));
    signal(child.id(), Signal::TERM);
    assert_eq!(
        said.map(Result::unwrap)
            .filter(|line| line.contains("\"commit\""))
            .count(),
        1
    );
    assert_eq!(child.wait().unwrap().code(), Some(143));
    drop(stdin);
    assert_eq!(world.get("events@master:/all"), b"2");
}

#[test]
fn what_is_torn_or_refused_does_not_take_the_batch_with_it() {
    let world = World::local();
    let mut torn = input(3);
    torn.truncate(torn.len() - 700);
    let ran = world.run_with(&put(&["--batch-count", "10", "--json"]), &torn);
    assert_eq!(ranges(&ran.expect(3).json()), committed(&[(1, 2)]));
    ran.says("send archive 3 again from byte");
    // pachd fails a file where there is a directory: that archive alone.
    let bytes = [
        tar(&[("d/1", b"x")]),
        tar(&[("e", b"x")]),
        tar(&[("d", b"x")]),
        archive(4),
    ]
    .concat();
    let flags = ["put", "other", "--create-repo", "--batch-count", "10", "--json"];
    let ran = world.run_with(&flags, &bytes);
    assert_eq!(ranges(&ran.expect(4).json()), committed(&[(1, 2)]));
    ran.says("archives 3 to 4 were to be one commit");
    // One of which no commit can be made is set aside, in order.
    let bad = world.path("bad").display().to_string();
    let quarantine = format!("quarantine={bad}");
    let bytes = [archive(1), tar(&[("a\u{1}b", b"x")]), archive(3)].concat();
    let flags = [
        "put",
        "third",
        "--create-repo",
        "--batch-count",
        "10",
        "--json",
        "--on-bad",
        &quarantine,
    ];
    let lines = world.run_with(&flags, &bytes).expect(0).json();
    let types: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["commit", "quarantined", "commit", "summary"]);
}

#[test]
fn a_resumed_run_with_other_bounds_skips_just_what_is_there() {
    let world = World::local();
    let run = |count, bound: &str| {
        let flags = put(&["--stream", "s", "--resume", "--json", "--batch-count", bound]);
        ranges(&world.run_with(&flags, &input(count)).expect(0).json())
    };
    assert_eq!(run(5, "3"), committed(&[(1, 3), (4, 5)]));
    let already = |first, last| ("already".to_owned(), first, last);
    let there = [already(1, 3), already(4, 5)];
    assert_eq!(run(9, "2"), [&there[..], &committed(&[(6, 7), (8, 9)])].concat());
    let short = world.run_with(&put(&["--stream", "s", "--resume"]), &input(2));
    short.expect(3).says("archives 1 to 3 of the stream `s` are one commit");
}

#[test]
fn what_waited_in_a_spool_is_sent_in_batches_also_without_an_input() {
    let world = World::local();
    let spool = world.path("spool").display().to_string();
    let contents: Vec<String> = (1..=7).map(|number| number.to_string()).collect();
    let contents: Vec<&str> = contents.iter().map(String::as_str).collect();
    fill(&world, &contents);
    let flags = put(&[
        "--spool",
        &spool,
        "--batch-count",
        "3",
        "--json",
        "--ack-command",
        "exit 1",
    ]);
    // Other bounds are none of the options that a spool keeps to; who is told is: nothing was taken in for a command.
    world.run_with(&flags, &[]).expect(2).says("acknowledgement");
    let flags = put(&["--spool", &spool, "--batch-count", "3", "--json"]);
    let ran = world.run_with(&flags, &archive(8));
    assert_eq!(ranges(&ran.expect(0).json()), committed(&[(1, 3), (4, 6), (7, 8)]));
    let journal = fs::read_to_string(world.path("spool").join("journal.json")).unwrap();
    assert!(
        journal.contains("--batch-count") && !journal.contains("together"),
        "{journal}"
    );
}

#[test]
fn a_put_that_is_killed_at_an_acknowledgement_has_the_same_batches_again() {
    let world = World::local();
    let spool = world.path("spool").display().to_string();
    let killed = put(&[
        "--spool",
        &spool,
        "--batch-count",
        "3",
        "--ack-command",
        "kill -9 $PPID",
    ]);
    assert_eq!(world.run_with(&killed, &input(5)).code, None);
    let journal = fs::read_to_string(world.path("spool").join("journal.json")).unwrap();
    assert!(journal.contains("together"), "{journal}");
    let again = put(&[
        "--spool",
        &spool,
        "--batch-count",
        "2",
        "--json",
        "--ack-command",
        "true",
    ]);
    let told = ranges(&world.run_with(&again, &[]).expect(0).json());
    assert_eq!(told[0], ("already".to_owned(), 1, 3));
    let lasts: Vec<u64> = told.iter().map(|(_, _, last)| *last).collect();
    assert!(lasts.is_sorted(), "{told:?}");
    let accepted = lasts.last().copied().unwrap();
    assert_eq!(world.get("events@master:/all"), accepted.to_string().as_bytes());
}

#[test]
fn a_dry_run_tells_what_would_be_together() {
    let world = World::local();
    let ran = world.run_with(&put(&["-n", "--batch-count", "2"]), &input(3));
    ran.expect(0)
        .says("archives 1 to 2: 3 files")
        .says("archive 3: 2 files");
    assert_eq!(ran.lines(), Vec::<String>::new());
}
