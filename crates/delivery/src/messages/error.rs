//! What can be wrong with messages, and which one it is; and why an input is not read to its end.

use std::fmt;
use std::io;

use spoutctl_core::positions::MAX_POSITIONS;
use spoutctl_core::quantity::{Size, counted, grouped};

/// How many characters of a source's name are shown.
const LONGEST_NAME: usize = 100;

/// A message that cannot be taken. Those before it can, and are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} of the input, at byte {}, {fault}", self.name(), grouped(*offset))]
pub struct MessageError {
    /// From 1. A CSV header has the number 0.
    pub number: u64,
    /// Where it begins in the input.
    pub offset: u64,
    pub fault: MessageFault,
}

impl MessageError {
    /// What is wrong: a message, or the header before them.
    pub fn name(&self) -> String {
        match self.number {
            0 => "the header".to_owned(),
            number => format!("message {}", grouped(number)),
        }
    }
}

/// How a framing writes the length of a message before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthForm {
    Netstring,
    OctetCount,
    Varint,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageFault {
    /// So many bytes are allowed, and its end is not among them.
    TooLong {
        limit: usize,
        /// Its framing is JSON, so that it may be an array of many.
        is_json: bool,
    },
    /// It has so many bytes, and fewer are allowed.
    Oversized {
        limit: usize,
        length: u64,
    },
    /// The input ends in it.
    Unfinished {
        held: usize,
        /// Whether it can be given the end that it lacks.
        can_be_kept: bool,
        /// In a quote that is open.
        is_quoted: bool,
    },
    /// The input is text in another encoding than UTF-8.
    Encoded {
        encoding: Encoding,
        /// A byte order mark says so; else that every second byte of it is a NUL.
        is_marked: bool,
    },
    /// Its frame says that there is none.
    Null,
    /// It holds what ends a message.
    HoldsEnd {
        /// As it can be shown.
        end: String,
    },
    /// A header of its record has a name that is not UTF-8.
    HeaderName,
    /// A quoted field with the end of a line in it goes on behind its closing quote, as where quotes mean nothing.
    BehindQuote,
    /// Its partition goes on behind it.
    OutOfOrder {
        /// Topic and partition.
        place: String,
        expected: u64,
    },
    /// It is no entry of a journal.
    NotAnEntry {
        why: &'static str,
    },
    /// It is not known whether its file is there already, and so not whether it begins with a header.
    UnknownFile {
        why: String,
    },
    /// The file that it would be appended to has other columns.
    OtherColumns {
        path: String,
        columns: String,
        there: String,
    },
    /// The file that it would be appended to holds a header alone, whose line has no end.
    HeaderWithoutEnd {
        path: String,
    },
    /// It cannot be taken, and the place where such messages go cannot be written.
    NotKept {
        fault: Box<MessageFault>,
        why: String,
    },
    NotJson {
        why: String,
    },
    /// Its input has no line that an event stream has.
    NoEvents,
    /// What stands where a length should.
    NotALength {
        found: String,
        form: LengthForm,
    },
    /// A netstring without the comma after its last byte.
    NoComma,
    /// Nothing that it could be named by.
    NoKey {
        why: String,
    },
    /// Nothing that tells where it stands in its source.
    NoPosition {
        why: String,
    },
    /// Nothing that tells which source it is of.
    NoSource {
        why: String,
    },
    /// The positions of all sources would be more than a commit can say.
    NoRoom {
        source: String,
        /// How many sources are known.
        known: usize,
    },
    /// A name that pachd would refuse.
    BadName {
        why: String,
    },
    /// A name that is longer than a path may be.
    LongName {
        length: usize,
        longest: usize,
    },
    /// The path is another message's of the same archive, or a directory of one.
    Clash {
        name: String,
        with: String,
        other: u64,
    },
}

/// What text may be instead of UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf16Le,
    Utf16Be,
    Utf32Le,
    Utf32Be,
}

impl Encoding {
    /// By the mark that a text begins with.
    pub(super) fn by_mark(text: &[u8]) -> Option<Self> {
        match text {
            [0xff, 0xfe, 0, 0, ..] => Some(Self::Utf32Le),
            [0, 0, 0xfe, 0xff, ..] => Some(Self::Utf32Be),
            [0xff, 0xfe, ..] => Some(Self::Utf16Le),
            [0xfe, 0xff, ..] => Some(Self::Utf16Be),
            _ => None,
        }
    }

    /// The marks that [`Self::by_mark`] knows. Each is whole before it is judged.
    pub(super) const MARKS: [&[u8]; 3] = [b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"\xfe\xff"];

    /// By its first characters, where they are ASCII.
    pub(super) fn by_nuls(text: &[u8]) -> Option<Self> {
        match text.first_chunk()?.map(|byte| byte == 0) {
            [false, true, false, true] => Some(Self::Utf16Le),
            [true, false, true, false] => Some(Self::Utf16Be),
            [false, true, true, true] => Some(Self::Utf32Le),
            [true, true, true, false] => Some(Self::Utf32Be),
            _ => None,
        }
    }

    fn advice(self, is_marked: bool) -> String {
        let by_itself = self.to_string();
        // Without the order of bytes iconv takes the mark for what it is, and leaves it out.
        let from = if is_marked {
            &by_itself[.."UTF-16".len()]
        } else {
            &by_itself
        };
        format!("convert it first: iconv -f {from} -t UTF-8 | spoutctl …")
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Utf32Le => "UTF-32LE",
            Self::Utf32Be => "UTF-32BE",
        })
    }
}

impl fmt::Display for MessageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { limit, .. } => write!(f, "is longer than {}", Size(*limit as u64)),
            Self::Oversized { limit, length } => write!(
                f,
                "is {} bytes long, and more than {} are not taken",
                grouped(*length),
                Size(*limit as u64)
            ),
            Self::Unfinished { held, is_quoted, .. } => {
                let quote = if *is_quoted { ", in a quote that is open" } else { "" };
                write!(
                    f,
                    "has no end: the input ends after {} of its bytes{quote}",
                    grouped(*held as u64)
                )
            }
            Self::Encoded {
                encoding,
                is_marked: true,
            } => write!(f, "is not UTF-8: the input begins with the mark of {encoding}"),
            Self::Encoded { encoding, .. } => write!(f, "is not UTF-8: the input looks like {encoding}"),
            Self::UnknownFile { why } => write!(f, "may begin a file, and whether that is there is not known: {why}"),
            Self::OtherColumns { path, columns, there } => write!(
                f,
                "has the columns `{columns}`, and `{path}`, to which it would be appended, begins with `{there}`"
            ),
            Self::HeaderWithoutEnd { path } => write!(
                f,
                "cannot be appended to `{path}`: its first line has no end, and the record would go on in it"
            ),
            Self::NotKept { fault, why } => write!(f, "{fault}; it cannot be set aside: {why}"),
            Self::Null => f.write_str("is null: its length is -1, as of a Kafka tombstone"),
            Self::HoldsEnd { end } => write!(f, "holds `{end}`, which is to end it"),
            Self::HeaderName => f.write_str("has a header whose name is not UTF-8, so that its headers cannot be told"),
            Self::BehindQuote => f.write_str(
                "is no CSV: a quoted field that goes over the end of a line goes on behind its closing quote",
            ),
            Self::OutOfOrder { place, expected } => write!(f, "came a second time: {place} goes on at {expected}"),
            Self::NotAnEntry { why } => write!(f, "is no entry of a journal: {why}"),
            Self::NotJson { why } => write!(f, "is not JSON: {why}"),
            Self::NoEvents => {
                f.write_str("is no server-sent event: no line of the input begins with `data:` or another field of one")
            }
            Self::NotALength { found, .. } => write!(f, "does not begin with its length but with `{found}`"),
            Self::NoComma => write!(f, "has no comma after its last byte, as netstrings have"),
            Self::NoKey { why } => write!(f, "has no key: {why}"),
            Self::NoPosition { why } => write!(f, "has no position: {why}"),
            Self::NoSource { why } => write!(f, "does not say which source it is of: {why}"),
            Self::NoRoom { source, known } => write!(
                f,
                "is of the source `{}`, and with its position those of {} would be longer than {}",
                shortened(source).escape_debug(),
                counted(*known as u64, "source"),
                Size(MAX_POSITIONS as u64)
            ),
            Self::BadName { why } => write!(f, "cannot be named: {why}"),
            Self::LongName { length, longest } => write!(
                f,
                "cannot be named: its path has {} bytes, and at most {} are taken",
                grouped(*length as u64),
                grouped(*longest as u64)
            ),
            Self::Clash { name, with, other } if name == with => {
                write!(f, "would have the name `{name}` that message {} has", grouped(*other))
            }
            Self::Clash { name, with, other } => write!(
                f,
                "would be the file `{name}` beside the file `{with}` of message {}, and one of the two would be a \
                 directory",
                grouped(*other)
            ),
        }
    }
}

impl MessageError {
    /// What to do next.
    pub fn help(&self) -> Option<String> {
        let text = match &self.fault {
            MessageFault::TooLong { is_json: true, .. } => {
                "allow more with --max-message, if messages are that long; else --messages does not say how they end; \
                 of one array of JSON, jq -c '.[]' makes a message of each element"
            }
            MessageFault::TooLong { .. } | MessageFault::Oversized { .. } => {
                "allow more with --max-message, if messages are that long; else --messages does not say how they end"
            }
            MessageFault::Unfinished { is_quoted: true, .. } => {
                "a quote at the beginning of a field was not closed: see that --csv-delimiter and --csv-escape are \
                 right; where quotes mean nothing, --csv-quote none; --partial drop leaves out what follows the quote"
            }
            MessageFault::Unfinished { can_be_kept: true, .. } => {
                "--partial keep takes it as it is, --partial drop leaves it out; a consumer that was cut off sends it \
                 again"
            }
            MessageFault::Unfinished { .. } => {
                "a consumer that was cut off sends it again; --partial drop leaves it out, and says so"
            }
            MessageFault::Encoded { encoding, is_marked } => return Some(encoding.advice(*is_marked)),
            MessageFault::UnknownFile { .. } => {
                "--append gives a file of CSV one header, and asks for that whether the file is there; --csv-no-header \
                 takes every record for one"
            }
            MessageFault::OtherColumns { .. } => {
                "name another file, or write the columns as they are there; without --append each commit replaces the \
                 file; --csv-no-header appends every record as it is"
            }
            MessageFault::HeaderWithoutEnd { .. } => {
                "name another file, or put that one once more with a newline at its end; without --append each commit \
                 replaces the file"
            }
            MessageFault::NotKept { .. } => "make room there, or see who may write there; nothing behind it was read",
            MessageFault::Null => {
                "--nulls empty takes it for an empty message, --nulls skip leaves it out, and says so"
            }
            MessageFault::HoldsEnd { .. } => {
                "--messages netstring or u32be takes any bytes, and so does --each, with a file for each; --envelope \
                 json makes a line of JSON of each record"
            }
            MessageFault::HeaderName => {
                "--on-bad quarantine=DIR keeps all of it but its headers, skip goes on without it; without --envelope \
                 json headers are not read"
            }
            MessageFault::OutOfOrder { .. } => {
                "start again: it goes on behind the newest commit; if it happens again, the broker has lost records \
                 that were there (unclean.leader.election.enable)"
            }
            fault @ (MessageFault::BehindQuote
            | MessageFault::NotJson { .. }
            | MessageFault::NoEvents
            | MessageFault::NotALength { .. }
            | MessageFault::NoComma
            | MessageFault::NotAnEntry { .. }) => help_with_framing(fault),
            MessageFault::NoKey { .. } => {
                "name files by {uuid} or {time:…} where messages have no key; --on-bad quarantine=DIR or skip goes on \
                 without such a message"
            }
            fault @ (MessageFault::NoPosition { .. } | MessageFault::NoSource { .. } | MessageFault::NoRoom { .. }) => {
                of_position(fault)
            }
            MessageFault::BadName { .. } => {
                "--escape-paths percent-encodes what pachd refuses, --escape-keys also a key's slashes"
            }
            MessageFault::LongName { .. } => {
                "--key-json, --key-column and --key-delimiter may name a shorter key; --on-bad quarantine=DIR or skip \
                 goes on without such a message"
            }
            MessageFault::Clash { name, with, .. } if name == with => {
                "--same-name last lets the last one win; or add {uuid} to the name, or make archives smaller with \
                 --batch-count"
            }
            MessageFault::Clash { .. } => {
                "an ending keeps them apart: --each '{key}.json' makes `a.json` beside `a/b.json`; or --escape-keys, \
                 by which no key is a directory"
            }
        };
        Some(text.to_owned())
    }
}

/// A name as a line has room for it.
fn shortened(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// What to do about a message that stands nowhere.
fn of_position(fault: &MessageFault) -> &'static str {
    match fault {
        MessageFault::NoRoom { .. } => {
            "what --position-by names should have few values, as a partition has: each is kept for the life of the \
             stream, in the description of each commit"
        }
        MessageFault::NoSource { .. } => {
            "every message has to say it; see --position-by; --on-bad quarantine=DIR or skip goes on without such a \
             message"
        }
        _ => "every message has to say where it stands; see --position-json, --position-column and --position-field",
    }
}

/// What to do where messages are not as their framing has them.
fn help_with_framing(fault: &MessageFault) -> &'static str {
    match fault {
        MessageFault::BehindQuote => {
            "where quotes mean nothing, as in what mysql --batch prints, --csv-quote none; where a backslash \
             stands before them, --csv-escape '\\'"
        }
        MessageFault::NotJson { why } if why.starts_with("EOF ") => {
            "--messages json takes values that go over several lines; of one array, jq -c '.[]' makes a line of \
             each element; a line that was cut off is left out by --on-bad quarantine=DIR or skip"
        }
        MessageFault::NotJson { .. } => {
            "see that the consumer prints what --messages says, and nothing else; --on-bad quarantine=DIR or skip \
             goes on behind it; --messages lines takes each line as it is"
        }
        MessageFault::NotALength { found, form } if found.starts_with("\\n") || found.starts_with("\\r") => {
            match form {
                LengthForm::Netstring => "between frames stands nothing, no newline either: kcat -f '%S:%s,' has none",
                LengthForm::OctetCount | LengthForm::Varint => "between frames stands nothing, no newline either",
            }
        }
        MessageFault::NotALength {
            found,
            form: LengthForm::OctetCount,
        } if found.starts_with('<') => "--messages lines takes syslog that has no length before each message",
        MessageFault::NoEvents => {
            "--messages sse takes what an event stream holds, lines of `data: …`; ndjson takes JSON, a value a line"
        }
        _ => {
            "nothing after it can be told apart either; see that the consumer prints what --messages says, and \
             nothing else"
        }
    }
}

/// Why a source cannot be read any further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct SourceError {
    /// What happened, and where.
    pub what: String,
    /// What exactly.
    pub details: Vec<String>,
    /// What to do next.
    pub help: Vec<String>,
    /// Whether it may work later, and nothing has to be changed for that.
    pub passes: bool,
}

/// Why an input was not read to its end. The messages before are in archives that were handed over.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error(transparent)]
    Message(#[from] MessageError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("cannot read the messages: {0}")]
    Input(io::Error),
    #[error("cannot write the archive: {0}")]
    Output(io::Error),
}
