//! gRPC: calls that come as HTTP/2, their messages in protobuf, and how each has ended in its last words.
//!
//! Who is let in is asked as at the gateway, but not from which page: no browser begins a connection like this.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, Response, StatusCode};
use prost::Message;
use spoutctl_proto::admin::HealthCheckResponse;
use tokio::sync::mpsc;

use super::answer::{self, Answer, Piece, TEXT, Wanted};
use super::body::{self, Door, Messages};
use super::log::Entry;
use super::methods::{self, RequestBody, carry_out};
use super::places::Connection;
use super::shared::{Shared, method_name, take_place};
use crate::serve::{Code, Status};

/// What is answered also while every place is taken, and before its request has come.
const HEALTH: &str = "grpc.health.v1.Health/Check";

/// Services that a sidecar does not have (recordings grpc-2.12-sidecar; grpc-1.13 249).
const NOT_OF_A_SIDECAR: [&str; 4] = ["versionpb_v2.API", "admin_v2.API", "versionpb.API", "admin.API"];

/// Services of 1.x.
const OF_1_X: [&str; 9] = [
    "admin.API",
    "auth.API",
    "debug.API",
    "enterprise.API",
    "identity.API",
    "pfs.API",
    "pps.API",
    "transaction.API",
    "versionpb.API",
];

pub(super) async fn answer(
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    Ok(answered(&shared, &connection, request).await)
}

async fn answered(shared: &Arc<Shared>, connection: &Arc<Connection>, request: Request<Incoming>) -> Response<Answer> {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let entry = shared.entry(connection, method_name(&path));
    let kind = request.headers().get(CONTENT_TYPE).map(headers::HeaderValue::as_bytes);
    if !kind.is_some_and(|kind| kind.starts_with(b"application/grpc")) {
        let text = "this is gRPC; the HTTP gateway answers to HTTP/1.1\n";
        return answer::whole(entry, StatusCode::UNSUPPORTED_MEDIA_TYPE, TEXT, text);
    }
    let call = match shared.call(&path, request.headers()) {
        Ok(call) => call,
        Err(status) => return answer::refused(entry, status),
    };
    let method = match find(shared, &path) {
        Ok(method) => method,
        Err(status) => return answer::refused(entry, status),
    };
    if path == HEALTH {
        return healthy(entry);
    }
    if let Err(status) = take_place(&shared.grpc_places, &entry).await {
        return answer::refused(entry, status);
    }
    let wanted = Wanted(call.clone());
    let body = body::read(request.into_body(), shared, Door::Grpc, Arc::clone(&entry));
    let source = RequestBody::Protobuf(Messages::of(body));
    let rest = carry_out(shared, &entry, Ok(method), call, source);
    answer::messages(entry, rest, Some(wanted))
}

/// Says so whatever is asked and however slowly: without a thread, there is nothing that many of these could take from
/// others.
fn healthy(entry: Arc<Entry>) -> Response<Answer> {
    let (sender, rest) = mpsc::channel(answer::PIECES);
    let message = HealthCheckResponse::serving().encode_to_vec();
    // There is room for both.
    for piece in [Piece::Data(message.into()), Piece::End] {
        let _ = sender.try_send(piece);
    }
    answer::messages(entry, rest, None)
}

/// As a server in Go says what it does not have (recording grpc 094); before 2.4 the main one says that it is a bug,
/// and to the calls of 1.x what to do (grpc-2.3 094, 411–413).
fn find(shared: &Shared, path: &str) -> Result<methods::Method, Status> {
    let (service, method) = path.rsplit_once('/').unwrap_or((path, ""));
    let dialect = shared.service.dialect();
    let is_missing = shared.is_sidecar && NOT_OF_A_SIDECAR.contains(&service);
    let is_service = methods::is_service(service, dialect) && !is_missing;
    let unknown = || {
        if dialect.calls_unknown_calls_a_bug() && !shared.is_sidecar {
            return Status::unknown(if OF_1_X.contains(&service) {
                "this server is running pachyderm 2.x, but your client appears to be an older version - please upgrade"
                    .to_owned()
            } else {
                format!("no auth function for \"/{path}\", this is a bug")
            });
        }
        let text = if is_service {
            format!("unknown method {method} for service {service}")
        } else {
            format!("unknown service {service}")
        };
        Status::new(Code::Unimplemented, text)
    };
    if !is_service {
        return Err(unknown());
    }
    methods::find(path, dialect, shared.service.is_guarded()).map_err(|status| match status.code {
        Code::NotFound => unknown(),
        _ => status,
    })
}
