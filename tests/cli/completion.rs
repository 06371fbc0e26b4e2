//! What a shell is offered behind the words of a line: what the program knows, and what a store has.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::runner::{Ran, World, tar};
use crate::served::Served;

/// What fish would be offered behind these words, however long it takes to find out.
fn offered(world: &World, words: &[&str]) -> Vec<String> {
    let mut command = world.command(&[&["--", "spoutctl"], words].concat());
    command
        .env("COMPLETE", "fish")
        .env("SPOUTCTL_COMPLETION_TIMEOUT", "60s");
    Ran::from(command.output().unwrap()).expect(0).lines()
}

fn fill(world: &World) {
    let files: &[(&str, &[u8])] = &[("d/e/deep", b"1"), ("d/one", b"1"), ("d/other", b"1"), ("top", b"1")];
    for dest in ["events", "errors", "events@side"] {
        world.run_with(&["put", dest, "--create-repo"], &tar(files)).expect(0);
    }
}

fn knows_names(world: &World) {
    assert_eq!(offered(world, &["put", "ev"]), ["events"]);
    assert_eq!(offered(world, &["tail", "e"]), ["errors", "events"]);
    assert_eq!(
        offered(world, &["get", "default/er"]),
        ["default/errors", "default/errors:/"]
    );
    assert_eq!(offered(world, &["doctor", "events@"]), ["events@master", "events@side"]);
    assert_eq!(offered(world, &["get", "events:"]), ["events:/"]);
    assert_eq!(
        offered(world, &["get", "events@side:/"]),
        ["events@side:/d/", "events@side:/top"]
    );
    assert_eq!(
        offered(world, &["get", "events:/d/o"]),
        ["events:/d/one", "events:/d/other"]
    );
    // Below a prefix are commits put; files are none.
    assert_eq!(offered(world, &["put", "events:/"]), ["events:/d/"]);
    assert_eq!(offered(world, &["get", "none:/"]), [""; 0]);
}

#[test]
fn repos_branches_and_files_of_a_store_are_offered_by_whichever_door() {
    let served = Served::start();
    let http = World::at(&served.url());
    fill(&http);
    knows_names(&http);
    knows_names(&World::at(&served.url().replace("http://", "grpc://")));
    let local = World::local();
    fill(&local);
    knows_names(&local);
    // What the line itself says counts first.
    let line = ["get", "--pachd", &served.url(), "events@s"];
    assert_eq!(offered(&World::local(), &line), ["events@side"]);
}

#[test]
fn those_of_a_pachd_1_13_are_offered_too() {
    let served = Served::start_with(&["--pachyderm", "1.13"]);
    let world = World::at(&format!("grpc://{}", served.authority));
    fill(&world);
    knows_names(&world);
}

#[test]
fn a_key_makes_no_store_sends_no_token_in_clear_and_trusts_nobody() {
    let world = World::local();
    assert_eq!(offered(&world, &["put", "e"]), [""; 0]);
    assert!(!world.path("store").exists(), "a store was made");
    let served = Served::start();
    let open = World::at(&served.url());
    fill(&open);
    assert_eq!(offered(&open, &["get", "ev", "--insecure", "ev"]), [""; 0]);
    // A name of another machine, which leads to nobody: it is not even asked.
    let with_token = World::at("grpc://pachd.invalid:1").with_token(Some("t".to_owned()));
    let begun = Instant::now();
    assert_eq!(offered(&with_token, &["put", "ev"]), [""; 0]);
    assert!(begun.elapsed() < Duration::from_secs(50), "it was asked");
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for() {
    // Whoever connects is never answered.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let world = World::at(&format!("grpc://{}", silent.local_addr().unwrap()));
    let mut command = world.command(&["--", "spoutctl", "put", "ev"]);
    let begun = Instant::now();
    let ran = Ran::from(command.env("COMPLETE", "fish").output().unwrap());
    assert_eq!(ran.expect(0).lines(), [""; 0]);
    // A call has a minute, a connection ten seconds.
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

/// What bash makes of a line whose cursor is at its end: each answer stands in the place of the word as bash sees it.
fn in_bash(world: &World, line: &str, words: &[&str], at_cursor: &str) -> Vec<String> {
    let script = world.run(&["completions", "bash"]).expect(0).text();
    let quoted = words
        .iter()
        .map(|word| format!("'{word}'"))
        .collect::<Vec<_>>()
        .join(" ");
    let asking = format!(
        "{script}\nCOMP_LINE='{line}' COMP_POINT={} COMP_WORDS=({quoted}) COMP_CWORD={}\n_clap_complete_spoutctl spoutctl '{at_cursor}' x\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        line.len(),
        words.len() - 1
    );
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_spoutctl"));
    let path = format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let mut bash = Command::new("bash")
        .args(["--norc", "--noprofile"])
        .env("PATH", path)
        .env("PACHD_ADDRESS", world.server())
        .env("SPOUTCTL_COMPLETION_TIMEOUT", "60s")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    bash.stdin.take().unwrap().write_all(asking.as_bytes()).unwrap();
    let ended = bash.wait_with_output().unwrap();
    let text = String::from_utf8(ended.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_a_name_behind_its_colon_and_its_at_sign() {
    let world = World::local();
    fill(&world);
    // Bash breaks the line at `:`.
    let words = ["spoutctl", "get", "events", ":", "/d/o"];
    assert_eq!(
        in_bash(&world, "spoutctl get events:/d/o", &words, "/d/o"),
        ["/d/one", "/d/other"]
    );
    let words = ["spoutctl", "get", "events@s"];
    assert_eq!(
        in_bash(&world, "spoutctl get events@s", &words, "events@s"),
        ["events@side"]
    );
    let words = ["spoutctl", "tail", ""];
    assert_eq!(in_bash(&world, "spoutctl tail ", &words, "")[..2], ["errors", "events"]);
    // A line with quotes is taken as bash has cut it.
    let words = ["spoutctl", "put", "-m", "\"a b\"", "ev"];
    assert_eq!(in_bash(&world, "spoutctl put -m \"a b\" ev", &words, "ev"), ["events"]);
}
