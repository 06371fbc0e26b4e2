//! Projects, repos and branches.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::commit_row::info_of;
use super::error::Failure;
use super::lookup::{self, CommitSelector, find_repo, head, project_exists, repo_row};
use super::metadata::repo_key;
use super::pipeline;
use super::refusal::Refusal;
use super::rows::{self, branch_name, commit_id, first_column, time};
use super::store::Store;
use super::work::Work;
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{Branch, BranchInfo, Commit, CommitId, ProjectName, Repo};

/// All that is known of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRecord {
    pub name: String,
    pub description: String,
    pub created: Timestamp,
}

/// All that is known of a repo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoRecord {
    pub repo: Repo,
    pub description: String,
    pub created: Timestamp,
    /// Newest first.
    pub branches: Vec<String>,
    /// Bytes of the tree of `master`, as far as that is finished.
    pub size_bytes: u64,
}

/// All that is known of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchRecord {
    pub branch: Branch,
    pub head: Option<CommitId>,
    /// The branch that its head is of, which is another one where it was moved.
    pub head_branch: String,
    /// A pipeline writes it, which has its own spec as provenance.
    pub is_output: bool,
    /// What that pipeline reads.
    pub inputs: Vec<Branch>,
    pub created: Timestamp,
    pub updated: Timestamp,
}

pub(super) fn inspect_branch(db: &Connection, branch: &Branch) -> Result<Option<BranchInfo>, Failure> {
    let repo = repo_row(db, &branch.repo)?;
    let Some(head) = head(db, repo, branch.name.as_str())? else {
        return Ok(None);
    };
    let head = head.map(|id| info_of(db, id)).transpose()?;
    Ok(Some(BranchInfo {
        head: head.map(|info| info.commit),
        has_provenance: false,
    }))
}

impl Work<'_> {
    /// Makes a project, or gives it another description.
    ///
    /// # Errors
    /// When there is one already, or none to be updated.
    pub fn create_project(&mut self, name: &ProjectName, description: &str, update: bool) -> Result<(), Failure> {
        let exists = project_exists(self.db, name)?;
        if exists && !update {
            return Err(Refusal::ProjectExists(name.to_string()).into());
        }
        if !exists && update {
            return Err(Refusal::ProjectNotFound(name.to_string()).into());
        }
        self.db
            .prepare_cached(
                "INSERT INTO projects (name, description, created) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET description = excluded.description",
            )?
            .execute(params![name.as_str(), description, self.now])?;
        Ok(())
    }

    /// Removes a project; what is in it only with `force`.
    ///
    /// # Errors
    /// `NotFound`; when there are repos in it.
    pub fn delete_project(&mut self, name: &ProjectName, force: bool) -> Result<(), Failure> {
        if !project_exists(self.db, name)? {
            let missing = Refusal::NoProjectToDelete(name.to_string());
            return Err(missing.within(format!("delete project {:?}", name.as_str())).into());
        }
        let inside = self.repos_of(name)?;
        if !inside.is_empty() && !force {
            let repos = inside.iter().map(|repo| format!("repo {repo} still exists")).collect();
            let project = name.to_string();
            return Err(Refusal::ProjectNotEmpty { project, repos }.into());
        }
        for repo in inside {
            if self.pipeline(&repo)?.is_some() {
                self.delete_pipeline(&repo, false)?;
            } else {
                self.remove_repo(&repo)?;
            }
        }
        let project = format!("PROJECT {name}");
        self.forget_notes(&project)?;
        self.forget_roles_on(&project)?;
        self.db
            .prepare_cached("DELETE FROM projects WHERE name = ?1")?
            .execute([name.as_str()])?;
        Ok(())
    }

    pub fn repos_of(&self, project: &ProjectName) -> Result<Vec<Repo>, Failure> {
        let found = repos(self.db, "project = ?1 ORDER BY name", [project.as_str()])?;
        Ok(found.into_iter().map(|record| record.repo).collect())
    }

    /// Makes a repo; with `update`, it may be there already and gets the description.
    ///
    /// # Errors
    /// `NotFound` without the project, `AlreadyExists`.
    pub fn create_repo(&mut self, repo: &Repo, description: &str, update: bool) -> Result<(), Failure> {
        if !project_exists(self.db, &repo.project)? {
            return Err(Refusal::ProjectNotFound(repo.project.to_string()).into());
        }
        if let Some(row) = find_repo(self.db, repo)? {
            if !update {
                return Err(Refusal::RepoExists(repo.clone()).into());
            }
            self.db
                .prepare_cached("UPDATE repos SET description = ?2 WHERE id = ?1")?
                .execute(params![row, description])?;
            return Ok(());
        }
        self.db
            .prepare_cached("INSERT INTO repos (project, name, created, description) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                repo.project.as_str(),
                repo.name.as_str(),
                self.now,
                description
            ])?;
        self.own(repo)
    }

    /// Makes a branch, or moves it, so that its head is `head`. A new branch without one gets an empty commit.
    ///
    /// # Errors
    /// `NotFound` when the repo or the commit is missing.
    pub fn create_branch(&mut self, branch: &Branch, head: Option<&CommitSelector>) -> Result<(), Failure> {
        let repo = repo_row(self.db, &branch.repo)?;
        let head_row = match head {
            Some(selector) => {
                let named = selector
                    .id
                    .as_ref()
                    .map(CommitId::as_str)
                    .or(selector.branch.as_deref());
                let of = self.dialect.repo(&selector.repo);
                let step = format!("unable to inspect {of}@{}", named.unwrap_or_default());
                let head = lookup::pick(self.db, selector).map_err(|failure| failure.within(step))?;
                self.commit_of_repo(head, repo, branch)?;
                if self.dialect.commits_are_of_branches() {
                    self.alias(repo, &branch.name, head)?
                } else {
                    head
                }
            }
            None => match lookup::head(self.db, repo, branch.name.as_str())?.flatten() {
                Some(row) => row,
                None if self.dialect.heads_every_branch() => self.make_empty_commit(repo, &branch.name, "")?,
                None => return Ok(self.set_head(repo, branch.name.as_str(), None)?),
            },
        };
        self.set_head(repo, branch.name.as_str(), Some(head_row))?;
        let id = lookup::commit_name(self.db, head_row)?;
        self.propagate(branch, &id)
    }

    pub(super) fn set_head(&self, repo: i64, branch: &str, head: Option<i64>) -> rusqlite::Result<()> {
        self.db
            .prepare_cached(
                "INSERT INTO branches (repo, name, head, created, updated) VALUES (?1, ?2, ?3, ?4, ?4)
                 ON CONFLICT (repo, name) DO UPDATE SET head = excluded.head, updated = excluded.updated",
            )?
            .execute(params![repo, branch, head, self.now])?;
        Ok(())
    }

    /// Forgets a branch; its commits stay (recording follow 036).
    ///
    /// # Errors
    /// `NotFound`; without `force`, when a pipeline reads it.
    pub fn delete_branch(&mut self, branch: &Branch, force: bool) -> Result<(), Failure> {
        if !force {
            self.check_unread(branch)?;
        }
        let params = params![find_repo(self.db, &branch.repo)?, branch.name.as_str()];
        let gone = self
            .db
            .prepare_cached("DELETE FROM branches WHERE repo = ?1 AND name = ?2")?
            .execute(params)?;
        if gone == 0 && self.dialect.minds_missing_branches() {
            return Err(Refusal::NoBranchToDelete(branch.clone()).into());
        }
        if let Some(repo) = find_repo(self.db, &branch.repo)? {
            self.forget_notes(&format!("{} BRANCH {}", repo_key(repo), branch.name))?;
        }
        if !self.dialect.forgets_deleted_branches() {
            return Ok(());
        }
        // Another branch of that name, made later, is another one: its subscribers are not to see these.
        self.db
            .prepare_cached("UPDATE commits SET branch = '' WHERE repo = ?1 AND branch = ?2")?
            .execute(params)?;
        Ok(())
    }
}

impl Store {
    /// Makes a branch, or moves it, so that its head is `head`.
    ///
    /// # Errors
    /// `NotFound` when the repo or the commit is missing.
    pub fn create_branch(&self, branch: &Branch, head: Option<&Commit>) -> Result<(), Fault> {
        let head = head.map(CommitSelector::from);
        self.change(|work| work.create_branch(branch, head.as_ref()))
    }

    /// The projects, `default` among them, in the order of their names.
    pub fn projects(&self) -> Result<Vec<ProjectRecord>, Fault> {
        self.database.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT name, description, created FROM projects
                 UNION ALL SELECT 'default', '', ifnull((SELECT min(created) FROM repos), 0)
                 WHERE NOT EXISTS (SELECT 1 FROM projects WHERE name = 'default') ORDER BY name",
            )?;
            let projects = statement.query_map([], |row| {
                Ok(ProjectRecord {
                    name: row.get(0)?,
                    description: row.get(1)?,
                    created: time(row.get(2)?),
                })
            })?;
            Ok(projects.collect::<Result<_, _>>()?)
        })
    }

    /// # Errors
    /// `NotFound`.
    pub fn repo(&self, repo: &Repo) -> Result<RepoRecord, Fault> {
        self.database.read(|tx| {
            let row = repo_row(tx, repo)?;
            Ok(repos(tx, "repos.id = ?1", [row])?
                .pop()
                .ok_or(rusqlite::Error::QueryReturnedNoRows)?)
        })
    }

    /// Every repo, in the order in which the pachd of its dialect lists them.
    pub fn repos(&self) -> Result<Vec<RepoRecord>, Fault> {
        let order = if self.dialect().lists_newest_repos_first() {
            "1 ORDER BY id DESC"
        } else {
            "1 ORDER BY project, name"
        };
        self.database.read(|tx| repos(tx, order, []))
    }

    /// # Errors
    /// `NotFound`, in pachd's words for this call (recording http 079).
    pub fn branch(&self, branch: &Branch) -> Result<BranchRecord, Fault> {
        self.database.read(|tx| {
            let repo = find_repo(tx, &branch.repo)?;
            let missing = |has_repo| {
                let branch = branch.clone();
                Refusal::BranchRowNotFound { branch, has_repo }.within("inspect branch in transaction")
            };
            let repo = repo.ok_or_else(|| missing(false))?;
            let found = branches(tx, repo, &branch.repo, Some(branch.name.as_str()))?.pop();
            Ok(found.ok_or_else(|| missing(true))?)
        })
    }

    /// The repo's branches, those made last first (recording http 080).
    ///
    /// # Errors
    /// `NotFound` without the repo.
    pub fn branches(&self, repo: &Repo) -> Result<Vec<BranchRecord>, Fault> {
        self.database.read(|tx| {
            let row = repo_row(tx, repo)?;
            branches(tx, row, repo, None)
        })
    }
}

fn repos(db: &Connection, which: &str, params: impl rusqlite::Params) -> Result<Vec<RepoRecord>, Failure> {
    let sql = format!(
        "SELECT id, project, name, description, created,
            ifnull((SELECT size FROM branches JOIN commits ON commits.id = branches.head
                    WHERE branches.repo = repos.id AND branches.name = 'master' AND lineage IS NOT NULL), 0)
         FROM repos WHERE {which}"
    );
    rows::all(db, &sql, params, |row| {
        let names = "SELECT name FROM branches WHERE repo = ?1 ORDER BY id DESC";
        Ok(RepoRecord {
            repo: rows::repo(&row.get::<_, String>(1)?, &row.get::<_, String>(2)?)?,
            description: row.get(3)?,
            created: time(row.get(4)?),
            branches: first_column(db, names, [row.get::<_, i64>(0)?])?,
            size_bytes: row.get::<_, i64>(5)?.cast_unsigned(),
        })
    })
}

fn branches(db: &Connection, row: i64, repo: &Repo, name: Option<&str>) -> Result<Vec<BranchRecord>, Failure> {
    rows::all(
        db,
        "SELECT branches.name, ifnull(commits.told, commits.name), branches.created, branches.updated,
            EXISTS (SELECT 1 FROM pipelines JOIN repos USING (project, name)
                    WHERE repos.id = branches.repo AND output_branch = branches.name AND NOT stopped),
            ifnull(commits.branch, '')
         FROM branches LEFT JOIN commits ON commits.id = branches.head
         WHERE branches.repo = ?1 AND (?2 IS NULL OR branches.name = ?2) ORDER BY branches.id DESC",
        params![row, name],
        |row| {
            let mut record = branch_record(repo, row)?;
            if record.is_output {
                record.inputs = pipeline::inputs_of(db, repo)?;
            }
            Ok(record)
        },
    )
}

fn branch_record(repo: &Repo, row: &Row<'_>) -> Result<BranchRecord, Failure> {
    let name: String = row.get(0)?;
    let head: Option<String> = row.get(1)?;
    Ok(BranchRecord {
        branch: Branch {
            repo: repo.clone(),
            name: branch_name(&name)?,
        },
        head: head.map(|head| commit_id(&head)).transpose()?,
        created: time(row.get(2)?),
        updated: time(row.get(3)?),
        is_output: row.get(4)?,
        inputs: Vec::new(),
        head_branch: row.get(5)?,
    })
}
