//! From where a YAML parser stopped to what is wrong: it stops at the token that does not fit, and the cause is before.

use granit_parser::ErrorKind;

use super::super::reading::LINE_ENDS;
use super::super::syntax::YamlProblem;
use crate::source::Span;

/// The problem, its place, and perhaps another that explains it. `at` is where the parser stopped, `flow` the innermost
/// bracket that is open.
pub(super) fn locate(
    text: &str,
    kind: &ErrorKind,
    at: usize,
    flow: Option<usize>,
) -> (YamlProblem, Span, Option<Span>) {
    let at = text.floor_char_boundary(at);
    let here = character(text, at);
    if let Some(tab) = indenting_tab(text, at) {
        return (YamlProblem::TabIndent, Span::new(tab, tab + 1), None);
    }
    match kind {
        ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => in_flow(text, kind, here, flow),
        ErrorKind::UnclosedFlowCollection { open } => (YamlProblem::UnclosedFlow { open: *open }, here, None),
        ErrorKind::UnexpectedEofFlowMapping | ErrorKind::UnexpectedEofImplicitFlowMapping => {
            (YamlProblem::UnclosedFlow { open: '{' }, here, None)
        }
        ErrorKind::UnexpectedEofFlowSequence => (YamlProblem::UnclosedFlow { open: '[' }, here, None),
        ErrorKind::UnclosedQuotedScalar => (YamlProblem::UnclosedQuote, here, None),
        ErrorKind::RecursionLimitExceeded => (YamlProblem::TooDeep, here, None),
        ErrorKind::UnexpectedCharacter { character } => (YamlProblem::ReservedCharacter(*character), here, None),
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidUnicodeEscape => (YamlProblem::Escape, here, None),
        ErrorKind::PlainScalarStartsWithDashFlowIndicator => (YamlProblem::DashInFlow, here, None),
        ErrorKind::CommentNotSeparated => {
            let rest = text.get(at..).unwrap_or_default();
            let end = rest.find(['\r', '\n']).unwrap_or(rest.len());
            let end = rest.find(LINE_ENDS).map_or(end, |other| other.min(end));
            (YamlProblem::CommentAgainstToken, Span::new(at, at + end), None)
        }
        _ => in_block(text, kind, here),
    }
}

/// Something that follows an entry of a flow collection: a comma is missing, or a bracket some lines before.
fn in_flow(text: &str, kind: &ErrorKind, here: Span, flow: Option<usize>) -> (YamlProblem, Span, Option<Span>) {
    let Some(open) = flow else {
        return other(kind, here);
    };
    let indent = |at: usize| {
        let line = text.get(line_start(text, at)..).unwrap_or_default();
        line.len() - line.trim_start_matches(' ').len()
    };
    if line_start(text, open) != line_start(text, here.start) && indent(here.start) <= indent(open) {
        let open = character(text, open);
        let bracket = if text.get(open.range()) == Some("[") { '[' } else { '{' };
        return (YamlProblem::UnclosedFlow { open: bracket }, open, None);
    }
    let before = text.get(..here.start).unwrap_or_default().trim_end().len();
    (YamlProblem::MissingComma, Span::at(before), Some(here))
}

/// A line that does not fit those before it.
fn in_block(text: &str, kind: &ErrorKind, here: Span) -> (YamlProblem, Span, Option<Span>) {
    let at = here.start;
    if let Some(colon) = colon_in_value(text, at) {
        return (YamlProblem::ColonInValue, Span::new(colon, colon + 1), None);
    }
    if let Some(word) = line_without_colon(text, at) {
        return (YamlProblem::MissingColon, word, None);
    }
    match kind {
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidIndentation
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::MappingValueNotAllowed => (YamlProblem::Indentation, first_word(text, at), None),
        _ => other(kind, here),
    }
}

fn other(kind: &ErrorKind, here: Span) -> (YamlProblem, Span, Option<Span>) {
    // The parser's words begin with what it was doing, which says nothing to who wrote the file.
    let words = kind.to_string();
    let words = words
        .rsplit_once(", ")
        .filter(|_| words.starts_with("while "))
        .map_or(words.as_str(), |(_, words)| words);
    (YamlProblem::Other(words.to_owned()), here, None)
}

fn character(text: &str, at: usize) -> Span {
    let length = text
        .get(at..)
        .and_then(|rest| rest.chars().next())
        .map_or(0, char::len_utf8);
    Span::new(at, at + length)
}

pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |newline| newline + 1)
}

/// A tab among the blanks that begin the line of `at`.
fn indenting_tab(text: &str, at: usize) -> Option<usize> {
    let start = line_start(text, at);
    let line = text.get(start..)?.lines().next()?;
    let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
    let tab = line.get(..indent)?.find('\t')?;
    (start + indent + 1 >= at).then_some(start + tab)
}

/// The first word of a line: what is indented wrongly.
fn first_word(text: &str, at: usize) -> Span {
    let start = line_start(text, at);
    let line = text
        .get(start..)
        .and_then(|rest| rest.lines().next())
        .unwrap_or_default();
    let word = line.trim_start();
    let from = start + (line.len() - word.len());
    let end = word.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(word.len());
    if end == 0 {
        character(text, at)
    } else {
        Span::new(from, from + end)
    }
}

/// A line with one word and no colon, which is noticed there or, as a text of several lines, at the colon of the next.
fn line_without_colon(text: &str, at: usize) -> Option<Span> {
    let start = line_start(text, at);
    let own = text.get(start..)?.lines().next()?;
    let before = text.get(..start)?.trim_end();
    let is_word = |line: &str| !line.is_empty() && !line.contains([':', ' ', '"', '\'', '#', '{', '[', '-']);
    for (line, start) in [
        (own, start),
        (before.rsplit('\n').next()?, line_start(text, before.len())),
    ] {
        if is_word(line.trim()) {
            let from = start + (line.len() - line.trim_start().len());
            return Some(Span::new(from, from + line.trim().len()));
        }
    }
    None
}

/// The second colon with a blank behind it of a line that has two, when the parser stopped in that line.
fn colon_in_value(text: &str, at: usize) -> Option<usize> {
    let start = line_start(text, at);
    let line = text.get(start..)?.lines().next()?;
    let line = line.split(" #").next()?;
    let mut colons = line.match_indices(": ").map(|(at, _)| at);
    let first = colons.next()?;
    let second = colons.next().or_else(|| {
        line.trim_end()
            .strip_suffix(':')
            .map(str::len)
            .filter(|end| *end > first)
    })?;
    let value = line.get(first + 2..)?.trim_start();
    (!value.starts_with(['"', '\'', '{', '['])).then_some(start + second)
}
