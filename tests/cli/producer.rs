//! `put DEST -- CMD`, `--restart`, `--endless`, `--on-bad`: what makes the input, and how it may end.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, test_kill_process};

use crate::runner::{Ran, World, signal, tar, wait_until};
use crate::spool::fill;

fn world() -> World {
    let world = World::local();
    for name in ["1", "2", "3"] {
        fs::write(world.path(&format!("{name}.tar")), tar(&[(name, name.as_bytes())])).unwrap();
    }
    world
}

/// `put FLAGS -- sh -c SCRIPT` in the world's directory.
fn producing(world: &World, flags: &[&str], script: &str) -> Command {
    let args = [&["put", "events", "--create-repo"], flags, &["--", "sh", "-c", script]].concat();
    let mut put = world.command(&args);
    put.env("PATH", "/usr/bin:/bin").current_dir(world.directory.path());
    put
}

fn produce(world: &World, flags: &[&str], script: &str) -> Ran {
    producing(world, flags, script).output().unwrap().into()
}

#[test]
fn what_a_producer_writes_is_committed() {
    let ran = produce(&world(), &[], "cat 1.tar 2.tar");
    assert_eq!(ran.expect(0).lines().len(), 2);
}

#[test]
fn a_producer_that_fails_publishes_what_it_completed_and_nothing_of_the_rest() {
    let ran = produce(&world(), &[], "cat 1.tar; head -c 700 2.tar; exit 3");
    ran.expect(6)
        .says("sh failed with exit code 3; archive 2 was not complete and is not published");
    assert_eq!(ran.lines().len(), 1);
    produce(&world(), &[], "cat 1.tar; kill -9 $$")
        .expect(6)
        .says("was killed by signal 9");
}

#[test]
fn an_archive_that_is_torn_by_a_producer_that_ends_well_is_torn_input() {
    produce(&world(), &["--restart", "always"], "cat 1.tar; head -c 700 2.tar")
        .expect(3)
        .says("ends inside archive 2");
}

#[test]
fn a_producer_that_cannot_be_run_is_named() {
    let ran = world().run(&["put", "events", "--create-repo", "--", "/no/such/program"]);
    ran.expect(6).says("cannot run /no/such/program");
    let ran = world().run(&["put", "events", "--create-repo", "--", "cat 1.tar"]);
    ran.expect(6)
        .says("there is no program `cat 1.tar`; a line for a shell is run so: -- sh -c 'cat 1.tar'");
    let ran = world().run(&["put", "events", "--create-repo", "--", "no-such -c 'select 1'"]);
    ran.expect(6).says(r"is run so: -- sh -c 'no-such -c '\''select 1'\'");
    let ran = world().run(&["put", "events", "--create-repo", "--", "/no such/program"]);
    ran.expect(6).says("cannot run /no such/program");
}

#[test]
fn a_producer_is_started_again_when_what_it_completed_is_committed() {
    let world = world();
    // Its second life sees the commit of its first one: that is where a marker is read.
    let spoutctl = env!("CARGO_BIN_EXE_spoutctl");
    let script = format!(
        "if [ -e once ]; then {spoutctl} get events:/1 > seen && cat 2.tar; else touch once; cat 1.tar; exit 1; fi"
    );
    let ran = produce(&world, &["--restart", "on-failure"], &script);
    ran.expect(0)
        .says("sh failed with exit code 1; it is started again in 1.0 s");
    assert_eq!(ran.lines().len(), 2);
    assert_eq!(fs::read(world.path("seen")).unwrap(), b"1");
}

#[test]
fn with_a_spool_a_producer_starts_when_it_is_drained() {
    let world = world();
    fill(&world, &["before"]);
    let spool = world.path("spool").display().to_string();
    let spoutctl = env!("CARGO_BIN_EXE_spoutctl");
    let script = format!("{spoutctl} get events:/f > seen; cat 2.tar");
    let ran = produce(&world, &["--spool", &spool], &script);
    assert_eq!(ran.expect(0).lines().len(), 2);
    assert_eq!(fs::read(world.path("seen")).unwrap(), b"before");
}

#[test]
fn a_signal_goes_to_the_producers_whole_group() {
    let world = world();
    let script = "cat 1.tar; sleep 100 & echo $! > child; trap 'echo > told; exit 0' TERM; wait";
    let mut put = producing(&world, &[], script).spawn().unwrap();
    let child = || fs::read_to_string(world.path("child")).unwrap_or_default();
    wait_until("the producer runs", || child().ends_with('\n'));
    let child = child();
    std::thread::sleep(Duration::from_millis(200));
    signal(put.id(), Signal::TERM);
    let code = put.wait().unwrap().code();
    assert_eq!(code, Some(143));
    assert!(world.path("told").exists(), "the producer was not told");
    wait_until_gone(&child);
}

#[test]
fn a_refusal_ends_the_producer_too() {
    let world = world();
    let begun = Instant::now();
    let args = ["put", "events", "--", "sh", "-c", "cat 1.tar; sleep 100"];
    let mut command = world.command(&args);
    command.env("PATH", "/usr/bin:/bin").current_dir(world.directory.path());
    Ran::from(command.output().unwrap()).expect(4).says("does not exist");
    assert!(begun.elapsed() < Duration::from_secs(50));
}

#[test]
fn an_endless_input_that_ends_is_exit_5_after_the_last_acknowledgement() {
    let world = world();
    let input = fs::read(world.path("1.tar")).unwrap();
    let ran = world.run_with(&["put", "events", "--create-repo", "--endless"], &input);
    assert_eq!(ran.expect(5).says("--endless").lines().len(), 1);
}

#[test]
fn a_whole_archive_that_cannot_be_stored_is_set_aside_and_the_stream_goes_on() {
    let world = world();
    let bad = tar(&[("a[b", b"x")]);
    let input = [tar(&[("1", b"1")]), bad.clone(), tar(&[("2", b"2")])].concat();
    let ran = world.run_with(&["put", "events", "--create-repo"], &input);
    assert_eq!(ran.expect(3).lines().len(), 1, "without the flag it stops");
    let quarantine = world.path("quarantine");
    let how = format!("quarantine={}", quarantine.display());
    let ran = world.run_with(&["put", "events", "--on-bad", &how], &input);
    assert_eq!(ran.expect(0).says("set aside").lines().len(), 2);
    let mut files: Vec<_> = fs::read_dir(&quarantine)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert_eq!(files.len(), 2, "{files:?}");
    assert_eq!(fs::read(&files[0]).unwrap(), bad);
    let why = fs::read_to_string(&files[1]).unwrap();
    assert!(why.contains("a[b") && why.contains("--escape-paths"), "{why}");
    // What is torn stops whatever was said.
    let torn = [bad, tar(&[("2", b"2")])[..700].to_vec()].concat();
    world.run_with(&["put", "events", "--on-bad", &how], &torn).expect(3);
}

#[test]
fn a_producer_that_does_not_end_when_its_output_is_of_no_use_is_made_to() {
    let world = world();
    let begun = Instant::now();
    // Between archives only zero bytes may stand, and it ignores that it is told.
    let script = "trap '' TERM; cat 1.tar; head -c 2000 /dev/urandom; exec >&-; while :; do sleep 1; done";
    produce(&world, &[], script).expect(3);
    // The same when its output ends in the middle of an archive.
    let script = "trap '' TERM; head -c 700 2.tar; exec >&-; while :; do sleep 1; done";
    produce(&world, &[], script).expect(3).says("ends inside archive 1");
    assert!(begun.elapsed() < Duration::from_mins(1));
}

#[test]
fn a_producer_that_failed_has_ended_though_its_child_keeps_the_output_open() {
    let world = world();
    let ran = produce(&world, &[], "cat 1.tar; sleep 1000 & exit 7");
    ran.expect(6).says("sh failed with exit code 7");
    assert_eq!(ran.lines().len(), 1);
    // One that ended well may have left its work to another process.
    let ran = produce(&world, &[], "(sleep 1; cat 1.tar) &");
    assert_eq!(ran.expect(0).lines().len(), 1);
}

#[test]
fn what_a_failed_producer_has_left_is_gone_before_the_next_one_starts_and_when_put_ends() {
    let world = world();
    // It holds nothing of ours, so that the output ends with the shell.
    let leave = "sh -c \"trap '' TERM; echo \\$\\$ > new; mv new left; exec sleep 1000\" > /dev/null 2>&1 &
                 until [ -e left ]; do sleep 0.02; done; kill -9 $$";
    let script = format!("if [ -e left ]; then kill -0 $(cat left) && exit 9; cat 1.tar; else {leave}; fi");
    let ran = produce(&world, &["--restart", "on-failure"], &script);
    assert_eq!(ran.expect(0).says("sh was killed by signal 9").lines().len(), 1);
    assert!(!ran.stderr.contains("exit code 9"), "both were there: {}", ran.stderr);
    fs::remove_file(world.path("left")).unwrap();
    produce(&world, &[], &script).expect(6);
    wait_until_gone(&fs::read_to_string(world.path("left")).unwrap());
}

#[test]
fn a_producer_that_is_stopped_hears_of_an_interrupt() {
    let world = world();
    let script = "trap 'echo > told; exit 0' TERM; cat 1.tar; echo > stopped; kill -STOP $$; sleep 100";
    let mut put = producing(&world, &[], script).spawn().unwrap();
    wait_until("the producer runs", || world.path("stopped").exists());
    std::thread::sleep(Duration::from_millis(200));
    signal(put.id(), Signal::TERM);
    assert_eq!(put.wait().unwrap().code(), Some(143));
    assert!(world.path("told").exists(), "it never went on");
}

/// Waits until none of these processes is left.
pub fn wait_until_gone(ids: &str) {
    for id in ids.split_whitespace() {
        let process = Pid::from_raw(id.parse().unwrap()).unwrap();
        wait_until(&format!("process {id} of {ids} is gone"), || {
            test_kill_process(process).is_err()
        });
    }
}

#[test]
fn a_producer_and_all_that_it_started_die_with_a_put_that_is_killed() {
    let world = world();
    let script = "trap '' TERM INT HUP; (sleep 1000) & echo $! > new; sh -c 'exec sleep 1000' & echo $! >> new; \
                  echo $$ >> new; mv new ids; cat 1.tar; sleep 1000";
    for restart in ["never", "always"] {
        let mut put = producing(&world, &["--restart", restart], script).spawn().unwrap();
        wait_until("the producer runs", || world.path("ids").exists());
        put.kill().unwrap();
        put.wait().unwrap();
        wait_until_gone(&fs::read_to_string(world.path("ids")).unwrap());
        fs::remove_file(world.path("ids")).unwrap();
    }
}

#[test]
fn a_producer_does_not_get_the_secrets_of_the_worker_that_it_runs_in() {
    let world = world();
    let output = producing(&world, &[], "env > seen; cat 1.tar")
        .env("PACH_IN_WORKER", "true")
        .env("PG_BOUNCER_HOST", "pg-bouncer")
        .env("POSTGRES_PASSWORD", "secret")
        .env("PPS_PIPELINE_NAME", "events")
        .output();
    Ran::from(output.unwrap()).expect(0);
    let seen = fs::read_to_string(world.path("seen")).unwrap();
    assert!(!seen.contains("secret") && !seen.contains("PG_BOUNCER"), "{seen}");
    assert!(seen.contains("PPS_PIPELINE_NAME=events"), "{seen}");
}
