//! What the uploads of one commit change, path by path.
//!
//! An upload's changes are sorted by path in the database, so those of several are merged as they are read: nothing is
//! sorted, and nothing is held but one path an upload.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows::first_column;

/// The paths that a commit changes, in their order.
pub(super) struct ChangedPaths {
    /// In the order in which they were added; one added twice is here twice.
    parts: Vec<Part>,
}

struct Part {
    upload: i64,
    next: Option<String>,
}

/// What all the changes of a commit to one path come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Effect {
    /// What was there before is forgotten.
    pub cleared: bool,
    /// There is a file afterwards, whatever was there before.
    pub present: bool,
    pub appended: i64,
}

impl ChangedPaths {
    /// Those after `path`.
    pub(super) fn after(db: &Connection, commit: i64, path: &str) -> rusqlite::Result<Self> {
        let parts = uploads_of(db, commit)?
            .into_iter()
            .map(|upload| {
                let next = path_after(db, upload, path)?;
                Ok(Part { upload, next })
            })
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self { parts })
    }

    /// The next path, and what becomes of it.
    pub(super) fn next(&mut self, db: &Connection) -> rusqlite::Result<Option<(String, Effect)>> {
        let Some(path) = self.parts.iter().filter_map(|part| part.next.as_ref()).min().cloned() else {
            return Ok(None);
        };
        let mut effect = Effect::default();
        for part in self.parts.iter_mut().filter(|part| part.next.as_ref() == Some(&path)) {
            effect.take(db, part.upload, &path)?;
            part.next = path_after(db, part.upload, &path)?;
        }
        Ok(Some((path, effect)))
    }
}

/// What was added to a commit, in that order; what was added twice is here twice.
pub(super) fn uploads_of(db: &Connection, commit: i64) -> rusqlite::Result<Vec<i64>> {
    first_column(
        db,
        "SELECT upload FROM commit_parts WHERE commit_id = ?1 ORDER BY seq",
        [commit],
    )
}

/// The first path after `path` that one of the uploads changes.
pub(super) fn next_path(db: &Connection, uploads: &[i64], path: &str) -> rusqlite::Result<Option<String>> {
    let mut next: Option<String> = None;
    for upload in uploads {
        let candidate = path_after(db, *upload, path)?;
        if next.is_none() || candidate.as_ref().is_some_and(|c| next.as_ref().is_some_and(|n| c < n)) {
            next = candidate.or(next);
        }
    }
    Ok(next)
}

fn path_after(db: &Connection, upload: i64, path: &str) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT path FROM changes WHERE upload = ?1 AND path > ?2 ORDER BY path LIMIT 1")?
        .query_row(params![upload, path], |row| row.get(0))
        .optional()
}

impl Effect {
    /// What the uploads, one after the other, do to a path.
    pub(super) fn of(db: &Connection, uploads: &[i64], path: &str) -> rusqlite::Result<Self> {
        let mut effect = Self::default();
        for upload in uploads {
            effect.take(db, *upload, path)?;
        }
        Ok(effect)
    }

    fn take(&mut self, db: &Connection, upload: i64, path: &str) -> rusqlite::Result<()> {
        let mut changes =
            db.prepare_cached("SELECT offset, size FROM changes WHERE upload = ?1 AND path = ?2 ORDER BY seq")?;
        let mut rows = changes.query(params![upload, path])?;
        while let Some(row) = rows.next()? {
            let is_deletion = row.get::<_, Option<i64>>(0)?.is_none();
            if is_deletion {
                *self = Self {
                    cleared: true,
                    ..Self::default()
                };
            } else {
                self.present = true;
                self.appended += row.get::<_, i64>(1)?;
            }
        }
        Ok(())
    }
}
