//! Bytes in files without a name, of which the first are let go: `--hold-limit`.
//!
//! A file of its own for every few MiB, so that what is let go needs no room on any disk.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::holding::DiskShare;
use parking_lot::RwLock;
use spoutctl_archive::ReadAt;

/// An archive while it passes through.
#[derive(Debug)]
pub(super) struct Passing {
    directory: Arc<PathBuf>,
    /// Bytes in one file.
    size: u64,
    state: RwLock<State>,
    share: DiskShare,
}

#[derive(Debug, Default)]
struct State {
    /// How many files were let go.
    gone: u64,
    files: VecDeque<Arc<File>>,
    length: u64,
}

impl Passing {
    /// In files of `size` bytes in `directory`, which are counted in `share`.
    pub fn new(directory: &Arc<PathBuf>, size: u64, share: DiskShare) -> Self {
        Self {
            directory: Arc::clone(directory),
            size: size.max(1),
            state: RwLock::default(),
            share,
        }
    }

    /// The file with the byte at `offset`, and how many bytes of it lie before that.
    fn file(&self, offset: u64) -> io::Result<(Arc<File>, u64)> {
        let state = self.state.read();
        let index = (offset / self.size).checked_sub(state.gone).ok_or_else(|| {
            io::Error::other(
                "its bytes were sent and let go, as --hold-limit says; it needs a larger one, or none (links: or \
                 --links skip)",
            )
        })?;
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let file = state.files.get(index).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok((Arc::clone(file), offset % self.size))
    }

    /// Takes the next bytes; from one thread alone.
    pub fn take(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let length = self.state.read().length;
            if length.is_multiple_of(self.size) {
                let file = Arc::new(tempfile::tempfile_in(self.directory.as_path())?);
                let mut state = self.state.write();
                state.files.push_back(file);
            }
            let (file, within) = self.file(length)?;
            let room = usize::try_from(self.size - within).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(bytes.len().min(room));
            file.write_all_at(now, within)?;
            self.share.add(now.len() as u64);
            self.state.write().length += now.len() as u64;
            bytes = later;
        }
        Ok(())
    }

    /// Nothing before this byte is needed any more.
    pub fn let_go(&self, before: u64) {
        let mut state = self.state.write();
        // Never the one that is written to.
        while (state.gone + 1) * self.size <= before.min(state.length) && state.files.len() > 1 {
            state.files.pop_front();
            state.gone += 1;
            self.share.give_back(self.size);
        }
    }

    #[cfg(test)]
    fn files(&self) -> usize {
        self.state.read().files.len()
    }
}

impl ReadAt for Passing {
    fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            let (file, within) = self.file(offset)?;
            let room = usize::try_from(self.size - within).unwrap_or(usize::MAX);
            let (now, later) = buffer.split_at_mut(buffer.len().min(room));
            file.read_exact_at(now, within)?;
            offset += now.len() as u64;
            buffer = later;
        }
        Ok(())
    }

    fn held_from(&self) -> u64 {
        self.state.read().gone * self.size
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    #[test]
    fn what_is_held_comes_back_and_what_was_let_go_is_said_and_takes_no_room() {
        let directory = Arc::new(std::env::temp_dir());
        let all = Arc::default();
        let passing = Passing::new(&directory, 1000, DiskShare::of(&all));
        let bytes: Vec<u8> = (0..10_500_u32)
            .map(|i| i.to_le_bytes()[1] ^ i.to_le_bytes()[0])
            .collect();
        for piece in bytes.chunks(777) {
            passing.take(piece).unwrap();
        }
        let read = |offset: usize, length: usize| {
            let mut buffer = vec![0; length];
            passing.read_exact_at(&mut buffer, offset as u64).map(|()| buffer)
        };
        assert_eq!(read(0, bytes.len()).unwrap(), bytes);
        assert!(read(bytes.len() - 1, 2).is_err());
        passing.let_go(4999);
        assert_eq!((passing.held_from(), passing.files()), (4000, 7));
        assert_eq!(all.load(Ordering::Relaxed), 6500);
        assert_eq!(read(4000, 6500).unwrap(), bytes[4000..]);
        let error = read(3999, 2).unwrap_err();
        assert!(error.to_string().contains("--hold-limit"), "{error}");
        passing.let_go(u64::MAX);
        assert_eq!((passing.held_from(), passing.files()), (10_000, 1));
        assert_eq!(all.load(Ordering::Relaxed), 500);
        assert_eq!(read(10_000, 500).unwrap(), bytes[10_000..]);
        passing.take(b"more").unwrap();
        assert_eq!(read(10_498, 6).unwrap(), [&bytes[10_498..], b"more"].concat());
        drop(passing);
        assert_eq!(all.load(Ordering::Relaxed), 0);
    }
}
