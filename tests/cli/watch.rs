//! `--metrics-listen`, as whoever watches a `put` meets it: probes, Prometheus, its rules, Grafana's dashboard.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::runner::{Killed, World, fixture, has_program, skip};
use crate::served::Served;

/// However busy the machine is.
const LONGEST: Duration = Duration::from_mins(5);

/// Looks until there is an answer.
#[track_caller]
pub fn wait<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        let missing = match look() {
            Ok(found) => return found,
            Err(missing) => missing,
        };
        assert!(begun.elapsed() < LONGEST, "waited in vain for {what}: {missing}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A `put` that is watched, and is killed in the end.
struct Watched {
    _child: Killed,
    stdin: Option<ChildStdin>,
    /// `127.0.0.1:PORT` of its figures.
    address: String,
}

impl Watched {
    fn start(world: &World, more: &[&str]) -> Self {
        let args = ["put", "events", "--create-repo", "--messages", "lines", "--into", "f"];
        let args = [&args[..], &["--batch-count", "1", "--metrics-listen", "0"], more].concat();
        let mut child = Killed(world.command(&args).stdin(Stdio::piped()).spawn().unwrap());
        Self {
            address: listens_at(&mut child),
            stdin: child.stdin.take(),
            _child: child,
        }
    }

    fn send(&mut self, line: &str) {
        self.stdin.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
    }

    /// The status and the body.
    fn get(&self, path: &str) -> (u16, String) {
        get(&self.address, path)
    }

    #[track_caller]
    fn wait_until_ready(&self) {
        wait("ready", || match self.get("/ready") {
            (200, _) => Ok(()),
            (_, body) => Err(body),
        });
    }
}

/// `127.0.0.1:PORT` of the figures of a `put`, as it says.
pub fn listens_at(put: &mut Child) -> String {
    let mut stderr = BufReader::new(put.stderr.take().unwrap());
    let mut note = String::new();
    while !note.contains("http://") {
        note.clear();
        assert_ne!(stderr.read_line(&mut note).unwrap(), 0, "it does not listen");
    }
    // Nobody may be kept from writing.
    std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
    let address = note.split("http://").nth(1).unwrap().split('/').next().unwrap();
    address.to_owned()
}

pub fn get(authority: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(authority).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

#[test]
fn it_is_ready_while_pachd_answers_and_alive_always() {
    let (served, world, spool);
    let store = tempfile::tempdir().unwrap();
    served = Served::over(&store.path().join("store"), &[]);
    world = World::at(&served.url());
    spool = world.path("spool");
    let mut put = Watched::start(&world, &["--spool", spool.to_str().unwrap()]);
    put.wait_until_ready();
    put.send("one\n");
    let committed = wait("a commit", || match put.get("/metrics") {
        (200, text) if text.contains("spoutctl_last_commit_timestamp_seconds{") => Ok(text),
        (_, text) => Err(text),
    });
    let labels = r#"{project="default",repo="events",branch="master"}"#;
    assert!(
        committed.contains(&format!("\nspoutctl_sent_bytes_total{labels} 4\n")),
        "{committed}"
    );
    drop(served);
    put.send("two\n");
    let said = wait("a retry", || match put.get("/ready") {
        (503, said) => Ok(said),
        (status, said) => Err(format!("{status} {said}")),
    });
    assert!(said.starts_with("calls to pachd fail, for "), "{said}");
    assert_eq!(put.get("/healthz"), (200, "alive\n".to_owned()));
    let (_, figures) = put.get("/metrics");
    for line in [
        format!("spoutctl_ready{labels} 0"),
        format!("spoutctl_spool_archives{labels} 1"),
        format!("spoutctl_spool_bytes{labels} 4096"),
        format!("spoutctl_commits_total{labels} 1"),
    ] {
        assert!(figures.lines().any(|found| found == line), "{line}\n{figures}");
    }
    assert!(
        figures.contains("spoutctl_spool_oldest_archive_timestamp_seconds{"),
        "{figures}"
    );
    let retried = r#"spoutctl_retries_total{project="default",repo="events",branch="master",kind="unavailable"} 0"#;
    assert!(!figures.contains(retried), "{figures}");
}

#[test]
fn before_pachd_was_reached_it_is_not_ready() {
    let port = {
        let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        unused.local_addr().unwrap().port()
    };
    let world = World::at(&format!("http://127.0.0.1:{port}"));
    let spool = world.path("spool");
    let put = Watched::start(&world, &["--spool", spool.to_str().unwrap()]);
    let (status, said) = put.get("/ready");
    assert_eq!(status, 503);
    assert!(said.starts_with("pachd was not reached yet\n"), "{said}");
    assert_eq!(put.get("/healthz").0, 200);
}

#[test]
fn a_producer_that_is_started_again_is_counted() {
    let world = World::local();
    let put = Watched::start(&world, &["--restart", "always", "--", "sh", "-c", "echo one; exit 7"]);
    wait("a restart", || match put.get("/metrics") {
        (_, text) if text.contains(r#"spoutctl_restarts_total{project="default",repo="events",branch="master"} 2"#) => {
            Ok(())
        }
        (_, text) => Err(text),
    });
}

/// promtool reads standard input, and says in its exit code what it thinks of it.
#[test]
fn promtool_has_nothing_against_the_names() {
    if !has_program("promtool") {
        return skip("no promtool (Debian's prometheus)");
    }
    let world = World::local();
    let spool = world.path("spool");
    let mut put = Watched::start(&world, &["--spool", spool.to_str().unwrap()]);
    put.send("one\n");
    let text = wait("a commit", || match put.get("/metrics") {
        (200, text) if text.contains("spoutctl_last_commit_timestamp_seconds{") => Ok(text),
        (_, text) => Err(text),
    });
    check_names(&text);
}

/// What promtool has against the names of figures.
#[track_caller]
pub fn check_names(text: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let ended = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && said.trim().is_empty(), "{said}\n{text}");
}

#[test]
fn the_alerts_fire_when_they_should_and_only_then() {
    if !has_program("promtool") {
        return skip("no promtool (Debian's prometheus)");
    }
    let ended = Command::new("promtool")
        .args(["test", "rules", "alerts_test.yml"])
        .current_dir(fixture("../dist/prometheus"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    // Each alert has a test.
    let rules = fs::read_to_string(fixture("../dist/prometheus/alerts.yml")).unwrap();
    let tests = fs::read_to_string(fixture("../dist/prometheus/alerts_test.yml")).unwrap();
    let alerts: Vec<&str> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    assert!(alerts.len() >= 4);
    for alert in alerts {
        assert!(tests.contains(&format!("alertname: {alert}\n")), "{alert} has no test");
    }
}

/// A Prometheus of the test's own, with one thing to watch.
pub struct Prometheus {
    _child: Killed,
    address: String,
    _directory: tempfile::TempDir,
}

impl Prometheus {
    pub fn watching(address: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = format!(
            "global: {{scrape_interval: 250ms, scrape_timeout: 250ms}}\nrule_files: [{}]\nscrape_configs:\n\
             - job_name: spouts\n  static_configs: [{{targets: ['{address}']}}]\n",
            fixture("../dist/prometheus/alerts.yml").display()
        );
        fs::write(directory.path().join("prometheus.yml"), config).unwrap();
        let prometheus = Command::new("prometheus")
            .current_dir(directory.path())
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = Killed(prometheus.unwrap());
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let begin = said.len();
            assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
            let line = &said[begin..];
            let address = line.split("address=127.0.0.1:").nth(1).map(str::trim);
            if let Some(port) = address.filter(|port| *port != "0" && line.contains("Listening on")) {
                break format!("127.0.0.1:{port}");
            }
        };
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        wait("Prometheus", || match get(&address, "/-/ready") {
            (200, _) => Ok(()),
            (_, said) => Err(said),
        });
        Self {
            _child: child,
            address,
            _directory: directory,
        }
    }

    /// What the API says; an error is one of the query itself.
    pub fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let parameters: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        let (_, body) = get(&self.address, &format!("/api/v1/{path}?{}", parameters.join("&")));
        // The body may come in chunks.
        let json = body
            .find('{')
            .map_or("", |begin| &body[begin..=body.rfind('}').unwrap()]);
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {body}"))
    }
}

/// The queries of the dashboard, each with the panel or the variable that it is of.
pub fn queries_of_dashboard() -> (BTreeMap<String, String>, Vec<String>) {
    let path: PathBuf = fixture("../dist/grafana/spoutctl.json");
    let dashboard: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let filled = |text: &str| {
        let mut text = text.replace("$__rate_interval", "1m");
        for variable in ["$project", "$repo", "$branch"] {
            text = text.replace(variable, ".*");
        }
        assert!(!text.contains('$'), "{text}");
        text
    };
    let mut queries = BTreeMap::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let query = filled(target["expr"].as_str().unwrap());
            queries.insert(query, panel["title"].as_str().unwrap().to_owned());
        }
    }
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    let variables = variables.filter_map(|variable| variable["query"]["query"].as_str());
    (queries, variables.map(filled).collect())
}

#[test]
fn each_query_of_the_dashboard_has_an_answer_of_a_real_prometheus() {
    if !has_program("prometheus") {
        return skip("no prometheus");
    }
    let store = tempfile::tempdir().unwrap();
    let served = Served::over(&store.path().join("store"), &[]);
    let world = World::at(&served.url());
    let spool = world.path("spool");
    let mut put = Watched::start(&world, &["--spool", spool.to_str().unwrap()]);
    let prometheus = Prometheus::watching(&put.address);
    put.send("one\n");
    wait("a commit", || {
        let found = prometheus.ask("query", &[("query", "spoutctl_commits_total == 1")]);
        let is_there = found["data"]["result"]
            .as_array()
            .is_some_and(|found| !found.is_empty());
        is_there.then_some(()).ok_or_else(|| found.to_string())
    });
    // Now something waits in the spool.
    drop(served);
    put.send("two\n");
    let (mut queries, variables) = queries_of_dashboard();
    // What is read here is not Kafka.
    queries.retain(|query, _| !query.contains("spoutctl_kafka_"));
    assert!(queries.len() >= 20 && variables.len() == 3);
    wait("answers to all queries", || {
        let unanswered = queries.iter().filter(|(query, _)| {
            let answer = prometheus.ask("query", &[("query", query)]);
            assert_eq!(answer["status"], "success", "{query}: {answer}");
            answer["data"]["result"].as_array().unwrap().is_empty()
        });
        let unanswered: Vec<_> = unanswered.collect();
        let all = unanswered.is_empty();
        all.then_some(()).ok_or_else(|| format!("{unanswered:?}"))
    });
    for (variable, value) in variables.iter().zip(["default", "events", "master"]) {
        let inner = variable
            .strip_prefix("label_values(")
            .unwrap()
            .strip_suffix(')')
            .unwrap();
        let (series, label) = inner.rsplit_once(", ").unwrap();
        let found = prometheus.ask(&format!("label/{label}/values"), &[("match[]", series)]);
        assert_eq!(found["data"], serde_json::json!([value]), "{variable}: {found}");
    }
    // The rules are loaded, and none of them fails.
    let rules = prometheus.ask("rules", &[("type", "alert")]);
    let rules = rules["data"]["groups"][0]["rules"].as_array().unwrap().clone();
    assert!(rules.len() >= 4);
    assert!(rules.iter().all(|rule| rule["health"] != "err"), "{rules:?}");
}
