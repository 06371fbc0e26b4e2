//! Subscriptions as pachd sent them, byte for byte, and such as stay silent.

use std::ops::ControlFlow;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::branch;
use super::scripted::{Connection, Server, answer, folder_of};
use crate::gateway::Gateway;
use spoutctl_core::fault::FaultKind;
use spoutctl_core::feed::{CommitFeed, TICK};
use spoutctl_core::pfs::CommitInfo;

/// A recorded subscription: what was asked, and the raw pieces of the answer.
struct Recorded {
    request: Value,
    pieces: Vec<Vec<u8>>,
}

fn recorded(number: &str) -> Recorded {
    let folder = folder_of("follow");
    let is_it = |path: &Path| path.file_name().unwrap().to_string_lossy().starts_with(number);
    let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let file = files.find(|path| is_it(path)).unwrap();
    let json: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let pieces = json["response_pieces"].as_array().unwrap();
    Recorded {
        request: serde_json::from_str(json["request"]["body"].as_str().unwrap()).unwrap(),
        pieces: pieces
            .iter()
            .map(|piece| piece["text"].as_str().unwrap().as_bytes().to_vec())
            .collect(),
    }
}

/// Sends the pieces, a moment apart, and then nothing until the client leaves.
fn playing(pieces: Vec<Vec<u8>>) -> Server {
    Server::start(move |connection: &mut Connection| {
        connection.request()?;
        for piece in &pieces {
            connection.send(piece)?;
            sleep(Duration::from_millis(5));
        }
        connection.hold();
        Ok(())
    })
}

/// What is shown until so many commits were, and so many silent moments after them.
fn watch(
    gateway: &Gateway,
    repo: &str,
    name: &str,
    commits: usize,
    silences: usize,
) -> (Vec<CommitInfo>, Option<FaultKind>) {
    let mut shown = Vec::new();
    let mut silent = 0;
    let begun = Instant::now();
    let ended = gateway.watch(&branch(repo, name), &mut |info| {
        match info {
            Some(info) => shown.push(info),
            // A busy machine is silent before it, too.
            None => silent += usize::from(shown.len() >= commits),
        }
        if silent < silences && begun.elapsed() < Duration::from_mins(5) {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    (shown, ended.err().map(|fault| fault.kind))
}

#[test]
fn commits_are_shown_as_pachd_sent_them() {
    let recorded = recorded("033");
    let server = playing(recorded.pieces);
    let (shown, fault) = watch(&server.gateway(), "mirror", "master", 2, 1);
    assert_eq!(fault, None);
    let ids: Vec<&str> = shown.iter().map(|info| info.commit.id.as_str()).collect();
    // The one that the recorded `from` hides is not among them; the one before it is.
    let hidden = recorded.request["from"]["id"].as_str().unwrap();
    assert!(ids.len() >= 2 && !ids.contains(&hidden), "{ids:?}");
    assert!(
        shown
            .iter()
            .all(|info| info.finished.is_some() && info.commit.branch.as_str() == "master")
    );
    let mut asked: Value = serde_json::from_slice(&server.seen()[0].body).unwrap();
    // Otherwise it is asked as then.
    asked["from"] = recorded.request["from"].clone();
    assert_eq!(asked, recorded.request);
}

#[test]
fn an_errored_commit_is_shown_with_its_error() {
    let server = playing(recorded("024").pieces);
    let (shown, _) = watch(&server.gateway(), "mirror", "o", 1, 1);
    assert_eq!(shown[0].error, "given up");
}

#[test]
fn pieces_may_end_anywhere() {
    let all: Vec<u8> = recorded("033").pieces.concat();
    let whole = watch(&playing(vec![all.clone()]).gateway(), "mirror", "master", 2, 1).0;
    let pieces = all.chunks(97).map(<[u8]>::to_vec).collect();
    assert_eq!(watch(&playing(pieces).gateway(), "mirror", "master", 2, 1).0, whole);
}

#[test]
fn a_repo_that_is_deleted_ends_it_with_a_fault() {
    let server = playing(recorded("040").pieces);
    let (shown, fault) = watch(&server.gateway(), "gone", "master", 0, 100);
    assert_eq!(shown.len(), 1);
    assert_eq!(fault, Some(FaultKind::Unavailable));
}

#[test]
fn a_subscription_that_says_nothing_at_all_is_waited_for_and_may_be_left_at_any_moment() {
    assert!(recorded("020").pieces.is_empty());
    let server = playing(Vec::new());
    let begun = Instant::now();
    // Longer than a call or a stream may be silent.
    let (shown, fault) = watch(&server.impatient_gateway(), "mirror", "o", 0, 6);
    assert_eq!((shown.len(), fault), (0, None));
    assert!(begun.elapsed() >= 5 * TICK);
}

#[test]
fn one_that_is_cut_or_ends_is_a_fault() {
    let pieces = recorded("033").pieces;
    let cut = pieces[0].clone();
    let server = Server::start(move |connection: &mut Connection| {
        connection.request()?;
        connection.send(&cut)
    });
    assert_eq!(
        watch(&server.gateway(), "mirror", "master", 0, 100).1,
        Some(FaultKind::Unavailable)
    );
    let mut ended = pieces[0].clone();
    ended.extend(b"0\r\n\r\n");
    let server = playing(vec![ended]);
    assert_eq!(
        watch(&server.gateway(), "mirror", "master", 0, 100).1,
        Some(FaultKind::Unavailable)
    );
}

#[test]
fn what_failed_inside_pachd_may_pass() {
    let said = r#"{"code":10,"message":"something inside failed","details":[]}"#;
    let server = Server::answering([answer("409 Conflict", "Content-Type: application/json\r\n", said)]);
    let (_, fault) = watch(&server.gateway(), "mirror", "master", 0, 100);
    assert_eq!(fault, Some(FaultKind::Unknown));
}
