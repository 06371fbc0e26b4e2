//! A file's bytes as they come out of a stream of pieces: what `get` reads from.

use std::io::{self, Read};

use super::client::Incoming;
use super::error::{self, Call};
use super::stream::{Pieces, StreamError};
use spoutctl_core::fault::{Fault, FaultKind};

/// Reads a stream of pieces. Its end is an end only when pachd ended the stream and the connection; anything else is an
/// [`io::Error`] that holds a [`Fault`], and stays one.
pub(super) struct StreamReader<'a> {
    /// `None` after the end.
    incoming: Option<Incoming<'a>>,
    pieces: Pieces,
    ready: Vec<u8>,
    taken: usize,
    broken: Option<Fault>,
}

impl<'a> StreamReader<'a> {
    pub fn new(incoming: Incoming<'a>) -> Self {
        Self {
            incoming: Some(incoming),
            pieces: Pieces::default(),
            ready: Vec::new(),
            taken: 0,
            broken: None,
        }
    }

    /// Fills `ready` with at least one byte, unless the stream is at its end.
    fn fill(&mut self) -> Result<(), Fault> {
        self.ready.clear();
        self.taken = 0;
        let Some(until) = self.incoming.as_ref().map(Incoming::patience) else {
            return Ok(());
        };
        while self.ready.is_empty() {
            let Some(incoming) = &mut self.incoming else {
                return Ok(());
            };
            let call = incoming.call();
            if let Some(text) = incoming.next(until)? {
                self.pieces
                    .push(&text, &mut self.ready)
                    .map_err(|e| fault_of_stream(call, e))?;
            } else {
                self.pieces.finish().map_err(|e| fault_of_stream(call, e))?;
                self.incoming = None;
            }
        }
        Ok(())
    }
}

impl Read for StreamReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.taken == self.ready.len() {
            if self.broken.is_none() {
                self.broken = self.fill().err();
            }
            if let Some(fault) = &self.broken {
                self.incoming = None;
                self.ready.clear();
                return Err(io::Error::other(fault.clone()));
            }
        }
        let left = &self.ready[self.taken..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.taken += count;
        Ok(count)
    }
}

/// A stream that stopped halfway: whatever the reason, what came of it is not the whole.
pub(super) fn fault_of_stream(call: Call, failed: StreamError) -> Fault {
    match failed {
        StreamError::Said(status) => Fault {
            kind: FaultKind::Unavailable,
            ..error::fault_of_words(call, status.code, &status.message).fault
        },
        other => error::broken_stream(call, other.to_string()),
    }
}
