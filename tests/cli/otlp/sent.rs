use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint};
use opentelemetry_proto::tonic::trace::v1::Span;

use super::collector::{Collector, Manner, attribute};
use crate::runner::{Killed, Ran, World, free_port, tar};
use crate::watch::{get, listens_at, wait};

const SECRET: &str = "0123-of-nobody";

fn three() -> Vec<u8> {
    ["one", "two", "three"]
        .map(|name| tar(&[(name, name.as_bytes())]))
        .concat()
}

/// A put of three archives, told of to this collector; it ends once what it has said and printed is as expected.
fn put_three(endpoint: &str, more: &[&str], env: &[(&str, &str)], is_enough: impl Fn(&str, &str) -> bool) -> Ran {
    let world = World::local();
    let (said, printed) = (world.path("said"), world.path("printed"));
    let mut command = world.command(&[&["put", "events", "--create-repo", "--json"], more].concat());
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_EXPORTER_OTLP_HEADERS", format!("x-key={SECRET}"))
        .env("OTEL_BSP_SCHEDULE_DELAY", "50")
        .env("OTEL_METRIC_EXPORT_INTERVAL", "50")
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(File::create(&printed).unwrap())
        .stderr(File::create(&said).unwrap());
    let mut put = Killed(command.spawn().unwrap());
    put.stdin.as_mut().unwrap().write_all(&three()).unwrap();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    wait("what is enough", || {
        let (said, printed) = (read(&said), read(&printed));
        is_enough(&said, &printed).then_some(()).ok_or(said + &printed)
    });
    drop(put.stdin.take());
    let code = put.wait().unwrap().code();
    Ran {
        code,
        stdout: read(&printed).into_bytes(),
        stderr: read(&said),
    }
}

fn commits(ran: &Ran) -> Vec<String> {
    let of = |line: &serde_json::Value| (line["type"] == "commit").then(|| line["commit"].as_str().unwrap().to_owned());
    ran.json().iter().filter_map(of).collect()
}

/// The spans that are of no other, and those that are of each of them.
fn traces(spans: &[Span]) -> Vec<(&Span, Vec<&Span>)> {
    let roots = spans.iter().filter(|span| span.parent_span_id.is_empty());
    let of = |root: &Span| {
        spans
            .iter()
            .filter(|span| span.parent_span_id == root.span_id)
            .collect()
    };
    roots.map(|root| (root, of(root))).collect()
}

fn is_error(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code == 2)
}

#[test]
fn each_commit_is_a_trace_of_its_steps_and_a_header_is_no_word_of_ours() {
    let collector = Collector::start(Manner::Takes);
    let env = [
        ("OTEL_SERVICE_NAME", "orders-spout"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
    ];
    let ran = put_three(&collector.url, &["-vv"], &env, |_, _| {
        let taken = collector.taken();
        traces(&taken.spans).len() == 3 && taken.spans.len() == 3 * 7 && !taken.figures.is_empty()
    });
    ran.expect(0);
    let said = [&ran.stderr, &String::from_utf8(ran.stdout.clone()).unwrap()].map(|text| text.contains(SECRET));
    assert_eq!(said, [false, false]);
    let taken = collector.taken();
    assert!(
        taken
            .heads
            .iter()
            .all(|head| head.contains(&format!("\r\nx-key: {SECRET}\r\n")))
    );
    for (name, value) in [
        ("service.name", "orders-spout"),
        ("deployment.environment.name", "test"),
        ("service.version", env!("CARGO_PKG_VERSION")),
    ] {
        assert_eq!(attribute(&taken.resource, name).as_deref(), Some(value));
    }
    let traces = traces(&taken.spans);
    let of = |name: &str| -> Vec<String> {
        let values = traces.iter().map(|(root, _)| attribute(&root.attributes, name));
        values.map(Option::unwrap_or_default).collect()
    };
    assert_eq!(of("commit"), commits(&ran));
    assert_eq!(of("archive"), ["1", "2", "3"]);
    assert_eq!(of("repo"), ["events"; 3]);
    let ids: BTreeSet<_> = traces.iter().map(|(root, _)| &root.trace_id).collect();
    assert_eq!(ids.len(), 3);
    for (root, steps) in &traces {
        assert_eq!((root.name.as_str(), is_error(root)), ("commit", false));
        let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["read", "upload", "start", "add", "close", "finish"]);
        for step in steps {
            assert_eq!(step.trace_id, root.trace_id);
            assert!(
                root.start_time_unix_nano <= step.start_time_unix_nano,
                "{step:?}\n{root:?}"
            );
            assert!(step.start_time_unix_nano <= step.end_time_unix_nano, "{step:?}");
            assert!(step.end_time_unix_nano <= root.end_time_unix_nano, "{step:?}\n{root:?}");
        }
    }
}

#[test]
fn an_archive_of_which_no_commit_can_be_made_is_a_trace_with_the_error() {
    // It ends by itself, and on a machine that is busy the collector may hear too late of it: then once more.
    let (ran, taken) = wait("a span", || {
        let (collector, world) = (Collector::start(Manner::Takes), World::local());
        std::fs::write(world.path("three.tar"), three()).unwrap();
        let args = ["put", "events", "--create-repo", "--max-archive-size", "1"];
        let mut command = world.command(&args);
        command.env(
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            format!("{}/v1/traces", collector.url),
        );
        let file = File::open(world.path("three.tar")).unwrap();
        let ran = Ran::from(command.stdin(Stdio::from(file)).output().unwrap());
        assert_ne!(ran.code, Some(0), "{}", ran.stderr);
        let taken = collector.taken();
        if taken.spans.is_empty() {
            Err(ran.stderr)
        } else {
            Ok((ran, taken))
        }
    });
    let traces = traces(&taken.spans);
    let [(root, steps)] = &traces[..] else {
        panic!("{:?}", taken.spans);
    };
    let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["read"]);
    assert!(is_error(root), "{root:?}");
    let why = &root.status.as_ref().unwrap().message;
    assert!(
        ran.stderr.contains(why.as_str()) && !why.is_empty(),
        "{why}\n{}",
        ran.stderr
    );
    assert_eq!(attribute(&root.attributes, "archive").as_deref(), Some("1"));
    // Nobody has said where figures go.
    assert!(taken.figures.is_empty());
}

/// Names and labels as the collector's exporter for Prometheus makes them.
fn as_prometheus(metrics: &[Metric]) -> BTreeMap<String, f64> {
    let mut lines = BTreeMap::new();
    for metric in metrics {
        let unit = match metric.unit.as_str() {
            "s" => "_seconds",
            "By" => "_bytes",
            unit => unit,
        };
        let name = metric.name.replace('.', "_") + unit;
        let mut say = |name: &str, attributes: &[KeyValue], le: Option<&str>, value: f64| {
            let of = |one: &KeyValue| format!("{}={:?}", one.key, attribute(attributes, &one.key).unwrap());
            let le = le.map(|le| format!("le={le:?}"));
            let labels: Vec<String> = le.into_iter().chain(attributes.iter().map(of)).collect();
            let labels = if labels.is_empty() {
                String::new()
            } else {
                format!("{{{}}}", labels.join(","))
            };
            let before = lines.insert(name.to_owned() + &labels, value);
            assert_eq!(before, None, "{name}{labels} comes twice");
        };
        let mut numbers = |name: &str, points: &[NumberDataPoint]| {
            for point in points {
                #[expect(clippy::cast_precision_loss, reason = "they are small")]
                let value = match point.value.unwrap() {
                    Number::AsInt(value) => value as f64,
                    Number::AsDouble(value) => value,
                };
                say(name, &point.attributes, None, value);
            }
        };
        match metric.data.as_ref().unwrap() {
            Data::Gauge(gauge) => numbers(&name, &gauge.data_points),
            Data::Sum(sum) => {
                assert!(sum.is_monotonic && sum.aggregation_temporality == 2, "{metric:?}");
                numbers(&(name + "_total"), &sum.data_points);
            }
            Data::Histogram(histogram) => {
                for point in &histogram.data_points {
                    let bounds = point.explicit_bounds.iter().map(|bound| format!("{bound:?}"));
                    let mut count = 0;
                    for (bound, more) in bounds.chain(["+Inf".to_owned()]).zip(&point.bucket_counts) {
                        count += more;
                        #[expect(clippy::cast_precision_loss, reason = "they are few")]
                        say(&format!("{name}_bucket"), &point.attributes, Some(&bound), count as f64);
                    }
                    #[expect(clippy::cast_precision_loss, reason = "they are few")]
                    say(&format!("{name}_count"), &point.attributes, None, point.count as f64);
                    say(&format!("{name}_sum"), &point.attributes, None, point.sum.unwrap());
                }
            }
            other => panic!("{other:?}"),
        }
    }
    lines
}

fn of_page(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let of = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    lines.map(of).collect()
}

/// What was sent last.
fn newest(collector: &Collector) -> Option<BTreeMap<String, f64>> {
    let taken = collector.taken();
    let of = taken.figures.last()?.resource_metrics.first()?;
    Some(as_prometheus(&of.scope_metrics.first()?.metrics))
}

#[test]
fn the_figures_that_are_sent_are_those_of_the_page() {
    let (collector, world) = (Collector::start(Manner::Takes), World::local());
    let spool = world.path("spool");
    let args = [
        "put",
        "events",
        "--create-repo",
        "--messages",
        "lines",
        "--into",
        "f",
        "--batch-count",
        "1",
    ];
    let args = [
        &args[..],
        &["--metrics-listen", "0", "--spool", spool.to_str().unwrap()],
    ]
    .concat();
    let mut command = world.command(&args);
    command
        .env(
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            format!("{}/v1/metrics", collector.url),
        )
        .env("OTEL_METRIC_EXPORT_INTERVAL", "100");
    let mut put = Killed(command.stdin(Stdio::piped()).spawn().unwrap());
    let address = listens_at(&mut put);
    put.stdin.as_mut().unwrap().write_all(b"one\ntwo\nthree\n").unwrap();
    wait("the same figures, of three commits", || {
        let (_, text) = get(&address, "/metrics");
        let (page, sent) = (of_page(&text), newest(&collector).unwrap_or_default());
        let commits = "\nspoutctl_commits_total{project=\"default\",repo=\"events\",branch=\"master\"} 3\n";
        if page == sent && text.contains(commits) {
            return Ok(());
        }
        let other = |of: &BTreeMap<String, f64>, than: &BTreeMap<String, f64>| -> Vec<String> {
            let other = of.iter().filter(|(name, value)| than.get(*name) != Some(value));
            other.map(|(name, value)| format!("{name} {value}")).collect()
        };
        Err(format!(
            "{:?} on the page, {:?} sent",
            other(&page, &sent),
            other(&sent, &page)
        ))
    });
    assert!(collector.taken().spans.is_empty());
}

#[test]
fn a_collector_that_is_away_fails_or_hangs_delays_no_commit_and_no_end_and_is_said_once() {
    let away = format!("http://127.0.0.1:{}", free_port());
    let fails = Collector::start(Manner::Answers("500 Internal Server Error"));
    let busy = Collector::start(Manner::Answers("503 Service Unavailable"));
    let elsewhere = Collector::start(Manner::Answers(
        "307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/",
    ));
    let hangs = Collector::start(Manner::Hangs);
    for (endpoint, what) in [
        (&away, "cannot be reached"),
        (&fails.url, "answers 500"),
        (&busy.url, "answers 503"),
        (&elsewhere.url, "answers 307"),
        (&hangs.url, "has not taken everything within 2 s"),
    ] {
        // Whoever waited for an answer would wait for an hour.
        let env = [("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000")];
        let is_known_at_the_end = what.contains("within 2 s");
        let ran = put_three(endpoint, &["-vv"], &env, |said, printed| {
            printed.matches("\"type\":\"commit\"").count() == 3 && (is_known_at_the_end || said.contains("said once"))
        });
        ran.expect(0);
        assert_eq!(commits(&ran).len(), 3);
        let said: Vec<&str> = ran
            .stderr
            .lines()
            .filter(|line| line.contains("this is said once"))
            .collect();
        assert_eq!(said.len(), 1, "{what}: {}", ran.stderr);
        assert!(said[0].contains(what), "{what}: {}", said[0]);
        assert!(!ran.stderr.contains(SECRET), "{}", ran.stderr);
    }
}

#[test]
fn nothing_is_sent_where_the_environment_does_not_ask_for_it() {
    let collector = Collector::start(Manner::Takes);
    for (name, value, note) in [
        ("OTEL_SDK_DISABLED", "true", None),
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "grpc",
            Some("spoutctl speaks http/protobuf"),
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "x://of:secrets@",
            Some("OTEL_EXPORTER_OTLP_ENDPOINT is no URL"),
        ),
    ] {
        let ran = put_three(&collector.url, &[], &[(name, value)], |_, _| true);
        ran.expect(0);
        let said = ran.stderr.lines().filter(|line| line.contains("OpenTelemetry")).count();
        assert_eq!(said, usize::from(note.is_some()), "{}", ran.stderr);
        assert!(note.is_none_or(|note| ran.stderr.contains(note)), "{}", ran.stderr);
        assert!(!ran.stderr.contains("secrets"), "{}", ran.stderr);
    }
    let ran = put_three(&collector.url, &["--dry-run"], &[], |_, _| true);
    ran.expect(0);
    let none = [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none")];
    put_three(&collector.url, &[], &none, |_, _| true).expect(0);
    assert_eq!(collector.taken().heads, [""; 0]);
}

/// What a collector has heard of a run of two streams: one makes its commit by itself, the other at the signal.
fn run_that_is_ended() -> (BTreeMap<String, f64>, BTreeSet<String>) {
    let (collector, world) = (Collector::start(Manner::Takes), World::local());
    let what = "create-repo = true\nmessages = \"lines\"\ninto = \"f\"\nbatch-count = \"9\"\n";
    let streams = [("one", "echo one"), ("two", "echo two; exec sleep 1000")].map(|(name, line)| {
        format!("[streams.{name}]\ndestination = \"{name}\"\n{what}command = [\"sh\", \"-c\", \"{line}\"]\n")
    });
    std::fs::write(world.path("streams.toml"), streams.concat()).unwrap();
    let mut run = world.command(&["run", world.path("streams.toml").to_str().unwrap()]);
    run.env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)
        .env("OTEL_BSP_SCHEDULE_DELAY", "50")
        .env("OTEL_METRIC_EXPORT_INTERVAL", "50");
    let mut run = Killed(run.stderr(Stdio::null()).spawn().unwrap());
    wait("a commit of the one, and a message of the other", || {
        let figures = newest(&collector).unwrap_or_default();
        let of = |what: &str, stream: &str| figures.get(&of_stream(what, stream)).copied();
        let are_there = of("commits", "one") == Some(1.0) && of("read_bytes", "two") == Some(4.0);
        are_there.then_some(()).ok_or(format!("{figures:?}"))
    });
    let pid = rustix::process::Pid::from_child(&run);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    run.wait().unwrap();
    let taken = collector.taken();
    let roots = traces(&taken.spans).into_iter();
    let streams = roots.filter_map(|(root, _)| attribute(&root.attributes, "stream"));
    (newest(&collector).unwrap(), streams.collect())
}

fn of_stream(what: &str, stream: &str) -> String {
    format!("spoutctl_{what}_total{{stream={stream:?},project=\"default\",repo={stream:?},branch=\"master\"}}")
}

#[test]
fn the_streams_of_a_run_are_told_apart_with_what_they_have_done_at_the_signal() {
    // On a machine that is busy the collector may hear too late of the end: then once more.
    wait("both commits", || {
        let (figures, streams) = run_that_is_ended();
        let is_told =
            |stream: &str| figures.get(&of_stream("commits", stream)) == Some(&1.0) && streams.contains(stream);
        (is_told("one") && is_told("two"))
            .then_some(())
            .ok_or(format!("{figures:#?}\n{streams:?}"))
    });
}
