//! `squash` as its users run it: what it asks, says and refuses. What it does to a history: `tests/pachd/squash.rs`.

use std::process::Stdio;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::pachd::Pachd;
use crate::proxy::{Fault, Proxy};
use crate::runner::{Following, Ran, World, tar};
use crate::served::Served;
use crate::tail::Maker;

const NOW: [&str; 3] = ["squash", "events", "--older-than"];

fn squash(world: &World, more: &[&str]) -> Ran {
    world.run(&[&NOW[..], &["0"], more].concat())
}

/// A store with so many commits of one file.
fn store(commits: usize) -> World {
    let world = World::local();
    for number in 0..commits {
        let archive = tar(&[("a", number.to_string().as_bytes())]);
        world.run_with(&["put", "events", "--create-repo"], &archive).expect(0);
    }
    world
}

fn ids(world: &World) -> Vec<String> {
    let ran = world.run(&["tail", "events", "-e", "--from", "beginning", "--json"]);
    let id = |line: &Value| line["commit"].as_str().unwrap().to_owned();
    ran.expect(0).json().iter().map(id).collect()
}

#[test]
fn it_asks_first_and_without_a_terminal_nothing_goes() {
    let world = store(3);
    squash(&world, &[])
        .expect(2)
        .says("there is no terminal to ask at")
        .says("--dry-run");
    assert_eq!(ids(&world).len(), 3);
    let looked = squash(&world, &["--dry-run"]);
    assert_eq!(looked.expect(0).lines(), ids(&world)[..2]);
    looked.says("2 commits would be squashed").says("1 kept: the head");
    assert_eq!(ids(&world).len(), 3);
    squash(&world, &["--yes", "--dry-run"]).expect(2);
}

#[test]
fn what_is_younger_and_the_newest_of_a_period_stay() {
    let world = store(4);
    let all = ids(&world);
    let young = world.run(&[&NOW[..], &["1h", "--yes"]].concat());
    young.expect(0).says("0 commits squashed").says("3 kept: younger");
    // They are all of one day, or of two where it was midnight meanwhile.
    let daily = squash(&world, &["--keep-every", "1d", "--yes"]);
    daily.expect(0);
    let left = ids(&world);
    assert!(left.len() <= 2 && left.last() == all.last(), "{left:?} of {all:?}");
}

#[test]
fn what_is_not_there_is_refused_and_nothing_goes() {
    let world = store(3);
    let all = ids(&world);
    world
        .run(&["squash", "nothing", "--older-than", "0", "--yes"])
        .expect(1);
    world
        .run(&["squash", "events@nothing", "--older-than", "0", "--yes"])
        .expect(1)
        .says("there is no branch default/events@nothing");
    world
        .run(&["squash", "events:/a", "--older-than", "0", "--yes"])
        .expect(2)
        .says("commits are squashed whole");
    world.run(&["squash", "events", "--yes"]).expect(2).says("--older-than");
    let unknown = "4".repeat(32);
    squash(&world, &["--yes", "--keep", &unknown]).expect(4).says(&format!(
        "commit {unknown} is to be kept and is not on default/events@master"
    ));
    let missing = world.path("missing").display().to_string();
    squash(&world, &["--yes", "--cursor", &missing])
        .expect(2)
        .says("is at no commit");
    std::fs::write(world.path("other"), "{}").unwrap();
    squash(&world, &["--yes", "--cursor", world.path("other").to_str().unwrap()])
        .expect(3)
        .says("is no cursor of spoutctl");
    assert_eq!(ids(&world), all);
    let nowhere = World::local();
    nowhere
        .run(&["squash", "events", "--older-than", "0", "--yes"])
        .expect(4);
    assert!(!nowhere.path("store").exists(), "it makes no store");
}

#[test]
fn every_release_that_can_squash_does_through_every_door() {
    for release in ["2.0", "2.3", "2.5", "2.6", "2.7", "2.8", "2.10", "2.12"] {
        let directory = tempfile::tempdir().unwrap();
        let served = Served::over(&directory.path().join("store"), &["--pachyderm", release]);
        let mut doors = vec![format!("grpc://{}", served.authority)];
        if ["2.8", "2.10", "2.12"].contains(&release) {
            doors.push(served.url());
        }
        for door in doors {
            let world = World::at(&door);
            for content in [b"1", b"2", b"3"] {
                let put = ["put", "events", "--create-repo"];
                world.run_with(&put, &tar(&[("a", content), ("b", b"x")])).expect(0);
            }
            squash(&world, &["--yes"]).expect(0).says("squashed");
            assert_eq!(ids(&world).len(), 1, "{release} {door}");
            assert_eq!(world.get("events:/a"), b"3", "{release}");
            assert!(!served.said().contains("would do harm"), "{}", served.said());
        }
    }
}

#[test]
fn an_interrupt_ends_a_call_that_does_not_end_and_what_a_branch_stands_on_is_left_alone() {
    let served = Served::start();
    let maker = Maker::create(&served, "events");
    for number in 0..4_u8 {
        maker.commit(&[("/a", Some(&[number]))]);
    }
    let all = maker.ids();
    let proxy = Proxy::before(&served.authority);
    proxy.at("SquashCommitSet", 1, Fault::Stall);
    let stuck = World::at(&proxy.url());
    let args = [&NOW[..], &["0", "--yes"]].concat();
    let mut command = stuck.command(&args);
    command.stdin(Stdio::null());
    let running = Following::start(command);
    proxy.wait_for("SquashCommitSet", 1);
    running.signal(Signal::TERM);
    let (code, _) = running.end();
    assert_eq!(code, Some(143));
    // Somebody goes on with the oldest one, in a commit that is open.
    let head = json!({"repo": maker.repo(), "id": all[0]});
    let branch = json!({"repo": maker.repo(), "name": "other"});
    served.ask("pfs_v2.API/CreateBranch", &json!({"branch": branch, "head": head}));
    served.ask("pfs_v2.API/StartCommit", &json!({"branch": branch}));
    let world = World::at(&served.url());
    let ran = squash(&world, &["--yes", "--json"]);
    let lines = ran.expect(0).json();
    assert_eq!(lines.last().unwrap()["kept"], json!({"branch": 1, "head": 1}));
    assert_eq!(maker.ids(), [all[0].clone(), all[3].clone()]);
}

#[test]
fn pachyderm_1_is_refused_with_words() {
    let pachd = Pachd::of_1_13();
    World::at(&pachd.url())
        .run(&["squash", "events", "--older-than", "0", "--yes"])
        .expect(4)
        .says("Pachyderm 1.x has no call that squashes a commit");
}
