//! `put --route`: the files of an archive in several repos, in commits of one id.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::runner::{World, tar};
use crate::served::Served;

fn input() -> Vec<u8> {
    let first = tar(&[("orders/1", b"o1"), ("logs/a", b"l"), ("rest", b"r")]);
    [first, tar(&[("orders/2", b"o2")])].concat()
}

const PUT: [&str; 6] = [
    "put",
    "misc",
    "--create-repo",
    "--json",
    "--route=/orders/**=orders",
    "--route=logs=team/logs@raw",
];

/// The ids of a branch's commits, oldest first.
fn ids(world: &World, branch: &str) -> Vec<String> {
    let ran = world.run(&["tail", branch, "-e", "--json", "--ok-only"]);
    let lines = ran.expect(0).json();
    lines
        .iter()
        .map(|line| line["commit"].as_str().unwrap().to_owned())
        .collect()
}

fn worlds() -> Vec<(Option<Served>, World)> {
    let served = || {
        let served = Served::start();
        served.ask("pfs_v2.API/CreateProject", &json!({"project": {"name": "team"}}));
        served
    };
    let (http, grpc) = (served(), served());
    let (at_http, at_grpc) = (http.url(), format!("grpc://{}", grpc.authority));
    vec![
        (None, World::local()),
        (Some(http), World::at(&at_http)),
        (Some(grpc), World::at(&at_grpc)),
    ]
}

#[test]
fn each_file_goes_where_the_first_glob_means_it_and_what_came_together_has_one_id() {
    for (_served, world) in worlds() {
        let ran = world.run_with(&PUT, &input());
        let lines = ran.expect(0).json();
        let also = json!([
            {"project": "default", "repo": "orders", "branch": "master"},
            {"project": "team", "repo": "logs", "branch": "raw"},
        ]);
        assert!(lines[..2].iter().all(|line| line["also"] == also), "{lines:?}");
        let told: Vec<&str> = lines[..2].iter().map(|line| line["commit"].as_str().unwrap()).collect();
        for branch in ["misc", "orders", "team/logs@raw"] {
            let found = ids(&world, branch);
            assert_eq!(found[found.len() - 2..], told, "{branch}");
        }
        for (source, content) in [
            ("misc:/rest", "r"),
            ("orders:/orders/1", "o1"),
            ("orders:/orders/2", "o2"),
            ("team/logs@raw:/logs/a", "l"),
        ] {
            assert_eq!(world.get(source), content.as_bytes(), "{source}");
        }
        world.run(&["get", "misc:/orders/1"]).expect(1);
        world.run(&["get", "orders:/rest"]).expect(1);
    }
}

#[test]
fn a_commit_that_fails_in_one_repo_is_told_with_the_others_and_held_back() {
    for (_served, world) in worlds() {
        world
            .run_with(&["put", "orders", "--create-repo"], &tar(&[("orders/1/below", b"x")]))
            .expect(0);
        let spool = world.path("spool").display().to_string();
        let args = [&PUT[..], &["--spool", &spool]].concat();
        let ran = world.run_with(&args, &input());
        // A file where a directory is: pachd finishes that commit with an error, and not the others.
        ran.expect(4)
            .says("default/orders@")
            .says("is seen already")
            .says("--resend 1");
        assert!(ran.acknowledged().is_empty(), "{}", ran.text());
        assert_eq!(ids(&world, "orders").len(), 1);
        // Nobody takes it for done, though the first of its commits is good.
        world.run(&["spool", &spool, "--resend", "1"]).expect(0);
        world.run(&["spool", &spool, "--send"]).expect(4);
    }
}

#[test]
fn a_run_that_is_killed_leaves_nothing_open_for_the_next_one() {
    let served = Served::start();
    let world = World::at(&served.url());
    let spool = world.path("spool").display().to_string();
    let args = [
        "put",
        "misc",
        "--create-repo",
        "--route=/orders/**=orders",
        "--spool",
        &spool,
        "--retry-for",
        "20s",
    ];
    for round in 0..6_u64 {
        let (mut child, mut stdin) = world.start(&args);
        for number in 0..20 {
            let text = format!("{round} {number}\n");
            let name = format!("orders/{round}-{number}");
            if stdin
                .write_all(&tar(&[("log", text.as_bytes()), (&name, b"x")]))
                .is_err()
            {
                break;
            }
        }
        std::thread::sleep(Duration::from_millis(120 + round * 70));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    world.run_with(&args, &[]).expect(0);
    let accepted = world.run(&["spool", &spool, "--json"]).json()[0]["accepted"]
        .as_u64()
        .unwrap();
    let marked = |branch: &str| -> Vec<(String, Value)> {
        let lines = world
            .run(&["tail", branch, "-e", "-n", "1000", "--json", "--ok-only"])
            .expect(0)
            .json();
        let of_ours = lines.into_iter().filter(|line| line["seq"].is_u64());
        of_ours
            .map(|line| (line["commit"].as_str().unwrap().to_owned(), line["seq"].clone()))
            .collect()
    };
    let (first, second) = (marked("misc"), marked("orders"));
    assert_eq!(first, second, "not together");
    let numbers: Vec<u64> = first.iter().map(|(_, number)| number.as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=accepted).collect::<Vec<u64>>());
    // And nobody is kept from writing.
    for repo in ["misc", "orders"] {
        world.run_with(&["put", repo], &tar(&[("after", b"x")])).expect(0);
    }
}

#[test]
fn what_cannot_be_routed_is_refused_before_anything_is_sent() {
    let world = World::local();
    for (flags, said) in [
        (&["--route=orders"][..], "write GLOB=REPO"),
        (&["--route==orders"], "write a glob before the `=`"),
        (&["--route=a=orders:/in"], "files keep their paths"),
        (
            &["--route=a=orders", "--route=b=orders@other"],
            "are branches of one repo",
        ),
        (&["--route=a=misc@other"], "are branches of one repo"),
        (&["--route=a=orders", "--append"], "cannot be used with"),
        (&["--route=a=orders", "--staging", "next"], "cannot be used with"),
        (&["--route=a=orders", "--in-flight", "2"], "cannot be used with"),
    ] {
        world
            .run_with(&[&["put", "misc"], flags].concat(), &input())
            .expect(2)
            .says(said);
    }
    let directory = ["put", "misc:/in", "--route=a=orders"];
    world
        .run_with(&directory, &input())
        .expect(2)
        .says("DEST names a directory");
    world
        .run_with(&["put", "misc", "--create-repo"], &tar(&[("a", b"x")]))
        .expect(0);
    let missing = ["put", "misc", "--route=/orders/**=orders"];
    world
        .run_with(&missing, &input())
        .expect(4)
        .says("repo default/orders of --route does not exist");
}
