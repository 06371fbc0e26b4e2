//! `--format`: a line a commit as the user wants it.

use std::io::Write;

use super::consumer::{Output, Shown, Unwritten, Written};
use super::stdout::Stdout;
use super::text::one_line;

/// A template, taken apart.
#[derive(Debug, PartialEq)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, PartialEq)]
enum Part {
    Text(String),
    Field(Field),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Field {
    Time,
    Started,
    Id,
    Parent,
    Project,
    Repo,
    Branch,
    Files,
    Added,
    Changed,
    Deleted,
    Size,
    Error,
    Description,
    Stream,
    Seq,
}

/// By the names of `--json`; the last three have shorter ones, too.
const FIELDS: &[(&str, Field)] = &[
    ("finished", Field::Time),
    ("started", Field::Started),
    ("commit", Field::Id),
    ("parent", Field::Parent),
    ("project", Field::Project),
    ("repo", Field::Repo),
    ("branch", Field::Branch),
    ("files", Field::Files),
    ("added", Field::Added),
    ("changed", Field::Changed),
    ("deleted", Field::Deleted),
    ("bytes", Field::Size),
    ("error", Field::Error),
    ("description", Field::Description),
    ("stream", Field::Stream),
    ("seq", Field::Seq),
    ("time", Field::Time),
    ("id", Field::Id),
    ("size", Field::Size),
];

/// Why a text is no template.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum TemplateError {
    #[error("there is no field `{}`", .0.escape_debug())]
    NoField(String),
    #[error("the template has no field, so that every line would be the same")]
    NoFields,
    #[error("a brace of the template is not closed, or not opened")]
    Brace,
    #[error("the template has `\\{0}`, which stands for nothing")]
    Escape(char),
    #[error("the template ends in a backslash")]
    Backslash,
}

impl TemplateError {
    pub fn help(&self) -> String {
        match self {
            Self::NoField(_) => {
                let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
                format!("fields: {}", names.join(", "))
            }
            Self::NoFields => "a field stands in braces: '{time} {id}'; --json prints all of them".to_owned(),
            Self::Brace => "a field is {id}; {{ and }} are braces".to_owned(),
            Self::Escape(_) | Self::Backslash => r"write \t, \n, \0 or \\".to_owned(),
        }
    }
}

impl Template {
    pub fn new(template: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = template.chars();
        while let Some(c) = rest.next() {
            match c {
                '{' if rest.as_str().starts_with('{') => {
                    rest.next();
                    text.push('{');
                }
                '}' if rest.as_str().starts_with('}') => {
                    rest.next();
                    text.push('}');
                }
                '{' => {
                    let (name, after) = rest.as_str().split_once('}').ok_or(TemplateError::Brace)?;
                    let field = FIELDS.iter().find(|(known, _)| *known == name);
                    let (_, field) = field.ok_or_else(|| TemplateError::NoField(name.to_owned()))?;
                    parts.push(Part::Text(std::mem::take(&mut text)));
                    parts.push(Part::Field(*field));
                    rest = after.chars();
                }
                '}' => return Err(TemplateError::Brace),
                '\\' => text.push(match rest.next().ok_or(TemplateError::Backslash)? {
                    't' => '\t',
                    'n' => '\n',
                    '0' => '\0',
                    '\\' => '\\',
                    other => return Err(TemplateError::Escape(other)),
                }),
                c => text.push(c),
            }
        }
        if parts.is_empty() {
            return Err(TemplateError::NoFields);
        }
        parts.push(Part::Text(text));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Self(parts))
    }

    fn needs_changes(&self) -> bool {
        self.0.iter().any(|part| {
            matches!(
                part,
                Part::Field(Field::Files | Field::Added | Field::Changed | Field::Deleted)
            )
        })
    }

    fn fill(&self, commit: &Shown<'_>) -> String {
        let mut line = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => line.push_str(text),
                Part::Field(field) => field.append(&mut line, commit),
            }
        }
        line
    }
}

impl Field {
    fn append(self, line: &mut String, commit: &Shown<'_>) {
        let info = commit.info;
        let repo = &info.commit.repo;
        let count = |of: fn(&super::Changes) -> u64| commit.changes.map_or(0, of).to_string();
        let time = |time: Option<jiff::Timestamp>| time.map_or(String::new(), |time| time.to_string());
        line.push_str(&match self {
            Self::Time => time(info.finished),
            Self::Started => time(info.started),
            Self::Id => info.commit.id.to_string(),
            Self::Parent => info
                .parent
                .as_ref()
                .map(|parent| parent.id.to_string())
                .unwrap_or_default(),
            Self::Project => repo.project.to_string(),
            Self::Repo => repo.name.to_string(),
            Self::Branch => commit.branch.to_string(),
            Self::Files => count(super::Changes::total),
            Self::Added => count(|changes| changes.added),
            Self::Changed => count(|changes| changes.changed),
            Self::Deleted => count(|changes| changes.deleted),
            Self::Size => info.size_bytes.to_string(),
            Self::Error => one_line(&info.error),
            Self::Description => one_line(commit.description()),
            Self::Stream => commit.mark.map(|mark| mark.stream.to_string()).unwrap_or_default(),
            Self::Seq => commit.mark.map(|mark| mark.sequence.to_string()).unwrap_or_default(),
        });
    }
}

pub(super) struct Templated {
    pub template: Template,
    pub stdout: Stdout,
}

impl Output for Templated {
    fn needs_changes(&self) -> bool {
        self.template.needs_changes()
    }

    fn write(&mut self, commit: &Shown<'_>) -> Result<Written, Unwritten> {
        let line = self.template.fill(commit);
        writeln!(self.stdout, "{line}")?;
        self.stdout.flush()?;
        Ok(Written::Out)
    }

    fn is_gone(&self) -> bool {
        self.stdout.is_gone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_template_is_text_and_fields() {
        let parts = |template| Template::new(template).unwrap().0;
        assert_eq!(
            parts(r"{id}\t{{{size}}}"),
            [
                Part::Field(Field::Id),
                Part::Text("\t{".to_owned()),
                Part::Field(Field::Size),
                Part::Text("}".to_owned()),
            ]
        );
        for (template, error) in [
            ("{nope}", TemplateError::NoField("nope".to_owned())),
            ("{id", TemplateError::Brace),
            ("id}", TemplateError::Brace),
            (r"\x", TemplateError::Escape('x')),
            ("\\", TemplateError::Backslash),
            // As docker, kcat and git have them.
            ("{{.Commit}}", TemplateError::NoFields),
            (r"%T %s\n", TemplateError::NoFields),
            ("$commit", TemplateError::NoFields),
            ("", TemplateError::NoFields),
        ] {
            assert_eq!(Template::new(template), Err(error));
        }
        assert!(TemplateError::NoField(String::new()).help().contains("description"));
    }

    #[test]
    fn only_a_template_that_shows_changes_asks_for_them() {
        assert!(!Template::new("{time} {id} {size}").unwrap().needs_changes());
        assert!(Template::new("{deleted}").unwrap().needs_changes());
    }

    proptest! {
        #[test]
        fn any_text_is_a_template_or_is_not(text in ".*") {
            let _ = Template::new(&text);
        }
    }
}
