//! pachd's HTTP gateway: `POST /api/<service>/<Method>` with a JSON body, and the file server under `/pfs/`.
//!
//! A door: it reads requests, lets [`Service`](super::Service) carry them out on a thread that may block, and writes
//! what comes of them. It decides nothing about repos and commits.
//!
//! # Bounds
//!
//! | what | bound |
//! |---|---|
//! | connections | 256; more wait to be accepted |
//! | a request's head | 128 KiB and 100 headers, within 30 s |
//! | a message of an upload | 28 MiB of JSON, one held for each connection that uploads, and its bytes beside it |
//! | any other message | 1 MiB of JSON |
//! | pieces on their way in | 4 a connection, as the network gives them |
//! | pieces on their way out | 2 a connection, of 256 KiB of a file or one message |
//! | a silent upload | 10 min |
//!
//! So a connection takes some 60 MiB at most, and a few hundred kilobytes when its messages are as small as ours.

mod answer;
mod body;
mod download;
mod guard;
mod log;
mod methods;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method as Verb, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_io_timeout::TimeoutWriter;

use self::answer::{Answer, JSON, Piece, TEXT, Wanted};
use self::body::Values;
use self::guard::Guard;
pub use self::guard::Token;
use self::log::Entry;
pub use self::log::{Answered, Observer};
use self::methods::{Method, Requested};
use super::{Call, Code, Service, Status};

const CONNECTIONS: usize = 256;
/// Of the buffer that a head is read into: what comes in one read may be on top.
const HEAD_SIZE: usize = 64 << 10;
const HEADERS: usize = 100;
const HEAD_TIME: Duration = Duration::from_secs(30);
/// After a call for the end, calls that are being carried out get so long.
const LAST_CALLS: Duration = Duration::from_secs(10);

/// How a server is to behave.
#[derive(Clone)]
pub struct Options {
    /// Names of this machine, besides `localhost` and the address itself, that requests may be sent to.
    pub names: Vec<String>,
    /// What every request has to carry, if anything.
    pub token: Option<Token>,
    /// A client that takes nothing of its answer for so long is left.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            token: None,
            patience: Duration::from_mins(10),
        }
    }
}

/// A server that has its address and answers once it runs.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    patience: Duration,
    stop: watch::Sender<bool>,
}

/// Ends a server from another thread.
#[derive(Clone)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

struct Shared {
    service: Arc<Service>,
    guard: Guard,
    observer: Arc<dyn Observer>,
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
            patience: options.patience,
            listener,
            address,
            shared: Arc::new(Shared {
                service,
                guard: Guard::new(address, options.names, options.token),
                observer,
            }),
            stop: watch::Sender::new(false),
        })
    }

    /// The address, with the port that the system has picked.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    #[must_use]
    pub fn stop_handle(&self) -> Stop {
        Stop(self.stop.clone())
    }

    /// Answers requests until it is stopped; those that are being carried out then are given a few seconds.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn run(self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(2 * CONNECTIONS)
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
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        let mut stopped = self.stop.subscribe();
        loop {
            let Ok(permit) = Arc::clone(&connections).acquire_owned().await else {
                break;
            };
            let stream = tokio::select! {
                stream = listener.accept() => stream,
                _ = stopped.wait_for(|stopped| *stopped) => break,
            };
            let Ok((stream, _)) = stream else {
                // Out of descriptors, most likely: those that end give some back.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            // Small answers are not to wait for the client's acknowledgements.
            let _ = stream.set_nodelay(true);
            let mut stream = TimeoutWriter::new(stream);
            stream.set_timeout(Some(self.patience));
            let shared = Arc::clone(&self.shared);
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME)
                .max_headers(HEADERS)
                .max_buf_size(HEAD_SIZE)
                .serve_connection(
                    TokioIo::new(Box::pin(stream)),
                    service_fn(move |request| answer(Arc::clone(&shared), request)),
                );
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                // A connection that breaks has been told of where it matters: in the log and to the call.
                let _ = connection.await;
                drop(permit);
            });
        }
        drop(listener);
        self.shared.service.stop();
        let _ = tokio::time::timeout(LAST_CALLS, graceful.shutdown()).await;
        Ok(())
    }
}

/// Leaves threads alone that are still in a call: whatever they do is done or not done, as after a crash.
fn end(runtime: Runtime, service: &Service) {
    service.stop();
    runtime.shutdown_timeout(Duration::from_secs(1));
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Answer>, Infallible> {
    let path = request.uri().path().to_owned();
    let called = path.strip_prefix("/api/").filter(|_| request.method() == Verb::POST);
    let name = called.map_or_else(|| format!("{} {path}", request.method()), method_name);
    let entry = Arc::new(Entry::new(Arc::clone(&shared.observer), name));
    if let Err(refusal) = shared.guard.check_sender(request.headers()) {
        entry.failed(refusal.text.trim_end());
        return Ok(answer::whole(entry, refusal.status, TEXT, refusal.text));
    }
    Ok(match called {
        Some(called) => api(&shared, entry, called, request).await,
        None if path == "/healthz" => answer::whole(entry, StatusCode::OK, TEXT, "healthy\n"),
        None if path.starts_with("/pfs/") => download::answer(&shared, entry, request).await,
        None => answer::whole(entry, StatusCode::NOT_FOUND, TEXT, "404 page not found\n"),
    })
}

fn method_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

fn transaction(headers: &HeaderMap) -> Option<String> {
    let header = headers.get("pach-transaction")?.to_str().ok()?;
    (!header.is_empty()).then(|| header.to_owned())
}

/// Calls that pachd answers without a token (recordings auth 032, 033).
fn is_open(path: &str) -> bool {
    matches!(path, "versionpb_v2.API/GetVersion" | "admin_v2.API/InspectCluster")
}

async fn api(shared: &Arc<Shared>, entry: Arc<Entry>, path: &str, request: Request<Incoming>) -> Response<Answer> {
    if !is_open(path)
        && let Err(status) = shared.guard.check_token(request.headers())
    {
        // Without its body being read: who may not come in has no claim to a connection for as long as it likes.
        return answer::failed(entry, &status);
    }
    let method = methods::find(path, shared.guard.wants_token());
    let call = Call::new(transaction(request.headers()));
    let (sender, mut receiver) = mpsc::channel(answer::PIECES);
    let wanted = Wanted(call.clone());
    let mut values = Values::of(body::read(request.into_body(), Arc::clone(&entry)));
    let service = Arc::clone(&shared.service);
    let job_entry = Arc::clone(&entry);
    let is_many = matches!(method, Ok(Method::Many(_)));
    tokio::task::spawn_blocking(move || {
        let mut requested = Requested {
            values: &mut values,
            entry: &job_entry,
            was_read: false,
        };
        let send = |piece| match sender.blocking_send(piece) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let done = match method {
            Ok(Method::One(method)) => method(&service, &call, &mut requested).map(|answer| {
                let _ = send(Piece::Data(answer.into()));
            }),
            Ok(Method::Many(method)) => method(&service, &call, &mut requested, &mut |line| send(Piece::Data(line))),
            Err(status) => Err(status),
        };
        // As pachd does: a client that still sends hears no answer.
        requested.values.body.drain();
        let _ = match done {
            Ok(()) => send(Piece::End),
            Err(status) if requested.was_read => send(Piece::Failed(status)),
            Err(status) => send(Piece::Unread(status)),
        };
    });
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
