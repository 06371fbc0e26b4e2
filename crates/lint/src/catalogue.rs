//! All rules about what stands in a spec, and how one is found by its name.

pub mod every;

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

/// The rule whose name is nearest to `id`, for somebody who mistyped it.
#[must_use]
pub fn rule_nearest(id: &str) -> Option<&'static Rule> {
    let distance = |rule: &&Rule| strsim::damerau_levenshtein(rule.id.0, id);
    let nearest = rules().iter().min_by_key(distance)?;
    (distance(&nearest) <= 3 || nearest.id.0.contains(id)).then_some(nearest)
}
