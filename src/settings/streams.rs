//! The file of `run`: a table of options for each stream, each with its place. What the options mean is not known here.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::file::{self, FileError, Never, Wrong, check_keys};
use spoutctl_lint::source::SourceFile;

const DEFAULTS: &str = "defaults";
const STREAMS: &str = "streams";

/// What is not in it, by any name that somebody might try.
const NEVER: Never = Never {
    names: &[
        "api-key",
        "auth-token",
        "credentials",
        "pach-token",
        "password",
        "sasl-password",
        "secret",
        "token",
    ],
    why: "a file of streams is read by many, and holds no secret",
    help: "name the file that holds it: token-file, kafka-config (whose ${NAME} is a variable); or set PACH_TOKEN",
};

/// The file's content.
#[derive(Debug)]
pub struct Streams {
    path: PathBuf,
    file: SourceFile,
    /// By their names.
    pub streams: Vec<Stream>,
}

/// One table of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    pub name: String,
    /// Where its name stands.
    pub at: Range<usize>,
    /// Its own options and, of those that it has not, the defaults.
    pub said: Vec<Said>,
}

/// An option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub key: String,
    pub value: Value,
    pub at: Range<usize>,
}

/// What an option is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Flag(bool),
    One(String),
    Many(Vec<String>),
}

impl Stream {
    /// Where this option stands, or else the stream's name.
    pub fn place(&self, key: Option<&str>) -> &Range<usize> {
        let said = key.and_then(|key| self.said.iter().find(|said| said.key == key));
        said.map_or(&self.at, |said| &said.at)
    }
}

impl Streams {
    /// The streams of a file, whose options may be `known` ones; those `elsewhere` are refused for the reason beside.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or holds what it must not.
    pub fn load(path: &Path, known: &[&str], elsewhere: &[(&str, &str)]) -> Result<Self, FileError> {
        let file = SourceFile::new(path.display().to_string(), file::text(path)?);
        let streams = parse(&file, known, elsewhere).map_err(|wrong| wrong.within(path, &file))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            streams,
        })
    }

    /// What is wrong at this place of the file.
    pub fn wrong(&self, at: &Range<usize>, what: String, help: Option<String>) -> FileError {
        let range = at.clone();
        Wrong { range, what, help }.within(&self.path, &self.file)
    }
}

fn parse(file: &SourceFile, known: &[&str], elsewhere: &[(&str, &str)]) -> Result<Vec<Stream>, Wrong> {
    let table = DeTable::parse(file.text())?;
    let top = table.get_ref();
    check_keys(top, &[DEFAULTS, STREAMS], &NEVER)?;
    let options = |table: &DeTable<'_>| -> Result<Vec<Said>, Wrong> {
        if let Some((key, why)) = table.keys().find_map(|key| {
            let found = elsewhere.iter().find(|(name, _)| key.get_ref() == *name);
            Some((key, found?.1))
        }) {
            return Err(Wrong {
                range: key.span(),
                what: format!("`{}` cannot stand here: {why}", key.get_ref()),
                help: None,
            });
        }
        check_keys(table, known, &NEVER)?;
        let said = table.iter().map(|(key, value)| {
            Ok(Said {
                key: key.get_ref().to_string(),
                value: self::value(key.get_ref(), value)?,
                at: key.span(),
            })
        });
        said.collect()
    };
    let defaults = match entry(top, DEFAULTS)? {
        Some((_, defaults)) => options(defaults)?,
        None => Vec::new(),
    };
    let tables = entry(top, STREAMS)?.map(|(_, streams)| streams);
    let mut streams = Vec::new();
    for (name, value) in tables.into_iter().flatten() {
        let DeValue::Table(table) = value.get_ref() else {
            return Err(not_a_table(name.span(), &format!("{STREAMS}.{}", name.get_ref())));
        };
        let mut said = options(table)?;
        for default in &defaults {
            if !said.iter().any(|own| own.key == default.key) {
                said.push(default.clone());
            }
        }
        streams.push(Stream {
            name: name.get_ref().to_string(),
            at: name.span(),
            said,
        });
    }
    if streams.is_empty() {
        return Err(Wrong {
            range: 0..0,
            what: "there is no stream in it".to_owned(),
            help: Some("write [streams.NAME], and the options of its put below".to_owned()),
        });
    }
    Ok(streams)
}

/// A table of the top, where it is there.
fn entry<'a, 'i>(top: &'a DeTable<'i>, name: &str) -> Result<Option<(Range<usize>, &'a DeTable<'i>)>, Wrong> {
    let Some((key, value)) = top.iter().find(|(key, _)| key.get_ref() == name) else {
        return Ok(None);
    };
    match value.get_ref() {
        DeValue::Table(table) => Ok(Some((key.span(), table))),
        _ => Err(not_a_table(key.span(), name)),
    }
}

fn not_a_table(range: Range<usize>, name: &str) -> Wrong {
    Wrong {
        range,
        what: format!("`{name}` is a table of options"),
        help: Some(format!("write [{name}], and the options below it")),
    }
}

fn value(key: &str, value: &toml::Spanned<DeValue<'_>>) -> Result<Value, Wrong> {
    let wrong = |range: Range<usize>| Wrong {
        range,
        what: format!(
            "`{}` is a text, a whole number, true or false, or a list of texts",
            key.escape_debug()
        ),
        help: None,
    };
    Ok(match value.get_ref() {
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Array(entries) => {
            let texts = entries
                .iter()
                .map(|entry| text(entry.get_ref()).ok_or_else(|| wrong(entry.span())));
            Value::Many(texts.collect::<Result<_, _>>()?)
        }
        other => Value::One(text(other).ok_or_else(|| wrong(value.span()))?),
    })
}

fn text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().replace('_', "")),
        DeValue::Datetime(time) => Some(time.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["append", "command", "destination", "retry-for", "start", "token-file"];

    fn read(text: &str) -> Result<Vec<Stream>, String> {
        let path = Path::new("s.toml");
        let file = SourceFile::new("s.toml", text);
        parse(&file, KNOWN, &[("json", "it is for all")]).map_err(|wrong| {
            let wrong = wrong.within(path, &file);
            format!("{wrong}; {}", wrong.help().unwrap_or_default())
        })
    }

    #[test]
    fn a_streams_own_options_come_before_the_defaults() {
        let streams = read(
            "[defaults]\nretry-for = \"1m\"\nappend = true\n\
             [streams.b]\ncommand = [\"a\", \"b c\"]\n[streams.a]\nretry-for = 0\nstart = 2026-11-22T10:00:00Z\n",
        );
        let said = |stream: &Stream| -> Vec<(String, Value)> {
            let said = stream.said.iter();
            said.map(|said| (said.key.clone(), said.value.clone())).collect()
        };
        let one = |text: &str| Value::One(text.to_owned());
        let streams = streams.unwrap();
        let (a, b) = (said(&streams[0]), said(&streams[1]));
        assert_eq!(
            a,
            [
                ("retry-for".to_owned(), one("0")),
                ("start".to_owned(), one("2026-11-22T10:00:00Z")),
                ("append".to_owned(), Value::Flag(true)),
            ]
        );
        assert_eq!(b[0].1, Value::Many(vec!["a".to_owned(), "b c".to_owned()]));
        assert_eq!(b.len(), 3);
    }

    #[test]
    fn what_is_wrong_has_its_place_and_a_way_out() {
        for (text, said) in [
            ("", "s.toml:1:1: there is no stream in it; write [streams.NAME]"),
            ("[streams.a]\n[streams.a]\n", "s.toml:2:"),
            ("[streams]\na = 1\n", "s.toml:2:1: `streams.a` is a table of options"),
            (
                "[stream.a]\n",
                "s.toml:1:2: `stream` is no key that is known here; did you mean `streams`?",
            ),
            (
                "[streams.a]\nretry_for = \"1m\"\n",
                "s.toml:2:1: `retry_for` is no key that is known here; did you mean `retry-for`?",
            ),
            (
                "[streams.a]\n  json = true\n",
                "s.toml:2:3: `json` cannot stand here: it is for all",
            ),
            ("[streams.a]\nretry-for = 1.5\n", "s.toml:2:13: `retry-for` is a text"),
            (
                "[streams.a]\ncommand = [\"a\", []]\n",
                "s.toml:2:17: `command` is a text",
            ),
        ] {
            let wrong = read(text).unwrap_err();
            assert!(wrong.starts_with(said), "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_refused_and_not_repeated() {
        for key in ["token", "sasl-password", "Secret", "API_KEY"] {
            let wrong = read(&format!("[defaults]\n{key} = \"hunter2\"\n[streams.a]\n")).unwrap_err();
            assert!(
                wrong.contains("holds no secret") && wrong.contains("token-file"),
                "{wrong}"
            );
            assert!(!wrong.contains("hunter2"), "{wrong}");
        }
    }
}
