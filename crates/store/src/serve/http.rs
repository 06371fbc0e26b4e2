//! pachd's doors, on one port: the HTTP gateway, `POST /api/<service>/<Method>` with a JSON body, and the file server
//! under `/pfs/`; pages for a browser, at `/`; and gRPC, for whoever begins a connection in HTTP/2. A call is entered
//! once, in `methods`, for both.
//!
//! It reads requests, lets [`Service`] carry them out on a thread that may block, and writes
//! what comes of them. It decides nothing about repos and commits.
//!
//! # Bounds
//!
//! | what | bound |
//! |---|---|
//! | connections | 512; one more ends the first that came of those without a request |
//! | a request's head | 128 KiB and 100 headers, within 30 s |
//! | requests that are carried out at a time | 256 of the gateway and 256 in gRPC; more wait 5 s, then they are *unavailable*; `/healthz` and gRPC's health need neither a place nor a thread |
//! | a body of which less than 64 KiB came in 10 s | ends, when somebody waits for its place |
//! | gRPC calls at a time on a connection | 32, more wait |
//! | an HTTP/2 connection whose client does not answer a ping | 1 min, and 20 s for the ping |
//! | a message of an upload | 20 MiB in gRPC, 28 MiB of JSON, one held for each call that uploads, and its bytes beside it |
//! | any other message | 1 MiB of JSON |
//! | a pipeline's spec | 10,000 messages |
//! | pieces on their way in | 4 a call, as the network gives them |
//! | pieces on their way out | 2 a call, of 256 KiB of a file or one message |
//! | a silent upload | 10 min |
//!
//! So a call takes some 60 MiB at most, 256 at the gateway and 256 in gRPC; and a few hundred kilobytes
//! when its messages are as small as ours.

mod answer;
mod body;
mod download;
mod grpc;
mod guard;
mod log;
mod methods;
mod pages;
mod places;
mod shared;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Method as Verb, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutWriter;

use self::answer::{Answer, JSON, Piece, TEXT, Wanted};
use self::body::{Door, Values};
use self::guard::Guard;
use self::log::Entry;
pub use self::log::{Answered, Observer};
use self::methods::{Method, RequestBody, carry_out};
use self::places::{Connection, Connections, Entered, Places};
use self::shared::{CALLS, Shared, method_name, take_place};
use super::{Code, Service, Status, page};

const CONNECTIONS: usize = 512;
/// Of the buffer that a head is read into: what comes in one read may be on top.
const HEAD_SIZE: usize = 64 << 10;
const HEADERS: usize = 100;
const HEAD_TIME: Duration = Duration::from_secs(30);
/// Of HTTP/2: a head's size, calls at a time on one connection, and what a client may send on one of them before it has
/// to wait; four times that on all.
const HEAD_SIZE_2: u32 = 64 << 10;
const STREAMS: u32 = 32;
/// An HTTP/2 connection may be silent for as long as its client lives.
const PING_EVERY: Duration = Duration::from_mins(1);
const PING_TIME: Duration = Duration::from_secs(20);
const WINDOW: u32 = 1 << 20;
/// After a call for the end, calls that are being carried out get so long.
const LAST_CALLS: Duration = Duration::from_secs(10);

/// How a server is to behave.
#[derive(Clone)]
pub struct Options {
    /// Names of this machine, besides `localhost` and the address itself, that requests may be sent to.
    pub names: Vec<String>,
    /// A client that takes nothing of its answer for so long is left.
    pub idle_limit: Duration,
    /// A body that is slow for so long ends, when another request waits for its place.
    pub patience: Duration,
    /// It plays a spout's sidecar, which speaks gRPC only and has neither a version nor an admin service.
    pub is_sidecar: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            idle_limit: Duration::from_mins(10),
            patience: Duration::from_secs(10),
            is_sidecar: false,
        }
    }
}

/// A server that has its address and answers once it runs.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    idle_limit: Duration,
    stop: watch::Sender<bool>,
}

/// Ends a server from another thread.
#[derive(Clone)]
pub struct StopHandle(watch::Sender<bool>);

impl StopHandle {
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Server {
    /// Takes the address; from now on connections wait there.
    ///
    /// # Errors
    /// When it is taken, or not ours to take.
    pub fn bind(
        service: Arc<Service>,
        address: SocketAddr,
        options: Options,
        observer: Arc<dyn Observer>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self {
            idle_limit: options.idle_limit,
            listener,
            address,
            shared: Arc::new(Shared {
                service,
                guard: Guard::new(address, options.names),
                observer,
                is_sidecar: options.is_sidecar,
                patience: options.patience,
                gateway_places: Places::new(CALLS),
                grpc_places: Places::new(CALLS),
            }),
            stop: watch::Sender::new(false),
        })
    }

    /// The address, with the port that the system has picked.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.stop.clone())
    }

    /// Answers requests until it is stopped; those that are being carried out then are given a few seconds.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn run(self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(2 * CALLS)
            .thread_name("serve")
            .enable_all()
            .build()?;
        let service = Arc::clone(&self.shared.service);
        let result = runtime.block_on(self.accept());
        end(runtime, &service);
        result
    }

    async fn accept(self) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let graceful = GracefulShutdown::new();
        let connections = Connections::new(CONNECTIONS);
        let mut stopped = self.stop.subscribe();
        for number in 0.. {
            let stream = tokio::select! {
                stream = listener.accept() => stream,
                _ = stopped.wait_for(|stopped| *stopped) => break,
            };
            let Ok((stream, _)) = stream else {
                // Out of descriptors, most likely: those that end give some back.
                connections.dismiss_one();
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let entered = tokio::select! {
                entered = connections.enter(number) => entered,
                _ = stopped.wait_for(|stopped| *stopped) => break,
            };
            let Some(entered) = entered else { break };
            let (shared, idle_limit, watcher) = (Arc::clone(&self.shared), self.idle_limit, graceful.watcher());
            tokio::spawn(async move {
                tokio::select! {
                    () = serve(stream, shared, &entered, idle_limit, watcher) => {}
                    () = entered.connection.dismissed() => {}
                }
            });
        }
        drop(listener);
        self.shared.service.stop();
        let _ = tokio::time::timeout(LAST_CALLS, graceful.shutdown()).await;
        Ok(())
    }
}

/// One connection, to its end. A connection that breaks has been told of where it matters: in the log and to the call.
async fn serve(stream: TcpStream, shared: Arc<Shared>, entered: &Entered, idle_limit: Duration, watcher: Watcher) {
    let connection = Arc::clone(&entered.connection);
    // Small answers are not to wait for the client's acknowledgements.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(is_http2)) = timeout(HEAD_TIME, begins_http2(&stream)).await else {
        return;
    };
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(idle_limit));
    let stream = TokioIo::new(Box::pin(stream));
    if is_http2 {
        let answer = move |request| grpc::answer(Arc::clone(&shared), Arc::clone(&connection), request);
        let served = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .keep_alive_interval(Some(PING_EVERY))
            .keep_alive_timeout(PING_TIME)
            .max_header_list_size(HEAD_SIZE_2)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(4 * WINDOW)
            .serve_connection(stream, service_fn(answer));
        let _ = watcher.watch(served).await;
    } else {
        let answer = move |request| answer(Arc::clone(&shared), Arc::clone(&connection), request);
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_headers(HEADERS)
            .max_buf_size(HEAD_SIZE)
            .serve_connection(stream, service_fn(answer));
        let _ = watcher.watch(served).await;
    }
}

/// Whether a client begins as those of HTTP/2 do, which gRPC speaks. Looked at without being taken.
async fn begins_http2(stream: &TcpStream) -> io::Result<bool> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut begin = [0; PREFACE.len()];
    loop {
        let length = stream.peek(&mut begin).await?;
        if length == 0 || !PREFACE.starts_with(&begin[..length]) {
            return Ok(false);
        }
        if length == PREFACE.len() {
            return Ok(true);
        }
        // What is there already wakes nobody again.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Leaves threads alone that are still in a call: whatever they do is done or not done, as after a crash.
fn end(runtime: Runtime, service: &Service) {
    service.stop();
    runtime.shutdown_timeout(Duration::from_secs(1));
}

async fn answer(
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let path = request.uri().path().to_owned();
    let called = path.strip_prefix("/api/").filter(|_| request.method() == Verb::POST);
    let name = called.map_or_else(|| format!("{} {path}", request.method()), method_name);
    let entry = shared.entry(&connection, name);
    let dialect = shared.service.dialect();
    let is_page = called.is_none() && page::is_page(&path);
    let without_gateway = if shared.is_sidecar {
        Some("a spout's sidecar speaks gRPC only\n".to_owned())
    } else if dialect.has_gateway() || is_page {
        None
    } else {
        let release = dialect.release();
        Some(format!("pachd {release} has no HTTP gateway: use its gRPC address\n"))
    };
    if let Some(text) = without_gateway {
        entry.failed(text.trim_end());
        return Ok(answer::whole(entry, StatusCode::NOT_FOUND, TEXT, text));
    }
    if let Err(refusal) = shared.guard.check_sender(request.uri().authority(), request.headers()) {
        entry.failed(refusal.text.trim_end());
        return Ok(answer::whole(entry, refusal.status, TEXT, refusal.text));
    }
    if path == "/healthz" && called.is_none() {
        return Ok(answer::whole(entry, StatusCode::OK, TEXT, "healthy\n"));
    }
    if let Err(status) = take_place(&shared.gateway_places, &entry).await {
        return Ok(answer::failed(entry, &status));
    }
    Ok(match called {
        Some(called) => api(&shared, entry, called, request).await,
        None if is_page => pages::answer(&shared, entry, request).await,
        None if path.starts_with("/pfs/") => download::answer(&shared, entry, request).await,
        None => answer::whole(entry, StatusCode::NOT_FOUND, TEXT, "404 page not found\n"),
    })
}

async fn api(shared: &Arc<Shared>, entry: Arc<Entry>, path: &str, request: Request<Incoming>) -> Response<Answer> {
    let call = match shared.call(path, request.headers()) {
        Ok(call) => call,
        // Without its body being read: who may not come in has no claim to a connection for as long as it likes.
        Err(status) => return answer::failed(entry, &status),
    };
    let method = methods::find(path, shared.service.dialect(), shared.service.is_guarded());
    let wanted = Wanted(call.clone());
    let body = body::read(request.into_body(), shared, Door::Gateway, Arc::clone(&entry));
    let source = RequestBody::Json(Values::of(body));
    let is_many = matches!(method, Ok(Method::Many(_)));
    let mut receiver = carry_out(shared, &entry, method, call, source);
    let first = receiver.recv().await;
    match (first, is_many) {
        (Some(Piece::Unread(status)), _) | (Some(Piece::Failed(status)), false) => answer::failed(entry, &status),
        (Some(Piece::Failed(status)), true) => answer::failed_stream(entry, &status),
        (Some(Piece::Data(text)), false) => answer::whole(entry, StatusCode::OK, JSON, text),
        (Some(Piece::Data(first)), true) => answer::pieces(entry, JSON, Some(first), receiver, wanted),
        (Some(Piece::End), _) => answer::whole(entry, StatusCode::OK, JSON, Bytes::new()),
        (None, _) => answer::failed(
            entry,
            &Status::new(Code::Internal, "the call has died: this is a fault of spoutctl"),
        ),
    }
}
