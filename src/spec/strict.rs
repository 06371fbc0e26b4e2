//! The tree as strict JSON, as pachd takes it: what pachctl does to a file before it sends it.
//!
//! Of a key that is there twice the last value counts, `$schema` is left out, and numbers are written as JSON has them.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::scalar;
use super::tree::{Member, Node, Value};

/// A spec as one line of JSON. What has no JSON (`.inf`) or could not be read is written as a string or null: pachd
/// refuses it there, and says where.
#[must_use]
pub fn to_json(root: &Node) -> String {
    let mut json = String::new();
    write(root, &mut json);
    json
}

/// `text` as a string of JSON, quotes included.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    write_string(text, &mut json);
    json
}

fn write(node: &Node, json: &mut String) {
    match &node.value {
        Value::Null | Value::Unreadable => json.push_str("null"),
        Value::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
        Value::Number(written) => match scalar::to_json_number(written) {
            Some(number) => json.push_str(&number),
            None => write_string(written, json),
        },
        Value::String(text) => write_string(&text.value, json),
        Value::Array(elements) => write_all(elements, ('[', ']'), json, write),
        Value::Object(members) => write_all(&last_of_each_name(members), ('{', '}'), json, |member, json| {
            write_string(&member.key.name, json);
            json.push(':');
            write(&member.value, json);
        }),
    }
}

fn write_all<T>(entries: &[T], (open, close): (char, char), json: &mut String, write: impl Fn(&T, &mut String)) {
    json.push(open);
    for (number, entry) in entries.iter().enumerate() {
        if number > 0 {
            json.push(',');
        }
        write(entry, json);
    }
    json.push(close);
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
}
