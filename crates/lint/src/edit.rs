//! Small changes of a text, made so that everything round them stays as it is.

use crate::diagnostic::Edit;
use crate::source::{SourceFile, Span};
use crate::spec::scalar::{self, Plain};
use crate::spec::tree::{Key, Member, Node, Value};

/// The edits of a fix as they have to be: in the order of their places.
pub(super) fn in_order(mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.sort_by_key(|edit| edit.span);
    edits
}

pub(super) fn replace(span: Span, replacement: impl Into<String>) -> Edit {
    Edit {
        span,
        replacement: replacement.into(),
    }
}

/// Writes something else for a value. None for a block of text: its place is that of its lines, without the mark before
/// them, and with the end of the last one. None behind a tag, which would say of the new value what it says of this.
/// None for a plain value that YAML reads with more than JSON does.
pub(super) fn rewrite(file: &SourceFile, node: &Node, replacement: impl Into<String>) -> Option<Edit> {
    let is_block = matches!(&node.value, Value::String(text) if text.block);
    let is_plain = !file.slice(node.span).starts_with(['"', '\'', '[', '{']);
    let is_part = is_block || is_plain && goes_on(file, node.span);
    (!is_part && !is_tagged(file, node)).then(|| replace(node.span, replacement))
}

/// Whether `//` follows a text without quotes: to YAML it begins no comment, and is a part of the text.
pub(super) fn goes_on(file: &SourceFile, text: Span) -> bool {
    let behind = file.text().get(text.end..).unwrap_or_default();
    behind.trim_start().starts_with("//")
}

/// Whether the word before a value is a tag of YAML, such as `!!int`. An anchor may stand between them.
fn is_tagged(file: &SourceFile, node: &Node) -> bool {
    let last_word = |text: &str| {
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | '[' | '{');
        let text = text.trim_end();
        let word = text.rsplit(ends).next().map_or(0, str::len);
        Span::new(text.len() - word, text.len())
    };
    let before = Span::new(0, node.span.start);
    let mut word = last_word(file.slice(before));
    if file.slice(word).starts_with('&') {
        word = last_word(file.slice(Span::new(0, word.start)));
    }
    let word = file.slice(word);
    // One such as `!<tag:yaml.org,2002:int>` has a comma of its own.
    let is_verbatim = word.len() > 1 && word.ends_with('>');
    word.starts_with('!') && !word.ends_with(':') || is_verbatim
}

/// Writes another name for a key, in the quotes that it has.
pub(super) fn rename(file: &SourceFile, key: &Key, name: &str) -> Edit {
    replace(key.span, quoted_like(file.slice(key.span), name))
}

/// Writes another string for a value, in the quotes that it has. None when the old or the new one needs more than
/// quotes.
pub(super) fn reword(file: &SourceFile, node: &Node, text: &str) -> Option<Edit> {
    let written = file.slice(node.span);
    let is_quoted = written.starts_with(['"', '\'']);
    let plain = |text: &str| {
        let ordinary = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c) || is_quoted && " :@".contains(c);
        !text.is_empty() && text.chars().all(ordinary)
    };
    let says_the_same = node.as_str() == Some(written.trim_matches(['"', '\'']));
    let stays_a_string = is_quoted || scalar::resolve(text) == Plain::String;
    (plain(text) && says_the_same && stays_a_string).then_some(())?;
    rewrite(file, node, quoted_like(written, text))
}

fn quoted_like(written: &str, text: &str) -> String {
    match written.chars().next() {
        Some(quote @ ('"' | '\'')) => format!("{quote}{text}{quote}"),
        _ => text.to_owned(),
    }
}

/// Puts double quotes round a number, `true`, `false` or any other plain scalar.
pub(super) fn quote(file: &SourceFile, node: &Node) -> Option<Edit> {
    let written = file.slice(node.span);
    let harmless = !written.is_empty() && !written.contains(['"', '\\', '\n', '\'', '#']);
    let is_scalar = matches!(node.value, Value::Number(_) | Value::Bool(_) | Value::String(_));
    rewrite(file, node, format!("\"{written}\"")).filter(|_| harmless && is_scalar)
}

/// Takes the member at `at` out of its object, with its comma or its lines. None when nothing would be left of a block
/// of YAML.
pub(super) fn remove(file: &SourceFile, parent: &Node, at: usize) -> Option<Edit> {
    let members = parent.members();
    let member = members.get(at)?;
    if file.slice(parent.span).starts_with('{') {
        return Some(replace(flow_span(file, members, at)?, ""));
    }
    (members.len() > 1).then_some(())?;
    let text = file.text();
    let start = text
        .get(..member.key.span.start)?
        .rfind('\n')
        .map_or(0, |newline| newline + 1);
    let alone = text.get(start..member.key.span.start)?.chars().all(|c| c == ' ');
    let end = member.key.span.start
        + file
            .slice(Span::new(member.key.span.start, member.value.span.end))
            .trim_end()
            .len();
    let end = text
        .get(end..)?
        .find('\n')
        .map_or(text.len(), |newline| end + newline + 1);
    alone.then(|| replace(Span::new(start, end), ""))
}

/// The bytes of a member of `{…}` and of the comma that goes with it.
fn flow_span(file: &SourceFile, members: &[Member], at: usize) -> Option<Span> {
    let member = members.get(at)?;
    let separated = |from: usize, to: usize| {
        let between = file.slice(Span::new(from, to));
        between.contains(',') && between.chars().all(|c| c == ',' || c.is_whitespace())
    };
    let own = Span::new(member.key.span.start, member.value.span.end);
    if let Some(next) = members.get(at + 1) {
        let next = next.key.span.start;
        return separated(own.end, next).then_some(Span::new(own.start, next));
    }
    let Some(before) = at.checked_sub(1).and_then(|before| members.get(before)) else {
        return Some(own);
    };
    let before = before.value.span.end;
    separated(before, own.start).then_some(Span::new(before, own.end))
}

/// Adds a member before all others. None when the object is written in a way that has no place for it.
pub(super) fn add_first(file: &SourceFile, parent: &Node, name: &str, value: &str) -> Option<Edit> {
    let written = file.slice(parent.span);
    let first = parent.members().first().map(|member| member.key.span.start);
    if !written.starts_with('{') {
        let first = first?;
        let line = file.text().get(..first)?.rfind('\n').map_or(0, |newline| newline + 1);
        let indent = file.text().get(line..first)?;
        let alone = indent.chars().all(|c| c == ' ');
        return alone.then(|| replace(Span::at(first), format!("{name}: {value}\n{indent}")));
    }
    let open = parent.span.start + 1;
    let Some(first) = first else {
        return Some(replace(Span::at(open), format!("\"{name}\": {value}")));
    };
    let gap = file.slice(Span::new(open, first));
    let gap = if gap.trim().is_empty() { gap } else { " " };
    let gap = if gap.is_empty() { " " } else { gap };
    Some(replace(Span::at(first), format!("\"{name}\": {value},{gap}")))
}

/// Writes another value for a member, also when there is none after its colon.
pub(super) fn set(file: &SourceFile, member: &Member, value: &str) -> Option<Edit> {
    if !member.value.span.is_empty() {
        return rewrite(file, &member.value, value);
    }
    let after = member.key.span.end;
    let colon = file.text().get(after..)?.find(':')?;
    Some(replace(Span::at(after + colon + 1), format!(" {value}")))
}
