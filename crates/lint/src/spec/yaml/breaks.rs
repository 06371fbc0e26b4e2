//! Lines that end before their line feed: behind U+0085, U+2028 or U+2029 the reader of pachctl is in another line.
//! Where that one is empty, or is a comment, nothing changes by it, and blanks are read in their place.

use super::super::reading::{LINE_ENDS, Reading};
use super::super::tree::{Node, Value};
use super::recovery;
use crate::source::Span;

/// Reads a text of one or more documents.
pub(in crate::spec) fn parse(text: &str) -> Reading {
    let mut breaks = breaks(text);
    if breaks.is_empty() {
        return recovery::parse(text);
    }
    let reading = recovery::parse(&blanked(text, &breaks));
    let mut quoted = Vec::new();
    for document in &reading.documents {
        collect_quoted(&document.root, &mut quoted);
    }
    quoted.sort_unstable();
    // In a text they are a part of it.
    let count = breaks.len();
    breaks.retain(|at| !at.is_in_one_of(&quoted));
    if breaks.len() == count {
        return reading;
    }
    recovery::parse(&blanked(text, &breaks))
}

/// Those behind which nothing stands in their line, or a comment.
fn breaks(text: &str) -> Vec<Span> {
    if text.is_ascii() {
        return Vec::new();
    }
    let mut breaks = Vec::new();
    let mut next = None;
    for (at, character) in text.char_indices().rev() {
        if LINE_ENDS.contains(&character) {
            let is_empty = next.is_none_or(|next| next == '#');
            breaks.extend(is_empty.then(|| Span::new(at, at + character.len_utf8())));
        } else if character == '\n' {
            next = None;
        } else if !character.is_whitespace() {
            next = Some(character);
        }
    }
    breaks.reverse();
    breaks
}

fn blanked(text: &str, places: &[Span]) -> String {
    let mut blanked = String::with_capacity(text.len());
    for place in places {
        blanked.push_str(text.get(blanked.len()..place.start).unwrap_or_default());
        blanked.extend(std::iter::repeat_n(' ', place.range().len()));
    }
    blanked.push_str(text.get(blanked.len()..).unwrap_or_default());
    blanked
}

/// Places of texts that are not plain, keys included.
fn collect_quoted(node: &Node, quoted: &mut Vec<Span>) {
    if matches!(&node.value, Value::String(text) if text.quoted) {
        quoted.push(node.span);
    }
    for element in node.elements() {
        collect_quoted(element, quoted);
    }
    for member in node.members() {
        quoted.push(member.key.span);
        collect_quoted(&member.value, quoted);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;
    use crate::spec::strict::to_json;

    #[test]
    fn what_ends_a_line_before_its_line_feed_is_a_part_of_texts_in_quotes_and_of_blocks_alone() {
        for (text, json) in [
            ("a: {}~\nb: c\n", r#"{"a":{},"b":"c"}"#),
            ("a: b~\nc: d:1~ ~ # e\nf: [g]~#h\n", r#"{"a":"b","c":"d:1","f":["g"]}"#),
            ("a: [b~\n c]\n# d~\n~\ne: 'f'~", r#"{"a":["b c"],"e":"f"}"#),
            ("a: \"b~\n  c\"~\nd: \"e~#f\"\n", r#"{"a":"b~ c","d":"e~#f"}"#),
            ("a: |\n  b~\n  c~#d\n", r#"{"a":"b~\nc~#d\n"}"#),
        ] {
            for end in LINE_ENDS.map(String::from) {
                let reading = parse(&text.replace('~', &end));
                assert_eq!(reading.faults, [], "{text:?}");
                let sent = to_json(&reading.documents[0].root);
                let [sent, expected] =
                    [sent, json.replace('~', &end)].map(|json| serde_json::from_str::<Json>(&json).unwrap());
                assert_eq!(sent, expected, "{text:?}");
            }
        }
    }

    #[test]
    fn a_break_before_something_else_is_none_of_ours() {
        assert_eq!(breaks("a: b\u{2028}c\nd: é\n"), []);
        assert_eq!(breaks(&"\u{2028}".repeat(20_000)).len(), 20_000);
    }
}
