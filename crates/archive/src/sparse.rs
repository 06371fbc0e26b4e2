//! The maps of GNU sparse files: which parts of a file are stored, the rest being zeros.
//!
//! Four notations say the same thing (old GNU, PAX 0.0, 0.1 and 1.0). Whatever a map says, where the entry ends in the
//! archive is known without it, so a bad map spoils the content and never the framing.

use super::header::BLOCK_BYTES;
use super::pax::SparseRecords;

/// How many stored parts the sparse files of one archive may have: 16 bytes of memory each.
pub(super) const MAX_SEGMENTS: usize = 1 << 20;

/// A stored part of a file: `length` bytes at `offset` of the expanded file. What lies between two parts are zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// Why a sparse file cannot be expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SparseFault {
    #[error("its map is malformed")]
    Malformed,
    #[error("its map is of a version that nobody has defined yet")]
    Version,
    #[error("its map does not say how large the file is")]
    NoSize,
    #[error("its map has another number of parts than it says")]
    Count,
    #[error("the parts in its map overlap or are not in order")]
    Order,
    #[error("a part in its map lies behind the end of the file")]
    BehindEnd,
    #[error("the parts in its map have another size than its data")]
    StoredSize,
    #[error("it has two maps")]
    TwoMaps,
    #[error("it is a directory or a link")]
    NoFile,
    #[error("the sparse files of the archive have more than 1,048,576 parts")]
    TooManySegments,
}

/// A file's stored parts, checked as they come.
#[derive(Debug)]
pub(super) struct MapBuilder {
    segments: Vec<Segment>,
    room: usize,
    end: u64,
    stored: u64,
    fault: Option<SparseFault>,
}

impl MapBuilder {
    /// A map of at most `room` parts.
    pub(super) fn new(room: usize) -> Self {
        Self {
            segments: Vec::new(),
            room,
            end: 0,
            stored: 0,
            fault: None,
        }
    }

    /// Adds a part; a fault is kept until the map is finished.
    pub(super) fn push(&mut self, offset: u64, length: u64) {
        if self.fault.is_none() {
            self.fault = self.try_push(offset, length).err();
        }
    }

    fn try_push(&mut self, offset: u64, length: u64) -> Result<(), SparseFault> {
        if offset < self.end {
            return Err(SparseFault::Order);
        }
        self.end = offset.checked_add(length).ok_or(SparseFault::BehindEnd)?;
        self.stored = self.stored.checked_add(length).ok_or(SparseFault::StoredSize)?;
        if length == 0 {
            // GNU tar ends the map of a file with a hole at its end like this.
            return Ok(());
        }
        if self.segments.len() == self.room {
            return Err(SparseFault::TooManySegments);
        }
        self.segments.push(Segment { offset, length });
        Ok(())
    }

    /// The parts of a file of `real_size` bytes of which `stored` are in the archive.
    pub(super) fn finish(self, real_size: u64, stored: u64) -> Result<Vec<Segment>, SparseFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if self.end > real_size {
            return Err(SparseFault::BehindEnd);
        }
        if self.stored != stored {
            return Err(SparseFault::StoredSize);
        }
        Ok(self.segments)
    }
}

/// What the PAX records of a sparse file announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notation {
    /// 0.0 and 0.1: the map is in the records.
    InRecords { real_size: u64 },
    /// 1.0: the map is in the first blocks of the data.
    InData { real_size: u64 },
}

impl SparseRecords {
    pub(super) fn notation(&self) -> Result<Notation, SparseFault> {
        if self.malformed {
            return Err(SparseFault::Malformed);
        }
        match (self.major, self.minor) {
            (None | Some(0), None | Some(0 | 1)) => {
                let real_size = self.size.ok_or(SparseFault::NoSize)?;
                Ok(Notation::InRecords { real_size })
            }
            (Some(1), Some(0)) => {
                let real_size = self.real_size.ok_or(SparseFault::NoSize)?;
                Ok(Notation::InData { real_size })
            }
            _ => Err(SparseFault::Version),
        }
    }

    /// The map of formats 0.0 and 0.1.
    pub(super) fn map(&self, real_size: u64, stored: u64, room: usize) -> Result<Vec<Segment>, SparseFault> {
        let (pairs, odd) = self.numbers.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(SparseFault::Malformed);
        }
        // A 0.0 archive that lacks the count is still whole: the records themselves are counted.
        if self.segment_count.is_some_and(|count| count != pairs.len() as u64) {
            return Err(SparseFault::Count);
        }
        let mut map = MapBuilder::new(room);
        for [offset, length] in pairs {
            map.push(*offset, *length);
        }
        map.finish(real_size, stored)
    }
}

/// The map of format 1.0 as its blocks come: a count, then offset and length of each part, each number a line.
#[derive(Debug)]
pub(super) struct DataMap {
    map: MapBuilder,
    line: Option<u64>,
    /// Numbers that are still to come, once the count is known.
    left: Option<u64>,
    offset: Option<u64>,
    fault: Option<SparseFault>,
    blocks: u64,
}

impl DataMap {
    pub(super) fn new(room: usize) -> Self {
        Self {
            map: MapBuilder::new(room),
            line: None,
            left: None,
            offset: None,
            fault: None,
            blocks: 0,
        }
    }

    /// Whether another block is wanted.
    pub(super) fn wants_more(&self) -> bool {
        self.fault.is_none() && self.left != Some(0)
    }

    pub(super) fn take(&mut self, block: &[u8]) {
        self.blocks += 1;
        for byte in block {
            if !self.wants_more() {
                // The rest of the last block is padding.
                return;
            }
            match (byte, self.line) {
                (b'0'..=b'9', line) => {
                    let value = line.unwrap_or(0).checked_mul(10);
                    self.line = value.and_then(|value| value.checked_add(u64::from(byte - b'0')));
                    if self.line.is_none() {
                        self.fault = Some(SparseFault::Malformed);
                    }
                }
                (b'\n', Some(number)) => {
                    self.line = None;
                    self.number(number);
                }
                _ => self.fault = Some(SparseFault::Malformed),
            }
        }
    }

    fn number(&mut self, number: u64) {
        match (self.left, self.offset.take()) {
            (None, _) => match number.checked_mul(2) {
                Some(count) => self.left = Some(count),
                None => self.fault = Some(SparseFault::TooManySegments),
            },
            (Some(left), None) => {
                self.left = Some(left - 1);
                self.offset = Some(number);
            }
            (Some(left), Some(offset)) => {
                self.left = Some(left - 1);
                self.map.push(offset, number);
            }
        }
    }

    /// The map, when `data` bytes are stored behind the map's own blocks.
    pub(super) fn finish(self, real_size: u64, data: u64) -> Result<Vec<Segment>, SparseFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if self.left != Some(0) {
            return Err(SparseFault::Malformed);
        }
        self.map.finish(real_size, data)
    }

    pub(super) fn length(&self) -> u64 {
        self.blocks * BLOCK_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(parts: &[(u64, u64)], real_size: u64, stored: u64) -> Result<usize, SparseFault> {
        let mut map = MapBuilder::new(3);
        for (offset, length) in parts {
            map.push(*offset, *length);
        }
        map.finish(real_size, stored).map(|segments| segments.len())
    }

    #[test]
    fn a_map_is_in_order_within_the_file_and_as_long_as_the_data() {
        assert_eq!(map(&[(0, 5), (5, 5), (20, 0)], 20, 10), Ok(2));
        assert_eq!(map(&[], 20, 0), Ok(0));
        assert_eq!(map(&[(0, 5), (4, 5)], 20, 10), Err(SparseFault::Order));
        assert_eq!(map(&[(10, 5), (0, 5)], 20, 10), Err(SparseFault::Order));
        assert_eq!(map(&[(18, 5)], 20, 5), Err(SparseFault::BehindEnd));
        assert_eq!(map(&[(21, 0)], 20, 0), Err(SparseFault::BehindEnd));
        assert_eq!(map(&[(u64::MAX, 2)], 20, 2), Err(SparseFault::BehindEnd));
        assert_eq!(map(&[(0, 5)], 20, 6), Err(SparseFault::StoredSize));
        assert_eq!(
            map(&[(0, 1), (2, 1), (4, 1), (6, 1)], 20, 4),
            Err(SparseFault::TooManySegments)
        );
    }

    #[test]
    fn a_map_in_the_data_is_read_to_its_last_line_and_not_further() {
        let mut block = b"2\n0\n5\n10\n5\n".to_vec();
        block.resize(512, 0);
        let mut map = DataMap::new(9);
        map.take(&block);
        assert!(!map.wants_more());
        assert_eq!(map.length(), 512);
        assert_eq!(map.finish(15, 10).map(|segments| segments.len()), Ok(2));
    }

    #[test]
    fn a_map_in_the_data_with_anything_but_lines_of_digits_is_refused() {
        for text in [
            "x",
            "\n",
            "1\n-1\n5\n",
            "1\n\n5\n",
            "99999999999999999999999\n",
            "1\n0 \n5\n",
        ] {
            let mut map = DataMap::new(9);
            map.take(text.as_bytes());
            assert!(!map.wants_more(), "{text:?}");
            assert!(map.finish(15, 5).is_err(), "{text:?}");
        }
    }
}
