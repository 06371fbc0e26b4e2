//! `spoutctl run`: a `put` for each table of a file, in one process.
//!
//! Each stream is a `put` as [`put`](crate::commands::put) has it, on threads of its own: it reads, delivers, fails and
//! is started again by itself. What they share is connections to pachd, the memory for archives, an address for
//! figures, the streams of the terminal, and the signals, which are heard here.
//!
//! | module | part of it |
//! |---|---|
//! | `file` | what the file says, or what is wrong in it |
//! | `fifos` | FIFOs, which somebody has to have open |
//! | `stream` | one stream's life |
//! | `streams` | all of them |

mod fifos;
mod file;
mod stream;
mod streams;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{Receiver, at, bounded, never, select};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::RunArgs;
use crate::commands::group::ENDS_WITHIN;
use crate::commands::interrupts::is_ignored;
use crate::commands::put::running::listen_for_figures;
use crate::commands::put::service::{self, Service};
use crate::failure::Failure;
use crate::otlp::Otlp;
use crate::terminal::Terminal;
use spoutctl_core::exit::Exit;
use spoutctl_core::quantity::counted;
use streams::{Changes, Streams};

/// How many files a stream has open at most, and the process besides: pipes, FIFOs, spools, a producer's output.
const FILES_EACH: u64 = 48;
const FILES_BESIDES: u64 = 256;

/// Runs the verb.
///
/// # Errors
/// When the file is wrong at the start, or the address for figures cannot be had.
pub fn run(args: &RunArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::new(args.verbosity.level());
    let definitions = file::read(args)?;
    if args.check {
        let streams = counted(definitions.len() as u64, "stream");
        terminal.result(&format!("nothing wrong in {streams}"));
        return Ok(Exit::Done);
    }
    allow_files(definitions.len() as u64);
    let signals = signals().context("cannot listen for signals")?;
    let terminal = Arc::new(terminal);
    let otlp = Otlp::from_environment(&terminal);
    let streams = Arc::new(Streams::new(otlp.clone()));
    if let Some(address) = &args.metrics_listen {
        listen_for_figures(address, Arc::clone(&streams) as _, &terminal)?;
    }
    if let Some(otlp) = &otlp {
        otlp.send_figures(Arc::clone(&streams) as _);
    }
    streams.set(definitions);
    let shown = Arc::clone(&streams);
    let service = Service::start(move || shown.state());
    let exit = keep_watch(args, &streams, &signals, &terminal);
    if let Some(service) = service {
        service.end();
    }
    if let Some(otlp) = otlp {
        otlp.end();
    }
    Ok(exit)
}

/// Until all streams are done, or have ended because a signal said so.
fn keep_watch(args: &RunArgs, streams: &Streams, signals: &Receiver<i32>, terminal: &Terminal) -> Exit {
    loop {
        select! {
            recv(streams.changed) -> _ => {
                streams.go_on();
                if streams.are_done() {
                    return Exit::Done;
                }
            }
            recv(signals) -> signal => match signal {
                Ok(SIGHUP) => read_again(args, streams, terminal),
                Ok(signal) => return end(args.grace, signal, streams, signals, terminal),
                // Nothing can be heard any more, which cannot be; the streams go on.
                Err(_) => return wait_until_done(streams),
            },
        }
    }
}

fn wait_until_done(streams: &Streams) -> Exit {
    while !streams.are_done() {
        let _ = streams.changed.recv();
        streams.go_on();
    }
    Exit::Done
}

/// A file that is wrong changes nothing.
fn read_again(args: &RunArgs, streams: &Streams, terminal: &Terminal) {
    match file::read(args) {
        Ok(definitions) => {
            allow_files(definitions.len() as u64);
            let Changes {
                added,
                changed,
                removed,
                same,
            } = streams.set(definitions);
            terminal.note(&format!(
                "{} is read again: {added} added, {changed} changed, {removed} removed, {same} as before",
                args.file.display()
            ));
        }
        Err(failure) => {
            failure.show(terminal);
            terminal.note("the streams go on as they were");
        }
    }
}

/// Has all streams finish what they have in hand, within the time for it.
fn end(grace: Duration, signal: i32, streams: &Streams, signals: &Receiver<i32>, terminal: &Terminal) -> Exit {
    service::stopping();
    let left = streams.left();
    terminal.note(&format!(
        "interrupted: {} to end within {:.0} s; once more to leave at once",
        counted(left.len() as u64, "stream"),
        grace.as_secs_f64()
    ));
    streams.end(signal);
    let exit = Exit::Signal(u8::try_from(signal).unwrap_or_default());
    // A producer that does not end is killed after that.
    let latest = Instant::now() + grace + ENDS_WITHIN;
    let mut again = signals.clone();
    loop {
        let left = streams.left();
        if left.is_empty() {
            return exit;
        }
        select! {
            recv(streams.changed) -> _ => continue,
            recv(again) -> signal => match signal {
                Ok(SIGHUP) => continue,
                Ok(_) => {}
                Err(_) => {
                    again = never();
                    continue;
                }
            },
            recv(at(latest)) -> _ => {}
        }
        let names: Vec<&str> = left.iter().map(|name| &**name).collect();
        terminal.error_line(&format!("error: these streams have not ended: {}", names.join(", ")));
        return exit;
    }
}

/// SIGHUP reads the file again, whoever started us; the others end, unless they were ignored before.
fn signals() -> std::io::Result<Receiver<i32>> {
    let ends = [SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal));
    let mut signals = Signals::new(ends.chain([SIGHUP]))?;
    let (heard, numbers) = bounded(16);
    std::thread::spawn(move || {
        for number in signals.forever() {
            if heard.send(number).is_err() {
                return;
            }
        }
    });
    Ok(numbers)
}

/// A process may open 1,024 files unless it asks for more. Where it may not have so many, that is met, and told, by the
/// streams.
fn allow_files(streams: u64) {
    let wanted = FILES_BESIDES + FILES_EACH * streams;
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    if limit.current.is_some_and(|current| current < wanted.min(most)) {
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(wanted.min(most)),
                maximum: limit.maximum,
            },
        );
    }
}
