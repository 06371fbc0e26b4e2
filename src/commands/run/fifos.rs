//! The FIFOs of a stream, held open while it is not done.
//!
//! The system discards what is in a FIFO when nobody has it open any more. Between two starts of a stream nobody reads,
//! and what a writer has written meanwhile, without hearing of any trouble, would be lost.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::io::ioctl_fionread;

use crate::commands::put::input::{is_fifo, open_unwritten};
use crate::terminal::Terminal;
use spoutctl_core::quantity::counted;

/// A FIFO by whichever name: its file system and its number there.
pub(super) type Identity = (u64, u64);

/// Those that are held.
#[derive(Default)]
pub(super) struct Fifos {
    held: Vec<Fifo>,
}

struct Fifo {
    path: PathBuf,
    identity: Identity,
    file: File,
}

/// Which FIFO this is; `None` where it is none.
pub(super) fn identity(path: &Path) -> Option<Identity> {
    let metadata = std::fs::metadata(path).ok().filter(|_| is_fifo(path))?;
    Some((metadata.dev(), metadata.ino()))
}

impl Fifos {
    /// Holds these, and no others. One that cannot be opened is met, and told, by whoever reads it.
    pub fn hold(&mut self, files: &[PathBuf], terminal: &Terminal) {
        let held = files.iter().filter_map(|path| Fifo::open(path)).collect();
        // What was held before is let go of only now: at no time nobody has it.
        for fifo in std::mem::replace(&mut self.held, held) {
            if !self.held.iter().any(|one| one.identity == fifo.identity) {
                fifo.let_go(terminal);
            }
        }
    }
}

impl Fifo {
    fn open(path: &Path) -> Option<Self> {
        let identity = identity(path)?;
        let file = open_unwritten(path).ok()?;
        Some(Self {
            path: path.to_owned(),
            identity,
            file,
        })
    }

    fn let_go(self, terminal: &Terminal) {
        if let Ok(left @ 1..) = ioctl_fionread(&self.file) {
            let (path, bytes) = (self.path.display(), counted(left, "byte"));
            terminal.warning(&format!(
                "{path}: {bytes} that somebody has written to it were not read"
            ));
        }
    }
}
