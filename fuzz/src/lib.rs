//! What the targets share: a hold in memory, headers made valid again after mutation, and one way to read a whole input.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use spoutctl_archive::{
    Archive, ArchiveBuffer, ArchiveError, ArchiveErrorKind, ArchiveReader, ContentError, Links, Options, ReadAt,
    Special,
};
use spoutctl_core::pfs::FilePath;

/// The largest archive that is held: a few bytes of gzip or zstd may ask for any amount.
const HOLD_LIMIT: usize = 16 << 20;

/// The largest file that the targets let through, in bytes.
pub const MAX_ENTRY_SIZE: u64 = 16 << 20;

/// An archive's bytes in memory, [`HOLD_LIMIT`] of them at most.
#[derive(Default)]
pub struct MemoryBuffer(Vec<u8>);

impl ArchiveBuffer for MemoryBuffer {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.0.len() + bytes.len() > HOLD_LIMIT {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<Arc<dyn ReadAt + Send + Sync>> {
        Ok(Arc::new(*self))
    }
}

impl ReadAt for MemoryBuffer {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let bytes = start.checked_add(buffer.len()).and_then(|end| self.0.get(start..end));
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// What the first byte of an input asks for; the rest of it is the input proper.
pub struct Choice {
    pub options: Options,
    /// The size of the reader's buffer, so that blocks lie across its ends.
    pub capacity: usize,
    /// Whether headers get their right checksums back: without them, mutations never come past the first check.
    pub seal: bool,
}

impl Choice {
    #[must_use]
    pub fn of(byte: u8) -> Self {
        let bit = |at: u8| byte >> at & 1 == 1;
        let prefix = if bit(3) { "/p/q" } else { "/" };
        let options = Options {
            prefix: FilePath::new(prefix).expect("a path that pachd takes"),
            escape_paths: bit(0),
            links: if bit(1) { Links::Skip } else { Links::Resolve },
            special: if bit(2) { Special::Skip } else { Special::Refuse },
            obey_deletions: bit(7),
            max_entry_size: MAX_ENTRY_SIZE,
            ..Options::default()
        };
        Self {
            options,
            capacity: [65_536, 8192, 512, 7][usize::from(byte >> 4 & 3)],
            seal: !bit(6),
        }
    }
}

/// Gives every block that has tar's magic, and lies where blocks lie, the checksum that it should have.
pub fn seal(bytes: &mut [u8]) {
    for block in bytes.as_chunks_mut::<512>().0 {
        if &block[257..262] != b"ustar" {
            continue;
        }
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

/// Everything that a reader answers until its end.
pub struct Framed {
    pub archives: Vec<Archive>,
    pub error: Option<ArchiveError>,
}

/// Frames all of `input`. Every error is worded as a user would see it, and nothing may follow one.
#[must_use]
pub fn frame(input: impl BufRead, options: &Options) -> Framed {
    let mut reader = ArchiveReader::new(input, "input".into(), 1, options.clone());
    let mut framed = Framed {
        archives: Vec::new(),
        error: None,
    };
    loop {
        match reader.next_archive(Box::<MemoryBuffer>::default()) {
            Ok(Some(archive)) => framed.archives.push(archive),
            Ok(None) => break,
            Err(error) => {
                word(&error.to_string(), &error.details(), error.help());
                framed.error = Some(error);
                break;
            }
        }
    }
    let after = reader.next_archive(Box::<MemoryBuffer>::default());
    assert!(matches!(after, Ok(None)), "something follows the end");
    framed
}

/// As [`frame`], from bytes in memory through a buffer of `capacity` bytes.
#[must_use]
pub fn frame_bytes(bytes: &[u8], capacity: usize, options: &Options) -> Framed {
    frame(BufReader::with_capacity(capacity, bytes), options)
}

impl Framed {
    /// Whether the hold was too small, which says nothing about the input.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        let kind = self.error.as_ref().map(|error| &error.trouble.kind);
        matches!(kind, Some(ArchiveErrorKind::Buffer(_)))
    }
}

/// Looks at an error of contents as a user would.
pub fn word_contents(error: &ContentError) {
    word(&error.to_string(), &error.details(), error.help());
}

fn word(heading: &str, details: &[String], help: Option<String>) {
    let lines = details.iter().cloned().chain(help).chain([heading.to_owned()]);
    for line in lines {
        assert!(!line.is_empty(), "an error says nothing");
        // An entry's name must not reach a terminal as it is.
        assert!(!line.chars().any(char::is_control), "a control character in {line:?}");
    }
}

/// A file's content as far as it is worth reading: whole, or both ends of a large one.
#[must_use]
pub fn content(archive: &Archive, index: usize) -> Vec<u8> {
    const WHOLE: u64 = 1 << 20;
    const END: u64 = 64 << 10;
    let mut reader = archive.open(index).expect("a file of the archive");
    let size = reader.size();
    let mut bytes = Vec::new();
    if size <= WHOLE {
        reader.read_to_end(&mut bytes).expect("held bytes");
        assert_eq!(bytes.len() as u64, size);
    } else {
        reader.take(END).read_to_end(&mut bytes).expect("held bytes");
        let mut end = archive.open_at(index, size - END).expect("a file of the archive");
        end.read_to_end(&mut bytes).expect("held bytes");
        assert_eq!(bytes.len() as u64, 2 * END);
    }
    bytes
}

/// The bytes that the archive was framed from.
#[must_use]
pub fn held(archive: &Archive) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(archive.length).expect("what was held")];
    archive.held().read_exact_at(&mut bytes, 0).expect("held bytes");
    bytes
}

#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
