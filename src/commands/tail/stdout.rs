//! Standard output for something that writes for days: flushed commit by commit, and left when nobody reads.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::{AsFd, OwnedFd};

use anyhow::Context;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::failure::Failure;

const BUFFER: usize = 64 << 10;

pub(super) struct Stdout {
    writer: BufWriter<File>,
    /// The same once more, to ask whether somebody reads.
    asked: OwnedFd,
}

impl Stdout {
    /// # Errors
    /// When it is closed.
    pub fn new() -> Result<Self, Failure> {
        let again = || io::stdout().as_fd().try_clone_to_owned();
        let pair = again().and_then(|writer| Ok((writer, again()?)));
        let (writer, asked) = pair.context("cannot write to standard output")?;
        Ok(Self {
            writer: BufWriter::with_capacity(BUFFER, writer.into()),
            asked,
        })
    }

    pub fn is_terminal(&self) -> bool {
        self.asked.is_terminal()
    }

    /// Whether whoever read it has gone: without looking, that would be known only at the next commit, which may be
    /// days away.
    pub fn is_gone(&self) -> bool {
        let mut asked = [PollFd::new(&self.asked, PollFlags::empty())];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        // Where the system does not tell, writing does.
        poll(&mut asked, Some(&now)).is_ok() && asked[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
