//! What can be typed about `squash`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};

use super::connection::ServerArgs;
use super::examples;
use super::output::{LogArgs, VerbosityArgs};
use super::values::{parse_age, parse_duration};
use spoutctl_core::pfs::{CommitId, Followed};

/// Squash the old commits of a branch into those that are kept, so that a long history becomes a short one
///
/// Each squashed commit goes from the history and from what is listed; what is read at every commit that stays is the
/// same before and after. What was squashed cannot be read any more, for good.
///
/// Never squashed: a head; what another branch stands on; a commit that is open or has an error, and the one before it;
/// the newest 200 of each named stream of `put`; what --route wrote; with --downstream, what a pipeline has not
/// finished. Those that stay are counted by reason. It may be killed at any time, and goes on when it is run again.
///
/// Needs Pachyderm 2 and, with access control, the permission to delete commits on the cluster.
#[derive(Debug, Clone, Args)]
#[command(after_help = examples::help(examples::SQUASH))]
#[expect(clippy::struct_excessive_bools, reason = "one a flag")]
pub struct SquashArgs {
    /// Whose commits: [project/]repo[@branch]
    #[arg(value_name = "SOURCE")]
    pub source: Followed,

    /// Only commits that were finished longer ago than this: 7d, 12h
    #[arg(long, value_name = "DURATION", value_parser = parse_age)]
    pub older_than: Duration,

    /// Keep the newest good commit of each period of this length, counted from midnight in UTC: 1h, 1d
    #[arg(long, value_name = "DURATION", value_parser = parse_length)]
    pub keep_every: Option<Duration>,

    /// Keep this commit; repeated, each of them
    #[arg(long, value_name = "COMMIT", value_parser = CommitId::new)]
    pub keep: Vec<CommitId>,

    /// Keep the commit that a cursor of `tail` is at; repeated, of each
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub cursor: Vec<PathBuf>,

    /// Squash with a commit what pipelines have made of it, in their repos
    ///
    /// pachd squashes all commits of an id, or none. Without this, a commit of which a pipeline has made something
    /// stays.
    #[arg(long)]
    pub downstream: bool,

    /// Look only: say what would be squashed, and what stays and why
    #[arg(short = 'n', long, conflicts_with = "yes")]
    pub dry_run: bool,

    /// Do not ask before anything is squashed
    #[arg(short, long)]
    pub yes: bool,

    /// Print one JSON object a line instead of text
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    /// Go on trying for so long without any success (0: once); 30s, 10m, 2h
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "10m",
        value_parser = parse_duration,
        help_heading = "Retries"
    )]
    pub retry_for: Duration,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub log: LogArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}

fn parse_length(text: &str) -> Result<Duration, String> {
    match parse_age(text)? {
        Duration::ZERO => Err("a period of no length keeps every commit; write 1h".to_owned()),
        length => Ok(length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_has_a_length() {
        assert!(parse_length("0d").is_err() && parse_length("0").is_err());
    }
}
