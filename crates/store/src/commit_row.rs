//! A commit's row: what the store itself needs of it, and what is told of it.

use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::error::Failure;
use super::lookup::{self, CommitSelector};
use super::refusal::{CommitName, Refusal};
use super::rows::{self, commit_id};
use spoutctl_core::pfs::{BranchName, Commit, CommitInfo, Origin};

/// A commit's row, as far as the store itself needs it.
pub(super) struct CommitRow {
    pub id: i64,
    pub repo: i64,
    pub parent: Option<i64>,
    pub base: Option<i64>,
    pub finishing: bool,
    pub finished: bool,
    pub error: String,
    pub size: i64,
    pub cleared: i64,
    /// Set for a good commit.
    pub place: Option<Place>,
}

impl CommitRow {
    const COLUMNS: &str =
        "id, parent, base, finishing IS NOT NULL, finished IS NOT NULL, error, size, lineage, depth, repo,
         cleared";

    pub(super) fn by_id(db: &Connection, id: i64) -> rusqlite::Result<Self> {
        db.prepare_cached(&format!("SELECT {} FROM commits WHERE id = ?1", Self::COLUMNS))?
            .query_row([id], |row| {
                let lineage: Option<i64> = row.get(7)?;
                let depth: Option<i64> = row.get(8)?;
                Ok(Self {
                    id: row.get(0)?,
                    repo: row.get(9)?,
                    parent: row.get(1)?,
                    base: row.get(2)?,
                    finishing: row.get(3)?,
                    finished: row.get(4)?,
                    error: row.get(5)?,
                    size: row.get(6)?,
                    cleared: row.get(10)?,
                    place: lineage.zip(depth).map(|(lineage, depth)| Place { lineage, depth }),
                })
            })
    }

    pub(super) fn pick(db: &Connection, selector: &CommitSelector) -> Result<Self, Failure> {
        let row = lookup::pick(db, selector)?;
        Ok(Self::by_id(db, row)?)
    }

    /// As an error names it.
    pub(super) fn named(&self, db: &Connection) -> Result<CommitName, Failure> {
        let commit = info_of(db, self.id)?.commit;
        Ok(CommitName {
            repo: commit.repo,
            branch: commit.branch.to_string(),
            id: commit.id.to_string(),
        })
    }

    /// The commit that the content of its children goes on from, once it is finished. An errored parent's data is left
    /// out: the content goes on from what that one was based on (recordings p 057–067).
    pub(super) fn base_of_child(&self) -> Option<i64> {
        if self.place.is_some() { Some(self.id) } else { self.base }
    }

    /// The base of this commit, where its parent is finished.
    ///
    /// Not always the parent's own base: a squashed commit stays the base of those that were built on it.
    pub(super) fn known_base(&self, db: &Connection) -> Result<Option<i64>, Failure> {
        if self.base.is_some() || self.finished {
            return Ok(self.base);
        }
        let Some(parent) = self.parent else {
            return Ok(None);
        };
        let parent = Self::by_id(db, parent)?;
        if parent.finished {
            return Ok(parent.base_of_child());
        }
        Err(Refusal::BaseNotFinished(parent.named(db)?).into())
    }
}

/// The place of a good commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub lineage: i64,
    pub depth: i64,
}

pub(super) const INFO_COLUMNS: &str = "commits.id, ifnull(commits.told, commits.name), commits.branch,
    ifnull(parents.told, parents.name), commits.description, commits.started,
    commits.finishing, commits.finished, commits.error, commits.size, commits.parent,
    commits.origin, commits.updated, commits.checked, repos.project, repos.name, commits.base, parents.branch,
    commits.spec";

pub(super) const FROM_COMMITS: &str = "FROM commits JOIN repos ON repos.id = commits.repo
    LEFT JOIN commits parents ON parents.id = commits.parent";

/// The branch that a commit was started on, as its row has it. One that was deleted has left no name; commits are found
/// by their id alone, so any will do.
fn started_on(branch: &str) -> BranchName {
    BranchName::new(branch).unwrap_or_default()
}

pub(super) fn info(row: &Row<'_>) -> Result<CommitInfo, Failure> {
    let time = |index: usize| -> Result<Option<Timestamp>, Failure> {
        let microseconds: Option<i64> = row.get(index)?;
        Ok(microseconds.and_then(|t| Timestamp::from_microsecond(t).ok()))
    };
    let repo = rows::repo(&row.get::<_, String>(14)?, &row.get::<_, String>(15)?)?;
    let named = |id: &str, branch: &str| -> Result<Commit, Failure> {
        Ok(Commit {
            repo: repo.clone(),
            branch: started_on(branch),
            id: commit_id(id)?,
        })
    };
    let parent: Option<(String, String)> = row.get::<_, Option<String>>(3)?.zip(row.get(17)?);
    let origin: String = row.get(11)?;
    Ok(CommitInfo {
        origin: match origin.as_str() {
            "AUTO" => Origin::Auto,
            "ALIAS" => Origin::Alias,
            _ => Origin::User,
        },
        commit: named(&row.get::<_, String>(1)?, &row.get::<_, String>(2)?)?,
        parent: parent.map(|(id, branch)| named(&id, &branch)).transpose()?,
        description: row.get(4)?,
        started: time(5)?,
        finishing: time(6)?,
        finished: time(7)?,
        error: row.get(8)?,
        size_bytes: row.get::<_, i64>(9)?.cast_unsigned(),
    })
}

pub(super) fn info_of(db: &Connection, row: i64) -> Result<CommitInfo, Failure> {
    let mut statement = db.prepare_cached(&format!("SELECT {INFO_COLUMNS} {FROM_COMMITS} WHERE commits.id = ?1"))?;
    let mut rows = statement.query([row])?;
    info(rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?)
}
