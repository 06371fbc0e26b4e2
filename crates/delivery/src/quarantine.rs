//! Where archives go that are whole and of which no commit can be made: `--on-bad quarantine=DIR`.
//!
//! It knows a directory and an archive, and neither a server nor a terminal.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use spoutctl_archive::{Archive, ContentError, ReadAt};

/// How much is copied at a time: 64 KiB.
const PIECE: usize = 64 << 10;

/// A directory of archives that were set aside, each `NUMBER-SHA256.tar` with a `.why` beside it.
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

    fn write(&self, name: &str, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<PathBuf> {
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        write(file.as_file_mut())?;
        file.as_file().sync_all()?;
        let path = self.dir.join(name);
        file.persist(&path).map_err(|error| error.error)?;
        Ok(path)
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
