//! What a run keeps for the next one, whatever has become of it meanwhile: a cursor and a spool's journal are read or refused,
//! and what was read is read again after it is written.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use spoutctl_core::pfs::Destination;
use spoutctl_delivery::following::cursor::Cursor;
use spoutctl_delivery::spool::{Contents, Spool};

static PLACE: LazyLock<PathBuf> = LazyLock::new(|| {
    let place = std::env::temp_dir().join(format!("spoutctl-fuzz-{}", std::process::id()));
    fs::create_dir_all(place.join("spool")).expect("a directory for temporary files");
    place
});

fuzz_target!(|data: &[u8]| {
    cursor(data);
    journal(data);
});

fn cursor(data: &[u8]) {
    let path = PLACE.join("cursor");
    fs::write(&path, data).expect("room for it");
    let branch = "events".parse::<Destination>().expect("a branch").branch;
    let Ok(cursor) = Cursor::open(&path, &branch) else {
        return;
    };
    let Some(kept) = cursor.kept().cloned() else { return };
    fs::remove_file(&path).expect("it is there");
    let mut written = Cursor::open(&path, &branch).expect("none is there");
    written.keep(&kept, true).expect("room for it");
    let again = Cursor::open(&path, &branch).expect("what was written");
    let again = again.kept().expect("what was kept");
    assert!(again.iter().zip(kept.iter()).all(|(one, other)| one == other));
    assert_eq!(again.newest(), kept.newest());
}

fn journal(data: &[u8]) {
    let dir = PLACE.join("spool");
    fs::write(dir.join("journal.json"), data).expect("room for it");
    let Ok(contents) = Contents::look(&dir) else { return };
    assert!(contents.waiting.is_empty());
    // Whoever goes on with it finds the same, and keeps it.
    drop(Spool::open(&dir, 1 << 20).expect("what was read before"));
    let again = Contents::look(&dir).expect("what was read before");
    assert_eq!(again.accepted, contents.accepted);
    assert_eq!(again.stream, contents.stream);
}
