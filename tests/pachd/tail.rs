//! `tail` follows a branch: what is there, what comes, and what was rewritten.

use std::time::Duration;

use serde_json::json;

use crate::lab::{Lab, is_lacking};
use crate::runner::{Following, files_of, tar};

fn follow(lab: &Lab, args: &[&str]) -> Following {
    Following::start(lab.command(&[&["tail", lab.repo.as_str()], args].concat()))
}

/// Ends it, and answers what it said.
fn end(mut following: Following) -> String {
    following.child.kill().unwrap();
    following.end().1
}

fn ids(lab: &Lab) -> Vec<String> {
    lab.commits().into_iter().map(|commit| commit.id).collect()
}

#[test]
fn history_and_what_comes_are_shown_once_and_in_order() {
    if is_lacking("commits that end with an error of ours") {
        return;
    }
    let lab = Lab::new();
    for i in 0..3_u8 {
        lab.put(&[], &tar(&[("a", &[i])])).expect(0);
    }
    let following = follow(&lab, &["--format", "{id} {files} {error}", "-n", "2"]);
    let before = ids(&lab);
    assert_eq!(following.line(), format!("{} 1 ", before[1]));
    assert_eq!(following.line(), format!("{} 1 ", before[2]));
    lab.put(&[], &tar(&[("a", b"x"), ("b", b"y")])).expect(0);
    // One with an error, and one after it, which is not built on it.
    let bad = lab.start_commit("");
    lab.add_file(&bad, "/c");
    lab.ask(
        "pfs_v2.API/FinishCommit",
        &json!({"commit": lab.commit_name(&bad), "error": "given up"}),
    );
    lab.wait_until_finished(&bad);
    lab.put(&[], &tar(&[("d", b"z")])).expect(0);
    let all = ids(&lab);
    assert_eq!(following.line(), format!("{} 2 ", all[3]));
    assert_eq!(following.line(), format!("{} 0 given up", all[4]));
    assert_eq!(following.line(), format!("{} 1 ", all[5]));
    assert_eq!(end(following), "");
}

#[test]
fn an_open_head_holds_back_and_then_comes() {
    let lab = Lab::new();
    lab.put(&[], &tar(&[("a", b"1")])).expect(0);
    let open = lab.start_commit("by hand");
    lab.run(&["tail", &lab.repo, "-e"]).expect(0).says("is still open");
    let following = follow(&lab, &["-n0", "--format", "{id} {description}"]);
    assert!(following.lines.recv_timeout(Duration::from_secs(1)).is_err());
    lab.finish_commit(&open);
    assert_eq!(following.line(), format!("{open} by hand"));
}

#[test]
fn a_branch_that_comes_later_is_waited_for() {
    let lab = Lab::without_repo();
    let following = follow(&lab, &["--wait-for-branch", "--format", "{id}"]);
    std::thread::sleep(Duration::from_millis(500));
    lab.make_repo();
    std::thread::sleep(Duration::from_millis(500));
    lab.put(&[], &tar(&[("a", b"1")])).expect(0);
    assert_eq!(following.line(), ids(&lab)[0]);
    lab.put(&[], &tar(&[("a", b"2")])).expect(0);
    assert_eq!(following.line(), ids(&lab)[1]);
    assert!(end(following).contains("is waited for"));
}

#[test]
fn a_dropped_head_is_said_and_a_cursor_on_it_stops() {
    let lab = Lab::new();
    for i in 0..3_u8 {
        lab.put(&[], &tar(&[("a", &[i])])).expect(0);
    }
    let all = ids(&lab);
    let cursor = lab.path("cursor").display().to_string();
    lab.run(&["tail", &lab.repo, "-e", "--cursor", &cursor]).expect(0);
    let following = follow(&lab, &["--format", "{id}"]);
    for id in &all {
        assert_eq!(following.line(), *id);
    }
    lab.drop_commit(&all[2]);
    lab.put(&[], &tar(&[("a", b"new")])).expect(0);
    assert_eq!(following.line(), ids(&lab)[2]);
    assert!(end(following).contains(&format!("going on after {}", all[1])));
    lab.run(&["tail", &lab.repo, "-e", "--cursor", &cursor])
        .expect(4)
        .says(&format!("--from {}", all[1]));
}

#[test]
fn a_mirror_holds_what_the_branch_holds() {
    let lab = Lab::new();
    lab.put(&[], &tar(&[("a", b"1"), ("d/b", b"2"), ("d/c", b"3")]))
        .expect(0);
    lab.put(&["--append"], &tar(&[("a", b"11")])).expect(0);
    let open = lab.start_commit("");
    lab.finish_commit(&open);
    lab.wait_until_finished(&open);
    let tail = lab.run(&["tail", &lab.repo, "-e", "--tar"]);
    tail.expect(0).says("changed no file");
    let copy = lab.at("@copy");
    let put = lab.run_with(&["put", &copy, "--obey-deletions"], &tail.stdout);
    assert_eq!(put.expect(0).commits().len(), 2);
    let get = |source: &str| files_of(&lab.run(&["get", source, "--tar"]).stdout);
    assert_eq!(get(&copy), get(&lab.repo));
}

#[test]
fn a_repo_with_a_commit_that_has_lost_its_branch_is_followed_all_the_same() {
    let lab = Lab::of_serve();
    lab.put(&[], &tar(&[("a", b"1")])).expect(0);
    lab.run_with(&["put", &lab.at("@other")], &tar(&[("a", b"1")]))
        .expect(0);
    let other = json!({"repo": lab.repo_name(), "name": "other"});
    lab.ask("pfs_v2.API/DeleteBranch", &json!({"branch": other}));
    let following = follow(&lab, &["--format", "{id}"]);
    assert_eq!(following.line(), ids(&lab)[0]);
    for i in 1..3 {
        lab.put(&[], &tar(&[("a", b"2")])).expect(0);
        assert_eq!(following.line(), ids(&lab)[i]);
    }
    assert_eq!(end(following), "");
}

#[test]
fn a_branch_that_is_moved_shows_what_is_new_on_it() {
    let lab = Lab::new();
    lab.put(&[], &tar(&[("a", b"1")])).expect(0);
    let following = follow(&lab, &["--format", "{id}"]);
    assert_eq!(following.line(), ids(&lab)[0]);
    // As deferred processing does it: commits are made on `staging`, and `master` is moved there.
    let head = json!({"repo": lab.repo_name(), "branch": lab.branch_name()});
    let staging = json!({"repo": lab.repo_name(), "name": "staging"});
    lab.ask("pfs_v2.API/CreateBranch", &json!({"branch": staging, "head": head}));
    for i in 0..2_u8 {
        lab.run_with(&["put", &lab.at("@staging")], &tar(&[("a", &[i])]))
            .expect(0);
    }
    let head = json!({"repo": lab.repo_name(), "branch": staging});
    lab.ask(
        "pfs_v2.API/CreateBranch",
        &json!({"branch": lab.branch_name(), "head": head}),
    );
    let all = ids(&lab);
    assert_eq!(all.len(), 3);
    assert_eq!(following.line(), all[1]);
    assert_eq!(following.line(), all[2]);
    assert_eq!(end(following), "");
}
