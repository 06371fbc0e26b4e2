//! What `-h` shows of a verb with many options: those that most runs need. `--help`, the man page and the book have
//! all.

use std::ffi::OsString;

use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches as _};

use super::Cli;

/// By their long names.
const PUT: &[&str] = &[
    "create-repo",
    "message",
    "dry-run",
    "stream",
    "messages",
    "into",
    "each",
    "batch-count",
    "batch-period",
    "restart",
    "spool",
    "ack-command",
    "json",
    "quiet",
    "verbose",
    "pachd",
];

/// Everything that can be typed, with what the short help leaves out.
pub fn command() -> Command {
    Cli::command().mut_subcommand("put", |put| {
        put.mut_args(|argument| match argument.get_long() {
            Some(name) if !PUT.contains(&name) => argument.hide_short_help(true),
            _ => argument,
        })
    })
}

/// What a line says, and what was typed of it: all of it is defined once only, for most of a start is that.
///
/// # Errors
/// As clap has them.
pub fn parse(line: &[OsString]) -> Result<(Cli, ArgMatches), clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(line)?;
    match Cli::from_arg_matches(&matches) {
        Ok(cli) => Ok((cli, matches)),
        Err(error) => Err(error.format(&mut command)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_short_help_shows_is_there() {
        let command = command();
        let put = command.find_subcommand("put").unwrap();
        for name in PUT {
            assert!(
                put.get_arguments().any(|argument| argument.get_long() == Some(name)),
                "{name}"
            );
        }
    }
}
