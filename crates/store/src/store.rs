//! What every call has of a store: where it lies, its database, its clock, and whose behaviour it has.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;

use super::database::Database;
use super::dialect::Dialect;
use super::requests::Transactions;
use super::slices::{Slices, Turn};

pub(super) const ARCHIVES: &str = "archives";
pub(super) const INCOMING: &str = "incoming";

/// A store in a directory of this machine. Threads may share one, and processes may share the directory.
pub struct Store {
    pub(super) dir: PathBuf,
    pub(super) database: Database,
    pub(super) clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Only pipelines write their output branches; see [`Store::closing_outputs`].
    pub(super) closes_outputs: bool,
    pub(super) slices: Slices,
    pub(super) turn: Mutex<Turn>,
    /// Branches that this process is about to move: it alone can, so they end with it.
    pub(super) transactions: Transactions,
    pub(super) was_open: bool,
}

impl Store {
    /// Whether others could read the store until now.
    pub fn was_open_to_others(&self) -> bool {
        self.was_open
    }

    pub(super) fn with_database(dir: &Path, database: Database) -> Self {
        Self {
            dir: dir.to_owned(),
            database,
            clock: Box::new(Timestamp::now),
            closes_outputs: false,
            slices: Slices::default(),
            turn: Mutex::default(),
            transactions: Transactions::default(),
            was_open: false,
        }
    }

    /// Takes the time from `clock`: for commits' times, and for when file sets expire.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Refuses commits on the branches that pipelines write, as pachd does to everybody but a pipeline's own sidecar.
    /// Whoever has the directory may write them otherwise.
    #[must_use]
    pub fn closing_outputs(self) -> Self {
        Self {
            closes_outputs: true,
            ..self
        }
    }

    /// Behaves as the pachd of a dialect, and refuses in its words.
    #[must_use]
    pub fn as_pachd(mut self, dialect: Dialect) -> Self {
        self.database.dialect = dialect;
        self
    }

    pub fn dialect(&self) -> Dialect {
        self.database.dialect
    }

    /// Now, in microseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        (self.clock)().as_microsecond()
    }

    pub(super) fn after(&self, ttl: Duration) -> i64 {
        self.now()
            .saturating_add(i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX))
    }

    pub(super) fn archives(&self) -> PathBuf {
        self.dir.join(ARCHIVES)
    }

    pub(super) fn incoming(&self) -> PathBuf {
        self.dir.join(INCOMING)
    }

    pub(super) fn archive_path(&self, sha256: &str) -> PathBuf {
        let mut path = self.archives();
        path.push(sha256.get(..2).unwrap_or_default());
        path.push(format!("{sha256}.tar"));
        path
    }
}
