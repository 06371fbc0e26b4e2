use super::*;
use crate::spec::tree::Value;

/// The faults of a text: cause without its data, what is marked, and what is marked beside it.
fn faults(text: &str) -> Vec<String> {
    let name = |cause: &Cause| {
        let name = format!("{cause:?}");
        name.split([' ', '(', '{']).next().unwrap().to_owned()
    };
    let mut faults = parse(text).faults;
    faults.sort_by_key(|fault| (fault.span, fault.related));
    let shown = |span: Span| match text.get(span.range()) {
        Some("") => format!("{}|", text.get(span.start.saturating_sub(3)..span.start).unwrap()),
        Some(text) => text.to_owned(),
        None => panic!("{span:?} is not within {text:?}"),
    };
    let line = |fault: &crate::spec::syntax::SyntaxFault| {
        let related = fault
            .related
            .map(|span| format!(" ~ {}", shown(span)))
            .unwrap_or_default();
        format!("{} {}{related}", name(&fault.cause), shown(fault.span))
    };
    faults.iter().map(line).collect()
}

#[test]
fn the_cause_is_marked_and_nothing_follows_from_it() {
    let mut wrong = Vec::new();
    let mut compare = |text: &str, expected: &[&str]| {
        let found = faults(text);
        if found != expected {
            wrong.push(format!("\n{text}\n  found    {found:?}\n  expected {expected:?}\n"));
        }
    };
    for (text, expected) in [
        // Separators.
        ("{\"a\": 1\n \"b\": 2}", &["MissingComma : 1| ~ \"b\""][..]),
        ("[\"a\" \"b\"]", &["MissingComma \"a\"| ~ \"b\""]),
        ("[1 2 3]", &["MissingComma  [1| ~ 2", "MissingComma 1 2| ~ 3"]),
        ("[{}\n {}]", &["MissingComma [{}| ~ {}"]),
        ("{\"a\": [1,],}", &["TrailingComma , ~ ]", "TrailingComma , ~ }"]),
        ("[,1,,2]", &["ExtraComma ,", "ExtraComma , ~ ,"]),
        ("{\"a\" 1}", &["MissingColon \"a\"| ~ 1"]),
        (
            "{\"a\" = 1; \"b\" => 2}",
            &["WrongSeparator =", "WrongSeparator ;", "WrongSeparator =>"],
        ),
        ("{\"a\":: 1}", &["ExtraColon :"]),
        ("{\"a\": , \"b\": 1}", &["MissingValue a\":| ~ \"a\""]),
        ("{\"a\"\n \"b\": 1}", &["MissingValue \"a\"| ~ \"a\""]),
        ("{\"a\"}", &["MissingValue \"a\"| ~ \"a\""]),
        ("{: 1}", &["MissingKey {|"]),
        ("{{}: 1, \"a\": 2}", &["MissingKey {"]),
        // Brackets.
        ("{\"a\": [1, 2}", &["UnclosedBracket [ ~ , 2|"]),
        ("{\"a\": [1, 2}, \"b\": 3}", &["WrongBracket } ~ ["]),
        ("[{\"a\": 1], 2]", &["WrongBracket ] ~ {"]),
        ("{\"a\": {\"b\": 1}", &["UnclosedBracket { ~  1}|"]),
        (
            "{\n  \"a\": {\n    \"b\": 1\n  ,\n  \"c\": 2\n}\n",
            &["UnclosedBracket { ~ }"],
        ),
        ("{\"a\": [\"x\",\n \"b\": {\"c\": 1}}", &["UnclosedBracket [ ~ \"x\"|"]),
        ("{\"a\": 1}}", &["ExtraBracket }"]),
        ("{\"a\": 1}, \"b\": 2}", &["ExtraBracket }"]),
        ("[\"a\"}]", &["ExtraBracket }"]),
        ("{\"a\": 1} what is this", &["TrailingText what is this"]),
        // Strings.
        ("{\"a\": \"x,\n \"b\": 1}", &["UnclosedString \" ~  \"x|"]),
        ("{\"a\": \"x}", &["UnclosedString \" ~  \"x|"]),
        ("{\"a: 1,\n \"b\": 1}", &["UnclosedString \" ~ {\"a|"]),
        ("[\"while true\n  do\", \"y\"]", &["LineBreakInString \n  "]),
        ("{'a': 'it''s'}", &["SingleQuotes 'a'", "SingleQuotes 'it''s'"]),
        ("{“a”: 1}", &["TypographicQuotes “a”"]),
        (
            "{\"a\": x\", b\": 1}",
            &["MissingOpeningQuote \": | ~ x\"", "MissingOpeningQuote \", | ~ b\""],
        ),
        (
            "[\"\\/\\d\\x41\\ud83d\\ude00\\ud83d\\u12\"]",
            &[
                "Escape \\/",
                "Escape \\d",
                "Escape \\x41",
                "Escape \\ud83d\\ude00",
                "Escape \\ud83d",
                "Escape \\u",
            ],
        ),
        ("[\"a\tb\"]", &["ControlCharacter \t"]),
        // Words.
        (
            "{a: b c, d:1}",
            &["UnquotedKey a", "UnquotedValue b c", "UnquotedKey d"],
        ),
        (
            "[True, ~, 01, .inf, 1e5, -0]",
            &["Literal True", "Literal ~", "OddNumber 01", "OddNumber .inf"],
        ),
        ("{\"a\":\u{a0}1}", &["UnexpectedCharacter \u{a0}"]),
        // Comments.
        (
            "{\"a\": 1, # x\n// y\n/* z */}",
            &["TrailingComma , ~ }", "Comment # x", "Comment // y", "Comment /* z */"],
        ),
        // Documents.
        ("{}{}", &["Concatenated {}| ~ {"]),
        ("{}\n---\n{}\n", &["DocumentSeparator ---"]),
        ("{}\n---\n", &["DocumentSeparator ---", "EmptyDocument ---"]),
        ("hello", &["NotASpec hello"]),
        ("null", &["EmptyDocument null"]),
        ("\t{}", &["LeadingTab \t"]),
        (
            "{\"a\": 1\n---\n{}",
            &["UnclosedBracket { ~ : 1|", "DocumentSeparator ---"],
        ),
        ("", &[]),
        ("# x\n", &["Comment # x"]),
    ] {
        // An array at the top is a matter of its own.
        let text = if text.starts_with('[') {
            format!("{{\"a\": {text}}}")
        } else {
            text.to_owned()
        };
        compare(&text, expected);
    }
    compare("[]", &["EmptyArray []"]);
    compare("[{}]", &["TopLevelArray ["]);
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[test]
fn a_quote_or_bracket_that_is_wrong_in_its_line_is_one_fault() {
    for (text, expected) in [
        ("{\"a: \"x:y\"}", &["UnclosedString \" ~ {\"a|"]),
        ("{\"a: [\"x\", \"y\"]}", &["UnclosedString \" ~ {\"a|"]),
        ("{\"a: \"\"}", &["UnclosedString \" ~ {\"a|"]),
        ("{\"a:b\" \"c\"}", &["MissingColon :b\"| ~ \"c\""]),
        ("{\"a\": {\"b\": 1]\n}", &["WrongBracket ] ~ {"]),
        ("{\n \"a\": {\n  \"b\": 1\n ]\n}", &["WrongBracket ] ~ {"]),
        ("{\"a\": {\"b\": 1]}}", &["ExtraBracket ]"]),
    ] {
        assert_eq!(faults(text), expected, "{text}");
    }
}

#[test]
fn a_document_whose_brackets_are_a_guess_is_not_whole() {
    let whole = |text| {
        parse(text)
            .documents
            .iter()
            .map(|document| document.whole)
            .collect::<Vec<_>>()
    };
    assert_eq!(whole("{\"a\": [1}"), [false]);
    assert_eq!(whole("{\"a\": [1,] \"b\": 1}\n{\"a\": ]}\n"), [true, false]);
}

#[test]
fn a_value_and_a_key_know_their_bytes() {
    let text = "{ \"é\": [ \"x\" , 12 ] }";
    let parsed = parse(text);
    let root = &parsed.documents[0].root;
    let member = &root.members()[0];
    assert_eq!(&text[root.span.range()], text);
    assert_eq!(&text[member.key.span.range()], "\"é\"");
    assert_eq!(&text[member.value.span.range()], "[ \"x\" , 12 ]");
    assert_eq!(&text[member.value.elements()[1].span.range()], "12");
}

#[test]
fn brackets_that_nest_too_deep_are_passed_over_and_told_once() {
    let text = format!("{{\"a\": {}1{}, \"b\": 2}}", "[".repeat(100_000), "]".repeat(100_000));
    let parsed = parse(&text);
    assert_eq!(parsed.faults.len(), 1);
    assert_eq!(parsed.faults[0].cause, Cause::TooDeep);
    assert!(!parsed.documents[0].whole);
    assert_eq!(
        parsed.documents[0].root.members()[1].value.value,
        Value::Number("2".to_owned())
    );
}
