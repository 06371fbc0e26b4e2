//! A text that somebody wrote, and places in it.
//!
//! Words only: it knows no file system, no syntax and no terminal.

use std::ops::Range;
use std::sync::OnceLock;

/// A part of a text, in bytes from its beginning. Empty when it is a place between two bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// A place between two bytes.
    #[must_use]
    pub fn at(offset: usize) -> Self {
        Self::new(offset, offset)
    }

    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether it is within one of some places, which are in order and not within each other.
    pub(crate) fn is_in_one_of(self, places: &[Self]) -> bool {
        let begun = places.partition_point(|place| place.start <= self.start);
        let last = begun.checked_sub(1).and_then(|last| places.get(last));
        last.is_some_and(|place| self.end <= place.end)
    }
}

/// Where a person finds a byte: both count from 1; columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// A text with the name that a person knows it by.
#[derive(Debug, Clone)]
pub struct SourceFile {
    name: String,
    text: String,
    /// Made when a place is first asked for: of most files nothing is said.
    places: OnceLock<Places>,
    encoding: Encoding,
}

/// By what lines and columns are found.
#[derive(Debug, Clone)]
struct Places {
    /// Where each line starts; the first is 0.
    lines: Vec<usize>,
    /// How many characters begin before each block of the text: a line of megabytes may be asked for every place in it.
    characters: Vec<usize>,
}

/// How a text was written in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    /// With or without a byte order mark. The text has other bytes than the file.
    Utf16,
    /// Neither. In these places of the text, U+FFFD stands for bytes that mean nothing.
    Broken(Vec<Span>),
}

/// The bytes that are counted anew for each position.
const BLOCK: usize = 1024;

impl SourceFile {
    /// Makes a text of a file's bytes, whatever they are: UTF-8, UTF-16, or something else.
    #[must_use]
    pub fn decode(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        let utf16 = match bytes.as_slice() {
            [0xfe, 0xff, rest @ ..] => Some(utf16(rest, u16::from_be_bytes)),
            [0xff, 0xfe, rest @ ..] => Some(utf16(rest, u16::from_le_bytes)),
            // Without the mark: every second byte of what is ASCII is zero, and no text has zeros in it.
            [0, one, 0, two, ..] if *one != 0 && *two != 0 => Some(utf16(&bytes, u16::from_be_bytes)),
            [one, 0, two, 0, ..] if *one != 0 && *two != 0 => Some(utf16(&bytes, u16::from_le_bytes)),
            _ => None,
        };
        let (text, encoding) = match utf16 {
            Some(text) => (text, Encoding::Utf16),
            None => match String::from_utf8(bytes) {
                Ok(text) => (text, Encoding::Utf8),
                Err(error) => broken(error.as_bytes()),
            },
        };
        let mut file = Self::new(name, text);
        file.encoding = encoding;
        file
    }

    /// The same file with another text, which is UTF-8.
    #[must_use]
    pub fn with_text(&self, text: impl Into<String>) -> Self {
        Self::new(self.name.clone(), text)
    }

    /// How the file was written. What is not UTF-8 must not be written back from this text.
    #[must_use]
    pub fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
            places: OnceLock::new(),
            encoding: Encoding::Utf8,
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text in `span`; empty when the span is not in this text.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// The line and column of the byte at `offset`; past the end, those of the end.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let lines = self.lines();
        let line = lines.partition_point(|start| *start <= offset);
        let start = lines.get(line - 1).copied().unwrap_or_default();
        let column = self.characters_before(offset) - self.characters_before(start) + 1;
        Position { line, column }
    }

    /// Where a line starts; the first is 0.
    #[must_use]
    pub fn line_start(&self, line: usize) -> Option<usize> {
        self.lines().get(line).copied()
    }

    /// The line that a byte is in; the first is 0.
    #[must_use]
    pub fn line_of(&self, offset: usize) -> usize {
        self.lines().partition_point(|start| *start <= offset) - 1
    }

    fn places(&self) -> &Places {
        self.places.get_or_init(|| Places::of(&self.text))
    }

    fn lines(&self) -> &[usize] {
        &self.places().lines
    }

    fn characters_before(&self, offset: usize) -> usize {
        let characters = &self.places().characters;
        // The end of the text may be the beginning of a block that is not there.
        let block = (offset / BLOCK).min(characters.len().saturating_sub(1));
        let before = characters.get(block).copied().unwrap_or_default();
        let rest = self.text.as_bytes().get(block * BLOCK..offset).unwrap_or_default();
        before + beginnings(rest)
    }
}

impl Places {
    fn of(text: &str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(starts.map(|(at, _)| at + 1)).collect();
        let counted = text.as_bytes().chunks(BLOCK).scan(0, |before, block| {
            let here = *before;
            *before += beginnings(block);
            Some(here)
        });
        Self {
            lines,
            characters: counted.collect(),
        }
    }
}

/// How many characters begin in a part of a text, wherever that was cut.
fn beginnings(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| !(0x80..0xc0).contains(*byte)).count()
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().copied().map(unit);
    let text = char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER));
    text.chain((!rest.is_empty()).then_some(char::REPLACEMENT_CHARACTER))
        .collect()
}

fn broken(bytes: &[u8]) -> (String, Encoding) {
    let mut text = String::with_capacity(bytes.len());
    let mut places = Vec::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            let start = text.len();
            text.push(char::REPLACEMENT_CHARACTER);
            places.push(Span::new(start, text.len()));
        }
    }
    (text, Encoding::Broken(places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let file = SourceFile::new("a.json", "é{\n\"ü\": 1\n");
        let position = |offset| {
            let Position { line, column } = file.position(offset);
            (line, column)
        };
        assert_eq!(position(0), (1, 1));
        assert_eq!(position(2), (1, 2));
        assert_eq!(position(4), (2, 1));
        assert_eq!(position(7), (2, 3));
        assert_eq!(position(file.text().len()), (3, 1));
        assert_eq!(position(1000), (3, 1));
    }

    #[test]
    fn columns_are_counted_over_blocks_and_in_no_time() {
        let text = "aé€😀\n".repeat(500) + &"aé€😀".repeat(20_000);
        let file = SourceFile::new("a.json", text.as_str());
        let started = std::time::Instant::now();
        let mut expected = Position { line: 1, column: 1 };
        for (at, character) in text.char_indices() {
            assert_eq!(file.position(at), expected);
            expected.column += 1;
            if character == '\n' {
                expected = Position {
                    line: expected.line + 1,
                    column: 1,
                };
            }
        }
        assert_eq!(file.position(text.len()), expected);
        // With the square of the line, minutes.
        assert!(started.elapsed() < std::time::Duration::from_secs(30));
    }

    #[test]
    fn any_bytes_become_a_text_that_knows_where_it_is_broken() {
        let file = SourceFile::decode("a", b"a\xffb\xc3".to_vec());
        assert_eq!(file.text(), "a\u{fffd}b\u{fffd}");
        assert_eq!(
            file.encoding(),
            &Encoding::Broken(vec![Span::new(1, 4), Span::new(5, 8)])
        );
        let file = SourceFile::decode("a", vec![0xff, 0xfe, b'a', 0, 0x3d, 0xd8, 0x00, 0xde, b'b']);
        assert_eq!(file.text(), "a\u{1f600}\u{fffd}");
        assert_eq!(file.encoding(), &Encoding::Utf16);
        let file = SourceFile::decode("a", vec![b'{', 0, b'}', 0]);
        assert_eq!((file.text(), file.encoding()), ("{}", &Encoding::Utf16));
        assert_eq!(
            SourceFile::decode("a", b"\xc3\xa9".to_vec()).encoding(),
            &Encoding::Utf8
        );
    }
}
