//! How a rule says what it found, and the one door through which all of it goes: there the version, the selection and
//! the severities that a person chose apply, so that no rule has to think of them.

use super::edit;
use super::options::Options;
use super::rule::Rule;
use crate::diagnostic::{Diagnostic, Edit, Fix, Label, Safety, Severity};
use crate::source::Span;

/// A diagnostic in the making.
pub(super) struct Finding {
    rule: &'static Rule,
    diagnostic: Diagnostic,
}

impl Finding {
    /// `message` is enough when nothing else is shown; `span` is what is to be changed.
    pub(super) fn new(rule: &'static Rule, span: Span, message: impl Into<String>) -> Self {
        let primary = Label {
            span,
            text: String::new(),
        };
        let diagnostic = Diagnostic {
            rule: rule.id,
            severity: rule.severity,
            message: message.into(),
            primary,
            secondary: Vec::new(),
            note: None,
            help: None,
            fix: None,
        };
        Self { rule, diagnostic }
    }

    /// A few words beside the primary place.
    pub(super) fn label(mut self, text: impl Into<String>) -> Self {
        self.diagnostic.primary.text = text.into();
        self
    }

    /// Another place that explains it.
    pub(super) fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        let text = text.into();
        self.diagnostic.secondary.push(Label { span, text });
        self
    }

    /// What pachd does of it.
    pub(super) fn note(mut self, text: impl Into<String>) -> Self {
        self.diagnostic.note = Some(text.into());
        self
    }

    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.diagnostic.help = Some(text.into());
        self
    }

    /// A mend that cannot change meaning, if there is one.
    pub(super) fn safe_fix(self, title: impl Into<String>, edit: impl Into<Option<Edit>>) -> Self {
        self.fix(Safety::Safe, title.into(), edit.into().into_iter().collect())
    }

    /// A mend that a person should look at, if there is one.
    pub(super) fn unsafe_fix(self, title: impl Into<String>, edit: impl Into<Option<Edit>>) -> Self {
        self.fix(Safety::Unsafe, title.into(), edit.into().into_iter().collect())
    }

    /// Only said: the text is not ours to change.
    pub(super) fn without_fix(mut self) -> Self {
        self.diagnostic.fix = None;
        self
    }

    pub(super) fn fix(mut self, safety: Safety, title: String, edits: Vec<Edit>) -> Self {
        if !edits.is_empty() {
            self.diagnostic.fix = Some(Fix {
                safety,
                title,
                edits: edit::in_order(edits),
            });
        }
        self
    }

    /// As bad as `severity` for this version, where the rule in general is worse or better.
    pub(super) fn severity(mut self, severity: Severity) -> Self {
        self.diagnostic.severity = severity;
        self
    }
}

/// What was found in a file so far.
pub(super) struct Findings<'a> {
    options: &'a Options,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Self {
            options,
            diagnostics: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        let Finding { rule, mut diagnostic } = finding;
        if !self.options.looks_for(rule) {
            return;
        }
        if let Some(severity) = self.options.severities.get(&rule.id) {
            diagnostic.severity = *severity;
        }
        self.diagnostics.push(diagnostic);
    }

    /// Whether findings of this rule are wanted.
    pub(super) fn looks_for(&self, rule: &Rule) -> bool {
        self.options.looks_for(rule)
    }

    pub(super) fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.diagnostics.retain(keep);
    }

    /// All of it, by place.
    pub(super) fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_key(|found| (found.primary.span, found.rule));
        self.diagnostics.dedup();
        self.diagnostics
    }
}
