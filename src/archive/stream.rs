//! The entries of one archive as they come, for those who need no index: as strict as [`super::ArchiveReader`].

use std::io::{self, BufReader, Read};
use std::sync::Arc;

use super::entries::{Entries, Entry, Feed, Source, read_trouble, trouble};
use super::error::{ArchiveErrorKind, ContentErrorKind, EntryStreamError, Trouble};
use super::header::EntryKind;

const BUFFER: usize = 64 << 10;

/// Reads one archive from a stream, entry by entry.
pub struct EntryStream<R> {
    source: Source<BufReader<R>>,
    name: Arc<str>,
    entries: Entries,
    current: Option<Current>,
    ended: bool,
}

/// An entry whose data are not all read yet.
struct Current {
    entry: Entry,
    /// Bytes of its data that are still to come.
    left: u64,
}

/// An entry of an [`EntryStream`], its data to be read from itself.
pub struct StreamedEntry<'a, R> {
    stream: &'a mut EntryStream<R>,
    path: Vec<u8>,
    kind: EntryKind,
    size: u64,
}

impl<R: Read> EntryStream<R> {
    /// Reads from `input`, which errors call `name`.
    pub fn new(input: R, name: Arc<str>) -> Self {
        Self {
            source: Source::new(BufReader::with_capacity(BUFFER, input)),
            name,
            entries: Entries::new(),
            current: None,
            ended: false,
        }
    }

    /// The next entry; `None` once the two zero blocks were read. What is left of the entry before is skipped.
    ///
    /// # Errors
    /// When the stream ends without the two zero blocks, is no archive, or cannot be read; when an entry is a sparse
    /// file. After an error, as after the end, the answer is `None` for good.
    pub fn next_entry(&mut self) -> Result<Option<StreamedEntry<'_, R>>, EntryStreamError> {
        if self.ended {
            return Ok(None);
        }
        self.ended = true;
        let Some(entry) = self.advance().map_err(|trouble| self.error(trouble))? else {
            return Ok(None);
        };
        self.ended = false;
        let (path, kind, size) = (entry.name.clone(), entry.kind, entry.stored);
        self.current = Some(Current { entry, left: size });
        Ok(Some(StreamedEntry {
            stream: self,
            path,
            kind,
            size,
        }))
    }

    fn advance(&mut self) -> Result<Option<Entry>, Trouble> {
        let mut feed = Feed {
            source: &mut self.source,
            tee: &mut (),
        };
        if let Some(Current { entry, left }) = self.current.take() {
            self.entries.pass_data(&mut feed, &entry, entry.stored - left)?;
        }
        let Some(entry) = self.entries.next(&mut feed)? else {
            return Ok(None);
        };
        if entry.sparse.is_some() {
            let mut trouble = trouble(
                entry.start,
                ArchiveErrorKind::Content(ContentErrorKind::SparseUnexpected),
            );
            trouble.entry = Some(entry.reference());
            return Err(trouble);
        }
        Ok(Some(entry))
    }

    fn read_data(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(Current { entry, left }) = &mut self.current else {
            return Ok(0);
        };
        let wanted = usize::try_from(*left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if wanted == 0 {
            return Ok(0);
        }
        let at = self.source.position();
        let outcome = self.source.take(|bytes| {
            let count = bytes.len().min(wanted);
            buffer[..count].copy_from_slice(&bytes[..count]);
            (count, count)
        });
        let mut trouble = match outcome {
            Ok(0) => trouble(at, ArchiveErrorKind::Torn(entry.torn(entry.stored - *left))),
            Ok(count) => {
                *left -= count as u64;
                return Ok(count);
            }
            Err(error) => read_trouble(at, error),
        };
        trouble.entry = Some(entry.reference());
        self.ended = true;
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, self.error(trouble)))
    }

    fn error(&self, trouble: Trouble) -> EntryStreamError {
        EntryStreamError {
            input: Arc::clone(&self.name),
            trouble,
        }
    }
}

impl<R> StreamedEntry<'_, R> {
    /// The name as it stands in the archive: any bytes but NUL.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    #[must_use]
    pub fn kind(&self) -> EntryKind {
        self.kind
    }

    /// Bytes of data.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl<R: Read> Read for StreamedEntry<'_, R> {
    /// An end of the stream within the data is an error (an [`EntryStreamError`] inside), never an early end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read_data(buffer)
    }
}
