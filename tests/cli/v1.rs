//! `put` and `get` with Pachyderm 1.13: each archive is there once, in order, and acknowledged, whatever happens to its
//! calls.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use spoutctl_proto::v1::{FinishCommitRequest, PutFileRequest, StartCommitRequest};

use crate::pachd1::{Fault, Pachd};
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
            .map(|number| (format!("/own/{number}"), b"x".to_vec()))
            .collect();
        expected.insert("/log".to_owned(), log.into_bytes());
        expected.insert("/void".to_owned(), Vec::new());
        if *tree != expected {
            return wrong(&format!("commit {number} shows {tree:?}"));
        }
    }
    Ok(())
}

type Named = (&'static str, fn() -> Fault);

const FAULTS: &[Named] = &[
    ("carried out, not answered", || Fault::LoseAnswer),
    ("not carried out, connection closed", || Fault::Unheard),
    ("half of it carried out", || Fault::Half),
    ("carried out after the next call", || Fault::Late(1)),
    ("carried out after two calls", || Fault::Late(2)),
    ("carried out after three calls", || Fault::Late(3)),
    ("carried out after six calls", || Fault::Late(6)),
    ("carried out when all is over", || Fault::Late(usize::MAX)),
    ("carried out twice", || Fault::Twice(1)),
    ("carried out again later", || Fault::Twice(3)),
    ("carried out again when all is over", || Fault::Twice(usize::MAX)),
    ("unavailable", || Fault::Answer(14, "upstream connect error")),
    ("etcd fails", || Fault::Answer(2, "etcdserver: leader changed")),
    ("words that nobody knows", || Fault::Answer(2, "0xdeadbeef")),
];

const STEPS: &[&str] = &[
    "InspectRepo",
    "InspectBranch",
    "ListCommitStream",
    "StartCommit",
    "PutFile",
    "FinishCommit",
    "InspectCommit",
    "DeleteCommit",
];

const MODES: &[(&str, &[&str])] = &[
    ("overwriting", &[]),
    ("appending", &["--append"]),
    ("in flight", &["--in-flight", "3"]),
];

/// One cell of the table: the fault meets the second archive of three; what is wrong, if anything.
fn try_one(step: &'static str, fault: Fault, mode: &[&str]) -> Result<(), String> {
    let pachd = Pachd::start();
    let nth = match step {
        "DeleteCommit" => {
            // A commit that is to be given up.
            pachd.script("PutFile", 2, Fault::LoseAnswer);
            1
        }
        // Asked once a run; with an empty branch the commits are not listed, but with one more run they are.
        "InspectRepo" | "InspectBranch" => 1,
        "ListCommitStream" => {
            pachd.script("StartCommit", 2, Fault::LoseAnswer);
            1
        }
        _ => 2,
    };
    pachd.script(step, nth, fault);
    let world = World::at(&pachd.url());
    let spool = world.path("spool").display().to_string();
    let put = [&["put", "events", "--spool", &spool, "--retry-for", "10s"], mode].concat();
    let appending = mode.contains(&"--append");
    let ran = world.run_with(&put, &input());
    check(&pachd, &[&ran], appending)?;
    // Whatever came late is found and given up by the next run, which has nothing else to do.
    pachd.deliver_late();
    let again = world.run_with(&put, &[]);
    check(&pachd, &[&ran, &again], appending)?;
    let open = pachd.commits().iter().filter(|commit| !commit.is_finished).count();
    if open > 0 {
        return Err(format!("{open} commits are open\n{}", again.stderr));
    }
    Ok(())
}

fn can_happen(step: &str, fault: &Fault, mode: &[&str]) -> bool {
    match fault {
        // What only reads is the same, late or twice.
        Fault::Half => step == "PutFile",
        Fault::Late(_) | Fault::Twice(_) if step.starts_with("Inspect") || step.starts_with("List") => false,
        // Nothing on the way keeps a stream's messages to send them again. It would append twice.
        Fault::Twice(_) => step != "PutFile" || !mode.contains(&"--append"),
        _ => true,
    }
}

#[test]
fn whatever_happens_to_a_call_each_archive_is_there_once_in_order_and_acknowledged() {
    let mut cells = Vec::new();
    for step in STEPS {
        for (name, fault) in FAULTS {
            for (mode, args) in MODES {
                if can_happen(step, &fault(), args) {
                    cells.push((step, name, fault, mode, args));
                }
            }
        }
    }
    let total = cells.len();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let wrong = std::sync::Mutex::new(String::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some((step, name, fault, mode, args)) =
                    cells.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    if let Err(what) = try_one(step, fault(), args) {
                        let mut wrong = wrong.lock().unwrap();
                        writeln!(wrong, "{step}, {name}, {mode}: {what}").unwrap();
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "of {total}:\n{wrong}");
}

#[test]
fn an_archive_is_one_stream_into_a_marked_commit() {
    let pachd = Pachd::start();
    put(&pachd, &["--stream", "s", "--message", "hello"], &archive(1)).expect(0);
    let [start] = pachd.heard::<StartCommitRequest>("StartCommit").try_into().unwrap();
    assert!(
        start
            .description
            .starts_with("hello\nspoutctl/1 stream=s seq=1 sha256=")
    );
    assert_eq!(start.branch, "master");
    let files = pachd.heard::<PutFileRequest>("PutFile");
    let paths: Vec<&str> = files
        .iter()
        .map(|put| put.file.as_ref().unwrap().path.as_str())
        .collect();
    assert_eq!(paths, ["/log", "/own/1", "/void"]);
    assert!(files.iter().all(|put| put.overwrite_index.is_some() && !put.delete));
    let [finish] = pachd.heard::<FinishCommitRequest>("FinishCommit").try_into().unwrap();
    assert_eq!(finish.description, format!("{} done", start.description));
    assert!(!finish.empty);
    assert_eq!(pachd.calls("PutFile"), 1);
}

#[test]
fn what_is_put_is_what_is_got() {
    let pachd = Pachd::start();
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
    let pachd = Pachd::start();
    let world = World::at(&pachd.url());
    world
        .run_with(&["put", "events"], &tar(&[("a", &[b'a'; 5000]), ("b", b"b")]))
        .expect(0);
    pachd.script("GetFile", 1, Fault::CutAnswer(2));
    let ran = world.run(&["get", "events:/a"]);
    ran.expect(5);
    assert_eq!(ran.stdout, [b'a'; 2000]);
    pachd.script("WalkFile", 1, Fault::CutAnswer(2));
    world.run(&["get", "events", "--tar"]).expect(5);
    pachd.script("GetFile", 4, Fault::CutAnswer(0));
    world.run(&["get", "events", "--tar"]).expect(5);
}

#[test]
fn a_directory_in_the_place_of_a_file_is_refused_before_anything_of_it_is_sent() {
    let pachd = Pachd::start();
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
    assert!(
        pachd.commits().iter().all(|commit| commit.is_finished),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_file_in_the_place_of_a_directory_is_refused_and_the_directory_is_as_it_was() {
    let pachd = Pachd::start();
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
        let pachd = Pachd::start();
        pachd.script(call, nth, Fault::Hang);
        let world = World::at(&pachd.url());
        let args = ["put", "events", "--stream", "s", "--resume"];
        let mut killed = world.command(&args).stdin(Stdio::piped()).spawn().unwrap();
        killed.stdin.take().unwrap().write_all(&input()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while pachd.calls(call) < nth {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(5));
        }
        killed.kill().unwrap();
        killed.wait().unwrap();
        let left = pachd.commits().pop().unwrap();
        assert!(!left.is_finished);
        let ran = world.run_with(&args, &input());
        ran.expect(0);
        // The first was committed before, and is told again.
        check(&pachd, &[&ran], false).unwrap();
        assert!(pachd.commits().iter().all(|commit| commit.id != left.id));
    }
}

#[test]
fn somebody_elses_open_commit_is_left_alone() {
    let pachd = Pachd::start();
    pachd.books(|books| books.start("theirs"));
    put(&pachd, &["--retry-for", "300ms"], &archive(1))
        .expect(5)
        .says("is an open commit of somebody else");
    assert_eq!((pachd.commits().len(), pachd.calls("DeleteCommit")), (1, 0));
}

#[test]
fn a_commit_that_was_given_up_without_its_data_is_not_read() {
    let pachd = Pachd::start();
    put(&pachd, &[], &archive(1)).expect(0);
    pachd.books(|books| {
        books.start("gone");
        books.commits.last_mut().unwrap().is_finished = true;
    });
    assert_eq!(World::at(&pachd.url()).get("events:/log"), b"1\n");
}

#[test]
fn a_repo_is_made_and_a_missing_one_and_a_project_are_refused() {
    let pachd = Pachd::start();
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
    let pachd = Pachd::start();
    let finish = |books: &mut crate::pachd1::Books| {
        let commit = books.commits.last_mut().unwrap();
        (commit.is_finished, commit.tree) = (true, Some(BTreeMap::new()));
    };
    pachd.script("PutFile", 2, Fault::Meddle(Box::new(finish)));
    let ran = put(&pachd, &[], &input());
    ran.expect(0).says("before its data were in");
    let published = pachd.published();
    let ours: Vec<String> = [0, 2, 3]
        .map(|at: usize| format!("default/events@{}", published[at].0))
        .into();
    assert_eq!(ran.commits(), ours);
    assert_eq!(published[3].1["/log"], b"3\n");
}
