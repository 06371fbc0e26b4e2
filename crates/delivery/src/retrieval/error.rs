//! Why something could not be read.

use std::io;

use spoutctl_archive::{ArchiveErrorKind, EntryStreamError, Trouble};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Commit, CommitId, FilePath, Relative, Repo};
use spoutctl_core::quantity::grouped;

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RetrievalError {
    #[error("repo {0} does not exist")]
    NoRepo(Repo),
    #[error("{0} has no finished commit yet")]
    NothingYet(Branch),
    #[error("commit {repo}@{id} does not exist")]
    NoCommit { repo: Repo, id: CommitId },
    #[error("commit {0} is not finished yet")]
    NotFinished(Commit),
    #[error("commit {commit} finished with an error: {error}")]
    Errored { commit: Commit, error: String },
    #[error("{path} is not in commit {commit}")]
    NoFile { path: FilePath, commit: Commit },
    /// Before the beginning of the history.
    #[error("{of} has no {relative}: its history is shorter")]
    NoRelative { of: String, relative: Relative },
    #[error("nothing in commit {commit} is meant by {pattern}")]
    NoMatch { pattern: String, commit: Commit },
    #[error("{0} is a directory")]
    IsDirectory(FilePath),
    #[error("pachd refused: {0}")]
    Refused(Fault),
    #[error("pachd cannot be read from: {0}")]
    Unavailable(Fault),
    #[error("what pachd sent broke off: {error}")]
    Broken { error: io::Error },
    #[error("{0}")]
    NoArchive(EntryStreamError),
    #[error("name `{0}` of the archive is none that --escape-paths makes")]
    NotEscaped(String),
    /// What was listed is not what comes.
    #[error(
        "{path} has {} bytes, and {} were to come",
        if found > listed { format!("more than {}", grouped(*listed)) } else { grouped(*found) },
        grouped(*listed)
    )]
    Differs { path: FilePath, listed: u64, found: u64 },
    #[error("cannot write: {0}")]
    Output(io::Error),
    #[error("the store cannot be read: {0}")]
    Local(Fault),
}

impl RetrievalError {
    /// What the store said, where it does not know us or does not let us.
    pub fn denied(&self) -> Option<&Fault> {
        match self {
            Self::Refused(fault) if fault.kind == FaultKind::Denied => Some(fault),
            _ => None,
        }
    }

    /// What a fault of the store means here: it may pass, it is the store's own disk, or it is a refusal.
    pub fn from_fault(fault: Fault) -> Self {
        match fault.kind {
            FaultKind::Local => Self::Local(fault),
            _ if fault.is_passing() => Self::Unavailable(fault),
            _ => Self::Refused(fault),
        }
    }

    /// A stream that ended too early: the disk of an embedded store is told from a connection.
    pub(super) fn broken(error: io::Error) -> Self {
        match fault_in(&error) {
            Some(fault) if fault.kind == FaultKind::Local => Self::Local(fault.clone()),
            _ => Self::Broken { error },
        }
    }

    pub(super) fn no_archive(error: EntryStreamError) -> Self {
        match &error.trouble.kind {
            ArchiveErrorKind::Read(read) => match fault_in(read) {
                Some(fault) if fault.kind == FaultKind::Local => Self::Local(fault.clone()),
                _ => Self::NoArchive(error),
            },
            _ => Self::NoArchive(error),
        }
    }

    /// What to do next.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::NoRepo(_) => "check the name; a repo of another project is PROJECT/REPO",
            Self::NoFile { commit, .. } => return Some(format!("spoutctl get --list {commit} lists its files")),
            Self::IsDirectory(_) => "-r with -o DIR writes its files, --tar one archive of them, --list their names",
            Self::Errored { .. } => "its data are in no later commit; name the branch to read the newest good one",
            Self::Unavailable(_) | Self::Broken { .. } | Self::Differs { .. } => "the same command may succeed later",
            Self::NotEscaped(_) => "read it without --unescape-paths: it was not put with --escape-paths",
            _ => return None,
        };
        Some(help.to_owned())
    }
}

/// The fault that an adapter put into an error of its stream.
fn fault_in(error: &io::Error) -> Option<&Fault> {
    let inner = error.get_ref()?;
    match inner.downcast_ref::<EntryStreamError>() {
        Some(EntryStreamError {
            trouble: Trouble {
                kind: ArchiveErrorKind::Read(read),
                ..
            },
            ..
        }) => fault_in(read),
        Some(_) => None,
        None => inner.downcast_ref::<Fault>(),
    }
}
