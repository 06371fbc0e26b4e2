//! Several spouts that divide the partitions of a topic among themselves: each record is in one of their repos, once,
//! whatever is killed, and however many they are.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::Value;

use super::source::committed;
use super::{Broker, jars};
use crate::create::create;
use crate::runner::{Killed, Ran, World, wait_until, words};
use crate::served::Served;
use crate::watch::{get, listens_at, wait};

/// Records of a partition, behind those that are there.
fn write(broker: &Broker, partition: u32, count: usize) {
    let records = (0..count).map(|number| format!("{number}\n")).collect::<String>();
    let partition = partition.to_string();
    let line = ["-P", "-t", "orders", "-p", &partition];
    wait_until("the partition", || broker.kcat(&line, records.as_bytes()).is_some());
}

/// Has a topic grow: `CreatePartitions`, version 0, of Kafka's protocol.
fn grow(broker: &Broker, topic: &str, count: u32) {
    let text = |text: &str| [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat();
    let body = [
        // The key of the call, its version, a number of ours, and who we are.
        &[0, 37, 0, 0, 0, 0, 0, 1][..],
        &text("tests"),
        // One topic, and it is the controller's choice who leads; a minute; it is meant.
        &1_u32.to_be_bytes(),
        &text(topic),
        &count.to_be_bytes(),
        &(-1_i32).to_be_bytes(),
        &60_000_u32.to_be_bytes(),
        &[0],
    ]
    .concat();
    let mut broker = TcpStream::connect(&broker.address).unwrap();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    broker.write_all(&[&length[..], &body].concat()).unwrap();
    // Length, our number, how long to wait next time, one topic, its name; then what became of it.
    let mut answer = vec![0; 4 + 4 + 4 + 4 + 2 + topic.len() + 2];
    broker.read_exact(&mut answer).unwrap();
    assert_eq!(answer[answer.len() - 2..], [0, 0], "the controller refuses");
}

/// How often each record of the topic is in the repos, by partition; those of one repo are in order.
fn found(world: &World, repos: &[&str]) -> BTreeMap<u64, Vec<usize>> {
    let mut found: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for repo in repos {
        let mut last: BTreeMap<u64, u64> = BTreeMap::new();
        for record in committed(world, repo, "/r.jsonl").concat() {
            let (partition, offset) = (
                record["partition"].as_u64().unwrap(),
                record["offset"].as_u64().unwrap(),
            );
            let before = last.insert(partition, offset);
            assert!(
                before < Some(offset),
                "{repo} has {offset} of {partition} behind {before:?}"
            );
            let times = found.entry(partition).or_default();
            times.resize(times.len().max(usize::try_from(offset).unwrap() + 1), 0);
            times[usize::try_from(offset).unwrap()] += 1;
        }
    }
    found
}

#[track_caller]
fn assert_once(world: &World, repos: &[&str], expected: &[(u64, usize)]) {
    let found = found(world, repos);
    let counts: Vec<(u64, usize)> = found
        .iter()
        .map(|(partition, times)| (*partition, times.len()))
        .collect();
    assert_eq!(counts, expected);
    assert!(found.values().flatten().all(|times| *times == 1), "{found:?}");
}

struct Topic {
    world: World,
    broker: Broker,
    settings: String,
}

impl Topic {
    fn args<'a>(&'a self, repo: &'a str, partitions: &'a str, from: &'a str) -> Vec<&'a str> {
        let line = "--create-repo --envelope json --into r.jsonl --batch-count 300 --batch-period 200ms";
        let own = [
            "put",
            repo,
            "--from",
            from,
            "--partitions",
            partitions,
            "--kafka-config",
            &self.settings,
        ];
        [&own[..], &words(line)].concat()
    }

    fn address(&self) -> String {
        format!("kafka://{}/orders", self.broker.address)
    }

    fn start(&self, repo: &str, partitions: &str) -> (Child, impl Iterator<Item = String> + use<>) {
        let from = self.address();
        let mut put = self.world.command(&self.args(repo, partitions, &from));
        let mut put = put.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(put.stdout.take().unwrap()).lines();
        (put, lines.map(Result::unwrap))
    }

    /// Reads what there is now.
    fn finish(&self, repo: &str, partitions: &str, more: &[&str]) -> Ran {
        let from = self.address();
        let args = self.args(repo, partitions, &from);
        self.world.run(&[&args[..], &["--until-end"], more].concat())
    }
}

/// Doctor and the figures of a spout are of its own partitions, 0 and 1.
fn sees_its_own(topic: &Topic) {
    let from = topic.address();
    let doctor = |more: &[&str]| {
        topic
            .world
            .run(&[&["doctor", "orders-0", "--from", &from], more].concat())
    };
    let text = doctor(&["--partitions", "0-1"]).expect(0).text();
    let has_said = "orders [1]: earliest 0, latest 1,500, goes on at 1,500: 0 to come";
    assert!(text.contains(has_said) && !text.contains("orders [2]"), "{text}");
    let text = doctor(&[]).expect(3).text();
    assert!(
        text.contains("is of partitions 0-1 of orders, and not of 2-9"),
        "{text}"
    );
    let watched = [&topic.args("orders-0", "0-1", &from)[..], &["--metrics-listen", "0"]].concat();
    let mut put = Killed(topic.world.command(&watched).spawn().unwrap());
    let address = listens_at(&mut put.0);
    let figures = wait("the figures", || {
        let (_, text) = get(&address, "/metrics");
        if text.contains("spoutctl_kafka_lag_records{") {
            Ok(text)
        } else {
            Err(text)
        }
    });
    let labels = |line: &str| {
        Some(
            line.strip_prefix("spoutctl_kafka_lag_records{")?
                .split("partition=")
                .nth(1)?
                .to_owned(),
        )
    };
    let seen: Vec<String> = figures.lines().filter_map(labels).collect();
    assert_eq!(seen, ["\"0\"} 0", "\"1\"} 0"]);
    drop(put);
}

/// Two follow on three: the specs say where.
fn two_follow(topic: &Topic) {
    (0..10).for_each(|partition| write(&topic.broker, partition, 10));
    let flags = "orders --spouts 2 --topic-partitions 10 --template kafka --image i:1 --env HOST=h --env TOPIC=orders";
    let flags = [
        &words(flags)[..],
        &["--positions-of", "orders-0,orders-1,orders-2", "-o", "-"],
    ]
    .concat();
    let specs = create(&topic.world, &flags).expect(0).text();
    for (spec, repo) in specs.split("---\n").zip(["orders-0", "orders-1"]) {
        let spec: Value = serde_json::from_str(spec).unwrap();
        assert_eq!(spec["pipeline"]["name"], repo);
        let cmd: Vec<&str> = spec["transform"]["cmd"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap())
            .collect();
        let at = cmd.iter().position(|word| *word == "--partitions").unwrap();
        topic.finish(repo, cmd[at + 1], &cmd[at + 2..]).expect(0);
        // Again, with nothing in between: what was told once is known now.
        topic.finish(repo, cmd[at + 1], &cmd[at + 2..]).expect(0);
    }
}

#[test]
fn three_spouts_read_each_record_once_though_they_are_killed_and_the_topic_grows_and_so_do_two_that_follow_them() {
    let Some(jars) = jars() else { return };
    let broker = Broker::with_partitions(&jars, 8);
    (0..8).for_each(|partition| write(&broker, partition, 1_500));
    let served = Served::start();
    let world = World::at(&served.url());
    let settings = world.path("kafka.properties").display().to_string();
    std::fs::write(&settings, "topic.metadata.refresh.interval.ms=300\n").unwrap();
    let topic = Topic {
        world,
        broker,
        settings,
    };

    let shares = [("orders-0", "0-1"), ("orders-1", "2-4"), ("orders-2", "5-")];
    for lines in [0, 2, 1] {
        let mut running: Vec<_> = shares.iter().map(|(repo, share)| topic.start(repo, share)).collect();
        for (put, acknowledged) in &mut running {
            assert_eq!(acknowledged.take(lines).count(), lines, "it has ended");
            put.kill().unwrap();
            assert_eq!(put.wait().unwrap().code(), None, "it was done already");
        }
    }
    // The last one has what is added, while it runs.
    let (mut last, mut acknowledged) = topic.start("orders-2", "5-");
    grow(&topic.broker, "orders", 10);
    write(&topic.broker, 9, 40);
    let has_added = || {
        found(&topic.world, &["orders-2"])
            .get(&9)
            .is_some_and(|times| times.len() == 40)
    };
    while !has_added() {
        assert!(acknowledged.next().is_some(), "it has ended");
    }
    last.kill().unwrap();
    last.wait().unwrap();
    write(&topic.broker, 8, 50);
    for (repo, share) in shares {
        topic.finish(repo, share, &[]).expect(0);
    }
    let repos = ["orders-0", "orders-1", "orders-2"];
    let expected: Vec<(u64, usize)> = (0..8)
        .map(|partition| (partition, 1_500))
        .chain([(8, 50), (9, 40)])
        .collect();
    assert_once(&topic.world, &repos, &expected);

    sees_its_own(&topic);

    // What is not there, and what somebody else has read, nobody tells how far.
    topic
        .finish("orders-0", "0-1,10-11,20-", &[])
        .expect(3)
        .says("--partitions names 10-11,20-, and topic orders");
    let refused = topic.finish("orders-0", "0-4", &[]);
    refused
        .expect(3)
        .says("is of partitions 0-1 of orders, and not of 2-4")
        .says("--start-at orders:PARTITION=OFFSET");
    topic
        .finish("orders-0", "0-4", &["--start-at", "orders:5=1"])
        .expect(2)
        .says("not among --partitions");

    two_follow(&topic);
    let expected: Vec<_> = expected
        .iter()
        .map(|(partition, count)| (*partition, count + 10))
        .collect();
    assert_once(&topic.world, &repos, &expected);
}
