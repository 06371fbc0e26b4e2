//! What `put`, `pack` and `spool --send` have in common.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueHint};

use super::values::parse_duration;
use spoutctl_core::pfs::{Branch, Destination, InvalidName};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Producer, spool, acknowledgements")]
pub struct AcknowledgingArgs {
    /// Write each acknowledgement, one line of JSON, to this open file descriptor: a pipe, a FIFO or a file
    ///
    /// After the commit is finished and said on standard output. When that fails, the exit code is 6. With --spool an
    /// archive leaves the spool only after this.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(3..), group = "ack")]
    pub ack_fd: Option<i32>,

    /// Run this with `sh -c` for each acknowledgement; it has to succeed
    ///
    /// One after the other, in order, with the line on its standard input. The environment has SPOUTCTL_ACK_TYPE
    /// (commit, already, quarantined, skipped or empty), SPOUTCTL_ACK_ARCHIVE, SPOUTCTL_ACK_DIGEST, and where they
    /// apply SPOUTCTL_ACK_COMMIT, SPOUTCTL_ACK_PROJECT, SPOUTCTL_ACK_REPO, SPOUTCTL_ACK_BRANCH, SPOUTCTL_ACK_FIRST,
    /// SPOUTCTL_ACK_LAST, SPOUTCTL_ACK_COUNT, SPOUTCTL_ACK_POSITION and SPOUTCTL_ACK_POSITIONS. When it fails, the exit
    /// code is 6. With --spool an archive leaves the spool only after this; when we are killed in between, it is run
    /// for the same archive again.
    #[arg(long, value_name = "CMD", value_hint = ValueHint::CommandString, group = "ack")]
    pub ack_command: Option<String>,
}

/// What becomes of an archive of which no commit can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnBad {
    Stop,
    /// It is left out, and counted.
    Skip,
    /// It is kept in this directory, and the stream goes on.
    Quarantine(PathBuf),
    /// It goes into this repo, in a commit of the same id as that of what it came between.
    Repo(Box<Aside>),
}

/// A repo for what cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// As it was written.
    pub text: String,
    pub branch: Branch,
    /// Whether it said which project.
    pub names_project: bool,
}

impl FromStr for OnBad {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None if text == "stop" => Ok(Self::Stop),
            None if text == "skip" => Ok(Self::Skip),
            Some(("quarantine", dir)) if !dir.is_empty() => Ok(Self::Quarantine(dir.into())),
            Some(("repo", to)) if !to.is_empty() => {
                let to: Destination = to.parse().map_err(|error: InvalidName| error.to_string())?;
                if !to.prefix.is_root() {
                    return Err("name a repo, and perhaps a branch, without a path".to_owned());
                }
                Ok(Self::Repo(Box::new(Aside {
                    text: text.to_owned(),
                    branch: to.branch,
                    names_project: to.names_project,
                })))
            }
            _ => Err("write stop, skip, quarantine=DIR or repo=[PROJECT/]REPO[@BRANCH]".to_owned()),
        }
    }
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Retries")]
pub struct TryingArgs {
    /// Go on trying for so long without any success (0: once); 30s, 10m, 2h
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    pub retry_for: Duration,

    /// After an interrupt, finish or give up the archive in hand within this time
    ///
    /// Not in a spout's pod: Pachyderm ends a spout's code without a signal when the pipeline is stopped, updated or
    /// deleted.
    #[arg(long, value_name = "DURATION", default_value = "25s", value_parser = parse_duration)]
    pub grace: Duration,
}
