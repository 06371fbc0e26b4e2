//! The options of `put` as the keys of a file. What `run` makes of a table is a command line, so that an option means
//! the same in both, and conflicts with the same.

use std::ffi::{OsStr, OsString};

use clap::builder::{Resettable, ValueHint};
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Args as _, Command, FromArgMatches as _};

use super::effects;
use super::put::PutArgs;

/// What is no key of a stream, and why.
pub const ELSEWHERE: &[(&str, &str)] = &[
    ("ack-fd", "descriptors are the process's own; use ack-command"),
    ("dry-run", "spoutctl run --check looks at all of the file"),
    ("grace", OF_ALL),
    ("json", OF_ALL),
    ("log-format", OF_ALL),
    ("metrics-listen", OF_ALL),
    ("quiet", OF_ALL),
    ("verbose", OF_ALL),
];
const OF_ALL: &str = "it holds for all streams; give it to spoutctl run";

/// The arguments of `put` that are no options, by their keys and as clap's messages have them.
const POSITIONAL: [(&str, &str); 3] = [("destination", "DEST"), ("files", "FILE"), ("command", "CMD")];

/// How an option stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Flag,
    One,
    /// A list, and where it has one element that may stand alone.
    Many,
    /// A list of words, which nobody splits.
    Words,
}

/// What cannot be meant.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The key of the option that it is about, where that is one.
    pub key: Option<String>,
    pub what: String,
}

/// What is said of one stream: keys, and their values as words.
pub type Said<'a> = (&'a str, Vec<&'a str>);

/// All options of a stream.
pub struct StreamOptions {
    put: Command,
}

impl StreamOptions {
    /// Where `preferred`, options and their values, stand in for defaults.
    pub fn new(preferred: &[(&str, &OsStr)]) -> Self {
        let put = PutArgs::augment_args(Command::new("put").disable_help_flag(true))
            // One spool for all of them is none for any.
            .mut_arg("spool", |spool| spool.env(Resettable::Reset));
        let put = preferred.iter().fold(put, |put, (name, value)| {
            let value = (*value).to_owned();
            put.mut_arg(name.replace('-', "_"), |arg| arg.default_value(value))
        });
        Self { put }
    }

    /// What a key may be.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let keys = self.put.get_arguments().filter_map(key);
        keys.filter(|key| !ELSEWHERE.iter().any(|(name, _)| name == key))
    }

    /// How the option of this key stands in a file.
    pub fn shape(&self, name: &str) -> Option<Shape> {
        let arg = self.put.get_arguments().find(|arg| key(arg) == Some(name))?;
        Some(match arg.get_action() {
            ArgAction::SetTrue => Shape::Flag,
            _ if arg.get_value_hint() == ValueHint::CommandWithArguments => Shape::Words,
            ArgAction::Append => Shape::Many,
            _ => Shape::One,
        })
    }

    /// The command line that says the same: of flags those that are set, each option before all that is no option.
    pub fn words(&self, said: &[Said<'_>]) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["put".into()];
        for (key, values) in said {
            match self.shape(key) {
                Some(Shape::Flag) => words.push(format!("--{key}").into()),
                _ if POSITIONAL.iter().any(|(positional, _)| positional == key) => {}
                _ => words.extend(values.iter().map(|value| format!("--{key}={value}").into())),
            }
        }
        for (positional, _) in POSITIONAL {
            let values = said.iter().find(|(key, _)| *key == positional);
            if positional == "command" && values.is_some() {
                words.push("--".into());
            }
            let values = values.iter().flat_map(|(_, values)| values);
            // A file of the name `-x` is no option.
            words.extend(values.map(|value| match positional {
                "files" if value.starts_with('-') && *value != "-" => format!("./{value}").into(),
                _ => value.into(),
            }));
        }
        words
    }

    /// What a command line means.
    ///
    /// # Errors
    /// What cannot be meant.
    pub fn parse(&self, words: &[OsString]) -> Result<PutArgs, Mistake> {
        let matches = self.put.clone().try_get_matches_from(words);
        let matches = matches.map_err(|error| self.mistake(&error))?;
        if let Some((key, means)) = effects::useless("put", &matches) {
            return Err(Mistake {
                what: format!("`{key}` has no effect here: it is for {means}"),
                key: Some(key),
            });
        }
        PutArgs::from_arg_matches(&matches).map_err(|error| self.mistake(&error))
    }

    fn mistake(&self, error: &clap::Error) -> Mistake {
        let about = match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::String(one)) => Some(one.as_str()),
            Some(ContextValue::Strings(all)) => all.first().map(String::as_str),
            _ => None,
        };
        let name = about.map(|about| about.trim_start_matches(['-', '[', '<']));
        let name = name.and_then(|about| about.split([' ', '=', '>', ']']).next());
        let positional = |name: &str| POSITIONAL.iter().find(|(_, shown)| *shown == name).map(|(key, _)| *key);
        let key = name.and_then(|name| positional(name).or_else(|| self.keys().find(|key| *key == name)));
        let text = error.to_string();
        let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
        let what = lines.collect::<Vec<_>>().join(" ");
        Mistake {
            key: key.map(str::to_owned),
            what: what.trim_start_matches("error: ").to_owned(),
        }
    }
}

fn key(arg: &Arg) -> Option<&str> {
    let positional = || {
        POSITIONAL
            .iter()
            .find(|(key, _)| arg.get_id() == key)
            .map(|(key, _)| *key)
    };
    arg.get_long().or_else(positional)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(said: &[Said<'_>]) -> Result<PutArgs, Mistake> {
        let options = StreamOptions::new(&[]);
        options.parse(&options.words(said))
    }

    #[test]
    fn every_option_of_put_is_a_key_or_refused_for_a_reason() {
        let options = StreamOptions::new(&[]);
        for arg in options.put.get_arguments() {
            let name = key(arg).unwrap_or_else(|| panic!("{} has no key", arg.get_id()));
            let is_elsewhere = ELSEWHERE.iter().any(|(elsewhere, _)| *elsewhere == name);
            assert_eq!(options.keys().any(|key| key == name), !is_elsewhere, "{name}");
        }
        for (name, _) in ELSEWHERE {
            assert!(options.shape(name).is_some(), "{name} is no option of put any more");
        }
        for (name, shape) in [
            ("append", Shape::Flag),
            ("command", Shape::Words),
            ("destination", Shape::One),
            ("files", Shape::Many),
            ("retry-for", Shape::One),
            ("route", Shape::Many),
        ] {
            assert_eq!(options.shape(name), Some(shape), "{name}");
        }
    }

    #[test]
    fn a_table_means_what_a_command_line_does() {
        let args = parse(&[
            ("append", vec![]),
            ("command", vec!["sh", "-c", "echo --json"]),
            ("destination", vec!["p/r@b:/d"]),
            ("message", vec!["-- a b"]),
            ("messages", vec!["lines"]),
            ("into", vec!["f"]),
            ("restart", vec!["always"]),
        ])
        .unwrap();
        assert_eq!(args.destination.unwrap().to_string(), "p/r@b:/d");
        assert_eq!(args.production.command, ["sh", "-c", "echo --json"]);
        assert_eq!(args.commits.message.as_deref(), Some("-- a b"));
        assert!(args.commits.append && !args.json);
        let args = parse(&[("destination", vec!["r"]), ("files", vec!["-x.tar", "-"])]).unwrap();
        assert_eq!(args.files, ["./-x.tar", "-"].map(std::path::PathBuf::from));
    }

    #[test]
    fn a_mistake_names_its_key() {
        let keys = |said: &[Said<'_>]| parse(said).unwrap_err();
        let clash = keys(&[("destination", vec!["r"]), ("spool", vec!["d"]), ("stream", vec!["s"])]);
        assert!(clash.key.is_some(), "{clash:?}");
        assert!(
            clash.what.contains("--spool") && clash.what.contains("--stream"),
            "{clash:?}"
        );
        let value = keys(&[("destination", vec!["r"]), ("retry-for", vec!["soon"])]);
        assert_eq!(value.key.as_deref(), Some("retry-for"), "{value:?}");
        assert!(value.what.contains("`soon` is no duration"), "{value:?}");
        let place = keys(&[("destination", vec!["a b"])]);
        assert_eq!(place.key.as_deref(), Some("destination"), "{place:?}");
        let useless = keys(&[
            ("accept-emptied", vec![]),
            ("append", vec![]),
            ("destination", vec!["r"]),
            ("insecure", vec![]),
            ("pachd", vec!["local:d"]),
        ]);
        assert_eq!(useless.key.as_deref(), Some("insecure"), "{useless:?}");
        let missing = keys(&[("destination", vec!["r"]), ("spool-limit", vec!["1MiB"])]);
        assert!(missing.what.contains("--spool <DIR>"), "{missing:?}");
    }

    #[test]
    fn what_is_preferred_is_a_default() {
        let options = StreamOptions::new(&[("retry-for", OsStr::new("2h"))]);
        let args = options.parse(&options.words(&[("destination", vec!["r"])])).unwrap();
        assert_eq!(args.trying.retry_for.as_secs(), 7200);
    }
}
