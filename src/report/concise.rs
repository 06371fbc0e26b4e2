//! One line a diagnostic, as compilers print them: for pipes, editors and `grep`.

use std::fmt::Write;

use super::{FileReport, each, one_line};

pub(super) fn render(files: &[FileReport]) -> String {
    let mut text = String::new();
    for (file, found) in each(files) {
        let at = file.position(found.primary.span.start);
        let (path, message) = (one_line(file.name()), one_line(&found.message));
        // Writing into a String does not fail.
        let _ = writeln!(
            text,
            "{path}:{}:{}: {}[{}]: {message}",
            at.line, at.column, found.severity, found.rule
        );
    }
    text
}
