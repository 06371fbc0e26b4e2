//! Words without quotes: numbers, `true`, `null`, and texts that lack their quotes.

use super::super::scalar::{self, Plain};
use super::super::syntax::Cause;
use super::super::tree::{Key, Node, Text, Value};
use super::Parser;
use crate::source::Span;

impl<'a> Parser<'a> {
    pub(super) fn word_value(&mut self) -> Node {
        let start = self.at;
        let word = self.value_word();
        if word.is_empty() {
            return self.unexpected();
        }
        self.at = start + word.len();
        let span = Span::new(start, self.at);
        let value = self.word_meaning(word, span);
        Node { span, value }
    }

    fn word_meaning(&mut self, word: &str, span: Span) -> Value {
        match scalar::resolve(word) {
            Plain::Null => {
                self.literal(word, "null", span);
                Value::Null
            }
            Plain::Bool(value) => {
                self.literal(word, if value { "true" } else { "false" }, span);
                Value::Bool(value)
            }
            Plain::Number => Value::Number(word.to_owned()),
            Plain::OddNumber => {
                self.fault(
                    Cause::OddNumber {
                        json: scalar::to_json_number(word),
                    },
                    span,
                    None,
                );
                Value::Number(word.to_owned())
            }
            Plain::Timestamp | Plain::Merge | Plain::String => match word.strip_suffix('"') {
                Some(inner) if !inner.contains('"') => {
                    self.fault(Cause::MissingOpeningQuote, Span::at(span.start), Some(span));
                    Value::String(Text {
                        value: inner.to_owned(),
                        quoted: true,
                        block: false,
                    })
                }
                _ => {
                    self.fault(Cause::UnquotedValue { value: word.to_owned() }, span, None);
                    Value::String(Text {
                        value: word.to_owned(),
                        quoted: false,
                        block: false,
                    })
                }
            },
        }
    }

    fn literal(&mut self, word: &str, json: &'static str, span: Span) {
        if word != json {
            self.fault(Cause::Literal { json }, span, None);
        }
    }

    /// The word here. It may have blanks in it, as in YAML; a number or a literal has none.
    fn value_word(&self) -> &'a str {
        let rest = self.rest();
        let mut first_end = None;
        let mut end = rest.len();
        let bytes = rest.as_bytes();
        for (at, byte) in bytes.iter().copied().enumerate() {
            let next = bytes.get(at + 1).copied();
            let ends = match byte {
                b',' | b'{' | b'}' | b'[' | b']' | b'\n' => true,
                b':' | b';' => matches!(next, None | Some(b' ' | b'\t' | b'\r' | b'\n')),
                b' ' | b'\t' => {
                    first_end = first_end.or(Some(at));
                    matches!(next, Some(b'"' | b'\'' | b'#')) || bytes.get(at + 1..at + 3) == Some(b"//")
                }
                _ => false,
            };
            if ends {
                end = at;
                break;
            }
        }
        let word = rest.get(..end).unwrap_or_default().trim_end();
        let first = rest.get(..first_end.unwrap_or(end)).unwrap_or_default();
        let is_json = scalar::is_json_number(first) || matches!(first, "true" | "false" | "null");
        if is_json { first } else { word }
    }

    /// A character that can begin nothing is passed over.
    fn unexpected(&mut self) -> Node {
        let start = self.at;
        let character = self.rest().chars().next().unwrap_or_default();
        self.at = (start + character.len_utf8()).min(self.end);
        let span = Span::new(start, self.at);
        self.fault(
            Cause::UnexpectedCharacter {
                character,
                invisible: false,
            },
            span,
            None,
        );
        Node {
            span,
            value: Value::Unreadable,
        }
    }

    pub(super) fn key(&mut self) -> Key {
        if matches!(self.peek(), Some(b'"' | b'\'')) || self.typographic_quote().is_some() {
            return self.string_key();
        }
        let start = self.at;
        let rest = self.rest();
        let ends = |c: char| c.is_whitespace() || matches!(c, ':' | '=' | ',' | ';' | '{' | '}' | '[' | ']' | '"');
        let name = rest.find(ends).map_or(rest, |end| rest.get(..end).unwrap_or_default());
        if name.is_empty() {
            let span = self.unexpected().span;
            return Key {
                span,
                name: String::new(),
            };
        }
        self.at = start + name.len();
        let span = Span::new(start, self.at);
        let name = name.to_owned();
        if self.peek() == Some(b'"') {
            self.at += 1;
            let span = Span::new(start, self.at);
            self.fault(Cause::MissingOpeningQuote, Span::at(start), Some(span));
            return Key { span, name };
        }
        let after = self.rest().trim_start_matches([' ', '\t']);
        let spaced = after
            .strip_prefix(':')
            .is_none_or(|after| after.is_empty() || after.starts_with([' ', '\t', '\r', '\n']));
        self.fault(
            Cause::UnquotedKey {
                name: name.clone(),
                spaced,
            },
            span,
            None,
        );
        Key { span, name }
    }
}
