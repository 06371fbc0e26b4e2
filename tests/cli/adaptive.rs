//! `put --batch adaptive`, as a user runs it: what arrives while a commit is being finished becomes the next one.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc::Sender;

use serde_json::Value;

use crate::pachd::Pachd;
use crate::proxy::hold;
use crate::runner::{World, tar};

/// Archive `number`: a file of its own, and its number at the end of one that grows.
fn archive(number: u64) -> Vec<u8> {
    let line = format!("{number} ");
    tar(&[("all", line.as_bytes()), (&format!("own/{number}"), b"x")])
}

fn archives(numbers: std::ops::RangeInclusive<u64>) -> Vec<u8> {
    numbers.flat_map(archive).collect()
}

/// A `put` that runs, and says so often how far it is that a test can wait for it.
struct Put {
    child: Child,
    stdin: Option<ChildStdin>,
    said: Lines<BufReader<ChildStdout>>,
    /// First and last archive, or message, of each commit, and how it was told.
    told: Vec<(String, u64, u64)>,
}

impl Put {
    fn start(world: &World, more: &[&str]) -> Self {
        let args = ["put", "events", "--create-repo", "--batch", "adaptive", "--json"];
        // Nothing but room ends a batch within the time of a test.
        let bounds = ["--batch-period", "1h", "--stats-every", "20ms"];
        let mut put = world.command(&[&args[..], &bounds, more].concat());
        let put = put.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = put.spawn().unwrap();
        Self {
            stdin: child.stdin.take(),
            said: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            told: Vec::new(),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut stdin = self.stdin.as_ref().unwrap();
        stdin.write_all(bytes).unwrap();
        stdin.flush().unwrap();
    }

    /// Reads what it says until a line is as wanted; `false` when it ends before.
    fn read_until(&mut self, is_wanted: impl Fn(&Value) -> bool) -> bool {
        for line in self.said.by_ref() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if line["commit"].is_string() {
                let last = line["archive"].as_u64().unwrap();
                let first = line["archives"]["first"].as_u64().unwrap_or(last);
                let kind = line["type"].as_str().unwrap().to_owned();
                self.told.push(match &line["messages"] {
                    Value::Null => (kind, first, last),
                    messages => (
                        kind,
                        messages["first"].as_u64().unwrap(),
                        messages["last"].as_u64().unwrap(),
                    ),
                });
            }
            if is_wanted(&line) {
                return true;
            }
        }
        false
    }

    #[track_caller]
    fn wait_for(&mut self, is_wanted: impl Fn(&Value) -> bool) {
        assert!(self.read_until(is_wanted), "it is never said");
    }

    /// Waits until so many archives are in hand or done.
    fn wait_for_archives(&mut self, count: u64) {
        self.wait_for(|line| line["type"] == "stats" && line["archives"] == count);
    }

    fn wait_for_commit(&mut self) {
        self.wait_for(|line| line["type"] == "commit");
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends the input, and answers what was told of commits.
    #[track_caller]
    fn end(mut self, code: i32) -> Vec<(String, u64, u64)> {
        self.stdin = None;
        self.read_until(|_| false);
        assert_eq!(self.child.wait().unwrap().code(), Some(code));
        self.told
    }
}

fn of(kind: &str, ranges: &[(u64, u64)]) -> Vec<(String, u64, u64)> {
    let one = |(first, last): &(u64, u64)| (kind.to_owned(), *first, *last);
    ranges.iter().map(one).collect()
}

fn committed(ranges: &[(u64, u64)]) -> Vec<(String, u64, u64)> {
    of("commit", ranges)
}

/// A pachd that is finishing its first commit until the sender is dropped.
fn finishing() -> (Pachd, World, Sender<()>) {
    let gateway = Pachd::start();
    let (release, held) = hold();
    gateway.at("InspectCommit", 1, held);
    let world = World::at(&gateway.url());
    (gateway, world, release)
}

#[test]
fn archives_that_arrive_while_a_commit_is_being_finished_become_the_next_one() {
    let (gateway, world, release) = finishing();
    let mut put = Put::start(&world, &[]);
    put.write(&archive(1));
    gateway.wait_for("InspectCommit", 1);
    put.write(&archives(2..=4));
    put.wait_for_archives(4);
    drop(release);
    put.wait_for_commit();
    put.wait_for_commit();
    // Nothing is being finished now, and the input goes on.
    put.write(&archive(5));
    put.wait_for_commit();
    assert_eq!(put.end(0), committed(&[(1, 1), (2, 4), (5, 5)]));
    assert_eq!(gateway.calls("StartCommit"), 3);
    let files = gateway.published().pop().unwrap().1;
    assert_eq!((files["all"].as_slice(), files.len()), (&b"5 "[..], 6));
}

#[test]
fn while_nothing_is_being_finished_each_archive_is_a_commit_of_its_own() {
    let world = World::local();
    let mut put = Put::start(&world, &[]);
    for number in 1..=4 {
        put.write(&archive(number));
        put.wait_for_commit();
    }
    assert_eq!(put.end(0), committed(&[(1, 1), (2, 2), (3, 3), (4, 4)]));
}

#[test]
fn a_torn_archive_behind_those_in_hand_is_none_of_them() {
    let (gateway, world, release) = finishing();
    let mut put = Put::start(&world, &[]);
    put.write(&archive(1));
    gateway.wait_for("InspectCommit", 1);
    let mut torn = archives(2..=4);
    torn.truncate(torn.len() - 700);
    put.write(&torn);
    put.wait_for_archives(3);
    put.stdin = None;
    drop(release);
    assert_eq!(put.end(3), committed(&[(1, 1), (2, 3)]));
    assert!(!gateway.published().pop().unwrap().1.contains_key("own/4"));
}

#[test]
fn messages_that_arrive_while_a_commit_is_being_finished_become_the_next_archive() {
    let (gateway, world, release) = finishing();
    let mut put = Put::start(&world, &["--messages", "lines", "--into", "log"]);
    // It does not wait for the period.
    put.write(b"one\n");
    gateway.wait_for("InspectCommit", 1);
    put.write(b"two\nthree\nfour\n");
    put.wait_for(|line| line["read"] == 19);
    drop(release);
    put.wait_for_commit();
    put.wait_for_commit();
    put.write(b"five\n");
    put.wait_for_commit();
    assert_eq!(put.end(0), committed(&[(1, 1), (2, 4), (5, 5)]));
    let logs: Vec<Vec<u8>> = gateway
        .published()
        .into_iter()
        .map(|(_, mut files)| files.remove("log").unwrap())
        .collect();
    assert_eq!(logs, [&b"one\n"[..], b"two\nthree\nfour\n", b"five\n"]);
}

#[test]
fn messages_in_a_spool_go_in_the_same_way() {
    let (gateway, world, release) = finishing();
    let spool = world.path("spool").display().to_string();
    let mut put = Put::start(&world, &["--messages", "lines", "--into", "log", "--spool", &spool]);
    put.write(b"one\n");
    gateway.wait_for("InspectCommit", 1);
    put.write(b"two\nthree\n");
    put.wait_for(|line| line["read"] == 14);
    drop(release);
    put.wait_for_commit();
    put.wait_for_commit();
    assert_eq!(put.end(0), committed(&[(1, 1), (2, 3)]));
}

/// Kills a `put` whose second commit, of archives 2 to 4, is being finished, and runs it again. Answers what the second one told.
fn killed_within_a_batch(flags: &[&str], again: &[u8]) -> (Pachd, Vec<(String, u64, u64)>) {
    let (gateway, world, release) = finishing();
    let (second, held) = hold();
    gateway.at("InspectCommit", 2, held);
    let spool = world.path("spool").display().to_string();
    let flags: Vec<&str> = flags
        .iter()
        .map(|flag| if *flag == "SPOOL" { spool.as_str() } else { flag })
        .collect();
    let mut put = Put::start(&world, &flags);
    put.write(&archive(1));
    gateway.wait_for("InspectCommit", 1);
    put.write(&archives(2..=4));
    put.wait_for_archives(4);
    drop(release);
    gateway.wait_for("InspectCommit", 2);
    put.kill();
    drop(second);
    let mut put = Put::start(&world, &flags);
    put.write(again);
    (gateway, put.end(0))
}

/// Each archive's line is at the end of the file once, in order.
fn holds_each_once(gateway: &Pachd, count: u64) {
    let expected: String = (1..=count).map(|number| format!("{number} ")).collect();
    let files = gateway.published().pop().unwrap().1;
    assert_eq!(String::from_utf8_lossy(&files["all"]), expected);
}

#[test]
fn a_stream_that_is_killed_within_a_batch_has_it_again_as_it_was() {
    let flags = ["--append", "--stream", "s", "--resume"];
    let (gateway, told) = killed_within_a_batch(&flags, &archives(1..=6));
    assert_eq!(told[..2], of("already", &[(1, 1), (2, 4)]));
    assert_eq!(told.last().unwrap().2, 6);
    holds_each_once(&gateway, 6);
}

#[test]
fn a_spool_that_is_killed_within_a_batch_has_it_again_as_it_was() {
    let flags = ["--append", "--spool", "SPOOL"];
    let (gateway, told) = killed_within_a_batch(&flags, &archives(5..=6));
    assert_eq!(told[0], ("already".to_owned(), 2, 4));
    assert_eq!(told.last().unwrap().2, 6);
    holds_each_once(&gateway, 6);
}

#[test]
fn puts_that_are_killed_after_any_line_lose_nothing_and_double_nothing() {
    const COUNT: u64 = 30;
    let world = World::local();
    let flags = ["--append", "--stream", "s", "--resume"];
    for lines in [1, 2, 3, 5, 8] {
        let mut put = Put::start(&world, &flags);
        let mut stdin = put.stdin.take().unwrap();
        // It dies while this goes on.
        let feeding = std::thread::spawn(move || drop(stdin.write_all(&archives(1..=COUNT))));
        let told = |line: &Value| line["commit"].is_string();
        for _ in 0..lines {
            put.read_until(told);
        }
        put.kill();
        feeding.join().unwrap();
    }
    let mut put = Put::start(&world, &flags);
    put.write(&archives(1..=COUNT));
    let told = put.end(0);
    let mut next = 1;
    for (_, first, last) in &told {
        assert_eq!(*first, next, "{told:?}");
        next = last + 1;
    }
    assert_eq!(next, COUNT + 1);
    let expected: String = (1..=COUNT).map(|number| format!("{number} ")).collect();
    assert_eq!(String::from_utf8_lossy(&world.get("events:/all")), expected);
}

#[test]
fn what_waits_in_a_spool_is_sent_in_the_way_that_it_was_taken_in_for() {
    let world = World::local();
    let spool = world.path("spool").display().to_string();
    let flags = [
        "put",
        "events",
        "--create-repo",
        "--spool",
        &spool,
        "--batch",
        "adaptive",
    ];
    world.run_with(&flags, &archive(1)).expect(0);
    let journal = std::fs::read_to_string(world.path("spool").join("journal.json")).unwrap();
    let journal: Value = serde_json::from_str(&journal).unwrap();
    assert_eq!(journal["purpose"]["--batch"], "adaptive");
    world.run(&["spool", &spool, "--send"]).expect(0);
    // Another way to end a batch is none of the options that a spool keeps to.
    let flags = ["put", "events", "--spool", &spool, "--batch-count", "2"];
    world.run_with(&flags, &archive(2)).expect(0);
}
