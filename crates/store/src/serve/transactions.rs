//! Calls that are kept until they are carried out together, or never (recordings p 021–055).
//!
//! A call that comes with a transaction is tried out: all that is kept and the new one, in one transaction of the
//! store, which is then taken back. If that went well, it is kept. The commits that a transaction starts have its id.
//! Whoever knows a transaction may finish it, as in pachd: each request asks then for what it would ask for by itself.

use super::branches::{create_branch, delete_branch};
use super::commits::{finish_commit, squash_commit_set, start_commit};
use super::repos::{create_repo, delete_repo};
use super::{Call, Code, Service, Status};
use crate::{Failure, PendingTransaction, Work};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::CommitId;
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs::{Branch, Commit};
use spoutctl_proto::transaction::{
    BatchTransactionRequest, OneTransactionRequest, Transaction, TransactionInfo, TransactionInfos, TransactionRequest,
    TransactionResponse,
};

impl From<Status> for Failure {
    /// For a request that is refused before the store is asked. The code comes back when it is answered.
    fn from(status: Status) -> Self {
        let kind = match status.code {
            Code::NotFound => FaultKind::NotFound,
            Code::AlreadyExists => FaultKind::AlreadyExists,
            Code::PermissionDenied => FaultKind::Denied,
            Code::Unavailable => FaultKind::Unavailable,
            // What would do harm keeps its code, by which it is told from a refusal.
            Code::Internal => FaultKind::Local,
            _ => FaultKind::Refused,
        };
        Self::Fault(Fault::new(kind, status.message))
    }
}

/// Does what one request asks.
fn perform(
    service: &Service,
    call: &Call,
    work: &mut Work<'_>,
    request: &TransactionRequest,
) -> Result<TransactionResponse, Failure> {
    // Nobody else writes meanwhile: what is there now is there until it is done.
    service.authorize_request(call, request)?;
    let mut response = TransactionResponse::default();
    if let Some(request) = &request.create_repo {
        service.authorize_description(call, request)?;
        create_repo(work, request)?;
    } else if let Some(request) = &request.delete_repo {
        delete_repo(work, request)?;
    } else if let Some(request) = &request.start_commit {
        response.commit = Some(start_commit(work, request)?);
    } else if let Some(request) = &request.finish_commit {
        finish_commit(work, request)?;
    } else if let Some(request) = &request.squash_commit_set {
        squash_commit_set(work, request)?;
    } else if let Some(request) = &request.create_branch {
        create_branch(work, request)?;
    } else if let Some(request) = &request.delete_branch {
        delete_branch(work, request)?;
    } else {
        return Err(Status::unknown("unrecognized transaction request type").into());
    }
    Ok(response)
}

/// Does what all the requests of a transaction ask, one after the other.
fn perform_all(
    service: &Service,
    call: &Call,
    work: &mut Work<'_>,
    id: &CommitId,
    requests: &[TransactionRequest],
) -> Result<Vec<TransactionResponse>, Failure> {
    work.name_commits(id.clone());
    let count = requests.len();
    let number = |(at, request)| {
        let step = move || format!("error running request {} of {count}", at + 1);
        perform(service, call, work, request).map_err(|failure| failure.within(step()))
    };
    requests.iter().enumerate().map(number).collect()
}

fn requests_of(pending: &PendingTransaction) -> Result<Vec<TransactionRequest>, Failure> {
    let read = |(request, _): &(String, String)| serde_json::from_str(request).map_err(|error| unreadable(&error));
    pending.requests.iter().map(read).collect()
}

/// Only this module writes them.
fn unreadable(error: &serde_json::Error) -> Failure {
    let message = format!("a request that the store keeps cannot be read: {error}");
    Fault::new(FaultKind::Local, message).into()
}

/// Within a transaction's answers, commits have their branch (recording http 071).
fn with_branch(request: &TransactionRequest, response: TransactionResponse) -> TransactionResponse {
    let branch = request.start_commit.as_ref().and_then(|start| start.branch.as_ref());
    let commit = response.commit.map(|commit| Commit {
        branch: commit.branch.clone().or_else(|| {
            branch.map(|branch| Branch {
                repo: commit.repo.clone(),
                name: branch.name.clone(),
            })
        }),
        ..commit
    });
    TransactionResponse { commit }
}

fn transaction_info(
    pending: &PendingTransaction,
    requests: Vec<TransactionRequest>,
    responses: Vec<TransactionResponse>,
) -> TransactionInfo {
    TransactionInfo {
        transaction: Some(Transaction {
            id: pending.id.to_string(),
        }),
        version: i64::try_from(requests.len()).unwrap_or(i64::MAX),
        responses: requests
            .iter()
            .zip(responses)
            .map(|(request, response)| with_branch(request, response))
            .collect(),
        requests,
        started: Some(pending.started.into()),
    }
}

fn pending_info(pending: &PendingTransaction) -> Result<TransactionInfo, Failure> {
    let read = |(_, response): &(String, String)| serde_json::from_str(response).map_err(|error| unreadable(&error));
    let responses: Vec<Option<Commit>> = pending.requests.iter().map(read).collect::<Result<_, _>>()?;
    let responses = responses.into_iter().map(|commit| TransactionResponse { commit });
    Ok(transaction_info(pending, requests_of(pending)?, responses.collect()))
}

fn named(request: &OneTransactionRequest) -> &str {
    request.transaction.as_ref().map_or("", |transaction| &transaction.id)
}

impl Service {
    /// Carries out one request: now, or, if the call names a transaction, when that is finished.
    pub(super) fn carry_out(&self, call: &Call, request: TransactionRequest) -> Result<TransactionResponse, Status> {
        match &call.transaction {
            None => self.change_as(call, |work| perform(self, call, work, &request)),
            Some(transaction) => self.change(|work| keep(self, call, work, transaction, request)),
        }
    }
}

/// Tries out a request after those that are kept, and keeps it.
fn keep(
    service: &Service,
    call: &Call,
    work: &mut Work<'_>,
    transaction: &str,
    request: TransactionRequest,
) -> Result<TransactionResponse, Failure> {
    let pending = work.transaction(transaction)?;
    let mut requests = requests_of(&pending)?;
    requests.push(request);
    let mut responses = work.try_out(|work| perform_all(service, call, work, &pending.id, &requests))?;
    let response = responses.pop().unwrap_or_default();
    let request = requests.last().map(serde_json::to_string);
    let (Some(Ok(request)), Ok(answer)) = (request, serde_json::to_string(&response.commit)) else {
        return Err(Fault::new(FaultKind::Local, "a request cannot be written down").into());
    };
    work.append_to_transaction(transaction, &request, &answer)?;
    Ok(response)
}

/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
impl Service {
    pub fn start_transaction(&self, _: &Call) -> Result<Transaction, Status> {
        let id = self.change(|work| Ok(work.start_transaction()?.to_string()))?;
        Ok(Transaction { id })
    }

    pub fn inspect_transaction(&self, _: &Call, request: &OneTransactionRequest) -> Result<TransactionInfo, Status> {
        Ok(pending_info(&self.store.transaction(named(request))?)?)
    }

    pub fn list_transaction(&self, _: &Call) -> Result<TransactionInfos, Status> {
        let pending = self.store.transactions()?;
        let transaction_info = pending.iter().map(pending_info).collect::<Result<_, _>>()?;
        Ok(TransactionInfos { transaction_info })
    }

    pub fn delete_transaction(&self, _: &Call, request: &OneTransactionRequest) -> Result<Empty, Status> {
        self.change(|work| work.delete_transaction(named(request)))?;
        Ok(Empty {})
    }

    /// Carries out all of the requests, or nothing, without keeping them.
    pub fn batch_transaction(&self, call: &Call, request: &BatchTransactionRequest) -> Result<TransactionInfo, Status> {
        self.change_as(call, |work| {
            let id = work.start_transaction()?;
            let pending = work.transaction(id.as_str())?;
            let responses = perform_all(self, call, work, &id, &request.requests)?;
            work.delete_transaction(id.as_str())?;
            Ok(transaction_info(&pending, request.requests.clone(), responses))
        })
    }

    /// Carries out all that is kept, or nothing; afterwards there is no such transaction.
    pub fn finish_transaction(&self, call: &Call, request: &OneTransactionRequest) -> Result<TransactionInfo, Status> {
        self.change_as(call, |work| {
            let pending = work.transaction(named(request))?;
            let requests = requests_of(&pending)?;
            let responses = perform_all(self, call, work, &pending.id, &requests)?;
            work.delete_transaction(named(request))?;
            Ok(transaction_info(&pending, requests, responses))
        })
    }
}
