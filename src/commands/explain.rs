//! `spoutctl explain`: a rule of the linter, in whole sentences.

use std::fmt::Write;

use crate::cli::ExplainArgs;
use crate::commands::printing::print;
use crate::commands::rules::{list_rules, mended_by};
use crate::failure::Failure;
use crate::terminal::{Terminal, Verbosity};
use spoutctl_core::exit::Exit;
use spoutctl_lint::{Rule, link};

/// Longer lines are hard to read.
const WIDEST: usize = 100;

/// Runs the verb.
///
/// # Errors
/// When it could not be written; that there is such a rule is known when the command line is read.
pub fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::new(Verbosity::Normal);
    let Some(rule) = args.rule else {
        return list_rules(&terminal, None);
    };
    let width = terminal.width().map_or(WIDEST, |width| width.min(WIDEST));
    print(&terminal, explain(rule, width).trim_end())
}

fn explain(rule: &Rule, width: usize) -> String {
    let why = textwrap::fill(rule.why, width);
    let mut text = format!("{}[{}]: {}\n\n{why}\n", rule.severity, rule.id, rule.summary);
    for (title, example) in [("Bad", rule.bad), ("Good", rule.good)] {
        if example.trim().is_empty() {
            continue;
        }
        // Writing into a String does not fail, here and below.
        let _ = writeln!(text, "\n{title}:\n");
        for line in example.lines() {
            let _ = writeln!(text, "{}", format!("    {line}").trim_end());
        }
    }
    let _ = writeln!(text, "\nPachyderm: {}", rule.versions);
    if rule.fixable.is_some() {
        let _ = writeln!(text, "Mended by: {}", mended_by(rule));
    }
    if rule.opt_in {
        let _ = writeln!(text, "Applied:   when --select or --severity name it");
    }
    let _ = writeln!(text, "Source:    {}", rule.source);
    if let Some(link) = link(rule) {
        let _ = writeln!(text, "           {link}");
    }
    text
}
