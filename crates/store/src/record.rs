//! What the store tells of commits: one of them, those of a line, of a repo, of a set.

use std::ops::ControlFlow;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::commit_row::{CommitRow, FROM_COMMITS, INFO_COLUMNS, info, info_of};
use super::error::Failure;
use super::lookup::{CommitSelector, head, pick, repo_row};
use super::refusal::CommitName;
use super::rows::{self, commit_id, time};
use super::store::Store;
use super::work::Work;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Commit, CommitId, CommitInfo, Repo};

/// Commits read at a time when history is listed.
const PAGE: i64 = 256;

/// All that is known of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRecord {
    /// Grows from commit to commit and is never used again: a cursor.
    pub row: i64,
    pub info: CommitInfo,
    /// The commit of the spec of the pipeline that wrote it.
    pub spec: Option<CommitId>,
    /// Those that were started on it, with their branches, oldest first.
    pub children: Vec<(CommitId, String)>,
    pub updated: Timestamp,
    /// Its content was looked at for collisions.
    pub checked: bool,
    /// What its content comes to at most: exact when it is finished.
    pub size_upper_bound: u64,
}

fn record(db: &Connection, row: &Row<'_>) -> Result<CommitRecord, Failure> {
    let id: i64 = row.get(0)?;
    let info = info(row)?;
    let spec: Option<String> = row.get(18)?;
    let children = rows::all(
        db,
        "SELECT ifnull(told, name), branch FROM commits WHERE parent = ?1 ORDER BY id",
        [id],
        |child| Ok((commit_id(&child.get::<_, String>(0)?)?, child.get(1)?)),
    )?;
    let size_upper_bound = size_upper_bound(db, id)?;
    Ok(CommitRecord {
        row: id,
        info,
        spec: spec.map(|spec| commit_id(&spec)).transpose()?,
        children,
        updated: time(row.get(12)?),
        checked: row.get(13)?,
        size_upper_bound,
    })
}

/// The bytes of the nearest good commit, and all that was added since to this one and those that are not settled yet.
fn size_upper_bound(db: &Connection, row: i64) -> Result<u64, Failure> {
    let mut total = 0_u64;
    let mut next = Some(row);
    while let Some(row) = next.map(|id| CommitRow::by_id(db, id)).transpose()? {
        if row.place.is_some() {
            return Ok(total + row.size.cast_unsigned());
        }
        let added: i64 = db
            .prepare_cached(
                "SELECT ifnull(sum(changes.size), 0) FROM commit_parts part JOIN changes ON changes.upload = part.upload
                 WHERE part.commit_id = ?1",
            )?
            .query_row([row.id], |row| row.get(0))?;
        total += added.cast_unsigned();
        next = if row.base.is_some() || row.finished {
            row.base
        } else {
            row.parent
        };
    }
    Ok(total)
}

pub(super) fn record_of(db: &Connection, row: i64) -> Result<Option<CommitRecord>, Failure> {
    let mut records = records(db, "commits.id = ?1 AND commits.squashed = 0", [row])?;
    Ok(records.pop())
}

fn records(db: &Connection, which: &str, params: impl rusqlite::Params) -> Result<Vec<CommitRecord>, Failure> {
    let sql = format!("SELECT {INFO_COLUMNS} {FROM_COMMITS} WHERE {which}");
    rows::all(db, &sql, params, |row| record(db, row))
}

pub(super) fn inspect(db: &Connection, commit: &Commit) -> Result<CommitInfo, Failure> {
    let row = pick(db, &commit.into())?;
    info_of(db, row)
}

pub(super) fn list(
    store: &Store,
    branch: &Branch,
    visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>,
) -> Result<(), Fault> {
    let newest = store.database.read(|tx| {
        let repo = repo_row(tx, &branch.repo)?;
        Ok(head(tx, repo, branch.name.as_str())?.flatten())
    })?;
    walk_line(store, newest, |_, row| info(row), visit)
}

/// Shows a commit and its ancestors.
pub(super) fn list_from(
    store: &Store,
    newest: &Commit,
    visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>,
) -> Result<(), Fault> {
    let newest = store.database.read(|tx| pick(tx, &newest.into()))?;
    walk_line(store, Some(newest), |_, row| info(row), visit)
}

/// Shows one line of commits, newest first.
fn walk_line<T>(
    store: &Store,
    newest: Option<i64>,
    read: impl Fn(&Connection, &Row<'_>) -> Result<T, Failure>,
    visit: &mut dyn FnMut(T) -> ControlFlow<()>,
) -> Result<(), Fault> {
    let mut next = newest;
    while let Some(newest) = next {
        // No transaction is open while `visit` runs: it may call this store itself.
        let (page, parent) = store.database.read(|tx| line_page(tx, newest, &read))?;
        if page.is_empty() {
            let message = "somebody dropped the commit that the list was to go on with";
            return Err(Fault::new(FaultKind::Unavailable, message));
        }
        for commit in page {
            if visit(commit).is_break() {
                return Ok(());
            }
        }
        next = parent;
    }
    Ok(())
}

/// Some commits of one line, newest first, and the parent of the last.
fn line_page<T>(
    db: &Connection,
    newest: i64,
    read: impl Fn(&Connection, &Row<'_>) -> Result<T, Failure>,
) -> Result<(Vec<T>, Option<i64>), Failure> {
    let mut statement = db.prepare_cached(&format!(
        "WITH RECURSIVE line (id, place) AS (
             SELECT ?1, 0
             UNION ALL
             SELECT commits.parent, place + 1 FROM line JOIN commits ON commits.id = line.id
             WHERE commits.parent IS NOT NULL AND place + 1 < ?2)
         SELECT {INFO_COLUMNS} FROM line JOIN commits ON commits.id = line.id JOIN repos ON repos.id = commits.repo
         LEFT JOIN commits parents ON parents.id = commits.parent
         WHERE commits.squashed = 0 ORDER BY line.place"
    ))?;
    let mut rows = statement.query([newest, PAGE])?;
    let mut page = Vec::new();
    let mut parent = None;
    while let Some(row) = rows.next()? {
        page.push(read(db, row)?);
        parent = row.get(10)?;
    }
    Ok((page, parent))
}

fn picked(db: &Connection, selector: &CommitSelector) -> Result<CommitRecord, Failure> {
    let row = pick(db, selector)?;
    Ok(record_of(db, row)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?)
}

fn set(db: &Connection, id: &CommitId) -> Result<Vec<CommitRecord>, Failure> {
    records(
        db,
        "(commits.name = ?1 OR commits.told = ?1) AND commits.squashed = 0 ORDER BY commits.id",
        [id.as_str()],
    )
}

/// What stays so until all that is done together is done.
impl Work<'_> {
    /// # Errors
    /// `NotFound` when there is none.
    pub fn record(&self, selector: &CommitSelector) -> Result<CommitRecord, Failure> {
        picked(self.db, selector)
    }

    /// Every commit of an id, in the order of their making.
    pub fn commit_records(&self, id: &CommitId) -> Result<Vec<CommitRecord>, Failure> {
        set(self.db, id)
    }
}

impl Store {
    /// The commit as it is now.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub fn record(&self, selector: &CommitSelector) -> Result<CommitRecord, Fault> {
        self.database.read(|tx| picked(tx, selector))
    }

    /// The open commit that one which is closed goes on from, if not from finished ones alone: until that is closed,
    /// this one is not finished.
    ///
    /// # Errors
    /// `NotFound` when there is no such commit.
    pub fn open_base(&self, commit: &CommitSelector) -> Result<Option<CommitName>, Fault> {
        self.database.read(|tx| {
            let mut select = tx.prepare_cached(
                "WITH RECURSIVE line (id) AS (
                     SELECT parent FROM commits WHERE id = ?1 AND finished IS NULL
                     UNION ALL
                     SELECT parent FROM line JOIN commits ON commits.id = line.id
                     WHERE finishing IS NOT NULL AND finished IS NULL)
                 SELECT commits.id FROM line JOIN commits ON commits.id = line.id WHERE finishing IS NULL",
            )?;
            let open: Option<i64> = select.query_row([pick(tx, commit)?], |row| row.get(0)).optional()?;
            open.map(|open| CommitRow::by_id(tx, open)?.named(tx)).transpose()
        })
    }

    /// The commit of a row that was seen before, or `None` when it was dropped or squashed since.
    pub fn record_at(&self, row: i64) -> Result<Option<CommitRecord>, Fault> {
        self.database.read(|tx| record_of(tx, row))
    }

    /// Every commit of an id, in the order of their making.
    pub fn commit_set(&self, id: &CommitId) -> Result<Vec<CommitRecord>, Fault> {
        self.database.read(|tx| set(tx, id))
    }

    /// Shows the commit and its ancestors, newest first.
    ///
    /// # Errors
    /// `NotFound` when there is none; `Unavailable` when the listing broke off.
    pub fn line(
        &self,
        from: &CommitSelector,
        visit: &mut dyn FnMut(CommitRecord) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let newest = self.database.read(|tx| pick(tx, from))?;
        walk_line(self, Some(newest), record, visit)
    }

    /// Shows every commit of a repo (of all, without one) in the order of their making, or in reverse.
    ///
    /// # Errors
    /// `NotFound` without the repo.
    pub fn commits(
        &self,
        repo: Option<&Repo>,
        newest_first: bool,
        visit: &mut dyn FnMut(CommitRecord) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let repo = repo
            .map(|repo| self.database.read(|tx| repo_row(tx, repo)))
            .transpose()?;
        let which = if newest_first {
            "commits.id < ?1 AND (?2 IS NULL OR commits.repo = ?2) AND commits.squashed = 0
             ORDER BY commits.id DESC LIMIT ?3"
        } else {
            "commits.id > ?1 AND (?2 IS NULL OR commits.repo = ?2) AND commits.squashed = 0
             ORDER BY commits.id LIMIT ?3"
        };
        let mut cursor = if newest_first { i64::MAX } else { 0 };
        loop {
            let page = self
                .database
                .read(|tx| records(tx, which, params![cursor, repo, PAGE]))?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            cursor = last.row;
            for commit in page {
                if visit(commit).is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// The first commit of the repo that was made after `after`, a [`CommitRecord::row`] or 0; only those of a branch,
    /// where one is named. Open commits too.
    ///
    /// # Errors
    /// `NotFound` without the repo.
    pub fn next_commit(&self, repo: &Repo, after: i64, branch: Option<&str>) -> Result<Option<CommitRecord>, Fault> {
        self.database.read(|tx| {
            let repo = repo_row(tx, repo)?;
            let which =
                "commits.id > ?1 AND commits.repo = ?2 AND (?3 IS NULL OR commits.branch = ?3) AND commits.squashed = 0
                         ORDER BY commits.id LIMIT 1";
            Ok(records(tx, which, params![after, repo, branch])?.pop())
        })
    }
}
