//! The input of archives: how far it was read, and who sees its bytes on the way.

use std::io::{self, BufRead};

use crate::header::{BLOCK, Block, ZERO_BLOCK};

/// An input and how far it was read.
pub(crate) struct PositionedInput<R> {
    input: R,
    position: u64,
    /// Bytes that were read and given back, less than a block of them.
    ahead: Vec<u8>,
}

impl<R: BufRead> PositionedInput<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            position: 0,
            ahead: Vec::new(),
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Shows `see` the bytes at hand, which may take waiting for some (none at the end of the input), and consumes as
    /// many as it says.
    pub(crate) fn take<T>(&mut self, see: impl FnOnce(&[u8]) -> (usize, T)) -> io::Result<T> {
        if !self.ahead.is_empty() {
            let (count, seen) = see(&self.ahead);
            self.ahead.drain(..count);
            self.position += count as u64;
            return Ok(seen);
        }
        let bytes = loop {
            match self.input.fill_buf() {
                Ok(bytes) => break bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        let (count, seen) = see(bytes);
        self.input.consume(count);
        self.position += count as u64;
        Ok(seen)
    }

    /// Gives the last bytes that were read back.
    pub(crate) fn unread(&mut self, bytes: &[u8]) {
        self.ahead.splice(..0, bytes.iter().copied());
        self.position -= bytes.len() as u64;
    }

    /// Skips zero bytes and answers how many there were.
    pub(crate) fn skip_zeros(&mut self) -> io::Result<u64> {
        let start = self.position;
        loop {
            let ended = self.take(|bytes| {
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                (zeros, zeros < bytes.len() || bytes.is_empty())
            })?;
            if ended {
                return Ok(self.position - start);
            }
        }
    }

    /// Fills `buffer` as far as the input goes, and never asks for more than it needs.
    pub(crate) fn read_up_to(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let wanted = &mut buffer[filled..];
            let count = self.take(|bytes| {
                let count = bytes.len().min(wanted.len());
                wanted[..count].copy_from_slice(&bytes[..count]);
                (count, count)
            })?;
            if count == 0 {
                break;
            }
            filled += count;
        }
        Ok(filled)
    }
}

/// What every byte of an archive passes through on its way.
pub(crate) trait Tee {
    fn pass(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// Passes nothing on.
impl Tee for () {
    fn pass(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// Why no more bytes came.
pub(super) enum FeedError {
    End { came: u64, only_zeros: bool },
    Read(io::Error),
    Buffer(io::Error),
}

/// The input of one archive, every byte of which goes through the tee.
pub(crate) struct Feed<'a, R, T> {
    pub(crate) source: &'a mut PositionedInput<R>,
    pub(crate) tee: &'a mut T,
}

impl<R: BufRead, T: Tee> Feed<'_, R, T> {
    pub(super) fn block(&mut self) -> Result<Block, FeedError> {
        let mut block = ZERO_BLOCK;
        let came = self.source.read_up_to(&mut block).map_err(FeedError::Read)?;
        if came < BLOCK {
            let only_zeros = block[..came].iter().all(|byte| *byte == 0);
            let came = came as u64;
            return Err(FeedError::End { came, only_zeros });
        }
        self.tee.pass(&block).map_err(FeedError::Buffer)?;
        Ok(block)
    }

    /// Passes `length` bytes on in slices as large as they come, and shows them to `see`.
    pub(super) fn pass(&mut self, length: u64, mut see: impl FnMut(&[u8])) -> Result<(), FeedError> {
        let mut left = length;
        while left > 0 {
            let count = self.source.take(|bytes| {
                let count = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                let bytes = &bytes[..count];
                see(bytes);
                (count, self.tee.pass(bytes).map(|()| count))
            });
            match count.map_err(FeedError::Read)?.map_err(FeedError::Buffer)? {
                0 => {
                    let came = length - left;
                    return Err(FeedError::End {
                        came,
                        only_zeros: false,
                    });
                }
                count => left -= count as u64,
            }
        }
        Ok(())
    }
}
