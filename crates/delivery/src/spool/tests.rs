use std::sync::Arc;
use std::time::Duration;

use super::feeding::feed;
use super::files::{DAMAGED, INCOMING, SMALLEST};
use super::*;
use crate::DeliveryError;
use spoutctl_archive::Options;

fn tar(content: &[u8]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    builder.append_data(&mut header, "f", content).unwrap();
    builder.into_inner().unwrap()
}

/// Takes in every archive of `bytes`.
fn fill(spool: &Arc<Spool>, bytes: &[u8]) -> Result<(), DeliveryError> {
    let first = spool.accepted() + 1;
    let mut reader = ArchiveReader::new(bytes, "test".into(), first, Options::default());
    while let Some(archive) = reader.next_archive(spool.buffer()?)? {
        spool.accept(archive)?;
    }
    Ok(())
}

fn open(dir: &Path) -> Arc<Spool> {
    Arc::new(Spool::open(dir, DEFAULT_LIMIT).unwrap())
}

fn next(spool: &Spool) -> Option<Box<Archive>> {
    match spool.next(&Options::default()).unwrap() {
        Next::Archive(archive) => Some(archive),
        Next::End => None,
        Next::Full => panic!("nobody wants room"),
    }
}

fn content(archive: &Archive) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut archive.open(0).unwrap(), &mut bytes).unwrap();
    bytes
}

/// The numbers and contents of what waits, as a run would get them.
fn drain(spool: &Spool) -> Vec<(u64, Vec<u8>)> {
    spool.end();
    std::iter::from_fn(|| next(spool))
        .map(|archive| (archive.number, content(&archive)))
        .collect()
}

fn commit(number: u64) -> CommitId {
    CommitId::new(&format!("{number:012}4000800000000000{number:04}")).unwrap()
}

#[test]
fn whoever_has_lost_the_lock_writes_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    fill(&first, &tar(b"1")).unwrap();
    // Somebody tidies up, and a second process comes.
    std::fs::remove_file(dir.path().join("lock")).unwrap();
    let second = open(dir.path());
    let before = std::fs::read(dir.path().join(journal::JOURNAL)).unwrap();
    let error = first
        .bind(&CommitOptions([("DEST".to_owned(), "a".to_owned())].into()))
        .unwrap_err();
    assert!(matches!(error, SpoolError::LockLost { .. }), "{error}");
    assert_eq!(std::fs::read(dir.path().join(journal::JOURNAL)).unwrap(), before);
    second
        .bind(&CommitOptions([("DEST".to_owned(), "b".to_owned())].into()))
        .unwrap_or_else(|error| {
            // Something waits that was for nothing in particular; what counts is who may write.
            assert!(!matches!(error, SpoolError::LockLost { .. }), "{error}");
        });
}

#[test]
fn what_was_accepted_survives_and_comes_back_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (1..=12_u8).flat_map(|n| tar(&[n])).collect();
    fill(&open(dir.path()), &bytes).unwrap();
    let expected: Vec<(u64, Vec<u8>)> = (1..=12).map(|n| (n, vec![u8::try_from(n).unwrap()])).collect();
    assert_eq!(drain(&open(dir.path())), expected);
    // Nobody has finished them: they come again, and what comes new comes after.
    let spool = open(dir.path());
    fill(&spool, &tar(b"new")).unwrap();
    assert_eq!(drain(&spool).last().unwrap(), &(13, b"new".to_vec()));
}

#[test]
fn a_torn_archive_leaves_nothing_and_takes_no_number() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let mut bytes = tar(b"1");
    bytes.extend(&tar(b"2")[..700]);
    assert!(matches!(fill(&spool, &bytes), Err(DeliveryError::Archive(_))));
    assert_eq!(spool.accepted(), 1);
    assert!(!dir.path().join(INCOMING).exists());
}

#[test]
fn a_number_is_never_used_again_whatever_has_left() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    fill(&spool, &[tar(b"1"), tar(b"2"), tar(b"3")].concat()).unwrap();
    spool.finished(&(1..=1), Some(&commit(1))).unwrap();
    // The newest one is given up before the one in the middle is finished.
    spool.forget(3).unwrap();
    drop(spool);
    assert_eq!(open(dir.path()).accepted(), 3);
    open(dir.path()).finished(&(2..=2), Some(&commit(2))).unwrap();
    let spool = open(dir.path());
    assert_eq!((spool.accepted(), spool.waiting()), (3, (0, 0)));
    fill(&spool, &tar(b"4")).unwrap();
    assert_eq!(next(&spool).unwrap().number, 4);
}

#[test]
fn an_archive_that_is_finished_does_not_come_back_with_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    fill(&spool, &[tar(b"1"), tar(b"2")].concat()).unwrap();
    let waiting = dir.path().join(WAITING);
    let first = fs::read_dir(&waiting)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .min()
        .unwrap();
    let bytes = fs::read(&first).unwrap();
    spool.finished(&(1..=1), Some(&commit(1))).unwrap();
    drop(spool);
    // The machine died before the directory was synced.
    fs::write(&first, bytes).unwrap();
    assert_eq!(Contents::look(dir.path()).unwrap().waiting.len(), 1);
    let spool = open(dir.path());
    assert_eq!(drain(&spool), [(2, b"2".to_vec())]);
    assert!(!first.exists());
    assert_eq!(spool.spooled().floor, Some(commit(1)));
}

#[test]
fn a_damaged_file_is_set_aside_and_named_and_the_others_still_come() {
    let dir = tempfile::tempdir().unwrap();
    fill(
        &open(dir.path()),
        &[tar(b"1"), tar(b"2"), tar(b"3"), tar(b"4")].concat(),
    )
    .unwrap();
    let waiting = dir.path().join(WAITING);
    let mut files: Vec<PathBuf> = fs::read_dir(&waiting)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut flipped = fs::read(&files[1]).unwrap();
    flipped[512] ^= 1;
    fs::write(&files[1], flipped).unwrap();
    fs::write(&files[2], &fs::read(&files[2]).unwrap()[..600]).unwrap();
    let spool = open(dir.path());
    assert_eq!(drain(&spool), [(1, b"1".to_vec()), (4, b"4".to_vec())]);
    let damaged = spool.damaged();
    assert_eq!(damaged.len(), 2);
    assert!(damaged[0].reason.contains("SHA-256"), "{damaged:?}");
    assert!(
        damaged
            .iter()
            .all(|one| one.path.starts_with(dir.path().join(DAMAGED)) && one.path.exists())
    );
    assert_eq!(spool.waiting().0, 2);
    assert_eq!(spool.accepted(), 4);
}

/// The files of what waits, oldest first.
fn waiting_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join(WAITING)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn an_archive_that_cannot_be_read_now_ends_the_run_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    fill(&open(dir.path()), &[tar(b"1"), tar(b"2")].concat()).unwrap();
    let file = waiting_files(dir.path()).remove(0);
    // What cannot be opened, and what cannot be read once it is open.
    let in_its_place: [fn(&Path); 2] = [
        |path| std::os::unix::fs::symlink(path, path).unwrap(),
        |path| fs::create_dir(path).unwrap(),
    ];
    for put in in_its_place {
        let spool = open(dir.path());
        let away = dir.path().join("away");
        fs::rename(&file, &away).unwrap();
        put(&file);
        let error = spool.next(&Options::default()).err().unwrap();
        assert!(matches!(error, SpoolError::Io { .. }), "{error}");
        assert!(error.help().unwrap().contains("stays"));
        fs::remove_file(&file).or_else(|_| fs::remove_dir(&file)).unwrap();
        fs::rename(&away, &file).unwrap();
        assert_eq!((spool.damaged(), spool.waiting().0), (vec![], 2));
        assert_eq!(next(&spool).unwrap().number, 1);
    }
}

#[test]
fn an_archive_that_was_set_aside_and_is_put_back_too_late_is_not_deleted() {
    let dir = tempfile::tempdir().unwrap();
    fill(&open(dir.path()), &[tar(b"1"), tar(b"2"), tar(b"3")].concat()).unwrap();
    let file = waiting_files(dir.path()).remove(0);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..600]).unwrap();
    let spool = open(dir.path());
    assert_eq!(next(&spool).unwrap().number, 2);
    // They were to be one commit, which the second one has become alone.
    spool.finished(&(1..=2), Some(&commit(2))).unwrap();
    drop(spool);
    fs::write(&file, &whole).unwrap();
    let spool = open(dir.path());
    let [damaged] = &spool.damaged()[..] else {
        panic!("{:?}", spool.damaged())
    };
    assert!(damaged.reason.contains("later archives are finished"), "{damaged:?}");
    let told = DeliveryError::Damaged(vec![damaged.clone()]);
    let told = format!("{told}; {:?}; {:?}", told.details(), told.help());
    assert!(
        !told.contains("read any more") && !told.contains("make its data"),
        "{told}"
    );
    assert_eq!(fs::read(&damaged.path).unwrap(), whole);
    assert_eq!(drain(&spool), [(3, b"3".to_vec())]);
}

#[test]
fn an_archive_that_was_set_aside_and_put_back_in_time_leaves_as_any_other() {
    let leave: [fn(&Spool); 2] = [
        |spool| spool.finished(&(1..=1), Some(&commit(1))).unwrap(),
        |spool| spool.forget(1).unwrap(),
    ];
    for leave in leave {
        let dir = tempfile::tempdir().unwrap();
        fill(&open(dir.path()), &[tar(b"1"), tar(b"2"), tar(b"3")].concat()).unwrap();
        let file = waiting_files(dir.path()).remove(0);
        let whole = fs::read(&file).unwrap();
        // Twice: it is mended badly at first.
        for wrong in [&whole[..600], &whole[..700]] {
            fs::write(&file, wrong).unwrap();
            let spool = open(dir.path());
            assert_eq!(next(&spool).unwrap().number, 2);
            fs::remove_file(&spool.damaged()[0].path).unwrap();
        }
        fs::write(&file, &whole).unwrap();
        let spool = open(dir.path());
        assert_eq!(next(&spool).unwrap().number, 1);
        leave(&spool);
        spool.finished(&(2..=2), Some(&commit(2))).unwrap();
        drop(spool);
        // The machine died before the directory was synced.
        fs::write(&file, &whole).unwrap();
        let spool = open(dir.path());
        assert_eq!((spool.damaged(), files::damaged(dir.path())), (vec![], vec![]));
        assert!(!file.exists());
        assert_eq!(drain(&spool), [(3, b"3".to_vec())]);
    }
}

#[test]
fn nobody_but_its_owner_reads_what_a_spool_keeps() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("a/spool");
    fill(&open(&place), &tar(b"1")).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir.path().join("a")), mode(&place)), (0o700, 0o700));
    for file in [place.join(journal::JOURNAL), waiting_files(&place).remove(0)] {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn whoever_writes_past_the_limit_waits_until_something_has_left() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Arc::new(Spool::open(dir.path(), 2 * SMALLEST).unwrap());
    fill(&spool, &[tar(b"1"), tar(b"2")].concat()).unwrap();
    let filling = Arc::clone(&spool);
    let filler = std::thread::spawn(move || fill(&filling, &tar(b"3")));
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(spool.accepted(), 2, "there is no room yet");
    spool.finished(&(1..=1), Some(&commit(1))).unwrap();
    filler.join().unwrap().unwrap();
    assert_eq!(spool.accepted(), 3);
}

#[test]
fn an_archive_larger_than_the_limit_is_refused_at_once_and_the_flag_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Arc::new(Spool::open(dir.path(), 10_000).unwrap());
    fill(&spool, &tar(b"1")).unwrap();
    let error = fill(&spool, &tar(&vec![7; 20_000])).unwrap_err();
    assert!(
        error.details().join("\n").contains("--spool-limit"),
        "{:?}",
        error.details()
    );
    assert_eq!(spool.accepted(), 1);
}

#[test]
fn a_second_user_is_told_which_process_has_the_spool() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    match Spool::open(dir.path(), 1) {
        Err(SpoolError::InUse { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("{:?}", other.map(|_| ())),
    }
    assert_eq!(Contents::look(dir.path()).unwrap().used_by, Some(std::process::id()));
    drop(spool);
    assert_eq!(Contents::look(dir.path()).unwrap().used_by, None);
    open(dir.path());
}

#[test]
fn what_waits_keeps_the_options_that_it_was_taken_in_with() {
    let options = |destination: &str| CommitOptions([("DEST".to_owned(), destination.to_owned())].into());
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    spool.bind(&options("a")).unwrap();
    let ready = Ready {
        floor: Some(commit(7)),
        cluster: Some("cluster".to_owned()),
        ..Ready::default()
    };
    spool.bind_destination(&ready).unwrap();
    spool.bind(&options("b")).unwrap();
    assert_eq!(
        spool.spooled().cluster,
        None,
        "another destination may be another cluster"
    );
    fill(&spool, &tar(b"1")).unwrap();
    let error = spool.bind(&options("a")).unwrap_err();
    assert_eq!(error.details(), ["DEST: `b` then, `a` now"]);
    spool.bind(&options("b")).unwrap();
}

#[test]
fn an_archive_that_is_held_back_stops_everything_behind_it_until_somebody_decides() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    fill(&spool, &[tar(b"1"), tar(b"2")].concat()).unwrap();
    spool
        .hold_back(HeldBack {
            sequence: 1,
            commit: commit(9).to_string(),
            reason: "collision".to_owned(),
        })
        .unwrap();
    drop(spool);
    let spool = open(dir.path());
    let refused = spool.next(&Options::default()).err().unwrap();
    assert!(matches!(refused, SpoolError::HeldBack { .. }), "{refused}");
    assert!(matches!(spool.resend(2), Err(SpoolError::NotHeldBack { .. })));
    spool.resend(1).unwrap();
    assert_eq!(next(&spool).unwrap().number, 1);
    spool.discard().unwrap();
    assert_eq!(spool.waiting(), (0, 0));
}

#[test]
fn a_directory_with_other_files_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine"), "x").unwrap();
    assert!(matches!(Spool::open(dir.path(), 1), Err(SpoolError::NotEmpty { .. })));
    assert!(matches!(
        Spool::open_existing(dir.path()),
        Err(SpoolError::NotASpool { .. })
    ));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_journal_of_a_newer_version_or_in_pieces_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let path = dir.path().join("journal.json");
    fs::write(&path, r#"{"version": 3, "everything": "else"}"#).unwrap();
    assert!(matches!(
        Spool::open(dir.path(), 1),
        Err(SpoolError::Newer { found: 3, .. })
    ));
    let no_next = format!(
        r#"{{"version": 1, "stream": "s", "finished": {}, "accepted": 1}}"#,
        u64::MAX - 1
    );
    for in_pieces in [r#"{"version": 1, "stre"#, &no_next] {
        fs::write(&path, in_pieces).unwrap();
        assert!(matches!(Spool::open(dir.path(), 1), Err(SpoolError::Journal { .. })));
    }
}

#[test]
fn a_journal_that_is_lost_while_archives_wait_is_not_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    fill(&open(dir.path()), &tar(b"1")).unwrap();
    fs::remove_file(dir.path().join("journal.json")).unwrap();
    let error = Spool::open(dir.path(), 1).map(|_| ()).unwrap_err();
    assert!(matches!(error, SpoolError::Journal { .. }), "{error}");
    assert_eq!(fs::read_dir(dir.path().join(WAITING)).unwrap().count(), 1);
}

#[test]
fn whoever_looks_keeps_nobody_from_using_the_spool() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let lock = File::open(dir.path().join("lock")).unwrap();
    lock.lock_shared().unwrap();
    let looking = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        drop(lock);
    });
    assert!(Spool::open(dir.path(), 1).is_ok());
    looking.join().unwrap();
}

#[test]
fn accepted_never_goes_back_while_archives_come_and_leave() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let working = Arc::clone(&spool);
    let worker = std::thread::spawn(move || {
        for number in 1..=200 {
            fill(&working, &tar(b"x")).unwrap();
            working.finished(&(number..=number), Some(&commit(number))).unwrap();
        }
    });
    while !worker.is_finished() {
        let before = spool.accepted();
        let seen = Contents::look(dir.path()).unwrap().accepted;
        assert!(seen >= before, "{seen} was seen after {before}");
    }
    worker.join().unwrap();
}

#[test]
fn the_number_of_a_damaged_archive_is_not_used_again_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    fill(&spool, &tar(b"1")).unwrap();
    drop(spool);
    let file = fs::read_dir(dir.path().join(WAITING))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    fs::write(&file, b"nothing").unwrap();
    // The directory is in the way, so that it dies just when the file goes.
    fs::remove_dir(dir.path().join(DAMAGED)).unwrap();
    fs::write(dir.path().join(DAMAGED), b"in the way").unwrap();
    let spool = open(dir.path());
    spool.end();
    assert!(spool.next(&Options::default()).is_err());
    drop(spool);
    fs::remove_file(file).unwrap();
    assert_eq!(open(dir.path()).accepted(), 1);
}

#[test]
fn a_reader_that_panics_ends_the_delivery_and_leaves_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let reading = {
        let spool = Arc::clone(&spool);
        std::thread::spawn(move || {
            let _taking_in = spool.taking_in();
            panic!("as a fault of ours would");
        })
    };
    let (archives, incoming) = crossbeam_channel::bounded(1);
    feed(&spool, &Options::default(), &archives, reading);
    let last = incoming.try_recv();
    assert!(matches!(last, Ok(crate::Incoming::End(Err(DeliveryError::Panicked)))));
}
