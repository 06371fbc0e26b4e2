//! What a linter found, as text: for a person, for an editor, for each of the places that collect such things.
//!
//! An adapter: it knows diagnostics, their files and the list of rules. It knows no stream; whoever calls it decides
//! where the text goes. All that it prints of a file is made harmless for a terminal, and escaped as the format wants
//! it.

mod concise;
mod github;
mod gitlab;
mod json;
mod junit;
mod page;
mod pretty;
mod sarif;

use crate::diagnostic::{Diagnostic, Label, Severity};
use crate::source::{Position, SourceFile, Span};
pub use page::page;

/// How a report looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With the source beside it, for a terminal.
    Pretty,
    /// `path:line:col: severity[rule]: message`, a line each.
    Concise,
    /// One JSON object, with fixes.
    Json,
    /// Workflow commands of GitHub Actions.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// SARIF 2.1.0.
    Sarif,
    /// `JUnit` XML.
    Junit,
}

/// What was found in one file.
#[derive(Debug)]
pub struct FileReport {
    /// Its text may be empty when there are no diagnostics: only the name is used then.
    pub file: SourceFile,
    /// By place.
    pub diagnostics: Vec<Diagnostic>,
}

/// How the terminal is; only [`Format::Pretty`] asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    pub colour: bool,
    /// In columns; some usual width when it is not known.
    pub width: Option<usize>,
}

/// The whole report. Empty, or it ends in a newline.
#[must_use]
pub fn render(format: Format, files: &[FileReport], style: Style) -> String {
    match format {
        Format::Pretty => pretty::render(files, style),
        Format::Concise => concise::render(files),
        Format::Json => json::render(files),
        Format::Github => github::render(files),
        Format::Gitlab => gitlab::render(files),
        Format::Sarif => sarif::render(files),
        Format::Junit => junit::render(files),
    }
}

/// Every diagnostic with its file.
fn each(files: &[FileReport]) -> impl Iterator<Item = (&SourceFile, &Diagnostic)> {
    files
        .iter()
        .flat_map(|report| report.diagnostics.iter().map(|found| (&report.file, found)))
}

/// Where a span starts, and the place after its last character.
fn place(file: &SourceFile, span: Span) -> (Position, Position) {
    (file.position(span.start), file.position(span.end.max(span.start)))
}

/// What is said beside the message, for formats that have one text only.
fn more(found: &Diagnostic) -> impl Iterator<Item = (&'static str, &str)> {
    let note = found.note.as_deref().map(|note| ("note", note));
    let help = found.help.as_deref().map(|help| ("help", help));
    note.into_iter().chain(help)
}

/// Other places that have something to say.
fn related(found: &Diagnostic) -> impl Iterator<Item = &Label> {
    found.secondary.iter().filter(|label| !label.text.is_empty())
}

/// One line, whatever the text holds: control characters are shown, not obeyed.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => line.push(' '),
            c if is_unsafe(c) => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
    line
}

/// What a terminal may obey: control characters, and those that turn the direction of writing round.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How bad it is, in the words of SARIF.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

#[cfg(test)]
mod tests;
