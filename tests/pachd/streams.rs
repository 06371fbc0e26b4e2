//! A stream with a name goes on after its process died.

use std::io::{BufRead, BufReader, Write};

use crate::lab::{Commit, Lab};
use crate::runner::{fixture_bytes, tar};

#[test]
fn an_open_head_of_the_same_stream_is_given_up_and_the_stream_goes_on() {
    let lab = Lab::new();
    lab.put(&["--stream", "s"], &tar(&[("a", b"1")])).expect(0);
    // What a killed `put` leaves between StartCommit and FinishCommit, with data in it.
    let digest = "0".repeat(64);
    let left = lab.start_commit(&format!("spoutctl/1 stream=s seq=2 sha256={digest}"));
    lab.add_file(&left, "/half");
    let ran = lab.put(&["--stream", "s", "--retry-for", "5s"], &tar(&[("b", b"2")]));
    ran.expect(0).says(&left).says("given up");
    let commits = lab.commits();
    let good: Vec<&Commit> = commits.iter().filter(|commit| commit.is_good()).collect();
    assert_eq!(good.len(), 2);
    assert_eq!(good[0].sequence(), 1);
    assert!(good[1].sequence() > 1, "{good:?}");
    assert!(commits.iter().all(|commit| !commit.is_open), "{commits:?}");
    lab.run(&["get", &lab.at(":/half")]).expect(1);
    assert_eq!(lab.get(&lab.at(":/b")), b"2");
}

#[test]
fn the_open_head_of_another_stream_is_somebody_elses() {
    let lab = Lab::new();
    let digest = "0".repeat(64);
    let theirs = lab.start_commit(&format!("spoutctl/1 stream=other seq=1 sha256={digest}"));
    lab.put(&["--stream", "s", "--retry-for", "1s"], &tar(&[("b", b"2")]))
        .expect(5)
        .says(&theirs);
    assert!(lab.inspect_commit(&theirs).is_open);
}

#[test]
fn sequences_go_on_and_resuming_skips_what_is_there() {
    let lab = Lab::new();
    let three = fixture_bytes("archives/three.tar");
    let first = lab.put(&["--stream", "s"], &three[..10_240]);
    assert_eq!(first.expect(0).commits().len(), 1);
    let resumed = lab.put(&["--stream", "s", "--resume", "--json"], &three);
    let types: Vec<String> = resumed
        .expect(0)
        .json()
        .iter()
        .map(|line| line["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(types, ["already", "commit", "commit", "summary"]);
    let again = lab.put(&["--stream", "s", "--resume"], &three);
    assert_eq!(
        again
            .expect(0)
            .lines()
            .iter()
            .filter(|line| line.ends_with("already"))
            .count(),
        3
    );
    let other = lab.put(&["--stream", "s", "--resume"], &tar(&[("another", b"input")]));
    other.expect(3).says("--resume needs the same input");
    lab.put(&["--stream", "s"], &tar(&[("goes", b"on")])).expect(0);
    let sequences: Vec<u64> = lab.commits().iter().map(Commit::sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4]);
}

#[test]
fn a_stream_killed_again_and_again_holds_each_archive_once_when_it_is_through() {
    const ARCHIVES: usize = 24;
    let lab = Lab::new();
    let stream: Vec<u8> = (0..ARCHIVES)
        .flat_map(|number| tar(&[("log", format!("{number}\n").as_bytes())]))
        .collect();
    // Appending: an archive that went in twice would show in the file.
    let args = ["put", &lab.repo, "--append", "--stream", "s", "--resume"];
    for lines in [1, 4, 7, 12, 13, 20] {
        let (mut child, mut stdin) = lab.start(&args);
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _ = stdin.write_all(&stream);
            });
            for _ in 0..lines {
                stdout.next().unwrap().unwrap();
            }
            child.kill().unwrap();
            child.wait().unwrap();
        });
    }
    let ran = lab.run_with(&args, &stream);
    assert_eq!(ran.expect(0).lines().len(), ARCHIVES);
    let commits = lab.commits();
    let good: Vec<u64> = commits.iter().filter(|c| c.is_good()).map(Commit::sequence).collect();
    assert_eq!(good, (1..=ARCHIVES as u64).collect::<Vec<_>>());
    let log = String::from_utf8(lab.get(&lab.at(":/log"))).unwrap();
    let numbers: Vec<usize> = log.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(numbers, (0..ARCHIVES).collect::<Vec<_>>());
}
