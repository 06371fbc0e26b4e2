//! Where archives go that are whole and of which no commit can be made, and messages that cannot be taken:
//! `--on-bad quarantine=DIR`.
//!
//! It knows a directory, an archive and a message, and neither a server nor a terminal.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::messages::aside::Kept;
use crate::messages::packing::{Bad, Shelf};
use spoutctl_archive::{
    ASIDES, Archive, ArchiveBuffer, ArchiveReader, ContentError, FileFrame, Options, ReadAt, Refused,
};
use spoutctl_core::durable;
use spoutctl_core::pfs::Branch;

/// How much is copied at a time: 64 KiB.
const PIECE: usize = 64 << 10;

/// A directory of what was set aside: an archive as `NUMBER-SHA256.tar`, a message as `NUMBER-SHA256.message`, each
/// with a `.why` beside it.
#[derive(Debug, Clone)]
pub struct Quarantine {
    dir: PathBuf,
}

impl Quarantine {
    /// Uses `dir`, and makes it when it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Keeps an archive and the reason. When this returns, both survive a crash.
    ///
    /// # Errors
    /// When they cannot be written; nothing half is left under their names.
    pub fn keep(&self, archive: &Archive, reason: &ContentError) -> io::Result<PathBuf> {
        let name = format!("{:012}-{}", archive.number, archive.digest);
        // The reason first: an archive is never there without it.
        self.write(&format!("{name}.why"), |file| {
            file.write_all(why(archive, reason).as_bytes())
        })?;
        self.write(&format!("{name}.tar"), |file| copy(archive, file))
    }

    /// Where messages of this input go.
    pub fn for_messages_of(&self, input: &str) -> MessageShelf {
        MessageShelf {
            quarantine: self.clone(),
            input: input.to_owned(),
        }
    }

    fn write(&self, name: &str, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<PathBuf> {
        let path = self.dir.join(name);
        durable::replace(&path, write)?;
        Ok(path)
    }
}

/// Makes an archive of an archive of which no commit can be made, and of the reason: two files for another repo.
///
/// It is told of as the one that it holds.
///
/// # Errors
/// When it cannot be held.
pub fn wrap(
    archive: &Archive,
    reason: &ContentError,
    branch: &Branch,
    buffer: Box<dyn ArchiveBuffer>,
) -> io::Result<Archive> {
    let name = format!("{:012}-{}", archive.number, archive.digest);
    let path = |end: &str| format!("{ASIDES}/{name}{end}");
    let why = why(archive, reason);
    let (first, second) = (path(".tar"), path(".why"));
    let frame = |path: &str, size: u64| FileFrame::new(path.as_bytes(), size);
    let (outer, inner) = (frame(&first, archive.length)?, frame(&second, why.len() as u64)?);
    let whole = WholeArchive {
        held: Arc::clone(archive.held()),
        offset: 0,
        length: archive.length,
    };
    let end = FileFrame::end();
    let bytes = outer
        .head
        .as_slice()
        .chain(whole)
        .chain(outer.padding.as_slice())
        .chain(inner.head.as_slice())
        .chain(why.as_bytes())
        .chain(inner.padding.as_slice())
        .chain(end.as_slice());
    let input = BufReader::with_capacity(PIECE, bytes);
    let mut reader = ArchiveReader::new(
        input,
        Arc::clone(&archive.input),
        archive.number,
        Options {
            max_entry_size: u64::MAX,
            ..Options::default()
        },
    );
    let wrapped = reader.next_archive(buffer).map_err(io::Error::other)?;
    let mut wrapped = wrapped.ok_or(io::ErrorKind::UnexpectedEof)?;
    (wrapped.offset, wrapped.length, wrapped.digest) = (archive.offset, archive.length, archive.digest);
    wrapped.label = archive.label.clone();
    wrapped.label.refused = Some(Refused {
        reason: reason.to_string(),
        place: format!("{branch}:/{name}.tar"),
    });
    Ok(wrapped)
}

/// An archive's own bytes, read once.
struct WholeArchive {
    held: Arc<dyn ReadAt + Send + Sync>,
    offset: u64,
    length: u64,
}

impl Read for WholeArchive {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length - self.offset).unwrap_or(usize::MAX);
        let count = left.min(buffer.len());
        self.held.read_exact_at(&mut buffer[..count], self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// The messages of one input that were set aside.
#[derive(Debug)]
pub struct MessageShelf {
    quarantine: Quarantine,
    input: String,
}

impl Shelf for MessageShelf {
    fn keep(&mut self, bad: &Bad<'_>) -> io::Result<String> {
        let Kept { name, why } = Kept::of(bad, &self.input);
        self.quarantine
            .write(&format!("{name}.why"), |file| file.write_all(why.as_bytes()))?;
        let path = self
            .quarantine
            .write(&format!("{name}.message"), |file| file.write_all(bad.message.body))?;
        Ok(path.display().to_string())
    }
}

fn copy(archive: &Archive, file: &mut File) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    let mut offset = 0;
    while offset < archive.length {
        let length = usize::try_from(archive.length - offset).map_or(PIECE, |left| left.min(PIECE));
        let held: &dyn ReadAt = archive.held().as_ref();
        held.read_exact_at(&mut piece[..length], offset)?;
        file.write_all(&piece[..length])?;
        offset += length as u64;
    }
    Ok(())
}

fn why(archive: &Archive, reason: &ContentError) -> String {
    let mut text = format!("{reason}\n");
    for detail in reason.details() {
        let _ = writeln!(text, "{detail}");
    }
    if let Some(help) = reason.help() {
        let _ = writeln!(text, "help: {help}");
    }
    let _ = writeln!(
        text,
        "archive {} of {}, from byte {}, {} bytes, sha256 {}",
        archive.number, archive.input, archive.offset, archive.length, archive.digest
    );
    text
}
