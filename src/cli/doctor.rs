//! What can be typed about `doctor`.

use std::time::Duration;

use clap::Args;

use super::connection::ServerArgs;
use super::examples;
use super::kafka::TopicArgs;
use super::output::{Colour, VerbosityArgs};
use super::values::parse_period;
use spoutctl_core::pfs::{CommitId, Destination};

/// Look at everything that a `put` needs: address, network, certificate, pachd, token, repo, branch, permission
///
/// A line for each: ok, warning, fault, or what has to be right first; and what to do next. Nothing is changed, unless
/// --drop is given.
///
/// Exit code 0: no fault; else that with which `put` would end at the first one: 2 (nothing says where pachd is), 4
/// (pachd refuses), 5 (it or Kafka cannot be reached, or the branch is busy), 3 (the disk; Kafka has not what comes
/// next).
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::DOCTOR))]
pub struct DoctorArgs {
    /// Look at this destination as well: [project/]repo[@branch]
    #[arg(value_name = "DEST")]
    pub destination: Option<Destination>,

    /// Drop this commit, if it is the open head of DEST that keeps everybody from writing
    ///
    /// Only when its writer is dead: what it holds is gone for good.
    #[arg(long, value_name = "COMMIT", requires = "destination", value_parser = CommitId::new)]
    pub drop: Option<CommitId>,

    /// Do not ask before a commit is dropped
    #[arg(short, long, requires = "drop")]
    pub yes: bool,

    /// Wait for each answer no longer than this
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_period)]
    pub timeout: Duration,

    #[command(flatten)]
    pub topics: TopicArgs,

    /// Print one JSON object a line: of type `check`, and last `summary`
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    /// When there is colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colour::Auto, help_heading = "Output")]
    pub color: Colour,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}
