use crate::diagnostic::{Safety, Severity};
use crate::fix::mend;
use crate::source::SourceFile;
use crate::version::Version;
use crate::{Expect, Options, check};

const PUBLISHED: &str = include_str!("../../fixtures/specs/docs/spout-1.12.json");

fn options(version: &str) -> Options {
    Options {
        version: version.parse().unwrap(),
        ..Options::default()
    }
}

/// Line, column and rule of each finding.
fn found(text: &str, options: &Options) -> Vec<(usize, usize, &'static str, Severity)> {
    let file = SourceFile::new("spout.json", text);
    let place = |offset| {
        let position = file.position(offset);
        (position.line, position.column)
    };
    let line = |found: &crate::diagnostic::Diagnostic| {
        let (line, column) = place(found.primary.span.start);
        (line, column, found.rule.0, found.severity)
    };
    check(&file, options).diagnostics.iter().map(line).collect()
}

#[test]
fn the_published_example_has_two_faults_at_two_places() {
    for version in Version::all() {
        let trailing = if version.is_1() {
            Severity::Error
        } else {
            Severity::Warning
        };
        assert_eq!(
            found(PUBLISHED, &options(&version.to_string())),
            [
                (7, 37, "missing-comma", Severity::Error),
                (12, 6, "trailing-comma", trailing)
            ]
        );
    }
}

#[test]
fn the_published_example_is_mended_to_strict_json_and_nothing_else_is_touched() {
    for version in Version::all() {
        let file = SourceFile::new("spout.json", PUBLISHED);
        let options = options(&version.to_string());
        let mended = mend(&file, &options, Safety::Safe);
        assert_eq!(mended.fixed, 2);
        let expected = PUBLISHED
            .replace("image:0.1\"", "image:0.1\",")
            .replace("    },\n  },", "    }\n  },");
        assert_eq!(mended.file.text(), expected);
        let json: serde_json::Value = serde_json::from_str(mended.file.text()).unwrap();
        assert_eq!(json["transform"]["env"]["TOPIC"], "mytopic");
        assert_eq!(found(mended.file.text(), &options), []);
    }
}

#[test]
fn what_pachctl_2_reads_as_yaml_is_an_error_where_1_reads_json() {
    let text =
        "{\"pipeline\": {'name': \"a\"}, # x\n\"transform\": {\"cmd\": [\"x\"], \"image\": \"a:1\",}, \"spout\": {}}\n";
    let severities = |text: &str, version| -> Vec<_> {
        let found = found(text, &options(version));
        found
            .into_iter()
            .map(|(_, _, rule, severity)| (rule, severity))
            .collect()
    };
    let rules = ["single-quotes", "comment-in-json", "trailing-comma"];
    assert_eq!(severities(text, "2.12"), rules.map(|rule| (rule, Severity::Warning)));
    assert_eq!(severities(text, "1.13"), rules.map(|rule| (rule, Severity::Error)));
    // A comment at the top makes YAML of the file for pachctl 1.x, too.
    let text = format!("# x\n{text}");
    assert!(
        severities(&text, "1.13")
            .iter()
            .all(|(_, severity)| *severity == Severity::Warning)
    );
}

#[test]
fn a_file_found_in_a_directory_that_is_no_spec_has_to_be_readable_and_no_more() {
    let options = Options {
        expect: Expect::Any,
        ..Options::default()
    };
    assert_eq!(found("{\"compilerOptions\": {}, # x\n}", &options), []);
    assert_eq!(found("[1, \"\\/\", 'x']", &options), []);
    assert_ne!(found("{\"compilerOptions\": {}, // x\n}", &options), []);
    assert_ne!(found("{\"spout\": {]", &options), []);
}

#[test]
fn a_file_of_somebody_else_that_cannot_be_read_is_told_once_and_stays_as_it_is() {
    let options = Options {
        expect: Expect::Any,
        ..Options::default()
    };
    let stream = |count| "{\"a\": 1}\n".repeat(count);
    for (text, rule) in [
        ("{\"compilerOptions\": {}, // compiler\n}", "comment-in-json"),
        ("{'a': 1 'b': 2}", "missing-comma"),
        (&stream(3), "concatenated-specs"),
        (&stream(40), "concatenated-specs"),
    ] {
        let rules: Vec<_> = found(text, &options).into_iter().map(|(_, _, rule, _)| rule).collect();
        assert_eq!(rules, [rule], "{text}");
        let mended = mend(&SourceFile::new("a.json", text), &options, Safety::Unsafe);
        assert_eq!((mended.fixed, mended.file.text()), (0, text));
    }
}

#[test]
fn a_stream_of_other_values_is_not_taken_apart_where_a_spec_is_expected_either() {
    let text = "{\"a\": 1}\n{\"a\": 2}\n{\"a\": 3}\n";
    let found = found(text, &Options::default());
    let streams = found.iter().filter(|(_, _, rule, _)| *rule == "concatenated-specs");
    assert_eq!(streams.count(), 1, "{found:?}");
    let mended = mend(&SourceFile::new("a.json", text), &Options::default(), Safety::Safe);
    assert!(!mended.file.text().contains("---"), "{}", mended.file.text());
}

#[test]
fn one_spec_in_a_stream_is_enough_to_have_it_separated() {
    let spec =
        "{\"pipeline\": {\"name\": \"a\"}, \"spout\": {}, \"transform\": {\"image\": \"a:1\", \"cmd\": [\"a\"]}}";
    let text = format!("{spec}\n{{\"a\": 2}}\n{{\"a\": 3}}\n");
    let mended = mend(&SourceFile::new("a.json", text), &Options::default(), Safety::Safe);
    assert_eq!(mended.file.text().matches("---").count(), 2, "{}", mended.file.text());
}

#[test]
fn a_comment_of_another_language_is_mended_unasked_unless_yaml_reads_it_as_text() {
    for (line, safety) in [
        (r#""a": "b", // x"#, Safety::Safe),
        (r#""a": "b" // x"#, Safety::Safe),
        (r#""a": b // x"#, Safety::Unsafe),
        (r#""a": 1 // x"#, Safety::Unsafe),
        (r"// x", Safety::Safe),
        ("\"a\": \"b\" # c\n// x", Safety::Safe),
        ("\"a\": b\n\n# c\n// x", Safety::Unsafe),
        ("\"a\": 1\n// x", Safety::Unsafe),
    ] {
        let text = format!("{{\n\"spout\": {{}},\n\"metadata\": {{\"labels\": {{\n{line}\n}}}}\n}}");
        let found = check(&SourceFile::new("a.json", text), &options("2.12")).diagnostics;
        let comment = found.iter().rfind(|found| found.rule.0 == "comment-in-json").unwrap();
        assert_eq!(comment.fix.as_ref().unwrap().safety, safety, "{line}");
    }
}

/// Severity of each finding about a character that ends a line.
fn line_ends(text: &str) -> Vec<(usize, Severity)> {
    let text = text.replace('~', "\u{2028}");
    let file = SourceFile::new("spout.yaml", text);
    let mut found = check(&file, &options("2.12")).diagnostics;
    found.retain(|found| found.rule.0 == "control-character");
    let line = |found: &crate::diagnostic::Diagnostic| (file.position(found.primary.span.start).line, found.severity);
    found.iter().map(line).collect()
}

#[test]
fn of_a_line_with_many_ends_within_it_one_thing_is_said_and_that_the_worst() {
    let spec = "pipeline: {name: a}\nspout: {}\n";
    assert_eq!(
        line_ends(&format!("# {}\n{spec}", "~".repeat(20_000))),
        [(1, Severity::Warning)]
    );
    assert_eq!(
        line_ends(&format!("# a~# b~c\n# d~\n{spec}")),
        [(1, Severity::Error), (2, Severity::Warning)]
    );
    assert_eq!(
        line_ends(&format!("{spec}description: \"{}\"\n", "~".repeat(20_000))),
        []
    );
}

#[test]
fn each_such_character_of_a_line_of_json_is_mended_at_once() {
    let text = format!("{{\"spout\": {{}}, \"description\": \"{}\"}}", "\u{85}".repeat(40));
    let mended = mend(&SourceFile::new("a.json", text), &options("2.12"), Safety::Unsafe);
    assert_eq!(mended.file.text().matches("\\u0085").count(), 40);
}

#[test]
fn a_line_ends_in_comments_between_brackets_and_in_blocks_that_look_quoted() {
    let spec = "pipeline: {name: a}\nspout: {}\n";
    for (more, expected) in [
        (
            "metadata: {labels: {a: \"b\"}, # foo~bar\n annotations: {}}\n",
            &[(3, Severity::Error)][..],
        ),
        ("metadata: {labels: {a: \"b~c\"},\n annotations: {}}\n", &[]),
        ("description: |\n  \"a~b\"\n", &[(4, Severity::Error)]),
        ("description: |\n  [a~  b]\n", &[(4, Severity::Warning)]),
        ("# as before~see: this\n", &[(3, Severity::Error)]),
        ("\"description\": a~b\n", &[(3, Severity::Error)]),
        ("\"descri~ption\": a\n", &[]),
    ] {
        assert_eq!(line_ends(&format!("{spec}{more}")), expected, "{more}");
    }
    let alias = "metadata: &m {labels: {a: \"b\", c: d~e}}\ntransform: *m\n";
    assert_eq!(line_ends(&format!("{spec}{alias}")), []);
    assert_eq!(
        line_ends(&format!("\"metadata\": {{}}\n{spec}# a~b\n")),
        [(4, Severity::Error)]
    );
}

#[test]
fn what_yaml_reads_as_one_text_is_not_taken_apart_by_safe_fixes_one_after_another() {
    let spec = "\"pipeline\": {\"name\": \"a\"}, \"spout\": {}, \"transform\": {\"image\": \"a:1\", \"cmd\": [\"x\"]}";
    for more in ["x // y", "x\n// y", "x\n\n  // y\n// z", "1\n// y"] {
        let text = format!("{{{spec}, \"description\": {more}\n}}\n");
        let mended = mend(
            &SourceFile::new("a.json", text.as_str()),
            &options("2.12"),
            Safety::Safe,
        );
        assert_eq!(mended.file.text(), text);
    }
    let comments = "# c\n".repeat(20_000);
    let text = format!("{{{spec}, \"description\": x\n{comments}// y\n}}\n");
    let found = check(&SourceFile::new("a.json", text), &options("2.12")).diagnostics;
    let last = found.iter().rfind(|found| found.rule.0 == "comment-in-json").unwrap();
    assert_eq!(last.fix.as_ref().unwrap().safety, Safety::Unsafe);
}

#[test]
fn a_question_mark_in_a_text_without_quotes_is_an_error_in_a_file_that_begins_as_json_too() {
    let spec = "\"pipeline\": {\"name\": \"a\"}, \"spout\": {}";
    for (word, is_refused) in [("p?x=1", true), ("?p", true), ("p", false)] {
        let text = format!("{{{spec}, \"transform\": {{\"image\": \"a:1\", \"cmd\": [\"x\", {word}]}}}}\n");
        for name in ["a.json", "a.yaml"] {
            let found = check(&SourceFile::new(name, text.as_str()), &options("2.12")).diagnostics;
            let is_error = found.iter().any(|found| found.severity == Severity::Error);
            assert_eq!(is_error, is_refused, "{name} {word}");
        }
    }
}

#[test]
fn a_pipeline_that_cannot_be_read_is_an_error_and_is_not_skipped_besides() {
    let options = Options {
        expect: Expect::Any,
        ..Options::default()
    };
    let checked = |text: &str| check(&SourceFile::new("a.json", text), &options);
    let cut = checked("{\"pipeline\": {\"name\": \"p\"},");
    assert_eq!((cut.skipped, cut.diagnostics.len()), (0, 1));
    let whole = checked("{\"pipeline\": {\"name\": \"p\"}}");
    assert_eq!((whole.skipped, whole.diagnostics.len()), (1, 0));
}

#[test]
fn a_file_that_is_no_text_is_one_finding() {
    let not_text: Vec<u8> = [0x7f, b'{', 0xff, 0, b'[', 0xfe, 0xc2, 0x85, b'\n'].repeat(5_000);
    let latin: Vec<u8> = [
        b"{\"pipeline\": {\"name\": \"".as_slice(),
        &[0xe4, b'-'].repeat(17),
        b"\"}}",
    ]
    .concat();
    let messages = |bytes: &[u8], expect| {
        let options = Options {
            expect,
            ..Options::default()
        };
        let file = SourceFile::decode("a.json", bytes.to_vec());
        let diagnostics = check(&file, &options).diagnostics;
        let not_utf8 = diagnostics.iter().filter(|found| found.rule.0 == "not-utf-8");
        let said: Vec<_> = not_utf8.map(|found| found.message.clone()).collect();
        (diagnostics.len(), said)
    };
    for expect in [Expect::Spout, Expect::Any] {
        let (count, said) = messages(&not_text, expect);
        assert_eq!((count, said.len()), (1, 1), "{said:?}");
        assert!(said[0].starts_with("this file is no text"), "{said:?}");
    }
    let (_, said) = messages(&latin, Expect::Any);
    assert_eq!(said, ["these bytes are not UTF-8, nor are those of 16 other places"]);
}
