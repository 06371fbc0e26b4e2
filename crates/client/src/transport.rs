//! How a call gets to pachd and its answer back: bytes, statuses and streams. A transport knows no call by its meaning;
//! what pachd's words mean is [`crate::pachd`]'s table.

use std::fmt;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::pachd::{self, Call, CallFault};
use spoutctl_core::pfs::TransactionId;
use spoutctl_core::release::Release;
use spoutctl_proto::pfs::ModifyFileRequest;

/// What is asked, in either form.
pub trait Request: Message + Serialize + 'static {}

impl<T: Message + Serialize + 'static> Request for T {}

/// What is answered, in either form.
pub trait Answer: Message + Default + DeserializeOwned + 'static {}

impl<T: Message + Default + DeserializeOwned + 'static> Answer for T {}

/// One message of a stream that is sent, and in JSON one line of it.
pub trait Line: Message + 'static {
    /// # Errors
    /// When a value has no form in JSON.
    fn write_line(&self, text: &mut BytesMut) -> serde_json::Result<()>;
}

impl Line for ModifyFileRequest {
    fn write_line(&self, text: &mut BytesMut) -> serde_json::Result<()> {
        Self::write_line(self, text)
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// For one connection, its name's look-up and TLS included.
    pub connect: Duration,
    /// For one call that is no stream, from request to answer.
    pub call: Duration,
    /// How long a stream, up or down, may make no progress. Of a stream of messages, a part of one is none.
    pub idle: Duration,
    /// For a whole list, however much is in it: how long its messages are waited for, all together.
    pub list: Duration,
}

impl Default for Times {
    /// 10 s, 60 s, 60 s, an hour.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            call: Duration::from_mins(1),
            idle: Duration::from_mins(1),
            list: Duration::from_hours(1),
        }
    }
}

/// What is left of the time of a list: a server may send one without an end. Only what passes while a message is waited
/// for counts, not what its reader does in between.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListTime {
    limit: Duration,
    left: Duration,
}

impl ListTime {
    pub fn of(times: Times) -> Self {
        Self {
            limit: times.list,
            left: times.list,
        }
    }

    /// Waits for the next message, unless the time is over.
    ///
    /// # Errors
    /// Those of `wait`; what `over` makes of the words when the time is over.
    pub fn spend<T, E>(&mut self, over: impl FnOnce(String) -> E, wait: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        if self.left.is_zero() {
            return Err(over(format!("the list did not end within {}", seconds(self.limit))));
        }
        let began = Instant::now();
        let message = wait();
        self.left = self.left.saturating_sub(began.elapsed());
        message
    }
}

/// A way to pachd 2.x. Every method blocks, and ends by itself.
pub trait Transport: fmt::Debug + Send + Sync {
    /// The first release of Pachyderm that can be reached in this way.
    const SINCE: Release;

    fn times(&self) -> Times;

    /// Whether a token goes with each call.
    fn has_token(&self) -> bool;

    /// Whether everybody between here and pachd can read it.
    fn sends_token_in_clear(&self) -> bool;

    /// One message, and one in answer; `None` when `within` is over. With a transaction, the call becomes part of it.
    ///
    /// # Errors
    /// Any [`CallFault`].
    fn exchange<Q: Request, A: Answer>(
        &self,
        call: Call,
        message: Q,
        within: Duration,
        transaction: Option<&TransactionId>,
    ) -> Result<Option<A>, CallFault>;

    /// One message, and one in answer, within the time that calls have.
    ///
    /// # Errors
    /// Any [`CallFault`].
    fn ask<Q: Request, A: Answer>(&self, call: Call, message: Q) -> Result<A, CallFault> {
        let limit = self.times().call;
        in_time(call, limit, self.exchange(call, message, limit, None)?)
    }

    /// As [`Self::ask`]: the call becomes part of the transaction.
    ///
    /// # Errors
    /// As [`Self::ask`].
    fn ask_in<Q: Request, A: Answer>(&self, id: &TransactionId, call: Call, message: Q) -> Result<A, CallFault> {
        let limit = self.times().call;
        in_time(call, limit, self.exchange(call, message, limit, Some(id))?)
    }

    /// One message, and a stream in answer.
    ///
    /// # Errors
    /// Any [`CallFault`].
    fn open<Q: Request, A: Answer>(&self, call: Call, message: Q) -> Result<Box<dyn Messages<A> + '_>, CallFault>;

    /// One message, and a stream in answer that may stay silent, from its very beginning, for as long as it likes.
    ///
    /// # Errors
    /// Any [`CallFault`].
    fn listen<Q: Request, A: Answer>(&self, call: Call, message: Q)
    -> Result<Box<dyn Subscription<A> + '_>, CallFault>;

    /// One message, and a file's bytes in answer. Their end is an end only when pachd said so; anything else is an
    /// [`io::Error`] that holds a [`Fault`](spoutctl_core::fault::Fault), and stays one.
    ///
    /// # Errors
    /// Any [`CallFault`], as far as it comes in place of the first byte.
    fn read<Q: Request>(&self, call: Call, message: Q) -> Result<Box<dyn Read + Send + '_>, CallFault>;

    /// A stream of messages, and one in answer, for which `answer_limit` is waited after the last one was taken. What
    /// `next` fails with breaks the call off.
    ///
    /// # Errors
    /// Any [`CallFault`]; `Local` with what `next` failed with.
    fn send<Q: Line, A: Answer>(
        &self,
        call: Call,
        next: &mut dyn FnMut() -> io::Result<Option<Q>>,
        answer_limit: &dyn Fn() -> Duration,
    ) -> Result<A, CallFault>;
}

fn in_time<A>(call: Call, limit: Duration, answer: Option<A>) -> Result<A, CallFault> {
    answer.ok_or_else(|| pachd::lost(call, format!("no answer within {}", seconds(limit))).into())
}

/// A stream of messages.
pub trait Messages<A> {
    /// The next message; `None` at the stream's end, which pachd itself said. A silence that is too long is a fault.
    ///
    /// # Errors
    /// Any [`CallFault`]. One that comes after the first message is never `Unknown`: whoever reads asks again.
    fn next(&mut self) -> Result<Option<A>, CallFault>;
}

/// A stream of messages that may be silent.
pub trait Subscription<A> {
    /// What comes within `limit`.
    ///
    /// # Errors
    /// Any [`CallFault`].
    fn next(&mut self, limit: Duration) -> Result<Arrival<A>, CallFault>;
}

/// What comes of a stream.
#[derive(Debug)]
pub enum Arrival<A> {
    Message(A),
    /// Nothing, for as long as was waited.
    Silence,
    End,
}

/// `60 s`, `0.3 s`
pub(crate) fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list_time(limit: Duration) -> ListTime {
        ListTime::of(Times {
            list: limit,
            ..Times::default()
        })
    }

    #[test]
    fn a_list_is_given_up_for_what_was_waited() {
        let limit = Duration::from_millis(20);
        let mut time = list_time(limit);
        let wait = || {
            std::thread::sleep(limit);
            Ok(())
        };
        assert_eq!(time.spend(|over| over, wait), Ok(()));
        let over = time.spend(|over| over, || Ok(()));
        assert_eq!(over, Err("the list did not end within 0.02 s".to_owned()));
    }

    #[test]
    fn a_list_has_all_of_its_time_after_a_reader_who_took_his() {
        let limit = Duration::from_secs(1);
        let mut time = list_time(limit);
        assert_eq!(time.spend(|over| over, || Ok(1)), Ok(1));
        std::thread::sleep(limit);
        assert_eq!(time.spend(|over| over, || Ok(2)), Ok(2));
    }
}
