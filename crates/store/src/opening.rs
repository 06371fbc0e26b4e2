//! Opening a store: it is made where there is none, closed to others, and rid of what crashes left behind.

use std::fs;
use std::io;
use std::path::Path;

use uuid::Uuid;

use super::archives;
use super::database::Database;
use super::directory::{self, make_directory, make_own_file, sync_directory};
use super::error::StoreError;
use super::store::Store;

pub(super) const DATABASE: &str = "store.sqlite";

impl Store {
    /// Opens the store in `dir` for writing; makes the directory and the store when there is nothing.
    ///
    /// # Errors
    /// When `dir` holds something else, or a store that is newer, damaged, locked or not writable.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        make_directory(dir)?;
        let path = dir.join(DATABASE);
        if !path.exists() {
            if has_other_files(dir)? {
                return Err(StoreError::NotEmpty { dir: dir.to_owned() });
            }
            make_own_file(&path)?;
        }
        let store = Self::with_database(dir, Database::open(dir, path, true)?);
        make_directory(&store.archives())?;
        make_directory(&store.incoming())?;
        let store = store.closed_to_others();
        // Also when another process made them and died before this.
        sync_directory(dir)?;
        store.sweep();
        Ok(store)
    }

    /// Opens the store in `dir`, for reading what is there; makes nothing.
    ///
    /// # Errors
    /// When there is no store in `dir`, or one that is newer, damaged, locked or not writable (`SQLite` writes beside
    /// the database to read it).
    pub fn open_existing(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(DATABASE);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => {}
            Err(source) if !matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(StoreError::Io {
                    action: "read",
                    path,
                    source,
                });
            }
            _ => return Err(StoreError::NotAStore { dir: dir.to_owned() }),
        }
        Ok(Self::with_database(dir, Database::open(dir, path, false)?).closed_to_others())
    }

    /// Opens the store in `dir` for a look that changes nothing: `None` where there is none, and where it is one of an
    /// earlier version.
    pub fn open_unchanged(dir: &Path) -> Option<Self> {
        let path = dir.join(DATABASE);
        let database = path.is_file().then(|| Database::open_current(dir, path))?;
        Some(Self::with_database(dir, database?))
    }

    fn closed_to_others(self) -> Self {
        Self {
            was_open: directory::close(&self.dir),
            ..self
        }
    }

    /// Removes what crashes left behind. That it cannot (another user's file, say) is no reason not to open.
    fn sweep(&self) {
        for entry in fs::read_dir(self.incoming()).into_iter().flatten().flatten() {
            let _ = archives::remove_abandoned(&entry.path());
        }
        // One of the 256 directories of archives at each opening, so that opening a large store stays quick.
        let directory = self.archives().join(format!("{:02x}", Uuid::new_v4().as_bytes()[0]));
        if directory.is_dir() {
            let _ = archives::remove_strays(self, &directory);
        }
    }
}

fn has_other_files(dir: &Path) -> Result<bool, StoreError> {
    let names = || -> io::Result<Vec<std::ffi::OsString>> { fs::read_dir(dir)?.map(|e| Ok(e?.file_name())).collect() };
    let names = names().map_err(|source| StoreError::Io {
        action: "read the directory",
        path: dir.to_owned(),
        source,
    })?;
    // Another process may have made the database since we looked.
    Ok(!names.is_empty() && !names.iter().any(|name| name == DATABASE))
}
