//! Messages that are too long to be taken, on their way past.

use memchr::memchr;

use super::json::Value;
use super::{
    Columns, Dropped, Framing, Message, MessageError, MessageFault, Passing, RECORD_SEPARATOR, Show, Splitter, journal,
};

impl Splitter {
    /// What is held is the front of a message that is too long.
    pub(super) fn begin_passing(&mut self) {
        let mut passing = Passing {
            offset: self.offset,
            kept: Vec::new(),
            length: 0,
            left: self.frame().map(|length| length as u64),
        };
        self.pass(&mut passing);
        self.passing = Some(passing);
    }

    /// Lets go of what was looked at, but for what the end of a message may begin with.
    fn pass(&mut self, passing: &mut Passing) {
        let count = match &mut passing.left {
            Some(left) => {
                let count = usize::try_from(*left).map_or(self.held.len(), |left| left.min(self.held.len()));
                *left -= count as u64;
                count
            }
            None => self.looked.saturating_sub(self.finder.needle().len()),
        };
        self.let_go(passing, count);
        self.looked = self.looked.saturating_sub(count);
    }

    fn let_go(&mut self, passing: &mut Passing, count: usize) {
        let room = self.limit.saturating_sub(passing.kept.len());
        passing.kept.extend_from_slice(&self.held[..count.min(room)]);
        passing.length += count as u64;
        self.offset += count as u64;
        self.held.drain(..count);
    }

    /// Goes behind a message that is too long, as soon as its end has come; whether it did.
    pub(super) fn pass_by<E: From<MessageError>>(&mut self, show: Show<'_, E>) -> Result<bool, E> {
        let Some(mut passing) = self.passing.take() else {
            return Ok(false);
        };
        let end = match passing.left {
            Some(_) => None,
            None => self.cut_end(passing.offset)?,
        };
        match end {
            Some(end) => self.let_go(&mut passing, end),
            None => self.pass(&mut passing),
        }
        if end.is_none() && passing.left != Some(0) {
            self.passing = Some(passing);
            return Ok(false);
        }
        (self.looked, self.json, self.separated) = (0, Value::default(), false);
        self.show_oversized(passing.offset, &passing.kept, passing.length, show)?;
        Ok(true)
    }

    /// The input ends in a message that is too long: that is all of it, unless its length said that more would come.
    pub(super) fn finish_passing<E: From<MessageError>>(
        &mut self,
        passing: &Passing,
        show: Show<'_, E>,
    ) -> Result<Dropped, E> {
        let length = passing.length + std::mem::take(&mut self.held).len() as u64;
        if passing.left.is_none() {
            self.show_oversized(passing.offset, &passing.kept, length, show)?;
            return Ok(Dropped(0));
        }
        self.end_within(passing.offset, usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Where the message ends that is on its way past, if that is known: behind its end. It began at `offset`.
    fn cut_end<E: From<MessageError>>(&mut self, offset: u64) -> Result<Option<usize>, E> {
        Ok(match &self.framing {
            Framing::Csv(_) => self
                .records
                .end(&self.held, &mut self.looked)
                .map(|(body, tail)| body + tail),
            Framing::Json => self.json.find(&self.held, &mut self.looked),
            Framing::JsonSequence => {
                let next = memchr(RECORD_SEPARATOR, &self.held[self.looked..]).map(|at| self.looked + at);
                let text = &self.held[..next.unwrap_or(self.held.len())];
                let end = if self.separated {
                    self.json.find(text, &mut self.looked)
                } else {
                    None
                };
                if end.is_none() {
                    self.looked = text.len();
                }
                end.or(next)
            }
            Framing::JournalExport => {
                let end = self.entry.end(&self.held, &mut self.looked);
                let end =
                    end.map_err(|journal::NotAnEntry(why)| self.error_at(offset, MessageFault::NotAnEntry { why }));
                end?.map(|body| body + 1)
            }
            _ => self.cut_at_delimiter(0).map(|cut| cut.length()),
        })
    }

    pub(super) fn show_oversized<E: From<MessageError>>(
        &mut self,
        offset: u64,
        kept: &[u8],
        length: u64,
        show: Show<'_, E>,
    ) -> Result<(), E> {
        self.number += 1;
        let fault = MessageFault::Oversized {
            limit: self.limit,
            length,
        };
        show(Message {
            number: self.number,
            offset,
            head: b"",
            body: kept,
            tail: b"",
            header: self.header.as_deref(),
            columns: Columns::Tabs,
            is_null: false,
            fault: Some(&fault),
        })
    }
}
