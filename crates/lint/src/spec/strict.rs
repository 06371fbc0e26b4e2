//! The tree as strict JSON, as pachd takes it: what pachctl does to a file before it sends it.
//!
//! Of a key that is there twice the last value counts, `$schema` is left out, and numbers are written as JSON has them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use super::scalar;
use super::tree::{Member, Node, Value};
use crate::source::Span;

/// A spec as one line of JSON, and where each part of it is from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    pub json: String,
    /// Of keys and values; what is inside of another comes before it.
    places: Vec<(Range<usize>, Span)>,
}

impl Sent {
    /// Where that is written which stands at this column of the JSON. Columns are characters and count from 1, as
    /// pachd's do.
    #[must_use]
    pub fn place(&self, column: usize) -> Option<Span> {
        let (at, _) = self.json.char_indices().nth(column.checked_sub(1)?)?;
        let place = self.places.iter().find(|(range, _)| range.contains(&at));
        place.map(|(_, span)| *span)
    }

    fn wrote(&mut self, begun: usize, span: Span) {
        self.places.push((begun..self.json.len(), span));
    }
}

/// A spec as one line of JSON. What has no JSON (`.inf`) or could not be read is written as a string or null: pachd
/// refuses it there, and says where.
#[must_use]
pub fn to_json(root: &Node) -> String {
    to_json_with_places(root).json
}

/// The same, and where each part is from.
#[must_use]
pub fn to_json_with_places(root: &Node) -> Sent {
    let mut sent = Sent::default();
    write(root, &mut sent);
    sent
}

/// `text` as a string of JSON, quotes included.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    write_string(text, &mut json);
    json
}

fn write(node: &Node, sent: &mut Sent) {
    let begun = sent.json.len();
    let json = &mut sent.json;
    match &node.value {
        Value::Null | Value::Unreadable => json.push_str("null"),
        Value::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
        Value::Number(written) => match scalar::to_json_number(written) {
            Some(number) => json.push_str(&number),
            None => write_string(written, json),
        },
        Value::String(text) => write_string(&text.value, json),
        Value::Array(elements) => write_all(elements, ('[', ']'), sent, write),
        Value::Object(members) => write_all(&last_of_each_name(members), ('{', '}'), sent, |member, sent| {
            let begun = sent.json.len();
            write_string(&member.key.name, &mut sent.json);
            sent.wrote(begun, member.key.span);
            sent.json.push(':');
            write(&member.value, sent);
        }),
    }
    sent.wrote(begun, node.span);
}

fn write_all<T>(entries: &[T], (open, close): (char, char), sent: &mut Sent, write: impl Fn(&T, &mut Sent)) {
    sent.json.push(open);
    for (number, entry) in entries.iter().enumerate() {
        if number > 0 {
            sent.json.push(',');
        }
        write(entry, sent);
    }
    sent.json.push(close);
}

fn last_of_each_name(members: &[Member]) -> Vec<&Member> {
    let numbered = members.iter().enumerate();
    let last: HashMap<&str, usize> = numbered
        .clone()
        .map(|(at, member)| (member.key.name.as_str(), at))
        .collect();
    let is_sent = |(at, member): &(usize, &Member)| {
        member.key.name != "$schema" && last.get(member.key.name.as_str()) == Some(at)
    };
    numbered.filter(is_sent).map(|(_, member)| member).collect()
}

fn write_string(text: &str, json: &mut String) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            character if character.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(character));
            }
            character => json.push(character),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use crate::source::SourceFile;
    use crate::spec::parse;

    #[test]
    fn a_file_is_sent_as_pachctl_would_send_it() {
        let file = SourceFile::new(
            "a.yaml",
            "$schema: x\na: 0x10\nb: [yes, ~, \"\\t\\x01\"]\na: {c: +.5}\nd:\n",
        );
        let root = &parse(&file).documents[0].root;
        assert_eq!(
            super::to_json(root),
            r#"{"b":["yes",null,"\t\u0001"],"a":{"c":0.5},"d":null}"#
        );
    }

    #[test]
    fn what_is_said_of_a_column_is_about_a_place_in_the_file() {
        let text = "{\n  \"é\": \"ü\",\n  \"list\": [1, {\"deep\": 5}]\n}";
        let file = SourceFile::new("a.json", text);
        let sent = super::to_json_with_places(&parse(&file).documents[0].root);
        assert_eq!(sent.json, r#"{"é":"ü","list":[1,{"deep":5}]}"#);
        let at = |column: usize| sent.place(column).map(|span| file.slice(span));
        assert_eq!(at(2), Some("\"é\""));
        assert_eq!(at(6), Some("\"ü\""));
        assert_eq!(at(11), Some("\"list\""));
        assert_eq!(at(18), Some("1"));
        assert_eq!(at(28), Some("5"));
        assert_eq!(at(1), Some(text));
        assert_eq!((at(0), at(99)), (None, None));
    }
}
