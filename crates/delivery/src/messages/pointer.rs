//! A value inside a JSON text, by a pointer (RFC 6901), as it was written. The rest is checked and not kept.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The value at `pointer`; of a key that is there twice the last one's. `None` when there is none.
///
/// # Errors
/// When `text` is not one JSON value.
pub(super) fn find(text: &[u8], pointer: &str) -> serde_json::Result<Option<Box<RawValue>>> {
    let steps: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect();
    let mut json = serde_json::Deserializer::from_slice(text);
    let found = Seek(&steps).deserialize(&mut json)?;
    json.end()?;
    Ok(found)
}

/// The way that is left.
#[derive(Clone, Copy)]
struct Seek<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = Option<Box<RawValue>>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            return <Box<RawValue> as serde::Deserialize>::deserialize(json).map(Some);
        }
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = Option<Box<RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some((step, rest)) = self.0.split_first() else {
            return Err(A::Error::custom("the pointer ends here"));
        };
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(IsKey(step))? {
            if is_it {
                found = map.next_value_seed(Seek(rest))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let Some((step, rest)) = self.0.split_first() else {
            return Err(A::Error::custom("the pointer ends here"));
        };
        let is_canonical = step == "0" || (!step.starts_with('0') && step.bytes().all(|byte| byte.is_ascii_digit()));
        let wanted = step.parse::<usize>().ok().filter(|_| is_canonical);
        let mut found = None;
        for at in 0.. {
            if wanted == Some(at) {
                let Some(value) = list.next_element_seed(Seek(rest))? else {
                    break;
                };
                found = value;
            } else if list.next_element::<IgnoredAny>()?.is_none() {
                break;
            }
        }
        Ok(found)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Whether a key is this one.
struct IsKey<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for IsKey<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for IsKey<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn at(text: &str, pointer: &str) -> Option<String> {
        let found = find(text.as_bytes(), pointer).unwrap();
        found.map(|value| value.get().to_owned())
    }

    #[test]
    fn a_value_is_found_as_it_was_written() {
        let text = r#" {"offset": 12345678901234567890123, "a/b": {"~": [1.50, {"x": null}]}, "s": "\u00e4"} "#;
        for (pointer, value) in [
            ("/offset", "12345678901234567890123"),
            ("/a~1b/~0/0", "1.50"),
            ("/a~1b/~0/1", r#"{"x": null}"#),
            ("/a~1b/~0/1/x", "null"),
            ("/s", r#""\u00e4""#),
            ("", text.trim()),
        ] {
            assert_eq!(at(text, pointer).as_deref(), Some(value), "{pointer}");
        }
        for pointer in ["/none", "/offset/0", "/a~1b/~0/2", "/a~1b/~0/00", "/a~1b/~0/-", "/s/x"] {
            assert_eq!(at(text, pointer), None, "{pointer}");
        }
        assert_eq!(at(r#"{"a": 1, "a": 2}"#, "/a").as_deref(), Some("2"));
    }

    #[test]
    fn what_is_not_one_json_value_is_refused() {
        for text in ["", "{", "{\"a\": 1} 2", "{\"a\" 1}", "nil", "\"\u{1}\""] {
            assert!(find(text.as_bytes(), "/a").is_err(), "{text}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-c~/]{0,3}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ab~/0]{0,2}", inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_finds_what_serde_json_finds(value in value(), pointer in "(/([ab]|~0|~1|[0-2]){0,2}){0,3}") {
            let found = find(value.to_string().as_bytes(), &pointer).unwrap();
            let found: Option<Value> = found.map(|raw| serde_json::from_str(raw.get()).unwrap());
            prop_assert_eq!(found.as_ref(), value.pointer(&pointer));
        }
    }
}
