//! What `--staging` and `--route` ask of a store in a directory. A transaction of it is kept in memory: nobody but the process that
//! started it can carry it out, so nothing of a process that has ended can come late.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::settle::Slice;
use super::{Failure, Store, Work, record};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::history::CommitHistory;
use spoutctl_core::pfs::{Branch, Commit, CommitId, TransactionId};
use spoutctl_core::sink::{RoutingSink, StagingSink};

/// By transaction: what it is to do.
#[derive(Debug, Default)]
pub(super) struct Transactions(Mutex<HashMap<TransactionId, Vec<Request>>>);

#[derive(Debug)]
enum Request {
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

impl Request {
    fn carry_out(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        match self {
            Self::Move { branch, head } => work.create_branch(branch, Some(&head.into())),
            Self::Start { branch, description } => work.start_commit(branch, None, description).map(drop),
            Self::Finish {
                commit,
                description,
                error,
            } => {
                let selector = commit.into();
                work.finish_commit(&selector, description, error)?;
                let row = record::pick(work.db, &selector)?;
                work.settle_line(row, &mut Slice::of(work.slice)).map(drop)
            }
        }
    }
}

impl Transactions {
    fn lock(&self) -> MutexGuard<'_, HashMap<TransactionId, Vec<Request>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, transaction: &TransactionId, request: Request) -> Result<(), Fault> {
        let mut all = self.lock();
        let requests = all.get_mut(transaction).ok_or_else(|| gone(transaction))?;
        requests.push(request);
        Ok(())
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
        self.transactions.lock().insert(id.clone(), Vec::new());
        Ok(id)
    }

    fn move_branch(&self, transaction: &TransactionId, branch: &Branch, head: &Commit) -> Result<(), Fault> {
        self.inspect_commit(head)?;
        self.transactions.keep(
            transaction,
            Request::Move {
                branch: branch.clone(),
                head: head.clone(),
            },
        )
    }

    fn finish_transaction(&self, transaction: &TransactionId) -> Result<(), Fault> {
        // Held until it is done: of two calls at once the second must find nothing.
        let mut all = self.transactions.lock();
        let requests = all.get(transaction).ok_or_else(|| gone(transaction))?;
        let id = commit_id(transaction)?;
        self.change(|work| {
            work.name_commits(id.clone());
            requests.iter().try_for_each(|request| request.carry_out(work))
        })?;
        all.remove(transaction);
        Ok(())
    }

    fn delete_transaction(&self, transaction: &TransactionId) -> Result<(), Fault> {
        let removed = self.transactions.lock().remove(transaction);
        removed.map(drop).ok_or_else(|| gone(transaction))
    }

    fn list_moves(&self, branch: &Branch) -> Result<Vec<(TransactionId, Commit)>, Fault> {
        let all = self.transactions.lock();
        let of_branch = |(id, requests): (&TransactionId, &Vec<Request>)| match &requests[..] {
            [Request::Move { branch: named, head }] if named == branch => Some((id.clone(), head.clone())),
            _ => None,
        };
        Ok(all.iter().filter_map(of_branch).collect())
    }
}

impl RoutingSink for Store {
    fn start_commit_in(
        &self,
        transaction: &TransactionId,
        branch: &Branch,
        description: &str,
    ) -> Result<CommitId, Fault> {
        let request = Request::Start {
            branch: branch.clone(),
            description: description.to_owned(),
        };
        self.transactions.keep(transaction, request)?;
        commit_id(transaction)
    }

    fn finish_commit_in(
        &self,
        transaction: &TransactionId,
        commit: &Commit,
        description: &str,
        error: Option<&str>,
    ) -> Result<(), Fault> {
        let request = Request::Finish {
            commit: commit.clone(),
            description: description.to_owned(),
            error: error.unwrap_or_default().to_owned(),
        };
        self.transactions.keep(transaction, request)
    }
}

/// The commits that a transaction starts have its id.
fn commit_id(transaction: &TransactionId) -> Result<CommitId, Fault> {
    CommitId::new(&transaction.0).map_err(|_| gone(transaction))
}
