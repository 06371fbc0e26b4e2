//! The word that nothing more is to be read, for whoever waits for an input.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Ends a reading of messages: what was read becomes the last archive. Whoever printed them may count on it that they
/// are ours.
pub(super) struct Stopping {
    /// Closed to say it.
    said: Mutex<Option<PipeWriter>>,
    heard: PipeReader,
}

impl Stopping {
    pub fn new() -> io::Result<Self> {
        let (heard, said) = io::pipe()?;
        Ok(Self {
            said: Mutex::new(Some(said)),
            heard,
        })
    }

    pub fn has_stopped(&self) -> bool {
        self.said.lock().is_none()
    }

    /// Becomes readable, or is closed, when it is said.
    pub fn heard(&self) -> io::Result<PipeReader> {
        self.heard.try_clone()
    }

    pub fn stop(&self) {
        self.said.lock().take();
    }

    /// Waits until it is said, but no longer than this.
    pub fn wait(&self, limit: Duration) {
        let timeout = Timespec::try_from(limit).ok();
        // What keeps it from waiting ends the pause.
        let _ = poll(&mut [PollFd::new(&self.heard, PollFlags::IN)], timeout.as_ref());
    }

    /// Waits until `input` can be read or has ended; whether this is said before.
    pub fn comes_before(&self, input: &impl AsFd) -> io::Result<bool> {
        one_comes_before(&[self], input)
    }
}

/// The same of the first of several.
pub(super) fn one_comes_before(words: &[&Stopping], input: &impl AsFd) -> io::Result<bool> {
    loop {
        let heard = words.iter().map(|word| PollFd::new(&word.heard, PollFlags::IN));
        let mut any: Vec<PollFd<'_>> = heard.chain([PollFd::new(input, PollFlags::IN)]).collect();
        match poll(&mut any, None) {
            Ok(_) => return Ok(any[..words.len()].iter().any(|word| !word.revents().is_empty())),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
