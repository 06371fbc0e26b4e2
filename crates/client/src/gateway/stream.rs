//! The gateway's server streams: one JSON object a line, `{"result":…}` or `{"error":…}`, taken apart as the bytes
//! come.
//!
//! It knows no socket: bytes go in, bytes or lines come out, and memory stays bounded whatever comes. A stream is
//! complete only when it ends after a whole line; whether the connection ended cleanly is for its reader to know.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::error::Status;

/// The longest line of a stream of messages. A commit's description may be long; nothing else in it is.
const LONGEST_MESSAGE: usize = 4 << 20;
/// The longest line of a stream of bytes that holds no bytes: an error.
const LONGEST_ERROR: usize = 64 << 10;

/// Why a stream's text cannot be taken on.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    /// The server gave up in the middle and said so.
    #[error("{}", .0.message)]
    Said(Status),
    #[error("the stream ends inside a line")]
    Cut,
    #[error("a line is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the stream holds something else than pachd's lines: {why}")]
    Garbled { why: String },
}

fn garbled(why: impl std::fmt::Display) -> StreamError {
    StreamError::Garbled { why: format!("{why}") }
}

#[derive(Deserialize)]
struct Envelope<T> {
    #[serde(default = "nothing")]
    result: Option<T>,
    #[serde(default)]
    error: Option<Status>,
}

fn nothing<T>() -> Option<T> {
    None
}

/// Lines of messages, out of pieces that end anywhere.
#[derive(Debug, Default)]
pub(super) struct Lines {
    held: Vec<u8>,
    /// Where the next line starts in `held`.
    start: usize,
    /// Up to where `held` was searched for a line's end.
    searched: usize,
}

impl Lines {
    pub fn push(&mut self, piece: &[u8]) {
        self.held.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.held.extend_from_slice(piece);
    }

    /// The next message that is complete, or `None` when more bytes are needed.
    pub fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StreamError> {
        loop {
            let Some(length) = self.held[self.searched..].iter().position(|&b| b == b'\n') else {
                self.searched = self.held.len();
                return if self.held.len() - self.start > LONGEST_MESSAGE {
                    Err(StreamError::TooLong { limit: LONGEST_MESSAGE })
                } else {
                    Ok(None)
                };
            };
            let end = self.searched + length;
            let line = self.start..end;
            self.start = end + 1;
            self.searched = self.start;
            let line = self.held[line].trim_ascii();
            if !line.is_empty() {
                return message(line).map(Some);
            }
        }
    }

    /// The end of the stream: the last line may lack its newline, but not its end.
    pub fn finish<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StreamError> {
        let rest = self.held[self.start..].trim_ascii();
        let last = if rest.is_empty() {
            Ok(None)
        } else {
            message(rest).map(Some).map_err(|error| match error {
                StreamError::Garbled { .. } => StreamError::Cut,
                other => other,
            })
        };
        *self = Self::default();
        last
    }
}

fn message<T: DeserializeOwned>(line: &[u8]) -> Result<T, StreamError> {
    let line: Envelope<T> = serde_json::from_slice(line).map_err(garbled)?;
    match (line.error, line.result) {
        (Some(status), _) => Err(StreamError::Said(status)),
        (None, Some(result)) => Ok(result),
        (None, None) => Err(garbled("a line with neither a result nor an error")),
    }
}

#[derive(Debug)]
enum State {
    /// Before or inside `{"result":"`; what there is of it is in `head`.
    Head,
    /// Inside the base64 text; up to four characters of a group are in `group`.
    Data,
    /// After a backslash in the text: JSON may write `/` as `\/`.
    Escape,
    /// After the closing quote, up to the end of the line.
    Tail,
    /// A line without bytes: it is collected in `head` and says why.
    Other,
}

/// Bytes out of lines `{"result":"base64"}`, whatever the length of a line: pachd sends pieces of half its message
/// limit, 10 MiB by default.
#[derive(Debug)]
pub(super) struct Pieces {
    state: State,
    head: Vec<u8>,
    group: Vec<u8>,
    /// The piece's text ended with padding: no more of it may follow.
    padded: bool,
    /// The line's object was closed: its newline may follow.
    closed: bool,
}

impl Default for Pieces {
    fn default() -> Self {
        Self {
            state: State::Head,
            head: Vec::new(),
            group: Vec::new(),
            padded: false,
            closed: false,
        }
    }
}

impl Pieces {
    /// Takes `text` and appends the bytes that it holds to `out`.
    pub fn push(&mut self, mut text: &[u8], out: &mut Vec<u8>) -> Result<(), StreamError> {
        while let Some((&first, rest)) = text.split_first() {
            match self.state {
                State::Data => text = self.take_data(text, out)?,
                State::Escape => {
                    if first != b'/' {
                        return Err(garbled("an escape in base64 text"));
                    }
                    self.state = State::Data;
                    self.take_base64(b"/", out)?;
                    text = rest;
                }
                State::Head => {
                    self.take_head(first);
                    text = rest;
                }
                State::Tail => {
                    self.take_tail(first)?;
                    text = rest;
                }
                State::Other => {
                    self.take_other(first)?;
                    text = rest;
                }
            }
        }
        Ok(())
    }

    /// The end of the stream. It may come after a line only.
    pub fn finish(&mut self) -> Result<(), StreamError> {
        match self.state {
            State::Head if self.head.is_empty() => Ok(()),
            State::Tail if self.closed => Ok(()),
            State::Other => match message::<IgnoredAny>(&self.head) {
                Err(said @ StreamError::Said(_)) => Err(said),
                _ => Err(StreamError::Cut),
            },
            _ => Err(StreamError::Cut),
        }
    }

    fn take_head(&mut self, byte: u8) {
        const RESULT: &[u8] = br#"{"result":""#;
        if byte.is_ascii_whitespace() {
            return;
        }
        self.head.push(byte);
        if self.head == RESULT {
            self.head.clear();
            self.state = State::Data;
        } else if !RESULT.starts_with(&self.head) {
            self.state = State::Other;
        }
    }

    fn take_data<'a>(&mut self, text: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], StreamError> {
        let end = text.iter().position(|b| matches!(b, b'"' | b'\\'));
        let (data, rest) = text.split_at(end.unwrap_or(text.len()));
        self.take_base64(data, out)?;
        match rest.split_first() {
            None => Ok(rest),
            Some((b'\\', rest)) => {
                self.state = State::Escape;
                Ok(rest)
            }
            Some((_, rest)) => {
                if !self.group.is_empty() {
                    return Err(garbled("base64 text of a length that is no multiple of four"));
                }
                self.state = State::Tail;
                self.padded = false;
                self.closed = false;
                Ok(rest)
            }
        }
    }

    /// Decodes whole groups of four; what is left waits for more.
    fn take_base64(&mut self, mut data: &[u8], out: &mut Vec<u8>) -> Result<(), StreamError> {
        if !self.group.is_empty() {
            let missing = (4 - self.group.len() % 4) % 4;
            let (now, later) = data.split_at(missing.min(data.len()));
            self.group.extend_from_slice(now);
            data = later;
            if self.group.len() == 4 {
                let group = std::mem::take(&mut self.group);
                self.decode(&group, out)?;
            }
        }
        let (whole, rest) = data.split_at(data.len() - data.len() % 4);
        self.decode(whole, out)?;
        self.group.extend_from_slice(rest);
        Ok(())
    }

    fn decode(&mut self, groups: &[u8], out: &mut Vec<u8>) -> Result<(), StreamError> {
        if groups.is_empty() {
            return Ok(());
        }
        if self.padded {
            return Err(garbled("base64 text after its padding"));
        }
        self.padded = groups.ends_with(b"=");
        BASE64.decode_vec(groups, out).map_err(garbled)
    }

    fn take_tail(&mut self, byte: u8) -> Result<(), StreamError> {
        match byte {
            b'\n' if self.closed => {
                self.state = State::Head;
                Ok(())
            }
            b'}' if !self.closed => {
                self.closed = true;
                Ok(())
            }
            byte if byte.is_ascii_whitespace() && byte != b'\n' => Ok(()),
            _ => Err(garbled("something after a piece")),
        }
    }

    fn take_other(&mut self, byte: u8) -> Result<(), StreamError> {
        if byte != b'\n' {
            self.head.push(byte);
            return if self.head.len() > LONGEST_ERROR {
                Err(StreamError::TooLong { limit: LONGEST_ERROR })
            } else {
                Ok(())
            };
        }
        match message::<IgnoredAny>(&self.head) {
            Ok(_) => Err(garbled("a result that is no base64 text")),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn bytes_of(pieces: &[&[u8]]) -> Result<Vec<u8>, StreamError> {
        let mut out = Vec::new();
        let mut stream = Pieces::default();
        for piece in pieces {
            stream.push(piece, &mut out)?;
        }
        stream.finish()?;
        Ok(out)
    }

    fn messages_of(pieces: &[&[u8]]) -> Result<Vec<Value>, StreamError> {
        let mut found = Vec::new();
        let mut stream = Lines::default();
        for piece in pieces {
            stream.push(piece);
            while let Some(message) = stream.next()? {
                found.push(message);
            }
        }
        found.extend(stream.finish()?);
        Ok(found)
    }

    fn line(data: &[u8]) -> String {
        format!("{{\"result\":\"{}\"}}\n", BASE64.encode(data))
    }

    #[test]
    fn spaces_and_an_escaped_slash_are_read_as_json_reads_them() {
        let text = b" {\"result\" : \"\\/\\/8=\" } \n\n{\"result\":\"\"}";
        assert_eq!(bytes_of(&[text]).unwrap(), [255, 255]);
    }

    #[test]
    fn text_that_is_no_base64_stream_is_garbled() {
        for text in [
            "{\"result\":\"eA\"}\n",
            "{\"result\":\"eA==eA==\"}\n",
            "{\"result\":\"e*==\"}\n",
            "{\"result\":\"eA==\"} x\n",
            "{\"result\":\"eA==\"\n",
            "{\"result\":null}\n",
            "{\"result\":{}}\n",
            "<html>\n",
            "{\"result\":\"\\n\"}\n",
        ] {
            let whole = bytes_of(&[text.as_bytes()]);
            assert!(matches!(whole, Err(StreamError::Garbled { .. })), "{text}: {whole:?}");
            let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            let split = bytes_of(&single);
            assert!(matches!(split, Err(StreamError::Garbled { .. })), "{text}: {split:?}");
        }
    }

    #[test]
    fn lines_without_an_end_are_not_held_for_ever() {
        let endless = vec![b'x'; 1 << 20];
        let mut pieces = Pieces::default();
        let mut out = Vec::new();
        let refused = (0..8).find_map(|_| pieces.push(&endless, &mut out).err());
        assert!(matches!(refused, Some(StreamError::TooLong { limit: LONGEST_ERROR })));
        let mut messages = Lines::default();
        let refused = (0..8).find_map(|_| {
            messages.push(&endless);
            messages.next::<Value>().err()
        });
        assert!(matches!(refused, Some(StreamError::TooLong { limit: LONGEST_MESSAGE })));
    }

    #[test]
    fn an_error_in_the_stream_is_told_with_its_words_even_without_a_newline() {
        for end in ["", "\n"] {
            let text = format!("{}{{\"error\":{{\"code\":2,\"message\":\"no\"}}}}{end}", line(b"x"));
            let said = bytes_of(&[text.as_bytes()]);
            assert!(
                matches!(said, Err(StreamError::Said(Status { code: 2, .. }))),
                "{said:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn pieces_come_back_whole_however_the_text_is_split(
            data in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..6),
            size in 1_usize..40,
        ) {
            let text: String = data.iter().map(|piece| line(piece)).collect();
            let split: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            prop_assert_eq!(bytes_of(&split).unwrap(), data.concat());
        }

        #[test]
        fn a_text_cut_inside_a_line_is_never_complete(
            data in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let text: String = data.iter().map(|piece| line(piece)).collect();
            let cut = cut.index(text.len());
            let kept = &text.as_bytes()[..cut];
            // A newline may be missing: the object before it is whole.
            let at_an_end = cut == 0 || kept.ends_with(b"\n") || kept.ends_with(b"}");
            prop_assert_eq!(bytes_of(&[kept]).is_ok(), at_an_end);
        }

        #[test]
        fn messages_come_back_whole_however_the_text_is_split(
            numbers in prop::collection::vec(any::<u32>(), 0..10),
            size in 1_usize..30,
        ) {
            let lines: Vec<String> = numbers.iter().map(|n| format!("{{\"result\":{n}}}\n")).collect();
            let text = lines.concat();
            let split: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            let found = messages_of(&split).unwrap();
            prop_assert_eq!(found, numbers.iter().map(|n| Value::from(*n)).collect::<Vec<_>>());
        }

        #[test]
        fn no_bytes_make_a_stream_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1_usize..20) {
            let split: Vec<&[u8]> = bytes.chunks(size).collect();
            let _ = bytes_of(&split);
            let _ = messages_of(&split);
        }
    }
}
