//! What a cluster does to a spout in its life, as `serve --as-spout NAME -- CMD` plays it for each release: a code of our
//! own, and those that `create --with-code` writes, which read real servers. Each message is a number.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rustix::process::Signal;
use serde_json::Value;

use crate::as_spout::{Cluster, kill, numbers};
use crate::create::{create, needed};
use crate::create_code::{Broker, Redis, hmac_sha256, post};
use crate::producer::wait_until_gone;
use crate::proxy::{Fault, Proxy};
use crate::runner::{World, free_port, has_program, skip, takes_minutes, words};
use crate::{kafka, nats, postgres};

/// Where numbers come from, and what reads them.
struct Source {
    /// What is run; it notes the process that `put` is in `puts`, and that of the consumer in `consumers`.
    code: String,
    /// Makes a number available; `false`: not now, since nobody listens.
    add: Box<dyn Fn(u32) -> bool>,
    /// The numbers in a commit.
    read: fn(&World, &str) -> Vec<u32>,
    /// Whether the consumer goes on behind what is committed. Otherwise what a kill finds on its way can be lost, so that
    /// nothing may be on its way then.
    goes_on: bool,
    /// What the branch has not is sent again: more than once where pachd has emptied it.
    sends_what_is_missing: bool,
}

struct Life {
    cluster: Cluster,
    source: Source,
    last: u32,
    /// Between the code and its sidecar.
    proxy: Proxy,
}

impl Life {
    /// Runs it; `world` has the files of the code.
    fn begin(mut cluster: Cluster, source: Source, guarded: bool) -> Self {
        let proxy = Proxy::before("127.0.0.1:1");
        let port = proxy.authority().rsplit_once(':').unwrap().1.to_owned();
        cluster.script = format!(
            "echo $PEER_PORT > sidecar.new; mv sidecar.new sidecar; export PEER_PORT={port}; {}",
            source.code
        );
        let cluster = if guarded { cluster.guarded() } else { cluster }.start();
        let life = Self {
            cluster,
            source,
            last: 0,
            proxy,
        };
        life.find_sidecar();
        life
    }

    fn find_sidecar(&self) {
        let port = self.cluster.wait_for_file("sidecar");
        self.proxy.upstream().is_at(&format!("127.0.0.1:{}", port.trim()));
    }

    fn add(&mut self) {
        self.last += 1;
        let (add, last) = (&self.source.add, self.last);
        self.cluster.wait("listener", || add(last).then_some(()));
    }

    /// Each number is there once and in order.
    #[track_caller]
    fn wait_for_all(&self) {
        let empties = self.source.sends_what_is_missing && self.cluster.release == "2.6";
        let committed = || {
            let mut committed = self.cluster.committed(self.source.read);
            if empties {
                let mut seen = BTreeSet::new();
                committed.retain(|number| seen.insert(*number));
            }
            committed
        };
        let last = usize::try_from(self.last).unwrap();
        self.cluster
            .wait(&format!("number {last}"), || (committed().len() >= last).then_some(()));
        let all: Vec<u32> = (1..=self.last).collect();
        assert_eq!(committed(), all, "{}: {}", self.cluster.release, self.cluster.told());
    }

    /// Something happens while numbers are on their way.
    #[track_caller]
    fn meets(&mut self, happens: impl FnOnce(&mut Self)) {
        if self.source.goes_on {
            self.add();
        }
        happens(self);
        self.add();
        self.wait_for_all();
    }

    /// It happens, and other code runs than before.
    fn renewed(&self, happens: impl FnOnce(&Cluster)) {
        let puts = self.cluster.wait_for_lines("puts", 1).len();
        happens(&self.cluster);
        self.cluster.wait_for_lines("puts", puts + 1);
    }

    /// Kills the newest process of those that a file lists, and waits for the one after it.
    fn kill_newest(&self, of: &str) {
        let processes = self.cluster.wait_for_lines(of, 1);
        kill(processes.last().unwrap(), Signal::KILL);
        self.cluster.wait_for_lines(of, processes.len() + 1);
    }

    /// Those that may still run: the numbers of older ones may have been given to others by now.
    fn newest_processes(&self) -> String {
        let newest = ["puts", "consumers"].map(|file| self.cluster.wait_for_lines(file, 1).pop().unwrap());
        newest.join(" ")
    }

    /// As when it is killed at some point of some calls, which may be carried out by then.
    fn lose_sidecar(&mut self) {
        let before = self.proxy.calls(Proxy::ANY);
        self.proxy.each(Proxy::ANY, |nth| {
            Some(match nth % 3 {
                0 => Fault::Unheard,
                1 => Fault::LoseAnswer,
                _ => Fault::CutRequest(3),
            })
        });
        self.add();
        let proxy = &self.proxy;
        self.cluster.wait("call of a sidecar that is not there", || {
            (proxy.calls(Proxy::ANY) >= before + 3).then_some(())
        });
        self.proxy.heal();
    }

    /// The node goes with all that is on it, and the cluster comes up again.
    fn lose_node(&mut self) {
        let processes = self.newest_processes();
        let mut served = self.cluster.served.take().unwrap();
        served.kill();
        drop(served);
        wait_until_gone(&processes);
        fs::remove_file(self.cluster.path("sidecar")).unwrap();
        self.cluster.serve();
        self.find_sidecar();
    }
}

/// All that happens to a spout in a cluster; so many times what can happen at any time.
fn live(cluster: Cluster, source: Source, guarded: bool, times: u32) {
    // There, a spout that was stopped cannot be started again.
    let can_start = cluster.release != "2.0";
    let mut life = Life::begin(cluster, source, guarded);
    for _ in 0..3 {
        life.add();
    }
    life.wait_for_all();
    if can_start {
        life.meets(|life| {
            life.cluster.stop();
            life.renewed(|cluster| drop(cluster.start_again()));
        });
    }
    // With auth on, this is a change of the token.
    life.meets(|life| life.renewed(Cluster::update_well));
    for _ in 0..times {
        // `put` alone: what it runs has to go with it, or the worker would wait for ever.
        life.meets(|life| life.kill_newest("puts"));
        life.meets(|life| life.kill_newest("consumers"));
        life.meets(Life::lose_sidecar);
    }
    life.meets(Life::lose_node);
    if can_start {
        life.meets(|life| {
            for _ in 0..2 {
                life.cluster.stop();
                life.renewed(|cluster| drop(cluster.start_again()));
                life.renewed(Cluster::update_well);
            }
        });
    }
    // Whatever came twice before it would be seen now.
    life.add();
    life.wait_for_all();
    let processes = life.newest_processes();
    let said = life.cluster.said();
    drop(life);
    wait_until_gone(&processes);
    assert!(!said.contains("panicked"), "{said}");
}

/// Releases, and whether tokens are asked for there.
const RELEASES: [(&str, bool); 5] = [
    ("1.13", false),
    ("2.0", false),
    ("2.3", true),
    ("2.6", false),
    ("2.12", true),
];

/// A spout in each of these releases, all at the same time.
fn live_in_each(releases: &[(&'static str, bool)], times: u32, source: impl Fn(&Cluster) -> Source + Sync) {
    std::thread::scope(|scope| {
        for (release, guarded) in releases {
            scope.spawn(|| {
                let cluster = Cluster::new(release, &[], "");
                let source = source(&cluster);
                live(cluster, source, *guarded, times);
            });
        }
    });
}

/// Goes on behind the last number that is committed, as the templates do.
const CONSUMER: &str = r#"
echo $$ >> consumers
repo=${PPS_PROJECT_NAME:-default}/$PPS_PIPELINE_NAME
commit=$(spoutctl tail "$repo" -e -n 20 --ok-only --stream "$repo" --format '{id}' | tail -n 1) || [ $? -eq 1 ]
last=0
[ -z "$commit" ] || last=$(spoutctl get "$repo@$commit:/numbers" | tail -n 1)
while :; do
    while [ "$last" -ge "$(cat available)" ]; do sleep 0.02; done
    last=$((last + 1))
    echo "$last"
done
"#;

const CODE: &str = "echo $$ >> puts; exec spoutctl put --restart always --messages lines --into numbers --batch-period 50ms -- \
                    sh -e consumer.sh";

fn own_code(cluster: &Cluster) -> Source {
    fs::write(cluster.path("consumer.sh"), CONSUMER).unwrap();
    let available = cluster.path("available");
    let offer = move |number: u32| {
        let new = available.with_extension("new");
        fs::write(&new, number.to_string()).unwrap();
        fs::rename(&new, &available).unwrap();
        true
    };
    offer(0);
    Source {
        code: CODE.to_owned(),
        add: Box::new(offer),
        read: numbers,
        goes_on: true,
        sends_what_is_missing: false,
    }
}

#[test]
fn a_spout_lives_through_all_that_a_cluster_does_and_each_message_is_there_once_and_in_order() {
    if !can_live(&[]) {
        return;
    }
    live_in_each(&[&RELEASES[..], &[("2.8", true)]].concat(), 2, own_code);
}

/// What sets these variables.
fn exports<'a>(spec: &'a Value, variables: &[(&'a str, &'a str)]) -> String {
    let env = spec["transform"]["env"].as_object().into_iter().flatten();
    let env = env.map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
    let mut exports = String::new();
    for (name, value) in env.chain(variables.iter().copied()) {
        write!(exports, "export {name}='{value}'; ").unwrap();
    }
    exports
}

/// Makes a spout of a template, and answers its spec.
fn spec_of(cluster: &Cluster, template: &str) -> Value {
    let begin = format!("orders --image a:1 --template {template} --with-code code");
    create(&cluster.world, &[&words(&begin)[..], needed(template)].concat()).expect(0);
    serde_json::from_slice(&fs::read(cluster.path("code/orders.json")).unwrap()).unwrap()
}

/// Writes the code of a template, and what runs it with these variables.
fn code_of(cluster: &Cluster, template: &str, variables: &[(&str, &str)]) -> String {
    let spec = spec_of(cluster, template);
    let script = cluster.path("code/entrypoint.sh");
    // Five seconds for each commit would be long for a test.
    let changed = fs::read_to_string(&script)
        .unwrap()
        .replace("--messages lines", "--messages lines --batch-period 50ms")
        .replacen(
            "set -euo pipefail",
            "set -euo pipefail\n[ \"${1:-}\" != consume ] || echo $$ >> consumers",
            1,
        );
    fs::write(&script, changed).unwrap();
    let exports = exports(&spec, variables);
    format!("echo $$ >> puts; {exports}exec bash code/entrypoint.sh")
}

/// The number that each line of `messages.jsonl` has at this place.
fn of_lines(world: &World, commit: &str, place: &str) -> Vec<u32> {
    of_text(&world.get(&format!("orders@{commit}:/messages.jsonl")), place)
}

fn of_text(text: &[u8], place: &str) -> Vec<u32> {
    let of_one = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let number = line.pointer(place).unwrap();
        number
            .as_str()
            .map_or_else(|| number.to_string(), str::to_owned)
            .parse()
            .unwrap()
    };
    str::from_utf8(text).unwrap().lines().map(of_one).collect()
}

fn directory(cluster: &Cluster) -> Source {
    let data = cluster.path("data");
    fs::create_dir(&data).unwrap();
    let watched = data.display().to_string();
    Source {
        code: code_of(cluster, "directory", &[("SPOUT_DIRECTORY", &watched)]),
        add: Box::new(move |number| {
            let hidden = data.join(format!(".{number}"));
            fs::write(&hidden, number.to_string()).unwrap();
            fs::rename(hidden, data.join(format!("{number:03}"))).unwrap();
            true
        }),
        // A commit has all files, and its own is the last one.
        read: |world, commit| {
            let listed = world.run(&["get", &format!("orders@{commit}"), "--list"]);
            let names = listed.expect(0).lines();
            let name = |line: &String| {
                let mut words = line.split_whitespace().map(|word| word.trim_matches('/').to_owned());
                words.find(|word| word.parse::<u32>().is_ok() && word.len() == 3)
            };
            let newest = names.iter().filter_map(name).max().unwrap();
            let number: u32 = newest.parse().unwrap();
            let content = world.get(&format!("orders@{commit}:/{newest}"));
            assert_eq!(content, number.to_string().as_bytes());
            vec![number]
        },
        goes_on: true,
        sends_what_is_missing: true,
    }
}

fn mqtt(cluster: &Cluster) -> Source {
    let home = cluster.path("broker");
    fs::create_dir(&home).unwrap();
    let broker = Broker::start(&home);
    broker.wait_for("running", 1);
    Source {
        code: code_of(cluster, "mqtt", &[("MQTT_BROKER_PORT", &broker.port)]),
        // From the first subscription on, the broker keeps them.
        add: Box::new(move |number| {
            broker.wait_for("Sending SUBACK to orders", 1);
            broker.publish(&number.to_string());
            true
        }),
        read: |world, commit| of_lines(world, commit, "/payload"),
        goes_on: false,
        sends_what_is_missing: false,
    }
}

fn redis(cluster: &Cluster) -> Source {
    let redis = Redis::start();
    let variables = [("REDIS_SERVER_PORT", redis.port.as_str()), ("REDIS_HOST", "127.0.0.1")];
    Source {
        code: code_of(cluster, "redis", &variables),
        add: Box::new(move |number| redis.run(&["XADD", "orders", "*", "number", &number.to_string()])),
        read: |world, commit| of_lines(world, commit, "/fields/1"),
        goes_on: true,
        sends_what_is_missing: false,
    }
}

fn webhook(cluster: &Cluster) -> Source {
    let port = free_port().to_string();
    let variables = [("WEBHOOK_LISTEN", port.as_str()), ("WEBHOOK_SECRET", "key")];
    Source {
        code: code_of(cluster, "webhook", &variables),
        add: Box::new(move |number| {
            let body = number.to_string().into_bytes();
            post(&port, &body, &hmac_sha256(b"key", &body)) == Some(200)
        }),
        read: |world, commit| of_lines(world, commit, ""),
        goes_on: false,
        sends_what_is_missing: false,
    }
}

fn postgresql(cluster: &Cluster, programs: &Path) -> Source {
    let server = postgres::Server::start(programs);
    server.execute("CREATE TABLE orders (id bigint PRIMARY KEY)");
    let host = server.directory().display().to_string();
    let variables = [
        ("PGHOST", host.as_str()),
        ("PGUSER", "postgres"),
        ("PGDATABASE", "postgres"),
        ("SPOUT_EVERY", "0.1"),
    ];
    Source {
        code: code_of(cluster, "postgres", &variables),
        add: Box::new(move |number| {
            server.execute(&format!("INSERT INTO orders VALUES ({number})"));
            true
        }),
        read: |world, commit| of_lines(world, commit, "/key"),
        goes_on: true,
        sends_what_is_missing: false,
    }
}

fn kcat(cluster: &Cluster, broker: &Arc<kafka::Broker>) -> Source {
    let topic = format!("orders-{}", cluster.release);
    let variables = [("KAFKA_BROKERS", broker.address.as_str()), ("KAFKA_TOPIC", &topic)];
    Source {
        code: code_of(cluster, "kcat", &variables),
        ..written_to(Arc::clone(broker), topic)
    }
}

/// Whatever reads it.
fn written_to(broker: Arc<kafka::Broker>, topic: String) -> Source {
    Source {
        code: String::new(),
        add: Box::new(move |number| {
            let written = broker.kcat(&["-P", "-t", &topic], format!("{number}\n").as_bytes());
            written.is_some()
        }),
        read: |world, commit| of_lines(world, commit, "/payload"),
        goes_on: true,
        sends_what_is_missing: false,
    }
}

/// Its consumer tells who it is when it logs in, so that nothing is sent to one that is on its way out.
fn core_nats(cluster: &Cluster, client: &Path) -> Source {
    let server = nats::Server::start();
    std::os::unix::fs::symlink(client, cluster.bin().join("nats")).unwrap();
    let code = code_of(cluster, "nats", &[("NATS_URL", &server.url)]);
    let script = cluster.path("code/entrypoint.sh");
    let with_name = fs::read_to_string(&script)
        .unwrap()
        .replace("exec nats", "NATS_USER=$$ exec nats");
    fs::write(&script, with_name).unwrap();
    let consumers = cluster.path("consumers");
    Source {
        code,
        add: Box::new(move |number| {
            let started = fs::read_to_string(&consumers).unwrap_or_default();
            let newest = started.lines().last().unwrap_or_default();
            let listens = Path::new("/proc").join(newest).exists() && server.listeners("orders.>") == [newest];
            listens && server.publish("orders.new", &number.to_string())
        }),
        read: |world, commit| of_lines(world, commit, ""),
        goes_on: false,
        sends_what_is_missing: false,
    }
}

/// Runs as it is written; what it takes for the time is a number that it was given.
fn blank(cluster: &Cluster) -> Source {
    let own_code = own_code(cluster);
    let date = format!(
        "#!/bin/sh -e\ncd '{}'\n[ -e given ] || echo 0 > given\nlast=$(cat given)\n\
         while [ \"$last\" -ge \"$(cat available)\" ]; do sleep 0.02; done\n\
         echo $((last + 1)) > given.new\nmv given.new given\ncat given\n",
        cluster.world.directory.path().display()
    );
    let program = cluster.bin().join("date");
    fs::write(&program, date).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    Source {
        code: code_of(cluster, "blank", &[("SPOUT_EVERY", "0.02")]),
        read: |world, commit| of_lines(world, commit, "/time"),
        goes_on: false,
        ..own_code
    }
}

/// `put` reads it by itself, so that it is its own consumer.
#[cfg(feature = "kafka")]
fn built_in_kafka(cluster: &Cluster, broker: &Arc<kafka::Broker>) -> Source {
    let topic = format!("records-{}", cluster.release);
    let (host, port) = broker.address.split_once(':').unwrap();
    let spec = spec_of(cluster, "kafka");
    let exports = exports(&spec, &[("HOST", host), ("PORT", port), ("TOPIC", &topic)]);
    let mut command = String::new();
    for word in spec["transform"]["cmd"].as_array().unwrap() {
        write!(command, "'{}' ", word.as_str().unwrap()).unwrap();
    }
    Source {
        code: format!("echo $$ >> puts; echo $$ >> consumers; {exports}exec {command}--batch-period 50ms"),
        // A commit has all files, and its own is the one with the newest record.
        read: |world, commit| {
            let archive = world.run(&["get", "--tar", &format!("orders@{commit}")]);
            let files = crate::runner::files_of(&archive.expect(0).stdout);
            let numbers = files.iter().map(|(_, content)| of_text(content, "/value"));
            numbers.max_by_key(|numbers| numbers.last().copied()).unwrap()
        },
        ..written_to(Arc::clone(broker), topic)
    }
}

/// The spout of a template in each release.
fn live_in_each_release(source: impl Fn(&Cluster) -> Source + Sync) {
    live_in_each(&RELEASES, 5, source);
}

/// Whether these tests are wanted, and the programs are there that one needs.
fn can_live(programs: &[&str]) -> bool {
    if !takes_minutes("SPOUTCTL_TEST_FAULTS", "lives") {
        return false;
    }
    let missing = programs.iter().find(|program| !has_program(program));
    if let Some(missing) = missing {
        skip(&format!("{missing} is not installed"));
    }
    missing.is_none()
}

#[test]
fn the_files_of_a_directory_are_committed_once_whatever_a_cluster_does_to_the_spout() {
    if can_live(&["inotifywait"]) {
        live_in_each_release(directory);
    }
}

#[test]
fn what_is_published_by_mqtt_is_committed_once_whatever_a_cluster_does_to_the_spout() {
    if can_live(&["mosquitto", "mosquitto_sub"]) {
        live_in_each_release(mqtt);
    }
}

#[test]
fn the_entries_of_a_redis_stream_are_committed_once_whatever_a_cluster_does_to_the_spout() {
    if can_live(&["redis-server", "redis-cli", "jq"]) {
        live_in_each_release(redis);
    }
}

#[test]
fn what_is_posted_is_committed_once_whatever_a_cluster_does_to_the_spout() {
    if can_live(&["webhook", "jq"]) {
        live_in_each_release(webhook);
    }
}

#[test]
fn the_rows_of_a_table_are_committed_once_whatever_a_cluster_does_to_the_spout() {
    if can_live(&["jq"])
        && let Some(programs) = postgres::programs()
    {
        live_in_each_release(|cluster| postgresql(cluster, &programs));
    }
}

#[test]
fn the_messages_of_kafka_are_committed_once_whatever_a_cluster_does_to_the_spout() {
    if can_live(&["jq"])
        && let Some(jars) = kafka::jars()
    {
        let broker = Arc::new(kafka::Broker::start(&jars));
        live_in_each_release(|cluster| kcat(cluster, &broker));
    }
}

#[cfg(feature = "kafka")]
#[test]
fn the_records_that_put_reads_from_kafka_are_committed_once_whatever_a_cluster_does_to_the_spout() {
    if can_live(&[])
        && let Some(jars) = kafka::jars()
    {
        let broker = Arc::new(kafka::Broker::start(&jars));
        live_in_each_release(|cluster| built_in_kafka(cluster, &broker));
    }
}

#[test]
fn what_is_published_by_nats_is_committed_once_whatever_a_cluster_does_to_the_spout() {
    if can_live(&[])
        && let Some(client) = nats::client()
    {
        live_in_each_release(|cluster| core_nats(cluster, &client));
    }
}

#[test]
fn what_a_consumer_of_ones_own_prints_is_committed_once_whatever_a_cluster_does_to_the_spout() {
    if can_live(&[]) {
        live_in_each_release(blank);
    }
}
