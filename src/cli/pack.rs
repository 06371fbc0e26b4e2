//! What can be typed about `pack`.

use clap::Args;

use super::delivery::OnBad;
use super::examples;
use super::messages::MessageArgs;
use super::output::VerbosityArgs;

/// Make tar archives of messages: the lines, JSON values or frames that a consumer prints
///
/// Standard input is taken apart into messages; as soon as there are enough, one complete archive goes to standard
/// output. What `spoutctl put DEST --messages …` does by itself, as a filter:
///
///   kcat -u … | spoutctl pack --messages lines --into data.jsonl | tee >(sha256sum >&2) | spoutctl put my-repo
///
/// A signal that asks for the end makes the last archive of the messages in hand; a second one ends at once.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::PACK))]
#[command(group = clap::ArgGroup::new("packing").args(["messages"]).required(true))]
pub struct PackArgs {
    #[command(flatten)]
    pub messages: MessageArgs,

    /// Percent-encode in the names of files what pachd refuses, and `%` itself; a key's slashes make directories
    #[arg(long, conflicts_with = "escape_keys")]
    pub escape_paths: bool,

    /// What becomes of a message that cannot be taken: stop, skip, or quarantine=DIR
    ///
    /// One without a key, that is no JSON, too long, or named as another of its archive. In DIR it is kept with its
    /// reason in a file `.why` beside it. Nothing goes on where the end of a message is not known.
    #[arg(long, value_name = "HOW", default_value = "stop")]
    pub on_bad: OnBad,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,
}
