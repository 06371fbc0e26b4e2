//! Connections that break, stall, redirect, or lead to somebody else.

use std::error::Error;
use std::io::{self, Read};
use std::net::TcpListener;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::scripted::{Connection, Recording, Server, answer, chunk, json};
use super::{branch, commit, repo};
use crate::OpenError;
use crate::connection::token::Token;
use crate::gateway::{Gateway, GatewayOptions};
use crate::pachd::Pachd as _;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::history::{CommitHistory, newest_good_commit};
use spoutctl_core::pfs::{Commit, FilePath};
use spoutctl_core::sink::CommitSink;
use spoutctl_core::source::FileSource;

fn some_commit() -> Commit {
    commit("ev", Some("master"), "7714b08ced514a96998009c3f69effb5")
}

fn start(gateway: &Gateway) -> Result<spoutctl_core::pfs::CommitId, Fault> {
    gateway.start_commit(&branch("ev", "master"), "mark")
}

fn started() -> Vec<u8> {
    Recording::load("p 002").response()
}

/// The fault inside the error that a reader gave.
fn fault_in(error: &io::Error) -> Fault {
    let inner = error.get_ref().unwrap();
    inner.downcast_ref::<Fault>().unwrap().clone()
}

/// Answers the first request on each connection with `bytes`, and closes.
fn closing_after(bytes: Vec<u8>) -> Server {
    Server::start(move |connection: &mut Connection| {
        connection.request()?;
        connection.send(&bytes)
    })
}

#[test]
fn a_server_that_is_not_there_was_never_reached() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("http://127.0.0.1:{port}").parse().unwrap();
    let fault = start(&Gateway::new(GatewayOptions::new(address)).unwrap()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(
        fault.message.contains(&format!("cannot reach 127.0.0.1:{port}")),
        "{fault}"
    );
}

#[test]
fn a_host_without_an_address_was_never_reached() {
    let address = "http://pachd.invalid:1650".parse().unwrap();
    let mut options = GatewayOptions::new(address);
    options.times.connect = Duration::from_secs(2);
    let fault = start(&Gateway::new(options).unwrap()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.message.contains("pachd.invalid:1650"), "{fault}");
}

#[test]
fn a_connection_lost_after_the_request_is_unknown_for_what_changes_and_harmless_for_what_reads() {
    let server = closing_after(Vec::new());
    let gateway = server.gateway();
    assert_eq!(start(&gateway).unwrap_err().kind, FaultKind::Unknown);
    let read = gateway.inspect_commit(&some_commit()).unwrap_err();
    assert_eq!(read.kind, FaultKind::Unavailable);
}

#[test]
fn an_answer_cut_at_any_byte_is_unknown_and_never_a_success() {
    let whole = started();
    let cut = whole.clone();
    let server = Server::start(move |connection| {
        connection.request()?;
        let kept = connection.number;
        connection.send(&cut[..kept])
    });
    let gateway = server.gateway();
    for kept in 0..whole.len() {
        let fault = start(&gateway).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unknown, "{kept} bytes: {fault}");
    }
    assert_eq!(
        server.seen().len(),
        whole.len(),
        "each was sent once, none again by itself"
    );
}

#[test]
fn a_file_cut_at_any_byte_never_ends_without_an_error() {
    let whole = Recording::load("gateway 013").response();
    let body = whole.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    // The archive's text is long: every byte near its ends, every 97th between.
    let cuts: Vec<_> = (body..whole.len())
        .filter(|cut| cut - body < 40 || whole.len() - cut < 40 || cut % 97 == 0)
        .collect();
    let (count, at) = (cuts.len(), cuts.clone());
    let server = Server::start(move |connection| {
        connection.request()?;
        let cut = at[connection.number];
        connection.send(&whole[..cut])
    });
    let gateway = server.gateway();
    for cut in cuts {
        let mut reader = gateway
            .get_file_tar(&some_commit(), &FilePath::new("/d").unwrap())
            .unwrap();
        let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(fault_in(&error).kind, FaultKind::Unavailable, "{cut}");
        let again = reader.read(&mut [0; 8]).unwrap_err();
        assert_eq!(fault_in(&again), fault_in(&error), "it stays broken");
    }
    assert_eq!(server.seen().len(), count);
}

#[test]
fn a_stream_that_ends_cleanly_inside_a_line_is_broken() {
    let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    bytes.extend(chunk(b"{\"result\":\"eA==\"}\n{\"result\":\"eH"));
    bytes.extend(b"0\r\n\r\n");
    let server = Server::answering([bytes]);
    let gateway = server.gateway();
    let mut reader = gateway.get_file(&some_commit(), &FilePath::new("/a").unwrap()).unwrap();
    let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(fault_in(&error).message.contains("ends inside a line"), "{error}");
}

#[test]
fn a_stream_that_says_why_it_stops_is_an_error_after_its_data() {
    let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    bytes.extend(chunk(b"{\"result\":\"eHl6\"}\n"));
    let said = "{\"error\":{\"code\":2,\"message\":\"storage is on fire\",\"details\":[]}}\n";
    bytes.extend(chunk(said.as_bytes()));
    bytes.extend(b"0\r\n\r\n");
    let server = Server::answering([bytes.clone(), bytes]);
    let gateway = server.gateway();
    let mut reader = gateway.get_file(&some_commit(), &FilePath::new("/a").unwrap()).unwrap();
    let mut three = [0; 3];
    reader.read_exact(&mut three).unwrap();
    assert_eq!(&three, b"xyz");
    let fault = fault_in(&reader.read(&mut three).unwrap_err());
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert_eq!(fault.message, "GetFile: storage is on fire");
    let listed = newest_good_commit(&gateway, &branch("ev", "master")).unwrap_err();
    assert_eq!(listed.kind, FaultKind::Unavailable, "{listed}");
}

#[test]
fn a_stream_that_does_not_say_where_it_ends_is_refused() {
    let bytes = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"result\":\"eA==\"}\n".to_vec();
    let server = closing_after(bytes);
    let gateway = server.gateway();
    let fault = gateway
        .get_file(&some_commit(), &FilePath::new("/a").unwrap())
        .err()
        .unwrap();
    assert_eq!(fault.kind, FaultKind::Refused);
    assert!(fault.message.contains("does not say where it ends"), "{fault}");
}

#[test]
fn silence_ends_every_call_in_its_own_time() {
    let server = Server::start(|connection| {
        connection.request()?;
        connection.hold();
        Ok(())
    });
    let gateway = server.impatient_gateway();
    let before = Instant::now();
    let fault = start(&gateway).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unknown);
    assert_eq!(fault.message, "StartCommit: no answer within 0.3 s");
    let waited = gateway
        .wait_commit(&some_commit(), Duration::from_millis(200))
        .unwrap_err();
    assert_eq!(waited.kind, FaultKind::Unavailable);
    assert!(waited.message.contains("was not finished within 0.2 s"), "{waited}");
    assert!(before.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_stream_that_falls_silent_is_broken() {
    let server = Server::start(|connection| {
        connection.request()?;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        connection.send(head.as_bytes())?;
        connection.send(&chunk(b"{\"result\":\"eHl6\"}\n"))?;
        connection.hold();
        Ok(())
    });
    let gateway = server.impatient_gateway();
    let mut reader = gateway.get_file(&some_commit(), &FilePath::new("/a").unwrap()).unwrap();
    let mut bytes = Vec::new();
    let fault = fault_in(&reader.read_to_end(&mut bytes).unwrap_err());
    assert_eq!(bytes, b"xyz", "what came is not held back");
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.message.contains("brought nothing for 0.3 s"), "{fault}");
}

#[test]
fn a_redirect_is_named_and_not_followed() {
    let elsewhere = Server::answering([started()]);
    let location = format!("Location: {}/login\r\n", elsewhere.address());
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let server = Server::answering([answer(status, &location, "")]);
        let fault = start(&server.gateway_with_token("hunter2")).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Refused);
        assert!(fault.message.contains(&elsewhere.address()), "{fault}");
        assert!(fault.message.contains("nothing was sent there"), "{fault}");
    }
    assert!(elsewhere.seen().is_empty());
}

#[test]
fn answers_by_somebody_else_are_judged_by_their_status() {
    let html = "Content-Type: text/html\r\n";
    let page = "<html>\n<b>\u{1b}[31mNo</b></html>";
    for (status, changing, reading) in [
        ("200 OK", FaultKind::Refused, FaultKind::Refused),
        ("401 Unauthorized", FaultKind::Refused, FaultKind::Refused),
        ("404 Not Found", FaultKind::Refused, FaultKind::Refused),
        ("413 Too Large", FaultKind::TooLarge, FaultKind::TooLarge),
        ("429 Too Many", FaultKind::Unavailable, FaultKind::Unavailable),
        ("408 Timeout", FaultKind::Unknown, FaultKind::Unavailable),
        ("500 Oops", FaultKind::Unknown, FaultKind::Unavailable),
        ("502 Bad Gateway", FaultKind::Unknown, FaultKind::Unavailable),
        ("503 Unavailable", FaultKind::Unknown, FaultKind::Unavailable),
        ("504 Timeout", FaultKind::Unknown, FaultKind::Unavailable),
    ] {
        let server = Server::answering([answer(status, html, page), answer(status, html, page)]);
        let gateway = server.gateway();
        let fault = start(&gateway).unwrap_err();
        assert_eq!(fault.kind, changing, "{status}: {fault}");
        let shown = format!("HTTP {}, text/html, \"<html>", &status[..3]);
        assert!(fault.message.contains(&shown), "{fault}");
        assert!(!fault.message.contains('\u{1b}'), "{fault:?}");
        assert_eq!(gateway.repo_exists(&repo("ev")).unwrap_err().kind, reading, "{status}");
    }
}

#[test]
fn a_server_may_say_how_long_to_wait() {
    let body = r#"{"code":14, "message":"connection refused", "details":[]}"#;
    let headers = "Content-Type: application/json\r\nRetry-After: 7\r\n";
    let server = Server::answering([answer("503 Unavailable", headers, body)]);
    let fault = start(&server.gateway()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert_eq!(fault.retry_after, Some(Duration::from_secs(7)));
}

#[test]
fn a_kept_connection_that_the_server_has_closed_is_replaced_without_a_fault() {
    let server = closing_after(started());
    let gateway = server.gateway();
    for _ in 0..5 {
        start(&gateway).unwrap();
        sleep(Duration::from_millis(30));
    }
    assert_eq!(server.seen().len(), 5);
}

#[test]
fn a_kept_connection_is_used_again() {
    let server = Server::start(|connection| {
        while connection.request()?.is_some() {
            let number = connection.number;
            let body = format!(r#"{{"major":{number}}}"#);
            connection.send(&json(&body))?;
        }
        Ok(())
    });
    let gateway = server.gateway();
    for _ in 0..3 {
        assert_eq!(gateway.version().unwrap(), "0.0.0", "on the first connection");
    }
}

#[test]
fn the_token_goes_into_its_header_and_nowhere_else() {
    let refusal = Recording::load("auth 011").response();
    let server = Server::answering([refusal, b"nonsense".to_vec()]);
    let gateway = server.gateway_with_token("hunter2");
    let denied = start(&gateway).unwrap_err();
    assert_eq!(denied.kind, FaultKind::Denied);
    let broken = start(&gateway).unwrap_err();
    assert_eq!(server.seen()[0].header("authn-token"), Some("hunter2"));
    for shown in [
        format!("{gateway:?}"),
        format!("{:?}", server.options()),
        format!("{denied:?}{denied}"),
        format!("{broken:?}{broken} {:?}", broken.source()),
    ] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_token_in_clear_is_known_by_the_address() {
    let options = |address: &str, token: bool| GatewayOptions {
        token: token.then(|| Token::new("t").unwrap()),
        ..GatewayOptions::new(address.parse().unwrap())
    };
    for (address, token, in_clear) in [
        ("http://pachd.example.com", true, true),
        ("http://pachd.example.com", false, false),
        ("http://127.0.0.1:30650", true, false),
    ] {
        let gateway = Gateway::new(options(address, token)).unwrap();
        assert_eq!(gateway.sends_token_in_clear(), in_clear, "{address} {token}");
    }
}

#[test]
fn a_port_that_wants_tls_is_refused_with_advice() {
    // A TLS alert, as a TLS server answers plain text.
    let server = closing_after(b"\x15\x03\x01\x00\x02\x02\x46".to_vec());
    let fault = start(&server.gateway()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Refused);
    assert!(fault.message.contains("https://"), "{fault}");
}

#[test]
fn garbage_from_what_was_a_gateway_before_is_a_broken_connection() {
    let server = Server::answering([started(), b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n".to_vec()]);
    let gateway = server.gateway();
    start(&gateway).unwrap();
    assert_eq!(start(&gateway).unwrap_err().kind, FaultKind::Unknown);
}

#[test]
fn a_port_without_tls_is_refused_with_advice() {
    let server = Server::start(|connection| {
        let mut hello = [0; 16];
        connection.stream.read_exact(&mut hello)?;
        connection.send(&answer("400 Bad Request", "", ""))?;
        connection.hold();
        Ok(())
    });
    let address = format!("https://127.0.0.1:{}", server.port).parse().unwrap();
    let gateway = match Gateway::new(GatewayOptions::new(address)) {
        Ok(gateway) => gateway,
        // A machine without any certificates: that has its own words.
        Err(error) => return assert!(matches!(error, OpenError::Certificates { .. }), "{error}"),
    };
    let fault = start(&gateway).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Refused);
    assert!(fault.message.contains("does not speak TLS"), "{fault}");
    assert!(fault.message.contains("http://"), "{fault}");
}
