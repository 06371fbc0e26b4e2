//! Files and standard input, which are read one after the other.

use std::fs::File;
use std::io::{self, Seek as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

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
        let file = self.open().ok()?;
        let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let position = { &file }.stream_position().ok()?;
        metadata.len().checked_sub(position)
    }

    /// Without the buffer of the standard library's own standard input, which would copy every byte once more.
    pub fn open(&self) -> io::Result<File> {
        match self {
            Self::Stdin => Ok(io::stdin().as_fd().try_clone_to_owned()?.into()),
            Self::File(path) => File::open(path),
        }
    }
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
