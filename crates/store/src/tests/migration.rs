//! A store of an earlier version becomes one of this version, and nothing is lost.

use super::*;

/// The tables of version 1, as it made them.
const VERSION_1: &str = "
CREATE TABLE repos (
    id      INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    name    TEXT NOT NULL,
    created INTEGER NOT NULL,
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
-- nearest ancestor without an error. Only a good commit has a place (lineage, depth).
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
    UNIQUE (repo, name),
    UNIQUE (lineage, depth)
) STRICT;
CREATE INDEX commits_by_name ON commits (name);
CREATE INDEX commits_by_parent ON commits (parent);

CREATE TABLE branches (
    repo INTEGER NOT NULL REFERENCES repos (id),
    name TEXT NOT NULL,
    head INTEGER REFERENCES commits (id),
    PRIMARY KEY (repo, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX branches_by_head ON branches (head);

-- `archive` is the SHA-256 of the tar file with the bytes, NULL when the upload has deletions only.
CREATE TABLE uploads (
    id      INTEGER PRIMARY KEY,
    archive TEXT,
    size    INTEGER NOT NULL
) STRICT;
CREATE INDEX uploads_by_archive ON uploads (archive);

-- One change of an upload; `offset` is where its bytes are in the archive, NULL for a deletion.
CREATE TABLE changes (
    upload INTEGER NOT NULL REFERENCES uploads (id),
    path   TEXT NOT NULL,
    seq    INTEGER NOT NULL,
    offset INTEGER,
    size   INTEGER NOT NULL,
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

const TABLES: [(&str, &str); 10] = [
    ("repos", "id, project, name, created"),
    ("lineages", "id, parent, fork"),
    (
        "commits",
        "id, repo, name, branch, parent, base, description, started, finishing, finished, error, size, lineage, depth",
    ),
    ("branches", "repo, name, head"),
    ("uploads", "id, archive, size"),
    ("changes", "upload, path, seq, offset, size"),
    ("file_sets", "id, name, expires"),
    ("file_set_parts", "file_set, seq, upload"),
    ("commit_parts", "commit_id, seq, upload"),
    ("versions", "lineage, path, depth, size, start"),
];

/// Rewrites the store's database as version 1 had it.
fn make_version_1(dir: &Path) {
    let path = dir.join(DATABASE);
    let old = dir.join("version-1.sqlite");
    let database = rusqlite::Connection::open(&old).unwrap();
    database.execute_batch(VERSION_1).unwrap();
    database.pragma_update(None, "application_id", 0x7370_7574).unwrap();
    database.pragma_update(None, "user_version", 1).unwrap();
    database.execute("ATTACH ?1 AS new", [path.to_str().unwrap()]).unwrap();
    database.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    for (table, columns) in TABLES {
        let copy = format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}");
        database.execute(&copy, []).unwrap();
    }
    database.execute_batch("DETACH new").unwrap();
    database.pragma_update(None, "journal_mode", "WAL").unwrap();
    database.close().unwrap();
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(dir.join(format!("{DATABASE}{suffix}")));
    }
    fs::rename(old, path).unwrap();
}

#[test]
fn a_store_of_version_1_is_read_and_written_as_before() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let store = Store::open(dir).unwrap();
    store.create_repo(&repo("events")).unwrap();
    let good = store.put([append("/a", "1"), append("/d/b", "2")]);
    let clash = store.put([append("/a/b", "x")]);
    let forked = store.put_on(&branch("other"), [append("/o", "3")]);
    let open = commit(&store.start_commit(&branch("master"), "mark").unwrap());
    let waiting = store.upload([append("/waiting", "4")]);
    let before = (
        store.history(&branch("master")),
        store.history(&branch("other")),
        store.tree(&good),
    );
    drop(store);
    make_version_1(dir);

    // As `get` opens it, and as `put` does.
    for store in [Store::open_existing(dir).unwrap(), Store::open(dir).unwrap()] {
        let after = (
            store.history(&branch("master")),
            store.history(&branch("other")),
            store.tree(&good),
        );
        assert_eq!(before, after);
        assert_eq!(store.viewed(&good), store.tree(&good));
    }
    let store = Store::open(dir).unwrap();
    store.add_file_set(&open, &waiting).unwrap();
    store.finish_commit(&open, "", None).unwrap();
    assert_eq!(store.text(&open, "/waiting"), "4");
    assert_eq!(store.text(&forked, "/o"), "3");
    let [good, clash] = [good, clash].map(|commit| store.record(&(&commit).into()).unwrap());
    assert!(good.checked && clash.checked && good.info.origin == Origin::User);
    assert_eq!(Some(good.updated), good.info.finished);
    let names: Vec<String> = store
        .projects()
        .unwrap()
        .into_iter()
        .map(|project| project.name)
        .collect();
    assert_eq!(names, ["default"]);
    assert_eq!(store.branches(&repo("events")).unwrap().len(), 2);
}

#[test]
fn a_migrated_store_has_the_tables_of_a_new_one() {
    let columns = |dir: &Path| -> Vec<String> {
        let database = rusqlite::Connection::open(dir.join(DATABASE)).unwrap();
        let mut statement = database
            .prepare(
                "SELECT schema.type || ' ' || schema.name || ' ' || ifnull(column.name || ' ' || column.type || ' ' ||
                     column.\"notnull\" || ' ' || ifnull(dflt_value, '-') || ' ' || column.pk, '')
                 FROM sqlite_schema schema LEFT JOIN pragma_table_info(schema.name) column ON schema.type = 'table'
                 ORDER BY 1",
            )
            .unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let [old, new] = [(), ()].map(|()| tempfile::tempdir().unwrap());
    for dir in [old.path(), new.path()] {
        drop(Store::open(dir).unwrap());
    }
    make_version_1(old.path());
    drop(Store::open(old.path()).unwrap());
    assert_eq!(columns(old.path()), columns(new.path()));
}

#[test]
fn a_store_of_version_2_keeps_pipelines_from_now_on() {
    let temporary = tempfile::tempdir().unwrap();
    let store = Store::open(temporary.path()).unwrap();
    store.create_repo(&repo("events")).unwrap();
    let good = store.put([append("/a", "1")]);
    drop(store);
    let database = rusqlite::Connection::open(temporary.path().join(DATABASE)).unwrap();
    let before = "DROP TRIGGER place_is_taken; DROP TABLE settling; DROP TABLE jobs; DROP TABLE pipeline_inputs;
        DROP TABLE metadata; DROP TABLE secrets;
        DROP INDEX commits_by_told; ALTER TABLE commits DROP COLUMN told; ALTER TABLE commits DROP COLUMN spec;
        DROP TABLE pipelines; DROP TABLE role_bindings; DROP TABLE tokens; PRAGMA user_version = 2";
    database.execute_batch(before).unwrap();
    drop(database);

    let store = Store::open(temporary.path()).unwrap();
    assert_eq!(store.text(&good, "/a"), "1");
    assert_eq!(store.pipelines().unwrap(), []);
}

#[test]
fn a_large_commit_that_a_store_of_version_4_has_closed_is_settled_in_slices() {
    let temporary = tempfile::tempdir().unwrap();
    let store = Store::open(temporary.path()).unwrap();
    store.create_repo(&repo("events")).unwrap();
    let file_set = store.upload((0..20).map(|n| append(&format!("/{n}"), "x")));
    let large = commit(&store.start_commit(&branch("master"), "").unwrap());
    store.add_file_set(&large, &file_set).unwrap();
    store
        .change(|work| work.finish_commit(&(&large).into(), "", ""))
        .unwrap();
    drop(store);
    let database = rusqlite::Connection::open(temporary.path().join(DATABASE)).unwrap();
    database
        .execute_batch("DROP TRIGGER place_is_taken; DROP TABLE settling; PRAGMA user_version = 4")
        .unwrap();
    drop(database);

    let mut store = Store::open(temporary.path()).unwrap();
    store.slices.paths = 3;
    store.wait_commit(&large, Duration::from_mins(1)).unwrap();
    assert_eq!(store.tree(&large).len(), 20);
}

#[test]
fn a_place_that_a_commit_is_being_put_at_is_refused_to_a_process_of_version_4() {
    let Fixture { store, dir, .. } = &Fixture::in_slices_of(1);
    store.put([append("/a", "first")]);
    let large = commit(&store.start_commit(&branch("master"), "").unwrap());
    let file_set = store.upload((0..20).map(|n| append(&format!("/{n}"), "x")));
    store.add_file_set(&large, &file_set).unwrap();
    store.finish_commit(&large, "", None).unwrap();
    store.settle_next().unwrap();
    let database = rusqlite::Connection::open(dir.join(DATABASE)).unwrap();
    // As that version finishes a commit: it takes the place for free, since no commit has it.
    let finish = "UPDATE commits SET finished = finishing, lineage = place.lineage, depth = place.depth
         FROM (SELECT lineage, depth FROM settling) place WHERE id = ?1";
    let other = commit(&store.start_commit(&branch("other"), "").unwrap());
    let other = store.record(&(&other).into()).unwrap().row;
    let refused = database.execute(finish, [other]).unwrap_err();
    assert!(
        refused.to_string().contains("by a later version of spoutctl"),
        "{refused}"
    );
    assert!(store.record(&(&large).into()).unwrap().info.finished.is_none());
    drop(database);
    while store.settle_next().unwrap().is_some() {}
    assert_eq!(store.tree(&large).len(), 21);
}
