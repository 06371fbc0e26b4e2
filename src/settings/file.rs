//! A settings file: TOML whose keys are all known, and whose faults have a place.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use spoutctl_core::named_file;
use spoutctl_lint::source::{Position, SourceFile};

/// A settings file is a page of text; what is so much longer is another file.
const LONGEST: u64 = 1 << 20;

/// A file that cannot be used. Nothing goes on without it: what it says may be what keeps a run from doing harm.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot read {}: {why}", path.display())]
    Unreadable { path: PathBuf, why: io::Error },
    #[error("{}:{}:{}: {what}", path.display(), at.line, at.column)]
    Wrong {
        path: PathBuf,
        at: Position,
        what: String,
        help: Option<String>,
    },
}

impl FileError {
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Unreadable { .. } => None,
            Self::Wrong { help, .. } => help.as_deref(),
        }
    }
}

/// What is wrong in a file, and where.
#[derive(Debug)]
pub(super) struct Wrong {
    pub range: Range<usize>,
    pub what: String,
    pub help: Option<String>,
}

impl Wrong {
    pub fn within(self, path: &Path, file: &SourceFile) -> FileError {
        FileError::Wrong {
            path: path.to_owned(),
            at: file.position(self.range.start),
            what: self.what,
            help: self.help,
        }
    }
}

impl From<toml::de::Error> for Wrong {
    fn from(error: toml::de::Error) -> Self {
        Self {
            range: error.span().unwrap_or(0..0),
            what: error.message().lines().next().unwrap_or_default().to_owned(),
            help: None,
        }
    }
}

/// The text of a file.
///
/// # Errors
/// When it cannot be read, is no UTF-8, or longer than a mebibyte.
pub(super) fn text(path: &Path) -> Result<String, FileError> {
    let unreadable = |why| FileError::Unreadable {
        path: path.to_owned(),
        why,
    };
    let bytes = named_file::read(path, LONGEST).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|_| unreadable(io::Error::other("it is no UTF-8")))
}

/// Refuses a key that is not in `known`; what stands in `never` is refused for the reason that it gives.
pub(super) fn check_keys(table: &DeTable<'_>, known: &[&str], never: &Never) -> Result<(), Wrong> {
    for key in table.keys() {
        let name: &str = key.get_ref();
        if known.contains(&name) {
            continue;
        }
        let plain = name.to_ascii_lowercase().replace('_', "-");
        if never.names.contains(&plain.as_str()) {
            return Err(Wrong {
                range: key.span(),
                what: format!("`{name}` cannot be set here: {}", never.why),
                help: Some(never.help.to_owned()),
            });
        }
        let distance = |known: &&&str| strsim::damerau_levenshtein(known, &plain);
        let nearest = known.iter().min_by_key(distance);
        let nearest = nearest.filter(|known| distance(known) <= plain.len() / 3);
        return Err(Wrong {
            range: key.span(),
            what: format!("`{}` is no key that is known here", name.escape_debug()),
            help: Some(match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("known are {}", known.join(", ")),
            }),
        });
    }
    Ok(())
}

/// What may not stand in a file, by any name that somebody might try.
pub(super) struct Never {
    pub names: &'static [&'static str],
    pub why: &'static str,
    pub help: &'static str,
}

pub(super) fn value_in<'a, 'i>(table: &'a DeTable<'i>, name: &str) -> Option<&'a DeValue<'i>> {
    let mut members = table.iter();
    members
        .find(|(key, _)| key.get_ref() == name)
        .map(|(_, value)| value.get_ref())
}

pub(super) fn table_in<'a, 'i>(table: &'a DeTable<'i>, name: &str) -> Option<&'a DeTable<'i>> {
    match value_in(table, name)? {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

/// A path in a file: as it is, or relative to the file's directory; `~/` is the user's home, as shells have it.
pub(super) fn beside(file: &Path, text: &str) -> PathBuf {
    let home = text
        .strip_prefix("~/")
        .and_then(|rest| Some(std::env::home_dir()?.join(rest)));
    home.unwrap_or_else(|| file.parent().unwrap_or(Path::new("")).join(text))
}
