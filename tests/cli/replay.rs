//! The recordings of a real pachd, played to `spoutctl serve`: the same requests in the same order get the same answers.
//!
//! Ids are learnt from the answers and put into later requests; times and hashes are compared for being there, and a
//! commit that pachd was still finishing may be finished. What else is not compared stands in [`EXCEPTIONS`] with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use regex::{Captures, Regex};
use serde_json::{Value, json};

use crate::replay_grpc::answers::{entries, is_id, is_time};
use crate::runner::fixture;
use crate::served::{Answer, Served};

const FOLDERS: &[&str] = &["http-2.12", "http-2.12-follow", "http-2.12-protocol", "http-2.12-files"];

/// Repos that were there before the first exchange of their folder.
const MADE_BEFORE: &[(&str, &str)] = &[("http-2.12-follow", "mirror"), ("http-2.12-protocol", "ev")];

/// What is not compared.
enum Except {
    /// It is not played.
    Skip,
    /// It is played, and these fields may differ, wherever they stand.
    Fields(&'static [&'static str]),
    /// It is played, and only the status and the code are compared.
    Text,
    /// It is played, and answered otherwise on purpose.
    Refused(u16),
}
use Except::{Fields, Refused, Skip, Text};

/// Folder, number, what is left out, and why. None is a call as `put`, `get` or `tail` make it.
const EXCEPTIONS: &[(&str, u32, Except, &str)] = &[
    (
        "http-2.12",
        2,
        Fields(&["major", "minor", "goVersion", "platform", "additional"]),
        "the test daemon has no version",
    ),
    (
        "http-2.12",
        3,
        Fields(&["id", "webResources", "warnings"]),
        "says who answers",
    ),
    ("http-2.12", 4, Fields(&["id", "webResources"]), "says who answers"),
    ("http-2.12", 12, Text, "an error of pachd's database"),
    (
        "http-2.12",
        31,
        Refused(500),
        "pachd loses these bytes without a word; serve says that it cannot keep them",
    ),
    (
        "http-2.12",
        43,
        Fields(&["datum"]),
        "the root has a datum only because of 031",
    ),
    (
        "http-2.12-auth",
        16,
        Skip,
        "the test daemon cut the silence that serve keeps",
    ),
    (
        "http-2.12-auth",
        32,
        Fields(&["id", "webResources", "warnings"]),
        "says who answers",
    ),
    (
        "http-2.12-auth",
        33,
        Fields(&["major", "minor", "goVersion", "platform", "additional"]),
        "the test daemon has no version",
    ),
    ("http-2.12", 97, Fields(&["details"]), "pachd names the field besides"),
    ("http-2.12", 98, Fields(&["details"]), "pachd names the field besides"),
];

struct Exchange {
    folder: &'static str,
    number: u32,
    name: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
    response: Response,
}

enum Response {
    Whole(Expected),
    /// Of a subscription: the answer as far as it was waited for.
    Pieces(Option<Expected>),
}

#[derive(Clone)]
struct Expected {
    status: u16,
    body: String,
}

/// An answer as raw bytes, chunked, as far as it came.
fn unchunked(raw: &str) -> Expected {
    let (head, mut rest) = raw.split_once("\r\n\r\n").unwrap();
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size, 16) else {
            break;
        };
        body.push_str(&after[..size]);
        rest = &after[size + 2..];
    }
    Expected {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        body,
    }
}

fn exchanges(folder: &'static str) -> Vec<Exchange> {
    let mut names: Vec<String> = std::fs::read_dir(fixture("wire").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names.into_iter().map(|name| exchange(folder, name)).collect()
}

fn exchange(folder: &'static str, name: String) -> Exchange {
    let text = std::fs::read_to_string(fixture("wire").join(folder).join(&name)).unwrap();
    let recorded: Value = serde_json::from_str(&text).unwrap();
    let request = &recorded["request"];
    let headers = request["headers"].as_object().into_iter().flatten();
    let response = if let Some(pieces) = recorded["response_pieces"].as_array() {
        let raw: String = pieces.iter().map(|piece| piece["text"].as_str().unwrap()).collect();
        Response::Pieces((!raw.is_empty()).then(|| unchunked(&raw)))
    } else {
        Response::Whole(Expected {
            status: u16::try_from(recorded["response"]["status"].as_u64().unwrap()).unwrap(),
            body: recorded["response"]["body"]["text"].as_str().unwrap().to_owned(),
        })
    };
    Exchange {
        folder,
        number: name[..3].parse().unwrap(),
        method: request["method"].as_str().unwrap().to_owned(),
        path: request["path"].as_str().unwrap().to_owned(),
        headers: headers
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect(),
        body: request["body"].as_str().unwrap_or_default().to_owned(),
        response,
        name,
    }
}

impl Exchange {
    fn exception(&self) -> Option<&'static Except> {
        let mine =
            |(folder, number, _, _): &&(&str, u32, Except, &str)| *folder == self.folder && *number == self.number;
        EXCEPTIONS.iter().find(mine).map(|(_, _, except, _)| except)
    }

    /// The repos that its request names.
    fn repos(&self) -> BTreeSet<String> {
        let names = Regex::new(r#""repo": \{"name": "([^"]*)", "type": "user"(?:, "project": \{"name": "([^"]*)"\})?"#);
        let mut repos: BTreeSet<String> = names
            .unwrap()
            .captures_iter(&self.body)
            .map(|found| {
                format!(
                    "{}/{}",
                    found.get(2).map_or("default", |project| project.as_str()),
                    &found[1]
                )
            })
            .collect();
        // With a project comes what is in it.
        let projects = Regex::new(r#""project": \{"name": "([^"]*)"\}"#).unwrap();
        let projects = projects.captures_iter(&self.body).map(|found| found[1].to_owned());
        repos.extend(projects.filter(|project| project != "default"));
        if let Some(rest) = self.path.strip_prefix("/pfs/") {
            repos.insert(rest.split('/').take(2).collect::<Vec<_>>().join("/"));
        }
        repos
    }

    /// The pipelines that its request names; of a list, those in its answer.
    fn pipelines(&self) -> BTreeSet<String> {
        let names =
            Regex::new(r#"\\?"pipeline\\?": ?\{(?:"project":\{"name":"default"\}, ?)?\\?"name\\?": ?\\?"([^"\\]*)"#);
        let text = match &self.response {
            Response::Whole(expected) if self.path.ends_with("/ListPipeline") => &expected.body,
            _ => &self.body,
        };
        let names = names.unwrap();
        let names = names.captures_iter(text).map(|found| format!("default/{}", &found[1]));
        names.collect()
    }

    /// What it says of pipelines is written in texts, where names are hard to replace.
    fn is_about_pipelines(&self) -> bool {
        self.path.starts_with("/api/pps_v2.API/") && !self.path.ends_with("InspectPipeline")
            || self.body.contains("my-spout")
    }

    /// The ids that its request names.
    fn ids(&self) -> BTreeSet<String> {
        let headers: String = self.headers.iter().map(|(_, value)| value.as_str()).collect();
        ids_in(&format!("{} {headers}", self.body))
    }
}

fn ids_in(text: &str) -> BTreeSet<String> {
    let id = Regex::new(r"[0-9a-f]{32}(\.[0-9a-f]{64})?").unwrap();
    id.find_iter(text).map(|found| found.as_str().to_owned()).collect()
}

type Rename = fn(&Captures<'_>) -> String;

/// Renames every repo, branch and path by a letter before it, which keeps their order.
struct Renaming {
    rules: Vec<(Regex, Rename)>,
}

fn renamed_path(path: &str) -> String {
    let elements = path.split('/').map(|element| match element {
        "" | "." | ".." => element.to_owned(),
        element => format!("q{element}"),
    });
    elements.collect::<Vec<_>>().join("/")
}

fn renamed(name: &str) -> String {
    if name.is_empty() || is_id(name) {
        name.to_owned()
    } else {
        format!("q{name}")
    }
}

impl Renaming {
    fn of_requests() -> Self {
        Self::new(&[
            // A project's name is matched with its key, so that the next rule leaves it alone.
            (r#"("project": ?\{)?"name": ?"([^"]*)""#, |found| match found.get(1) {
                Some(_) => found[0].to_owned(),
                None => format!(r#""name": "{}""#, renamed(&found[2])),
            }),
            (r#""branch": ?"([^"]*)""#, |found| {
                format!(r#""branch": "{}""#, renamed(&found[1]))
            }),
            (r#""(path|pattern|lower|upper)": ?"([^"]*)""#, |found| {
                format!(r#""{}": "{}""#, &found[1], renamed_path(&found[2]))
            }),
        ])
    }

    /// Of what stands in error texts.
    fn of_texts() -> Self {
        Self::new(&[
            (r"(default|p1)/([A-Za-z0-9_-]+)(@[A-Za-z0-9_-]*)?", |found| {
                let revision = found.get(3).map_or("", |revision| revision.as_str());
                let revision = revision
                    .strip_prefix('@')
                    .map_or(String::new(), |name| format!("@{}", renamed(name)));
                format!("{}/{}{revision}", &found[1], renamed(&found[2]))
            }),
            (r#"(branch ")([A-Za-z0-9_-]+)"#, |found| {
                format!("{}{}", &found[1], renamed(&found[2]))
            }),
            (r"(, name=)([a-z]+)", |found| {
                format!("{}{}", &found[1], renamed(&found[2]))
            }),
            (r"((?:repo|name) \()([a-z !]+)\)", |found| {
                format!("{}{})", &found[1], renamed(&found[2]))
            }),
            (r"((?:path|collision|item:) \()([^)]*)\)", |found| {
                format!("{}{})", &found[1], renamed_path(&found[2]))
            }),
            (r"(file )([^\n]+?)( not found in)", |found| {
                format!("{}{}{}", &found[1], renamed_path(&found[2]), &found[3])
            }),
            // The place of a value that comes after a path, which is longer by a letter.
            (r"\(line 1:35\)", |_| "(line 1:36)".to_owned()),
        ])
    }

    fn new(rules: &[(&str, Rename)]) -> Self {
        Self {
            rules: rules
                .iter()
                .map(|(pattern, rename)| (Regex::new(pattern).unwrap(), *rename))
                .collect(),
        }
    }

    fn apply(&self, text: &str) -> String {
        self.rules.iter().fold(text.to_owned(), |text, (pattern, rename)| {
            pattern.replace_all(&text, rename).into_owned()
        })
    }
}

/// Renames in an answer what a renamed request has changed.
fn rename_answer(value: &mut Value, texts: &Renaming) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| rename_answer(value, texts)),
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                match (key.as_str(), &mut *value) {
                    ("project", _) => {}
                    ("name", Value::String(name)) => *name = renamed(name),
                    ("path", Value::String(path)) => *path = renamed_path(path),
                    ("message" | "error", Value::String(text)) => *text = texts.apply(text),
                    (_, value) => rename_answer(value, texts),
                }
            }
        }
        _ => {}
    }
}

/// One run of a folder's exchanges against a server.
struct Replay {
    served: Served,
    /// Recorded ids and ours.
    ids: BTreeMap<String, String>,
    renaming: Option<(Renaming, Renaming)>,
    differences: Vec<String>,
}

impl Replay {
    fn new(folder: &str, is_renamed: bool) -> Self {
        let replay = Self {
            served: Served::start(),
            ids: BTreeMap::new(),
            renaming: is_renamed.then(|| (Renaming::of_requests(), Renaming::of_texts())),
            differences: Vec::new(),
        };
        for (_, repo) in MADE_BEFORE.iter().filter(|(made_in, _)| *made_in == folder) {
            let name = if is_renamed { renamed(repo) } else { (*repo).to_owned() };
            replay.served.ask(
                "pfs_v2.API/CreateRepo",
                &json!({"repo": {"name": name, "type": "user"}}),
            );
        }
        replay
    }

    fn with_our_ids(&self, text: &str) -> String {
        self.ids
            .iter()
            .fold(text.to_owned(), |text, (recorded, ours)| text.replace(recorded, ours))
    }

    fn play(&mut self, exchange: &Exchange) {
        let is_left_out = matches!(exchange.exception(), Some(Skip));
        if is_left_out || self.renaming.is_some() && exchange.is_about_pipelines() {
            return;
        }
        if exchange.name.contains("whoami-expired") {
            // It was good for one second.
            std::thread::sleep(Duration::from_millis(1100));
        }
        let mut body = self.with_our_ids(&exchange.body);
        let mut path = self.with_our_ids(&exchange.path);
        if let Some((requests, _)) = &self.renaming {
            body = requests.apply(&body);
            if let Some(rest) = path.strip_prefix("/pfs/default/") {
                path = format!("/pfs/default/{}", renamed_path(rest));
            }
        }
        let headers: Vec<(String, String)> = exchange
            .headers
            .iter()
            .map(|(name, value)| (name.to_lowercase(), self.with_our_ids(value)))
            .collect();
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        match &exchange.response {
            Response::Whole(expected) => {
                let started = Instant::now();
                let ask = || self.served.request(&exchange.method, &path, &headers, body.as_bytes());
                let mut answer = ask();
                // What pachd had finished when it was asked, ours may be finishing still.
                while is_behind(expected, &answer) && started.elapsed() < Duration::from_secs(10) {
                    std::thread::sleep(Duration::from_millis(10));
                    answer = ask();
                }
                self.compare(exchange, expected, &answer);
            }
            Response::Pieces(expected) => self.subscribe(exchange, expected.as_ref(), &body),
        }
    }

    /// Listens until as many lines have come as were recorded, doing what was done to the branch meanwhile.
    fn subscribe(&mut self, exchange: &Exchange, expected: Option<&Expected>, body: &str) {
        let mut stream = self.served.connect();
        let head = format!(
            "POST {} HTTP/1.0\r\nhost: {}\r\ncontent-length: {}\r\n\r\n",
            exchange.path,
            self.served.authority,
            body.len()
        );
        stream.write_all((head + body).as_bytes()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let lines = expected.map_or(0, |expected| expected.body.lines().count());
        let started = Instant::now();
        let (mut answer, mut piece, mut meddled) = (Vec::new(), [0; 4096], 0);
        loop {
            match stream.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => answer.extend_from_slice(&piece[..read]),
                Err(_) => {}
            }
            let come = answer
                .split(|byte| *byte == b'\n')
                .filter(|line| line.starts_with(b"{"))
                .count();
            if come > meddled && come < lines {
                meddled += 1;
                self.meddle(exchange, meddled);
            }
            let patience = if lines == 0 { 300 } else { 10_000 };
            if lines > 0 && come >= lines || started.elapsed() > Duration::from_millis(patience) {
                break;
            }
        }
        match expected {
            None if answer.is_empty() => {}
            None => self.differ(exchange, "an answer where there is none"),
            Some(_) if answer.is_empty() => self.differ(exchange, "no answer"),
            Some(expected) => self.compare(exchange, expected, &Answer::of(&answer)),
        }
    }

    /// What happened in the recording between two lines.
    fn meddle(&self, exchange: &Exchange, after: usize) {
        let name = |name: &str| {
            if self.renaming.is_some() {
                renamed(name)
            } else {
                name.to_owned()
            }
        };
        match (exchange.folder, exchange.number) {
            ("http-2.12", 115) => {
                let repo = json!({"name": name("events"), "type": "user"});
                let branch = json!({"repo": repo, "name": name("live")});
                let raw = BASE64.encode(after.to_string());
                let path = if self.renaming.is_some() { "/qlive" } else { "/live" };
                let body = format!(
                    "{}\n{}",
                    json!({"setCommit": {"repo": repo, "branch": branch}}),
                    json!({"addFile": {"path": path, "raw": raw}})
                );
                let answer = self
                    .served
                    .request("POST", "/api/pfs_v2.API/ModifyFile", &[], body.as_bytes());
                assert_eq!(answer.status, 200, "{}", answer.text());
            }
            ("http-2.12-follow", 40) => {
                let repo = json!({"name": name("gone"), "type": "user"});
                self.served
                    .ask("pfs_v2.API/DeleteRepo", &json!({"repo": repo, "force": true}));
            }
            _ => {}
        }
    }

    fn differ(&mut self, exchange: &Exchange, what: &str) {
        self.differences
            .push(format!("{}/{}: {what}", exchange.folder, exchange.name));
    }

    fn compare(&mut self, exchange: &Exchange, expected: &Expected, answer: &Answer) {
        let exception = exchange.exception();
        if let Some(Refused(status)) = exception {
            if answer.status != *status {
                self.differ(
                    exchange,
                    &format!("{} instead of {status}: {}", answer.status, answer.text()),
                );
            }
            return;
        }
        if answer.status != expected.status {
            let text = format!("{} instead of {}: {}", answer.status, expected.status, answer.text());
            return self.differ(exchange, &text);
        }
        let (wanted, got) = (values(&expected.body), values(&answer.text()));
        if wanted.len() != got.len() {
            let text = format!("{} values instead of {}: {}", got.len(), wanted.len(), answer.text());
            return self.differ(exchange, &text);
        }
        for (mut wanted, got) in wanted.into_iter().zip(got) {
            if let Some((_, texts)) = &self.renaming {
                rename_answer(&mut wanted, texts);
            }
            let mut found = Vec::new();
            self.compare_values("", &wanted, &got, exception, &mut found);
            for difference in found {
                self.differ(exchange, &difference);
            }
        }
    }

    fn compare_values(
        &mut self,
        at: &str,
        wanted: &Value,
        got: &Value,
        except: Option<&Except>,
        found: &mut Vec<String>,
    ) {
        let key = at.rsplit('.').next().unwrap_or_default();
        match (wanted, got) {
            _ if is_excepted(key, except) => {}
            (Value::Object(a), Value::Object(b)) if is_at_a_moment(a) && !b["finished"].is_null() => {
                let mut a = a.clone();
                for later in ["finished", "details"] {
                    a.insert(later.to_owned(), b[later].clone());
                }
                self.compare_values(at, &Value::Object(a), got, except, found);
            }
            (Value::Object(a), Value::Object(b)) => {
                let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
                for key in keys {
                    let value = |fields: &serde_json::Map<String, Value>| fields.get(key).cloned();
                    let (a, b) = (value(a), value(b));
                    match (a, b) {
                        (Some(a), Some(b)) => self.compare_values(&format!("{at}.{key}"), &a, &b, except, found),
                        (a, b) if !is_excepted(key, except) => {
                            found.push(format!("{at}.{key}: {b:?} instead of {a:?}"));
                        }
                        _ => {}
                    }
                }
            }
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                for (number, (a, b)) in a.iter().zip(b).enumerate() {
                    self.compare_values(&format!("{at}[{number}]"), a, b, except, found);
                }
            }
            (Value::String(a), Value::String(b)) if is_time(a) && is_time(b) => {}
            (Value::String(a), Value::String(b)) if key == "hash" && a.len() == b.len() => {}
            (Value::String(a), Value::String(b)) if key == "token" || is_id(a) && is_id(b) => {
                let ours = self.ids.entry(a.clone()).or_insert_with(|| b.clone());
                if ours != b {
                    found.push(format!("{at}: {b} instead of {ours}"));
                }
            }
            (Value::String(a), Value::String(b)) => {
                let a = with_masks(&self.with_our_ids(a));
                let b = &with_masks(b);
                if a != *b && !self.is_same_archive(&a, b) {
                    found.push(format!("{at}: {b:?} instead of {a:?}"));
                }
            }
            (a, b) if a == b => {}
            (a, b) => found.push(format!("{at}: {b} instead of {a}")),
        }
    }

    /// Whether both are tar archives in base64 with the same entries.
    fn is_same_archive(&self, wanted: &str, got: &str) -> bool {
        let (Some(mut wanted), Some(got)) = (entries(wanted), entries(got)) else {
            return false;
        };
        if self.renaming.is_some() {
            for (name, ..) in &mut wanted {
                *name = renamed_path(name);
            }
        }
        wanted == got
    }

    #[track_caller]
    fn check(self, played: usize) {
        assert!(played > 0, "nothing was played");
        assert!(
            self.differences.is_empty(),
            "{} of {played} exchanges differ:\n{}",
            self.differences.len(),
            self.differences.join("\n")
        );
    }
}

/// Whether a commit in the answer is still being finished that was finished in the recording.
fn is_behind(expected: &Expected, answer: &Answer) -> bool {
    let info = |value: &Value| {
        if value["result"].is_null() {
            value.clone()
        } else {
            value["result"].clone()
        }
    };
    let (wanted, got) = (values(&expected.body), values(&answer.text()));
    wanted.iter().zip(&got).any(|(wanted, got)| {
        let (wanted, got) = (info(wanted), info(got));
        wanted["finished"].is_string() && got["finishing"].is_string() && got["finished"].is_null()
    })
}

/// A commit that was closed and not finished yet when pachd was asked. Ours may be further by then, as with times.
fn is_at_a_moment(info: &serde_json::Map<String, Value>) -> bool {
    let is_set = |field| info.get(field).is_some_and(|value: &Value| !value.is_null());
    is_set("finishing") && !is_set("finished")
}

fn is_excepted(key: &str, except: Option<&Except>) -> bool {
    match except {
        Some(Fields(names)) => names.contains(&key),
        Some(Text) => key == "message",
        _ => false,
    }
}

/// Without what depends on the build of pachd's JSON library, and on the numbers of its database's rows.
fn with_masks(text: &str) -> String {
    let row = Regex::new("int_id=[0-9]+").unwrap();
    row.replace_all(&text.replace('\u{a0}', " "), "int_id=…").into_owned()
}

/// The JSON values of a body, or its text as one. The pieces of a stream of bytes are one, however they were cut.
fn values(body: &str) -> Vec<Value> {
    let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(body).into_iter().collect();
    match values {
        Ok(values) if values.iter().all(|value| value["result"].is_string()) && !values.is_empty() => {
            let bytes: Vec<u8> = values
                .iter()
                .flat_map(|value| BASE64.decode(value["result"].as_str().unwrap()).unwrap())
                .collect();
            vec![json!({"result": BASE64.encode(bytes)})]
        }
        Ok(values) if !values.iter().any(Value::is_number) => values,
        _ => vec![json!({ "error": body })],
    }
}

#[track_caller]
fn play(folder: &'static str, is_renamed: bool) {
    let exchanges = exchanges(folder);
    let mut replay = Replay::new(folder, is_renamed);
    for exchange in &exchanges {
        replay.play(exchange);
    }
    replay.check(exchanges.len());
}

#[test]
fn the_recordings_are_answered_as_pachd_answered_them() {
    for folder in FOLDERS {
        play(folder, false);
    }
}

#[test]
fn other_names_are_answered_the_same() {
    for folder in FOLDERS {
        play(folder, true);
    }
}

/// Tokens, roles, and what is refused to whom.
#[test]
fn what_a_caller_may_do_is_answered_as_pachd_answered_it() {
    let exchanges = exchanges("http-2.12-auth");
    let directory = tempfile::tempdir().unwrap();
    let users = directory.path().join("users");
    std::fs::write(&users, "pach:root iamroot\n").unwrap();
    std::fs::set_permissions(&users, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let args = ["--token-file", users.to_str().unwrap()];
    let mut replay = Replay {
        served: Served::over(&directory.path().join("store"), &args),
        ids: BTreeMap::new(),
        renaming: None,
        differences: Vec::new(),
    };
    for exchange in &exchanges {
        replay.play(exchange);
    }
    replay.check(exchanges.len());
}

/// Repos that a transaction binds together are played together.
#[test]
fn each_repo_alone_is_answered_the_same() {
    for folder in FOLDERS {
        let exchanges = exchanges(folder);
        for group in groups(&exchanges) {
            let mut replay = Replay::new(folder, false);
            for index in &group {
                replay.play(&exchanges[*index]);
            }
            replay.check(group.len());
        }
    }
}

/// The exchanges of each repo by their places: those that name it, and those that name no repo but an id of its.
fn groups(exchanges: &[Exchange]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(BTreeSet<String>, Vec<usize>)> = Vec::new();
    for (index, exchange) in exchanges.iter().enumerate() {
        let mut keys = exchange.repos();
        keys.extend(exchange.ids());
        keys.extend(exchange.pipelines());
        if let Response::Whole(expected) = &exchange.response
            && keys.is_empty()
        {
            // What makes a transaction or a file set names it in its answer.
            keys.extend(ids_in(&expected.body));
        }
        if exchange.path.ends_with("FileSet")
            && let Response::Whole(expected) = &exchange.response
        {
            keys.extend(ids_in(&expected.body));
        }
        if keys.is_empty() {
            continue;
        }
        let mut members = vec![index];
        groups.retain_mut(|(others, indexes)| {
            let is_apart = others.is_disjoint(&keys);
            if !is_apart {
                keys.append(others);
                members.append(indexes);
            }
            is_apart
        });
        members.sort_unstable();
        groups.push((keys, members));
    }
    groups.into_iter().map(|(_, members)| members).collect()
}
