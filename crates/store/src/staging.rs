//! What `--staging` and `--route` ask of a store in a directory.

use uuid::Uuid;

use super::error::Failure;
use super::requests::{Request, gone};
use super::store::Store;
use super::work::Work;
use spoutctl_core::fault::Fault;
use spoutctl_core::history::CommitHistory;
use spoutctl_core::pfs::{Branch, Commit, CommitId, TransactionId};
use spoutctl_core::sink::{RoutingSink, StagingSink};

fn carry_out(request: &Request, work: &mut Work<'_>) -> Result<(), Failure> {
    match request {
        Request::Move { branch, head } => work.create_branch(branch, Some(&head.into())),
        Request::Start { branch, description } => work.start_commit(branch, None, description).map(drop),
        Request::Finish {
            commit,
            description,
            error,
        } => work.finish_and_settle(commit, description, error),
    }
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
            requests.iter().try_for_each(|request| carry_out(request, work))
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
