//! What a message says of itself, its key and its position: a value inside it, by a JSON pointer, a column, a field, or
//! what stands before a delimiter.
//!
//! It is taken as it was written: a number keeps its digits, so that two ids never become one.

use std::fmt;

use memchr::memmem;
use serde_json::value::RawValue;

use super::framing::{BYTE_ORDER_MARK, Columns, Message, journal, without_returns};
use super::pointer::{self, text};
use spoutctl_archive::Position;

/// Where a message's key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// RFC 6901: `/user/id`
    Json(String),
    /// Of a CSV record, or of a line with tabs; from 1.
    Column(usize),
    /// All before the first of these bytes.
    Before(Vec<u8>),
    /// Of a journal's entry, or of a server-sent event.
    Field(String),
    /// What its source says that it is.
    Record,
}

/// Why a message has no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoKey(pub String);

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Key {
    /// The key of a message.
    ///
    /// # Errors
    /// When there is none, or an empty one.
    pub fn of(&self, message: &Message<'_>) -> Result<Vec<u8>, NoKey> {
        let body = unmarked(message);
        let key = match self {
            Self::Json(pointer) => json(body, pointer)?,
            Self::Column(number) => column(body, *number, message.columns)?,
            Self::Before(delimiter) => match memmem::find(body, delimiter) {
                Some(at) => body[..at].to_vec(),
                None => return Err(NoKey(format!("`{}` is not in it", delimiter.escape_ascii()))),
            },
            Self::Field(name) => field(body, name, message.columns)?,
            Self::Record => match message.columns {
                Columns::Record(record) => record
                    .key
                    .ok_or_else(|| NoKey("its record has none".to_owned()))?
                    .to_vec(),
                _ => return Err(NoKey("it is no record".to_owned())),
            },
        };
        if key.is_empty() {
            return Err(NoKey("it is empty".to_owned()));
        }
        Ok(key)
    }

    /// The same as text.
    ///
    /// # Errors
    /// As [`Key::of`], and when it is no UTF-8.
    pub fn text_of(&self, message: &Message<'_>) -> Result<String, NoKey> {
        String::from_utf8(self.of(message)?).map_err(|_| NoKey("it is not UTF-8".to_owned()))
    }
}

/// Where a message says its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PositionAt {
    /// RFC 6901: `/offset`. Any JSON value.
    Json(String),
    /// Of a CSV record, or of a line with tabs; from 1. Text.
    Column(usize),
    /// Of a journal's entry, or of a server-sent event. Text.
    Field(String),
}

impl PositionAt {
    /// The position of a message.
    ///
    /// # Errors
    /// When there is none, or it is too long to be one.
    pub fn of(&self, message: &Message<'_>) -> Result<Position, NoKey> {
        let body = unmarked(message);
        let position = match self {
            Self::Json(pointer) => {
                let value = at_pointer(body, pointer)?;
                if value == b"null" {
                    return Err(nothing_at(pointer, body));
                }
                let value: &RawValue = serde_json::from_slice(value)
                    .map_err(|error| NoKey(format!("what is at `{pointer}` is not JSON: {error}")))?;
                Position::json(value)
            }
            Self::Column(number) => Position::text(&column(body, *number, message.columns)?),
            Self::Field(name) => Position::text(&field(body, name, message.columns)?),
        };
        position.map_err(|error| NoKey(error.to_string()))
    }
}

/// A byte order mark before the first message is none of it.
fn unmarked<'a>(message: &Message<'a>) -> &'a [u8] {
    let body = message.body;
    if message.offset == 0 && !matches!(message.columns, Columns::Record(_)) {
        body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
    } else {
        body
    }
}

fn nothing_at(pointer: &str, body: &[u8]) -> NoKey {
    // A whole page of what an API answers, say.
    let hint = if body.trim_ascii_start().starts_with(b"[") {
        "; it is an array, of which `jq -c '.[]'` makes a message of each element"
    } else {
        ""
    };
    NoKey(format!("nothing is at `{pointer}`{hint}"))
}

fn at_pointer<'a>(body: &'a [u8], pointer: &str) -> Result<&'a [u8], NoKey> {
    let found = pointer::find(body, pointer).map_err(|error| NoKey(format!("it is not JSON: {error}")))?;
    found.ok_or_else(|| nothing_at(pointer, body))
}

fn json(body: &[u8], pointer: &str) -> Result<Vec<u8>, NoKey> {
    let value = at_pointer(body, pointer)?;
    match value.first() {
        Some(b'"') => text(value).ok_or_else(|| NoKey(format!("the string at `{pointer}` is not JSON"))),
        Some(b'{' | b'[') => Err(NoKey(format!(
            "what is at `{pointer}` is neither a string, nor a number, nor a boolean"
        ))),
        _ if value == b"null" => Err(NoKey(format!("null is at `{pointer}`"))),
        // As it is written: 1.10 is not 1.1, and no digit is lost.
        _ => match serde_json::from_slice::<&RawValue>(value) {
            Ok(_) => Ok(value.to_vec()),
            Err(error) => Err(NoKey(format!("what is at `{pointer}` is not JSON: {error}"))),
        },
    }
}

fn column(body: &[u8], number: usize, columns: Columns<'_>) -> Result<Vec<u8>, NoKey> {
    let body = without_returns(body);
    let found = match columns {
        Columns::Csv(dialect) => dialect.column(body, number),
        _ => body.split(|byte| *byte == b'\t').nth(number - 1).map(<[u8]>::to_vec),
    };
    found.ok_or_else(|| NoKey(format!("it has fewer than {number} columns")))
}

fn field(body: &[u8], name: &str, columns: Columns<'_>) -> Result<Vec<u8>, NoKey> {
    let found = match (columns, name) {
        (Columns::Journal, _) => journal::field(body, name.as_bytes()),
        (Columns::Event { id, .. }, "id") => Some(id),
        (Columns::Event { kind: [], .. }, "event") => Some(&b"message"[..]),
        (Columns::Event { kind, .. }, "event") => Some(kind),
        _ => None,
    };
    found
        .map(<[u8]>::to_vec)
        .ok_or_else(|| NoKey(format!("it has no field `{name}`")))
}

#[cfg(test)]
mod tests {
    use super::super::framing::Dialect;
    use super::*;

    fn message<'a>(body: &'a [u8], columns: Columns<'a>) -> Message<'a> {
        Message {
            number: 1,
            offset: 0,
            head: b"",
            body,
            tail: b"\n",
            header: None,
            columns,
            is_null: false,
            fault: None,
        }
    }

    fn key(key: &Key, body: &[u8]) -> Result<Vec<u8>, NoKey> {
        key.of(&message(body, Columns::Tabs))
    }

    #[test]
    fn a_key_is_found_where_it_is_said_to_be() {
        let json = br#"{"user": {"id": 42, "name": "an\u00e4"}, "ok": true, "list": [], "none": null}"#;
        let by = |pointer: &str| key(&Key::Json(pointer.to_owned()), json);
        assert_eq!(by("/user/id"), Ok(b"42".to_vec()));
        assert_eq!(by("/user/name"), Ok("anä".as_bytes().to_vec()));
        assert_eq!(by("/ok"), Ok(b"true".to_vec()));
        assert!(by("/list").is_err());
        assert_eq!(by("/none").unwrap_err().0, "null is at `/none`");
        assert_eq!(by("/nothing").unwrap_err().0, "nothing is at `/nothing`");
        let before = Key::Before(b"::".to_vec());
        assert_eq!(key(&before, b"a:b::c::d"), Ok(b"a:b".to_vec()));
        assert!(key(&before, b"::c").is_err());
        assert_eq!(key(&Key::Column(2), b"a\tb c\td"), Ok(b"b c".to_vec()));
        assert!(key(&Key::Column(4), b"a\tb c\td").is_err());
    }

    #[test]
    fn a_number_is_the_key_as_it_was_written() {
        for number in [
            "12345678901234567890123",
            "12345678901234567890124",
            "0.12345678901234567891",
            "1.10",
            "1e2",
            "-0",
            "9007199254740993",
        ] {
            let body = format!("{{\"id\": {number} }}");
            let found = key(&Key::Json("/id".to_owned()), body.as_bytes());
            assert_eq!(found, Ok(number.as_bytes().to_vec()));
        }
        for wrong in ["NaN", "01", "1.", "+1"] {
            let body = format!("{{\"id\": {wrong}}}");
            assert!(key(&Key::Json("/id".to_owned()), body.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn strings_that_differ_are_keys_that_differ() {
        let by = |body: &[u8]| key(&Key::Json("/k".to_owned()), body).unwrap();
        assert_eq!(by(b"{\"k\": \"\xff\"}"), b"\xff");
        assert_eq!(by(b"{\"k\": \"\xfe\"}"), b"\xfe");
        assert_ne!(by(br#"{"k": "\ud800"}"#), by(br#"{"k": "\udc00"}"#));
        assert_eq!(by(b"\xef\xbb\xbf{\"k\": \"a\"}"), b"a");
    }

    #[test]
    fn a_position_is_any_json_value_or_a_column_or_a_field() {
        let body = br#"{"partition": 3, "offset": 42, "at": {"lsn": "0/16B3748"}, "none": null}"#;
        let position = |at: PositionAt, body: &[u8]| at.of(&message(body, Columns::Tabs));
        let at = |pointer: &str| position(PositionAt::Json(pointer.to_owned()), body);
        assert_eq!(at("/offset").unwrap().as_json(), "42");
        assert_eq!(at("/at").unwrap().as_json(), r#"{"lsn": "0/16B3748"}"#);
        assert_eq!(at("/none").unwrap_err().0, "nothing is at `/none`");
        let two = position(PositionAt::Json(String::new()), b"{}{}").unwrap_err();
        assert!(two.0.starts_with("it is not JSON"), "{two}");
        let column = || PositionAt::Column(2);
        assert_eq!(position(column(), b"a\t42\tc").unwrap().as_json(), "\"42\"");
        assert_eq!(position(column(), b"a\t\tc").unwrap_err().0, "a position is not empty");
        let field = |name: &str, columns, body| PositionAt::Field(name.to_owned()).of(&message(body, columns));
        let entry = b"A=1\nB\n\x03\0\0\0\0\0\0\0x\ny\n__CURSOR=s=1\n";
        assert_eq!(field("__CURSOR", Columns::Journal, entry).unwrap().as_json(), "\"s=1\"");
        assert_eq!(field("B", Columns::Journal, entry).unwrap().as_json(), "\"x\\ny\"");
        let event = Columns::Event { id: b"7", kind: b"" };
        assert_eq!(field("id", event, b"data").unwrap().as_json(), "\"7\"");
        assert_eq!(field("event", event, b"data").unwrap().as_json(), "\"message\"");
        assert_eq!(field("x", event, b"data").unwrap_err().0, "it has no field `x`");
    }

    #[test]
    fn a_column_of_csv_may_hold_commas_quotes_and_newlines() {
        let record = b"1,\"a \"\"quoted\"\", \nfield\",last\r";
        let columns = Columns::Csv(Dialect::default());
        let column = |number| Key::Column(number).of(&message(record, columns));
        assert_eq!(column(1), Ok(b"1".to_vec()));
        assert_eq!(column(2), Ok(b"a \"quoted\", \nfield".to_vec()));
        assert_eq!(column(3), Ok(b"last".to_vec()));
        assert_eq!(column(4).unwrap_err().0, "it has fewer than 4 columns");
    }
}
