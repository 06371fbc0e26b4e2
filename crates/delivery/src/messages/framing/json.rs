//! Where a JSON value ends.
//!
//! Its end is found by counting brackets, byte by byte as they come; whether what lies before it is JSON is then the
//! library's matter.

use memchr::memchr2;
use serde::de::IgnoredAny;
use spoutctl_core::fault::printable;

use super::{BYTE_ORDER_MARK, MessageFault, RECORD_SEPARATOR};

/// So many bytes are shown of what is no JSON.
const SHOWN: usize = 40;

/// What is wrong with a value that is none. What it begins with is shown where that is no JSON either, such as what
/// `redis-cli` says first; of a message no more than its place, for errors are kept in logs, and it may be a secret.
pub(super) fn fault(value: &[u8]) -> Option<MessageFault> {
    let error = check(value).err()?;
    if value.first() == Some(&RECORD_SEPARATOR) {
        let why = "it begins with a record separator (0x1e), as --messages json-seq takes it".to_owned();
        return Some(MessageFault::NotJson { why });
    }
    if matches!(value.trim_ascii_start().first(), Some(b'{' | b'[' | b'"')) {
        return Some(MessageFault::NotJson { why: error.to_string() });
    }
    let front = String::from_utf8_lossy(value.get(..SHOWN).unwrap_or(value));
    let (front, more) = if value.len() > SHOWN {
        // Without the character that was cut.
        (front.strip_suffix('\u{fffd}').unwrap_or(&front), "…")
    } else {
        (&*front, "")
    };
    let front = printable(front).replace('\n', "\\n");
    Some(MessageFault::NotJson {
        why: format!("{error}: `{front}{more}`"),
    })
}

/// How far a value was read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Value {
    state: State,
    /// Brackets that are open.
    depth: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Before,
    /// A number, `true`, `false`, `null`, or what is none of them.
    Word,
    Between,
    String,
    Escape,
}

impl Value {
    /// The length of the value that `bytes` begin with, if all of it is there, and why it is none. `looked` bytes were
    /// looked at before; it is as many as were now.
    pub fn end(&mut self, bytes: &[u8], looked: &mut usize) -> Option<(usize, Option<MessageFault>)> {
        let end = self.find(bytes, looked)?;
        *self = Self::default();
        Some((end, fault(&bytes[..end])))
    }

    /// Whether only what follows can tell that the value has ended.
    pub fn is_word(&self) -> bool {
        self.state == State::Word
    }

    /// The length of the value, whether it is one or not.
    pub fn find(&mut self, bytes: &[u8], looked: &mut usize) -> Option<usize> {
        while let Some(byte) = bytes.get(*looked) {
            *looked += 1;
            match (self.state, byte) {
                (State::Word, byte) if is_space(*byte) || b"{}[]\",:".contains(byte) => {
                    *looked -= 1;
                    return Some(*looked);
                }
                (State::Before | State::Between, b'"') | (State::Escape, _) => self.state = State::String,
                (State::Before | State::Between, b'{' | b'[') => {
                    self.state = State::Between;
                    self.depth += 1;
                }
                (State::Between, b'}' | b']') => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(*looked);
                    }
                }
                // A bracket or a comma where a value should begin: one byte that the library refuses.
                (State::Before, b'}' | b']' | b',' | b':') => return Some(*looked),
                (State::Before, _) => self.state = State::Word,
                (State::String, b'"') if self.depth == 0 => return Some(*looked),
                (State::String, b'"') => self.state = State::Between,
                (State::String, b'\\') => self.state = State::Escape,
                (State::String, _) => {
                    let rest = &bytes[*looked..];
                    *looked += memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                }
                (State::Word | State::Between, _) => {}
            }
        }
        None
    }
}

/// JSON's own white space.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// How many bytes before a value belong to none: white space, and the marks of files that were put together. The front
/// of a mark is none yet.
pub(super) fn blank(bytes: &[u8]) -> usize {
    let mut length = 0;
    loop {
        let rest = &bytes[length..];
        if rest.first().is_some_and(|byte| is_space(*byte)) {
            length += 1;
        } else if rest.starts_with(BYTE_ORDER_MARK) {
            length += BYTE_ORDER_MARK.len();
        } else {
            return length;
        }
    }
}

/// Whether these bytes are one JSON value. What stands in its strings is nobody's business.
///
/// # Errors
/// Where and why they are none.
pub(super) fn check(bytes: &[u8]) -> serde_json::Result<()> {
    serde_json::from_slice::<IgnoredAny>(bytes).map(|_| ())
}
