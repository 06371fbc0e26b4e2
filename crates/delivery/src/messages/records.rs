//! Records of a source with partitions, as Kafka's topics have them: each is a message, and of each partition it is
//! known where it goes on.
//!
//! The order of a partition is that in which its records come; between partitions there is none. What a source has to
//! offer is [`RecordSource`]; a record that comes a second time is a fault, and ends the reading.
//!
//! Memory: one record, framed, and what [`super::packing`] holds.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

pub use super::error::SourceError;
use super::error::{MessageFault, PackError};
use super::framing::{Columns, Framing, Message, push_varint};
use super::packing::{Moment, Packed, Packer, Packing};
pub use super::record::{Header, Record};
use spoutctl_core::positions::Positions;

/// What comes from a source.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    Record(Record<'a>),
    /// A partition goes on there, whatever came of it so far: it is new, or somebody wants to go on behind what is
    /// lost.
    Placed {
        topic: &'a str,
        partition: u32,
        next: u64,
    },
}

/// Why a source shows nothing more for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// It has shown something.
    Something,
    /// Nothing came until the moment that was named.
    Silence,
    /// It was to be read to its end, and that is here.
    End,
    /// We were told to end, and it goes on without us.
    Stop,
}

/// Whoever is shown what comes.
pub type Show<'a> = dyn FnMut(Event<'_>) -> Result<(), PackError> + 'a;

/// Records that come when they come.
pub trait RecordSource {
    /// Waits for something until `until` at most, and shows it. Of each partition records come in their order, each
    /// once.
    ///
    /// # Errors
    /// Why it cannot be read any further, or what `show` says.
    fn next(&mut self, until: Option<Instant>, show: &mut Show<'_>) -> Result<Came, PackError>;

    /// Tells where partitions go on behind what is no record: the end of a transaction, or one that was aborted. It is
    /// asked only when everything that came was shown.
    fn passed(&mut self, _tell: &mut dyn FnMut(&str, u32, u64)) {}

    fn now(&self) -> Moment;
}

/// How a record becomes a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Its value, told apart from others in this way.
    Value(Framing),
    /// A line of JSON with all that is known of it.
    Envelope,
}

/// Makes messages of records.
struct Framer {
    form: Form,
    /// The longest message that is taken.
    limit: usize,
    /// Whether several come into one file, where they have to be told apart.
    shares_file: bool,
    /// Of the record in hand.
    head: Vec<u8>,
    body: Vec<u8>,
    fault: Option<MessageFault>,
}

impl Framer {
    fn message<'a>(&'a mut self, record: &'a Record<'a>, number: u64) -> Message<'a> {
        self.head.clear();
        self.body.clear();
        let (body, tail) = match &self.form {
            Form::Envelope => {
                // Writing to memory cannot fail, and strings and numbers are JSON always.
                let _ = serde_json::to_writer(&mut self.body, &Envelope(record));
                (self.body.as_slice(), &b"\n"[..])
            }
            Form::Value(framing) => {
                let value = record.value.unwrap_or_default();
                let tail: &[u8] = match framing {
                    Framing::Nul => b"\0",
                    Framing::Delimiter(delimiter) => delimiter,
                    Framing::Netstring => {
                        let length = record.value.map_or("-1".to_owned(), |value| value.len().to_string());
                        self.head.extend_from_slice(length.as_bytes());
                        self.head.push(b':');
                        b","
                    }
                    Framing::U32be | Framing::U32le => {
                        let length = record
                            .value
                            .map(|value| u32::try_from(value.len()).unwrap_or(u32::MAX - 1));
                        let length = length.unwrap_or(u32::MAX);
                        self.head.extend_from_slice(&match framing {
                            Framing::U32be => length.to_be_bytes(),
                            _ => length.to_le_bytes(),
                        });
                        b""
                    }
                    Framing::Varint => {
                        push_varint(&mut self.head, value.len());
                        b""
                    }
                    _ => b"\n",
                };
                (value, tail)
            }
        };
        let has_no_headers = self.form == Form::Envelope && record.headers.is_none();
        self.fault = fault(body, tail, &self.form, self.limit, self.shares_file)
            .or_else(|| has_no_headers.then_some(MessageFault::HeaderName));
        Message {
            number,
            offset: record.offset,
            head: &self.head,
            body,
            tail,
            header: None,
            columns: Columns::Record(record),
            is_null: record.value.is_none() && self.form != Form::Envelope,
            fault: self.fault.as_ref(),
        }
    }
}

/// Why a value cannot be taken, if it cannot.
fn fault(body: &[u8], tail: &[u8], form: &Form, limit: usize, shares_file: bool) -> Option<MessageFault> {
    if body.len() > limit {
        let length = body.len() as u64;
        return Some(MessageFault::Oversized { limit, length });
    }
    let is_delimited = matches!(form, Form::Value(Framing::Lines | Framing::Nul | Framing::Delimiter(_)));
    let holds_end = shares_file && is_delimited && memchr::memmem::find(body, tail).is_some();
    holds_end.then(|| MessageFault::HoldsEnd {
        end: tail.escape_ascii().to_string(),
    })
}

/// A record as JSON. What is no UTF-8 is base64, and named so.
struct Envelope<'a>(&'a Record<'a>);

impl Serialize for Envelope<'_> {
    fn serialize<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error> {
        let record = self.0;
        let mut map = json.serialize_map(None)?;
        map.serialize_entry("topic", record.topic)?;
        map.serialize_entry("partition", &record.partition)?;
        map.serialize_entry("offset", &record.offset)?;
        map.serialize_entry("timestamp", &record.time.map(|time| time.to_string()))?;
        bytes(&mut map, "key", "key_base64", record.key)?;
        map.serialize_entry("headers", &record.headers.map(Headers))?;
        bytes(&mut map, "value", "value_base64", record.value)?;
        map.end()
    }
}

struct Headers<'a>(&'a [Header<'a>]);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error> {
        let mut list = json.serialize_seq(Some(self.0.len()))?;
        for header in self.0 {
            list.serialize_element(&OneHeader(header))?;
        }
        list.end()
    }
}

struct OneHeader<'a>(&'a Header<'a>);

impl Serialize for OneHeader<'_> {
    fn serialize<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error> {
        let mut map = json.serialize_map(Some(2))?;
        map.serialize_entry("name", self.0.name)?;
        bytes(&mut map, "value", "value_base64", self.0.value)?;
        map.end()
    }
}

fn bytes<M: SerializeMap>(map: &mut M, name: &str, base64: &str, value: Option<&[u8]>) -> Result<(), M::Error> {
    match value.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => map.serialize_entry(name, &None::<&str>),
        Some((_, Ok(text))) => map.serialize_entry(name, text),
        Some((bytes, Err(_))) => map.serialize_entry(base64, &STANDARD.encode(bytes)),
    }
}

/// What records become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFormat {
    pub form: Form,
    /// The longest message that is taken, in bytes.
    pub limit: usize,
    /// Whether several come into one file.
    pub shares_file: bool,
}

/// Hands over an archive as soon as it is complete, and what is left at the end. `positions` are those at which the
/// source begins to show records.
///
/// # Errors
/// What keeps it from going on; `packing` says how far it came.
pub fn pack_records(
    source: &mut dyn RecordSource,
    format: RecordFormat,
    packer: Packer,
    positions: Positions,
    packing: &mut Packing,
    done: &mut dyn FnMut(Packed) -> std::io::Result<()>,
) -> Result<(), PackError> {
    let mut packer = packer.from_partitions(positions);
    let mut hand_over = |packed: Packed| {
        packing.messages += packed.messages.count();
        packing.archives += 1;
        done(packed).map_err(PackError::Output)
    };
    let framer = Framer {
        form: format.form,
        limit: format.limit,
        shares_file: format.shares_file,
        head: Vec::new(),
        body: Vec::new(),
        fault: None,
    };
    let read = read_all(source, framer, &mut packer, &mut hand_over);
    packing.tally = packer.tally().clone();
    match read {
        // Whoever takes the archives has gone.
        Err(PackError::Output(_)) => read.map(drop),
        read => {
            packer.close(&mut hand_over)?;
            packing.stopped = read? == Came::Stop;
            Ok(())
        }
    }
}

fn read_all(
    source: &mut dyn RecordSource,
    mut framer: Framer,
    packer: &mut Packer,
    hand_over: &mut dyn FnMut(Packed) -> Result<(), PackError>,
) -> Result<Came, PackError> {
    let mut number = 0;
    loop {
        let now = source.now();
        let deadline = packer.deadline();
        if deadline.is_some_and(|deadline| deadline <= now.instant) {
            pass(source, packer);
            packer.close(hand_over)?;
            continue;
        }
        let came = source.next(deadline, &mut |event| match event {
            Event::Placed { topic, partition, next } => {
                packer.place(topic, partition, next);
                Ok(())
            }
            Event::Record(record) => {
                number += 1;
                let message = framer.message(&record, number);
                packer.add(&message, now, hand_over)
            }
        })?;
        match came {
            Came::Something | Came::Silence => {}
            Came::End | Came::Stop => {
                pass(source, packer);
                return Ok(came);
            }
        }
    }
}

/// Of the archive in hand it is said where partitions go on behind what is no record, too.
fn pass(source: &mut dyn RecordSource, packer: &mut Packer) {
    source.passed(&mut |topic, partition, next| packer.pass(topic, partition, next));
}

#[cfg(test)]
mod tests;
