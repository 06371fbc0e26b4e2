//! What `ModifyFile` and the closing of a commit do to the store, apart from its being finished.

use sha2::Digest;

use super::*;

fn modify(
    store: &Store,
    target: &CommitSelector,
    steps: impl IntoIterator<Item = Step>,
) -> Result<CommitRecord, Fault> {
    store.modify(target, &mut Steps::new(steps), &|| Ok(()))
}

fn settle_all(store: &Store) -> usize {
    std::iter::from_fn(|| store.settle_next().unwrap()).count()
}

/// Recordings http 014–021 and 045: one commit, which is closed when it begins and finished later.
#[test]
fn a_branch_that_is_modified_gets_a_closed_commit_of_its_own() {
    let Fixture { store, .. } = &Fixture::new();
    let master = CommitSelector::from(&branch("master"));
    let first = modify(store, &master, [append("/a", "hello\n")]).unwrap();
    assert_eq!(first.info.started, first.info.finishing);
    assert_eq!(first.info.finished, None);
    // Before it is finished, the next one comes (http 016).
    modify(store, &master, [append("/a", "world\n")]).unwrap();
    let empty = modify(store, &master, []).unwrap();
    assert_eq!(settle_all(store), 3);
    assert_eq!(store.text(&empty.info.commit, "/a"), "hello\nworld\n");
    assert_eq!(store.text(&first.info.commit, "/a"), "hello\n");
    assert_eq!(store.history(&branch("master")).len(), 3);
}

/// Recordings http 048, 049, 055.
#[test]
fn an_open_head_takes_what_is_modified_by_branch_and_a_closed_commit_nothing() {
    let Fixture { store, .. } = &Fixture::new();
    let open = commit(&store.start_commit(&branch("master"), "").unwrap());
    modify(store, &(&open).into(), [append("/open.txt", "x")]).unwrap();
    let record = modify(store, &(&branch("master")).into(), [append("/open2.txt", "x")]).unwrap();
    assert_eq!(record.info.commit.id, open.id);
    assert!(record.info.is_open());
    store.finish_commit(&open, "", None).unwrap();
    assert_eq!(store.tree(&open).len(), 2);
    let fault = modify(store, &(&open).into(), [append("/late", "x")]).unwrap_err();
    assert_eq!(fault.message, format!("commit {open} has already finished"));
}

/// A spout that is started again has an open commit on top of the one that somebody else has open.
#[test]
fn a_commit_on_an_open_one_finishes_nothing_but_itself() {
    let Fixture { store, .. } = &Fixture::new();
    let below = commit(&store.start_commit(&branch("master"), "").unwrap());
    modify(store, &(&below).into(), [append("/half", "1")]).unwrap();
    store
        .change(|work| {
            let repo = crate::lookup::repo_row(work.db, &repo("events"))?;
            work.restart_output(repo, &branch("master").name, Restart::Open)
        })
        .unwrap();
    let above = commit(&store.head(&branch("master")).unwrap());
    let fault = modify(store, &(&above).into(), [delete("/nothing/")]).unwrap_err();
    assert_eq!(fault.message, format!("base commit {below} not finished"));
    store.finish_commit(&above, "", None).unwrap();
    assert!(store.inspect_commit(&below).unwrap().is_open());
    modify(store, &(&below).into(), [append("/late", "2")]).unwrap();
    store.finish_commit(&below, "", None).unwrap();
    settle_all(store);
    for whole in [&below, &above] {
        assert_eq!(
            (store.text(whole, "/half"), store.text(whole, "/late")),
            ("1".into(), "2".into())
        );
    }
}

/// Recordings http 027, and p 018 for the commit.
#[test]
fn what_does_not_exist_is_not_modified() {
    let fixture = Fixture::new();
    let nowhere = Branch {
        repo: repo("nope"),
        name: BranchName::new("master").unwrap(),
    };
    let fault = modify(&fixture.store, &(&nowhere).into(), [append("/x", "x")]).unwrap_err();
    assert_eq!(
        (fault.kind, fault.message.as_str()),
        (FaultKind::NotFound, "repo default/nope not found")
    );
    assert!(files_below(&fixture.store.incoming()).is_empty());
    assert!(fixture.archives_on_disk().is_empty());
}

#[test]
fn a_body_that_breaks_off_makes_no_commit() {
    let fixture = Fixture::new();
    let mut steps = Steps::new([append("/a", "x".repeat(3_000))]);
    steps.failure = Some(io::Error::other("the connection broke"));
    let fault = fixture
        .store
        .modify(&(&branch("master")).into(), &mut steps, &|| Ok(()))
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Local);
    assert!(fixture.store.history(&branch("master")).is_empty());
    assert!(fixture.archives_on_disk().is_empty());
}

/// Recordings follow 001–005 and 011; that it takes what the same body wrote before is pachd 2.12's answer too.
#[test]
fn the_deletion_of_a_directory_takes_what_is_below_it() {
    let Fixture { store, .. } = &Fixture::new();
    let master = CommitSelector::from(&branch("master"));
    let files = |record: CommitRecord| -> Vec<String> {
        settle_all(store);
        store.tree(&record.info.commit).into_keys().collect()
    };
    let steps = ["/a", "/d/b", "/d/c", "/d-x", "/d0"].map(|path| append(path, "x"));
    modify(store, &master, steps).unwrap();
    let steps = [append("/d/new", "x"), delete("/d/"), append("/d/after", "x")];
    assert_eq!(
        files(modify(store, &master, steps).unwrap()),
        ["/a", "/d-x", "/d/after", "/d0"]
    );
    let kept = modify(store, &master, [delete("/d")]).unwrap();
    assert_eq!(
        files(kept),
        ["/a", "/d-x", "/d/after", "/d0"],
        "without the slash it is a file"
    );
    assert_eq!(
        files(modify(store, &master, [delete("/"), append("/last", "x")]).unwrap()),
        ["/last"]
    );
}

/// Recording p 061 and 069–071: pachd serves both, and `get` neither.
#[test]
fn a_view_shows_open_and_errored_commits_and_the_ports_do_not() {
    let Fixture { store, .. } = &Fixture::new();
    store.put([append("/a", "x")]);
    let clash = store.put([append("/a/b", "y")]);
    assert_eq!(store.viewed(&clash).into_keys().collect::<Vec<_>>(), ["/a", "/a/b"]);
    let open = commit(&store.start_commit(&branch("master"), "").unwrap());
    modify(store, &(&open).into(), [append("/offset", "99"), append("/a", "z")]).unwrap();
    let expected = BTreeMap::from([
        ("/a".to_owned(), b"xz".to_vec()),
        ("/offset".to_owned(), b"99".to_vec()),
    ]);
    assert_eq!(store.viewed(&open), expected, "without what collided");
    for commit in [&clash, &open] {
        assert!(store.get_file(commit, &path("/a")).is_err());
    }
}

#[test]
fn what_is_read_from_an_open_commit_ends_with_an_error_when_it_is_cleared() {
    let Fixture { store, .. } = &Fixture::new();
    let open = commit(&store.start_commit(&branch("master"), "").unwrap());
    let selector = CommitSelector::from(&open);
    modify(store, &selector, [append("/a", "old")]).unwrap();
    let view = View::of(store, &selector).unwrap();
    let file = view.file("/a").unwrap().unwrap();
    let mut reader = view.read(&file, 0);
    store.change(|work| work.clear_commit(&selector)).unwrap();
    modify(store, &selector, [append("/a", "new")]).unwrap();
    let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("commit {open} was cleared while it was read")
    );
    assert!(view.files("/", "0").is_err());
}

#[test]
fn a_hash_is_that_of_the_bytes_unless_they_came_in_pieces() {
    let Fixture { store, .. } = &Fixture::new();
    let large = vec![b'x'; 3 << 20];
    let one = store.put([append("/a", "1"), append("/empty", ""), append("/large", &large)]);
    let two = store.put([append("/b", "1"), append("/a", "2")]);
    let three = store.put(overwrite("/a", "12"));
    let hash = |commit: &Commit, path: &str| {
        let view = View::of(store, &commit.into()).unwrap();
        view.file(path).unwrap().unwrap().hash
    };
    let sha256 = |bytes: &[u8]| -> [u8; 32] { sha2::Sha256::digest(bytes).into() };
    for (commit, path, bytes) in [
        (&one, "/a", &b"1"[..]),
        (&one, "/empty", b""),
        (&one, "/large", &large),
        (&two, "/b", b"1"),
        (&three, "/a", b"12"),
    ] {
        assert_eq!(hash(commit, path), sha256(bytes), "{path}");
    }
    assert_ne!(
        hash(&two, "/a"),
        hash(&three, "/a"),
        "the same bytes, in two pieces and in one"
    );
    assert_eq!(hash(&two, "/large"), hash(&one, "/large"));
}

#[test]
fn a_commit_is_settled_after_its_parent_whoever_settles_it() {
    let Fixture { store, .. } = &Fixture::new();
    let master = CommitSelector::from(&branch("master"));
    for n in 0..3 {
        modify(store, &master, [append("/log", n.to_string())]).unwrap();
    }
    // A synchronous call on top settles what is before it.
    let last = store.put([append("/log", "3")]);
    assert_eq!(store.text(&last, "/log"), "0123");
    assert_eq!(settle_all(store), 0);
    let closed = modify(store, &master, [append("/log", "4")]).unwrap().info.commit;
    assert!(
        store.wait_commit(&closed, Duration::from_mins(1)).unwrap().is_good(),
        "who waits settles it"
    );
}

#[test]
fn what_is_tried_out_has_not_happened() {
    let Fixture { store, .. } = &Fixture::new();
    let master = branch("master");
    store
        .change(|work| {
            work.try_out(|work| work.start_commit(&master, None, ""))?;
            work.create_repo(&repo("kept"), "", false)
        })
        .unwrap();
    assert!(store.history(&master).is_empty());
    assert_eq!(store.inspect_branch(&master).unwrap(), None);
    assert!(store.repo_exists(&repo("kept")).unwrap());
}

#[test]
fn a_change_that_is_refused_leaves_nothing_of_what_came_before_it() {
    let Fixture { store, .. } = &Fixture::new();
    let fault = store.change(|work| {
        work.create_repo(&repo("half"), "", false)?;
        work.create_repo(&repo("events"), "", false)
    });
    assert_eq!(fault.unwrap_err().kind, FaultKind::AlreadyExists);
    assert!(!store.repo_exists(&repo("half")).unwrap());
}

#[test]
fn a_deleted_repo_leaves_no_archive_and_no_row() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let first = store.put([append("/a", "1")]);
    store.put([append("/b", "2")]);
    store.create_branch(&branch("fork"), Some(&first)).unwrap();
    store.put_on(&branch("fork"), [append("/c", "3")]);
    store.change(|work| work.squash_commit(&(&first).into())).unwrap();
    modify(store, &(&branch("open")).into(), [append("/d", "4")]).unwrap();
    assert!(store.change(|work| work.delete_repo(&repo("events"), false)).unwrap());
    fixture.let_pass(700);
    store.upload([]);
    assert!(fixture.archives_on_disk().is_empty());
    let database = rusqlite::Connection::open(fixture.dir.join(DATABASE)).unwrap();
    for table in [
        "repos",
        "branches",
        "commits",
        "lineages",
        "versions",
        "commit_parts",
        "changes",
    ] {
        let rows: i64 = database
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

#[test]
fn a_squashed_commit_goes_for_good_with_the_last_that_was_built_on_it() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let first = store.put([append("/a", "1")]);
    let second = store.put([append("/a", "2"), append("/b", "x")]);
    let third = store.put([append("/a", "3")]);
    store.change(|work| work.squash_commit(&(&second).into())).unwrap();
    assert_eq!(store.text(&third, "/a"), "123");
    assert_eq!(store.inspect_commit(&second).unwrap_err().kind, FaultKind::NotFound);
    store.drop_commit(&third).unwrap();
    assert_eq!(store.head(&branch("master")), Some(first.id.clone()));
    let next = store.put([append("/c", "4")]);
    assert_eq!(store.tree(&next).into_keys().collect::<Vec<_>>(), ["/a", "/c"]);
    fixture.let_pass(700);
    store.upload([]);
    assert_eq!(fixture.archives_on_disk().len(), 2);
}

#[test]
fn a_file_set_of_a_commit_holds_its_changes_or_its_whole_tree() {
    let Fixture { store, .. } = &Fixture::new();
    store.put([append("/a", "1"), append("/b", "1")]);
    let second = store.put([delete("/b"), append("/c", "2")]);
    for (total, files) in [(true, vec!["/a", "/c"]), (false, vec!["/c"])] {
        let file_set = store.file_set_of(&(&second).into(), total).unwrap();
        let on = branch(if total { "total" } else { "diff" });
        let open = commit(&store.start_commit(&on, "").unwrap());
        store.add_file_set(&open, &file_set).unwrap();
        store.finish_commit(&open, "", None).unwrap();
        assert_eq!(store.tree(&open).into_keys().collect::<Vec<_>>(), files);
    }
}
