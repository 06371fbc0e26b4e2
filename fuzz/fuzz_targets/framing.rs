//! Any bytes through decompression and framing: no panic, bounded memory, and what comes out is true of what went in.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use spoutctl_archive::{Archive, ArchiveWriter, Files, Options, open_input};
use spoutctl_core::pfs::FilePath;
use spoutctl_fuzz::{Choice, Framed, content, frame, frame_bytes, held, seal, sha256, word_contents};

/// How much is decompressed: 64 KiB of zstd may stand for gibibytes of zeros.
const INPUT_LIMIT: u64 = 32 << 20;

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let choice = Choice::of(*choice);
    let mut bytes = bytes.to_vec();
    if choice.seal {
        seal(&mut bytes);
    }
    let framed = frame(open_input(&bytes[..]).take(INPUT_LIMIT), &choice.options);
    if framed.is_too_large() {
        return;
    }
    let mut plain = Vec::new();
    // What was decompressed before a fault stays in `plain`.
    let fault = open_input(&bytes[..]).take(INPUT_LIMIT).read_to_end(&mut plain).err();
    check_gaps(&framed, &plain);
    for archive in &framed.archives {
        check(archive, &plain, &choice.options);
    }
    let again = frame_bytes(&plain, choice.capacity, &choice.options);
    assert_same(&again, &framed.archives);
    if fault.is_none() {
        assert_eq!(again.error.is_some(), framed.error.is_some());
    }
    check_cuts(&framed, &plain, &choice);
});

/// An archive needs nothing behind its end, and not one byte less.
fn check_cuts(framed: &Framed, plain: &[u8], choice: &Choice) {
    let Some((last, before)) = framed.archives.split_last() else {
        return;
    };
    let end = usize::try_from(last.offset + last.length).expect("within the input");
    let whole = frame_bytes(&plain[..end], choice.capacity, &choice.options);
    assert_same(&whole, &framed.archives);
    assert!(whole.error.is_none(), "a complete archive needs more than itself");
    let cut = frame_bytes(&plain[..end - 1], choice.capacity, &choice.options);
    assert_same(&cut, before);
    assert!(cut.error.is_some(), "a torn archive is no error");
}

fn assert_same(framed: &Framed, expected: &[Archive]) {
    let places = |archives: &[Archive]| -> Vec<_> {
        let place = |archive: &Archive| (archive.number, archive.offset, archive.length, archive.digest);
        archives.iter().map(place).collect()
    };
    assert_eq!(places(&framed.archives), places(expected));
}

/// Between archives are zeros and nothing else.
fn check_gaps(framed: &Framed, plain: &[u8]) {
    let mut end = 0;
    for (archive, number) in framed.archives.iter().zip(1..) {
        assert_eq!(archive.number, number);
        let start = usize::try_from(archive.offset).expect("within the input");
        assert!(plain[end..start].iter().all(|byte| *byte == 0), "bytes were dropped");
        end = start + usize::try_from(archive.length).expect("within the input");
    }
    if framed.error.is_none() {
        assert!(plain[end..].iter().all(|byte| *byte == 0), "bytes were dropped");
    }
}

fn check(archive: &Archive, plain: &[u8], options: &Options) {
    assert_eq!(archive.length % 512, 0);
    let bytes = held(archive);
    let start = usize::try_from(archive.offset).expect("within the input");
    assert_eq!(bytes, plain[start..start + bytes.len()]);
    assert_eq!(sha256(&bytes), *archive.digest.as_bytes());
    assert!(bytes[bytes.len() - 1024..].iter().all(|byte| *byte == 0));
    for note in archive.notes() {
        assert!(!note.chars().any(char::is_control));
    }
    match &archive.contents {
        Ok(files) => {
            check_files(archive, files, options);
            check_deletions(archive, files, options);
        }
        Err(error) => word_contents(error),
    }
    check_alone(archive, &bytes, options);
}

fn check_files(archive: &Archive, files: &Files, options: &Options) {
    let mut total = 0;
    let mut before = None;
    for (index, file) in files.iter().enumerate() {
        let path = FilePath::new(file.path).expect("a path that pachd takes");
        assert_eq!(path.as_str(), file.path, "a path that is not normalised");
        assert!(!path.is_root());
        if !options.prefix.is_root() {
            let below = file.path.strip_prefix(options.prefix.as_str());
            assert!(below.is_some_and(|below| below.starts_with('/')), "outside the prefix");
        }
        assert!(before < Some(file.path), "not sorted, or twice");
        for (slash, _) in file.path.match_indices('/').skip(1) {
            assert_eq!(files.find(&file.path[..slash]), None, "a file and a directory");
        }
        assert_eq!(files.find(file.path), Some(index));
        assert!(file.size <= options.max_entry_size);
        check_offsets(archive, index, file.size);
        total += file.size;
        before = Some(file.path);
    }
    assert_eq!(files.total_bytes(), total);
    assert!(files.get(files.len()).is_none() && archive.open(files.len()).is_none());
}

/// Deletions are paths as those of files are, and come back when they are written with the files.
fn check_deletions(archive: &Archive, files: &Files, options: &Options) {
    assert!(options.obey_deletions || files.deletions().len() == 0);
    assert!(!options.obey_deletions || archive.ignored_deletions() == 0);
    // Without any, nothing may be left to write, and then there is no archive to read again.
    if files.deletions().len() == 0 {
        return;
    }
    let mut writer = ArchiveWriter::new(Vec::new(), 0);
    let mut before = None;
    for path in files.deletions() {
        let checked = FilePath::new(path).expect("a path that pachd takes");
        assert_eq!(checked.as_str(), path, "a path that is not normalised");
        assert!(before < Some(path), "not sorted, or twice");
        if !options.prefix.is_root() {
            let below = path.strip_prefix(options.prefix.as_str());
            assert!(below.is_some_and(|below| below.starts_with('/')), "outside the prefix");
        }
        writer
            .delete(&path.as_bytes()[1..])
            .expect("a path that may be written");
        before = Some(path);
    }
    for (index, file) in files.iter().enumerate().filter(|(_, file)| file.size < 4096) {
        let content = content(archive, index);
        writer
            .append(&file.path.as_bytes()[1..], file.size, &content[..])
            .expect("a file that may be written");
    }
    let bytes = writer.finish().expect("memory");
    let obedient = Options {
        obey_deletions: true,
        ..Options::default()
    };
    let again = frame_bytes(&bytes, 65_536, &obedient);
    assert!(again.error.is_none());
    let again = again.archives[0].contents.as_ref().expect("what was checked before");
    assert!(again.deletions().eq(files.deletions()));
}

/// A file read from its middle is the end of the file read from its start.
fn check_offsets(archive: &Archive, index: usize, size: u64) {
    let whole = content(archive, index);
    if whole.len() as u64 == size {
        for offset in [size / 3, size] {
            let mut end = Vec::new();
            let mut reader = archive.open_at(index, offset).expect("a file of the archive");
            assert_eq!(reader.remaining(), size - offset);
            reader.read_to_end(&mut end).expect("held bytes");
            assert!(whole.ends_with(&end) && end.len() as u64 == size - offset);
        }
    }
}

/// The held bytes are one archive by themselves, with the same files.
fn check_alone(archive: &Archive, bytes: &[u8], options: &Options) {
    let alone = frame_bytes(bytes, 65_536, options);
    assert!(alone.error.is_none());
    let [again] = &alone.archives[..] else {
        panic!("{} archives from the bytes of one", alone.archives.len());
    };
    assert_eq!(
        (again.offset, again.length, again.digest),
        (0, archive.length, archive.digest)
    );
    match (&archive.contents, &again.contents) {
        (Ok(files), Ok(files_again)) => {
            assert!(files.iter().eq(files_again.iter()));
            for index in 0..files.len() {
                assert_eq!(content(archive, index), content(again, index));
            }
        }
        (Err(_), Err(_)) => {}
        _ => panic!("stored in one place and refused in another"),
    }
}
