//! Fields of a configuration, by either of the names that each has.

use serde_json::{Map, Value};

/// A JSON object.
pub(super) type Fields = Map<String, Value>;

/// Protobuf's JSON takes a field by either of its names; written is the one in `snake_case`.
pub(super) fn is_called(key: &str, name: &str) -> bool {
    key == name || key == camel(name)
}

/// `s3_out` as protojson writes it: `s3Out`.
pub(crate) fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut upper = false;
    for c in name.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                camel.extend(c.to_uppercase());
                upper = false;
            }
            c => camel.push(c),
        }
    }
    camel
}

pub(super) fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a Value> {
    fields.get(name).or_else(|| fields.get(&camel(name)))
}

pub(super) fn set(fields: &mut Fields, name: &str, value: Value) {
    fields.remove(&camel(name));
    fields.insert(name.to_owned(), value);
}
