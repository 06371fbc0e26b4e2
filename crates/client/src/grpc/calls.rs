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
//! balancer, a NAT), and every call that is made again would wait for nothing. It is kept only where a call of one
//! answer has none in its time and others have had theirs meanwhile: then it is that call that takes long. Of a stream
//! or an upload that does not move their answers say nothing.
//!
//! No pings: a server that does not expect them hangs up on whoever sends some (a Go server without a policy of its own
//! does after two within five minutes). TCP's keep-alive finds a dead neighbour, and no stream is silent for longer
//! than [`Times::idle`]. **Memory**: [`WAITING`] batches that wait to be sent and one that is made, each of [`BATCH`]
//! and at most a message more; the 4 MiB that a server may send before it has to wait; one message of up to
//! [`link::LARGEST`].

mod connecting;
mod incoming;
mod link;

use std::io;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use prost::Message;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Code, Request};
use tonic_prost::ProstCodec;

use self::connecting::Heard;
pub(super) use self::incoming::{Incoming, Listening};
pub(super) use self::link::Failed;
use self::link::{Link, Sent, has_ended};
use super::address::Address;
use crate::connection::token::InvalidToken;
use crate::error::OpenError;
use crate::observing::{CallEnd, Observed};
use crate::options::GrpcOptions;
use crate::pachd::{Call, TRANSACTION_HEADER};
use crate::transport::{ListTime, Times, seconds};
use spoutctl_core::pfs::TransactionId;

/// Batches of messages that may wait to be sent.
const WAITING: usize = 2;
/// Bytes that are handed over to the connection at once, about: many small files share one hand-over.
const BATCH: usize = 64 << 10;

fn streams<T>(opened: &Result<T, Failed>) -> CallEnd {
    CallEnd::of(opened, CallEnd::Streams, Failed::words)
}

/// gRPC to one address.
#[derive(Debug)]
pub struct Calls {
    link: Link,
    token: Option<MetadataValue<Ascii>>,
    observed: Observed,
}

impl Calls {
    pub(super) fn new(options: GrpcOptions) -> Result<Self, OpenError> {
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
            token,
            observed: Observed(options.observer.clone()),
            link: Link::new(options)?,
        })
    }

    pub(super) fn address(&self) -> &Address {
        &self.link.address
    }

    pub(super) fn times(&self) -> Times {
        self.link.times
    }

    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
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
        let heard = self.link.heard();
        let exchange = async {
            let mut client = self.link.client();
            client
                .ready()
                .await
                .map_err(|error| self.link.failed_to_send(error.as_ref()))?;
            let answer = client.unary(request, path, ProstCodec::<Q, A>::default()).await;
            self.link.whole(answer)
        };
        if let Ok(answer) = self.link.engine.block_on(async { timeout(within, exchange).await }) {
            if answer.is_ok() {
                heard.answered();
            }
            return answer.map(Some);
        }
        self.link.doubt(&heard);
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

    /// As [`Self::open`]: a list, for which there is a time.
    pub(super) fn list<Q, A>(&self, call: Call, message: Q) -> Result<Incoming<'_, A>, Failed>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        Ok(Incoming {
            list_time: Some(ListTime::of(self.times())),
            ..self.open(call, message)?
        })
    }

    fn open_now<Q, A>(&self, call: Call, message: Q) -> Result<Incoming<'_, A>, Failed>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let request = self.request(message);
        let path = path_of(call)?;
        let heard = self.link.heard();
        let opening = async {
            let mut client = self.link.client();
            client
                .ready()
                .await
                .map_err(|error| self.link.failed_to_send(error.as_ref()))?;
            let answer = client.server_streaming(request, path, ProstCodec::<Q, A>::default());
            answer.await.map_err(|status| self.link.failed(&status))
        };
        let Ok(answer) = self
            .link
            .engine
            .block_on(async { timeout(self.link.times.call, opening).await })
        else {
            self.link.give_up(&heard);
            return Err(Failed::Lost(no_answer(self.link.times.call)));
        };
        let answer = answer?;
        self.link.has_spoken();
        Ok(Incoming {
            link: &self.link,
            heard,
            // An empty stream may say how it ended at its beginning.
            is_over: has_ended(answer.metadata()),
            messages: answer.into_inner(),
            list_time: None,
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
        let heard = self.link.heard();
        let mut client = self.link.client();
        let opening = self.link.engine.spawn(async move {
            client.ready().await.map_err(Sent::Unready)?;
            let answer = client.server_streaming(request, path, ProstCodec::<Q, A>::default());
            answer.await.map_err(|status| Sent::Status(Box::new(status)))
        });
        Ok(Listening {
            link: &self.link,
            heard,
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
        let heard = self.link.heard();
        let (mut client, progress) = self.link.uploading(broken_off);
        let request = self.request(messages_of(receiver));
        let mut answer = self.link.engine.spawn(async move {
            client.ready().await.map_err(Sent::Unready)?;
            let codec = ProstCodec::<Q, A>::default();
            let answer = client.client_streaming(request, path, codec).await;
            answer.map_err(|status| Sent::Status(Box::new(status)))
        });
        match self.feed(&heard, &sender, &answer, next) {
            Fed::Everything => drop(sender),
            // The call has ended already: its answer says why.
            Fed::TakenNoMore => {}
            Fed::Failed(failed) => {
                drop(alive);
                // What was sent must be seen to be broken off, before the connection is used for anything else.
                let _ = self
                    .link
                    .engine
                    .block_on(async { timeout(self.link.times.connect, &mut answer).await });
                answer.abort();
                return Err(failed);
            }
        }
        let answer_limit = answer_limit();
        let Ok(result) = self
            .link
            .engine
            .block_on(async { timeout(answer_limit, &mut answer).await })
        else {
            drop(alive);
            answer.abort();
            self.link.give_up(&heard);
            return Err(Failed::Lost(no_answer(answer_limit)));
        };
        let answer = match result {
            Ok(Ok(answer)) => self.link.whole(Ok(answer)),
            Ok(Err(Sent::Status(status))) => Err(self.link.failed(&status)),
            Ok(Err(Sent::Unready(error))) => Err(self.link.failed_to_send(error.as_ref())),
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
        heard: &Heard,
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
                .link
                .engine
                .block_on(async { timeout(self.link.times.idle, sender.send(batch)).await });
            match sent {
                Ok(Ok(())) if is_last => return Fed::Everything,
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Fed::TakenNoMore,
                Err(_) => {
                    self.link.give_up(heard);
                    let text = format!("the server takes nothing for {}", seconds(self.link.times.idle));
                    return Fed::Failed(Failed::Lost(text));
                }
            }
        }
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

fn path_of(call: Call) -> Result<PathAndQuery, Failed> {
    PathAndQuery::try_from(format!("/{}/{}", call.service, call.name))
        .map_err(|error| Failed::Said(Code::Unimplemented, error.to_string()))
}

fn no_answer(limit: Duration) -> String {
    format!("no answer within {}", seconds(limit))
}
