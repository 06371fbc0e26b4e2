//! `spoutctl put`: reads archives on one thread, delivers them on another, and listens for signals meanwhile.

mod acknowledging;
pub(super) mod demand;
mod growing;
mod input;
#[cfg_attr(not(feature = "kafka"), allow(dead_code, reason = "only what reads Kafka needs it"))]
mod kafka;
mod lines;
mod producer;
mod report;
mod service;
pub(super) mod spooling;
mod stats;
#[cfg_attr(not(feature = "kafka"), allow(dead_code, reason = "only what reads Kafka needs it"))]
mod told;

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{Receiver, Sender, at, bounded, never, select};
use tempfile::TempDir;

use crate::cli::{self, ArchiveEnd, EntryArgs, Links, MessageArgs, PutArgs, Special};
use crate::commands::interrupts::Interrupts;
use crate::commands::messages::{self, Bad, Packing};
use crate::commands::serve::{cannot_listen, listening_address};
use crate::commands::target::Target;
use crate::commands::{group, server};
use crate::failure::Failure;
use crate::metrics::{self, Labels};
use crate::settings::{self, Server};
use crate::terminal::Terminal;
use acknowledging::Acknowledger;
use demand::Demand;
use growing::Growing;
use input::{DirectIntake, Input, Reader, Stopping};
use kafka::Kafka;
use producer::Producer;
use report::Report;
use service::Service;
use spooling::SpoolIntake;
use spoutctl_core::exit::Exit;
use spoutctl_core::pfs::{Branch, Destination};
use spoutctl_delivery::early::{EARLY_PART, Early};
use spoutctl_delivery::mark::StreamName;
use spoutctl_delivery::retry::SystemClock;
use spoutctl_delivery::routing::{Routed, Routes};
use spoutctl_delivery::spill::SpillBuffers;
use spoutctl_delivery::spool::{self, Spool, SpoolObserver};
use spoutctl_delivery::{
    Batching, CommitSink, Delivery, DeliveryError, Incoming, Ledger, Observer, OnBad, Options, Summary, WriteMode,
};
use stats::{Stats, Ticking};

/// Runs the verb.
///
/// # Errors
/// Whatever kept an archive of the input from becoming a commit.
pub fn run(args: &PutArgs) -> Result<Exit, Failure> {
    let server = server::find(&args.server)?;
    let destination = target(args, &server)?;
    let packing = packing(args, &destination)?;
    let inputs = inputs(args, &destination)?;
    check_end(args)?;
    check_hold_limit(args)?;
    deliver(args, &server, &destination, inputs, packing).map_err(|failure| server::advise(failure, &server))
}

/// Sends what waits in the spool of `args`, and reads no input.
///
/// # Errors
/// As [`run`].
pub(super) fn send_spool(args: &PutArgs) -> Result<Exit, Failure> {
    let server = server::find(&args.server)?;
    let target = target(args, &server)?;
    deliver(args, &server, &target, Vec::new(), None).map_err(|failure| server::advise(failure, &server))
}

#[expect(clippy::too_many_lines, reason = "one step after the other")]
fn deliver(
    args: &PutArgs,
    server: &Server,
    target: &Target,
    inputs: Vec<Input>,
    packing: Option<Packing>,
) -> Result<Exit, Failure> {
    let staging = staging(args, target)?;
    let terminal = Arc::new(Terminal::new(args.voice.voice()).with_progress());
    let temporary = settings::temporary_directory(args.entries.tmp_dir.as_deref());
    warn_of_unusable(&temporary, args.entries.tmp_dir.is_none(), &terminal);
    // Removed at the end: what a dry run may need to write to.
    let scratch = args.commits.dry_run.then(|| scratch(&temporary)).transpose()?;
    let scratch_path = scratch.as_ref().map(TempDir::path);
    let Opened { sink, also } = open(args, server, target, &terminal, scratch_path)?;
    where_it_goes(args, target, sink.as_ref(), &terminal);
    as_whom(args, server, target, &terminal);
    let spool = spooling::open(args, &target.destination, &server.address)?;
    let acknowledger = Acknowledger::new(
        &args.acknowledging,
        spool.as_deref().map(Spool::dir),
        &temporary,
        &terminal,
    )?;
    let acknowledger = acknowledger.map(Arc::new);
    let demand = demand(args)?;
    let told = Report::new(Arc::clone(&terminal), args.json, acknowledger.clone());
    let told = told.with_spool(spool.clone()).with_demand(demand.clone());
    let (report, ticking) = report(args, target, &terminal, told)?;
    if let Some(bytes) = input::length_of(&inputs) {
        report.expects(bytes);
    }
    let producer = producer(args);
    let stopping = Arc::new(Stopping::new().context("cannot listen for signals")?);
    let interrupts = listen(args, &terminal, producer.clone(), &stopping, Arc::clone(&report))?;
    let on_bad = match aside_branch(args, server) {
        Some(branch) => Bad::Along(branch),
        None => Bad::open(&args.entries.on_bad)?,
    };
    let growing = growing(args, server, target, packing.as_ref(), &terminal)?;
    let ledger = Arc::new(Ledger::default());
    let buffers = SpillBuffers::new(&temporary);
    let early = sends_early(args).then(|| Early::new(EARLY_PART, args.entries.hold_limit));
    let delivery = Delivery {
        sink,
        observer: observer(spool.as_ref(), &report),
        clock: Arc::new(SystemClock),
        interrupt: interrupts.interrupt.clone(),
        ledger: Arc::clone(&ledger),
        buffers: buffers.clone(),
        on_bad: match &on_bad {
            Bad::Stop => OnBad::Stop,
            Bad::Skip => OnBad::Skip,
            Bad::SetAside(quarantine) => OnBad::SetAside(quarantine.clone()),
            Bad::Along(branch) => OnBad::Along(branch.clone()),
        },
        early: early.clone(),
        options: Options {
            also,
            ..options(args, target, staging, spool.as_deref())
        },
    };

    // No archive waits between the two sides: at most one is read while one is delivered, unless a spool is between.
    let (archives, incoming) = bounded(0);
    let reader = Reader {
        inputs,
        producer: producer.clone(),
        kafka: Kafka::of(args)?,
        endless: args.production.endless,
        options: spoutctl_archive::Options {
            // The names of files that messages go to are made as they have to be.
            escape_paths: args.entries.escape_paths && packing.is_none(),
            ..entry_options(&args.entries, &target.destination)
        },
        packing,
        on_bad,
        growing,
        stopping: Arc::clone(&stopping),
        demand,
        report: Arc::clone(&report),
    };
    let taken_in = if let Some(spool) = &spool {
        read_intake(reader, spool, archives)
    } else {
        // What is in hand reaches the delivery by itself: there is nothing to wait for afterwards.
        read_directly(reader, buffers, early, archives, counts_messages(args, target));
        None
    };
    let (done, ended) = bounded(1);
    std::thread::spawn(move || {
        // Nobody listens any more only when we left at once.
        let _ = done.send(delivery.run(&incoming));
    });
    let service = Service::start(&report);
    let end = wait(&ended, &interrupts);
    if let (Some(taken_in), Some(_)) = (taken_in, &end) {
        stopping.stop();
        wait_until_taken_in(&taken_in, &interrupts);
    }
    report.end();
    if let Some(service) = service {
        service.end();
    }
    let patience = if end.is_some() {
        group::ENDS_WITHIN
    } else {
        Duration::ZERO
    };
    if let Some(acknowledger) = &acknowledger {
        acknowledger.group.end(patience);
    }
    if let Some(producer) = &producer {
        producer.group.end(patience);
    }
    match end {
        Some((summary, result)) => {
            if let Some(ticking) = ticking {
                // The summary is the last line.
                ticking.end();
            }
            let concluded = conclude(
                &terminal,
                &report,
                summary,
                result,
                &ledger,
                &interrupts,
                spool.as_deref(),
            );
            if let Some(spool) = &spool {
                spool.close();
            }
            concluded
        }
        // The delivery may hold standard output, which nobody reads, or the progress line: neither is touched.
        None => Err(Failure::from_delivery(
            &DeliveryError::Interrupted,
            &ledger.unsettled(),
            interrupts.signal(),
        )),
    }
}

/// The store that archives go to.
struct Opened {
    sink: Arc<dyn CommitSink>,
    /// Where parts of them go, besides the destination.
    also: Arc<[Branch]>,
}

/// A dry run has a place in `scratch` for what it may need to write.
fn open(
    args: &PutArgs,
    server: &Server,
    target: &Target,
    terminal: &Terminal,
    scratch: Option<&Path>,
) -> Result<Opened, Failure> {
    let sink = match scratch {
        Some(scratch) => server::sink_for_dry_run(server, terminal, scratch)?,
        None => server::sink(server, terminal)?,
    };
    let Some(routes) = all_routes(args, server, target)? else {
        let also = [].into();
        return Ok(Opened { sink, also });
    };
    let also = routes.also().into();
    let makes_repos = args.commits.create_repo && !args.commits.dry_run;
    let sink = Arc::new(Routed::new(sink, routes, makes_repos));
    Ok(Opened { sink, also })
}

/// Says what a typing mistake would show: a prefix that looks like a branch, a branch that is not there yet; and in a dry run
/// all of it. What cannot be asked here is found, and told, by what follows.
fn where_it_goes(args: &PutArgs, target: &Target, sink: &dyn CommitSink, terminal: &Terminal) {
    let Destination { branch, prefix, .. } = &target.destination;
    if let Some(word) = &target.destination.doubtful_prefix {
        terminal.note(&format!(
            "`:{word}` is a directory: files go below {prefix} of {branch}; the branch `{word}` would be {}@{word}",
            branch.repo
        ));
    }
    let is_dry = args.commits.dry_run;
    if !is_dry && !target.destination.names_branch {
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
    if !is_dry {
        if has_repo && found.is_none() {
            terminal.note(&format!("{branch} is a new branch: the first commit makes it"));
        }
        return;
    }
    let below = if prefix.is_root() {
        String::new()
    } else {
        format!(", below {prefix}")
    };
    let made = match (has_repo, found) {
        (false, _) if args.commits.create_repo => "; the repo and its branch would be made",
        (true, None) => "; the branch would be made",
        _ => "",
    };
    terminal.status(&format!("dry run: commits would go to {branch}{below}{made}"));
}

/// What `--verbose` says at the beginning.
fn as_whom(args: &PutArgs, server: &Server, target: &Target, terminal: &Terminal) {
    terminal.detail(&format!(
        "to {} at {} ({})",
        target.destination, server.address, server.address_from
    ));
    match &server.token {
        Some((_, from)) => terminal.detail(&format!("by the token of {from}")),
        None => terminal.detail("without a token"),
    }
    if let Some(stream) = args.commits.stream.as_ref().or(target.stream.as_ref()) {
        terminal.detail(&format!("as stream {stream}"));
    }
}

/// Who is told, and what says the figures every so often.
fn report(
    args: &PutArgs,
    target: &Target,
    terminal: &Arc<Terminal>,
    told: Report,
) -> Result<(Arc<Report>, Option<Ticking>), Failure> {
    // As flags these two are refused with --dry-run; preferred ones do not count.
    let figures = (!args.commits.dry_run).then_some(&args.figures);
    let is_wanted = figures.is_some_and(|figures| figures.stats_every.is_some() || figures.metrics_listen.is_some());
    let stats = is_wanted.then(Stats::new).transpose()?.map(Arc::new);
    let report = Arc::new(told.with_stats(stats.clone()));
    let ticking = show_figures(args, target, terminal, &report, stats.as_deref())?;
    Ok((report, ticking))
}

/// The report, and before it, if there is one, the spool that archives leave.
fn observer(spool: Option<&Arc<Spool>>, report: &Arc<Report>) -> Arc<dyn Observer> {
    match spool {
        Some(spool) => Arc::new(SpoolObserver {
            spool: Arc::clone(spool),
            observer: Arc::clone(report) as _,
        }),
        None => Arc::clone(report) as _,
    }
}

/// Says the figures as often as was asked for, and to whom.
fn show_figures(
    args: &PutArgs,
    target: &Target,
    terminal: &Terminal,
    report: &Arc<Report>,
    stats: Option<&Stats>,
) -> Result<Option<Ticking>, Failure> {
    let Some(stats) = stats else { return Ok(None) };
    if let Some(address) = &args.figures.metrics_listen {
        let (address, _) = if address.bytes().all(|byte| byte.is_ascii_digit()) {
            listening_address(&format!("127.0.0.1:{address}"))?
        } else {
            listening_address(address)?
        };
        let listening = metrics::listen(address, Arc::clone(report) as _, &stats.lags, labels(target));
        let address = listening.map_err(|error| Failure {
            exit: Exit::Usage,
            ..cannot_listen("--metrics-listen", address, &error).detail("nothing was sent")
        })?;
        terminal.note(&format!("figures are at http://{address}/metrics"));
    }
    Ok(args.figures.stats_every.map(|period| {
        let report = Arc::clone(report);
        Ticking::every(period, move || report.say_figures())
    }))
}

/// What the figures are of.
fn labels(target: &Target) -> Labels {
    let Branch { repo, name } = &target.destination.branch;
    Labels {
        project: repo.project.to_string(),
        repo: repo.name.to_string(),
        branch: name.to_string(),
    }
}

fn read_directly(
    reader: Reader,
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
            report: Arc::clone(&reader.report),
        };
        let end = reader.read_all(&intake);
        let _ = intake.archives.send(Incoming::End(end));
    });
}

/// Where messages are collected, what it answers is closed when nothing more is taken in.
fn read_intake(reader: Reader, spool: &Arc<Spool>, archives: Sender<Incoming>) -> Option<Receiver<()>> {
    let collects = reader.packing.is_some();
    let intake = SpoolIntake {
        spool: Arc::clone(spool),
        report: Arc::clone(&reader.report),
    };
    let options = reader.options.clone();
    let (taking_in, taken_in) = bounded(0);
    let reading = std::thread::spawn(move || {
        let _open_until_the_end: Sender<()> = taking_in;
        let _taking_in = intake.spool.taking_in();
        reader.read_all(&intake)
    });
    let spool = Arc::clone(spool);
    std::thread::spawn(move || spool::feed(&spool, &options, &archives, reading));
    collects.then_some(taken_in)
}

/// Waits until messages that were read are in the spool, where nothing delivers them any more. A spool that is full, or a
/// disk that does not answer, may keep them from that.
fn wait_until_taken_in(taken_in: &Receiver<()>, interrupts: &Interrupts) {
    let latest = interrupts.interrupt.deadline();
    let latest = latest.map_or_else(|| Instant::now() + group::ENDS_WITHIN, |_| interrupts.latest());
    select! {
        recv(taken_in) -> _ => {}
        recv(interrupts.leave) -> _ => {}
        recv(at(latest)) -> _ => {}
    }
}

fn scratch(temporary: &Path) -> Result<TempDir, Failure> {
    let made = tempfile::tempdir_in(temporary);
    made.with_context(|| format!("cannot use {}", temporary.display()))
        .map_err(Failure::from)
}

/// Waits for the delivery, but no longer than the signals allow: `None` when we have to leave without it.
fn wait(ended: &Receiver<Ended>, interrupts: &Interrupts) -> Option<Ended> {
    let mut deadline = never();
    let mut raised = interrupts.interrupt.raised().clone();
    loop {
        select! {
            recv(ended) -> end => {
                return Some(end.unwrap_or_else(|_| (Summary::default(), Err(DeliveryError::Panicked))));
            }
            recv(raised) -> _ => {
                // A closed channel would be ready for ever.
                raised = never();
                deadline = at(interrupts.latest());
            }
            recv(interrupts.leave) -> _ => return None,
            recv(deadline) -> _ => return None,
        }
    }
}

type Ended = (Summary, Result<(), DeliveryError>);

fn conclude(
    terminal: &Terminal,
    report: &Report,
    summary: Summary,
    result: Result<(), DeliveryError>,
    ledger: &Ledger,
    interrupts: &Interrupts,
    spool: Option<&Spool>,
) -> Result<Exit, Failure> {
    if let Some(bar) = terminal.bar() {
        bar.clear();
    }
    let unsettled = ledger.unsettled();
    report.summarise(summary, result.is_ok());
    match (result, terminal.results_lost()) {
        (Err(error), _) => {
            let mut failure = Failure::from_delivery(&error, &unsettled, interrupts.signal());
            failure.details.extend(report.together(&error));
            Err(match spool {
                Some(spool) => with_spool(failure, &error, spool),
                None => with_progress(failure, &error, report),
            })
        }
        (Ok(()), None) => {
            for left in unsettled {
                terminal.warning(&format!("{left}; {}", left.help()));
            }
            Ok(Exit::Done)
        }
        (Ok(()), Some(error)) => Err(Failure::new(Exit::Input, "acknowledgements could not be written")
            .detail(format!("standard output: {error}"))
            .help("every archive is committed; its commit's description holds its digest")),
    }
}

/// What is committed already decides what to send again.
fn with_progress(mut failure: Failure, error: &DeliveryError, report: &Report) -> Failure {
    if let DeliveryError::Archive(error) = error {
        failure.details.extend(report.doubtful(error));
    }
    failure.help.extend(report.advice(error));
    failure
}

/// What the spool keeps, and how it goes on.
fn with_spool(mut failure: Failure, error: &DeliveryError, spool: &Spool) -> Failure {
    if let DeliveryError::Archive(error) = error {
        spooling::explain_disk(error, &mut failure);
    }
    spooling::hold_back(spool, error, &mut failure);
    failure.help.extend(spooling::advice(spool, error));
    failure
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

/// Where it can be asked which files are there, if they grow and begin with a header.
fn growing(
    args: &PutArgs,
    server: &Server,
    target: &Target,
    packing: Option<&Packing>,
    terminal: &Terminal,
) -> Result<Option<Arc<Growing>>, Failure> {
    let grows = args.commits.append && !args.commits.dry_run && packing.is_some_and(Packing::has_header);
    grows
        .then(|| {
            Ok(Arc::new(Growing {
                files: server::feed(server, terminal)?,
                destination: target.destination.clone(),
                retry_for: args.trying.retry_for,
            }))
        })
        .transpose()
}

fn producer(args: &PutArgs) -> Option<Arc<Producer>> {
    let command = args.production.command.clone();
    (!command.is_empty()).then(|| Arc::new(Producer::new(command, args.production.restart)))
}

fn listen(
    args: &PutArgs,
    terminal: &Arc<Terminal>,
    producer: Option<Arc<Producer>>,
    stopping: &Arc<Stopping>,
    report: Arc<Report>,
) -> Result<Interrupts, Failure> {
    let grace = args.trying.grace;
    let terminal = Arc::clone(terminal);
    let stopping = Arc::clone(stopping);
    let say = move |number: u8| {
        report.ends();
        service::stopping();
        match &producer {
            None => stopping.stop(),
            Some(producer) => {
                producer.group.stop(group::signal(number));
                // It ends, and says its last words before; unless it does not.
                std::thread::spawn(move || {
                    std::thread::sleep(group::ENDS_WITHIN.min(grace / 2));
                    stopping.stop();
                });
            }
        }
        terminal.note(&format!(
            "interrupted: nothing more is read; the archive in hand is finished or given up within {:.0} s; once more \
             to leave at once",
            grace.as_secs_f64()
        ));
    };
    Interrupts::listen(grace, say).map_err(Failure::from)
}

/// Where commits go.
fn target(args: &PutArgs, server: &Server) -> Result<Target, Failure> {
    let target = Target::of(args.destination.as_ref(), server)?.ok_or_else(|| {
        Failure::new(Exit::Usage, "nothing says where the commits go")
            .help("name a repo: spoutctl put [project/]repo[@branch][:/prefix]")
    })?;
    let terminal = Terminal::new(args.voice.voice());
    target.with_output_branch(server, args.trying.retry_for, &terminal)
}

/// The repo for what cannot be taken, where there is one.
fn aside_branch(args: &PutArgs, server: &Server) -> Option<Branch> {
    let cli::OnBad::Repo(aside) = &args.entries.on_bad else {
        return None;
    };
    let mut branch = aside.branch.clone();
    if let (false, Some(project)) = (aside.names_project, server.project()) {
        branch.repo.project = project.clone();
    }
    Some(branch)
}

/// Where everything goes, if not all into the destination.
fn all_routes(args: &PutArgs, server: &Server, target: &Target) -> Result<Option<Routes>, Failure> {
    let routes = routes(args, server, target)?;
    let Some(branch) = aside_branch(args, server) else {
        return Ok(routes);
    };
    let commits = &args.commits;
    if commits.append || commits.staging.is_some() || commits.in_flight > 1 {
        let text =
            "--on-bad repo= makes commits in several repos at once, which --append, --staging and --in-flight do not";
        return Err(Failure::new(Exit::Usage, text).help("use --on-bad quarantine=DIR"));
    }
    let destination = &target.destination;
    let routes = match routes {
        Some(routes) => routes,
        None => Routes::new(destination.branch.clone(), Vec::new()).map_err(|clash| same_repo(&clash))?,
    };
    let routes = routes.with_asides(branch, &destination.prefix);
    routes.map(Some).map_err(|clash| same_repo(&clash))
}

fn same_repo((one, other): &(Branch, Branch)) -> Failure {
    let text = format!("{one} and {other} are branches of one repo, which gets one commit of an archive");
    Failure::new(Exit::Usage, text).help("name another repo")
}

/// Which files go where, if not all into the destination.
fn routes(args: &PutArgs, server: &Server, target: &Target) -> Result<Option<Routes>, Failure> {
    if args.commits.routes.is_empty() {
        return Ok(None);
    }
    if !target.destination.prefix.is_root() {
        let text = "with --route files keep their paths, and DEST names a directory";
        return Err(Failure::new(Exit::Usage, text).help("name a repo, and perhaps a branch, without a path"));
    }
    let patterns = args.commits.routes.iter().map(|route| {
        let mut branch = route.branch.clone();
        if let (false, Some(project)) = (route.names_project, server.project()) {
            branch.repo.project = project.clone();
        }
        (route.glob.clone(), branch)
    });
    let routes = Routes::new(target.destination.branch.clone(), patterns.collect());
    routes.map(Some).map_err(|(one, other)| {
        let text = format!("{one} and {other} are branches of one repo, which gets one commit of an archive");
        Failure::new(Exit::Usage, text).help("name one branch of it")
    })
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
    Ok(packing)
}

/// Refuses a lenient end where it would make a commit of what a producer left behind that died.
fn check_end(args: &PutArgs) -> Result<(), Failure> {
    if args.entries.archive_end == ArchiveEnd::Strict {
        return Ok(());
    }
    if args.production.command.is_empty() {
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
    if matches!(args.entries.on_bad, cli::OnBad::Quarantine(_) | cli::OnBad::Repo(_)) {
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

/// How archives of the input become commits together, if they are to: archives of messages are batches already.
fn batching(args: &PutArgs) -> Option<Batching> {
    let MessageArgs {
        messages,
        batch_count,
        batch_bytes,
        batch_period,
        ..
    } = &args.messages;
    let adaptive = args.commits.batch == Some(cli::Batch::Adaptive);
    let is_wanted = adaptive || batch_count.is_some() || batch_bytes.is_some() || batch_period.is_some();
    let bounds = messages::batching(&args.messages);
    (messages.is_none() && args.kafka.from.is_none() && is_wanted).then_some(Batching {
        count: bounds.count,
        bytes: bounds.bytes,
        period: bounds.period,
        adaptive,
    })
}

/// By what messages are asked for that are in no archive yet.
fn demand(args: &PutArgs) -> Result<Option<Arc<Demand>>, Failure> {
    let is_wanted = args.commits.batch == Some(cli::Batch::Adaptive) && args.messages.messages.is_some();
    let demand = is_wanted.then(Demand::new).transpose();
    Ok(demand.context("cannot make a pipe")?.map(Arc::new))
}

/// Whether parts of an archive may leave before it has ended. Archives of messages, of a batch and of a spool are there as a
/// whole, or become one, before anything of them is sent.
fn sends_early(args: &PutArgs) -> bool {
    args.messages.messages.is_none()
        && args.kafka.from.is_none()
        && batching(args).is_none()
        && args.spooling.spool.is_none()
        && !args.commits.dry_run
}

/// Whether messages are counted over the life of the stream: it has a name that a later run will have, too.
fn counts_messages(args: &PutArgs, target: &Target) -> bool {
    if args.kafka.from.is_some() {
        return true;
    }
    args.messages.messages.is_some()
        && (args.spooling.spool.is_some() || args.commits.stream.is_some() || target.stream.is_some())
}

/// What is to be read, looked at before anything is sent.
fn inputs(args: &PutArgs, target: &Target) -> Result<Vec<Input>, Failure> {
    if !args.production.command.is_empty() || args.kafka.from.is_some() {
        return Ok(Vec::new());
    }
    let stdin = Path::new("-");
    let uses_stdin = args.files.is_empty() || args.files.iter().any(|file| file == stdin);
    if args.files.iter().filter(|file| *file == stdin).count() > 1 {
        return Err(Failure::new(Exit::Usage, "standard input (`-`) can be read only once"));
    }
    if uses_stdin && std::io::stdin().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            "standard input is a terminal, and tar archives are expected there",
        )
        .help(format!(
            "tar cf - DIR | spoutctl put {}",
            target.destination.branch.repo.name
        )));
    }
    if args.files.is_empty() {
        return Ok(vec![Input::Stdin]);
    }
    args.files
        .iter()
        .map(|file| {
            if file == stdin {
                Ok(Input::Stdin)
            } else {
                Input::file(file)
            }
        })
        .collect()
}

/// Positions of partitions are found again by a name, so there is one.
fn of_kafka(args: &PutArgs) -> Option<StreamName> {
    args.kafka.from.as_ref().and_then(|_| "kafka".parse().ok())
}

fn options(args: &PutArgs, target: &Target, staging: Option<Branch>, spool: Option<&Spool>) -> Options {
    Options {
        branch: target.destination.branch.clone(),
        also: [].into(),
        staging,
        own_output: target.is_own,
        mode: if args.commits.append {
            WriteMode::Append
        } else {
            WriteMode::Overwrite
        },
        message: args.commits.message.clone(),
        create_repo: args.commits.create_repo,
        stream: spool
            .map(Spool::stream)
            .or_else(|| args.commits.stream.clone())
            .or_else(|| target.stream.clone())
            .or_else(|| of_kafka(args)),
        counts_messages: counts_messages(args, target),
        has_positions: args.kafka.from.is_some(),
        asides_have_a_repo: matches!(args.entries.on_bad, cli::OnBad::Repo(_)),
        // A spool keeps what comes; it goes on in the next run.
        drains_on_interrupt: (args.messages.messages.is_some() || args.kafka.from.is_some()) && spool.is_none(),
        resume: args.commits.resume,
        spooled: spool.map(Spool::spooled),
        retry_for: args.trying.retry_for,
        in_flight: usize::from(args.commits.in_flight),
        accept_emptied: args.commits.accept_emptied,
        dry_run: args.commits.dry_run,
        batching: batching(args).unwrap_or(Batching::ONE_EACH),
    }
}

fn entry_options(entries: &EntryArgs, destination: &Destination) -> spoutctl_archive::Options {
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
