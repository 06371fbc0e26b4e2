//! A commit with its files and what it changed, and a file.

use std::io::Read as _;
use std::ops::ControlFlow;
use std::sync::Arc;

use maud::{Markup, html};
use serde_json::Value;

use super::address::{Address, bytes_of};
use super::answer::Page;
use super::layout::{self, time};
use crate::listing::{Item, visit_directory};
use crate::serve::{Code, Service, Status};
use crate::{CommitRecord, CommitSelector, FileEntry, Store, View};
use spoutctl_core::pfs::{Commit, CommitId, Repo};
use spoutctl_core::quantity::Size;
use spoutctl_core::source::{ChangeKind, FileChange, FileSource as _};

const FILES: usize = 200;
pub(super) const CHANGES: usize = 200;
const PREVIEW: usize = 64 << 10;
const PICTURE: u64 = 8 << 20;

pub(super) fn selector(repo: &Repo, id: &CommitId) -> CommitSelector {
    CommitSelector {
        repo: repo.clone(),
        id: Some(id.clone()),
        branch: None,
        is_of_branch: false,
        back: 0,
    }
}

/// Without waiting for a commit that is still being finished.
pub(super) fn view(service: &Service, repo: &Repo, id: &CommitId) -> Result<View<Arc<Store>>, Status> {
    Ok(View::of(Arc::clone(&service.store), &selector(repo, id))?)
}

pub(super) fn commit(
    service: &Service,
    repo: &Repo,
    id: &CommitId,
    directory: &str,
    after: &str,
) -> Result<Markup, Status> {
    let record = service.store.record(&selector(repo, id))?;
    let info = &record.info;
    let (message, mark) = layout::message_and_mark(&info.description);
    let parent = info
        .parent
        .as_ref()
        .map(|parent| service.store.record(&parent.into()))
        .transpose()?;
    // What failed or is open has no content to compare.
    let is_comparable = info.is_good() && parent.is_some_and(|parent| parent.info.is_good());
    let body = html! {
        dl {
            dt { "state" } dd { (layout::state(&record)) @if !info.error.is_empty() { " " (info.error) } }
            dt { "branch" } dd { (info.commit.branch) }
            dt { "started" } dd { (time(info.started)) }
            dt { "finished" } dd { (time(info.finished)) }
            @if !message.is_empty() { dt { "message" } dd class="message" { (message) } }
            @if let Some(mark) = mark { dt { "stream" } dd { (layout::stream(mark)) " " code class="hint" { (mark) } } }
            @if let Some(parent) = &info.parent {
                dt { "parent" }
                dd {
                    a class="id" href=(Address::of_commit(repo, &parent.id).link()) {
                        (layout::short(parent.id.as_str()))
                    }
                    @if is_comparable { " " a href=(difference(repo, &parent.id, id).link()) { "what differs" } }
                }
            }
        }
        (files(service, &record, directory, after)?)
        @if directory == "/" && after.is_empty() { (changed(service, &record)?) }
    };
    let title = format!("{repo}@{}", layout::short(id.as_str()));
    let heading = html! { h1 { (layout::repo(repo)) "@" (layout::short(id.as_str())) } };
    let live = Some(repo).filter(|_| info.finished.is_none());
    Ok(layout::page(&title, &heading, live, &body))
}

fn difference(repo: &Repo, old: &CommitId, new: &CommitId) -> Address {
    Address::Diff {
        repo: repo.clone(),
        old: old.clone(),
        new: new.clone(),
        path: None,
    }
}

/// What is in a directory, and the last that is shown, where there is more.
fn rows(view: &View<Arc<Store>>, directory: &str, after: &str) -> Result<(Vec<Item>, Option<String>), Status> {
    let mut rows: Vec<Item> = Vec::new();
    let mut last = None;
    visit_directory(view, directory, after, &mut |item| {
        if rows.len() == FILES {
            last = rows.last().map(|row| row.path().to_owned());
            return ControlFlow::Break(());
        }
        rows.push(item);
        ControlFlow::Continue(())
    })?;
    Ok((rows, last))
}

fn files(service: &Service, record: &CommitRecord, directory: &str, after: &str) -> Result<Markup, Status> {
    let Commit { repo, id, .. } = &record.info.commit;
    let (rows, next) = match view(service, repo, id).and_then(|view| rows(&view, directory, after)) {
        Ok(found) => found,
        Err(status) => return Ok(html! { h2 { "Files" } p class="hint" { (status.message) } }),
    };
    let at = |directory: &str, after: &str| Address::Commit {
        repo: repo.clone(),
        id: id.clone(),
        directory: directory.to_owned(),
        after: after.to_owned(),
    };
    let above = directory
        .trim_end_matches('/')
        .rsplit_once('/')
        .map(|(above, _)| format!("{above}/"));
    Ok(html! {
        h2 { "Files" @if directory != "/" { " in " (directory) } }
        @if let Some(above) = above { p { a href=(at(&above, "").link()) { "up to " (above) } } }
        @if rows.is_empty() { p class="hint" { "None." } } @else {
            table {
                thead { tr { th { "path" } th class="number" { "size" } } }
                tbody {
                    @for row in &rows {
                        tr {
                            @match row {
                                Item::Directory(path) => {
                                    td { a href=(at(path, "").link()) { (path) } }
                                    td class="number" { "–" }
                                }
                                Item::File(entry) => {
                                    td { a href=(of_file(repo, id, &entry.path).link()) { (entry.path) } }
                                    td class="number" { (Size(entry.size)) }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(next) = next { p { a rel="next" href=(at(directory, &next).link()) { "more files" } } }
    })
}

pub(super) fn of_file(repo: &Repo, id: &CommitId, path: &str) -> Address {
    Address::File {
        repo: repo.clone(),
        id: id.clone(),
        path: path.to_owned(),
    }
}

/// What a good commit changed against its parent.
fn changed(service: &Service, record: &CommitRecord) -> Result<Markup, Status> {
    if !record.info.is_good() {
        return Ok(html! {});
    }
    let changes = changes(service, &record.info.commit, record.info.parent.as_ref());
    Ok(html! {
        h2 { "What it changed" }
        (match changes {
            Ok(changes) => list(&record.info.commit, record.info.parent.as_ref(), &changes),
            // Its parent has no content to compare it with.
            Err(status) if status.code == Code::NotFound => html! { p class="hint" { (status.message) } },
            Err(status) => return Err(status),
        })
    })
}

/// One more than is shown.
pub(super) fn changes(service: &Service, new: &Commit, old: Option<&Commit>) -> Result<Vec<FileChange>, Status> {
    let mut changes = Vec::new();
    service.store.diff_files(new, old, &mut |change| {
        changes.push(change);
        if changes.len() > CHANGES {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    Ok(changes)
}

pub(super) fn list(new: &Commit, old: Option<&Commit>, changes: &[FileChange]) -> Markup {
    html! {
        @if changes.is_empty() { p class="hint" { "Nothing." } } @else {
            table {
                thead {
                    tr { th class="sign" {} th { "path" } th class="number" { "before" } th class="number" { "after" } }
                }
                tbody { @for change in changes.iter().take(CHANGES) { (change_row(new, old, change)) } }
            }
            @if changes.len() > CHANGES { p class="hint" { "and more" } }
        }
    }
}

/// As addresses and views have a path.
pub(super) fn absolute(path: &str) -> String {
    format!("/{}", path.trim_start_matches('/'))
}

fn lines(old: &Commit, new: &Commit, path: &str) -> Address {
    Address::Diff {
        repo: new.repo.clone(),
        old: old.id.clone(),
        new: new.id.clone(),
        path: Some(path.to_owned()),
    }
}

fn change_row(new: &Commit, old: Option<&Commit>, change: &FileChange) -> Markup {
    let (sign, word, commit) = match change.kind {
        ChangeKind::Added => ("+", "added", Some(new)),
        ChangeKind::Changed => ("~", "changed", Some(new)),
        ChangeKind::Deleted => ("−", "deleted", old),
    };
    let path = absolute(change.path.as_str());
    html! {
        tr class=(word) {
            td class="sign" title=(word) { (sign) }
            td {
                @if let Some(commit) = commit {
                    a href=(of_file(&commit.repo, &commit.id, &path).link()) { (path) }
                } @else { (path) }
                @if let (ChangeKind::Changed, Some(old)) = (change.kind, old) {
                    " " a class="hint" href=(lines(old, new, &path).link()) { "lines" }
                }
            }
            td class="number" { @if change.kind == ChangeKind::Added { "–" } @else { (Size(change.old_size_bytes)) } }
            td class="number" { @if change.kind == ChangeKind::Deleted { "–" } @else { (Size(change.size_bytes)) } }
        }
    }
}

pub(super) fn found(
    service: &Service,
    repo: &Repo,
    id: &CommitId,
    path: &str,
) -> Result<(View<Arc<Store>>, FileEntry), Status> {
    let view = view(service, repo, id)?;
    let entry = view.file(path)?;
    let entry = entry.ok_or_else(|| Status::not_found(format!("there is no file {path} in {repo}@{id}")))?;
    Ok((view, entry))
}

fn beginning(view: &View<Arc<Store>>, entry: &FileEntry, limit: u64) -> Result<Vec<u8>, Status> {
    let mut bytes = Vec::new();
    let read = view.read(entry, 0).take(limit).read_to_end(&mut bytes);
    read.map_err(|error| Status::new(Code::Internal, error.to_string()))?;
    Ok(bytes)
}

pub(super) fn file(service: &Service, repo: &Repo, id: &CommitId, path: &str) -> Result<Markup, Status> {
    let (view, entry) = found(service, repo, id, path)?;
    let bytes = beginning(&view, &entry, PREVIEW as u64)?;
    let is_cut = entry.size > bytes.len() as u64;
    let body = html! {
        dl {
            dt { "commit" } dd { a class="id" href=(Address::of_commit(repo, id).link()) { (id) } }
            dt { "size" } dd { (Size(entry.size)) }
            @if service.dialect().has_gateway() {
                dt { "bytes" } dd { a href=(bytes_of(repo, id, path)) download { "download" } }
            }
        }
        (preview(repo, id, path, &entry, &bytes))
        @if is_cut { p class="hint" { "Its beginning only." } }
    };
    let heading = html! { h1 { (layout::repo(repo)) (path) } };
    Ok(layout::page(&format!("{repo}:{path}"), &heading, None, &body))
}

fn preview(repo: &Repo, id: &CommitId, path: &str, entry: &FileEntry, bytes: &[u8]) -> Markup {
    if kind_of_picture(bytes).is_some() && entry.size <= PICTURE {
        let picture = Address::Picture {
            repo: repo.clone(),
            id: id.clone(),
            path: path.to_owned(),
        };
        return html! { img src=(picture.link()) alt=(path); };
    }
    let is_whole = entry.size == bytes.len() as u64;
    match text_of(bytes) {
        Some("") => html! { p class="hint" { "It is empty." } },
        Some(text) => {
            let pretty = serde_json::from_str::<Value>(text)
                .ok()
                .filter(|value| is_whole && !value.is_number());
            let pretty = pretty.and_then(|value| serde_json::to_string_pretty(&value).ok());
            html! { pre { (pretty.as_deref().unwrap_or(text)) } }
        }
        None => html! { p class="hint" { "It is no text." } },
    }
}

/// Text as far as it goes: the end of a beginning may have cut a character.
pub(super) fn text_of(bytes: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?,
        Err(_) => return None,
    };
    let is_odd = |c: char| c.is_control() && !c.is_ascii_whitespace();
    (!text.contains(is_odd)).then_some(text)
}

/// By its first bytes, whatever it is called. No format in which there can be a script.
fn kind_of_picture(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

pub(super) fn picture(service: &Service, repo: &Repo, id: &CommitId, path: &str) -> Result<Page, Status> {
    let (view, entry) = found(service, repo, id, path)?;
    let no_picture = || Status::not_found(format!("{path} is no picture"));
    if entry.size > PICTURE {
        return Err(no_picture());
    }
    let bytes = beginning(&view, &entry, PICTURE)?;
    Ok(Page {
        kind: kind_of_picture(&bytes).ok_or_else(no_picture)?,
        body: bytes.into(),
    })
}
