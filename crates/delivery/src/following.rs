//! Following a branch: each finished commit once, oldest first, whatever breaks on the way.
//!
//! Domain: it knows no server, no terminal and no format of output. [`CommitFeed`] is the port that the adapters
//! implement, [`Consumer`] takes the commits, [`follow`] is what must be right.
//!
//! # Rules
//!
//! - **The history is the truth.** A branch's commits are its head and that one's ancestors ([`CommitHistory`](spoutctl_core::history::CommitHistory)). What a
//!   subscription tells is a hint: pachd's begins with all of history, oldest first, and its `from` hides one commit
//!   and no more (recordings follow 032–034). A commit that is told is taken only when its parent is the last one
//!   taken; for any other, the history is looked at.
//! - **After any break** the history is listed from the head back to the last commit that was taken, and what lies
//!   between is delivered oldest first. So nothing is skipped and nothing comes twice, and a subscription may break,
//!   lie, come late or not exist: without one, the head is looked at every second.
//! - **In order.** Delivery stops before a commit that is not finished. An errored one is delivered like any other.
//! - **A rewritten history is never guessed about** ([`trail`]): when the last commit taken is not on the branch any
//!   more, its nearest ancestor that was taken and still is there is where it goes on, and that is said; whoever builds
//!   on what was delivered is stopped instead ([`Options::strict`]), and so is everybody when there is none.
//!
//! # Memory
//!
//! Constant: [`trail`] keeps the ids of the last thousand commits. What lies between two looks may be a million commits,
//! newest first, and is wanted oldest first. Up to 16,384 are held, some 10 MB. Of more, `backlog` keeps ids so far
//! apart and lists the pieces between them one by one, the oldest first, so that each commit is listed twice.

mod backlog;
pub mod cursor;
mod error;
mod follower;
#[cfg(test)]
mod tests;
pub mod trail;

use std::time::{Duration, Instant};

use jiff::Timestamp;

use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{Branch, Commit, CommitId, CommitInfo};

pub use error::{FollowError, Rewrite};
pub use follower::follow;
pub use spoutctl_core::feed::{CommitFeed, TICK};

/// From where a branch is followed when there is no cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// So many of the newest finished commits first; with 0, only what is finished from now on.
    Last(u64),
    /// What comes after this commit, which must be on the branch.
    After(CommitId),
    /// What was finished at or after this time.
    Since(Timestamp),
    /// Everything.
    Beginning,
}

/// How far, and how patiently.
#[derive(Debug, Clone)]
pub struct Options {
    pub start: Start,
    /// Wait for more at the head; otherwise that is the end.
    pub follow: bool,
    /// A repo or branch that is missing is waited for.
    pub wait_for_branch: bool,
    /// The consumer builds on what it was given: a rewritten history is an error even where it is clear how to go on.
    pub strict: bool,
    /// When it is over, wherever it is then.
    pub deadline: Option<Instant>,
    /// How long it may go on without any success.
    pub retry_for: Duration,
}

/// What became of a commit that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was delivered: a cursor goes behind it at once.
    Delivered,
    /// It was delivered, and was the last one wanted.
    Last,
    /// It is none of those that are wanted.
    PassedOver,
    /// It was not delivered, and nothing more is: the consumer knows why.
    No,
}

/// Who gets the commits.
pub trait Consumer {
    /// Takes the next finished commit of the branch, which may have an error. When this returns, it is written out:
    /// the cursor goes behind it.
    fn take(&mut self, commit: &CommitInfo) -> Taken;

    /// Whether nobody wants any more. Asked ten times a second.
    fn is_gone(&mut self) -> bool {
        false
    }

    /// Something that whoever runs us should know.
    fn note(&mut self, note: &Note);
}

/// Why following ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The newest finished commit was delivered, and nothing more was to be waited for.
    Head,
    /// The consumer said so.
    Consumer,
    /// The time is over.
    Deadline,
    /// Somebody interrupted us.
    Interrupted,
}

/// What is worth knowing on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// There is no such branch yet; it is waited for.
    Waiting(Branch),
    /// The branch, or its repo, is gone; it is waited for.
    Gone(Branch),
    /// The commit has been open for a while, and nothing after it can be delivered.
    Open { commit: Commit, started: Option<Timestamp> },
    /// The end was reached before a commit that is not finished.
    EndsBefore(Commit),
    /// What was delivered last is not on the branch any more; it goes on after `onto`.
    Rewritten {
        last: Commit,
        onto: CommitId,
        what: Rewrite,
    },
    /// A call failed and is made again.
    Retrying(Fault),
    /// A call succeeded again.
    Again,
}
