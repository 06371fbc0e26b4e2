//! Repos, branches and commits: what is started, added to, finished and dropped, and history as it is read.

use std::ops::ControlFlow;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use uuid::Uuid;

use super::changed::{ChangedPaths, Effect};
use super::error::{Failure, not_found};
use super::tree::{self, Chain, Place, Version};
use super::{Store, file_set};
use crate::fault::{Fault, FaultKind};
use crate::pfs::{Branch, BranchInfo, BranchName, Commit, CommitId, CommitInfo, FileSetId, Repo};

/// Commits read at a time when history is listed.
const PAGE: i64 = 256;

/// A commit's row, as far as the store itself needs it.
pub(super) struct CommitRow {
    pub id: i64,
    parent: Option<i64>,
    base: Option<i64>,
    pub finished: bool,
    pub error: String,
    pub size: i64,
    /// Set for a good commit.
    pub place: Option<Place>,
}

impl CommitRow {
    const COLUMNS: &str = "id, parent, base, finished IS NOT NULL, error, size, lineage, depth";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let lineage: Option<i64> = row.get(6)?;
        let depth: Option<i64> = row.get(7)?;
        Ok(Self {
            id: row.get(0)?,
            parent: row.get(1)?,
            base: row.get(2)?,
            finished: row.get(3)?,
            error: row.get(4)?,
            size: row.get(5)?,
            place: lineage.zip(depth).map(|(lineage, depth)| Place { lineage, depth }),
        })
    }

    fn by_id(db: &Connection, id: i64) -> rusqlite::Result<Self> {
        db.prepare_cached(&format!("SELECT {} FROM commits WHERE id = ?1", Self::COLUMNS))?
            .query_row([id], Self::read)
    }
}

pub(super) fn create_repo(store: &Store, repo: &Repo) -> Result<(), Fault> {
    store.database.write(|tx| {
        let added = tx
            .prepare_cached("INSERT OR IGNORE INTO repos (project, name, created) VALUES (?1, ?2, ?3)")?
            .execute(params![repo.project.as_str(), repo.name.as_str(), store.now()])?;
        if added == 0 {
            let message = format!("repo {repo} already exists");
            return Err(Fault::new(FaultKind::AlreadyExists, message).into());
        }
        Ok(())
    })
}

pub(super) fn find_repo(db: &Connection, repo: &Repo) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT id FROM repos WHERE project = ?1 AND name = ?2")?
        .query_row([repo.project.as_str(), repo.name.as_str()], |row| row.get(0))
        .optional()
}

/// The repo's row, or pachd's words for that there is none (recording http 027).
fn repo_row(db: &Connection, repo: &Repo) -> Result<i64, Failure> {
    find_repo(db, repo)?.ok_or_else(|| not_found(format!("repo {repo} not found")))
}

/// The head of a branch: `None` without the branch, `Some(None)` without a head.
#[expect(clippy::option_option, reason = "no branch and no head are two things")]
fn head(db: &Connection, repo: i64, branch: &BranchName) -> rusqlite::Result<Option<Option<i64>>> {
    db.prepare_cached("SELECT head FROM branches WHERE repo = ?1 AND name = ?2")?
        .query_row(params![repo, branch.as_str()], |row| row.get(0))
        .optional()
}

fn set_head(db: &Connection, repo: i64, branch: &BranchName, head: Option<i64>) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO branches (repo, name, head) VALUES (?1, ?2, ?3)
         ON CONFLICT (repo, name) DO UPDATE SET head = excluded.head",
    )?
    .execute(params![repo, branch.as_str(), head])?;
    Ok(())
}

pub(super) fn create_branch(store: &Store, branch: &Branch, at: Option<&Commit>) -> Result<(), Fault> {
    store.database.write(|tx| {
        let repo = repo_row(tx, &branch.repo)?;
        let at = at.map(|commit| commit_row(tx, commit)).transpose()?;
        set_head(tx, repo, &branch.name, at.map(|row| row.id))?;
        Ok(())
    })
}

pub(super) fn inspect_branch(db: &Connection, branch: &Branch) -> Result<Option<BranchInfo>, Failure> {
    let repo = repo_row(db, &branch.repo)?;
    let Some(head) = head(db, repo, &branch.name)? else {
        return Ok(None);
    };
    let head = head.map(|id| commit_name(db, id)).transpose()?;
    Ok(Some(BranchInfo {
        head,
        has_provenance: false,
    }))
}

fn commit_name(db: &Connection, id: i64) -> Result<CommitId, Failure> {
    let name: String = db
        .prepare_cached("SELECT name FROM commits WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    commit_id(&name)
}

/// Names are written by this store alone, so another form means that somebody else changed the database.
fn commit_id(name: &str) -> Result<CommitId, Failure> {
    CommitId::new(name)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)).into())
}

/// The commit's row, or pachd's words for that there is none (recordings p 018, 020, 099).
pub(super) fn commit_row(db: &Connection, commit: &Commit) -> Result<CommitRow, Failure> {
    let Some(repo) = find_repo(db, &commit.repo)? else {
        return Err(not_found(format!(
            "pick commit tx: commit {commit} not found\nrepo {} not found",
            commit.repo
        )));
    };
    let sql = format!(
        "SELECT {} FROM commits WHERE repo = ?1 AND name = ?2",
        CommitRow::COLUMNS
    );
    db.prepare_cached(&sql)?
        .query_row(params![repo, commit.id.as_str()], CommitRow::read)
        .optional()?
        .ok_or_else(|| {
            not_found(format!(
                "pick commit tx: commit {commit} not found\ncommit {commit} not found"
            ))
        })
}

pub(super) fn start(store: &Store, branch: &Branch, description: &str) -> Result<CommitId, Fault> {
    store.database.write(|tx| {
        let repo = repo_row(tx, &branch.repo)?;
        let parent = head(tx, repo, &branch.name)?.flatten();
        let parent = parent.map(|id| CommitRow::by_id(tx, id)).transpose()?;
        if let Some(open) = parent.as_ref().filter(|parent| !parent.finished) {
            let message = format!(
                "start commit in transaction: create commit: parent commit {}@{} has not been finished",
                branch.repo,
                commit_name(tx, open.id)?
            );
            return Err(Fault::new(FaultKind::HeadOpen, message).into());
        }
        // An errored parent's data is left out: the content goes on from what that one was based on (p 057-067).
        let base = parent.as_ref().and_then(|parent| {
            if parent.place.is_some() {
                Some(parent.id)
            } else {
                parent.base
            }
        });
        let name = Uuid::new_v4().simple().to_string();
        tx.prepare_cached(
            "INSERT INTO commits (repo, name, branch, parent, base, description, started)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            repo,
            name,
            branch.name.as_str(),
            parent.map(|parent| parent.id),
            base,
            description,
            store.now()
        ])?;
        set_head(tx, repo, &branch.name, Some(tx.last_insert_rowid()))?;
        commit_id(&name)
    })
}

pub(super) fn add_file_set(store: &Store, commit: &Commit, file_set: &FileSetId) -> Result<(), Fault> {
    store.database.write(|tx| {
        let row = open_commit(tx, commit)?;
        let file_set = file_set::find(tx, file_set, store.now(), "add file set")?;
        tx.prepare_cached(
            "INSERT INTO commit_parts (commit_id, seq, upload)
             SELECT ?1, part.seq + (SELECT ifnull(max(seq) + 1, 0) FROM commit_parts WHERE commit_id = ?1), part.upload
             FROM file_set_parts part WHERE part.file_set = ?2",
        )?
        .execute([row.id, file_set])?;
        Ok(())
    })
}

/// The row of a commit that may be written, or pachd's words (recordings http 053, 055).
fn open_commit(db: &Connection, commit: &Commit) -> Result<CommitRow, Failure> {
    let row = commit_row(db, commit)?;
    if row.finished {
        let message = format!("commit {commit} has already finished");
        return Err(Fault::new(FaultKind::AlreadyFinished, message).into());
    }
    Ok(row)
}

pub(super) fn finish(store: &Store, commit: &Commit, description: &str, error: Option<&str>) -> Result<(), Fault> {
    store.database.write(|tx| {
        // With pachd's prefix for this call (recording p 019).
        let row = open_commit(tx, commit).map_err(|failure| match failure {
            Failure::Fault(fault) if fault.kind == FaultKind::NotFound => {
                not_found(format!("finish commit in transaction: {}", fault.message))
            }
            other => other,
        })?;
        let outcome = match error.filter(|error| !error.is_empty()) {
            Some(error) => Outcome::errored(error.to_owned(), 0),
            None => settle(tx, &row)?,
        };
        tx.prepare_cached(
            "UPDATE commits SET finishing = ?2, finished = ?2, error = ?3, size = ?4, lineage = ?5, depth = ?6,
                 description = CASE ?7 WHEN '' THEN description ELSE ?7 END
             WHERE id = ?1",
        )?
        .execute(params![
            row.id,
            store.now(),
            outcome.error,
            outcome.size,
            outcome.place.map(|place| place.lineage),
            outcome.place.map(|place| place.depth),
            description
        ])?;
        if outcome.place.is_none() {
            // Nobody will ever read it.
            forget_parts(tx, row.id)?;
        }
        Ok(())
    })
}

/// How a commit ended.
struct Outcome {
    error: String,
    size: i64,
    place: Option<Place>,
}

impl Outcome {
    fn errored(error: String, size: i64) -> Self {
        Self {
            error,
            size,
            place: None,
        }
    }
}

/// Puts what was added to the commit on top of its base, and checks the tree that comes of it.
fn settle(tx: &mut Transaction<'_>, row: &CommitRow) -> Result<Outcome, Failure> {
    let savepoint = tx.savepoint()?;
    let base = row.base.map(|id| CommitRow::by_id(&savepoint, id)).transpose()?;
    let base_place = base.as_ref().and_then(|base| base.place);
    let base_size = base.as_ref().map_or(0, |base| base.size);
    let base = match base_place {
        Some(place) => Chain::of(&savepoint, place)?,
        None => Chain::default(),
    };
    let place = tree::place_after(&savepoint, base_place)?;
    let size = base_size + write_versions(&savepoint, row.id, &base, place)?;
    let chain = Chain::of(&savepoint, place)?;
    if let Some(path) = find_collision(&savepoint, row.id, &chain, place)? {
        // The text is pachd's (recording http 045). Dropping the savepoint takes the versions back.
        return Ok(Outcome::errored(
            format!("file / directory path collision ({path})"),
            size,
        ));
    }
    savepoint.commit()?;
    Ok(Outcome {
        error: String::new(),
        size,
        place: Some(place),
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
        for (end, _) in path.match_indices('/').skip(1) {
            // The previous path was in that directory too.
            if !previous.starts_with(&path[..=end]) && chain.find(db, &path[..end])?.is_some() {
                return Ok(Some(path));
            }
        }
        let (after, before) = tree::bounds_of_directory(&path);
        if let Some((below, _)) = chain.next_file(db, &after, &before)? {
            return Ok(Some(below));
        }
        previous = path;
    }
    Ok(None)
}

/// Takes its uploads from a commit, and forgets those that nobody else has.
fn forget_parts(tx: &Transaction<'_>, commit: i64) -> rusqlite::Result<()> {
    let uploads: Vec<i64> = tx
        .prepare_cached("SELECT DISTINCT upload FROM commit_parts WHERE commit_id = ?1")?
        .query_map([commit], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    tx.prepare_cached("DELETE FROM commit_parts WHERE commit_id = ?1")?
        .execute([commit])?;
    file_set::release(tx, &uploads)
}

pub(super) fn drop_all(store: &Store, id: &CommitId) -> Result<(), Fault> {
    store.database.write(|tx| {
        let rows: Vec<CommitRow> = tx
            .prepare_cached(&format!("SELECT {} FROM commits WHERE name = ?1", CommitRow::COLUMNS))?
            .query_map([id.as_str()], CommitRow::read)?
            .collect::<Result<_, _>>()?;
        if rows.is_empty() {
            return Err(not_found(format!("commit {id} not found")));
        }
        for row in rows {
            drop_one(tx, id, &row)?;
        }
        Ok(())
    })?;
    file_set::remove_doomed(store);
    Ok(())
}

/// Only a commit without children goes, as in pachd: what others are built on stays.
fn drop_one(tx: &Transaction<'_>, id: &CommitId, row: &CommitRow) -> Result<(), Failure> {
    let has_children: bool = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM commits WHERE parent = ?1)")?
        .query_row([row.id], |row| row.get(0))?;
    if has_children {
        let message = format!("commit {id} has children, so it cannot be dropped: drop those first");
        return Err(Fault::new(FaultKind::Refused, message).into());
    }
    if let Some(Place { lineage, depth }) = row.place {
        let mut delete = tx.prepare_cached("DELETE FROM versions WHERE lineage = ?1 AND path = ?2 AND depth = ?3")?;
        let mut changed = ChangedPaths::of(tx, row.id)?;
        while let Some((path, _)) = changed.next(tx)? {
            delete.execute(params![lineage, path, depth])?;
        }
    }
    forget_parts(tx, row.id)?;
    tx.prepare_cached("UPDATE branches SET head = ?2 WHERE head = ?1")?
        .execute(params![row.id, row.parent])?;
    tx.prepare_cached("DELETE FROM commits WHERE id = ?1")?
        .execute([row.id])?;
    if let Some(Place { lineage, .. }) = row.place {
        tx.prepare_cached(
            "DELETE FROM lineages WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM commits WHERE lineage = ?1)",
        )?
        .execute([lineage])?;
    }
    Ok(())
}

const INFO_COLUMNS: &str = "commits.id, commits.name, commits.branch,
    (SELECT parents.name FROM commits parents WHERE parents.id = commits.parent), commits.description, commits.started,
    commits.finishing, commits.finished, commits.error, commits.size, commits.parent";

fn info(repo: &Repo, row: &Row<'_>) -> Result<CommitInfo, Failure> {
    let time = |index: usize| -> Result<Option<Timestamp>, Failure> {
        let microseconds: Option<i64> = row.get(index)?;
        Ok(microseconds.and_then(|t| Timestamp::from_microsecond(t).ok()))
    };
    let branch: String = row.get(2)?;
    let parent: Option<String> = row.get(3)?;
    Ok(CommitInfo {
        commit: Commit {
            repo: repo.clone(),
            branch: BranchName::new(&branch).ok(),
            id: commit_id(&row.get::<_, String>(1)?)?,
        },
        parent: parent.map(|name| commit_id(&name)).transpose()?,
        description: row.get(4)?,
        started: time(5)?,
        finishing: time(6)?,
        finished: time(7)?,
        error: row.get(8)?,
        size_bytes: row.get::<_, i64>(9)?.cast_unsigned(),
    })
}

pub(super) fn inspect(db: &Connection, commit: &Commit) -> Result<CommitInfo, Failure> {
    let id = commit_row(db, commit)?.id;
    let mut statement = db.prepare_cached(&format!("SELECT {INFO_COLUMNS} FROM commits WHERE id = ?1"))?;
    let mut rows = statement.query([id])?;
    let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    info(&commit.repo, row)
}

pub(super) fn list(
    store: &Store,
    branch: &Branch,
    visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>,
) -> Result<(), Fault> {
    let mut next = store.database.read(|tx| {
        let repo = repo_row(tx, &branch.repo)?;
        Ok(head(tx, repo, &branch.name)?.flatten())
    })?;
    while let Some(newest) = next {
        // No transaction is open while `visit` runs: it may call this store itself.
        let (page, parent) = store.database.read(|tx| page(tx, &branch.repo, newest))?;
        if page.is_empty() {
            let message = "somebody dropped the commit that the list was to go on with";
            return Err(Fault::new(FaultKind::Unavailable, message));
        }
        for info in page {
            if visit(info).is_break() {
                return Ok(());
            }
        }
        next = parent;
    }
    Ok(())
}

/// Some commits of one line, newest first, and the parent of the last.
fn page(db: &Connection, repo: &Repo, newest: i64) -> Result<(Vec<CommitInfo>, Option<i64>), Failure> {
    let mut statement = db.prepare_cached(&format!(
        "WITH RECURSIVE line (id, place) AS (
             SELECT ?1, 0
             UNION ALL
             SELECT commits.parent, place + 1 FROM line JOIN commits ON commits.id = line.id
             WHERE commits.parent IS NOT NULL AND place + 1 < ?2)
         SELECT {INFO_COLUMNS} FROM line JOIN commits ON commits.id = line.id ORDER BY line.place"
    ))?;
    let mut rows = statement.query([newest, PAGE])?;
    let mut page = Vec::new();
    let mut parent = None;
    while let Some(row) = rows.next()? {
        page.push(info(repo, row)?);
        parent = row.get(10)?;
    }
    Ok((page, parent))
}

/// A commit whose content may be read, and its history.
pub(super) fn good(db: &Connection, commit: &Commit) -> Result<(CommitRow, Chain), Failure> {
    let row = commit_row(db, commit)?;
    match row.place {
        Some(place) => {
            let chain = Chain::of(db, place)?;
            Ok((row, chain))
        }
        None if row.finished => Err(not_found(format!(
            "commit {commit} finished with an error, so it has no content: {}",
            row.error
        ))),
        None => Err(not_found(format!(
            "commit {commit} is not finished, so it has no content yet"
        ))),
    }
}

/// Fails when the commit was dropped since: its place may be another's by now.
pub(super) fn still_there(db: &Connection, id: i64, commit: &Commit) -> Result<(), Failure> {
    let there: bool = db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM commits WHERE id = ?1)")?
        .query_row([id], |row| row.get(0))?;
    if there {
        Ok(())
    } else {
        Err(not_found(format!("commit {commit} was dropped while it was read")))
    }
}
