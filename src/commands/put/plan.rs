//! What was typed, and what the settings and the pod add to it, as one plan. It is made before anything is sent or
//! opened for writing; whatever carries it out sees no argument of the command line any more.

mod commit_options;
mod kafka;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::acknowledging::Acknowledgee;
use super::input::Input;
use super::producer::Producer;
use crate::cli::{AcknowledgingArgs, ArchiveEnd, Batch, EntryArgs, Links, MessageArgs, OnBad, PutArgs, Special};
use crate::commands::messages::{self, Packing};
use crate::commands::server;
use crate::commands::target::Target;
use crate::failure::Failure;
use crate::settings::{Address, Server};
use crate::terminal::{Terminal, Verbosity};
use spoutctl_core::exit::Exit;
use spoutctl_core::pfs::{Branch, Destination};
use spoutctl_delivery::early::{EARLY_PART, Early};
use spoutctl_delivery::mark::StreamName;
use spoutctl_delivery::routing::Routes;
use spoutctl_delivery::spool::CommitOptions;
use spoutctl_delivery::{Batching, Options, WriteMode};

pub(super) use commit_options::ACKNOWLEDGED;
pub(in crate::commands) use commit_options::{command_line, count_messages};
pub(super) use kafka::Topics;

/// What one `put` is to do.
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub(super) struct Plan {
    pub server: Server,
    pub destination: Destination,
    pub reads: Reads,
    /// The end of the input is a fault: whoever runs us counts on our running for ever.
    pub endless: bool,
    pub archives: spoutctl_archive::Options,
    /// How messages become archives, where the input is messages.
    pub packing: Option<Packing>,
    /// What becomes of what cannot be taken; a repo for it has its project.
    pub on_bad: OnBad,
    /// Which files go where, if not all into the destination.
    pub routes: Option<Routes>,
    /// But for what only an opened spool knows.
    pub delivery: Options,
    /// The longest time without any success.
    pub retry_for: Duration,
    /// Where parts of an archive leave before it has ended, if they may.
    pub early: Option<Early>,
    /// Messages that are in no archive yet are asked for when there is room for a commit.
    pub batches_on_demand: bool,
    /// Files grow that begin with a header: whether one is there already has to be asked.
    pub looks_for_files: bool,
    pub spool: Option<SpoolPlan>,
    pub acknowledgee: Option<Acknowledgee>,
    pub stats_every: Option<Duration>,
    /// HOST:PORT, or a port.
    pub metrics_listen: Option<String>,
    /// Where larger archives are held, where somebody said it.
    pub tmp_dir: Option<PathBuf>,
    pub grace: Duration,
    pub json: bool,
    pub verbosity: Verbosity,
}

pub(super) enum Reads {
    /// One after the other; none at all with `spool --send`.
    Inputs(Vec<Input>),
    Producer(Arc<Producer>),
    Topics(Box<Topics>),
}

impl Reads {
    /// Whether there are some, and nothing else.
    pub fn are_fifos(&self) -> bool {
        matches!(self, Self::Inputs(inputs) if !inputs.is_empty() && inputs.iter().all(Input::is_fifo))
    }
}

/// The spool that archives go through.
pub(super) struct SpoolPlan {
    pub dir: PathBuf,
    /// In bytes.
    pub limit: u64,
    /// What its archives become commits by, and have to until none waits.
    pub options: CommitOptions,
}

impl Plan {
    /// What these arguments mean here.
    ///
    /// # Errors
    /// What cannot be meant, or cannot be read. Nothing was sent.
    pub fn of(args: &PutArgs) -> Result<Self, Failure> {
        let server = server::find(&args.server)?;
        let target = target(args, &server)?;
        let packing = packing(args, &target)?;
        let reads = reads(args, &target)?;
        check_end(args)?;
        check_hold_limit(args)?;
        let counts_messages = counts_messages(args, &target);
        Self::new(args, server, target, reads, packing, counts_messages)
    }

    /// The same of the `put` that a spool's archives were taken in by, without an input, and whether that counted
    /// messages.
    ///
    /// # Errors
    /// As [`Plan::of`].
    pub fn of_spool(args: &PutArgs, counts_messages: bool) -> Result<Self, Failure> {
        let server = server::find(&args.server)?;
        let target = target(args, &server)?;
        Self::new(args, server, target, Reads::Inputs(Vec::new()), None, counts_messages)
    }

    fn new(
        args: &PutArgs,
        server: Server,
        target: Target,
        reads: Reads,
        packing: Option<Packing>,
        counts_messages: bool,
    ) -> Result<Self, Failure> {
        let commits = &args.commits;
        let on_bad = on_bad(args, &server);
        let routes = routes(args, &on_bad, &server, &target)?;
        Ok(Self {
            delivery: Options {
                also: routes.as_ref().map_or([].into(), |routes| routes.also().into()),
                counts_messages,
                ..delivery(args, &target)?
            },
            retry_for: args.trying.retry_for,
            archives: spoutctl_archive::Options {
                // The names of files that messages go to are made as they have to be.
                escape_paths: args.entries.escape_paths && packing.is_none(),
                ..archives(&args.entries, &target.destination)
            },
            looks_for_files: commits.append && !commits.dry_run && packing.as_ref().is_some_and(Packing::has_header),
            early: sends_early(args).then(|| Early::new(EARLY_PART, args.entries.hold_limit)),
            batches_on_demand: commits.batch == Some(Batch::Adaptive) && args.messages.messages.is_some(),
            spool: args.spooling.spool.clone().map(|dir| SpoolPlan {
                dir,
                limit: args.spooling.spool_limit,
                options: commit_options::of(
                    args,
                    &target.destination,
                    &server.address,
                    batching(args),
                    counts_messages,
                ),
            }),
            acknowledgee: acknowledgee(&args.acknowledging),
            // As flags these two are refused with --dry-run; preferred ones do not count.
            stats_every: args.figures.stats_every.filter(|_| !commits.dry_run),
            metrics_listen: args.figures.metrics_listen.clone().filter(|_| !commits.dry_run),
            tmp_dir: args.entries.tmp_dir.clone(),
            grace: args.trying.grace,
            endless: args.production.endless,
            json: args.json,
            verbosity: args.verbosity.level(),
            destination: target.destination,
            server,
            reads,
            packing,
            on_bad,
            routes,
        })
    }
}

/// As [`known_by`](super::known_by).
pub(super) fn known_by(args: &PutArgs) -> Result<Option<(Address, Branch, StreamName)>, Failure> {
    if args.spooling.spool.is_some() {
        return Ok(None);
    }
    let server = server::find(&args.server)?;
    let target = target(args, &server)?;
    let stream = stream(args, &target);
    Ok(stream.map(|stream| (server.address, target.destination.branch, stream)))
}

/// Where commits go.
fn target(args: &PutArgs, server: &Server) -> Result<Target, Failure> {
    let target = Target::of(args.destination.as_ref(), server)?.ok_or_else(|| {
        Failure::new(Exit::Usage, "nothing says where the commits go")
            .help("name a repo: spoutctl put [project/]repo[@branch][:/prefix]")
    })?;
    let terminal = Terminal::new(args.verbosity.level());
    target.with_output_branch(server, args.trying.retry_for, &terminal)
}

/// How messages become archives, if the input is messages.
fn packing(args: &PutArgs, target: &Target) -> Result<Option<Packing>, Failure> {
    let watched = !args.production.command.is_empty();
    let packing = match args.kafka.from {
        Some(_) => Some(Packing::of_records(&args.messages, args.entries.escape_paths)?),
        None => Packing::new(&args.messages, args.entries.escape_paths, watched)?,
    };
    if let Some(packing) = &packing
        && !counts_messages(args, target)
    {
        packing.refuse_numbers("give --spool DIR or --stream NAME; or name files by {uuid}")?;
    }
    if packing.is_some() && args.commits.resume {
        let text = "--resume skips archives that were committed before, and messages make other archives every time";
        return Err(Failure::new(Exit::Usage, text).help("with --spool every archive is kept until it is committed"));
    }
    if args.position_by.is_some() && !counts_messages(args, target) {
        let text = "--position-by goes on where the newest commit of a stream says, and this stream has no name";
        return Err(Failure::new(Exit::Usage, text).help("give --stream NAME"));
    }
    Ok(packing.map(|packing| {
        packing
            .below(&target.destination.prefix)
            .of_sources(args.position_by.clone())
    }))
}

/// What is to be read, looked at before anything is sent.
fn reads(args: &PutArgs, target: &Target) -> Result<Reads, Failure> {
    if let Some(topics) = Topics::of(&args.kafka, &args.messages, args.trying.retry_for)? {
        return Ok(Reads::Topics(Box::new(topics)));
    }
    if !args.production.command.is_empty() {
        let command = args.production.command.clone();
        return Ok(Reads::Producer(Arc::new(Producer::new(
            command,
            args.production.restart,
        ))));
    }
    let stdin = Path::new("-");
    let uses_stdin = args.files.is_empty() || args.files.iter().any(|file| file == stdin);
    if args.files.iter().filter(|file| *file == stdin).count() > 1 {
        return Err(Failure::new(Exit::Usage, "standard input (`-`) can be read only once"));
    }
    if uses_stdin && std::io::stdin().is_terminal() {
        let text = "standard input is a terminal, and tar archives are expected there";
        let repo = &target.destination.branch.repo.name;
        return Err(Failure::new(Exit::Usage, text).help(format!("tar cf - DIR | spoutctl put {repo}")));
    }
    if args.files.is_empty() {
        return Ok(Reads::Inputs(vec![Input::Stdin]));
    }
    let inputs = args.files.iter().map(|file| {
        if file == stdin {
            Ok(Input::Stdin)
        } else {
            Input::file(file)
        }
    });
    inputs.collect::<Result<_, _>>().map(Reads::Inputs)
}

/// Refuses a lenient end where it would make a commit of what a producer left behind that died.
fn check_end(args: &PutArgs) -> Result<(), Failure> {
    if args.entries.archive_end == ArchiveEnd::Strict || args.production.command.is_empty() {
        return Ok(());
    }
    let text =
        "with --archive-end lenient, a producer that dies between two entries could not be told from one that is done";
    Err(Failure::new(Exit::Usage, text)
        .help("have the end written when it is done: -- sh -c 'CMD && head -c 1024 /dev/zero'"))
}

/// Refuses to let go of bytes where all of an archive is needed in the end.
fn check_hold_limit(args: &PutArgs) -> Result<(), Failure> {
    if args.entries.hold_limit.is_none() {
        return Ok(());
    }
    if matches!(args.entries.on_bad, OnBad::Quarantine(_) | OnBad::Repo(_)) {
        let text = "--on-bad quarantine= and repo= keep whole archives, whose bytes --hold-limit lets go";
        return Err(Failure::new(Exit::Usage, text).help("use --on-bad stop or skip, or no --hold-limit"));
    }
    if sends_early(args) {
        return Ok(());
    }
    let text =
        "--hold-limit is for archives that are sent while they come; with a spool, batches and messages they are held";
    Err(Failure::new(Exit::Usage, text).help("leave one of them out; spoutctl config shows what is preferred"))
}

/// Whether parts of an archive may leave before it has ended. Archives of messages, of a batch and of a spool are there
/// as a whole, or become one, before anything of them is sent.
fn sends_early(args: &PutArgs) -> bool {
    args.messages.messages.is_none()
        && args.kafka.from.is_none()
        && batching(args).is_none()
        && args.spooling.spool.is_none()
        && !args.commits.dry_run
}

/// How archives of the input become commits together, if they are to: archives of messages are batches already.
fn batching(args: &PutArgs) -> Option<Batching> {
    let MessageArgs {
        messages,
        batch_count,
        batch_bytes,
        batch_period,
        ..
    } = &args.messages;
    let adaptive = args.commits.batch == Some(Batch::Adaptive);
    let is_wanted = adaptive || batch_count.is_some() || batch_bytes.is_some() || batch_period.is_some();
    let bounds = messages::batching(&args.messages);
    (messages.is_none() && args.kafka.from.is_none() && is_wanted).then_some(Batching {
        count: bounds.count,
        bytes: bounds.bytes,
        period: bounds.period,
        adaptive,
    })
}

/// Whether messages are counted over the life of the stream: it has a name that a later run will have, too.
fn counts_messages(args: &PutArgs, target: &Target) -> bool {
    if args.kafka.from.is_some() {
        return true;
    }
    args.messages.messages.is_some()
        && (args.spooling.spool.is_some() || args.commits.stream.is_some() || target.stream.is_some())
}

/// With the server's project where none was named.
fn in_project(branch: &Branch, names_project: bool, server: &Server) -> Branch {
    let mut branch = branch.clone();
    if let (false, Some(project)) = (names_project, server.project()) {
        branch.repo.project = project.clone();
    }
    branch
}

fn on_bad(args: &PutArgs, server: &Server) -> OnBad {
    let mut on_bad = args.entries.on_bad.clone();
    if let OnBad::Repo(aside) = &mut on_bad {
        aside.branch = in_project(&aside.branch, aside.names_project, server);
    }
    on_bad
}

/// Where everything goes, if not all into the destination.
fn routes(args: &PutArgs, on_bad: &OnBad, server: &Server, target: &Target) -> Result<Option<Routes>, Failure> {
    let destination = &target.destination;
    let routes = routes_of_globs(args, server, destination)?;
    let OnBad::Repo(aside) = on_bad else {
        return Ok(routes);
    };
    let commits = &args.commits;
    if commits.append || commits.staging.is_some() || commits.in_flight > 1 {
        let text =
            "--on-bad repo= makes commits in several repos at once, which --append, --staging and --in-flight do not";
        return Err(Failure::new(Exit::Usage, text).help("use --on-bad quarantine=DIR"));
    }
    let routes = match routes {
        Some(routes) => routes,
        None => Routes::new(destination.branch.clone(), Vec::new())
            .map_err(|clash| same_repo(&clash, "name another repo"))?,
    };
    let routes = routes.with_asides(aside.branch.clone(), &destination.prefix);
    routes.map(Some).map_err(|clash| same_repo(&clash, "name another repo"))
}

/// What `--route` says.
fn routes_of_globs(args: &PutArgs, server: &Server, destination: &Destination) -> Result<Option<Routes>, Failure> {
    if args.commits.routes.is_empty() {
        return Ok(None);
    }
    if !destination.prefix.is_root() {
        let text = "with --route files keep their paths, and DEST names a directory";
        return Err(Failure::new(Exit::Usage, text).help("name a repo, and perhaps a branch, without a path"));
    }
    let patterns = args.commits.routes.iter().map(|route| {
        let branch = in_project(&route.branch, route.names_project, server);
        (route.glob.clone(), branch)
    });
    let routes = Routes::new(destination.branch.clone(), patterns.collect());
    routes
        .map(Some)
        .map_err(|clash| same_repo(&clash, "name one branch of it"))
}

fn same_repo((one, other): &(Branch, Branch), help: &str) -> Failure {
    let text = format!("{one} and {other} are branches of one repo, which gets one commit of an archive");
    Failure::new(Exit::Usage, text).help(help)
}

/// Where commits are made before the destination's branch is moved to them.
fn staging(args: &PutArgs, target: &Target) -> Result<Option<Branch>, Failure> {
    let branch = &target.destination.branch;
    match &args.commits.staging {
        Some(name) if *name == branch.name => Err(Failure::new(
            Exit::Usage,
            format!("--staging {name} is the branch that the commits are for"),
        )
        .help("name another one; it is made where it does not exist")),
        Some(name) => Ok(Some(Branch {
            name: name.clone(),
            ..branch.clone()
        })),
        None => Ok(None),
    }
}

/// The stream's name, where it has one. Positions of partitions are found again by a name, so there is one.
fn stream(args: &PutArgs, target: &Target) -> Option<StreamName> {
    let of_kafka = || args.kafka.from.as_ref().and_then(|_| "kafka".parse().ok());
    let typed = args.commits.stream.clone();
    typed.or_else(|| target.stream.clone()).or_else(of_kafka)
}

fn delivery(args: &PutArgs, target: &Target) -> Result<Options, Failure> {
    let (commits, from_kafka) = (&args.commits, args.kafka.from.is_some());
    Ok(Options {
        branch: target.destination.branch.clone(),
        also: [].into(),
        staging: staging(args, target)?,
        own_output: target.is_own,
        mode: if commits.append {
            WriteMode::Append
        } else {
            WriteMode::Overwrite
        },
        message: commits.message.clone(),
        create_repo: commits.create_repo,
        stream: stream(args, target),
        counts_messages: false,
        has_positions: from_kafka || args.position_by.is_some(),
        asides_have_a_repo: matches!(args.entries.on_bad, OnBad::Repo(_)),
        // A spool keeps what comes; it goes on in the next run.
        drains_on_interrupt: (args.messages.messages.is_some() || from_kafka) && args.spooling.spool.is_none(),
        resume: commits.resume,
        spooled: None,
        in_flight: usize::from(commits.in_flight),
        accept_emptied: commits.accept_emptied,
        dry_run: commits.dry_run,
        batching: batching(args).unwrap_or(Batching::ONE_EACH),
    })
}

fn archives(entries: &EntryArgs, destination: &Destination) -> spoutctl_archive::Options {
    spoutctl_archive::Options {
        prefix: destination.prefix.clone(),
        escape_paths: entries.escape_paths,
        links: match entries.links {
            Links::Resolve => spoutctl_archive::Links::Resolve,
            Links::Skip => spoutctl_archive::Links::Skip,
        },
        special: match entries.special {
            Special::Refuse => spoutctl_archive::Special::Refuse,
            Special::Skip => spoutctl_archive::Special::Skip,
        },
        obey_deletions: entries.obey_deletions,
        max_entry_size: entries.max_entry_size,
        max_archive_size: entries.max_archive_size,
        end: match entries.archive_end {
            ArchiveEnd::Strict => spoutctl_archive::ArchiveEnd::Strict,
            ArchiveEnd::Lenient => spoutctl_archive::ArchiveEnd::Lenient,
        },
    }
}

fn acknowledgee(args: &AcknowledgingArgs) -> Option<Acknowledgee> {
    let descriptor = args.ack_fd.map(Acknowledgee::Descriptor);
    descriptor.or_else(|| args.ack_command.clone().map(Acknowledgee::Command))
}
