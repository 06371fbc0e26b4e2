//! How many messages make an archive, and the archive.

mod batch;
mod names;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use self::batch::{Batch, Content, room};
pub use self::batch::{Moment, Packed};
use super::aside::Kept;
use super::error::{MessageError, MessageFault};
use super::framing::{Columns, Guess, Message};
use super::key::{Key, PositionAt};
use super::naming::Naming;
use super::policy::Headers;
pub use super::policy::{Bad, Existing, Nulls, OnBad, SameName, Shelf, Tally};
use spoutctl_archive::{Aside, MAX_POSITION, Position, PositionMap, SourcePositions};
use spoutctl_core::positions::{MAX_POSITIONS, Positions};
use spoutctl_core::quantity::grouped;

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

/// What was made of an input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packing {
    pub messages: u64,
    pub archives: u64,
    /// Bytes of a last message without its end, which were left out.
    pub dropped: usize,
    /// The input goes on, and we were told to end.
    pub stopped: bool,
    /// What tells the columns of CSV apart, where the first record showed it, and it is no comma, or not that alone.
    pub guessed_delimiter: Option<Guess>,
    /// There was a header of CSV, and nothing else.
    pub only_header: bool,
    pub tally: Tally,
}

/// Where a message says that it stands.
#[derive(Default)]
struct Place {
    position: Option<Position>,
    /// Which of several sources it is of.
    source: Option<String>,
}

impl Place {
    /// Bytes of the positions behind it, at most.
    fn most(&self, positions: &PositionMap) -> usize {
        match (positions, &self.source, &self.position) {
            (PositionMap::Sources(known), Some(source), Some(position)) => known.most_with(source, position),
            _ => positions.most(),
        }
    }

    /// The source goes on behind it.
    fn mark(&self, positions: &mut PositionMap, message: &Message<'_>) {
        match positions {
            PositionMap::Sources(positions) => {
                if let (Some(source), Some(position)) = (&self.source, &self.position) {
                    positions.set(source, position.clone());
                }
            }
            PositionMap::Partitions(positions) => {
                if let Columns::Record(record) = message.columns {
                    positions.set(record.topic, record.partition, record.offset.saturating_add(1));
                }
            }
        }
    }
}

/// Collects messages until they are an archive.
pub struct Packer {
    naming: Naming,
    batching: Batching,
    /// Where each message says its position, if it does.
    position: Option<PositionAt>,
    /// Which source a message is of, where there are several.
    source: Option<Key>,
    /// Where the source goes on behind what was added, where it has several places to go on at.
    positions: Option<PositionMap>,
    nulls: Nulls,
    same_name: SameName,
    on_bad: OnBad,
    headers: Headers,
    tally: Tally,
    /// How many messages the stream has had before this input.
    before: u64,
    batch: Option<Batch>,
}

impl Packer {
    pub fn new(naming: Naming, batching: Batching) -> Self {
        Self {
            naming,
            batching,
            position: None,
            source: None,
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
    pub fn from_partitions(self, positions: Positions) -> Self {
        let positions = Some(PositionMap::Partitions(positions));
        Self { positions, ..self }
    }

    /// Each message says by `source` which source it is of, and is behind the position that is known of that.
    #[must_use]
    pub fn from_sources(self, source: Key, positions: SourcePositions) -> Self {
        Self {
            source: Some(source),
            positions: Some(PositionMap::Sources(positions)),
            ..self
        }
    }

    /// A partition goes on there, wherever it was.
    pub fn place(&mut self, topic: &str, partition: u32, next: u64) {
        if let Some(PositionMap::Partitions(positions)) = &mut self.positions {
            positions.set(topic, partition, next);
        }
    }

    /// Up to there a partition has no record that was not added.
    pub fn pass(&mut self, topic: &str, partition: u32, next: u64) {
        if let Some(PositionMap::Partitions(positions)) = &mut self.positions
            && positions.of(topic, partition).is_some_and(|known| known < next)
        {
            positions.set(topic, partition, next);
        }
    }

    /// When the archive in hand has to be complete, if there is one.
    pub fn deadline(&self) -> Option<Instant> {
        // A period that no clock reaches is none.
        self.batch
            .as_ref()
            .and_then(|batch| batch.begun.instant.checked_add(self.batching.period))
    }

    /// Whether there are messages that are in no archive yet.
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
        let (place, unplaced) = match self.place_of(message) {
            Ok(place) => (place, None),
            Err(fault) => (Place::default(), Some(fault)),
        };
        let positions = self.positions.as_ref().map(|positions| place.most(positions));
        if let Some(batch) = &self.batch
            && (batch.length(place.position.as_ref(), positions) + room(&self.naming, message) > self.batching.bytes
                || now.instant.saturating_duration_since(batch.begun.instant) >= self.batching.period)
        {
            self.close(done)?;
        }
        if let Some(known) = &self.positions {
            check(known, &place, message)?;
        }
        let number = self.before.saturating_add(message.number);
        let refused = message.fault.cloned().or(unplaced);
        let taken = match refused {
            Some(fault) => Err(fault),
            None => self.take(message, number, now),
        };
        if let Err(fault) = taken {
            self.leave_out(message, fault, place.position.as_ref(), number, now)?;
        }
        // Not before: where it could be neither taken nor left out, its source goes on at it.
        if let Some(positions) = &mut self.positions {
            place.mark(positions, message);
        }
        let Some(batch) = &mut self.batch else { return Ok(()) };
        batch.count += 1;
        batch.last = number;
        // Where a message that was set aside stands is not known, and then the one before it is the last.
        batch.position = place.position.or(batch.position.take());
        let positions = self.positions.as_ref().map(PositionMap::most);
        let length = batch.length(batch.position.as_ref(), positions);
        if batch.count >= self.batching.count || length >= self.batching.bytes {
            self.close(done)?;
        }
        Ok(())
    }

    /// Where a message says that it stands, as far as it was asked for.
    fn place_of(&self, message: &Message<'_>) -> Result<Place, MessageFault> {
        // Of one that is too long only the front is here, in which a name or a position may be cut off.
        if matches!(message.fault, Some(MessageFault::Oversized { .. })) {
            return Ok(Place::default());
        }
        let position = self.position.as_ref().map(|position| position.of(message));
        let position = position
            .transpose()
            .map_err(|why| MessageFault::NoPosition { why: why.to_string() })?;
        let source = self.source.as_ref().map(|source| source.text_of(message));
        let source = source
            .transpose()
            .map_err(|why| MessageFault::NoSource { why: why.to_string() })?;
        if source.as_ref().is_some_and(|source| source.len() > MAX_POSITION) {
            let why = format!("it has more than {} bytes", grouped(MAX_POSITION as u64));
            return Err(MessageFault::NoSource { why });
        }
        Ok(Place { position, source })
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
        let is_of_message = !matches!(
            error.fault,
            MessageFault::UnknownFile { .. }
                | MessageFault::OtherColumns { .. }
                | MessageFault::HeaderWithoutEnd { .. }
        );
        let bad = Bad {
            number,
            message,
            position,
            error: &error,
        };
        let (place, along) = match &mut self.on_bad {
            OnBad::SetAside(aside) if is_of_message => {
                let place = aside.keep(&bad).map_err(|why| not_kept(&error, &why))?;
                (Some(place), None)
            }
            OnBad::Along { place, input } if is_of_message => {
                let kept = Kept::of(&bad, input);
                (Some(format!("{place}/{}.message", kept.name)), Some(kept))
            }
            OnBad::Skip if is_of_message => (None, None),
            _ => return Err(error),
        };
        let batch = match self.batch.take() {
            Some(batch) => batch,
            None => Batch::of(Content::Nothing, number, now),
        };
        let batch = self.batch.insert(batch);
        if let Some(kept) = along {
            let kept = batch.keep(&kept, message.body);
            kept.map_err(|why| not_kept(&error, &why))?;
        }
        if let Some(place) = place {
            self.tally.set_aside += 1;
            batch.asides.add(Aside {
                message: number,
                position: position.cloned(),
                reason: error.fault.to_string(),
                place,
            });
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

fn not_kept(error: &MessageError, why: &std::io::Error) -> MessageError {
    MessageError {
        fault: MessageFault::NotKept {
            fault: Box::new(error.fault.clone()),
            why: why.to_string(),
        },
        ..error.clone()
    }
}

/// A record that comes again, and a position for which there is no room: what says so is a message's fault, and none
/// that can be left out.
fn check(positions: &PositionMap, place: &Place, message: &Message<'_>) -> Result<(), MessageError> {
    let fault = match (positions, message.columns) {
        (PositionMap::Sources(known), _) if place.most(positions) > MAX_POSITIONS => MessageFault::NoRoom {
            source: place.source.clone().unwrap_or_default(),
            known: known.count(),
        },
        (PositionMap::Partitions(known), Columns::Record(record)) => match known.of(record.topic, record.partition) {
            Some(expected) if record.offset < expected => MessageFault::OutOfOrder {
                place: format!("{} [{}]", record.topic, record.partition),
                expected,
            },
            _ => return Ok(()),
        },
        _ => return Ok(()),
    };
    Err(MessageError {
        number: message.number,
        offset: message.offset,
        fault,
    })
}

#[cfg(test)]
mod tests;
