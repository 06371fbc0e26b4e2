//! The rules, held to what API servers, or their strategies of creation, of 1.25.16 and 1.37.2 and pachd 2.12 say of
//! single fields: `fixtures/kubernetes/verdicts.tsv`. What lies between is read from the gates.
//!
//! A row is what a spec has beside the plainest spout, what comes of it with Kubernetes 1.25 and with 1.37, and where
//! that holds: with a store on a `host-path`, with workers as `root`, from a `version` of the pipeline on, or in a
//! `cluster` in which something does not exist, which is not ours to know. `«a×64»` is 64 times that letter.

use regex::Regex;
use serde_json::{Value as Json, json};

use super::*;

struct Row {
    spec: Json,
    verdicts: [String; 2],
    holds: String,
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/kubernetes/verdicts.tsv");
    let text = fs::read_to_string(path).unwrap();
    let repeated = Regex::new("(?s)«(.)×([0-9]+)»").unwrap();
    let row = |line: &str| {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or_default().to_owned();
        let (fragment, old, new, holds) = (next(), next(), next(), next());
        let fragment = repeated.replace_all(&fragment, |found: &regex::Captures<'_>| {
            found[1].repeat(found[2].parse().unwrap())
        });
        let mut spec =
            json!({"pipeline": {"name": "sp"}, "spout": {}, "transform": {"image": "alpine:3", "cmd": ["/app/run"]}});
        overlay(&mut spec, &serde_json::from_str(&fragment).unwrap());
        Row {
            spec,
            verdicts: [old, new],
            holds,
        }
    };
    text.lines().filter(|line| !line.starts_with('#')).map(row).collect()
}

/// Unlike a merge patch it keeps nulls, which mean something in a spec.
fn overlay(base: &mut Json, fragment: &Json) {
    match (base, fragment) {
        (Json::Object(base), Json::Object(fragment)) => {
            for (key, value) in fragment {
                overlay(base.entry(key.clone()).or_insert(Json::Null), value);
            }
        }
        (base, fragment) => *base = fragment.clone(),
    }
}

fn found(row: &Row, kubernetes: Option<&str>) -> Vec<Diagnostic> {
    let options = Options {
        kubernetes: kubernetes.map(|version| version.parse().unwrap()),
        ..Options::default()
    };
    let mut found = check(&SourceFile::new("spec.json", row.spec.to_string()), &options).diagnostics;
    // A policy, and what pachd says of any spec like these.
    found.retain(|found| found.rule.0 != "image-tag" && found.severity != Severity::Info);
    found
}

fn is_refused(verdict: &str) -> bool {
    matches!(verdict, "refused" | "refuses" | "fails later" | "drops")
}

#[test]
fn what_is_refused_has_a_finding_and_what_is_taken_has_no_error() {
    let mut wrong = Vec::new();
    for row in rows().iter().filter(|row| row.holds != "cluster") {
        for (kubernetes, verdicts) in [
            (None, &row.verdicts[..]),
            (Some("1.25"), &row.verdicts[..1]),
            (Some("1.37"), &row.verdicts[1..]),
        ] {
            let found = found(row, kubernetes);
            let said: Vec<_> = found
                .iter()
                .map(|found| format!("{}: {}", found.rule, found.message))
                .collect();
            let is_usual = !matches!(row.holds.as_str(), "host-path" | "root");
            let has_error = found.iter().any(|found| found.severity == Severity::Error);
            if is_usual && has_error && verdicts.iter().any(|verdict| verdict == "taken") {
                wrong.push(format!("{kubernetes:?} takes {}, and there is {said:?}", row.spec));
            }
            if found.is_empty() && verdicts.iter().any(|verdict| is_refused(verdict)) {
                wrong.push(format!("{kubernetes:?} refuses {}, and nothing is said", row.spec));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_only_a_cluster_knows_is_not_judged() {
    for row in rows().iter().filter(|row| row.holds == "cluster") {
        assert_eq!(found(row, None), [], "{}", row.spec);
    }
}

#[test]
fn the_verdicts_are_of_every_kind() {
    let rows = rows();
    let count = |verdict: &str| rows.iter().filter(|row| row.verdicts[0] == verdict).count();
    assert!(rows.len() > 1_000 && count("taken") > 400 && count("refused") > 400);
}
