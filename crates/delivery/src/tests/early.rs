//! Files that leave while their archive is still being read.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use proptest::prelude::*;

use super::scripted::*;
use crate::early::Early;
use crate::spill::SpillBuffers;
use crate::*;
use crossbeam_channel::{Receiver, bounded};
use spoutctl_archive::{ArchiveReader, ArchiveWriter};
use spoutctl_core::fault::FaultKind;

/// Bytes of a part here.
const PART: u64 = 100_000;

/// An input that comes piece by piece: each only when everything before it was sent that can be.
struct Slow {
    bytes: io::Cursor<Vec<u8>>,
    early: Option<Early>,
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(early) = &self.early {
            early.wait_until_idle();
        }
        let length = buffer.len().min(10_000);
        self.bytes.read(&mut buffer[..length])
    }
}

fn read_slowly(bytes: Vec<u8>, early: Option<&Early>) -> Receiver<Incoming> {
    let (archives, incoming) = bounded(0);
    let early = early.cloned();
    std::thread::spawn(move || {
        let directory = tempfile::tempdir().unwrap();
        let buffers = SpillBuffers::with_memory(directory.path(), 0);
        let options = spoutctl_archive::Options {
            obey_deletions: true,
            ..spoutctl_archive::Options::default()
        };
        let input = Slow {
            bytes: io::Cursor::new(bytes),
            early: early.clone(),
        };
        let mut reader = ArchiveReader::new(BufReader::new(input), "test".into(), 1, options);
        let end = loop {
            let buffer = match &early {
                Some(early) => buffers.buffer_early(None, early, reader.next_number()),
                None => buffers.buffer(),
            };
            match reader.next_archive(buffer) {
                Ok(Some(archive)) => {
                    if let Some(limit) = early.as_ref().and_then(Early::limit) {
                        // Two parts, what is read at once, and a piece of a file.
                        let in_hand = archive.length - archive.held().held_from();
                        assert!(in_hand <= limit + 3 * PART + 100_000, "{in_hand} bytes are held");
                    }
                    if archives.send(Incoming::Archive(Box::new(archive))).is_err() {
                        return;
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
            }
        };
        let _ = archives.send(Incoming::End(end));
    });
    incoming
}

/// Delivers the archives in `bytes`, with parts that leave early or without.
fn deliver_early(sink: &Arc<Scripted>, bytes: Vec<u8>, part: Option<u64>, options: Options) -> Ended {
    deliver_by(sink, bytes, part.map(|part| Early::new(part, None)), options)
}

/// Delivers them with what was sent let go past `limit` bytes.
fn let_pass(sink: &Arc<Scripted>, bytes: Vec<u8>, limit: u64, options: Options) -> Ended {
    deliver_by(sink, bytes, Some(Early::new(PART, Some(limit))), options)
}

fn deliver_by(sink: &Arc<Scripted>, bytes: Vec<u8>, early: Option<Early>, options: Options) -> Ended {
    let heard = Arc::new(Heard::default());
    let clock = Arc::new(Fast(Mutex::new(Instant::now())));
    let incoming = read_slowly(bytes, early.as_ref());
    let delivery = Delivery {
        early,
        buffers: SpillBuffers::with_memory(Path::new("/tmp"), 0),
        ..delivery(sink, Arc::clone(&heard) as _, clock, options)
    };
    let (_, result) = delivery.run(&incoming);
    Ended::of(&heard, result)
}

/// As many bytes, different ones for each seed.
fn noise(length: usize, seed: usize) -> Vec<u8> {
    (0..length)
        .map(|i| (i * (2 * seed + 7)).to_le_bytes()[1] ^ seed.to_le_bytes()[0])
        .collect()
}

/// Files that need some ten parts, one of them in three.
fn large(seed: usize) -> Content {
    let small = (0..12).map(|number| (format!("d/{number}"), noise(61_000, seed + number)));
    let mut files: Content = small.collect();
    files.insert(5, ("big".to_owned(), noise(3 * 100_000 + 777, seed)));
    files
}

fn tree(files: &Content) -> BTreeMap<String, Vec<u8>> {
    files
        .iter()
        .map(|(path, bytes)| (format!("/{path}"), bytes.clone()))
        .collect()
}

fn trees(sink: &Scripted) -> Vec<(u64, BTreeMap<String, Vec<u8>>)> {
    let good = sink.good().into_iter();
    good.map(|(number, content)| (number, content.into_iter().collect()))
        .collect()
}

#[test]
fn parts_leave_before_the_archive_has_ended_and_a_torn_one_becomes_nothing() {
    for mode in [WriteMode::Overwrite, WriteMode::Append] {
        let mut bytes = archive_with(&large(1));
        let whole = [bytes.clone(), archive_bytes(2)].concat();
        bytes.truncate(bytes.len() - 512);
        let sink = Arc::new(Scripted::new(Vec::new()));
        let ended = deliver_early(&sink, bytes, Some(PART), Options { mode, ..options() });
        assert!(matches!(ended.unwrap_err(), DeliveryError::Archive(_)));
        let sent = sink.lock().created;
        assert!(sent >= 9, "{sent} parts were sent of an archive without an end");
        let starts = sink.lock().starts;
        assert_eq!((starts, sink.good().len()), (0, 0));

        let ended = deliver_early(&sink, whole, Some(PART), Options { mode, ..options() }).unwrap();
        assert_eq!(ended.committed, [1, 2]);
        assert_eq!(trees(&sink)[0], (1, tree(&large(1))));
        assert_eq!(trees(&sink)[1].1, content_of(2).into_iter().collect());
        // Each byte once: parts of the whole archive are no more than of the torn one and its rest.
        let again = sink.lock().created - sent;
        assert!((sent..=sent + 3).contains(&again), "{again} file sets after {sent}");
    }
}

#[test]
fn every_fault_of_every_call_of_an_early_part_loses_nothing_and_doubles_nothing() {
    let kinds = [
        FaultKind::Unknown,
        FaultKind::Unavailable,
        FaultKind::Unrecognised,
        FaultKind::TooLarge,
        FaultKind::FileSetGone,
    ];
    for mode in [WriteMode::Overwrite, WriteMode::Append] {
        for kind in kinds {
            for nth in 0..12 {
                for composing in [false, true] {
                    let sink = Arc::new(Scripted::new(Vec::new()));
                    let mut faults = VecDeque::from(vec![None; nth]);
                    faults.push_back(Some(kind));
                    // Each call has faults that mean nothing there.
                    let meaningless = if composing {
                        FaultKind::TooLarge
                    } else {
                        FaultKind::FileSetGone
                    };
                    if kind == meaningless {
                        continue;
                    }
                    if composing {
                        sink.lock().compose_faults = faults;
                    } else {
                        sink.lock().create_faults = faults;
                    }
                    let bytes = [archive_with(&large(3)), archive_bytes(2)].concat();
                    // So many parts that several become one while the archive is read.
                    let ended = deliver_early(&sink, bytes, Some(40_000), Options { mode, ..options() });
                    let case = format!("{mode:?}, {kind:?} at {nth}, composing: {composing}");
                    assert_eq!(ended.committed, [1, 2], "{case}: {:?}", ended.result);
                    assert_eq!(trees(&sink)[0], (1, tree(&large(3))), "{case}");
                }
            }
        }
    }
}

#[test]
fn a_server_that_refuses_a_part_is_told_when_the_archive_is_complete_and_there_is_no_commit() {
    for nth in [0, 4] {
        let sink = Arc::new(Scripted::new(Vec::new()));
        let mut faults = VecDeque::from(vec![None; nth]);
        faults.extend([Some(FaultKind::Denied); 2]);
        sink.lock().create_faults = faults;
        let ended = deliver_early(&sink, archive_with(&large(2)), Some(PART), options());
        let error = ended.unwrap_err();
        assert!(matches!(error, DeliveryError::Refused { archive: 1, .. }), "{error:?}");
        let starts = sink.lock().starts;
        assert_eq!((starts, sink.open()), (0, 0));
    }
}

#[test]
fn what_an_earlier_run_has_committed_is_not_sent_early() {
    let bytes = || [archive_with(&large(1)), archive_with(&large(2))].concat();
    let sink = Arc::new(Scripted::new(Vec::new()));
    let first = deliver_early(&sink, archive_with(&large(1)), Some(PART), stream("s", false)).unwrap();
    assert_eq!(first.committed, [1]);
    let before = sink.lock().created;
    let second = deliver_early(&sink, bytes(), Some(PART), stream("s", true)).unwrap();
    assert_eq!((second.already, second.committed), (vec![1], vec![2]));
    let created = sink.lock().created - before;
    // Whether the last part leaves early or with the rest is a matter of time; the first archive's would be as many
    // again.
    assert!(
        created <= before + 2,
        "{created} file sets for the second archive, {before} for the first"
    );
    let before = sink.lock().created;
    let third = deliver_early(&sink, bytes(), Some(PART), stream("s", true)).unwrap();
    assert_eq!(third.already, [1, 2]);
    assert_eq!(sink.lock().created, before);
}

#[test]
fn a_store_without_file_sets_and_a_run_that_has_nothing_sent_early_get_what_they_always_got() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().no_file_sets = true;
    deliver_early(&sink, archive_with(&large(1)), Some(PART), options()).unwrap();
    assert_eq!(trees(&sink), [(1, tree(&large(1)))]);
    assert_eq!(sink.lock().created, 0);
}

#[test]
fn an_archive_that_becomes_a_batch_or_is_refused_late_takes_nothing_along() {
    // A file and a directory of one path, which only the whole archive tells.
    let mut files = large(1);
    files.push(("big/x".to_owned(), b"1".to_vec()));
    let sink = Arc::new(Scripted::new(Vec::new()));
    let error = deliver_early(&sink, archive_with(&files), Some(PART), options()).unwrap_err();
    assert!(matches!(error, DeliveryError::Content(_)), "{error:?}");
    assert!(sink.lock().created >= 9);
    assert_eq!(sink.lock().starts, 0);
}

#[test]
fn an_archive_of_any_size_passes_through_what_little_is_held_and_its_commit_is_the_same() {
    for (limit, mode) in [
        (0, WriteMode::Overwrite),
        (0, WriteMode::Append),
        (250_000, WriteMode::Overwrite),
    ] {
        let sink = Arc::new(Scripted::new(Vec::new()));
        let mut faults = VecDeque::from(vec![None; 3]);
        faults.extend([Some(FaultKind::Unknown); 3]);
        sink.lock().create_faults = faults;
        let mut files = large(1);
        files.extend(
            large(5)
                .into_iter()
                .map(|(path, bytes)| (format!("more/{path}"), bytes)),
        );
        let bytes = [archive_with(&files), archive_with(&large(2))].concat();
        let ended = let_pass(&sink, bytes, limit, Options { mode, ..options() }).unwrap();
        assert_eq!(ended.committed, [1, 2]);
        assert_eq!(
            trees(&sink),
            [(1, tree(&files)), (2, tree(&large(2)))],
            "{limit}, {mode:?}"
        );
    }
}

#[test]
fn what_needs_bytes_that_were_let_go_is_refused_by_name_and_leaves_no_commit() {
    let mut builder = tar::Builder::new(Vec::new());
    let first = noise(1000, 1);
    let mut header = tar::Header::new_ustar();
    header.set_size(1000);
    builder.append_data(&mut header, "first", first.as_slice()).unwrap();
    let rest = archive_with(&large(1));
    let mut linked = builder.into_inner().unwrap();
    linked.truncate(linked.len() - 1024);
    linked.extend(&rest[..rest.len() - 1024]);
    let mut builder = tar::Builder::new(linked);
    let mut header = tar::Header::new_ustar();
    header.set_size(0);
    header.set_entry_type(tar::EntryType::Link);
    builder.append_link(&mut header, "link", "first").unwrap();
    let linked = builder.into_inner().unwrap();

    let sink = Arc::new(Scripted::new(Vec::new()));
    let error = let_pass(&sink, linked.clone(), 0, options()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("/link: its bytes were sent and let go, as --hold-limit says"),
        "{text}"
    );
    assert_eq!(error.consequence(), Consequence::FixInput);
    assert_eq!(sink.lock().starts, 0);
    let_pass(&sink, linked, 10_000_000, options()).unwrap();

    // The last of two counts: of these the first is sent already.
    let mut twice = large(1);
    twice.push(("d/0".to_owned(), b"2".to_vec()));
    let sink = Arc::new(Scripted::new(Vec::new()));
    let append = appending(options());
    let error = let_pass(&sink, archive_with(&twice), 0, append).unwrap_err();
    assert!(matches!(error, DeliveryError::LetGo { archive: 1, .. }), "{error:?}");
    assert_eq!(error.consequence(), Consequence::FixInput);
    assert!(error.help().unwrap().contains("without --hold-limit"));
    assert_eq!(sink.lock().starts, 0);
    let_pass(&sink, archive_with(&twice), 0, options()).unwrap();
    assert_eq!(sink.good()[0].1.iter().find(|file| file.0 == "/d/0").unwrap().1, b"2");
}

#[test]
fn a_fault_that_stays_ends_an_archive_that_passes_through_in_its_own_words() {
    for (kind, consequence) in [
        (FaultKind::Denied, Consequence::DoNotRetry),
        (FaultKind::Unavailable, Consequence::RetryLater),
    ] {
        let sink = Arc::new(Scripted::new(Vec::new()));
        let mut faults = VecDeque::from(vec![None; 3]);
        faults.extend(vec![Some(kind); 100_000]);
        sink.lock().create_faults = faults;
        let error = let_pass(&sink, archive_with(&large(1)), 0, options()).unwrap_err();
        assert!(error.to_string().contains("CreateFileSet"), "{error}");
        assert_eq!(error.consequence(), consequence);
        assert_eq!(sink.lock().starts, 0);
    }
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().compose_faults = vec![Some(FaultKind::FileSetGone)].into();
    let error = let_pass(&sink, archive_with(&large(1)), 0, options()).unwrap_err();
    assert_eq!(error.consequence(), Consequence::RetryLater);
    assert_eq!(
        error.to_string(),
        "archive 1 would have to be sent anew, and its bytes were let go: what was sent of it has expired"
    );
    assert!(error.help().unwrap().contains("from archive 1 on"));
    assert_eq!(sink.lock().starts, 0);
    let sink = Arc::new(Scripted::new(Vec::new()));
    sink.lock().no_file_sets = true;
    let error = let_pass(&sink, archive_with(&large(1)), 0, options()).unwrap_err();
    assert!(
        error.to_string().contains("no file sets, which --hold-limit needs"),
        "{error}"
    );
}

#[test]
fn what_is_committed_already_passes_through_unsent() {
    let bytes = || [archive_with(&large(1)), archive_with(&large(2))].concat();
    let sink = Arc::new(Scripted::new(Vec::new()));
    let_pass(&sink, bytes(), 0, stream("s", false)).unwrap();
    let before = sink.lock().created;
    let again = let_pass(&sink, bytes(), 0, stream("s", true)).unwrap();
    assert_eq!(again.already, [1, 2]);
    assert_eq!(sink.lock().created, before);
}

/// One entry of an archive.
#[derive(Debug, Clone)]
enum Item {
    File(usize, usize),
    HardLink(usize, usize),
    Symlink(usize, usize),
    Directory,
}

const NAMES: &[&str] = &["a", "b", "d/c", "d/e", "f", "l"];

fn item() -> impl Strategy<Value = Item> {
    let name = || 0..NAMES.len();
    let size = prop_oneof![Just(0), 1..2_000_usize, 20_000..120_000_usize];
    prop_oneof![
        8 => (name(), size).prop_map(|(name, size)| Item::File(name, size)),
        1 => (name(), name()).prop_map(|(name, to)| Item::HardLink(name, to)),
        2 => (name(), 0..NAMES.len() + 1).prop_map(|(name, to)| Item::Symlink(name, to)),
        1 => Just(Item::Directory),
    ]
}

fn archive_of(deleted: &[usize], items: &[Item]) -> Vec<u8> {
    let mut beginning = ArchiveWriter::new(Vec::new(), 0);
    for name in deleted {
        beginning.delete(NAMES[*name].as_bytes()).unwrap();
    }
    let mut builder = tar::Builder::new(beginning.into_beginning());
    for (seed, item) in items.iter().enumerate() {
        let mut header = tar::Header::new_ustar();
        header.set_size(0);
        match item {
            Item::File(name, size) => {
                header.set_size(*size as u64);
                let content = noise(*size, seed);
                builder
                    .append_data(&mut header, NAMES[*name], content.as_slice())
                    .unwrap();
            }
            Item::HardLink(name, to) => {
                header.set_entry_type(tar::EntryType::Link);
                builder.append_link(&mut header, NAMES[*name], NAMES[*to]).unwrap();
            }
            Item::Symlink(name, to) => {
                header.set_entry_type(tar::EntryType::Symlink);
                let to = NAMES.get(*to).map_or_else(|| "/d".to_owned(), |to| format!("/{to}"));
                builder.append_link(&mut header, NAMES[*name], to).unwrap();
            }
            Item::Directory => {
                header.set_entry_type(tar::EntryType::Directory);
                builder.append_data(&mut header, "g/", io::empty()).unwrap();
            }
        }
    }
    builder.into_inner().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever an archive holds, however large the parts are and whatever happens to their calls: its commit is the
    /// same.
    #[test]
    fn a_commit_is_the_same_whether_its_parts_left_early_or_not(
        archives in proptest::collection::vec(
            (proptest::collection::vec(0..NAMES.len(), 0..3), proptest::collection::vec(item(), 0..14)), 1..3),
        part in 15_000..150_000_u64,
        append: bool,
        largest in proptest::option::of(70_000..200_000_usize),
        faults in proptest::collection::vec(proptest::option::weighted(0.3, Just(FaultKind::Unknown)), 0..10),
        gone in proptest::option::of(0..3_usize),
    ) {
        let mode = if append { WriteMode::Append } else { WriteMode::Overwrite };
        let bytes: Vec<u8> = archives.iter().flat_map(|(deleted, items)| archive_of(deleted, items)).collect();
        let deliver = |part| {
            let sink = Arc::new(Scripted::new(Vec::new()));
            {
                let mut state = sink.lock();
                state.largest = largest;
                state.create_faults = faults.clone().into();
                if let Some(gone) = gone {
                    state.compose_faults = vec![None; gone].into();
                    state.compose_faults.push_back(Some(FaultKind::FileSetGone));
                }
            }
            let ended = deliver_early(&sink, bytes.clone(), part, Options { mode, ..options() });
            let changes = trees_with_deletions(&sink);
            (changes, ended.committed, ended.result.map_err(|error| error.to_string()))
        };
        prop_assert_eq!(deliver(Some(part)), deliver(None));
    }
}

/// What a commit holds, and which paths of earlier commits it deletes or replaces.
type Changed = (BTreeMap<String, Vec<u8>>, Vec<String>);

fn trees_with_deletions(sink: &Scripted) -> Vec<Changed> {
    let trees = trees(sink);
    let state = sink.lock();
    let good = state
        .commits
        .iter()
        .filter(|commit| commit.closed && commit.error.is_empty());
    let deleted = good.map(|commit| {
        let paths = commit.ops.iter().filter_map(|op| match op {
            Op::Delete(path) => Some(path.clone()),
            Op::Append(..) => None,
        });
        let mut paths: Vec<String> = paths.collect();
        paths.sort();
        paths.dedup();
        paths
    });
    trees.into_iter().map(|(_, tree)| tree).zip(deleted).collect()
}
