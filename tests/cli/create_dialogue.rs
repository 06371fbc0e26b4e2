//! The dialogue of `create`, through a pseudo-terminal.

use std::fs;
use std::process::Command;

use rexpect::process::{Signal, WaitStatus};
use rexpect::session::{PtySession, spawn_command};

use crate::create::create;
use crate::runner::{World, words};

/// `create ARGS` on a terminal of its own, in the world's directory.
fn talk(world: &World, args: &[&str]) -> PtySession {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spoutctl"));
    command
        .arg("create")
        .args(args)
        .env_clear()
        .env("TERM", "xterm")
        .current_dir(world.directory.path());
    spawn_command(command, Some(20_000)).unwrap()
}

/// Waits for a question, then answers it.
#[track_caller]
fn answer(session: &mut PtySession, question: &str, answer: &str) {
    session.exp_string(question).unwrap();
    // A line typed in a terminal ends with a carriage return, and the terminal is in a mode that keeps it.
    session.send(&format!("{answer}\r")).unwrap();
    session.flush().unwrap();
}

const CURSOR_HIDDEN: &str = "\u{1b}[?25l";
const CURSOR_SHOWN: &str = "\u{1b}[?25h";

#[test]
fn the_whole_dialogue_makes_the_spec_that_flags_make() {
    let world = World::local();
    let mut session = talk(&world, &[]);
    answer(&mut session, "Name:", "my_spout");
    // The rule says why not, and the question comes again.
    session.exp_string("a spout cannot be named `my_spout`").unwrap();
    answer(&mut session, "Name:", "orders");
    session.exp_string("Begin with").unwrap();
    answer(&mut session, "blank: a consumer of your own", "");
    answer(&mut session, "Image", "python");
    session.exp_string("has no tag").unwrap();
    answer(&mut session, "Image", "registry.example.com/orders:1");
    answer(&mut session, "Command", "python3 -u '/app/my main.py'");
    answer(&mut session, "Variable", "DB_PASSWORD=hunter2");
    session.exp_string("secret").unwrap();
    answer(&mut session, "Variable", "TOPIC=orders");
    answer(&mut session, "Variable", "");
    answer(&mut session, "Secret", "db");
    session.exp_string("write SECRET:KEY=VARIABLE").unwrap();
    answer(&mut session, "Secret", "db:password=PGPASSWORD");
    answer(&mut session, "Secret", "tls=/etc/tls");
    answer(&mut session, "Secret", "");
    // It is shown before it is written.
    session.exp_string("\"pipeline\": {\"name\": \"orders\"}").unwrap();
    session.exp_string("Write it to orders.json?").unwrap();
    assert!(!world.path("orders.json").exists());
    session.send("y").unwrap();
    session.flush().unwrap();
    session.exp_eof().unwrap();
    assert!(matches!(session.process().wait(), Ok(WaitStatus::Exited(_, 0))));

    let flags = [
        "orders",
        "--image",
        "registry.example.com/orders:1",
        "--cmd",
        "python3 -u '/app/my main.py'",
        "--env",
        "TOPIC=orders",
        "--secret",
        "db:password=PGPASSWORD",
        "--secret",
        "tls=/etc/tls",
        "-o",
        "-",
    ];
    let by_flags = create(&world, &flags);
    assert_eq!(fs::read(world.path("orders.json")).unwrap(), by_flags.expect(0).stdout);
}

#[test]
fn a_template_asks_for_what_its_consumer_reads() {
    let world = World::local();
    let mut session = talk(
        &world,
        &words("orders --template mqtt --image a:1 --env MQTT_HOST=broker"),
    );
    answer(&mut session, "MQTT_TOPIC", "");
    session.exp_string("it is needed").unwrap();
    answer(&mut session, "MQTT_TOPIC", "orders/#");
    answer(&mut session, "MQTT_BROKER_PORT", "");
    answer(&mut session, "MQTT_CLIENT_ID", "");
    answer(&mut session, "MQTT_PASSWORD", "broker:password");
    answer(&mut session, "Secret", "");
    session.exp_string("Write it to orders.json?").unwrap();
    session.send("y").unwrap();
    session.flush().unwrap();
    session.exp_eof().unwrap();
    let flags = [
        "orders",
        "--template",
        "mqtt",
        "--image",
        "a:1",
        "--env",
        "MQTT_HOST=broker",
        "--env",
        "MQTT_TOPIC=orders/#",
        "--secret",
        "broker:password=MQTT_PASSWORD",
        "-o",
        "-",
    ];
    let by_flags = create(&world, &flags);
    assert_eq!(fs::read(world.path("orders.json")).unwrap(), by_flags.expect(0).stdout);
}

#[test]
fn with_all_that_is_needed_a_terminal_is_asked_nothing() {
    let world = World::local();
    let mut session = talk(&world, &["orders", "--image", "a:1", "--cmd", "main"]);
    let said = session.exp_eof().unwrap();
    assert_eq!(said.trim(), "orders.json\r\nnext: spoutctl create -f orders.json");
    let mut session = talk(&world, &["--no-input"]);
    let said = session.exp_eof().unwrap();
    assert!(said.contains("3 answers are missing"), "{said}");
    assert!(matches!(session.process().wait(), Ok(WaitStatus::Exited(_, 2))));
}

#[test]
fn a_flag_that_is_wrong_is_refused_before_anything_is_asked() {
    let world = World::local();
    for (args, says) in [
        (&["my_spout"][..], "spout-name-not-dns"),
        (&["--image", "python"], "image-tag"),
    ] {
        let said = talk(&world, args).exp_eof().unwrap();
        assert!(said.contains(says) && !said.contains("Begin with"), "{said}");
    }
    fs::write(world.path("orders.json"), "mine").unwrap();
    let said = talk(&world, &["orders"]).exp_eof().unwrap();
    assert!(said.contains("--force") && !said.contains("Begin with"), "{said}");
}

#[test]
fn who_says_no_has_nothing_written() {
    let world = World::local();
    let mut session = talk(&world, &["orders", "--image", "a:1", "--template", "blank"]);
    answer(&mut session, "Command", "main");
    answer(&mut session, "Variable", "");
    answer(&mut session, "Secret", "");
    session.exp_string("Write it to orders.json?").unwrap();
    session.send("n").unwrap();
    session.flush().unwrap();
    session.exp_string("nothing is written").unwrap();
    session.exp_eof().unwrap();
    assert!(matches!(session.process().wait(), Ok(WaitStatus::Exited(_, 0))));
    assert_eq!(fs::read_dir(world.directory.path()).unwrap().count(), 0);
}

#[test]
fn ctrl_c_ends_quietly_and_gives_the_cursor_back() {
    let world = World::local();
    for question in ["Name:", "Begin with"] {
        let mut session = talk(&world, &[]);
        if question == "Begin with" {
            answer(&mut session, "Name:", "orders");
            session.exp_string(CURSOR_HIDDEN).unwrap();
        }
        session.exp_string(question).unwrap();
        // The list is drawn behind its question.
        std::thread::sleep(std::time::Duration::from_millis(200));
        session.send_control('c').unwrap();
        let said = session.exp_eof().unwrap();
        assert!(said.contains(CURSOR_SHOWN), "{said:?}");
        assert!(!said.contains("error"), "{said:?}");
        let status = session.process().wait();
        assert!(matches!(status, Ok(WaitStatus::Exited(_, 130))), "{status:?}");
    }
    assert_eq!(fs::read_dir(world.directory.path()).unwrap().count(), 0);
}

#[test]
fn a_signal_from_elsewhere_ends_the_dialogue_as_well() {
    let world = World::local();
    let mut session = talk(&world, &[]);
    session.exp_string("Name:").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    session.process_mut().signal(Signal::SIGTERM).unwrap();
    let said = session.exp_eof().unwrap();
    assert!(said.contains(CURSOR_SHOWN), "{said:?}");
    let status = session.process().wait();
    assert!(matches!(status, Ok(WaitStatus::Exited(_, 143))), "{status:?}");
}
