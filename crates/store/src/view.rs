//! The content of any commit, as whoever serves the store reads it: also of one that is open or finished with an error,
//! as pachd serves them (recordings p 061, 069–071).

use std::io::{self, BufReader, Read};
use std::ops::Deref;

use jiff::Timestamp;
use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::changed::ChangedPaths;
use super::commit_row::CommitRow;
use super::content::{Content, FileReader, PAGE};
use super::dialect::Dialect;
use super::error::Failure;
use super::lookup::{CommitSelector, pick};
use super::record::{CommitRecord, record_of};
use super::store::Store;
use super::tree::{Tree, TreeFile, bounds_of_directory};
use spoutctl_core::fault::Fault;

/// A commit's files as they were when it was opened.
///
/// `S` is the store, borrowed or shared: what is read from the view lives as long.
pub struct View<S> {
    store: S,
    record: CommitRecord,
    row: CommitRow,
    tree: Tree,
}

/// A file of a [`View`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    pub path: String,
    pub size: u64,
    /// Files with the same hash have the same bytes. It is the SHA-256 of the bytes where they came in one piece. Where
    /// several were appended to each other it is made of theirs, so that the file need not be read for it, and the
    /// same bytes in other pieces have another.
    pub hash: [u8; 32],
    file: TreeFile,
}

impl<S: Deref<Target = Store> + Clone> View<S> {
    /// Opens a commit for reading.
    ///
    /// # Errors
    /// `NotFound`; `Refused` when it is based on one that is not finished.
    pub fn of(store: S, commit: &CommitSelector) -> Result<Self, Fault> {
        let (record, row, tree) = store.database.read(|tx| {
            let id = pick(tx, commit)?;
            let row = CommitRow::by_id(tx, id)?;
            let tree = Tree::of(tx, &row)?;
            let record = record_of(tx, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            Ok((record, row, tree))
        })?;
        Ok(Self {
            store,
            record,
            row,
            tree,
        })
    }

    pub fn dialect(&self) -> Dialect {
        self.store.dialect()
    }

    /// The commit, as it was when it was opened.
    pub fn record(&self) -> &CommitRecord {
        &self.record
    }

    /// When its files were committed, as pachd says it of each: when it was closed for writing (recording p 065).
    pub fn committed(&self) -> Option<Timestamp> {
        self.record.info.finishing
    }

    fn content(&self) -> Content<S> {
        let name = self.record.info.commit.to_string();
        Content::new(self.store.clone(), name, &self.row, self.tree.clone())
    }

    /// The file at an absolute path without a trailing slash.
    ///
    /// # Errors
    /// `NotFound` when the commit was dropped or cleared meanwhile.
    pub fn file(&self, path: &str) -> Result<Option<FileEntry>, Fault> {
        self.store.database.read(|tx| self.file_in(tx, path))
    }

    /// It was given up, and shows nothing.
    fn is_void(&self) -> bool {
        !self.dialect().shows_what_is_given_up() && !self.record.info.error.is_empty()
    }

    /// Whether there are files below this path, which has no slash at its end.
    ///
    /// # Errors
    /// As [`View::file`].
    pub fn is_directory(&self, path: &str) -> Result<bool, Fault> {
        if self.is_void() {
            return Ok(false);
        }
        let (after, before) = bounds_of_directory(path);
        self.store.database.read(|tx| {
            self.content().check_unchanged(tx)?;
            Ok(self.tree.next_file(tx, &after, &before)?.is_some())
        })
    }

    pub(super) fn file_in(&self, db: &Connection, path: &str) -> Result<Option<FileEntry>, Failure> {
        if self.is_void() {
            return Ok(None);
        }
        let content = self.content();
        content.check_unchanged(db)?;
        let file = self.tree.find(db, path)?;
        file.map(|file| entry(db, &content, path.to_owned(), file)).transpose()
    }

    /// Whether the commit is what was added to it on top of exactly `other`.
    pub(super) fn is_built_on(&self, other: &Self) -> bool {
        self.row.base == Some(other.row.id)
    }

    /// The paths that the commit's uploads name.
    pub(super) fn changed_paths(&self, db: &Connection) -> rusqlite::Result<ChangedPaths> {
        ChangedPaths::after(db, self.row.id, "")
    }

    /// The next files, in the order of their paths' bytes, that lie between the two bounds, both left out: 256 of them
    /// at most. [`super::bounds_of_directory`] has the bounds for a directory.
    ///
    /// # Errors
    /// As [`View::file`].
    pub fn files(&self, after: &str, before: &str) -> Result<Vec<FileEntry>, Fault> {
        if self.is_void() {
            return Ok(Vec::new());
        }
        let content = self.content();
        self.store.database.read(|tx| {
            content.check_unchanged(tx)?;
            let mut page: Vec<FileEntry> = Vec::new();
            while page.len() < PAGE {
                let after = page.last().map_or(after, |last| &last.path);
                let Some((path, file)) = self.tree.next_file(tx, after, before)? else {
                    break;
                };
                page.push(entry(tx, &content, path, file)?);
            }
            Ok(page)
        })
    }

    /// A file's bytes, from the one at `offset` on.
    pub fn read(&self, file: &FileEntry, offset: u64) -> impl Read + use<S> {
        FileReader::new(self.content(), &file.path, file.file, offset)
    }

    /// Whether a file of `other` has other bytes than one of this view. Different hashes may stand for the same bytes
    /// that came in other pieces, so those of files of one size are compared.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn differs(&self, file: &FileEntry, other: &Self, of_other: &FileEntry) -> io::Result<bool> {
        if file.hash == of_other.hash {
            return Ok(false);
        }
        if file.size != of_other.size {
            return Ok(true);
        }
        contents_differ(self.read(file, 0), other.read(of_other, 0))
    }
}

fn contents_differ(a: impl Read, b: impl Read) -> io::Result<bool> {
    let mut b = BufReader::new(b).bytes();
    for byte in BufReader::new(a).bytes() {
        if b.next().transpose()? != Some(byte?) {
            return Ok(true);
        }
    }
    Ok(b.next().is_some())
}

fn entry<S: Deref<Target = Store>>(
    db: &Connection,
    content: &Content<S>,
    path: String,
    file: TreeFile,
) -> Result<FileEntry, Failure> {
    let mut only = None;
    let mut count = 0_u64;
    let mut pieces = Sha256::new();
    content.visit_pieces(db, &path, file, &mut |piece| {
        count += 1;
        only = piece.sha256;
        if let Some(sha256) = piece.sha256 {
            pieces.update(sha256);
        } else {
            // From a store of version 1: where the bytes are says which they are.
            pieces.update(piece.archive.as_bytes());
            pieces.update(piece.offset.to_le_bytes());
        }
        pieces.update(piece.left.to_le_bytes());
    })?;
    let hash = match (count, only) {
        (0, _) => Sha256::digest([]).into(),
        (1, Some(sha256)) => sha256,
        _ => pieces.finalize().into(),
    };
    Ok(FileEntry {
        path,
        size: file.size.cast_unsigned(),
        hash,
        file,
    })
}
