//! Where a message ends: lines, NULs, any other delimiter, JSON values, CSV records, netstrings, and frames with their
//! length before them.
//!
//! A [`Splitter`] is given bytes as they come, in blocks of any size, and shows each message as soon as its last byte is
//! there. It looks at each byte once, wherever the blocks end.

mod json;

use std::str::FromStr;

use memchr::memchr;
use memchr::memmem::Finder;

use self::json::Value;
use super::error::{MessageError, MessageFault};

/// The longest message that is taken unless told otherwise: 16 MiB.
pub const DEFAULT_LIMIT: usize = 16 << 20;

/// How many digits a netstring's length may have: enough for 1 GB, and no number that overflows.
const LENGTH_DIGITS: usize = 9;

/// How messages are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// Each ends with a newline. A carriage return before it belongs to the message.
    Lines,
    /// Each ends with a NUL.
    Nul,
    /// Each ends with these bytes, of which there is at least one.
    Delimiter(Vec<u8>),
    /// JSON values, with any white space between them.
    Json,
    /// CSV records by RFC 4180, the first being the header.
    Csv,
    /// `5:hello,`
    Netstring,
    /// A length in four bytes, big-endian, then so many bytes.
    U32be,
}

impl FromStr for Framing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "lines" => Self::Lines,
            "nul" => Self::Nul,
            "json" => Self::Json,
            "csv" => Self::Csv,
            "netstring" => Self::Netstring,
            "u32be" => Self::U32be,
            _ => match text.strip_prefix("delimiter=") {
                Some("") => return Err("a delimiter has at least one byte".to_owned()),
                Some(delimiter) => Self::Delimiter(unescape(delimiter)?),
                None => return Err("write lines, nul, json, csv, netstring, u32be or delimiter=STR".to_owned()),
            },
        })
    }
}

/// `\n`, `\r`, `\t`, `\0`, `\\` and `\xHH` stand for bytes that a command line holds badly.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        bytes.push(match rest.next() {
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('0') => 0,
            Some('\\') => b'\\',
            Some('x') => {
                let digits: String = rest.by_ref().take(2).collect();
                let is_hex = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                let byte = u8::from_str_radix(&digits, 16).ok().filter(|_| is_hex);
                byte.ok_or_else(|| format!("`\\x{digits}` is no byte: write two hex digits"))?
            }
            _ => return Err(r"after `\` comes n, r, t, 0, x and two hex digits, or another `\`".to_owned()),
        });
    }
    Ok(bytes)
}

/// What becomes of a last message that has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partial {
    /// It is taken as it is, and given the end that it lacks.
    Keep,
    Drop,
    Fail,
}

impl Framing {
    /// Lines are often without the last newline on purpose; a frame that is not whole was cut off.
    #[must_use]
    pub fn usual_partial(&self) -> Partial {
        match self {
            Self::Lines => Partial::Keep,
            _ => Partial::Fail,
        }
    }

    /// Whether a message without its end can be given one: not where its length was promised, or its syntax breaks.
    #[must_use]
    pub fn can_keep_partial(&self) -> bool {
        matches!(self, Self::Lines | Self::Nul | Self::Delimiter(_) | Self::Csv)
    }
}

/// A message, in three parts that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// From 1.
    pub number: u64,
    /// Where it begins in the input, in bytes.
    pub offset: u64,
    /// What comes before it: a length.
    pub head: &'a [u8],
    pub body: &'a [u8],
    /// What comes after it: a delimiter. After a JSON value always a newline.
    pub tail: &'a [u8],
    /// What every file of messages begins with: a CSV input's first record, with its newline.
    pub header: Option<&'a [u8]>,
}

impl Message<'_> {
    /// Bytes of all of it.
    #[must_use]
    pub fn framed_length(&self) -> usize {
        self.head.len() + self.body.len() + self.tail.len()
    }
}

/// How long the parts of a message are.
struct Cut {
    head: usize,
    body: usize,
    tail: usize,
}

/// So many bytes of a last message without its end were left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped(pub usize);

/// Tells the messages of one input apart.
pub struct Splitter {
    framing: Framing,
    limit: usize,
    partial: Partial,
    /// Whether a JSON number at the very end of the input is whole, though more digits might have come.
    ends_numbers: bool,
    finder: Finder<'static>,
    csv: csv_core::Reader,
    json: Value,
    /// Bytes of which no message is made yet.
    held: Vec<u8>,
    /// How many of them were looked at already.
    looked: usize,
    /// Of the first held byte in the input.
    offset: u64,
    number: u64,
    /// A CSV file's first record, with its newline.
    header: Option<Vec<u8>>,
}

impl Splitter {
    #[must_use]
    pub fn new(framing: Framing, limit: usize, partial: Partial) -> Self {
        let needle: &[u8] = match &framing {
            Framing::Delimiter(delimiter) => delimiter,
            Framing::Nul => b"\0",
            _ => b"\n",
        };
        Self {
            finder: Finder::new(needle).into_owned(),
            csv: csv_reader(),
            json: Value::default(),
            framing,
            limit,
            partial,
            ends_numbers: false,
            held: Vec::new(),
            looked: 0,
            offset: 0,
            number: 0,
            header: None,
        }
    }

    /// Takes a JSON number at the very end of the input for a whole one, whatever becomes of other last messages.
    #[must_use]
    pub fn ending_numbers(self, ends_numbers: bool) -> Self {
        Self { ends_numbers, ..self }
    }

    /// Takes the next bytes of the input and shows every message that is complete with them.
    ///
    /// # Errors
    /// What `show` says, or a message that cannot be told apart. Nothing can be read after that.
    pub fn push<E: From<MessageError>>(
        &mut self,
        block: &[u8],
        show: &mut dyn FnMut(Message<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.held.extend_from_slice(block);
        let mut start = 0;
        let end = loop {
            start += self.blank(start);
            let cut = match self.cut(start) {
                Ok(cut) => cut,
                Err(fault) => break Err(self.error(start, fault).into()),
            };
            let Some(cut) = cut else { break Ok(()) };
            self.looked = 0;
            let length = cut.head + cut.body + cut.tail;
            if length > self.limit {
                break Err(self.error(start, MessageFault::TooLong { limit: self.limit }).into());
            }
            let result = self.show(start, &cut, show);
            start += length;
            if result.is_err() {
                break result;
            }
        };
        self.offset += start as u64;
        self.held.drain(..start);
        end?;
        if self.held.len() > self.limit {
            return Err(self.error(0, MessageFault::TooLong { limit: self.limit }).into());
        }
        Ok(())
    }

    /// The input has ended.
    ///
    /// # Errors
    /// What `show` says; a last message without its end, if that is to fail.
    pub fn finish<E: From<MessageError>>(
        &mut self,
        show: &mut dyn FnMut(Message<'_>) -> Result<(), E>,
    ) -> Result<Dropped, E> {
        if self.framing == Framing::Json && self.json.is_word() && !self.is_front() {
            self.push(b"\n", show)?;
        }
        if self.held.is_empty() {
            return Ok(Dropped(0));
        }
        match self.partial {
            Partial::Drop => Ok(Dropped(self.held.len())),
            Partial::Keep if self.framing.can_keep_partial() => {
                let end = match &self.framing {
                    Framing::Delimiter(delimiter) => delimiter.clone(),
                    Framing::Nul => vec![0],
                    _ => vec![b'\n'],
                };
                self.limit += end.len();
                self.push(&end, show)?;
                if self.held.is_empty() {
                    Ok(Dropped(0))
                } else {
                    self.unfinished()
                }
            }
            Partial::Keep | Partial::Fail => self.unfinished(),
        }
    }

    /// Whether the last JSON value, a number or a word, may be the front of one.
    fn is_front(&self) -> bool {
        match serde_json::from_slice(&self.held) {
            Ok(serde_json::Value::Number(_)) => !self.ends_numbers,
            Ok(_) => false,
            Err(error) => error.is_eof(),
        }
    }

    /// Leaves out what has come of a message.
    pub fn abandon(&mut self) -> Dropped {
        let bytes = self.held.len();
        self.held.clear();
        Dropped(bytes)
    }

    fn unfinished<E: From<MessageError>>(&self) -> Result<Dropped, E> {
        let held = self.held.len();
        Err(self.error(0, MessageFault::Unfinished { held }).into())
    }

    fn show<E>(
        &mut self,
        start: usize,
        cut: &Cut,
        show: &mut dyn FnMut(Message<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (head, rest) = self.held[start..].split_at(cut.head);
        let (body, rest) = rest.split_at(cut.body);
        if self.framing == Framing::Csv && self.header.is_none() {
            let mut header = body.to_vec();
            header.push(b'\n');
            self.header = Some(header);
            return Ok(());
        }
        self.number += 1;
        let message = Message {
            number: self.number,
            offset: self.offset + start as u64,
            head,
            body,
            tail: match self.framing {
                Framing::Json => b"\n",
                _ => &rest[..cut.tail],
            },
            header: self.header.as_deref(),
        };
        show(message)
    }

    fn error(&self, start: usize, fault: MessageFault) -> MessageError {
        let is_header = self.framing == Framing::Csv && self.header.is_none();
        MessageError {
            number: if is_header { 0 } else { self.number + 1 },
            offset: self.offset + start as u64,
            fault,
        }
    }

    /// The first message of what is held from `start`, if it is complete.
    fn cut(&mut self, start: usize) -> Result<Option<Cut>, MessageFault> {
        let held = &self.held[start..];
        match &self.framing {
            Framing::Lines | Framing::Nul | Framing::Delimiter(_) => Ok(self.cut_at_delimiter(start)),
            Framing::Csv => Ok(self.cut_record(start)),
            Framing::Json => {
                let end = self.json.end(held, &mut self.looked)?;
                Ok(end.map(|body| Cut { head: 0, body, tail: 0 }))
            }
            Framing::Netstring => cut_netstring(held, self.limit),
            Framing::U32be => cut_length(held, self.limit),
        }
    }

    /// White space before a JSON value, and blank lines before a CSV record, belong to nothing.
    fn blank(&self, start: usize) -> usize {
        let is_blank = match &self.framing {
            Framing::Json => json::is_space,
            Framing::Csv => |byte| matches!(byte, b'\r' | b'\n'),
            _ => return 0,
        };
        let held = &self.held[start..];
        // Once a message has begun, they belong to it.
        let held = if self.looked == 0 { held } else { &[] };
        held.iter().take_while(|byte| is_blank(**byte)).count()
    }

    fn cut_at_delimiter(&mut self, start: usize) -> Option<Cut> {
        let held = &self.held[start..];
        let tail = self.finder.needle().len();
        // Its first bytes may have come with the last block.
        let from = self.looked.saturating_sub(tail - 1);
        self.looked = held.len();
        let at = match self.finder.needle() {
            [byte] => memchr(*byte, &held[from..]),
            _ => self.finder.find(&held[from..]),
        };
        at.map(|at| Cut {
            head: 0,
            body: from + at,
            tail,
        })
    }

    fn cut_record(&mut self, start: usize) -> Option<Cut> {
        let held = &self.held[start..];
        // Where it ends is all that is asked: the fields are written over one another.
        let (mut fields, mut ends) = ([0; 1024], [0; 64]);
        while self.looked < held.len() {
            let (result, read, ..) = self.csv.read_record(&held[self.looked..], &mut fields, &mut ends);
            self.looked += read;
            if let csv_core::ReadRecordResult::Record = result {
                self.csv.reset();
                return Some(Cut {
                    head: 0,
                    body: self.looked - 1,
                    tail: 1,
                });
            }
        }
        None
    }
}

/// Ends records at newlines alone: the carriage return before one belongs to the record, as it does to a line.
fn csv_reader() -> csv_core::Reader {
    csv_core::ReaderBuilder::new()
        .terminator(csv_core::Terminator::Any(b'\n'))
        .build()
}

fn cut_netstring(held: &[u8], limit: usize) -> Result<Option<Cut>, MessageFault> {
    let digits = held.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let wrong = |length: usize| MessageFault::NotALength {
        found: String::from_utf8_lossy(&held[..held.len().min(length)])
            .escape_debug()
            .to_string(),
    };
    match held.get(digits) {
        _ if digits > LENGTH_DIGITS => return Err(wrong(LENGTH_DIGITS + 1)),
        None => return Ok(None),
        Some(b':') if digits > 0 && (digits == 1 || held[0] != b'0') => {}
        Some(_) => return Err(wrong(digits + 1)),
    }
    let length = held[..digits]
        .iter()
        .fold(0, |length: usize, digit| length * 10 + usize::from(digit - b'0'));
    if length > limit {
        return Err(MessageFault::TooLong { limit });
    }
    match held.get(digits + 1 + length) {
        None => Ok(None),
        Some(b',') => Ok(Some(Cut {
            head: digits + 1,
            body: length,
            tail: 1,
        })),
        Some(_) => Err(MessageFault::NoComma),
    }
}

fn cut_length(held: &[u8], limit: usize) -> Result<Option<Cut>, MessageFault> {
    let Some(digits) = held.first_chunk::<4>() else {
        return Ok(None);
    };
    let length = usize::try_from(u32::from_be_bytes(*digits)).unwrap_or(usize::MAX);
    if length > limit {
        return Err(MessageFault::TooLong { limit });
    }
    Ok((held.len() - digits.len() >= length).then_some(Cut {
        head: digits.len(),
        body: length,
        tail: 0,
    }))
}

#[cfg(test)]
mod tests;
