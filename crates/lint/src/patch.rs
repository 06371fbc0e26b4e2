//! Applies a JSON Patch as pachd does, which differs from RFC 6902 in a few ways: it uses evanphx/json-patch 4.12.
//!
//! `replace` of a key that is not there adds it, an index below zero counts from the end, and `replace` of the whole
//! document by what is neither object nor array does nothing.

use serde_json::{Value as Json, json};

/// Applies one operation.
///
/// # Errors
/// Why it does not apply, in words that go on after the operation.
pub(super) fn apply(document: &mut Json, operation: &Json) -> Result<(), String> {
    let text = |key: &str| operation.get(key).and_then(Json::as_str);
    let value = operation.get("value").cloned().unwrap_or(Json::Null);
    let path = text("path").ok_or("has no `path`")?;
    let op = text("op").unwrap_or_default();
    if path.is_empty() {
        return whole(document, op, value);
    }
    match op {
        "move" | "copy" => {
            let from = text("from").ok_or("has no `from`")?;
            let source = locate(document, from, false)?;
            let moved = document.pointer(&source.pointer()).cloned();
            if op == "move" {
                if moved.is_none() {
                    return Err(format!("finds nothing at {}", quoted(from)));
                }
                run(document, &json!({"op": "remove", "path": source.pointer()}))?;
            }
            let target = locate(document, path, true)?;
            let value = moved.unwrap_or(Json::Null);
            run(
                document,
                &json!({"op": "add", "path": target.pointer(), "value": value}),
            )
        }
        "add" => {
            let place = locate(document, path, true)?;
            run(document, &json!({"op": "add", "path": place.pointer(), "value": value}))
        }
        "replace" => {
            let place = locate(document, path, false)?;
            let op = if place.is_index { "replace" } else { "add" };
            run(document, &json!({"op": op, "path": place.pointer(), "value": value}))
        }
        "remove" => {
            let place = locate(document, path, false)?;
            match document.pointer(&place.pointer()) {
                None => Err(format!("finds nothing at {}", quoted(path))),
                Some(_) => run(document, &json!({"op": "remove", "path": place.pointer()})),
            }
        }
        "test" => {
            let place = locate(document, path, false)?;
            match document.pointer(&place.pointer()) {
                None | Some(Json::Null) if value.is_null() => Ok(()),
                None => Err(format!("finds nothing at {}", quoted(path))),
                Some(_) => run(
                    document,
                    &json!({"op": "test", "path": place.pointer(), "value": value}),
                )
                .map_err(|_| format!("finds another value at {}", quoted(path))),
            }
        }
        "" => Err("has no `op`".to_owned()),
        _ => Err(format!("has an unknown `op`, {}", quoted(op))),
    }
}

/// Each copy may double a document, and a move takes as long. What is larger than this no API server takes, at three
/// bytes a value.
const MOST_COPIED: usize = 1 << 20;

/// No pod is deeper, and whoever walks over a document has a stack of some size.
const DEEPEST: usize = 256;

/// Whether more is copied or moved by an operation and those before it, or lies deeper after it, than can be looked at.
pub(super) fn is_excessive(document: &Json, operation: &Json, copied: &mut usize) -> bool {
    let text = |key: &str| operation.get(key).and_then(Json::as_str).unwrap_or_default();
    let is_from_elsewhere = matches!(text("op"), "copy" | "move");
    let moved = if is_from_elsewhere {
        let source = locate(document, text("from"), false).ok();
        source.and_then(|source| document.pointer(&source.pointer()))
    } else {
        operation.get("value")
    };
    let (values, depth) = moved.map_or((0, 0), extent);
    *copied += if is_from_elsewhere { values } else { 0 };
    *copied > MOST_COPIED || text("path").matches('/').count() + depth > DEEPEST
}

/// How many values are in one, and how deep. A text counts as one for every three bytes, so that no value is of more.
pub(super) fn extent(value: &Json) -> (usize, usize) {
    let add = |(values, depth): (usize, usize), inner: &Json| {
        let (more, deeper) = extent(inner);
        (values + more, depth.max(deeper + 1))
    };
    match value {
        Json::Array(elements) => elements.iter().fold((1, 0), add),
        Json::Object(members) => members.iter().fold((1, 0), |(values, depth), (key, inner)| {
            add((values + extent_of_text(key), depth), inner)
        }),
        Json::String(text) => (extent_of_text(text), 0),
        _ => (1, 0),
    }
}

fn extent_of_text(text: &str) -> usize {
    1 + text.len() / 3
}

fn quoted(text: &str) -> String {
    super::view::shown(text)
}

/// An operation on the document itself.
fn whole(document: &mut Json, op: &str, value: Json) -> Result<(), String> {
    match op {
        "replace" if value.is_object() || value.is_array() => *document = value,
        "replace" => {}
        "test" if *document == value => {}
        "test" => return Err("finds another value".to_owned()),
        _ => return Err("has an empty `path`".to_owned()),
    }
    Ok(())
}

fn run(document: &mut Json, operation: &Json) -> Result<(), String> {
    let operation = serde_json::from_value::<json_patch::PatchOperation>(operation.clone());
    let operation = operation.map_err(|error| format!("cannot be read: {error}"))?;
    json_patch::patch(document, &[operation]).map_err(|error| format!("does not apply: {}", error.kind))
}

/// A place in a document: what it is in, and its key or index there.
struct Place {
    parent: String,
    key: String,
    is_index: bool,
}

impl Place {
    fn pointer(&self) -> String {
        format!("{}/{}", self.parent, self.key)
    }
}

/// Where a path leads. What stands before the first slash is not looked at. `is_new` is for a place that is to be made.
fn locate(document: &Json, path: &str, is_new: bool) -> Result<Place, String> {
    let (_, path_within) = path
        .split_once('/')
        .ok_or_else(|| format!("has the path {}, which does not begin with `/`", quoted(path)))?;
    let mut parent = String::new();
    let mut at = document;
    let mut parts = path_within.split('/').peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        let place = step(at, part, is_last && is_new);
        let place = place.ok_or_else(|| format!("finds nothing at {}", quoted(path)))?;
        if is_last {
            let (key, is_index) = place;
            return Ok(Place { parent, key, is_index });
        }
        parent.push('/');
        parent.push_str(&place.0);
        at = document
            .pointer(&parent)
            .filter(|next| next.is_object() || next.is_array())
            .ok_or_else(|| format!("finds nothing at {}", quoted(path)))?;
    }
    Err("has an empty `path`".to_owned())
}

/// A part of a path as RFC 6901 writes it. A `~` that stands for nothing stands for itself.
fn pointed(part: &str) -> String {
    // What `~0` stands for begins no `~1`: `~01` is the key `~1`.
    let key: Vec<_> = part.split("~0").map(|part| part.replace("~1", "/")).collect();
    key.join("~").replace('~', "~0").replace('/', "~1")
}

/// The key in an object, or the index in an array, as RFC 6901 writes it.
fn step(at: &Json, part: &str, is_new: bool) -> Option<(String, bool)> {
    let Some(elements) = at.as_array() else {
        return Some((pointed(part), false));
    };
    if part == "-" && is_new {
        return Some((part.to_owned(), true));
    }
    let count = i64::try_from(elements.len()).ok()? + i64::from(is_new);
    let index: i64 = part.parse().ok()?;
    let index = if index < 0 { index + count } else { index };
    (0..count).contains(&index).then(|| (index.to_string(), true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(operation: &Json) -> Result<Json, String> {
        let mut document = json!({"a": [1, 2], "b": {"c": 3}});
        apply(&mut document, operation).map(|()| document)
    }

    #[test]
    fn what_pachd_does_otherwise_than_the_standard_is_done_so_here() {
        let cases = [
            (
                json!({"op": "replace", "path": "/b/x", "value": 1}),
                json!({"a": [1, 2], "b": {"c": 3, "x": 1}}),
            ),
            (
                json!({"op": "replace", "path": "", "value": "x"}),
                json!({"a": [1, 2], "b": {"c": 3}}),
            ),
            (json!({"op": "replace", "path": "", "value": {}}), json!({})),
            (
                json!({"op": "add", "path": "/a/-1", "value": 9}),
                json!({"a": [1, 2, 9], "b": {"c": 3}}),
            ),
            (
                json!({"op": "remove", "path": "/a/-1"}),
                json!({"a": [1], "b": {"c": 3}}),
            ),
            (
                json!({"op": "test", "path": "/b/x", "value": null}),
                json!({"a": [1, 2], "b": {"c": 3}}),
            ),
            (
                json!({"op": "add", "path": "/b/d~2~0~1", "value": 4}),
                json!({"a": [1, 2], "b": {"c": 3, "d~2~/": 4}}),
            ),
            (
                json!({"op": "add", "path": "/b/x~01", "value": 4}),
                json!({"a": [1, 2], "b": {"c": 3, "x~1": 4}}),
            ),
            (
                json!({"op": "add", "path": "/b/d"}),
                json!({"a": [1, 2], "b": {"c": 3, "d": null}}),
            ),
            (
                json!({"op": "move", "from": "/a/0", "path": "/a/1"}),
                json!({"a": [2, 1], "b": {"c": 3}}),
            ),
        ];
        for (operation, expected) in cases {
            assert_eq!(patched(&operation), Ok(expected), "{operation}");
        }
    }

    #[test]
    fn an_operation_that_does_not_apply_says_why() {
        for (operation, why) in [
            (json!({"op": "add", "path": "a", "value": 1}), "does not begin with `/`"),
            (
                json!({"op": "add", "path": "/x/-", "value": 1}),
                "finds nothing at `/x/-`",
            ),
            (json!({"op": "add", "path": "/a/4", "value": 1}), "finds nothing"),
            (json!({"op": "remove", "path": "/x"}), "finds nothing at `/x`"),
            (json!({"op": "replace", "path": "/a/2", "value": 1}), "finds nothing"),
            (json!({"op": "test", "path": "/a/0", "value": 2}), "another value"),
            (
                json!({"op": "move", "from": "/x", "path": "/y"}),
                "finds nothing at `/x`",
            ),
            (json!({"op": "Add", "path": "/x", "value": 1}), "unknown `op`"),
            (json!({"path": "/x"}), "has no `op`"),
            (json!({"op": "add"}), "has no `path`"),
        ] {
            let said = patched(&operation).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }
}
