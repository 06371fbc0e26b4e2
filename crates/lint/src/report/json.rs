//! Our own JSON. Fields are only ever added; what a field means changes with `version`.

use serde::Serialize;

use super::found::{FileReport, each, place, related};
use crate::diagnostic::{Diagnostic, Fix, Safety};
use crate::source::{SourceFile, Span};

#[derive(Serialize)]
struct Report<'a> {
    version: u8,
    diagnostics: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    path: &'a str,
    #[serde(flatten)]
    region: Region,
    rule: &'static str,
    severity: &'static str,
    message: &'a str,
    label: Option<&'a str>,
    related: Vec<Related<'a>>,
    note: Option<&'a str>,
    help: Option<&'a str>,
    fix: Option<FixEntry<'a>>,
}

/// Lines and columns count from 1; columns are characters; the end is the place after the last character.
#[derive(Serialize)]
struct Region {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
struct Related<'a> {
    #[serde(flatten)]
    region: Region,
    message: &'a str,
}

#[derive(Serialize)]
struct FixEntry<'a> {
    safety: &'static str,
    title: &'a str,
    edits: Vec<EditEntry<'a>>,
}

#[derive(Serialize)]
struct EditEntry<'a> {
    #[serde(flatten)]
    region: Region,
    replacement: &'a str,
}

pub(super) fn render(files: &[FileReport]) -> String {
    let report = Report {
        version: 1,
        diagnostics: each(files).map(|(file, found)| entry(file, found)).collect(),
    };
    // Strings and numbers only: there is nothing in it that JSON has no word for.
    let mut text = serde_json::to_string_pretty(&report).unwrap_or_default();
    text.push('\n');
    text
}

fn entry<'a>(file: &'a SourceFile, found: &'a Diagnostic) -> Entry<'a> {
    Entry {
        path: file.name(),
        region: region(file, found.primary.span),
        rule: found.rule.0,
        severity: found.severity.name(),
        message: &found.message,
        label: Some(found.primary.text.as_str()).filter(|text| !text.is_empty()),
        related: related(found)
            .map(|label| Related {
                region: region(file, label.span),
                message: &label.text,
            })
            .collect(),
        note: found.note.as_deref(),
        help: found.help.as_deref(),
        fix: found.fix.as_ref().map(|fix| fix_entry(file, fix)),
    }
}

fn fix_entry<'a>(file: &SourceFile, fix: &'a Fix) -> FixEntry<'a> {
    FixEntry {
        safety: match fix.safety {
            Safety::Safe => "safe",
            Safety::Unsafe => "unsafe",
        },
        title: &fix.title,
        edits: fix
            .edits
            .iter()
            .map(|edit| EditEntry {
                region: region(file, edit.span),
                replacement: &edit.replacement,
            })
            .collect(),
    }
}

fn region(file: &SourceFile, span: Span) -> Region {
    let (start, end) = place(file, span);
    Region {
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
    }
}
