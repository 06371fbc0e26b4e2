//! `--staging` over a real store, whatever happens to its calls: the destination is only ever at finished commits, each
//! archive is there once and in order, and what was acknowledged stays.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use proptest::prelude::*;
use tempfile::TempDir;

use super::runs::fate;
use super::scripted::{Ended, Fate, archive_bytes, archive_with, branch, deliver_bytes_to, stream};
use super::stored;
use crate::mark::Mark;
use crate::*;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::history::CommitHistory;
use spoutctl_core::pfs::{
    Branch, BranchInfo, BranchName, Commit, CommitId, CommitInfo, FileSetId, PipelineKind, Repo, TransactionId,
};
use spoutctl_store::Store;

type Late = Box<dyn FnOnce(&Store) + Send>;

/// A store behind a network that does to each call what it is told.
struct Fated {
    store: Store,
    fates: Mutex<VecDeque<Fate>>,
    late: Mutex<Vec<(u8, Late)>>,
    /// What somebody else does just before the next `FinishCommit`.
    before_finish: Mutex<Option<Late>>,
    /// What somebody else does just after the next move.
    after_move: Mutex<Option<Late>>,
    _directory: TempDir,
}

impl Fated {
    fn new(fates: impl IntoIterator<Item = Fate>) -> Arc<Self> {
        let (store, directory) = stored::store(&[branch()]);
        Arc::new(Self {
            store,
            fates: Mutex::new(fates.into_iter().collect()),
            late: Mutex::default(),
            before_finish: Mutex::default(),
            after_move: Mutex::default(),
            _directory: directory,
        })
    }

    /// A call that changes something; `lost` is what its caller hears when there is no answer.
    fn call<T>(&self, lost: FaultKind, work: impl Fn(&Store) -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
        let fate = self.fates.lock().pop_front().unwrap_or(Fate::Answered);
        self.tick();
        let no_answer = Err(Fault::new(lost, "connection reset"));
        match fate {
            Fate::Answered => work(&self.store),
            Fate::NotSent => no_answer,
            Fate::AnswerLost => work(&self.store).and(no_answer),
            Fate::Garbled => Err(Fault::new(FaultKind::Unrecognised, "rpc error: 0xdeadbeef")),
            Fate::Late(after) => {
                let work: Late = Box::new(move |store| drop(work(store)));
                self.late.lock().push((after, work));
                no_answer
            }
        }
    }

    /// One call more has come: carries out what was to wait for it.
    fn tick(&self) {
        let mut late = self.late.lock();
        let (due, waiting): (Vec<_>, Vec<_>) = late.drain(..).partition(|(after, _)| *after == 0);
        late.extend(waiting.into_iter().map(|(after, work)| (after - 1, work)));
        drop(late);
        for (_, work) in due {
            work(&self.store);
        }
    }

    fn deliver_late(&self) {
        for (_, work) in std::mem::take(&mut *self.late.lock()) {
            work(&self.store);
        }
    }

    /// The commits of a branch, oldest first, without those of no archive.
    fn line(&self, branch: &Branch) -> Vec<CommitInfo> {
        let mut line = stored::line(self, branch);
        line.retain(|info| Mark::of(info).is_some());
        line.reverse();
        line
    }

    /// The numbers of the archives that the destination holds, all of them finished without an error.
    fn archives(&self) -> Vec<u64> {
        let line = self.line(&branch());
        assert!(line.iter().all(CommitInfo::is_good), "{line:?}");
        line.iter().map(|info| Mark::of(info).unwrap().sequence).collect()
    }
}

impl CommitHistory for Fated {
    fn repo_exists(&self, repo: &Repo) -> Result<bool, Fault> {
        self.store.repo_exists(repo)
    }

    fn inspect_branch(&self, branch: &Branch) -> Result<Option<BranchInfo>, Fault> {
        self.store.inspect_branch(branch)
    }

    fn inspect_commit(&self, commit: &Commit) -> Result<CommitInfo, Fault> {
        self.store.inspect_commit(commit)
    }

    fn list_commits(&self, branch: &Branch, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        self.store.list_commits(branch, visit)
    }
}

impl CommitSink for Fated {
    fn create_repo(&self, repo: &Repo) -> Result<(), Fault> {
        self.store.create_repo(repo)
    }

    fn pipeline_kind(&self, repo: &Repo) -> Result<Option<PipelineKind>, Fault> {
        self.store.pipeline_kind(repo)
    }

    fn create_file_set(&self, changes: &mut dyn Changes) -> Result<FileSetId, Fault> {
        self.store.create_file_set(changes)
    }

    fn renew_file_set(&self, file_set: &FileSetId, ttl: Duration) -> Result<(), Fault> {
        self.store.renew_file_set(file_set, ttl)
    }

    fn compose_file_set(&self, parts: &[FileSetId], ttl: Duration) -> Result<FileSetId, Fault> {
        self.store.compose_file_set(parts, ttl)
    }

    fn start_commit(&self, branch: &Branch, description: &str) -> Result<CommitId, Fault> {
        let (branch, description) = (branch.clone(), description.to_owned());
        self.call(FaultKind::Unknown, move |store| {
            store.start_commit(&branch, &description)
        })
    }

    fn add_file_set(&self, commit: &Commit, file_set: &FileSetId) -> Result<(), Fault> {
        let (commit, file_set) = (commit.clone(), file_set.clone());
        self.call(FaultKind::Unknown, move |store| store.add_file_set(&commit, &file_set))
    }

    fn finish_commit(&self, commit: &Commit, description: &str, error: Option<&str>) -> Result<(), Fault> {
        if let Some(work) = self.before_finish.lock().take() {
            work(&self.store);
        }
        let (commit, description, error) = (commit.clone(), description.to_owned(), error.map(str::to_owned));
        self.call(FaultKind::Unknown, move |store| {
            store.finish_commit(&commit, &description, error.as_deref())
        })
    }

    fn wait_commit(&self, commit: &Commit, timeout: Duration) -> Result<CommitInfo, Fault> {
        self.store.wait_commit(commit, timeout)
    }

    fn staging(&self) -> Result<&dyn StagingSink, Fault> {
        Ok(self)
    }

    fn drop_commit(&self, commit: &Commit) -> Result<(), Fault> {
        let commit = commit.clone();
        self.call(FaultKind::Unknown, move |store| store.drop_commit(&commit))
    }
}

impl StagingSink for Fated {
    fn create_branch(&self, branch: &Branch, head: Option<&Commit>) -> Result<(), Fault> {
        let (branch, head) = (branch.clone(), head.cloned());
        self.call(FaultKind::Unavailable, move |store| {
            StagingSink::create_branch(store, &branch, head.as_ref())
        })
    }

    fn start_transaction(&self) -> Result<TransactionId, Fault> {
        self.call(FaultKind::Unavailable, StagingSink::start_transaction)
    }

    fn move_branch(&self, transaction: &TransactionId, branch: &Branch, head: &Commit) -> Result<(), Fault> {
        let (transaction, branch, head) = (transaction.clone(), branch.clone(), head.clone());
        self.call(FaultKind::Unavailable, move |store| {
            store.move_branch(&transaction, &branch, &head)
        })
    }

    fn finish_transaction(&self, transaction: &TransactionId) -> Result<(), Fault> {
        let transaction = transaction.clone();
        let answer = self.call(FaultKind::Unknown, move |store| store.finish_transaction(&transaction));
        if let Some(work) = self.after_move.lock().take() {
            work(&self.store);
        }
        answer
    }

    fn delete_transaction(&self, transaction: &TransactionId) -> Result<(), Fault> {
        let transaction = transaction.clone();
        self.call(FaultKind::Unavailable, move |store| {
            store.delete_transaction(&transaction)
        })
    }

    fn list_moves(&self, branch: &Branch) -> Result<Vec<(TransactionId, Commit)>, Fault> {
        self.store.list_moves(branch)
    }
}

fn staging() -> Branch {
    Branch {
        name: BranchName::new("staging").unwrap(),
        ..branch()
    }
}

fn staged(resume: bool) -> Options {
    Options {
        staging: Some(staging()),
        ..stream("s", resume)
    }
}

fn deliver(sink: &Arc<Fated>, archives: std::ops::RangeInclusive<u64>, options: Options) -> Ended {
    deliver_bytes_to(
        Arc::clone(sink) as _,
        archives.flat_map(archive_bytes).collect(),
        options,
    )
}

fn is_prefix(numbers: &[u64]) -> bool {
    (1..).zip(numbers).all(|(expected, number)| expected == *number)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// The first run ends when its server does; a call of it may arrive at any time during the second.
    #[test]
    fn a_run_that_dies_and_the_one_after_it_leave_each_archive_once_and_in_order(
        first in proptest::collection::vec(fate(), 0..30),
        second in proptest::collection::vec(fate(), 0..8),
        dies: bool,
    ) {
        let end = if dies { vec![Fate::NotSent; 4000] } else { Vec::new() };
        let sink = Fated::new(first.into_iter().chain(end));
        let before = deliver(&sink, 1..=4, staged(false));
        let there = sink.archives();
        prop_assert!(is_prefix(&there), "{:?}", there);
        prop_assert!(there.starts_with(&before.committed), "{:?} of {:?}", before.committed, there);

        let must_succeed = !second.contains(&Fate::Garbled);
        *sink.fates.lock() = second.into();
        let after = deliver(&sink, 1..=4, staged(true));
        sink.deliver_late();
        let there = sink.archives();
        prop_assert!(is_prefix(&there), "{:?}", there);
        let mut told = after.already.clone();
        told.extend(&after.committed);
        prop_assert!(is_prefix(&told) && told.len() >= before.committed.len().min(told.len()));
        prop_assert!(there.len() >= told.len() && there.starts_with(&before.committed));
        prop_assert!(!must_succeed || after.result.is_ok(), "{:?}", after.result);
        if after.result.is_ok() {
            prop_assert_eq!((told, there), (vec![1, 2, 3, 4], vec![1, 2, 3, 4]));
        }
    }
}

#[test]
fn the_destination_never_sees_a_commit_that_finished_with_an_error() {
    let sink = Fated::new([]);
    let mut bytes = archive_bytes(1);
    // A file where the first has a directory's place: pachd finds that out when the commit is finished.
    bytes.extend(archive_with(&[("1/below".to_owned(), b"x".to_vec())]));
    let ended = deliver_bytes_to(Arc::clone(&sink) as _, bytes, staged(false));
    assert!(
        matches!(ended.result, Err(DeliveryError::FinishedWithError { archive: 2, .. })),
        "{:?}",
        ended.result
    );
    assert_eq!((ended.committed, sink.archives()), (vec![1], vec![1]));
}

#[test]
fn an_archive_is_staged_again_on_what_somebody_else_has_committed_meanwhile() {
    let sink = Fated::new([]);
    *sink.before_finish.lock() = Some(Box::new(|store| drop(somebodys(store))));
    deliver(&sink, 1..=2, staged(false)).unwrap();
    assert_eq!(sink.archives(), [1, 2]);
    let first = &sink.line(&branch())[0];
    let parent = first.parent.as_ref().unwrap();
    assert_eq!(sink.store.inspect_commit(parent).unwrap().description, "somebody's");
}

#[test]
fn what_was_acknowledged_and_taken_off_the_branch_ends_it() {
    // At the next archive, and where there is none, at the end.
    for count in [2, 1] {
        let sink = Fated::new([]);
        *sink.after_move.lock() = Some(Box::new(|store| {
            let head = store.inspect_branch(&branch()).unwrap().unwrap().head.unwrap();
            let parent = store.inspect_commit(&head).unwrap().parent;
            store.create_branch(&branch(), parent.as_ref()).unwrap();
        }));
        let ended = deliver(&sink, 1..=count, staged(false));
        assert_eq!(ended.committed, [1]);
        let error = ended.result.unwrap_err();
        assert!(matches!(error, DeliveryError::TakenOff { .. }), "{error:?}");
        assert_eq!(error.consequence(), Consequence::DoNotRetry);
    }
}

/// A commit that somebody else makes in the destination.
fn somebodys(store: &Store) -> Commit {
    let id = store.start_commit(&branch(), "somebody's").unwrap();
    let commit = Commit {
        repo: branch().repo,
        branch: branch().name,
        id,
    };
    store.finish_commit(&commit, "somebody's", None).unwrap();
    commit
}

#[test]
fn a_move_that_a_killed_run_left_is_never_carried_out() {
    let sink = Fated::new([]);
    deliver(&sink, 1..=2, staged(false)).unwrap();
    let first = sink.line(&branch())[0].commit.clone();
    let old = StagingSink::start_transaction(&sink.store).unwrap();
    sink.store.move_branch(&old, &branch(), &first).unwrap();
    deliver(&sink, 1..=3, staged(true)).unwrap();
    assert_eq!(
        sink.store.finish_transaction(&old).map_err(|fault| fault.kind),
        Err(FaultKind::NotFound)
    );
    assert_eq!(sink.archives(), [1, 2, 3]);
}

#[test]
fn a_transaction_for_a_commit_that_is_not_ours_is_left_alone() {
    let sink = Fated::new([]);
    deliver(&sink, 1..=1, staged(false)).unwrap();
    let commit = somebodys(&sink.store);
    let theirs = StagingSink::start_transaction(&sink.store).unwrap();
    sink.store.move_branch(&theirs, &branch(), &commit).unwrap();
    deliver(&sink, 1..=2, staged(true)).unwrap();
    assert_eq!(sink.store.list_moves(&branch()).unwrap(), [(theirs, commit)]);
}

#[test]
fn an_open_commit_that_a_killed_run_has_staged_is_given_up() {
    let sink = Fated::new([]);
    deliver(&sink, 1..=1, staged(false)).unwrap();
    let mark = Mark::of(&sink.line(&branch())[0]).unwrap();
    let mark = Mark { sequence: 2, ..mark }.at(mark::Stage::Started);
    let left = sink.store.start_commit(&staging(), &mark.to_string()).unwrap();
    deliver(&sink, 1..=2, staged(true)).unwrap();
    assert_eq!(sink.archives(), [1, 2]);
    assert!(
        sink.line(&staging())
            .iter()
            .all(|info| info.commit.id != left && !info.is_open())
    );
}
