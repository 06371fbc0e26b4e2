//! A pod as a tree of JSON, and the way to a place in it.

use std::fmt;

use serde_json::Value as Json;

use crate::spec::scalar::is_json_number;
use crate::spec::surrogates;
use crate::spec::syntax::Escape;

/// Reads JSON as Go does, to which half of a character is U+FFFD, and which takes a number of any size until a field
/// has to hold it.
///
/// # Errors
/// It is no JSON. The place is that of the first thing that Go refuses, too.
pub(crate) fn read(text: &str) -> Result<Json, serde_json::Error> {
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&held(text)))
}

/// The same with nothing in it that a tree cannot hold: a number that is too large is the largest. All else keeps its
/// place.
fn held(text: &str) -> String {
    let mut held = String::with_capacity(text.len());
    let mut is_string = false;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let mut written = None;
        let length = match first {
            '\\' if is_string => {
                let escaped = rest.get(1..).unwrap_or_default();
                let (escape, length) = match escaped.chars().next() {
                    Some('u') => surrogates(escaped),
                    escaped => (None, 1 + escaped.map_or(0, char::len_utf8)),
                };
                written = matches!(escape, Some(Escape::LoneSurrogate)).then_some("\\ufffd");
                length
            }
            '-' | '0'..='9' if !is_string => {
                let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '+' | '-' | '.' | 'e' | 'E'));
                let number = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                let is_too_large = is_json_number(number) && number.parse::<f64>().is_ok_and(f64::is_infinite);
                written = is_too_large.then_some(if first == '-' { "-1e308" } else { "1e308" });
                number.len()
            }
            _ => {
                is_string ^= first == '"';
                first.len_utf8()
            }
        };
        let (token, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let written = written.unwrap_or(token);
        held.push_str(written);
        // Blanks behind a number mean nothing.
        held.extend(std::iter::repeat_n(' ', token.len().saturating_sub(written.len())));
        rest = behind;
    }
    held
}

/// A place in an object, of use only when something is wrong there.
#[derive(Clone, Copy)]
pub(crate) enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    pub(super) fn key(&'a self, key: &'a str) -> Self {
        Self::Key(self, key)
    }

    pub(super) fn index(&'a self, index: usize) -> Self {
        Self::Index(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Self::Root, key) => f.write_str(key),
            Self::Key(parent, key) if key.contains(['.', '/']) => write!(f, "{parent}[{key}]"),
            Self::Key(parent, key) => write!(f, "{parent}.{key}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// The string under a key; what is not there is empty, as in Go.
pub(crate) fn text<'a>(of: &'a Json, key: &str) -> &'a str {
    of.get(key).and_then(Json::as_str).unwrap_or_default()
}

pub(crate) fn list<'a>(of: &'a Json, key: &str) -> &'a [Json] {
    of.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn integer(of: &Json, key: &str) -> Option<i64> {
    of.get(key).and_then(Json::as_i64)
}

pub(super) fn flag(of: &Json, key: &str) -> bool {
    of.get(key).and_then(Json::as_bool).unwrap_or_default()
}

/// The members of the object under a key.
pub(crate) fn members<'a>(of: &'a Json, key: &str) -> impl Iterator<Item = (&'a str, &'a Json)> {
    let members = of.get(key).and_then(Json::as_object);
    members
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::read;

    #[test]
    fn half_a_character_and_a_number_without_bound_are_read_as_go_reads_them() {
        let text = r#"{"\ud800": ["\ud83d\ude00", "a\udc00\\", 1e999, -2E+999, 3]}"#;
        let read = read(text).unwrap();
        assert_eq!(
            read,
            json!({"\u{fffd}": ["\u{1f600}", "a\u{fffd}\\", 1e308, -1e308, 3]})
        );
    }

    #[test]
    fn what_is_no_json_stays_none() {
        for text in [
            "{",
            "[1e999,]",
            r#"["\ud800]"#,
            r#""\"#,
            r#"["\ud8"]"#,
            "-",
            "1e",
            "01",
            "1e999e1",
            "01e999",
            "1.e999",
            ".1e999",
            "+1e999",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_error_is_at_what_go_refuses_and_not_at_what_it_takes() {
        for text in [r#"["\ud800", 1]"#, "[1e999, 1]", "[-2.00E+999, 1]", r#"["é\udc00", 1]"#] {
            let wrong = text.replace("1]", "1,]");
            let error = read(&wrong).unwrap_err();
            assert_eq!((error.line(), error.column()), (1, wrong.len()), "{error}");
        }
    }
}
