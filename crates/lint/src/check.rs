//! A file from its text to all that is to be said of it: each family of rules is asked here, and nowhere else.

use super::finding::Findings;
use super::options::{Expect, Options, is_meant_as_spout, is_pipeline};
use super::view::{Fields, Spec, has_gap};
use super::{
    amounts, command, container, environment, input, metadata, naming, pod, put, resources, scheduling, secrets,
    service, shape, spout, suppress, syntax, unfinished, workers,
};
use crate::diagnostic::Diagnostic;
use crate::source::SourceFile;
use crate::spec::{self, Parsed};

/// What is to be said of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// By place.
    pub diagnostics: Vec<Diagnostic>,
    /// How many specs were looked at.
    pub specs: usize,
    /// How many ordinary pipelines were not, because they are no spouts.
    pub skipped: usize,
    /// It was found in a directory, can be read, and has nothing in it that is a spec of any kind.
    pub holds_no_spec: bool,
}

/// Reads a file and says all that is wrong with it.
#[must_use]
pub fn check(file: &SourceFile, options: &Options) -> Checked {
    check_and_keep(file, options).0
}

/// As [`check`], and the tree of the file, so that who asks more of it need not read it again. None where it was not
/// read, or where gaps were made in it for what a template is to fill in.
#[must_use]
pub fn check_and_keep(file: &SourceFile, options: &Options) -> (Checked, Option<Parsed>) {
    let mut findings = Findings::new(options);
    if unfinished::conflict(file, &mut findings) {
        let checked = Checked {
            diagnostics: findings.into_diagnostics(),
            ..Checked::default()
        };
        return (checked, None);
    }
    let mut parsed = spec::parse(file);
    let templates = unfinished::templates(file, &mut parsed);
    let mut checked = check_with(file, &parsed, options, templates.is_any(), |findings| {
        let ours = syntax::ours(file, &parsed, options.expect);
        if ours == syntax::Ours::Whole || templates.stop_readers() {
            templates.say(findings);
        }
    });
    templates.keep(&mut checked.diagnostics);
    checked.holds_no_spec = checked.specs == 0 && checked.skipped == 0 && checked.diagnostics.is_empty();
    (checked, Some(parsed).filter(|_| !templates.is_any()))
}

/// What is wrong with a file that was read, and what `more` finds; a comment in the file turns either off.
/// `has_gaps`: what could not be read is to be filled in later, and nothing is missing for it.
pub(super) fn check_with(
    file: &SourceFile,
    parsed: &Parsed,
    options: &Options,
    has_gaps: bool,
    more: impl FnOnce(&mut Findings<'_>),
) -> Checked {
    let mut findings = Findings::new(options);
    let ours = syntax::ours(file, parsed, options.expect);
    syntax::check(file, parsed, options, ours, &mut findings);
    let mut checked = Checked::default();
    let mut specs = Vec::new();
    for document in &parsed.documents {
        if options.expect.includes(&document.root) {
            specs.push(Spec {
                file,
                root: Fields::of(&document.root),
                version: options.version,
                kubernetes: options.kubernetes,
                whole: document.whole && (has_gaps || !has_gap(&document.root)),
                spout: options.expect == Expect::Spout || is_meant_as_spout(&document.root),
            });
        } else {
            // One that cannot be read is an error, and told as that.
            checked.skipped += usize::from(is_pipeline(&document.root) && document.whole);
        }
    }
    checked.specs = specs.len();
    for spec in &specs {
        check_spec(spec, options, &mut findings);
    }
    naming::twice(&specs, &mut findings);
    let is_blank = file.text().trim().is_empty();
    if parsed.documents.is_empty() && parsed.faults.is_empty() && (options.expect == Expect::Spout || is_blank) {
        spout::nothing(file, &mut findings);
    }
    more(&mut findings);
    suppress::applying::apply(file, parsed, &mut findings);
    checked.diagnostics = findings.into_diagnostics();
    checked.holds_no_spec = checked.specs == 0 && checked.skipped == 0 && checked.diagnostics.is_empty();
    checked
}

fn check_spec(spec: &Spec<'_>, options: &Options, findings: &mut Findings<'_>) {
    if spout::manifest(spec, findings) {
        return;
    }
    shape::check(spec, findings);
    naming::check(spec, findings);
    spout::check(spec, options.expect, findings);
    input::check(spec, findings);
    workers::check(spec, findings);
    container::check(spec, findings);
    environment::check(spec, findings);
    secrets::check(spec, findings);
    amounts::check(spec, findings);
    resources::check(spec, findings);
    service::check(spec, findings);
    metadata::check(spec, findings);
    scheduling::check(spec, findings);
    pod::check(spec, findings);
    command::check(spec, findings);
    put::check(spec, findings);
}
