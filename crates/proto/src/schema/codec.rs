//! One field of a [`MessageSchema`]: its value in JSON, as protobuf writes it, and from one to the other.

use std::fmt::Write as _;

use prost::DecodeError;
use prost::bytes::Buf;
use prost::encoding::{self, DecodeContext, WireType, encode_key, encode_varint, encoded_len_varint};
use serde_json::{Map, Number, Value, json};

use super::{JsonDecodeErrorKind, MessageSchema, Unknown, broken, list};
use crate::google::{Duration, Timestamp};
use spoutctl_fields::{Field, Kind};

/// Of a value that has no such type.
fn wrong_value(wanted: &'static str, value: &Value) -> JsonDecodeErrorKind {
    match value {
        Value::Object(_) | Value::Array(_) => JsonDecodeErrorKind::Token,
        value => JsonDecodeErrorKind::Value {
            wanted,
            found: value.to_string(),
        },
    }
}

/// An integer, which may be written as a text or with a fraction of zero.
fn integer<T: TryFrom<i128>>(value: &Value, wanted: &'static str) -> Result<T, JsonDecodeErrorKind> {
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

fn float(value: &Value) -> Result<Value, JsonDecodeErrorKind> {
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
fn float_value(number: f32) -> Value {
    if let Some(whole) = whole(f64::from(number)).and_then(|whole| i64::try_from(whole).ok()) {
        return whole.into();
    }
    let shortest = number.to_string().parse().ok().and_then(Number::from_f64);
    shortest.map_or(Value::Null, Value::Number)
}

fn double(value: &Value) -> Result<Value, JsonDecodeErrorKind> {
    let number = match value {
        Value::String(text) => text.parse().ok().and_then(Number::from_f64),
        Value::Number(number) => Some(number.clone()),
        _ => None,
    };
    number.map(Value::Number).ok_or_else(|| wrong_value("double", value))
}

fn duration(value: &Value) -> Result<Duration, JsonDecodeErrorKind> {
    let read = value.as_str().and_then(Duration::parse);
    read.ok_or_else(|| wrong_value("google.protobuf.Duration", value))
}

fn duration_value(duration: Duration) -> Value {
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

fn timestamp(value: &Value) -> Result<jiff::Timestamp, JsonDecodeErrorKind> {
    let time = value.as_str().and_then(|text| text.parse().ok());
    time.ok_or_else(|| wrong_value("google.protobuf.Timestamp", value))
}

fn strings(value: &Value, path: &mut Vec<String>) -> Result<Value, JsonDecodeErrorKind> {
    let members = value.as_object().ok_or(JsonDecodeErrorKind::Token)?;
    for (name, value) in members {
        if !value.is_string() {
            path.push(name.clone());
            return Err(wrong_value("string", value));
        }
    }
    Ok(value.clone())
}

fn enumeration(value: &Value, names: &[&str]) -> Result<Value, JsonDecodeErrorKind> {
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

/// What a [`MessageSchema`] does with one field.
pub(super) trait Codec {
    fn read(&self, value: &Value, unknown: Unknown, path: &mut Vec<String>) -> Result<Value, JsonDecodeErrorKind>;
    fn read_one(&self, value: &Value, unknown: Unknown, path: &mut Vec<String>) -> Result<Value, JsonDecodeErrorKind>;
    /// What JSON has for a field that is not set.
    fn unset(&self) -> Value;
    fn is_set(&self, value: &Value) -> bool;
    fn write_one(&self, value: &Value, line: &mut String);
    fn encode_many(&self, tag: u32, values: &[Value], bytes: &mut Vec<u8>);
    fn encode(&self, tag: u32, value: &Value, bytes: &mut Vec<u8>);
    fn decode(
        &self,
        wire: WireType,
        bytes: &mut &[u8],
        depth: usize,
        read: &mut Map<String, Value>,
    ) -> Result<(), DecodeError>;
    fn decode_one(&self, wire: WireType, bytes: &mut &[u8], depth: usize) -> Result<Value, DecodeError>;
}

impl Codec for Field {
    fn read(&self, value: &Value, unknown: Unknown, path: &mut Vec<String>) -> Result<Value, JsonDecodeErrorKind> {
        if value.is_null() {
            return Ok(Value::Null);
        }
        if !self.repeated {
            return self.read_one(value, unknown, path);
        }
        let mut read = Vec::new();
        for (number, value) in value.as_array().ok_or(JsonDecodeErrorKind::Token)?.iter().enumerate() {
            path.push(number.to_string());
            read.push(self.read_one(value, unknown, path)?);
            path.pop();
        }
        Ok(Value::Array(read))
    }

    fn read_one(&self, value: &Value, unknown: Unknown, path: &mut Vec<String>) -> Result<Value, JsonDecodeErrorKind> {
        Ok(match self.kind {
            Kind::Bool if value.is_boolean() => value.clone(),
            Kind::Bool => return Err(wrong_value("bool", value)),
            Kind::String if value.is_string() => value.clone(),
            Kind::String => return Err(wrong_value("string", value)),
            Kind::Int32 => integer::<i32>(value, "int32")?.into(),
            Kind::Int64 | Kind::OptionalInt64 => integer::<i64>(value, "int64")?.to_string().into(),
            Kind::Uint64 => integer::<u64>(value, "uint64")?.to_string().into(),
            Kind::Float => float(value)?,
            Kind::Double => double(value)?,
            Kind::Duration => duration_value(duration(value)?),
            Kind::Timestamp => timestamp(value)?.to_string().into(),
            Kind::Strings => strings(value, path)?,
            Kind::Enum(names) => enumeration(value, names.values)?,
            Kind::Message(of) | Kind::Internal(of) => MessageSchema(of).read_at(value, unknown, path)?,
        })
    }

    fn unset(&self) -> Value {
        match self.kind {
            _ if self.repeated => json!([]),
            Kind::Bool => false.into(),
            Kind::String => "".into(),
            Kind::Int32 | Kind::Float | Kind::Double => 0.into(),
            Kind::Int64 | Kind::Uint64 => "0".into(),
            Kind::Strings => json!({}),
            Kind::Enum(names) => names.values.first().copied().into(),
            Kind::Duration | Kind::Timestamp | Kind::OptionalInt64 | Kind::Message(_) | Kind::Internal(_) => {
                Value::Null
            }
        }
    }

    fn is_set(&self, value: &Value) -> bool {
        !value.is_null() && *value != self.unset()
    }

    fn write_one(&self, value: &Value, line: &mut String) {
        match (self.kind, value) {
            (Kind::Message(of) | Kind::Internal(of), value) => MessageSchema(of).write_line(value, line),
            (_, Value::Object(members)) => list(
                line,
                ('{', '}'),
                &members.iter().collect::<Vec<_>>(),
                |(name, value), line| {
                    let _ = write!(line, "{}:{value}", Value::from(name.as_str()));
                },
            ),
            (_, value) => {
                let _ = write!(line, "{value}");
            }
        }
    }

    fn encode_many(&self, tag: u32, values: &[Value], bytes: &mut Vec<u8>) {
        // Numbers of a list come together in proto3.
        if matches!(self.kind, Kind::Int64) {
            let numbers: Vec<i64> = values.iter().map(number).collect();
            encoding::int64::encode_packed(tag, &numbers, bytes);
            return;
        }
        for value in values {
            self.encode(tag, value, bytes);
        }
    }

    fn encode(&self, tag: u32, value: &Value, bytes: &mut Vec<u8>) {
        match self.kind {
            Kind::Bool => encoding::bool::encode(tag, &value.as_bool().unwrap_or_default(), bytes),
            Kind::String => encode_bytes(tag, value.as_str().unwrap_or_default().as_bytes(), bytes),
            Kind::Int32 => encoding::int32::encode(tag, &number(value), bytes),
            Kind::Int64 => encoding::int64::encode(tag, &number(value), bytes),
            Kind::Uint64 => encoding::uint64::encode(tag, &number(value), bytes),
            #[expect(clippy::cast_possible_truncation, reason = "it was read as a single float")]
            Kind::Float => encoding::float::encode(tag, &(value.as_f64().unwrap_or_default() as f32), bytes),
            Kind::Double => encoding::double::encode(tag, &value.as_f64().unwrap_or_default(), bytes),
            Kind::Duration => {
                if let Ok(duration) = duration(value) {
                    encoding::message::encode(tag, &duration, bytes);
                }
            }
            Kind::Timestamp => {
                if let Ok(time) = timestamp(value) {
                    encoding::message::encode(tag, &Timestamp::from(time), bytes);
                }
            }
            Kind::OptionalInt64 => {
                let mut wrapped = Vec::new();
                match number(value) {
                    0 => {}
                    number => encoding::int64::encode(1, &number, &mut wrapped),
                }
                encode_bytes(tag, &wrapped, bytes);
            }
            Kind::Strings => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    let mut entry = Vec::new();
                    encode_bytes(1, name.as_bytes(), &mut entry);
                    encode_bytes(2, value.as_str().unwrap_or_default().as_bytes(), &mut entry);
                    encode_bytes(tag, &entry, bytes);
                }
            }
            Kind::Enum(names) => {
                let at = value
                    .as_str()
                    .and_then(|name| names.values.iter().position(|known| *known == name));
                let at = at.and_then(|at| i32::try_from(at).ok());
                encoding::int32::encode(tag, &at.unwrap_or_else(|| number(value)), bytes);
            }
            Kind::Message(of) | Kind::Internal(of) => encode_bytes(tag, &MessageSchema(of).encode(value), bytes),
        }
    }

    fn decode(
        &self,
        wire: WireType,
        bytes: &mut &[u8],
        depth: usize,
        read: &mut Map<String, Value>,
    ) -> Result<(), DecodeError> {
        let name = self.json_name();
        if let Kind::Strings = self.kind {
            let mut entry = block(wire, bytes)?;
            let (mut key, mut value) = (String::new(), String::new());
            while entry.has_remaining() {
                match encoding::decode_key(&mut entry)? {
                    (1, wire) => encoding::string::merge(wire, &mut key, &mut entry, DecodeContext::default())?,
                    (2, wire) => encoding::string::merge(wire, &mut value, &mut entry, DecodeContext::default())?,
                    (tag, wire) => encoding::skip_field(wire, tag, &mut entry, DecodeContext::default())?,
                }
            }
            read.entry(name).or_insert_with(|| json!({}))[key] = value.into();
            return Ok(());
        }
        let packed = self.repeated && matches!(self.kind, Kind::Int64) && wire == WireType::LengthDelimited;
        let mut found = Vec::new();
        if packed {
            let mut all = block(wire, bytes)?;
            while all.has_remaining() {
                found.push(self.decode_one(WireType::Varint, &mut all, depth)?);
            }
        } else {
            found.push(self.decode_one(wire, bytes, depth)?);
        }
        match read.get_mut(&name) {
            Some(Value::Array(values)) => values.append(&mut found),
            _ if self.repeated => {
                read.insert(name, found.into());
            }
            // Of several messages in one field protobuf merges; no client of ours writes such.
            _ => read.extend(found.pop().map(|value| (name, value))),
        }
        Ok(())
    }

    fn decode_one(&self, wire: WireType, bytes: &mut &[u8], depth: usize) -> Result<Value, DecodeError> {
        let context = DecodeContext::default();
        Ok(match self.kind {
            Kind::Bool => {
                let mut read = false;
                encoding::bool::merge(wire, &mut read, bytes, context)?;
                read.into()
            }
            Kind::String => {
                let mut read = String::new();
                encoding::string::merge(wire, &mut read, bytes, context)?;
                read.into()
            }
            Kind::Int32 | Kind::Enum(_) => {
                let mut read = 0;
                encoding::int32::merge(wire, &mut read, bytes, context)?;
                match self.kind {
                    Kind::Enum(names) => match usize::try_from(read).ok().and_then(|at| names.values.get(at)) {
                        Some(name) => (*name).into(),
                        None => read.into(),
                    },
                    _ => read.into(),
                }
            }
            Kind::Int64 => {
                let mut read = 0;
                encoding::int64::merge(wire, &mut read, bytes, context)?;
                read.to_string().into()
            }
            Kind::Uint64 => {
                let mut read = 0;
                encoding::uint64::merge(wire, &mut read, bytes, context)?;
                read.to_string().into()
            }
            Kind::Float => {
                let mut read = 0.0;
                encoding::float::merge(wire, &mut read, bytes, context)?;
                float_value(read)
            }
            Kind::Double => {
                let mut read = 0.0;
                encoding::double::merge(wire, &mut read, bytes, context)?;
                Number::from_f64(read).map_or(Value::Null, Value::Number)
            }
            Kind::Duration => duration_value(prost::Message::decode(block(wire, bytes)?)?),
            Kind::Timestamp => {
                let time: Timestamp = prost::Message::decode(block(wire, bytes)?)?;
                let time = jiff::Timestamp::try_from(time).map_err(|_| broken("a time out of range"))?;
                time.to_string().into()
            }
            Kind::OptionalInt64 => {
                let number: i64 = prost::Message::decode(block(wire, bytes)?)?;
                number.to_string().into()
            }
            Kind::Strings => Value::Null,
            Kind::Message(of) | Kind::Internal(of) => MessageSchema(of).decode_at(block(wire, bytes)?, depth)?,
        })
    }
}

/// The bytes of a field that has its length before it.
fn block<'a>(wire: WireType, bytes: &mut &'a [u8]) -> Result<&'a [u8], DecodeError> {
    encoding::check_wire_type(WireType::LengthDelimited, wire)?;
    let length = encoding::decode_varint(bytes)?;
    let length = usize::try_from(length).map_err(|_| broken("a length out of range"))?;
    let (block, rest) = bytes
        .split_at_checked(length)
        .ok_or_else(|| broken("buffer underflow"))?;
    *bytes = rest;
    Ok(block)
}

fn encode_bytes(tag: u32, content: &[u8], bytes: &mut Vec<u8>) {
    bytes.reserve(content.len() + encoded_len_varint(content.len() as u64) + 5);
    encode_key(tag, WireType::LengthDelimited, bytes);
    encode_varint(content.len() as u64, bytes);
    bytes.extend_from_slice(content);
}

/// Of a number as it was read: in digits, or as a text of them.
fn number<T: TryFrom<i128> + Default>(value: &Value) -> T {
    integer(value, "").unwrap_or_default()
}
