//! Files and standard input, which are read one after the other.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use rustix::fs::OFlags;
use rustix::io::ioctl_fionread;

use super::stopping::{Stopping, one_comes_before};
use crate::failure::Failure;
use spoutctl_archive::STANDARD_INPUT;
use spoutctl_core::exit::Exit;

/// Something to read archives from.
pub(super) enum Input {
    Stdin,
    File(PathBuf),
}

impl Input {
    /// A file that can be opened now; whether it still can when its turn comes is seen then. Only regular files are
    /// opened to find out: a FIFO's writer would take that for its reader, and be left alone.
    pub fn file(path: &Path) -> Result<Self, Failure> {
        let looked = std::fs::metadata(path).and_then(|metadata| {
            if metadata.is_file() {
                File::open(path)?;
            }
            Ok(metadata)
        });
        if looked.is_err() && path.to_str().is_some_and(|path| path.contains("://")) {
            return Err(Failure::new(
                Exit::Usage,
                format!("{} is no file, and nothing is fetched here", path.display()),
            )
            .help("a command fetches it, and nothing is committed of half: spoutctl put DEST -- curl -fsS URL"));
        }
        let metadata = looked
            .with_context(|| format!("cannot read {}; nothing was sent", path.display()))
            .map_err(Failure::from)?;
        if metadata.is_dir() {
            return Err(Failure::new(Exit::Usage, format!("{} is a directory", path.display()))
                .help(format!("tar cf - {} | spoutctl put DEST", path.display())));
        }
        Ok(Self::File(path.to_owned()))
    }

    pub fn name(&self) -> Arc<str> {
        match self {
            Self::Stdin => STANDARD_INPUT.into(),
            Self::File(path) => path.display().to_string().into(),
        }
    }

    /// How many bytes are to come, where that is known.
    fn length(&self) -> Option<u64> {
        let file = self.open(&[]).ok()??;
        let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let position = { &file }.stream_position().ok()?;
        metadata.len().checked_sub(position)
    }

    /// Without the buffer of the standard library's own standard input, which would copy every byte once more. A FIFO
    /// is open once it has a writer; where one of `ends` may end the wait for that, `None` says that it did.
    pub fn open(&self, ends: &[&Stopping]) -> io::Result<Option<File>> {
        match self {
            Self::Stdin => Ok(Some(io::stdin().as_fd().try_clone_to_owned()?.into())),
            Self::File(path) if !ends.is_empty() && is_fifo(path) => open_fifo(path, ends),
            Self::File(path) => File::open(path).map(Some),
        }
    }

    pub fn is_fifo(&self) -> bool {
        matches!(self, Self::File(path) if is_fifo(path))
    }
}

/// Whether there is a FIFO of this name.
pub(in crate::commands) fn is_fifo(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// Opens a FIFO for reading, whether it has a writer or not.
pub(in crate::commands) fn open_unwritten(path: &Path) -> io::Result<File> {
    without_waiting().read(true).open(path)
}

fn without_waiting() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default());
    options
}

/// As the system opens one, but for that it can be ended.
fn open_fifo(path: &Path, ends: &[&Stopping]) -> io::Result<Option<File>> {
    let fifo = open_unwritten(path)?;
    if ioctl_fionread(&fifo).is_ok_and(|bytes| bytes > 0) {
        // Whoever wrote that may have left before, and only who has it open when a writer leaves hears of its end. So
        // one leaves now. Where that is not allowed, what follows an end is taken for a part of what came before.
        drop(without_waiting().write(true).open(path));
    }
    // Before its first writer there is neither something to read nor an end.
    if one_comes_before(ends, &fifo)? {
        return Ok(None);
    }
    let flags = rustix::fs::fcntl_getfl(&fifo)?;
    rustix::fs::fcntl_setfl(&fifo, flags - OFlags::NONBLOCK)?;
    Ok(Some(fifo))
}

/// How many bytes all of them are, where that is known. No FIFO is opened for it: its writer would take that for its
/// reader.
pub(super) fn length_of(inputs: &[Input]) -> Option<u64> {
    let is_fifo = |input: &Input| match input {
        Input::Stdin => false,
        Input::File(path) => !std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()),
    };
    if inputs.is_empty() || inputs.iter().any(is_fifo) {
        return None;
    }
    inputs.iter().map(Input::length).sum()
}
