//! How a file is looked at: for which version, by which rules, and what it is meant to hold.

use std::collections::{BTreeMap, BTreeSet};

use super::kubernetes::Minor;
use super::rule::Rule;
use super::version::Version;
use super::view::Fields;
use crate::diagnostic::{RuleId, Severity};
use crate::spec::tree::Node;

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
pub(super) fn is_meant_as_spout(root: &Node) -> bool {
    let is_near = |name: &str| name.eq_ignore_ascii_case("spout") || name.eq_ignore_ascii_case("spouts");
    root.members().iter().any(|member| is_near(&member.key.name))
}

/// Whether it is the spec of a pipeline of any kind.
pub(super) fn is_pipeline(root: &Node) -> bool {
    let has = |key| Fields::of(root).find(key).is_some();
    has("pipeline") || has("transform")
}
