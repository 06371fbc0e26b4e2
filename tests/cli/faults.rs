//! Every fault at every step of `put --spool`: each archive is in the repo once, in order, and just what is there was
//! acknowledged.
//!
//! The table is made of [`STEPS`], [`FAULTS`] and [`MODES`]. The fault meets the second archive of three, so that there
//! is one before it and one after it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use crate::runner::{Ran, World, tar};
use crate::scripted::{Fault, Gateway};

/// The calls on an archive's way to its commit, and the one that gives a commit up.
const STEPS: &[&str] = &[
    "CreateFileSet",
    "StartCommit",
    "AddFileSet",
    "FinishCommit",
    "InspectCommit",
    "DropCommitSet",
];

/// What the fault is, and the fault.
type Named = (&'static str, fn() -> Fault);

const FAULTS: &[Named] = &[
    ("carried out, not answered", || Fault::LoseAnswer),
    ("not carried out, connection closed", || Fault::Unheard),
    ("carried out after the next call", || Fault::Late(1)),
    ("carried out after two calls", || Fault::Late(2)),
    ("carried out after three calls", || Fault::Late(3)),
    ("carried out after six calls", || Fault::Late(6)),
    ("carried out when all is over", || Fault::Late(usize::MAX)),
    ("carried out twice", || Fault::Twice(1)),
    ("carried out again later", || Fault::Twice(3)),
    ("carried out again when all is over", || Fault::Twice(usize::MAX)),
    ("the answer's first byte only", || Fault::CutAnswer(1)),
    ("502", || answer(502)),
    ("503", || answer(503)),
    ("429", || answer(429)),
];

const MODES: &[(&str, &[&str])] = &[
    ("overwriting", &[]),
    ("appending", &["--append"]),
    ("in flight", &["--in-flight", "3"]),
];

fn answer(status: u16) -> Fault {
    Fault::Answer(status, "content-type: text/html\r\n", "<html>".to_owned())
}

const ARCHIVES: usize = 3;

fn input() -> Vec<u8> {
    let archive = |number| {
        tar(&[
            ("log", format!("{number}\n").as_bytes()),
            (&format!("own/{number}"), b"x"),
        ])
    };
    (1..=ARCHIVES).flat_map(archive).collect()
}

/// One cell of the table; what is wrong, if anything.
fn try_one(step: &'static str, fault: Fault, mode: &[&str]) -> Result<(), String> {
    let gateway = Gateway::start();
    if step == "DropCommitSet" {
        // A commit that is to be given up: appending, that is done by dropping alone.
        gateway.script("StartCommit", 2, Fault::LoseAnswer);
        if mode.contains(&"--append") {
            gateway.script("AddFileSet", 2, Fault::LoseAnswer);
        }
        gateway.script(step, 1, fault);
    } else {
        gateway.script(step, 2, fault);
    }
    let world = World::at(&gateway.url());
    let spool = world.path("spool").display().to_string();
    let put = [&["put", "events", "--spool", &spool, "--retry-for", "10s"], mode].concat();
    let ran = world.run_with(&put, &input());
    check(&gateway, &[&ran], mode)?;
    // Whatever came late is found and given up by the next run, which has nothing else to do.
    gateway.deliver_late();
    let again = world.run_with(&put, &[]);
    check(&gateway, &[&ran, &again], mode)?;
    let open = gateway.commits().iter().filter(|commit| commit.is_open()).count();
    if open > 0 {
        return Err(format!("{open} commits are open\n{}", again.stderr));
    }
    Ok(())
}

fn check(gateway: &Gateway, runs: &[&Ran], mode: &[&str]) -> Result<(), String> {
    let said: String = runs.iter().map(|ran| ran.stderr.as_str()).collect();
    let wrong = |what: &str| Err(format!("{what}\n{said}{:#?}", gateway.commits()));
    if runs.iter().any(|ran| ran.code != Some(0)) {
        return wrong("it failed");
    }
    let published = gateway.published();
    let there: Vec<String> = published.iter().map(|(id, _)| format!("default/events@{id}")).collect();
    let acknowledged: Vec<String> = runs.iter().flat_map(|ran| ran.commits()).collect();
    if acknowledged != there {
        return wrong(&format!("acknowledged {acknowledged:?}, and there are {there:?}"));
    }
    if there.len() != ARCHIVES {
        return wrong(&format!("{} archives are there", there.len()));
    }
    let mut log = String::new();
    for (at, (_, tree)) in published.iter().enumerate() {
        let number = at + 1;
        if !mode.contains(&"--append") {
            log.clear();
        }
        let _ = writeln!(log, "{number}");
        let own = tree.keys().filter(|path| path.starts_with("/own/")).count();
        if tree["/log"] != log.as_bytes() || own != number {
            return wrong(&format!("commit {number} holds {tree:?}"));
        }
    }
    Ok(())
}

#[test]
fn whatever_meets_a_call_each_archive_is_there_once_and_in_order() {
    let wrong = Mutex::new(Vec::new());
    let cells = STEPS.iter().flat_map(|step| {
        FAULTS
            .iter()
            .flat_map(move |fault| MODES.iter().map(move |mode| (*step, fault, mode)))
    });
    let cells = Mutex::new(cells);
    let work = || {
        while let Some((step, (fault, make), (mode, flags))) = { cells.lock().unwrap().next() } {
            if let Err(what) = try_one(step, make(), flags) {
                wrong.lock().unwrap().push(format!("{step}, {fault}, {mode}: {what}"));
            }
        }
    };
    std::thread::scope(|scope| (0..16).for_each(|_| drop(scope.spawn(work))));
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} cells:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// The checker must see what it is there for.
#[test]
fn a_wrong_delivery_is_caught() {
    let gateway = Gateway::start();
    let world = World::at(&gateway.url());
    let spool = world.path("spool").display().to_string();
    let ran = world.run_with(&["put", "events", "--spool", &spool], &input());
    check(&gateway, &[&ran], &[]).unwrap();
    let doubled = |books: &mut crate::scripted::Books| books.commits.push(books.commits[2].clone());
    let lost = |books: &mut crate::scripted::Books| books.commits.truncate(2);
    let swapped = |books: &mut crate::scripted::Books| books.commits.swap(0, 1);
    let before = gateway.commits();
    let mut caught = BTreeSet::new();
    for (name, wrong) in [
        ("doubled", &doubled as &dyn Fn(&mut _)),
        ("lost", &lost),
        ("swapped", &swapped),
    ] {
        gateway.books(|books| wrong(books));
        if check(&gateway, &[&ran], &[]).is_err() {
            caught.insert(name);
        }
        gateway.books(|books| books.commits.clone_from(&before));
    }
    assert_eq!(caught.len(), 3, "{caught:?}");
    // What is there without an acknowledgement, too.
    assert!(check(&gateway, &[], &[]).is_err());
}

#[test]
fn a_server_that_is_not_there_yet_is_waited_for_with_everything_on_disk() {
    let gateway = Gateway::start_after(Duration::from_secs(1));
    let world = World::at(&gateway.url());
    let spool = world.path("spool").display().to_string();
    let ran = world.run_with(&["put", "events", "--spool", &spool, "--retry-for", "10s"], &input());
    check(&gateway, &[&ran], &[]).unwrap();
}
