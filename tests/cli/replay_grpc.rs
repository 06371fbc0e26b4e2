//! The recordings of real pachds of nine releases, played to `serve --pachyderm` of each: the same requests in the same order get
//! the same answers.
//!
//! `fixtures/wire/grpc-RELEASE.jsonl` has an exchange a line, its messages in hex; `SPOUTCTL_TEST_WIRE` names a whole collection
//! instead, a folder a release. Ids are learnt from the answers and put into later requests; times are compared for being there.
//! What else is not compared stands in `exceptions` with its reason, what was there before an exchange in `before`.

pub mod answers;
mod before;
mod exceptions;
mod v1;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use self::answers::{is_id, read};
use self::before::prepare;
use self::exceptions::{Except, exception};
use crate::grpc_call::{Connection, Reply};
use crate::runner::fixture;
use crate::served::Served;

/// One call as it was recorded.
pub struct Exchange {
    pub number: u32,
    name: String,
    method: String,
    metadata: Vec<(String, String)>,
    requests: Vec<Vec<u8>>,
    responses: Vec<Vec<u8>>,
    status: (i32, String),
    is_of_test_daemon: bool,
}

/// gRPC's names of codes, those that were recorded.
const CODES: &[(&str, i32)] = &[
    ("OK", 0),
    ("UNKNOWN", 2),
    ("NOT_FOUND", 5),
    ("ALREADY_EXISTS", 6),
    ("UNIMPLEMENTED", 12),
];

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

impl Exchange {
    fn of(name: &str, recorded: &Value) -> Self {
        let bytes = |side: &str| {
            let messages = recorded[side].as_array().unwrap();
            let hex = |message: &Value| message["hex"].as_str().or(message.as_str()).unwrap().to_owned();
            messages.iter().map(|message| from_hex(&hex(message))).collect()
        };
        // In a collection the code and its text stand together.
        let (code, text) = match recorded["status"].as_str() {
            Some(code) => (code, recorded["message"].as_str().unwrap_or_default()),
            None => (
                recorded["status"]["code"].as_str().unwrap(),
                recorded["status"]["message"].as_str().unwrap(),
            ),
        };
        let code = CODES.iter().find(|(name, _)| *name == code).expect(code).1;
        let metadata = recorded["metadata"].as_object().cloned().unwrap_or_default();
        Self {
            number: name[..3].parse().unwrap(),
            name: name.to_owned(),
            method: recorded["method"].as_str().unwrap().trim_start_matches('/').to_owned(),
            metadata: metadata
                .into_iter()
                .map(|(name, value)| (name, value.as_str().unwrap().to_owned()))
                .collect(),
            requests: bytes("requests"),
            responses: bytes("responses"),
            status: (code, text.to_owned()),
            is_of_test_daemon: false,
        }
    }

    /// It went through a spout's sidecar.
    fn is_of_sidecar(&self) -> bool {
        self.name[4..].starts_with("sidecar-")
    }

    /// The client has left while there may have come more.
    fn was_cut(&self) -> bool {
        let is_endless = self.method.ends_with("/SubscribeCommit") || self.method.ends_with("/ListCommitSet");
        is_endless && self.status.0 == 0
    }
}

/// All of a release, in order.
fn exchanges(release: &str) -> Vec<Exchange> {
    let collection = std::env::var_os("SPOUTCTL_TEST_WIRE").map(PathBuf::from);
    let folder = collection.map(|collection| collection.join(format!("grpc-{release}")));
    if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
        return in_folder(&folder);
    }
    of_fixtures(&format!("grpc-{release}.jsonl"))
}

/// An exchange a file.
fn in_folder(folder: &Path) -> Vec<Exchange> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> = files.collect();
    files.sort();
    let read = |path: &PathBuf| {
        let recorded = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        Exchange::of(path.file_stem().unwrap().to_str().unwrap(), &recorded)
    };
    files.iter().map(read).collect()
}

/// An exchange a line.
fn of_fixtures(name: &str) -> Vec<Exchange> {
    let text = std::fs::read_to_string(fixture("wire").join(name)).unwrap();
    let read = |line: &str| {
        let recorded: Value = serde_json::from_str(line).unwrap();
        Exchange::of(recorded["name"].as_str().unwrap(), &recorded)
    };
    text.lines().map(read).collect()
}

/// A server that plays a release, and a spout's sidecar over the same store.
pub struct Replay {
    release: &'static str,
    pub main: Connection,
    /// Of the spout `spout`, from the first exchange through it on.
    sidecar: OnceCell<(Connection, Served)>,
    /// Recorded ids and ours, of the same length.
    pub ids: BTreeMap<String, String>,
    differences: Vec<String>,
    /// Where the server keeps what it has.
    store: PathBuf,
    _server: (Served, tempfile::TempDir),
}

impl Replay {
    fn of(release: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = directory.path().join("store");
        let main = Served::over(&store, &["--pachyderm", release]);
        Self {
            release,
            main: Connection::to(&main.authority),
            sidecar: OnceCell::new(),
            ids: BTreeMap::new(),
            differences: Vec::new(),
            store,
            _server: (main, directory),
        }
    }

    pub fn sidecar(&self) -> &Connection {
        let start = || {
            let served = Served::over(&self.store, &["--pachyderm", self.release, "--as-spout", "spout"]);
            (Connection::to(&served.authority), served)
        };
        &self.sidecar.get_or_init(start).0
    }

    pub fn is_since(&self, minor: u32) -> bool {
        !self.is_1_x() && self.release[2..].parse::<u32>().unwrap() >= minor
    }

    pub fn is_1_x(&self) -> bool {
        self.release.starts_with("1.")
    }

    /// Ids have the same length in every release, so they can be replaced within a message.
    fn with_our_ids(&self, message: &[u8]) -> Vec<u8> {
        let mut message = message.to_vec();
        for (recorded, ours) in &self.ids {
            if recorded.len() != ours.len() {
                continue;
            }
            let mut at = 0;
            while let Some(found) = memchr::memmem::find(&message[at..], recorded.as_bytes()) {
                message[at + found..at + found + ours.len()].copy_from_slice(ours.as_bytes());
                at += found + ours.len();
            }
        }
        message
    }

    fn ask(&self, exchange: &Exchange) -> Reply {
        let server = if exchange.is_of_sidecar() {
            self.sidecar()
        } else {
            &self.main
        };
        let requests: Vec<Vec<u8>> = exchange
            .requests
            .iter()
            .map(|request| self.with_our_ids(request))
            .collect();
        let metadata: Vec<(String, String)> = exchange
            .metadata
            .iter()
            .map(|(name, value)| (name.clone(), self.ids.get(value).unwrap_or(value).clone()))
            .collect();
        let count = exchange.was_cut().then_some(exchange.responses.len());
        server.up_to(&exchange.method, &metadata, &requests, count)
    }

    fn play(&mut self, exchange: &Exchange) {
        if self.is_1_x() {
            v1::prepare(self, exchange);
        } else {
            prepare(self, exchange);
        }
        let except = exception(self.release, exchange);
        if matches!(except, Some(Except::Skip)) {
            return;
        }
        let wanted: Vec<Value> = read(&exchange.method, &exchange.responses);
        let started = Instant::now();
        let (mut reply, mut got);
        loop {
            reply = self.ask(exchange);
            got = read(&exchange.method, &reply.messages);
            // What pachd had finished when it was asked, ours may be finishing still.
            if !is_behind(&wanted, &got) || started.elapsed() > Duration::from_secs(10) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut found = Vec::new();
        self.compare_statuses(exchange, &reply, except, &mut found);
        if exchange.was_cut() {
            got.truncate(wanted.len());
        }
        let is_archive = exchange.method.ends_with("/GetFileTAR");
        let entries = |messages: &[Value]| answers::entries(messages.first()?.as_str()?);
        if is_archive && entries(&wanted).is_some_and(|wanted| entries(&got) == Some(wanted)) {
            got.clone_from(&wanted);
        }
        if matches!(except, Some(Except::Refused(_))) {
            // What was answered there is not answered here.
        } else if wanted.len() == got.len() {
            for (number, (wanted, got)) in wanted.iter().zip(&got).enumerate() {
                self.compare(&format!("[{number}]"), wanted, got, except, &mut found);
            }
        } else {
            let lines = |messages: &[Value]| messages.iter().map(|m| format!("\n      {m}")).collect::<String>();
            found.push(format!(
                "{} messages:{}\n    instead of {}:{}",
                got.len(),
                lines(&got),
                wanted.len(),
                lines(&wanted)
            ));
        }
        if !found.is_empty() {
            let what = found.join("\n    ");
            self.differences
                .push(format!("  {} {}\n    {what}", exchange.name, exchange.method));
        }
    }

    fn compare_statuses(
        &mut self,
        exchange: &Exchange,
        reply: &Reply,
        except: Option<&Except>,
        found: &mut Vec<String>,
    ) {
        let (code, text) = &exchange.status;
        let mut text = text.clone();
        if let Some((_, got)) = &reply.status {
            // Some are told in a text first.
            for (recorded, ours) in answers::ids_in(&text).into_iter().zip(answers::ids_in(got)) {
                self.ids.entry(recorded).or_insert(ours);
            }
        }
        for (recorded, ours) in &self.ids {
            text = text.replace(recorded, ours);
        }
        let wanted = Some((*code, text));
        let is_same = match (&reply.status, except) {
            (None, _) => exchange.was_cut(),
            (Some((got, _)), Some(Except::Text)) => *got == *code,
            (Some((got, _)), Some(Except::Refused(number))) => got == number,
            // The test daemon keeps its things elsewhere.
            (Some((got_code, got)), Some(Except::Root)) => Some((*got_code, got.replace(v1::ROOT, ""))) == wanted,
            (got, _) => *got == wanted,
        };
        if !is_same {
            found.push(format!("{:?} instead of {wanted:?}", reply.status));
        }
    }

    fn compare(&mut self, at: &str, wanted: &Value, got: &Value, except: Option<&Except>, found: &mut Vec<String>) {
        let key = at.rsplit(['.', '[']).next().unwrap_or_default();
        match (wanted, got) {
            (Value::Object(a), Value::Object(b)) => self.compare_fields(at, a, b, except, found),
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                for (number, (a, b)) in a.iter().zip(b).enumerate() {
                    self.compare(&format!("{at}[{number}]"), a, b, except, found);
                }
            }
            (Value::String(a), Value::String(b)) if answers::is_time(a) && answers::is_time(b) => {}
            (Value::String(a), Value::String(b)) if key == "hash" && a.len() == b.len() => {}
            // How long it took.
            (Value::String(_), Value::String(_)) if matches!(key, "compactingTime" | "validatingTime") => {}
            // A bound may be the size itself.
            (Value::String(a), Value::String(b)) if key == "sizeBytesUpperBound" => {
                let [a, b] = [a, b].map(|number| number.parse::<u64>().unwrap());
                if b > a || (a == 0) != (b == 0) {
                    found.push(format!("{at}: {b} instead of up to {a}"));
                }
            }
            (Value::String(a), Value::String(b)) if is_id(a) && is_id(b) => {
                let ours = self.ids.entry(a.clone()).or_insert_with(|| b.clone());
                if ours != b {
                    found.push(format!("{at}: {b} instead of {ours}"));
                }
            }
            (Value::String(a), Value::String(b)) if answers::is_same_json(a, b) => {}
            (a, b) if a == b => {}
            (a, b) => found.push(format!("{at}: {b} instead of {a}")),
        }
    }

    fn compare_fields(
        &mut self,
        at: &str,
        wanted: &Map<String, Value>,
        got: &Map<String, Value>,
        except: Option<&Except>,
        found: &mut Vec<String>,
    ) {
        let is_set = |info: &Map<String, Value>, field| info.get(field).is_some_and(|value| !value.is_null());
        let mut wanted = wanted.clone();
        if is_set(&wanted, "finishing") && !is_set(&wanted, "finished") && is_set(got, "finished") {
            // pachd was asked between the two; ours may be further, as with times.
            for later in ["finished", "details", "sizeBytesUpperBound", "updatedAt"] {
                wanted.insert(later.to_owned(), got[later].clone());
            }
        }
        for key in wanted.keys().chain(got.keys().filter(|key| !wanted.contains_key(*key))) {
            let is_excepted = matches!(except, Some(Except::Fields(names)) if names.contains(&key.as_str()));
            if is_excepted || exceptions::NOWHERE.contains(&key.as_str()) {
                continue;
            }
            match (wanted.get(key), got.get(key)) {
                (Some(a), Some(b)) => self.compare(&format!("{at}.{key}"), a, b, except, found),
                (a, b) => found.push(format!("{at}.{key}: {b:?} instead of {a:?}")),
            }
        }
    }
}

/// Whether a commit in the answer is still being finished that was finished in the recording.
fn is_behind(wanted: &[Value], got: &[Value]) -> bool {
    wanted.iter().zip(got).any(|(wanted, got)| {
        wanted["finished"].is_string() && got["finishing"].is_string() && got["finished"].is_null()
    })
}

#[track_caller]
fn play(release: &'static str) {
    let exchanges = exchanges(release);
    let mut replay = Replay::of(release);
    for exchange in &exchanges {
        if matches!(release, "1.13" | "2.12") && exchange.number == 101 {
            // These were recorded from another server.
            let differences = std::mem::take(&mut replay.differences);
            replay = Replay::of(release);
            replay.differences = differences;
        }
        replay.play(exchange);
    }
    replay.check(&exchanges);
}

impl Replay {
    #[track_caller]
    fn check(self, exchanges: &[Exchange]) {
        let least = if self.is_1_x() { 100 } else { 300 };
        assert!(exchanges.len() > least, "{}", exchanges.len());
        assert!(
            self.differences.is_empty(),
            "{} of {} exchanges with {} differ:\n{}",
            self.differences.len(),
            exchanges.len(),
            self.release,
            self.differences.join("\n")
        );
    }
}

#[test]
fn a_pachd_1_12_is_answered_as_it_was_recorded() {
    play("1.12");
}

#[test]
fn a_pachd_1_13_is_answered_as_it_was_recorded() {
    play("1.13");
}

/// What delivery does with 1.x, step by step: what is overwritten, given up, deleted, in the way.
#[test]
fn a_test_daemon_of_1_13_is_answered_as_it_was_recorded() {
    let mut exchanges = in_folder(&fixture("wire").join("grpc-1.13"));
    let mut replay = Replay::of("1.13");
    for exchange in &mut exchanges {
        exchange.is_of_test_daemon = true;
        replay.play(exchange);
    }
    replay.check(&exchanges);
}

#[test]
fn a_pachd_2_0_is_answered_as_it_was_recorded() {
    play("2.0");
}

#[test]
fn a_pachd_2_3_is_answered_as_it_was_recorded() {
    play("2.3");
}

#[test]
fn a_pachd_2_6_is_answered_as_it_was_recorded() {
    play("2.6");
}

#[test]
fn a_pachd_2_7_is_answered_as_it_was_recorded() {
    play("2.7");
}

#[test]
fn a_pachd_2_8_is_answered_as_it_was_recorded() {
    play("2.8");
}

#[test]
fn a_pachd_2_10_is_answered_as_it_was_recorded() {
    play("2.10");
}

#[test]
fn a_pachd_2_12_is_answered_as_it_was_recorded() {
    play("2.12");
}
