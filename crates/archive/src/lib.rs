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
//! second, and so on, in as many headers as it takes, each under 512 KiB and all of them before the first entry. GNU
//! tar, bsdtar and Python's tarfile read on without a word: GNU tar names unknown keywords of an entry's own header
//! only. They count where [`Options::obey_deletions`] says so, and are checked then as strictly as entries: numbers
//! from 0 without a gap, so that a header that was lost or is there twice is noticed. Files are deleted before any is
//! added.
//!
//! **Labels.** What the producer says of a whole archive is in such a header, too: `SPOUTCTL.messages` (`1-212`: which
//! messages it was made of), `SPOUTCTL.position` (where the last of them stands in its source) and `SPOUTCTL.positions`
//! (where each partition goes on, or each source). Messages that are not in its files are counted in `SPOUTCTL.skipped`
//! and `SPOUTCTL.set-aside`, and those that were set aside are told of in `SPOUTCTL.aside.0` and so on.
//!
//! Memory: about 64 KiB for bytes in passing, up to 1 MiB for the body of one extension header, up to 32 MiB while the
//! maps of sparse files are put together (16 MiB afterwards, and only if they have a million parts), under 100
//! bytes an entry beside its path, and 16 bytes a deletion beside its path. What compressed input takes on top is said
//! in `compression`.
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

mod archive;
mod batch;
mod buffer;
mod compression;
mod content;
mod digest;
mod entries;
mod error;
mod framing;
mod header;
mod index;
mod label;
mod options;
mod path;
mod pax;
mod positions;
mod sniffing;
mod sparse;
mod stream;
mod writer;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod samples;

pub use archive::{Archive, Batch, MOST_LISTED, Member};
pub use batch::Gathering;
pub use buffer::{ArchiveBuffer, InMemory};
pub use compression::{CompressionError, CompressionFault, Format, Input, open_input};
pub use content::{ContentReader, ReadAt};
pub use digest::{Digest, InvalidDigest};
pub use error::{
    Ambiguity, ArchiveError, ArchiveErrorKind, ContentError, ContentErrorKind, DeletionFault, EntryRef,
    EntryStreamError, LinkFault, Problem, STANDARD_INPUT, Torn, Trouble,
};
pub use framing::{ArchiveReader, Seen, label_of};
pub use header::{EntryKind, NumberFault};
pub use index::{EntryKey, File, Files, NextFile, SamePath, Skipped};
pub use label::{ASIDES, Aside, Asides, Label, MessageRange, Refused};
pub use options::{ArchiveEnd, DEFAULT_MAX_ARCHIVE_SIZE, DEFAULT_MAX_ENTRY_SIZE, Links, Options, Special};
pub use path::{MAX_PATH, PathFault, escape_path, unescape_path};
pub use pax::PaxFault;
pub use positions::{MAX_POSITION, NoPosition, OtherPositions, Position, PositionMap, SourcePositions};
pub use sniffing::SniffedFormat;
pub use sparse::SparseFault;
pub use stream::{EntryStream, StreamedEntry};
pub use writer::{ArchiveWriter, FileFrame};
