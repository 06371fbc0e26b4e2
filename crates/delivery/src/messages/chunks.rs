//! Bytes that grow without being copied.

use std::io::{self, Read, Write};

/// How much is reserved at a time.
const CHUNK: usize = 1 << 20;

/// Bytes in pieces of [`CHUNK`]: growing never moves what is there, so nothing is held twice.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    pieces: Vec<Vec<u8>>,
    length: usize,
}

impl Chunks {
    pub fn len(&self) -> usize {
        self.length
    }

    pub fn push(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len();
        while !bytes.is_empty() {
            let room = self.pieces.last().map_or(0, |piece| CHUNK - piece.len());
            if room == 0 {
                // A small archive takes a small piece.
                self.pieces.push(Vec::with_capacity(bytes.len().clamp(4096, CHUNK)));
                continue;
            }
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            if let Some(piece) = self.pieces.last_mut() {
                piece.extend_from_slice(now);
            }
            bytes = later;
        }
    }

    pub fn reader(&self) -> Reader<'_> {
        Reader {
            pieces: &self.pieces,
            at: 0,
        }
    }

    pub fn write_to(&self, output: &mut dyn Write) -> io::Result<()> {
        self.pieces.iter().try_for_each(|piece| output.write_all(piece))
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) struct Reader<'a> {
    pieces: &'a [Vec<u8>],
    /// In the first of them.
    at: usize,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some((piece, rest)) = self.pieces.split_first() {
            let left = &piece[self.at..];
            if !left.is_empty() {
                let length = left.len().min(buffer.len());
                buffer[..length].copy_from_slice(&left[..length]);
                self.at += length;
                return Ok(length);
            }
            (self.pieces, self.at) = (rest, 0);
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out() {
        let mut chunks = Chunks::default();
        let mut expected = Vec::new();
        for length in [0, 1, 5000, CHUNK - 1, CHUNK + 1, 3 * CHUNK, 7] {
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            chunks.push(&bytes);
            expected.extend_from_slice(&bytes);
        }
        assert_eq!(chunks.len(), expected.len());
        let mut read = Vec::new();
        chunks.reader().read_to_end(&mut read).unwrap();
        assert!(read == expected);
        let mut written = Vec::new();
        chunks.write_to(&mut written).unwrap();
        assert!(written == expected);
    }
}
