//! Between the spool and the delivery: what waits goes in, oldest first, and leaves once it is acknowledged.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Sender;

use super::{Next, Spool};
use crate::arriving::Incoming;
use crate::error::DeliveryError;
use crate::ready::Ready;
use crate::{Observer, Settled, Step, Unacknowledged};
use spoutctl_archive::{Archive, Files, PositionMap};
use spoutctl_core::fault::Fault;

/// Hands over what waits, oldest first, until `reading` has come to its end and nothing waits any more.
pub fn feed(
    spool: &Spool,
    options: &spoutctl_archive::Options,
    archives: &Sender<Incoming>,
    reading: JoinHandle<Result<(), DeliveryError>>,
) {
    let end = loop {
        let next = match spool.next(options) {
            Ok(Next::Archive(archive)) => Incoming::Archive(archive),
            Ok(Next::Full) => Incoming::Full,
            Ok(Next::End) => break reading.join().unwrap_or(Err(DeliveryError::Panicked)),
            Err(error) => break Err(error.into()),
        };
        if archives.send(next).is_err() {
            return;
        }
    };
    let damaged = spool.damaged();
    let end = match end {
        Ok(()) if !damaged.is_empty() => Err(DeliveryError::Damaged(damaged)),
        end => end,
    };
    let _ = archives.send(Incoming::End(end));
}

/// Tells another observer, and lets archives leave the spool once that has acknowledged them.
pub struct SpoolObserver {
    pub spool: Arc<Spool>,
    pub observer: Arc<dyn Observer>,
}

impl Observer for SpoolObserver {
    fn placed(&self, positions: Option<&PositionMap>) {
        self.observer.placed(positions);
    }

    fn ready(&self, ready: &Ready) {
        if let Err(error) = self.spool.bind_destination(ready) {
            return self.spool.fail(error);
        }
        self.observer.ready(ready);
    }

    fn received(&self, archive: &Archive) {
        self.observer.received(archive);
    }

    fn forming(&self, archives: RangeInclusive<u64>) -> Result<(), DeliveryError> {
        self.spool.forming(&archives)?;
        self.observer.forming(archives)
    }

    fn sent(&self, archive: &Archive, bytes: u64) {
        self.observer.sent(archive, bytes);
    }

    fn stepped(&self, archive: u64, step: Step, took: Duration) {
        self.observer.stepped(archive, step, took);
    }

    fn would_commit(&self, archive: &Archive, files: &Files) {
        self.observer.would_commit(archive, files);
    }

    fn settled(&self, settled: &Settled<'_>) -> Result<(), Unacknowledged> {
        self.observer.settled(settled)?;
        if let Err(error) = self.spool.finished(&settled.archives(), settled.commit()) {
            self.spool.fail(error);
        }
        Ok(())
    }

    /// What waits here goes first.
    fn wanted(&self) {
        if self.spool.waiting().0 == 0 {
            self.observer.wanted();
        }
    }

    fn note(&self, text: &str) {
        self.observer.note(text);
    }

    fn retrying(&self, fault: &Fault) {
        self.observer.retrying(fault);
    }
}
