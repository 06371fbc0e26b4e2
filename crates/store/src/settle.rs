//! A commit that is closed for writing is settled: what was added to it becomes versions of paths, or an error.
//!
//! One commit after the other along its line, each in one transaction: a kill leaves a commit either finishing or
//! finished, and whoever has the store open next goes on.

use rusqlite::{Connection, OptionalExtension, params};

use super::Store;
use super::changed::{self, ChangedPaths, Effect};
use super::commit::{CommitRow, base_chain};
use super::error::Failure;
use super::record::{CommitRecord, record_of};
use super::refusal::Refusal;
use super::tree::{self, Chain, Place, Version};
use super::work::Work;
use spoutctl_core::fault::Fault;

/// How a commit ended.
struct Outcome {
    error: String,
    size: i64,
    place: Option<Place>,
    /// Its content was looked at.
    checked: bool,
}

impl Store {
    /// Settles the oldest commit that is closed and not finished, and tells how it is then; `None` when there is none.
    ///
    /// # Errors
    /// What is wrong with the disk.
    pub fn settle_next(&self) -> Result<Option<CommitRecord>, Fault> {
        // Without the write lock first: this is asked far more often than there is something to do.
        let given_up_by = self.given_up_by();
        if self.database.read(|tx| next_unsettled(tx, given_up_by))?.is_none() {
            return Ok(None);
        }
        self.change(|work| {
            // Another process may have done it meanwhile.
            let Some(row) = next_unsettled(work.db, given_up_by)? else {
                return Ok(None);
            };
            work.settle(row)?;
            record_of(work.db, row)
        })
    }

    /// Commits that were ended with an error until then may be settled. Where it does harm to drop one before, it takes a
    /// moment, so that whoever does not wait is found; elsewhere none.
    fn given_up_by(&self) -> i64 {
        if self.dialect().commits_are_of_branches() {
            self.now().saturating_sub(GIVING_UP)
        } else {
            i64::MAX
        }
    }
}

/// In microseconds.
const GIVING_UP: i64 = 100_000;

/// A parent is closed before its children, and made before them: the oldest one's parent is finished.
fn next_unsettled(db: &Connection, given_up_by: i64) -> Result<Option<i64>, Failure> {
    let next = db
        .prepare_cached(
            "SELECT id FROM commits one WHERE finishing IS NOT NULL AND finished IS NULL
                 AND (error = '' OR finishing <= ?1)
                 AND NOT EXISTS (SELECT 1 FROM commits parent WHERE parent.id = one.parent AND parent.finished IS NULL)
             ORDER BY id LIMIT 1",
        )?
        .query_row([given_up_by], |row| row.get(0))
        .optional()?;
    Ok(next)
}

impl Work<'_> {
    /// Settles a closed commit and, before it, those of its ancestors that are not finished yet.
    pub(super) fn settle_line(&mut self, commit: i64) -> Result<(), Failure> {
        let mut line = Vec::new();
        let mut next = Some(commit);
        while let Some(row) = next.map(|id| CommitRow::by_id(self.db, id)).transpose()? {
            if row.finished {
                break;
            }
            line.push(row.id);
            next = row.parent;
        }
        line.into_iter().rev().try_for_each(|row| self.settle(row))
    }

    fn settle(&mut self, commit: i64) -> Result<(), Failure> {
        let row = CommitRow::by_id(self.db, commit)?;
        let base = row.known_base(self.db)?;
        let outcome = if row.error.is_empty() {
            put_on_base(self, &row, base)?
        } else {
            Outcome {
                error: row.error,
                size: 0,
                place: None,
                checked: false,
            }
        };
        self.db
            .prepare_cached(
                "UPDATE commits SET finished = ?2, updated = ?2, base = ?3, error = ?4, size = ?5, lineage = ?6,
                     depth = ?7, checked = ?8
                 WHERE id = ?1",
            )?
            .execute(params![
                commit,
                self.now,
                base,
                outcome.error,
                outcome.size,
                outcome.place.map(|place| place.lineage),
                outcome.place.map(|place| place.depth),
                outcome.checked
            ])?;
        Ok(())
    }
}

/// Puts what was added to the commit on top of its base, and checks the tree that comes of it.
///
/// # Errors
/// A collision, where a commit is finished at once: such a one stays open.
fn put_on_base(work: &Work<'_>, row: &CommitRow, base: Option<i64>) -> Result<Outcome, Failure> {
    let db = work.db;
    let (chain, base) = base_chain(db, base)?;
    let base_size = base.as_ref().map_or(0, |base| base.size);
    db.execute_batch("SAVEPOINT settle")?;
    let place = tree::place_after(db, base.and_then(|base| base.place))?;
    let size = base_size + write_versions(db, row.id, &chain, place)?;
    let collision = find_collision(db, row.id, &Chain::of(db, place)?, place)?;
    let Some(path) = collision else {
        db.execute_batch("RELEASE settle")?;
        return Ok(Outcome {
            error: String::new(),
            size,
            place: Some(place),
            checked: true,
        });
    };
    db.execute_batch("ROLLBACK TO settle; RELEASE settle")?;
    if work.dialect().finishes_at_once() {
        return Err(file_and_directory(db, row.id, &chain, &path)?.into());
    }
    // The text is pachd's (recording http 045).
    Ok(Outcome {
        error: format!("file / directory path collision ({path})"),
        size,
        place: None,
        checked: true,
    })
}

/// Which file is a directory, too, for `path` is to be below it; and which of both was there before.
fn file_and_directory(db: &Connection, commit: i64, base: &Chain, path: &str) -> Result<Refusal, Failure> {
    let uploads = changed::uploads_of(db, commit)?;
    for (end, _) in path.match_indices('/').skip(1) {
        let file = &path[..end];
        if !Effect::of(db, &uploads, file)?.present && base.find(db, file)?.is_none() {
            continue;
        }
        let (after, before) = tree::bounds_of_directory(file);
        return Ok(Refusal::FileAndDirectory {
            file: file.to_owned(),
            is_over_directory: base.next_file(db, &after, &before)?.is_some(),
        });
    }
    // Not met: something above the path is a file.
    Ok(Refusal::FileAndDirectory {
        file: path.to_owned(),
        is_over_directory: false,
    })
}

/// Writes the rows of every path that the commit changes, and tells by how many bytes the tree grows.
fn write_versions(db: &Connection, commit: i64, base: &Chain, place: Place) -> rusqlite::Result<i64> {
    let mut changed = ChangedPaths::of(db, commit)?;
    let mut growth = 0;
    while let Some((path, effect)) = changed.next(db)? {
        growth += write_version(db, &path, &effect, base, place)?;
    }
    Ok(growth)
}

fn write_version(db: &Connection, path: &str, effect: &Effect, base: &Chain, place: Place) -> rusqlite::Result<i64> {
    let before = base.find(db, path)?;
    let old_size = before.map_or(0, |before| before.size);
    let (size, start) = match (effect.present, before) {
        (true, Some(Version { start, .. })) if !effect.cleared => (Some(old_size + effect.appended), start),
        (true, _) => (Some(effect.appended), place.depth),
        (false, Some(_)) => (None, place.depth),
        // Deleting what is not there.
        (false, None) => return Ok(0),
    };
    db.prepare_cached("INSERT INTO versions (lineage, path, depth, size, start) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![place.lineage, path, place.depth, size, start])?;
    Ok(size.unwrap_or(0) - old_size)
}

/// The first path that would have to be below a file.
///
/// The base has no such path, so only those that this commit made a file at need to be looked at: whether one of their
/// directories is a file, and whether anything lies below them. pachd compares neighbours in its sorted list only and
/// misses `/a`, `/a-x`, `/a/b`, where another name sorts between the two; this finds them.
fn find_collision(db: &Connection, commit: i64, chain: &Chain, place: Place) -> rusqlite::Result<Option<String>> {
    let mut changed = ChangedPaths::of(db, commit)?;
    let mut previous = String::new();
    while let Some((path, _)) = changed.next(db)? {
        // A file that only grew was there before, and what is above and below it was right then or is looked at itself.
        let made_here = |version: Version| version.start == place.depth;
        if !chain.find(db, &path)?.is_some_and(made_here) {
            continue;
        }
        // The previous path was in the directories that they share.
        if is_below_file(db, &path, shared_bytes(&previous, &path), chain)? {
            return Ok(Some(path));
        }
        let (after, before) = tree::bounds_of_directory(&path);
        if let Some((below, _)) = chain.next_file(db, &after, &before)? {
            return Ok(Some(below));
        }
        previous = path;
    }
    Ok(None)
}

/// Whether a directory of `path` that is longer than `known` bytes is a file.
///
/// Not each directory is looked up, which would take the square of a path's depth: the first file from a directory on
/// tells of all directories that it does not share with the path, that they are none. So as many are looked at as have other
/// files between them and the path.
fn is_below_file(db: &Connection, path: &str, known: usize, chain: &Chain) -> rusqlite::Result<bool> {
    let mut known = known.max(1);
    while let Some(end) = path.get(known..).and_then(|rest| rest.find('/')) {
        let directory = &path[..known + end];
        if chain.find(db, directory)?.is_some() {
            return Ok(true);
        }
        let Some((file, _)) = chain.next_file(db, directory, path)? else {
            return Ok(false);
        };
        if path
            .strip_prefix(file.as_str())
            .is_some_and(|rest| rest.starts_with('/'))
        {
            return Ok(true);
        }
        known = shared_bytes(&file, path).max(directory.len() + 1);
    }
    Ok(false)
}

fn shared_bytes(one: &str, other: &str) -> usize {
    one.bytes()
        .zip(other.bytes())
        .take_while(|(one, other)| one == other)
        .count()
}
