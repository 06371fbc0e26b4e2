//! What comments turn off is taken out, and what they say for nothing is said.

use std::collections::BTreeSet;

use super::{INVALID, UNUSED};
use crate::catalogue::{rule_named, rule_nearest};
use crate::diagnostic::RuleId;
use crate::finding::{Finding, Findings};
use crate::rule::Rule;
use crate::source::{SourceFile, Span};
use crate::spec::Parsed;

/// Which line a comment speaks of, and what it says.
struct Suppression {
    comment: Span,
    /// Where the rules are written, and which they are.
    rules: Vec<(Span, &'static Rule)>,
    /// From 1.
    line: usize,
}

/// Takes out what comments turn off, and says which of them have nothing to do.
pub(crate) fn apply(file: &SourceFile, parsed: &Parsed, findings: &mut Findings<'_>) {
    let mut suppressions = Vec::new();
    for comment in &parsed.comments {
        let Some(directive) = directive(file, comment.span) else {
            continue;
        };
        match read(file, comment.span, directive) {
            Ok(suppression) => suppressions.push(suppression),
            Err(finding) => findings.add(finding),
        }
    }
    if suppressions.is_empty() {
        return;
    }
    let mut used: BTreeSet<(usize, RuleId)> = BTreeSet::new();
    findings.retain(|found| {
        let line = file.position(found.primary.span.start).line;
        let fits = |suppression: &&Suppression| {
            suppression.line == line && suppression.rules.iter().any(|(_, rule)| rule.id == found.rule)
        };
        let Some(suppression) = suppressions.iter().find(fits) else {
            return true;
        };
        used.insert((suppression.comment.start, found.rule));
        false
    });
    // A file that is not read to its end may well have what a comment is for.
    if !parsed.documents.iter().all(|document| document.whole) {
        return;
    }
    for suppression in &suppressions {
        for (span, rule) in &suppression.rules {
            if findings.looks_for(rule) && !used.contains(&(suppression.comment.start, rule.id)) {
                let message = format!("`{}` finds nothing on line {}", rule.id, suppression.line);
                findings.add(Finding::new(&UNUSED, *span, message).label("this can go"));
            }
        }
    }
}

/// What follows `spoutctl:` in a comment, and where that starts.
fn directive(file: &SourceFile, comment: Span) -> Option<Span> {
    let text = file.slice(comment);
    // Jsonnet has both marks; in JSON neither is right, which is for others to say.
    let words = text.strip_prefix('#').or_else(|| text.strip_prefix("//"))?;
    let words = words.trim_start().strip_prefix("spoutctl:")?;
    let start = comment.end - words.len() + (words.len() - words.trim_start().len());
    Some(Span::new(start, start + words.trim().len()))
}

fn read(file: &SourceFile, comment: Span, directive: Span) -> Result<Suppression, Finding> {
    const FORM: &str = "write `# spoutctl: ignore[RULE] REASON`";
    let invalid = |span: Span, message: String| Finding::new(&INVALID, span, message).note("nothing is turned off");
    let words = file.slice(directive);
    let parts = words.strip_prefix("ignore[").and_then(|rest| rest.split_once(']'));
    let Some((names, reason)) = parts else {
        let message = "a comment for spoutctl says something else than `ignore[RULE]`";
        return Err(invalid(directive, message.to_owned()).help(FORM));
    };
    let mut rules = Vec::new();
    let mut start = directive.start + "ignore[".len();
    for part in names.split(',') {
        let name = part.trim();
        let at = start + (part.len() - part.trim_start().len());
        start += part.len() + 1;
        let span = Span::new(at, at + name.len());
        let Some(rule) = rule_named(name) else {
            let help = match rule_nearest(name) {
                Some(nearest) if !name.is_empty() => format!("did you mean `{}`?", nearest.id),
                _ => "`spoutctl validate --rules` lists all".to_owned(),
            };
            return Err(invalid(span, format!("there is no rule `{name}`")).help(help));
        };
        rules.push((span, rule));
    }
    if !reason.chars().any(char::is_alphanumeric) {
        let message = "a comment turns a rule off without saying why";
        return Err(invalid(directive, message.to_owned()).help(FORM));
    }
    Ok(Suppression {
        comment,
        rules,
        line: line_meant(file, comment),
    })
}

/// The comment's own line or, when nothing else is in it, the next that has more than a comment.
fn line_meant(file: &SourceFile, comment: Span) -> usize {
    let own = file.position(comment.start).line;
    let before = file.text().get(..comment.start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    if !before.get(line_start..).unwrap_or_default().trim().is_empty() {
        return own;
    }
    let after = file.text().get(comment.end..).unwrap_or_default();
    let has_something = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with(['#', '/']);
    let next = after.lines().skip(1).position(has_something);
    next.map_or(own, |lines| own + 1 + lines)
}
