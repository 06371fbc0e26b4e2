//! A real broker, which this starts: what it has is read once and in order, and what it has no longer is told.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and says why"
)]

use std::fs::{self, File};
use std::future::Future;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::topic_partition_list::Offset;
use spoutctl_core::positions::Positions;
use spoutctl_delivery::messages::filter::PackError;
use spoutctl_delivery::messages::records::{Came, Event, RecordSource, SourceError};
use spoutctl_kafka::placing::{OnGap, Start};
use spoutctl_kafka::properties::Properties;
use spoutctl_kafka::share::Share;
use spoutctl_kafka::{Consumer, Wishes};

const PATIENCE: Duration = Duration::from_mins(2);

/// Where Kafka's jars are: what `SPOUTCTL_TEST_KAFKA` names.
fn jars() -> Option<PathBuf> {
    let jars = std::env::var_os("SPOUTCTL_TEST_KAFKA").map(PathBuf::from);
    if jars.is_none() {
        let text = "SPOUTCTL_TEST_KAFKA names no directory with the jars of org.apache.kafka:kafka_2.13";
        assert!(std::env::var_os("SPOUTCTL_TEST_NO_SKIP").is_none(), "skipped: {text}");
        eprintln!("skipped: {text}");
    }
    jars
}

/// One broker that is its own controller, until it is dropped.
struct Broker {
    child: Child,
    address: String,
    jars: PathBuf,
    directory: tempfile::TempDir,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Broker {
    fn start(jars: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (port, controller) = (free_port(), free_port());
        let text = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:{controller}\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port}\ncontroller.listener.names=CONTROLLER\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n\
             offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\nauto.create.topics.enable=false\nlog.cleaner.backoff.ms=100\nlog.dirs={}\n",
            directory.path().join("data").display()
        );
        let properties = directory.path().join("server.properties");
        fs::write(&properties, text).unwrap();
        let properties = properties.to_str().unwrap();
        let args = ["format", "-t", "AAAAAAAAAAAAAAAAAAAAAA", "-c", properties];
        let formatted = java(jars, directory.path(), "kafka.tools.StorageTool", &args).status();
        assert!(formatted.unwrap().success());
        let broker = Self {
            child: java(jars, directory.path(), "kafka.Kafka", &[properties])
                .spawn()
                .unwrap(),
            address: format!("127.0.0.1:{port}"),
            jars: jars.to_owned(),
            directory,
        };
        broker.wait();
        broker
    }

    fn wait(&self) {
        let admin = self.admin();
        wait_for(|| admin.inner().fetch_metadata(None, Duration::from_secs(1)).is_ok());
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn start_again(&mut self) {
        let properties = self.directory.path().join("server.properties");
        let args = [properties.to_str().unwrap()];
        self.child = java(&self.jars, self.directory.path(), "kafka.Kafka", &args)
            .spawn()
            .unwrap();
        self.wait();
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.config().create().unwrap()
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.address);
        config
    }

    fn make(&self, topic: &str, partitions: i32, settings: &[(&str, &str)]) {
        let mut new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        for (name, value) in settings {
            new = new.set(name, value);
        }
        let admin = self.admin();
        let made = wait(admin.create_topics([&new], &AdminOptions::new())).unwrap();
        assert!(made.iter().all(Result::is_ok), "{made:?}");
        wait_for(|| {
            let metadata = admin.inner().fetch_metadata(Some(topic), Duration::from_secs(1));
            metadata.is_ok_and(|found| found.topics()[0].partitions().len() == usize::try_from(partitions).unwrap())
        });
    }

    fn delete(&self, topic: &str) {
        let deleted = wait(self.admin().delete_topics(&[topic], &AdminOptions::new())).unwrap();
        assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    }

    /// Has the broker forget what is before an offset of partition 0, as its retention does.
    fn forget(&self, topic: &str, before: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Offset(before)).unwrap();
        wait(self.admin().delete_records(&list, &AdminOptions::new())).unwrap();
    }

    /// Writes these values into a partition.
    fn write(&self, topic: &str, partition: i32, values: &[&str]) {
        let producer: BaseProducer = self.config().create().unwrap();
        send(&producer, topic, partition, values);
        producer.flush(PATIENCE).unwrap();
    }

    /// The same in a transaction, which is committed or aborted.
    fn transact(&self, topic: &str, values: &[&str], commit: bool) {
        let mut config = self.config();
        let producer: BaseProducer = config.set("transactional.id", "tests").create().unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        producer.begin_transaction().unwrap();
        send(&producer, topic, 0, values);
        producer.flush(PATIENCE).unwrap();
        if commit {
            producer.commit_transaction(PATIENCE).unwrap();
        } else {
            producer.abort_transaction(PATIENCE).unwrap();
        }
    }

    fn wishes(&self, topics: &str) -> Wishes {
        Wishes {
            address: format!("kafka://{}/{topics}", self.address).parse().unwrap(),
            properties: Properties::parse("topic.metadata.refresh.interval.ms=300", &|_| None).unwrap(),
            start: Start::Earliest,
            on_gap: OnGap::Stop,
            share: Share::default(),
            until_end: true,
            headers: true,
            retry_for: PATIENCE,
            say: Arc::new(|_| {}),
            tell_ends: None,
            is_stopped: Arc::new(|| false),
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn java(jars: &Path, directory: &Path, class: &str, args: &[&str]) -> Command {
    let log = File::create(directory.join(class)).unwrap();
    let mut command = Command::new("java");
    command
        .args(["-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp"])
        .arg(jars.join("*"))
        .arg(class);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    command
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn wait_for(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "it never comes");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn send(producer: &BaseProducer, topic: &str, partition: i32, values: &[&str]) {
    for value in values {
        let record = BaseRecord::<str, str>::to(topic).partition(partition);
        let headers = OwnedHeaders::new().insert(Header {
            key: "of",
            value: Some("tests"),
        });
        let record = match value.split_once('=') {
            // A key alone is a tombstone.
            Some((key, "")) => record.key(key),
            Some((key, value)) => record.key(key).payload(value),
            None => record.payload(*value),
        };
        producer
            .send(record.headers(headers))
            .map_err(|(error, _)| error)
            .unwrap();
    }
}

/// What was shown: topic, partition, offset, and the record as it was written.
type Shown = Vec<(String, u32, u64, String)>;

/// Reads until `enough` of it was shown, or the end.
fn read(consumer: &mut Consumer, enough: impl Fn(&Shown) -> bool) -> (Shown, Positions, Result<Came, PackError>) {
    let mut shown = Shown::new();
    let mut positions = consumer.positions().clone();
    let deadline = Instant::now() + PATIENCE;
    let end = loop {
        assert!(Instant::now() < deadline, "it never ends; so far {shown:?}");
        let came = consumer.next(Some(Instant::now() + Duration::from_millis(200)), &mut |event| {
            match event {
                Event::Placed { topic, partition, next } => positions.set(topic, partition, next),
                Event::Record(record) => {
                    assert_eq!(record.headers.map(<[_]>::len), Some(1));
                    assert!(record.time.is_some());
                    let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap_or_default().to_vec()).unwrap();
                    let key = record.key.map_or(String::new(), |key| format!("{}=", text(Some(key))));
                    let expected = positions.of(record.topic, record.partition).unwrap();
                    assert!(record.offset >= expected, "a record came a second time");
                    positions.set(record.topic, record.partition, record.offset + 1);
                    let value = format!("{key}{}", text(record.value));
                    shown.push((record.topic.to_owned(), record.partition, record.offset, value));
                }
            }
            Ok(())
        });
        match came {
            Ok(Came::Something | Came::Silence) if enough(&shown) => break came,
            Ok(Came::Something | Came::Silence) => {}
            end => break end,
        }
    };
    consumer.passed(&mut |topic, partition, next| positions.set(topic, partition, next));
    (shown, positions, end)
}

fn read_all(wishes: Wishes, from: Option<&Positions>) -> (Vec<String>, Positions) {
    let mut consumer = Consumer::open(wishes, from).unwrap().unwrap();
    let (shown, positions, end) = read(&mut consumer, |_| false);
    assert_eq!(end.unwrap(), Came::End);
    (shown.into_iter().map(|(.., value)| value).collect(), positions)
}

fn fault(opened: Result<Option<Consumer>, SourceError>) -> SourceError {
    opened.err().expect("it was opened")
}

#[test]
fn what_is_committed_is_read_once_and_gaps_of_transactions_and_compaction_are_none() {
    let Some(jars) = jars() else { return };
    let broker = Broker::start(&jars);
    broker.make("tx", 1, &[]);
    broker.transact("tx", &["a", "b"], true);
    broker.transact("tx", &["never"], false);
    broker.transact("tx", &["c"], true);
    broker.transact("tx", &["never"], false);
    let (values, positions) = read_all(broker.wishes("tx"), None);
    assert_eq!(values, ["a", "b", "c"]);
    // Three ends of transactions, two records that were aborted, and the end of the last one.
    assert_eq!(
        positions.of("tx", 0),
        Some(9),
        "it goes on behind the end of the last transaction"
    );
    broker.forget("tx", 9);
    broker.transact("tx", &["d"], true);
    assert_eq!(
        read_all(broker.wishes("tx"), Some(&positions)).0,
        ["d"],
        "nothing was lost"
    );

    let compacted = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "100"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("max.compaction.lag.ms", "100"),
        ("delete.retention.ms", "3600000"),
    ];
    broker.make("table", 1, &compacted);
    broker.write("table", 0, &["k=1", "gone=1", "k=2", "gone=", "k=3"]);
    // A segment that is written to is not compacted.
    wait_for(|| {
        broker.write("table", 0, &["other=x"]);
        let values = read_all(broker.wishes("table"), None).0;
        assert!(
            values.contains(&"k=3".to_owned()) && values.contains(&"gone=".to_owned()),
            "{values:?}"
        );
        !values.contains(&"k=1".to_owned())
    });
}

/// Of a record what is not where it is.
#[derive(Debug, Clone, PartialEq)]
struct Whole {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
    has_time: bool,
}

/// All records of some topics.
fn wholes(wishes: Wishes) -> Vec<Whole> {
    let mut consumer = Consumer::open(wishes, None).unwrap().unwrap();
    let mut wholes = Vec::new();
    let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    loop {
        let came = consumer.next(Some(Instant::now() + PATIENCE), &mut |event| {
            if let Event::Record(record) = event {
                let headers = record.headers.unwrap().iter();
                wholes.push(Whole {
                    key: owned(record.key),
                    value: owned(record.value),
                    headers: headers
                        .map(|header| (header.name.to_owned(), owned(header.value)))
                        .collect(),
                    has_time: record.time.is_some(),
                });
            }
            Ok(())
        });
        match came.unwrap() {
            Came::Something => {}
            Came::End => return wholes,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn records_come_as_they_were_written_by_each_codec_and_past_a_dead_broker() {
    let Some(jars) = jars() else { return };
    let broker = Broker::start(&jars);
    broker.make("odd", 1, &[("max.message.bytes", "20000000")]);
    // Larger than an answer is allowed to be, and than a topic usually takes.
    let large = vec![b'x'; 12 << 20];
    let values: [Option<&[u8]>; 4] = [Some(&[b'a'; 5000]), Some(b""), None, Some(&large)];
    let mut written = Vec::new();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let mut config = broker.config();
        config
            .set("compression.type", codec)
            .set("message.max.bytes", "20000000");
        let producer: BaseProducer = config.create().unwrap();
        for (value, key) in values
            .into_iter()
            .zip([None, Some(&b""[..]), Some(b"\xff\0"), Some(b"k")])
        {
            let headers = [
                ("none", None),
                ("twice", Some(&b"\x80"[..])),
                ("twice", Some(b"")),
                ("", Some(b"v")),
            ];
            let mut owned = OwnedHeaders::new();
            for (key, value) in headers {
                owned = owned.insert(Header { key, value });
            }
            // Some producers know no time.
            let has_time = value.is_some();
            let mut record = BaseRecord::<[u8], [u8]>::to("odd").partition(0).headers(owned);
            record.key = key;
            record.payload = value;
            record.timestamp = (!has_time).then_some(-1);
            producer.send(record).map_err(|(error, _)| error).unwrap();
            let own = |bytes: &[u8]| bytes.to_vec();
            written.push(Whole {
                key: key.map(own),
                value: value.map(own),
                headers: headers.map(|(name, value)| (name.to_owned(), value.map(own))).to_vec(),
                has_time,
            });
        }
        producer.flush(PATIENCE).unwrap();
    }
    let dead = free_port();
    let read = wholes(Wishes {
        address: format!("kafka://127.0.0.1:{dead},{}/odd", broker.address)
            .parse()
            .unwrap(),
        properties: Properties::parse("client.rack=here", &|_| None).unwrap(),
        ..broker.wishes("odd")
    });
    let short = |whole: &Whole| Whole {
        value: whole.value.as_ref().map(|value| value[..value.len().min(9)].to_vec()),
        ..whole.clone()
    };
    assert_eq!(
        read.iter().map(short).collect::<Vec<_>>(),
        written.iter().map(short).collect::<Vec<_>>()
    );
    assert!(read == written);
}

#[test]
fn partitions_that_are_added_while_it_runs_are_read_from_their_beginning() {
    let Some(jars) = jars() else { return };
    let broker = Broker::start(&jars);
    broker.make("grows", 1, &[]);
    broker.make("other", 2, &[]);
    broker.write("grows", 0, &["old"]);
    let wishes = Wishes {
        until_end: false,
        start: Start::Latest,
        ..broker.wishes("grows,other")
    };
    let mut consumer = Consumer::open(wishes, None).unwrap().unwrap();
    broker.write("other", 1, &["new"]);
    let (shown, ..) = read(&mut consumer, |shown| shown.len() == 1);
    assert_eq!(shown[0].3, "new");
    let more = NewPartitions::new("grows", 3);
    wait(broker.admin().create_partitions([&more], &AdminOptions::new())).unwrap();
    let admin = broker.admin();
    wait_for(|| {
        let metadata = admin.inner().fetch_metadata(Some("grows"), Duration::from_secs(1));
        metadata.is_ok_and(|found| found.topics()[0].partitions().len() == 3)
    });
    broker.write("grows", 2, &["added"]);
    broker.write("grows", 0, &["behind"]);
    let (shown, positions, _) = read(&mut consumer, |shown| shown.len() == 2);
    let mut values: Vec<_> = shown
        .iter()
        .map(|(_, partition, offset, value)| (*partition, *offset, value.as_str()))
        .collect();
    values.sort_unstable();
    assert_eq!(values, [(0, 1, "behind"), (2, 0, "added")]);
    assert_eq!(
        positions.topics().next(),
        Some(("grows", vec![Some(2), Some(0), Some(1)]))
    );
}

#[test]
fn what_retention_or_a_new_topic_of_the_same_name_took_away_is_told_at_the_start_and_on_the_way() {
    let Some(jars) = jars() else { return };
    let broker = Broker::start(&jars);
    broker.make("short", 1, &[]);
    broker.write("short", 0, &["0", "1", "2", "3"]);
    let mut known: Positions = "/short:1".parse().unwrap();
    broker.forget("short", 3);
    let error = fault(Consumer::open(broker.wishes("short"), Some(&known)));
    assert!(
        error.what.contains("short [0]") && error.what.contains("up to 2 records are lost"),
        "{error:?}"
    );
    let said = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&said);
    let goes_on = Wishes {
        on_gap: OnGap::Continue,
        say: Arc::new(move |text: &str| hears.lock().unwrap().push(text.to_owned())),
        ..broker.wishes("short")
    };
    assert_eq!(read_all(goes_on.clone(), Some(&known)).0, ["3"]);
    assert!(said.lock().unwrap()[0].contains("up to 2 records are lost; going on at 3"));

    // The topic is made anew with less in it.
    broker.delete("short");
    let admin = broker.admin();
    wait_for(|| {
        let metadata = admin.inner().fetch_metadata(Some("short"), Duration::from_secs(1));
        metadata.is_ok_and(|found| found.topics()[0].partitions().is_empty())
    });
    let error = fault(Consumer::open(broker.wishes("short"), Some(&known)));
    assert!(error.what.contains("topic short does not exist"), "{error:?}");
    broker.make("short", 1, &[]);
    known.set("short", 0, 4);
    let error = fault(Consumer::open(broker.wishes("short"), Some(&known)));
    assert!(error.what.contains("was made anew"), "{error:?}");
    broker.write("short", 0, &["anew"]);
    assert_eq!(read_all(goes_on, Some(&known)).0, ["anew"]);
}

#[test]
fn a_topic_that_is_deleted_while_it_is_read_is_missed() {
    let Some(jars) = jars() else { return };
    let broker = Broker::start(&jars);
    broker.make("doomed", 1, &[]);
    broker.write("doomed", 0, &["last"]);
    let mut consumer = Consumer::open(
        Wishes {
            until_end: false,
            ..broker.wishes("doomed")
        },
        None,
    )
    .unwrap()
    .unwrap();
    assert_eq!(read(&mut consumer, |shown| shown.len() == 1).0.len(), 1);
    broker.delete("doomed");
    let (_, _, end) = read(&mut consumer, |_| false);
    let error = end.unwrap_err().to_string();
    assert!(error.contains("topic doomed is no longer at"), "{error}");
}

#[test]
fn a_broker_that_is_away_is_waited_for_at_the_start_and_on_the_way() {
    let Some(jars) = jars() else { return };
    let mut broker = Broker::start(&jars);
    broker.make("t", 2, &[]);
    broker.write("t", 0, &["before"]);
    broker.kill();
    let impatient = Wishes {
        retry_for: Duration::from_millis(1),
        ..broker.wishes("t")
    };
    let error = fault(Consumer::open(impatient, None));
    assert!(error.passes && error.what.contains(&broker.address), "{error:?}");
    assert!(
        error.details[0].contains(&broker.address),
        "it names the broker: {error:?}"
    );
    let is_stopped = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&is_stopped);
    is_stopped.store(true, Ordering::Relaxed);
    let stopped = Wishes {
        is_stopped: Arc::new(move || asked.load(Ordering::Relaxed)),
        ..broker.wishes("t")
    };
    assert!(Consumer::open(stopped, None).unwrap().is_none());

    let opening = {
        let wishes = Wishes {
            until_end: false,
            ..broker.wishes("t")
        };
        std::thread::spawn(move || Consumer::open(wishes, None).unwrap().unwrap())
    };
    broker.start_again();
    let mut consumer = opening.join().unwrap();
    assert_eq!(read(&mut consumer, |shown| shown.len() == 1).0[0].3, "before");
    broker.kill();
    assert!(matches!(
        consumer.next(Some(Instant::now()), &mut |_| Ok(())),
        Ok(Came::Silence)
    ));
    broker.start_again();
    broker.write("t", 1, &["after"]);
    let (shown, ..) = read(&mut consumer, |shown| shown.len() == 1);
    assert_eq!(shown[0].3, "after", "and nothing twice");
}
