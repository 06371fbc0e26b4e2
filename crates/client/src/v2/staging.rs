//! What `--staging` and `--route` ask of 2.x: branches that are moved, at once or in transactions, and commits that
//! begin and end in one.

use super::{PachdV2, messages, unreadable};
use crate::pachd;
use crate::transport::Transport;
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{Branch, Commit, CommitId, TransactionId};
use spoutctl_core::sink::{RoutingSink, StagingSink};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs;
use spoutctl_proto::transaction::{OneTransactionRequest, Transaction, TransactionInfo, TransactionInfos};

impl<T: Transport> StagingSink for PachdV2<T> {
    fn create_branch(&self, branch: &Branch, head: Option<&Commit>) -> Result<(), Fault> {
        let Empty {} = self.pachd()?.ask(pachd::CREATE_BRANCH, set(branch, head))?;
        Ok(())
    }

    fn start_transaction(&self) -> Result<TransactionId, Fault> {
        let call = pachd::START_TRANSACTION;
        let answer: Transaction = self.pachd()?.ask(call, Empty {})?;
        if answer.id.is_empty() {
            return Err(pachd::unreadable(call, "the transaction has no id"));
        }
        Ok(TransactionId(answer.id))
    }

    fn move_branch(&self, transaction: &TransactionId, branch: &Branch, head: &Commit) -> Result<(), Fault> {
        let Empty {} = self
            .pachd()?
            .ask_in(transaction, pachd::CREATE_BRANCH, set(branch, Some(head)))?;
        Ok(())
    }

    fn finish_transaction(&self, transaction: &TransactionId) -> Result<(), Fault> {
        let Empty {} = self.pachd()?.ask(pachd::FINISH_TRANSACTION, one(transaction))?;
        Ok(())
    }

    fn delete_transaction(&self, transaction: &TransactionId) -> Result<(), Fault> {
        let Empty {} = self.pachd()?.ask(pachd::DELETE_TRANSACTION, one(transaction))?;
        Ok(())
    }

    fn list_moves(&self, branch: &Branch) -> Result<Vec<(TransactionId, Commit)>, Fault> {
        let answer: TransactionInfos = self.pachd()?.ask(pachd::LIST_TRANSACTION, Empty {})?;
        let moves = |info: &TransactionInfo| messages::moves(info, branch);
        Ok(answer.transaction_info.iter().filter_map(moves).collect())
    }
}

impl<T: Transport> RoutingSink for PachdV2<T> {
    fn start_commit_in(
        &self,
        transaction: &TransactionId,
        branch: &Branch,
        description: &str,
    ) -> Result<CommitId, Fault> {
        let call = pachd::START_COMMIT;
        let request = messages::start_commit(branch, description);
        let commit: pfs::Commit = self.pachd()?.ask_in(transaction, call, request)?;
        messages::commit_id(&commit).map_err(unreadable(call))
    }

    fn finish_commit_in(
        &self,
        transaction: &TransactionId,
        commit: &Commit,
        description: &str,
        error: Option<&str>,
    ) -> Result<(), Fault> {
        let request = messages::finish_commit(commit, description, error);
        let Empty {} = self.pachd()?.ask_in(transaction, pachd::FINISH_COMMIT, request)?;
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
