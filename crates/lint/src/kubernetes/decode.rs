//! Reads the JSON of a pod as Go's decoder does: keys in any case, null as nothing, what is no field dropped, and a
//! value of a wrong type refused.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value as Json};

use super::json::Path;
use super::quantity::Quantity;

/// A pod's spec of nothing but fields that there are, each spelt as it is, none null.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decoded {
    pub spec: Json,
    /// Where a key is dropped because it is no field.
    pub dropped: Vec<String>,
}

/// Reads a pod's spec.
///
/// # Errors
/// The place and what belongs there, when a value is of another type.
pub(crate) fn pod_spec(json: &Json) -> Result<Decoded, String> {
    let mut decoder = Decoder { dropped: Vec::new() };
    let spec = decoder.decode(Kind::Object("PodSpec"), json, Path::Root)?;
    Ok(Decoded {
        spec,
        dropped: decoder.dropped,
    })
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Bool,
    Int32,
    Int64,
    Quantity,
    IntOrText,
    List(&'static Kind),
    Map(&'static Kind),
    Object(&'static str),
}

type Fields = HashMap<&'static str, Kind>;

static TYPES: LazyLock<HashMap<&'static str, Fields>> = LazyLock::new(|| {
    let mut types: HashMap<&'static str, Fields> = HashMap::new();
    let mut name = "";
    for line in include_str!("pod.types").lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        if !line.starts_with(' ') {
            name = words.next().unwrap_or_default();
        }
        let fields = types.entry(name).or_default();
        fields.extend(
            words
                .filter_map(|word| word.split_once('='))
                .map(|(field, kind)| (field, self::kind(kind))),
        );
    }
    types
});

fn kind(written: &'static str) -> Kind {
    let leaked = |of| -> &'static Kind { Box::leak(Box::new(kind(of))) };
    if let Some(of) = written.strip_prefix("[]") {
        return Kind::List(leaked(of));
    }
    if let Some(of) = written.strip_prefix("map:") {
        return Kind::Map(leaked(of));
    }
    match written {
        "string" => Kind::Text,
        "bool" => Kind::Bool,
        "int32" => Kind::Int32,
        "int64" => Kind::Int64,
        "quantity" => Kind::Quantity,
        "intorstring" => Kind::IntOrText,
        name => Kind::Object(name),
    }
}

struct Decoder {
    dropped: Vec<String>,
}

impl Decoder {
    fn decode(&mut self, kind: Kind, json: &Json, path: Path<'_>) -> Result<Json, String> {
        let wrong = |wanted: &str| Err(format!("`{path}` has to be {wanted}, and is {}", what(json)));
        match (kind, json) {
            (Kind::Text, Json::String(_)) | (Kind::Bool, Json::Bool(_)) => Ok(json.clone()),
            (Kind::Text, _) => wrong("a string"),
            (Kind::Bool, _) => wrong("true or false"),
            (Kind::Int64, Json::Number(number)) if number.is_i64() => Ok(json.clone()),
            (Kind::Int32 | Kind::IntOrText, Json::Number(number))
                if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()) =>
            {
                Ok(json.clone())
            }
            (Kind::IntOrText, Json::String(_)) => Ok(json.clone()),
            (Kind::Int32, _) => wrong("a whole number of 32 bits"),
            (Kind::Int64, _) => wrong("a whole number"),
            (Kind::IntOrText, _) => wrong("a whole number or a string"),
            (Kind::Quantity, Json::String(text)) => quantity(text, path),
            (Kind::Quantity, Json::Number(number)) => quantity(&number.to_string(), path),
            (Kind::Quantity, _) => wrong("an amount"),
            (Kind::List(of), Json::Array(elements)) => {
                let elements = elements.iter().enumerate();
                let decoded = elements.map(|(at, element)| match (of, element) {
                    (Kind::Object(_), Json::Null) => Ok(Json::Object(Map::new())),
                    (_, Json::Null) => Ok(Json::String(String::new())),
                    _ => self.decode(*of, element, path.index(at)),
                });
                decoded.collect::<Result<_, _>>().map(Json::Array)
            }
            (Kind::List(_), _) => wrong("a list"),
            (Kind::Map(of), Json::Object(members)) => {
                let decoded = members.iter().map(|(key, value)| {
                    let value = match value {
                        // Go leaves the zero of the type.
                        Json::Null if matches!(of, Kind::Quantity) => Json::String("0".to_owned()),
                        Json::Null => Json::String(String::new()),
                        _ => self.decode(*of, value, path.key(key))?,
                    };
                    Ok::<_, String>((key.clone(), value))
                });
                decoded.collect::<Result<_, _>>().map(Json::Object)
            }
            (Kind::Object(name), Json::Object(members)) => self.object(name, members, path),
            (Kind::Map(_) | Kind::Object(_), _) => wrong("an object"),
        }
    }

    fn object(&mut self, name: &str, members: &Map<String, Json>, path: Path<'_>) -> Result<Json, String> {
        let Some(fields) = TYPES.get(name) else {
            return Ok(Json::Object(members.clone()));
        };
        let mut decoded = Map::new();
        for (key, value) in members {
            let exact = fields.get_key_value(key.as_str());
            let folded = || fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(key));
            let Some((field, kind)) = exact.or_else(folded) else {
                self.dropped.push(path.key(key).to_string());
                continue;
            };
            if !value.is_null() {
                decoded.insert((*field).to_owned(), self.decode(*kind, value, path.key(field))?);
            }
        }
        Ok(Json::Object(decoded))
    }
}

fn what(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

fn quantity(text: &str, path: Path<'_>) -> Result<Json, String> {
    // Its own reader takes spaces round an amount, which pachd's fields may not have.
    let trimmed = text.trim_matches(' ');
    match Quantity::parse(trimmed) {
        Some(_) => Ok(Json::String(trimmed.to_owned())),
        None => Err(format!("`{path}` is `{text}`, which is no amount")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_type_that_a_field_has_is_there() {
        for (name, fields) in TYPES.iter() {
            for kind in fields.values() {
                let mut kind = kind;
                while let Kind::List(of) | Kind::Map(of) = kind {
                    kind = of;
                }
                if let Kind::Object(of) = kind {
                    assert!(TYPES.contains_key(of), "{name} has a {of}");
                }
            }
        }
    }

    #[test]
    fn keys_are_read_in_any_case_and_what_is_no_field_is_dropped() {
        let pod = json!({"NodeSelector": {"a": "b"}, "x": 1, "hostname": null, "containers": [{"Image": "i", "y": 2}]});
        let decoded = pod_spec(&pod).unwrap();
        assert_eq!(
            decoded.spec,
            json!({"nodeSelector": {"a": "b"}, "containers": [{"image": "i"}]})
        );
        assert_eq!(decoded.dropped, ["containers[0].y", "x"]);
    }

    #[test]
    fn a_value_of_another_type_is_refused_with_its_place() {
        let fault = |pod: Json| pod_spec(&pod).unwrap_err();
        assert_eq!(
            fault(json!({"containers": [{"args": [1]}]})),
            "`containers[0].args[0]` has to be a string, and is a number"
        );
        let limit = json!({"volumes": [{"emptyDir": {"sizeLimit": "1GB"}}]});
        assert_eq!(
            fault(limit),
            "`volumes[0].emptyDir.sizeLimit` is `1GB`, which is no amount"
        );
    }
}
