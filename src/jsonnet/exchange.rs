//! What a process that evaluates is asked, and what it answers.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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

impl Fault {
    pub(super) fn of_all(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span: (0, 0),
            missing: None,
        }
    }
}
