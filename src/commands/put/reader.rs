//! The reading side of `put`. Where the input is messages, archives are made of them and read like any other.

use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::Sender;

use super::growing::Growing;
use super::input::Input;
use super::intake::Intake;
use super::making::{BUFFER, Made, Making};
use super::report::Report;
use super::stopping::{Stopping, one_comes_before};
use crate::commands::messages::demand::Demand;
use crate::commands::messages::waited::{Waited, Wish};
use crate::commands::messages::{Bad, Packing};
use spoutctl_archive::{ArchiveReader, Seen, SourcePositions};
use spoutctl_delivery::messages::filter::PackError;
use spoutctl_delivery::rereading::Original;
use spoutctl_delivery::{DeliveryError, Observer as _};

/// What follows the last of several inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    Once,
    Again,
}

/// Reads whatever it is handed, and hands over its archives, one by one.
pub(super) struct Reader {
    pub options: spoutctl_archive::Options,
    /// How the input's messages become archives, where it is messages.
    pub packing: Option<Packing>,
    /// What becomes of a message that cannot be taken.
    pub on_bad: Bad,
    /// Where files grow that begin with a header.
    pub growing: Option<Arc<Growing>>,
    /// Asks for the end of a reading of messages.
    pub stopping: Arc<Stopping>,
    /// Said when nobody wants anything to be read any more, where the process goes on without it.
    pub given_up: Option<Arc<Stopping>>,
    /// By what messages are asked for that are in no archive yet.
    pub demand: Option<Arc<Demand>>,
    pub report: Arc<Report>,
    /// Dropped by each thread at its end, after everything else.
    pub here: Sender<()>,
}

impl Reader {
    pub fn note(&self, text: &str) {
        self.report.note(text);
    }

    /// Whether nobody wants anything to be read any more: an error then only says so.
    pub fn is_given_up(&self) -> bool {
        self.given_up.as_ref().is_some_and(|given_up| given_up.has_stopped())
    }

    /// Hands over the archives of all these, until nobody takes them any more. FIFOs whose end is no end are opened
    /// again after the last one.
    ///
    /// # Errors
    /// What keeps it from going on. Every archive before was handed over.
    pub fn read_inputs(&self, inputs: &[Input], round: Round, intake: &dyn Intake) -> Result<(), DeliveryError> {
        let mut number = intake.first_number();
        let rounds = match round {
            Round::Once => 1,
            Round::Again => usize::MAX,
        };
        for input in std::iter::repeat_n(inputs, rounds).flatten() {
            let name = input.name();
            let failed = |error| DeliveryError::Input {
                name: name.to_string(),
                error,
            };
            // What is no FIFO would be read from its beginning in every round.
            if round == Round::Again && !input.is_fifo() {
                return Err(failed(io::Error::other("it is no FIFO any more")));
            }
            let ends: Vec<&Stopping> = match &self.given_up {
                Some(given_up) => vec![given_up, &self.stopping],
                None => Vec::new(),
            };
            let Some(file) = input.open(&ends).map_err(failed)? else {
                return Err(DeliveryError::Interrupted);
            };
            // What is made of messages stands nowhere else.
            let original = self.packing.is_none().then(|| Original::of(&file, &name)).flatten();
            let read = self.read_archives(&name, file, original.as_ref(), &mut number, intake)?;
            if read.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Hands over the archives of one input. It breaks when nobody takes them any more.
    pub fn read_archives(
        &self,
        name: &Arc<str>,
        input: impl Read + AsFd + Send + 'static,
        original: Option<&Original>,
        number: &mut u64,
        intake: &dyn Intake,
    ) -> Result<ControlFlow<()>, DeliveryError> {
        let counted = Counted {
            input,
            given_up: self.given_up.clone(),
            report: Arc::clone(&self.report),
        };
        self.report.watched.reads();
        if let Some(packing) = &self.packing {
            return self.read_messages(packing, name, counted, number, intake);
        }
        let input = spoutctl_archive::open_input(counted);
        let Some(seen) = self.hand_over(name, input, original, number, intake)? else {
            return Ok(ControlFlow::Break(()));
        };
        match seen {
            Seen::Nothing => self.report.note(&format!("{name} is empty: no commit is made of it")),
            Seen::OnlyZeros(_) => self
                .report
                .note(&format!("{name} has only zero bytes: no commit is made of it")),
            Seen::Archives(_) => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    /// What there was in the input, all of it handed over; `None` when nobody takes archives any more.
    fn hand_over(
        &self,
        name: &Arc<str>,
        input: impl BufRead,
        original: Option<&Original>,
        number: &mut u64,
        intake: &dyn Intake,
    ) -> Result<Option<Seen>, DeliveryError> {
        let mut reader = ArchiveReader::new(input, Arc::clone(name), *number, self.options.clone());
        loop {
            let next = reader.next_archive(intake.buffer(*number, original)?);
            *number = reader.next_number();
            let Some(archive) = next? else {
                return Ok(Some(reader.seen()));
            };
            self.report.begun(archive.number, Instant::now());
            if intake.take(archive)?.is_break() {
                return Ok(None);
            }
        }
    }

    /// Makes archives of the input's messages and hands these over.
    fn read_messages(
        &self,
        packing: &Packing,
        name: &Arc<str>,
        input: impl Read + AsFd + Send + 'static,
        number: &mut u64,
        intake: &dyn Intake,
    ) -> Result<ControlFlow<()>, DeliveryError> {
        let Some(before) = intake.messages_before() else {
            return Ok(ControlFlow::Break(()));
        };
        let ControlFlow::Continue(positions) = self.positions_before(intake)? else {
            return Ok(ControlFlow::Break(()));
        };
        // Whether a file is there is asked of the branch, which has to have all that was taken in before.
        if self.growing.is_some() && !intake.wait_until_drained() {
            return Ok(ControlFlow::Break(()));
        }
        let reading = |error| DeliveryError::Reading {
            name: name.to_string(),
            error,
        };
        let stop = self.stopping.heard().map_err(reading)?;
        let input = Waited::new(input, Some(stop.into()), self.wish().map_err(reading)?);
        let (growing, demand) = (self.growing.clone(), self.demand.clone());
        self.make(packing, name, before, number, intake, move |work| {
            work.run(input, growing, demand.as_deref(), positions)
        })
    }

    /// Where each source goes on behind everything that was taken, where that is kept. It breaks when nobody wants any
    /// messages.
    ///
    /// # Errors
    /// When the stream is one of another kind.
    pub fn positions_before(
        &self,
        intake: &dyn Intake,
    ) -> Result<ControlFlow<(), Option<SourcePositions>>, DeliveryError> {
        if !self.packing.as_ref().is_some_and(Packing::has_sources) {
            return Ok(ControlFlow::Continue(None));
        }
        let positions = intake.positions_before()?;
        Ok(positions.map_or(ControlFlow::Break(()), |positions| {
            ControlFlow::Continue(Some(positions))
        }))
    }

    /// Has archives made on a thread of their own, and hands them over.
    pub fn make(
        &self,
        packing: &Packing,
        name: &Arc<str>,
        before: u64,
        number: &mut u64,
        intake: &dyn Intake,
        make: impl FnOnce(Making) -> Result<Made, PackError> + Send + 'static,
    ) -> Result<ControlFlow<()>, DeliveryError> {
        let reading = |error| DeliveryError::Reading {
            name: name.to_string(),
            error,
        };
        let (archives, output) = io::pipe().map_err(reading)?;
        let work = Making {
            name: Arc::clone(name),
            output,
            first: *number,
            report: Arc::clone(&self.report),
            packing: packing.clone(),
            on_bad: self.on_bad.clone(),
            before,
        };
        let here = self.here.clone();
        let making = std::thread::spawn(move || {
            let _here = here;
            make(work)
        });
        // Closed at the end, which ends the thread if it is not there itself.
        if self
            .hand_over(name, BufReader::with_capacity(BUFFER, archives), None, number, intake)?
            .is_none()
        {
            return Ok(ControlFlow::Break(()));
        }
        match making.join() {
            Ok(Ok(Made::All)) => Ok(ControlFlow::Continue(())),
            Ok(Ok(Made::UntilStopped)) => Err(DeliveryError::Interrupted),
            Ok(Err(PackError::Message(error))) => Err(error.into()),
            Ok(Err(PackError::Source(error))) => Err(DeliveryError::Source(Box::new(error))),
            Ok(Err(PackError::Input(error) | PackError::Output(error))) => Err(reading(error)),
            Err(_) => Err(DeliveryError::Panicked),
        }
    }

    fn wish(&self) -> io::Result<Option<Wish>> {
        let wish = |demand: &Arc<Demand>| {
            Ok(Wish {
                readable: demand.readable()?,
                demand: Arc::clone(demand),
            })
        };
        self.demand.as_ref().map(wish).transpose()
    }
}

/// Tells the report how far the input is read.
struct Counted<R> {
    input: R,
    given_up: Option<Arc<Stopping>>,
    report: Arc<Report>,
}

impl<R: AsFd> AsFd for Counted<R> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.input.as_fd()
    }
}

impl<R: Read + AsFd> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(given_up) = &self.given_up
            && given_up.comes_before(&self.input)?
        {
            return Err(io::Error::other("nobody wants it to be read any more"));
        }
        let bytes = loop {
            match self.input.read(buffer) {
                // Whoever shares it with us may have set that it does not block.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => one_comes_before(&[], &self.input)?,
                read => break read?,
            };
        };
        self.report.read(bytes);
        Ok(bytes)
    }
}
