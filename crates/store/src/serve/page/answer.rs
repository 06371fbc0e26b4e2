//! What a request for a page comes to.

use bytes::Bytes;
use maud::Markup;

use spoutctl_core::pfs::Repo;

/// A body, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub kind: &'static str,
    pub body: Bytes,
}

/// What is asked for.
pub enum PageResponse {
    Page(Page),
    /// The commits of a repo as they arrive.
    Live(Repo),
}

pub(super) fn page_of(markup: Markup) -> Page {
    Page {
        kind: "text/html; charset=utf-8",
        body: markup.into_string().into(),
    }
}

pub(super) fn asset(kind: &'static str, text: &'static str) -> PageResponse {
    PageResponse::Page(Page {
        kind,
        body: Bytes::from_static(text.as_bytes()),
    })
}
