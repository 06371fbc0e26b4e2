//! How many messages make an archive, and the archive.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::aside::Kept;
use super::chunks::Chunks;
use super::error::{MessageError, MessageFault};
use super::framing::Message;
use super::key::{Columns, PositionAt};
use super::naming::{Naming, Template};
use super::policy::Headers;
pub use super::policy::{Bad, Existing, Nulls, OnBad, SameName, Shelf, Tally};
use super::records::check_order;
use spoutctl_archive::{ASIDES, ArchiveWriter, Aside, Asides, Label, MessageRange, Position};
use spoutctl_core::pfs::FilePath;
use spoutctl_core::positions::Positions;

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
    /// Where the partitions of the source go on behind what was added, where it has partitions.
    positions: Option<Positions>,
    nulls: Nulls,
    same_name: SameName,
    on_bad: OnBad,
    headers: Headers,
    tally: Tally,
    /// How many messages the stream has had before this input.
    before: u64,
    batch: Option<Batch>,
}

struct Batch {
    first: u64,
    last: u64,
    /// Those that were left out or set aside are among them.
    count: u64,
    /// Those that are in its files.
    taken: u64,
    asides: Asides,
    /// Entries of messages that cannot be taken.
    kept: ArchiveWriter<Chunks>,
    /// Bytes of those.
    kept_length: u64,
    /// Of its newest message.
    position: Option<Position>,
    /// When its first message was read.
    begun: Moment,
    content: Content,
}

enum Content {
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
    /// Where the partitions of the source go on behind it.
    pub positions: Option<Positions>,
    /// When the first message was read.
    pub begun: Moment,
    /// What was left out of it, or set aside.
    pub asides: Asides,
    kept: Chunks,
    content: Done,
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

impl Packer {
    #[must_use]
    pub fn new(naming: Naming, batching: Batching) -> Self {
        Self {
            naming,
            batching,
            position: None,
            positions: None,
            nulls: Nulls::default(),
            same_name: SameName::default(),
            on_bad: OnBad::default(),
            headers: Headers::Each,
            tally: Tally::default(),
            before: 0,
            batch: None,
        }
    }

    #[must_use]
    pub fn with_nulls(self, nulls: Nulls) -> Self {
        Self { nulls, ..self }
    }

    #[must_use]
    pub fn with_same_name(self, same_name: SameName) -> Self {
        Self { same_name, ..self }
    }

    #[must_use]
    pub fn on_bad(self, on_bad: OnBad) -> Self {
        Self { on_bad, ..self }
    }

    /// Files grow from archive to archive, and only a new one gets a CSV header.
    #[must_use]
    pub fn growing(self, existing: Option<Box<dyn Existing>>) -> Self {
        let headers = existing.map_or(Headers::Each, |existing| Headers::New {
            existing,
            known: HashSet::new(),
        });
        Self { headers, ..self }
    }

    /// What was left out and set aside so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
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

    /// The source has partitions, and its records go on there.
    #[must_use]
    pub fn from_positions(self, positions: Positions) -> Self {
        let positions = Some(positions);
        Self { positions, ..self }
    }

    /// A partition goes on there, wherever it was.
    pub fn place(&mut self, topic: &str, partition: u32, next: u64) {
        if let Some(positions) = &mut self.positions {
            positions.set(topic, partition, next);
        }
    }

    /// Up to there a partition has no record that was not added.
    pub fn pass(&mut self, topic: &str, partition: u32, next: u64) {
        if let Some(positions) = &mut self.positions
            && positions.of(topic, partition).is_some_and(|known| known < next)
        {
            positions.set(topic, partition, next);
        }
    }

    /// When the archive in hand has to be complete, if there is one.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        // A period that no clock reaches is none.
        self.batch
            .as_ref()
            .and_then(|batch| batch.begun.instant.checked_add(self.batching.period))
    }

    /// Whether there are messages that are in no archive yet.
    #[must_use]
    pub fn has_messages(&self) -> bool {
        self.batch.is_some()
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
        let position = self.position.as_ref().map(|position| position.of(message));
        let (position, unplaced) = match position.transpose() {
            Ok(position) => (position, None),
            Err(why) => (None, Some(MessageFault::NoPosition { why: why.to_string() })),
        };
        if let Some(batch) = &self.batch
            && (batch.length(position.as_ref(), self.positions.as_ref()) + room(&self.naming, message)
                > self.batching.bytes
                || now.instant.saturating_duration_since(batch.begun.instant) >= self.batching.period)
        {
            self.close(done)?;
        }
        if let Some(positions) = &self.positions {
            check_order(positions, message)?;
        }
        let number = self.before.saturating_add(message.number);
        let refused = message.fault.cloned().or(unplaced);
        let taken = match refused {
            Some(fault) => Err(fault),
            None => self.take(message, number, now),
        };
        if let Err(fault) = taken {
            self.leave_out(message, fault, position.as_ref(), number, now)?;
        }
        // Not before: where it could be neither taken nor left out, its partition goes on at it.
        if let (Some(positions), Columns::Record(record)) = (&mut self.positions, message.columns) {
            positions.set(record.topic, record.partition, record.offset.saturating_add(1));
        }
        let Some(batch) = &mut self.batch else { return Ok(()) };
        batch.count += 1;
        batch.last = number;
        // Where a message that was set aside stands is not known, and then the one before it is the last.
        batch.position = position.or(batch.position.take());
        let length = batch.length(batch.position.as_ref(), self.positions.as_ref());
        if batch.count >= self.batching.count || length >= self.batching.bytes {
            self.close(done)?;
        }
        Ok(())
    }

    /// Puts a message into the archive in hand.
    fn take(&mut self, message: &Message<'_>, number: u64, now: Moment) -> Result<(), MessageFault> {
        if message.is_null && self.nulls == Nulls::Fail {
            return Err(MessageFault::Null);
        }
        let mut batch = match self.batch.take() {
            Some(batch) => batch,
            None => Batch::begin(&self.naming, message, number, now, &mut self.headers)?,
        };
        let taken = if message.is_null && self.nulls == Nulls::Skip {
            self.tally.nulls += 1;
            batch.asides.skipped += 1;
            Ok(())
        } else {
            batch.add(&self.naming, message, number, now, self.same_name, &mut self.headers)
        };
        self.batch = Some(batch);
        taken
    }

    /// Does with a message what is to be done with one that cannot be taken.
    fn leave_out(
        &mut self,
        message: &Message<'_>,
        fault: MessageFault,
        position: Option<&Position>,
        number: u64,
        now: Moment,
    ) -> Result<(), MessageError> {
        let error = MessageError {
            number: message.number,
            offset: message.offset,
            fault,
        };
        let mut along = None;
        let is_of_message = !matches!(error.fault, MessageFault::UnknownFile { .. });
        let aside = match &mut self.on_bad {
            OnBad::SetAside(place) if is_of_message => {
                let bad = Bad {
                    number,
                    message,
                    position,
                    error: &error,
                };
                let place = place.keep(&bad).map_err(|why| MessageError {
                    fault: MessageFault::NotKept {
                        fault: Box::new(error.fault.clone()),
                        why: why.to_string(),
                    },
                    ..error
                })?;
                Some(Aside {
                    message: number,
                    position: position.cloned(),
                    reason: error.fault.to_string(),
                    place,
                })
            }
            OnBad::Along { place, input } if is_of_message => {
                let bad = Bad {
                    number,
                    message,
                    position,
                    error: &error,
                };
                let kept = Kept::of(&bad, input);
                let aside = Aside {
                    message: number,
                    position: position.cloned(),
                    reason: error.fault.to_string(),
                    place: format!("{place}/{}.message", kept.name),
                };
                along = Some(kept);
                Some(aside)
            }
            OnBad::Skip if is_of_message => None,
            _ => return Err(error),
        };
        let batch = match self.batch.take() {
            Some(batch) => batch,
            None => Batch::of(Content::Nothing, number, now),
        };
        let batch = self.batch.insert(batch);
        if let Some(kept) = along {
            batch.keep(&kept, message.body).map_err(|why| MessageError {
                fault: MessageFault::NotKept {
                    fault: Box::new(error.fault.clone()),
                    why: why.to_string(),
                },
                ..error.clone()
            })?;
        }
        if let Some(aside) = aside {
            self.tally.set_aside += 1;
            batch.asides.add(aside);
        } else {
            self.tally.skipped += 1;
            batch.asides.skipped += 1;
        }
        self.tally.first.get_or_insert(error);
        Ok(())
    }

    /// Completes the archive in hand, if there is one.
    ///
    /// # Errors
    /// What `done` says.
    pub fn close<E>(&mut self, done: &mut dyn FnMut(Packed) -> Result<(), E>) -> Result<(), E> {
        match self.batch.take() {
            // A message that was refused may have begun it.
            Some(batch) if batch.count > 0 => done(batch.finish(self.positions.clone())),
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

impl Content {
    fn begin(
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
                    && headers.wants(&path)?
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
    fn begin(
        naming: &Naming,
        message: &Message<'_>,
        number: u64,
        now: Moment,
        headers: &mut Headers,
    ) -> Result<Self, MessageFault> {
        let content = Content::begin(naming, message, number, now, headers)?;
        Ok(Self::of(content, number, now))
    }

    fn of(content: Content, number: u64, now: Moment) -> Self {
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

    /// Bytes of the archive, if it were complete with a message that stands there.
    fn length(&self, position: Option<&Position>, positions: Option<&Positions>) -> u64 {
        let position = position.map(|position| position.as_json().len());
        let label = Label::most(position, positions.map(Positions::most), &self.asides);
        label
            + self.kept_length
            + match &self.content {
                Content::Nothing => ENTRY + END,
                Content::File { bytes, .. } => (bytes.len() as u64).next_multiple_of(512) + ENTRY + END,
                Content::Files { length, .. } => *length,
            }
    }

    fn add(
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
                let path = names.take(name, message, number, now, same_name)?;
                let header = match message.header {
                    Some(header) if headers.wants(&path)? => header,
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

    fn keep(&mut self, kept: &Kept, body: &[u8]) -> io::Result<()> {
        for (end, bytes) in [("why", kept.why.as_bytes()), ("message", body)] {
            let path = format!("{ASIDES}/{}.{end}", kept.name);
            self.kept.append(path.as_bytes(), bytes.len() as u64, bytes)?;
            self.kept_length += (bytes.len() as u64).next_multiple_of(512) + ENTRY;
        }
        Ok(())
    }

    fn finish(self, positions: Option<Positions>) -> Packed {
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
        same_name: SameName,
    ) -> Result<FilePath, MessageFault> {
        let path = template.path(message, number, now.time)?;
        let may_be_there = same_name == SameName::Last && self.taken.contains_key(&path);
        if let Some((with, other)) = self.in_the_way(&path).filter(|_| !may_be_there) {
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
