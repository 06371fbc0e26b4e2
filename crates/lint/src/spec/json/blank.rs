//! What stands between tokens: blanks and comments.

use super::super::reading::Comment;
use super::super::syntax::{Cause, CommentStyle};
use super::{Line, Parser};
use crate::source::Span;

impl Parser<'_> {
    /// Passes over blanks and comments.
    pub(super) fn blank(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' => self.line_break(),
                b'#' => self.line_comment(CommentStyle::Hash {
                    separated: self.is_separated(),
                }),
                b'/' if self.byte(self.at + 1) == Some(b'/') => self.line_comment(CommentStyle::Slashes),
                b'/' if self.byte(self.at + 1) == Some(b'*') => self.block_comment(),
                0x80.. if self.invisible() => {}
                0x00..0x20 | 0x7f => {
                    let character = char::from(byte);
                    let span = Span::new(self.at, self.at + 1);
                    self.fault(
                        Cause::ControlCharacter {
                            character,
                            in_string: false,
                        },
                        span,
                        None,
                    );
                    self.at += 1;
                }
                _ => break,
            }
        }
    }

    /// Passes over a line break and the blanks that begin the next line.
    pub(super) fn line_break(&mut self) {
        self.at += 1;
        let start = self.at;
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        self.line = Line {
            start,
            indent: self.at - start,
        };
    }

    /// Whether a token that begins here is the first of its line.
    pub(super) fn begins_line(&self) -> bool {
        self.at == self.line.start + self.line.indent
    }

    fn is_separated(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.bytes.get(at));
        matches!(before, None | Some(b' ' | b'\t' | b'\r' | b'\n'))
    }

    fn line_comment(&mut self, style: CommentStyle) {
        let line = self
            .rest()
            .split('\n')
            .next()
            .unwrap_or_default()
            .trim_end_matches('\r');
        let span = Span::new(self.at, self.at + line.len());
        self.comment(style, span);
    }

    fn block_comment(&mut self) {
        let rest = self.rest();
        let close = rest.get(2..).and_then(|inside| inside.find("*/"));
        let span = Span::new(self.at, close.map_or(self.end, |close| self.at + close + 4));
        // A comment without an end takes the closing brackets with it.
        self.is_cut |= close.is_none();
        self.comment(
            CommentStyle::Block {
                closed: close.is_some(),
            },
            span,
        );
        if let Some(last) = self.slice(span.start, span.end).rfind('\n') {
            // What follows a comment is not the first of its line.
            self.line = Line {
                start: span.start + last + 1,
                indent: 0,
            };
        }
    }

    fn comment(&mut self, style: CommentStyle, span: Span) {
        self.reading.comments.push(Comment { span });
        self.fault(Cause::Comment(style), span, None);
        self.at = span.end;
    }

    /// Passes over a character that looks like a blank, or like nothing, and is no blank of JSON.
    fn invisible(&mut self) -> bool {
        let Some(character) = self.rest().chars().next().filter(|c| is_invisible(*c)) else {
            return false;
        };
        let span = Span::new(self.at, self.at + character.len_utf8());
        self.fault(
            Cause::UnexpectedCharacter {
                character,
                invisible: true,
            },
            span,
            None,
        );
        self.at = span.end;
        true
    }
}

/// Blanks of Unicode, and marks without width such as a byte order mark.
pub(super) fn is_invisible(character: char) -> bool {
    !character.is_ascii() && (character.is_whitespace() || character.is_control())
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}
