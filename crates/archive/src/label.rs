//! What the producer says of an archive: which messages it holds, and where the last of them stands in their source.
//!
//! It travels inside the archive, as records of a global PAX header that other readers pass over, so that it survives
//! wherever the archive does: in a pipe, and in a spool.

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;

/// The key of the first and the last message's number: `1-212`.
pub(super) const MESSAGES: &str = "SPOUTCTL.messages";

/// The key of the last message's position.
pub(super) const POSITION: &str = "SPOUTCTL.position";

/// The longest position, in bytes: it is held with each archive, and handed on in an environment variable.
pub const MAX_POSITION: usize = 4096;

/// What the producer says of an archive; what it does not say is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    pub messages: Option<MessageRange>,
    /// Of the last message.
    pub position: Option<Position>,
}

/// Which messages an archive holds: numbers, from 1, without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageRange {
    pub first: u64,
    pub last: u64,
}

impl MessageRange {
    #[must_use]
    pub fn count(self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }

    /// `1-212`, as [`fmt::Display`] writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-')?;
        let number = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| text.parse().ok())?
        };
        let range = Self {
            first: number(first)?,
            last: number(last)?,
        };
        (range.first > 0 && range.first <= range.last).then_some(range)
    }
}

impl fmt::Display for MessageRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// Where a message stands in its source: a Kafka offset, an id, a log position. A JSON value, kept as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position(String);

/// Why something is no position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPosition {
    #[error("a position has at most {MAX_POSITION} bytes")]
    TooLong,
    #[error("a position is text, and this is not UTF-8")]
    NotText,
    #[error("a position is not empty")]
    Empty,
}

impl Position {
    /// A JSON value as it stands in a message.
    ///
    /// # Errors
    /// When it is too long.
    pub fn json(value: &RawValue) -> Result<Self, NoPosition> {
        Self::checked(value.get().to_owned())
    }

    /// Text, which becomes a JSON string.
    ///
    /// # Errors
    /// When it is too long or empty, or no text.
    pub fn text(text: &[u8]) -> Result<Self, NoPosition> {
        let text = std::str::from_utf8(text).map_err(|_| NoPosition::NotText)?;
        if text.is_empty() {
            return Err(NoPosition::Empty);
        }
        Self::checked(serde_json::Value::from(text).to_string())
    }

    /// What a header says: JSON, or else text.
    pub(super) fn of_record(value: &[u8]) -> Result<Self, NoPosition> {
        match serde_json::from_slice::<&RawValue>(value) {
            Ok(json) => Self::json(json),
            Err(_) => Self::text(value),
        }
    }

    fn checked(mut json: String) -> Result<Self, NoPosition> {
        if json.contains(['\n', '\r']) {
            // Only between values, since strings hold none; and what is said of it has to fit on a line.
            json = json.replace(['\n', '\r'], " ");
        }
        if json.len() > MAX_POSITION {
            return Err(NoPosition::TooLong);
        }
        Ok(Self(json))
    }

    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// A string without its quotes, and anything else as it stands: what a shell wants.
    #[must_use]
    pub fn bare(&self) -> String {
        serde_json::from_str(&self.0).unwrap_or_else(|_| self.0.clone())
    }
}

impl Serialize for Position {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(&self.0) {
            Ok(json) => json.serialize(serializer),
            Err(_) => self.0.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_reads_back_and_what_is_none_does_not() {
        let range = MessageRange { first: 7, last: 212 };
        assert_eq!(MessageRange::parse(&range.to_string()), Some(range));
        assert_eq!(range.count(), 206);
        for text in [
            "",
            "1",
            "0-3",
            "4-3",
            "+1-2",
            "1-",
            "-1",
            "1-2-3",
            "1-99999999999999999999",
        ] {
            assert_eq!(MessageRange::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_position_is_handed_on_as_it_was_written() {
        for (record, json, bare) in [
            ("42", "42", "42"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
            ("\"a\\u00e4 b\"", "\"a\\u00e4 b\"", "aä b"),
            (
                "{\"p\": 1, \"o\": 2.50}",
                "{\"p\": 1, \"o\": 2.50}",
                "{\"p\": 1, \"o\": 2.50}",
            ),
            ("{\n\"p\": 1}", "{ \"p\": 1}", "{ \"p\": 1}"),
            ("0/16B3748", "\"0/16B3748\"", "0/16B3748"),
        ] {
            let position = Position::of_record(record.as_bytes()).unwrap();
            assert_eq!((position.as_json(), position.bare().as_str()), (json, bare));
            assert_eq!(serde_json::to_string(&position).unwrap(), json);
        }
    }

    #[test]
    fn what_cannot_be_handed_on_is_no_position() {
        assert_eq!(Position::text(b""), Err(NoPosition::Empty));
        assert_eq!(Position::text(b"\xff"), Err(NoPosition::NotText));
        assert_eq!(Position::text(&[b'x'; MAX_POSITION - 1]), Err(NoPosition::TooLong));
        assert!(Position::text(&[b'x'; MAX_POSITION - 2]).is_ok());
    }
}
