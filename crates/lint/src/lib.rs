//! What pachd will make of a pipeline spec, said before it is asked: faults that make it refuse, that make the spout
//! fail later, and that pass in silence.
//!
//! Domain: it knows the trees of [`crate::spec`] and what Pachyderm and Kubernetes do with each field. It knows no file
//! system, no terminal, no network.
//!
//! A family of rules is a file. A rule asks a [`view`] for fields by name and says what it found as a
//! [`finding::Finding`]; it never counts lines or columns.
//!
//! # Example
//!
//! ```
//! use spoutctl_lint::report::{FileReport, Format, Style, render};
//! use spoutctl_lint::source::SourceFile;
//! use spoutctl_lint::{Options, check};
//!
//! let spec = r#"{"pipeline": {"name": "events"}, "transform": {"image": "a:1", "cmd": ["sh"]},
//!     "input": {}, "spout": {}}"#;
//! let file = SourceFile::new("spout.json", spec);
//! let checked = check(&file, &Options::default());
//! assert!(checked.diagnostics.iter().any(|found| found.message.contains("input")));
//!
//! let report = FileReport { file, diagnostics: checked.diagnostics };
//! assert!(render(Format::Concise, &[report], Style::default()).starts_with("spout.json:1:"));
//! ```

mod amounts;
mod catalogue;
mod command;
mod container;
pub mod diagnostic;
mod duration;
mod edit;
mod environment;
mod finding;
pub mod fix;
mod input;
mod keys;
pub mod kubernetes;
mod likeness;
mod metadata;
mod naming;
mod patch;
mod pod;
mod put;
pub mod report;
mod resources;
mod rule;
mod scheduling;
pub mod schema;
mod secrets;
pub mod server;
mod service;
mod shape;
pub mod source;
mod sources;
pub mod spec;
mod spout;
pub mod suppress;
mod syntax;
pub mod template;
#[cfg(test)]
mod tests;
mod types;
mod unfinished;
mod view;
mod worker;
mod workers;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, RuleId, Severity};
use crate::source::SourceFile;
pub use spoutctl_fields::version;

use crate::spec::Parsed;
use crate::spec::tree::Node;
pub use catalogue::{any_rule_named, every_rule, rule_named, rule_nearest, rules};
use finding::Findings;
use kubernetes::Minor;
pub use rule::Rule;
pub use sources::{link, links};
use version::Version;
use view::{Fields, Spec};

/// How to look at a file.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub version: Version,
    /// The cluster's; for one that is not named, what some versions refuse and others take is a warning.
    pub kubernetes: Option<Minor>,
    pub expect: Expect,
    /// What is more or less bad to this person than a rule says. A rule named here is looked for even when it is
    /// one that has to be asked for.
    pub severities: BTreeMap<RuleId, Severity>,
    /// These rules only; all when it is none.
    pub select: Option<BTreeSet<RuleId>>,
    /// Not these.
    pub ignore: BTreeSet<RuleId>,
}

/// What a file is meant to hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Expect {
    /// Spouts, for somebody said so; a spec without a spout is an error.
    #[default]
    Spout,
    /// Anything, for it was found in a directory; only spouts are looked at.
    Any,
    /// Anything, and ordinary pipelines are looked at, too.
    Pipeline,
}

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

impl Options {
    /// Whether findings of this rule are wanted.
    #[must_use]
    pub fn looks_for(&self, rule: &Rule) -> bool {
        let selected = match &self.select {
            Some(select) => select.contains(&rule.id),
            None => !rule.opt_in || self.severities.contains_key(&rule.id),
        };
        selected && !self.ignore.contains(&rule.id) && rule.versions.contain(self.version)
    }
}

impl Expect {
    /// Whether a document is to be looked at.
    #[must_use]
    pub fn includes(self, root: &Node) -> bool {
        match self {
            Self::Spout => true,
            Self::Any => is_meant_as_spout(root),
            Self::Pipeline => is_meant_as_spout(root) || is_pipeline(root),
        }
    }
}

/// Whether a spec has a spout, or a key that is surely meant to be one.
fn is_meant_as_spout(root: &Node) -> bool {
    let is_near = |name: &str| name.eq_ignore_ascii_case("spout") || name.eq_ignore_ascii_case("spouts");
    root.members().iter().any(|member| is_near(&member.key.name))
}

/// Whether it is the spec of a pipeline of any kind.
fn is_pipeline(root: &Node) -> bool {
    let has = |key| Fields::of(root).find(key).is_some();
    has("pipeline") || has("transform")
}

/// Reads a file and says all that is wrong with it.
#[must_use]
pub fn check(file: &SourceFile, options: &Options) -> Checked {
    let mut findings = Findings::new(options);
    if unfinished::conflict(file, &mut findings) {
        return Checked {
            diagnostics: findings.into_diagnostics(),
            ..Checked::default()
        };
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
    checked
}

/// What is wrong with a file that was read, and what `more` finds; a comment in the file turns either off.
/// `has_gaps`: what could not be read is to be filled in later, and nothing is missing for it.
fn check_with(
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
                whole: document.whole && (has_gaps || !view::has_gap(&document.root)),
                spout: options.expect == Expect::Spout || is_meant_as_spout(&document.root),
            });
        } else {
            checked.skipped += usize::from(is_pipeline(&document.root));
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
    suppress::apply(file, parsed, &mut findings);
    checked.diagnostics = findings.into_diagnostics();
    checked.holds_no_spec = checked.specs == 0 && checked.skipped == 0 && checked.diagnostics.is_empty();
    checked
}

fn check_spec(spec: &Spec<'_>, options: &Options, findings: &mut Findings<'_>) {
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
