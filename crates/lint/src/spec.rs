//! A pipeline spec as it was written: text → a tree in which every key and value has its span, and every fault of
//! syntax its cause and place.
//!
//! Domain: it knows JSON and YAML and nothing of what pachd makes of a spec; that is `lint`.
//!
//! Reading never fails and takes linear time and memory: brackets nest [`MAX_DEPTH`] deep at most, and aliases stand
//! for [`MAX_ALIASED`] values of a file at most.

mod dialect;
mod json;
mod reading;
pub mod scalar;
pub mod strict;
pub mod syntax;
pub mod template;
pub mod tree;
mod yaml;

use crate::source::{Encoding, SourceFile, Span};
use dialect::{begins_as_json, is_named_yaml};
use reading::Reading;
use syntax::{Cause, SyntaxFault};
use tree::{Document, Node, Value};

pub use dialect::Dialect;
pub(crate) use reading::LINE_ENDS;
pub use reading::{Comment, MAX_ALIASED, MAX_DEPTH};
pub(crate) use yaml::escapes::surrogates;

/// How many places of a file that are not UTF-8 are told one by one.
const MAX_BROKEN: usize = 16;

/// A file, read as far as possible.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    pub dialect: Dialect,
    pub documents: Vec<Document>,
    /// In the order of their places.
    pub faults: Vec<SyntaxFault>,
    pub comments: Vec<Comment>,
    /// Templates in place of which something else was read, as they cannot be read themselves: strings have
    /// [`template::STAND_IN`] there.
    pub templates: Vec<Span>,
}

/// Reads a file.
#[must_use]
pub fn parse(file: &SourceFile) -> Parsed {
    if let Some(place) = zero_byte(file) {
        let mut reading = Reading::default();
        reading.fault(Cause::NotText, place, None);
        return Parsed {
            dialect: Dialect::Json,
            documents: Vec::new(),
            faults: reading.faults,
            comments: Vec::new(),
            templates: Vec::new(),
        };
    }
    let (mut dialect, mut reading) = read(file.name(), file.text());
    let mut templates = Vec::new();
    if reading.faults.iter().any(|fault| fault.cause.stops_readers()) {
        let found = template::find(file.text());
        if !found.is_empty() {
            let stops = |reading: &Reading| {
                reading
                    .faults
                    .iter()
                    .filter(|fault| fault.cause.stops_readers())
                    .count()
            };
            let (other_dialect, other) = read(file.name(), &template::stand_in(file.text(), &found));
            if stops(&other) < stops(&reading) || stops(&other) == 0 {
                (dialect, reading, templates) = (other_dialect, other, found);
                reading.widen_faults(&templates);
            }
        }
    }
    match file.encoding() {
        Encoding::Utf8 => {}
        Encoding::Utf16 => reading.fault(Cause::Utf16, Span::at(0), None),
        Encoding::Broken(places) => {
            // In another encoding each letter that is not English is such a place.
            let told = if places.len() > MAX_BROKEN { 1 } else { places.len() };
            for place in places.iter().take(told) {
                let others = places.len() - told;
                reading.fault(Cause::NotUtf8 { others }, *place, None);
            }
        }
    }
    reading.faults.sort_by_key(|fault| (fault.span, fault.related));
    Parsed {
        dialect,
        documents: reading.documents,
        faults: reading.faults,
        comments: reading.comments,
        templates,
    }
}

/// The first zero byte of what is no text, such as a program: there is nothing in it to take apart.
fn zero_byte(file: &SourceFile) -> Option<Span> {
    let is_broken = matches!(file.encoding(), Encoding::Broken(_));
    let first = file.text().find('\0').filter(|_| is_broken)?;
    Some(Span::new(first, first + 1))
}

fn read(name: &str, text: &str) -> (Dialect, Reading) {
    match (begins_as_json(text), is_named_yaml(name)) {
        (true, false) => (Dialect::Json, json::parse(text)),
        (true, true) => parse_either(text),
        (false, _) => (Dialect::Yaml, yaml::breaks::parse(text)),
    }
}

/// What a file would be that holds this value, for one that was made otherwise than by reading a text.
#[must_use]
pub fn of_value(root: Node, comments: Vec<Comment>) -> Parsed {
    let mut reading = Reading::default();
    match root.value {
        // A list of specs is what pachctl takes here in each version that takes a template at all.
        Value::Array(elements) if !elements.is_empty() => {
            for spec in elements {
                reading.spec(spec, true);
            }
        }
        _ => reading.document(root, 0),
    }
    Parsed {
        dialect: Dialect::Json,
        documents: reading.documents,
        faults: reading.faults,
        comments,
        templates: Vec::new(),
    }
}

/// A file that is called YAML and begins as JSON does. Where YAML cannot be read, the JSON parser knows better why.
fn parse_either(text: &str) -> (Dialect, Reading) {
    let as_json = json::parse(text);
    let Some(first) = as_json.faults.first().map(|fault| fault.span) else {
        return (Dialect::Json, as_json);
    };
    let mut as_yaml = yaml::breaks::parse(text);
    if as_yaml
        .faults
        .iter()
        .any(|fault| matches!(fault.cause, Cause::Yaml { .. }))
    {
        return (Dialect::Json, as_json);
    }
    as_yaml.fault(Cause::BraceWithoutJson, first, None);
    (Dialect::Yaml, as_yaml)
}

#[cfg(test)]
mod tests;
