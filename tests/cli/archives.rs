//! Archives as other programs write them, put as a user puts them.

use crate::runner::{World, has_program, skip, tar};

const LENIENT: &[&str] = &["put", "events", "--create-repo", "--archive-end", "lenient"];

/// An archive without the zero blocks at its end.
fn without_end() -> Vec<u8> {
    let mut bytes = tar(&[("a", b"1"), ("b", b"2")]);
    bytes.truncate(2048);
    bytes
}

#[test]
fn an_archive_without_its_end_is_refused_with_what_works_and_taken_where_that_was_asked_for() {
    let world = World::local();
    let file = world.path("x.tar");
    std::fs::write(&file, without_end()).unwrap();
    let name = file.display().to_string();
    let refused = world.run(&["put", "events", "--create-repo", &name]);
    refused.expect(3).says("--archive-end lenient");
    // The command of the advice, run as it stands.
    let advised = format!("(cat {name}; head -c 1024 /dev/zero) | spoutctl put");
    refused.says(&advised);
    let input = [without_end(), vec![0; 1024]].concat();
    world
        .run_with(&["put", "events"], &input)
        .expect(0)
        .says("1 commit, 2 files");
    let taken = world.run(&[LENIENT, &[name.as_str()]].concat());
    taken.expect(0).says("without 1,024 of the 1,024 zero bytes");
    assert_eq!(world.get("events:/b"), b"2");
}

#[test]
fn a_lenient_end_is_refused_where_a_producer_that_died_would_pass_for_one_that_is_done() {
    let world = World::local();
    let ran = world.run(&[LENIENT, &["--", "true"]].concat());
    ran.expect(2).says("CMD && head -c 1024 /dev/zero");
    let advised = ["--", "sh", "-c", "cat x && head -c 1024 /dev/zero"];
    let mut command = world.command(&[&["put", "events", "--create-repo"][..], &advised].concat());
    std::fs::write(world.path("x"), without_end()).unwrap();
    let output = command.current_dir(world.directory.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    world
        .run(&[LENIENT, &["--messages", "lines"]].concat())
        .expect(2)
        .says("--archive-end");
}

#[test]
fn an_archive_is_bounded_as_what_its_links_stand_for() {
    let world = World::local();
    let file = |name: &str, kind: u8, link: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_entry_type(tar::EntryType::new(kind));
        if !link.is_empty() {
            header.set_link_name(link).unwrap();
        }
        header.set_size(content.len() as u64);
        header.set_cksum();
        let mut bytes = [header.as_bytes().as_slice(), content].concat();
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    };
    let links = (0..9).map(|number| file(&format!("l{number}"), b'1', "a", b""));
    let bytes = [
        file("a", b'0', "", &[7; 1000]),
        links.collect::<Vec<_>>().concat(),
        vec![0; 1024],
    ]
    .concat();
    let put = |limit: &str| world.run_with(&["put", "events", "--create-repo", "--max-archive-size", limit], &bytes);
    put("9999")
        .expect(3)
        .says("more than 9,999 bytes")
        .says("--max-archive-size");
    put("10000").expect(0).says("10 files");
}

#[test]
fn a_mounted_config_map_is_put_as_a_container_sees_it() {
    if !has_program("tar") {
        return skip("tar is not installed");
    }
    let world = World::local();
    let mount = world.path("mount");
    std::fs::create_dir_all(mount.join("..2026_11_29")).unwrap();
    std::fs::write(mount.join("..2026_11_29/app.conf"), b"a=1").unwrap();
    std::os::unix::fs::symlink("..2026_11_29", mount.join("..data")).unwrap();
    std::os::unix::fs::symlink("..data/app.conf", mount.join("app.conf")).unwrap();
    let packed = std::process::Command::new("tar")
        .arg("-cC")
        .arg(&mount)
        .arg(".")
        .output()
        .unwrap();
    world
        .run_with(&["put", "events", "--create-repo"], &packed.stdout)
        .expect(0);
    for path in ["app.conf", "..data/app.conf", "..2026_11_29/app.conf"] {
        assert_eq!(world.get(&format!("events:/{path}")), b"a=1");
    }
}

#[test]
fn a_link_that_was_replaced_by_a_file_no_longer_counts() {
    if !has_program("tar") {
        return skip("tar is not installed");
    }
    let world = World::local();
    let dir = world.directory.path();
    let run = |args: &[&str]| {
        let done = std::process::Command::new("tar")
            .args(args)
            .current_dir(dir)
            .status()
            .unwrap();
        assert!(done.success());
    };
    std::os::unix::fs::symlink("gone", dir.join("link")).unwrap();
    run(&["cf", "t.tar", "link"]);
    let name = dir.join("t.tar").display().to_string();
    let refused = world.run(&["put", "events", "--create-repo", &name]);
    refused
        .expect(3)
        .says("it is a symbolic link to `gone`, and the archive has no such file")
        .says("tar -h");
    std::fs::remove_file(dir.join("link")).unwrap();
    std::fs::write(dir.join("link"), b"new").unwrap();
    run(&["rf", "t.tar", "link"]);
    world.run(&["put", "events", &name]).expect(0);
    assert_eq!(world.get("events:/link"), b"new");
}
