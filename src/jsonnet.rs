//! Templates of pipelines: what `pachctl create pipeline --jsonnet` has rendered by pachd is rendered here.
//!
//! An adapter over `rsjsonnet-lang`, an evaluator that keeps to stable releases and does not recurse on the stack of
//! its caller. None of those for Rust can be stopped: a template of one line may take all memory there is, or all time.
//! So it is evaluated in a process of its own that has only so much of both ([`evaluate`]).

mod dialect;
mod evaluation;
mod exchange;
mod faults;
mod places;
mod process;
#[cfg(test)]
mod tests;

pub use exchange::{Evaluated, Fault, Import, Request};
pub use process::{evaluate, serve};
use spoutctl_lint::source::Span;
use spoutctl_lint::spec::tree::{Key, Member, Node, Text, Value};
use spoutctl_lint::spec::{self, Comment};
use spoutctl_lint::template::{Failed, Template};

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
            block: false,
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
