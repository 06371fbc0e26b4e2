//! A branch's commits as they come: `SubscribeCommit`.
//!
//! The stream is silent for as long as nothing happens, and before the first commit not even its status line comes
//! (recording follow 020), so no time-out of ours applies. A default deployment's proxy cuts one that was silent for
//! 600 s; that is a fault like any other, and whoever watches begins anew.

use std::ops::ControlFlow;

use super::client::Heard;
use super::reader::fault_of_stream;
use super::stream::Messages;
use super::{Gateway, error, unreadable, wire};
use spoutctl_core::fault::Fault;
use spoutctl_core::feed::{CommitFeed, TICK};
use spoutctl_core::pfs::{Branch, Commit, CommitInfo};

impl CommitFeed for Gateway {
    fn list_line(&self, newest: &Commit, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        let incoming = self.open_line(&newest.repo, newest.into())?;
        super::read_line(incoming, &newest.repo, &newest.branch, visit)
    }

    fn watch(
        &self,
        branch: &Branch,
        visit: &mut dyn FnMut(Option<CommitInfo>) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let request = wire::SubscribeCommit {
            repo: (&branch.repo).into(),
            branch: branch.name.as_str(),
            state: "FINISHED",
        };
        let call = error::SUBSCRIBE_COMMIT;
        let mut subscription = self.pachd()?.listen(call, &request)?;
        let mut messages = Messages::default();
        loop {
            let shown = match subscription.next(TICK)? {
                Heard::Silence => visit(None),
                Heard::End => return Err(error::broken_stream(call, "pachd ended the subscription")),
                Heard::Piece(piece) => {
                    messages.push(&piece);
                    let mut shown = ControlFlow::Continue(());
                    while shown.is_continue()
                        && let Some(info) = messages
                            .next::<wire::CommitInfo>()
                            .map_err(|e| fault_of_stream(call, e))?
                    {
                        let info = info.read(&branch.repo, &branch.name).map_err(unreadable(call))?;
                        shown = visit(Some(info));
                    }
                    shown
                }
            };
            if shown.is_break() {
                return Ok(());
            }
        }
    }
}
