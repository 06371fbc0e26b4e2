//! The rules of the linter, as they are listed.

use crate::cli::ReportFormat;
use crate::commands::printing::print;
use crate::failure::Failure;
use crate::terminal::Terminal;
use spoutctl_core::exit::Exit;
use spoutctl_lint::Rule;
use spoutctl_lint::diagnostic::Safety;

/// All rules, a line each, or as JSON.
pub(super) fn list_rules(terminal: &Terminal, format: Option<ReportFormat>) -> Result<Exit, Failure> {
    let rules = spoutctl_lint::every_rule();
    if format == Some(ReportFormat::Json) {
        let list: Vec<_> = rules
            .iter()
            .map(|rule| {
                serde_json::json!({
                    "rule": rule.id.0, "severity": rule.severity.name(), "pachyderm": rule.versions.to_string(),
                    "mended_by": rule.fixable.map(|_| mended_by(rule)), "opt_in": rule.opt_in, "summary": rule.summary,
                })
            })
            .collect();
        return print(
            terminal,
            &format!("{:#}", serde_json::json!({"version": 1, "rules": list})),
        );
    }
    if !matches!(format, None | Some(ReportFormat::Pretty | ReportFormat::Concise)) {
        return Err(Failure::new(
            Exit::Usage,
            "the list of rules is text, or JSON with --format json",
        ));
    }
    let width = rules.iter().map(|rule| rule.id.0.len()).max().unwrap_or_default();
    let lines: Vec<String> = rules
        .iter()
        .map(|rule| {
            format!(
                "{:width$}  {:7}  {:14}  {:14}  {}",
                rule.id.0,
                rule.severity.name(),
                rule.versions.to_string(),
                mended_by(rule),
                rule.summary
            )
        })
        .collect();
    print(terminal, &lines.join("\n"))
}

/// What mends it, as the list of rules and its explanation say it.
pub(super) fn mended_by(rule: &Rule) -> &'static str {
    match rule.fixable {
        Some(Safety::Safe) => "--fix",
        Some(Safety::Unsafe) => "--unsafe-fixes",
        None => "-",
    }
}
