//! Why a spool cannot be used, or does not go on.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use spoutctl_core::quantity::{Size, grouped};

/// Where complete archives are, below a spool's directory.
pub(super) const WAITING: &str = "waiting";

/// An archive about which somebody has to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    pub sequence: u64,
    /// The commit that it became, by id.
    pub commit: String,
    pub reason: String,
}

/// A file that was set aside, and not sent: it could not be read any more, or it came back too late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Where it is now.
    pub path: PathBuf,
    /// And what to do, where that follows from it.
    pub reason: String,
}

/// Why a spool cannot be used, or does not go on.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("there is no spool in {}", dir.display())]
    NotASpool { dir: PathBuf },
    #[error("{} holds other files than a spool", dir.display())]
    NotEmpty { dir: PathBuf },
    #[error("the spool {} was made by a newer spoutctl (version {found} of its layout)", dir.display())]
    Newer { dir: PathBuf, found: u32 },
    #[error("the journal of the spool {} cannot be understood: {reason}", dir.display())]
    Journal { dir: PathBuf, reason: String },
    #[error("the spool {} is in use by {}", dir.display(), user(*pid))]
    InUse { dir: PathBuf, pid: Option<u32> },
    #[error("the lock of the spool {} was removed or replaced while this process used it", dir.display())]
    LockLost { dir: PathBuf },
    #[error("in the spool {}, {} taken in for something else", dir.display(), archives_were(*waiting))]
    OtherOptions {
        dir: PathBuf,
        waiting: usize,
        /// One of them is not sent again before somebody decides about it.
        held_back: Option<u64>,
        /// One line each.
        differences: Vec<String>,
    },
    #[error("archive {} waits in the spool {} for a decision: {}", held.sequence, dir.display(), held.reason)]
    HeldBack { dir: PathBuf, held: HeldBack },
    #[error("archive {sequence} does not wait in the spool {}", dir.display())]
    NotWaiting { dir: PathBuf, sequence: u64 },
    #[error("archive {sequence} of the spool {} is not held back", dir.display())]
    NotHeldBack { dir: PathBuf, sequence: u64 },
    #[error("cannot {action} {}: {error}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        error: io::Error,
    },
}

impl SpoolError {
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>, error: io::Error) -> Self {
        Self::Io {
            action,
            path: path.into(),
            error,
        }
    }

    /// Whether the call was wrong, not the spool.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NotASpool { .. }
                | Self::NotEmpty { .. }
                | Self::InUse { .. }
                | Self::OtherOptions { .. }
                | Self::NotWaiting { .. }
                | Self::NotHeldBack { .. }
        )
    }

    /// Further lines.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::OtherOptions { differences, .. } => differences.clone(),
            Self::HeldBack { held, .. } => vec![format!("its commit was {}", held.commit)],
            _ => Vec::new(),
        }
    }

    /// What to do next.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::NotASpool { .. } => "name the directory of `put --spool`".to_owned(),
            Self::NotEmpty { .. } => "name an empty directory, or one that is not there".to_owned(),
            Self::Newer { .. } => "use that spoutctl, or send what waits with it first".to_owned(),
            Self::Journal { dir, .. } => format!(
                "the archives in {} are whole tar files; put them by hand, oldest number first",
                dir.join(WAITING).display()
            ),
            Self::LockLost { .. } => {
                "another process may use the spool now; what waits stays there: start again, and leave its files alone"
                    .into()
            }
            Self::InUse { .. } => "one process at a time uses a spool; stop that one, or take another directory".into(),
            Self::OtherOptions {
                dir,
                held_back: Some(number),
                ..
            } => format!(
                "archive {number} is held back, since its commit failed: spoutctl spool {dir} --resend {number} or \
                 --forget {number}, then --send",
                dir = dir.display()
            ),
            Self::OtherOptions { dir, .. } => {
                format!("send what waits first: spoutctl spool {} --send", dir.display())
            }
            Self::HeldBack { dir, held } => format!(
                "mend the branch, then send it again: spoutctl spool {dir} --resend {number}; or leave it out: \
                 spoutctl spool {dir} --forget {number}",
                dir = dir.display(),
                number = held.sequence
            ),
            Self::NotWaiting { dir, .. } | Self::NotHeldBack { dir, .. } => {
                format!("see what waits: spoutctl spool {}", dir.display())
            }
            Self::Io { error, .. } if error.kind() == io::ErrorKind::StorageFull => {
                "make room on that disk; what the spool holds stays".to_owned()
            }
            Self::Io { .. } => "what the spool holds stays: start again once that is mended".to_owned(),
        })
    }
}

fn user(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}

fn archives_were(waiting: usize) -> String {
    match waiting {
        1 => "an archive waits that was".to_owned(),
        more => format!("{} archives wait that were", grouped(more as u64)),
    }
}

/// One archive is larger than everything that may wait.
pub(super) fn too_large(limit: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::QuotaExceeded,
        format!(
            "the archive is larger than what may wait in the spool ({} bytes, {}): raise --spool-limit",
            grouped(limit),
            Size(limit)
        ),
    )
}
