//! Keeps file sets alive until a commit holds them.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use parking_lot::Mutex;

use super::CommitSink;
use spoutctl_core::pfs::FileSetId;

/// A file set lives ten minutes unless renewed (recording http 060–061, p 096: thirty at most).
pub const TIME_TO_LIVE: Duration = Duration::from_mins(10);
/// How often file sets in hand are renewed: two renewals may fail before one expires.
const RENEW_EVERY: Duration = Duration::from_mins(3);

/// Renews file sets in the background until it is dropped.
pub struct KeepAlive {
    file_sets: Arc<Mutex<Vec<FileSetId>>>,
    /// Closing it ends the thread.
    _stop: Sender<()>,
}

impl KeepAlive {
    pub(super) fn start(sink: Arc<dyn CommitSink>) -> Self {
        let file_sets = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = bounded::<()>(0);
        let shared = Arc::clone(&file_sets);
        std::thread::spawn(move || {
            while stopped.recv_timeout(RENEW_EVERY) == Err(crossbeam_channel::RecvTimeoutError::Timeout) {
                let due: Vec<FileSetId> = shared.lock().clone();
                for id in due {
                    // A renewal that fails is made good by the next one; a file set that is gone is found out by
                    // `AddFileSet`, which then has it uploaded again.
                    let _ = sink.renew_file_set(&id, TIME_TO_LIVE);
                }
            }
        });
        Self { file_sets, _stop: stop }
    }

    pub(super) fn add(&self, id: FileSetId) {
        self.file_sets.lock().push(id);
    }

    pub(super) fn set(&self, ids: &[FileSetId]) {
        *self.file_sets.lock() = ids.to_vec();
    }
}
