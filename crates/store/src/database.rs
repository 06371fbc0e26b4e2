//! The database file of a store: making it, knowing it again, and one connection a call.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, ffi};

use super::dialect::Dialect;
use super::error::{Failure, StoreError};
use spoutctl_core::fault::Fault;

/// How long a call waits for others' transactions, of this process and of others.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections kept open between calls; more are opened when more threads call at once.
const IDLE_CONNECTIONS: usize = 4;
/// The database's pages that one connection keeps in memory, in KiB as `SQLite` counts them: negative.
const CACHE_KIB: i64 = -4096;
/// "sput": marks the file as ours for `file(1)` and for [`identify`].
const APPLICATION_ID: i64 = 0x7370_7574;
const SCHEMA_VERSION: i64 = 5;

/// Times are microseconds since 1970, sizes and offsets bytes. What each table means stands in the docs of this
/// crate.
const SCHEMA: &str = "
CREATE TABLE repos (
    id          INTEGER PRIMARY KEY,
    project     TEXT NOT NULL,
    name        TEXT NOT NULL,
    created     INTEGER NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    UNIQUE (project, name)
) STRICT;

-- A line of good commits, each the content's next step after the one before. `fork` is the depth in `parent` that it
-- starts after; the first lineage of a history has neither.
CREATE TABLE lineages (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    parent INTEGER REFERENCES lineages (id),
    fork   INTEGER
) STRICT;
CREATE INDEX lineages_by_parent ON lineages (parent);

-- AUTOINCREMENT: a row id is never used twice, so that a reader notices when its commit was dropped. `base` is the
-- nearest ancestor without an error, known once the parent is finished. Only a good commit has a place (lineage,
-- depth). Between `finishing` and `finished`, a commit waits to be settled; `checked` is set when its content was
-- looked at for collisions then. A `squashed` one is no commit any more: it holds what later ones are based on.
-- `cleared` counts `ClearCommit`, so that a reader of an open commit notices.
CREATE TABLE commits (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    repo        INTEGER NOT NULL REFERENCES repos (id),
    name        TEXT NOT NULL,
    branch      TEXT NOT NULL,
    parent      INTEGER REFERENCES commits (id),
    base        INTEGER,
    description TEXT NOT NULL,
    started     INTEGER NOT NULL,
    finishing   INTEGER,
    finished    INTEGER,
    error       TEXT NOT NULL DEFAULT '',
    size        INTEGER NOT NULL DEFAULT 0,
    lineage     INTEGER REFERENCES lineages (id),
    depth       INTEGER,
    origin      TEXT NOT NULL DEFAULT 'USER',
    updated     INTEGER NOT NULL DEFAULT 0,
    checked     INTEGER NOT NULL DEFAULT 0,
    squashed    INTEGER NOT NULL DEFAULT 0,
    cleared     INTEGER NOT NULL DEFAULT 0,
    UNIQUE (repo, name),
    UNIQUE (lineage, depth)
) STRICT;
CREATE INDEX commits_by_name ON commits (name);
CREATE INDEX commits_by_parent ON commits (parent);
CREATE INDEX commits_by_base ON commits (base);
CREATE INDEX commits_by_repo ON commits (repo, id);
CREATE INDEX commits_unsettled ON commits (id) WHERE finishing IS NOT NULL AND finished IS NULL;

CREATE TABLE branches (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    repo    INTEGER NOT NULL REFERENCES repos (id),
    name    TEXT NOT NULL,
    head    INTEGER REFERENCES commits (id),
    created INTEGER NOT NULL DEFAULT 0,
    updated INTEGER NOT NULL DEFAULT 0,
    UNIQUE (repo, name)
) STRICT;
CREATE INDEX branches_by_head ON branches (head);

-- `archive` is the SHA-256 of the tar file with the bytes, NULL when the upload has deletions only.
CREATE TABLE uploads (
    id      INTEGER PRIMARY KEY,
    archive TEXT,
    size    INTEGER NOT NULL
) STRICT;
CREATE INDEX uploads_by_archive ON uploads (archive);

-- One change of an upload; `offset` is where its bytes are in the archive, NULL for a deletion. `sha256` is that of the
-- bytes, NULL for those that came with version 1.
CREATE TABLE changes (
    upload INTEGER NOT NULL REFERENCES uploads (id),
    path   TEXT NOT NULL,
    seq    INTEGER NOT NULL,
    offset INTEGER,
    size   INTEGER NOT NULL,
    sha256 BLOB,
    PRIMARY KEY (upload, path, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE file_sets (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX file_sets_by_expiry ON file_sets (expires);

CREATE TABLE file_set_parts (
    file_set INTEGER NOT NULL REFERENCES file_sets (id),
    seq      INTEGER NOT NULL,
    upload   INTEGER NOT NULL REFERENCES uploads (id),
    PRIMARY KEY (file_set, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_set_parts_by_upload ON file_set_parts (upload);

CREATE TABLE commit_parts (
    commit_id INTEGER NOT NULL REFERENCES commits (id),
    seq       INTEGER NOT NULL,
    upload    INTEGER NOT NULL REFERENCES uploads (id),
    PRIMARY KEY (commit_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX commit_parts_by_upload ON commit_parts (upload);

-- What a good commit made of a path. `size` is the whole file's, NULL when the path was deleted; `start` is the depth
-- of the version that the content begins with.
CREATE TABLE versions (
    lineage INTEGER NOT NULL REFERENCES lineages (id),
    path    TEXT NOT NULL,
    depth   INTEGER NOT NULL,
    size    INTEGER,
    start   INTEGER NOT NULL,
    PRIMARY KEY (lineage, path, depth)
) STRICT, WITHOUT ROWID;

-- Archives that nothing names any more and whose files are still to be removed.
CREATE TABLE doomed_archives (
    archive TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
";

/// Tables that a store of version 1 lacks, and a new one has after [`SCHEMA`].
const SINCE_VERSION_2: &str = "
CREATE TABLE projects (
    name        TEXT PRIMARY KEY,
    description TEXT NOT NULL DEFAULT '',
    created     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Requests that are carried out together, or never. Both texts are whoever serves the store's own.
CREATE TABLE transactions (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    started INTEGER NOT NULL
) STRICT;
CREATE TABLE transaction_requests (
    transaction_id INTEGER NOT NULL REFERENCES transactions (id) ON DELETE CASCADE,
    seq            INTEGER NOT NULL,
    request        TEXT NOT NULL,
    response       TEXT NOT NULL,
    PRIMARY KEY (transaction_id, seq)
) STRICT, WITHOUT ROWID;
";

/// What a store of version 2 lacks, and a new one has after [`SCHEMA`].
const FROM_VERSION_2: &str = "
-- Pipelines that serve keeps. `submitted` and `effective` are specs in JSON. The name is also that of the repo that the
-- pipeline writes; its spec's commit has an id, and no row.
CREATE TABLE pipelines (
    id            INTEGER PRIMARY KEY,
    project       TEXT NOT NULL,
    name          TEXT NOT NULL,
    version       INTEGER NOT NULL,
    stopped       INTEGER NOT NULL DEFAULT 0,
    spec_commit   TEXT NOT NULL,
    output_branch TEXT NOT NULL,
    salt          TEXT NOT NULL,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL,
    created_by    TEXT NOT NULL,
    submitted     TEXT NOT NULL,
    effective     TEXT NOT NULL,
    UNIQUE (project, name)
) STRICT;

-- Which roles somebody has on something: a resource is `CLUSTER`, `PROJECT name` or `REPO project/name`.
CREATE TABLE role_bindings (
    resource  TEXT NOT NULL,
    principal TEXT NOT NULL,
    role      TEXT NOT NULL,
    PRIMARY KEY (resource, principal, role)
) STRICT, WITHOUT ROWID;

-- Tokens that were given out, by the SHA-256 of each.
CREATE TABLE tokens (
    digest    BLOB PRIMARY KEY,
    principal TEXT NOT NULL,
    expires   INTEGER
) STRICT, WITHOUT ROWID;
";

/// What a store of version 3 lacks. `told` is the id that a commit is told by, where another one of its repo has that
/// for a name: before 2.6, pachd's commits are known by their branch and id together. `spec` is the commit of the
/// pipeline's spec that wrote it.
const FROM_VERSION_3: &str = "
ALTER TABLE commits ADD COLUMN told TEXT;
ALTER TABLE commits ADD COLUMN spec TEXT;
CREATE INDEX commits_by_told ON commits (told) WHERE told IS NOT NULL;

-- The branches that a pipeline reads.
CREATE TABLE pipeline_inputs (
    pipeline INTEGER NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
    project  TEXT NOT NULL,
    repo     TEXT NOT NULL,
    branch   TEXT NOT NULL,
    PRIMARY KEY (pipeline, project, repo, branch)
) STRICT, WITHOUT ROWID;
CREATE INDEX pipeline_inputs_by_branch ON pipeline_inputs (project, repo, branch);

-- `output` is the commit that the job would fill.
CREATE TABLE jobs (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    project       TEXT NOT NULL,
    pipeline      TEXT NOT NULL,
    name          TEXT NOT NULL,
    version       INTEGER NOT NULL,
    killed        INTEGER NOT NULL DEFAULT 0,
    reason        TEXT NOT NULL DEFAULT '',
    created       INTEGER NOT NULL,
    finished      INTEGER,
    output_branch TEXT NOT NULL,
    output        INTEGER NOT NULL REFERENCES commits (id) ON DELETE CASCADE,
    UNIQUE (project, pipeline, name)
) STRICT;
CREATE INDEX jobs_by_output ON jobs (output);

-- What users note: `about` is what store::metadata makes of a subject.
CREATE TABLE metadata (
    about TEXT NOT NULL,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (about, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
    name    TEXT PRIMARY KEY,
    kind    TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// What a store of version 4 lacks: a commit that is being settled, how far that is, and its place, which is nobody
/// else's. A process of version 4 that has the store open meanwhile does not know of it: the trigger refuses what it
/// would put there.
const FROM_VERSION_4: &str = "
CREATE TABLE settling (
    commit_id INTEGER PRIMARY KEY REFERENCES commits (id) ON DELETE CASCADE,
    lineage   INTEGER NOT NULL REFERENCES lineages (id),
    depth     INTEGER NOT NULL,
    pass      INTEGER NOT NULL,
    path      TEXT NOT NULL,
    growth    INTEGER NOT NULL,
    collision TEXT NOT NULL,
    UNIQUE (lineage, depth)
) STRICT;
CREATE TRIGGER place_is_taken BEFORE UPDATE OF lineage ON commits
WHEN EXISTS (SELECT 1 FROM settling WHERE lineage = NEW.lineage AND depth = NEW.depth AND commit_id <> NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'another commit is being put there by a later version of spoutctl');
END;
";

/// What a store of version 1 lacks besides. Its commits were settled by the call that finished them. The defaults let a
/// process of the version before, which has the store open meanwhile, go on.
const FROM_VERSION_1: &str = "
INSERT INTO projects (name, created) SELECT project, min(created) FROM repos GROUP BY project;
ALTER TABLE repos ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN sha256 BLOB;

ALTER TABLE commits ADD COLUMN origin TEXT NOT NULL DEFAULT 'USER';
ALTER TABLE commits ADD COLUMN updated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE commits ADD COLUMN checked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE commits ADD COLUMN squashed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE commits ADD COLUMN cleared INTEGER NOT NULL DEFAULT 0;
UPDATE commits SET updated = ifnull(finished, started),
    checked = lineage IS NOT NULL OR error LIKE 'file / directory path collision (%';
CREATE INDEX commits_by_base ON commits (base);
CREATE INDEX commits_by_repo ON commits (repo, id);
CREATE INDEX commits_unsettled ON commits (id) WHERE finishing IS NOT NULL AND finished IS NULL;

CREATE TABLE branches_2 (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    repo    INTEGER NOT NULL REFERENCES repos (id),
    name    TEXT NOT NULL,
    head    INTEGER REFERENCES commits (id),
    created INTEGER NOT NULL DEFAULT 0,
    updated INTEGER NOT NULL DEFAULT 0,
    UNIQUE (repo, name)
) STRICT;
INSERT INTO branches_2 (repo, name, head, created, updated)
    SELECT branches.repo, branches.name, head, repos.created, ifnull(commits.started, repos.created)
    FROM branches JOIN repos ON repos.id = branches.repo LEFT JOIN commits ON commits.id = branches.head
    ORDER BY branches.repo, branches.name;
DROP TABLE branches;
ALTER TABLE branches_2 RENAME TO branches;
CREATE INDEX branches_by_head ON branches (head);
";

/// The database of one store. Every call is one transaction on a connection of its own.
pub(super) struct Database {
    path: PathBuf,
    /// Whose words a refusal is told in.
    pub(super) dialect: Dialect,
    synchronous: &'static str,
    idle: Mutex<Vec<Connection>>,
    /// Held by the thread that writes. `SQLite` keeps writers apart too, but by sleeping and asking again.
    writing: Mutex<()>,
    patience: Duration,
}

#[derive(Debug, PartialEq, Eq)]
enum Identity {
    /// Nothing in it yet: just made, or its maker died.
    Blank,
    /// A store of this earlier version.
    Older(i64),
    Ours,
}

impl Database {
    /// Opens `path`, making it a store's database when it is blank and `create` is set.
    pub(super) fn open(dir: &Path, path: PathBuf, create: bool) -> Result<Self, StoreError> {
        let database = Self::at(path);
        let mut connection = database.connect(create, BUSY_TIMEOUT)?;
        match database.identity(dir, &mut connection)? {
            Identity::Blank if !create => return Err(StoreError::NotAStore { dir: dir.to_owned() }),
            Identity::Blank => database.initialise(dir, &mut connection)?,
            Identity::Older(_) => database.migrate(dir, &mut connection)?,
            Identity::Ours => {}
        }
        database.give_back(connection);
        Ok(database)
    }

    /// Opens `path` if it is a store's database of this version.
    pub(super) fn open_current(dir: &Path, path: PathBuf) -> Option<Self> {
        let database = Self::at(path);
        let mut connection = database.connect(false, BUSY_TIMEOUT).ok()?;
        let is_current = matches!(database.identity(dir, &mut connection), Ok(Identity::Ours));
        database.give_back(connection);
        is_current.then_some(database)
    }

    fn at(path: PathBuf) -> Self {
        Self {
            path,
            dialect: Dialect::default(),
            // Syncs the log at every commit; NORMAL may lose the last ones in a power cut.
            synchronous: "FULL",
            idle: Mutex::default(),
            writing: Mutex::default(),
            patience: BUSY_TIMEOUT,
        }
    }

    /// Who does not get in within that time is told so.
    #[cfg(test)]
    pub(super) fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// For tests, which cannot cut the power: they are quick on a busy disk too.
    #[cfg(test)]
    pub(super) fn without_sync(self) -> Self {
        Self {
            synchronous: "OFF",
            idle: Mutex::default(),
            ..self
        }
    }

    /// Runs `work` on one consistent state.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>) -> Result<T, Fault> {
        self.transact(TransactionBehavior::Deferred, Instant::now() + self.patience, work)
    }

    /// Runs `work` with the store's one write lock; all of it is on disk when this returns, or nothing.
    pub(super) fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>) -> Result<T, Fault> {
        let deadline = Instant::now() + self.patience;
        let Some(_writing) = self.writing.try_lock_until(deadline) else {
            let source = ffi::Error::new(ffi::SQLITE_BUSY);
            return Err(self.error(rusqlite::Error::SqliteFailure(source, None)).into());
        };
        self.transact(TransactionBehavior::Immediate, deadline, work)
    }

    fn transact<T>(
        &self,
        behavior: TransactionBehavior,
        deadline: Instant,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, Fault> {
        let left = || deadline.saturating_duration_since(Instant::now());
        let mut connection = match self.take_idle() {
            Some(connection) => connection,
            None => self.connect(false, left())?,
        };
        connection.busy_timeout(left()).map_err(|source| self.error(source))?;
        match self.transact_on(&mut connection, behavior, work) {
            Ok(value) => {
                self.give_back(connection);
                Ok(value)
            }
            Err(Failure::Refusal(refusal)) => {
                self.give_back(connection);
                Err(refusal.fault(self.dialect))
            }
            Err(Failure::Fault(fault)) => {
                self.give_back(connection);
                Err(fault)
            }
            Err(Failure::Store(error)) => Err(error.into()),
            Err(Failure::Database(error)) => Err(self.error(error).into()),
        }
    }

    fn transact_on<T>(
        &self,
        connection: &mut Connection,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let transaction = connection.transaction_with_behavior(behavior)?;
        let value = work(&transaction)?;
        transaction.commit().map_err(|source| self.commit_error(source))?;
        Ok(value)
    }

    /// When syncing the log fails, its last frames may be on the disk all the same, and a recovery would find them.
    fn commit_error(&self, source: rusqlite::Error) -> StoreError {
        let path = self.path.clone();
        match source.sqlite_error_code() {
            Some(ErrorCode::SystemIoFailure) => StoreError::CommitUnknown { path, source },
            _ => StoreError::from_database(path, source),
        }
    }

    fn error(&self, source: rusqlite::Error) -> StoreError {
        StoreError::from_database(self.path.clone(), source)
    }

    fn take_idle(&self) -> Option<Connection> {
        self.idle.lock().pop()
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(connection);
        }
    }

    fn connect(&self, create: bool, patience: Duration) -> Result<Connection, StoreError> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if create {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        let configure = || {
            let connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(patience)?;
            connection.set_prepared_statement_cache_capacity(64);
            // Without this every new value of a bound range compiles its statement again: several times slower here.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.pragma_update(None, "cache_size", CACHE_KIB)?;
            connection.pragma_update(None, "synchronous", self.synchronous)?;
            connection.pragma_update(None, "foreign_keys", "ON")?;
            // What little is needed beside the database must not depend on a writable /tmp.
            connection.pragma_update(None, "temp_store", "MEMORY")?;
            Ok(connection)
        };
        configure().map_err(|source| self.error(source))
    }

    fn identity(&self, dir: &Path, connection: &mut Connection) -> Result<Identity, StoreError> {
        self.identify(dir, &connection.transaction().map_err(|source| self.error(source))?)
    }

    /// In a transaction: a store that another process makes in the meantime is all there or not at all.
    fn identify(&self, dir: &Path, connection: &Transaction<'_>) -> Result<Identity, StoreError> {
        let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let look = || {
            let application = number("PRAGMA application_id")?;
            let version = number("PRAGMA user_version")?;
            let tables = number("SELECT count(*) FROM sqlite_schema")?;
            Ok((application, version, tables))
        };
        match look().map_err(|source| self.error(source))? {
            (0, 0, 0) => Ok(Identity::Blank),
            (APPLICATION_ID, found, _) if found > SCHEMA_VERSION => Err(StoreError::NewerSchema {
                dir: dir.to_owned(),
                found,
                known: SCHEMA_VERSION,
            }),
            (APPLICATION_ID, SCHEMA_VERSION, _) => Ok(Identity::Ours),
            (APPLICATION_ID, found @ 1.., _) => Ok(Identity::Older(found)),
            _ => Err(StoreError::NotAStore { dir: dir.to_owned() }),
        }
    }

    /// Several processes may come here for one new file at once: the first makes the tables, the others find them.
    fn initialise(&self, dir: &Path, connection: &mut Connection) -> Result<(), StoreError> {
        self.set_wal(connection)?;
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|source| self.error(source))?;
        if self.identify(dir, &transaction)? == Identity::Ours {
            return Ok(());
        }
        let make = || {
            transaction.execute_batch(SCHEMA)?;
            transaction.execute_batch(SINCE_VERSION_2)?;
            transaction.execute_batch(FROM_VERSION_2)?;
            transaction.execute_batch(FROM_VERSION_3)?;
            transaction.execute_batch(FROM_VERSION_4)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)
        };
        make().map_err(|source| self.error(source))?;
        transaction.commit().map_err(|source| self.error(source))
    }

    /// As with making it, one of several processes does it, in one transaction.
    fn migrate(&self, dir: &Path, connection: &mut Connection) -> Result<(), StoreError> {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|source| self.error(source))?;
        let Identity::Older(version) = self.identify(dir, &transaction)? else {
            return Ok(());
        };
        let migrate = || {
            if version == 1 {
                transaction.execute_batch(SINCE_VERSION_2)?;
                transaction.execute_batch(FROM_VERSION_1)?;
            }
            if version <= 2 {
                transaction.execute_batch(FROM_VERSION_2)?;
            }
            if version <= 3 {
                transaction.execute_batch(FROM_VERSION_3)?;
            }
            transaction.execute_batch(FROM_VERSION_4)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)
        };
        migrate().map_err(|source| self.error(source))?;
        transaction.commit().map_err(|source| self.error(source))
    }

    /// The change of journal mode needs the file alone, and `SQLite` does not wait for that in every case.
    fn set_wal(&self, connection: &Connection) -> Result<(), StoreError> {
        let deadline = Instant::now() + BUSY_TIMEOUT;
        loop {
            match connection.pragma_update(None, "journal_mode", "WAL") {
                Ok(()) => return Ok(()),
                Err(source)
                    if source.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < deadline =>
                {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(source) => return Err(self.error(source)),
            }
        }
    }
}
