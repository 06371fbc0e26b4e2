//! Why a branch cannot be followed any further.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Commit, CommitId, Repo};
use spoutctl_core::quantity::elapsed;

/// What became of the last commit that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewrite {
    /// It is there, and the branch's head is on another line, or before it.
    Moved,
    /// It is not there any more.
    Removed,
}

impl fmt::Display for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Moved => "the branch was moved",
            Self::Removed => "it was squashed or dropped",
        })
    }
}

/// Why following ended.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error("repo {0} does not exist")]
    NoRepo(Repo),
    #[error("branch {0} does not exist")]
    NoBranch(Branch),
    #[error("branch {branch} is gone")]
    Gone { branch: Branch, last: Option<CommitId> },
    #[error("commit {commit} is not on branch {branch}")]
    NotOnBranch {
        branch: Branch,
        commit: CommitId,
        exists: bool,
    },
    #[error("commit {last}, the last one delivered, is not on branch {branch} any more: {what}")]
    Rewritten {
        branch: Branch,
        last: CommitId,
        what: Rewrite,
        /// The newest of those delivered before it that still is on the branch.
        onto: Option<CommitId>,
    },
    #[error("pachd refused: {0}")]
    Refused(Fault),
    #[error("pachd cannot be read from: {fault}")]
    Unavailable { fault: Fault, tried: Duration },
    #[error("the store cannot be read: {0}")]
    Local(Fault),
    #[error("cannot keep the cursor in {}", path.display())]
    Cursor { path: PathBuf, error: std::io::Error },
}

impl FollowError {
    /// What the store said, where it does not know us or does not let us.
    pub fn denied(&self) -> Option<&Fault> {
        match self {
            Self::Refused(fault) if fault.kind == FaultKind::Denied => Some(fault),
            _ => None,
        }
    }

    /// What a fault means that was met although it was tried for so long.
    pub fn of(fault: Fault, tried: Duration) -> Self {
        match fault.kind {
            FaultKind::Local => Self::Local(fault),
            _ if fault.is_passing() => Self::Unavailable { fault, tried },
            _ => Self::Refused(fault),
        }
    }

    /// Where, and what exactly.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Gone { last: Some(last), .. } => vec![format!("the last commit delivered was {last}")],
            Self::NotOnBranch { exists: true, .. } => vec!["it is in the repo, on another line of commits".to_owned()],
            Self::NotOnBranch { exists: false, .. } => vec!["the repo has no such commit, or no longer".to_owned()],
            Self::Unavailable { tried, .. } if !tried.is_zero() => vec![format!("tried for {}", elapsed(*tried))],
            Self::Cursor { error, .. } => vec![error.to_string()],
            _ => Vec::new(),
        }
    }

    /// What to do next.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoRepo(_) | Self::NoBranch(_) => "--wait-for-branch waits until it is there".to_owned(),
            Self::Gone { .. } => "--wait-for-branch waits for a new one, when nothing is built on what was delivered; \
                                  otherwise begin anew, without the old cursor"
                .to_owned(),
            Self::NotOnBranch { .. } => {
                "--from takes a commit that `spoutctl tail -e -n N` lists; --from beginning is the whole branch"
                    .to_owned()
            }
            Self::Rewritten {
                onto: Some(onto),
                what: Rewrite::Removed,
                ..
            } => format!(
                "squashed, its changes come with the next commit: go on with --from {onto}; dropped, what was made of \
                 it has to be undone first"
            ),
            Self::Rewritten {
                onto: Some(onto),
                what: Rewrite::Moved,
                ..
            } => format!(
                "{onto} is the last one delivered that still is on the branch: undo what was made of those after it, \
                 and go on with --from {onto}"
            ),
            Self::Rewritten { onto: None, .. } => {
                "nothing that was delivered last is on the branch now: begin anew with \
                                                   --from beginning, or --from COMMIT, without the old cursor"
                    .to_owned()
            }
            Self::Unavailable { .. } => {
                "the same command may succeed later; --retry-for says how long it tries".to_owned()
            }
            _ => return None,
        })
    }
}

/// `Commit` of a branch's repo.
pub(super) fn commit_of(branch: &Branch, id: &CommitId) -> Commit {
    Commit {
        repo: branch.repo.clone(),
        branch: branch.name.clone(),
        id: id.clone(),
    }
}
