//! The two readers of an archive agree: what [`EntryStream`] hands out is what [`ArchiveReader`] found, or both refuse.
//!
//! [`ArchiveReader`]: spoutctl_archive::ArchiveReader
#![no_main]

use std::collections::BTreeMap;
use std::io::Read;

use libfuzzer_sys::fuzz_target;
use spoutctl_archive::{
    Archive, ArchiveErrorKind, ContentErrorKind, EntryKind, EntryStream, EntryStreamError, Links, Options, Special,
    escape_path,
};
use spoutctl_fuzz::{Choice, Framed, content, frame_bytes, seal};

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let read_data = choice & 1 == 0;
    let choice = Choice::of(*choice);
    let mut bytes = bytes.to_vec();
    if choice.seal {
        seal(&mut bytes);
    }
    // Nothing but what the format says decides here.
    let options = Options {
        escape_paths: true,
        links: Links::Skip,
        special: Special::Skip,
        max_entry_size: u64::MAX,
        ..Options::default()
    };
    let framed = frame_bytes(&bytes, choice.capacity, &options);
    let start = |offset: u64| usize::try_from(offset).expect("within the input");
    match &framed {
        Framed { archives, .. } if !archives.is_empty() => {
            let archive = &archives[0];
            let streamed = stream(&bytes[start(archive.offset)..], read_data);
            compare(archive, &streamed, read_data);
        }
        Framed { error: Some(error), .. } => {
            let streamed = stream(&bytes[start(error.offset)..], read_data);
            assert!(streamed.error.is_some(), "refused by one of the two only: {error}");
        }
        Framed { .. } => assert!(stream(&bytes, read_data).entries.is_empty()),
    }
});

struct Streamed {
    entries: Vec<(Vec<u8>, EntryKind, Vec<u8>)>,
    error: Option<EntryStreamError>,
}

/// All entries, and their data unless they are to be skipped.
fn stream(bytes: &[u8], read_data: bool) -> Streamed {
    let mut stream = EntryStream::new(bytes, "input".into());
    let mut entries = Vec::new();
    let error = loop {
        match stream.next_entry() {
            Ok(None) => break None,
            Ok(Some(mut entry)) => {
                let mut data = Vec::new();
                if read_data && let Err(error) = entry.read_to_end(&mut data) {
                    let told = error.downcast::<EntryStreamError>().expect("where it broke");
                    break Some(told);
                }
                assert!(!read_data || data.len() as u64 == entry.size());
                entries.push((entry.path().to_vec(), entry.kind(), data));
            }
            Err(error) => break Some(error),
        }
    };
    if let Some(error) = &error {
        let lines = error.details().into_iter().chain([error.to_string()]);
        for line in lines {
            assert!(!line.is_empty() && !line.chars().any(char::is_control), "{line:?}");
        }
    }
    assert!(matches!(stream.next_entry(), Ok(None)), "something follows the end");
    Streamed { entries, error }
}

fn compare(archive: &Archive, streamed: &Streamed, read_data: bool) {
    if let Some(error) = &streamed.error {
        let sparse = ArchiveErrorKind::Content(ContentErrorKind::SparseUnexpected);
        let only_sparse = std::mem::discriminant(&error.trouble.kind) == std::mem::discriminant(&sparse);
        assert!(only_sparse, "refused by one of the two only: {error}");
        return;
    }
    let Ok(files) = &archive.contents else {
        return;
    };
    let mut expected = BTreeMap::new();
    for (name, kind, data) in &streamed.entries {
        match kind {
            EntryKind::File => {
                let path = escape_path(name).expect("the root is no file");
                expected.insert(path, data);
            }
            EntryKind::Directory => assert!(data.is_empty()),
            _ => {}
        }
    }
    assert!(files.iter().map(|file| file.path).eq(expected.keys()));
    if read_data {
        for (index, data) in expected.values().enumerate() {
            assert_eq!(files.get(index).map(|file| file.size), Some(data.len() as u64));
            assert_eq!(content(archive, index), **data);
        }
    }
}
