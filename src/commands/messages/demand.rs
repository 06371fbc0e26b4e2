//! The delivery's wish to have the messages that are in no archive yet: `--batch adaptive` with `--messages`.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;

use parking_lot::Mutex;

/// One wish, however often it is made: a byte in a pipe, so that whoever waits for input can wait for it, too.
pub(in crate::commands) struct Demand {
    is_made: Mutex<bool>,
    made: PipeWriter,
    heard: PipeReader,
}

impl Demand {
    pub fn new() -> io::Result<Self> {
        let (heard, made) = io::pipe()?;
        Ok(Self {
            is_made: Mutex::new(false),
            made,
            heard,
        })
    }

    /// Wishes for an archive, unless that is wished already.
    pub fn make(&self) {
        let mut is_made = self.is_made.lock();
        // The pipe is empty, so this does not wait.
        if !*is_made && (&self.made).write_all(b".").is_ok() {
            *is_made = true;
        }
    }

    pub fn is_made(&self) -> bool {
        *self.is_made.lock()
    }

    /// An archive is on its way.
    pub fn fulfil(&self) {
        let mut is_made = self.is_made.lock();
        // The byte is there.
        if *is_made && (&self.heard).read_exact(&mut [0]).is_ok() {
            *is_made = false;
        }
    }

    /// Readable while the wish is made.
    pub fn readable(&self) -> io::Result<OwnedFd> {
        Ok(self.heard.try_clone()?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    fn is_readable(demand: &Demand) -> bool {
        let readable = demand.readable().unwrap();
        let mut polled = [PollFd::new(&readable, PollFlags::IN)];
        poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 1
    }

    #[test]
    fn a_wish_that_is_made_twice_is_fulfilled_once() {
        let demand = Demand::new().unwrap();
        demand.fulfil();
        assert!(!demand.is_made() && !is_readable(&demand));
        demand.make();
        demand.make();
        assert!(demand.is_made() && is_readable(&demand));
        demand.fulfil();
        assert!(!demand.is_made() && !is_readable(&demand));
        demand.make();
        assert!(is_readable(&demand));
    }
}
