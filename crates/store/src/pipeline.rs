//! Pipelines as pachd keeps them: a spec in versions, and the branch that it writes. None is run.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::access::resource_of;
use super::dialect::Restart;
use super::error::Failure;
use super::lookup::{find_repo, head, repo_row};
use super::refusal::Refusal;
use super::rows::{self, branch_name, commit_id, time};
use super::store::Store;
use super::work::Work;
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{Branch, BranchName, CommitId, Repo};

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
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
pub struct NewPipeline<'a> {
    pub name: &'a Repo,
    pub output_branch: &'a BranchName,
    /// Only the first version has a say in it, unless what was done is to be done again.
    pub salt: &'a str,
    pub created_by: &'a str,
    pub submitted: &'a str,
    pub effective: &'a str,
    /// Its own code writes; otherwise jobs do, one for each commit in its inputs.
    pub is_spout: bool,
    pub inputs: &'a [Branch],
    /// It may take the place of one that is there.
    pub update: bool,
    pub reprocess: bool,
    /// A repo of this name that no pipeline writes becomes its own; pachd refuses that.
    pub adopts_repo: bool,
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

/// Whether another pipeline reads a branch of the repo that this one writes.
fn is_read_by_others(db: &Connection, name: &Repo) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT EXISTS (SELECT 1 FROM pipeline_inputs WHERE project = ?1 AND repo = ?2)")?
        .query_row([name.project.as_str(), name.name.as_str()], |row| row.get(0))
}

/// The branches of a repo that pipelines read.
pub(super) fn branches_read(db: &Connection, repo: &Repo) -> Result<Vec<Branch>, Failure> {
    rows::all(
        db,
        "SELECT DISTINCT branch FROM pipeline_inputs WHERE project = ?1 AND repo = ?2 ORDER BY branch",
        [repo.project.as_str(), repo.name.as_str()],
        |row| {
            Ok(Branch {
                repo: repo.clone(),
                name: branch_name(&row.get::<_, String>(0)?)?,
            })
        },
    )
}

/// The branches that the pipelines which read a branch write. One that is stopped has no provenance, and what is not
/// there is read by nobody.
pub(super) fn readers_of(db: &Connection, branch: &Branch) -> Result<Vec<Branch>, Failure> {
    rows::all(
        db,
        "SELECT pipelines.project, pipelines.name, output_branch FROM pipelines
         JOIN pipeline_inputs ON pipelines.id = pipeline_inputs.pipeline
         WHERE pipeline_inputs.project = ?1 AND repo = ?2 AND branch = ?3 AND NOT stopped
           AND EXISTS (SELECT 1 FROM repos WHERE repos.project = ?1 AND repos.name = ?2) ORDER BY pipelines.id",
        [
            branch.repo.project.as_str(),
            branch.repo.name.as_str(),
            branch.name.as_str(),
        ],
        |row| {
            let text = |at| row.get::<_, String>(at);
            Ok(Branch {
                repo: rows::repo(&text(0)?, &text(1)?)?,
                name: branch_name(&text(2)?)?,
            })
        },
    )
}

/// Who a pipeline's own code is.
pub(super) fn principal_of(pipeline: &Repo) -> String {
    format!("pipeline:{pipeline}")
}

/// The branches that a pipeline reads.
pub(super) fn inputs_of(db: &Connection, name: &Repo) -> Result<Vec<Branch>, Failure> {
    rows::all(
        db,
        "SELECT pipeline_inputs.project, repo, branch FROM pipeline_inputs
         JOIN pipelines ON pipelines.id = pipeline_inputs.pipeline
         WHERE pipelines.project = ?1 AND pipelines.name = ?2 ORDER BY pipeline_inputs.project, repo, branch",
        [name.project.as_str(), name.name.as_str()],
        |row| {
            let text = |at| row.get::<_, String>(at);
            Ok(Branch {
                repo: rows::repo(&text(0)?, &text(1)?)?,
                name: branch_name(&text(2)?)?,
            })
        },
    )
}

impl Work<'_> {
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
        match &before {
            None => self.make_output_repo(new)?,
            Some(before) => self.begin_update(before, new.is_spout)?,
        }
        for input in new.inputs {
            repo_row(self.db, &input.repo)?;
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
        self.keep_inputs(new)?;
        if new.is_spout {
            self.begin_output(new, spec_commit)
        } else {
            self.start_job(new.name, &spec_commit)
        }
    }

    fn make_output_repo(&mut self, new: &NewPipeline<'_>) -> Result<(), Failure> {
        let is_there = find_repo(self.db, new.name)?.is_some();
        if is_there && !new.adopts_repo {
            return Err(Refusal::NoRepoForPipeline(new.name.clone()).into());
        }
        let name = self.dialect.repo(new.name);
        let description = format!("Output repo for pipeline {name}.");
        self.create_repo(new.name, &description, is_there)?;
        if self.principal.is_some() {
            // Its own code, as recording auth 027 has it.
            self.set_roles(&resource_of(new.name), &principal_of(new.name), ["repoWriter"])?;
        }
        Ok(())
    }

    /// The next version's code gets a token of its own, and the one before loses its own within the transaction.
    fn begin_update(&mut self, before: &PipelineRecord, is_spout: bool) -> Result<(), Failure> {
        let is_refused = is_spout && !before.stopped && self.dialect.minds_updates_under_readers();
        if is_refused && is_read_by_others(self.db, &before.name)? {
            return Err(Refusal::ReadDownstream.into());
        }
        self.revoke_tokens_of(&principal_of(&before.name))
    }

    fn keep_inputs(&mut self, new: &NewPipeline<'_>) -> Result<(), Failure> {
        let pipeline: i64 = self
            .db
            .prepare_cached("SELECT id FROM pipelines WHERE project = ?1 AND name = ?2")?
            .query_row([new.name.project.as_str(), new.name.name.as_str()], |row| row.get(0))?;
        self.db
            .prepare_cached("DELETE FROM pipeline_inputs WHERE pipeline = ?1")?
            .execute([pipeline])?;
        for input in new.inputs {
            // A branch that is read is there, if need be with an empty commit.
            let repo = repo_row(self.db, &input.repo)?;
            if head(self.db, repo, input.name.as_str())?.is_none() {
                self.create_branch(input, None)?;
            }
            self.db
                .prepare_cached(
                    "INSERT INTO pipeline_inputs (pipeline, project, repo, branch) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    pipeline,
                    input.repo.project.as_str(),
                    input.repo.name.as_str(),
                    input.name.as_str()
                ])?;
        }
        Ok(())
    }

    fn begin_output(&mut self, new: &NewPipeline<'_>, spec_commit: CommitId) -> Result<(), Failure> {
        let repo = repo_row(self.db, new.name)?;
        if head(self.db, repo, new.output_branch.as_str())?.is_some() {
            return Ok(());
        }
        if !self.dialect.heads_every_branch() {
            return Ok(self.set_head(repo, new.output_branch.as_str(), None)?);
        }
        let named = self.commit_id.replace(spec_commit);
        let is_described = self.dialect.describes_first_commits();
        let description = if is_described { "close spout commit" } else { "" };
        let empty = self.make_empty_commit(repo, new.output_branch, description);
        self.commit_id = named;
        let head = empty?;
        if is_described {
            // It is finished as commits are that somebody has closed (378).
            self.db
                .prepare_cached("UPDATE commits SET checked = 1 WHERE id = ?1")?
                .execute([head])?;
        }
        self.set_head(repo, new.output_branch.as_str(), Some(head))?;
        Ok(())
    }

    /// Stops a pipeline, or starts it again. While it is stopped, its branch is one like others.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn set_pipeline_stopped(&mut self, name: &Repo, stopped: bool) -> Result<(), Failure> {
        let pipeline = self.some_pipeline(name)?;
        let is_restart = pipeline.stopped && !stopped;
        let restart = self.dialect.restart();
        if is_restart && restart == Restart::Refused {
            return Err(Refusal::NoMetaRepo(name.clone()).into());
        }
        self.db
            .prepare_cached("UPDATE pipelines SET stopped = ?3 WHERE project = ?1 AND name = ?2")?
            .execute(params![name.project.as_str(), name.name.as_str(), stopped])?;
        // What others leave on their branches when they are started again is not played.
        let is_spout = inputs_of(self.db, name)?.is_empty();
        if is_restart && is_spout && matches!(restart, Restart::Emptied | Restart::Open) {
            let repo = repo_row(self.db, name)?;
            self.restart_output(repo, &pipeline.output_branch, restart)?;
        }
        Ok(())
    }

    /// Forgets a pipeline, and removes its repo unless that is to be kept.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete_pipeline(&mut self, name: &Repo, keep_repo: bool) -> Result<(), Failure> {
        self.some_pipeline(name)?;
        self.revoke_tokens_of(&principal_of(name))?;
        self.db
            .prepare_cached("DELETE FROM jobs WHERE project = ?1 AND pipeline = ?2")?
            .execute([name.project.as_str(), name.name.as_str()])?;
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

    /// The same, or `None`.
    pub fn find_pipeline(&self, name: &Repo) -> Result<Option<PipelineRecord>, Fault> {
        self.database.read(|tx| Work::on(tx, self).pipeline(name))
    }

    /// Every pipeline, the one that was changed last first (recording http 104).
    pub fn pipelines(&self) -> Result<Vec<PipelineRecord>, Fault> {
        self.database
            .read(|tx| select(tx, "ORDER BY updated DESC, id DESC", []))
    }
}

fn select(db: &Connection, which: &str, params: impl rusqlite::Params) -> Result<Vec<PipelineRecord>, Failure> {
    let sql = format!(
        "SELECT project, name, version, stopped, spec_commit, output_branch, salt, created, updated, created_by,
            submitted, effective
         FROM pipelines {which}"
    );
    rows::all(db, &sql, params, read)
}

fn read(row: &Row<'_>) -> Result<PipelineRecord, Failure> {
    let text = |at| row.get::<_, String>(at);
    Ok(PipelineRecord {
        name: rows::repo(&text(0)?, &text(1)?)?,
        version: row.get::<_, i64>(2)?.cast_unsigned(),
        stopped: row.get(3)?,
        spec_commit: commit_id(&text(4)?)?,
        output_branch: branch_name(&text(5)?)?,
        salt: text(6)?,
        created: time(row.get(7)?),
        updated: time(row.get(8)?),
        created_by: text(9)?,
        submitted: text(10)?,
        effective: text(11)?,
    })
}
