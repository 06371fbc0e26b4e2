//! An input that is waited for with a time limit, and no longer than somebody wants it to be read.

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::demand::Demand;
use crate::failure::Failure;
use spoutctl_archive::{Format, SniffedFormat};
use spoutctl_core::exit::Exit;
use spoutctl_delivery::messages::filter::{Arrival, ByteSource, PackError};
use spoutctl_delivery::messages::packing::Moment;

/// Somebody's wish to have the messages that are in no archive yet.
pub(in crate::commands) struct Wish {
    pub demand: Arc<Demand>,
    /// Readable while the wish is made.
    pub readable: OwnedFd,
}

/// An input that is waited for with a time limit, and decompressed if it is compressed.
pub(in crate::commands) struct Waited<F> {
    input: spoutctl_archive::Input<Polled<F>>,
    demand: Option<Arc<Demand>>,
    /// What it begins with, as far as that was read and says what it is.
    front: Vec<u8>,
}

/// What is read only when there is something.
struct Polled<F> {
    input: F,
    /// Becomes readable, or is closed, when no more is to be read.
    stop: Option<OwnedFd>,
    /// Readable while somebody wishes for what is in hand.
    wish: Option<OwnedFd>,
    until: Option<Instant>,
    /// There are messages that may be wished for.
    in_hand: bool,
    /// Why nothing was read.
    quiet: Option<Arrival>,
}

impl<F: Read + AsFd> Waited<F> {
    pub fn new(input: F, stop: Option<OwnedFd>, wish: Option<Wish>) -> Self {
        let (demand, wish) = wish.map(|wish| (wish.demand, wish.readable)).unzip();
        Self {
            demand,
            input: spoutctl_archive::open_input(Polled {
                input,
                stop,
                wish,
                until: None,
                in_hand: false,
                quiet: None,
            }),
            front: Vec::new(),
        }
    }
}

impl<F> Waited<F> {
    /// Refuses an input as soon as what has come of it shows what it is: its writer may pause anywhere. Nothing is kept
    /// back for that, since a pause may be long. The message that is refused has not ended then, unless its end was in
    /// the few bytes before such a pause; what has ended counts, as before any other error.
    fn judge(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = SniffedFormat::ENOUGH.saturating_sub(self.front.len());
        if room == 0 {
            return Ok(());
        }
        self.front.extend_from_slice(&bytes[..bytes.len().min(room)]);
        refuse_what_holds_messages(&self.front, self.input.format())
    }
}

impl<F: AsFd> Polled<F> {
    /// What there is to read: bytes or the end of the input, the wish to stop, the wish for what is in hand, or nothing
    /// within the time. What has arrived comes before that wish, which is fulfilled with it.
    fn wait(&self) -> io::Result<Ready> {
        loop {
            let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            let wish = self.wish.as_ref().filter(|_| self.in_hand);
            // The first of them that is ready counts.
            let sources = [
                (Ready::Stop, self.stop.as_ref().map(AsFd::as_fd)),
                (Ready::Input, Some(self.input.as_fd())),
                (Ready::Wish, wish.map(AsFd::as_fd)),
            ];
            let (ready, mut waited): (Vec<Ready>, Vec<PollFd<'_>>) = sources
                .into_iter()
                .filter_map(|(ready, fd)| Some((ready, PollFd::from_borrowed_fd(fd?, PollFlags::IN))))
                .unzip();
            match poll(&mut waited, timeout.as_ref()) {
                Ok(0) => return Ok(Ready::Nothing),
                Ok(_) => {
                    let first = ready.iter().zip(&waited).find(|(_, fd)| !fd.revents().is_empty());
                    return Ok(first.map_or(Ready::Nothing, |(ready, _)| *ready));
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ready {
    Input,
    Stop,
    Wish,
    Nothing,
}

impl<F: Read + AsFd> Read for Polled<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.wait()? {
            Ready::Nothing => self.quiet = Some(Arrival::Silence),
            Ready::Stop => self.quiet = Some(Arrival::Stop),
            Ready::Wish => self.quiet = Some(Arrival::Wanted),
            Ready::Input => return self.input.read(buffer),
        }
        // The decompressor stays as it is, and asks again.
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl<F: Read + AsFd> ByteSource for Waited<F> {
    fn read(&mut self, buffer: &mut [u8], until: Option<Instant>, in_hand: bool) -> io::Result<Arrival> {
        let polled = self.input.get_mut();
        (polled.until, polled.in_hand, polled.quiet) = (until, in_hand, None);
        loop {
            match self.input.read(buffer) {
                Ok(0) => return Ok(Arrival::End),
                Ok(length) => {
                    self.judge(&buffer[..length])?;
                    return Ok(Arrival::Bytes(length));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.input.get_mut().quiet.take().ok_or(error),
            }
        }
    }

    fn is_wanted(&self) -> bool {
        self.demand.as_ref().is_some_and(|demand| demand.is_made())
    }

    fn now(&self) -> Moment {
        Moment {
            instant: Instant::now(),
            time: Timestamp::now(),
        }
    }
}

/// No message begins as other compressed data do, nor as files of rows, and what is in those is meant.
fn refuse_what_holds_messages(bytes: &[u8], outer: Option<Format>) -> io::Result<()> {
    if let Some(looks) = SniffedFormat::file_of_rows(bytes) {
        return Err(io::Error::other(format!(
            "it is {looks}, whose rows --messages does not tell apart; export them as CSV or JSON, or put it as it is: \
             tar cf - FILE | spoutctl put …"
        )));
    }
    let packed = SniffedFormat::packed(bytes);
    let Some((looks, with)) = packed.and_then(|looks| Some((looks, looks.unpacker()?))) else {
        return Ok(());
    };
    // Of such one file is named: printed one behind the other, the last line of one goes on as the first of the next.
    let is_of_files = matches!(looks, SniffedFormat::Zip | SniffedFormat::SevenZip | SniffedFormat::Rar);
    // Into a file, since nobody hears of a damaged end in a pipe.
    let (what, command) = match outer.map(|outer| format!("{outer} -dc FILE")) {
        None if is_of_files => (format!("it is {looks}"), format!("{with} FILE NAME")),
        None => (
            format!("it is {looks}, which is not decompressed here"),
            format!("{with} FILE"),
        ),
        // The inner one is decompressed here.
        Some(outer) if matches!(looks, SniffedFormat::Gzip | SniffedFormat::Zstd) => {
            (format!("what is compressed in it is {looks} again"), outer)
        }
        Some(outer) => {
            let then = if is_of_files {
                format!("{outer} >INNER && {with} INNER NAME")
            } else {
                format!("{outer} | {with}")
            };
            (format!("what is compressed in it is {looks}"), then)
        }
    };
    Err(io::Error::other(format!(
        "{what}; unpack it first: {command} >NEW && spoutctl … <NEW"
    )))
}

impl From<PackError> for Failure {
    fn from(error: PackError) -> Self {
        let help = match &error {
            PackError::Message(error) => error.help(),
            PackError::Source(_) | PackError::Input(_) | PackError::Output(_) => None,
        };
        Self {
            help: help.into_iter().collect(),
            ..Self::new(Exit::Input, error.to_string())
        }
    }
}
