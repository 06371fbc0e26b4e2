//! Rows of the database, and what their columns hold as values.
//!
//! This store alone writes them, so another form means that somebody else changed the database.

use std::error::Error;

use jiff::Timestamp;
use rusqlite::types::{FromSql, Type};
use rusqlite::{Connection, Params, Row};
use uuid::Uuid;

use super::error::Failure;
use spoutctl_core::pfs::{BranchName, CommitId, ProjectName, Repo, RepoName};

/// Every row that a query finds, as `read` has it.
pub(super) fn all<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The first column of every row that a query finds.
pub(super) fn first_column<T: FromSql>(db: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<Vec<T>> {
    db.prepare_cached(sql)?.query_map(params, |row| row.get(0))?.collect()
}

pub(super) fn time(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or_default()
}

pub(super) fn commit_id(name: &str) -> Result<CommitId, Failure> {
    CommitId::new(name).map_err(foreign)
}

/// An id that no commit has yet.
pub(super) fn new_commit_id() -> Result<CommitId, Failure> {
    commit_id(&Uuid::new_v4().simple().to_string())
}

pub(super) fn repo(project: &str, name: &str) -> Result<Repo, Failure> {
    Ok(Repo {
        project: ProjectName::new(project).map_err(foreign)?,
        name: RepoName::new(name).map_err(foreign)?,
    })
}

pub(super) fn branch_name(name: &str) -> Result<BranchName, Failure> {
    BranchName::new(name).map_err(foreign)
}

fn foreign(error: impl Error + Send + Sync + 'static) -> Failure {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)).into()
}
