//! A directory as one tar archive. 1.x has no call for that, so its files are walked through and fetched one by one.

use std::io::{self, Cursor, Read};

use spoutctl_archive::FileFrame;
use spoutctl_core::fault::{Fault, FaultKind};

/// Where the files come from.
pub(super) trait Walk {
    type Content: Read;

    /// The next file's path and size; `None` after the last one.
    ///
    /// # Errors
    /// When the listing broke off.
    fn next_file(&mut self) -> Result<Option<(String, u64)>, Fault>;

    /// # Errors
    /// When the file cannot be had.
    fn open(&mut self, path: &str) -> Result<Self::Content, Fault>;
}

/// Reads the files of a walk as an archive. A fault comes as an [`io::Error`] that holds it, and stays one: the archive
/// then lacks its end.
pub(super) struct TarReader<W: Walk> {
    walk: W,
    /// Headers, padding, or the archive's end.
    frame: Cursor<Vec<u8>>,
    file: Option<Open<W::Content>>,
    ended: bool,
    broken: Option<Fault>,
}

struct Open<C> {
    path: String,
    content: C,
    left: u64,
    padding: Vec<u8>,
}

impl<W: Walk> TarReader<W> {
    pub fn new(walk: W) -> Self {
        Self {
            walk,
            frame: Cursor::default(),
            file: None,
            ended: false,
            broken: None,
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        loop {
            // Reading from memory cannot fail.
            let read = self.frame.read(buffer).unwrap_or(0);
            if read > 0 {
                return Ok(read);
            }
            if let Some(file) = &mut self.file {
                let read = file.read(buffer)?;
                if read > 0 {
                    return Ok(read);
                }
                self.frame = Cursor::new(std::mem::take(&mut file.padding));
                self.file = None;
            } else if self.ended {
                return Ok(0);
            } else {
                self.next_file()?;
            }
        }
    }

    fn next_file(&mut self) -> Result<(), Fault> {
        let Some((path, size)) = self.walk.next_file()? else {
            self.ended = true;
            self.frame = Cursor::new(FileFrame::end());
            return Ok(());
        };
        let unnamed = |error: io::Error| Fault::new(FaultKind::Unrecognised, format!("WalkFile: `{path}`: {error}"));
        let FileFrame { head, padding } = FileFrame::new(path.as_bytes(), size).map_err(unnamed)?;
        let content = self.walk.open(&path)?;
        self.frame = Cursor::new(head);
        self.file = Some(Open {
            path,
            content,
            left: size,
            padding,
        });
        Ok(())
    }
}

impl<C: Read> Open<C> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        loop {
            return match self.content.read(&mut buffer[..most]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(self.broken(&error)),
                Ok(0) if self.left > 0 => Err(self.short()),
                Ok(read) => {
                    self.left -= read as u64;
                    Ok(read)
                }
            };
        }
    }

    fn broken(&self, error: &io::Error) -> Fault {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()) {
            Some(fault) => fault.clone(),
            None => Fault::new(FaultKind::Unavailable, format!("GetFile {}: {error}", self.path)),
        }
    }

    fn short(&self) -> Fault {
        let (path, left) = (&self.path, self.left);
        Fault::new(
            FaultKind::Unavailable,
            format!("GetFile {path}: the content ends {left} bytes before the size that was told"),
        )
    }
}

impl<W: Walk> Read for TarReader<W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.broken.is_none() {
            match self.fill(buffer) {
                Ok(read) => return Ok(read),
                Err(fault) => self.broken = Some(fault),
            }
        }
        // It was just set, or before.
        Err(io::Error::other(self.broken.clone().unwrap_or_else(|| {
            Fault::new(FaultKind::Unavailable, "the archive broke off")
        })))
    }
}
