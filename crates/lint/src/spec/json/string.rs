//! Strings: quotes of every kind, escapes, and quotes that are missing.

use super::super::syntax::{Cause, Escape};
use super::super::tree::{Key, Node, Text, Value};
use super::Parser;
use crate::source::Span;

/// A string as it was read.
pub(super) struct Quoted {
    pub span: Span,
    pub value: String,
    /// False when it has no end, and where it ends is a guess.
    pub is_closed: bool,
}

impl Parser<'_> {
    pub(super) fn string_value(&mut self) -> Node {
        let string = self.string(false);
        let value = if string.is_closed {
            Value::String(Text {
                value: string.value,
                quoted: true,
                block: false,
            })
        } else {
            Value::Unreadable
        };
        Node {
            span: string.span,
            value,
        }
    }

    pub(super) fn string_key(&mut self) -> Key {
        let string = self.string(true);
        Key {
            span: string.span,
            name: string.value,
        }
    }

    /// The opening quote here, when it is one that only typographers use.
    pub(super) fn typographic_quote(&self) -> Option<char> {
        self.rest().chars().next().filter(|c| is_typographic(*c))
    }

    fn string(&mut self, is_key: bool) -> Quoted {
        let start = self.at;
        if let Some(quote) = self.typographic_quote() {
            return self.typographic(start, quote);
        }
        let quote = self.peek().unwrap_or(b'"');
        let Some(end) = self.closing_quote(start, quote) else {
            return self.unclosed(start, quote, is_key);
        };
        if is_key && self.is_quote_of_value(start, end) {
            return self.unclosed(start, quote, is_key);
        }
        let span = Span::new(start, end + 1);
        let content = Span::new(start + 1, end);
        let value = if quote == b'"' {
            self.double_quoted(content)
        } else {
            self.single_quoted(span)
        };
        self.at = span.end;
        Quoted {
            span,
            value,
            is_closed: true,
        }
    }

    /// Where the string that begins at `start` ends. A quote on a later line ends it only if what follows fits the end
    /// of a string: else it is the beginning of the next one, and this one has no end.
    pub(super) fn closing_quote(&self, start: usize, quote: u8) -> Option<usize> {
        let mut at = start + 1;
        let mut is_later_line = false;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'\\' if quote == b'"' => at += 1,
                b'\'' if quote == b'\'' && self.byte(at + 1) == Some(b'\'') => at += 1,
                b'\n' => is_later_line = true,
                _ if byte != quote => {}
                _ if is_later_line && !self.fits_string_end(at + 1) => return None,
                _ => return Some(at),
            }
            at += 1;
        }
        None
    }

    /// Whether the quote at `end` opens the value, in `"image: "a/b"`: the key before it has a colon in it, and no end.
    fn is_quote_of_value(&self, start: usize, end: usize) -> bool {
        self.slice(start, end).contains(':')
            && !matches!(
                self.byte(end + 1),
                None | Some(b' ' | b'\t' | b'\r' | b'\n' | b':' | b'=' | b',' | b';' | b'{' | b'[' | b'}' | b']')
            )
    }

    fn fits_string_end(&self, at: usize) -> bool {
        let rest = self.slice(at, self.end);
        let rest = rest.trim_start_matches([' ', '\t']);
        matches!(
            rest.bytes().next(),
            None | Some(b',' | b':' | b'}' | b']' | b'\r' | b'\n')
        )
    }

    /// A string without an end stops with its line. A comma or closing brackets there are taken to stand behind it,
    /// and of a key what begins with a colon.
    fn unclosed(&mut self, start: usize, quote: u8, is_key: bool) -> Quoted {
        let line = self.rest().split('\n').next().unwrap_or_default();
        let content = line.get(1..).unwrap_or_default();
        let content = match content.find(':').filter(|_| is_key) {
            Some(colon) => content.get(..colon).unwrap_or_default().trim_end(),
            None => without_closers(content),
        };
        let span = Span::new(start, start + 1 + content.len());
        let value = content.to_owned();
        let cause = Cause::UnclosedString {
            quote: char::from(quote),
        };
        self.fault(cause, Span::new(start, start + 1), Some(Span::at(span.end)));
        self.at = span.end;
        self.open_string = Some(span.end);
        Quoted {
            span,
            value,
            is_closed: false,
        }
    }

    fn typographic(&mut self, start: usize, quote: char) -> Quoted {
        let rest = self.rest();
        let content = rest.get(quote.len_utf8()..).unwrap_or_default();
        let line = content.split('\n').next().unwrap_or_default();
        let close = line.char_indices().find(|(_, c)| is_typographic(*c) || *c == '"');
        let Some((at, closing)) = close else {
            let span = Span::new(start, start + quote.len_utf8() + without_closers(line).len());
            let cause = Cause::UnclosedString { quote };
            self.fault(
                cause,
                Span::new(start, start + quote.len_utf8()),
                Some(Span::at(span.end)),
            );
            self.at = span.end;
            self.open_string = Some(span.end);
            return Quoted {
                span,
                value: String::new(),
                is_closed: false,
            };
        };
        let value = line.get(..at).unwrap_or_default().to_owned();
        let span = Span::new(start, start + quote.len_utf8() + at + closing.len_utf8());
        self.fault(Cause::TypographicQuotes { value: value.clone() }, span, None);
        self.at = span.end;
        Quoted {
            span,
            value,
            is_closed: true,
        }
    }

    /// As YAML reads it: a quote is written twice, and a backslash is one.
    fn single_quoted(&mut self, span: Span) -> String {
        let content = self.slice(span.start + 1, span.end - 1);
        let value = fold(&content.replace("''", "'"));
        let backslash = content.contains('\\');
        self.fault(
            Cause::SingleQuotes {
                value: value.clone(),
                backslash,
            },
            span,
            None,
        );
        self.pass_lines(span);
        value
    }

    fn double_quoted(&mut self, content: Span) -> String {
        let text = self.slice(content.start, content.end);
        if !text.bytes().any(|byte| byte == b'\\' || byte < 0x20 || byte == 0x7f) {
            return text.to_owned();
        }
        let mut value = String::with_capacity(text.len());
        let mut at = content.start;
        while let Some(character) = self.slice(at, content.end).chars().next() {
            let next = at + character.len_utf8();
            match character {
                '\\' => at = self.escape(at, content.end, &mut value),
                '\n' => at = self.line_break_in_string(at, content.end, &mut value),
                '\r' if self.byte(next) == Some(b'\n') => at = self.line_break_in_string(at, content.end, &mut value),
                character if character.is_ascii_control() => {
                    let cause = Cause::ControlCharacter {
                        character,
                        in_string: true,
                    };
                    self.fault(cause, Span::new(at, next), None);
                    value.push(character);
                    at = next;
                }
                character => {
                    value.push(character);
                    at = next;
                }
            }
        }
        value
    }

    /// A line break and the blanks around it are one blank to YAML. Answers where the text goes on.
    fn line_break_in_string(&mut self, at: usize, end: usize, value: &mut String) -> usize {
        let kept = value.trim_end_matches([' ', '\t']).len();
        let before = value.len() - kept;
        value.truncate(kept);
        let rest = self.slice(at, end);
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        let breaks = rest.bytes().take(blanks).filter(|byte| *byte == b'\n').count();
        let empty_lines = breaks.saturating_sub(1);
        let meaning = if empty_lines == 0 {
            " ".to_owned()
        } else {
            "\n".repeat(empty_lines)
        };
        value.push_str(&meaning);
        let span = Span::new(at - before, at + blanks);
        self.fault(Cause::LineBreakInString { meaning }, span, None);
        self.pass_lines(span);
        span.end
    }

    /// Keeps count of lines that a string runs over.
    fn pass_lines(&mut self, span: Span) {
        if let Some(last) = self.slice(span.start, span.end).rfind('\n') {
            self.line = super::Line {
                start: span.start + last + 1,
                indent: 0,
            };
        }
    }

    /// Reads the escape at `at` and answers where the text goes on.
    fn escape(&mut self, at: usize, end: usize, value: &mut String) -> usize {
        let Some(letter) = self.slice(at + 1, end).chars().next() else {
            return end;
        };
        let after = at + 1 + letter.len_utf8();
        let simple = match letter {
            '"' | '\\' => Some(letter),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            _ => None,
        };
        if let Some(character) = simple {
            value.push(character);
            return after;
        }
        let (escape, next) = match letter {
            '/' => (Escape::JsonOnly('/'), after),
            'u' => match self.unicode(after, end) {
                Ok((character, next)) if next == after + 4 => {
                    value.push(character);
                    return next;
                }
                Ok((character, next)) => (Escape::JsonOnly(character), next),
                Err((escape, next)) => (escape, next),
            },
            _ => self.yaml_escape(letter, after, end),
        };
        match escape {
            Escape::JsonOnly(character) | Escape::YamlOnly(character) => value.push(character),
            Escape::LoneSurrogate => value.push(char::REPLACEMENT_CHARACTER),
            // As if it were a backslash that should have been written twice.
            Escape::Unknown => value.push_str(self.slice(at, next)),
        }
        self.fault(Cause::Escape(escape), Span::new(at, next), None);
        next
    }

    /// The four digits at `at`, and those of a second half when they are the first half of a character.
    fn unicode(&self, at: usize, end: usize) -> Result<(char, usize), (Escape, usize)> {
        let unit = self.hex(at, 4, end).ok_or((Escape::Unknown, at))?;
        if let Some(character) = char::from_u32(unit) {
            return Ok((character, at + 4));
        }
        let second = self
            .slice(at + 4, end)
            .strip_prefix("\\u")
            .and_then(|_| self.hex(at + 6, 4, end));
        let pair = second.filter(|second| (0xdc00..0xe000).contains(second) && unit < 0xdc00);
        let joined = pair.and_then(|second| char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (second - 0xdc00)));
        joined.map_or(Err((Escape::LoneSurrogate, at + 4)), |character| {
            Ok((character, at + 10))
        })
    }

    fn hex(&self, at: usize, count: usize, end: usize) -> Option<u32> {
        let digits = self.slice(at, (at + count).min(end));
        let is_hex = digits.len() == count && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex {
            u32::from_str_radix(digits, 16).ok()
        } else {
            None
        }
    }

    fn yaml_escape(&self, letter: char, after: usize, end: usize) -> (Escape, usize) {
        let coded = |count| {
            let character = self.hex(after, count, end).and_then(char::from_u32);
            character.map_or((Escape::Unknown, after), |character| {
                (Escape::YamlOnly(character), after + count)
            })
        };
        let character = match letter {
            'x' => return coded(2),
            'U' => return coded(8),
            '0' => '\0',
            'a' => '\u{7}',
            'v' => '\u{b}',
            'e' => '\u{1b}',
            ' ' => ' ',
            '\t' => '\t',
            'N' => '\u{85}',
            '_' => '\u{a0}',
            'L' => '\u{2028}',
            'P' => '\u{2029}',
            _ => return (Escape::Unknown, after),
        };
        (Escape::YamlOnly(character), after)
    }
}

fn is_typographic(character: char) -> bool {
    matches!(character, '“' | '”' | '„' | '‟' | '«' | '»' | '‘' | '’')
}

/// A line's rest without the comma at its end and the brackets there that close nothing in it.
fn without_closers(line: &str) -> &str {
    let (first_brace, first_square) = (line.find('{'), line.find('['));
    let mut text = line.trim_end();
    while let Some(last) = text.chars().next_back() {
        let opener = match last {
            '}' => first_brace,
            ']' => first_square,
            ',' => None,
            _ => break,
        };
        let Some(before) = text.strip_suffix(last) else { break };
        if opener.is_some_and(|opener| opener < before.len()) {
            break;
        }
        text = before.trim_end();
    }
    text
}

/// Lines joined as YAML joins those of a quoted scalar.
fn fold(text: &str) -> String {
    if !text.contains('\n') {
        return text.to_owned();
    }
    let mut folded = String::with_capacity(text.len());
    let mut empty_lines = 0;
    for (number, line) in text.split('\n').enumerate() {
        let line = if number == 0 {
            line.trim_end()
        } else {
            line.trim_matches([' ', '\t', '\r'])
        };
        if number > 0 && line.is_empty() {
            empty_lines += 1;
            continue;
        }
        if number > 0 {
            let joint = if empty_lines == 0 {
                " ".to_owned()
            } else {
                "\n".repeat(empty_lines)
            };
            folded.push_str(&joint);
        }
        empty_lines = 0;
        folded.push_str(line);
    }
    folded
}
