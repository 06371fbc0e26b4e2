//! Every rule, those included that are about more than a spec's text.

use super::{rule_named, rules};
use crate::rule::Rule;
use crate::{server, template};

/// Rules about what no spec's text says alone: what a server answers, what comes of a template.
const OF_MORE_THAN_A_TEXT: &[&[Rule]] = &[server::RULES, template::RULES];

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
