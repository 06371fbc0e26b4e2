//! What lies between the head and the last commit taken: listed newest first, wanted oldest first, in bounded memory.

use std::mem;

use spoutctl_core::pfs::{Commit, CommitInfo};

/// Up to so many commits are simply held, which takes some 10 MB and their descriptions: to list them again would take
/// a real pachd 9 ms for each. Beyond that, commits so far apart are remembered.
pub(super) const HELD: usize = 16 << 10;
/// So many of those at most: then every other is forgotten, and they are twice as far apart.
const MARKS: usize = 256;

/// Commits in the order in which a listing shows them.
#[derive(Debug)]
pub(super) struct Backlog {
    count: usize,
    held: Vec<CommitInfo>,
    marks: Vec<Commit>,
    /// How far apart the marks are.
    stride: usize,
}

/// How a backlog is delivered.
#[derive(Debug)]
pub(super) enum Pieces {
    /// These, oldest first.
    Held(Vec<CommitInfo>),
    /// What each of these commits and its ancestors add to the ones before, oldest first; at most so many at a time.
    Lines { newest: Vec<Commit>, longest: usize },
}

impl Backlog {
    pub fn new() -> Self {
        Self {
            count: 0,
            held: Vec::new(),
            marks: Vec::new(),
            stride: HELD,
        }
    }

    pub fn len(&self) -> usize {
        self.count
    }

    /// Adds the parent of the one before.
    pub fn push(&mut self, info: CommitInfo) {
        if self.count.is_multiple_of(self.stride) {
            if self.marks.len() == MARKS {
                let mut at = 0;
                self.marks.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
                self.stride *= 2;
            }
            // After the stride has doubled, this one may not be on it any more.
            if self.count.is_multiple_of(self.stride) {
                self.marks.push(info.commit.clone());
            }
        }
        self.count += 1;
        if self.count <= HELD {
            self.held.push(info);
        } else {
            self.held = Vec::new();
        }
    }

    pub fn clear(&mut self) {
        *self = Self::new();
    }

    pub fn into_pieces(mut self) -> Pieces {
        if self.count <= HELD {
            self.held.reverse();
            return Pieces::Held(mem::take(&mut self.held));
        }
        self.marks.reverse();
        Pieces::Lines {
            newest: self.marks,
            longest: self.stride,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::following::tests::info;

    fn filled(count: usize, stride: usize) -> Backlog {
        let mut backlog = Backlog {
            stride,
            ..Backlog::new()
        };
        for at in (0..count).rev() {
            backlog.push(info(at));
        }
        backlog
    }

    #[test]
    fn few_commits_are_held_oldest_first() {
        for count in [0, 1, HELD] {
            let Pieces::Held(held) = filled(count, HELD).into_pieces() else {
                panic!("{count} are not held");
            };
            assert!(held.into_iter().eq((0..count).map(info)));
        }
    }

    #[test]
    fn pieces_of_many_are_as_long_as_each_other_and_end_at_the_head() {
        // The distance doubles when there are too many marks: with a small one, soon.
        for (count, stride) in [(HELD + 1, HELD), (3 * HELD, HELD), (HELD + 7, 10), (HELD + 7, 1)] {
            let Pieces::Lines { newest, longest } = filled(count, stride).into_pieces() else {
                panic!("{count} are held");
            };
            assert!(newest.len() <= MARKS && longest.is_multiple_of(stride));
            let first = (count - 1) % longest;
            let expected = (first..count).step_by(longest).map(|at| info(at).commit);
            assert!(newest.into_iter().eq(expected), "{count} {stride}");
        }
    }
}
