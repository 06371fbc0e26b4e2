//! Which row of the database a name means.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::Failure;
use super::refusal::{CommitName, Refusal};
use super::rows::commit_id;
use spoutctl_core::pfs::{Branch, Commit, CommitId, DEFAULT_PROJECT, FileSetId, ProjectName, Repo};

/// Which commit a call means. An id wins over a branch, as in pachd; a branch means its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitSelector {
    pub repo: Repo,
    pub id: Option<CommitId>,
    /// As it was named; what is no branch's name is no branch.
    pub branch: Option<String>,
    /// With an id: it has to be the branch that the commit is of. Otherwise that only tells which of several is meant.
    pub is_of_branch: bool,
    /// How many parents before it.
    pub back: u32,
}

impl From<&Commit> for CommitSelector {
    fn from(commit: &Commit) -> Self {
        Self {
            repo: commit.repo.clone(),
            id: Some(commit.id.clone()),
            branch: Some(commit.branch.as_str().to_owned()),
            is_of_branch: false,
            back: 0,
        }
    }
}

impl From<&Branch> for CommitSelector {
    fn from(branch: &Branch) -> Self {
        Self {
            repo: branch.repo.clone(),
            id: None,
            branch: Some(branch.name.as_str().to_owned()),
            is_of_branch: false,
            back: 0,
        }
    }
}

/// `default` is always there.
pub(super) fn project_exists(db: &Connection, name: &ProjectName) -> rusqlite::Result<bool> {
    if name.as_str() == DEFAULT_PROJECT {
        return Ok(true);
    }
    db.prepare_cached("SELECT EXISTS (SELECT 1 FROM projects WHERE name = ?1)")?
        .query_row([name.as_str()], |row| row.get(0))
}

pub(super) fn find_repo(db: &Connection, repo: &Repo) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT id FROM repos WHERE project = ?1 AND name = ?2")?
        .query_row([repo.project.as_str(), repo.name.as_str()], |row| row.get(0))
        .optional()
}

/// The repo's row, or pachd's words for that there is none (recordings http 011, 027).
pub(super) fn repo_row(db: &Connection, repo: &Repo) -> Result<i64, Failure> {
    find_repo(db, repo)?.ok_or_else(|| Refusal::RepoNotFound(repo.clone()).into())
}

/// The row of the commit that is meant, or pachd's words for that there is none (recordings p 018, 020, 098, 099).
pub(super) fn pick(db: &Connection, selector: &CommitSelector) -> Result<i64, Failure> {
    let asked = CommitName {
        repo: selector.repo.clone(),
        branch: selector.branch.clone().unwrap_or_default(),
        id: selector.id.as_ref().map(ToString::to_string).unwrap_or_default(),
    };
    let not_picked = |because| {
        Failure::from(Refusal::CommitNotPicked {
            asked: asked.clone(),
            because: Box::new(because),
        })
    };
    if selector.id.is_none() && selector.branch.as_deref().unwrap_or_default().is_empty() {
        return Err(Refusal::NothingToPick.into());
    }
    let Some(repo) = find_repo(db, &selector.repo)? else {
        return Err(not_picked(Refusal::RepoNotFound(selector.repo.clone())));
    };
    let found = match (&selector.id, &selector.branch) {
        (Some(id), branch) => {
            let found = by_name(db, repo, id, branch.as_deref())?;
            let found = found.filter(|(_, of)| !selector.is_of_branch || Some(of) == branch.as_ref());
            found
                .map(|(row, _)| row)
                .ok_or_else(|| Refusal::CommitNotFound(asked.clone()))
        }
        (None, branch) => {
            let branch = branch.as_deref().unwrap_or_default();
            match head(db, repo, branch)? {
                Some(head) => head.ok_or_else(|| Refusal::NoHead(branch.to_owned())),
                None => Err(Refusal::BranchNotFound {
                    repo: selector.repo.clone(),
                    branch: branch.to_owned(),
                }),
            }
        }
    };
    let named = found.map_err(not_picked)?;
    let mut row = named;
    for ancestors in 0..selector.back {
        row = match parent_of(db, row)? {
            Some(parent) => parent,
            None => {
                return Err(Refusal::TooFewAncestors {
                    repo: selector.repo.clone(),
                    id: commit_name(db, named)?.to_string(),
                    wanted: selector.back,
                    ancestors,
                }
                .into());
            }
        };
    }
    Ok(row)
}

/// The commit of this id. Where there are aliases of it, a branch tells which is meant; the one that they stand for is
/// found without.
fn by_name(db: &Connection, repo: i64, id: &CommitId, branch: Option<&str>) -> rusqlite::Result<Option<(i64, String)>> {
    db.prepare_cached(
        "SELECT id, branch FROM commits
         WHERE repo = ?1 AND (name = ?2 OR told = ?2) AND squashed = 0
         ORDER BY ifnull(branch = ?3, 0) DESC, told IS NOT NULL, id LIMIT 1",
    )?
    .query_row(params![repo, id.as_str(), branch], |row| Ok((row.get(0)?, row.get(1)?)))
    .optional()
}

fn parent_of(db: &Connection, row: i64) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT parent FROM commits WHERE id = ?1")?
        .query_row([row], |row| row.get(0))
}

/// The head of a branch: `None` without the branch, `Some(None)` without a head.
#[expect(clippy::option_option, reason = "no branch and no head are two things")]
pub(super) fn head(db: &Connection, repo: i64, branch: &str) -> rusqlite::Result<Option<Option<i64>>> {
    db.prepare_cached("SELECT head FROM branches WHERE repo = ?1 AND name = ?2")?
        .query_row(params![repo, branch], |row| row.get(0))
        .optional()
}

pub(super) fn commit_name(db: &Connection, row: i64) -> Result<CommitId, Failure> {
    let name: String = db
        .prepare_cached("SELECT ifnull(told, name) FROM commits WHERE id = ?1")?
        .query_row([row], |row| row.get(0))?;
    commit_id(&name)
}

/// The row of a file set that is still alive. For one that is not, each call has words of its own.
pub(super) fn find_file_set(db: &Connection, file_set: &FileSetId, now: i64) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT id FROM file_sets WHERE name = ?1 AND expires > ?2")?
        .query_row(params![file_set.0, now], |row| row.get(0))
        .optional()
}
