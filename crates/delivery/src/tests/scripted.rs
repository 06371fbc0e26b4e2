//! A sink of one branch that is told what happens to each call: carried out and not answered, not carried out, or
//! carried out later than the next ones.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::checker::{Good, Outcome};
use crate::mark::{Mark, Stage};
use crate::retry::{Clock, Interrupt};
use crate::spill::SpillBuffers;
use crate::*;
use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::{Mutex, MutexGuard};
use spoutctl_archive::{Archive, ArchiveReader, Files};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::history::CommitHistory;
use spoutctl_core::pfs::{Branch, BranchInfo, Commit, CommitId, CommitInfo, FileSetId, Origin, PipelineKind, Repo};

/// Files by path.
pub(super) type Content = Vec<(String, Vec<u8>)>;

/// What a file set holds, in its order.
#[derive(Debug, Clone)]
pub(super) enum Op {
    Delete(String),
    Append(String, Vec<u8>),
}

/// What files there are after these operations on none.
pub(super) fn apply(ops: &[Op]) -> Content {
    let mut files = Content::new();
    for op in ops {
        match op {
            Op::Delete(path) => files.retain(|(name, _)| name != path),
            Op::Append(path, data) => match files.iter_mut().find(|(name, _)| name == path) {
                Some((_, bytes)) => bytes.extend_from_slice(data),
                None => files.push((path.clone(), data.clone())),
            },
        }
    }
    files
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
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

/// A call that a test waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Called {
    Start,
    Wait,
}

#[derive(Debug, Clone)]
pub(super) enum Call {
    Start(String),
    Add(CommitId, FileSetId),
    Put(CommitId, Vec<Op>),
    Finish(CommitId, String, Option<String>),
    Drop(CommitId),
}

#[derive(Debug, Clone)]
pub(super) struct StoredCommit {
    pub(super) id: CommitId,
    pub(super) description: String,
    pub(super) closed: bool,
    pub(super) error: String,
    pub(super) ops: Vec<Op>,
    pub(super) origin: Origin,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own")]
pub(super) struct State {
    pub(super) commits: Vec<StoredCommit>,
    pub(super) file_sets: HashMap<FileSetId, Vec<Op>>,
    /// The largest number of bytes that a file set takes at once.
    pub(super) largest: Option<usize>,
    pub(super) late: Vec<(u8, Call)>,
    pub(super) fates: VecDeque<Fate>,
    pub(super) next: u128,
    pub(super) may_drop: bool,
    pub(super) no_file_sets: bool,
    /// The finished commit with this number gets an error.
    pub(super) fail: Option<usize>,
    /// Which of the next listings break off.
    pub(super) list_faults: VecDeque<bool>,
    /// Commits that were waited for until they were finished.
    seen_finished: HashSet<CommitId>,
    /// Nobody answers `InspectCommit` with wait.
    pub(super) wait_down: bool,
    /// `InspectCommit` with wait is answered in words that nobody knows.
    pub(super) wait_garbled: bool,
    /// How often a commit that is closed is still told as not finished.
    pub(super) slow_finish: u32,
    /// How long `InspectCommit` with wait takes.
    pub(super) wait_block: Duration,
    /// `InspectCommit` with wait is answered when there is a word in here, or nobody left to send one.
    pub(super) wait_for: Option<Receiver<()>>,
    /// The same for `StartCommit`.
    pub(super) start_for: Option<Receiver<()>>,
    /// Is told of each of these two calls when it comes.
    pub(super) called: Option<Sender<Called>>,
    /// How long the answers to these calls take.
    pub(super) block_start: Duration,
    pub(super) block_finish: Duration,
    /// The error of the commit that fails.
    pub(super) fail_text: Option<String>,
    /// `StartCommit` is refused because of an open head that no listing shows.
    pub(super) always_head_open: bool,
    /// The id of its cluster.
    pub(super) cluster: Option<String>,
    /// Calls of `CreateFileSet` that were carried out.
    pub(super) created: usize,
    /// What happens to the next calls of `CreateFileSet` and `ComposeFileSet`.
    pub(super) create_faults: VecDeque<Option<FaultKind>>,
    pub(super) compose_faults: VecDeque<Option<FaultKind>>,
    /// Calls of `StartCommit`.
    pub(super) asked: usize,
    /// Calls of `StartCommit` that were carried out.
    pub(super) starts: usize,
}

/// The changes, and how many bytes of files they hold.
fn read(changes: &mut dyn Changes) -> Result<(Vec<Op>, usize), Fault> {
    let mut ops = Vec::new();
    let mut bytes = 0;
    while let Some(change) = changes
        .next()
        .map_err(|error| Fault::new(FaultKind::Local, error.to_string()))?
    {
        match change {
            Change::Delete { path } => ops.push(Op::Delete(path.to_owned())),
            Change::Append { path, data } => {
                bytes += data.len();
                ops.push(Op::Append(path.to_owned(), data.to_vec()));
            }
        }
    }
    Ok((ops, bytes))
}

/// A pachd of one branch.
pub(super) struct Scripted(Mutex<State>);

impl Scripted {
    pub(super) fn new(fates: Vec<Fate>) -> Self {
        Self(Mutex::new(State {
            fates: fates.into(),
            may_drop: true,
            ..State::default()
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    /// Carries out what is due, then this call as its fate wants it.
    pub(super) fn call(&self, call: &Call) -> Result<Option<CommitId>, Fault> {
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
            Fate::NotSent => {
                // What breaks off on its way may be there in part.
                if let Call::Put(id, ops) = call {
                    drop(state.carry_out(&Call::Put(id.clone(), ops[..ops.len() / 2].to_vec())));
                }
                Err(unanswered())
            }
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
    pub(super) fn good(&self) -> Vec<(u64, Content)> {
        self.deliver_late();
        let state = self.lock();
        let good = state
            .commits
            .iter()
            .filter(|commit| commit.closed && commit.error.is_empty());
        good.map(|commit| {
            let mark: Mark = commit.description.lines().next_back().unwrap().parse().unwrap();
            assert_eq!(mark.stage, Stage::Done, "a good commit is marked done");
            (mark.sequence, apply(&commit.ops))
        })
        .collect()
    }

    /// Whatever is still on its way arrives.
    pub(super) fn deliver_late(&self) {
        let mut state = self.lock();
        for (_, late) in std::mem::take(&mut state.late) {
            drop(state.carry_out(&late));
        }
    }

    /// As the checker wants it.
    pub(super) fn outcome(&self, acknowledged: Vec<(u64, String)>) -> Outcome {
        let good = self.good();
        let state = self.lock();
        let ids = state
            .commits
            .iter()
            .filter(|commit| commit.closed && commit.error.is_empty())
            .map(|commit| commit.id.to_string());
        let good = ids.zip(good).map(|(commit, (archive, content))| Good {
            commit,
            archive,
            tree: content.into_iter().collect(),
        });
        Outcome {
            good: good.collect(),
            open: state.commits.iter().filter(|commit| !commit.closed).count(),
            acknowledged,
        }
    }

    fn tell(&self, called: Called) {
        if let Some(listening) = &self.lock().called {
            let _ = listening.send(called);
        }
    }

    pub(super) fn open(&self) -> usize {
        self.lock().commits.iter().filter(|commit| !commit.closed).count()
    }
}

impl State {
    pub(super) fn keep(&mut self, ops: Vec<Op>) -> FileSetId {
        self.next += 1;
        let id = FileSetId(self.next.to_string());
        self.file_sets.insert(id.clone(), ops);
        id
    }

    pub(super) fn find(&mut self, id: &CommitId) -> Result<&mut StoredCommit, Fault> {
        let found = self.commits.iter_mut().find(|commit| commit.id == *id);
        found.ok_or_else(|| Fault::new(FaultKind::NotFound, "commit not found"))
    }

    pub(super) fn carry_out(&mut self, call: &Call) -> Result<Option<CommitId>, Fault> {
        match call {
            Call::Start(description) => {
                if self.commits.last().is_some_and(|head| !head.closed) {
                    return Err(Fault::new(FaultKind::HeadOpen, "parent commit has not been finished"));
                }
                self.starts += 1;
                self.next += 1;
                let id = CommitId::new(&format!("{:012x}4{:019x}", 0, self.next)).unwrap();
                let description = description.clone();
                self.commits.push(StoredCommit {
                    id: id.clone(),
                    description,
                    closed: false,
                    error: String::new(),
                    ops: Vec::new(),
                    origin: Origin::User,
                });
                return Ok(Some(id));
            }
            Call::Add(id, file_set) => {
                let ops = self.file_sets[file_set].clone();
                let commit = self.find(id)?;
                if commit.closed {
                    return Err(Fault::new(FaultKind::AlreadyFinished, "has already finished"));
                }
                commit.ops.extend(ops);
            }
            Call::Put(id, ops) => {
                let commit = self.find(id)?;
                if commit.closed {
                    return Err(Fault::new(FaultKind::AlreadyFinished, "has already finished"));
                }
                commit.ops.extend(ops.iter().cloned());
            }
            Call::Finish(id, description, error) => {
                let number = self.commits.iter().filter(|commit| commit.closed).count();
                let fails = self.fail == Some(number);
                let text = self.fail_text.clone();
                let commit = self.find(id)?;
                if commit.closed {
                    return Err(Fault::new(FaultKind::AlreadyFinished, "has already finished"));
                }
                commit.closed = true;
                commit.description.clone_from(description);
                commit.error = error.clone().unwrap_or_default();
                if fails {
                    commit.error = text.unwrap_or_else(|| "file / directory path collision (/a)".to_owned());
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

    pub(super) fn info(&self, at: usize, branch: &Branch) -> CommitInfo {
        let held = &self.commits[at];
        let time = held.closed.then_some(jiff::Timestamp::UNIX_EPOCH);
        CommitInfo {
            origin: held.origin,
            commit: commit(branch, &held.id),
            parent: at.checked_sub(1).map(|parent| commit(branch, &self.commits[parent].id)),
            description: held.description.clone(),
            started: Some(jiff::Timestamp::UNIX_EPOCH),
            finishing: time,
            finished: time,
            error: held.error.clone(),
            // One of pachd's own is empty.
            size_bytes: u64::from(held.origin == Origin::User),
        }
    }
}

fn commit(branch: &Branch, id: &CommitId) -> Commit {
    Commit {
        repo: branch.repo.clone(),
        branch: branch.name.clone(),
        id: id.clone(),
    }
}

pub(crate) fn branch() -> Branch {
    "events".parse::<spoutctl_core::pfs::Destination>().unwrap().branch
}

impl CommitHistory for Scripted {
    fn repo_exists(&self, _: &Repo) -> Result<bool, Fault> {
        Ok(true)
    }

    fn inspect_branch(&self, branch: &Branch) -> Result<Option<BranchInfo>, Fault> {
        let head = self.lock().commits.last().map(|held| commit(branch, &held.id));
        Ok(head.map(|head| BranchInfo {
            head: Some(head),
            has_provenance: false,
        }))
    }

    fn inspect_commit(&self, commit: &Commit) -> Result<CommitInfo, Fault> {
        let mut state = self.lock();
        if state.wait_down {
            return Err(Fault::new(FaultKind::Unavailable, "down"));
        }
        let at = state.commits.iter().position(|held| held.id == commit.id);
        let mut info = at
            .map(|at| state.info(at, &branch()))
            .ok_or_else(|| Fault::new(FaultKind::NotFound, "commit not found"))?;
        if state.slow_finish > 0 {
            state.slow_finish -= 1;
            info.finished = None;
        }
        Ok(info)
    }

    fn list_commits(&self, branch: &Branch, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        let mut state = self.lock();
        if state.list_faults.pop_front().unwrap_or(false) {
            return Err(Fault::new(FaultKind::Unknown, "connection reset"));
        }
        for at in (0..state.commits.len()).rev() {
            if visit(state.info(at, branch)).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl CommitSink for Scripted {
    fn cluster(&self) -> Result<Option<String>, Fault> {
        Ok(self.lock().cluster.clone())
    }

    fn create_repo(&self, _: &Repo) -> Result<(), Fault> {
        Ok(())
    }

    fn pipeline_kind(&self, _: &Repo) -> Result<Option<PipelineKind>, Fault> {
        Ok(None)
    }

    fn has_file_sets(&self) -> Result<bool, Fault> {
        Ok(!self.lock().no_file_sets)
    }

    fn put_file(&self, commit: &Commit, changes: &mut dyn Changes) -> Result<(), Fault> {
        assert!(self.lock().no_file_sets);
        let (ops, _) = read(changes)?;
        self.call(&Call::Put(commit.id.clone(), ops)).map(drop)
    }

    fn create_file_set(&self, changes: &mut dyn Changes) -> Result<FileSetId, Fault> {
        let (ops, bytes) = read(changes)?;
        let mut state = self.lock();
        assert!(!state.no_file_sets);
        if state.largest.is_some_and(|largest| bytes > largest) {
            return Err(Fault::new(FaultKind::TooLarge, "413"));
        }
        if let Some(Some(kind)) = state.create_faults.pop_front() {
            return Err(Fault::new(kind, "CreateFileSet"));
        }
        state.created += 1;
        Ok(state.keep(ops))
    }

    fn renew_file_set(&self, _: &FileSetId, _: Duration) -> Result<(), Fault> {
        Ok(())
    }

    fn compose_file_set(&self, parts: &[FileSetId], _: Duration) -> Result<FileSetId, Fault> {
        let mut state = self.lock();
        if let Some(Some(kind)) = state.compose_faults.pop_front() {
            return Err(Fault::new(kind, "ComposeFileSet"));
        }
        let ops = parts.iter().flat_map(|part| state.file_sets[part].clone()).collect();
        Ok(state.keep(ops))
    }

    fn start_commit(&self, _: &Branch, description: &str) -> Result<CommitId, Fault> {
        {
            let mut state = self.lock();
            state.asked += 1;
            if state.always_head_open {
                return Err(Fault::new(FaultKind::HeadOpen, "parent commit has not been finished"));
            }
        }
        self.tell(Called::Start);
        let word = self.lock().start_for.clone();
        if let Some(word) = word {
            let _ = word.recv();
        }
        let answer = self.call(&Call::Start(description.to_owned()));
        let block = self.lock().block_start;
        std::thread::sleep(block);
        Ok(answer?.unwrap())
    }

    fn add_file_set(&self, commit: &Commit, file_set: &FileSetId) -> Result<(), Fault> {
        self.call(&Call::Add(commit.id.clone(), file_set.clone())).map(drop)
    }

    fn finish_commit(&self, commit: &Commit, description: &str, error: Option<&str>) -> Result<(), Fault> {
        let answer = self
            .call(&Call::Finish(
                commit.id.clone(),
                description.to_owned(),
                error.map(str::to_owned),
            ))
            .map(drop);
        let block = self.lock().block_finish;
        std::thread::sleep(block);
        answer
    }

    fn wait_commit(&self, commit: &Commit, timeout: Duration) -> Result<CommitInfo, Fault> {
        let (garbled, slow, block, word) = {
            let state = self.lock();
            let word = state.wait_for.clone();
            (state.wait_garbled, state.slow_finish > 0, state.wait_block, word)
        };
        self.tell(Called::Wait);
        if let Some(word) = word {
            let _ = word.recv();
        }
        if garbled {
            return Err(Fault::new(FaultKind::Unrecognised, "rpc error: 0xdeadbeef"));
        }
        if slow {
            return Err(Fault::new(FaultKind::Unavailable, "not finished within 60 s"));
        }
        std::thread::sleep(block.min(timeout));
        if timeout < block {
            return Err(Fault::new(FaultKind::Unavailable, "not finished in time"));
        }
        let info = self.inspect_commit(commit)?;
        if info.finished.is_some() {
            self.lock().seen_finished.insert(commit.id.clone());
        }
        Ok(info)
    }

    /// What was ended with an error has to be finished before it is dropped: pachd 2.0 to 2.5 is not done with it
    /// earlier.
    fn drop_commit(&self, commit: &Commit) -> Result<(), Fault> {
        {
            let state = self.lock();
            let held = state.commits.iter().find(|held| held.id == commit.id);
            let is_given_up = held.is_some_and(|held| held.closed && held.error == "given up by spoutctl");
            assert!(
                !is_given_up || state.seen_finished.contains(&commit.id),
                "{commit} was dropped before it was finished"
            );
        }
        self.call(&Call::Drop(commit.id.clone())).map(drop)
    }
}

/// Time that passes only while somebody waits.
pub(super) struct Fast(pub(super) Mutex<Instant>);

impl Clock for Fast {
    fn now(&self) -> Instant {
        *self.0.lock()
    }

    fn pause(&self, pause: Duration, _: &Interrupt) {
        *self.0.lock() += pause;
    }
}

#[derive(Default)]
pub(super) struct Heard {
    pub(super) committed: Mutex<Vec<u64>>,
    pub(super) already: Mutex<Vec<u64>>,
    /// Of either kind, with its commit.
    pub(super) told: Mutex<Vec<(u64, String)>>,
    pub(super) notes: Mutex<Vec<String>>,
}

impl Heard {
    fn tell(&self, receipt: &Receipt) {
        let commit = receipt.commit.as_ref().unwrap().to_string();
        self.told.lock().push((receipt.archive, commit));
    }
}

impl Observer for Heard {
    fn settled(&self, settled: &Settled<'_>) -> Result<(), Unacknowledged> {
        let (told, receipt) = match settled {
            Settled::Committed(receipt) => (&self.committed, receipt),
            Settled::Already(receipt) => (&self.already, receipt),
            _ => return Ok(()),
        };
        told.lock().push(receipt.archive);
        self.tell(receipt);
        Ok(())
    }

    fn would_commit(&self, _: &Archive, _: &Files) {}

    fn note(&self, text: &str) {
        self.notes.lock().push(text.to_owned());
    }
}

/// Archive `number` of a stream: one file with the number in it.
pub(super) fn archive_bytes(number: u64) -> Vec<u8> {
    archive_with(&[(number.to_string(), format!("archive {number}\n").into_bytes())])
}

pub(super) fn archive_with(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, path, content.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(super) fn content_of(number: u64) -> Content {
    vec![(format!("/{number}"), format!("archive {number}\n").into_bytes())]
}

pub(super) fn options() -> Options {
    Options::new(branch())
}

pub(super) fn appending(options: Options) -> Options {
    Options {
        mode: WriteMode::Append,
        ..options
    }
}

pub(super) fn in_flight(in_flight: usize, options: Options) -> Options {
    Options { in_flight, ..options }
}

/// How a run ended.
pub(super) struct Ended {
    pub(super) committed: Vec<u64>,
    pub(super) already: Vec<u64>,
    pub(super) notes: Vec<String>,
    pub(super) result: Result<(), DeliveryError>,
    pub(super) unsettled: Vec<Unsettled>,
    /// By the clock that passes only while somebody waits.
    pub(super) elapsed: Duration,
}

impl Ended {
    pub(super) fn of(heard: &Heard, result: Result<(), DeliveryError>) -> Self {
        Self {
            committed: heard.committed.lock().clone(),
            already: heard.already.lock().clone(),
            notes: heard.notes.lock().clone(),
            result,
            unsettled: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    #[track_caller]
    pub(super) fn unwrap(self) -> Self {
        assert!(self.result.is_ok(), "{:?}", self.result);
        self
    }

    #[track_caller]
    pub(super) fn unwrap_err(self) -> DeliveryError {
        self.result.unwrap_err()
    }
}

/// How a delivery is run.
pub(crate) struct Run {
    pub(crate) options: Options,
    pub(crate) retry_for: Duration,
}

impl From<Options> for Run {
    fn from(options: Options) -> Self {
        Self {
            options,
            retry_for: Duration::from_mins(10),
        }
    }
}

impl Run {
    /// One try.
    pub(super) fn once(options: Options) -> Self {
        Self {
            options,
            retry_for: Duration::ZERO,
        }
    }
}

/// Delivers archives 1 to `count`.
pub(super) fn deliver(sink: &Arc<Scripted>, count: u64, run: impl Into<Run>) -> Ended {
    deliver_bytes(sink, (1..=count).flat_map(archive_bytes).collect(), run)
}

pub(super) fn deliver_bytes(sink: &Arc<Scripted>, bytes: Vec<u8>, run: impl Into<Run>) -> Ended {
    deliver_bytes_to(Arc::clone(sink) as _, bytes, run)
}

pub(super) fn deliver_bytes_to(sink: Arc<dyn CommitSink>, bytes: Vec<u8>, run: impl Into<Run>) -> Ended {
    let heard = Arc::new(Heard::default());
    let start = Instant::now();
    let clock = Arc::new(Fast(Mutex::new(start)));
    let delivery = delivery_to(sink, Arc::clone(&heard) as _, Arc::clone(&clock) as _, run);
    let ledger = Arc::clone(&delivery.ledger);
    let (_, result) = delivery.run(&incoming(bytes));
    let elapsed = clock.now() - start;
    Ended {
        unsettled: ledger.unsettled(),
        elapsed,
        ..Ended::of(&heard, result)
    }
}

pub(super) fn delivery(
    sink: &Arc<Scripted>,
    observer: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
    run: impl Into<Run>,
) -> Delivery {
    delivery_to(Arc::clone(sink) as _, observer, clock, run)
}

pub(crate) fn delivery_to(
    sink: Arc<dyn CommitSink>,
    observer: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
    run: impl Into<Run>,
) -> Delivery {
    let Run { options, retry_for } = run.into();
    Delivery {
        context: Context {
            sink,
            observer,
            clock,
            interrupt: Interrupt::new(),
            retry_for,
        },
        ledger: Arc::default(),
        buffers: SpillBuffers::new(&std::env::temp_dir()),
        on_bad: OnBad::Stop,
        early: None,
        options,
    }
}

/// A reading side that hands over the archives in `bytes`.
pub(super) fn incoming(bytes: Vec<u8>) -> Receiver<Incoming> {
    let (archives, incoming) = bounded(0);
    std::thread::spawn(move || {
        let buffers = SpillBuffers::new(std::env::temp_dir().as_path());
        let mut reader = ArchiveReader::new(bytes.as_slice(), "test".into(), 1, spoutctl_archive::Options::default());
        while let Some(archive) = reader.next_archive(buffers.buffer()).unwrap() {
            if archives.send(Incoming::Archive(Box::new(archive))).is_err() {
                return;
            }
        }
        let _ = archives.send(Incoming::End(Ok(())));
    });
    incoming
}

pub(super) fn stream(name: &str, resume: bool) -> Options {
    Options {
        stream: Some(name.parse().unwrap()),
        resume,
        ..options()
    }
}
