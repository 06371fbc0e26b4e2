//! Crashes, damage, other processes, and directories that are no store.

use std::time::SystemTime;

use super::*;

fn old(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_hours(1)).unwrap();
}

fn open_error(result: Result<Store, StoreError>) -> StoreError {
    match result {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

#[test]
fn what_was_finished_is_there_when_the_store_is_opened_again() {
    let fixture = Fixture::new();
    let done = fixture.store.put([append("/a", "x")]);
    let open = fixture.store.start_commit(&branch("master"), "mark").unwrap();
    // No handle is closed in between: as after a kill.
    for store in [
        Store::open(&fixture.dir).unwrap(),
        Store::open_existing(&fixture.dir).unwrap(),
    ] {
        assert_eq!(store.text(&done, "/a"), "x");
        assert_eq!(store.head(&branch("master")), Some(open.clone()));
        assert!(store.inspect_commit(&commit(&open)).unwrap().is_open());
    }
}

#[test]
fn changes_that_fail_leave_nothing_behind() {
    let fixture = Fixture::new();
    let mut steps = Steps::new([append("/a", "x".repeat(3_000)), append("/b", "x")]);
    steps.failure = Some(io::Error::other("the spool cannot be read"));
    let fault = fixture.store.create_file_set(&mut steps).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Local);
    assert!(fault.message.contains("the spool cannot be read"), "{fault}");
    assert!(files_below(&fixture.store.incoming()).is_empty());
    assert!(fixture.archives_on_disk().is_empty());
}

#[test]
fn leftovers_of_dead_processes_are_cleared_and_those_of_living_ones_are_not() {
    let fixture = Fixture::new();
    let incoming = fixture.store.incoming();
    let [dead, fresh, living] = ["dead.tar", "fresh.tar", "living.tar"].map(|name| incoming.join(name));
    for file in [&dead, &fresh, &living] {
        fs::write(file, "half of an archi").unwrap();
    }
    old(&dead);
    old(&living);
    let lock = File::open(&living).unwrap();
    lock.lock().unwrap();
    Store::open(&fixture.dir).unwrap();
    assert_eq!(files_below(&incoming), [fresh, living]);
}

#[test]
fn an_archive_without_a_row_is_swept_and_one_with_a_row_is_not() {
    let fixture = Fixture::new();
    let done = fixture.store.put([append("/a", "x")]);
    let [archive] = &fixture.archives_on_disk()[..] else {
        panic!("one archive")
    };
    let directory = archive.parent().unwrap();
    let prefix = directory.file_name().unwrap().to_str().unwrap();
    let stray = directory.join(format!("{prefix}{}.tar", "0".repeat(62)));
    let foreign = directory.join("notes.txt");
    fs::write(&stray, "a crash came between the rename and the commit").unwrap();
    fs::write(&foreign, "somebody's own").unwrap();
    remove_strays(&fixture.store, directory).unwrap();
    assert!(!stray.exists());
    assert!(foreign.exists());
    assert_eq!(fixture.store.text(&done, "/a"), "x");
}

#[test]
fn an_archive_without_a_row_does_not_hinder_the_same_upload() {
    let fixture = Fixture::new();
    fixture.store.upload([append("/a", "x")]);
    let [archive] = &fixture.archives_on_disk()[..] else {
        panic!("one archive")
    };
    let other = Fixture::new();
    let target = other
        .dir
        .join(ARCHIVES)
        .join(archive.strip_prefix(fixture.dir.join(ARCHIVES)).unwrap());
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    fs::write(&target, "damaged").unwrap();
    let done = other.store.put([append("/a", "x")]);
    assert_eq!(other.store.text(&done, "/a"), "x");
    assert_eq!(fs::read(&target).unwrap(), fs::read(archive).unwrap());
}

#[test]
fn a_missing_or_cut_archive_is_an_error_and_never_short_data() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let done = store.put([append("/a", "content")]);
    let [archive] = &fixture.archives_on_disk()[..] else {
        panic!("one archive")
    };
    let whole = fs::read(archive).unwrap();
    let errors = || {
        let mut file = store.get_file(&done, &path("/a")).unwrap();
        let mut tar = store.get_file_tar(&done, &path("/")).unwrap();
        let file = file.read_to_end(&mut Vec::new()).unwrap_err().to_string();
        assert_eq!(file, tar.read_to_end(&mut Vec::new()).unwrap_err().to_string());
        file
    };
    fs::write(archive, &whole[..whole.len() - 1]).unwrap();
    let path = archive.display();
    assert_eq!(
        errors(),
        format!("{path} is damaged: it has 2,047 bytes, and 2,048 were written")
    );
    fs::remove_file(archive).unwrap();
    let text = errors();
    assert!(text.starts_with(&format!("cannot read {path}: ")), "{text}");
    store.upload([append("/a", "content")]);
    assert_eq!(store.text(&done, "/a"), "content", "sending it again mends it");
}

#[test]
fn an_index_that_lost_a_piece_is_an_error_and_never_short_data() {
    let fixture = Fixture::new();
    fixture.store.put([append("/log", "one")]);
    let done = fixture.store.put([append("/log", "two")]);
    let database = rusqlite::Connection::open(fixture.dir.join(DATABASE)).unwrap();
    let last = "DELETE FROM commit_parts WHERE commit_id = (SELECT max(id) FROM commits)";
    assert_eq!(database.execute(last, []).unwrap(), 1);
    let mut content = Vec::new();
    let mut file = fixture.store.get_file(&done, &path("/log")).unwrap();
    let error = file.read_to_end(&mut content).unwrap_err();
    assert_eq!(content, b"one");
    assert_eq!(
        error.to_string(),
        format!(
            "the index of {} is damaged: 3 of the 6 bytes of /log in {done} are in no archive",
            fixture.dir.display()
        )
    );
}

#[test]
fn a_directory_that_is_no_store_is_left_alone() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let error = open_error(Store::open_existing(dir));
    assert_eq!(error.to_string(), format!("{} is not a spoutctl store", dir.display()));
    assert!(error.help().unwrap().contains("local:DIR"));
    let missing = dir.join("missing");
    assert!(matches!(
        open_error(Store::open_existing(&missing)),
        StoreError::NotAStore { .. }
    ));
    assert!(!missing.exists(), "reading makes nothing");

    fs::write(dir.join("notes.txt"), "mine").unwrap();
    assert!(matches!(open_error(Store::open(dir)), StoreError::NotEmpty { .. }));
    assert_eq!(fs::read_dir(dir).unwrap().count(), 1);
    assert!(matches!(
        open_error(Store::open(&dir.join("notes.txt"))),
        StoreError::Io { .. }
    ));
    assert!(matches!(
        open_error(Store::open_existing(&dir.join("notes.txt"))),
        StoreError::NotAStore { .. }
    ));
}

#[test]
fn another_programs_database_is_left_alone() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let foreign = rusqlite::Connection::open(dir.join(DATABASE)).unwrap();
    foreign.execute_batch("CREATE TABLE t (x)").unwrap();
    for error in [open_error(Store::open(dir)), open_error(Store::open_existing(dir))] {
        assert!(matches!(error, StoreError::NotAStore { .. }), "{error}");
    }
}

#[test]
fn a_store_whose_maker_died_at_once_is_made_again() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    fs::write(dir.join(DATABASE), "").unwrap();
    assert!(matches!(
        open_error(Store::open_existing(dir)),
        StoreError::NotAStore { .. }
    ));
    Store::open(dir).unwrap().create_repo(&repo("events")).unwrap();
}

#[test]
fn a_newer_schema_is_refused_by_its_number() {
    let fixture = Fixture::new();
    let database = rusqlite::Connection::open(fixture.dir.join(DATABASE)).unwrap();
    database.pragma_update(None, "user_version", 7).unwrap();
    let error = open_error(Store::open(&fixture.dir));
    assert_eq!(
        error.to_string(),
        format!(
            "{} was written by a newer spoutctl: its schema is 7, and this one reads up to 5",
            fixture.dir.display()
        )
    );
}

#[test]
fn a_damaged_database_is_named() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    fs::write(dir.join(DATABASE), "this is no database at all, ".repeat(100)).unwrap();
    let error = open_error(Store::open(dir));
    assert_eq!(
        error.to_string(),
        format!("{} is damaged", dir.join(DATABASE).display())
    );
    assert_eq!(error.details().len(), 1);
}

#[test]
fn many_may_make_one_store_at_once() {
    let temporary = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let dir = &temporary.path().join(format!("new-{round}"));
        std::thread::scope(|scope| {
            let openers: Vec<_> = (0..8)
                .map(|n| {
                    scope.spawn(move || {
                        let store = Store::open(dir).unwrap();
                        store.create_repo(&repo(&format!("r{n}"))).unwrap();
                    })
                })
                .collect();
            for opener in openers {
                opener.join().unwrap();
            }
        });
        let store = Store::open_existing(dir).unwrap();
        for n in 0..8 {
            assert!(store.repo_exists(&repo(&format!("r{n}"))).unwrap());
        }
    }
}

/// Puts one line after the other into `/log`, waiting while another has the head open.
fn put_lines(store: &Store, on: &Branch, writer: usize, lines: usize) {
    for line in 0..lines {
        let file_set = store.upload([append("/log", format!("{writer}:{line}\n"))]);
        let open = loop {
            match store.start_commit(on, "") {
                Ok(id) => break commit(&id),
                Err(fault) => assert_eq!(fault.kind, FaultKind::HeadOpen, "{fault}"),
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        store.add_file_set(&open, &file_set).unwrap();
        store.finish_commit(&open, "", None).unwrap();
    }
}

#[test]
fn writers_with_handles_of_their_own_lose_nothing() {
    const LINES: usize = 15;
    let fixture = Fixture::new();
    let dir = &fixture.dir;
    for names in [["one", "one", "one"], ["a", "b", "c"]] {
        std::thread::scope(|scope| {
            for (writer, name) in names.into_iter().enumerate() {
                scope.spawn(move || put_lines(&Store::open(dir).unwrap(), &branch(name), writer, LINES));
            }
        });
    }
    let lines_of = |name: &str| -> Vec<String> {
        let head = commit(&fixture.store.head(&branch(name)).unwrap());
        let log = fixture.store.text(&head, "/log");
        log.lines().map(ToOwned::to_owned).collect()
    };
    let shared = lines_of("one");
    for (writer, name) in ["a", "b", "c"].into_iter().enumerate() {
        let expected: Vec<String> = (0..LINES).map(|line| format!("{writer}:{line}")).collect();
        let marker = format!("{writer}:");
        let of_writer: Vec<&String> = shared.iter().filter(|line| line.starts_with(&marker)).collect();
        assert_eq!(of_writer, expected.iter().collect::<Vec<_>>(), "in order, each once");
        assert_eq!(lines_of(name), expected);
    }
    assert_eq!(shared.len(), 3 * LINES);
    assert_eq!(fixture.store.history(&branch("one")).len(), 3 * LINES);
}

#[test]
fn one_handle_serves_many_threads() {
    let fixture = &Fixture::new();
    std::thread::scope(|scope| {
        for writer in 0..6 {
            scope.spawn(move || put_lines(&fixture.store, &branch(&format!("b{writer}")), writer, 5));
        }
    });
    for writer in 0..6 {
        assert_eq!(fixture.store.history(&branch(&format!("b{writer}"))).len(), 5);
    }
}
