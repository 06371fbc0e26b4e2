//! A regular file as input: nothing of it is written anywhere before it is in a commit.

use std::fs;
use std::process::Stdio;

use crate::runner::{Ran, World, tar};

/// More than is held in memory.
fn large() -> Vec<u8> {
    let bytes: Vec<u8> = (0..12_u32 << 20)
        .map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    tar(&[("large", &bytes), ("small", b"1\n")])
}

/// There is no place where anything could be held.
const NOWHERE: &[&str] = &["put", "events", "--create-repo", "--tmp-dir", "/dev/null/nowhere"];

#[test]
fn a_large_file_needs_no_room_on_disk_whether_it_is_named_or_standard_input() {
    let world = World::local();
    let archive = large();
    let path = world.path("large.tar");
    fs::write(&path, &archive).unwrap();
    let named = world.run(&[NOWHERE, &[path.to_str().unwrap()]].concat());
    named.expect(0);
    let file = fs::File::open(&path).unwrap();
    let output = world.command(NOWHERE).stdin(Stdio::from(file)).output().unwrap();
    let redirected = Ran::from(output);
    redirected.expect(0);
    for ran in [named, redirected] {
        let commit = ran.commits()[0].clone();
        assert_eq!(world.get(&format!("{commit}:/large")), archive[512..512 + (12 << 20)]);
        assert_eq!(world.get(&format!("{commit}:/small")), b"1\n");
    }
    // What cannot be read again has to be held.
    let piped = world.run_with(NOWHERE, &archive);
    piped
        .expect(3)
        .says("cannot hold the archive in /dev/null/nowhere after ");
}

#[test]
fn standard_input_that_somebody_has_read_from_is_sent_from_where_it_stands() {
    let world = World::local();
    let archive = large();
    let path = world.path("two.tar");
    fs::write(&path, [tar(&[("first", b"1")]), archive.clone()].concat()).unwrap();
    let mut file = fs::File::open(&path).unwrap();
    let first = tar(&[("first", b"1")]).len() as u64;
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(first)).unwrap();
    let output = world.command(NOWHERE).stdin(Stdio::from(file)).output().unwrap();
    let ran = Ran::from(output);
    ran.expect(0);
    assert_eq!(ran.commits().len(), 1);
    let commit = &ran.commits()[0];
    assert_eq!(world.get(&format!("{commit}:/large")), archive[512..512 + (12 << 20)]);
}

#[test]
fn a_compressed_file_is_held_since_its_bytes_stand_nowhere_else() {
    use std::io::Write;
    let world = World::local();
    let archive = large();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&archive).unwrap();
    let path = world.path("large.tgz");
    fs::write(&path, gzip.finish().unwrap()).unwrap();
    let path = path.to_str().unwrap();
    world
        .run(&[NOWHERE, &[path]].concat())
        .expect(3)
        .says("cannot hold the archive in /dev/null/nowhere after ");
    let ran = world.run(&["put", "events", "--create-repo", path]);
    ran.expect(0);
    assert_eq!(
        world.get(&format!("{}:/large", ran.commits()[0])),
        archive[512..512 + (12 << 20)]
    );
}
