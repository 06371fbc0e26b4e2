//! Large commits are settled in slices, and so are large uploads written down: others work meanwhile, and whatever
//! happens between two slices, nothing is lost, doubled or left behind.

use super::*;

const PATHS: u32 = 40;
/// Each path is written and checked.
const SLICES_OF_ONE: usize = 2 * PATHS as usize;

/// A closed commit of [`PATHS`] files, each with this text.
fn close_large(store: &Store, on: &Branch, text: &str) -> Commit {
    let file_set = store.upload((0..PATHS).flat_map(|n| overwrite(&format!("/d/{n}"), text)));
    let large = commit(&store.start_commit(on, "").unwrap());
    store.add_file_set(&large, &file_set).unwrap();
    store.finish_commit(&large, "", None).unwrap();
    large
}

fn is_finished(store: &Store, commit: &Commit) -> bool {
    store.inspect_commit(commit).unwrap().finished.is_some()
}

fn settle_all(store: &Store) {
    while store.settle_next().unwrap().is_some() {}
}

fn count(dir: &Path, sql: &str) -> i64 {
    let database = rusqlite::Connection::open(dir.join(DATABASE)).unwrap();
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Rows that nothing leads to.
fn left_behind(dir: &Path) -> i64 {
    count(
        dir,
        "SELECT (SELECT count(*) FROM settling)
            + (SELECT count(*) FROM lineages WHERE id NOT IN (SELECT lineage FROM commits WHERE lineage NOTNULL)
                AND id NOT IN (SELECT parent FROM lineages WHERE parent NOTNULL))
            + (SELECT count(*) FROM versions WHERE NOT EXISTS
                (SELECT 1 FROM commits WHERE commits.lineage = versions.lineage AND commits.depth = versions.depth))
            + (SELECT count(*) FROM pragma_foreign_key_check)",
    )
}

#[test]
fn others_commit_between_the_slices_of_a_large_commit() {
    let Fixture { store, dir, .. } = &Fixture::in_slices_of(2);
    let large = close_large(store, &branch("master"), "large");
    let mut between = 0;
    while !is_finished(store, &large) {
        let small = store.put_on(&branch("other"), overwrite("/f", between.to_string()));
        assert_eq!(store.text(&small, "/f"), between.to_string());
        between += 1;
        store.settle_next().unwrap();
    }
    assert!(between > 10, "{between}");
    assert_eq!(store.tree(&large).len(), PATHS as usize);
    assert_eq!(left_behind(dir), 0);
}

#[test]
fn whoever_is_closed_later_comes_in_turn_while_a_large_commit_is_settled() {
    let Fixture { store, .. } = &Fixture::in_slices_of(4);
    let large = close_large(store, &branch("master"), "large");
    let small = commit(&store.start_commit(&branch("other"), "").unwrap());
    // Only closed, as a server does it.
    store
        .change(|work| work.finish_commit(&(&small).into(), "", ""))
        .unwrap();
    for _ in 0..2 {
        store.settle_next().unwrap();
    }
    assert!(is_finished(store, &small));
    assert!(!is_finished(store, &large));
    // And is not kept from its end by any number of small ones.
    for _ in 0..SLICES_OF_ONE {
        let next = commit(&store.start_commit(&branch("other"), "").unwrap());
        store
            .change(|work| work.finish_commit(&(&next).into(), "", ""))
            .unwrap();
        store.settle_next().unwrap();
    }
    assert!(is_finished(store, &large));
}

#[test]
fn a_store_that_is_opened_anew_after_each_slice_goes_on_with_the_next() {
    let Fixture { store, dir, .. } = &Fixture::in_slices_of(1);
    let first = store.put(overwrite("/d/0", "before"));
    let large = close_large(store, &branch("master"), "large");
    let mut opened = 0;
    while !is_finished(store, &large) {
        let mut again = Store::open(dir).unwrap();
        again.slices = store.slices;
        again.settle_next().unwrap();
        opened += 1;
    }
    assert!(opened >= SLICES_OF_ONE, "{opened}");
    assert!(store.tree(&large).values().all(|text| text == b"large"));
    assert_eq!(store.inspect_commit(&large).unwrap().error, "");
    assert_eq!(store.text(&first, "/d/0"), "before");
    assert_eq!(left_behind(dir), 0);
}

#[test]
fn a_commit_on_the_same_parent_gets_a_place_of_its_own_meanwhile() {
    let Fixture { store, dir, .. } = &Fixture::in_slices_of(1);
    let first = store.put(overwrite("/d/0", "before"));
    for name in ["one", "two"] {
        store.create_branch(&branch(name), Some(&first)).unwrap();
    }
    let one = close_large(store, &branch("one"), "one");
    store.settle_next().unwrap();
    let two = close_large(store, &branch("two"), "two");
    settle_all(store);
    for (commit, text) in [(&one, "one"), (&two, "two")] {
        let tree = store.tree(commit);
        assert_eq!(tree.len(), PATHS as usize);
        assert!(tree.values().all(|content| content == text.as_bytes()), "{text}");
    }
    assert_eq!(left_behind(dir), 0);
}

#[test]
fn a_commit_that_is_dropped_or_whose_repo_is_deleted_between_any_two_slices_leaves_nothing_behind() {
    for slices in 0..SLICES_OF_ONE + 2 {
        for is_dropped in [true, false] {
            let Fixture { store, dir, .. } = &Fixture::in_slices_of(1);
            let large = close_large(store, &branch("master"), "large");
            for _ in 0..slices {
                store.settle_next().unwrap();
            }
            if is_dropped {
                store.drop_commit(&large).unwrap();
            } else {
                store.change(|work| work.delete_repo(&repo("events"), false)).unwrap();
            }
            settle_all(store);
            assert_eq!(left_behind(dir), 0, "after {slices} slices, dropped: {is_dropped}");
            assert_eq!(count(dir, "SELECT count(*) FROM versions"), 0);
        }
    }
}

#[test]
fn what_a_commit_was_closed_on_stays_its_base_also_when_that_is_deleted_between_any_two_slices() {
    for slices in 0..SLICES_OF_ONE + 2 {
        let is_errored_between = slices % 2 == 0;
        let Fixture { store, dir, .. } = &Fixture::in_slices_of(1);
        store.put([append("/first", "first")]);
        let deleted = store.put([append("/d/1", "before ")]);
        if is_errored_between {
            let errored = commit(&store.start_commit(&branch("master"), "").unwrap());
            store.finish_commit(&errored, "", Some("failed")).unwrap();
            settle_all(store);
        }
        let file_set = store.upload((0..PATHS).map(|n| append(&format!("/d/{n}"), "large")));
        let large = commit(&store.start_commit(&branch("master"), "").unwrap());
        store.add_file_set(&large, &file_set).unwrap();
        store.finish_commit(&large, "", None).unwrap();
        for _ in 0..slices {
            store.settle_next().unwrap();
        }
        store.change(|work| work.delete_commit(&(&deleted).into())).unwrap();
        settle_all(store);
        let at = format!("after {slices} slices, an errored one between: {is_errored_between}");
        let tree = store.tree(&large);
        assert_eq!(tree.len(), PATHS as usize + 1, "{at}");
        assert_eq!(tree["/d/1"], b"before large", "{at}");
        assert_eq!(tree["/first"], b"first", "{at}");
        let size: usize = tree.values().map(Vec::len).sum();
        let record = store.record(&(&large).into()).unwrap();
        assert_eq!(record.info.size_bytes, size as u64, "{at}");
        assert_eq!(left_behind(dir), 0, "{at}");
        let next = store.put([append("/d/1", " next")]);
        assert_eq!(store.text(&next, "/d/1"), "before large next", "{at}");
    }
}

#[test]
fn a_collision_that_is_found_in_slices_takes_everything_back() {
    let Fixture { store, dir, .. } = &Fixture::in_slices_of(1);
    store.put(overwrite("/a", "file"));
    let before = count(dir, "SELECT count(*) FROM versions");
    let bad = store.put((0..10).flat_map(|n| overwrite(&format!("/a/{n}"), "below")));
    assert!(store.error_of(&bad).contains("path collision (/a/0)"));
    assert_eq!(count(dir, "SELECT count(*) FROM versions"), before);
    assert_eq!(left_behind(dir), 0);
    let next = store.put(overwrite("/b", "good"));
    assert_eq!(store.tree(&next).len(), 2);
}

#[test]
fn an_upload_that_is_written_down_in_slices_is_whole_or_nobody_knows_it() {
    let fixture = Fixture::in_slices_of(3);
    let Fixture { store, dir, .. } = &fixture;
    let file_set = store.upload((0..PATHS).map(|n| append(&format!("/{n}"), n.to_string())));
    let done = commit(&store.start_commit(&branch("master"), "").unwrap());
    store.add_file_set(&done, &file_set).unwrap();
    store.finish_commit(&done, "", None).unwrap();
    settle_all(store);
    assert_eq!(store.tree(&done).len(), PATHS as usize);
    // One whose writer died after its first slice.
    let database = rusqlite::Connection::open(dir.join(DATABASE)).unwrap();
    database
        .execute_batch(
            "INSERT INTO uploads (id, size) VALUES (900, 0);
             INSERT INTO changes (upload, path, seq, offset, size) VALUES (900, '/half', 0, 512, 4);
             INSERT INTO file_sets (id, name, expires) VALUES (900, 'nobody knows', 1800000600000000);
             INSERT INTO file_set_parts (file_set, seq, upload) VALUES (900, 0, 900);",
        )
        .unwrap();
    drop(database);
    fixture.let_pass(3600);
    store.upload([append("/next", "x")]);
    assert_eq!(count(dir, "SELECT count(*) FROM uploads WHERE id = 900"), 0);
    assert_eq!(count(dir, "SELECT count(*) FROM changes WHERE upload = 900"), 0);
}
