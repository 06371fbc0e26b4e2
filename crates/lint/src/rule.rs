//! What a rule is. Its examples are the fixtures by which it is tested.

use std::fmt;

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
