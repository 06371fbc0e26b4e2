//! A process that is killed, at random moments of every call that writes, leaves a store that opens and has every
//! commit that was acknowledged.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::thread;

use super::*;

const DIR: &str = "SPOUTCTL_TEST_KILLED_DIR";
const ROUNDS: u64 = 8;

/// What the process that is killed runs: lines of `/log`, one commit each, said when they are acknowledged, and between
/// them all else that the store can do.
#[test]
fn writer() {
    let Some(dir) = env::var_os(DIR) else {
        return;
    };
    let store = Store::open(Path::new(&dir)).unwrap();
    let _ = store.create_repo(&repo("events"));
    let mut next = log(&store).len();
    // As `serve` does it, and here from another handle.
    let other = Store::open(Path::new(&dir)).unwrap();
    thread::spawn(move || {
        loop {
            while other.settle_next().unwrap().is_some() {}
            thread::sleep(Duration::from_millis(1));
        }
    });
    loop {
        let master = CommitSelector::from(&branch("master"));
        let line = format!("{next}\n");
        let mut steps = Steps::new([append("/log", line)]);
        store.modify(&master, &mut steps, &|| Ok(())).unwrap();
        let mut out = io::stdout().lock();
        out.write_all(format!("ack {next}\n").as_bytes()).unwrap();
        out.flush().unwrap();
        drop(out);
        besides(&store, next);
        next += 1;
    }
}

fn besides(store: &Store, n: usize) {
    let scratch = branch("scratch");
    match n % 5 {
        0 => while store.settle_next().unwrap().is_some() {},
        1 => {
            let parent = CommitSelector {
                back: 2,
                ..(&branch("master")).into()
            };
            // Refused while its child is not finished.
            let _ = store.change(|work| work.squash_commit(&parent));
        }
        2 => {
            let file_set = store.upload([append(&format!("/{n}"), "scratch")]);
            let commit = commit(&store.start_commit(&scratch, "").unwrap());
            store.add_file_set(&commit, &file_set).unwrap();
            store.drop_commit(&commit).unwrap();
        }
        3 => {
            let _ = store.change(|work| work.create_repo(&repo("other"), "", false));
            store.change(|work| work.delete_repo(&repo("other"), false)).unwrap();
        }
        _ => {
            let id = store.change(|work| Ok(work.start_transaction()?.to_string())).unwrap();
            store
                .change(|work| work.append_to_transaction(&id, "{}", "null"))
                .unwrap();
            store.change(|work| work.delete_transaction(&id)).unwrap();
        }
    }
}

/// The lines of `/log`, once all that is closed is settled.
fn log(store: &Store) -> Vec<String> {
    while store.settle_next().unwrap().is_some() {}
    let Some(head) = store
        .inspect_branch(&branch("master"))
        .unwrap()
        .and_then(|info| info.head)
    else {
        return Vec::new();
    };
    let text = store.text(&head, "/log");
    text.lines().map(ToOwned::to_owned).collect()
}

fn spawn(dir: &Path, writer: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", writer, "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_kill_at_any_moment_loses_no_acknowledged_commit() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("store");
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let mut child = spawn(&dir, "tests::killed::writer");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Once it works, it is killed at a moment of its own.
        let first = lines.by_ref().map_while(Result::ok).find(|line| line.contains("ack "));
        thread::sleep(Duration::from_micros(3_000 + 7_919 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let rest = lines.map_while(Result::ok);
        let last = first.into_iter().chain(rest).filter_map(|line| {
            let (_, number) = line.split_once("ack ")?;
            number.parse::<usize>().ok()
        });
        acknowledged = last.last().map_or(acknowledged, |last| last + 1);

        let store = Store::open(&dir).unwrap();
        check(&dir, &store);
        let found = log(&store);
        let expected: Vec<String> = (0..found.len()).map(|n| n.to_string()).collect();
        assert_eq!(found, expected, "each once, in order");
        assert!(found.len() >= acknowledged, "{} of {acknowledged}", found.len());
    }
    assert!(
        acknowledged >= usize::try_from(ROUNDS).unwrap(),
        "it did work: {acknowledged}"
    );
}

/// The database is sound, and every archive that it names is there.
fn check(dir: &Path, store: &Store) {
    let database = rusqlite::Connection::open(dir.join(DATABASE)).unwrap();
    let answer: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(answer, "ok");
    let strays: i64 = database
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(strays, 0);
    let mut archives = database
        .prepare("SELECT archive, size FROM uploads WHERE archive IS NOT NULL")
        .unwrap();
    let archives = archives
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))
        .unwrap();
    for (archive, size) in archives.map(Result::unwrap) {
        assert_eq!(
            fs::metadata(store.archive_path(&archive)).unwrap().len().cast_signed(),
            size
        );
    }
}

/// Files of a commit that takes so many slices that each kill meets it halfway.
const FILES: u16 = 200;

/// What the process runs that is killed in the middle of one large commit: of writing its upload down, or of settling
/// it.
#[test]
fn writer_of_a_large_commit() {
    let Some(dir) = env::var_os(DIR) else {
        return;
    };
    let mut store = Store::open(Path::new(&dir)).unwrap();
    store.slices = Slices {
        paths: 2,
        pause: Duration::from_millis(5),
    };
    let _ = store.create_repo(&repo("events"));
    let say = |what: &str| {
        let mut out = io::stdout().lock();
        out.write_all(format!("now {what}\n").as_bytes()).unwrap();
        out.flush().unwrap();
    };
    say("uploading");
    let file_set = store.upload((0..FILES).flat_map(|file| overwrite(&format!("/{file}"), "x")));
    let large = commit(&store.start_commit(&branch("master"), "").unwrap());
    store.add_file_set(&large, &file_set).unwrap();
    store.finish_commit(&large, "", None).unwrap();
    say("settling");
    store.wait_commit(&large, Duration::from_mins(1)).unwrap();
}

#[test]
fn a_kill_in_the_middle_of_a_large_commit_leaves_all_of_it_or_nothing() {
    let count = |dir: &Path, table: &str| -> i64 {
        let database = rusqlite::Connection::open(dir.join(DATABASE)).unwrap();
        let sql = format!("SELECT count(*) FROM {table}");
        database.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    for round in 0..6 {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path().join("store");
        let (word, is_closed) = [("now uploading", false), ("now settling", true)][round % 2];
        let mut child = spawn(&dir, "tests::killed::writer_of_a_large_commit");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        lines
            .by_ref()
            .map_while(Result::ok)
            .find(|line| line.contains(word))
            .unwrap();
        thread::sleep(Duration::from_millis(40 + 20 * u64::try_from(round).unwrap()));
        child.kill().unwrap();
        child.wait().unwrap();

        let later = || Timestamp::now() + Duration::from_hours(1);
        let store = Store::open(&dir).unwrap().with_clock(later);
        check(&dir, &store);
        assert_eq!(count(&dir, "settling"), i64::from(is_closed), "it was killed halfway");
        while store.settle_next().unwrap().is_some() {}
        // Clears away what has expired.
        store.upload([]);
        let head = store
            .inspect_branch(&branch("master"))
            .unwrap()
            .and_then(|info| info.head);
        let files = head.map_or(0, |head| store.tree(&head).len());
        assert_eq!(files, if is_closed { FILES.into() } else { 0 });
        assert_eq!(count(&dir, "settling"), 0);
        assert_eq!(count(&dir, "changes"), i64::from(if is_closed { 2 * FILES } else { 0 }));
        check(&dir, &store);
    }
}
