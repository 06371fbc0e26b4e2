//! `get` from the embedded store, as a user runs it.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::runner::{Ran, World, fixture_bytes, has_program, signal, skip, tar, wait_until};

fn three_commits() -> (World, Vec<String>) {
    let world = World::local();
    let ran = world.run_with(
        &["put", "events", "--create-repo"],
        &fixture_bytes("archives/three.tar"),
    );
    let commits = ran.expect(0).commits();
    (world, commits)
}

#[test]
fn a_branch_means_its_newest_good_commit_and_an_id_means_itself() {
    let (world, commits) = three_commits();
    assert_eq!(world.get("events:/offset"), b"72\n");
    assert_eq!(world.get("events@master:/offset"), b"72\n");
    assert_eq!(world.get(&format!("{}:/offset", commits[0])), b"24\n");
    // A head that finished with an error is looked past.
    world
        .run_with(&["put", "events"], &tar(&[("offset/x", b"y")]))
        .expect(4);
    assert_eq!(world.get("events:/offset"), b"72\n");
}

#[test]
fn what_is_not_there_yet_is_exit_1_and_a_missing_repo_is_exit_4() {
    let (world, _) = three_commits();
    world.run(&["get", "events:/nope"]).expect(1).says("/nope");
    world.run(&["get", "events@nope:/offset"]).expect(1);
    world
        .run(&["get", "events@3fb3cdfe1fce41649b650606d4c86d35:/offset"])
        .expect(1);
    world
        .run(&["get", "nope:/offset"])
        .expect(4)
        .says("repo default/nope does not exist")
        .says("help: check the name");
    world.run(&["get", "events:/events"]).expect(2).says("--tar");
    world.run(&["get", "events"]).expect(2);
}

#[test]
fn a_store_that_is_not_there_is_not_made_by_reading() {
    let world = World::local();
    world.run(&["get", "events:/a"]).expect(4);
    assert!(!world.path("store").exists());
}

#[test]
fn a_whole_commit_comes_back_as_an_archive_that_tar_reads_and_put_takes() {
    let (world, _) = three_commits();
    let archive = world.run(&["get", "events", "--tar"]);
    archive.expect(0);
    assert!(archive.stdout.ends_with(&[0; 1024]));
    let other = World::local();
    other
        .run_with(&["put", "copy", "--create-repo"], &archive.stdout)
        .expect(0);
    assert_eq!(other.run(&["get", "copy", "--tar"]).stdout.len(), archive.stdout.len());
    assert_eq!(
        other.get("copy:/events/2026-11-22/09-03.jsonl"),
        world.get("events:/events/2026-11-22/09-03.jsonl")
    );
    if !has_program("tar") {
        return skip("tar is not installed");
    }
    let file = world.path("all.tar");
    std::fs::write(&file, &archive.stdout).unwrap();
    let listed = Command::new("tar").arg("tf").arg(&file).output().unwrap();
    assert!(listed.stderr.is_empty(), "{}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout).unwrap();
    let names: Vec<&str> = listed.lines().collect();
    let minute = |m: u8| format!("events/2026-11-22/09-0{m}.jsonl");
    assert_eq!(names, [&minute(1), &minute(2), &minute(3), "offset"]);
}

#[test]
fn a_directory_comes_as_an_archive_of_just_that_directory() {
    let (world, _) = three_commits();
    let ran = world.run(&["get", "events:/events", "--tar"]);
    let mut archive = tar::Archive::new(&ran.expect(0).stdout[..]);
    let names: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    assert_eq!(names.len(), 3);
    assert!(
        names.iter().all(|name| name.starts_with("events/2026-11-22/")),
        "{names:?}"
    );
    let one = world.run(&["get", "events:/offset", "--tar"]);
    assert_eq!(
        tar::Archive::new(&one.expect(0).stdout[..]).entries().unwrap().count(),
        1
    );
}

#[test]
fn an_output_file_appears_whole_or_not_at_all() {
    let (world, _) = three_commits();
    let file = world.path("offset");
    let name = file.to_str().unwrap();
    world.run(&["get", "events:/offset", "-o", name]).expect(0);
    assert_eq!(std::fs::read(&file).unwrap(), b"72\n");
    world.run(&["get", "events:/nope", "-o", name]).expect(1);
    assert_eq!(
        std::fs::read(&file).unwrap(),
        b"72\n",
        "what was there stays when nothing came"
    );
    let new = world.path("new");
    world
        .run(&["get", "events:/nope", "-o", new.to_str().unwrap()])
        .expect(1);
    assert!(!new.exists());
    let names = std::fs::read_dir(world.directory.path()).unwrap().count();
    assert_eq!(names, 2, "only the store and the file: no temporary file is left");
}

#[test]
fn a_reader_that_has_enough_ends_get_quietly() {
    let world = World::local();
    world
        .run_with(&["put", "big", "--create-repo"], &tar(&[("zeros", &vec![7; 4 << 20])]))
        .expect(0);
    let mut child = world
        .command(&["get", "big:/zeros"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = Ran::from(child.wait_with_output().unwrap());
    ran.expect(0);
    assert_eq!(ran.stderr, "");
}

#[test]
fn an_output_file_keeps_its_permissions_and_a_link_is_followed() {
    let (world, _) = three_commits();
    let file = world.path("private");
    std::fs::write(&file, b"old").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let link = world.path("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    world
        .run(&["get", "events:/offset", "-o", link.to_str().unwrap()])
        .expect(0);
    assert_eq!(std::fs::read(&file).unwrap(), b"72\n");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(link.is_symlink());
    let nowhere = world.path("nowhere");
    std::os::unix::fs::symlink("missing", &nowhere).unwrap();
    world
        .run(&["get", "events:/offset", "-o", nowhere.to_str().unwrap()])
        .expect(2)
        .says("leads nowhere");
    world
        .run(&["get", "events:/offset", "-o", world.directory.path().to_str().unwrap()])
        .expect(2)
        .says("directory");
}

#[test]
fn standard_output_by_any_of_its_names_is_not_replaced_by_a_file() {
    let (world, _) = three_commits();
    for name in ["-", "/dev/stdout", "/proc/self/fd/1"] {
        let log = world.path("log");
        std::fs::write(&log, b"kept\n").unwrap();
        let appended = std::fs::File::options().append(true).open(&log).unwrap();
        let status = world
            .command(&["get", "events:/offset", "-o", name])
            .stdout(appended)
            .status()
            .unwrap();
        assert!(status.success());
        assert_eq!(std::fs::read(&log).unwrap(), b"kept\n72\n", "{name}");
    }
}

#[test]
fn a_damaged_archive_of_the_store_is_a_fault_of_the_disk_and_never_short_data() {
    let (world, _) = three_commits();
    let mut archives = vec![world.path("store/archives")];
    while let Some(path) = archives.pop() {
        if path.is_dir() {
            archives.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            std::fs::File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_len(100)
                .unwrap();
        }
    }
    world.run(&["get", "events:/offset"]).expect(3).says("damaged");
    let tar = world.run(&["get", "events", "--tar"]);
    tar.expect(3);
    assert!(!tar.stdout.ends_with(&[0; 1024]), "no end marker after what is missing");
}

#[test]
fn an_interrupt_leaves_nothing_of_a_directory_that_was_being_written() {
    let world = World::local();
    let names: Vec<String> = (0..3_000).map(|number| format!("d/{number:05}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    world
        .run_with(&["put", "events", "--create-repo"], &tar(&files))
        .expect(0);
    let out = tempfile::tempdir().unwrap();
    let entries = || {
        std::fs::read_dir(out.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
    };
    let output = out.path().join("files");
    let mut child = world
        .command(&["get", "events:/d", "-r", "-o", output.to_str().unwrap()])
        .spawn()
        .unwrap();
    wait_until("files", || entries().any(|path| path.join("00010").exists()));
    signal(child.id(), Signal::INT);
    let code = child.wait().unwrap().code();
    assert!(code == Some(130) || output.exists(), "{code:?}");
    assert_eq!(entries().filter(|path| *path != output).count(), 0);
}
