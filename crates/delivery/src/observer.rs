//! Who is told what happens on the way.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::error::DeliveryError;
use super::ready::Ready;
use super::settled::{Settled, Unacknowledged};
use spoutctl_archive::{Archive, Files, PositionMap};
use spoutctl_core::fault::Fault;

/// What is done for a commit, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The files are sent, where pachd takes them before there is a commit; of an archive that left early, the rest.
    Upload,
    /// The commit is started.
    Start,
    /// The files are added to it; where pachd has no file sets, they are sent now.
    Add,
    /// It is closed for writing.
    Close,
    /// With a branch for staging: it is finished, and the destination is moved to it.
    Move,
    /// It is waited for until pachd has finished it.
    Finish,
}

/// Who is told what happens on the way. Called from several threads.
pub trait Observer: Send + Sync {
    /// The destination is as it should be: nothing is sent before this.
    fn ready(&self, _ready: &Ready) {}
    /// Where the source goes on, where marks say that; `None` when nothing of it is committed.
    /// Nothing that was left open can become a commit any more.
    fn placed(&self, _positions: Option<&PositionMap>) {}
    /// A complete archive was taken from the input.
    fn received(&self, _archive: &Archive) {}
    /// A commit of these archives together is about to be started.
    ///
    /// # Errors
    /// When that cannot be written down. No commit is started then.
    fn forming(&self, _archives: RangeInclusive<u64>) -> Result<(), DeliveryError> {
        Ok(())
    }
    /// So many bytes of the archive's files are uploaded; less than before when a part is sent again.
    fn sent(&self, _archive: &Archive, _bytes: u64) {}
    /// So many bytes more of the files of the archive of this number are uploaded, which is still being read.
    fn sent_early(&self, _archive: u64, _bytes: u64) {}
    /// A step for the archive of this number was done in so long, the pauses before it was tried again included. A step
    /// may be done again.
    fn stepped(&self, _archive: u64, _step: Step, _took: Duration) {}
    /// A dry run would have committed this archive.
    fn would_commit(&self, archive: &Archive, files: &Files);
    /// No commit can be made of an archive; it is about to be committed in another repo.
    fn note_refused(&self, archive: &Archive) {
        if let Some(refused) = &archive.label.refused {
            self.note(&format!("{}; it goes to {}", refused.reason, refused.place));
        }
    }
    /// What came of an archive: the acknowledgement, which is said here, and handed on. In order, once each; nothing of
    /// what follows is acknowledged before this returns.
    ///
    /// # Errors
    /// When it cannot be handed on. The delivery ends then.
    fn settled(&self, settled: &Settled<'_>) -> Result<(), Unacknowledged>;
    /// Nothing is in hand, and a commit could be made at once: whoever collects messages may hand over what they have.
    fn wanted(&self) {}
    /// Something that whoever runs us should know and need not act on.
    fn note(&self, text: &str);
    /// A call failed and will be made again.
    fn retrying(&self, _fault: &Fault) {}
}
