//! Reading a commit: one file's bytes, or a tree as one tar archive, streamed from the archives on disk.
//!
//! Memory is bounded by a page of paths and by the pieces that one commit added to one file, however deep a tree is: of
//! a directory's header there is one at a time. An archive that is missing, or not as long as it was, is an error; so
//! is content that ends before its size, and, of each piece that is read from its first byte to its last, bytes that
//! are not those that were written, which is said in place of its last ones.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Deref;

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use tar::EntryType;

use super::commit_row::{CommitRow, Place};
use super::entry;
use super::error::{Failure, StoreError};
use super::refusal::Refusal;
use super::rows::first_column;
use super::store::Store;
use super::tree::{self, Tree, TreeFile, good};
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{Commit, FileInfo, FileKind, FilePath};
use spoutctl_core::quantity::grouped;

/// Paths read at a time when a tree is listed.
pub(super) const PAGE: usize = 256;

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
fn no_such_file(commit: &Commit, path: &FilePath, but: &'static str) -> Failure {
    let refusal = Refusal::FileNotFound {
        path: path.to_string(),
        repo: commit.repo.to_string(),
        id: commit.id.to_string(),
        but,
    };
    refusal.into()
}

pub(super) fn file<'a>(store: &'a Store, commit: &Commit, path: &FilePath) -> Result<FileReader<&'a Store>, Fault> {
    store.database.read(|tx| {
        let (row, chain) = good(tx, commit)?;
        let Some(version) = chain.find(tx, path.as_str())? else {
            let is_directory = inspect_file(tx, commit, path)?.is_some();
            let but = if is_directory { ": it is a directory" } else { "" };
            return Err(no_such_file(commit, path, but));
        };
        let name = commit.to_string();
        let content = Content::new(store, name, &row, chain.into());
        Ok(FileReader::new(content, path.as_str(), TreeFile::settled(version), 0))
    })
}

pub(super) fn tar<'a>(store: &'a Store, commit: &Commit, path: &FilePath) -> Result<TarReader<&'a Store>, Fault> {
    store.database.read(|tx| {
        let (row, chain) = good(tx, commit)?;
        let tree = Tree::from(chain);
        let (after, before) = tree::bounds_of_directory(path.as_str());
        let mut page = VecDeque::new();
        if !path.is_root() {
            if let Some(file) = tree.find(tx, path.as_str())? {
                page.push_back((path.as_str().to_owned(), file));
            } else if tree.next_file(tx, &after, &before)?.is_none() {
                return Err(no_such_file(commit, path, ""));
            }
        }
        let name = commit.to_string();
        Ok(TarReader {
            content: Content::new(store, name, &row, tree),
            directories: Directories::below(path),
            // The one file, if it is one, has no directory of its name below it.
            listed_all: !page.is_empty(),
            page,
            after,
            before,
            ready: Ready::default(),
            entering: None,
            file: None,
            ended: false,
        })
    })
}

/// One file's bytes.
pub(super) struct FileReader<S> {
    content: Content<S>,
    file: OpenFile,
}

impl<S: Deref<Target = Store>> FileReader<S> {
    /// From the byte at `offset` on.
    pub(super) fn new(content: Content<S>, path: &str, file: TreeFile, offset: u64) -> Self {
        let mut file = OpenFile::new(path.to_owned(), file);
        file.skip = offset.min(file.size);
        file.left -= file.skip;
        Self { content, file }
    }
}

impl<S: Deref<Target = Store>> Read for FileReader<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.content.read(&mut self.file, buffer)
    }
}

/// A commit whose files are being read.
pub(super) struct Content<S> {
    store: S,
    /// For messages.
    commit: String,
    row: i64,
    /// How often the commit had been cleared when its tree was looked up.
    cleared: i64,
    pub(super) tree: Tree,
    /// The archive read last: neighbours mostly lie in the same one.
    archive: Option<OpenArchive>,
}

struct OpenArchive {
    sha256: String,
    file: File,
    position: u64,
}

/// A stretch of bytes in an archive.
pub(super) struct Piece {
    pub archive: String,
    archive_size: u64,
    pub offset: u64,
    pub left: u64,
    /// Of all its bytes, where they came with one.
    pub sha256: Option<[u8; 32]>,
    /// Of those that were read so far, as long as none was passed over.
    digest: Option<Sha256>,
}

struct OpenFile {
    path: String,
    /// The next depth to look for pieces at, and the last; none when nothing of it is settled.
    depths: Option<(i64, i64)>,
    /// Whether the pieces of the tree's own changes are still to come.
    own: bool,
    pieces: VecDeque<Piece>,
    size: u64,
    /// Bytes to be passed over before the first that is wanted.
    skip: u64,
    left: u64,
}

impl OpenFile {
    fn new(path: String, file: TreeFile) -> Self {
        let size = file.size.cast_unsigned();
        Self {
            path,
            depths: file.settled.map(|version| (version.start, version.depth)),
            own: file.is_changed,
            pieces: VecDeque::new(),
            size,
            skip: 0,
            left: size,
        }
    }

    /// Loads the pieces that the next commit in line added to the file; `None` after the last.
    fn load_pieces(&mut self, db: &Connection, tree: &Tree) -> Result<Option<()>, Failure> {
        let place = match self.depths {
            Some((from, to)) if from <= to => tree.next_change(db, &self.path, from, to)?,
            _ => None,
        };
        if let (Some(place), Some((from, _))) = (place, &mut self.depths) {
            *from = place.depth + 1;
            self.pieces.extend(pieces_at(db, place, &self.path)?);
        } else if self.own {
            self.own = false;
            self.pieces.extend(pieces_in(db, &tree.own, &self.path)?);
        } else {
            return Ok(None);
        }
        Ok(Some(()))
    }

    /// Passes over what is not wanted of the pieces at hand.
    fn skip(&mut self) {
        while let Some(piece) = self.pieces.front_mut().filter(|_| self.skip > 0) {
            let skipped = piece.left.min(self.skip);
            self.skip -= skipped;
            piece.offset += skipped;
            piece.left -= skipped;
            piece.digest = None;
            if piece.left == 0 {
                self.pieces.pop_front();
            }
        }
    }
}

impl<S: Deref<Target = Store>> Content<S> {
    pub(super) fn new(store: S, commit: String, row: &CommitRow, tree: Tree) -> Self {
        Self {
            store,
            commit,
            row: row.id,
            cleared: row.cleared,
            tree,
            archive: None,
        }
    }

    fn read(&mut self, file: &mut OpenFile, buffer: &mut [u8]) -> io::Result<usize> {
        if file.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        while file.pieces.is_empty() {
            self.load_pieces(file)?;
            file.skip();
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
            _ => open_archive(&self.store, piece)?,
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
            return Err(cut_archive(&self.store, piece, found));
        }
        if let Some(digest) = &mut piece.digest {
            digest.update(&buffer[..read]);
        }
        archive.position += read as u64;
        piece.offset += read as u64;
        piece.left -= read as u64;
        let whole = piece.digest.take_if(|_| piece.left == 0);
        if whole.is_some_and(|digest| piece.sha256 != Some(digest.finalize().into())) {
            let what = format!(
                "the bytes before {} are not those that were written",
                grouped(piece.offset)
            );
            return Err(damaged_archive(&self.store, piece, what));
        }
        Ok(read)
    }

    fn load_pieces(&mut self, file: &mut OpenFile) -> io::Result<()> {
        let next = self.store.database.read(|tx| {
            self.check_unchanged(tx)?;
            file.load_pieces(tx, &self.tree)
        });
        match next.map_err(io::Error::other)? {
            Some(()) => Ok(()),
            None => Err(self.damaged_index(file)),
        }
    }

    /// Fails when the commit was dropped or cleared since: what it had may be another's by now.
    pub(super) fn check_unchanged(&self, db: &Connection) -> Result<(), Failure> {
        let cleared: Option<i64> = db
            .prepare_cached("SELECT cleared FROM commits WHERE id = ?1")?
            .query_row([self.row], |row| row.get(0))
            .optional()?;
        let what = match cleared {
            Some(cleared) if cleared == self.cleared => return Ok(()),
            Some(_) => "cleared",
            None => "dropped",
        };
        let commit = self.commit.clone();
        Err(Refusal::ChangedWhileRead { commit, what }.into())
    }

    /// Shows every piece of a file: two files of the same pieces have the same bytes.
    pub(super) fn visit_pieces(
        &self,
        db: &Connection,
        path: &str,
        file: TreeFile,
        visit: &mut dyn FnMut(&Piece),
    ) -> Result<(), Failure> {
        let mut open = OpenFile::new(path.to_owned(), file);
        while open.load_pieces(db, &self.tree)?.is_some() {
            open.pieces.iter().for_each(&mut *visit);
            open.pieces.clear();
        }
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
    fn list(&self, after: &str, before: &str) -> Result<VecDeque<(String, TreeFile)>, Fault> {
        self.store.database.read(|tx| {
            self.check_unchanged(tx)?;
            let mut page = VecDeque::new();
            let mut after = after.to_owned();
            while page.len() < PAGE {
                let Some((path, file)) = self.tree.next_file(tx, &after, before)? else {
                    break;
                };
                after.clone_from(&path);
                page.push_back((path, file));
            }
            Ok(page)
        })
    }
}

/// What the commit at a place added to one file, after the last deletion in it.
fn pieces_at(db: &Connection, place: Place, path: &str) -> Result<Vec<Piece>, Failure> {
    let uploads = first_column(
        db,
        "SELECT part.upload FROM commits JOIN commit_parts part ON part.commit_id = commits.id
         WHERE commits.lineage = ?1 AND commits.depth = ?2 ORDER BY part.seq",
        [place.lineage, place.depth],
    )?;
    pieces_in(db, &uploads, path)
}

/// What the uploads, one after the other, add to one file, after the last deletion in them.
fn pieces_in(db: &Connection, uploads: &[i64], path: &str) -> Result<Vec<Piece>, Failure> {
    let mut statement = db.prepare_cached(
        "SELECT upload.archive, upload.size, change.offset, change.size, change.sha256
         FROM changes change JOIN uploads upload ON upload.id = change.upload
         WHERE change.upload = ?1 AND change.path = ?2 ORDER BY change.seq",
    )?;
    let mut pieces = Vec::new();
    for upload in uploads {
        let mut rows = statement.query(params![upload, path])?;
        while let Some(row) = rows.next()? {
            match row.get::<_, Option<i64>>(2)? {
                None => pieces.clear(),
                Some(offset) => {
                    let sha256: Option<[u8; 32]> = row.get(4)?;
                    pieces.push(Piece {
                        archive: row.get::<_, Option<String>>(0)?.unwrap_or_default(),
                        archive_size: row.get::<_, i64>(1)?.cast_unsigned(),
                        offset: offset.cast_unsigned(),
                        left: row.get::<_, i64>(3)?.cast_unsigned(),
                        sha256,
                        digest: sha256.map(|_| Sha256::new()),
                    });
                }
            }
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
        return Err(cut_archive(store, piece, found));
    }
    Ok(OpenArchive {
        sha256: piece.archive.clone(),
        file,
        position: 0,
    })
}

fn cut_archive(store: &Store, piece: &Piece, found: u64) -> io::Error {
    let (found, expected) = (grouped(found), grouped(piece.archive_size));
    damaged_archive(
        store,
        piece,
        format!("it has {found} bytes, and {expected} were written"),
    )
}

fn damaged_archive(store: &Store, piece: &Piece, what: String) -> io::Error {
    let path = store.archive_path(&piece.archive);
    let error = StoreError::DamagedArchive { path, what };
    io::Error::new(io::ErrorKind::InvalidData, Fault::from(error))
}

/// A tree as a tar archive, made while it is read: names are full paths with their leading slash, sorted, and each
/// directory comes before what is in it, as pachd sends them (recordings follow 015–016).
pub(super) struct TarReader<S> {
    content: Content<S>,
    directories: Directories,
    page: VecDeque<(String, TreeFile)>,
    listed_all: bool,
    after: String,
    before: String,
    /// Header, padding or end: bytes that are in no archive.
    ready: Ready,
    /// The file whose directories are being written.
    entering: Option<Entering>,
    file: Option<OpenFile>,
    ended: bool,
}

struct Entering {
    path: String,
    file: TreeFile,
    /// Where the directories that are still to be written begin to differ in `path`.
    from: usize,
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

impl<S: Deref<Target = Store>> Read for TarReader<S> {
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
            } else if let Some(entering) = self.entering.take() {
                self.enter(entering);
            } else if let Some((path, file)) = self.next_file()? {
                let from = self.directories.first_entered_by(&path);
                self.entering = Some(Entering { path, file, from });
            } else if self.ended {
                return Ok(0);
            } else {
                self.ready.set(entry::END.to_vec());
                self.ended = true;
            }
        }
    }
}

impl<S: Deref<Target = Store>> TarReader<S> {
    fn next_file(&mut self) -> io::Result<Option<(String, TreeFile)>> {
        if self.page.is_empty() && !self.listed_all {
            self.page = self.content.list(&self.after, &self.before).map_err(io::Error::other)?;
            match self.page.back() {
                Some((path, _)) => self.after.clone_from(path),
                None => self.listed_all = true,
            }
        }
        Ok(self.page.pop_front())
    }

    /// Writes the next directory on the way to a file, and then the file's own header.
    fn enter(&mut self, entering: Entering) {
        let Entering { path, file, from } = entering;
        if let Some(end) = path.get(from..).and_then(|rest| rest.find('/')) {
            let from = from + end + 1;
            let header = entry::header(&path[..from], 0, EntryType::Directory, 0o755);
            self.ready.set(header);
            self.entering = Some(Entering { path, file, from });
            return;
        }
        path.clone_into(&mut self.directories.previous);
        let file = OpenFile::new(path, file);
        self.ready
            .set(entry::header(&file.path, file.size, EntryType::Regular, 0o644));
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

    /// Where in `path` to look for the `/` of the first directory that it lies in and the path before did not.
    fn first_entered_by(&self, path: &str) -> usize {
        let pairs = path.bytes().zip(self.previous.bytes());
        let shared = pairs.take_while(|(one, other)| one == other).count();
        // Paths are ASCII, so that every byte begins a character.
        shared.max(self.shortest - 1)
    }
}
