//! The door to [`crate::serve::page`]: pages as a whole, and events as they come.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY};
use hyper::{Method as Verb, Request, Response, StatusCode};
use tokio::sync::mpsc;

use super::answer::{self, Answer, Piece, TEXT, Wanted};
use super::log::Entry;
use super::shared::Shared;
use crate::serve::page::{self, POLICY, Page, PageResponse};
use crate::serve::{Call, Code, Status};
use spoutctl_core::pfs::Repo;

const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

pub(super) async fn answer(shared: &Arc<Shared>, entry: Arc<Entry>, request: Request<Incoming>) -> Response<Answer> {
    let (request, _body) = request.into_parts();
    let mut response = if matches!(request.method, Verb::GET | Verb::HEAD) {
        match shared.call("pfs_v2.API/GetFile", &request.headers) {
            Ok(call) => {
                let query = request.uri.query().unwrap_or_default();
                carry_out(shared, entry, call, request.uri.path(), query).await
            }
            Err(status) => problem(entry, &status),
        }
    } else {
        answer::whole(entry, StatusCode::METHOD_NOT_ALLOWED, TEXT, "pages are read, by GET\n")
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn carry_out(shared: &Arc<Shared>, entry: Arc<Entry>, call: Call, path: &str, query: &str) -> Response<Answer> {
    let (service, asking) = (Arc::clone(&shared.service), call.clone());
    let (path, query) = (path.to_owned(), query.to_owned());
    let made = tokio::task::spawn_blocking(move || service.page(&asking, &path, &query)).await;
    match made {
        Ok(Ok(PageResponse::Page(page))) => whole(entry, StatusCode::OK, page),
        Ok(Ok(PageResponse::Live(repo))) => live(shared, entry, call, repo),
        Ok(Err(status)) => problem(entry, &status),
        Err(_) => problem(
            entry,
            &Status::new(Code::Internal, "the page has died: this is a fault of spoutctl"),
        ),
    }
}

fn whole(entry: Arc<Entry>, status: StatusCode, page: Page) -> Response<Answer> {
    answer::whole(entry, status, HeaderValue::from_static(page.kind), page.body)
}

fn problem(entry: Arc<Entry>, status: &Status) -> Response<Answer> {
    entry.failed(&status.message);
    whole(entry, answer::http_status(status.code), page::problem(status))
}

fn live(shared: &Arc<Shared>, entry: Arc<Entry>, call: Call, repo: Repo) -> Response<Answer> {
    let (sender, receiver) = mpsc::channel(answer::PIECES);
    let (service, listening) = (Arc::clone(&shared.service), call.clone());
    tokio::task::spawn_blocking(move || {
        service.live(
            &listening,
            &repo,
            &mut |event: Bytes| match sender.blocking_send(Piece::Data(event)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            },
        );
        // It may be gone.
        let _ = sender.blocking_send(Piece::End);
    });
    answer::pieces(entry, EVENTS, None, receiver, Wanted(call))
}
