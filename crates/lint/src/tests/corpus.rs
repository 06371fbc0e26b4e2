//! The rules beside what pachctl and pachd made of the same specs.

use super::*;

/// The verdicts on the corpus: file, pachctl 1.13, pachctl 2.12, pachd 2.12.
fn verdicts() -> Vec<[String; 4]> {
    let table = fs::read_to_string(fixtures("corpus").join("verdicts.tsv")).unwrap();
    let rows = table.lines().skip(1);
    rows.map(|row| {
        let mut columns = row.split('\t').map(str::to_owned);
        std::array::from_fn(|_| columns.next().unwrap_or_default())
    })
    .collect()
}

fn errors(name: &str, version: &str) -> Vec<&'static str> {
    let file = source(name, &fixtures("corpus").join(name));
    let found = check(&file, &options(version.parse().unwrap(), None)).diagnostics;
    let errors = found.iter().filter(|found| found.severity == Severity::Error);
    errors.map(|found| found.rule.0).collect()
}

#[test]
fn what_pachctl_or_pachd_refused_is_an_error() {
    let mut missed = Vec::new();
    for [name, pachctl_1_13, _, pachd_2_12] in verdicts() {
        for (verdict, version) in [(pachctl_1_13, "1.13"), (pachd_2_12, "2.12")] {
            if verdict == "error" && errors(&name, version).is_empty() {
                missed.push(format!("{name} with {version}"));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn where_an_error_is_stricter_than_pachd_the_rule_says_why_the_spec_cannot_run() {
    const STRICTER: &[&str] = &[
        "duplicate-key",        // pachd itself refuses it; only pachctl makes one of two
        "env-name",             // Kubernetes refuses the pod
        "missing-cmd",          // the worker fails the pipeline
        "missing-transform",    // as that
        "not-a-spout",          // nothing is created, or no spout
        "service-port-missing", // Kubernetes refuses the service
        "toleration-conflict",  // Kubernetes refuses the pod
        "spout-null",           // an ordinary pipeline that never runs
    ];
    for [name, _, _, pachd_2_12] in verdicts() {
        for rule in errors(&name, "2.12") {
            assert!(
                pachd_2_12 != "ok" || STRICTER.contains(&rule),
                "{name}: {rule} is an error, and pachd took it"
            );
        }
    }
}

/// What upstream's own specs give, by the end of a path and by version; the specs are not ours to keep here.
const UPSTREAM: &[(&str, &str, &[&str])] = &[
    (
        "1.13.x/EmailSentimentAnalyzer__imap_spout.json",
        "1.13",
        &["spout-name-not-dns"],
    ),
    (
        "1.13.x/EmailSentimentAnalyzer__imap_spout.json",
        "2.12",
        &["field-not-in-version", "spout-name-not-dns"],
    ),
    (
        "1.13.x/go-kafka-spout__pipelines__kafka_spout.pipeline",
        "1.13",
        &["spout-name-not-dns"],
    ),
    (
        "1.13.x/go-kafka-spout__pipelines__kafka_spout.pipeline",
        "2.12",
        &["field-not-in-version", "named-pipe-removed", "spout-name-not-dns"],
    ),
    ("1.13.x/SQS-S3__sqs-spout.json", "1.13", &["missing-comma"]),
    (
        "1.13.x/SQS-S3__sqs-spout.json",
        "2.12",
        &["field-not-in-version", "missing-comma", "named-pipe-removed"],
    ),
    ("1.13.x/spout-marker__spout-marker-pipeline.json", "1.13", &[]),
    (
        "1.13.x/spout-marker__spout-marker-pipeline.json",
        "2.12",
        &["field-not-in-version"],
    ),
    ("1.13.x/go-rabbitmq-spout__pipelines__spout.pipeline.json", "1.13", &[]),
    ("1.13.x/go-rabbitmq-spout__pipelines__spout.pipeline.json", "2.12", &[]),
    ("1.13.x/spout101__pipelines__spout.json", "1.13", &[]),
    ("master/go-rabbitmq-spout__pipelines__spout.pipeline.json", "2.12", &[]),
    ("master/spout101__pipelines__spout.pipeline.json", "2.12", &[]),
    ("master/console__cypress__fixtures__spout.pipeline.json", "2.12", &[]),
    (
        "master/console__cypress__fixtures__spout-service.pipeline.json",
        "2.12",
        &[],
    ),
    (
        "master/console__test-dags__pipelines__spout-and-service.pipeline.json",
        "2.12",
        &[],
    ),
];

#[test]
fn upstreams_own_specs_have_the_errors_that_are_known_of_them() {
    let named = std::env::var_os("SPOUTCTL_TEST_UPSTREAM_SPECS");
    // Empty says that there are none on this machine; to say nothing is to forget them.
    assert!(
        named.is_some() || std::env::var_os("SPOUTCTL_TEST_NO_SKIP").is_none(),
        "skipped: SPOUTCTL_TEST_UPSTREAM_SPECS is not set"
    );
    let Some(folder) = named.filter(|folder| !folder.is_empty()) else {
        // Past the test harness, which keeps what a passing test prints.
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            b"skipped: SPOUTCTL_TEST_UPSTREAM_SPECS does not name a folder with Pachyderm's own specs\n",
        );
        return;
    };
    for (name, version, expected) in UPSTREAM {
        let file = source(name, &Path::new(&folder).join(name));
        let options = Options {
            expect: Expect::Any,
            ..options(version.parse().unwrap(), None)
        };
        let found = check(&file, &options).diagnostics;
        let mut errors: Vec<_> = found
            .iter()
            .filter(|found| found.severity == Severity::Error)
            .map(|found| found.rule.0)
            .collect();
        errors.sort_unstable();
        errors.dedup();
        println!("{name} with {version}\n{}", report(&file, &found));
        assert_eq!(errors, *expected, "{name} with {version}:\n{}", report(&file, &found));
    }
}
