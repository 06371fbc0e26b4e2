//! PAX records: `length key=value` lines in the body of an extension header, checked to the byte.
//!
//! A reader that is lenient here can be led to another file, or to another end of the archive, than the next reader.

pub(super) mod record;

use super::header::MAX_OFFSET;
use super::label::{self, Label, MessageRange};
use super::positions::Position;

/// What the key of a deletion begins with; a number follows. The value is a path.
pub(super) const DELETION: &str = "SPOUTCTL.delete.";

/// What one key was set to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Setting<T> {
    #[default]
    Absent,
    /// An empty value: neither this header's nor a global one's value counts.
    Unset,
    Value(T),
}

impl<T> Setting<T> {
    /// The value that counts for an entry: its own over the archive's.
    pub(super) fn over<'a>(&'a self, global: &'a Self) -> Option<&'a T> {
        match (self, global) {
            (Self::Value(value), _) | (Self::Absent, Self::Value(value)) => Some(value),
            _ => None,
        }
    }

    /// Whether it says anything else than `value`.
    pub(super) fn contradicts(&self, value: &T) -> bool
    where
        T: PartialEq,
    {
        match self {
            Self::Absent => false,
            Self::Unset => true,
            Self::Value(own) => own != value,
        }
    }
}

/// The records that matter to us, the last of each key.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) path: Setting<Vec<u8>>,
    pub(super) linkpath: Setting<Vec<u8>>,
    pub(super) size: Setting<u64>,
    pub(super) sparse: SparseRecords,
    /// Whether there was a deletion; what it says is in [`deletions`].
    pub(super) deletes: bool,
    /// Whether there is GNU's list of what a directory held, of an incremental backup.
    pub(super) dumps: bool,
    /// Whether the next entry is the rest of a file from another volume.
    pub(super) continues: bool,
    /// What a global header says of the whole archive.
    pub(super) label: Label,
}

/// The `GNU.sparse.*` records. Their values are judged when the map is put together, for they say nothing about where
/// the entry ends.
#[derive(Debug, Default)]
pub(super) struct SparseRecords {
    /// Whether there was any.
    pub(super) any: bool,
    pub(super) major: Option<u64>,
    pub(super) minor: Option<u64>,
    pub(super) name: Option<Vec<u8>>,
    /// The expanded size (format 1.0).
    pub(super) real_size: Option<u64>,
    /// The expanded size (formats 0.0 and 0.1).
    pub(super) size: Option<u64>,
    pub(super) segment_count: Option<u64>,
    /// Offsets and lengths in turn (0.0 in records of their own, 0.1 in one).
    pub(super) numbers: Vec<u64>,
    /// A value that is no number, or a record out of turn.
    pub(super) malformed: bool,
}

/// Why an extension header's records cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PaxFault {
    #[error("does not start with its length")]
    NoLength,
    #[error("has another length than it says")]
    WrongLength,
    #[error("has no `=` behind a key")]
    NoKey,
    /// Go refuses it; others cut the key there, and take it for another one.
    #[error("has a NUL in its key")]
    NulInKey,
    #[error("has a NUL in a path")]
    NulInPath,
    #[error("has a size that is no number")]
    BadSize,
    #[error("has a size larger than any archive can be")]
    SizeTooLarge,
    #[error("describes a sparse file for all entries at once")]
    GlobalSparse,
    #[error("has a range of messages that is none")]
    BadMessages,
    #[error("has a position that is no text, empty, or too long")]
    BadPosition,
}

impl Records {
    /// Adds the records of `body`.
    ///
    /// # Errors
    /// The fault, and where in `body` the record with it starts.
    pub(super) fn parse(&mut self, body: &[u8]) -> Result<(), (usize, PaxFault)> {
        let mut rest = body;
        while !rest.is_empty() {
            let at = body.len() - rest.len();
            let (key, value, behind) = split_record(rest).map_err(|fault| (at, fault))?;
            self.set(key, value).map_err(|fault| (at, fault))?;
            rest = behind;
        }
        Ok(())
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), PaxFault> {
        match key {
            b"path" => self.path = path(value)?,
            b"linkpath" => self.linkpath = path(value)?,
            b"size" => {
                self.size = match value {
                    b"" => Setting::Unset,
                    digits => Setting::Value(size(digits)?),
                }
            }
            b"GNU.dumpdir" => self.dumps = true,
            b"GNU.volume.filename" => self.continues = true,
            _ if key == label::MESSAGES.as_bytes() => {
                let range = std::str::from_utf8(value).ok().and_then(MessageRange::parse);
                self.label.messages = Some(range.ok_or(PaxFault::BadMessages)?);
            }
            _ if label::is_of_asides(key) => {
                // Whatever is no number or no JSON says nothing.
                self.label.asides.read(&String::from_utf8_lossy(key), value);
            }
            _ if key == label::POSITIONS.as_bytes() => {
                let positions = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                self.label.positions = Some(positions.ok_or(PaxFault::BadPosition)?);
            }
            _ if key == label::POSITION.as_bytes() => {
                let position = Position::of_record(value).map_err(|_| PaxFault::BadPosition)?;
                self.label.position = Some(position);
            }
            _ => {
                if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
                    self.sparse.set(key, value);
                }
                self.deletes |= key.starts_with(DELETION.as_bytes());
            }
        }
        Ok(())
    }
}

impl SparseRecords {
    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.any = true;
        match key {
            b"major" => self.major = self.number(value),
            b"minor" => self.minor = self.number(value),
            b"name" => self.name = (!value.is_empty()).then(|| value.to_vec()),
            b"realsize" => self.real_size = self.number(value),
            b"size" => self.size = self.number(value),
            b"numblocks" => self.segment_count = self.number(value),
            b"map" => {
                self.numbers.clear();
                for number in value.split(|byte| *byte == b',').filter(|_| !value.is_empty()) {
                    self.push(number);
                }
            }
            b"offset" => {
                self.malformed |= !self.numbers.len().is_multiple_of(2);
                self.push(value);
            }
            b"numbytes" => {
                self.malformed |= self.numbers.len().is_multiple_of(2);
                self.push(value);
            }
            // A key of a later version: what it changes is unknown.
            _ => self.malformed = true,
        }
    }

    fn push(&mut self, value: &[u8]) {
        match decimal(value) {
            Some(number) => self.numbers.push(number),
            None => self.malformed = true,
        }
    }

    fn number(&mut self, value: &[u8]) -> Option<u64> {
        let number = decimal(value);
        self.malformed |= number.is_none() && !value.is_empty();
        number
    }
}

/// The deletions among the records of `body`, which was parsed before: the number in the key, if it is one as we write
/// it, and the path. Nothing is held beside `body`, in which there may be many.
pub(super) fn deletions(body: &[u8]) -> impl Iterator<Item = (Option<u64>, &[u8])> {
    let mut rest = body;
    let records = std::iter::from_fn(move || {
        let (key, value, behind) = split_record(rest).ok()?;
        rest = behind;
        Some((key, value))
    });
    records.filter_map(|(key, value)| {
        let digits = key.strip_prefix(DELETION.as_bytes())?;
        let is_canonical = digits == b"0" || !digits.starts_with(b"0");
        Some((decimal(digits).filter(|_| is_canonical), value))
    })
}

type Split<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// The key and the value of the first record, and what follows it.
fn split_record(body: &[u8]) -> Result<Split<'_>, PaxFault> {
    let space = body.iter().position(|byte| *byte == b' ').ok_or(PaxFault::NoLength)?;
    let length = decimal(&body[..space]).ok_or(PaxFault::NoLength)?;
    let length = usize::try_from(length).map_err(|_| PaxFault::WrongLength)?;
    let record = body.get(space + 1..length).ok_or(PaxFault::WrongLength)?;
    let (last, record) = record.split_last().ok_or(PaxFault::WrongLength)?;
    if *last != b'\n' {
        return Err(PaxFault::WrongLength);
    }
    let equals = record
        .iter()
        .position(|byte| *byte == b'=')
        .filter(|at| *at > 0)
        .ok_or(PaxFault::NoKey)?;
    if record[..equals].contains(&0) {
        return Err(PaxFault::NulInKey);
    }
    Ok((&record[..equals], &record[equals + 1..], &body[length..]))
}

fn path(value: &[u8]) -> Result<Setting<Vec<u8>>, PaxFault> {
    if value.contains(&0) {
        return Err(PaxFault::NulInPath);
    }
    if value.is_empty() {
        return Ok(Setting::Unset);
    }
    Ok(Setting::Value(value.to_vec()))
}

fn size(digits: &[u8]) -> Result<u64, PaxFault> {
    match decimal(digits) {
        Some(size) if size <= MAX_OFFSET => Ok(size),
        None if digits.iter().any(|byte| !byte.is_ascii_digit()) => Err(PaxFault::BadSize),
        _ => Err(PaxFault::SizeTooLarge),
    }
}

/// Digits and nothing else: no sign, no blanks, and at least one.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::record::{push_record, record_length};
    use super::*;

    fn parse(body: &[u8]) -> Result<Records, (usize, PaxFault)> {
        let mut records = Records::default();
        records.parse(body).map(|()| records)
    }

    #[test]
    fn the_last_record_of_a_key_counts_and_unknown_keys_are_passed_over() {
        let records = parse(b"9 path=a\n20 mtime=1234567890\n9 path=b\n11 size=77\n").unwrap();
        assert_eq!(records.path, Setting::Value(b"b".to_vec()));
        assert_eq!(records.size, Setting::Value(77));
        assert_eq!(records.linkpath, Setting::Absent);
    }

    #[test]
    fn an_empty_value_unsets_and_hides_a_global_one() {
        let global = parse(b"9 path=a\n").unwrap();
        let local = parse(b"8 path=\n").unwrap();
        assert_eq!(local.path.over(&global.path), None);
        assert_eq!(Setting::Absent.over(&global.path), Some(&b"a".to_vec()));
    }

    #[test]
    fn deletions_are_the_records_of_that_key_in_their_order() {
        let mut body = Vec::new();
        for (key, value) in [
            ("SPOUTCTL.delete.0", "a=b"),
            ("path", "x"),
            ("SPOUTCTL.delete.1", "c\nd"),
            ("SPOUTCTL.delete.01", "e"),
            ("SPOUTCTL.delete.", "f"),
            ("SPOUTCTL.delete.-1", "g"),
            ("SPOUTCTL.deleted.2", "h"),
        ] {
            push_record(&mut body, key, value.as_bytes());
        }
        assert!(parse(&body).unwrap().deletes);
        let found: Vec<_> = deletions(&body).collect();
        let expected: [(Option<u64>, &[u8]); 5] = [
            (Some(0), b"a=b"),
            (Some(1), b"c\nd"),
            (None, b"e"),
            (None, b"f"),
            (None, b"g"),
        ];
        assert_eq!(found, expected);
        assert!(!parse(b"9 path=a\n").unwrap().deletes);
    }

    #[test]
    fn a_record_that_was_written_is_as_long_as_it_says() {
        for length in (1..120).chain(9_970..10_000) {
            let mut body = Vec::new();
            let value = vec![b'v'; length];
            push_record(&mut body, "path", &value);
            assert_eq!(body.len(), record_length("path", &value));
            assert_eq!(parse(&body).unwrap().path, Setting::Value(value));
        }
    }

    #[test]
    fn values_may_hold_newlines_equal_signs_and_any_bytes() {
        let records = parse(b"15 path=a\n=\xff=b\n").unwrap();
        assert_eq!(records.path, Setting::Value(b"a\n=\xff=b".to_vec()));
    }

    #[test]
    fn a_record_that_is_not_exactly_as_long_as_it_says_is_refused() {
        for (body, at, fault) in [
            (&b"path=a\n"[..], 0, PaxFault::NoLength),
            (b" 9 path=a\n", 0, PaxFault::NoLength),
            (b"+9 path=a\n", 0, PaxFault::NoLength),
            (b"11 path=a\n", 0, PaxFault::WrongLength),
            (b"8 path=a\n", 0, PaxFault::WrongLength),
            (b"0 path=a\n", 0, PaxFault::WrongLength),
            (b"2 ", 0, PaxFault::WrongLength),
            (b"99999999999999999999 path=a\n", 0, PaxFault::NoLength),
            (b"18446744073709551615 path=a\n", 0, PaxFault::WrongLength),
            (b"9 path=a\n9 path=b", 9, PaxFault::WrongLength),
            (b"9 path=a\n\0\0", 9, PaxFault::NoLength),
            (b"5 =a\n", 0, PaxFault::NoKey),
            (b"5 ab\n", 0, PaxFault::NoKey),
            (b"11 path=a\0b\n", 0, PaxFault::WrongLength),
            (b"12 path=a\0b\n", 0, PaxFault::NulInPath),
            (b"11 path\0a=b\n", 0, PaxFault::WrongLength),
            (b"12 path\0a=b\n", 0, PaxFault::NulInKey),
            (b"9 path=a\n7 \0x=b\n", 9, PaxFault::NulInKey),
            (b"10 size=-1\n", 0, PaxFault::WrongLength),
            (b"11 size=-1\n", 0, PaxFault::BadSize),
            (b"9 size=x\n", 0, PaxFault::BadSize),
            (b"27 size=9223372036854775808\n", 0, PaxFault::WrongLength),
            (b"28 size=9223372036854775808\n", 0, PaxFault::SizeTooLarge),
            (b"25 SPOUTCTL.messages=2-1\n", 0, PaxFault::BadMessages),
            (b"22 SPOUTCTL.position=\n", 0, PaxFault::BadPosition),
        ] {
            let outcome = parse(body).map(|_| ());
            assert_eq!(outcome, Err((at, fault)), "{}", body.escape_ascii());
        }
    }
}
