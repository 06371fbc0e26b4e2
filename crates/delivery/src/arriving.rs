//! Archives on their way from the reading side to the stream.
//!
//! While a commit is made, nobody takes archives. Most are a matter of milliseconds and the producer's pipe is wide
//! enough; but a staged commit, and one of pachd 1.x, is finished before the next archive is looked at. So that what
//! arrives meanwhile can be one commit together, a thread queues it: up to 128 archives, since each may hold a file
//! open, and until they are as large as a batch.
//!
//! When there is room, those are waited for that are in the queue at this moment, and no others: an input that never
//! pauses would otherwise keep its first archive waiting until a bound is reached.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Select, Sender, bounded};

use super::error::DeliveryError;
use spoutctl_archive::Archive;

/// What the reading side hands over.
pub enum Incoming {
    Archive(Box<Archive>),
    /// No further one comes before some of those that came have left.
    Full,
    /// The last thing that comes: the input ended as it should, or with an error.
    End(Result<(), DeliveryError>),
}

/// Of each a file may be open.
const MOST: usize = 128;

/// What comes from the reading side.
pub(super) struct Arriving {
    incoming: Receiver<Incoming>,
    queue: Option<Queue>,
    /// How many of those that had arrived when there was room are not taken yet.
    awaited: Option<usize>,
}

struct Queue {
    /// Put in, and not taken out by us: never less than there are.
    waiting: Arc<AtomicUsize>,
    /// Closed, it ends the thread.
    going_on: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Arriving {
    /// The reading side has its next archive in hand until it is taken.
    pub fn one_by_one(incoming: &Receiver<Incoming>) -> Self {
        Self {
            incoming: incoming.clone(),
            queue: None,
            awaited: None,
        }
    }

    /// Archives wait in a queue until they have so many bytes together.
    pub fn queued(incoming: &Receiver<Incoming>, bytes: u64) -> Self {
        let (taking, queued) = bounded(0);
        let (going_on, stop) = bounded(0);
        let waiting = Arc::new(AtomicUsize::new(0));
        let thread = {
            let (incoming, waiting) = (incoming.clone(), Arc::clone(&waiting));
            std::thread::spawn(move || queue(&incoming, &taking, &stop, &waiting, bytes))
        };
        Self {
            incoming: queued,
            queue: Some(Queue {
                waiting,
                going_on: Some(going_on),
                thread: Some(thread),
            }),
            awaited: None,
        }
    }

    pub fn incoming(&self) -> &Receiver<Incoming> {
        &self.incoming
    }

    /// Says that one was taken, if it was.
    pub fn taken(&mut self, was_taken: bool) {
        if let Some(queue) = self.queue.as_ref().filter(|_| was_taken) {
            queue.waiting.fetch_sub(1, Ordering::AcqRel);
            self.awaited = self.awaited.map(|awaited| awaited.saturating_sub(1));
        }
    }

    /// Whether there is room, and all are taken that had arrived when there was.
    pub fn have_arrived(&mut self, has_room: bool) -> bool {
        let waiting = || {
            self.queue
                .as_ref()
                .map_or(0, |queue| queue.waiting.load(Ordering::Acquire))
        };
        let awaited = has_room.then(|| self.awaited.unwrap_or_else(waiting));
        let all = awaited == Some(0);
        self.awaited = awaited.filter(|_| !all);
        all
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.going_on = None;
        if let Some(thread) = self.thread.take() {
            // It waits for nothing but channels; what it holds was not taken, and is nobody's loss: it is not
            // acknowledged.
            let _ = thread.join();
        }
    }
}

/// Takes what comes and gives it away in order, until `stop` is closed or nothing will come any more.
fn queue(
    incoming: &Receiver<Incoming>,
    taking: &Sender<Incoming>,
    stop: &Receiver<()>,
    waiting: &AtomicUsize,
    bytes: u64,
) {
    let mut queued = Waiting::default();
    let mut is_over = false;
    while !is_over || !queued.queue.is_empty() {
        let mut select = Select::new();
        select.recv(stop);
        let takes = (!is_over && queued.has_room(bytes)).then(|| select.recv(incoming));
        if !queued.queue.is_empty() {
            select.send(taking);
        }
        let ready = select.select();
        match ready.index() {
            0 => {
                let _ = ready.recv(stop);
                return;
            }
            index if Some(index) == takes => match ready.recv(incoming) {
                Ok(next) => {
                    waiting.fetch_add(1, Ordering::AcqRel);
                    queued.push(next);
                }
                // What the reading side has sent before is still wanted.
                Err(_) => is_over = true,
            },
            _ => {
                let Some(next) = queued.pop() else { return };
                if ready.send(taking, next).is_err() {
                    return;
                }
            }
        }
    }
}

/// What waits to be taken.
#[derive(Default)]
struct Waiting {
    queue: VecDeque<Incoming>,
    /// Bytes of them.
    held: u64,
}

impl Waiting {
    /// Whether one more may come. One archive may be of any size.
    fn has_room(&self, bytes: u64) -> bool {
        self.queue.len() < MOST && (self.queue.is_empty() || self.held < bytes)
    }

    fn push(&mut self, next: Incoming) {
        self.held = self.held.saturating_add(length(&next));
        self.queue.push_back(next);
    }

    fn pop(&mut self) -> Option<Incoming> {
        let next = self.queue.pop_front()?;
        self.held = self.held.saturating_sub(length(&next));
        Some(next)
    }
}

fn length(incoming: &Incoming) -> u64 {
    match incoming {
        Incoming::Archive(archive) => archive.length,
        Incoming::Full | Incoming::End(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end() -> Incoming {
        Incoming::End(Err(DeliveryError::Ended))
    }

    #[test]
    fn when_there_is_room_those_are_awaited_that_have_arrived_and_no_later_ones() {
        let (reading, incoming) = bounded(0);
        let mut arriving = Arriving::queued(&incoming, u64::MAX);
        let send = |count: usize| (0..count).for_each(|_| reading.send(end()).unwrap());
        // The fourth is taken only after the third was counted.
        send(4);
        assert!(!arriving.have_arrived(true));
        let awaited = arriving.awaited.unwrap();
        assert!(awaited >= 3);
        send(3);
        for _ in 0..awaited {
            assert!(!arriving.have_arrived(true));
            arriving.incoming().recv().unwrap();
            arriving.taken(true);
        }
        assert!(arriving.have_arrived(true));
        // Room that has gone is waited for anew.
        assert!(!arriving.have_arrived(false));
        assert_eq!(arriving.awaited, None);
    }

    #[test]
    fn what_was_sent_before_the_reading_side_has_gone_still_comes() {
        let (reading, incoming) = bounded(0);
        let arriving = Arriving::queued(&incoming, u64::MAX);
        drop(incoming);
        reading.send(end()).unwrap();
        reading.send(end()).unwrap();
        drop(reading);
        assert!(arriving.incoming().recv().is_ok());
        assert!(arriving.incoming().recv().is_ok());
        assert!(arriving.incoming().recv().is_err());
    }

    #[test]
    fn whoever_reads_finds_nobody_when_the_delivery_has_ended() {
        let (reading, incoming) = bounded(0);
        drop(Arriving::queued(&incoming, u64::MAX));
        drop(incoming);
        assert!(reading.send(end()).is_err());
    }

    #[test]
    fn the_queue_is_full_with_as_many_bytes_as_a_batch_or_as_many_archives_as_files_may_be_open() {
        let of = |length| Waiting {
            held: length,
            queue: VecDeque::from([end()]),
        };
        assert!(Waiting::default().has_room(0), "one archive of any size");
        assert!(of(99).has_room(100) && !of(100).has_room(100));
        let mut waiting = Waiting::default();
        while waiting.has_room(1) {
            waiting.push(end());
        }
        assert_eq!(waiting.queue.len(), MOST);
    }
}
