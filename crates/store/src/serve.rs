//! pachd's API over the embedded store: a session's worth of Pachyderm without a cluster.
//!
//! An adapter above another: it may use [`crate`], the domain and the words, and knows no environment and no
//! command line. [`Service`] has the meaning of the calls, one method a call, named as pachd's; a door ([`http`]) reads
//! requests and writes answers, and decides nothing.
//!
//! # What holds
//!
//! - What was answered is on disk, as the store promises: a kill of the server at any moment loses nothing of it, and
//!   the next one goes on with what was being finished.
//! - A request whose body breaks changes nothing.
//! - Commits finish behind the call that closes them, each checked for collisions, the oldest first (`finishing`).
//! - Others may use the directory by `local:` at the same time: the store keeps them apart.
//!
//! # What is not pachd's
//!
//! On purpose: a file at `/` is refused, where pachd loses its bytes (recording http 031); a repo without a type is
//! refused in words of our own (012); what is no commit's id is not found; a collision is
//! found also between paths that are no neighbours; an open commit is read once its parent is finished, where pachd
//! refuses; what a squashed commit held stays in later ones also where its only child ended with an error, where pachd
//! loses it; a branch may be subscribed to where another one was deleted; hashes are ours, the same only for the same bytes. Pipelines are kept, not run, in their newest version, without
//! a spec repo to read; whoever runs a spout's code asks `spout` for what it needs. Roles are those about repos and projects; lists leave nobody's repos
//! out, and tokens of a file are revoked there. Not served: the work of jobs, groups, triggers, data of a URL, datums,
//! `storage.Fileset`, and globs with `!(…)`. Each says so by its name.
//!
//! What is not there of 1.x is said in `v1`.
//!
//! # Calls
//!
//! Every method blocks, takes a [`Call`] and a message, and answers a message or a [`Status`]. A call with many answers
//! shows one after the other to a function, which says by [`ControlFlow::Break`] that nobody listens any more. A call
//! that waits looks at [`Call::is_over`] each time something happened, and at least once a second.

pub mod access;
mod branches;
mod commits;
mod file_sets;
mod files;
mod finishing;
pub mod http;
mod jobs;
mod metadata;
mod naming;
pub mod page;
mod pipelines;
mod repos;
mod secrets;
mod spout;
pub mod status;
mod subscription;
#[cfg(test)]
mod tests;
mod transactions;
mod v1;

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use self::access::{Access, Caller};
use self::finishing::Finisher;
pub use self::spout::SpoutNow;
use self::spout::Starts;
pub use self::status::{Code, Status};
use crate::{Dialect, Store};
use spoutctl_core::pfs::Repo;

/// Takes one of many answers.
pub type Answers<'a, T> = dyn FnMut(T) -> ControlFlow<()> + 'a;

/// Gives the next of many requests, or `None` after the last.
pub type Requests<'a, T> = dyn FnMut() -> Result<Option<T>, Status> + 'a;

/// What a call comes with, besides its message.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// The transaction that it belongs to, as the client names it.
    pub transaction: Option<String>,
    /// `service/Method`, which says what it needs.
    pub method: String,
    /// Who makes it, where tokens are asked for.
    pub caller: Option<Caller>,
    over: Arc<AtomicBool>,
}

impl Call {
    #[must_use]
    pub fn new(transaction: Option<String>) -> Self {
        Self {
            transaction,
            ..Self::default()
        }
    }

    /// Nobody waits for the answer any more.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// What pachd does, done with the embedded store.
pub struct Service {
    store: Arc<Store>,
    changes: Arc<Changes>,
    access: Option<Access>,
    /// Which pachd this is.
    dialect: Dialect,
    /// The spout whose code somebody runs, if anybody does.
    runs: Option<Repo>,
    starts: Starts,
    /// Works as long as it is here.
    _finisher: Finisher,
}

impl Service {
    /// Serves what is in the store, and finishes what an earlier process has left.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn new(store: Store) -> io::Result<Self> {
        Self::over(store.closing_outputs(), Arc::default())
    }

    /// The same for a spout's own code, which alone may write what the spout writes.
    ///
    /// # Errors
    /// As [`Service::new`].
    pub fn of_sidecar(store: Store) -> io::Result<Self> {
        Self::over(store, Arc::default())
    }

    /// The same beside `main`, over the same directory: each hears of what the other changes. When one ends, both do.
    ///
    /// # Errors
    /// As [`Service::new`].
    pub fn sidecar_beside(main: &Self, store: Store) -> io::Result<Self> {
        Self::over(store, Arc::clone(&main.changes))
    }

    fn over(store: Store, changes: Arc<Changes>) -> io::Result<Self> {
        let store = Arc::new(store);
        Ok(Self {
            _finisher: Finisher::start(Arc::clone(&store), Arc::clone(&changes))?,
            dialect: store.dialect(),
            store,
            changes,
            access: None,
            runs: None,
            starts: Starts::default(),
        })
    }

    /// Somebody runs the code of this spout.
    #[must_use]
    pub fn running(self, spout: Repo) -> Self {
        Self {
            runs: Some(spout),
            ..self
        }
    }

    /// From now on a token is asked for, and what its owner may do.
    #[must_use]
    pub fn with_access(self, access: Access) -> Self {
        Self {
            access: Some(access),
            ..self
        }
    }

    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Ends every call that waits, with `Unavailable`, and those that come.
    pub fn stop(&self) {
        self.changes.stop();
    }
}

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
}

impl Changes {
    const LOOK_AGAIN: Duration = Duration::from_millis(500);

    /// Something has changed. Called after the transaction that changed it.
    pub(crate) fn tell(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.number += 1;
        self.changed.notify_all();
    }

    /// The number of changes so far: taken before looking, and given to [`Changes::wait`] after.
    pub(crate) fn number(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).number
    }

    /// Waits until something has changed since `seen`, or for [`Changes::LOOK_AGAIN`].
    ///
    /// # Errors
    /// When the call is over, or the service stops.
    pub(crate) fn wait(&self, seen: u64, call: &Call) -> Result<(), Status> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |state: &mut State| state.number == seen && !state.stopped;
        let (state, _) = self
            .changed
            .wait_timeout_while(state, Self::LOOK_AGAIN, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        if state.stopped {
            Err(Status::new(Code::Unavailable, "the server is shutting down"))
        } else if call.is_over() {
            Err(Status::new(Code::Cancelled, "context canceled"))
        } else {
            Ok(())
        }
    }

    fn stop(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        self.changed.notify_all();
    }
}
