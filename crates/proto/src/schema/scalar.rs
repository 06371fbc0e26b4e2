//! One value that holds no other: in JSON, as protobuf writes it, and from one to the other.

use std::fmt;

use prost::DecodeError;
use prost::encoding::{self, WireType, encode_key, encode_varint, encoded_len_varint};
use serde_json::{Number, Value};

use crate::google::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonDecodeErrorKind {
    /// The last of the path is no field.
    Unknown,
    /// A scalar of another type, or out of its range; as it was written.
    Value { wanted: &'static str, found: String },
    /// Something of another structure, such as a text for a list.
    Token,
}

impl fmt::Display for JsonDecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown field"),
            Self::Value { wanted, found } => write!(f, "invalid value for {wanted} type: {found}"),
            Self::Token => f.write_str("unexpected token"),
        }
    }
}

/// Of a value that has no such type.
pub(super) fn wrong_value(wanted: &'static str, value: &Value) -> JsonDecodeErrorKind {
    match value {
        Value::Object(_) | Value::Array(_) => JsonDecodeErrorKind::Token,
        value => JsonDecodeErrorKind::Value {
            wanted,
            found: value.to_string(),
        },
    }
}

/// An integer, which may be written as a text or with a fraction of zero.
pub(super) fn integer<T: TryFrom<i128>>(value: &Value, wanted: &'static str) -> Result<T, JsonDecodeErrorKind> {
    let number = match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_i128().or_else(|| whole(number.as_f64()?)),
        _ => None,
    };
    number
        .and_then(|number: i128| T::try_from(number).ok())
        .ok_or_else(|| wrong_value(wanted, value))
}

/// A number without a fraction, as far as those are exact.
fn whole(number: f64) -> Option<i128> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i128)
}

pub(super) fn float(value: &Value) -> Result<Value, JsonDecodeErrorKind> {
    let number = match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_f64(),
        _ => None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "what is too large becomes infinite")]
    let number = number.map(|number| number as f32).filter(|number| number.is_finite());
    number.map(float_value).ok_or_else(|| wrong_value("float", value))
}

/// With the digits that a single float has, and none where it is whole.
pub(super) fn float_value(number: f32) -> Value {
    if let Some(whole) = whole(f64::from(number)).and_then(|whole| i64::try_from(whole).ok()) {
        return whole.into();
    }
    let shortest = number.to_string().parse().ok().and_then(Number::from_f64);
    shortest.map_or(Value::Null, Value::Number)
}

pub(super) fn double(value: &Value) -> Result<Value, JsonDecodeErrorKind> {
    let number = match value {
        Value::String(text) => text.parse().ok().and_then(Number::from_f64),
        Value::Number(number) => Some(number.clone()),
        _ => None,
    };
    number.map(Value::Number).ok_or_else(|| wrong_value("double", value))
}

pub(super) fn duration(value: &Value) -> Result<Duration, JsonDecodeErrorKind> {
    let read = value.as_str().and_then(Duration::parse);
    read.ok_or_else(|| wrong_value("google.protobuf.Duration", value))
}

pub(super) fn duration_value(duration: Duration) -> Value {
    let sign = if duration.seconds < 0 || duration.nanos < 0 {
        "-"
    } else {
        ""
    };
    let (seconds, nanos) = (duration.seconds.unsigned_abs(), duration.nanos.unsigned_abs());
    let fraction = match nanos {
        0 => String::new(),
        nanos if nanos % 1_000_000 == 0 => format!(".{:03}", nanos / 1_000_000),
        nanos if nanos % 1_000 == 0 => format!(".{:06}", nanos / 1_000),
        nanos => format!(".{nanos:09}"),
    };
    format!("{sign}{seconds}{fraction}s").into()
}

pub(super) fn timestamp(value: &Value) -> Result<jiff::Timestamp, JsonDecodeErrorKind> {
    let time = value.as_str().and_then(|text| text.parse().ok());
    time.ok_or_else(|| wrong_value("google.protobuf.Timestamp", value))
}

pub(super) fn strings(value: &Value, path: &mut Vec<String>) -> Result<Value, JsonDecodeErrorKind> {
    let members = value.as_object().ok_or(JsonDecodeErrorKind::Token)?;
    for (name, value) in members {
        if !value.is_string() {
            path.push(name.clone());
            return Err(wrong_value("string", value));
        }
    }
    Ok(value.clone())
}

pub(super) fn enumeration(value: &Value, names: &[&str]) -> Result<Value, JsonDecodeErrorKind> {
    let known = match value {
        Value::String(name) => names.contains(&name.as_str()).then(|| value.clone()),
        Value::Number(number) => {
            let at = number.as_u64().and_then(|number| usize::try_from(number).ok());
            at.map(|at| names.get(at).map_or_else(|| value.clone(), |name| (*name).into()))
        }
        _ => None,
    };
    known.ok_or_else(|| wrong_value("enum", value))
}

/// The bytes of a field that has its length before it.
pub(super) fn block<'a>(wire: WireType, bytes: &mut &'a [u8]) -> Result<&'a [u8], DecodeError> {
    encoding::check_wire_type(WireType::LengthDelimited, wire)?;
    let length = encoding::decode_varint(bytes)?;
    let length = usize::try_from(length).map_err(|_| broken("a length out of range"))?;
    let (block, rest) = bytes
        .split_at_checked(length)
        .ok_or_else(|| broken("buffer underflow"))?;
    *bytes = rest;
    Ok(block)
}

pub(super) fn encode_bytes(tag: u32, content: &[u8], bytes: &mut Vec<u8>) {
    bytes.reserve(content.len() + encoded_len_varint(content.len() as u64) + 5);
    encode_key(tag, WireType::LengthDelimited, bytes);
    encode_varint(content.len() as u64, bytes);
    bytes.extend_from_slice(content);
}

/// Of a number as it was read: in digits, or as a text of them.
pub(super) fn number<T: TryFrom<i128> + Default>(value: &Value) -> T {
    integer(value, "").unwrap_or_default()
}

#[expect(deprecated, reason = "prost has no other way for a decoder that is not its own")]
pub(super) fn broken(why: &'static str) -> DecodeError {
    DecodeError::new(why)
}
