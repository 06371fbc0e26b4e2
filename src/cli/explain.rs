//! What can be typed about `explain`.

use clap::Args;

use super::examples;
use spoutctl_lint::{Rule, any_rule_named, rule_nearest};

/// Say why a rule of `validate` is one
///
/// What comes of the fault, a bad and a good spec, and where that is established. Without a name: all rules, a line
/// each.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::EXPLAIN))]
pub struct ExplainArgs {
    /// The rule's name, as it stands in brackets before a message
    #[arg(value_name = "RULE", value_parser = parse_whole_rule)]
    pub rule: Option<&'static Rule>,
}

pub(super) fn parse_whole_rule(name: &str) -> Result<&'static Rule, String> {
    any_rule_named(name).ok_or_else(|| match rule_nearest(name) {
        Some(nearest) => format!("there is no such rule; {} is near", nearest.id),
        None => "there is no such rule; spoutctl validate --rules lists all".to_owned(),
    })
}
