//! Where archives go that are whole and of which no commit can be made, and messages that cannot be taken:
//! `--on-bad quarantine=DIR`.
//!
//! It knows a directory, an archive and a message, and neither a server nor a terminal.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::messages::packing::{Bad, Shelf};
use spoutctl_archive::{Archive, ContentError, Digest, ReadAt};

/// How much is copied at a time: 64 KiB.
const PIECE: usize = 64 << 10;

/// A directory of what was set aside: an archive as `NUMBER-SHA256.tar`, a message as `NUMBER-SHA256.message`, each with a
/// `.why` beside it.
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
        let path = self.write(&format!("{name}.tar"), |file| copy(archive, file))?;
        File::open(&self.dir)?.sync_all()?;
        Ok(path)
    }

    /// Where messages of this input go.
    #[must_use]
    pub fn for_messages_of(&self, input: &str) -> MessageShelf {
        MessageShelf {
            quarantine: self.clone(),
            input: input.to_owned(),
        }
    }

    fn write(&self, name: &str, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<PathBuf> {
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        write(file.as_file_mut())?;
        file.as_file().sync_all()?;
        let path = self.dir.join(name);
        file.persist(&path).map_err(|error| error.error)?;
        Ok(path)
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
        let body = bad.message.body;
        let digest = Digest::new(Sha256::digest(body).into());
        let name = format!("{:012}-{digest}", bad.number);
        let why = why_not(bad, &self.input, digest);
        self.quarantine
            .write(&format!("{name}.why"), |file| file.write_all(why.as_bytes()))?;
        let path = self
            .quarantine
            .write(&format!("{name}.message"), |file| file.write_all(body))?;
        File::open(&self.quarantine.dir)?.sync_all()?;
        Ok(path.display().to_string())
    }
}

fn why_not(bad: &Bad<'_>, input: &str, digest: Digest) -> String {
    let error = bad.error;
    let mut text = format!("{} {}\n", error.name(), error.fault);
    if let Some(help) = error.help() {
        let _ = writeln!(text, "help: {help}");
    }
    let _ = writeln!(
        text,
        "message {} of the stream, {} of {input}, from byte {}, {} bytes here, sha256 {digest}",
        bad.number,
        error.name(),
        error.offset,
        bad.message.body.len()
    );
    if let Some(position) = bad.position {
        let _ = writeln!(text, "position: {}", position.as_json());
    }
    text
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
