//! A branch in memory that changes while it is followed, behind a feed that fails as a script says.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use parking_lot::Mutex;
use proptest::prelude::*;

use crate::following::cursor::Cursor;
use crate::following::{CommitFeed, Consumer, End, FollowError, Note, Options, Start, TICK, Taken, follow};
use crate::retry::{Clock, Interrupt};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::history::CommitHistory;
use spoutctl_core::pfs::{Branch, BranchInfo, BranchName, Commit, CommitId, CommitInfo, ProjectName, Repo, RepoName};

/// What happens to the branch meanwhile.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// A commit is started on the head, unless that is open.
    Start,
    /// The open head is closed for writing.
    Close,
    /// The oldest that is closed is finished.
    Finish,
    FinishWithError,
    /// All three at once.
    Commit,
    /// The head goes, if it is finished.
    Drop,
    /// A finished commit so far behind the head goes, and its children become its parent's.
    Squash(usize),
    /// The head is an ancestor now.
    MoveBack(usize),
    DeleteBranch,
    DeleteRepo,
    Nothing,
}

/// How a call goes.
#[derive(Debug, Clone, Copy)]
pub enum Luck {
    Good,
    /// It breaks after so many messages.
    Breaks(usize),
    /// Of a subscription: it never says anything.
    Deaf,
    /// Of a subscription: it leaves out each so many-th.
    Skips(usize),
    /// Of a subscription: it says everything twice.
    Stutters,
    /// What pachd says when something inside it failed.
    Panics,
}

pub fn luck() -> impl Strategy<Value = Luck> {
    prop_oneof![
        4 => Just(Luck::Good),
        4 => (0_usize..8).prop_map(Luck::Breaks),
        1 => Just(Luck::Deaf),
        1 => (1_usize..4).prop_map(Luck::Skips),
        1 => Just(Luck::Stutters),
        1 => Just(Luck::Panics),
    ]
}

#[derive(Debug, Clone)]
struct Node {
    id: CommitId,
    parent: Option<usize>,
    closed: bool,
    finished: bool,
    error: bool,
}

#[derive(Debug, Default)]
struct History {
    nodes: Vec<Node>,
    gone: Vec<usize>,
    head: Option<usize>,
    no_branch: bool,
    no_repo: bool,
}

pub fn id(number: usize) -> CommitId {
    CommitId::new(&format!("{number:012x}4{:019x}", 0)).unwrap()
}

pub fn commit(id: CommitId) -> Commit {
    Commit {
        repo: branch().repo,
        branch: branch().name,
        id,
    }
}

/// A finished commit of a line without end.
pub fn info(number: usize) -> CommitInfo {
    CommitInfo {
        origin: spoutctl_core::pfs::Origin::User,
        commit: commit(id(number)),
        parent: number.checked_sub(1).map(id).map(commit),
        description: String::new(),
        started: None,
        finishing: None,
        finished: Some(Timestamp::UNIX_EPOCH),
        error: String::new(),
        size_bytes: 0,
    }
}

impl History {
    fn start(&mut self) -> bool {
        if self.head.is_some_and(|head| !self.nodes[head].closed) {
            return false;
        }
        (self.no_branch, self.no_repo) = (false, false);
        self.nodes.push(Node {
            id: id(self.nodes.len()),
            parent: self.head,
            closed: false,
            finished: false,
            error: false,
        });
        self.head = Some(self.nodes.len() - 1);
        true
    }

    fn close(&mut self) {
        if let Some(head) = self.head {
            self.nodes[head].closed = true;
        }
    }

    fn finish(&mut self, error: bool) {
        let oldest = self.line().into_iter().rev().find(|at| !self.nodes[*at].finished);
        if let Some(node) = oldest.map(|at| &mut self.nodes[at]).filter(|node| node.closed) {
            (node.finished, node.error) = (true, error);
        }
    }

    fn back(&self, steps: usize) -> Option<usize> {
        self.line().get(steps).copied().filter(|at| self.nodes[*at].finished)
    }

    fn do_step(&mut self, step: Step) {
        match step {
            Step::Start => drop(self.start()),
            Step::Close => self.close(),
            Step::Finish => self.finish(false),
            Step::FinishWithError => self.finish(true),
            Step::Commit => {
                if self.start() {
                    self.close();
                    while self.line().iter().any(|at| !self.nodes[*at].finished) {
                        self.finish(false);
                    }
                }
            }
            Step::Drop => {
                if let Some(head) = self.back(0) {
                    self.gone.push(head);
                    self.head = self.nodes[head].parent;
                }
            }
            Step::Squash(steps) => {
                if let Some(at) = self.back(steps).filter(|at| Some(*at) != self.head) {
                    self.gone.push(at);
                    let parent = self.nodes[at].parent;
                    for node in self.nodes.iter_mut().filter(|node| node.parent == Some(at)) {
                        node.parent = parent;
                    }
                }
            }
            Step::MoveBack(steps) => {
                if let Some(at) = self.back(steps) {
                    self.head = Some(at);
                }
            }
            Step::DeleteBranch => (self.head, self.no_branch) = (None, true),
            Step::DeleteRepo => {
                self.gone = (0..self.nodes.len()).collect();
                (self.head, self.no_branch, self.no_repo) = (None, true, true);
            }
            Step::Nothing => {}
        }
    }

    /// The branch's commits, newest first.
    fn line(&self) -> Vec<usize> {
        std::iter::successors(self.head, |at| self.nodes[*at].parent).collect()
    }

    fn info(&self, at: usize) -> CommitInfo {
        let node = &self.nodes[at];
        let time = |second: usize| Timestamp::from_second(i64::try_from(second).unwrap()).unwrap();
        CommitInfo {
            origin: spoutctl_core::pfs::Origin::User,
            commit: commit(node.id.clone()),
            parent: node.parent.map(|at| commit(self.nodes[at].id.clone())),
            description: String::new(),
            started: Some(time(at)),
            finishing: node.closed.then(|| time(at)),
            finished: node.finished.then(|| time(at)),
            error: if node.error {
                "given up".to_owned()
            } else {
                String::new()
            },
            size_bytes: 0,
        }
    }
}

pub fn branch() -> Branch {
    Branch {
        repo: Repo {
            project: ProjectName::new("default").unwrap(),
            name: RepoName::new("events").unwrap(),
        },
        name: BranchName::new("master").unwrap(),
    }
}

/// Time that passes only when somebody waits.
#[derive(Debug)]
pub struct Time(Mutex<Instant>);

impl Time {
    fn pass(&self, time: Duration) {
        *self.0.lock() += time;
    }
}

impl Clock for Time {
    fn now(&self) -> Instant {
        *self.0.lock()
    }

    fn pause(&self, pause: Duration, _: &Interrupt) {
        self.pass(pause);
    }
}

/// The branch, and what happens to it call by call.
pub struct World {
    history: RefCell<History>,
    steps: RefCell<VecDeque<Step>>,
    luck: RefCell<VecDeque<Luck>>,
    /// How many calls are made between two steps.
    pace: usize,
    calls: Cell<usize>,
    pub time: Time,
    /// When the last step was done.
    quiet_since: Cell<Option<Instant>>,
    pub listed: Cell<usize>,
    /// Every subscription breaks at once.
    pub no_subscription: Cell<bool>,
}

impl World {
    pub fn new(steps: Vec<Step>, luck: Vec<Luck>, pace: usize) -> Self {
        Self {
            history: RefCell::default(),
            steps: RefCell::new(steps.into()),
            luck: RefCell::new(luck.into()),
            pace: pace.max(1),
            calls: Cell::new(0),
            time: Time(Mutex::new(Instant::now())),
            quiet_since: Cell::new(None),
            listed: Cell::new(0),
            no_subscription: Cell::new(false),
        }
    }

    /// With so many finished commits.
    pub fn with(commits: usize) -> Self {
        let world = Self::new(Vec::new(), Vec::new(), 1);
        let mut history = world.history.borrow_mut();
        for at in 0..commits {
            history.nodes.push(Node {
                id: id(at),
                parent: at.checked_sub(1),
                closed: true,
                finished: true,
                error: false,
            });
        }
        history.head = commits.checked_sub(1);
        drop(history);
        world
    }

    pub fn now(&self, step: Step) {
        self.history.borrow_mut().do_step(step);
    }

    /// Later, one after the other.
    pub fn then(&self, steps: &[Step]) {
        self.steps.borrow_mut().extend(steps);
        self.quiet_since.set(None);
    }

    /// The ids of the finished commits before the first that is not, oldest first.
    pub fn deliverable(&self) -> Vec<CommitId> {
        let history = self.history.borrow();
        let line = history.line().into_iter().rev().map(|at| &history.nodes[at]);
        line.take_while(|node| node.finished)
            .map(|node| node.id.clone())
            .collect()
    }

    fn step(&self) {
        self.calls.set(self.calls.get() + 1);
        if !self.calls.get().is_multiple_of(self.pace) {
            return;
        }
        match self.steps.borrow_mut().pop_front() {
            Some(step) => self.history.borrow_mut().do_step(step),
            None if self.luck.borrow().is_empty() && self.quiet_since.get().is_none() => {
                self.quiet_since.set(Some(self.time.now()));
            }
            None => {}
        }
    }

    fn luck(&self) -> Luck {
        self.step();
        self.luck.borrow_mut().pop_front().unwrap_or(Luck::Good)
    }

    /// Whether nothing has happened for so long that everything must have been noticed.
    pub fn is_over(&self) -> bool {
        let quiet = self.quiet_since.get();
        quiet.is_some_and(|since| self.time.now() - since > Duration::from_secs(70))
    }

    fn exists(&self) -> Result<(), Fault> {
        if self.history.borrow().no_repo {
            return Err(Fault::new(FaultKind::NotFound, "repo not found"));
        }
        Ok(())
    }

    fn show(
        &self,
        line: Vec<usize>,
        luck: Luck,
        visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        for (shown, at) in line.into_iter().enumerate() {
            if matches!(luck, Luck::Breaks(after) if after == shown) {
                return Err(broken());
            }
            let info = self.history.borrow().info(at);
            self.listed.set(self.listed.get() + 1);
            if visit(info).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn broken() -> Fault {
    Fault::new(FaultKind::Unavailable, "the stream broke")
}

impl CommitHistory for World {
    fn repo_exists(&self, _: &Repo) -> Result<bool, Fault> {
        Ok(!self.history.borrow().no_repo)
    }

    fn inspect_branch(&self, _: &Branch) -> Result<Option<BranchInfo>, Fault> {
        if matches!(self.luck(), Luck::Breaks(0) | Luck::Panics) {
            return Err(broken());
        }
        self.exists()?;
        let history = self.history.borrow();
        Ok((!history.no_branch).then(|| BranchInfo {
            head: history.head.map(|at| commit(history.nodes[at].id.clone())),
            has_provenance: false,
        }))
    }

    fn inspect_commit(&self, commit: &Commit) -> Result<CommitInfo, Fault> {
        let history = self.history.borrow();
        let at = history.nodes.iter().position(|node| node.id == commit.id);
        match at.filter(|at| !history.gone.contains(at)) {
            Some(at) => Ok(history.info(at)),
            None => Err(Fault::new(FaultKind::NotFound, "no such commit")),
        }
    }

    fn list_commits(&self, _: &Branch, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        let luck = self.luck();
        if matches!(luck, Luck::Panics) {
            return Err(broken());
        }
        self.exists()?;
        let line = self.history.borrow().line();
        self.show(line, luck, visit)
    }
}

impl CommitFeed for World {
    fn list_line(&self, newest: &Commit, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        let luck = self.luck();
        let line = {
            let history = self.history.borrow();
            let at = history.nodes.iter().position(|node| node.id == newest.id);
            match at.filter(|at| !history.gone.contains(at)) {
                Some(at) => std::iter::successors(Some(at), |at| history.nodes[*at].parent).collect(),
                None => return Err(Fault::new(FaultKind::NotFound, "no such commit")),
            }
        };
        self.show(line, luck, visit)
    }

    /// As pachd's: everything that was ever made on the branch and still is there, oldest first, each when it is
    /// finished.
    fn watch(&self, _: &Branch, visit: &mut dyn FnMut(Option<CommitInfo>) -> ControlFlow<()>) -> Result<(), Fault> {
        let luck = self.luck();
        let (mut next, mut shown) = (0, 0);
        loop {
            if self.no_subscription.get()
                || matches!(luck, Luck::Panics)
                || matches!(luck, Luck::Breaks(after) if after <= shown)
            {
                return Err(broken());
            }
            let ready = {
                let history = self.history.borrow();
                while history.gone.contains(&next) {
                    next += 1;
                }
                let is_ready = history.nodes.get(next).is_some_and(|node| node.finished);
                is_ready.then(|| history.info(next))
            };
            let told = match (ready, luck) {
                (Some(info), Luck::Good | Luck::Breaks(_) | Luck::Panics | Luck::Stutters) => Some(info),
                (Some(info), Luck::Skips(each)) if !next.is_multiple_of(each + 1) => Some(info),
                _ => None,
            };
            if next < self.history.borrow().nodes.len() && self.history.borrow().nodes[next].finished {
                next += 1;
            }
            shown += 1;
            if told.is_none() {
                self.time.pass(TICK);
            }
            self.step();
            let twice = matches!(luck, Luck::Stutters).then(|| told.clone());
            if visit(told).is_break() || twice.is_some_and(|again| visit(again).is_break()) {
                return Ok(());
            }
            // No subscription of such a script lives for ever: the proxy cuts it.
            if matches!(luck, Luck::Deaf | Luck::Skips(_)) && shown > 2000 {
                return Err(broken());
            }
        }
    }
}

/// Remembers what it is given.
pub struct RecordingConsumer<'a> {
    world: &'a World,
    pub taken: Vec<CommitInfo>,
    pub notes: Vec<Note>,
    /// What to say to each commit.
    pub answer: Box<dyn FnMut(&CommitInfo) -> Taken>,
}

impl<'a> RecordingConsumer<'a> {
    pub fn of(world: &'a World) -> Self {
        Self {
            world,
            taken: Vec::new(),
            notes: Vec::new(),
            answer: Box::new(|_| Taken::Delivered),
        }
    }

    pub fn ids(&self) -> Vec<CommitId> {
        self.taken.iter().map(|info| info.commit.id.clone()).collect()
    }

    pub fn follow(&mut self, options: &Options, cursor: Option<&mut Cursor>) -> Result<End, FollowError> {
        let world = self.world;
        follow(world, &branch(), options, cursor, self, &world.time, &Interrupt::new())
    }
}

impl Consumer for RecordingConsumer<'_> {
    fn take(&mut self, commit: &CommitInfo) -> Taken {
        let answer = (self.answer)(commit);
        if answer != Taken::No {
            self.taken.push(commit.clone());
        }
        answer
    }

    fn is_gone(&mut self) -> bool {
        self.world.is_over()
    }

    fn note(&mut self, note: &Note) {
        self.notes.push(note.clone());
    }
}

pub fn options(start: Start) -> Options {
    Options {
        start,
        follow: true,
        wait_for_branch: false,
        strict: false,
        deadline: None,
        retry_for: Duration::from_hours(1),
    }
}

pub fn until_the_head(start: Start) -> Options {
    Options {
        follow: false,
        ..options(start)
    }
}
