//! gRPC end to end: `serve` and the client over it, a spout's sidecar, and what an upload that breaks leaves.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::runner::{Killed, Ran, World, fixture_bytes, signal, tar};
use crate::served::Served;

fn world(served: &Served) -> World {
    World::at(&format!("grpc://{}", served.authority))
}

#[test]
fn what_is_put_through_one_door_is_read_through_the_other() {
    let served = Served::start();
    let grpc = world(&served);
    let http = World::at(&served.url());
    let ran = grpc.run_with(
        &["put", "events", "--create-repo"],
        &fixture_bytes("archives/three.tar"),
    );
    assert_eq!(ran.expect(0).commits().len(), 3);
    assert_eq!(grpc.get("events:/offset"), http.get("events:/offset"));
    let archive = |world: &World| world.run(&["get", "events", "--tar"]).expect(0).stdout.clone();
    assert_eq!(archive(&grpc), archive(&http));
    assert_eq!(grpc.run(&["get", "events:/nope"]).code, Some(1));
}

#[test]
fn a_large_file_comes_through_both_ways() {
    let served = Served::start();
    let grpc = world(&served);
    let data: Vec<u8> = (0..5_000_000_u32).flat_map(u32::to_le_bytes).collect();
    grpc.run_with(&["put", "big", "--create-repo"], &tar(&[("f", &data)]))
        .expect(0);
    assert!(grpc.get("big:/f") == data);
}

#[test]
fn a_server_with_a_token_wants_it_in_both_doors() {
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, "secret\n").unwrap();
    let served = Served::over(
        &directory.path().join("store"),
        &["--token-file", token.to_str().unwrap()],
    );
    let put = ["put", "events", "--create-repo"];
    let input = fixture_bytes("archives/three.tar");
    world(&served)
        .run_with(&put, &input)
        .expect(4)
        .says("no authentication token");
    world(&served)
        .with_token(Some("wrong".to_owned()))
        .run_with(&put, &input)
        .expect(4)
        .says("auth token");
    world(&served)
        .with_token(Some("secret".to_owned()))
        .run_with(&put, &input)
        .expect(0);
}

/// `serve --as-spout`, and the environment that it prints.
pub struct Sidecar {
    _child: Killed,
    pub environment: Vec<(String, String)>,
}

impl Sidecar {
    fn start(store: &std::path::Path) -> Self {
        Self::of(store, "team/my-spout")
    }

    pub fn of(store: &std::path::Path, spout: &str) -> Self {
        let serve = Command::new(env!("CARGO_BIN_EXE_spoutctl"))
            .args(["serve", "--listen", "127.0.0.1:0", "--as-spout", spout])
            .arg(store)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = Killed(serve.unwrap());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(4);
        let pair = |line: std::io::Result<String>| {
            let line = line.unwrap();
            let (name, value) = line.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        };
        let environment = lines.map(pair).collect();
        Self {
            _child: child,
            environment,
        }
    }

    /// Where it listens.
    pub fn port(&self) -> &str {
        let (_, port) = self.environment.iter().find(|(name, _)| name == "PEER_PORT").unwrap();
        port
    }

    /// The binary in the spout's container.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = World::local().command(args);
        // Somebody else's address: in a pod the sidecar comes first.
        command
            .env("PACHD_ADDRESS", "grpc://127.0.0.1:1")
            .envs(self.environment.iter().cloned());
        command
    }

    pub fn run(&self, args: &[&str], input: &[u8]) -> Ran {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Ran::from(child.wait_with_output().unwrap())
    }
}

#[test]
fn in_its_pod_a_spout_writes_its_own_repo_without_naming_it() {
    let directory = tempfile::tempdir().unwrap();
    let sidecar = Sidecar::start(&directory.path().join("store"));
    let ran = sidecar.run(&["put"], &fixture_bytes("archives/three.tar"));
    ran.expect(0);
    assert!(
        ran.commits().iter().all(|commit| commit.starts_with("team/my-spout@")),
        "{}",
        ran.text()
    );
    assert_eq!(
        sidecar.run(&["get", "team/my-spout:/offset"], b"").expect(0).stdout,
        b"72\n"
    );
    // A second repo, by its name.
    sidecar
        .run(&["put", "other", "--create-repo"], &tar(&[("f", b"x")]))
        .expect(0);
    // Its HTTP door is shut, as a real one's.
    let port = &sidecar
        .environment
        .iter()
        .find(|(name, _)| name == "PEER_PORT")
        .unwrap()
        .1;
    World::at(&format!("http://127.0.0.1:{port}"))
        .run(&["get", "other:/f"])
        .expect(4);
}

#[test]
fn outside_of_a_pod_a_destination_is_asked_for() {
    World::local()
        .run(&["put"])
        .expect(2)
        .says("nothing says where the commits go");
}

#[test]
fn what_a_killed_container_left_open_is_given_up_by_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let sidecar = Sidecar::start(&directory.path().join("store"));
    sidecar.run(&["put"], &tar(&[("f", b"1")])).expect(0);
    // Killed while it reads, after its first commit; what it may have begun is not known to anybody.
    let mut child = sidecar.command(&["put"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&tar(&[("f", b"2")])).unwrap();
    stdin.write_all(&tar(&[("f", b"3")])[..700]).unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("team/my-spout@"), "{line}");
    signal(child.id(), Signal::KILL);
    child.wait().unwrap();
    sidecar.run(&["put"], &tar(&[("f", b"4")])).expect(0);
    assert_eq!(sidecar.run(&["get", "team/my-spout:/f"], b"").expect(0).stdout, b"4");
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header that is in no table.
fn header(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat();
    [&[0][..], &text(name), &text(value)].concat()
}

/// A field of a message: bytes of less than 128.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()][..], bytes].concat()
}

fn message(bytes: &[u8]) -> Vec<u8> {
    [&[0][..], &u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

/// A `ModifyFile` with one whole file, up to its end; what comes then is the test's.
fn half_an_upload(served: &Served, branch: &str) -> TcpStream {
    let repo = [field(1, b"a"), field(2, b"user"), field(3, &field(1, b"default"))].concat();
    let branch = [field(1, &repo), field(2, branch.as_bytes())].concat();
    let set_commit = field(1, &field(1, &branch));
    let add_file = field(2, &[field(1, b"/f"), field(3, &field(1, b"hello"))].concat());
    let head = [
        header(":method", "POST"),
        header(":scheme", "http"),
        header(":path", "/pfs_v2.API/ModifyFile"),
        header(":authority", &served.authority),
        header("content-type", "application/grpc"),
        header("te", "trailers"),
    ];
    let mut stream = served.connect();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    stream.write_all(&frame(4, 0, 0, b"")).unwrap();
    stream.write_all(&frame(1, 4, 1, &head.concat())).unwrap();
    stream
        .write_all(&frame(0, 0, 1, &[message(&set_commit), message(&add_file)].concat()))
        .unwrap();
    // Taken before what ends it comes.
    std::thread::sleep(Duration::from_millis(300));
    stream
}

#[test]
fn only_an_upload_that_comes_to_its_end_makes_a_commit() {
    const CANCEL: u32 = 8;
    const NO_ERROR: u32 = 0;
    const INTERNAL_ERROR: u32 = 2;
    let served = Served::start();
    let world = world(&served);
    world
        .run_with(&["put", "a", "--create-repo"], &tar(&[("first", b"1")]))
        .expect(0);
    let is_there = |branch: &str| world.run(&["get", &format!("a@{branch}:/f")]).code == Some(0);
    for (name, reason) in [("cancelled", CANCEL), ("none", NO_ERROR), ("internal", INTERNAL_ERROR)] {
        let mut stream = half_an_upload(&served, name);
        stream.write_all(&frame(3, 0, 1, &reason.to_be_bytes())).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        assert!(!is_there(name), "{name}");
    }
    drop(half_an_upload(&served, "dropped"));
    std::thread::sleep(Duration::from_millis(300));
    assert!(!is_there("dropped"));
    let mut stream = half_an_upload(&served, "whole");
    stream.write_all(&frame(0, 1, 1, b"")).unwrap();
    // Until something of the answer has come.
    let mut answer = vec![0; 100];
    while !answer.windows(11).any(|window| window == b"grpc-status") && !is_there("whole") {
        let length = stream.read(&mut answer).unwrap();
        assert!(length > 0, "the connection was closed");
    }
    assert!(is_there("whole"));
}
