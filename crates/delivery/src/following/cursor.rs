//! The cursor: a file that says how far a branch was delivered, so that a restart goes on behind it.
//!
//! It is written anew beside its name, synced and renamed, so that it is there whole, or as it was before. It names the
//! branch, and another's is refused.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::FollowError;
use super::trail::Trail;
use spoutctl_core::durable::{self, directory_of};
use spoutctl_core::named_file;
use spoutctl_core::pfs::{Branch, CommitId};

/// How many commits before the last one are kept with it: to know where to go on when that one was squashed.
const KEPT: usize = 64;
/// What was only passed over is kept no more often than this; after a crash it is passed over again.
const LAZILY: Duration = Duration::from_secs(1);
const VERSION: u32 = 1;
/// Sixty-five ids and a name take 3 kB.
const LONGEST: u64 = 1 << 20;

/// Why a file is no cursor to go on from.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    #[error("cannot read the cursor in {}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{} is no cursor of spoutctl", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("the cursor in {} is of another branch: {kept}", path.display())]
    OfAnother { path: PathBuf, kept: String },
}

impl CursorError {
    /// Where, and what exactly.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Io { error, .. } => vec![error.to_string()],
            Self::Unreadable { why, .. } => vec![why.clone()],
            Self::OfAnother { .. } => Vec::new(),
        }
    }

    /// What to do next.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Io { error, .. } if error.kind() == io::ErrorKind::NotFound => {
                Some("the file is made when the first commit is out, its directory is not: mkdir -p DIR")
            }
            Self::Io { .. } => None,
            Self::Unreadable { .. } => Some("name another file; one that is missing is made"),
            Self::OfAnother { .. } => Some("keep a file for each branch and each consumer"),
        }
    }
}

/// A cursor's file.
#[derive(Debug)]
pub struct Cursor {
    path: PathBuf,
    branch: Branch,
    kept: Option<Trail>,
    /// When it was last written.
    written: Option<Instant>,
    /// The newest commit that the file names.
    newest: Option<CommitId>,
}

#[derive(Serialize, Deserialize)]
struct Content {
    version: u32,
    branch: String,
    /// Newest first.
    commits: Vec<String>,
}

impl Cursor {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// When it cannot be read, holds something else, or is another branch's.
    pub fn open(path: &Path, branch: &Branch) -> Result<Self, CursorError> {
        let mut cursor = Self {
            path: path.to_owned(),
            branch: branch.clone(),
            kept: None,
            written: None,
            newest: None,
        };
        // Found out now, not when a commit was delivered that nobody could then remember.
        tempfile::tempfile_in(directory_of(path)).map_err(|error| CursorError::Io {
            path: path.to_owned(),
            error,
        })?;
        let bytes = match named_file::read(path, LONGEST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(cursor),
            Err(error) => {
                return Err(CursorError::Io {
                    path: path.to_owned(),
                    error,
                });
            }
        };
        let unreadable = |why: String| CursorError::Unreadable {
            path: path.to_owned(),
            why,
        };
        let content: Content = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        if content.version != VERSION {
            return Err(unreadable(format!("it has version {}", content.version)));
        }
        if content.branch != branch.to_string() {
            return Err(CursorError::OfAnother {
                path: path.to_owned(),
                kept: content.branch,
            });
        }
        let ids = content.commits.iter().map(|id| CommitId::new(id));
        let ids: Vec<CommitId> = ids
            .collect::<Result<_, _>>()
            .map_err(|error| unreadable(error.to_string()))?;
        cursor.newest = ids.first().cloned();
        cursor.kept = Some(Trail::behind(ids));
        Ok(cursor)
    }

    /// What the file said when it was opened.
    pub fn kept(&self) -> Option<&Trail> {
        self.kept.as_ref().filter(|trail| trail.newest().is_some())
    }

    /// Writes the trail, on disk when this returns. Not `at_once`, it may be left for later.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn keep(&mut self, trail: &Trail, at_once: bool) -> Result<(), FollowError> {
        let is_recent = self.written.is_some_and(|written| written.elapsed() < LAZILY);
        if trail.newest() == self.newest.as_ref() || (!at_once && is_recent) {
            return Ok(());
        }
        self.write(trail).map_err(|error| FollowError::Cursor {
            path: self.path.clone(),
            error,
        })?;
        self.newest = trail.newest().cloned();
        self.written = Some(Instant::now());
        Ok(())
    }

    fn write(&self, trail: &Trail) -> io::Result<()> {
        let content = Content {
            version: VERSION,
            branch: self.branch.to_string(),
            commits: trail.iter().take(KEPT).map(ToString::to_string).collect(),
        };
        // A link stays one: what it leads to is replaced.
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        let mut text = serde_json::to_vec(&content)?;
        text.push(b'\n');
        durable::replace(&path, |file| file.write_all(&text))
    }
}
