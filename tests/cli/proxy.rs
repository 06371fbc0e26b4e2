//! A proxy that does wrong, between the binary and a server, on loopback.
//!
//! It carries HTTP/1.1 (JSON) and HTTP/2 with prior knowledge (gRPC, trailers included); the client's side decides. A
//! call that meets no fault passes unchanged and piece by piece, both ways at once; nothing is buffered unless a fault
//! needs it. Each call goes to the server over a connection of its own.
//!
//! ```ignore
//! let served = Served::start();
//! let proxy = Proxy::before(&served.authority);            // proxy.url(): http://127.0.0.1:PORT
//! proxy.at("FinishCommit", 2, Fault::LoseAnswer);          // the second call of this name meets it
//! proxy.each("ListCommit", |nth| (nth % 2 == 0).then_some(Fault::Unheard));
//! proxy.cut_at_random("SubscribeCommit", seed, 0..10_000); // every answer, after so many bytes
//! proxy.cut_silent(Duration::from_secs(1));                // every connection over which nothing comes for so long
//! // … run the binary …
//! proxy.deliver_late();                                    // whatever is still on its way arrives now
//! ```
//!
//! - A call's name is the last part of its path, so that `FinishCommit` is both `/api/pfs_v2.API/FinishCommit` and
//!   `/pfs_v2.API/FinishCommit`. Calls of a name count from 1.
//! - [`Fault`] lists what can happen to a call. Where it says that the connection is closed, the whole connection is,
//!   with whatever else travels on it, as when a load balancer dies; the server is left alone.
//! - [`Proxy::ANY`] stands for every call, with a count of its own.
//! - A call counts as carried out when its answer begins.
//! - A fault of [`Proxy::at`] that no call has met fails the test when the proxy is dropped.
//! - A server that is restarted elsewhere is told by [`Proxy::upstream`].

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes};
use futures_util::stream::unfold;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::sleep;

/// What happens to one call.
pub enum Fault {
    /// The connection is closed before anything is carried out.
    Unheard,
    /// It is carried out, and the connection is closed without an answer.
    LoseAnswer,
    /// The connection is closed, and the call is carried out after so many further ones have been; with `usize::MAX`
    /// when [`Proxy::deliver_late`] says so.
    Late(usize),
    /// It is carried out after so long, also when the caller no longer waits; one that still does is answered.
    Hold(Duration),
    /// It is carried out and answered, and once more after so many further calls have been; with 0 before it is
    /// answered.
    Twice(usize),
    /// It is carried out twice, and only the second answer comes: somebody in between repeats what was not answered.
    Repeated,
    /// So many bytes of the answer's body come, and then the connection is closed. The call is carried out.
    CutAnswer(u64),
    /// The server gets so many bytes of the request's body, and then its connection closes, and the caller's. A request
    /// that is no longer than that is carried out.
    CutRequest(u64),
    /// It is carried out, and the answer is what an Envoy says in its place whose connection to the server broke.
    Disowned,
    /// It is not carried out, and nothing ever comes back.
    Stall,
    /// So many bytes of the answer's body come, and then nothing more, over an open connection.
    StallAnswer(u64),
    /// It is not carried out, and this is the answer: an HTTP status with its `Retry-After` in seconds. In gRPC it is
    /// what an Envoy makes of that, or what stands for it: status 8 for 413 and 429, 14 otherwise.
    Answer(u16, Option<u64>),
    /// It is not carried out, and this is what pachd says: a code of gRPC and words, in JSON where it is no gRPC.
    Refusal(u8, String),
    /// It is not carried out, and this is the answer over HTTP: status, header and body.
    Reply(u16, (&'static str, String), String),
    /// It is carried out with the first half of its messages of gRPC, and the connection is closed without an answer.
    Half,
    /// What happens is chosen by its body; nothing, and it passes.
    By(Choice),
    /// Something else happens first, on a thread that may block; then it passes.
    Before(Hook),
    /// It is carried out, something else happens, and the connection is closed without an answer.
    After(Hook),
}

pub type Hook = Box<dyn FnOnce() + Send>;
pub type Choice = Box<dyn FnOnce(&Bytes) -> Option<Fault> + Send>;

/// Holds a call until the sender is used or dropped.
pub fn hold() -> (Sender<()>, Fault) {
    let (release, held) = channel();
    let wait = move || {
        let _ = held.recv();
    };
    (release, Fault::Before(Box::new(wait)))
}

/// Not with more bytes than so many in its body, as a proxy does.
pub fn at_most(bytes: usize) -> Fault {
    Fault::By(Box::new(move |body| {
        (body.len() > bytes).then_some(Fault::Answer(413, None))
    }))
}

/// It is not carried out, and this is what pachd says: a code of gRPC and words.
pub fn refusal(code: u8, words: impl Into<String>) -> Fault {
    Fault::Refusal(code, words.into())
}

/// Answers with this in JSON.
pub fn reply(value: &Value) -> Fault {
    let header = ("content-type", "application/json".to_owned());
    Fault::Reply(200, header, value.to_string())
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, BoxError>;

/// What was written before a connection is cut gets so long to leave.
const FLUSH: Duration = Duration::from_millis(30);
/// How often silent connections are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long calls that are on their way may take until a test fails.
const PATIENCE: Duration = Duration::from_mins(5);

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// A port of this machine, and what listens there.
pub fn listen() -> (Runtime, TcpListener, SocketAddr) {
    let runtime = runtime();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    (runtime, listener, address)
}

/// Listens until it is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

/// Where the server is.
#[derive(Clone)]
pub struct Upstream(Arc<Mutex<String>>);

impl Upstream {
    /// From now on it is at this `HOST:PORT`.
    pub fn is_at(&self, authority: &str) {
        authority.clone_into(&mut lock(&self.0));
    }

    fn authority(&self) -> String {
        lock(&self.0).clone()
    }
}

impl Proxy {
    /// Stands for every call, with a count of its own.
    pub const ANY: &str = "*";

    /// In front of the server at this `HOST:PORT`.
    pub fn before(authority: &str) -> Self {
        Self::before_after(authority, Duration::ZERO)
    }

    /// The same, at an address that nobody listens at until `delay` is over.
    pub fn before_after(authority: &str, delay: Duration) -> Self {
        let runtime = runtime();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = socket.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream: Upstream(Arc::new(Mutex::new(authority.to_owned()))),
            script: Mutex::default(),
            late: Mutex::default(),
            under_way: AtomicUsize::new(0),
            silence: Mutex::default(),
            http_1_alone: AtomicBool::new(false),
            begun: Instant::now(),
        });
        let listening = Arc::clone(&shared);
        // The port is ours until then, too, and refuses whoever connects.
        let listen = move || socket.listen(1024).unwrap();
        if delay.is_zero() {
            let listener = runtime.block_on(async { listen() });
            runtime.spawn(accept(listener, listening));
        } else {
            runtime.spawn(async move {
                sleep(delay).await;
                accept(listen(), listening).await;
            });
        }
        Self {
            address,
            shared,
            runtime: Some(runtime),
        }
    }

    /// `HOST:PORT`.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The `nth` call (from 1) of this name meets this fault.
    pub fn at(&self, call: &str, nth: usize, fault: Fault) -> &Self {
        self.shared.script().steps.push(Step {
            call: call.to_owned(),
            nth,
            fault: Some(fault),
        });
        self
    }

    /// Each call of this name that meets no other fault meets what `choose` answers for its number.
    pub fn each(&self, call: &str, choose: impl FnMut(usize) -> Option<Fault> + Send + 'static) -> &Self {
        let choose = Box::new(choose);
        self.shared.script().rules.push((call.to_owned(), choose));
        self
    }

    /// The bodies that this is called with from now on; it meets no other fault by [`Self::each`].
    pub fn overhear(&self, call: &str) -> Receiver<Bytes> {
        let (sender, bodies) = channel();
        self.each(call, move |_| {
            let sender = sender.clone();
            Some(Fault::By(Box::new(move |body| {
                // Whoever heard enough hears no more.
                let _ = sender.send(body.clone());
                None
            })))
        });
        bodies
    }

    /// Every answer to calls of this name is cut after a random number of bytes of this range; the same ones for the
    /// same seed.
    pub fn cut_at_random(&self, call: &str, seed: u64, bytes: Range<u64>) -> &Self {
        let mut random = Random(seed);
        self.each(call, move |_| Some(Fault::CutAnswer(random.within(&bytes))))
    }

    /// Connections over which nothing came or went for so long are closed from now on.
    pub fn cut_silent(&self, silence: Duration) -> &Self {
        *lock(&self.shared.silence) = Some(silence);
        self
    }

    /// Nobody is talked to in HTTP/2 from now on.
    pub fn speak_http_1_alone(&self) -> &Self {
        self.shared.http_1_alone.store(true, Ordering::Release);
        self
    }

    /// No further fault: whatever comes from now on passes.
    pub fn heal(&self) -> &Self {
        let mut script = self.shared.script();
        script.rules.clear();
        script.steps.clear();
        drop(script);
        *lock(&self.shared.silence) = None;
        self
    }

    /// How often this was called.
    pub fn calls(&self, call: &str) -> usize {
        self.shared.script().calls.get(call).copied().unwrap_or(0)
    }

    /// The tokens that calls came with.
    pub fn tokens(&self) -> BTreeSet<String> {
        self.shared.script().tokens.clone()
    }

    /// Waits until this was called so often. The call need not be answered yet.
    #[track_caller]
    pub fn wait_for(&self, call: &str, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.calls(call) < times {
            assert!(Instant::now() < deadline, "{call} is not called {times} times");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// What was scripted by [`Self::at`] and has met nothing so far.
    pub fn missed(&self) -> Vec<String> {
        let script = self.shared.script();
        let missed = script.steps.iter().filter(|step| step.fault.is_some());
        missed.map(|step| format!("{} {}", step.call, step.nth)).collect()
    }

    /// What met which fault so far, one line each.
    pub fn met(&self) -> Vec<String> {
        self.shared.script().met.clone()
    }

    pub fn upstream(&self) -> Upstream {
        self.shared.upstream.clone()
    }

    /// Whatever is still on its way arrives, in order, and is waited for. What the server answers nobody hears.
    pub fn deliver_late(&self) {
        let late = std::mem::take(&mut *lock(&self.shared.late));
        if let Some(runtime) = &self.runtime {
            runtime.block_on(async {
                for (_, call) in late {
                    let _ = call.carry_out(&self.shared).await;
                }
            });
        }
        let deadline = Instant::now() + PATIENCE;
        while self.shared.under_way.load(Ordering::Acquire) > 0 {
            assert!(Instant::now() < deadline, "a call that is held does not end");
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        let missed = self.missed();
        if !std::thread::panicking() {
            assert!(
                missed.is_empty(),
                "never called: {missed:?}; calls: {:?}",
                self.shared.script().calls
            );
        }
    }
}

struct Step {
    call: String,
    nth: usize,
    fault: Option<Fault>,
}

type Choose = Box<dyn FnMut(usize) -> Option<Fault> + Send>;

#[derive(Default)]
struct Script {
    steps: Vec<Step>,
    rules: Vec<(String, Choose)>,
    calls: HashMap<String, usize>,
    met: Vec<String>,
    tokens: BTreeSet<String>,
}

impl Script {
    fn fault(&mut self, call: &str, nth: usize) -> Option<Fault> {
        let step = self.steps.iter_mut().find(|step| step.call == call && step.nth == nth);
        step.and_then(|step| step.fault.take()).or_else(|| {
            let mut rules = self.rules.iter_mut().filter(|(name, _)| name == call);
            rules.find_map(|(_, choose)| choose(nth))
        })
    }
}

struct Shared {
    upstream: Upstream,
    script: Mutex<Script>,
    /// Calls to be carried out after so many others.
    late: Mutex<Vec<(usize, Kept)>>,
    /// Calls that are carried out whether somebody waits for them or not.
    under_way: AtomicUsize,
    silence: Mutex<Option<Duration>>,
    http_1_alone: AtomicBool,
    begun: Instant,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn script(&self) -> MutexGuard<'_, Script> {
        lock(&self.script)
    }

    /// Counts the call and finds what it meets.
    fn meet(&self, call: &str) -> Option<Fault> {
        let mut script = self.script();
        let mut fault = None;
        let mut nth = 0;
        for name in [Proxy::ANY, call] {
            let count = script.calls.entry(name.to_owned()).or_insert(0);
            *count += 1;
            nth = *count;
            fault = fault.or_else(|| script.fault(name, nth));
        }
        if let Some(fault) = &fault {
            script.met.push(format!("{call} {nth}: {}", fault.name()));
        }
        fault
    }

    /// One more call has been carried out: those that are late come nearer, and before its answer goes on, those are
    /// carried out that are due.
    async fn carry_out_what_is_due(&self) {
        let due: Vec<Kept> = {
            let mut late = lock(&self.late);
            let (due, left) = std::mem::take(&mut *late)
                .into_iter()
                .partition::<Vec<_>, _>(|(after, _)| *after <= 1);
            *late = left.into_iter().map(|(after, call)| (after - 1, call)).collect();
            due.into_iter().map(|(_, call)| call).collect()
        };
        for call in due {
            // Nobody hears the answer.
            let _ = call.carry_out(self).await;
        }
    }

    fn is_late(&self, after: usize, call: Kept) {
        lock(&self.late).push((after, call));
    }
}

impl Fault {
    fn name(&self) -> String {
        match self {
            Self::Unheard => "not carried out, connection closed".to_owned(),
            Self::LoseAnswer => "carried out, not answered".to_owned(),
            Self::Late(after) => format!("carried out {after} calls later"),
            Self::Hold(time) => format!("held for {time:?}"),
            Self::Twice(after) => format!("carried out again {after} calls later"),
            Self::Repeated => "carried out twice, and answered for the second time".to_owned(),
            Self::CutAnswer(bytes) => format!("answer cut after {bytes} bytes"),
            Self::CutRequest(bytes) => format!("request cut after {bytes} bytes"),
            Self::Disowned => "carried out, and a proxy says that its connection broke".to_owned(),
            Self::Stall => "stalled".to_owned(),
            Self::StallAnswer(bytes) => format!("answer stalled after {bytes} bytes"),
            Self::Answer(status, _) | Self::Reply(status, ..) => format!("answered {status}"),
            Self::Refusal(code, words) => format!("refused with code {code}: {words}"),
            Self::Half => "half of it carried out, not answered".to_owned(),
            Self::By(_) => "chosen by its body".to_owned(),
            Self::Before(_) => "something else first".to_owned(),
            Self::After(_) => "carried out, something else, not answered".to_owned(),
        }
    }
}

/// One connection, as whoever wants to cut it has it.
struct Line {
    cut: watch::Sender<bool>,
    /// When something last came or went, in milliseconds after the proxy was started.
    stirred: AtomicU64,
    begun: Instant,
}

impl Line {
    /// The line, and the stream that ends where it is cut.
    fn over(stream: TcpStream, begun: Instant) -> (Arc<Self>, Watched) {
        let (cut, mut is_cut) = watch::channel(false);
        let line = Arc::new(Self {
            cut,
            stirred: AtomicU64::new(0),
            begun,
        });
        line.stir();
        let watched = Watched {
            stream,
            line: Arc::clone(&line),
            cut: Some(Box::pin(async move { drop(is_cut.wait_for(|cut| *cut).await) })),
        };
        (line, watched)
    }

    fn cut(&self) {
        self.cut.send_replace(true);
    }

    fn stir(&self) {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap();
        self.stirred.store(now, Ordering::Relaxed);
    }

    fn silent_for(&self) -> Duration {
        let stirred = Duration::from_millis(self.stirred.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(stirred)
    }
}

/// A stream that tells when something comes or goes, and from which nothing comes once it is cut.
struct Watched {
    stream: TcpStream,
    line: Arc<Line>,
    /// `None` once it is.
    cut: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self
            .cut
            .as_mut()
            .is_none_or(|cut| cut.as_mut().poll(context).is_ready())
        {
            self.cut = None;
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.line.stir();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.line.stir();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        tokio::spawn(converse(stream, Arc::clone(&shared)));
    }
}

/// The calls of one connection, until it ends or is cut.
async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let (line, stream) = Line::over(stream, shared.begun);
    let service = {
        let (shared, line) = (Arc::clone(&shared), Arc::clone(&line));
        service_fn(move |request| {
            let (shared, line) = (Arc::clone(&shared), Arc::clone(&line));
            async move { Ok::<_, Infallible>(pass(&shared, &line, request).await) }
        })
    };
    let mut builder = auto::Builder::new(TokioExecutor::new());
    if shared.http_1_alone.load(Ordering::Acquire) {
        builder = builder.http1_only();
    }
    let conversation = builder.serve_connection(TokioIo::new(stream), service);
    let mut cut = line.cut.subscribe();
    tokio::select! {
        // One that breaks ends here: what the other side makes of it is what the test looks at.
        _ = conversation => {}
        _ = cut.wait_for(|cut| *cut) => {}
        () = silence(&shared, &line) => {}
    }
}

async fn silence(shared: &Shared, line: &Line) {
    loop {
        sleep(LOOK_EVERY).await;
        let limit = *lock(&shared.silence);
        if limit.is_some_and(|limit| line.silent_for() >= limit) {
            return;
        }
    }
}

/// One call.
async fn pass(shared: &Arc<Shared>, line: &Arc<Line>, request: Request<Incoming>) -> Response<Body> {
    let call = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    if let Some(token) = request.headers().get("authn-token") {
        let token = token.to_str().unwrap().to_owned();
        shared.script().tokens.insert(token);
    }
    let request = request.map(boxed);
    let fault = shared.meet(&call);
    undergo(shared, line, request, fault).await
}

fn boxed(body: Incoming) -> Body {
    body.map_err(Into::into).boxed_unsync()
}

async fn undergo(
    shared: &Arc<Shared>,
    line: &Arc<Line>,
    request: Request<Body>,
    fault: Option<Fault>,
) -> Response<Body> {
    let Some(fault) = fault else {
        return stream_through(shared, line, request, Piecewise::Whole).await;
    };
    match fault {
        Fault::By(choose) => {
            let (head, body) = request.into_parts();
            let Ok(body) = body.collect().await else {
                return vanish(line).await;
            };
            let body = body.to_bytes();
            let fault = choose(&body);
            let body = Full::new(body).map_err(Into::into).boxed_unsync();
            Box::pin(undergo(shared, line, Request::from_parts(head, body), fault)).await
        }
        Fault::Unheard => vanish(line).await,
        Fault::Stall => pending().await,
        Fault::Answer(status, retry_after) => Said::by_an_envoy(status, retry_after).answer(request).await,
        Fault::Refusal(code, words) => Said::by_pachd(code, words).answer(request).await,
        Fault::Reply(status, header, body) => Said::over_http(status, header, body).answer(request).await,
        Fault::Disowned => {
            let is_grpc = is_grpc(&request);
            let _ = carry_out_detached(shared, line, request, Detached::Pass).await;
            Said::by_an_envoy_that_lost_it().response(is_grpc)
        }
        Fault::CutAnswer(bytes) => stream_through(shared, line, request, Piecewise::Cut(bytes)).await,
        Fault::StallAnswer(bytes) => stream_through(shared, line, request, Piecewise::Stall(bytes)).await,
        Fault::CutRequest(bytes) => {
            let _ = shared.cut_request(request, bytes).await;
            vanish(line).await
        }
        Fault::Before(hook) => {
            let _ = tokio::task::spawn_blocking(hook).await;
            stream_through(shared, line, request, Piecewise::Whole).await
        }
        Fault::LoseAnswer => lose(shared, line, request, Detached::Pass).await,
        Fault::Half => lose(shared, line, request, Detached::Half).await,
        Fault::After(hook) => lose(shared, line, request, Detached::Then(hook)).await,
        Fault::Late(after) => lose(shared, line, request, Detached::Late(after)).await,
        Fault::Hold(time) => detached(shared, line, request, Detached::Hold(time)).await,
        Fault::Twice(after) => detached(shared, line, request, Detached::Twice(after)).await,
        Fault::Repeated => detached(shared, line, request, Detached::Repeated).await,
    }
}

/// The connection is closed, and with it this call's future comes to nothing.
async fn vanish<T>(line: &Line) -> T {
    line.cut();
    pending().await
}

/// How much of an answer passes.
#[derive(Clone, Copy)]
enum Piecewise {
    Whole,
    Cut(u64),
    Stall(u64),
}

async fn stream_through(
    shared: &Arc<Shared>,
    line: &Arc<Line>,
    request: Request<Body>,
    piecewise: Piecewise,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(answer) = shared.send(head, body).await else {
        return vanish(line).await;
    };
    shared.carry_out_what_is_due().await;
    let (head, body) = answer.into_parts();
    let line = Arc::clone(line);
    let body = match piecewise {
        Piecewise::Whole => {
            let broken = move |error: hyper::Error| {
                line.cut();
                error.into()
            };
            body.map_err(broken).boxed_unsync()
        }
        Piecewise::Cut(bytes) => upto(boxed(body), bytes, move || line.cut()),
        Piecewise::Stall(bytes) => upto(boxed(body), bytes, || {}),
    };
    Response::from_parts(head, body)
}

/// So many bytes of a body; then, once they have left, `end` happens and nothing more comes.
fn upto(body: Body, bytes: u64, end: impl FnOnce() + Send + 'static) -> Body {
    let frames = unfold((body, bytes, Some(end)), |(mut body, left, mut end)| async move {
        if left == 0 {
            sleep(FLUSH).await;
            if let Some(end) = end.take() {
                end();
            }
            return pending().await;
        }
        let frame = body.frame().await?;
        let (frame, left) = match frame.map(Frame::into_data) {
            Ok(Ok(mut data)) => {
                data.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                let left = left - data.len() as u64;
                (Ok(Frame::data(data)), left)
            }
            Ok(Err(trailers)) => (Ok(trailers), left),
            Err(error) => (Err(error), left),
        };
        Some((frame, (body, left, end)))
    });
    StreamBody::new(frames).boxed_unsync()
}

fn is_grpc(request: &Request<Body>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// What is said in the server's place.
struct Said {
    status: u16,
    header: (HeaderName, HeaderValue),
    retry_after: Option<u64>,
    body: String,
    /// In gRPC, in the place of the status and the body.
    code: u8,
    words: String,
}

impl Said {
    fn by_an_envoy(status: u16, retry_after: Option<u64>) -> Self {
        let (code, words) = match status {
            // Who refuses a message for its size says so in these words.
            413 => (8, "grpc: received message larger than max (1048600 vs. 65536)"),
            429 => (8, "no healthy upstream"),
            _ => (14, "no healthy upstream"),
        };
        Self {
            status,
            header: (CONTENT_TYPE, HeaderValue::from_static("text/html")),
            retry_after,
            body: "<html>no healthy upstream</html>".to_owned(),
            code,
            words: words.to_owned(),
        }
    }

    fn by_an_envoy_that_lost_it() -> Self {
        let words = "upstream connect error or disconnect/reset before headers. reset reason: connection termination";
        let header = ("content-type", "text/plain".to_owned());
        Self {
            code: 14,
            words: words.to_owned(),
            ..Self::over_http(503, header, words.to_owned())
        }
    }

    fn by_pachd(code: u8, words: String) -> Self {
        let status = match code {
            3 => 400,
            5 => 404,
            6 => 409,
            7 => 403,
            14 => 503,
            16 => 401,
            _ => 500,
        };
        let body = json!({"code": code, "message": words, "details": []}).to_string();
        let header = ("content-type", "application/json".to_owned());
        Self {
            code,
            words,
            ..Self::over_http(status, header, body)
        }
    }

    fn over_http(status: u16, (name, value): (&'static str, String), body: String) -> Self {
        Self {
            status,
            header: (HeaderName::from_static(name), value.parse().unwrap()),
            retry_after: None,
            body,
            code: 2,
            words: String::new(),
        }
    }

    async fn answer(self, request: Request<Body>) -> Response<Body> {
        let is_grpc = is_grpc(&request);
        // To its end, or the refusal may be lost in a reset.
        let _ = request.into_body().collect().await;
        self.response(is_grpc)
    }

    fn response(self, is_grpc: bool) -> Response<Body> {
        let mut response = if is_grpc {
            let mut response = Response::new(Empty::new().map_err(Into::into).boxed_unsync());
            let words = self.words.replace('%', "%25").replace('"', "%22");
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            headers.insert("grpc-status", HeaderValue::from(u16::from(self.code)));
            headers.insert("grpc-message", words.parse().unwrap());
            response
        } else {
            let mut response = Response::new(Full::from(self.body).map_err(Into::into).boxed_unsync());
            *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
            response.headers_mut().insert(self.header.0, self.header.1);
            response
        };
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// What happens to a call that is carried out whether its caller waits or not.
enum Detached {
    Pass,
    Half,
    Then(Hook),
    Late(usize),
    Hold(Duration),
    Twice(usize),
    Repeated,
}

async fn lose(shared: &Arc<Shared>, line: &Arc<Line>, request: Request<Body>, how: Detached) -> Response<Body> {
    let _ = carry_out_detached(shared, line, request, how).await;
    vanish(line).await
}

async fn detached(shared: &Arc<Shared>, line: &Arc<Line>, request: Request<Body>, how: Detached) -> Response<Body> {
    match carry_out_detached(shared, line, request, how).await {
        Some(answer) => answer,
        None => vanish(line).await,
    }
}

/// Reads the whole request, and goes on with it on a task that outlives the connection.
async fn carry_out_detached(
    shared: &Arc<Shared>,
    line: &Arc<Line>,
    request: Request<Body>,
    how: Detached,
) -> Option<Response<Body>> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return vanish(line).await;
    };
    let mut body = body.to_bytes();
    if matches!(how, Detached::Half) {
        body.truncate(half(&body));
    }
    let call = Kept { head, body };
    let under_way = UnderWay::begin(shared);
    let task = tokio::spawn(async move {
        let shared = &under_way.0;
        match how {
            Detached::Late(after) => {
                shared.is_late(after, call);
                return None;
            }
            Detached::Hold(time) => sleep(time).await,
            _ => {}
        }
        let answer = call.clone().carry_out(shared).await;
        shared.carry_out_what_is_due().await;
        match how {
            Detached::Twice(0) => drop(call.carry_out(shared).await),
            Detached::Repeated => return call.carry_out(shared).await.ok(),
            Detached::Twice(after) => shared.is_late(after, call),
            Detached::Then(hook) => drop(tokio::task::spawn_blocking(hook).await),
            _ => {}
        }
        answer.ok()
    });
    task.await.ok().flatten()
}

/// The messages of a body in gRPC.
pub fn messages(mut body: Bytes) -> Vec<Bytes> {
    let mut messages = Vec::new();
    while body.has_remaining() {
        assert_eq!(body.get_u8(), 0, "not compressed");
        let length = body.get_u32() as usize;
        messages.push(body.split_to(length));
    }
    messages
}

/// How many bytes the first half of its messages takes.
fn half(body: &Bytes) -> usize {
    let messages = messages(body.clone());
    messages[..messages.len() / 2]
        .iter()
        .map(|message| 5 + message.len())
        .sum()
}

/// Counted while it lives.
struct UnderWay(Arc<Shared>);

impl UnderWay {
    fn begin(shared: &Arc<Shared>) -> Self {
        shared.under_way.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(shared))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A whole call.
#[derive(Clone)]
struct Kept {
    head: Parts,
    body: Bytes,
}

impl Kept {
    /// Sends it and reads the whole answer.
    async fn carry_out(self, shared: &Shared) -> Result<Response<Body>, BoxError> {
        let body = Full::new(self.body).map_err(Into::into).boxed_unsync();
        let answer = shared.send(self.head, body).await?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await?;
        Ok(Response::from_parts(head, body.map_err(Into::into).boxed_unsync()))
    }
}

impl Shared {
    /// The server gets so many bytes of it; then its connection is cut.
    async fn cut_request(&self, request: Request<Body>, bytes: u64) -> Result<(), BoxError> {
        let (head, body) = request.into_parts();
        let upstream = Arc::new(Mutex::new(None::<Arc<Line>>));
        let end = {
            let upstream = Arc::clone(&upstream);
            move || {
                if let Some(line) = &*lock(&upstream) {
                    line.cut();
                }
            }
        };
        let body = upto(body, bytes, end);
        let answer = self.send_over(head, body, |line| *lock(&upstream) = Some(line)).await?;
        answer.into_body().collect().await?;
        Ok(())
    }

    async fn send(&self, head: Parts, body: Body) -> Result<Response<Incoming>, BoxError> {
        self.send_over(head, body, |_| {}).await
    }

    /// Sends a request to the server over a connection of its own, which ends with the answer's body.
    async fn send_over(
        &self,
        mut head: Parts,
        body: Body,
        opened: impl FnOnce(Arc<Line>),
    ) -> Result<Response<Incoming>, BoxError> {
        let authority = self.upstream.authority();
        let stream = TcpStream::connect(&authority).await?;
        stream.set_nodelay(true)?;
        let (line, stream) = Line::over(stream, self.begun);
        opened(line);
        head.headers.remove(CONNECTION);
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let answer = if head.version == Version::HTTP_2 {
            head.uri = format!("http://{authority}{path}").parse()?;
            let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
            let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            sender.send_request(Request::from_parts(head, body)).await?
        } else {
            head.uri = Uri::try_from(path)?;
            head.version = Version::HTTP_11;
            head.headers.insert(HOST, HeaderValue::from_str(&authority)?);
            head.headers.remove(TRANSFER_ENCODING);
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            sender.send_request(Request::from_parts(head, body)).await?
        };
        let (mut head, body) = answer.into_parts();
        head.headers.remove(CONNECTION);
        head.headers.remove(TRANSFER_ENCODING);
        Ok(Response::from_parts(head, body))
    }
}

/// `SplitMix64`: the same choices for the same seed.
struct Random(u64);

impl Random {
    fn within(&mut self, range: &Range<u64>) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        range.start + (mixed ^ (mixed >> 31)) % (range.end - range.start).max(1)
    }
}
