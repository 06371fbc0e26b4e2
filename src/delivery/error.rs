//! Why a delivery ended before its input did, said for the one who runs it.

use std::time::Duration;

use super::patience::Exhausted;
use crate::archive::{ArchiveError, ContentError};
use crate::fault::{Fault, FaultKind};
use crate::pfs::{Branch, Commit, CommitInfo, PipelineKind, Repo};

/// Why no further archive is delivered. What was acknowledged before stays.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Content(#[from] Box<ContentError>),
    #[error("repo {0} does not exist")]
    NoRepo(Repo),
    #[error("{branch} is {}", owner(*kind, branch))]
    OutputBranch { branch: Branch, kind: Option<PipelineKind> },
    #[error("pachd refused archive {archive}: {fault}")]
    Refused { archive: u64, fault: Fault },
    #[error("pachd refused {0}")]
    Destination(Fault),
    #[error("archive {archive} became commit {commit}, which pachd finished with an error: {error}")]
    FinishedWithError {
        archive: u64,
        commit: Commit,
        error: String,
    },
    #[error("commit {commit} of archive {archive} is gone: somebody dropped it before it was finished")]
    Dropped { archive: u64, commit: Commit },
    #[error("archive {archive} is not the one that the stream `{stream}` holds as number {sequence}")]
    AnotherArchive {
        archive: u64,
        stream: String,
        sequence: u64,
        commit: Commit,
    },
    #[error("{branch} stays busy: its head {} is an open commit of somebody else", head.commit.id)]
    Busy {
        branch: Branch,
        head: Box<CommitInfo>,
        waited: Duration,
    },
    #[error("gave up after {}: {fault}", seconds(*tried))]
    Unreachable {
        fault: Fault,
        tried: Duration,
        unsettled: Option<Unsettled>,
    },
    #[error("cannot read or write what is held of archive {archive}: {fault}")]
    Local { archive: u64, fault: Fault },
    #[error("cannot open {name}: {error}")]
    Input { name: String, error: std::io::Error },
    #[error("the input could not be read to its end: this is a fault of spoutctl")]
    ReaderGone,
    #[error("interrupted")]
    Interrupted { unsettled: Option<Unsettled> },
}

/// A commit that we had to leave as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsettled {
    /// It is open, or may be: it blocks the branch until somebody drops it.
    Open(Commit),
    /// It was closed with its data whole; whether pachd finished it, nobody has told us.
    Closed(Commit),
}

impl Unsettled {
    /// What is left, in a line.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Open(commit) => format!("commit {commit} is left open"),
            Self::Closed(commit) => format!("commit {commit} holds the whole archive, but was not seen finished"),
        }
    }

    fn help(&self) -> String {
        match self {
            Self::Open(commit) => format!(
                "the same --stream goes on by itself; otherwise drop the commit: pachctl delete commit {commit}"
            ),
            Self::Closed(commit) => {
                format!("look at it before that archive is sent again: pachctl inspect commit {commit}")
            }
        }
    }
}

/// What a shell script should make of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// The input, or what we hold of it, cannot be used.
    FixInput,
    /// pachd said no: do not repeat it.
    DoNotRetry,
    /// Nothing is half in the repo; later it may work.
    RetryLater,
    /// We were asked to stop.
    Interrupted,
}

impl DeliveryError {
    #[must_use]
    pub fn consequence(&self) -> Consequence {
        match self {
            Self::Archive(_)
            | Self::Content(_)
            | Self::AnotherArchive { .. }
            | Self::Local { .. }
            | Self::Input { .. }
            | Self::ReaderGone => Consequence::FixInput,
            Self::NoRepo(_)
            | Self::OutputBranch { .. }
            | Self::Refused { .. }
            | Self::Destination(_)
            | Self::FinishedWithError { .. }
            | Self::Dropped { .. } => Consequence::DoNotRetry,
            Self::Busy { .. } | Self::Unreachable { .. } => Consequence::RetryLater,
            Self::Interrupted { .. } => Consequence::Interrupted,
        }
    }

    /// Lines that say where and what exactly.
    #[must_use]
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Archive(error) => error.details(),
            Self::Content(error) => error.details(),
            Self::AnotherArchive { commit, .. } => {
                vec![format!("commit {commit} has another digest in its description")]
            }
            Self::Busy { head, waited, .. } => {
                let mut lines = vec![match head.started {
                    Some(started) => format!("it was started at {started}; waited {}", seconds(*waited)),
                    None => format!("waited {}", seconds(*waited)),
                }];
                if !head.description.is_empty() {
                    lines.push(format!(
                        "its description: {}",
                        crate::fault::printable(&head.description)
                    ));
                }
                lines
            }
            Self::Unreachable {
                unsettled: Some(left), ..
            }
            | Self::Interrupted { unsettled: Some(left) } => {
                vec![left.detail()]
            }
            _ => Vec::new(),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Archive(error) => return error.help(),
            Self::Content(error) => return error.help(),
            Self::NoRepo(_) => "check the name, or have it made: --create-repo".to_owned(),
            Self::OutputBranch {
                branch,
                kind: Some(PipelineKind::Spout | PipelineKind::Service),
            } => format!(
                "run this inside the spout's container, or put into a repo of its own: \
                 spoutctl put {}-in --create-repo",
                branch.repo.name
            ),
            Self::OutputBranch { .. } => {
                "put into one of the pipeline's input repos, or into a repo of its own".to_owned()
            }
            Self::Refused { fault, .. } | Self::Destination(fault) => return help_for(fault),
            Self::FinishedWithError { .. } => {
                "a path that is a file in the branch cannot be a directory in the archive, \
                 nor the other way round: delete it there (pachctl delete file), or put under another prefix \
                 (DEST:/prefix); the errored commit's data are in no later commit"
                    .to_owned()
            }
            Self::Dropped { .. } => "it was not acknowledged: send it again if it is still wanted".to_owned(),
            Self::AnotherArchive { .. } => {
                "--resume needs the same input as last time; without it sequences go on after \
                 the newest"
                    .to_owned()
            }
            Self::Busy { head, .. } => format!(
                "if its writer is dead, drop it: pachctl delete commit {}; do not finish it, that would publish half \
                 of what it was to hold",
                head.commit
            ),
            Self::Unreachable {
                unsettled: Some(left), ..
            }
            | Self::Interrupted { unsettled: Some(left) } => left.help(),
            Self::Unreachable { .. } => "nothing is half in the repo: send again what was not acknowledged".to_owned(),
            Self::Local { .. } => "free some space, or name another directory: --tmp-dir DIR".to_owned(),
            Self::Input { .. } => "the inputs before it are delivered".to_owned(),
            Self::ReaderGone => "send again what was not acknowledged, and please report the panic above".to_owned(),
            Self::Interrupted { unsettled: None } => return None,
        })
    }

    /// A fault that ends the delivery of `archive`, in the words that fit its kind.
    pub(super) fn from_fault(archive: u64, fault: Fault) -> Self {
        match fault.kind {
            FaultKind::Local => Self::Local { archive, fault },
            _ => Self::Refused { archive, fault },
        }
    }

    /// No further try after `fault`; `unsettled` is the commit that had to be left as it was.
    pub(super) fn exhausted(end: Exhausted, fault: Fault, unsettled: Option<Unsettled>) -> Self {
        match end {
            Exhausted::Retries(tried) => Self::Unreachable {
                fault,
                tried,
                unsettled,
            },
            Exhausted::Grace => Self::Interrupted { unsettled },
        }
    }
}

fn owner(kind: Option<PipelineKind>, branch: &Branch) -> String {
    let name = &branch.repo.name;
    match kind {
        Some(PipelineKind::Spout) => {
            format!("the output branch of spout `{name}`; pachd lets only that spout's own pod write it")
        }
        Some(PipelineKind::Service) => {
            format!("the output branch of service `{name}`; pachd lets only its own pod write it")
        }
        Some(PipelineKind::Transform) => {
            format!("the output branch of pipeline `{name}`; only its own jobs write it")
        }
        Some(PipelineKind::Unknown) | None => {
            "an output branch (it has provenance); pachd lets nobody else write it".to_owned()
        }
    }
}

fn help_for(fault: &Fault) -> Option<String> {
    Some(
        match fault.kind {
            FaultKind::Denied => {
                "give a token that may write this repo: PACH_TOKEN (`pachctl auth get-robot-token` makes one)"
            }
            FaultKind::TooLarge => {
                "the server, or a proxy before it, takes less than 64 KiB in one request: raise its limit"
            }
            FaultKind::Unrecognised => {
                "spoutctl does not know this answer and asked again in vain; nothing of the archive was acknowledged"
            }
            _ => return None,
        }
        .to_owned(),
    )
}

fn seconds(duration: Duration) -> String {
    format!("{:.0} s", duration.as_secs_f64())
}
