//! A line a commit, for people.

use std::fmt::Write as _;
use std::io::Write;
use std::ops::ControlFlow;

use super::consumer::{Output, Shown, Unwritten, Written};
use super::stdout::Stdout;
use spoutctl_core::fault::printable;
use spoutctl_core::quantity::{Size, counted};
use spoutctl_delivery::retrieval::{ChangeKind, FileChange};

pub(super) struct Text {
    pub stdout: Stdout,
    pub files: bool,
    pub colour: bool,
}

const DIM: &str = "\x1b[2m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";

impl Text {
    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour {
            format!("{colour}{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn line(&self, commit: &Shown<'_>) -> String {
        let info = commit.info;
        let time = info.finished.map_or(String::new(), |time| format!("{time:.0}"));
        let mut line = format!(
            "{}   {}",
            self.paint(DIM, &time),
            self.paint(YELLOW, info.commit.id.as_str())
        );
        if let Some(changes) = commit.changes {
            let (files, size) = (counted(changes.total(), "file"), Size(info.size_bytes));
            let _ = write!(line, "   {files}   {size}");
        } else {
            let error = format!("error: {}", one_line(&info.error));
            let _ = write!(line, "   {}", self.paint(RED, &error));
        }
        let description = one_line(commit.description());
        if !description.is_empty() {
            let _ = write!(line, "   {description}");
        }
        line
    }

    fn file(&self, change: &FileChange) -> String {
        let (sign, colour) = match change.kind {
            ChangeKind::Added => ("+", GREEN),
            ChangeKind::Changed => ("~", YELLOW),
            ChangeKind::Deleted => ("-", RED),
        };
        let sign = self.paint(colour, sign);
        match change.kind {
            ChangeKind::Deleted => format!("  {sign} {}", change.path),
            ChangeKind::Added | ChangeKind::Changed => {
                format!("  {sign} {}   {}", change.path, Size(change.size_bytes))
            }
        }
    }
}

/// The first line, of a text that somebody else wrote.
pub(super) fn one_line(text: &str) -> String {
    printable(text).lines().next().unwrap_or_default().to_owned()
}

impl Output for Text {
    fn needs_changes(&self) -> bool {
        true
    }

    fn write(&mut self, commit: &Shown<'_>) -> Result<Written, Unwritten> {
        let line = self.line(commit);
        writeln!(self.stdout, "{line}")?;
        if let Some(changes) = commit.changes.filter(|_| self.files) {
            let mut written = Ok(());
            commit.reader.list(changes, commit.glob, &mut |change| {
                let line = self.file(change);
                written = writeln!(self.stdout, "{line}");
                if written.is_ok() {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })?;
            written?;
        }
        self.stdout.flush()?;
        Ok(Written::Out)
    }

    fn is_gone(&self) -> bool {
        self.stdout.is_gone()
    }
}
