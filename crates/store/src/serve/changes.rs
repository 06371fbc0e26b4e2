//! How those who wait hear of what changes.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::call::Call;
use super::status::{Code, Status};
use spoutctl_core::fault::Fault;

/// Tells those who wait that something has changed in the store.
///
/// What other processes change in the same directory is not told, so whoever waits looks again after
/// [`Changes::LOOK_AGAIN`] in any case.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    number: u64,
    stopped: bool,
    /// Why the last commit that was to be finished was not.
    finishing: Option<Fault>,
}

impl Changes {
    const LOOK_AGAIN: Duration = Duration::from_millis(500);

    /// Something has changed. Called after the transaction that changed it.
    pub(crate) fn tell(&self) {
        let mut state = self.state.lock();
        state.number += 1;
        self.changed.notify_all();
    }

    /// The number of changes so far: taken before looking, and given to [`Changes::wait`] after.
    pub(crate) fn number(&self) -> u64 {
        self.state.lock().number
    }

    /// Why commits are not finished, or that they are again.
    pub(crate) fn finishing_failed(&self, fault: Option<Fault>) {
        self.state.lock().finishing = fault;
    }

    /// # Errors
    /// What is wrong with the disk, if commits cannot be finished for it: whoever waits for one would wait without end.
    pub(crate) fn can_finish(&self) -> Result<(), Fault> {
        let state = self.state.lock();
        state.finishing.clone().map_or(Ok(()), Err)
    }

    /// Waits until something has changed since `seen`, or for [`Changes::LOOK_AGAIN`].
    ///
    /// # Errors
    /// When the call is over, or the service stops.
    pub(crate) fn wait(&self, seen: u64, call: &Call) -> Result<(), Status> {
        let mut state = self.state.lock();
        let waiting = |state: &mut State| state.number == seen && !state.stopped;
        self.changed.wait_while_for(&mut state, waiting, Self::LOOK_AGAIN);
        if state.stopped {
            Err(Status::new(Code::Unavailable, "the server is shutting down"))
        } else if call.is_over() {
            Err(Status::new(Code::Cancelled, "context canceled"))
        } else {
            Ok(())
        }
    }

    pub(super) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }
}
