//! From a commit to the bytes a user asked for: one file, or a directory as one tar archive.
//!
//! Domain: it knows no server and no terminal. [`FileSource`] is the port that the adapters implement.

use std::io::Read;

use crate::fault::Fault;
use crate::history::CommitHistory;
use crate::pfs::{Commit, FileInfo, FilePath};

/// A store that files can be read from.
pub trait FileSource: CommitHistory {
    /// What the path is, or `None` when the commit has nothing there. The root always exists.
    ///
    /// # Errors
    /// `NotFound` when the commit or the repo is missing.
    fn inspect_file(&self, commit: &Commit, path: &FilePath) -> Result<Option<FileInfo>, Fault>;

    /// The bytes of one file, streamed. The reader answers an error, never an early end, when the stream breaks.
    ///
    /// # Errors
    /// `NotFound` when there is no such file.
    fn get_file<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault>;

    /// The files under a directory (or the one file) as the bytes of one tar archive, streamed, with its end marker.
    /// Names are the files' full paths, sorted; entries for directories may be among them.
    ///
    /// # Errors
    /// `NotFound` when nothing is there.
    fn get_file_tar<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault>;
}
