//! What can be typed about `config`.

use clap::Args;

use super::connection::ServerArgs;
use super::examples;
use super::output::VerbosityArgs;

/// Show what holds here, and where each of it was said: pachd's address, token, project; preferred options
///
/// An option of the command line comes first, then its variable, then `spoutctl.toml` of the project (the nearest one,
/// in this directory or above), then config.toml of the user. A token is not shown.
///
/// Exit code 2: something that is said cannot be used.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::CONFIG))]
pub struct ConfigArgs {
    /// Print one JSON object a line
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}
