//! `google.protobuf`: the messages that protobuf itself brings.

use bytes::Bytes;
use prost::Message;
use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};

use super::json;

/// What a call asks or answers that has nothing to say; also a message of which only counts that it is there.
#[derive(Clone, Copy, PartialEq, Eq, Message, Serialize, serde::Deserialize)]
pub struct Empty {}

/// A moment; in JSON as RFC 3339 writes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Message)]
pub struct Timestamp {
    /// Since 1970, in UTC.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// 0 to 999,999,999, forwards also before 1970.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
        // jiff counts the part of a second backwards before 1970.
        if nanos < 0 {
            Self {
                seconds: seconds - 1,
                nanos: nanos + 1_000_000_000,
            }
        } else {
            Self { seconds, nanos }
        }
    }
}

impl TryFrom<Timestamp> for jiff::Timestamp {
    type Error = jiff::Error;

    fn try_from(time: Timestamp) -> Result<Self, jiff::Error> {
        Self::new(time.seconds, time.nanos)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = jiff::Timestamp::try_from(*self).map_err(serde::ser::Error::custom)?;
        time.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        jiff::Timestamp::deserialize(deserializer).map(Into::into)
    }
}

/// A length of time; in JSON `0s`, `1.500000000s`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Duration {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl From<std::time::Duration> for Duration {
    fn from(time: std::time::Duration) -> Self {
        Self {
            seconds: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            nanos: i32::try_from(time.subsec_nanos()).unwrap_or(0),
        }
    }
}

impl Duration {
    /// `1.5s`, as JSON has it; pachd takes no other units.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix('s')?;
        let (is_negative, number) = number
            .strip_prefix('-')
            .map_or((false, number), |number| (true, number));
        let (seconds, fraction) = number.split_once('.').unwrap_or((number, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_number = is_digits(seconds) && is_digits(fraction) && !(seconds.is_empty() && fraction.is_empty());
        if !is_number || fraction.len() > 9 {
            return None;
        }
        let seconds: i64 = format!("0{seconds}").parse().ok()?;
        let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
        let sign = if is_negative { -1 } else { 1 };
        Some(Self {
            seconds: seconds * i64::from(sign),
            nanos: nanos * sign,
        })
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(format_args!(
                "invalid value for google.protobuf.Duration type: {text:?}"
            ))
        })
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.nanos == 0 {
            serializer.collect_str(&format_args!("{}s", self.seconds))
        } else {
            serializer.collect_str(&format_args!("{}.{:09}s", self.seconds, self.nanos))
        }
    }
}

/// Bytes that may be unset, or a piece of a file; in JSON in base64.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct BytesValue {
    #[prost(bytes = "bytes", tag = "1")]
    pub value: Bytes,
}

impl From<Bytes> for BytesValue {
    fn from(value: Bytes) -> Self {
        Self { value }
    }
}

impl From<Vec<u8>> for BytesValue {
    fn from(value: Vec<u8>) -> Self {
        Self { value: value.into() }
    }
}

impl Serialize for BytesValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json::bytes::serialize(&self.value, serializer)
    }
}

impl<'de> Deserialize<'de> for BytesValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = json::bytes_value(deserializer)?;
        value
            .map(Into::into)
            .ok_or_else(|| de::Error::custom("invalid value for bytes type: null"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_before_1970_counts_its_nanoseconds_forwards() {
        let time: jiff::Timestamp = "1969-12-31T23:59:59.75Z".parse().unwrap();
        let there = Timestamp::from(time);
        assert_eq!((there.seconds, there.nanos), (-1, 750_000_000));
        assert_eq!(jiff::Timestamp::try_from(there).unwrap(), time);
    }
}
