//! From a stream of bytes to complete tar archives, and from an archive to the files it holds.
//!
//! A tar archive is the unit that becomes a commit, so where one ends is decided here and nowhere else: after its
//! second consecutive zero block, behind whole entries. Most readers accept less (a cut stream, one zero block) or stop
//! early (at the first of two archives); a commit must do neither.
//!
//! One pass: [`ArchiveReader`] checks headers, keeps a compact index of the entries, and passes every byte to a
//! [`ArchiveBuffer`] and to SHA-256. [`EntryStream`] walks one archive with the same parser, [`ArchiveWriter`] writes
//! one, and [`open_input`] undoes gzip and zstd in front of them.
//!
//! **Deletions.** tar has no word for a file that is gone. [`ArchiveWriter::delete`] writes it as a record of a global
//! PAX header, which other readers pass over: `SPOUTCTL.delete.0` with the path of the first such file, `.1` of the
//! second, and so on, in as many headers as it takes, each under 512 KiB and all of them before the first entry. GNU tar,
//! bsdtar and Python's tarfile read on without a word: GNU tar names unknown keywords of an entry's own header only. They
//! count where [`Options::obey_deletions`] says so, and are checked then as strictly as entries: numbers from 0 without
//! a gap, so that a header that was lost or is there twice is noticed. Files are deleted before any is added.
//!
//! **Labels.** What the producer says of a whole archive is in such a header, too: `SPOUTCTL.messages` (`1-212`: which
//! messages it was made of) and `SPOUTCTL.position` (where the last of them stands in its source). Messages that are not in its files are counted in
//! `SPOUTCTL.skipped` and `SPOUTCTL.set-aside`, and those that were set aside are told of in `SPOUTCTL.aside.0` and so on.
//!
//! Memory: about 64 KiB for bytes in passing, up to 1 MiB for the body of one extension header, up to 32 MiB while the
//! maps of sparse files are put together (16 MiB afterwards, and only if they have a million parts), under 100
//! bytes an entry beside its path, and 16 bytes a deletion beside its path. What compressed input takes on top is said in `compression`.
//!
//! Domain: this crate knows no server, no terminal, no environment and no standard stream.
//!
//! # Example
//!
//! Two archives on one stream, and each of them comes out:
//!
//! ```
//! use spoutctl_archive::{ArchiveReader, ArchiveWriter, InMemory, Options, STANDARD_INPUT};
//!
//! let mut stream = Vec::new();
//! for text in ["first", "second"] {
//!     let mut archive = ArchiveWriter::new(&mut stream, 0);
//!     archive.append(format!("{text}.txt").as_bytes(), text.len() as u64, text.as_bytes())?;
//!     archive.finish()?;
//! }
//!
//! let mut reader = ArchiveReader::new(stream.as_slice(), STANDARD_INPUT.into(), 1, Options::default());
//! let mut paths = Vec::new();
//! while let Some(archive) = reader.next_archive(Box::new(InMemory::default()))? {
//!     let files = archive.contents.as_ref().map_err(Clone::clone)?;
//!     paths.extend(files.iter().map(|file| file.path.to_owned()));
//! }
//! assert_eq!(paths, ["/first.txt", "/second.txt"]);
//!
//! // A stream that is cut says so: it is never taken for one that ends.
//! let cut = &stream[..stream.len() - 1];
//! let mut reader = ArchiveReader::new(cut, STANDARD_INPUT.into(), 1, Options::default());
//! assert!(reader.next_archive(Box::new(InMemory::default())).is_ok());
//! assert!(reader.next_archive(Box::new(InMemory::default())).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch;
mod compression;
mod content;
mod entries;
mod error;
mod framing;
mod header;
mod index;
mod label;
mod path;
mod pax;
mod sniffing;
mod sparse;
mod stream;
mod writer;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod samples;

use std::fmt;
use std::io::{self, Read as _};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use spoutctl_core::pfs::FilePath;
use spoutctl_core::quantity::grouped;

pub use batch::{Batch, Gathering, MOST_LISTED, Member};
pub use compression::{CompressionError, CompressionFault, Format, Input, open_input};
pub use content::ContentReader;
pub use error::{
    Ambiguity, ArchiveError, ArchiveErrorKind, ContentError, ContentErrorKind, DeletionFault, EntryRef,
    EntryStreamError, LinkFault, Problem, Torn, Trouble,
};
pub use framing::{ArchiveReader, Seen, label_of};
pub use header::{EntryKind, NumberFault};
use index::LeftOut;
pub use index::{EntryKey, File, Files, NextFile, SamePath, Skipped};
pub use label::{ASIDES, Aside, Asides, Label, MAX_POSITION, MessageRange, NoPosition, Position, Refused};
pub use path::{MAX_PATH, PathFault, escape_path, unescape_path};
pub use pax::PaxFault;
pub use sniffing::SniffedFormat;
pub use sparse::SparseFault;
pub use stream::{EntryStream, StreamedEntry};
pub use writer::{ArchiveWriter, FileFrame};

/// How an [`ArchiveReader`] names what it reads when that is no file; errors are worded by it.
pub const STANDARD_INPUT: &str = "standard input";

/// The largest file that is taken unless [`Options::max_entry_size`] says otherwise: 1 TiB.
///
/// A sparse file of a few bytes may claim any size, and would be sent expanded.
pub const DEFAULT_MAX_ENTRY_SIZE: u64 = 1 << 40;

/// The most that all files of an archive may have together unless [`Options::max_archive_size`] says otherwise: 1 TiB.
///
/// A link of 512 bytes adds as much as the file that it leads to.
pub const DEFAULT_MAX_ARCHIVE_SIZE: u64 = 1 << 40;

/// What becomes of hard and symbolic links, which pachd does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Links {
    /// A link becomes a file with the content of the file that it leads to.
    #[default]
    Resolve,
    /// Links are left out, with a note in [`Archive::skipped`].
    Skip,
}

/// What becomes of devices, FIFOs and entries of unknown types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Special {
    /// The archive is refused.
    #[default]
    Refuse,
    /// They are left out, with a note in [`Archive::skipped`].
    Skip,
}

/// What the end of an archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ArchiveEnd {
    /// Two zero blocks and nothing else.
    #[default]
    Strict,
    /// Where the *input* ends behind whole entries, its end will do, too. Between two archives there must be zero blocks.
    ///
    /// A producer that dies between two entries cannot be told from one that is done.
    Lenient,
}

/// How the entries of an archive become files.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory that every path is put under.
    pub prefix: FilePath,
    /// Whether bytes that pachd refuses in a path (and `%`) become `%XX`, and a `..` element `%2E%2E`.
    pub escape_paths: bool,
    pub links: Links,
    pub special: Special,
    /// Whether the archive may delete files. One from a stranger must not, so nobody does it unasked.
    pub obey_deletions: bool,
    /// The largest file, in bytes, sparse files counted expanded.
    pub max_entry_size: u64,
    /// The largest sum of all its files, in bytes, sparse files and links counted expanded.
    pub max_archive_size: u64,
    pub end: ArchiveEnd,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prefix: FilePath::root(),
            escape_paths: false,
            links: Links::default(),
            special: Special::default(),
            obey_deletions: false,
            max_entry_size: DEFAULT_MAX_ENTRY_SIZE,
            max_archive_size: DEFAULT_MAX_ARCHIVE_SIZE,
            end: ArchiveEnd::default(),
        }
    }
}

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
pub struct InMemory(Vec<u8>);

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

/// Bytes that can be read from any place.
pub trait ReadAt {
    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// When there are fewer: it never answers with less than was asked for.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Bytes before this one were let go.
    fn held_from(&self) -> u64 {
        0
    }
}

/// The SHA-256 of an archive, from its first header through its second zero block. Displayed as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The text is no digest: 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no SHA-256 in 64 lower-case hex digits")]
pub struct InvalidDigest;

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(InvalidDigest),
        };
        let pairs = text.as_bytes().as_chunks::<2>();
        let mut bytes = [0; 32];
        if !pairs.1.is_empty() || pairs.0.len() != bytes.len() {
            return Err(InvalidDigest);
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs.0) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// One complete archive, or several that are to be one commit.
pub struct Archive {
    /// Counted from 1 over all inputs; of several the last one's.
    pub number: u64,
    /// Which archives it is, where it is several.
    pub batch: Option<Batch>,
    /// The file that it came from, or [`STANDARD_INPUT`].
    pub input: Arc<str>,
    /// Where its first header starts in the (decompressed) input, in bytes.
    pub offset: u64,
    /// Bytes from its first header through its second zero block, those that did not come counted.
    pub length: u64,
    pub digest: Digest,
    pub label: Label,
    /// The files that it holds, or the first reason why it cannot be stored although it is whole.
    pub contents: Result<Files, ContentError>,
    pub(crate) left_out: LeftOut,
    pub(crate) held: Arc<dyn ReadAt + Send + Sync>,
}

impl Archive {
    /// The numbers of the archives that it is: one, unless it is several.
    #[must_use]
    pub fn numbers(&self) -> RangeInclusive<u64> {
        self.batch.as_ref().map_or(self.number, |batch| batch.first)..=self.number
    }

    /// Opens the file at `index` of [`Files`] at its start; `None` when there is no such file.
    #[must_use]
    pub fn open(&self, index: usize) -> Option<ContentReader<'_>> {
        self.open_at(index, 0)
    }

    /// Opens the file at `index` at `offset` bytes from its start. Behind its end, nothing is left to read.
    #[must_use]
    pub fn open_at(&self, index: usize, offset: u64) -> Option<ContentReader<'_>> {
        let extent = self.contents.as_ref().ok()?.extent(index)?;
        Some(ContentReader::new(self.held.as_ref(), extent, offset))
    }

    /// What was left out as [`Options::links`] and [`Options::special`] ask, one note a kind.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.left_out.skipped
    }

    /// What was left out or passed over, in words.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        let ignored = match self.ignored_deletions() {
            0 => None,
            1 => Some("its deletion of 1 file was ignored; --obey-deletions obeys it".to_owned()),
            more => Some(format!(
                "its deletions of {} files were ignored; --obey-deletions obeys them",
                grouped(more)
            )),
        };
        let end = (self.left_out.missing_end > 0).then(|| {
            format!(
                "the input ends without {} of the 1,024 zero bytes at an archive's end, and was taken as whole",
                grouped(self.left_out.missing_end)
            )
        });
        self.skipped().iter().map(ToString::to_string).chain(ignored).chain(end)
    }

    /// How many deletions were passed over because [`Options::obey_deletions`] does not ask for them.
    #[must_use]
    pub fn ignored_deletions(&self) -> u64 {
        self.left_out.deletions
    }

    /// The archive's own bytes, [`Archive::length`] of them.
    #[must_use]
    pub fn held(&self) -> &Arc<dyn ReadAt + Send + Sync> {
        &self.held
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive")
            .field("number", &self.number)
            .field("input", &self.input)
            .field("offset", &self.offset)
            .field("length", &self.length)
            .field("digest", &self.digest)
            .field("contents", &self.contents)
            .finish_non_exhaustive()
    }
}
