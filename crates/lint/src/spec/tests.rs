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
