//! A file's bytes as they come out of a stream of pieces: what `get` reads from.

use std::io::{self, Read};

use bytes::Bytes;
use prost::Message;

use super::calls::{Calls, Failed, Incoming};
use crate::pachd::Call;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_proto::google::BytesValue;

/// Its end is an end only when pachd said so; anything else is an [`io::Error`] that holds a [`Fault`], and stays one.
pub(super) struct Content<'a, E> {
    call: Call,
    /// What it means that the call failed, in the words of the API that it is of.
    fault: fn(Call, Failed) -> E,
    pieces: Incoming<'a, BytesValue>,
    ready: Bytes,
    ended: bool,
    broken: Option<Fault>,
}

impl<'a, E: Into<Fault>> Content<'a, E> {
    /// Waits for the first piece, since a refusal comes in its place (recordings grpc 072, grpc-1.12 086).
    pub fn open(
        calls: &'a Calls,
        call: Call,
        request: impl Message + 'static,
        fault: fn(Call, Failed) -> E,
    ) -> Result<Self, E> {
        let mut pieces: Incoming<'_, BytesValue> = calls.open(call, request).map_err(|failed| fault(call, failed))?;
        let first = pieces.next().map_err(|failed| fault(call, failed))?;
        Ok(Self {
            call,
            fault,
            pieces,
            ended: first.is_none(),
            ready: first.unwrap_or_default().value,
            broken: None,
        })
    }

    fn fill(&mut self) -> Result<(), Fault> {
        while self.ready.is_empty() && !self.ended {
            match self
                .pieces
                .next()
                .map_err(|failed| broken((self.fault)(self.call, failed)))?
            {
                Some(piece) => self.ready = piece.value,
                None => self.ended = true,
            }
        }
        Ok(())
    }
}

impl<E: Into<Fault>> Read for Content<'_, E> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.broken.is_none() {
            self.broken = self.fill().err();
        }
        if let Some(fault) = &self.broken {
            return Err(io::Error::other(fault.clone()));
        }
        let piece = self.ready.split_to(self.ready.len().min(buffer.len()));
        buffer[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }
}

/// A stream that stopped halfway: whatever the reason, what came of it is not the whole. A refusal stays one.
pub(super) fn broken(fault: impl Into<Fault>) -> Fault {
    let fault = fault.into();
    if fault.is_passing() {
        Fault {
            kind: FaultKind::Unavailable,
            ..fault
        }
    } else {
        fault
    }
}
