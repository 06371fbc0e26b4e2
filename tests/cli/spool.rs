//! `put --spool` and `spool`, as a user runs them: crashes, a pachd that is away, decisions.

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::runner::{World, signal, tar, wait_until};
use crate::served::Served;

/// Nobody listens there.
const AWAY: &str = "http://127.0.0.1:1";

fn archive(content: &str) -> Vec<u8> {
    tar(&[("f", content.as_bytes())])
}

fn spool(world: &World) -> Value {
    let ran = world.run(&["spool", &dir(world), "--json"]);
    ran.expect(0).json().remove(0)
}

fn dir(world: &World) -> String {
    world.path("spool").display().to_string()
}

/// Takes archives in while the store cannot be written, and dies.
pub fn fill(world: &World, archives: &[&str]) {
    let args = ["put", "events", "--create-repo", "--spool", &dir(world)];
    world.run_with(&args, &[]).expect(0);
    let store = world.path("store").join("store.sqlite");
    let lock = rusqlite::Connection::open(store).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let mut child = world.command(&args).stdin(Stdio::piped()).spawn().unwrap();
    let input: Vec<u8> = archives.iter().flat_map(|content| archive(content)).collect();
    child.stdin.take().unwrap().write_all(&input).unwrap();
    wait_until("it comes", || {
        spool(world)["waiting"].as_array().unwrap().len() == archives.len()
    });
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_waits_goes_nowhere_else() {
    let world = World::at(AWAY);
    let args = ["put", "events", "--spool", &dir(&world), "--retry-for", "1s"];
    let ran = world.run_with(&args, &archive("1"));
    ran.expect(5).says("1 archive waits").says("--send");
    let held = spool(&world);
    assert_eq!(
        (&held["accepted"], held["waiting"].as_array().unwrap().len()),
        (&1.into(), 1)
    );
    assert_eq!(held["destination"], "default/events@master");
    // It was taken in for a cluster; a directory is another store.
    let store = World::local();
    let args = ["put", "events", "--create-repo", "--spool", &dir(&world)];
    store
        .run_with(&args, &archive("2"))
        .expect(2)
        .says("taken in for something else")
        .says("--pachd");
}

#[test]
fn archives_that_wait_are_sent_before_the_input_and_each_once() {
    let world = World::local();
    let args = ["put", "events", "--create-repo", "--spool", &dir(&world), "--json"];
    fill(&world, &["1", "2"]);
    let ran = world.run_with(&args, &archive("3"));
    ran.expect(0);
    let of_type = |name: &str| -> Vec<u64> {
        let field = if name == "spooled" { "seq" } else { "archive" };
        let lines = ran.json();
        let lines = lines.iter().filter(|line| line["type"] == name);
        lines.map(|line| line[field].as_u64().unwrap()).collect()
    };
    assert_eq!((of_type("spooled"), of_type("commit")), (vec![3], vec![1, 2, 3]));
    assert_eq!(numbers(&world), [1, 2, 3]);
    assert_eq!(world.get("events:/f"), b"3");
    assert_eq!(spool(&world)["waiting"].as_array().unwrap().len(), 0);
}

#[test]
fn a_killed_put_loses_nothing_and_doubles_nothing() {
    let world = World::local();
    let args = ["put", "events", "--create-repo", "--spool", &dir(&world)];
    let count = 40;
    let mut kills = 0;
    let mut accepted = 0;
    let mut patience = Duration::from_millis(15);
    while accepted < count {
        let (mut child, mut stdin) = world.start(&args);
        let rest: Vec<u8> = (accepted + 1..=count).flat_map(|n| archive(&n.to_string())).collect();
        let feeder = std::thread::spawn(move || {
            // Slowly, so that it dies in the middle.
            for piece in rest.chunks(2048) {
                if stdin.write_all(piece).is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        std::thread::sleep(patience + Duration::from_millis(7 * (kills % 5)));
        child.kill().unwrap();
        child.wait().unwrap();
        feeder.join().unwrap();
        kills += 1;
        let before = accepted;
        // The producer goes on from what was accepted.
        if world.path("spool").join("journal.json").exists() {
            accepted = spool(&world)["accepted"].as_u64().unwrap();
        }
        // On a busy machine it takes longer to get anywhere.
        if accepted == before {
            patience += patience / 2;
        }
    }
    assert!(kills > 1, "it was never killed in the middle");
    world.run(&["spool", &dir(&world), "--send"]).expect(0);
    let held = spool(&world);
    assert_eq!(
        (held["accepted"].as_u64(), held["waiting"].as_array().unwrap().len()),
        (Some(count), 0)
    );
    // One commit each, in order.
    assert_eq!(numbers(&world), (1..=count).collect::<Vec<_>>());
}

/// The sequence numbers of the branch's commits, oldest first, from the store itself.
fn numbers(world: &World) -> Vec<u64> {
    let store = world.path("store").join("store.sqlite");
    let connection = rusqlite::Connection::open(store).unwrap();
    let mut statement = connection
        .prepare("SELECT description FROM commits WHERE finished IS NOT NULL AND error = '' ORDER BY id")
        .unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let number = |description: String| {
        let mark = description.lines().next_back()?.to_owned();
        let field = mark
            .split(' ')
            .find_map(|field| field.strip_prefix("seq=").map(str::to_owned))?;
        mark.ends_with(" done").then(|| field.parse().unwrap())
    };
    rows.filter_map(|row| number(row.unwrap())).collect()
}

#[test]
fn an_archive_whose_commit_failed_waits_for_a_decision() {
    let world = World::local();
    let put = ["put", "events", "--create-repo", "--spool", &dir(&world)];
    world.run_with(&put, &tar(&[("a", b"file")])).expect(0);
    // A directory where a file is: pachd finishes such a commit with an error.
    let input = [tar(&[("a/b", b"x")]), archive("after")].concat();
    let ran = world.run_with(&put, &input);
    ran.expect(4).says("collision").says("--resend 2").says("--forget 2");
    // Nothing goes past it, by itself.
    world.run_with(&put, &[]).expect(4).says("waits in the spool");
    assert_eq!(spool(&world)["held_back"]["sequence"], 2);
    // Nor does somebody get rid of it by going elsewhere.
    let elsewhere = ["put", "other", "--create-repo", "--spool", &dir(&world)];
    world
        .run_with(&elsewhere, &[])
        .expect(2)
        .says("archive 2 is held back, since its commit failed")
        .says("--resend 2 or --forget 2, then --send");
    world
        .run(&["spool", &dir(&world), "--forget", "2"])
        .expect(2)
        .says("--yes");
    world
        .run(&["spool", &dir(&world), "--forget", "7", "--yes"])
        .expect(2)
        .says("does not wait");
    world.run(&["spool", &dir(&world), "--forget", "2", "--yes"]).expect(0);
    world.run(&["spool", &dir(&world), "--send"]).expect(0);
    assert_eq!(world.get("events:/f"), b"after");
    assert_eq!(world.get("events:/a"), b"file");
}

#[test]
fn a_second_put_is_told_which_process_has_the_spool() {
    let world = World::local();
    let args = ["put", "events", "--create-repo", "--spool", &dir(&world)];
    let mut first = world.command(&args).stdin(Stdio::piped()).spawn().unwrap();
    wait_until("it comes", || world.path("spool").join("journal.json").exists());
    let ran = world.run_with(&args, &archive("x"));
    ran.expect(2).says(&format!("process {}", first.id()));
    drop(first.stdin.take());
    first.wait().unwrap();
}

#[test]
fn a_damaged_file_is_named_and_the_others_are_sent_and_the_exit_code_is_3() {
    let world = World::local();
    fill(&world, &["1", "2", "3"]);
    let waiting = world.path("spool/waiting");
    let mut files: Vec<_> = fs::read_dir(&waiting)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert_eq!(files.len(), 3, "{files:?}");
    let mut bytes = fs::read(&files[1]).unwrap();
    bytes[512] ^= 1;
    fs::write(&files[1], bytes).unwrap();
    let ran = world.run_with(
        &["put", "events", "--create-repo", "--spool", &dir(&world)],
        &archive("4"),
    );
    ran.expect(3)
        .says("spool/damaged/000000000002-")
        .says("SHA-256")
        .says("have the producer make its data again");
    assert_eq!(ran.lines().len(), 3);
    assert_eq!(numbers(&world), [1, 3, 4]);
}

#[test]
fn an_archive_larger_than_the_spool_is_refused_at_once() {
    let world = World::local();
    let args = [
        "put",
        "events",
        "--create-repo",
        "--spool",
        &dir(&world),
        "--spool-limit",
        "10kB",
    ];
    let ran = world.run_with(&args, &[archive("1"), tar(&[("f", &vec![7; 20_000])])].concat());
    ran.expect(3).says("--spool-limit");
    assert!(!ran.stderr.contains("--tmp-dir"), "{}", ran.stderr);
    assert_eq!(ran.lines().len(), 1, "the one before is committed");
}

#[test]
fn an_archive_that_cannot_be_stored_is_named_with_the_ways_past_it() {
    let world = World::local();
    let put = ["put", "events", "--create-repo", "--spool", &dir(&world)];
    let ran = world.run_with(&put, &tar(&[("a[b", b"x")]));
    ran.expect(3).says("--forget 1").says("--on-bad quarantine=DIR");
    // Sent as it was taken in, it would stop everything behind it for ever.
    world.run(&["spool", &dir(&world), "--send"]).expect(3);
    let how = format!("quarantine={}", world.path("quarantine").display());
    let ran = world.run(&["spool", &dir(&world), "--send", "--on-bad", &how]);
    ran.expect(0).says("set aside");
    world.run_with(&put, &archive("after")).expect(0);
    assert_eq!(numbers(&world), [2]);
}

#[test]
fn an_interrupt_while_pachd_is_away_leaves_at_once_since_everything_is_on_disk() {
    let world = World::at(AWAY);
    let args = ["put", "events", "--spool", &dir(&world)];
    let mut child = world.command(&args).stdin(Stdio::piped()).spawn().unwrap();
    // Its standard input stays open, in the middle of an archive.
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(&[archive("1"), archive("2")[..600].to_vec()].concat())
        .unwrap();
    wait_until("it comes", || {
        world.path("spool/journal.json").exists() && spool(&world)["accepted"] == 1
    });
    let begun = Instant::now();
    signal(child.id(), Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert_eq!(spool(&world)["accepted"], 1);
}

#[test]
fn send_says_of_messages_and_of_what_was_set_aside_what_put_would_have_said() {
    let (world, served) = (World::at(AWAY), Served::start());
    let args = [
        "put",
        "events",
        "--spool",
        &dir(&world),
        "--retry-for",
        "1s",
        "--on-bad",
        "repo=bad",
    ];
    let messages = ["--messages", "json", "--each", "n/{key}", "--key-json", "/n"];
    let input = b"{\"n\":1}\n{\"x\":2}\n{\"n\":3}\n";
    world.run_with(&[&args[..], &messages[..]].concat(), input).expect(5);
    let url = format!("http://{}", served.authority);
    let to = ["--pachd", &url];
    world
        .run(&[&["spool", &dir(&world), "--send", "--create-repo"][..], &to].concat())
        .expect(0);
    let commits = world.run(&[&["tail", "events", "-e", "--json"][..], &to].concat());
    let commits = commits.expect(0).json();
    assert_eq!(commits.len(), 1);
    assert_eq!(commits[0]["messages"]["last"], 3, "{}", commits[0]);
    let aside = world.run(&[&["tail", "bad", "-e", "--json"][..], &to].concat());
    assert_eq!(aside.expect(0).json()[0]["commit"], commits[0]["commit"]);
}
