//! Where in a spec a place is: which keys lead there, and what is being written. Read from the text before the
//! place, for while somebody types, the text as a whole is hardly ever right.

use spoutctl_lint::source::Span;

/// What is being written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Context {
    /// The keys that lead to the object or the value. Elements of lists have none.
    pub path: Vec<String>,
    pub what: What,
    /// What is written of it so far, quotes left out.
    pub span: Span,
    /// It is in quotes, or has to be.
    pub quotes: Quotes,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A name of the object that the path leads to; what stands there already is left out.
    Key { present: Vec<String> },
    /// The value of the path's last name.
    Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// YAML's plain scalars.
    None,
    /// An opening one stands there.
    Open,
    /// There are none yet, and JSON needs them.
    Missing,
}

/// The context of `offset`, in YAML or in JSON.
pub(super) fn context(text: &str, offset: usize, is_json: bool) -> Option<Context> {
    let before = text.get(..offset)?;
    if is_json {
        in_json(text, before)
    } else {
        in_yaml(before)
    }
}

/// An object or a list that is open at the place.
#[derive(Default)]
struct Open {
    is_list: bool,
    keys: Vec<String>,
    /// The key whose value comes next.
    key: Option<String>,
}

fn in_json(text: &str, before: &str) -> Option<Context> {
    let mut stack: Vec<Open> = Vec::new();
    let bytes = before.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let start = at + 1;
                let Some(length) = string_end(bytes.get(start..)?) else {
                    return finish(stack, Span::new(start, before.len()), Quotes::Open);
                };
                let word = before.get(start..start + length)?.to_owned();
                at = start + length + 1;
                if let Some(open) = stack.last_mut()
                    && !open.is_list
                    && open.key.is_none()
                {
                    open.keys.push(word.clone());
                    open.key = Some(word);
                }
                continue;
            }
            b'#' => at += before.get(at..)?.find('\n').unwrap_or(bytes.len() - at),
            b'{' => stack.push(Open::default()),
            b'[' => stack.push(Open {
                is_list: true,
                ..Open::default()
            }),
            b'}' | b']' => {
                stack.pop();
            }
            b',' => {
                if let Some(open) = stack.last_mut() {
                    open.key = None;
                }
            }
            _ => {}
        }
        at += 1;
    }
    let word = before.len() - before.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_').len();
    let start = before.len() - word;
    let is_expected = before.get(..start)?.trim_end().ends_with(['{', ',', ':', '[']) && !text.is_empty();
    is_expected.then(|| finish(stack, Span::new(start, before.len()), Quotes::Missing))?
}

/// How long a string is of which the opening quote was read; none when it does not end.
fn string_end(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => return Some(at),
            b'\n' => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

fn finish(stack: Vec<Open>, span: Span, quotes: Quotes) -> Option<Context> {
    let last = stack.last()?;
    let is_value = last.is_list || last.key.is_some();
    let present = last.keys.clone();
    let path = stack.into_iter().filter_map(|open| open.key).collect();
    let what = if is_value { What::Value } else { What::Key { present } };
    Some(Context {
        path,
        what,
        span,
        quotes,
    })
}

/// A line of YAML: how far its key is indented, dashes counted, and the key.
struct Line<'a> {
    indent: usize,
    key: Option<&'a str>,
    has_value: bool,
    is_element: bool,
}

fn line(text: &str) -> Option<Line<'_>> {
    let mut rest = text.trim_start_matches(' ');
    if rest.is_empty() || rest.starts_with('#') {
        return None;
    }
    let mut is_element = false;
    while let Some(after) = rest.strip_prefix("- ") {
        is_element = true;
        rest = after.trim_start_matches(' ');
    }
    let indent = text.len() - rest.len();
    let (key, value) = match rest.split_once(':') {
        Some((key, value)) if value.is_empty() || value.starts_with([' ', '\r']) => (Some(key), value.trim()),
        _ => (None, rest.trim()),
    };
    Some(Line {
        indent,
        key: key.map(|key| key.trim_matches(['"', '\''])),
        has_value: !value.is_empty(),
        is_element,
    })
}

/// Block style only, which is how people write it.
fn in_yaml(before: &str) -> Option<Context> {
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let (above, current) = before.split_at(start);
    let own = current.trim_start_matches(' ');
    if own.starts_with('#') || current.contains(['{', '[']) {
        return None;
    }
    let mut body = own;
    while let Some(after) = body.strip_prefix("- ") {
        body = after.trim_start_matches(' ');
    }
    let indent = current.len() - body.len();
    let (mut path, present) = ancestors(above, indent, body.len() < own.len());
    if let Some((key, value)) = body.split_once(": ").or_else(|| Some((body.strip_suffix(':')?, ""))) {
        let written = value.trim_start();
        let (written, quotes) = match written.strip_prefix(['"', '\'']) {
            Some(rest) => (rest, Quotes::Open),
            None => (written, Quotes::None),
        };
        path.push(key.trim_matches(['"', '\'']).to_owned());
        return Some(Context {
            path,
            what: What::Value,
            span: Span::new(before.len() - written.len(), before.len()),
            quotes,
        });
    }
    let is_word = body.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
    is_word.then(|| Context {
        path,
        what: What::Key { present },
        span: Span::new(before.len() - body.len(), before.len()),
        quotes: Quotes::None,
    })
}

/// The keys that lines above are under, and those beside the line.
fn ancestors(above: &str, indent: usize, mut is_element: bool) -> (Vec<String>, Vec<String>) {
    let mut path = Vec::new();
    let mut present = Vec::new();
    let mut within = indent;
    for text in above.lines().rev() {
        if text.starts_with("---") {
            break;
        }
        let Some(line) = line(text) else { continue };
        let Some(key) = line.key else { continue };
        if line.indent == within && within == indent && path.is_empty() && !is_element {
            present.push(key.to_owned());
            is_element = line.is_element;
            continue;
        }
        // A list may stand below its key without more indentation.
        let is_parent = line.indent < within || is_element && line.indent < within + 1 && !line.is_element;
        if is_parent && !line.has_value {
            path.push(key.to_owned());
            within = line.indent;
            is_element = line.is_element;
        }
        if within == 0 && !path.is_empty() {
            break;
        }
    }
    path.reverse();
    (path, present)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The context at `|`: the path, what is written, and the keys beside it.
    fn at(text: &str) -> Option<(String, String, Option<String>)> {
        let offset = text.find('|').unwrap();
        let text = text.replace('|', "");
        let is_json = text.trim_start().starts_with('{');
        let context = context(&text, offset, is_json)?;
        let present = match context.what {
            What::Key { present } => Some(present.join(" ")),
            What::Value => None,
        };
        let written = text.get(context.span.range()).unwrap().to_owned();
        Some((context.path.join("."), written, present))
    }

    fn key(path: &str, written: &str, present: &str) -> Option<(String, String, Option<String>)> {
        Some((path.to_owned(), written.to_owned(), Some(present.to_owned())))
    }

    fn value(path: &str, written: &str) -> Option<(String, String, Option<String>)> {
        Some((path.to_owned(), written.to_owned(), None))
    }

    #[test]
    fn keys_and_values_of_json_are_told_apart_while_they_are_written() {
        assert_eq!(at(r#"{"pipeline": {"na|"#), key("pipeline", "na", ""));
        assert_eq!(at(r#"{"pipeline": {"name": "a"}, "tr|"}"#), key("", "tr", "pipeline"));
        assert_eq!(at(r#"{"pipeline": {"name": "a"}, |}"#), key("", "", "pipeline"));
        assert_eq!(
            at(r#"{"spout": {"service": {"type": "N|"#),
            value("spout.service.type", "N")
        );
        assert_eq!(
            at(r#"{"tolerations": [{"operator": |}]}"#),
            value("tolerations.operator", "")
        );
        assert_eq!(at(r#"{"tolerations": [{"a": 1}, {"|"#), key("tolerations", "", ""));
        assert_eq!(at(r#"{"a": 1 |"#), None);
    }

    #[test]
    fn keys_and_values_of_yaml_are_told_apart_while_they_are_written() {
        assert_eq!(at("pipeline:\n  name: a\ntra|\n"), key("", "tra", "pipeline"));
        assert_eq!(at("pipeline:\n  name: a\n  |"), key("pipeline", "", "name"));
        assert_eq!(
            at("spout:\n  service:\n    type: No|"),
            value("spout.service.type", "No")
        );
        assert_eq!(at("tolerations:\n  - key: a\n    op|"), key("tolerations", "op", "key"));
        assert_eq!(at("tolerations:\n  - key: a\n  - op|"), key("tolerations", "op", ""));
        assert_eq!(
            at("tolerations:\n- key: a\n  operator: |"),
            value("tolerations.operator", "")
        );
        assert_eq!(at("a: 1\n---\nspout: {}\np|"), key("", "p", "spout"));
        assert_eq!(at("# a: b|"), None);
    }
}
