//! Faults of a configuration, and where in its text they are.

use std::io;
use std::path::{Path, PathBuf};

use super::fields::is_called;
use spoutctl_lint::source::{Position, SourceFile};
use spoutctl_lint::spec;
use spoutctl_lint::spec::tree::Node;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    #[error("cannot read {}: {why}", path.display())]
    Unreadable { path: PathBuf, why: io::Error },
    #[error("cannot write {}: {why}", path.display())]
    Unwritable { path: PathBuf, why: io::Error },
    #[error("{}:{}:{}: {what}", path.display(), at.line, at.column)]
    Wrong {
        path: PathBuf,
        at: Position,
        what: String,
        help: String,
    },
    #[error("there is no context `{}`: {}", name.escape_debug(), known(path, names))]
    Unknown {
        name: String,
        path: PathBuf,
        names: Vec<String>,
    },
}

impl ContextError {
    /// What to do next.
    pub fn help(&self) -> String {
        match self {
            Self::Unreadable { .. } | Self::Unwritable { .. } => {
                "PACH_CONFIG names another file; with --pachd URL and PACH_TOKEN none is needed".to_owned()
            }
            Self::Wrong { help, .. } => help.clone(),
            Self::Unknown { .. } => "pachctl config list context shows all of them".to_owned(),
        }
    }
}

fn known(path: &Path, names: &[String]) -> String {
    let path = path.display();
    match names {
        [] => format!("{path} has none, or is not there"),
        names => format!("{path} has {}", names.join(", ")),
    }
}

/// The text of a configuration.
pub(super) struct Text {
    pub path: PathBuf,
    pub source: SourceFile,
}

impl Text {
    pub fn wrong(&self, place: &[&str], what: impl Into<String>, help: &str) -> ContextError {
        ContextError::Wrong {
            path: self.path.clone(),
            at: self.position(place),
            what: what.into(),
            help: help.to_owned(),
        }
    }

    /// Where the value of this member is written; the nearest object around it where it is not.
    fn position(&self, place: &[&str]) -> Position {
        let parsed = spec::parse(&self.source);
        let Some(document) = parsed.documents.first() else {
            return Position { line: 1, column: 1 };
        };
        let mut node = &document.root;
        for name in place {
            match member(node, name) {
                Some(inner) => node = inner,
                None => break,
            }
        }
        self.source.position(node.span.start)
    }
}

fn member<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    let mut members = node.members().iter();
    let found = members.find(|member| is_called(&member.key.name, name));
    found.map(|member| &member.value)
}
