//! Commits from their start to the call that closes them for writing. What becomes of them then: `settle`.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::Failure;
use super::file_set;
use super::pipeline;
use super::record::{self, CommitRecord, CommitSelector, commit_name};
use super::refusal::Refusal;
use super::removal::forget_parts;
use super::repo::repo_row;
use super::tree::{self, Chain, Place};
use super::work::Work;
use spoutctl_core::pfs::{Branch, BranchName, Commit, CommitId, FileSetId, Repo};

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
        let row = record::pick(db, selector)?;
        Ok(Self::by_id(db, row)?)
    }

    /// What an error says of it: `project/repo@id`.
    pub(super) fn named(&self, db: &Connection) -> Result<String, Failure> {
        let (project, repo): (String, String) = db
            .prepare_cached("SELECT project, name FROM repos WHERE id = ?1")?
            .query_row([self.repo], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(format!("{project}/{repo}@{}", commit_name(db, self.id)?))
    }

    /// The commit that the content of its children goes on from, once it is finished. An errored parent's data is left out: the content goes on from what
    /// that one was based on (recordings p 057–067).
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

/// A commit's base as a tree.
pub(super) fn base_chain(db: &Connection, base: Option<i64>) -> Result<(Chain, Option<CommitRow>), Failure> {
    let base = base.map(|id| CommitRow::by_id(db, id)).transpose()?;
    let chain = match base.as_ref().and_then(|base| base.place) {
        Some(place) => Chain::of(db, place)?,
        None => Chain::default(),
    };
    Ok((chain, base))
}

/// What a new commit's row begins with.
struct Beginning<'a> {
    repo: i64,
    branch: &'a str,
    parent: Option<i64>,
    description: &'a str,
    origin: &'static str,
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

    fn start(&mut self, branch: &Branch, parent: Option<&CommitSelector>, description: &str) -> Result<i64, Failure> {
        let repo = repo_row(self.db, &branch.repo)?;
        if self.closes_outputs && pipeline::writes(self.db, branch)? {
            return Err(Refusal::OutputBranch(branch.clone()).into());
        }
        let parent = match parent {
            Some(selector) => Some(
                record::pick(self.db, selector)
                    .map_err(|failure| failure.within("create commit: parent commit not found"))?,
            ),
            None => record::head(self.db, repo, branch.name.as_str())?.flatten(),
        };
        // A parent that is being finished is closed for writing, which is enough.
        if let Some(open) = parent
            .map(|id| CommitRow::by_id(self.db, id))
            .transpose()?
            .filter(|row| !row.finishing)
        {
            return Err(Refusal::HeadOpen(open.named(self.db)?).into());
        }
        self.check_one_commit_a_repo(&branch.repo, repo)?;
        let row = self.insert_commit(&Beginning {
            repo,
            branch: branch.name.as_str(),
            parent,
            description,
            origin: "USER",
        })?;
        self.set_head(repo, branch.name.as_str(), Some(row))?;
        Ok(row)
    }

    /// Only calls of one transaction come here with an id that is in use (recording p 054).
    fn check_one_commit_a_repo(&self, name: &Repo, repo: i64) -> Result<(), Failure> {
        let Some(id) = &self.commit_id else {
            return Ok(());
        };
        let taken: Option<i64> = self
            .db
            .prepare_cached("SELECT id FROM commits WHERE repo = ?1 AND name = ?2")?
            .query_row(params![repo, id.as_str()], |row| row.get(0))
            .optional()?;
        if taken.is_some() {
            let (repo, id) = (name.clone(), id.to_string());
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
        self.db
            .prepare_cached(
                "INSERT INTO commits (repo, name, branch, parent, base, description, started, updated, origin)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)",
            )?
            .execute(params![
                beginning.repo,
                self.next_commit_id()?.as_str(),
                beginning.branch,
                beginning.parent,
                base,
                beginning.description,
                self.now,
                beginning.origin
            ])?;
        Ok(self.db.last_insert_rowid())
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
        })?;
        let place = tree::place_after(self.db, None)?;
        self.db
            .prepare_cached("UPDATE commits SET finishing = ?2, finished = ?2, lineage = ?3, depth = ?4 WHERE id = ?1")?
            .execute(params![row, self.now, place.lineage, place.depth])?;
        Ok(row)
    }

    /// Adds a file set's changes to an open commit.
    ///
    /// # Errors
    /// `FileSetGone`, `AlreadyFinished`, `NotFound` (the commit).
    pub fn add_file_set(&mut self, commit: &CommitSelector, file_set: &FileSetId) -> Result<(), Failure> {
        let row = self.open_commit(commit)?;
        let file_set = file_set::find(self.db, file_set, self.now)?.ok_or(Refusal::FileSetToAddGone)?;
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
        let head = record::head(self.db, repo, name)?.flatten();
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

    /// Closes the commit for writing: it is finished when it is settled. With `error` its data is never part of a later
    /// commit; `description` replaces the one it was started with, unless it is empty.
    ///
    /// # Errors
    /// `AlreadyFinished`, `NotFound` (the commit).
    pub fn finish_commit(&mut self, commit: &CommitSelector, description: &str, error: &str) -> Result<(), Failure> {
        // pachd has a prefix for this call where the commit is missing (recording p 019), and none where it is closed
        // already (http 053).
        let row = CommitRow::pick(self.db, commit).map_err(|failure| failure.within("finish commit in transaction"))?;
        if row.finishing {
            return Err(Refusal::AlreadyFinished(row.named(self.db)?).into());
        }
        self.close(row.id, description, error)
    }

    pub(super) fn close(&self, commit: i64, description: &str, error: &str) -> Result<(), Failure> {
        self.db
            .prepare_cached(
                "UPDATE commits SET finishing = ?2, updated = ?2, error = ?3,
                     description = CASE ?4 WHEN '' THEN description ELSE ?4 END
                 WHERE id = ?1",
            )?
            .execute(params![commit, self.now, error, description])?;
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

/// A commit whose content the ports may read, and its history. (`View` reads the others too.)
pub(super) fn good(db: &Connection, commit: &Commit) -> Result<(CommitRow, Chain), Failure> {
    let row = CommitRow::pick(db, &commit.into())?;
    let no_content = |what, more| Refusal::NoContent {
        commit: CommitRecord::named(&commit.repo, &commit.id),
        what,
        more,
    };
    match row.place {
        Some(place) => {
            let chain = Chain::of(db, place)?;
            Ok((row, chain))
        }
        None if row.finished => Err(no_content("finished with an error", format!(": {}", row.error)).into()),
        None => Err(no_content("is not finished", " yet".to_owned()).into()),
    }
}
