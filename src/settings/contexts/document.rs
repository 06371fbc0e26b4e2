//! The text of pachctl's configuration. pachctl 2 reads it as YAML, of which JSON is a part: comments, a byte order
//! mark, a comma too many and plain YAML are fine there, and so they are here.

use serde_json::{Map, Value};

use super::fields::Fields;
use spoutctl_lint::source::{Position, SourceFile};
use spoutctl_lint::spec::{self, scalar, tree};

/// Why a text is no configuration. Nothing of what stands in it is repeated.
pub(super) struct Unread {
    pub at: Position,
    pub what: String,
}

/// What a text holds, and whether it is written as JSON.
pub(super) struct Document {
    pub root: Fields,
    pub is_json: bool,
}

/// An empty text is an empty configuration.
pub(super) fn read(source: &SourceFile) -> Result<Document, Unread> {
    let text = source.text().trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        let root = Map::new();
        return Ok(Document { root, is_json: true });
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(root)) => Ok(Document { root, is_json: true }),
        Ok(_) => Err(no_object()),
        Err(error) => match as_yaml(text) {
            Some(root) => Ok(Document { root, is_json: false }),
            None => Err(unread(text, &error)),
        },
    }
}

fn no_object() -> Unread {
    Unread {
        at: Position { line: 1, column: 1 },
        what: "this is no object".to_owned(),
    }
}

fn unread(text: &str, error: &serde_json::Error) -> Unread {
    if !text.trim_start().starts_with(['{', '[']) {
        return Unread {
            what: "this is neither JSON nor YAML with the parts of a configuration".to_owned(),
            ..no_object()
        };
    }
    // Of the library's words only what comes before the place: nothing of the content is in them.
    let words = error.to_string();
    let why = words.split(" at line ").next().unwrap_or_default();
    Unread {
        at: Position {
            line: error.line(),
            column: error.column(),
        },
        what: format!("this is neither JSON nor YAML: {why}"),
    }
}

fn as_yaml(text: &str) -> Option<Fields> {
    let parsed = spec::parse(&SourceFile::new("config.yaml", text));
    let [document] = parsed.documents.as_slice() else {
        return None;
    };
    if parsed.dialect != spec::Dialect::Yaml || !document.whole {
        return None;
    }
    match value(&document.root)? {
        Value::Object(root) => Some(root),
        _ => None,
    }
}

/// `None` for what could not be read, or is there twice: pachctl refuses a key that is.
fn value(node: &tree::Node) -> Option<Value> {
    Some(match &node.value {
        tree::Value::Null => Value::Null,
        tree::Value::Bool(value) => Value::Bool(*value),
        tree::Value::Number(text) => {
            let number = scalar::to_json_number(text).and_then(|number| serde_json::from_str(&number).ok());
            number.map_or_else(|| Value::String(text.clone()), Value::Number)
        }
        tree::Value::String(text) => Value::String(text.value.clone()),
        tree::Value::Array(elements) => Value::Array(elements.iter().map(value).collect::<Option<_>>()?),
        tree::Value::Object(members) => {
            let mut fields = Map::new();
            for member in members {
                if fields.insert(member.key.name.clone(), value(&member.value)?).is_some() {
                    return None;
                }
            }
            Value::Object(fields)
        }
        tree::Value::Unreadable => return None,
    })
}
