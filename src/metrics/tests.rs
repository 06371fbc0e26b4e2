use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, UNIX_EPOCH};

use parking_lot::Mutex;

use super::*;

#[derive(Default)]
struct Fixed {
    hindrances: Mutex<Vec<String>>,
}

impl MetricsSource for Fixed {
    fn series(&self) -> Vec<Series> {
        let figures = Figures {
            totals: Totals {
                messages: 7,
                ..Totals::default()
            },
            in_hand: 2,
            retries: [("unavailable", 3), ("unknown", 0)].into(),
            last_commit: Some(UNIX_EPOCH + Duration::from_millis(1_800_000_000_250)),
            spool: Some(Spooled {
                archives: 4,
                bytes: 4096,
                limit: 1 << 30,
                since: None,
            }),
            ..Figures::default()
        };
        series(figures)
    }

    fn hindrances(&self) -> Vec<String> {
        self.hindrances.lock().clone()
    }
}

fn series(figures: Figures) -> Vec<Series> {
    let lags = Lags::default();
    lags.add(Duration::from_millis(70));
    vec![Series {
        labels: labels(),
        figures,
        lags,
    }]
}

/// A branch whose name has to be escaped.
fn labels() -> Labels {
    Labels {
        stream: None,
        project: "default".to_owned(),
        repo: "events".to_owned(),
        branch: "a\"b".to_owned(),
    }
}

fn ask(address: SocketAddr, head: &str, accept: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{head} HTTP/1.1\r\nhost: x\r\naccept: {accept}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn started(source: &Arc<Fixed>) -> SocketAddr {
    listen("127.0.0.1:0".parse().unwrap(), Arc::clone(source) as _).unwrap()
}

#[track_caller]
fn has(answer: &str, lines: &[&str]) {
    for line in lines {
        assert!(
            answer.lines().any(|found| found.trim() == *line),
            "{line} is not in:\n{answer}"
        );
    }
}

const LABELS: &str = r#"project="default",repo="events",branch="a\"b""#;

#[test]
fn who_asks_for_openmetrics_gets_it() {
    let address = started(&Arc::default());
    let prometheus = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    let answer = ask(address, "GET /metrics", prometheus);
    has(
        &answer,
        &[
            "HTTP/1.1 200 OK",
            "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8",
            "# TYPE spoutctl_messages counter",
            &format!("spoutctl_messages_total{{{LABELS}}} 7"),
            "# TYPE spoutctl_in_hand_archives gauge",
            &format!("spoutctl_in_hand_archives{{{LABELS}}} 2"),
            "# TYPE spoutctl_lag_seconds histogram",
            &format!("spoutctl_lag_seconds_bucket{{le=\"0.05\",{LABELS}}} 0"),
            &format!("spoutctl_lag_seconds_bucket{{le=\"0.1\",{LABELS}}} 1"),
            &format!("spoutctl_lag_seconds_bucket{{le=\"+Inf\",{LABELS}}} 1"),
            &format!("spoutctl_lag_seconds_count{{{LABELS}}} 1"),
            "# UNIT spoutctl_lag_seconds seconds",
            "# TYPE spoutctl_build info",
            "# EOF",
        ],
    );
}

#[test]
fn everybody_else_gets_the_older_format_with_full_names() {
    let address = started(&Arc::default());
    let answer = ask(address, "GET /metrics", "*/*");
    has(
        &answer,
        &[
            "content-type: text/plain; version=0.0.4; charset=utf-8",
            "# HELP spoutctl_messages_total Messages in archives that are done",
            "# TYPE spoutctl_messages_total counter",
            &format!("spoutctl_messages_total{{{LABELS}}} 7"),
            &format!("spoutctl_retries_total{{{LABELS},kind=\"unavailable\"}} 3"),
            &format!("spoutctl_retries_total{{{LABELS},kind=\"unknown\"}} 0"),
            &format!("spoutctl_last_commit_timestamp_seconds{{{LABELS}}} 1800000000.25"),
            &format!("spoutctl_spool_bytes{{{LABELS}}} 4096"),
            "# TYPE spoutctl_build_info gauge",
            "# TYPE process_start_time_seconds gauge",
        ],
    );
    assert!(!answer.contains("# EOF") && !answer.contains("# UNIT"), "{answer}");
    assert!(answer.contains("\nprocess_start_time_seconds "), "{answer}");
    // Nothing waits in the spool, so nothing there has a time.
    assert!(!answer.contains("spool_oldest"), "{answer}");
}

#[test]
fn alive_is_not_ready_and_what_is_missing_is_said() {
    let source = Arc::new(Fixed::default());
    let address = started(&source);
    assert!(ask(address, "GET /ready", "*/*").starts_with("HTTP/1.1 200"));
    *source.hindrances.lock() = vec!["pachd was not reached yet".to_owned()];
    let answer = ask(address, "GET /ready", "*/*");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.ends_with("\r\n\r\npachd was not reached yet\n"), "{answer}");
    assert!(ask(address, "GET /healthz", "*/*").starts_with("HTTP/1.1 200"));
}

#[test]
fn what_is_not_there_is_not_found() {
    let address = started(&Arc::default());
    assert!(ask(address, "GET /", "*/*").starts_with("HTTP/1.1 404"));
    assert!(ask(address, "POST /metrics", "*/*").starts_with("HTTP/1.1 405"));
}

#[test]
fn a_thousand_partitions_have_series_of_their_own_and_the_sum_has_all() {
    struct Many;
    impl MetricsSource for Many {
        fn series(&self) -> Vec<Series> {
            let partition = |number| Partition {
                topic: "orders".to_owned(),
                number,
                committed: 7,
                end: 9,
            };
            series(Figures {
                partitions: (0..1_234).map(partition).collect(),
                ..Figures::default()
            })
        }

        fn hindrances(&self) -> Vec<String> {
            Vec::new()
        }
    }
    let source: Arc<dyn MetricsSource> = Arc::new(Many);
    let address = listen("127.0.0.1:0".parse().unwrap(), source).unwrap();
    let answer = ask(address, "GET /metrics", "*/*");
    has(
        &answer,
        &[
            &format!("spoutctl_kafka_partitions{{{LABELS}}} 1234"),
            &format!("spoutctl_kafka_all_lag_records{{{LABELS}}} 2468"),
            &format!("spoutctl_kafka_committed_offset{{{LABELS},topic=\"orders\",partition=\"999\"}} 7"),
            &format!("spoutctl_kafka_end_offset{{{LABELS},topic=\"orders\",partition=\"0\"}} 9"),
            &format!("spoutctl_kafka_lag_records{{{LABELS},topic=\"orders\",partition=\"0\"}} 2"),
        ],
    );
    assert_eq!(answer.matches("\nspoutctl_kafka_lag_records{").count(), 1_000);
    // Where nothing of Kafka is read there is nothing of it.
    let address = started(&Arc::default());
    assert!(!ask(address, "GET /metrics", "*/*").contains("kafka"));
}

#[test]
fn each_of_several_streams_has_series_of_its_own_in_one_family() {
    struct Two;
    impl MetricsSource for Two {
        fn series(&self) -> Vec<Series> {
            let of = |stream: &str, commits| Series {
                labels: Labels {
                    stream: Some(stream.to_owned()),
                    ..labels()
                },
                figures: Figures {
                    totals: Totals {
                        commits,
                        ..Totals::default()
                    },
                    ..Figures::default()
                },
                lags: Lags::default(),
            };
            vec![of("one", 1), of("two", 2)]
        }

        fn hindrances(&self) -> Vec<String> {
            Vec::new()
        }
    }
    let address = listen("127.0.0.1:0".parse().unwrap(), Arc::new(Two)).unwrap();
    let answer = ask(address, "GET /metrics", "*/*");
    has(
        &answer,
        &[
            &format!("spoutctl_commits_total{{stream=\"one\",{LABELS}}} 1"),
            &format!("spoutctl_commits_total{{stream=\"two\",{LABELS}}} 2"),
            &format!("spoutctl_lag_seconds_count{{stream=\"two\",{LABELS}}} 0"),
        ],
    );
    // Prometheus refuses a family that comes twice.
    let types: Vec<&str> = answer.lines().filter(|line| line.starts_with("# TYPE")).collect();
    let mut once = types.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(types.len(), once.len(), "{answer}");
    // Nothing of a spool is told where there is none.
    assert!(!answer.contains("spool_"), "{answer}");
}
