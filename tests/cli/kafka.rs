//! Apache Kafka itself: a broker of the test's own, kcat as its consumer, and a spout that is killed half-way.

#[cfg(feature = "kafka")]
mod doctor;
#[cfg(feature = "kafka")]
mod moving;
#[cfg(feature = "kafka-tls")]
mod secured;
#[cfg(feature = "kafka")]
mod shares;
#[cfg(feature = "kafka")]
mod source;
#[cfg(feature = "kafka")]
mod streams;
#[cfg(feature = "kafka")]
mod watched;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::recipes::{changed, recipe, shell};
use crate::runner::{Killed, Ran, World, free_port, has_program, skip, wait_until};
use crate::served::Served;

const TOPIC: &str = "orders";
const MESSAGES: usize = 100_000;
const BATCH: usize = 5_000;

/// Where Kafka's jars are: what `SPOUTCTL_TEST_KAFKA` names.
pub fn jars() -> Option<PathBuf> {
    let jars = std::env::var_os("SPOUTCTL_TEST_KAFKA").map(PathBuf::from);
    if jars.is_none() {
        skip("SPOUTCTL_TEST_KAFKA names no directory with the jars of org.apache.kafka:kafka_2.13");
        return None;
    }
    for program in ["java", "kcat"] {
        if !has_program(program) {
            skip(&format!("{program} is not installed"));
            return None;
        }
    }
    jars
}

/// One broker that is its own controller, until it is dropped.
pub struct Broker {
    _child: Killed,
    pub address: String,
    /// The port at which others find who controls the cluster.
    controller: u16,
    _directory: tempfile::TempDir,
}

/// What a broker has besides.
#[derive(Default)]
struct More<'a> {
    /// The last one of a name counts.
    properties: &'a str,
    /// Listeners by the name of their protocol.
    listeners: &'a [(&'a str, u16)],
    /// For `kafka-storage.sh format`.
    format: &'a [&'a str],
    /// The first one of its cluster.
    joins: Option<&'a Broker>,
}

impl Broker {
    pub fn start(jars: &Path) -> Self {
        Self::with_partitions(jars, 1)
    }

    /// Topics that are written to are made with so many partitions.
    fn with_partitions(jars: &Path, partitions: u64) -> Self {
        Self::with_properties(jars, &format!("num.partitions={partitions}\n"))
    }

    fn with_properties(jars: &Path, properties: &str) -> Self {
        let more = More {
            properties,
            ..More::default()
        };
        Self::with(jars, &more)
    }

    fn with(jars: &Path, more: &More<'_>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port = free_port();
        let controller = more.joins.map_or_else(free_port, |first| first.controller);
        let (id, roles, own) = match more.joins {
            None => (1, "broker,controller", format!(",CONTROLLER://127.0.0.1:{controller}")),
            Some(_) => (2, "broker", String::new()),
        };
        let properties = directory.path().join("server.properties");
        let listeners: String = more
            .listeners
            .iter()
            .map(|(name, port)| format!(",{name}://127.0.0.1:{port}"))
            .collect();
        let protocols: String = more
            .listeners
            .iter()
            .map(|(name, _)| format!(",{name}:{name}"))
            .collect();
        let more_properties = more.properties;
        let text = format!(
            "process.roles={roles}\nnode.id={id}\ncontroller.quorum.voters=1@127.0.0.1:{controller}\n\
             listeners=PLAINTEXT://127.0.0.1:{port}{own}{listeners}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port}{listeners}\ncontroller.listener.names=CONTROLLER\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT{protocols}\n\
             inter.broker.listener.name=PLAINTEXT\noffsets.topic.replication.factor=1\nlog.dirs={}\n{more_properties}",
            directory.path().join("data").display()
        );
        fs::write(&properties, text).unwrap();
        let java = |class: &str, args: &[&str]| {
            let mut command = Command::new("java");
            let log = File::create(directory.path().join(class)).unwrap();
            command
                .args(["-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp"])
                .arg(jars.join("*"))
                .arg(class)
                .args(args)
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap())
                .stderr(log);
            command
        };
        let properties = properties.to_str().unwrap();
        let args = ["format", "-t", "AAAAAAAAAAAAAAAAAAAAAA", "-c", properties];
        let args = [&args[..], more.format].concat();
        let formatted = java("kafka.tools.StorageTool", &args).status().unwrap();
        assert!(formatted.success());
        let broker = Self {
            _child: Killed(java("kafka.Kafka", &[properties]).spawn().unwrap()),
            address: format!("127.0.0.1:{port}"),
            controller,
            _directory: directory,
        };
        wait_until("it comes", || broker.kcat(&["-L", "-m", "2"], &[]).is_some());
        broker
    }

    #[cfg(feature = "kafka")]
    /// Starts a second one in the cluster of this one, and waits until they know each other.
    fn with_second(&self, jars: &Path, properties: &str) -> Self {
        let more = More {
            properties,
            joins: Some(self),
            ..More::default()
        };
        let second = Self::with(jars, &more);
        let knows_both = |list: Vec<u8>| String::from_utf8_lossy(&list).contains("\n 2 brokers:");
        wait_until("it comes", || self.kcat(&["-L"], &[]).is_some_and(knows_both));
        second
    }

    /// Runs kcat with this input; `None` when it failed.
    pub fn kcat(&self, args: &[&str], input: &[u8]) -> Option<Vec<u8>> {
        let mut command = Command::new("kcat");
        command.args(["-b", &self.address]).args(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        output.status.success().then_some(output.stdout)
    }
}

/// Reads one partition, from the message after the position that is stored.
const CONSUMER: &str = r#"
position=$(cat "$WORK/position" 2>/dev/null || echo -1)
exec kcat -C -q -e -u -b "$BROKER" -t orders -p 0 -o $((position + 1)) -f '%o\t%s\n'
"#;

const STORE: &str = r#"echo "$SPOUTCTL_ACK_POSITION" > "$WORK/new" && mv "$WORK/new" "$WORK/position""#;

fn spout(world: &World, broker: &Broker) -> Child {
    let spool = world.path("spool").display().to_string();
    let mut put = world.command(&[
        "put",
        TOPIC,
        "--spool",
        &spool,
        "--messages",
        "lines",
        "--into",
        "orders.tsv",
    ]);
    put.args(["--batch-count", &BATCH.to_string(), "--batch-period", "10m"])
        .args(["--position-column", "1", "--ack-command", STORE])
        .args(["--", "/bin/sh", "-c", CONSUMER])
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("WORK", world.directory.path())
        .env("BROKER", &broker.address);
    put.spawn().unwrap()
}

/// The offset of the newest message that was acknowledged.
fn position(world: &World) -> Option<usize> {
    fs::read_to_string(world.path("position")).ok()?.trim().parse().ok()
}

#[test]
fn messages_of_kafka_arrive_once_and_in_order_though_pachd_restarts_and_the_spout_is_killed() {
    let Some(jars) = jars() else { return };
    let broker = Broker::start(&jars);
    let lines: Vec<String> = (0..MESSAGES).map(|number| format!("order {number}\n")).collect();
    // Otherwise what a broker that has just come up does not take at once changes its order.
    let in_order = ["-X", "enable.idempotence=true", "-P", "-t", TOPIC, "-p", "0"];
    broker.kcat(&in_order, lines.concat().as_bytes()).unwrap();

    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let mut served = Served::over(&store, &[]);
    let authority = served.authority.clone();
    let world = World::at(&served.url());
    world.run_with(&["put", TOPIC, "--create-repo"], &[]).expect(0);

    let mut first = spout(&world, &broker);
    wait_until("it comes", || position(&world) >= Some(MESSAGES / 5));
    served.kill();
    std::thread::sleep(Duration::from_millis(300));
    let _served = Served::over(&store, &["--listen", &authority]);
    wait_until("it comes", || position(&world) >= Some(MESSAGES / 2));
    first.kill().unwrap();
    assert_eq!(first.wait().unwrap().code(), None, "it was done already");
    assert!(position(&world) < Some(MESSAGES - 1), "it was done already");
    Ran::from(spout(&world, &broker).wait_with_output().unwrap()).expect(0);
    assert_eq!(position(&world), Some(MESSAGES - 1));

    let tail = world.run(&["tail", TOPIC, "--json", "--from", "beginning", "-e"]);
    let commits: Vec<String> = tail
        .expect(0)
        .json()
        .iter()
        .map(|line| line["commit"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(commits.len(), MESSAGES / BATCH);
    for (commit, batch) in commits.iter().zip(lines.chunks(BATCH).enumerate()) {
        let numbered = (batch.0 * BATCH..).zip(batch.1);
        let expected: Vec<String> = numbered.map(|(offset, line)| format!("{offset}\t{line}")).collect();
        let file = world.get(&format!("{TOPIC}@{commit}:/orders.tsv"));
        assert!(
            file == expected.concat().as_bytes(),
            "batch {} is not in commit {commit}:\n{}",
            batch.0,
            String::from_utf8_lossy(&file)
        );
    }
}

#[test]
fn the_recipe_goes_on_after_the_last_offset_that_was_committed() {
    let Some(jars) = jars() else { return };
    let broker = Broker::start(&jars);
    let world = World::local();
    let changes = [("kafka:9092", broker.address.as_str()), (" -u ", " -u -e ")];
    let script = changed(&recipe("Kafka"), &changes);
    for (offset, payload) in ["first\\\"", "second"].into_iter().enumerate() {
        broker
            .kcat(&["-P", "-t", TOPIC, "-p", "0"], payload.as_bytes())
            .unwrap();
        assert!(shell(&world, &script).status().unwrap().success());
        let message: serde_json::Value = serde_json::from_slice(&world.get("orders:/orders.jsonl")).unwrap();
        assert_eq!(
            (&message["offset"], &message["payload"]),
            (&offset.into(), &payload.into())
        );
        assert_eq!(position(&world), Some(offset));
    }
}

#[cfg(not(feature = "kafka"))]
#[test]
fn a_spoutctl_without_kafka_says_how_to_get_one() {
    let world = World::local();
    let put = world.run(&crate::runner::words(
        "put t --create-repo --from kafka://127.0.0.1:1/t --into f",
    ));
    put.expect(2)
        .says("this spoutctl was built without Kafka")
        .says("cargo install --path . --features kafka-tls");
    let doctor = world.run(&["doctor", "t", "--from", "kafka://127.0.0.1:1/t"]);
    doctor.expect(2).says("this spoutctl was built without Kafka");
}

#[test]
fn names_of_records_are_refused_where_there_are_none_and_other_inputs_beside_kafka() {
    let world = World::local();
    let lines = world.run_with(
        &["put", "t", "--messages", "lines", "--each", "{topic}/{offset}"],
        b"a\n",
    );
    lines.expect(2).says("only records of Kafka have");
    for more in [&["--spool", "s"][..], &["x.tar"], &["--", "cat"], &["--csv-no-header"]] {
        let args = ["put", "t", "--from", "kafka://h/t", "--into", "f"];
        world
            .run(&[&args[..], more].concat())
            .expect(2)
            .says("cannot be used with");
    }
    for address in ["kafka://h", "kafka://h:x/t", "kafka://u:hunter2@h/t"] {
        let put = world.run(&["put", "t", "--from", address, "--into", "f"]);
        assert!(!put.expect(2).stderr.contains("hunter2"), "{}", put.stderr);
    }
}
