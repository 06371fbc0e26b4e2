//! Server-sent events as messages.

use super::events::Event;
use super::{Columns, Dropped, Message, MessageError, MessageFault, Show, Splitter};

impl Splitter {
    pub(super) fn push_events<E: From<MessageError>>(&mut self, block: &[u8], show: Show<'_, E>) -> Result<(), E> {
        let mut rest = block;
        while !rest.is_empty() {
            let (taken, event) = self.events.take(rest);
            rest = &rest[taken..];
            match event {
                Some(event) => self.show_event(&event, show)?,
                None if self.events.is_something_else() => return Err(self.no_events().into()),
                None => {}
            }
        }
        if !self.goes_on && self.events.pending().is_some_and(|held| held >= self.limit) {
            return Err(self.error_at(self.events.begin(), self.too_long()).into());
        }
        Ok(())
    }

    /// Something else than an event stream would be passed over, line by line, and nothing would be said.
    fn no_events(&self) -> MessageError {
        self.error_at(0, MessageFault::NoEvents)
    }

    fn show_event<E: From<MessageError>>(&mut self, event: &Event, show: Show<'_, E>) -> Result<(), E> {
        if event.length >= self.limit as u64 {
            if !self.goes_on {
                return Err(self.error_at(event.offset, self.too_long()).into());
            }
            return self.show_oversized(event.offset, &event.data, event.length, show);
        }
        self.number += 1;
        show(Message {
            number: self.number,
            offset: event.offset,
            head: b"",
            body: &event.data,
            tail: b"\n",
            header: None,
            columns: Columns::Event {
                id: &event.id,
                kind: &event.kind,
            },
            is_null: false,
            fault: None,
        })
    }

    pub(super) fn finish_events<E: From<MessageError>>(&mut self) -> Result<Dropped, E> {
        let Some(held) = self.events.pending() else {
            if self.events.is_nothing_known() {
                return Err(self.no_events().into());
            }
            return Ok(Dropped(0));
        };
        self.end_within(self.events.begin(), held)
    }
}
