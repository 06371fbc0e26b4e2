//! How a call's request is read and its answers are written, whichever the call; and who carries it out.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::Dialect;
use crate::serve::http::answer::{self, Piece};
use crate::serve::http::body::{LONGEST_REQUEST, Messages, Values, unmarshalled};
use crate::serve::http::log::{Entry, Subject};
use crate::serve::http::shared::Shared;
use crate::serve::pipelines::reading::lenient_spec_of;
use crate::serve::{Answers, Call, Code, Requests, Service, Status};
use spoutctl_core::release::Release;
use spoutctl_proto::pfs::ModifyFileRequest;
use spoutctl_proto::schema::Answer;
use spoutctl_proto::spec::CREATE_PIPELINE_REQUEST;
use spoutctl_proto::version::Version;

/// A call that waits for its request.
pub(in crate::serve::http) enum Method {
    /// One answer.
    One(Box<One>),
    /// Any number of answers, each on a line of its own.
    Many(Box<Many>),
}

pub(super) type One = dyn FnOnce(&Service, &Call, &mut Requested<'_>) -> Result<Vec<u8>, Status> + Send;
type SendAnswer<'a> = dyn FnMut(Bytes) -> ControlFlow<()> + 'a;
pub(super) type Many =
    dyn FnOnce(&Service, &Call, &mut Requested<'_>, &mut SendAnswer<'_>) -> Result<(), Status> + Send;

/// How requests and answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::serve::http) enum Format {
    /// One value after the other; an answer of many is a line with a `result`.
    Json,
    /// One message after the other.
    Protobuf,
}

impl Format {
    pub(super) fn write(self, answer: &impl Answer) -> Result<Vec<u8>, Status> {
        match self {
            Self::Json => in_json(answer),
            Self::Protobuf => Ok(answer.to_protobuf()),
        }
    }

    pub(super) fn one_of_many(self, answer: &impl Answer) -> Result<Bytes, Status> {
        match self {
            Self::Json => {
                let answer = in_json(answer)?;
                Ok([b"{\"result\":", answer.as_slice(), b"}\n"].concat().into())
            }
            Self::Protobuf => Ok(answer.to_protobuf().into()),
        }
    }
}

/// Where a client's requests come from.
pub(in crate::serve::http) enum RequestBody {
    Json(Values),
    Protobuf(Messages),
}

/// What the client sent, and what of it goes into the log.
pub(in crate::serve::http) struct Requested<'a> {
    pub source: RequestBody,
    pub dialect: Dialect,
    pub entry: &'a Entry,
    /// The request of a call with many answers was understood. Until then errors are those of any call.
    pub was_read: bool,
}

impl Requested<'_> {
    pub(super) fn format(&self) -> Format {
        match self.source {
            RequestBody::Json(_) => Format::Json,
            RequestBody::Protobuf(_) => Format::Protobuf,
        }
    }

    /// The request of a call that takes one; a body without a value is an empty request.
    pub(super) fn one<Q: RequestMessage>(&mut self) -> Result<Q, Status> {
        let request = self.read();
        self.was_read = request.is_ok();
        request
    }

    pub(super) fn read<Q: RequestMessage>(&mut self) -> Result<Q, Status> {
        let values = match &mut self.source {
            RequestBody::Json(values) => values,
            RequestBody::Protobuf(messages) => {
                let request: Q = messages.next_up_to(LONGEST_REQUEST)?.unwrap_or_default();
                let Ok(mut value) = serde_json::to_value(&request) else {
                    return Ok(request);
                };
                self.entry.about(Subject::of(&value));
                if self.dialect.has_projects() || !drop_projects(&mut value) {
                    return Ok(request);
                }
                return serde_json::from_value(value).map_err(|error| unreadable(&error));
            }
        };
        let text = values.next_up_to(LONGEST_REQUEST)?;
        let text = text.unwrap_or_else(|| Bytes::from_static(b"{}"));
        if text.starts_with(b"[") {
            return Err(Status::invalid("proto: syntax error (line 1:1): unexpected token ["));
        }
        if let Ok(value) = serde_json::from_slice(&text) {
            self.entry.about(Subject::of(&value));
        }
        serde_json::from_slice(&text).map_err(|error| misplaced(&error))
    }

    /// A pipeline's spec as the request itself.
    pub(super) fn spec(&mut self) -> Result<Value, Status> {
        match &mut self.source {
            RequestBody::Json(values) => {
                let text = values
                    .next_up_to(LONGEST_REQUEST)?
                    .unwrap_or_else(|| Bytes::from_static(b"{}"));
                lenient_spec_of(&String::from_utf8_lossy(&text))
            }
            RequestBody::Protobuf(messages) => {
                let bytes = messages.next_bytes(LONGEST_REQUEST)?.unwrap_or_default();
                let spec = CREATE_PIPELINE_REQUEST.decode(&bytes);
                let mut spec = spec.map_err(|error| unmarshalled(&error))?;
                if !self.dialect.has_projects() {
                    drop_projects(&mut spec);
                }
                Ok(spec)
            }
        }
    }

    /// The next of many.
    pub(super) fn next(&mut self) -> Result<Option<ModifyFileRequest>, Status> {
        let mut request = match &mut self.source {
            RequestBody::Protobuf(messages) => messages.next()?,
            RequestBody::Json(values) => match values.next()? {
                None => None,
                Some(text) => {
                    let request = serde_json::from_slice::<ModifyFileRequest>(&text);
                    Some(request.map_err(|error| misplaced(&error))?)
                }
            },
        };
        if let Some(commit) = request.as_mut().and_then(|request| request.set_commit.as_mut()) {
            let mut value = serde_json::to_value(&*commit).unwrap_or_default();
            if !self.dialect.has_projects() && drop_projects(&mut value) {
                *commit = serde_json::from_value(value.clone()).map_err(|error| unreadable(&error))?;
            }
            self.entry.about(Subject::of(&json!({ "commit": value })));
        }
        Ok(request)
    }

    /// Reads what is left and forgets it, as pachd's gateway does: a client that still sends hears no answer. gRPC
    /// answers at once.
    pub fn drain(&mut self) {
        if let RequestBody::Json(values) = &mut self.source {
            values.body.drain();
        }
    }
}

/// Carries a call out on a thread that may block, and gives what comes of it.
pub(in crate::serve::http) fn carry_out(
    shared: &Shared,
    entry: &Arc<Entry>,
    method: Result<Method, Status>,
    call: Call,
    source: RequestBody,
) -> mpsc::Receiver<Piece> {
    let (sender, receiver) = mpsc::channel(answer::PIECES);
    let (service, entry) = (Arc::clone(&shared.service), Arc::clone(entry));
    tokio::task::spawn_blocking(move || {
        let mut requested = Requested {
            source,
            dialect: service.dialect(),
            entry: &entry,
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
        requested.drain();
        let done = done.map_err(|status| status.coded(service.dialect()));
        let _ = match done {
            Ok(()) => send(Piece::End),
            Err(status) if requested.was_read => send(Piece::Failed(status)),
            Err(status) => send(Piece::Unread(status)),
        };
    });
    receiver
}

/// What a request can be read as.
pub(in crate::serve::http) trait RequestMessage:
    DeserializeOwned + Serialize + Message + Default
{
}

impl<T: DeserializeOwned + Serialize + Message + Default> RequestMessage for T {}

/// Takes every project from a message, as servers do that do not know the field, and tells whether there was one.
pub(super) fn drop_projects(value: &mut Value) -> bool {
    match value {
        Value::Object(fields) => {
            let mut dropped = fields.remove("project").is_some_and(|project| !project.is_null());
            for value in fields.values_mut() {
                dropped |= drop_projects(value);
            }
            dropped
        }
        Value::Array(values) => values
            .iter_mut()
            .fold(false, |dropped, value| drop_projects(value) | dropped),
        _ => false,
    }
}

pub(super) fn unreadable(error: &serde_json::Error) -> Status {
    Status::invalid(format!("proto: {error}"))
}

/// In the words of pachd's JSON reader, which tells where the wrong value starts (recording http 025). Ours tells where
/// it ends, and names it at the end of its text.
pub(super) fn misplaced(error: &serde_json::Error) -> Status {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let what = text
        .strip_suffix(&place)
        .filter(|what| what.starts_with("invalid value for "));
    let Some((what, (_, value))) = what.and_then(|what| Some((what, what.split_once(": ")?))) else {
        return unreadable(error);
    };
    let column = (error.column() + 1).saturating_sub(value.len());
    Status::invalid(format!("proto: (line {}:{column}): {what}", error.line()))
}

pub(super) fn one<Q, A>(method: impl FnOnce(&Service, &Call, Q) -> Result<A, Status> + Send + 'static) -> Method
where
    Q: RequestMessage,
    A: Answer,
{
    Method::One(Box::new(move |service, call, requested| {
        let request = requested.one()?;
        service.authorize_call(call, &request)?;
        requested.format().write(&method(service, call, request)?)
    }))
}

pub(super) fn many<Q, A>(
    method: impl FnOnce(&Service, &Call, Q, &mut Answers<'_, A>) -> Result<(), Status> + Send + 'static,
) -> Method
where
    Q: RequestMessage,
    A: Answer,
{
    Method::Many(Box::new(move |service, call, requested, lines| {
        let request = requested.one()?;
        service.authorize_call(call, &request)?;
        let (format, mut failed) = (requested.format(), None);
        method(
            service,
            call,
            request,
            &mut |answer| match format.one_of_many(&answer) {
                Ok(line) => lines(line),
                Err(status) => {
                    failed = Some(status);
                    ControlFlow::Break(())
                }
            },
        )?;
        failed.map_or(Ok(()), Err)
    }))
}

/// As [`one`], of a method that only looks at its request.
pub(super) fn look<Q, A>(method: impl FnOnce(&Service, &Call, &Q) -> Result<A, Status> + Send + 'static) -> Method
where
    Q: RequestMessage,
    A: Answer,
{
    one(move |service, call, request| method(service, call, &request))
}

/// As [`many`], of a method that only looks at its request.
pub(super) fn look_at_many<Q, A>(
    method: impl FnOnce(&Service, &Call, &Q, &mut Answers<'_, A>) -> Result<(), Status> + Send + 'static,
) -> Method
where
    Q: RequestMessage,
    A: Answer,
{
    many(move |service, call, request, answers| method(service, call, &request, answers))
}

pub(super) fn stream<A: Answer>(
    method: impl FnOnce(&Service, &Call, &mut Requests<'_, ModifyFileRequest>) -> Result<A, Status> + Send + 'static,
) -> Method {
    Method::One(Box::new(move |service, call, requested| {
        let answer = method(service, call, &mut || {
            let request = requested.next()?;
            // Only the first of them says what the others are about.
            if let Some(commit) = request.as_ref().and_then(|request| request.set_commit.as_ref()) {
                service.authorize_call(call, commit)?;
            }
            Ok(request)
        })?;
        requested.format().write(&answer)
    }))
}

pub(super) fn in_json(answer: &impl Answer) -> Result<Vec<u8>, Status> {
    answer
        .to_json()
        .map_err(|error| Status::new(Code::Internal, error.to_string()))
}

/// As pachd says it (recording http 006).
pub(super) fn unknown() -> Status {
    Status::not_found("Not Found")
}

/// The pachd whose behaviour this is; `additional` says who really answers.
pub(super) fn version(dialect: Dialect) -> Version {
    let Release { major, minor, patch } = dialect.release();
    Version {
        major,
        minor,
        micro: patch,
        additional: concat!("-spoutctl-", env!("CARGO_PKG_VERSION")).to_owned(),
        platform: std::env::consts::ARCH.to_owned(),
        ..Version::default()
    }
}
