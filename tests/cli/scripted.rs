//! A pachd gateway in the test's own process, on loopback: enough of its state for `put` and `get` on one branch, and a
//! script of what goes wrong at which call.
//!
//! Refusals are worded as the recordings of a real server have them. A step of the script that never came to pass fails
//! the test.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

/// How long the state may stay unsettled before a test fails.
const PATIENCE: Duration = Duration::from_mins(5);

/// What happens to one call.
pub enum Fault {
    /// It is carried out, and the connection is closed without an answer.
    LoseAnswer,
    /// The connection is closed before anything is carried out.
    Unheard,
    /// It is not carried out, and this is the answer: status, further header lines, body.
    Answer(u16, &'static str, String),
    /// It is carried out when the other end says so, or is gone.
    Hold(Receiver<()>),
    /// Something else happens to the store first.
    Meddle(Box<dyn FnOnce(&mut Books) + Send>),
    /// So many bytes of the answer's body come, and then the connection closes.
    CutAnswer(usize),
}

/// pachd's own way to refuse.
pub fn refusal(status: u16, code: u8, message: &str) -> Fault {
    let body = json!({"code": code, "message": message, "details": []});
    Fault::Answer(status, "content-type: application/json\r\n", body.to_string())
}

/// Holds a call until the sender is used or dropped.
pub fn hold() -> (Sender<()>, Fault) {
    let (release, held) = channel();
    (release, Fault::Hold(held))
}

pub fn meddle(with: impl FnOnce(&mut Books) + Send + 'static) -> Fault {
    Fault::Meddle(Box::new(with))
}

#[derive(Clone, Debug, PartialEq)]
enum Change {
    Delete(String),
    Append(String, Vec<u8>),
}

#[derive(Clone, Debug, Default)]
pub struct Commit {
    pub id: String,
    pub description: String,
    pub is_finishing: bool,
    pub is_finished: bool,
    pub error: String,
    changes: Vec<Change>,
}

impl Commit {
    /// Somebody's, with nothing in it yet.
    pub fn open(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..Self::default()
        }
    }

    pub fn is_open(&self) -> bool {
        !self.is_finishing
    }

    pub fn is_good(&self) -> bool {
        self.is_finished && self.error.is_empty()
    }
}

/// Everything that the server holds: one branch, whatever its name.
#[derive(Default)]
pub struct Books {
    repos: BTreeSet<String>,
    /// Oldest first; dropped ones are gone.
    pub commits: Vec<Commit>,
    file_sets: HashMap<String, Vec<Change>>,
    /// Bodies that are larger are refused, as a proxy does.
    pub body_limit: usize,
    /// No commit gets finished.
    pub is_stuck: bool,
    /// What came to be tried as a pipeline, or created.
    pub specs: Vec<Value>,
    pub pipelines: BTreeMap<String, Pipeline>,
}

/// A pipeline that was created.
#[derive(Clone, Debug)]
pub struct Pipeline {
    pub version: u64,
    submitted: String,
    effective: String,
    pub reprocessed: bool,
}

impl Books {
    /// Every file set that was uploaded so far has expired.
    pub fn expire_file_sets(&mut self) {
        self.file_sets.clear();
    }

    fn commit(&mut self, request: &Value) -> Result<&mut Commit, Refusal> {
        let id = request["commit"]["id"].as_str().unwrap_or_default().to_owned();
        let found = self.commits.iter_mut().find(|commit| commit.id == id);
        found.ok_or_else(|| Refusal(404, 5, format!("commit default/events@{id} not found")))
    }

    fn open_commit(&mut self, request: &Value) -> Result<&mut Commit, Refusal> {
        let commit = self.commit(request)?;
        if commit.is_open() {
            Ok(commit)
        } else {
            let text = format!("commit default/events@{} has already finished", commit.id);
            Err(Refusal(500, 2, text))
        }
    }

    /// The files as of this commit. Errored commits hold nothing.
    fn tree(&self, id: &str) -> BTreeMap<String, Vec<u8>> {
        let mut tree = BTreeMap::new();
        let upto = self.commits.iter().position(|commit| commit.id == id).unwrap();
        for commit in self.commits[..=upto].iter().filter(|commit| commit.error.is_empty()) {
            for change in &commit.changes {
                match change {
                    Change::Delete(path) => {
                        tree.remove(path);
                    }
                    Change::Append(path, data) => tree.entry(path.clone()).or_insert_with(Vec::new).extend(data),
                }
            }
        }
        tree
    }

    fn info(&self, commit: &Commit) -> Value {
        const TIME: &str = "2026-11-22T14:45:27.989583Z";
        let at = |is: bool| if is { json!(TIME) } else { Value::Null };
        let index = self.commits.iter().position(|other| other.id == commit.id).unwrap();
        let parent = index.checked_sub(1).map(|parent| name(&self.commits[parent].id));
        json!({
            "commit": name(&commit.id), "parentCommit": parent, "description": commit.description, "started": TIME,
            "finishing": at(commit.is_finishing), "finished": at(commit.is_finished), "error": commit.error,
            "sizeBytesUpperBound": "0", "details": {"sizeBytes": "0"},
        })
    }
}

fn name(commit: &str) -> Value {
    let repo = json!({"name": "events", "type": "user", "project": {"name": "default"}});
    json!({"repo": repo, "id": commit, "branch": null})
}

struct Refusal(u16, u8, String);

enum Reply {
    One(Value),
    Stream(Vec<Value>),
}

struct Step {
    call: &'static str,
    nth: usize,
    fault: Option<Fault>,
}

#[derive(Default)]
struct State {
    books: Books,
    script: Vec<Step>,
    calls: HashMap<String, usize>,
    tokens: BTreeSet<String>,
    ended: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server.
pub struct Gateway {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Gateway {
    /// With the repo `events`.
    pub fn start() -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// At an address that nobody listens at until `delay` is over.
    pub fn start_after(delay: Duration) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let gateway = Self::at(address);
        let shared = Arc::clone(&gateway.shared);
        thread::spawn(move || {
            thread::sleep(delay);
            serve(&TcpListener::bind(address).unwrap(), &shared);
        });
        gateway
    }

    fn listen(listener: TcpListener) -> Self {
        let gateway = Self::at(listener.local_addr().unwrap());
        let shared = Arc::clone(&gateway.shared);
        thread::spawn(move || serve(&listener, &shared));
        gateway
    }

    fn at(address: SocketAddr) -> Self {
        let shared = Arc::new(Shared::default());
        let mut state = shared.lock();
        state.books.repos.insert("events".to_owned());
        state.books.body_limit = usize::MAX;
        drop(state);
        Self { address, shared }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The `nth` call (from 1) of this name meets this fault.
    pub fn script(&self, call: &'static str, nth: usize, fault: Fault) -> &Self {
        self.shared.lock().script.push(Step {
            call,
            nth,
            fault: Some(fault),
        });
        self
    }

    pub fn books<T>(&self, look: impl FnOnce(&mut Books) -> T) -> T {
        look(&mut self.shared.lock().books)
    }

    /// How often this was called.
    pub fn calls(&self, call: &str) -> usize {
        self.shared.lock().calls.get(call).copied().unwrap_or(0)
    }

    /// How often anything was called.
    pub fn all_calls(&self) -> usize {
        self.shared.lock().calls.values().sum()
    }

    /// The tokens that calls came with.
    pub fn tokens(&self) -> BTreeSet<String> {
        self.shared.lock().tokens.clone()
    }

    /// Waits until this was called `times` times. The call may still be held.
    #[track_caller]
    pub fn wait_for(&self, call: &str, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shared.lock();
        while state.calls.get(call).copied().unwrap_or(0) < times {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "{call} was not called {times} times: {:?}",
                state.calls
            );
            state = self.shared.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    pub fn commits(&self) -> Vec<Commit> {
        self.books(|books| books.commits.clone())
    }

    /// The commits that are finished without an error, with the files that each of them shows, oldest first.
    pub fn published(&self) -> Vec<(String, BTreeMap<String, Vec<u8>>)> {
        self.books(|books| {
            let good = books.commits.iter().filter(|commit| commit.is_good());
            good.map(|commit| (commit.id.clone(), books.tree(&commit.id))).collect()
        })
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.ended = true;
        let missed: Vec<String> = state
            .script
            .iter()
            .filter(|step| step.fault.is_some())
            .map(|step| format!("{} {}", step.call, step.nth))
            .collect();
        let calls = state.calls.clone();
        drop(state);
        self.shared.changed.notify_all();
        if !thread::panicking() {
            assert!(missed.is_empty(), "never called: {missed:?}; calls: {calls:?}");
        }
    }
}

fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.lock().ended {
            return;
        }
        let Ok(stream) = stream else { return };
        let shared = Arc::clone(shared);
        // A connection that breaks ends its thread: what the other side makes of it is what the test looks at.
        thread::spawn(move || converse(stream, &shared));
    }
}

/// How much of an answer is sent.
#[derive(Clone, Copy)]
enum Answering {
    Whole,
    Not,
    /// So many bytes of it.
    Upto(usize),
}

struct Head {
    call: String,
    token: Option<String>,
    length: Option<usize>,
}

/// The calls of one connection.
fn converse(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    while let Some(head) = read_head(&mut reader)? {
        let fault = meet(shared, &head);
        match fault {
            Some(Fault::Unheard) => return writer.shutdown(Shutdown::Both),
            Some(Fault::Answer(status, headers, body)) => {
                // The body is read first: an answer before its end is what the limit of a proxy does.
                read_body(&mut reader, &head, usize::MAX)?;
                write_answer(&mut writer, status, headers, body.as_bytes())?;
            }
            Some(Fault::Hold(held)) => {
                let _ = held.recv();
                handle(&mut reader, &mut writer, shared, &head, Answering::Whole)?;
            }
            Some(Fault::Meddle(with)) => {
                with(&mut shared.lock().books);
                handle(&mut reader, &mut writer, shared, &head, Answering::Whole)?;
            }
            Some(Fault::LoseAnswer) => handle(&mut reader, &mut writer, shared, &head, Answering::Not)?,
            Some(Fault::CutAnswer(bytes)) => handle(&mut reader, &mut writer, shared, &head, Answering::Upto(bytes))?,
            None => handle(&mut reader, &mut writer, shared, &head, Answering::Whole)?,
        }
    }
    Ok(())
}

/// Counts the call and finds what the script has for it.
fn meet(shared: &Shared, head: &Head) -> Option<Fault> {
    let mut state = shared.lock();
    let count = state.calls.entry(head.call.clone()).or_insert(0);
    *count += 1;
    let nth = *count;
    state.tokens.extend(head.token.clone());
    let step = state
        .script
        .iter_mut()
        .find(|step| step.call == head.call && step.nth == nth);
    let fault = step.and_then(|step| step.fault.take());
    drop(state);
    shared.changed.notify_all();
    fault
}

fn handle(
    reader: &mut impl BufRead,
    writer: &mut TcpStream,
    shared: &Shared,
    head: &Head,
    answering: Answering,
) -> io::Result<()> {
    let limit = shared.lock().books.body_limit;
    let Some(body) = read_body(reader, head, limit)? else {
        write_answer(
            writer,
            413,
            "content-type: text/html\r\nconnection: close\r\n",
            b"too large",
        )?;
        writer.shutdown(Shutdown::Write)?;
        // What is still on its way is read, or closing would reset the connection and take the answer along.
        io::copy(reader, &mut io::sink())?;
        return Err(io::Error::other("closed"));
    };
    let answer = carry_out(shared, &head.call, &body);
    shared.changed.notify_all();
    let cut = match answering {
        Answering::Not => {
            writer.shutdown(Shutdown::Both)?;
            return Err(io::Error::other("lost"));
        }
        Answering::Upto(bytes) => bytes,
        Answering::Whole => usize::MAX,
    };
    let json = "content-type: application/json\r\n";
    match answer {
        Ok(Reply::One(value)) if cut < usize::MAX => {
            let body = value.to_string();
            write_head(writer, 200, json, body.len())?;
            writer.write_all(&body.as_bytes()[..body.len().min(cut)])?;
            writer.shutdown(Shutdown::Both)?;
            Err(io::Error::other("cut"))
        }
        Ok(Reply::One(value)) => write_answer(writer, 200, json, value.to_string().as_bytes()),
        Ok(Reply::Stream(values)) => {
            let lines: Vec<String> = values
                .iter()
                .map(|value| format!("{}\n", json!({"result": value})))
                .collect();
            let lines = lines.concat();
            write_stream(writer, lines.as_bytes(), cut)
        }
        Err(Refusal(status, code, message)) => {
            let body = json!({"code": code, "message": message, "details": []});
            write_answer(writer, status, json, body.to_string().as_bytes())
        }
    }
}

fn read_head(reader: &mut impl BufRead) -> io::Result<Option<Head>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default();
    let mut head = Head {
        call: path.rsplit('/').next().unwrap_or_default().to_owned(),
        token: None,
        length: None,
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            return Ok(Some(head));
        };
        match name.to_ascii_lowercase().as_str() {
            "authn-token" => head.token = Some(value.trim().to_owned()),
            "content-length" => head.length = value.trim().parse().ok(),
            _ => {}
        }
    }
}

/// The body, whole; `None` when it is larger than `limit`. One that breaks off is an error.
fn read_body(reader: &mut impl BufRead, head: &Head, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    if let Some(length) = head.length {
        if length > limit {
            return Ok(None);
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        return Ok(Some(body));
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        if body.len() + size > limit {
            return Ok(None);
        }
        let start = body.len();
        body.resize(start + size, 0);
        reader.read_exact(&mut body[start..])?;
        reader.read_line(&mut line)?;
        if size == 0 {
            return Ok(Some(body));
        }
    }
}

fn write_answer(writer: &mut TcpStream, status: u16, headers: &str, body: &[u8]) -> io::Result<()> {
    write_head(writer, status, headers, body.len())?;
    writer.write_all(body)
}

fn write_head(writer: &mut TcpStream, status: u16, headers: &str, length: usize) -> io::Result<()> {
    let head = format!("HTTP/1.1 {status} Scripted\r\n{headers}content-length: {length}\r\n\r\n");
    writer.write_all(head.as_bytes())
}

fn write_stream(writer: &mut TcpStream, lines: &[u8], cut: usize) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    writer.write_all(head.as_bytes())?;
    let shown = &lines[..lines.len().min(cut)];
    if !shown.is_empty() {
        writer.write_all(format!("{:x}\r\n", shown.len()).as_bytes())?;
        writer.write_all(shown)?;
        writer.write_all(b"\r\n")?;
    }
    if shown.len() < lines.len() {
        writer.shutdown(Shutdown::Both)?;
        return Err(io::Error::other("cut"));
    }
    writer.write_all(b"0\r\n\r\n")
}

fn carry_out(shared: &Shared, call: &str, body: &[u8]) -> Result<Reply, Refusal> {
    if call == "InspectCommit" {
        return inspect_commit(shared, &parse(body));
    }
    let mut state = shared.lock();
    let books = &mut state.books;
    match call {
        "CreateFileSet" => Ok(create_file_set(books, body)),
        "RenewFileSet" => Ok(Reply::One(json!({}))),
        "ComposeFileSet" => compose_file_set(books, &parse(body)),
        "InspectRepo" | "CreateRepo" | "InspectBranch" | "ListCommit" => history(books, call, &parse(body)),
        "StartCommit" => start_commit(books, &parse(body)),
        "AddFileSet" => add_file_set(books, &parse(body)),
        "FinishCommit" => finish_commit(books, &parse(body)),
        "DropCommitSet" => {
            let id = parse(body)["commitSet"]["id"].as_str().unwrap_or_default().to_owned();
            books.commits.retain(|commit| commit.id != id);
            Ok(Reply::One(json!({})))
        }
        "CreatePipelineV2" => create_pipeline(books, &parse(body)),
        "InspectPipeline" => inspect_pipeline(books, &parse(body)),
        "InspectFile" | "GetFile" | "GetFileTAR" => read_file(books, call, &parse(body)),
        _ => Err(Refusal(404, 5, "Not Found".to_owned())),
    }
}

fn parse(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

/// Gives back the spec with a default of the cluster's, and keeps it unless it is a dry run.
fn create_pipeline(books: &mut Books, request: &Value) -> Result<Reply, Refusal> {
    let text = request["createPipelineRequestJson"].as_str().unwrap();
    let mut spec = parse(text.as_bytes());
    books.specs.push(spec.clone());
    let name = spec["pipeline"]["name"].as_str().unwrap_or_default().to_owned();
    if name == "refuse-me" {
        let text = format!("could not make effective spec: could not parse {text} as Create Pipeline Request message");
        return Err(Refusal(400, 3, text));
    }
    spec["datumTries"] = "3".into();
    let effective = spec.to_string();
    if request["dryRun"] != true {
        let before = books.pipelines.get(&name).map_or(0, |pipeline| pipeline.version);
        if before > 0 && request["update"] != true {
            return Err(Refusal(409, 6, format!("pipeline \"default/{name}\" already exists")));
        }
        if let Some(secret) = spec["transform"]["secrets"][0]["name"].as_str() {
            return Err(Refusal(500, 2, format!("missing Kubernetes secret {secret}")));
        }
        let pipeline = Pipeline {
            version: before + 1,
            submitted: text.to_owned(),
            effective: effective.clone(),
            reprocessed: request["reprocess"] == true,
        };
        books.pipelines.insert(name, pipeline);
    }
    Ok(Reply::One(json!({"effectiveCreatePipelineRequestJson": effective})))
}

fn inspect_pipeline(books: &Books, request: &Value) -> Result<Reply, Refusal> {
    let name = request["pipeline"]["name"].as_str().unwrap();
    let found = books.pipelines.get(name);
    let pipeline = found.ok_or_else(|| Refusal(404, 5, format!("pipeline \"default/{name}\" not found")))?;
    Ok(Reply::One(json!({
        "pipeline": request["pipeline"], "version": pipeline.version.to_string(), "type": "PIPELINE_TYPE_SPOUT",
        "userSpecJson": pipeline.submitted, "effectiveSpecJson": pipeline.effective,
    })))
}

fn history(books: &mut Books, call: &str, request: &Value) -> Result<Reply, Refusal> {
    let of_branch = &request["branch"]["repo"]["name"];
    let repo = request["repo"]["name"]
        .as_str()
        .or(of_branch.as_str())
        .unwrap_or_default();
    if call == "CreateRepo" {
        return if books.repos.insert(repo.to_owned()) {
            Ok(Reply::One(json!({})))
        } else {
            Err(Refusal(409, 6, format!("repo default/{repo} already exists")))
        };
    }
    if !books.repos.contains(repo) {
        return Err(Refusal(404, 5, format!("repo default/{repo} not found")));
    }
    let head = books.commits.last();
    match (call, head) {
        ("InspectRepo", _) => Ok(Reply::One(json!({"repo": request["repo"]}))),
        (_, None) => Err(Refusal(
            404,
            5,
            format!("branch \"master\" not found in repo default/{repo}"),
        )),
        ("InspectBranch", Some(head)) => Ok(Reply::One(json!({
            "branch": request["branch"], "head": name(&head.id), "provenance": [], "directProvenance": [],
        }))),
        (_, Some(_)) => Ok(Reply::Stream(
            books.commits.iter().rev().map(|commit| books.info(commit)).collect(),
        )),
    }
}

fn create_file_set(books: &mut Books, body: &[u8]) -> Reply {
    let mut changes = Vec::new();
    for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let change = parse(line);
        let path = |change: &Value| change["path"].as_str().unwrap().to_owned();
        if change["deleteFile"].is_object() {
            changes.push(Change::Delete(path(&change["deleteFile"])));
        } else {
            let added = &change["addFile"];
            let data = BASE64.decode(added["raw"].as_str().unwrap_or_default()).unwrap();
            changes.push(Change::Append(path(added), data));
        }
    }
    Reply::One(keep(books, changes))
}

fn keep(books: &mut Books, changes: Vec<Change>) -> Value {
    let id = uuid::Uuid::new_v4().simple().to_string();
    books.file_sets.insert(id.clone(), changes);
    json!({"fileSetId": id})
}

fn compose_file_set(books: &mut Books, request: &Value) -> Result<Reply, Refusal> {
    let mut changes = Vec::new();
    for id in request["fileSetIds"].as_array().unwrap() {
        let part = books.file_sets.get(id.as_str().unwrap());
        let gone = || Refusal(500, 2, "would create a dangling reference".to_owned());
        changes.extend(part.ok_or_else(gone)?.iter().cloned());
    }
    Ok(Reply::One(keep(books, changes)))
}

fn start_commit(books: &mut Books, request: &Value) -> Result<Reply, Refusal> {
    if let Some(head) = books.commits.last().filter(|head| head.is_open()) {
        let text = format!(
            "start commit in transaction: create commit: parent commit default/events@{} has not been finished",
            head.id
        );
        return Err(Refusal(500, 2, text));
    }
    let id = uuid::Uuid::new_v4().simple().to_string();
    books.commits.push(Commit {
        id: id.clone(),
        description: request["description"].as_str().unwrap_or_default().to_owned(),
        ..Commit::default()
    });
    Ok(Reply::One(name(&id)))
}

fn add_file_set(books: &mut Books, request: &Value) -> Result<Reply, Refusal> {
    let changes = books.file_sets.get(request["fileSetId"].as_str().unwrap()).cloned();
    let commit = books.open_commit(request)?;
    let gone = || Refusal(500, 2, "add file set: path does not exist".to_owned());
    commit.changes.extend(changes.ok_or_else(gone)?);
    Ok(Reply::One(json!({})))
}

fn finish_commit(books: &mut Books, request: &Value) -> Result<Reply, Refusal> {
    let commit = books.open_commit(request)?;
    commit.is_finishing = true;
    if let Some(description) = request["description"].as_str() {
        description.clone_into(&mut commit.description);
    }
    if let Some(error) = request["error"].as_str() {
        error.clone_into(&mut commit.error);
    }
    Ok(Reply::One(json!({})))
}

/// A commit is finished when somebody waits for that.
fn inspect_commit(shared: &Shared, request: &Value) -> Result<Reply, Refusal> {
    let mut state = shared.lock();
    let waits = request["wait"] == "FINISHED";
    while waits && state.books.is_stuck && !state.ended {
        state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    let books = &mut state.books;
    let commit = books.commit(request)?;
    commit.is_finished |= waits && commit.is_finishing;
    let commit = commit.clone();
    Ok(Reply::One(books.info(&commit)))
}

fn read_file(books: &mut Books, call: &str, request: &Value) -> Result<Reply, Refusal> {
    /// Bytes of a file in one message of the stream.
    const PIECE: usize = 1000;
    let id = books.commit(&request["file"])?.id.clone();
    let tree = books.tree(&id);
    let path = request["file"]["path"].as_str().unwrap_or_default();
    let missing = || {
        Refusal(
            404,
            5,
            format!("file {path} not found in repo default/events at commit {id}"),
        )
    };
    let bytes = match call {
        "InspectFile" => {
            let size = tree.get(path).ok_or_else(missing)?.len().to_string();
            return Ok(Reply::One(json!({"fileType": "FILE", "sizeBytes": size})));
        }
        "GetFile" => tree.get(path).ok_or_else(missing)?.clone(),
        _ => {
            let mut archive = tar::Builder::new(Vec::new());
            for (path, content) in &tree {
                let mut header = tar::Header::new_gnu();
                header.set_size(content.len() as u64);
                header.set_mode(0o644);
                archive
                    .append_data(&mut header, path.trim_start_matches('/'), &content[..])
                    .unwrap();
            }
            archive.into_inner().unwrap()
        }
    };
    Ok(Reply::Stream(
        bytes.chunks(PIECE).map(|piece| json!(BASE64.encode(piece))).collect(),
    ))
}
