//! `squash`: what is read at every commit that stays is the same before and after, wherever a run was killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};

use serde_json::{Value, json};
use spoutctl_archive::ArchiveWriter;

use crate::lab::{Commit, Lab, is_lacking};
use crate::proxy::{Fault, Proxy};
use crate::runner::{tar, tree_of};

type Tree = BTreeMap<String, Vec<u8>>;

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// An archive that deletes some of six files and writes some.
fn some_archive(chance: &mut Chance, number: u64) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Vec::new(), 0);
    for path in 0..6 {
        if chance.below(6) == 0 {
            writer.delete(format!("d/{path}").as_bytes()).unwrap();
        }
    }
    for path in 0..6 {
        if chance.below(3) == 0 || path == number % 6 {
            let content = format!("{number} {}\n", chance.below(1000));
            writer
                .append(format!("d/{path}").as_bytes(), content.len() as u64, content.as_bytes())
                .unwrap();
        }
    }
    writer.finish().unwrap()
}

/// A history of files that are overwritten, appended to and deleted, and of a commit that failed.
fn make_history(lab: &Lab, chance: &mut Chance, commits: u64) {
    for number in 0..commits {
        if number == commits / 2 {
            let errored = lab.start_commit("");
            lab.add_file(&errored, "/never");
            let commit = json!({"repo": lab.repo_name(), "id": errored, "branch": lab.branch_name()});
            lab.ask("pfs_v2.API/FinishCommit", &json!({"commit": commit, "error": "bad"}));
            let request = json!({"commit": commit, "wait": "FINISHED"});
            lab.ask("pfs_v2.API/InspectCommit", &request);
        }
        let archive = some_archive(chance, number);
        let mode: &[&str] = if chance.below(2) == 0 { &["--append"] } else { &[] };
        lab.put(&[&["--obey-deletions"], mode].concat(), &archive).expect(0);
    }
}

fn tree_at(lab: &Lab, id: &str) -> Tree {
    let archive = lab.run(&["get", &lab.at(&format!("@{id}")), "--tar"]);
    tree_of(&archive.expect(0).stdout)
}

/// What is read at every commit that is finished without an error.
fn trees(lab: &Lab) -> BTreeMap<String, Tree> {
    let read = |id: String| (id.clone(), tree_at(lab, &id));
    lab.good_commits().into_iter().map(read).collect()
}

/// Runs it until it has squashed one commit, and kills it.
fn kill_after_one(lab: &Lab, args: &[&str]) -> String {
    let mut child = lab.command(args).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    line.trim().to_owned()
}

#[test]
fn what_is_read_at_every_commit_that_stays_is_the_same_and_a_killed_run_goes_on() {
    if is_lacking("squashed commits") {
        return;
    }
    let lab = Lab::new();
    let mut chance = Chance(23);
    make_history(&lab, &mut chance, 14);
    let before = trees(&lab);
    let line = lab.commits();
    let at = |index: usize| line[index].id.clone();
    let on = json!({"repo": lab.repo_name(), "id": at(4), "branch": lab.branch_name()});
    let branch = json!({"repo": lab.repo_name(), "name": "other"});
    lab.ask("pfs_v2.API/CreateBranch", &json!({"branch": branch, "head": on}));
    let cursor = lab.path("cursor").display().to_string();
    lab.run(&[
        "tail",
        &lab.repo,
        "-e",
        "--count",
        "3",
        "--from",
        "beginning",
        "--cursor",
        &cursor,
    ])
    .expect(0);
    let (repo, kept) = (lab.repo.clone(), at(10));
    let args = [
        "squash",
        &repo,
        "--older-than",
        "0",
        "--keep",
        &kept,
        "--cursor",
        &cursor,
    ];
    let looked = lab.run(&[&args[..], &["--dry-run", "--json"]].concat());
    assert_eq!(lab.commits().len(), line.len(), "it only looked");
    let with_yes = [&args[..], &["--yes"]].concat();
    let first = kill_after_one(&lab, &with_yes);
    let rest = lab.run(&with_yes);
    rest.expect(0);
    let would: Vec<Value> = looked.expect(0).json();
    let would: Vec<&str> = would
        .iter()
        .filter(|line| line["type"] == "squashed")
        .map(|line| line["commit"].as_str().unwrap())
        .collect();
    let stays: Vec<Commit> = lab.commits();
    // The cursor's, the branch's, the one before the failed one, that one, the named one and the head.
    let wanted: Vec<String> = [2, 4, 6, 7, 10, 14].map(at).into();
    assert_eq!(stays.iter().map(|commit| commit.id.clone()).collect::<Vec<_>>(), wanted);
    let gone: Vec<&String> = line
        .iter()
        .map(|commit| &commit.id)
        .filter(|id| !wanted.contains(id))
        .collect();
    assert_eq!(would, gone);
    assert!(gone.contains(&&first) && rest.lines().len() < gone.len());
    for (id, tree) in trees(&lab) {
        assert_eq!(tree, before[&id], "{id}");
    }
    for id in gone {
        lab.run(&["get", &lab.at(&format!("@{id}")), "--tar"]).expect(1);
    }
    // Who is behind goes on: the changes of what was squashed come with the next one.
    let followed = lab.run(&["tail", &lab.repo, "-e", "--cursor", &cursor, "--json"]);
    let told: Vec<Value> = followed.expect(0).json();
    let ids: Vec<&str> = told.iter().map(|line| line["commit"].as_str().unwrap()).collect();
    assert_eq!(ids, wanted[1..]);
    // The cursor has gone on, and where it was may go.
    lab.run(&with_yes).expect(0).says("1 commit squashed");
    lab.run(&with_yes).expect(0).says("0 commits squashed");
    for (id, tree) in trees(&lab) {
        assert_eq!(tree, before[&id], "{id}");
    }
    // What is written next is built on all of it.
    let head = tree_at(&lab, &at(14));
    lab.put(&[], &tar(&[("next", b"1")])).expect(0);
    let mut next = lab.run(&["get", &lab.repo, "--tar"]);
    let mut tree = tree_of(&std::mem::take(&mut next.stdout));
    assert_eq!(tree.remove("next"), Some(b"1".to_vec()));
    assert_eq!(tree, head);
}

#[test]
fn a_run_that_dies_before_or_after_a_call_is_gone_on_with() {
    if is_lacking("squashed commits") {
        return;
    }
    for fault in [|| Fault::Stall, || Fault::StallAnswer(0)] {
        let lab = Lab::new();
        make_history(&lab, &mut Chance(7), 5);
        let before = trees(&lab);
        let proxy = Proxy::before(&lab.authority);
        proxy.at("SquashCommitSet", 2, fault());
        let world = lab.behind(&proxy);
        let args = ["squash", &lab.repo, "--older-than", "0", "--yes"];
        let mut child = world.command(&args).spawn().unwrap();
        proxy.wait_for("SquashCommitSet", 2);
        child.kill().unwrap();
        child.wait().unwrap();
        lab.run(&args).expect(0);
        // The failed one, the one before it, and the head.
        assert_eq!(lab.commits().len(), 3);
        for (id, tree) in trees(&lab) {
            assert_eq!(tree, before[&id], "{id}");
        }
    }
}

#[test]
fn a_stream_that_begins_its_input_again_commits_nothing_that_was_squashed() {
    if is_lacking("squashed commits") {
        return;
    }
    let lab = Lab::new();
    let archives: Vec<Vec<u8>> = (1..=206_u64)
        .map(|number| tar(&[("latest", number.to_string().as_bytes())]))
        .collect();
    let all: Vec<u8> = archives.concat();
    lab.put(&["--stream", "s", "--in-flight", "20"], &all).expect(0);
    lab.run(&["squash", &lab.repo, "--older-than", "0", "--yes"])
        .expect(0)
        .says("6 commits squashed")
        .says("199 kept: among the newest 200 of a stream");
    let left = lab.good_commits();
    for in_flight in ["1", "2", "20"] {
        lab.put(&["--stream", "s", "--resume", "--in-flight", in_flight], &all)
            .expect(3)
            .says("archive 1 is in no commit of the stream `s`, and those behind it are: it was squashed or dropped")
            .says("give it what follows archive 206 of the input, without --resume");
        assert_eq!(lab.good_commits(), left);
    }
    // As it is advised.
    lab.put(&["--stream", "s"], &tar(&[("latest", b"207")])).expect(0);
    assert_eq!(lab.commits().last().unwrap().sequence(), 207);
    assert_eq!(lab.get(&lab.at(":/latest")), b"207");
}

/// What is asked of a real pachd alone: `serve` has no branch with another repo's as its provenance.
#[test]
fn what_is_made_of_a_commit_is_squashed_with_it_when_it_is_done_and_reads_as_before() {
    if is_lacking("squashed commits") {
        return;
    }
    let Some(lab) = Lab::with_jobs() else { return };
    lab.make_repo();
    let made = lab.beside();
    lab.ask("pfs_v2.API/CreateBranch", &json!({"branch": lab.branch_name()}));
    let request = json!({"branch": made.branch_name(), "provenance": [lab.branch_name()]});
    made.ask("pfs_v2.API/CreateBranch", &request);
    // Of what pachd begins both branches with.
    made.finish_commit(&made.commits()[0].id);
    let count = 7;
    let mut inputs = Vec::new();
    for number in 0..count {
        let archive = tar(&[
            ("latest", number.to_string().as_bytes()),
            (&format!("n/{number}"), b"x"),
        ]);
        lab.put(&[], &archive).expect(0);
        inputs.push(lab.good_commits().last().unwrap().clone());
    }
    // The last one's work is not done, and the third one's failed.
    for (number, id) in inputs.iter().enumerate().take(count - 1) {
        made.add_file(id, &format!("/made-{number}"));
        let commit = json!({"repo": made.repo_name(), "id": id, "branch": made.branch_name()});
        let error = if number == 2 { "failed" } else { "" };
        made.ask("pfs_v2.API/FinishCommit", &json!({"commit": commit, "error": error}));
        made.ask(
            "pfs_v2.API/InspectCommit",
            &json!({"commit": commit, "wait": "FINISHED"}),
        );
    }
    let (before, made_before) = (trees(&lab), trees(&made));
    let args = ["squash", &lab.repo, "--older-than", "0", "--yes", "--json"];
    let without = lab.run(&args);
    let summary = without.expect(0).json().pop().unwrap();
    assert_eq!(summary["squashed"], 0, "{}", without.text());
    assert_eq!(summary["kept"]["downstream"], count - 1, "{summary}");
    let with = lab.run(&[&args[..], &["--downstream"]].concat());
    let squashed: Vec<Value> = with.expect(0).json();
    let squashed: Vec<&Value> = squashed.iter().filter(|line| line["type"] == "squashed").collect();
    // 0; 3 and 4. 1 is before the failed one, 5 before what is not done.
    let wanted = [0, 3, 4].map(|number: usize| json!(inputs[number]));
    assert_eq!(
        squashed.iter().map(|line| line["commit"].clone()).collect::<Vec<_>>(),
        wanted,
        "{}",
        with.text()
    );
    assert!(squashed.iter().all(|line| line["others"] == 1));
    for (lab, before) in [(&lab, before), (&made, made_before)] {
        let after = trees(lab);
        for (id, tree) in &after {
            assert_eq!(Some(tree), before.get(id), "{id}");
        }
        assert_eq!(before.len() - after.len(), 3);
    }
}
