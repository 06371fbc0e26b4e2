//! A pipeline spec as it was written: text → a tree in which every key and value has its span, and every fault of
//! syntax its cause and place.
//!
//! Domain: it knows JSON and YAML and nothing of what pachd makes of a spec; that is `lint`.
//!
//! Reading never fails and takes linear time and memory: brackets nest [`MAX_DEPTH`] deep at most, and aliases stand
//! for [`MAX_ALIASED`] values of a file at most.

mod json;
pub mod scalar;
pub mod syntax;
pub mod tree;

use crate::source::{SourceFile, Span};
use syntax::{Cause, SyntaxFault};
use tree::{Document, Node, Value};

/// How deep values may nest. The deepest spec that makes sense has about ten levels; trees are walked by recursion.
pub const MAX_DEPTH: usize = 128;

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
}

/// Reads a file.
#[must_use]
pub fn parse(file: &SourceFile) -> Parsed {
    let dialect = dialect(file);
    let Reading {
        documents,
        mut faults,
        comments,
    } = json::parse(file.text());
    faults.sort_by_key(|fault| (fault.span, fault.related));
    Parsed {
        dialect,
        documents,
        faults,
        comments,
    }
}

/// From the name's ending, else from the text. pachctl never looks at the name: a `.json` that has keys without a
/// bracket around them is YAML to it, and to us.
fn dialect(file: &SourceFile) -> Dialect {
    let name = file.name().to_ascii_lowercase();
    if [".yaml", ".yml"].iter().any(|ending| name.ends_with(ending)) {
        Dialect::Yaml
    } else {
        Dialect::Json
    }
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

    /// Takes a value at the top of a file: a spec, or an array of them. `first_fault` is the first that belongs to it.
    fn document(&mut self, root: Node, first_fault: usize) {
        let unsettled = |fault: &SyntaxFault| fault.cause.unsettles_structure();
        let whole = !self.faults.iter().skip(first_fault).any(unsettled);
        match root.value {
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
