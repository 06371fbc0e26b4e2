//! How a connection comes about, and what is looked at on its way: the answer's status line, and the request's body.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use parking_lot::{Mutex, MutexGuard};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{HeaderMap, Request, Response, Uri, header};
use tonic::transport::{Channel, Endpoint};

use crate::connection::proxy::Proxy;
use crate::connection::{innermost, tls};
use crate::error::OpenError;
use crate::grpc::address::EXAMPLE;
use crate::options::GrpcOptions;
use crate::transport::seconds;

/// The library, where an error names it.
pub(super) const NAME: &str = "gRPC";

/// What a server may send on one stream, and on all of them, before it has to wait for us.
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;
/// How much of an answer that is no gRPC is shown.
const SHOWN: usize = 200;

type Boxed = Box<dyn Error + Send + Sync>;

/// No connection came about.
#[derive(Debug)]
pub(super) struct Unreached(String);

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Unreached {}

/// An answer that is no gRPC.
#[derive(Debug)]
pub(super) struct Stranger {
    pub status: u16,
    pub looks: String,
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.looks)
    }
}

impl Error for Stranger {}

/// The way to pachd: a connection, made when it is first needed, and again when it is lost.
pub(super) struct Line {
    endpoint: Endpoint,
    connector: Connector,
    current: Mutex<Connection>,
}

/// The connection that calls are made over.
struct Connection {
    channel: Channel,
    /// How many calls of one answer each it has carried that succeeded: neither streams nor uploads are among them.
    answers: Arc<AtomicU64>,
}

impl Connection {
    fn over(channel: Channel) -> Self {
        Self {
            channel,
            answers: Arc::default(),
        }
    }
}

/// Which connection it was at some moment, and how many answers it had given then.
#[derive(Clone)]
pub(super) struct Heard {
    answers: Arc<AtomicU64>,
    before: u64,
}

impl Heard {
    /// There is one more.
    pub fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether there were some since.
    fn is_alive(&self) -> bool {
        self.answers.load(Ordering::Relaxed) != self.before
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line(…)")
    }
}

fn no_address(why: impl fmt::Display) -> OpenError {
    OpenError::Address {
        why: why.to_string(),
        example: EXAMPLE,
    }
}

impl Line {
    /// Inside of a runtime.
    pub fn new(options: &GrpcOptions) -> Result<Self, OpenError> {
        let address = &options.address;
        let setup = |error: tonic::transport::Error| OpenError::Setup {
            library: NAME,
            why: error.to_string(),
        };
        let scheme = if address.is_tls() { "https" } else { "http" };
        let origin = format!("{scheme}://{}", address.authority());
        let origin: Uri = origin.parse().map_err(|_| no_address("it names no host"))?;
        // The library insists on TLS of its own where it sees https.
        let endpoint = Endpoint::from_shared(format!("http://{}", address.authority())).map_err(setup)?;
        let endpoint = endpoint
            .origin(origin)
            .user_agent(concat!("spoutctl/", env!("CARGO_PKG_VERSION")))
            .map_err(setup)?
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        let connector = Connector::new(options)?;
        Ok(Self {
            current: Mutex::new(Connection::over(
                endpoint.connect_with_connector_lazy(connector.clone()),
            )),
            endpoint,
            connector,
        })
    }

    /// An answer that may take long did not come since: as [`Self::give_up`], unless this connection has answered
    /// others meanwhile, which have it together.
    pub fn doubt(&self, heard: &Heard) {
        if !heard.is_alive() {
            self.give_up(heard);
        }
    }

    /// Nothing moves on a stream, of which the answers to others say nothing: another connection for the next call,
    /// once, however many streams stand still on this one. Calls that are under way keep theirs. Inside of a runtime.
    pub fn give_up(&self, heard: &Heard) {
        let mut current = self.current();
        if Arc::ptr_eq(&current.answers, &heard.answers) {
            *current = Connection::over(self.endpoint.connect_with_connector_lazy(self.connector.clone()));
        }
    }

    /// What the connection of the next call has answered so far. Taken before [`Self::wire`], so that what is judged is
    /// never a newer connection than the call's own.
    pub fn heard(&self) -> Heard {
        let answers = Arc::clone(&self.current().answers);
        Heard {
            before: answers.load(Ordering::Relaxed),
            answers,
        }
    }

    fn current(&self) -> MutexGuard<'_, Connection> {
        self.current.lock()
    }

    fn channel(&self) -> Channel {
        self.current().channel.clone()
    }

    /// For one call.
    pub fn wire(&self) -> Wire {
        Wire {
            channel: self.channel(),
            upload: None,
        }
    }

    /// For one upload, which is broken off when the sender of `broken_off` is dropped.
    pub fn uploading(&self, broken_off: oneshot::Receiver<()>) -> (Wire, Progress) {
        let progress = Progress::default();
        let wire = Wire {
            channel: self.channel(),
            upload: Some((broken_off, progress.clone())),
        };
        (wire, progress)
    }
}

/// How far an upload is.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<AtomicBool>);

impl Progress {
    /// Whether everything was taken, and then the end.
    pub fn has_ended(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn ends(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// What one call goes over.
pub(super) struct Wire {
    channel: Channel,
    /// Of an upload: broken off when the other side is dropped.
    upload: Option<(oneshot::Receiver<()>, Progress)>,
}

impl Service<Request<Body>> for Wire {
    type Response = Response<Body>;
    type Error = Boxed;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Boxed>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Boxed>> {
        self.channel.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let upload = self.upload.take();
        let request = request.map(|body| match upload {
            Some((broken_off, progress)) => Body::new(Upload {
                body,
                broken_off,
                progress,
            }),
            None => body,
        });
        let answer = self.channel.call(request);
        Box::pin(async move { look_at(answer.await?).await })
    }
}

/// The answer, if it is gRPC.
async fn look_at(answer: Response<Body>) -> Result<Response<Body>, Boxed> {
    let status = answer.status();
    let kind = text_of(answer.headers(), &header::CONTENT_TYPE);
    if status.is_success() && kind.starts_with("application/grpc") {
        return Ok(answer);
    }
    let place = text_of(answer.headers(), &header::LOCATION);
    let mut looks = format!("HTTP {}", status.as_u16());
    for part in [kind, place] {
        if !part.is_empty() {
            looks.push_str(", ");
            looks.push_str(&part);
        }
    }
    let mut body = answer.into_body();
    let mut start = Vec::new();
    while start.len() < SHOWN
        && let Ok(Some(Ok(frame))) = timeout(Duration::from_secs(2), body.frame()).await
        && let Ok(data) = frame.into_data()
    {
        start.extend_from_slice(&data);
    }
    let words = String::from_utf8_lossy(&start);
    let words: String = words
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(SHOWN)
        .collect();
    if !words.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(looks, ", \"{words}\"");
    }
    Err(Box::new(Stranger {
        status: status.as_u16(),
        looks,
    }))
}

fn text_of(headers: &HeaderMap, name: &header::HeaderName) -> String {
    let value = headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    value.unwrap_or_default().into_owned()
}

/// The body of an upload. It never ends by itself once it was broken off: an end would mean that it is whole.
struct Upload {
    body: Body,
    broken_off: oneshot::Receiver<()>,
    progress: Progress,
}

impl hyper::body::Body for Upload {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        // Its sender says nothing: it is only ever dropped.
        if Pin::new(&mut self.broken_off).poll(context).is_ready() {
            return Poll::Ready(Some(Err(tonic::Status::cancelled("the upload was broken off"))));
        }
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(None) = frame {
            self.progress.ends();
        }
        frame
    }

    // The end is told by `poll_frame` alone, where it is noticed.
    fn is_end_stream(&self) -> bool {
        false
    }
}

/// Connects by TCP, and by TLS where the address says so.
#[derive(Clone)]
struct Connector {
    tcp: HttpConnector,
    proxy: Option<Proxy>,
    /// The socket of this machine that is meant instead.
    socket: Option<PathBuf>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    limit: Duration,
}

impl Connector {
    fn new(options: &GrpcOptions) -> Result<Self, OpenError> {
        let (address, limit) = (&options.address, options.times.connect);
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        // A neighbour that is gone without a word is noticed within a minute.
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        tcp.set_keepalive_interval(Some(Duration::from_secs(10)));
        tcp.set_keepalive_retries(Some(3));
        tcp.set_connect_timeout(Some(limit));
        let tls = if address.is_tls() {
            let config = tls::client(&options.trust, b"h2").map_err(|error| OpenError::of_tls(NAME, error))?;
            let name = ServerName::try_from(address.host().to_owned()).map_err(no_address)?;
            Some((TlsConnector::from(Arc::new(config)), name))
        } else {
            None
        };
        Ok(Self {
            tcp,
            proxy: options.proxy.clone(),
            socket: address.socket().map(Path::to_owned),
            tls,
            limit,
        })
    }

    async fn connect(mut self, uri: Uri) -> Result<TokioIo<Box<dyn Io>>, Boxed> {
        if let Some(socket) = &self.socket {
            let stream = UnixStream::connect(socket).await;
            let stream = stream.map_err(|error| Unreached(format!("{}: {error}", socket.display())))?;
            return Ok(TokioIo::new(Box::new(stream)));
        }
        let tcp = match &self.proxy {
            None => self.tcp.call(uri).await.map_err(|error| Unreached(innermost(&error)))?,
            Some(proxy) => tunnel(self.tcp, proxy, uri).await?,
        };
        let tcp = tcp.into_inner();
        Ok(TokioIo::new(match self.tls {
            None => Box::new(tcp) as Box<dyn Io>,
            Some((tls, name)) => Box::new(tls.connect(name, tcp).await.map_err(unreached_unless_tls)?),
        }))
    }
}

/// A connection through a proxy, which is asked to lead there.
async fn tunnel(tcp: HttpConnector, proxy: &Proxy, to: Uri) -> Result<TokioIo<TcpStream>, Unreached> {
    let at: Uri = proxy
        .url()
        .parse()
        .map_err(|_| Unreached(format!("{proxy} has no address")))?;
    let mut tunnel = Tunnel::new(at, tcp);
    if let Some(user) = proxy.authorization() {
        tunnel = tunnel.with_auth(user.clone());
    }
    // The library's error has no name outside of it: its cause, or its words, tell what happened.
    tunnel.call(to).await.map_err(|error| {
        let words = error.to_string();
        Unreached(if error.source().is_some() {
            format!("{proxy}: {}", innermost(&error))
        } else if words.contains("authorization required") {
            format!("{proxy} wants a user and a password: http://USER:PASSWORD@HOST:PORT")
        } else {
            format!("{proxy} does not lead there: {words}")
        })
    })
}

/// A connection that broke during the handshake is one that did not come about; TLS's own errors keep their kind.
fn unreached_unless_tls(error: io::Error) -> Boxed {
    if tls::error_in(&error).is_some() {
        error.into()
    } else {
        Box::new(Unreached(error.to_string()))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn Io>>;
    type Error = Boxed;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Boxed>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Boxed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let limit = self.limit;
        let connecting = self.clone().connect(uri);
        Box::pin(async move {
            match timeout(limit, connecting).await {
                Ok(connected) => connected,
                Err(_) => Err(Box::new(Unreached(format!("no connection within {}", seconds(limit)))) as Boxed),
            }
        })
    }
}

/// A connection, encrypted or not.
trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::engine::Engine;

    #[test]
    fn a_connection_is_given_up_once_and_in_doubt_only_when_nobody_has_had_an_answer_over_it() {
        let engine = Engine::start("test").unwrap();
        let options = GrpcOptions::new("grpc://127.0.0.1:1".parse().unwrap());
        let line = engine.within(|| Line::new(&options)).unwrap();
        let doubt = |heard: &Heard| engine.within(|| line.doubt(heard));
        let give_up = |heard: &Heard| engine.within(|| line.give_up(heard));
        let is_current = |heard: &Heard| Arc::ptr_eq(&line.heard().answers, &heard.answers);
        let (silent, answered) = (line.heard(), line.heard());
        answered.answered();
        doubt(&silent);
        assert!(is_current(&silent));
        // What was answered before does not count.
        let (silent, other) = (line.heard(), line.heard());
        doubt(&silent);
        assert!(!is_current(&silent));
        let fresh = line.heard();
        doubt(&other);
        give_up(&other);
        assert!(is_current(&fresh));
        // Of a stream that stands still the answers to others say nothing.
        fresh.answered();
        give_up(&fresh);
        assert!(!is_current(&fresh));
    }
}
