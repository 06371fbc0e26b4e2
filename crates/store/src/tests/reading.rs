//! What a commit's tree is, and how it comes out again.

use std::fmt::Write;

use super::*;

#[test]
fn a_directory_is_what_has_files_below_it_and_the_root_is_always_there() {
    let Fixture { store, .. } = &Fixture::new();
    let empty = store.put([]);
    let root = store.inspect_file(&empty, &path("/")).unwrap().unwrap();
    assert_eq!((root.kind, root.size_bytes), (FileKind::Directory, 0));
    let full = store.put([append("/d/e/1", "12"), append("/d/2", "345"), append("/d-x", "6")]);
    for (name, kind, size_bytes) in [
        ("/", FileKind::Directory, 6),
        ("/d", FileKind::Directory, 5),
        ("/d/e", FileKind::Directory, 2),
        ("/d/2", FileKind::File, 3),
    ] {
        let info = store.inspect_file(&full, &path(name)).unwrap();
        assert_eq!(info, Some(FileInfo { kind, size_bytes }), "{name}");
    }
    for name in ["/nope", "/d/e/1/x", "/d/e/", "/D"] {
        let there = store.inspect_file(&full, &path(name)).unwrap().is_some();
        assert_eq!(there, name == "/d/e/", "{name}");
    }
}

/// A byte that was changed on the disk, in an archive as long as before.
#[test]
fn bytes_that_are_not_those_that_were_written_are_never_given_as_a_whole_file() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    store.put([append("/f", "amount="), append("/good", "good")]);
    let full = store.put([append("/f", "100")]);
    for archive in fixture.archives_on_disk() {
        let bytes = fs::read(&archive).unwrap();
        let text: Vec<u8> = bytes
            .iter()
            .map(|byte| if *byte == b'1' { b'9' } else { *byte })
            .collect();
        fs::write(&archive, text).unwrap();
    }
    let mut readers = [
        store.get_file(&full, &path("/f")).unwrap(),
        store.get_file_tar(&full, &path("/")).unwrap(),
    ];
    for reader in &mut readers {
        let mut read = Vec::new();
        let error = reader.read_to_end(&mut read).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(".tar is damaged: the bytes before "), "{said}");
        assert!(!read.ends_with(b"900"), "{read:?}");
    }
    assert_eq!(store.text(&full, "/good"), "good");
    // What is sent again mends it.
    store.upload([append("/f", "100")]);
    assert_eq!(store.text(&full, "/f"), "amount=100");
}

#[test]
fn a_deep_tree_comes_out_with_each_of_its_directories_once() {
    let Fixture { store, .. } = &Fixture::new();
    let depth = 1_500;
    let deep = format!("/{}", "d/".repeat(depth));
    let full = store.put([
        append(&format!("{deep}a"), "1"),
        append(&format!("{deep}b"), "2"),
        append("/d/z", "3"),
    ]);
    let mut tar = Vec::new();
    store
        .get_file_tar(&full, &path("/"))
        .unwrap()
        .read_to_end(&mut tar)
        .unwrap();
    let mut archive = tar::Archive::new(&tar[..]);
    let entries = archive.entries().unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.header().entry_type().is_dir(), entry.path_bytes().len())
    });
    let entries: Vec<_> = entries.collect();
    let directories: Vec<_> = entries.iter().filter(|(is_dir, _)| *is_dir).collect();
    assert_eq!((entries.len(), directories.len()), (depth + 3, depth));
    assert!(directories.is_sorted_by(|one, other| one.1 < other.1));
}

#[test]
fn a_file_in_the_place_of_a_directory_is_found_however_deep_it_is() {
    let Fixture { store, .. } = &Fixture::new();
    let deep = "/d".repeat(1_000);
    store.put([
        append(&format!("{deep}/x"), "1"),
        append("/d/d-x", "2"),
        append("/d/d.y/z", "3"),
    ]);
    // A file in the base, one that comes with the directory, and one under a directory of many neighbours.
    for files in [
        vec![format!("{deep}/x/y/z")],
        vec!["/new/a".to_owned(), "/new/a-b".to_owned(), "/new/a/b/c".to_owned()],
        vec!["/d/d-x/y".to_owned()],
        vec![deep.clone()],
    ] {
        let open = commit(&store.start_commit(&branch("master"), "").unwrap());
        let file_set = store.upload(files.iter().map(|file| append(file, "x")));
        store.add_file_set(&open, &file_set).unwrap();
        store.finish_commit(&open, "", None).unwrap();
        let error = store.inspect_commit(&open).unwrap().error;
        assert!(error.contains("collision"), "{files:?}: {error}");
    }
    store.put([
        append(&format!("{deep}/y"), "1"),
        append("/d/d/e", "2"),
        append("/d/d-y/z", "3"),
    ]);
}

#[test]
fn only_files_have_bytes() {
    let Fixture { store, .. } = &Fixture::new();
    let full = store.put([append("/d/1", "x")]);
    for (name, words) in [
        ("/d", "it is a directory"),
        ("/nope", "not found"),
        ("/", "it is a directory"),
    ] {
        let fault = store.get_file(&full, &path(name)).err().unwrap();
        assert_eq!(fault.kind, FaultKind::NotFound);
        assert!(fault.message.contains(words), "{fault}");
    }
    let fault = store.get_file_tar(&full, &path("/nope")).err().unwrap();
    assert_eq!(
        (fault.kind, fault.message),
        (
            FaultKind::NotFound,
            format!("file /nope not found in repo default/events at commit {}", full.id)
        )
    );
}

#[test]
fn an_open_commit_has_no_content_yet() {
    let Fixture { store, .. } = &Fixture::new();
    store.put([append("/a", "x")]);
    let open = commit(&store.start_commit(&branch("master"), "").unwrap());
    let file_set = store.upload([append("/a", "y")]);
    store.add_file_set(&open, &file_set).unwrap();
    for result in [
        store.get_file(&open, &path("/a")).err(),
        store.get_file_tar(&open, &path("/")).err(),
        store.inspect_file(&open, &path("/a")).err(),
    ] {
        let fault = result.unwrap();
        assert_eq!(fault.kind, FaultKind::NotFound);
        assert!(fault.message.contains("is not finished"), "{fault}");
    }
}

#[test]
fn a_tar_has_full_names_sorted_with_directories_before_their_files() {
    let Fixture { store, .. } = &Fixture::new();
    let full = store.put([
        append("/z", "1"),
        append("/d/e/1", "22"),
        append("/d/e/0", ""),
        append("/d-x", "333"),
        append("/d/f", "4444"),
    ]);
    let names = |bytes: &[u8]| entries(bytes).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let whole = store.tar(&full, "/");
    assert_eq!(
        names(&whole),
        ["/d-x", "/d/", "/d/e/", "/d/e/0", "/d/e/1", "/d/f", "/z"]
    );
    assert_eq!(whole.len() % 512, 0);
    assert!(whole.ends_with(&[0; 1_024]));
    assert_eq!(
        names(&store.tar(&full, "/d")),
        ["/d/", "/d/e/", "/d/e/0", "/d/e/1", "/d/f"]
    );
    assert_eq!(names(&store.tar(&full, "/d/e")), ["/d/e/", "/d/e/0", "/d/e/1"]);
    assert_eq!(names(&store.tar(&full, "/d/f")), ["/d/f"]);
    let empty = store.put(["/z", "/d/e/1", "/d/e/0", "/d-x", "/d/f"].map(delete));
    assert_eq!(store.tar(&empty, "/"), [0; 1_024]);
}

#[test]
fn a_tar_is_the_same_however_small_the_reads_are() {
    let Fixture { store, .. } = &Fixture::new();
    let full = store.put([append("/a/1", "one"), append("/b", "x".repeat(600))]);
    let whole = store.tar(&full, "/");
    for size in [1, 3, 511, 512, 513] {
        let mut reader = store.get_file_tar(&full, &path("/")).unwrap();
        let mut bytes = Vec::new();
        let mut piece = vec![0; size];
        loop {
            let read = reader.read(&mut piece).unwrap();
            if read == 0 {
                break;
            }
            bytes.extend_from_slice(&piece[..read]);
        }
        assert!(bytes == whole, "{size}");
    }
}

#[test]
fn files_larger_than_the_buffer_come_back_whole() {
    let Fixture { store, dir, .. } = &Fixture::new();
    let piece = |n: u8| -> Vec<u8> { (0..700_000_u32).map(|at| (at % 251) as u8 ^ n).collect() };
    let mut steps = vec![append("/small", "s")];
    steps.extend((0..4).map(|n| append("/big", piece(n))));
    steps.push(append("/last", "l"));
    let full = store.put(steps);
    let expected: Vec<u8> = (0..4).flat_map(piece).collect();
    let mut content = Vec::new();
    store
        .get_file(&full, &path("/big"))
        .unwrap()
        .read_to_end(&mut content)
        .unwrap();
    assert!(content == expected);
    assert_eq!(store.tree(&full)["/last"], b"l");

    let [archive] = &files_below(&dir.join(ARCHIVES))[..] else {
        panic!("one archive")
    };
    let bytes = fs::read(archive).unwrap();
    let names: Vec<String> = entries(&bytes).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["small", "big", "last"], "an ordinary tar archive");
    let mut digest = String::new();
    for byte in <sha2::Sha256 as sha2::Digest>::digest(&bytes) {
        write!(digest, "{byte:02x}").unwrap();
    }
    assert_eq!(archive.file_stem().unwrap().to_str().unwrap(), digest);
}

#[test]
fn what_is_appended_commit_by_commit_reads_as_one_file() {
    let Fixture { store, .. } = &Fixture::new();
    let mut expected = String::new();
    let mut commits = Vec::new();
    for n in 0..60 {
        let line = format!("line {n}\n");
        expected.push_str(&line);
        commits.push((store.put([append("/log", &line)]), expected.clone()));
    }
    for (commit, content) in commits.iter().step_by(13) {
        assert_eq!(&store.text(commit, "/log"), content);
        let info = store.inspect_file(commit, &path("/log")).unwrap().unwrap();
        assert_eq!(info.size_bytes, content.len() as u64);
    }
    let fresh = store.put(overwrite("/log", "new\n"));
    assert_eq!(store.text(&fresh, "/log"), "new\n");
    assert_eq!(store.text(&commits[59].0, "/log"), expected);
}

#[test]
fn branches_from_one_head_go_their_own_ways() {
    let Fixture { store, .. } = &Fixture::new();
    let root = store.put([append("/log", "0"), append("/old", "x")]);
    store.create_branch(&branch("fork"), Some(&root)).unwrap();
    let left = store.put([append("/log", "L"), append("/left", "x")]);
    let right = store.put_on(&branch("fork"), [append("/log", "R"), delete("/old")]);
    store.create_branch(&branch("deep"), Some(&right)).unwrap();
    let right_again = store.put_on(&branch("fork"), [append("/log", "R")]);
    let deep = store.put_on(&branch("deep"), [append("/log", "D"), append("/old", "new")]);
    for (commit, log, files) in [
        (&root, "0", vec!["/log", "/old"]),
        (&left, "0L", vec!["/left", "/log", "/old"]),
        (&right, "0R", vec!["/log"]),
        (&right_again, "0RR", vec!["/log"]),
        (&deep, "0RD", vec!["/log", "/old"]),
    ] {
        assert_eq!(store.text(commit, "/log"), log);
        let tree = store.tree(commit);
        assert_eq!(tree.keys().map(String::as_str).collect::<Vec<_>>(), files);
    }
    assert_eq!(store.text(&deep, "/old"), "new");
    let ids: Vec<CommitId> = store
        .history(&branch("deep"))
        .into_iter()
        .map(|i| i.commit.id)
        .collect();
    assert_eq!(ids, [deep.id, right.id, root.id]);
}

#[test]
fn a_commit_dropped_while_it_is_read_is_an_error_and_never_anothers_bytes() {
    let Fixture { store, .. } = &Fixture::new();
    store.put([append("/log", "0")]);
    let doomed = store.put([append("/log", "1")]);
    let mut file = store.get_file(&doomed, &path("/log")).unwrap();
    let mut tar = store.get_file_tar(&doomed, &path("/")).unwrap();
    assert_eq!(file.read(&mut [0; 1]).unwrap(), 1);
    store.drop_commit(&doomed).unwrap();
    store.put([append("/log", "2")]);
    let error = file.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("was dropped"), "{error}");
    assert!(tar.read_to_end(&mut Vec::new()).is_err());
}

#[test]
fn nothing_uploaded_is_an_empty_file_set() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let done = store.put([]);
    assert!(store.inspect_commit(&done).unwrap().is_good());
    assert!(store.tree(&done).is_empty());
    let only_deletions = store.put([delete("/a")]);
    assert!(store.tree(&only_deletions).is_empty());
    assert!(fixture.archives_on_disk().is_empty());
}

#[test]
fn changes_are_shown_over_many_pages_until_the_visitor_has_enough() {
    let Fixture { store, .. } = &Fixture::new();
    let many = |from: usize, to: usize| (from..to).map(|number| append(&format!("/d/{number:04}"), "x"));
    let first = store.put(many(0, 600));
    let second = store.put(many(600, 1_200).chain((0..300).map(|number| delete(&format!("/d/{number:04}")))));
    let third = store.put([]);
    for (new, old) in [(&second, &first), (&third, &first)] {
        let changes = store.changes(new, Some(old));
        assert!(changes.is_sorted_by_key(|change| change.path.clone()));
        let of = |kind| changes.iter().filter(|change| change.kind == kind).count();
        assert_eq!(
            (changes.len(), of(ChangeKind::Deleted), of(ChangeKind::Added)),
            (900, 300, 600)
        );
    }
    assert_eq!(store.changes(&second, None).len(), 900);
    let mut seen = 0;
    store
        .diff_files(&second, None, &mut |_| {
            seen += 1;
            if seen == 300 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .unwrap();
    assert_eq!(seen, 300);
}

#[test]
fn a_file_that_is_written_anew_with_the_same_bytes_has_not_changed() {
    let Fixture { store, .. } = &Fixture::new();
    let first = store.put([append("/a", "one"), append("/b", "one")]);
    let second = store.put([append("/a", "two"), append("/b", "two")]);
    let third = store.put(overwrite("/a", "onetwo").into_iter().chain(overwrite("/b", "oneTWO")));
    let paths = |old| -> Vec<_> {
        let changes = store.changes(&third, Some(old));
        changes.into_iter().map(|change| change.path.to_string()).collect()
    };
    assert_eq!(paths(&second), ["/b"]);
    assert_eq!(paths(&first), ["/a", "/b"]);
}

#[test]
fn commits_without_content_are_compared_with_nothing() {
    let Fixture { store, .. } = &Fixture::new();
    let good = store.put([append("/a", "x")]);
    let open = commit(&store.start_commit(&branch("master"), "").unwrap());
    for (new, old) in [(&open, Some(&good)), (&good, Some(&open)), (&open, None)] {
        let fault = store
            .diff_files(new, old, &mut |_| ControlFlow::Continue(()))
            .unwrap_err();
        assert_eq!(fault.kind, FaultKind::NotFound);
        assert!(fault.message.contains("is not finished"), "{fault}");
    }
}
