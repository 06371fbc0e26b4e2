//! What holds for any text.

use proptest::prelude::*;

use crate::diagnostic::Safety;
use crate::fix::mend;
use crate::source::SourceFile;
use crate::spec::strict::to_json;
use crate::spec::tree::{Node, Value};
use crate::spec::{Parsed, parse};
use crate::version::Version;
use crate::{Options, check};

const SPEC: &str = r#"{"pipeline": {"name": "s"}, "transform": {"image": "a:1", "cmd": ["x", "y"], "env": {"A": "1"}},
  # why
  "spout": {}, "parallelism_spec": {"constant": 1}}
"#;

const YAML: &str = "pipeline:\n  name: s\ntransform:\n  image: a:1\n  cmd: [x, 'y']\n  env: {A: \"1\"}\nspout: {}\n";

fn version() -> impl Strategy<Value = Version> {
    prop::sample::select(Version::all().collect::<Vec<_>>())
}

/// Pieces that specs are made of, in any order.
fn scraps() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        ";",
        "=",
        "\"",
        "'",
        "“",
        "\\",
        "\\u",
        "d83d",
        "\n",
        "\r\n",
        "\t",
        " ",
        "  ",
        "#",
        "//",
        "/*",
        "*/",
        "---",
        "\n---\n",
        "...",
        "%YAML 1.2\n",
        "a",
        "\"a\"",
        "spout",
        "\"spout\": {}",
        "pipeline:",
        "- ",
        "? ",
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "|\n",
        ">\n",
        "1",
        "01",
        ".5",
        "1e5",
        "true",
        "True",
        "~",
        "null",
        "2020-01-01",
        "é",
        "\u{a0}",
        "\u{feff}",
        "\u{0}",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A spec with a few bytes taken out, doubled or replaced.
fn damaged() -> impl Strategy<Value = String> {
    let change = (
        0..SPEC.len(),
        0..4usize,
        prop::sample::select(vec!["", ",", "\"", "}", "]", "'", ":", " ", "x", "\n"]),
    );
    (
        prop::sample::select(vec![SPEC, YAML]),
        prop::collection::vec(change, 1..4),
    )
        .prop_map(|(spec, changes)| {
            let mut text = spec.to_owned();
            for (at, length, replacement) in changes {
                let start = at.min(text.len());
                let end = (start + length).min(text.len());
                text.replace_range(start..end, replacement);
            }
            text
        })
}

fn named(text: String) -> impl Strategy<Value = SourceFile> {
    prop::sample::select(vec!["a.json", "a.yaml", "-"]).prop_map(move |name| SourceFile::new(name, text.clone()))
}

fn any_file() -> impl Strategy<Value = SourceFile> {
    prop_oneof![scraps(), damaged(), any::<String>()].prop_flat_map(named)
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-1e9..1e9f64).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Whether a tree says the same as what serde read.
fn is_same(node: &Node, json: &serde_json::Value) -> bool {
    match (&node.value, json) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Bool(ours), serde_json::Value::Bool(theirs)) => ours == theirs,
        (Value::Number(ours), serde_json::Value::Number(theirs)) => {
            // serde_json may read what it wrote as a neighbouring number.
            *ours == theirs.to_string() || serde_json::from_str(ours).ok().as_ref() == Some(theirs)
        }
        (Value::String(ours), serde_json::Value::String(theirs)) => ours.value == *theirs && ours.quoted,
        (Value::Array(ours), serde_json::Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| is_same(ours, theirs))
        }
        (Value::Object(ours), serde_json::Value::Object(theirs)) => {
            let last = |name: &String| ours.iter().rev().find(|member| member.key.name == *name);
            theirs
                .iter()
                .all(|(name, value)| last(name).is_some_and(|member| is_same(&member.value, value)))
                && ours.iter().all(|member| theirs.contains_key(&member.key.name))
        }
        _ => false,
    }
}

/// Spans are within the text, between characters, and children within parents unless an alias brought them.
fn check_spans(node: &Node, file: &SourceFile) {
    assert!(file.text().get(node.span.range()).is_some(), "{node:?}");
    for member in node.members() {
        assert!(file.text().get(member.key.span.range()).is_some(), "{member:?}");
        check_spans(&member.value, file);
    }
    node.elements().iter().for_each(|element| check_spans(element, file));
}

fn check_parsed(parsed: &Parsed, file: &SourceFile) {
    parsed
        .documents
        .iter()
        .for_each(|document| check_spans(&document.root, file));
    for fault in &parsed.faults {
        for span in std::iter::once(fault.span).chain(fault.related) {
            assert!(file.text().get(span.range()).is_some(), "{fault:?}");
        }
    }
    for comment in &parsed.comments {
        assert!(!file.slice(comment.span).is_empty(), "{comment:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_and_every_place_is_within_it(file in any_file()) {
        let parsed = parse(&file);
        check_parsed(&parsed, &file);
        for document in &parsed.documents {
            serde_json::from_str::<serde_json::Value>(&to_json(&document.root)).unwrap();
        }
    }

    #[test]
    fn mending_twice_changes_nothing_and_what_was_mended_is_clean(file in any_file(), version in version()) {
        let options = Options { version, ..Options::default() };
        for safety in [Safety::Safe, Safety::Unsafe] {
            let once = mend(&file, &options, safety);
            if safety == Safety::Safe {
                let left = check(&once.file, &options).diagnostics;
                let mendable = left.iter().find(|found| found.fix.as_ref().is_some_and(|fix| fix.safety == safety));
                prop_assert_eq!(mendable, None, "{}", once.file.text());
            }
            let twice = mend(&once.file, &options, safety);
            prop_assert_eq!((twice.file.text(), twice.fixed), (once.file.text(), 0));
        }
    }

    #[test]
    fn json_is_read_as_serde_reads_it(json in json(), pretty in any::<bool>()) {
        let wrapped = serde_json::json!({ "spec": json });
        let written = if pretty { serde_json::to_string_pretty(&wrapped) } else { serde_json::to_string(&wrapped) };
        let text = written.unwrap();
        let file = SourceFile::new("a.json", text);
        let parsed = parse(&file);
        let root = &parsed.documents[0].root;
        prop_assert!(is_same(root, &wrapped), "{root:?}");
        let sent: serde_json::Value = serde_json::from_str(&to_json(root)).unwrap();
        prop_assert!(is_same(root, &sent) || file.text().contains("$schema"));
    }

    #[test]
    fn what_serde_reads_has_no_fault_that_json_knows(file in scraps()) {
        let text = format!("{{\"a\": {file}}}");
        if let Ok(json) = serde_json::from_str::<serde_json::Value>(&text) {
            let parsed = parse(&SourceFile::new("a.json", text));
            prop_assert!(is_same(&parsed.documents[0].root, &json));
        }
    }
}
