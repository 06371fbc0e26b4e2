//! What pachd will make of a pipeline spec, said before it is asked: faults that make it refuse, that make the spout
//! fail later, and that pass in silence.
//!
//! Domain: it knows the trees of [`crate::spec`] and what Pachyderm and Kubernetes do with each field. It knows no file
//! system, no terminal, no network.
//!
//! A family of rules is a file. A rule asks a [`view`] for fields by name and says what it found as a
//! [`finding::Finding`]; it never counts lines or columns.

mod edit;
mod fields;
mod finding;
pub mod fix;
mod rule;
pub mod version;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, RuleId, Severity};
use crate::source::SourceFile;
use crate::spec::tree::{Document, Node, Value};
use finding::Findings;
pub use rule::{Rule, rule_named, rule_nearest, rules};
use version::Version;
use view::{Fields, Spec};

/// Every family of rules.
const FAMILIES: &[&[Rule]] = &[];

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

/// Reads a file and says all that is wrong with it.
#[must_use]
pub fn check(file: &SourceFile, options: &Options) -> Checked {
    check_documents(file, &[], options)
}

fn check_documents(file: &SourceFile, documents: &[Document], options: &Options) -> Checked {
    let mut findings = Findings::new(options);
    let mut checked = Checked::default();
    for document in documents {
        if is_wanted(&document.root, options) {
            checked.specs += 1;
            check_spec(file, &document.root, options, &mut findings);
        } else {
            checked.skipped += 1;
        }
    }
    checked.diagnostics = findings.into_diagnostics();
    checked
}

/// Whether a document is to be looked at: always, when somebody said that it is a spec.
fn is_wanted(root: &Node, options: &Options) -> bool {
    let is_spout = || is_meant_as_spout(root);
    match options.expect {
        Expect::Spout => true,
        Expect::Any => is_spout(),
        Expect::Pipeline => {
            is_spout()
                || ["pipeline", "transform"]
                    .iter()
                    .any(|key| Fields::of(root).find(key).is_some())
        }
    }
}

fn is_meant_as_spout(root: &Node) -> bool {
    let is_near = |name: &str| name == "spout" || name.eq_ignore_ascii_case("spout") || name == "spouts";
    root.members().iter().any(|member| is_near(&member.key.name))
}

fn check_spec(file: &SourceFile, root: &Node, options: &Options, _findings: &mut Findings<'_>) {
    let _spec = Spec {
        file,
        root: Fields::of(root),
        version: options.version,
        whole: !view::has_gap(root),
        spout: options.expect == Expect::Spout || is_meant_as_spout(root),
    };
    let _ = Value::Null;
}
