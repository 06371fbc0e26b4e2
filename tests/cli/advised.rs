//! What an error advises is done, as it stands, and then the error is gone.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::runner::{Ran, World, tar};
use crate::served::Served;

/// A line of a shell in the world's directory, with the binary and its store.
fn shell(world: &World, line: &str) -> Ran {
    let command = world.command(&[]);
    let binary = std::path::Path::new(command.get_program()).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", line])
        .current_dir(world.directory.path())
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", format!("{}:{path}", binary.display()))
        .stdin(Stdio::null());
    Ran::from(shell.output().unwrap())
}

/// The part of what was said that begins so, up to where the sentence goes on.
fn advised(ran: &Ran, begins: &str, ends: &str) -> String {
    let said = &ran.stderr;
    let at = said
        .find(begins)
        .unwrap_or_else(|| panic!("`{begins}` is not in: {said}"));
    let rest = &said[at..];
    rest[..rest.find(ends).unwrap_or(rest.len())].trim().to_owned()
}

/// A line in which the option that is advised takes the place of what it is there, or is added.
fn with(line: &[&str], advice: &str) -> Vec<String> {
    let advice: Vec<&str> = advice.split(' ').collect();
    let kept = match line.iter().position(|word| *word == advice[0]) {
        Some(at) => [&line[..at], &line[at + 2..]].concat(),
        None => line.to_vec(),
    };
    kept.iter().chain(&advice).map(|word| (*word).to_owned()).collect()
}

/// What is put in, by which options, how that ends, what is advised, and what is done then.
const ADVISED: &[(&str, &str, i32, &str, &str)] = &[
    ("ü\t1\n", BY_COLUMN, 3, "--escape-paths", "--escape-paths"),
    ("ü\t1\n", BY_COLUMN, 3, "--escape-keys", "--escape-keys"),
    ("a\t1\na\t2\n", BY_COLUMN, 3, "--same-name last", "--same-name last"),
    (
        "no\n{}\n",
        "--messages ndjson --into a",
        3,
        "--on-bad quarantine=DIR or skip",
        "--on-bad quarantine=DIR",
    ),
    (
        "no\n{}\n",
        "--messages ndjson --into a",
        3,
        "--on-bad quarantine=DIR or skip",
        "--on-bad skip",
    ),
    (
        "5:hel",
        "--messages netstring --into a",
        3,
        "--partial drop",
        "--partial drop",
    ),
    (
        "{\"a\":",
        "--messages json --into a",
        3,
        "--partial drop",
        "--partial drop",
    ),
    (
        "a|b",
        "--messages delimiter=| --into a",
        3,
        "--partial keep",
        "--partial keep",
    ),
    (
        "a|b",
        "--messages delimiter=| --into a",
        3,
        "--partial drop",
        "--partial drop",
    ),
    (
        "a,b\n1,\"x\n",
        "--messages csv --into a",
        3,
        "--csv-quote none",
        "--csv-quote none",
    ),
    (
        "h\n\"a\n\"b\n",
        "--messages csv --into a",
        3,
        "--csv-quote none",
        "--csv-quote none",
    ),
    (
        "{\n\"a\": 1\n}\n",
        "--messages ndjson --into a",
        3,
        "--messages json",
        "--messages json",
    ),
    (
        "a,b\n1,\"x\n",
        "--messages csv --into a",
        3,
        "--partial drop",
        "--partial drop",
    ),
    (
        "{\"a\":1}\n",
        "--messages sse --into a",
        3,
        "ndjson takes JSON",
        "--messages ndjson",
    ),
    (
        "-1:,",
        "--messages netstring --into a --nulls fail",
        3,
        "--nulls empty",
        "--nulls empty",
    ),
    (
        "-1:,",
        "--messages netstring --into a --nulls fail",
        3,
        "--nulls skip",
        "--nulls skip",
    ),
    (
        "12345\n",
        "--messages lines --into a --max-message 4",
        3,
        "--max-message",
        "--max-message 6",
    ),
    (
        "a\n",
        "--messages lines --into {seq}",
        2,
        "--stream NAME",
        "--stream name",
    ),
    ("a\n", "--messages lines --into {seq}", 2, "--spool DIR", "--spool DIR"),
    ("a\n", "--messages lines", 2, "--into <NAME>", "--into name"),
    (
        "a\n",
        "--json",
        3,
        "--messages lines --into NAME",
        "--messages lines --into name",
    ),
    (
        "{\"a\":1}\n",
        "--json",
        3,
        "--messages json --into NAME",
        "--messages json --into name",
    ),
];
const BY_COLUMN: &str = "--messages lines --each {key} --key-column 1";

#[test]
fn an_option_that_an_error_advises_does_away_with_it() {
    for &(input, line, code, advice, done) in ADVISED {
        let world = World::local();
        let line = [&["put", "r", "--create-repo"], &line.split(' ').collect::<Vec<_>>()[..]].concat();
        world.run_with(&line, input.as_bytes()).expect(code).says(advice);
        let done = with(&line, &done.replace("DIR", world.path("dir").to_str().unwrap()));
        let done: Vec<&str> = done.iter().map(String::as_str).collect();
        let ran = world.run_with(&done, input.as_bytes());
        assert_eq!(ran.code, Some(0), "{done:?}: {}", ran.stderr);
    }
}

#[test]
fn what_is_advised_for_an_archive_makes_a_commit_of_it() {
    let with_symbolic = |name: &str, target: &str| {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, name, target).unwrap();
        let mut file = tar::Header::new_gnu();
        file.set_size(1);
        builder.append_data(&mut file, "f", &b"x"[..]).unwrap();
        builder.into_inner().unwrap()
    };
    let whole = tar(&[("f", b"x")]);
    let torn = whole[..1024].to_vec();
    for (archive, advice) in [
        (torn.clone(), "--archive-end lenient"),
        (with_symbolic("l", "gone"), "--links skip"),
        (tar(&[("ü", b"x")]), "--escape-paths"),
        (tar(&[("a", b"xyz")]), "--max-entry-size"),
    ] {
        let world = World::local();
        fs::write(world.path("a.tar"), &archive).unwrap();
        let line = if advice.starts_with("--max") {
            "--max-entry-size 2"
        } else {
            ""
        };
        let before = format!("spoutctl put r --create-repo {line}");
        shell(&world, &format!("{before} a.tar")).expect(3).says(advice);
        let after = if advice.starts_with("--max") {
            before.replace("size 2", "size 3")
        } else {
            format!("{before} {advice}")
        };
        shell(&world, &format!("{after} a.tar")).expect(0);
    }
    // The end that a producer forgot, given to it as the error has it.
    let world = World::local();
    fs::write(world.path("a.tar"), &torn).unwrap();
    let ran = shell(&world, "spoutctl put r --create-repo a.tar");
    let line = advised(&ran, "(cat a.tar", ";  ");
    let line = line.split(" | spoutctl put …").next().unwrap().to_owned() + " | spoutctl put r --create-repo";
    shell(&world, &line).expect(0);
    assert_eq!(world.get("r:/f"), b"x");
    // A directory, and a file that is no archive.
    fs::create_dir(world.path("d")).unwrap();
    fs::write(world.path("d/hello"), "hello").unwrap();
    let line = advised(&shell(&world, "spoutctl put r d"), "tar cf", "\n").replace("DEST", "r");
    shell(&world, &line).expect(0);
    assert_eq!(world.get("r:/d/hello"), b"hello");
    fs::write(world.path("hello"), "hello\n").unwrap();
    let ran = shell(&world, "spoutctl put r hello");
    let line = advised(&ran, "tar cf - FILE", "\n")
        .replace("FILE", "hello")
        .replace('…', "r");
    shell(&world, &line).expect(0);
    assert_eq!(world.get("r:/hello"), b"hello\n");
}

#[test]
fn the_way_to_read_what_was_asked_for_is_one() {
    let world = World::local();
    world
        .run_with(&["put", "r", "--create-repo"], &tar(&[("d/a", b"x"), ("b", b"y")]))
        .expect(0);
    let ran = shell(&world, "spoutctl get r");
    ran.expect(2);
    for (advice, line) in [
        ("REPO:/PATH", "spoutctl get r:/b"),
        ("--list", "spoutctl get r --list"),
        ("-r with -o DIR", "spoutctl get r -r -o out"),
        ("--tar", "spoutctl get r --tar"),
    ] {
        ran.says(advice);
        shell(&world, line).expect(0);
    }
    // A branch that comes later is waited for, where that is advised.
    let ran = shell(&world, "spoutctl tail r@later -e");
    ran.expect(1).says("--wait-for-branch");
    shell(&world, "spoutctl put r --create-rep < /dev/null")
        .expect(2)
        .says("--create-repo");
    shell(&world, "spoutctl put nowhere < /dev/null")
        .expect(4)
        .says("--create-repo");
    shell(&world, "spoutctl put nowhere --create-repo < /dev/null").expect(0);
    let rules = shell(&world, "spoutctl explain no-such-rule");
    let line = advised(&rules, "spoutctl validate --rules", " lists");
    shell(&world, &line).expect(0);
}

#[test]
fn an_open_commit_is_dropped_by_the_command_that_names_it() {
    let served = Served::start();
    let world = World::at(&served.url());
    world
        .run_with(&["put", "r", "--create-repo"], &tar(&[("a", b"x")]))
        .expect(0);
    let branch = json!({"name": "master", "repo": {"name": "r", "type": "user", "project": {"name": "default"}}});
    served.ask("pfs_v2.API/StartCommit", &json!({"branch": branch}));
    fs::write(world.path("a.tar"), tar(&[("b", b"y")])).unwrap();
    let ran = shell(&world, "spoutctl put r a.tar --retry-for 1s");
    ran.expect(5);
    let line = advised(&ran, "spoutctl doctor default/r@master --drop ", ";");
    // Without a terminal the question is answered by its flag, and that is said.
    let ran = shell(&world, &line);
    assert_ne!(ran.code, Some(0), "{}", ran.stderr);
    ran.says("--yes");
    shell(&world, &format!("{line} --yes")).expect(0);
    shell(&world, "spoutctl put r a.tar").expect(0);
}

#[test]
fn a_spec_that_was_made_is_created_and_followed_by_the_commands_that_are_said_next() {
    let served = Served::start();
    let world = World::at(&served.url());
    let made = shell(
        &world,
        "spoutctl create sensors --image registry.example.com/sensors:1 -- /app/spout.sh",
    );
    made.expect(0);
    let both = Ran {
        stderr: format!("{}{}", made.stderr, made.text()),
        ..made
    };
    let next = advised(&both, "spoutctl create -f", "\n");
    let created = shell(&world, &next);
    created.expect(0);
    let both = Ran {
        stderr: format!("{}{}", created.stderr, created.text()),
        ..created
    };
    let line = advised(&both, "spoutctl tail", ";");
    assert!(line.contains("default/sensors"), "{line}");
    shell(&world, &format!("{line} -e")).expect(0);
    // What is there already is changed where that is asked for.
    let again = shell(&world, &next);
    assert_ne!(again.code, Some(0));
    again.says("--update");
    shell(&world, &format!("{next} --update")).expect(0);
}
