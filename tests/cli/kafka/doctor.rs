//! `doctor --from kafka://…`: each thing on the way to a topic has a line, and what is wrong is told where it is.

use super::source::write;
use super::{Broker, free_port, jars};
use crate::runner::{Ran, World, wait_until, words};

const CHECKS: [&str; 9] = [
    "kafka",
    "kafka-dns",
    "kafka-tcp",
    "kafka-tls",
    "kafka-auth",
    "brokers",
    "topic",
    "partitions",
    "positions",
];

/// The verdicts of Kafka's checks, in the order in which they were said.
fn verdicts(ran: &Ran) -> Vec<(String, String)> {
    let lines = ran.json();
    let word = |line: &serde_json::Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let checks = lines.iter().map(|line| (word(line, "check"), word(line, "verdict")));
    checks
        .skip_while(|(check, _)| check != "kafka")
        .filter(|(check, _)| !check.is_empty())
        .collect()
}

/// What is wrong at one check: those before it are fine, and those behind it were not looked at.
#[track_caller]
pub(super) fn fault_at(ran: &Ran, code: i32, check: &str) -> String {
    ran.expect(code);
    let found = verdicts(ran);
    let at = found.iter().position(|(name, _)| name == check).unwrap();
    for (place, (name, verdict)) in found.iter().enumerate() {
        let expected = match place.cmp(&at) {
            std::cmp::Ordering::Less => "ok",
            std::cmp::Ordering::Equal => "fault",
            std::cmp::Ordering::Greater => "-",
        };
        assert_eq!(verdict, expected, "{name}: {}", ran.text());
    }
    let lines = ran.json();
    lines.iter().find(|line| line["check"] == check).unwrap().to_string()
}

#[test]
fn doctor_says_what_a_topic_has_and_how_far_the_branch_is_in_each_partition() {
    let Some(jars) = jars() else { return };
    let broker = Broker::with_partitions(&jars, 1);
    write(&broker, "orders", "a:1\nb:2\nc:3\n");
    let world = World::local();
    let from = format!("kafka://{}/orders", broker.address);
    let line = format!("put orders --create-repo --from {from} --into f --until-end");
    let put = words(&line);
    let doctor = |more: &[&str]| world.run(&[&["doctor", "orders", "--from", &from], more].concat());
    // The store is not there yet; what the topic has is said all the same.
    let before = doctor(&[]).expect(4).text();
    assert!(before.contains("orders [0]: earliest 0, latest 3"), "{before}");
    world.run(&put).expect(0);
    write(&broker, "orders", "d:4\ne:5\n");
    let ran = doctor(&[]);
    ran.expect(0);
    let text = ran.text();
    for said in [
        "ok       positions  at most 2 records to come behind the newest commit",
        "orders [0]: earliest 0, latest 5, goes on at 3: 2 to come",
        "ok       kafka-auth none is asked for by the settings",
        "cluster AAAAAAAAAAAAAAAAAAAAAA, 1 broker",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    let json = doctor(&["--json"]);
    let found = verdicts(json.expect(0));
    assert_eq!(
        found.iter().map(|(check, _)| check.as_str()).collect::<Vec<_>>(),
        CHECKS
    );
    assert!(found.iter().all(|(_, verdict)| verdict == "ok"), "{found:?}");
    // Another stream is nowhere in it.
    let other = doctor(&["--stream", "other"]);
    other.expect(0);
    assert!(
        other.text().contains("latest 5; nothing of it is committed"),
        "{}",
        other.text()
    );
}

#[test]
fn doctor_names_the_step_that_is_broken_on_the_way_to_a_topic() {
    let Some(jars) = jars() else { return };
    let nowhere = free_port();
    let more = format!("advertised.listeners=PLAINTEXT://127.0.0.1:{nowhere}\n");
    let broker = Broker::with_properties(&jars, &more);
    let world = World::local();
    world.run(&["put", "t", "--create-repo"]).expect(0);
    let doctor = |from: &str, more: &[&str]| {
        let args = ["doctor", "t", "--json", "--timeout", "5s", "--from", from];
        world.run(&[&args[..], more].concat())
    };
    let found = fault_at(&doctor("kafka://no-such-host.invalid/t", &[]), 5, "kafka-dns");
    assert!(found.contains("the name no-such-host.invalid leads nowhere"), "{found}");
    let found = fault_at(&doctor(&format!("kafka://127.0.0.1:{nowhere}/t"), &[]), 5, "kafka-tcp");
    assert!(found.contains("Connection refused"), "{found}");
    // One broker of the list is enough to begin with.
    let some = doctor(&format!("kafka://127.0.0.1:{nowhere},{}/t", broker.address), &[]);
    assert!(
        verdicts(&some).contains(&("kafka-tcp".to_owned(), "warning".to_owned())),
        "{}",
        some.text()
    );

    let from = format!("kafka://{}/t", broker.address);
    let found = fault_at(&doctor(&from, &[]), 5, "brokers");
    assert!(
        found.contains(&format!("broker 1 says that it is at 127.0.0.1:{nowhere}")),
        "{found}"
    );
    assert!(found.contains("advertised.listeners"), "{found}");

    let settings = world.path("settings");
    std::fs::write(&settings, "no.such=1\n").unwrap();
    let with = ["--kafka-config", settings.to_str().unwrap()];
    let found = fault_at(&doctor(&from, &with), 3, "settings");
    assert!(found.contains("librdkafka does not take no.such"), "{found}");
}

#[test]
fn doctor_says_that_a_topic_is_not_there() {
    let Some(jars) = jars() else { return };
    let broker = Broker::with_properties(&jars, "auto.create.topics.enable=false\n");
    let world = World::local();
    world.run(&["put", "t", "--create-repo"]).expect(0);
    let from = format!("kafka://{}/nosuch", broker.address);
    let found = fault_at(&world.run(&["doctor", "--json", "--from", &from]), 3, "topic");
    assert!(found.contains("topic nosuch does not exist at"), "{found}");
}

#[test]
fn a_broker_that_cannot_be_reached_is_a_fault_only_where_it_leads_a_partition() {
    let Some(jars) = jars() else { return };
    let broker = Broker::with_properties(&jars, "num.partitions=2\n");
    let world = World::local();
    write(&broker, "here", "a:1\n");
    let from = |topic: &str| format!("kafka://{}/{topic}", broker.address);
    let put = ["put", "t", "--create-repo", "--until-end", "--into", "f", "--from"];
    world.run(&[&put[..], &[&from("here")]].concat()).expect(0);
    let nowhere = free_port();
    let more = format!("advertised.listeners=PLAINTEXT://127.0.0.1:{nowhere}\n");
    let _second = broker.with_second(&jars, &more);
    let doctor = |topic: &str| world.run(&["doctor", "t", "--json", "--timeout", "5s", "--from", &from(topic)]);
    let ran = doctor("here");
    ran.expect(0);
    assert!(
        verdicts(&ran).contains(&("brokers".to_owned(), "warning".to_owned())),
        "{}",
        ran.text()
    );
    let said = format!("broker 2 says that it is at 127.0.0.1:{nowhere}");
    assert!(ran.text().contains(&said), "{}", ran.text());

    // Two partitions are on both.
    let make = ["-L", "-t", "both", "-X", "allow.auto.create.topics=true"];
    wait_until("it comes", || {
        let list = broker.kcat(&make, &[]).unwrap();
        String::from_utf8_lossy(&list).contains("leader 2")
    });
    let found = fault_at(&doctor("both"), 5, "brokers");
    assert!(found.contains(&said), "{found}");
}
