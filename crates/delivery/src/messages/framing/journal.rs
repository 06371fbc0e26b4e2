//! Where an entry of the journal's export format ends: `journalctl -o export`.
//!
//! An entry is lines of `FIELD=value` up to an empty line. A value that is no text of one line comes in another way: a
//! line with the field's name alone, its length in eight bytes, little-endian, the value, and a newline. So an empty
//! line in a value ends nothing.

use memchr::{memchr, memchr2};

/// How far an entry was read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry {
    at: At,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum At {
    #[default]
    LineStart,
    Name,
    Text,
    /// So many bytes of the length have come, and what they say.
    Length {
        came: u32,
        length: u64,
    },
    /// So many bytes of a value are still to come.
    Value {
        left: u64,
    },
    /// Behind a value there is a newline.
    ValueEnd,
}

/// Why something is no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAnEntry(pub &'static str);

impl Entry {
    /// The length of the entry that `bytes` begin with, without its empty line, if all of it is there. `looked` bytes
    /// were looked at before; it is as many as were now.
    ///
    /// # Errors
    /// When a line begins with no name of a field, or no newline follows a value whose length was said; `looked` is
    /// then where the byte stands that is wrong.
    pub fn end(&mut self, bytes: &[u8], looked: &mut usize) -> Result<Option<usize>, NotAnEntry> {
        while *looked < bytes.len() {
            let rest = &bytes[*looked..];
            if let Some((at, fault)) = self.at.wrong(rest) {
                *looked += at;
                return Err(fault);
            }
            let (count, next) = self.at.step(rest);
            let was = std::mem::replace(&mut self.at, next);
            *looked += count;
            if was == At::LineStart && next == At::LineStart {
                return Ok(Some(*looked - 1));
            }
        }
        Ok(None)
    }

    /// Whether the line that was begun is whole, and so may be the last of the input.
    pub fn is_at_line(&self) -> bool {
        self.at == At::LineStart
    }
}

impl At {
    /// The first byte that cannot stand here, and why.
    fn wrong(self, rest: &[u8]) -> Option<(usize, NotAnEntry)> {
        match self {
            Self::Name => {
                let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
                let at = rest.iter().position(|byte| !is_of_name(byte))?;
                let fault = NotAnEntry("a line of it begins with no name of a field");
                (!matches!(rest[at], b'=' | b'\n')).then_some((at, fault))
            }
            Self::ValueEnd if rest[0] != b'\n' => {
                Some((0, NotAnEntry("no newline follows a value whose length was said")))
            }
            _ => None,
        }
    }

    /// How many of the bytes, of which there is one at least and none is wrong, belong to this, and what comes then.
    fn step(self, rest: &[u8]) -> (usize, Self) {
        let first = rest[0];
        match self {
            Self::LineStart if first != b'\n' => (0, Self::Name),
            Self::LineStart | Self::ValueEnd => (1, Self::LineStart),
            Self::Name => match memchr2(b'=', b'\n', rest) {
                None => (rest.len(), Self::Name),
                Some(at) if rest[at] == b'=' => (at + 1, Self::Text),
                Some(at) => (at + 1, Self::Length { came: 0, length: 0 }),
            },
            Self::Text => match memchr(b'\n', rest) {
                None => (rest.len(), Self::Text),
                Some(at) => (at + 1, Self::LineStart),
            },
            Self::Length { came, length } => {
                let length = length | u64::from(first) << (8 * came);
                let next = if came == 7 {
                    Self::value(length)
                } else {
                    Self::Length { came: came + 1, length }
                };
                (1, next)
            }
            Self::Value { left } => {
                let count = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                (count, Self::value(left - count as u64))
            }
        }
    }

    fn value(left: u64) -> Self {
        if left == 0 {
            Self::ValueEnd
        } else {
            Self::Value { left }
        }
    }
}

/// The value of the first field of this name in a whole entry.
pub(in crate::messages) fn field<'a>(entry: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = entry;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b'=' | b'\n'))?;
        let (found, after) = (&rest[..end], &rest[end + 1..]);
        let (value, behind) = if rest[end] == b'=' {
            let end = memchr(b'\n', after).unwrap_or(after.len());
            (&after[..end], after.get(end + 1..).unwrap_or_default())
        } else {
            let (length, after) = after.split_first_chunk::<8>()?;
            let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
            (after.get(..length)?, after.get(length + 1..).unwrap_or_default())
        };
        if found == name {
            return Some(value);
        }
        rest = behind;
    }
    None
}
