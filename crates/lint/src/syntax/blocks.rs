//! YAML: what cannot be read, and what can and pachctl does not know.

use super::marks;
use super::rules::{
    ALIAS, COLON_IN_VALUE, COMPLEX_KEY, DIRECTIVE, EXCESSIVE_ALIASES, INDENTATION, MERGE_KEY, MISSING_COLON,
    MISSING_COMMA, NESTED_TOO_DEEP, NON_STRING_KEY, RESERVED_CHARACTER, TAB_INDENTATION, TAG, TIMESTAMP,
    UNCLOSED_STRING, UNKNOWN_ALIAS, UNKNOWN_ESCAPE, YAML_SYNTAX,
};
use super::scene::{Scene, replace};
use crate::diagnostic::{Safety, Severity};
use crate::finding::Finding;
use crate::source::Span;
use crate::spec::MAX_DEPTH;
use crate::spec::strict::quoted;
use crate::spec::syntax::{Cause, SyntaxFault, YamlProblem};
use crate::version::Version;

/// A problem that other readers have.
pub(super) fn tolerated(fault: &SyntaxFault, problem: &YamlProblem) -> Finding {
    self::problem(fault, problem)
        .severity(Severity::Warning)
        .note("pachctl's reader lets it pass; others refuse the file")
}

pub(super) fn problem(fault: &SyntaxFault, problem: &YamlProblem) -> Finding {
    let span = fault.span;
    match problem {
        YamlProblem::TabIndent => Finding::new(&TAB_INDENTATION, span, "YAML is indented by blanks, not by tabs")
            .unsafe_fix("write two blanks", replace(span, "  ")),
        YamlProblem::TabBeforeNothing => Finding::new(&TAB_INDENTATION, span, "pachctl takes no tab on such a line")
            .label("nothing but a comment may follow, and still it is refused")
            .unsafe_fix("write a blank", replace(span, " ")),
        YamlProblem::Indentation => Finding::new(&INDENTATION, span, "this line is indented like none around it")
            .help("indent it as the lines that it belongs to"),
        YamlProblem::UnclosedFlow { open } => marks::unclosed(*open, 1, span, fault.related),
        YamlProblem::MissingComma => {
            let finding = Finding::new(
                &MISSING_COMMA,
                span,
                "two entries in brackets need a comma between them",
            )
            .label("insert a comma here");
            match fault.related {
                Some(next) => finding.also(next, "before this"),
                None => finding,
            }
            .safe_fix("insert a comma", replace(span, ","))
        }
        YamlProblem::UnclosedQuote => {
            Finding::new(&UNCLOSED_STRING, span, "this string is never closed").label("opened here")
        }
        YamlProblem::MissingColon => Finding::new(&MISSING_COLON, span, "a key needs a colon after it")
            .unsafe_fix("insert a colon", replace(Span::at(span.end), ":")),
        YamlProblem::ColonInValue => Finding::new(
            &COLON_IN_VALUE,
            span,
            "a text with a colon and a blank in it needs quotes",
        )
        .label("this makes a key of what is before it"),
        YamlProblem::Escape => Finding::new(&UNKNOWN_ESCAPE, span, "YAML does not know this escape")
            .help("a backslash itself is written `\\\\`; in single quotes it is one"),
        YamlProblem::ReservedCharacter(character) => {
            let message = match character {
                '?' => "between brackets a `?` ends a text".to_owned(),
                _ => format!("no text begins with `{}`", character.escape_default()),
            };
            Finding::new(&RESERVED_CHARACTER, span, message).help("put the text into quotes")
        }
        YamlProblem::DashInFlow => Finding::new(&YAML_SYNTAX, span, "`-` alone is no text of YAML")
            .safe_fix("write quotes", replace(span, "\"-\"")),
        YamlProblem::CommentAgainstToken => {
            let mark = Span::new(span.start, span.start + 1);
            Finding::new(&YAML_SYNTAX, mark, "a comment begins after a blank")
                .safe_fix("insert a blank", replace(Span::at(span.start), " "))
        }
        YamlProblem::TooDeep => {
            let message = format!("collections nest more than {MAX_DEPTH} deep");
            Finding::new(&NESTED_TOO_DEEP, span, message)
        }
        YamlProblem::Other(words) => Finding::new(&YAML_SYNTAX, span, format!("the YAML cannot be read: {words}")),
    }
}

impl Scene<'_> {
    /// What YAML has and pachctl has not.
    pub(super) fn yaml_feature(&self, fault: &SyntaxFault) -> Option<Finding> {
        let span = fault.span;
        let is_strict = self.version >= Version::new(2, 8);
        let finding = match &fault.cause {
            Cause::Alias { name } => Finding::new(&ALIAS, span, format!("pachctl knows no aliases such as `*{name}`"))
                .help("write what it stands for"),
            Cause::UnknownAlias { name } => {
                Finding::new(&UNKNOWN_ALIAS, span, format!("there is no `&{name}` before this"))
            }
            Cause::ExcessiveAliases => Finding::new(
                &EXCESSIVE_ALIASES,
                span,
                "this alias stands for too much, or for itself",
            ),
            Cause::MergeKey if !is_strict && !self.version.is_1() => return None,
            Cause::MergeKey => {
                Finding::new(&MERGE_KEY, span, "pachctl knows no merge keys").help("write the keys that it stands for")
            }
            Cause::MergesNoMap if is_strict || self.version.is_1() => return None,
            Cause::MergesNoMap => {
                let message = "`<<` merges a mapping, or a list of them, and this is none";
                Finding::new(&MERGE_KEY, span, message).help("write the keys that it stands for")
            }
            Cause::MergeWord if !is_strict => return None,
            Cause::MergeWord => Finding::new(&TAG, span, "`<<` without quotes is a merge key to YAML")
                .note("pachctl refuses the file: tag \"!!merge\" unsupported")
                .safe_fix("write quotes", replace(span, quoted("<<"))),
            Cause::Timestamp => {
                let safety = if is_strict { Safety::Safe } else { Safety::Unsafe };
                let written = self.file.slice(span);
                let severity = if is_strict { Severity::Error } else { Severity::Warning };
                Finding::new(&TIMESTAMP, span, format!("`{written}` is a date to YAML"))
                    .severity(severity)
                    .fix(safety, "write quotes".to_owned(), vec![replace(span, quoted(written))])
            }
            Cause::NonStringKey { .. } if span.is_empty() => {
                Finding::new(&NON_STRING_KEY, span, "this value has no key")
            }
            Cause::NonStringKey { name } => {
                Finding::new(&NON_STRING_KEY, span, format!("the key `{name}` is no string"))
                    .safe_fix("write quotes", replace(span, quoted(name)))
            }
            Cause::ComplexKey => Finding::new(&COMPLEX_KEY, span, "a key of a spec is a string"),
            Cause::Misfit {
                tag,
                before_2_8,
                since_2_8,
            } => {
                if !(if is_strict { *since_2_8 } else { *before_2_8 }) {
                    return None;
                }
                let written = self.file.slice(span);
                Finding::new(&TAG, span, format!("`{written}` is no `{tag}`"))
                    .help("take the tag away, or write a value that fits it")
            }
            Cause::Tag { .. } if !is_strict => return None,
            Cause::Tag { tag } => Finding::new(&TAG, span, format!("pachctl does not know the tag `{tag}`")),
            Cause::Directive { accepted: true } => return None,
            _ => {
                let rest = self.file.text().get(span.end..).unwrap_or_default();
                let line_break = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
                let whole_line = Span::new(span.start, span.end + line_break);
                Finding::new(
                    &DIRECTIVE,
                    span,
                    "pachctl reads YAML without a directive, or of version 1.1",
                )
                .safe_fix("delete the directive", replace(whole_line, ""))
            }
        };
        Some(finding)
    }
}
