//! Server-sent events, as the HTML standard parses an event stream.
//!
//! Lines end with a newline, a carriage return, or both; an empty one ends the event. Of an event its data are the
//! message: the values of its `data` fields, with newlines between them. An event without data is none, and neither is
//! a comment.

use memchr::memchr2;

#[derive(Debug)]
pub(super) struct Event {
    /// Where its first line begins, in bytes of the input.
    pub offset: u64,
    /// Its data, as much of them as is taken.
    pub data: Vec<u8>,
    /// Bytes of all its data.
    pub length: u64,
    /// The id that the stream has said last, which a client goes on from.
    pub id: Vec<u8>,
    /// What kind of event it is, where that is said.
    pub kind: Vec<u8>,
}

/// The longest name of a field that means something, and its colon.
const LONGEST_NAME: usize = "event:".len();

/// Reads events, as the bytes come.
#[derive(Debug, Default)]
pub(super) struct Events {
    limit: usize,
    /// Bytes that were read.
    position: u64,
    begin: u64,
    /// The line in hand, as far as it has to be known what it is.
    line: Line,
    /// The last byte was a carriage return: a newline right behind it belongs to it.
    returned: bool,
    data: Vec<u8>,
    length: u64,
    has_data: bool,
    id: Vec<u8>,
    next_id: Vec<u8>,
    kind: Vec<u8>,
    looks: Looks,
}

/// What the lines that have come look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Looks {
    #[default]
    Unknown,
    /// One is none of an event stream, and none is one. A reader passes over it, and so does this.
    Strange,
    /// One is of an event stream.
    Stream,
}

#[derive(Debug, Default)]
enum Line {
    /// Nothing of it has come.
    #[default]
    Empty,
    /// What may be the name of a field.
    Name(Vec<u8>),
    /// The value of one; the space before it is still to come.
    Before(Field),
    Value(Field),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Data,
    Id,
    Kind,
    /// A comment, or a time to wait.
    Other,
    /// What nobody knows.
    Unknown,
}

impl Field {
    fn named(name: &[u8]) -> Self {
        match name {
            b"data" => Self::Data,
            b"id" => Self::Id,
            b"event" => Self::Kind,
            b"" | b"retry" => Self::Other,
            _ => Self::Unknown,
        }
    }
}

impl Events {
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Takes the next bytes, as far as an event is complete with them: how many, and the event.
    pub fn take(&mut self, bytes: &[u8]) -> (usize, Option<Event>) {
        let mut taken = 0;
        while let Some(byte) = bytes.get(taken) {
            let is_second = std::mem::take(&mut self.returned) && *byte == b'\n';
            let mut event = None;
            if is_second {
                taken += 1;
                self.position += 1;
                if self.is_between() {
                    self.begin = self.position;
                }
            } else {
                let count = self.step(&bytes[taken..]);
                taken += count;
                self.position += count as u64;
                if matches!(byte, b'\r' | b'\n') {
                    self.returned = *byte == b'\r';
                    event = self.end_line();
                }
            }
            if event.is_some() || self.is_something_else() {
                return (taken, event);
            }
        }
        (taken, None)
    }

    /// Whether nothing of an event has come.
    fn is_between(&self) -> bool {
        !self.has_data && matches!(self.line, Line::Empty) && self.kind.is_empty() && self.next_id == self.id
    }

    /// Bytes of the data of an event that has not ended.
    pub fn pending(&self) -> Option<usize> {
        let begun = matches!(&self.line, Line::Before(Field::Data) | Line::Value(Field::Data));
        (self.has_data || begun).then_some(self.data.len())
    }

    /// Whether all that has come is something else than an event stream, and there is more of it than a message may
    /// have. A line of which the name has only begun may be the first of a stream, wherever a block ends in it.
    pub fn is_something_else(&self) -> bool {
        let is_decided = matches!(self.line, Line::Empty | Line::Value(_));
        is_decided && self.is_nothing_known() && self.position > self.limit as u64
    }

    /// Whether lines have come, and none that is of an event stream.
    pub fn is_nothing_known(&self) -> bool {
        self.looks == Looks::Strange
    }

    pub fn begin(&self) -> u64 {
        self.begin
    }

    /// Takes what the first byte, and as many as are like it, do to the line.
    fn step(&mut self, bytes: &[u8]) -> usize {
        let byte = bytes[0];
        if matches!(byte, b'\r' | b'\n') {
            return 1;
        }
        match std::mem::take(&mut self.line) {
            Line::Empty => {
                // The standard takes one byte order mark away, and it is at the very beginning.
                self.line = Line::Name(vec![byte]);
                self.name_is_known(byte);
                1
            }
            Line::Name(mut name) => {
                name.push(byte);
                self.line = Line::Name(name);
                self.name_is_known(byte);
                1
            }
            Line::Before(field) => {
                self.begin_value(field);
                self.line = Line::Value(field);
                usize::from(byte == b' ')
            }
            Line::Value(field) => {
                self.line = Line::Value(field);
                let count = memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
                self.value(field, &bytes[..count]);
                count
            }
        }
    }

    fn name_is_known(&mut self, byte: u8) {
        let Line::Name(name) = &mut self.line else { return };
        if self.position <= 2 && name.as_slice() == b"\xef\xbb\xbf" {
            self.line = Line::Empty;
            self.begin = self.position + 1;
        } else if byte == b':' {
            self.line = Line::Before(Field::named(&name[..name.len() - 1]));
        } else if name.len() >= LONGEST_NAME {
            self.begin_value(Field::Unknown);
            self.line = Line::Value(Field::Unknown);
        }
    }

    fn begin_value(&mut self, field: Field) {
        self.looks = match (self.looks, field) {
            (Looks::Stream, _) => Looks::Stream,
            (_, Field::Unknown) => Looks::Strange,
            _ => Looks::Stream,
        };
        match field {
            Field::Data => {
                if self.has_data {
                    self.value(Field::Data, b"\n");
                }
                self.has_data = true;
            }
            Field::Id => self.next_id.clear(),
            Field::Kind => self.kind.clear(),
            Field::Other | Field::Unknown => {}
        }
    }

    fn value(&mut self, field: Field, bytes: &[u8]) {
        match field {
            Field::Data => {
                self.length += bytes.len() as u64;
                push_up_to(&mut self.data, bytes, self.limit);
            }
            Field::Id => push_up_to(&mut self.next_id, bytes, self.limit),
            Field::Kind => push_up_to(&mut self.kind, bytes, self.limit),
            Field::Other | Field::Unknown => {}
        }
    }

    /// The line has ended: an empty one ends the event.
    fn end_line(&mut self) -> Option<Event> {
        match std::mem::take(&mut self.line) {
            Line::Empty => self.end_event(),
            Line::Name(name) => {
                // A name without a colon has an empty value.
                let field = Field::named(&name);
                self.begin_value(field);
                None
            }
            Line::Before(field) => {
                self.begin_value(field);
                None
            }
            Line::Value(_) => None,
        }
    }

    fn end_event(&mut self) -> Option<Event> {
        // An id with a NUL is passed over, says the standard.
        if self.next_id.contains(&0) {
            self.next_id.clone_from(&self.id);
        }
        self.id.clone_from(&self.next_id);
        let event = Event {
            offset: std::mem::replace(&mut self.begin, self.position),
            data: std::mem::take(&mut self.data),
            length: std::mem::take(&mut self.length),
            id: self.id.clone(),
            kind: std::mem::take(&mut self.kind),
        };
        std::mem::take(&mut self.has_data).then_some(event)
    }
}

fn push_up_to(to: &mut Vec<u8>, bytes: &[u8], limit: usize) {
    let room = limit.saturating_sub(to.len());
    to.extend_from_slice(&bytes[..bytes.len().min(room)]);
}
