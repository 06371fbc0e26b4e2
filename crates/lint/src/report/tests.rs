use crate::diagnostic::Diagnostic;
use crate::diagnostic::Label;
use crate::diagnostic::Severity;
use crate::source::SourceFile;
use crate::source::Span;
use serde_json::Value;

use super::*;
use crate::diagnostic::{Edit, Fix, RuleId, Safety};

fn label(start: usize, end: usize, text: &str) -> Label {
    Label {
        span: Span::new(start, end),
        text: text.to_owned(),
    }
}

/// The two messages of the design, and one whose words would do harm.
fn reports() -> Vec<FileReport> {
    let text = "{\n  \"image\": \"é:1\"\n  \"env\": {},\n}\n";
    let file = SourceFile::new("specs/a b.json", text);
    let comma = text.find("\n  \"env\"").unwrap();
    let env = text.find("\"env\"").unwrap();
    let trailing = text.find(",\n}").unwrap();
    let missing = Diagnostic {
        rule: RuleId("missing-comma"),
        severity: Severity::Error,
        message: "two members of an object need a comma between them".into(),
        primary: label(comma, comma, "insert a comma here"),
        secondary: vec![label(env, env + 5, "before this key")],
        note: None,
        help: Some("`--fix` inserts it".into()),
        fix: Some(Fix {
            safety: Safety::Safe,
            title: "insert a comma".into(),
            edits: vec![Edit {
                span: Span::at(comma),
                replacement: ",".into(),
            }],
        }),
    };
    let trailing = Diagnostic {
        rule: RuleId("trailing-comma"),
        severity: Severity::Warning,
        message: "JSON allows no comma after the last member".into(),
        primary: label(trailing, trailing + 1, "delete this"),
        secondary: Vec::new(),
        note: Some("100% of pachctl 1.x\nrefuse it".into()),
        help: None,
        fix: None,
    };
    let evil = Diagnostic {
        rule: RuleId("image-tag"),
        severity: Severity::Info,
        message: "unknown \u{1b}[31m<&\"\u{202e} field".into(),
        primary: label(0, text.len() + 7, ""),
        secondary: Vec::new(),
        note: None,
        help: None,
        fix: None,
    };
    vec![
        FileReport {
            file,
            diagnostics: vec![missing, trailing, evil],
        },
        FileReport {
            file: SourceFile::new("/abs/ok.yaml", ""),
            diagnostics: Vec::new(),
        },
    ]
}

fn rendered(format: Format) -> String {
    render(format, &reports(), Style::default())
}

#[test]
fn a_person_sees_the_places_in_the_source() {
    let text = rendered(Format::Pretty);
    let expected = "\
error[missing-comma]: two members of an object need a comma between them
  ╭▸ specs/a b.json:2:17
  │
2 │   \"image\": \"é:1\"
  │                 ━ insert a comma here
3 │   \"env\": {},
  │   ───── before this key
  │
  ╰ help: `--fix` inserts it
";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("note: 100% of pachctl 1.x\n"), "{text}");
}

#[test]
fn no_format_lets_a_spec_talk_to_the_terminal() {
    for format in [
        Format::Pretty,
        Format::Concise,
        Format::Json,
        Format::Gitlab,
        Format::Sarif,
        Format::Junit,
    ] {
        let text = rendered(format);
        assert!(!text.contains('\u{1b}'), "{format:?}: {text}");
    }
    assert!(!rendered(Format::Pretty).contains('\u{202e}'));
}

#[test]
fn concise_is_one_line_a_diagnostic_with_characters_as_columns() {
    let text = rendered(Format::Concise);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        lines[0],
        "specs/a b.json:2:17: error[missing-comma]: two members of an object need a comma between them"
    );
    assert!(lines[1].starts_with("specs/a b.json:3:12: warning[trailing-comma]: "));
}

#[test]
fn json_has_places_from_one_and_the_edits_of_a_fix() {
    let report: Value = serde_json::from_str(&rendered(Format::Json)).unwrap();
    assert_eq!(report["version"], 1);
    let found = &report["diagnostics"][0];
    assert_eq!(
        (
            &found["line"],
            &found["column"],
            &found["end_line"],
            &found["end_column"]
        ),
        (&2.into(), &17.into(), &2.into(), &17.into())
    );
    assert_eq!(found["severity"], "error");
    assert_eq!(found["fix"]["safety"], "safe");
    assert_eq!(found["fix"]["edits"][0]["replacement"], ",");
    assert_eq!(found["related"][0]["line"], 3);
    assert!(report["diagnostics"][1]["fix"].is_null());
}

#[test]
fn sarif_is_what_its_schema_says() {
    let schema = include_str!("../../fixtures/sarif/sarif-schema-2.1.0.json");
    let mut schema: Value = serde_json::from_str(schema).unwrap();
    // The pattern of a field that we do not write ends in a lone `]`, which only ECMAScript takes for a character.
    for definition in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][definition]["properties"]["language"];
        assert!(language.as_object_mut().unwrap().remove("pattern").is_some());
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    for reports in [reports(), Vec::new()] {
        let log: Value = serde_json::from_str(&render(Format::Sarif, &reports, Style::default())).unwrap();
        let faults: Vec<String> = validator.iter_errors(&log).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
    let mut broken: Value = serde_json::from_str(&rendered(Format::Sarif)).unwrap();
    broken["runs"][0]["results"][0]["level"] = "fatal".into();
    assert!(!validator.is_valid(&broken), "the schema is really asked");
}

#[test]
fn sarif_names_files_by_uri_and_each_rule_once() {
    let log: Value = serde_json::from_str(&rendered(Format::Sarif)).unwrap();
    let run = &log["runs"][0];
    let result = &run["results"][0];
    let artifact = &result["locations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!(artifact["uri"], "specs/a%20b.json");
    assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), 3);
    assert_eq!(
        result["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"],
        ","
    );
}

#[test]
fn github_escapes_what_would_end_a_command() {
    let text = rendered(Format::Github);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        lines[1],
        "::warning file=specs/a b.json,line=3,endLine=3,col=12,endColumn=13,title=trailing-comma::JSON allows no comma \
         after the last member%0Anote: 100%25 of pachctl 1.x%0Arefuse it"
    );
    assert!(lines[2].starts_with("::notice file=specs/a b.json,line=1,endLine=5,title="));
}

#[test]
fn gitlab_tells_two_equal_faults_apart_and_knows_one_again_after_it_moved() {
    let fingerprints = |reports: &[FileReport]| -> Vec<String> {
        let issues: Value = serde_json::from_str(&render(Format::Gitlab, reports, Style::default())).unwrap();
        let issues = issues.as_array().unwrap();
        issues
            .iter()
            .map(|issue| issue["fingerprint"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut reports = reports();
    let before = fingerprints(&reports);
    let twin = reports[0].diagnostics[0].clone();
    reports[0].diagnostics.push(twin);
    reports[0].diagnostics[0].primary.span = Span::at(0);
    let after = fingerprints(&reports);
    assert_eq!(before[0], after[0]);
    assert_ne!(after[0], after[3]);
}

#[test]
fn junit_counts_advice_as_passed_and_names_clean_files() {
    let xml = rendered(Format::Junit);
    assert!(xml.contains("tests=\"4\" failures=\"2\""), "{xml}");
    assert!(
        xml.contains("<testcase name=\"spec\" classname=\"/abs/ok.yaml\"/>"),
        "{xml}"
    );
    assert!(xml.contains("unknown \\u{1b}[31m&lt;&amp;&quot;"), "{xml}");
}

#[test]
fn a_line_that_is_too_long_for_a_picture_is_told_in_words() {
    let long = format!("{}x{}", "a".repeat(100_000), "b".repeat(100_000));
    let found = |at: usize| Diagnostic {
        rule: RuleId("image-tag"),
        severity: Severity::Warning,
        message: "here".into(),
        primary: label(at, at + 1, "this"),
        secondary: vec![label(0, 1, "far away")],
        note: Some("why".into()),
        help: None,
        fix: None,
    };
    let report = |text: &str, at| {
        let file = SourceFile::new("f", text);
        let files = [FileReport {
            file,
            diagnostics: vec![found(at)],
        }];
        render(Format::Pretty, &files, Style::default())
    };
    assert_eq!(
        report(&long, 100_000),
        "f:1:100001: warning[image-tag]: here\n  note: why\n\n"
    );
    // What is far away goes without a mark first.
    let lines = format!("first\n{}last\n", "\n".repeat(20_000));
    let drawn = report(&lines, lines.len() - 5);
    assert!(
        drawn.contains("20002") && drawn.contains("this") && !drawn.contains("far away"),
        "{drawn}"
    );
}
