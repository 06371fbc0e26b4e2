//! One 512-byte block read as a tar header: v7, ustar, GNU and PAX share the layout.
//!
//! Only the fields that decide about framing and content are looked at: checksum, size, type, names. Owners, times and
//! modes have no place in a repo, and writers put all sorts of things there; refusing those would help nobody.

use std::fmt;

pub(super) const BLOCK: usize = 512;

/// [`BLOCK`] as a length in a stream.
pub(super) const BLOCK_BYTES: u64 = 512;

pub(super) type Block = [u8; BLOCK];

pub(super) const ZERO_BLOCK: Block = [0; BLOCK];

/// No length and no offset exceeds this: Go, Python and GNU tar count in signed 64-bit numbers, and what they refuse
/// must not mean something here.
pub(super) const MAX_OFFSET: u64 = i64::MAX as u64;

const NAME: std::ops::Range<usize> = 0..100;
const SIZE: std::ops::Range<usize> = 124..136;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const TYPE: usize = 156;
const LINK: std::ops::Range<usize> = 157..257;
const MAGIC: std::ops::Range<usize> = 257..263;
const PREFIX: std::ops::Range<usize> = 345..500;

const SPARSE_PARTS: std::ops::Range<usize> = 386..482;
const SPARSE_EXTENDED: usize = 482;
const SPARSE_REAL_SIZE: std::ops::Range<usize> = 483..495;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Directory,
    HardLink,
    SymbolicLink,
    CharacterDevice,
    BlockDevice,
    Fifo,
    /// GNU's list of a directory's content in an incremental backup (`D`).
    DumpDirectory,
    /// A file's rest from another volume (`M`).
    Continuation,
    /// Old GNU's table of long names (`N`).
    OldLongNames,
    /// A type that nobody we know of has defined.
    Unknown(u8),
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::HardLink => "hard link",
            Self::SymbolicLink => "symbolic link",
            Self::CharacterDevice => "character device",
            Self::BlockDevice => "block device",
            Self::Fifo => "FIFO",
            Self::DumpDirectory => "directory list of an incremental backup",
            Self::Continuation => "continuation of a file from another volume",
            Self::OldLongNames => "table of long names in the old GNU format",
            Self::Unknown(letter) => return write!(f, "entry of the unknown type `{}`", letter.escape_ascii()),
        })
    }
}

/// What a header introduces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderType {
    Entry(EntryKind),
    /// Old GNU sparse file (`S`).
    OldSparse,
    /// GNU long name (`L`) for the next entry.
    LongName,
    /// GNU long link target (`K`) for the next entry.
    LongLink,
    /// PAX records for the next entry.
    Pax,
    /// PAX records for the rest of the archive.
    GlobalPax,
    /// GNU's name for the whole archive: no file.
    VolumeLabel,
}

/// Why a field is no number that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberFault {
    #[error("is no octal number")]
    Malformed,
    #[error("is negative")]
    Negative,
    #[error("is larger than any archive can be")]
    TooLarge,
}

/// The fields of an old GNU sparse file's header.
#[derive(Debug, Clone, Copy)]
pub(super) struct OldSparse<'a> {
    /// Offset and length of four parts, twelve bytes each.
    pub(super) parts: &'a [u8],
    /// Whether a block with more parts follows.
    pub(super) extended: bool,
    pub(super) real_size: &'a [u8],
}

/// A block whose checksum is right.
#[derive(Clone, Copy)]
pub(super) struct Header<'a>(&'a Block);

impl<'a> Header<'a> {
    /// The header in `block`, or the checksum it states (if it states any) with the one that its bytes have.
    pub(super) fn new(block: &'a Block) -> Result<Self, (Option<u64>, u64)> {
        // A sum that is right is right, also behind a NUL, as old tars wrote it where the field before was too long.
        let start = block[CHECKSUM].iter().take_while(|byte| **byte == 0).count();
        let stated = number(&block[CHECKSUM][start..]).ok();
        let (unsigned, signed) = checksums(block);
        // Some old tars added the bytes as signed numbers, which differs as soon as a name is not ASCII.
        if stated.is_some_and(|sum| sum == unsigned || i64::try_from(sum) == Ok(signed)) {
            Ok(Self(block))
        } else {
            Err((stated, unsigned))
        }
    }

    pub(super) fn header_type(self) -> HeaderType {
        HeaderType::Entry(match self.0[TYPE] {
            b'0' | 0 | b'7' => EntryKind::File,
            b'1' => EntryKind::HardLink,
            b'2' => EntryKind::SymbolicLink,
            b'3' => EntryKind::CharacterDevice,
            b'4' => EntryKind::BlockDevice,
            b'5' => EntryKind::Directory,
            b'6' => EntryKind::Fifo,
            b'D' => EntryKind::DumpDirectory,
            b'M' => EntryKind::Continuation,
            b'N' => EntryKind::OldLongNames,
            b'S' => return HeaderType::OldSparse,
            b'L' => return HeaderType::LongName,
            b'K' => return HeaderType::LongLink,
            b'x' | b'X' => return HeaderType::Pax,
            b'g' => return HeaderType::GlobalPax,
            b'V' => return HeaderType::VolumeLabel,
            other => EntryKind::Unknown(other),
        })
    }

    pub(super) fn size(self) -> Result<u64, NumberFault> {
        number(&self.0[SIZE])
    }

    pub(super) fn size_field(self) -> &'a [u8] {
        &self.0[SIZE]
    }

    /// The name in the header itself, with ustar's prefix.
    pub(super) fn name(self) -> Vec<u8> {
        let name = until_nul(&self.0[NAME]);
        // GNU's magic is "ustar  "; it keeps times and sparse maps where POSIX has the prefix.
        let prefix = if self.0[MAGIC] == *b"ustar\0" {
            until_nul(&self.0[PREFIX])
        } else {
            b""
        };
        if prefix.is_empty() {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }

    /// Where old GNU sparse files have their map.
    pub(super) fn old_sparse(self) -> OldSparse<'a> {
        OldSparse {
            parts: &self.0[SPARSE_PARTS],
            extended: self.0[SPARSE_EXTENDED] != 0,
            real_size: &self.0[SPARSE_REAL_SIZE],
        }
    }

    pub(super) fn link(self) -> Vec<u8> {
        until_nul(&self.0[LINK]).to_vec()
    }
}

/// Whether the block has a tar header's magic, be its checksum right or wrong.
pub(super) fn has_magic(block: &[u8]) -> bool {
    block.get(257..262) == Some(b"ustar")
}

pub(super) fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn checksums(block: &Block) -> (u64, i64) {
    let bytes = || block[..CHECKSUM.start].iter().chain(&block[CHECKSUM.end..]);
    // The checksum's own eight bytes count as spaces.
    let unsigned = bytes().map(|byte| u64::from(*byte)).sum::<u64>() + 8 * 32;
    let signed = bytes().map(|byte| i64::from(byte.cast_signed())).sum::<i64>() + 8 * 32;
    (unsigned, signed)
}

/// A numeric field: octal digits behind spaces, up to a space, a NUL or the field's end; or base-256 when its first bit
/// is set. All blank is zero.
pub(super) fn number(field: &[u8]) -> Result<u64, NumberFault> {
    match field.split_first() {
        Some((first, rest)) if first & 0x80 != 0 => base_256(*first, rest),
        _ => octal(field),
    }
}

fn base_256(first: u8, rest: &[u8]) -> Result<u64, NumberFault> {
    if first & 0x40 != 0 {
        return Err(NumberFault::Negative);
    }
    let mut value = u64::from(first & 0x3f);
    for byte in rest {
        if value > MAX_OFFSET >> 8 {
            return Err(NumberFault::TooLarge);
        }
        value = value << 8 | u64::from(*byte);
    }
    Ok(value)
}

fn octal(field: &[u8]) -> Result<u64, NumberFault> {
    if field.iter().all(|byte| matches!(byte, b' ' | 0)) {
        return Ok(0);
    }
    // What stands behind a NUL is of an older number. A NUL in front is none: there some readers find the digits behind
    // it, and others zero.
    let field = until_nul(field);
    let start = field.iter().position(|byte| *byte != b' ').unwrap_or(field.len());
    let digits = &field[start..];
    let end = digits
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b'7'))
        .unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if digits.is_empty() || rest.iter().any(|byte| *byte != b' ') {
        return Err(NumberFault::Malformed);
    }
    // A field has at most twelve digits: 36 bits.
    Ok(digits
        .iter()
        .fold(0, |value, digit| value << 3 | u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_numbers_end_in_a_space_a_nul_both_or_with_their_field_and_all_blank_is_zero() {
        for (field, value) in [
            (&b"00000000017\0"[..], 15),
            (b"00000000017 ", 15),
            (b"0000000017 \0", 15),
            (b"0000000017\0 ", 15),
            (b"000000000017", 15),
            (b"        17 \0", 15),
            (b"0000017\x007777", 15),
            (b"  \0\0        ", 0),
            (b"777777777777", 0o777_777_777_777),
            (b"            ", 0),
            (b"\0\0\0\0\0\0\0\0\0\0\0\0", 0),
        ] {
            assert_eq!(number(field), Ok(value), "{}", field.escape_ascii());
        }
    }

    #[test]
    fn anything_but_octal_digits_between_blanks_is_no_number() {
        for field in [
            &b"0000000001x\0"[..],
            b"00000000089\0",
            b"17 17       ",
            b"-0000000017\0",
            b"0x000000017\0",
            b"+17         ",
            b"\0\0\0\0\0\0\0\0\x0017 ",
            b" \0 17       ",
        ] {
            assert_eq!(number(field), Err(NumberFault::Malformed), "{}", field.escape_ascii());
        }
    }

    #[test]
    fn base_256_numbers_are_taken_up_to_the_largest_offset() {
        let field = |first: u8, value: u64| {
            let mut field = [0; 12];
            field[0] = first;
            field[4..].copy_from_slice(&value.to_be_bytes());
            number(&field)
        };
        assert_eq!(field(0x80, 1 << 40), Ok(1 << 40));
        assert_eq!(field(0x80, MAX_OFFSET), Ok(MAX_OFFSET));
        assert_eq!(field(0x80, MAX_OFFSET + 1), Err(NumberFault::TooLarge));
        assert_eq!(field(0x81, 0), Err(NumberFault::TooLarge));
        assert_eq!(number(&[0xff; 12]), Err(NumberFault::Negative));
        assert_eq!(field(0xc0, 5), Err(NumberFault::Negative));
    }

    #[test]
    fn a_checksum_may_add_the_bytes_as_unsigned_or_as_signed_numbers() {
        let mut block = [0; BLOCK];
        block[0] = 0xe9;
        let (unsigned, signed) = checksums(&block);
        assert_eq!(i64::try_from(unsigned).unwrap() - signed, 256);
        for sum in [i64::try_from(unsigned).unwrap(), signed] {
            block[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            assert!(Header::new(&block).is_ok());
        }
        block[CHECKSUM].copy_from_slice(format!("{:06o}\0 ", signed + 1).as_bytes());
        assert!(Header::new(&block).is_err());
    }
}
