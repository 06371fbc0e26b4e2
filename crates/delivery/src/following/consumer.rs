//! Who gets the commits, and hears how it goes.

use jiff::Timestamp;

use super::error::Rewrite;
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{Branch, Commit, CommitId, CommitInfo};

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
