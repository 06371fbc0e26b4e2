//! What can be typed about `man`.

use clap::Args;

use super::examples;

/// Print the man page of a verb, or of the program
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::MAN))]
pub struct ManArgs {
    /// The verb: put, or auth login; without it, the program itself
    #[arg(value_name = "VERB")]
    pub verb: Vec<String>,
}
