use std::fs;

use super::evaluation::evaluate;
use super::*;

fn request(text: &str, arguments: &[(&str, &str)]) -> Request {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Request {
        name: "t.jsonnet".to_owned(),
        text: text.to_owned(),
        arguments: arguments.iter().map(owned).collect(),
        is_lenient: false,
        directory: None,
    }
}

/// What is written at each place, in the order of the result.
fn written(text: &str, arguments: &[(&str, &str)]) -> Vec<String> {
    let evaluated = evaluate(&request(text, arguments)).unwrap();
    let places = evaluated.places.iter();
    places
        .map(|(start, end)| text.get(*start..*end).unwrap().to_owned())
        .collect()
}

fn fault(text: &str, arguments: &[(&str, &str)]) -> (String, String) {
    let fault = evaluate(&request(text, arguments)).unwrap_err();
    let place = text.get(fault.span.0..fault.span.1).unwrap().to_owned();
    (fault.message, place)
}

#[test]
fn a_function_is_called_with_strings_and_anything_else_is_taken_as_it_is() {
    let evaluated = evaluate(&request("function(a, b='x') {a: a, b: b}", &[("a", "1")])).unwrap();
    assert_eq!(evaluated.result, serde_json::json!({"a": "1", "b": "x"}));
    assert!(evaluated.is_function);
    let evaluated = evaluate(&request("[{a: 1}]", &[("a", "1")])).unwrap();
    assert_eq!(evaluated.result, serde_json::json!([{"a": 1}]));
    assert!(!evaluated.is_function);
}

#[test]
fn a_value_is_found_where_its_literal_is_written() {
    let text = "local image = 'x:1';\nfunction(n) { p: { name: n }, t: { image: image, cmd: ['a', n] } }";
    assert_eq!(
        written(text, &[("n", "N")])[1..],
        [
            "p",
            "{ name: n }",
            "name",
            "n",
            "t",
            "{ image: image, cmd: ['a', n] }",
            "cmd",
            "['a', n]",
            "'a'",
            "n",
            "image",
            "'x:1'"
        ]
    );
}

#[test]
fn of_objects_that_are_added_the_last_counts() {
    let text = "local base = {a: 1, b: {c: 2}};\nbase + {a: 3, b+: {d: 4}} { e: self.a }";
    let found = written(text, &[]);
    assert_eq!(found[1..3], ["a", "3"]);
    assert_eq!(found[3..], ["b", "{d: 4}", "c", "2", "d", "4", "e", "self.a"]);
}

#[test]
fn what_is_made_by_a_call_is_found_where_the_call_is() {
    let text = "{a: std.map(function(x) {y: x}, [1])}";
    let call = "std.map(function(x) {y: x}, [1])";
    assert_eq!(written(text, &[])[1..], ["a", call, call, call, call]);
}

#[test]
fn names_that_stand_for_each_other_without_end_are_walked_for_a_while_only() {
    let lines: Vec<String> = (1..40)
        .map(|n| format!("local v{n} = v{} + v{};", n - 1, n - 1))
        .collect();
    let doubled = lines.join("\n");
    let text = format!("local v0 = {{a:: 1, b: 2}};\n{doubled}local used = v3;\nif true then used else v39");
    assert!(!evaluate(&request(&text, &[])).unwrap().places.is_empty());
}

#[test]
fn what_is_wrong_has_words_and_a_place() {
    for (text, arguments, words, place) in [
        ("{a: }", &[][..], "not expected here", "}"),
        ("{a: b}", &[], "there is no variable `b`", "b"),
        ("{a: {}.b}", &[], "there is no field `b`", "{}.b"),
        ("{a: error 'no such luck'}", &[], "no such luck", "error 'no such luck'"),
        (
            "local f(x) = f(x) + 1; f(1)",
            &[],
            "more than 500 calls in calls",
            "f(x) + 1",
        ),
        (
            "import 'a.libsonnet'",
            &[],
            "`a.libsonnet` cannot be imported: what is read from standard input",
            "import 'a.libsonnet'",
        ),
        ("std.extVar('a')", &[], "pachd has none", "std.extVar('a')"),
    ] {
        let (message, at) = fault(text, arguments);
        assert!(message.contains(words), "{text}: {message}");
        assert!(at == place || at.contains(place) || place.contains(&at), "{text}: {at}");
    }
}

/// go-jsonnet 0.20 was run for the right-hand sides.
#[test]
fn the_standard_library_is_that_of_pachd() {
    for (expression, value) in [
        ("std.base64('\u{e9}')", "w6k="),
        ("std.base64([104])", "aA=="),
        ("std.base64Decode('w6k=')", "\u{e9}"),
        ("std.base64Decode('/w==')", "\u{fffd}"),
        ("std.round(-2.5)", "-3"),
        ("std.round(-0.5)", "-1"),
        ("std.round(2.5)", "3"),
        ("std.round(0.49999999999999994)", "0"),
        ("std.round(-2.4)", "-2"),
        ("std.reverse([1, 2])", "[2, 1]"),
        ("std.length(std.thisFile)", "9"),
        ("std.foldl(function(all, c) all + c + '.', 'a\u{e9}', '')", "a.\u{e9}."),
        ("std.foldl(function(all, n) all + n, [1, 2], 0)", "3"),
        ("std.strReplace('abc', 'b', '')", "ac"),
        ("std.slice([1, 2, 3], 1, null, null)", "[2, 3]"),
    ] {
        let text = format!("{{a: std.toString({expression})}}");
        let evaluated = evaluate(&request(&text, &[])).unwrap();
        assert_eq!(evaluated.result["a"], value, "{expression}");
    }
    for (expression, words) in [
        ("std.trim(' a')", "there is no std.trim in pachd"),
        ("std.reverse('ab')", "std.reverse takes an array in pachd"),
        ("std.base64(3)", "base64"),
        ("std.strReplace('abc', '', 'x')", "pachd replaces no empty text"),
        (
            "std.slice([1, 2], -1, null, null)",
            "pachd counts no index from the end",
        ),
        ("1_000", "a number has no `_` in pachd"),
    ] {
        let (message, at) = fault(&format!("{{a: {expression}}}"), &[]);
        assert!(message.contains(words), "{expression}: {message}");
        assert!(expression.contains(&at) && !at.is_empty(), "{expression}: {at}");
    }
}

#[test]
fn a_parameter_without_a_value_is_named() {
    let fault = evaluate(&request("function(a, b) {}", &[("a", "1")])).unwrap_err();
    assert_eq!(fault.missing.as_deref(), Some("b"));
    let fault = evaluate(&request("function(a) {}", &[("a", "1"), ("c", "1")])).unwrap_err();
    assert!(
        fault.missing.is_none() && fault.message.contains("no parameter `c`"),
        "{fault:?}"
    );
}

#[test]
fn imports_stay_below_the_directory_of_the_template() {
    let outside = tempfile::tempdir().unwrap();
    let directory = outside.path().join("specs");
    fs::create_dir_all(directory.join("lib")).unwrap();
    fs::write(outside.path().join("secret.txt"), "secret").unwrap();
    fs::write(directory.join("lib/image.libsonnet"), "import 'tag.libsonnet'").unwrap();
    fs::write(directory.join("lib/tag.libsonnet"), "'x:1'").unwrap();
    fs::write(directory.join("lib/bad.libsonnet"), "\n{a: b}").unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.txt"), directory.join("link.txt")).unwrap();
    let evaluate = |text: &str| {
        evaluate(&Request {
            directory: Some(directory.clone()),
            ..request(text, &[])
        })
    };
    let evaluated = evaluate("{image: import 'lib/image.libsonnet'}").unwrap();
    assert_eq!(evaluated.result, serde_json::json!({"image": "x:1"}));
    assert_eq!(evaluated.imports.len(), 1);
    let absolute = format!("importstr '{}'", outside.path().join("secret.txt").display());
    for text in ["importstr '../secret.txt'", "importstr 'link.txt'", absolute.as_str()] {
        let fault = evaluate(text).unwrap_err();
        assert!(
            fault.message.contains("outside of the template's directory"),
            "{fault:?}"
        );
    }
    let fault = evaluate("import 'lib/bad.libsonnet'").unwrap_err();
    assert!(fault.message.contains("(in bad.libsonnet:2)"), "{fault:?}");
    let fault = evaluate("import 'https://example.com/a.libsonnet'").unwrap_err();
    assert!(fault.message.contains("nothing is fetched"), "{fault:?}");
    let fault = evaluate("importstr '.'").unwrap_err();
    assert!(fault.message.contains("no regular file"), "{fault:?}");
}

#[test]
fn each_rule_of_templates_finds_its_fault_in_its_bad_example_only() {
    use spoutctl_lint::source::SourceFile;
    use spoutctl_lint::{Options, template};
    for rule in [template::ERROR, template::ARGUMENT, template::IMPORT, template::LIST] {
        let found = |text: &str| {
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join("image.libsonnet"), "'team/reader:1.2'").unwrap();
            let asked = Request {
                directory: Some(directory.path().to_owned()),
                ..request(text, &[("name", "reader")])
            };
            let file = SourceFile::new("t.jsonnet", text);
            let checked = template::check(&file, &outcome(evaluate(&asked)), &Options::default());
            checked.diagnostics.iter().map(|found| found.rule.0).collect::<Vec<_>>()
        };
        assert_eq!(found(rule.bad), [rule.id.0]);
        assert_eq!(found(rule.good), [""; 0], "{rule:?}");
    }
}
