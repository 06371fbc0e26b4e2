//! Templates of pipelines: what `pachctl create pipeline --jsonnet` has rendered by pachd is rendered here.
//!
//! An adapter over `rsjsonnet-lang`, an evaluator that keeps to stable releases and does not recurse on the stack of its
//! caller. None of those for Rust can be stopped: a template of one line may take all memory there is, or all time. So
//! it is evaluated in a process of its own that has only so much of both ([`evaluate`]).

mod dialect;
mod evaluation;
mod faults;
mod places;
mod process;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use process::{evaluate, serve};
use spoutctl_lint::source::Span;
use spoutctl_lint::spec::tree::{Key, Member, Node, Text, Value};
use spoutctl_lint::spec::{self, Comment};
use spoutctl_lint::template::{Failed, Template};

/// A template and what it is given.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// As it is shown, and as `std.thisFile` has it.
    pub name: String,
    pub text: String,
    /// Names and values. A template that is a function is called with them.
    pub arguments: Vec<(String, String)>,
    /// Arguments that it has no parameter for are passed over.
    pub is_lenient: bool,
    /// Where it may import from; nowhere if there is none.
    pub directory: Option<PathBuf>,
}

/// What came of a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    pub result: serde_json::Value,
    /// Where in the template each value is written, in the order of the result: each value's place and, before a
    /// member's value, its name's. From the first byte to behind the last.
    pub places: Vec<(usize, usize)>,
    pub comments: Vec<(usize, usize)>,
    /// It takes arguments.
    pub is_function: bool,
    /// What the template itself imports.
    pub imports: Vec<Import>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    pub span: (usize, usize),
    pub path: String,
}

/// Why nothing came of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub message: String,
    /// In the template; at its beginning where no place is to blame.
    pub span: (usize, usize),
    /// The parameter that has no value.
    pub missing: Option<String>,
}

/// What the linter is told.
///
/// # Errors
/// When nothing came of the template, why.
pub fn outcome(evaluated: Result<Evaluated, Fault>) -> Result<Template, Failed> {
    let span = |(start, end): (usize, usize)| Span::new(start, end);
    match evaluated {
        Ok(evaluated) => {
            let mut places = evaluated.places.into_iter().map(span);
            let root = node(&evaluated.result, &mut places);
            let comments = evaluated
                .comments
                .into_iter()
                .map(|place| Comment { span: span(place) });
            let imports = evaluated.imports.into_iter();
            Ok(Template {
                is_list: matches!(root.value, Value::Array(_)),
                parsed: spec::of_value(root, comments.collect()),
                imports: imports.map(|import| (span(import.span), import.path)).collect(),
            })
        }
        Err(fault) => Err(Failed {
            message: fault.message,
            span: span(fault.span),
            missing: fault.missing,
        }),
    }
}

/// A value with its places, which come in the order in which it is written.
fn node(value: &serde_json::Value, places: &mut impl Iterator<Item = Span>) -> Node {
    let span = places.next().unwrap_or(Span::at(0));
    let value = match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(*truth),
        serde_json::Value::Number(number) => Value::Number(number.to_string()),
        serde_json::Value::String(text) => Value::String(Text {
            value: text.clone(),
            quoted: true,
        }),
        serde_json::Value::Array(elements) => {
            Value::Array(elements.iter().map(|element| node(element, places)).collect())
        }
        serde_json::Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| Member {
                    key: Key {
                        span: places.next().unwrap_or(span),
                        name: name.clone(),
                    },
                    value: node(value, places),
                })
                .collect(),
        ),
    };
    Node { span, value }
}

impl Fault {
    fn of_all(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span: (0, 0),
            missing: None,
        }
    }
}
