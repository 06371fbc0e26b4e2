//! `create --spouts`: specs that divide the partitions of a topic, and begin where other spouts are.

use std::fs;

use serde_json::{Value, json};

use crate::create::create;
use crate::runner::{Ran, World, words};
use crate::served::Served;

const FLAGS: &str = "orders --template kafka --image shop/orders:1 --env HOST=kafka --env TOPIC=orders,clicks";

fn spouts(world: &World, spouts: u32, count: u32, more: &[&str]) -> Ran {
    let (spouts, count) = (spouts.to_string(), count.to_string());
    let own = ["--spouts", &spouts, "--topic-partitions", &count];
    create(world, &[&words(FLAGS)[..], &own, more].concat())
}

/// The name in each spec of a file of JSON, and what stands behind an option in its command.
fn told(text: &str, option: &str) -> Vec<(String, Vec<String>)> {
    let specs = text
        .split("---\n")
        .map(|spec| serde_json::from_str::<Value>(spec).unwrap());
    let told = specs.map(|spec| {
        let words = spec["transform"]["cmd"].as_array().unwrap();
        let words: Vec<&str> = words.iter().map(|word| word.as_str().unwrap()).collect();
        let values = words
            .windows(2)
            .filter(|pair| pair[0] == option)
            .map(|pair| pair[1].to_owned());
        (spec["pipeline"]["name"].as_str().unwrap().to_owned(), values.collect())
    });
    told.collect()
}

#[test]
fn each_partition_is_in_the_spec_of_one_spout_and_pachd_takes_all_of_them() {
    let served = Served::start();
    let world = World::at(&served.url());
    let text = spouts(&world, 3, 8, &["-o", "-"]).expect(0).text();
    let one = |name: &str, partitions: &str| (name.to_owned(), vec![partitions.to_owned()]);
    let shares = [one("orders-0", "0-1"), one("orders-1", "2-4"), one("orders-2", "5-")];
    assert_eq!(told(&text, "--partitions"), shares);
    assert!(told(&text, "--start-at").iter().all(|(_, starts)| starts.is_empty()));

    for (number, count, format, release) in [(3, 8, "json", "2.12"), (1, 1, "yaml", "2.12"), (5, 5, "json", "1.13")] {
        let file = format!("{number}-{release}.{format}");
        let more = ["-o", &file, "--pachyderm", release, "--metrics-port", "9464"];
        spouts(&world, number, count, &more)
            .expect(0)
            .says("next: spoutctl create -f");
        let path = world.path(&file).display().to_string();
        let validated = world.run(&["validate", "--max-warnings", "0", "--pachyderm", release, &path]);
        assert_eq!(validated.expect(0).text(), "");
    }
    let created = world.run(&["create", "-f", world.path("3-2.12.json").to_str().unwrap()]);
    let expected: String = (0..3)
        .map(|at| format!("default/orders-{at}   version 1   created\n"))
        .collect();
    assert_eq!(created.expect(0).text(), expected);
}

#[test]
fn what_cannot_be_divided_is_refused() {
    let world = World::local();
    spouts(&world, 9, 8, &[])
        .expect(2)
        .says("9 spouts cannot each have one of 8 partitions")
        .says("--spouts 8");
    spouts(&world, 2, 8, &["--with-code", "d"])
        .expect(2)
        .says("cannot be used with");
    let flags = "orders --template directory --image i:1 --spouts 2 --topic-partitions 8";
    create(&world, &words(flags)).expect(2).says("--template kafka");
    create(&world, &words("orders --template kafka --spouts 2"))
        .expect(2)
        .says("--topic-partitions");
    create(&world, &words("orders --kubernetes"))
        .expect(2)
        .says("--spouts N --topic-partitions COUNT");
    let none: Vec<_> = fs::read_dir(world.directory.path()).unwrap().collect();
    assert!(none.is_empty(), "{none:?}");
}

/// Makes a commit of a repo whose mark says that.
fn commits(served: &Served, repo: &str, positions: &str, is_new: bool) {
    let repo = json!({"name": repo, "type": "user", "project": {"name": "default"}});
    if is_new {
        served.ask("pfs_v2.API/CreateRepo", &json!({"repo": repo}));
    }
    let digest = "0".repeat(64);
    let mark = format!("spoutctl/1 stream=kafka seq=1 sha256={digest} messages=1-1 positions={positions} done");
    let branch = json!({"repo": repo, "name": "master"});
    let commit = served.ask("pfs_v2.API/StartCommit", &json!({"branch": branch}));
    served.ask(
        "pfs_v2.API/FinishCommit",
        &json!({"commit": commit, "description": mark}),
    );
}

#[test]
fn specs_begin_where_the_furthest_is_of_those_that_have_read_a_partition() {
    let served = Served::start();
    let world = World::at(&served.url());
    // The second has had partition 1 from the first, which has not committed since; nobody has read clicks.
    commits(&served, "orders-0", "c/orders@0-1:10,11,12", true);
    commits(&served, "orders-1", "c/orders@1-:-,21,22,23", true);
    let before = ["--positions-of", "orders-0,orders-1", "-o", "-"];
    let text = spouts(&world, 3, 5, &before).expect(0).text();
    let one = |name: &str, starts: &[&str]| (name.to_owned(), starts.iter().map(|one| (*one).to_owned()).collect());
    // Partition 4 was added since.
    let starts = [
        one("orders-0", &["orders:0=10"]),
        one("orders-1", &["orders:1=21,2=22"]),
        one("orders-2", &["orders:3=23,4=0"]),
    ];
    assert_eq!(told(&text, "--start-at"), starts);
    // Whoever was forgotten is further than what others know of its partitions.
    for (forgetful, what) in [
        ("orders-0", "none of default/orders-0@master reads orders [2]"),
        ("orders-1", "none of default/orders-1@master reads orders [0]"),
    ] {
        let ran = spouts(&world, 3, 5, &["--positions-of", forgetful, "-o", "-"]);
        ran.expect(2).says(what).says("name all that read the topic");
    }
    let text = spouts(&world, 1, 4, &before).expect(0).text();
    assert_eq!(
        told(&text, "--start-at"),
        [one("orders-0", &["orders:0=10,1=21,2=22,3=23"])]
    );
}

#[test]
fn who_reads_on_or_has_said_nothing_is_no_place_to_begin_at() {
    let served = Served::start();
    let world = World::at(&served.url());
    let before = |repos: &str| spouts(&world, 2, 4, &["--positions-of", repos, "-o", "-"]);
    before("nowhere")
        .expect(4)
        .says("cannot read the commits of default/nowhere@master");
    commits(&served, "a", "c/orders:1,2", true);
    commits(&served, "b", "d/orders:1,2", true);
    before("a,b").expect(2).says("are of two clusters of Kafka");
    commits(&served, "a", "c/orders:1,2,3,4,5", false);
    before("a")
        .expect(2)
        .says("has read orders [4], and --topic-partitions says 4");
    let repo = json!({"name": "silent", "type": "user", "project": {"name": "default"}});
    served.ask("pfs_v2.API/CreateRepo", &json!({"repo": repo}));
    before("silent")
        .expect(2)
        .says("no commit of default/silent@master says");
    // What a stream still knows of partitions that it reads no more counts for nothing.
    commits(&served, "former", "c/orders@0-1:10,11,100,100", true);
    commits(&served, "latter", "c/orders@2-:-,-,50,60", true);
    let text = before("former,latter").expect(0).text();
    assert!(
        text.contains("orders:0=10,1=11") && text.contains("orders:2=50,3=60"),
        "{text}"
    );
    commits(&served, "others", "c/payments:1,2,3,4", true);
    before("others")
        .expect(2)
        .says("none of default/others@master has read orders, clicks")
        .says("--env TOPIC=");

    spouts(&world, 2, 4, &["-o", "two.json"]).expect(0);
    world
        .run(&["create", "-f", world.path("two.json").to_str().unwrap()])
        .expect(0);
    before("orders-1")
        .expect(4)
        .says("default/orders-1 is not stopped")
        .says("pachctl stop pipeline orders-1");
    served.ask(
        "pps_v2.API/StopPipeline",
        &json!({"pipeline": {"name": "orders-1", "project": {"name": "default"}}}),
    );
    before("orders-1")
        .expect(2)
        .says("no commit of default/orders-1@master says");
}
