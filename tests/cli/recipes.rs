//! The recipes of `docs/recipes`, run as they stand there but for hosts and ports.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::docs::page;
use crate::runner::{PATIENCE, World, free_port, has_program, skip, tar, wait_until};

/// The commands of the recipe with this name: the first block of its page.
pub fn recipe(name: &str) -> String {
    let page = page(&format!("docs/recipes/{}.md", name.to_lowercase().replace(' ', "-")));
    let (_, block) = page.split_once("```sh\n").unwrap();
    block.split_once("\n```").unwrap().0.to_owned()
}

/// What stands in a recipe becomes what is here.
#[track_caller]
pub fn changed(recipe: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(recipe.to_owned(), |recipe, (from, to)| {
        assert!(recipe.contains(from), "`{from}` is not in: {recipe}");
        recipe.replace(from, to)
    })
}

/// A shell for the recipe, in the world's directory.
pub fn shell(world: &World, script: &str) -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_spoutctl")).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script])
        .current_dir(world.directory.path())
        .env("PATH", format!("{}:{path}", binary.display()))
        .env("PACHD_ADDRESS", format!("local:{}", world.path("store").display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Something that goes on until it is dropped, in a process group of its own.
pub struct Running(Child);

impl Running {
    pub fn start(mut command: Command) -> Self {
        Self(command.process_group(0).spawn().unwrap())
    }

    fn tell(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // `put` ends its own consumer then.
        self.tell(Signal::TERM);
        std::thread::sleep(Duration::from_millis(300));
        self.tell(Signal::KILL);
        let _ = self.0.wait();
    }
}

/// Waits until the file in the repo is this.
#[track_caller]
fn wait_for(world: &World, source: &str, expected: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ran = world.run(&["get", source]);
        if ran.text() == expected {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{source} is {:?}; {}",
            ran.text(),
            ran.stderr
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn wait_for_port(port: u16) {
    wait_until(&format!("somebody listens at {port}"), || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
}

#[test]
fn files_that_are_put_into_a_directory_become_commits() {
    if !has_program("inotifywait") {
        return skip("inotifywait is not installed");
    }
    let world = World::local();
    fs::create_dir(world.path("incoming")).unwrap();
    let _running = Running::start(shell(&world, &recipe("Files")));
    // What is there before it watches is not seen: the same is written until it is.
    let deadline = Instant::now() + PATIENCE;
    while world.run(&["get", "files:/a b"]).text() != "content" {
        assert!(Instant::now() < deadline, "it is never seen");
        fs::write(world.path("new"), "content").unwrap();
        fs::rename(world.path("new"), world.path("incoming").join("a b")).unwrap();
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_directory_of_tar_files_becomes_commits_of_a_thousand_once() {
    let world = World::local();
    fs::create_dir(world.path("backlog")).unwrap();
    for number in 0..1002 {
        let file = world.path("backlog").join(format!("{number:04}.tar"));
        fs::write(
            file,
            tar(&[
                (&format!("f/{number}"), b"x"),
                ("newest", number.to_string().as_bytes()),
            ]),
        )
        .unwrap();
    }
    for _ in 0..2 {
        assert!(shell(&world, &recipe("Tar files")).status().unwrap().success());
    }
    assert_eq!(world.get("backlog:/newest"), b"1001");
    let followed = world.run(&["tail", "backlog", "--from", "beginning", "--timeout", "1s"]);
    assert_eq!(followed.expect(0).lines().len(), 2);
}

#[test]
fn a_log_file_is_followed() {
    let world = World::local();
    fs::write(world.path("app.log"), "one\n").unwrap();
    let _running = Running::start(shell(&world, &recipe("A log file")));
    wait_for(&world, "logs:/app.log", "one\n");
    let mut log = fs::File::options().append(true).open(world.path("app.log")).unwrap();
    log.write_all(b"two\n").unwrap();
    wait_for(&world, "logs:/app.log", "one\ntwo\n");
}

#[test]
fn what_is_posted_to_a_webhook_is_committed_and_no_body_that_was_cut_and_no_silent_sender_stops_it() {
    if !has_program("python3") {
        return skip("python3 is not installed");
    }
    let world = World::local();
    let port = free_port();
    let script = changed(
        &recipe("Webhooks"),
        &[("8080", &port.to_string()), ("timeout = 10", "timeout = 3")],
    );
    let _running = Running::start(shell(&world, &script));
    wait_for_port(port);
    let send = |body: &[u8]| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let request = [b"POST / HTTP/1.0\r\ncontent-length: 9\r\n\r\n".as_slice(), body].concat();
        stream.write_all(&request).unwrap();
        stream
    };
    let answer_on = |mut stream: TcpStream| {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let silent = send(b"{\"half\"");
    let cut = send(b"{\"cut\"");
    cut.shutdown(Shutdown::Write).unwrap();
    let whole = answer_on(send(b"{\"a\":\n 1}"));
    assert!(whole.contains(" 202 "), "{whole}");
    assert_eq!(answer_on(cut), "", "a body that was cut has no answer");
    assert_eq!(answer_on(silent), "", "a body that did not come has no answer");
    wait_for(&world, "hooks:/hooks.jsonl", "{\"a\":  1}\n");
}

#[test]
fn what_is_published_over_mqtt_is_committed() {
    if !["mosquitto", "mosquitto_sub", "mosquitto_pub"]
        .into_iter()
        .all(has_program)
    {
        return skip("mosquitto and its clients are not installed");
    }
    let world = World::local();
    let port = free_port();
    let mut broker = Command::new("mosquitto");
    broker
        .args(["-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _broker = Running::start(broker);
    wait_for_port(port);
    let script = changed(
        &recipe("MQTT"),
        &[("-h mqtt", "-h 127.0.0.1"), ("1883", &port.to_string())],
    );
    let _running = Running::start(shell(&world, &script));
    // Nothing is kept for a client that was never there: the same is published until it is seen.
    let deadline = Instant::now() + PATIENCE;
    while !world.run(&["get", "sensors:/readings.jsonl"]).text().contains("21.5") {
        assert!(Instant::now() < deadline, "it is never seen");
        let published = Command::new("mosquitto_pub")
            .args([
                "-p",
                &port.to_string(),
                "-q",
                "1",
                "-t",
                "sensors/kitchen",
                "-m",
                "21.5",
            ])
            .status();
        assert!(published.unwrap().success());
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn entries_of_a_redis_stream_are_committed_once_each() {
    if !["redis-server", "redis-cli", "python3"].into_iter().all(has_program) {
        return skip("redis-server, redis-cli or python3 is not installed");
    }
    let world = World::local();
    let port = free_port().to_string();
    let mut server = Command::new("redis-server");
    server.args(["--port", &port, "--save", ""]).stdout(Stdio::null());
    let _server = Running::start(server);
    wait_for_port(port.parse().unwrap());
    let add = |value: &str| {
        let added = Command::new("redis-cli")
            .args(["-p", &port, "XADD", "events", "*", "v", value])
            .output();
        String::from_utf8(added.unwrap().stdout).unwrap().trim().to_owned()
    };
    let changes = [("redis://redis:6379", &*format!("redis://127.0.0.1:{port}"))];
    let script = changed(&recipe("Redis"), &changes);
    for value in ["1", "two words"] {
        let before = add("before it runs");
        let running = Running::start(shell(&world, &script));
        let line = |id: &str, value: &str| format!("[\"{id}\", [\"v\", \"{value}\"]]\n");
        // Each commit replaces the file of the one before.
        wait_for(&world, "events:/events.jsonl", &line(&before, "before it runs"));
        let id = add(value);
        wait_for(&world, "events:/events.jsonl", &line(&id, value));
        drop(running);
        assert_eq!(fs::read_to_string(world.path("position")).unwrap().trim(), id);
    }
}
