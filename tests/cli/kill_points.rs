//! A process that is killed before each of its steps: `strace` kills it as it is about to write, sync, name or remove
//! something for the first time, for the second, and so on, until it comes to its end. Then its user does what he does after
//! a crash, and everything is there once and in order.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::runner::{Ran, World, has_program, skip, takes_minutes, tar, tree_of};

/// The steps that leave something behind. Each thread counts its own, and the first one that comes to the nth is killed; so each
/// kind is counted alone, that those which are seldom are met, too.
const STEPS: [&str; 4] = [
    "write,writev",
    "pwrite64,ftruncate",
    "fsync,fdatasync",
    "mkdir,rename,renameat2,unlink,linkat",
];
const ARCHIVES: u64 = 2;

/// A command that is killed, and what it is to be afterwards.
struct Scenario<'a> {
    name: &'a str,
    command: &'a [&'a str],
    prepare: &'a dyn Fn(&World),
    /// What is done after the kill, and what has to be there then. It gets what the command had said.
    after: &'a dyn Fn(&World, &[Value]),
}

impl Scenario<'_> {
    fn play(&self) {
        if !takes_minutes("SPOUTCTL_TEST_FAULTS", "kill_points") {
            return;
        }
        if !has_program("strace") {
            return skip("strace kills at a step");
        }
        let mut kills = 0;
        for steps in STEPS {
            for nth in 1.. {
                let world = World::local();
                fs::write(world.path("archives.tar"), archives()).unwrap();
                (self.prepare)(&world);
                let ended = self.killed_at(&world, steps, nth);
                let killed = ended.status.signal() == Some(9) || ended.status.code() == Some(137);
                if !killed {
                    Ran::from(ended).expect(0);
                    break;
                }
                kills += 1;
                let said = String::from_utf8(ended.stdout).unwrap();
                // `squash` prints ids alone.
                let said = said.lines().filter(|line| line.starts_with('{'));
                let said: Vec<Value> = said.map(|line| serde_json::from_str(line).unwrap()).collect();
                (self.after)(&world, &said);
            }
        }
        assert!(kills >= 10, "{}: only {kills} kills", self.name);
        let _ = writeln!(std::io::stderr(), "{}: {kills} kills", self.name);
    }

    fn killed_at(&self, world: &World, steps: &str, nth: u32) -> Output {
        let mut command = Command::new("strace");
        command
            .args(["-f", "-qq", "-o", "/dev/null", "-e"])
            .arg(format!("trace={steps}"))
            .arg("-e")
            .arg(format!("inject={steps}:signal=KILL:when={nth}"))
            .arg(env!("CARGO_BIN_EXE_spoutctl"))
            .args(self.command)
            .current_dir(world.path("."))
            .env_clear()
            .env("PACHD_ADDRESS", world.server())
            .env("TMPDIR", world.path("."))
            .stdin(Stdio::null());
        command.output().unwrap()
    }
}

fn archives() -> Vec<u8> {
    let archive = |number: u64| {
        let text = number.to_string();
        tar(&[("f", text.as_bytes()), (&format!("n/{number}"), text.as_bytes())])
    };
    (1..=ARCHIVES).flat_map(archive).collect()
}

/// Runs in the directory of `world`, where the command ran, too.
fn run(world: &World, args: &[&str]) -> Ran {
    Ran::from(world.command(args).current_dir(world.path(".")).output().unwrap())
}

/// All files of a branch, or of a commit.
fn tree(world: &World, source: &str) -> BTreeMap<String, Vec<u8>> {
    tree_of(&run(world, &["get", source, "--tar"]).expect(0).stdout)
}

fn put<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["put", "events", "--create-repo", "--json"], more, &["archives.tar"]].concat()
}

/// The commits of a branch, oldest first.
fn history(world: &World, branch: &str) -> Vec<Value> {
    let listed = run(world, &["tail", branch, "-e", "--from", "earliest", "--json"]);
    listed.expect(0).json()
}

/// Those of archives, without what pachd makes where a branch begins.
fn commits(world: &World, branch: &str) -> Vec<Value> {
    let mut all = history(world, branch);
    all.retain(|commit| !commit["seq"].is_null());
    all
}

fn numbers(commits: &[Value]) -> Vec<u64> {
    commits.iter().map(|commit| commit["seq"].as_u64().unwrap()).collect()
}

fn ids(commits: &[Value]) -> Vec<String> {
    let id = |commit: &Value| commit["commit"].as_str().unwrap().to_owned();
    commits.iter().map(id).collect()
}

/// Each archive is there once, in order, from the first one to at least this one, and so is what was acknowledged.
fn assert_delivered(world: &World, branch: &str, at_least: u64, said: &[Value]) {
    let found = commits(world, branch);
    let whole: Vec<u64> = (1..=found.len() as u64).collect();
    assert_eq!(numbers(&found), whole);
    assert!(found.len() as u64 >= at_least, "{} of {at_least}", found.len());
    let ids = ids(&found);
    for told in said.iter().filter(|line| line["type"] == "commit") {
        let commit = told["commit"].as_str().unwrap();
        assert!(ids.iter().any(|id| id == commit), "{commit} was acknowledged: {ids:?}");
    }
    let Some(last) = whole.last() else { return };
    let tree = tree(world, branch);
    assert_eq!(tree["f"], last.to_string().as_bytes());
    let missing = whole.iter().find(|number| !tree.contains_key(&format!("n/{number}")));
    assert_eq!(missing, None);
}

fn nothing(_: &World) {}

/// The same command again, as `--resume` wants it.
fn resumed(name: &str, more: &[&str]) {
    let command = put(&[&["--stream", "s", "--resume"], more].concat());
    Scenario {
        name,
        command: &command,
        prepare: &nothing,
        after: &|world, said| {
            run(world, &command).expect(0);
            assert_delivered(world, "events", ARCHIVES, said);
        },
    }
    .play();
}

#[test]
fn put_goes_on_after_a_kill_before_any_step() {
    resumed("put", &[]);
}

#[test]
fn staging_goes_on_after_a_kill_before_any_step() {
    resumed("staging", &["--staging", "next"]);
}

#[test]
fn routes_go_on_after_a_kill_before_any_step() {
    let command = put(&["--stream", "s", "--resume", "--route", "/r=other"]);
    Scenario {
        name: "routes",
        command: &command,
        prepare: &|world| {
            let archive = |number: u64| {
                let text = number.to_string();
                let (n, r) = (format!("n/{number}"), format!("r/{number}"));
                tar(&[("f", text.as_bytes()), (&n, text.as_bytes()), (&r, text.as_bytes())])
            };
            let archives: Vec<u8> = (1..=ARCHIVES).flat_map(archive).collect();
            fs::write(world.path("archives.tar"), archives).unwrap();
        },
        after: &|world, said| {
            run(world, &command).expect(0);
            assert_delivered(world, "events", ARCHIVES, said);
            // Both repos have the same commits.
            assert_eq!(ids(&commits(world, "other")), ids(&commits(world, "events")));
            assert_eq!(tree(world, "other").len() as u64, ARCHIVES);
        },
    }
    .play();
}

#[test]
fn a_spool_is_sent_after_a_kill_before_any_step() {
    let command = put(&["--spool", "spool"]);
    Scenario {
        name: "spool",
        command: &command,
        prepare: &nothing,
        after: &|world, said| {
            let told = said.iter().filter(|line| line["type"] == "spooled").count() as u64;
            if told > 0 {
                run(world, &["spool", "spool", "--send", "--create-repo"]).expect(0);
                assert_delivered(world, "events", told, said);
            } else {
                run(world, &command).expect(0);
                assert_delivered(world, "events", ARCHIVES, said);
            }
        },
    }
    .play();
}

/// The contents of all commits, by their ids.
fn contents(world: &World) -> BTreeMap<String, BTreeMap<String, Vec<u8>>> {
    let ids = ids(&history(world, "events"));
    let content = |id: String| {
        let content = tree(world, &format!("events@{id}"));
        (id, content)
    };
    ids.into_iter().map(content).collect()
}

#[test]
fn squash_takes_no_more_than_it_should_when_it_is_killed_before_any_step() {
    let before = std::cell::RefCell::new((Vec::new(), BTreeMap::new()));
    let command = ["squash", "events", "--older-than", "0", "--yes"];
    Scenario {
        name: "squash",
        command: &command,
        prepare: &|world| {
            run(world, &put(&[])).expect(0);
            *before.borrow_mut() = (ids(&history(world, "events")), contents(world));
        },
        after: &|world, _| {
            let (all, contents_before) = &*before.borrow();
            let left = contents(world);
            assert!(left.contains_key(all.last().unwrap()), "the head is gone");
            for (id, content) in &left {
                assert!(contents_before[id] == *content, "{id} has changed");
            }
            run(world, &command).expect(0);
            let found = ids(&history(world, "events"));
            assert_eq!(found, all[all.len() - 1..]);
            assert!(contents(world)[&found[0]] == contents_before[&found[0]]);
        },
    }
    .play();
}

#[test]
fn a_cursor_leaves_nothing_out_after_a_kill_before_any_step() {
    let command = [
        "tail", "events", "-e", "--from", "earliest", "--json", "--cursor", "cursor",
    ];
    Scenario {
        name: "cursor",
        command: &command,
        prepare: &|world| drop(run(world, &put(&["--stream", "s"])).expect(0).json()),
        after: &|world, said| {
            let all = ids(&history(world, "events"));
            let rest = ids(&run(world, &command).expect(0).json());
            let told = ids(said);
            assert_eq!(told, all[..told.len()]);
            let from = all.len() - rest.len();
            assert_eq!(rest, all[from..]);
            // What was told and not noted yet is told again, and that is the last one.
            assert!(from <= told.len() && told.len() - from <= 1, "{told:?}, then {rest:?}");
        },
    }
    .play();
}
