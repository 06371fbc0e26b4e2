//! `spoutctl tail`: follows a branch on one thread, and listens for signals meanwhile.

mod archives;
mod changes;
mod command;
mod consumer;
pub(super) mod failures;
mod json;
mod last;
mod stdout;
mod template;
mod text;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{after, bounded, select};
use jiff::Timestamp;
use rustix::process::Signal;

use crate::cli::{Beginning, Colour, TailArgs};
use crate::commands::denied::advise;
use crate::commands::group::{ENDS_WITHIN as COMMAND_ENDS_WITHIN, ProcessGroup, signal};
use crate::commands::interrupts::Interrupts;
use crate::commands::server;

use crate::failure::Failure;
use crate::settings::{self, Server};
use crate::terminal::Terminal;
use archives::{Archives, Tar};
use changes::{Changes, Reader, Trouble};
use command::Runner;
use consumer::{Ending, Tail};
use failures::{cursor_failure, follow_failure};
use json::Json;
use pachyderm_client::pachd::Followable;
use spoutctl_core::exit::Exit;
use spoutctl_core::pfs::{Branch, CommitId};
use spoutctl_delivery::following::cursor::Cursor;
use spoutctl_delivery::following::trail::Trail;
use spoutctl_delivery::following::{End, FollowError, Options, Start, follow};
use spoutctl_delivery::retrieval::Extent;
use spoutctl_delivery::retry::{Interrupt, SystemClock};
use stdout::Stdout;
use template::Template;
use text::Text;

/// How many commits are printed first unless something else is said.
const LAST: u64 = 10;
/// After a signal, the commit that is being written may take so long.
const ENDS_WITHIN: Duration = Duration::from_secs(1);

/// Runs the verb.
///
/// # Errors
/// When the branch cannot be followed, or what was read cannot be written.
pub fn run(args: &TailArgs) -> Result<Exit, Failure> {
    let terminal = Arc::new(Terminal::new(args.verbosity.level()));
    let deadline = args.range.timeout.map(|timeout| Instant::now() + timeout);
    let group = Arc::new(ProcessGroup::default());
    let told = Arc::clone(&group);
    let interrupts = Interrupts::listen(Duration::ZERO, move |number| told.stop(signal(number)));
    let interrupts = interrupts.map_err(Failure::from)?;
    let interrupt = interrupts.interrupt.clone();
    let output = output(args, &terminal, &group, &interrupt)?;
    let server = server::find(&args.server)?;
    let mut branch = args.source.branch.clone();
    if let (false, Some(project)) = (args.source.names_project, server.project()) {
        branch.repo.project = project.clone();
    }
    let cursor = args.cursor.as_deref();
    let cursor = cursor.map(|path| Cursor::open(path, &branch));
    let mut cursor = cursor.transpose().map_err(|error| cursor_failure(&error))?;
    let store = server::feed(&server, &terminal)?;
    if is_past(&*store, args, &branch, cursor.as_ref()) {
        terminal.note("the commit of --until is not after where it begins: there is nothing to print");
        return Ok(Exit::Done);
    }
    let reader = Reader::new(
        Arc::clone(&store),
        interrupt.clone(),
        args.retry_for,
        Arc::clone(&terminal),
    );
    let mut tail = Tail::new(args, reader, output, terminal);
    let mut options = options(args, deadline);
    let is_kept = cursor.as_ref().is_some_and(|cursor| cursor.kept().is_some());
    if let (Start::Last(wanted), true, false) = (&options.start, tail.is_choosy(), is_kept) {
        match last::start(&tail, &branch, *wanted) {
            Ok(start) => options.start = start,
            Err(trouble) => return Err(cannot_begin(trouble, &interrupts, &server)),
        }
    }
    let (done, ended) = bounded(1);
    std::thread::spawn(move || {
        let end = follow(
            &*store,
            &branch,
            &options,
            cursor.as_mut(),
            &mut tail,
            &SystemClock,
            &interrupt,
        );
        // Nobody listens any more only after an interrupt.
        let _ = done.send((end, tail.ending()));
    });
    let interrupted = || interrupts.signal().map_or(Exit::Unavailable, Exit::Signal);
    let (end, ending) = select! {
        recv(ended) -> ended => ended.map_err(|_| Failure::panicked())?,
        recv(interrupts.interrupt.raised()) -> _ => select! {
            recv(ended) -> ended => ended.map_err(|_| Failure::panicked())?,
            // It is stuck in a call, or at a reader who takes nothing. The cursor is behind what was written out.
            recv(after(if args.command.is_empty() { ENDS_WITHIN } else { COMMAND_ENDS_WITHIN })) -> _ => {
                group.stop(Signal::KILL);
                return Ok(interrupted());
            }
        },
    };
    conclude(args, end, ending, interrupted).map_err(|failure| advise(failure, &server))
}

/// Why it was not found out where to begin.
fn cannot_begin(trouble: Trouble, interrupts: &Interrupts, server: &Server) -> Failure {
    match trouble {
        Trouble::Error(error) => advise(follow_failure(&error), server),
        Trouble::Interrupted | Trouble::Dropped => {
            let exit = interrupts.signal().map_or(Exit::Unavailable, Exit::Signal);
            Failure::new(exit, "interrupted before the first commit was found")
        }
    }
}

/// Whether the commit of `--until` is the one that `--from` or the cursor names, or older. What cannot be asked now is
/// found out when the first commit comes.
fn is_past(store: &dyn Followable, args: &TailArgs, branch: &Branch, cursor: Option<&Cursor>) -> bool {
    let kept = cursor.and_then(Cursor::kept).and_then(Trail::newest);
    let ((Some(begin), _) | (None, Some(Beginning::Commit(begin)))) = (kept, &args.range.from) else {
        return false;
    };
    let Some(until) = &args.range.until else { return false };
    let started = |id: &CommitId| store.find_commit(&branch.repo, id).ok()?.started;
    begin == until || matches!((started(begin), started(until)), (Some(begin), Some(until)) if until < begin)
}

fn conclude(
    args: &TailArgs,
    end: Result<End, FollowError>,
    ending: Ending,
    interrupted: impl Fn() -> Exit,
) -> Result<Exit, Failure> {
    match (end, ending) {
        (_, Ending::Failed(failure)) => Err(failure),
        (Ok(End::Interrupted), _) | (Ok(_), Ending::Interrupted) => Ok(interrupted()),
        (Err(error), _) => Err(follow_failure(&error)),
        (Ok(_), Ending::Errored) => Ok(Exit::Faulty),
        (Ok(End::Deadline), Ending::Open) if args.range.count.is_some() || args.range.until.is_some() => {
            Err(Failure::new(
                Exit::Unavailable,
                "the time is over, and what was to be reached was not",
            ))
        }
        (Ok(End::Head), Ending::Open) if args.range.until.is_some() => Err(Failure::new(
            Exit::NotFound,
            "the commit of --until did not come before the head",
        )),
        (Ok(_), _) => Ok(Exit::Done),
    }
}

fn options(args: &TailArgs, deadline: Option<Instant>) -> Options {
    let with_archives = args.output.tar || !args.command.is_empty();
    let start = match (&args.range.from, args.range.last) {
        (Some(Beginning::Commit(commit)), _) => Start::After(commit.clone()),
        (Some(Beginning::First), _) => Start::Beginning,
        (Some(Beginning::Now), _) => Start::Last(0),
        (Some(Beginning::Time(time)), _) => Start::Since(*time),
        (Some(Beginning::Ago(ago)), _) => Start::Since(ago_of(*ago)),
        (None, Some(last)) => Start::Last(last),
        // Archives build on each other.
        (None, None) if with_archives => Start::Beginning,
        (None, None) => Start::Last(LAST),
    };
    Options {
        start,
        follow: !args.range.no_follow,
        wait_for_branch: args.range.wait_for_branch,
        strict: with_archives || args.cursor.is_some(),
        deadline,
        retry_for: args.retry_for,
    }
}

fn ago_of(ago: Duration) -> Timestamp {
    Timestamp::now().checked_sub(ago).unwrap_or(Timestamp::MIN)
}

fn output(
    args: &TailArgs,
    terminal: &Arc<Terminal>,
    group: &Arc<ProcessGroup>,
    interrupt: &Interrupt,
) -> Result<Box<dyn consumer::Output + Send>, Failure> {
    let stdout = Stdout::new()?;
    let output = &args.output;
    let archives = || Archives {
        extent: if output.full { Extent::Full } else { Extent::Changes },
        directory: settings::temporary_directory(output.tmp_dir.as_deref()),
        terminal: Arc::clone(terminal),
    };
    if !args.command.is_empty() {
        return Ok(Box::new(Runner {
            command: args.command.clone(),
            archives: archives(),
            retry: args.retry,
            group: Arc::clone(group),
            interrupt: interrupt.clone(),
            terminal: Arc::clone(terminal),
        }));
    }
    if output.tar {
        if stdout.is_terminal() {
            return Err(Failure::new(Exit::Usage, "a tar archive is not written to a terminal")
                .help("pipe it: spoutctl tail … --tar | tar -tvif -"));
        }
        return Ok(Box::new(Tar {
            archives: archives(),
            stdout,
        }));
    }
    if output.full || output.tmp_dir.is_some() {
        return Err(Failure::new(Exit::Usage, "--full and --tmp-dir are about archives")
            .help("they go with --tar, or with a command after `--`"));
    }
    if let Some(template) = &output.format {
        let template =
            Template::new(template).map_err(|error| Failure::new(Exit::Usage, error.to_string()).help(error.help()))?;
        return Ok(Box::new(template::Templated { template, stdout }));
    }
    if output.json {
        let files = output.files;
        return Ok(Box::new(Json { stdout, files }));
    }
    let colour = match output.color {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => settings::colour(terminal.is_on_screen()),
    };
    Ok(Box::new(Text {
        stdout,
        files: output.files,
        colour,
    }))
}
