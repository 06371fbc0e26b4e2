//! The file that is read, and who reads it.

use crate::diagnostic::{Edit, Severity};
use crate::source::{SourceFile, Span};
use crate::spec::Dialect;
use crate::version::Version;

/// What reads the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    StrictJson,
    Yaml,
}

pub(super) struct Scene<'a> {
    pub(super) file: &'a SourceFile,
    pub(super) version: Version,
    pub(super) reader: Reader,
    pub(super) dialect: Dialect,
    /// What ends the file's lines.
    pub(super) line_end: &'static str,
}

impl<'a> Scene<'a> {
    pub(super) fn new(file: &'a SourceFile, dialect: Dialect, version: Version) -> Self {
        let begins_with_brace = file.text().trim_start().starts_with('{');
        let reader = if version.is_1() && begins_with_brace {
            Reader::StrictJson
        } else {
            Reader::Yaml
        };
        let first_line = file.text().split_inclusive('\n').next().unwrap_or_default();
        let line_end = if first_line.ends_with("\r\n") { "\r\n" } else { "\n" };
        Self {
            file,
            version,
            reader,
            dialect,
            line_end,
        }
    }

    /// How bad it is that something is YAML and no JSON.
    pub(super) fn leniency(&self) -> Severity {
        match self.reader {
            Reader::StrictJson => Severity::Error,
            Reader::Yaml => Severity::Warning,
        }
    }

    /// What the reader makes of something that is YAML and no JSON.
    pub(super) fn reading(&self) -> String {
        match self.reader {
            Reader::StrictJson => {
                "pachctl 1.x reads a file that begins with `{` as strict JSON, and refuses it".to_owned()
            }
            Reader::Yaml if self.version.is_1() => format!("{}, and lets it pass; jq refuses it", self.reads_yaml()),
            Reader::Yaml => format!("{} and lets it pass; 1.x and jq refuse it", self.reads_yaml()),
        }
    }

    /// Who reads the file as YAML, where somebody does.
    pub(super) fn reads_yaml(&self) -> &'static str {
        if self.version.is_1() {
            "pachctl 1.x reads a file that does not begin with `{` as YAML"
        } else {
            "pachctl 2.x reads specs as YAML"
        }
    }
}

pub(super) fn replace(span: Span, replacement: impl Into<String>) -> Edit {
    Edit {
        span,
        replacement: replacement.into(),
    }
}
