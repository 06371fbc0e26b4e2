//! File sets: uploads that no commit holds yet, what keeps them alive, and what happens to those nobody wants.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::archives::{SWEEP, publish, release, remove_doomed};
use super::changed;
use super::commit_row::CommitRow;
use super::error::Failure;
use super::lookup::{CommitSelector, find_file_set};
use super::record::{CommitRecord, record_of};
use super::refusal::Refusal;
use super::rows::first_column;
use super::slices::Slice;
use super::store::Store;
use super::tree::{Tree, bounds_of_directory};
use super::upload::{self, Directories, Staged, StagedArchive};
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::FileSetId;
use spoutctl_core::sink::Changes;

/// How long a new file set lives, as pachd's do.
const DEFAULT_TTL: Duration = Duration::from_mins(10);
const MIN_TTL: Duration = Duration::from_secs(1);
const MAX_TTL: Duration = Duration::from_mins(30);

pub(super) fn create(store: &Store, changes: &mut dyn Changes) -> Result<FileSetId, Fault> {
    // Housekeeping that fails is tried again with the next file set.
    let _ = collect_expired(store);
    let incoming = store.incoming();
    let mut staged = upload::stage(&incoming, changes, Directories::Stay)?;
    let mut archive = staged.archive.take();
    let mut made: Option<(FileSetId, Written)> = None;
    // In slices, between which others write. Until the last one nobody knows the file set, and if it never comes, it
    // expires.
    loop {
        let expires = store.after(DEFAULT_TTL);
        let is_whole = store.database.write(|tx| {
            let (file_set, written) = if let Some(made) = &mut made {
                made
            } else {
                let written = Written::begin(tx)?;
                made.insert((insert_file_set(tx, &[written.upload], expires)?, written))
            };
            let extended = tx
                .prepare_cached("UPDATE file_sets SET expires = ?2 WHERE name = ?1")?
                .execute(params![file_set.0, expires])?;
            if extended == 0 {
                return Err(Refusal::FileSetToRenewGone(file_set.0.clone()).into());
            }
            if !written.take(tx, &mut staged, &incoming, store.slices.paths, None)? {
                return Ok(false);
            }
            // Inside the transaction: whoever removes archives holds the same lock, so none is removed between its
            // rename and its row. Before the commit: a row never names a file that is not there.
            if let Some(archive) = archive.take() {
                written.name_archive(tx, &archive)?;
                publish(store, archive)?;
            }
            Ok(true)
        })?;
        match made.take_if(|_| is_whole) {
            Some((file_set, _)) => return Ok(file_set),
            None => std::thread::sleep(store.slices.pause),
        }
    }
}

impl Store {
    /// Makes changes as pachd's `ModifyFile` does: they go into the commit that `target` names, or, where it names a
    /// branch whose head is closed, into one of their own, which is then finishing (recordings http 014–049). A
    /// deletion of `/d/` deletes what is below it. `allowed` is asked when all of `changes` is here, while nobody else
    /// changes anything: what is there may have been made since the first of them came.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyFinished`, `Refused` (a path); what `allowed` answers; `Local` when `changes` broke off.
    /// Then nothing has happened.
    pub fn modify(
        &self,
        target: &CommitSelector,
        changes: &mut dyn Changes,
        allowed: &dyn Fn() -> Result<(), Failure>,
    ) -> Result<CommitRecord, Fault> {
        let incoming = self.incoming();
        let mut staged = upload::stage(&incoming, changes, Directories::Go)?;
        let archive = staged.archive.take();
        self.change(|work| {
            allowed()?;
            let (commit, is_new) = work.commit_to_modify(target)?;
            if !staged.is_empty() {
                let tree = if staged.deletes_directories() {
                    // What there is to delete is known when what comes before is settled.
                    if let Some(parent) = commit.parent {
                        work.settle_line(parent, &mut Slice::whole())?;
                    }
                    Some(Tree::of(work.db, &commit)?)
                } else {
                    None
                };
                let mut written = Written::begin(work.db)?;
                written.take(work.db, &mut staged, &incoming, usize::MAX, tree.as_ref())?;
                if let Some(archive) = &archive {
                    written.name_archive(work.db, archive)?;
                }
                work.add_upload(commit.id, written.upload)?;
            }
            if is_new {
                work.close(commit.id, "", "")?;
            }
            if let Some(archive) = archive {
                publish(self, archive)?;
            }
            Ok(record_of(work.db, commit.id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?)
        })
    }

    /// Makes a file set of what a commit changed; with `total`, of its whole tree.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn file_set_of(&self, commit: &CommitSelector, total: bool) -> Result<FileSetId, Fault> {
        let expires = self.after(DEFAULT_TTL);
        self.database.write(|tx| {
            let mut next = Some(CommitRow::pick(tx, commit)?);
            let mut uploads = Vec::new();
            while let Some(row) = next {
                uploads.extend(changed::uploads_of(tx, row.id)?.into_iter().rev());
                let base = if total { row.known_base(tx)? } else { None };
                next = base.map(|id| CommitRow::by_id(tx, id)).transpose()?;
            }
            uploads.reverse();
            Ok(insert_file_set(tx, &uploads, expires)?)
        })
    }
}

/// An upload, as far as it is written down.
struct Written {
    upload: i64,
    changes: i64,
}

impl Written {
    fn begin(tx: &Connection) -> rusqlite::Result<Self> {
        tx.prepare_cached("INSERT INTO uploads (size) VALUES (0)")?
            .execute([])?;
        Ok(Self {
            upload: tx.last_insert_rowid(),
            changes: 0,
        })
    }

    /// Says where its bytes are.
    fn name_archive(&self, tx: &Connection, archive: &StagedArchive) -> rusqlite::Result<()> {
        tx.prepare_cached("UPDATE uploads SET archive = ?2, size = ?3 WHERE id = ?1")?
            .execute(params![self.upload, archive.sha256, archive.size.cast_signed()])?;
        Ok(())
    }

    /// Writes down the next changes, so many at most: whether those were all. A directory's deletion becomes those of
    /// the files that are below it then: in `tree`, and among what this upload has changed so far.
    fn take(
        &mut self,
        tx: &Connection,
        staged: &mut Staged,
        incoming: &Path,
        at_most: usize,
        tree: Option<&Tree>,
    ) -> Result<bool, Failure> {
        let mut insert = tx.prepare_cached(
            "INSERT INTO changes (upload, path, seq, offset, size, sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        staged.index(incoming, at_most, |entry| {
            if entry.is_directory() {
                return self.delete_below(tx, &entry.path, tree);
            }
            let offset = entry.offset.map(u64::cast_signed);
            let sha256 = offset.map(|_| entry.sha256);
            insert.execute(params![
                self.upload,
                entry.path,
                self.changes,
                offset,
                entry.size.cast_signed(),
                sha256
            ])?;
            self.changes += 1;
            Ok(())
        })
    }

    fn delete_below(&mut self, tx: &Connection, directory: &str, tree: Option<&Tree>) -> Result<(), Failure> {
        let (after, before) = bounds_of_directory(directory);
        let mut delete =
            tx.prepare_cached("INSERT INTO changes (upload, path, seq, offset, size) VALUES (?1, ?2, ?3, NULL, 0)")?;
        let mut next = after.clone();
        while let Some((path, _)) = tree.map_or(Ok(None), |tree| tree.next_file(tx, &next, &before))? {
            delete.execute(params![self.upload, path, self.changes])?;
            self.changes += 1;
            next = path;
        }
        let mut written = tx.prepare_cached(
            "SELECT path FROM changes WHERE upload = ?1 AND path > ?2 AND path < ?3 ORDER BY path LIMIT 1",
        )?;
        let mut next = after;
        while let Some(path) = written
            .query_row(params![self.upload, next, before], |row| row.get::<_, String>(0))
            .optional()?
        {
            delete.execute(params![self.upload, path, self.changes])?;
            self.changes += 1;
            next = path;
        }
        Ok(())
    }
}

fn insert_file_set(tx: &Connection, uploads: &[i64], expires: i64) -> rusqlite::Result<FileSetId> {
    let name = Uuid::new_v4().simple().to_string();
    tx.prepare_cached("INSERT INTO file_sets (name, expires) VALUES (?1, ?2)")?
        .execute(params![name, expires])?;
    let file_set = tx.last_insert_rowid();
    let mut insert = tx.prepare_cached("INSERT INTO file_set_parts (file_set, seq, upload) VALUES (?1, ?2, ?3)")?;
    for (seq, upload) in (0_i64..).zip(uploads) {
        insert.execute([file_set, seq, *upload])?;
    }
    Ok(FileSetId(name))
}

pub(super) fn renew(store: &Store, file_set: &FileSetId, ttl: Duration) -> Result<(), Fault> {
    check_ttl(ttl)?;
    store.database.write(|tx| {
        let id =
            find_file_set(tx, file_set, store.now())?.ok_or_else(|| Refusal::FileSetToRenewGone(file_set.0.clone()))?;
        tx.execute(
            "UPDATE file_sets SET expires = ?2 WHERE id = ?1",
            [id, store.after(ttl)],
        )?;
        Ok(())
    })
}

/// Any time to live is taken, as by pachd.
pub(super) fn compose(store: &Store, parts: &[FileSetId], ttl: Duration) -> Result<FileSetId, Fault> {
    store.database.write(|tx| {
        let mut uploads = Vec::new();
        for part in parts {
            let id = find_file_set(tx, part, store.now())?.ok_or(Refusal::FileSetToComposeGone)?;
            uploads.extend(uploads_of(tx, id)?);
        }
        Ok(insert_file_set(tx, &uploads, store.after(ttl))?)
    })
}

fn check_ttl(ttl: Duration) -> Result<(), Fault> {
    if ttl < MIN_TTL {
        return Err(Refusal::TtlTooShort(ttl.as_nanos().cast_signed()).into());
    }
    if ttl > MAX_TTL {
        let (wanted, max) = (ttl.as_nanos(), MAX_TTL.as_nanos());
        return Err(Refusal::TtlTooLong { wanted, max }.into());
    }
    Ok(())
}

fn uploads_of(tx: &Connection, file_set: i64) -> rusqlite::Result<Vec<i64>> {
    first_column(
        tx,
        "SELECT upload FROM file_set_parts WHERE file_set = ?1 ORDER BY seq",
        [file_set],
    )
}

/// Clears away expired file sets, some at a time, and the archives that only they held.
fn collect_expired(store: &Store) -> Result<(), Fault> {
    let now = store.now();
    let work: bool = store.database.read(|tx| {
        Ok(tx
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM file_sets WHERE expires <= ?1) OR EXISTS (SELECT 1 FROM doomed_archives)",
            )?
            .query_row([now], |row| row.get(0))?)
    })?;
    if !work {
        return Ok(());
    }
    store.database.write(|tx| {
        let expired = "SELECT id FROM file_sets WHERE expires <= ?1 ORDER BY expires LIMIT ?2";
        for file_set in first_column(tx, expired, [now, SWEEP])? {
            let uploads = uploads_of(tx, file_set)?;
            tx.prepare_cached("DELETE FROM file_set_parts WHERE file_set = ?1")?
                .execute([file_set])?;
            tx.prepare_cached("DELETE FROM file_sets WHERE id = ?1")?
                .execute([file_set])?;
            release(tx, &uploads)?;
        }
        Ok(())
    })?;
    remove_doomed(store);
    Ok(())
}
