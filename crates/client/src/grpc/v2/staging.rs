//! What `--staging` and `--route` ask of 2.x: branches that are moved, at once or in transactions, and commits that begin and end
//! in one.

use super::{V2, messages, unreadable};
use crate::pachd;
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{Branch, Commit, CommitId, TransactionId};
use spoutctl_core::sink::{RoutingSink, StagingSink};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs;
use spoutctl_proto::transaction::{OneTransactionRequest, Transaction, TransactionInfo, TransactionInfos};

impl StagingSink for V2 {
    fn create_branch(&self, branch: &Branch, head: Option<&Commit>) -> Result<(), Fault> {
        let Empty {} = self.ask(pachd::CREATE_BRANCH, set(branch, head))?;
        Ok(())
    }

    fn start_transaction(&self) -> Result<TransactionId, Fault> {
        let call = pachd::START_TRANSACTION;
        let answer: Transaction = self.ask(call, Empty {})?;
        if answer.id.is_empty() {
            return Err(pachd::unreadable(call, "the transaction has no id"));
        }
        Ok(TransactionId(answer.id))
    }

    fn move_branch(&self, transaction: &TransactionId, branch: &Branch, head: &Commit) -> Result<(), Fault> {
        let call = pachd::CREATE_BRANCH;
        let request = set(branch, Some(head));
        let answer = self.calls.ask_in(transaction, call, request, self.calls.times.call);
        let Empty {} = self.answered(call, answer)?;
        Ok(())
    }

    fn finish_transaction(&self, transaction: &TransactionId) -> Result<(), Fault> {
        let _: TransactionInfo = self.ask(pachd::FINISH_TRANSACTION, one(transaction))?;
        Ok(())
    }

    fn delete_transaction(&self, transaction: &TransactionId) -> Result<(), Fault> {
        let Empty {} = self.ask(pachd::DELETE_TRANSACTION, one(transaction))?;
        Ok(())
    }

    fn list_moves(&self, branch: &Branch) -> Result<Vec<(TransactionId, Commit)>, Fault> {
        let answer: TransactionInfos = self.ask(pachd::LIST_TRANSACTION, Empty {})?;
        let moves = |info: &TransactionInfo| messages::moves(info, branch);
        Ok(answer.transaction_info.iter().filter_map(moves).collect())
    }
}

impl RoutingSink for V2 {
    fn start_commit_in(
        &self,
        transaction: &TransactionId,
        branch: &Branch,
        description: &str,
    ) -> Result<CommitId, Fault> {
        let call = pachd::START_COMMIT;
        let request = messages::start_commit(branch, description);
        let answer = self.calls.ask_in(transaction, call, request, self.calls.times.call);
        let commit: pfs::Commit = self.answered(call, answer)?;
        messages::commit_id(&commit).map_err(unreadable(call))
    }

    fn finish_commit_in(
        &self,
        transaction: &TransactionId,
        commit: &Commit,
        description: &str,
        error: Option<&str>,
    ) -> Result<(), Fault> {
        let call = pachd::FINISH_COMMIT;
        let request = messages::finish_commit(commit, description, error);
        let answer = self.calls.ask_in(transaction, call, request, self.calls.times.call);
        let Empty {} = self.answered(call, answer)?;
        Ok(())
    }
}

fn set(branch: &Branch, head: Option<&Commit>) -> pfs::CreateBranchRequest {
    pfs::CreateBranchRequest {
        branch: Some(branch.into()),
        head: head.map(Into::into),
        ..pfs::CreateBranchRequest::default()
    }
}

fn one(transaction: &TransactionId) -> OneTransactionRequest {
    OneTransactionRequest {
        transaction: Some(Transaction {
            id: transaction.0.clone(),
        }),
    }
}
