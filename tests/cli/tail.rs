//! `tail` as its users run it: what it prints, where it begins and ends, and what survives.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::runner::{Following, Ran, World, tar};
use crate::served::Served;

/// Makes commits in a repo of a server, one call each.
pub struct Maker<'a> {
    pub served: &'a Served,
    pub repo: &'static str,
}

impl<'a> Maker<'a> {
    /// With a repo that it makes first.
    pub fn create(served: &'a Served, repo: &'static str) -> Self {
        let maker = Self { served, repo };
        served.ask("pfs_v2.API/CreateRepo", &json!({"repo": maker.repo()}));
        maker
    }

    pub fn repo(&self) -> Value {
        json!({"name": self.repo, "type": "user", "project": {"name": "default"}})
    }

    pub fn branch(&self) -> Value {
        json!({"repo": self.repo(), "name": "master"})
    }

    /// One commit of these changes: a path and its new bytes, or `None` to delete it.
    pub fn commit(&self, changes: &[(&str, Option<&[u8]>)]) {
        use base64::Engine;
        let mut body = json!({"setCommit": {"repo": self.repo(), "branch": self.branch()}}).to_string();
        for (path, bytes) in changes {
            body += &json!({"deleteFile": {"path": path}}).to_string();
            if let Some(bytes) = bytes {
                let raw = base64::engine::general_purpose::STANDARD.encode(bytes);
                body += &json!({"addFile": {"path": path, "raw": raw}}).to_string();
            }
        }
        let answer = self
            .served
            .request("POST", "/api/pfs_v2.API/ModifyFile", &[], body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    pub fn start_commit(&self) -> String {
        let answer = self
            .served
            .ask("pfs_v2.API/StartCommit", &json!({"branch": self.branch()}));
        answer["id"].as_str().unwrap().to_owned()
    }

    pub fn finish_commit(&self, id: &str, error: &str) {
        let commit = json!({"repo": self.repo(), "id": id});
        self.served
            .ask("pfs_v2.API/FinishCommit", &json!({"commit": commit, "error": error}));
    }

    /// The ids of the branch's commits, oldest first, when all of them are finished.
    pub fn ids(&self) -> Vec<String> {
        let head = json!({"repo": self.repo(), "branch": self.branch()});
        let request = json!({"commit": head, "wait": "FINISHED"});
        self.served.ask("pfs_v2.API/InspectCommit", &request);
        let answer = self
            .served
            .call("pfs_v2.API/ListCommit", &json!({"repo": self.repo(), "to": head}));
        assert_eq!(answer.status, 200);
        let id = |line: &str| {
            let info: Value = serde_json::from_str(line).unwrap();
            info["result"]["commit"]["id"].as_str().unwrap().to_owned()
        };
        let mut ids: Vec<String> = answer.text().lines().map(id).collect();
        ids.reverse();
        ids
    }
}

/// A store with three commits: two files; one of them changed; the other appended to, with a message.
fn three() -> World {
    let world = World::local();
    let put = |args: &[&str], archive: &[u8]| {
        world.run_with(&[&["put", "events"], args].concat(), archive).expect(0);
    };
    put(&["--create-repo"], &tar(&[("a", b"1"), ("d/b", b"22")]));
    put(&["--stream", "s"], &tar(&[("a", b"333")]));
    put(&["-m", "more\nlines"], &tar(&[("d/b", b"4444"), ("c", b"")]));
    world
}

fn ids(ran: &Ran) -> Vec<String> {
    ran.lines()
        .iter()
        .map(|line| line.split_whitespace().nth(1).unwrap().to_owned())
        .collect()
}

#[test]
fn a_line_tells_time_id_files_size_and_description() {
    let world = three();
    let ran = world.run(&["tail", "events", "-e"]);
    let lines = ran.expect(0).lines();
    assert_eq!(lines.len(), 3);
    let rest = |line: &str| line.split_once("Z   ").unwrap().1[32..].to_owned();
    assert_eq!(rest(&lines[0]), "   2 files   3 B");
    assert_eq!(rest(&lines[1]), "   1 file   5 B");
    assert_eq!(rest(&lines[2]), "   2 files   7 B   more");
    assert!(!ran.text().contains('\x1b'));
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    let coloured = world.run(&["tail", "events", "-e", "--color", "always"]);
    assert!(coloured.expect(0).text().contains("\x1b[33m"));
}

#[test]
fn all_of_very_many_files_are_listed_by_a_pachd_1_13_whose_order_is_another() {
    let served = Served::start_with(&["--pachyderm", "1.13"]);
    let world = World::at(&format!("grpc://{}", served.authority));
    // By their bytes those of `dir-x` come first; 1.x has `dir` first. More than are held at once.
    let mut names: Vec<String> = (0..6_000)
        .flat_map(|at| [format!("dir/{at:04}"), format!("dir-x/{at:04}")])
        .collect();
    names.sort();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"1"[..])).collect();
    world
        .run_with(&["put", "events", "--create-repo"], &tar(&files))
        .expect(0);
    let commits = world.run(&["tail", "events", "-e", "-n1", "--json", "--files"]).json();
    let mut listed: Vec<&str> = commits[0]["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["path"].as_str().unwrap().trim_start_matches('/'))
        .collect();
    listed.sort_unstable();
    assert_eq!(listed.len(), names.len());
    assert!(listed == names);
}

#[test]
fn files_are_listed_with_what_happened_to_them() {
    let world = three();
    let ran = world.run(&["tail", "events", "-e", "-n", "1", "--files"]);
    assert_eq!(ran.expect(0).lines()[1..], ["  + /c   0 B", "  ~ /d/b   4 B"]);
}

#[test]
fn json_is_one_object_a_commit() {
    let world = three();
    let objects = world.run(&["tail", "events", "-e", "--json"]).json();
    let ids: Vec<&Value> = objects.iter().map(|object| &object["commit"]).collect();
    assert_eq!(objects[0]["parent"], Value::Null);
    assert_eq!(&objects[2]["parent"], ids[1]);
    assert_eq!(objects[1]["stream"], "s");
    assert_eq!(objects[1]["seq"], 1);
    assert_eq!(objects[1]["description"], "");
    assert_eq!(objects[2]["description"], "more\nlines");
    assert_eq!(objects[2]["bytes"], 7);
    assert_eq!(objects[2]["branch"], "master");
    assert!(objects[2].get("changes").is_none());
    let with_files = world.run(&["tail", "events", "-e", "-n1", "--json", "--files"]).json();
    assert_eq!(
        with_files[0]["changes"],
        json!({"added": 1, "changed": 1, "deleted": 0})
    );
    assert_eq!(
        with_files[0]["files"],
        json!([
            {"path": "/c", "change": "added", "bytes": 0, "old_bytes": 0},
            {"path": "/d/b", "change": "changed", "bytes": 4, "old_bytes": 2},
        ])
    );
}

#[test]
fn a_template_says_what_a_line_holds() {
    let world = three();
    let ran = world.run(&[
        "tail",
        "events",
        "-e",
        "--format",
        "{{{repo}}}\\t{added}+{changed} {description}",
    ]);
    assert_eq!(
        ran.expect(0).lines(),
        ["{events}\t2+0 ", "{events}\t0+1 ", "{events}\t1+1 more"]
    );
    world
        .run(&["tail", "events", "--format", "{nope}"])
        .expect(2)
        .says("fields: finished, started, commit");
}

#[test]
fn it_begins_and_ends_where_it_is_told() {
    let world = three();
    let all = ids(&world.run(&["tail", "events", "-e"]));
    let tail = |args: &[&str]| ids(world.run(&[&["tail", "events", "-e"], args].concat()).expect(0));
    assert_eq!(tail(&["-n", "2"]), all[1..]);
    assert_eq!(tail(&["-n0"]), all[3..]);
    assert_eq!(tail(&["--from", "now"]), all[3..]);
    assert_eq!(tail(&["--from", "beginning"]), all);
    assert_eq!(tail(&["--from", &all[0]]), all[1..]);
    assert_eq!(tail(&["--from", "-1h"]), all);
    assert_eq!(tail(&["--from", "2099-01-01T00:00:00Z"]), all[3..]);
    assert_eq!(tail(&["--count", "2"]), all[..2]);
    assert_eq!(tail(&["--until", &all[1]]), all[..2]);
    world.run(&["tail", "events", "-n1", "--from", "now"]).expect(2);
    world.run(&["tail", "events", "--from", "yesterday"]).expect(2);
    let unknown = uuid::Uuid::new_v4().simple().to_string();
    world
        .run(&["tail", "events", "--from", &unknown])
        .expect(4)
        .says("is not on branch default/events@master");
    world
        .run(&["tail", "events", "-e", "--until", &unknown])
        .expect(4)
        .says("does not exist");
    // What has passed already does not come any more: it ends at once, and does not follow.
    for begin in [["--from", &all[0]], ["--from", &all[1]], ["-n", "1"]] {
        let args = [&["tail", "events", "--until", &all[0], "--timeout", "20s"][..], &begin].concat();
        assert_eq!(world.run(&args).expect(0).stdout, b"", "{begin:?}");
    }
}

#[test]
fn the_time_ends_it_and_says_whether_that_was_too_early() {
    let world = three();
    world.run(&["tail", "events", "--timeout", "300ms"]).expect(0);
    world
        .run(&["tail", "events", "--timeout", "300ms", "--count", "3"])
        .expect(0);
    world
        .run(&["tail", "events", "--timeout", "300ms", "--count", "4"])
        .expect(5);
}

#[test]
fn what_is_not_there_is_said_or_waited_for() {
    let world = three();
    world.run(&["tail", "events@nope"]).expect(1).says("--wait-for-branch");
    world.run(&["tail", "nope"]).expect(4).says("--wait-for-branch");
    world
        .run(&["tail", "events@3fb3cdfe1fce41649b650606d4c86d35"])
        .expect(2);
    for source in ["events@later", "later"] {
        let following = Following::start(world.command(&["tail", source, "--wait-for-branch", "--count", "1"]));
        std::thread::sleep(Duration::from_millis(300));
        let put = world.run_with(&["put", source, "--create-repo"], &tar(&[("a", b"1")]));
        let id = put.expect(0).commits()[0].rsplit_once('@').unwrap().1.to_owned();
        assert!(following.line().contains(&id));
        let (code, said) = following.end();
        assert_eq!(code, Some(0));
        assert!(said.contains("is waited for"), "{said}");
    }
}

#[test]
fn only_the_commits_that_are_wanted_are_shown() {
    let served = Served::start();
    let maker = Maker::create(&served, "events");
    maker.commit(&[("/d/a", Some(b"1"))]);
    let bad = maker.start_commit();
    maker.finish_commit(&bad, "given \x1b[31mup\nfor good");
    maker.commit(&[("/b", Some(b"1"))]);
    maker.commit(&[("/d/a", None)]);
    let all = maker.ids();
    let world = World::at(&served.url());
    let tail = |args: &[&str]| world.run(&[&["tail", args[0], "-e"], &args[1..]].concat());
    let ran = tail(&["events"]);
    assert_eq!(ids(&ran), all);
    assert!(
        ran.lines()[1].ends_with("   error: given \\u{1b}[31mup"),
        "{}",
        ran.lines()[1]
    );
    assert_eq!(ids(&tail(&["events", "--ok-only"])), [&all[..1], &all[2..]].concat());
    let failed = tail(&["events", "--fail"]);
    assert_eq!(ids(failed.expect(1)), all[..2]);
    assert_eq!(ids(&tail(&["events:/d"])), [all[0].clone(), all[3].clone()]);
    assert_eq!(
        ids(&tail(&["events:/*"])),
        [all[0].clone(), all[2].clone(), all[3].clone()]
    );
    assert_eq!(
        ids(&tail(&["events:/?"])),
        [&all[0], &all[2], &all[3]].map(Clone::clone)
    );
    assert_eq!(ids(&tail(&["events:/b*"])), all[2..3]);
    assert_eq!(ids(&tail(&["events", "--stream", "none"])), all[4..]);
    world.run(&["tail", "events:/[", "-e"]).expect(2);
}

#[test]
fn a_new_commit_is_a_line_at_once_through_every_door() {
    let served = Served::start();
    for world in [World::local(), World::at(&served.url())] {
        world
            .run_with(&["put", "events", "--create-repo"], &tar(&[("a", b"0")]))
            .expect(0);
        let following = Following::start(world.command(&["tail", "events"]));
        following.line();
        for i in 1..4 {
            let put = world.run_with(&["put", "events"], &tar(&[("a", i.to_string().as_bytes())]));
            let id = put.expect(0).commits()[0].rsplit_once('@').unwrap().1.to_owned();
            assert!(following.line().contains(&id));
        }
        following.signal(Signal::INT);
        assert_eq!(following.end(), (Some(130), String::new()));
    }
}

#[test]
fn a_reader_who_leaves_ends_it_quietly_also_when_nothing_happens() {
    let world = three();
    let mut child = world.command(&["tail", "events"]).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    drop(stdout);
    let begun = Instant::now();
    let ran = Ran::from(child.wait_with_output().unwrap());
    ran.expect(0);
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_restart_goes_on_behind_the_cursor() {
    let world = three();
    let all = ids(&world.run(&["tail", "events", "-e"]));
    let cursor = world.path("cursor").display().to_string();
    let tail = |args: &[&str]| world.run(&[&["tail", "events", "--cursor", &cursor], args].concat());
    assert_eq!(ids(tail(&["--count", "1", "--from", "beginning"]).expect(0)), all[..1]);
    // Where it exists, it says where to begin.
    let following = Following::start(world.command(&["tail", "events", "--cursor", &cursor, "--from", "now"]));
    assert!(following.line().contains(&all[1]));
    assert!(following.line().contains(&all[2]));
    following.signal(Signal::TERM);
    assert_eq!(following.end().0, Some(143));
    assert_eq!(ids(tail(&["-e"]).expect(0)), all[3..]);
    world
        .run(&["tail", "events@other", "--cursor", &cursor])
        .expect(2)
        .says("default/events@master");
    let again = tail(&["--until", &all[1], "--timeout", "20s"]);
    assert_eq!(again.expect(0).says("nothing to print").stdout, b"");
    std::fs::write(&cursor, "?").unwrap();
    tail(&["-e"]).expect(3).says("is no cursor");
}

#[test]
fn a_cursor_that_nobody_can_keep_is_a_fault() {
    let world = three();
    let cursor = world.path("no/such/dir").display().to_string();
    world
        .run(&["tail", "events", "-e", "--cursor", &cursor])
        .expect(3)
        .says(&cursor);
    let ran = world.run(&["tail", "events", "-e", "--cursor", &cursor]);
    assert_eq!(ran.stdout, b"", "it is found out before anything is printed");
}

#[test]
fn a_rewritten_history_is_said_and_stops_those_who_build_on_it() {
    let served = Served::start();
    let maker = Maker::create(&served, "events");
    for i in 0..3_u8 {
        maker.commit(&[("/a", Some(&[i]))]);
    }
    let all = maker.ids();
    let world = World::at(&served.url());
    let cursor = world.path("cursor").display().to_string();
    world.run(&["tail", "events", "-e", "--cursor", &cursor]).expect(0);
    let following = Following::start(world.command(&["tail", "events", "-n", "2"]));
    following.line();
    following.line();
    let set = json!({"commitSet": {"id": all[2]}});
    served.ask("pfs_v2.API/DropCommitSet", &set);
    maker.commit(&[("/a", Some(b"new"))]);
    let new = maker.ids()[2].clone();
    assert!(following.line().contains(&new));
    following.signal(Signal::TERM);
    let (code, said) = following.end();
    assert_eq!(code, Some(143));
    assert!(said.contains(&format!("going on after {}", all[1])), "{said}");
    world
        .run(&["tail", "events", "-e", "--cursor", &cursor])
        .expect(4)
        .says("it was squashed or dropped")
        .says(&format!("--from {}", all[1]));
    served.ask("pfs_v2.API/DeleteRepo", &json!({"repo": maker.repo(), "force": true}));
    world
        .run(&["tail", "events", "--cursor", &cursor])
        .expect(4)
        .says("is gone");
}

#[test]
fn a_server_that_goes_away_and_comes_back_is_followed_on() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let mut served = Served::over(&store, &[]);
    let authority = served.authority.clone();
    let maker = Maker::create(&served, "events");
    maker.commit(&[("/a", Some(b"1"))]);
    let world = World::at(&served.url());
    let following = Following::start(world.command(&["tail", "events"]));
    following.line();
    served.kill();
    std::thread::sleep(Duration::from_millis(1500));
    let served = Served::over(&store, &["--listen", &authority]);
    let maker = Maker {
        served: &served,
        repo: "events",
    };
    maker.commit(&[("/a", Some(b"2"))]);
    assert!(following.line().contains(&maker.ids()[1]));
    std::thread::sleep(Duration::from_millis(300));
    following.signal(Signal::TERM);
    let (code, said) = following.end();
    assert_eq!(code, Some(143));
    assert!(
        said.contains("it is tried again") && said.contains("following again"),
        "{said}"
    );
}

#[test]
fn a_command_gets_each_commit_and_its_archive() {
    let world = three();
    let script = r#"cat > "$0/$SPOUTCTL_COMMIT.tar"; echo "$SPOUTCTL_PROJECT/$SPOUTCTL_REPO@$SPOUTCTL_BRANCH $SPOUTCTL_COMMIT $SPOUTCTL_DESCRIPTION""#;
    let directory = world.path("out");
    std::fs::create_dir(&directory).unwrap();
    let directory = directory.display().to_string();
    let ran = world.run(&["tail", "events", "-e", "--", "sh", "-c", script, &directory]);
    let all = ids(&world.run(&["tail", "events", "-e"]));
    let lines = ran.expect(0).lines();
    assert_eq!(lines[0], format!("default/events@master {} ", all[0]));
    assert_eq!(lines[2], format!("default/events@master {} more", all[2]));
    let archive = std::fs::read(world.path("out").join(format!("{}.tar", all[2]))).unwrap();
    assert_eq!(names(&archive), ["c", "d/b"]);
}

#[test]
fn a_command_that_fails_stops_it_before_that_commit() {
    let world = three();
    let all = ids(&world.run(&["tail", "events", "-e"]));
    let cursor = world.path("cursor").display().to_string();
    let bad = format!("echo $SPOUTCTL_COMMIT; test $SPOUTCTL_COMMIT != {}", all[1]);
    let tail = |script: &str| world.run(&["tail", "events", "-e", "--cursor", &cursor, "--", "sh", "-c", script]);
    let ran = tail(&bad);
    assert_eq!(ran.expect(6).says("failed with exit code 1").lines(), all[..2]);
    assert_eq!(tail("echo $SPOUTCTL_COMMIT").expect(0).lines(), all[1..]);
    world
        .run(&["tail", "events", "-e", "--", "/no/such/program"])
        .expect(6)
        .says("cannot run");
}

#[test]
fn a_command_may_be_run_again_and_need_not_read() {
    let world = three();
    let counter = world.path("counter").display().to_string();
    // It fails the first time, and reads nothing.
    let script = r#"echo x >> "$0"; test $(wc -l < "$0") -gt 1"#;
    let ran = world.run(&[
        "tail", "events", "-e", "-n1", "--retry", "1", "--", "sh", "-c", script, &counter,
    ]);
    ran.expect(0).says("it is run again in 1.0 s");
    assert_eq!(std::fs::read_to_string(&counter).unwrap(), "x\nx\n");
}

#[test]
fn signals_reach_the_command_and_its_commit_is_not_done() {
    let world = three();
    let cursor = world.path("cursor").display().to_string();
    let script = "trap 'echo told; exit 1' TERM; echo ready; while :; do sleep 0.05; done";
    let following = Following::start(world.command(&["tail", "events", "--cursor", &cursor, "--", "sh", "-c", script]));
    assert_eq!(following.line(), "ready");
    following.signal(Signal::TERM);
    assert_eq!(following.line(), "told");
    assert_eq!(following.end().0, Some(143));
    assert!(!world.path("cursor").exists());
}

/// The archives of a stream: where each ends exactly, by its own reading of the headers.
fn archives(mut stream: &[u8]) -> Vec<&[u8]> {
    let mut archives = Vec::new();
    while !stream.is_empty() {
        let mut at = 0;
        while stream[at..at + 512] != [0; 512] {
            let size = std::str::from_utf8(&stream[at + 124..at + 135]).unwrap();
            let size = usize::from_str_radix(size.trim_matches(['\0', ' ']), 8).unwrap();
            at += 512 + size.next_multiple_of(512);
        }
        assert_eq!(stream[at + 512..at + 1024], [0; 512]);
        let (archive, rest) = stream.split_at(at + 1024);
        archives.push(archive);
        stream = rest;
    }
    archives
}

fn names(archive: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().unwrap().map(Result::unwrap);
    entries
        .filter(|entry| !entry.header().entry_type().is_pax_global_extensions())
        .map(|entry| entry.path().unwrap().display().to_string())
        .collect()
}

#[test]
fn each_commit_is_one_exact_archive_of_what_it_changed_or_of_everything() {
    let served = Served::start();
    let maker = Maker::create(&served, "events");
    maker.commit(&[("/d/a", Some(b"1")), ("/b", Some(b"1"))]);
    let bad = maker.start_commit();
    maker.finish_commit(&bad, "given up");
    maker.commit(&[]);
    maker.commit(&[("/d/a", None), ("/c", Some(b"1"))]);
    assert_eq!(maker.ids().len(), 4, "all are finished");
    let world = World::at(&served.url());
    let ran = world.run(&["tail", "events", "-e", "--tar"]);
    ran.expect(0)
        .says("finished with an error and is left out: given up")
        .says("changed no file");
    let found: Vec<_> = archives(&ran.stdout).into_iter().map(names).collect();
    assert_eq!(found, [vec!["b", "d/a"], vec!["c"]]);
    let full = world.run(&["tail", "events", "-e", "--tar", "--full"]);
    let found: Vec<_> = archives(&full.stdout).into_iter().map(names).collect();
    assert_eq!(found, [vec!["b", "d/a"], vec!["b", "d/a"], vec!["b", "c"]]);
    world.run(&["tail", "events", "--full"]).expect(2);
    // The same again, byte for byte: `put --resume` knows them by their digests.
    assert!(world.run(&["tail", "events", "-e", "--tar"]).stdout == ran.stdout);
}

#[test]
fn a_command_is_told_as_much_of_a_long_description_as_an_environment_takes() {
    let world = World::local();
    let message = "ä".repeat(65_000);
    world
        .run_with(
            &["put", "events", "--create-repo", "-m", &message],
            &tar(&[("a", b"x")]),
        )
        .expect(0);
    let count = "printf %s \"$SPOUTCTL_DESCRIPTION\" | wc -c";
    let ran = world.run(&["tail", "events", "-e", "--", "sh", "-c", count]);
    assert_eq!(ran.expect(0).text().trim(), "65536");
}
