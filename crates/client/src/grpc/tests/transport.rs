//! Connections that break, fall silent, or lead to somebody else.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::*;
use spoutctl_core::sink::MAX_CHUNK;

/// Appends `left` pieces to one file.
struct Pieces {
    left: usize,
    data: bytes::Bytes,
    given: Arc<AtomicU64>,
}

impl Pieces {
    fn new(left: usize) -> Self {
        Self {
            left,
            data: vec![b'x'; MAX_CHUNK].into(),
            given: Arc::default(),
        }
    }
}

impl Changes for Pieces {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.given.fetch_add(MAX_CHUNK as u64, Ordering::Relaxed);
        Ok(Some(Change::Append {
            path: "/big",
            data: self.data.clone(),
        }))
    }
}

fn only_message(number: &str) -> Vec<u8> {
    match recording("grpc-2.12", number).answer {
        Answer::GRpc { mut messages, .. } => messages.remove(0),
        other => panic!("{other:?}"),
    }
}

/// A server that does this with each connection, in bytes.
fn raw(script: impl Fn(&mut std::net::TcpStream) + Send + 'static) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("grpc://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            script(&mut stream.unwrap());
        }
    });
    address.parse().unwrap()
}

#[test]
fn a_yes_that_comes_before_everything_was_sent_is_no_answer() {
    let early = Answer::Early {
        after: 1000,
        message: only_message("064"),
    };
    let (_server, grpc) = serving(vec![early]);
    let fault = grpc.create_file_set(&mut Pieces::new(256)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable, "{fault}");
}

#[test]
fn an_upload_that_is_reset_or_loses_its_connection_may_be_made_again() {
    for torn in [
        Answer::ResetEarly { after: 3 << 20 },
        Answer::Vanish { after: 3 << 20 },
        Answer::ResetEarly { after: 1 },
        Answer::Vanish { after: 1 },
    ] {
        let whole = recording("grpc-2.12", "064").answer;
        let (server, grpc) = serving(vec![torn.clone(), whole]);
        let fault = grpc.create_file_set(&mut Pieces::new(16)).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unavailable, "{torn:?}: {fault}");
        // That the connection is gone may be noticed only by the next one that uses it.
        let again = (0..5).find_map(|_| grpc.create_file_set(&mut Pieces::new(16)).ok());
        assert!(again.is_some(), "{torn:?}");
        assert_eq!(server.wait_for(3).last().unwrap().messages.len(), 16);
    }
}

#[test]
fn a_call_that_changes_something_and_loses_its_connection_is_unknown() {
    for torn in [Answer::ResetEarly { after: 1 }, Answer::Vanish { after: 1 }] {
        let (_server, grpc) = serving(vec![torn.clone(), torn]);
        assert_eq!(grpc.start_commit(&branch(), "").unwrap_err().kind, FaultKind::Unknown);
        let fault = grpc.inspect_commit(&commit(WRITTEN)).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unavailable, "{fault}");
    }
}

#[test]
fn a_server_that_hangs_up_between_two_calls_is_called_again_without_a_fault() {
    let message = only_message("067");
    let hang_up = || Answer::HangUp {
        message: message.clone(),
    };
    let (server, grpc) = serving(vec![hang_up(), hang_up(), hang_up()]);
    for _ in 0..3 {
        grpc.start_commit(&branch(), "").unwrap();
        // So that it is told before the next call is made.
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.connections(), 3);
}

#[test]
fn a_connection_that_answers_nothing_is_not_used_again() {
    let silent = vec![Answer::Silence, recording("grpc-2.12", "067").answer];
    let (server, grpc) = serving(silent);
    assert_eq!(grpc.start_commit(&branch(), "").unwrap_err().kind, FaultKind::Unknown);
    grpc.start_commit(&branch(), "").unwrap();
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_connection_that_answers_others_is_used_again_however_long_one_call_waits() {
    let started = recording("grpc-2.12", "067").answer;
    let (server, grpc) = serving(vec![Answer::Silence, started.clone(), started]);
    thread::scope(|scope| {
        // Longer than any other call may take.
        let waiting = scope.spawn(|| grpc.wait_commit(&commit(WRITTEN), Duration::from_secs(5)));
        server.wait_for(2);
        grpc.start_commit(&branch(), "").unwrap();
        assert_eq!(waiting.join().unwrap().unwrap_err().kind, FaultKind::Unavailable);
    });
    grpc.start_commit(&branch(), "").unwrap();
    assert_eq!(server.connections(), 1);
}

/// Makes a call that is answered on the connection that `stalls` stands still on, and another once it has failed.
fn connections_with(answer: Answer, stalls: impl FnOnce(&Grpc) -> FaultKind + Send) -> usize {
    let version = recording("grpc-2.12", "001").answer;
    let started = recording("grpc-2.12", "067").answer;
    let server = Scripted::start(vec![version, answer, started.clone(), started]);
    let mut options = options(&server);
    // So long is waited until an upload is seen to be broken off.
    options.times.connect = Duration::from_secs(1);
    let grpc = Grpc::new(options).unwrap();
    thread::scope(|scope| {
        let stalled = scope.spawn(|| stalls(&grpc));
        server.wait_for(2);
        // Until nothing moves any more.
        thread::sleep(Duration::from_millis(500));
        grpc.start_commit(&branch(), "").unwrap();
        assert_eq!(stalled.join().unwrap(), FaultKind::Unavailable);
    });
    grpc.start_commit(&branch(), "").unwrap();
    server.connections()
}

/// Reads a file until the stream says no more.
fn read_failing(grpc: &Grpc) -> FaultKind {
    match grpc.get_file(&commit(WRITTEN), &FilePath::new("/big").unwrap()) {
        Err(fault) => fault.kind,
        Ok(mut content) => {
            let error = content.read_to_end(&mut Vec::new()).unwrap_err();
            error.get_ref().unwrap().downcast_ref::<Fault>().unwrap().kind
        }
    }
}

#[test]
fn a_connection_on_which_a_stream_stands_still_is_not_used_again_whatever_it_answers_others() {
    // The server takes no more of an upload, or all of it and says nothing.
    for (answer, pieces) in [(Answer::StopsReading { after: 1 }, 64), (Answer::Silence, 1)] {
        let upload = |grpc: &Grpc| grpc.create_file_set(&mut Pieces::new(pieces)).unwrap_err().kind;
        assert_eq!(connections_with(answer.clone(), upload), 2, "{answer:?}");
    }
    // A stream does not begin, or does not go on.
    let messages = vec![only_message("071")];
    for answer in [Answer::Silence, Answer::Stalls { messages }] {
        assert_eq!(connections_with(answer.clone(), read_failing), 2, "{answer:?}");
    }
}

#[test]
fn a_stream_on_a_connection_that_was_given_up_says_nothing_of_the_next_one() {
    let started = recording("grpc-2.12", "067").answer;
    let messages = vec![only_message("071")];
    let answers = vec![Answer::Stalls { messages }, Answer::Silence, started.clone(), started];
    let (server, grpc) = serving(answers);
    let mut content = grpc
        .get_file(&commit(WRITTEN), &FilePath::new("/big").unwrap())
        .unwrap();
    grpc.start_commit(&branch(), "").unwrap_err();
    grpc.start_commit(&branch(), "").unwrap();
    assert_eq!(server.connections(), 2);
    content.read_to_end(&mut Vec::new()).unwrap_err();
    grpc.start_commit(&branch(), "").unwrap();
    assert_eq!(server.connections(), 2);
}

#[test]
fn an_upload_waits_for_a_slow_server_with_little_in_hand() {
    const TOTAL: usize = 256;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = GrpcOptions::new(format!("grpc://{}", listener.local_addr().unwrap()).parse().unwrap());
    options.times.idle = Duration::from_millis(700);
    options.times.connect = Duration::from_secs(1);
    let grpc = Grpc::new(options).unwrap();
    let calls = Arc::clone(&grpc.calls);
    let found = Box::new(PachdV2::behind(calls, None, None));
    assert!(grpc.found.set(found).is_ok());
    // Accepted by the system, and never read.
    let mut changes = Pieces::new(TOTAL);
    let given = Arc::clone(&changes.given);
    let fault = grpc.create_file_set(&mut changes).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable, "{fault}");
    assert!(fault.message.contains("takes nothing for 0.7 s"), "{fault}");
    let given = given.load(Ordering::Relaxed);
    assert!((1 << 20..8 << 20).contains(&given), "{given} bytes while nobody read");
    drop(listener);
}

#[test]
fn many_small_files_are_as_many_messages_in_their_order() {
    let (server, grpc) = serving(vec![recording("grpc-2.12", "064").answer]);
    let changes = (0..3000).map(|_| (Some("some bytes"), "/f")).chain([(None, "/last")]);
    grpc.create_file_set(&mut Listed(changes.collect())).unwrap();
    let seen = server.wait_for(2).remove(1);
    assert!(seen.is_whole);
    assert_eq!(seen.messages.len(), 3001);
    let last = spoutctl_proto::pfs::ModifyFileRequest::decode(seen.messages[3000].as_slice()).unwrap();
    assert_eq!(last.delete_file.unwrap().path, "/last");
}

/// Which of the two the HTTP library tells of first, the garbage or its end of the connection, differs from run to run.
#[test]
fn a_port_that_speaks_something_else_is_named_and_soon_refused() {
    for words in [
        &b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    ] {
        let address = raw(move |stream| {
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(words);
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let grpc = Grpc::new(GrpcOptions::new(address)).unwrap();
        let refused = (0..50).any(|_| {
            let fault = grpc.repo_exists(&branch().repo).unwrap_err();
            assert!(fault.message.contains("with http:// if it is the gateway"), "{fault}");
            fault.kind == FaultKind::Refused && fault.message.contains("does not speak gRPC")
        });
        assert!(refused, "{words:?}");
    }
}

#[test]
fn a_port_that_expects_tls_is_told_from_one_that_is_gone() {
    let address = raw(|stream| {
        let _ = stream.read(&mut [0; 64]);
        // A fatal alert, as a TLS server answers what is none.
        stream.write_all(b"\x15\x03\x01\x00\x02\x02\x46").unwrap();
    });
    let fault = Grpc::new(GrpcOptions::new(address))
        .unwrap()
        .repo_exists(&branch().repo)
        .unwrap_err();
    assert!(fault.message.contains("the address starts with grpcs://"), "{fault}");
}

#[test]
fn a_port_without_tls_is_refused_and_not_tried_again() {
    let (server, _) = serving(vec![]);
    let address = format!("grpcs://{}", server.address).parse().unwrap();
    let grpc = match Grpc::new(GrpcOptions::new(address)) {
        Ok(grpc) => grpc,
        // A machine without any certificates: that has its own words.
        Err(error) => return assert!(matches!(error, OpenError::Certificates { .. }), "{error}"),
    };
    let fault = grpc.repo_exists(&branch().repo).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Refused, "{fault}");
    assert!(fault.message.contains("starts with http:// or grpc://"), "{fault}");
}

#[test]
fn a_name_without_an_address_was_never_reached() {
    let mut options = GrpcOptions::new("grpc://pachd.invalid:1650".parse().unwrap());
    options.times.connect = Duration::from_secs(2);
    let fault = Grpc::new(options).unwrap().repo_exists(&branch().repo).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.message.contains("pachd.invalid:1650"), "{fault}");
}
