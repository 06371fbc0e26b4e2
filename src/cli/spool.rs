//! What can be typed about `spool`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::connection::ServerArgs;
use super::delivery::{AcknowledgingArgs, OnBad, TryingArgs};
use super::examples;
use super::output::{LogArgs, VerbosityArgs};

/// Show what a spool holds, and decide about what does not go on
///
/// Shows the number of archives that were taken in over the spool's life (`accepted`: a producer goes on behind it),
/// those that wait, and what is held back because its commit failed. The spool is the directory of `put --spool`.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::SPOOL))]
pub struct SpoolArgs {
    /// The spool's directory
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,

    #[command(flatten)]
    pub decision: DecisionArgs,

    /// With --send: make the repo if it is not there
    #[arg(long, requires = "send")]
    pub create_repo: bool,

    /// Do not ask before something is given up
    #[arg(short, long)]
    pub yes: bool,

    /// With --send: let up to N commits wait to be finished, as `put --in-flight` does
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        requires = "send",
        value_parser = clap::value_parser!(u16).range(1..=100),
    )]
    pub in_flight: u16,

    /// With --send: what becomes of an archive of which no commit can be made, as `put --on-bad`
    /// [default: the repo that was given then, or stop]
    #[arg(long, value_name = "HOW", requires = "send")]
    pub on_bad: Option<OnBad>,

    #[command(flatten)]
    pub acknowledging: AcknowledgingArgs,

    /// Print one JSON object instead of text
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    #[command(flatten)]
    pub trying: TryingArgs,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub log: LogArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
#[command(next_help_heading = "Decisions")]
pub struct DecisionArgs {
    /// Send what waits, as `put` with the flags that it was taken in with, and read no input
    ///
    /// What was taken in with --ack-fd or --ack-command needs one of them here, too.
    #[arg(long)]
    pub send: bool,

    /// Let archive N be sent again, which is held back because its commit failed
    #[arg(long, value_name = "N")]
    pub resend: Option<u64>,

    /// Give archive N up: its file is removed, and no commit is made of it
    #[arg(long, value_name = "N")]
    pub forget: Option<u64>,

    /// Give everything up that waits
    #[arg(long)]
    pub discard: bool,
}
