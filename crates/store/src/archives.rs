//! The archives: how one gets its name, which of them uploads still hold, and how those go that nobody holds.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::directory::{make_directory, sync_directory};
use super::error::{Failure, StoreError};
use super::rows::first_column;
use super::store::Store;
use super::upload::StagedArchive;
use spoutctl_core::fault::Fault;

/// A file in `incoming` is left alone this long, even unlocked: its owner may be between making and locking it.
const FRESH: Duration = Duration::from_mins(1);
/// How many one call clears away at most, so that no call takes long for the sake of others.
pub(super) const SWEEP: i64 = 100;

/// Gives a complete and synced archive its name, for good.
pub(super) fn publish(store: &Store, archive: StagedArchive) -> Result<(), Failure> {
    let target = store.archive_path(&archive.sha256);
    let archives = store.archives();
    let directory = target.parent().unwrap_or(&archives);
    make_directory(directory)?;
    // A file of that name has the same bytes, or is damaged and mended by this.
    archive.path.persist(&target).map_err(|error| StoreError::Io {
        action: "write",
        path: target.clone(),
        source: error.error,
    })?;
    sync_directory(directory)?;
    Ok(())
}

/// Takes its uploads from a commit, and forgets those that nobody else has.
pub(super) fn forget_parts(db: &Connection, commit: i64) -> rusqlite::Result<()> {
    let uploads = first_column(
        db,
        "SELECT DISTINCT upload FROM commit_parts WHERE commit_id = ?1",
        [commit],
    )?;
    db.prepare_cached("DELETE FROM commit_parts WHERE commit_id = ?1")?
        .execute([commit])?;
    release(db, &uploads)
}

/// Forgets those of `uploads` that neither a file set nor a commit holds.
pub(super) fn release(tx: &Connection, uploads: &[i64]) -> rusqlite::Result<()> {
    for upload in uploads {
        let held: bool = tx
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM file_set_parts WHERE upload = ?1)
                     OR EXISTS (SELECT 1 FROM commit_parts WHERE upload = ?1)",
            )?
            .query_row([upload], |row| row.get(0))?;
        if held {
            continue;
        }
        tx.prepare_cached(
            "INSERT OR IGNORE INTO doomed_archives SELECT archive FROM uploads WHERE id = ?1 AND archive IS NOT NULL",
        )?
        .execute([upload])?;
        tx.prepare_cached("DELETE FROM changes WHERE upload = ?1")?
            .execute([upload])?;
        tx.prepare_cached("DELETE FROM uploads WHERE id = ?1")?
            .execute([upload])?;
    }
    Ok(())
}

/// Removes the files of archives whose last row is gone. One that cannot be removed is tried again another time.
///
/// This is a transaction of its own, after the one that removed the rows is on disk: a row that a power cut brings back
/// must find its file. The lock keeps an upload of the same bytes from naming the file meanwhile.
pub(super) fn remove_doomed(store: &Store) {
    let look = |tx: &rusqlite::Transaction<'_>| {
        let mut some = tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM doomed_archives)")?;
        Ok(some.query_row([], |row| row.get(0))?)
    };
    if !store.database.read(look).unwrap_or(true) {
        return;
    }
    let _ = store.database.write(|tx| {
        for archive in first_column::<String>(tx, "SELECT archive FROM doomed_archives LIMIT ?1", [SWEEP])? {
            if is_held(tx, &archive)? || remove_archive(store.archive_path(&archive)).is_ok() {
                tx.prepare_cached("DELETE FROM doomed_archives WHERE archive = ?1")?
                    .execute([archive])?;
            }
        }
        Ok(())
    });
}

fn is_held(tx: &Connection, archive: &str) -> rusqlite::Result<bool> {
    tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM uploads WHERE archive = ?1)")?
        .query_row([archive], |row| row.get(0))
}

fn remove_archive(path: PathBuf) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Removes the archives of one directory that no row names: what a crash between rename and commit leaves behind.
pub(super) fn remove_strays(store: &Store, directory: &Path) -> Result<(), Fault> {
    store.database.write(|tx| {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let Some(archive) = path.file_stem().and_then(|name| name.to_str()) else {
                continue;
            };
            if store.archive_path(archive) == path && !is_held(tx, archive)? {
                let _ = remove_archive(path);
            }
        }
        Ok(())
    })
}

/// Removes a file of `incoming` unless a living process holds its lock. Locks end with their process.
pub(super) fn remove_abandoned(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    let age = file.metadata()?.modified()?.elapsed().unwrap_or_default();
    if age >= FRESH && file.try_lock().is_ok() {
        fs::remove_file(path)?;
    }
    Ok(())
}
