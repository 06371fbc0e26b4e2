//! pachd through its HTTP gateway, Pachyderm 2.8 and later: a transport that knows no call.
//!
//! Requests are protobuf messages in JSON without what is not set, answers the same with everything, and a stream is a
//! line of JSON a message. Addresses, tokens and times come as [`GatewayOptions`]. Which certificates `https://` trusts
//! is the system's matter, unless the options name some.
//!
//! | module | holds |
//! |---|---|
//! | `client` | connections, times, TLS: the only user of the HTTP library |
//! | `upload` | a body that comes bit by bit, its back pressure and its end |
//! | `stream`, `reader` | server streams as messages, or as a file's bytes |
//! | `error` | every known refusal and what it means, in one table |
//! | `address` | where the gateway is, and the token |
//!
//! Methods block. Inside, requests run on a small runtime that each [`Gateway`] owns, so they may be called from any
//! thread but those of an asynchronous runtime.

pub(crate) mod address;
mod client;
mod error;
mod reader;
mod stream;
mod upload;

#[cfg(test)]
mod tests;

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use self::client::{Heard, Incoming, LongAnswer};
use self::reader::{StreamReader, fault_of_stream};
use self::stream::Lines;
use crate::error::OpenError;
use crate::observing::CallEnd;
use crate::pachd::{Call, CallFault};
use crate::transport::{Answer, Arrival, Line, ListTime, Messages, Request, Subscription, Times, Transport};
use crate::v2::PachdV2;
use spoutctl_core::pfs::TransactionId;
use spoutctl_core::release::Release;

pub use self::address::Address;
pub use self::client::Client;
pub use crate::options::GatewayOptions;

/// pachd behind one address. Nothing is sent before the first call.
pub type Gateway = PachdV2<Client>;

impl Gateway {
    /// # Errors
    /// When the HTTP client cannot be set up: for `https://`, when the system's certificates cannot be read.
    pub fn new(options: GatewayOptions) -> Result<Self, OpenError> {
        let expected = options.expected.clone();
        Ok(Self::behind(Arc::new(Client::new(options)?), expected, None))
    }
}

impl Transport for Client {
    const SINCE: Release = Release::new(2, 8, 0);

    fn times(&self) -> Times {
        self.shared().times
    }

    fn has_token(&self) -> bool {
        self.shared().has_token
    }

    fn sends_token_in_clear(&self) -> bool {
        let address = self.address();
        self.shared().has_token && !address.is_https() && !address.is_loopback()
    }

    fn exchange<Q: Request, A: Answer>(
        &self,
        call: Call,
        message: Q,
        within: Duration,
        transaction: Option<&TransactionId>,
    ) -> Result<Option<A>, CallFault> {
        let request = client::encode(call, &message)?;
        let make = || self.post(call, request, within, transaction);
        let answer = self.shared().observed.call(call, make, |answer| match answer {
            Ok(None) => CallEnd::NoAnswer,
            answer => ended(answer, CallEnd::Answered),
        })?;
        answer.map(|answer| client::decode(call, &answer)).transpose()
    }

    fn open<Q: Request, A: Answer>(&self, call: Call, message: Q) -> Result<Box<dyn Messages<A> + '_>, CallFault> {
        Ok(Box::new(Listed {
            time: ListTime::of(self.times()),
            incoming: self.stream_observed(call, client::encode(call, &message)?)?,
            lines: Lines::default(),
        }))
    }

    /// The stream is silent for as long as nothing happens, and before the first message not even its status line comes
    /// (recording follow 020), so no time-out of ours applies. A default deployment's proxy cuts one that was silent
    /// for 600 s; that is a fault like any other, and whoever watches begins anew.
    fn listen<Q: Request, A: Answer>(
        &self,
        call: Call,
        message: Q,
    ) -> Result<Box<dyn Subscription<A> + '_>, CallFault> {
        let request = client::encode(call, &message)?;
        let answer = self
            .shared()
            .observed
            .call(call, || self.wait_for_stream(call, request), |_| CallEnd::Subscribed);
        Ok(Box::new(Followed {
            call,
            answer,
            lines: Lines::default(),
        }))
    }

    fn read<Q: Request>(&self, call: Call, message: Q) -> Result<Box<dyn Read + Send + '_>, CallFault> {
        let incoming = self.stream_observed(call, client::encode(call, &message)?)?;
        Ok(Box::new(StreamReader::new(incoming)))
    }

    fn send<Q: Line, A: Answer>(
        &self,
        call: Call,
        next: &mut dyn FnMut() -> io::Result<Option<Q>>,
        answer_limit: &dyn Fn() -> Duration,
    ) -> Result<A, CallFault> {
        let make = || upload::send(self, call, next, answer_limit);
        let answer = self
            .shared()
            .observed
            .call(call, make, |answer| ended(answer, CallEnd::Answered))?;
        client::decode(call, &answer)
    }
}

impl Client {
    fn stream_observed(&self, call: Call, request: Vec<u8>) -> Result<Incoming<'_>, CallFault> {
        let make = || self.stream(call, request);
        self.shared()
            .observed
            .call(call, make, |opened| ended(opened, CallEnd::Streams))
    }
}

fn ended<T>(result: &Result<T, CallFault>, good: CallEnd) -> CallEnd {
    CallEnd::of(result, good, |failed| failed.fault.to_string())
}

struct Listed<'a> {
    time: ListTime,
    incoming: Incoming<'a>,
    lines: Lines,
}

impl<A: DeserializeOwned> Messages<A> for Listed<'_> {
    fn next(&mut self) -> Result<Option<A>, CallFault> {
        let call = self.incoming.call();
        let mut time = self.time;
        let message = time.spend(|over| crate::pachd::broken_stream(call, over).into(), || self.wait());
        self.time = time;
        message
    }
}

impl Listed<'_> {
    fn wait<A: DeserializeOwned>(&mut self) -> Result<Option<A>, CallFault> {
        let call = self.incoming.call();
        let until = self.incoming.patience();
        loop {
            if let Some(message) = self.lines.next().map_err(|error| fault_of_stream(call, error))? {
                return Ok(Some(message));
            }
            let Some(piece) = self.incoming.next(until)? else {
                return Ok(self.lines.finish().map_err(|error| fault_of_stream(call, error))?);
            };
            self.lines.push(&piece);
        }
    }
}

struct Followed<'a> {
    call: Call,
    answer: LongAnswer<'a>,
    lines: Lines,
}

impl<A: DeserializeOwned> Subscription<A> for Followed<'_> {
    fn next(&mut self, limit: Duration) -> Result<Arrival<A>, CallFault> {
        loop {
            let message = self.lines.next();
            if let Some(message) = message.map_err(|error| fault_of_stream(self.call, error))? {
                return Ok(Arrival::Message(message));
            }
            match self.answer.next(limit)? {
                Heard::Silence => return Ok(Arrival::Silence),
                Heard::End => return Ok(Arrival::End),
                Heard::Piece(piece) => self.lines.push(&piece),
            }
        }
    }
}
