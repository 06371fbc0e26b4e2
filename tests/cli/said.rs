//! When it was said and to whom: `--log-format`, and what a service manager is told.

use std::io::{BufRead as _, BufReader, Write};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use regex::Regex;
use rustix::process::Signal;
use serde_json::Value;

use crate::runner::{World, fixture, has_program, signal, skip, tar, words};
use crate::served::Served;

const TORN: &[u8] = b"this is no archive, and there is no end to it either";

fn lines_of(output: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(output).lines().map(str::to_owned).collect()
}

/// What a `put` of something that is no archive says on standard error.
fn said(world: &World, args: &[&str], env: &[(&str, &str)]) -> Vec<String> {
    let args = [&["put", "events", "--create-repo"], args].concat();
    let mut command = world.command(&args);
    let mut child = command.envs(env.iter().copied()).stdin(Stdio::piped()).spawn().unwrap();
    let written = child.stdin.take().unwrap().write_all(TORN);
    written.unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
    lines_of(&ended.stderr)
}

#[test]
fn each_line_begins_with_the_time_where_that_is_wanted() {
    let time = Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ").unwrap();
    let world = World::local();
    let timed = said(&world, &["--log-format", "timed"], &[]);
    assert!(
        timed.len() > 1 && timed.iter().all(|line| time.is_match(line)),
        "{timed:?}"
    );
    // By a variable, too; and in a spout's pod by itself, but not where one is only played.
    assert!(time.is_match(&said(&world, &[], &[("SPOUTCTL_LOG_FORMAT", "timed")])[0]));
    let pod = [("PPS_PIPELINE_NAME", "events"), ("KUBERNETES_SERVICE_HOST", "10.0.0.1")];
    assert!(time.is_match(&said(&world, &[], &pod)[0]));
    let played = said(&world, &[], &pod[..1]);
    assert!(played.iter().all(|line| !time.is_match(line)), "{played:?}");
    let told = said(&world, &["--log-format", "text"], &pod);
    assert!(told[0].starts_with("error: "), "{told:?}");
}

#[test]
fn an_error_is_one_object_with_its_code_and_its_archive() {
    let world = World::local();
    let lines = said(&world, &["--log-format", "json"], &[]);
    let objects: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let error = objects.last().unwrap();
    assert_eq!(error["level"], "error", "{error}");
    assert_eq!(error["code"], 3);
    assert_eq!(error["archive"], 1);
    assert!(!error["message"].as_str().unwrap().starts_with("error"), "{error}");
    let time: jiff::Timestamp = error["time"].as_str().unwrap().parse().unwrap();
    assert!(time.duration_until(jiff::Timestamp::now()).as_secs() < 600, "{time}");
}

/// What a `put` of one archive says with this flag of verbosity, to a server behind this address.
fn said_of_one(address: &str, verbosity: &str) -> Vec<String> {
    let world = World::at(address).with_token(Some("token-that-nobody-may-see".to_owned()));
    let ran = world.run_with(
        &["put", "events", "--create-repo", verbosity],
        &tar(&[("secret-name", b"x")]),
    );
    lines_of(ran.expect(0).stderr.as_bytes())
}

#[test]
fn verbose_says_the_time_of_each_step_and_very_verbose_each_call_and_nothing_of_what_is_in_it() {
    let steps =
        Regex::new(r"^archive 1: upload [\d,]+ ms, start [\d,]+ ms, add [\d,]+ ms, close [\d,]+ ms, finish ").unwrap();
    let call = Regex::new(r"^pfs_v2.API/StartCommit: [\d,]+ ms$").unwrap();
    let served = Served::start();
    for address in [served.url(), served.url().replace("http://", "grpc://")] {
        let verbose = said_of_one(&address, "-v");
        assert!(verbose.iter().any(|line| steps.is_match(line)), "{verbose:?}");
        assert!(!verbose.iter().any(|line| line.contains("API/")), "{verbose:?}");
        let calls = said_of_one(&address, "-vv");
        assert!(calls.iter().any(|line| steps.is_match(line)), "{calls:?}");
        assert!(calls.iter().any(|line| call.is_match(line)), "{calls:?}");
        for secret in ["token-that-nobody-may-see", "secret-name"] {
            assert!(!calls.iter().any(|line| line.contains(secret)), "{calls:?}");
        }
    }
    // A call that fails is said with its words.
    let world = World::at(&served.url().replace("http://", "grpc://"));
    let ran = world.run_with(&["put", "none", "-vv"], &tar(&[("f", b"x")]));
    ran.expect(4).says("pfs_v2.API/InspectRepo: ").says(", failed: ");
    let tail = world.run(&["tail", "events", "-e", "-vv"]);
    tail.expect(0).says("pfs_v2.API/ListCommit: ");
}

#[test]
fn an_archive_that_is_left_out_is_named_in_its_warning() {
    let world = World::local();
    let args = words("put events --create-repo --on-bad skip --log-format json");
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Fifo);
    header.set_size(0);
    archive.append_data(&mut header, "pipe", &b""[..]).unwrap();
    let ran = world.run_with(&args, &archive.into_inner().unwrap());
    let warning = ran
        .stderr
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|line| line["level"] == "warning");
    assert_eq!(
        warning.as_ref().map(|warning| &warning["archive"]),
        Some(&1.into()),
        "{warning:?}"
    );
}

/// The messages that a service manager got.
struct Manager {
    socket: UnixDatagram,
    path: std::path::PathBuf,
}

impl Manager {
    fn listening(world: &World) -> Self {
        let path = world.path("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        Self { socket, path }
    }

    /// Waits for a message with this line.
    #[track_caller]
    fn wait_for(&self, what: &str) -> String {
        let mut seen = Vec::new();
        loop {
            let mut buffer = [0; 4096];
            let length = self
                .socket
                .recv(&mut buffer)
                .unwrap_or_else(|error| panic!("{what}: {error}; {seen:?}"));
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.lines().any(|line| line.starts_with(what)) {
                return text;
            }
            seen.push(text);
        }
    }
}

#[test]
fn a_service_manager_is_told_that_it_runs_how_it_goes_and_that_it_ends() {
    let world = World::local();
    let manager = Manager::listening(&world);
    let args = words("put events --create-repo --messages lines --into f --batch-count 1");
    let mut child = world
        .command(&args)
        .env("NOTIFY_SOCKET", &manager.path)
        .env("WATCHDOG_USEC", "400000")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let ready = manager.wait_for("READY=1");
    assert!(ready.contains("STATUS=0 commits"), "{ready}");
    manager.wait_for("WATCHDOG=1");
    child.stdin.as_mut().unwrap().write_all(b"one\n").unwrap();
    manager.wait_for("STATUS=1 commit, 4 B");
    signal(child.id(), Signal::TERM);
    manager.wait_for("STOPPING=1");
    child.wait().unwrap();
}

#[test]
fn a_start_does_not_wait_for_a_pachd_that_takes_connections_and_says_nothing() {
    let world = World::local();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let manager = Manager::listening(&world);
    // A call is waited for longer than this.
    manager.socket.set_read_timeout(Some(Duration::from_secs(50))).unwrap();
    let address = format!("grpc://{}", silent.local_addr().unwrap());
    let args = words("put events@live --messages lines --into f --batch-count 1 --json --spool");
    let mut child = world
        .command(&[&args[..], &[world.path("spool").to_str().unwrap()]].concat())
        .env("NOTIFY_SOCKET", &manager.path)
        .env("SPOUTCTL_PACHD", address)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    manager.wait_for("READY=1");
    child.stdin.as_mut().unwrap().write_all(b"one\n").unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.contains(r#""type":"spooled""#), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// What each write of a process was, if its output goes there.
fn writes(socket: &UnixDatagram, child: &mut Child) -> Vec<String> {
    socket.set_nonblocking(true).unwrap();
    let (mut writes, mut buffer) = (Vec::new(), vec![0; 256 << 10]);
    loop {
        let has_ended = child.try_wait().unwrap().is_some();
        while let Ok(length) = socket.recv(&mut buffer) {
            writes.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
        }
        if has_ended {
            return writes;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_line_is_one_write_so_that_others_may_write_into_the_same_pipe() {
    let world = World::local();
    // Its name makes a long line of the acknowledgement.
    let directory = (0..6).fold(world.directory.path().to_owned(), |path, _| path.join("d".repeat(200)));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("one.tar");
    std::fs::write(&file, tar(&[("x", b"1")])).unwrap();
    for of_errors in [false, true] {
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        let theirs = Stdio::from(OwnedFd::from(theirs));
        let mut command = world.command(&words("put events --create-repo --json -v --log-format json -f"));
        command.arg(&file).stdin(Stdio::null());
        if of_errors {
            command.stdout(Stdio::null()).stderr(theirs);
        } else {
            command.stdout(theirs).stderr(Stdio::null());
        }
        let writes = writes(&ours, &mut command.spawn().unwrap());
        assert!(!writes.is_empty(), "nothing was said, of errors: {of_errors}");
        assert!(of_errors || writes[0].len() > 1200, "{writes:?}");
        for line in &writes {
            assert!(line.ends_with('\n'), "{writes:?}");
            serde_json::from_str::<Value>(line).unwrap();
        }
    }
}

#[test]
fn systemd_has_nothing_against_the_unit() {
    if !has_program("systemd-analyze") {
        return skip("no systemd-analyze (Debian's systemd)");
    }
    let directory = tempfile::tempdir().unwrap();
    // Verified as what an instance of it would be.
    let unit = directory.path().join("spoutctl@orders.service");
    std::fs::copy(fixture("../dist/systemd/spoutctl@.service"), &unit).unwrap();
    let ended = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .arg(&unit)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    let of_ours: Vec<&str> = said.lines().filter(|line| line.contains("spoutctl")).collect();
    assert!(ended.status.success() && of_ours.is_empty(), "{said}");
}
