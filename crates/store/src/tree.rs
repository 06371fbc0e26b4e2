//! The tree of files that a commit holds, without a copy of it per commit.
//!
//! A good commit stores one row for each path it changed. What a path is in a commit is the newest row among those of
//! the commit and its ancestors. Commits stand in *lineages*: a lineage is a line of commits, one depth after the
//! other, and a fork starts a new one. So the ancestors of a commit are a few stretches, each "lineage L up to depth
//! D", and looking up a path is one index seek a stretch.

use rusqlite::{Connection, OptionalExtension, params};

use super::changed::{self, Effect};
use super::commit_row::{CommitRow, Place};
use super::error::Failure;
use super::refusal::Refusal;
use spoutctl_core::pfs::Commit;

/// The stretches of lineages that make up a commit's history, the commit's own first.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain(Vec<Stretch>);

#[derive(Debug, Clone, Copy)]
struct Stretch {
    lineage: i64,
    /// The last depth that belongs to it.
    depth: i64,
}

/// A file as a commit has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    /// The depth at which it was last changed.
    pub depth: i64,
    /// The depth at which its content begins; what follows was appended.
    pub start: i64,
    pub size: i64,
}

/// The content of any commit: that of a good one is its chain; that of an open or errored one is its base's, with what
/// was added to it on top.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    chain: Chain,
    /// What was added when the tree was asked for: more may come to an open commit meanwhile.
    pub own: Vec<i64>,
}

/// A file as a [`Tree`] has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TreeFile {
    /// What the chain has of it that still counts.
    pub settled: Option<Version>,
    /// Whether the tree's own changes have a part in it.
    pub is_changed: bool,
    pub size: i64,
}

impl TreeFile {
    pub(super) fn settled(version: Version) -> Self {
        Self {
            settled: Some(version),
            is_changed: false,
            size: version.size,
        }
    }
}

impl From<Chain> for Tree {
    fn from(chain: Chain) -> Self {
        Self { chain, own: Vec::new() }
    }
}

impl Tree {
    pub(super) fn of(db: &Connection, commit: &CommitRow) -> Result<Self, Failure> {
        if let Some(place) = commit.place {
            return Ok(Chain::of(db, place)?.into());
        }
        let (chain, _) = base_chain(db, commit.known_base(db)?)?;
        let own = changed::uploads_of(db, commit.id)?;
        Ok(Self { chain, own })
    }

    pub(super) fn find(&self, db: &Connection, path: &str) -> rusqlite::Result<Option<TreeFile>> {
        let effect = Effect::of(db, &self.own, path)?;
        let settled = if effect.cleared {
            None
        } else {
            self.chain.find(db, path)?
        };
        if !effect.present && settled.is_none() {
            return Ok(None);
        }
        Ok(Some(TreeFile {
            settled,
            is_changed: effect.present,
            size: settled.map_or(0, |version| version.size) + effect.appended,
        }))
    }

    /// As [`Chain::next_file`].
    pub(super) fn next_file(
        &self,
        db: &Connection,
        after: &str,
        before: &str,
    ) -> rusqlite::Result<Option<(String, TreeFile)>> {
        let mut after = after.to_owned();
        loop {
            let settled = self.chain.next_file(db, &after, before)?;
            let changed = changed::next_path(db, &self.own, &after)?.filter(|path| path.as_str() < before);
            let path = match (settled, changed) {
                (Some((path, version)), changed) if changed.as_ref().is_none_or(|changed| path < *changed) => {
                    return Ok(Some((path, TreeFile::settled(version))));
                }
                (_, Some(path)) => path,
                (_, None) => return Ok(None),
            };
            if let Some(file) = self.find(db, &path)? {
                return Ok(Some((path, file)));
            }
            after = path;
        }
    }

    /// As [`Chain::next_change`].
    pub(super) fn next_change(
        &self,
        db: &Connection,
        path: &str,
        from: i64,
        to: i64,
    ) -> rusqlite::Result<Option<Place>> {
        self.chain.next_change(db, path, from, to)
    }
}

impl Chain {
    /// The history of the commit at `place`.
    pub(super) fn of(database: &Connection, place: Place) -> rusqlite::Result<Self> {
        let mut fork = database.prepare_cached("SELECT parent, fork FROM lineages WHERE id = ?1")?;
        let mut stretches = vec![Stretch {
            lineage: place.lineage,
            depth: place.depth,
        }];
        let mut lineage = place.lineage;
        while let (Some(parent), Some(depth)) = fork.query_row([lineage], |row| {
            Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?))
        })? {
            stretches.push(Stretch { lineage: parent, depth });
            lineage = parent;
        }
        Ok(Self(stretches))
    }

    /// The file at `path`, if there is one.
    pub(super) fn find(&self, database: &Connection, path: &str) -> rusqlite::Result<Option<Version>> {
        let mut newest = database.prepare_cached(
            "SELECT depth, start, size FROM versions WHERE lineage = ?1 AND path = ?2 AND depth <= ?3
             ORDER BY depth DESC LIMIT 1",
        )?;
        for stretch in &self.0 {
            let row = newest
                .query_row(params![stretch.lineage, path, stretch.depth], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<i64>>(2)?))
                })
                .optional()?;
            if let Some((depth, start, size)) = row {
                return Ok(size.map(|size| Version { depth, start, size }));
            }
        }
        Ok(None)
    }

    /// The first file, in the order of paths, whose path lies between the two bounds (both left out).
    ///
    /// It jumps from path to path by index, so versions of one path are not walked through.
    pub(super) fn next_file(
        &self,
        database: &Connection,
        after: &str,
        before: &str,
    ) -> rusqlite::Result<Option<(String, Version)>> {
        let mut next = database.prepare_cached(
            "SELECT path FROM versions WHERE lineage = ?1 AND path > ?2 AND path < ?3 ORDER BY path LIMIT 1",
        )?;
        let mut after = after.to_owned();
        loop {
            let mut least: Option<String> = None;
            for stretch in &self.0 {
                let limit = least.as_deref().unwrap_or(before);
                let path = next
                    .query_row(params![stretch.lineage, after, limit], |row| row.get(0))
                    .optional()?;
                least = path.or(least);
            }
            let Some(path) = least else {
                return Ok(None);
            };
            // It may be deleted, or newer than this commit.
            if let Some(version) = self.find(database, &path)? {
                return Ok(Some((path, version)));
            }
            after = path;
        }
    }

    /// The place of the first commit from depth `from` to `to` that has a row for `path`.
    pub(super) fn next_change(
        &self,
        database: &Connection,
        path: &str,
        from: i64,
        to: i64,
    ) -> rusqlite::Result<Option<Place>> {
        let mut oldest = database.prepare_cached(
            "SELECT depth FROM versions WHERE lineage = ?1 AND path = ?2 AND depth BETWEEN ?3 AND ?4
             ORDER BY depth LIMIT 1",
        )?;
        for &Stretch { lineage, depth } in self.0.iter().rev() {
            let found = oldest
                .query_row(params![lineage, path, from, to.min(depth)], |row| row.get(0))
                .optional()?;
            if let Some(depth) = found {
                return Ok(Some(Place { lineage, depth }));
            }
        }
        Ok(None)
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

/// A commit whose content the ports may read, and its history. (`View` reads the others too.)
pub(super) fn good(db: &Connection, commit: &Commit) -> Result<(CommitRow, Chain), Failure> {
    let row = CommitRow::pick(db, &commit.into())?;
    let no_content = |what, more| Refusal::NoContent {
        commit: commit.to_string(),
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

/// The bounds of everything under a directory, both left out: `0` is the character after `/`.
pub fn bounds_of_directory(path: &str) -> (String, String) {
    let directory = path.trim_end_matches('/');
    (format!("{directory}/"), format!("{directory}0"))
}

/// Takes back what a commit at `place` made of a path.
pub(super) fn forget_version(database: &Connection, place: Place, path: &str) -> rusqlite::Result<()> {
    database
        .prepare_cached("DELETE FROM versions WHERE lineage = ?1 AND path = ?2 AND depth = ?3")?
        .execute(params![place.lineage, path, place.depth])?;
    Ok(())
}

/// Forgets a lineage that no commit stands in, or will stand in.
pub(super) fn forget_unused(database: &Connection, lineage: i64) -> rusqlite::Result<()> {
    database
        .prepare_cached(
            "DELETE FROM lineages WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM commits WHERE lineage = ?1)
                 AND NOT EXISTS (SELECT 1 FROM settling WHERE lineage = ?1)",
        )?
        .execute([lineage])?;
    Ok(())
}

/// The place for the next good commit on top of `base`: the next depth of its lineage, or the first of a fork when
/// that is taken.
pub(super) fn place_after(database: &Connection, base: Option<Place>) -> rusqlite::Result<Place> {
    if let Some(Place { lineage, depth }) = base {
        let taken: bool = database
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM commits WHERE lineage = ?1 AND depth = ?2)
                     OR EXISTS (SELECT 1 FROM settling WHERE lineage = ?1 AND depth = ?2)",
            )?
            .query_row([lineage, depth + 1], |row| row.get(0))?;
        if !taken {
            return Ok(Place {
                lineage,
                depth: depth + 1,
            });
        }
    }
    database
        .prepare_cached("INSERT INTO lineages (parent, fork) VALUES (?1, ?2)")?
        .execute(params![base.map(|b| b.lineage), base.map(|b| b.depth)])?;
    Ok(Place {
        lineage: database.last_insert_rowid(),
        depth: base.map_or(1, |b| b.depth + 1),
    })
}
