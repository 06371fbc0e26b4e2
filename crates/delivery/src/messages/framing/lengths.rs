//! Frames that say how long they are: netstrings, syslog's octet counting, lengths in four bytes, protobuf's varints.
//!
//! A length of -1 stands for no message at all where there might have been one, as `kcat` writes a NULL: not what
//! netstrings are by themselves, but what comes of its `%S:%s,`.

use super::{LengthForm, MessageFault};

/// How many digits a length may have: enough for 1 GB, and no number that overflows.
const LENGTH_DIGITS: usize = 9;

/// How many bytes a varint may have.
const VARINT_BYTES: usize = 10;

/// A frame whose length is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub head: usize,
    pub body: usize,
    pub tail: usize,
    pub is_null: bool,
}

impl Frame {
    pub fn length(self) -> usize {
        self.head.saturating_add(self.body).saturating_add(self.tail)
    }
}

/// What `held` begins with says of its frame, if it says it already. The frame itself may be still to come.
pub(super) fn netstring(held: &[u8]) -> Result<Option<Frame>, MessageFault> {
    if held.first() != Some(&b'-') {
        return decimal(held, LengthForm::Netstring, b':', 1);
    }
    let digits = held[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    // Up to the first digit that is too many: how much is held must not matter.
    if !b"1".starts_with(&held[1..=digits]) {
        let right = usize::from(held[1] == b'1');
        return Err(not_decimal(held, LengthForm::Netstring, 1 + right + 1));
    }
    match held.get(1 + digits) {
        None => Ok(None),
        Some(b':') if digits > 0 => Ok(Some(Frame {
            head: "-1:".len(),
            body: 0,
            tail: 1,
            is_null: true,
        })),
        Some(_) => Err(not_decimal(held, LengthForm::Netstring, 1 + digits + 1)),
    }
}

/// The same for what RFC 6587 calls octet counting. It has no message of length 0.
pub(super) fn octet_count(held: &[u8]) -> Result<Option<Frame>, MessageFault> {
    match held.first() {
        Some(b'0') => Err(not_decimal(held, LengthForm::OctetCount, 1)),
        _ => decimal(held, LengthForm::OctetCount, b' ', 0),
    }
}

/// A length in digits, `end`, so many bytes, and `tail` more.
fn decimal(held: &[u8], form: LengthForm, end: u8, tail: usize) -> Result<Option<Frame>, MessageFault> {
    let digits = held.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match held.get(digits) {
        _ if digits > LENGTH_DIGITS => return Err(not_decimal(held, form, LENGTH_DIGITS + 1)),
        None => return Ok(None),
        Some(byte) if *byte == end && digits > 0 && (digits == 1 || held[0] != b'0') => {}
        Some(_) => return Err(not_decimal(held, form, digits + 1)),
    }
    let body = held[..digits]
        .iter()
        .fold(0, |length: usize, digit| length * 10 + usize::from(digit - b'0'));
    Ok(Some(Frame {
        head: digits + 1,
        body,
        tail,
        is_null: false,
    }))
}

fn not_decimal(held: &[u8], form: LengthForm, shown: usize) -> MessageFault {
    let found = String::from_utf8_lossy(&held[..held.len().min(shown)]);
    MessageFault::NotALength {
        found: found.escape_debug().to_string(),
        form,
    }
}

/// The same for a length in four bytes, which `read` makes a number of.
pub(super) fn four_bytes(held: &[u8], read: fn([u8; 4]) -> u32) -> Option<Frame> {
    let digits = held.first_chunk::<4>()?;
    let is_null = *digits == [0xff; 4];
    let length = usize::try_from(read(*digits)).unwrap_or(usize::MAX);
    Some(Frame {
        head: digits.len(),
        body: if is_null { 0 } else { length },
        tail: 0,
        is_null,
    })
}

/// The same for a length as a varint: seven bits a byte, the lowest first, and the highest bit of all but the last set.
///
/// More bytes than are needed are taken, as protobuf takes them; more than a number of 64 bits has are not. A length is
/// an `int32` of protobuf: of what is no length, a larger one would take all that follows for a message.
pub(super) fn varint(held: &[u8]) -> Result<Option<Frame>, MessageFault> {
    let digits = &held[..held.len().min(VARINT_BYTES)];
    let Some(last) = digits.iter().position(|byte| byte & 0x80 == 0) else {
        return if digits.len() < VARINT_BYTES {
            Ok(None)
        } else {
            Err(not_a_varint(digits))
        };
    };
    let digits = &digits[..=last];
    // Bits above the 64th count, too.
    let bits = digits.iter().rev();
    let length = bits.fold(0_u128, |length, byte| length << 7 | u128::from(byte & 0x7f));
    let length = i32::try_from(length)
        .ok()
        .and_then(|length| usize::try_from(length).ok());
    let Some(body) = length else {
        return Err(not_a_varint(digits));
    };
    Ok(Some(Frame {
        head: digits.len(),
        body,
        tail: 0,
        is_null: false,
    }))
}

fn not_a_varint(found: &[u8]) -> MessageFault {
    MessageFault::NotALength {
        found: found.escape_ascii().to_string(),
        form: LengthForm::Varint,
    }
}

/// Appends a length to `head` as a varint.
pub(in crate::messages) fn push_varint(head: &mut Vec<u8>, length: usize) {
    let mut rest = length;
    while rest >= 0x80 {
        head.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    head.push(rest.to_le_bytes()[0]);
}
