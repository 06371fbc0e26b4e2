//! What can be typed about `put`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use super::connection::ServerArgs;
use super::delivery::{AcknowledgingArgs, OnBad, TryingArgs};
use super::examples;
use super::kafka::KafkaArgs;
use super::messages::{MessageArgs, parse_place};
use super::output::{LogArgs, VerbosityArgs};
use super::values::{parse_period, parse_size};
use spoutctl_core::glob::Glob;
use spoutctl_core::pfs::{Branch, BranchName, Destination, InvalidName};
use spoutctl_delivery::mark::StreamName;
use spoutctl_delivery::messages::Key;

/// Make each complete tar archive of the input one finished commit
///
/// The input is standard input, or the files in their order. It may hold any number of archives, one after the other
/// and with any padding, as tar makes them; gzip and zstd are recognised. An archive that is cut short makes no
/// commit. Each commit is acknowledged by one line on standard output after pachd has finished it without an error.
///
/// A compressed member's checksum comes after its archives, which are committed before it is known: when it is wrong,
/// the commits made from that member are named, and the exit code is 3.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::PUT))]
pub struct PutArgs {
    /// Where commits go: [project/]repo[@branch][:/prefix]; in a spout's pod, its own repo
    #[arg(value_name = "DEST")]
    pub destination: Option<Destination>,

    /// Read these files instead of standard input; `-` is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,

    #[command(flatten)]
    pub commits: CommitArgs,

    #[command(flatten)]
    pub kafka: KafkaArgs,

    #[command(flatten)]
    pub messages: MessageArgs,

    /// Which of several sources a message is of, a Kafka partition, say: keep a position of each
    ///
    /// A JSON pointer as /partition, the number of a column, or the name of a field. The description of each commit
    /// says the last position of each source in JSON, {"0":4711,"1":12}, and so do acknowledgements. A command after
    /// `--` finds in SPOUTCTL_POSITIONS what the stream's newest commit with positions says, and goes on behind that:
    /// so each message is committed once, by one `put` of the stream at a time. Positions are told as they were
    /// written, and not compared. All of them have room in 64 KiB; a message of one source more ends the run with
    /// exit code 3, whatever --on-bad says. Needs --stream, or a spout's pod.
    #[arg(
        long,
        value_name = "POINTER|COLUMN|FIELD",
        help_heading = "Messages and batches",
        requires = "position",
        conflicts_with_all = ["spool", "resume", "staging", "in_flight"],
        value_parser = parse_place,
    )]
    pub position_by: Option<Key>,

    #[command(flatten)]
    pub entries: EntryArgs,

    #[command(flatten)]
    pub production: ProductionArgs,

    #[command(flatten)]
    pub spooling: SpoolingArgs,

    #[command(flatten)]
    pub acknowledging: AcknowledgingArgs,

    #[command(flatten)]
    pub trying: TryingArgs,

    /// Print one JSON object a line instead of text
    ///
    /// Types: `commit` (an acknowledgement), `already` (an earlier run made it; with --resume or --spool), `spooled`,
    /// `quarantined`, `skipped`, `empty`, `stats` (with --stats-every), `archive` (with --dry-run) and, last,
    /// `summary`.
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    #[command(flatten)]
    pub figures: FiguresArgs,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub log: LogArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}

/// How it goes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct FiguresArgs {
    /// Say every so often how far it is: bytes, messages, commits, and the time from read to done
    ///
    /// A line on standard error, and with --json one of type `stats` on standard output. `lag` is the time from an
    /// archive's first byte, or its first message, to its acknowledgement, of those that were done since the last line.
    #[arg(long, value_name = "DURATION", value_parser = parse_period, conflicts_with = "dry_run")]
    pub stats_every: Option<Duration>,

    /// Answer Prometheus and probes at this address; a port alone is one of this machine, which nobody else reaches
    ///
    /// GET /metrics has the figures, /healthz is 200 while the process is alive, /ready while pachd answers and input
    /// is read, and 503 with a word otherwise. Each series has the labels project, repo and branch.
    #[arg(long, value_name = "[HOST:]PORT", conflicts_with = "dry_run")]
    pub metrics_listen: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Commits")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub struct CommitArgs {
    /// Put a file's bytes at the end of what the branch has, instead of replacing it
    #[arg(short, long)]
    pub append: bool,

    /// Append also where pachd has emptied the branch
    ///
    /// Pachyderm 2.6 and 2.7 put an empty commit on a spout's branch when the spout is started again. Earlier files are
    /// in the history only then, and what is appended begins new ones.
    #[arg(long, requires = "append")]
    pub accept_emptied: bool,

    /// Say this in each commit's description
    #[arg(short, long, value_name = "TEXT")]
    pub message: Option<String>,

    /// Make the repo if it is not there
    #[arg(long)]
    pub create_repo: bool,

    /// Read and check everything, look at the destination, send nothing
    #[arg(short = 'n', long, conflicts_with = "ack")]
    pub dry_run: bool,

    /// Name the stream, so that its numbers go on where an earlier run ended
    ///
    /// An open commit that a killed run of the same stream has left on the branch is given up. One process at a time
    /// may use a name.
    #[arg(long, value_name = "NAME")]
    pub stream: Option<StreamName>,

    /// The input is the same as last time: skip what an earlier run of the stream has committed
    #[arg(long, requires = "stream")]
    pub resume: bool,

    /// Let up to N commits wait to be finished before the next one is closed
    ///
    /// What follows a commit that fails may then be there. pachd finishes the commits of a branch one after the other
    /// (2.12: 0.3 to 0.5 s each), whoever asks, so that this gains little: it hides the calls before. --batch adaptive
    /// makes fewer commits.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub in_flight: u16,

    /// adaptive: what arrives while a commit is being finished becomes the next one, together
    ///
    /// One archive a commit while the input is slow, as many as needed when it is not; of one path the last file
    /// counts. The --batch flags are upper bounds. With --messages those that arrive meanwhile become one archive.
    #[arg(long, value_name = "HOW", value_enum, conflicts_with = "dry_run")]
    pub batch: Option<Batch>,

    /// Make commits on BRANCH first; move the destination's branch to each when it is finished without an error
    ///
    /// Nobody who follows the branch ever sees an open or a failed commit. For one writer. Needs Pachyderm 2.
    #[arg(long, value_name = "BRANCH", conflicts_with = "in_flight", value_parser = BranchName::new)]
    pub staging: Option<BranchName>,

    /// Put the files that GLOB means, and those in directories that it means, into this repo instead of DEST
    ///
    /// Repeated, the first that means a file counts. Every archive becomes one commit in each of the repos, and in
    /// DEST: they have one id, begin together and are closed together. When pachd finishes one of them with an error,
    /// others may be seen already; all are named, and the exit code is 4. Needs Pachyderm 2.
    #[arg(
        long = "route",
        value_name = "GLOB=[PROJECT/]REPO[@BRANCH]",
        conflicts_with_all = ["in_flight", "append", "staging"],
    )]
    pub routes: Vec<Route>,
}

/// Where some files go.
#[derive(Debug, Clone)]
pub struct Route {
    /// As it was written.
    pub text: String,
    pub glob: Glob,
    pub branch: Branch,
    /// Whether it said which project.
    pub names_project: bool,
}

impl FromStr for Route {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A repo's name has no `=`; a path may.
        let (glob, to) = text
            .rsplit_once('=')
            .ok_or("write GLOB=REPO, as in 'orders/**=orders'")?;
        if glob.is_empty() {
            return Err("write a glob before the `=`; / means everything".to_owned());
        }
        let to: Destination = to.parse().map_err(|error: InvalidName| error.to_string())?;
        if !to.prefix.is_root() {
            return Err("files keep their paths: name a repo, and perhaps a branch, without a path".to_owned());
        }
        Ok(Self {
            text: text.to_owned(),
            glob: Glob::new(glob).map_err(|error| error.to_string())?,
            branch: to.branch,
            names_project: to.names_project,
        })
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Archives")]
pub struct EntryArgs {
    /// Percent-encode the characters of a path that pachd refuses, and `%` itself; slashes in a message's key make
    /// directories
    #[arg(long, conflicts_with = "escape_keys")]
    pub escape_paths: bool,

    /// What becomes of hard and symbolic links
    ///
    /// A link to a directory becomes a directory with the same files.
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Links::Resolve, conflicts_with = "messages")]
    pub links: Links,

    /// What becomes of devices, FIFOs and other entries that are no file
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Special::Refuse, conflicts_with = "messages")]
    pub special: Special,

    /// Let archives delete files; without this, deletions in them are ignored, with a note
    ///
    /// They are records `SPOUTCTL.delete.0`, `.1`, … of global PAX headers, a path each, before the first entry. These
    /// files are deleted before the archive's own are added. An archive that only deletes makes a commit, too.
    #[arg(long, conflicts_with = "messages")]
    pub obey_deletions: bool,

    /// Refuse a file larger than this, sparse files counted with their holes
    #[arg(long, value_name = "SIZE", default_value = "1TiB", value_parser = parse_size, conflicts_with = "messages")]
    pub max_entry_size: u64,

    /// Refuse an archive whose files have more than this together, links and sparse files counted as what they stand
    /// for
    #[arg(long, value_name = "SIZE", default_value = "1TiB", value_parser = parse_size, conflicts_with = "messages")]
    pub max_archive_size: u64,

    /// What the end of an archive is
    ///
    /// Some producers write one of the two zero blocks, or none. A producer that dies between two entries, or a
    /// connection that is cut there, looks the same: lenient is for files and producers that are known to do so.
    #[arg(long, value_name = "HOW", value_enum, default_value_t = ArchiveEnd::Strict, conflicts_with = "messages")]
    pub archive_end: ArchiveEnd,

    /// What becomes of an archive that is whole, and of which no commit can be made, or of a message that cannot be
    /// taken: stop, skip, quarantine=DIR, or repo=[PROJECT/]REPO[@BRANCH]
    ///
    /// In DIR, or in the repo, it is kept with its reason in a file `.why` beside it, and the stream goes on. In the
    /// repo it is in a commit of the same id as that of what it came between; for that Pachyderm 2 is needed. A message
    /// that cannot be taken has no key, or one that pachd refuses, is no JSON, too long, or named as another of its
    /// archive. A torn stream always stops.
    #[arg(long, value_name = "HOW", default_value = "stop", conflicts_with = "dry_run")]
    pub on_bad: OnBad,

    /// Hold larger archives in unnamed files of this directory
    /// [default: TMPDIR, /var/tmp or /tmp, the first that can be written]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub tmp_dir: Option<PathBuf>,

    /// Let go of what was sent of an archive past so much, so that one of any size passes through; 0 holds about 64 MiB
    ///
    /// Without this an archive is held until its commit is finished. What then would need bytes that were let go ends
    /// the run, and no commit is made of that archive: a link or a sparse file far behind what it stands for, a path
    /// that comes twice with --append, a server that has lost what was sent. Of a regular file nothing is held anyway.
    /// 1.12 and 1.13 cannot take an archive in parts.
    #[arg(
        long,
        value_name = "SIZE",
        value_parser = parse_size,
        conflicts_with_all = ["messages", "batch", "batch_count", "batch_bytes", "batch_period", "spool", "dry_run"]
    )]
    pub hold_limit: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Batch {
    /// As soon as there is room, and at a bound
    Adaptive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ArchiveEnd {
    /// Two zero blocks
    Strict,
    /// The end of the input, too, where it comes behind whole entries
    Lenient,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Links {
    /// The content of the file that a link leads to
    Resolve,
    /// Leave links out, and say so
    Skip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Special {
    /// Refuse the archive
    Refuse,
    /// Leave such entries out, and say so
    Skip,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Producer, spool, acknowledgements")]
pub struct ProductionArgs {
    /// Run this command and read its standard output
    ///
    /// It starts when everything taken in before is committed. Signals go to its process group. When it fails, the
    /// archive that it had begun is not published, and the exit code is 6.
    #[arg(
        last = true,
        value_name = "CMD",
        value_hint = ValueHint::CommandWithArguments,
        conflicts_with_all = ["files", "dry_run"],
        help_heading = None::<&str>
    )]
    pub command: Vec<OsString>,

    /// Start CMD again: never, on-failure, always
    ///
    /// After a second, then after twice as long each time, a minute at most. on-failure: when it failed; always: also
    /// when it ended well.
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t = Restart::Never,
        requires = "command",
        hide_possible_values = true,
    )]
    pub restart: Restart,

    /// Take the end of the input for a fault: exit code 5, after everything is committed
    ///
    /// For spouts: Pachyderm never starts one again whose program has ended with exit code 0.
    #[arg(long)]
    pub endless: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Restart {
    Never,
    /// When it failed; after a second, then after twice as long each time, a minute at most
    OnFailure,
    /// Also when it ended well
    Always,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Producer, spool, acknowledgements")]
pub struct SpoolingArgs {
    /// Keep archives on disk until they are committed
    ///
    /// Every complete archive is in this directory, synced, until its commit is finished and acknowledged.
    /// After a crash, what is left goes first, in order, then the input. While pachd is away the producer goes on until
    /// --spool-limit. See `spoutctl spool`.
    #[arg(
        long,
        value_name = "DIR",
        env = "SPOUTCTL_SPOOL",
        hide_env_values = true,
        value_hint = ValueHint::DirPath,
        conflicts_with_all = ["stream", "resume", "dry_run"]
    )]
    pub spool: Option<PathBuf>,

    /// Let at most so much wait in the spool, then hold the producer back
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = parse_size, requires = "spool")]
    pub spool_limit: u64,
}
