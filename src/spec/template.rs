//! Templates: text that another program replaces before pachctl reads a spec.
//!
//! Known are `{{ … }}` (Helm, Jinja, Go), `{% … %}` and `<% … %>`, and `${NAME}` (shells, envsubst).

use super::begins_as_json;
use crate::source::Span;

/// What stands for a template in a text that is read in place of it. Nobody writes this character.
pub const STAND_IN: char = '\u{e000}';

const MARKS: [(&str, &str); 4] = [("{{", "}}"), ("{%", "%}"), ("<%", "%>"), ("${", "}")];

/// Every template of a text, in order.
#[must_use]
pub fn find(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find(['{', '<', '$'])).map(|next| at + next) {
        let rest = text.get(start..).unwrap_or_default();
        let end = MARKS.iter().find_map(|(open, close)| {
            let within = rest.strip_prefix(open)?;
            let length = within.find(close)?;
            let is_one = *open != "${" || within.get(..length).is_some_and(is_variable);
            is_one.then_some(start + open.len() + length + close.len())
        });
        at = match end {
            Some(end) => {
                found.push(Span::new(start, end));
                end
            }
            None => start + 1,
        };
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
    let mut blanked = text.to_owned();
    let mut others = Vec::new();
    for template in templates {
        if is_alone(text, *template, templates) {
            let blanks: String = text.get(template.range()).unwrap_or_default().bytes()
                .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
                .collect();
            blanked.replace_range(template.range(), &blanks);
        } else {
            others.push(*template);
        }
    }
    let is_json = begins_as_json(&blanked);
    let mut is_in_string = false;
    let mut at = 0;
    for template in others {
        is_in_string = ends_in_string(blanked.get(at..template.start).unwrap_or_default(), is_in_string);
        at = template.end;
        let word = word(template.range().len(), is_json && !is_in_string);
        blanked.replace_range(template.range(), &word);
    }
    blanked
}

/// Whether there is nothing but templates in the lines of a template.
fn is_alone(text: &str, template: Span, all: &[Span]) -> bool {
    let start = text.get(..template.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let rest = text.get(template.end..).unwrap_or_default();
    let end = template.end + rest.find('\n').unwrap_or(rest.len());
    let mut at = start;
    for other in all.iter().filter(|other| other.start >= start && other.end <= end) {
        if !text.get(at..other.start).unwrap_or_default().trim().is_empty() {
            return false;
        }
        at = other.end;
    }
    text.get(at..end).unwrap_or_default().trim().is_empty()
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
    let quote = if is_quoted && length >= STAND_IN.len_utf8() + 2 { "\"" } else { "" };
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
