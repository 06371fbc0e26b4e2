//! What `--staging` asks of a store in a directory. A transaction of it is kept in memory: nobody but the process that
//! started it can carry it out, so nothing of a process that has ended can come late.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::Store;
use crate::delivery::StagingSink;
use crate::fault::{Fault, FaultKind};
use crate::history::CommitHistory;
use crate::pfs::{Branch, Commit, CommitId, TransactionId};

/// By transaction: what it is to do.
#[derive(Debug, Default)]
pub(super) struct Moves(Mutex<HashMap<TransactionId, Vec<(Branch, Commit)>>>);

impl Moves {
    fn lock(&self) -> MutexGuard<'_, HashMap<TransactionId, Vec<(Branch, Commit)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn gone(transaction: &TransactionId) -> Fault {
    Fault::new(
        FaultKind::NotFound,
        format!("there is no transaction {} (any more)", transaction.0),
    )
}

impl StagingSink for Store {
    fn create_branch(&self, branch: &Branch, head: Option<&Commit>) -> Result<(), Fault> {
        Store::create_branch(self, branch, head)
    }

    fn start_transaction(&self) -> Result<TransactionId, Fault> {
        let id = TransactionId(Uuid::new_v4().simple().to_string());
        self.moves.lock().insert(id.clone(), Vec::new());
        Ok(id)
    }

    fn move_branch(&self, transaction: &TransactionId, branch: &Branch, head: &Commit) -> Result<(), Fault> {
        self.inspect_commit(head)?;
        let mut all = self.moves.lock();
        let moves = all.get_mut(transaction).ok_or_else(|| gone(transaction))?;
        moves.push((branch.clone(), head.clone()));
        Ok(())
    }

    fn finish_transaction(&self, transaction: &TransactionId) -> Result<(), Fault> {
        // Held until it is done: of two calls at once the second must find nothing.
        let mut all = self.moves.lock();
        let moves = all.get(transaction).ok_or_else(|| gone(transaction))?;
        self.change(|work| {
            moves
                .iter()
                .try_for_each(|(branch, head)| work.create_branch(branch, Some(&head.into())))
        })?;
        all.remove(transaction);
        Ok(())
    }

    fn delete_transaction(&self, transaction: &TransactionId) -> Result<(), Fault> {
        let removed = self.moves.lock().remove(transaction);
        removed.map(drop).ok_or_else(|| gone(transaction))
    }

    fn list_moves(&self, branch: &Branch) -> Result<Vec<(TransactionId, CommitId)>, Fault> {
        let all = self.moves.lock();
        let of_branch = |(id, moves): (&TransactionId, &Vec<(Branch, Commit)>)| match &moves[..] {
            [(named, head)] if named == branch => Some((id.clone(), head.id.clone())),
            _ => None,
        };
        Ok(all.iter().filter_map(of_branch).collect())
    }
}
