//! The uploads of one archive into several repos at the same time.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use crate::{Change, Changes, CommitSink};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::FileSetId;

/// A change that is handed to another thread.
pub(super) enum Owned {
    Delete(String),
    Append(String, bytes::Bytes),
    /// There are no more. Without this the upload is broken off.
    End,
}

/// The uploads of one archive, each on a thread of its own, which is there once there is something for it.
pub(super) struct Lanes<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    sink: &'env dyn CommitSink,
    of_branches: Vec<Option<Lane<'scope>>>,
}

struct Lane<'scope> {
    changes: SyncSender<Owned>,
    upload: ScopedJoinHandle<'scope, Result<FileSetId, Fault>>,
}

impl<'scope, 'env> Lanes<'scope, 'env> {
    pub fn new(scope: &'scope Scope<'scope, 'env>, sink: &'env dyn CommitSink, count: usize) -> Self {
        Self {
            scope,
            sink,
            of_branches: (0..count).map(|_| None).collect(),
        }
    }

    /// Whether it was taken.
    pub fn send(&mut self, at: usize, change: Owned) -> bool {
        let (scope, sink) = (self.scope, self.sink);
        let Some(lane) = self.of_branches.get_mut(at) else {
            return false;
        };
        let lane = lane.get_or_insert_with(|| {
            let (changes, coming) = sync_channel(0);
            let upload = scope.spawn(move || sink.create_file_set(&mut Coming::new(coming)));
            Lane { changes, upload }
        });
        lane.changes.send(change).is_ok()
    }

    /// Ends all uploads well, or breaks all of them off: one alone is of no use.
    pub fn end(self, end: io::Result<bool>) -> Result<Vec<Option<FileSetId>>, Fault> {
        let is_whole = matches!(end, Ok(true));
        let lanes = self.of_branches;
        if is_whole {
            for lane in lanes.iter().flatten() {
                // One that takes no more says why below.
                let _ = lane.changes.send(Owned::End);
            }
        }
        let ended = lanes.into_iter().map(|lane| {
            let Some(Lane { changes, upload }) = lane else {
                return Ok(None);
            };
            drop(changes);
            match upload.join() {
                Ok(ended) => ended.map(Some),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        let ended: Vec<Result<Option<FileSetId>, Fault>> = ended.collect();
        // What broke the others off is what counts.
        let telling = ended.iter().filter_map(|ended| ended.as_ref().err());
        let telling = telling.min_by_key(|fault| fault.kind == FaultKind::Local);
        match (end, telling) {
            (Err(error), _) => Err(Fault::new(FaultKind::Local, error.to_string())),
            (Ok(_), Some(fault)) => Err(fault.clone()),
            (Ok(_), None) => ended.into_iter().collect(),
        }
    }
}

/// The changes of one branch.
struct Coming {
    changes: Receiver<Owned>,
    /// The one that was shown last.
    shown: Owned,
}

impl Coming {
    fn new(changes: Receiver<Owned>) -> Self {
        Self {
            changes,
            shown: Owned::End,
        }
    }
}

impl Changes for Coming {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        let broken_off = |_| io::Error::other("the upload into another repo was broken off");
        self.shown = self.changes.recv().map_err(broken_off)?;
        Ok(match &self.shown {
            Owned::Delete(path) => Some(Change::Delete { path }),
            Owned::Append(path, data) => Some(Change::append(path, data.clone())),
            Owned::End => None,
        })
    }
}
