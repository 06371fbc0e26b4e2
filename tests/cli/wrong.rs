//! Three wrong deliveries that really run, against `serve` behind the proxy, and that the checker has to catch.
//!
//! Each is what one would write who trusts the network. Without a fault they are right, and the checker says so.

use std::io;

use serde_json::{Value, json};

use crate::checker::{Order, Outcome, Promise, Told, Tree};
use crate::faults::in_store;
use crate::proxy::{Fault, Proxy};
use crate::runner::{World, tar};
use crate::served::{Served, post};

/// What is wrong with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    /// The answer to `FinishCommit` is enough for it.
    AcknowledgesBeforeFinished,
    /// Where no answer comes, it begins again with the archive.
    SendsAgainBlindly,
    /// Where no answer to `FinishCommit` comes, it clears the commit, and fills and finishes it again.
    ClearsAfterALostFinish,
}

/// A delivery over JSON, to the repo `events` of whoever is at `authority`.
struct Delivery<'a> {
    authority: &'a str,
    wrong: Wrong,
}

impl Delivery<'_> {
    /// Delivers archives of one file each; what it acknowledges.
    fn run(&self, paths: &[&str]) -> Vec<(u64, String)> {
        let mut told = Vec::new();
        for (number, path) in (1..).zip(paths) {
            loop {
                match self.archive(number, path) {
                    Ok(Some(commit)) => told.push((number, commit)),
                    // A commit that finished with an error.
                    Ok(None) => return told,
                    Err(_) if self.wrong == Wrong::SendsAgainBlindly => continue,
                    Err(error) => panic!("{error}"),
                }
                break;
            }
        }
        told
    }

    fn archive(&self, number: u64, path: &str) -> io::Result<Option<String>> {
        let request = json!({"addFile": {"path": path, "raw": "eA=="}});
        let file_set = self.ask("CreateFileSet", &request)?["fileSetId"].clone();
        let mark = format!("spoutctl/1 stream=s seq={number} sha256={} done", "0".repeat(64));
        let request = json!({"branch": branch(), "description": mark});
        let started = self.ask("StartCommit", &request)?;
        let id = started["id"].as_str().unwrap_or_default().to_owned();
        let commit = json!({"repo": repo(), "id": id, "branch": branch()});
        let add = || self.ask("AddFileSet", &json!({"commit": commit, "fileSetId": file_set}));
        let finish = || self.ask("FinishCommit", &json!({"commit": commit, "description": mark}));
        add()?;
        match finish() {
            Err(_) if self.wrong == Wrong::ClearsAfterALostFinish => {
                let _ = self.ask("ClearCommit", &json!({"commit": commit}));
                // Refused as finished already: by its own call, it believes.
                let _ = add();
                let _ = finish();
            }
            finished => drop(finished?),
        }
        if self.wrong == Wrong::AcknowledgesBeforeFinished {
            return Ok(Some(id));
        }
        let info = self.ask("InspectCommit", &json!({"commit": commit, "wait": "FINISHED"}))?;
        let is_good = info["error"].as_str().unwrap_or_default().is_empty();
        Ok(is_good.then_some(id))
    }

    fn ask(&self, call: &str, request: &Value) -> io::Result<Value> {
        let (status, body) = post(self.authority, &format!("pfs_v2.API/{call}"), request, None)?;
        if status == 200 {
            Ok(serde_json::from_str(&body)?)
        } else {
            Err(io::Error::other(body))
        }
    }
}

fn repo() -> Value {
    json!({"name": "events", "type": "user", "project": {"name": "default"}})
}

fn branch() -> Value {
    json!({"repo": repo(), "name": "master"})
}

/// A server with the repo `events`, and a proxy in front of it.
fn start(directory: &tempfile::TempDir) -> (Served, Proxy) {
    let served = Served::over(&directory.path().join("store"), &[]);
    served.ask("pfs_v2.API/CreateRepo", &json!({"repo": repo()}));
    let proxy = Proxy::before(&served.authority);
    (served, proxy)
}

/// What the checker says, where so many of these archives can become commits.
fn check(directory: &tempfile::TempDir, told: Vec<(u64, String)>, paths: &[&str], good: u64) -> Result<(), String> {
    let promise = Promise {
        archives: good,
        tree: &|number| {
            let of_these = paths.iter().take(usize::try_from(number).unwrap());
            of_these
                .map(|path| ((*path).to_owned(), b"x".to_vec()))
                .collect::<Tree>()
        },
        order: Order::AsSent,
        told: Told::Once,
    };
    promise.check(&Outcome {
        acknowledged: told,
        ..in_store(&directory.path().join("store"), "events")
    })
}

const PATHS: &[&str] = &["one", "two", "three"];
/// A file where a directory is: the second becomes a commit with an error.
const COLLIDING: &[&str] = &["one", "one/two"];

/// What the checker says of a delivery for which each of these calls meets its fault.
fn deliver(wrong: Wrong, paths: &[&str], good: u64, faults: Vec<(&str, usize, Fault)>) -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    let (served, proxy) = start(&directory);
    for (call, nth, fault) in faults {
        proxy.at(call, nth, fault);
    }
    let authority = proxy.authority();
    let delivery = Delivery {
        authority: &authority,
        wrong,
    };
    let told = delivery.run(paths);
    proxy.deliver_late();
    for (_, id) in &told {
        let commit = json!({"repo": repo(), "id": id, "branch": branch()});
        served.ask(
            "pfs_v2.API/InspectCommit",
            &json!({"commit": commit, "wait": "FINISHED"}),
        );
    }
    check(&directory, told, paths, good)
}

#[track_caller]
fn assert_caught(checked: Result<(), String>, with: &str) {
    let what = checked.expect_err("it is wrong, and the checker does not see it");
    assert!(what.contains(with), "{what}");
}

#[test]
fn the_checker_finds_nothing_wrong_where_nothing_goes_wrong() {
    for wrong in [
        Wrong::AcknowledgesBeforeFinished,
        Wrong::SendsAgainBlindly,
        Wrong::ClearsAfterALostFinish,
    ] {
        deliver(wrong, PATHS, 3, Vec::new()).unwrap_or_else(|what| panic!("{wrong:?}: {what}"));
    }
}

#[test]
fn an_acknowledgement_before_the_commit_is_finished_is_caught() {
    let checked = deliver(Wrong::AcknowledgesBeforeFinished, COLLIDING, 1, Vec::new());
    assert_caught(checked, "which does not hold it");
}

#[test]
fn an_archive_that_is_sent_again_blindly_is_caught() {
    let lost = vec![("FinishCommit", 2, Fault::LoseAnswer)];
    let checked = deliver(Wrong::SendsAgainBlindly, PATHS, 3, lost);
    assert_caught(checked, "these are there: [1, 2, 2, 3]");
}

#[test]
fn a_commit_that_is_cleared_after_a_lost_finish_is_caught() {
    let late = vec![("FinishCommit", 2, Fault::Late(1))];
    let checked = deliver(Wrong::ClearsAfterALostFinish, PATHS, 3, late);
    assert_caught(checked, "of archive 2 holds");
}

/// The same three with `put`: what it says is what is there.
#[test]
fn put_meets_the_same_and_nothing_is_caught() {
    type Met = (&'static [&'static str], u64, Vec<(&'static str, usize, Fault)>);
    let faults: [Met; 3] = [
        (COLLIDING, 1, Vec::new()),
        (PATHS, 3, vec![("FinishCommit", 2, Fault::LoseAnswer)]),
        (PATHS, 3, vec![("FinishCommit", 2, Fault::Late(1))]),
    ];
    for (paths, good, faults) in faults {
        let directory = tempfile::tempdir().unwrap();
        let (_served, proxy) = start(&directory);
        for (call, nth, fault) in faults {
            proxy.at(call, nth, fault);
        }
        let world = World::at(&proxy.url());
        let input: Vec<u8> = paths.iter().flat_map(|path| tar(&[(path, b"x")])).collect();
        let ran = world.run_with(&["put", "events", "--json", "--retry-for", "20s"], &input);
        ran.expect(if good == paths.len() as u64 { 0 } else { 4 });
        proxy.deliver_late();
        check(&directory, ran.acknowledged(), paths, good).unwrap();
    }
}
