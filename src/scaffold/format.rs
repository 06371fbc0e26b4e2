//! A spec as text: JSON and YAML as a person would write them, with what fits on a line on one line.

use spoutctl_lint::spec::scalar::{self, Plain};
use spoutctl_lint::spec::strict::quoted;

/// How a spec is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Yaml,
}

impl Format {
    /// The ending of a file's name.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
        }
    }

    /// What a file of this ending has.
    pub fn of_ending(ending: &str) -> Option<Self> {
        match ending.to_ascii_lowercase().as_str() {
            "json" | "pipeline" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }

    pub(super) fn write(self, piece: &Piece) -> String {
        let mut text = String::new();
        match self {
            Self::Json => json(piece, 0, 0, true, &mut text),
            Self::Yaml => yaml_map(piece.members(), 0, &mut text),
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }
}

/// A part of a spec.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    Text(String),
    Number(f64),
    List(Vec<Piece>),
    Map(Vec<(String, Piece)>),
}

/// Longer lines are broken.
const WIDEST: usize = 100;
const INDENT: usize = 2;

impl Piece {
    /// A map of what is there.
    pub(super) fn of<const N: usize>(members: [(&str, Option<Self>); N]) -> Self {
        let there = members.into_iter();
        Self::Map(
            there
                .filter_map(|(name, piece)| Some((name.to_owned(), piece?)))
                .collect(),
        )
    }

    pub(super) fn unless_empty(self) -> Option<Self> {
        let is_empty = match &self {
            Self::List(elements) => elements.is_empty(),
            Self::Map(members) => members.is_empty(),
            Self::Text(_) | Self::Number(_) => false,
        };
        (!is_empty).then_some(self)
    }

    fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Map(members) => members,
            _ => &[],
        }
    }

    /// Whether nothing in it holds anything itself.
    fn is_flat(&self) -> bool {
        let is_scalar = |piece: &Self| matches!(piece, Self::Text(_) | Self::Number(_));
        match self {
            Self::List(elements) => elements.iter().all(is_scalar),
            Self::Map(members) => members.iter().all(|(_, piece)| is_scalar(piece)),
            Self::Text(_) | Self::Number(_) => true,
        }
    }

    fn has_line_end(&self) -> bool {
        match self {
            Self::Text(text) => text.contains('\n'),
            Self::Number(_) => false,
            Self::List(elements) => elements.iter().any(Self::has_line_end),
            Self::Map(members) => members.iter().any(|(_, piece)| piece.has_line_end()),
        }
    }
}

fn indent(depth: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', depth * INDENT));
}

/// `before` is how much of the line is written already.
fn json(piece: &Piece, depth: usize, before: usize, is_root: bool, text: &mut String) {
    if !is_root && piece.is_flat() {
        let line = json_line(piece);
        if matches!(piece, Piece::Text(_) | Piece::Number(_)) || before + line.chars().count() < WIDEST {
            text.push_str(&line);
            return;
        }
    }
    let (open, close) = if matches!(piece, Piece::List(_)) {
        ('[', ']')
    } else {
        ('{', '}')
    };
    text.push(open);
    let mut entry = |number: usize, name: &str, piece: &Piece| {
        text.push_str(if number == 0 { "\n" } else { ",\n" });
        indent(depth + 1, text);
        text.push_str(name);
        json(
            piece,
            depth + 1,
            (depth + 1) * INDENT + name.chars().count(),
            false,
            text,
        );
    };
    match piece {
        Piece::List(elements) => (elements.iter().enumerate()).for_each(|(number, element)| entry(number, "", element)),
        Piece::Map(members) => (members.iter().enumerate())
            .for_each(|(number, (name, piece))| entry(number, &format!("{}: ", quoted(name)), piece)),
        Piece::Text(_) | Piece::Number(_) => {}
    }
    text.push('\n');
    indent(depth, text);
    text.push(close);
}

fn json_line(piece: &Piece) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match piece {
        Piece::Text(text) => quoted(text),
        Piece::Number(number) => number.to_string(),
        Piece::List(elements) => format!("[{}]", joined(elements.iter().map(json_line).collect())),
        Piece::Map(members) => {
            let member = |(name, piece): &(String, Piece)| format!("{}: {}", quoted(name), json_line(piece));
            format!("{{{}}}", joined(members.iter().map(member).collect()))
        }
    }
}

fn yaml_map(members: &[(String, Piece)], depth: usize, text: &mut String) {
    for (number, (name, piece)) in members.iter().enumerate() {
        // The first stands behind the dash of a list, where there is one.
        if number > 0 || text.is_empty() || text.ends_with('\n') {
            indent(depth, text);
        }
        let name = yaml_scalar(name);
        text.push_str(&name);
        text.push(':');
        yaml_value(piece, depth, depth * INDENT + name.chars().count() + 1, text);
    }
}

/// What stands behind a key or a dash, and the line's end.
fn yaml_value(piece: &Piece, depth: usize, before: usize, text: &mut String) {
    match piece {
        Piece::Text(value) if is_block(value) => yaml_block(value, depth + 1, text),
        Piece::Text(_) | Piece::Number(_) => {
            text.push(' ');
            text.push_str(&yaml_line(piece));
            text.push('\n');
        }
        Piece::List(elements) => {
            let line = yaml_line(piece);
            if elements.is_empty() || is_on_one_line(piece, &line, before) {
                text.push(' ');
                text.push_str(&line);
                text.push('\n');
                return;
            }
            text.push('\n');
            for element in elements {
                indent(depth + 1, text);
                text.push('-');
                match element {
                    Piece::Map(members) if !members.is_empty() => {
                        text.push(' ');
                        yaml_map(members, depth + 2, text);
                    }
                    _ => yaml_value(element, depth + 1, (depth + 1) * INDENT + 1, text),
                }
            }
        }
        Piece::Map(members) if members.is_empty() => text.push_str(" {}\n"),
        Piece::Map(members) => {
            text.push('\n');
            yaml_map(members, depth + 1, text);
        }
    }
}

fn is_on_one_line(piece: &Piece, line: &str, before: usize) -> bool {
    piece.is_flat() && !piece.has_line_end() && before + 1 + line.chars().count() <= WIDEST
}

fn yaml_line(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) => yaml_scalar(text),
        Piece::Number(number) => number.to_string(),
        Piece::List(elements) => {
            let elements: Vec<String> = elements.iter().map(yaml_line).collect();
            format!("[{}]", elements.join(", "))
        }
        Piece::Map(_) => json_line(piece),
    }
}

/// Strings to pachctl, and booleans to older readers of YAML.
const BOOLEANS: [&str; 6] = ["y", "yes", "on", "n", "no", "off"];

/// A word that YAML takes for a string stands as it is; all else is quoted as in JSON, which YAML takes as well.
fn yaml_scalar(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && !text.ends_with([':', ' '])
        && !text.contains(": ")
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " _./@:+=-".contains(c))
        && matches!(scalar::resolve(text), Plain::String)
        && !BOOLEANS.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// Whether a text is written as lines below its key: it has several, and no character that would be lost there.
fn is_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\n'])
        && !text.ends_with("\n\n")
        && text
            .chars()
            .all(|c| c == '\n' || !c.is_control() && !matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}'))
}

fn yaml_block(value: &str, depth: usize, text: &mut String) {
    text.push_str(if value.ends_with('\n') { " |\n" } else { " |-\n" });
    for line in value.lines() {
        if !line.is_empty() {
            indent(depth, text);
            text.push_str(line);
        }
        text.push('\n');
    }
}
