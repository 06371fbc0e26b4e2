//! Commits and repos that go: dropped, squashed, deleted.
//!
//! What a squashed commit held, later ones are built on. So its row stays, without a place in history, as long as some
//! commit is based on it; the last of those takes it along.

use rusqlite::{OptionalExtension, params};

use super::access::resource_of;
use super::archives::forget_parts;
use super::changed::ChangedPaths;
use super::commit_row::CommitRow;
use super::error::Failure;
use super::lookup::{CommitSelector, find_repo};
use super::metadata::repo_key;
use super::pipeline;
use super::refusal::Refusal;
use super::rows::{self, first_column};
use super::settle;
use super::slices::Slice;
use super::tree;
use super::work::Work;
use spoutctl_core::pfs::{Branch, BranchName, CommitId, Repo};

impl Work<'_> {
    /// Removes a commit without children; its parent is the head again of every branch that it was the head of.
    ///
    /// # Errors
    /// `NotFound`; when it has children.
    pub fn drop_commit(&mut self, commit: &CommitSelector) -> Result<(), Failure> {
        let row = CommitRow::pick(self.db, commit)?;
        self.drop_rows(&[row])
    }

    /// Removes every commit of an id, and tells how many there were.
    ///
    /// # Errors
    /// When one of them has children.
    pub fn drop_commit_set(&mut self, id: &CommitId) -> Result<usize, Failure> {
        let rows = self.commit_set(id)?;
        self.drop_rows(&rows)?;
        Ok(rows.len())
    }

    /// Children that go with them, such as an alias, are none.
    fn drop_rows(&mut self, rows: &[CommitRow]) -> Result<(), Failure> {
        for row in rows {
            if self
                .children(row)?
                .iter()
                .any(|child| rows.iter().all(|row| row.id != child.id))
            {
                return Err(Refusal::DropWithChildren(row.named(self.db)?).into());
            }
        }
        for row in rows.iter().rev() {
            self.take_from_history(row)?;
            self.erase(row)?;
        }
        Ok(())
    }

    /// Removes a commit from history and leaves its data to its children.
    ///
    /// # Errors
    /// `NotFound`; when it has no children, or one that is not finished.
    pub fn squash_commit(&mut self, commit: &CommitSelector) -> Result<(), Failure> {
        let row = CommitRow::pick(self.db, commit)?;
        self.squash_rows(&[row])
    }

    /// Squashes every commit of an id, and tells how many there were.
    ///
    /// # Errors
    /// When one of them has no children, or one that is not finished.
    pub fn squash_commit_set(&mut self, id: &CommitId) -> Result<usize, Failure> {
        let rows = self.commit_set(id)?;
        self.squash_rows(&rows)?;
        Ok(rows.len())
    }

    fn squash_rows(&mut self, rows: &[CommitRow]) -> Result<(), Failure> {
        for row in rows {
            let children = self.children(row)?;
            if children.is_empty() {
                return Err(Refusal::SquashWithoutChildren(row.named(self.db)?).into());
            }
            if let Some(unfinished) = children.iter().find(|child| !child.finished) {
                let (child, finishing) = (unfinished.named(self.db)?, unfinished.finishing);
                return Err(Refusal::ChildNotFinished { child, finishing }.into());
            }
        }
        for row in rows {
            self.take_from_history(row)?;
            self.leave_data_to_children(row)?;
        }
        Ok(())
    }

    /// Removes a commit, whatever is built on it, as 1.x does: what is finished keeps its data, what is open goes on
    /// from before it (recordings grpc-1.13 079, 080).
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete_commit(&mut self, commit: &CommitSelector) -> Result<(), Failure> {
        let row = CommitRow::pick(self.db, commit).map_err(|failure| failure.within("resolveCommit"))?;
        if row.finished {
            self.settle_what_is_closed_on(&row)?;
        }
        self.take_from_history(&row)?;
        self.db
            .prepare_cached("UPDATE commits SET base = ?2 WHERE base = ?1 AND finished IS NULL")?
            .execute(params![row.id, row.base])?;
        self.leave_data_to_children(&row)
    }

    /// Whoever is closed keeps what it was closed on, and what is settled of it so far was worked out on that base.
    fn settle_what_is_closed_on(&mut self, row: &CommitRow) -> Result<(), Failure> {
        let closed = self.numbers(
            "SELECT id FROM commits WHERE (parent = ?1 OR base = ?1) AND finishing IS NOT NULL AND finished IS NULL",
            row.id,
        )?;
        for commit in closed {
            self.settle_line(commit, &mut Slice::whole())?;
        }
        Ok(())
    }

    /// What nobody is built on goes at once.
    fn leave_data_to_children(&self, row: &CommitRow) -> Result<(), Failure> {
        if row.place.is_none() {
            return self.erase(row);
        }
        self.db
            .prepare_cached("UPDATE commits SET squashed = 1, parent = NULL WHERE id = ?1")?
            .execute([row.id])?;
        self.collect_squashed(Some(row.id))
    }

    fn commit_set(&self, id: &CommitId) -> Result<Vec<CommitRow>, Failure> {
        let sql = "SELECT id FROM commits WHERE (name = ?1 OR told = ?1) AND squashed = 0 ORDER BY id";
        rows::all(self.db, sql, [id.as_str()], |row| {
            Ok(CommitRow::by_id(self.db, row.get(0)?)?)
        })
    }

    fn children(&self, row: &CommitRow) -> Result<Vec<CommitRow>, Failure> {
        let sql = "SELECT id FROM commits WHERE parent = ?1 ORDER BY id";
        rows::all(self.db, sql, [row.id], |row| {
            Ok(CommitRow::by_id(self.db, row.get(0)?)?)
        })
    }

    /// Links what comes before the commit with what comes after it. A branch that has nothing left gets an empty
    /// commit, as in pachd, or has no head.
    fn take_from_history(&mut self, row: &CommitRow) -> Result<(), Failure> {
        self.db
            .prepare_cached("UPDATE commits SET parent = ?2 WHERE parent = ?1")?
            .execute(params![row.id, row.parent])?;
        let mut head = row.parent;
        let branches = "SELECT name FROM branches WHERE head = ?1 ORDER BY id";
        for branch in first_column::<String>(self.db, branches, [row.id])? {
            let new_head = match (head, BranchName::new(&branch)) {
                (None, Ok(name)) if self.dialect.heads_every_branch() => {
                    Some(self.make_empty_commit(row.repo, &name, "")?)
                }
                (head, _) => head,
            };
            self.set_head(row.repo, &branch, new_head)?;
            head = new_head;
        }
        Ok(())
    }

    /// Removes the commit, all that only it holds, and the squashed ones that were kept for it alone.
    fn erase(&self, row: &CommitRow) -> Result<(), Failure> {
        self.erase_one(row)?;
        self.collect_squashed(row.base)
    }

    fn erase_one(&self, row: &CommitRow) -> Result<(), Failure> {
        let place = match row.place {
            None => settle::place_of(self.db, row.id)?,
            place => place,
        };
        if let Some(place) = place {
            let mut changed = ChangedPaths::after(self.db, row.id, "")?;
            while let Some((path, _)) = changed.next(self.db)? {
                tree::forget_version(self.db, place, &path)?;
            }
        }
        forget_parts(self.db, row.id)?;
        self.db
            .prepare_cached("DELETE FROM commits WHERE id = ?1")?
            .execute([row.id])?;
        place.map_or(Ok(()), |place| Ok(tree::forget_unused(self.db, place.lineage)?))
    }

    /// Erases a squashed commit on which no commit is based any more; with it, perhaps, the one before it, and so on.
    fn collect_squashed(&self, commit: Option<i64>) -> Result<(), Failure> {
        let mut unused = self.db.prepare_cached(
            "SELECT id FROM commits WHERE id = ?1 AND squashed = 1
                     AND NOT EXISTS (SELECT 1 FROM commits later WHERE later.base = ?1)",
        )?;
        let mut next = commit;
        while let Some(commit) = next {
            let Some(row) = unused.query_row([commit], |row| row.get(0)).optional()? else {
                break;
            };
            let row = CommitRow::by_id(self.db, row)?;
            self.erase_one(&row)?;
            next = row.base;
        }
        Ok(())
    }

    /// Removes a repo with all that is in it, and tells whether there was one.
    ///
    /// # Errors
    /// When a pipeline writes it, or, without `force`, reads it.
    pub fn delete_repo(&mut self, repo: &Repo, force: bool) -> Result<bool, Failure> {
        if self.pipeline(repo)?.is_some() {
            return Err(Refusal::RepoOfPipeline(repo.clone()).into());
        }
        if !force {
            for branch in pipeline::branches_read(self.db, repo)? {
                self.check_unread(&branch).map_err(|failure| {
                    let step = format!("delete branch {}", self.dialect.branch(&branch));
                    failure.within(step).within(self.dialect.step_of_deleting_repos())
                })?;
            }
        }
        self.remove_repo(repo)
    }

    /// # Errors
    /// When a pipeline reads the branch.
    pub(super) fn check_unread(&self, branch: &Branch) -> Result<(), Failure> {
        let readers = pipeline::readers_of(self.db, branch)?;
        if readers.is_empty() {
            return Ok(());
        }
        let branch = branch.clone();
        Err(Refusal::BranchRead { branch, readers }.into())
    }

    pub(super) fn remove_repo(&mut self, repo: &Repo) -> Result<bool, Failure> {
        let Some(row) = find_repo(self.db, repo)? else {
            return Ok(false);
        };
        self.forget_roles_on(&resource_of(repo))?;
        self.forget_notes(&repo_key(row))?;
        for sql in [
            "DELETE FROM branches WHERE repo = ?1",
            "UPDATE commits SET parent = NULL WHERE repo = ?1",
        ] {
            self.db.execute(sql, [row])?;
        }
        let lineages = self.numbers(
            "SELECT lineage FROM commits WHERE repo = ?1 AND lineage IS NOT NULL
             UNION SELECT settling.lineage FROM settling JOIN commits ON commits.id = commit_id WHERE repo = ?1",
            row,
        )?;
        for lineage in &lineages {
            self.db.execute("DELETE FROM versions WHERE lineage = ?1", [lineage])?;
        }
        for commit in self.numbers("SELECT id FROM commits WHERE repo = ?1", row)? {
            forget_parts(self.db, commit)?;
        }
        self.db.execute("DELETE FROM commits WHERE repo = ?1", [row])?;
        // A fork is younger than what it forks from.
        for lineage in lineages.into_iter().rev() {
            self.db.execute("DELETE FROM lineages WHERE id = ?1", [lineage])?;
        }
        self.db.execute("DELETE FROM repos WHERE id = ?1", [row])?;
        Ok(true)
    }

    fn numbers(&self, sql: &str, of: i64) -> rusqlite::Result<Vec<i64>> {
        let mut numbers: Vec<i64> = first_column(self.db, sql, [of])?;
        numbers.sort_unstable();
        Ok(numbers)
    }
}
