//! Messages of a consumer: what the command line says of them, and an input that is waited for no longer than that.

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::cli::{self, MessageArgs};
use crate::failure::Failure;
use spoutctl_core::exit::Exit;
use spoutctl_delivery::messages::filter::{Arrival, PackError, Source};
use spoutctl_delivery::messages::key::{Columns, PositionAt};
use spoutctl_delivery::messages::packing::Moment;
use spoutctl_delivery::messages::{Batching, Framing, Key, Naming, Packer, Partial, Splitter, Template};

/// How an input's messages become archives.
#[derive(Debug, Clone)]
pub(super) struct Packing {
    framing: Framing,
    limit: usize,
    partial: Partial,
    /// Of a program that nobody watches, and of which nobody said what a last message without its end is.
    ends_numbers: bool,
    naming: Naming,
    position: Option<PositionAt>,
    batching: Batching,
}

impl Packing {
    /// What was asked for; `None` where the input is archives already. Of a consumer whose end is `watched` a last
    /// message without its end is not kept unasked: whoever was killed may have been in the middle of it.
    pub fn new(args: &MessageArgs, watched: bool) -> Result<Option<Self>, Failure> {
        let Some(framing) = args.messages.clone() else {
            return Ok(None);
        };
        let partial = match args.partial {
            None if watched => Partial::Fail,
            None => framing.usual_partial(),
            Some(cli::Partial::Keep) if !framing.can_keep_partial() => {
                let text =
                    "a message whose length was promised, or whose syntax breaks off, cannot be kept without its end";
                return Err(Failure::new(Exit::Usage, text).help("use --partial drop or --partial fail"));
            }
            Some(cli::Partial::Keep) => Partial::Keep,
            Some(cli::Partial::Drop) => Partial::Drop,
            Some(cli::Partial::Fail) => Partial::Fail,
        };
        Ok(Some(Self {
            naming: naming(args, &framing)?,
            position: position(args, &framing),
            framing,
            ends_numbers: !watched && args.partial.is_none(),
            limit: usize::try_from(args.max_message).unwrap_or(usize::MAX),
            partial,
            batching: batching(args),
        }))
    }

    pub fn splitter(&self) -> Splitter {
        Splitter::new(self.framing.clone(), self.limit, self.partial).ending_numbers(self.ends_numbers)
    }

    /// For an input that comes after so many messages of the same stream.
    pub fn packer(&self, before: u64) -> Packer {
        Packer::new(self.naming.clone(), self.batching)
            .with_positions(self.position.clone())
            .after(before)
    }

    /// Refuses names that count over the life of a stream where nobody knows what there was before.
    pub fn refuse_numbers(&self, help: &str) -> Result<(), Failure> {
        if !self.naming.has_number() {
            return Ok(());
        }
        let text = "{seq} counts over the life of a stream, and a restart would begin at 1 and overwrite what is there";
        Err(Failure::new(Exit::Usage, text).help(help))
    }
}

/// What was asked for, and the defaults of the rest.
pub(super) fn batching(args: &MessageArgs) -> Batching {
    let default = Batching::default();
    Batching {
        count: args.batch_count.unwrap_or(default.count),
        bytes: args.batch_bytes.unwrap_or(default.bytes),
        period: args.batch_period.unwrap_or(default.period),
    }
}

fn columns(framing: &Framing) -> Columns {
    match framing {
        Framing::Csv => Columns::Csv,
        _ => Columns::Tabs,
    }
}

fn position(args: &MessageArgs, framing: &Framing) -> Option<PositionAt> {
    match (&args.position_json, args.position_column) {
        (Some(pointer), _) => Some(PositionAt::Json(pointer.clone())),
        (None, Some(number)) => {
            let number = usize::try_from(number).unwrap_or(usize::MAX);
            Some(PositionAt::Column(number, columns(framing)))
        }
        (None, None) => None,
    }
}

fn naming(args: &MessageArgs, framing: &Framing) -> Result<Naming, Failure> {
    let key = match (&args.key_json, args.key_column, &args.key_delimiter) {
        (Some(pointer), ..) => Some(Key::Json(pointer.clone())),
        (_, Some(number), _) => Some(Key::Column(usize::try_from(number).unwrap_or(usize::MAX))),
        (.., Some(delimiter)) => Some(Key::Before(delimiter.clone().into_bytes())),
        _ => None,
    };
    let template = |option: &str, text: &str| {
        Template::new(text, key.clone(), columns(framing), args.escape_keys)
            .map_err(|why| Failure::new(Exit::Usage, format!("{option} {text} names no file: {why}")))
    };
    match (&args.into, &args.each) {
        (Some(name), _) => template("--into", name).map(Naming::Into),
        (None, Some(name)) => {
            let naming = template("--each", name)?;
            if naming.is_fixed() && batching(args).count > 1 {
                let text = format!("--each {name} gives messages that are read together the same name");
                return Err(Failure::new(Exit::Usage, text)
                    .help("add {uuid} or {key} to it, or use --into to have all of them in one file"));
            }
            Ok(Naming::Each(naming))
        }
        (None, None) => Err(Failure::new(Exit::Usage, "nothing says where the messages go")
            .help("--into NAME: into one file; --each NAME: each into a file of its own")),
    }
}

/// An input that is waited for with a time limit.
pub(super) struct Waited<F> {
    pub input: F,
    /// Becomes readable, or is closed, when no more is to be read.
    pub stop: Option<OwnedFd>,
}

impl<F: Read + AsFd> Waited<F> {
    /// What there is to read: bytes or the end of the input, the wish to stop, or nothing within the time.
    fn wait(&self, until: Option<Instant>) -> io::Result<Ready> {
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            let mut waited = vec![PollFd::new(&self.input, PollFlags::IN)];
            waited.extend(self.stop.as_ref().map(|stop| PollFd::new(stop, PollFlags::IN)));
            match poll(&mut waited, timeout.as_ref()) {
                Ok(0) => return Ok(Ready::Nothing),
                Ok(_) if waited.get(1).is_some_and(|stop| !stop.revents().is_empty()) => return Ok(Ready::Stop),
                Ok(_) => return Ok(Ready::Input),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

enum Ready {
    Input,
    Stop,
    Nothing,
}

impl<F: Read + AsFd> Source for Waited<F> {
    fn read(&mut self, buffer: &mut [u8], until: Option<Instant>) -> io::Result<Arrival> {
        match self.wait(until)? {
            Ready::Nothing => return Ok(Arrival::Silence),
            Ready::Stop => return Ok(Arrival::Stop),
            Ready::Input => {}
        }
        loop {
            match self.input.read(buffer) {
                Ok(0) => return Ok(Arrival::End),
                Ok(length) => return Ok(Arrival::Bytes(length)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn now(&self) -> Moment {
        Moment {
            instant: Instant::now(),
            time: Timestamp::now(),
        }
    }
}

impl From<PackError> for Failure {
    fn from(error: PackError) -> Self {
        let help = match &error {
            PackError::Message(error) => error.help(),
            PackError::Input(_) | PackError::Output(_) => None,
        };
        Self {
            help: help.into_iter().collect(),
            ..Self::new(Exit::Input, error.to_string())
        }
    }
}
