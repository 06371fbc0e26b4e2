//! One HTTP client for one gateway: it sends a call, waits for no longer than it may, and gives back pachd's answer or
//! a [`Fault`](spoutctl_core::fault::Fault).
//!
//! The only module of the gateway that knows reqwest, but for its URLs. It knows no port and no message: requests and
//! answers are bytes.
//!
//! Connections are kept and used again. A connection that the server had closed before we wrote to it is noticed, and
//! the request goes out on a new one: the HTTP library does that itself as long as not one byte was taken by the dead
//! connection. What stays is the moment in which the server closes while our bytes are on their way: nobody can tell
//! then whether it read them, so the fault is `Unknown`. Idle connections are therefore dropped after a time that is
//! shorter than what servers and proxies usually allow.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use jiff::Timestamp;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, RequestBuilder, Response};
use rustls::ClientConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::address::Address;
use super::error::{self, Answer, Call, CallFault, ERROR_BODY_LIMIT};
use crate::connection::engine::Engine;
use crate::connection::innermost;
use crate::connection::reaching::{is_out_of_files, out_of_files};
use crate::connection::tls::{self, Trust};
use crate::connection::token::InvalidToken;
use crate::error::OpenError;
use crate::observing::Observed;
use crate::options::GatewayOptions;
use crate::transport::{Times, seconds};
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::TransactionId;

const LIBRARY: &str = "HTTP";
/// The most that is read of an answer to a call that is no stream.
const ANSWER_LIMIT: usize = 16 << 20;
/// How long the rest of an answer that is an error is waited for.
pub(super) const ERROR_BODY_WAIT: Duration = Duration::from_secs(10);
/// How long a connection may lie idle and be used again. Go's server closes none by itself, Envoy after an hour, nginx
/// after 75 s, the load balancers of clouds after 60 s.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// HTTP to one gateway.
#[derive(Debug)]
pub struct Client {
    // Before `engine`, so that it goes first.
    shared: Arc<Shared>,
    engine: Engine,
}

/// What a task of an upload needs as well.
#[derive(Debug)]
pub(super) struct Shared {
    http: reqwest::Client,
    address: Address,
    /// Where it is, and by which way, for messages.
    place: String,
    pub has_token: bool,
    pub times: Times,
    /// An answer in HTTP was seen: later garbage is a broken connection, not the wrong port.
    spoke_http: AtomicBool,
    pub observed: Observed,
}

impl Client {
    pub(super) fn new(options: GatewayOptions) -> Result<Self, OpenError> {
        let setup = |why: String| OpenError::Setup { library: LIBRARY, why };
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("spoutctl/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers(&options)?)
            .redirect(reqwest::redirect::Policy::none())
            // A library's own reading of the environment would decide where a token goes.
            .no_proxy()
            .http1_only()
            .tcp_nodelay(true)
            .tcp_keepalive(Duration::from_secs(30))
            .connect_timeout(options.times.connect)
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(4)
            .tls_backend_preconfigured(tls_of(&options)?);
        if let Some(proxy) = &options.proxy {
            http = http.proxy(proxy.for_http_client().map_err(|e| setup(innermost(&e)))?);
        }
        let http = http.build().map_err(|e| setup(innermost(&e)))?;
        Ok(Self {
            engine: Engine::start("gateway").map_err(|e| setup(e.to_string()))?,
            shared: Arc::new(Shared {
                http,
                place: place(&options),
                has_token: options.token.is_some(),
                address: options.address,
                times: options.times,
                spoke_http: AtomicBool::new(false),
                observed: Observed(options.observer),
            }),
        })
    }

    pub(super) fn address(&self) -> &Address {
        &self.shared.address
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Runs `work` to its end on this thread, which must be none of an asynchronous runtime.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.engine.block_on(work)
    }

    pub(super) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.engine.spawn(work)
    }

    /// One request, and one answer; `None` when `limit` is over.
    pub(super) fn post(
        &self,
        call: Call,
        request: Vec<u8>,
        limit: Duration,
        transaction: Option<&TransactionId>,
    ) -> Result<Option<Bytes>, CallFault> {
        let shared = &self.shared;
        let mut post = shared.post(call).body(request);
        if let Some(TransactionId(id)) = transaction {
            post = post.header(error::TRANSACTION_HEADER, id);
        }
        let exchange = async {
            let response = shared.send(call, post).await?;
            shared.read_answer(call, response).await
        };
        let answer = self.block_on(async { timeout(limit, exchange).await });
        answer.ok().transpose()
    }

    /// One request, an answer that comes bit by bit.
    pub(super) fn stream(&self, call: Call, request: Vec<u8>) -> Result<Incoming<'_>, CallFault> {
        let shared = &self.shared;
        let limit = shared.times.call;
        let opening = async {
            let response = shared.send(call, shared.post(call).body(request)).await?;
            shared.check_success(call, response).await
        };
        let response = match self.block_on(async { timeout(limit, opening).await }) {
            Ok(response) => response?,
            Err(_) => return Err(error::lost(call, format!("no answer within {}", seconds(limit))).into()),
        };
        if !has_an_end(&response) {
            let what = "the answer does not say where it ends (a proxy that speaks HTTP/1.0?), \
                        so a broken one would pass for a whole one";
            return Err(error::refused(call, what).into());
        }
        Ok(Incoming {
            client: self,
            call,
            response,
        })
    }

    /// One request, an answer that comes bit by bit, and may take as long as it likes to begin.
    pub(super) fn wait_for_stream(&self, call: Call, request: Vec<u8>) -> LongAnswer<'_> {
        let shared = &*self.shared;
        let opening = async move {
            let response = shared.send(call, shared.post(call).body(request)).await?;
            shared.check_success(call, response).await
        };
        LongAnswer {
            client: self,
            call,
            state: Listening::Opening(Box::pin(opening)),
        }
    }
}

/// What a while of a long answer has brought.
pub(super) enum Heard {
    /// So many bytes.
    Piece(Bytes),
    Silence,
    /// A clean end.
    End,
}

/// An answer that may be silent for as long as it likes, before its head and in between.
pub(super) struct LongAnswer<'a> {
    client: &'a Client,
    call: Call,
    state: Listening<'a>,
}

enum Listening<'a> {
    /// The head has not come.
    Opening(Pin<Box<dyn Future<Output = Result<Response, CallFault>> + Send + 'a>>),
    Open(Box<Response>),
}

impl LongAnswer<'_> {
    /// What comes within `limit`.
    pub fn next(&mut self, limit: Duration) -> Result<Heard, CallFault> {
        if let Listening::Opening(opening) = &mut self.state {
            let Ok(opened) = self.client.block_on(async { timeout(limit, opening).await }) else {
                return Ok(Heard::Silence);
            };
            self.state = Listening::Open(Box::new(opened?));
        }
        let Listening::Open(response) = &mut self.state else {
            return Ok(Heard::Silence);
        };
        match self.client.block_on(async { timeout(limit, response.chunk()).await }) {
            Ok(Ok(Some(piece))) => Ok(Heard::Piece(piece)),
            Ok(Ok(None)) => Ok(Heard::End),
            Ok(Err(failed)) => Err(self.client.shared.broke(self.call, &failed).into()),
            Err(_) => Ok(Heard::Silence),
        }
    }
}

impl Shared {
    fn broke(&self, call: Call, failed: &reqwest::Error) -> Fault {
        error::broken_stream(
            call,
            format!("the stream from {} broke: {}", self.place, innermost(failed)),
        )
    }

    fn post(&self, call: Call) -> RequestBuilder {
        self.http
            .post(self.address.of_call(call.service, call.name))
            .header(header::CONTENT_TYPE, "application/json")
    }

    async fn send(&self, call: Call, request: RequestBuilder) -> Result<Response, CallFault> {
        let response = request.send().await.map_err(|e| self.fault_of_transport(call, &e))?;
        self.spoke_http.store(true, Ordering::Relaxed);
        Ok(response)
    }

    /// Sends a body that comes bit by bit, and gives back the whole answer.
    pub async fn send_stream<S>(&self, call: Call, body: S) -> Result<Bytes, CallFault>
    where
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        let response = self.send(call, self.post(call).body(Body::wrap_stream(body))).await?;
        self.read_answer(call, response).await
    }

    /// Asks what became of an upload that broke, for its answer may have been lost with the connection: announces a
    /// body of `bytes` bytes and sends none of it. Whoever refuses such a request (too large, no token, another
    /// address) says so at once; pachd itself waits for the body and forgets the call when we leave.
    pub async fn refusal_of(&self, call: Call, bytes: u64) -> Option<CallFault> {
        let silence = stream::pending::<io::Result<Bytes>>();
        let request = self
            .post(call)
            .header(header::CONTENT_LENGTH, bytes)
            .header(header::CONNECTION, "close")
            .body(Body::wrap_stream(silence));
        let wait = self.times.connect.min(Duration::from_secs(3));
        let response = timeout(wait, request.send()).await.ok()?.ok()?;
        if response.status().is_success() {
            return None;
        }
        self.check_success(call, response).await.err()
    }

    async fn read_answer(&self, call: Call, response: Response) -> Result<Bytes, CallFault> {
        let mut response = self.check_success(call, response).await?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|e| self.fault_of_transport(call, &e))? {
            if body.len() + piece.len() > ANSWER_LIMIT {
                return Err(error::unreadable(call, "it does not end").into());
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.into())
    }

    /// The response, if it is pachd's and says yes.
    async fn check_success(&self, call: Call, response: Response) -> Result<Response, CallFault> {
        let content_type = text_of(&response, &header::CONTENT_TYPE).unwrap_or_default();
        // A stream that holds nothing has no type either (gateway 010).
        let is_pachd = content_type.is_empty() || content_type.starts_with("application/json");
        if response.status().is_success() && is_pachd {
            return Ok(response);
        }
        let answer = Answer {
            status: response.status().as_u16(),
            content_type,
            location: text_of(&response, &header::LOCATION),
            retry_after: text_of(&response, &header::RETRY_AFTER)
                .and_then(|value| error::retry_after(&value, Timestamp::now())),
            body: start_of_body(response).await,
        };
        Err(error::fault_of_answer(call, &self.place, &answer))
    }

    fn fault_of_transport(&self, call: Call, failed: &reqwest::Error) -> Fault {
        let place = &self.place;
        let cause = innermost(failed);
        if failed.is_builder() {
            return error::refused(call, format!("the request cannot be built: {cause}"));
        }
        if failed.is_connect() {
            return match tls::error_in(failed) {
                Some(tls) => error::refused(call, tls::explained(place, tls)),
                None if failed.is_timeout() => error::unreached(
                    call,
                    format!(
                        "cannot reach {place}: no connection within {}",
                        seconds(self.times.connect)
                    ),
                ),
                None if is_out_of_files(&cause) => error::unreached(call, out_of_files(place)),
                None => error::unreached(call, format!("cannot reach {place}: {cause}")),
            };
        }
        if cause.starts_with("invalid HTTP") && !self.spoke_http.load(Ordering::Relaxed) {
            let what =
                format!("{place} does not answer in HTTP; if the port expects TLS, the address starts with https://");
            return error::refused(call, what);
        }
        let mut what = format!("the connection to {place} broke before the answer was complete: {cause}");
        if !self.address.is_https() && !self.spoke_http.load(Ordering::Relaxed) {
            what.push_str("; if the port expects TLS, the address starts with https://");
        }
        error::lost(call, what)
    }
}

/// An answer that comes bit by bit.
pub(super) struct Incoming<'a> {
    client: &'a Client,
    call: Call,
    response: Response,
}

impl Incoming<'_> {
    pub fn call(&self) -> Call {
        self.call
    }

    /// The next bytes, or `None` after a clean end. A silence that is too long, and an end that is none, are faults.
    pub fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let shared = &self.client.shared;
        let limit = shared.times.idle;
        let response = &mut self.response;
        match self.client.block_on(async { timeout(limit, response.chunk()).await }) {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(failed)) => Err(shared.broke(self.call, &failed)),
            Err(_) => Err(error::broken_stream(
                self.call,
                format!("the stream from {} was silent for {}", shared.place, seconds(limit)),
            )),
        }
    }
}

fn headers(options: &GatewayOptions) -> Result<HeaderMap, OpenError> {
    let mut headers = HeaderMap::new();
    if let Some(token) = &options.token {
        let mut value = HeaderValue::from_str(token.reveal()).map_err(|_| OpenError::from(InvalidToken::NO_HEADER))?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static("authn-token"), value);
    }
    Ok(headers)
}

fn place(options: &GatewayOptions) -> String {
    let authority = options.address.authority();
    match &options.proxy {
        Some(proxy) => format!("{authority} through {proxy}"),
        None => authority,
    }
}

fn tls_of(options: &GatewayOptions) -> Result<ClientConfig, OpenError> {
    let trust = if options.address.is_https() {
        &options.trust
    } else {
        &Trust::Nobody
    };
    tls::client(trust, b"http/1.1").map_err(|error| OpenError::of_tls(LIBRARY, error))
}

pub(super) fn encode(call: Call, request: &impl Serialize) -> Result<Vec<u8>, CallFault> {
    let text = spoutctl_proto::populated(request).map(|request| request.to_string().into_bytes());
    text.map_err(|e| error::refused(call, e.to_string()).into())
}

pub(super) fn decode<T: DeserializeOwned>(call: Call, answer: &[u8]) -> Result<T, CallFault> {
    serde_json::from_slice(answer).map_err(|e| error::unreadable(call, e.to_string()).into())
}

fn text_of(response: &Response, name: &HeaderName) -> Option<String> {
    let value = response.headers().get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Without a length and without chunks, an answer ends wherever the connection does.
fn has_an_end(response: &Response) -> bool {
    response.headers().contains_key(header::TRANSFER_ENCODING)
        || response.headers().contains_key(header::CONTENT_LENGTH)
}

/// What can be had of an error's body; a connection that breaks meanwhile takes nothing from what its head said.
async fn start_of_body(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    let reading = async {
        while let Ok(Some(piece)) = response.chunk().await {
            body.extend_from_slice(&piece);
            if body.len() >= ERROR_BODY_LIMIT {
                break;
            }
        }
    };
    // Over time or not, what has come is kept.
    let _ = timeout(ERROR_BODY_WAIT, reading).await;
    body.truncate(ERROR_BODY_LIMIT);
    body
}
