//! What a file consists of.

use super::rules::{
    BRACE_WITHOUT_JSON, CONCATENATED, EMPTY_ARRAY, EMPTY_DOCUMENT, LEADING_TAB, NOT_A_SPEC, NOT_UTF8, SEPARATOR,
    TOP_LEVEL_ARRAY, UTF16,
};
use super::scene::{Reader, Scene, replace};
use crate::diagnostic::Severity;
use crate::finding::Finding;
use crate::source::Span;
use crate::spec::syntax::{Cause, SyntaxFault};

impl Scene<'_> {
    pub(super) fn document(&self, fault: &SyntaxFault) -> Option<Finding> {
        let span = fault.span;
        let is_json = self.reader == Reader::StrictJson;
        let finding = match &fault.cause {
            Cause::Concatenated | Cause::LeadingTab if is_json => return None,
            Cause::Concatenated => self.concatenated(span, fault.related),
            Cause::DocumentSeparator if !is_json => return None,
            Cause::DocumentSeparator => Finding::new(
                &SEPARATOR,
                span,
                "pachctl 1.x reads JSON specs one after another, without `---`",
            )
            .safe_fix("delete it", replace(span, "")),
            // That there is a separator at all is the fault then.
            Cause::EmptyDocument if is_json && self.is_separator(span) => return None,
            Cause::EmptyDocument => self.empty(span),
            Cause::EmptyArray => {
                let finding = Finding::new(&EMPTY_ARRAY, span, "an array without a spec");
                if self.version.is_1() {
                    finding.note("pachctl 1.x knows no arrays of specs")
                } else {
                    finding.help("write a spec into it, or delete the file")
                }
            }
            Cause::TopLevelArray => Finding::new(
                &TOP_LEVEL_ARRAY,
                span,
                "this version of pachctl reads no arrays of specs",
            )
            .help("write the specs one after another; in YAML with `---` between them"),
            Cause::NotASpec { found } => {
                Finding::new(&NOT_A_SPEC, span, format!("a spec is an object, and this is {found}"))
            }
            Cause::BraceWithoutJson => Finding::new(&BRACE_WITHOUT_JSON, span, "this is not JSON")
                .note("pachctl 1.x reads a file that begins with `{` as JSON, whatever its name is"),
            Cause::LeadingTab => Finding::new(&LEADING_TAB, span, "YAML allows no tab before the first bracket")
                .note("pachctl 2.x reads specs as YAML, and refuses it")
                .safe_fix("delete the tab", replace(span, "")),
            Cause::NotUtf8 { others } => self.not_utf8(span, *others),
            Cause::NotText => Finding::new(
                &NOT_UTF8,
                span,
                "this file is no text: it has zero bytes in it, and others that are not UTF-8",
            )
            .help("name the files that hold specs, or their directory"),
            Cause::Utf16 => Finding::new(&UTF16, span, "the file is UTF-16").help("write it as UTF-8"),
            _ => return None,
        };
        Some(finding)
    }

    fn is_separator(&self, span: Span) -> bool {
        self.file.slice(span) == "---"
    }

    fn concatenated(&self, span: Span, before: Option<Span>) -> Finding {
        let line_end = self.line_end;
        let text = self.file.slice(Span::new(0, span.start));
        let begins_line = text.trim_end_matches([' ', '\t']).ends_with('\n');
        let lead = if begins_line { "" } else { line_end };
        // Blanks before the bracket would stand before the separator.
        let place = text.trim_end_matches([' ', '\t']).len();
        let finding = Finding::new(&CONCATENATED, span, "specs in one file need `---` between them")
            .label("insert `---` before this")
            .note("pachctl 2.x reads specs as YAML; 1.x reads JSON specs one after another")
            .safe_fix("insert `---`", replace(Span::at(place), format!("{lead}---{line_end}")));
        match before {
            Some(before) => finding.also(before, "the spec before begins here"),
            None => finding,
        }
    }

    fn empty(&self, span: Span) -> Finding {
        let finding = Finding::new(&EMPTY_DOCUMENT, span, "there is no spec here");
        if self.is_separator(span) {
            finding
                .label("nothing follows")
                .unsafe_fix("delete the separator", replace(span, ""))
        } else {
            finding
        }
    }

    fn not_utf8(&self, span: Span, others: usize) -> Finding {
        let message = match others {
            0 => "these bytes are not UTF-8".to_owned(),
            others => format!("these bytes are not UTF-8, nor are those of {others} other places"),
        };
        let finding = Finding::new(&NOT_UTF8, span, message);
        if self.version.is_1() {
            finding
                .severity(Severity::Warning)
                .note("pachctl 1.x puts U+FFFD in their place")
        } else {
            finding.note("pachctl 2.x refuses the file")
        }
    }
}
