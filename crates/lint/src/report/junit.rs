//! `JUnit` XML: a test suite a file, a failed test case a diagnostic, one that passes for a file without any.

use std::fmt::Write;

use super::found::{FileReport, more};
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::SourceFile;

pub(super) fn render(files: &[FileReport]) -> String {
    let cases: usize = files.iter().map(|report| report.diagnostics.len().max(1)).sum();
    let failures: usize = files.iter().map(failures).sum();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing into a String does not fail, here and below.
    let _ = writeln!(
        xml,
        "<testsuites name=\"spoutctl validate\" tests=\"{cases}\" failures=\"{failures}\" errors=\"0\">"
    );
    for report in files {
        suite(&mut xml, report);
    }
    xml.push_str("</testsuites>\n");
    xml
}

/// Advice is no failure.
fn failures(report: &FileReport) -> usize {
    let fails = |found: &&Diagnostic| found.severity > Severity::Info;
    report.diagnostics.iter().filter(fails).count()
}

fn suite(xml: &mut String, report: &FileReport) {
    let name = escape(report.file.name());
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"0\">",
        report.diagnostics.len().max(1),
        failures(report)
    );
    if report.diagnostics.is_empty() {
        let _ = writeln!(xml, "    <testcase name=\"spec\" classname=\"{name}\"/>");
    }
    for found in &report.diagnostics {
        case(xml, &report.file, found, &name);
    }
    xml.push_str("  </testsuite>\n");
}

fn case(xml: &mut String, file: &SourceFile, found: &Diagnostic, name: &str) {
    let at = file.position(found.primary.span.start);
    let mut text = format!("{}:{}:{}: {}", file.name(), at.line, at.column, found.message);
    for (what, words) in more(found) {
        let _ = write!(text, "\n{what}: {words}");
    }
    let _ = writeln!(
        xml,
        "    <testcase name=\"{}\" classname=\"{name}\" file=\"{name}\" line=\"{}\">",
        escape(found.rule.0),
        at.line
    );
    if found.severity > Severity::Info {
        let message = escape(&found.message);
        let _ = writeln!(
            xml,
            "      <failure type=\"{}\" message=\"{message}\">{}</failure>",
            found.severity,
            escape(&text)
        );
    } else {
        let _ = writeln!(xml, "      <system-out>{}</system-out>", escape(&text));
    }
    xml.push_str("    </testcase>\n");
}

/// Text for XML 1.0, in which most control characters cannot be written at all.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.extend(c.escape_default()),
            c => escaped.push(c),
        }
    }
    escaped
}
