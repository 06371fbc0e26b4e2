//! The reading side of `put`: opens each input and hands over its archives, one by one. Where it is messages, archives
//! are made of them on a thread of their own, and read like any other.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, PipeReader, PipeWriter, Read, Seek as _};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context;
use crossbeam_channel::Sender;

use super::demand::Demand;
use super::growing::{Asking, Growing};
use super::kafka::{self, Kafka};
use super::producer::Producer;
use super::report::Report;
use crate::commands::messages::{Bad, Packing, Waited, Wish, notes};
use crate::failure::Failure;
use spoutctl_archive::{Archive, ArchiveBuffer, ArchiveReader, STANDARD_INPUT, Seen};
use spoutctl_core::exit::Exit;
use spoutctl_core::quantity::grouped;
use spoutctl_delivery::early::Early;
use spoutctl_delivery::messages::Packed;
use spoutctl_delivery::messages::filter::{self, PackError, pack};
use spoutctl_delivery::rereading::Original;
use spoutctl_delivery::spill::SpillBuffers;
use spoutctl_delivery::{DeliveryError, Incoming, Observer};

/// Something to read archives from.
pub(super) enum Input {
    Stdin,
    File(PathBuf),
}

impl Input {
    /// A file that can be opened now; whether it still can when its turn comes is seen then. Only regular files are
    /// opened to find out: a FIFO's writer would take that for its reader, and be left alone.
    pub fn file(path: &Path) -> Result<Self, Failure> {
        let looked = std::fs::metadata(path).and_then(|metadata| {
            if metadata.is_file() {
                File::open(path)?;
            }
            Ok(metadata)
        });
        let metadata = looked
            .with_context(|| format!("cannot read {}; nothing was sent", path.display()))
            .map_err(Failure::from)?;
        if metadata.is_dir() {
            return Err(Failure::new(Exit::Usage, format!("{} is a directory", path.display()))
                .help(format!("tar cf - {} | spoutctl put DEST", path.display())));
        }
        Ok(Self::File(path.to_owned()))
    }

    fn name(&self) -> Arc<str> {
        match self {
            Self::Stdin => STANDARD_INPUT.into(),
            Self::File(path) => path.display().to_string().into(),
        }
    }

    /// How many bytes are to come, where that is known.
    fn length(&self) -> Option<u64> {
        let file = self.open().ok()?;
        let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let position = { &file }.stream_position().ok()?;
        metadata.len().checked_sub(position)
    }

    /// Without the buffer of the standard library's own standard input, which would copy every byte once more.
    fn open(&self) -> io::Result<File> {
        match self {
            Self::Stdin => Ok(io::stdin().as_fd().try_clone_to_owned()?.into()),
            Self::File(path) => File::open(path),
        }
    }
}

/// How many bytes all of them are, where that is known. No FIFO is opened for it: its writer would take that for its reader.
pub(super) fn length_of(inputs: &[Input]) -> Option<u64> {
    let is_fifo = |input: &Input| match input {
        Input::Stdin => false,
        Input::File(path) => !std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()),
    };
    if inputs.is_empty() || inputs.iter().any(is_fifo) {
        return None;
    }
    inputs.iter().map(Input::length).sum()
}

/// Everything the reading thread needs.
pub(super) struct Reader {
    pub inputs: Vec<Input>,
    /// Read instead of the inputs.
    pub producer: Option<Arc<Producer>>,
    /// Topics that are read instead of the inputs.
    pub kafka: Option<Kafka>,
    /// The input's end is a fault: whoever runs us counts on our running for ever.
    pub endless: bool,
    pub options: spoutctl_archive::Options,
    /// How the input's messages become archives, where it is messages.
    pub packing: Option<Packing>,
    /// What becomes of a message that cannot be taken.
    pub on_bad: Bad,
    /// Where files grow that begin with a header.
    pub growing: Option<Arc<Growing>>,
    /// Asks for the end of a reading of messages.
    pub stopping: Arc<Stopping>,
    /// By what messages are asked for that are in no archive yet.
    pub demand: Option<Arc<Demand>>,
    pub report: Arc<Report>,
}

/// Ends a reading of messages: what was read becomes the last archive. Whoever printed them may count on it that they are ours.
pub(super) struct Stopping {
    /// Closed to say it.
    said: Mutex<Option<PipeWriter>>,
    heard: PipeReader,
}

impl Stopping {
    pub fn new() -> io::Result<Self> {
        let (heard, said) = io::pipe()?;
        Ok(Self {
            said: Mutex::new(Some(said)),
            heard,
        })
    }

    #[cfg_attr(not(feature = "kafka"), allow(dead_code, reason = "only what reads Kafka needs it"))]
    pub fn has_stopped(&self) -> bool {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    pub fn stop(&self) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Where archives go, one after the other, as they are read.
pub(super) trait Intake {
    /// The number of the first archive.
    fn first_number(&self) -> u64;

    /// A place for the archive of this number while it is read, of an input that perhaps can be read again.
    fn buffer(&self, number: u64, original: Option<&Original>) -> Result<Box<dyn ArchiveBuffer>, DeliveryError>;

    /// A complete archive. It breaks when nobody wants more.
    fn take(&self, archive: Archive) -> Result<ControlFlow<()>, DeliveryError>;

    /// Waits until everything that was taken is settled; `false` when that will not be.
    fn wait_until_drained(&self) -> bool;

    /// How many messages there were before the next input; `None` when nobody wants any.
    fn messages_before(&self) -> Option<u64>;
}

/// Hands each archive over to the delivery, which has to be ready for it: at most one is read while one is delivered.
pub(super) struct DirectIntake {
    pub buffers: SpillBuffers,
    /// Where parts of an archive leave while it is read.
    pub early: Option<Early>,
    pub archives: Sender<Incoming>,
    pub taken: AtomicU64,
    /// Messages are counted over the life of the stream, and not anew for each input.
    pub counts_messages: bool,
    /// The number of the newest message that was taken.
    pub messages: AtomicU64,
    pub report: Arc<Report>,
}

impl Intake for DirectIntake {
    fn first_number(&self) -> u64 {
        1
    }

    fn buffer(&self, number: u64, original: Option<&Original>) -> Result<Box<dyn ArchiveBuffer>, DeliveryError> {
        Ok(match &self.early {
            Some(early) => self.buffers.buffer_early(original, early, number),
            None => self.buffers.buffer_of(original),
        })
    }

    fn take(&self, archive: Archive) -> Result<ControlFlow<()>, DeliveryError> {
        self.taken.fetch_add(1, Ordering::Relaxed);
        if let Some(messages) = archive.label.messages {
            self.messages.fetch_max(messages.last, Ordering::Relaxed);
        }
        Ok(match self.archives.send(Incoming::Archive(Box::new(archive))) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        })
    }

    fn wait_until_drained(&self) -> bool {
        self.report.wait_until_settled(self.taken.load(Ordering::Relaxed))
    }

    fn messages_before(&self) -> Option<u64> {
        if !self.counts_messages {
            return Some(0);
        }
        let before = self.report.wait_for_messages()?;
        Some(before.max(self.messages.load(Ordering::Relaxed)))
    }
}

impl Reader {
    /// Hands over every archive of every input, until nobody takes them any more.
    ///
    /// # Errors
    /// What keeps it from going on. Every archive before was handed over.
    pub fn read_all(&self, intake: &dyn Intake) -> Result<(), DeliveryError> {
        match (&self.producer, &self.kafka) {
            (Some(producer), _) => producer.read(self, intake)?,
            (None, Some(kafka)) => self.read_kafka(kafka, intake)?,
            (None, None) => self.read_inputs(intake)?,
        }
        if self.endless {
            Err(DeliveryError::Ended)
        } else {
            Ok(())
        }
    }

    pub fn note(&self, text: &str) {
        self.report.note(text);
    }

    fn read_inputs(&self, intake: &dyn Intake) -> Result<(), DeliveryError> {
        let mut number = intake.first_number();
        for input in &self.inputs {
            if self.read_one(input, &mut number, intake)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn read_one(&self, input: &Input, number: &mut u64, intake: &dyn Intake) -> Result<ControlFlow<()>, DeliveryError> {
        let name = input.name();
        let file = input.open().map_err(|error| DeliveryError::Input {
            name: name.to_string(),
            error,
        })?;
        // What is made of messages stands nowhere else.
        let original = self.packing.is_none().then(|| Original::of(&file, &name)).flatten();
        self.read_archives(&name, file, original.as_ref(), number, intake)
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
            report: Arc::clone(&self.report),
        };
        self.report.reads();
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
        // Whether a file is there is asked of the branch, which has to have all that was taken in before.
        if self.growing.is_some() && !intake.wait_until_drained() {
            return Ok(ControlFlow::Break(()));
        }
        let reading = |error| DeliveryError::Reading {
            name: name.to_string(),
            error,
        };
        let stop = self.stopping.heard.try_clone().map_err(reading)?;
        let input = Waited::new(input, Some(stop.into()), self.wish().map_err(reading)?);
        let (growing, demand) = (self.growing.clone(), self.demand.clone());
        self.make(packing, name, before, number, intake, move |work| {
            work.run(input, growing, demand.as_deref())
        })
    }

    /// Makes archives of the records of topics and hands these over.
    fn read_kafka(&self, kafka: &Kafka, intake: &dyn Intake) -> Result<(), DeliveryError> {
        let (Some(packing), Some(before)) = (&self.packing, intake.messages_before()) else {
            return Ok(());
        };
        let name: Arc<str> = kafka.address.to_string().into();
        let (kafka, stopping) = (kafka.clone(), Arc::clone(&self.stopping));
        let make = move |work: Making| kafka::make(&kafka, work, &stopping);
        self.make(packing, &name, before, &mut intake.first_number(), intake, make)
            .map(drop)
    }

    /// Has archives made on a thread of their own, and hands them over.
    fn make(
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
        let making = std::thread::spawn(move || make(work));
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
}

impl Reader {
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

/// How far an input was read.
pub(super) enum Made {
    All,
    UntilStopped,
}

/// Makes archives of messages.
pub(super) struct Making {
    pub name: Arc<str>,
    pub output: PipeWriter,
    /// The number of the first archive.
    pub first: u64,
    pub report: Arc<Report>,
    pub packing: Packing,
    pub on_bad: Bad,
    /// How many messages the stream has had before.
    pub before: u64,
}

/// An archive is about to be handed over.
pub(super) fn packed(report: &Report, archive: &Packed, number: &mut u64) {
    report.begun(*number, archive.begun.instant);
    report.left_out(&archive.asides);
    *number += 1;
}

impl Making {
    fn run<F: Read + AsFd>(
        mut self,
        mut input: Waited<F>,
        growing: Option<Arc<Growing>>,
        demand: Option<&Demand>,
    ) -> Result<Made, PackError> {
        let mut made = filter::Packing::default();
        let mut number = self.first;
        let (output, report) = (&mut self.output, &self.report);
        let existing = growing.map(|growing| Box::new(Asking(growing)) as _);
        let end = pack(
            &mut input,
            self.packing.splitter(self.on_bad.goes_on()),
            self.packing.packer(self.before, self.on_bad.of(&self.name), existing),
            &mut made,
            &mut |archive| {
                packed(report, &archive, &mut number);
                // Whoever wished for one has it, whatever has closed it.
                if let Some(demand) = demand {
                    demand.fulfil();
                }
                archive.write_to(&mut BufWriter::with_capacity(BUFFER, &mut *output))
            },
        );
        self.conclude(&made, end)
    }

    /// Says what should be known of what was read.
    pub fn conclude(&self, made: &filter::Packing, end: Result<(), PackError>) -> Result<Made, PackError> {
        let report = &self.report;
        if made.archives == 0 && end.is_ok() && !made.stopped {
            let what = if made.only_header {
                "holds a header and no record"
            } else {
                "holds no message"
            };
            report.note(&format!("{} {what}: no commit is made of it", self.name));
        }
        for note in &notes(made, &self.name) {
            report.note(note);
        }
        if made.dropped > 0 {
            let bytes = grouped(made.dropped as u64);
            report.note(&format!("the last message had no end: its {bytes} bytes were left out"));
        }
        end.map(|()| if made.stopped { Made::UntilStopped } else { Made::All })
    }
}

/// How much of an archive is written at a time.
pub(super) const BUFFER: usize = 256 << 10;

/// Tells the report how far the input is read.
struct Counted<R> {
    input: R,
    report: Arc<Report>,
}

impl<R: AsFd> AsFd for Counted<R> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.input.as_fd()
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.input.read(buffer)?;
        self.report.read(bytes);
        Ok(bytes)
    }
}
