//! What transactions of this process are to do. They are kept in memory: nobody but the process that started one can
//! carry it out, so nothing of a process that has ended can come late.

use std::collections::HashMap;

use parking_lot::{Mutex, MutexGuard};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Commit, TransactionId};

/// By transaction: what it is to do.
#[derive(Debug, Default)]
pub(super) struct Transactions(Mutex<HashMap<TransactionId, Vec<Request>>>);

#[derive(Debug)]
pub(super) enum Request {
    Move {
        branch: Branch,
        head: Commit,
    },
    Start {
        branch: Branch,
        description: String,
    },
    Finish {
        commit: Commit,
        description: String,
        error: String,
    },
}

impl Transactions {
    pub fn lock(&self) -> MutexGuard<'_, HashMap<TransactionId, Vec<Request>>> {
        self.0.lock()
    }

    pub fn keep(&self, transaction: &TransactionId, request: Request) -> Result<(), Fault> {
        let mut all = self.lock();
        let requests = all.get_mut(transaction).ok_or_else(|| gone(transaction))?;
        requests.push(request);
        Ok(())
    }
}

pub(super) fn gone(transaction: &TransactionId) -> Fault {
    Fault::new(
        FaultKind::NotFound,
        format!("there is no transaction {} (any more)", transaction.0),
    )
}
