//! Finishes commits behind the calls that close them, as pachd does: one after the other, as long as the service lives.
//!
//! What a process that was killed has left, the next one's finisher finds at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use super::{Call, Changes};
use crate::Store;

/// The thread that settles commits. Dropping it waits for the one at hand.
pub(super) struct Finisher {
    over: Arc<AtomicBool>,
    changes: Arc<Changes>,
    thread: Option<JoinHandle<()>>,
}

impl Finisher {
    pub(super) fn start(store: Arc<Store>, changes: Arc<Changes>) -> io::Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let (is_over, told) = (Arc::clone(&over), Arc::clone(&changes));
        let work = move || finish_all(&store, &told, &is_over);
        Ok(Self {
            over,
            changes,
            thread: Some(thread::Builder::new().name("finisher".to_owned()).spawn(work)?),
        })
    }
}

fn finish_all(store: &Store, changes: &Changes, over: &AtomicBool) {
    let nobody = Call::default();
    while !over.load(Ordering::Relaxed) {
        let seen = changes.number();
        let settled = store.settle_next();
        let is_more = matches!(settled, Ok(Some(_)));
        // What is wrong (a full disk, another process's lock) is told to those who wait, and what is left is tried
        // again.
        changes.finishing_failed(settled.err());
        if is_more {
            changes.tell();
        } else if changes.wait(seen, &nobody).is_err() {
            return;
        }
    }
}

impl Drop for Finisher {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.changes.tell();
        if let Some(thread) = self.thread.take() {
            // It panics on nothing, and if it did, there is nobody left to tell.
            let _ = thread.join();
        }
    }
}
