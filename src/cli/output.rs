//! How much is said, in which form and in which colours.

use clap::{ArgAction, Args, ValueEnum};

/// How much is said.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct VerbosityArgs {
    /// Say nothing on standard error but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more: where to, how long each step took; -vv: each call, too
    ///
    /// First where to, and by whose token. The steps of a commit are upload, start, add, close, move (with --staging),
    /// finish. Of a call its name and its time are said, and pachd's words where it failed.
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
}

/// In which form it is said.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct LogArgs {
    /// How lines on standard error are written: as text, behind their time, or as JSON
    ///
    /// `timed` begins each line with the time in UTC; `json` makes each note and error one object with time, level and
    /// message, and where they are known code, archive, commit, details and help. `auto` is `timed` in a spout's pod,
    /// and `text` elsewhere. Mistakes on the command line are always told as text, and what CMD prints comes as it is.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "auto")]
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Auto,
    Text,
    Timed,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set; with CLICOLOR_FORCE everywhere
    Auto,
    Always,
    Never,
}
