//! The forms of names: for each one the question why a text is none, in words that go on after the text.
//!
//! Lengths are in bytes, as Kubernetes counts.

use super::refusal::{Minor, Refusal};

/// What stands in the middle of a name, and what at its ends.
fn is_made_of(text: &str, ends: impl Fn(char) -> bool, middle: &str) -> bool {
    text.starts_with(&ends) && text.ends_with(&ends) && text.chars().all(|c| ends(c) || middle.contains(c))
}

fn is_lower(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn is_letter_or_digit(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

/// A DNS label: the name of a volume, a container, a host.
pub(crate) fn dns_label(text: &str) -> Option<&'static str> {
    match text.len() {
        0 => Some("is empty"),
        64.. => Some("has more than 63 characters"),
        _ if is_made_of(text, is_lower, "-") => None,
        _ => Some("may have lower-case letters, digits and `-`, and has to begin and end with a letter or a digit"),
    }
}

/// A DNS subdomain: the name of a secret, a class, a service account.
pub(crate) fn subdomain(text: &str) -> Option<&'static str> {
    match text.len() {
        0 => Some("is empty"),
        254.. => Some("has more than 253 characters"),
        _ if text.split('.').all(|label| is_made_of(label, is_lower, "-")) => None,
        _ => Some(
            "may have lower-case letters, digits, `-` and `.`, and each part has to begin and end with a letter or \
             a digit",
        ),
    }
}

/// The key of a label: a name, and before it a domain and a slash if it likes.
pub(crate) fn label_key(text: &str) -> Option<&'static str> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    if name.contains('/') {
        return Some("has more than one slash");
    }
    match prefix {
        Some("") => return Some("has nothing before its slash"),
        Some(prefix) if prefix.len() > 253 => return Some("has more than 253 characters before its slash"),
        Some(prefix) if subdomain(prefix).is_some() => {
            return Some("has to have a domain of lower-case letters, digits, `-` and `.` before its slash");
        }
        _ => {}
    }
    match name.len() {
        0 => Some("has no name in it"),
        64.. => Some("has a name of more than 63 characters"),
        _ if is_made_of(name, is_letter_or_digit, "-_.") => None,
        _ => Some("may have letters, digits, `-`, `_` and `.`, and has to begin and end with a letter or a digit"),
    }
}

/// The key of an annotation, which may have upper-case letters before the slash, too.
pub(crate) fn annotation_key(text: &str) -> Option<&'static str> {
    label_key(&text.to_lowercase())
}

/// The value of a label. It may be empty.
pub(crate) fn label_value(text: &str) -> Option<&'static str> {
    match text.len() {
        0 => None,
        64.. => Some("has more than 63 characters"),
        _ if is_made_of(text, is_letter_or_digit, "-_.") => None,
        _ => Some("may have letters, digits, `-`, `_` and `.`, and has to begin and end with a letter or a digit"),
    }
}

/// The key of a secret or a `ConfigMap`.
pub(crate) fn config_key(text: &str) -> Option<&'static str> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match text {
        "" => Some("is empty"),
        "." => Some("is the directory itself"),
        _ if text.starts_with("..") => Some("begins with `..`"),
        _ if text.len() > 253 => Some("has more than 253 characters"),
        _ if text.chars().all(is_fine) => None,
        _ => Some("may have letters, digits, `-`, `_` and `.`"),
    }
}

/// The first version in which a variable's name may be nearly any text. It was an alpha feature, and off, in 1.30 and
/// 1.31.
const RELAXED_VARIABLES: Minor = Minor::new(32);

/// The name of an environment variable.
pub(crate) fn variable(text: &str) -> Option<(&'static str, Refusal)> {
    if text.is_empty() {
        return Some(("is empty", Refusal::Always));
    }
    if !text.chars().all(|c| (' '..='~').contains(&c) && c != '=') {
        return Some((
            "may have no `=`, no control character, and nothing beyond ASCII",
            Refusal::Always,
        ));
    }
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let why = match text {
        "." | ".." => "is a directory's name",
        _ if !text.chars().all(is_fine) => "may have letters, digits, `-`, `_` and `.`",
        _ if text.starts_with(|c: char| c.is_ascii_digit()) => "begins with a digit",
        _ if text.starts_with("..") => "begins with `..`",
        _ => return None,
    };
    Some((why, Refusal::Before(RELAXED_VARIABLES)))
}

/// The first version in which a service's name may begin with a digit. It was an alpha feature, and off, in 1.34 and
/// 1.35.
pub(crate) const RELAXED_SERVICES: Minor = Minor::new(36);

/// The name of a port.
pub(crate) fn port(text: &str) -> Option<&'static str> {
    let is_fine = |c: char| is_lower(c) || c == '-';
    match text {
        _ if text.len() > 15 => Some("has more than 15 characters"),
        _ if !text.chars().all(is_fine) => Some("may have lower-case letters, digits and `-`"),
        _ if !text.chars().any(|c| c.is_ascii_lowercase()) => Some("has to have a letter in it"),
        _ if text.contains("--") => Some("has two `-` in a row"),
        _ if text.starts_with('-') || text.ends_with('-') => Some("begins or ends with `-`"),
        _ => None,
    }
}

/// The name of a header of HTTP.
pub(crate) fn header(text: &str) -> Option<&'static str> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (text.is_empty() || !text.chars().all(is_fine)).then_some("may have letters, digits, `-` and `_`")
}
