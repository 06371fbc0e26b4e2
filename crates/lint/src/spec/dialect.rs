//! What a file is written in, told by its name and by how it begins.

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Json,
    Yaml,
}

pub(super) fn is_named_yaml(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml"))
}

/// Whether a text begins with what begins JSON, comments and `---` aside. pachctl never looks at the name of a file
/// either: a `.json` that has keys without a bracket around them is YAML to it.
pub(super) fn begins_as_json(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}');
    loop {
        rest = rest.trim_start();
        let comment_end = match rest.as_bytes() {
            [b'#', ..] | [b'/', b'/', ..] => rest.find('\n'),
            [b'-', b'-', b'-', b' ' | b'\t' | b'\r' | b'\n', ..] => Some(3),
            [b'/', b'*', ..] => rest.find("*/").map(|end| end + 2),
            [first, ..] => return matches!(first, b'{' | b'[' | b'}' | b']'),
            [] => return false,
        };
        let Some(after) = comment_end.and_then(|end| rest.get(end..)) else {
            return rest.starts_with('/');
        };
        rest = after;
    }
}
