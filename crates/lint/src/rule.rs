//! What a rule is, and the list of them all. A rule's examples are the fixtures by which it is tested.

use std::fmt;
use std::sync::LazyLock;

use super::version::Versions;
use crate::diagnostic::{RuleId, Safety, Severity};

/// A fault that is looked for, with what a person wants to know of it.
#[derive(Clone, Copy)]
pub struct Rule {
    pub id: RuleId,
    /// Unless it is said otherwise; a version of pachd that takes the fault more lightly may lower it.
    pub severity: Severity,
    pub versions: Versions,
    /// What it finds, in one line.
    pub summary: &'static str,
    /// What comes of it, in whole sentences.
    pub why: &'static str,
    /// A spec that has the fault, in the newest of [`Rule::versions`].
    pub bad: &'static str,
    /// A spec that is right.
    pub good: &'static str,
    /// Where it is established: a place in Pachyderm's source, or in that of Kubernetes.
    pub source: &'static str,
    /// Whether `--fix` mends it, or `--unsafe-fixes` only.
    pub fixable: Option<Safety>,
    /// Looked for only when it is selected by name or given a severity: advice that not everybody wants.
    pub opt_in: bool,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rule").field(&self.id.0).finish()
    }
}

/// Makes a rule. Its examples are `fixtures/specs/err/<id>.<ending>` and `fixtures/specs/ok/<id>.<ending>`.
macro_rules! rule {
    ($id:literal, $severity:ident, $versions:expr, $($field:ident: $value:expr),+ $(,)?) => {
        $crate::rule::rule!($id, "json", $severity, $versions, $($field: $value),+)
    };
    ($id:literal, $ending:literal, $severity:ident, $versions:expr, $($field:ident: $value:expr),+ $(,)?) => {
        $crate::rule::Rule {
            $($field: $value,)+
            bad: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/specs/err/", $id, ".", $ending)),
            good: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/specs/ok/", $id, ".", $ending)),
            ..$crate::rule::Rule::plain($id, $crate::diagnostic::Severity::$severity, $versions)
        }
    };
}
pub(super) use rule;

impl Rule {
    /// The parts of a rule that most have alike.
    pub(super) const fn plain(id: &'static str, severity: Severity, versions: Versions) -> Self {
        Self {
            id: RuleId(id),
            severity,
            versions,
            summary: "",
            why: "",
            bad: "",
            good: "",
            source: "",
            fixable: None,
            opt_in: false,
        }
    }
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let mut rules: Vec<Rule> = super::FAMILIES
        .iter()
        .flat_map(|family| family.iter().copied())
        .collect();
    rules.sort_by_key(|rule| rule.id);
    rules
});

/// Every rule, in the order of the alphabet.
#[must_use]
pub fn rules() -> &'static [Rule] {
    &RULES
}

/// The rule of that name.
#[must_use]
pub fn rule_named(id: &str) -> Option<&'static Rule> {
    let rules = rules();
    let at = rules.binary_search_by(|rule| rule.id.0.cmp(id)).ok()?;
    rules.get(at)
}

/// Rules about what no spec's text says alone: what a server answers, what comes of a template.
const OF_MORE_THAN_A_TEXT: &[&[Rule]] = &[super::server::RULES, super::template::RULES];

/// The rule of that name, also when it is about more than a spec's text.
#[must_use]
pub fn any_rule_named(id: &str) -> Option<&'static Rule> {
    let others = || OF_MORE_THAN_A_TEXT.iter().flat_map(|family| family.iter());
    rule_named(id).or_else(|| others().find(|rule| rule.id.0 == id))
}

/// Every rule, those included that are about more than a spec's text, in the order of the alphabet.
#[must_use]
pub fn every_rule() -> Vec<&'static Rule> {
    let others = OF_MORE_THAN_A_TEXT.iter().flat_map(|family| family.iter());
    let mut all: Vec<&Rule> = rules().iter().chain(others).collect();
    all.sort_by_key(|rule| rule.id);
    all
}

/// The rule whose name is nearest to `id`, for somebody who mistyped it.
#[must_use]
pub fn rule_nearest(id: &str) -> Option<&'static Rule> {
    let distance = |rule: &&Rule| strsim::damerau_levenshtein(rule.id.0, id);
    let nearest = rules().iter().min_by_key(distance)?;
    (distance(&nearest) <= 3 || nearest.id.0.contains(id)).then_some(nearest)
}
