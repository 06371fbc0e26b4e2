//! What a message says of itself, its key and its position: a value inside it, by a JSON pointer, a column, or what
//! stands before a delimiter.

use std::fmt;

use memchr::memmem;

use super::pointer;
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
}

/// How columns are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    Csv,
    /// By tabs, as `psql`'s COPY and `cut` do.
    Tabs,
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
    /// The key of a message with this body.
    ///
    /// # Errors
    /// When there is none, or an empty one.
    pub fn of(&self, body: &[u8], columns: Columns) -> Result<Vec<u8>, NoKey> {
        let key = match self {
            Self::Json(pointer) => json(body, pointer)?,
            Self::Column(number) => column(body, *number, columns)?,
            Self::Before(delimiter) => match memmem::find(body, delimiter) {
                Some(at) => body[..at].to_vec(),
                None => return Err(NoKey(format!("`{}` is not in it", delimiter.escape_ascii()))),
            },
        };
        if key.is_empty() {
            return Err(NoKey("it is empty".to_owned()));
        }
        Ok(key)
    }
}

/// Where a message says its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PositionAt {
    /// RFC 6901: `/offset`. Any JSON value.
    Json(String),
    /// Of a CSV record, or of a line with tabs; from 1. Text.
    Column(usize, Columns),
}

impl PositionAt {
    /// The position of a message with this body.
    ///
    /// # Errors
    /// When there is none, or it is too long to be one.
    pub fn of(&self, body: &[u8]) -> Result<Position, NoKey> {
        let position = match self {
            Self::Json(pointer) => {
                let found = pointer::find(body, pointer);
                let found = found.map_err(|error| NoKey(format!("it is not JSON: {error}")))?;
                let value = found.filter(|value| value.get() != "null");
                Position::json(&value.ok_or_else(|| NoKey(format!("nothing is at `{pointer}`")))?)
            }
            Self::Column(number, columns) => Position::text(&column(body, *number, *columns)?),
        };
        position.map_err(|error| NoKey(error.to_string()))
    }
}

fn json(body: &[u8], pointer: &str) -> Result<Vec<u8>, NoKey> {
    use serde_json::Value;
    let value: Value = serde_json::from_slice(body).map_err(|error| NoKey(format!("it is not JSON: {error}")))?;
    match value.pointer(pointer) {
        None => Err(NoKey(format!("nothing is at `{pointer}`"))),
        Some(Value::String(text)) => Ok(text.clone().into_bytes()),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string().into_bytes()),
        Some(_) => Err(NoKey(format!(
            "what is at `{pointer}` is neither a string, nor a number, nor a boolean"
        ))),
    }
}

fn column(body: &[u8], number: usize, columns: Columns) -> Result<Vec<u8>, NoKey> {
    let body = body.strip_suffix(b"\r").unwrap_or(body);
    let found = match columns {
        Columns::Tabs => body.split(|byte| *byte == b'\t').nth(number - 1).map(<[u8]>::to_vec),
        Columns::Csv => csv_column(body, number),
    };
    found.ok_or_else(|| NoKey(format!("it has fewer than {number} columns")))
}

fn csv_column(record: &[u8], number: usize) -> Option<Vec<u8>> {
    use csv_core::ReadFieldResult;
    let mut reader = csv_core::Reader::new();
    let (mut rest, mut field) = (record, vec![0; record.len()]);
    for at in 1..=number {
        let mut length = 0;
        let is_last = loop {
            let (result, read, written) = reader.read_field(rest, &mut field[length..]);
            rest = &rest[read..];
            length += written;
            match result {
                // Asked again without input, it says where the last field ends.
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::Field { record_end } => break record_end,
                ReadFieldResult::OutputFull | ReadFieldResult::End => return None,
            }
        };
        if at == number {
            field.truncate(length);
            return Some(field);
        }
        if is_last {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_where_it_is_said_to_be() {
        let json = br#"{"user": {"id": 42, "name": "an\u00e4"}, "ok": true, "list": []}"#;
        let by = |pointer: &str| Key::Json(pointer.to_owned()).of(json, Columns::Tabs);
        assert_eq!(by("/user/id"), Ok(b"42".to_vec()));
        assert_eq!(by("/user/name"), Ok("anä".as_bytes().to_vec()));
        assert_eq!(by("/ok"), Ok(b"true".to_vec()));
        assert!(by("/list").is_err());
        assert_eq!(by("/none").unwrap_err().0, "nothing is at `/none`");
        assert_eq!(
            Key::Before(b"::".to_vec()).of(b"a:b::c::d", Columns::Tabs),
            Ok(b"a:b".to_vec())
        );
        assert!(Key::Before(b"::".to_vec()).of(b"::c", Columns::Tabs).is_err());
        assert_eq!(Key::Column(2).of(b"a\tb c\td", Columns::Tabs), Ok(b"b c".to_vec()));
        assert!(Key::Column(4).of(b"a\tb c\td", Columns::Tabs).is_err());
    }

    #[test]
    fn a_position_is_any_json_value_or_a_column() {
        let body = br#"{"partition": 3, "offset": 42, "at": {"lsn": "0/16B3748"}, "none": null}"#;
        let at = |pointer: &str| PositionAt::Json(pointer.to_owned()).of(body);
        assert_eq!(at("/offset").unwrap().as_json(), "42");
        assert_eq!(at("/at").unwrap().as_json(), r#"{"lsn": "0/16B3748"}"#);
        assert_eq!(at("/none").unwrap_err().0, "nothing is at `/none`");
        assert!(
            PositionAt::Json(String::new())
                .of(b"{}{}")
                .unwrap_err()
                .0
                .starts_with("it is not JSON")
        );
        let column = PositionAt::Column(2, Columns::Tabs);
        assert_eq!(column.of(b"a\t42\tc").unwrap().as_json(), "\"42\"");
        assert_eq!(column.of(b"a\t\tc").unwrap_err().0, "a position is not empty");
    }

    #[test]
    fn a_column_of_csv_may_hold_commas_quotes_and_newlines() {
        let record = b"1,\"a \"\"quoted\"\", \nfield\",last\r";
        let column = |number| Key::Column(number).of(record, Columns::Csv);
        assert_eq!(column(1), Ok(b"1".to_vec()));
        assert_eq!(column(2), Ok(b"a \"quoted\", \nfield".to_vec()));
        assert_eq!(column(3), Ok(b"last".to_vec()));
        assert_eq!(column(4).unwrap_err().0, "it has fewer than 4 columns");
    }
}
