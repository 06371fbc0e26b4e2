//! The next message of what is held, by each framing.

use memchr::memchr;

use super::json::{self, Value};
use super::lengths::{self, Frame};
use super::{BYTE_ORDER_MARK, Cut, Framing, MessageFault, RECORD_SEPARATOR, Splitter, journal};

impl Splitter {
    /// The first message of what is held from `start`, if it is complete.
    pub(super) fn cut(&mut self, start: usize) -> Result<Option<Cut>, MessageFault> {
        match &self.framing {
            Framing::Lines | Framing::Nul | Framing::Delimiter(_) => Ok(self.cut_at_delimiter(start)),
            Framing::JsonLines => Ok(self.cut_json_line(start)),
            Framing::Csv(_) => Ok(self.cut_record(start)),
            Framing::Json => {
                let end = self.json.end(&self.held[start..], &mut self.looked);
                Ok(end.map(|(body, fault)| Cut {
                    body,
                    fault,
                    ..Cut::default()
                }))
            }
            Framing::JsonSequence => Ok(self.cut_text(start)),
            Framing::Netstring | Framing::OctetCounting | Framing::U32be | Framing::U32le | Framing::Varint => {
                self.cut_frame(start)
            }
            Framing::JournalExport => self.cut_entry(start),
            Framing::Events => Ok(None),
        }
    }

    /// White space before a JSON value, and blank lines before a CSV record of several columns or an entry, belong to
    /// nothing.
    pub(super) fn blank(&mut self, start: usize) -> usize {
        // Once a message has begun, they belong to it.
        if self.looked > 0 {
            return 0;
        }
        let held = &self.held[start..];
        match &self.framing {
            Framing::Json => json::blank(held),
            Framing::JsonSequence => {
                let is_blank = |byte: &u8| json::is_space(*byte) || *byte == RECORD_SEPARATOR;
                let length = held.iter().take_while(|byte| is_blank(byte)).count();
                self.separated |= held[..length].contains(&RECORD_SEPARATOR);
                length
            }
            Framing::Csv(_) if self.records.takes_empty_lines() => 0,
            Framing::Csv(_) => held.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count(),
            Framing::JournalExport => held.iter().take_while(|byte| **byte == b'\n').count(),
            _ => 0,
        }
    }

    pub(super) fn cut_at_delimiter(&mut self, start: usize) -> Option<Cut> {
        let held = &self.held[start..];
        let tail = self.finder.needle().len();
        // Its first bytes may have come with the last block.
        let from = self.looked.saturating_sub(tail - 1);
        self.looked = held.len();
        let at = match self.finder.needle() {
            [byte] => memchr(*byte, &held[from..]),
            _ => self.finder.find(&held[from..]),
        };
        at.map(|at| {
            let body = from + at;
            let gap = usize::from(self.framing == Framing::Lines && self.strips_return(&held[..body]));
            Cut {
                body: body - gap,
                gap,
                tail,
                ..Cut::default()
            }
        })
    }

    fn strips_return(&self, body: &[u8]) -> bool {
        self.strips_returns && body.ends_with(b"\r")
    }

    /// A line that holds nothing is no message; one that is no JSON value is none that can be taken.
    fn cut_json_line(&mut self, start: usize) -> Option<Cut> {
        let cut = self.cut_at_delimiter(start)?;
        let line = &self.held[start..][..cut.body];
        let head = if line.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len()
        } else {
            0
        };
        let body = line[head..].trim_ascii_end();
        Some(Cut {
            head,
            body: body.len(),
            tail: line.len() - head - body.len() + cut.tail,
            is_blank: body.is_empty(),
            fault: json::fault(body),
            ..Cut::default()
        })
    }

    fn cut_record(&mut self, start: usize) -> Option<Cut> {
        let held = &self.held[start..];
        let (body, tail) = self.records.end(held, &mut self.looked)?;
        let gap = usize::from(self.strips_return(&held[..body]));
        Some(Cut {
            body: body - gap,
            gap,
            tail,
            fault: self.records.fault(),
            ..Cut::default()
        })
    }

    fn cut_text(&mut self, start: usize) -> Option<Cut> {
        let held = &self.held[start..];
        let next = memchr(RECORD_SEPARATOR, &held[self.looked..]).map(|at| self.looked + at);
        if !self.separated {
            let why =
                format!("it does not begin with a record separator (0x{RECORD_SEPARATOR:02x}), as RFC 7464 has it");
            self.looked = held.len();
            // Where nothing follows it, the first byte is enough: how much is held must not matter.
            let end = if self.goes_on { next } else { held.first().map(|_| 1) };
            return end.map(|body| Cut {
                body,
                fault: Some(MessageFault::NotJson { why }),
                ..Cut::default()
            });
        }
        let found = self.json.end(&held[..next.unwrap_or(held.len())], &mut self.looked);
        let cut = match (found, next) {
            (Some((body, fault)), _) => Cut {
                body,
                fault,
                ..Cut::default()
            },
            (None, Some(body)) => Cut {
                body,
                fault: Some(MessageFault::NotJson {
                    why: "it was cut off: the next one begins before it ends".to_owned(),
                }),
                ..Cut::default()
            },
            (None, None) => return None,
        };
        self.json = Value::default();
        self.separated = false;
        Some(cut)
    }

    fn cut_entry(&mut self, start: usize) -> Result<Option<Cut>, MessageFault> {
        let end = self.entry.end(&self.held[start..], &mut self.looked);
        // What is too long is so before it is wrong: how much is held must not matter.
        let end = end.map_err(|journal::NotAnEntry(why)| {
            if self.looked > self.limit {
                self.too_long()
            } else {
                MessageFault::NotAnEntry { why }
            }
        })?;
        Ok(end.map(|body| Cut {
            body,
            tail: 1,
            ..Cut::default()
        }))
    }

    fn cut_frame(&mut self, start: usize) -> Result<Option<Cut>, MessageFault> {
        let held = &self.held[start..];
        let Some(frame) = self.frame_of(held)? else {
            return Ok(None);
        };
        if frame.length() > self.limit {
            return Err(self.too_long());
        }
        if held.len() < frame.length() {
            return Ok(None);
        }
        if frame.tail > 0 && held[frame.length() - 1] != b',' {
            return Err(MessageFault::NoComma);
        }
        Ok(Some(frame.into()))
    }

    /// Bytes of the frame that is held, whose length is said.
    pub(super) fn frame(&self) -> Option<usize> {
        self.frame_of(&self.held).ok()?.map(Frame::length)
    }

    /// What is held says of the frame that it begins with; `None` also where messages say no lengths.
    fn frame_of(&self, held: &[u8]) -> Result<Option<Frame>, MessageFault> {
        match self.framing {
            Framing::Netstring => lengths::netstring(held),
            Framing::OctetCounting => lengths::octet_count(held),
            Framing::U32be => Ok(lengths::four_bytes(held, u32::from_be_bytes)),
            Framing::U32le => Ok(lengths::four_bytes(held, u32::from_le_bytes)),
            Framing::Varint => lengths::varint(held),
            _ => Ok(None),
        }
    }
}
