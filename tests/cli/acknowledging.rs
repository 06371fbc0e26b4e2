//! `--ack-fd` and `--ack-command`: the producer is told what is done, once it is, and goes on from there.

use std::fs;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::proxy::{Fault, Proxy};
use crate::runner::{Ran, World, tar, try_all, words};
use crate::served::Served;

fn archives(count: u64) -> Vec<u8> {
    (1..=count)
        .flat_map(|number| tar(&[("f", number.to_string().as_bytes())]))
        .collect()
}

fn put<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["put", "events", "--create-repo"], more].concat()
}

fn file(world: &World, name: &str) -> String {
    fs::read_to_string(world.path(name)).unwrap_or_default()
}

/// What the acknowledgements in a file say by a name.
fn said(text: &str, name: &str) -> Vec<Value> {
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| line[name].clone()).collect()
}

#[test]
fn a_command_is_told_on_its_input_and_in_its_environment() {
    let world = World::local();
    let acks = world.path("acks").display().to_string();
    let command = format!(
        "cat >> {acks}; echo out; echo \"$SPOUTCTL_ACK_TYPE $SPOUTCTL_ACK_FIRST-$SPOUTCTL_ACK_LAST \
         $SPOUTCTL_ACK_POSITION $SPOUTCTL_ACK_REPO@$SPOUTCTL_ACK_BRANCH ${{SPOUTCTL_ACK_COMMIT:+id}}\" >> {acks}.env"
    );
    let args = words("--messages lines --into f --batch-count 2 --position-column 1 --json");
    let args = put(&[&args[..], &["--ack-command", &command]].concat());
    let ran = world.run_with(&args, b"7\n8\n9 o'clock\n");
    let told: Vec<String> = ran.expect(0).lines();
    // The same lines, without the summary; what a command prints is no result of ours.
    assert_eq!(file(&world, "acks").lines().collect::<Vec<_>>(), told[..2]);
    ran.says("out\n");
    let expected = "commit 1-2 8 events@master id\ncommit 3-3 9 o'clock events@master id\n";
    assert_eq!(file(&world, "acks.env"), expected);
}

#[test]
fn after_an_acknowledgement_that_fails_nothing_more_is_acknowledged() {
    let world = World::local();
    let acks = world.path("acks").display().to_string();
    let command = format!("cat >> {acks}; test $SPOUTCTL_ACK_ARCHIVE != 2");
    let ran = world.run_with(&put(&["--ack-command", &command]), &archives(3));
    ran.expect(6)
        .says("archive 2 is done, and its acknowledgement was not given")
        .says("failed with exit code 1");
    assert_eq!(said(&file(&world, "acks"), "archive"), [1, 2]);
    assert_eq!(ran.lines().len(), 2);
}

#[test]
fn an_archive_leaves_the_spool_once_its_acknowledgement_was_given_and_not_before() {
    let world = World::local();
    let (acks, spool) = (world.path("acks"), world.path("spool"));
    let (acks, spool) = (acks.to_str().unwrap(), spool.to_str().unwrap());
    let run = |condition: &str, input: &[u8]| {
        let command = format!("cat >> {acks}; {condition}");
        world.run_with(&put(&["--spool", spool, "--ack-command", &command]), input)
    };
    run("test $SPOUTCTL_ACK_ARCHIVE != 2", &archives(3)).expect(6);
    let waiting = || {
        world.run(&["spool", spool, "--json"]).json()[0]["waiting"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(waiting(), 2);
    // What was not acknowledged must not leave in silence.
    world
        .run(&["spool", spool, "--send"])
        .expect(2)
        .says("acknowledgement: `yes` then, not given now")
        .says("give --ack-command or --ack-fd");
    run("true", &archives(1)).expect(0);
    assert_eq!(waiting(), 0);
    let told = file(&world, "acks");
    assert_eq!(said(&told, "archive"), [1, 2, 2, 3, 4]);
    assert_eq!(said(&told, "type"), ["commit", "commit", "already", "commit", "commit"]);
}

#[test]
fn what_waits_is_sent_and_acknowledged_without_an_input() {
    let world = World::local();
    let (acks, spool) = (world.path("acks"), world.path("spool"));
    let (acks, spool) = (acks.to_str().unwrap(), spool.to_str().unwrap());
    world
        .run_with(&put(&["--spool", spool, "--ack-command", "false"]), &archives(2))
        .expect(6);
    let command = format!("cat >> {acks}");
    world
        .run(&["spool", spool, "--send", "--ack-command", &command])
        .expect(0);
    assert_eq!(said(&file(&world, "acks"), "archive"), [1, 2]);
    world
        .run(&["spool", spool, "--ack-command", "true"])
        .expect(2)
        .says("--send");
}

#[test]
fn an_archive_of_which_no_commit_is_made_is_acknowledged_too() {
    let world = World::local();
    let (acks, quarantine) = (world.path("acks"), world.path("bad"));
    let command = format!("cat >> {}", acks.display());
    let how = format!("quarantine={}", quarantine.display());
    let mut empty = tar::Builder::new(Vec::new());
    let mut directory = tar::Header::new_ustar();
    directory.set_entry_type(tar::EntryType::Directory);
    directory.set_size(0);
    empty.append_data(&mut directory, "d/", std::io::empty()).unwrap();
    let input = [empty.into_inner().unwrap(), tar(&[("a*b", b"x")]), archives(1)].concat();
    world
        .run_with(&put(&["--on-bad", &how, "--ack-command", &command]), &input)
        .expect(0);
    assert_eq!(said(&file(&world, "acks"), "type"), ["empty", "quarantined", "commit"]);
}

/// Runs through a shell that gives the binary its descriptors.
fn with_descriptor(world: &World, redirection: &str, args: &[&str], input: &[u8]) -> Ran {
    let mut command = Command::new("/bin/sh");
    let script = format!("exec \"$0\" \"$@\" {redirection}");
    let server = format!("local:{}", world.path("store").display());
    command
        .args(["-c", &script, env!("CARGO_BIN_EXE_spoutctl")])
        .args(args)
        .env("PACHD_ADDRESS", server)
        .env("TMPDIR", world.directory.path());
    let source = world.path("input");
    fs::write(&source, input).unwrap();
    let input = fs::File::open(source).unwrap();
    Ran::from(command.stdin(input).output().unwrap())
}

#[test]
fn an_open_descriptor_is_written_to() {
    let world = World::local();
    fs::write(world.path("acks"), "{\"archive\":0}\n").unwrap();
    let acks = world.path("acks").display().to_string();
    let args = put(&["--ack-fd", "3"]);
    with_descriptor(&world, &format!("3>>{acks}"), &args, &archives(2)).expect(0);
    assert_eq!(said(&file(&world, "acks"), "archive"), [0, 1, 2]);
}

#[test]
fn a_pipe_is_written_to_while_it_has_a_reader() {
    let world = World::local();
    let binary = env!("CARGO_BIN_EXE_spoutctl");
    let server = format!("local:{}", world.path("store").display());
    let run = |script: &str| {
        let input = world.path("input");
        fs::write(&input, archives(3)).unwrap();
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script, binary])
            .args(put(&["--ack-fd", "3"]))
            .env("PACHD_ADDRESS", &server)
            .stdin(fs::File::open(&input).unwrap());
        Ran::from(command.output().unwrap())
    };
    let ran = run("\"$0\" \"$@\" 3>&1 >/dev/null | cat");
    assert_eq!(said(&ran.expect(0).text(), "archive"), [1, 2, 3]);
    // Its reader leaves after the first.
    let ran = run("{ \"$0\" \"$@\" 3>&1 >/dev/null; echo code=$? >&2; } | { head -n 1; }");
    assert_eq!(said(&ran.expect(0).text(), "archive"), [1]);
    ran.says("code=6").says("file descriptor 3 cannot be written to");
}

#[test]
fn a_descriptor_that_cannot_be_used_is_refused_before_anything_is_sent() {
    let world = World::local();
    let args = put(&["--ack-fd", "9"]);
    with_descriptor(&world, "9>&-", &args, &archives(1))
        .expect(2)
        .says("no file descriptor 9 is open");
    with_descriptor(&world, "9</", &args, &archives(1))
        .expect(2)
        .says("it is a directory");
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut command = Command::new("/bin/sh");
    let ran = command
        .args([
            "-c",
            "exec \"$0\" \"$@\" 9<&0 </dev/null",
            env!("CARGO_BIN_EXE_spoutctl"),
        ])
        .args(&args)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .env("PACHD_ADDRESS", format!("local:{}", world.path("store").display()))
        .output()
        .unwrap();
    Ran::from(ran).expect(2).says("it is a socket");
    drop(ours);
    for (more, what) in [
        (&["--ack-fd", "2"][..], "3.."),
        (&["--ack-fd", "3", "--ack-command", "true"], "cannot be used with"),
        (&["--ack-command", "true", "--dry-run"], "cannot be used with"),
    ] {
        world.run_with(&put(more), &archives(1)).expect(2).says(what);
    }
    world.run(&["get", "events:/f"]).expect(4).says("does not exist");
}

/// Reads messages 1 to 6 of an endless queue, from the one after the position that is stored.
const CONSUMER: &str = r#"
at=$(cat "$WORK/position" 2>/dev/null || echo 0)
while [ "$at" -lt 6 ]; do
    at=$((at + 1))
    echo "{\"offset\": $at}"
done
"#;

const STORE: &str = r#"echo "$SPOUTCTL_ACK_POSITION" > "$WORK/new" && mv "$WORK/new" "$WORK/position""#;

/// The consumer's `put`, whose acknowledgements a command takes.
fn consume(world: &World, repo: &str, url: &str, acknowledge: &str) -> Command {
    let spool = world.path("spool").display().to_string();
    let mut put = world.command(&["put", repo, "--spool", &spool, "--json", "--append"]);
    put.args(["--messages", "lines", "--into", "log", "--batch-count", "2"])
        .args(["--position-json", "/offset", "--ack-command", acknowledge])
        .args(["--", "/bin/sh", "-c", CONSUMER])
        .env("WORK", world.directory.path())
        .env("PACHD_ADDRESS", url);
    put
}

const ALL: &str =
    "{\"offset\": 1}\n{\"offset\": 2}\n{\"offset\": 3}\n{\"offset\": 4}\n{\"offset\": 5}\n{\"offset\": 6}\n";

/// Each message is there once and in order, and the consumer knows of the last.
fn check(world: &World, repo: &str, url: &str) -> Result<(), String> {
    let get = world
        .command(&["get", &format!("{repo}:/log")])
        .env("PACHD_ADDRESS", url)
        .output();
    let log = Ran::from(get.unwrap()).text();
    let position = file(world, "position");
    if (log.as_str(), position.trim()) == (ALL, "6") {
        Ok(())
    } else {
        Err(format!("position {position:?}, log:\n{log}"))
    }
}

#[test]
fn a_put_that_dies_before_or_after_an_acknowledgement_loses_and_doubles_nothing() {
    let served = Served::start();
    for number in 1..=3 {
        for is_stored in [false, true] {
            let world = World::at(&served.url());
            let repo = format!("r{number}{is_stored}");
            let name = json!({"name": repo, "type": "user", "project": {"name": "default"}});
            served.ask("pfs_v2.API/CreateRepo", &json!({"repo": name}));
            let store = if is_stored { STORE } else { "true" };
            let acknowledge = format!(
                "cat >> $WORK/acks; if test $SPOUTCTL_ACK_ARCHIVE = {number} && ! test -e $WORK/died; then \
                 touch $WORK/died; {store}; kill -9 $PPID; exit; fi; {STORE}"
            );
            let run = || Ran::from(consume(&world, &repo, &served.url(), &acknowledge).output().unwrap());
            assert_eq!(run().code, None, "it did not die");
            run().expect(0);
            check(&world, &repo, &served.url()).unwrap();
            // The one in between twice, and each in its turn.
            let mut expected = vec![1, 2, 3];
            expected.insert(number, number);
            assert_eq!(said(&file(&world, "acks"), "archive"), expected);
        }
    }
}

/// A consumer with its `put`, and what has to be there once that has come to its end.
#[derive(Clone, Copy)]
pub struct Consumer {
    /// In a world, for a repo, at an address.
    pub put: fn(&World, &str, &str) -> Command,
    pub check: fn(&World, &str, &str) -> Result<(), String>,
}

/// Kills `put` at the call with this number, and lets the next run come to its end.
fn try_one(consumer: Consumer, served: &Served, calls: usize, fault: Fault) -> Result<(), String> {
    let world = World::at(&served.url());
    let repo = format!("r{}", uuid::Uuid::new_v4().simple());
    let name = json!({"name": repo, "type": "user", "project": {"name": "default"}});
    served.ask("pfs_v2.API/CreateRepo", &json!({"repo": name}));
    let proxy = Proxy::before(&served.authority);
    proxy.at(Proxy::ANY, calls, fault);
    let mut child = (consumer.put)(&world, &repo, &proxy.url()).spawn().unwrap();
    proxy.wait_for(Proxy::ANY, calls);
    // What was sent is carried out.
    std::thread::sleep(Duration::from_millis(100));
    child.kill().unwrap();
    drop(proxy);
    let killed = Ran::from(child.wait_with_output().unwrap());
    let again = Ran::from((consumer.put)(&world, &repo, &served.url()).output().unwrap());
    let checked = match again.code {
        Some(0) => (consumer.check)(&world, &repo, &served.url()),
        code => Err(format!("the second run ended with {code:?}")),
    };
    checked.map_err(|what| format!("call {calls}: {what}\n{}{}", killed.stderr, again.stderr))
}

#[test]
fn whenever_put_is_killed_its_consumer_goes_on_after_the_last_acknowledgement() {
    kill_at_each_call(Consumer {
        put: |world, repo, url| consume(world, repo, url, STORE),
        check,
    });
}

/// Kills it at each of its calls, one that is carried out and one that is not.
pub fn kill_at_each_call(consumer: Consumer) {
    let served = Served::start();
    let counted = {
        let world = World::at(&served.url());
        served.ask(
            "pfs_v2.API/CreateRepo",
            &json!({"repo": {"name": "counted", "type": "user", "project": {"name": "default"}}}),
        );
        let proxy = Proxy::before(&served.authority);
        let ran = Ran::from((consumer.put)(&world, "counted", &proxy.url()).output().unwrap());
        ran.expect(0);
        (consumer.check)(&world, "counted", &served.url()).unwrap();
        proxy.calls(Proxy::ANY)
    };
    assert!(counted > 15, "{counted}");
    let cases = (1..counted).flat_map(|call| [(call, Fault::Stall), (call, Fault::StallAnswer(0))]);
    try_all(8, cases, |(call, fault)| try_one(consumer, &served, call, fault));
}

#[test]
fn a_command_dies_with_a_put_that_is_killed() {
    let world = World::local();
    let ids = world.path("ids").display().to_string();
    let slow = format!("trap '' TERM; sleep 1000 & echo $$ $! > {ids}.new; mv {ids}.new {ids}; kill -9 $PPID; wait");
    let ran = world.run_with(&put(&["--ack-command", &slow]), &archives(1));
    assert_eq!(ran.code, None, "it did not die");
    crate::producer::wait_until_gone(&file(&world, "ids"));
}

#[test]
fn a_command_that_escapes_a_killed_put_is_waited_for_by_the_next() {
    let world = World::local();
    let (position, spool) = (world.path("position"), world.path("spool"));
    // A session of its own is in no group of ours.
    let slow = format!(
        "exec setsid sh -c \"kill -9 $PPID; sleep 1; echo old > {}\"",
        position.display()
    );
    let mut child = world
        .command(&put(&["--spool", spool.to_str().unwrap(), "--ack-command", &slow]))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&archives(1)).unwrap();
    assert_eq!(child.wait().unwrap().code(), None);
    let quick = format!("echo new > {}", position.display());
    world
        .run_with(
            &put(&["--spool", spool.to_str().unwrap(), "--ack-command", &quick]),
            &[],
        )
        .expect(0)
        .says("of an earlier run still runs; it is waited for");
    assert_eq!(file(&world, "position"), "new\n");
    assert!(Path::new(&spool).join("acknowledging.json").exists());
}
