//! Why a delivery ended before its input did, said for the one who runs it.

use std::time::Duration;

use super::ready::Emptied;
use super::retry::Exhausted;
use super::settled::{Settled, Unacknowledged};
use super::spool::error::{Damaged, SpoolError};
use crate::messages::MessageError;
use crate::messages::records::SourceError;
use spoutctl_archive::{ArchiveError, CompressionError, ContentError};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Commit, CommitId, CommitInfo, PipelineKind, Repo};
use spoutctl_core::quantity::counted;

/// Why no further archive is delivered. What was acknowledged before stays.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Content(#[from] Box<ContentError>),
    #[error("repo {0} does not exist")]
    NoRepo(Repo),
    #[error("repo {repo} may not be written with this token: it lacks {}", missing.join(", "))]
    NotAllowed { repo: Repo, missing: Vec<String> },
    #[error("{branch} is {}", owner(*kind, branch))]
    OutputBranch { branch: Branch, kind: Option<PipelineKind> },
    #[error("{0} is a pipeline's output: moving it would take its provenance away")]
    OutputStaged(Branch),
    #[error("pachd has emptied {branch} when the spout was started, and files were to be appended to")]
    Emptied { branch: Branch, emptied: Emptied },
    #[error("commit {commit} was acknowledged and is no longer on {branch}")]
    TakenOff { branch: Branch, commit: CommitId },
    #[error("pachd refused archive {archive}: {fault}")]
    Refused { archive: u64, fault: Fault },
    #[error("{}", destination(.0))]
    Destination(Fault),
    #[error("archive {archive} is missing between archives that the stream `{stream}` has committed")]
    Gap { archive: u64, stream: String },
    /// So many later ones are there that it cannot have failed in flight beside them.
    #[error(
        "archive {archive} is in no commit of the stream `{stream}`, and those behind it are: it was squashed or \
         dropped"
    )]
    Squashed {
        archive: u64,
        stream: String,
        /// The newest one's number.
        newest: u64,
    },
    #[error("archive {archive} became commit {commit}, which pachd finished with an error: {error}")]
    FinishedWithError {
        archive: u64,
        commit: Commit,
        error: String,
    },
    #[error(
        "commit {commit} of archive {archive} is gone: somebody dropped it, or another put with the same stream name \
         has given it up"
    )]
    Dropped { archive: u64, commit: Commit },
    #[error("archive {archive} is not the one that the stream `{stream}` holds as number {sequence}")]
    AnotherArchive {
        archive: u64,
        stream: String,
        sequence: u64,
        commit: Commit,
    },
    #[error(
        "the input is another one after archive {archive}: archives {first} to {last} of the stream `{stream}` are one \
         commit"
    )]
    Incomplete {
        archive: u64,
        stream: String,
        first: u64,
        last: u64,
        commit: Commit,
    },
    #[error("{branch} stays busy: its head {} is an open commit of somebody else", head.commit.id)]
    Busy {
        branch: Branch,
        head: Box<CommitInfo>,
        waited: Duration,
    },
    #[error("gave up after {}: {fault}", seconds(*tried))]
    Unreachable { fault: Fault, tried: Duration },
    #[error("archive {archive} cannot be stored: {fault}")]
    Local { archive: u64, fault: Fault },
    #[error("archive {archive} would have to be sent anew, and its bytes were let go: {}", let_go(*.why))]
    LetGo { archive: u64, why: LetGo },
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error("set aside in the spool, and not sent: {}", counted(.0.len() as u64, "file"))]
    Damaged(Vec<Damaged>),
    #[error("this is cluster {found}, and the spool's archives were sent to {expected} before")]
    AnotherCluster { expected: String, found: String },
    #[error("archive {archive} cannot be held with those before it: {error}")]
    Held { archive: u64, error: std::io::Error },
    #[error("archive {archive} cannot be set aside: {error}")]
    Quarantine { archive: u64, error: std::io::Error },
    #[error("archive {archive} is done, and its acknowledgement was not given: {how}")]
    Unacknowledged {
        archive: u64,
        commit: Option<CommitId>,
        how: String,
    },
    #[error("cannot open {name}: {error}")]
    Input { name: String, error: std::io::Error },
    #[error("cannot read {name} any further: {error}")]
    Reading { name: String, error: std::io::Error },
    #[error(transparent)]
    Message(#[from] MessageError),
    #[error(transparent)]
    Source(Box<SourceError>),
    #[error("{what}")]
    Producer {
        what: String,
        /// Whether it ever ran.
        began: bool,
    },
    #[error("the input has ended, and it was to go on for ever (--endless)")]
    Ended,
    #[error("a part of spoutctl has panicked: this is a fault of spoutctl itself")]
    Panicked,
    #[error("interrupted")]
    Interrupted,
}

/// Why bytes are needed that are no longer held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetGo {
    /// What was sent of the archive has expired.
    Expired,
    /// The archive's end makes something else of what was sent.
    TakenBack,
}

fn let_go(why: LetGo) -> &'static str {
    match why {
        LetGo::Expired => "what was sent of it has expired",
        LetGo::TakenBack => "a file of it that was sent does not count in the end, or not as it was sent",
    }
}

/// What a shell script should make of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// The input, or what we hold of it, cannot be used.
    FixInput,
    /// pachd said no: do not repeat it.
    DoNotRetry,
    /// What makes the input failed, or who is told what is done.
    FixProducer,
    /// Nothing is half in the repo; later it may work.
    RetryLater,
    /// We were asked to stop.
    Interrupted,
}

impl DeliveryError {
    /// What the store said, where it does not know us or does not let us.
    pub fn denied(&self) -> Option<&Fault> {
        match self {
            Self::Refused { fault, .. } | Self::Destination(fault) => Some(fault),
            _ => None,
        }
        .filter(|fault| fault.kind == FaultKind::Denied)
    }

    /// The archive that could not be delivered, where it is known; of several in one commit the last.
    pub fn archive(&self) -> Option<u64> {
        match self {
            Self::Refused { archive, .. }
            | Self::FinishedWithError { archive, .. }
            | Self::Dropped { archive, .. }
            | Self::Local { archive, .. }
            | Self::LetGo { archive, .. }
            | Self::Gap { archive, .. }
            | Self::Squashed { archive, .. }
            | Self::AnotherArchive { archive, .. }
            | Self::Incomplete { archive, .. }
            | Self::Held { archive, .. }
            | Self::Quarantine { archive, .. }
            | Self::Unacknowledged { archive, .. } => Some(*archive),
            _ => None,
        }
    }

    /// The commit that went wrong, where there is one.
    pub fn commit(&self) -> Option<&CommitId> {
        match self {
            Self::FinishedWithError { commit, .. } | Self::Dropped { commit, .. } => Some(&commit.id),
            _ => None,
        }
    }

    pub fn consequence(&self) -> Consequence {
        match self {
            Self::Spool(SpoolError::HeldBack { .. }) => Consequence::DoNotRetry,
            Self::Source(error) if error.passes => Consequence::RetryLater,
            Self::Source(_)
            | Self::Archive(_)
            | Self::Content(_)
            | Self::Spool(_)
            | Self::Damaged(_)
            | Self::Quarantine { .. }
            | Self::Held { .. }
            | Self::LetGo {
                why: LetGo::TakenBack, ..
            }
            | Self::Incomplete { .. }
            | Self::AnotherArchive { .. }
            | Self::Local { .. }
            | Self::Input { .. }
            | Self::Reading { .. }
            | Self::Message(_)
            | Self::Gap { .. }
            | Self::Squashed { .. }
            | Self::Panicked
            | Self::Destination(Fault {
                kind: FaultKind::Local, ..
            }) => Consequence::FixInput,
            Self::NoRepo(_)
            | Self::NotAllowed { .. }
            | Self::AnotherCluster { .. }
            | Self::OutputBranch { .. }
            | Self::OutputStaged(_)
            | Self::Emptied { .. }
            | Self::TakenOff { .. }
            | Self::Refused { .. }
            | Self::Destination(_)
            | Self::FinishedWithError { .. }
            | Self::Dropped { .. } => Consequence::DoNotRetry,
            Self::Producer { .. } | Self::Unacknowledged { .. } => Consequence::FixProducer,
            Self::Busy { .. }
            | Self::Unreachable { .. }
            | Self::Ended
            | Self::LetGo {
                why: LetGo::Expired, ..
            } => Consequence::RetryLater,
            Self::Interrupted => Consequence::Interrupted,
        }
    }

    /// Lines that say where and what exactly.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Archive(error) => error.details(),
            Self::Content(error) => error.details(),
            Self::Spool(error) => error.details(),
            Self::Source(error) => error.details.clone(),
            Self::Damaged(files) => {
                let line = |one: &Damaged| format!("set aside as {}: {}", one.path.display(), one.reason);
                files.iter().map(line).collect()
            }
            Self::AnotherArchive { commit, .. } => {
                vec![format!("commit {commit} has another digest in its description")]
            }
            Self::Incomplete { commit, .. } => {
                vec![format!("it is commit {commit}; nothing of them is acknowledged again")]
            }
            Self::Busy { head, waited, .. } => {
                let mut lines = vec![match head.started {
                    Some(started) => format!("it was started at {started}; waited {}", seconds(*waited)),
                    None => format!("waited {}", seconds(*waited)),
                }];
                if !head.description.is_empty() {
                    lines.push(format!(
                        "its description: {}",
                        spoutctl_core::fault::printable(&head.description)
                    ));
                }
                lines
            }
            Self::Emptied { emptied, .. } => vec![format!(
                "commit {} is pachd's own, and empty; earlier files are in the history only, the newest in {}",
                emptied.head, emptied.last
            )],
            Self::Unacknowledged {
                commit: Some(commit), ..
            } => vec![format!("it is commit {commit}")],
            Self::Gap { .. } => vec![
                "committed now, it would overwrite what came after it".to_owned(),
                "its commit was dropped, or it was squashed into a later one, which then has its files".to_owned(),
            ],
            Self::Squashed { .. } => vec![
                "committed now, it would overwrite what came after it; what was squashed is in the later commits"
                    .to_owned(),
            ],
            _ => Vec::new(),
        }
    }

    /// What to do next.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Archive(error) => return error.help(),
            Self::Content(error) => return error.help(),
            Self::Message(error) => return error.help(),
            Self::Spool(error) => return error.help(),
            Self::Source(error) => return (!error.help.is_empty()).then(|| error.help.join("; ")),
            Self::Damaged(_) => "everything else was sent; see to each file, then remove it".to_owned(),
            Self::AnotherCluster { .. } => "give the address of the first one, or take another spool".to_owned(),
            Self::NoRepo(_) => "check the name, or have it made: --create-repo".to_owned(),
            Self::NotAllowed { repo, .. } => format!(
                "let an owner of the repo grant it: pachctl auth set repo {}",
                repo.for_pachctl(" repoWriter SUBJECT")
            ),
            Self::OutputBranch { branch, kind } => instead_of_output(branch, *kind),
            Self::TakenOff { branch, commit } => format!(
                "somebody has moved or deleted the branch, or there is a second writer with --staging; its data are in \
                 the commit: pachctl list file {}",
                branch.repo.for_pachctl(&format!("@{commit}"))
            ),
            Self::Emptied { branch, .. } => format!(
                "--accept-emptied begins new files; earlier ones stay in the history: pachctl list commit {}",
                branch.repo.for_pachctl(&format!("@{}", branch.name))
            ),
            Self::OutputStaged(_) => "put without --staging".to_owned(),
            Self::Refused { fault, .. } => return help_for(fault),
            Self::Destination(fault) if fault.kind != FaultKind::Local => return help_for(fault),
            Self::FinishedWithError { error, .. } => behind_errored(error).to_owned(),
            Self::Dropped { .. } => {
                "send it again if it is still wanted; two that run at a time need streams of their own \
                 (--stream)"
                    .to_owned()
            }
            Self::AnotherArchive { .. } | Self::Incomplete { .. } => {
                "--resume needs the same input as last time; without it sequences go on after \
                 the newest"
                    .to_owned()
            }
            Self::Busy { branch, head, .. } => format!(
                "if its writer is dead, drop it: spoutctl doctor {branch} --drop {}; do not finish it, that would \
                 publish half of what it was to hold",
                head.commit.id
            ),
            Self::Gap { .. } => "if its files are in the repo, send what follows the newest commit as another \
                                 --stream; if they are missing there, --in-flight 2 commits it behind the others all \
                                 the same"
                .to_owned(),
            Self::Squashed { newest, .. } => format!(
                "if its files are in the repo, give it what follows archive {newest} of the input, without --resume: \
                 the stream goes on there by itself; if they are missing there, send it as another --stream first"
            ),
            Self::Unreachable { .. } | Self::Interrupted => "nothing is half in the repo".to_owned(),
            Self::Held { error, .. } if error.kind() == std::io::ErrorKind::InvalidData => {
                "send what is not acknowledged again".to_owned()
            }
            Self::LetGo { archive, why } => again_from(*archive, *why),
            Self::Held { .. } => "make room there, or name another directory: --tmp-dir DIR; then send what is not \
                 acknowledged"
                .to_owned(),
            Self::Local { .. } | Self::Quarantine { .. } => {
                "mend what it says, then send that archive again".to_owned()
            }
            Self::Reading { error, .. } => return help_for_reading(error),
            Self::Destination(_) | Self::Input { .. } | Self::Producer { began: false, .. } => {
                return None;
            }
            Self::Producer { .. } => {
                "every archive that it completed is committed; its own messages stand above".to_owned()
            }
            Self::Unacknowledged { .. } => {
                "with --spool it is acknowledged again by the next run, first of all; without one, what follows the \
                 last acknowledgement is to be sent again"
                    .to_owned()
            }
            Self::Ended => "everything that came is committed; start it again (--restart, with `-- CMD`)".to_owned(),
            Self::Panicked => "please report the panic above".to_owned(),
        })
    }

    /// A fault that ends the delivery of `archive`, in the words that fit its kind.
    pub(super) fn from_fault(archive: u64, fault: Fault) -> Self {
        match fault.kind {
            FaultKind::Local => Self::Local { archive, fault },
            _ => Self::Refused { archive, fault },
        }
    }

    pub(super) fn unacknowledged(settled: &Settled<'_>, error: Unacknowledged) -> Self {
        Self::Unacknowledged {
            archive: settled.archive(),
            commit: settled.commit().cloned(),
            how: error.how,
        }
    }

    /// No further try after `fault`, which `archive` met.
    pub(super) fn exhausted(archive: u64, end: Exhausted, fault: Fault) -> Self {
        match end {
            Exhausted::Hopeless => Self::from_fault(archive, fault),
            Exhausted::Retries(tried) => Self::Unreachable { fault, tried },
            Exhausted::Grace => Self::Interrupted,
        }
    }
}

/// What to do about compressed input that cannot be read on.
fn help_for_reading(error: &std::io::Error) -> Option<String> {
    let compressed = error.get_ref()?.downcast_ref::<CompressionError>()?;
    compressed.help()
}

/// A fault of the store's own disk is no refusal.
fn destination(fault: &Fault) -> String {
    match fault.kind {
        FaultKind::Local => format!("the store cannot be used: {fault}"),
        _ => format!("the destination cannot be used: {fault}"),
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

/// What to do where only a pipeline itself may write.
fn instead_of_output(branch: &Branch, kind: Option<PipelineKind>) -> String {
    match kind {
        Some(PipelineKind::Spout | PipelineKind::Service) => format!(
            "run this inside the spout's container, or put into a repo of its own: \
             spoutctl put {}-in --create-repo",
            branch.repo.name
        ),
        _ => "put into one of the pipeline's input repos, or into a repo of its own".to_owned(),
    }
}

/// What to do about an archive that pachd finished with this error.
fn behind_errored(error: &str) -> &'static str {
    if error.contains("collision") {
        "a path that is a file in the branch cannot be a directory in the archive, \
         nor the other way round: delete it there (pachctl delete file REPO@BRANCH:/PATH), or put under another prefix \
         (DEST:/prefix), or with another name (--each '{key}.json'); the errored commit's data are in no later commit"
    } else {
        "its data are in no later commit"
    }
}

/// What to do about an archive whose bytes were let go too early.
fn again_from(archive: u64, why: LetGo) -> String {
    let how = match why {
        LetGo::Expired => "",
        LetGo::TakenBack => ", without --hold-limit",
    };
    format!("nothing of it is in the repo: send again from archive {archive} on{how}")
}

fn help_for(fault: &Fault) -> Option<String> {
    Some(
        match fault.kind {
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

/// What is said while a branch is busy.
pub(super) fn waiting_for(branch: &Branch, head: &CommitId) -> String {
    format!("waiting: the head of {branch}, commit {head}, is open and not ours")
}

fn seconds(duration: Duration) -> String {
    format!("{:.0} s", duration.as_secs_f64())
}
