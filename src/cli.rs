//! What can be typed: every clap type and its help. No behaviour.
//!
//! House rules: the first line of a help text is one sentence without a full stop; what a script needs to know follows
//! after a blank line; environment variables that stand for a flag are named by clap.

#![expect(
    clippy::doc_markdown,
    reason = "help is read in a terminal, where backticks only add noise"
)]

mod create;
pub mod effects;
pub mod examples;
pub mod kafka;
pub mod manual;
mod messages;
pub mod preferred;
pub mod short;
pub mod synonyms;

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use jiff::Timestamp;

use crate::terminal::log::Form;
use spoutctl_core::glob::Glob;
use spoutctl_core::pfs::{Branch, BranchName, CommitId, Destination, Followed, InvalidName, Repo, Source};
use spoutctl_core::release::Release;
use spoutctl_delivery::mark::StreamName;
use spoutctl_lint::diagnostic::{RuleId, Severity};
use spoutctl_lint::kubernetes::Minor;
use spoutctl_lint::version::Version;
use spoutctl_lint::{Rule, any_rule_named, rule_nearest};

pub use create::{AnswerArgs, CreateArgs, SpecFormat, SubmissionArgs, WritingArgs};
pub use messages::{Crlf, MessageArgs, Nulls, PackArgs, Partial, SameName};

/// Turns a stream of tar archives into Pachyderm commits: one complete archive, one finished commit
#[derive(Debug, Parser)]
#[command(
    name = "spoutctl",
    version,
    max_term_width = 100,
    propagate_version = true,
    subcommand_required = true
)]
#[command(arg_required_else_help = true, disable_help_subcommand = true, after_help = examples::help(examples::TOP))]
pub struct Cli {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    Put(Box<PutArgs>),
    Get(GetArgs),
    Pack(Box<PackArgs>),
    Tail(Box<TailArgs>),
    Serve(ServeArgs),
    Spool(SpoolArgs),
    Validate(ValidateArgs),
    Explain(ExplainArgs),
    Schema(SchemaArgs),
    Lsp(LspArgs),
    Create(Box<CreateArgs>),
    Auth(AuthArgs),
    Config(ConfigArgs),
    Doctor(DoctorArgs),
    #[command(hide = true)]
    Completions(CompletionsArgs),
    #[command(hide = true)]
    Man(ManArgs),
    /// The same verbs, for those who think of them as `spout put` and `spout get`
    #[command(subcommand, hide = true)]
    Spout(SpoutVerb),
}

/// The argument by which this program has another process of itself evaluate one template. No verb, for nobody types it.
pub const EVALUATE_JSONNET: &str = "evaluate-jsonnet";

#[derive(Debug, Subcommand)]
pub enum SpoutVerb {
    Put(Box<PutArgs>),
    Get(GetArgs),
    Tail(Box<TailArgs>),
    Validate(ValidateArgs),
    Explain(ExplainArgs),
}

impl From<SpoutVerb> for Verb {
    fn from(verb: SpoutVerb) -> Self {
        match verb {
            SpoutVerb::Put(args) => Self::Put(args),
            SpoutVerb::Get(args) => Self::Get(args),
            SpoutVerb::Tail(args) => Self::Tail(args),
            SpoutVerb::Validate(args) => Self::Validate(args),
            SpoutVerb::Explain(args) => Self::Explain(args),
        }
    }
}

/// Where pachd is.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Where pachd is")]
pub struct ServerArgs {
    /// grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR
    ///
    /// The store to talk to: pachd's gRPC (every pachd since 1.12), its HTTP gateway (2.8 and newer), or an embedded store in a
    /// directory, which needs no server.
    ///
    /// Where nothing is given here: in a pipeline's pod its sidecar; else PACHD_ADDRESS; else the active context of pachctl's
    /// configuration (PACH_CONFIG, /pachctl/config.json, ~/.pachyderm/config.json; PACH_CONTEXT). A token is taken from
    /// --token-file, PACH_TOKEN, or the context, whose token goes to its own address alone; it cannot be given as an
    /// argument, where every user of the machine could read it.
    #[arg(long, value_name = "URL", env = "SPOUTCTL_PACHD", hide_env_values = true)]
    pub pachd: Option<String>,

    /// Use this context of pachctl's configuration, whatever PACHD_ADDRESS says
    ///
    /// Its address, token, certificates and project. With --pachd, all of these but the address.
    #[arg(long, value_name = "NAME", env = "SPOUTCTL_CONTEXT", hide_env_values = true)]
    pub context: Option<String>,

    /// Take the token from this file, as a secret is mounted
    #[arg(long, value_name = "FILE", env = "SPOUTCTL_TOKEN_FILE", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub token_file: Option<PathBuf>,

    /// Trust the certificates in this PEM file instead of the system's: authorities, or the server's very own
    #[arg(long, value_name = "FILE", env = "SPOUTCTL_CACERT", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub cacert: Option<PathBuf>,

    /// Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything
    #[arg(long)]
    pub insecure: bool,
}

/// How much is said.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct VoiceArgs {
    /// Say nothing on standard error but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more: where to, by whose token, calls that are repeated, how far it is
    #[arg(short, long)]
    pub verbose: bool,
}

/// In which form it is said.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct LogArgs {
    /// How lines on standard error are written: as text, behind their time, or as JSON
    ///
    /// `timed` begins each line with the time in UTC; `json` makes each note and error one object with time, level and message, and where they are
    /// known code, archive, commit, details and help. `auto` is `timed` in a spout's pod, and `text` elsewhere. Mistakes on the command
    /// line are always told as text, and what CMD prints comes as it is.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "auto")]
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Auto,
    Text,
    Timed,
    Json,
}

impl Verb {
    /// In which form it is to say what it says; `None` where that is left to where it runs.
    #[must_use]
    pub fn log_form(&self) -> Option<Form> {
        let format = match self {
            Self::Put(args) => args.log.log_format,
            Self::Tail(args) => args.log.log_format,
            Self::Spool(args) => args.log.log_format,
            Self::Spout(SpoutVerb::Put(args)) => args.log.log_format,
            Self::Spout(SpoutVerb::Tail(args)) => args.log.log_format,
            _ => return Some(Form::Text),
        };
        match format {
            LogFormat::Auto => None,
            LogFormat::Text => Some(Form::Text),
            LogFormat::Timed => Some(Form::Timed),
            LogFormat::Json => Some(Form::Json),
        }
    }
}

/// Make each complete tar archive of the input one finished commit
///
/// The input is standard input, or the files in their order. It may hold any number of archives, one after the other
/// and with any padding, as tar makes them; gzip and zstd are recognised. An archive that is cut short makes no
/// commit. Each commit is acknowledged by one line on standard output after pachd has finished it without an error.
///
/// A compressed member's checksum comes after its archives, which are committed before it is known: when it is wrong, the
/// commits made from that member are named, and the exit code is 3.
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
    pub kafka: kafka::KafkaArgs,

    #[command(flatten)]
    pub messages: MessageArgs,

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
    /// `quarantined`, `stats` (with --stats-every), `archive` (with --dry-run) and, last, `summary`.
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    #[command(flatten)]
    pub figures: FiguresArgs,

    #[command(flatten)]
    pub voice: VoiceArgs,

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
    /// A line on standard error, and with --json one of type `stats` on standard output. `lag` is the time from an archive's
    /// first byte, or its first message, to its acknowledgement, of those that were done since the last line.
    #[arg(long, value_name = "DURATION", value_parser = parse_period, conflicts_with = "dry_run")]
    pub stats_every: Option<Duration>,

    /// Answer Prometheus and probes at this address; a port alone is one of this machine, which nobody else reaches
    ///
    /// GET /metrics has the figures, /healthz is 200 while the process is alive, /ready while pachd answers and input is read,
    /// and 503 with a word otherwise. Each series has the labels project, repo and branch.
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
    /// Pachyderm 2.6 and 2.7 put an empty commit on a spout's branch when the spout is started again. Earlier files are in
    /// the history only then, and what is appended begins new ones.
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
    /// What follows a commit that fails may then be there. pachd finishes the commits of a branch one after the other (2.12: 0.3
    /// to 0.5 s each), whoever asks, so that this gains little: it hides the calls before. --batch adaptive makes fewer commits.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub in_flight: u16,

    /// adaptive: what arrives while a commit is being finished becomes the next one, together
    ///
    /// One archive a commit while the input is slow, as many as needed when it is not; of one path the last file counts. The
    /// --batch flags are upper bounds. With --messages those that arrive meanwhile become one archive.
    #[arg(long, value_name = "HOW", value_enum, conflicts_with = "dry_run")]
    pub batch: Option<Batch>,

    /// Make commits on BRANCH first; move the destination's branch to each when it is finished without an error
    ///
    /// Nobody who follows the branch ever sees an open or a failed commit. For one writer. Needs Pachyderm 2.
    #[arg(long, value_name = "BRANCH", conflicts_with = "in_flight", value_parser = BranchName::new)]
    pub staging: Option<BranchName>,

    /// Put the files that GLOB means, and those in directories that it means, into this repo instead of DEST
    ///
    /// Repeated, the first that means a file counts. Every archive becomes one commit in each of the repos, and in DEST: they have
    /// one id, begin together and are closed together. When pachd finishes one of them with an error, others may be seen already;
    /// all are named, and the exit code is 4. Needs Pachyderm 2.
    #[arg(long = "route", value_name = "GLOB=[PROJECT/]REPO[@BRANCH]", conflicts_with_all = ["in_flight", "append", "staging"])]
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
    /// Percent-encode the characters of a path that pachd refuses, and `%` itself; slashes in a message's key make directories
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
    /// They are records `SPOUTCTL.delete.0`, `.1`, … of global PAX headers, a path each, before the first entry. These files
    /// are deleted before the archive's own are added. An archive that only deletes makes a commit, too.
    #[arg(long, conflicts_with = "messages")]
    pub obey_deletions: bool,

    /// Refuse a file larger than this, sparse files counted with their holes
    #[arg(long, value_name = "SIZE", default_value = "1TiB", value_parser = parse_size, conflicts_with = "messages")]
    pub max_entry_size: u64,

    /// Refuse an archive whose files have more than this together, links and sparse files counted as what they stand for
    #[arg(long, value_name = "SIZE", default_value = "1TiB", value_parser = parse_size, conflicts_with = "messages")]
    pub max_archive_size: u64,

    /// What the end of an archive is
    ///
    /// Some producers write one of the two zero blocks, or none. A producer that dies between two entries, or a connection that
    /// is cut there, looks the same: lenient is for files and producers that are known to do so.
    #[arg(long, value_name = "HOW", value_enum, default_value_t = ArchiveEnd::Strict, conflicts_with = "messages")]
    pub archive_end: ArchiveEnd,

    /// What becomes of an archive that is whole, and of which no commit can be made, or of a message that cannot be taken:
    /// stop, skip, quarantine=DIR, or repo=[PROJECT/]REPO[@BRANCH]
    ///
    /// In DIR, or in the repo, it is kept with its reason in a file `.why` beside it, and the stream goes on. In the repo it is in
    /// a commit of the same id as that of what it came between; for that Pachyderm 2 is needed. A message that cannot be taken has
    /// no key, or one that pachd refuses, is no JSON, too long, or named as another of its archive. A torn stream always
    /// stops.
    #[arg(long, value_name = "HOW", default_value = "stop", conflicts_with = "dry_run")]
    pub on_bad: OnBad,

    /// Hold larger archives in unnamed files of this directory [default: TMPDIR, /var/tmp or /tmp, the first that can be written]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub tmp_dir: Option<PathBuf>,

    /// Let go of what was sent of an archive past so much, so that one of any size passes through; 0 holds about 64 MiB
    ///
    /// Without this an archive is held until its commit is finished. What then would need bytes that were let go ends the run, and no
    /// commit is made of that archive: a link or a sparse file far behind what it stands for, a path that comes twice with --append, a server that has
    /// lost what was sent. Of a regular file nothing is held anyway. 1.12 and 1.13 cannot take an archive in parts.
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
    /// After a second, then after twice as long each time, a minute at most. on-failure: when it failed; always: also when it
    /// ended well.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Restart::Never, requires = "command", hide_possible_values = true)]
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

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Producer, spool, acknowledgements")]
pub struct AcknowledgingArgs {
    /// Write each acknowledgement, one line of JSON, to this open file descriptor: a pipe, a FIFO or a file
    ///
    /// After the commit is finished and said on standard output. When that fails, the exit code is 6. With --spool an archive
    /// leaves the spool only after this.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(3..), group = "ack")]
    pub ack_fd: Option<i32>,

    /// Run this with `sh -c` for each acknowledgement; it has to succeed
    ///
    /// One after the other, in order, with the line on its standard input. The environment has SPOUTCTL_ACK_TYPE (commit, already, quarantined or empty),
    /// SPOUTCTL_ACK_ARCHIVE, SPOUTCTL_ACK_DIGEST, and where they apply SPOUTCTL_ACK_COMMIT, SPOUTCTL_ACK_PROJECT,
    /// SPOUTCTL_ACK_REPO, SPOUTCTL_ACK_BRANCH, SPOUTCTL_ACK_FIRST, SPOUTCTL_ACK_LAST, SPOUTCTL_ACK_COUNT and
    /// SPOUTCTL_ACK_POSITION. When it fails, the exit code is 6. With --spool an archive leaves the spool only after this; when
    /// we are killed in between, it is run for the same archive again.
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
    /// Not in a spout's pod: Pachyderm ends a spout's code without a signal when the pipeline is stopped, updated or deleted.
    #[arg(long, value_name = "DURATION", default_value = "25s", value_parser = parse_duration)]
    pub grace: Duration,
}

/// Read back: a file's bytes, a directory, or what a commit holds
///
/// A branch means its newest commit that is finished without an error. Behind a branch or a commit, ^ is its parent and ^3 its
/// third ancestor; behind a branch, .1 is its first commit. With a glob for a path, the files that it means come one after the
/// other. Exit code 1: there is no such file, branch or commit yet.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::GET))]
#[expect(clippy::struct_excessive_bools, reason = "one a flag")]
pub struct GetArgs {
    /// What to read: [project/]repo[@branch-or-commit]:/path-or-glob; with --tar, -r and --list the path may be left out
    #[arg(value_name = "SOURCE")]
    pub source: Source,

    /// Write the files of a directory, or those that a glob means, into the directory of --output
    ///
    /// It appears whole, or not at all; one that is there has to be empty.
    #[arg(short, long, requires = "output", conflicts_with_all = ["tar", "list"])]
    pub recursive: bool,

    /// Write to this file, or with -r to this directory: it appears whole, or not at all; `-` is standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub output: Option<PathBuf>,

    /// Write a directory, or the whole commit, as one tar archive
    #[arg(long)]
    pub tar: bool,

    /// List the files, with their sizes, instead of writing their bytes
    #[arg(long, conflicts_with_all = ["tar", "output"])]
    pub list: bool,

    /// Turn the percent-encoding of `put --escape-paths` back in the archive's names
    #[arg(long, requires = "tar")]
    pub unescape_paths: bool,

    #[command(flatten)]
    pub voice: VoiceArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}

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
    pub voice: VoiceArgs,

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
    /// (2026-11-22T15:00:00Z, 2026-11-22), or since so long ago (2h)
    #[arg(long, value_name = "WHERE", allow_hyphen_values = true)]
    pub from: Option<Beginning>,

    /// End at the newest finished commit instead of waiting for more
    #[arg(short = 'e', long)]
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
        if let Ok(ago) = parse_duration(text.strip_prefix('-').unwrap_or(text)) {
            return Ok(Self::Ago(ago));
        }
        let day = || {
            text.parse::<jiff::civil::Date>()
                .ok()?
                .to_zoned(jiff::tz::TimeZone::UTC)
                .ok()
        };
        match text.parse().ok().or_else(|| Some(day()?.timestamp())) {
            Some(time) => Ok(Self::Time(time)),
            None => Err(format!(
                "`{text}` is no commit's id, no `beginning`, no `now`, no time (2026-11-22T15:00:00Z or 2026-11-22), \
                 and not so long ago (2h)"
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
    /// Fields, as in --json: finished (or time), started, commit (or id), parent, project, repo, branch, files, added, changed,
    /// deleted, bytes (or size), error, description, stream, seq. `{{` and `}}` are braces, `\t` and `\n` a tab and a new line.
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

    /// Hold archives that are larger than 8 MiB in unnamed files of this directory [default: TMPDIR, /var/tmp or /tmp, the first that can be written]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub tmp_dir: Option<PathBuf>,

    /// When there is colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
}

/// Serve the embedded store in DIR as pachd would, through gRPC and HTTP: spouts without a cluster
///
/// Prints its address on standard output once it answers, and a line on standard error for each request. Any program
/// that speaks to pachd can be pointed at it: `spoutctl put`, pachctl, an SDK, curl, a spout. A browser shows there what is in the
/// store. SIGTERM and Ctrl-C end it: what
/// was acknowledged is on disk, and what was being carried out gets ten seconds.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::SERVE))]
pub struct ServeArgs {
    /// The directory of the store; one that is empty or missing becomes a store
    ///
    /// The same directory can be used with --pachd local:DIR at the same time.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath, value_parser = parse_store)]
    pub directory: PathBuf,

    /// The address to listen at: HOST:PORT; port 0 picks a free one
    ///
    /// Beyond this machine only with --token-file, or with --no-auth.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1659")]
    pub listen: String,

    /// Answer only requests that carry a token of this file, as pachd with auth does
    ///
    /// The file holds one token, whose owner may do everything; or, readable by its owner alone, lines of PRINCIPAL TOKEN
    /// [ROLES] [EXPIRY], such as `robot:ci s3cr3t repoWriter@default/events,projectViewer 2027-01-31T00:00:00Z`. A role is for the
    /// cluster, for a project (ROLE@PROJECT) or for a repo. Clients of ours take their token from PACH_TOKEN.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub token_file: Option<PathBuf>,

    /// Play the sidecar of this spout, [project/]NAME: what its own code talks to in its pod
    ///
    /// It speaks gRPC only, and its repo is there. Printed is the environment that the spout's code gets in a pod, to run
    /// it with: `env $(cat env) ./my-spout.sh`. With CMD pachd itself is served as well, and CMD is run as a worker does.
    #[arg(long, value_name = "NAME", value_parser = parse_spout)]
    pub as_spout: Option<Repo>,

    /// Run this command as the worker of the release runs the code of the spout that --as-spout names
    ///
    /// With the environment of its pod, and what `pachctl stop pipeline`, `start`, `update` and `delete` do to it: it is killed without a
    /// signal before, and started again in a new pod. After exit code 0 it is never started again, after another one after a
    /// while. A pipeline that is not there is made. What it prints goes to standard error, behind the spout's name.
    #[arg(last = true, value_name = "CMD", value_hint = ValueHint::CommandWithArguments, requires = "as_spout")]
    pub command: Vec<OsString>,

    /// How long it takes until CMD runs again, after a failure or in a new pod
    ///
    /// 10 to 17 s in a cluster, and 8 to 16 s in a new pod.
    #[arg(long, value_name = "DURATION", default_value = "12s", value_parser = parse_duration, requires = "command")]
    pub restart_after: Duration,

    /// Kill CMD whenever it has run for so long, as a pod's end does: without a signal before
    #[arg(long, value_name = "DURATION", value_parser = parse_period, requires = "command")]
    pub kill_after: Option<Duration>,

    /// Answer as the pachd of this release does, such as 2.3, to try a spout against the cluster that it is for
    ///
    /// 2.0, 2.3, 2.5, 2.6, 2.7, 2.8, 2.10 or 2.12: its calls, words, codes and messages. Before 2.8 there is no HTTP gateway, so
    /// it speaks gRPC only. A request that would do harm to that pachd is refused, and says so.
    #[arg(long, value_name = "RELEASE", default_value = "2.12")]
    pub pachyderm: Release,

    /// Let anybody who can reach the address read and write everything
    #[arg(long, conflicts_with = "token_file")]
    pub no_auth: bool,

    /// Also answer requests that are sent to this name of this machine
    ///
    /// Without it only localhost, numeric addresses and the name in --listen are answered: a page in a browser could
    /// reach the store by a name of its own.
    #[arg(long = "host", value_name = "NAME")]
    pub hosts: Vec<String>,

    /// Write the line of each request as a JSON object
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub voice: VoiceArgs,
}

/// Find what is wrong with spout specs, without a cluster
///
/// What pachd refuses, what fails later, what passes in silence and never runs. Specs are JSON or YAML, one or several in a file. A file that is named, and standard input, is meant to hold spouts:
/// a spec without `spout` is an error. Of the files found in a directory only spouts are looked at, unless --all is given; one that cannot
/// be read as JSON or YAML is an error whatever it is. Without a file what is piped in is looked at, or else this directory.
///
/// Options may also stand in the nearest `spoutctl.toml`, in this directory or above. In YAML, the comment
/// `# spoutctl: ignore[RULE] REASON` leaves out what is found in its line, or in the next one when it stands alone.
///
/// Exit code 0: no errors; 1: errors; 2: wrong usage; 3: something could not be read.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::VALIDATE))]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct ValidateArgs {
    /// Look at these: files, directories (all in them that ends in .json, .yaml, .yml, .pipeline or .jsonnet, but not what
    /// .gitignore leaves out), globs such as 'specs/**/*.json', https:// addresses, `-` for standard input [default: what is
    /// piped in, or else this directory]
    #[arg(value_name = "FILE|DIR|GLOB|URL", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,

    /// Call standard input so; its ending says whether it is JSON or YAML
    #[arg(long, value_name = "NAME", default_value = "<stdin>")]
    pub stdin_name: String,

    /// Look at ordinary pipelines, too
    #[arg(long)]
    pub all: bool,

    /// Of the files that are named, look at those only that have a spout, as in a directory
    ///
    /// For hooks that name all files that have changed.
    #[arg(long)]
    pub spouts_only: bool,

    /// The Pachyderm that the specs are for: 1.12 to 2.12 [default: 2.12]
    #[arg(long, value_name = "VERSION")]
    pub pachyderm: Option<Version>,

    /// Give a template (.jsonnet) this argument, as pachctl does with --arg
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_argument)]
    pub jsonnet_arg: Vec<(String, String)>,

    /// The cluster's Kubernetes, such as 1.31, or what `kubectl version` prints
    ///
    /// Without it, what some versions of Kubernetes refuse and others take is a warning.
    #[arg(long, value_name = "VERSION")]
    pub kubernetes: Option<Minor>,

    /// Take options from this file instead of the nearest spoutctl.toml
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Take options from no file
    #[arg(long, conflicts_with = "config")]
    pub no_config: bool,

    #[command(flatten)]
    pub rules: RuleArgs,

    #[command(flatten)]
    pub mending: MendingArgs,

    #[command(flatten)]
    pub report: ReportArgs,

    #[command(flatten)]
    pub voice: VoiceArgs,

    /// Then ask a pachd (2.8 and newer) what it makes of the specs, which creates nothing
    ///
    /// Asked are the specs without errors of ours. A dry run does not look at everything: names, spouts' own rules and
    /// secrets are looked at only when a pipeline is really created.
    #[arg(long, help_heading = "Where pachd is")]
    pub server: bool,

    #[command(flatten)]
    pub pachd: ServerArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Rules")]
pub struct RuleArgs {
    /// Apply these rules only
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = parse_rule)]
    pub select: Vec<RuleId>,

    /// Do not apply these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = parse_rule)]
    pub ignore: Vec<RuleId>,

    /// What a rule finds is an error, a warning or info
    #[arg(long, value_name = "RULE=LEVEL", value_delimiter = ',', value_parser = parse_severity)]
    pub severity: Vec<(RuleId, Severity)>,

    /// More warnings than this are an error
    #[arg(long, value_name = "N")]
    pub max_warnings: Option<usize>,

    /// List all rules, and look at nothing
    #[arg(long, visible_alias = "list-rules")]
    pub rules: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Fixes")]
pub struct MendingArgs {
    /// Mend what can be mended without a change of meaning; everything else in a file stays byte for byte
    ///
    /// What is mended of standard input is written to standard output, and the report to standard error.
    #[arg(long)]
    pub fix: bool,

    /// Mend also what a person should look at: removed, added and renamed fields, quantities
    #[arg(long)]
    pub unsafe_fixes: bool,

    /// Write no file: show as a diff what would be mended
    #[arg(long, conflicts_with = "format")]
    pub diff: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct ReportArgs {
    /// How findings are written [default: pretty on a terminal, concise elsewhere]
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<ReportFormat>,

    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,

    /// End with 0 whatever is found; what cannot be read still ends with 3
    #[arg(long)]
    pub exit_zero: bool,

    /// When there is colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For a terminal, with the source beside it
    Pretty,
    /// `path:line:col: severity[rule]: message`
    Concise,
    /// One object, with fixes
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML
    Junit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set; with CLICOLOR_FORCE everywhere
    Auto,
    Always,
    Never,
}

/// Say why a rule of `validate` is one
///
/// What comes of the fault, a bad and a good spec, and where that is established. Without a name: all rules, a line each.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::EXPLAIN))]
pub struct ExplainArgs {
    /// The rule's name, as it stands in brackets before a message
    #[arg(value_name = "RULE", value_parser = parse_whole_rule)]
    pub rule: Option<&'static Rule>,
}

/// Print a JSON Schema of pipeline specs, for editors
///
/// In draft 7, with the fields that the version has, in both spellings. It refuses nothing that `validate` takes; what no
/// schema can say, only `validate` does.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::SCHEMA))]
pub struct SchemaArgs {
    /// The Pachyderm that the specs are for: 1.12 to 2.12 [default: 2.12]
    #[arg(long, value_name = "VERSION")]
    pub pachyderm: Option<Version>,
}

/// Serve an editor: what `validate` says while a spec is typed, what fields mean, what may be written
///
/// A language server (LSP) on standard input and output. What is open is looked at as in a directory: specs of spouts
/// only, unless --all or spoutctl.toml say otherwise. The version and the rules are those of the nearest spoutctl.toml.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::LSP))]
pub struct LspArgs {
    /// The Pachyderm that the specs are for: 1.12 to 2.12 [default: what spoutctl.toml says, else 2.12]
    #[arg(long, value_name = "VERSION")]
    pub pachyderm: Option<Version>,

    /// Look at ordinary pipelines, too
    #[arg(long)]
    pub all: bool,

    /// Some editors say so; there is nothing else
    #[arg(long, hide = true)]
    pub stdio: bool,
}

/// `NAME=VALUE`, as `pachctl --arg` has it: a value may hold `=`.
///
/// # Errors
/// When there is no name, or nothing is said of it.
pub fn parse_argument(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

fn parse_rule(name: &str) -> Result<RuleId, String> {
    parse_whole_rule(name).map(|rule| rule.id)
}

fn parse_whole_rule(name: &str) -> Result<&'static Rule, String> {
    any_rule_named(name).ok_or_else(|| match rule_nearest(name) {
        Some(nearest) => format!("there is no such rule; {} is near", nearest.id),
        None => "there is no such rule; spoutctl validate --rules lists all".to_owned(),
    })
}

fn parse_severity(text: &str) -> Result<(RuleId, Severity), String> {
    let (rule, level) = text.split_once('=').ok_or("write RULE=LEVEL")?;
    let level = level
        .parse()
        .map_err(|()| "the level is error, warning or info; --ignore turns a rule off")?;
    Ok((parse_rule(rule)?, level))
}

/// Log in to pachd, and keep the token in pachctl's configuration
///
/// The token is kept in the context whose address is meant, and goes to no other. Both programs use it.
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = examples::help(examples::AUTH)
)]
pub struct AuthArgs {
    #[command(subcommand)]
    pub verb: AuthVerb,
}

#[derive(Debug, Subcommand)]
pub enum AuthVerb {
    Login(LoginArgs),
    UseToken(UseTokenArgs),
    Whoami(WhoamiArgs),
    Logout(LogoutArgs),
}

/// Log in with the identity provider of the cluster, in a browser
///
/// Prints the address to open, opens it where there is a screen, and waits until somebody has logged in there. With
/// --pachd URL and --context NAME a context is made that is not there yet.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::LOGIN))]
pub struct LoginArgs {
    /// Open no browser
    #[arg(short = 'b', long)]
    pub no_browser: bool,

    /// Wait for so long until somebody has logged in
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    pub timeout: Duration,

    #[command(flatten)]
    pub voice: VoiceArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}

/// Take a token that somebody has made: from standard input, or asked for and not shown
///
/// pachd is asked whose it is before it is kept: `pachctl auth get-robot-token NAME -q | spoutctl auth use-token`. With
/// --pachd URL and --context NAME a context is made that is not there yet.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::USE_TOKEN))]
pub struct UseTokenArgs {
    #[command(flatten)]
    pub voice: VoiceArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}

/// Say whom pachd takes us for, until when, and where the token is from
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::WHOAMI))]
pub struct WhoamiArgs {
    /// Print one JSON object instead of text
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    #[command(flatten)]
    pub voice: VoiceArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}

/// Forget the context's token; at pachd it stays good until it expires or is revoked
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::LOGOUT))]
pub struct LogoutArgs {
    /// Forget the token of this context instead of the active one's
    #[arg(long, value_name = "NAME", env = "SPOUTCTL_CONTEXT", hide_env_values = true)]
    pub context: Option<String>,

    #[command(flatten)]
    pub voice: VoiceArgs,
}

/// Show what holds here, and where each of it was said: pachd's address, token, project; preferred options
///
/// An option of the command line comes first, then its variable, then `spoutctl.toml` of the project (the nearest one, in
/// this directory or above), then config.toml of the user. A token is not shown.
///
/// Exit code 2: something that is said cannot be used.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::CONFIG))]
pub struct ConfigArgs {
    /// Print one JSON object a line
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    #[command(flatten)]
    pub voice: VoiceArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}

/// Look at everything that a `put` needs: address, network, certificate, pachd, token, repo, branch, permission
///
/// A line for each: ok, warning, fault, or what has to be right first; and what to do next. Nothing is changed, unless --drop
/// is given.
///
/// Exit code 0: no fault; else that with which `put` would end at the first one: 2 (nothing says where pachd is), 4 (pachd
/// refuses), 5 (it cannot be reached, or the branch is busy), 3 (the disk).
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

    /// Print one JSON object a line: of type `check`, and last `summary`
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    /// When there is colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colour::Auto, help_heading = "Output")]
    pub color: Colour,

    #[command(flatten)]
    pub voice: VoiceArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}

/// Print what makes a shell complete our words
///
/// It asks this program at each press of the key, so it knows contexts, rules, templates and versions, and repos, branches and
/// files where pachd answers within 300 ms.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::COMPLETIONS))]
pub struct CompletionsArgs {
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: CompletedShell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompletedShell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

/// Print the man page of a verb, or of the program
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::MAN))]
pub struct ManArgs {
    /// The verb: put, or auth login; without it, the program itself
    #[arg(value_name = "VERB")]
    pub verb: Vec<String>,
}

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
    #[arg(long, value_name = "N", default_value_t = 1, requires = "send", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub in_flight: u16,

    /// With --send: what becomes of an archive of which no commit can be made, as `put --on-bad`
    #[arg(long, value_name = "HOW", default_value = "stop", requires = "send")]
    pub on_bad: OnBad,

    #[command(flatten)]
    pub acknowledging: AcknowledgingArgs,

    /// Print one JSON object instead of text
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    #[command(flatten)]
    pub trying: TryingArgs,

    #[command(flatten)]
    pub voice: VoiceArgs,

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

/// The arguments of a `put` that is remembered as a command line.
///
/// # Errors
/// When this version does not know them.
pub fn parse_put(line: Vec<OsString>) -> Result<PutArgs, String> {
    match Cli::try_parse_from(line).map(|cli| cli.verb) {
        Ok(Verb::Put(args)) => Ok(*args),
        Ok(_) => Err("it is no `put`".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A duration that is one.
fn parse_period(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("once in no time at all is too often; write 10s".to_owned()),
        period => Ok(period),
    }
}

/// A size: digits, then an optional unit (k, M, G, T; kB, MB, …; KiB, MiB, …).
fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let wrong = || format!("`{text}` is no size; write 500MB, 64MiB or 1TiB");
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let power = |unit: &str| match unit.to_ascii_lowercase().as_str() {
        "" => Some(0),
        "k" => Some(1),
        "m" => Some(2),
        "g" => Some(3),
        "t" => Some(4),
        "p" => Some(5),
        _ => None,
    };
    let unit = unit.trim();
    let lower = unit.to_ascii_lowercase();
    let (base, prefix) = match lower.strip_suffix("ib") {
        Some(prefix) => (1024_u64, prefix),
        None => (1000, lower.strip_suffix('b').unwrap_or(&lower)),
    };
    let factor = power(prefix)
        .and_then(|power| base.checked_pow(power))
        .ok_or_else(wrong)?;
    number.checked_mul(factor).ok_or_else(wrong)
}

/// The directory of a store, also where it is written as an address.
fn parse_store(text: &str) -> Result<PathBuf, String> {
    match text.strip_prefix("local:").unwrap_or(text) {
        "" => Err("name a directory".to_owned()),
        directory => Ok(directory.into()),
    }
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

/// A spout's name is that of its repo.
fn parse_spout(text: &str) -> Result<Repo, String> {
    let named: Destination = text.parse().map_err(|error: InvalidName| error.to_string())?;
    if text.contains(['@', ':']) {
        return Err("a spout is [project/]NAME alone".to_owned());
    }
    Ok(named.branch.repo)
}

/// No duration is longer: sums of it and the time of day must stay within what a clock can show.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// A duration: digits and a unit (`ms`, `s`, `m`, `h`), repeated; a bare `0` is zero.
fn parse_duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let span: jiff::SignedDuration = text
        .parse()
        .map_err(|_| format!("`{text}` is no duration; write 30s, 10m or 1h30m"))?;
    let duration = Duration::try_from(span).map_err(|_| format!("`{text}` is negative"))?;
    if duration > LONGEST {
        return Err(format!("`{text}` is too long; a year at most"));
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn clap_finds_nothing_wrong_with_the_definitions() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_are_read_in_decimal_and_binary_units() {
        for (text, bytes) in [
            ("0", 0),
            ("17", 17),
            ("500MB", 500_000_000),
            ("64MiB", 64 << 20),
            ("1TiB", 1 << 40),
            ("2k", 2000),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MB", "1XB", "-1", "99999999999PiB", "1.5GB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

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
            ("1970-01-01", Beginning::Time(Timestamp::UNIX_EPOCH)),
            ("1970-01-01T00:00:00Z", Beginning::Time(Timestamp::UNIX_EPOCH)),
            ("1970-01-01T01:00:00+01:00", Beginning::Time(Timestamp::UNIX_EPOCH)),
        ] {
            assert_eq!(text.parse(), Ok(beginning), "{text}");
        }
        for text in ["", "-", "3fb3", "yesterday", "1970-13-01", "--2h"] {
            assert!(text.parse::<Beginning>().is_err(), "{text}");
        }
    }

    #[test]
    fn durations_need_a_unit_and_are_not_negative() {
        for (text, seconds) in [("0", 0), ("30s", 30), ("10m", 600), ("2h", 7200), ("1h30m", 5400)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "10", "-5s", "soon", "9223372036854775807s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
