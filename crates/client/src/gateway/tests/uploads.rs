//! `CreateFileSet` under servers that answer early, stop reading, or go away.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::sleep;
use std::time::Duration;

use base64::Engine;
use serde_json::Value;

use super::List;
use super::scripted::{Connection, Recording, Server, answer, json};
use spoutctl_core::fault::FaultKind;
use spoutctl_core::sink::{Change, Changes, CommitSink, MAX_CHUNK};

const FILE_SET: &str = r#"{"fileSetId":"1.2"}"#;

/// Appends `left` pieces to one file, then ends or fails.
struct Pieces {
    left: usize,
    data: bytes::Bytes,
    given: Arc<AtomicU64>,
    fails: bool,
}

impl Pieces {
    fn new(left: usize) -> Self {
        Self {
            left,
            data: (0..MAX_CHUNK).map(|i| u8::try_from(i % 251).unwrap()).collect(),
            given: Arc::default(),
            fails: false,
        }
    }
}

impl Changes for Pieces {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        if self.left == 0 {
            return if self.fails {
                Err(io::Error::other("the disk is on fire"))
            } else {
                Ok(None)
            };
        }
        self.left -= 1;
        self.given.fetch_add(MAX_CHUNK as u64, Ordering::Relaxed);
        Ok(Some(Change::Append {
            path: "/big",
            data: self.data.clone(),
        }))
    }
}

fn append<'a>(path: &'a str, data: &[u8]) -> Change<'a> {
    Change::append(path, data.to_vec())
}

/// Reads a piece of the body, answers, and leaves with the rest unread.
fn answering_early(bytes: Vec<u8>) -> Server {
    Server::start(move |connection: &mut Connection| {
        let Some(head) = connection.head()? else {
            return Ok(());
        };
        let announced: Option<u64> = head.header("content-length").map(|length| length.parse().unwrap());
        if announced.is_none() {
            let mut read = 0;
            // Stops after a piece by failing; what the client sent beyond stays unread.
            let mut buffer = [0; 16 * 1024];
            while read < MAX_CHUNK {
                read += io::Read::read(&mut connection.stream, &mut buffer)?;
            }
        }
        connection.send(&bytes)
    })
}

#[test]
fn changes_become_lines_that_hold_the_same_bytes() {
    let server = Server::answering([json(FILE_SET)]);
    let odd = "/q\"\\r";
    let long: Vec<u8> = (0..MAX_CHUNK - 1).map(|i| u8::try_from(i % 256).unwrap()).collect();
    let changes = [
        Change::Delete { path: odd },
        append(odd, b""),
        append(odd, &long),
        append("/b", b"x"),
    ];
    let id = server.gateway().create_file_set(&mut List::new(&changes)).unwrap();
    assert_eq!(id.0, "1.2");
    let body = server.seen().remove(0).body;
    let lines: Vec<Value> = body
        .split(|&b| b == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(lines.len(), changes.len());
    assert_eq!(lines[0]["deleteFile"]["path"], odd);
    assert_eq!(lines[1], serde_json::json!({"addFile": {"path": odd}}));
    let raw = lines[2]["addFile"]["raw"].as_str().unwrap();
    assert!(base64::engine::general_purpose::STANDARD.decode(raw).unwrap() == long);
    assert_eq!(lines[3], serde_json::json!({"addFile": {"path": "/b", "raw": "eA=="}}));
}

#[test]
fn many_small_files_share_few_chunks_of_the_body() {
    let chunks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&chunks);
    let server = Server::start(move |connection| {
        let head = connection.head()?.unwrap();
        connection.body(&head, &mut |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        })?;
        connection.send(&json(FILE_SET))
    });
    let paths: Vec<String> = (0..10_000).map(|i| format!("/dir/{i:05}")).collect();
    let changes: Vec<_> = paths.iter().map(|path| append(path, b"some bytes")).collect();
    server.gateway().create_file_set(&mut List::new(&changes)).unwrap();
    let chunks = chunks.load(Ordering::Relaxed);
    assert!((2..10).contains(&chunks), "{chunks} chunks for half a megabyte");
}

#[test]
fn a_refusal_that_comes_while_we_write_is_what_is_reported() {
    let html = "Content-Type: text/html\r\nConnection: close\r\n";
    let denied = Recording::load("auth 001");
    for (bytes, kind, words) in [
        (
            answer("413 Too Large", html, "too much"),
            FaultKind::TooLarge,
            "HTTP 413",
        ),
        (denied.response(), FaultKind::Denied, "no authentication token"),
        (
            answer("302 Found", "Location: https://login.example.com/\r\n", ""),
            FaultKind::Refused,
            "https://login.example.com/",
        ),
    ] {
        let server = answering_early(bytes);
        let gateway = server.gateway();
        // The moment differs from run to run.
        for _ in 0..8 {
            let fault = gateway.create_file_set(&mut Pieces::new(32)).unwrap_err();
            assert_eq!(fault.kind, kind, "{fault}");
            assert!(fault.message.contains(words), "{fault}");
        }
    }
}

#[test]
fn a_refusal_lost_with_its_connection_is_asked_for_again() {
    let server = Server::start(|connection| {
        let head = connection.head()?.unwrap();
        if head.header("content-length").is_some() {
            return connection.send(&answer("413 Too Large", "", ""));
        }
        // Leaves without a word, the body unread.
        let mut some = [0; 1024];
        io::Read::read_exact(&mut connection.stream, &mut some)
    });
    let fault = server.gateway().create_file_set(&mut Pieces::new(8)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::TooLarge, "{fault}");
}

#[test]
fn a_connection_reset_in_the_middle_says_how_far_it_was_and_may_be_tried_again() {
    let server = Server::start(|connection| {
        connection.head()?;
        let mut some = [0; 1024];
        io::Read::read_exact(&mut connection.stream, &mut some)
    });
    let fault = server.gateway().create_file_set(&mut Pieces::new(8)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.message.contains("bytes of the body)"), "{fault}");
    assert!(
        fault.message.starts_with("CreateFileSet: the connection to 127.0.0.1:"),
        "{fault}"
    );
}

#[test]
fn changes_that_fail_break_the_upload_off_and_never_end_it() {
    let (told, ends) = mpsc::channel();
    let server = Server::start(move |connection| {
        let head = connection.head()?.unwrap();
        let mut read = 0;
        let end = connection.body(&head, &mut |data| read += data.len());
        told.send((end.is_ok(), read)).unwrap();
        connection.send(&json(FILE_SET))
    });
    let gateway = server.gateway();
    // More of them than wait for a connection.
    for pieces in [0, 16, 48] {
        let mut changes = Pieces {
            fails: true,
            ..Pieces::new(pieces)
        };
        let fault = gateway.create_file_set(&mut changes).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Local);
        assert!(fault.message.contains("the disk is on fire"), "{fault}");
        match ends.recv_timeout(Duration::from_secs(5)) {
            Ok((ended, _)) => assert!(!ended, "the body of {pieces} pieces ended as if it were complete"),
            Err(_) => assert_eq!(pieces, 0, "with nothing sent there may be no connection"),
        }
    }
}

#[test]
fn an_upload_waits_for_a_slow_server_with_little_in_hand() {
    const TOTAL: usize = 256;
    let (go, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let read = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&read);
    let server = Server::start(move |connection| {
        let head = connection.head()?.unwrap();
        let _ = super::scripted::lock(&wait).recv();
        connection.body(&head, &mut |data| {
            counted.fetch_add(data.len() as u64, Ordering::Relaxed);
        })?;
        connection.send(&json(FILE_SET))
    });
    let gateway = server.gateway();
    let mut changes = Pieces::new(TOTAL);
    let given = Arc::clone(&changes.given);
    let upload = std::thread::spawn(move || gateway.create_file_set(&mut changes));
    let mut before = u64::MAX;
    while before != given.load(Ordering::Relaxed) {
        before = given.load(Ordering::Relaxed);
        sleep(Duration::from_millis(200));
    }
    // Our own three megabytes, and what the system's sockets hold of a loopback connection.
    assert!(before > 0);
    assert!(before < 16 << 20, "{before} bytes were taken while nobody read");
    go.send(()).unwrap();
    upload.join().unwrap().unwrap();
    let text = read.load(Ordering::Relaxed);
    let data = (TOTAL * MAX_CHUNK) as u64;
    assert!(
        text > data / 3 * 4 && text < data / 3 * 4 + TOTAL as u64 * 100,
        "{text}"
    );
}

#[test]
fn an_upload_that_nobody_takes_ends_by_itself() {
    let server = Server::start(|connection| {
        connection.head()?;
        sleep(Duration::from_secs(10));
        Ok(())
    });
    let gateway = server.impatient_gateway();
    let fault = gateway.create_file_set(&mut Pieces::new(256)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.message.contains("no progress"), "{fault}");
}

#[test]
fn an_upload_that_is_never_answered_ends_by_itself() {
    let server = Server::start(|connection| {
        connection.request()?;
        sleep(Duration::from_secs(10));
        Ok(())
    });
    let gateway = server.impatient_gateway();
    let fault = gateway.create_file_set(&mut Pieces::new(0)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable, "{fault}");
}

#[test]
fn a_message_over_the_servers_limit_is_too_large() {
    let server = Server::answering([Recording::load("gateway 005").response()]);
    let fault = server.gateway().create_file_set(&mut Pieces::new(1)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::TooLarge);
}
