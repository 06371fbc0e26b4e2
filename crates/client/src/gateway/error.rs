//! What pachd's gateway, or whatever stands in its place, says no with, and what that means.
//!
//! It reads answers; it sends nothing and knows no HTTP client. Most of pachd's refusals have code 2 (unknown) and
//! status 500, so the code of the body and the words of its message decide, not the status: `crate::pachd` has their
//! table.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::Deserialize;

use crate::pachd::too_large;
pub(super) use crate::pachd::{
    Call, CallFault, TRANSACTION_HEADER, broken_stream, fault_of_words, local, lost, refused, unreached, unreadable,
};
use spoutctl_core::fault::{Fault, printable};

/// The most that is read of an answer that is an error.
pub(super) const ERROR_BODY_LIMIT: usize = 64 * 1024;

/// The longest wait that a server may ask for; more is taken as this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

/// An answer that is not the one hoped for.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub status: u16,
    pub content_type: String,
    /// Where a redirect points to.
    pub location: Option<String>,
    pub retry_after: Option<Duration>,
    /// At most [`ERROR_BODY_LIMIT`] bytes of it; less when the connection broke.
    pub body: Vec<u8>,
}

/// The gateway's own form of an error; on a stream it comes as `{"error":…}`.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub code: i64,
    #[serde(default)]
    pub message: String,
}

#[derive(Deserialize)]
struct InStream {
    error: Status,
}

/// The codes of gRPC end at 16: a `code` beyond is some other server's.
fn read_status(body: &[u8]) -> Option<Status> {
    serde_json::from_slice::<Status>(body)
        .ok()
        .or_else(|| serde_json::from_slice::<InStream>(body).ok().map(|line| line.error))
        .filter(|status| (1..=16).contains(&status.code))
}

/// What an answer that is no success means. `address` is where it came from.
pub(super) fn fault_of_answer(call: Call, address: &str, answer: &Answer) -> CallFault {
    let mut failed = match read_status(&answer.body) {
        // A proxy in front may answer 413 in any form.
        Some(status) if answer.status != 413 => fault_of_words(call, status.code, &status.message),
        _ => fault_of_stranger(call, address, answer).into(),
    };
    failed.answered = true;
    if failed.fault.is_passing() {
        failed.fault.retry_after = answer.retry_after;
    }
    failed
}

/// An answer by somebody else than pachd: a proxy, a login page, another server.
fn fault_of_stranger(call: Call, address: &str, answer: &Answer) -> Fault {
    let Answer { status, .. } = *answer;
    if (300..400).contains(&status) {
        let to = answer.location.as_deref().unwrap_or("no address");
        return refused(
            call,
            format!(
                "{address} answered {status} and points to {to}; redirects are not followed, nothing was sent there. \
                 If that is where pachd is, name that address"
            ),
        );
    }
    let looks = description(answer);
    match status {
        413 => too_large(call, looks),
        429 => unreached(call, format!("too many requests: {looks}")),
        // A proxy gave up on pachd, or is told to send nobody there; the call itself may have arrived.
        408 | 502..=504 => lost(call, format!("no answer from pachd behind {address}: {looks}")),
        500.. => lost(call, format!("{address} is not a pachd gateway: {looks}")),
        _ => refused(call, format!("{address} is not a pachd gateway: {looks}")),
    }
}

/// `HTTP 404, text/html, "<html>…"`
fn description(answer: &Answer) -> String {
    const SHOWN: usize = 120;
    let mut text = format!("HTTP {}", answer.status);
    if !answer.content_type.is_empty() {
        text.push_str(", ");
        text.push_str(&answer.content_type);
    }
    let body = String::from_utf8_lossy(&answer.body);
    let words = body.split_whitespace().collect::<Vec<_>>().join(" ");
    if !words.is_empty() {
        let start: String = words.chars().take(SHOWN).collect();
        let more = if words.chars().nth(SHOWN).is_some() { "…" } else { "" };
        text.push_str(", \"");
        text.push_str(&printable(&start));
        text.push_str(more);
        text.push('"');
    }
    text
}

/// The wait that `Retry-After` asks for: seconds, or a date.
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let wait = if let Ok(seconds) = value.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let until = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
        Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO)
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::super::tests::scripted::{Recording, folder_of};
    use super::*;
    use crate::pachd::{
        ADD_FILE_SET, AUTHORIZE, COMPOSE_FILE_SET, CREATE_FILE_SET, CREATE_REPO, DROP_COMMIT_SET, FINISH_COMMIT,
        GET_FILE, GET_FILE_TAR, GET_OIDC_LOGIN, GET_VERSION, INSPECT_BRANCH, INSPECT_CLUSTER, INSPECT_COMMIT,
        INSPECT_FILE, INSPECT_PIPELINE, INSPECT_REPO, LIST_COMMIT, Missing, RENEW_FILE_SET, START_COMMIT, TABLE,
        WHO_AM_I, look_up,
    };
    use spoutctl_core::fault::FaultKind::{FileSetGone, NotFound, Refused, Unavailable, Unknown, Unrecognised};

    const CALLS: [Call; 21] = [
        AUTHORIZE,
        WHO_AM_I,
        GET_OIDC_LOGIN,
        INSPECT_CLUSTER,
        GET_VERSION,
        INSPECT_PIPELINE,
        INSPECT_REPO,
        INSPECT_BRANCH,
        INSPECT_COMMIT,
        LIST_COMMIT,
        INSPECT_FILE,
        GET_FILE,
        GET_FILE_TAR,
        CREATE_FILE_SET,
        RENEW_FILE_SET,
        COMPOSE_FILE_SET,
        CREATE_REPO,
        START_COMMIT,
        ADD_FILE_SET,
        FINISH_COMMIT,
        DROP_COMMIT_SET,
    ];
    const FOLDERS: [&str; 5] = ["http", "p", "auth", "follow", "gateway"];

    fn call_of(recording: &Recording) -> Option<Call> {
        CALLS
            .into_iter()
            .find(|call| recording.path == format!("/api/{}/{}", call.service, call.name))
    }

    fn fault_of(call: Call, recording: &Recording) -> CallFault {
        let answer = Answer {
            status: recording.status,
            content_type: recording.header("content-type").unwrap_or_default().to_owned(),
            body: recording.answer.clone().into_bytes(),
            ..Answer::default()
        };
        fault_of_answer(call, "pachd:1650", &answer)
    }

    fn refusals_in(folder: &Path) -> Vec<Recording> {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files
            .filter_map(|file| Recording::read(&file))
            .filter(|recording| recording.path.starts_with("/api/") && recording.status >= 400)
            .collect()
    }

    /// The recordings of this repository, and the whole collection where `SPOUTCTL_TEST_WIRE` names it.
    fn folders() -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = FOLDERS.into_iter().map(folder_of).collect();
        if let Some(collection) = std::env::var_os("SPOUTCTL_TEST_WIRE") {
            let names = std::fs::read_dir(collection).unwrap().map(|entry| entry.unwrap());
            all.extend(
                names
                    .filter(|entry| entry.file_name().to_string_lossy().starts_with("http-"))
                    .map(|entry| entry.path()),
            );
        }
        all
    }

    #[test]
    fn every_recorded_refusal_of_a_call_of_ours_is_in_the_table() {
        let mut count = 0;
        for recording in folders().iter().flat_map(|folder| refusals_in(folder)) {
            let Some(call) = call_of(&recording) else { continue };
            let status = read_status(recording.answer.as_bytes());
            let status = status.unwrap_or_else(|| panic!("{}: {}", recording.name, recording.answer));
            let known = look_up(call, status.code, &status.message);
            assert!(known.is_some(), "{}: {}", recording.name, recording.answer);
            let failed = fault_of(call, &recording);
            assert!(failed.fault.message.starts_with(&format!("{}: ", call.name)));
            assert!(!failed.fault.message.contains("stack trace"), "{}", failed.fault);
            count += 1;
        }
        assert!(count > 25, "{count}");
    }

    #[test]
    fn every_rule_that_names_a_recording_is_the_one_that_fits_it() {
        // Those of old releases are looked up where their recordings are read.
        let is_here = |seen: &str| seen != "source" && !seen.starts_with("grpc-");
        for rule in TABLE.iter().filter(|rule| is_here(rule.seen)) {
            let recording = Recording::load(rule.seen);
            let status = read_status(recording.answer.as_bytes()).unwrap();
            // Some were recorded with calls that are none of ours.
            let call = call_of(&recording).unwrap_or(START_COMMIT);
            let found = look_up(call, status.code, &status.message).unwrap();
            assert!(std::ptr::eq(found, rule), "{}: {}", rule.seen, found.seen);
        }
    }

    #[test]
    fn what_is_missing_is_read_from_the_words() {
        for (label, missing) in [
            ("http 011", Missing::Repo),
            ("http 079", Missing::Branch),
            ("p 020", Missing::Commit),
            ("p 097", Missing::File),
            ("p 098", Missing::Branch),
            ("p 099", Missing::Repo),
            ("gateway 001", Missing::Repo),
            ("gateway 002", Missing::Branch),
            ("gateway 018", Missing::File),
            ("gateway 019", Missing::Commit),
            ("gateway 020", Missing::Repo),
            ("gateway 021", Missing::Project),
            ("gateway 022", Missing::Repo),
        ] {
            let recording = Recording::load(label);
            let failed = fault_of(call_of(&recording).unwrap(), &recording);
            assert_eq!(failed.fault.kind, NotFound, "{label}");
            assert_eq!(failed.missing, Some(missing), "{label}: {}", failed.fault);
        }
    }

    #[test]
    fn a_files_own_name_decides_nothing_about_what_is_missing() {
        for name in [
            "/a: repo x/y not found",
            "/branch \"m\" not found",
            "/x@y: commit z not found",
        ] {
            let status = Status {
                code: 5,
                message: format!("file {name} not found in repo default/ev at commit "),
            };
            assert_eq!(
                fault_of_words(INSPECT_FILE, status.code, &status.message).missing,
                Some(Missing::File),
                "{name}"
            );
        }
    }

    #[test]
    fn words_about_file_sets_count_only_where_a_file_set_is_named() {
        let status = Status {
            code: 2,
            message: "add file set: path does not exist".into(),
        };
        assert_eq!(
            fault_of_words(ADD_FILE_SET, status.code, &status.message).fault.kind,
            FileSetGone
        );
        assert_eq!(
            fault_of_words(GET_FILE, status.code, &status.message).fault.kind,
            Unrecognised
        );
    }

    #[test]
    fn a_connection_lost_inside_the_server_is_unknown_for_what_changes() {
        let recording = Recording::load("auth 016");
        assert_eq!(fault_of(FINISH_COMMIT, &recording).fault.kind, Unknown);
        assert_eq!(fault_of(INSPECT_COMMIT, &recording).fault.kind, Unavailable);
    }

    #[test]
    fn words_that_nobody_has_seen_are_unrecognised_and_shown() {
        let status = Status {
            code: 2,
            message: "the moon is in the wrong house\u{1b}[2J".into(),
        };
        let fault = fault_of_words(START_COMMIT, status.code, &status.message).fault;
        assert_eq!(fault.kind, Unrecognised);
        assert_eq!(fault.message, "StartCommit: the moon is in the wrong house\\u{1b}[2J");
    }

    #[test]
    fn a_failure_inside_the_server_is_shown_without_its_stack() {
        let status = Status {
            code: 10,
            message: "panic: something inside failed\ngoroutine 7 [running]:\nmain.go:1".into(),
        };
        let fault = fault_of_words(INSPECT_COMMIT, status.code, &status.message).fault;
        assert_eq!(fault.message, "InspectCommit: panic: something inside failed");
        assert_eq!(fault.kind, Unknown);
    }

    #[test]
    fn another_servers_json_is_not_taken_for_pachds() {
        for body in [
            r#"{"code":404,"message":"no route"}"#,
            r#"{"message":"Unauthorized"}"#,
            "[]",
        ] {
            let answer = Answer {
                status: 404,
                content_type: "application/json".into(),
                body: body.into(),
                ..Answer::default()
            };
            let fault = fault_of_answer(INSPECT_REPO, "pachd:1650", &answer).fault;
            assert_eq!(fault.kind, Refused, "{body}");
            assert!(fault.message.contains("pachd:1650 is not a pachd gateway"), "{fault}");
        }
    }

    #[test]
    fn a_wait_is_asked_for_in_seconds_or_until_a_date() {
        let now: Timestamp = "2024-05-01T12:00:00Z".parse().unwrap();
        for (value, wait) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("999999999", Some(3600)),
            ("Wed, 01 May 2024 12:00:30 GMT", Some(30)),
            ("Wed, 01 May 2024 11:00:00 GMT", Some(0)),
            ("soon", None),
            ("-3", None),
        ] {
            assert_eq!(retry_after(value, now), wait.map(Duration::from_secs), "{value}");
        }
    }
}
