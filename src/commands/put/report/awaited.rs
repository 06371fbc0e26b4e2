//! What the reading side waits for, and only the delivery knows: how much is done, and where messages and partitions go
//! on.

use std::sync::OnceLock;

use super::super::told::{NeverTold, Told};
use parking_lot::{Condvar, Mutex};
use spoutctl_archive::PositionMap;
use spoutctl_core::positions::Positions;

type TellsPositions = Box<dyn Fn(Option<&Positions>) + Send + Sync>;

#[derive(Default)]
pub(in crate::commands::put) struct Awaited {
    /// How many archives are settled: committed, found committed, left out, or empty.
    settled: Mutex<u64>,
    settling: Condvar,
    /// How many messages the stream has had.
    messages: Told<u64>,
    /// Where the source goes on.
    positions: Told<Option<PositionMap>>,
    /// Is told where partitions go on behind what is acknowledged; at last, with none, that nothing follows.
    tells_positions: OnceLock<TellsPositions>,
}

impl Awaited {
    /// Waits until so many archives are settled; `false` when they will not be.
    pub fn wait_until_settled(&self, archives: u64) -> bool {
        let mut settled = self.settled.lock();
        self.settling.wait_while(&mut settled, |settled| *settled < archives);
        *settled != u64::MAX
    }

    /// Waits until it is known how many messages the stream has had.
    ///
    /// # Errors
    /// When it will not be.
    pub fn wait_for_messages(&self) -> Result<u64, NeverTold> {
        self.messages.wait()
    }

    /// Waits until it is known where the source goes on, `None` being nowhere in particular.
    ///
    /// # Errors
    /// When it will not be.
    pub fn wait_for_positions(&self) -> Result<Option<PositionMap>, NeverTold> {
        self.positions.wait()
    }

    /// From now on `tell` hears where partitions go on behind what is acknowledged; at last, with none, that nothing
    /// follows.
    #[cfg_attr(not(feature = "kafka"), allow(dead_code, reason = "only what reads Kafka needs it"))]
    pub fn tell_positions_to(&self, tell: impl Fn(Option<&Positions>) + Send + Sync + 'static) {
        let _ = self.tells_positions.set(Box::new(tell));
    }

    /// The stream has had so many messages.
    pub fn had_messages(&self, messages: u64) {
        self.messages.tell(messages);
    }

    pub fn placed(&self, positions: Option<&PositionMap>) {
        self.positions.tell(positions.cloned());
    }

    /// What these are behind is acknowledged.
    pub fn acknowledged(&self, positions: &Positions) {
        if let Some(tell) = self.tells_positions.get() {
            tell(Some(positions));
        }
    }

    pub fn settled(&self, archives: u64) {
        let mut settled = self.settled.lock();
        *settled = settled.saturating_add(archives);
        self.settling.notify_all();
    }

    /// The delivery has ended: nothing further will be settled.
    pub fn end(&self) {
        self.messages.never();
        self.positions.never();
        if let Some(tell) = self.tells_positions.get() {
            tell(None);
        }
        *self.settled.lock() = u64::MAX;
        self.settling.notify_all();
    }
}
