//! The user's own file: preferences, and where pachd is for somebody who does without pachctl.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::{self, FileError, Never, Wrong, beside};
use super::preferable::{self, Preference, Scope};
use super::surroundings::{Origin, Surroundings};
use spoutctl_lint::source::SourceFile;

const TOP: &[&str] = &["cacert", "context", "pachd", "token-file"];

/// What is not in it: a secret has a file of its own, or stands in pachctl's configuration, and no protection is given
/// up once and for all.
const NEVER: Never = Never {
    names: &["auth-token", "insecure", "pach-token", "token"],
    why: "this file is read aloud by `spoutctl config`, and copied to other machines",
    help: "name a file with token-file, or run spoutctl auth use-token; --insecure has to be said each time",
};

/// The file's content.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct User {
    pub path: PathBuf,
    /// Where pachd is, unless a flag, a pod or a variable says so.
    pub pachd: Option<(String, Origin)>,
    /// The context of pachctl's configuration that is used in place of its active one.
    pub context: Option<(String, Origin)>,
    /// For `pachd` alone.
    pub token_file: Option<PathBuf>,
    /// For `pachd` alone.
    pub cacert: Option<PathBuf>,
    pub preferences: Vec<Preference>,
}

/// Where the file is, or would be: `$XDG_CONFIG_HOME/spoutctl/config.toml`, or in `~/.config`. `None` without a home.
pub fn path(around: &Surroundings<'_>) -> Option<PathBuf> {
    // A relative one is to be ignored, the XDG Base Directory Specification says.
    let given = around.set("XDG_CONFIG_HOME").map(PathBuf::from);
    let base = match given.filter(|path| path.is_absolute()) {
        Some(base) => base,
        None => PathBuf::from(around.set("HOME")?).join(".config"),
    };
    Some(base.join("spoutctl/config.toml"))
}

/// The file's content, where there is one.
///
/// # Errors
/// When it cannot be read, is no TOML, or holds what it must not.
pub fn load(around: &Surroundings<'_>) -> Result<Option<User>, FileError> {
    let Some(path) = path(around) else { return Ok(None) };
    // A home that we may not look into, or that is none (`/dev/null`), has no file of ours: containers run so.
    if !path.try_exists().unwrap_or(false) {
        return Ok(None);
    }
    let file = SourceFile::new(path.display().to_string(), file::text(&path)?);
    parse(&path, &file)
        .map(Some)
        .map_err(|wrong| wrong.within(&path, &file))
}

fn parse(path: &Path, file: &SourceFile) -> Result<User, Wrong> {
    let table = DeTable::parse(file.text())?;
    let top = table.get_ref();
    let preferences = preferable::read(top, path, file, Scope::User, TOP, &NEVER)?;
    let from = |value: &Spanned<String>| Origin::Setting {
        path: path.to_owned(),
        line: file.position(value.span().start).line,
    };
    let pachd = text(top, "pachd")?;
    let context = text(top, "context")?;
    if let (Some(_), Some(context)) = (&pachd, &context) {
        return Err(Wrong {
            range: context.span(),
            what: "`context` and `pachd` both say where pachd is".to_owned(),
            help: Some("leave one of them out".to_owned()),
        });
    }
    let file_of = |name: &str| -> Result<Option<PathBuf>, Wrong> {
        let Some(value) = text(top, name)? else { return Ok(None) };
        if pachd.is_none() {
            return Err(Wrong {
                range: value.span(),
                what: format!("`{name}` stands without `pachd`"),
                help: Some("it counts for one address alone, which `pachd` names; a context has its own".to_owned()),
            });
        }
        Ok(Some(beside(path, value.get_ref())))
    };
    Ok(User {
        path: path.to_owned(),
        token_file: file_of("token-file")?,
        cacert: file_of("cacert")?,
        pachd: pachd.as_ref().map(|value| (value.get_ref().clone(), from(value))),
        context: context.as_ref().map(|value| (value.get_ref().clone(), from(value))),
        preferences,
    })
}

fn text(top: &DeTable<'_>, name: &str) -> Result<Option<Spanned<String>>, Wrong> {
    let Some((_, value)) = top.iter().find(|(key, _)| key.get_ref() == name) else {
        return Ok(None);
    };
    match value.get_ref() {
        DeValue::String(text) if !text.is_empty() => Ok(Some(Spanned::new(value.span(), text.to_string()))),
        _ => Err(Wrong {
            range: value.span(),
            what: format!("`{name}` is a text that is not empty"),
            help: None,
        }),
    }
}
