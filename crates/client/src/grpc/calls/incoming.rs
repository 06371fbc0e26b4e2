//! Streams of messages that a server sends.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::{Response, Streaming};

use super::connecting::Heard;
use super::link::{CUT, Failed, Link, Sent, has_ended};
use crate::transport::{Arrival, ListTime, seconds};

/// A stream of messages that may be silent.
pub(in crate::grpc) struct Listening<'a, A> {
    pub(super) link: &'a Link,
    /// Of the connection that it is on.
    pub(super) heard: Heard,
    /// Until the server has answered at all.
    pub(super) opening: Option<JoinHandle<Result<Response<Streaming<A>>, Sent>>>,
    pub(super) incoming: Option<Incoming<'a, A>>,
}

impl<A> Listening<'_, A> {
    /// What comes within `limit`.
    pub fn next(&mut self, limit: Duration) -> Result<Arrival<A>, Failed> {
        if let Some(incoming) = &mut self.incoming {
            return incoming.next_within(limit);
        }
        let Some(opening) = &mut self.opening else {
            return Ok(Arrival::End);
        };
        let link = self.link;
        let opened = link.engine.block_on(async { timeout(limit, opening).await });
        let Ok(opened) = opened else {
            return Ok(Arrival::Silence);
        };
        self.opening = None;
        let answer = match opened {
            Ok(Ok(answer)) => answer,
            Ok(Err(Sent::Status(status))) => return Err(link.failed(&status)),
            Ok(Err(Sent::Unready(error))) => return Err(link.failed_to_send(error.as_ref())),
            Err(panicked) => return Err(Failed::Lost(panicked.to_string())),
        };
        let incoming = self.incoming.insert(Incoming {
            link,
            heard: self.heard.clone(),
            is_over: has_ended(answer.metadata()),
            messages: answer.into_inner(),
            list_time: None,
        });
        incoming.next_within(limit)
    }
}

impl<A> Drop for Listening<'_, A> {
    fn drop(&mut self) {
        if let Some(opening) = &self.opening {
            opening.abort();
        }
    }
}

/// A stream of messages.
pub(in crate::grpc) struct Incoming<'a, A> {
    pub(super) link: &'a Link,
    /// Of the connection that it is on, which may be none that other calls get any more.
    pub(super) heard: Heard,
    pub(super) messages: Streaming<A>,
    pub(super) is_over: bool,
    /// Of a list.
    pub(super) list_time: Option<ListTime>,
}

impl<A> Incoming<'_, A> {
    /// The next message; `None` at the stream's end, which its last words say. A silence that is too long is a fault.
    pub fn next(&mut self) -> Result<Option<A>, Failed> {
        let Some(mut time) = self.list_time else {
            return self.wait();
        };
        let message = time.spend(Failed::Lost, || self.wait());
        self.list_time = Some(time);
        message
    }

    fn wait(&mut self) -> Result<Option<A>, Failed> {
        let limit = self.link.times.idle;
        match self.next_within(limit)? {
            Arrival::Message(message) => Ok(Some(message)),
            Arrival::End => Ok(None),
            Arrival::Silence => {
                self.link.give_up(&self.heard);
                Err(Failed::Lost(format!("the stream was silent for {}", seconds(limit))))
            }
        }
    }

    /// As [`Self::next`], but a silence for so long is none: it may be asked again then.
    pub fn next_within(&mut self, limit: Duration) -> Result<Arrival<A>, Failed> {
        let messages = &mut self.messages;
        let message = self
            .link
            .engine
            .block_on(async { timeout(limit, messages.message()).await });
        match message {
            Err(_) => Ok(Arrival::Silence),
            Ok(Ok(Some(message))) => Ok(Arrival::Message(message)),
            Ok(Ok(None)) => self.end().map(|()| Arrival::End),
            Ok(Err(status)) => Err(self.link.failed(&status)),
        }
    }

    fn end(&mut self) -> Result<(), Failed> {
        if self.is_over {
            return Ok(());
        }
        let messages = &mut self.messages;
        let limit = self.link.times.idle;
        let trailers = self
            .link
            .engine
            .block_on(async { timeout(limit, messages.trailers()).await });
        match trailers {
            Ok(Ok(Some(trailers))) if has_ended(&trailers) => {
                self.is_over = true;
                Ok(())
            }
            Ok(Err(status)) => Err(self.link.failed(&status)),
            Ok(Ok(_)) | Err(_) => Err(Failed::Lost(CUT.to_owned())),
        }
    }
}
