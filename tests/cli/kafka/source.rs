//! `put --from kafka://…`, with the client that is built in.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use super::{Broker, jars};
use crate::docs::page;
use crate::runner::{World, files_of, words};
use crate::served::Served;

const PARTITIONS: u64 = 8;
const RECORDS: usize = 20_000;

fn keyed(count: usize) -> String {
    (0..count)
        .map(|number| format!("key{}:order {number}\n", number % 97))
        .collect()
}

pub(super) fn write(broker: &Broker, topic: &str, records: &str) {
    broker
        .kcat(&["-P", "-t", topic, "-K", ":"], records.as_bytes())
        .unwrap();
}

/// The records of every commit of a repo, in its order.
pub(super) fn committed(world: &World, repo: &str, file: &str) -> Vec<Vec<Value>> {
    let tail = world.run(&["tail", repo, "--json", "--from", "beginning", "-e"]);
    let commits = tail.expect(0).json();
    let commits = commits.iter().filter(|commit| commit["error"] == "");
    let read = |commit: &Value| {
        let bytes = world.get(&format!("{repo}@{}:{file}", commit["commit"].as_str().unwrap()));
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    };
    commits.map(read).collect()
}

#[test]
fn records_of_all_partitions_are_committed_once_and_in_order_though_put_is_killed() {
    let Some(jars) = jars() else { return };
    let broker = Broker::with_partitions(&jars, PARTITIONS);
    write(&broker, "orders", &keyed(RECORDS));
    let world = World::local();
    let from = format!("kafka://{}/orders", broker.address);
    let line = format!("put orders --create-repo --from {from} --envelope json --into r.jsonl --batch-count 500");
    let args = words(&line);
    let mut kills = 0;
    for lines in [0, 1, 3, 0, 2, 1, 4, 1, 2, 0] {
        let mut put = world
            .command(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // So many are acknowledged; what follows is in some state of its own.
        let acknowledged = BufReader::new(put.stdout.take().unwrap()).lines().take(lines).count();
        assert_eq!(acknowledged, lines, "it has ended");
        put.kill().unwrap();
        kills += usize::from(put.wait().unwrap().code().is_none());
    }
    assert_eq!(kills, 10, "each of them was still at work");
    write(&broker, "orders", "last:order of all\n");
    world.run(&[&args[..], &["--until-end"]].concat()).expect(0);

    let mut next: BTreeMap<u64, u64> = BTreeMap::new();
    let mut values = BTreeSet::new();
    for record in committed(&world, "orders", "/r.jsonl").concat() {
        let partition = record["partition"].as_u64().unwrap();
        let expected = next.entry(partition).or_default();
        assert_eq!(record["offset"].as_u64(), Some(*expected), "in partition {partition}");
        *expected += 1;
        values.insert(record["value"].as_str().unwrap().to_owned());
    }
    assert_eq!(next.values().sum::<u64>(), RECORDS as u64 + 1);
    assert_eq!(values.len(), RECORDS + 1);
    assert!(next.len() > 1, "they are of several partitions");
}

#[test]
fn the_variables_of_a_pod_are_enough_and_a_group_hears_how_far_it_is() {
    let Some(jars) = jars() else { return };
    let broker = Broker::with_partitions(&jars, 2);
    write(&broker, "orders", "a:1\nb:2\nc:3\n");
    let world = World::local();
    let settings = world.path("kafka.properties");
    std::fs::write(&settings, "group.id=${GROUP}\n").unwrap();
    let (host, port) = broker.address.split_once(':').unwrap();
    let put = |more: &[&str]| {
        let args = ["put", "orders", "--create-repo", "--from", "kafka", "--until-end"];
        let settings = ["--kafka-config", settings.to_str().unwrap()];
        let mut put = world.command(&[&args[..], more, &settings].concat());
        put.env("HOST", host)
            .env("PORT", port)
            .env("TOPIC", "orders")
            .env("GROUP", "spout");
        crate::runner::Ran::from(put.output().unwrap())
    };
    let ran = put(&["--each", "{topic}/{key}", "--json"]);
    let lines = ran.expect(0).json();
    let commit = lines.iter().find(|line| line["type"] == "commit").unwrap();
    let positions = commit["positions"]["orders"].as_array().unwrap();
    assert_eq!(positions.iter().map(|next| next.as_u64().unwrap()).sum::<u64>(), 3);
    assert_eq!(world.get("orders:/orders/b"), b"2");
    // Nothing is there that was not committed, and nothing is committed twice.
    put(&["--each", "{topic}/{key}"]).expect(0).says("holds no message");

    // A broker that is too busy to hear it in time is told with the next commit.
    let mut was_told = !ran.stderr.contains("was not told");
    while !was_told {
        write(&broker, "orders", "late:4\n");
        was_told = !put(&["--each", "{topic}/{key}"])
            .expect(0)
            .stderr
            .contains("was not told");
    }
    // Whoever asks the group is told that there is nothing left.
    write(&broker, "orders", "d:4\n");
    let read = words("-G spout -e -q -u -X auto.offset.reset=earliest orders");
    assert_eq!(broker.kcat(&read, &[]).unwrap(), b"4\n");
    // What the group has read since changes nothing.
    put(&["--each", "{topic}/{key}"]).expect(0);
    assert_eq!(world.get("orders:/orders/d"), b"4");
}

#[test]
fn faults_of_kafka_are_told_with_what_to_do() {
    let Some(jars) = jars() else { return };
    let broker = Broker::with_partitions(&jars, 1);
    write(&broker, "t", "a:1\n");
    let world = World::local();
    let put = |topic: &str, more: &[&str]| {
        let from = format!("kafka://{}/{topic}", broker.address);
        world.run(
            &[
                &[
                    "put",
                    "t",
                    "--create-repo",
                    "--from",
                    &from,
                    "--into",
                    "f",
                    "--until-end",
                ],
                more,
            ]
            .concat(),
        )
    };
    put("nosuch", &[]).expect(3).says("topic nosuch does not exist at");
    let settings = world.path("settings");
    let with = |text: &str| {
        std::fs::write(&settings, text).unwrap();
        put("t", &["--kafka-config", settings.to_str().unwrap()])
    };
    with("sasl.password=${NO_SUCH_VARIABLE}")
        .expect(2)
        .says("line 1 sets sasl.password: the variable NO_SUCH_VARIABLE is not set");
    with("no.such=1").expect(3).says("librdkafka does not take no.such");
    with("ssl.key.pem=hunter2\nauto.offset.reset=latest")
        .expect(2)
        .says("line 2 sets auto.offset.reset");
    let mut missing = world.command(&["put", "t", "--from", "kafka", "--into", "f"]);
    let missing = missing.env_remove("HOST").env("TOPIC", "t").output().unwrap();
    crate::runner::Ran::from(missing).expect(2).says("the variable HOST");

    // More than a file of lines can say, said before anything of it is committed.
    broker.kcat(&["-P", "-t", "t", "-D", "#"], b"two\nlines#").unwrap();
    put("t", &[]).expect(3).says("holds `\\n`").says("--envelope json");
    // Where nothing else comes there is no commit that could say that it was left out.
    put("t", &["--on-bad", "skip"]).expect(0);
    put("t", &[]).expect(3);
    write(&broker, "t", "c:3\n");
    put("t", &["--on-bad", "skip"]).expect(0);
    put("t", &[]).expect(0).says("holds no message");
}

/// The spec of the page on Kafka: that of Pachyderm's page on spouts, with `put` in the place of its code.
fn spec_of_page() -> Value {
    let page = page("docs/kafka.md");
    let blocks = page.split("```json\n").skip(1);
    let mut specs = blocks.filter_map(|block| serde_json::from_str(block.split("\n```").next()?).ok());
    specs.find(|spec: &Value| spec.get("spout").is_some()).unwrap()
}

#[test]
fn the_spec_of_pachyderms_page_runs_without_code_and_a_pod_that_is_killed_loses_and_doubles_nothing() {
    let Some(jars) = jars() else { return };
    let broker = Broker::with_partitions(&jars, 3);
    let world = World::local();
    let spec = spec_of_page();
    std::fs::write(world.path("my-spout.json"), spec.to_string()).unwrap();
    let file = world.path("my-spout.json");
    world.run(&["validate", file.to_str().unwrap()]).expect(0);

    let sidecar = Served::over(&world.path("store"), &["--as-spout", "my-spout"]);
    let transform = &spec["transform"];
    let words: Vec<&str> = transform["cmd"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect();
    assert_eq!(words[0], "spoutctl");
    let (host, port) = broker.address.split_once(':').unwrap();
    let pod = || {
        let mut pod = world.command(&words[1..]);
        for (name, value) in transform["env"].as_object().unwrap() {
            pod.env(name, value.as_str().unwrap());
        }
        let sidecar = sidecar.authority.rsplit_once(':').unwrap().1;
        pod.env_remove("PACHD_ADDRESS").env("HOST", host).env("PORT", port);
        pod.env("PACH_IN_WORKER", "true").env("PEER_PORT", sidecar);
        pod.env("PPS_PIPELINE_NAME", "my-spout")
            .env("PPS_PROJECT_NAME", "default");
        pod.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    };
    let values = || {
        let files = files_of(&world.run(&["get", "my-spout:/", "--tar"]).expect(0).stdout);
        let lines = files
            .iter()
            .flat_map(|(_, content)| content.split_inclusive(|byte| *byte == b'\n'));
        let records = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
        let mut values: Vec<String> = records
            .map(|record| record["value"].as_str().unwrap().to_owned())
            .collect();
        values.sort_unstable();
        values
    };
    write(&broker, "mytopic", "a:0\nb:1\nc:2\n");
    let mut first = pod();
    let mut acknowledged = BufReader::new(first.stdout.take().unwrap()).lines();
    assert!(acknowledged.next().is_some(), "it has ended");
    first.kill().unwrap();
    first.wait().unwrap();
    write(&broker, "mytopic", "a:3\nb:4\n");
    let mut second = pod();
    let mut acknowledged = BufReader::new(second.stdout.take().unwrap()).lines();
    while values().len() < 5 {
        assert!(acknowledged.next().is_some(), "it has ended");
    }
    second.kill().unwrap();
    second.wait().unwrap();
    assert_eq!(values(), ["0", "1", "2", "3", "4"]);
}
