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
//! let spec = r#"{"pipeline": {"name": "events"}, "transform": {"image": "a:1", "cmd": ["sh"]}, "input": {}, "spout": {}}"#;
//! let file = SourceFile::new("spout.json", spec);
//! let checked = check(&file, &Options::default());
//! assert!(checked.diagnostics.iter().any(|found| found.message.contains("input")));
//!
//! let report = FileReport { file, diagnostics: checked.diagnostics };
//! assert!(render(Format::Concise, &[report], Style::default()).starts_with("spout.json:1:"));
//! ```

mod command;
mod container;
pub mod diagnostic;
mod duration;
mod edit;
mod finding;
pub mod fix;
mod keys;
mod likeness;
mod naming;
mod pod;
mod put;
pub mod report;
mod resources;
mod rule;
pub mod schema;
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
mod view;
mod workers;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, RuleId, Severity};
use crate::source::SourceFile;
pub use spoutctl_fields::version;

use crate::spec::Parsed;
use crate::spec::tree::Node;
use finding::Findings;
pub use rule::{Rule, any_rule_named, every_rule, rule_named, rule_nearest, rules};
pub use sources::{link, links};
use version::Version;
use view::{Fields, Spec};

/// Every family of rules.
const FAMILIES: &[&[Rule]] = &[
    command::RULES,
    container::RULES,
    keys::RULES,
    naming::RULES,
    pod::RULES,
    put::RULES,
    resources::RULES,
    service::RULES,
    spout::RULES,
    suppress::RULES,
    syntax::RULES,
    types::RULES,
    workers::RULES,
];

/// How to look at a file.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub version: Version,
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
    /// How many were not, because they are no spouts.
    pub skipped: usize,
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
            Self::Pipeline => {
                let has = |key| Fields::of(root).find(key).is_some();
                is_meant_as_spout(root) || has("pipeline") || has("transform")
            }
        }
    }
}

/// Whether a spec has a spout, or a key that is surely meant to be one.
fn is_meant_as_spout(root: &Node) -> bool {
    let is_near = |name: &str| name.eq_ignore_ascii_case("spout") || name.eq_ignore_ascii_case("spouts");
    root.members().iter().any(|member| is_near(&member.key.name))
}

/// Reads a file and says all that is wrong with it.
#[must_use]
pub fn check(file: &SourceFile, options: &Options) -> Checked {
    check_parsed(file, &spec::parse(file), options)
}

/// Says all that is wrong with a file that was read.
#[must_use]
pub fn check_parsed(file: &SourceFile, parsed: &Parsed, options: &Options) -> Checked {
    check_with(file, parsed, options, |_| {})
}

/// The same, with what `more` finds; a comment in the file turns that off, too.
fn check_with(file: &SourceFile, parsed: &Parsed, options: &Options, more: impl FnOnce(&mut Findings<'_>)) -> Checked {
    let mut findings = Findings::new(options);
    syntax::check(file, parsed, options, &mut findings);
    let mut checked = Checked::default();
    let mut specs = Vec::new();
    for document in &parsed.documents {
        if options.expect.includes(&document.root) {
            specs.push(Spec {
                file,
                root: Fields::of(&document.root),
                version: options.version,
                whole: document.whole && !view::has_gap(&document.root),
                spout: options.expect == Expect::Spout || is_meant_as_spout(&document.root),
            });
        } else {
            checked.skipped += 1;
        }
    }
    checked.specs = specs.len();
    for spec in &specs {
        check_spec(spec, options, &mut findings);
    }
    naming::twice(&specs, &mut findings);
    if options.expect == Expect::Spout && parsed.documents.is_empty() && parsed.faults.is_empty() {
        spout::nothing(file, &mut findings);
    }
    more(&mut findings);
    suppress::apply(file, parsed, &mut findings);
    checked.diagnostics = findings.into_diagnostics();
    checked
}

fn check_spec(spec: &Spec<'_>, options: &Options, findings: &mut Findings<'_>) {
    shape::check(spec, findings);
    naming::check(spec, findings);
    spout::check(spec, options.expect, findings);
    workers::check(spec, findings);
    container::check(spec, findings);
    resources::check(spec, findings);
    service::check(spec, findings);
    pod::check(spec, findings);
    command::check(spec, findings);
    put::check(spec, findings);
}
