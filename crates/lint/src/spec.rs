//! A pipeline spec as it was written: text → a tree in which every key and value has its span, and every fault of
//! syntax its cause and place.
//!
//! Domain: it knows JSON and YAML and nothing of what pachd makes of a spec; that is `lint`.
//!
//! Reading never fails and takes linear time and memory: brackets nest [`MAX_DEPTH`] deep at most, and aliases stand
//! for [`MAX_ALIASED`] values of a file at most.

mod json;
pub mod scalar;
pub mod strict;
pub mod syntax;
pub mod template;
pub mod tree;
mod yaml;

use crate::source::{Encoding, SourceFile, Span};
use syntax::{Cause, SyntaxFault};
use tree::{Document, Node, Value};

/// How deep values may nest. The deepest spec that makes sense has about ten levels; trees are walked by recursion, and
/// serde reads 127.
pub const MAX_DEPTH: usize = 100;

/// How many values the aliases of a file may stand for, all together.
pub const MAX_ALIASED: usize = 10_000;

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Json,
    Yaml,
}

/// A comment and where it is written, with its marks (`#`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comment {
    pub span: Span,
}

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
        Encoding::Broken(places) => places
            .iter()
            .for_each(|place| reading.fault(Cause::NotUtf8, *place, None)),
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

fn read(name: &str, text: &str) -> (Dialect, Reading) {
    match (begins_as_json(text), is_named_yaml(name)) {
        (true, false) => (Dialect::Json, json::parse(text)),
        (true, true) => parse_either(text),
        (false, _) => (Dialect::Yaml, yaml::parse(text)),
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

fn is_named_yaml(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml"))
}

/// Whether a text begins with what begins JSON, comments and `---` aside. pachctl never looks at the name of a file
/// either: a `.json` that has keys without a bracket around them is YAML to it.
fn begins_as_json(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}');
    loop {
        rest = rest.trim_start();
        let comment_end = match rest.as_bytes() {
            [b'#', ..] | [b'/', b'/', ..] => rest.find('\n'),
            [b'-', b'-', b'-', b' ' | b'\t' | b'\r' | b'\n', ..] => Some(3),
            [b'/', b'*', ..] => rest.find("*/").map(|end| end + 2),
            [first, ..] => return matches!(first, b'{' | b'[' | b'}' | b']'),
            [] => return false,
        };
        let Some(after) = comment_end.and_then(|end| rest.get(end..)) else {
            return rest.starts_with('/');
        };
        rest = after;
    }
}

/// A file that is called YAML and begins as JSON does. Where YAML cannot be read, the JSON parser knows better why.
fn parse_either(text: &str) -> (Dialect, Reading) {
    let as_json = json::parse(text);
    let Some(first) = as_json.faults.first().map(|fault| fault.span) else {
        return (Dialect::Json, as_json);
    };
    let mut as_yaml = yaml::parse(text);
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

/// What the reading of either dialect gives, document by document.
#[derive(Debug, Default)]
struct Reading {
    documents: Vec<Document>,
    faults: Vec<SyntaxFault>,
    comments: Vec<Comment>,
}

impl Reading {
    fn fault(&mut self, cause: Cause, span: Span, related: Option<Span>) {
        self.faults.push(SyntaxFault { cause, span, related });
    }

    /// A place in a stand-in is one in its template, whose characters may be others: all of that is meant.
    fn widen_faults(&mut self, templates: &[Span]) {
        let widen = |span: &mut Span| {
            let touched = |template: &&Span| span.start < template.end && template.start < span.end;
            if let Some(first) = templates.iter().find(touched) {
                let last = templates.iter().rfind(touched).unwrap_or(first);
                *span = Span::new(span.start.min(first.start), span.end.max(last.end));
            }
        };
        for fault in &mut self.faults {
            widen(&mut fault.span);
            fault.related.iter_mut().for_each(widen);
        }
    }

    /// Takes a value at the top of a file: a spec, or an array of them. `first_fault` is the first that belongs to it.
    fn document(&mut self, root: Node, first_fault: usize) {
        let unsettled = |fault: &SyntaxFault| fault.cause.unsettles_structure();
        let whole = !self.faults.iter().skip(first_fault).any(unsettled);
        match root.value {
            // What was to become of it is not known.
            _ if !whole && !matches!(root.value, Value::Object(_) | Value::Array(_)) => {}
            Value::Array(elements) if !whole => {
                let specs = elements
                    .into_iter()
                    .filter(|element| matches!(element.value, Value::Object(_)));
                specs.for_each(|element| self.spec(element, false));
            }
            Value::Array(elements) if elements.is_empty() => self.fault(Cause::EmptyArray, root.span, None),
            Value::Array(elements) => {
                self.fault(
                    Cause::TopLevelArray,
                    Span::new(root.span.start, root.span.start + 1),
                    None,
                );
                for element in elements {
                    self.spec(element, whole);
                }
            }
            _ => self.spec(root, whole),
        }
    }

    fn spec(&mut self, root: Node, whole: bool) {
        let found = match root.value {
            Value::Object(_) => {
                self.documents.push(Document { root, whole });
                return;
            }
            Value::Unreadable => return,
            Value::Null => return self.fault(Cause::EmptyDocument, root.span, None),
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
        };
        self.fault(Cause::NotASpec { found }, root.span, None);
    }
}

#[cfg(test)]
mod tests;
