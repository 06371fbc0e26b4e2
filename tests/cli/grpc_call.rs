//! Raw calls in gRPC: bytes of messages to a path, and what comes of it.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// A connection to a server that speaks gRPC.
pub struct Connection {
    runtime: Runtime,
    sender: SendRequest<Full<Bytes>>,
}

/// What a call was answered.
#[derive(Debug)]
pub struct Reply {
    pub messages: Vec<Bytes>,
    /// `None` while the stream is open.
    pub status: Option<(i32, String)>,
}

impl Reply {
    #[track_caller]
    pub fn ok<M: Message + Default>(&self) -> Vec<M> {
        assert_eq!(self.status, Some((0, String::new())));
        self.messages
            .iter()
            .map(|message| M::decode(message.clone()).unwrap())
            .collect()
    }

    #[track_caller]
    pub fn one<M: Message + Default>(&self) -> M {
        let mut messages = self.ok();
        assert_eq!(messages.len(), 1);
        messages.remove(0)
    }
}

/// How long an answer may take that must come.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long nothing comes of what must stay silent.
const SILENCE: Duration = Duration::from_millis(100);

impl Connection {
    pub fn to(authority: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let sender = runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(authority).await.unwrap();
            let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .unwrap();
            tokio::spawn(connection);
            sender
        });
        Self { runtime, sender }
    }

    /// A call of one message.
    pub fn ask(&self, path: &str, message: &impl Message) -> Reply {
        self.call(path, &[], &[message.encode_to_vec()])
    }

    pub fn call(&self, path: &str, metadata: &[(String, String)], messages: &[Vec<u8>]) -> Reply {
        self.up_to(path, metadata, messages, None)
    }

    /// As far as so many messages, where the call would not end.
    pub fn up_to(
        &self,
        path: &str,
        metadata: &[(String, String)],
        messages: &[Vec<u8>],
        count: Option<usize>,
    ) -> Reply {
        let mut body = BytesMut::new();
        for message in messages {
            body.put_u8(0);
            body.put_u32(u32::try_from(message.len()).unwrap());
            body.put_slice(message);
        }
        let mut request = Request::post(format!("http://localhost/{}", path.trim_start_matches('/')))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in metadata {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body.freeze())).unwrap();
        let mut sender = self.sender.clone();
        self.runtime.block_on(async move {
            sender.ready().await.unwrap();
            let response = timeout(PATIENCE, sender.send_request(request)).await;
            read(response.expect("an answer").unwrap(), count).await
        })
    }
}

/// The code and the words; a refusal may come with the head, where there is no other (gRPC's "trailers only").
fn status(headers: &HeaderMap) -> Option<(i32, String)> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap());
    let code = text("grpc-status")?.parse().unwrap();
    let words = percent_encoding::percent_decode_str(text("grpc-message").unwrap_or_default());
    Some((code, words.decode_utf8().unwrap().into_owned()))
}

async fn read(response: Response<Incoming>, count: Option<usize>) -> Reply {
    let mut reply = Reply {
        messages: Vec::new(),
        status: status(response.headers()),
    };
    let mut body = response.into_body();
    let mut held = BytesMut::new();
    loop {
        let is_enough = count.is_some_and(|count| reply.messages.len() >= count);
        let patience = if is_enough { SILENCE } else { PATIENCE };
        let Ok(next) = timeout(patience, body.frame()).await else {
            assert!(is_enough, "nothing comes after {} messages", reply.messages.len());
            return reply;
        };
        let Some(frame) = next.map(Result::unwrap) else {
            return reply;
        };
        match frame.into_data() {
            Ok(data) => held.extend_from_slice(&data),
            Err(frame) => {
                let trailers = frame.into_trailers().unwrap_or_default();
                reply.status = status(&trailers);
            }
        }
        while held.len() >= 5 {
            let length = usize::try_from(u32::from_be_bytes(held[1..5].try_into().unwrap())).unwrap();
            if held.len() < 5 + length {
                break;
            }
            held.advance(5);
            reply.messages.push(held.split_to(length).freeze());
        }
    }
}
