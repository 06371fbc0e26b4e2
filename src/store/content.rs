//! Reading a commit: one file's bytes, or a tree as one tar archive, streamed from the archives on disk.
//!
//! Memory is bounded by a page of paths and by the pieces that one commit added to one file. An archive that is missing,
//! or not as long as it was, is an error; so is content that ends before its size.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use rusqlite::Connection;
use tar::EntryType;

use super::Store;
use super::commit::{CommitRow, good, still_there};
use super::entry;
use super::error::{Failure, StoreError, not_found};
use super::tree::{self, Chain, Place, Version};
use crate::fault::Fault;
use crate::pfs::{Commit, FileInfo, FileKind, FilePath};
use crate::quantity::grouped;

/// Paths read at a time when a tree is listed.
const PAGE: usize = 256;

pub(super) fn inspect_file(db: &Connection, commit: &Commit, path: &FilePath) -> Result<Option<FileInfo>, Failure> {
    let (row, chain) = good(db, commit)?;
    if path.is_root() {
        return Ok(Some(FileInfo {
            kind: FileKind::Directory,
            size_bytes: row.size.cast_unsigned(),
        }));
    }
    if let Some(version) = chain.find(db, path.as_str())? {
        return Ok(Some(FileInfo {
            kind: FileKind::File,
            size_bytes: version.size.cast_unsigned(),
        }));
    }
    let (mut after, before) = tree::bounds_of_directory(path.as_str());
    let mut total = None;
    while let Some((file, version)) = chain.next_file(db, &after, &before)? {
        total = Some(total.unwrap_or(0) + version.size);
        after = file;
    }
    Ok(total.map(|size| FileInfo {
        kind: FileKind::Directory,
        size_bytes: size.cast_unsigned(),
    }))
}

/// pachd's words (recordings http 087, follow 017), with what is known besides.
fn no_such_file(commit: &Commit, path: &FilePath, but: &str) -> Failure {
    not_found(format!(
        "file {path} not found in repo {} at commit {}{but}",
        commit.repo, commit.id
    ))
}

pub(super) fn file<'a>(store: &'a Store, commit: &Commit, path: &FilePath) -> Result<FileReader<'a>, Fault> {
    store.database.read(|tx| {
        let (row, chain) = good(tx, commit)?;
        let Some(version) = chain.find(tx, path.as_str())? else {
            let is_directory = inspect_file(tx, commit, path)?.is_some();
            let but = if is_directory { ": it is a directory" } else { "" };
            return Err(no_such_file(commit, path, but));
        };
        Ok(FileReader {
            content: Content::new(store, commit, &row, chain),
            file: OpenFile::new(path.as_str().to_owned(), version),
        })
    })
}

pub(super) fn tar<'a>(store: &'a Store, commit: &Commit, path: &FilePath) -> Result<TarReader<'a>, Fault> {
    store.database.read(|tx| {
        let (row, chain) = good(tx, commit)?;
        let (after, before) = tree::bounds_of_directory(path.as_str());
        let mut page = VecDeque::new();
        if !path.is_root() {
            if let Some(version) = chain.find(tx, path.as_str())? {
                page.push_back((path.as_str().to_owned(), version));
            } else if chain.next_file(tx, &after, &before)?.is_none() {
                return Err(no_such_file(commit, path, ""));
            }
        }
        Ok(TarReader {
            content: Content::new(store, commit, &row, chain),
            directories: Directories::below(path),
            // The one file, if it is one, has no directory of its name below it.
            listed_all: !page.is_empty(),
            page,
            after,
            before,
            ready: Ready::default(),
            file: None,
            ended: false,
        })
    })
}

/// One file's bytes.
pub(super) struct FileReader<'a> {
    content: Content<'a>,
    file: OpenFile,
}

impl Read for FileReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.content.read(&mut self.file, buffer)
    }
}

/// A commit whose files are being read.
struct Content<'a> {
    store: &'a Store,
    commit: Commit,
    row: i64,
    chain: Chain,
    /// The archive read last: neighbours mostly lie in the same one.
    archive: Option<OpenArchive>,
}

struct OpenArchive {
    sha256: String,
    file: File,
    position: u64,
}

/// A stretch of bytes in an archive.
struct Piece {
    archive: String,
    archive_size: u64,
    offset: u64,
    left: u64,
}

struct OpenFile {
    path: String,
    /// The next depth to look for pieces at, and the last.
    depth: i64,
    last: i64,
    pieces: VecDeque<Piece>,
    size: u64,
    left: u64,
}

impl OpenFile {
    fn new(path: String, version: Version) -> Self {
        let size = version.size.cast_unsigned();
        Self {
            path,
            depth: version.start,
            last: version.depth,
            pieces: VecDeque::new(),
            size,
            left: size,
        }
    }
}

impl<'a> Content<'a> {
    fn new(store: &'a Store, commit: &Commit, row: &CommitRow, chain: Chain) -> Self {
        Self {
            store,
            commit: commit.clone(),
            row: row.id,
            chain,
            archive: None,
        }
    }

    fn read(&mut self, file: &mut OpenFile, buffer: &mut [u8]) -> io::Result<usize> {
        if file.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        while file.pieces.is_empty() {
            self.load_pieces(file)?;
        }
        let Some(piece) = file.pieces.front_mut() else {
            return Ok(0);
        };
        // A piece past the recorded size would mean a damaged index; the size is what was promised.
        let wanted = piece.left.min(file.left).min(buffer.len() as u64);
        let wanted = usize::try_from(wanted).unwrap_or(buffer.len());
        let read = self.read_piece(piece, &mut buffer[..wanted])?;
        file.left -= read as u64;
        if piece.left == 0 {
            file.pieces.pop_front();
        }
        Ok(read)
    }

    fn read_piece(&mut self, piece: &mut Piece, buffer: &mut [u8]) -> io::Result<usize> {
        let archive = match self.archive.take() {
            Some(open) if open.sha256 == piece.archive => open,
            _ => open_archive(self.store, piece)?,
        };
        let archive = self.archive.insert(archive);
        if archive.position != piece.offset {
            archive.file.seek(SeekFrom::Start(piece.offset))?;
            archive.position = piece.offset;
        }
        let read = loop {
            match archive.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        if read == 0 {
            let found = archive.file.metadata()?.len();
            return Err(damaged_archive(self.store, piece, found));
        }
        archive.position += read as u64;
        piece.offset += read as u64;
        piece.left -= read as u64;
        Ok(read)
    }

    /// Finds the pieces that the next commit in line added to the file.
    fn load_pieces(&mut self, file: &mut OpenFile) -> io::Result<()> {
        let next = self.store.database.read(|tx| {
            still_there(tx, self.row, &self.commit)?;
            match self.chain.next_change(tx, &file.path, file.depth, file.last)? {
                Some(place) => Ok(Some((place, pieces_at(tx, place, &file.path)?))),
                None => Ok(None),
            }
        });
        let Some((place, pieces)) = next.map_err(io::Error::other)? else {
            return Err(self.damaged_index(file));
        };
        file.depth = place.depth + 1;
        file.pieces.extend(pieces);
        Ok(())
    }

    /// Nothing but a damaged or edited database leads here.
    fn damaged_index(&self, file: &OpenFile) -> io::Error {
        let error = StoreError::DamagedIndex {
            dir: self.store.dir.clone(),
            what: format!(
                "{} of the {} bytes of {} in {} are in no archive",
                grouped(file.left),
                grouped(file.size),
                file.path,
                self.commit
            ),
        };
        io::Error::new(io::ErrorKind::InvalidData, Fault::from(error))
    }

    /// The next files in the order of paths.
    fn list(&self, after: &str, before: &str) -> Result<VecDeque<(String, Version)>, Fault> {
        self.store.database.read(|tx| {
            still_there(tx, self.row, &self.commit)?;
            let mut page = VecDeque::new();
            let mut after = after.to_owned();
            while page.len() < PAGE {
                let Some((path, version)) = self.chain.next_file(tx, &after, before)? else {
                    break;
                };
                after.clone_from(&path);
                page.push_back((path, version));
            }
            Ok(page)
        })
    }
}

/// What one commit added to one file, after the last deletion in it.
fn pieces_at(db: &Connection, place: Place, path: &str) -> Result<Vec<Piece>, Failure> {
    let mut statement = db.prepare_cached(
        "SELECT upload.archive, upload.size, change.offset, change.size
         FROM commits
         JOIN commit_parts part ON part.commit_id = commits.id
         JOIN uploads upload ON upload.id = part.upload
         JOIN changes change ON change.upload = part.upload AND change.path = ?3
         WHERE commits.lineage = ?1 AND commits.depth = ?2 ORDER BY part.seq, change.seq",
    )?;
    let mut rows = statement.query(rusqlite::params![place.lineage, place.depth, path])?;
    let mut pieces = Vec::new();
    while let Some(row) = rows.next()? {
        match row.get::<_, Option<i64>>(2)? {
            None => pieces.clear(),
            Some(offset) => pieces.push(Piece {
                archive: row.get::<_, Option<String>>(0)?.unwrap_or_default(),
                archive_size: row.get::<_, i64>(1)?.cast_unsigned(),
                offset: offset.cast_unsigned(),
                left: row.get::<_, i64>(3)?.cast_unsigned(),
            }),
        }
    }
    pieces.retain(|piece| piece.left > 0);
    Ok(pieces)
}

fn open_archive(store: &Store, piece: &Piece) -> io::Result<OpenArchive> {
    let path = store.archive_path(&piece.archive);
    let open = || {
        let file = File::open(&path)?;
        let found = file.metadata()?.len();
        Ok((file, found))
    };
    let (file, found) = open().map_err(|source: io::Error| {
        let kind = source.kind();
        let error = StoreError::Io {
            action: "read",
            path: path.clone(),
            source,
        };
        io::Error::new(kind, Fault::from(error))
    })?;
    if found != piece.archive_size {
        return Err(damaged_archive(store, piece, found));
    }
    Ok(OpenArchive {
        sha256: piece.archive.clone(),
        file,
        position: 0,
    })
}

fn damaged_archive(store: &Store, piece: &Piece, found: u64) -> io::Error {
    let error = StoreError::DamagedArchive {
        path: store.archive_path(&piece.archive),
        found,
        expected: piece.archive_size,
    };
    io::Error::new(io::ErrorKind::InvalidData, Fault::from(error))
}

/// A tree as a tar archive, made while it is read: names are full paths with their leading slash, sorted, and each
/// directory comes before what is in it, as pachd sends them (recordings follow 015–016).
pub(super) struct TarReader<'a> {
    content: Content<'a>,
    directories: Directories,
    page: VecDeque<(String, Version)>,
    listed_all: bool,
    after: String,
    before: String,
    /// Header, padding or end: bytes that are in no archive.
    ready: Ready,
    file: Option<OpenFile>,
    ended: bool,
}

#[derive(Default)]
struct Ready {
    bytes: Vec<u8>,
    position: usize,
}

impl Ready {
    fn set(&mut self, bytes: Vec<u8>) {
        self.bytes = bytes;
        self.position = 0;
    }
}

impl Read for TarReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let copied = (&self.ready.bytes[self.ready.position..]).read(buffer)?;
            if copied > 0 {
                self.ready.position += copied;
                return Ok(copied);
            }
            if let Some(file) = &mut self.file {
                let read = self.content.read(file, buffer)?;
                if read > 0 {
                    return Ok(read);
                }
                self.ready.set(vec![0; entry::padding(file.size)]);
                self.file = None;
            } else if let Some((path, version)) = self.next_file()? {
                self.begin(path, version);
            } else if self.ended {
                return Ok(0);
            } else {
                self.ready.set(entry::END.to_vec());
                self.ended = true;
            }
        }
    }
}

impl TarReader<'_> {
    fn next_file(&mut self) -> io::Result<Option<(String, Version)>> {
        if self.page.is_empty() && !self.listed_all {
            self.page = self.content.list(&self.after, &self.before).map_err(io::Error::other)?;
            match self.page.back() {
                Some((path, _)) => self.after.clone_from(path),
                None => self.listed_all = true,
            }
        }
        Ok(self.page.pop_front())
    }

    fn begin(&mut self, path: String, version: Version) {
        let mut bytes = Vec::with_capacity(entry::BLOCK);
        for directory in self.directories.entered_by(&path) {
            bytes.extend_from_slice(&entry::header(directory, 0, EntryType::Directory));
        }
        let file = OpenFile::new(path, version);
        bytes.extend_from_slice(&entry::header(&file.path, file.size, EntryType::Regular));
        self.ready.set(bytes);
        self.file = Some(file);
    }
}

/// Which directories have been written already: since paths are sorted, those of the path before.
struct Directories {
    /// Directories shorter than this lie above what was asked for. The root is none.
    shortest: usize,
    previous: String,
}

impl Directories {
    fn below(root: &FilePath) -> Self {
        let shortest = if root.is_root() { 2 } else { root.as_str().len() + 1 };
        Self {
            shortest,
            previous: String::new(),
        }
    }

    /// The directories, with their trailing slash, that `path` lies in and the path before did not.
    fn entered_by<'p>(&mut self, path: &'p str) -> Vec<&'p str> {
        let entered = path
            .match_indices('/')
            .map(|(end, _)| &path[..=end])
            .filter(|directory| directory.len() >= self.shortest && !self.previous.starts_with(directory))
            .collect();
        path.clone_into(&mut self.previous);
        entered
    }
}
