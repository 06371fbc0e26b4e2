//! `put DEST -- CMD`: the producer whose standard output is the input.
//!
//! It is started when everything that was taken in before is committed, so that it may ask for where to go on (the
//! marker: a file that it puts into the same archive as the data); with `--position-by` it is told. It runs in a
//! process group of its own, to which signals go. When it fails, the archive that it had begun is not published.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use rustix::process::Signal;

use super::intake::Intake;
use super::reader::Reader;
use crate::cli::Restart;
use crate::commands::group::{ENDS_WITHIN, Looked, ProcessGroup, cannot_run, how};
use crate::commands::restarting::{self, HEALTHY, LONGEST_PAUSE};
use spoutctl_archive::{ArchiveErrorKind, SourcePositions};
use spoutctl_core::quantity::{elapsed, grouped};
use spoutctl_delivery::DeliveryError;
use spoutctl_delivery::messages::MessageFault;

/// The variable that says where each source goes on, where that is kept.
const POSITIONS: &str = "SPOUTCTL_POSITIONS";
/// How often it is looked whether the producer has failed while something that it started keeps its output open.
const WATCH_EVERY: Duration = Duration::from_millis(200);

/// The command line of a producer, and its process while there is one.
pub(super) struct Producer {
    command: Vec<OsString>,
    restart: Restart,
    pub group: ProcessGroup,
}

/// How one run of the producer ended.
struct Ended {
    status: ExitStatus,
    read: Result<ControlFlow<()>, DeliveryError>,
    /// Whether its output ended after it was told to end.
    was_told: bool,
    lasted: Duration,
}

impl Producer {
    pub fn new(command: Vec<OsString>, restart: Restart) -> Self {
        Self {
            command,
            restart,
            group: ProcessGroup::default(),
        }
    }

    pub fn name(&self) -> String {
        let program = self.command.first().map(|program| program.to_string_lossy());
        program.unwrap_or_default().into_owned()
    }

    /// Reads the archives of the producer, and of its successors as `--restart` says.
    ///
    /// # Errors
    /// Why there is no further one.
    pub fn read(&self, reader: &Reader, intake: &dyn Intake) -> Result<(), DeliveryError> {
        let mut number = intake.first_number();
        let mut pauses = restarting::pauses();
        while intake.wait_until_drained() {
            let Some(ended) = self.run(reader, intake, &mut number)? else {
                return Err(DeliveryError::Interrupted);
            };
            if ended.lasted >= HEALTHY {
                pauses = restarting::pauses();
            }
            let Some(what) = self.judge(ended)? else { return Ok(()) };
            let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
            reader.report.watched.restarts();
            reader.note(&format!("{what}; it is started again in {}", elapsed(pause)));
            reader.stopping.wait(pause);
        }
        Ok(())
    }

    /// One life of the producer; `None` when it may not be started any more.
    fn run(&self, reader: &Reader, intake: &dyn Intake, number: &mut u64) -> Result<Option<Ended>, DeliveryError> {
        let begun = Instant::now();
        let ControlFlow::Continue(positions) = reader.positions_before(intake)? else {
            return Ok(None);
        };
        let Some((mut child, output)) = self.start(reader, positions.as_ref())? else {
            return Ok(None);
        };
        let name = self.name().into();
        let read = std::thread::scope(|scope| {
            let (reading, over) = bounded(0);
            scope.spawn(move || self.end_what_a_failed_one_leaves(&over));
            let read = reader.read_archives(&name, output, None, number, intake);
            drop(reading);
            read
        });
        let was_told = self.group.is_stopped();
        let insist: &[Signal] = match &read {
            Ok(ControlFlow::Continue(())) => &[],
            // It may be about to fail, which is for its status to tell.
            Err(error) if unfinished(error).is_some() => &[Signal::TERM, Signal::KILL],
            // Whatever else it writes is of no use: its output is closed, and it is told.
            _ => {
                self.group.stop(Signal::TERM);
                &[Signal::KILL]
            }
        };
        let status = self.wait(&mut child, reader, insist);
        let status = status.map_err(|error| self.fault(&error))?;
        Ok(Some(Ended {
            status,
            read,
            was_told,
            lasted: begun.elapsed(),
        }))
    }

    fn start(
        &self,
        reader: &Reader,
        positions: Option<&SourcePositions>,
    ) -> Result<Option<(Child, ChildStdout)>, DeliveryError> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Ok(None);
        };
        // A background process group that reads from the terminal would be stopped.
        // Several streams would take each other's bytes from it.
        let input = if reader.given_up.is_some() || io::stdin().is_terminal() {
            Stdio::null()
        } else {
            Stdio::inherit()
        };
        let mut command = Command::new(program);
        command.args(arguments).stdin(input).stdout(Stdio::piped());
        if let Some(positions) = positions {
            command.env(POSITIONS, positions.to_json());
        }
        let child = self.group.start(&mut command).map_err(|error| self.fault(&error))?;
        let Some(mut child) = child else { return Ok(None) };
        let output = child.stdout.take();
        let output = output.ok_or_else(|| self.fault(&io::Error::other("it has no standard output")))?;
        Ok(Some((child, output)))
    }

    /// Waits without ever holding the number of a process that is gone. What insists goes to the group, one after the
    /// other; without any it may take its time, since it has written all that it had to.
    fn wait(&self, child: &mut Child, reader: &Reader, insist: &[Signal]) -> io::Result<ExitStatus> {
        let mut signals = insist.iter();
        let mut since = Some(Instant::now());
        self.group.wait(child, || {
            if since.is_none_or(|since| since.elapsed() < ENDS_WITHIN) {
                return;
            }
            since = signals.next().map(|signal| {
                self.group.stop(*signal);
                Instant::now()
            });
            if insist.is_empty() {
                reader.note(&format!(
                    "{} has closed its output and still runs: it is waited for",
                    self.name()
                ));
            }
        })
    }

    /// A producer that failed counts as ended, though something that it started may keep its output open: that is told,
    /// and then made, to end. One that ended well may have left its work to another process.
    fn end_what_a_failed_one_leaves(&self, over: &Receiver<()>) {
        let mut signals = [Signal::TERM, Signal::KILL].into_iter();
        let mut pause = WATCH_EVERY;
        while over.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            // Not waited for before its output has ended, so its number is still its own.
            let looked = self
                .group
                .look(|code| if code == Some(0) { None } else { signals.next() });
            match looked {
                Looked::Runs => {}
                Looked::Told => pause = ENDS_WITHIN,
                Looked::Over => return,
            }
        }
    }

    /// What happened, when another one is to be started; `None` at a good end.
    fn judge(&self, ended: Ended) -> Result<Option<String>, DeliveryError> {
        let stopped = self.group.is_stopped();
        let failed = !ended.status.success();
        let unfinished = match ended.read {
            Ok(ControlFlow::Break(())) => return Ok(None),
            Ok(ControlFlow::Continue(())) => None,
            // What a producer that failed has left unfinished is no fault of its own.
            Err(error) => match unfinished(&error) {
                Some(unfinished) if failed && !stopped => Some(unfinished),
                Some(_) if ended.was_told => return Err(DeliveryError::Interrupted),
                _ => return Err(error),
            },
        };
        let mut what = format!("{} {}", self.name(), how(ended.status));
        if let Some(unfinished) = &unfinished {
            what += "; ";
            what += unfinished;
            what += " was not complete and is not published";
        }
        match self.restart {
            // Its output has an end because of the signal: it is not the end of the input, however quick it is told.
            _ if stopped => Err(DeliveryError::Interrupted),
            Restart::Always => Ok(Some(what)),
            Restart::OnFailure if failed => Ok(Some(what)),
            Restart::Never if failed => Err(DeliveryError::Producer { what, began: true }),
            Restart::Never | Restart::OnFailure => Ok(None),
        }
    }

    fn fault(&self, error: &io::Error) -> DeliveryError {
        DeliveryError::Producer {
            what: cannot_run(&self.command, error),
            began: false,
        }
    }
}

/// What the output had begun when it ended.
fn unfinished(error: &DeliveryError) -> Option<String> {
    match error {
        DeliveryError::Archive(error) if matches!(error.trouble.kind, ArchiveErrorKind::Torn(_)) => {
            Some(format!("archive {}", grouped(error.number)))
        }
        DeliveryError::Message(error) if matches!(error.fault, MessageFault::Unfinished { .. }) => Some(error.name()),
        _ => None,
    }
}
