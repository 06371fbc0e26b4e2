//! What each field is for, in a sentence or two: for editors, and for the descriptions of a JSON Schema.

/// A line each: the message, the field, and the words behind a tab.
const DOCS: &str = include_str!("docs.tsv");

/// What a field is for.
#[must_use]
pub fn doc(message: &str, field: &str) -> Option<&'static str> {
    let is_meant = |name: &str| name.strip_prefix(message).and_then(|rest| rest.strip_prefix('.')) == Some(field);
    let mut lines = DOCS.lines().filter_map(|line| line.split_once('\t'));
    lines.find(|(name, _)| is_meant(name)).map(|(_, words)| words)
}

/// What a value of an enumeration means.
#[must_use]
pub fn doc_of_value(enumeration: &str, value: &str) -> Option<&'static str> {
    Some(match (enumeration, value) {
        ("TolerationOperator", "EMPTY") | ("Type", "UNKNOWN") => "None; pachd refuses it.",
        ("TolerationOperator", "EXISTS") => "The taint is there, whatever its value.",
        ("TolerationOperator", "EQUAL") => "The taint has this very value.",
        ("TaintEffect", "ALL_EFFECTS") => "Whatever the taint does.",
        ("TaintEffect", "NO_SCHEDULE") => "Pods that do not tolerate it are not started there.",
        ("TaintEffect", "PREFER_NO_SCHEDULE") => "Pods that do not tolerate it are rather started elsewhere.",
        ("TaintEffect", "NO_EXECUTE") => "Pods that do not tolerate it are taken away.",
        ("Type", "CSV") => "Lines of values.",
        ("Type", "JSON") => "Objects of JSON.",
        ("Type", "PARQUET") => "Apache Parquet.",
        _ => return None,
    })
}
