//! gRPC: calls that come as HTTP/2, their messages in protobuf, and how each has ended in its last words.
//!
//! Who is let in is asked as at the gateway, but not from which page: no browser begins a connection like this.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, Response, StatusCode};

use super::answer::{self, Answer, TEXT, Wanted};
use super::body::{self, Messages};
use super::log::Entry;
use super::methods::{self, RequestBody};
use super::{CALLS, Shared, carry_out, method_name};
use crate::serve::{Code, Status};

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

pub(super) fn answer(
    shared: &Arc<Shared>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Answer>, Infallible>> + use<> {
    std::future::ready(Ok(answered(shared, request)))
}

fn answered(shared: &Shared, request: Request<Incoming>) -> Response<Answer> {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let entry = Arc::new(Entry::new(Arc::clone(&shared.observer), method_name(&path)));
    let kind = request.headers().get(CONTENT_TYPE).map(headers::HeaderValue::as_bytes);
    if !kind.is_some_and(|kind| kind.starts_with(b"application/grpc")) {
        let text = "this is gRPC; the HTTP gateway answers to HTTP/1.1\n";
        return answer::whole(entry, StatusCode::UNSUPPORTED_MEDIA_TYPE, TEXT, text);
    }
    let call = match super::call(shared, &path, request.headers()) {
        Ok(call) => call,
        Err(status) => return answer::refused(entry, status),
    };
    let method = match find(shared, &path) {
        Ok(method) => method,
        Err(status) => return answer::refused(entry, status),
    };
    let Ok(permit) = Arc::clone(&shared.grpc_calls).try_acquire_owned() else {
        let text = format!("{CALLS} calls are being carried out already");
        return answer::refused(entry, Status::new(Code::Unavailable, text));
    };
    let wanted = Wanted(call.clone());
    let source = RequestBody::Protobuf(Messages::of(body::read(request.into_body(), true, Arc::clone(&entry))));
    let rest = carry_out(shared, &entry, Ok(method), call, source, Some(permit));
    answer::messages(entry, rest, Some(wanted))
}

/// As a server in Go says what it does not have (recording grpc 094); before 2.4 the main one says that it is a bug, and to the
/// calls of 1.x what to do (grpc-2.3 094, 411–413).
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
