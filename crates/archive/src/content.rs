//! A file's bytes, read from where its archive is held; the holes of sparse files read as zeros.

use std::io::{self, Read};

use super::sparse::Segment;

/// Bytes that can be read from any place.
pub trait ReadAt {
    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// When there are fewer: it never answers with less than was asked for.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Bytes before this one were let go.
    fn held_from(&self) -> u64 {
        0
    }
}

/// Where a file's bytes are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent<'a> {
    /// Where its data start in the held archive.
    pub(super) data: u64,
    /// Bytes once expanded.
    pub(super) size: u64,
    /// The stored parts of a sparse file.
    pub(super) segments: Option<&'a [Segment]>,
}

/// Reads one file from its start (or from where it was opened) to its end.
///
/// A read fills the whole buffer unless the file ends first. When the held bytes cannot be read it answers an error,
/// never an early end.
pub struct ContentReader<'a> {
    held: &'a dyn ReadAt,
    size: u64,
    position: u64,
    parts: Parts<'a>,
}

enum Parts<'a> {
    /// All of it, from this place in the held archive on.
    Whole { data: u64 },
    /// The parts that are not read yet, and where in the held archive the data of the first of them start.
    Sparse { segments: &'a [Segment], data: u64 },
}

impl<'a> ContentReader<'a> {
    pub(super) fn new(held: &'a (dyn ReadAt + Send + Sync), extent: Extent<'a>, offset: u64) -> Self {
        let position = offset.min(extent.size);
        let parts = match extent.segments {
            None => Parts::Whole { data: extent.data },
            Some(segments) => {
                let behind = segments.partition_point(|segment| segment.offset + segment.length <= position);
                let skipped: u64 = segments[..behind].iter().map(|segment| segment.length).sum();
                Parts::Sparse {
                    segments: &segments[behind..],
                    data: extent.data + skipped,
                }
            }
        };
        Self {
            held,
            size: extent.size,
            position,
            parts,
        }
    }

    /// Bytes of the whole file.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that are not read yet.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.size - self.position
    }

    /// Fills `buffer`, which lies within the file, from `position` on.
    fn fill(&mut self, mut buffer: &mut [u8]) -> io::Result<()> {
        let (segments, data) = match &mut self.parts {
            Parts::Whole { data } => return self.held.read_exact_at(buffer, *data + self.position),
            Parts::Sparse { segments, data } => (segments, data),
        };
        let mut position = self.position;
        while !buffer.is_empty() {
            let Some((segment, behind)) = segments.split_first() else {
                buffer.fill(0);
                return Ok(());
            };
            let hole = segment.offset.saturating_sub(position);
            let count = shorter(buffer.len(), hole);
            let (zeros, rest) = buffer.split_at_mut(count);
            zeros.fill(0);
            position += count as u64;
            buffer = rest;
            if buffer.is_empty() {
                return Ok(());
            }
            let within = position - segment.offset;
            let count = shorter(buffer.len(), segment.length - within);
            let (bytes, rest) = buffer.split_at_mut(count);
            self.held.read_exact_at(bytes, *data + within)?;
            position += count as u64;
            buffer = rest;
            if position == segment.offset + segment.length {
                *data += segment.length;
                *segments = behind;
            }
        }
        Ok(())
    }
}

fn shorter(length: usize, limit: u64) -> usize {
    usize::try_from(limit).map_or(length, |limit| limit.min(length))
}

impl Read for ContentReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = shorter(buffer.len(), self.remaining());
        if count > 0 {
            self.fill(&mut buffer[..count])?;
            self.position += count as u64;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::buffer::InMemory;
    use super::*;

    fn sparse_file() -> (InMemory, [Segment; 3], Vec<u8>) {
        let segments = [(2, 3), (5, 1), (9, 2)].map(|(offset, length)| Segment { offset, length });
        (InMemory(b"__abcdef".to_vec()), segments, b"\0\0abcd\0\0\0ef\0".to_vec())
    }

    #[test]
    fn holes_read_as_zeros_from_every_offset_and_in_every_step() {
        let (held, segments, expanded) = sparse_file();
        let extent = Extent {
            data: 2,
            size: 12,
            segments: Some(&segments),
        };
        for offset in 0..=13 {
            for step in 1..=13 {
                let mut reader = ContentReader::new(&held, extent, offset);
                let mut read = Vec::new();
                let mut buffer = vec![0xee; step];
                loop {
                    let count = reader.read(&mut buffer).unwrap();
                    assert_eq!(
                        count,
                        step.min(12_usize.saturating_sub(usize::try_from(offset).unwrap() + read.len()))
                    );
                    if count == 0 {
                        break;
                    }
                    read.extend_from_slice(&buffer[..count]);
                }
                let from = usize::try_from(offset).unwrap().min(12);
                assert_eq!(read, expanded[from..]);
            }
        }
    }

    #[test]
    fn held_bytes_that_are_missing_are_an_error_and_no_early_end() {
        let (held, segments, _) = sparse_file();
        for segments in [None, Some(&segments[..])] {
            let extent = Extent {
                data: 3,
                size: 12,
                segments,
            };
            let mut reader = ContentReader::new(&held, extent, 0);
            assert!(reader.read_to_end(&mut Vec::new()).is_err());
        }
    }
}
