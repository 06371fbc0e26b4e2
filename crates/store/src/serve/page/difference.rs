//! What differs between two commits: the files, and of texts the lines.

use std::io::Read;
use std::sync::Arc;

use maud::{Markup, html};

use super::address::Address;
use super::content::{absolute, changes, found, list, of_file, selector};
use super::layout;
use super::lines::{self, Allowance, Bytes};
use crate::serve::{Code, Service, Status};
use crate::{FileEntry, Store, View};
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{Commit, CommitId, Repo};
use spoutctl_core::source::ChangeKind;

/// Files whose lines are shown below each other; the rest have a page of their own.
const FILES: usize = 20;

/// The difference from the first to the second commit: of all files, or of the one at `path`.
pub(super) fn page(
    service: &Service,
    repo: &Repo,
    (old, new): (&CommitId, &CommitId),
    path: Option<&str>,
) -> Result<Markup, Status> {
    let of = |id| -> Result<Commit, Fault> { Ok(service.store.record(&selector(repo, id))?.info.commit) };
    let (old, new) = (of(old)?, of(new)?);
    let shown = match path {
        Some(path) => html! { (lines_of(service, &old, &new, path, &mut Allowance::default())?) },
        None => all(service, &old, &new)?,
    };
    let body = html! {
        p {
            "From " a class="id" href=(Address::of_commit(repo, &old.id).link()) { (old.id) }
            " to " a class="id" href=(Address::of_commit(repo, &new.id).link()) { (new.id) } "."
        }
        (shown)
    };
    let heading = html! { h1 { "What differs in " (layout::repo(repo)) } };
    Ok(layout::page(&format!("What differs in {repo}"), &heading, None, &body))
}

fn all(service: &Service, old: &Commit, new: &Commit) -> Result<Markup, Status> {
    let changes = changes(service, new, Some(old))?;
    let edited: Vec<String> = changes
        .iter()
        .filter(|change| change.kind == ChangeKind::Changed)
        .map(|change| absolute(change.path.as_str()))
        .collect();
    let mut allowance = Allowance::default();
    let mut shown = Vec::new();
    for path in edited.iter().take(FILES) {
        if allowance.is_used_up() {
            break;
        }
        // One file that cannot be read takes nothing from the others.
        shown.push(lines_of(service, old, new, path, &mut allowance).unwrap_or_else(
            |status| html! { h3 { (path) } p class="hint" { "It cannot be read: " (status.message) } },
        ));
    }
    Ok(html! {
        (list(new, Some(old), &changes))
        @if !edited.is_empty() { h2 { "Lines" } }
        @for lines in &shown { (lines) }
        @if shown.len() < edited.len() { p class="hint" { "The lines of more files are behind the links above." } }
    })
}

fn lines_of(
    service: &Service,
    old: &Commit,
    new: &Commit,
    path: &str,
    allowance: &mut Allowance,
) -> Result<Markup, Status> {
    let of = |commit: &Commit| {
        let (view, entry) = found(service, &commit.repo, &commit.id, path)?;
        Ok::<_, Status>(Stored { view, entry })
    };
    let lines = lines::changed(&of(old)?, &of(new)?, allowance);
    let lines = lines.map_err(|error| Status::new(Code::Internal, error.to_string()))?;
    Ok(html! {
        h3 { a href=(of_file(&new.repo, &new.id, path).link()) { (path) } }
        (lines)
    })
}

struct Stored {
    view: View<Arc<Store>>,
    entry: FileEntry,
}

impl Bytes for Stored {
    fn from(&self, offset: u64) -> impl Read {
        self.view.read(&self.entry, offset)
    }
}
