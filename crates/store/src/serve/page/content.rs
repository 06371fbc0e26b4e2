//! A commit with its files and what it changed, a file, and what differs between two commits.

use std::io::Read as _;
use std::ops::ControlFlow;
use std::sync::Arc;

use maud::{Markup, html};
use serde_json::Value;

use super::address::{Address, bytes_of};
use super::{Page, layout, time};
use crate::serve::{Code, Service, Status};
use crate::{CommitRecord, CommitSelector, FileEntry, Store, View, bounds_of_directory};
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{Commit, CommitId, Repo};
use spoutctl_core::quantity::Size;
use spoutctl_core::source::{ChangeKind, FileChange, FileSource as _};

const FILES: usize = 200;
const CHANGES: usize = 200;
const PREVIEW: usize = 64 << 10;
const PICTURE: u64 = 8 << 20;

fn selector(repo: &Repo, id: &CommitId) -> CommitSelector {
    CommitSelector {
        repo: repo.clone(),
        id: Some(id.clone()),
        branch: None,
        is_of_branch: false,
        back: 0,
    }
}

/// Without waiting for a commit that is still being finished.
fn view(service: &Service, repo: &Repo, id: &CommitId) -> Result<View<Arc<Store>>, Status> {
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
                    a class="id" href=(Address::of_commit(repo, &parent.id).link()) { (layout::short(parent.id.as_str())) }
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
    }
}

/// A file, or a directory with all that is in it.
enum Row {
    File(FileEntry),
    Directory(String),
}

/// What is in a directory, in the order of paths; each directory once. Beside it the last that is shown, where there is more.
fn rows(view: &View<Arc<Store>>, directory: &str, after: &str) -> Result<(Vec<Row>, Option<String>), Status> {
    let (first, end) = bounds_of_directory(directory);
    let mut last = after.to_owned();
    let mut rows = Vec::new();
    loop {
        let bound = if last.is_empty() { first.clone() } else { beyond(&last) };
        let page = view.files(&bound, &end)?;
        if page.is_empty() {
            return Ok((rows, None));
        }
        for entry in page {
            if rows.len() == FILES {
                return Ok((rows, Some(last)));
            }
            let below = entry.path.get(first.len()..).unwrap_or_default();
            if let Some((name, _)) = below.split_once('/') {
                last = format!("{first}{name}/");
                rows.push(Row::Directory(last.clone()));
                // The next is looked for behind all that is in it.
                break;
            }
            last.clone_from(&entry.path);
            rows.push(Row::File(entry));
        }
    }
}

/// What is greater than the path, and, where that is a directory's, than all that is in it: no path has so many bytes.
fn beyond(path: &str) -> String {
    const LONGEST: usize = 4096;
    let rest = if path.ends_with('/') { LONGEST / 4 + 1 } else { 0 };
    format!("{path}{}", "\u{10ffff}".repeat(rest))
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
                                Row::Directory(path) => { td { a href=(at(path, "").link()) { (path) } } td class="number" { "–" } }
                                Row::File(entry) => {
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

fn of_file(repo: &Repo, id: &CommitId, path: &str) -> Address {
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
fn changes(service: &Service, new: &Commit, old: Option<&Commit>) -> Result<Vec<FileChange>, Status> {
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

fn list(new: &Commit, old: Option<&Commit>, changes: &[FileChange]) -> Markup {
    html! {
        @if changes.is_empty() { p class="hint" { "Nothing." } } @else {
            table {
                thead { tr { th class="sign" {} th { "path" } th class="number" { "before" } th class="number" { "after" } } }
                tbody { @for change in changes.iter().take(CHANGES) { (change_row(new, old, change)) } }
            }
            @if changes.len() > CHANGES { p class="hint" { "and more" } }
        }
    }
}

fn change_row(new: &Commit, old: Option<&Commit>, change: &FileChange) -> Markup {
    let (sign, word, commit) = match change.kind {
        ChangeKind::Added => ("+", "added", Some(new)),
        ChangeKind::Changed => ("~", "changed", Some(new)),
        ChangeKind::Deleted => ("−", "deleted", old),
    };
    let path = change.path.as_str();
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    html! {
        tr class=(word) {
            td class="sign" title=(word) { (sign) }
            td {
                @if let Some(commit) = commit { a href=(of_file(&commit.repo, &commit.id, &path).link()) { (path) } } @else { (path) }
            }
            td class="number" { @if change.kind == ChangeKind::Added { "–" } @else { (Size(change.old_size_bytes)) } }
            td class="number" { @if change.kind == ChangeKind::Deleted { "–" } @else { (Size(change.size_bytes)) } }
        }
    }
}

pub(super) fn diff(service: &Service, repo: &Repo, old: &CommitId, new: &CommitId) -> Result<Markup, Status> {
    let of = |id| -> Result<Commit, Fault> { Ok(service.store.record(&selector(repo, id))?.info.commit) };
    let (old, new) = (of(old)?, of(new)?);
    let changes = changes(service, &new, Some(&old))?;
    let body = html! {
        p {
            "From " a class="id" href=(Address::of_commit(repo, &old.id).link()) { (old.id) }
            " to " a class="id" href=(Address::of_commit(repo, &new.id).link()) { (new.id) } "."
        }
        (list(&new, Some(&old), &changes))
    };
    let heading = html! { h1 { "What differs in " (layout::repo(repo)) } };
    Ok(layout::page(&format!("What differs in {repo}"), &heading, None, &body))
}

fn found(service: &Service, repo: &Repo, id: &CommitId, path: &str) -> Result<(View<Arc<Store>>, FileEntry), Status> {
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
fn text_of(bytes: &[u8]) -> Option<&str> {
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
