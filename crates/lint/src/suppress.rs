//! Comments by which somebody says that a finding is meant so: `# spoutctl: ignore[image-tag] the tag is pinned by CI`.
//!
//! Such a comment is for its own line or, when it stands alone, for the next line that has something in it. The reason
//! is not optional: the one who finds the comment in a year cannot ask.

pub(super) mod applying;

use super::rule::{Rule, rule};
use super::version::Versions;

/// Nothing is found where a rule is turned off.
pub const UNUSED: Rule = rule!("unused-suppression", "yaml", Warning, Versions::ALL,
    summary: "a rule is turned off where it finds nothing",
    why: "A comment (or an entry of spoutctl.toml) that turns a rule off outlives the fault that it was for. The next \
          fault of that kind, in the same place, would then pass unseen. Rules that are not applied at all, by \
          --ignore or because the spec is for another Pachyderm, are not counted as unused.",
    source: "a rule of spoutctl's own",
);

/// A comment that is meant to turn a rule off, and does not.
pub const INVALID: Rule = rule!("invalid-suppression", "yaml", Warning, Versions::ALL,
    summary: "a comment looks as if it turned a rule off, and does not",
    why: "The form is `# spoutctl: ignore[RULE] REASON`, several rules separated by commas. Without a reason, or with \
          a rule that does not exist, nothing is turned off.",
    source: "a rule of spoutctl's own",
);

pub(super) const RULES: &[Rule] = &[UNUSED, INVALID];
