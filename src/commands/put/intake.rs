//! Where archives go as they are read: straight to the delivery, or into a spool.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::Sender;
use parking_lot::Mutex;

use super::report::Report;
use spoutctl_archive::{Archive, ArchiveBuffer, OtherPositions, PositionMap, SourcePositions};
use spoutctl_delivery::early::Early;
use spoutctl_delivery::messages::records::SourceError;
use spoutctl_delivery::rereading::Original;
use spoutctl_delivery::spill::SpillBuffers;
use spoutctl_delivery::{DeliveryError, Incoming};

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

    /// Where each source goes on behind everything that was taken; `None` when nobody wants any messages.
    ///
    /// # Errors
    /// When the stream is one of another kind.
    fn positions_before(&self) -> Result<Option<SourcePositions>, DeliveryError>;
}

/// What says that a stream is one of another kind.
pub(super) fn others(other: OtherPositions) -> SourceError {
    SourceError {
        what: other.to_string(),
        details: Vec::new(),
        help: vec!["give --stream another name: a stream has one kind of positions for its life".to_owned()],
        passes: false,
    }
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
    /// Where each source goes on behind the newest archive that was taken and says so.
    pub positions: Mutex<Option<SourcePositions>>,
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
        if let Some(PositionMap::Sources(positions)) = &archive.label.positions {
            let mut newest = self.positions.lock();
            *newest = Some(positions.clone());
        }
        Ok(match self.archives.send(Incoming::Archive(Box::new(archive))) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        })
    }

    fn wait_until_drained(&self) -> bool {
        self.report
            .awaited
            .wait_until_settled(self.taken.load(Ordering::Relaxed))
    }

    fn messages_before(&self) -> Option<u64> {
        if !self.counts_messages {
            return Some(0);
        }
        let before = self.report.awaited.wait_for_messages().ok()?;
        Some(before.max(self.messages.load(Ordering::Relaxed)))
    }

    fn positions_before(&self) -> Result<Option<SourcePositions>, DeliveryError> {
        let newest = self.positions.lock();
        if let Some(positions) = &*newest {
            return Ok(Some(positions.clone()));
        }
        drop(newest);
        let Ok(committed) = self.report.awaited.wait_for_positions() else {
            return Ok(None);
        };
        let committed = committed.map(PositionMap::sources).transpose();
        let committed = committed.map_err(|other| DeliveryError::Source(Box::new(others(other))))?;
        Ok(Some(committed.unwrap_or_default()))
    }
}
