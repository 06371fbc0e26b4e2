//! The tree of a spec, as far as it could be read. It keeps what linting needs and a data model would drop: spans,
//! duplicate keys, how a scalar was written.

use crate::source::Span;

/// One pipeline spec of a file, which may hold several: documents, elements of a top-level array, values after another.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// An object; what else stands at the top is a fault of syntax and no document.
    pub root: Node,
    /// False when a fault leaves open what belongs into what: rules that look for something missing or misplaced had
    /// better be silent.
    pub whole: bool,
}

/// A value and where it is written, quotes and brackets included.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub span: Span,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    String(Text),
    Array(Vec<Node>),
    /// In the order in which they are written, duplicates and all.
    Object(Vec<Member>),
    /// Something is written here that could not be read; a fault of syntax says what.
    Unreadable,
}

/// A string's meaning, and how it was written (in YAML a plain `yes` is a string for pachd, too).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub value: String,
    /// It is no plain text: it has quotes, or is a block.
    pub quoted: bool,
    /// It is a block of lines of YAML, below `|` or `>`. Its place is that of the lines, without the mark above them.
    pub block: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub key: Key,
    pub value: Node,
}

/// A member's name and where it is written, quotes included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub span: Span,
    pub name: String,
}

impl Member {
    /// From the key's beginning to the value's end.
    #[must_use]
    pub fn span(&self) -> Span {
        Span::new(self.key.span.start, self.value.span.end)
    }
}

impl Node {
    #[must_use]
    pub fn members(&self) -> &[Member] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    #[must_use]
    pub fn elements(&self) -> &[Node] {
        match &self.value {
            Value::Array(elements) => elements,
            _ => &[],
        }
    }

    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(&text.value),
            _ => None,
        }
    }
}
