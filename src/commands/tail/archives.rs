//! A commit as one complete tar archive: `--tar`, and what a command gets.
//!
//! `--tar` writes it as it comes: what breaks off is taken up again where it broke, and what ends for good leaves an
//! archive without its end, which nobody takes for a whole one. A command may not look for that end, so it gets an
//! archive only when it is whole: up to 8 MiB are held in memory, more in an unnamed file.

use std::io::{self, Seek, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::SpooledTempFile;

use super::changes::Trouble;
use super::consumer::{Output, Shown, Unwritten, Written};
use super::stdout::Stdout;
use super::text::one_line;
use crate::failure::Failure;
use crate::terminal::Terminal;
use spoutctl_core::exit::Exit;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::CommitInfo;
use spoutctl_delivery::following::FollowError;
use spoutctl_delivery::retrieval::{Extent, RetrievalError, copy_changes};

/// Bytes of an archive that are held in memory.
const IN_MEMORY: usize = 8 << 20;

/// Makes archives of commits.
pub(super) struct Archives {
    pub extent: Extent,
    /// Where larger ones are held.
    pub directory: PathBuf,
    pub terminal: Arc<Terminal>,
}

/// A complete archive.
pub(super) struct Made {
    file: SpooledTempFile,
}

impl Made {
    pub fn copy(&mut self, output: &mut dyn Write) -> io::Result<()> {
        self.file.rewind()?;
        io::copy(&mut self.file, output).map(|_| ())
    }
}

/// Knows whether anything was written.
struct Touched<'a> {
    output: &'a mut dyn Write,
    is_touched: bool,
}

impl Write for Touched<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.is_touched = true;
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

impl Archives {
    /// Holds the commit's archive; `None` of one that has none, which is said.
    pub fn make(&self, commit: &Shown<'_>) -> Result<Option<Made>, Unwritten> {
        let mut file = tempfile::spooled_tempfile_in(IN_MEMORY, &self.directory);
        let cannot_hold = |error: io::Error| {
            let what = format!("cannot hold an archive in {}: {error}", self.directory.display());
            Unwritten::Failure(Failure::new(Exit::Input, what).help("--tmp-dir names another directory"))
        };
        match self.write(commit, &mut file, cannot_hold)? {
            Written::Out => Ok(Some(Made { file })),
            Written::LeftOut => Ok(None),
        }
    }

    /// Writes the commit's archive and flushes.
    fn write(
        &self,
        commit: &Shown<'_>,
        output: &mut dyn Write,
        cannot_write: impl Fn(io::Error) -> Unwritten,
    ) -> Result<Written, Unwritten> {
        if !commit.info.is_good() {
            let (commit, error) = (&commit.info.commit, one_line(&commit.info.error));
            let what = format!("commit {commit} finished with an error and is left out: {error}");
            self.terminal.note(&what);
            return Ok(Written::LeftOut);
        }
        let mut output = Touched {
            output,
            is_touched: false,
        };
        let mut info = commit.info.clone();
        loop {
            let fault = match self.copy(commit, &info, &mut output)? {
                Ok(written) => return Ok(written),
                Err(RetrievalError::Output(error)) => return Err(cannot_write(error)),
                Err(error) => fault_of(&error),
            };
            if fault.kind != FaultKind::NotFound || output.is_touched {
                return Err(Trouble::Error(FollowError::of(fault, commit.reader.retry_for)).into());
            }
            // It was dropped, or what it was built on was squashed and it has another parent now.
            let now = commit.reader.inspect(&info.commit)?;
            if now.parent == info.parent {
                return Err(Trouble::Error(FollowError::Refused(fault)).into());
            }
            info = now;
        }
    }

    fn copy(
        &self,
        commit: &Shown<'_>,
        info: &CommitInfo,
        output: &mut Touched<'_>,
    ) -> Result<Result<Written, RetrievalError>, Trouble> {
        let mut trying = commit.reader.trying();
        let mut trouble = None;
        let mut again = |error: Option<&RetrievalError>| {
            let tried = match error {
                None => {
                    trying.succeeded();
                    commit.reader.unless_interrupted()
                }
                Some(error) => trying.failed(&fault_of(error)),
            };
            match tried {
                Ok(()) => ControlFlow::Continue(()),
                Err(why) => {
                    trouble = Some(why);
                    ControlFlow::Break(())
                }
            }
        };
        let copied = copy_changes(&*commit.reader.store, info, self.extent, &mut again, output);
        match (copied, trouble) {
            (Ok(copied), _) if copied.is_nothing() => {
                let what = match self.extent {
                    Extent::Full => "has no file",
                    Extent::Changes => "changed no file",
                };
                self.terminal
                    .note(&format!("commit {} {what} and is left out", info.commit));
                Ok(Ok(Written::LeftOut))
            }
            (Ok(_), _) => Ok(Ok(Written::Out)),
            (Err(_), Some(trouble)) => Err(trouble),
            (Err(error), None) => Ok(Err(error)),
        }
    }
}

/// An error of reading in the words that decide what happens next.
fn fault_of(error: &RetrievalError) -> Fault {
    match error {
        RetrievalError::Unavailable(fault) | RetrievalError::Refused(fault) | RetrievalError::Local(fault) => {
            fault.clone()
        }
        RetrievalError::Broken { .. } | RetrievalError::NoArchive(_) | RetrievalError::Differs { .. } => {
            Fault::new(FaultKind::Unavailable, error.to_string())
        }
        RetrievalError::NoCommit { .. } | RetrievalError::NoRepo(_) | RetrievalError::NoFile { .. } => {
            Fault::new(FaultKind::NotFound, error.to_string())
        }
        error => Fault::new(FaultKind::Refused, error.to_string()),
    }
}

/// `--tar`.
pub(super) struct Tar {
    pub archives: Archives,
    pub stdout: Stdout,
}

impl Output for Tar {
    fn needs_changes(&self) -> bool {
        false
    }

    fn write(&mut self, commit: &Shown<'_>) -> Result<Written, Unwritten> {
        self.archives.write(commit, &mut self.stdout, Unwritten::from)
    }

    fn is_gone(&self) -> bool {
        self.stdout.is_gone()
    }
}
