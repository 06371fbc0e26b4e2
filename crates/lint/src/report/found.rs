//! What was found, file by file, and what a format shows of it.

use crate::diagnostic::{Diagnostic, Label, Severity};
use crate::source::{Position, SourceFile, Span};

/// What was found in one file.
#[derive(Debug)]
pub struct FileReport {
    /// Its text may be empty when there are no diagnostics: only the name is used then.
    pub file: SourceFile,
    /// By place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Every diagnostic with its file.
pub(super) fn each(files: &[FileReport]) -> impl Iterator<Item = (&SourceFile, &Diagnostic)> {
    files
        .iter()
        .flat_map(|report| report.diagnostics.iter().map(|found| (&report.file, found)))
}

/// Where a span starts, and the place after its last character.
pub(super) fn place(file: &SourceFile, span: Span) -> (Position, Position) {
    (file.position(span.start), file.position(span.end.max(span.start)))
}

/// What is said beside the message, for formats that have one text only.
pub(super) fn more(found: &Diagnostic) -> impl Iterator<Item = (&'static str, &str)> {
    let note = found.note.as_deref().map(|note| ("note", note));
    let help = found.help.as_deref().map(|help| ("help", help));
    note.into_iter().chain(help)
}

/// Other places that have something to say.
pub(super) fn related(found: &Diagnostic) -> impl Iterator<Item = &Label> {
    found.secondary.iter().filter(|label| !label.text.is_empty())
}

/// How bad it is, in the words of SARIF.
pub(super) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}
