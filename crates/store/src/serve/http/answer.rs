//! What is sent back: pachd's errors as the gateway writes them, and bodies that are made while they are sent.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;
use tokio::sync::mpsc;

use super::log::Entry;
use crate::serve::{Call, Code, Status};

/// Pieces of an answer between the thread that makes them and the connection.
pub(super) const PIECES: usize = 2;

/// What the thread that carries out a call sends to the connection. A channel that closes before `End` means that the
/// thread has died.
pub(super) enum Piece {
    Data(Bytes),
    Failed(Status),
    /// There was no request to carry out.
    Unread(Status),
    End,
}

/// The body of an answer. While it lives, its call is wanted.
pub(super) struct Answer {
    content: Content,
    entry: Arc<Entry>,
    _wanted: Option<Wanted>,
}

enum Content {
    Whole(Option<Bytes>),
    /// gRPC's messages, each with its length before it, and then how the call has ended.
    Messages {
        rest: mpsc::Receiver<Piece>,
        is_over: bool,
    },
    Pieces {
        first: Option<Bytes>,
        rest: mpsc::Receiver<Piece>,
        /// Whether an error in the middle can be said in a line, as in a stream of messages; else the answer breaks.
        says_errors: bool,
        size: Option<u64>,
    },
}

/// Ends its call when the answer is sent, or when nobody waits for it any more.
pub(super) struct Wanted(pub Call);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.end();
    }
}

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
pub(super) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// An answer that is known as a whole.
pub(super) fn whole(
    entry: Arc<Entry>,
    status: StatusCode,
    kind: HeaderValue,
    text: impl Into<Bytes>,
) -> Response<Answer> {
    entry.status(status.as_u16());
    let content = Content::Whole(Some(text.into()));
    respond(entry, status, kind, content, None)
}

/// An answer that is made while it is sent.
pub(super) fn pieces(
    entry: Arc<Entry>,
    kind: HeaderValue,
    first: Option<Bytes>,
    rest: mpsc::Receiver<Piece>,
    wanted: Wanted,
) -> Response<Answer> {
    entry.status(StatusCode::OK.as_u16());
    let content = Content::Pieces {
        first,
        rest,
        says_errors: true,
        size: None,
    };
    respond(entry, StatusCode::OK, kind, content, Some(wanted))
}

/// An answer in gRPC: its end is said after its messages, also when there are none.
pub(super) fn messages(entry: Arc<Entry>, rest: mpsc::Receiver<Piece>, wanted: Option<Wanted>) -> Response<Answer> {
    entry.status(StatusCode::OK.as_u16());
    let content = Content::Messages { rest, is_over: false };
    respond(entry, StatusCode::OK, GRPC, content, wanted)
}

/// A call in gRPC that is not carried out.
pub(super) fn refused(entry: Arc<Entry>, status: Status) -> Response<Answer> {
    let (sender, rest) = mpsc::channel(1);
    // There is room for one.
    let _ = sender.try_send(Piece::Failed(status));
    messages(entry, rest, None)
}

/// A file's bytes, whose number is known: when they do not all come, the connection breaks.
pub(super) fn bytes_of(
    entry: Arc<Entry>,
    status: StatusCode,
    kind: HeaderValue,
    size: u64,
    rest: mpsc::Receiver<Piece>,
    wanted: Wanted,
) -> Response<Answer> {
    entry.status(status.as_u16());
    let content = Content::Pieces {
        first: None,
        rest,
        says_errors: false,
        size: Some(size),
    };
    respond(entry, status, kind, content, Some(wanted))
}

/// An error of a call with one answer.
pub(super) fn failed(entry: Arc<Entry>, status: &Status) -> Response<Answer> {
    entry.failed(&status.message);
    let text = serde_json::to_vec(&ErrorBody::of(status)).unwrap_or_default();
    whole(entry, http_status(status.code), JSON, text)
}

/// An error of a call with many answers, before the first of them (recording http 087).
pub(super) fn failed_stream(entry: Arc<Entry>, status: &Status) -> Response<Answer> {
    entry.failed(&status.message);
    whole(entry, http_status(status.code), JSON, error_line(status))
}

fn respond(
    entry: Arc<Entry>,
    status: StatusCode,
    kind: HeaderValue,
    content: Content,
    wanted: Option<Wanted>,
) -> Response<Answer> {
    let mut response = Response::new(Answer {
        content,
        entry,
        _wanted: wanted,
    });
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    // No page of another site may show or run what is stored here.
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: i32,
    message: &'a str,
    details: [(); 0],
}

impl<'a> ErrorBody<'a> {
    fn of(status: &'a Status) -> Self {
        Self {
            code: status.code.number(),
            message: &status.message,
            details: [],
        }
    }
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    error: ErrorBody<'a>,
}

fn error_line(status: &Status) -> Bytes {
    let error = ErrorBody::of(status);
    let mut line = serde_json::to_vec(&ErrorLine { error }).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

/// As the gateway translates gRPC's codes.
pub(super) fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
        Code::Unknown | Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Code::InvalidArgument | Code::FailedPrecondition => StatusCode::BAD_REQUEST,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
    }
}

/// A message with its length before it, not compressed.
fn framed(message: &Bytes) -> Bytes {
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.extend_from_slice(message);
    framed.freeze()
}

/// How a call in gRPC has ended.
fn last_words(status: Option<&Status>) -> HeaderMap {
    /// What stands for itself in `grpc-message`; everything else is percent-encoded.
    const PLAIN: &AsciiSet = &CONTROLS.add(b'%');
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", status.map_or(0, |status| status.code.number()).into());
    if let Some(status) = status {
        let text = utf8_percent_encode(&status.message, PLAIN).to_string();
        if let Ok(text) = text.parse() {
            trailers.insert("grpc-message", text);
        }
    }
    trailers
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        let data = match &mut this.content {
            Content::Whole(text) => text.take().filter(|text| !text.is_empty()),
            Content::Messages { is_over: true, .. } => None,
            Content::Messages { rest, is_over } => {
                let status = match std::task::ready!(rest.poll_recv(context)) {
                    Some(Piece::Data(message)) => {
                        this.entry.sent(message.len());
                        return Poll::Ready(Some(Ok(Frame::data(framed(&message)))));
                    }
                    Some(Piece::End) => None,
                    Some(Piece::Failed(status) | Piece::Unread(status)) => Some(status),
                    None => Some(Status::new(
                        Code::Internal,
                        "the call has died: this is a fault of spoutctl",
                    )),
                };
                *is_over = true;
                if let Some(status) = &status {
                    this.entry.failed(&status.message);
                }
                return Poll::Ready(Some(Ok(Frame::trailers(last_words(status.as_ref())))));
            }
            Content::Pieces {
                first,
                rest,
                says_errors,
                ..
            } => match first.take() {
                Some(first) => Some(first),
                None => match std::task::ready!(rest.poll_recv(context)) {
                    Some(Piece::Data(data)) => Some(data),
                    Some(Piece::End) => None,
                    Some(Piece::Failed(status) | Piece::Unread(status)) => {
                        this.entry.failed(&status.message);
                        if !*says_errors {
                            return Poll::Ready(Some(Err(io::Error::other(status))));
                        }
                        let line = error_line(&status);
                        this.content = Content::Whole(None);
                        Some(line)
                    }
                    None => return Poll::Ready(Some(Err(io::Error::other("the call has died")))),
                },
            },
        };
        if let Some(data) = &data {
            this.entry.sent(data.len());
        }
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(
            &self.content,
            Content::Whole(None) | Content::Messages { is_over: true, .. }
        )
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Content::Pieces { size: Some(size), .. } => SizeHint::with_exact(*size),
            Content::Pieces { .. } | Content::Messages { .. } => SizeHint::default(),
        }
    }
}
