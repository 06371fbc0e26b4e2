//! A stream of changes becomes one tar archive on disk, and an index of what is where in it.
//!
//! Memory is bounded by [`BUFFERED`] for the entry at hand, a write buffer, and the first [`INDEX_IN_MEMORY`] bytes of
//! the index; the rest of the index is in an unnamed file. No lock of the database is held meanwhile.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tar::EntryType;
use tempfile::{SpooledTempFile, TempPath, spooled_tempfile_in};
use uuid::Uuid;

use super::directory;
use super::entry;
use super::error::{Failure, StoreError};
use super::refusal::Refusal;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{FilePath, is_allowed_in_path};
use spoutctl_core::sink::{Change, Changes, MAX_CHUNK};

/// A file up to this size is written in one go. A larger one gets its header when its end is known.
const BUFFERED: usize = MAX_CHUNK;
const WRITE_BUFFER: usize = 256 << 10;
const INDEX_IN_MEMORY: usize = 1 << 20;

/// An archive that is complete and synced, under a name that nobody looks for, and its index.
pub(super) struct Staged {
    /// None when there are only deletions, or nothing.
    pub archive: Option<StagedArchive>,
    index: BufReader<SpooledTempFile>,
    entries: u64,
    deletes_directories: bool,
}

/// What the deletion of a directory means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directories {
    /// Nothing, as in pachd's file sets (recordings p 074–079).
    Stay,
    /// The deletion of all that is in it, as in `ModifyFile` (recording follow 004).
    Go,
}

pub(super) struct StagedArchive {
    /// Removed on drop.
    pub path: TempPath,
    /// Keeps the lock that says "in use" to other processes.
    _lock: File,
    pub sha256: String,
    pub size: u64,
}

/// One line of the index.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IndexEntry {
    /// With a trailing slash when it is a directory that is deleted.
    pub path: String,
    /// Where the bytes are in the archive; `None` for a deletion.
    pub offset: Option<u64>,
    pub size: u64,
    /// The SHA-256 of the bytes; zeros for a deletion.
    pub sha256: [u8; 32],
}

/// Reads `changes` to their end and writes them below `incoming`.
pub(super) fn stage(incoming: &Path, changes: &mut dyn Changes, directories: Directories) -> Result<Staged, Fault> {
    let mut upload = Upload {
        directories,
        entries: 0,
        deletes_directories: false,
        incoming,
        archive: None,
        open: None,
        index: Index(spooled_tempfile_in(INDEX_IN_MEMORY, incoming)),
    };
    loop {
        let change = changes.next().map_err(|error| {
            let message = format!("cannot read what is to be stored: {error}");
            Fault::new(FaultKind::Local, message)
        })?;
        match change {
            None => return upload.finish(),
            Some(Change::Delete { path }) => upload.delete(path)?,
            Some(Change::Append { path, data }) => upload.append(path, &data)?,
        }
    }
}

struct Upload<'a> {
    incoming: &'a Path,
    directories: Directories,
    entries: u64,
    deletes_directories: bool,
    archive: Option<ArchiveWriter>,
    open: Option<OpenFile>,
    index: Index,
}

/// The file that pieces are being appended to.
struct OpenFile {
    path: FilePath,
    size: u64,
    content: Content,
}

enum Content {
    Buffered(Vec<u8>),
    /// In the archive already, after room for its header at this offset.
    Written {
        header_at: u64,
        digest: Sha256,
    },
}

impl Upload<'_> {
    fn delete(&mut self, path: &str) -> Result<(), Fault> {
        let file = check_path(path)?;
        self.close()?;
        // pachd takes a trailing slash for a directory.
        let mut name = file.as_str().to_owned();
        if path.ends_with('/') {
            if self.directories == Directories::Stay {
                return Ok(());
            }
            self.deletes_directories = true;
            if !file.is_root() {
                name.push('/');
            }
        }
        let entry = IndexEntry {
            path: name,
            offset: None,
            size: 0,
            sha256: [0; 32],
        };
        self.write_index(&entry)
    }

    fn append(&mut self, path: &str, data: &[u8]) -> Result<(), Fault> {
        // The same path again goes on where it was; comparing the given text spares the check of every piece.
        if self.open.as_ref().is_none_or(|open| open.path.as_str() != path) {
            let path = check_path(path)?;
            if path.is_root() {
                // pachd takes a file at `/` and loses its bytes (recordings http 031, 043).
                return Err(refused("/", "a file needs a name"));
            }
            if self.open.as_ref().is_none_or(|open| open.path != path) {
                self.close()?;
                self.open = Some(OpenFile {
                    path,
                    size: 0,
                    content: Content::Buffered(Vec::new()),
                });
            }
        }
        self.continue_file(data)
    }

    fn continue_file(&mut self, data: &[u8]) -> Result<(), Fault> {
        let archive = writer(&mut self.archive, self.incoming)?;
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        if let Content::Buffered(buffer) = &mut open.content {
            if buffer.len() + data.len() <= BUFFERED {
                buffer.extend_from_slice(data);
                open.size += data.len() as u64;
                return Ok(());
            }
            let header_at = archive.written;
            archive.write(&entry::header(name_of(&open.path), 0, EntryType::Regular, 0o644))?;
            archive.write(buffer)?;
            let digest = Sha256::new_with_prefix(buffer);
            open.content = Content::Written { header_at, digest };
        }
        if let Content::Written { digest, .. } = &mut open.content {
            digest.update(data);
        }
        archive.write(data)?;
        open.size += data.len() as u64;
        Ok(())
    }

    /// Ends the file at hand and puts it into the index.
    fn close(&mut self) -> Result<(), Fault> {
        let Some(OpenFile { path, size, content }) = self.open.take() else {
            return Ok(());
        };
        let archive = writer(&mut self.archive, self.incoming)?;
        let header = entry::header(name_of(&path), size, EntryType::Regular, 0o644);
        let digest = match content {
            Content::Buffered(buffer) => {
                archive.write_hashed(&header)?;
                archive.write_hashed(&buffer)?;
                Sha256::new_with_prefix(&buffer)
            }
            Content::Written { header_at, digest } => {
                archive.fill_in_header(header_at, &header, size)?;
                digest
            }
        };
        let offset = archive.written - size;
        archive.write_hashed(&[0; entry::BLOCK][..entry::padding(size)])?;
        let entry = IndexEntry {
            path: path.as_str().to_owned(),
            offset: Some(offset),
            size,
            sha256: digest.finalize().into(),
        };
        self.write_index(&entry)
    }

    fn finish(mut self) -> Result<Staged, Fault> {
        self.close()?;
        let archive = self.archive.take().map(ArchiveWriter::finish).transpose()?;
        let mut index = self.index.0;
        index
            .rewind()
            .map_err(|error| index_error("read the index in", self.incoming, error))?;
        Ok(Staged {
            archive,
            index: BufReader::new(index),
            entries: self.entries,
            deletes_directories: self.deletes_directories,
        })
    }

    fn write_index(&mut self, entry: &IndexEntry) -> Result<(), Fault> {
        self.entries += 1;
        self.index
            .write(entry)
            .map_err(|error| index_error("write the index in", self.incoming, error).into())
    }
}

/// The archive's writer, made when the first file comes.
fn writer<'a>(archive: &'a mut Option<ArchiveWriter>, incoming: &Path) -> Result<&'a mut ArchiveWriter, StoreError> {
    match archive {
        Some(writer) => Ok(writer),
        None => Ok(archive.insert(ArchiveWriter::create(incoming)?)),
    }
}

/// In the archives, names have no leading slash: unpacked by hand, they stay below the directory at hand.
fn name_of(path: &FilePath) -> &str {
    path.as_str().trim_start_matches('/')
}

/// Refuses what pachd refuses, in its words and its order (recordings http 028–042).
fn check_path(path: &str) -> Result<FilePath, Fault> {
    if path.is_empty() || path.chars().any(|c| !matches!(c, ' '..='~')) {
        return Err(refused(path, "only printable ASCII characters allowed"));
    }
    if let Some(c) = path.chars().find(|c| !is_allowed_in_path(*c)) {
        return Err(refused(path, format!("globbing character ({c}) not allowed in path")));
    }
    if path.split('/').any(|element| matches!(element, "." | "..")) {
        return Err(refused(path, "relative file paths are not allowed"));
    }
    FilePath::new(path).map_err(|error| refused(path, error.to_string()))
}

fn refused(path: &str, what: impl Into<String>) -> Fault {
    let (path, what) = (path.to_owned(), what.into());
    Refusal::InvalidPath { path, what }.into()
}

/// Writes the tar file and its digest.
///
/// The digest takes the bytes in the file's order. A large file's header is known last, so its bytes are digested by
/// reading them again, mostly from the page cache.
struct ArchiveWriter {
    file: BufWriter<File>,
    path: TempPath,
    digest: Sha256,
    written: u64,
}

impl ArchiveWriter {
    fn create(incoming: &Path) -> Result<Self, StoreError> {
        let path = incoming.join(format!("{}.tar", Uuid::new_v4().simple()));
        let create = || -> io::Result<(File, TempPath)> {
            let file = File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(directory::OWN_FILE)
                .open(&path)?;
            let path = TempPath::try_from_path(&path)?;
            // Tells the sweepers of other processes that this file has a living owner.
            file.lock()?;
            Ok((file, path))
        };
        match create() {
            Ok((file, path)) => Ok(Self {
                file: BufWriter::with_capacity(WRITE_BUFFER, file),
                path,
                digest: Sha256::new(),
                written: 0,
            }),
            Err(source) => Err(StoreError::Io {
                action: "create",
                path,
                source,
            }),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file
            .write_all(bytes)
            .map_err(|error| self.error("write", bytes.len() as u64, error))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn write_hashed(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.digest.update(bytes);
        self.write(bytes)
    }

    /// Puts the header of the entry that was written last in its place, and digests the entry.
    fn fill_in_header(&mut self, at: u64, header: &[u8], size: u64) -> Result<(), StoreError> {
        self.digest.update(header);
        let digest = &mut self.digest;
        let file = &mut self.file;
        let mut fill_in = || -> io::Result<()> {
            file.seek(SeekFrom::Start(at))?;
            file.write_all(header)?;
            file.flush()?;
            let mut content = file.get_ref().take(size);
            let mut piece = vec![0; WRITE_BUFFER];
            loop {
                match content.read(&mut piece)? {
                    0 => break,
                    n => digest.update(&piece[..n]),
                }
            }
            if content.limit() > 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(())
        };
        fill_in().map_err(|error| self.error("write", size, error))
    }

    /// Ends the archive and syncs it.
    fn finish(mut self) -> Result<StagedArchive, StoreError> {
        self.write_hashed(&entry::END)?;
        let sync = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        sync.map_err(|error| self.error("sync", 0, error))?;
        let mut sha256 = String::with_capacity(64);
        for byte in self.digest.finalize() {
            let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16);
            sha256.extend([digit(byte >> 4), digit(byte & 0xf)].into_iter().flatten());
        }
        let file = self.file.into_inner().map_err(|error| StoreError::Io {
            action: "write",
            path: self.path.to_path_buf(),
            source: error.into_error(),
        })?;
        Ok(StagedArchive {
            path: self.path,
            _lock: file,
            sha256,
            size: self.written,
        })
    }

    fn error(&self, action: &'static str, wanted: u64, source: io::Error) -> StoreError {
        let path = self.path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                StoreError::DiskFull {
                    path,
                    written: self.written,
                    wanted,
                    source,
                }
            }
            _ => StoreError::Io { action, path, source },
        }
    }
}

/// The bytes of a record before its path: its path's length, offset, size and digest.
const RECORD_HEAD: usize = 4 + 8 + 8 + 32;

/// Length-prefixed records; the offset is shifted by one so that 0 is a deletion.
struct Index(SpooledTempFile);

impl Index {
    fn write(&mut self, entry: &IndexEntry) -> io::Result<()> {
        let path = entry.path.as_bytes();
        let mut record = Vec::with_capacity(path.len() + RECORD_HEAD);
        let length = u32::try_from(path.len()).map_err(io::Error::other)?;
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(&entry.offset.map_or(0, |offset| offset + 1).to_le_bytes());
        record.extend_from_slice(&entry.size.to_le_bytes());
        record.extend_from_slice(&entry.sha256);
        record.extend_from_slice(path);
        self.0.write_all(&record)
    }
}

impl IndexEntry {
    pub(super) fn is_directory(&self) -> bool {
        self.path.ends_with('/')
    }
}

impl Staged {
    /// Whether nothing was asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    pub(super) fn deletes_directories(&self) -> bool {
        self.deletes_directories
    }

    /// Shows the next lines of the index to `visit`, in the order of the changes, so many at most: whether those were
    /// all.
    pub(super) fn index(
        &mut self,
        incoming: &Path,
        at_most: usize,
        mut visit: impl FnMut(IndexEntry) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        for _ in 0..at_most {
            match read_record(&mut self.index) {
                Ok(Some(entry)) => visit(entry)?,
                Ok(None) => return Ok(true),
                Err(error) => return Err(index_error("read the index in", incoming, error).into()),
            }
        }
        Ok(false)
    }
}

fn read_record(reader: &mut impl Read) -> io::Result<Option<IndexEntry>> {
    let mut head = [0; RECORD_HEAD];
    if reader.read(&mut head[..1])? == 0 {
        return Ok(None);
    }
    reader.read_exact(&mut head[1..])?;
    let [a, b, c, d, numbers @ ..] = head;
    let (offset, rest) = numbers.split_at(8);
    let (size, digest) = rest.split_at(8);
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest);
    let mut path = vec![0; u32::from_le_bytes([a, b, c, d]) as usize];
    reader.read_exact(&mut path)?;
    Ok(Some(IndexEntry {
        path: String::from_utf8(path).map_err(io::Error::other)?,
        offset: little_endian(offset).checked_sub(1),
        size: little_endian(size),
        sha256,
    }))
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn index_error(action: &'static str, incoming: &Path, source: io::Error) -> StoreError {
    StoreError::Io {
        action,
        path: PathBuf::from(incoming),
        source,
    }
}
