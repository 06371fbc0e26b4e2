//! The rules, held to `fixtures/specs`: what each finds, exactly, and what it leaves alone; and to the verdicts of
//! pachctl and pachd over a corpus of small specs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::diagnostic::{Edit, Safety};
use crate::source::{Position, Span};

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/specs")
        .join(folder)
}

/// The specs of a folder by their names, reports left out.
fn specs(folder: &str) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(fixtures(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut specs: Vec<_> = paths
        .filter(|path| {
            path.extension()
                .is_some_and(|ending| ending != "txt" && ending != "tsv")
        })
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    specs.sort();
    specs
}

/// The rule that a fixture is for, and the version: `missing-cmd.json`, `missing-cmd+empty@1.13.json`. Without a version
/// it is the newest that the rule is for.
fn case(name: &str) -> (&'static Rule, Version) {
    let stem = name.rsplit_once('.').unwrap().0;
    let (case, version) = stem
        .split_once('@')
        .map_or((stem, None), |(case, version)| (case, Some(version)));
    let id = case.split('+').next().unwrap();
    let rule = rule_named(id).unwrap_or_else(|| panic!("{name} is for no rule"));
    (
        rule,
        version.map_or(rule.versions.last, |version| version.parse().unwrap()),
    )
}

fn options(version: Version, rule: Option<&Rule>) -> Options {
    let asked_for = rule.filter(|rule| rule.opt_in).map(|rule| (rule.id, rule.severity));
    Options {
        version,
        severities: asked_for.into_iter().collect(),
        ..Options::default()
    }
}

fn source(name: &str, path: &Path) -> SourceFile {
    SourceFile::decode(name, fs::read(path).unwrap())
}

/// Everything of a diagnostic, one thing a line.
fn report(file: &SourceFile, diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    let place = |span: Span| {
        let position = file.position(span.start);
        let slice = file.slice(span);
        let slice = if slice.chars().count() > 50 {
            format!("{}…", slice.chars().take(50).collect::<String>())
        } else {
            slice.to_owned()
        };
        format!("{}:{} {:?}", position.line, position.column, slice)
    };
    for found in diagnostics {
        let Position { line, column } = file.position(found.primary.span.start);
        writeln!(
            text,
            "{line}:{column}: {}[{}]: {}",
            found.severity, found.rule, found.message
        )
        .unwrap();
        for label in std::iter::once(&found.primary).chain(&found.secondary) {
            writeln!(text, "  at {} {}", place(label.span), label.text).unwrap();
        }
        for (kind, said) in [("note", &found.note), ("help", &found.help)] {
            if let Some(said) = said {
                writeln!(text, "  {kind}: {said}").unwrap();
            }
        }
        if let Some(fix) = &found.fix {
            writeln!(text, "  {:?} fix: {}", fix.safety, fix.title).unwrap();
            for edit in &fix.edits {
                writeln!(text, "    {} -> {:?}", place(edit.span), edit.replacement).unwrap();
            }
        }
    }
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn each_rule_finds_its_fault_and_says_exactly_this() {
    let mut wrong = Vec::new();
    for (name, path) in specs("err") {
        let (rule, version) = case(&name);
        let file = source(&name, &path);
        let checked = check(&file, &options(version, Some(rule)));
        assert!(
            checked.diagnostics.iter().any(|found| found.rule == rule.id),
            "{name} finds no {}",
            rule.id
        );
        let report = format!("{name}, Pachyderm {version}\n{}", report(&file, &checked.diagnostics));
        let beside = path.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&beside, &report).unwrap();
        } else if fs::read_to_string(&beside).ok().as_ref() != Some(&report) {
            wrong.push(report);
        }
    }
    assert!(
        wrong.is_empty(),
        "UPDATE=1 writes these beside their specs:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn no_rule_says_anything_of_a_spec_that_is_right() {
    for (name, path) in specs("ok") {
        let (rule, version) = case(&name);
        let file = source(&name, &path);
        let checked = check(&file, &options(version, Some(rule)));
        assert!(
            checked.diagnostics.is_empty(),
            "{name}:\n{}",
            report(&file, &checked.diagnostics)
        );
    }
}

#[test]
fn each_rule_has_examples_and_explains_itself() {
    let specs: Vec<_> = [specs("err"), specs("ok")].concat();
    for rule in rules() {
        let examples = specs.iter().filter(|(name, _)| case(name).0.id == rule.id).count();
        assert!(
            examples >= 2 && !rule.bad.is_empty() && !rule.good.is_empty(),
            "{rule:?} has no examples"
        );
        for text in [rule.summary, rule.why, rule.source] {
            assert!(!text.is_empty(), "{rule:?} says too little");
        }
        assert!(rule.why.ends_with('.') && !rule.summary.ends_with('.'), "{rule:?}");
        assert!(
            rule.id
                .0
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
            "{rule:?}"
        );
    }
    assert!(
        rules().windows(2).all(|two| two[0].id < two[1].id),
        "two rules have one name"
    );
}

#[test]
fn a_rule_that_says_it_is_fixable_offers_a_fix_in_its_fixtures() {
    let mut offered: BTreeMap<RuleId, Vec<Safety>> = BTreeMap::new();
    for (name, path) in specs("err") {
        let (rule, version) = case(&name);
        let checked = check(&source(&name, &path), &options(version, Some(rule)));
        for found in checked.diagnostics {
            offered
                .entry(found.rule)
                .or_default()
                .extend(found.fix.map(|fix| fix.safety));
        }
    }
    let offer = |rule: &Rule| offered.get(&rule.id)?.iter().min().copied();
    let wrong: Vec<_> = rules().iter().filter(|rule| offer(rule) != rule.fixable).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

fn apply(file: &SourceFile, edits: &[Edit]) -> SourceFile {
    let mut text = file.text().to_owned();
    for edit in edits.iter().rev() {
        text.replace_range(edit.span.range(), &edit.replacement);
    }
    SourceFile::new(file.name(), text)
}

#[test]
fn a_fix_mends_its_fault_and_makes_no_other() {
    for (name, path) in specs("err") {
        let (rule, version) = case(&name);
        let file = source(&name, &path);
        let options = options(version, Some(rule));
        let before = check(&file, &options).diagnostics;
        for found in &before {
            let Some(fix) = &found.fix else { continue };
            assert!(
                fix.edits.windows(2).all(|two| two[0].span.end <= two[1].span.start),
                "{name}: {fix:?}"
            );
            let mended = apply(&file, &fix.edits);
            let after = check(&mended, &options).diagnostics;
            let alike = |all: &[Diagnostic]| {
                let is_alike = |other: &&Diagnostic| (other.rule, &other.message) == (found.rule, &found.message);
                all.iter().filter(is_alike).count()
            };
            let gone = alike(&after) < alike(&before);
            assert!(
                gone && after.len() <= before.len(),
                "{name}: {}\n{}\n{}",
                fix.title,
                mended.text(),
                report(&mended, &after)
            );
        }
    }
}

#[test]
fn spans_are_within_the_text_and_messages_on_one_line() {
    for (name, path) in [specs("err"), specs("corpus")].concat() {
        let file = source(&name, &path);
        for version in Version::all() {
            for found in check(&file, &options(version, None)).diagnostics {
                for label in std::iter::once(&found.primary).chain(&found.secondary) {
                    assert!(file.text().get(label.span.range()).is_some(), "{name}: {found:?}");
                }
                let said = [Some(&found.message), found.note.as_ref(), found.help.as_ref()];
                assert!(
                    said.into_iter().flatten().all(|text| !text.contains('\n')),
                    "{name}: {found:?}"
                );
                assert!(!found.message.ends_with('.'), "{name}: {found:?}");
            }
        }
    }
}

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
    let Some(folder) = std::env::var_os("SPOUTCTL_TEST_UPSTREAM_SPECS") else {
        println!("skipped: SPOUTCTL_TEST_UPSTREAM_SPECS does not name a folder with Pachyderm's own specs");
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

/// A value that may stand anywhere in a spec: often of a wrong type, often a text that some rule looks into.
fn any_value() -> impl Strategy<Value = String> {
    let texts = [
        "\"\"",
        "\"_a-\"",
        "\"sh\"",
        "\"-c\"",
        "\"pachctl put file -ro é@b --overwrite\"",
        "\"/pfs/out\"",
        "\"$(X) | y\"",
        "\"10m\"",
        "\"-1.5s\"",
        "\"1.5Gb\"",
        "\"é\\u0000 K\"",
        "\"[{\\\"op\\\":\\\"add\\\"}]\"",
        "\"a:b@c:d/e:latest\"",
        "null",
        "true",
        "-1",
        "1e400",
        "99999999999999999999",
        "0.5",
        "[]",
        "{}",
        "[null]",
        "[{}]",
    ];
    let leaf = prop::sample::select(texts.to_vec()).prop_map(str::to_owned);
    leaf.prop_recursive(4, 40, 6, |inner| {
        let key = prop::sample::select(any_key());
        let members = prop::collection::vec((key, inner.clone()), 0..6);
        let object = members.prop_map(|members| {
            let members = members.iter().map(|(key, value)| format!("\"{key}\": {value}"));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        });
        let array = prop::collection::vec(inner, 0..4).prop_map(|elements| format!("[{}]", elements.join(",")));
        prop_oneof![3 => object, 1 => array]
    })
}

fn any_key() -> Vec<&'static str> {
    let known = fields::names();
    known
        .into_iter()
        .chain([
            "naem",
            "Spout",
            "command",
            "$schema",
            "é",
            "",
            "1A",
            "PACH_CONFIG",
            "A_TOKEN",
        ])
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_a_spec_holds_it_is_told_with_places_and_mends_in_its_text(
        parts in prop::collection::vec((prop::sample::select(any_key()), any_value()), 0..8),
        at in 0..15_usize,
    ) {
        let members: Vec<_> = parts.iter().map(|(key, value)| format!("  \"{key}\": {value}")).collect();
        let file = SourceFile::new("a.json", format!("{{\n{}\n}}", members.join(",\n")));
        let version = Version::all().nth(at).unwrap_or_default();
        for found in check(&file, &options(version, None)).diagnostics {
            prop_assert!(file.text().get(found.primary.span.range()).is_some());
            for edit in found.fix.iter().flat_map(|fix| &fix.edits) {
                prop_assert!(file.text().get(edit.span.range()).is_some(), "{found:?}");
            }
        }
    }
}
