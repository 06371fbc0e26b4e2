//! `get` reads the newest good commit, and says what is not there.

use crate::lab::{Lab, is_1_x, is_before, is_lacking};
use crate::runner::{files_of, fixture_bytes, tar};

#[test]
fn a_branch_means_its_newest_good_commit_whatever_its_head_is() {
    if is_lacking("commits that end with an error of ours") {
        return;
    }
    let lab = Lab::new();
    lab.put(&[], &tar(&[("a", b"good")])).expect(0);
    lab.put(&[], &tar(&[("a/b", b"collides"), ("bad", b"b")])).expect(4);
    assert_eq!(lab.get(&lab.at(":/a")), b"good");
    lab.run(&["get", &lab.at(":/bad")]).expect(1);
    let errored = lab.commits().pop().unwrap().id;
    lab.run(&["get", &lab.at(&format!("@{errored}:/bad"))])
        .expect(4)
        .says("finished with an error");
    let open = lab.start_commit("");
    lab.add_file(&open, "/half");
    assert_eq!(lab.get(&lab.at(":/a")), b"good");
    lab.run(&["get", &lab.at(":/half")]).expect(1);
    lab.run(&["get", &lab.at(&format!("@{open}:/half"))])
        .expect(1)
        .says("not finished");
}

#[test]
fn what_is_not_there_yet_is_exit_1_and_a_missing_repo_is_exit_4() {
    let lab = Lab::new();
    lab.run(&["get", &lab.at(":/a")])
        .expect(1)
        .says("no finished commit yet");
    lab.put(&[], &tar(&[("d/a", b"x")])).expect(0);
    lab.run(&["get", &lab.at(":/nope")]).expect(1).says("/nope");
    lab.run(&["get", &lab.at(":/nope"), "--tar"]).expect(1).says("/nope");
    lab.run(&["get", &lab.at("@nope:/d/a")]).expect(1);
    let unknown = uuid::Uuid::new_v4().simple().to_string();
    lab.run(&["get", &lab.at(&format!("@{unknown}:/d/a"))])
        .expect(1)
        .says(&unknown);
    lab.run(&["get", &lab.at(":/d")]).expect(2).says("--tar");
    for missing in [lab.at("-gone:/a"), lab.at(&format!("-gone@{unknown}:/a"))] {
        lab.run(&["get", &missing]).expect(4).says("does not exist");
    }
    let elsewhere = lab.run(&["get", &format!("no-such-project/{}:/a", lab.repo)]);
    let why = match () {
        () if is_1_x() => "projects are not supported",
        () if is_before(5) => "has no projects",
        () => "does not exist",
    };
    elsewhere.expect(4).says(why);
}

#[test]
fn a_commit_a_directory_and_a_file_come_as_archives() {
    let lab = Lab::new();
    lab.put(&[], &fixture_bytes("archives/three.tar")).expect(0);
    let names = |source: &str| {
        let ran = lab.run(&["get", &lab.at(source), "--tar"]);
        assert!(ran.expect(0).stdout.ends_with(&[0; 1024]));
        files_of(&ran.stdout)
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    let all = names("");
    assert_eq!(all.len(), 4);
    assert_eq!(all, names(":/"));
    assert_eq!(all[..3], names(":/events")[..]);
    assert_eq!(all[..3], names(":/events/2026-11-22/")[..]);
    assert_eq!(names(":/offset"), ["offset"]);
    let archive = lab.run(&["get", &lab.repo, "--tar"]).stdout;
    lab.run_with(&["put", &lab.at("@copy")], &archive).expect(0);
    let copy = lab.run(&["get", &lab.at("@copy"), "--tar"]);
    assert_eq!(files_of(&copy.stdout), files_of(&archive));
}

#[test]
fn a_commit_without_a_file_is_an_archive_without_one() {
    let lab = Lab::new();
    let empty = lab.start_commit("");
    lab.finish_commit(&empty);
    lab.wait_until_finished(&empty);
    for source in [lab.at(""), lab.at(&format!("@{empty}")), lab.at(":/")] {
        let ran = lab.run(&["get", &source, "--tar"]);
        ran.expect(0);
        assert!(
            ran.stdout.len() >= 1024 && ran.stdout.iter().all(|byte| *byte == 0),
            "{source}"
        );
    }
    lab.run(&["get", &lab.at(":/a")]).expect(1);
}

#[test]
fn an_output_file_holds_every_byte() {
    let lab = Lab::new();
    let content: Vec<u8> = (0..5_000_000_u32).flat_map(u32::to_le_bytes).collect();
    lab.put(&[], &tar(&[("numbers", &content)])).expect(0);
    let file = lab.path("numbers");
    lab.run(&["get", &lab.at(":/numbers"), "-o", file.to_str().unwrap()])
        .expect(0);
    assert!(std::fs::read(&file).unwrap() == content);
}
