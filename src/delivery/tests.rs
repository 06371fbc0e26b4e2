//! The delivery against a scripted sink: calls that are carried out and not answered, not carried out, or carried out
//! later than the next one; and the promise, checked by a model that knows nothing of the delivery.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use proptest::prelude::*;

use super::mark::{Mark, Stage};
use super::patience::{Clock, Interrupt};
use super::spool::Spool;
use super::*;
use crate::archive::{self, ArchiveReader};
use crate::fault::FaultKind;
use crate::pfs::BranchInfo;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    /// It never arrives.
    NotSent,
    /// It is carried out, and the answer is lost.
    AnswerLost,
    /// It is carried out after so many further calls; the caller hears nothing.
    Late(u8),
    /// Refused with a text that nobody knows.
    Garbled,
}

#[derive(Debug, Clone)]
enum Call {
    Start(String),
    Add(CommitId, FileSetId),
    Finish(CommitId, String, Option<String>),
    Drop(CommitId),
}

#[derive(Debug, Clone)]
struct Held {
    id: CommitId,
    description: String,
    closed: bool,
    error: String,
    content: Vec<(String, Vec<u8>)>,
}

#[derive(Default)]
struct State {
    commits: Vec<Held>,
    file_sets: HashMap<FileSetId, Vec<(String, Vec<u8>)>>,
    late: Vec<(u8, Call)>,
    fates: VecDeque<Fate>,
    next: u128,
    may_drop: bool,
    /// The finished commit with this number gets an error.
    fail: Option<usize>,
}

/// A pachd of one branch.
struct Scripted(Mutex<State>);

impl Scripted {
    fn new(fates: Vec<Fate>) -> Self {
        Self(Mutex::new(State {
            fates: fates.into(),
            may_drop: true,
            ..State::default()
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Carries out what is due, then this call as its fate wants it.
    fn call(&self, call: &Call) -> Result<Option<CommitId>, Fault> {
        let mut state = self.lock();
        for (wait, late) in std::mem::take(&mut state.late) {
            match wait.checked_sub(1) {
                Some(wait) => state.late.push((wait, late)),
                None => drop(state.carry_out(&late)),
            }
        }
        let unanswered = || Fault::new(FaultKind::Unknown, "connection reset");
        match state.fates.pop_front().unwrap_or(Fate::Answered) {
            Fate::Answered => state.carry_out(call),
            Fate::NotSent => Err(unanswered()),
            Fate::AnswerLost => {
                drop(state.carry_out(call));
                Err(unanswered())
            }
            Fate::Late(wait) => {
                state.late.push((wait, call.clone()));
                Err(unanswered())
            }
            Fate::Garbled => Err(Fault::new(FaultKind::Unrecognised, "rpc error: 0xdeadbeef")),
        }
    }

    /// Every good commit, oldest first: the archive's number and its files.
    fn good(&self) -> Vec<(u64, Vec<(String, Vec<u8>)>)> {
        let mut state = self.lock();
        for (_, late) in std::mem::take(&mut state.late) {
            drop(state.carry_out(&late));
        }
        let good = state
            .commits
            .iter()
            .filter(|commit| commit.closed && commit.error.is_empty());
        good.map(|commit| {
            let mark: Mark = commit.description.lines().next_back().unwrap().parse().unwrap();
            assert_eq!(mark.stage, Stage::Done, "a good commit is marked done");
            (mark.sequence, commit.content.clone())
        })
        .collect()
    }

    fn open(&self) -> usize {
        self.lock().commits.iter().filter(|commit| !commit.closed).count()
    }
}

impl State {
    fn find(&mut self, id: &CommitId) -> Result<&mut Held, Fault> {
        let found = self.commits.iter_mut().find(|commit| commit.id == *id);
        found.ok_or_else(|| Fault::new(FaultKind::NotFound, "commit not found"))
    }

    fn carry_out(&mut self, call: &Call) -> Result<Option<CommitId>, Fault> {
        match call {
            Call::Start(description) => {
                if self.commits.last().is_some_and(|head| !head.closed) {
                    return Err(Fault::new(FaultKind::HeadOpen, "parent commit has not been finished"));
                }
                self.next += 1;
                let id = CommitId::new(&format!("{:012x}4{:019x}", 0, self.next)).unwrap();
                let description = description.clone();
                let content = Vec::new();
                self.commits.push(Held {
                    id: id.clone(),
                    description,
                    closed: false,
                    error: String::new(),
                    content,
                });
                return Ok(Some(id));
            }
            Call::Add(id, file_set) => {
                let files = self.file_sets[file_set].clone();
                let commit = self.find(id)?;
                if commit.closed {
                    return Err(Fault::new(FaultKind::AlreadyFinished, "has already finished"));
                }
                // As when each path is deleted before it is added.
                commit.content = files;
            }
            Call::Finish(id, description, error) => {
                let number = self.commits.iter().filter(|commit| commit.closed).count();
                let fails = self.fail == Some(number);
                let commit = self.find(id)?;
                if commit.closed {
                    return Err(Fault::new(FaultKind::AlreadyFinished, "has already finished"));
                }
                commit.closed = true;
                commit.description.clone_from(description);
                commit.error = error.clone().unwrap_or_default();
                if fails {
                    commit.error = "file / directory path collision (/a)".to_owned();
                }
            }
            Call::Drop(id) => {
                if !self.may_drop {
                    return Err(Fault::new(FaultKind::Denied, "needs permissions [CLUSTER_...]"));
                }
                self.find(id)?;
                self.commits.retain(|commit| commit.id != *id);
            }
        }
        Ok(None)
    }

    fn info(&self, at: usize, branch: &Branch) -> CommitInfo {
        let held = &self.commits[at];
        let time = held.closed.then_some(jiff::Timestamp::UNIX_EPOCH);
        CommitInfo {
            commit: Commit {
                repo: branch.repo.clone(),
                branch: None,
                id: held.id.clone(),
            },
            parent: at.checked_sub(1).map(|parent| self.commits[parent].id.clone()),
            description: held.description.clone(),
            started: Some(jiff::Timestamp::UNIX_EPOCH),
            finishing: time,
            finished: time,
            error: held.error.clone(),
            size_bytes: 0,
        }
    }
}

fn branch() -> Branch {
    "events".parse::<crate::pfs::Destination>().unwrap().branch
}

impl CommitHistory for Scripted {
    fn repo_exists(&self, _: &Repo) -> Result<bool, Fault> {
        Ok(true)
    }

    fn inspect_branch(&self, _: &Branch) -> Result<Option<BranchInfo>, Fault> {
        let head = self.lock().commits.last().map(|commit| commit.id.clone());
        Ok(head.map(|head| BranchInfo {
            head: Some(head),
            has_provenance: false,
        }))
    }

    fn inspect_commit(&self, commit: &Commit) -> Result<CommitInfo, Fault> {
        let state = self.lock();
        let at = state.commits.iter().position(|held| held.id == commit.id);
        at.map(|at| state.info(at, &branch()))
            .ok_or_else(|| Fault::new(FaultKind::NotFound, "commit not found"))
    }

    fn list_commits(&self, branch: &Branch, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        let state = self.lock();
        for at in (0..state.commits.len()).rev() {
            if visit(state.info(at, branch)).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl CommitSink for Scripted {
    fn create_repo(&self, _: &Repo) -> Result<(), Fault> {
        Ok(())
    }

    fn pipeline_kind(&self, _: &Repo) -> Result<Option<PipelineKind>, Fault> {
        Ok(None)
    }

    fn create_file_set(&self, changes: &mut dyn Changes) -> Result<FileSetId, Fault> {
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        while let Some(change) = changes
            .next()
            .map_err(|error| Fault::new(FaultKind::Local, error.to_string()))?
        {
            match change {
                Change::Delete { path } => files.retain(|(name, _)| name != path),
                Change::Append { path, data } => match files.iter_mut().find(|(name, _)| name == path) {
                    Some((_, bytes)) => bytes.extend_from_slice(data),
                    None => files.push((path.to_owned(), data.to_vec())),
                },
            }
        }
        let mut state = self.lock();
        state.next += 1;
        let id = FileSetId(state.next.to_string());
        state.file_sets.insert(id.clone(), files);
        Ok(id)
    }

    fn renew_file_set(&self, _: &FileSetId, _: Duration) -> Result<(), Fault> {
        Ok(())
    }

    fn compose_file_set(&self, parts: &[FileSetId], _: Duration) -> Result<FileSetId, Fault> {
        Ok(parts[0].clone())
    }

    fn start_commit(&self, _: &Branch, description: &str) -> Result<CommitId, Fault> {
        Ok(self.call(&Call::Start(description.to_owned()))?.unwrap())
    }

    fn add_file_set(&self, commit: &Commit, file_set: &FileSetId) -> Result<(), Fault> {
        self.call(&Call::Add(commit.id.clone(), file_set.clone())).map(drop)
    }

    fn finish_commit(&self, commit: &Commit, description: &str, error: Option<&str>) -> Result<(), Fault> {
        self.call(&Call::Finish(
            commit.id.clone(),
            description.to_owned(),
            error.map(str::to_owned),
        ))
        .map(drop)
    }

    fn wait_commit(&self, commit: &Commit, _: Duration) -> Result<CommitInfo, Fault> {
        self.inspect_commit(commit)
    }

    fn drop_commit(&self, commit: &CommitId) -> Result<(), Fault> {
        self.call(&Call::Drop(commit.clone())).map(drop)
    }
}

/// Time that passes only while somebody waits.
struct Fast(Mutex<Instant>);

impl Clock for Fast {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }

    fn pause(&self, pause: Duration, _: &Interrupt) {
        *self.0.lock().unwrap() += pause;
    }
}

#[derive(Default)]
struct Heard {
    committed: Mutex<Vec<u64>>,
    already: Mutex<Vec<u64>>,
}

impl Observer for Heard {
    fn committed(&self, receipt: &Receipt) {
        self.committed.lock().unwrap().push(receipt.archive);
    }

    fn already(&self, receipt: &Receipt) {
        self.already.lock().unwrap().push(receipt.archive);
    }

    fn would_commit(&self, _: &Archive, _: &Files) {}

    fn note(&self, _: &str) {}
}

/// Archive `number` of a stream: one file with the number in it.
fn archive_bytes(number: u64) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let content = format!("archive {number}\n");
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    builder
        .append_data(&mut header, format!("{number}"), content.as_bytes())
        .unwrap();
    builder.into_inner().unwrap()
}

fn content_of(number: u64) -> Vec<(String, Vec<u8>)> {
    vec![(format!("/{number}"), format!("archive {number}\n").into_bytes())]
}

fn options() -> Options {
    Options {
        branch: branch(),
        mode: WriteMode::Overwrite,
        message: None,
        create_repo: false,
        stream: None,
        resume: false,
        retry_for: Duration::from_mins(10),
        in_flight: 1,
        dry_run: false,
    }
}

/// Delivers archives 1 to `count`, and tells what was acknowledged.
fn deliver(sink: &Arc<Scripted>, count: u64, options: Options) -> (Vec<u64>, Vec<u64>, Result<(), DeliveryError>) {
    let heard = Arc::new(Heard::default());
    let delivery = Delivery {
        sink: Arc::clone(sink) as _,
        observer: Arc::clone(&heard) as _,
        clock: Arc::new(Fast(Mutex::new(Instant::now()))),
        interrupt: Interrupt::new(),
        options,
    };
    let (archives, incoming) = bounded(0);
    let result = std::thread::scope(|scope| {
        scope.spawn(move || {
            let bytes: Vec<u8> = (1..=count).flat_map(archive_bytes).collect();
            let spool = Spool::new(std::env::temp_dir().as_path());
            let mut reader = ArchiveReader::new(bytes.as_slice(), "test".into(), 1, archive::Options::default());
            while let Some(archive) = reader.next_archive(spool.hold()).unwrap() {
                if archives.send(Incoming::Archive(Box::new(archive))).is_err() {
                    return;
                }
            }
            let _ = archives.send(Incoming::End(Ok(())));
        });
        let (_, result) = delivery.run(&incoming);
        drop(incoming);
        result
    });
    let committed = heard.committed.lock().unwrap().clone();
    let already = heard.already.lock().unwrap().clone();
    (committed, already, result)
}

fn stream(name: &str, resume: bool) -> Options {
    Options {
        stream: Some(name.parse().unwrap()),
        resume,
        ..options()
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        3 => Just(Fate::Answered),
        1 => Just(Fate::NotSent),
        2 => Just(Fate::AnswerLost),
        2 => (0..6_u8).prop_map(Fate::Late),
        1 => Just(Fate::Garbled),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever happens to the calls, every archive is one good commit, in order, and acknowledged once it is.
    #[test]
    fn lost_late_and_garbled_calls_lose_nothing_and_double_nothing(
        fates in proptest::collection::vec(fate(), 0..40),
        in_flight in 1..4_usize,
        may_drop: bool,
    ) {
        // Faults that pass within the time for retries must not end the delivery.
        let must_succeed = fates.len() <= 20 && !fates.contains(&Fate::Garbled);
        let sink = Arc::new(Scripted::new(fates));
        sink.lock().may_drop = may_drop;
        let (committed, _, result) = deliver(&sink, 4, Options { in_flight, ..options() });
        prop_assert!(result.is_ok() || !must_succeed, "{:?}", result);
        let good = sink.good();
        let numbers: Vec<u64> = good.iter().map(|(number, _)| *number).collect();
        for (number, content) in &good {
            prop_assert_eq!(content, &content_of(*number));
        }
        // Everything acknowledged is there, and what is there is there once and in order.
        let in_order: Vec<u64> = (1..=numbers.len() as u64).collect();
        prop_assert_eq!(&numbers, &in_order, "result: {:?}", result);
        prop_assert!(committed.len() <= numbers.len());
        prop_assert_eq!(&committed[..], &numbers[..committed.len()]);
        if result.is_ok() {
            prop_assert_eq!(committed, vec![1, 2, 3, 4]);
        }
    }
}

#[test]
fn without_faults_each_archive_is_one_commit_in_order_and_nothing_is_left_open() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    let (committed, _, result) = deliver(&sink, 5, options());
    result.unwrap();
    assert_eq!(committed, [1, 2, 3, 4, 5]);
    assert_eq!(sink.good().len(), 5);
    assert_eq!(sink.open(), 0);
}

#[test]
fn nothing_is_published_after_a_commit_that_finished_with_an_error() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().fail = Some(1);
    let (committed, _, result) = deliver(&sink, 5, options());
    let error = result.unwrap_err();
    assert!(
        matches!(error, DeliveryError::FinishedWithError { archive: 2, .. }),
        "{error:?}"
    );
    assert_eq!(error.consequence(), Consequence::DoNotRetry);
    assert_eq!(committed, [1]);
    assert_eq!(sink.good(), [(1, content_of(1))]);
    assert_eq!(sink.open(), 0, "the third was started and had to be given up");
}

#[test]
fn a_resumed_stream_skips_what_is_done_and_says_so() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver(&sink, 2, stream("s", false)).2.unwrap();
    let (committed, already, result) = deliver(&sink, 4, stream("s", true));
    result.unwrap();
    assert_eq!((already, committed), (vec![1, 2], vec![3, 4]));
    assert_eq!(sink.good().len(), 4);
}

#[test]
fn a_resumed_stream_refuses_another_archive_in_the_place_of_a_done_one() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver(&sink, 1, stream("s", false)).2.unwrap();
    {
        let mut state = sink.lock();
        let description = &mut state.commits[0].description;
        *description = description
            .replacen("sha256=", "sha256=0000", 1)
            .replacen("0000", "", 1);
        let at = description.find("sha256=").unwrap() + 7;
        let other = if description.as_bytes()[at] == b'0' { "1" } else { "0" };
        description.replace_range(at..=at, other);
    }
    let error = deliver(&sink, 1, stream("s", true)).2.unwrap_err();
    assert!(
        matches!(error, DeliveryError::AnotherArchive { sequence: 1, .. }),
        "{error:?}"
    );
}

#[test]
fn a_named_stream_goes_on_after_its_newest_number() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    deliver(&sink, 2, stream("s", false)).2.unwrap();
    deliver(&sink, 2, options()).2.unwrap();
    deliver(&sink, 1, stream("s", false)).2.unwrap();
    let numbers: Vec<u64> = sink.good().iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [1, 2, 1, 2, 3]);
}

#[test]
fn an_open_commit_that_a_killed_run_of_the_stream_left_is_given_up() {
    for may_drop in [true, false] {
        let sink = Arc::new(Scripted::new(Vec::new()));
        deliver(&sink, 1, stream("s", false)).2.unwrap();
        let left = sink.lock().commits[0]
            .description
            .replace("seq=1", "seq=2")
            .replace(" done", "");
        sink.lock().carry_out(&Call::Start(left)).unwrap();
        sink.lock().may_drop = may_drop;
        let (committed, _, result) = deliver(&sink, 1, stream("s", false));
        result.unwrap();
        assert_eq!(committed, [1]);
        let numbers: Vec<u64> = sink.good().iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 3]);
        assert_eq!(sink.open(), 0);
    }
}

#[test]
fn a_commit_that_may_not_be_dropped_is_finished_with_an_error_when_the_retries_are_used_up() {
    let sink = Arc::new(Scripted::new(vec![Fate::Answered, Fate::NotSent]));
    sink.lock().may_drop = false;
    let once = Options {
        retry_for: Duration::ZERO,
        ..options()
    };
    let error = deliver(&sink, 1, once).2.unwrap_err();
    assert!(
        matches!(error, DeliveryError::Unreachable { unsettled: None, .. }),
        "{error:?}"
    );
    assert_eq!((sink.open(), sink.good()), (0, vec![]));
}

#[test]
fn somebody_elses_open_commit_is_waited_for_and_then_named_and_never_touched() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().carry_out(&Call::Start("somebody's".to_owned())).unwrap();
    let error = deliver(&sink, 1, stream("s", false)).2.unwrap_err();
    assert!(matches!(error, DeliveryError::Busy { .. }), "{error:?}");
    assert_eq!(error.consequence(), Consequence::RetryLater);
    assert!(error.help().unwrap().contains("pachctl delete commit"));
    assert_eq!((sink.open(), sink.lock().commits.len()), (1, 1));
}

#[test]
fn an_answer_that_nobody_knows_is_asked_for_five_times_and_then_shown() {
    let sink = Arc::new(Scripted::new(vec![Fate::Garbled; 50]));
    let error = deliver(&sink, 1, options()).2.unwrap_err();
    assert!(error.to_string().contains("0xdeadbeef"), "{error}");
    assert_eq!(error.consequence(), Consequence::DoNotRetry);
    assert_eq!(50 - sink.lock().fates.len(), 5);
}

#[test]
fn a_server_that_never_answers_ends_in_exit_5_and_leaves_nothing_half() {
    let sink = Arc::new(Scripted::new(vec![Fate::NotSent; 100_000]));
    let error = deliver(&sink, 2, options()).2.unwrap_err();
    assert_eq!(error.consequence(), Consequence::RetryLater);
    assert_eq!(sink.good(), []);
}

#[test]
fn an_appended_archive_whose_answer_was_lost_is_not_appended_twice() {
    for at in 0..3 {
        let mut fates = vec![Fate::Answered; at];
        fates.push(Fate::AnswerLost);
        let sink = Arc::new(Scripted::new(fates));
        let (committed, _, result) = deliver(
            &sink,
            2,
            Options {
                mode: WriteMode::Append,
                ..options()
            },
        );
        result.unwrap();
        assert_eq!(committed, [1, 2], "answer {at} lost");
        assert_eq!(sink.good(), [(1, content_of(1)), (2, content_of(2))]);
    }
}
