//! A stream of messages as one body of JSON lines, which becomes everything or nothing.
//!
//! Messages are read on the caller's thread and written out as text, which is sent in pieces of [`PIECE`] bytes and a
//! message; at most [`QUEUE`] pieces wait for the connection, and as much again lies in its buffers, so an upload
//! holds about 3 MiB, however large it is. A body that ends cleanly counts as complete, whatever it held. So it ends
//! only on an explicit [`Item::End`]; however else the sender goes away, the connection is broken off.
//!
//! It knows no HTTP library: the client takes its body as a stream.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::Stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::client::{self, Client};
use super::error::{self, Call, CallFault};
use crate::transport::Line;
use spoutctl_core::buffers::Buffers;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::quantity::grouped;

/// What a piece of the body has at least: many small files share one.
const PIECE: usize = 256 * 1024;
/// How many pieces may wait for the connection.
const QUEUE: usize = 3;
/// How many there are: those, one that is written, one that is sent.
const PIECES: usize = QUEUE + 2;

/// Sends all messages, and gives back the answer.
pub(super) fn send<Q: Line>(
    client: &Client,
    call: Call,
    next: &mut dyn FnMut() -> io::Result<Option<Q>>,
    answer_limit: &dyn Fn() -> Duration,
) -> Result<Bytes, CallFault> {
    let mut upload = Upload::start(client, call);
    let mut buffers = Buffers::new(PIECES);
    let mut text = BytesMut::new();
    loop {
        match next() {
            Err(error) => return Err(upload.abort(&error).into()),
            Ok(None) => break,
            Ok(Some(message)) => {
                let written = message.write_line(&mut text);
                written.map_err(|error| upload.abort(&error.into()))?;
            }
        }
        if text.len() >= PIECE {
            let piece = Item::Text(buffers.lend(text));
            upload.queue(piece).map_err(|stop| upload.stopped(stop))?;
            text = buffers.take();
            text.clear();
        }
    }
    if !text.is_empty() {
        let piece = Item::Text(text.freeze());
        upload.queue(piece).map_err(|stop| upload.stopped(stop))?;
    }
    Ok(upload.finish(answer_limit())?)
}

enum Item {
    Text(Bytes),
    /// All of the body was sent: it may end.
    End,
}

/// Why no more of the body is sent.
enum BodyStopped {
    /// The call is over before the body is: it was refused, or the connection broke.
    Answered(Result<Bytes, CallFault>),
    /// Nothing was taken from the body for too long.
    Stalled,
    /// Nothing will be taken any more: an answer, or what broke the connection, is about to come.
    Closed,
}

struct Upload<'a> {
    client: &'a Client,
    call: Call,
    body: mpsc::Sender<Item>,
    answer: JoinHandle<Result<Bytes, CallFault>>,
    /// Bytes that the connection took from the body.
    taken: Arc<AtomicU64>,
}

impl<'a> Upload<'a> {
    fn start(client: &'a Client, call: Call) -> Self {
        let (body, items) = mpsc::channel(QUEUE);
        let taken = Arc::new(AtomicU64::new(0));
        let shared = Arc::clone(client.shared());
        let stream = UploadBody {
            items,
            taken: Arc::clone(&taken),
            ended: false,
            paused: false,
        };
        Self {
            client,
            call,
            body,
            answer: client.spawn(async move { shared.send_stream(call, stream).await }),
            taken,
        }
    }

    /// Waits for room in the queue; meanwhile the server may answer, or stop reading.
    fn queue(&mut self, item: Item) -> Result<(), BodyStopped> {
        let idle = self.client.shared().times.idle;
        let (call, body, answer) = (self.call, &self.body, &mut self.answer);
        self.client.block_on(async {
            tokio::select! {
                biased;
                early = answer => Err(BodyStopped::Answered(joined(call, early))),
                room = body.reserve() => match room {
                    Ok(room) => {
                        room.send(item);
                        Ok(())
                    }
                    Err(_) => Err(BodyStopped::Closed),
                },
                () = sleep(idle) => Err(BodyStopped::Stalled),
            }
        })
    }

    /// Ends the body and waits for the answer.
    fn finish(mut self, answer_limit: Duration) -> Result<Bytes, Fault> {
        if let Err(stop) = self.queue(Item::End) {
            return Err(self.stopped(stop));
        }
        match self.client.block_on(self.wait_for_answer(answer_limit)) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(failed)) => Err(self.explained(failed)),
            Err(stop) => Err(self.stopped(stop)),
        }
    }

    /// As long as the connection still takes bytes, its progress counts; then pachd has this much time.
    async fn wait_for_answer(&mut self, answer_limit: Duration) -> Result<Result<Bytes, CallFault>, BodyStopped> {
        let shared = self.client.shared();
        let mut draining = true;
        let mut seen = self.taken.load(Ordering::Relaxed);
        let mut deadline = Instant::now() + shared.times.idle;
        loop {
            tokio::select! {
                biased;
                answer = &mut self.answer => return Ok(joined(self.call, answer)),
                () = self.body.closed(), if draining => {
                    draining = false;
                    deadline = Instant::now() + answer_limit;
                }
                () = sleep_until(deadline) => {
                    let now = self.taken.load(Ordering::Relaxed);
                    if !draining || now == seen {
                        return Err(BodyStopped::Stalled);
                    }
                    seen = now;
                    deadline = Instant::now() + shared.times.idle;
                }
            }
        }
    }

    /// This side failed: the connection is broken off, so that nothing of the body counts.
    fn abort(&mut self, why: &io::Error) -> Fault {
        self.answer.abort();
        error::local(self.call, why)
    }

    /// The fault to report when sending could not go on.
    fn stopped(&mut self, stop: BodyStopped) -> Fault {
        match stop {
            BodyStopped::Answered(answer) => self.early(answer),
            BodyStopped::Stalled => {
                self.answer.abort();
                error::lost(
                    self.call,
                    format!("no progress; {} of the body were taken", self.amount()),
                )
            }
            BodyStopped::Closed => {
                let answer = &mut self.answer;
                let late = self
                    .client
                    .block_on(async { timeout(client::ERROR_BODY_WAIT * 2, answer).await });
                if let Ok(answer) = late {
                    return self.early(joined(self.call, answer));
                }
                self.answer.abort();
                error::lost(
                    self.call,
                    format!("no answer; {} of the body were taken", self.amount()),
                )
            }
        }
    }

    fn early(&self, answer: Result<Bytes, CallFault>) -> Fault {
        match answer {
            Ok(_) => error::lost(
                self.call,
                format!("an answer came after {} and before the end of the body", self.amount()),
            ),
            Err(failed) => self.explained(failed),
        }
    }

    /// A connection that broke while we wrote may have carried a refusal that was never read: the library gives up at
    /// the first write that fails. So the refusal is asked for again, without a body.
    fn explained(&self, failed: CallFault) -> Fault {
        let taken = self.taken.load(Ordering::Relaxed);
        if failed.fault.kind != FaultKind::Unavailable || taken == 0 || failed.answered {
            return failed.fault;
        }
        let shared = self.client.shared();
        match self.client.block_on(shared.refusal_of(self.call, taken)) {
            Some(refusal) => refusal.fault,
            None => Fault {
                message: format!("{} (after {} of the body)", failed.fault.message, self.amount()),
                ..failed.fault
            },
        }
    }

    fn amount(&self) -> String {
        let bytes = self.taken.load(Ordering::Relaxed);
        format!("{} bytes", grouped(bytes))
    }
}

fn joined(call: Call, answer: Result<Result<Bytes, CallFault>, tokio::task::JoinError>) -> Result<Bytes, CallFault> {
    answer.unwrap_or_else(|e| Err(error::lost(call, format!("the upload stopped: {e}")).into()))
}

/// The body as the connection takes it.
struct UploadBody {
    items: mpsc::Receiver<Item>,
    taken: Arc<AtomicU64>,
    ended: bool,
    paused: bool,
}

impl Stream for UploadBody {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        // A pause after each piece: the library then looks for an answer before it writes on. Without it a fast
        // connection is written to until that fails, and a refusal that came meanwhile is lost.
        if !self.paused {
            self.paused = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Poll::Ready(item) = self.items.poll_recv(cx) else {
            return Poll::Pending;
        };
        self.paused = false;
        Poll::Ready(match item {
            Some(Item::Text(text)) => {
                self.taken.fetch_add(text.len() as u64, Ordering::Relaxed);
                Some(Ok(text))
            }
            Some(Item::End) => {
                self.ended = true;
                None
            }
            None => {
                self.ended = true;
                Some(Err(io::Error::other("the upload was broken off")))
            }
        })
    }
}
