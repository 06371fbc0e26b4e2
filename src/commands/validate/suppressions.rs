//! Rules that `spoutctl.toml` turns off for some paths: the only way for JSON, which has no comments.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::failure::Failure;
use crate::settings::project::{Project, Suppression};
use spoutctl_core::exit::Exit;
use spoutctl_lint::diagnostic::{Diagnostic, Label, RuleId};
use spoutctl_lint::report::FileReport;
use spoutctl_lint::source::{SourceFile, Span};
use spoutctl_lint::{Options, rule_named, suppress};

#[derive(Debug, Default)]
pub(in crate::commands) struct Suppressions {
    /// The project's file and its directory.
    project: Option<(SourceFile, PathBuf)>,
    globs: GlobSet,
    /// As many as there are globs.
    entries: Vec<Vec<Entry>>,
}

/// One rule for the paths of one suppression.
#[derive(Debug)]
struct Entry {
    rule: RuleId,
    span: Span,
    /// A file was looked at that it is for.
    met: AtomicBool,
    /// It left something out.
    used: AtomicBool,
}

impl Suppressions {
    pub(in crate::commands) fn new(project: Option<&Project>) -> Result<Self, Failure> {
        let Some(project) = project else {
            return Ok(Self::default());
        };
        let mut globs = GlobSetBuilder::new();
        let mut entries = Vec::new();
        for suppression in project.settings.validate.suppressions() {
            for pattern in patterns(&suppression) {
                let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
                globs.add(glob.map_err(|error| wrong(project, &suppression, &error.kind().to_string()))?);
            }
            entries.push(suppression.rules.into_iter().map(Entry::new).collect());
        }
        let directory = project.path.parent().unwrap_or(Path::new(""));
        Ok(Self {
            project: Some((project.file.clone(), absolute(directory))),
            globs: globs
                .build()
                .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?,
            entries,
        })
    }

    /// What applies to the file of this name.
    pub(in crate::commands) fn of(&self, name: &str) -> Applying<'_> {
        let Some((_, directory)) = &self.project else {
            return Applying::default();
        };
        let path = absolute(Path::new(name));
        let Ok(relative) = path.strip_prefix(directory) else {
            return Applying::default();
        };
        let mut matched = self.globs.matches(relative);
        // Two globs make one suppression.
        for index in &mut matched {
            *index /= 2;
        }
        matched.dedup();
        let entries = matched.iter().filter_map(|index| self.entries.get(*index)).flatten();
        let applying = Applying(entries.collect());
        for entry in &applying.0 {
            entry.met.store(true, Ordering::Relaxed);
        }
        applying
    }

    /// What was said of suppressions that left nothing out in any of the files that they are for.
    pub(in crate::commands) fn unused(&self, options: &Options) -> Option<FileReport> {
        let (file, _) = self.project.as_ref()?;
        let entries = self.entries.iter().flatten().filter(|entry| {
            let is_looked_for = rule_named(entry.rule.0).is_some_and(|rule| options.looks_for(rule));
            is_looked_for && entry.met.load(Ordering::Relaxed) && !entry.used.load(Ordering::Relaxed)
        });
        let diagnostics: Vec<Diagnostic> = entries.filter_map(|entry| unused(entry, options)).collect();
        (!diagnostics.is_empty()).then(|| FileReport {
            file: file.clone(),
            diagnostics,
        })
    }
}

impl Entry {
    fn new((rule, span): (RuleId, Span)) -> Self {
        Self {
            rule,
            span,
            met: AtomicBool::new(false),
            used: AtomicBool::new(false),
        }
    }
}

fn unused(entry: &Entry, options: &Options) -> Option<Diagnostic> {
    let rule = &suppress::UNUSED;
    options.looks_for(rule).then(|| Diagnostic {
        rule: rule.id,
        severity: options.severities.get(&rule.id).copied().unwrap_or(rule.severity),
        message: format!("`{}` finds nothing in the files that it is turned off for", entry.rule),
        primary: Label {
            span: entry.span,
            text: "this can go".to_owned(),
        },
        secondary: Vec::new(),
        note: None,
        help: None,
        fix: None,
    })
}

/// What applies to one file.
#[derive(Debug, Default)]
pub(in crate::commands) struct Applying<'a>(Vec<&'a Entry>);

impl Applying<'_> {
    pub(in crate::commands) fn rules(&self) -> impl Iterator<Item = RuleId> {
        self.0.iter().map(|entry| entry.rule)
    }

    pub(in crate::commands) fn leave_out(&self, diagnostics: &mut Vec<Diagnostic>) {
        diagnostics.retain(|found| {
            let mut is_wanted = true;
            for entry in self.0.iter().filter(|entry| entry.rule == found.rule) {
                entry.used.store(true, Ordering::Relaxed);
                is_wanted = false;
            }
            is_wanted
        });
    }
}

/// The files of that name, and everything below the directory of that name.
fn patterns(suppression: &Suppression<'_>) -> [String; 2] {
    let path = suppression.path.trim_end_matches('/');
    let path = path.strip_prefix("./").unwrap_or(path);
    [path.to_owned(), format!("{path}/**")]
}

fn wrong(project: &Project, suppression: &Suppression<'_>, why: &str) -> Failure {
    let at = project.file.position(suppression.path_span.start);
    let (file, line, column) = (project.file.name(), at.line, at.column);
    Failure::new(
        Exit::Usage,
        format!("{file}:{line}:{column}: the path is no glob: {why}"),
    )
}

/// From the root, without a look at what is there.
fn absolute(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
