//! JSON as people write it: a parser that goes on after a fault, and points at its cause.
//!
//! No library does both: those that tolerate comments and commas stop at the first thing they do not tolerate. What is
//! not JSON and still YAML (single quotes, words without quotes) is read as YAML reads it, as pachctl 2.x does.
//!
//! It knows nothing of versions. Each byte is looked at a bounded number of times.

mod blank;
mod containers;
mod string;
mod word;

use super::reading::{MAX_DEPTH, Reading};
use super::syntax::Cause;
use super::tree::{Node, Value};
use crate::source::Span;

/// Reads a text. Its documents are separated by `---` or simply follow each other.
pub(super) fn parse(text: &str) -> Reading {
    let mut parser = Parser::new(text);
    parser.stream();
    parser.reading
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Brace,
    Square,
}

impl Bracket {
    fn open(self) -> char {
        match self {
            Self::Brace => '{',
            Self::Square => '[',
        }
    }

    fn close(self) -> char {
        match self {
            Self::Brace => '}',
            Self::Square => ']',
        }
    }

    fn closed_by(byte: u8) -> Option<Self> {
        match byte {
            b'}' => Some(Self::Brace),
            b']' => Some(Self::Square),
            _ => None,
        }
    }
}

/// A bracket that is open.
#[derive(Debug, Clone, Copy)]
struct Opener {
    bracket: Bracket,
    at: usize,
    line: Line,
}

/// The line that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    start: usize,
    /// How many bytes of blanks it begins with.
    indent: usize,
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// The end of the document that is being read, or of the text.
    end: usize,
    line: Line,
    open: Vec<Opener>,
    /// The first bracket that was closed by one that is indented as if it closed another, and where that is.
    suspect: Option<(Opener, usize)>,
    /// The document ended within brackets, and this has been said.
    is_cut: bool,
    /// Where the last string without an end was taken to end. What is inserted there would be part of it.
    open_string: Option<usize>,
    /// The fault of the entry just read explains why no comma follows it.
    is_comma_forgiven: bool,
    /// That brackets nest too deep has been said.
    is_deep: bool,
    reading: Reading,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            end: text.len(),
            line: Line { start: 0, indent: 0 },
            open: Vec::new(),
            suspect: None,
            is_cut: false,
            open_string: None,
            is_comma_forgiven: false,
            is_deep: false,
            reading: Reading::default(),
        }
    }

    fn fault(&mut self, cause: Cause, span: Span, related: Option<Span>) {
        self.reading.fault(cause, span, related);
    }

    /// The byte here, if the document goes on.
    fn peek(&self) -> Option<u8> {
        if self.at < self.end {
            self.bytes.get(self.at).copied()
        } else {
            None
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        if at < self.end {
            self.bytes.get(at).copied()
        } else {
            None
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..self.end).unwrap_or_default()
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// All documents. A line that begins with `---` separates them wherever it stands: YAML has it so even in a string.
    fn stream(&mut self) {
        if self.rest().starts_with('\u{feff}') {
            self.at += '\u{feff}'.len_utf8();
            self.line.start = self.at;
        }
        let mut before: Option<Span> = None;
        loop {
            let next = separator(self.text, self.at);
            self.end = next.map_or(self.text.len(), |separator| separator.start);
            let found = self.document();
            // Nothing before the first `---` is no document, and nothing after `...` is none either.
            if let Some(separator) =
                before.filter(|separator| !found && self.slice(separator.start, separator.end) == "---")
            {
                self.fault(Cause::EmptyDocument, separator, None);
            }
            let Some(separator) = next else { break };
            self.fault(Cause::DocumentSeparator, separator, None);
            self.at = separator.end;
            self.line = Line {
                start: separator.start,
                indent: 0,
            };
            before = Some(separator);
        }
    }

    /// The values up to the end of the document; whether there is any.
    fn document(&mut self) -> bool {
        let mut before: Option<Span> = None;
        let mut comma: Option<Span> = None;
        self.leading_tab();
        loop {
            self.blank();
            self.open.clear();
            self.suspect = None;
            self.is_cut = false;
            self.is_deep = false;
            let Some(byte) = self.peek() else { break };
            let here = Span::new(self.at, self.at + 1);
            match byte {
                b',' => {
                    self.fault(Cause::ExtraComma, here, None);
                    comma = Some(here);
                    self.at += 1;
                }
                b'}' | b']' => {
                    self.fault(
                        Cause::ExtraBracket {
                            found: char::from(byte),
                        },
                        here,
                        None,
                    );
                    self.at += 1;
                }
                b'{' | b'[' => {
                    if before.is_some() && comma.is_none() {
                        self.fault(Cause::Concatenated, Span::at(self.at), before);
                    }
                    comma = None;
                    before = Some(self.top());
                }
                _ if before.is_some() => self.trailing_text(),
                _ => before = Some(self.top()),
            }
        }
        before.is_some()
    }

    /// A value at the top; where it begins.
    fn top(&mut self) -> Span {
        let first_fault = self.reading.faults.len();
        let start = self.at;
        let root = self.value();
        if !matches!(root.value, Value::Object(_) | Value::Array(_)) {
            // That it has no quotes, say, is nothing beside that it is no spec.
            self.reading.faults.truncate(first_fault);
        }
        self.reading.document(root, first_fault);
        let first = self.slice(start, self.at).chars().next().map_or(0, char::len_utf8);
        Span::new(start, start + first)
    }

    /// Something after a value that begins no other: all of it up to a line that begins with a bracket.
    fn trailing_text(&mut self) {
        let start = self.at;
        let rest = self.rest();
        let next = rest
            .match_indices('\n')
            .find(|(at, _)| matches!(rest.as_bytes().get(at + 1), Some(b'{' | b'[')));
        self.at = next.map_or(self.end, |(at, _)| start + at);
        let end = start + self.slice(start, self.at).trim_end().len();
        self.fault(Cause::TrailingText, Span::new(start, end), None);
    }

    /// YAML knows no tab where a document begins, before its first bracket.
    fn leading_tab(&mut self) {
        let blank = self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
        let is_value = matches!(self.byte(self.at + blank), Some(b'{' | b'[' | b'"' | b'\''));
        if let Some(tab) = self.slice(self.at, self.at + blank).find('\t').filter(|_| is_value) {
            let tab = self.at + tab;
            self.fault(Cause::LeadingTab, Span::new(tab, tab + 1), None);
        }
    }

    /// A value. Something must be here that is no comma, no colon and no closing bracket.
    fn value(&mut self) -> Node {
        match self.peek() {
            Some(b'{') => self.container(Bracket::Brace),
            Some(b'[') => self.container(Bracket::Square),
            Some(b'"' | b'\'') => self.string_value(),
            Some(0x80..) if self.typographic_quote().is_some() => self.string_value(),
            _ => self.word_value(),
        }
    }

    fn container(&mut self, bracket: Bracket) -> Node {
        let start = self.at;
        if self.open.len() >= MAX_DEPTH {
            self.skip_container();
            return Node {
                span: Span::new(start, self.at),
                value: Value::Unreadable,
            };
        }
        self.open.push(Opener {
            bracket,
            at: start,
            line: self.line,
        });
        self.at += 1;
        let value = match bracket {
            Bracket::Brace => Value::Object(self.members()),
            Bracket::Square => Value::Array(self.elements()),
        };
        self.open.pop();
        Node {
            span: Span::new(start, self.at),
            value,
        }
    }

    /// Passes over brackets that nest too deep, and says so once a document.
    fn skip_container(&mut self) {
        let start = self.at;
        let mut depth = 0usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                b'"' => {
                    self.skip_string();
                    continue;
                }
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
        if !std::mem::replace(&mut self.is_deep, true) {
            self.fault(Cause::TooDeep, Span::new(start, start + 1), None);
        }
    }

    fn skip_string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'"' => return,
                b'\\' => self.at = (self.at + 1).min(self.end),
                _ => {}
            }
        }
    }
}

/// The next line that begins with `---` or `...`: its mark. It stands alone or a blank follows.
fn separator(text: &str, from: usize) -> Option<Span> {
    let mut at = from;
    loop {
        let rest = text.get(at..)?;
        let is_line_start =
            at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n') || text.get(..at) == Some("\u{feff}");
        if is_line_start
            && (rest.starts_with("---") || rest.starts_with("..."))
            && matches!(rest.as_bytes().get(3), None | Some(b' ' | b'\t' | b'\r' | b'\n'))
        {
            return Some(Span::new(at, at + 3));
        }
        at += rest.find('\n')? + 1;
    }
}

#[cfg(test)]
mod tests;
