//! Files and standard input, which are read one after the other.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use rustix::fs::OFlags;

use super::stopping::Stopping;
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
        let file = self.open(None).ok()?;
        let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let position = { &file }.stream_position().ok()?;
        metadata.len().checked_sub(position)
    }

    /// Without the buffer of the standard library's own standard input, which would copy every byte once more. A FIFO
    /// is open once it has a writer; that is waited for until it is `given_up`.
    pub fn open(&self, given_up: Option<&Stopping>) -> io::Result<File> {
        match (self, given_up) {
            (Self::Stdin, _) => Ok(io::stdin().as_fd().try_clone_to_owned()?.into()),
            (Self::File(path), Some(given_up)) if std::fs::metadata(path)?.file_type().is_fifo() => {
                open_fifo(path, given_up)
            }
            (Self::File(path), _) => File::open(path),
        }
    }
}

/// As the system opens one, but for that it can be ended.
fn open_fifo(path: &Path, given_up: &Stopping) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let fifo = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    // Before its first writer there is neither something to read nor an end.
    if given_up.comes_before(&fifo)? {
        return Err(io::Error::other("nobody wants it to be read any more"));
    }
    let flags = rustix::fs::fcntl_getfl(&fifo)?;
    rustix::fs::fcntl_setfl(&fifo, flags - OFlags::NONBLOCK)?;
    Ok(fifo)
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
