//! A regular file is not copied: what is sent of it is read again, from where it stands.
//!
//! Whoever owns the file may write to it meanwhile, and then other bytes than those that were looked at would be
//! committed. So a sum of every 32 KiB is kept while the file is read, and what is read again has to agree with it: a
//! change is an error, and no commit. A file that grows, is renamed or removed is none.
//!
//! Memory: 4 bytes for every 32 KiB, 128 KiB for a GiB; and 32 KiB.

use std::fs::File;
use std::io::{self, Seek};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crc32fast::Hasher;
use parking_lot::{Mutex, RwLock};

use spoutctl_archive::{Format, ReadAt};
use spoutctl_core::quantity::grouped;

/// What has one sum.
const BLOCK: usize = 32 << 10;
const BLOCK_BYTES: u64 = BLOCK as u64;

/// An input whose bytes can be read again.
#[derive(Debug, Clone)]
pub struct Original {
    file: Arc<File>,
    name: Arc<str>,
    /// Where the input starts in the file, which somebody may have read from before.
    start: u64,
}

impl Original {
    /// `None` where bytes of the input cannot be found again: it is no regular file, or compressed, or one of the
    /// kernel's that claim to be empty. Nothing is read from it that a later read would miss.
    pub fn of(file: &File, name: &Arc<str>) -> Option<Self> {
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || metadata.len() == 0 {
            return None;
        }
        let start = { file }.stream_position().ok()?;
        let mut first = [0; Format::TOLD_BY];
        let came = read_up_to(file, &mut first, start).ok()?;
        if Format::of(&first[..came]).is_some() {
            return None;
        }
        Some(Self {
            file: Arc::new(file.try_clone().ok()?),
            name: Arc::clone(name),
            start,
        })
    }
}

/// Fills `buffer` as far as the file goes.
fn read_up_to(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// One archive of such an input while it is read for the first time.
pub(super) struct Noting {
    noted: Arc<Noted>,
    sum: Hasher,
    /// Bytes in `sum`.
    summed: usize,
}

impl Noting {
    /// The archive starts at `offset` of the input.
    pub fn new(original: &Original, offset: u64) -> Self {
        Self {
            noted: Arc::new(Noted {
                original: original.clone(),
                first: original.start + offset,
                sums: RwLock::default(),
                newest: Mutex::default(),
            }),
            sum: Hasher::new(),
            summed: 0,
        }
    }

    pub fn noted(&self) -> Arc<Noted> {
        Arc::clone(&self.noted)
    }

    pub fn note(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.summed));
            self.sum.update(now);
            self.summed += now.len();
            if self.summed == BLOCK {
                self.keep_sum();
            }
            bytes = later;
        }
    }

    fn keep_sum(&mut self) {
        let sum = std::mem::take(&mut self.sum).finalize();
        let mut sums = self.noted.sums.write();
        sums.full.push(sum);
        sums.length += self.summed as u64;
        self.summed = 0;
    }

    pub fn finish(mut self) -> Arc<Noted> {
        if self.summed > 0 {
            self.keep_sum();
        }
        self.noted
    }
}

#[derive(Debug, Default)]
struct Sums {
    /// One a block; the last one's may be shorter.
    full: Vec<u32>,
    /// Bytes of the archive that have a sum.
    length: u64,
}

/// An archive in its input.
#[derive(Debug)]
pub(super) struct Noted {
    original: Original,
    /// Where it starts in the file.
    first: u64,
    sums: RwLock<Sums>,
    /// The block that was read last, where not all of it was asked for: what follows most often lies in it, too.
    newest: Mutex<Option<(usize, Vec<u8>)>>,
}

impl Noted {
    /// Bytes of the archive that can be read.
    pub fn length(&self) -> u64 {
        self.sums.read().length
    }

    /// Bytes of the archive from the block at `index` on that can be read; there are some.
    fn left(&self, index: usize) -> io::Result<usize> {
        let left = self.length().saturating_sub(index as u64 * BLOCK_BYTES);
        match usize::try_from(left).unwrap_or(usize::MAX) {
            0 => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "past the end of the archive",
            )),
            left => Ok(left),
        }
    }

    /// Fills `blocks` with the blocks from `index` on. Zeros that were missing at the end of the input were noted as if
    /// they were there.
    fn read_blocks(&self, index: usize, blocks: &mut [u8]) -> io::Result<()> {
        let at = self.first + index as u64 * BLOCK_BYTES;
        let came = read_up_to(&self.original.file, blocks, at)?;
        blocks[came..].fill(0);
        let sums = self.noted_sums(index, blocks.len().div_ceil(BLOCK))?;
        for (number, (block, sum)) in blocks.chunks(BLOCK).zip(sums).enumerate() {
            if crc32fast::hash(block) != sum {
                let first = at + (number * BLOCK) as u64;
                return Err(self.changed(first, first + block.len() as u64 - 1));
            }
        }
        Ok(())
    }

    fn noted_sums(&self, first: usize, count: usize) -> io::Result<Vec<u32>> {
        let sums = self.sums.read();
        let noted = sums.full.get(first..first + count);
        Ok(noted.ok_or(io::ErrorKind::UnexpectedEof)?.to_vec())
    }

    fn changed(&self, first: u64, last: u64) -> io::Error {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "{} was changed while it was sent: bytes {} to {} are not those that were read first; let it be until \
                 put has ended, or pipe it: cat FILE | spoutctl put …",
                self.original.name,
                grouped(first),
                grouped(last),
            ),
        )
    }

    /// Fills `part` with what the block at `index` holds from `within` on.
    fn read_within(&self, index: usize, length: usize, within: usize, part: &mut [u8]) -> io::Result<()> {
        let mut newest = self.newest.lock();
        if newest.as_ref().is_none_or(|(at, _)| *at != index) {
            let (_, mut block) = newest.take().unwrap_or_default();
            block.resize(length, 0);
            self.read_blocks(index, &mut block)?;
            *newest = Some((index, block));
        }
        if let Some((_, block)) = &*newest {
            part.copy_from_slice(&block[within..within + part.len()]);
        }
        Ok(())
    }
}

impl ReadAt for Noted {
    fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            let past_all = |_| io::Error::from(io::ErrorKind::UnexpectedEof);
            let index = usize::try_from(offset / BLOCK_BYTES).map_err(past_all)?;
            let within = usize::try_from(offset % BLOCK_BYTES).map_err(past_all)?;
            let left = self.left(index)?;
            let length = left.min(BLOCK);
            if within >= length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // Whole blocks go where they are wanted, many at once; the last one may be shorter.
            let fit = left.min(buffer.len());
            let whole = if fit == left { left } else { fit - fit % BLOCK };
            let count = if within == 0 && whole > 0 {
                whole
            } else {
                buffer.len().min(length - within)
            };
            let (now, later) = buffer.split_at_mut(count);
            if within == 0 && whole > 0 {
                self.read_blocks(index, now)?;
            } else {
                self.read_within(index, length, within, now)?;
            }
            offset += count as u64;
            buffer = later;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i * 7).to_le_bytes()[1]).collect()
    }

    /// The archive that lies at `from` of the file, read once in pieces of an odd size.
    fn noted(file: &File, from: usize, archive: &[u8]) -> Arc<Noted> {
        let original = Original::of(file, &"x.tar".into()).unwrap();
        let mut noting = Noting::new(&original, from as u64);
        archive.chunks(777).for_each(|piece| noting.note(piece));
        noting.finish()
    }

    #[test]
    fn the_bytes_come_back_from_every_place_and_none_past_the_end() {
        let all = bytes(3 * BLOCK + 1000);
        let file = file_of(&all);
        let archive = &all[500..];
        let noted = noted(&file, 500, archive);
        for (offset, length) in [
            (0, archive.len()),
            (1, archive.len() - 1),
            (BLOCK, BLOCK),
            (BLOCK - 1, 2),
            (BLOCK + 5, 10),
            (3 * BLOCK - 3, 400),
            (archive.len() - 1, 1),
            (archive.len(), 0),
        ] {
            let mut buffer = vec![0; length];
            noted.read_exact_at(&mut buffer, offset as u64).unwrap();
            assert_eq!(buffer, archive[offset..offset + length], "{length} bytes at {offset}");
        }
        for offset in [archive.len() - 1, archive.len(), archive.len() + BLOCK] {
            assert!(noted.read_exact_at(&mut [0; 2], offset as u64).is_err(), "{offset}");
        }
    }

    #[test]
    fn an_input_that_was_read_from_before_starts_where_that_ended() {
        let all = bytes(2 * BLOCK);
        let mut file = file_of(&all);
        file.read_exact(&mut [0; 100]).unwrap();
        let noted = noted(&file, 0, &all[100..]);
        let mut buffer = vec![0; 50];
        noted.read_exact_at(&mut buffer, 10).unwrap();
        assert_eq!(buffer, all[110..160]);
        assert_eq!(file.stream_position().unwrap(), 100, "looking moves nothing");
    }

    #[test]
    fn a_byte_that_was_changed_or_is_gone_is_an_error_where_it_is_and_nowhere_else() {
        let all = bytes(3 * BLOCK);
        for spoil in [
            |file: &File| file.write_all_at(b"!", BLOCK_BYTES + 17).unwrap(),
            |file: &File| file.set_len(BLOCK_BYTES).unwrap(),
        ] {
            let file = file_of(&all);
            let noted = noted(&file, 0, &all);
            spoil(&file);
            let mut buffer = vec![0; BLOCK];
            noted.read_exact_at(&mut buffer, 0).unwrap();
            for (offset, length) in [
                (BLOCK_BYTES, BLOCK),
                (BLOCK_BYTES + 100, 1),
                (BLOCK_BYTES - 1, 2),
                (0, 2 * BLOCK),
                (0, 3 * BLOCK),
                (BLOCK_BYTES, 2 * BLOCK),
            ] {
                let error = noted.read_exact_at(&mut vec![0; length], offset).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                assert!(
                    error
                        .to_string()
                        .starts_with("x.tar was changed while it was sent: bytes 32,768 to 65,535 "),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn a_file_that_grows_meanwhile_is_as_it_was() {
        let all = bytes(BLOCK + 10);
        let file = file_of(&all);
        let noted = noted(&file, 0, &all);
        file.write_all_at(b"more", all.len() as u64).unwrap();
        let mut buffer = vec![0; all.len()];
        noted.read_exact_at(&mut buffer, 0).unwrap();
        assert_eq!(buffer, all);
    }

    #[test]
    fn zeros_that_were_missing_at_the_end_are_there_all_the_same() {
        let all = bytes(700);
        let file = file_of(&all);
        let noted = noted(&file, 0, &[&all[..], &[0; 1024]].concat());
        let mut buffer = vec![1; 1724];
        noted.read_exact_at(&mut buffer, 0).unwrap();
        assert_eq!(buffer[..700], all);
        assert_eq!(buffer[700..], [0; 1024]);
    }

    #[test]
    fn what_is_compressed_or_no_regular_file_cannot_be_read_again() {
        let name: Arc<str> = "x".into();
        assert!(Original::of(&file_of(&[0x1f, 0x8b, 8, 0]), &name).is_none());
        assert!(Original::of(&file_of(&[0x28, 0xb5, 0x2f, 0xfd]), &name).is_none());
        assert!(Original::of(&file_of(b""), &name).is_none());
        assert!(Original::of(&File::open("/dev/zero").unwrap(), &name).is_none());
        assert!(Original::of(&file_of(b"x"), &name).is_some());
    }
}
