//! `-n N` where not every commit is wanted: the last N of those that are.

use std::ops::ControlFlow;

use super::changes::Trouble;
use super::consumer::Tail;
use spoutctl_core::fault::FaultKind;
use spoutctl_core::pfs::{Branch, Commit, CommitInfo};
use spoutctl_delivery::following::Start;

/// So many commits are listed at once, and looked at when the listing has ended: a store is not asked for both
/// together.
const PIECE: usize = 256;

/// Where the last `wanted` commits that `tail` wants begin. Each commit is looked at once, from the head on.
///
/// # Errors
/// When the history or a commit cannot be read.
pub(super) fn start(tail: &Tail, branch: &Branch, wanted: u64) -> Result<Start, Trouble> {
    if wanted == 0 {
        return Ok(Start::Last(0));
    }
    let mut left = wanted;
    let mut newest = None;
    loop {
        let Some(piece) = piece(tail, branch, newest.as_ref())? else {
            // Whoever follows says what is missing, or waits for it.
            return Ok(Start::Last(wanted));
        };
        for info in piece.iter().filter(|info| info.finished.is_some()) {
            if tail.wants(info)? {
                left -= 1;
            }
            if left == 0 {
                return Ok(info
                    .parent
                    .clone()
                    .map_or(Start::Beginning, |parent| Start::After(parent.id)));
            }
        }
        match piece
            .last()
            .filter(|_| piece.len() == PIECE)
            .and_then(|info| info.parent.clone())
        {
            Some(parent) => newest = Some(parent),
            None => return Ok(Start::Beginning),
        }
    }
}

/// The next commits, newest first, from the head or from this one; `None` where the branch is not there.
fn piece(tail: &Tail, branch: &Branch, newest: Option<&Commit>) -> Result<Option<Vec<CommitInfo>>, Trouble> {
    let reader = tail.reader();
    reader.patiently(|| {
        let mut piece = Vec::new();
        let mut visit = |info: CommitInfo| {
            piece.push(info);
            if piece.len() == PIECE {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let listed = match newest {
            Some(newest) => reader.store.list_line(newest, &mut visit),
            None => reader.store.list_commits(branch, &mut visit),
        };
        match listed {
            Err(fault) if fault.kind == FaultKind::NotFound && newest.is_none() => Ok(None),
            listed => listed.map(|()| Some(piece)),
        }
    })
}
