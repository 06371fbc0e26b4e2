//! How far each partition is, as Prometheus sees it.

use super::{Broker, jars};
use crate::runner::{Killed, World, has_program, skip, words};
use crate::watch::{Prometheus, check_names, get, listens_at, queries_of_dashboard, wait};

#[test]
fn what_is_committed_and_what_is_to_come_of_each_partition_is_seen_by_prometheus() {
    let Some(jars) = jars() else { return };
    if !has_program("prometheus") || !has_program("promtool") {
        return skip("no prometheus");
    }
    let broker = Broker::with_partitions(&jars, 2);
    let write = |partition: &str, records: &[u8]| {
        broker.kcat(&["-P", "-t", "orders", "-p", partition], records).unwrap();
    };
    write("0", b"1\n2\n3\n");
    write("1", b"4\n");
    let world = World::local();
    let from = format!("kafka://{}/orders", broker.address);
    let line = format!("put orders --create-repo --from {from} --into f --batch-count 4");
    let args = words(&line);
    // What comes behind the first four waits for others.
    let more = ["--batch-period", "1h", "--metrics-listen", "0"];
    let mut put = Killed(world.command(&[&args[..], &more].concat()).spawn().unwrap());
    let address = listens_at(&mut put.0);
    let figure = |name: &str, partition: u32, value: u32| {
        let labels = r#"project="default",repo="orders",branch="master",topic="orders""#;
        format!("spoutctl_kafka_{name}{{{labels},partition=\"{partition}\"}} {value}")
    };
    let figures = |expected: &[String]| {
        wait("the figures", || {
            let (_, text) = get(&address, "/metrics");
            let has = |line: &String| text.lines().any(|found| found == line);
            if expected.iter().all(has) { Ok(text) } else { Err(text) }
        })
    };
    figures(&[figure("committed_offset", 0, 3), figure("committed_offset", 1, 1)]);
    wait("ready", || match get(&address, "/ready") {
        (200, _) => Ok(()),
        (_, text) => Err(text),
    });
    write("0", b"5\n6\n");
    let all = r#"spoutctl_kafka_all_lag_records{project="default",repo="orders",branch="master"} 2"#;
    let text = figures(&[
        figure("committed_offset", 0, 3),
        figure("end_offset", 0, 5),
        figure("lag_records", 0, 2),
        figure("lag_records", 1, 0),
        all.to_owned(),
    ]);
    check_names(&text);

    let prometheus = Prometheus::watching(&address);
    let (mut queries, _) = queries_of_dashboard();
    queries.retain(|query, _| query.contains("spoutctl_kafka_"));
    assert!(queries.len() >= 2, "{queries:?}");
    for query in queries.keys() {
        wait(query, || {
            let answer = prometheus.ask("query", &[("query", query)]);
            let found = answer["data"]["result"].as_array().map_or(0, Vec::len);
            (found > 0).then_some(()).ok_or_else(|| answer.to_string())
        });
    }
}
