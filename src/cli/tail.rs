//! What can be typed about `tail`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueHint};
use jiff::Timestamp;

use super::connection::ServerArgs;
use super::examples;
use super::output::{Colour, LogArgs, VerbosityArgs};
use super::values::{parse_age, parse_duration};
use spoutctl_core::pfs::{CommitId, Followed};
use spoutctl_delivery::mark::StreamName;

/// Follow a branch: each finished commit once, in order, as a line, as JSON, or as a tar archive
///
/// Prints the last ten finished commits and then each new one: when it was finished, its id, how many files it changed,
/// the size of all its files, and its description. With --tar, or with a command, it begins at the beginning instead.
///
/// It goes on after every break, and neither skips a commit nor prints one twice. When the history was rewritten (the
/// last commit printed was squashed or dropped, the branch was moved), that is said; where something is built on what
/// was printed (--tar, a command, --cursor), it is exit code 4 instead, with what to do.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::TAIL))]
pub struct TailArgs {
    /// What to follow: [project/]repo[@branch][:/glob]; with a glob, the commits that changed a file it matches, or one
    /// below a directory it matches
    #[arg(value_name = "SOURCE")]
    pub source: Followed,

    /// Run this command for each commit, with the commit as a tar archive on its standard input
    ///
    /// One after the other. The archive is what --tar writes. The environment has SPOUTCTL_COMMIT, SPOUTCTL_PARENT,
    /// SPOUTCTL_PROJECT, SPOUTCTL_REPO, SPOUTCTL_BRANCH, SPOUTCTL_FINISHED and SPOUTCTL_DESCRIPTION. When it fails, the
    /// exit code is 6, and the cursor stays before that commit. Signals go to its process group.
    #[arg(last = true, value_name = "CMD", value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<OsString>,

    #[command(flatten)]
    pub range: RangeArgs,

    #[command(flatten)]
    pub selection: SelectionArgs,

    #[command(flatten)]
    pub output: OutputArgs,

    /// Keep in FILE how far the branch was delivered, and go on from there
    ///
    /// Written, synced and renamed after each commit that was written out, or whose CMD succeeded. Where it exists, -n
    /// and --from are not looked at. It names the branch; another branch's is refused.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Range")]
    pub cursor: Option<PathBuf>,

    /// Go on trying for so long without any success (0: once); 30s, 10m, 2h
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "10m",
        value_parser = parse_duration,
        help_heading = "Retries"
    )]
    pub retry_for: Duration,

    /// Run CMD up to N times more for a commit when it fails, after a second, then after twice as long each time
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        requires = "command",
        help_heading = "Retries"
    )]
    pub retry: u32,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub log: LogArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Range")]
pub struct RangeArgs {
    /// Begin with the last N finished commits, with a glob of those that match; 0: with the next one [default: 10]
    #[arg(short = 'n', long = "last", value_name = "N", conflicts_with = "from", value_parser = parse_last)]
    pub last: Option<u64>,

    /// Begin after COMMIT; or at the `beginning`; or `now`; or with what was finished since a time
    /// (2026-11-22T15:00:00Z, 2026-11-22), or since so long ago (2h, 7d)
    #[arg(long, value_name = "WHERE", allow_hyphen_values = true)]
    pub from: Option<Beginning>,

    /// End at the newest finished commit instead of waiting for more
    #[arg(short = 'e', long, overrides_with = "no_follow")]
    pub no_follow: bool,

    /// End after N commits
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// End after this commit; with -e, exit code 1 when the branch has not come to it
    #[arg(long, value_name = "COMMIT", value_parser = CommitId::new)]
    pub until: Option<CommitId>,

    /// End after this time: exit code 5 when --count or --until was not reached, 0 otherwise
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,

    /// Wait for the repo and the branch when they are not there
    #[arg(long)]
    pub wait_for_branch: bool,
}

/// Where `tail` begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beginning {
    Commit(CommitId),
    /// The first commit of the branch.
    First,
    Now,
    Time(Timestamp),
    Ago(Duration),
}

impl FromStr for Beginning {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "beginning" | "earliest" | "oldest" | "start" => return Ok(Self::First),
            "now" | "latest" | "newest" | "end" => return Ok(Self::Now),
            _ => {}
        }
        if let Ok(commit) = CommitId::new(text) {
            return Ok(Self::Commit(commit));
        }
        // Kafka's first offset is no time ago.
        if text == "0" {
            return Err("the first commit is the `beginning`, and the next one `now`".to_owned());
        }
        if let Ok(ago) = parse_age(text.strip_prefix('-').unwrap_or(text)) {
            return Ok(Self::Ago(ago));
        }
        // A day begins at midnight; without a zone, a time is one in UTC.
        let in_utc = || {
            let civil = text.parse::<jiff::civil::DateTime>().ok()?;
            civil.to_zoned(jiff::tz::TimeZone::UTC).ok()
        };
        match text.parse().ok().or_else(|| Some(in_utc()?.timestamp())) {
            Some(time) => Ok(Self::Time(time)),
            None => Err(format!(
                "`{text}` is no commit's id, no `beginning`, no `now`, no time (2026-11-22T15:00:00Z or 2026-11-22), \
                 and not so long ago (2h, 7d)"
            )),
        }
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Range")]
pub struct SelectionArgs {
    /// Leave out commits that finished with an error
    #[arg(long)]
    pub ok_only: bool,

    /// End with exit code 1 after the first commit that finished with an error
    #[arg(long, conflicts_with = "ok_only")]
    pub fail: bool,

    /// Only the commits that `put` made for this stream
    #[arg(long, value_name = "NAME")]
    pub stream: Option<StreamName>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub struct OutputArgs {
    /// List the files that each commit added, changed and deleted
    #[arg(long, conflicts_with_all = ["format", "tar", "command"])]
    pub files: bool,

    /// Print one JSON object a line
    #[arg(long, conflicts_with_all = ["format", "tar", "command"])]
    pub json: bool,

    /// Print each commit so, with fields in braces: '{time} {id}'
    ///
    /// Fields: finished (or time), started, commit (or id), parent, project, repo, branch, files, added,
    /// changed, deleted, bytes (or size), error, description, stream, seq. `{{` and `}}` are braces, `\t` and `\n` a
    /// tab and a new line.
    #[arg(long, value_name = "TEMPLATE", conflicts_with_all = ["tar", "command"], value_parser = parse_template)]
    pub format: Option<String>,

    /// Write each commit as one complete tar archive: what it changed against the one before
    ///
    /// Deletions go as PAX global headers, which `put --obey-deletions` obeys. Commits with an error are left out, and
    /// so are those that changed nothing.
    #[arg(long, conflicts_with = "command")]
    pub tar: bool,

    /// In archives, write all of a commit's files, not only those that it changed
    #[arg(long)]
    pub full: bool,

    /// Hold archives that are larger than 8 MiB in unnamed files of this directory
    /// [default: TMPDIR, /var/tmp or /tmp, the first that can be written]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub tmp_dir: Option<PathBuf>,

    /// When there is colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
}

/// A number without a sign: `+1`, which Rust takes for one, is the first line to `tail` and kcat's kin.
fn parse_last(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(number) if !text.starts_with('+') => Ok(number),
        _ => Err("it is a number of commits".to_owned()),
    }
}

/// A word that other tools have for a format is no template; without a field, every line would be the same.
fn parse_template(text: &str) -> Result<String, String> {
    match text {
        "json" | "jsonl" | "ndjson" | "yaml" | "text" | "table" | "csv" | "wide" | "raw" => {
            Err(format!("`{text}` has no field in braces"))
        }
        template => Ok(template.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_a_commit_a_word_a_time_or_so_long_ago() {
        let id = "3fb3cdfe1fce41649b650606d4c86d35";
        for (text, beginning) in [
            (id, Beginning::Commit(CommitId::new(id).unwrap())),
            ("beginning", Beginning::First),
            ("now", Beginning::Now),
            ("earliest", Beginning::First),
            ("latest", Beginning::Now),
            ("-2h", Beginning::Ago(Duration::from_hours(2))),
            ("1h30m", Beginning::Ago(Duration::from_mins(90))),
            ("7d", Beginning::Ago(Duration::from_hours(168))),
            ("1970-01-01", Beginning::Time(Timestamp::UNIX_EPOCH)),
            ("1970-01-01T00:00:00Z", Beginning::Time(Timestamp::UNIX_EPOCH)),
            ("1970-01-01T01:00:00+01:00", Beginning::Time(Timestamp::UNIX_EPOCH)),
            (
                "1970-01-01T02:00:00",
                Beginning::Time(Timestamp::from_second(7200).unwrap()),
            ),
            (
                "1970-01-01 02:00",
                Beginning::Time(Timestamp::from_second(7200).unwrap()),
            ),
        ] {
            assert_eq!(text.parse(), Ok(beginning), "{text}");
        }
        for text in ["", "-", "0", "3fb3", "yesterday", "1970-13-01", "--2h"] {
            assert!(text.parse::<Beginning>().is_err(), "{text}");
        }
    }
}
