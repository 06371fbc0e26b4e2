//! GitLab's code quality report.

use std::collections::HashMap;
use std::fmt::Write;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::found::{FileReport, each};
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::SourceFile;

#[derive(Serialize)]
struct Issue<'a> {
    description: &'a str,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

pub(super) fn render(files: &[FileReport]) -> String {
    let mut seen = Seen::default();
    let issues: Vec<Issue<'_>> = each(files)
        .map(|(file, found)| Issue {
            description: &found.message,
            check_name: found.rule.0,
            fingerprint: seen.fingerprint(file, found),
            severity: match found.severity {
                Severity::Error => "major",
                Severity::Warning => "minor",
                Severity::Info => "info",
            },
            location: Location {
                path: file.name(),
                lines: Lines {
                    begin: file.position(found.primary.span.start).line,
                    end: file.position(found.primary.span.end).line,
                },
            },
        })
        .collect();
    // Strings and numbers only: there is nothing in it that JSON has no word for.
    let mut text = serde_json::to_string_pretty(&issues).unwrap_or_default();
    text.push('\n');
    text
}

/// How often the same was said of the same file.
#[derive(Default)]
pub(super) struct Seen(HashMap<[u8; 32], usize>);

impl Seen {
    /// What stays the same when lines above are added or taken away; the same fault twice in a file counts up.
    pub(super) fn fingerprint(&mut self, file: &SourceFile, found: &Diagnostic) -> String {
        let mut hash = Sha256::new();
        for part in [file.name(), found.rule.0, &found.message] {
            hash.update(part);
            hash.update([0]);
        }
        let count = self.0.entry(hash.clone().finalize().into()).or_default();
        hash.update(count.to_le_bytes());
        *count += 1;
        let mut text = String::new();
        for byte in &hash.finalize()[..16] {
            // Writing into a String does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}
