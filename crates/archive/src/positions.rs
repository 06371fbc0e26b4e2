//! Where a message stands in its source, and where a source goes on that has several places to go on at: the partitions
//! of topics, or sources that each message names by itself.
//!
//! As text, positions by source are a JSON object without spaces: `{"0":4711,"1":12}`. What is a space in it, or a
//! percent sign, is written as in a URL. Positions of partitions never begin with a brace.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use spoutctl_core::positions::{MAX_POSITIONS, NoPositions, Positions};

/// The longest position, in bytes: it is held with each archive, and handed on in an environment variable.
pub const MAX_POSITION: usize = 4096;

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

    /// As JSON, as it was written.
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

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let value = Box::<RawValue>::deserialize(json)?;
        Self::json(&value).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(&self.0) {
            Ok(json) => json.serialize(serializer),
            Err(_) => self.0.serialize(serializer),
        }
    }
}

/// Where a source goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PositionMap {
    /// The next offset of each partition.
    Partitions(Positions),
    /// The last position of each source.
    Sources(SourcePositions),
}

/// The positions are those of another kind of source than the one that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OtherPositions {
    #[error("the newest commit of this stream says positions of Kafka's partitions, and none by --position-by")]
    OfPartitions,
    #[error("the newest commit of this stream says positions by --position-by, and none of Kafka's partitions")]
    BySource,
}

impl PositionMap {
    /// Those of partitions.
    ///
    /// # Errors
    /// When they are others.
    pub fn partitions(self) -> Result<Positions, OtherPositions> {
        match self {
            Self::Partitions(positions) => Ok(positions),
            Self::Sources(_) => Err(OtherPositions::BySource),
        }
    }

    /// Those by source.
    ///
    /// # Errors
    /// When they are others.
    pub fn sources(self) -> Result<SourcePositions, OtherPositions> {
        match self {
            Self::Sources(positions) => Ok(positions),
            Self::Partitions(_) => Err(OtherPositions::OfPartitions),
        }
    }

    /// Bytes of the text, at most, whatever offsets partitions will have.
    #[must_use]
    pub fn most(&self) -> usize {
        match self {
            Self::Partitions(positions) => positions.most(),
            Self::Sources(positions) => positions.most(),
        }
    }
}

/// By source, where the last message of it stands. In the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourcePositions {
    of: BTreeMap<String, Position>,
    /// What the sources take in the text.
    bytes: usize,
}

impl SourcePositions {
    /// Where the last message of a source stands.
    #[must_use]
    pub fn of(&self, source: &str) -> Option<&Position> {
        self.of.get(source)
    }

    /// How many sources are known.
    #[must_use]
    pub fn count(&self) -> usize {
        self.of.len()
    }

    /// Whatever its position was, a source's last message stands there now.
    pub fn set(&mut self, source: &str, position: Position) {
        self.bytes = self.bytes_with(source, &position);
        match self.of.get_mut(source) {
            Some(known) => *known = position,
            None => drop(self.of.insert(source.to_owned(), position)),
        }
    }

    /// Bytes of the text, and one comma more.
    #[must_use]
    pub fn most(&self) -> usize {
        self.bytes + BRACES
    }

    /// The same once a source's last message stands there.
    #[must_use]
    pub fn most_with(&self, source: &str, position: &Position) -> usize {
        self.bytes_with(source, position) + BRACES
    }

    fn bytes_with(&self, source: &str, position: &Position) -> usize {
        let new = escaped_length(position.as_json());
        match self.of.get(source) {
            Some(known) => self.bytes - escaped_length(known.as_json()) + new,
            None => self.bytes + escaped_length(&quoted(source)) + ":,".len() + new,
        }
    }

    /// As a JSON object, with each position as it was written.
    #[must_use]
    pub fn to_json(&self) -> String {
        let members = self.of.iter();
        let members = members.map(|(source, position)| format!("{}:{}", quoted(source), position.as_json()));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

const BRACES: usize = "{}".len();

fn quoted(source: &str) -> String {
    serde_json::Value::from(source).to_string()
}

fn is_escaped(byte: u8) -> bool {
    matches!(byte, b' ' | b'%')
}

fn escaped_length(text: &str) -> usize {
    text.len() + 2 * text.bytes().filter(|byte| is_escaped(*byte)).count()
}

impl fmt::Display for SourcePositions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json().replace('%', "%25").replace(' ', "%20"))
    }
}

impl FromStr for SourcePositions {
    type Err = NoPositions;

    fn from_str(text: &str) -> Result<Self, NoPositions> {
        if text.len() > MAX_POSITIONS || text.contains(['\n', '\r']) {
            return Err(NoPositions);
        }
        let json = text.replace("%20", " ").replace("%25", "%");
        let of: BTreeMap<String, Position> = serde_json::from_str(&json).map_err(|_| NoPositions)?;
        let mut positions = Self::default();
        for (source, position) in of {
            positions.set(&source, position);
        }
        Ok(positions)
    }
}

impl fmt::Display for PositionMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partitions(positions) => positions.fmt(f),
            Self::Sources(positions) => positions.fmt(f),
        }
    }
}

impl FromStr for PositionMap {
    type Err = NoPositions;

    fn from_str(text: &str) -> Result<Self, NoPositions> {
        if text.starts_with('{') {
            text.parse().map(Self::Sources)
        } else {
            text.parse().map(Self::Partitions)
        }
    }
}

/// As users see it: by topic and partition, or by source.
impl Serialize for PositionMap {
    fn serialize<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Partitions(positions) => json.collect_map(positions.topics()),
            Self::Sources(positions) => json.collect_map(&positions.of),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Values that positions may be.
    const JSON: &str = r#""[a-z% ]{0,9}"|-?[1-9][0-9]{0,30}|\{"a b": [12]\}"#;

    fn position(json: &str) -> Position {
        serde_json::from_str(json).unwrap()
    }

    proptest! {
        #[test]
        fn positions_read_back_as_they_were_written_and_have_no_space_and_their_length_is_known(
            said in proptest::collection::vec((".{0,3}", JSON), 0..9),
        ) {
            let mut positions = SourcePositions::default();
            for (source, json) in &said {
                let length = positions.most_with(source, &position(json));
                positions.set(source, position(json));
                prop_assert_eq!(positions.most(), length);
                prop_assert_eq!(positions.of(source).unwrap().as_json(), json);
            }
            let text = positions.to_string();
            prop_assert!(!text.contains([' ', '\n']));
            // Of the last one no comma is there.
            prop_assert_eq!(text.len() + usize::from(positions.count() > 0), positions.most());
            let map = PositionMap::Sources(positions.clone());
            prop_assert_eq!(serde_json::to_string(&map).unwrap(), positions.to_json());
            prop_assert_eq!(text.parse(), Ok(map));
        }

        #[test]
        fn any_text_says_positions_or_does_not_and_never_panics(text in "\\{?[\"A-Za-z0-9:,/%{}-]{0,40}") {
            if let Ok(positions) = text.parse::<PositionMap>() {
                prop_assert_eq!(positions.to_string().parse(), Ok(positions));
            }
        }
    }

    #[test]
    fn positions_of_partitions_and_by_source_are_told_apart() {
        let partitions: PositionMap = "c/orders:1,2".parse().unwrap();
        let sources: PositionMap = r#"{"0":4711,"a%20b":"0/16B"}"#.parse().unwrap();
        assert_eq!(serde_json::to_string(&partitions).unwrap(), r#"{"orders":[1,2]}"#);
        assert_eq!(serde_json::to_string(&sources).unwrap(), r#"{"0":4711,"a b":"0/16B"}"#);
        assert_eq!(partitions.sources(), Err(OtherPositions::OfPartitions));
        assert_eq!(sources.partitions(), Err(OtherPositions::BySource));
        for text in ["", "{", "[]", "{\"a\"}", "{\"a\":1}{}", "{\"a\":\n1}"] {
            assert_eq!(text.parse::<PositionMap>(), Err(NoPositions), "{text}");
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
