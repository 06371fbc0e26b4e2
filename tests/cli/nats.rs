//! NATS itself: a server of the test's own, and `nats`, its client, as the consumer.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::recipes::{Running, recipe, shell};
use crate::runner::{Killed, World, free_port, has_program, skip, wait_until};

/// Where the client is, when there is a server, too.
pub fn client() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|directory| directory.join("nats"))
        .find(|program| program.exists());
    if found.is_none() || !has_program("nats-server") {
        skip("no nats-server and nats are installed");
        return None;
    }
    found
}

/// A server of the test's own, until it is dropped.
pub struct Server {
    _child: Killed,
    pub url: String,
    /// The port at which it tells of its clients.
    monitor: u16,
    _directory: tempfile::TempDir,
}

impl Server {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [port, monitor] = [free_port(), free_port()];
        let [port_is, monitor_is] = [port, monitor].map(|port| port.to_string());
        let child = Command::new("nats-server")
            .args(["-a", "127.0.0.1", "-p", &port_is, "-m", &monitor_is])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(directory.path().join("log")).unwrap())
            .spawn();
        let server = Self {
            _child: Killed(child.unwrap()),
            url: format!("nats://127.0.0.1:{port}"),
            monitor,
            _directory: directory,
        };
        wait_until("NATS comes", || {
            server.connections().is_some() && TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        server
    }

    /// Whether it has taken the message.
    pub fn publish(&self, subject: &str, message: &str) -> bool {
        let published = Command::new("nats")
            .args(["pub", subject, message])
            .env("NATS_URL", &self.url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        published.unwrap().success()
    }

    /// The names of those who listen to this subject, by which they have logged in.
    pub fn listeners(&self, subject: &str) -> Vec<String> {
        let connections = self.connections().unwrap();
        let all = connections["connections"].as_array().unwrap().iter();
        let listening = all.filter(|connection| {
            let subjects = connection["subscriptions_list"].as_array();
            subjects.is_some_and(|subjects| subjects.contains(&Value::from(subject)))
        });
        let name = |connection: &Value| connection["authorized_user"].as_str().unwrap_or_default().to_owned();
        listening.map(name).collect()
    }

    fn connections(&self) -> Option<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.monitor)).ok()?;
        stream
            .write_all(b"GET /connz?auth=1&subs=1 HTTP/1.0\r\nhost: localhost\r\n\r\n")
            .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }
}

#[test]
fn what_is_published_to_a_subject_is_committed() {
    if client().is_none() {
        return;
    }
    let server = Server::start();
    let world = World::local();
    let mut command = shell(&world, &recipe("NATS"));
    command.env("NATS_URL", &server.url);
    let _running = Running::start(command);
    wait_until("somebody listens", || !server.listeners("orders.>").is_empty());
    for message in ["{\"order\": 1}", "two"] {
        assert!(server.publish("orders.new", message));
    }
    assert!(server.publish("other", "not this"));
    let mut seen = Vec::new();
    wait_until("both messages are committed", || {
        let tail = world.run(&["tail", "subjects", "--from", "beginning", "-e", "--format", "{id}"]);
        let of_one = |id: &String| world.get(&format!("subjects@{id}:/messages.jsonl"));
        seen = tail.lines().iter().flat_map(of_one).collect();
        seen.ends_with(b"two\n")
    });
    assert_eq!(seen, b"{\"order\": 1}\ntwo\n");
}
