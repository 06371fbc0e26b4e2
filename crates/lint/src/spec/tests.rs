use std::time::{Duration, Instant};

use super::*;

#[test]
fn the_text_decides_and_the_name_only_where_it_leaves_a_choice() {
    let dialect = |name: &str, text: &str| parse(&SourceFile::new(name, text)).dialect;
    for (name, text, expected) in [
        ("a.json", "{}", Dialect::Json),
        ("a.json", "# x\n---\n{}", Dialect::Json),
        ("a.json", "pipeline: {}", Dialect::Yaml),
        ("a.yaml", "pipeline: {}", Dialect::Yaml),
        ("a.yaml", "{\"pipeline\": {}}", Dialect::Json),
        ("a.yaml", "{pipeline: {}}", Dialect::Yaml),
        ("a.yaml", "{pipeline: {}", Dialect::Json),
        ("-", "/* x */ [", Dialect::Json),
        ("-", "", Dialect::Yaml),
    ] {
        assert_eq!(dialect(name, text), expected, "{name}: {text}");
    }
}

/// What grows with the square of a text takes minutes for these.
#[test]
fn the_worst_texts_take_no_longer_than_others() {
    const SIZE: usize = 50_000;
    let pieces = [
        "{",
        "[",
        "}",
        "]",
        "{]",
        "[}",
        "{}",
        "{} \"a",
        "[1 1]",
        ",",
        ":",
        "\"",
        "'",
        "\"\n",
        "'\n",
        "'\n\"\n",
        "\\",
        "“",
        "a",
        " ",
        "\n",
        "\t",
        "/*",
        "//",
        "# x\n",
        "---\n",
        "{\n---\n",
        "...\n",
        "- ",
        "? ",
        "a: ",
        "&a ",
        "*a ",
        "a: &a [*a]\n",
        "<<: ",
        "{a",
        "\"a\"\n",
        "\"a\":1 ",
        "\u{a0}",
        "\u{feff}",
        "%YAML 1.2\n",
        "a:\n ",
        "[a, ",
        "1: [\n---\n",
        "a: \"\\ud800\"\n",
        "{\"a\":}",
    ];
    let begin = ["", "{\"a\": [", "{\"a\"\n", "a: [", "{\"a\": \"", "a: \"", "- a\n"];
    for piece in pieces {
        for begin in begin {
            let text = format!("{begin}{}", piece.repeat(SIZE / piece.len()));
            let started = Instant::now();
            let file = SourceFile::new("a.yaml", text);
            let parsed = parse(&file);
            let took = started.elapsed();
            assert!(
                took < Duration::from_secs(10),
                "{begin:?} {piece:?} took {took:?}, {} faults",
                parsed.faults.len()
            );
        }
    }
}

#[test]
fn a_fault_within_a_template_means_all_of_it() {
    // The template is read as a word, whose characters are others than those that stand here.
    let text = "a: \"x\" {{\u{20ac}}}\nb: {{ x }}\n";
    let file = SourceFile::new("a.yaml", text);
    let parsed = parse(&file);
    assert!(!parsed.templates.is_empty());
    let touches = |template: &Span| {
        parsed
            .faults
            .iter()
            .any(|fault| fault.span.start < template.end && template.start < fault.span.end)
    };
    assert!(parsed.templates.iter().any(touches), "{:?}", parsed.faults);
    for fault in &parsed.faults {
        assert!(text.get(fault.span.range()).is_some(), "{fault:?}");
        for template in &parsed.templates {
            let is_apart = fault.span.end <= template.start || template.end <= fault.span.start;
            assert!(
                is_apart || fault.span.start <= template.start && template.end <= fault.span.end,
                "{fault:?}"
            );
        }
    }
}
