//! From the causes of syntax faults to what a version of pachctl makes of them, in words, and with a mend.
//!
//! Which reader a file meets decides: pachctl 2.x reads every file as YAML; pachctl 1.x reads a file that begins with
//! `{` as strict JSON and any other as YAML.

mod blocks;
mod documents;
mod marks;
mod rules;
mod scene;
mod texts;

use super::finding::{Finding, Findings};
use super::options::{Expect, Options, is_meant_as_spout, is_pipeline};
use crate::diagnostic::Severity;
use crate::source::SourceFile;
use crate::spec::Parsed;
use crate::spec::syntax::{Cause, SyntaxFault};
pub(super) use rules::RULES;
use scene::Scene;

/// How much of a file is for us to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ours {
    /// It is a spec, or meant to be one.
    Whole,
    /// It was found in a directory and holds nothing that is looked for, such as a `tsconfig.json`. Whether it can be
    /// read at all is to be said all the same: one that cannot may be a spec.
    Form,
}

pub(super) fn ours(file: &SourceFile, parsed: &Parsed, expect: Expect) -> Ours {
    let is_readable = !parsed.documents.is_empty() && parsed.documents.iter().all(|document| document.whole);
    let is_ours = expect == Expect::Spout
        || parsed.documents.iter().any(|document| expect.includes(&document.root))
        || !is_readable && file.text().contains("spout");
    if is_ours { Ours::Whole } else { Ours::Form }
}

/// Says what is wrong with the way a file is written.
pub(super) fn check(file: &SourceFile, parsed: &Parsed, options: &Options, ours: Ours, findings: &mut Findings<'_>) {
    let scene = Scene::new(file, parsed.dialect, options.version);
    let is_foreign = ours == Ours::Form || holds_other_values(parsed);
    let mut is_stream = false;
    for fault in &parsed.faults {
        if ours == Ours::Form && !fault.cause.stops_readers() {
            continue;
        }
        // A stream of other values is one thing to say, and none for us to take apart.
        let is_follower = is_foreign && matches!(fault.cause, Cause::Concatenated);
        if is_follower && std::mem::replace(&mut is_stream, true) {
            continue;
        }
        let Some(finding) = scene.finding(fault) else { continue };
        findings.add(match ours {
            // Whose file it is we do not know.
            Ours::Form => finding.severity(Severity::Error).without_fix(),
            Ours::Whole if is_follower => finding.without_fix(),
            Ours::Whole => finding,
        });
    }
    let is_text = !parsed.faults.iter().any(|fault| matches!(fault.cause, Cause::NotText));
    if ours == Ours::Whole && is_text {
        scene.line_ends(parsed, findings);
    }
}

/// Whether it was read, and nothing in it is a spec of any kind.
fn holds_other_values(parsed: &Parsed) -> bool {
    let is_spec = |root| is_meant_as_spout(root) || is_pipeline(root);
    !parsed.documents.is_empty() && !parsed.documents.iter().any(|document| is_spec(&document.root))
}

impl Scene<'_> {
    /// What to say of a fault; nothing when this version takes it.
    fn finding(&self, fault: &SyntaxFault) -> Option<Finding> {
        match &fault.cause {
            Cause::MissingComma { .. }
            | Cause::TrailingComma { .. }
            | Cause::ExtraComma
            | Cause::MissingColon
            | Cause::ExtraColon
            | Cause::WrongSeparator { .. }
            | Cause::MissingValue
            | Cause::MissingKey => Some(self.separator(fault)),
            Cause::UnclosedBracket { .. }
            | Cause::WrongBracket { .. }
            | Cause::ExtraBracket { .. }
            | Cause::TooDeep => Some(self.bracket(fault)),
            Cause::UnclosedString { .. }
            | Cause::MissingOpeningQuote
            | Cause::SingleQuotes { .. }
            | Cause::TypographicQuotes { .. }
            | Cause::LineBreakInString { .. }
            | Cause::ControlCharacter { .. } => self.quotes(fault),
            Cause::Escape(escape) => self.escape(fault, *escape),
            Cause::UnquotedKey { .. }
            | Cause::UnquotedValue { .. }
            | Cause::Literal { .. }
            | Cause::OddNumber { .. }
            | Cause::UnexpectedCharacter { .. }
            | Cause::TrailingText => self.word(fault),
            Cause::Comment(style) => Some(self.comment(fault, *style)),
            Cause::Yaml { problem } => Some(blocks::problem(fault, problem)),
            Cause::Tolerated { problem } => Some(blocks::tolerated(fault, problem)),
            Cause::Alias { .. }
            | Cause::UnknownAlias { .. }
            | Cause::ExcessiveAliases
            | Cause::MergeKey
            | Cause::MergesNoMap
            | Cause::MergeWord
            | Cause::Misfit { .. }
            | Cause::Timestamp
            | Cause::NonStringKey { .. }
            | Cause::ComplexKey
            | Cause::Tag { .. }
            | Cause::Directive { .. } => self.yaml_feature(fault),
            _ => self.document(fault),
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
