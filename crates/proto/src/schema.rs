//! Messages that are too large to be a struct each: a table of their fields, and values in JSON.
//!
//! A pipeline's spec is some forty messages, which nothing here looks into: they come as JSON or as protobuf and go on
//! as the other. So a message is a [`Value`] whose names are camelCase, whose 64-bit integers and lengths of time are
//! strings and whose enums are names, as pachd writes it; its [`MessageSchema`] says what may be in it.

mod scalar;

use std::fmt::Write as _;

use prost::DecodeError;
use prost::bytes::Buf;
use prost::encoding::{self, DecodeContext, WireType};
use serde::Serialize;
use serde_json::{Map, Number, Value, json};

pub use self::scalar::JsonDecodeErrorKind;
use self::scalar::{
    block, broken, double, duration, duration_value, encode_bytes, enumeration, float, float_value, integer, number,
    strings, timestamp, wrong_value,
};
use super::google::Timestamp;
use spoutctl_fields::version::Version;
use spoutctl_fields::{Field, Kind, Message};

/// How deep messages may nest, as protobuf's own readers have it.
const DEPTH: usize = 100;

/// Reads and writes a message by what [`spoutctl_fields`] says of it, as the newest version has it: older ones of 2.x
/// have the same numbers and fewer fields.
#[derive(Debug, Clone, Copy)]
pub struct MessageSchema(pub &'static Message);

/// A message and what it may have, as an answer.
#[derive(Debug, Clone)]
pub struct DynamicMessage {
    pub value: Value,
    pub schema: MessageSchema,
}

/// What a server can answer, in either form.
pub trait Answer {
    /// As pachd's gateway writes it: with every field.
    ///
    /// # Errors
    /// When a value has no form in JSON.
    fn to_json(&self) -> serde_json::Result<Vec<u8>>;
    /// As gRPC carries it.
    fn to_protobuf(&self) -> Vec<u8>;
}

impl<T: Serialize + prost::Message> Answer for T {
    fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    fn to_protobuf(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

impl Answer for DynamicMessage {
    fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&self.schema.complete(&self.value))
    }

    fn to_protobuf(&self) -> Vec<u8> {
        self.schema.encode(&self.value)
    }
}

/// Why JSON is not of a shape, and where in it: keys and numbers of elements, as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonDecodeError {
    pub path: Vec<String>,
    pub what: JsonDecodeErrorKind,
}

/// What to do about fields that are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    Refuse,
    Ignore,
}

impl MessageSchema {
    fn fields(self) -> impl Iterator<Item = &'static Field> {
        self.0.fields_in(Version::NEWEST)
    }

    fn named(self, name: &str) -> Option<&'static Field> {
        self.fields().find(|field| field.is_spelt(name))
    }

    /// What pachd calls the field of this name, which may be in either spelling, and the messages that it holds, if it
    /// holds any.
    #[must_use]
    pub fn field(self, name: &str) -> Option<(String, Option<Self>)> {
        let field = self.named(name)?;
        let of = match field.kind {
            Kind::Message(of) | Kind::Internal(of) => Some(Self(of)),
            _ => None,
        };
        Some((field.json_name(), of))
    }

    /// Reads what a client wrote. Fields that are `null` stay so, which a merge can tell from unset ones.
    ///
    /// # Errors
    /// When it is not of this shape.
    pub fn read(self, value: &Value, unknown: Unknown) -> Result<Value, JsonDecodeError> {
        let mut path = Vec::new();
        self.read_at(value, unknown, &mut path)
            .map_err(|what| JsonDecodeError { path, what })
    }

    fn read_at(self, value: &Value, unknown: Unknown, path: &mut Vec<String>) -> Result<Value, JsonDecodeErrorKind> {
        let members = value.as_object().ok_or(JsonDecodeErrorKind::Token)?;
        let mut read = Map::new();
        for (name, value) in members {
            path.push(name.clone());
            match self.named(name) {
                Some(field) => {
                    read.insert(field.json_name(), field.read(value, unknown, path)?);
                }
                None if unknown == Unknown::Ignore => {}
                None => return Err(JsonDecodeErrorKind::Unknown),
            }
            path.pop();
        }
        Ok(Value::Object(read))
    }

    /// With every field that is not set, as pachd writes its answers.
    #[must_use]
    pub fn complete(self, value: &Value) -> Value {
        let members = self.fields().map(|field| {
            let name = field.json_name();
            let value = match (value.get(&name), field.kind) {
                (None | Some(Value::Null), _) => field.unset(),
                (Some(Value::Array(values)), Kind::Message(of) | Kind::Internal(of)) => {
                    values.iter().map(|value| Self(of).complete(value)).collect()
                }
                (Some(value), Kind::Message(of) | Kind::Internal(of)) => Self(of).complete(value),
                (Some(value), _) => value.clone(),
            };
            (name, value)
        });
        Value::Object(members.collect())
    }

    /// Without the fields that have the value of one that is not set.
    #[must_use]
    pub fn populated(self, value: &Value) -> Value {
        let members = self.fields().filter_map(|field| {
            let name = field.json_name();
            let value = value.get(&name).filter(|value| field.is_set(value))?;
            let value = match (value, field.kind) {
                (Value::Array(values), Kind::Message(of) | Kind::Internal(of)) => {
                    values.iter().map(|value| Self(of).populated(value)).collect()
                }
                (value, Kind::Message(of) | Kind::Internal(of)) => Self(of).populated(value),
                (value, _) => value.clone(),
            };
            Some((name, value))
        });
        Value::Object(members.collect())
    }

    /// As a line of JSON, what is set in the order of the table: the way that pachd writes a spec.
    #[must_use]
    pub fn to_line(self, value: &Value) -> String {
        let mut line = String::new();
        self.write_line(value, &mut line);
        line
    }

    fn write_line(self, value: &Value, line: &mut String) {
        line.push('{');
        let mut is_first = true;
        for field in self.fields() {
            let name = field.json_name();
            let Some(value) = value.get(&name).filter(|value| field.is_set(value)) else {
                continue;
            };
            if !is_first {
                line.push_str(", ");
            }
            is_first = false;
            // A name needs no escapes.
            let _ = write!(line, "\"{name}\":");
            match value {
                Value::Array(values) => list(line, ('[', ']'), values, |value, line| field.write_one(value, line)),
                value => field.write_one(value, line),
            }
        }
        line.push('}');
    }

    /// As protobuf. Takes what [`MessageSchema::read`] or [`MessageSchema::decode`] has made.
    #[must_use]
    pub fn encode(self, value: &Value) -> Vec<u8> {
        let mut bytes = Vec::new();
        for field in self.fields() {
            let value = value.get(field.json_name());
            match (field.tag, value.filter(|value| field.is_set(value))) {
                (None, _) | (_, None) => {}
                (Some(tag), Some(Value::Array(values))) => field.encode_many(tag, values, &mut bytes),
                (Some(tag), Some(value)) => field.encode(tag, value, &mut bytes),
            }
        }
        bytes
    }

    /// From protobuf. Fields that are not known are passed over.
    ///
    /// # Errors
    /// When it is no message of this shape.
    pub fn decode(self, bytes: &[u8]) -> Result<Value, DecodeError> {
        self.decode_at(bytes, DEPTH)
    }

    fn decode_at(self, mut bytes: &[u8], depth: usize) -> Result<Value, DecodeError> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(broken("recursion limit reached"));
        };
        let mut read = Map::new();
        while bytes.has_remaining() {
            let (tag, wire) = encoding::decode_key(&mut bytes)?;
            match self.fields().find(|field| field.tag == Some(tag)) {
                Some(field) => field.decode(wire, &mut bytes, depth, &mut read)?,
                None => encoding::skip_field(wire, tag, &mut bytes, DecodeContext::default())?,
            }
        }
        Ok(Value::Object(read))
    }
}

/// What a [`MessageSchema`] does with one field.
trait Codec {
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

fn list<'a, T: 'a>(
    line: &mut String,
    (open, close): (char, char),
    all: impl IntoIterator<Item = &'a T>,
    write: impl Fn(&T, &mut String),
) {
    line.push(open);
    for (number, one) in all.into_iter().enumerate() {
        if number > 0 {
            line.push_str(", ");
        }
        write(one, line);
    }
    line.push(close);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::spec::CREATE_PIPELINE_REQUEST as SPEC;
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<Value, JsonDecodeError> {
        SPEC.read(value, Unknown::Refuse)
    }

    /// Something of everything.
    fn large() -> Value {
        json!({
            "pipeline": {"name": "a", "project": {"name": "p"}},
            "transform": {"cmd": ["sh", "-c"], "env": {"A": "1", "B": ""}, "accept_return_code": [1, "2", -3],
                "secrets": [{"name": "s", "key": "k", "env_var": "V"}], "datumBatching": true, "user": "ü"},
            "parallelism_spec": {"constant": "2"},
            "egress": {"URL": "s3://b", "sqlDatabase": {"fileFormat": {"type": "PARQUET", "columns": ["c"]}}},
            "input": {"cross": [{"pfs": {"repo": "r", "glob": "/*"}}, {"cron": {"start": "2026-01-02T03:04:05.5Z"}}]},
            "resource_limits": {"cpu": 0.1, "gpu": {"type": "x", "number": 1}},
            "spout": {"service": {"internal_port": 80, "externalPort": "8080"}},
            "datum_timeout": "1.5s", "jobTimeout": "-90s",
            "tolerations": [{"operator": "EQUAL", "effect": 3, "toleration_seconds": 0}, {}],
            "update": false
        })
    }

    #[test]
    fn a_spec_is_the_same_after_its_way_through_protobuf() {
        let spec = read(&large()).unwrap();
        let again = SPEC.decode(&SPEC.encode(&spec)).unwrap();
        assert_eq!(SPEC.populated(&spec), SPEC.populated(&again));
        let text = SPEC.to_line(&spec);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), SPEC.populated(&spec));
        assert!(
            text.starts_with(r#"{"pipeline":{"project":{"name":"p"}, "name":"a"}, "transform":{"cmd":["sh", "-c"], "#)
        );
        assert!(
            text.contains(r#""cpu":0.1, "gpu":{"type":"x", "number":"1"}"#),
            "{text}"
        );
        assert!(
            text.contains(r#""datumTimeout":"1.500s", "jobTimeout":"-90s""#),
            "{text}"
        );
        assert!(text.contains(r#""tolerationSeconds":"0""#), "{text}");
    }

    #[test]
    fn what_is_not_of_the_shape_is_named_with_its_place() {
        for (spec, path, words) in [
            (json!({"foo": 1}), "foo", "unknown field"),
            (json!({"transform": {"cmd": "x"}}), "transform/cmd", "unexpected token"),
            (
                json!({"transform": {"cmd": ["x", 1]}}),
                "transform/cmd/1",
                "invalid value for string type: 1",
            ),
            (json!({"spout": true}), "spout", "unexpected token"),
            (
                json!({"datumTries": "a"}),
                "datumTries",
                "invalid value for int64 type: \"a\"",
            ),
            (
                json!({"datum_tries": 1.5}),
                "datum_tries",
                "invalid value for int64 type: 1.5",
            ),
            (
                json!({"parallelismSpec": {"constant": -3}}),
                "parallelismSpec/constant",
                "invalid value for uint64 type: -3",
            ),
            (
                json!({"jobTimeout": "1m"}),
                "jobTimeout",
                "invalid value for google.protobuf.Duration type: \"1m\"",
            ),
            (
                json!({"transform": {"env": {"A": 1}}}),
                "transform/env/A",
                "invalid value for string type: 1",
            ),
            (
                json!({"tolerations": [{"effect": "x"}]}),
                "tolerations/0/effect",
                "invalid value for enum type: \"x\"",
            ),
        ] {
            let error = read(&spec).unwrap_err();
            assert_eq!(
                (error.path.join("/").as_str(), error.what.to_string().as_str()),
                (path, words)
            );
        }
        assert_eq!(SPEC.read(&json!({"foo": 1}), Unknown::Ignore), Ok(json!({})));
    }

    #[test]
    fn an_answer_has_every_field() {
        let spec = SPEC.complete(&json!({"transform": {}}));
        assert_eq!(spec["transform"]["cmd"], json!([]));
        assert_eq!((&spec["datumTries"], &spec["spout"]), (&json!("0"), &Value::Null));
    }

    proptest! {
        #[test]
        fn bytes_that_are_no_message_are_an_error_at_most(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = SPEC.decode(&bytes) {
                prop_assert_eq!(SPEC.populated(&SPEC.decode(&SPEC.encode(&value)).unwrap()), SPEC.populated(&value));
            }
        }
    }
}
