//! Where an archive's bytes are kept while it is in hand.

use std::io::{self, Read as _};
use std::sync::Arc;

use super::content::ReadAt;
use super::index::NextFile;

/// Where an archive's bytes are kept while it is in hand.
pub trait ArchiveBuffer {
    /// The archive starts at `offset` bytes of the (decompressed) input. Told before its first byte.
    fn begin(&mut self, _offset: u64) {}

    /// The bytes of a file come next. Told of plain files alone, and of none behind an entry that cannot be stored.
    fn file(&mut self, _file: &NextFile<'_>) {}

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they cannot be kept. The archive is given up then.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was taken readable; called once, when the archive is complete.
    ///
    /// # Errors
    /// When the bytes cannot be kept.
    fn finish(self: Box<Self>) -> io::Result<Arc<dyn ReadAt + Send + Sync>>;
}

/// Holds an archive in memory, whatever its size: for small ones.
#[derive(Debug, Default)]
pub struct InMemory(pub(super) Vec<u8>);

impl ArchiveBuffer for InMemory {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<Arc<dyn ReadAt + Send + Sync>> {
        Ok(Arc::new(*self))
    }
}

impl ReadAt for InMemory {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let from = usize::try_from(offset).ok().filter(|from| *from <= self.0.len());
        let mut rest = from.map(|from| &self.0[from..]).unwrap_or_default();
        rest.read_exact(buffer)
    }
}
