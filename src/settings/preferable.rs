//! What can be preferred, and how it stands in a file.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::file::{Never, Wrong, beside, check_keys, table_in};
use super::surroundings::Origin;
use spoutctl_lint::source::SourceFile;

/// Whose files a preference may stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Also the project's, which others may write.
    Project,
    /// The user's own alone.
    User,
}

/// An option that can be preferred.
#[derive(Debug)]
pub struct Preferable {
    /// As the option is spelled, without its dashes; it is the key in files, too.
    pub name: &'static str,
    pub variable: &'static str,
    pub verbs: &'static [&'static str],
    pub scope: Scope,
    /// Whether it is a path; in a file it is relative to the file's directory.
    is_path: bool,
}

const fn preferable(
    name: &'static str,
    variable: &'static str,
    verbs: &'static [&'static str],
    scope: Scope,
) -> Preferable {
    Preferable {
        name,
        variable,
        verbs,
        scope,
        is_path: false,
    }
}

/// All that can be preferred. Where something is listened at, and where files are made, is for the user alone to say.
pub const PREFERABLE: &[Preferable] = &[
    preferable("color", "SPOUTCTL_COLOR", &["doctor", "tail", "validate"], Scope::User),
    preferable("grace", "SPOUTCTL_GRACE", &["put", "run", "spool"], Scope::Project),
    preferable("listen", "SPOUTCTL_LISTEN", &["serve"], Scope::User),
    preferable(
        "log-format",
        "SPOUTCTL_LOG_FORMAT",
        &["put", "run", "spool", "squash", "tail"],
        Scope::User,
    ),
    preferable(
        "metrics-listen",
        "SPOUTCTL_METRICS_LISTEN",
        &["put", "run"],
        Scope::User,
    ),
    preferable(
        "retry-for",
        "SPOUTCTL_RETRY_FOR",
        &["put", "spool", "squash", "tail"],
        Scope::Project,
    ),
    preferable("spool-limit", "SPOUTCTL_SPOOL_LIMIT", &["put"], Scope::Project),
    preferable("stats-every", "SPOUTCTL_STATS_EVERY", &["put"], Scope::Project),
    Preferable {
        is_path: true,
        ..preferable("tmp-dir", "SPOUTCTL_TMP_DIR", &["put", "tail"], Scope::User)
    },
];

/// The verbs that have preferences.
pub(super) const VERBS: &[&str] = &["doctor", "put", "run", "serve", "spool", "squash", "tail", "validate"];

/// What somebody prefers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    pub verb: &'static str,
    /// The option's name.
    pub name: &'static str,
    pub value: OsString,
    pub from: Origin,
}

impl Preferable {
    pub(super) fn for_verbs(&self, value: &OsStr, from: &Origin) -> impl Iterator<Item = Preference> {
        self.verbs.iter().map(move |verb| Preference {
            verb,
            name: self.name,
            value: value.to_owned(),
            from: from.clone(),
        })
    }
}

/// The preferences in a file: at its top for each verb that has the option, and in the table of a verb, which comes
/// first. `others` is what else may stand at the top.
pub(super) fn read(
    top: &DeTable<'_>,
    path: &Path,
    file: &SourceFile,
    scope: Scope,
    others: &[&str],
    never: &Never,
) -> Result<Vec<Preference>, Wrong> {
    let is_allowed = |known: &&Preferable| scope == Scope::User || known.scope == Scope::Project;
    let names = |verb: Option<&str>| -> Vec<&str> {
        let has = |known: &&Preferable| verb.is_none_or(|verb| known.verbs.contains(&verb));
        let allowed = PREFERABLE.iter().filter(is_allowed);
        allowed.filter(has).map(|known| known.name).collect()
    };
    check_scope(top, scope)?;
    let tables = VERBS
        .iter()
        .filter(|verb| **verb != "validate" && !names(Some(verb)).is_empty());
    let tables: Vec<&str> = tables.copied().collect();
    check_keys(top, &[others, &names(None), &tables].concat(), never)?;
    let mut found = Vec::new();
    for verb in tables {
        let Some(table) = table_in(top, verb) else {
            not_a_table(top, verb)?;
            continue;
        };
        check_scope(table, scope)?;
        check_keys(table, &names(Some(verb)), never)?;
        for known in PREFERABLE.iter().filter(|known| known.verbs.contains(&verb)) {
            let preference = value(table, known, path, file)?;
            found.extend(preference.map(|(value, from)| Preference {
                verb,
                name: known.name,
                value,
                from,
            }));
        }
    }
    for known in PREFERABLE {
        if let Some((value, from)) = value(top, known, path, file)? {
            let general = known.for_verbs(&value, &from);
            let missing: Vec<Preference> = general
                .filter(|general| {
                    !found
                        .iter()
                        .any(|own: &Preference| (own.verb, own.name) == (general.verb, general.name))
                })
                .collect();
            found.extend(missing);
        }
    }
    Ok(found)
}

fn not_a_table(top: &DeTable<'_>, verb: &str) -> Result<(), Wrong> {
    match top.iter().find(|(key, _)| key.get_ref() == verb) {
        Some((key, _)) => Err(Wrong {
            range: key.span(),
            what: format!("`{verb}` is a table of options"),
            help: Some(format!("write [{verb}], and the options below it")),
        }),
        None => Ok(()),
    }
}

/// Refuses what is for the user's own file alone.
fn check_scope(table: &DeTable<'_>, scope: Scope) -> Result<(), Wrong> {
    if scope == Scope::User {
        return Ok(());
    }
    let is_theirs = |name: &str| {
        let mut known = PREFERABLE.iter();
        known.any(|known| known.name == name && known.scope == Scope::User)
    };
    match table.keys().find(|key| is_theirs(key.get_ref())) {
        Some(key) => Err(Wrong {
            range: key.span(),
            what: format!("`{}` cannot be set here: it is for each user to say", key.get_ref()),
            help: Some("it may stand in the file of your own settings: spoutctl config says which".to_owned()),
        }),
        None => Ok(()),
    }
}

/// What a table says of an option: a string, or a number where that is one.
fn value(
    table: &DeTable<'_>,
    known: &Preferable,
    path: &Path,
    file: &SourceFile,
) -> Result<Option<(OsString, Origin)>, Wrong> {
    let Some((key, said)) = table.iter().find(|(key, _)| key.get_ref() == known.name) else {
        return Ok(None);
    };
    let text: &str = match said.get_ref() {
        DeValue::String(text) => text,
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        _ => {
            return Err(Wrong {
                range: said.span(),
                what: format!("`{}` is a text", known.name),
                help: Some(format!("write {} = \"…\", as --{} takes it", known.name, known.name)),
            });
        }
    };
    let value = if known.is_path {
        beside(path, text).into_os_string()
    } else {
        OsString::from(text)
    };
    let from = Origin::Setting {
        path: path.to_owned(),
        line: file.position(key.span().start).line,
    };
    Ok(Some((value, from)))
}
