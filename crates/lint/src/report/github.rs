//! Workflow commands of GitHub Actions, which become annotations of the changed lines.

use std::fmt::Write;

use super::found::{FileReport, each, more, place};
use crate::diagnostic::Severity;

pub(super) fn render(files: &[FileReport]) -> String {
    let mut text = String::new();
    for (file, found) in each(files) {
        let (start, end) = place(file, found.primary.span);
        let command = match found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        let mut message = found.message.clone();
        for (what, words) in more(found) {
            // Writing into a String does not fail.
            let _ = write!(message, "\n{what}: {words}");
        }
        let _ = write!(
            text,
            "::{command} file={},line={},endLine={}",
            property(file.name()),
            start.line,
            end.line
        );
        // Columns over several lines are refused.
        if start.line == end.line {
            let _ = write!(text, ",col={},endColumn={}", start.column, end.column);
        }
        let _ = writeln!(text, ",title={}::{}", property(found.rule.0), data(&message));
    }
    text
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
