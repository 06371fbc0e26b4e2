//! Mends a text by the fixes of its diagnostics: of those that overlap the first is made, and the text is looked at
//! again, until there is nothing left to mend.
//!
//! Everything that no fix names stays byte for byte.

use std::collections::BTreeSet;

use super::{Options, check};
use crate::diagnostic::{Diagnostic, Edit, Fix, RuleId, Safety};
use crate::source::{Encoding, SourceFile};

/// How often a text is looked at. Each round makes all fixes that do not overlap; a fix that uncovers another is rare,
/// and two in a row are rarer.
const MAX_ROUNDS: usize = 16;

/// A text after its fixes.
#[derive(Debug, Clone)]
pub struct Mended {
    pub file: SourceFile,
    /// How many fixes were made.
    pub fixed: usize,
}

/// Makes every fix that is at most as unsafe as `safety` says. A file that is not UTF-8 stays as it is, for its bytes
/// cannot be told from its text. Mending what was mended changes nothing: a rule whose fixes go on and on makes none.
#[must_use]
pub fn mend(file: &SourceFile, options: &Options, safety: Safety) -> Mended {
    let mut given_up = BTreeSet::new();
    loop {
        match settle(file, options, safety, &given_up) {
            Ok(mended) => return mended,
            Err(restless) => given_up.extend(restless),
        }
    }
}

/// Mends until nothing is left, without the fixes of some rules; or says which rules come to no end.
fn settle(
    file: &SourceFile,
    options: &Options,
    safety: Safety,
    given_up: &BTreeSet<RuleId>,
) -> Result<Mended, BTreeSet<RuleId>> {
    let mut file = file.clone();
    let mut fixed = 0;
    if *file.encoding() != Encoding::Utf8 {
        return Ok(Mended { file, fixed });
    }
    let mut last = BTreeSet::new();
    for _ in 0..MAX_ROUNDS {
        let mut diagnostics = check(&file, options).diagnostics;
        diagnostics.retain(|found| !given_up.contains(&found.rule));
        let (text, rules) = apply(file.text(), &diagnostics, safety);
        if rules.is_empty() || text == file.text() {
            return Ok(Mended { file, fixed });
        }
        file = file.with_text(text);
        fixed += rules.len();
        last = rules.into_iter().collect();
    }
    Err(last)
}

/// The text with all fixes made that do not overlap an earlier one, and the rules that these are of.
fn apply(text: &str, diagnostics: &[Diagnostic], safety: Safety) -> (String, Vec<RuleId>) {
    let fixes = diagnostics
        .iter()
        .filter_map(|found| Some((found.rule, found.fix.as_ref()?)));
    let mut fixes: Vec<_> = fixes
        .filter(|(_, fix)| fix.safety <= safety && is_applicable(fix, text))
        .collect();
    fixes.sort_by_key(|(_, fix)| fix.edits.first().map(|edit| edit.span));
    let mut mended = String::with_capacity(text.len());
    let mut rules = Vec::new();
    let mut at = 0;
    let mut end = None;
    for (rule, fix) in fixes {
        let (Some(first), Some(last)) = (fix.edits.first(), fix.edits.last()) else {
            continue;
        };
        // Two insertions at one place overlap, too: nobody knows which is to be first.
        if end.is_some_and(|end| first.span.start < end || first.span.start == end && first.span.is_empty()) {
            continue;
        }
        for edit in &fix.edits {
            mended.push_str(text.get(at..edit.span.start).unwrap_or_default());
            mended.push_str(&edit.replacement);
            at = edit.span.end;
        }
        end = Some(last.span.end);
        rules.push(rule);
    }
    mended.push_str(text.get(at..).unwrap_or_default());
    (mended, rules)
}

/// Whether the edits are in order, within the text, and between its characters.
fn is_applicable(fix: &Fix, text: &str) -> bool {
    let is_within = |edit: &Edit| text.get(edit.span.range()).is_some();
    let in_order = |pair: &[Edit]| matches!(pair, [one, two] if one.span.end <= two.span.start);
    !fix.edits.is_empty() && fix.edits.iter().all(is_within) && fix.edits.windows(2).all(in_order)
}
