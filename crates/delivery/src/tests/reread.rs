//! An input that is read again when it is sent.

use std::fs::File;
use std::io::{BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::scripted::*;
use crate::rereading::Original;
use crate::spill::SpillBuffers;
use crate::*;
use crossbeam_channel::bounded;
use parking_lot::Mutex;
use spoutctl_archive::ArchiveReader;

fn content() -> Content {
    let bytes = |length: usize| -> Vec<u8> { (0..length).map(|i| (i * 13).to_le_bytes()[1]).collect() };
    let file = |number: usize| (format!("{number}"), bytes(40_000 * number));
    (1..=6).map(file).collect()
}

/// Delivers the two archives of a file of which nothing is held; between reading and sending `meanwhile` happens to it.
fn deliver_file(sink: &Arc<Scripted>, mode: WriteMode, meanwhile: impl FnOnce(&File)) -> Ended {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&[archive_with(&content()), archive_bytes(2)].concat())
        .unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let name: Arc<str> = "x.tar".into();
    let original = Original::of(&file, &name).unwrap();
    let buffers = SpillBuffers::with_memory(Path::new("/nonexistent-directory"), 0);
    let input = BufReader::new(file.try_clone().unwrap());
    let mut reader = ArchiveReader::new(input, name, 1, spoutctl_archive::Options::default());
    let mut read = Vec::new();
    while let Some(archive) = reader.next_archive(buffers.buffer_of(Some(&original))).unwrap() {
        read.push(archive);
    }
    meanwhile(&file);
    let (archives, incoming) = bounded(read.len() + 1);
    for archive in read {
        archives.send(Incoming::Archive(Box::new(archive))).unwrap();
    }
    archives.send(Incoming::End(Ok(()))).unwrap();
    let heard = Arc::new(Heard::default());
    let clock = Arc::new(Fast(Mutex::new(Instant::now())));
    let options = Options { mode, ..options() };
    let delivery = delivery(sink, Arc::clone(&heard) as _, clock, options);
    let (_, result) = delivery.run(&incoming);
    Ended::of(&heard, result)
}

#[test]
fn a_file_is_sent_from_where_it_lies_and_again_where_a_part_was_too_large() {
    let expected: Content = content()
        .into_iter()
        .map(|(path, bytes)| (format!("/{path}"), bytes))
        .collect();
    for mode in [WriteMode::Overwrite, WriteMode::Append] {
        let sink = Arc::new(Scripted::new(Vec::new()));
        sink.lock().largest = Some(100_000);
        let ended = deliver_file(&sink, mode, |_| {}).unwrap();
        assert_eq!(ended.committed, [1, 2]);
        assert_eq!(sink.good(), [(1, expected.clone()), (2, content_of(2))]);
    }
}

#[test]
fn a_file_that_changes_before_it_is_sent_is_told_and_no_commit_is_started() {
    for no_file_sets in [false, true] {
        let sink = Arc::new(Scripted::new(Vec::new()));
        sink.lock().no_file_sets = no_file_sets;
        let ended = deliver_file(&sink, WriteMode::Overwrite, |file| {
            file.write_all_at(b"!", 200_000).unwrap();
        });
        assert_eq!(ended.committed, [0; 0]);
        let error = ended.unwrap_err();
        assert_eq!(error.consequence(), Consequence::FixInput);
        let text = error.to_string();
        let expected = "archive 1 cannot be stored: x.tar was changed while it was sent: bytes 196,608 to 229,375 ";
        assert!(text.contains(expected), "{text}");
        assert_eq!(sink.good(), []);
        // Without file sets there is a commit before anything is sent; it is given up.
        let starts = sink.lock().starts;
        assert_eq!((starts, sink.open()), (usize::from(no_file_sets), 0));
    }
}

#[test]
fn what_changes_behind_an_archive_does_not_matter_to_it() {
    let sink = Arc::new(Scripted::new(Vec::new()));
    let ended = deliver_file(&sink, WriteMode::Overwrite, |file| {
        let length = file.metadata().unwrap().len();
        file.write_all_at(b"!", length - 2048).unwrap();
    });
    assert_eq!(ended.committed, [1]);
    let error = ended.unwrap_err();
    assert!(matches!(error, DeliveryError::Local { archive: 2, .. }), "{error:?}");
    assert_eq!(sink.good().len(), 1);
}
