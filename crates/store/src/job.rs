//! Jobs of pipelines with an input, as pachd makes them: one for each commit in a branch that the pipeline reads, with
//! a commit of the same id on the branch that it writes. Nobody does them, so they stay as they were made until they
//! are stopped.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::error::Failure;
use super::lookup::repo_row;
use super::refusal::Refusal;
use super::rows::{self, branch_name, commit_id, first_column, time};
use super::store::Store;
use super::work::Work;
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{Branch, BranchName, CommitId, Repo};

/// All that is known of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRecord {
    pub pipeline: Repo,
    /// Also that of the commit that it is for.
    pub id: CommitId,
    /// Of the pipeline.
    pub version: u64,
    pub state: JobState,
    /// Why it was stopped.
    pub reason: String,
    pub created: Timestamp,
    pub finished: Option<Timestamp>,
    pub output_branch: BranchName,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    Created,
    Killed,
}

const COLUMNS: &str = "project, pipeline, name, version, killed, reason, created, finished, output_branch";

impl Work<'_> {
    /// Makes the jobs of those pipelines that read a branch, for a commit that is its head now.
    pub(super) fn propagate(&mut self, branch: &Branch, id: &CommitId) -> Result<(), Failure> {
        let Repo { project, name } = &branch.repo;
        let readers = rows::all(
            self.db,
            "SELECT pipelines.project, pipelines.name FROM pipeline_inputs
             JOIN pipelines ON pipelines.id = pipeline_inputs.pipeline
             WHERE pipeline_inputs.project = ?1 AND repo = ?2 AND branch = ?3 AND NOT stopped ORDER BY pipelines.id",
            [project.as_str(), name.as_str(), branch.name.as_str()],
            |row| rows::repo(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?),
        )?;
        readers.iter().try_for_each(|reader| self.start_job(reader, id))
    }

    /// Makes a job, and the commit that it is to fill; none, if there is one of this id.
    pub(super) fn start_job(&mut self, name: &Repo, id: &CommitId) -> Result<(), Failure> {
        let Some(pipeline) = self.pipeline(name)? else {
            return Ok(());
        };
        let repo = repo_row(self.db, name)?;
        let is_there: bool = self
            .db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM commits WHERE repo = ?1 AND (name = ?2 OR told = ?2))")?
            .query_row(params![repo, id.as_str()], |row| row.get(0))?;
        if is_there {
            return Ok(());
        }
        let output = self.start_output(repo, &pipeline.output_branch, id)?;
        self.db
            .prepare_cached(
                "INSERT INTO jobs (project, pipeline, name, version, created, output_branch, output)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                name.project.as_str(),
                name.name.as_str(),
                id.as_str(),
                pipeline.version.cast_signed(),
                self.now,
                pipeline.output_branch.as_str(),
                output
            ])?;
        let written = Branch {
            repo: name.clone(),
            name: pipeline.output_branch,
        };
        self.propagate(&written, id)
    }

    /// Stops a job: its commit ends with an error. One that has ended stays as it is.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn stop_job(&mut self, pipeline: &Repo, id: &CommitId, reason: &str) -> Result<(), Failure> {
        let job = find(self.db, pipeline, id)?;
        if job.state == JobState::Killed {
            return Ok(());
        }
        let place = [pipeline.project.as_str(), pipeline.name.as_str(), id.as_str()];
        self.db
            .prepare_cached(
                "UPDATE jobs SET killed = 1, reason = ?4, finished = ?5
                 WHERE project = ?1 AND pipeline = ?2 AND name = ?3",
            )?
            .execute(params![place[0], place[1], place[2], reason, self.now])?;
        let open = "SELECT commits.id FROM jobs JOIN commits ON commits.id = output
                    WHERE project = ?1 AND pipeline = ?2 AND jobs.name = ?3 AND finishing IS NULL";
        for commit in first_column(self.db, open, place)? {
            self.close(commit, "", reason)?;
        }
        Ok(())
    }

    /// Stops a job and forgets it.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete_job(&mut self, pipeline: &Repo, id: &CommitId, reason: &str) -> Result<(), Failure> {
        self.stop_job(pipeline, id, reason)?;
        self.db
            .prepare_cached("DELETE FROM jobs WHERE project = ?1 AND pipeline = ?2 AND name = ?3")?
            .execute([pipeline.project.as_str(), pipeline.name.as_str(), id.as_str()])?;
        Ok(())
    }
}

impl Store {
    /// # Errors
    /// `NotFound`.
    pub fn job(&self, pipeline: &Repo, id: &CommitId) -> Result<JobRecord, Fault> {
        self.database.read(|tx| find(tx, pipeline, id))
    }

    /// Every job, the newest first.
    pub fn jobs(&self) -> Result<Vec<JobRecord>, Fault> {
        self.database.read(|tx| select(tx, "1 ORDER BY id DESC", []))
    }
}

fn find(db: &Connection, pipeline: &Repo, id: &CommitId) -> Result<JobRecord, Failure> {
    let place = [pipeline.project.as_str(), pipeline.name.as_str(), id.as_str()];
    let found = select(db, "project = ?1 AND pipeline = ?2 AND name = ?3", place)?.pop();
    Ok(found.ok_or_else(|| Refusal::JobNotFound {
        pipeline: pipeline.clone(),
        id: id.to_string(),
    })?)
}

fn select(db: &Connection, which: &str, params: impl rusqlite::Params) -> Result<Vec<JobRecord>, Failure> {
    rows::all(db, &format!("SELECT {COLUMNS} FROM jobs WHERE {which}"), params, read)
}

fn read(row: &Row<'_>) -> Result<JobRecord, Failure> {
    let text = |at| row.get::<_, String>(at);
    Ok(JobRecord {
        pipeline: rows::repo(&text(0)?, &text(1)?)?,
        id: commit_id(&text(2)?)?,
        version: row.get::<_, i64>(3)?.cast_unsigned(),
        state: if row.get(4)? {
            JobState::Killed
        } else {
            JobState::Created
        },
        reason: text(5)?,
        created: time(row.get(6)?),
        finished: row.get::<_, Option<i64>>(7)?.map(time),
        output_branch: branch_name(&text(8)?)?,
    })
}
