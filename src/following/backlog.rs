//! What lies between the head and the last commit taken: listed newest first, wanted oldest first, in bounded memory.

use std::mem;

use crate::pfs::{Commit, CommitInfo};

/// Up to so many commits are simply held.
const HELD: usize = 1024;
/// Beyond that, commits a distance apart are remembered: up to twice as many as this, then every other is forgotten.
const MARKS: usize = 512;

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
            stride: 1,
        }
    }

    pub fn len(&self) -> usize {
        self.count
    }

    /// Adds the parent of the one before.
    pub fn push(&mut self, info: CommitInfo) {
        if self.count.is_multiple_of(self.stride) {
            if self.marks.len() == 2 * MARKS {
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
