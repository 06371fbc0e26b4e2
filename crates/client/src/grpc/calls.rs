//! One connection and the calls over it: the only user of the gRPC library.
//!
//! It knows no call by its meaning and no server's words. What failed before a call left, what may have been carried
//! out and what was answered are told apart here, because what happens next depends on it.
//!
//! **A stream without its last words is none**: a proxy that cuts an answer between two messages may end it in good
//! order, but without a `grpc-status`. That is looked for after every answer, whatever the library makes of it.
//!
//! **A request that just ends counts as whole**: what was uploaded so far is then taken for everything. An upload that
//! is broken off on this side therefore ends in an error of its body, for which the stream is reset. An answer that
//! comes before that end is none either, whatever it says: it cannot be about everything.
//!
//! **A connection that is silent for too long is not used again**: what is behind it may be gone without a word (a load
//! balancer, a NAT), and every call that is made again would wait for nothing.
//!
//! No pings: a server that does not expect them hangs up on whoever sends some (a Go server without a policy of its own
//! does after two within five minutes). TCP's keep-alive finds a dead neighbour, and no stream is silent for longer
//! than [`Times::idle`]. **Memory**: [`WAITING`] batches that wait to be sent and one that is made, each of [`BATCH`]
//! and at most a message more; the 4 MiB that a server may send before it has to wait; one message of up to
//! [`LARGEST`].

mod connecting;

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::stream::{self, Stream};
use prost::Message;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use self::connecting::{Line, Stranger, Unreached, Wire};
use super::{Address, GrpcOptions};
use crate::connection::engine::Engine;
use crate::connection::tls;
use crate::connection::token::InvalidToken;
use crate::observing::{CallEnd, Observed};
use crate::options::OpenError;
use crate::pachd::{Call, TRANSACTION_HEADER};
use crate::transport::{Arrival, Times, seconds};
use spoutctl_core::pfs::TransactionId;

/// Batches of messages that may wait to be sent.
const WAITING: usize = 2;
/// Bytes that are handed over to the connection at once, about: many small files share one hand-over.
const BATCH: usize = 64 << 10;
/// The largest message that is read: a default deployment sends pieces of up to 20 MiB.
const LARGEST: usize = 32 << 20;

/// A call that did not succeed.
#[derive(Debug)]
pub(super) enum Failed {
    /// The server's answer: a code and words.
    Said(Code, String),
    /// An answer that is no gRPC: its HTTP status, and what it looks like.
    Stranger(u16, String),
    /// It may have been carried out.
    Lost(String),
    /// It never left.
    Unreached(String),
    /// It never left, and trying again will not help: no secure connection, or no gRPC.
    Insecure(String),
    /// This side could not read what it was to send. The call was broken off.
    Local(io::Error),
}

impl Failed {
    /// In the words that came.
    fn words(&self) -> String {
        match self {
            Self::Said(code, text) => format!("{code:?}: {text}"),
            Self::Stranger(status, looks) => format!("HTTP {status}: {looks}"),
            Self::Lost(text) | Self::Unreached(text) | Self::Insecure(text) => text.clone(),
            Self::Local(error) => error.to_string(),
        }
    }
}

fn streams<T>(opened: &Result<T, Failed>) -> CallEnd {
    CallEnd::of(opened, CallEnd::Streams, Failed::words)
}

/// gRPC to one address.
#[derive(Debug)]
pub struct Calls {
    // Before `engine`, so that it goes first.
    line: Line,
    engine: Engine,
    address: Address,
    token: Option<MetadataValue<Ascii>>,
    pub(super) times: Times,
    /// A server has spoken gRPC: later garbage is a broken connection, not the wrong port.
    spoke: Arc<AtomicBool>,
    observed: Observed,
}

type Client = tonic::client::Grpc<Wire>;

impl Calls {
    pub(super) fn new(options: GrpcOptions) -> Result<Self, OpenError> {
        let engine = Engine::start("grpc").map_err(|error| OpenError::Setup {
            library: NAME,
            why: error.to_string(),
        })?;
        let line = engine.within(|| Line::new(&options))?;
        let token = options.token.as_ref();
        let token = token
            .map(|token| {
                let mut value =
                    MetadataValue::try_from(token.reveal()).map_err(|_| OpenError::from(InvalidToken::NO_HEADER))?;
                value.set_sensitive(true);
                Ok::<_, OpenError>(value)
            })
            .transpose()?;
        Ok(Self {
            line,
            engine,
            address: options.address,
            token,
            times: options.times,
            spoke: Arc::default(),
            observed: Observed(options.observer),
        })
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    fn client(&self) -> Client {
        Client::new(self.line.wire()).max_decoding_message_size(LARGEST)
    }

    /// What was waited for did not come: the next call gets a connection of its own.
    fn renew(&self) {
        self.engine.within(|| self.line.renew());
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authn-token", token.clone());
        }
        request
    }

    /// One message, and one in answer; `None` when `within` is over.
    pub(super) fn ask<Q, A>(&self, call: Call, message: Q, within: Duration) -> Result<Option<A>, Failed>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        self.exchange_observed(call, self.request(message), within)
    }

    /// As [`Self::ask`]: the call becomes part of the transaction.
    pub(super) fn ask_in<Q, A>(
        &self,
        id: &TransactionId,
        call: Call,
        message: Q,
        within: Duration,
    ) -> Result<Option<A>, Failed>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut request = self.request(message);
        let value = MetadataValue::try_from(id.0.as_str());
        let value = value.map_err(|_| Failed::Insecure("the transaction's id cannot be sent".to_owned()))?;
        request.metadata_mut().insert(TRANSACTION_HEADER, value);
        self.exchange_observed(call, request, within)
    }

    fn exchange_observed<Q, A>(&self, call: Call, request: Request<Q>, within: Duration) -> Result<Option<A>, Failed>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let make = || self.exchange(call, request, within);
        self.observed.call(call, make, |answer| match answer {
            Ok(None) => CallEnd::NoAnswer,
            answer => CallEnd::of(answer, CallEnd::Answered, Failed::words),
        })
    }

    fn exchange<Q, A>(&self, call: Call, request: Request<Q>, within: Duration) -> Result<Option<A>, Failed>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let path = path_of(call)?;
        let exchange = async {
            let mut client = self.client();
            client
                .ready()
                .await
                .map_err(|error| self.failed_to_send(error.as_ref()))?;
            let answer = client.unary(request, path, ProstCodec::<Q, A>::default()).await;
            self.whole(answer)
        };
        if let Ok(answer) = self.engine.block_on(async { timeout(within, exchange).await }) {
            return answer.map(Some);
        }
        self.renew();
        Ok(None)
    }

    /// One message, and a stream in answer.
    pub(super) fn open<Q, A>(&self, call: Call, message: Q) -> Result<Incoming<'_, A>, Failed>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        self.observed.call(call, || self.open_now(call, message), streams)
    }

    fn open_now<Q, A>(&self, call: Call, message: Q) -> Result<Incoming<'_, A>, Failed>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let request = self.request(message);
        let path = path_of(call)?;
        let opening = async {
            let mut client = self.client();
            client
                .ready()
                .await
                .map_err(|error| self.failed_to_send(error.as_ref()))?;
            let answer = client.server_streaming(request, path, ProstCodec::<Q, A>::default());
            answer.await.map_err(|status| self.failed(&status))
        };
        let Ok(answer) = self.engine.block_on(async { timeout(self.times.call, opening).await }) else {
            self.renew();
            return Err(Failed::Lost(no_answer(self.times.call)));
        };
        let answer = answer?;
        self.spoke.store(true, Ordering::Relaxed);
        Ok(Incoming {
            calls: self,
            // An empty stream may say how it ended at its beginning.
            is_over: has_ended(answer.metadata()),
            messages: answer.into_inner(),
        })
    }

    /// One message, and a stream in answer that may stay silent, from its very beginning, for as long as it likes.
    pub(super) fn listen<Q, A>(&self, call: Call, message: Q) -> Result<Listening<'_, A>, Failed>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let request = self.request(message);
        let subscribed = |path: &Result<_, Failed>| CallEnd::of(path, CallEnd::Subscribed, Failed::words);
        let path = self.observed.call(call, || path_of(call), subscribed)?;
        let mut client = self.client();
        let opening = self.engine.spawn(async move {
            client.ready().await.map_err(Unready)?;
            let answer = client.server_streaming(request, path, ProstCodec::<Q, A>::default());
            answer.await.map_err(|status| Sent::Status(Box::new(status)))
        });
        Ok(Listening {
            calls: self,
            opening: Some(opening),
            incoming: None,
        })
    }

    /// A stream of messages, and one in answer, for which `answer_limit` is waited after the last one was taken. What
    /// `next` fails with breaks the call off.
    pub(super) fn send<Q, A>(
        &self,
        call: Call,
        next: &mut dyn FnMut() -> io::Result<Option<Q>>,
        answer_limit: &dyn Fn() -> Duration,
    ) -> Result<A, Failed>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let end = |answer: &Result<A, Failed>| CallEnd::of(answer, CallEnd::Answered, Failed::words);
        self.observed
            .call(call, || self.send_now(call, next, answer_limit), end)
    }

    fn send_now<Q, A>(
        &self,
        call: Call,
        next: &mut dyn FnMut() -> io::Result<Option<Q>>,
        answer_limit: &dyn Fn() -> Duration,
    ) -> Result<A, Failed>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let path = path_of(call)?;
        let (sender, receiver) = mpsc::channel::<Vec<Q>>(WAITING);
        // Dropped, it breaks the body off.
        let (alive, broken_off) = oneshot::channel();
        let (wire, progress) = self.line.uploading(broken_off);
        let request = self.request(messages_of(receiver));
        let mut client = Client::new(wire).max_decoding_message_size(LARGEST);
        let mut answer = self.engine.spawn(async move {
            client.ready().await.map_err(Unready)?;
            let codec = ProstCodec::<Q, A>::default();
            let answer = client.client_streaming(request, path, codec).await;
            answer.map_err(|status| Sent::Status(Box::new(status)))
        });
        match self.feed(&sender, &answer, next) {
            Fed::Everything => drop(sender),
            // The call has ended already: its answer says why.
            Fed::TakenNoMore => {}
            Fed::Failed(failed) => {
                drop(alive);
                // What was sent must be seen to be broken off, before the connection is used for anything else.
                let _ = self
                    .engine
                    .block_on(async { timeout(self.times.connect, &mut answer).await });
                answer.abort();
                return Err(failed);
            }
        }
        let answer_limit = answer_limit();
        let Ok(result) = self.engine.block_on(async { timeout(answer_limit, &mut answer).await }) else {
            drop(alive);
            answer.abort();
            self.renew();
            return Err(Failed::Lost(no_answer(answer_limit)));
        };
        let answer = match result {
            Ok(Ok(answer)) => self.whole(Ok(answer)),
            Ok(Err(Sent::Status(status))) => Err(self.failed(&status)),
            Ok(Err(Sent::Unready(error))) => Err(self.failed_to_send(error.as_ref())),
            Err(panicked) => Err(Failed::Lost(panicked.to_string())),
        }?;
        if progress.has_ended() {
            Ok(answer)
        } else {
            Err(Failed::Lost("an answer came before everything was sent".to_owned()))
        }
    }

    fn feed<Q: Message, T>(
        &self,
        sender: &mpsc::Sender<Vec<Q>>,
        answer: &JoinHandle<T>,
        next: &mut dyn FnMut() -> io::Result<Option<Q>>,
    ) -> Fed {
        loop {
            if answer.is_finished() {
                return Fed::TakenNoMore;
            }
            let (batch, is_last) = match batch_of(next) {
                Ok(batch) => batch,
                Err(error) => return Fed::Failed(Failed::Local(error)),
            };
            let sent = self
                .engine
                .block_on(async { timeout(self.times.idle, sender.send(batch)).await });
            match sent {
                Ok(Ok(())) if is_last => return Fed::Everything,
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Fed::TakenNoMore,
                Err(_) => {
                    self.renew();
                    let text = format!("the server takes nothing for {}", seconds(self.times.idle));
                    return Fed::Failed(Failed::Lost(text));
                }
            }
        }
    }

    /// An answer, if it came to its end.
    fn whole<A>(&self, answer: Result<Response<A>, Status>) -> Result<A, Failed> {
        let answer = answer.map_err(|status| self.failed(&status))?;
        self.spoke.store(true, Ordering::Relaxed);
        if has_ended(answer.metadata()) {
            Ok(answer.into_inner())
        } else {
            Err(Failed::Lost(CUT.to_owned()))
        }
    }

    fn failed_to_send(&self, error: &(dyn Error + 'static)) -> Failed {
        self.sort(error)
            .unwrap_or_else(|| Failed::Unreached(format!("cannot reach {}: {}", self.address, innermost(error))))
    }

    fn failed(&self, status: &Status) -> Failed {
        // Without a cause it is the server's own word, or the library's.
        let Some(cause) = status.source() else {
            self.spoke.store(true, Ordering::Relaxed);
            if LIBRARY.iter().any(|words| status.message().starts_with(words)) {
                return Failed::Lost(status.message().to_owned());
            }
            return Failed::Said(status.code(), status.message().to_owned());
        };
        self.sort(cause).unwrap_or_else(|| {
            let spoke = self.spoke.load(Ordering::Relaxed);
            if !spoke && NO_HTTP_2.iter().any(|words| innermost(cause).contains(words)) {
                return Failed::Insecure(format!("what answers at {} does not speak gRPC; {HINT}", self.address));
            }
            let mut text = format!(
                "the connection to {} broke before the answer was complete: {}",
                self.address,
                innermost(cause)
            );
            if !self.address.is_tls() && !spoke {
                text.push_str("; ");
                text.push_str(HINT);
            }
            Failed::Lost(text)
        })
    }

    /// What failed, if one of our own errors or TLS is among the causes.
    fn sort(&self, error: &(dyn Error + 'static)) -> Option<Failed> {
        if let Some(tls) = tls::error_in(error) {
            return Some(Failed::Insecure(tls::explained(&self.address.to_string(), tls)));
        }
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(Stranger { status, looks }) = error.downcast_ref() {
                return Some(Failed::Stranger(*status, looks.clone()));
            }
            if let Some(unreached) = error.downcast_ref::<Unreached>() {
                return Some(Failed::Unreached(format!("cannot reach {}: {unreached}", self.address)));
            }
            next = error.source();
        }
        None
    }
}

/// Messages until there is no more or they are a batch, and whether there is no more.
fn batch_of<Q: Message>(next: &mut dyn FnMut() -> io::Result<Option<Q>>) -> io::Result<(Vec<Q>, bool)> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    while bytes < BATCH {
        let Some(message) = next()? else {
            return Ok((batch, true));
        };
        bytes += message.encoded_len();
        batch.push(message);
    }
    Ok((batch, false))
}

/// Batches as the messages that they hold.
fn messages_of<Q: Send + 'static>(batches: mpsc::Receiver<Vec<Q>>) -> impl Stream<Item = Q> + Send + 'static {
    let start = (batches, Vec::new().into_iter());
    stream::unfold(start, |(mut batches, mut batch)| async move {
        loop {
            if let Some(message) = batch.next() {
                return Some((message, (batches, batch)));
            }
            batch = batches.recv().await?.into_iter();
        }
    })
}

/// How the sending of a stream ended.
enum Fed {
    Everything,
    TakenNoMore,
    Failed(Failed),
}

/// Why a stream was not sent.
enum Sent {
    Status(Box<Status>),
    Unready(Box<dyn Error + Send + Sync>),
}

use Sent::Unready;

impl From<Box<dyn Error + Send + Sync>> for Sent {
    fn from(error: Box<dyn Error + Send + Sync>) -> Self {
        Unready(error)
    }
}

pub(super) const NAME: &str = "gRPC";

/// What the library itself says of an answer that it cannot read, or that has no end.
const LIBRARY: [&str; 4] = [
    "protocol error:",
    "Missing response message",
    "Error, decoded message length too large",
    "failed to decode Protobuf message",
];

/// What the HTTP library says of an answer that is no HTTP/2 at all: HTTP/1.1, or an alert of TLS.
const NO_HTTP_2: [&str; 2] = ["frame with invalid size", "unspecific protocol error"];

const HINT: &str = "if the port expects TLS, the address starts with grpcs://, and with http:// if it is the gateway";

const CUT: &str = "the answer was cut off: it says nothing of how it ended";

/// Whether the last words of an answer are there.
fn has_ended(metadata: &MetadataMap) -> bool {
    metadata.contains_key("grpc-status")
}

fn path_of(call: Call) -> Result<PathAndQuery, Failed> {
    PathAndQuery::try_from(format!("/{}/{}", call.service, call.name))
        .map_err(|error| Failed::Said(Code::Unimplemented, error.to_string()))
}

fn no_answer(limit: Duration) -> String {
    format!("no answer within {}", seconds(limit))
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// A stream of messages that may be silent.
pub(super) struct Listening<'a, A> {
    calls: &'a Calls,
    /// Until the server has answered at all.
    opening: Option<JoinHandle<Result<Response<Streaming<A>>, Sent>>>,
    incoming: Option<Incoming<'a, A>>,
}

impl<A> Listening<'_, A> {
    /// What comes within `limit`.
    pub fn next(&mut self, limit: Duration) -> Result<Arrival<A>, Failed> {
        if let Some(incoming) = &mut self.incoming {
            return incoming.next_within(limit);
        }
        let Some(opening) = &mut self.opening else {
            return Ok(Arrival::End);
        };
        let calls = self.calls;
        let opened = calls.engine.block_on(async { timeout(limit, opening).await });
        let Ok(opened) = opened else {
            return Ok(Arrival::Silence);
        };
        self.opening = None;
        let answer = match opened {
            Ok(Ok(answer)) => answer,
            Ok(Err(Sent::Status(status))) => return Err(calls.failed(&status)),
            Ok(Err(Sent::Unready(error))) => return Err(calls.failed_to_send(error.as_ref())),
            Err(panicked) => return Err(Failed::Lost(panicked.to_string())),
        };
        let incoming = self.incoming.insert(Incoming {
            calls,
            is_over: has_ended(answer.metadata()),
            messages: answer.into_inner(),
        });
        incoming.next_within(limit)
    }
}

impl<A> Drop for Listening<'_, A> {
    fn drop(&mut self) {
        if let Some(opening) = &self.opening {
            opening.abort();
        }
    }
}

/// A stream of messages.
pub(super) struct Incoming<'a, A> {
    calls: &'a Calls,
    messages: Streaming<A>,
    is_over: bool,
}

impl<A> Incoming<'_, A> {
    /// The next message; `None` at the stream's end, which its last words say. A silence that is too long is a fault.
    pub fn next(&mut self) -> Result<Option<A>, Failed> {
        let limit = self.calls.times.idle;
        match self.next_within(limit)? {
            Arrival::Message(message) => Ok(Some(message)),
            Arrival::End => Ok(None),
            Arrival::Silence => {
                self.calls.renew();
                Err(Failed::Lost(format!("the stream was silent for {}", seconds(limit))))
            }
        }
    }

    /// As [`Self::next`], but a silence for so long is none: it may be asked again then.
    pub fn next_within(&mut self, limit: Duration) -> Result<Arrival<A>, Failed> {
        let messages = &mut self.messages;
        let message = self
            .calls
            .engine
            .block_on(async { timeout(limit, messages.message()).await });
        match message {
            Err(_) => Ok(Arrival::Silence),
            Ok(Ok(Some(message))) => Ok(Arrival::Message(message)),
            Ok(Ok(None)) => self.end().map(|()| Arrival::End),
            Ok(Err(status)) => Err(self.calls.failed(&status)),
        }
    }

    fn end(&mut self) -> Result<(), Failed> {
        if self.is_over {
            return Ok(());
        }
        let messages = &mut self.messages;
        let limit = self.calls.times.idle;
        let trailers = self
            .calls
            .engine
            .block_on(async { timeout(limit, messages.trailers()).await });
        match trailers {
            Ok(Ok(Some(trailers))) if has_ended(&trailers) => {
                self.is_over = true;
                Ok(())
            }
            Ok(Err(status)) => Err(self.calls.failed(&status)),
            Ok(Ok(_)) | Err(_) => Err(Failed::Lost(CUT.to_owned())),
        }
    }
}
