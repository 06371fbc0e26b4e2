//! An archive of messages, while it is made and when it is complete.

use std::io::{self, Write};
use std::time::Instant;

use jiff::Timestamp;

use super::names::Names;
use crate::messages::aside::Kept;
use crate::messages::chunks::Chunks;
use crate::messages::error::MessageFault;
use crate::messages::framing::{Columns, Message};
use crate::messages::naming::Naming;
use crate::messages::policy::{Headers, SameName};
use spoutctl_archive::{ASIDES, ArchiveWriter, Asides, Label, MessageRange, Position, PositionMap};
use spoutctl_core::pfs::FilePath;

/// The moment at which a message was read.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub instant: Instant,
    pub time: Timestamp,
}

/// Of the archives that hold messages, so much is spent on an entry and the end.
const ENTRY: u64 = 512;
const END: u64 = 1024;

/// The archive in hand.
pub(super) struct Batch {
    pub(super) first: u64,
    pub(super) last: u64,
    /// Those that were left out or set aside are among them.
    pub(super) count: u64,
    /// Those that are in its files.
    pub(super) taken: u64,
    pub(super) asides: Asides,
    /// Entries of messages that cannot be taken.
    pub(super) kept: ArchiveWriter<Chunks>,
    /// Bytes of those.
    pub(super) kept_length: u64,
    /// Of its newest message.
    pub(super) position: Option<Position>,
    /// When its first message was read.
    pub(super) begun: Moment,
    pub(super) content: Content,
}

pub(super) enum Content {
    /// Everything so far was left out.
    Nothing,
    File {
        path: FilePath,
        bytes: Chunks,
    },
    Files {
        archive: ArchiveWriter<Chunks>,
        names: Names,
        length: u64,
    },
}

/// One archive of messages.
pub struct Packed {
    pub messages: MessageRange,
    /// Of the last message.
    pub position: Option<Position>,
    /// Where the source goes on behind it, where it has several places to go on at.
    pub positions: Option<PositionMap>,
    /// When the first message was read.
    pub begun: Moment,
    /// What was left out of it, or set aside.
    pub asides: Asides,
    kept: Chunks,
    content: Done,
}

/// What a message takes of an archive.
pub(super) fn room(naming: &Naming, message: &Message<'_>) -> u64 {
    match naming {
        Naming::Into(_) => message.framed_length() as u64,
        Naming::Each(_) => {
            let length = message.body.len() + message.header.map_or(0, <[u8]>::len);
            (length as u64).next_multiple_of(512) + ENTRY
        }
    }
}

impl Content {
    pub(super) fn begin(
        naming: &Naming,
        message: &Message<'_>,
        number: u64,
        now: Moment,
        headers: &mut Headers,
    ) -> Result<Self, MessageFault> {
        Ok(match naming {
            Naming::Into(name) => {
                let path = name.path(message, number, now.time)?;
                let mut bytes = Chunks::default();
                if let Some(header) = message.header
                    && headers.wants(&path, header)?
                {
                    bytes.push(header);
                }
                Self::File { path, bytes }
            }
            // A time would make two archives of the same messages.
            Naming::Each(_) => Self::Files {
                archive: ArchiveWriter::new(Chunks::default(), 0),
                names: Names::default(),
                length: END,
            },
        })
    }
}

impl Batch {
    /// `number` is the message's in the stream.
    pub(super) fn begin(
        naming: &Naming,
        message: &Message<'_>,
        number: u64,
        now: Moment,
        headers: &mut Headers,
    ) -> Result<Self, MessageFault> {
        let content = Content::begin(naming, message, number, now, headers)?;
        Ok(Self::of(content, number, now))
    }

    pub(super) fn of(content: Content, number: u64, now: Moment) -> Self {
        Self {
            first: number,
            last: number,
            count: 0,
            taken: 0,
            asides: Asides::default(),
            kept: ArchiveWriter::new(Chunks::default(), 0),
            kept_length: 0,
            position: None,
            begun: now,
            content,
        }
    }

    /// Bytes of the archive, if it were complete with a message that stands there, and with so many bytes of positions.
    pub(super) fn length(&self, position: Option<&Position>, positions: Option<usize>) -> u64 {
        let position = position.map(|position| position.as_json().len());
        let label = Label::most(position, positions, &self.asides);
        label
            + self.kept_length
            + match &self.content {
                Content::Nothing => ENTRY + END,
                Content::File { bytes, .. } => (bytes.len() as u64).next_multiple_of(512) + ENTRY + END,
                Content::Files { length, .. } => *length,
            }
    }

    pub(super) fn add(
        &mut self,
        naming: &Naming,
        message: &Message<'_>,
        number: u64,
        now: Moment,
        same_name: SameName,
        headers: &mut Headers,
    ) -> Result<(), MessageFault> {
        if matches!(self.content, Content::Nothing) {
            self.content = Content::begin(naming, message, number, now, headers)?;
        }
        match (&mut self.content, naming) {
            (Content::Nothing, _) => {}
            (Content::File { bytes, .. }, _) => {
                for part in [message.head, message.body, message.tail] {
                    bytes.push(part);
                }
            }
            (Content::Files { archive, names, length }, Naming::Each(name) | Naming::Into(name)) => {
                let path = names.take(name, message, number, now.time, same_name)?;
                let header = match message.header {
                    Some(header) if headers.wants(&path, header)? => header,
                    _ => &[],
                };
                // A record of CSV is one with its end only; what is no text is nothing but itself.
                let is_csv = matches!(message.columns, Columns::Csv(_));
                let end: &[u8] = if is_csv { message.tail } else { b"" };
                let parts = [header, message.body, end];
                let size = parts.iter().map(|part| part.len() as u64).sum();
                let content = io::Read::chain(io::Read::chain(parts[0], parts[1]), parts[2]);
                archive
                    .append(path.as_str().trim_start_matches('/').as_bytes(), size, content)
                    .map_err(|error| MessageFault::BadName { why: error.to_string() })?;
                *length += size.next_multiple_of(512) + ENTRY;
            }
        }
        self.taken += 1;
        Ok(())
    }

    pub(super) fn keep(&mut self, kept: &Kept, body: &[u8]) -> io::Result<()> {
        for (end, bytes) in [("why", kept.why.as_bytes()), ("message", body)] {
            let path = format!("{ASIDES}/{}.{end}", kept.name);
            self.kept.append(path.as_bytes(), bytes.len() as u64, bytes)?;
            self.kept_length += (bytes.len() as u64).next_multiple_of(512) + ENTRY;
        }
        Ok(())
    }

    pub(super) fn finish(self, positions: Option<PositionMap>) -> Packed {
        Packed {
            messages: MessageRange {
                first: self.first,
                last: self.last,
            },
            position: self.position,
            positions,
            begun: self.begun,
            asides: self.asides,
            kept: self.kept.into_beginning(),
            content: match self.content {
                _ if self.taken == 0 => Done::Nothing,
                Content::Nothing => Done::Nothing,
                Content::File { path, bytes } => Done::File { path, bytes },
                Content::Files { archive, .. } => Done::Files(archive.finish().unwrap_or_default()),
            },
        }
    }
}

impl Packed {
    /// Writes the archive, its end included, and flushes.
    ///
    /// # Errors
    /// What the output says.
    pub fn write_to(&self, output: &mut dyn Write) -> io::Result<()> {
        let label = Label {
            messages: Some(self.messages),
            position: self.position.clone(),
            positions: self.positions.clone(),
            asides: self.asides.clone(),
            refused: None,
        };
        output.write_all(&label.header())?;
        self.kept.write_to(output)?;
        match &self.content {
            Done::Nothing => {
                let mut archive = ArchiveWriter::new(&mut *output, 0);
                // Python's tarfile cannot read an archive that ends behind a global header.
                archive.append_directory(b"./")?;
                archive.finish()?;
            }
            Done::Files(archive) => archive.write_to(output)?,
            Done::File { path, bytes } => {
                let mut archive = ArchiveWriter::new(&mut *output, 0);
                let name = path.as_str().trim_start_matches('/');
                archive.append(name.as_bytes(), bytes.len() as u64, bytes.reader())?;
                archive.finish()?;
            }
        }
        output.flush()
    }
}

enum Done {
    /// Everything was left out.
    Nothing,
    File {
        path: FilePath,
        bytes: Chunks,
    },
    Files(Chunks),
}
