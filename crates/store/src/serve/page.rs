//! The page at `/`: what is in the store, for a browser. It reads, and changes nothing.
//!
//! Pages are made here as a whole, from what the service answers, and work without a script; one script asks for the
//! page again when a commit arrives. Names, paths, descriptions and contents are somebody else's: `maud` escapes them,
//! the content security policy lets nothing run that is not ours, and what is stored is never sent as a page of its
//! own.
//!
//! # Bounds
//!
//! | what | bound |
//! |---|---|
//! | commits, files, changes, repos on one page | 50, 200, 200, 500; then a link, or a word |
//! | a preview of text | 64 KiB |
//! | a picture | 8 MiB |
//! | lines that differ | 600 of 20 files; 32 MiB are read to find them, and 68 KiB of a file compared |

mod address;
mod answer;
mod content;
mod difference;
mod history;
mod layout;
mod lines;
mod overview;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use bytes::Bytes;
use jiff::Timestamp;
use maud::html;

use self::address::Address;
use self::answer::{asset, page_of};
use super::{Call, Code, Service, Status};
use spoutctl_core::pfs::Repo;

pub use self::address::is_page;
pub use self::answer::{Page, PageResponse};

/// Nothing but what this server itself says it is.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl Service {
    /// The page at a path, with its query.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`; what is wrong with the disk.
    pub fn page(&self, call: &Call, path: &str, query: &str) -> Result<PageResponse, Status> {
        let address = Address::of(path, query).ok_or_else(|| Status::not_found("there is no such page"))?;
        if let Some(repo) = address.repo() {
            self.authorize_reading(call, repo)?;
        }
        let markup = match &address {
            Address::Overview => overview::page(self, call)?,
            Address::Pipeline(name) => overview::pipeline(self, name)?,
            Address::Repo { repo, branch, from } => history::page(self, repo, branch.as_deref(), from.as_ref())?,
            Address::Commit {
                repo,
                id,
                directory,
                after,
            } => content::commit(self, repo, id, directory, after)?,
            Address::File { repo, id, path } => content::file(self, repo, id, path)?,
            Address::Diff { repo, old, new, path } => difference::page(self, repo, (old, new), path.as_deref())?,
            Address::Picture { repo, id, path } => {
                return content::picture(self, repo, id, path).map(PageResponse::Page);
            }
            Address::Live(repo) => {
                self.store.repo(repo)?;
                return Ok(PageResponse::Live(repo.clone()));
            }
            Address::Style => return Ok(asset("text/css; charset=utf-8", include_str!("page/style.css"))),
            Address::Script => return Ok(asset("text/javascript; charset=utf-8", include_str!("page/live.js"))),
        };
        Ok(PageResponse::Page(page_of(markup)))
    }

    /// Sends an event for each change in a repo, and a sign of life in between, until nobody listens.
    pub fn live(&self, call: &Call, repo: &Repo, send: &mut dyn FnMut(Bytes) -> ControlFlow<()>) {
        /// Looks are half a second apart.
        const SIGN_OF_LIFE: u32 = 20;
        let newest = || self.newest(repo);
        let mut shown = newest();
        if send(Bytes::from_static(b"retry: 2000\n\n")).is_break() {
            return;
        }
        let mut silent = 0;
        loop {
            let seen = self.changes.number();
            let now = newest();
            let event = if now != shown {
                Some(&b"event: change\ndata: \n\n"[..])
            } else if silent >= SIGN_OF_LIFE {
                Some(&b": \n\n"[..])
            } else {
                None
            };
            silent += 1;
            shown = now;
            if let Some(event) = event {
                silent = 0;
                if send(Bytes::from_static(event)).is_break() {
                    return;
                }
            }
            if self.changes.wait(seen, call).is_err() {
                return;
            }
        }
    }

    /// The newest commit of a repo, and when something of it was changed.
    fn newest(&self, repo: &Repo) -> Option<(i64, Timestamp, bool)> {
        let mut newest = None;
        let listed = self.store.commits(Some(repo), true, &mut |commit| {
            newest = Some((commit.row, commit.updated, commit.info.finished.is_some()));
            ControlFlow::Break(())
        });
        listed.ok().and(newest)
    }
}

/// What is shown instead of a page that cannot be.
pub fn problem(status: &Status) -> Page {
    let title = match status.code {
        Code::NotFound => "Not there",
        Code::PermissionDenied => "Not allowed",
        Code::Unauthenticated => "A token is asked for",
        _ => "That does not work",
    };
    let body = html! {
        p { (status.message) }
        @if status.code == Code::Unauthenticated {
            p { "This page takes the token from the header " code { "authn-token" } ", which a browser does not send." }
        }
        p { a href="/" { "Everything that is here" } }
    };
    page_of(layout::page(title, &html! { h1 { (title) } }, None, &body))
}
