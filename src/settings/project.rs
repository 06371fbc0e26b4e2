//! `spoutctl.toml`: what a project says once for everybody who works on it.
//!
//! It lies in directories that others may write to, so it says nothing about where pachd is, who we are or whom we
//! trust: whoever could write it would decide where a token goes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use spoutctl_lint::diagnostic::{RuleId, Severity};
use spoutctl_lint::kubernetes::Minor;
use spoutctl_lint::source::{SourceFile, Span};
use spoutctl_lint::version::Version;
use spoutctl_lint::{any_rule_named, rule_nearest};

use super::file::{self, FileError, Never, Wrong, check_keys, table_in, value_in};
use super::preferable::{self, Preference, Scope};
use super::surroundings::Origin;

/// The file's name.
pub const NAME: &str = "spoutctl.toml";

/// What may stand in the file, in its `[validate]`, and in each `[[validate.suppress]]`.
const TOP: &[&str] = &["kubernetes", "pachyderm", "validate"];
const VALIDATE: &[&str] = &["all", "ignore", "max-warnings", "select", "severity", "suppress"];
const SUPPRESS: &[&str] = &["path", "reason", "rules"];

/// What may never stand there.
const NEVER: Never = Never {
    names: &[
        "address",
        "auth-token",
        "ca",
        "ca-cert",
        "ca-certificate",
        "ca-file",
        "cacert",
        "certificate",
        "context",
        "insecure",
        "pach-token",
        "pachd",
        "pachd-address",
        "server",
        "tls-insecure",
        "token",
        "token-file",
        "url",
    ],
    why: "whoever may write this file would decide where your token goes",
    help: "use --pachd, PACHD_ADDRESS and PACH_TOKEN, or the file of your own settings: spoutctl config says which",
};

/// The file's content.
#[derive(Debug)]
pub struct Project {
    /// Where it was found; the paths in it are relative to its directory.
    pub path: PathBuf,
    pub file: SourceFile,
    pub settings: Settings,
    /// What the project prefers, for other verbs than `validate`.
    pub preferences: Vec<Preference>,
}

impl Project {
    /// What it says of specs: each key with its value, as written, and its place. Suppressions are counted.
    pub fn said(&self) -> Vec<(String, String, Origin)> {
        let Ok(table) = DeTable::parse(self.file.text()) else {
            return Vec::new();
        };
        let top = table.get_ref();
        let is_version = |key: &str| matches!(key, "kubernetes" | "pachyderm");
        let version = top.iter().filter(|(key, _)| is_version(key.get_ref()));
        let version = version.map(|(key, value)| (key.get_ref().to_string(), key, value));
        let rules = table_in(top, "validate").into_iter().flatten();
        let rules = rules.map(|(key, value)| (format!("validate.{}", key.get_ref()), key, value));
        let said = version.chain(rules).map(|(name, key, value)| {
            let from = Origin::Setting {
                path: self.path.clone(),
                line: self.file.position(key.span().start).line,
            };
            let value = match value.get_ref() {
                DeValue::Array(entries) if name == "validate.suppress" => format!("{} entries", entries.len()),
                DeValue::String(text) => text.to_string(),
                _ => one_line(self.file.slice(span(value.span()))),
            };
            (name, value, from)
        });
        said.collect()
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<&str>>().join(" ")
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    pachyderm: Option<Known<Version>>,
    kubernetes: Option<Known<Minor>>,
    pub validate: Validate,
}

impl Settings {
    pub fn pachyderm(&self) -> Option<Version> {
        self.pachyderm.as_ref().map(|known| known.0)
    }

    /// The cluster's version.
    pub fn kubernetes(&self) -> Option<Minor> {
        self.kubernetes.as_ref().map(|known| known.0)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Validate {
    pub all: bool,
    select: Option<Vec<Known<RuleId>>>,
    ignore: Vec<Known<RuleId>>,
    pub max_warnings: Option<usize>,
    severity: BTreeMap<Known<RuleId>, Known<Severity>>,
    suppress: Vec<Spanned<RawSuppression>>,
}

impl Validate {
    pub fn select(&self) -> Option<Vec<RuleId>> {
        let select = self.select.as_ref()?;
        Some(select.iter().map(|rule| rule.0).collect())
    }

    pub fn ignore(&self) -> impl Iterator<Item = RuleId> {
        self.ignore.iter().map(|rule| rule.0)
    }

    pub fn severities(&self) -> impl Iterator<Item = (RuleId, Severity)> {
        self.severity.iter().map(|(rule, severity)| (rule.0, severity.0))
    }

    pub fn suppressions(&self) -> impl Iterator<Item = Suppression<'_>> {
        self.suppress.iter().map(|suppression| {
            let raw = suppression.get_ref();
            Suppression {
                path: raw.path.get_ref(),
                path_span: span(raw.path.span()),
                rules: raw
                    .rules
                    .iter()
                    .map(|rule| (rule.get_ref().0, span(rule.span())))
                    .collect(),
            }
        })
    }
}

/// Rules that do not apply to some files.
#[derive(Debug)]
pub struct Suppression<'a> {
    /// A path or a glob, relative to the directory of the file.
    pub path: &'a str,
    pub path_span: Span,
    pub rules: Vec<(RuleId, Span)>,
}

#[derive(Debug, Deserialize)]
struct RawSuppression {
    path: Spanned<String>,
    rules: Vec<Spanned<Known<RuleId>>>,
    #[expect(dead_code, reason = "it is for the people who read the file, and has to be there")]
    reason: NotEmpty,
}

/// Something that is written as its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String", bound(deserialize = "Self: TryFrom<String, Error = String>"))]
struct Known<T>(T);

impl TryFrom<String> for Known<RuleId> {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match (any_rule_named(&name), rule_nearest(&name)) {
            (Some(rule), _) => Ok(Self(rule.id)),
            (None, Some(nearest)) => Err(format!("there is no rule `{name}`; {} is near", nearest.id)),
            (None, None) => Err(format!(
                "there is no rule `{name}`; spoutctl validate --rules lists all"
            )),
        }
    }
}

impl TryFrom<String> for Known<Severity> {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let unknown =
            |()| format!("`{name}` is no severity; error, warning and info are, and `ignore` turns a rule off");
        name.parse().map(Self).map_err(unknown)
    }
}

impl TryFrom<String> for Known<Version> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .map_err(|error: spoutctl_lint::version::UnknownVersion| error.to_string())
    }
}

impl TryFrom<String> for Known<Minor> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .map_err(|error: spoutctl_lint::kubernetes::UnknownMinor| error.to_string())
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct NotEmpty;

impl TryFrom<String> for NotEmpty {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.trim().is_empty() {
            return Err("a reason has to say something");
        }
        Ok(Self)
    }
}

/// The nearest file of that name, in `directory` or above.
pub fn find(directory: &Path) -> Option<PathBuf> {
    directory
        .ancestors()
        .map(|above| above.join(NAME))
        .find(|path| path.is_file())
}

/// # Errors
/// When the file cannot be read, is no TOML, or holds what it must not.
pub fn load(path: &Path) -> Result<Project, FileError> {
    read(path, &file::text(path)?)
}

fn read(path: &Path, text: &str) -> Result<Project, FileError> {
    let file = SourceFile::new(path.display().to_string(), text);
    let (settings, preferences) = parse(path, &file).map_err(|wrong| wrong.within(path, &file))?;
    Ok(Project {
        path: path.to_owned(),
        file,
        settings,
        preferences,
    })
}

fn parse(path: &Path, file: &SourceFile) -> Result<(Settings, Vec<Preference>), Wrong> {
    let table = DeTable::parse(file.text())?;
    let preferences = preferable::read(table.get_ref(), path, file, Scope::Project, TOP, &NEVER)?;
    check_validate(table.get_ref())?;
    Ok((toml::from_str(file.text())?, preferences))
}

fn span(range: std::ops::Range<usize>) -> Span {
    Span::new(range.start, range.end)
}

fn check_validate(top: &DeTable<'_>) -> Result<(), Wrong> {
    let Some(validate) = table_in(top, "validate") else {
        return Ok(());
    };
    check_keys(validate, VALIDATE, &NEVER)?;
    let Some(DeValue::Array(suppressions)) = value_in(validate, "suppress") else {
        return Ok(());
    };
    for suppression in suppressions {
        if let DeValue::Table(suppression) = suppression.get_ref() {
            check_keys(suppression, SUPPRESS, &NEVER)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (String, String) {
        let error = read(Path::new("spoutctl.toml"), text).unwrap_err();
        (error.to_string(), error.help().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_project_says_what_its_specs_are_for() {
        let text = "pachyderm = \"2.8\"\nkubernetes = \"v1.31.2+k3s1\"\n[validate]\nall = true\nmax-warnings = 3\n";
        let settings = read(Path::new("spoutctl.toml"), text).unwrap().settings;
        assert_eq!(settings.pachyderm(), "2.8".parse().ok());
        assert_eq!(settings.kubernetes(), "1.31".parse().ok());
        assert!(settings.validate.all);
        assert_eq!(settings.validate.max_warnings, Some(3));
        assert_eq!(settings.validate.select(), None);
    }

    #[test]
    fn it_never_says_where_pachd_is_or_who_we_are() {
        for key in ["address", "token", "PACHD_ADDRESS", "ca_cert", "insecure", "pachd"] {
            for text in [format!("{key} = \"x\""), format!("\n[validate]\n{key} = \"x\"")] {
                let (message, help) = refused(&text);
                assert!(message.contains(&format!("`{key}` cannot be set here")), "{message}");
                assert!(help.contains("PACH_TOKEN"));
            }
        }
        assert!(
            refused("[validate]\ntoken.file = 1")
                .0
                .starts_with("spoutctl.toml:2:1: ")
        );
    }

    #[test]
    fn an_unknown_key_is_an_error_with_the_nearest_name() {
        assert_eq!(
            refused("[validate]\nmax_warnigs = 1"),
            (
                "spoutctl.toml:2:1: `max_warnigs` is no key that is known here".to_owned(),
                "did you mean `max-warnings`?".to_owned()
            )
        );
        let (message, help) = refused("[[validate.suppress]]\nfiles = 1\n");
        assert!(message.contains("`files`"), "{message}");
        assert_eq!(help, "known are path, reason, rules");
    }

    #[test]
    fn values_are_read_as_carefully_as_keys() {
        assert!(
            refused("pachyderm = \"3.0\"")
                .0
                .starts_with("spoutctl.toml:1:13: `3.0` is no version")
        );
        let (message, _) = refused("[validate]\nselect = [\"no-such-rule-at-all\"]");
        assert!(message.starts_with("spoutctl.toml:2:10: there is no rule"), "{message}");
        assert!(refused("[validate").0.starts_with("spoutctl.toml:1:10: "));
        let suppression = "[[validate.suppress]]\npath = \"a\"\nrules = []\n";
        assert!(refused(suppression).0.contains("missing field `reason`"));
        assert!(
            refused(&format!("{suppression}reason = ' '"))
                .0
                .contains("a reason has to say something")
        );
    }
}
