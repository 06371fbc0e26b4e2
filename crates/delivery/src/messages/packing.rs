//! How many messages make an archive, and the archive.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::chunks::Chunks;
use super::error::{MessageError, MessageFault};
use super::framing::Message;
use super::key::PositionAt;
use super::naming::{Naming, Template};
use spoutctl_archive::{ArchiveWriter, Label, MessageRange, Position};
use spoutctl_core::pfs::FilePath;

/// When an archive is complete: whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// So many messages, 1 at least.
    pub count: u64,
    /// Bytes of the archive. A message that is larger gets one of its own.
    pub bytes: u64,
    /// Since its first message was read.
    pub period: Duration,
}

impl Default for Batching {
    /// 10,000 messages, 64 MiB, 5 s.
    fn default() -> Self {
        Self {
            count: 10_000,
            bytes: 64 << 20,
            period: Duration::from_secs(5),
        }
    }
}

/// The moment at which a message was read.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub instant: Instant,
    pub time: Timestamp,
}

/// Of the archives that hold messages, so much is spent on an entry and the end.
const ENTRY: u64 = 512;
const END: u64 = 1024;

/// Collects messages until they are an archive.
pub struct Packer {
    naming: Naming,
    batching: Batching,
    /// Where each message says its position, if it does.
    position: Option<PositionAt>,
    /// How many messages the stream has had before this input.
    before: u64,
    batch: Option<Batch>,
}

struct Batch {
    first: u64,
    last: u64,
    count: u64,
    /// Of its newest message.
    position: Option<Position>,
    /// When its first message was read.
    begun: Moment,
    content: Content,
}

enum Content {
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
    /// When the first message was read.
    pub begun: Moment,
    content: Done,
}

enum Done {
    File { path: FilePath, bytes: Chunks },
    Files(Chunks),
}

impl Packer {
    #[must_use]
    pub fn new(naming: Naming, batching: Batching) -> Self {
        Self {
            naming,
            batching,
            position: None,
            before: 0,
            batch: None,
        }
    }

    /// The first message of the input is the stream's one after so many others.
    #[must_use]
    pub fn after(self, before: u64) -> Self {
        Self { before, ..self }
    }

    /// Each archive says the position of its last message, which is there.
    #[must_use]
    pub fn with_positions(self, position: Option<PositionAt>) -> Self {
        Self { position, ..self }
    }

    /// When the archive in hand has to be complete, if there is one.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        // A period that no clock reaches is none.
        self.batch
            .as_ref()
            .and_then(|batch| batch.begun.instant.checked_add(self.batching.period))
    }

    /// Takes a message; the archive that is complete before it, or with it, goes to `done`.
    ///
    /// # Errors
    /// What `done` says, or why the message has no place in an archive.
    pub fn add<E: From<MessageError>>(
        &mut self,
        message: &Message<'_>,
        now: Moment,
        done: &mut dyn FnMut(Packed) -> Result<(), E>,
    ) -> Result<(), E> {
        let error = |fault| MessageError {
            number: message.number,
            offset: message.offset,
            fault,
        };
        let position = self.position.as_ref().map(|position| position.of(message.body));
        let position = position
            .transpose()
            .map_err(|why| error(MessageFault::NoPosition { why: why.to_string() }))?;
        if let Some(batch) = &self.batch
            && (batch.length(position.as_ref()) + room(&self.naming, message) > self.batching.bytes
                || now.instant.saturating_duration_since(batch.begun.instant) >= self.batching.period)
        {
            self.close(done)?;
        }
        let number = self.before.saturating_add(message.number);
        let batch = match self.batch.take() {
            Some(batch) => batch,
            None => Batch::begin(&self.naming, message, number, now).map_err(error)?,
        };
        let batch = self.batch.insert(batch);
        batch.add(&self.naming, message, number, now).map_err(error)?;
        batch.position = position;
        if batch.count >= self.batching.count || batch.length(batch.position.as_ref()) >= self.batching.bytes {
            self.close(done)?;
        }
        Ok(())
    }

    /// Completes the archive in hand, if there is one.
    ///
    /// # Errors
    /// What `done` says.
    pub fn close<E>(&mut self, done: &mut dyn FnMut(Packed) -> Result<(), E>) -> Result<(), E> {
        match self.batch.take() {
            // A message that was refused may have begun it.
            Some(batch) if batch.count > 0 => done(batch.finish()),
            _ => Ok(()),
        }
    }
}

/// What a message takes of an archive.
fn room(naming: &Naming, message: &Message<'_>) -> u64 {
    match naming {
        Naming::Into(_) => message.framed_length() as u64,
        Naming::Each(_) => {
            let length = message.body.len() + message.header.map_or(0, <[u8]>::len);
            (length as u64).next_multiple_of(512) + ENTRY
        }
    }
}

impl Batch {
    /// `number` is the message's in the stream.
    fn begin(naming: &Naming, message: &Message<'_>, number: u64, now: Moment) -> Result<Self, MessageFault> {
        let content = match naming {
            Naming::Into(name) => {
                let mut bytes = Chunks::default();
                bytes.push(message.header.unwrap_or_default());
                Content::File {
                    path: name.path(message.body, number, now.time)?,
                    bytes,
                }
            }
            // A time would make two archives of the same messages.
            Naming::Each(_) => Content::Files {
                archive: ArchiveWriter::new(Chunks::default(), 0),
                names: Names::default(),
                length: END,
            },
        };
        Ok(Self {
            first: number,
            last: number,
            count: 0,
            position: None,
            begun: now,
            content,
        })
    }

    /// Bytes of the archive, if it were complete with a message that stands there.
    fn length(&self, position: Option<&Position>) -> u64 {
        let label = Label::most(position.map(|position| position.as_json().len()));
        label
            + match &self.content {
                Content::File { bytes, .. } => (bytes.len() as u64).next_multiple_of(512) + ENTRY + END,
                Content::Files { length, .. } => *length,
            }
    }

    fn add(&mut self, naming: &Naming, message: &Message<'_>, number: u64, now: Moment) -> Result<(), MessageFault> {
        match (&mut self.content, naming) {
            (Content::File { bytes, .. }, _) => {
                for part in [message.head, message.body, message.tail] {
                    bytes.push(part);
                }
            }
            (Content::Files { archive, names, length }, Naming::Each(name) | Naming::Into(name)) => {
                let path = names.take(name, message, number, now)?;
                let newline: &[u8] = if message.header.is_some() { b"\n" } else { b"" };
                let parts = [message.header.unwrap_or_default(), message.body, newline];
                let size = parts.iter().map(|part| part.len() as u64).sum();
                let content = io::Read::chain(io::Read::chain(parts[0], parts[1]), parts[2]);
                archive
                    .append(path.as_str().trim_start_matches('/').as_bytes(), size, content)
                    .map_err(|error| MessageFault::BadName { why: error.to_string() })?;
                *length += size.next_multiple_of(512) + ENTRY;
            }
        }
        self.count += 1;
        self.last = number;
        Ok(())
    }

    fn finish(self) -> Packed {
        Packed {
            messages: MessageRange {
                first: self.first,
                last: self.last,
            },
            position: self.position,
            begun: self.begun,
            content: match self.content {
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
        };
        output.write_all(&label.header())?;
        match &self.content {
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

/// The names of an archive's files, and whose they are.
#[derive(Debug, Default)]
struct Names {
    taken: BTreeMap<FilePath, u64>,
}

impl Names {
    fn take(
        &mut self,
        template: &Template,
        message: &Message<'_>,
        number: u64,
        now: Moment,
    ) -> Result<FilePath, MessageFault> {
        let path = template.path(message.body, number, now.time)?;
        if let Some((with, other)) = self.in_the_way(&path) {
            return Err(MessageFault::Clash {
                name: path.to_string(),
                with: with.to_string(),
                other,
            });
        }
        self.taken.insert(path.clone(), message.number);
        Ok(path)
    }

    /// A file of this name, of a name above, or of one below: no tree holds both.
    fn in_the_way(&self, path: &FilePath) -> Option<(&FilePath, u64)> {
        let text = path.as_str();
        let above = text.match_indices('/').skip(1).map(|(at, _)| &text[..at]);
        let above = above.filter_map(|directory| FilePath::new(directory).ok());
        let above = above.filter_map(|directory| self.taken.get_key_value(&directory));
        let same = self.taken.get_key_value(path).into_iter();
        let below = FilePath::new(&format!("{text}/ "))
            .ok()
            .into_iter()
            .filter_map(|first| self.taken.range(first..).next())
            .filter(|(other, _)| {
                other
                    .as_str()
                    .strip_prefix(text)
                    .is_some_and(|rest| rest.starts_with('/'))
            });
        same.chain(above)
            .chain(below)
            .next()
            .map(|(path, number)| (path, *number))
    }
}

#[cfg(test)]
mod tests;
