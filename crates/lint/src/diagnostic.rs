//! What a linter has to say about a text: the fault, its place, what follows from it, and how to mend it.
//!
//! Words only: who finds faults is `lint`, who shows them is `report`. A diagnostic is not an error of this program.

use std::fmt;
use std::str::FromStr;

use crate::source::Span;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Advice; nothing is wrong.
    Info,
    /// pachd takes it, and it is almost surely not what is meant.
    Warning,
    /// pachd refuses it, or it cannot run.
    Error,
}

impl Severity {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl FromStr for Severity {
    type Err = ();

    /// Reads its name.
    fn from_str(name: &str) -> Result<Self, ()> {
        [Self::Info, Self::Warning, Self::Error]
            .into_iter()
            .find(|severity| severity.name() == name)
            .ok_or(())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of a rule: kebab-case, it states the fault (`spout-with-input`). Names are never reused for another fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub &'static str);

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// One fault at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub rule: RuleId,
    pub severity: Severity,
    /// What is wrong, in one line that is enough when nothing else is shown; no full stop.
    pub message: String,
    pub primary: Label,
    /// Other places that explain it, such as the key before which a comma is missing.
    pub secondary: Vec<Label>,
    /// What pachd would do: refuse, fail later, ignore it in silence.
    pub note: Option<String>,
    /// How to mend it.
    pub help: Option<String>,
    pub fix: Option<Fix>,
}

/// A place and a few words about it; the words may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// A change that mends a fault by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    pub safety: Safety,
    /// What it does, as an order: `insert a comma`.
    pub title: String,
    /// In the order of their spans, which do not overlap.
    pub edits: Vec<Edit>,
}

/// Whether a fix may change what the spec means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Safety {
    /// It cannot change meaning: `--fix`.
    Safe,
    /// A person should look at it: `--unsafe-fixes`.
    Unsafe,
}

/// The text in `span` becomes `replacement`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub span: Span,
    pub replacement: String,
}
