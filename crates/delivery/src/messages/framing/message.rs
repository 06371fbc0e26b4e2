//! A message, and the ways in which messages are told apart.

use super::csv::Dialect;
use crate::messages::error::MessageFault;
use crate::messages::record::Record;

/// What some programs write before text, though UTF-8 needs no such mark.
pub(in crate::messages) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Before each text of a JSON sequence: RFC 7464.
pub(super) const RECORD_SEPARATOR: u8 = 0x1e;

/// How messages are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// Each ends with a newline. A carriage return before it belongs to the message, unless it is to be taken away.
    Lines,
    /// Each ends with a NUL.
    Nul,
    /// Each ends with these bytes, of which there is at least one.
    Delimiter(Vec<u8>),
    /// JSON values, with any white space between them.
    Json,
    /// Lines, each a JSON value; blank ones are none.
    JsonLines,
    /// JSON values, each behind a record separator: RFC 7464.
    JsonSequence,
    /// CSV records, the first being the header, unless there is none.
    Csv(Dialect),
    /// `5:hello,`
    Netstring,
    /// `5 hello`: RFC 6587, as syslog goes through TCP.
    OctetCounting,
    /// A length in four bytes, big-endian, then so many bytes.
    U32be,
    /// The same, little-endian.
    U32le,
    /// A length as protobuf's varint, then so many bytes.
    Varint,
    /// Entries of `journalctl -o export`.
    JournalExport,
    /// Server-sent events, the data of each.
    Events,
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
    /// Lines and CSV records are often without the last newline on purpose; a frame that is not whole was cut off.
    pub fn usual_partial(&self) -> Partial {
        match self {
            Self::Lines | Self::Csv(_) => Partial::Keep,
            _ => Partial::Fail,
        }
    }

    /// Whether a message without its end can be given one: not where its length was promised, or its syntax breaks.
    pub fn can_keep_partial(&self) -> bool {
        matches!(
            self,
            Self::Lines | Self::Nul | Self::Delimiter(_) | Self::Csv(_) | Self::JournalExport
        )
    }

    /// Whether it is made of lines, which may end with a carriage return and a newline.
    pub fn has_lines(&self) -> bool {
        matches!(self, Self::Lines | Self::Csv(_))
    }

    /// Whether a message may be said not to be there.
    pub fn has_nulls(&self) -> bool {
        matches!(self, Self::Netstring | Self::U32be | Self::U32le)
    }

    /// Whether its messages are bytes without a form of their own, told apart by what stands around them.
    pub fn is_of_bytes(&self) -> bool {
        matches!(
            self,
            Self::Lines
                | Self::Nul
                | Self::Delimiter(_)
                | Self::Netstring
                | Self::OctetCounting
                | Self::U32be
                | Self::U32le
                | Self::Varint
        )
    }

    /// Whether its messages have fields with names.
    pub fn has_fields(&self) -> bool {
        matches!(self, Self::JournalExport | Self::Events)
    }

    pub(super) fn has_header(&self) -> bool {
        matches!(self, Self::Csv(dialect) if dialect.has_header)
    }

    /// Whether it is text by its nature, and a byte order mark before it is none of it.
    pub(super) fn is_text(&self) -> bool {
        matches!(self, Self::Json | Self::JsonLines | Self::JsonSequence | Self::Csv(_))
    }
}

/// What a message's columns are told apart by, and its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns<'a> {
    Csv(Dialect),
    /// By tabs, as `psql`'s COPY and `cut` do.
    Tabs,
    /// Its fields are a journal's.
    Journal,
    /// What an event stream says besides an event's data: the last id, and what kind of event it is.
    Event {
        id: &'a [u8],
        kind: &'a [u8],
    },
    /// Its source says more of it than itself.
    Record(&'a Record<'a>),
}

/// A message, in three parts that belong together.
#[derive(Debug, Clone, Copy)]
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
    /// How what it says of itself is found in it.
    pub columns: Columns<'a>,
    /// Its frame says that there is no message: a Kafka tombstone.
    pub is_null: bool,
    /// Why it cannot be taken, though its end is known.
    pub fault: Option<&'a MessageFault>,
}

impl Message<'_> {
    /// Bytes of all of it.
    pub fn framed_length(&self) -> usize {
        self.head.len() + self.body.len() + self.tail.len()
    }
}

/// What was found: a message, or something that is none.
#[derive(Debug, Default)]
pub(super) struct Cut {
    pub(super) head: usize,
    pub(super) body: usize,
    /// Between the body and its end: a carriage return that is taken away.
    pub(super) gap: usize,
    pub(super) tail: usize,
    pub(super) is_null: bool,
    /// Nothing but space.
    pub(super) is_blank: bool,
    pub(super) fault: Option<MessageFault>,
}

impl Cut {
    pub(super) fn length(&self) -> usize {
        self.head + self.body + self.gap + self.tail
    }
}

/// So many bytes of a last message without its end were left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped(pub usize);
