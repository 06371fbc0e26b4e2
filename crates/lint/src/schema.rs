//! A JSON Schema of a version's specs, made of the same table that the linter holds specs against.
//!
//! It says what a schema can say: which fields there are, in both spellings, of which types, and what a spout must not
//! have beside it. It never refuses what the linter takes. What needs more than a look at one value (an integer of 64
//! bits in quotes, a quantity, a name that two fields make together) is the linter's alone.

use serde_json::{Map, Value, json};

use super::version::Version;
use spoutctl_fields::{Enumeration, Field, Kind, MESSAGES, Message, SPEC, doc, doc_of_value};

/// A number as JSON has it, written as a string; a whole one; one that is not below zero. Whether one with an exponent
/// is whole, no pattern says.
const NUMBER: &str = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$";
const INTEGER: &str = r"^-?(0|[1-9][0-9]*)(\.0+|(\.[0-9]+)?[eE][-+]?[0-9]+)?$";
const NATURAL: &str = r"^(-?0|[1-9][0-9]*)(\.0+|(\.[0-9]+)?[eE][-+]?[0-9]+)?$";
/// The greatest number that becomes a float of 32 bits, rounded down to the greatest of those.
const FLOAT_MAX: f64 = 3.402_823_567_797_336_6e38;
/// As protojson reads a duration, since 2.7.
const SECONDS: &str = r"^[-+]?((0|[1-9][0-9]*)(\.[0-9]{0,9})?|\.[0-9]{0,9})s$";
/// As Go reads one, before.
const GO_DURATION: &str = r"^[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$";

/// A schema (draft 7, which editors know best) of what may be written for a version.
#[must_use]
pub fn schema(version: Version) -> Value {
    let definitions: Map<String, Value> = MESSAGES
        .iter()
        .filter(|message| message.fields_in(version).next().is_some())
        .map(|message| (message.name.to_owned(), object(message, version)))
        .collect();
    let spec = json!({"allOf": [{"$ref": reference(&SPEC)}, {"type": "object"}]});
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": format!("Pachyderm {version} pipeline"),
        "description": format!(
            "What pachctl {version} takes with `create pipeline -f`, in snake_case and in camelCase."
        ),
        "definitions": definitions,
    });
    if version >= Version::new(2, 1) {
        schema["anyOf"] = json!([spec, {"type": "array", "minItems": 1, "items": spec}]);
    } else {
        schema["allOf"] = json!([spec]);
    }
    schema
}

fn reference(message: &Message) -> String {
    format!("#/definitions/{}", message.name)
}

/// `null` is as good as nothing, wherever a field of one value is.
fn object(message: &Message, version: Version) -> Value {
    let mut properties = Map::new();
    let mut rules = Vec::new();
    for field in message.fields_in(version) {
        let value = described(member(field, version), message, field);
        let camel = field.json_name();
        if camel != field.name {
            rules.push(json!({"not": {"required": [field.name, camel]}}));
            properties.insert(camel, value.clone());
        }
        properties.insert(field.name.to_owned(), value);
    }
    if version >= Version::new(2, 7) {
        properties.insert(
            "$schema".to_owned(),
            json!({"description": "For editors; pachctl takes it out."}),
        );
    }
    let mut object = json!({
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": properties,
    });
    match message.name {
        "CreatePipelineRequest" => {
            object["required"] = json!(["pipeline"]);
            let pipeline = &mut object["properties"]["pipeline"];
            *pipeline = json!({
                "allOf": [{"$ref": "#/definitions/Pipeline"}, {"type": "object"}],
                "description": pipeline["description"],
            });
            rules.extend(of_spouts(version));
        }
        "Pipeline" => {
            object["required"] = json!(["name"]);
            object["properties"]["name"]["type"] = json!("string");
            object["properties"]["name"]["pattern"] = json!("^[a-zA-Z0-9][a-zA-Z0-9_-]*$");
        }
        _ => {}
    }
    if !rules.is_empty() {
        object["allOf"] = rules.into();
    }
    object
}

/// What may not stand beside a spout, as far as it is a field that is there or not.
fn of_spouts(version: Version) -> Vec<Value> {
    let has = |name: &str| json!({"required": [name], "properties": {name: {"type": "object"}}});
    let spout = has("spout");
    let served = json!({"required": ["spout"], "properties": {"spout": has("service")}});
    let is_true = |name: &str| json!({"required": [name], "properties": {name: {"const": true}}});
    let mut never = vec![has("service"), is_true("s3_out"), is_true("s3Out")];
    if version >= Version::new(1, 13) {
        never.push(is_true("autoscaling"));
    }
    vec![
        json!({"if": spout, "then": {"not": {"anyOf": never}}}),
        json!({"if": {"allOf": [spout, {"not": served}]}, "then": {"not": has("input")}}),
    ]
}

fn described(mut value: Value, message: &Message, field: &Field) -> Value {
    let versions = field.versions;
    let mut words = doc(message.name, field.name).unwrap_or_default().to_owned();
    if versions != super::version::Versions::ALL {
        words = format!("{words} (Pachyderm {versions})");
    }
    if !words.is_empty() {
        value["description"] = words.into();
    }
    value
}

fn member(field: &Field, version: Version) -> Value {
    // Since 2.8 pachd merges the spec with defaults, for which a list and an object of strings cannot be null.
    let many = |kind: &str| {
        if version < Version::new(2, 8) {
            json!([kind, "null"])
        } else {
            json!(kind)
        }
    };
    if field.repeated {
        return json!({"type": many("array"), "items": element(field.kind, version)});
    }
    match field.kind {
        Kind::Message(message) => json!({"$ref": reference(message)}),
        Kind::Strings => json!({"type": many("object"), "additionalProperties": element(Kind::String, version)}),
        Kind::Internal(_) => json!({"type": ["object", "null"]}),
        Kind::Bool => json!({"type": ["boolean", "null"]}),
        Kind::String | Kind::Timestamp => json!({"type": ["string", "null"]}),
        kind => json!({"anyOf": [one(kind, field.name, version), {"type": "null"}]}),
    }
}

/// An element of a list or a value of a map: jsonpb, before 2.7, took `null` there, too.
fn element(kind: Kind, version: Version) -> Value {
    let one = one(kind, "", version);
    if version < Version::new(2, 7) {
        json!({"anyOf": [one, {"type": "null"}]})
    } else {
        one
    }
}

fn one(kind: Kind, name: &str, version: Version) -> Value {
    // In quotes it is of any size to a schema.
    let integer = |least: i64, most: u64| {
        let pattern = if least < 0 { INTEGER } else { NATURAL };
        let integer = json!({"type": "integer", "minimum": least, "maximum": most});
        json!({"anyOf": [integer, {"type": "string", "pattern": pattern}]})
    };
    match kind {
        Kind::Bool => json!({"type": "boolean"}),
        Kind::String | Kind::Timestamp => json!({"type": "string"}),
        Kind::Int32 => integer(i32::MIN.into(), i32::MAX.unsigned_abs().into()),
        Kind::Int64 | Kind::OptionalInt64 => integer(i64::MIN, i64::MAX.unsigned_abs()),
        Kind::Uint64 => integer(0, u64::MAX),
        Kind::Float | Kind::Double => {
            let endless = json!({"enum": ["NaN", "Infinity", "-Infinity"]});
            let number = match kind {
                Kind::Float => json!({"type": "number", "minimum": -FLOAT_MAX, "maximum": FLOAT_MAX}),
                _ => json!({"type": "number"}),
            };
            let mut number = vec![number, json!({"type": "string", "pattern": NUMBER})];
            if name != "cpu" {
                number.push(endless);
            }
            json!({"anyOf": number})
        }
        Kind::Duration if version < Version::new(2, 7) => json!({"type": "string", "pattern": GO_DURATION}),
        Kind::Duration => json!({"type": "string", "pattern": SECONDS}),
        Kind::Strings | Kind::Internal(_) => json!({"type": "object"}),
        Kind::Enum(names) => enumeration(names),
        Kind::Message(message) => json!({"allOf": [{"$ref": reference(message)}, {"type": "object"}]}),
    }
}

fn enumeration(names: &Enumeration) -> Value {
    let values = names.values.iter().map(|value| {
        let words = doc_of_value(names.name, value).unwrap_or_default();
        json!({"const": value, "description": words})
    });
    let mut any: Vec<Value> = values.collect();
    // Its number is taken, too, and so is a number that stands for none of them.
    any.push(json!({"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX}));
    json!({"anyOf": any})
}
