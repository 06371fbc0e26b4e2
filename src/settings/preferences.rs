//! Preferences: options of verbs that may be said once, instead of with every run.
//!
//! An option on the command line comes first, then its variable, then the project's file, then the user's own. Only
//! what decides how a run goes can be preferred; what a run does is said where it is started.

use std::path::Path;

use super::file::FileError;
pub use super::preferable::{PREFERABLE, Preferable, Preference, Scope};
use super::surroundings::{Origin, Surroundings};
use super::{project, user};

/// What holds here for `verb`: of each option one preference at most. The project's file is looked at only where it can
/// say something of the verb.
///
/// # Errors
/// When one of the two files cannot be used.
pub fn gather(verb: &str, around: &Surroundings<'_>, directory: Option<&Path>) -> Result<Vec<Preference>, FileError> {
    let mut own = PREFERABLE.iter().filter(|known| known.verbs.contains(&verb));
    if own.clone().next().is_none() {
        return Ok(Vec::new());
    }
    let mut found = of_environment(around);
    if own.any(|known| known.scope == Scope::Project)
        && let Some(path) = directory.and_then(project::find)
    {
        found.extend(project::load(&path)?.preferences);
    }
    if let Some(user) = user::load(around)? {
        found.extend(user.preferences);
    }
    found.retain(|preference| preference.verb == verb);
    let mut gathered: Vec<Preference> = Vec::new();
    for preference in found {
        if !gathered.iter().any(|earlier| earlier.name == preference.name) {
            gathered.push(preference);
        }
    }
    Ok(gathered)
}

fn of_environment(around: &Surroundings<'_>) -> Vec<Preference> {
    let mut found = Vec::new();
    for known in PREFERABLE {
        if let Some(value) = around.set(known.variable) {
            found.extend(known.for_verbs(&value, &Origin::Variable(known.variable)));
        }
    }
    found
}

#[cfg(test)]
mod tests;
