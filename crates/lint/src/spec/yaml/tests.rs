use super::recovery::parse;
use super::*;

/// The faults of a text: cause without its data, what is marked, and what is marked beside it.
fn faults(text: &str) -> Vec<String> {
    let mut faults = parse(text).faults;
    faults.sort_by_key(|fault| (fault.span, fault.related));
    let shown = |span: Span| match text.get(span.range()) {
        Some("") => format!("{}|", text.get(span.start.saturating_sub(3)..span.start).unwrap()),
        Some(text) => text.to_owned(),
        None => panic!("{span:?} is not within {text:?}"),
    };
    let line = |fault: &crate::spec::syntax::SyntaxFault| {
        let name = match &fault.cause {
            Cause::Yaml { problem } => format!("{problem:?}"),
            cause => format!("{cause:?}").split([' ', '(']).next().unwrap().to_owned(),
        };
        let related = fault
            .related
            .map(|span| format!(" ~ {}", shown(span)))
            .unwrap_or_default();
        format!("{name} {}{related}", shown(fault.span))
    };
    faults.iter().map(line).collect()
}

#[test]
fn each_fault_has_its_cause_and_place() {
    let mut wrong = Vec::new();
    for (text, expected) in [
        ("a: 1\nb: [x, y]\nc: {d: 'e'}\n", &[][..]),
        (
            "a: 0x1f\nb: 1_0\nc: .nan\nd: 2020-01-01\n",
            &[
                "OddNumber 0x1f",
                "OddNumber 1_0",
                "OddNumber .nan",
                "Timestamp 2020-01-01",
            ],
        ),
        (
            "a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}\n",
            &["Alias *x", "MergeKey <<", "Alias *x"],
        ),
        ("a: *nobody\n", &["UnknownAlias *nobody"]),
        ("1: x\ntrue: y\n", &["NonStringKey 1", "NonStringKey true"]),
        ("[a]: x\n", &["ComplexKey [a]"]),
        ("a: !!binary aGk=\nb: !!str 1\nc: !mine x\n", &["Tag aGk=", "Tag x"]),
        (
            "a: <<\nb: [! <<, '<<', ! '<<', !!str <<]\n",
            &["MergeWord <<", "MergeWord <<"],
        ),
        (
            "a: !!bool yes\nb: !!int 5.0\nc: !!null ~\nd: !!int '5'\n!!float e: !!bool true\n",
            &["Misfit yes", "Misfit 5.0", "Misfit e"],
        ),
        (
            "a: {<<: x}\nb: {<<: [1]}\nc: {<<: {d: 1}}\ne: {<<: [{f: 1}]}\n",
            &[
                "MergeKey <<",
                "MergesNoMap x",
                "MergeKey <<",
                "MergesNoMap [1]",
                "MergeKey <<",
                "MergeKey <<",
            ],
        ),
        ("%YAML 1.2\n---\na: 1\n", &["Directive %YAML 1.2"]),
        ("a: 1\n---\n", &["EmptyDocument ---"]),
        ("---\na: 1\n---\n---\nb: 1\n", &["EmptyDocument ---"]),
        ("- a: 1\n- b: 1\n", &["TopLevelArray -"]),
        ("just words\n", &["NotASpec just words"]),
        (
            "a: \"\\/ \\ud83d\\ude00 \\\\/\"\n",
            &["Escape \\/", "Escape \\ud83d\\ude00"],
        ),
        ("a:\n\tb: 1\n", &["TabIndent \t"]),
        // What yaml.v3 3.0.1 refuses, and what it takes.
        ("a: 1\n\t\nb: 2\n", &["TabBeforeNothing \t"]),
        ("a: 1\n  \t\nb: 2\n", &[]),
        ("a: 1\n\t# c\nb: 2\n", &["TabBeforeNothing \t"]),
        ("a: 1\n  \t# c\nb: 2\n", &[]),
        ("p:\n  a: 1\n  \t\n  b: 2\n", &["TabBeforeNothing \t"]),
        ("p:\n  a: 1\n   \t# c\n  b: 2\n", &[]),
        ("p:\n\t\n  a: 1\n", &["TabBeforeNothing \t"]),
        ("p: # c\n\t# d\n  q: 1\n", &["TabBeforeNothing \t"]),
        ("p: [a,\n\t\n b]\n", &[]),
        ("p:\n- {a: b}\n  \t\r\n- b\n", &["TabBeforeNothing \t"]),
        ("p: \"a\n\t\n  b\"\nq: 1\n", &[]),
        ("p: \"a\"\n\t\nq: 1\n", &["TabBeforeNothing \t"]),
        ("p: [a]\t# c\nq: 1\t\n", &[]),
        ("p: a\n\t\n", &["TabBeforeNothing \t"]),
        ("p: [a]\n\t", &["TabBeforeNothing \t"]),
        ("\t\np: a\n", &["TabBeforeNothing \t"]),
        ("---\n\t\np: a\n", &["TabBeforeNothing \t"]),
        ("p: |\n  a\n  \t\nq: 1\n", &[]),
        ("p:\n- a\n \t\n- b\n", &[]),
        ("p:\n- a\n\t\n- b\n", &["TabBeforeNothing \t"]),
        ("p:\n  - a\n  \t\n  - b\n", &["TabBeforeNothing \t"]),
        ("p:\n  - a\n   \t\n  - b\n", &[]),
        ("p:\n- a: 1\n  \t\n  b: 2\n", &["TabBeforeNothing \t"]),
        ("p:\n- a: 1\n   \t\n  b: 2\n", &[]),
        ("a: \"x\nb: 1\n", &["UnclosedQuote \""]),
        ("a: {b: 1\nc: 2\n", &["UnclosedFlow { open: '{' } {"]),
        ("a: [x y\n", &["UnclosedFlow { open: '[' } ["]),
        ("a: b: c\n", &["ColonInValue :"]),
        ("a: 1\n  b: 2\n", &["Indentation b"]),
        ("a:\n    b: 1\n  c: 2\n", &["Indentation c"]),
        ("a: @x\n", &["ReservedCharacter('@') @"]),
        // What yaml.v3 3.0.1 and 2.2.8 refuse, and what they take.
        ("a: [b, ?c]\n", &["ReservedCharacter('?') ?"]),
        ("a: [b, c?d=1]\n", &["ReservedCharacter('?') ?"]),
        ("a: {b: c?}\n", &["ReservedCharacter('?') ?"]),
        ("a: {b: ?c}\n", &["ReservedCharacter('?') ?"]),
        ("a: {b?c: d}\n", &["ReservedCharacter('?') ?"]),
        ("a: {?b: c}\n", &[]),
        ("a: [b, 'c?', \"d?\"]\nc: d?e\nf: {g: [{h: i}]}\nj: ?k\n", &[]),
        ("a: [\nb: 1\n---\nc: ~\n", &["UnclosedFlow { open: '[' } ["]),
        ("# only\n", &[]),
        ("", &[]),
        ("abc\ndef: 1\n", &["MissingColon abc"]),
        ("a: 1\nabc\ndef: 1\n", &["MissingColon abc"]),
        ("a: [\"x\" \"y\"]\n", &["MissingComma \"x\"| ~ \""]),
    ] {
        let found = faults(text);
        if found != expected {
            wrong.push(format!("\n{text}\n  found    {found:?}\n  expected {expected:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[test]
fn values_and_keys_know_their_bytes() {
    let text = "é:\n  ö: [ä, 'ß'] # ü\n  empty:\nlast: x\n";
    let parsed = parse(text);
    let root = &parsed.documents[0].root;
    let slice = |span: Span| &text[span.range()];
    let outer = &root.members()[0];
    assert_eq!(slice(outer.key.span), "é");
    assert_eq!(slice(outer.value.span), "ö: [ä, 'ß'] # ü\n  empty:");
    let inner = &outer.value.members()[0];
    assert_eq!(slice(inner.key.span), "ö");
    assert_eq!(slice(inner.value.span), "[ä, 'ß']");
    assert_eq!(slice(inner.value.elements()[1].span), "'ß'");
    let empty = &outer.value.members()[1].value;
    assert_eq!(
        (slice(Span::new(empty.span.start - 1, empty.span.end)), &empty.value),
        (":", &Value::Null)
    );
    assert_eq!(slice(parsed.comments[0].span), "# ü");
    assert_eq!(slice(root.span), text.trim_end());
}

#[test]
fn aliases_and_merges_mean_what_they_stand_for() {
    let parsed = parse("base: &b {x: 1, y: 2}\nuse: *b\nmerged:\n  <<: *b\n  x: 3\n");
    let root = &parsed.documents[0].root;
    let names = |node: &Node| {
        node.members()
            .iter()
            .map(|member| member.key.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&root.members()[1].value), ["x", "y"]);
    assert_eq!(names(&root.members()[2].value), ["x", "y"]);
    assert_eq!(
        root.members()[2].value.members()[0].value.value,
        Value::Number("3".to_owned())
    );
}

fn count(node: &Node) -> usize {
    let children = node
        .elements()
        .iter()
        .chain(node.members().iter().map(|member| &member.value));
    1 + children.map(count).sum::<usize>()
}

#[test]
fn aliases_of_aliases_stand_for_no_more_than_the_bound() {
    let mut lines = vec!["a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned()];
    for level in 1..40 {
        let before = format!("*a{}", level - 1);
        lines.push(format!("a{level}: &a{level} [{}]\n", vec![before; 9].join(", ")));
    }
    let parsed = parse(&lines.concat());
    assert!(parsed.faults.iter().any(|fault| fault.cause == Cause::ExcessiveAliases));
    assert!(count(&parsed.documents[0].root) < 2 * MAX_ALIASED);
}

#[test]
fn what_nests_too_deep_is_a_fault() {
    for text in [
        "[".repeat(100_000),
        "- ".repeat(100_000),
        "{a: ".repeat(10_000),
        "- [".repeat(100),
    ] {
        let faults = parse(&text).faults;
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].cause.unsettles_structure());
    }
}
