//! From an input to archives: reads, and never waits longer than the messages in hand may.

use std::io;
use std::time::Instant;

pub use super::error::PackError;
use super::framing::{Dropped, Message, Splitter};
pub use super::packing::Packing;
use super::packing::{Moment, Packed, Packer};

/// How much is read at a time.
const BLOCK: usize = 64 << 10;

/// What came from an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// So many bytes, 1 at least.
    Bytes(usize),
    /// Nothing, until the moment that was named.
    Silence,
    /// The input has ended.
    End,
    /// We were told to end, and the input goes on without us.
    Stop,
    /// Nothing, and whoever takes archives wants what is in hand.
    Wanted,
}

/// Bytes that come when they come.
pub trait ByteSource {
    /// Waits for bytes, until `until` at most. With messages in hand it also waits for the wish to have them.
    ///
    /// # Errors
    /// When the input cannot be read.
    fn read(&mut self, buffer: &mut [u8], until: Option<Instant>, in_hand: bool) -> io::Result<Arrival>;

    /// Whether whoever takes archives wants what is in hand, also while the input goes on.
    fn is_wanted(&self) -> bool {
        false
    }

    fn now(&self) -> Moment;
}

/// Hands over an archive as soon as it is complete, and what is left at the end of the input.
///
/// # Errors
/// What keeps it from going on; `packing` says how far it came.
pub fn pack(
    source: &mut dyn ByteSource,
    mut splitter: Splitter,
    mut packer: Packer,
    packing: &mut Packing,
    done: &mut dyn FnMut(Packed) -> io::Result<()>,
) -> Result<(), PackError> {
    let mut hand_over = |packed: Packed| {
        packing.messages += packed.messages.count();
        packing.archives += 1;
        done(packed).map_err(PackError::Output)
    };
    let read = read_all(source, &mut splitter, &mut packer, &mut hand_over);
    let is_stopped = matches!(read, Ok((_, Arrival::Stop)));
    packing.guessed_delimiter = splitter.guessed_delimiter();
    packing.only_header = splitter.has_only_header();
    packing.tally = packer.tally().clone();
    match read {
        // Whoever takes the archives has gone.
        Err(PackError::Output(_)) => read.map(|_| ()),
        read => {
            packer.close(&mut hand_over)?;
            let (Dropped(bytes), _) = read?;
            packing.dropped = bytes;
            packing.stopped = is_stopped;
            Ok(())
        }
    }
}

fn read_all(
    source: &mut dyn ByteSource,
    splitter: &mut Splitter,
    packer: &mut Packer,
    hand_over: &mut dyn FnMut(Packed) -> Result<(), PackError>,
) -> Result<(Dropped, Arrival), PackError> {
    let mut block = vec![0; BLOCK];
    loop {
        let arrival = source.read(&mut block, packer.deadline(), packer.has_messages());
        let arrival = arrival.map_err(PackError::Input)?;
        let now = source.now();
        let mut show = |message: Message<'_>| packer.add(&message, now, hand_over);
        match arrival {
            Arrival::Bytes(length) => {
                splitter.push(&block[..length], &mut show)?;
                // All that had arrived is in it, as far as one reading goes.
                if packer.has_messages() && source.is_wanted() {
                    packer.close(hand_over)?;
                }
            }
            Arrival::Silence | Arrival::Wanted => packer.close(hand_over)?,
            Arrival::End => return Ok((splitter.finish(&mut show)?, arrival)),
            // What is held is the front of a message whose end we shall not see, whatever becomes of one at the end of
            // input.
            Arrival::Stop => return Ok((splitter.abandon(), arrival)),
        }
    }
}

#[cfg(test)]
mod tests;
