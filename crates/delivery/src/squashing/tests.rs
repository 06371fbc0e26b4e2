//! Histories of the embedded store, squashed: what is read, what stays, and what breaks on the way.

mod beside;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;

use jiff::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::retry::SystemClock;
use crate::tests::stored::{self, Tree};
use spoutctl_core::pfs::{BranchName, Commit, CommitInfo, Destination, FileSetId};
use spoutctl_core::sink::{Change, Changes};
use spoutctl_store::Store;

#[derive(Debug, Clone)]
enum Edit {
    Delete(u8),
    Append(u8, u8),
}

struct Edits(Vec<Edit>, usize, String);

impl Changes for Edits {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        let Some(edit) = self.0.get(self.1) else {
            return Ok(None);
        };
        self.1 += 1;
        let (Edit::Delete(path) | Edit::Append(path, _)) = edit;
        self.2 = format!("/{path}");
        Ok(Some(match edit {
            Edit::Delete(_) => Change::Delete { path: &self.2 },
            Edit::Append(_, byte) => Change::Append {
                path: &self.2,
                data: vec![*byte].into(),
            },
        }))
    }
}

/// What happens to a repo.
#[derive(Debug, Clone)]
enum Step {
    /// A commit on one of three branches; perhaps with an error.
    Commit {
        branch: u8,
        edits: Vec<Edit>,
        errored: bool,
    },
    /// A branch is set to a commit of `master`.
    Move { branch: u8, to: usize },
    /// A commit that has another one of its id in another repo.
    Both(Vec<Edit>),
}

fn branch_of(number: u8) -> Branch {
    let name = ["master", "one", "two"][usize::from(number)];
    let branch = "events".parse::<Destination>().unwrap().branch;
    Branch {
        name: BranchName::new(name).unwrap(),
        ..branch
    }
}

fn other_repo() -> Branch {
    "other".parse::<Destination>().unwrap().branch
}

struct World {
    store: Store,
    _directory: TempDir,
}

impl World {
    fn new(steps: &[Step]) -> Self {
        let (store, directory) = stored::store(&[branch_of(0), other_repo()]);
        let world = Self {
            store,
            _directory: directory,
        };
        for step in steps {
            world.take(step);
        }
        world
    }

    fn take(&self, step: &Step) {
        match step {
            Step::Commit { branch, edits, errored } => {
                self.commit(&branch_of(*branch), edits, errored.then_some("bad"), "");
            }
            Step::Move { branch, to } => {
                let line = self.line(&branch_of(0));
                if let Some(info) = line.get(to % line.len().max(1)) {
                    let staging = self.store.staging().unwrap();
                    staging.create_branch(&branch_of(*branch), Some(&info.commit)).unwrap();
                }
            }
            Step::Both(edits) => {
                let routing = self.store.routing().unwrap();
                let transaction = routing.start_transaction().unwrap();
                let started = [branch_of(0), other_repo()].map(|branch| {
                    let id = routing.start_commit_in(&transaction, &branch, "").unwrap();
                    commit_on(&branch, id)
                });
                routing.finish_transaction(&transaction).unwrap();
                for commit in started {
                    let file_set = self.file_set(edits);
                    self.store.add_file_set(&commit, &file_set).unwrap();
                    self.store.finish_commit(&commit, "", None).unwrap();
                }
            }
        }
    }

    fn file_set(&self, edits: &[Edit]) -> FileSetId {
        let mut edits = Edits(edits.to_vec(), 0, String::new());
        self.store.create_file_set(&mut edits).unwrap()
    }

    fn commit(&self, branch: &Branch, edits: &[Edit], error: Option<&str>, description: &str) -> CommitId {
        let file_set = self.file_set(edits);
        let id = self.store.start_commit(branch, description).unwrap();
        let commit = commit_on(branch, id.clone());
        self.store.add_file_set(&commit, &file_set).unwrap();
        self.store.finish_commit(&commit, description, error).unwrap();
        id
    }

    /// Newest first.
    fn line(&self, branch: &Branch) -> Vec<CommitInfo> {
        stored::line(&self.store, branch)
    }

    fn tree(&self, commit: &Commit) -> Tree {
        stored::tree(&self.store, commit)
    }

    /// What is read at every commit of every branch that is finished without an error, and each branch's head.
    fn everything(&self) -> (BTreeMap<String, Tree>, Vec<Option<CommitId>>) {
        let branches = [branch_of(0), branch_of(1), branch_of(2), other_repo()];
        let lines = branches.each_ref().map(|branch| self.line(branch));
        let heads = lines.iter().map(|line| line.first().map(|info| info.commit.id.clone()));
        let heads = heads.collect();
        let good = lines.iter().flatten().filter(|info| info.is_good());
        let key = |info: &CommitInfo| format!("{}@{}", info.commit.repo, info.commit.id);
        (good.map(|info| (key(info), self.tree(&info.commit))).collect(), heads)
    }

    fn squashing<'a>(&'a self, store: &'a dyn SquashingSink, interrupt: &'a Interrupt) -> Squashing<'a> {
        Squashing {
            sink: &self.store,
            store,
            clock: &SystemClock,
            interrupt,
            retry_for: Duration::ZERO,
            retrying: &|_| {},
        }
    }

    /// Squashes, and gives up after so many; what went.
    fn squash(&self, wish: &Wish, most: usize) -> (Plan, Vec<CommitId>) {
        let interrupt = Interrupt::new();
        let squashing = self.squashing(&self.store, &interrupt);
        let plan = squashing.plan(wish).unwrap();
        let mut gone = Vec::new();
        squashing
            .carry_out(wish, &plan, true, &mut |id, fate| {
                if matches!(fate, Fate::Squashed { .. }) {
                    gone.push(id.clone());
                }
                if gone.len() >= most {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
            .unwrap();
        (plan, gone)
    }
}

fn commit_on(branch: &Branch, id: CommitId) -> Commit {
    Commit {
        repo: branch.repo.clone(),
        branch: branch.name.clone(),
        id,
    }
}

fn all() -> Wish {
    Wish {
        branch: branch_of(0),
        before: Timestamp::MAX,
        keep_every: None,
        keep: HashSet::new(),
        downstream: false,
    }
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        1 => (0..4_u8).prop_map(Edit::Delete),
        3 => (0..4_u8, any::<u8>()).prop_map(|(path, byte)| Edit::Append(path, byte)),
    ];
    proptest::collection::vec(edit, 1..4)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (edits(), proptest::bool::weighted(0.15)).prop_map(|(edits, errored)| Step::Commit { branch: 0, edits, errored }),
        3 => (1..3_u8, edits(), any::<bool>()).prop_map(|(branch, edits, errored)| Step::Commit { branch, edits, errored }),
        2 => (1..3_u8, any::<usize>()).prop_map(|(branch, to)| Step::Move { branch, to }),
        1 => edits().prop_map(Step::Both),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever a repo's history is, whatever is to stay, and wherever a first run is killed.
    #[test]
    fn what_stays_reads_as_before_and_what_has_to_stay_stays(
        steps in proptest::collection::vec(step(), 1..25),
        named in proptest::collection::hash_set(any::<usize>(), 0..3),
        before in proptest::option::of(any::<usize>()),
        milliseconds in proptest::option::of(1..40_u64),
        killed_after in 1..6_usize,
    ) {
        let world = World::new(&steps);
        let line = world.line(&branch_of(0));
        prop_assume!(!line.is_empty());
        let pick = |number: &usize| &line[number % line.len()];
        let wish = Wish {
            keep: named.iter().map(|number| pick(number).commit.id.clone()).collect(),
            before: before.and_then(|number| pick(&number).finished).unwrap_or(Timestamp::MAX),
            keep_every: milliseconds.map(Duration::from_millis),
            ..all()
        };
        let (read, heads) = world.everything();
        let (first, mut gone) = world.squash(&wish, killed_after);
        let (second, more) = world.squash(&wish, usize::MAX);
        gone.extend(more);
        // The second run has the plan of the first, without what went.
        let left: Vec<CommitId> = first.goes().filter(|id| !gone[..gone.len().min(killed_after)].contains(id)).collect();
        prop_assert_eq!(second.goes().collect::<Vec<_>>(), left);
        let (read_after, heads_after) = world.everything();
        prop_assert_eq!(heads, heads_after);
        let gone: BTreeSet<String> = gone.iter().map(|id| format!("{}@{id}", branch_of(0).repo)).collect();
        for (commit, tree) in &read {
            prop_assert_eq!(read_after.get(commit), Some(tree).filter(|_| !gone.contains(commit)), "{}", commit);
        }
        let after: HashSet<CommitId> = world.line(&branch_of(0)).into_iter().map(|info| info.commit.id).collect();
        let mut periods = BTreeSet::new();
        for (at, info) in line.iter().enumerate() {
            let finished = info.finished.unwrap();
            let is_newest = wish.keep_every.is_some_and(|every| {
                let period = finished.as_nanosecond() / i128::try_from(every.as_nanos()).unwrap();
                info.is_good() && periods.insert(period)
            });
            let has_to_stay = at == 0
                || !info.error.is_empty()
                || finished >= wish.before
                || wish.keep.contains(&info.commit.id)
                || is_newest
                || !line[at - 1].error.is_empty();
            prop_assert!(!has_to_stay || after.contains(&info.commit.id), "{:?}", info);
        }
        // Nothing is left to be done but for what others share.
        let (_, none) = world.squash(&wish, usize::MAX);
        prop_assert_eq!(none, Vec::new());
    }
}

#[test]
fn a_long_history_becomes_its_head_and_what_was_asked_for() {
    let world = World::new(&[]);
    let ids: Vec<CommitId> = (0..10)
        .map(|number| world.commit(&branch_of(0), &[Edit::Append(number, number)], None, ""))
        .collect();
    let wish = Wish {
        keep: [ids[3].clone()].into(),
        ..all()
    };
    let (plan, gone) = world.squash(&wish, usize::MAX);
    assert_eq!((gone.len(), plan.commits()), (8, 10));
    assert_eq!(plan.stays, BTreeMap::from([(Reason::Head, 1), (Reason::Named, 1)]));
    let line = world.line(&branch_of(0));
    let left: Vec<&CommitId> = line.iter().map(|info| &info.commit.id).collect();
    assert_eq!(left, [&ids[9], &ids[3]]);
    assert_eq!(world.tree(&line[1].commit).len(), 4);
    assert_eq!(world.tree(&line[0].commit).len(), 10);
}

#[test]
fn the_newest_commits_of_each_stream_with_a_name_stay() {
    let world = World::new(&[]);
    let mark =
        |stream: &str, number: u64| format!("spoutctl/1 stream={stream} seq={number} sha256={} done", "0".repeat(64));
    let nobodys = crate::mark::StreamName::random();
    assert!(nobodys.is_random());
    let of_nobody = world.commit(&branch_of(0), &[Edit::Append(0, 0)], None, &mark(nobodys.as_str(), 1));
    world.commit(&branch_of(0), &[Edit::Append(0, 0)], None, &mark("old", 7));
    let ids: Vec<CommitId> = (1..=204)
        .map(|number| world.commit(&branch_of(0), &[Edit::Append(1, 1)], None, &mark("s", number)))
        .collect();
    let (plan, gone) = world.squash(&all(), usize::MAX);
    assert_eq!(gone, [&[of_nobody], &ids[..4]].concat());
    // The head is of the stream, too.
    assert_eq!(plan.stays, BTreeMap::from([(Reason::Head, 1), (Reason::Stream, 200)]));
}

#[test]
fn the_stream_of_a_spool_stays_however_many_failed_after_it() {
    let world = World::new(&[]);
    let stream = crate::mark::StreamName::of_spool();
    assert!(!stream.is_random());
    let mark = |stage: &str| format!("spoutctl/1 stream={stream} seq=1 sha256={}{stage}", "0".repeat(64));
    let commit = |error, description: &str| world.commit(&branch_of(0), &[Edit::Append(1, 1)], error, description);
    let done = commit(None, &mark(" done"));
    let other = commit(None, "");
    // The one before a commit with an error stays by itself.
    commit(None, "");
    for _ in 0..=200 {
        commit(Some("bad"), &mark(" given-up"));
    }
    commit(None, "");
    let (_, gone) = world.squash(&all(), usize::MAX);
    assert_eq!(gone, [other]);
    assert!(world.line(&branch_of(0)).iter().any(|info| info.commit.id == done));
}

#[test]
fn what_others_have_made_of_it_or_stand_on_is_told_and_stays() {
    let world = World::new(&[]);
    let commit = || world.commit(&branch_of(0), &[Edit::Append(1, 1)], None, "");
    commit();
    world.take(&Step::Both(vec![Edit::Append(2, 2)]));
    let forked = commit();
    commit();
    commit();
    let staging = world.store.staging().unwrap();
    staging
        .create_branch(&branch_of(1), Some(&commit_on(&branch_of(0), forked.clone())))
        .unwrap();
    world.commit(&branch_of(1), &[Edit::Append(3, 3)], None, "");
    let (plan, gone) = world.squash(&all(), usize::MAX);
    assert_eq!(gone.len(), 2);
    assert_eq!(plan.stays, BTreeMap::from([(Reason::Head, 1), (Reason::Branch, 1)]));
    let left = world.line(&branch_of(0));
    assert_eq!(left.len(), 3);
    assert_eq!(left[1].commit.id, forked);
}

#[test]
fn a_branch_or_a_commit_that_is_not_there_is_said_and_nothing_goes() {
    let world = World::new(&[]);
    let interrupt = Interrupt::new();
    let squashing = world.squashing(&world.store, &interrupt);
    assert!(matches!(squashing.plan(&all()), Err(SquashError::NoBranch(_))));
    let commit = || world.commit(&branch_of(0), &[Edit::Append(1, 1)], None, "");
    commit();
    let gone = commit();
    let keeping = Wish {
        keep: [gone.clone()].into(),
        ..all()
    };
    assert_eq!(squashing.plan(&keeping).unwrap().going(), 1);
    world
        .store
        .drop_commit(&commit_on(&branch_of(0), gone.clone()))
        .unwrap();
    let planned = squashing.plan(&keeping);
    assert!(
        matches!(&planned, Err(SquashError::NotOnBranch { id, .. }) if *id == gone),
        "{planned:?}"
    );
}

#[test]
fn a_branch_that_somebody_makes_meanwhile_keeps_what_it_stands_on() {
    let world = World::new(&[]);
    let ids: Vec<CommitId> = (0..150)
        .map(|_| world.commit(&branch_of(0), &[Edit::Append(1, 1)], None, ""))
        .collect();
    let interrupt = Interrupt::new();
    let squashing = world.squashing(&world.store, &interrupt);
    let plan = squashing.plan(&all()).unwrap();
    assert_eq!(plan.going(), 149);
    let mut stayed = Vec::new();
    let told = &mut |id: &CommitId, fate: Fate| {
        if *id == ids[0] {
            let staging = world.store.staging().unwrap();
            let on = commit_on(&branch_of(0), ids[120].clone());
            staging.create_branch(&branch_of(1), Some(&on)).unwrap();
        }
        if let Fate::Stays(reason, _) = fate {
            stayed.push((id.clone(), reason));
        }
        ControlFlow::Continue(())
    };
    squashing.carry_out(&all(), &plan, true, told).unwrap();
    assert_eq!(stayed, [(ids[120].clone(), Reason::Branch)]);
    let left: Vec<CommitId> = world
        .line(&branch_of(0))
        .into_iter()
        .map(|info| info.commit.id)
        .collect();
    assert_eq!(left, [ids[149].clone(), ids[120].clone()]);
}
