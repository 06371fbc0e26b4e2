//! What the reading of a file gives, whatever it is written in.

use super::syntax::{Cause, SyntaxFault};
use super::tree::{Document, Node, Value};
use crate::source::Span;

/// How deep values may nest. The deepest spec that makes sense has about ten levels; trees are walked by recursion, and
/// serde reads 127.
pub const MAX_DEPTH: usize = 100;

/// How many values the aliases of a file may stand for, all together.
pub const MAX_ALIASED: usize = 10_000;

/// A comment and where it is written, with its marks (`#`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comment {
    pub span: Span,
}

/// Characters that end a line to the YAML reader of pachctl, and are like others to JSON and to the parser here.
pub(crate) const LINE_ENDS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// What the reading of either dialect gives, document by document.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) documents: Vec<Document>,
    pub(super) faults: Vec<SyntaxFault>,
    pub(super) comments: Vec<Comment>,
}

impl Reading {
    pub(super) fn fault(&mut self, cause: Cause, span: Span, related: Option<Span>) {
        self.faults.push(SyntaxFault { cause, span, related });
    }

    /// A place in a stand-in is one in its template, whose characters may be others: all of that is meant.
    pub(super) fn widen_faults(&mut self, templates: &[Span]) {
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
    pub(super) fn document(&mut self, root: Node, first_fault: usize) {
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

    pub(super) fn spec(&mut self, root: Node, whole: bool) {
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
