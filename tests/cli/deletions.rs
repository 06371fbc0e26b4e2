//! `put --obey-deletions`, as a user runs it: what an archive may delete, and when it may not.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::Value;
use spoutctl_archive::ArchiveWriter;

use crate::runner::{Ran, World, tar, wait_until, words};

/// An archive that deletes these and adds those.
fn archive(deletions: &[&str], files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Vec::new(), 0);
    for path in deletions {
        writer.delete(path.as_bytes()).unwrap();
    }
    for (path, content) in files {
        writer
            .append(path.as_bytes(), content.len() as u64, content.as_bytes())
            .unwrap();
    }
    writer.finish().unwrap()
}

/// A store whose `events` has `/a`, `/d/b` and `/d/c`.
fn world() -> World {
    let world = World::local();
    let files: [(&str, &[u8]); 3] = [("a", b"1"), ("d/b", b"2"), ("d/c", b"3")];
    world
        .run_with(&["put", "events", "--create-repo"], &tar(&files))
        .expect(0);
    world
}

fn put(world: &World, more: &[&str], input: &[u8]) -> Ran {
    world.run_with(&[&["put", "events"], more].concat(), input)
}

/// The paths that `events` has.
fn paths(world: &World) -> Vec<String> {
    let archive = world.run(&["get", "events:/", "--tar"]);
    let mut archive = tar::Archive::new(&archive.expect(0).stdout[..]);
    let entries = archive.entries().unwrap();
    entries
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect()
}

#[test]
fn an_archive_from_a_stranger_deletes_nothing() {
    let world = world();
    let input = [archive(&["a", "d/b"], &[("e", "4")]), archive(&["d/c"], &[])].concat();
    let ran = put(&world, &[], &input);
    ran.expect(0)
        .says("archive 1: its deletions of 2 files were ignored; --obey-deletions obeys them")
        .says("archive 2: its deletion of 1 file was ignored; --obey-deletions obeys it")
        .says("archive 2 holds no file: no commit is made of it");
    assert_eq!(ran.stderr.matches("ignored").count(), 2);
    assert_eq!(ran.commits().len(), 1);
    assert_eq!(paths(&world), ["a", "d/b", "d/c", "e"]);
}

#[test]
fn obeyed_deletions_are_carried_out_and_an_archive_of_them_alone_is_a_commit() {
    let world = world();
    let input = [
        archive(&["a", "d/b"], &[("e", "4")]),
        archive(&["d/c", "nothing-there"], &[]),
    ]
    .concat();
    let ran = put(&world, &["--obey-deletions"], &input);
    ran.expect(0).says("2 commits, 1 file and 4 deletions, ");
    let lines = ran.lines();
    assert!(lines[0].ends_with("   1 file and 2 deletions   1 B"), "{lines:?}");
    assert!(lines[1].ends_with("   0 files and 2 deletions   0 B"), "{lines:?}");
    assert_eq!(paths(&world), ["e"]);
}

#[test]
fn receipts_say_how_many_files_were_deleted() {
    let world = world();
    let input = archive(&["a", "d/b"], &[("e", "4")]);
    let numbers = |line: &Value| ["files", "deletions", "bytes"].map(|field| line[field].as_u64());
    let expected = [Some(1), Some(2), Some(1)];
    let dry = put(&world, &["--obey-deletions", "--json", "--dry-run"], &input);
    let lines = dry.expect(0).says("1 file and 2 deletions, ").json();
    assert_eq!((&lines[0]["type"], numbers(&lines[0])), (&"archive".into(), expected));
    assert_eq!(paths(&world), ["a", "d/b", "d/c"], "nothing was sent");
    let args = ["--obey-deletions", "--json", "--stream", "s", "--resume"];
    for kind in ["commit", "already"] {
        let lines = put(&world, &args, &input).expect(0).json();
        assert_eq!((&lines[0]["type"], numbers(&lines[0])), (&kind.into(), expected));
    }
    let lines = put(&world, &["--json"], &input).expect(0).json();
    assert_eq!(numbers(&lines[0]), [Some(1), Some(0), Some(1)]);
}

#[test]
fn files_are_deleted_before_the_archives_own_are_added() {
    let world = world();
    let input = archive(&["a", "d/b"], &[("a", "new")]);
    put(&world, &["--obey-deletions", "--append"], &input).expect(0);
    assert_eq!(world.get("events:/a"), b"new", "an added file after a deletion is new");
    put(&world, &["--append"], &input).expect(0);
    assert_eq!(world.get("events:/a"), b"newnew");
    // A file where there was a directory, and the other way round.
    let input = archive(&["a", "d/c"], &[("d", "file"), ("a/x", "below")]);
    put(&world, &["--obey-deletions"], &input).expect(0);
    assert_eq!(paths(&world), ["a/x", "d"]);
}

#[test]
fn deletions_go_under_the_prefix_and_are_escaped_as_names_are() {
    let world = World::local();
    let prefix = words("put events:/in --create-repo --escape-paths --obey-deletions");
    let files: [(&str, &[u8]); 2] = [("a*", b"1"), ("b", b"2")];
    world.run_with(&prefix, &tar(&files)).expect(0);
    world.run_with(&["put", "events"], &tar(&[("b", b"3")])).expect(0);
    world.run_with(&prefix, &archive(&["a*", "b"], &[])).expect(0);
    assert_eq!(paths(&world), ["b"], "what is outside the prefix stays");
}

#[test]
fn a_malformed_deletion_stops_an_obedient_put_alone() {
    let world = world();
    let bad = archive(&["../a"], &[("e", "4")]);
    let ran = put(&world, &["--obey-deletions"], &bad);
    ran.expect(3)
        .says("archive 1 cannot be stored, so nothing of it was committed")
        .says("the deletion of `../a` (in the header at byte 0): the path has a `..` element");
    let dir = world.path("bad").display().to_string();
    let quarantine = format!("quarantine={dir}");
    let input = [bad.clone(), archive(&["a"], &[])].concat();
    let ran = put(&world, &["--obey-deletions", "--on-bad", &quarantine], &input);
    ran.expect(0);
    assert_eq!(ran.commits().len(), 1, "the stream goes on");
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 2, "the archive and its reason");
    put(&world, &[], &bad).expect(0);
    assert_eq!(paths(&world), ["d/b", "d/c", "e"]);
}

#[test]
fn many_deletions_are_one_commit() {
    let world = World::local();
    let names: Vec<String> = (0..20_000)
        .map(|number| format!("directory/of/many/{number:05}"))
        .collect();
    let mut builder = ArchiveWriter::new(Vec::new(), 0);
    for name in &names {
        builder.append(name.as_bytes(), 0, std::io::empty()).unwrap();
    }
    let filled = builder.finish().unwrap();
    let names: Vec<&str> = names.iter().map(String::as_str).skip(1).collect();
    let input = [filled, archive(&names, &[])].concat();
    let ran = world.run_with(&["put", "events", "--create-repo", "--obey-deletions"], &input);
    assert_eq!(ran.expect(0).commits().len(), 2);
    assert_eq!(paths(&world), ["directory/of/many/00000"]);
}

/// Takes `input` into a spool while the store cannot be written, and dies.
fn spool_and_die(world: &World, args: &[&str], dir: &str, input: &[u8]) {
    let store = rusqlite::Connection::open(world.path("store").join("store.sqlite")).unwrap();
    store.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let mut child = world.command(args).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let waiting = || world.run(&["spool", dir, "--json"]).expect(0).json().remove(0)["waiting"].clone();
    wait_until("it is taken in", || !waiting().as_array().unwrap().is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_spool_keeps_whether_its_archives_may_delete() {
    let world = world();
    let dir = world.path("spool").display().to_string();
    let obedient = ["put", "events", "--spool", &dir, "--obey-deletions"];
    // The spool learns which store it is for.
    world.run(&obedient).expect(0);
    spool_and_die(&world, &obedient, &dir, &archive(&["a"], &[]));
    put(&world, &["--spool", &dir], &[])
        .expect(2)
        .says("--obey-deletions: `yes` then, not given now");
    world.run(&["spool", &dir, "--send"]).expect(0);
    assert_eq!(paths(&world), ["d/b", "d/c"]);
}
