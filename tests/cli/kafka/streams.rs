//! Topics of Kafka as streams of `spoutctl run`.

use super::source::{committed, write};
use super::{Broker, jars};
use crate::runner::World;

#[test]
fn two_streams_of_kafka_in_one_branch_need_a_name_each_and_commit_each_record_once() {
    let Some(jars) = jars() else { return };
    let broker = Broker::with_partitions(&jars, 2);
    for topic in ["one", "two"] {
        let records: String = (0..100).map(|number| format!("{number}:{topic} {number}\n")).collect();
        write(&broker, topic, &records);
    }
    let world = World::local();
    let file = world.path("streams.toml");
    let run = |[one, two]: [&str; 2], more: &[&str]| {
        let table = |topic: &str, name: &str| {
            let from = format!("kafka://{}/{topic}", broker.address);
            format!("[streams.{topic}]\nfrom = \"{from}\"\n{name}")
        };
        let defaults = "[defaults]\ndestination = \"r\"\ncreate-repo = true\ninto = \"all.jsonl\"\nenvelope = \"json\"\n\
                        until-end = true\n";
        std::fs::write(&file, [defaults, &table("one", one), &table("two", two)].concat()).unwrap();
        world.run(&[&["run", file.to_str().unwrap()], more].concat())
    };
    for more in [&[][..], &["--check"]] {
        run(["", ""], more)
            .expect(2)
            .says("the name kafka on default/r@master is that of the stream one")
            .says("give each its own: stream = \"NAME\"");
    }
    // The second time there is nothing left: each goes on behind its own newest commit, whichever of them that is not.
    for _ in 0..2 {
        run(["stream = \"a\"\n", "stream = \"b\"\n"], &[]).expect(0);
    }
    let mut values: Vec<String> = committed(&world, "r", "/all.jsonl")
        .concat()
        .iter()
        .map(|record| record["value"].as_str().unwrap().to_owned())
        .collect();
    values.sort_unstable();
    let mut expected: Vec<String> = ["one", "two"]
        .iter()
        .flat_map(|topic| (0..100).map(move |number| format!("{topic} {number}")))
        .collect();
    expected.sort_unstable();
    assert_eq!(values, expected);
}
