//! The spouts that `create --with-code` writes, run as in their pods: `serve --as-spout` plays the sidecar.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sha2::{Digest, Sha256};
use spoutctl::scaffold::template;

use crate::create::{create, needed};
use crate::grpc::Sidecar;
use crate::postgres;
use crate::runner::{Killed, World, free_port, has_program, signal, skip, wait_for};

/// A spout in its pod, and the world that its store is in.
struct Spout {
    /// It ends before its store goes.
    _sidecar: Sidecar,
    world: World,
    code: Child,
}

impl Spout {
    /// Creates a spout of the template, with `change` made to its script, and runs it with `bin` before all programs.
    fn start(template: &str, flags: &[&str], change: impl Fn(String) -> String, bin: Option<&Path>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut world = World::at(&format!("local:{}", directory.path().join("store").display()));
        world.directory = directory;
        let begin = [
            "orders",
            "--image",
            "a:1",
            "--template",
            template,
            "--with-code",
            "code",
        ];
        create(&world, &[&begin[..], needed(template), flags].concat()).expect(0);
        let script = world.path("code/entrypoint.sh");
        fs::write(&script, change(fs::read_to_string(&script).unwrap())).unwrap();

        let sidecar = Sidecar::of(&world.path("store"), "orders");
        let own = world.path("bin");
        fs::create_dir(&own).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_spoutctl"), own.join("spoutctl")).unwrap();
        let path = bin
            .into_iter()
            .chain([own.as_path()])
            .map(|path| path.display().to_string());
        let path: Vec<String> = path
            .chain(["/usr/local/bin:/usr/bin:/bin:/usr/sbin".to_owned()])
            .collect();
        // What the spec says, as pachd would do it.
        let spec: Value = serde_json::from_slice(&fs::read(world.path("code/orders.json")).unwrap()).unwrap();
        let env = spec["transform"]["env"].as_object().into_iter().flatten();
        let env: Vec<_> = env
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let code = Command::new("bash")
            .arg(&script)
            .env_clear()
            .env("PATH", path.join(":"))
            .env("WORLD", world.directory.path())
            .env("TMPDIR", world.directory.path())
            .env("WEBHOOK_SECRET", "key")
            .envs(env)
            .envs(sidecar.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(world.path("said")).unwrap())
            .spawn()
            .unwrap();
        Self {
            _sidecar: sidecar,
            world,
            code,
        }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.world.path("said")).unwrap_or_default()
    }

    fn commits(&self) -> Vec<String> {
        let ran = self.world.run(&["tail", "orders", "-e", "-n", "1000", "--json"]);
        if ran.code != Some(0) {
            return Vec::new();
        }
        let ids = ran.json();
        ids.iter()
            .map(|line| line["commit"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The messages of all commits, in their order.
    fn messages(&self) -> Vec<Value> {
        let of_one = |commit: String| self.world.get(&format!("orders@{commit}:/messages.jsonl"));
        let lines: Vec<u8> = self.commits().into_iter().flat_map(of_one).collect();
        let lines = String::from_utf8(lines).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn wait_for_messages(&self, count: usize) -> Vec<Value> {
        wait_for(&format!("{count} messages; {}", self.said()), || {
            Some(self.messages()).filter(|messages| messages.len() >= count)
        })
    }

    /// Ends it as Kubernetes does, and says how it ended.
    fn end(&mut self) -> Option<i32> {
        signal(self.code.id(), Signal::TERM);
        self.code.wait().unwrap().code()
    }
}

impl Drop for Spout {
    fn drop(&mut self) {
        // Killed at once, it would leave its consumer behind.
        if let (Ok(None), Some(process)) = (self.code.try_wait(), Pid::from_raw(self.code.id().cast_signed())) {
            let _ = kill_process(process, Signal::TERM);
            let begun = Instant::now();
            while matches!(self.code.try_wait(), Ok(None)) && begun.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        let _ = self.code.kill();
        let _ = self.code.wait();
    }
}

/// Stands for each consumer: says where it was told to begin, notes its process, gives one message and then hangs.
const CONSUMER: &str = r#"#!/bin/bash
program=${0##*/}
echo "$*" >>"$WORLD/calls"
life=$(wc -l <"$WORLD/lives")
case $program in
    kcat) echo "{\"offset\":$((life + 40))}" ;;
    mosquitto_sub | nats) echo "{\"life\":$life}" ;;
    psql | redis-cli)
        # One answer each life; then the next question hangs.
        if [ ! -e "$WORLD/answered.$life" ]; then
            touch "$WORLD/answered.$life"
            if [ "$program" = psql ]; then echo "{\"key\":\"$((life + 1))\",\"row\":{}}"; exit 0; fi
            echo "{\"s\":[[\"$((life + 1))-0\",[\"life\",\"$life\"]]]}"
            exit 0
        fi
        ;;
    webhook) echo "{\"life\":$life}" >"$MESSAGES" ;;
    inotifywait)
        echo "Setting up watches."
        echo "Watches established."
        echo "$life" >"$SPOUT_DIRECTORY/$life"
        echo "$SPOUT_DIRECTORY/$life"
        ;;
esac
echo $$ >>"$WORLD/lives"
exec /bin/sleep 1000
"#;

fn stub(world: &Path) -> PathBuf {
    let bin = world.join("stubs");
    fs::create_dir(&bin).unwrap();
    let program = bin.join("consumer");
    fs::write(&program, CONSUMER).unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for name in [
        "kcat",
        "mosquitto_sub",
        "nats",
        "psql",
        "redis-cli",
        "webhook",
        "inotifywait",
        "sleep",
    ] {
        std::os::unix::fs::symlink(&program, bin.join(name)).unwrap();
    }
    bin
}

/// Kills a template's consumer twice, and looks that the spout goes on.
fn kills(template: &str) {
    let stubs = tempfile::tempdir().unwrap();
    let bin = stub(stubs.path());
    let directory = stubs.path().join("data").display().to_string();
    let flags = match template {
        "directory" => vec!["--env".to_owned(), format!("SPOUT_DIRECTORY={directory}")],
        _ => Vec::new(),
    };
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    // Five seconds for each commit would be long for a test.
    let faster = |script: String| script.replace("--messages lines", "--messages lines --batch-period 100ms");
    let world = stubs.path().display().to_string();
    fs::write(stubs.path().join("lives"), "").unwrap();
    let with_world = |script: String| {
        faster(script).replacen(
            "set -euo pipefail",
            &format!("set -euo pipefail\nexport WORLD='{world}'"),
            1,
        )
    };
    let mut spout = Spout::start(template, &flags, with_world, Some(&bin));
    for life in 1..=3 {
        let lives = || fs::read_to_string(stubs.path().join("lives")).unwrap_or_default();
        let process = wait_for(&format!("life {life} of {template}; {}", spout.said()), || {
            lives().lines().nth(life - 1).map(|line| line.parse().unwrap())
        });
        wait_for(&format!("commit {life} of {template}; {}", spout.said()), || {
            (spout.commits().len() >= life).then_some(())
        });
        if life < 3 {
            signal(process, Signal::KILL);
        }
    }
    assert!(
        spout.code.try_wait().unwrap().is_none(),
        "{template} has ended: {}",
        spout.said()
    );
    assert!(spout.said().contains("it is started again"), "{}", spout.said());
    let calls = fs::read_to_string(stubs.path().join("calls")).unwrap_or_default();
    let goes_on = match template {
        "kcat" => "-o 41",
        "postgres" => "last=1",
        "redis" => "STREAMS orders 1-0",
        _ => "",
    };
    assert!(
        calls.contains(goes_on),
        "{template} does not go on at its marker: {calls}"
    );
    assert_eq!(spout.end(), Some(143), "{template}");
}

#[test]
fn a_consumer_that_is_killed_is_started_again_and_goes_on() {
    if !has_program("jq") {
        skip("jq is not installed");
        return;
    }
    std::thread::scope(|scope| {
        for template in template::ALL.iter().filter(|template| template.has_consumer()) {
            scope.spawn(|| kills(template.name));
        }
    });
}

/// A broker of the test's own.
pub struct Broker {
    _process: Killed,
    pub port: String,
    log: PathBuf,
}

impl Broker {
    pub fn start(directory: &Path) -> Self {
        let port = free_port().to_string();
        let config = directory.join("mosquitto.conf");
        fs::write(&config, format!("listener {port} 127.0.0.1\nallow_anonymous true\n")).unwrap();
        let log = directory.join("mosquitto.log");
        let process = Command::new("mosquitto")
            .arg("-v")
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self {
            _process: Killed(process),
            port,
            log,
        }
    }

    pub fn wait_for(&self, event: &str, times: usize) {
        wait_for(&format!("{event} at the broker"), || {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            (log.matches(event).count() >= times).then_some(())
        });
    }

    pub fn publish(&self, message: &str) {
        let status = Command::new("mosquitto_pub")
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &self.port,
                "-q",
                "1",
                "-t",
                "orders/new",
                "-m",
                message,
            ])
            .status();
        assert!(status.unwrap().success());
    }
}

/// The processes of this program whose command line has this word.
fn processes(program: &str, word: &str) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_meant = |number: &u32| {
        let line = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
        let mut words = line.split(|byte| *byte == 0);
        words.next() == Some(program.as_bytes()) && words.any(|other| other == word.as_bytes())
    };
    numbers.filter(is_meant).collect()
}

#[test]
fn what_is_published_by_mqtt_is_committed_also_when_the_consumer_is_killed() {
    if !has_program("mosquitto") || !has_program("mosquitto_sub") {
        skip("mosquitto and mosquitto-clients are not installed");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let broker = Broker::start(directory.path());
    broker.wait_for("running", 1);
    let port = format!("MQTT_BROKER_PORT={}", broker.port);
    let mut spout = Spout::start("mqtt", &["--env", &port], |script| script, None);
    broker.wait_for("Sending SUBACK to orders", 1);
    broker.publish("one");
    broker.publish("two \"quoted\"\nand a second line");
    spout.wait_for_messages(2);

    let consumers = processes("mosquitto_sub", &broker.port);
    assert_eq!(consumers.len(), 1);
    signal(consumers[0], Signal::KILL);
    broker.publish("while nobody listens");
    let messages = spout.wait_for_messages(3);
    let payloads: Vec<&str> = messages
        .iter()
        .map(|message| message["payload"].as_str().unwrap())
        .collect();
    assert_eq!(
        payloads,
        ["one", "two \"quoted\"\nand a second line", "while nobody listens"]
    );
    assert!(messages.iter().all(|message| message["topic"] == "orders/new"));
    assert_eq!(spout.end(), Some(143));
    // What the signal found on its way is not lost: a commit is whole, and there is none without messages.
    assert!(spout.commits().len() <= 3);
}

/// A Redis of the test's own, which keeps nothing.
pub struct Redis {
    _process: Killed,
    pub port: String,
}

impl Redis {
    pub fn start() -> Self {
        let port = free_port().to_string();
        let process = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", ""])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let redis = Self {
            _process: Killed(process.unwrap()),
            port,
        };
        wait_for("redis", || redis.run(&["ping"]).then_some(()));
        redis
    }

    /// Whether it has carried this out.
    pub fn run(&self, args: &[&str]) -> bool {
        let answered = Command::new("redis-cli")
            .args(["-e", "-p", &self.port])
            .args(args)
            .output();
        answered.unwrap().status.success()
    }
}

#[test]
fn each_entry_of_a_redis_stream_is_committed_once_also_when_the_consumer_is_killed() {
    if !has_program("redis-server") || !has_program("redis-cli") || !has_program("jq") {
        skip("redis-server, redis-tools and jq are not installed");
        return;
    }
    let redis = Redis::start();
    let add = |text: &str| assert!(redis.run(&["XADD", "orders", "*", "text", text]));
    add("before it begins");
    let flags = [
        "--env".to_owned(),
        format!("REDIS_SERVER_PORT={}", redis.port),
        "--env".to_owned(),
        "REDIS_HOST=127.0.0.1".to_owned(),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let spout = Spout::start("redis", &flags, |script| script, None);
    spout.wait_for_messages(1);
    add("a \"quoted\"\ntext");
    spout.wait_for_messages(2);
    let consumer = wait_for("redis-cli", || processes("redis-cli", &redis.port).first().copied());
    signal(consumer, Signal::KILL);
    add("while nobody reads");
    let messages = spout.wait_for_messages(3);
    let texts: Vec<&str> = messages
        .iter()
        .map(|message| message["fields"][1].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["before it begins", "a \"quoted\"\ntext", "while nobody reads"]);
}

/// RFC 2104, with a key that is shorter than a block.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    let padded = |with: u8| -> Vec<u8> {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block.to_vec()
    };
    let inner = Sha256::digest([&padded(0x36), message].concat());
    let outer = Sha256::digest([&padded(0x5c), &inner[..]].concat());
    outer.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The status of the answer; none while nobody listens.
pub fn post(port: &str, body: &[u8], signature: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).ok()?;
    write!(
        stream,
        "POST /hooks/messages HTTP/1.0\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         x-hub-signature-256: sha256={signature}\r\n\r\n",
        body.len()
    )
    .ok()?;
    stream.write_all(body).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

#[test]
fn the_body_of_a_signed_request_is_committed_and_no_other() {
    if !has_program("webhook") || !has_program("jq") {
        skip("webhook and jq are not installed");
        return;
    }
    let port = free_port().to_string();
    let listen = format!("WEBHOOK_LISTEN={port}");
    let spout = Spout::start("webhook", &["--env", &listen], |script| script, None);
    let send = |body: &[u8]| post(&port, body, &hmac_sha256(b"key", body));
    let first = br#"{"number":12345678901234567890,"text":"a\nb"}"#;
    assert_eq!(wait_for("the webhook", || send(first)), 200, "{}", spout.said());
    assert_eq!(send(b"{\n  \"lines\": 2\r\n}\n"), Some(200));
    // Not signed with the key; no JSON; nothing at all.
    assert_ne!(post(&port, b"{}", &hmac_sha256(b"other", b"{}")), Some(200));
    assert_eq!(send(b"{"), Some(500));
    assert_eq!(send(b""), Some(500));
    let large = format!("{{\"large\":\"{}\"}}", "x".repeat(500_000));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(send(large.as_bytes()), Some(200)));
        }
    });
    let messages = spout.wait_for_messages(10);
    assert_eq!(messages.len(), 10);
    let commit = spout.commits().remove(0);
    let written = spout.world.get(&format!("orders@{commit}:/messages.jsonl"));
    // Byte for byte: a number is not what a parser makes of it.
    assert!(written.starts_with(&[&first[..], b"\n"].concat()));
    assert_eq!(messages[1], serde_json::json!({"lines": 2}));
    assert!(
        messages[2..]
            .iter()
            .all(|message| message["large"].as_str().unwrap().len() == 500_000)
    );
}

#[test]
fn each_file_of_a_directory_is_committed_once_when_it_is_complete() {
    if !has_program("inotifywait") {
        skip("inotify-tools is not installed");
        return;
    }
    let watched = tempfile::tempdir().unwrap();
    let at = |name: &str| watched.path().join(name);
    fs::write(at("there before"), "1").unwrap();
    let directory = format!("SPOUT_DIRECTORY={}", watched.path().display());
    let spout = Spout::start("directory", &["--env", &directory], |script| script, None);
    let commits = |count: usize| {
        wait_for(&format!("{count} commits; {}", spout.said()), || {
            Some(spout.commits()).filter(|commits| commits.len() >= count)
        })
    };
    commits(1);
    fs::write(at(".part"), "2").unwrap();
    fs::rename(at(".part"), at("moved")).unwrap();
    commits(2);
    fs::create_dir(at("sub")).unwrap();
    let consumers = || processes("inotifywait", watched.path().to_str().unwrap());
    wait_for("the new directory's watch", || consumers().first().copied());
    std::thread::sleep(Duration::from_millis(300));
    fs::write(at("sub/written"), "3").unwrap();
    commits(3);
    signal(consumers()[0], Signal::KILL);
    fs::write(at("while nobody looks"), "4").unwrap();
    // In the repo they have other names.
    for name in ["50%", "a*b", "büro.txt", "{x}[y] (z)"] {
        fs::write(at(name), name).unwrap();
    }
    commits(8);
    signal(consumers()[0], Signal::KILL);
    // The last one by name, so that all others were looked at when it is there. What the repo has is not sent again.
    fs::write(at("~"), "5").unwrap();
    let all = commits(9);
    assert_eq!(all.len(), 9, "{}", spout.said());
    for (name, content) in [
        ("50%25", "50%"),
        ("b%C3%BCro.txt", "büro.txt"),
        ("~", "5"),
        ("there before", "1"),
        ("moved", "2"),
        ("sub/written", "3"),
        ("while nobody looks", "4"),
    ] {
        assert_eq!(
            spout.world.get(&format!("orders:/{name}")),
            content.as_bytes(),
            "{name}"
        );
    }
    spout.world.run(&["get", "orders:/.part"]).expect(1);

    // A directory that is gone is watched again when it is back.
    fs::remove_dir_all(watched.path()).unwrap();
    wait_for("the new watch", || {
        (spout.said().matches("it is started again").count() == 3).then_some(())
    });
    wait_for("the directory", || watched.path().exists().then_some(()));
    fs::write(at("in the new one"), "5").unwrap();
    commits(10);
    assert_eq!(consumers().len(), 1, "the one before lives on");
}

#[test]
fn a_file_of_a_directory_is_not_sent_again_when_nobody_can_tell_whether_it_was_committed() {
    if !has_program("inotifywait") {
        skip("inotify-tools is not installed");
        return;
    }
    let world = tempfile::tempdir().unwrap();
    let at = |name: &str| world.path().join(name);
    for name in ["bin", "watched"] {
        fs::create_dir(at(name)).unwrap();
    }
    let script = format!(
        "#!/bin/sh\n[ \"$1\" != get ] || [ ! -e '{}' ] || exit 5\nexec '{}' \"$@\"\n",
        at("away").display(),
        env!("CARGO_BIN_EXE_spoutctl")
    );
    fs::write(at("bin/spoutctl"), script).unwrap();
    fs::set_permissions(at("bin/spoutctl"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let directory = format!("SPOUT_DIRECTORY={}", at("watched").display());
    let spout = Spout::start("directory", &["--env", &directory], |script| script, Some(&at("bin")));
    fs::write(at("watched/first"), "1").unwrap();
    wait_for(&format!("a commit; {}", spout.said()), || {
        (spout.commits().len() == 1).then_some(())
    });
    fs::write(at("away"), "").unwrap();
    let consumer = wait_for("the watch", || {
        processes("inotifywait", at("watched").to_str().unwrap())
            .first()
            .copied()
    });
    signal(consumer, Signal::KILL);
    wait_for("what it says", || {
        spout
            .said()
            .contains("cannot tell whether default/orders has first: spoutctl get has ended with 5")
            .then_some(())
    });
    fs::write(at("watched/second"), "2").unwrap();
    fs::remove_file(at("away")).unwrap();
    wait_for("the second commit", || (spout.commits().len() >= 2).then_some(()));
    let of_newest = spout.world.run(&["get", "orders", "--list"]).text();
    assert!(of_newest.contains("second"), "{of_newest}");
    assert_eq!(spout.commits().len(), 2, "{}", spout.said());
}

#[test]
fn files_whose_events_the_kernel_dropped_are_found_behind_the_crowd() {
    let world = tempfile::tempdir().unwrap();
    let bin = world.path().join("bin");
    let watched = world.path().join("watched");
    fs::create_dir(&bin).unwrap();
    // As inotifywait is after its queue was full: many lines, and not a word of the one file that matters.
    let inotifywait = r#"#!/bin/bash
echo "Watches established."
# Begun by that file, so that the look at what is there already has ended.
until [ -e "$SPOUT_DIRECTORY/known" ]; do sleep 0.1; done
echo "$SPOUT_DIRECTORY/known"
touch "$SPOUT_DIRECTORY/dropped"
for ((i = $(cat /proc/sys/fs/inotify/max_queued_events) / 4; i > 0; i--)); do echo "$SPOUT_DIRECTORY/.partial"; done
exec sleep 1000
"#;
    fs::write(bin.join("inotifywait"), inotifywait).unwrap();
    fs::set_permissions(
        bin.join("inotifywait"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let directory = format!("SPOUT_DIRECTORY={}", watched.display());
    let spout = Spout::start("directory", &["--env", &directory], |script| script, Some(&bin));
    wait_for("the directory", || watched.exists().then_some(()));
    fs::write(watched.join("known"), "1").unwrap();
    wait_for(&format!("both files; {}", spout.said()), || {
        let listed = spout.world.run(&["get", "orders", "--list"]);
        let listed = listed.text();
        (listed.contains("known") && listed.contains("dropped")).then_some(())
    });
}

#[test]
fn each_row_of_a_postgresql_table_is_committed_once_in_the_order_of_its_key() {
    let Some(programs) = postgres::programs() else { return };
    if !has_program("jq") {
        skip("jq is not installed");
        return;
    }
    let server = postgres::Server::start(&programs);
    server.execute("CREATE TABLE orders (id bigint PRIMARY KEY, item text)");
    server.execute("INSERT INTO orders VALUES (2, E'two\\nlines'), (1, 'one \"quoted\"'), (10, 'ten')");
    let host = server.directory().display().to_string();
    let here = |script: String| {
        let login =
            format!("set -euo pipefail\nexport PGHOST='{host}' PGUSER=postgres PGDATABASE=postgres SPOUT_EVERY=0.2");
        script.replacen("set -euo pipefail", &login, 1)
    };
    let mut spout = Spout::start("postgres", &[], here, None);
    spout.wait_for_messages(3);
    server.execute("INSERT INTO orders VALUES (11, NULL), (12, 'twelve')");
    let messages = spout.wait_for_messages(5);
    let keys: Vec<&str> = messages
        .iter()
        .map(|message| message["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["1", "2", "10", "11", "12"]);
    assert_eq!(messages[1]["row"]["item"], "two\nlines");
    assert_eq!(messages[3]["row"]["item"], Value::Null);
    assert_eq!(spout.end(), Some(143));
    assert_eq!(spout.messages().len(), 5);
}
