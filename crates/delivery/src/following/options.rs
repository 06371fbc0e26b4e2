//! From where, how far, and how patiently.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use spoutctl_core::pfs::CommitId;

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
