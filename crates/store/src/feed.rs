//! Following a branch of the embedded store: somebody looks.
//!
//! Other processes may write to the store, and nobody tells of that, so the head is looked at fifty times a second,
//! which costs some 20 µs each time.

use std::ops::ControlFlow;
use std::thread;
use std::time::Duration;

use super::record;
use super::store::Store;
use spoutctl_core::fault::Fault;
use spoutctl_core::feed::{CommitFeed, TICK};
use spoutctl_core::history::CommitHistory;
use spoutctl_core::pfs::{Branch, Commit, CommitId, CommitInfo};

/// How often the head is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl CommitFeed for Store {
    fn list_line(&self, newest: &Commit, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        record::list_from(self, newest, visit)
    }

    /// Shows each finished head that it finds. Those between two looks are for whoever watches to find.
    fn watch(
        &self,
        branch: &Branch,
        visit: &mut dyn FnMut(Option<CommitInfo>) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let mut shown: Option<CommitId> = None;
        let mut silent = Duration::ZERO;
        loop {
            if let Some(info) = self.finished_head(branch, shown.as_ref())? {
                shown = Some(info.commit.id.clone());
                silent = Duration::ZERO;
                if visit(Some(info)).is_break() {
                    return Ok(());
                }
            } else if silent >= TICK {
                silent = Duration::ZERO;
                if visit(None).is_break() {
                    return Ok(());
                }
            }
            thread::sleep(LOOK_EVERY);
            silent += LOOK_EVERY;
        }
    }
}

impl Store {
    /// The branch's head, if it is finished and another than `shown`.
    fn finished_head(&self, branch: &Branch, shown: Option<&CommitId>) -> Result<Option<CommitInfo>, Fault> {
        let head = self.inspect_branch(branch)?.and_then(|info| info.head);
        let Some(commit) = head.filter(|head| Some(&head.id) != shown) else {
            return Ok(None);
        };
        Ok(Some(self.inspect_commit(&commit)?).filter(|info| info.finished.is_some()))
    }
}
