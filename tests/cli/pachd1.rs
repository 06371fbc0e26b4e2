//! A pachd 1.13 in the test's own process, on loopback: enough of its state for `put` and `get` on one branch, and a
//! script of what goes wrong at which call.
//!
//! It does and says what the recordings `grpc-1.13` have: `PutFile` goes to the end of what is there, a file with
//! `overwrite_index` replaces what is there, a commit is finished when `FinishCommit` answers, one that cannot be stays
//! open, and a deleted one takes no call any more. A step of the script that never came to pass fails the test.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use spoutctl_proto::google::{BytesValue, Empty, Timestamp};
use spoutctl_proto::v1;
use spoutctl_proto::version::Version;
use tokio::net::TcpListener;
use tokio::sync::Notify;

const UNKNOWN: u8 = 2;
const UNIMPLEMENTED: u8 = 12;
/// Bytes of a file in one message of an answer.
const PIECE: usize = 1000;

/// What happens to one call.
pub enum Fault {
    /// It is carried out, and the connection is closed without an answer.
    LoseAnswer,
    /// The connection is closed before anything is carried out.
    Unheard,
    /// It is not carried out, and this is the answer: code and words.
    Answer(u8, &'static str),
    /// The connection is closed, and the call is carried out after so many further ones have been.
    Late(usize),
    /// It is carried out and answered, and once more after so many further ones have been.
    Twice(usize),
    /// The first half of its files is in the commit, and the connection is closed.
    Half,
    /// Nothing happens until the test ends.
    Hang,
    /// So many messages of the answer come, and then the connection closes.
    CutAnswer(usize),
    /// Something else happens to the store first.
    Meddle(Box<dyn FnOnce(&mut Books) + Send>),
}

#[derive(Clone, Debug)]
pub struct Record {
    path: String,
    overwrites: bool,
    deletes: bool,
    data: Vec<u8>,
}

pub type Tree = BTreeMap<String, Vec<u8>>;

#[derive(Clone, Debug, Default)]
pub struct Commit {
    pub id: String,
    pub description: String,
    pub is_finished: bool,
    /// Unset in an open commit, and in one that was finished without its data.
    pub tree: Option<Tree>,
    pub records: Vec<Record>,
}

/// Everything that the server holds: one branch, whatever its name.
#[derive(Default)]
pub struct Books {
    repos: BTreeSet<String>,
    /// Oldest first; deleted ones are gone.
    pub commits: Vec<Commit>,
    /// It stays when its commits go.
    has_branch: bool,
}

struct Refusal(u8, String);

fn refuse<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(UNKNOWN, text.into()))
}

type Answer = Result<Vec<Vec<u8>>, Refusal>;

#[expect(clippy::unnecessary_wraps, reason = "an answer, beside refusals")]
fn one(message: &impl Message) -> Answer {
    Ok(vec![message.encode_to_vec()])
}

impl Books {
    pub fn start(&mut self, description: &str) -> String {
        let id = uuid::Uuid::new_v4().simple().to_string();
        self.has_branch = true;
        self.commits.push(Commit {
            id: id.clone(),
            description: description.to_owned(),
            ..Commit::default()
        });
        id
    }

    fn at(&self, commit: Option<&v1::Commit>) -> Result<usize, Refusal> {
        let id = commit.map_or("", |commit| commit.id.as_str());
        match self.commits.iter().position(|commit| commit.id == id) {
            Some(at) => Ok(at),
            None => refuse(format!("commit {id} not found in repo events")),
        }
    }

    fn open(&mut self, commit: Option<&v1::Commit>) -> Result<&mut Commit, Refusal> {
        let at = self.at(commit)?;
        let commit = &mut self.commits[at];
        if commit.is_finished {
            return refuse(format!("commit {} in repo events has already finished", commit.id));
        }
        Ok(commit)
    }

    /// What the commit shows: its own tree, or while it is open what it would become.
    fn tree(&self, at: usize) -> Result<Tree, Refusal> {
        let commit = &self.commits[at];
        if commit.is_finished {
            return Ok(commit.tree.clone().unwrap_or_default());
        }
        let before = self.commits[..at].iter().rev().find_map(|commit| commit.tree.clone());
        let mut tree = before.unwrap_or_default();
        for record in &commit.records {
            apply(record, &mut tree)?;
        }
        Ok(tree)
    }

    fn info(&self, at: usize) -> v1::CommitInfo {
        let commit = &self.commits[at];
        let time = Timestamp {
            seconds: 1_795_359_255,
            nanos: 73_062_077,
        };
        v1::CommitInfo {
            commit: Some(named(&commit.id)),
            parent_commit: at.checked_sub(1).map(|parent| named(&self.commits[parent].id)),
            started: Some(time),
            finished: commit.is_finished.then_some(time),
            tree: commit.tree.as_ref().map(|_| v1::Object { hash: "00".to_owned() }),
            description: commit.description.clone(),
            ..v1::CommitInfo::default()
        }
    }
}

fn named(id: &str) -> v1::Commit {
    let name = "events".to_owned();
    v1::Commit {
        repo: Some(v1::Repo { name }),
        id: id.to_owned(),
    }
}

fn apply(record: &Record, tree: &mut Tree) -> Result<(), Refusal> {
    let Record { path, data, .. } = record;
    let below = format!("{path}/");
    let above = path.match_indices('/').map(|(at, _)| &path[..at]);
    for above in above.filter(|above| !above.is_empty()) {
        if tree.contains_key(above) {
            return refuse(format!(
                "failed to get tree for open commit: attempted to visit \"{above}\", but it's not a directory"
            ));
        }
    }
    if record.deletes || record.overwrites {
        tree.retain(|name, _| name != path && !name.starts_with(&below));
    }
    if record.deletes {
        return Ok(());
    }
    if tree.keys().any(|name| name.starts_with(&below)) {
        return refuse(format!(
            "failed to get tree for open commit: could not put file at \"{path}\"; a file of type directory is \
             already there"
        ));
    }
    tree.entry(path.clone()).or_default().extend(data);
    Ok(())
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
    /// Calls to be carried out after so many others.
    late: Vec<(usize, Call)>,
    /// Every message that came, with its call.
    heard: Vec<(String, Vec<u8>)>,
}

#[derive(Clone)]
struct Call {
    path: String,
    messages: Vec<Bytes>,
}

impl Call {
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }
}

type Shared = Arc<Mutex<State>>;

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The server.
pub struct Pachd {
    address: SocketAddr,
    shared: Shared,
    _runtime: tokio::runtime::Runtime,
}

impl Pachd {
    /// With the repo `events`.
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared::default();
        lock(&shared).books.repos.insert("events".to_owned());
        runtime.spawn(serve(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            _runtime: runtime,
        }
    }

    pub fn url(&self) -> String {
        format!("grpc://{}", self.address)
    }

    /// The `nth` call (from 1) of this name meets this fault.
    pub fn script(&self, call: &'static str, nth: usize, fault: Fault) -> &Self {
        lock(&self.shared).script.push(Step {
            call,
            nth,
            fault: Some(fault),
        });
        self
    }

    pub fn books<T>(&self, look: impl FnOnce(&mut Books) -> T) -> T {
        look(&mut lock(&self.shared).books)
    }

    /// How often this was called.
    pub fn calls(&self, call: &str) -> usize {
        lock(&self.shared).calls.get(call).copied().unwrap_or(0)
    }

    /// What this was called with, message after message.
    pub fn heard<M: Message + Default>(&self, call: &str) -> Vec<M> {
        let state = lock(&self.shared);
        let of_call = state.heard.iter().filter(|(name, _)| name == call);
        of_call
            .map(|(_, message)| M::decode(message.as_slice()).unwrap())
            .collect()
    }

    pub fn tokens(&self) -> BTreeSet<String> {
        lock(&self.shared).tokens.clone()
    }

    /// Whatever is still on its way arrives.
    pub fn deliver_late(&self) {
        let mut state = lock(&self.shared);
        for (_, call) in std::mem::take(&mut state.late) {
            let _ = carry_out(&mut state.books, &call);
        }
    }

    pub fn commits(&self) -> Vec<Commit> {
        self.books(|books| books.commits.clone())
    }

    /// The commits that are finished with their data, and the files that each of them shows, oldest first.
    pub fn published(&self) -> Vec<(String, Tree)> {
        let commits = self.commits().into_iter();
        commits.filter_map(|commit| Some((commit.id, commit.tree?))).collect()
    }
}

impl Drop for Pachd {
    fn drop(&mut self) {
        let state = lock(&self.shared);
        let never = state.script.iter().filter(|step| step.fault.is_some());
        let missed: Vec<String> = never.map(|step| format!("{} {}", step.call, step.nth)).collect();
        let calls = state.calls.clone();
        drop(state);
        if !std::thread::panicking() {
            assert!(missed.is_empty(), "never called: {missed:?}; calls: {calls:?}");
        }
    }
}

async fn serve(listener: TcpListener, shared: Shared) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let closed = Arc::new(Notify::new());
            let service = service_fn(|request| converse(request, Arc::clone(&shared), Arc::clone(&closed)));
            let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                _ = connection => {}
                () = closed.notified() => {}
            }
        });
    }
}

type Body = StreamBody<stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>;

/// One call. Without an answer, the connection closes.
async fn converse(
    request: Request<Incoming>,
    shared: Shared,
    closed: Arc<Notify>,
) -> Result<Response<Body>, &'static str> {
    let path = request.uri().path().to_owned();
    // A call of another service, which is how spoutctl finds out which pachd this is, is none of the script's.
    let name = path.strip_prefix("/pfs.API/").unwrap_or(&path).to_owned();
    let token = request
        .headers()
        .get("authn-token")
        .map(|token| token.to_str().unwrap().to_owned());
    let fault = {
        let mut state = lock(&shared);
        state.tokens.extend(token);
        let count = state.calls.entry(name.clone()).or_insert(0);
        *count += 1;
        let nth = *count;
        let step = state
            .script
            .iter_mut()
            .find(|step| step.call == name && step.nth == nth);
        step.and_then(|step| step.fault.take())
    };
    if matches!(fault, Some(Fault::Unheard)) {
        return close(&closed).await;
    }
    // A stream that breaks off leaves nothing behind.
    let body = request
        .into_body()
        .collect()
        .await
        .map_err(|_| "broken off")?
        .to_bytes();
    let call = Call {
        path,
        messages: split(body),
    };
    let heard = call.messages.iter().map(|message| (name.clone(), message.to_vec()));
    lock(&shared).heard.extend(heard);
    let mut cut = usize::MAX;
    match fault {
        Some(Fault::Answer(code, text)) => return Ok(answer(&call, Err(Refusal(code, text.to_owned())))),
        Some(Fault::Late(after)) => {
            lock(&shared).late.push((after, call));
            return close(&closed).await;
        }
        Some(Fault::Half) => {
            let messages = call.messages[..call.messages.len() / 2].to_vec();
            let _ = carry_out(&mut lock(&shared).books, &Call { messages, ..call });
            return close(&closed).await;
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::LoseAnswer) => {
            perform(&shared, &call).await.ok();
            return close(&closed).await;
        }
        Some(Fault::Twice(after)) => lock(&shared).late.push((after.saturating_add(1), call.clone())),
        Some(Fault::CutAnswer(messages)) => cut = messages,
        Some(Fault::Meddle(with)) => with(&mut lock(&shared).books),
        Some(Fault::Unheard) | None => {}
    }
    let said = perform(&shared, &call).await;
    if cut < usize::MAX {
        let mut response = answer(
            &call,
            said.map(|mut messages| {
                messages.truncate(cut);
                messages
            }),
        );
        // The end of the answer never comes: the connection closes after what was sent.
        let mut frames: Vec<_> = Vec::new();
        while let Some(Ok(frame)) = response.body_mut().frame().await {
            if frame.is_data() {
                frames.push(Ok(frame));
            }
        }
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            closed.notify_one();
        });
        let (parts, _) = response.into_parts();
        return Ok(Response::from_parts(parts, StreamBody::new(stream::iter(frames))));
    }
    Ok(answer(&call, said))
}

async fn close(closed: &Notify) -> Result<Response<Body>, &'static str> {
    closed.notify_one();
    std::future::pending().await
}

/// Carries the call out, and then what is late and due.
async fn perform(shared: &Shared, call: &Call) -> Answer {
    while waits(&lock(shared).books, call) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut state = lock(shared);
    let said = carry_out(&mut state.books, call);
    let (due, late): (Vec<_>, Vec<_>) = std::mem::take(&mut state.late)
        .into_iter()
        .partition(|(after, _)| *after <= 1);
    state.late = late;
    for (after, _) in &mut state.late {
        *after -= 1;
    }
    for (_, call) in due {
        // Nobody hears the answer.
        let _ = carry_out(&mut state.books, &call);
    }
    said
}

/// `InspectCommit` of an open commit may wait until it is finished.
fn waits(books: &Books, call: &Call) -> bool {
    let Some(request) = call.messages.first().filter(|_| call.name() == "InspectCommit") else {
        return false;
    };
    let request = v1::InspectCommitRequest::decode(request.clone()).unwrap();
    let at = books.at(request.commit.as_ref());
    request.block_state() == v1::CommitState::Finished && at.is_ok_and(|at| !books.commits[at].is_finished)
}

/// The messages of a body.
fn split(mut body: Bytes) -> Vec<Bytes> {
    let mut messages = Vec::new();
    while body.has_remaining() {
        assert_eq!(body.get_u8(), 0, "not compressed");
        let length = body.get_u32() as usize;
        messages.push(body.split_to(length));
    }
    messages
}

fn answer(call: &Call, said: Answer) -> Response<Body> {
    let mut frames = Vec::new();
    let (code, text) = match said {
        Ok(messages) => {
            frames.extend(messages.iter().map(|message| data(message)));
            (0, String::new())
        }
        Err(Refusal(code, text)) => {
            // pachd answers before it looks whether it went well.
            if call.name() == "PutFile" {
                frames.push(data(&Empty {}.encode_to_vec()));
            }
            (code, text)
        }
    };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.to_string().parse().unwrap());
    trailers.insert(
        "grpc-message",
        text.replace('%', "%25").replace('"', "%22").parse().unwrap(),
    );
    frames.push(Ok(Frame::trailers(trailers)));
    Response::builder()
        .header("content-type", "application/grpc")
        .body(StreamBody::new(stream::iter(frames)))
        .unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "an item of a body")]
fn data(message: &[u8]) -> Result<Frame<Bytes>, Infallible> {
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put_slice(message);
    Ok(Frame::data(framed.freeze()))
}

fn carry_out(books: &mut Books, call: &Call) -> Answer {
    match call.path.as_str() {
        "/versionpb.API/GetVersion" => one(&Version {
            major: 1,
            minor: 13,
            micro: 4,
            ..Version::default()
        }),
        "/pfs.API/InspectRepo" | "/pfs.API/CreateRepo" => repo(books, call),
        "/pfs.API/InspectBranch" | "/pfs.API/ListCommitStream" | "/pfs.API/InspectCommit" => history(books, call),
        "/pfs.API/StartCommit" => start_commit(books, &read(call)),
        "/pfs.API/PutFile" => put_file(books, call),
        "/pfs.API/FinishCommit" => finish_commit(books, &read(call)),
        "/pfs.API/DeleteCommit" => {
            let request: v1::DeleteCommitRequest = read(call);
            let at = books.at(request.commit.as_ref());
            books
                .commits
                .remove(at.map_err(|Refusal(code, text)| Refusal(code, format!("resolveCommit: {text}")))?);
            one(&Empty {})
        }
        "/pfs.API/InspectFile" | "/pfs.API/GetFile" | "/pfs.API/WalkFile" | "/pfs.API/ListFileStream" => {
            read_file(books, call)
        }
        path => {
            let service = path.trim_start_matches('/').split('/').next().unwrap();
            Err(Refusal(UNIMPLEMENTED, format!("unknown service {service}")))
        }
    }
}

fn read<M: Message + Default>(call: &Call) -> M {
    M::decode(call.messages[0].clone()).unwrap()
}

fn repo(books: &mut Books, call: &Call) -> Answer {
    let name = read::<v1::InspectRepoRequest>(call).repo.unwrap().name;
    match (call.name(), books.repos.contains(&name)) {
        ("CreateRepo", true) => refuse(format!("repo {name} already exists")),
        ("CreateRepo", false) => {
            books.repos.insert(name);
            one(&Empty {})
        }
        (_, true) => one(&v1::RepoInfo {
            repo: Some(v1::Repo { name }),
            ..v1::RepoInfo::default()
        }),
        (_, false) => refuse(format!("/repos/ {name} not found")),
    }
}

fn history(books: &Books, call: &Call) -> Answer {
    match call.name() {
        "InspectCommit" => {
            let request: v1::InspectCommitRequest = read(call);
            one(&books.info(books.at(request.commit.as_ref())?))
        }
        "InspectBranch" => {
            let branch = read::<v1::InspectBranchRequest>(call).branch.unwrap();
            if !books.has_branch {
                return refuse(format!(
                    "/branches/{}/ {} not found",
                    branch.repo.unwrap().name,
                    branch.name
                ));
            }
            one(&v1::BranchInfo {
                name: branch.name.clone(),
                head: books.commits.last().map(|head| named(&head.id)),
                branch: Some(branch),
                ..v1::BranchInfo::default()
            })
        }
        _ => {
            let request: v1::ListCommitRequest = read(call);
            let (repo, to) = (request.repo.unwrap().name, request.to.unwrap().id);
            if !books.repos.contains(&repo) {
                return refuse(format!("/repos/ {repo} not found"));
            }
            if !books.has_branch {
                return refuse(format!("/branches/{repo}/ {to} not found"));
            }
            let newest_first = (0..books.commits.len()).rev();
            Ok(newest_first.map(|at| books.info(at).encode_to_vec()).collect())
        }
    }
}

fn start_commit(books: &mut Books, request: &v1::StartCommitRequest) -> Answer {
    let repo = &request.parent.as_ref().unwrap().repo.as_ref().unwrap().name;
    if !books.repos.contains(repo) {
        return refuse(format!("/repos/ {repo} not found"));
    }
    if let Some(head) = books.commits.last().filter(|head| !head.is_finished) {
        return refuse(format!("parent commit {repo}@{} has not been finished", head.id));
    }
    let id = books.start(&request.description);
    one(&named(&id))
}

fn put_file(books: &mut Books, call: &Call) -> Answer {
    let mut records: Vec<Record> = Vec::new();
    let mut into = None;
    for message in &call.messages {
        let request = v1::PutFileRequest::decode(message.clone()).unwrap();
        if let Some(file) = request.file {
            assert!(into.is_none() || into == file.commit, "one commit for one stream");
            into = file.commit;
            records.push(Record {
                path: file.path,
                overwrites: request.overwrite_index.is_some(),
                deletes: request.delete,
                data: request.value.to_vec(),
            });
        } else {
            records.last_mut().unwrap().data.extend_from_slice(&request.value);
        }
    }
    if into.is_some() {
        books.open(into.as_ref())?.records.extend(records);
    }
    one(&Empty {})
}

fn finish_commit(books: &mut Books, request: &v1::FinishCommitRequest) -> Answer {
    books.open(request.commit.as_ref())?;
    let at = books.at(request.commit.as_ref())?;
    let tree = if request.empty { None } else { Some(books.tree(at)?) };
    let commit = &mut books.commits[at];
    commit.is_finished = true;
    commit.tree = tree;
    if !request.description.is_empty() {
        commit.description.clone_from(&request.description);
    }
    one(&Empty {})
}

fn read_file(books: &Books, call: &Call) -> Answer {
    let file = read::<v1::FileRequest>(call).file.unwrap();
    let commit = file.commit.unwrap();
    let tree = books.tree(books.at(Some(&commit))?)?;
    let path = file.path;
    match call.name() {
        "GetFile" => match tree.get(&path) {
            Some(bytes) => {
                let piece = |piece: &[u8]| BytesValue::from(piece.to_vec()).encode_to_vec();
                Ok(bytes.chunks(PIECE).map(piece).collect())
            }
            None => refuse(format!("file \"{path}\" not found")),
        },
        "InspectFile" => match walk(&tree, &path).into_iter().next() {
            Some(info) => one(&info),
            None => refuse(format!("file {path} not found in repo events at commit {}", commit.id)),
        },
        "ListFileStream" => {
            let is_child = |info: &&v1::FileInfo| {
                let below = info
                    .file
                    .as_ref()
                    .unwrap()
                    .path
                    .strip_prefix(path.trim_end_matches('/'));
                below.is_some_and(|name| name.starts_with('/') && name.len() > 1 && !name[1..].contains('/'))
            };
            let infos = walk(&tree, &path);
            Ok(infos.iter().filter(is_child).map(Message::encode_to_vec).collect())
        }
        _ => Ok(walk(&tree, &path).iter().map(Message::encode_to_vec).collect()),
    }
}

/// What is at and below the path, each directory before what is in it.
fn walk(tree: &Tree, path: &str) -> Vec<v1::FileInfo> {
    let mut found = BTreeMap::new();
    for (name, bytes) in tree {
        for (at, _) in name.match_indices('/').chain([(name.len(), "")]) {
            let above = if at == 0 { "/" } else { &name[..at] };
            let is_file = at == name.len();
            let size = if is_file { bytes.len() as u64 } else { 0 };
            let in_order = above.replace('/', "\0");
            found.entry(in_order).or_insert((above.to_owned(), is_file, size)).2 +=
                if is_file { 0 } else { bytes.len() as u64 };
        }
    }
    let below = format!("{}/", path.trim_end_matches('/'));
    let is_wanted = |name: &str| name == path || name.starts_with(&below);
    let found = found.into_values().filter(|(name, ..)| is_wanted(name));
    let info = |(path, is_file, size_bytes)| v1::FileInfo {
        file: Some(v1::File { commit: None, path }),
        file_type: if is_file { v1::FileType::File } else { v1::FileType::Dir }.into(),
        size_bytes,
        ..v1::FileInfo::default()
    };
    found.map(info).collect()
}
