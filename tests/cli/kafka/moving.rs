//! Two brokers: partitions get other leaders while they are read, and one of the addresses is dead.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::source::{committed, write};
use super::{Broker, jars};
use crate::runner::{World, wait_until, words};

const RECORDS: usize = 200;

#[test]
fn partitions_whose_leader_dies_are_read_on_from_the_next_one_and_each_record_is_there_once() {
    let Some(jars) = jars() else { return };
    let settings = "num.partitions=4\ndefault.replication.factor=2\nbroker.session.timeout.ms=2000\n\
                    broker.heartbeat.interval.ms=500\n";
    let first = Broker::with_properties(&jars, settings);
    let second = first.with_second(&jars, settings);
    let records = |from: usize| (from..from + RECORDS).map(|n| format!("{n}:{n}\n")).collect::<String>();
    write(&first, "t", &records(0));
    let list = String::from_utf8(first.kcat(&["-L", "-t", "t"], &[]).unwrap()).unwrap();
    assert!(list.contains("leader 1") && list.contains("leader 2"), "{list}");

    let world = World::local();
    let from = format!("kafka://{},{}/t", second.address, first.address);
    let put = words("put t --create-repo --envelope json --into f --batch-period 100ms");
    let put = [&put[..], &["--from", &from]].concat();
    world.run(&[&put[..], &["--until-end"]].concat()).expect(0);
    let mut running = world
        .command(&put)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut acknowledged = BufReader::new(running.stdout.take().unwrap()).lines();
    let mut wait_for_records = |count: usize| {
        while committed(&world, "t", "/f").concat().len() < count {
            assert!(acknowledged.next().is_some(), "it has ended");
        }
    };
    write(&first, "t", &records(RECORDS));
    wait_for_records(2 * RECORDS);
    drop(second);
    wait_until("it comes", || {
        let list = first.kcat(&["-L", "-t", "t"], &[]).unwrap();
        !String::from_utf8_lossy(&list).contains("leader 2")
    });
    write(&first, "t", &records(2 * RECORDS));
    wait_for_records(3 * RECORDS);
    running.kill().unwrap();
    running.wait().unwrap();

    // Of the two addresses one is dead.
    write(&first, "t", &records(3 * RECORDS));
    world.run(&[&put[..], &["--until-end"]].concat()).expect(0);
    let mut values: Vec<usize> = committed(&world, "t", "/f")
        .concat()
        .iter()
        .map(|record| record["value"].as_str().unwrap().parse().unwrap())
        .collect();
    values.sort_unstable();
    assert_eq!(values, (0..4 * RECORDS).collect::<Vec<_>>());
}
