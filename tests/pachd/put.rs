//! What goes in comes back.

use crate::lab::{Lab, is_1_x, is_lacking};
use crate::runner::{World, files_of, fixture, fixture_bytes, tar};

#[test]
fn each_of_three_archives_is_a_commit_and_comes_back_byte_for_byte() {
    let lab = Lab::new();
    let stream = fixture_bytes("archives/three.tar");
    let ran = lab.put(&["-m", "from the test"], &stream);
    let commits = ran.expect(0).says("3 commits, 6 files, ").commits();
    assert_eq!(commits.len(), 3);
    assert!(commits[0].starts_with(&format!("default/{}@", lab.repo)));
    let ids: Vec<String> = commits
        .iter()
        .map(|commit| commit.split_once('@').unwrap().1.to_owned())
        .collect();
    lab.holds_just(&ids);
    // GNU tar pads each of them to 10,240 bytes.
    for (commit, archive) in commits.iter().zip(stream.chunks(10_240)) {
        for (path, content) in files_of(archive) {
            assert_eq!(lab.get(&format!("{commit}:/{path}")), content);
        }
    }
    let everything = lab.run(&["get", &lab.repo, "--tar"]);
    let mut of_branch = files_of(&everything.expect(0).stdout);
    of_branch.sort();
    let mut sent: Vec<_> = stream.chunks(10_240).flat_map(files_of).collect();
    // The offset file is in all three; the last one counts.
    sent.retain(|(path, content)| path != "offset" || content == b"72\n");
    sent.sort();
    assert_eq!(of_branch, sent);
    for (number, commit) in lab.commits().iter().enumerate() {
        let lines: Vec<&str> = commit.description.lines().collect();
        assert_eq!(lines[0], "from the test");
        assert!(lines[1].starts_with("spoutctl/1 stream="), "{lines:?}");
        assert!(lines[1].ends_with(" done"), "{lines:?}");
        assert_eq!(commit.sequence(), number as u64 + 1);
    }
}

#[test]
fn every_archive_of_the_fixtures_means_the_same_to_pachd_and_to_the_embedded_store() {
    let lab = Lab::new();
    let names = std::fs::read_dir(fixture("archives")).unwrap();
    let mut compared = 0;
    for name in names.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
        let local = World::local();
        let file = fixture(&format!("archives/{name}"));
        let file = file.to_str().unwrap();
        let here = local.run(&["put", "events", "--create-repo", file]);
        let branch = lab.at(&format!("@{}", name.replace('.', "-")));
        let there = lab.run(&["put", &branch, file]);
        there.expect(here.code.unwrap());
        assert_eq!(there.commits().len(), here.commits().len(), "{name}");
        for (here, there) in here.commits().iter().zip(there.commits()) {
            let here = local.run(&["get", here, "--tar"]);
            let there = lab.run(&["get", &there, "--tar"]);
            assert_eq!(
                files_of(&there.expect(0).stdout),
                files_of(&here.expect(0).stdout),
                "{name}"
            );
            compared += 1;
        }
    }
    assert!(compared >= 10, "{compared}");
}

#[test]
fn ten_thousand_small_files_go_in_as_one_commit() {
    let lab = Lab::new();
    let files: Vec<(String, Vec<u8>)> = (0..10_000)
        .map(|number| {
            (
                format!("part-{:02}/{number:05}", number % 50),
                format!("{number}").repeat(40).into_bytes(),
            )
        })
        .collect();
    let borrowed: Vec<(&str, &[u8])> = files.iter().map(|(path, data)| (path.as_str(), &data[..])).collect();
    let ran = lab.put(&[], &tar(&borrowed));
    ran.expect(0).says("1 commit, 10,000 files");
    let back = lab.run(&["get", &lab.repo, "--tar"]);
    let mut expected = files;
    expected.sort();
    assert_eq!(files_of(&back.expect(0).stdout), expected);
}

/// Bytes that do not repeat, so that a piece in the wrong place shows.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[test]
fn a_file_that_spans_parts_comes_back_whole_and_replaces_the_one_before() {
    if std::env::var_os("SPOUTCTL_TEST_LARGE").is_none() {
        eprintln!("skipped: SPOUTCTL_TEST_LARGE is not set, and this takes a minute");
        return;
    }
    let lab = Lab::new();
    for seed in [1, 2] {
        let content = noise((300 << 20) + 7, seed);
        let archive = tar(&[("before", b"x"), ("large", &content), ("later", b"y")]);
        lab.put(&[], &archive).expect(0);
        assert!(lab.get(&lab.at(":/large")) == content, "seed {seed}");
        assert_eq!(lab.get(&lab.at(":/later")), b"y");
    }
    assert_eq!(lab.good_commits().len(), 2);
}

#[test]
fn a_file_is_replaced_unless_its_bytes_are_to_be_appended() {
    let lab = Lab::new();
    lab.put(&[], &tar(&[("log", b"one\n"), ("same", b"s")])).expect(0);
    lab.put(&["--append"], &tar(&[("log", b"two\n"), ("new", b"n")]))
        .expect(0);
    assert_eq!(lab.get(&lab.at(":/log")), b"one\ntwo\n");
    assert_eq!(lab.get(&lab.at(":/new")), b"n");
    lab.put(&[], &tar(&[("log", b"three\n")])).expect(0);
    assert_eq!(lab.get(&lab.at(":/log")), b"three\n");
    assert_eq!(lab.get(&lab.at(":/same")), b"s");
}

#[test]
fn a_prefix_is_put_before_every_path() {
    let lab = Lab::new();
    lab.run_with(
        &["put", &lab.at("@live:/by/minute")],
        &tar(&[("a", b"1"), ("./b/c", b"2")]),
    )
    .expect(0);
    let ran = lab.run(&["get", &lab.at("@live"), "--tar"]);
    assert_eq!(
        files_of(&ran.expect(0).stdout),
        [
            ("by/minute/a".to_owned(), b"1".to_vec()),
            ("by/minute/b/c".to_owned(), b"2".to_vec())
        ]
    );
}

#[test]
fn paths_that_pachd_refuses_are_refused_here_or_escaped_and_come_back_unescaped() {
    let lab = Lab::new();
    let names = ["50% of [all]*.txt", "a+b@c", "naïve/Ω", "back\\slash"];
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, name.as_bytes())).collect();
    let ran = lab.put(&[], &tar(&files));
    ran.expect(3).says("--escape-paths");
    assert!(lab.commits().is_empty());
    lab.put(&["--escape-paths"], &tar(&files)).expect(0);
    let ran = lab.run(&["get", &lab.repo, "--tar", "--unescape-paths"]);
    let mut back = files_of(&ran.expect(0).stdout);
    back.sort();
    let mut sent: Vec<_> = names
        .iter()
        .map(|name| ((*name).to_owned(), name.as_bytes().to_vec()))
        .collect();
    sent.sort();
    assert_eq!(back, sent);
}

#[test]
fn a_path_that_is_a_file_in_the_branch_already_fails_its_commit_and_no_later_one() {
    // There it is refused before there is a commit.
    if is_lacking("commits that end with an error") {
        return;
    }
    let lab = Lab::new();
    lab.put(&[], &tar(&[("a", b"file"), ("keep", b"k")])).expect(0);
    let stream = [
        tar(&[("a/b", b"collides"), ("lost", b"l")]),
        tar(&[("after", b"never sent")]),
    ]
    .concat();
    let ran = lab.put(&[], &stream);
    ran.expect(4)
        .says("path collision")
        .says("/a")
        .says("pachctl delete file");
    assert_eq!(ran.text(), "", "nothing is acknowledged");
    let commits = lab.commits();
    assert_eq!(
        commits.len(),
        2,
        "what follows a failed commit is not there: {commits:?}"
    );
    assert!(!commits[1].error.is_empty());
    // The branch goes on without the failed commit's data.
    lab.put(&[], &tar(&[("next", b"n")])).expect(0);
    assert_eq!(lab.get(&lab.at(":/next")), b"n");
    assert_eq!(lab.get(&lab.at(":/a")), b"file");
    assert_eq!(lab.get(&lab.at(":/keep")), b"k");
    lab.run(&["get", &lab.at(":/lost")]).expect(1);
    lab.run(&["get", &lab.at(":/a/b")]).expect(1);
    lab.run(&["get", &lab.at(":/after")]).expect(1);
}

#[test]
fn a_missing_repo_is_named_and_made_when_told_so() {
    let lab = Lab::without_repo();
    let ran = lab.put(&[], &tar(&[("a", b"x")]));
    ran.expect(4)
        .says(&format!("repo default/{} does not exist", lab.repo))
        .says("--create-repo");
    lab.put(&["--create-repo", "--dry-run"], &tar(&[("a", b"x")])).expect(0);
    lab.put(&["--dry-run"], &tar(&[("a", b"x")])).expect(4);
    lab.put(&["--create-repo"], &tar(&[("a", b"x")])).expect(0);
    lab.put(&["--create-repo"], &tar(&[("a", b"y")])).expect(0);
    assert_eq!(lab.get(&lab.at(":/a")), b"y");
}

#[test]
fn a_dry_run_changes_nothing() {
    let lab = Lab::new();
    let ran = lab.put(&["--dry-run"], &fixture_bytes("archives/three.tar"));
    ran.expect(0).says("archive 3").says("nothing is sent");
    assert!(lab.commits().is_empty());
}

#[test]
fn deletions_are_obeyed_file_by_file_and_alone_make_a_commit() {
    let lab = Lab::new();
    let archive = |deletions: &[&str], files: &[(&str, &[u8])]| {
        let mut writer = spoutctl_archive::ArchiveWriter::new(Vec::new(), 0);
        for path in deletions {
            writer.delete(path.as_bytes()).unwrap();
        }
        for (path, content) in files {
            writer.append(path.as_bytes(), content.len() as u64, *content).unwrap();
        }
        writer.finish().unwrap()
    };
    let held = || files_of(&lab.run(&["get", &lab.repo, "--tar"]).expect(0).stdout);
    let file = |path: &str, content: &[u8]| (path.to_owned(), content.to_vec());
    lab.put(&[], &tar(&[("a", b"1"), ("d/b", b"2"), ("d/c", b"3")]))
        .expect(0);
    // The path of a directory has no effect; 1.x would delete all that is in it, so there it is refused.
    let mut deletions = vec!["a", "d/b", "nothing"];
    if is_1_x() {
        let ran = lab.put(&["--obey-deletions"], &archive(&["d"], &[("e", b"4")]));
        ran.expect(4)
            .says("/d is a directory of")
            .says("the archive deletes a file of that name");
    } else {
        deletions.push("d");
    }
    let input = archive(&deletions, &[("a/x", b"4"), ("e", b"5")]);
    lab.put(&[], &archive(&["a"], &[])).expect(0);
    assert_eq!(held(), [file("a", b"1"), file("d/b", b"2"), file("d/c", b"3")]);
    // A file becomes a directory.
    lab.put(&["--obey-deletions"], &input).expect(0);
    assert_eq!(held(), [file("a/x", b"4"), file("d/c", b"3"), file("e", b"5")]);
    lab.put(&["--obey-deletions"], &archive(&["a/x", "d/c"], &[])).expect(0);
    assert_eq!(held(), [file("e", b"5")]);
    let input = archive(&["e"], &[("e", b"6")]);
    lab.put(&["--obey-deletions", "--append"], &input).expect(0);
    assert_eq!(held(), [file("e", b"6")]);
    // A directory becomes a file, once all that is in it goes.
    lab.put(&[], &tar(&[("f/a", b"7"), ("f/g/b", b"7")])).expect(0);
    let ran = lab.put(&["--obey-deletions"], &archive(&["f/a"], &[("f", b"8")]));
    ran.expect(4);
    let input = archive(&["f/a", "f/g/b"], &[("f", b"8")]);
    if is_1_x() {
        // It leaves the directory behind, and only what overwrites takes its place.
        let ran = lab.put(&["--obey-deletions", "--append"], &input);
        ran.expect(4).says("/f is a directory of");
    }
    lab.put(&["--obey-deletions"], &input).expect(0);
    assert_eq!(held(), [file("e", b"6"), file("f", b"8")]);
    // So it does with one that was emptied before.
    lab.put(&[], &tar(&[("d", b"9")])).expect(0);
    assert_eq!(held(), [file("d", b"9"), file("e", b"6"), file("f", b"8")]);
    assert_eq!(lab.good_commits().len(), 7);
}
