//! Commas, colons, brackets, comments.

use super::rules::{
    COMMENT_IN_JSON, EXTRA_BRACKET, EXTRA_COLON, EXTRA_COMMA, MISSING_COLON, MISSING_COMMA, MISSING_KEY, MISSING_VALUE,
    NESTED_TOO_DEEP, TRAILING_COMMA, UNCLOSED_BRACKET, WRONG_BRACKET, WRONG_SEPARATOR,
};
use super::scene::{Reader, Scene, replace};
use crate::diagnostic::{Safety, Severity};
use crate::finding::Finding;
use crate::source::Span;
use crate::spec::MAX_DEPTH;
use crate::spec::syntax::{Cause, CommentStyle, SyntaxFault};

impl Scene<'_> {
    pub(super) fn separator(&self, fault: &SyntaxFault) -> Finding {
        let SyntaxFault { cause, span, related } = fault;
        let span = *span;
        let beside = related.unwrap_or(span);
        match cause {
            Cause::MissingComma { in_array } => missing_comma(span, beside, *in_array),
            Cause::TrailingComma { in_array } => {
                let what = if *in_array { "element" } else { "member" };
                Finding::new(
                    &TRAILING_COMMA,
                    span,
                    format!("JSON allows no comma after the last {what}"),
                )
                .severity(self.leniency())
                .label("delete this")
                .note(self.reading())
                .safe_fix("delete the comma", replace(span, ""))
            }
            Cause::ExtraComma => Finding::new(&EXTRA_COMMA, span, "this comma has no value before it")
                .label("delete this")
                .safe_fix("delete the comma", replace(span, "")),
            Cause::MissingColon => Finding::new(&MISSING_COLON, span, "a key and its value need a colon between them")
                .label("insert a colon here")
                .also(beside, "before this value")
                .safe_fix("insert a colon", replace(span, ":")),
            Cause::ExtraColon => Finding::new(&EXTRA_COLON, span, "a key and its value have one colon between them")
                .label("delete this")
                .safe_fix("delete the colon", replace(span, "")),
            Cause::WrongSeparator { found, expected } => {
                let what = if *expected == ':' {
                    "a key and its value"
                } else {
                    "two entries"
                };
                Finding::new(&WRONG_SEPARATOR, span, format!("`{found}` does not separate {what}"))
                    .label(format!("write `{expected}`"))
                    .safe_fix(format!("write `{expected}`"), replace(span, expected.to_string()))
            }
            Cause::MissingValue => self.missing_value(span, beside),
            _ => Finding::new(&MISSING_KEY, span, "each value in an object needs a key")
                .label("write a key in quotes and a colon before this"),
        }
    }

    fn missing_value(&self, span: Span, key: Span) -> Finding {
        let reading = match self.reader {
            Reader::StrictJson => self.reading(),
            Reader::Yaml => "YAML reads null, which is as if the key were not there".to_owned(),
        };
        let key = self.file.slice(key);
        let message = if key.is_empty() {
            "a value is missing".to_owned()
        } else {
            format!("{key} has no value")
        };
        Finding::new(&MISSING_VALUE, span, message)
            .severity(self.leniency())
            .label("write a value here")
            .note(reading)
            .help("write the value, or delete the key")
    }

    pub(super) fn bracket(&self, fault: &SyntaxFault) -> Finding {
        let span = fault.span;
        match &fault.cause {
            Cause::UnclosedBracket { open, missing } => unclosed(*open, *missing, span, fault.related),
            Cause::WrongBracket { found, expected } => {
                let opener = fault.related.unwrap_or(span);
                Finding::new(
                    &WRONG_BRACKET,
                    span,
                    format!("`{found}` does not close `{}`", self.file.slice(opener)),
                )
                .label(format!("write `{expected}`"))
                .also(opener, "opened here")
                .unsafe_fix(format!("write `{expected}`"), replace(span, expected.to_string()))
            }
            Cause::ExtraBracket { found } => {
                Finding::new(&EXTRA_BRACKET, span, format!("this `{found}` is one too many"))
                    .label("what follows is outside the spec")
                    .unsafe_fix("delete the bracket", replace(span, ""))
            }
            _ => {
                let message = format!("brackets nest more than {MAX_DEPTH} deep");
                Finding::new(&NESTED_TOO_DEEP, span, message).label("what is in this is not read")
            }
        }
    }

    pub(super) fn comment(&self, fault: &SyntaxFault, style: CommentStyle) -> Finding {
        let span = fault.span;
        let is_yaml = self.reader == Reader::Yaml;
        let finding = |message: &str| Finding::new(&COMMENT_IN_JSON, span, message);
        let delete = || vec![replace(span, "")];
        let before = self.file.slice(Span::new(0, span.start));
        let safety = if is_yaml && is_after_text(before) {
            Safety::Unsafe
        } else {
            Safety::Safe
        };
        match style {
            CommentStyle::Hash { separated } if is_yaml && separated => finding("JSON has no comments")
                .note(self.reading())
                .fix(Safety::Unsafe, "delete the comment".to_owned(), delete()),
            CommentStyle::Hash { .. } if is_yaml => finding("a comment of YAML needs a blank before its `#`")
                .severity(Severity::Error)
                .fix(
                    safety,
                    "insert a blank".to_owned(),
                    vec![replace(Span::at(span.start), " ")],
                ),
            CommentStyle::Slashes if is_yaml => {
                let is_apart = before.chars().next_back().is_none_or(char::is_whitespace);
                let mark = if is_apart { "#" } else { " #" };
                finding("`//` begins no comment, neither in JSON nor in YAML")
                    .severity(Severity::Error)
                    .note("pachctl 2.x reads specs as YAML, where a comment begins with `#`")
                    .fix(
                        safety,
                        "write `#`".to_owned(),
                        vec![replace(Span::new(span.start, span.start + 2), mark)],
                    )
            }
            CommentStyle::Block { closed: false } => {
                finding("this comment is not closed, and JSON has none").severity(Severity::Error)
            }
            _ => finding("JSON has no comments")
                .severity(Severity::Error)
                .note(if is_yaml {
                    "nor has YAML of this kind".to_owned()
                } else {
                    self.reading()
                })
                .fix(Safety::Unsafe, "delete the comment".to_owned(), delete()),
        }
    }
}

/// As many lines of comments are passed to find what they stand behind.
const MOST_COMMENT_LINES: usize = 100;

/// Whether a text without quotes may be the last before a comment. In YAML it goes on to the line's end, and in the
/// lines below, so that it may be taken with all that follows.
fn is_after_text(before: &str) -> bool {
    let mut lines = before.rsplit('\n');
    let own = lines.next().unwrap_or_default().trim();
    let mut above = lines.map(|line| uncommented(line).trim());
    let last = match own {
        "" => above.by_ref().take(MOST_COMMENT_LINES).find(|line| !line.is_empty()),
        own => Some(own),
    };
    match last {
        Some(line) => !line.ends_with(['"', '\'', ',', ':', '{', '}', '[', ']']),
        None => above.next().is_some(),
    }
}

/// A line up to the first comment that is in no double quotes.
fn uncommented(line: &str) -> &str {
    let mut is_quoted = false;
    let begins = |(at, c): (usize, char)| {
        is_quoted ^= c == '"';
        let rest = line.get(at..).unwrap_or_default();
        (!is_quoted && (c == '#' || rest.starts_with("//"))).then_some(at)
    };
    let comment = line.char_indices().find_map(begins);
    line.get(..comment.unwrap_or(line.len())).unwrap_or(line)
}

fn missing_comma(span: Span, beside: Span, in_array: bool) -> Finding {
    let (message, before) = if in_array {
        (
            "two elements of an array need a comma between them",
            "before this element",
        )
    } else {
        ("two members of an object need a comma between them", "before this key")
    };
    Finding::new(&MISSING_COMMA, span, message)
        .label("insert a comma here")
        .also(beside, before)
        .safe_fix("insert a comma", replace(span, ","))
}

pub(super) fn unclosed(open: char, missing: usize, span: Span, related: Option<Span>) -> Finding {
    let close = if open == '[' { ']' } else { '}' };
    let finding = Finding::new(&UNCLOSED_BRACKET, span, format!("this `{open}` is never closed"));
    let finding = match missing {
        0 | 1 => finding,
        more => finding.note(format!("{more} closing brackets are missing where the document ends")),
    };
    match related {
        Some(place) if place.is_empty() => {
            let finding = finding
                .label("opened here")
                .also(place, format!("insert `{close}` here"));
            if missing > 1 {
                return finding;
            }
            finding.unsafe_fix(format!("insert `{close}`"), replace(place, close.to_string()))
        }
        Some(closer) => finding
            .label("opened here")
            .also(closer, "this closes it, and is indented as if it closed another"),
        None => finding
            .label("opened here")
            .help(format!("add `{close}` where it ends")),
    }
}
