//! One connection and the calls over it: the only user of the gRPC library.
//!
//! It knows no call by name and no server's words.

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::stream;
use prost::Message;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

/// Messages that may wait to be sent.
const WAITING: usize = 2;
/// The largest message that is read: pachd sends pieces of up to 20 MiB.
const LARGEST: usize = 32 << 20;

/// One of pachd's calls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Method {
    pub path: &'static str,
    /// Carrying it out twice, or once without our knowing, changes nothing that anybody sees.
    pub repeatable: bool,
}

impl Method {
    pub fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }
}

/// A call that did not succeed.
#[derive(Debug)]
pub(super) enum Failed {
    /// The server's answer.
    Said(Code, String),
    /// It may have been carried out.
    Lost(String),
    /// It never left.
    Unreached(String),
    /// This side could not read what it was to send. The call was broken off.
    Local(io::Error),
}

pub(super) struct Calls {
    runtime: Runtime,
    channel: Channel,
    token: Option<MetadataValue<Ascii>>,
    idle: Duration,
}

impl Calls {
    pub fn new(address: &str, token: Option<&str>) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(|error| error.to_string())?;
        let guard = runtime.enter();
        let channel = endpoint.connect_timeout(Duration::from_secs(10)).connect_lazy();
        drop(guard);
        let token = token
            .map(MetadataValue::try_from)
            .transpose()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            runtime,
            channel,
            token,
            idle: Duration::from_mins(1),
        })
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authn-token", token.clone());
        }
        request
    }

    /// One message, and one in answer.
    pub fn ask<Q, A>(&self, method: Method, message: Q, within: Duration) -> Result<A, Failed>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let request = self.request(message);
        self.runtime.block_on(async {
            let mut client = tonic::client::Grpc::new(self.channel.clone()).max_decoding_message_size(LARGEST);
            client.ready().await.map_err(unreached)?;
            let path = PathAndQuery::from_static(method.path);
            let call = client.unary(request, path, ProstCodec::<Q, A>::default());
            match timeout(within, call).await {
                Ok(answer) => answer.map(tonic::Response::into_inner).map_err(said),
                Err(_) => Err(Failed::Lost(format!("no answer within {} s", within.as_secs()))),
            }
        })
    }

    /// One message, and a stream in answer.
    pub fn open<Q, A>(&self, method: Method, message: Q) -> Result<Incoming<'_, A>, Failed>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let request = self.request(message);
        let messages = self.runtime.block_on(async {
            let mut client = tonic::client::Grpc::new(self.channel.clone()).max_decoding_message_size(LARGEST);
            client.ready().await.map_err(unreached)?;
            let path = PathAndQuery::from_static(method.path);
            let call = client.server_streaming(request, path, ProstCodec::<Q, A>::default());
            match timeout(self.idle, call).await {
                Ok(answer) => answer.map(tonic::Response::into_inner).map_err(said),
                Err(_) => Err(Failed::Lost("no answer".to_owned())),
            }
        })?;
        Ok(Incoming { calls: self, messages })
    }

    /// A stream of messages, and one in answer, for which `patience` is waited after the last one was taken. What `next`
    /// fails with breaks the call off.
    pub fn send<Q, A>(
        &self,
        method: Method,
        next: &mut dyn FnMut() -> io::Result<Option<Q>>,
        patience: Duration,
    ) -> Result<A, Failed>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let (sender, receiver) = mpsc::channel::<Q>(WAITING);
        let complete = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&complete);
        // A stream that just ends counts as whole: one that was broken off never ends.
        let messages = stream::unfold((receiver, ended), |(mut receiver, ended)| async move {
            match receiver.recv().await {
                Some(message) => Some((message, (receiver, ended))),
                None if ended.load(Ordering::Acquire) => None,
                None => std::future::pending().await,
            }
        });
        let request = self.request(messages);
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        let call = self.runtime.spawn(async move {
            client.ready().await.map_err(unreached)?;
            let path = PathAndQuery::from_static(method.path);
            let codec = ProstCodec::<Q, A>::default();
            client
                .client_streaming(request, path, codec)
                .await
                .map(tonic::Response::into_inner)
                .map_err(said)
        });
        let sent = self.feed(&sender, next);
        if let Err(failed) = sent {
            call.abort();
            return Err(failed);
        }
        complete.store(true, Ordering::Release);
        drop(sender);
        self.runtime.block_on(async {
            match timeout(patience, call).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(panicked)) => Err(Failed::Lost(panicked.to_string())),
                Err(_) => Err(Failed::Lost(format!("no answer within {} s", patience.as_secs()))),
            }
        })
    }

    fn feed<Q>(&self, sender: &mpsc::Sender<Q>, next: &mut dyn FnMut() -> io::Result<Option<Q>>) -> Result<(), Failed> {
        while let Some(message) = next().map_err(Failed::Local)? {
            match self
                .runtime
                .block_on(async { timeout(self.idle, sender.send(message)).await })
            {
                Ok(Ok(())) => {}
                // The call has ended already: its answer says why.
                Ok(Err(_)) => return Ok(()),
                Err(_) => return Err(Failed::Lost("the server takes nothing".to_owned())),
            }
        }
        Ok(())
    }
}

fn unreached(error: impl Display) -> Failed {
    Failed::Unreached(error.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "a function for `map_err`")]
fn said(status: Status) -> Failed {
    use std::error::Error;
    let Some(source) = status.source() else {
        return Failed::Said(status.code(), status.message().to_owned());
    };
    let mut text = source.to_string();
    let mut cause = source.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    if text.contains("tcp connect error") {
        Failed::Unreached(text)
    } else {
        Failed::Lost(text)
    }
}

/// A stream of messages.
pub(super) struct Incoming<'a, A> {
    calls: &'a Calls,
    messages: Streaming<A>,
}

impl<A> Incoming<'_, A> {
    /// The next message; `None` at the stream's end, which its status says.
    pub fn next(&mut self) -> Result<Option<A>, Failed> {
        let message = self.messages.message();
        match self
            .calls
            .runtime
            .block_on(async { timeout(self.calls.idle, message).await })
        {
            Ok(message) => message.map_err(said),
            Err(_) => Err(Failed::Lost("nothing came for too long".to_owned())),
        }
    }
}
