//! What can be typed about `run`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};

use super::examples;
use super::output::{LogArgs, VerbosityArgs};
use super::values::parse_duration;

/// Run several streams in one process: a `put` for each table of a file
///
/// FILE is TOML: a table [streams.NAME] for each, and [defaults] for what all of them have. The keys are the options of
/// put without their dashes, and destination, files (a list) and command (a list of words). No secret may stand there,
/// only names of files.
///
/// A stream that ends with an error is started again after a second, then after twice as long each time, a minute at
/// most; the others do not notice. SIGHUP reads FILE again: streams that were added start, those that were removed or
/// changed finish what they have in hand, and nothing happens to the others, nor to any where FILE is wrong. SIGTERM
/// ends all of them so.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::RUN))]
pub struct RunArgs {
    /// The streams
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Say what is wrong in FILE, and start nothing
    #[arg(long, conflicts_with = "metrics_listen")]
    pub check: bool,

    /// After an interrupt, finish or give up the archives in hand within this time
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "25s",
        value_parser = parse_duration,
        help_heading = "Retries"
    )]
    pub grace: Duration,

    /// Print one JSON object a line instead of text: those of put, each with the name of its `stream`
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    /// Answer Prometheus and probes at this address; a port alone is one of this machine, which nobody else reaches
    ///
    /// As that of put: each series has the label `stream`, too, and /ready is 200 while all of them are ready, or have
    /// ended well.
    #[arg(long, value_name = "[HOST:]PORT", help_heading = "Output")]
    pub metrics_listen: Option<String>,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub log: LogArgs,
}
