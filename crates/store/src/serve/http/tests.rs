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
