//! Where an archive's bytes are while it is in hand: in memory at first; past a limit in an unnamed temporary file, or
//! still in the input where that is a regular file, which is read again (`rereading`).
//!
//! The limit is one for all archives in hand together, so memory stays bounded however many there are. The temporary
//! file has no name, so nothing is left behind after a crash.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::early::{Arriving, Early};
use super::holding::{DiskShare, Held};
use super::releasing::Passing;
use super::rereading::{Noting, Original};
use spoutctl_archive::{ArchiveBuffer, NextFile, ReadAt};

/// Bytes of archives that may be in memory at once: 8 MiB.
pub const MEMORY_LIMIT: usize = 8 << 20;
/// How many files hold what one part sends, where what was sent is let go.
const FILES_A_PART: u64 = 4;
/// How much is taken from the budget at a time.
const STEP: usize = 64 << 10;

/// Makes a buffer for each archive in hand; they share one limit on memory.
#[derive(Debug, Clone)]
pub struct SpillBuffers {
    directory: Arc<PathBuf>,
    budget: Arc<Budget>,
}

#[derive(Debug)]
struct Budget {
    limit: usize,
    free: AtomicUsize,
    /// Bytes in temporary files.
    on_disk: Arc<AtomicU64>,
}

impl Budget {
    fn take(&self, bytes: usize) -> bool {
        self.free
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(bytes))
            .is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.free.fetch_add(bytes, Ordering::AcqRel);
    }
}

impl SpillBuffers {
    /// Larger archives go to unnamed files in `directory`.
    pub fn new(directory: &Path) -> Self {
        Self::with_memory(directory, MEMORY_LIMIT)
    }

    /// The same with a limit of its own on memory, in bytes.
    pub fn with_memory(directory: &Path, bytes: usize) -> Self {
        Self {
            directory: Arc::new(directory.to_owned()),
            budget: Arc::new(Budget {
                limit: bytes,
                free: AtomicUsize::new(bytes),
                on_disk: Arc::default(),
            }),
        }
    }

    /// How much is held now. What is read again where it lies is not.
    pub fn held(&self) -> Held {
        let Budget { limit, free, on_disk } = &*self.budget;
        Held {
            in_memory: limit.saturating_sub(free.load(Ordering::Relaxed)) as u64,
            on_disk: on_disk.load(Ordering::Relaxed),
        }
    }

    /// A buffer for one archive.
    pub fn buffer(&self) -> Box<dyn ArchiveBuffer> {
        self.buffer_of(None)
    }

    /// The same for one of an input that can be read again: past the limit on memory nothing is kept of it.
    pub fn buffer_of(&self, original: Option<&Original>) -> Box<dyn ArchiveBuffer> {
        Box::new(self.new_buffer(original, None))
    }

    /// The same for the archive of this number, of which parts may leave before it has ended.
    pub fn buffer_early(&self, original: Option<&Original>, early: &Early, number: u64) -> Box<dyn ArchiveBuffer> {
        let telling = Telling {
            early: early.clone(),
            archive: Some(Arc::new(Arriving::new(number))),
        };
        Box::new(self.new_buffer(original, Some(telling)))
    }

    fn new_buffer(&self, original: Option<&Original>, telling: Option<Telling>) -> SpillBuffer {
        SpillBuffer {
            buffers: self.clone(),
            memory: Memory {
                bytes: Vec::new(),
                taken: 0,
                budget: Arc::clone(&self.budget),
            },
            original: original.cloned(),
            offset: 0,
            beyond: None,
            length: 0,
            telling,
        }
    }

    /// Says which directory was full or unusable: the bare error of the system does not.
    fn explain(&self, error: &io::Error, held: u64) -> io::Error {
        io::Error::new(
            error.kind(),
            format!(
                "cannot hold the archive in {} after {held} bytes of it: {error}",
                self.directory.display()
            ),
        )
    }
}

/// Bytes in memory that give their share of the budget back when they go.
#[derive(Debug)]
struct Memory {
    bytes: Vec<u8>,
    taken: usize,
    budget: Arc<Budget>,
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.budget.give_back(self.taken);
    }
}

impl Memory {
    /// Whether `more` bytes fitted in.
    fn push(&mut self, more: &[u8]) -> bool {
        let wanted = self.bytes.len() + more.len();
        if wanted > self.taken {
            let step = (wanted - self.taken).next_multiple_of(STEP);
            if !self.budget.take(step) {
                return false;
            }
            self.taken += step;
            self.bytes.reserve_exact(self.taken - self.bytes.len());
        }
        self.bytes.extend_from_slice(more);
        true
    }

    fn clear(&mut self) {
        self.bytes = Vec::new();
        self.budget.give_back(std::mem::take(&mut self.taken));
    }
}

impl ReadAt for Memory {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let end_of_archive =
            || io::Error::new(io::ErrorKind::UnexpectedEof, "past the end of the archive that is held");
        let start = usize::try_from(offset).map_err(|_| end_of_archive())?;
        let end = start.checked_add(buffer.len()).ok_or_else(end_of_archive)?;
        buffer.copy_from_slice(self.bytes.get(start..end).ok_or_else(end_of_archive)?);
        Ok(())
    }
}

/// An archive in a file of its own.
pub(super) struct OnDisk {
    file: File,
    share: DiskShare,
}

impl OnDisk {
    /// One that somebody else counts.
    pub fn uncounted(file: File) -> Self {
        Self {
            file,
            share: DiskShare::default(),
        }
    }

    fn take(&self, bytes: &[u8]) -> io::Result<()> {
        { &self.file }.write_all(bytes)?;
        self.share.add(bytes.len() as u64);
        Ok(())
    }
}

impl ReadAt for OnDisk {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

struct SpillBuffer {
    buffers: SpillBuffers,
    memory: Memory,
    original: Option<Original>,
    /// Where the archive starts in the input.
    offset: u64,
    /// Where it is once memory does not hold it.
    beyond: Option<Beyond>,
    length: u64,
    /// Who may send parts of it.
    telling: Option<Telling>,
}

enum Beyond {
    File(Arc<OnDisk>),
    Input(Noting),
    /// So many bytes behind what was sent are held.
    Passing(Arc<Passing>, u64),
}

/// Tells of an archive while it comes, and at last whether it has ended as it should.
struct Telling {
    early: Early,
    archive: Option<Arc<Arriving>>,
}

impl Telling {
    fn limit(&self) -> Option<(&Early, u64)> {
        Some((&self.early, self.early.limit()?))
    }

    fn complete(mut self) {
        if let Some(archive) = self.archive.take() {
            archive.end();
        }
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        if let Some(archive) = &self.archive {
            archive.tear();
        }
    }
}

impl Beyond {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::File(file) => file.take(bytes),
            Self::Input(noting) => {
                noting.note(bytes);
                Ok(())
            }
            Self::Passing(passing, _) => passing.take(bytes),
        }
    }
}

impl Beyond {
    fn source(&self) -> Arc<dyn ReadAt + Send + Sync> {
        match self {
            Self::File(file) => Arc::clone(file) as _,
            Self::Input(noting) => noting.noted(),
            Self::Passing(passing, _) => Arc::clone(passing) as _,
        }
    }

    /// How many of the `length` bytes that came can be read.
    fn available(&self, length: u64) -> u64 {
        match self {
            Self::File(_) | Self::Passing(..) => length,
            Self::Input(noting) => noting.noted().length(),
        }
    }
}

impl SpillBuffer {
    /// Lets go of what was sent, and waits until so much was that there is room.
    fn make_room(&self) -> io::Result<()> {
        let (Some(Beyond::Passing(passing, limit)), Some(telling)) = (&self.beyond, &self.telling) else {
            return Ok(());
        };
        let Some(archive) = &telling.archive else { return Ok(()) };
        // One part is sent while the next one comes: there is always a whole one to be sent while this waits.
        let most = limit.saturating_add(2 * telling.early.part());
        let passed = archive.wait_until_passed(self.length.saturating_sub(most))?;
        passing.let_go(passed.min(self.length.saturating_sub(*limit)));
        Ok(())
    }

    /// Takes bytes that memory does not hold.
    fn spill(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(beyond) = &mut self.beyond {
            return beyond.take(bytes);
        }
        let share = DiskShare::of(&self.memory.budget.on_disk);
        let beyond = self.beyond.insert(if let Some(original) = &self.original {
            Beyond::Input(Noting::new(original, self.offset))
        } else if let Some((early, limit)) = self.telling.as_ref().and_then(Telling::limit) {
            let passing = Passing::new(&self.buffers.directory, early.part() / FILES_A_PART, share);
            Beyond::Passing(Arc::new(passing), limit)
        } else {
            let file = tempfile::tempfile_in(self.buffers.directory.as_path())?;
            Beyond::File(Arc::new(OnDisk { file, share }))
        });
        if let Some(Telling {
            early,
            archive: Some(archive),
        }) = &self.telling
        {
            archive.held_in(beyond.source());
            early.begin(archive);
        }
        beyond.take(&self.memory.bytes)?;
        self.memory.clear();
        beyond.take(bytes)
    }
}

impl ArchiveBuffer for SpillBuffer {
    fn begin(&mut self, offset: u64) {
        self.offset = offset;
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.make_room()?;
        if self.beyond.is_some() || !self.memory.push(bytes) {
            let spilled = self.spill(bytes);
            spilled.map_err(|error| self.buffers.explain(&error, self.length))?;
        }
        self.length += bytes.len() as u64;
        if let (
            Some(beyond),
            Some(Telling {
                archive: Some(archive), ..
            }),
        ) = (&self.beyond, &self.telling)
        {
            archive.reached(beyond.available(self.length));
        }
        Ok(())
    }

    fn file(&mut self, file: &NextFile<'_>) {
        if let Some(Telling {
            archive: Some(archive), ..
        }) = &self.telling
        {
            archive.file(file);
        }
    }

    fn finish(self: Box<Self>) -> io::Result<Arc<dyn ReadAt + Send + Sync>> {
        if let Some(telling) = self.telling {
            telling.complete();
        }
        Ok(match self.beyond {
            Some(Beyond::File(file)) => file,
            Some(Beyond::Passing(passing, _)) => passing,
            Some(Beyond::Input(noting)) => noting.finish(),
            None => Arc::new(self.memory),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(held: &dyn ReadAt, offset: u64, length: usize) -> Vec<u8> {
        let mut buffer = vec![0; length];
        held.read_exact_at(&mut buffer, offset).unwrap();
        buffer
    }

    #[test]
    fn bytes_come_back_the_same_from_memory_and_from_disk() {
        let directory = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..300_000_u32).map(|i| i.to_le_bytes()[1]).collect();
        for limit in [0, 100_000, 1 << 20] {
            let buffers = SpillBuffers::with_memory(directory.path(), limit);
            let mut buffer = buffers.buffer();
            for piece in bytes.chunks(777) {
                buffer.write_all(piece).unwrap();
            }
            let bytes_held = buffer.finish().unwrap();
            assert_eq!(read(bytes_held.as_ref(), 0, bytes.len()), bytes);
            assert_eq!(read(bytes_held.as_ref(), 123_456, 1000), bytes[123_456..124_456]);
            assert!(bytes_held.read_exact_at(&mut [0; 2], bytes.len() as u64 - 1).is_err());
        }
    }

    #[test]
    fn of_an_input_that_can_be_read_again_nothing_is_written() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|i| i.to_le_bytes()[1]).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[b"before", &bytes[..]].concat()).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        let original = Original::of(&file, &"x".into()).unwrap();
        for limit in [0, 100_000, 1 << 20] {
            let buffers = SpillBuffers::with_memory(Path::new("/nonexistent-directory"), limit);
            let mut buffer = buffers.buffer_of(Some(&original));
            buffer.begin(6);
            for piece in bytes.chunks(777) {
                buffer.write_all(piece).unwrap();
            }
            let bytes_held = buffer.finish().unwrap();
            assert_eq!(read(bytes_held.as_ref(), 0, bytes.len()), bytes);
            assert_eq!(read(bytes_held.as_ref(), 123_456, 1000), bytes[123_456..124_456]);
        }
    }

    #[test]
    fn memory_is_shared_by_all_archives_in_hand_and_given_back() {
        let directory = tempfile::tempdir().unwrap();
        let buffers = SpillBuffers::with_memory(directory.path(), 2 * STEP);
        let mut first = buffers.buffer();
        first.write_all(&vec![1; 2 * STEP]).unwrap();
        let mut second = buffers.buffer();
        second.write_all(&[2]).unwrap();
        assert_eq!(buffers.budget.free.load(Ordering::Acquire), 0);
        drop(first.finish().unwrap());
        assert_eq!(buffers.budget.free.load(Ordering::Acquire), 2 * STEP);
        assert_eq!(read(second.finish().unwrap().as_ref(), 0, 1), [2]);
    }

    #[test]
    fn what_is_held_is_told_and_is_nothing_again_when_the_archives_are_gone() {
        let directory = tempfile::tempdir().unwrap();
        let buffers = SpillBuffers::with_memory(directory.path(), 2 * STEP);
        let (mut small, mut large) = (buffers.buffer(), buffers.buffer());
        small.write_all(&vec![1; STEP + 1]).unwrap();
        let held = |in_memory: usize, on_disk: usize| Held {
            in_memory: in_memory as u64,
            on_disk: on_disk as u64,
        };
        assert_eq!(buffers.held(), held(2 * STEP, 0));
        large.write_all(&[2; 100]).unwrap();
        large.write_all(&[2; 11]).unwrap();
        assert_eq!(buffers.held(), held(2 * STEP, 111));
        let (small, large) = (small.finish().unwrap(), large.finish().unwrap());
        assert_eq!(buffers.held(), held(2 * STEP, 111));
        drop(large);
        assert_eq!(buffers.held(), held(2 * STEP, 0));
        drop(small);
        assert_eq!(buffers.held(), Held::default());
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_named() {
        let buffers = SpillBuffers::with_memory(Path::new("/nonexistent-directory"), 0);
        let error = buffers.buffer().write_all(b"x").unwrap_err();
        assert!(error.to_string().contains("/nonexistent-directory"), "{error}");
    }
}
