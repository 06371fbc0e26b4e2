//! `put` and `get` with Pachyderm 1.13: each archive is there once, in order, and acknowledged, whatever happens to its
//! calls (the table of them is in `faults.rs`).

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Stdio;

use prost::Message;
use spoutctl_proto::v1::{FinishCommitRequest, PutFileRequest, StartCommitRequest};

use crate::pachd::Pachd;
use crate::proxy::{Fault, messages};
use crate::runner::{Ran, World, tar};

const ARCHIVES: usize = 3;

fn archive(number: usize) -> Vec<u8> {
    let line = format!("{number}\n");
    tar(&[
        ("log", line.as_bytes()),
        (&format!("own/{number}"), b"x"),
        ("void", b""),
    ])
}

fn input() -> Vec<u8> {
    (1..=ARCHIVES).flat_map(archive).collect()
}

fn put(pachd: &Pachd, args: &[&str], input: &[u8]) -> Ran {
    let mut args = [&["put", "events", "-v"], args].concat();
    if !args.contains(&"--retry-for") {
        args.extend(["--retry-for", "10s"]);
    }
    World::at(&pachd.url()).run_with(&args, input)
}

/// What is wrong, if not all archives are there, once, in order, and acknowledged.
fn check(pachd: &Pachd, runs: &[&Ran], appending: bool) -> Result<(), String> {
    let said: String = runs.iter().map(|ran| ran.stderr.as_str()).collect();
    let wrong = |what: &str| Err(format!("{what}\n{said}{:#?}", pachd.commits()));
    if runs.iter().any(|ran| ran.code != Some(0)) {
        return wrong("it failed");
    }
    let published = pachd.published();
    let there: Vec<String> = published.iter().map(|(id, _)| format!("default/events@{id}")).collect();
    let acknowledged: Vec<String> = runs.iter().flat_map(|ran| ran.commits()).collect();
    if acknowledged != there || there.len() != ARCHIVES {
        return wrong(&format!("acknowledged {acknowledged:?}, and there are {there:?}"));
    }
    for (number, (_, tree)) in (1..).zip(&published) {
        let numbers = if appending { 1..=number } else { number..=number };
        let log = numbers.map(|number| format!("{number}\n")).collect::<Vec<_>>().concat();
        let mut expected: BTreeMap<String, Vec<u8>> = (1..=number)
            .map(|number| (format!("own/{number}"), b"x".to_vec()))
            .collect();
        expected.insert("log".to_owned(), log.into_bytes());
        expected.insert("void".to_owned(), Vec::new());
        if *tree != expected {
            return wrong(&format!("commit {number} shows {tree:?}"));
        }
    }
    Ok(())
}

/// What a call of this name is called with from now on, message after message.
fn overhear<M: Message + Default>(pachd: &Pachd, call: &str) -> impl Fn() -> Vec<M> {
    let bodies = pachd.overhear(call);
    move || {
        let messages = bodies.try_iter().flat_map(messages);
        messages.map(|message| M::decode(message).unwrap()).collect()
    }
}

#[test]
fn an_archive_is_one_stream_into_a_marked_commit() {
    let pachd = Pachd::of_1_13();
    let started = overhear::<StartCommitRequest>(&pachd, "StartCommit");
    let put_files = overhear::<PutFileRequest>(&pachd, "PutFile");
    let finished = overhear::<FinishCommitRequest>(&pachd, "FinishCommit");
    put(&pachd, &["--stream", "s", "--message", "hello"], &archive(1)).expect(0);
    let [start] = started().try_into().unwrap();
    assert!(
        start
            .description
            .starts_with("hello\nspoutctl/1 stream=s seq=1 sha256=")
    );
    assert_eq!(start.branch, "master");
    let files = put_files();
    let paths: Vec<&str> = files
        .iter()
        .map(|put| put.file.as_ref().unwrap().path.as_str())
        .collect();
    assert_eq!(paths, ["/log", "/own/1", "/void"]);
    assert!(files.iter().all(|put| put.overwrite_index.is_some() && !put.delete));
    let [finish] = finished().try_into().unwrap();
    assert_eq!(finish.description, format!("{} done", start.description));
    assert!(!finish.empty);
    assert_eq!(pachd.calls("PutFile"), 1);
}

#[test]
fn what_is_put_is_what_is_got() {
    let pachd = Pachd::of_1_13();
    let world = World::at(&pachd.url()).with_token(Some("a-token".to_owned()));
    let large: Vec<u8> = (0..3_000_000_u32).map(|at| at.to_le_bytes()[at as usize % 3]).collect();
    let long = format!("deep/{}/file", "d".repeat(150));
    let files: &[(&str, &[u8])] = &[("a-b", b"1"), ("a/b", &large), ("a/c", b""), (&long, b"long")];
    world.run_with(&["put", "events"], &tar(files)).expect(0);
    assert_eq!(world.get("events:/a/b"), large);
    assert_eq!(world.get("events:/a/c"), b"");
    let archive = world.run(&["get", "events", "--tar"]);
    archive.expect(0);
    let mut got: Vec<(String, Vec<u8>)> = Vec::new();
    for entry in tar::Archive::new(&archive.stdout[..]).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        got.push((entry.path().unwrap().display().to_string(), bytes));
    }
    got.sort();
    let mut expected: Vec<_> = files
        .iter()
        .map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()))
        .collect();
    expected.sort();
    assert_eq!(got, expected);
    world.run(&["get", "events:/a"]).expect(2).says("is a directory");
    world.run(&["get", "events:/none"]).expect(1);
    world.run(&["get", "nowhere:/a"]).expect(4);
    assert!(pachd.tokens().contains("a-token") && pachd.tokens().len() == 1);
}

#[test]
fn an_answer_that_breaks_off_is_never_taken_for_the_whole() {
    /// Bytes of a file in one message of `serve`.
    const PIECE: usize = 256 << 10;
    let pachd = Pachd::of_1_13();
    let world = World::at(&pachd.url());
    world
        .run_with(&["put", "events"], &tar(&[("a", &vec![b'a'; 5 * PIECE]), ("b", b"b")]))
        .expect(0);
    // Behind two whole messages.
    pachd.at("GetFile", 1, Fault::CutAnswer(2 * (PIECE as u64 + 9)));
    let ran = world.run(&["get", "events:/a"]);
    ran.expect(5);
    assert!(ran.stdout == vec![b'a'; 2 * PIECE], "{}", ran.stdout.len());
    pachd.at("WalkFile", 1, Fault::CutAnswer(100));
    world.run(&["get", "events", "--tar"]).expect(5);
    // That of the second file.
    let second = pachd.calls("GetFile") + 2;
    pachd.at("GetFile", second, Fault::CutAnswer(0));
    world.run(&["get", "events", "--tar"]).expect(5);
}

#[test]
fn a_directory_in_the_place_of_a_file_is_refused_before_anything_of_it_is_sent() {
    let pachd = Pachd::of_1_13();
    put(&pachd, &[], &tar(&[("a", b"file")])).expect(0);
    let ran = put(
        &pachd,
        &[],
        &[archive(1), tar(&[("a/b", b"below it")]), archive(2)].concat(),
    );
    ran.expect(4)
        .says("/a is a file of default/events@master, and the archive has files under it")
        .says("pachctl delete file events@master:/a");
    assert_eq!(ran.commits().len(), 1);
    assert_eq!(pachd.published().len(), 2);
    assert_eq!((pachd.calls("StartCommit"), pachd.calls("PutFile")), (2, 2));
    assert_eq!(pachd.open(), 0, "{}", ran.stderr);
}

#[test]
fn a_file_in_the_place_of_a_directory_is_refused_and_the_directory_is_as_it_was() {
    let pachd = Pachd::of_1_13();
    let names: Vec<String> = (0..20).map(|at| format!("many/{at}/x")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"1"[..])).collect();
    put(&pachd, &[], &tar(&many)).expect(0);
    // Few names are asked for one by one, many are listed. So is a directory in the way, down to the first file in it:
    // one that has none would give way.
    let files: Vec<String> = (3..25).map(|at| format!("many/{at}")).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|name| (name.as_str(), &b"2"[..])).collect();
    for (entries, path) in [(vec![("many", &b"2"[..])], "/many"), (files, "/many/10")] {
        put(&pachd, &[], &tar(&entries)).expect(4).says(&format!(
            "{path} is a directory of default/events@master, and the archive has a file there"
        ));
    }
    assert_eq!(pachd.published().len(), 1);
    assert_eq!((pachd.calls("StartCommit"), pachd.calls("ListFileStream")), (1, 4));
}

#[test]
fn a_killed_run_is_gone_on_with_and_its_open_commit_is_deleted() {
    for (call, nth) in [("PutFile", 2), ("FinishCommit", 2)] {
        let pachd = Pachd::of_1_13();
        pachd.at(call, nth, Fault::Stall);
        let world = World::at(&pachd.url());
        let args = ["put", "events", "--stream", "s", "--resume"];
        let mut killed = world.command(&args).stdin(Stdio::piped()).spawn().unwrap();
        killed.stdin.take().unwrap().write_all(&input()).unwrap();
        pachd.wait_for(call, nth);
        killed.kill().unwrap();
        killed.wait().unwrap();
        let left = pachd.commits().pop().unwrap();
        assert!(left.is_open());
        let ran = world.run_with(&args, &input());
        ran.expect(0);
        // The first was committed before, and is told again.
        check(&pachd, &[&ran], false).unwrap();
        assert!(pachd.commits().iter().all(|commit| commit.commit != left.commit));
    }
}

#[test]
fn somebody_elses_open_commit_is_left_alone() {
    let pachd = Pachd::of_1_13();
    pachd.somebody().starts("theirs");
    put(&pachd, &["--retry-for", "300ms"], &archive(1))
        .expect(5)
        .says("is an open commit of somebody else");
    assert_eq!((pachd.commits().len(), pachd.calls("DeleteCommit")), (1, 0));
}

#[test]
fn a_commit_that_was_given_up_without_its_data_is_not_read() {
    let pachd = Pachd::of_1_13();
    put(&pachd, &[], &archive(1)).expect(0);
    pachd.somebody().starts("gone");
    pachd.somebody().finishes(Some("without its data"));
    assert_eq!(World::at(&pachd.url()).get("events:/log"), b"1\n");
}

#[test]
fn a_repo_is_made_and_a_missing_one_and_a_project_are_refused() {
    let pachd = Pachd::of_1_13();
    let world = World::at(&pachd.url());
    world
        .run_with(&["put", "other"], &archive(1))
        .expect(4)
        .says("does not exist");
    world
        .run_with(&["put", "other", "--create-repo"], &archive(1))
        .expect(0);
    world
        .run_with(&["put", "team/events"], &archive(1))
        .expect(4)
        .says("not supported on Pachyderm 1.x");
}

#[test]
fn somebody_elses_finish_before_the_data_are_in_costs_a_commit_and_nothing_else() {
    let pachd = Pachd::of_1_13();
    pachd.at("PutFile", 2, pachd.meddle(|somebody| somebody.finishes(None)));
    let ran = put(&pachd, &[], &input());
    ran.expect(0).says("before its data were in");
    let published = pachd.published();
    let ours: Vec<String> = [0, 2, 3]
        .map(|at: usize| format!("default/events@{}", published[at].0))
        .into();
    assert_eq!(ran.commits(), ours);
    assert_eq!(published[3].1["log"], b"3\n");
}
