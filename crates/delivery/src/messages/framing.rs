//! Where a message ends: lines, NULs, any other delimiter, JSON values, CSV records, frames with their length before
//! them, entries of a journal, and server-sent events.
//!
//! A [`Splitter`] is given bytes as they come, in blocks of any size, and shows each message as soon as its last byte
//! is there. It looks at each byte once, wherever the blocks end.
//!
//! A message that cannot be taken, but whose end is known, can be shown as such, so that others follow
//! ([`Splitter::going_on`]). Of one that is too long, no more is held than is taken of others.

mod csv;
mod cutting;
mod dispatching;
mod events;
pub(in crate::messages) mod journal;
mod json;
mod lengths;
mod message;
mod naming;
mod passing;

use memchr::memmem::Finder;

pub use self::csv::Dialect;
use self::csv::Records;
pub(super) use self::csv::without_returns;
use self::events::Events;
use self::journal::Entry;
use self::json::Value;
use self::lengths::Frame;
pub(super) use self::lengths::push_varint;
pub(super) use self::message::BYTE_ORDER_MARK;
use self::message::Cut;
use self::message::RECORD_SEPARATOR;
pub use self::message::{Columns, Dropped, Framing, Message, Partial};
pub use self::naming::{Quote, one_byte, unescape};
use super::error::{Encoding, LengthForm, MessageError, MessageFault};

/// The longest message that is taken unless told otherwise: 16 MiB.
pub const DEFAULT_LIMIT: usize = 16 << 20;

/// What seems to tell the columns of CSV apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guess {
    pub delimiter: char,
    /// What stands in the first record, too, and might do it.
    pub beside: Option<char>,
}

/// Tells the messages of one input apart.
#[expect(clippy::struct_excessive_bools, reason = "three are wishes, three what was seen")]
pub struct Splitter {
    framing: Framing,
    limit: usize,
    partial: Partial,
    /// Whether a JSON number at the very end of the input is whole, though more digits might have come.
    ends_numbers: bool,
    /// A carriage return before a newline is no part of the message.
    strips_returns: bool,
    /// What cannot be taken is shown, and the next one follows.
    goes_on: bool,
    finder: Finder<'static>,
    records: Records,
    json: Value,
    entry: Entry,
    events: Events,
    /// Bytes of which no message is made yet.
    held: Vec<u8>,
    /// How many of them were looked at already.
    looked: usize,
    /// Of the first held byte in the input.
    offset: u64,
    number: u64,
    /// Whether it is known what the input begins with.
    begun: bool,
    /// A record separator has come, and no JSON text behind it yet.
    separated: bool,
    passing: Option<Passing>,
    /// What comes before a CSV file's first record: a byte order mark, and what tells Excel of a delimiter.
    preamble: Vec<u8>,
    /// Whether a CSV file's first record was seen.
    learned: bool,
    /// A CSV file's first record, with its newline.
    header: Option<Vec<u8>>,
}

/// A message that is too long to be taken, on its way past.
#[derive(Debug)]
struct Passing {
    offset: u64,
    /// Its first bytes, as many as are taken of one.
    kept: Vec<u8>,
    length: u64,
    /// How many bytes are still to come, where its length was said.
    left: Option<u64>,
}

impl From<Frame> for Cut {
    fn from(frame: Frame) -> Self {
        Self {
            head: frame.head,
            body: frame.body,
            tail: frame.tail,
            is_null: frame.is_null,
            ..Self::default()
        }
    }
}

type Show<'a, E> = &'a mut dyn FnMut(Message<'_>) -> Result<(), E>;

impl Splitter {
    pub fn new(framing: Framing, limit: usize, partial: Partial) -> Self {
        let needle: &[u8] = match &framing {
            Framing::Delimiter(delimiter) => delimiter,
            Framing::Nul => b"\0",
            _ => b"\n",
        };
        let dialect = match &framing {
            Framing::Csv(dialect) => *dialect,
            _ => Dialect::default(),
        };
        Self {
            finder: Finder::new(needle).into_owned(),
            records: Records::new(dialect),
            json: Value::default(),
            entry: Entry::default(),
            events: Events::new(limit),
            framing,
            limit,
            partial,
            ends_numbers: false,
            strips_returns: false,
            goes_on: false,
            held: Vec::new(),
            looked: 0,
            offset: 0,
            number: 0,
            begun: false,
            separated: false,
            passing: None,
            preamble: Vec::new(),
            learned: false,
            header: None,
        }
    }

    /// Takes a JSON number at the very end of the input for a whole one, whatever becomes of other last messages.
    #[must_use]
    pub fn ending_numbers(self, ends_numbers: bool) -> Self {
        Self { ends_numbers, ..self }
    }

    /// Takes a carriage return before a newline for a part of the end of a line, and leaves it out.
    #[must_use]
    pub fn stripping_returns(self, strips_returns: bool) -> Self {
        Self { strips_returns, ..self }
    }

    /// Shows what cannot be taken, with its fault, and goes on behind it, where it is known where that is.
    #[must_use]
    pub fn going_on(self, goes_on: bool) -> Self {
        Self { goes_on, ..self }
    }

    /// What tells columns apart, where the first record showed it, and it is no comma, or not that alone.
    pub fn guessed_delimiter(&self) -> Option<Guess> {
        let Framing::Csv(Dialect { delimiter: None, .. }) = &self.framing else {
            return None;
        };
        let delimiter = self.records.dialect().delimiter?;
        let beside = self.records.beside();
        (delimiter != b',' || beside.is_some()).then(|| Guess {
            delimiter: char::from(delimiter),
            beside: beside.map(char::from),
        })
    }

    /// Whether nothing but a header has come.
    pub fn has_only_header(&self) -> bool {
        self.number == 0 && self.header.is_some()
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
        if self.framing == Framing::Events {
            return self.push_events(block, show);
        }
        self.held.extend_from_slice(block);
        self.split(false, show)
    }

    /// Shows what is held, as far as messages are complete. `ends` when nothing comes behind it.
    fn split<E: From<MessageError>>(&mut self, ends: bool, show: Show<'_, E>) -> Result<(), E> {
        if !self.begin(ends)? {
            return Ok(());
        }
        loop {
            let mut start = 0;
            let end = loop {
                match self.next(&mut start, show) {
                    Ok(true) => {}
                    Ok(false) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            self.offset += start as u64;
            self.held.drain(..start);
            end?;
            if self.sure() > self.limit && self.passing.is_none() {
                let fault = self.too_long();
                if !self.goes_on || self.is_before_header() {
                    return Err(self.error(0, fault).into());
                }
                self.begin_passing();
            }
            if !self.pass_by(show)? {
                return Ok(());
            }
        }
    }

    /// How many of the held bytes belong to one message, whatever follows them.
    fn sure(&self) -> usize {
        // Of several carriage returns, the first one may end it.
        if self.ends_with_return() {
            self.looked
        } else {
            self.held.len()
        }
    }

    /// Shows the next message of what is held from `start`, and goes behind it; `false` when there is none yet.
    fn next<E: From<MessageError>>(&mut self, start: &mut usize, show: Show<'_, E>) -> Result<bool, E> {
        if self.passing.is_some() {
            return Ok(false);
        }
        *start += self.blank(*start);
        if self.may_be_marked(&self.held[*start..]) {
            return Ok(false);
        }
        let cut = match self.cut(*start) {
            Ok(Some(cut)) => cut,
            Ok(None) => return Ok(false),
            Err(MessageFault::TooLong { .. }) if self.goes_on => {
                // Its length was said, and it need not be there for that.
                self.offset += *start as u64;
                self.held.drain(..*start);
                *start = 0;
                self.begin_passing();
                return Ok(false);
            }
            Err(fault) => return Err(self.error(*start, fault).into()),
        };
        self.looked = 0;
        let length = cut.length();
        if length > self.limit {
            if !self.goes_on || self.is_before_header() {
                return Err(self.error(*start, self.too_long()).into());
            }
            let kept = self.held[*start..][..self.limit].to_vec();
            let offset = self.offset + *start as u64;
            *start += length;
            return self.show_oversized(offset, &kept, length as u64, show).map(|()| true);
        }
        let result = if cut.is_blank {
            Ok(())
        } else {
            self.show(*start, &cut, show)
        };
        *start += length;
        result.map(|()| true)
    }

    /// Whether these bytes are the front of a byte order mark, behind which a JSON value begins.
    fn may_be_marked(&self, held: &[u8]) -> bool {
        self.framing == Framing::Json && self.looked == 0 && !held.is_empty() && {
            held.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(held)
        }
    }

    /// Looks at what the input begins with; `false` when that takes more bytes.
    fn begin<E: From<MessageError>>(&mut self, ends: bool) -> Result<bool, E> {
        let is_text = self.framing.is_text();
        if self.begun || !(is_text || self.framing == Framing::Lines) {
            return Ok(true);
        }
        let held = &self.held;
        let may_become = |mark: &[u8]| mark.starts_with(held) && held.len() < mark.len();
        let is_undecided = Encoding::MARKS.into_iter().any(may_become)
            || is_text && (may_become(BYTE_ORDER_MARK) || held.len() < 2 || held.len() < 4 && held.contains(&0));
        if !ends && is_undecided {
            return Ok(false);
        }
        let marked = Encoding::by_mark(held);
        // A line may hold any bytes, and begins with such a mark only where it is one.
        if let Some(encoding) = marked.or_else(|| Encoding::by_nuls(held).filter(|_| is_text)) {
            let is_marked = marked.is_some();
            return Err(self.error(0, MessageFault::Encoded { encoding, is_marked }).into());
        }
        self.begun = true;
        let is_kept = matches!(self.framing, Framing::Csv(_));
        if held.starts_with(BYTE_ORDER_MARK) && (is_kept || self.framing == Framing::JsonSequence) {
            if is_kept {
                self.preamble.extend_from_slice(BYTE_ORDER_MARK);
            }
            self.held.drain(..BYTE_ORDER_MARK.len());
            self.offset += BYTE_ORDER_MARK.len() as u64;
        }
        Ok(true)
    }

    /// The input has ended.
    ///
    /// # Errors
    /// What `show` says; a last message without its end, if that is to fail.
    pub fn finish<E: From<MessageError>>(
        &mut self,
        show: &mut dyn FnMut(Message<'_>) -> Result<(), E>,
    ) -> Result<Dropped, E> {
        if self.framing == Framing::Events {
            return self.finish_events();
        }
        self.split(true, show)?;
        if let Some(passing) = self.passing.take() {
            return self.finish_passing(&passing, show);
        }
        if self.is_whole_without_end() {
            self.held.push(b'\n');
            self.split(true, show)?;
        }
        if self.ends_with_return() {
            self.show_last_record(show)?;
        }
        if self.held.is_empty() {
            return Ok(Dropped(0));
        }
        match self.partial {
            Partial::Drop => Ok(self.abandon()),
            Partial::Keep if matches!(self.framing, Framing::Csv(_)) => {
                self.show_last_record(show)?;
                self.unless_unfinished()
            }
            Partial::Keep if self.can_be_kept() => {
                let end = self.finder.needle().to_vec();
                self.limit += end.len();
                self.held.extend_from_slice(&end);
                self.split(true, show)?;
                self.unless_unfinished()
            }
            Partial::Keep | Partial::Fail => self.unless_unfinished(),
        }
    }

    /// Whether a JSON value at the end of the input lacks nothing but what would tell that it has ended.
    fn is_whole_without_end(&self) -> bool {
        match self.framing {
            Framing::Json => self.json.is_word() && !self.is_front(),
            Framing::JsonLines => !self.held.is_empty() && !self.is_front(),
            _ => false,
        }
    }

    /// Whether a last CSV record ends with a carriage return, behind which no newline has come.
    fn ends_with_return(&self) -> bool {
        matches!(self.framing, Framing::Csv(_)) && self.records.ends_with_return()
    }

    /// Whether the last JSON value may be the front of one.
    fn is_front(&self) -> bool {
        let held = self.held.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.held);
        let held = held.trim_ascii();
        match serde_json::from_slice(held) {
            Ok(serde_json::Value::Number(_)) => !self.ends_numbers,
            Ok(_) => false,
            Err(error) => error.is_eof() && !held.is_empty(),
        }
    }

    /// Leaves out what has come of a message.
    pub fn abandon(&mut self) -> Dropped {
        let passed = self.passing.take().map_or(0, |passing| passing.length);
        let pending = self.events.pending().unwrap_or(0);
        let bytes = self.held.len() + pending + usize::try_from(passed).unwrap_or(usize::MAX);
        self.held.clear();
        Dropped(bytes)
    }

    /// Whether the last message may be whole, but for its end.
    fn can_be_kept(&self) -> bool {
        match self.framing {
            Framing::Csv(_) => !self.records.is_quoted(),
            // The empty line behind an entry is missing.
            Framing::JournalExport => self.entry.is_at_line(),
            _ => self.framing.can_keep_partial(),
        }
    }

    fn unless_unfinished<E: From<MessageError>>(&self) -> Result<Dropped, E> {
        if self.held.is_empty() {
            return Ok(Dropped(0));
        }
        let is_csv = matches!(self.framing, Framing::Csv(_));
        let fault = MessageFault::Unfinished {
            held: self.held.len(),
            can_be_kept: self.can_be_kept(),
            is_quoted: is_csv && self.records.is_quoted(),
        };
        Err(self.error(0, fault).into())
    }

    /// The input ends within a message that begins there, and that is never kept.
    fn end_within<E: From<MessageError>>(&self, offset: u64, held: usize) -> Result<Dropped, E> {
        if self.partial == Partial::Drop {
            return Ok(Dropped(held));
        }
        let fault = MessageFault::Unfinished {
            held,
            can_be_kept: false,
            is_quoted: false,
        };
        Err(self.error_at(offset, fault).into())
    }

    fn show_last_record<E: From<MessageError>>(&mut self, show: Show<'_, E>) -> Result<(), E> {
        let Some((body, tail)) = self.records.last(&self.held) else {
            return Ok(());
        };
        if tail == 0 {
            self.held.extend_from_slice(self.records.terminator());
        }
        let cut = Cut {
            body,
            tail: 1,
            fault: self.records.fault(),
            ..Cut::default()
        };
        let result = self.show(0, &cut, show);
        self.held.clear();
        result
    }

    fn is_before_header(&self) -> bool {
        self.framing.has_header() && self.header.is_none()
    }

    fn show<E: From<MessageError>>(&mut self, start: usize, cut: &Cut, show: Show<'_, E>) -> Result<(), E> {
        let (head, rest) = self.held[start..].split_at(cut.head);
        let (body, rest) = rest.split_at(cut.body);
        let tail = &rest[cut.gap..][..cut.tail];
        // An empty record shows nothing of how others are written.
        let is_empty = body.trim_ascii_end().is_empty() && !self.framing.has_header();
        if let Some(fault) = cut.fault.as_ref().filter(|_| !self.goes_on || self.is_before_header()) {
            return Err(self.error(start, fault.clone()).into());
        }
        if matches!(self.framing, Framing::Csv(_)) && !self.learned && !is_empty {
            let only_tells = self.records.learn(body);
            self.learned = !only_tells;
            if only_tells || self.framing.has_header() {
                self.preamble.extend_from_slice(body);
                self.preamble.extend_from_slice(tail);
                if !only_tells {
                    self.header = Some(std::mem::take(&mut self.preamble));
                }
                return Ok(());
            }
        }
        let preamble = std::mem::take(&mut self.preamble);
        self.number += 1;
        let (head, tail): (&[u8], &[u8]) = match self.framing {
            Framing::Json => (b"", b"\n"),
            Framing::JsonSequence => (&[RECORD_SEPARATOR], b"\n"),
            // Of a file without a header, what comes before its first record.
            Framing::Csv(_) => (&preamble, tail),
            _ => (head, tail),
        };
        let message = Message {
            number: self.number,
            offset: self.offset + start as u64,
            head,
            body,
            tail,
            header: self.header.as_deref(),
            columns: match self.framing {
                Framing::Csv(_) => Columns::Csv(self.records.dialect()),
                Framing::JournalExport => Columns::Journal,
                _ => Columns::Tabs,
            },
            is_null: cut.is_null,
            fault: cut.fault.as_ref(),
        };
        show(message)
    }

    fn too_long(&self) -> MessageFault {
        MessageFault::TooLong {
            limit: self.limit,
            is_json: matches!(self.framing, Framing::Json | Framing::JsonLines),
        }
    }

    fn error(&self, start: usize, fault: MessageFault) -> MessageError {
        self.error_at(self.offset + start as u64, fault)
    }

    fn error_at(&self, offset: u64, fault: MessageFault) -> MessageError {
        MessageError {
            number: if self.is_before_header() { 0 } else { self.number + 1 },
            offset,
            fault,
        }
    }
}

#[cfg(test)]
mod tests;
