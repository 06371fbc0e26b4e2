//! A commit that is closed for writing is settled: what was added to it becomes versions of paths, or an error.
//!
//! One commit after the other along its line, in slices of a bounded number of paths, each a transaction: between two
//! slices others write, and other lines are settled. Nobody sees what is written so far, for no commit has that place
//! yet. A kill leaves a commit either finishing, with what was done of it, or finished; whoever has the store open next
//! goes on.

use rusqlite::{Connection, OptionalExtension, params};

use super::changed::{self, ChangedPaths, Effect};
use super::commit_row::{CommitRow, Place};
use super::error::Failure;
use super::record::{CommitRecord, record_of};
use super::refusal::Refusal;
use super::slices::{Slice, Turn};
use super::store::Store;
use super::tree::{self, Chain, Version, base_chain};
use super::work::Work;
use spoutctl_core::fault::Fault;

/// Commits that were ended with an error so long ago may be settled, in microseconds.
const GIVING_UP: i64 = 100_000;

impl Store {
    /// Goes on with the settling of commits that are closed and not finished, one slice of one of them, each in its
    /// turn; tells how that one is then, which is finished unless it is a large one. `None` when there is none.
    pub fn settle_next(&self) -> Result<Option<CommitRecord>, Fault> {
        // Without the write lock first: this is asked far more often than there is something to do.
        let (given_up_by, turn) = (self.given_up_by(), self.turn());
        if self
            .database
            .read(|tx| next_unsettled(tx, given_up_by, turn))?
            .is_none()
        {
            return Ok(None);
        }
        let settled = self.change(|work| {
            // Another process may have done it meanwhile.
            let Some((row, is_begun)) = next_unsettled(work.db, given_up_by, turn)? else {
                return Ok(None);
            };
            let is_settled = work.settle(row, &mut Slice::of(self.slices.paths))?;
            Ok(Some((turn.after(row, is_begun), is_settled, record_of(work.db, row)?)))
        })?;
        let Some((next, is_settled, record)) = settled else {
            return Ok(None);
        };
        *self.turn.lock() = next;
        if !is_settled {
            std::thread::sleep(self.slices.pause);
        }
        Ok(record)
    }

    fn turn(&self) -> Turn {
        *self.turn.lock()
    }

    /// Commits that were ended with an error until then may be settled. Where it does harm to drop one before, it takes
    /// a moment, so that whoever does not wait is found; elsewhere none.
    fn given_up_by(&self) -> i64 {
        if self.dialect().commits_are_of_branches() {
            self.now().saturating_sub(GIVING_UP)
        } else {
            i64::MAX
        }
    }
}

/// The next one, and whether it is begun. Its parent is finished: one that is open, as what a spout that is started
/// again finds on its branch may be, is waited for.
fn next_unsettled(db: &Connection, given_up_by: i64, turn: Turn) -> Result<Option<(i64, bool)>, Failure> {
    let next = db
        .prepare_cached(
            "SELECT id, commit_id IS NOT NULL FROM commits one LEFT JOIN settling ON commit_id = id
             WHERE finishing IS NOT NULL AND finished IS NULL AND (one.error = '' OR finishing <= ?1)
                 AND NOT EXISTS (SELECT 1 FROM commits parent WHERE parent.id = one.parent AND parent.finished IS NULL)
             ORDER BY (commit_id IS NULL) = ?2, commit_id <= ?3, id LIMIT 1",
        )?
        .query_row(params![given_up_by, turn.is_of_begun, turn.last], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(next)
}

impl Work<'_> {
    /// Settles a closed commit and, before it, those of its ancestors that are closed and not finished yet, as far as
    /// the slice goes: whether all of it is done, which it is not before an open one among them is closed.
    pub(super) fn settle_line(&mut self, commit: i64, slice: &mut Slice) -> Result<bool, Failure> {
        let mut line = Vec::new();
        let mut next = Some(commit);
        while let Some(row) = next.map(|id| CommitRow::by_id(self.db, id)).transpose()? {
            if row.finished {
                break;
            }
            if !row.finishing {
                return Ok(false);
            }
            line.push(row.id);
            next = row.parent;
        }
        for row in line.into_iter().rev() {
            if !self.settle(row, slice)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the commit is settled now.
    fn settle(&mut self, commit: i64, slice: &mut Slice) -> Result<bool, Failure> {
        let row = CommitRow::by_id(self.db, commit)?;
        let base = row.known_base(self.db)?;
        if !row.error.is_empty() {
            self.finish(&row, base, None, &row.error, 0)?;
            return Ok(true);
        }
        let (chain, base_row) = base_chain(self.db, base)?;
        let mut settling = match Settling::kept(self.db, commit)? {
            Some(settling) => settling,
            None => Settling::begin(self.db, base_row.as_ref().and_then(|base| base.place))?,
        };
        if !settling.go_on(self.db, commit, &chain, slice)? {
            settling.keep(self.db, commit, base)?;
            return Ok(false);
        }
        self.db
            .prepare_cached("DELETE FROM settling WHERE commit_id = ?1")?
            .execute([commit])?;
        let size = base_row.map_or(0, |base| base.size) + settling.growth;
        let path = &settling.collision;
        if path.is_empty() {
            self.finish(&row, base, Some(settling.place), "", size)?;
            return Ok(true);
        }
        tree::forget_unused(self.db, settling.place.lineage)?;
        // It stays open, unless an earlier call has closed it: that has been told so, and its branch is to go on.
        if self.dialect.finishes_at_once() && self.has_closed(commit)? {
            return Err(file_and_directory(self.db, row.id, &chain, path)?.into());
        }
        // The text is pachd's (recording http 045).
        let error = format!("file / directory path collision ({path})");
        self.finish(&row, base, None, &error, size)?;
        Ok(true)
    }

    /// Whether this transaction has closed the commit.
    fn has_closed(&self, commit: i64) -> rusqlite::Result<bool> {
        self.db
            .prepare_cached("SELECT finishing IS ?2 FROM commits WHERE id = ?1")?
            .query_row(params![commit, self.now], |row| row.get(0))
    }

    fn finish(
        &self,
        row: &CommitRow,
        base: Option<i64>,
        place: Option<Place>,
        error: &str,
        size: i64,
    ) -> Result<(), Failure> {
        // Its content was looked at, unless it was ended with an error.
        let checked = row.error.is_empty();
        self.db
            .prepare_cached(
                "UPDATE commits SET finished = ?2, updated = ?2, base = ?3, error = ?4, size = ?5, lineage = ?6,
                     depth = ?7, checked = ?8
                 WHERE id = ?1",
            )?
            .execute(params![
                row.id,
                self.now,
                base,
                error,
                size,
                place.map(|place| place.lineage),
                place.map(|place| place.depth),
                checked
            ])?;
        Ok(())
    }
}

/// What is done with each path that a commit changes, one pass over all of them after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Its version is written.
    Write = 0,
    /// It is looked at for a collision.
    Check = 1,
    /// Its version is taken back, since there was one.
    TakeBack = 2,
}

/// A commit that is being settled: put on top of its base, and the tree that comes of it checked.
struct Settling {
    /// That of the commit, once it is finished. Nobody else gets it.
    place: Place,
    pass: Pass,
    /// Up to this path the pass is done.
    path: String,
    /// By how many bytes the tree grows.
    growth: i64,
    /// The path that would be below a file, if the check has found one.
    collision: String,
}

/// Where a commit is being put, if it is being settled.
pub(super) fn place_of(db: &Connection, commit: i64) -> rusqlite::Result<Option<Place>> {
    Ok(Settling::kept(db, commit)?.map(|settling| settling.place))
}

impl Settling {
    fn begin(db: &Connection, base: Option<Place>) -> Result<Self, Failure> {
        Ok(Self {
            place: tree::place_after(db, base)?,
            pass: Pass::Write,
            path: String::new(),
            growth: 0,
            collision: String::new(),
        })
    }

    fn kept(db: &Connection, commit: i64) -> rusqlite::Result<Option<Self>> {
        db.prepare_cached("SELECT lineage, depth, pass, path, growth, collision FROM settling WHERE commit_id = ?1")?
            .query_row([commit], |row| {
                Ok(Self {
                    place: Place {
                        lineage: row.get(0)?,
                        depth: row.get(1)?,
                    },
                    pass: match row.get(2)? {
                        0 => Pass::Write,
                        1 => Pass::Check,
                        _ => Pass::TakeBack,
                    },
                    path: row.get(3)?,
                    growth: row.get(4)?,
                    collision: row.get(5)?,
                })
            })
            .optional()
    }

    /// Writes down how far it is. The base stays as long as somebody is known to be based on it.
    fn keep(&self, db: &Connection, commit: i64, base: Option<i64>) -> rusqlite::Result<()> {
        db.prepare_cached("UPDATE commits SET base = ?2 WHERE id = ?1")?
            .execute(params![commit, base])?;
        db.prepare_cached(
            "INSERT OR REPLACE INTO settling (commit_id, lineage, depth, pass, path, growth, collision)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            commit,
            self.place.lineage,
            self.place.depth,
            self.pass as i64,
            self.path,
            self.growth,
            self.collision
        ])?;
        Ok(())
    }

    /// Goes on as far as the slice goes: whether it came to the end.
    fn go_on(&mut self, db: &Connection, commit: i64, base: &Chain, slice: &mut Slice) -> rusqlite::Result<bool> {
        let chain = Chain::of(db, self.place)?;
        loop {
            if !self.pass_on(db, commit, base, &chain, slice)? {
                return Ok(false);
            }
            self.pass = match self.pass {
                Pass::Write => Pass::Check,
                Pass::Check if self.collision.is_empty() => return Ok(true),
                Pass::Check => Pass::TakeBack,
                Pass::TakeBack => return Ok(true),
            };
            self.path.clear();
        }
    }

    /// Whether this pass is done.
    fn pass_on(
        &mut self,
        db: &Connection,
        commit: i64,
        base: &Chain,
        chain: &Chain,
        slice: &mut Slice,
    ) -> rusqlite::Result<bool> {
        let mut changed = ChangedPaths::after(db, commit, &self.path)?;
        // The last path that was looked at and was in the directories that it shares with the next one.
        let mut previous = String::new();
        loop {
            if !slice.take() {
                return Ok(false);
            }
            let Some((path, effect)) = changed.next(db)? else {
                return Ok(true);
            };
            match self.pass {
                Pass::Write => self.growth += write_version(db, &path, &effect, base, self.place)?,
                Pass::Check => {
                    if let Some(collision) = collision_at(db, &path, &mut previous, chain, self.place)? {
                        self.collision = collision;
                        return Ok(true);
                    }
                }
                Pass::TakeBack => tree::forget_version(db, self.place, &path)?,
            }
            self.path = path;
        }
    }
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

/// The path that would have to be below a file, if `path` makes one.
///
/// The base has no such path, so only those that this commit made a file at need to be looked at: whether one of their
/// directories is a file, and whether anything lies below them. pachd compares neighbours in its sorted list only and
/// misses `/a`, `/a-x`, `/a/b`, where another name sorts between the two; this finds them.
fn collision_at(
    db: &Connection,
    path: &str,
    previous: &mut String,
    chain: &Chain,
    place: Place,
) -> rusqlite::Result<Option<String>> {
    // A file that only grew was there before, and what is above and below it was right then or is looked at itself.
    let made_here = |version: Version| version.start == place.depth;
    if !chain.find(db, path)?.is_some_and(made_here) {
        return Ok(None);
    }
    // The previous path was in the directories that they share.
    if is_below_file(db, path, shared_bytes(previous, path), chain)? {
        return Ok(Some(path.to_owned()));
    }
    let (after, before) = tree::bounds_of_directory(path);
    if let Some((below, _)) = chain.next_file(db, &after, &before)? {
        return Ok(Some(below));
    }
    path.clone_into(previous);
    Ok(None)
}

/// Whether a directory of `path` that is longer than `known` bytes is a file.
///
/// Not each directory is looked up, which would take the square of a path's depth: the first file from a directory on
/// tells of all directories that it does not share with the path, that they are none. So as many are looked at as have
/// other files between them and the path.
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
