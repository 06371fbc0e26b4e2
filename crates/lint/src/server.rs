//! What a pachd itself says of a spec when it is asked, as rules: so that they have a name, an explanation and a
//! severity. Nothing here asks; whoever does reports by these.

use super::rule::Rule;
use super::version::Versions;
use crate::diagnostic::Severity;

/// The server says no.
pub const REFUSED: Rule = Rule {
    summary: "a pachd that was asked refuses the spec",
    why: "With --server, each spec without an error of ours is sent to pachd as a dry run, with `create -f` to be \
          created, and this one was refused; the message has pachd's own words. What is refused only there is mostly \
          what no file can tell: a project or a secret that does not exist, the cluster's own defaults, a newer or \
          older Pachyderm than --pachyderm says.",
    source: "the answer of CreatePipelineV2 with dryRun",
    ..Rule::plain("refused-by-server", Severity::Error, Versions::since(2, 8))
};

/// The server fills something in.
pub const DEFAULTS: Rule = Rule {
    summary: "what a pachd that was asked fills into the spec",
    why: "With --server, pachd answers with the spec as it would run it: the defaults of the cluster and of the \
          project fill in what is not said. This lists the fields that came so. It is no fault; --ignore \
          server-defaults leaves it out.",
    source: "the answer of CreatePipelineV2 with dryRun",
    ..Rule::plain("server-defaults", Severity::Info, Versions::since(2, 8))
};

pub(super) const RULES: &[Rule] = &[REFUSED, DEFAULTS];
