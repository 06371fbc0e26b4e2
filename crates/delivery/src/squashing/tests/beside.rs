//! What others have of a commit's id, as pachd tells it of pipelines, which the embedded store does not run; and
//! answers that are lost on the way.

use std::cell::RefCell;
use std::collections::VecDeque;

use super::*;
use crate::retry::Clock;
use spoutctl_core::commit_set::{Member, RepoType, TypedCommit, TypedRepo};
use spoutctl_core::pfs::{Origin, Repo, RepoName};

/// How a call for the end of a set ends.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Given,
    /// It was carried out, and nobody heard of it.
    Lost,
    /// It never came there.
    Unreached,
    Refused,
}

/// The store, and what pipelines have made of its commits.
struct Beside<'a> {
    store: &'a Store,
    members: Vec<Member>,
    heads: Vec<(BranchName, Option<CommitId>)>,
    answers: RefCell<VecDeque<Answer>>,
    calls: RefCell<Vec<CommitId>>,
}

impl<'a> Beside<'a> {
    fn new(world: &'a World, members: Vec<Member>) -> Self {
        Self {
            store: &world.store,
            members,
            heads: Vec::new(),
            answers: RefCell::default(),
            calls: RefCell::default(),
        }
    }
}

impl SquashingSink for Beside<'_> {
    fn list_heads(&self, repo: &TypedRepo) -> Result<Vec<(BranchName, Option<CommitId>)>, Fault> {
        if repo.repo == branch_of(0).repo && repo.of == RepoType::User {
            return self.store.list_heads(repo);
        }
        Ok(self.heads.clone())
    }

    fn inspect_commit_set(&self, id: &CommitId) -> Result<Vec<Member>, Fault> {
        let mut set = self.store.inspect_commit_set(id)?;
        if !set.is_empty() {
            let of_id = self.members.iter().filter(|member| member.commit.commit.id == *id);
            set.extend(of_id.cloned());
        }
        Ok(set)
    }

    fn inspect_member(&self, commit: &TypedCommit) -> Result<Member, Fault> {
        let found = self.members.iter().find(|member| member.commit == *commit);
        found.map_or_else(|| self.store.inspect_member(commit), |member| Ok(member.clone()))
    }

    fn squash_commit_set(&self, id: &CommitId) -> Result<(), Fault> {
        self.calls.borrow_mut().push(id.clone());
        match self.answers.borrow_mut().pop_front() {
            None | Some(Answer::Given) => self.store.squash_commit_set(id),
            Some(Answer::Lost) => {
                self.store.squash_commit_set(id)?;
                Err(Fault::new(FaultKind::Unknown, "connection reset"))
            }
            Some(Answer::Unreached) => Err(Fault::new(FaultKind::Unavailable, "connection refused")),
            Some(Answer::Refused) => Err(Fault::new(FaultKind::Refused, "it has subvenant commit sets")),
        }
    }
}

fn of_pipeline(id: &CommitId, of: RepoType) -> TypedCommit {
    let repo = Repo {
        name: RepoName::new("dedup").unwrap(),
        ..branch_of(0).repo
    };
    TypedCommit {
        commit: Commit {
            repo,
            branch: BranchName::default(),
            id: id.clone(),
        },
        of,
    }
}

fn output(id: &CommitId, children: &[&CommitId]) -> Member {
    let child = |child: &&CommitId| of_pipeline(child, RepoType::User);
    Member {
        commit: of_pipeline(id, RepoType::User),
        origin: Origin::Auto,
        is_good: true,
        children: children.iter().map(child).collect(),
        subvenance: Vec::new(),
    }
}

/// What becomes of the first of three commits.
fn fate_of_first(downstream: bool, members: impl Fn(&[CommitId]) -> Vec<Member>, head: Option<usize>) -> Fate {
    let world = World::new(&[]);
    let ids: Vec<CommitId> = (0..3)
        .map(|_| world.commit(&branch_of(0), &[Edit::Append(1, 1)], None, ""))
        .collect();
    let mut beside = Beside::new(&world, members(&ids));
    beside.heads = vec![(BranchName::default(), head.map(|at| ids[at].clone()))];
    let interrupt = Interrupt::new();
    let squashing = world.squashing(&beside, &interrupt);
    let wish = Wish { downstream, ..all() };
    let plan = squashing.plan(&wish).unwrap();
    let mut first = None;
    let told = &mut |id: &CommitId, fate: Fate| {
        if *id == ids[0] {
            first = Some(fate);
        }
        ControlFlow::Continue(())
    };
    squashing.carry_out(&wish, &plan, true, told).unwrap();
    let first = first.unwrap();
    let is_gone = world.line(&branch_of(0)).iter().all(|info| info.commit.id != ids[0]);
    assert_eq!(is_gone, matches!(first, Fate::Squashed { .. }));
    first
}

fn stays(fate: &Fate) -> Option<Reason> {
    match fate {
        Fate::Squashed { .. } => None,
        Fate::Stays(reason, _) => Some(*reason),
    }
}

#[test]
fn what_a_pipeline_made_goes_along_only_when_that_was_wished_for() {
    let made = |ids: &[CommitId]| {
        vec![
            output(&ids[0], &[&ids[1]]),
            output(&ids[1], &[&ids[2]]),
            output(&ids[2], &[]),
        ]
    };
    let fate = fate_of_first(false, made, Some(2));
    assert_eq!(fate, Fate::Stays(Reason::Downstream, Some("default/dedup".to_owned())));
    assert_eq!(fate_of_first(true, made, Some(2)), Fate::Squashed { others: 1 });
}

#[test]
fn a_pipelines_unfinished_failed_or_newest_work_keeps_its_commit() {
    let bad = |member: Member| Member {
        is_good: false,
        ..member
    };
    let next_is_bad = |ids: &[CommitId]| vec![output(&ids[0], &[&ids[1]]), bad(output(&ids[1], &[]))];
    assert_eq!(
        stays(&fate_of_first(true, next_is_bad, Some(1))),
        Some(Reason::Unfinished)
    );
    let is_bad = |ids: &[CommitId]| vec![bad(output(&ids[0], &[&ids[1]])), output(&ids[1], &[])];
    assert_eq!(stays(&fate_of_first(true, is_bad, Some(1))), Some(Reason::Unfinished));
    let is_newest = |ids: &[CommitId]| vec![output(&ids[0], &[])];
    assert_eq!(stays(&fate_of_first(true, is_newest, None)), Some(Reason::Unfinished));
    let is_head = |ids: &[CommitId]| vec![output(&ids[0], &[&ids[1]]), output(&ids[1], &[])];
    assert_eq!(stays(&fate_of_first(true, is_head, Some(0))), Some(Reason::Unfinished));
}

#[test]
fn what_has_another_id_and_was_made_of_it_keeps_it_and_so_does_what_somebody_wrote_beside_it() {
    let made_of_it = |ids: &[CommitId]| {
        let with_other = Member {
            subvenance: vec![ids[2].clone()],
            ..output(&ids[0], &[&ids[1]])
        };
        vec![with_other, output(&ids[1], &[])]
    };
    assert_eq!(stays(&fate_of_first(true, made_of_it, None)), Some(Reason::Provenance));
    let somebodys = |ids: &[CommitId]| {
        let written = Member {
            origin: Origin::User,
            ..output(&ids[0], &[&ids[1]])
        };
        vec![written, output(&ids[1], &[])]
    };
    assert_eq!(stays(&fate_of_first(true, somebodys, None)), Some(Reason::Shared));
}

#[test]
fn an_alias_keeps_its_commit_whatever_it_stands_for() {
    let alias = |of: RepoType| {
        move |ids: &[CommitId]| {
            let standing_for = |id: &CommitId, children: &[&CommitId]| Member {
                commit: of_pipeline(id, of),
                origin: Origin::Alias,
                children: children.iter().map(|child| of_pipeline(child, of)).collect(),
                ..output(id, &[])
            };
            vec![standing_for(&ids[0], &[&ids[1]]), standing_for(&ids[1], &[])]
        }
    };
    for of in [RepoType::Spec, RepoType::User] {
        assert_eq!(stays(&fate_of_first(true, alias(of), Some(1))), Some(Reason::Shared));
    }
}

/// A clock whose pauses take no time.
struct Quick;

impl Clock for Quick {
    fn now(&self) -> std::time::Instant {
        std::time::Instant::now()
    }
    fn pause(&self, _: Duration, _: &Interrupt) {}
}

#[test]
fn a_lost_answer_is_looked_after_and_a_call_that_never_came_there_is_made_again() {
    let world = World::new(&[]);
    let ids: Vec<CommitId> = (0..4)
        .map(|_| world.commit(&branch_of(0), &[Edit::Append(1, 1)], None, ""))
        .collect();
    let beside = Beside::new(&world, Vec::new());
    let answers = [Answer::Lost, Answer::Unreached, Answer::Given, Answer::Refused];
    *beside.answers.borrow_mut() = answers.into();
    let interrupt = Interrupt::new();
    let heard = RefCell::new(0);
    let squashing = Squashing {
        clock: &Quick,
        retry_for: Duration::from_mins(1),
        retrying: &|_| *heard.borrow_mut() += 1,
        ..world.squashing(&beside, &interrupt)
    };
    let plan = squashing.plan(&all()).unwrap();
    let mut fates = Vec::new();
    let told = &mut |_: &CommitId, fate| {
        fates.push(fate);
        ControlFlow::Continue(())
    };
    squashing.carry_out(&all(), &plan, true, told).unwrap();
    let words = "it has subvenant commit sets".to_owned();
    // Of the one whose answer was lost nothing is left to be counted.
    let squashed = Fate::Squashed { others: 0 };
    let refused = Fate::Stays(Reason::Refused, Some(words));
    assert_eq!(fates, [squashed.clone(), squashed, refused]);
    // It was asked for once: the look showed that it was gone.
    let asked = [ids[0].clone(), ids[1].clone(), ids[1].clone(), ids[2].clone()];
    assert_eq!(*beside.calls.borrow(), asked);
    assert_eq!(*heard.borrow(), 2);
    assert_eq!(world.line(&branch_of(0)).len(), 2);
}

#[test]
fn an_interrupt_ends_it_between_two_commits() {
    let world = World::new(&[]);
    for _ in 0..5 {
        world.commit(&branch_of(0), &[Edit::Append(1, 1)], None, "");
    }
    let interrupt = Interrupt::new();
    let squashing = world.squashing(&world.store, &interrupt);
    let plan = squashing.plan(&all()).unwrap();
    let end = squashing.carry_out(&all(), &plan, true, &mut |_, _| {
        interrupt.raise(std::time::Instant::now());
        ControlFlow::Continue(())
    });
    assert!(matches!(end, Err(SquashError::Interrupted)), "{end:?}");
    assert_eq!(world.line(&branch_of(0)).len(), 4);
}
