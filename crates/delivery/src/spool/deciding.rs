//! What somebody decides about an archive that waits.

use std::ops::RangeInclusive;

use super::error::{HeldBack, SpoolError, WAITING};
use super::{Inner, Spool, files};
use parking_lot::MutexGuard;

impl Spool {
    /// Takes an archive out without a commit: somebody decided so.
    ///
    /// # Errors
    /// When it does not wait; when that cannot be written down.
    pub fn forget(&self, sequence: u64) -> Result<(), SpoolError> {
        let inner = self.inner.lock();
        if !inner.waiting.iter().any(|one| one.name.sequence == sequence) {
            return Err(SpoolError::NotWaiting {
                dir: self.dir.clone(),
                sequence,
            });
        }
        self.give_up(inner, &(sequence..=sequence))
    }

    /// Takes everything out that waits: somebody decided so.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn discard(&self) -> Result<(), SpoolError> {
        self.give_up(self.inner.lock(), &(0..=u64::MAX))
    }

    fn give_up(&self, mut inner: MutexGuard<'_, Inner>, sequences: &RangeInclusive<u64>) -> Result<(), SpoolError> {
        let journal = inner.without(sequences);
        let written = inner.write(&self.dir, journal);
        self.leave(inner, sequences, written)?;
        // The journal does not know them as finished, so their files must not come back after a power cut.
        files::sync_directory(&self.dir.join(WAITING))
    }

    /// Has an archive sent that was held back.
    ///
    /// # Errors
    /// When it is not held back; when that cannot be written down.
    pub fn resend(&self, sequence: u64) -> Result<(), SpoolError> {
        let mut inner = self.inner.lock();
        let mut journal = inner.journal.clone();
        // A commit with an error is nobody's, so the next run makes another one.
        if journal.held_back.take_if(|held| held.sequence == sequence).is_none() {
            return Err(SpoolError::NotHeldBack {
                dir: self.dir.clone(),
                sequence,
            });
        }
        inner.write(&self.dir, journal)
    }

    /// Keeps the archive until somebody decides about it: its commit failed, or somebody dropped it. Of several that
    /// were to be one commit it is the first, so that none of them goes alone; which one it is, is answered.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn hold_back(&self, mut held: HeldBack) -> Result<u64, SpoolError> {
        let mut inner = self.inner.lock();
        let mut journal = inner.journal.clone();
        let together = journal.batches.iter().find(|one| one.contains(held.sequence));
        let waiting = together.and_then(|one| inner.waiting.iter().find(|waiting| one.contains(waiting.name.sequence)));
        held.sequence = waiting.map_or(held.sequence, |first| first.name.sequence);
        let sequence = held.sequence;
        journal.held_back = Some(held);
        inner.write(&self.dir, journal)?;
        Ok(sequence)
    }
}
