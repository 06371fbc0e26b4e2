//! `--stats-every` and `--metrics-listen`: how it goes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::runner::World;

const PUT: [&str; 9] = [
    "put",
    "events",
    "--create-repo",
    "--messages",
    "lines",
    "--into",
    "f",
    "--batch-count",
    "2",
];

#[test]
fn a_line_says_every_so_often_how_far_it_is() {
    let world = World::local();
    let args = [&PUT[..], &["--json", "--stats-every", "200ms"]].concat();
    let (mut child, mut stdin) = world.start(&args);
    stdin.write_all(b"a\nb\nc\nd\n").unwrap();
    let mut stats = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        if line["type"] == "stats" {
            stats.push(line);
        }
        let lags: u64 = stats.iter().filter_map(|line| line["lag"]["count"].as_u64()).sum();
        if lags == 2 {
            break;
        }
    }
    let last = stats.last().unwrap();
    assert_eq!(
        (&last["messages"], &last["commits"], &last["read"]),
        (&4.into(), &2.into(), &8.into())
    );
    assert_eq!(
        (&last["in_hand"], &last["sent"], &last["held"]),
        (&0.into(), &8.into(), &0.into())
    );
    let (p50, p99) = (
        last["lag"]["p50"].as_f64().unwrap(),
        last["lag"]["p99"].as_f64().unwrap(),
    );
    assert!(0.0 < p50 && p50 <= p99 && p99 < 60.0, "{last}");
    drop(stdin);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(
        said.contains("8 B read, 2 archives, 4 messages done, 2 commits"),
        "{said}"
    );
    assert!(said.contains("(p50)"), "{said}");
    child.wait().unwrap();
}

#[test]
fn prometheus_is_answered_while_it_runs() {
    let world = World::local();
    let args = [&PUT[..], &["--metrics-listen", "0"]].concat();
    let (mut child, mut stdin) = world.start(&args);
    stdin.write_all(b"a\nb\n").unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut note = String::new();
    stderr.read_line(&mut note).unwrap();
    let address = note.split("http://").nth(1).unwrap().split('/').next().unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{note}");
    let mut acknowledged = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut acknowledged)
        .unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.contains("spoutctl_messages_total{project=\"default\",repo=\"events\",branch=\"master\"} 2\n"),
        "{answer}"
    );
    assert!(
        answer.contains("spoutctl_read_bytes_total{project=\"default\",repo=\"events\",branch=\"master\"} 4\n"),
        "{answer}"
    );
    drop(stdin);
    child.wait().unwrap();
}

#[test]
fn an_address_that_cannot_be_listened_at_is_a_usage_error() {
    let world = World::local();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let args = [&PUT[..], &["--metrics-listen", &port]].concat();
    world
        .run_with(&args, b"a\n")
        .expect(2)
        .says("cannot listen at 127.0.0.1:");
    let args = [&PUT[..], &["--stats-every", "0"]].concat();
    world.run_with(&args, b"a\n").expect(2).says("too often");
}
