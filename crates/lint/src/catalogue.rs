//! All rules, and how one is found by its name.

use std::sync::LazyLock;

use super::rule::Rule;

/// Every family of rules.
const FAMILIES: &[&[Rule]] = &[
    super::amounts::RULES,
    super::command::RULES,
    super::container::RULES,
    super::environment::RULES,
    super::input::RULES,
    super::keys::RULES,
    super::metadata::RULES,
    super::naming::RULES,
    super::pod::RULES,
    super::put::RULES,
    super::resources::RULES,
    super::scheduling::RULES,
    super::secrets::RULES,
    super::service::RULES,
    super::spout::RULES,
    super::suppress::RULES,
    super::syntax::RULES,
    super::types::RULES,
    super::unfinished::RULES,
    super::workers::RULES,
];

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let mut rules: Vec<Rule> = FAMILIES.iter().flat_map(|family| family.iter().copied()).collect();
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
