//! One line a diagnostic, as compilers print them: for pipes, editors and `grep`.

use super::escape::one_line;
use super::found::{FileReport, each};
use crate::diagnostic::Diagnostic;
use crate::source::SourceFile;

pub(super) fn render(files: &[FileReport]) -> String {
    let mut text = String::new();
    for (file, found) in each(files) {
        text += &line(file, found);
    }
    text
}

/// One diagnostic, with the end of its line.
pub(super) fn line(file: &SourceFile, found: &Diagnostic) -> String {
    let at = file.position(found.primary.span.start);
    let (path, message) = (one_line(file.name()), one_line(&found.message));
    format!(
        "{path}:{}:{}: {}[{}]: {message}\n",
        at.line, at.column, found.severity, found.rule
    )
}
