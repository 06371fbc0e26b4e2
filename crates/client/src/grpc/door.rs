//! gRPC as a way to pachd 2.x: what failed, and whether the call may have been carried out, in the words of the domain.

use std::io::{self, Read};
use std::time::Duration;

use super::calls::{Calls, Failed, Incoming, Listening};
use super::reader::{Content, broken};
use crate::pachd::{self, Call, CallFault};
use crate::transport::{Answer, Arrival, Line, Messages, Request, Subscription, Times, Transport};
use spoutctl_core::pfs::TransactionId;
use spoutctl_core::release::Release;

/// What a call's failure means.
pub(super) fn fault(call: Call, failed: Failed) -> CallFault {
    match failed {
        Failed::Said(code, text) => pachd::fault_of_words(call, i64::from(i32::from(code)), &text),
        Failed::Local(error) => pachd::local(call, &error).into(),
        Failed::Lost(text) => pachd::lost(call, text).into(),
        Failed::Unreached(text) => pachd::unreached(call, text).into(),
        Failed::Insecure(text) => pachd::refused(call, text).into(),
        // A proxy gave up on pachd, or is told to send nobody there; the call itself may have arrived.
        Failed::Stranger(408 | 429 | 502..=504, looks) => {
            pachd::lost(call, format!("no answer from pachd: {looks}")).into()
        }
        Failed::Stranger(413, looks) => pachd::too_large(call, looks).into(),
        Failed::Stranger(_, looks) => pachd::refused(
            call,
            format!("what answers there is no pachd that speaks gRPC: {looks}"),
        )
        .into(),
    }
}

impl Transport for Calls {
    const SINCE: Release = Release::new(2, 0, 0);

    fn times(&self) -> Times {
        Self::times(self)
    }

    fn has_token(&self) -> bool {
        Self::has_token(self)
    }

    fn sends_token_in_clear(&self) -> bool {
        let address = self.address();
        Self::has_token(self) && !address.is_tls() && !address.is_loopback()
    }

    fn exchange<Q: Request, A: Answer>(
        &self,
        call: Call,
        message: Q,
        within: Duration,
        transaction: Option<&TransactionId>,
    ) -> Result<Option<A>, CallFault> {
        let answer = match transaction {
            None => Self::ask(self, call, message, within),
            Some(id) => self.ask_in(id, call, message, within),
        };
        answer.map_err(|failed| fault(call, failed))
    }

    fn open<Q: Request, A: Answer>(&self, call: Call, message: Q) -> Result<Box<dyn Messages<A> + '_>, CallFault> {
        let incoming = self.list(call, message).map_err(|failed| fault(call, failed))?;
        Ok(Box::new(Told {
            call,
            incoming,
            has_begun: false,
        }))
    }

    fn listen<Q: Request, A: Answer>(
        &self,
        call: Call,
        message: Q,
    ) -> Result<Box<dyn Subscription<A> + '_>, CallFault> {
        let listening = Self::listen(self, call, message).map_err(|failed| fault(call, failed))?;
        Ok(Box::new(Followed { call, listening }))
    }

    fn read<Q: Request>(&self, call: Call, message: Q) -> Result<Box<dyn Read + Send + '_>, CallFault> {
        Ok(Box::new(Content::open(self, call, message, fault)?))
    }

    fn send<Q: Line, A: Answer>(
        &self,
        call: Call,
        next: &mut dyn FnMut() -> io::Result<Option<Q>>,
        answer_limit: &dyn Fn() -> Duration,
    ) -> Result<A, CallFault> {
        Self::send(self, call, next, answer_limit).map_err(|failed| fault(call, failed))
    }
}

/// A stream whose refusal may come in place of its first message.
struct Told<'a, A> {
    call: Call,
    incoming: Incoming<'a, A>,
    has_begun: bool,
}

impl<A> Messages<A> for Told<'_, A> {
    fn next(&mut self) -> Result<Option<A>, CallFault> {
        let has_begun = std::mem::replace(&mut self.has_begun, true);
        self.incoming.next().map_err(|failed| {
            if has_begun {
                broken(fault(self.call, failed)).into()
            } else {
                fault(self.call, failed)
            }
        })
    }
}

struct Followed<'a, A> {
    call: Call,
    listening: Listening<'a, A>,
}

impl<A> Subscription<A> for Followed<'_, A> {
    fn next(&mut self, limit: Duration) -> Result<Arrival<A>, CallFault> {
        self.listening.next(limit).map_err(|failed| fault(self.call, failed))
    }
}
