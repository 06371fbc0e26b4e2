//! Which archives become one commit: as many as the bounds allow, unless an earlier run has decided.
//!
//! | the archive | its batch |
//! |---|---|
//! | is in a commit already, with others | these others, whatever the bounds are now |
//! | was journalled as one of a batch whose commit may have been started | that batch |
//! | anything else | ends with its bound, its time, or before a file where it has a directory, or the other way round |
//! | the same, adaptive | also as soon as a commit may be begun, with what has arrived until then |
//!
//! The last is no fault of the batch: pachd decides about it as it would for archives one by one, and fails that one
//! only.
//!
//! Memory and disk: one batch is in hand, its archives' bytes copied behind one another to where a single archive would
//! be held: `bytes` of it, unless one archive alone is larger, or an earlier run had another bound. Adaptive, so much
//! again may have arrived behind it (`arriving`).

use std::io;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, after, never};

use super::spill::SpillBuffers;
use spoutctl_archive::{Archive, ArchiveBuffer, Gathering, SamePath};

/// When a batch is complete: whichever comes first.
///
/// Adaptive, the first three are upper bounds only. One commit is finished after the other, and what arrives while one
/// is being finished is the next one: an archive each while the input is slow, as many as needed when it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// So many archives, 1 at least.
    pub count: u64,
    /// Bytes of its archives. One that is larger gets a commit of its own.
    pub bytes: u64,
    /// Since its first archive was complete.
    pub period: Duration,
    /// Also as soon as fewer commits wait to be finished than may be in flight.
    pub adaptive: bool,
}

impl Batching {
    /// Each archive is a commit of its own.
    pub const ONE_EACH: Self = Self {
        count: 1,
        bytes: u64::MAX,
        period: Duration::MAX,
        adaptive: false,
    };
}

/// What decides where a batch ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    Bounds,
    /// An earlier run may have started a commit of it, and this archive is its last.
    Planned(u64),
    /// It is in a commit already, which has this one as its last.
    Known {
        key: u64,
        last: u64,
    },
}

impl Until {
    /// The number of its last archive, where that is settled.
    fn last(self) -> Option<u64> {
        match self {
            Self::Bounds => None,
            Self::Planned(last) | Self::Known { last, .. } => Some(last),
        }
    }
}

/// The batch that is in hand, and how it goes on.
pub(super) struct Batcher<'a> {
    pub batching: Batching,
    pub same_path: SamePath,
    /// Where the bytes of a batch are kept; without one they are forgotten, as when nothing is sent.
    pub buffers: Option<&'a SpillBuffers>,
    pub hand: Option<Hand>,
}

pub(super) struct Hand {
    pub archives: Gathering,
    pub until: Until,
    /// When it is complete whatever else comes.
    deadline: Option<Instant>,
}

impl Hand {
    /// Whether all that an earlier run had in it is here.
    pub fn is_whole(&self) -> bool {
        self.until.last().is_none_or(|last| self.archives.last() == Some(last))
    }
}

impl Batcher<'_> {
    /// Whether what is in hand has to go before this archive is taken.
    pub fn ends_before(&mut self, archive: &Archive, until: Until, now: Instant) -> bool {
        let Some(hand) = &mut self.hand else { return false };
        if hand.until != until {
            return true;
        }
        until == Until::Bounds
            && (hand.archives.length().saturating_add(archive.length) > self.batching.bytes
                || hand.deadline.is_some_and(|deadline| now >= deadline)
                || !hand.archives.has_room_for(archive))
    }

    /// Takes an archive in, and answers whether the batch is complete with it.
    ///
    /// # Errors
    /// When its bytes cannot be held.
    pub fn add(&mut self, archive: Box<Archive>, until: Until, now: Instant) -> io::Result<bool> {
        let Batching {
            count, bytes, period, ..
        } = self.batching;
        let hand = self.hand.get_or_insert_with(|| Hand {
            archives: Gathering::new(self.same_path),
            until,
            // A period that no clock reaches is none. What an earlier run had together is all there already, or comes.
            deadline: now.checked_add(period).filter(|_| until == Until::Bounds),
        });
        let buffer = match (until, self.buffers) {
            (Until::Known { .. }, _) | (_, None) => None,
            (_, Some(buffers)) => Some(move || -> Box<dyn ArchiveBuffer> { buffers.buffer() }),
        };
        hand.archives.add(
            archive,
            buffer
                .as_ref()
                .map(|buffer| buffer as &dyn Fn() -> Box<dyn ArchiveBuffer>),
        )?;
        Ok(match until {
            Until::Bounds => hand.archives.count() >= count || hand.archives.length() >= bytes,
            Until::Planned(_) | Until::Known { .. } => hand.is_whole(),
        })
    }

    /// Whether what is in hand waits for nothing but room.
    pub fn waits_for_room(&self) -> bool {
        let is_open = |hand: &Hand| hand.until == Until::Bounds;
        self.batching.adaptive && self.hand.as_ref().is_some_and(is_open)
    }

    /// Answers when what is in hand has waited long enough.
    pub fn due(&self, now: Instant) -> Receiver<Instant> {
        match self.hand.as_ref().and_then(|hand| hand.deadline) {
            Some(deadline) => after(deadline.saturating_duration_since(now)),
            None => never(),
        }
    }
}
