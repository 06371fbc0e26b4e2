//! Templates: text that another program replaces before pachctl reads a spec.
//!
//! Known are `{{ … }}` (Helm, Jinja, Go), `{% … %}` and `<% … %>`, and `${NAME}` (shells, envsubst).

use super::dialect::begins_as_json;
use crate::source::Span;

/// What stands for a template in a text that is read in place of it. Nobody writes this character.
pub const STAND_IN: char = '\u{e000}';

const MARKS: [(&str, &str); 4] = [("{{", "}}"), ("{%", "%}"), ("<%", "%>"), ("${", "}")];

/// The longest `${…}`.
const LONGEST_VARIABLE: usize = 200;

/// Every template of a text, in order.
#[must_use]
pub fn find(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    // What is not closed once is not closed later either, and is not looked for again.
    let mut is_open = [true; MARKS.len()];
    let mut at = 0;
    while let Some(start) = text
        .get(at..)
        .and_then(|rest| rest.find(['{', '<', '$']))
        .map(|next| at + next)
    {
        let rest = text.get(start..).unwrap_or_default();
        let mut end = None;
        for ((open, close), is_open) in MARKS.iter().zip(&mut is_open).filter(|(_, is_open)| **is_open) {
            let Some(within) = rest.strip_prefix(open) else {
                continue;
            };
            let length = if *open == "${" {
                within.find(['}', '\n']).filter(|length| *length <= LONGEST_VARIABLE)
            } else {
                let length = within.find(close);
                *is_open = length.is_some();
                length
            };
            let is_one = |length: usize| {
                *open != "${"
                    || within.get(..length).is_some_and(is_variable)
                        && within.get(length..).is_some_and(|rest| rest.starts_with('}'))
            };
            end = length
                .filter(|length| is_one(*length))
                .map(|length| start + open.len() + length + close.len());
            break;
        }
        at = end.unwrap_or(start + 1);
        if let Some(end) = end {
            found.push(Span::new(start, end));
        }
    }
    found
}

/// `NAME`, with what a shell knows beside it: `NAME:-default`.
fn is_variable(text: &str) -> bool {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    is_name && (rest.is_empty() || rest.starts_with([':', '-', '+', '?'])) && !rest.contains('\n')
}

/// The text with something readable of the same length in place of each template: nothing for lines of templates alone,
/// and a word for the others.
#[must_use]
pub fn stand_in(text: &str, templates: &[Span]) -> String {
    let (alone, others): (Vec<_>, Vec<_>) = by_lines(text, templates);
    let blanked = replaced(text, &alone, |template, _| {
        let bytes = text.get(template.range()).unwrap_or_default().bytes();
        bytes.map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
    });
    let is_json = begins_as_json(&blanked);
    let mut is_in_string = false;
    replaced(&blanked, &others, |template, before| {
        is_in_string = ends_in_string(before, is_in_string);
        word(template.range().len(), is_json && !is_in_string)
    })
}

/// The text with other words for some places of it, which are in order. Each word is made knowing what stands between
/// the place before and this one.
fn replaced(text: &str, places: &[Span], mut word: impl FnMut(Span, &str) -> String) -> String {
    let mut made = String::with_capacity(text.len());
    let mut at = 0;
    for place in places {
        let between = text.get(at..place.start).unwrap_or_default();
        made.push_str(between);
        made.push_str(&word(*place, between));
        at = place.end;
    }
    made.push_str(text.get(at..).unwrap_or_default());
    made
}

/// The templates in whose lines there is nothing else, and the others.
fn by_lines(text: &str, templates: &[Span]) -> (Vec<Span>, Vec<Span>) {
    let (mut alone, mut others) = (Vec::new(), Vec::new());
    let mut rest = templates;
    while let Some(first) = rest.first() {
        let before = text.get(..first.start).unwrap_or_default();
        let mut at = before.rfind('\n').map_or(0, |at| at + 1);
        let mut is_alone = true;
        let mut count = 0;
        // All that begin in one line, or in the line in which one before them ends.
        for template in rest {
            let between = text.get(at..template.start).unwrap_or_default();
            if count > 0 && between.contains('\n') {
                break;
            }
            is_alone &= between.trim().is_empty();
            at = template.end;
            count += 1;
        }
        let after = text
            .get(at..)
            .and_then(|after| after.lines().next())
            .unwrap_or_default();
        is_alone &= after.trim().is_empty();
        let (these, later) = rest.split_at_checked(count.max(1)).unwrap_or((rest, &[]));
        let kind = if is_alone { &mut alone } else { &mut others };
        kind.extend_from_slice(these);
        rest = later;
    }
    (alone, others)
}

/// Whether a piece of JSON ends within a string.
fn ends_in_string(piece: &str, mut is_in_string: bool) -> bool {
    let mut is_escaped = false;
    for byte in piece.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_in_string => is_escaped = true,
            b'"' => is_in_string = !is_in_string,
            _ => {}
        }
    }
    is_in_string
}

/// A word of so many bytes; a template has four at least.
fn word(length: usize, is_quoted: bool) -> String {
    let quote = if is_quoted && length >= STAND_IN.len_utf8() + 2 {
        "\""
    } else {
        ""
    };
    let rest = length.saturating_sub(STAND_IN.len_utf8() + 2 * quote.len());
    format!("{quote}{STAND_IN}{}{quote}", "x".repeat(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        find(text).into_iter().map(|span| &text[span.range()]).collect()
    }

    #[test]
    fn templates_are_told_from_what_looks_like_them() {
        assert_eq!(
            found("a: {{ .x }} {% if y %} <%= z %> ${NAME:-d} ${}"),
            ["{{ .x }}", "{% if y %}", "<%= z %>", "${NAME:-d}"]
        );
        assert!(found("{\"a\": {\"b\": {}}}").is_empty());
        assert!(found("$NAME $(date) ${1a} {{ open").is_empty());
    }

    #[test]
    fn a_stand_in_is_as_long_as_its_text_and_can_be_read() {
        for text in [
            "{{- if .x }}\npipeline:\n  name: {{ .name }}\nspout: {}\n{{- end }}\n",
            "{\"pipeline\": {\"name\": \"a-{{ x }}\"}, \"spout\": {}, \"n\": {{ n }}, \"m\": ${N}}",
        ] {
            let other = stand_in(text, &find(text));
            assert_eq!(other.len(), text.len());
            assert!(!other.contains("{{"), "{other}");
        }
        let json = "{\"n\": {{ n }}, \"s\": \"{{ s }}\"}";
        let other = stand_in(json, &find(json));
        assert!(serde_json::from_str::<serde_json::Value>(&other).is_ok(), "{other}");
    }
}
