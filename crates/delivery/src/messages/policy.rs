//! What becomes of messages that are not as others are, and which files have a header.

use std::collections::HashSet;
use std::io;

use spoutctl_archive::Position;
use spoutctl_core::pfs::FilePath;

use super::error::{MessageError, MessageFault};
use super::framing::Message;

/// What becomes of a message that is said not to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nulls {
    /// It is an empty one.
    #[default]
    Empty,
    Skip,
    /// It cannot be taken.
    Fail,
}

/// What becomes of a message that has the name of another one of the same archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SameName {
    #[default]
    Refuse,
    /// It takes the other one's place.
    Last,
}

/// What becomes of a message that cannot be taken.
#[derive(Default)]
pub enum OnBad {
    /// Nothing behind it is read.
    #[default]
    Stop,
    /// It is left out, and counted.
    Skip,
    SetAside(Box<dyn Shelf>),
    /// It goes with the archive, into its directory `SPOUTCTL.aside`, for another repo.
    Along {
        /// What the repo is called, up to a path.
        place: String,
        /// What the input is called.
        input: String,
    },
}

/// A message that cannot be taken.
pub struct Bad<'a> {
    /// In the stream.
    pub number: u64,
    pub message: &'a Message<'a>,
    pub position: Option<&'a Position>,
    /// Why, and where it is in the input.
    pub error: &'a MessageError,
}

/// Where messages go that cannot be taken.
pub trait Shelf: Send {
    /// Keeps a message and the reason, and answers where. When this returns, both survive a crash.
    ///
    /// # Errors
    /// When that cannot be done.
    fn keep(&mut self, bad: &Bad<'_>) -> io::Result<String>;
}

/// What is in the destination already, for files that grow.
pub trait Existing: Send {
    /// Whether there is a file at this path.
    ///
    /// # Errors
    /// When that is not known, in words.
    fn has(&mut self, path: &FilePath) -> Result<bool, String>;
}

/// What was left out of archives, or set aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub nulls: u64,
    pub skipped: u64,
    pub set_aside: u64,
    /// Why the first of those was left out or set aside that could not be taken.
    pub first: Option<MessageError>,
}

/// Which files of CSV begin with a header.
pub(super) enum Headers {
    /// Each of every archive.
    Each,
    /// Those that are not there yet: the bytes go to the end of what there is.
    New {
        existing: Box<dyn Existing>,
        /// Files that have it.
        known: HashSet<FilePath>,
    },
}

impl Headers {
    pub fn wants(&mut self, path: &FilePath) -> Result<bool, MessageFault> {
        let Self::New { existing, known } = self else {
            return Ok(true);
        };
        if known.contains(path) {
            return Ok(false);
        }
        let is_there = existing.has(path).map_err(|why| MessageFault::UnknownFile { why })?;
        known.insert(path.clone());
        Ok(!is_there)
    }
}
