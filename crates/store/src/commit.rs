//! Commits from their start to the call that closes them for writing. What becomes of them then: `settle`.

use rusqlite::{OptionalExtension, params};

use super::archives::forget_parts;
use super::commit_row::CommitRow;
use super::dialect::Restart;
use super::error::Failure;
use super::lookup::{self, CommitSelector, commit_name, find_file_set, repo_row};
use super::pipeline;
use super::refusal::Refusal;
use super::rows::{commit_id, first_column, new_commit_id};
use super::slices::Slice;
use super::tree;
use super::work::Work;
use spoutctl_core::pfs::{Branch, BranchName, Commit, CommitId, FileSetId};

/// What a new commit's row begins with.
struct Beginning<'a> {
    repo: i64,
    branch: &'a str,
    parent: Option<i64>,
    description: &'a str,
    origin: &'static str,
    /// Not its own: another commit's, or that of the transaction.
    id: Option<CommitId>,
}

impl Work<'_> {
    /// Starts a commit on the branch's head, or on `parent`.
    ///
    /// # Errors
    /// `HeadOpen`, `NotFound` (the repo, the parent), `AlreadyExists` when the repo has a commit of this id.
    pub fn start_commit(
        &mut self,
        branch: &Branch,
        parent: Option<&CommitSelector>,
        description: &str,
    ) -> Result<CommitId, Failure> {
        self.start(branch, parent, description)
            .map_err(|failure| failure.within("start commit in transaction"))
            .and_then(|row| commit_name(self.db, row))
    }

    /// # Errors
    /// When only a pipeline writes the branch.
    fn check_open_to_all(&self, branch: &Branch) -> Result<(), Failure> {
        if self.closes_outputs && self.dialect.closes_outputs() && pipeline::writes(self.db, branch)? {
            return Err(Refusal::OutputBranch(branch.clone()).into());
        }
        Ok(())
    }

    fn start(&mut self, branch: &Branch, parent: Option<&CommitSelector>, description: &str) -> Result<i64, Failure> {
        let repo = repo_row(self.db, &branch.repo)?;
        if self.dialect.looks_at_outputs_first() {
            self.check_open_to_all(branch)?;
        }
        let parent = match parent {
            Some(selector) => Some(
                lookup::pick(self.db, selector)
                    .map_err(|failure| failure.within("create commit: parent commit not found"))?,
            ),
            None => lookup::head(self.db, repo, branch.name.as_str())?.flatten(),
        };
        if let Some(parent) = parent {
            let parent = self.commit_of_repo(parent, repo, branch)?;
            // One that is being finished is closed for writing, which is enough.
            if !parent.finishing {
                return Err(Refusal::HeadOpen(parent.named(self.db)?).into());
            }
        }
        // In this order (393).
        self.check_open_to_all(branch)?;
        self.check_one_commit_a_repo(branch, repo)?;
        let row = self.insert_commit(&Beginning {
            repo,
            branch: branch.name.as_str(),
            parent,
            description,
            origin: "USER",
            id: self.commit_id.clone(),
        })?;
        self.set_head(repo, branch.name.as_str(), Some(row))?;
        self.propagate(branch, &commit_name(self.db, row)?)?;
        Ok(row)
    }

    /// A commit that is to be a branch's head, or its parent.
    pub(super) fn commit_of_repo(&self, commit: i64, repo: i64, branch: &Branch) -> Result<CommitRow, Failure> {
        let row = CommitRow::by_id(self.db, commit)?;
        if row.repo != repo {
            let (commit, branch) = (row.named(self.db)?, branch.clone());
            return Err(Refusal::OfAnotherRepo { commit, branch }.into());
        }
        Ok(row)
    }

    /// The commit that a job is to fill, which nobody does.
    pub(super) fn start_output(&mut self, repo: i64, branch: &BranchName, id: &CommitId) -> Result<i64, Failure> {
        let row = self.insert_commit(&Beginning {
            repo,
            branch: branch.as_str(),
            parent: lookup::head(self.db, repo, branch.as_str())?.flatten(),
            description: "",
            origin: "AUTO",
            id: Some(id.clone()),
        })?;
        self.set_head(repo, branch.as_str(), Some(row))?;
        Ok(row)
    }

    /// Only calls of one transaction come here with an id that is in use (recording p 054). Where commits are known by
    /// their branches, each of them may have one (grpc-2.3 228).
    fn check_one_commit_a_repo(&self, branch: &Branch, repo: i64) -> Result<(), Failure> {
        let Some(id) = &self.commit_id else {
            return Ok(());
        };
        let of_branch = self.dialect.commits_are_of_branches();
        let taken: bool = self
            .db
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM commits
                 WHERE repo = ?1 AND (name = ?2 OR told = ?2) AND (branch = ?3 OR NOT ?4))",
            )?
            .query_row(params![repo, id.as_str(), branch.name.as_str(), of_branch], |row| {
                row.get(0)
            })?;
        if taken {
            let (repo, id) = (branch.repo.clone(), id.to_string());
            return Err(Refusal::OneCommitARepo { repo, id }.into());
        }
        Ok(())
    }

    fn insert_commit(&self, beginning: &Beginning<'_>) -> Result<i64, Failure> {
        // Unknown as long as the parent may still end with an error; then it is found when this one is settled.
        let parent = beginning.parent.map(|id| CommitRow::by_id(self.db, id)).transpose()?;
        let base = parent
            .filter(|parent| parent.finished)
            .and_then(|parent| parent.base_of_child());
        let (name, told) = self.free_name(beginning)?;
        self.db
            .prepare_cached(
                "INSERT INTO commits
                     (repo, name, told, branch, parent, base, description, started, updated, origin, spec)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9,
                     (SELECT spec_commit FROM pipelines JOIN repos USING (project, name)
                      WHERE repos.id = ?1 AND output_branch = ?4 AND NOT stopped))",
            )?
            .execute(params![
                beginning.repo,
                name.as_str(),
                told.as_ref().map(CommitId::as_str),
                beginning.branch,
                beginning.parent,
                base,
                beginning.description,
                self.now,
                beginning.origin
            ])?;
        Ok(self.db.last_insert_rowid())
    }

    /// A name that no commit of the repo has, and the id that the commit is told by where that is another.
    fn free_name(&self, beginning: &Beginning<'_>) -> Result<(CommitId, Option<CommitId>), Failure> {
        let Some(id) = &beginning.id else {
            return Ok((new_commit_id()?, None));
        };
        let is_taken: bool = self
            .db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM commits WHERE repo = ?1 AND name = ?2)")?
            .query_row(params![beginning.repo, id.as_str()], |row| row.get(0))?;
        if is_taken {
            Ok((new_commit_id()?, Some(id.clone())))
        } else {
            Ok((id.clone(), None))
        }
    }

    /// The commit that stands for `original` on a branch that was moved there, where a commit is known by its branch,
    /// too: with the same id, or with that of the transaction (grpc-2.3 172–178, 186).
    pub(super) fn alias(&mut self, repo: i64, branch: &BranchName, original: i64) -> Result<i64, Failure> {
        let (id, of): (String, String) = self
            .db
            .prepare_cached("SELECT ifnull(told, name), branch FROM commits WHERE id = ?1")?
            .query_row([original], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if of == branch.as_str() {
            return Ok(original);
        }
        let id = match &self.commit_id {
            Some(transaction) => transaction.clone(),
            None => commit_id(&id)?,
        };
        let before: Option<i64> = self
            .db
            .prepare_cached("SELECT id FROM commits WHERE repo = ?1 AND (name = ?2 OR told = ?2) AND branch = ?3")?
            .query_row(params![repo, id.as_str(), branch.as_str()], |row| row.get(0))
            .optional()?;
        if let Some(before) = before {
            return Ok(before);
        }
        let alias = self.insert_commit(&Beginning {
            repo,
            branch: branch.as_str(),
            parent: Some(original),
            description: "",
            origin: "ALIAS",
            id: Some(id),
        })?;
        let row = CommitRow::by_id(self.db, original)?;
        if row.finishing {
            self.close(alias, "", &row.error)?;
        }
        if row.finished {
            self.settle_line(alias, &mut Slice::whole())?;
        }
        Ok(alias)
    }

    /// A commit without content, finished at once: pachd has one as the head of every branch that has no other.
    pub(super) fn make_empty_commit(
        &mut self,
        repo: i64,
        branch: &BranchName,
        description: &str,
    ) -> Result<i64, Failure> {
        let row = self.insert_commit(&Beginning {
            repo,
            branch: branch.as_str(),
            parent: None,
            description,
            origin: "AUTO",
            id: self.commit_id.clone(),
        })?;
        let place = tree::place_after(self.db, None)?;
        self.db
            .prepare_cached("UPDATE commits SET finishing = ?2, finished = ?2, lineage = ?3, depth = ?4 WHERE id = ?1")?
            .execute(params![row, self.now, place.lineage, place.depth])?;
        Ok(row)
    }

    /// What a spout that is started again finds on its branch: a commit of nobody's.
    pub(super) fn restart_output(&mut self, repo: i64, branch: &BranchName, restart: Restart) -> Result<(), Failure> {
        let head = lookup::head(self.db, repo, branch.as_str())?.flatten();
        let row = self.insert_commit(&Beginning {
            repo,
            branch: branch.as_str(),
            parent: head,
            description: "",
            origin: "AUTO",
            id: None,
        })?;
        if restart == Restart::Emptied {
            let place = tree::place_after(self.db, None)?;
            self.db
                .prepare_cached(
                    "UPDATE commits SET finishing = ?2, finished = ?2, lineage = ?3, depth = ?4, base = NULL
                     WHERE id = ?1",
                )?
                .execute(params![row, self.now, place.lineage, place.depth])?;
        }
        self.set_head(repo, branch.as_str(), Some(row))?;
        Ok(())
    }

    /// Adds a file set's changes to an open commit.
    ///
    /// # Errors
    /// `FileSetGone`, `AlreadyFinished`, `NotFound` (the commit).
    pub fn add_file_set(&mut self, commit: &CommitSelector, file_set: &FileSetId) -> Result<(), Failure> {
        let row = self.open_commit(commit)?;
        let file_set = find_file_set(self.db, file_set, self.now)?.ok_or(Refusal::FileSetToAddGone)?;
        self.db
            .prepare_cached(
                "INSERT INTO commit_parts (commit_id, seq, upload)
                 SELECT ?1, part.seq + (SELECT ifnull(max(seq) + 1, 0) FROM commit_parts WHERE commit_id = ?1),
                     part.upload
                 FROM file_set_parts part WHERE part.file_set = ?2",
            )?
            .execute([row.id, file_set])?;
        self.touch(row.id)
    }

    pub(super) fn add_upload(&self, commit: i64, upload: i64) -> Result<(), Failure> {
        self.db
            .prepare_cached(
                "INSERT INTO commit_parts (commit_id, seq, upload)
                 SELECT ?1, (SELECT ifnull(max(seq) + 1, 0) FROM commit_parts WHERE commit_id = ?1), ?2",
            )?
            .execute([commit, upload])?;
        self.touch(commit)
    }

    pub(super) fn touch(&self, commit: i64) -> Result<(), Failure> {
        self.db
            .prepare_cached("UPDATE commits SET updated = ?2 WHERE id = ?1")?
            .execute([commit, self.now])?;
        Ok(())
    }

    /// The row of a commit that may be written, or pachd's words (recordings http 053, 055).
    fn open_commit(&self, commit: &CommitSelector) -> Result<CommitRow, Failure> {
        let row = CommitRow::pick(self.db, commit)?;
        if row.finishing {
            return Err(Refusal::AlreadyFinished(row.named(self.db)?).into());
        }
        Ok(row)
    }

    /// The commit that `ModifyFile` writes to, and whether it was started for that and closes with it: the one that is
    /// named; of a branch its head, where that is open (recording http 049); else a new one.
    pub(super) fn commit_to_modify(&mut self, target: &CommitSelector) -> Result<(CommitRow, bool), Failure> {
        let names_a_branch = target.branch.as_ref().is_some_and(|name| !name.is_empty());
        if target.id.is_some() || target.back > 0 || !names_a_branch {
            return Ok((self.open_commit(target)?, false));
        }
        let repo = repo_row(self.db, &target.repo)?;
        let name = target.branch.as_deref().unwrap_or_default();
        let head = lookup::head(self.db, repo, name)?.flatten();
        if let Some(open) = head
            .map(|id| CommitRow::by_id(self.db, id))
            .transpose()?
            .filter(|row| !row.finishing)
        {
            return Ok((open, false));
        }
        let name = BranchName::new(name).map_err(|_| Refusal::InvalidName(name.to_owned()))?;
        let branch = Branch {
            repo: target.repo.clone(),
            name,
        };
        let row = self.start(&branch, None, "")?;
        Ok((CommitRow::by_id(self.db, row)?, true))
    }

    /// Closes the commit for writing: it is finished when it is settled, which may be at once. With `error` its data is
    /// never part of a later commit; `description` replaces the one it was started with, unless it is empty.
    ///
    /// # Errors
    /// `AlreadyFinished`, `NotFound` (the commit); a collision, where it is to be finished at once.
    pub fn finish_commit(&mut self, commit: &CommitSelector, description: &str, error: &str) -> Result<(), Failure> {
        // pachd has a prefix for this call where the commit is missing (recording p 019), and none where it is closed
        // already (http 053).
        let row = CommitRow::pick(self.db, commit).map_err(|failure| failure.within("finish commit in transaction"))?;
        if row.finishing {
            return Err(Refusal::AlreadyFinished(row.named(self.db)?).into());
        }
        self.close(row.id, description, error)
    }

    /// The same of a port: the commit is settled in this transaction, unless it is a large one.
    pub(super) fn finish_and_settle(&mut self, commit: &Commit, description: &str, error: &str) -> Result<(), Failure> {
        let selector = commit.into();
        self.finish_commit(&selector, description, error)?;
        let row = lookup::pick(self.db, &selector)?;
        self.settle_line(row, &mut Slice::of(self.slice)).map(drop)
    }

    pub(super) fn close(&mut self, commit: i64, description: &str, error: &str) -> Result<(), Failure> {
        self.db
            .prepare_cached(
                "UPDATE commits SET finishing = ?2, updated = ?2, error = ?3,
                     description = CASE ?4 WHEN '' THEN description ELSE ?4 END
                 WHERE id = ?1",
            )?
            .execute(params![commit, self.now, error, description])?;
        let aliases = "SELECT id FROM commits WHERE parent = ?1 AND origin = 'ALIAS' AND finishing IS NULL";
        for alias in first_column(self.db, aliases, [commit])? {
            self.close(alias, "", error)?;
        }
        if self.dialect.finishes_at_once() {
            self.settle_line(commit, &mut Slice::whole())?;
        }
        Ok(())
    }

    /// Takes everything from an open commit that was added to it.
    ///
    /// # Errors
    /// When it is closed for writing (recording http 054); `NotFound`.
    pub fn clear_commit(&mut self, commit: &CommitSelector) -> Result<(), Failure> {
        let row = CommitRow::pick(self.db, commit)?;
        if row.finishing {
            return Err(Refusal::ClearFinished.into());
        }
        forget_parts(self.db, row.id)?;
        self.db
            .prepare_cached("UPDATE commits SET cleared = cleared + 1 WHERE id = ?1")?
            .execute([row.id])?;
        self.touch(row.id)
    }
}
