//! What pachd's gateway, or whatever stands in its place, says no with, and what that means: one table.
//!
//! It reads answers; it sends nothing and knows no HTTP client. Most of pachd's refusals have code 2 (unknown) and status
//! 500, so the code of the body and the words of its message decide, not the status. `http`, `p`, `auth`, `follow` and
//! `gateway` with a number name recordings.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::Deserialize;

use crate::fault::{Fault, FaultKind, printable};

/// The most that is read of an answer that is an error.
pub(super) const ERROR_BODY_LIMIT: usize = 64 * 1024;

/// The longest wait that a server may ask for; more is taken as this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

/// One of pachd's calls, as far as its faults depend on which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    pub service: &'static str,
    pub name: &'static str,
    /// Carrying it out twice, or once without our knowing, changes nothing that anybody sees.
    pub repeatable: bool,
    /// It names a file set, so that "path does not exist" is about that.
    names_file_set: bool,
}

const PFS: &str = "pfs_v2.API";

impl Call {
    pub const fn reads(service: &'static str, name: &'static str) -> Self {
        Self {
            service,
            name,
            repeatable: true,
            names_file_set: false,
        }
    }

    pub const fn changes(name: &'static str) -> Self {
        Self {
            service: PFS,
            name,
            repeatable: false,
            names_file_set: false,
        }
    }

    const fn naming_a_file_set(self) -> Self {
        Self {
            names_file_set: true,
            ..self
        }
    }
}

pub(super) const GET_VERSION: Call = Call::reads("versionpb_v2.API", "GetVersion");
pub(super) const INSPECT_CLUSTER: Call = Call::reads("admin_v2.API", "InspectCluster");
pub(super) const AUTHORIZE: Call = Call::reads("auth_v2.API", "Authorize");
pub(super) const INSPECT_PIPELINE: Call = Call::reads("pps_v2.API", "InspectPipeline");
pub(super) const INSPECT_REPO: Call = Call::reads(PFS, "InspectRepo");
pub(super) const INSPECT_BRANCH: Call = Call::reads(PFS, "InspectBranch");
pub(super) const INSPECT_COMMIT: Call = Call::reads(PFS, "InspectCommit");
pub(super) const LIST_COMMIT: Call = Call::reads(PFS, "ListCommit");
pub(super) const SUBSCRIBE_COMMIT: Call = Call::reads(PFS, "SubscribeCommit");
pub(super) const INSPECT_FILE: Call = Call::reads(PFS, "InspectFile");
pub(super) const GET_FILE: Call = Call::reads(PFS, "GetFile");
pub(super) const GET_FILE_TAR: Call = Call::reads(PFS, "GetFileTAR");
pub(super) const DIFF_FILE: Call = Call::reads(PFS, "DiffFile");
pub(super) const WALK_FILE: Call = Call::reads(PFS, "WalkFile");
/// Nobody sees a file set that no commit holds, so making one too many is harmless: it expires.
pub(super) const CREATE_FILE_SET: Call = Call::reads(PFS, "CreateFileSet");
pub(super) const RENEW_FILE_SET: Call = Call::reads(PFS, "RenewFileSet").naming_a_file_set();
pub(super) const COMPOSE_FILE_SET: Call = Call::reads(PFS, "ComposeFileSet").naming_a_file_set();
/// Always with `dryRun`.
pub(super) const CREATE_PIPELINE: Call = Call::reads("pps_v2.API", "CreatePipelineV2");
pub(super) const CREATE_REPO: Call = Call::changes("CreateRepo");
pub(super) const START_COMMIT: Call = Call::changes("StartCommit");
pub(super) const ADD_FILE_SET: Call = Call::changes("AddFileSet").naming_a_file_set();
pub(super) const FINISH_COMMIT: Call = Call::changes("FinishCommit");
pub(super) const DROP_COMMIT_SET: Call = Call::changes("DropCommitSet");

/// What a "not found" is about. No file, no branch and no repo all have code 5 (p 097–099), so the text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Project,
    Repo,
    Branch,
    Commit,
    File,
    Pipeline,
}

/// A fault, and what was missing when that is what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CallFault {
    pub fault: Fault,
    pub missing: Option<Missing>,
    /// Somebody answered, so that nothing more can be learned by asking again.
    pub answered: bool,
    /// pachd itself said this in answer to what was asked.
    pub by_pachd: bool,
}

impl CallFault {
    pub fn is_missing(&self, things: &[Missing]) -> bool {
        self.missing.is_some_and(|missing| things.contains(&missing))
    }
}

impl From<CallFault> for Fault {
    fn from(failed: CallFault) -> Self {
        failed.fault
    }
}

impl From<Fault> for CallFault {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            missing: None,
            answered: false,
            by_pachd: false,
        }
    }
}

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

#[derive(Clone, Copy)]
enum Meaning {
    Is(FaultKind),
    /// The call may have been carried out: unknown, or simply "again" where that cannot hurt.
    Lost,
    /// The server has no such call.
    NoSuchCall,
}

#[derive(Clone, Copy)]
enum Words {
    Any,
    Are(&'static str),
    Hold(&'static str),
    /// As `Hold`, in the answer to a call that names a file set.
    HoldOfFileSet(&'static str),
}

struct Rule {
    code: i64,
    words: Words,
    meaning: Meaning,
    /// Where it was seen: a recording, or `source` for what was read in the server's own source only.
    #[cfg_attr(not(test), expect(dead_code, reason = "the table's evidence; a test looks each up"))]
    seen: &'static str,
}

const fn rule(code: i64, words: Words, meaning: Meaning, seen: &'static str) -> Rule {
    Rule {
        code,
        words,
        meaning,
        seen,
    }
}

use FaultKind::{
    AlreadyExists, AlreadyFinished, Denied, FileSetGone, HeadOpen, NotFound, OutputBranch, Refused, TooLarge,
    Unavailable, Unknown, Unrecognised,
};
use Meaning::{Is, Lost, NoSuchCall};
use Words::{Any, Are, Hold, HoldOfFileSet};

/// Every text and code that is known. The first rule that fits counts; what fits none is `Unrecognised`.
static TABLE: &[Rule] = &[
    // Who is asking. An expired token comes as an internal error, not as 16.
    rule(16, Any, Is(Denied), "auth 001"),
    rule(7, Any, Is(Denied), "auth 011"),
    rule(13, Hold("token expiration is in the past"), Is(Denied), "auth 024"),
    // What the call names. The gateway's own "no such method" has code 5 too, with these words alone.
    rule(5, Are("Not Found"), NoSuchCall, "http 006"),
    rule(
        5,
        HoldOfFileSet("tracker does not contain item"),
        Is(FileSetGone),
        "gateway 003",
    ),
    rule(5, Any, Is(NotFound), "http 011"),
    rule(6, Any, Is(AlreadyExists), "http 008"),
    // File sets that have expired: each call has its own words for it.
    rule(2, HoldOfFileSet("path does not exist"), Is(FileSetGone), "http 064"),
    rule(
        2,
        HoldOfFileSet("would create a dangling reference"),
        Is(FileSetGone),
        "gateway 004",
    ),
    // The state of a branch or a commit.
    rule(2, Hold("has not been finished"), Is(HeadOpen), "http 047"),
    rule(2, Hold("has already finished"), Is(AlreadyFinished), "http 053"),
    rule(
        2,
        Hold("cannot start a commit on an output branch"),
        Is(OutputBranch),
        "http 105",
    ),
    // Size: gRPC's limit on one message.
    rule(8, Any, Is(TooLarge), "gateway 005"),
    // Passing. A connection that broke inside the server after it had passed the call on says nothing about the call.
    rule(14, Hold("error reading from server"), Lost, "auth 016"),
    rule(14, Hold("transport is closing"), Lost, "source"),
    rule(14, Any, Is(Unavailable), "source"),
    rule(
        2,
        Hold("commit unexpectedly resulted in rollback"),
        Is(Unknown),
        "source",
    ),
    rule(1, Any, Lost, "source"),
    rule(4, Any, Lost, "source"),
    // A Go panic, or a transaction that lost a race: it says nothing about what was done before.
    rule(10, Any, Is(Unknown), "http 056"),
    // A request whose end did not arrive.
    rule(3, Hold("unexpected EOF"), Is(Unavailable), "http 024"),
    // Plain refusals.
    rule(3, Any, Is(Refused), "http 025"),
    rule(12, Hold("auth service is not activated"), Is(Refused), "http 005"),
    rule(12, Any, NoSuchCall, "source"),
    rule(2, Hold("relative file paths are not allowed"), Is(Refused), "http 028"),
    rule(
        2,
        Hold("only printable ASCII characters allowed"),
        Is(Refused),
        "http 030",
    ),
    rule(2, Hold("not allowed in path"), Is(Refused), "http 035"),
    rule(2, Hold("only alphanumeric characters"), Is(Refused), "http 009"),
    rule(2, Hold("invalid input value for enum"), Is(Refused), "http 012"),
    rule(2, Hold("exceeds max ttl"), Is(Refused), "p 096"),
    rule(2, Hold("parsing fileset.Token"), Is(Refused), "gateway 006"),
    rule(2, Hold("file / directory path collision"), Is(Refused), "p 062"),
    rule(
        2,
        Hold("cannot get directory or non-regular file"),
        Is(Refused),
        "gateway 007",
    ),
    rule(2, Hold("matched multiple files"), Is(Refused), "source"),
    rule(2, Hold("cannot use 'Reverse'"), Is(Refused), "follow 008"),
    rule(2, Hold("cannot drop a commit that has children"), Is(Refused), "source"),
    rule(2, Hold("cannot be dropped because"), Is(Refused), "source"),
];

fn look_up(call: Call, code: i64, message: &str) -> Option<&'static Rule> {
    TABLE.iter().find(|rule| {
        rule.code == code
            && match rule.words {
                Any => true,
                Are(text) => message == text,
                Hold(text) => message.contains(text),
                HoldOfFileSet(text) => call.names_file_set && message.contains(text),
            }
    })
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
        Some(status) if answer.status != 413 => fault_of_status(call, &status),
        _ => fault_of_stranger(call, address, answer).into(),
    };
    failed.answered = true;
    if failed.fault.is_passing() {
        failed.fault.retry_after = answer.retry_after;
    }
    failed
}

/// What pachd's own words mean.
pub(super) fn fault_of_status(call: Call, status: &Status) -> CallFault {
    let text = without_stack_trace(&status.message);
    let meaning = look_up(call, status.code, &status.message).map_or(Is(Unrecognised), |rule| rule.meaning);
    let (kind, message) = match meaning {
        Is(kind) => (kind, format!("{}: {text}", call.name)),
        Lost => (kind_of_lost(call), format!("{}: {text}", call.name)),
        NoSuchCall => (
            Refused,
            format!(
                "{}: this server has no such call ({text}); it is older than Pachyderm 2.8, or no pachd",
                call.name
            ),
        ),
    };
    CallFault {
        answered: true,
        by_pachd: !matches!(meaning, NoSuchCall),
        missing: (kind == NotFound).then(|| missing_thing(text)).flatten(),
        fault: Fault::new(kind, message),
    }
}

/// The kind of a call whose answer never came.
pub(super) fn kind_of_lost(call: Call) -> FaultKind {
    if call.repeatable { Unavailable } else { Unknown }
}

/// A fault whose call may have been carried out.
pub(super) fn lost(call: Call, what: impl AsRef<str>) -> Fault {
    Fault::new(kind_of_lost(call), format!("{}: {}", call.name, what.as_ref()))
}

/// A fault whose call never reached the server.
pub(super) fn unreached(call: Call, what: impl AsRef<str>) -> Fault {
    Fault::new(Unavailable, format!("{}: {}", call.name, what.as_ref()))
}

pub(super) fn refused(call: Call, what: impl AsRef<str>) -> Fault {
    Fault::new(Refused, format!("{}: {}", call.name, what.as_ref()))
}

/// A stream that broke off or said so itself. Whoever reads it asks again.
pub(super) fn broken_stream(call: Call, what: impl AsRef<str>) -> Fault {
    Fault::new(Unavailable, format!("{}: {}", call.name, what.as_ref()))
}

/// pachd said yes in words that cannot be read. What was asked for may well have happened.
pub(super) fn unreadable(call: Call, why: impl AsRef<str>) -> Fault {
    Fault::new(
        Unknown,
        format!("{}: the answer cannot be read: {}", call.name, why.as_ref()),
    )
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
        413 => Fault::new(TooLarge, format!("{}: the body is too large: {looks}", call.name)),
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

/// A panic's message holds the whole stack (http 056): its first line says what there is to say.
fn without_stack_trace(message: &str) -> &str {
    let panicked = message.starts_with("panic:") || message.contains("\ngoroutine ");
    if panicked {
        message.lines().next().unwrap_or_default()
    } else {
        message
    }
}

/// What pachd could not find. Of several lines the last is the most particular, and names the repo's absence as the
/// branch's (gateway 001): a repo or project that is named by an earlier line is what is missing.
fn missing_thing(message: &str) -> Option<Missing> {
    let mut found = message.lines().filter_map(missing_in_line);
    let first = found.next()?;
    Some(found.fold(first, |outer, inner| match outer {
        Missing::Project | Missing::Repo => outer,
        _ => inner,
    }))
}

fn missing_in_line(line: &str) -> Option<Missing> {
    let mut rest = line;
    loop {
        for (noun, thing) in [
            ("project ", Missing::Project),
            ("repo ", Missing::Repo),
            ("branch ", Missing::Branch),
            ("commit ", Missing::Commit),
            ("file ", Missing::File),
            ("pipeline \"", Missing::Pipeline),
        ] {
            if rest.starts_with(noun) && rest.contains(" not found") && !is_context(rest) {
                return Some(thing);
            }
        }
        // What wraps an error says what was being done: `get file: pick commit tx: …`.
        let (context, inner) = rest.split_once(": ")?;
        if context.contains(['/', '@']) {
            return None;
        }
        rest = inner;
    }
}

/// `get repo ID: …` is context; `repo default/x not found` is not.
fn is_context(text: &str) -> bool {
    text.split_once(": ")
        .is_some_and(|(context, _)| !context.contains(['/', '"', '(']))
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

    const CALLS: [Call; 19] = [
        AUTHORIZE,
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
        for rule in TABLE.iter().filter(|rule| rule.seen != "source") {
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
                fault_of_status(INSPECT_FILE, &status).missing,
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
        assert_eq!(fault_of_status(ADD_FILE_SET, &status).fault.kind, FileSetGone);
        assert_eq!(fault_of_status(GET_FILE, &status).fault.kind, Unrecognised);
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
        let fault = fault_of_status(START_COMMIT, &status).fault;
        assert_eq!(fault.kind, Unrecognised);
        assert_eq!(fault.message, "StartCommit: the moon is in the wrong house\\u{1b}[2J");
    }

    #[test]
    fn a_panic_is_shown_without_its_stack() {
        let status = Status {
            code: 10,
            message: "panic: runtime error: nil\ngoroutine 7 [running]:\nmain.go:1".into(),
        };
        let fault = fault_of_status(INSPECT_COMMIT, &status).fault;
        assert_eq!(fault.message, "InspectCommit: panic: runtime error: nil");
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
