//! `--json`: one object a line. Fields are only ever added.

use std::io::Write;
use std::ops::ControlFlow;

use serde::Serialize;

use super::consumer::{Output, Shown, Unwritten, Written};
use super::stdout::Stdout;
use spoutctl_delivery::retrieval::{ChangeKind, FileChange};

pub(super) struct Json {
    pub stdout: Stdout,
    pub files: bool,
}

#[derive(Serialize)]
struct Object<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    project: &'a str,
    repo: &'a str,
    branch: &'a str,
    commit: &'a str,
    parent: Option<&'a str>,
    started: Option<jiff::Timestamp>,
    finished: Option<jiff::Timestamp>,
    /// Empty for a good commit.
    error: &'a str,
    /// Of all its files.
    bytes: u64,
    /// Without the mark.
    description: &'a str,
    /// Whose archive it holds, when `put` made it.
    stream: Option<&'a str>,
    seq: Option<u64>,
    /// Its messages, where they are counted over the life of the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Messages>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Counts>,
}

/// Numbers from 1.
#[derive(Serialize)]
struct Messages {
    first: u64,
    last: u64,
    count: u64,
}

/// How many files the commit changed.
#[derive(Serialize)]
struct Counts {
    added: u64,
    changed: u64,
    deleted: u64,
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    change: &'static str,
    /// Now; 0 for a deleted one.
    bytes: u64,
    /// Before; 0 for an added one.
    old_bytes: u64,
}

impl<'a> Object<'a> {
    fn new(shown: &'a Shown<'a>) -> Self {
        let info = shown.info;
        Self {
            kind: "commit",
            project: info.commit.repo.project.as_str(),
            repo: info.commit.repo.name.as_str(),
            branch: shown.branch.as_str(),
            commit: info.commit.id.as_str(),
            parent: info.parent.as_ref().map(|parent| parent.id.as_str()),
            started: info.started,
            finished: info.finished,
            error: &info.error,
            bytes: info.size_bytes,
            description: shown.description(),
            stream: shown.mark.map(|mark| mark.stream.as_str()),
            seq: shown.mark.map(|mark| mark.sequence),
            messages: shown.mark.and_then(|mark| mark.messages).map(|messages| Messages {
                first: messages.first,
                last: messages.last,
                count: messages.count(),
            }),
            changes: shown.changes.map(|changes| Counts {
                added: changes.added,
                changed: changes.changed,
                deleted: changes.deleted,
            }),
        }
    }
}

impl<'a> From<&'a FileChange> for File<'a> {
    fn from(change: &'a FileChange) -> Self {
        Self {
            path: change.path.as_str(),
            change: match change.kind {
                ChangeKind::Added => "added",
                ChangeKind::Changed => "changed",
                ChangeKind::Deleted => "deleted",
            },
            bytes: change.size_bytes,
            old_bytes: change.old_size_bytes,
        }
    }
}

fn text(value: &impl Serialize) -> Result<String, Unwritten> {
    serde_json::to_string(value).map_err(|error| std::io::Error::from(error).into())
}

impl Json {
    /// There may be millions of them, so they are written one by one.
    fn write_files(&mut self, shown: &Shown<'_>) -> Result<(), Unwritten> {
        let Some(changes) = shown.changes else {
            write!(self.stdout, "[]")?;
            return Ok(());
        };
        let mut separator = "[";
        let mut written: Result<(), Unwritten> = Ok(());
        shown.reader.list(changes, shown.glob, &mut |change| {
            written = text(&File::from(change)).and_then(|file| Ok(write!(self.stdout, "{separator}{file}")?));
            separator = ",";
            if written.is_ok() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        written?;
        let end = if separator == "[" { "[]" } else { "]" };
        write!(self.stdout, "{end}")?;
        Ok(())
    }
}

impl Output for Json {
    fn needs_changes(&self) -> bool {
        self.files
    }

    fn write(&mut self, shown: &Shown<'_>) -> Result<Written, Unwritten> {
        let object = text(&Object::new(shown))?;
        if self.files {
            let open = object.strip_suffix('}').unwrap_or(&object);
            write!(self.stdout, "{open},\"files\":")?;
            self.write_files(shown)?;
            writeln!(self.stdout, "}}")?;
        } else {
            writeln!(self.stdout, "{object}")?;
        }
        self.stdout.flush()?;
        Ok(Written::Out)
    }

    fn is_gone(&self) -> bool {
        self.stdout.is_gone()
    }
}
