//! Streams that never end, and bring nothing or too much.

use std::io::Write as _;

use super::super::*;
use crate::pachd;
use spoutctl_core::fault::FaultKind;
use spoutctl_proto::pfs;

/// A gateway that answers every call with a stream that never ends: this, again and again.
fn endless(piece: &'static [u8], pause: Duration) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 8192]);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
            let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
            let mut sent = connection.write_all(head.as_bytes());
            while sent.is_ok() {
                sent = connection.write_all(&chunk);
                std::thread::sleep(pause);
            }
        }
    });
    address
}

#[test]
fn a_stream_that_drips_without_a_message_and_a_list_without_an_end_are_given_up() {
    let list = |address: &str, times: Times| {
        let mut options = GatewayOptions::new(address.parse().unwrap());
        options.times = times;
        let client = Client::new(options).unwrap();
        let mut messages = client
            .open::<_, spoutctl_proto::pfs::CommitInfo>(pachd::LIST_COMMIT, pfs::ListCommitRequest::default())
            .unwrap();
        loop {
            match messages.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it has no end"),
                Err(failed) => return failed.fault,
            }
        }
    };
    let short = Duration::from_millis(400);
    let drip = endless(b" ", Duration::from_millis(10));
    let idle = Times {
        idle: short,
        ..Times::default()
    };
    let fault = list(&drip, idle);
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.message.ends_with("for 0.4 s"), "{}", fault.message);

    let messages = endless(b"{\"result\":{}}\n", Duration::ZERO);
    let fault = list(
        &messages,
        Times {
            list: short,
            ..Times::default()
        },
    );
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.message.ends_with("did not end within 0.4 s"), "{}", fault.message);

    let mut options = GatewayOptions::new(drip.parse().unwrap());
    options.times = idle;
    let client = Client::new(options).unwrap();
    let mut content = client.read(pachd::GET_FILE, pfs::GetFileRequest::default()).unwrap();
    let error = content.read(&mut [0; 10]).unwrap_err();
    assert!(error.to_string().ends_with("for 0.4 s"), "{error}");
}
