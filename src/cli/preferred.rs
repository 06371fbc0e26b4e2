//! Options that somebody prefers stand in for their defaults: what is typed comes before them, and they conflict with
//! nothing.

use std::ffi::{OsStr, OsString};

use clap::error::ErrorKind;
use clap::{Arg, Command, CommandFactory as _, FromArgMatches as _};

use super::{Cli, SpoutVerb, Verb};

impl Verb {
    /// The verb's name, with or without `spout` before it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Put(_) => "put",
            Self::Run(_) => "run",
            Self::Get(_) => "get",
            Self::Pack(_) => "pack",
            Self::Tail(_) => "tail",
            Self::Serve(_) => "serve",
            Self::Spool(_) => "spool",
            Self::Squash(_) => "squash",
            Self::Validate(_) => "validate",
            Self::Explain(_) => "explain",
            Self::Schema(_) => "schema",
            Self::Lsp(_) => "lsp",
            Self::Create(_) => "create",
            Self::Auth(_) => "auth",
            Self::Config(_) => "config",
            Self::Doctor(_) => "doctor",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
            Self::Spout(verb) => match verb {
                SpoutVerb::Put(_) => "put",
                SpoutVerb::Get(_) => "get",
                SpoutVerb::Tail(_) => "tail",
                SpoutVerb::Validate(_) => "validate",
                SpoutVerb::Explain(_) => "explain",
            },
        }
    }
}

/// What `args` say where `preferred`, options and their values, are the verb's defaults.
///
/// # Errors
/// As for any command line.
pub fn parse(args: &[OsString], verb: &str, preferred: &[(&str, &OsStr)]) -> Result<Cli, clap::Error> {
    let with = |command: Command| {
        preferred.iter().fold(command, |command, (name, value)| {
            let value = (*value).to_owned();
            command.mut_arg(id(name), |arg| arg.default_value(value))
        })
    };
    let command = Cli::command().mut_subcommand(verb, with);
    let has_verb = |command: &Command| command.find_subcommand(verb).is_some();
    let command = command.mut_subcommand("spout", |spout| {
        if has_verb(&spout) {
            spout.mut_subcommand(verb, with)
        } else {
            spout
        }
    });
    Cli::from_arg_matches(&command.try_get_matches_from(args)?)
}

/// Why `value` is none of the option.
///
/// # Errors
/// What clap says of it, without the option's name.
pub fn check(verb: &str, name: &str, value: &OsStr) -> Result<(), String> {
    let Some(option) = option(verb, name) else {
        return Err(format!("`{verb}` has no option --{name}"));
    };
    let alone = Arg::new("value")
        .value_parser(option.get_value_parser().clone())
        .allow_hyphen_values(true);
    let tried = Command::new("check")
        .no_binary_name(true)
        .disable_help_flag(true)
        .arg(alone);
    match tried.try_get_matches_from([value]) {
        Ok(_) => Ok(()),
        Err(error) => Err(why(&error, &option, value)),
    }
}

fn why(error: &clap::Error, option: &Arg, value: &OsStr) -> String {
    if let Some(source) = std::error::Error::source(error) {
        return source.to_string();
    }
    let names = option.get_possible_values();
    let names: Vec<&str> = names.iter().map(clap::builder::PossibleValue::get_name).collect();
    match error.kind() {
        ErrorKind::InvalidValue if !names.is_empty() => {
            format!("`{}` is none of {}", value.display(), names.join(", "))
        }
        _ => format!("`{}` is no value of it", value.display()),
    }
}

/// What holds for an option of a verb where nobody says anything.
pub fn default(verb: &str, name: &str) -> Option<OsString> {
    let option = option(verb, name)?;
    option
        .get_default_values()
        .first()
        .map(clap::builder::OsStr::to_os_string)
}

fn option(verb: &str, name: &str) -> Option<Arg> {
    let command = Cli::command();
    let mut options = command.find_subcommand(verb)?.get_arguments();
    options.find(|arg| arg.get_long() == Some(name)).cloned()
}

/// An argument's id is its field's name.
fn id(name: &str) -> String {
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> Vec<OsString> {
        let words = std::iter::once(&"spoutctl").chain(words);
        words.map(OsString::from).collect()
    }

    fn retry_for(words: &[&str], preferred: &[(&str, &str)]) -> u64 {
        let pairs: Vec<(&str, &OsStr)> = preferred
            .iter()
            .map(|(name, value)| (*name, OsStr::new(*value)))
            .collect();
        match parse(&line(words), "put", &pairs).unwrap().verb {
            Verb::Put(args) | Verb::Spout(SpoutVerb::Put(args)) => args.trying.retry_for.as_secs(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_typed_comes_before_what_is_preferred() {
        let preferred = [("retry-for", "2h")];
        assert_eq!(retry_for(&["put", "repo"], &preferred), 7200);
        assert_eq!(retry_for(&["spout", "put", "repo"], &preferred), 7200);
        assert_eq!(retry_for(&["put", "repo", "--retry-for", "1h"], &preferred), 3600);
        assert_eq!(retry_for(&["put", "repo"], &[]), 600);
    }

    #[test]
    fn what_is_preferred_conflicts_with_nothing() {
        let preferred = [("metrics-listen", "0"), ("stats-every", "1s")];
        retry_for(&["put", "repo", "--dry-run"], &preferred);
    }

    #[test]
    fn a_value_is_looked_at_as_its_option_would() {
        let checked = |verb, name, value| check(verb, name, OsStr::new(value));
        assert_eq!(checked("put", "retry-for", "1h30m"), Ok(()));
        assert_eq!(checked("tail", "color", "never"), Ok(()));
        let wrong = checked("put", "retry-for", "soon").unwrap_err();
        assert!(wrong.starts_with("`soon` is no duration"), "{wrong}");
        assert_eq!(
            checked("tail", "color", "--pink").unwrap_err(),
            "`--pink` is none of auto, always, never"
        );
        assert!(checked("put", "color", "never").is_err());
    }
}
