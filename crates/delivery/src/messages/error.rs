//! What can be wrong with messages, and which one it is.

use std::fmt;

use spoutctl_core::quantity::{Size, grouped};

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
    #[must_use]
    pub fn name(&self) -> String {
        match self.number {
            0 => "the header".to_owned(),
            number => format!("message {}", grouped(number)),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageFault {
    /// So many bytes are allowed, and its end is not among them.
    TooLong {
        limit: usize,
    },
    /// The input ends in it.
    Unfinished {
        held: usize,
    },
    NotJson {
        why: String,
    },
    /// What stands where a length should.
    NotALength {
        found: String,
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
    /// A name that pachd would refuse.
    BadName {
        why: String,
    },
    /// The path is another message's of the same archive, or a directory of one.
    Clash {
        name: String,
        with: String,
        other: u64,
    },
}

impl fmt::Display for MessageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { limit } => write!(f, "is longer than {}", Size(*limit as u64)),
            Self::Unfinished { held } => {
                write!(
                    f,
                    "has no end: the input ends after {} of its bytes",
                    grouped(*held as u64)
                )
            }
            Self::NotJson { why } => write!(f, "is not JSON: {why}"),
            Self::NotALength { found } => write!(f, "does not begin with its length but with `{found}`"),
            Self::NoComma => write!(f, "has no comma after its last byte, as netstrings have"),
            Self::NoKey { why } => write!(f, "has no key: {why}"),
            Self::NoPosition { why } => write!(f, "has no position: {why}"),
            Self::BadName { why } => write!(f, "cannot be named: {why}"),
            Self::Clash { name, with, other } if name == with => {
                write!(f, "would have the name `{name}` that message {} has", grouped(*other))
            }
            Self::Clash { name, with, other } => write!(
                f,
                "would be `{name}`, of which one is a file and a directory beside `{with}` of message {}",
                grouped(*other)
            ),
        }
    }
}

impl MessageError {
    /// What to do next.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let text = match &self.fault {
            MessageFault::TooLong { .. } => {
                "allow more with --max-message, if messages are that long; else --messages does not say how they end"
            }
            MessageFault::Unfinished { .. } => {
                "--partial keep takes it as it is, --partial drop leaves it out; a consumer that was cut off sends it \
                 again"
            }
            MessageFault::NotJson { .. } | MessageFault::NotALength { .. } | MessageFault::NoComma => {
                "nothing after it can be told apart either; see that the consumer prints what --messages says, and \
                 nothing else"
            }
            MessageFault::NoKey { .. } => "name files by {uuid} or {time:…} where messages have no key",
            MessageFault::NoPosition { .. } => {
                "every message has to say where it stands; see --position-json and --position-column"
            }
            MessageFault::BadName { .. } => "--escape-keys percent-encodes what pachd refuses",
            MessageFault::Clash { .. } => "add {uuid} to the name, or make archives smaller with --batch-count",
        };
        Some(text.to_owned())
    }
}
