//! The rules, held to `fixtures/specs`: what each finds, exactly, and what it leaves alone.

mod choices;
mod corpus;
mod patches;
mod properties;
mod schema;
mod verdicts;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::diagnostic::{Diagnostic, Edit, RuleId, Safety, Severity};
use crate::source::{Position, SourceFile, Span};
use crate::version::Version;

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

/// The rule that a fixture is for, and the version: `missing-cmd.json`, `missing-cmd+empty@1.13.json`. Without a
/// version it is the newest that the rule is for.
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

#[test]
fn a_fraction_without_a_zero_before_its_point_is_one_where_a_whole_number_belongs() {
    let wrong = |constant: &str| {
        let text = format!("pipeline: {{name: sp}}\nspout: {{}}\nparallelism_spec: {{constant: {constant}}}\n");
        let found = check(&SourceFile::new("spec.yaml", text), &Options::default()).diagnostics;
        found.iter().any(|found| found.rule == RuleId("wrong-type"))
    };
    assert!(wrong(".5") && wrong("-.5") && wrong("'.5'"));
    assert!(!wrong(".0") && !wrong("1.0"));
}

#[test]
fn a_line_becomes_its_words_where_no_shell_is_wanted() {
    let in_shell = |line: &str| format!("[\"sh\", \"-c\", \"{line}\"]");
    for (line, list) in [
        ("/app/run --x 1", r#"["/app/run", "--x", "1"]"#.to_owned()),
        ("sh -c x", r#"["sh", "-c", "x"]"#.to_owned()),
        ("exec /app/run", in_shell("exec /app/run")),
        ("cd /app", in_shell("cd /app")),
        ("A=1 /app/run", in_shell("A=1 /app/run")),
        ("a | b", in_shell("a | b")),
    ] {
        assert_eq!(crate::command::as_list(line), list);
    }
}

#[test]
fn no_fix_writes_into_a_block_of_text_or_over_the_line_behind_it() {
    for wrong in [
        "datum_timeout: |-\n  500ms\n",
        "parallelism_spec:\n  constant: >\n    one\n",
        "resource_requests:\n  memory: |\n    1GB\n  cpu: |-\n    500m\n",
        "spout:\n  service:\n    external_port: 30080\n    type: |-\n      nodeport\n",
        "tolerations:\n- key: k\n  operator: |-\n    exists\n",
        "transform:\n  image: |\n    a:1\n  cmd: |\n    sh -c x\n",
        "pipeline:\n  name: |-\n    a_b\n  project: |\n    p\n",
        "transform:\n  stdin: |\n    \"x\"\n  cmd: [/a]\n",
        "transform:\n  cmd: |-\n    'sh' -c x\n",
        "transform:\n  cmd: |\n    \"sh -c x\"\n",
    ] {
        for after in ["datum_tries: 3\n", "description: d\n", ""] {
            let text = format!("{wrong}{after}");
            let file = SourceFile::new("spec.yaml", text.as_str());
            let unsafely = Options {
                ignore: ["ignored-in-spout"]
                    .iter()
                    .filter_map(|id| Some(rule_named(id)?.id))
                    .collect(),
                ..Options::default()
            };
            let mended = fix::mend(&file, &unsafely, Safety::Unsafe);
            assert!(mended.file.text().contains(wrong), "{text:?}: {:?}", mended.file.text());
            assert!(
                mended.file.text().ends_with(after),
                "{text:?}: {:?}",
                mended.file.text()
            );
        }
    }
}

#[test]
fn no_fix_writes_behind_a_tag() {
    for cmd in [
        "[!!int 5]",
        "[/a, !!int &x 5]",
        "[/a,!<tag:yaml.org,2002:int> 5]",
        "!!str sh",
    ] {
        let text = format!("transform:\n  image: a:1\n  cmd: {cmd}\n");
        let mended = fix::mend(&SourceFile::new("spec.yaml", text), &Options::default(), Safety::Unsafe);
        assert!(mended.file.text().contains(cmd), "{}", mended.file.text());
    }
    for before in ["cmd: [", "cmd: [!x a, ", "cmd: [&a ", "env: {\"wow !\": "] {
        let text = format!("transform:\n  image: a:1\n  {before}5");
        let close = if before.contains('{') { '}' } else { ']' };
        let plain = SourceFile::new("spec.yaml", format!("{text}{close}\n"));
        let mended = fix::mend(&plain, &Options::default(), Safety::Unsafe);
        assert!(mended.file.text().contains("\"5\""), "{}", mended.file.text());
    }
}

#[test]
fn the_sidecar_knows_the_amount_of_memory_that_the_spec_says() {
    for (field, name) in [("requests", "K8S_MEMORY_REQUEST"), ("limits", "K8S_MEMORY_LIMIT")] {
        let fails = |tested: &str| {
            let patch = serde_json::json!([
                {"op": "test", "path": "/containers/1/env/24", "value": {"name": name, "value": tested}},
            ]);
            let spec = serde_json::json!({
                "pipeline": {"name": "a"},
                "spout": {},
                "transform": {"image": "a:1", "cmd": ["/a"]},
                format!("sidecar_resource_{field}"): {"memory": "64M"},
                "pod_patch": patch.to_string(),
            });
            let found = check(&SourceFile::new("spec.json", spec.to_string()), &Options::default()).diagnostics;
            found.iter().any(|found| found.rule == RuleId("pod-patch-fails"))
        };
        assert!(!fails("64000000") && fails("64M"), "{name}");
    }
}
