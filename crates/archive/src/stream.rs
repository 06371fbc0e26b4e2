//! The entries of one archive as they come, for those who need no index: as strict as [`super::ArchiveReader`].

use std::io::{self, BufReader, Read};
use std::sync::Arc;

use super::entries::{Entries, Entry, Feed, Item, PositionedInput, read_trouble, trouble};
use super::error::{ArchiveErrorKind, ContentErrorKind, EntryStreamError, Trouble};
use super::header::EntryKind;

const BUFFER: usize = 64 << 10;

/// Reads one archive from a stream, entry by entry.
pub struct EntryStream<R> {
    source: PositionedInput<BufReader<R>>,
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
            source: PositionedInput::new(BufReader::with_capacity(BUFFER, input)),
            name,
            entries: Entries::new(),
            current: None,
            ended: false,
        }
    }

    /// The next entry; `None` once the two zero blocks were read. What is left of the entry before is skipped, and so
    /// are deletions.
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
        let entry = loop {
            match self.entries.next(&mut feed)? {
                None => return Ok(None),
                Some(Item::Entry(entry)) => break entry,
                Some(Item::Deletions(_)) => {}
            }
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

#[cfg(test)]
mod tests {
    use super::super::error::Trouble;
    use super::super::samples::Tar;
    use super::*;

    fn stream(bytes: &[u8]) -> EntryStream<&[u8]> {
        EntryStream::new(bytes, "here".into())
    }

    /// Name and content.
    type Named = (Vec<u8>, Vec<u8>);

    /// Everything in the archive, or the error before its end.
    fn read(bytes: &[u8], skip: bool) -> Result<Vec<Named>, Trouble> {
        let mut stream = stream(bytes);
        let mut entries = Vec::new();
        loop {
            match stream.next_entry() {
                Ok(None) => return Ok(entries),
                Ok(Some(mut entry)) => {
                    let mut content = Vec::new();
                    if !skip && let Err(error) = entry.read_to_end(&mut content) {
                        return Err(error.downcast::<EntryStreamError>().unwrap().trouble);
                    }
                    entries.push((entry.path().to_vec(), content));
                }
                Err(error) => return Err(error.trouble),
            }
        }
    }

    #[test]
    fn entries_come_in_order_with_their_data_read_or_not() {
        let bytes = Tar::new()
            .directory("/d/")
            .file("/d/b", &[2; 700])
            .file("/a", b"1")
            .file("/a", b"")
            .end();
        let expected = [
            (b"/d/".to_vec(), vec![]),
            (b"/d/b".to_vec(), vec![2; 700]),
            (b"/a".to_vec(), b"1".to_vec()),
            (b"/a".to_vec(), vec![]),
        ];
        assert_eq!(read(&bytes, false).unwrap(), expected);
        assert_eq!(read(&bytes, true).unwrap().len(), 4);
    }

    #[test]
    fn an_archive_cut_at_any_byte_never_seems_to_end() {
        let bytes = Tar::new()
            .file("a", &[1; 700])
            .pax(&[("path", "p")])
            .file("b", b"2")
            .end();
        for cut in 0..bytes.len() {
            for skip in [false, true] {
                let trouble = read(&bytes[..cut], skip).unwrap_err();
                assert!(matches!(trouble.kind, ArchiveErrorKind::Torn(_)), "cut at {cut}");
            }
        }
        assert!(read(&bytes, false).is_ok());
    }

    #[test]
    fn a_sparse_file_is_refused_rather_than_handed_out_unexpanded() {
        let bytes = Tar::new()
            .pax(&[("GNU.sparse.size", "9"), ("GNU.sparse.map", "0,1")])
            .file("f", b"x")
            .end();
        let kind = read(&bytes, false).unwrap_err().kind;
        assert!(matches!(
            kind,
            ArchiveErrorKind::Content(ContentErrorKind::SparseUnexpected)
        ));
    }

    #[test]
    fn an_error_says_what_was_missing_and_nothing_follows_it() {
        let bytes = Tar::new().file("a", &[1; 700]).0;
        let mut stream = stream(&bytes[..1000]);
        assert!(stream.next_entry().unwrap().is_some());
        let error = stream.next_entry().err().unwrap();
        assert_eq!(error.to_string(), "the archive from here ends too early");
        assert_eq!(
            error.details(),
            ["entry `a` (starts at byte 0) needs 700 bytes, and 488 came"]
        );
        assert!(stream.next_entry().unwrap().is_none());
    }
}
