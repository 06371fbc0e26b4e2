//! What becomes of an answer that does not get out.

use std::fs::OpenOptions;
use std::io::Read;
use std::process::Stdio;

use crate::runner::{Ran, World};

#[test]
fn a_reader_who_has_seen_enough_is_no_fault() {
    let world = World::local();
    let mut child = world.command(&["validate", "--rules"]).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn an_answer_that_cannot_be_written_is_exit_3() {
    let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
        return crate::runner::skip("there is no /dev/full");
    };
    let world = World::local();
    let output = world
        .command(&["explain", "spout-null"])
        .stdout(Stdio::from(full))
        .output();
    Ran::from(output.unwrap())
        .expect(3)
        .says("the report could not be written");
}
