//! All rules as one page in Markdown, a section each.

use std::fmt::Write;

use crate::diagnostic::Safety;
use crate::{Rule, every_rule, links};

#[must_use]
pub fn page() -> String {
    let rules = every_rule();
    let mut text = format!(
        "# Rules of `spoutctl validate`\n\n\
         {} rules. `spoutctl explain RULE` shows one of these sections in a terminal, `spoutctl explain` lists them. \
         How to choose which of them apply: [validate](validate.md).\n\n\
         | rule | level | Pachyderm | mended by | what it finds |\n|---|---|---|---|---|\n",
        rules.len()
    );
    for rule in &rules {
        // Writing into a String does not fail, here and below.
        let _ = writeln!(
            text,
            "| [{id}](#{id}) | {} | {} | {} | {} |",
            rule.severity,
            rule.versions,
            mended_by(rule),
            rule.summary.replace('|', "\\|"),
            id = rule.id
        );
    }
    for rule in &rules {
        section(rule, &mut text);
    }
    text
}

fn section(rule: &Rule, text: &mut String) {
    let asked_for = if rule.opt_in {
        ", only when `--select` or `--severity` name it"
    } else {
        ""
    };
    let _ = write!(
        text,
        "\n## {}\n\n{}: {} (Pachyderm: {}{asked_for})\n\n{}\n",
        rule.id, rule.severity, rule.summary, rule.versions, rule.why
    );
    for (title, example) in [("Wrong", rule.bad), ("Right", rule.good)] {
        if !example.trim().is_empty() {
            let _ = write!(
                text,
                "\n{title}:\n\n```{}\n{}\n```\n",
                language(example),
                printable(example.trim_end())
            );
        }
    }
    match rule.fixable {
        Some(Safety::Safe) => text.push_str("\nMended by `--fix`.\n"),
        Some(Safety::Unsafe) => text.push_str("\nMended by `--unsafe-fixes`: look at what it does.\n"),
        None => {}
    }
    let _ = writeln!(text, "\nSource: {}", rule.source);
    for link in links(rule.source) {
        let _ = writeln!(text, "<br><{link}>");
    }
}

fn mended_by(rule: &Rule) -> &'static str {
    match rule.fixable {
        Some(Safety::Safe) => "`--fix`",
        Some(Safety::Unsafe) => "`--unsafe-fixes`",
        None => "",
    }
}

fn language(example: &str) -> &'static str {
    match example.trim_start().chars().next() {
        Some('{' | '[') => "json",
        _ if example.starts_with("function") || example.starts_with("local ") => "jsonnet",
        _ => "yaml",
    }
}

/// What is wrong with some examples is a character that nobody sees.
fn printable(example: &str) -> String {
    let mut shown = String::with_capacity(example.len());
    for c in example.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            '\r' => {}
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{a0}') => {
                let _ = write!(shown, "<U+{:04X}>", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `docs/rules.md` of this workspace.
    fn checked_in() -> std::path::PathBuf {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here
            .ancestors()
            .find(|directory| directory.join("CHANGELOG.md").exists());
        root.unwrap().join("docs/rules.md")
    }

    #[test]
    fn the_page_of_rules_is_that_of_the_rules() {
        let (path, made) = (checked_in(), page());
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &made).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == made,
            "docs/rules.md is out of date: UPDATE=1 cargo test the_page_of_rules"
        );
    }

    #[test]
    fn each_rule_has_a_section_with_its_examples() {
        let made = page();
        for rule in every_rule() {
            assert!(made.contains(&format!("\n## {}\n", rule.id)), "{rule:?}");
            assert!(made.contains(&printable(rule.good.trim_end())), "{rule:?}");
        }
    }
}
