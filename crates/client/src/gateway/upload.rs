//! `CreateFileSet`: changes become one body of JSON lines, and the body becomes a file set or nothing.
//!
//! Changes are read on the caller's thread and written out as text in pieces of [`PIECE`] bytes; at most [`QUEUE`] pieces
//! wait for the connection, and as much again lies in its buffers, so an upload holds about 2 MiB however large it is.
//! A body that ends cleanly counts as complete, whatever it held. So it ends only on an explicit [`Item::End`]; however
//! else the sender goes away, the connection is broken off.
//!
//! It knows no HTTP library: the client takes its body as a stream.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures_util::stream::Stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::client::{self, Client};
use super::error::{self, CREATE_FILE_SET as CALL, CallFault};
use super::wire::FileSetAnswer;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::FileSetId;
use spoutctl_core::quantity::grouped;
use spoutctl_core::sink::{Change, Changes};

/// The size that pieces of the body have, about: many small files share one, a large one is cut into several.
const PIECE: usize = 256 * 1024;
/// How many pieces may wait for the connection.
const QUEUE: usize = 4;
/// How many bytes become text at once: a multiple of three, so that only the last part of a file's piece is padded.
const PART: usize = PIECE / 4 * 3;
/// pachd answers once the data are stored. Beside the time that every call has, it gets a second for each of these.
const BYTES_A_SECOND: u64 = 1 << 20;

/// Uploads all changes and answers the file set that holds them.
pub(super) fn create_file_set(client: &Client, changes: &mut dyn Changes) -> Result<FileSetId, Fault> {
    let mut upload = Upload::start(client);
    let mut text = String::with_capacity(PIECE + 1024);
    loop {
        match changes.next() {
            Err(e) => return Err(upload.abort(&e)),
            Ok(None) => break,
            Ok(Some(change)) => {
                write_change(change, &mut text, &mut |text| {
                    upload.send(std::mem::replace(text, new_piece()))
                })
                .map_err(|stop| upload.stopped(stop))?;
            }
        }
    }
    upload.send(text).map_err(|stop| upload.stopped(stop))?;
    upload.finish()
}

fn new_piece() -> String {
    String::with_capacity(PIECE + 1024)
}

/// Appends one change to `text`, and hands `text` over whenever it has become a piece.
fn write_change(
    change: Change<'_>,
    text: &mut String,
    hand_over: &mut dyn FnMut(&mut String) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let (verb, path, data) = match change {
        Change::Delete { path } => ("deleteFile", path, [].as_slice()),
        Change::Append { path, data } => ("addFile", path, data),
    };
    let path = serde_json::to_string(path).map_err(|e| Stop::Local(e.into()))?;
    text.push_str("{\"");
    text.push_str(verb);
    text.push_str("\":{\"path\":");
    text.push_str(&path);
    // Without `raw` an added file is empty (http 020).
    if !data.is_empty() {
        text.push_str(",\"raw\":\"");
        for part in data.chunks(PART) {
            BASE64.encode_string(part, text);
            if text.len() >= PIECE {
                hand_over(text)?;
            }
        }
        text.push('"');
    }
    text.push_str("}}\n");
    if text.len() >= PIECE {
        hand_over(text)?;
    }
    Ok(())
}

enum Item {
    Text(Bytes),
    /// All of the body was sent: it may end.
    End,
}

/// Why no more of the body is sent.
enum Stop {
    /// This side failed.
    Local(io::Error),
    /// The call is over before the body is: it was refused, or the connection broke.
    Answered(Result<Bytes, CallFault>),
    /// Nothing was taken from the body for too long.
    Stalled,
    /// Nothing will be taken any more: an answer, or what broke the connection, is about to come.
    Closed,
}

struct Upload<'a> {
    client: &'a Client,
    body: mpsc::Sender<Item>,
    answer: JoinHandle<Result<Bytes, CallFault>>,
    /// Bytes that the connection took from the body.
    taken: Arc<AtomicU64>,
}

impl<'a> Upload<'a> {
    fn start(client: &'a Client) -> Self {
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
            body,
            answer: client.spawn(async move { shared.send_stream(CALL, stream).await }),
            taken,
        }
    }

    /// Waits for room in the queue; meanwhile the server may answer, or stop reading.
    fn send(&mut self, text: String) -> Result<(), Stop> {
        if text.is_empty() {
            return Ok(());
        }
        self.queue(Item::Text(text.into()))
    }

    fn queue(&mut self, item: Item) -> Result<(), Stop> {
        let idle = self.client.shared().idle_timeout;
        let (body, answer) = (&self.body, &mut self.answer);
        self.client.block_on(async {
            tokio::select! {
                biased;
                early = answer => Err(Stop::Answered(joined(early))),
                room = body.reserve() => match room {
                    Ok(room) => {
                        room.send(item);
                        Ok(())
                    }
                    Err(_) => Err(Stop::Closed),
                },
                () = sleep(idle) => Err(Stop::Stalled),
            }
        })
    }

    /// Ends the body and waits for the answer.
    fn finish(mut self) -> Result<FileSetId, Fault> {
        if let Err(stop) = self.queue(Item::End) {
            return Err(self.stopped(stop));
        }
        match self.client.block_on(self.wait_for_answer()) {
            Ok(Ok(answer)) => {
                let answer: FileSetAnswer = client::decode(CALL, &answer)?;
                answer.id().map_err(|e| error::unreadable(CALL, e.to_string()))
            }
            Ok(Err(failed)) => Err(self.explained(failed)),
            Err(stop) => Err(self.stopped(stop)),
        }
    }

    /// As long as the connection still takes bytes, its progress counts; then pachd has time in proportion to the size.
    async fn wait_for_answer(&mut self) -> Result<Result<Bytes, CallFault>, Stop> {
        let shared = self.client.shared();
        let mut draining = true;
        let mut seen = self.taken.load(Ordering::Relaxed);
        let mut deadline = Instant::now() + shared.idle_timeout;
        loop {
            tokio::select! {
                biased;
                answer = &mut self.answer => return Ok(joined(answer)),
                () = self.body.closed(), if draining => {
                    draining = false;
                    deadline = Instant::now() + answer_time(shared.call_timeout, self.taken.load(Ordering::Relaxed));
                }
                () = sleep_until(deadline) => {
                    let now = self.taken.load(Ordering::Relaxed);
                    if !draining || now == seen {
                        return Err(Stop::Stalled);
                    }
                    seen = now;
                    deadline = Instant::now() + shared.idle_timeout;
                }
            }
        }
    }

    /// This side failed: the connection is broken off, so that nothing of the body counts.
    fn abort(&mut self, why: &io::Error) -> Fault {
        self.answer.abort();
        Fault::new(
            FaultKind::Local,
            format!(
                "{}: what was to be sent cannot be read: {why}; the upload was broken off",
                CALL.name
            ),
        )
    }

    /// The fault to report when sending could not go on.
    fn stopped(&mut self, stop: Stop) -> Fault {
        match stop {
            Stop::Local(e) => self.abort(&e),
            Stop::Answered(answer) => self.early(answer),
            Stop::Stalled => {
                self.answer.abort();
                error::lost(CALL, format!("no progress; {} of the body were taken", self.amount()))
            }
            Stop::Closed => {
                let answer = &mut self.answer;
                let late = self
                    .client
                    .block_on(async { timeout(client::ERROR_BODY_WAIT * 2, answer).await });
                if let Ok(answer) = late {
                    return self.early(joined(answer));
                }
                self.answer.abort();
                error::lost(CALL, format!("no answer; {} of the body were taken", self.amount()))
            }
        }
    }

    fn early(&self, answer: Result<Bytes, CallFault>) -> Fault {
        match answer {
            Ok(_) => error::lost(
                CALL,
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
        match self.client.block_on(shared.refusal_of(CALL, taken)) {
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

fn joined(answer: Result<Result<Bytes, CallFault>, tokio::task::JoinError>) -> Result<Bytes, CallFault> {
    answer.unwrap_or_else(|e| Err(error::lost(CALL, format!("the upload stopped: {e}")).into()))
}

fn answer_time(call_timeout: Duration, bytes: u64) -> Duration {
    call_timeout + Duration::from_secs(bytes / BYTES_A_SECOND)
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
