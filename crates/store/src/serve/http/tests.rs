//! What takes too long for the binary's own tests.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use super::*;
use crate::Store;
use spoutctl_core::pfs::Repo;
use spoutctl_core::sink::{Change, Changes, MAX_CHUNK};

/// A file of one piece after the other.
struct Large {
    piece: bytes::Bytes,
    left: usize,
}

impl Changes for Large {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        self.left = self.left.saturating_sub(1);
        Ok((self.left > 0).then_some(Change::Append {
            path: "/large",
            data: self.piece.clone(),
        }))
    }
}

struct Told(Sender<Answered>);

impl Observer for Told {
    fn answered(&self, request: &Answered) {
        let _ = self.0.send(request.clone());
    }
}

/// A store with a file that no socket's buffers hold.
fn store(dir: &std::path::Path) -> Store {
    use spoutctl_core::sink::CommitSink;
    let store = Store::open(dir).unwrap();
    let destination: spoutctl_core::pfs::Destination = "events".parse().unwrap();
    let repo: &Repo = &destination.branch.repo;
    store.create_repo(repo).unwrap();
    let mut large = Large {
        piece: vec![7; MAX_CHUNK].into(),
        left: 256,
    };
    let file_set = store.create_file_set(&mut large).unwrap();
    let id = store.start_commit(&destination.branch, "").unwrap();
    let commit = spoutctl_core::pfs::Commit {
        repo: repo.clone(),
        branch: destination.branch.name.clone(),
        id,
    };
    store.add_file_set(&commit, &file_set).unwrap();
    store.finish_commit(&commit, "", None).unwrap();
    store
}

#[test]
fn a_client_that_takes_nothing_of_its_answer_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let service = Arc::new(Service::new(store(dir.path())).unwrap());
    let (sender, answered) = channel();
    let options = Options {
        idle_limit: Duration::from_millis(300),
        ..Options::default()
    };
    let address = "127.0.0.1:0".parse().unwrap();
    let server = Server::bind(service, address, options, Arc::new(Told(sender))).unwrap();
    let (address, stop) = (server.address(), server.stop_handle());
    let running = std::thread::spawn(move || server.run());

    let mut client = TcpStream::connect(address).unwrap();
    let request = format!("GET /pfs/default/events/master/large HTTP/1.1\r\nHost: {address}\r\n\r\n");
    client.write_all(request.as_bytes()).unwrap();
    // It takes the beginning and then nothing more.
    client.read_exact(&mut [0; 1000]).unwrap();
    let begun = Instant::now();
    let over = answered
        .recv_timeout(Duration::from_mins(1))
        .expect("the connection is held for ever");
    assert!(begun.elapsed() >= Duration::from_millis(250));
    assert!(over.sent < 63 << 20, "{over:?}");
    stop.stop();
    running.join().unwrap().unwrap();
}

/// A server on an empty store, which ends with it.
struct Running {
    address: SocketAddr,
    stop: StopHandle,
    thread: Option<std::thread::JoinHandle<io::Result<()>>>,
    _dir: tempfile::TempDir,
}

impl Running {
    fn with(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let service = Arc::new(Service::new(Store::open(dir.path()).unwrap()).unwrap());
        let (sender, _) = channel();
        let address = "127.0.0.1:0".parse().unwrap();
        let server = Server::bind(service, address, options, Arc::new(Told(sender))).unwrap();
        Self {
            address: server.address(),
            stop: server.stop_handle(),
            thread: Some(std::thread::spawn(move || server.run())),
            _dir: dir,
        }
    }

    /// So many clients that send this and then nothing more.
    fn slow_clients(&self, number: usize, sent: &str) -> Vec<TcpStream> {
        let client = |_| {
            let mut client = TcpStream::connect(self.address).unwrap();
            client.write_all(sent.as_bytes()).unwrap();
            client
        };
        (0..number).map(client).collect()
    }

    /// The status of the answer.
    fn ask(&self, request: &str) -> String {
        let mut client = TcpStream::connect(self.address).unwrap();
        client.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    fn health(&self) -> String {
        self.ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    }

    fn list_repos(&self) -> String {
        self.ask(
            "POST /api/pfs_v2.API/ListRepo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
        self.thread.take().unwrap().join().unwrap().unwrap();
    }
}

const HALF_A_BODY: &str = "POST /api/pfs_v2.API/ListRepo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{";

#[test]
fn heads_that_never_end_and_idle_connections_keep_nobody_out() {
    let server = Running::with(Options::default());
    for beginning in [
        "",
        "GET /healthz HTTP/1.1\r\nHost: ",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let _clients = server.slow_clients(CONNECTIONS + 50, beginning);
        assert_eq!(server.health(), "200", "{beginning:?}");
        assert_eq!(server.list_repos(), "200", "{beginning:?}");
    }
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let stream = stream.to_be_bytes();
    [&length[1..], &[kind, flags], &stream, payload].concat()
}

/// The head of a call in gRPC, without an end of its body.
fn beginning_of_a_call(path: &str, stream: u32) -> Vec<u8> {
    const HEADERS: u8 = 1;
    const END_HEADERS: u8 = 4;
    // `:method: POST` and `:scheme: http` are in HPACK's table; of the others only the names.
    let mut head = vec![0x83, 0x86];
    for (name, value) in [
        (&[4][..], path),
        (&[1], "localhost"),
        (&[0x0f, 0x10], "application/grpc"),
    ] {
        head.extend_from_slice(name);
        head.push(u8::try_from(value.len()).unwrap());
        head.extend_from_slice(value.as_bytes());
    }
    frame(HEADERS, END_HEADERS, stream, &head)
}

/// Reads until so many streams have been answered to their ends.
fn read_answers(client: &mut TcpStream, mut left: usize) {
    const HEADERS: u8 = 1;
    const END_STREAM: u8 = 1;
    while left > 0 {
        let mut head = [0; 9];
        client.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        io::copy(&mut client.take(length.into()), &mut io::sink()).unwrap();
        if head[3] == HEADERS && head[4] & END_STREAM != 0 {
            left -= 1;
        }
    }
}

#[test]
fn health_is_answered_in_grpc_before_the_request_has_come_and_any_number_of_those_keeps_nobody_out() {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const SETTINGS: u8 = 4;
    let server = Running::with(Options::default());
    let more_than_there_are_threads = 2 * CALLS / STREAMS as usize + 2;
    let clients: Vec<TcpStream> = (0..more_than_there_are_threads)
        .map(|_| {
            let mut client = TcpStream::connect(server.address).unwrap();
            let mut sent = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
            for n in 0..STREAMS {
                sent.extend(beginning_of_a_call("/grpc.health.v1.Health/Check", 2 * n + 1));
            }
            client.write_all(&sent).unwrap();
            read_answers(&mut client, STREAMS as usize);
            client
        })
        .collect();
    assert_eq!(server.list_repos(), "200");
    drop(clients);
}

#[test]
fn a_slow_body_gives_way_to_a_request_that_waits_and_health_needs_no_place() {
    let server = Running::with(Options {
        patience: Duration::from_millis(50),
        ..Options::default()
    });
    let clients = server.slow_clients(CALLS + 20, HALF_A_BODY);
    assert_eq!(server.health(), "200");
    for _ in 0..5 {
        assert_eq!(server.list_repos(), "200");
    }
    let left = clients.iter().filter(|client| {
        client.set_nonblocking(true).unwrap();
        let nothing_yet = client.peek(&mut [0]);
        nothing_yet.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    });
    let left = left.count();
    assert!(
        left > CALLS / 2,
        "only as many ended as others wanted their places: {left} are left"
    );
}

#[test]
fn whoever_sends_quickly_enough_keeps_his_place_and_others_hear_that_there_is_none() {
    let server = Running::with(Options {
        // No clock says here who is quick enough: nobody is taken for slow.
        patience: Duration::from_hours(1),
        ..Options::default()
    });
    let clients = server.slow_clients(CALLS, HALF_A_BODY);
    // All of them have their places.
    while server.list_repos() != "503" {}
    assert_eq!(server.health(), "200");
    drop(clients);
    while server.list_repos() != "200" {}
}
