//! What the user prefers stands in for the defaults of a verb.

use std::ffi::{OsStr, OsString};

use crate::cli::{Cli, preferred};
use crate::failure::Failure;
use crate::settings::preferences::{self, Preference};
use crate::settings::{FileError, Surroundings};
use spoutctl_core::exit::Exit;

/// What `args` say, which `cli` is without any preference.
///
/// # Errors
/// When a settings file cannot be used, or a preference is no value of its option.
pub fn apply(cli: Cli, args: &[OsString]) -> Result<Cli, Failure> {
    let verb = cli.verb.name();
    let here = std::env::current_dir().ok();
    let gathered = preferences::gather(verb, &Surroundings::ours(), here.as_deref());
    let gathered = gathered.map_err(|error| file_failure(&error))?;
    if gathered.is_empty() {
        return Ok(cli);
    }
    gathered.iter().try_for_each(check)?;
    let pairs: Vec<(&str, &OsStr)> = gathered
        .iter()
        .map(|said| (said.name, said.value.as_os_str()))
        .collect();
    // The same words were taken before, and each value is one of its option.
    preferred::parse(args, verb, &pairs).map_err(|error| Failure::new(Exit::Usage, error.to_string().trim_end()))
}

/// Whether it is a value of its option.
pub(super) fn check(said: &Preference) -> Result<(), Failure> {
    let checked = preferred::check(said.verb, said.name, &said.value);
    checked.map_err(|why| Failure::new(Exit::Usage, format!("{}: {}: {why}", said.from, said.name)))
}

pub(super) fn file_failure(error: &FileError) -> Failure {
    Failure {
        help: error.help().map(str::to_owned).into_iter().collect(),
        ..Failure::new(Exit::Usage, error.to_string())
    }
}
