//! What the producer says of an archive: which messages it holds, and where the last of them stands in their source.
//!
//! It travels inside the archive, as records of a global PAX header that other readers pass over, so that it survives
//! wherever the archive does: in a pipe, and in a spool.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::pax::record::{push_record, record_length};
use super::positions::{Position, PositionMap};

/// The key of the first and the last message's number: `1-212`.
pub(super) const MESSAGES: &str = "SPOUTCTL.messages";

/// The key of the last message's position.
pub(super) const POSITION: &str = "SPOUTCTL.position";

/// The key of where each partition goes on, or each source.
pub(super) const POSITIONS: &str = "SPOUTCTL.positions";

/// The keys of how many messages are not in the files, and of those that were set aside: `SPOUTCTL.aside.0`, and so on.
const SKIPPED: &str = "SPOUTCTL.skipped";
const SET_ASIDE: &str = "SPOUTCTL.set-aside";
const ASIDE: &str = "SPOUTCTL.aside.";

/// How many bytes of a header the list of messages that were set aside may take: 64 KiB.
const MAX_LISTED: usize = 64 << 10;

/// Whether a record tells of messages that are not in the files.
pub(super) fn is_of_asides(key: &[u8]) -> bool {
    [SKIPPED, SET_ASIDE].iter().any(|known| known.as_bytes() == key) || key.starts_with(ASIDE.as_bytes())
}

/// The directory, in an archive, of what goes into another repo since it cannot be taken. No message gets a name in it.
pub const ASIDES: &str = "SPOUTCTL.aside";

/// What the producer says of an archive; what it does not say is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    pub messages: Option<MessageRange>,
    /// Of the last message.
    pub position: Option<Position>,
    /// Where the source goes on behind them, where it has several places to go on at.
    pub positions: Option<PositionMap>,
    /// Which of the messages are not in the archive's files.
    pub asides: Asides,
    /// It is what was made of an archive of which no commit can be made. In no header.
    pub refused: Option<Refused>,
}

/// An archive that is set aside within a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub reason: String,
    /// Where it is.
    pub place: String,
}

/// Messages that could not be taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asides {
    /// How many were left out.
    pub skipped: u64,
    /// How many were set aside.
    pub set_aside: u64,
    /// The first of those, as many as `MAX_LISTED` bytes say.
    pub listed: Vec<Aside>,
    /// What the list takes in a header.
    bytes: usize,
}

/// A message that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// Its number in the stream.
    pub message: u64,
    /// Where it stands in its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    pub reason: String,
    /// Where it is.
    #[serde(rename = "file")]
    pub place: String,
}

impl Asides {
    /// So many that were left out, and none that was set aside.
    #[cfg(test)]
    pub(super) fn skipping(skipped: u64) -> Self {
        Self {
            skipped,
            ..Self::default()
        }
    }

    pub fn add(&mut self, aside: Aside) {
        self.set_aside += 1;
        let length = self.room_of(aside.json().len());
        let are_all_listed = self.listed.len() as u64 + 1 == self.set_aside;
        if are_all_listed && self.bytes + length <= MAX_LISTED {
            self.bytes += length;
            self.listed.push(aside);
        }
    }

    /// What the next one takes, whose JSON has so many bytes.
    fn room_of(&self, json: usize) -> usize {
        // The length of a record is said in it, too, with 5 digits at most.
        record_length(&format!("{ASIDE}{}", self.listed.len()), b"") + json + 5
    }

    /// These and those of the next archive.
    #[must_use]
    pub(super) fn and(mut self, next: &Self) -> Self {
        let unlisted = next.set_aside.saturating_sub(next.listed.len() as u64);
        next.listed.iter().for_each(|aside| self.add(aside.clone()));
        self.set_aside = self.set_aside.saturating_add(unlisted);
        self.skipped = self.skipped.saturating_add(next.skipped);
        self
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.skipped == 0 && self.set_aside == 0
    }

    /// What the header of a label with them holds, at most.
    pub(super) fn most(&self) -> usize {
        if self.is_empty() {
            0
        } else {
            self.bytes + 2 * record_length(SET_ASIDE, &[b'0'; 20])
        }
    }

    /// Takes a record of a header.
    pub(super) fn read(&mut self, key: &str, value: &[u8]) {
        let number = || std::str::from_utf8(value).ok()?.parse().ok();
        match key {
            SKIPPED => self.skipped = number().unwrap_or(self.skipped),
            SET_ASIDE => self.set_aside = number().unwrap_or(self.set_aside),
            _ if key.starts_with(ASIDE) => {
                if let Ok(aside) = serde_json::from_slice::<Aside>(value) {
                    self.bytes += self.room_of(value.len());
                    self.listed.push(aside);
                }
            }
            _ => {}
        }
    }

    pub(super) fn write(&self, records: &mut Vec<u8>) {
        for (key, number) in [(SKIPPED, self.skipped), (SET_ASIDE, self.set_aside)] {
            if number > 0 {
                push_record(records, key, number.to_string().as_bytes());
            }
        }
        for (at, aside) in self.listed.iter().enumerate() {
            push_record(records, &format!("{ASIDE}{at}"), aside.json().as_bytes());
        }
    }
}

impl Aside {
    fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Which messages an archive holds: numbers, from 1, without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageRange {
    pub first: u64,
    pub last: u64,
}

impl MessageRange {
    #[must_use]
    pub fn count(self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }

    /// `1-212`, as [`fmt::Display`] writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-')?;
        let number = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| text.parse().ok())?
        };
        let range = Self {
            first: number(first)?,
            last: number(last)?,
        };
        (range.first > 0 && range.first <= range.last).then_some(range)
    }
}

impl fmt::Display for MessageRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_reads_back_and_what_is_none_does_not() {
        let range = MessageRange { first: 7, last: 212 };
        assert_eq!(MessageRange::parse(&range.to_string()), Some(range));
        assert_eq!(range.count(), 206);
        for text in [
            "",
            "1",
            "0-3",
            "4-3",
            "+1-2",
            "1-",
            "-1",
            "1-2-3",
            "1-99999999999999999999",
        ] {
            assert_eq!(MessageRange::parse(text), None, "{text}");
        }
    }
}
