//! The port through which a branch is followed.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::fault::Fault;
use crate::history::CommitHistory;
use crate::pfs::{Branch, Commit, CommitInfo};

/// How often [`CommitFeed::watch`] lets whoever watches look around, at least.
pub const TICK: Duration = Duration::from_millis(100);

/// A store whose branches can be followed.
///
/// The least that every store can offer: pachd through either door, 1.x included, and the embedded store. Nothing that
/// is shown is trusted further than whoever follows says, so an adapter need not filter, sort or reconnect.
pub trait CommitFeed: CommitHistory {
    /// Shows a commit and its ancestors to `visit`, newest first, until it breaks: pachd's `ListCommit` with `to`, and
    /// [`CommitHistory::list_commits`] from a commit instead of a branch.
    ///
    /// # Errors
    /// `NotFound` when the commit is missing; `Unavailable` when the listing broke off.
    fn list_line(&self, newest: &Commit, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault>;

    /// Shows commits that are finished on the branch as soon as they are, until `visit` breaks: pachd's
    /// `SubscribeCommit` with `state: FINISHED` and without `from`.
    ///
    /// - Any commits may come first, or in between: those of the past, of another line, some of them twice. Where the
    ///   branch, or its repo, is missing, it may wait for it or answer a fault.
    /// - Errored commits are shown too. One that is missing is found by whoever watches, later.
    /// - In every [`TICK`] in which there is no commit to show, `visit` gets a `None`: also before the server has
    ///   answered at all (an open head does not even bring a status line, recording follow 020), and as long as it is
    ///   silent, which may be for days.
    /// - `visit` may call other methods of this store, from this thread.
    ///
    /// # Errors
    /// Any [`Fault`] when the subscription could not be made, ended or broke. `Ok` only after `visit` broke.
    fn watch(&self, branch: &Branch, visit: &mut dyn FnMut(Option<CommitInfo>) -> ControlFlow<()>)
    -> Result<(), Fault>;
}
