//! `put --position-by`: several sources in one pipe, each with a position of its own.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::acknowledging::{Consumer, kill_at_each_call};
use crate::runner::{Ran, World};
use crate::served::Served;

/// Of lines with a source and a position.
const LINES: [&str; 11] = [
    "put",
    "events",
    "--create-repo",
    "--stream=s",
    "--messages=lines",
    "--into=f",
    "--append",
    "--batch-count=2",
    "--position-column=2",
    "--position-by=1",
    "--json",
];

/// What each commit says.
fn positions(ran: &Ran) -> Vec<Value> {
    let lines = ran.json();
    let commits = lines.iter().filter(|line| line["type"] == "commit");
    commits.map(|line| line["positions"].clone()).collect()
}

#[test]
fn each_commit_says_the_positions_of_all_sources_and_the_next_run_goes_on_from_there() {
    let world = World::local();
    let told = world.path("told").display().to_string();
    let store = format!("echo \"$SPOUTCTL_ACK_POSITIONS\" >> {told}");
    let args = [&LINES[..], &["--ack-command", &store]].concat();
    let ran = world.run_with(&args, b"a\t1\nb\t7\na\t2\n");
    assert_eq!(
        positions(ran.expect(0)),
        [json!({"a": "1", "b": "7"}), json!({"a": "2", "b": "7"})]
    );
    let told = || fs::read_to_string(world.path("told")).unwrap();
    assert_eq!(told(), "{\"a\":\"1\",\"b\":\"7\"}\n{\"a\":\"2\",\"b\":\"7\"}\n");
    // Several inputs, one after the other; of a source that is not there any more the position stays.
    fs::write(world.path("1"), "b\t8\n").unwrap();
    fs::write(world.path("2"), "c d\t0\n").unwrap();
    let files = ["1", "2"].map(|name| world.path(name).display().to_string());
    let ran = world.run(&[&args[..], &[&files[0], &files[1]]].concat());
    let last = json!({"a": "2", "b": "8", "c d": "0"});
    assert_eq!(positions(ran.expect(0)), [json!({"a": "2", "b": "8"}), last]);
    // A command is told.
    let say = format!("printf %s \"$SPOUTCTL_POSITIONS\" > {}", world.path("said").display());
    world.run(&[&LINES[..], &["--", "sh", "-c", &say]].concat()).expect(0);
    let said = fs::read_to_string(world.path("said")).unwrap();
    assert_eq!(said, r#"{"a":"2","b":"8","c d":"0"}"#);
    let other = [&LINES[..], &["--", "sh", "-c", &say]].concat();
    let other: Vec<&str> = other
        .iter()
        .map(|word| if *word == "--stream=s" { "--stream=other" } else { word })
        .collect();
    world.run(&other).expect(0);
    assert_eq!(fs::read_to_string(world.path("said")).unwrap(), "{}");
}

#[test]
fn positions_are_told_as_they_were_written_and_never_compared() {
    let world = World::local();
    let args = [
        "put",
        "events",
        "--create-repo",
        "--stream=s",
        "--messages=ndjson",
        "--into=f",
        "--position-json=/at",
        "--position-by=/in/0",
        "--json",
    ];
    let input = b"{\"in\": [3], \"at\": 18446744073709551616}\n{\"in\": [3], \"at\": 7}\n\
        {\"in\": [\"x %20\"], \"at\": {\"lsn\": \"0/1A\", \"n\": 2.50}}\n";
    let ran = world.run_with(&args, input);
    let text = &ran.expect(0).lines()[0];
    assert!(
        text.contains(r#""positions":{"3":7,"x %20":{"lsn": "0/1A", "n": 2.50}}"#),
        "{text}"
    );
    let say = format!("printf %s \"$SPOUTCTL_POSITIONS\" > {}", world.path("said").display());
    world.run(&[&args[..], &["--", "sh", "-c", &say]].concat()).expect(0);
    let said = fs::read_to_string(world.path("said")).unwrap();
    assert_eq!(said, r#"{"3":7,"x %20":{"lsn": "0/1A", "n": 2.50}}"#);
}

#[test]
fn a_message_that_names_no_source_is_one_that_cannot_be_taken_and_moves_none() {
    let world = World::local();
    let bad = b"a\t1\n\t2\na\t3\n";
    let ran = world.run_with(&LINES, bad);
    ran.expect(3)
        .says("message 2 of the input")
        .says("does not say which source it is of: it is empty")
        .says("--position-by");
    assert_eq!(positions(&ran), [json!({"a": "1"})]);
    let ran = world.run_with(&[&LINES[..], &["--on-bad=skip"]].concat(), b"b\t7\n\t8\n");
    assert_eq!(positions(ran.expect(0)), [json!({"a": "1", "b": "7"})]);
}

#[test]
fn what_is_too_long_or_is_of_a_source_with_too_long_a_name_is_left_out_and_moves_no_position() {
    let world = World::local();
    let skip = |framing: &'static str| {
        let args = LINES.map(|word| if word == "--messages=lines" { framing } else { word });
        [&args[..], &["--max-message=1KB", "--on-bad=skip"]].concat()
    };
    let long = format!("a\t2{}", "0".repeat(2000));
    // Where the front of it would name a source, and where it would cut the position off.
    let netstrings = format!("3:a\t1,{}:{long},", long.len());
    let ran = world.run_with(&skip("--messages=netstring"), netstrings.as_bytes());
    let ran = ran.expect(0).says("1 message was left out");
    assert_eq!(positions(ran), [json!({"a": "1"})]);
    let lines = format!("b\t7\n{long}\n");
    let ran = world.run_with(&skip("--messages=lines"), lines.as_bytes());
    let ran = ran.expect(0).says("1 message was left out");
    assert_eq!(positions(ran), [json!({"a": "1", "b": "7"})]);
    // A name for which no commit has room.
    let named = format!("{}\t1\nb\t8\n", "s".repeat(70_000));
    let ran = world.run_with(&LINES, named.as_bytes());
    ran.expect(3)
        .says("does not say which source it is of: it has more than 4,096 bytes");
    let ran = world.run_with(&[&LINES[..], &["--on-bad=skip"]].concat(), named.as_bytes());
    assert_eq!(positions(ran.expect(0)), [json!({"a": "1", "b": "8"})]);
}

#[test]
fn more_sources_than_a_commit_has_room_for_are_refused_and_those_before_are_committed() {
    let world = World::local();
    let input: String = (0..20_000).map(|number| format!("source-{number}\t1\n")).collect();
    let told = world.path("told");
    let store = format!("--ack-command=cat > {}", told.display());
    let args = [&LINES[..], &[&store]].concat();
    let args: Vec<&str> = args.into_iter().filter(|word| *word != "--batch-count=2").collect();
    let told = || -> Value { serde_json::from_str(&fs::read_to_string(&told).unwrap()).unwrap() };
    let ran = world.run_with(&args, input.as_bytes());
    ran.expect(3)
        .says("is of the source `source-")
        .says("sources would be longer than 65.5 kB")
        .says("should have few values");
    let committed = told();
    let last = committed["messages"]["last"].as_u64().unwrap();
    assert_eq!(committed["positions"].as_object().unwrap().len() as u64, last);
    assert!((3000..4000).contains(&last), "{last}");
    // One that is known has room.
    world.run_with(&args, b"source-0\t2\n").expect(0);
    assert_eq!(told()["positions"]["source-0"], "2");
}

#[test]
fn a_stream_without_a_name_is_refused_and_so_is_one_of_kafka() {
    let served = Served::start();
    let world = World::at(&served.url());
    let args: Vec<&str> = LINES.iter().copied().filter(|word| *word != "--stream=s").collect();
    world.run_with(&args, b"a\t1\n").expect(2).says("give --stream NAME");
    let repo = json!({"name": "events", "type": "user", "project": {"name": "default"}});
    served.ask("pfs_v2.API/CreateRepo", &json!({"repo": repo}));
    let digest = "0".repeat(64);
    let mark = format!("spoutctl/1 stream=s seq=1 sha256={digest} messages=1-1 positions=c/orders:5 done");
    let branch = json!({"repo": repo, "name": "master"});
    let commit = served.ask("pfs_v2.API/StartCommit", &json!({"branch": branch}));
    served.ask(
        "pfs_v2.API/FinishCommit",
        &json!({"commit": commit, "description": mark}),
    );
    world
        .run_with(&LINES, b"a\t1\n")
        .expect(3)
        .says("says positions of Kafka's partitions")
        .says("give --stream another name");
}

/// Prints offsets 1 to 4 of three sources in turn, each from the one behind that of which it was told. Where there is a
/// file `fails`, it fails half-way, once.
const CONSUMER: &str = r#"
set -u
after() {
    rest=${SPOUTCTL_POSITIONS#*\"$1\":}
    if [ "$rest" = "$SPOUTCTL_POSITIONS" ]; then echo 0; else echo "${rest%%[,\}]*}"; fi
}
for offset in 1 2 3 4; do
    for source in a b c; do
        if [ "$offset" -gt "$(after "$source")" ]; then
            echo "{\"source\": \"$source\", \"offset\": $offset}"
        fi
    done
    if [ "$offset" = 2 ] && rm "$WORK/fails" 2>/dev/null; then exit 1; fi
done
"#;

fn consume(world: &World, repo: &str, url: &str) -> Command {
    let mut put = world.command(&["put", repo, "--create-repo", "--stream", "s", "--json", "--append"]);
    put.args(["--messages", "lines", "--into", "log", "--batch-count", "5"])
        .args(["--position-json", "/offset", "--position-by", "/source"])
        .args(["--restart", "on-failure", "--", "/bin/sh", "-c", CONSUMER])
        .env("WORK", world.directory.path())
        .env("PACHD_ADDRESS", url);
    put
}

/// Each message is there once, those of each source in order, and the newest commit says all positions.
fn check(world: &World, repo: &str, url: &str) -> Result<(), String> {
    let get = world
        .command(&["get", &format!("{repo}:/log")])
        .env("PACHD_ADDRESS", url)
        .output();
    let log = Ran::from(get.unwrap()).text();
    let messages: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_whole = ["a", "b", "c"].iter().all(|source| {
        let of_source = messages.iter().filter(|message| message["source"] == *source);
        of_source
            .map(|message| message["offset"].as_u64())
            .eq((1..=4).map(Some))
    });
    let again = Ran::from(consume(world, repo, url).output().unwrap());
    if is_whole && messages.len() == 12 && again.code == Some(0) && positions(&again).is_empty() {
        Ok(())
    } else {
        Err(format!("log:\n{log}\nafterwards: {}{}", again.text(), again.stderr))
    }
}

#[test]
fn whenever_put_is_killed_each_message_of_each_source_is_committed_once_and_in_order() {
    kill_at_each_call(Consumer { put: consume, check });
}

#[test]
fn a_consumer_that_fails_is_started_again_behind_what_it_has_printed() {
    let world = World::local();
    let url = format!("local:{}", world.path("store").display());
    fs::write(world.path("fails"), "").unwrap();
    let ran = Ran::from(consume(&world, "events", &url).output().unwrap());
    ran.says("is started again");
    check(&world, "events", &url).unwrap();
}

#[test]
fn a_line_has_no_positions_that_are_longer_than_a_log_takes_and_acknowledgements_have_them_all() {
    let world = World::local();
    let told = world.path("told").display().to_string();
    let store = format!("cat > {told}");
    let input: String = (0..5_000).map(|source| format!("{source:04}\t1\n")).collect();
    let args = [&LINES[..], &["--batch-count=5000", "--ack-command", &store]].concat();
    let args: Vec<&str> = args.into_iter().filter(|arg| *arg != "--batch-count=2").collect();
    let ran = world.run_with(&args, input.as_bytes());
    let lines = ran.expect(0).json();
    assert!(ran.lines().iter().all(|line| line.len() < 60 << 10));
    let commit = lines.iter().find(|line| line["type"] == "commit").unwrap();
    assert_eq!(
        (&commit["positions"], &commit["positions_left_out"]),
        (&Value::Null, &json!(true))
    );
    let told: Value = serde_json::from_str(&fs::read_to_string(told).unwrap()).unwrap();
    assert_eq!(told["positions"].as_object().map(serde_json::Map::len), Some(5_000));
}

#[test]
fn messages_that_were_set_aside_stay_listed_where_positions_alone_have_no_room() {
    let world = World::local();
    let aside = format!("quarantine={}", world.path("aside").display());
    let sources: String = (0..4_500).map(|source| format!("{source:04}\t1\n")).collect();
    let input = sources + &"\t8\n".repeat(50);
    let args = LINES.map(|arg| {
        if arg == "--batch-count=2" {
            "--batch-count=5000"
        } else {
            arg
        }
    });
    let ran = world.run_with(&[&args[..], &["--on-bad", &aside]].concat(), input.as_bytes());
    let lines = ran.expect(0).json();
    let commit = lines.iter().find(|line| line["type"] == "commit").unwrap();
    assert_eq!(commit["positions_left_out"], true);
    let messages = &commit["messages"];
    let listed = messages["listed"].as_array().map(Vec::len);
    assert_eq!((listed, &messages["set_aside"]), (Some(50), &json!(50)));
}
