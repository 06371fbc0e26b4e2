//! A value inside a JSON text, by a pointer (RFC 6901), as it was written.
//!
//! Only what the pointer means is looked at closely. Of the rest it has to be clear where it ends, and no more: that
//! another field holds bytes that are no UTF-8, half a surrogate pair, a `NaN` or a thousand brackets is nobody's
//! business here. So no library reads it.

use std::fmt;

use memchr::memchr2;
use serde::de::{Deserializer as _, Visitor};

use super::framing::BYTE_ORDER_MARK;

/// Why something is no JSON text, as far as that shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotJson {
    /// It breaks off.
    Ends,
    /// Something else stands there, so many bytes from the beginning.
    Unexpected(usize),
}

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ends => f.write_str("it breaks off"),
            Self::Unexpected(at) => write!(f, "what stands {at} bytes from its beginning does not belong there"),
        }
    }
}

/// The value at `pointer`; of a key that is there twice the last one's. `None` when there is none.
///
/// # Errors
/// When `text` is not one JSON value, as far as that shows.
pub(super) fn find<'a>(text: &'a [u8], pointer: &str) -> Result<Option<&'a [u8]>, NotJson> {
    let steps: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect();
    let mark = if text.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    let mut reader = Reader { text, at: mark };
    let found = reader.value(&steps)?;
    reader.space();
    if reader.at < text.len() {
        return Err(NotJson::Unexpected(reader.at));
    }
    Ok(found)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Result<u8, NotJson> {
        self.text.get(self.at).copied().ok_or(NotJson::Ends)
    }

    fn space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
            .count();
    }

    fn expect(&mut self, byte: u8) -> Result<(), NotJson> {
        self.space();
        if self.peek()? != byte {
            return Err(NotJson::Unexpected(self.at));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads a value, and answers the one in it that the steps lead to. Goes as deep as there are steps.
    fn value(&mut self, steps: &[String]) -> Result<Option<&'a [u8]>, NotJson> {
        self.space();
        let start = self.at;
        let Some((step, rest)) = steps.split_first() else {
            self.skip()?;
            return Ok(Some(&self.text[start..self.at]));
        };
        match self.peek()? {
            b'{' => self.members(step, rest),
            b'[' => self.elements(step, rest),
            _ => self.skip().map(|()| None),
        }
    }

    fn members(&mut self, step: &str, rest: &[String]) -> Result<Option<&'a [u8]>, NotJson> {
        self.at += 1;
        self.space();
        let mut found = None;
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(None);
        }
        loop {
            self.space();
            let start = self.at;
            if self.peek()? != b'"' {
                return Err(NotJson::Unexpected(start));
            }
            self.string()?;
            let is_it = is_key(&self.text[start..self.at], step);
            self.expect(b':')?;
            if is_it {
                found = self.value(rest)?;
            } else {
                self.skip()?;
            }
            if self.is_last(b'}')? {
                return Ok(found);
            }
        }
    }

    fn elements(&mut self, step: &str, rest: &[String]) -> Result<Option<&'a [u8]>, NotJson> {
        self.at += 1;
        self.space();
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(None);
        }
        let is_canonical = step == "0" || (!step.starts_with('0') && step.bytes().all(|byte| byte.is_ascii_digit()));
        let wanted = step.parse::<usize>().ok().filter(|_| is_canonical);
        let mut found = None;
        let mut at = 0;
        loop {
            if wanted == Some(at) {
                found = self.value(rest)?;
            } else {
                self.skip()?;
            }
            if self.is_last(b']')? {
                return Ok(found);
            }
            at += 1;
        }
    }

    /// Whether the closing bracket follows, and not a comma.
    fn is_last(&mut self, close: u8) -> Result<bool, NotJson> {
        self.space();
        let byte = self.peek()?;
        if byte != close && byte != b',' {
            return Err(NotJson::Unexpected(self.at));
        }
        self.at += 1;
        Ok(byte == close)
    }

    /// Goes behind the next value, however deep it is.
    fn skip(&mut self) -> Result<(), NotJson> {
        // The closing brackets that are to come.
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.space();
            match self.peek()? {
                b'"' => self.string()?,
                bracket @ (b'{' | b'[') => {
                    self.at += 1;
                    self.space();
                    let close = bracket + 2;
                    if self.peek()? == close {
                        self.at += 1;
                    } else {
                        open.push(close);
                        if close == b'}' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                _ => self.word()?,
            }
            loop {
                let Some(close) = open.last().copied() else {
                    return Ok(());
                };
                if !self.is_last(close)? {
                    if close == b'}' {
                        self.key()?;
                    }
                    break;
                }
                open.pop();
            }
        }
    }

    fn key(&mut self) -> Result<(), NotJson> {
        self.space();
        if self.peek()? != b'"' {
            return Err(NotJson::Unexpected(self.at));
        }
        self.string()?;
        self.expect(b':')
    }

    /// Goes behind a string; a quote opens it.
    fn string(&mut self) -> Result<(), NotJson> {
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let at = memchr2(b'"', b'\\', rest).ok_or(NotJson::Ends)?;
            if rest[at] == b'"' {
                self.at += at + 1;
                return Ok(());
            }
            if at + 1 >= rest.len() {
                return Err(NotJson::Ends);
            }
            self.at += at + 2;
        }
    }

    /// Goes behind a number or a word, whatever it is.
    fn word(&mut self) -> Result<(), NotJson> {
        let rest = &self.text[self.at..];
        let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let length = rest.iter().take_while(|byte| is_of_word(byte)).count();
        if length == 0 {
            return Err(NotJson::Unexpected(self.at));
        }
        self.at += length;
        Ok(())
    }
}

fn is_key(written: &[u8], key: &str) -> bool {
    let inside = &written[1..written.len() - 1];
    if !inside.contains(&b'\\') {
        return inside == key.as_bytes();
    }
    text(written).is_some_and(|text| text == key.as_bytes())
}

/// The bytes that a JSON string stands for, whether they are UTF-8 or not.
pub(super) fn text(written: &[u8]) -> Option<Vec<u8>> {
    struct Bytes;
    impl Visitor<'_> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }
    }
    let mut json = serde_json::Deserializer::from_slice(written);
    json.deserialize_bytes(Bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn at(text: &str, pointer: &str) -> Option<String> {
        let found = find(text.as_bytes(), pointer).unwrap();
        found.map(|value| String::from_utf8(value.to_vec()).unwrap())
    }

    #[test]
    fn a_value_is_found_as_it_was_written() {
        let text = r#" {"offset": 12345678901234567890123, "a/b": {"~": [1.50, {"x": null}]}, "s": "\u00e4"} "#;
        for (pointer, value) in [
            ("/offset", "12345678901234567890123"),
            ("/a~1b/~0/0", "1.50"),
            ("/a~1b/~0/1", r#"{"x": null}"#),
            ("/a~1b/~0/1/x", "null"),
            ("/s", r#""\u00e4""#),
            ("", text.trim()),
        ] {
            assert_eq!(at(text, pointer).as_deref(), Some(value), "{pointer}");
        }
        for pointer in ["/none", "/offset/0", "/a~1b/~0/2", "/a~1b/~0/00", "/a~1b/~0/-", "/s/x"] {
            assert_eq!(at(text, pointer), None, "{pointer}");
        }
        assert_eq!(at(r#"{"a": 1, "a": 2}"#, "/a").as_deref(), Some("2"));
    }

    #[test]
    fn what_is_not_one_json_value_is_refused() {
        for text in [
            "",
            "{",
            "{\"a\": 1} 2",
            "{\"a\" 1}",
            "{\"a\": 1",
            "{\"a\": 1,}",
            "[1 2]",
            "[1}",
            "\"",
            "\"\\",
            "{1: 2}",
            "{\"b\": [{]}",
        ] {
            assert!(find(text.as_bytes(), "/a").is_err(), "{text}");
        }
    }

    #[test]
    fn whatever_else_stands_in_the_message_is_nobodys_business() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for other in [
            &b"\"\xff\xfe\""[..],
            br#""\ud800""#,
            b"NaN",
            b"-Infinity",
            b"\"\ta\nb\"",
            deep.as_bytes(),
        ] {
            let text = [b"{\"v\": ", other, b", \"k\xff\": 1, \"\\udc00\": 2, \"id\": 7}"].concat();
            assert_eq!(find(&text, "/id"), Ok(Some(&b"7"[..])), "{}", text[..40].escape_ascii());
        }
        assert_eq!(find(b"\xef\xbb\xbf{\"\\u0069d\": 1.10}", "/id"), Ok(Some(&b"1.10"[..])));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(text in "[\\[\\]{}\":,a0\\\\ ]{0,40}", pointer in "(/[a0]?){0,3}") {
            let _ = find(text.as_bytes(), &pointer);
            // Whatever the library takes is taken here.
            if serde_json::from_str::<Value>(&text).is_ok() {
                prop_assert!(find(text.as_bytes(), &pointer).is_ok());
            }
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-c~/]{0,3}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ab~/0]{0,2}", inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_finds_what_serde_json_finds(value in value(), pointer in "(/([ab]|~0|~1|[0-2]){0,2}){0,3}") {
            let text = value.to_string();
            let found = find(text.as_bytes(), &pointer).unwrap();
            let found: Option<Value> = found.map(|raw| serde_json::from_slice(raw).unwrap());
            prop_assert_eq!(found.as_ref(), value.pointer(&pointer));
        }
    }
}
