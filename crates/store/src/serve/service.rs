//! What pachd does, done with the embedded store.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::access::Access;
use super::changes::Changes;
use super::finishing::Finisher;
use super::{Call, Status};
use crate::{Dialect, Failure, Store, Work};
use parking_lot::Mutex;
use serde::Serialize;
use spoutctl_core::pfs::Repo;

/// How often each pipeline was started again after a stop, by this service.
#[derive(Default)]
pub(super) struct Starts(pub(super) Mutex<BTreeMap<String, u64>>);

/// What pachd does, done with the embedded store.
pub struct Service {
    pub(super) store: Arc<Store>,
    pub(super) changes: Arc<Changes>,
    pub(super) access: Option<Access>,
    /// Which pachd this is.
    pub(super) dialect: Dialect,
    /// The spout whose code somebody runs, if anybody does.
    pub(super) runs: Option<Repo>,
    pub(super) starts: Starts,
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

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Ends every call that waits, with `Unavailable`, and those that come.
    pub fn stop(&self) {
        self.changes.stop();
    }

    /// Carries out changes, and tells those who wait for one.
    pub(super) fn change<T>(&self, work: impl FnOnce(&mut Work<'_>) -> Result<T, Failure>) -> Result<T, Status> {
        let value = self.store.change(work)?;
        self.changes.tell();
        Ok(value)
    }

    /// The same for who is authorized once more: what the request names may have been made since the call came.
    pub(super) fn change_authorized<T>(
        &self,
        call: &Call,
        request: &impl Serialize,
        work: impl FnOnce(&mut Work<'_>) -> Result<T, Failure>,
    ) -> Result<T, Status> {
        self.change(|changes| {
            self.authorize_call(call, request)?;
            work(changes)
        })
    }

    /// Carries out changes, and what is made belongs to the caller.
    pub(super) fn change_as<T>(
        &self,
        call: &Call,
        work: impl FnOnce(&mut Work<'_>) -> Result<T, Failure>,
    ) -> Result<T, Status> {
        let principal = call.caller.as_ref().map(|caller| caller.principal.clone());
        self.change(|changes| {
            changes.act_as(principal);
            work(changes)
        })
    }
}
