//! The reading side of `put`: opens each input and hands over its archives, one by one.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use crossbeam_channel::Sender;

use super::report::Report;
use crate::archive::{self, ArchiveReader, STANDARD_INPUT, Seen};
use crate::delivery::spool::Spool;
use crate::delivery::{DeliveryError, Incoming, Observer};
use crate::exit::Exit;
use crate::failure::Failure;

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

    fn name(&self) -> Arc<str> {
        match self {
            Self::Stdin => STANDARD_INPUT.into(),
            Self::File(path) => path.display().to_string().into(),
        }
    }

    /// Without the buffer of the standard library's own standard input, which would copy every byte once more.
    fn open(&self) -> io::Result<File> {
        match self {
            Self::Stdin => Ok(io::stdin().as_fd().try_clone_to_owned()?.into()),
            Self::File(path) => File::open(path),
        }
    }
}

/// Everything the reading thread needs.
pub(super) struct Reader {
    pub inputs: Vec<Input>,
    pub options: archive::Options,
    pub spool: Spool,
    pub report: Arc<Report>,
}

impl Reader {
    /// Hands over every archive of every input, then the end. When nobody takes them any more, it ends too.
    pub fn read_all(&self, archives: &Sender<Incoming>) {
        let mut number = 1;
        for input in &self.inputs {
            match self.read_one(input, &mut number, archives) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    let _ = archives.send(Incoming::End(Err(error)));
                    return;
                }
            }
        }
        let _ = archives.send(Incoming::End(Ok(())));
    }

    /// `false` when nobody takes archives any more.
    fn read_one(&self, input: &Input, number: &mut u64, archives: &Sender<Incoming>) -> Result<bool, DeliveryError> {
        let name = input.name();
        let file = input.open().map_err(|error| DeliveryError::Input {
            name: name.to_string(),
            error,
        })?;
        let counted = Counted {
            file,
            report: &self.report,
        };
        let mut reader = ArchiveReader::new(
            archive::open_input(counted),
            Arc::clone(&name),
            *number,
            self.options.clone(),
        );
        while let Some(archive) = reader.next_archive(self.spool.hold())? {
            if archives.send(Incoming::Archive(Box::new(archive))).is_err() {
                return Ok(false);
            }
        }
        *number = reader.next_number();
        match reader.seen() {
            Seen::Nothing => self.report.note(&format!("{name} is empty: no commit is made of it")),
            Seen::OnlyZeros(_) => self
                .report
                .note(&format!("{name} has only zero bytes: no commit is made of it")),
            Seen::Archives(_) => {}
        }
        Ok(true)
    }
}

/// Tells the report how far the input is read.
struct Counted<'a> {
    file: File,
    report: &'a Report,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(buffer)?;
        self.report.read(bytes);
        Ok(bytes)
    }
}
