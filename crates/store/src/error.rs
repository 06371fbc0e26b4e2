//! What can be wrong with a store on this disk, and how the rest of the program gets to hear of it.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

use super::refusal::Refusal;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::quantity::grouped;

/// Why a store cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{} is not a spoutctl store", dir.display())]
    NotAStore { dir: PathBuf },
    #[error("{} has other files in it, so no store is made there", dir.display())]
    NotEmpty { dir: PathBuf },
    #[error("{} was written by a newer spoutctl: its schema is {found}, and this one reads up to {known}",
        dir.display())]
    NewerSchema { dir: PathBuf, found: i64, known: i64 },
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("no space for {}: {written} bytes are written and {wanted} more do not fit", path.display(),
        written = grouped(*written), wanted = grouped(*wanted))]
    DiskFull {
        path: PathBuf,
        written: u64,
        wanted: u64,
        source: io::Error,
    },
    #[error("another change keeps {} locked", path.display())]
    Busy { path: PathBuf, source: rusqlite::Error },
    #[error("{} is damaged", path.display())]
    DamagedDatabase { path: PathBuf, source: rusqlite::Error },
    #[error("cannot use {}", path.display())]
    Database { path: PathBuf, source: rusqlite::Error },
    /// The disk failed while the database wrote the end of a transaction.
    #[error("cannot tell whether {} took the last change", path.display())]
    CommitUnknown { path: PathBuf, source: rusqlite::Error },
    #[error("{} is damaged: {what}", path.display())]
    DamagedArchive { path: PathBuf, what: String },
    #[error("the index of {} is damaged: {what}", dir.display())]
    DamagedIndex { dir: PathBuf, what: String },
}

impl StoreError {
    /// What lies behind it. One level is enough: below a database error, the same is said again with its number.
    pub fn details(&self) -> Vec<String> {
        self.source().map(ToString::to_string).into_iter().collect()
    }

    /// What to do next, where there is something.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::NotAStore { .. } => "the first `spoutctl put --pachd local:DIR` makes a store in DIR",
            Self::NotEmpty { .. } => "name a directory that is empty or does not exist yet",
            Self::NewerSchema { .. } => "read it with the spoutctl that wrote it, or a newer one",
            Self::DiskFull { .. } => "make room and run the same command again; nothing was committed",
            Self::Busy { .. } => {
                "wait for it; if another process makes the change, end that: a lock ends with its process"
            }
            Self::DamagedDatabase { .. } | Self::DamagedIndex { .. } => {
                "put the directory back from a copy; the archives in it are ordinary tar files"
            }
            Self::DamagedArchive { .. } => {
                "put that file back from a copy; its name is the SHA-256 of its bytes, and sending the same data again \
                 mends it too"
            }
            Self::CommitUnknown { .. } => "check the disk, then look whether the change is there",
            Self::Database { .. } => "the directory has to be writable, also for reading, and have some space left",
            Self::Io { .. } => return None,
        };
        Some(help.to_owned())
    }

    fn kind(&self) -> FaultKind {
        match self {
            Self::Busy { .. } => FaultKind::Unavailable,
            Self::CommitUnknown { .. } => FaultKind::Unknown,
            _ => FaultKind::Local,
        }
    }

    /// The words of the database, sorted by what they mean for us.
    pub(super) fn from_database(path: PathBuf, source: rusqlite::Error) -> Self {
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path, source },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::DamagedDatabase { path, source },
            _ => Self::Database { path, source },
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let mut message = error.to_string();
        for cause in error.details() {
            message.push_str(": ");
            message.push_str(&cause);
        }
        Fault::new(error.kind(), message)
    }
}

/// Why one call did not succeed, before it is known whether its transaction ends with it.
#[derive(Debug)]
pub enum Failure {
    /// The store's answer, as pachd would give it.
    Refusal(Refusal),
    /// The port's own words for what went wrong on this side.
    Fault(Fault),
    Store(StoreError),
    Database(rusqlite::Error),
}

impl Failure {
    /// With pachd's name of the step in which it was refused before it.
    #[must_use]
    pub fn within(self, step: impl Into<String>) -> Self {
        match self {
            Self::Refusal(refusal) => Self::Refusal(refusal.within(step)),
            Self::Fault(mut fault) => {
                fault.message = format!("{}: {}", step.into(), fault.message);
                Self::Fault(fault)
            }
            other => other,
        }
    }
}

impl From<Failure> for Fault {
    /// For a failure outside of a transaction, where the database has no part in it.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refusal(refusal) => refusal.into(),
            Failure::Fault(fault) => fault,
            Failure::Store(error) => error.into(),
            Failure::Database(error) => StoreError::from_database("the store's database".into(), error).into(),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_messages_have_separators() {
        for (number, text) in [(0, "0"), (999, "999"), (1_320, "1,320"), (1_048_576, "1,048,576")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_fault_says_the_cause_too() {
        let error = StoreError::DiskFull {
            path: "/s/incoming/x.tar".into(),
            written: 1_320,
            wanted: 4_096,
            source: io::Error::other("No space left on device"),
        };
        let fault = Fault::from(error);
        assert_eq!(fault.kind, FaultKind::Local);
        assert_eq!(
            fault.message,
            "no space for /s/incoming/x.tar: 1,320 bytes are written and 4,096 more do not fit: No space left on device"
        );
    }
}
