//! What pachd itself leaves at the head of a spout's branch when the spout is stopped and started again.
//!
//! | pachd | the head then |
//! |---|---|
//! | 2.8 to 2.12 | an open commit of its own, which nobody ever finishes (recordings grpc-2.12 445 to 450) |
//! | 2.6, 2.7 | a finished one without files: what was there before is in the history only (grpc-2.6 445) |
//! | 2.3 | as it was (grpc-2.3 445) |
//! | 2.0, 2.1 | as it was; the spout cannot be started again (grpc-2.0 444) |
//!
//! A spout that is stopped and started twice before anybody writes has two such commits, one upon the other. The upper
//! one, and all that comes on it, is *finishing* until the lower one is finished.

use std::ops::ControlFlow;

use super::CommitSink;
use super::mark::Mark;
use super::ready::{Emptied, Leftover};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, CommitInfo, Origin};

/// What a commit of pachd's own is called when we finish it.
pub const DESCRIPTION: &str =
    "begun by pachd when the spout was started; finished by spoutctl, with the files of the one before";

impl Leftover {
    /// Takes the next older commit, and breaks when there is nothing more to be learned.
    pub fn see(&mut self, info: &CommitInfo) -> ControlFlow<()> {
        let is_ours = Mark::of(info).is_some();
        let is_of_pachd = info.origin == Origin::Auto && !is_ours;
        let is_first = self.head.is_none();
        let head = self.head.get_or_insert_with(|| info.commit.id.clone()).clone();
        if info.finished.is_none() && !self.is_below {
            return match (is_of_pachd, info.is_open()) {
                (true, true) => {
                    self.open.push(info.commit.id.clone());
                    ControlFlow::Continue(())
                }
                // Somebody writes it.
                (false, true) if !is_ours => ControlFlow::Break(()),
                // One of pachd's may keep it from being finished.
                _ => ControlFlow::Continue(()),
            };
        }
        self.is_below = true;
        let is_empty_one = is_of_pachd && info.is_good() && info.size_bytes == 0;
        self.may_be_emptied |= is_first && is_empty_one;
        if !self.may_be_emptied {
            return ControlFlow::Break(());
        }
        if info.is_good() && info.size_bytes > 0 {
            self.emptied = Some(Emptied {
                head,
                last: info.commit.id.clone(),
            });
            return ControlFlow::Break(());
        }
        // It was started more than once, or something was given up.
        if is_of_pachd || !info.is_good() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}

/// Looks at a branch that a spout writes.
///
/// # Errors
/// Any [`Fault`].
pub fn look(sink: &dyn CommitSink, branch: &Branch) -> Result<Leftover, Fault> {
    let mut leftover = Leftover::default();
    sink.list_commits(branch, &mut |info| leftover.see(&info))?;
    Ok(leftover)
}

/// Finishes what is open, the oldest first: the branch has the files of the one before, unchanged.
///
/// # Errors
/// Any [`Fault`] but that somebody else has finished or dropped one.
pub fn finish(sink: &dyn CommitSink, branch: &Branch, leftover: &Leftover) -> Result<(), Fault> {
    leftover.open.iter().rev().try_for_each(|id| {
        match sink.finish_commit(&branch.commit(id.clone()), DESCRIPTION, None) {
            Err(fault) if matches!(fault.kind, FaultKind::AlreadyFinished | FaultKind::NotFound) => Ok(()),
            result => result,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use spoutctl_core::pfs::{Commit, CommitId, Destination};

    fn commit(number: u8, origin: Origin, size: u64) -> CommitInfo {
        let destination: Destination = "events".parse().unwrap();
        CommitInfo {
            commit: Commit {
                repo: destination.branch.repo,
                branch: destination.branch.name,
                id: id(number),
            },
            origin,
            parent: None,
            description: String::new(),
            started: None,
            finishing: Some(jiff::Timestamp::UNIX_EPOCH),
            finished: Some(jiff::Timestamp::UNIX_EPOCH),
            error: String::new(),
            size_bytes: size,
        }
    }

    fn id(number: u8) -> CommitId {
        CommitId::new(&format!("{number:012x}4{:019x}", 0)).unwrap()
    }

    fn found(newest_first: &[CommitInfo]) -> Leftover {
        let mut leftover = Leftover::default();
        let _ = newest_first.iter().try_for_each(|info| leftover.see(info));
        leftover
    }

    #[test]
    fn an_open_commit_of_pachds_own_is_left_over_and_one_of_ours_or_somebodys_is_not() {
        let open = |info: CommitInfo| CommitInfo {
            finishing: None,
            finished: None,
            ..info
        };
        let of_pachd = |number| open(commit(number, Origin::Auto, 0));
        let done = || commit(1, Origin::User, 5);
        assert_eq!(found(&[of_pachd(2), done()]).open, [id(2)]);
        assert_eq!(found(&[open(commit(3, Origin::User, 0)), of_pachd(2)]).open, []);
        // What is finished has nothing open below it.
        assert_eq!(found(&[commit(3, Origin::User, 5), of_pachd(2)]).open, []);
        // Started twice.
        assert_eq!(found(&[of_pachd(3), of_pachd(2), done()]).open, [id(3), id(2)]);
        // What is finishing waits for one of pachd's below it, and is itself no other's.
        let finishing = |number, origin| CommitInfo {
            finished: None,
            ..commit(number, origin, 0)
        };
        let waiting = [
            finishing(4, Origin::User),
            finishing(3, Origin::Auto),
            of_pachd(2),
            done(),
        ];
        assert_eq!(found(&waiting).open, [id(2)]);
        assert_eq!(found(&waiting).emptied, None);
    }

    #[test]
    fn an_empty_commit_of_pachds_own_hides_the_files_before_it() {
        let (auto, user) = (
            |number| commit(number, Origin::Auto, 0),
            |number| commit(number, Origin::User, 5),
        );
        let emptied = Some(Emptied {
            head: id(3),
            last: id(1),
        });
        assert_eq!(found(&[auto(3), user(1)]).emptied, emptied);
        // Started twice; one given up in between.
        let failed = CommitInfo {
            error: "given up".to_owned(),
            ..user(2)
        };
        assert_eq!(found(&[auto(3), failed, auto(2), user(1)]).emptied, emptied);
        // The first one of a branch, whether or not somebody has finished the next one.
        assert_eq!(found(&[auto(1)]).emptied, None);
        assert_eq!(found(&[commit(2, Origin::Auto, 5), user(1), auto(0)]).emptied, None);
        // Somebody has deleted everything.
        assert_eq!(found(&[auto(3), commit(2, Origin::User, 0), user(1)]).emptied, None);
        assert_eq!(found(&[user(3), auto(2), user(1)]).emptied, None);
    }
}
