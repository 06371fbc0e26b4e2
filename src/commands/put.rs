//! `spoutctl put`: reads archives on one thread, delivers them on another, and listens for signals meanwhile.
//!
//! | module | part of it |
//! |---|---|
//! | `plan` | what was typed, and what it means here |
//! | `input`, `producer`, `kafka` | what is read: files and standard input, a command's output, topics |
//! | `reader`, `making` | archives that are read, or made of messages |
//! | `stopping` | the word that nothing more is to be read |
//! | `intake`, `spooling` | where they go: to the delivery, or into a spool |
//! | `running` | what runs meanwhile, how its end is waited for, and what is said of it |
//! | `report`, `lines`, `stats`, `service` | what is told: on the terminal, as JSON, in figures, to systemd |
//! | `acknowledging` | `--ack-fd` and `--ack-command` |
//! | `member` | a `put` that is one of several streams in a process |

mod acknowledging;
mod growing;
pub(super) mod input;
mod intake;
#[cfg_attr(not(feature = "kafka"), allow(dead_code, reason = "only what reads Kafka needs it"))]
mod kafka;
mod lines;
mod making;
pub(super) mod member;
pub(super) mod plan;
mod producer;
mod reader;
mod report;
pub(super) mod running;
pub(super) mod service;
pub(super) mod spooling;
mod stats;
mod stopping;
#[cfg_attr(not(feature = "kafka"), allow(dead_code, reason = "only what reads Kafka needs it"))]
mod told;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use anyhow::Context;
use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::cli::PutArgs;
use crate::commands::connections::Connection;
use crate::commands::denied::advise;
use crate::commands::messages::Bad;
use crate::commands::server;
use crate::failure::Failure;
use crate::settings::{self, Address};
use crate::terminal::Terminal;
use growing::Growing;
use intake::{DirectIntake, Intake};
use member::{Member, Presence};
use plan::{Plan, Reads};
use reader::{Reader, Round};
use running::Running;
use spooling::SpoolIntake;
use spoutctl_core::exit::Exit;
use spoutctl_core::pfs::{Branch, Destination};
use spoutctl_delivery::early::Early;
use spoutctl_delivery::mark::StreamName;
use spoutctl_delivery::retry::SystemClock;
use spoutctl_delivery::routing::{IfMissing, Routed};
use spoutctl_delivery::spill::SpillBuffers;
use spoutctl_delivery::spool::Spool;
use spoutctl_delivery::spool::feeding::{self, SpoolObserver};
use spoutctl_delivery::{CommitSink, Delivery, DeliveryError, Incoming, Observer, Options};
use stopping::Stopping;

/// Runs the verb.
///
/// # Errors
/// Whatever kept an archive of the input from becoming a commit.
pub fn run(args: &PutArgs) -> Result<Exit, Failure> {
    carry_out(Plan::of(args)?, None)
}

/// Runs it as one of several streams; nothing of it is left when this returns.
///
/// # Errors
/// As [`run`].
pub(super) fn run_stream(args: &PutArgs, member: &Member) -> Result<Exit, Failure> {
    carry_out(Plan::of(args)?, Some(member))
}

/// Whether these arguments can be meant, as far as that is known before anything runs.
///
/// # Errors
/// As [`run`].
pub(super) fn check(args: &PutArgs) -> Result<(), Failure> {
    Plan::of(args).map(drop)
}

/// What commits of these arguments are known by, where they have a name: to whom they go, their branch, and their
/// stream. A spool has a name of its own.
///
/// # Errors
/// As [`run`].
pub(super) fn known_by(args: &PutArgs) -> Result<Option<(Address, Branch, StreamName)>, Failure> {
    plan::known_by(args)
}

/// Sends what waits in the spool of `args`, and reads no input. Where it `counts_messages`, commits say which ones they
/// hold.
///
/// # Errors
/// As [`run`].
pub(super) fn send_spool(args: &PutArgs, counts_messages: bool) -> Result<Exit, Failure> {
    carry_out(Plan::of_spool(args, counts_messages)?, None)
}

fn carry_out(plan: Plan, member: Option<&Member>) -> Result<Exit, Failure> {
    let server = plan.server.clone();
    let presence = Presence::new().context("cannot make a pipe")?;
    let (spool, ended) = match deliver(plan, &presence, member) {
        Ok((spool, ended)) => (spool, ended),
        Err(failure) => (None, Err(failure)),
    };
    if let Some(member) = member {
        member.shown.lock().end();
        presence.leave(spool);
    }
    ended.map_err(|failure| advise(failure, &server))
}

/// How it ended once it ran, and the spool that it ran with.
type Ran = (Option<Arc<Spool>>, Result<Exit, Failure>);

fn deliver(plan: Plan, presence: &Presence, member: Option<&Member>) -> Result<Ran, Failure> {
    let terminal = Terminal::new(plan.verbosity);
    let terminal = Arc::new(match member {
        Some(member) => terminal.of_stream(&member.name),
        None => terminal.with_progress(),
    });
    let temporary = settings::temporary_directory(plan.tmp_dir.as_deref());
    warn_of_unusable(&temporary, plan.tmp_dir.is_none(), &terminal);
    // Removed at the end: what a dry run may need to write to.
    let scratch = plan.delivery.dry_run.then(|| scratch(&temporary)).transpose()?;
    let connection = member.map(|member| member.shared.connections.to(&plan.server, &terminal));
    let connection = connection.transpose()?;
    let sink = open(
        &plan,
        &terminal,
        scratch.as_ref().map(TempDir::path),
        connection.as_ref(),
    )?;
    say_where(&plan, sink.as_ref(), &terminal);
    say_as_whom(&plan, &terminal);
    let spool = plan.spool.as_ref().map(spooling::open).transpose()?;
    let buffers = match member {
        Some(member) => member.shared.buffers(&temporary),
        None => SpillBuffers::new(&temporary),
    };
    let running = Running::start(&plan, terminal, &temporary, spool.clone(), &buffers, presence, member)?;
    let on_bad = Bad::open(&plan.on_bad)?;
    let growing = growing(&plan, &running.terminal, connection.as_ref(), presence.given_up())?;
    let (counts_messages, round) = (plan.delivery.counts_messages, round(&plan, member));
    let delivery = Delivery {
        context: spoutctl_delivery::Context {
            sink,
            observer: observer(spool.as_ref(), &running),
            clock: Arc::new(SystemClock),
            interrupt: running.interrupts.interrupt.clone(),
            retry_for: plan.retry_for,
        },
        ledger: Arc::clone(&running.ledger),
        buffers: buffers.clone(),
        on_bad: on_bad.of_archives(),
        early: plan.early.clone(),
        options: of_spool(plan.delivery, spool.as_deref()),
    };
    let reading = Reading {
        round,
        reads: plan.reads,
        endless: plan.endless,
        reader: Reader {
            options: plan.archives,
            packing: plan.packing,
            on_bad,
            growing,
            stopping: Arc::clone(&running.stopping),
            given_up: member.map(|_| presence.given_up()),
            here: presence.here(),
            demand: running.demand.clone(),
            report: Arc::clone(&running.report),
        },
    };
    // No archive waits between the two sides: at most one is read while one is delivered, unless a spool is between.
    let (archives, incoming) = bounded(0);
    let taken_in = if let Some(spool) = &spool {
        read_into_spool(reading, spool, archives, presence)
    } else {
        // What is in hand reaches the delivery by itself: there is nothing to wait for afterwards.
        read_directly(reading, buffers, plan.early, archives, counts_messages);
        None
    };
    let (done, ended) = bounded(1);
    let here = presence.here();
    std::thread::spawn(move || {
        let end = delivery.run(&incoming);
        drop((delivery, incoming));
        // Nobody listens any more only when we left at once.
        let _ = done.send(end);
        drop(here);
    });
    Ok((spool, running.until_ended(&ended, taken_in)))
}

/// A stream opens its FIFOs again; whoever runs a put alone hears of their end.
fn round(plan: &Plan, member: Option<&Member>) -> Round {
    if member.is_some() && plan.endless && plan.reads.are_fifos() {
        Round::Again
    } else {
        Round::Once
    }
}

/// The store that archives go to. A dry run has a place in `scratch` for what it may need to write.
fn open(
    plan: &Plan,
    terminal: &Terminal,
    scratch: Option<&Path>,
    connection: Option<&Connection>,
) -> Result<Arc<dyn CommitSink>, Failure> {
    let sink = match (scratch, connection) {
        (Some(scratch), _) => server::sink_for_dry_run(&plan.server, terminal, scratch)?,
        (None, Some(connection)) => connection.sink(terminal)?,
        (None, None) => server::sink(&plan.server, terminal)?,
    };
    let if_missing = match (plan.delivery.create_repo, plan.delivery.dry_run) {
        (false, _) => IfMissing::Refuse,
        (true, false) => IfMissing::Create,
        (true, true) => IfMissing::PassOver,
    };
    Ok(match &plan.routes {
        Some(routes) => Arc::new(Routed::new(sink, routes.clone(), if_missing)),
        None => sink,
    })
}

/// The report, and before it, if there is one, the spool that archives leave.
fn observer(spool: Option<&Arc<Spool>>, running: &Running) -> Arc<dyn Observer> {
    let report = Arc::clone(&running.report);
    match spool {
        Some(spool) => Arc::new(SpoolObserver {
            spool: Arc::clone(spool),
            observer: report,
        }),
        None => report,
    }
}

/// With what only an opened spool knows.
fn of_spool(options: Options, spool: Option<&Spool>) -> Options {
    match spool {
        Some(spool) => Options {
            stream: Some(spool.stream()),
            spooled: Some(spool.spooled()),
            ..options
        },
        None => options,
    }
}

/// Where it can be asked which files are there, if they grow and begin with a header.
fn growing(
    plan: &Plan,
    terminal: &Terminal,
    connection: Option<&Connection>,
    given_up: Arc<Stopping>,
) -> Result<Option<Arc<Growing>>, Failure> {
    if !plan.looks_for_files {
        return Ok(None);
    }
    Ok(Some(Arc::new(Growing {
        files: match connection {
            Some(connection) => connection.feed(terminal)?,
            None => server::feed(&plan.server, terminal)?,
        },
        destination: plan.destination.clone(),
        retry_for: plan.retry_for,
        given_up,
    })))
}

/// What the reading thread has.
struct Reading {
    reads: Reads,
    endless: bool,
    round: Round,
    reader: Reader,
}

impl Reading {
    /// Hands over every archive of all that is to be read, until nobody takes them any more.
    fn read_all(&self, intake: &dyn Intake) -> Result<(), DeliveryError> {
        match &self.reads {
            Reads::Inputs(inputs) => self.reader.read_inputs(inputs, self.round, intake)?,
            Reads::Producer(producer) => producer.read(&self.reader, intake)?,
            Reads::Topics(topics) => kafka::read(topics, &self.reader, intake)?,
        }
        if self.endless {
            Err(DeliveryError::Ended)
        } else {
            Ok(())
        }
    }
}

fn read_directly(
    reading: Reading,
    buffers: SpillBuffers,
    early: Option<Early>,
    archives: Sender<Incoming>,
    counts_messages: bool,
) {
    std::thread::spawn(move || {
        let intake = DirectIntake {
            buffers,
            early,
            archives,
            taken: AtomicU64::new(0),
            counts_messages,
            messages: AtomicU64::new(0),
            positions: Mutex::default(),
            report: Arc::clone(&reading.reader.report),
        };
        let end = reading.read_all(&intake);
        let _ = intake.archives.send(Incoming::End(end));
        drop(intake);
        drop(reading);
    });
}

/// Where messages are collected, what it answers is closed when nothing more is taken in.
fn read_into_spool(
    reading: Reading,
    spool: &Arc<Spool>,
    archives: Sender<Incoming>,
    presence: &Presence,
) -> Option<Receiver<()>> {
    let collects = reading.reader.packing.is_some();
    let intake = SpoolIntake {
        spool: Arc::clone(spool),
        report: Arc::clone(&reading.reader.report),
    };
    let options = reading.reader.options.clone();
    let (taking_in, taken_in) = bounded(0);
    let reading = std::thread::spawn(move || {
        let _open_until_the_end: Sender<()> = taking_in;
        let taking_in = intake.spool.taking_in();
        let end = reading.read_all(&intake);
        // It is told as an error once nothing waits before it any more, which may be never.
        if let Err(error) = &end
            && !matches!(error, DeliveryError::Interrupted)
            && !reading.reader.is_given_up()
            && intake.spool.waiting().0 > 0
        {
            let reason = [vec![error.to_string()], error.details()].concat().join("; ");
            let text = format!("nothing more is read, and what waits in the spool goes first: {reason}");
            intake.report.note(&text);
        }
        drop(taking_in);
        drop(intake);
        drop(reading);
        end
    });
    let (spool, here) = (Arc::clone(spool), presence.here());
    std::thread::spawn(move || {
        feeding::feed(&spool, &options, &archives, reading);
        // The spool is let go of first.
        drop(spool);
        drop(here);
    });
    collects.then_some(taken_in)
}

fn scratch(temporary: &Path) -> Result<TempDir, Failure> {
    let made = tempfile::tempdir_in(temporary);
    made.with_context(|| format!("cannot use {}", temporary.display()))
        .map_err(Failure::from)
}

/// Small archives need no directory, so one that cannot be used is no error yet; but better said now than in a week.
fn warn_of_unusable(temporary: &Path, is_default: bool, terminal: &Terminal) {
    if let Some(named) = settings::tmpdir().filter(|named| is_default && named != temporary) {
        terminal.warning(&format!(
            "nothing can be written to {}, which TMPDIR names: larger archives are held in {}",
            named.display(),
            temporary.display()
        ));
    }
    if let Err(error) = tempfile::tempfile_in(temporary) {
        terminal.warning(&format!(
            "archives that do not fit into memory cannot be held in {}: {error}; name another directory: --tmp-dir DIR",
            temporary.display()
        ));
    }
}

/// Says what a typing mistake would show: a prefix that looks like a branch; and in a dry run what is there. What
/// cannot be asked here is found, and told, by what follows.
fn say_where(plan: &Plan, sink: &dyn CommitSink, terminal: &Terminal) {
    let Destination { branch, prefix, .. } = &plan.destination;
    if let Some(word) = &plan.destination.doubtful_prefix {
        terminal.note(&format!(
            "`:{word}` is a directory: files go below {prefix} of {branch}; the branch `{word}` would be {}@{word}",
            branch.repo
        ));
    }
    // A start that waits for pachd would keep a spool from taking anything in.
    if !plan.delivery.dry_run {
        return;
    }
    let Ok(has_repo) = sink.repo_exists(&branch.repo) else {
        return;
    };
    let found = if has_repo {
        sink.inspect_branch(branch)
    } else {
        Ok(None)
    };
    let Ok(found) = found else { return };
    let below = if prefix.is_root() {
        String::new()
    } else {
        format!(", below {prefix}")
    };
    let made = match (has_repo, found) {
        (false, _) if plan.delivery.create_repo => "; the repo and its branch would be made",
        (true, None) => "; the branch would be made",
        _ => "",
    };
    terminal.status(&format!("dry run: commits would go to {branch}{below}{made}"));
}

/// What `--verbose` says at the beginning.
fn say_as_whom(plan: &Plan, terminal: &Terminal) {
    let server = &plan.server;
    terminal.detail(&format!(
        "to {} at {} ({})",
        plan.destination, server.address, server.address_from
    ));
    match &server.token {
        Some((_, from)) => terminal.detail(&format!("by the token of {from}")),
        None => terminal.detail("without a token"),
    }
    if let Some(stream) = &plan.delivery.stream {
        terminal.detail(&format!("as stream {stream}"));
    }
}
