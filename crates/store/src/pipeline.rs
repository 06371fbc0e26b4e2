//! Pipelines as pachd keeps them: a spec in versions, and the branch that it writes. None is run.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::Store;
use super::access::resource_of;
use super::error::Failure;
use super::record::{commit_id, foreign};
use super::refusal::Refusal;
use super::repo::{find, time};
use super::work::Work;
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{Branch, BranchName, CommitId, ProjectName, Repo, RepoName};

/// All that is known of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineRecord {
    /// Its name, which is also that of the repo that it writes.
    pub name: Repo,
    /// From 1; each update adds one.
    pub version: u64,
    pub stopped: bool,
    pub spec_commit: CommitId,
    pub output_branch: BranchName,
    pub salt: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// Who made it, where that is known.
    pub created_by: String,
    /// The spec as it was submitted, and with the defaults filled in; in JSON.
    pub submitted: String,
    pub effective: String,
}

/// A pipeline's next version.
#[derive(Debug, Clone, Copy)]
pub struct NewPipeline<'a> {
    pub name: &'a Repo,
    pub output_branch: &'a BranchName,
    /// Only the first version has a say in it, unless what was done is to be done again.
    pub salt: &'a str,
    pub created_by: &'a str,
    pub submitted: &'a str,
    pub effective: &'a str,
    /// It may take the place of one that is there.
    pub update: bool,
    pub reprocess: bool,
}

/// Whether a pipeline that is not stopped writes the branch: then its commits have provenance (recording http 107).
pub(super) fn writes(db: &Connection, branch: &Branch) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM pipelines
         WHERE project = ?1 AND name = ?2 AND output_branch = ?3 AND NOT stopped)",
    )?
    .query_row(
        [
            branch.repo.project.as_str(),
            branch.repo.name.as_str(),
            branch.name.as_str(),
        ],
        |row| row.get(0),
    )
}

impl Work<'_> {
    /// The pipeline of this name.
    ///
    /// # Errors
    /// What is wrong with the disk.
    pub fn pipeline(&self, name: &Repo) -> Result<Option<PipelineRecord>, Failure> {
        let found = select(
            self.db,
            "WHERE project = ?1 AND name = ?2",
            [name.project.as_str(), name.name.as_str()],
        );
        Ok(found?.pop())
    }

    fn some_pipeline(&self, name: &Repo) -> Result<PipelineRecord, Failure> {
        self.pipeline(name)?
            .ok_or_else(|| Refusal::PipelineNotFound(name.clone()).into())
    }

    /// Makes a pipeline with the repo that it writes, or its next version. The branch begins with an empty commit, of
    /// the same id as the spec's.
    ///
    /// # Errors
    /// `AlreadyExists`; when there is a repo of this name that no pipeline writes; `NotFound` without the project.
    pub fn create_pipeline(&mut self, new: &NewPipeline<'_>) -> Result<(), Failure> {
        let before = self.pipeline(new.name)?;
        if before.is_some() && !new.update {
            return Err(Refusal::PipelineExists(new.name.clone()).into());
        }
        if before.is_none() {
            if find(self.db, new.name)?.is_some() {
                return Err(Refusal::NoRepoForPipeline(new.name.clone()).into());
            }
            let description = format!("Output repo for pipeline {}.", new.name);
            self.create_repo(new.name, &description, false)?;
            if self.principal.is_some() {
                // Its own code, as recording auth 027 has it.
                let pipeline = format!("pipeline:{}", new.name);
                self.set_roles(&resource_of(new.name), &pipeline, ["repoWriter"])?;
            }
        }
        let spec_commit = self.next_commit_id()?;
        let salt = match &before {
            Some(before) if !new.reprocess => before.salt.as_str(),
            _ => new.salt,
        };
        self.db
            .prepare_cached(
                "INSERT INTO pipelines (project, name, version, spec_commit, output_branch, salt, created, updated,
                     created_by, submitted, effective)
                 VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9)
                 ON CONFLICT (project, name) DO UPDATE SET version = version + 1, spec_commit = excluded.spec_commit,
                     output_branch = excluded.output_branch, salt = excluded.salt, updated = excluded.updated,
                     submitted = excluded.submitted, effective = excluded.effective",
            )?
            .execute(params![
                new.name.project.as_str(),
                new.name.name.as_str(),
                spec_commit.as_str(),
                new.output_branch.as_str(),
                salt,
                self.now,
                new.created_by,
                new.submitted,
                new.effective
            ])?;
        self.begin_output(new, spec_commit)
    }

    fn begin_output(&mut self, new: &NewPipeline<'_>, spec_commit: CommitId) -> Result<(), Failure> {
        let repo = super::repo::repo_row(self.db, new.name)?;
        if super::record::head(self.db, repo, new.output_branch.as_str())?.is_some() {
            return Ok(());
        }
        let named = self.commit_id.replace(spec_commit);
        let head = self.make_empty_commit(repo, new.output_branch, "close spout commit");
        self.commit_id = named;
        self.set_head(repo, new.output_branch.as_str(), Some(head?))?;
        Ok(())
    }

    /// Stops a pipeline, or starts it again. While it is stopped, its branch is one like others.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn set_pipeline_stopped(&mut self, name: &Repo, stopped: bool) -> Result<(), Failure> {
        self.some_pipeline(name)?;
        self.db
            .prepare_cached("UPDATE pipelines SET stopped = ?3 WHERE project = ?1 AND name = ?2")?
            .execute(params![name.project.as_str(), name.name.as_str(), stopped])?;
        Ok(())
    }

    /// Forgets a pipeline, and removes its repo unless that is to be kept.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete_pipeline(&mut self, name: &Repo, keep_repo: bool) -> Result<(), Failure> {
        self.some_pipeline(name)?;
        self.db
            .prepare_cached("DELETE FROM pipelines WHERE project = ?1 AND name = ?2")?
            .execute([name.project.as_str(), name.name.as_str()])?;
        if !keep_repo {
            self.remove_repo(name)?;
        }
        Ok(())
    }
}

impl Store {
    /// # Errors
    /// `NotFound`.
    pub fn pipeline(&self, name: &Repo) -> Result<PipelineRecord, Fault> {
        self.database.read(|tx| Work::on(tx, self).some_pipeline(name))
    }

    /// Every pipeline, the one that was changed last first (recording http 104).
    ///
    /// # Errors
    /// What is wrong with the disk.
    pub fn pipelines(&self) -> Result<Vec<PipelineRecord>, Fault> {
        self.database
            .read(|tx| select(tx, "ORDER BY updated DESC, id DESC", []))
    }
}

fn select(db: &Connection, which: &str, params: impl rusqlite::Params) -> Result<Vec<PipelineRecord>, Failure> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT project, name, version, stopped, spec_commit, output_branch, salt, created, updated, created_by,
            submitted, effective
         FROM pipelines {which}"
    ))?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<PipelineRecord, Failure> {
    let text = |at| row.get::<_, String>(at);
    Ok(PipelineRecord {
        name: Repo {
            project: ProjectName::new(&text(0)?).map_err(|error| foreign(Box::new(error)))?,
            name: RepoName::new(&text(1)?).map_err(|error| foreign(Box::new(error)))?,
        },
        version: row.get::<_, i64>(2)?.cast_unsigned(),
        stopped: row.get(3)?,
        spec_commit: commit_id(&text(4)?)?,
        output_branch: BranchName::new(&text(5)?).map_err(|error| foreign(Box::new(error)))?,
        salt: text(6)?,
        created: time(row.get(7)?),
        updated: time(row.get(8)?),
        created_by: text(9)?,
        submitted: text(10)?,
        effective: text(11)?,
    })
}
