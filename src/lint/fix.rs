//! Mends a text by the fixes of its diagnostics: of those that overlap the first is made, and the text is looked at
//! again, until there is nothing left to mend.
//!
//! Everything that no fix names stays byte for byte.

use super::{Options, check};
use crate::diagnostic::{Diagnostic, Edit, Fix, Safety};
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
/// cannot be told from its text.
#[must_use]
pub fn mend(file: &SourceFile, options: &Options, safety: Safety) -> Mended {
    let mut mended = Mended {
        file: file.clone(),
        fixed: 0,
    };
    if *file.encoding() != Encoding::Utf8 {
        return mended;
    }
    for _ in 0..MAX_ROUNDS {
        let diagnostics = check(&mended.file, options).diagnostics;
        let (text, fixed) = apply(mended.file.text(), &diagnostics, safety);
        if fixed == 0 || text == mended.file.text() {
            break;
        }
        mended.file = mended.file.with_text(text);
        mended.fixed += fixed;
    }
    mended
}

/// The text with all fixes made that do not overlap an earlier one, and how many these are.
fn apply(text: &str, diagnostics: &[Diagnostic], safety: Safety) -> (String, usize) {
    let mut fixes: Vec<&Fix> = diagnostics.iter().filter_map(|found| found.fix.as_ref()).collect();
    fixes.retain(|fix| fix.safety <= safety && is_applicable(fix, text));
    fixes.sort_by_key(|fix| fix.edits.first().map(|edit| edit.span));
    let mut chosen: Vec<&Edit> = Vec::new();
    let mut end = None;
    let mut fixed = 0;
    for fix in fixes {
        let (Some(first), Some(last)) = (fix.edits.first(), fix.edits.last()) else {
            continue;
        };
        // Two insertions at one place overlap, too: nobody knows which is to be first.
        if end.is_none_or(|end| first.span.start > end || first.span.start == end && !first.span.is_empty()) {
            end = Some(last.span.end);
            fixed += 1;
            chosen.extend(&fix.edits);
        }
    }
    let mut mended = String::with_capacity(text.len());
    let mut at = 0;
    for edit in chosen {
        mended.push_str(text.get(at..edit.span.start).unwrap_or_default());
        mended.push_str(&edit.replacement);
        at = edit.span.end;
    }
    mended.push_str(text.get(at..).unwrap_or_default());
    (mended, fixed)
}

/// Whether the edits are in order, within the text, and between its characters.
fn is_applicable(fix: &Fix, text: &str) -> bool {
    let is_within = |edit: &Edit| text.get(edit.span.range()).is_some();
    let in_order = |pair: &[Edit]| matches!(pair, [one, two] if one.span.end <= two.span.start);
    !fix.edits.is_empty() && fix.edits.iter().all(is_within) && fix.edits.windows(2).all(in_order)
}
