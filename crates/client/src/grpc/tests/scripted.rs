//! A server on loopback that plays recordings, and does wrong where it is told to.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::stream::{self, BoxStream, StreamExt};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::sync::Notify;
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response};

/// How a call is answered.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Messages, and then a code and words.
    GRpc {
        messages: Vec<Vec<u8>>,
        code: i32,
        words: String,
    },
    /// Messages, and then a clean end that says nothing.
    CutOff { messages: Vec<Vec<u8>> },
    /// Messages, and then the stream is reset.
    Reset { messages: Vec<Vec<u8>> },
    /// Something that is no gRPC.
    Http {
        status: u16,
        kind: &'static str,
        body: &'static str,
    },
    /// Nothing, for as long as anybody waits.
    Silence,
    /// Messages, and then nothing more.
    Stalls { messages: Vec<Vec<u8>> },
    /// Reads so many bytes of the request, and then neither reads nor says anything.
    StopsReading { after: usize },
    /// Says yes with this message after so many bytes of the request, and reads no more of it.
    Early { after: usize, message: Vec<u8> },
    /// Resets the stream after so many bytes of the request.
    ResetEarly { after: usize },
    /// The whole connection goes after so many bytes of the request.
    Vanish { after: usize },
    /// As `GRpc` with this one message and no error; and takes no further call on this connection.
    HangUp { message: Vec<u8> },
}

impl Answer {
    pub fn ok(messages: Vec<Vec<u8>>) -> Self {
        Self::GRpc {
            messages,
            code: 0,
            words: String::new(),
        }
    }

    pub fn refusal(code: i32, words: &str) -> Self {
        Self::GRpc {
            messages: Vec::new(),
            code,
            words: words.to_owned(),
        }
    }
}

/// A call that came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub path: String,
    pub messages: Vec<Vec<u8>>,
    /// The body came to its end, as opposed to being broken off.
    pub is_whole: bool,
    pub token: Option<String>,
}

/// How a connection is ended from within a call.
#[derive(Default)]
struct Disconnect {
    vanish: Notify,
    hang_up: Notify,
}

/// Answers calls in order, whatever they are.
pub struct Scripted {
    pub address: String,
    connections: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<Seen>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Scripted {
    pub fn start(answers: Vec<Answer>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let connections = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&connections);
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let script = Arc::new(Mutex::new(VecDeque::from(answers)));
        let log = Arc::clone(&seen);
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::Relaxed);
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                let disconnect = Arc::new(Disconnect::default());
                let told = Arc::clone(&disconnect);
                let service = service_fn(move |request| {
                    answer(Arc::clone(&script), Arc::clone(&log), Arc::clone(&told), request)
                });
                let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    // More than one stream may send unread, so that others go on beside one that is not read.
                    .initial_stream_window_size(1 << 20)
                    .initial_connection_window_size(4 << 20)
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move {
                    let mut serving = std::pin::pin!(serving);
                    loop {
                        tokio::select! {
                            _ = serving.as_mut() => return,
                            () = disconnect.vanish.notified() => return,
                            () = disconnect.hang_up.notified() => serving.as_mut().graceful_shutdown(),
                        }
                    }
                });
            }
        });
        Self {
            address,
            connections,
            seen,
            _runtime: runtime,
        }
    }

    /// How many connections came.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until so many calls have come to an end, whichever.
    pub fn wait_for(&self, calls: usize) -> Vec<Seen> {
        for _ in 0..500 {
            let seen = self.seen();
            if seen.len() >= calls {
                return seen;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{} of {calls} calls came", self.seen().len());
    }
}

type Body = StreamBody<BoxStream<'static, Result<Frame<Bytes>, String>>>;

async fn answer(
    script: Arc<Mutex<VecDeque<Answer>>>,
    log: Arc<Mutex<Vec<Seen>>>,
    disconnect: Arc<Disconnect>,
    request: Request<Incoming>,
) -> Result<Response<Body>, String> {
    let path = request.uri().path().to_owned();
    let token = request
        .headers()
        .get("authn-token")
        .map(|token| token.to_str().unwrap().to_owned());
    let mut body = request.into_body();
    let next = script.lock().unwrap().pop_front();
    let enough = match &next {
        Some(
            Answer::Early { after, .. }
            | Answer::StopsReading { after }
            | Answer::ResetEarly { after }
            | Answer::Vanish { after },
        ) => *after,
        _ => usize::MAX,
    };
    let (mut bytes, mut is_whole) = (Vec::new(), true);
    while bytes.len() < enough
        && let Some(frame) = body.frame().await
    {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => bytes.extend_from_slice(&data),
            Ok(Err(_)) => {}
            Err(_) => {
                is_whole = false;
                break;
            }
        }
    }
    log.lock().unwrap().push(Seen {
        path,
        messages: messages_in(&bytes),
        is_whole,
        token,
    });
    Ok(match next {
        Some(Answer::GRpc { messages, code, words }) => said(&messages, code, &words),
        Some(Answer::Early { message, .. }) => said(&[message], 0, ""),
        Some(Answer::HangUp { message }) => {
            disconnect.hang_up.notify_one();
            said(&[message], 0, "")
        }
        Some(Answer::ResetEarly { .. }) => return Err("reset".to_owned()),
        Some(Answer::Vanish { .. }) => {
            disconnect.vanish.notify_one();
            std::future::pending().await
        }
        Some(Answer::CutOff { messages }) => response("application/grpc", 200, frames(&messages)),
        Some(Answer::Reset { messages }) => {
            let mut frames = frames(&messages);
            frames.push(Err("reset".to_owned()));
            response("application/grpc", 200, frames)
        }
        Some(Answer::Http { status, kind, body }) => {
            response(kind, status, vec![Ok(Frame::data(Bytes::from_static(body.as_bytes())))])
        }
        Some(Answer::Stalls { messages }) => {
            let frames = stream::iter(frames(&messages)).chain(stream::pending());
            response_of("application/grpc", 200, frames.boxed())
        }
        Some(Answer::Silence | Answer::StopsReading { .. }) | None => std::future::pending().await,
    })
}

fn said(messages: &[Vec<u8>], code: i32, words: &str) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(code));
    trailers.insert(
        "grpc-message",
        HeaderValue::from_str(&words.replace('\n', "%0A")).unwrap(),
    );
    let mut frames = frames(messages);
    frames.push(Ok(Frame::trailers(trailers)));
    response("application/grpc", 200, frames)
}

fn response(kind: &'static str, status: u16, frames: Vec<Result<Frame<Bytes>, String>>) -> Response<Body> {
    response_of(kind, status, stream::iter(frames).boxed())
}

fn response_of(
    kind: &'static str,
    status: u16,
    frames: BoxStream<'static, Result<Frame<Bytes>, String>>,
) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("content-type", kind)
        .body(StreamBody::new(frames))
        .unwrap()
}

fn frames(messages: &[Vec<u8>]) -> Vec<Result<Frame<Bytes>, String>> {
    let framed = |message: &Vec<u8>| {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        Ok(Frame::data([&[0][..], &length, message].concat().into()))
    };
    messages.iter().map(framed).collect()
}

/// Without one that was cut off.
fn messages_in(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while bytes.len() >= 5 {
        bytes.advance(1);
        let length = bytes.get_u32() as usize;
        if bytes.len() < length {
            break;
        }
        messages.push(bytes[..length].to_vec());
        bytes.advance(length);
    }
    messages
}

/// One recorded call.
pub struct Recording {
    pub path: String,
    pub requests: Vec<Vec<u8>>,
    pub answer: Answer,
}

pub fn recording(series: &str, number: &str) -> Recording {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/wire")
        .join(series);
    let file = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap())
        .find(|file| file.file_name().to_str().unwrap().starts_with(number));
    let recording: Value = serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap();
    let messages = |side: &str| -> Vec<Vec<u8>> {
        let messages = recording[side].as_array().unwrap().iter();
        messages
            .map(|message| from_hex(message["hex"].as_str().unwrap()))
            .collect()
    };
    let code = match recording["status"]["code"].as_str().unwrap() {
        "OK" => 0,
        "UNKNOWN" => 2,
        "NOT_FOUND" => 5,
        "ALREADY_EXISTS" => 6,
        "UNIMPLEMENTED" => 12,
        other => panic!("{other}"),
    };
    Recording {
        path: recording["method"].as_str().unwrap().to_owned(),
        requests: messages("requests"),
        answer: Answer::GRpc {
            messages: messages("responses"),
            code,
            words: recording["status"]["message"].as_str().unwrap().to_owned(),
        },
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}
