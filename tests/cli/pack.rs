//! `pack`: messages in, archives out, as a filter in a pipeline.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::runner::{Ran, World, has_program, signal, skip, words};

fn pack(args: &[&str], input: &[u8]) -> Ran {
    World::local().run_with(&[&["pack"], args].concat(), input)
}

/// The files of each archive, read by the tar crate until its end marker, archive by archive.
fn archives(mut bytes: &[u8]) -> Vec<BTreeMap<String, String>> {
    let mut archives = Vec::new();
    while !bytes.is_empty() {
        let mut archive = tar::Archive::new(bytes);
        let mut files = BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            files.insert(entry.path().unwrap().display().to_string(), content);
        }
        // The crate stops at the first zero block; the second belongs to the archive too.
        let rest = archive.into_inner();
        bytes = &rest[512..];
        archives.push(files);
    }
    archives
}

#[test]
fn so_many_messages_make_an_archive() {
    let ran = pack(
        &["--messages", "lines", "--into", "n.txt", "--batch-count", "2"],
        b"1\n2\n3",
    );
    let packed = archives(&ran.expect(0).stdout);
    let contents: Vec<&str> = packed.iter().map(|files| files["n.txt"].as_str()).collect();
    assert_eq!(contents, ["1\n2\n", "3\n"]);
}

#[test]
fn what_is_packed_is_put_and_read_back() {
    let world = World::local();
    let input = b"{\"id\": \"a\", \"v\": 1}\n{\"id\": \"b/c\", \"v\": 2}";
    let args = words("pack --messages json --each {key}.json --key-json /id");
    let packed = world.run_with(&args, input);
    let put = world.run_with(&["put", "events", "--create-repo"], &packed.expect(0).stdout);
    assert_eq!(put.expect(0).commits().len(), 1);
    assert_eq!(world.get("events:/a.json"), b"{\"id\": \"a\", \"v\": 1}");
    assert_eq!(world.get("events:/b/c.json"), b"{\"id\": \"b/c\", \"v\": 2}");
}

#[test]
fn tar_reads_every_archive_of_the_stream() {
    if !has_program("tar") {
        return skip("tar is not installed");
    }
    let ran = pack(
        &["--messages", "nul", "--each", "{uuid}", "--batch-count", "3"],
        b"a\0b\0c\0d\0e\0",
    );
    let mut tar = Command::new("tar")
        .args(["-tif", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    tar.stdin.take().unwrap().write_all(&ran.expect(0).stdout).unwrap();
    let listed = tar.wait_with_output().unwrap();
    assert!(listed.status.success());
    assert_eq!(listed.stdout.split(|byte| *byte == b'\n').count() - 1, 5);
}

#[test]
fn a_message_waits_no_longer_than_the_period() {
    let world = World::local();
    let args = ["pack", "--messages", "lines", "--into", "f", "--batch-period", "300ms"];
    let (mut child, mut stdin) = world.start(&args);
    let mut stdout = child.stdout.take().unwrap();
    let begun = Instant::now();
    stdin.write_all(b"one\n").unwrap();
    // The input stays open: only the clock can end the archive.
    // Its label, the file, and the end.
    let mut archive = [0; 3072];
    stdout.read_exact(&mut archive).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(archives(&archive)[0]["f"], "one\n");
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_signal_makes_an_archive_of_what_is_in_hand() {
    let world = World::local();
    let args = ["pack", "--messages", "lines", "--into", "f", "--batch-period", "1h"];
    let (child, mut stdin) = world.start(&args);
    stdin.write_all(b"one\n").unwrap();
    // It has read the line when its input is empty.
    std::thread::sleep(Duration::from_millis(500));
    signal(child.id(), Signal::TERM);
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(archives(&ran.expect(143).stdout)[0]["f"], "one\n");
    drop(stdin);
}

#[test]
fn what_came_before_a_fault_comes_out_whole() {
    for (args, input, what) in [
        (
            &["--messages", "json", "--into", "f"][..],
            &b"{}\n{\"a\" 1}\n"[..],
            "message 2 of the input, at byte 3, is not JSON",
        ),
        (
            &["--messages", "lines", "--into", "f", "--max-message", "10"],
            b"a\n01234567890\n",
            "message 2 of the input, at byte 2, is longer than 10 B",
        ),
        (
            &["--messages", "lines", "--each", "{key}", "--key-delimiter", ":"],
            b"a:1\na:2\n",
            "message 2 of the input, at byte 4, would have the name `/a` that message 1 has",
        ),
        (
            &["--messages", "lines", "--each", "{key}", "--key-delimiter", ":"],
            b"a:1\nb*:2\n",
            "message 2 of the input, at byte 4, cannot be named: path `b*` has the character `*`, which pachd refuses",
        ),
        (
            &["--messages", "lines", "--each", "{key}", "--key-delimiter", ":"],
            b"a:1\nb\n",
            "message 2 of the input, at byte 4, has no key: `:` is not in it",
        ),
        (
            &["--messages", "netstring", "--into", "f"],
            b"1:a,5:hell",
            "message 2 of the input, at byte 4, has no end: the input ends after 6 of its bytes",
        ),
    ] {
        let ran = pack(args, input);
        ran.expect(3).says(what);
        assert_eq!(archives(&ran.stdout).len(), 1, "{what}");
    }
}

#[test]
fn what_is_left_out_is_said() {
    let ran = pack(&["--messages", "lines", "--into", "f", "--partial", "drop"], b"a\nbc");
    ran.expect(0)
        .says("the last message had no end: its 2 bytes were left out");
    assert_eq!(archives(&ran.stdout)[0]["f"], "a\n");
}

#[test]
fn an_input_without_a_message_makes_no_archive() {
    for args in [["--messages", "lines"], ["--messages", "json"], ["--messages", "csv"]] {
        let ran = pack(&[&args[..], &["--into", "f"]].concat(), b"");
        assert!(ran.expect(0).stdout.is_empty());
    }
}

#[test]
fn what_cannot_work_is_a_usage_error_before_anything_is_read() {
    for (args, what) in [
        (&["--into", "f"][..], "--messages"),
        (&["--messages", "lines"], "--into"),
        (&["--messages", "frames", "--into", "f"], "lines, nul, json"),
        (&["--messages", "lines", "--into", "a*"], "refuses"),
        (&["--messages", "lines", "--each", "same"], "the same name"),
        (&["--messages", "lines", "--each", "{key}"], "--key-json"),
        (
            &["--messages", "u32be", "--into", "f", "--partial", "keep"],
            "cannot be kept",
        ),
        (&["--messages", "lines", "--into", "f", "--key-column", "1"], "no {key}"),
    ] {
        pack(args, b"").expect(2).says(what);
    }
}

#[test]
fn a_reader_that_has_gone_is_named() {
    let world = World::local();
    let args = ["pack", "--messages", "lines", "--into", "f", "--batch-count", "1"];
    let mut child = world.command(&args).stdin(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // It may be gone before it has read everything.
    let _ = stdin.write_all(&b"line\n".repeat(100_000));
    drop(stdin);
    Ran::from(child.wait_with_output().unwrap())
        .expect(3)
        .says("nobody takes the archives any more");
}
