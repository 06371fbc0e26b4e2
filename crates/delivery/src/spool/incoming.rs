//! An archive on its way into a spool: it waits for room, and survives a crash once it is accepted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use super::error::{SpoolError, too_large};
use super::files::{INCOMING, OWNER_READS, SMALLEST};
use super::{Inner, Spool};
use crate::spill::OnDisk;
use spoutctl_archive::{ArchiveBuffer, ReadAt};
use spoutctl_core::quantity::{Size, counted};

impl Spool {
    /// A place for the next archive. It waits for room; one archive that is larger than the limit is refused.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn buffer(self: &Arc<Self>) -> Result<Box<dyn ArchiveBuffer>, SpoolError> {
        let held = Incoming::create(Arc::clone(self))?;
        Ok(Box::new(held))
    }
}

/// The archive that is being read from the input.
struct Incoming {
    spool: Arc<Spool>,
    file: Option<File>,
    length: u64,
}

impl Incoming {
    fn create(spool: Arc<Spool>) -> Result<Self, SpoolError> {
        let path = spool.dir.join(INCOMING);
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(OWNER_READS)
            .open(&path);
        let file = open.map_err(|error| SpoolError::io("make", path, error))?;
        Ok(Self {
            spool,
            file: Some(file),
            length: 0,
        })
    }

    /// Waits until `more` bytes fit in beside what waits.
    fn wait_for_room(&self, more: u64) -> io::Result<()> {
        let wanted = (self.length + more).max(SMALLEST);
        let limit = self.spool.limit;
        if wanted > limit {
            return Err(too_large(limit));
        }
        let mut inner = self.spool.inner.lock();
        let full = |inner: &mut Inner| inner.bytes + wanted > limit && !inner.closed;
        self.spool.changed.wait_while(&mut inner, full);
        if inner.closed {
            return Err(io::Error::other("nothing more is taken in"));
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = self
            .file
            .as_mut()
            .ok_or_else(|| io::Error::other("the file is closed"))?;
        file.write_all(bytes)
    }
}

impl ArchiveBuffer for Incoming {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wait_for_room(bytes.len() as u64)?;
        let written = self.write(bytes);
        written.map_err(|error| explain(&self.spool, &error, self.length))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<Arc<dyn ReadAt + Send + Sync>> {
        let file = self.file.take().ok_or_else(|| io::Error::other("the file is closed"))?;
        file.sync_all()
            .map_err(|error| explain(&self.spool, &error, self.length))?;
        Ok(Arc::new(OnDisk::uncounted(file)))
    }
}

impl Drop for Incoming {
    /// An archive that was given up leaves nothing behind.
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = fs::remove_file(self.spool.dir.join(INCOMING));
        }
    }
}

/// The bare error of the system says neither where nor how much.
fn explain(spool: &Spool, error: &io::Error, length: u64) -> io::Error {
    let (archives, bytes) = spool.waiting();
    io::Error::new(
        error.kind(),
        format!(
            "cannot keep the archive in the spool {} after {} of it, beside {} ({}) that wait: {error}",
            spool.dir.display(),
            Size(length),
            counted(archives as u64, "archive"),
            Size(bytes)
        ),
    )
}
