//! What a spool holds, as it is shown.

use std::path::{Path, PathBuf};

use super::error::{HeldBack, SpoolError};
use super::files;
use super::journal::{CommitOptions, Journal};
use crate::mark::StreamName;
use spoutctl_archive::Digest;

/// An archive that waits, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub sequence: u64,
    pub digest: Digest,
    pub length: u64,
}

/// What a spool holds, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    pub stream: StreamName,
    /// The number of the newest archive that was ever taken in; a producer goes on behind it.
    pub accepted: u64,
    /// The number of the newest message in them, where they were made of messages.
    pub messages: u64,
    pub waiting: Vec<Item>,
    pub held_back: Option<HeldBack>,
    pub options: Option<CommitOptions>,
    /// Files that were set aside.
    pub damaged: Vec<PathBuf>,
    /// The process that uses it now.
    pub used_by: Option<u32>,
}

impl Contents {
    /// What the spool in `dir` holds, whether a process uses it or not. Changes nothing.
    ///
    /// # Errors
    /// When there is no spool, or it cannot be read.
    pub fn look(dir: &Path) -> Result<Self, SpoolError> {
        files::check(dir, false)?;
        // The files first: what leaves meanwhile is in the journal then. The other way round, the number of an archive
        // that leaves between the two would be seen in neither, and a producer would send it again.
        let waiting = files::look(dir, 0)?;
        let messages = files::messages(dir, waiting.iter().rev().map(|waiting| &waiting.name));
        let journal = Journal::read(dir)?;
        let waiting: Vec<Item> = waiting
            .into_iter()
            .filter(|waiting| waiting.name.sequence > journal.finished)
            .map(|waiting| Item {
                sequence: waiting.name.sequence,
                digest: waiting.name.digest,
                length: waiting.length,
            })
            .collect();
        Ok(Self {
            accepted: waiting.last().map_or(0, |last| last.sequence).max(journal.accepted),
            messages: journal.messages.max(messages),
            stream: journal.stream,
            waiting,
            held_back: journal.held_back,
            options: journal.options,
            damaged: files::damaged(dir),
            used_by: files::used_by(dir)?,
        })
    }
}
