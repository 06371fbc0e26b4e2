//! What its users note of a project, a repo, a branch, a commit or the cluster: pairs of a key and a value.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::error::Failure;
use super::lookup::{self, CommitSelector, project_exists, repo_row};
use super::refusal::Refusal;
use super::store::Store;
use super::work::Work;
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{Branch, ProjectName, Repo};

/// What notes are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Cluster,
    Project(ProjectName),
    Repo(Repo),
    Branch(Branch),
    Commit(CommitSelector),
}

/// A change of what is noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    Replace(BTreeMap<String, String>),
    /// Only if there is no such key.
    Add(String, String),
    Set(String, String),
    Delete(String),
}

impl Work<'_> {
    /// # Errors
    /// `NotFound`; when a key is to be added that is there.
    pub fn edit_metadata(&mut self, subject: &Subject, edit: &Edit) -> Result<(), Failure> {
        let about = key_of(self.db, subject)?;
        if let Edit::Replace(notes) = edit {
            self.db
                .prepare_cached("DELETE FROM metadata WHERE about = ?1")?
                .execute([&about])?;
            for (key, value) in notes {
                self.note(&about, key, value)?;
            }
            return Ok(());
        }
        match edit {
            Edit::Replace(_) => Ok(()),
            Edit::Add(key, _) if notes_about(self.db, &about)?.contains_key(key) => {
                Err(Refusal::MetadataKeyExists(key.clone()).into())
            }
            Edit::Add(key, value) | Edit::Set(key, value) => self.note(&about, key, value),
            Edit::Delete(key) => {
                self.db
                    .prepare_cached("DELETE FROM metadata WHERE about = ?1 AND name = ?2")?
                    .execute([about.as_str(), key.as_str()])?;
                Ok(())
            }
        }
    }

    fn note(&self, about: &str, key: &str, value: &str) -> Result<(), Failure> {
        self.db
            .prepare_cached(
                "INSERT INTO metadata (about, name, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (about, name) DO UPDATE SET value = excluded.value",
            )?
            .execute([about, key, value])?;
        Ok(())
    }

    /// Forgets what was noted of something that goes, and of all that is in it.
    pub(super) fn forget_notes(&self, about: &str) -> rusqlite::Result<()> {
        self.db
            .prepare_cached("DELETE FROM metadata WHERE about = ?1 OR about > ?1 || ' ' AND about < ?1 || '!'")?
            .execute(params![about])?;
        Ok(())
    }
}

impl Store {
    /// What is noted of something; nothing, if it is not there.
    pub fn metadata(&self, subject: &Subject) -> Result<BTreeMap<String, String>, Fault> {
        self.database.read(|tx| match key_of(tx, subject) {
            Ok(about) => Ok(notes_about(tx, &about)?),
            Err(Failure::Refusal(_)) => Ok(BTreeMap::new()),
            Err(failure) => Err(failure),
        })
    }
}

fn notes_about(db: &Connection, about: &str) -> rusqlite::Result<BTreeMap<String, String>> {
    db.prepare_cached("SELECT name, value FROM metadata WHERE about = ?1")?
        .query_map([about], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Notes of a commit that went stay behind unseen until its repo goes, for its row is never used twice; those of a repo
/// go with it.
fn key_of(db: &Connection, subject: &Subject) -> Result<String, Failure> {
    Ok(match subject {
        Subject::Cluster => "CLUSTER".to_owned(),
        Subject::Project(name) => {
            if !project_exists(db, name)? {
                return Err(Refusal::ProjectNotFound(name.to_string()).into());
            }
            format!("PROJECT {name}")
        }
        Subject::Repo(repo) => repo_key(repo_row(db, repo)?),
        Subject::Branch(branch) => {
            let repo = repo_row(db, &branch.repo)?;
            let name = branch.name.as_str();
            if lookup::head(db, repo, name)?.is_none() {
                return Err(Refusal::BranchNotFound {
                    repo: branch.repo.clone(),
                    branch: name.to_owned(),
                }
                .into());
            }
            format!("{} BRANCH {name}", repo_key(repo))
        }
        Subject::Commit(commit) => {
            let row = lookup::pick(db, commit)?;
            format!("{} COMMIT {row}", repo_key(repo_row(db, &commit.repo)?))
        }
    })
}

pub(super) fn repo_key(row: i64) -> String {
    format!("REPO {row}")
}
