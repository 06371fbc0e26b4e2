//! What `--staging` and `--route` ask of the gateway: branches that are moved, at once or in transactions, and commits that begin
//! and end in one.

use super::{Gateway, error, unreadable, wire};
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{Branch, Commit, CommitId, TransactionId};
use spoutctl_core::sink::{RoutingSink, StagingSink};

impl StagingSink for Gateway {
    fn create_branch(&self, branch: &Branch, head: Option<&Commit>) -> Result<(), Fault> {
        let wire::Present {} = self
            .client
            .ask(error::CREATE_BRANCH, &wire::CreateBranch::new(branch, head))?;
        Ok(())
    }

    fn start_transaction(&self) -> Result<TransactionId, Fault> {
        let call = error::START_TRANSACTION;
        let answer: wire::TransactionAnswer = self.pachd()?.ask(call, &wire::Nothing {})?;
        answer.id().map_err(unreadable(call))
    }

    fn move_branch(&self, transaction: &TransactionId, branch: &Branch, head: &Commit) -> Result<(), Fault> {
        let request = wire::CreateBranch::new(branch, Some(head));
        let wire::Present {} = self.pachd()?.ask_in(transaction, error::CREATE_BRANCH, &request)?;
        Ok(())
    }

    fn finish_transaction(&self, transaction: &TransactionId) -> Result<(), Fault> {
        let request = wire::OneTransaction::from(transaction);
        let wire::Present {} = self.pachd()?.ask(error::FINISH_TRANSACTION, &request)?;
        Ok(())
    }

    fn delete_transaction(&self, transaction: &TransactionId) -> Result<(), Fault> {
        let request = wire::OneTransaction::from(transaction);
        let wire::Present {} = self.pachd()?.ask(error::DELETE_TRANSACTION, &request)?;
        Ok(())
    }

    fn list_moves(&self, branch: &Branch) -> Result<Vec<(TransactionId, Commit)>, Fault> {
        let answer: wire::TransactionInfos = self.pachd()?.ask(error::LIST_TRANSACTION, &wire::Nothing {})?;
        let moves = |info: wire::TransactionInfo| info.moves(branch);
        Ok(answer.transaction_info.into_iter().filter_map(moves).collect())
    }
}

impl RoutingSink for Gateway {
    fn start_commit_in(
        &self,
        transaction: &TransactionId,
        branch: &Branch,
        description: &str,
    ) -> Result<CommitId, Fault> {
        let call = error::START_COMMIT;
        let request = wire::StartCommit::new(branch, description);
        let answer: wire::CommitAnswer = self.pachd()?.ask_in(transaction, call, &request)?;
        answer.id().map_err(unreadable(call))
    }

    fn finish_commit_in(
        &self,
        transaction: &TransactionId,
        commit: &Commit,
        description: &str,
        reason: Option<&str>,
    ) -> Result<(), Fault> {
        let request = wire::FinishCommit::new(commit, description, reason);
        let wire::Present {} = self.pachd()?.ask_in(transaction, error::FINISH_COMMIT, &request)?;
        Ok(())
    }
}
